//! Containers on the recorded host: one in each state that wants another look, and an engine that fell silent.

use std::{sync::Arc, time::Duration};

use benchtop::{
    clock::Stamp,
    model::{
        container::{Check, Container, ContainerSample, Engine, Health, RunState, Usage},
        event::{Envelope, Event, Sample},
        fault::Fault,
        source::SourceId,
    },
    state::State,
};

const SECONDS: u64 = 20;

/// What one of them is: name, project, state, health, share of a core, MiB of memory, MiB of its limit.
type Cast = (&'static str, &'static str, RunState, Option<Health>, f64, u64, u64);

const CAST: [Cast; 10] = [
    ("comfyui", "", RunState::Running, None, 0.88, 3950, 4096),
    ("grafana", "watch", RunState::Running, Some(Health::Healthy), 0.01, 120, 0),
    ("hungry", "", RunState::Exited, None, 0.0, 0, 64),
    ("import", "", RunState::Exited, None, 0.0, 0, 0),
    ("jellyfin", "media", RunState::Running, Some(Health::Healthy), 0.22, 1200, 2048),
    ("nextcloud", "cloud", RunState::Running, Some(Health::Unhealthy), 0.03, 800, 0),
    ("ollama", "", RunState::Running, Some(Health::Healthy), 3.12, 13_400, 0),
    ("paused", "", RunState::Paused, None, 0.0, 30, 0),
    ("plex", "media", RunState::Restarting, None, 0.0, 0, 2048),
    ("postgres", "cloud", RunState::Running, Some(Health::Starting), 0.41, 2100, 0),
];

/// Gives `state` them for the seconds before its own now.
pub fn report(state: &mut State) {
    let now = state.host.now;
    let began = now.unix_ms;
    let containers: Vec<_> = CAST.iter().enumerate().map(|(at, cast)| Arc::new(container(at, cast, began))).collect();
    for second in 1..=SECONDS {
        let usage = |(id, cast): (&Arc<Container>, &Cast)| {
            let runs = matches!(cast.2, RunState::Running | RunState::Paused);
            let cpu_us = (cast.4 * 1e6) as u64 * second;
            let moved = (cast.4 * 40_000.0) as u64 * second;
            let usage = Usage {
                cpu_us: Some(cpu_us),
                memory_bytes: Some(cast.5 << 20),
                pids: Some(7),
                read_bytes: Some(moved * 3),
                written_bytes: Some(moved),
                rx_bytes: Some(moved),
                tx_bytes: Some(moved / 2),
                ..Usage::default()
            };
            runs.then(|| (id.id.clone(), usage))
        };
        let sample = ContainerSample {
            engines: engines(began),
            containers: containers.clone(),
            usages: containers.iter().zip(&CAST).filter_map(usage).collect(),
        };
        let back = SECONDS - second;
        let at = Stamp {
            mono_us: now.mono_us - back * 1_000_000,
            unix_ms: now.unix_ms - i64::try_from(back).unwrap() * 1000,
        };
        let (took, every) = (Duration::from_millis(1), Duration::from_secs(1));
        let outcome = Ok(Sample::Containers(sample));
        state.apply(Event::Reading(Envelope { source: SourceId::Containers, at, took, every, outcome }));
        state.judge();
    }
}

fn engines(now: i64) -> Vec<Engine> {
    let engine = |address: &str| Engine {
        kind: "docker".into(),
        address: address.into(),
        version: Some("28.2.2".into()),
        local: true,
        listed: true,
        ..Engine::default()
    };
    let silent = Engine {
        fault: Some(Fault::Timeout),
        fault_unix_ms: Some(now - 42_000),
        local: false,
        ..engine("tcp://nas:2375")
    };
    vec![engine("unix:///var/run/docker.sock"), silent]
}

fn container(at: usize, cast: &Cast, now: i64) -> Container {
    let (name, project, state, health, _, _, limit) = *cast;
    let ago = |seconds: i64| Some(now - seconds * 1000);
    let days = 86_400 * (i64::try_from(at).unwrap() + 1);
    let looping = state == RunState::Restarting;
    Container {
        id: format!("{at:x}123456789abcdef0123"),
        name: name.into(),
        image: format!("registry.lan/{name}:latest"),
        command: format!("/usr/bin/{name} --serve"),
        state,
        health,
        failing_streak: if health == Some(Health::Unhealthy) { 4 } else { 0 },
        health_log: vec![Check { unix_ms: ago(12), exit_code: Some(1), output: "connection refused".into() }],
        exit_code: Some(if name == "import" { 3 } else { 137 }),
        oom_killed: name == "hungry",
        created_unix_ms: ago(days),
        started_unix_ms: ago(if looping { 12 } else { days }),
        finished_unix_ms: ago(3600),
        restarts: if looping { 57 } else { 0 },
        restart_policy: if state == RunState::Exited { "no" } else { "unless-stopped" }.into(),
        pid: if state == RunState::Running { 70_000 + u32::try_from(at).unwrap() } else { 0 },
        project: Some(project.to_owned()).filter(|project| !project.is_empty()),
        ports: if name == "jellyfin" { vec!["8096→8096/tcp".into()] } else { Vec::new() },
        cpu_limit: (name == "jellyfin").then_some(2.0),
        memory_limit: Some(limit << 20).filter(|limit| *limit > 0),
        restarted_unix_ms: if looping { (1..=4).map(|n| now - n * 60_000).collect() } else { Vec::new() },
        ..Container::default()
    }
}
