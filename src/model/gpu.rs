//! Graphics processors of any maker: what NVML, amdgpu and the DRM drivers of Intel tell of them, one shape for all.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    host::Span,
    rate::{align, per_second},
    series::Series,
};

/// Who made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "names")]
pub enum Maker {
    #[default]
    Nvidia,
    Amd,
    Intel,
}

impl Maker {
    /// The name as people write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Maker::Nvidia => "NVIDIA",
            Maker::Amd => "AMD",
            Maker::Intel => "Intel",
        }
    }
}

/// What a card is up to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardState {
    /// It answers.
    #[default]
    Up,
    /// The kernel put it to sleep; asking would wake it.
    Asleep,
    /// It does not answer: why, in words. What it said last stands.
    Lost(String),
}

/// Why its clocks are held below what they could be ("NVML clocks event reasons").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Throttle {
    /// The owner set the clocks.
    ApplicationClocks,
    /// The power cap: the owner's or the card's own.
    PowerCap,
    /// The hardware halves its clocks: heat, power brake or supply.
    HardwareSlowdown,
    /// A group of cards goes at the pace of the slowest.
    SyncBoost,
    /// The driver slows it: too hot.
    SoftwareThermal,
    /// The hardware slows it: too hot.
    HardwareThermal,
    /// The system's power brake is asserted.
    PowerBrake,
    /// A display sets the clocks.
    Display,
}

impl Throttle {
    /// In words.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Throttle::ApplicationClocks => "clocks set by the owner",
            Throttle::PowerCap => "power cap",
            Throttle::HardwareSlowdown => "hardware slowdown",
            Throttle::SyncBoost => "sync boost",
            Throttle::SoftwareThermal => "too hot (driver)",
            Throttle::HardwareThermal => "too hot (hardware)",
            Throttle::PowerBrake => "power brake",
            Throttle::Display => "display clocks",
        }
    }

    /// True for what nobody wants: heat and failing power. A cap that the owner set is a fact, not an alarm.
    #[must_use]
    pub fn is_bad(self) -> bool {
        matches!(
            self,
            Throttle::HardwareSlowdown | Throttle::SoftwareThermal | Throttle::HardwareThermal | Throttle::PowerBrake
        )
    }

    /// True for heat.
    #[must_use]
    pub fn is_heat(self) -> bool {
        matches!(self, Throttle::SoftwareThermal | Throttle::HardwareThermal)
    }
}

/// One process on one card.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct GpuProcess {
    /// Its number on the host.
    pub pid: u32,
    /// Graphics rather than compute.
    pub graphics: bool,
    /// Memory on the card, bytes; `None` when the driver does not tell.
    pub memory: Option<u64>,
    /// Share of the time that it used the card's cores, 0 to 1.
    pub busy: Option<f64>,
    /// Engine time used, nanoseconds (DRM fdinfo): a counter, for drivers that tell no share.
    pub engine_ns: Option<u64>,
}

/// One error that the driver reported ("NVIDIA Xid").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Xid {
    /// Its number.
    pub code: u64,
    /// When: milliseconds since 1970.
    pub unix_ms: i64,
}

/// A slice of a card ("MIG").
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Slice {
    /// Its profile or number.
    pub name: String,
    /// Bytes.
    pub memory_total: Option<u64>,
    /// Bytes.
    pub memory_used: Option<u64>,
}

/// The PCIe link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Link {
    /// Generation now and at best.
    pub generation: Option<(u32, u32)>,
    /// Lanes now and at best.
    pub width: Option<(u32, u32)>,
    /// Bytes a second to the card.
    pub received: Option<u64>,
    /// Bytes a second from the card.
    pub sent: Option<u64>,
    /// Packets that had to be sent again, since boot.
    pub replays: Option<u64>,
}

impl Link {
    /// Below its best while the card works: links rest at a low generation when idle.
    #[must_use]
    pub fn is_downtrained(&self, busy: Option<f64>) -> bool {
        let below = |pair: Option<(u32, u32)>| pair.is_some_and(|(now, best)| now > 0 && now < best);
        busy.is_some_and(|b| b > 0.5) && (below(self.generation) || below(self.width))
    }
}

