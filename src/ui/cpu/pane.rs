//! The CPU pane: how busy, of what kind, how it was, and every core.

use ratatui::layout::Rect;

use crate::{
    alert::Level,
    config::Settings,
    model::{cpu::CpuShares, metrics, source::SourceId, subject::Subject},
    state::State,
    text::width,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx},
        cpu::cores,
        figures::{covered, figure, frequency, hue, percent, plain, stall, temperature, tick},
        ids::PaneId,
        theme::Role,
        view::{Effect, Pane, PaneDef, Rows},
        widgets::{
            gauge::{Gauge, gauge},
            graph::{Graph, graph},
            line::{Line, line, past_below},
            normal::{NormalOf, called},
            notice::{dim_when_stale, notice, words},
            text::{put, put_all, put_right},
        },
    },
    units,
};

pub const DEF: PaneDef = PaneDef {
    id: PaneId::Cpu,
    name: "cpu",
    title: "cpu",
    feeds: &[SourceId::Cpu],
    min_width: 36,
    worth: 20,
    past: 7,
    make: |_| Box::new(CpuPane::default()),
};

/// Keeps what is normal for the whole CPU.
#[derive(Default)]
pub struct CpuPane {
    normal: NormalOf,
}

impl Pane for CpuPane {
    fn refresh(&mut self, state: &State, _settings: &Settings) {
        self.normal.update(&state.host.cpu.busy_history);
    }

    fn rows(&self, _state: &State, _width: u16) -> Option<Rows> {
        Some(Rows { min: 7, want: 8 })
    }

    fn info(&self, cx: &DrawCx<'_>) -> String {
        let host = &cx.state.host;
        let mut parts: Vec<String> = Vec::new();
        parts.extend(host.facts.cpu_model.clone());
        parts.extend(host.cpu.hertz.map(frequency));
        parts.extend(host.sensors.cpu_celsius.map(|c| temperature(c, cx)));
        parts.extend(host.power.package_watts.map(|w| format!("{w:.0} W")));
        parts.join(" · ")
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        if notice(cx, area, canvas, SourceId::Cpu) || area.is_empty() {
            return;
        }
        let cpu = &cx.state.host.cpu;
        let grid = cores::fit(cpu.cores.len(), area.width, area.height.saturating_sub(1));
        let left = Rect { width: area.width.saturating_sub(grid.width + u16::from(grid.width > 0) * 2), ..area };
        self.total(cx, left, canvas);
        let right = Rect { x: area.right() - grid.width, width: grid.width, ..area };
        let below = cores::draw(cx, Rect { height: right.height.saturating_sub(1), ..right }, canvas, &grid);
        facts(cx, Rect { y: right.y + below, height: right.height.saturating_sub(below + 1), ..right }, canvas);
        let last = Rect { y: area.bottom() - 1, height: 1, ..area };
        if area.height > 1 {
            let used = split(cx, last, canvas, cpu.shares);
            pressures(cx, Rect { x: last.x + used + 2, width: last.width.saturating_sub(used + 2), ..last }, canvas);
        }
        dim_when_stale(cx, area, canvas, SourceId::Cpu);
    }

    fn draw_compact(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let host = &cx.state.host;
        if let Some((words, _)) = words(cx.state, SourceId::Cpu) {
            line(cx, area, canvas, &Line { style: cx.theme.style(Role::Dim), right: &words, ..Line::of("cpu") });
            return;
        }
        let busy = host.cpu.shares.map(|s| s.busy);
        let level = level(cx, busy);
        let style = hue(cx, level, Role::CpuUser);
        let mut right: Vec<String> = Vec::new();
        right.extend(host.sensors.cpu_celsius.map(|c| temperature(c, cx)));
        right.extend(host.power.package_watts.map(|w| format!("{w:.0} W")));
        if right.is_empty() {
            right.extend(host.cpu.hertz.map(frequency));
        }
        line(
            cx,
            area,
            canvas,
            &Line {
                figure: &percent(busy),
                style: figure(cx, level),
                gauge: Gauge {
                    parts: &[(busy.unwrap_or(0.0), style)],
                    limit: tick(cx.state.limits(metrics::CPU_BUSY_RATIO, &[])),
                    normal: self.normal.median(),
                    ..Gauge::default()
                },
                past: Some((&host.cpu.busy_history, 1.0, style)),
                right: &right.join("  "),
                ..Line::of("cpu")
            },
        );
        let past = past_below(area);
        let g = Graph {
            series: &host.cpu.busy_history,
            top: 1.0,
            style,
            band: self.normal.band(),
            limit: None,
            flip: false,
        };
        graph(cx, past, canvas, &g);
        dim_when_stale(cx, area, canvas, SourceId::Cpu);
    }

