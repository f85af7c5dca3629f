//! What is measured of a card: the metric, its level, its limit, its words.

use ratatui::style::Style;

use crate::{
    alert::Level,
    model::{
        gpu::GpuRow,
        metrics::{self, MetricId},
    },
    state::State,
    ui::{
        canvas::DrawCx,
        figures::{hue, percent, temperature, tick},
        theme::Role,
        widgets::{gauge::Gauge, normal::NormalOf},
    },
    units::{ABSENT, bytes_short},
};

/// What a gauge shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    Busy,
    Memory,
    Temperature,
    Power,
}

impl Measure {
    pub(super) const ALL: [Measure; 4] = [Measure::Busy, Measure::Memory, Measure::Temperature, Measure::Power];

    pub(super) fn name(self) -> &'static str {
        match self {
            Measure::Busy => "util",
            Measure::Memory => "vram",
            Measure::Temperature => "temp",
            Measure::Power => "power",
        }
    }

    /// The hue of its kind.
    #[must_use]
    pub fn role(self) -> Role {
        match self {
            Measure::Busy => Role::Gpu,
            Measure::Memory => Role::GpuMemory,
            Measure::Temperature => Role::Temperature,
            Measure::Power => Role::Power,
        }
    }

    /// The metric, and its value in the metric's unit.
    fn metric(self, row: &GpuRow) -> (MetricId, Option<f64>) {
        let (name, value) = match self {
            Measure::Busy => (metrics::GPU_BUSY_RATIO, row.busy),
            Measure::Memory => (metrics::GPU_MEMORY_USED_RATIO, row.raw.memory_ratio()),
            Measure::Temperature => (metrics::GPU_TEMPERATURE_CELSIUS, row.raw.temperature),
            Measure::Power => (metrics::GPU_POWER_WATTS, row.power),
        };
        (name, value.filter(|_| row.is_up()))
    }

    pub(super) fn value(self, row: &GpuRow) -> Option<f64> {
        self.metric(row).1
    }

    /// Its level under the rules.
    #[must_use]
    pub fn level(self, state: &State, row: &GpuRow) -> Level {
        let (metric, value) = self.metric(row);
        value.map_or(Level::Ok, |v| state.level(metric, &[&row.raw.label()], v))
    }

    /// What the gauge is full at.
    fn top(self, row: &GpuRow) -> f64 {
        match self {
            Measure::Busy | Measure::Memory => 1.0,
            Measure::Temperature => 100.0,
            Measure::Power => row.raw.power_limit.or(row.raw.power_default).or(row.raw.power_max).unwrap_or(0.0),
        }
    }

    /// Its alert limit, in the metric's unit. The power limit is a mark without an alert.
    #[must_use]
    pub fn limit(self, state: &State, row: &GpuRow) -> Option<f64> {
        match self {
            Measure::Power => row.raw.power_limit,
            _ => tick(state.limits(self.metric(row).0, &[&row.raw.label()])),
        }
    }

    /// Draws a gauge of it through `paint`.
    pub(super) fn gauge(
        self,
        cx: &DrawCx<'_>,
        row: &GpuRow,
        normal: Option<&NormalOf>,
        paint: &mut dyn FnMut(&Gauge<'_>),
    ) {
        let top = self.top(row);
        let share = |value: f64| if top > 0.0 { (value / top).clamp(0.0, 1.0) } else { 0.0 };
        let style: Style = hue(cx, self.level(cx.state, row), self.role());
        let whole = self.value(row).map_or(0.0, share);
        // The driver's reserved memory is shown separately, before what is in use.
        let kept = match (self, row.raw.memory_reserved, row.raw.memory_total) {
            (Measure::Memory, Some(kept), Some(total)) if total > 0 => (kept as f64 / total as f64).min(whole),
            _ => 0.0,
        };
        paint(&Gauge {
            parts: &[(kept, cx.theme.style(Role::Dim)), (whole - kept, style)],
            limit: self.limit(cx.state, row).map(share).filter(|s| *s > 0.0),
            normal: normal.and_then(NormalOf::median).map(share),
            ..Gauge::default()
        });
    }

    /// Its figure in words.
    pub(super) fn words(self, cx: &DrawCx<'_>, row: &GpuRow) -> String {
        let raw = &row.raw;
        match self {
            _ if !row.is_up() => ABSENT.to_owned(),
            Measure::Busy => percent(row.busy).trim_start().to_owned(),
            Measure::Memory => match (raw.memory_used, raw.memory_total) {
                (Some(used), Some(total)) => format!("{} / {}", bytes_short(used as f64), bytes_short(total as f64)),
                (None, Some(total)) => format!("{ABSENT} / {}", bytes_short(total as f64)),
                (Some(used), None) => bytes_short(used as f64),
                _ => ABSENT.to_owned(),
            },
            Measure::Temperature => raw.temperature.map_or_else(|| ABSENT.to_owned(), |c| temperature(c, cx)),
            Measure::Power => row.power.map_or_else(|| ABSENT.to_owned(), |w| format!("{w:.0} W")),
        }
    }
}

/// What is usual for each measure of one card.
#[derive(Default)]
pub struct Normals {
    id: String,
    of: [NormalOf; 4],
}

impl Normals {
    /// Looks at a card's past.
    pub(super) fn update(&mut self, row: &GpuRow) {
        if self.id != row.raw.id {
            *self = Normals { id: row.raw.id.clone(), ..Normals::default() };
        }
        let series = [&row.busy_history, &row.memory_history, &row.temperature_history, &row.power_history];
        for (of, series) in self.of.iter_mut().zip(series) {
            of.update(series);
        }
    }

