//! The memory pane: what is used, what only caches, what swap holds, and how it was.

use ratatui::layout::Rect;

use crate::{
    alert::Level,
    config::Settings,
    model::{
        metrics::{self, MetricId},
        source::SourceId,
        subject::Subject,
    },
    state::State,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx},
        figures::{bytes, figure, hue, percent, plain, stall, tick},
        ids::PaneId,
        theme::Role,
        view::{Effect, Pane, PaneDef, Rows},
        widgets::{
            gauge::{Gauge, gauge},
            graph::{Graph, graph},
            line::{Line, line, past_below},
            normal::NormalOf,
            notice::{dim_when_stale, notice, words},
            text::{put, put_right},
        },
    },
    units::bytes_long,
};

pub const DEF: PaneDef = PaneDef {
    id: PaneId::Memory,
    name: "memory",
    title: "memory",
    feeds: &[SourceId::Memory],
    min_width: 30,
    worth: 20,
    past: 7,
    make: |_| Box::new(MemoryPane::default()),
};

/// Keeps what is normal for used memory.
#[derive(Default)]
pub struct MemoryPane {
    normal: NormalOf,
}

impl Pane for MemoryPane {
    fn refresh(&mut self, state: &State, _settings: &Settings) {
        self.normal.update(&state.host.memory.used_history);
    }

    fn rows(&self, state: &State, width: u16) -> Option<Rows> {
        let m = &state.host.memory.raw;
        let huge = u16::from(state.host.memory.huge().is_some());
        let swaps = huge + u16::from(m.swap_total > 0) + u16::from(m.zram.is_some());
        let swaps = swaps + u16::from(state.host.limits.raw.memory_bytes.is_some());
        // The gauge, the kinds, what swaps, the last line.
        let kinds = if width >= 34 { 2 } else { 3 + u16::from(m.arc.is_some()) };
        Some(Rows { min: 7, want: (4 + kinds + swaps).max(7) })
    }

    fn info(&self, cx: &DrawCx<'_>) -> String {
        let total = cx.state.host.memory.raw.total;
        if total > 0 { bytes_long(total as f64) } else { String::new() }
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        if notice(cx, area, canvas, SourceId::Memory) || area.is_empty() {
            return;
        }
        used_gauge(cx, Rect { height: 1, ..area }, canvas, self.normal.median());
        let mut y = area.y + 1;
        let below = |y: u16| Rect { y, height: area.bottom().saturating_sub(y), ..area };
        y += kinds(cx, below(y), canvas);
        y += swaps(cx, below(y), canvas);
        let last = area.bottom() - 1;
        if y < last {
            let m = &cx.state.host.memory;
            let style = hue(cx, level(cx), Role::MemoryUsed);
            let g = Graph { band: self.normal.band(), ..Graph::of(&m.used_history, 1.0, style) };
            graph(cx, Rect { y, height: last - y, ..area }, canvas, &g);
        }
        if y <= last {
            last_line(cx, Rect { y: last, height: 1, ..area }, canvas);
        }
        dim_when_stale(cx, area, canvas, SourceId::Memory);
    }

    fn draw_compact(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        if let Some((words, _)) = words(cx.state, SourceId::Memory) {
            line(cx, area, canvas, &Line { style: cx.theme.style(Role::Dim), right: &words, ..Line::of("memory") });
            return;
        }
        let m = &cx.state.host.memory;
        let level = level(cx);
        let total = m.raw.total as f64;
        let style = hue(cx, level, Role::MemoryUsed);
        let swap = if m.raw.swap_total > 0 && m.swap_used > 0 {
            format!("swap {}  ", bytes(Some(m.swap_used as f64)).trim_start())
        } else {
            String::new()
        };
        let right = format!("{swap}{} / {}", bytes(Some(m.used as f64)).trim_start(), bytes(Some(total)).trim_start());
        let parts = parts(cx, style);
        line(
            cx,
            area,
            canvas,
            &Line {
                figure: &percent(m.used_ratio),
                style: figure(cx, level),
                gauge: Gauge {
                    parts: &parts[..1],
                    beside: &parts[1..],
                    limit: tick(cx.state.limits(metrics::MEMORY_USED_RATIO, &[])),
                    normal: self.normal.median(),
                },
                past: Some((&m.used_history, 1.0, style)),
                right: &right,
                ..Line::of("memory")
            },
        );
        let g = Graph { series: &m.used_history, top: 1.0, style, band: self.normal.band(), limit: None, flip: false };
        graph(cx, past_below(area), canvas, &g);
        dim_when_stale(cx, area, canvas, SourceId::Memory);
    }