/// What one card tells. Whatever it does not tell is `None`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Gpu {
    /// `GPU-…` or the PCI address: the same card across runs.
    pub id: String,
    /// Its number among all.
    pub index: u16,
    /// Maker.
    pub maker: Maker,
    /// Model.
    pub name: String,
    /// PCI address: `0000:01:00.0`.
    pub bus: String,
    /// What it is up to.
    pub state: CardState,
    /// Share of the time that something ran on it, 0 to 1.
    pub busy: Option<f64>,
    /// Share of the time that its memory was read or written: not its bandwidth.
    pub memory_busy: Option<f64>,
    /// Share of the encoder and decoder in use.
    pub encoder: Option<f64>,
    /// See above.
    pub decoder: Option<f64>,
    /// Bytes.
    pub memory_total: Option<u64>,
    /// Bytes in use, without what the driver keeps.
    pub memory_used: Option<u64>,
    /// Bytes that the driver keeps for itself.
    pub memory_reserved: Option<u64>,
    /// Its memory is the system's.
    pub unified: bool,
    /// °C of the chip.
    pub temperature: Option<f64>,
    /// °C of its hottest spot.
    pub hotspot: Option<f64>,
    /// °C of its memory.
    pub memory_temperature: Option<f64>,
    /// °C at which it slows down, and at which it shuts down.
    pub slowdown_temperature: Option<f64>,
    /// See above.
    pub shutdown_temperature: Option<f64>,
    /// Watts.
    pub power: Option<f64>,
    /// Watts that it may take now, as it left the factory, and at most.
    pub power_limit: Option<f64>,
    /// See above.
    pub power_default: Option<f64>,
    /// See above.
    pub power_max: Option<f64>,
    /// Energy used, microjoules: a counter.
    pub energy_uj: Option<u64>,
    /// Hertz of the cores, now and at best.
    pub clock: Option<u64>,
    /// See above.
    pub clock_max: Option<u64>,
    /// Hertz of the memory.
    pub memory_clock: Option<u64>,
    /// Share of the fan's full speed.
    pub fan: Option<f64>,
    /// What holds its clocks back now.
    pub throttles: Vec<Throttle>,
    /// Performance state, 0 is the fastest.
    pub performance_state: Option<u8>,
    /// The link.
    pub link: Link,
    /// Memory errors since the driver was loaded: corrected, uncorrected.
    pub ecc: Option<(u64, u64)>,
    /// Rows of memory replaced for corrected and uncorrected errors, pending, failed.
    pub remapped: Option<(u64, u64, bool, bool)>,
    /// Errors that the driver reported while we looked.
    pub xids: Vec<Xid>,
    /// Slices, when it is cut into some.
    pub slices: Vec<Slice>,
    /// NVLinks that are up, of how many.
    pub nvlinks: Option<(u32, u32)>,
    /// Who uses it.
    pub processes: Vec<GpuProcess>,
}

/// A driver and how it fares.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Driver {
    /// Whose.
    pub maker: Maker,
    /// Its version.
    pub version: Option<String>,
    /// The newest CUDA that it can run: `13.0`.
    pub cuda: Option<String>,
    /// Why it does not work, in plain words.
    pub fault: Option<String>,
}

/// One reading.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct GpuSample {
    /// Drivers that have cards here, or should.
    pub drivers: Vec<Driver>,
    /// Cards, by number.
    pub gpus: Vec<Gpu>,
}

/// One card as shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GpuRow {
    /// The newest reading; of one that is lost the last that it gave.
    pub raw: Gpu,
    /// Share of the time that something ran on it.
    pub busy: Option<f64>,
    /// Watts, told or reckoned from the energy.
    pub power: Option<f64>,
    /// Joules since the program started.
    pub energy_joules: Option<f64>,
    /// Shares by process, told or reckoned from engine time.
    pub process_busy: Vec<(u32, f64)>,
    energy_first_uj: Option<u64>,
    /// Share of the time that something ran on it.
    pub busy_history: Series,
    /// Share of the time that its memory was busy.
    pub memory_busy_history: Series,
    /// Share of its memory in use.
    pub memory_history: Series,
    /// °C.
    pub temperature_history: Series,
    /// Watts.
    pub power_history: Series,
}

/// All cards.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Gpus {
    /// Drivers.
    pub drivers: Vec<Driver>,
    /// Cards.
    pub rows: Vec<GpuRow>,
}

