//! The page for machines that are half known, and for many processes.

use std::sync::Arc;

use super::*;
use crate::{
    clock::Stamp,
    model::{
        container::{Container, ContainerSample, Engine, Health, RunState},
        disk::{DiskCounters, DiskSample},
        event::{Envelope, Event, Sample},
        facts::FactsSample,
        pool::PoolSample,
        process::{ProcInfo, ProcKey, ProcRow, ProcessSample},
    },
};

fn page(samples: Vec<(SourceId, Sample)>) -> String {
    let mut state = State::new(crate::alert::shipped().into());
    for (source, sample) in samples {
        let (took, every) = (Duration::from_millis(1), Duration::from_secs(1));
        let (at, outcome) = (Stamp::at_seconds(100), Ok(sample));
        state.apply(Event::Reading(Envelope { source, at, took, every, outcome }));
    }
    state.judge();
    let mut out = Vec::new();
    write(&state, false, usize::MAX, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn lines<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    page.lines().filter_map(|l| l.strip_prefix(name)).map(str::trim).collect()
}

#[test]
fn worst_container_comes_first() {
    let now = Stamp::at_seconds(100).unix_ms;
    let of = |name: &str, state, health, change: fn(&mut Container, i64)| {
        let mut c = Container { name: name.into(), image: "i".into(), state, health, ..Container::default() };
        c.id = name.repeat(12);
        change(&mut c, now);
        Arc::new(c)
    };
    let containers = vec![
        of("backup", RunState::Exited, None, |c, now| {
            (c.exit_code, c.finished_unix_ms) = (Some(0), Some(now - 7_200_000));
        }),
        of("caddy", RunState::Running, None, |_, _| {}),
        of("db", RunState::Running, Some(Health::Healthy), |c, _| c.memory_limit = Some(1 << 30)),
        of("dns", RunState::Running, Some(Health::Unhealthy), |c, _| c.failing_streak = 1),
        of("loop", RunState::Restarting, None, |c, now| {
            c.exit_code = Some(1);
            c.restarted_unix_ms = (1..=10).map(|n| now - n * 50_000).collect();
        }),
        of("vault", RunState::Exited, None, |c, now| {
            (c.exit_code, c.oom_killed, c.finished_unix_ms) = (Some(137), true, Some(now - 26 * 60_000));
        }),
    ];
    let sample = ContainerSample { containers, ..ContainerSample::default() };
    let page = page(vec![(SourceId::Containers, Sample::Containers(sample))]);
    assert_eq!(
        lines(&page, "container"),
        [
            "loop · restarting (1) · restarted 10× in 10 min · i",
            "vault · exited (137) 26m ago, OOM-killed · i",
            "dns · unhealthy (1 check failed) · cpu – · memory – · i",
            "caddy · running · cpu – · memory – · i",
            "db · healthy · cpu – · memory – of 1.0 GiB · i",
            "backup · exited (0) 2h ago · i",
        ]
    );
}

#[test]
fn what_has_not_answered_is_said() {
    let engine = Engine { kind: "docker".into(), address: "unix:///d".into(), ..Engine::default() };
    let containers = ContainerSample { engines: vec![engine], ..ContainerSample::default() };
    let pools = PoolSample { states: vec![("tank".into(), "ONLINE".into())], ..PoolSample::default() };
    let page = page(vec![
        (SourceId::Containers, Sample::Containers(containers)),
        (SourceId::Pools, Sample::Pools(Box::new(pools))),
    ]);
    assert_eq!(lines(&page, "engine"), ["Docker · unix:///d · containers not listed yet"]);
    assert_eq!(lines(&page, "pool"), ["tank · online · zpool has not answered yet"]);
    assert_eq!(lines(&page, "verdict"), ["waiting for some sources"]);
}

#[test]
fn processes_are_counted_and_cut() {
    let row = |pid: u32, threads: u32, state: u8| ProcRow {
        key: ProcKey { pid, start_ticks: 1 },
        tgid: pid,
        state,
        threads,
        name: Some("x".into()),
        uid: Some(0),
        ..ProcRow::default()
    };
    let info = ProcInfo { command: "x ".repeat(4000).into(), ..ProcInfo::default() };
    let sample = ProcessSample {
        fresh: true,
        rows: vec![row(1, 3, b'S'), row(2, 1, b'Z')],
        infos: vec![(ProcKey { pid: 1, start_ticks: 1 }, info)],
        page_bytes: 4096,
        ..ProcessSample::default()
    };
    let page = page(vec![(SourceId::Processes, Sample::Processes(sample))]);
    assert_eq!(lines(&page, "processes"), ["2 · 4 threads · 0 running · 0 blocked · 1 zombie"]);
    let longest = page.lines().map(crate::text::width).max();
    assert_eq!(longest, Some(COMMAND_LINE));
}

#[test]
fn what_is_not_known_is_left_out() {
    let disk = DiskCounters { name: "vda".into(), ..DiskCounters::default() };
    let facts =
        FactsSample { hostname: Some("vm".into()), virtualization: Some("vm".into()), ..FactsSample::default() };
    let page = page(vec![
        (SourceId::Disks, Sample::Disks(DiskSample { disks: vec![disk] })),
        (SourceId::Facts, Sample::Facts(Box::new(facts))),
    ]);
    assert_eq!(lines(&page, "disk"), ["vda · read – · write – · busy –"]);
    assert_eq!(lines(&page, "host"), ["vm · virtual machine"]);
}

#[test]
fn services_and_models_have_a_line_each() {
    let mut out = Vec::new();
    write(&crate::sink::testing::served(), false, usize::MAX, &mut out).unwrap();
    let page = String::from_utf8(out).unwrap();
    assert_eq!(
        lines(&page, "service"),
        [
            "cloud · 200 · 32 ms · certificate of cloud.lan expires in 39d · https://cloud.lan",
            "nas · 25% lost · 4.0 ms · ping://nas.lan",
            "wiki · down 1× · 503 · https://wiki.lan",
            "mail · not probed · no file of headers · https://mail.lan",
            "new · waiting · https://new.lan",
        ]
    );
    assert_eq!(
        lines(&page, "models"),
        [
            "llama · llama.cpp · up · 1 of 2 models loaded · 2 running · 1 waiting · 250 tok/s · start it with --metrics",
            "vllm · vLLM · unauthorised: it wants a key",
            "port · OpenAI-compatible · waiting",
        ]
    );
    let model =
        "qwen · Q4_K_M · 3.9 KiB · 75% on cards · context 8192 · KV cache 50% · first token 200 ms · 10.0 ms a token";
    assert_eq!(lines(&page, "model "), [model]);
}

#[test]
fn a_certificate_that_expired_says_since_when() {
    let mut state = crate::sink::testing::served();
    state.host.now.unix_ms += 42 * 86_400_000;
    let line = &services::lines(&state)[0];
    assert!(line.contains("certificate of cloud.lan expired 2d ago"), "{line}");
}

#[test]
fn ports_of_bridges_are_summed_and_those_that_are_down_named() {
    use crate::model::network::{InterfaceCounters, NetworkSample};
    let of = |name: &str, state: &str, master: Option<&str>| InterfaceCounters {
        name: name.into(),
        state: Some(state.into()),
        master: master.map(str::to_owned),
        ..InterfaceCounters::default()
    };
    let read = |interfaces: Vec<InterfaceCounters>| {
        let page = page(vec![(SourceId::Network, Sample::Network(NetworkSample { interfaces }))]);
        lines(&page, "network").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let own = of("enp5s0", "up", None);
    assert_eq!(read(vec![own.clone()]), ["enp5s0 · receive – · transmit – · up"]);
    let all = read(vec![own, of("eno1", "down", None), of("veth1", "up", Some("br0")), of("veth2", "up", Some("br0"))]);
    assert_eq!(all[1..], ["down: eno1", "2 bridge ports · receive – · transmit –"]);
}
