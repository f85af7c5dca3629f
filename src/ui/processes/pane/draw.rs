//! The rows in sight, drawn: a cell a column.

use ratatui::layout::Rect;

use super::{
    ProcessesPane, columns_of,
    list::{Line, process_of},
};
use crate::{
    model::{process::Process, source::SourceId},
    state::State,
    ui::{
        canvas::{Canvas, DrawCx, Target},
        ids::PaneId,
        processes::columns::{COLUMNS, Row},
        table::{
            column::CellCx,
            place::{Need, Placed},
        },
        theme::Role,
        view::Room,
        widgets::{
            notice::{dim_when_stale, notice},
            text::{put, put_right},
        },
    },
};

impl ProcessesPane {
    /// Heads and rows. `right`: quiet words at the end of the heads, for a screen without boxes.
    pub(super) fn table(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, right: &str) {
        if area.is_empty() || notice(cx, area, canvas, SourceId::Processes) {
            self.placed.take();
            return;
        }
        // Words at the end of the heads: there is no box.
        let room = Room { width: area.width, height: area.height, boxed: right.is_empty() };
        let placed = self.columns(cx.state, columns_of(room));
        let head = Rect { height: 1, ..area };
        self.grid.header(cx, head, canvas, &placed, |id| Target::Column(PaneId::Processes, id));
        if !right.is_empty() {
            put_right(canvas.buf, area.right(), area.y, area.width / 3, right, cx.theme.style(Role::Dim));
        }
        let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
        for (index, y) in self.grid.cursor.window(usize::from(body.height)).zip(body.y..body.bottom()) {
            let Some(line) = self.list.lines.get(index) else { continue };
            let Some(process) = process_of(&cx.state.host.processes, line) else { continue };
            let row = Rect { y, height: 1, ..area };
            self.row(cx, row, canvas, &placed, line, process);
            let whole = Rect { x: row.x.saturating_sub(1), width: row.width + 2, ..row };
            self.grid.highlight(cx, canvas, whole, index);
            canvas.hit(row, Target::Row(PaneId::Processes, index));
        }
        if self.list.lines.is_empty() && body.height > 0 {
            let words = if self.grid.is_filtered() { "no process fits the filter" } else { "no process to show" };
            put(canvas.buf, body.x, body.y, body.width, words, cx.theme.style(Role::Dim));
        }
        dim_when_stale(cx, body, canvas, SourceId::Processes);
        self.placed.replace(placed);
    }

    /// The columns that there is room for.
    pub(super) fn columns(&self, state: &State, columns: u16) -> Vec<Placed> {
        let longest = |column: usize| {
            let longest = COLUMNS[column].longest.and_then(|longest| longest(state));
            longest.and_then(|columns| u16::try_from(columns).ok())
        };
        let empty = |column: usize| COLUMNS[column].empty.is_some_and(|empty| empty(state));
        self.grid.placed(columns, &Need { longest: &longest, keep: &|_| false }, empty)
    }

    fn row(
        &self,
        cx: &DrawCx<'_>,
        area: Rect,
        canvas: &mut Canvas<'_>,
        placed: &[Placed],
        line: &Line,
        process: &Process,
    ) {
        let row = Row { process, cx: self.row_cx(cx.state) };
        let tagged = self.tags.contains(&process.key);
        let whole = match (tagged, line.leads) {
            (true, _) => Some(cx.theme.style(Role::Tagged)),
            (_, true) => Some(cx.theme.style(Role::Faint)),
            _ => None,
        };
        for p in placed {
            let place = Rect { x: area.x + p.x, width: p.width, ..area }.intersection(area);
            if place.is_empty() {
                continue;
            }
            let cell = CellCx {
                cx,
                line: whole,
                needle: self.grid.needle(),
                branch: self.choice.tree.then_some(&line.branch),
                shift: usize::from(self.shift),
            };
            COLUMNS[p.column].draw(&cell, place, canvas, &row);
        }
    }
}
