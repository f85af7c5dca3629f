//! Every figure that has a name outside: TABLE METRICS. JSON, exporter, rules and history read it; nothing else names a figure.

pub mod counters;
mod id;

pub use super::unit::Unit;
use super::{
    container::{ContainerRow, Engine, Health, RunState},
    disk::Disk,
    fault::Fault,
    filesystem::{Filesystem, Space},
    gpu::{CardState, GpuRow, xid_words},
    host::Host,
    network::Interface,
    pool::{DatasetRow, Pool, PoolRow, Vdev},
    pressure::{Stall, Stalls},
    source::SourceId,
};
use crate::clock::Stamp;
pub use id::*;

/// Receives one value with its label values, in the order of [`MetricDef::labels`].
pub type Put<'a> = &'a mut dyn FnMut(&[&str], f64);

/// One metric.
pub struct MetricDef {
    /// `snake_case`, base unit.
    pub id: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// The source that feeds it: where that is stale, the figure is not to be trusted. `None`: the fold itself.
    pub source: Option<SourceId>,
    /// It only grows until something restarts.
    pub counter: bool,
    /// One sentence.
    pub help: &'static str,
    /// Label names.
    pub labels: &'static [&'static str],
    /// Gives every value there is; an absent figure is left out.
    pub read: fn(&Host, Put<'_>),
}

impl std::fmt::Debug for MetricDef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

/// The metric called `id`.
#[must_use]
pub fn find(id: &str) -> Option<&'static MetricDef> {
    MetricId::find(id).map(MetricId::def)
}

type Read = fn(&Host, Put<'_>);

const fn gauge(
    id: &'static str,
    unit: Unit,
    source: SourceId,
    labels: &'static [&'static str],
    help: &'static str,
    read: Read,
) -> MetricDef {
    MetricDef { id, unit, source: Some(source), counter: false, help, labels, read }
}

/// A value without labels, if there is one.
fn one(put: Put<'_>, value: Option<f64>) {
    if let Some(value) = value {
        put(&[], value);
    }
}

/// A number as a label, without allocating.
fn numbered(number: u16, put: Put<'_>, value: f64) {
    put(&[itoa::Buffer::new().format(number)], value);
}

fn disks(host: &Host, put: Put<'_>, figure: fn(&Disk) -> Option<f64>) {
    for disk in &host.disks.disks {
        if let Some(value) = figure(disk) {
            put(&[&disk.raw.name], value);
        }
    }
}

fn interfaces(host: &Host, put: Put<'_>, figure: fn(&Interface) -> Option<f64>) {
    for interface in &host.network.interfaces {
        if let Some(value) = figure(interface) {
            put(&[&interface.raw.name], value);
        }
    }
}

fn mounts(host: &Host, put: Put<'_>, figure: fn(&Space) -> Option<f64>) {
    for Filesystem { mount, space, .. } in &host.filesystems.filesystems {
        if let Some(value) = space.as_ref().ok().and_then(figure) {
            put(&[mount], value);
        }
    }
}

/// How full those are that can be written: what is read-only does not fill up.
fn filling(host: &Host, put: Put<'_>, figure: fn(&Space) -> Option<f64>) {
    for filesystem in host.filesystems.filesystems.iter().filter(|f| !f.read_only) {
        if let Some(value) = filesystem.space.as_ref().ok().and_then(figure) {
            put(&[&filesystem.mount], value);
        }
    }
}

fn stalls(host: &Host, put: Put<'_>, figure: fn(&Stalls) -> Option<Stall>) {
    let raw = &host.pressure.raw;
    for (resource, stalls) in [("cpu", raw.cpu), ("memory", raw.memory), ("io", raw.io)] {
        if let Some(stall) = stalls.as_ref().and_then(figure) {
            put(&[resource], stall.avg10);
        }
    }
}

/// Memory figures exist once the total is known.
fn memory(host: &Host, put: Put<'_>, figure: fn(&Host) -> u64) {
    one(put, (host.memory.raw.total > 0).then(|| figure(host) as f64));
}

fn arc(host: &Host, put: Put<'_>, figure: fn(&super::arc::ArcSample) -> u64) {
    one(put, host.memory.raw.arc.as_ref().map(|a| figure(a) as f64));
}

fn zram(host: &Host, put: Put<'_>, figure: fn(&super::memory::ZramSample) -> u64) {
    one(put, host.memory.raw.zram.as_ref().map(|z| figure(z) as f64));
}

