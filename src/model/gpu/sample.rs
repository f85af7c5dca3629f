//! One reading of the cards: what NVML, amdgpu and the DRM drivers of Intel report, in one form.

use serde::{Deserialize, Serialize};

use super::xid::Xid;

/// Who made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
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
    /// Present, but its metrics are not readable here: why, in words. The owner's choice, so no alert.
    Unreadable(String),
    /// It does not answer: why, in words. Its last values are kept.
    Lost(String),
}

/// Why its clocks are held below what they could be ("NVML clocks event reasons").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
            Throttle::ApplicationClocks => "application clocks",
            Throttle::PowerCap => "power cap",
            Throttle::HardwareSlowdown => "hardware slowdown",
            Throttle::SyncBoost => "sync boost",
            Throttle::SoftwareThermal => "too hot (driver)",
            Throttle::HardwareThermal => "too hot (hardware)",
            Throttle::PowerBrake => "power brake",
            Throttle::Display => "display clocks",
        }
    }

    /// True for faults: heat and failing power. A cap that the owner set raises no alert.
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

/// How long one process had an engine of a card work for it: counters, for drivers that report no shares
/// ("DRM client usage stats").
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Engine {
    /// `gfx`, `render`, `rcs`.
    pub name: String,
    /// Nanoseconds, or cycles where `of` has the cycles that passed.
    pub used: u64,
    /// Cycles that passed meanwhile.
    pub of: Option<u64>,
    /// So many engines of that name there are.
    pub count: u32,
}

/// One process on one card.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct GpuProcess {
    /// Its number on the host.
    pub pid: u32,
    /// Graphics rather than compute.
    pub graphics: bool,
    /// Memory on the card, bytes; `None` when the driver does not report it.
    pub memory: Option<u64>,
    /// Share of the time that it used the card's cores, 0 to 1.
    pub busy: Option<f64>,
    /// Its time on each engine, for drivers that report no share.
    pub engines: Vec<Engine>,
    /// The slice that it runs in, by its place among [`Gpu::slices`].
    pub slice: Option<u32>,
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

    /// What it runs at and could: `generation 1 of 4, lanes 16 of 16`; an unknown part is left out.
    #[must_use]
    pub fn shortfall(&self) -> Option<String> {
        let part = |name: &str, pair: Option<(u32, u32)>| pair.map(|(now, best)| format!("{name} {now} of {best}"));
        let parts: Vec<String> =
            [part("generation", self.generation), part("lanes", self.width)].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// Bytes a second that it carries one way as it is now ("PCI Express", after encoding).
    #[must_use]
    pub fn capacity(&self) -> Option<f64> {
        let lane = match self.generation?.0 {
            1 => 0.25e9,
            2 => 0.5e9,
            3 => 0.985e9,
            4 => 1.969e9,
            5 => 3.938e9,
            6 => 7.563e9,
            _ => return None,
        };
        Some(lane * f64::from(self.width?.0))
    }
}

/// Errors of a card's memory by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryErrors {
    pub corrected: u64,
    pub uncorrected: u64,
}

/// Rows of a card's memory that were replaced by spare ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemappedRows {
    /// For corrected errors.
    pub corrected: u64,
    /// For uncorrected errors.
    pub uncorrected: u64,
    /// One waits for a reset of the card.
    pub pending: bool,
    /// There was no spare row.
    pub failed: bool,
}

