//! What a column is, whatever its rows are: its name, its room, when it gives way.

use crate::ui::action::Action;

/// What a column's figures are: how they compare, and which units a filter may give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Words.
    Text,
    /// Whole numbers: ids, threads.
    Count,
    /// A share of one, shown and typed as per cent.
    Share,
    /// Bytes, or bytes a second.
    Bytes,
    /// Seconds.
    Seconds,
}

/// The side to which a value is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// Whether a search looks at a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// It does not: what is measured is filtered for.
    No,
    /// A part of the text is enough.
    Part,
    /// The text as a whole: ids.
    Whole,
}

/// What a column is, whatever its rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnDef {
    /// As the config and the filter spell it.
    pub id: &'static str,
    /// Other spellings that the filter takes.
    pub aliases: &'static [&'static str],
    /// As the header shows it.
    pub title: &'static str,
    /// One line for the chooser.
    pub doc: &'static str,
    /// What its figures are.
    pub kind: Kind,
    /// Columns on the screen; the least when it stretches.
    pub width: u16,
    /// It shrinks to this before a column gives way.
    pub least: u16,
    /// It grows to this when there is room left: words as far as one of them is that long, the others in any case.
    pub most: u16,
    /// It takes the room that is left.
    pub stretch: bool,
    /// Side.
    pub align: Align,
    /// The order of giving way: the greatest goes first, 0 stays.
    pub rank: u8,
    /// The first click on its header puts the greatest on top.
    pub greatest_first: bool,
    /// Whether a search looks at it.
    pub search: Search,
    /// The key that sorts by it.
    pub key: Option<Action>,
    /// On a screen without boxes too.
    pub essential: bool,
}

impl ColumnDef {
    /// A figure: right-aligned, the greatest first.
    #[must_use]
    pub const fn figure(id: &'static str, title: &'static str, kind: Kind, width: u16, rank: u8) -> ColumnDef {
        ColumnDef {
            id,
            aliases: &[],
            title,
            doc: "",
            kind,
            width,
            least: width,
            most: width,
            stretch: false,
            align: Align::Right,
            rank,
            greatest_first: true,
            search: Search::No,
            key: None,
            essential: false,
        }
    }

    /// Words: left-aligned, from A to Z.
    #[must_use]
    pub const fn words(id: &'static str, title: &'static str, width: u16, rank: u8) -> ColumnDef {
        ColumnDef {
            align: Align::Left,
            greatest_first: false,
            search: Search::Part,
            ..ColumnDef::figure(id, title, Kind::Text, width, rank)
        }
    }

    /// Takes what room is left.
    #[must_use]
    pub const fn stretching(mut self) -> ColumnDef {
        self.stretch = true;
        self
    }

    /// Shrinks to `least` before another gives way and grows to `most` when there is room.
    #[must_use]
    pub const fn between(mut self, least: u16, most: u16) -> ColumnDef {
        (self.least, self.most) = (least, most);
        self
    }

    /// The smallest first.
    #[must_use]
    pub const fn smallest_first(mut self) -> ColumnDef {
        self.greatest_first = false;
        self
    }

    /// True when `word` is one of its spellings.
    #[must_use]
    pub fn is_called(&self, word: &str) -> bool {
        self.id.eq_ignore_ascii_case(word) || self.aliases.iter().any(|a| a.eq_ignore_ascii_case(word))
    }
}
