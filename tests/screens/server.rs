//! The recorded host as a busy server: pools, cards, containers and processes, each as many as a test asks for.

use std::{sync::Arc, time::Duration};

use benchtop::{
    clock::Stamp,
    model::{
        answer::Answer,
        container::{Container, ContainerSample, Engine, Health, RunState, Usage},
        event::{Envelope, Event, Sample},
        gpu::{Driver, Gpu, GpuProcess, GpuSample},
        pool::{IoRates, Pool, PoolIo, PoolSample, Scan, ScanKind, ScanState, Vdev},
        process::{ProcInfo, ProcKey, ProcRow, ProcessSample},
        source::SourceId,
    },
    state::State,
};

const SECONDS: u64 = 12;
const GIB: u64 = 1 << 30;

/// What stands in the server.
#[derive(Debug, Clone, Copy)]
pub struct Parts {
    pub containers: usize,
    pub pools: usize,
    pub cards: usize,
    pub processes: u32,
}

impl Parts {
    /// All that the screens are made for.
    pub const FULL: Parts = Parts { containers: 15, pools: 4, cards: 2, processes: 90 };
    /// The commonest host: an engine and nothing special.
    pub const DOCKER: Parts = Parts { pools: 0, cards: 0, ..Parts::FULL };
}

/// Name, image, share of a core, MiB of memory, MiB of its limit, ports.
type Cast = (&'static str, &'static str, f64, u64, u64, &'static [&'static str]);

const CAST: [Cast; 15] = [
    ("caddy", "caddy:2.10", 0.003, 48, 0, &["80→80/tcp", "443→443/tcp"]),
    ("dozzle", "amir20/dozzle:v8", 0.0, 22, 0, &["8888→8080/tcp"]),
    ("grafana", "grafana/grafana:12.0", 0.01, 210, 512, &["3000→3000/tcp"]),
    ("homeassistant", "ghcr.io/home-assistant/home-assistant:stable", 0.02, 600, 0, &[]),
    ("immich-machine-learning", "ghcr.io/immich-app/immich-machine-learning:v1.135", 3.12, 4200, 6144, &[]),
    ("immich-server", "ghcr.io/immich-app/immich-server:v1.135", 0.88, 1200, 0, &["2283→2283/tcp"]),
    ("jellyfin", "jellyfin/jellyfin:10.10", 0.41, 1200, 4096, &["8096→8096/tcp"]),
    ("nextcloud", "nextcloud:31-apache", 0.03, 800, 4096, &["8080→80/tcp"]),
    ("pihole", "pihole/pihole:2025.06", 0.004, 92, 0, &["53→53/tcp", "53→53/udp"]),
    ("plex", "plexinc/pms-docker:latest", 0.0, 0, 2048, &["32400→32400/tcp"]),
    ("portainer", "portainer/portainer-ce:2.31", 0.001, 90, 0, &["9443→9443/tcp"]),
    ("postgres", "postgres:17", 0.22, 2100, 4096, &[]),
    ("redis", "redis:8-alpine", 0.02, 62, 512, &[]),
    ("vaultwarden", "vaultwarden/server:1.34", 0.0, 0, 0, &[]),
    ("watchtower", "containrrr/watchtower:1.7", 0.0, 31, 0, &[]),
];

const POOLS: [(&str, u64, u64, &str); 4] = [
    ("media", 24_000, 20_600, "DEGRADED"),
    ("models", 2000, 1440, "ONLINE"),
    ("rpool", 930, 380, "ONLINE"),
    ("staging", 3600, 1000, "ONLINE"),
];

