//! When a server is asked and probed.

use super::*;
use crate::model::service::target::ServiceUrl;

#[test]
fn who_does_not_serve_is_asked_less_often() {
    use ServerState::{Asleep, Broken, Loading, NotAServer, TooOld, Unauthorised, Unreachable, Up, Waiting};
    let of = ModelServerTarget::new("a", ServiceUrl::parse("http://127.0.0.1:1").expect("a URL"));
    let every = |kind: Kind, origin: Origin, state: ServerState, own: Option<u64>| {
        let of = ModelServerTarget { every: own.map(Duration::from_secs), ..of.clone() };
        let mut target = Target::new(of, origin, Some(kind), ProbeSettings::default());
        target.server.state = state;
        target.every().as_secs()
    };
    let (ours, port, why) = (Origin::Configured, Origin::Port, || "so".to_owned());
    for state in [Waiting, Up, Loading, Asleep] {
        assert_eq!(every(Kind::LlamaCpp, ours, state.clone(), None), 1, "it logs nothing: {state:?}");
        assert_eq!(every(Kind::Vllm, ours, state.clone(), None), 10);
        assert_eq!(every(Kind::Vllm, ours, state, Some(3)), 3);
    }
    assert_eq!(every(Kind::LlamaCpp, ours, Unreachable(why()), None), 10);
    assert_eq!(every(Kind::LlamaCpp, ours, Unreachable(why()), Some(30)), 30);
    for state in [Unauthorised(why()), TooOld(why()), Broken(why()), NotAServer(why())] {
        assert_eq!(every(Kind::LlamaCpp, ours, state, None), 60);
    }
    assert_eq!(every(Kind::LlamaCpp, port, NotAServer(why()), None), 600, "it may be anything");
}

const NOW: u64 = 1000;

/// A server of that kind that is up and has one idle model in memory, and is to be probed each 100 s.
fn probed_target(kind: Kind) -> Target {
    use crate::model::model_server::{Model, Reading};
    let of = ModelServerTarget::new("a", ServiceUrl::parse("http://127.0.0.1:1").expect("a URL"));
    let probe = ProbeSettings { enabled: true, every: Duration::from_secs(100) };
    let mut target = Target::new(of, Origin::Configured, Some(kind), probe);
    let model = Model { name: "m".into(), state: ModelState::Loaded, expires: Some(Expiry::Never), ..Model::default() };
    target.server.state = ServerState::Up;
    target.server.at = Some(Stamp::at_seconds(NOW));
    target.server.reading = Arc::new(Reading { models: vec![model], ..Reading::default() });
    target.rounds = 2;
    target.probed = Some(Stamp::at_seconds(NOW - 100));
    target
}

/// What is asked of it now, after `change`.
fn due(kind: Kind, change: impl FnOnce(&mut Target)) -> Option<Subject> {
    let mut target = probed_target(kind);
    change(&mut target);
    target.due_probe(Stamp::at_seconds(NOW))
}

fn model(target: &mut Target) -> &mut crate::model::model_server::Model {
    &mut Arc::make_mut(&mut target.server.reading).models[0]
}

#[test]
fn a_server_that_a_request_changes_nothing_of_is_probed() {
    for kind in [Kind::Ollama, Kind::Vllm, Kind::Sglang, Kind::Tgi, Kind::LmStudio] {
        let subject = due(kind, |_| {}).unwrap_or_else(|| panic!("{kind:?}"));
        assert_eq!((subject.kind, subject.model.as_str(), subject.keep_alive), (kind, "m", Some(-1)));
        assert!(due(kind, |target| target.hints.works = true).is_none(), "{kind:?} works");
    }
    for kind in [Kind::LlamaRouter, Kind::LlamaSwap, Kind::OpenAi] {
        assert!(due(kind, |_| {}).is_none(), "{kind:?}");
    }
    assert!(due(Kind::LlamaCpp, |_| {}).is_none(), "it may sleep");
    assert!(due(Kind::LlamaCpp, |target| target.hints.sleeps = Sleeps::Never).is_some());
}

#[test]
fn a_probe_waits_for_a_server_that_is_up_and_idle() {
    let none = |change: &dyn Fn(&mut Target)| due(Kind::Vllm, change).is_none();
    assert!(none(&|target| target.probe.enabled = false));
    assert!(none(&|target| target.rounds = 1));
    assert!(none(&|target| target.server.state = ServerState::Loading));
    assert!(none(&|target| target.server.at = None));
    // Of three rounds of 10 s none was answered.
    assert!(none(&|target| target.server.at = Some(Stamp::at_seconds(NOW - 30))));
    assert!(!none(&|target| target.server.at = Some(Stamp::at_seconds(NOW - 29))));
    assert!(none(&|target| model(target).work.running = Some(1.0)));
    assert!(none(&|target| model(target).work.waiting = Some(1.0)));
    assert!(!none(&|target| (model(target).work.running, model(target).work.waiting) = (Some(0.0), Some(0.0))));
    assert!(none(&|target| model(target).state = ModelState::NotLoaded));
}