    fn act(&mut self, action: Action, _state: &State, _settings: &Settings) -> Option<Vec<Effect>> {
        matches!(action, Action::Open | Action::Zoom).then(|| vec![Effect::OpenDetail(Subject::Cpu)])
    }
}

/// The level of a busy share.
pub fn level(cx: &DrawCx<'_>, busy: Option<f64>) -> Level {
    busy.map_or(Level::Unknown, |b| cx.state.level(metrics::CPU_BUSY_RATIO, &[], b))
}

impl CpuPane {
    /// The gauge of the whole, its past, and what is normal.
    fn total(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let cpu = &cx.state.host.cpu;
        total_gauge(cx, Rect { height: 1, ..area }, canvas, self.normal.median());
        let words = area.height >= 6;
        let past = Rect { y: area.y + 1, height: area.height.saturating_sub(if words { 3 } else { 2 }), ..area };
        let style = hue(cx, level(cx, cpu.shares.map(|s| s.busy)), Role::CpuUser);
        let g = Graph { band: self.normal.band(), ..Graph::of(&cpu.busy_history, 1.0, style) };
        graph(cx, past, canvas, &g);
        if words {
            history_words(cx, Rect { y: past.bottom(), height: 1, ..area }, canvas, &self.normal);
        }
    }
}

/// ` 24% ━━━━┼──┃─`: the shares stacked.
pub fn total_gauge(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, normal: Option<f64>) {
    let shares = cx.state.host.cpu.shares;
    let level = level(cx, shares.map(|s| s.busy));
    let used = put(canvas.buf, area.x, area.y, area.width, &percent(shares.map(|s| s.busy)), figure(cx, level));
    let s = shares.unwrap_or_default();
    let parts = if level >= Level::Warn {
        [(s.busy, cx.theme.level(level)), (0.0, cx.theme.level(level)), (0.0, cx.theme.level(level))]
    } else {
        [
            (s.user, cx.theme.style(Role::CpuUser)),
            (s.system, cx.theme.style(Role::CpuSystem)),
            (s.steal, cx.theme.style(Role::CpuSteal)),
        ]
    };
    let g =
        Gauge { parts: &parts, limit: tick(cx.state.limits(metrics::CPU_BUSY_RATIO, &[])), normal, ..Gauge::default() };
    gauge(canvas.buf, area.x + used + 1, area.y, area.width.saturating_sub(used + 1), cx.theme, &g);
}

/// `last 4m 15–25%   peak 58%`; `normal 15–25%   peak 58%` once there are hours.
pub fn history_words(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, normal: &NormalOf) {
    let history = &cx.state.host.cpu.busy_history;
    let peak = history.max().map(|peak| format!("peak {}", units::percent(peak)));
    let range = normal.get().map(|n| {
        let [low, high] = [n.low, n.high].map(|v| format!("{:.0}", v * 100.0));
        let range = if low == high { low } else { format!("{low}–{high}") };
        format!("{} {range}%", called(history))
    });
    // As much of it as fits whole. The peak is that of the span before it; where there is none, of its own.
    let forms = match range {
        Some(range) => [vec![Some(range.clone()), peak], vec![Some(range)]],
        None => {
            let span = peak.as_ref().map(|peak| format!("{peak} in {}", covered(history.step(), history.len())));
            [vec![span], vec![peak]]
        }
    };
    let mut forms = forms.into_iter().map(|parts| parts.into_iter().flatten().collect::<Vec<_>>().join("   "));
    let text = forms.find(|form| width(form) <= usize::from(area.width)).unwrap_or_default();
    put(canvas.buf, area.x, area.y, area.width, &text, cx.theme.style(Role::Faint));
}

