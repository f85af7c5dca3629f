//! Every detail and overlay over the invented server of the README's pictures, at a large and at the smallest usual size.

use std::{path::Path, sync::LazyLock, time::Duration};

use benchtop::{
    model::{
        event::{Envelope, Event, Sample},
        fault::Fault,
        gpu::GpuSample,
        socket::{Protocol, Socket, SocketSample},
        source::SourceId,
        store::{Kind, StoreSample, Stored},
    },
    state::State,
    ui::{action::Action, overlays::OVERLAYS},
};
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;

use crate::{accept_frame, drawn, press, server_of_pictures::lived, truecolor};

pub static SERVER: LazyLock<State> = LazyLock::new(|| lived(600));

/// Name; keys that lead there from the overview at 160x45, and at 80x24, where the filesystems are a pane of their own.
const VIEWS: [(&str, &str, &str); 22] = [
    ("gpu-detail", "3\n", "3\n"),
    ("network-detail", "5/enp5s0\n\n", "4/enp5s0\n\n"),
    ("pool-detail", "4\n", "5\n"),
    ("container-detail", "6jjj\n", "7jjj\n"),
    ("container-failed-detail", "6j\n", "7j\n"),
    ("container-log", "6jjjl", "7jjjl"),
    ("container-acts", "6jjjx", "7jjjx"),
    ("service-slow-detail", "7\n", "8\n"),
    ("service-detail", "7j\n", "8j\n"),
    ("model-server-detail", "8\n", "9\n"),
    ("model-server-idle-detail", "8j\n", "9j\n"),
    ("process-detail", "\n", "\n"),
    ("signal", "x", "x"),
    ("help", "?", "?"),
    ("alerts-of-all-kinds", "a", "a"),
    ("sockets-waiting", "S", "S"),
    ("stores-waiting", "i", "i"),
    ("offers", "v", "v"),
    ("themes", "C", "C"),
    ("sort", "s", "s"),
    ("columns", "c", "c"),
    ("filter", "fcpu>50", "fcpu>50"),
];

#[test]
fn views_look_as_accepted() {
    for (name, wide, narrow) in VIEWS {
        for (size, keys) in [((160, 45), wide), ((80, 24), narrow)] {
            let mut ui = truecolor();
            drawn(&mut ui, &SERVER, size);
            for key in keys.chars() {
                press(&mut ui, &SERVER, &key.to_string());
                drawn(&mut ui, &SERVER, size);
            }
            accept_frame(name, &drawn(&mut ui, &SERVER, size));
        }
    }
}

/// From one reading to the next.
const SECONDS: Duration = Duration::from_secs(2);

/// What is open, and the keys to it from the overview at 160x45.
const DETAILS: [(&str, &str); 8] = [
    ("process", "\n"),
    ("container", "6jjj\n"),
    ("pool", "4\n"),
    ("gpu", "3\n"),
    ("service", "7\n"),
    ("model-server", "8\n"),
    ("disk", "5/nvme0n1\n\n"),
    ("network", "5/enp5s0\n\n"),
];

/// The detail that these keys open over the server, then over another state of it.
fn detail_then(keys: &str, then: &State) -> Buffer {
    let size = (160, 45);
    let mut ui = truecolor();
    drawn(&mut ui, &SERVER, size);
    for key in keys.chars() {
        press(&mut ui, &SERVER, &key.to_string());
        drawn(&mut ui, &SERVER, size);
    }
    drawn(&mut ui, then, size)
}

/// No source answers for a minute and a half.
#[test]
fn stale_details_look_as_accepted() {
    let mut state = SERVER.clone();
    let now = state.host.now;
    for source in SourceId::ALL {
        if state.host.health.get(source).is_some_and(|health| health.good_at.is_some()) {
            let (at, took, every) = (now.plus(Duration::from_secs(5)), Duration::ZERO, Duration::from_secs(2));
            state.apply(Event::Reading(Envelope { source, at, took, every, outcome: Err(Fault::Timeout) }));
        }
    }
    state.apply(Event::Tick(now.plus(Duration::from_secs(90))));
    state.judge();
    for (name, keys) in DETAILS {
        accept_frame(&format!("{name}-stale-detail"), &detail_then(keys, &state));
    }
}

/// What a view is about ended, was removed, exported or pulled out while it was open.
#[test]
fn details_of_what_is_gone_look_as_accepted() {
    for (name, keys) in DETAILS {
        let mut state = SERVER.clone();
        let host = &mut state.host;
        match name {
            "process" => host.processes.rows.clear(),
            "container" => host.containers.rows.clear(),
            "pool" => host.pools.rows.clear(),
            // The fold itself keeps it, without figures.
            "gpu" => {
                let (at, took, every) = (host.now.plus(SECONDS), Duration::ZERO, SECONDS);
                let outcome = Ok(Sample::Gpus(GpuSample::default()));
                state.apply(Event::Reading(Envelope { source: SourceId::Gpus, at, took, every, outcome }));
                state.judge();
            }
            "service" => host.services.rows.clear(),
            "model-server" => host.model_servers.rows.clear(),
            "disk" => host.disks.disks.clear(),
            _ => host.network.interfaces.clear(),
        }
        accept_frame(&format!("{name}-gone-detail"), &detail_then(keys, &state));
    }
}

