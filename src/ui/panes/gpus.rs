//! The GPU pane: one card large, with its past; several as rows of gauges. A card that fell off the bus, or a driver that
//! failed, keeps its place and says so.

use ratatui::layout::Rect;

use crate::{
    alert::Level,
    config::Settings,
    model::{
        event::SourceId,
        gpu::{CardState, GpuRow},
        join,
    },
    state::State,
    text::{elide, width},
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx, Target},
        effect::Effect,
        figures::{figure, hue, percent, plain, temperature, tick},
        overlays::gpu_detail::GpuDetail,
        pane::{Pane, PaneDef, PaneId, Rows},
        theme::Role,
        widgets::{
            gauge::{Gauge, gauge},
            graph::{Graph, graph},
            line::{Line, line},
            notice::{dim_when_stale, notice, words},
            text::{put, put_right, tint},
        },
    },
    units::{ABSENT, bytes_short},
};

/// Its row in the table.
pub const DEF: PaneDef = PaneDef {
    id: PaneId::Gpus,
    name: "gpus",
    title: "gpu",
    feeds: &[SourceId::Gpus],
    min_width: 34,
    make: |_| Box::<GpusPane>::default(),
};

/// Columns of a gauge's name and of its figure.
const NAME: u16 = 6;
const FIGURE: u16 = 11;

/// Keeps which card is chosen.
#[derive(Default)]
pub struct GpusPane {
    chosen: usize,
    moved: bool,
}

/// How a card fares by the rules, in all.
#[must_use]
pub fn level(state: &State, row: &GpuRow) -> Level {
    match row.raw.state {
        CardState::Lost(_) => Level::Crit,
        _ => [Measure::Memory, Measure::Temperature].iter().map(|m| m.level(state, row)).max().unwrap_or(Level::Ok),
    }
}

/// What a gauge shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    Busy,
    Memory,
    Temperature,
    Power,
}

impl Measure {
    const ALL: [Measure; 4] = [Measure::Busy, Measure::Memory, Measure::Temperature, Measure::Power];

    fn name(self) -> &'static str {
        match self {
            Measure::Busy => "util",
            Measure::Memory => "vram",
            Measure::Temperature => "temp",
            Measure::Power => "power",
        }
    }

    fn role(self) -> Role {
        match self {
            Measure::Busy => Role::Gpu,
            Measure::Memory => Role::GpuMemory,
            Measure::Temperature | Measure::Power => Role::Ok,
        }
    }

    /// The metric, and its value in the metric's unit.
    fn metric(self, row: &GpuRow) -> (&'static str, Option<f64>) {
        match self {
            Measure::Busy => ("gpu_busy_ratio", row.busy),
            Measure::Memory => ("gpu_memory_used_ratio", row.raw.memory_ratio()),
            Measure::Temperature => ("gpu_temperature_celsius", row.raw.temperature),
            Measure::Power => ("gpu_power_watts", row.power),
        }
    }

    fn level(self, state: &State, row: &GpuRow) -> Level {
        let (metric, value) = self.metric(row);
        value.map_or(Level::Unknown, |v| state.level(metric, &[&row.raw.label()], v))
    }

    /// What the gauge is full at.
    fn top(self, row: &GpuRow) -> f64 {
        match self {
            Measure::Busy | Measure::Memory => 1.0,
            Measure::Temperature => 100.0,
            Measure::Power => row.raw.power_max.or(row.raw.power_limit).or(row.raw.power_default).unwrap_or(0.0),
        }
    }

    /// Where its alarm is, in the metric's unit. The power limit is a mark, though no alarm.
    fn limit(self, state: &State, row: &GpuRow) -> Option<f64> {
        match self {
            Measure::Power => row.raw.power_limit,
            _ => tick(state.limits(self.metric(row).0, &[&row.raw.label()])),
        }
    }

    fn words(self, cx: &DrawCx<'_>, row: &GpuRow) -> String {
        let raw = &row.raw;
        match self {
            Measure::Busy => percent(row.busy).trim_start().to_owned(),
            Measure::Memory => match (raw.memory_used, raw.memory_total) {
                (Some(used), Some(total)) => {
                    let used = used.saturating_add(raw.memory_reserved.unwrap_or(0));
                    format!("{}/{}", bytes_short(used as f64), bytes_short(total as f64))
                }
                _ if raw.unified => "shared".to_owned(),
                _ => ABSENT.to_owned(),
            },
            Measure::Temperature => raw.temperature.map_or_else(|| ABSENT.to_owned(), |c| temperature(c, cx)),
            Measure::Power => row.power.map_or_else(|| ABSENT.to_owned(), |w| format!("{w:.0} W")),
        }
    }
}

