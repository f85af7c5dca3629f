//! A table on a screen without boxes: its head and a few rows. The worst and heaviest stand there, until the pane has the
//! focus: then it is the list in its own order, with the cursor.

use ratatui::layout::Rect;

use super::{TablePane, Tabled, is_empty};
use crate::{
    state::State,
    text::width,
    ui::{
        canvas::{Canvas, DrawCx},
        table::{
            column::write,
            place::{Placed, place},
        },
        theme::Role,
        view::Rows,
        widgets::{
            notice::{dim_when_stale, words},
            text::{put, put_right},
        },
    },
};

/// Lines that [`draw`] can fill: one for the head, one each for what is wrong with the source, and the rows.
pub(super) fn rows<T: Tabled>(state: &State) -> Option<Rows> {
    let count = u16::try_from(T::count(state)).unwrap_or(u16::MAX);
    let heads = u16::try_from(T::notes(state).len()).unwrap_or(u16::MAX).saturating_add(1);
    match count {
        0 => T::rows(state).map(|_| Rows { min: 1, want: 1 }),
        count => Some(Rows { min: heads.saturating_add(1), want: heads.saturating_add(count) }),
    }
}

/// The columns that there is room for.
pub(super) fn columns<T: Tabled>(pane: &TablePane<T>, state: &State, width: u16) -> Vec<Placed> {
    let essential = |column: &usize| pane.grid.columns()[*column].essential && !is_empty::<T>(state, *column);
    let essential: Vec<usize> = (0..T::COLUMNS.len()).filter(essential).collect();
    pane.with_need(state, |need| place(pane.grid.columns(), &essential, width, need))
}

/// Draws the essentials into `area`.
pub(super) fn draw<T: Tabled>(pane: &TablePane<T>, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
    let (theme, state) = (cx.theme, cx.state);
    let dim = theme.style(Role::Dim);
    let head = T::THING.to_uppercase();
    let waits = words(state, T::SOURCE).map(|(words, _)| words).filter(|_| T::count(state) == 0);
    let notes = T::notes(state);
    if T::count(state) == 0 || area.height < 2 {
        let x = area.x + put(canvas.buf, area.x, area.y, area.width, &head, dim) + 2;
        let room = area.right().saturating_sub(x);
        match (waits, notes.first()) {
            (Some(words), _) => put(canvas.buf, x, area.y, room, &words, dim),
            (None, Some((level, note))) => put(canvas.buf, x, area.y, room, note, theme.level(*level)),
            (None, None) if T::count(state) == 0 => put(canvas.buf, x, area.y, room, T::nothing(state), dim),
            (None, None) => put(canvas.buf, x, area.y, room, &T::summary(state), theme.style(Role::Text)),
        };
        return;
    }
    let placed = columns(pane, state, area.width);
    pane.grid.saw(&placed);
    for p in &placed {
        let column = T::COLUMNS[p.column].def;
        let at = Rect { x: area.x + p.x, width: p.width, height: 1, ..area }.intersection(area);
        write(canvas, at, column.align, if p.x == 0 { &head } else { column.title }, dim);
    }
    let mut y = area.y + 1;
    for (level, note) in notes.iter().take(usize::from(area.height.saturating_sub(2))) {
        put(canvas.buf, area.x, y, area.width, note, theme.level(*level));
        y += 1;
    }
    let body = Rect { y, height: area.bottom().saturating_sub(y), ..area };
    let order = if cx.focused { in_order(pane, body.height) } else { worst_first(pane, state) };
    for (at, y) in order.iter().zip(body.y..body.bottom()) {
        pane.line(cx, Rect { y, height: 1, ..area }, canvas, &placed, *at);
        if cx.focused {
            let whole = Rect { x: area.x.saturating_sub(1), y, width: area.width + 2, height: 1 };
            pane.grid.highlight(cx, canvas, whole, *at);
        }
    }
    let hidden = pane.list.lines.len().saturating_sub(usize::from(body.height));
    // Half a count would be another count: what does not fit is left out.
    let room = area.width.saturating_sub(placed.last().map_or(0, |p| p.x + p.width + 1));
    let more = if hidden > 0 { format!("+{hidden}") } else { String::new() };
    let tally = [T::tally(state), more].into_iter().find(|t| !t.is_empty() && width(t) <= usize::from(room));
    if let Some(tally) = tally {
        put_right(canvas.buf, area.right(), area.y, room, &tally, dim);
    }
    dim_when_stale(cx, body, canvas, T::SOURCE);
}

fn in_order<T: Tabled>(pane: &TablePane<T>, height: u16) -> Vec<usize> {
    pane.grid.cursor.window(usize::from(height)).collect()
}

/// Places in the list, of rows alone; those without a weight stay as they stand in it.
fn worst_first<T: Tabled>(pane: &TablePane<T>, state: &State) -> Vec<usize> {
    let rows = (0..pane.list.lines.len()).filter_map(|at| Some((at, pane.list.row::<T>(state, at)?)));
    let mut order: Vec<_> = rows.map(|(at, index)| (at, T::weight(state, index).unwrap_or_default())).collect();
    order.sort_by(|(_, (level_a, a)), (_, (level_b, b))| level_b.cmp(level_a).then(b.total_cmp(a)));
    order.into_iter().map(|(at, _)| at).collect()
}
