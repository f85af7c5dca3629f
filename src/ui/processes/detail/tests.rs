//! The detail of a process: its facts, its graphs, and its links.

use std::sync::Arc;

use super::*;
use crate::{
    clock::Stamp,
    config::Settings,
    model::{
        container::{Container, ContainerRow},
        gpu::{Gpu, GpuProcess, GpuRow},
        process::{Moved, ProcInfo},
        socket::Socket,
    },
    ui::{
        canvas::testing::{Drawn, drawn, failed, series},
        keymap::Keymap,
        theme::Theme,
    },
};

#[test]
fn sockets_files_and_variables_are_listed() {
    let socket = |protocol, remote: &str, state: &str| Socket {
        protocol,
        local: "127.0.0.1:80".parse().unwrap(),
        remote: remote.parse().unwrap(),
        state: state.into(),
        send_queue: 0,
        receive_queue: 0,
        uid: 0,
        inode: 1,
        pid: None,
    };
    let mut raw = ProcessDetailSample {
        sockets: vec![
            socket(Protocol::Tcp, "10.0.0.2:5000", "established"),
            socket(Protocol::Udp, "0.0.0.0:0", "unconnected"),
        ],
        files_total: 3,
        files_limit: Some(1024),
        files: vec![(0, "/dev/null".into())],
        environment_names: vec!["HOME".into(), "PATH".into()],
        ..ProcessDetailSample::default()
    };
    let expected = [
        "Sockets",
        "tcp established 127.0.0.1:80 to 10.0.0.2:5000",
        "udp unconnected 127.0.0.1:80",
        "",
        "Open files: 3 of 1024 allowed",
        "    0 /dev/null",
        "and 2 more",
        "",
        "Environment (names only: values may be secret)",
        "HOME PATH",
    ];
    assert_eq!(page(&raw, 60), expected);
    (raw.files_total, raw.files_limit) = (1, None);
    let all = page(&raw, 60);
    assert_eq!(all[4..7], ["Open files: 1", "    0 /dev/null", ""], "none is left out");
}

#[test]
fn its_own_facts_are_asked_for() {
    let key = ProcKey { pid: 7, start_ticks: 5 };
    let mut want = Interest::default();
    ProcessDetail::new(key).want(&mut want, &State::default());
    assert_eq!((want.detail, want.visible), (Some(key), vec![key]));
}

#[test]
fn arguments_are_one_command_line() {
    let arguments = ["cc", "-O2", "-D", "NAME=a b", "", "it's"].map(str::to_owned).to_vec();
    let raw = ProcessDetailSample { arguments, ..ProcessDetailSample::default() };
    assert_eq!(page(&raw, 20), ["Command line", "cc -O2 -D", "'NAME=a b' ''", "'it'\\''s'"]);
}

fn page(raw: &ProcessDetailSample, columns: usize) -> Vec<String> {
    let state = State::new(Vec::new().into());
    let (settings, keys, theme) = (Settings::default(), Keymap::default(), Theme::plain());
    let cx = DrawCx { state: &state, theme: &theme, settings: &settings, keys: &keys, focused: true, paused: false };
    let mut lines = Page::default();
    read(&cx, raw, columns, &mut lines);
    lines.lines().iter().map(|l| l.pieces.iter().map(|(t, _)| t.as_str()).collect()).collect()
}

const KEY: ProcKey = ProcKey { pid: 7, start_ticks: 5 };

/// Two processes: init, and a busy child of it.
fn machine() -> State {
    let mut state = State::new(Vec::new().into());
    state.host.now = Stamp::at_seconds(1000);
    let of = |pid: u32, parent: u32, name: &str| Process {
        key: if pid == 7 { KEY } else { ProcKey { pid, start_ticks: 5 } },
        tgid: pid,
        parent,
        name: name.into(),
        state: b'S',
        cpu: Some(0.5),
        memory_bytes: 3 << 20,
        virtual_bytes: 1 << 30,
        priority: 20,
        nice: -5,
        core: 3,
        threads: 4,
        uid: 1000,
        ..Process::default()
    };
    state.host.processes.rows = vec![of(1, 0, "init"), of(7, 1, "nginx"), of(9, 7, "worker")];
    state.host.facts.users = vec![(1000, "ada".into())];
    state
}