impl GpusPane {
    fn rows_of(state: &State) -> &[GpuRow] {
        &state.host.gpus.rows
    }

    fn open(&self, state: &State) -> Vec<Effect> {
        let row = Self::rows_of(state).get(self.chosen.min(Self::rows_of(state).len().saturating_sub(1)));
        row.map(|row| Effect::Open(Box::new(GpuDetail::new(row.raw.id.clone())))).into_iter().collect()
    }
}

impl Pane for GpusPane {
    fn refresh(&mut self, state: &State, _settings: &Settings) {
        self.chosen = self.chosen.min(Self::rows_of(state).len().saturating_sub(1));
    }

    fn rows(&self, state: &State, _width: u16) -> Option<Rows> {
        match (Self::rows_of(state).len(), state.host.gpus.is_well()) {
            (0, Some(false)) => Some(Rows { min: 3, want: 4 }),
            (0, _) => None,
            (1, _) => Some(Rows { min: 8, want: 14 }),
            (n, _) => {
                let want = u16::try_from(n * 2 + 2).unwrap_or(u16::MAX).clamp(8, 18);
                Some(Rows { min: want.min(8), want })
            }
        }
    }

    fn info(&self, cx: &DrawCx<'_>) -> String {
        let gpus = &cx.state.host.gpus;
        let mut parts = Vec::new();
        match gpus.rows.as_slice() {
            [one] => parts.push(one.raw.short_name().to_owned()),
            many => parts.push(format!("{} cards", many.len())),
        }
        for driver in &gpus.drivers {
            parts.extend(driver.version.as_ref().map(|v| v.split('.').take(2).collect::<Vec<_>>().join(".")));
            parts.extend(driver.cuda.as_ref().map(|v| format!("CUDA {v}")));
        }
        parts.join(" · ")
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        if area.is_empty() || notice(cx, area, canvas, SourceId::Gpus) {
            return;
        }
        let rows = Self::rows_of(cx.state);
        let faults = cx
            .state
            .host
            .gpus
            .drivers
            .iter()
            .filter_map(|d| Some(format!("{}: {}", d.maker.word(), d.fault.as_ref()?)));
        let mut y = area.y;
        for text in faults.flat_map(|text| crate::ui::widgets::sheet::wrap(&text, usize::from(area.width))) {
            if y < area.bottom() {
                put(canvas.buf, area.x, y, area.width, &text, cx.theme.level(Level::Crit));
                y += 1;
            }
        }
        let area = Rect { y, height: area.bottom() - y, ..area };
        match rows {
            [] => {}
            [one] => large(cx, area, canvas, one),
            many => self.several(cx, area, canvas, many),
        }
        dim_when_stale(cx, area, canvas, SourceId::Gpus);
    }

    fn compact_rows(&self, state: &State, _body: u16) -> u16 {
        match Self::rows_of(state).len() {
            0 => u16::from(state.host.gpus.is_well() == Some(false)),
            n => u16::try_from(n * 2).unwrap_or(u16::MAX).min(4),
        }
    }

    fn draw_compact(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        if let Some((words, _)) = words(cx.state, SourceId::Gpus) {
            line(cx, area, canvas, &Line { style: cx.theme.style(Role::Dim), right: &words, ..Line::of("gpu") });
            return;
        }
        let mut y = area.y;
        if let Some(cause) = cx.state.host.gpus.cause().filter(|_| Self::rows_of(cx.state).is_empty()) {
            put(canvas.buf, area.x, y, area.width, &format!("gpu     {cause}"), cx.theme.level(Level::Crit));
            return;
        }
        for row in Self::rows_of(cx.state) {
            if let CardState::Lost(why) = &row.raw.state {
                let text = format!("gpu     {}: {why}", row.raw.label());
                put(canvas.buf, area.x, y, area.width, &text, cx.theme.level(Level::Crit));
                y += 1;
                continue;
            }
            for measure in [Measure::Busy, Measure::Memory] {
                if y < area.bottom() {
                    essential(cx, Rect { y, height: 1, ..area }, canvas, row, measure);
                    y += 1;
                }
            }
        }
        dim_when_stale(cx, area, canvas, SourceId::Gpus);
    }

