//! Metrics of containers and of their engines.

use super::{
    Unit::{Bytes, BytesPerSecond, Count, Ratio},
    def::{MetricDef, NONE, Put, flag, gauge, one, read_once},
};
use crate::model::{
    container::{ContainerRow, Engine, Health, RunState},
    host::Host,
    source::SourceId::Containers,
};

const CONTAINER: &[&str] = &["container"];
const ENGINE: &[&str] = &["engine"];

/// Its rows of TABLE METRICS.
#[rustfmt::skip] // a table: one metric a paragraph of two or three lines
pub(super) const ROWS: &[MetricDef] = &[
    gauge("engine_up", Count, Containers, ENGINE, "1 when the container engine answers, 0 when it does not.",
        |h, put| for engine in h.containers.engines.iter().filter(|e| e.version.is_some() || e.fault.is_some()) {
            put(&[engine.address.as_str()], flag(engine.fault.is_none()));
        })
        .cause(|h, of| engine(h, of)?.why())
        .detail(|h, of| engine(h, of)?.complaint())
        .began(|h, of| engine(h, of)?.fault_unix_ms),
    gauge("containers_running", Count, Containers, NONE, "Running containers.",
        |h, put| one(put, read_once(h, Containers).then(|| h.containers.running() as f64))),
    gauge("containers_stable", Count, Containers, NONE, "Containers that have run for an hour without a restart.",
        |h, put| one(put, read_once(h, Containers).then(|| stable(h) as f64))),
    gauge("container_running", Count, Containers, CONTAINER, "1 when the container runs, 0 when it does not.",
        |h, put| containers(h, put, |c| Some(flag(c.meta.state == RunState::Running)))),
    gauge("container_healthy", Count, Containers, CONTAINER, "1 when its health check passes, 0 when it fails.",
        |h, put| containers(h, put, |c| match c.meta.health {
            Some(Health::Healthy) => Some(1.0),
            Some(Health::Unhealthy) => Some(0.0),
            Some(Health::Starting) | None => None,
        })),
    gauge("container_cpu_cores", Count, Containers, CONTAINER, "Cores that the container uses.", |h, put| containers(h, put, |c| c.cpu_cores)),
    gauge("container_cpu_limit_ratio", Ratio, Containers, CONTAINER, "Share of the cores that the container may use.",
        |h, put| containers(h, put, ContainerRow::cpu_ratio)),
    gauge("container_memory_bytes", Bytes, Containers, CONTAINER, "Memory of the container without inactive file cache.",
        |h, put| containers(h, put, |c| c.memory_bytes().map(|b| b as f64))),
    gauge("container_memory_limit_ratio", Ratio, Containers, CONTAINER, "Share of the memory that the container may use.",
        |h, put| containers(h, put, |c| c.memory_ratio(h.memory.raw.total))),
    gauge("container_receive_bytes_per_second", BytesPerSecond, Containers, CONTAINER, "Bytes a second that the container receives.",
        |h, put| containers(h, put, |c| c.rx_per_second)),
    gauge("container_transmit_bytes_per_second", BytesPerSecond, Containers, CONTAINER, "Bytes a second that the container sends.",
        |h, put| containers(h, put, |c| c.tx_per_second)),
    gauge("container_read_bytes_per_second", BytesPerSecond, Containers, CONTAINER, "Bytes a second that the container reads from storage.",
        |h, put| containers(h, put, |c| c.read_per_second)),
    gauge("container_write_bytes_per_second", BytesPerSecond, Containers, CONTAINER, "Bytes a second that the container writes to storage.",
        |h, put| containers(h, put, |c| c.write_per_second)),
    gauge("container_restarts_10m", Count, Containers, CONTAINER, "Automatic restarts of the container in the last ten minutes.",
        |h, put| containers(h, put, |c| Some(f64::from(c.restarts_lately(h.now)))))
        .detail(|h, of| Some(container(h, of)?.restart_words(h.now))),
    gauge("container_restarting", Count, Containers, CONTAINER, "1 while the container has exited and its engine waits to restart it.",
        |h, put| containers(h, put, |c| Some(flag(c.meta.state == RunState::Restarting))))
        .detail(end),
    gauge("container_failed", Count, Containers, CONTAINER, "1 when the container exited without being stopped, or could not be started.",
        |h, put| containers(h, put, |c| Some(flag(c.has_failed()))))
        .detail(end)
        .began(|h, of| container(h, of)?.meta.finished_unix_ms),
    gauge("container_ooms_10m", Count, Containers, CONTAINER, "OOM kills in the container in the last ten minutes.",
        |h, put| containers(h, put, |c| Some(f64::from(c.ooms_lately(h.now))))),
];

fn containers(host: &Host, put: Put<'_>, figure: impl Fn(&ContainerRow) -> Option<f64>) {
    for row in &host.containers.rows {
        if let Some(value) = figure(row) {
            put(&[&row.label], value);
        }
    }
}

/// The container that the labels name.
fn container<'a>(host: &'a Host, labels: &[&str]) -> Option<&'a ContainerRow> {
    let label = labels.first()?;
    host.containers.rows.iter().find(|row| *row.label == **label)
}

/// The engine that the labels name.
fn engine<'a>(host: &'a Host, labels: &[&str]) -> Option<&'a Engine> {
    let label = labels.first()?;
    host.containers.engines.iter().find(|engine| engine.address.as_str() == *label)
}

/// How the container ended.
fn end(host: &Host, labels: &[&str]) -> Option<String> {
    Some(container(host, labels)?.end_words())
}

/// Containers that have run for an hour: each start of one, by whomever, begins the hour again.
fn stable(host: &Host) -> usize {
    const HOUR_MS: i64 = 3_600_000;
    let since = |row: &&ContainerRow| {
        let started = row.meta.started_unix_ms.filter(|_| row.meta.state == RunState::Running);
        started.is_some_and(|started| host.now.unix_ms - started >= HOUR_MS)
    };
    host.containers.rows.iter().filter(since).count()
}
