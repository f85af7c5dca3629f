//! Lines of styled words that scroll: what help, alerts and details are made of.

use std::{cell::Cell, ops::Range};

use ratatui::layout::Rect;

use super::text::put;
pub use crate::text::{flow, wrap};
use crate::ui::{
    action::Action,
    canvas::{Canvas, DrawCx},
    theme::Role,
};

/// One line: words with their roles, one after the other.
pub type SheetLine = Vec<(String, Role)>;

/// Where a reader is in a sheet.
#[derive(Debug, Default)]
pub struct Sheet {
    top: Cell<usize>,
    /// The last line that may be on top, and the visible rows, as the last frame had them.
    last: Cell<usize>,
    page: Cell<usize>,
}

impl Sheet {
    /// Scrolls; false when `action` is none of a scroll's.
    pub fn act(&self, action: Action) -> bool {
        let (top, page) = (self.top.get(), self.page.get().max(2) - 1);
        let to = match action {
            Action::Up => top.saturating_sub(1),
            Action::Down => top + 1,
            Action::PageUp => top.saturating_sub(page),
            Action::PageDown => top + page,
            Action::Top => 0,
            Action::Bottom => usize::MAX,
            _ => return false,
        };
        self.top.set(to.min(self.last.get()));
        true
    }

    /// The lines that the last frame showed.
    #[must_use]
    pub fn in_sight(&self) -> Range<usize> {
        self.top.get()..self.top.get() + self.page.get()
    }

    /// Scrolls no further than it takes to show this line.
    pub fn reveal(&self, line: usize) {
        let (top, page) = (self.top.get(), self.page.get().max(1));
        self.top.set(top.clamp((line + 1).saturating_sub(page), line).min(self.last.get()));
    }

    /// Begins a frame of `rows` that shows some of so many lines; gives the first of them.
    pub fn begin(&self, lines: usize, rows: usize) -> usize {
        self.page.set(rows);
        self.last.set(lines.saturating_sub(rows));
        let top = self.top.get().min(self.last.get());
        self.top.set(top);
        top
    }

    /// Draws the visible lines.
    pub fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, lines: &[SheetLine]) {
        let top = self.begin(lines.len(), usize::from(area.height));
        put_lines(cx, area, canvas, &lines[top..]);
        self.edges(cx, area, canvas);
    }

    /// Marks at the edge that there is more out of sight.
    pub fn edges(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let top = self.top.get();
        let marks = if cx.theme.glyphs.ascii { ["^", "v"] } else { ["↑", "↓"] };
        if top > 0 && area.width > 0 && area.height > 0 {
            put(canvas.buf, area.right() - 1, area.y, 1, marks[0], cx.theme.style(Role::Dim));
        }
        if top < self.last.get() && area.width > 0 && area.height > 0 {
            put(canvas.buf, area.right() - 1, area.bottom() - 1, 1, marks[1], cx.theme.style(Role::Dim));
        }
    }
}

/// Draws as many lines as `area` has room for.
pub fn put_lines(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, lines: &[SheetLine]) {
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        let mut x = area.x;
        for (text, role) in line {
            x += put(canvas.buf, x, y, area.right().saturating_sub(x), text, cx.theme.style(*role));
        }
    }
}

/// A heading.
#[must_use]
pub fn heading(text: &str) -> SheetLine {
    vec![(text.to_owned(), Role::Title)]
}

