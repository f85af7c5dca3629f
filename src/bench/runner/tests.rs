//! Suites of invented benchmarks: what is said of them, and what they leave.

use std::{path::PathBuf, sync::mpsc::Receiver};

use super::*;
use crate::{
    bench::{
        contract::{FigureDef, RunCx},
        scratch,
    },
    clock::Clock,
    model::{
        bench::{BenchKey, Plan, RunPlan},
        run::Better,
        unit::Unit,
    },
    sys::{exec::System, root::Root},
};

static FIGURES: &[FigureDef] = &[
    FigureDef { id: "first", title: "first", unit: Unit::Seconds, better: Better::Lower },
    FigureDef { id: "second", title: "second", unit: Unit::Count, better: Better::Higher },
];

/// A benchmark that is a function.
struct Does<F>(F);

impl<F: FnMut(&mut dyn RunCx) -> Result<Measured, Stop> + Send> Work for Does<F> {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        (self.0)(cx)
    }
}

struct House {
    folder: tempfile::TempDir,
    env: Env,
    parts: Vec<Part>,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let env = Env {
            clock: Clock::start(),
            exec: Arc::new(System),
            root: Root::default(),
            locks: vec![folder.path().to_owned()],
            journals: folder.path().join("journals"),
            quiet: Duration::ZERO,
        };
        House { folder, env, parts: Vec::new() }
    }

    fn does(
        mut self,
        name: &str,
        time: Duration,
        work: impl FnMut(&mut dyn RunCx) -> Result<Measured, Stop> + Send + 'static,
    ) -> Self {
        let plan = Plan { of: "x".to_owned(), time, ..Plan::default() };
        let key = BenchKey { bench: name.to_owned(), of: "x".to_owned() };
        self.parts.push(Part { key, figures: FIGURES, plan, work: Box::new(Does(work)) });
        self
    }

    fn start(&mut self) -> (Handle, Receiver<RunEvent>) {
        let plan = RunPlan { id: "b1".to_owned(), parts: Vec::new(), checks: Vec::new() };
        let fingerprint = Fingerprint::from([("kernel".to_owned(), "6.18".to_owned())]);
        let suite = Suite { plan, fingerprint, parts: std::mem::take(&mut self.parts) };
        let (tx, rx) = channel();
        let handle = start(suite, self.env.clone(), Arc::new(move |event| _ = tx.send(event))).expect("a thread");
        (handle, rx)
    }

    /// All events but progress, to the end.
    fn run(&mut self) -> Vec<RunEvent> {
        let (_, events) = self.start();
        events.iter().filter(|event| !matches!(event, RunEvent::Progress(_))).collect()
    }
}

fn report(events: &[RunEvent]) -> (bool, &str) {
    match events.last() {
        Some(RunEvent::Ended { stopped, report, .. }) => (*stopped, report),
        other => panic!("not ended: {other:?}"),
    }
}

const LONG: Duration = Duration::from_secs(600);

#[test]
fn steady_samples_end_at_five_and_all_is_said() {
    let mut house = House::new().does("steady", LONG, |cx| {
        cx.progress(RunPhase::Measuring, None, Vec::new());
        while cx.sample(0, 2.0) {
            cx.sample(1, 7.0);
        }
        cx.sample(0, f64::NAN);
        let fingerprint = Fingerprint::from([("method".to_owned(), "test 1".to_owned())]);
        Ok(Measured { fingerprint, notes: vec!["noted".to_owned()] })
    });
    let events = house.run();
    let [RunEvent::Began { batch, queue, .. }, RunEvent::Measured { runs, .. }, _] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((batch.as_str(), queue[0].to_string().as_str()), ("b1", "steady of x"));
    let of = |run: &Run| (run.id.clone(), run.benchmark.clone(), run.samples.clone(), run.better);
    assert_eq!(of(&runs[0]), ("b1-1".to_owned(), "first".to_owned(), vec![2.0; 5], Better::Lower));
    assert_eq!(of(&runs[1]), ("b1-2".to_owned(), "second".to_owned(), vec![7.0; 4], Better::Higher));
    assert_eq!(runs[0].fingerprint.get("kernel").map(String::as_str), Some("6.18"));
    assert_eq!(runs[0].fingerprint.get("method").map(String::as_str), Some("test 1"));
    assert_eq!(runs[0].notes, ["noted"]);
    assert_eq!(report(&events), (false, "1 measured in 0s"));
}

