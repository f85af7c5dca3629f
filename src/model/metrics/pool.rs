//! Metrics of ZFS: pools, their devices, datasets.

use super::{
    Unit::{Bytes, BytesPerSecond, Count, PerSecond, Ratio, Seconds},
    def::{MetricDef, Put, flag, gauge},
};
use crate::model::{
    host::Host,
    pool::{DatasetRow, ERROR_KINDS, Pool, PoolRow, Vdev},
    source::SourceId::Pools,
};

const POOL: &[&str] = &["pool"];
const POOL_STATE: &[&str] = &["pool", "state"];
const VDEV_STATE: &[&str] = &["pool", "vdev", "state"];
const VDEV_KIND: &[&str] = &["pool", "vdev", "kind"];
const DATASET: &[&str] = &["dataset"];

/// Its rows of TABLE METRICS.
#[rustfmt::skip] // a table: one metric a paragraph of two or three lines
pub(super) const ROWS: &[MetricDef] = &[
    gauge("pool_healthy", Count, Pools, POOL_STATE, "1 when the pool is online, 0 otherwise.",
        |h, put| for row in &h.pools.rows {
            put(&[&row.name, &row.state.to_lowercase()], flag(row.is_healthy()));
        })
        .cause(missing),
    gauge("pool_size_bytes", Bytes, Pools, POOL, "Raw size of the pool.", |h, put| pool_values(h, put, |p| p.size.map(|b| b as f64))),
    gauge("pool_used_ratio", Ratio, Pools, POOL, "Share of the pool that is allocated.", |h, put| pools(h, put, PoolRow::used_ratio)),
    gauge("pool_fragmentation_ratio", Ratio, Pools, POOL, "Fragmentation of the pool's free space.", |h, put| pool_values(h, put, |p| p.fragmentation)),
    gauge("pool_compress_ratio", Ratio, Pools, POOL, "Compression ratio of the pool, 1 or more.", |h, put| pool_values(h, put, |p| p.compress)),
    gauge("pool_data_errors", Count, Pools, POOL, "Permanent data errors of the pool.",
        |h, put| pool_values(h, put, |p| p.data_errors.map(|n| n as f64))),
    gauge("pool_missing_devices", Count, Pools, POOL_STATE, "Unavailable devices of the pool, logs, caches and spares included.",
        |h, put| for row in &h.pools.rows {
            if let Some(reported) = &row.reported {
                put(&[&row.name, &row.state.to_lowercase()], reported.missing().count() as f64);
            }
        })
        .cause(missing),
    gauge("pool_scan_done_ratio", Ratio, Pools, POOL, "Progress of a running scrub or resilver.",
        |h, put| pool_values(h, put, |p| p.scan.as_ref()?.done_ratio)),
    gauge("pool_read_bytes_per_second", BytesPerSecond, Pools, POOL, "Bytes a second read from the pool's devices.",
        |h, put| pools(h, put, |p| p.io.map(|io| io.read_bytes))),
    gauge("pool_write_bytes_per_second", BytesPerSecond, Pools, POOL, "Bytes a second written to the pool's devices.",
        |h, put| pools(h, put, |p| p.io.map(|io| io.write_bytes))),
    gauge("pool_read_operations_per_second", PerSecond, Pools, POOL, "Reads a second of the pool.",
        |h, put| pools(h, put, |p| p.io.map(|io| io.reads))),
    gauge("pool_write_operations_per_second", PerSecond, Pools, POOL, "Writes a second of the pool.",
        |h, put| pools(h, put, |p| p.io.map(|io| io.writes))),
    gauge("pool_read_latency_seconds", Seconds, Pools, POOL, "How long a read of the pool took, queues included.",
        |h, put| pools(h, put, |p| p.io?.read_wait)),
    gauge("pool_write_latency_seconds", Seconds, Pools, POOL, "How long a write of the pool took, queues included.",
        |h, put| pools(h, put, |p| p.io?.write_wait)),
    gauge("vdev_healthy", Count, Pools, VDEV_STATE, "1 when the device is online or an available spare, 0 otherwise.",
        |h, put| vdevs(h, |pool, v| put(&[pool, &v.name, &v.state.to_lowercase()], flag(v.is_well())))),
    gauge("vdev_errors", Count, Pools, VDEV_KIND, "Errors that the device counted since they were last cleared.",
        |h, put| vdevs(h, |pool, v| if v.leaf {
            for (kind, errors) in ERROR_KINDS.into_iter().zip(v.errors) {
                put(&[pool, &v.name, kind], errors as f64);
            }
        })),
    gauge("dataset_compress_ratio", Ratio, Pools, DATASET, "Compression ratio of the dataset, 1 or more.", |h, put| datasets(h, put, |d| d.reported.ratio)),
    gauge("dataset_used_bytes", Bytes, Pools, DATASET, "Bytes of the dataset, its descendants and snapshots included.",
        |h, put| datasets(h, put, |d| Some(d.reported.used as f64))),
    gauge("dataset_read_bytes_per_second", BytesPerSecond, Pools, DATASET, "Bytes a second that programs read from the dataset.",
        |h, put| datasets(h, put, |d| d.read_per_second)),
    gauge("dataset_write_bytes_per_second", BytesPerSecond, Pools, DATASET, "Bytes a second that programs wrote to the dataset.",
        |h, put| datasets(h, put, |d| d.write_per_second)),
];

fn pools(host: &Host, put: Put<'_>, figure: impl Fn(&PoolRow) -> Option<f64>) {
    for row in &host.pools.rows {
        if let Some(value) = figure(row) {
            put(&[&row.name], value);
        }
    }
}

fn pool_values(host: &Host, put: Put<'_>, figure: impl Fn(&Pool) -> Option<f64>) {
    pools(host, put, |row| row.reported.as_ref().and_then(&figure));
}

/// Every vdev with its pool; a group is a vdev too.
fn vdevs(host: &Host, mut each: impl FnMut(&str, &Vdev)) {
    for row in &host.pools.rows {
        if let Some(reported) = &row.reported {
            reported.devices().for_each(|vdev| each(&row.name, vdev));
        }
    }
}

fn datasets(host: &Host, put: Put<'_>, figure: impl Fn(&DatasetRow) -> Option<f64>) {
    for row in &host.pools.datasets {
        if let Some(value) = figure(row) {
            put(&[&row.reported.name], value);
        }
    }
}

/// The devices that the pool lacks.
fn missing(host: &Host, labels: &[&str]) -> Option<String> {
    host.pools.find(labels.first()?)?.cause()
}