fn process(state: &mut State) -> &mut Process {
    state.host.processes.rows.iter_mut().find(|p| p.key == KEY).unwrap()
}

fn looked_at(state: &mut State, change: impl FnOnce(&mut Detail)) {
    let raw = ProcessDetailSample { key: KEY, ..ProcessDetailSample::default() };
    let mut detail = Detail { raw, ..Detail::default() };
    change(&mut detail);
    state.host.process_detail = Some(detail);
}

fn opened(state: &State) -> Box<dyn Overlay> {
    let mut view = open(&Subject::Process(KEY), state).unwrap();
    view.refresh(state);
    view
}

fn view(state: &State, size: (u16, u16)) -> Drawn {
    drawn(state, size, |cx, area, canvas| opened(state).draw(cx, area, canvas))
}

/// The words behind a name.
fn fact(state: &State, name: &str) -> Option<String> {
    let lines = view(state, (100, PAST * 2 - 1)).lines();
    let line = lines.into_iter().find(|line| line.split_whitespace().next() == Some(name))?;
    Some(line[name.len()..].trim().to_owned())
}

#[test]
fn each_state_of_a_process_has_its_words() {
    let mut state = machine();
    for (code, words) in [
        (b'R', "R running"),
        (b'S', "S sleeping"),
        (b'D', "D uninterruptible sleep (waiting in the kernel)"),
        (b'I', "I idle kernel thread"),
        (b'T', "T stopped"),
        (b't', "t stopped by a tracer"),
        (b'Z', "Z zombie, not reaped by its parent"),
        (b'X', "X"),
    ] {
        process(&mut state).state = code;
        assert_eq!(fact(&state, "state").as_deref(), Some(words));
    }
}

#[test]
fn what_the_table_knows_has_a_line_each() {
    let mut state = machine();
    for (name, words) in [
        ("user", "ada (1000)"),
        ("parent", "1 init"),
        ("started", "–"),
        ("priority", "20   nice -5   last core 3"),
        ("memory", "3.0 MiB resident   1.0 GiB virtual"),
        ("storage", "–/s read   –/s written"),
    ] {
        assert_eq!(fact(&state, name).as_deref(), Some(words), "{name}");
    }
    assert_eq!(fact(&state, "cgroup"), None);
    let of = process(&mut state);
    of.parent = 99;
    of.moved = Some(Box::new(Moved { read_per_second: Some(2048.0), write_per_second: Some(0.0), ..Moved::default() }));
    of.info = Some(Box::new(ProcInfo { cgroup: "/system.slice/nginx.service".into(), ..ProcInfo::default() }));
    assert_eq!(fact(&state, "parent").as_deref(), Some("99"), "its parent is not visible");
    assert_eq!(fact(&state, "storage").as_deref(), Some("2.0K/s read   0/s written"));
    assert_eq!(fact(&state, "cgroup").as_deref(), Some("/system.slice/nginx.service"));
    assert_eq!(fact(&state, "unit").as_deref(), Some("nginx.service"));
}