#[test]
fn noisy_samples_end_at_thirty_or_when_time_is_up() {
    let noise = |cx: &mut dyn RunCx| {
        let mut i = 0;
        loop {
            i += 1;
            if !cx.sample(0, if i % 2 == 0 { 1.0 } else { 2.0 }) {
                return Ok(Measured::default());
            }
        }
    };
    // What measures once by design was not cut short.
    let once = |cx: &mut dyn RunCx| {
        cx.sample(0, 50.0);
        Ok(Measured::default())
    };
    let mut house =
        House::new().does("noisy", LONG, noise).does("short", Duration::ZERO, noise).does("once", LONG, once);
    let events = house.run();
    let lengths: Vec<(usize, usize)> = events
        .iter()
        .filter_map(|event| match event {
            RunEvent::Measured { runs, .. } => Some((runs[0].samples.len(), runs[0].notes.len())),
            _ => None,
        })
        .collect();
    assert_eq!(lengths, [(30, 0), (1, 1), (1, 0)], "the note says that the time was over");
}

#[test]
fn failures_and_panics_end_one_benchmark() {
    let mut house = House::new()
        .does("fails", LONG, |_| Err(Stop::Failed("no space: delete something".to_owned())))
        .does("panics", LONG, |_| panic!("index out of bounds"))
        .does("idle", LONG, |_| Ok(Measured::default()))
        .does("works", LONG, |cx| {
            while cx.sample(0, 1.0) {}
            Ok(Measured::default())
        });
    let events = house.run();
    let failed: Vec<&str> = events
        .iter()
        .filter_map(|event| match event {
            RunEvent::Failed { why, .. } => Some(why.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(
        failed,
        [
            "no space: delete something",
            "it failed inside benchtop (index out of bounds): --log says where",
            "not a single sample could be taken in its time"
        ]
    );
    assert_eq!(report(&events), (false, "1 measured, 3 failed in 0s"));
}

#[test]
fn stopped_within_a_second_and_what_was_made_is_removed() {
    let mut house = House::new();
    let place = house.folder.path().to_owned();
    let mut house = house_with(&mut house, place.clone());
    let (handle, events) = house.start();
    let made = loop {
        match events.recv_timeout(Duration::from_secs(20)).expect("an event") {
            RunEvent::Progress(progress) if progress.phase == RunPhase::Measuring => break progress.beside[0].clone(),
            _ => {}
        }
    };
    assert!(std::fs::symlink_metadata(&made).is_ok(), "{made}");
    let asked = Instant::now();
    handle.stop();
    let events: Vec<RunEvent> = events.iter().collect();
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    assert_eq!(report(&events), (true, "stopped, 0 measured"));
    assert!(events.iter().any(|event| matches!(event, RunEvent::Failed { why, .. } if why == "stopped")));
    assert!(std::fs::symlink_metadata(&made).is_err(), "it is removed");
    assert_eq!(std::fs::read_dir(&house.env.journals).expect("the folder").count(), 0);
    assert!(!events.iter().any(|event| matches!(event, RunEvent::Progress(p) if p.key.bench == "after")));
}

/// One that makes a folder and waits, and one that comes after it.
fn house_with(house: &mut House, place: PathBuf) -> House {
    let house = std::mem::replace(house, House::new());
    house
        .does("waits", LONG, move |cx| {
            let made = scratch::folder(cx, &place)?;
            cx.progress(RunPhase::Measuring, None, vec![made.display().to_string()]);
            cx.stop().sleep(LONG)?;
            Ok(Measured::default())
        })
        .does("after", LONG, |_| Ok(Measured::default()))
}

#[test]
fn a_second_run_is_refused_while_one_is_under_way() {
    let mut house = House::new();
    let place = house.folder.path().to_owned();
    let mut house = house_with(&mut house, place);
    let (handle, events) = house.start();
    assert!(matches!(events.recv(), Ok(RunEvent::Began { .. })));
    let events = house.run();
    let (stopped, words) = report(&events);
    assert!(!stopped && words.starts_with("nothing was run: another benchmark is under way: "), "{words}");
    assert_eq!(events.len(), 1, "nothing began");
    assert!(!handle.is_over());
    handle.stop();
}

#[test]
fn without_a_journal_nothing_is_made() {
    let mut house = House::new().does("works", LONG, |_| Ok(Measured::default()));
    std::fs::write(&house.env.journals, "a file").expect("written");
    let events = house.run();
    assert!(report(&events).1.starts_with("nothing was run: the journal in "), "{events:?}");
}
