//! The counters beside the rates: TABLE COUNTERS. Whoever stores figures outside derives rates over spans of their own,
//! which needs what the kernel counted. Rules and `once --json` have the rates; an exporter has both.

use super::{
    Unit,
    def::{MetricDef, NONE, Put, Read, gauge},
};
use crate::{
    clock::TICKS_PER_SECOND,
    model::{
        container::Usage,
        cpu::CpuTicks,
        disk::DiskCounters,
        host::Host,
        model_server::Work,
        network::InterfaceCounters,
        source::SourceId::{self, Containers, Cpu, Disks, Memory, ModelServers, Network, Pools},
    },
};
use Unit::{Bytes, Count, Seconds};

const MODE: &[&str] = &["mode"];
const DEVICE: &[&str] = &["device"];
const INTERFACE: &[&str] = &["interface"];
const DATASET: &[&str] = &["dataset"];
const CONTAINER: &[&str] = &["container"];
const MODEL: &[&str] = &["server", "model"];

/// Bytes of a sector in `/proc/diskstats`, whatever the device has.
const SECTOR: u64 = 512;

const fn counter(
    id: &'static str,
    unit: Unit,
    source: SourceId,
    labels: &'static [&'static str],
    help: &'static str,
    read: Read,
) -> MetricDef {
    gauge(id, unit, source, labels, help, read).counter()
}

fn one(put: Put<'_>, value: Option<u64>) {
    if let Some(value) = value {
        put(&[], value as f64);
    }
}

fn cpu(host: &Host, put: Put<'_>) {
    let CpuTicks { user, nice, system, idle, iowait, irq, softirq, steal } = host.cpu.raw.total;
    let modes = [
        ("user", user),
        ("nice", nice),
        ("system", system),
        ("idle", idle),
        ("iowait", iowait),
        ("irq", irq),
        ("softirq", softirq),
        ("steal", steal),
    ];
    // Before the first reading there is none.
    if modes.iter().any(|(_, ticks)| *ticks > 0) {
        modes.iter().for_each(|(mode, ticks)| put(&[mode], *ticks as f64 / f64::from(TICKS_PER_SECOND)));
    }
}

fn pages(host: &Host, put: Put<'_>, pages: Option<u64>) {
    let page = if host.memory.raw.page_bytes == 0 { 4096 } else { host.memory.raw.page_bytes };
    one(put, pages.map(|pages| pages.saturating_mul(page)));
}

fn disks(host: &Host, put: Put<'_>, figure: fn(&DiskCounters) -> f64) {
    host.disks.disks.iter().for_each(|disk| put(&[&disk.raw.name], figure(&disk.raw)));
}

fn interfaces(host: &Host, put: Put<'_>, figure: fn(&InterfaceCounters) -> u64) {
    host.network.interfaces.iter().for_each(|i| put(&[&i.raw.name], figure(&i.raw) as f64));
}

fn containers(host: &Host, put: Put<'_>, figure: fn(&Usage) -> Option<f64>) {
    for row in &host.containers.rows {
        if let Some(value) = row.usage.as_ref().and_then(figure) {
            put(&[&row.label], value);
        }
    }
}

