//! Who else uses the machine: load, disks that work already, a model in use, heat.

use std::collections::BTreeSet;

use super::say::{passed, stops, warns};
use crate::{
    alert::Level,
    model::{
        bench::{Check, Plan},
        disk::Disk,
        gpu::{GpuRow, Throttle},
        metrics,
        sensor::{SensorKind, Temperature},
    },
    state::{State, levels},
    units::percent,
};

/// Above this share of all cores other load affects every figure.
const BUSY_CPU: f64 = 0.25;
/// Runnable threads for each core.
const BUSY_LOAD: f64 = 0.5;
/// A disk that others use for more of the time.
const BUSY_DISK: f64 = 0.2;
/// A card that works for others.
const BUSY_GPU: f64 = 0.1;

pub(super) fn load(state: &State) -> Check {
    let host = &state.host;
    let cores = host.facts.threads.or_else(|| u32::try_from(host.cpu.cores.len()).ok()).unwrap_or(1).max(1);
    let load = host.load.raw.load1;
    let cpu = host.cpu.shares.map(|shares| shares.busy);
    let words = match cpu {
        Some(busy) => format!("CPU {} busy, load {load:.1} on {cores} threads", percent(busy)),
        None => format!("load {load:.1} on {cores} threads"),
    };
    let of_host = host.facts.load_of_host;
    if cpu.is_some_and(|busy| busy > BUSY_CPU) || !of_host && load > BUSY_LOAD * f64::from(cores) {
        return warns(format!("{words}: other load affects every figure"));
    }
    passed(words)
}

pub(super) fn heat(state: &State) -> Check {
    let of_cpu = |row: &&Temperature| row.kind == SensorKind::Cpu;
    let cpu = state.host.sensors.raw.temperatures.iter().filter(of_cpu);
    let cards = state.host.gpus.rows.iter().filter(|card| card.is_up()).filter_map(|card| {
        let celsius = card.raw.temperature?;
        let level = state.level(metrics::GPU_TEMPERATURE_CELSIUS, &[&card.raw.label()], celsius);
        let slowed = if card.slowed_by().any(Throttle::is_heat) { Level::Warn } else { Level::Ok };
        Some((format!("GPU {} is at {celsius:.0} °C", card.raw.index), level.max(slowed)))
    });
    let hot = cpu.map(|row| (format!("{} is at {:.0} °C", row.sensor, row.celsius), levels::temperature(state, row)));
    let worst = hot.chain(cards).max_by_key(|(_, level)| *level).filter(|(_, level)| *level >= Level::Warn);
    match (worst, state.host.sensors.cpu_celsius) {
        (Some((words, Level::Crit)), _) => stops(format!("{words}: let it cool down first")),
        (Some((words, _)), _) => warns(format!("{words}: it may be throttled")),
        (None, Some(celsius)) => passed(format!("CPU at {celsius:.0} °C")),
        (None, None) => passed("no temperature of the CPU is known"),
    }
}

/// Cards that work for somebody; models that would be thrown out.
pub(super) fn models(state: &State, plans: &[(&str, &Plan)]) -> Vec<Check> {
    let own = plans.iter().any(|(bench, _)| bench.starts_with("model") || bench.starts_with("gpu"));
    let check = |card: &GpuRow| {
        if let Some(why) = card.lost().filter(|_| own) {
            return Some(warns(format!("GPU {} ({}) is lost: {why}", card.raw.index, card.raw.name)));
        }
        let busy = card.busy.filter(|busy| *busy > BUSY_GPU)?;
        let words = format!("GPU {} ({}) is {} busy for others", card.raw.index, card.raw.name, percent(busy));
        Some(match own {
            true => stops(format!("{words}: wait until nobody uses its model")),
            false => warns(words),
        })
    };
    let busy: Vec<Check> = state.host.gpus.rows.iter().filter_map(check).collect();
    match (busy.is_empty(), state.host.gpus.rows.is_empty()) {
        (true, false) => vec![passed("no GPU is in use")],
        _ => busy,
    }
}

/// Servers that answer others now: both would be slow.
pub(super) fn servers(state: &State, plans: &[(&str, &Plan)]) -> Vec<Check> {
    let planned = plans.iter().filter(|(bench, _)| bench.starts_with("model"));
    let named: BTreeSet<&str> = planned.filter_map(|(_, plan)| Some(plan.of.rsplit_once(" at ")?.1)).collect();
    let rows = state.host.model_servers.rows.iter().filter(|row| named.contains(row.raw.name.as_str()));
    let mut found = Vec::new();
    for row in rows {
        let running: f64 = row.models.iter().filter_map(|model| model.raw.work.running).sum();
        if running > 0.0 {
            let requests = if running > 1.0 { "requests" } else { "request" };
            let words = format!("{} works on {running:.0} {requests} of others: wait until it is idle", row.raw.name);
            found.push(stops(words));
        }
    }
    if found.is_empty() && !named.is_empty() {
        found.push(passed("no model server works for others"));
    }
    found
}

pub(super) fn disks(state: &State, plans: &[(&str, &Plan)]) -> Vec<Check> {
    if plans.iter().all(|(_, plan)| plan.place.is_none()) {
        return Vec::new();
    }
    let busy = |disk: &&Disk| !disk.is_layer() && disk.busy_ratio.is_some_and(|busy| busy > BUSY_DISK);
    let mut found: Vec<Check> = Vec::new();
    for disk in state.host.disks.disks.iter().filter(busy) {
        let share = percent(disk.busy_ratio.unwrap_or_default());
        found.push(warns(format!("{} is {share} busy for others", disk.raw.name)));
    }
    if found.is_empty() {
        found.push(passed("no disk is busy"));
    }
    found
}
