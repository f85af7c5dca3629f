//! The visible container rows, and the words in the border.

use std::time::Duration;

use ratatui::layout::Rect;

use super::row::Row;
use crate::{
    alert::Level,
    clock::Stamp,
    model::{
        container::{Engine, Health, RunState},
        metrics,
    },
    state::{State, levels},
    text::width,
    ui::{
        canvas::Canvas,
        figures::{hue, role_of, tick},
        table::column::{CellCx, unless_zero},
        theme::Role,
        widgets::{
            gauge::{Gauge, gauge},
            spark::spark,
            text::{put, put_char},
        },
    },
    units::span_short,
};

/// `12 running · 1 restarting · docker 28.2`.
pub(super) fn summary(state: &State) -> String {
    let all = &state.host.containers;
    let count = |wanted: RunState| all.rows.iter().filter(|r| r.meta.state == wanted).count();
    let mut words = Vec::new();
    for state in [RunState::Running, RunState::Restarting, RunState::Paused, RunState::Dead, RunState::Exited] {
        let n = count(state);
        if n > 0 {
            words.push(format!("{n} {}", state.word()));
        }
    }
    // Without what a distribution puts behind the version.
    let name = |engine: &Engine| {
        let version = engine.version.as_deref().and_then(|version| version.split(['+', '~']).next());
        format!("{} {}", engine.kind, version.unwrap_or_default()).trim_end().to_owned()
    };
    let mut engines: Vec<(String, usize)> = Vec::new();
    for name in all.engines.iter().filter(|e| e.fault.is_none() && !e.twin).map(name) {
        match engines.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => engines.push((name, 1)),
        }
    }
    words.extend(engines.into_iter().map(|(name, count)| if count > 1 { format!("{count} × {name}") } else { name }));
    words.join(" · ")
}

/// Why an engine is silent and since when, in one line.
pub(super) fn silence(engine: &Engine, now: Stamp) -> Option<String> {
    let why = engine.why()?;
    let since = engine.fault_unix_ms.and_then(|since| u64::try_from(now.unix_ms - since).ok());
    // The age before the words: those may be cut.
    let age = since.map_or_else(String::new, |ms| format!(", {}", span_short(Duration::from_millis(ms))));
    Some(format!("{}{age}: {why}", engine.address))
}

/// What runs, or needs a look, is never dimmed.
pub(super) fn name_role(row: &Row<'_>, _text: &str) -> Role {
    let runs = row.container.meta.state == RunState::Running;
    if runs || levels::container(row.state, row.container) >= Level::Warn { Role::Strong } else { Role::Dim }
}

/// Its CPU lately.
pub(super) fn past(cell: &CellCx<'_>, place: Rect, canvas: &mut Canvas<'_>, row: &Row<'_>) {
    let (theme, container) = (cell.cx.theme, row.container);
    let top = container.meta.cpu_limit.unwrap_or(1.0);
    let style = theme.style(Role::CpuUser);
    spark(canvas.buf, place.x, place.y, place.width, theme, &container.cpu_history, top, style);
}

/// Its memory against its limit.
pub(super) fn limit(cell: &CellCx<'_>, place: Rect, canvas: &mut Canvas<'_>, row: &Row<'_>) {
    let Some(ratio) = row.memory_ratio() else { return };
    let labels = [&*row.container.label];
    let level = row.state.level(metrics::CONTAINER_MEMORY_LIMIT_RATIO, &labels, ratio);
    let g = Gauge {
        parts: &[(ratio.min(1.0), hue(cell.cx, level, Role::MemoryUsed))],
        limit: tick(row.state.limits(metrics::CONTAINER_MEMORY_LIMIT_RATIO, &labels)),
        ..Gauge::default()
    };
    gauge(canvas.buf, place.x, place.y, place.width, cell.cx.theme, &g);
}

pub(super) fn restarts_role(row: &Row<'_>, text: &str) -> Role {
    let restarts = f64::from(row.restarts());
    let level = row.state.level(metrics::CONTAINER_RESTARTS_10M, &[&row.container.label], restarts);
    role_of(level, unless_zero(text, Role::Text))
}

/// `● healthy`, `✖ restarting`.
pub(super) fn state(cell: &CellCx<'_>, place: Rect, canvas: &mut Canvas<'_>, row: &Row<'_>) {
    let (theme, glyphs) = (cell.cx.theme, &cell.cx.theme.glyphs);
    let meta = &row.container.meta;
    let level = levels::container(row.state, row.container);
    let (glyph, style) = match (level, meta.state, meta.health) {
        (Level::Crit, ..) => (glyphs.crit, theme.level(Level::Crit)),
        (Level::Warn, ..) => (glyphs.warn, theme.level(Level::Warn)),
        (_, RunState::Running, Some(Health::Healthy)) => (glyphs.ok, theme.style(Role::Ok)),
        (_, RunState::Running, _) => (glyphs.ok, theme.style(Role::Text)),
        (_, RunState::Restarting, _) => (glyphs.restarting, theme.style(Role::Advice)),
        (_, RunState::Paused, _) => (glyphs.paused, theme.style(Role::Advice)),
        (_, RunState::Dead | RunState::Removing, _) => (glyphs.exited, theme.style(Role::Advice)),
        (_, RunState::Exited, _) => (glyphs.exited, theme.style(Role::Faint)),
        (_, RunState::Created, _) => (glyphs.created, theme.style(Role::Faint)),
        (_, RunState::Unknown, _) => (glyphs.unknown, theme.style(Role::Faint)),
    };
    // What an engine said before it fell silent may be so no longer.
    let style = if row.is_current() { style } else { theme.style(Role::Faint) };
    put_char(canvas.buf, place.x, place.y, glyph, style);
    let x = place.x + 2;
    let room = place.right().saturating_sub(x);
    let used = put(canvas.buf, x, place.y, room, &row.state_words(), style);
    // The age is that of its own column too: it appears here only where all of it fits.
    let age = row.ended_words();
    if usize::from(room - used) >= width(&age) {
        put(canvas.buf, x + used, place.y, room - used, &age, style);
    }
}

/// How many containers of a project run, with the sign of the worst.
pub(super) fn states(cell: &CellCx<'_>, place: Rect, canvas: &mut Canvas<'_>, rows: &[Row<'_>]) {
    let theme = cell.cx.theme;
    let up = rows.iter().filter(|row| row.container.meta.state == RunState::Running).count();
    let worst = rows.iter().map(|row| levels::container(row.state, row.container)).max().unwrap_or(Level::Ok);
    let (glyphs, text) = (&theme.glyphs, theme.style(Role::Dim));
    let (glyph, style) = match worst {
        Level::Crit => (glyphs.crit, theme.level(worst)),
        Level::Warn => (glyphs.warn, theme.level(worst)),
        _ if up == rows.len() => (glyphs.ok, text),
        _ => (glyphs.exited, text),
    };
    put_char(canvas.buf, place.x, place.y, glyph, style);
    let room = place.width.saturating_sub(2);
    put(canvas.buf, place.x + 2, place.y, room, &format!("{up} of {} up", rows.len()), text);
}