    fn act(&mut self, action: Action, _state: &State, _settings: &Settings) -> Option<Vec<Effect>> {
        matches!(action, Action::Open | Action::Zoom).then(|| vec![Effect::OpenDetail(Subject::Memory)])
    }
}

/// The level of used memory.
pub fn level(cx: &DrawCx<'_>) -> Level {
    cx.state.host.memory.used_ratio.map_or(Level::Unknown, |r| cx.state.level(metrics::MEMORY_USED_RATIO, &[], r))
}

/// Used, then ARC and cache, as shares of the whole.
fn parts(cx: &DrawCx<'_>, used: ratatui::style::Style) -> [(f64, ratatui::style::Style); 3] {
    let m = &cx.state.host.memory;
    let total = m.raw.total as f64;
    let share = |bytes: u64| if total > 0.0 { bytes as f64 / total } else { 0.0 };
    [
        (share(m.used), used),
        (share(m.arc), cx.theme.style(Role::MemoryArc)),
        (share(m.cache), cx.theme.style(Role::MemoryCache)),
    ]
}

/// ` 38% ━━━━┼━━━┃──`: used, ARC and cache stacked.
pub fn used_gauge(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, normal: Option<f64>) {
    let ratio = cx.state.host.memory.used_ratio;
    let level = level(cx);
    let used = put(canvas.buf, area.x, area.y, area.width, &percent(ratio), figure(cx, level));
    let parts = parts(cx, hue(cx, level, Role::MemoryUsed));
    let g = Gauge {
        parts: &parts[..1],
        beside: &parts[1..],
        limit: tick(cx.state.limits(metrics::MEMORY_USED_RATIO, &[])),
        normal,
    };
    gauge(canvas.buf, area.x + used + 1, area.y, area.width.saturating_sub(used + 1), cx.theme, &g);
}

/// What memory is in use for, in two columns where there is room; gives the rows used.
fn kinds(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) -> u16 {
    let m = &cx.state.host.memory;
    let total = m.raw.total as f64;
    let mut cells: Vec<(&str, u64, Role)> = vec![("used", m.used, Role::MemoryUsed)];
    // Its size, as the ZFS tools report it; what is not reclaimable counts as used.
    cells.extend(m.raw.arc.map(|arc| ("arc", arc.size, Role::MemoryArc)));
    cells.push(("cache", m.cache, Role::MemoryCache));
    cells.push(("free", m.free, Role::Dim));
    let columns = if area.width >= 34 { 2 } else { 1 };
    let width = area.width / columns;
    let rows = (cells.len() as u16).div_ceil(columns);
    for (i, (name, bytes_in, role)) in (0u16..).zip(cells) {
        let (x, y) = (area.x + i / rows * width, area.y + i % rows);
        if y >= area.bottom() {
            continue;
        }
        let end = x + width - if columns > 1 && i / rows == 0 { 2 } else { 0 };
        put(canvas.buf, x, y, 6, name, cx.theme.style(role));
        let share = (total > 0.0).then(|| bytes_in as f64 / total);
        let at = put_right(canvas.buf, end, y, 5, &percent(share), cx.theme.style(Role::Dim));
        let room = at.saturating_sub(x + 6);
        let long = bytes_long(bytes_in as f64);
        let figure = if crate::text::width(&long) < usize::from(room) { long } else { bytes(Some(bytes_in as f64)) };
        put_right(canvas.buf, at - 1, y, room, &figure, cx.theme.style(Role::Text));
    }
    rows.min(area.height)
}