/// TABLE COUNTERS: each is named as its rate is, without `_per_second`.
#[rustfmt::skip] // a table: one counter a paragraph of one or two lines
pub static COUNTERS: &[MetricDef] = &[
    counter("cpu_seconds", Seconds, Cpu, MODE, "Time of all cores in each mode since boot.", cpu),
    counter("cpu_context_switches", Count, Cpu, NONE, "Context switches since boot.", |h, put| one(put, h.cpu.raw.context_switches)),
    counter("cpu_forks", Count, Cpu, NONE, "Processes and threads created since boot.", |h, put| one(put, h.cpu.raw.forks)),

    counter("swap_in_bytes", Bytes, Memory, NONE, "Bytes read back from swap since boot.", |h, put| pages(h, put, h.memory.raw.swapped_in_pages)),
    counter("swap_out_bytes", Bytes, Memory, NONE, "Bytes written to swap since boot.", |h, put| pages(h, put, h.memory.raw.swapped_out_pages)),
    counter("arc_misses", Count, Memory, NONE, "Misses of the ZFS cache.", |h, put| one(put, h.memory.raw.arc.map(|a| a.misses))),
    counter("arc_ghost_hits", Count, Memory, NONE, "Ghost hits: a larger ZFS cache would have hit.",
        |h, put| one(put, h.memory.raw.arc.map(|a| a.recent_ghost_hits.saturating_add(a.frequent_ghost_hits)))),

    counter("disk_read_bytes", Bytes, Disks, DEVICE, "Bytes read.", |h, put| disks(h, put, |d| d.sectors_read.saturating_mul(SECTOR) as f64)),
    counter("disk_write_bytes", Bytes, Disks, DEVICE, "Bytes written.", |h, put| disks(h, put, |d| d.sectors_written.saturating_mul(SECTOR) as f64)),
    counter("disk_reads", Count, Disks, DEVICE, "Reads finished.", |h, put| disks(h, put, |d| d.reads as f64)),
    counter("disk_writes", Count, Disks, DEVICE, "Writes finished.", |h, put| disks(h, put, |d| d.writes as f64)),
    counter("disk_read_seconds", Seconds, Disks, DEVICE, "Time that finished reads took together.", |h, put| disks(h, put, |d| d.read_ms as f64 / 1e3)),
    counter("disk_write_seconds", Seconds, Disks, DEVICE, "Time that finished writes took together.", |h, put| disks(h, put, |d| d.write_ms as f64 / 1e3)),
    counter("disk_busy_seconds", Seconds, Disks, DEVICE, "Time with a request in flight.", |h, put| disks(h, put, |d| d.busy_ms as f64 / 1e3)),

    counter("network_receive_bytes", Bytes, Network, INTERFACE, "Bytes received.", |h, put| interfaces(h, put, |i| i.rx_bytes)),
    counter("network_transmit_bytes", Bytes, Network, INTERFACE, "Bytes sent.", |h, put| interfaces(h, put, |i| i.tx_bytes)),
    counter("network_receive_packets", Count, Network, INTERFACE, "Packets received.", |h, put| interfaces(h, put, |i| i.rx_packets)),
    counter("network_transmit_packets", Count, Network, INTERFACE, "Packets sent.", |h, put| interfaces(h, put, |i| i.tx_packets)),
    counter("network_errors", Count, Network, INTERFACE, "Errors of both directions.", |h, put| interfaces(h, put, |i| i.rx_errors.saturating_add(i.tx_errors))),
    counter("network_drops", Count, Network, INTERFACE, "Packets of both directions dropped.", |h, put| interfaces(h, put, |i| i.rx_dropped.saturating_add(i.tx_dropped))),

    counter("dataset_read_bytes", Bytes, Pools, DATASET, "Bytes that programs read from the dataset since it was mounted.",
        |h, put| for d in &h.pools.raw.counters { put(&[&d.name], d.read_bytes as f64) }),
    counter("dataset_write_bytes", Bytes, Pools, DATASET, "Bytes that programs wrote to the dataset since it was mounted.",
        |h, put| for d in &h.pools.raw.counters { put(&[&d.name], d.written_bytes as f64) }),

    counter("container_cpu_seconds", Seconds, Containers, CONTAINER, "Time of cores that the container used since it started.",
        |h, put| containers(h, put, |u| u.cpu_us.map(|us| us as f64 / 1e6))),
    counter("container_receive_bytes", Bytes, Containers, CONTAINER, "Bytes that the container received.", |h, put| containers(h, put, |u| u.rx_bytes.map(|b| b as f64))),
    counter("container_transmit_bytes", Bytes, Containers, CONTAINER, "Bytes that the container sent.", |h, put| containers(h, put, |u| u.tx_bytes.map(|b| b as f64))),
    counter("container_read_bytes", Bytes, Containers, CONTAINER, "Bytes that the container read from storage.", |h, put| containers(h, put, |u| u.read_bytes.map(|b| b as f64))),
    counter("container_write_bytes", Bytes, Containers, CONTAINER, "Bytes that the container wrote to storage.", |h, put| containers(h, put, |u| u.written_bytes.map(|b| b as f64))),

    counter("model_tokens", Count, ModelServers, MODEL, "Tokens generated since the model's server started.", |h, put| models(h, put, |w| w.generated_tokens)),
    counter("model_prompt_tokens", Count, ModelServers, MODEL, "Tokens of prompts processed since the model's server started.", |h, put| models(h, put, |w| w.prompt_tokens)),
    counter("model_preemptions", Count, ModelServers, MODEL, "Requests put back into the queue since the model's server started.", |h, put| models(h, put, |w| w.preemptions)),
];

