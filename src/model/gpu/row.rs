//! All cards as shown: each keeps its row, its number and its past for as long as the program runs, whatever becomes of it.

use super::sample::{CardState, Driver, Engine, Gpu, GpuProcess, GpuSample, Maker, Throttle};
use crate::model::{rate::per_second, series::Series, span::Span};

/// °C from which a card that idles may be slowed by heat, and how far below its own limit that is at most.
const HOT: f64 = 80.0;
const MARGIN: f64 = 15.0;

/// One card as shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GpuRow {
    /// The newest reading; of one that is lost the last that it gave.
    pub raw: Gpu,
    /// Share of the time that something ran on it.
    pub busy: Option<f64>,
    /// Watts, reported or computed from the energy.
    pub power: Option<f64>,
    /// Joules since the program started, by the card's count or else by its power.
    pub energy_joules: Option<f64>,
    /// Shares by process, reported or computed from engine time.
    pub process_busy: Vec<(u32, f64)>,
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
    /// It was once more than a place at which a card should be.
    pub known: bool,
}

/// All cards.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Gpus {
    /// Drivers.
    pub drivers: Vec<Driver>,
    /// Cards, by number.
    pub rows: Vec<GpuRow>,
}

/// Share of its time that an engine worked for a process, between two readings.
fn engine_share(before: &GpuProcess, now: &Engine, span: Span) -> Option<f64> {
    let before = before.engines.iter().find(|e| e.name == now.name)?;
    let share = match (before.of, now.of) {
        (Some(then), Some(of)) => {
            let (part, whole) = (now.used.checked_sub(before.used)?, of.checked_sub(then)?);
            (whole > 0).then(|| part as f64 / whole as f64)?
        }
        _ => per_second(before.used, now.used, span.since?)? / 1e9,
    };
    Some(share / f64::from(now.count.max(1)))
}

impl GpuRow {
    fn apply(&mut self, span: Span, raw: Gpu) {
        let before = std::mem::replace(&mut self.raw, raw);
        let raw = &self.raw;
        let up = raw.state == CardState::Up;
        self.known |= !matches!(raw.state, CardState::Lost(_));
        let counted = before.energy_uj.zip(raw.energy_uj).and_then(|(b, n)| n.checked_sub(b)).map(|uj| uj as f64 / 1e6);
        let seconds = span.since.map(|s| s.as_secs_f64()).filter(|s| *s > 0.0);
        self.power = raw.power.or(counted.zip(seconds).map(|(joules, seconds)| joules / seconds)).filter(|_| up);
        let joules = match raw.energy_uj {
            Some(_) => counted,
            None => self.power.zip(seconds).map(|(watts, seconds)| watts * seconds),
        };
        if let Some(joules) = joules.filter(|_| up) {
            self.energy_joules = Some(self.energy_joules.unwrap_or(0.0) + joules);
        }
        // What each process had of each engine: of a process its busiest engine counts, of the card the sum on its
        // busiest engine.
        let mut engines: Vec<(&str, f64)> = Vec::new();
        self.process_busy.clear();
        for process in &raw.processes {
            let old = before.processes.iter().find(|o| o.pid == process.pid && o.slice == process.slice);
            let mut most = process.busy;
            for (engine, share) in
                process.engines.iter().filter_map(|e| Some((e.name.as_str(), engine_share(old?, e, span)?)))
            {
                most = Some(most.unwrap_or(0.0).max(share));
                match engines.iter_mut().find(|(name, _)| *name == engine) {
                    Some((_, sum)) => *sum += share,
                    None => engines.push((engine, share)),
                }
            }
            self.process_busy.extend(most.map(|busy| (process.pid, busy.min(1.0))));
        }
        // Intel's drivers report no total: the visible processes are what is known.
        let seen = engines.iter().map(|(_, sum)| sum.min(1.0)).reduce(f64::max);
        self.busy = raw.busy.or(seen.filter(|_| raw.maker == Maker::Intel)).filter(|_| up);
        let put = |series: &mut Series, value: Option<f64>| series.push(span.at, span.every, value.filter(|_| up));
        put(&mut self.busy_history, self.busy);
        put(&mut self.memory_busy_history, raw.memory_busy);
        put(&mut self.memory_history, raw.memory_ratio());
        put(&mut self.temperature_history, raw.temperature);
        put(&mut self.power_history, self.power);
    }