fn shares(host: &Host, put: Put<'_>, figure: fn(&super::cpu::CpuShares) -> f64) {
    one(put, host.cpu.shares.as_ref().map(figure));
}

/// Load averages and counts exist once they were read.
fn load(host: &Host, put: Put<'_>, figure: fn(&super::load::LoadSample) -> f64) {
    one(put, read_once(host, SourceId::Load).then(|| figure(&host.load.raw)));
}

fn processes(host: &Host, put: Put<'_>, figure: fn(&super::process::ProcessCounts) -> u32) {
    // What is counted of some is not exported as if it were of all.
    let all = read_once(host, SourceId::Processes) && host.processes.hidden.is_none();
    one(put, all.then(|| f64::from(figure(&host.processes.counts))));
}

fn containers(host: &Host, put: Put<'_>, figure: impl Fn(&ContainerRow) -> Option<f64>) {
    for row in &host.containers.rows {
        if let Some(value) = figure(row) {
            put(&[&row.label], value);
        }
    }
}

/// Cards that are up. A lost one has its `gpu_up` alone.
fn gpus(host: &Host, put: Put<'_>, figure: impl Fn(&GpuRow) -> Option<f64>) {
    for row in host.gpus.rows.iter().filter(|row| row.is_up()) {
        if let Some(value) = figure(row) {
            put(&[&row.raw.label()], value);
        }
    }
}

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

/// The container that a label names.
fn container<'a>(host: &'a Host, label: Option<&String>) -> Option<&'a ContainerRow> {
    let label = label?;
    host.containers.rows.iter().find(|row| *row.label == **label)
}

/// The engine that a label names.
fn engine<'a>(host: &'a Host, label: Option<&String>) -> Option<&'a Engine> {
    let label = label?;
    host.containers.engines.iter().find(|engine| engine.address.as_str() == label)
}

/// The source that a label names.
fn source<'a>(host: &'a Host, label: &str) -> Option<&'a super::health::Health> {
    host.health.get(SourceId::ALL.into_iter().find(|id| id.name() == label)?)
}

/// The figure in the words of what it is about, for `{detail}` in a rule; `None` where the figure says it all.
#[must_use]
pub fn detail(metric: &str, labels: &[String], host: &Host) -> Option<String> {
    match metric {
        "container_restarts_10m" => Some(container(host, labels.first())?.restart_words(host.now)),
        "container_restarting" | "container_failed" => Some(container(host, labels.first())?.end_words()),
        "engine_up" => engine(host, labels.first())?.complaint(),
        _ => None,
    }
}

/// Since when, as the object itself reports: milliseconds since 1970.
#[must_use]
pub fn began(metric: &str, labels: &[String], host: &Host) -> Option<i64> {
    match metric {
        "container_failed" => container(host, labels.first())?.meta.finished_unix_ms,
        "engine_up" => engine(host, labels.first())?.fault_unix_ms,
        _ => None,
    }
}

/// Since when a source that does not answer has failed: a failure is a fact of its own, and no rule waits for the next one.
#[must_use]
pub fn since(metric: &str, labels: &[&str], host: &Host) -> Option<Stamp> {
    match metric {
        "source_up" => source(host, labels.first()?)?.fault_since,
        _ => None,
    }
}

/// What a figure's sentence may add from the state: `sdd offline` for a pool that is not healthy.
#[must_use]
pub fn cause(metric: &str, labels: &[String], host: &Host) -> Option<String> {
    match metric {
        "pool_healthy" | "pool_missing_devices" => host.pools.find(labels.first()?)?.cause(),
        "gpu_driver_ok" => host.gpus.cause(),
        "engine_up" => engine(host, labels.first())?.why(),
        "source_up" => Some(source(host, labels.first()?)?.trouble()),
        "gpu_slowed" => {
            Some(host.gpus.labelled(labels.first()?)?.slowed_by().map(|t| t.word()).collect::<Vec<_>>().join(", "))
        }
        "gpu_link_downtrained" => host.gpus.labelled(labels.first()?)?.raw.link.shortfall(),
        "gpu_xid_errors_10m" => {
            let xids = &host.gpus.labelled(labels.first()?)?.raw.xids;
            let newest = xids.last()?;
            let more = xids.iter().filter(|x| x.is_recent(host.now.unix_ms)).count().saturating_sub(1);
            let more = if more > 0 { format!(", and {more} more in ten minutes") } else { String::new() };
            Some(format!("Xid {}, {}{more}", newest.code, xid_words(newest.code)))
        }
        _ => None,
    }
}

