//! Drawing one cell: its text at its side, in the line's style, with the searched word marked.

use ratatui::{layout::Rect, style::Style};

use super::def::{Align, ColumnDef, Search};
use crate::{
    text::width,
    ui::{
        canvas::{Canvas, DrawCx},
        table::{needle::Needle, tree::Branch},
        theme::Role,
        widgets::text::{put, tint},
    },
    units::ABSENT,
};

/// How drawing a cell depends on the table around it.
#[derive(Clone, Copy)]
pub struct CellCx<'a> {
    /// All that drawing reads.
    pub cx: &'a DrawCx<'a>,
    /// The style of the whole line, where it has one: tagged, or listed only for what is below it.
    pub line: Option<Style>,
    /// The word that is searched for.
    pub needle: Option<&'a Needle>,
    /// The place of the row in a tree.
    pub branch: Option<&'a Branch>,
    /// Characters of the stretching column that are scrolled out at the left.
    pub shift: usize,
}

impl CellCx<'_> {
    /// The style of the line, else that of the role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.line.unwrap_or_else(|| self.cx.theme.style(role))
    }

    /// Writes `text` into a cell and marks in it what is searched for.
    pub fn put(&self, place: Rect, canvas: &mut Canvas<'_>, def: &ColumnDef, text: &str, style: Style) {
        write(canvas, place, def.align, text, style);
        self.mark(place, canvas, def.search, def.align, text);
    }

    /// Marks what is searched for in `text`, which `place` shows.
    pub fn mark(&self, place: Rect, canvas: &mut Canvas<'_>, search: Search, align: Align, text: &str) {
        let find = |needle: &Needle| match search {
            Search::Part => needle.find(text),
            Search::Whole => (needle.text() == text).then_some(0..text.len()),
            Search::No => None,
        };
        let Some(range) = self.needle.and_then(find) else { return };
        let columns = |text: &str| u16::try_from(width(text)).unwrap_or(u16::MAX);
        let indent = match align {
            Align::Left => 0,
            Align::Right => place.width.saturating_sub(columns(text)),
        };
        let x = place.x.saturating_add(indent).saturating_add(columns(&text[..range.start]));
        let found = Rect { x, y: place.y, width: columns(&text[range]), height: 1 };
        tint(canvas.buf, found.intersection(place), self.cx.theme.style(Role::Match));
    }
}

/// Writes `text` into one cell of a table.
pub fn write(canvas: &mut Canvas<'_>, place: Rect, align: Align, text: &str, style: Style) {
    let columns = u16::try_from(width(text)).unwrap_or(u16::MAX);
    let x = match align {
        Align::Left => place.x,
        Align::Right => place.x + place.width.saturating_sub(columns),
    };
    put(canvas.buf, x, place.y, place.width, text, style);
}

/// `role`, but faint for what is nothing.
#[must_use]
pub fn unless_zero(text: &str, role: Role) -> Role {
    if matches!(text, "0" | "0.0" | ABSENT) { Role::Faint } else { role }
}