    /// Updates it with `gpu`: an answer replaces the last one; without an answer the last one is kept, without
    /// its users. Its number stays.
    fn now(&self, gpu: Gpu) -> Gpu {
        let index = self.raw.index;
        if gpu.state == CardState::Up || !self.known {
            return Gpu { index, ..gpu };
        }
        let (state, processes, throttles) = (gpu.state, Vec::new(), Vec::new());
        // The error with the cause comes with the loss.
        let xids = if gpu.xids.is_empty() { self.raw.xids.clone() } else { gpu.xids };
        Gpu { state, processes, throttles, xids, ..self.raw.clone() }
    }

    /// True while it answers.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.raw.state == CardState::Up
    }

    /// Why it is lost.
    #[must_use]
    pub fn lost(&self) -> Option<&str> {
        match &self.raw.state {
            CardState::Lost(why) => Some(why),
            _ => None,
        }
    }

    /// What holds its clocks back. A bad reason that its other figures contradict is left out.
    pub fn throttles(&self) -> impl Iterator<Item = Throttle> + '_ {
        self.raw.throttles.iter().copied().filter(|t| !t.is_bad() || self.is_plausible(*t))
    }

    /// Faults that slow it: heat, failing power.
    pub fn slowed_by(&self) -> impl Iterator<Item = Throttle> + '_ {
        self.throttles().filter(|t| t.is_bad())
    }

    /// False for a reason that cannot be: the firmware of some laptops leaves the bit for heat set forever, and drivers
    /// report a slowdown of a card that has nothing to do. Nothing slows a card that runs at its full clock; one that idles
    /// clocks down by itself, unless it is hot.
    fn is_plausible(&self, reason: Throttle) -> bool {
        let raw = &self.raw;
        if raw.clock.zip(raw.clock_max).is_some_and(|(now, most)| most > 0 && now as f64 >= most as f64 * 0.97) {
            return false;
        }
        let of_limit = self.power.zip(raw.power_limit).map(|(watts, limit)| watts / limit);
        let idle = self.busy.or(of_limit).is_some_and(|share| share < 0.05) && of_limit.is_none_or(|s| s < 0.5);
        let hottest = [raw.temperature, raw.hotspot, raw.memory_temperature].into_iter().flatten().reduce(f64::max);
        let near = raw.slowdown_temperature.map_or(HOT, |limit| limit - MARGIN).min(HOT);
        !idle || (reason.is_heat() && hottest.is_none_or(|celsius| celsius >= near))
    }

    /// Share of the time that a process used it.
    #[must_use]
    pub fn busy_of(&self, pid: u32) -> Option<f64> {
        self.process_busy.iter().find(|(known, _)| *known == pid).map(|(_, busy)| *busy)
    }

    /// Energy used so far, in kilowatt-hours.
    #[must_use]
    pub fn kilowatt_hours(&self) -> Option<f64> {
        Some(self.energy_joules? / 3.6e6)
    }
}