    pub(super) fn of(&self, measure: Measure) -> &NormalOf {
        match measure {
            Measure::Busy => &self.of[0],
            Measure::Memory => &self.of[1],
            Measure::Temperature => &self.of[2],
            Measure::Power => &self.of[3],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alert::shipped,
        model::gpu::{CardState, Gpu},
        ui::canvas::testing::drawn,
    };

    fn state() -> State {
        State::new(shipped().into())
    }

    fn card() -> GpuRow {
        let raw = Gpu {
            memory_total: Some(8 << 30),
            memory_used: Some(3 << 30),
            memory_reserved: Some(1 << 30),
            temperature: Some(61.0),
            power_limit: Some(300.0),
            ..Gpu::default()
        };
        GpuRow { raw, busy: Some(0.34), power: Some(150.4), ..GpuRow::default() }
    }

    fn with(change: impl FnOnce(&mut GpuRow)) -> GpuRow {
        let mut row = card();
        change(&mut row);
        row
    }

    #[test]
    fn a_measure_has_its_value_and_its_words() {
        let said = |row: &GpuRow| {
            let mut words = Vec::new();
            drawn(&state(), (1, 1), |cx, _, _| words.extend(Measure::ALL.map(|of| of.words(cx, row))));
            words
        };
        let values = |row: &GpuRow| Measure::ALL.map(|of| of.value(row));
        assert_eq!(values(&card()), [Some(0.34), Some(0.5), Some(61.0), Some(150.4)]);
        assert_eq!(said(&card()), ["34%", "3.0G / 8.0G", "61 °C", "150 W"]);
        assert_eq!(said(&GpuRow::default()), ["–"; 4]);
        assert_eq!(said(&with(|row| row.raw.memory_used = None))[1], "– / 8.0G");
        assert_eq!(said(&with(|row| row.raw.memory_total = None))[1], "3.0G");
        let asleep = with(|row| row.raw.state = CardState::Asleep);
        assert_eq!((values(&asleep), said(&asleep)), ([None; 4], vec!["–".to_owned(); 4]), "what it was is not now");
    }

    #[test]
    fn a_measure_has_the_level_of_its_rule() {
        let level = |of: Measure, change: fn(&mut GpuRow)| of.level(&state(), &with(change));
        assert_eq!(Measure::ALL.map(|of| of.level(&state(), &card())), [Level::Ok; 4]);
        assert_eq!(level(Measure::Temperature, |row| row.raw.temperature = Some(84.0)), Level::Ok);
        assert_eq!(level(Measure::Temperature, |row| row.raw.temperature = Some(86.0)), Level::Warn);
        assert_eq!(level(Measure::Temperature, |row| row.raw.temperature = Some(96.0)), Level::Crit);
        assert_eq!(level(Measure::Memory, |row| row.raw.memory_used = Some(7 << 30)), Level::Warn);
        assert_eq!(level(Measure::Power, |row| row.power = Some(400.0)), Level::Ok);
        assert_eq!(
            level(Measure::Temperature, |row| {
                (row.raw.temperature, row.raw.state) = (Some(96.0), CardState::Asleep);
            }),
            Level::Ok
        );
    }

    /// The shares of the parts, and the limit.
    fn gauge(of: Measure, row: &GpuRow) -> (Vec<f64>, Option<f64>) {
        let mut shown = (Vec::new(), None);
        drawn(&state(), (1, 1), |cx, _, _| {
            of.gauge(cx, row, None, &mut |g| shown = (g.parts.iter().map(|(share, _)| *share).collect(), g.limit));
        });
        shown
    }

    #[test]
    fn a_gauge_is_full_at_the_limit_of_power_and_at_100_degrees() {
        assert_eq!(gauge(Measure::Busy, &card()), (vec![0.0, 0.34], None));
        assert_eq!(gauge(Measure::Memory, &card()), (vec![0.125, 0.375], Some(0.9)), "what the driver keeps is apart");
        assert_eq!(gauge(Measure::Temperature, &card()), (vec![0.0, 0.61], Some(0.85)));
        let power = |limit, default, most| {
            let row = with(|row| {
                (row.power, row.raw.power_limit) = (Some(150.0), limit);
                (row.raw.power_default, row.raw.power_max) = (default, most);
            });
            let (parts, limit) = gauge(Measure::Power, &row);
            (parts[1], limit)
        };
        assert_eq!(power(Some(300.0), Some(600.0), Some(900.0)), (0.5, Some(1.0)));
        assert_eq!(power(None, Some(600.0), Some(900.0)), (0.25, None));
        assert_eq!(power(None, None, Some(1500.0)), (0.1, None));
        assert_eq!(power(None, None, None), (0.0, None), "of nothing it is no share");
        assert_eq!(power(Some(100.0), None, None), (1.0, Some(1.0)), "full at most");
    }

    #[test]
    fn what_a_driver_keeps_is_no_more_than_what_is_used() {
        let none = with(|row| (row.raw.memory_used, row.raw.memory_total) = (Some(0), Some(0)));
        assert_eq!(gauge(Measure::Memory, &none).0, [0.0, 0.0]);
        let unread = with(|row| row.raw.memory_used = None);
        assert_eq!(gauge(Measure::Memory, &unread).0, [0.0, 0.0]);
    }
}
