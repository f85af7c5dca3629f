//! The one under way: its name, how far it is, the figure as it forms, and what the machine does meanwhile.

use ratatui::layout::Rect;

use super::{list::spinner, words};
use crate::{
    model::{host::Host, run::RunProgress},
    state::State,
    ui::{
        canvas::{Canvas, DrawCx},
        figures::temperature,
        theme::Role,
        widgets::{
            gauge::{Gauge, gauge},
            spark::block,
            text::{put, put_all, put_char, put_right},
        },
    },
    units::countdown,
};

/// Rows with and without the graph of the forming figure.
pub const ROWS: u16 = 6;
pub const ROWS_SMALL: u16 = 4;

/// `11 of 17 · 6m12s left`; empty while nothing runs.
#[must_use]
pub fn suite(state: &State) -> String {
    let runs = &state.runs;
    if runs.queue.len() < 2 {
        return String::new();
    }
    let at = (runs.over + 1).min(runs.queue.len());
    let left = runs.left().map_or_else(String::new, |left| format!(" · {} left", countdown(left)));
    format!("{at} of {}{left}", runs.queue.len())
}

/// Draws it into `area`; the place among all is in the title of a wide list already.
pub fn draw(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, rows: u16, titled: bool) {
    let state = cx.state;
    let (text, dim, accent) = (cx.theme.style(Role::Text), cx.theme.style(Role::Dim), cx.theme.style(Role::Accent));
    let Some(progress) = &state.runs.progress else {
        let words = format!("{} the next one begins…", spinner(cx.theme, state));
        put(canvas.buf, area.x, area.y, area.width, &words, dim);
        return;
    };
    let mut y = area.y;
    let spin = format!("{} ", spinner(cx.theme, state));
    let mut right = phase(progress);
    let place = suite(state);
    if !titled && !place.is_empty() {
        right = format!("{place} · {right}");
    }
    let end = put_right(canvas.buf, area.right(), y, area.width * 2 / 3, &right, dim);
    let room = end.saturating_sub(area.x + 1);
    put_all(canvas.buf, area.x, y, room, &[(&spin, accent), (&state.runs.name(&progress.key), text)]);
    y += 1;
    let parts = [(progress.done, accent)];
    gauge(canvas.buf, area.x, y, area.width, cx.theme, &Gauge { parts: &parts, ..Gauge::default() });
    y += 1;
    put(canvas.buf, area.x, y, area.width, &facts(state, progress), dim);
    y += 1;
    if rows >= ROWS {
        let graph = Rect { y, height: rows - ROWS_SMALL, ..area };
        forming(cx, graph, canvas, &state.runs.formed);
        y += graph.height;
    }
    put(canvas.buf, area.x, y, area.width, &machine(cx), dim);
}

/// `measuring · 18s of 30s`.
fn phase(progress: &RunProgress) -> String {
    let elapsed = progress.at.since(progress.since);
    let time = match progress.left {
        Some(left) => format!("{} of {}", countdown(elapsed), countdown(elapsed + left)),
        None => countdown(elapsed),
    };
    format!("{} · {time}", progress.phase.words())
}

/// `43.1k IOPS · 6 samples · p99 4.2 ms`.
fn facts(state: &State, progress: &RunProgress) -> String {
    let mut facts = Vec::new();
    if let (Some(value), Some(figure)) = (progress.value, state.runs.figure_of(&progress.key)) {
        facts.push(words::value(figure, value));
    }
    match progress.samples.len() {
        0 => {}
        1 => facts.push("1 sample".to_owned()),
        n => facts.push(format!("{n} samples")),
    }
    facts.extend(progress.beside.iter().cloned());
    facts.join(" · ")
}

/// The figure as it formed, newest at the right, from zero.
fn forming(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, formed: &[f64]) {
    let shown = &formed[formed.len().saturating_sub(usize::from(area.width))..];
    let top = shown.iter().copied().fold(0.0, f64::max);
    if top <= 0.0 {
        return;
    }
    let style = cx.theme.style(Role::CpuUser);
    let rows = f64::from(area.height);
    for (at, value) in (0u16..).zip(shown) {
        let filled = value / top * rows;
        for up in 0..area.height {
            let share = (filled - f64::from(up)).clamp(0.0, 1.0);
            let glyph = block(share, cx.theme);
            if glyph != ' ' {
                put_char(canvas.buf, area.x + at, area.bottom() - 1 - up, glyph, style);
            }
        }
    }
}

/// What the machine does meanwhile: `cpu 34 % · sdb busy 99 % · load 6.1 · 61 °C`.
fn machine(cx: &DrawCx<'_>) -> String {
    let host: &Host = &cx.state.host;
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let mut facts = Vec::new();
    facts.extend(host.cpu.shares.map(|shares| format!("cpu {}", percent(shares.busy))));
    let busiest = host.disks.disks.iter().filter_map(|disk| Some((disk.busy_ratio?, &disk.raw.name)));
    if let Some((busy, name)) = busiest.max_by(|(a, _), (b, _)| a.total_cmp(b)).filter(|(busy, _)| *busy > 0.05) {
        facts.push(format!("{name} busy {}", percent(busy)));
    }
    facts.extend(host.memory.used_ratio.map(|used| format!("memory {}", percent(used))));
    if host.load.raw.threads > 0 {
        facts.push(format!("load {:.1}", host.load.raw.load1));
    }
    facts.extend(host.sensors.cpu_celsius.map(|celsius| temperature(celsius, cx)));
    facts.join(" · ")
}
