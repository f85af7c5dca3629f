//! Containers: one thread follows each engine and stores its last answers; a reading takes those and adds the counters
//! of the control groups. An engine that hangs blocks its own thread only; the metrics continue.

mod ask;
mod describe;
mod engine;
mod event;
mod find;
mod group;
mod known;
mod recent_events;
mod stats;
mod usage;
mod watch;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::{CollectCx, Collector, OpenCx};
use crate::{
    clock::{Clock, Stamp},
    model::{
        container::{Container, ContainerSample, NetworkOf, RunState},
        engine_address::EngineAddress,
        event::Sample,
        fault::Fault,
    },
    sys::root::Root,
};
use engine::Follower;
use usage::Counters;

/// How often to look for sockets that did not exist at the start.
const RESCAN: Duration = Duration::from_secs(30);
/// Read at least this often even when no container runs and no engine sends events.
const REST: Duration = Duration::from_secs(10);

/// Opens the source: follows every engine with a socket, or named by the environment.
///
/// # Errors
/// [`Fault::Absent`] where no engine is found.
pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    let mut source = Containers {
        root: cx.root.clone(),
        clock: cx.clock,
        more: cx.settings.engines.clone(),
        engines: Vec::new(),
        looked: cx.clock.now(),
        seen: Vec::new(),
        changes: 0,
        resting: false,
        list: Vec::new(),
        counters: Counters::default(),
    };
    source.find_engines(cx.clock.now());
    match source.engines.is_empty() {
        true => Err(Fault::Absent(find::looked_at(&cx.root))),
        false => Ok(Box::new(source)),
    }
}

/// Addresses of every engine with a socket, or named by the environment.
pub(super) fn engines(cx: &OpenCx) -> Vec<EngineAddress> {
    find::engines(&cx.root, &cx.settings.engines).into_iter().map(|found| found.address).collect()
}

struct Containers {
    root: Root,
    clock: Clock,
    /// Addresses from the config.
    more: Vec<EngineAddress>,
    engines: Vec<Follower>,
    looked: Stamp,
    /// The generation of each engine's containers that `list` was built from, and which engines answered then.
    seen: Vec<(u64, bool)>,
    /// The engines' state at the last reading.
    changes: u64,
    /// No container is running, and no engine has a fault that a rule counts the seconds of.
    resting: bool,
    list: Vec<Arc<Container>>,
    counters: Counters,
}

impl Containers {
    /// Starts following new engines. An engine is never dropped: one that is down may return.
    fn find_engines(&mut self, now: Stamp) {
        self.looked = now;
        for found in find::engines(&self.root, &self.more) {
            if self.engines.iter().any(|engine| *engine.address() == found.address) {
                continue;
            }
            let Ok(number) = u16::try_from(self.engines.len()) else { return };
            self.engines.push(Follower::start(number, found, self.clock));
        }
    }

    /// Whether each engine is the first under its id: one engine reached in two ways counts once, preferably over the
    /// address that lets us read its control groups.
    fn speak(&self) -> Vec<bool> {
        let ids: Vec<Option<String>> = self.engines.iter().map(Follower::id).collect();
        let better = |a: usize, b: usize| (self.engines[a].is_local(), b) > (self.engines[b].is_local(), a);
        let twin = |at: usize| {
            (0..ids.len()).any(|other| other != at && ids[at].is_some() && ids[other] == ids[at] && better(other, at))
        };
        (0..ids.len()).map(|at| !twin(at)).collect()
    }
}

