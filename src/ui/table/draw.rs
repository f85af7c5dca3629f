//! A table on the screen: its heads and the visible lines, a cell a column; or, on a screen without boxes, its essentials.

use ratatui::layout::Rect;

use super::{
    column::{CellCx, write},
    core::Table,
    def::TableDef,
    lines::Line,
    place::Placed,
};
use crate::{
    alert::Level,
    text::width,
    ui::{
        canvas::{Canvas, DrawCx},
        theme::Role,
        widgets::{
            notice::{dim_when_stale, notice, words},
            text::{put, put_char, put_right, tint},
        },
    },
};

/// Columns before a row below its group.
const INDENT: u16 = 2;

impl<T: TableDef> Table<T> {
    /// Heads and lines; what is wrong above them. `right`: quiet words at the end of the heads. Gives the room below the
    /// last line.
    pub fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, right: &str) -> Rect {
        let nowhere = Rect { y: area.bottom(), height: 0, ..area };
        if area.is_empty() || notice(cx, area, canvas, T::SOURCES[0]) {
            self.shows(&[]);
            return nowhere;
        }
        let notes = T::notes(cx.state);
        // An overlay keeps half of its room for the rows.
        let most = if self.is_in_pane() { area.height } else { area.height / 2 };
        let area = self.notes(cx, area, canvas, notes.into_iter().take(usize::from(most)));
        if area.is_empty() {
            return nowhere;
        }
        let dim = cx.theme.style(Role::Dim);
        if T::count(cx.state) == 0 {
            put(canvas.buf, area.x, area.y, area.width, T::nothing(cx.state), dim);
            return nowhere;
        }
        let placed = self.columns(if right.is_empty() { area.width } else { area.width.saturating_sub(2) });
        self.shows(&placed);
        self.grid.header(cx, Rect { height: 1, ..area }, canvas, &placed, |id| self.head_target(id));
        put_right(canvas.buf, area.right(), area.y, area.width / 3, right, dim);
        let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
        for (at, y) in self.grid.cursor.window(usize::from(body.height)).zip(body.y..body.bottom()) {
            self.line(cx, Rect { y, height: 1, ..area }, canvas, &placed, at);
            self.highlight(cx, Rect { y, height: 1, ..area }, canvas, at);
        }
        if self.list.lines.is_empty() && !body.is_empty() {
            let words = match self.grid.is_filtered() {
                true => format!("no {} matches the filter", T::NOUN),
                false => format!("no {} to show", T::NOUN),
            };
            put(canvas.buf, body.x, body.y, body.width, &words, dim);
        }
        dim_when_stale(cx, body, canvas, T::SOURCES[0]);
        let used = u16::try_from(self.list.lines.len()).unwrap_or(u16::MAX).min(body.height);
        Rect { y: body.y + used, height: body.height - used, ..body }
    }

    /// The visible lines without heads, each drawn by `draw`. `clicks`: they answer to the mouse.
    pub fn draw_plain(
        &self,
        cx: &DrawCx<'_>,
        area: Rect,
        canvas: &mut Canvas<'_>,
        clicks: bool,
        draw: impl Fn(Rect, &mut Canvas<'_>, &T::Row<'_>),
    ) {
        self.shows(&[]);
        for (at, y) in self.grid.cursor.window(usize::from(area.height)).zip(area.y..area.bottom()) {
            let Some(row) = self.row(cx.state, at) else { continue };
            let place = Rect { y, height: 1, ..area };
            draw(place, canvas, &row);
            if clicks {
                self.mark(cx, place, canvas, at);
            }
        }
    }

    /// The rows that are visible in `height` lines.
    pub fn in_sight<'a>(&'a self, cx: &DrawCx<'a>, height: u16) -> impl Iterator<Item = T::Row<'a>> {
        self.grid.cursor.window(usize::from(height)).filter_map(|at| self.row(cx.state, at))
    }

    fn notes(
        &self,
        cx: &DrawCx<'_>,
        area: Rect,
        canvas: &mut Canvas<'_>,
        notes: impl Iterator<Item = (Level, String)>,
    ) -> Rect {
        let mut y = area.y;
        for (level, note) in notes {
            put(canvas.buf, area.x, y, area.width, &note, cx.theme.level(level));
            y += 1;
        }
        Rect { y, height: area.bottom().saturating_sub(y), ..area }
    }

    /// Draws the line at the place `at` of the list.
    fn line(&self, cx: &DrawCx<'_>, line: Rect, canvas: &mut Canvas<'_>, placed: &[Placed], at: usize) {
        let places = placed.iter().map(|p| (p.column, Rect { x: line.x + p.x, width: p.width, ..line }));
        let places = places.map(|(column, place)| (column, place.intersection(line))).filter(|(_, p)| !p.is_empty());
        let (rows, count) = (T::cx(cx.state, &self.options), T::count(cx.state));
        let mut cell =
            CellCx { cx, line: None, needle: self.grid.needle(), branch: None, shift: usize::from(self.shift) };
        canvas.hit(line, self.line_target(at));
        match self.list.lines.get(at) {
            Some(Line::Row(own)) if own.index() < count => {
                let tagged = self.tags.contains(&T::key(cx.state, own.index()));
                cell.branch = self.nested.then_some(&own.branch);
                cell.line = match (tagged, own.leads) {
                    (true, _) => Some(cx.theme.style(Role::Tagged)),
                    (_, true) => Some(cx.theme.style(Role::Faint)),
                    _ => None,
                };
                let row = T::row(rows, own.index());
                for (number, (column, place)) in places.enumerate() {
                    let indent = if own.inside && number == 0 { INDENT.min(place.width) } else { 0 };
                    let place = Rect { x: place.x + indent, width: place.width - indent, ..place };
                    T::COLUMNS[column].draw(&cell, place, canvas, &row);
                }
            }
            Some(Line::Group(group)) => {
                let Some(group) = self.list.groups.get(*group) else { return };
                let there = group.members.iter().filter(|index| **index < count);
                let members: Vec<T::Row<'_>> = there.map(|index| T::row(rows, *index)).collect();
                let glyphs = &cx.theme.glyphs;
                let sign = if group.folded { glyphs.folded } else { glyphs.unfolded };
                for (number, (column, place)) in places.enumerate() {
                    if number > 0 {
                        T::COLUMNS[column].draw_together(&cell, place, canvas, &members);
                        continue;
                    }
                    put_char(canvas.buf, place.x, place.y, sign, cx.theme.style(Role::Dim));
                    let (x, room) = (place.x + INDENT, place.width.saturating_sub(INDENT));
                    put(canvas.buf, x, place.y, room, &group.name, cx.theme.style(Role::Container));
                }
            }
            _ => {}
        }
    }

    /// Marks the line under the cursor and makes it answer to the mouse.
    pub fn mark(&self, cx: &DrawCx<'_>, line: Rect, canvas: &mut Canvas<'_>, at: usize) {
        self.highlight(cx, line, canvas, at);
        canvas.hit(line, self.line_target(at));
    }

    fn highlight(&self, cx: &DrawCx<'_>, line: Rect, canvas: &mut Canvas<'_>, at: usize) {
        if self.is_in_pane() {
            let whole = Rect { x: line.x.saturating_sub(1), width: line.width + 2, ..line };
            self.grid.highlight(cx, canvas, whole, at);
        } else if at == self.grid.cursor.position() {
            tint(canvas.buf, line, cx.theme.style(Role::Selected));
        }
    }

    /// Its head and a few rows: the list in its own order, with the cursor, while it has the focus; else those at `order`.
    /// `tally`: words at the end of the head.
    pub fn draw_essentials(
        &self,
        cx: &DrawCx<'_>,
        area: Rect,
        canvas: &mut Canvas<'_>,
        order: &[usize],
        summary: &str,
        tally: String,
    ) {
        let (theme, state) = (cx.theme, cx.state);
        let dim = theme.style(Role::Dim);
        let head = T::NOUN.to_uppercase();
        let waits = words(state, T::SOURCES[0]).map(|(words, _)| words).filter(|_| T::count(state) == 0);
        let notes = T::notes(state);
        if T::count(state) == 0 || area.height < 2 {
            let x = area.x + put(canvas.buf, area.x, area.y, area.width, &head, dim) + 2;
            let room = area.right().saturating_sub(x);
            match (waits, notes.first()) {
                (Some(words), _) => put(canvas.buf, x, area.y, room, &words, dim),
                (None, Some((level, note))) => put(canvas.buf, x, area.y, room, note, theme.level(*level)),
                (None, None) if T::count(state) == 0 => put(canvas.buf, x, area.y, room, T::nothing(state), dim),
                (None, None) => put(canvas.buf, x, area.y, room, summary, theme.style(Role::Text)),
            };
            return;
        }
        let placed = self.essential_columns(area.width);
        self.shows(&placed);
        for p in &placed {
            let def = &T::COLUMNS[p.column].def;
            let at = Rect { x: area.x + p.x, width: p.width, height: 1, ..area }.intersection(area);
            write(canvas, at, def.align, if p.x == 0 { &head } else { def.title }, dim);
        }
        let below = Rect { y: area.y + 1, height: area.height - 1, ..area };
        let most = usize::from(area.height.saturating_sub(2));
        let body = self.notes(cx, below, canvas, notes.into_iter().take(most));
        let in_order: Vec<usize>;
        let order = match cx.focused {
            true => {
                in_order = self.grid.cursor.window(usize::from(body.height)).collect();
                &in_order
            }
            false => order,
        };
        for (at, y) in order.iter().zip(body.y..body.bottom()) {
            let line = Rect { y, height: 1, ..area };
            self.line(cx, line, canvas, &placed, *at);
            if cx.focused {
                self.highlight(cx, line, canvas, *at);
            }
        }
        let hidden = self.list.lines.len().saturating_sub(usize::from(body.height));
        // Half a count would be another count: what does not fit is left out.
        let room = area.width.saturating_sub(placed.last().map_or(0, |p| p.x + p.width + 1));
        let more = if hidden > 0 { format!("+{hidden}") } else { String::new() };
        let tally = [tally, more].into_iter().find(|t| !t.is_empty() && width(t) <= usize::from(room));
        if let Some(tally) = tally {
            put_right(canvas.buf, area.right(), area.y, room, &tally, dim);
        }
        dim_when_stale(cx, body, canvas, T::SOURCES[0]);
    }
}
