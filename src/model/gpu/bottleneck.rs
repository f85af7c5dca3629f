//! What holds a card back: one line with its evidence and what could be done, from the figures that are shown anyway, and
//! nothing where they do not carry it.

use super::{row::GpuRow, sample::Throttle};
use crate::{model::series::Series, units::bytes_long};

/// Readings that are looked back on, and how many of them must be there: one reading proves nothing.
const RECENT: usize = 10;
const LEAST: usize = 3;

/// What else the machine does.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Around<'a> {
    /// Share of all cores' time that was not idle.
    pub cpu_busy: Option<f64>,
    /// Share of the time that some task stalled on storage.
    pub io_stall: Option<f64>,
    /// The process that uses most CPU of those that use the card: its name, and cores.
    pub feeder: Option<(&'a str, f64)>,
}

/// What holds it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// In a word or two.
    pub by: &'static str,
    /// The figures that say so.
    pub evidence: String,
    /// What could be done.
    pub advice: &'static str,
}

impl Held {
    fn by(by: &'static str, evidence: impl Into<String>, advice: &'static str) -> Option<Self> {
        Some(Held { by, evidence: evidence.into(), advice })
    }

    /// All of it as a sentence.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{}: {}. {}", self.by, self.evidence, self.advice)
    }
}

/// The mean of the last readings.
fn recent(series: &Series) -> Option<f64> {
    let last: Vec<f64> = (0..RECENT).filter_map(|back| series.back(back)).collect();
    (last.len() >= LEAST && series.back(0).is_some()).then(|| last.iter().sum::<f64>() / last.len() as f64)
}