/// 1 or 0.
fn flag(yes: bool) -> f64 {
    if yes { 1.0 } else { 0.0 }
}

fn read_once(host: &Host, source: SourceId) -> bool {
    host.health.get(source).is_some_and(|h| h.good_at.is_some())
}

const ARC_KIND: &[&str] = &["kind"];
const CORE: &[&str] = &["core"];
const DEVICE: &[&str] = &["device"];
const INTERFACE: &[&str] = &["interface"];
const MOUNT: &[&str] = &["mount"];
const NONE: &[&str] = &[];
const RESOURCE: &[&str] = &["resource"];
const SENSOR: &[&str] = &["sensor"];
const GPU: &[&str] = &["gpu"];
const POOL: &[&str] = &["pool"];
const POOL_STATE: &[&str] = &["pool", "state"];
const VDEV_STATE: &[&str] = &["pool", "vdev", "state"];
const VDEV_KIND: &[&str] = &["pool", "vdev", "kind"];
const DATASET: &[&str] = &["dataset"];
const CONTAINER: &[&str] = &["container"];
const ENGINE: &[&str] = &["engine"];
const SOURCE: &[&str] = &["source"];

use SourceId::{
    Containers, Cpu, Disks, Filesystems, Gpus, Limits, Load, Memory, Network, Pools, Power, Pressure, Processes,
    Sensors,
};
use Unit::{Bytes, BytesPerSecond, Celsius, Count, Hertz, Joules, PerSecond, Ratio, Seconds, Watts};

