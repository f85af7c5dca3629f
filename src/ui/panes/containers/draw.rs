//! The rows of containers in sight, the words in the border, and the one line for screens without boxes.

use ratatui::layout::Rect;

use super::{
    super::tabled::TableGrid,
    columns::{COLUMNS, Row, at},
};
use crate::{
    alert::Level,
    model::{
        container::{ContainerRow, Engine, Health, RunState},
        event::{Fault, SourceId},
    },
    state::State,
    ui::{
        canvas::{Canvas, DrawCx},
        figures::hue,
        table::grid::cell,
        theme::Role,
        widgets::{
            gauge::{Gauge, gauge},
            line::NAME,
            notice::{dim_when_stale, words},
            spark::spark,
            text::{put, put_char},
        },
    },
    units::{ABSENT, span_short},
};

/// How a container fares by the rules.
pub(super) fn level(state: &State, row: &ContainerRow) -> Level {
    let name = row.meta.name.as_str();
    let health = match row.meta.health {
        Some(Health::Unhealthy) => state.level("container_healthy", &[name], 0.0),
        _ => Level::Ok,
    };
    let restarts = f64::from(row.restarts_lately(state.host.now));
    health.max(state.level("container_restarts_10m", &[name], restarts))
}

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
    for engine in all.engines.iter().filter(|e| e.fault.is_none()) {
        words.push(format!("{} {}", engine.kind, engine.version.as_deref().unwrap_or_default()).trim_end().to_owned());
    }
    words.join(" · ")
}

/// Why an engine is silent, in one line.
pub(super) fn complaint(engine: &Engine) -> Option<String> {
    let why = match engine.fault.as_ref()? {
        Fault::Timeout => format!("{} does not answer", engine.address),
        Fault::Denied { what, hint } => format!("{what}: permission denied ({hint})"),
        Fault::Absent(what) | Fault::Broken(what) => what.clone(),
    };
    Some(format!("{}: {why}", engine.kind))
}

/// One cell.
pub(super) fn cell_of(
    cx: &DrawCx<'_>,
    place: Rect,
    canvas: &mut Canvas<'_>,
    column: usize,
    row: &Row<'_>,
    grid: &TableGrid,
) {
    let (theme, c) = (cx.theme, row.container);
    match column {
        at::STATE => state_cell(cx, place, canvas, row),
        at::GRAPH => {
            let top = c.meta.cpu_limit.unwrap_or(1.0);
            spark(canvas.buf, place.x, place.y, place.width, theme, &c.cpu_history, top, theme.style(Role::CpuUser));
        }
        at::LIMIT => {
            let Some(ratio) = c.memory_ratio(cx.state.host.memory.raw.total) else { return };
            let level = cx.state.level("container_memory_limit_ratio", &[&c.meta.name], ratio);
            let limits = cx.state.limits("container_memory_limit_ratio", &[&c.meta.name]);
            let g = Gauge {
                parts: &[(ratio.min(1.0), hue(cx, level, Role::MemoryUsed))],
                limit: crate::ui::figures::tick(limits),
                ..Gauge::default()
            };
            gauge(canvas.buf, place.x, place.y, place.width, theme, &g);
        }
        column => {
            let text = row.shown(column);
            let running = c.meta.state == RunState::Running;
            let role = match column {
                at::NAME if running => Role::Strong,
                at::RESTARTS if row.restarts() > 0 => Role::Text,
                _ if matches!(text.as_str(), "0" | "0.0" | ABSENT) => Role::Faint,
                at::CPU | at::MEMORY | at::RECEIVE | at::SEND | at::READ | at::WRITE => Role::Text,
                _ => Role::Dim,
            };
            let restarts = f64::from(row.restarts());
            let level = match column {
                at::RESTARTS => cx.state.level("container_restarts_10m", &[&c.meta.name], restarts),
                _ => Level::Ok,
            };
            let style = if level > Level::Ok { theme.level(level) } else { theme.style(role) };
            cell(canvas, place, COLUMNS[column].align, &text, style);
            grid.mark(cx, place, canvas, &text);
        }
    }
}

/// `● healthy`, `✖ restarting`.
fn state_cell(cx: &DrawCx<'_>, place: Rect, canvas: &mut Canvas<'_>, row: &Row<'_>) {
    let (theme, glyphs) = (cx.theme, &cx.theme.glyphs);
    let meta = &row.container.meta;
    let level = level(cx.state, row.container);
    let (glyph, style) = match (level, meta.state, meta.health) {
        (Level::Crit, ..) => (glyphs.crit, theme.level(Level::Crit)),
        (Level::Warn, ..) => (glyphs.warn, theme.level(Level::Warn)),
        (_, RunState::Running, Some(Health::Healthy)) => (glyphs.ok, theme.style(Role::Ok)),
        (_, RunState::Running, _) => (glyphs.ok, theme.style(Role::Text)),
        (_, RunState::Paused | RunState::Restarting | RunState::Dead, _) => (glyphs.unknown, theme.style(Role::Advice)),
        _ => (glyphs.unknown, theme.style(Role::Faint)),
    };
    put_char(canvas.buf, place.x, place.y, glyph, style);
    let x = place.x + 2;
    put(canvas.buf, x, place.y, place.right().saturating_sub(x), row.state_word(), style);
}

/// `containers  12 running · 1 restarting   plex restarting`: for a screen without boxes.
pub(super) fn essentials(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
    let (theme, all) = (cx.theme, &cx.state.host.containers);
    put(canvas.buf, area.x, area.y, NAME, "contain", theme.style(Role::Dim));
    let x = area.x + NAME;
    let room = area.right().saturating_sub(x);
    if let Some((words, _)) = words(cx.state, SourceId::Containers) {
        put(canvas.buf, x, area.y, room, &words, theme.style(Role::Dim));
        return;
    }
    let count = |wanted: RunState| all.rows.iter().filter(|r| r.meta.state == wanted).count();
    let mut parts = vec![format!("{} running", count(RunState::Running))];
    for state in [RunState::Restarting, RunState::Paused, RunState::Exited] {
        let n = count(state);
        if n > 0 {
            parts.push(format!("{n} {}", state.word()));
        }
    }
    let mut x = x;
    x += put(canvas.buf, x, area.y, room, &parts.join(" · "), theme.style(Role::Text)) + 2;
    let room = area.right().saturating_sub(x);
    let worst = all.rows.iter().map(|row| (level(cx.state, row), row)).filter(|(l, _)| *l >= Level::Warn);
    if let Some(line) = all.engines.iter().find_map(complaint) {
        put(canvas.buf, x, area.y, room, &line, theme.style(Role::Warn));
    } else if let Some((level, row)) = worst.max_by_key(|(level, _)| *level) {
        let row = Row::new(row, cx.state);
        let age = row.age().map(span_short).unwrap_or_default();
        let text = format!("{} {} {age}", row.container.meta.name, row.state_word());
        put(canvas.buf, x, area.y, room, &text, theme.level(level));
    } else if let Some(busiest) =
        all.rows.iter().max_by(|a, b| a.cpu_cores.unwrap_or(0.0).total_cmp(&b.cpu_cores.unwrap_or(0.0)))
        && let Some(cores) = busiest.cpu_cores
    {
        let text = format!("{} {:.0}%", busiest.meta.name, cores * 100.0);
        put(canvas.buf, x, area.y, room, &text, theme.style(Role::Dim));
    }
    dim_when_stale(cx, area, canvas, SourceId::Containers);
}