/// What one card reports. Whatever it does not report is `None`.
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
    /// The kernel's driver: `nvidia`, `amdgpu`, `xe`.
    pub driver: String,
    /// What it is up to.
    pub state: CardState,
    /// Share of the time that something ran on it, 0 to 1.
    pub busy: Option<f64>,
    /// Share of the time that its memory was read or written: not its bandwidth.
    pub memory_busy: Option<f64>,
    /// Share of the encoder and decoder in use.
    pub encoder: Option<f64>,
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
    pub shutdown_temperature: Option<f64>,
    /// Watts.
    pub power: Option<f64>,
    /// Watts that it may take now, as it left the factory, and at most.
    pub power_limit: Option<f64>,
    pub power_default: Option<f64>,
    pub power_max: Option<f64>,
    /// Energy used, microjoules: a counter.
    pub energy_uj: Option<u64>,
    /// Hertz of the cores, now and at best.
    pub clock: Option<u64>,
    pub clock_max: Option<u64>,
    /// Hertz of the memory.
    pub memory_clock: Option<u64>,
    /// Share of the fan's full speed.
    pub fan: Option<f64>,
    /// Revolutions per minute of the fan, where only these are reported.
    pub fan_rpm: Option<u32>,
    /// What holds its clocks back now.
    pub throttles: Vec<Throttle>,
    /// Its driver reports throttling: otherwise an empty list means nothing.
    #[serde(default)]
    pub throttles_reported: bool,
    /// Performance state, 0 is the fastest.
    pub performance_state: Option<u8>,
    /// The link.
    pub link: Link,
    /// Memory errors since the driver was loaded.
    pub ecc: Option<MemoryErrors>,
    pub remapped: Option<RemappedRows>,
    /// Errors that the driver reported while we looked.
    pub xids: Vec<Xid>,
    /// Slices, when it is cut into some.
    pub slices: Vec<Slice>,
    /// NVLinks that are up, of how many.
    pub nvlinks: Option<(u32, u32)>,
    /// Used by.
    pub processes: Vec<GpuProcess>,
    /// Processes of other users cannot be seen: root sees them.
    pub processes_hidden: bool,
}

/// A driver and its state.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Driver {
    /// The key.
    pub maker: Maker,
    /// Its version.
    pub version: Option<String>,
    /// The newest CUDA that it can run: `13.0`.
    pub cuda: Option<String>,
    /// Why it does not work, in plain words.
    pub fault: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct GpuSample {
    /// Drivers that have cards here, or should.
    pub drivers: Vec<Driver>,
    /// Cards, by number.
    pub gpus: Vec<Gpu>,
}

impl Gpu {
    /// Memory in use, 0 to 1.
    #[must_use]
    pub fn memory_ratio(&self) -> Option<f64> {
        let total = self.memory_total.filter(|t| *t > 0)?;
        Some(self.memory_used?.saturating_add(self.memory_reserved.unwrap_or(0)).min(total) as f64 / total as f64)
    }

    /// Those that hold most first, then by number.
    #[must_use]
    pub fn processes_by_memory(&self) -> Vec<&GpuProcess> {
        let mut all: Vec<_> = self.processes.iter().collect();
        all.sort_by(|a, b| b.memory.cmp(&a.memory).then(a.pid.cmp(&b.pid)));
        all
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_generation_of_pci_express_carries_about_twice_as_much() {
        let of = |generation, width| {
            Link { generation: Some((generation, 6)), width: Some((width, 16)), ..Link::default() }.capacity()
        };
        // Gigatransfers a second by the share of the bits that are data.
        for (generation, transfers, data) in [
            (1, 2.5, 8.0 / 10.0),
            (2, 5.0, 8.0 / 10.0),
            (3, 8.0, 128.0 / 130.0),
            (4, 16.0, 128.0 / 130.0),
            (5, 32.0, 128.0 / 130.0),
            (6, 64.0, 242.0 / 256.0),
        ] {
            let lane = transfers * data / 8.0 * 1e9;
            assert!(of(generation, 1).is_some_and(|found| (found / lane - 1.0).abs() < 0.001), "{generation}");
            assert_eq!(of(generation, 16), of(generation, 1).map(|lane| lane * 16.0));
        }
        assert_eq!((of(7, 16), Link::default().capacity()), (None, None));
    }

    #[test]
    fn a_link_says_what_it_runs_at_and_could() {
        let link = Link { generation: Some((1, 4)), width: Some((16, 16)), ..Link::default() };
        assert_eq!(link.shortfall().as_deref(), Some("generation 1 of 4, lanes 16 of 16"));
        assert_eq!(Link { generation: None, ..link }.shortfall().as_deref(), Some("lanes 16 of 16"));
        assert_eq!(Link::default().shortfall(), None);
    }
}