#[test]
fn its_container_and_its_cards_are_named() {
    let mut state = machine();
    let id = "ab".repeat(32);
    process(&mut state).info =
        Some(Box::new(ProcInfo { cgroup: format!("/docker/{id}").into(), ..ProcInfo::default() }));
    assert_eq!(fact(&state, "container").as_deref(), Some(&id[..12]), "no engine knows it");
    let meta = Container { id: id.clone(), name: "web".into(), image: "nginx:1".into(), ..Container::default() };
    state.host.containers.rows = vec![ContainerRow { meta: Arc::new(meta), ..ContainerRow::default() }];
    assert_eq!(fact(&state, "container"), Some(format!("web ({}) nginx:1", &id[..12])));
    let used = |pid, memory| GpuProcess { pid, memory, ..GpuProcess::default() };
    let card = |id: &str, processes| GpuRow {
        raw: Gpu { id: id.into(), name: "RTX 4090".into(), processes, ..Gpu::default() },
        ..GpuRow::default()
    };
    state.host.gpus.rows = vec![card("a", vec![used(8, Some(1))]), card("b", vec![used(7, Some(2 << 30))])];
    let label = state.host.gpus.rows[1].raw.label();
    assert_eq!(fact(&state, "gpu"), Some(format!("{label} holds 2.0 GiB")));
    state.host.gpus.rows[1].raw.processes = vec![used(7, None)];
    assert_eq!(fact(&state, "gpu"), Some(format!("{label} holds –")));
}

#[test]
fn ports_that_it_listens_on_are_listed_once() {
    let mut state = machine();
    let socket = |protocol, local: &str, remote: &str, state: &str| Socket {
        protocol,
        local: local.parse().unwrap(),
        remote: remote.parse().unwrap(),
        state: state.into(),
        send_queue: 0,
        receive_queue: 0,
        uid: 0,
        inode: 1,
        pid: None,
    };
    let nobody = "0.0.0.0:0";
    let sockets = vec![
        socket(Protocol::Udp, "127.0.0.1:53", nobody, "open"),
        socket(Protocol::Tcp, "127.0.0.1:80", nobody, "listen"),
        socket(Protocol::Tcp, "127.0.0.1:80", nobody, "listen"),
        socket(Protocol::Tcp, "127.0.0.1:81", nobody, "close"),
        socket(Protocol::Udp, "127.0.0.1:54", "10.0.0.2:5000", "established"),
        socket(Protocol::Tcp, "127.0.0.1:82", "10.0.0.2:5000", "established"),
    ];
    looked_at(&mut state, |detail| detail.raw.sockets = sockets);
    let of = |state: &State| {
        let lines = view(state, (100, 60)).lines();
        lines.into_iter().find(|line| line.starts_with("listens"))
    };
    assert_eq!(of(&state).as_deref(), Some("listens    tcp 127.0.0.1:80, udp 127.0.0.1:53"));
    looked_at(&mut state, |_| ());
    assert_eq!(of(&state), None);
}

#[test]
fn swap_has_its_place_beside_the_proportional_memory() {
    let mut state = machine();
    let pss = |swap| {
        looked_at(&mut state, |detail| {
            (detail.raw.pss_bytes, detail.raw.swap_bytes) = (Some(2 << 20), swap);
        });
        fact(&state, "PSS")
    };
    let of = [None, Some(0), Some(1 << 20)].map(pss);
    assert_eq!(of, ["2.0 MiB", "2.0 MiB", "2.0 MiB   1.0 MiB swapped"].map(|words| Some(words.to_owned())));
}