/// Puts the parts into `state`, in the seconds before its own now.
pub fn furnish(state: &mut State, parts: Parts) {
    let now = state.host.now;
    for second in 1..=SECONDS {
        let back = SECONDS - second;
        let at = Stamp {
            mono_us: now.mono_us - back * 1_000_000,
            unix_ms: now.unix_ms - i64::try_from(back).unwrap() * 1000,
        };
        let mut send = |source: SourceId, sample: Sample| {
            let (took, every) = (Duration::from_millis(1), Duration::from_secs(1));
            state.apply(Event::Reading(Envelope { source, at, took, every, outcome: Ok(sample) }));
        };
        if parts.containers > 0 {
            send(SourceId::Containers, Sample::Containers(containers(parts.containers, now.unix_ms, second)));
        }
        if parts.pools > 0 {
            send(SourceId::Pools, Sample::Pools(Box::new(pools(parts.pools, at, second))));
        }
        if parts.cards > 0 {
            send(SourceId::Gpus, Sample::Gpus(cards(parts.cards, second)));
        }
        if parts.processes > 0 {
            send(SourceId::Processes, Sample::Processes(processes(parts.processes, second)));
        }
        state.judge();
    }
}

fn containers(count: usize, now: i64, second: u64) -> ContainerSample {
    let all = || CAST.iter().take(count).enumerate();
    let usage = |(at, cast): (usize, &Cast)| {
        let moved = (cast.2 * 900_000.0) as u64 * second;
        let usage = Usage {
            cpu_us: Some((cast.2 * 1e6) as u64 * second),
            memory_bytes: Some(cast.3 << 20),
            pids: Some(7),
            read_bytes: Some(moved),
            written_bytes: Some(moved / 3),
            rx_bytes: Some(moved),
            tx_bytes: Some(moved / 2),
            ..Usage::default()
        };
        (state_of(cast.0) == RunState::Running).then(|| (id(at), usage))
    };
    ContainerSample {
        engines: vec![Engine {
            kind: "docker".into(),
            address: "unix:///var/run/docker.sock".into(),
            version: Some("28.2.2".into()),
            local: true,
            listed: true,
            ..Engine::default()
        }],
        containers: all().map(|(at, cast)| Arc::new(container(at, cast, now))).collect(),
        usages: all().filter_map(usage).collect(),
    }
}

fn id(at: usize) -> String {
    format!("{:02x}{:062x}", 16 + at, 0xcafe)
}

fn state_of(name: &str) -> RunState {
    match name {
        "plex" => RunState::Restarting,
        "vaultwarden" => RunState::Exited,
        _ => RunState::Running,
    }
}

fn container(at: usize, cast: &Cast, now: i64) -> Container {
    let (name, image, _, _, limit, ports) = *cast;
    let ago = |seconds: i64| Some(now - seconds * 1000);
    Container {
        id: id(at),
        name: name.into(),
        image: image.into(),
        state: state_of(name),
        health: match name {
            "pihole" => Some(Health::Unhealthy),
            "immich-server" | "jellyfin" | "postgres" | "redis" => Some(Health::Healthy),
            _ => None,
        },
        exit_code: (state_of(name) != RunState::Running).then_some(137),
        created_unix_ms: ago(4_000_000),
        started_unix_ms: ago(if name == "plex" { 12 } else { 3_542_400 }),
        finished_unix_ms: ago(1560),
        restarts: if name == "plex" { 57 } else { 0 },
        restart_policy: "unless-stopped".into(),
        pid: 70_000 + u32::try_from(at).unwrap(),
        ports: ports.iter().map(|p| (*p).to_owned()).collect(),
        memory_limit: Some(limit << 20).filter(|limit| *limit > 0),
        restarted_unix_ms: if name == "plex" { (1..=9).map(|n| now - n * 60_000).collect() } else { Vec::new() },
        ..Container::default()
    }
}

fn pools(count: usize, at: Stamp, second: u64) -> PoolSample {
    let all = || POOLS.iter().take(count);
    let answer = |pools: Vec<Pool>| Answer::new(pools, at);
    let io = PoolIo {
        reads: 120.0,
        writes: 40.0,
        read_bytes: 18e6,
        write_bytes: 44e6,
        read_wait: Some(0.0006),
        write_wait: Some(0.0098),
    };
    PoolSample {
        version: Some("2.3.2-2".into()),
        states: all().map(|(name, _, _, state)| ((*name).into(), (*state).into())).collect(),
        pools: answer(all().map(|pool| pool_answer(pool, at)).collect()),
        io: Answer::new(
            IoRates { number: second, rows: all().map(|(name, ..)| ((*name).to_owned(), None, io)).collect() },
            at,
        ),
        datasets: Answer::new(Vec::new(), at),
        ..PoolSample::default()
    }
}

