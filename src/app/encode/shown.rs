//! What the terminal shows, cell by cell: only what is compared with the next frame, in less than half of the memory that
//! a frame takes.

use std::hash::{DefaultHasher, Hash, Hasher};

use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::{Color, Modifier},
};

use super::{SEEN_ON_BLANK, columns_of};

/// A letter of at most so many bytes stands for itself.
const WHOLE: usize = 7;
/// In place of a length: a hash of more bytes.
const HASHED: u8 = u8::MAX;

/// The newest frame that was sent.
#[derive(Debug, Default)]
pub struct Shown {
    pub(super) area: Rect,
    pub(super) cells: Vec<ShownCell>,
}

impl Shown {
    /// A cleared screen of this size.
    pub(super) fn clear(&mut self, area: Rect) {
        self.area = area;
        self.cells.clear();
        self.cells.resize(area.area() as usize, ShownCell::BLANK);
    }
}

impl From<&Buffer> for Shown {
    fn from(frame: &Buffer) -> Self {
        Shown { area: frame.area, cells: frame.content.iter().map(ShownCell::of).collect() }
    }
}

/// One cell of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ShownCell {
    letter: [u8; WHOLE],
    /// Bytes of the letter, or [`HASHED`].
    length: u8,
    fg: Color,
    bg: Color,
    modifier: Modifier,
    /// Columns of the letter.
    columns: u8,
}

impl ShownCell {
    const BLANK: ShownCell = ShownCell {
        letter: [b' ', 0, 0, 0, 0, 0, 0],
        length: 1,
        fg: Color::Reset,
        bg: Color::Reset,
        modifier: Modifier::empty(),
        columns: 1,
    };

    pub(super) fn of(cell: &Cell) -> Self {
        let (letter, length) = letter_of(cell.symbol().as_bytes());
        let columns = columns_of(cell) as u8;
        ShownCell { letter, length, fg: cell.fg, bg: cell.bg, modifier: cell.modifier, columns }
    }

    pub(super) fn columns(&self) -> usize {
        usize::from(self.columns)
    }

    /// The same letter in the same style.
    pub(super) fn is(&self, cell: &Cell) -> bool {
        self.has(cell.symbol().as_bytes()) && self.fg == cell.fg && self.bg == cell.bg && self.modifier == cell.modifier
    }

    /// Lengths of one and three bytes, nearly all that a frame is made of, are compared without a loop: this runs for
    /// every cell of every frame.
    fn has(&self, symbol: &[u8]) -> bool {
        match *symbol {
            [a] => self.length == 1 && self.letter[0] == a,
            [a, b, c] => self.length == 3 && self.letter[..3] == [a, b, c],
            _ => (self.letter, self.length) == letter_of(symbol),
        }
    }

    /// Equal to the eye: a blank's foreground is not seen.
    pub(super) fn looks_like(&self, cell: &Cell) -> bool {
        let is_blank = self.length == 0 || (self.length == 1 && self.letter[0] == b' ');
        if is_blank && super::is_blank(cell) {
            let seen = self.modifier & SEEN_ON_BLANK;
            let same = self.bg == cell.bg && seen == cell.modifier & SEEN_ON_BLANK;
            return same && (seen.is_empty() || self.fg == cell.fg);
        }
        self.is(cell)
    }
}

fn letter_of(symbol: &[u8]) -> ([u8; WHOLE], u8) {
    let mut letter = [0; WHOLE];
    if let Some(place) = letter.get_mut(..symbol.len()) {
        place.copy_from_slice(symbol);
        return (letter, symbol.len() as u8);
    }
    let mut hasher = DefaultHasher::new();
    symbol.hash(&mut hasher);
    letter.copy_from_slice(&hasher.finish().to_le_bytes()[..WHOLE]);
    (letter, HASHED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_any_length_differ() {
        let cell = |symbol: &str| Cell::default().set_symbol(symbol).clone();
        let family = "👩‍👩‍👧";
        for (a, b) in [("a", "b"), ("日", "本"), (family, "👩‍👩‍👦"), ("a", "a\u{301}"), (family, "a")] {
            let shown = ShownCell::of(&cell(a));
            assert!(shown.looks_like(&cell(a)) && !shown.looks_like(&cell(b)), "{a} {b}");
            assert_eq!(shown.columns(), columns_of(&cell(a)), "{a}");
        }
        assert!(ShownCell::of(&cell("")).looks_like(&cell(" ")));
    }

    #[test]
    fn a_cell_is_small() {
        assert!(size_of::<ShownCell>() * 2 <= size_of::<Cell>(), "{} {}", size_of::<ShownCell>(), size_of::<Cell>());
    }
}