impl Collector for Containers {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        if cx.at.since(self.looked) >= RESCAN {
            self.find_engines(cx.at);
        }
        self.changes = self.engines.iter().map(Follower::changes).sum();
        // Before their containers: an engine that says here that it has listed them has all of them below. The threads
        // that follow the engines do not wait for a reading.
        let mut engines: Vec<_> = self.engines.iter().map(Follower::describe).collect();
        let speak = self.speak();
        engines.iter_mut().zip(&speak).for_each(|(engine, speaks)| engine.twin = !speaks);
        let seen: Vec<(u64, bool)> = self.engines.iter().map(Follower::generation).zip(speak.iter().copied()).collect();
        let speakers = || self.engines.iter().zip(&speak).filter(|(_, speaks)| **speaks).map(|(engine, _)| engine);
        if seen != self.seen {
            self.list = speakers().flat_map(Follower::containers).collect();
            self.list.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id)));
            self.seen = seen;
        }
        let mut usages = BTreeMap::new();
        for engine in speakers() {
            usages.append(&mut engine.usages());
        }
        // Local containers without a readable group of their own: their engine counts them.
        let mut uncounted: BTreeMap<u16, BTreeSet<String>> = BTreeMap::new();
        self.counters.begin(&self.root);
        for container in &self.list {
            let local = engines.get(usize::from(container.engine)).is_some_and(|e| e.local);
            if local && container.pid > 0 && matches!(container.state, RunState::Running | RunState::Paused) {
                match self.counters.read(&self.root, container) {
                    Some(usage) => drop(usages.insert(container.id.clone(), usage)),
                    None => drop(uncounted.entry(container.engine).or_default().insert(container.id.clone())),
                }
            }
            // In a shared network namespace the traffic is not the container's own.
            if container.network() != NetworkOf::Own
                && let Some(usage) = usages.get_mut(&container.id)
            {
                (usage.rx_bytes, usage.tx_bytes) = (None, None);
            }
        }
        self.counters.end();
        for (number, engine) in (0..).zip(&self.engines).filter(|(_, engine)| engine.is_local()) {
            engine.count_these(uncounted.remove(&number).unwrap_or_default());
        }
        let moves = |c: &Arc<Container>| !matches!(c.state, RunState::Exited | RunState::Created);
        let well = engines.iter().all(|engine| engine.fault.is_none());
        self.resting = well && usages.is_empty() && !self.list.iter().any(moves);
        Ok(Sample::Containers(ContainerSample { engines, containers: self.list.clone(), usages }))
    }

    fn rest(&self) -> Option<Duration> {
        self.resting.then_some(REST)
    }

    fn is_called(&self) -> bool {
        self.resting && self.engines.iter().map(Follower::changes).sum::<u64>() != self.changes
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Write, copy},
        net::{Shutdown, TcpListener},
        os::unix::net::UnixStream,
        sync::atomic::{AtomicBool, AtomicUsize, Ordering},
        thread,
        time::Instant,
    };

    use super::*;
    use crate::{
        collect::testing,
        interest::Interest,
        model::container::Engine,
        sys::engine::testing::{Act, FakeEngine, VERSION, answer, gives, hangs_after},
    };

    /// The first sample of these engines that is as wanted, and the source.
    fn until(
        engines: Vec<EngineAddress>,
        wanted: impl Fn(&ContainerSample) -> bool,
    ) -> (ContainerSample, Box<dyn Collector>) {
        let mut cx = testing::open_cx(Root::fixture("homelab"));
        cx.settings.engines = engines;
        let mut source = open(&cx).expect("an engine");
        let want = Interest::default();
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let sample = source.collect(&CollectCx::new(cx.clock.now(), &want));
            let Ok(Sample::Containers(sample)) = sample else { panic!("{sample:?}") };
            if wanted(&sample) {
                return (sample, source);
            }
            assert!(Instant::now() < deadline, "{sample:?}");
            thread::yield_now();
        }
    }

    /// The engines and containers after the first answers.
    fn settled(listed: &str, one: &'static str, other: Act) -> (Vec<Engine>, Vec<(String, String)>) {
        let (sample, _) = settled_source(listed, one, other);
        let name = |c: &Arc<Container>| (c.name.clone(), c.word().to_owned());
        let names = sample.containers.iter().map(name).collect();
        (sample.engines, names)
    }

    fn settled_source(listed: &str, one: &'static str, other: Act) -> (ContainerSample, Box<dyn Collector>) {
        let engine = FakeEngine::new([
            ("/version", gives(VERSION)),
            ("/info", gives(r#"{"ID":"x"}"#)),
            ("/containers/json", gives(listed)),
            ("/containers/aa/json", gives(one)),
            ("/containers/bb/json", other),
            ("/events", hangs_after("\n")),
        ]);
        // On a machine with too much to do an answer is late; the follower asks again.
        let late = |sample: &ContainerSample| sample.engines.iter().any(|e| e.fault == Some(Fault::Timeout));
        until(vec![engine.address()], |sample| sample.is_settled() && !late(sample))
    }

    const LIST: &str =
        r#"[{"Id":"aa","Names":["/web"],"State":"running"},{"Id":"bb","Names":["/db"],"State":"thawing"}]"#;
    const WEB: &str = r#"{"Id":"aa","Name":"/web","State":{"Status":"running"}}"#;

    fn names(states: &[(String, String)]) -> String {
        states.iter().map(|(name, state)| format!("{name} {state}")).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn an_unknown_state_costs_neither_engine_nor_container() {
        let (engines, states) =
            settled(LIST, WEB, gives(r#"{"Id":"bb","Name":"/db","State":{"Status":"thawing","Pid":[]}}"#));
        assert_eq!((engines[0].fault.clone(), engines[0].version.as_deref()), (None, Some("9.8.7")));
        assert_eq!(names(&states), "db thawing, web running");
    }

    #[test]
    fn one_that_cannot_be_inspected_stays_as_listed() {
        let (engines, states) = settled(LIST, WEB, gives(r#"{"Id": 5, "State": [}"#));
        let why = engines[0].why().expect("a fault");
        assert!(
            why.starts_with("1 of 2 containers could not be inspected: GET /containers/bb/json: not JSON"),
            "{why}"
        );
        assert_eq!(names(&states), "db thawing, web running");
    }

    #[test]
    fn a_list_that_is_none_is_a_fault() {
        let (engines, states) = settled("<html>", WEB, gives(""));
        assert!(engines[0].why().is_some_and(|why| why.starts_with("GET /containers/json: not JSON")), "{engines:?}");
        assert!(states.is_empty() && !engines[0].listed);
    }

    #[test]
    fn an_engine_that_fails_is_read_in_each_round() {
        let stopped = gives(r#"{"Id":"bb","Name":"/db","State":{"Status":"exited"}}"#);
        let one = r#"{"Id":"aa","Name":"/web","State":{"Status":"exited"}}"#;
        for (listed, rest) in [(LIST, Some(REST)), ("<html>", None)] {
            let (_, source) = settled_source(listed, one, stopped.clone());
            assert_eq!(source.rest(), rest, "{listed}");
        }
    }

    /// An address in the network that leads to the socket of an engine.
    fn over_the_network(engine: &FakeEngine) -> EngineAddress {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let (port, socket) = (listener.local_addr().expect("bound").port(), engine.socket());
        thread::spawn(move || {
            for mut outer in listener.incoming().map_while(Result::ok) {
                let Ok(mut inner) = UnixStream::connect(&socket) else { return };
                let mut ends = (outer.try_clone().expect("an end"), inner.try_clone().expect("an end"));
                thread::spawn(move || {
                    let _ = copy(&mut ends.0, &mut ends.1);
                    let _ = ends.1.shutdown(Shutdown::Both);
                });
                thread::spawn(move || {
                    let _ = copy(&mut inner, &mut outer);
                    let _ = outer.shutdown(Shutdown::Both);
                });
            }
        });
        EngineAddress::new(&format!("tcp://127.0.0.1:{port}"))
    }

    #[test]
    fn an_engine_that_is_reached_in_two_ways_counts_once() {
        let engine = || {
            FakeEngine::new([
                ("/version", gives(VERSION)),
                ("/info", gives(r#"{"ID":"x"}"#)),
                ("/containers/json", gives(r#"[{"Id":"aa","Names":["/web"],"State":"running"}]"#)),
                ("/containers/aa/json", gives(WEB)),
                ("/events", hangs_after("\n")),
            ])
        };
        let (first, second) = (engine(), engine());
        let twins = |addresses: Vec<EngineAddress>| {
            let (sample, _) = until(addresses, |sample| sample.engines.iter().all(|e| e.listed && e.fault.is_none()));
            assert_eq!(sample.containers.len(), 1);
            sample.engines.iter().map(|engine| engine.twin).collect::<Vec<_>>()
        };
        assert_eq!(twins(vec![first.address(), second.address()]), [false, true], "the first");
        let far = over_the_network(&first);
        assert_eq!(twins(vec![far, second.address()]), [true, false], "the one whose control groups can be read");
    }

    #[test]
    fn an_engine_counts_running_containers_without_a_group() {
        let listed = |id: &str| format!(r#"{{"Id":"{id}","Names":["/{id}"],"State":"running"}}"#);
        let one = |id: &str, pid: u32, network: &str| {
            let state = format!(r#""State":{{"Status":"running","Pid":{pid}}}"#);
            gives(format!(r#"{{"Id":"{id}","Name":"/{id}",{state},"HostConfig":{{"NetworkMode":"{network}"}}}}"#))
        };
        let figures = r#"{"memory_stats":{"usage":5},"networks":{"eth0":{"rx_bytes":11,"tx_bytes":12}}}"#;
        let engine = FakeEngine::new([
            ("/version", gives(VERSION)),
            ("/info", gives(r#"{"ID":"x"}"#)),
            ("/containers/json", gives(format!("[{},{},{}]", listed("aa"), listed("bb"), listed("cc")))),
            ("/containers/aa/json", one("aa", 7, "bridge")),
            ("/containers/bb/json", one("bb", 0, "bridge")),
            ("/containers/cc/json", one("cc", 9, "host")),
            ("/containers/aa/stats", gives(figures)),
            ("/containers/bb/stats", gives(figures)),
            ("/containers/cc/stats", gives(figures)),
            ("/events", hangs_after("\n")),
        ]);
        let (sample, _) = until(vec![engine.address()], |sample| sample.is_settled() && sample.usages.len() > 1);
        let found: Vec<_> =
            sample.usages.iter().map(|(id, usage)| (id.as_str(), usage.memory_bytes, usage.rx_bytes)).collect();
        // In the host's network the traffic is that of all.
        assert_eq!(found, [("aa", Some(5), Some(11)), ("cc", Some(5), None)], "one without a process is not counted");
    }

    #[test]
    fn a_socket_that_appears_later_is_followed() {
        let engines = [(); 2].map(|()| FakeEngine::new([("/version", gives(VERSION))]));
        let folder = tempfile::tempdir().expect("a folder");
        let mut cx = testing::open_cx(Root::new(folder.path()));
        cx.clock = Clock::stopped();
        assert!(matches!(open(&cx), Err(Fault::Absent(why)) if why.contains("var/run/docker.sock")));
        cx.settings.engines = vec![engines[0].address()];
        let mut source = open(&cx).expect("an engine");
        std::fs::create_dir_all(folder.path().join("var/run")).expect("a folder");
        std::os::unix::fs::symlink(engines[1].socket(), folder.path().join("var/run/docker.sock")).expect("a link");
        let want = Interest::default();
        let counts = [29, 30, 60].map(|second| {
            let at = cx.clock.now().plus(Duration::from_secs(second));
            match source.collect(&CollectCx::new(at, &want)) {
                Ok(Sample::Containers(sample)) => sample.engines.len(),
                other => panic!("{other:?}"),
            }
        });
        assert_eq!(counts, [1, 2, 2]);
        assert_eq!(super::engines(&cx).len(), 2);
    }

    #[test]
    fn a_source_at_rest_is_called_by_a_change() {
        let (started, count) = (Arc::new(AtomicBool::new(false)), AtomicUsize::new(0));
        let now = started.clone();
        let events: Act = Arc::new(move |stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            while !now.load(Ordering::Acquire) {
                thread::sleep(Duration::from_millis(5));
            }
            let event = "{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"ID\":\"aa\"}}\n";
            let _ = stream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes());
            let _ = std::io::Read::read(stream, &mut [0; 1]);
        });
        let one: Act = Arc::new(move |stream| {
            let state = if count.fetch_add(1, Ordering::AcqRel) == 0 { "exited" } else { "running" };
            let text = format!(r#"{{"Id":"aa","Name":"/web","State":{{"Status":"{state}"}}}}"#);
            let _ = stream.write_all(&answer(200, &text));
        });
        let engine = FakeEngine::new([
            ("/version", gives(VERSION)),
            ("/info", gives(r#"{"ID":"x"}"#)),
            ("/containers/json", gives(r#"[{"Id":"aa","Names":["/web"],"State":"exited"}]"#)),
            ("/containers/aa/json", one),
            ("/events", events),
        ]);
        let (_, mut source) = until(vec![engine.address()], ContainerSample::is_settled);
        let want = Interest::default();
        let cx = CollectCx::new(Stamp::at_seconds(1), &want);
        source.collect(&cx).expect("a sample");
        assert_eq!((source.rest(), source.is_called()), (Some(REST), false));
        started.store(true, Ordering::Release);
        let deadline = Instant::now() + Duration::from_secs(30);
        while !source.is_called() {
            assert!(Instant::now() < deadline, "the container started");
            thread::yield_now();
        }
        source.collect(&cx).expect("a sample");
        assert_eq!((source.rest(), source.is_called()), (None, false));
    }

    #[test]
    fn containers_are_sorted_by_name_and_then_by_id() {
        let listed = r#"[{"Id":"bb","Names":["/web"],"State":"exited"},{"Id":"aa","Names":["/web"],"State":"exited"}]"#;
        let (sample, _) = settled_source(listed, r#"{"Id":"aa","Name":"/web"}"#, gives(r#"{"Id":"bb","Name":"/web"}"#));
        let ids: Vec<&str> = sample.containers.iter().map(|c| c.id.as_str()).collect();
        assert_eq!(ids, ["aa", "bb"]);
    }
}
