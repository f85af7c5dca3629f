//! Metrics of the processors, the load and the pressure.

use super::{
    Unit::{Celsius, Count, Hertz, Joules, PerSecond, Ratio, Seconds, Watts},
    def::{MetricDef, NONE, Put, gauge, one, read_once},
};
use crate::model::{
    cpu::CpuShares,
    host::Host,
    load::LoadSample,
    pressure::{Stall, Stalls},
    source::SourceId::{Cpu, Load, Power, Pressure, Sensors},
};

const CORE: &[&str] = &["core"];
const RESOURCE: &[&str] = &["resource"];

/// Its rows of TABLE METRICS.
#[rustfmt::skip] // a table: one metric a paragraph of two or three lines
pub(super) const ROWS: &[MetricDef] = &[
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
    gauge("cpu_energy_joules", Joules, Power, NONE, "Energy of all CPU packages since benchtop started.",
        |h, put| one(put, (!h.power.raw.zones.is_empty()).then_some(h.power.energy_joules))).counter(),

    gauge("load1", Count, Load, NONE, "Load average over one minute.", |h, put| load(h, put, |l| l.load1)),
    gauge("load5", Count, Load, NONE, "Load average over five minutes.", |h, put| load(h, put, |l| l.load5)),
    gauge("load15", Count, Load, NONE, "Load average over fifteen minutes.", |h, put| load(h, put, |l| l.load15)),
    gauge("uptime_seconds", Seconds, Load, NONE, "Time since the machine booted.", |h, put| load(h, put, |l| l.uptime_seconds)),
    gauge("pressure_some_ratio", Ratio, Pressure, RESOURCE, "Share of the last 10 s in which at least one task waited for the resource.",
        |h, put| stalls(h, put, |s| Some(s.some))),
    gauge("pressure_full_ratio", Ratio, Pressure, RESOURCE, "Share of the last 10 s in which all tasks waited for the resource.",
        |h, put| stalls(h, put, |s| s.full)),
];

/// A number as a label, without allocating.
fn numbered(number: u16, put: Put<'_>, value: f64) {
    put(&[itoa::Buffer::new().format(number)], value);
}

fn shares(host: &Host, put: Put<'_>, figure: fn(&CpuShares) -> f64) {
    one(put, host.cpu.shares.as_ref().map(figure));
}

/// Load averages and counts exist once they were read.
fn load(host: &Host, put: Put<'_>, figure: fn(&LoadSample) -> f64) {
    one(put, read_once(host, Load).then(|| figure(&host.load.raw)));
}

fn stalls(host: &Host, put: Put<'_>, figure: fn(&Stalls) -> Option<Stall>) {
    let raw = &host.pressure.raw;
    for (resource, stalls) in [("cpu", raw.cpu), ("memory", raw.memory), ("io", raw.io)] {
        if let Some(stall) = stalls.as_ref().and_then(figure) {
            put(&[resource], stall.avg10);
        }
    }
}