/// Each says what it will do before it does it.
#[test]
fn questions_look_as_accepted() {
    // The menu of a container's operations, down to its stop.
    for (size, keys) in [((160, 45), "6jjjx"), ((80, 24), "7jjjx")] {
        let mut ui = truecolor();
        drawn(&mut ui, &SERVER, size);
        press(&mut ui, &SERVER, keys);
        drawn(&mut ui, &SERVER, size);
        ui.input(&Input::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)), &SERVER);
        accept_frame("question", &drawn(&mut ui, &SERVER, size));
    }
}

/// The server after one more reading of this source.
pub fn after(source: SourceId, outcome: Result<Sample, Fault>) -> State {
    let mut state = SERVER.clone();
    let (at, took, every) = (state.host.now, Duration::ZERO, Duration::from_secs(2));
    state.apply(Event::Reading(Envelope { source, at, took, every, outcome }));
    state.judge();
    state
}

fn denied() -> Result<Sample, Fault> {
    Err(Fault::Denied { what: "/proc/secret may not be read".into(), hint: "run as root".into() })
}

pub fn sockets() -> Sample {
    let pid = SERVER.host.processes.rows.first().map(|process| process.key.pid);
    let socket = |protocol, local: &str, remote: &str, state: &str, pid| Socket {
        protocol,
        local: local.parse().expect("an address"),
        remote: remote.parse().expect("an address"),
        state: state.into(),
        send_queue: 0,
        receive_queue: 12,
        uid: 0,
        inode: 1,
        pid,
    };
    Sample::Sockets(SocketSample {
        sockets: vec![
            socket(Protocol::Tcp, "0.0.0.0:22", "0.0.0.0:0", "listen", pid),
            socket(Protocol::Tcp, "192.168.1.9:22", "192.168.1.20:50123", "established", pid),
            socket(Protocol::Udp, "[::]:5353", "[::]:0", "open", None),
        ],
        holders_denied: true,
        ..SocketSample::default()
    })
}

pub fn stores() -> Sample {
    let stored = |kind, name: &str, bytes, users: &[&str]| Stored {
        engine: "unix:///run/docker.sock".into(),
        kind,
        id: name.into(),
        name: name.into(),
        bytes,
        shared_bytes: 0,
        users: users.iter().map(|user| (*user).to_owned()).collect(),
        held: false,
        nameless: false,
        created_unix_ms: None,
        place: "local".into(),
    };
    Sample::Stores(StoreSample {
        answered: true,
        objects: vec![
            stored(Kind::Image, "jellyfin:10.10", Some(1 << 30), &["jellyfin"]),
            stored(Kind::Image, "postgres:15", Some(400 << 20), &[]),
            stored(Kind::Volume, "immich-db", Some(3 << 30), &["immich-db"]),
            stored(Kind::Network, "media_default", None, &[]),
        ],
        ..StoreSample::default()
    })
}

/// What is read only while it is looked at: with values, and without permission.
#[test]
fn views_read_on_demand_look_as_accepted() {
    for (name, keys, source, outcome) in [
        ("sockets", "S", SourceId::Sockets, Ok(sockets())),
        ("sockets-denied", "S", SourceId::Sockets, denied()),
        ("stores", "i", SourceId::Stores, Ok(stores())),
        ("stores-denied", "i", SourceId::Stores, denied()),
        ("process-denied-detail", "\n", SourceId::ProcessDetail, denied()),
    ] {
        let state = after(source, outcome);
        for size in [(160, 45), (80, 24)] {
            let mut ui = truecolor();
            drawn(&mut ui, &state, size);
            press(&mut ui, &state, keys);
            accept_frame(name, &drawn(&mut ui, &state, size));
        }
    }
}

/// A new overlay needs a view here: an arm and its picture at both sizes.
#[test]
fn each_overlay_has_a_view() {
    for overlay in OVERLAYS {
        let name = match overlay.action {
            Action::Help => "help",
            Action::Alerts => "alerts-of-all-kinds",
            Action::Benchmarks => "bench-scorecard",
            Action::Sockets => "sockets",
            Action::Stores => "stores",
            Action::Offers => "offers",
            Action::Themes => "themes",
            other => panic!("no view of {other:?}"),
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens/accepted");
        for size in ["160x45", "80x24"] {
            let file = folder.join(format!("{name}-{size}.snap"));
            assert!(file.exists(), "{} is missing", file.display());
        }
    }
}
