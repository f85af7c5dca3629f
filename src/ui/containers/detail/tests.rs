//! The detail of a container: its facts, its lists, and its keys.

use std::sync::Arc;

use super::*;
use crate::{
    alert::shipped,
    model::{
        container::{Engine, Usage},
        log::LogLine,
    },
    ui::canvas::testing::{Drawn, answered, drawn, series},
};

const MINUTE: i64 = 60_000;

fn id() -> String {
    "ab".repeat(32)
}

fn meta() -> Container {
    Container {
        id: id(),
        name: "web".into(),
        image: "nginx:1".into(),
        command: "nginx -g".into(),
        state: RunState::Running,
        restart_policy: "always".into(),
        ..Container::default()
    }
}

/// A machine of 64 GiB with one container, and its time.
fn machine() -> State {
    let mut state = State::new(shipped().into());
    answered(&mut state, SourceId::Containers, 400);
    state.host.memory.raw.total = 64 << 30;
    state.host.containers.rows =
        vec![ContainerRow { meta: Arc::new(meta()), label: "web".into(), ..ContainerRow::default() }];
    state
}

fn change(state: &mut State, change: impl FnOnce(&mut Container)) {
    change(Arc::make_mut(&mut state.host.containers.rows[0].meta));
}

fn row(state: &mut State) -> &mut ContainerRow {
    &mut state.host.containers.rows[0]
}

fn opened(state: &State) -> Box<dyn Overlay> {
    let row = &state.host.containers.rows[0];
    let mut view = open(&join_subject(state, row), state).unwrap();
    view.refresh(state);
    view
}

fn join_subject(state: &State, row: &ContainerRow) -> Subject {
    crate::model::join::subject_of_container(&state.host, row)
}

fn view(state: &State, size: (u16, u16)) -> Drawn {
    drawn(state, size, |cx, area, canvas| opened(state).draw(cx, area, canvas))
}

/// The words behind a name.
fn fact(state: &State, name: &str) -> Option<String> {
    let row = &state.host.containers.rows[0];
    let mut found = None;
    drawn(state, (1, 1), |cx, _, _| {
        let line = facts(cx, row).into_iter().find(|line| line[0].0.trim_end() == name);
        found = line.map(|line| line[1].0.clone());
    });
    found
}

#[test]
fn each_way_to_end_has_its_words() {
    let mut state = machine();
    let now = state.host.now.unix_ms;
    let mut said = |code, oom_killed, running, finished: bool| {
        change(&mut state, |meta| {
            (meta.exit_code, meta.oom_killed) = (Some(code), oom_killed);
            meta.state = if running { RunState::Running } else { RunState::Exited };
            meta.finished_unix_ms = finished.then_some(now - MINUTE);
        });
        fact(&state, "last exit").unwrap_or_default()
    };
    for (code, words) in [
        (0, "code 0: success"),
        (1, "code 1: application error"),
        (125, "code 125: the engine could not start it"),
        (126, "code 126: command not executable"),
        (127, "code 127: command not found"),
        (128, "code 128: application error"),
        (129, "code 129: killed by signal 1"),
        (137, "code 137: killed (SIGKILL)"),
        (139, "code 139: crashed (SIGSEGV)"),
        (143, "code 143: terminated (SIGTERM)"),
        (192, "code 192: killed by signal 64"),
        (193, "code 193: application error"),
    ] {
        assert_eq!(said(code, false, false, true), words);
    }
    assert_eq!(said(137, true, false, true), "code 137: OOM-killed");
    assert_eq!(said(0, false, true, true), "previous run, code 0: success");
    assert_eq!(said(0, false, true, false), "", "it has never ended");
}