impl GpuRow {
    fn apply(&mut self, span: Span, raw: &Gpu) {
        let before = std::mem::replace(&mut self.raw, raw.clone());
        let up = raw.state == CardState::Up;
        let joules = span.since.and_then(|since| Some(per_second(before.energy_uj?, raw.energy_uj?, since)? / 1e6));
        self.power = raw.power.or(joules).filter(|_| up);
        let first = *self.energy_first_uj.get_or_insert(raw.energy_uj.unwrap_or(0));
        self.energy_joules = raw.energy_uj.map(|now| now.saturating_sub(first) as f64 / 1e6);
        self.process_busy = raw
            .processes
            .iter()
            .filter_map(|p| {
                let old = before.processes.iter().find(|o| o.pid == p.pid);
                let reckoned = || Some(per_second(old?.engine_ns?, p.engine_ns?, span.since?)? / 1e9);
                Some((p.pid, p.busy.or_else(reckoned)?.min(1.0)))
            })
            .collect();
        // A driver without a figure of its own: what its processes used is what we can see.
        let seen =
            (!self.process_busy.is_empty()).then(|| self.process_busy.iter().map(|(_, b)| b).sum::<f64>().min(1.0));
        let told = raw.maker == Maker::Intel;
        self.busy = raw.busy.or(seen.filter(|_| told)).filter(|_| up);
        let put = |series: &mut Series, value: Option<f64>| series.push(span.at, span.every, value.filter(|_| up));
        put(&mut self.busy_history, self.busy);
        put(&mut self.memory_busy_history, raw.memory_busy);
        put(&mut self.memory_history, raw.memory_ratio());
        put(&mut self.temperature_history, raw.temperature);
        put(&mut self.power_history, self.power);
    }

    /// True while it answers.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.raw.state == CardState::Up
    }

    /// What holds it back, and what could be done: said only when its own figures carry it.
    #[must_use]
    pub fn limited_by(&self, cpu_busy: Option<f64>, io_stall: Option<f64>) -> Option<String> {
        let raw = &self.raw;
        if !self.is_up() {
            return None;
        }
        let whole = |share: f64| format!("{:.0} %", share * 100.0);
        let clocks = match (raw.clock, raw.clock_max) {
            (Some(now), Some(best)) if best > 0 => format!(", clock {} of {} MHz", now / 1_000_000, best / 1_000_000),
            _ => String::new(),
        };
        if let Some(heat) = raw.throttles.iter().find(|t| t.is_heat()) {
            let at = raw.temperature.map_or_else(String::new, |t| format!(" at {t:.0} °C"));
            return Some(format!("heat: {}{at}{clocks}. More air, or a lower power limit", heat.word()));
        }
        if let Some(bad) = raw.throttles.iter().find(|t| t.is_bad()) {
            return Some(format!("{}{clocks}. Check the supply and its cables", bad.word()));
        }
        let (busy, memory) = (self.busy?, raw.memory_ratio());
        if raw.link.is_downtrained(Some(busy)) {
            let pair = |p: Option<(u32, u32)>| p.map_or_else(String::new, |(now, best)| format!("{now} of {best}"));
            let (generation, width) = (pair(raw.link.generation), pair(raw.link.width));
            return Some(format!(
                "the PCIe link: generation {generation}, lanes {width} under load. Reseat the card, check the slot and the BIOS"
            ));
        }
        if let Some(share) = memory.filter(|m| *m > 0.95) {
            return Some(format!(
                "memory is full ({}). A smaller model, context or batch, or another card",
                whole(share)
            ));
        }
        if busy < 0.05 && memory.is_some_and(|m| m > 0.3) {
            let held = raw.memory_used.map_or_else(String::new, |b| crate::units::bytes_long(b as f64));
            return Some(format!("nothing: it idles while it holds {held}. What holds it could be unloaded"));
        }
        if busy > 0.9 && raw.memory_busy.is_some_and(|m| m > 0.7) {
            return Some(
                "its memory: busy nearly all the time. Smaller weights (quantisation) or larger batches".to_owned(),
            );
        }
        if busy > 0.9 {
            let cap = if raw.throttles.contains(&Throttle::PowerCap) { ", at its power cap" } else { "" };
            return Some(format!("its own cores: {} busy{cap}", whole(busy)));
        }
        let starved = busy > 0.1 && busy < 0.6;
        if starved && cpu_busy.is_some_and(|c| c > 0.85) {
            return Some(format!("the CPU: {} busy while the card waits at {}", whole(cpu_busy?), whole(busy)));
        }
        if starved && io_stall.is_some_and(|s| s > 0.2) {
            return Some(format!(
                "storage: tasks stall {} of the time while the card waits at {}",
                whole(io_stall?),
                whole(busy)
            ));
        }
        None
    }

    /// Energy used so far, in kilowatt-hours.
    #[must_use]
    pub fn kilowatt_hours(&self) -> Option<f64> {
        Some(self.energy_joules? / 3.6e6)
    }
}