    fn act(&mut self, action: Action, state: &State, _settings: &Settings) -> Option<Vec<Effect>> {
        match action {
            Action::Open => Some(self.open(state)),
            Action::Up => {
                self.chosen = self.chosen.saturating_sub(1);
                self.moved = true;
                Some(Vec::new())
            }
            Action::Down => {
                self.chosen = (self.chosen + 1).min(Self::rows_of(state).len().saturating_sub(1));
                self.moved = true;
                Some(Vec::new())
            }
            _ => None,
        }
    }

    fn click(&mut self, target: &Target, state: &State) -> Vec<Effect> {
        let Target::Row(_, index) = target else { return Vec::new() };
        let again = self.moved && self.chosen == *index;
        (self.chosen, self.moved) = (*index, true);
        if again { self.open(state) } else { Vec::new() }
    }
}

/// One card with its past, utilisation upward and memory traffic downward, and a gauge a measure.
fn large(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, row: &GpuRow) {
    canvas.hit(area, Target::Row(PaneId::Gpus, 0));
    let words = state_words(cx, row);
    let gauges = area.height.min(4 + u16::from(!words.0.is_empty()));
    let past = area.height - gauges;
    if past >= 2 {
        let mirrored = row.raw.memory_busy.is_some() && past >= 3;
        let upper = if mirrored { past - past / 3 } else { past };
        let g = |series, role, flip| Graph { series, top: 1.0, style: cx.theme.style(role), band: None, flip };
        graph(canvas.buf, Rect { height: upper, ..area }, cx.theme, &g(&row.busy_history, Role::Gpu, false));
        if mirrored {
            let lower = Rect { y: area.y + upper, height: past - upper, ..area };
            graph(canvas.buf, lower, cx.theme, &g(&row.memory_busy_history, Role::GpuMemory, true));
        }
    }
    let mut y = area.y + past;
    for measure in Measure::ALL {
        if y < area.bottom() {
            measured(cx, Rect { y, height: 1, ..area }, canvas, row, measure);
            y += 1;
        }
    }
    if y < area.bottom() {
        put(canvas.buf, area.x, y, area.width, &words.0, words.1);
    }
}

/// `util  ━━━━━━━┃─  91%`.
fn measured(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, row: &GpuRow, measure: Measure) {
    let (_, value) = measure.metric(row);
    let level = measure.level(cx.state, row);
    put(canvas.buf, area.x, area.y, NAME, measure.name(), cx.theme.style(Role::Dim));
    let top = measure.top(row);
    let share = |value: f64| if top > 0.0 { (value / top).clamp(0.0, 1.0) } else { 0.0 };
    let room = area.width.saturating_sub(NAME + FIGURE + 1);
    let g = Gauge {
        parts: &[(value.map_or(0.0, share), hue(cx, level, measure.role()))],
        limit: measure.limit(cx.state, row).map(share).filter(|s| *s > 0.0 && *s < 1.0),
        ..Gauge::default()
    };
    gauge(canvas.buf, area.x + NAME, area.y, room, cx.theme, &g);
    put_right(canvas.buf, area.right(), area.y, FIGURE, &measure.words(cx, row), plain(cx, level));
}

/// What is worth a line below the gauges: why it is lost or slow, else who uses it.
fn state_words(cx: &DrawCx<'_>, row: &GpuRow) -> (String, ratatui::style::Style) {
    let bad = row.raw.throttles.iter().filter(|t| t.is_bad()).map(|t| t.word()).collect::<Vec<_>>();
    match &row.raw.state {
        CardState::Lost(why) => (why.clone(), cx.theme.level(Level::Crit)),
        CardState::Asleep => ("asleep".to_owned(), cx.theme.style(Role::Dim)),
        CardState::Up if !bad.is_empty() => (format!("slowed: {}", bad.join(", ")), cx.theme.level(Level::Warn)),
        CardState::Up => (users(cx.state, row), cx.theme.style(Role::Dim)),
    }
}

/// `ollama 13.1G · comfyui 1.6G`: its greatest users, by container where they have one.
fn users(state: &State, row: &GpuRow) -> String {
    let mut users: Vec<(String, u64)> = Vec::new();
    for process in &row.raw.processes {
        let name = join::name_of_process(&state.host, process.pid);
        let memory = process.memory.unwrap_or(0);
        match users.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum = sum.saturating_add(memory),
            None => users.push((name, memory)),
        }
    }
    users.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let words = users.iter().map(|(name, memory)| match memory {
        0 => name.clone(),
        memory => format!("{name} {}", bytes_short(*memory as f64)),
    });
    words.collect::<Vec<_>>().join(" · ")
}