#[test]
fn what_the_engine_says_has_a_line_each() {
    let mut state = machine();
    let now = state.host.now.unix_ms;
    let lines = |state: &State| view(state, (110, 13)).lines();
    assert_eq!(
        lines(&state)[..7],
        [
            "state       running".to_owned(),
            "image       nginx:1".to_owned(),
            "runs        nginx -g".to_owned(),
            format!("id          {}", id()),
            "restarts    0 · policy always".to_owned(),
            "limits      none".to_owned(),
            String::new(),
        ]
    );
    change(&mut state, |meta| {
        meta.started_unix_ms = Some(now - 5 * MINUTE);
        (meta.failing_streak, meta.health) = (3, Some(Health::Unhealthy));
        (meta.restarts, meta.restarted_unix_ms) = (7, vec![now - MINUTE, now - 2 * MINUTE]);
        (meta.cpu_limit, meta.memory_limit) = (Some(0.5), Some(64 << 20));
        (meta.layer_dataset, meta.error) = (Some("tank/layer".into()), Some("no such file".into()));
        meta.not_understood = vec!["State.Pid".into()];
        meta.project = Some("blog".into());
    });
    for (name, words) in [
        ("state", "unhealthy for 5m · health check failed 3× in a row"),
        ("restarts", "7 · 2 in the last 10 min · policy always"),
        ("limits", "0.5 cores · 64.0 MiB of memory"),
        ("layer", "dataset tank/layer"),
        ("error", "no such file"),
        ("unknown", "field State.Pid of the engine's answer"),
        ("compose", "blog"),
    ] {
        assert_eq!(fact(&state, name).as_deref(), Some(words), "{name}");
    }
    change(&mut state, |meta| {
        (meta.service, meta.cpu_limit, meta.memory_limit) = (Some("www".into()), Some(1.0), None);
        meta.ooms_unix_ms = vec![now - MINUTE];
    });
    assert_eq!(fact(&state, "compose").as_deref(), Some("blog, service www"));
    assert_eq!(fact(&state, "limits").as_deref(), Some("1 core"));
    assert_eq!(fact(&state, "memory").as_deref(), Some("OOM-killed once in the last ten minutes"));
    change(&mut state, |meta| {
        meta.cpu_limit = Some(2.0);
        meta.ooms_unix_ms = vec![now - MINUTE, now - MINUTE];
    });
    assert_eq!(fact(&state, "limits").as_deref(), Some("2 cores"));
    assert_eq!(fact(&state, "memory").as_deref(), Some("OOM-killed 2 times in the last ten minutes"));
    state.host.containers.engines = vec![Engine {
        kind: "Docker".into(),
        version: Some("27.1".into()),
        address: "/run/docker.sock".into(),
        ..Engine::default()
    }];
    assert_eq!(fact(&state, "engine").as_deref(), Some("Docker 27.1 at /run/docker.sock"));
}

#[test]
fn what_it_moves_is_shown_once_it_is_counted() {
    let mut state = machine();
    assert_eq!((fact(&state, "network"), fact(&state, "storage"), fact(&state, "processes")), (None, None, None));
    let of = row(&mut state);
    of.usage = Some(Usage { pids: Some(12), ..Usage::default() });
    (of.rx_per_second, of.read_per_second, of.throttled_ratio) = (Some(2048.0), Some(1024.0), Some(0.25));
    for (name, words) in [
        ("network", "2.0K/s received   –/s sent"),
        ("storage", "1.0K/s read   –/s written"),
        ("processes", "12 tasks (processes and threads)"),
        ("throttled", "25% of its periods"),
    ] {
        assert_eq!(fact(&state, name).as_deref(), Some(words), "{name}");
    }
    row(&mut state).usage = Some(Usage { pids: Some(1), ..Usage::default() });
    row(&mut state).throttled_ratio = Some(0.0);
    change(&mut state, |meta| meta.network_mode = Some("host".into()));
    assert_eq!(fact(&state, "processes").as_deref(), Some("1 task (processes and threads)"));
    assert_eq!(fact(&state, "throttled"), None);
    assert_eq!(fact(&state, "network").as_deref(), Some("host: traffic is counted for all containers in it"));
}

#[test]
fn its_past_is_against_its_limits() {
    let mut state = machine();
    let of = row(&mut state);
    (of.cpu_history, of.memory_history) = (series([1.5; 400]), series([(32u64 << 20) as f64; 400]));
    of.cpu_cores = Some(1.5);
    of.usage = Some(Usage { memory_bytes: Some(32 << 20), ..Usage::default() });
    let heads = |state: &State| {
        let line = view(state, (100, PAST * 2)).line();
        let (left, right) = line.split_at(50);
        (left.trim_end().to_owned(), right.to_owned())
    };
    let column = |state: &State, x: u16| {
        let shown = view(state, (100, PAST * 2));
        (1..6).map(|y| shown.lines()[y].chars().nth(usize::from(x)).unwrap_or(' ')).collect::<String>()
    };
    assert_eq!(heads(&state), ("cpu 150.0 %".to_owned(), "memory 32.0 MiB".to_owned()));
    // Five rows of four dots: a core and a half of two are 15, 32 of 50 MiB are 13.
    assert_eq!((column(&state, 40), column(&state, 90)), (" ⣶⣿⣿⣿".to_owned(), " ⣀⣿⣿⣿".to_owned()));
    change(&mut state, |meta| (meta.cpu_limit, meta.memory_limit) = (Some(3.0), Some(32 << 20)));
    assert_eq!(heads(&state), ("cpu 150.0 % of 300 %".to_owned(), "memory 32.0 MiB of 32.0 MiB".to_owned()));
    assert_eq!((column(&state, 40), column(&state, 90)), ("─ ⣤⣿⣿".to_owned(), "⣿⣿⣿⣿⣿".to_owned()));
    let shown = view(&state, (100, PAST * 2));
    assert_eq!(shown.role_at(40, 5), Some(Role::CpuUser));
    assert_eq!(shown.role_at(90, 5), Some(Role::Warn), "it is full");
    assert!(shown.lines()[usize::from(PAST)].starts_with("state "));
    assert!(view(&state, (100, PAST * 2 - 1)).line().starts_with("state "));
}