/// TABLE METRICS.
#[rustfmt::skip] // a table: one metric a paragraph of two or three lines
pub static METRICS: &[MetricDef] = &[
    gauge("cpu_busy_ratio", Ratio, Cpu, NONE, "Share of all cores' time that was not idle or iowait.",
        |h, put| shares(h, put, |s| s.busy)),
    gauge("cpu_user_ratio", Ratio, Cpu, NONE, "Share of all cores' time in user mode, nice included.",
        |h, put| shares(h, put, |s| s.user)),
    gauge("cpu_system_ratio", Ratio, Cpu, NONE, "Share of all cores' time in the kernel, interrupts included.",
        |h, put| shares(h, put, |s| s.system)),
    gauge("cpu_iowait_ratio", Ratio, Cpu, NONE, "Share of all cores' time idle while waiting for I/O.",
        |h, put| shares(h, put, |s| s.iowait)),
    gauge("cpu_steal_ratio", Ratio, Cpu, NONE, "Share of all cores' time taken by the hypervisor.",
        |h, put| shares(h, put, |s| s.steal)),
    gauge("cpu_core_busy_ratio", Ratio, Cpu, CORE, "Share of one core's time that was not idle or iowait.",
        |h, put| for core in &h.cpu.cores {
            if let Some(s) = core.shares { numbered(core.number, put, s.busy) }
        }),
    gauge("cpu_frequency_hertz", Hertz, Cpu, CORE, "Clock of one core now.",
        |h, put| for core in &h.cpu.cores {
            if let Some(hertz) = core.hertz { numbered(core.number, put, hertz as f64) }
        }),
    gauge("cpu_context_switches_per_second", PerSecond, Cpu, NONE, "Context switches a second.",
        |h, put| one(put, h.cpu.context_switches_per_second)),
    gauge("cpu_forks_per_second", PerSecond, Cpu, NONE, "Processes and threads created a second.",
        |h, put| one(put, h.cpu.forks_per_second)),
    gauge("cpu_temperature_celsius", Celsius, Sensors, NONE, "The CPU's package, or its hottest core.",
        |h, put| one(put, h.sensors.cpu_celsius)),
    gauge("cpu_power_watts", Watts, Power, NONE, "Power of all CPU packages.",
        |h, put| one(put, h.power.package_watts)),
    MetricDef { counter: true, ..gauge("cpu_energy_joules", Joules, Power, NONE, "Energy of all CPU packages since benchtop started.",
        |h, put| one(put, (!h.power.raw.zones.is_empty()).then_some(h.power.energy_joules))) },

    gauge("load1", Count, Load, NONE, "Load average over one minute.", |h, put| load(h, put, |l| l.load1)),
    gauge("load5", Count, Load, NONE, "Load average over five minutes.", |h, put| load(h, put, |l| l.load5)),
    gauge("load15", Count, Load, NONE, "Load average over fifteen minutes.", |h, put| load(h, put, |l| l.load15)),
    gauge("uptime_seconds", Seconds, Load, NONE, "Time since the machine booted.", |h, put| load(h, put, |l| l.uptime_seconds)),
    gauge("pressure_some_ratio", Ratio, Pressure, RESOURCE, "Share of the last 10 s in which at least one task waited for the resource.",
        |h, put| stalls(h, put, |s| Some(s.some))),
    gauge("pressure_full_ratio", Ratio, Pressure, RESOURCE, "Share of the last 10 s in which all tasks waited for the resource.",
        |h, put| stalls(h, put, |s| s.full)),

    gauge("memory_total_bytes", Bytes, Memory, NONE, "Memory of the machine.", |h, put| memory(h, put, |h| h.memory.raw.total)),
    gauge("memory_available_bytes", Bytes, Memory, NONE, "Memory that programs can allocate without swapping, the ARC above its minimum included.",
        |h, put| memory(h, put, |h| h.memory.available)),
    gauge("memory_used_bytes", Bytes, Memory, NONE, "Memory that is not available.", |h, put| memory(h, put, |h| h.memory.used)),
    gauge("memory_cache_bytes", Bytes, Memory, NONE, "Page cache and reclaimable slab.",
        |h, put| memory(h, put, |h| h.memory.cache)),
    gauge("memory_free_bytes", Bytes, Memory, NONE, "Unused memory.", |h, put| memory(h, put, |h| h.memory.free)),
    gauge("memory_huge_pages_bytes", Bytes, Memory, NONE, "Memory reserved in huge pages; it counts as used.",
        |h, put| one(put, h.memory.huge().map(|(total, _)| total as f64))),
    gauge("memory_huge_pages_used_bytes", Bytes, Memory, NONE, "Memory of reserved huge pages in use.",
        |h, put| one(put, h.memory.huge().map(|(_, used)| used as f64))),
    gauge("memory_used_ratio", Ratio, Memory, NONE, "Used share of the memory.", |h, put| one(put, h.memory.used_ratio)),
    gauge("swap_total_bytes", Bytes, Memory, NONE, "Size of all swap.", |h, put| memory(h, put, |h| h.memory.raw.swap_total)),
    gauge("swap_used_bytes", Bytes, Memory, NONE, "Swap in use.", |h, put| memory(h, put, |h| h.memory.swap_used)),
    gauge("swap_used_ratio", Ratio, Memory, NONE, "Used share of the swap.", |h, put| one(put, h.memory.swap_used_ratio())),
    gauge("swap_in_bytes_per_second", BytesPerSecond, Memory, NONE, "Bytes a second read back from swap.",
        |h, put| one(put, h.memory.swap_in_per_second)),
    gauge("swap_out_bytes_per_second", BytesPerSecond, Memory, NONE, "Bytes a second written to swap.",
        |h, put| one(put, h.memory.swap_out_per_second)),
    gauge("arc_size_bytes", Bytes, Memory, NONE, "Size of the ZFS cache (ARC).", |h, put| arc(h, put, |a| a.size)),
    gauge("arc_target_bytes", Bytes, Memory, NONE, "Target size of the ZFS cache (ARC).", |h, put| arc(h, put, |a| a.target)),
    gauge("arc_max_bytes", Bytes, Memory, NONE, "Maximum size of the ZFS cache (ARC).", |h, put| arc(h, put, |a| a.max)),
    gauge("arc_hit_ratio", Ratio, Memory, NONE, "Hits among the ZFS cache's lookups.", |h, put| one(put, h.memory.arc_rates.hit_ratio)),
    gauge("arc_kind_hit_ratio", Ratio, Memory, ARC_KIND, "Hits among the ZFS cache's lookups of one kind.",
        |h, put| for (kind, ratio) in super::arc::Kind::ALL.into_iter().zip(h.memory.arc_rates.kind_hit_ratios) {
            if let Some(ratio) = ratio {
                put(&[kind.word()], ratio);
            }
        }),
    gauge("arc_misses_per_second", PerSecond, Memory, NONE, "Misses of the ZFS cache a second.",
        |h, put| one(put, h.memory.arc_rates.misses)),
    gauge("arc_ghost_hits_per_second", PerSecond, Memory, NONE, "Ghost hits a second: a larger ZFS cache would have hit.",
        |h, put| one(put, h.memory.arc_rates.ghost_hits[0].zip(h.memory.arc_rates.ghost_hits[1]).map(|(r, f)| r + f))),
    gauge("arc_recent_bytes", Bytes, Memory, NONE, "Data in the ZFS cache that was read once (MRU).", |h, put| arc(h, put, |a| a.recent_size)),
    gauge("arc_frequent_bytes", Bytes, Memory, NONE, "Data in the ZFS cache that was read more than once (MFU).",
        |h, put| arc(h, put, |a| a.frequent_size)),
    gauge("arc_dirty_bytes", Bytes, Memory, NONE, "Written to ZFS and not yet on the disks.", |h, put| arc(h, put, |a| a.dirty)),
    gauge("l2arc_size_bytes", Bytes, Memory, NONE, "Data in the L2ARC before compression.",
        |h, put| one(put, h.memory.raw.arc.and_then(|a| a.second).map(|s| s.size as f64))),
    gauge("l2arc_hit_ratio", Ratio, Memory, NONE, "Hits among the lookups in the L2ARC.",
        |h, put| one(put, h.memory.arc_rates.second_hit_ratio)),
    gauge("zram_original_bytes", Bytes, Memory, NONE, "Data in zram before compression.", |h, put| zram(h, put, |z| z.original)),
    gauge("zram_memory_bytes", Bytes, Memory, NONE, "Memory that zram takes.", |h, put| zram(h, put, |z| z.memory_used)),

    gauge("temperature_celsius", Celsius, Sensors, SENSOR, "Temperature of one sensor.",
        |h, put| for t in &h.sensors.raw.temperatures { put(&[&t.sensor], t.celsius) }),
    gauge("disk_temperature_celsius", Celsius, Sensors, SENSOR, "Temperature of one disk's sensor.",
        |h, put| for t in h.sensors.raw.temperatures.iter().filter(|t| t.kind == super::sensor::SensorKind::Disk) {
            put(&[&t.sensor], t.celsius);
        }),
    gauge("fan_rpm", Count, Sensors, SENSOR, "Speed of one fan in revolutions per minute.",
        |h, put| for fan in &h.sensors.raw.fans { put(&[&fan.sensor], fan.rpm) }),

    gauge("disk_read_bytes_per_second", BytesPerSecond, Disks, DEVICE, "Bytes a second read.", |h, put| disks(h, put, |d| d.read_per_second)),
    gauge("disk_write_bytes_per_second", BytesPerSecond, Disks, DEVICE, "Bytes a second written.", |h, put| disks(h, put, |d| d.write_per_second)),
    gauge("disk_reads_per_second", PerSecond, Disks, DEVICE, "Reads finished a second.", |h, put| disks(h, put, |d| d.read_iops)),
    gauge("disk_writes_per_second", PerSecond, Disks, DEVICE, "Writes finished a second.", |h, put| disks(h, put, |d| d.write_iops)),
    gauge("disk_busy_ratio", Ratio, Disks, DEVICE, "Share of time with a request in flight.", |h, put| disks(h, put, |d| d.busy_ratio)),
    gauge("disk_read_latency_seconds", Seconds, Disks, DEVICE, "Mean time that a read took.", |h, put| disks(h, put, |d| d.read_latency_seconds)),
    gauge("disk_write_latency_seconds", Seconds, Disks, DEVICE, "Mean time that a write took.", |h, put| disks(h, put, |d| d.write_latency_seconds)),
    gauge("disk_queue", Count, Disks, DEVICE, "Mean requests in flight.", |h, put| disks(h, put, |d| d.queue)),

    gauge("filesystem_size_bytes", Bytes, Filesystems, MOUNT, "Size of the filesystem.", |h, put| mounts(h, put, |s| Some(s.size as f64))),
    gauge("filesystem_available_bytes", Bytes, Filesystems, MOUNT, "Space available to users other than root.",
        |h, put| mounts(h, put, |s| Some(s.available as f64))),
    gauge("filesystem_used_ratio", Ratio, Filesystems, MOUNT, "Used share of the space for ordinary users, as in df; absent when read-only.",
        |h, put| filling(h, put, Space::used_ratio)),
    gauge("filesystem_inodes_used_ratio", Ratio, Filesystems, MOUNT, "Used share of the inodes; absent when read-only.",
        |h, put| filling(h, put, Space::inodes_ratio)),
    gauge("filesystem_up", Count, Filesystems, MOUNT, "1 when the mount answers, 0 when it does not.",
        |h, put| for f in &h.filesystems.filesystems {
            match f.space {
                Ok(_) => put(&[&f.mount], 1.0),
                Err(Fault::Timeout | Fault::Broken(_)) => put(&[&f.mount], 0.0),
                Err(Fault::Absent(_) | Fault::Denied { .. }) => {}
            }
        }),

    gauge("network_receive_bytes_per_second", BytesPerSecond, Network, INTERFACE, "Bytes a second received.",
        |h, put| interfaces(h, put, |i| i.rx_per_second)),
    gauge("network_transmit_bytes_per_second", BytesPerSecond, Network, INTERFACE, "Bytes a second sent.",
        |h, put| interfaces(h, put, |i| i.tx_per_second)),
    gauge("network_receive_packets_per_second", PerSecond, Network, INTERFACE, "Packets a second received.",
        |h, put| interfaces(h, put, |i| i.rx_packets_per_second)),
    gauge("network_transmit_packets_per_second", PerSecond, Network, INTERFACE, "Packets a second sent.",
        |h, put| interfaces(h, put, |i| i.tx_packets_per_second)),
    gauge("network_errors_per_second", PerSecond, Network, INTERFACE, "Errors of both directions a second.",
        |h, put| interfaces(h, put, |i| i.errors_per_second)),
    gauge("network_drops_per_second", PerSecond, Network, INTERFACE, "Packets of both directions dropped a second.",
        |h, put| interfaces(h, put, |i| i.drops_per_second)),

    gauge("own_cpu_ratio", Ratio, Limits, NONE, "Share of the CPU limit of benchtop's own cgroup.", |h, put| one(put, h.limits.cpu_ratio)),
    gauge("own_memory_ratio", Ratio, Limits, NONE, "Share of the memory limit of benchtop's own cgroup.", |h, put| one(put, h.limits.memory_ratio)),
    gauge("own_throttled_ratio", Ratio, Limits, NONE, "Share of periods in which benchtop's own cgroup was throttled.",
        |h, put| one(put, h.limits.throttled_ratio)),

    gauge("gpu_driver_ok", Count, Gpus, NONE, "1 when every GPU driver and card answers, 0 when one that should does not.",
        |h, put| one(put, h.gpus.is_well().map(flag))),
    gauge("gpu_up", Count, Gpus, GPU, "1 when the card answers or sleeps, 0 when it is lost.", |h, put| for row in &h.gpus.rows {
        put(&[&row.raw.label()], flag(!matches!(row.raw.state, CardState::Lost(_))));
    }),
    gauge("gpu_busy_ratio", Ratio, Gpus, GPU, "Share of the time that something ran on the card.", |h, put| gpus(h, put, |g| g.busy)),
    gauge("gpu_memory_busy_ratio", Ratio, Gpus, GPU, "Share of the time that the card's memory was read or written.",
        |h, put| gpus(h, put, |g| g.raw.memory_busy)),
    gauge("gpu_memory_total_bytes", Bytes, Gpus, GPU, "Memory of the card.", |h, put| gpus(h, put, |g| g.raw.memory_total.map(|b| b as f64))),
    gauge("gpu_memory_used_bytes", Bytes, Gpus, GPU, "Memory of the card in use, without what the driver reserves.",
        |h, put| gpus(h, put, |g| g.raw.memory_used.map(|b| b as f64))),
    gauge("gpu_memory_used_ratio", Ratio, Gpus, GPU, "Share of the card's memory that is not free.", |h, put| gpus(h, put, |g| g.raw.memory_ratio())),
    gauge("gpu_temperature_celsius", Celsius, Gpus, GPU, "Temperature of the chip.", |h, put| gpus(h, put, |g| g.raw.temperature)),
    gauge("gpu_memory_temperature_celsius", Celsius, Gpus, GPU, "Temperature of the card's memory.",
        |h, put| gpus(h, put, |g| g.raw.memory_temperature)),
    gauge("gpu_power_watts", Watts, Gpus, GPU, "Power draw of the card.", |h, put| gpus(h, put, |g| g.power)),
    gauge("gpu_power_limit_watts", Watts, Gpus, GPU, "Power limit of the card.", |h, put| gpus(h, put, |g| g.raw.power_limit)),
    MetricDef { counter: true, ..gauge("gpu_energy_joules", Joules, Gpus, GPU, "Energy that the card used, by its own counter.",
        |h, put| gpus(h, put, |g| g.raw.energy_uj.map(|uj| uj as f64 / 1e6))) },
    gauge("gpu_clock_hertz", Hertz, Gpus, GPU, "Clock of the card's cores.", |h, put| gpus(h, put, |g| g.raw.clock.map(|c| c as f64))),
    gauge("gpu_fan_ratio", Ratio, Gpus, GPU, "Speed of the fan against its full speed.", |h, put| gpus(h, put, |g| g.raw.fan)),
    gauge("gpu_slowed", Count, Gpus, GPU, "1 while heat or failing power slows the card, 0 otherwise.",
        |h, put| gpus(h, put, |g| {
            (g.raw.throttles_told || !g.raw.throttles.is_empty()).then(|| flag(g.slowed_by().next().is_some()))
        })),
    gauge("gpu_link_downtrained", Count, Gpus, GPU, "1 while the card works over less of its PCIe link than it could, 0 otherwise.",
        |h, put| gpus(h, put, |g| g.busy.is_some().then(|| flag(g.raw.link.is_downtrained(g.busy))))),
    gauge("gpu_uncorrected_errors", Count, Gpus, GPU, "Uncorrected memory errors since the driver was loaded.",
        |h, put| gpus(h, put, |g| g.raw.ecc.map(|errors| errors.uncorrected as f64))),
    gauge("gpu_row_remap_failed", Count, Gpus, GPU, "1 when a row of the card's memory could not be replaced, 0 otherwise.",
        |h, put| gpus(h, put, |g| g.raw.remapped.map(|rows| flag(rows.failed)))),
    gauge("gpu_row_remap_pending", Count, Gpus, GPU, "1 while a row of the card's memory waits for a reset to be replaced, 0 otherwise.",
        |h, put| gpus(h, put, |g| g.raw.remapped.map(|rows| flag(rows.pending)))),
    gauge("gpu_xid_errors_10m", Count, Gpus, GPU, "Errors that the driver reported in the last ten minutes.", |h, put| {
        // Of a lost card too: they show why. Drivers of other makers report none.
        for row in h.gpus.rows.iter().filter(|row| row.raw.maker == super::gpu::Maker::Nvidia) {
            put(&[&row.raw.label()], row.raw.xids.iter().filter(|x| x.is_recent(h.now.unix_ms)).count() as f64);
        }
    }),

    gauge("pool_healthy", Count, Pools, POOL_STATE, "1 when the pool is online, 0 otherwise.",
        |h, put| for row in &h.pools.rows {
            put(&[&row.name, &row.state.to_lowercase()], flag(row.is_healthy()));
        }),
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
        }),
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
            for (kind, errors) in super::pool::ERROR_KINDS.into_iter().zip(v.errors) {
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

    gauge("engine_up", Count, Containers, ENGINE, "1 when the container engine answers, 0 when it does not.",
        |h, put| for engine in h.containers.engines.iter().filter(|e| e.version.is_some() || e.fault.is_some()) {
            put(&[engine.address.as_str()], flag(engine.fault.is_none()));
        }),
    gauge("containers_running", Count, Containers, NONE, "Running containers.",
        |h, put| one(put, read_once(h, Containers).then(|| h.containers.running() as f64))),
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
        |h, put| containers(h, put, |c| Some(f64::from(c.restarts_lately(h.now))))),
    gauge("container_restarting", Count, Containers, CONTAINER, "1 while the container has exited and its engine waits to restart it.",
        |h, put| containers(h, put, |c| Some(flag(c.meta.state == RunState::Restarting)))),
    gauge("container_failed", Count, Containers, CONTAINER, "1 when the container exited without being stopped, or could not be started.",
        |h, put| containers(h, put, |c| Some(flag(c.has_failed())))),
    gauge("container_ooms_10m", Count, Containers, CONTAINER, "OOM kills in the container in the last ten minutes.",
        |h, put| containers(h, put, |c| Some(f64::from(c.ooms_lately(h.now))))),

    gauge("processes_total", Count, Processes, NONE, "Processes.", |h, put| processes(h, put, |c| c.total)),
    gauge("processes_running", Count, Processes, NONE, "Runnable processes (state R).", |h, put| processes(h, put, |c| c.running)),
    gauge("processes_blocked", Count, Processes, NONE, "Processes in uninterruptible sleep (state D).",
        |h, put| processes(h, put, |c| c.blocked)),
    gauge("processes_zombie", Count, Processes, NONE, "Zombie processes (state Z).",
        |h, put| processes(h, put, |c| c.zombie)),
    gauge("processes_threads", Count, Processes, NONE, "Threads of all processes.", |h, put| processes(h, put, |c| c.threads)),

    MetricDef { source: None, ..gauge("source_up", Count, Load, SOURCE, "1 when the source answers, 0 when it should and does not.", |h, put| {
        for source in SourceId::ALL.into_iter().filter(|source| !source.is_on_demand()) {
            if let Some(up) = h.health.is_up(source, h.now) {
                put(&[source.name()], flag(up));
            }
        }
    }) },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What others rely on from the start, as far as the host's own sources feed it.
    const PROMISED: &str = "cpu_busy_ratio cpu_core_busy_ratio cpu_frequency_hertz load1 load5 load15 \
        pressure_some_ratio pressure_full_ratio memory_total_bytes memory_available_bytes memory_used_ratio \
        swap_total_bytes swap_used_bytes arc_size_bytes arc_target_bytes arc_max_bytes arc_hit_ratio \
        temperature_celsius disk_read_bytes_per_second disk_write_bytes_per_second disk_busy_ratio \
        disk_read_latency_seconds disk_write_latency_seconds filesystem_size_bytes filesystem_used_ratio \
        network_receive_bytes_per_second network_transmit_bytes_per_second network_errors_per_second \
        pool_healthy pool_size_bytes pool_used_ratio pool_fragmentation_ratio pool_compress_ratio \
        pool_read_bytes_per_second pool_write_bytes_per_second pool_read_latency_seconds pool_write_latency_seconds \
        gpu_busy_ratio gpu_memory_used_bytes gpu_memory_used_ratio gpu_temperature_celsius gpu_memory_busy_ratio \
        gpu_power_watts gpu_energy_joules gpu_driver_ok vdev_healthy vdev_errors dataset_compress_ratio dataset_used_bytes cpu_energy_joules container_running container_healthy container_cpu_cores \
        container_memory_bytes container_memory_limit_ratio container_restarts_10m containers_running processes_total processes_running processes_blocked processes_zombie";

    #[test]
    fn what_is_read_only_does_not_fill_up() {
        let space = Ok(Space { size: 10, inodes: 10, ..Space::default() });
        let mount = |mount: &str, read_only| Filesystem {
            mount: mount.into(),
            device: String::new(),
            kind: "ext4".into(),
            options: String::new(),
            read_only,
            space: space.clone(),
        };
        let mut host = Host::default();
        host.filesystems.filesystems = vec![mount("/", false), mount("/image", true)];
        let reported = |id: &str| {
            let mut mounts = Vec::new();
            let metric = METRICS.iter().find(|metric| metric.id == id).expect("a metric");
            (metric.read)(&host, &mut |labels, _| mounts.push(labels.concat()));
            mounts
        };
        assert_eq!(reported("filesystem_used_ratio"), ["/"]);
        assert_eq!(reported("filesystem_inodes_used_ratio"), ["/"]);
        assert_eq!(reported("filesystem_size_bytes"), ["/", "/image"]);
    }

    #[test]
    fn every_id_is_unique_and_ends_in_its_base_unit() {
        let mut seen = BTreeSet::new();
        for metric in METRICS {
            assert!(seen.insert(metric.id), "{} twice", metric.id);
            let snake = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            assert!(metric.id.bytes().all(snake), "{} is not snake_case", metric.id);
            if metric.unit != Unit::Count {
                assert!(metric.id.ends_with(&format!("_{}", metric.unit.name())), "{} lacks its unit", metric.id);
            }
            assert!(metric.help.ends_with('.'), "{}", metric.id);
        }
    }

    #[test]
    fn every_promised_metric_is_there() {
        for id in PROMISED.split_whitespace() {
            assert!(find(id).is_some(), "{id}");
        }
    }

    #[test]
    fn a_machine_that_was_never_read_has_no_figures() {
        let host = Host::default();
        for metric in METRICS {
            (metric.read)(&host, &mut |labels, value| panic!("{}{labels:?} = {value}", metric.id));
        }
    }

    #[test]
    fn a_card_that_tells_no_throttling_has_no_figure_of_it() {
        use crate::model::gpu::Gpu;
        let slowed = |gpu: Gpu| {
            let mut host = Host::default();
            host.gpus.rows.push(GpuRow { raw: gpu, ..GpuRow::default() });
            let mut found = Vec::new();
            (find("gpu_slowed").expect("a metric").read)(&host, &mut |_, value| found.push(value));
            found
        };
        assert_eq!(slowed(Gpu::default()), Vec::<f64>::new());
        assert_eq!(slowed(Gpu { throttles_told: true, ..Gpu::default() }), [0.0]);
    }
}
