//! Lines of styled words that scroll: what help, findings and details are made of.

use std::cell::Cell;

use ratatui::layout::Rect;

use super::text::put;
pub use crate::text::{flow, wrap};
use crate::{
    text::{elide, width},
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx},
        theme::Role,
    },
};

/// One line: words with their roles, one after the other.
pub type SheetLine = Vec<(String, Role)>;

/// Where a reader is in a sheet.
#[derive(Debug, Default)]
pub struct Sheet {
    top: Cell<usize>,
    /// The last line that may stand on top, and the rows in sight, as the last frame had them.
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

    /// Draws the lines in sight.
    pub fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, lines: &[SheetLine]) {
        let rows = usize::from(area.height);
        self.page.set(rows);
        self.last.set(lines.len().saturating_sub(rows));
        let top = self.top.get().min(self.last.get());
        self.top.set(top);
        put_lines(cx, area, canvas, &lines[top..]);
        // What is out of sight is said at the edge.
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

/// Two columns, the right one from `columns` on.
#[must_use]
pub fn abreast(left: Vec<SheetLine>, right: Vec<SheetLine>, columns: usize) -> Vec<SheetLine> {
    let rows = left.len().max(right.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    (0..rows)
        .map(|_| {
            let mut line = left.next().unwrap_or_default();
            let mut room = columns.saturating_sub(2);
            for (words, _) in &mut line {
                *words = elide(words, room).into_owned();
                room -= width(words).min(room);
            }
            line.push((" ".repeat(room + 2), Role::Text));
            line.extend(right.next().unwrap_or_default());
            line
        })
        .collect()
}