/// `name      value`, the name in `columns`.
#[must_use]
pub fn pair(name: &str, columns: usize, value: impl Into<String>) -> SheetLine {
    vec![(format!("{name:<columns$} "), Role::Dim), (value.into(), Role::Text)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        state::State,
        ui::{
            canvas::testing::{Look, drawn},
            theme::ASCII,
        },
    };

    fn lines(count: usize) -> Vec<SheetLine> {
        (0..count).map(|at| vec![(format!("line {at}"), Role::Text)]).collect()
    }

    fn shown(sheet: &Sheet, count: usize, size: (u16, u16)) -> Vec<String> {
        drawn(&State::default(), size, |cx, area, canvas| sheet.draw(cx, area, canvas, &lines(count))).lines()
    }

    /// The first line that is visible after each action, ten lines in all.
    fn tops(rows: u16, actions: &[Action]) -> Vec<usize> {
        let sheet = Sheet::default();
        shown(&sheet, 10, (10, rows));
        let top = |action: &Action| {
            assert!(sheet.act(*action), "{action:?}");
            sheet.in_sight().start
        };
        actions.iter().map(top).collect()
    }

    #[test]
    fn a_sheet_scrolls_by_lines_and_pages_up_to_its_ends() {
        use Action::{Bottom, Down, PageDown, PageUp, Top, Up};
        assert_eq!(tops(4, &[Down, Down, Up, Up, Up]), [1, 2, 1, 0, 0]);
        assert_eq!(tops(4, &[PageDown, PageDown, PageDown, PageUp, PageUp, PageUp]), [3, 6, 6, 3, 0, 0]);
        assert_eq!(tops(4, &[Bottom, Down, Top]), [6, 6, 0]);
        assert_eq!(tops(1, &[PageDown, PageDown, PageUp]), [1, 2, 1], "a page is a line at least");
        assert_eq!(tops(10, &[Down, PageDown, Bottom]), [0, 0, 0], "all of it is visible");
        assert!(!Sheet::default().act(Action::Open));
    }

    #[test]
    fn marks_at_the_edge_say_where_more_is() {
        let sheet = Sheet::default();
        assert_eq!(shown(&sheet, 3, (8, 3)), ["line 0", "line 1", "line 2"]);
        assert_eq!(shown(&sheet, 4, (8, 3)), ["line 0", "line 1", "line 2 ↓"]);
        sheet.act(Action::Down);
        assert_eq!(shown(&sheet, 5, (8, 3)), ["line 1 ↑", "line 2", "line 3 ↓"]);
        sheet.act(Action::Bottom);
        assert_eq!(shown(&sheet, 5, (8, 3)), ["line 2 ↑", "line 3", "line 4"]);
        assert_eq!(
            (sheet.in_sight(), shown(&sheet, 4, (8, 3))),
            (2..5, vec!["line 1 ↑".into(), "line 2".into(), "line 3".to_owned()])
        );
        let state = State::default();
        let ascii = Look::with(ASCII).draw(&state, (8, 2), |cx, area, canvas| {
            sheet.draw(cx, area, canvas, &lines(4));
        });
        assert_eq!(ascii.lines(), ["line 1 ^", "line 2 v"]);
        assert_eq!(ascii.role_at(7, 0), Some(Role::Dim));
        for size in [(0, 3), (8, 0)] {
            let lines = shown(&sheet, 9, size);
            assert!(lines.iter().all(String::is_empty), "{size:?}: {lines:?}");
        }
    }

    #[test]
    fn a_line_is_revealed_with_the_least_scrolling() {
        let sheet = Sheet::default();
        shown(&sheet, 10, (8, 3));
        let mut top = |line| {
            sheet.reveal(line);
            sheet.in_sight().start
        };
        assert_eq!([2, 3, 5, 4, 3, 2, 9, 12, 0].map(&mut top), [0, 1, 3, 3, 3, 2, 7, 7, 0]);
    }

    #[test]
    fn words_of_a_line_follow_one_another() {
        let mut line = pair("name", 6, "value");
        line.push((" and more".to_owned(), Role::Dim));
        let drawn = drawn(&State::default(), (15, 2), |cx, area, canvas| {
            put_lines(cx, area, canvas, &[heading("Title"), line, heading("no room")]);
        });
        assert_eq!(drawn.lines(), ["Title", "name   value a…"]);
        assert_eq!(
            ["Title", "name", "value", "a…"].map(|words| drawn.role_of(words)),
            [Role::Title, Role::Dim, Role::Text, Role::Dim].map(Some)
        );
    }
}
