//! Cells of services that words cannot fill, and the words in the border.

use ratatui::layout::Rect;

use super::row::Row;
use crate::{
    alert::Level,
    model::service::Standing,
    state::{State, levels},
    ui::{
        canvas::Canvas,
        table::column::CellCx,
        theme::Role,
        widgets::{
            spark::spark,
            text::{put, put_char},
        },
    },
};

/// `● 200`, `✖ down 3×`.
pub(super) fn state(cell: &CellCx<'_>, place: Rect, canvas: &mut Canvas<'_>, row: &Row<'_>) {
    let (theme, glyphs) = (cell.cx.theme, &cell.cx.theme.glyphs);
    let standing = levels::service_standing(row.state, row.service).max(levels::service_time(row.state, row.service));
    let (glyph, style) = match (standing, row.service.standing) {
        (Level::Crit, _) => (glyphs.crit, theme.level(Level::Crit)),
        (Level::Warn, _) => (glyphs.warn, theme.level(Level::Warn)),
        (_, Standing::Up) => (glyphs.ok, theme.style(Role::Ok)),
        (_, Standing::Paused) => (glyphs.paused, theme.style(Role::Faint)),
        _ => (glyphs.unknown, theme.style(Role::Unknown)),
    };
    put_char(canvas.buf, place.x, place.y, glyph, style);
    let x = place.x + 2;
    put(canvas.buf, x, place.y, place.right().saturating_sub(x), &row.words(), style);
}

/// Its answers lately.
pub(super) fn past(cell: &CellCx<'_>, place: Rect, canvas: &mut Canvas<'_>, row: &Row<'_>) {
    let theme = cell.cx.theme;
    let history = &row.service.history;
    // Twice the usual time is where an answer is slow: what is below that looks low.
    let usual = row.service.usual().map_or(0.0, |usual| usual.median * 2.0);
    let top = history.max().unwrap_or(0.0).max(usual).max(0.001);
    spark(canvas.buf, place.x, place.y, place.width, theme, history, top, theme.style(Role::NetReceive));
}

/// `4 up · 1 slow · 1 down`.
pub(super) fn summary(state: &State) -> String {
    let rows = &state.host.services.rows;
    let is_slow = |row: &&crate::model::service::ServiceRow| levels::service_is_slow(state, row);
    let stands = |standing| move |row: &&crate::model::service::ServiceRow| row.standing == standing;
    let slow = rows.iter().filter(is_slow).count();
    let counts = [
        (rows.iter().filter(stands(Standing::Up)).count() - slow, "up"),
        (slow, "slow"),
        (rows.iter().filter(stands(Standing::Down)).count(), "down"),
        (rows.iter().filter(stands(Standing::Unjudged)).count(), "not judged"),
        (rows.iter().filter(stands(Standing::Paused)).count(), "paused"),
    ];
    let words = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    words.collect::<Vec<_>>().join(" · ")
}
