//! `gpus` of the document.

use serde::Serialize;

use crate::{
    model::{
        gpu::{CardState, GpuProcess, GpuRow, Maker, Throttle},
        host::Host,
        join,
    },
    state::State,
};

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Gpu<'a> {
    /// GPU-… or the PCI address.
    id: &'a str,
    index: u16,
    maker: Maker,
    name: &'a str,
    bus: &'a str,
    /// The kernel's driver: nvidia, amdgpu, i915, xe; empty without one.
    driver: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    driver_version: Option<&'a str>,
    /// The newest CUDA that the driver can run.
    #[serde(skip_serializing_if = "Option::is_none")]
    cuda_version: Option<&'a str>,
    /// unreadable: present, but no driver here reports it, such as a card passed through to a virtual machine.
    state: &'static str,
    /// Why it is lost or unreadable.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    busy_ratio: Option<f64>,
    /// Share of the time that its memory was busy: not its bandwidth.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_busy_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoder_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decoder_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_total_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_used_bytes: Option<u64>,
    /// Kept by the driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_reserved_bytes: Option<u64>,
    memory_is_unified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature_celsius: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hotspot_temperature_celsius: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_temperature_celsius: Option<f64>,
    /// At which it slows down.
    #[serde(skip_serializing_if = "Option::is_none")]
    slowdown_temperature_celsius: Option<f64>,
    /// At which it shuts down.
    #[serde(skip_serializing_if = "Option::is_none")]
    shutdown_temperature_celsius: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    power_watts: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    power_limit_watts: Option<f64>,
    /// The limit as it was delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    power_default_watts: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    energy_joules: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_hertz: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_max_hertz: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_clock_hertz: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fan_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fan_rpm: Option<u32>,
    /// Now, at best.
    #[serde(skip_serializing_if = "Option::is_none")]
    pcie_generation: Option<(u32, u32)>,
    /// Now, at best.
    #[serde(skip_serializing_if = "Option::is_none")]
    pcie_lanes: Option<(u32, u32)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pcie_received_bytes_per_second: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pcie_sent_bytes_per_second: Option<u64>,
    /// Packets that were sent again, since boot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pcie_replays: Option<u64>,
    /// Up, of how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    nvlinks_up: Option<(u32, u32)>,
    /// Corrected, uncorrected since the driver was loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    ecc_errors: Option<(u64, u64)>,
    /// Rows of memory that were replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    remapped_rows: Option<Remapped>,
    throttles: Vec<Throttle>,
    xids: Vec<u64>,
    slices: Vec<Slice<'a>>,
    processes: Vec<Process<'a>>,
    /// Processes of other users cannot be seen from here.
    processes_hidden: bool,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Remapped {
    corrected: u64,
    uncorrected: u64,
    pending: bool,
    failed: bool,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Slice<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_total_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_used_bytes: Option<u64>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Process<'a> {
    pid: u32,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// Its owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Owner>,
    /// The slice that it runs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    slice: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    busy_ratio: Option<f64>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Owner {
    kind: &'static str,
    name: String,
}

/// All cards.
pub(super) fn all(state: &State) -> Vec<Gpu<'_>> {
    state.host.gpus.rows.iter().map(|row| gpu(&state.host, row)).collect()
}

fn gpu<'a>(host: &'a Host, row: &'a GpuRow) -> Gpu<'a> {
    let raw = &row.raw;
    let (state, cause) = match &raw.state {
        CardState::Up => ("up", None),
        CardState::Asleep => ("asleep", None),
        CardState::Unreadable(why) => ("unreadable", Some(why.as_str())),
        CardState::Lost(why) => ("lost", Some(why.as_str())),
    };
    let driver = host.gpus.drivers.iter().find(|d| d.maker == raw.maker);
    // What a lost card said last is no figure of now.
    let up = row.is_up();
    let now = |value: Option<f64>| value.filter(|_| up);
    Gpu {
        id: &raw.id,
        index: raw.index,
        maker: raw.maker,
        name: &raw.name,
        bus: &raw.bus,
        driver: &raw.driver,
        driver_version: driver.and_then(|d| d.version.as_deref()),
        cuda_version: driver.and_then(|d| d.cuda.as_deref()),
        state,
        cause,
        busy_ratio: row.busy,
        memory_busy_ratio: now(raw.memory_busy),
        encoder_ratio: now(raw.encoder),
        decoder_ratio: now(raw.decoder),
        memory_total_bytes: raw.memory_total,
        memory_used_bytes: raw.memory_used.filter(|_| up),
        memory_reserved_bytes: raw.memory_reserved.filter(|_| up),
        memory_is_unified: raw.unified,
        temperature_celsius: now(raw.temperature),
        hotspot_temperature_celsius: now(raw.hotspot),
        memory_temperature_celsius: now(raw.memory_temperature),
        slowdown_temperature_celsius: raw.slowdown_temperature,
        shutdown_temperature_celsius: raw.shutdown_temperature,
        power_watts: row.power,
        power_limit_watts: raw.power_limit,
        power_default_watts: raw.power_default,
        energy_joules: raw.energy_uj.map(|uj| uj as f64 / 1e6),
        clock_hertz: raw.clock.filter(|_| up),
        clock_max_hertz: raw.clock_max,
        memory_clock_hertz: raw.memory_clock.filter(|_| up),
        fan_ratio: now(raw.fan),
        fan_rpm: raw.fan_rpm.filter(|_| up),
        pcie_generation: raw.link.generation.filter(|_| up),
        pcie_lanes: raw.link.width.filter(|_| up),
        pcie_received_bytes_per_second: raw.link.received.filter(|_| up),
        pcie_sent_bytes_per_second: raw.link.sent.filter(|_| up),
        pcie_replays: raw.link.replays,
        nvlinks_up: raw.nvlinks,
        ecc_errors: raw.ecc.map(|errors| (errors.corrected, errors.uncorrected)),
        remapped_rows: raw.remapped.map(|rows| Remapped {
            corrected: rows.corrected,
            uncorrected: rows.uncorrected,
            pending: rows.pending,
            failed: rows.failed,
        }),
        throttles: row.throttles().collect(),
        xids: raw.xids.iter().map(|x| x.code).collect(),
        slices: raw
            .slices
            .iter()
            .map(|s| Slice { name: &s.name, memory_total_bytes: s.memory_total, memory_used_bytes: s.memory_used })
            .collect(),
        processes: raw.processes.iter().map(|p| process(host, row, p)).collect(),
        processes_hidden: raw.processes_hidden,
    }
}

fn process<'a>(host: &'a Host, row: &'a GpuRow, of: &GpuProcess) -> Process<'a> {
    let found = join::process(host, of.pid);
    Process {
        pid: of.pid,
        kind: if of.graphics { "graphics" } else { "compute" },
        name: found.map(|p| &*p.name),
        owner: found.map(|p| join::owner(host, p)).map(|o| Owner { kind: o.kind.word(), name: o.name }),
        slice: of.slice.and_then(|at| row.raw.slices.get(at as usize)).map(|s| s.name.as_str()),
        memory_bytes: of.memory,
        busy_ratio: row.busy_of(of.pid),
    }
}