impl Gpu {
    /// Memory in use, 0 to 1.
    #[must_use]
    pub fn memory_ratio(&self) -> Option<f64> {
        let total = self.memory_total.filter(|t| *t > 0)?;
        Some(self.memory_used?.saturating_add(self.memory_reserved.unwrap_or(0)).min(total) as f64 / total as f64)
    }

    /// The name without its maker's: `RTX 4090`.
    #[must_use]
    pub fn short_name(&self) -> &str {
        let name = self.name.strip_prefix(self.maker.word()).unwrap_or(&self.name).trim_start();
        name.strip_prefix("GeForce ").unwrap_or(name)
    }

    /// `gpu0`, and its name where there are several of one maker.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}:{}", self.index, self.short_name())
    }
}

impl Gpus {
    /// Folds one sample in.
    pub fn apply(&mut self, span: Span, sample: &GpuSample) {
        self.drivers.clone_from(&sample.drivers);
        align(&mut self.rows, &sample.gpus, |row, gpu| row.raw.id == gpu.id, |_| GpuRow::default());
        for (row, gpu) in self.rows.iter_mut().zip(&sample.gpus) {
            row.apply(span, gpu);
        }
    }

    /// False when a driver that should work does not, or a card that was there is lost; `None` without any.
    #[must_use]
    pub fn is_well(&self) -> Option<bool> {
        let any = !self.drivers.is_empty() || !self.rows.is_empty();
        let lost = |row: &GpuRow| matches!(row.raw.state, CardState::Lost(_));
        any.then(|| self.drivers.iter().all(|d| d.fault.is_none()) && !self.rows.iter().any(lost))
    }

    /// Why not, in words.
    #[must_use]
    pub fn cause(&self) -> Option<String> {
        let driver = self.drivers.iter().find_map(|d| Some(format!("{}: {}", d.maker.word(), d.fault.as_ref()?)));
        driver.or_else(|| {
            self.rows.iter().find_map(|row| match &row.raw.state {
                CardState::Lost(why) => Some(format!("{}: {why}", row.raw.label())),
                _ => None,
            })
        })
    }

    /// Memory that a process holds on all cards, bytes; `None` when it is on none, or none tells.
    #[must_use]
    pub fn memory_of(&self, pid: u32) -> Option<u64> {
        let of = |row: &GpuRow| row.raw.processes.iter().find(|p| p.pid == pid)?.memory;
        self.rows.iter().filter_map(of).reduce(u64::saturating_add)
    }
}

/// What the driver's more frequent error numbers mean ("NVIDIA Xid errors").
#[must_use]
pub fn xid_words(code: u64) -> &'static str {
    match code {
        13 => "a program's graphics engine exception",
        31 => "a program's memory page fault",
        43 => "a program's channel stopped",
        45 => "cleanup after an earlier error",
        48 => "uncorrectable memory error",
        61 | 62 => "internal micro-controller halt",
        63 | 64 => "memory row remapping",
        74 => "NVLink error",
        79 => "the card has fallen off the bus",
        92 => "many corrected memory errors",
        94 => "contained memory error",
        95 => "uncontained memory error",
        119 | 120 => "the card's system processor does not answer",
        _ => "see NVIDIA's list of Xid errors",
    }
}