fn whole(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

impl GpuRow {
    /// What limits it; `None` when its metrics do not show it.
    #[must_use]
    pub fn held_back_by(&self, around: Around<'_>) -> Option<Held> {
        if !self.is_up() {
            return None;
        }
        let busy = recent(&self.busy_history);
        self.slowed(busy).or_else(|| self.link(busy)).or_else(|| self.memory(busy)).or_else(|| self.work(busy?, around))
    }

    /// `, clock 1395 of 3105 MHz`.
    fn clocks(&self) -> String {
        match (self.raw.clock, self.raw.clock_max) {
            (Some(now), Some(best)) if best > 0 => format!(", clock {} of {} MHz", now / 1_000_000, best / 1_000_000),
            _ => String::new(),
        }
    }

    fn slowed(&self, busy: Option<f64>) -> Option<Held> {
        // An idle card lowers its clocks.
        let bad: Vec<Throttle> = self.slowed_by().filter(|_| busy.is_none_or(|b| b > 0.05)).collect();
        let worst = bad.iter().find(|t| t.is_heat()).or_else(|| bad.first())?;
        let at = self.raw.temperature.map_or_else(String::new, |t| format!(" at {t:.0} °C"));
        if worst.is_heat() {
            let evidence = format!("{}{at}{}", worst.word(), self.clocks());
            return Held::by("heat", evidence, "More air, a cleaner cooler, or a lower power limit");
        }
        Held::by(
            "power delivery",
            format!("{}{at}{}", worst.word(), self.clocks()),
            "Check the power supply and its cables",
        )
    }

    fn link(&self, busy: Option<f64>) -> Option<Held> {
        let link = &self.raw.link;
        if link.is_downtrained(busy) {
            let evidence = format!("{} under load", link.shortfall()?);
            return Held::by("PCIe link", evidence, "Reseat the card; check the slot, the riser and the BIOS");
        }
        let (most, capacity) = (link.received.max(link.sent)? as f64, link.capacity()?);
        if most > capacity * 0.8 && busy.is_some_and(|b| b < 0.9) {
            let evidence = format!("{}/s of {}/s capacity", bytes_long(most), bytes_long(capacity));
            return Held::by("PCIe link", evidence, "Keep more of the work on the card, or use a wider slot");
        }
        None
    }

    fn memory(&self, busy: Option<f64>) -> Option<Held> {
        let used = recent(&self.memory_history)?;
        if used > 0.95 && !self.raw.unified {
            let advice = "A smaller model, context or batch, or another card";
            return Held::by("memory capacity", format!("{} in use", whole(used)), advice);
        }
        if busy? < 0.05 && used > 0.3 {
            let held = self.raw.memory_used.map_or_else(|| whole(used), |b| bytes_long(b as f64));
            let evidence = format!("idle with {held} allocated");
            return Held::by("nothing", evidence, "Unload the model to free it");
        }
        None
    }

    fn work(&self, busy: f64, around: Around<'_>) -> Option<Held> {
        if busy > 0.9 {
            if let Some(traffic) = recent(&self.memory_busy_history).filter(|m| *m > 0.7) {
                let evidence = format!("memory busy {} of the time, cores {}", whole(traffic), whole(busy));
                return Held::by("memory bandwidth", evidence, "Smaller weights (quantisation) or larger batches");
            }
            let cap = self.raw.throttles.contains(&Throttle::PowerCap);
            let limit = self.raw.power_limit.filter(|_| cap);
            let cap = limit.map_or_else(String::new, |w| format!(" at the {w:.0} W power limit{}", self.clocks()));
            return Held::by("compute", format!("{} busy{cap}", whole(busy)), "The card is fully used");
        }
        if !(0.1..0.6).contains(&busy) {
            return None;
        }
        let waits = format!("the card is {} busy", whole(busy));
        if let Some(cpu) = around.cpu_busy.filter(|c| *c > 0.85) {
            let evidence = format!("{} busy while {waits}", whole(cpu));
            return Held::by("the CPU", evidence, "More workers will not help; preprocess on the GPU or in advance");
        }
        if let Some((name, cores)) = around.feeder.filter(|(_, cores)| (0.9..1.1).contains(cores)) {
            let evidence = format!("{name} fills one core ({}) while {waits}", whole(cores));
            return Held::by("the CPU", evidence, "Give the process that feeds it more threads or workers");
        }
        if let Some(stall) = around.io_stall.filter(|s| *s > 0.2) {
            let evidence = format!("tasks stalled {} of the time while {waits}", whole(stall));
            return Held::by("storage", evidence, "Read from a faster disk, or load more ahead");
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::gpu::{
        CardState, Gpu, Gpus, Link,
        row::tests::{busy, fold},
    };

    /// A card that reported these values for four readings.
    fn row(raw: &Gpu) -> GpuRow {
        let mut gpus = Gpus::default();
        for second in 1..=4 {
            fold(&mut gpus, second, vec![raw.clone()]);
        }
        gpus.rows.remove(0)
    }

    fn says(raw: Gpu, around: Around<'_>) -> String {
        row(&raw).held_back_by(around).map(|h| format!("{}: {}", h.by, h.evidence)).unwrap_or_default()
    }

    fn quiet() -> Around<'static> {
        Around { cpu_busy: Some(0.2), io_stall: Some(0.0), feeder: None }
    }

    fn memory(used: u64) -> Gpu {
        Gpu { memory_total: Some(100), memory_used: Some(used), ..busy(0.5) }
    }

    const SLOT: Link =
        Link { generation: Some((4, 4)), width: Some((4, 16)), received: None, sent: None, replays: None };

    #[test]
    fn heat_is_named_with_its_degrees_and_clocks() {
        let hot = Gpu {
            throttles: vec![Throttle::HardwareSlowdown, Throttle::HardwareThermal],
            temperature: Some(91.0),
            clock: Some(1_395_000_000),
            clock_max: Some(3_105_000_000),
            ..busy(0.9)
        };
        assert_eq!(says(hot, quiet()), "heat: too hot (hardware) at 91 °C, clock 1395 of 3105 MHz");
        let brake = Gpu { throttles: vec![Throttle::PowerBrake], ..busy(0.9) };
        assert_eq!(says(brake, quiet()), "power delivery: power brake");
    }

    #[test]
    fn slow_link_is_a_finding_only_under_load() {
        let link = |busy_: f64, link| Gpu { link, ..busy(busy_) };
        assert_eq!(says(link(0.9, SLOT), quiet()), "PCIe link: generation 4 of 4, lanes 4 of 16 under load");
        assert_eq!(says(link(0.3, SLOT), quiet()), "", "links rest when idle");
        let full = Link { width: Some((16, 16)), received: Some(27_000_000_000), ..SLOT };
        assert_eq!(says(link(0.4, full), quiet()), "PCIe link: 25.1 GiB/s of 29.3 GiB/s capacity");
        assert_eq!(says(link(0.4, Link { received: Some(9_000_000_000), ..full }), quiet()), "");
    }

    #[test]
    fn full_memory_and_memory_held_for_nothing_are_named() {
        assert_eq!(says(memory(97), quiet()), "memory capacity: 97 % in use");
        assert_eq!(says(Gpu { busy: Some(0.0), ..memory(60) }, quiet()), "nothing: idle with 60 B allocated");
        assert_eq!(says(Gpu { busy: Some(0.0), ..memory(10) }, quiet()), "");
        assert_eq!(says(Gpu { unified: true, ..memory(97) }, quiet()), "", "the system's memory is not the card's");
    }

    #[test]
    fn limits_of_cores_and_memory_speed_differ() {
        assert_eq!(says(busy(0.98), quiet()), "compute: 98 % busy");
        let fast = Gpu { memory_busy: Some(0.8), ..busy(0.98) };
        assert_eq!(says(fast, quiet()), "memory bandwidth: memory busy 80 % of the time, cores 98 %");
        let capped = Gpu { throttles: vec![Throttle::PowerCap], power_limit: Some(300.0), ..busy(0.98) };
        assert_eq!(says(capped, quiet()), "compute: 98 % busy at the 300 W power limit");
        assert!(!Throttle::PowerCap.is_bad(), "a cap raises no alert");
    }

    #[test]
    fn a_starved_card_names_what_starves_it() {
        let cpu = Around { cpu_busy: Some(0.95), ..quiet() };
        assert_eq!(says(busy(0.3), cpu), "the CPU: 95 % busy while the card is 30 % busy");
        let feeder = Around { feeder: Some(("python3", 0.99)), ..quiet() };
        assert_eq!(says(busy(0.3), feeder), "the CPU: python3 fills one core (99 %) while the card is 30 % busy");
        let several = Around { feeder: Some(("python3", 3.2)), ..quiet() };
        assert_eq!(says(busy(0.3), several), "", "what uses three cores is not bound to one");
        let disk = Around { io_stall: Some(0.5), ..quiet() };
        assert_eq!(says(busy(0.3), disk), "storage: tasks stalled 50 % of the time while the card is 30 % busy");
        assert_eq!(says(busy(0.8), cpu), "", "a card that works is not starved");
    }

    #[test]
    fn where_figures_are_missing_nothing_is_said() {
        assert_eq!(says(busy(0.5), quiet()), "");
        assert_eq!(says(Gpu { busy: None, ..busy(0.0) }, Around { cpu_busy: Some(1.0), ..quiet() }), "");
        assert_eq!(says(busy(0.3), Around::default()), "");
        assert_eq!(says(Gpu { busy: None, ..memory(60) }, quiet()), "", "only utilisation shows idle");
        let lost = Gpu { state: CardState::Lost("gone".into()), ..busy(0.98) };
        assert_eq!(says(lost, quiet()), "");
        let mut gpus = Gpus::default();
        fold(&mut gpus, 1, vec![busy(0.98)]);
        assert_eq!(gpus.rows[0].held_back_by(quiet()), None, "one reading proves nothing");
    }
}