fn models(host: &Host, put: Put<'_>, figure: impl Fn(&Work) -> Option<f64>) {
    for row in &host.model_servers.rows {
        for model in row.loaded() {
            if let Some(value) = figure(&model.raw.work) {
                put(&[&row.raw.name, &model.raw.name], value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use super::*;
    use crate::{
        clock::Stamp,
        model::{
            disk::DiskSample,
            event::{Envelope, Event, Sample},
            metrics::METRICS,
        },
    };

    /// `zpool iostat` counts for us: there are rates and nothing else. Each probe of a service is a measurement of its own.
    const RATES_ONLY: [&str; 5] = [
        "pool_read_bytes_per_second",
        "pool_write_bytes_per_second",
        "pool_read_operations_per_second",
        "pool_write_operations_per_second",
        "service_throughput_bytes_per_second",
    ];

    #[test]
    fn each_rate_has_its_counter() {
        for rate in METRICS.iter().filter(|metric| !RATES_ONLY.contains(&metric.id)) {
            let Some(name) = rate.id.strip_suffix("_per_second") else { continue };
            let counter = COUNTERS.iter().find(|counter| counter.id == name);
            let counter = counter.unwrap_or_else(|| panic!("{} has no counter", rate.id));
            assert_eq!((counter.source, counter.labels), (rate.source, rate.labels), "{name}");
        }
    }

    #[test]
    fn names_are_unique_and_say_the_unit() {
        let mut seen: BTreeSet<&str> = METRICS.iter().map(|metric| metric.id).collect();
        for metric in COUNTERS {
            assert!(seen.insert(metric.id) && metric.counter && metric.help.ends_with('.'), "{}", metric.id);
            let said = metric.unit == Count || metric.id.ends_with(&format!("_{}", metric.unit.name()));
            assert!(said && !metric.id.ends_with("_total"), "{}: an exporter adds `_total`", metric.id);
        }
    }

    #[test]
    fn a_machine_that_was_never_read_has_none() {
        for metric in COUNTERS {
            (metric.read)(&Host::default(), &mut |labels, value| panic!("{}{labels:?} = {value}", metric.id));
        }
    }

    #[test]
    fn the_first_reading_has_counters_and_no_rates() {
        let disk = DiskCounters { name: "sda".into(), sectors_read: 8, busy_ms: 1500, ..DiskCounters::default() };
        let outcome = Ok(Sample::Disks(DiskSample { disks: vec![disk] }));
        let (at, took, every) = (Stamp::at_seconds(1), Duration::ZERO, Duration::from_secs(1));
        let mut host = Host::default();
        host.apply(Event::Reading(Envelope { source: Disks, at, took, every, outcome }));
        let values = |table: &[MetricDef], id: &str| {
            let mut values = Vec::new();
            let metric = table.iter().find(|metric| metric.id == id).expect("a metric");
            (metric.read)(&host, &mut |labels, value| values.push((labels.concat(), value)));
            values
        };
        assert_eq!(values(METRICS, "disk_read_bytes_per_second"), []);
        assert_eq!(values(COUNTERS, "disk_read_bytes"), [("sda".to_owned(), 4096.0)]);
        assert_eq!(values(COUNTERS, "disk_busy_seconds"), [("sda".to_owned(), 1.5)]);
    }
}
