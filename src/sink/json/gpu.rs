//! `gpus` of the document.

use serde::Serialize;

use crate::{
    model::gpu::{CardState, GpuRow, Maker, Throttle},
    state::State,
};

#[derive(Serialize)]
pub(super) struct Gpu<'a> {
    id: &'a str,
    index: u16,
    maker: Maker,
    name: &'a str,
    bus: &'a str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    busy_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_busy_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_total_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_used_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_reserved_bytes: Option<u64>,
    memory_is_unified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature_celsius: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_temperature_celsius: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    power_watts: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    power_limit_watts: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    energy_joules: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_hertz: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_clock_hertz: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fan_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pcie_generation: Option<(u32, u32)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pcie_lanes: Option<(u32, u32)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ecc_errors: Option<(u64, u64)>,
    throttles: &'a [Throttle],
    xids: Vec<u64>,
    slices: Vec<Slice<'a>>,
    processes: Vec<Process>,
}

#[derive(Serialize)]
struct Slice<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_total_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_used_bytes: Option<u64>,
}

#[derive(Serialize)]
struct Process {
    pid: u32,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    busy_ratio: Option<f64>,
}

/// All cards.
pub(super) fn all(state: &State) -> Vec<Gpu<'_>> {
    state.host.gpus.rows.iter().map(gpu).collect()
}

fn gpu(row: &GpuRow) -> Gpu<'_> {
    let raw = &row.raw;
    let (state, cause) = match &raw.state {
        CardState::Up => ("up", None),
        CardState::Asleep => ("asleep", None),
        CardState::Lost(why) => ("lost", Some(why.as_str())),
    };
    // What a lost card said last is no figure of now.
    let up = row.is_up();
    let now = |value: Option<f64>| value.filter(|_| up);
    Gpu {
        id: &raw.id,
        index: raw.index,
        maker: raw.maker,
        name: &raw.name,
        bus: &raw.bus,
        state,
        cause,
        busy_ratio: row.busy,
        memory_busy_ratio: now(raw.memory_busy),
        memory_total_bytes: raw.memory_total,
        memory_used_bytes: raw.memory_used.filter(|_| up),
        memory_reserved_bytes: raw.memory_reserved.filter(|_| up),
        memory_is_unified: raw.unified,
        temperature_celsius: now(raw.temperature),
        memory_temperature_celsius: now(raw.memory_temperature),
        power_watts: row.power,
        power_limit_watts: raw.power_limit,
        energy_joules: raw.energy_uj.map(|uj| uj as f64 / 1e6),
        clock_hertz: raw.clock.filter(|_| up),
        memory_clock_hertz: raw.memory_clock.filter(|_| up),
        fan_ratio: now(raw.fan),
        pcie_generation: raw.link.generation.filter(|_| up),
        pcie_lanes: raw.link.width.filter(|_| up),
        ecc_errors: raw.ecc,
        throttles: &raw.throttles,
        xids: raw.xids.iter().map(|x| x.code).collect(),
        slices: raw
            .slices
            .iter()
            .map(|s| Slice { name: &s.name, memory_total_bytes: s.memory_total, memory_used_bytes: s.memory_used })
            .collect(),
        processes: raw
            .processes
            .iter()
            .map(|p| Process {
                pid: p.pid,
                kind: if p.graphics { "graphics" } else { "compute" },
                memory_bytes: p.memory,
                busy_ratio: row.process_busy.iter().find(|(pid, _)| *pid == p.pid).map(|(_, busy)| *busy),
            })
            .collect(),
    }
}