impl Gpus {
    /// Folds one sample in. A card that the sample does not know any more stays, lost.
    pub fn apply(&mut self, span: Span, sample: GpuSample) {
        let same = |row: &GpuRow, gpu: &Gpu| row.raw.id == gpu.id || (!gpu.bus.is_empty() && row.raw.bus == gpu.bus);
        let (mut rows, mut gone) = (Vec::new(), std::mem::take(&mut self.rows));
        let mut fresh = Vec::new();
        for gpu in sample.gpus {
            match gone.iter().position(|row| same(row, &gpu)) {
                Some(at) => {
                    let mut row = gone.remove(at);
                    let now = row.now(gpu);
                    row.apply(span, now);
                    rows.push(row);
                }
                None => fresh.push(gpu),
            }
        }
        for mut row in gone.into_iter().filter(|row| row.known) {
            let fault = sample.drivers.iter().find(|d| d.maker == row.raw.maker).and_then(|d| d.fault.clone());
            let why = fault.unwrap_or_else(|| "it is gone from the bus, or its driver was unbound".to_owned());
            let now = row.now(Gpu { state: CardState::Lost(why), ..Gpu::default() });
            row.apply(span, now);
            rows.push(row);
        }
        // A number is a card's own: that of one which is gone goes to no other.
        for gpu in fresh {
            let taken = |index: u16| rows.iter().any(|row: &GpuRow| row.raw.index == index);
            let index = (gpu.index..u16::MAX).find(|index| !taken(*index)).unwrap_or(gpu.index);
            let mut row = GpuRow::default();
            row.apply(span, Gpu { index, ..gpu });
            rows.push(row);
        }
        rows.sort_by_key(|row| row.raw.index);
        (self.rows, self.drivers) = (rows, sample.drivers);
    }

    /// The card with this label.
    #[must_use]
    pub fn labelled(&self, label: &str) -> Option<&GpuRow> {
        self.rows.iter().find(|row| row.raw.label() == label)
    }

    /// False when a driver that should work does not, or a card that was there is lost; `None` without any.
    #[must_use]
    pub fn is_well(&self) -> Option<bool> {
        let is_read = |row: &GpuRow| !matches!(row.raw.state, CardState::Unreadable(_));
        let any = !self.drivers.is_empty() || self.rows.iter().any(is_read);
        let failed = self.drivers.iter().any(|d| d.fault.is_some()) || self.rows.iter().any(|row| row.lost().is_some());
        any.then_some(!failed)
    }

    /// Why not, in words.
    #[must_use]
    pub fn cause(&self) -> Option<String> {
        if let Some(failed) = self.drivers.iter().find(|d| d.fault.is_some()) {
            return Some(format!("{}: {}", failed.maker.word(), failed.fault.as_ref()?));
        }
        let mut lost = self.rows.iter().filter_map(|row| Some((row.raw.label(), row.lost()?)));
        let (label, why) = lost.next()?;
        Some(match lost.count() {
            0 => format!("{label}: {why}"),
            more => format!("{label} and {more} more: {why}"),
        })
    }

    /// What is there, in a line: `NVIDIA 580.95.05, CUDA 13.0: 1 card · AMD amdgpu: 2 cards, 1 asleep`.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        for maker in [Maker::Nvidia, Maker::Amd, Maker::Intel] {
            let own: Vec<&GpuRow> = self.rows.iter().filter(|row| row.raw.maker == maker).collect();
            let Some(first) = own.first() else { continue };
            let mut driver = self.drivers.iter().find(|d| d.maker == maker).and_then(|d| d.version.clone());
            driver = driver.or_else(|| (!first.raw.driver.is_empty()).then(|| first.raw.driver.clone()));
            let cuda = self.drivers.iter().find(|d| d.maker == maker).and_then(|d| d.cuda.as_ref());
            let mut part = maker.word().to_owned();
            part.extend(driver.map(|d| format!(" {d}")));
            part.extend(cuda.map(|v| format!(", CUDA {v}")));
            part.push_str(&format!(": {} card{}", own.len(), if own.len() == 1 { "" } else { "s" }));
            let asleep = own.iter().filter(|row| row.raw.state == CardState::Asleep).count();
            part.extend((asleep > 0).then(|| format!(", {asleep} asleep")));
            for row in &own {
                if let CardState::Unreadable(why) = &row.raw.state {
                    part.push_str(&format!(", {}: {why}", row.raw.bus));
                }
            }
            parts.push(part);
        }
        parts.join(" · ")
    }

    /// Memory that a process holds on all cards, bytes; `None` when it is on none, or none reports it.
    #[must_use]
    pub fn memory_of(&self, pid: u32) -> Option<u64> {
        let on = self.rows.iter().flat_map(|row| &row.raw.processes).filter(|p| p.pid == pid);
        on.filter_map(|p| p.memory).reduce(u64::saturating_add)
    }
}

#[cfg(test)]
pub(super) mod tests;