#[test]
fn its_past_is_above_its_facts_where_there_is_room() {
    let mut state = machine();
    looked_at(&mut state, |detail| {
        detail.cpu_history = series([1.05; 400]);
        detail.memory_history = series([1.5 * 1024.0 * 1024.0; 400]);
    });
    let shown = view(&state, (80, PAST * 2));
    let lines = shown.lines();
    // A tick more than a core is no second core; 1.5 MiB need a scale of two.
    assert_eq!(lines[0], format!("{:<40}memory 3.0 MiB   top 2.0M", "cpu 50.0 %   top 100 %"));
    let (left, right): (String, String) = (lines[1].chars().take(38).collect(), lines[1].chars().skip(40).collect());
    assert_eq!((left, right.as_str()), ("⣿".repeat(38), ""));
    assert_eq!(lines[usize::from(PAST) - 2].chars().skip(40).collect::<String>(), "⣿".repeat(38));
    assert_eq!((shown.role_at(0, 1), shown.role_at(40, PAST - 2)), (Some(Role::CpuUser), Some(Role::MemoryUsed)));
    assert!(lines[usize::from(PAST)].starts_with("user "), "{lines:?}");
    assert!(view(&state, (80, PAST * 2 - 1)).line().starts_with("user "));
    looked_at(&mut state, |detail| detail.cpu_history = series([1.2; 400]));
    assert!(view(&state, (80, PAST * 2)).line().starts_with("cpu 50.0 %   top 200 %"));
    // The past of another process is none of it, though its room is kept until this one was read.
    state.host.process_detail.as_mut().unwrap().raw.key = ProcKey { pid: 9, start_ticks: 5 };
    let lines = view(&state, (80, PAST * 2)).lines();
    assert_eq!(lines[..usize::from(PAST)], vec![String::new(); usize::from(PAST)]);
    assert!(lines[usize::from(PAST)].starts_with("user "));
}

#[test]
fn what_was_not_read_yet_says_why() {
    let mut state = machine();
    let last = |state: &State| {
        let lines = view(state, (100, 13)).lines();
        lines.into_iter().rfind(|line| !line.is_empty()).unwrap()
    };
    state.host.processes.rows.pop();
    assert_eq!(last(&state), "waiting…");
    for (fault, words) in [
        (Fault::Timeout, "no answer"),
        (Fault::Absent("it ended".into()), "it ended"),
        (
            Fault::Denied { what: "/proc/7".into(), hint: "run as root".into() },
            "/proc/7: permission denied (run as root)",
        ),
    ] {
        failed(&mut state, SourceId::ProcessDetail, 1000, fault);
        assert_eq!(last(&state), words);
    }
}

#[test]
fn children_are_listed_and_linked() {
    let state = machine();
    let lines = view(&state, (100, 13)).lines();
    let at = lines.iter().position(|line| line == "Children: 1").unwrap();
    assert_eq!(lines[at - 1], "");
    assert_eq!(lines[at + 1].split_whitespace().collect::<Vec<_>>(), ["9", "50.0", "%", "3.0M", "worker"]);
    let view = opened(&state);
    let shown = drawn(&state, (100, 13), |cx, area, canvas| view.draw(cx, area, canvas));
    let links = shown.hits.iter().filter_map(|(_, target)| match target {
        crate::ui::canvas::Target::Link(Subject::Process(key)) => Some(key.pid),
        _ => None,
    });
    assert_eq!(links.collect::<Vec<_>>(), [1, 9]);
    assert_eq!(view.hints().len(), 5);
}

#[test]
fn its_keys_ask_before_they_do() {
    let mut state = machine();
    let mut view = opened(&state);
    let asked = |view: &mut dyn Overlay, action, state: &State| match view.act(action, state).unwrap().pop() {
        Some(Effect::Open(question)) => question.title(state),
        Some(Effect::Say(_, words)) => words,
        _ => String::new(),
    };
    assert_eq!(asked(&mut *view, Action::Signal, &state), "signal to 7 nginx");
    for action in [Action::NiceUp, Action::NiceDown] {
        assert_eq!(asked(&mut *view, action, &state), "change the niceness of 7 nginx?");
    }
    assert_eq!((view.title(&state).as_str(), view.gone()), ("process 7 nginx", None));
    state.host.processes.rows.retain(|p| p.key != KEY);
    state.host.processes.round += 1;
    view.refresh(&state);
    assert_eq!(view.gone(), Some("ended"));
    for action in [Action::Signal, Action::NiceUp, Action::NiceDown] {
        assert_eq!(asked(&mut *view, action, &state), "it has exited");
    }
    assert!(open(&Subject::Process(KEY), &state).is_none() && open(&Subject::Cpu, &state).is_none());
}
