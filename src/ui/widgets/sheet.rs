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