#[test]
fn a_probe_comes_ten_seconds_after_the_start() {
    let last = |seconds: u64| Some(Stamp::at_seconds(NOW - seconds));
    let after = |seconds: u64| due(Kind::Vllm, |target| target.probed = last(seconds)).is_some();
    assert!(after(10) && !after(9), "the first one");
    let found = Probed { at: Stamp::at_seconds(1), model: "m".into(), cold: None, warm: None, failure: None };
    let again = |seconds: u64| {
        let change = |target: &mut Target| {
            (target.probed, target.server.probe) = (last(seconds), Some(Arc::new(found.clone())));
        };
        due(Kind::Vllm, change).is_some()
    };
    assert!(again(100) && !again(99));
    let mut target = probed_target(Kind::Vllm);
    target.probed = None;
    assert!(target.due_probe(Stamp::at_seconds(NOW)).is_none());
    assert_eq!(target.probed, Some(Stamp::at_seconds(NOW)), "from now on it is waited for");
    assert!(target.due_probe(Stamp::at_seconds(NOW + 10)).is_some());
    assert_eq!(target.probed, Some(Stamp::at_seconds(NOW + 10)));
}

#[test]
fn a_probe_leaves_the_time_in_memory_as_it_is() {
    let expiring = |kind, expires: Option<Expiry>| {
        due(kind, |target| model(target).expires = expires).map(|subject| subject.keep_alive)
    };
    let left = |seconds: i64| Some(Expiry::At(Stamp::at_seconds(NOW).unix_ms + seconds * 1000));
    assert_eq!(expiring(Kind::Ollama, left(30)), Some(Some(30)));
    assert_eq!(expiring(Kind::Ollama, left(29)), None, "it is about to leave memory");
    assert_eq!((expiring(Kind::Ollama, left(-5)), expiring(Kind::Ollama, None)), (None, None));
    assert_eq!(expiring(Kind::Ollama, Some(Expiry::Never)), Some(Some(-1)));
    assert_eq!((expiring(Kind::Vllm, None), expiring(Kind::Vllm, left(0))), (Some(None), Some(None)));
}

#[test]
fn a_process_works_from_three_hundredths_of_a_core() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = Root::new(folder.path());
    std::fs::create_dir_all(folder.path().join("proc/7")).expect("a folder");
    let used = |ticks: u64| {
        let stat = format!("7 (x y) S 1 7 7 0 -1 0 0 0 0 0 {ticks} 5 0 0 20 0 1 0 99 0 0");
        std::fs::write(folder.path().join("proc/7/stat"), stat).expect("a file");
    };
    let mut target = probed_target(Kind::Vllm);
    let at = Stamp::at_seconds;
    assert!(!target.works(&root, at(1)), "it has no process");
    target.server.process = Some(crate::model::model_server::Runner { pid: 7, started: 99 });
    used(100);
    assert!(!target.works(&root, at(10)), "nothing to compare with");
    used(130);
    assert!(!target.works(&root, at(20)), "0.3 s of 10 s");
    assert!(!target.works(&root, at(20)), "no time has passed");
    used(161);
    assert!(target.works(&root, at(30)), "0.31 s of 10 s");
    (target.hints.sleeps, target.probe.enabled) = (Sleeps::Never, false);
    used(999);
    assert!(!target.works(&root, at(40)), "nobody wants to know");
}

#[test]
fn a_server_is_asked_when_it_is_due() {
    let root = Root::new("/nonexistent");
    let url = ServiceUrl::parse("http://127.0.0.1:1").expect("a URL");
    let of = ModelServerTarget::new("a", url);
    let mut target = Target::new(of, Origin::Configured, None, ProbeSettings::default());
    let at = Stamp::at_seconds;
    target.round(&root, at(100));
    assert_eq!((target.asked, target.is_settled()), (Some(at(100)), false));
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while !target.is_settled() {
        assert!(std::time::Instant::now() < deadline, "nobody listens there");
        target.take(Duration::from_millis(50), at(101));
    }
    assert!(matches!(target.server.state, ServerState::Unreachable(_)), "{:?}", target.server.state);
    let asked = [105, 109, 110].map(|second| {
        target.round(&root, at(second));
        target.asked
    });
    assert_eq!(asked, [Some(at(100)), Some(at(100)), Some(at(110))], "who is silent is asked each ten seconds");
    target.gone = Some(at(110));
    target.round(&root, at(200));
    assert_eq!((target.asked, target.is_settled()), (Some(at(110)), true), "its process has ended");
}