#[test]
fn the_end_of_its_log_comes_first_while_something_is_wrong() {
    let mut state = machine();
    let now = state.host.now.unix_ms;
    let log = |count: usize| {
        (0..count).map(|at| LogLine { text: format!("line {at}"), error: at % 2 == 1, ..LogLine::default() })
    };
    state.host.log.id = id();
    state.host.log.lines = log(12).collect();
    change(&mut state, |meta| meta.networks = vec![("bridge".into(), "172.17.0.2".into())]);
    let place = |state: &State| {
        let lines = view(state, (100, 40)).lines();
        let at = |head: &str| lines.iter().position(|line| line == head).unwrap_or_else(|| panic!("{head}: {lines:?}"));
        (at("Last log lines") < at("Networks"), lines)
    };
    let (first, lines) = place(&state);
    assert!(!first);
    // The last ten, and those that went to the error stream stand out.
    let at = lines.iter().position(|line| line == "Last log lines").unwrap();
    assert_eq!((lines[at - 1].as_str(), lines[at + 1].as_str(), lines[at + 10].as_str()), ("", "line 2", "line 11"));
    let shown = view(&state, (100, 40));
    assert_eq!((shown.role_of("line 2"), shown.role_of("line 3")), (Some(Role::Text), Some(Role::Advice)));
    for sick in [
        (|meta, _| meta.health = Some(Health::Unhealthy)) as fn(&mut Container, i64),
        |meta, _| meta.state = RunState::Exited,
        |meta, now| meta.restarted_unix_ms = vec![now - MINUTE],
    ] {
        let mut state = state.clone();
        change(&mut state, |meta| sick(meta, now));
        assert!(place(&state).0);
    }
    state.host.log.lines.clear();
    assert!(!view(&state, (100, 40)).lines().contains(&"Last log lines".to_owned()), "it is still awaited");
    state.host.log.ended = Some(String::new());
    let lines = view(&state, (100, 40)).lines();
    assert_eq!(
        lines.iter().skip_while(|line| *line != "Last log lines").nth(1).map(String::as_str),
        Some("no log lines")
    );
    state.host.log.id = "another".into();
    assert!(!view(&state, (100, 40)).lines().contains(&"Last log lines".to_owned()));
}

#[test]
fn it_asks_for_the_log_and_the_sockets_while_it_is_there() {
    let mut state = machine();
    state.host.containers.engines = vec![Engine { address: "/run/docker.sock".into(), ..Engine::default() }];
    change(&mut state, |meta| meta.pid = 7);
    let wants = |view: &dyn Overlay, state: &State| {
        let mut want = Interest::default();
        view.want(&mut want, state);
        (want.log, want.sockets_of)
    };
    let mut view = opened(&state);
    assert_eq!(wants(&*view, &state), (Some(("/run/docker.sock".into(), id())), Some(7)));
    assert_eq!((view.title(&state).as_str(), view.gone(), view.context()), ("container web", None, Context::Objects));
    assert_eq!(view.feeds(&state), [SourceId::Containers]);
    assert_eq!(view.hints()[..2], [(Action::Logs, "log"), (Action::Acts, "acts")]);
    assert!(view.act(Action::Logs, &state).is_some_and(|effects| matches!(effects[..], [Effect::Open(_)])));
    assert!(view.act(Action::Acts, &state).is_some_and(|effects| !effects.is_empty()));
    assert!(view.act(Action::Search, &state).is_none());
    let mut stopped = state.clone();
    change(&mut stopped, |meta| meta.pid = 0);
    assert_eq!(wants(&*opened(&stopped), &stopped).1, None);
    state.host.containers.rows.clear();
    view.refresh(&state);
    assert_eq!((view.gone(), wants(&*view, &state)), (Some("removed"), (None, None)));
    assert!(view.hints().is_empty());
}
