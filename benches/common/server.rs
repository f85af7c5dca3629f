//! A made-up server: containers and pools, as many as a bench asks for, the same at every run.

use std::sync::Arc;

use benchtop::{
    clock::Stamp,
    model::{
        answer::Answer,
        container::{Container, ContainerSample, Engine, Health, RunState, Usage},
        pool::{IoRates, Pool, PoolIo, PoolSample, Vdev},
    },
};

const GIB: u64 = 1 << 30;

fn id(at: usize) -> String {
    format!("{at:02x}{:062x}", 0xcafe)
}

/// `count` containers in the second `second`: one in seven ended, one in three of a project.
pub fn containers(count: usize, second: u64) -> ContainerSample {
    let container = |at: usize| Container {
        id: id(at),
        name: format!("service-{at}"),
        image: format!("registry.lan/service-{at}:2.{at}"),
        state: if at % 7 == 6 { RunState::Exited } else { RunState::Running },
        health: at.is_multiple_of(4).then_some(Health::Healthy),
        exit_code: (at % 7 == 6).then_some(0),
        started_unix_ms: Some(1_000 * at as i64),
        finished_unix_ms: (at % 7 == 6).then_some(2_000),
        project: at.is_multiple_of(3).then(|| format!("project-{}", at % 4)),
        ports: vec![format!("{}→80/tcp", 8000 + at)],
        memory_limit: at.is_multiple_of(2).then_some(2 * GIB),
        pid: 70_000 + at as u32,
        ..Container::default()
    };
    let usage = |at: usize| {
        let moved = (at as u64 * 40_000 + second * 977 % 5000) * second;
        let usage = Usage {
            cpu_us: Some((at as u64 * 9_000 + second * 31 % 700) * second),
            memory_bytes: Some((at as u64 * 37) << 20),
            pids: Some(7),
            read_bytes: Some(moved),
            written_bytes: Some(moved / 3),
            rx_bytes: Some(moved),
            tx_bytes: Some(moved / 2),
            ..Usage::default()
        };
        (id(at), usage)
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
        containers: (0..count).map(|at| Arc::new(container(at))).collect(),
        usages: (0..count).filter(|at| at % 7 != 6).map(usage).collect(),
    }
}

/// `count` pools of eight devices each.
pub fn pools(count: usize, second: u64) -> PoolSample {
    let vdev = |at: usize| Vdev {
        name: format!("/dev/disk/by-id/ata-disk-{at}"),
        depth: 1,
        state: "ONLINE".into(),
        leaf: true,
        ..Vdev::default()
    };
    let pool = |at: usize| Pool {
        name: format!("pool-{at}"),
        state: if at == 3 { "DEGRADED" } else { "ONLINE" }.into(),
        vdevs: (0..8).map(vdev).collect(),
        size: Some(4000 * GIB),
        allocated: Some((at as u64 * 311 + 90) * GIB),
        free: Some((3910 - at as u64 * 311) * GIB),
        fragmentation: Some(0.12),
        dedup: Some(1.0),
        compress: Some(1.92),
        ..Pool::default()
    };
    let io = |at: usize| PoolIo {
        reads: 120.0 + (second % 9) as f64,
        writes: 40.0,
        read_bytes: 18e6 + at as f64 * 1e5,
        write_bytes: 44e6 + (second * 31 % 11) as f64 * 1e5,
        read_wait: Some(0.0006),
        write_wait: Some(0.0098),
    };
    let at = Stamp::at_seconds(second);
    let rates = IoRates { number: second, rows: (0..count).map(|at| (pool(at).name, None, io(at))).collect() };
    PoolSample {
        version: Some("2.3.2-2".into()),
        states: (0..count).map(|at| (pool(at).name, pool(at).state)).collect(),
        pools: Answer::new((0..count).map(pool).collect(), at),
        io: Answer::new(rates, at),
        datasets: Answer::new(Vec::new(), at),
        ..PoolSample::default()
    }
}