/// `user 18 sys 4 io 1 steal 0`, each name in its hue; gives the columns used.
fn split(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, shares: Option<CpuShares>) -> u16 {
    let mut used = 0;
    let of = |f: fn(&CpuShares) -> f64| shares.as_ref().map(f);
    for (name, value, role) in [
        ("user", of(|s| s.user), Role::CpuUser),
        ("sys", of(|s| s.system), Role::CpuSystem),
        ("io", of(|s| s.iowait), Role::CpuIowait),
        ("steal", of(|s| s.steal), Role::CpuSteal),
    ] {
        let figure = percent(value);
        let columns = (width(name) + width(&figure)) as u16;
        if used + columns > area.width {
            break;
        }
        put_all(
            canvas.buf,
            area.x + used,
            area.y,
            area.width - used,
            &[(name, cx.theme.style(role)), (&figure, cx.theme.style(Role::Text))],
        );
        used += columns + 2;
    }
    used.saturating_sub(2)
}

/// `psi cpu 1.2 io 0.4 mem 0.0`, ending at the right edge; as much of it as fits. A container sees its host's.
fn pressures(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
    let raw = &cx.state.host.pressure.raw;
    let stalls = [("cpu", raw.cpu, "cpu"), ("io", raw.io, "io"), ("mem", raw.memory, "memory")];
    if stalls.iter().all(|(_, s, _)| s.is_none()) {
        return;
    }
    let label = if cx.state.host.facts.pressure_of_host { "host psi " } else { "psi " };
    let shown = match (area.width + 4).saturating_sub(label.len() as u16) {
        30.. => 3,
        21.. => 2,
        13.. => 1,
        _ => return,
    };
    let mut x = area.right() - (label.len() as u16 + shown as u16 * 9).min(area.width);
    x += put(canvas.buf, x, area.y, 9, label, cx.theme.style(Role::Pressure));
    for (name, stalls, resource) in stalls.into_iter().take(shown) {
        let value = stalls.map(|s| s.some.avg10);
        let level = value.map_or(Level::Unknown, |v| cx.state.level(metrics::PRESSURE_SOME_RATIO, &[resource], v));
        put(canvas.buf, x, area.y, 4, name, cx.theme.style(Role::Dim));
        let style = plain(cx, level);
        put_right(canvas.buf, x + 8, area.y, 4, &stall(value), style);
        x += 9;
    }
}

/// What room under the cores allows: own limits first, then frequency, context switches, new processes.
fn facts(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
    let host = &cx.state.host;
    let limits = &host.limits;
    let mut lines: Vec<(String, String, Level)> = Vec::new();
    if let (Some(cores), ratio) = (limits.raw.cpu_cores, limits.cpu_ratio) {
        let level = ratio.map_or(Level::Unknown, |r| cx.state.level(metrics::OWN_CPU_RATIO, &[], r));
        lines.push(("own".to_owned(), format!("{} of {cores:.1}", percent(ratio).trim_start()), level));
    }
    if let Some(throttled) = limits.throttled_ratio.filter(|t| *t > 0.0) {
        lines.push((
            "throttled".to_owned(),
            percent(Some(throttled)),
            cx.state.level(metrics::OWN_THROTTLED_RATIO, &[], throttled),
        ));
    }
    if let Some(switches) = host.cpu.context_switches_per_second {
        lines.push(("switches".to_owned(), units::count_short(switches), Level::Ok));
    }
    if let Some(forks) = host.cpu.forks_per_second {
        lines.push(("forks".to_owned(), units::count_short(forks), Level::Ok));
    }
    // One blank row keeps the facts apart from the cores.
    for ((name, value, level), y) in lines.iter().zip(area.y + 1..area.bottom()) {
        let used = put(canvas.buf, area.x, y, area.width, name, cx.theme.style(Role::Dim));
        let style = plain(cx, *level);
        put_right(canvas.buf, area.right(), y, area.width.saturating_sub(used + 1), value, style);
    }
}

#[cfg(test)]
mod tests;
