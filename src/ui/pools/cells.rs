//! Cells of pools that words cannot fill, and what the busiest of them moved lately.

use ratatui::layout::Rect;

use super::row::Row;
use crate::{
    alert::Level,
    model::{
        metrics,
        pool::{PoolRow, ScanState},
    },
    state::levels,
    text::width,
    ui::{
        canvas::{Canvas, DrawCx},
        figures::{hue, tick},
        table::column::CellCx,
        theme::Role,
        widgets::{
            gauge::{Gauge, gauge},
            graph::{mirrored, nice_top},
            text::{put, put_all, put_char, tint},
        },
    },
    units::bytes_short,
};

/// How much a pool needs a look, the neediest first.
pub(super) fn need(row: &Row<'_>) -> u32 {
    match levels::pool_worst(row.state, row.pool) {
        Level::Crit => 0,
        Level::Warn => 1,
        _ if scans(row.pool) => 2,
        Level::Advice => 3,
        Level::Ok | Level::Unknown => 4,
    }
}

/// Allocated of its size.
pub(super) fn used(cell: &CellCx<'_>, place: Rect, canvas: &mut Canvas<'_>, row: &Row<'_>) {
    let (cx, pool) = (cell.cx, row.pool);
    let used = pool.used_ratio().unwrap_or(0.0).min(1.0);
    let g = Gauge {
        parts: &[(used, hue(cx, levels::pool_used(row.state, pool), Role::DiskRead))],
        limit: tick(row.state.limits(metrics::POOL_USED_RATIO, &[&pool.name])),
        ..Gauge::default()
    };
    gauge(canvas.buf, place.x, place.y, place.width, cx.theme, &g);
    if pool.stands_still() {
        tint(canvas.buf, place, cx.theme.style(Role::Faint));
    }
}

/// What the busiest pool read and wrote lately.
pub(super) fn past(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
    let most = |row: &PoolRow| row.read_history.max().unwrap_or(0.0).max(row.write_history.max().unwrap_or(0.0));
    let busiest = cx.state.host.pools.rows.iter().max_by(|a, b| most(a).total_cmp(&most(b)));
    let Some(row) = busiest.filter(|row| area.height >= 3 && most(row) > 0.0) else { return };
    let top = nice_top(most(row));
    let words = [
        (row.name.as_str(), cx.theme.style(Role::Dim)),
        (" read", cx.theme.style(Role::DiskRead)),
        (" over ", cx.theme.style(Role::Faint)),
        ("write", cx.theme.style(Role::DiskWrite)),
        (&format!("   scale {}/s", bytes_short(top)), cx.theme.style(Role::Faint)),
    ];
    put_all(canvas.buf, area.x, area.y, area.width, &words);
    let graph = Rect { y: area.y + 1, height: area.height - 1, ..area };
    mirrored(cx, graph, canvas, top, (&row.read_history, Role::DiskRead), (&row.write_history, Role::DiskWrite));
}

/// A scrub or a resilver is under way.
pub(super) fn scans(pool: &PoolRow) -> bool {
    let scan = pool.reported.as_ref().and_then(|reported| reported.scan.as_ref());
    scan.is_some_and(|scan| matches!(scan.state, ScanState::Running | ScanState::Paused))
}

/// `✖ degraded`.
pub(super) fn health(cell: &CellCx<'_>, place: Rect, canvas: &mut Canvas<'_>, row: &Row<'_>) {
    let cx = cell.cx;
    let glyphs = &cx.theme.glyphs;
    let level = levels::pool(row.state, row.pool);
    let (glyph, style) = match level {
        Level::Crit => (glyphs.crit, cx.theme.level(level)),
        Level::Warn => (glyphs.warn, cx.theme.level(level)),
        _ if row.pool.is_healthy() => (glyphs.ok, cx.theme.style(Role::Ok)),
        _ => (glyphs.unknown, cx.theme.style(Role::Advice)),
    };
    put_char(canvas.buf, place.x, place.y, glyph, style);
    let x = place.x + 2;
    let room = place.right().saturating_sub(x);
    let whole = row.pool.state_words();
    let words = if width(&whole) <= usize::from(room) { whole } else { row.pool.state.to_lowercase() };
    put(canvas.buf, x, place.y, room, &words, style);
}
