//! An engine for tests of benchmarks: it keeps containers and networks, takes a known time for each operation, and fails
//! in a given way at a given one.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    bench::testing::FakeClock,
    config::Settings,
    model::container::Engine,
    state::State,
    sys::{
        engine::testing::{Asked, FakeEngine, VERSION, answer},
        exec::{Exec, fake::FakeExec},
        root::Root,
    },
};

/// How an operation fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fails {
    /// With this status and these words.
    Refuses(u16, &'static str),
    /// It never answers.
    Hangs,
    /// The engine ends without an answer, and nothing listens any more.
    Dies,
}

/// What it keeps and how it behaves.
#[derive(Default)]
pub struct Behaviour {
    /// Time for an operation: `create`, `start`, `stop`, `list`, `inspect`, `remove`, `network`; and `run`: between a
    /// start and the end of what reads a file; `mount`: added to that by a mount; `ignored`: the grace.
    pub takes: HashMap<&'static str, Duration>,
    /// What fails, and at which time of being asked (1 is the first).
    pub fails: HashMap<&'static str, (usize, Fails)>,
    pub images: Vec<Value>,
    /// Health of an image that is inspected by name.
    pub health: Option<&'static str>,
    pub containers: BTreeMap<String, Value>,
    pub networks: BTreeMap<String, Value>,
    /// How often each operation was asked for.
    pub asked: HashMap<&'static str, usize>,
    /// What takes time moves this clock, and no real time passes: for requests one after the other. Without one it
    /// sleeps.
    pub clock: Option<Arc<FakeClock>>,
}

impl Behaviour {
    fn now(&self) -> jiff::Timestamp {
        self.clock.as_ref().map_or_else(jiff::Timestamp::now, |clock| clock.wall())
    }
}

/// An engine with its behaviour.
pub struct FakeDocker {
    pub fake: FakeEngine,
    behaviour: Arc<Mutex<Behaviour>>,
}

impl FakeDocker {
    pub fn new(behaviour: Behaviour) -> Self {
        let behaviour = Arc::new(Mutex::new(Behaviour {
            images: vec![json!({"Id": "sha256:ab", "RepoTags": ["busybox:1"], "Size": 7})],
            ..behaviour
        }));
        let socket = Arc::new(Mutex::new(PathBuf::new()));
        let (kept, place) = (behaviour.clone(), socket.clone());
        let fake = FakeEngine::with(Arc::new(move |asked, stream| handle(&kept, &place, asked, stream)));
        *socket.lock().expect("its place") = fake.socket();
        FakeDocker { fake, behaviour }
    }

    pub fn behaviour(&self) -> MutexGuard<'_, Behaviour> {
        self.behaviour.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A state that knows it.
    pub fn state(&self) -> State {
        let mut state = State::default();
        let engine =
            Engine { kind: "docker".to_owned(), address: self.fake.address(), local: true, listed: true, ..engine() };
        state.host.containers.engines = vec![engine];
        state
    }
}

fn engine() -> Engine {
    Engine {
        kind: String::new(),
        address: "".into(),
        version: Some("20.10".to_owned()),
        fault: None,
        fault_unix_ms: None,
        local: true,
        twin: false,
        listed: true,
    }
}

/// What a survey looks at, owned by the test.
pub struct Surveyed {
    pub settings: Settings,
    pub state: State,
    pub root: Root,
    pub exec: Arc<dyn Exec>,
}

impl Surveyed {
    pub fn new(state: State) -> Self {
        Surveyed { settings: Settings::default(), state, root: Root::default(), exec: FakeExec::new([]) }
    }

    pub fn survey(&self) -> crate::bench::Survey<'_> {
        crate::bench::Survey { settings: &self.settings, state: &self.state, root: &self.root, exec: &self.exec }
    }
}

fn reply(stream: &mut UnixStream, status: u16, body: &Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let _ = stream.write_all(&answer(status, &body));
}