fn pool_answer((name, size, used, state): &(&str, u64, u64, &str), at: Stamp) -> Pool {
    let degraded = *state == "DEGRADED";
    let leaf = |name: &str, state: &str, errors| Vdev {
        name: name.into(),
        depth: 1,
        state: state.into(),
        errors,
        leaf: true,
        ..Vdev::default()
    };
    let scan = Scan {
        kind: if degraded { ScanKind::Resilver } else { ScanKind::Scrub },
        state: if degraded { ScanState::Running } else { ScanState::Finished },
        started_unix: Some(at.unix_ms / 1000 - 600_000),
        ended_unix: (!degraded).then(|| at.unix_ms / 1000 - 518_400),
        done_ratio: degraded.then_some(0.42),
        remaining: degraded.then(|| Duration::from_secs(9000)),
        errors: 0,
        repaired_bytes: None,
    };
    Pool {
        name: (*name).into(),
        state: (*state).into(),
        scan: Some(scan),
        vdevs: vec![
            leaf("/dev/sdc1", "ONLINE", [0, 0, if degraded { 3 } else { 0 }]),
            leaf("/dev/sdd1", if degraded { "OFFLINE" } else { "ONLINE" }, [0; 3]),
        ],
        size: Some(size * GIB),
        allocated: Some(used * GIB),
        free: Some((size - used) * GIB),
        fragmentation: Some(0.12),
        dedup: Some(1.0),
        compress: Some(1.92),
        ..Pool::default()
    }
}

fn cards(count: usize, second: u64) -> GpuSample {
    let card = |index: usize| Gpu {
        id: format!("GPU-{index}"),
        index: u16::try_from(index).unwrap(),
        name: "NVIDIA GeForce RTX 4080".into(),
        bus: format!("0000:0{index}:00.0"),
        busy: Some(0.5 + (second % 5) as f64 / 10.0),
        memory_total: Some(16 * GIB),
        memory_used: Some(13 * GIB),
        temperature: Some(72.0),
        power: Some(259.0),
        power_limit: Some(320.0),
        processes: vec![GpuProcess {
            pid: 100 + u32::try_from(index).unwrap(),
            memory: Some(12 * GIB),
            ..GpuProcess::default()
        }],
        ..Gpu::default()
    };
    GpuSample {
        drivers: vec![Driver { version: Some("575.57".into()), cuda: Some("12.9".into()), ..Driver::default() }],
        gpus: (0..count).map(card).collect(),
    }
}

fn processes(count: u32, second: u64) -> ProcessSample {
    let key = |pid: u32| ProcKey { pid: 100 + pid, start_ticks: 40 };
    let row = |pid: u32| ProcRow {
        key: key(pid),
        tgid: 100 + pid,
        parent: 1,
        state: b'S',
        user_ticks: u64::from(count - pid) * second,
        over_us: if second > 1 { 1_000_000 } else { 0 },
        resident_pages: u64::from(count - pid) * 900,
        threads: 4,
        priority: 20,
        name: (second == 1).then(|| format!("worker-{pid}").into()),
        uid: (second == 1).then_some(0),
        ..ProcRow::default()
    };
    let info = |pid: u32| {
        let at = (pid as usize) % 30;
        let cgroup = if at < CAST.len() { format!("/docker/{}", id(at)) } else { "/system.slice/work.service".into() };
        let command = format!("/usr/bin/worker-{pid} --serve --port {}", 8000 + pid);
        let info = ProcInfo { command: command.into(), program_len: 17, cgroup: cgroup.as_str().into() };
        (key(pid), info)
    };
    ProcessSample {
        fresh: second == 1,
        rows: (0..count).map(row).collect(),
        infos: if second == 1 { (0..count).map(info).collect() } else { Vec::new() },
        full: true,
        read: count,
        page_bytes: 4096,
        ..ProcessSample::default()
    }
}