impl GpusPane {
    /// Two lines a card: its name with utilisation, memory below.
    fn several(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, rows: &[GpuRow]) {
        let each = if area.height >= u16::try_from(rows.len() * 2).unwrap_or(u16::MAX) { 2 } else { 1 };
        let fit = usize::from((area.height / each).max(1));
        let top = self.chosen.saturating_sub(fit.saturating_sub(1)).min(rows.len().saturating_sub(fit));
        for (at, (index, row)) in rows.iter().enumerate().skip(top).take(fit).enumerate() {
            let y = area.y + u16::try_from(at).unwrap_or(0) * each;
            let place = Rect { y, height: each.min(area.bottom().saturating_sub(y)), ..area };
            let head = Rect { height: 1.min(place.height), ..place };
            let name = elide(&row.raw.label(), 12).into_owned();
            let style = if level(cx.state, row) >= Level::Warn {
                cx.theme.level(level(cx.state, row))
            } else {
                cx.theme.style(Role::Strong)
            };
            put(canvas.buf, head.x, head.y, 12, &name, style);
            let rest = Rect { x: head.x + 13, width: head.width.saturating_sub(13), ..head };
            if row.is_up() {
                let hot = format!("{} {}", Measure::Temperature.words(cx, row), Measure::Power.words(cx, row));
                let used = u16::try_from(width(&hot)).unwrap_or(0);
                let room = rest.width.saturating_sub(used + 6);
                bar(cx, Rect { width: room, ..rest }, canvas, row, Measure::Busy);
                let busy = Measure::Busy.level(cx.state, row);
                put(canvas.buf, rest.x + room + 1, rest.y, 4, &percent(row.busy), figure(cx, busy));
                let level = Measure::Temperature.level(cx.state, row);
                put_right(
                    canvas.buf,
                    rest.right(),
                    rest.y,
                    used,
                    &hot,
                    if level >= Level::Warn { cx.theme.level(level) } else { cx.theme.style(Role::Dim) },
                );
                if each == 2 {
                    let below = Rect { y: rest.y + 1, ..rest };
                    let words = Measure::Memory.words(cx, row);
                    let used = u16::try_from(width(&words)).unwrap_or(0);
                    bar(
                        cx,
                        Rect { width: below.width.saturating_sub(used + 1), ..below },
                        canvas,
                        row,
                        Measure::Memory,
                    );
                    put_right(
                        canvas.buf,
                        below.right(),
                        below.y,
                        used,
                        &words,
                        plain(cx, Measure::Memory.level(cx.state, row)),
                    );
                }
            } else {
                let (words, style) = state_words(cx, row);
                put(canvas.buf, rest.x, rest.y, rest.width, &words, style);
            }
            if index == self.chosen && cx.focused && self.moved {
                tint(canvas.buf, place, cx.theme.style(Role::Selected));
            }
            canvas.hit(place, Target::Row(PaneId::Gpus, index));
        }
    }
}

fn bar(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, row: &GpuRow, measure: Measure) {
    let (_, value) = measure.metric(row);
    let level = measure.level(cx.state, row);
    let g = Gauge {
        parts: &[(value.unwrap_or(0.0), hue(cx, level, measure.role()))],
        limit: measure.limit(cx.state, row),
        ..Gauge::default()
    };
    gauge(canvas.buf, area.x, area.y, area.width, cx.theme, &g);
}

/// One measure in one row of a screen without boxes.
fn essential(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, row: &GpuRow, measure: Measure) {
    let (_, value) = measure.metric(row);
    let level = measure.level(cx.state, row);
    let style = hue(cx, level, measure.role());
    let right = match measure {
        Measure::Memory => Measure::Memory.words(cx, row),
        _ => format!("{}  {}", Measure::Temperature.words(cx, row), Measure::Power.words(cx, row)),
    };
    let past = if measure == Measure::Memory { &row.memory_history } else { &row.busy_history };
    let name = match (measure, cx.state.host.gpus.rows.len()) {
        (Measure::Memory, 1) => "vram".to_owned(),
        (_, 1) => "gpu".to_owned(),
        (Measure::Memory, _) => format!("vram{}", row.raw.index),
        _ => format!("gpu{}", row.raw.index),
    };
    line(
        cx,
        area,
        canvas,
        &Line {
            figure: &percent(value),
            style: figure(cx, level),
            gauge: Gauge {
                parts: &[(value.unwrap_or(0.0), style)],
                limit: measure.limit(cx.state, row),
                ..Gauge::default()
            },
            past: Some((past, 1.0, style)),
            right: &right,
            ..Line::of(&name)
        },
    );
}
