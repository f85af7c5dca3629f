//! Images, volumes, networks and build cache of every engine, requested while a view of them is open. The answer makes
//! an engine walk its whole storage, so requests are rare, and each engine has its own worker: a slow one delays no
//! other.

mod ask;

use std::time::Duration;

use super::{
    CollectCx, Collector, OpenCx,
    container::engines,
    worker::{Setup, Worker},
};
use crate::{
    clock::Stamp,
    model::{
        answer::Answer,
        engine_address::EngineAddress,
        event::Sample,
        fault::Fault,
        store::{StoreSample, Stored},
    },
};

/// Time between two requests.
const EVERY: Duration = Duration::from_secs(60);
/// How often to check for a pending answer.
const OFTEN: Duration = Duration::from_millis(250);
/// Answers have size limits of their own; TLS and JSON need some stack.
const SETUP: Setup = Setup { name: "stores", stack: 2 << 20, patience: Duration::MAX };

/// Opens the source; sends nothing until it is wanted.
///
/// # Errors
/// None.
pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    Ok(Box::new(Stores { cx: cx.clone(), engines: Vec::new(), looked: None }))
}

struct Stores {
    cx: OpenCx,
    engines: Vec<Engine>,
    /// When engines were last searched for.
    looked: Option<Stamp>,
}

/// One engine and its objects.
struct Engine {
    address: EngineAddress,
    worker: Worker<EngineAddress, Result<Vec<Stored>, String>>,
    asked: Option<Stamp>,
    /// Our operations completed at the last request.
    acts: u64,
    answer: Answer<Vec<Stored>>,
}

impl Engine {
    fn new(address: EngineAddress) -> Self {
        let worker = Worker::new(SETUP, || Box::new(|address, _| ask::everything(&address)));
        Engine { address, worker, asked: None, acts: 0, answer: Answer::default() }
    }

    /// Takes its answer, and sends a request when due.
    fn read(&mut self, cx: &CollectCx<'_>) {
        if let Some(reply) = self.worker.poll(Duration::ZERO) {
            match reply.outcome.and_then(|answer| answer.map_err(Fault::Broken)) {
                Ok(objects) => self.answer.update(objects, cx.at),
                Err(fault) => self.answer.fault = Some(fault),
            }
        }
        let due = self.asked.is_none_or(|asked| cx.at.since(asked) >= EVERY) || self.acts != cx.want.acts_done;
        if due && self.worker.is_idle() {
            (self.acts, self.asked) = (cx.want.acts_done, Some(cx.at));
            if let Err(fault) = self.worker.ask(self.address.clone(), cx.at) {
                self.answer.fault = Some(fault);
            }
        }
    }

    fn why(&self) -> Option<String> {
        self.answer.fault.as_ref().map(Fault::to_string)
    }
}

impl Stores {
    fn find_engines(&mut self, now: Stamp) {
        self.looked = Some(now);
        let mut before = std::mem::take(&mut self.engines);
        for address in engines(&self.cx) {
            let known = before.iter().position(|engine| engine.address == address);
            self.engines.push(known.map_or_else(|| Engine::new(address), |at| before.remove(at)));
        }
    }
}

impl Collector for Stores {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        if self.looked.is_none_or(|at| cx.at.since(at) >= EVERY) {
            self.find_engines(cx.at);
        }
        self.engines.iter_mut().for_each(|engine| engine.read(cx));
        let engines = &self.engines;
        let answered = |engine: &Engine| engine.answer.is_settled();
        Ok(Sample::Stores(StoreSample {
            asking: engines.iter().any(|engine| !engine.worker.is_idle()),
            answered: engines.is_empty() || engines.iter().any(answered),
            faults: engines.iter().filter_map(|engine| Some((engine.address.clone(), engine.why()?))).collect(),
            objects: engines.iter().flat_map(|engine| engine.answer.value.iter().cloned()).collect(),
        }))
    }

    fn hurry(&self) -> Option<Duration> {
        self.engines.iter().any(|engine| !engine.worker.is_idle()).then_some(OFTEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        collect::testing::open_cx,
        interest::Interest,
        sys::{
            engine::testing::{FakeEngine, VERSION, gives, hangs_after},
            root::Root,
        },
    };

    #[test]
    fn a_slow_engine_delays_no_other() {
        const DF: &str = r#"{"Images":[{"Id":"sha256:aaaaaaaaaaaaaaaa","RepoTags":["web:1"],"Size":100}]}"#;
        let quick = FakeEngine::new([
            ("/version", gives(VERSION)),
            ("/containers/json", gives("[]")),
            ("/networks", gives("[]")),
            ("/system/df", gives(DF)),
        ]);
        let slow = FakeEngine::new([("/version", gives(VERSION)), ("/containers/json", hangs_after("["))]);
        let mut cx = open_cx(Root::fixture("homelab"));
        cx.settings.engines = vec![slow.address(), quick.address()];
        let mut source = Stores { cx, engines: Vec::new(), looked: None };
        let mut want = Interest::default();
        let mut read = |want: &Interest, second| match source.collect(&CollectCx::new(Stamp::at_seconds(second), want))
        {
            Ok(Sample::Stores(sample)) => sample,
            other => panic!("{other:?}"),
        };
        let first = read(&want, 1);
        assert!(first.asking && !first.answered && first.objects.is_empty(), "{first:?}");
        let sample = loop {
            let sample = read(&want, 2);
            if sample.answered {
                break sample;
            }
            std::thread::yield_now();
        };
        assert_eq!(sample.objects.iter().map(|object| object.name.as_str()).collect::<Vec<_>>(), ["web:1"]);
        assert!(sample.asking && sample.faults.is_empty(), "the slow one is pending: {sample:?}");
        let asked = || quick.asked.lock().expect("the log").iter().filter(|path| path.ends_with("/df")).count();
        assert_eq!(asked(), 1);
        want.acts_done = 1;
        while asked() < 2 {
            read(&want, 3);
            std::thread::yield_now();
        }
    }

    #[test]
    fn an_engine_that_is_known_keeps_its_answer() {
        const DF: &str = r#"{"Images":[{"Id":"sha256:aaaaaaaaaaaaaaaa","RepoTags":["web:1"],"Size":100}]}"#;
        let engine = FakeEngine::new([
            ("/version", gives(VERSION)),
            ("/containers/json", gives("[]")),
            ("/networks", gives("[]")),
            ("/system/df", gives(DF)),
        ]);
        let mut cx = open_cx(Root::fixture("homelab"));
        cx.settings.engines = vec![engine.address()];
        let mut source = Stores { cx, engines: Vec::new(), looked: None };
        let want = Interest::default();
        let mut read = |second: u64| {
            let sample = source.collect(&CollectCx::new(Stamp::at_seconds(second), &want));
            let Ok(Sample::Stores(sample)) = sample else { panic!("{sample:?}") };
            (sample, source.hurry())
        };
        let (first, hurry) = read(1);
        assert_eq!((first.asking, hurry), (true, Some(OFTEN)));
        while !read(2).0.answered {
            std::thread::yield_now();
        }
        let (sample, hurry) = read(3);
        assert_eq!((sample.asking, sample.objects.len(), hurry), (false, 1, None));
        let asked = || engine.asked.lock().expect("the log").iter().filter(|path| path.ends_with("/df")).count();
        read(60);
        assert_eq!(asked(), 1, "not yet due");
        let (again, hurry) = read(61);
        assert_eq!((again.objects.len(), again.asking, hurry), (1, true, Some(OFTEN)), "what it said stays");
    }
}
