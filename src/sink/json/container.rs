//! `containers` of the document.

use serde::Serialize;

use crate::{
    model::{
        container::{ContainerRow, Mounted},
        join,
    },
    state::State,
};

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Container<'a> {
    /// 64 letters.
    id: &'a str,
    name: &'a str,
    image: &'a str,
    /// docker or podman.
    engine: &'a str,
    /// The engine's word: running, paused, restarting, removing, dead, created, exited, unknown; Podman has more, such as stopped and initialized.
    state: &'a str,
    /// Left out without a health check.
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<&'static str>,
    /// How it last ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i64>,
    oom_killed: bool,
    /// The engine's count since it was created.
    restarts: u32,
    /// Came up again by itself in the last ten minutes.
    restarts_10m: u32,
    /// Compose project.
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
    /// Its first process, while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_unix_milliseconds: Option<i64>,
    /// Cores used.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_cores: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_limit_cores: Option<f64>,
    /// Without inactive file cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_limit_bytes: Option<u64>,
    /// With their threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    processes: Option<u64>,
    /// bridge, host, none, container:ID or the name of a network. With host and container:ID its traffic is left out: it would be that of all who use the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    network_mode: Option<&'a str>,
    ports: &'a [String],
    mounts: Vec<Mount<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Mount<'a> {
    kind: &'a str,
    source: &'a str,
    destination: &'a str,
    writable: bool,
    /// The ZFS dataset that it comes from; left out where it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset: Option<&'a str>,
}

/// All containers.
pub(super) fn all(state: &State) -> Vec<Container<'_>> {
    state.host.containers.rows.iter().map(|row| container(state, row)).collect()
}

fn container<'a>(state: &'a State, row: &'a ContainerRow) -> Container<'a> {
    let meta = &row.meta;
    let engine = state.host.containers.engines.get(usize::from(meta.engine)).map_or("", |e| e.kind.as_str());
    Container {
        id: &meta.id,
        name: &meta.name,
        image: &meta.image,
        engine,
        state: meta.word(),
        health: meta.health.map(crate::model::container::Health::word),
        exit_code: meta.exit_code.filter(|_| meta.finished_unix_ms.is_some()),
        oom_killed: meta.oom_killed,
        restarts: meta.restarts,
        restarts_10m: row.restarts_lately(state.host.now),
        project: meta.project.as_deref(),
        pid: Some(meta.pid).filter(|pid| *pid > 0),
        started_unix_milliseconds: meta.started_unix_ms,
        cpu_cores: row.cpu_cores,
        cpu_limit_cores: meta.cpu_limit,
        memory_bytes: row.memory_bytes(),
        memory_limit_bytes: row.memory_limit(state.host.memory.raw.total),
        processes: row.usage.as_ref().and_then(|usage| usage.pids),
        network_mode: meta.network_mode.as_deref(),
        ports: &meta.ports,
        mounts: meta.mounts.iter().map(|m| mount(state, m)).collect(),
    }
}

fn mount<'a>(state: &'a State, mount: &'a Mounted) -> Mount<'a> {
    Mount {
        kind: &mount.kind,
        source: &mount.source,
        destination: &mount.destination,
        writable: mount.writable,
        dataset: join::dataset_of(&state.host, mount),
    }
}