/// Huge pages, swap, compressed swap, and what a container may use; one row each, where present.
fn swaps(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) -> u16 {
    let m = &cx.state.host.memory;
    let own = &cx.state.host.limits;
    let mut rows: Vec<(&str, f64, f64, Role, Option<MetricId>)> = Vec::new();
    // They count as used whether a program has them or not.
    rows.extend(m.huge().map(|(total, used)| ("huge", used as f64, total as f64, Role::MemoryUsed, None)));
    if m.raw.swap_total > 0 {
        rows.push(("swap", m.swap_used as f64, m.raw.swap_total as f64, Role::Swap, Some(metrics::SWAP_USED_RATIO)));
    }
    if let Some(z) = m.raw.zram {
        rows.push(("zram", z.memory_used as f64, z.original as f64, Role::Swap, None));
    }
    if let (Some(limit), Some(used)) = (own.raw.memory_bytes, own.raw.memory_used_bytes) {
        rows.push(("own", used as f64, limit as f64, Role::MemoryUsed, Some(metrics::OWN_MEMORY_RATIO)));
    }
    let mut used = 0;
    for ((name, value, whole, role, metric), y) in rows.into_iter().zip(area.y..area.bottom()) {
        let share = (whole > 0.0).then_some(value / whole);
        let level = metric.zip(share).map_or(Level::Ok, |(metric, share)| cx.state.level(metric, &[], share));
        put(canvas.buf, area.x, y, 6, name, cx.theme.style(role));
        let figure = format!("{} / {}", bytes(Some(value)).trim_start(), bytes(Some(whole)).trim_start());
        put_right(canvas.buf, area.x + 20, y, 14, &figure, cx.theme.style(Role::Text));
        let end = put_right(
            canvas.buf,
            area.right(),
            y,
            5,
            &percent(share),
            if level > Level::Ok { cx.theme.level(level) } else { cx.theme.style(Role::Dim) },
        );
        let g = Gauge {
            parts: &[(share.unwrap_or(0.0), hue(cx, level, role))],
            limit: tick(metric.and_then(|metric| cx.state.limits(metric, &[]))),
            ..Gauge::default()
        };
        gauge(canvas.buf, area.x + 21, y, end.saturating_sub(area.x + 22), cx.theme, &g);
        used += 1;
    }
    used
}

/// `available 14.5 GiB   psi some 0.0 full 0.0`.
fn last_line(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
    let m = &cx.state.host.memory;
    let (buf, theme) = (&mut *canvas.buf, cx.theme);
    let mut used = put(buf, area.x, area.y, area.width, "avail ", theme.style(Role::Dim));
    used += put(buf, area.x + used, area.y, 9, &bytes_long(m.available as f64), theme.style(Role::Text));
    let mut x = area.right();
    if let Some(stalls) = cx.state.host.pressure.raw.memory
        && area.width >= used + 24
    {
        let full = stalls.full.map(|f| f.avg10);
        let level = full.map_or(Level::Ok, |v| cx.state.level(metrics::PRESSURE_FULL_RATIO, &["memory"], v));
        let style = plain(cx, level);
        x = put_right(buf, x, area.y, 4, &stall(full), style);
        x = put_right(buf, x, area.y, 6, " full ", theme.style(Role::Dim));
        x = put_right(buf, x, area.y, 4, &stall(Some(stalls.some.avg10)), theme.style(Role::Text));
        x = put_right(buf, x, area.y, 9, "psi some ", theme.style(Role::Dim));
    }
    if let Some(hits) = m.arc_rates.hit_ratio {
        let words = format!("arc hit {:.1}%", hits * 100.0);
        let columns = crate::text::width(&words) as u16;
        // Two blanks before the pressure, one at least behind what is available.
        let end = if x < area.right() { x.saturating_sub(2) } else { x };
        if end > area.x + used + columns {
            put_right(buf, end, area.y, columns, &words, theme.style(Role::Dim));
        }
    }
}

#[cfg(test)]
mod tests;