fn handle(kept: &Mutex<Behaviour>, socket: &Mutex<PathBuf>, asked: &Asked, stream: &mut UnixStream) {
    let parts: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
    let name = parts.get(1).map(|name| (*name).to_owned()).unwrap_or_default();
    let operation = match (asked.method.as_str(), parts.as_slice()) {
        ("POST", ["containers", "create"]) => "create",
        ("POST", ["containers", _, "start"]) => "start",
        ("POST", ["containers", _, "stop"]) => "stop",
        ("POST", ["containers", _, "wait"]) => "wait",
        ("DELETE", ["containers", _]) => "remove",
        ("GET", ["containers", "json"]) => "list",
        ("GET", ["containers", _, "json"]) => "inspect",
        ("GET", ["containers", _, "logs"]) => "logs",
        ("POST", ["images", "create"]) => "image",
        ("GET", ["images", "json"]) => "images",
        ("GET", ["images", ..]) => "image json",
        ("GET", ["networks"]) => "networks",
        ("GET", ["networks", _]) => "one network",
        ("POST", ["networks", "create"]) => "network",
        ("DELETE", ["networks", _]) => "remove network",
        ("GET", ["info"]) => "info",
        ("GET", ["version"]) => "version",
        _ => "ping",
    };
    let kept = || kept.lock().unwrap_or_else(PoisonError::into_inner);
    let (takes, fails) = {
        let mut kept = kept();
        let count = kept.asked.entry(operation).or_default();
        *count += 1;
        let count = *count;
        let fails = kept.fails.get(operation).filter(|(at, _)| *at == count).map(|(_, fails)| fails.clone());
        (kept.takes.get(operation).copied().unwrap_or_default(), fails)
    };
    match fails {
        Some(Fails::Refuses(status, words)) => return reply(stream, status, &json!({"message": words})),
        Some(Fails::Hangs) => {
            // Until the other side goes.
            let _ = stream.read(&mut [0; 1]);
            return;
        }
        Some(Fails::Dies) => {
            let _ = fs::remove_file(&*socket.lock().unwrap_or_else(PoisonError::into_inner));
            return;
        }
        None => {}
    }
    let clock = kept().clock.clone();
    match clock {
        Some(clock) => clock.spend(takes),
        None => thread::sleep(takes),
    }
    let query = |key: &str| {
        let pair = asked.query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        pair.unwrap_or_default().to_owned()
    };
    let (status, body) = match operation {
        "create" => {
            let spec: Value = serde_json::from_slice(&asked.body).expect("JSON");
            kept().containers.insert(query("name"), json!({"spec": spec, "seen": {"State": {"Running": false}}}));
            (201, json!({"Id": "ab", "Warnings": []}))
        }
        "start" => (204, start(&mut kept(), &name)),
        "stop" => {
            let (ignores, grace) = {
                let kept = kept();
                let command = kept.containers.get(&name).map(|it| it["spec"]["Entrypoint"].to_string());
                let ignores = command.is_some_and(|command| command.contains("trap ''"));
                (ignores, kept.takes.get("ignored").copied().unwrap_or_default())
            };
            if ignores {
                thread::sleep(grace);
            }
            (204, Value::Null)
        }
        "wait" => (200, json!({"StatusCode": 0})),
        "remove" => {
            kept().containers.remove(&name);
            (204, Value::Null)
        }
        "list" => (200, kept().containers.values().cloned().collect()),
        "inspect" => match kept().containers.get(&name) {
            Some(container) => (200, container["seen"].clone()),
            None => (404, json!({"message": "No such container"})),
        },
        "logs" => (200, json!("ready")),
        "image" => (200, json!({"status": "done"})),
        "images" => (200, kept().images.clone().into()),
        "image json" => match kept().health {
            Some(test) => (200, json!({"Id": "sha256:cd", "Config": {"Healthcheck": {"Test": [test, "x"]}}})),
            None => (404, json!({"message": "No such image"})),
        },
        "networks" => (200, kept().networks.values().cloned().collect()),
        "one network" => match kept().networks.get(&name) {
            Some(network) => (200, network.clone()),
            None => (404, json!({"message": "No such network"})),
        },
        "network" => {
            let spec: Value = serde_json::from_slice(&asked.body).expect("JSON");
            kept().networks.insert(spec["Name"].as_str().unwrap_or_default().to_owned(), spec);
            (201, json!({"Id": "cd", "Warning": ""}))
        }
        "remove network" => {
            kept().networks.remove(&name);
            (204, Value::Null)
        }
        "info" => (200, json!({"Driver": "overlay2", "CgroupVersion": "2", "DefaultRuntime": "runc"})),
        "version" => (200, serde_json::from_str(VERSION).expect("JSON")),
        _ => (200, json!("OK")),
    };
    reply(stream, status, &body);
}

/// What is seen of a container from now on.
fn start(kept: &mut Behaviour, name: &str) -> Value {
    let time = |what: &str| kept.takes.get(what).copied().unwrap_or_default();
    let (run, mount, now) = (time("run"), time("mount"), kept.now());
    if let Some(container) = kept.containers.get_mut(name) {
        let has_mount = !container["spec"]["HostConfig"]["Binds"].is_null();
        let finished = now + if has_mount { run + mount } else { run };
        container["seen"] = json!({
            "State": {"Running": true, "Pid": std::process::id(), "ExitCode": 0, "FinishedAt": finished.to_string(),
                "Health": {"Status": "healthy"}},
            "NetworkSettings": {"Networks": {"bridge": {"IPAddress": "127.0.0.1"}}},
        });
    }
    Value::Null
}
