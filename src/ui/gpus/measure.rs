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