/// How long an Xid is held against a card.
pub const XID_LASTS: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Stamp;

    fn fold(gpus: &mut Gpus, second: u64, gpu: Gpu) {
        let since = (second > 1).then_some(Duration::from_secs(1));
        let span = Span { at: Stamp::at_seconds(second), every: Duration::from_secs(1), since };
        gpus.apply(span, &GpuSample { gpus: vec![gpu], ..GpuSample::default() });
    }

    fn busy(busy: f64) -> Gpu {
        Gpu { id: "a".into(), busy: Some(busy), ..Gpu::default() }
    }

    #[test]
    fn power_is_reckoned_from_energy_where_only_that_is_told() {
        let mut gpus = Gpus::default();
        fold(&mut gpus, 1, Gpu { energy_uj: Some(1_000_000), ..busy(0.0) });
        assert_eq!(gpus.rows[0].power, None);
        fold(&mut gpus, 2, Gpu { energy_uj: Some(151_000_000), ..busy(0.0) });
        assert_eq!((gpus.rows[0].power, gpus.rows[0].energy_joules), (Some(150.0), Some(150.0)));
    }

    #[test]
    fn a_lost_card_keeps_its_row_and_has_no_figures() {
        let mut gpus = Gpus::default();
        fold(&mut gpus, 1, busy(0.5));
        assert_eq!(gpus.is_well(), Some(true));
        fold(
            &mut gpus,
            2,
            Gpu { state: CardState::Lost("it has fallen off the bus".into()), name: "NVIDIA T4".into(), ..busy(0.5) },
        );
        assert_eq!((gpus.rows.len(), gpus.rows[0].busy, gpus.is_well()), (1, None, Some(false)));
        assert_eq!(gpus.cause().as_deref(), Some("0:T4: it has fallen off the bus"));
        assert_eq!(Gpus::default().is_well(), None);
    }

    #[test]
    fn shares_of_processes_come_from_engine_time_where_the_driver_tells_none() {
        let mut gpus = Gpus::default();
        let at = |engine_ns| Gpu {
            maker: Maker::Intel,
            busy: None,
            processes: vec![GpuProcess { pid: 7, engine_ns: Some(engine_ns), ..GpuProcess::default() }],
            ..busy(0.0)
        };
        fold(&mut gpus, 1, at(1_000_000_000));
        fold(&mut gpus, 2, at(1_250_000_000));
        assert_eq!((gpus.rows[0].process_busy.as_slice(), gpus.rows[0].busy), (&[(7, 0.25)][..], Some(0.25)));
    }

    #[test]
    fn what_holds_it_back_is_said_only_on_evidence() {
        let row = |raw: Gpu| {
            let mut gpus = Gpus::default();
            fold(&mut gpus, 1, raw);
            gpus.rows.remove(0)
        };
        let says = |raw: Gpu, cpu: f64, io: f64| row(raw).limited_by(Some(cpu), Some(io)).unwrap_or_default();
        let memory = |used: u64| Gpu { memory_total: Some(100), memory_used: Some(used), ..busy(0.5) };
        assert_eq!(says(busy(0.5), 0.2, 0.0), "", "half busy and nothing else known");
        assert!(
            says(Gpu { throttles: vec![Throttle::HardwareThermal], temperature: Some(91.0), ..busy(0.9) }, 0.0, 0.0)
                .starts_with("heat: too hot (hardware) at 91 °C")
        );
        let link = Link { generation: Some((4, 4)), width: Some((4, 16)), ..Link::default() };
        assert!(says(Gpu { link, ..busy(0.9) }, 0.0, 0.0).contains("lanes 4 of 16"));
        assert_eq!(says(Gpu { link, ..busy(0.1) }, 0.0, 0.0), "", "links rest when idle");
        assert!(says(memory(97), 0.0, 0.0).starts_with("memory is full"));
        assert!(says(Gpu { busy: Some(0.0), ..memory(60) }, 0.0, 0.0).starts_with("nothing: it idles"));
        assert!(says(busy(0.3), 0.95, 0.0).starts_with("the CPU"));
        assert!(says(busy(0.3), 0.1, 0.5).starts_with("storage"));
        assert!(
            says(Gpu { throttles: vec![Throttle::PowerCap], ..busy(0.98) }, 0.0, 0.0).ends_with("at its power cap")
        );
        assert!(!Throttle::PowerCap.is_bad(), "a cap is a fact, not an alarm");
    }
}
