//! `pools` of the document.

use serde::Serialize;

use crate::{
    model::{
        join,
        pool::{DatasetRow, PoolRow, Scan, ScanKind, ScanState, Vdev},
    },
    state::State,
};

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Pool<'a> {
    name: &'a str,
    /// The module's word in lower case: online, degraded, faulted, suspended.
    state: String,
    /// The devices that fail it.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    /// What zpool status says is the matter.
    #[serde(skip_serializing_if = "str::is_empty")]
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allocated_bytes: Option<u64>,
    /// Files or blocks that are lost for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_errors: Option<u64>,
    /// The scrub or resilver under way, or the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    scan: Option<ScanJson>,
    /// Names of the containers that use one of its datasets.
    containers: Vec<&'a str>,
    /// In the order of zpool status; depth gives the tree.
    vdevs: Vec<VdevJson<'a>>,
    datasets: Vec<DatasetJson<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ScanJson {
    kind: ScanKind,
    state: ScanState,
    #[serde(skip_serializing_if = "Option::is_none")]
    done_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_unix_seconds: Option<i64>,
    errors: u64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct VdevJson<'a> {
    name: &'a str,
    class: &'static str,
    depth: u8,
    state: String,
    read_errors: u64,
    write_errors: u64,
    checksum_errors: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    note: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct DatasetJson<'a> {
    name: &'a str,
    used_bytes: u64,
    available_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    compress_ratio: Option<f64>,
    compression: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    record_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mountpoint: Option<&'a str>,
    snapshots: u32,
}

/// All pools.
pub(super) fn all(state: &State) -> Vec<Pool<'_>> {
    state.host.pools.rows.iter().map(|row| pool(state, row)).collect()
}

fn pool<'a>(state: &'a State, row: &'a PoolRow) -> Pool<'a> {
    let known = row.reported.as_ref();
    let datasets = state.host.pools.datasets.iter().filter(|d| d.reported.pool() == row.name);
    Pool {
        name: &row.name,
        state: row.state.to_lowercase(),
        cause: row.cause(),
        status: known.map_or("", |t| t.status.as_str()),
        size_bytes: known.and_then(|t| t.size),
        allocated_bytes: known.and_then(|t| t.allocated),
        data_errors: known.and_then(|t| t.data_errors),
        scan: known.and_then(|t| t.scan.as_ref()).map(scan),
        containers: join::containers_of_pool(&state.host, &row.name)
            .into_iter()
            .map(|(container, _)| container.meta.name.as_str())
            .collect(),
        vdevs: known.map(|t| t.vdevs.iter().map(vdev).collect()).unwrap_or_default(),
        datasets: datasets.map(dataset).collect(),
    }
}

fn scan(scan: &Scan) -> ScanJson {
    ScanJson {
        kind: scan.kind,
        state: scan.state,
        done_ratio: scan.done_ratio,
        remaining_seconds: scan.remaining.map(|left| left.as_secs()),
        ended_unix_seconds: scan.ended_unix,
        errors: scan.errors,
    }
}

fn vdev(vdev: &Vdev) -> VdevJson<'_> {
    let [read_errors, write_errors, checksum_errors] = vdev.errors;
    VdevJson {
        name: &vdev.name,
        class: vdev.class.word(),
        depth: vdev.depth,
        state: vdev.state.to_lowercase(),
        read_errors,
        write_errors,
        checksum_errors,
        note: &vdev.note,
    }
}

fn dataset(row: &DatasetRow) -> DatasetJson<'_> {
    let known = &row.reported;
    DatasetJson {
        name: &known.name,
        used_bytes: known.used,
        available_bytes: known.available,
        compress_ratio: known.ratio,
        compression: &known.compression,
        record_bytes: known.record,
        quota_bytes: known.quota,
        mountpoint: known.mountpoint.as_deref(),
        snapshots: known.snapshots,
    }
}
