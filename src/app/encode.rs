//! From the frame that the terminal shows to the frame that it should show, in as few bytes as
//! possible: the cells that changed, pen after pen, the cheapest move between them, one synchronized write.
//!
//! Our own in place of ratatui's backend, as bytes are what a slow line feels: that one sends a move and all colours for
//! nearly every cell, 5.6 to 12 bytes a changed cell as measured on a program that uses it; this sends about 2.

mod shown;

use std::{borrow::Cow, ops::Range};

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier, Style},
};

pub use shown::Shown;

use crate::text;
use shown::ShownCell;

/// Begins and ends a synchronized update: terminals that know it show the frame at once, others ignore it.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// What the terminal is known to be set to. It outlives a frame, so that a frame need not begin with a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Pen {
    /// True when `cell` displays correctly under it.
    fn fits(&self, cell: &Cell) -> bool {
        if is_blank(cell) && !cell.modifier.intersects(SEEN_ON_BLANK) {
            return cell.bg == self.bg && !self.modifier.intersects(SEEN_ON_BLANK);
        }
        cell.fg == self.fg && cell.bg == self.bg && cell.modifier == self.modifier
    }
}

const PLAIN: Pen = Pen { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };
/// Modifiers that show on a blank.
const SEEN_ON_BLANK: Modifier = Modifier::REVERSED.union(Modifier::UNDERLINED).union(Modifier::CROSSED_OUT);

/// What a spot is written by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// One letter of so many columns.
    Letter(u8),
    /// So many blanks, erased (ECH); the cursor stays before them.
    Blanks(u16),
    /// The blank end of a row, erased (EL).
    Tail,
}

/// Some cells of a row that change together.
#[derive(Debug, Clone, Copy)]
struct Spot {
    x: u16,
    y: u16,
    /// Index into [`Encoder::inks`].
    ink: u16,
    how: How,
}

/// Erasing so many blanks and moving past them costs less than writing them.
const MANY_BLANKS: usize = 10;

/// Turns pairs of frames into bytes.
#[derive(Debug)]
pub struct Encoder {
    pen: Pen,
    /// The terminal erases in the background of the pen ("bce", terminfo(5)) rather than in its own.
    erases_in_colour: bool,
    /// Where the terminal's cursor is; `None` when that cannot be known.
    at: Option<(u16, u16)>,
    /// What is to be written of the frame under way, and in which pens.
    spots: Vec<Spot>,
    inks: Vec<Pen>,
}

impl Default for Encoder {
    fn default() -> Self {
        Encoder { pen: PLAIN, erases_in_colour: false, at: None, spots: Vec::new(), inks: Vec::new() }
    }
}

impl Encoder {
    /// For a terminal that erases in the background of the pen, when it is `known` to: [`erases_in_colour`].
    #[must_use]
    pub fn erasing_in_colour(known: bool) -> Self {
        Encoder { erases_in_colour: known, ..Encoder::default() }
    }

    /// Puts into `out` what turns a terminal that shows `shown` into one that shows `next`, and takes that into `shown`; `out`
    /// stays empty when nothing changed. When the sizes differ, or it is not `known` what the terminal shows, everything is
    /// redrawn.
    pub fn encode(&mut self, known: bool, shown: &mut Shown, next: &Buffer, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(BEGIN);
        if !known || shown.area != next.area {
            out.extend_from_slice(b"\x1b[m\x1b[2J");
            (self.pen, self.at) = (PLAIN, None);
            shown.clear(next.area);
        }
        let begun = out.len();
        let (width, height) = (usize::from(next.area.width), next.area.height);
        self.spots.clear();
        self.inks.clear();
        self.inks.push(self.pen);
        if width > 0 {
            let rows = shown.cells.chunks_exact_mut(width).zip(next.content.chunks_exact(width));
            for ((before, after), y) in rows.zip(0..height) {
                let differs = |(before, after): (&ShownCell, &Cell)| !before.is(after);
                let Some(first) = before.iter().zip(after).position(differs) else { continue };
                let last = before.iter().zip(after).rposition(differs).unwrap_or(first);
                self.row(before, after, first..last + 1, y);
                let changed = before.iter_mut().zip(after).take(last + 1).skip(first);
                changed.filter(|(before, after)| !before.is(after)).for_each(|(b, a)| *b = ShownCell::of(a));
            }
        }
        self.arrange();
        let spots = std::mem::take(&mut self.spots);
        for spot in &spots {
            let from = usize::from(spot.y) * width;
            let row = &next.content[from..from + width];
            self.reach(row, (spot.x, spot.y), height, out);
            match spot.how {
                How::Letter(columns) => self.put(&row[usize::from(spot.x)], spot, columns, width, out),
                How::Blanks(columns) => {
                    self.erase(spot.ink, out);
                    number(columns, out);
                    out.push(b'X');
                }
                How::Tail => {
                    self.erase(spot.ink, out);
                    out.push(b'K');
                }
            }
        }
        self.spots = spots;
        if out.len() == begun && begun == BEGIN.len() {
            out.clear();
        } else {
            out.extend_from_slice(END);
        }
    }

    /// Begins an erasure under the background of an ink.
    fn erase(&mut self, ink: u16, out: &mut Vec<u8>) {
        let modifier = self.pen.modifier.difference(SEEN_ON_BLANK);
        let bg = self.inks.get(usize::from(ink)).map_or(Color::Reset, |pen| pen.bg);
        self.set(Pen { bg, modifier, ..self.pen }, out);
        out.extend_from_slice(b"\x1b[");
    }

    /// Finds what has changed in a row, all of it within `changed`.
    fn row(&mut self, before: &[ShownCell], after: &[Cell], changed: Range<usize>, y: u16) {
        let width = after.len();
        let any = self.erases_in_colour;
        let tail = blank_tail(after, any);
        // Erasing to the end of the line pays from four changed blanks on.
        let in_tail = tail.max(changed.start)..width.min(changed.end);
        let worth_erasing = in_tail.filter(|x| !before[*x].looks_like(&after[*x])).count() > 3;
        let end = if worth_erasing { tail } else { width };
        let first = self.spots.len();
        // A second half belongs to the letter before it.
        let mut x = match changed.start.checked_sub(1) {
            Some(left) if columns_of(&after[left]) > 1 => left,
            _ => changed.start,
        };
        // The column up to which the terminal's cells are dirty because half of a wide letter was overwritten.
        let mut dirty = 0;
        while x < end && (x < changed.end || x < dirty) {
            let cell = &after[x];
            let columns = columns_of(cell).clamp(1, end - x);
            let is_other = x < dirty
                || (x..x + columns).any(|i| !before[i].looks_like(&after[i]))
                || before[x].columns() > columns;
            let blanks = if is_other { blanks_to_erase(&before[x..end], &after[x..end], any) } else { 0 };
            if blanks >= MANY_BLANKS {
                let ink = self.ink(self.spots[first..].last().map(|spot| spot.ink), cell);
                let (at, count) = (u16::try_from(x).unwrap_or(u16::MAX), u16::try_from(blanks).unwrap_or(u16::MAX));
                self.spots.push(Spot { x: at, y, ink, how: How::Blanks(count) });
                x += blanks;
                continue;
            }
            if is_other {
                dirty = (x..x + columns).map(|i| i + before[i].columns()).max().unwrap_or(dirty).max(dirty);
                let next_to = |spot: &&Spot| match spot.how {
                    How::Letter(columns) => usize::from(spot.x) + usize::from(columns) == x,
                    How::Blanks(_) | How::Tail => false,
                };
                let near = self.spots[first..].last().filter(next_to);
                let ink = self.ink(near.map(|spot| spot.ink), cell);
                let x = u16::try_from(x).unwrap_or(u16::MAX);
                let how = How::Letter(u8::try_from(columns).unwrap_or(u8::MAX));
                self.spots.push(Spot { x, y, ink, how });
            }
            x += columns;
        }
        if worth_erasing && tail < width {
            let ink = self.ink(self.spots[first..].last().map(|spot| spot.ink), &after[tail]);
            self.spots.push(Spot { x: u16::try_from(tail).unwrap_or(u16::MAX), y, ink, how: How::Tail });
        }
    }

    /// The pen for a cell. A blank takes that of its neighbour `near` where it shows no difference.
    fn ink(&mut self, near: Option<u16>, cell: &Cell) -> u16 {
        let near = near.unwrap_or(0);
        if self.inks.get(usize::from(near)).is_some_and(|pen| pen.fits(cell)) {
            return near;
        }
        let known = self.inks.iter().position(|pen| pen.fits(cell)).unwrap_or_else(|| {
            let fg = if is_blank(cell) && !cell.modifier.intersects(SEEN_ON_BLANK) { self.pen.fg } else { cell.fg };
            self.inks.push(Pen { fg, bg: cell.bg, modifier: cell.modifier });
            self.inks.len() - 1
        });
        u16::try_from(known).unwrap_or(0)
    }

    /// One pen after the other rather than one row after the other: with long colours a move costs a third of a change
    /// of pen. Pens that share their background, then their weight, follow each other.
    fn arrange(&mut self) {
        let long = |color: Color| matches!(color, Color::Rgb(..) | Color::Indexed(_));
        if !self.inks.iter().any(|pen| long(pen.fg) || long(pen.bg)) {
            return;
        }
        let inks = &self.inks;
        let first = |same: &dyn Fn(&Pen) -> bool| inks.iter().position(same).unwrap_or(0);
        let mut order: Vec<usize> = (0..inks.len()).collect();
        order.sort_by_cached_key(|&at| {
            let pen = &inks[at];
            (first(&|p| p.bg == pen.bg), first(&|p| p.modifier == pen.modifier), at)
        });
        let mut ranks = vec![0_u16; inks.len()];
        order.iter().zip(0..).for_each(|(&at, rank)| ranks[at] = rank);
        self.spots.sort_by_key(|spot| ranks.get(usize::from(spot.ink)).copied().unwrap_or_default());
    }

    /// Brings the cursor to `to`: over unchanged cells by writing them again where that is shorter.
    fn reach(&mut self, row: &[Cell], to: (u16, u16), height: u16, out: &mut Vec<u8>) {
        if self.at == Some(to) {
            return;
        }
        if let Some((x, y)) = self.at
            && y == to.1
            && to.0 > x
            && to.0 - x <= 4
        {
            let cells = &row[usize::from(x)..usize::from(to.0)];
            let plain = cells.iter().all(|c| self.pen.fits(c) && columns_of(c) == 1 && is_steady(c.symbol()));
            let bytes: usize = cells.iter().map(|c| c.symbol().len()).sum();
            if plain && bytes <= forward_cost(cells.len()) {
                for cell in cells {
                    out.extend_from_slice(cell.symbol().as_bytes());
                }
                self.at = Some(to);
                return;
            }
        }
        self.go(to, height, out);
    }

    /// The shortest move that is right on every terminal.
    fn go(&mut self, to: (u16, u16), height: u16, out: &mut Vec<u8>) {
        let absolute = if to.0 == 0 { 3 } else { 4 + digits(to.0 + 1) } + digits(to.1 + 1);
        // A line feed on the last row would scroll; rows here are below `height`, so it never is.
        if let Some((x, y)) = self.at.filter(|(_, y)| *y <= to.1 && to.1 < height) {
            let down = usize::from(to.1 - y);
            // To a column by its number (CHA), which is shorter than a return and a move to the right.
            let from_left = if to.0 == 0 { 1 } else { 3 + digits(to.0 + 1) };
            let across = match to.0.checked_sub(x) {
                Some(0) => 0,
                Some(right) => forward_cost(usize::from(right)),
                None => usize::from(x - to.0),
            };
            if down + across.min(from_left) < absolute {
                out.extend(std::iter::repeat_n(b'\n', down));
                if from_left < across && to.0 == 0 {
                    out.push(b'\r');
                } else if from_left < across {
                    out.extend_from_slice(b"\x1b[");
                    number(to.0 + 1, out);
                    out.push(b'G');
                } else if to.0 > x {
                    forward(to.0 - x, out);
                } else {
                    out.extend(std::iter::repeat_n(8, usize::from(x - to.0)));
                }
                self.at = Some(to);
                return;
            }
        }
        out.extend_from_slice(b"\x1b[");
        number(to.1 + 1, out);
        if to.0 > 0 {
            out.push(b';');
            number(to.0 + 1, out);
        }
        out.push(b'H');
        self.at = Some(to);
    }

    fn put(&mut self, cell: &Cell, spot: &Spot, columns: u8, width: usize, out: &mut Vec<u8>) {
        let symbol = &*letter(cell, columns);
        if !self.pen.fits(cell) {
            let pen = self.inks.get(usize::from(spot.ink)).copied().filter(|pen| pen.fits(cell));
            self.set(pen.unwrap_or(Pen { fg: cell.fg, bg: cell.bg, modifier: cell.modifier }), out);
        }
        out.extend_from_slice(symbol.as_bytes());
        // After the last column terminals disagree on where the cursor is; after rare letters, on how wide they were.
        let end = spot.x + u16::from(columns);
        self.at = (usize::from(end) < width && is_steady(symbol)).then_some((end, spot.y));
    }

    /// Changes the pen with the shorter of a change and a fresh start.
    fn set(&mut self, pen: Pen, out: &mut Vec<u8>) {
        if pen == self.pen {
            return;
        }
        let begun = out.len();
        out.extend_from_slice(b"\x1b[");
        let gone = self.pen.modifier.difference(pen.modifier);
        let mut added = pen.modifier.difference(self.pen.modifier);
        if gone.intersects(Modifier::BOLD | Modifier::DIM) {
            code(22, out);
            // 22 takes both away.
            added |= pen.modifier & (Modifier::BOLD | Modifier::DIM);
        }
        for (modifier, _, off) in CODES.iter().skip(2) {
            if gone.contains(*modifier) {
                code(*off, out);
            }
        }
        modifiers(added, out);
        if pen.fg != self.pen.fg {
            color(pen.fg, 30, out);
        }
        if pen.bg != self.pen.bg {
            color(pen.bg, 40, out);
        }
        let changed = out.len() - begun;
        if !gone.is_empty() || pen.fg == Color::Reset || pen.bg == Color::Reset {
            out.extend_from_slice(b"\x1b[");
            if pen != PLAIN {
                code(0, out);
            }
            modifiers(pen.modifier, out);
            if pen.fg != Color::Reset {
                color(pen.fg, 30, out);
            }
            if pen.bg != Color::Reset {
                color(pen.bg, 40, out);
            }
            if out.len() - begun - changed < changed {
                out.drain(begun..begun + changed);
            } else {
                out.truncate(begun + changed);
            }
        }
        if out.last() == Some(&b';') {
            out.pop();
        }
        out.push(b'm');
        self.pen = pen;
    }
}

/// `text` in `style` for a line of output, with everything back at its end.
#[must_use]
pub fn styled(style: Style, text: &str) -> String {
    let mut out = Vec::new();
    let pen = Pen {
        fg: style.fg.unwrap_or(Color::Reset),
        bg: style.bg.unwrap_or(Color::Reset),
        modifier: style.add_modifier,
    };
    Encoder::default().set(pen, &mut out);
    format!("{}{text}{}", String::from_utf8_lossy(&out), if out.is_empty() { "" } else { "\x1b[m" })
}

/// Modifier, the code that turns it on, the code that turns it off (ECMA-48 SGR).
const CODES: [(Modifier, u16, u16); 7] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::CROSSED_OUT, 9, 29),
];

fn modifiers(set: Modifier, out: &mut Vec<u8>) {
    for (modifier, on, _) in CODES {
        if set.contains(modifier) {
            code(on, out);
        }
    }
}

/// One parameter and its separator; the last separator is taken away by the caller.
fn code(value: u16, out: &mut Vec<u8>) {
    number(value, out);
    out.push(b';');
}

fn color(color: Color, base: u16, out: &mut Vec<u8>) {
    let (named, bright) = match color {
        Color::Reset => (9, false),
        Color::Black => (0, false),
        Color::Red => (1, false),
        Color::Green => (2, false),
        Color::Yellow => (3, false),
        Color::Blue => (4, false),
        Color::Magenta => (5, false),
        Color::Cyan => (6, false),
        Color::Gray => (7, false),
        Color::DarkGray => (0, true),
        Color::LightRed => (1, true),
        Color::LightGreen => (2, true),
        Color::LightYellow => (3, true),
        Color::LightBlue => (4, true),
        Color::LightMagenta => (5, true),
        Color::LightCyan => (6, true),
        Color::White => (7, true),
        Color::Indexed(index) => {
            for value in [base + 8, 5, u16::from(index)] {
                code(value, out);
            }
            return;
        }
        Color::Rgb(r, g, b) => {
            for value in [base + 8, 2, u16::from(r), u16::from(g), u16::from(b)] {
                code(value, out);
            }
            return;
        }
    };
    code(base + named + if bright { 60 } else { 0 }, out);
}

fn number(value: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn digits(value: u16) -> usize {
    match value {
        0..10 => 1,
        10..100 => 2,
        100..1000 => 3,
        _ => 4,
    }
}

fn forward_cost(columns: usize) -> usize {
    if columns == 1 { 3 } else { 3 + digits(u16::try_from(columns).unwrap_or(u16::MAX)) }
}

fn forward(columns: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\x1b[");
    if columns > 1 {
        number(columns, out);
    }
    out.push(b'C');
}

/// Columns that a cell's letter takes; shapes that every frame is made of need no table.
fn columns_of(cell: &Cell) -> usize {
    let symbol = cell.symbol();
    match symbol.as_bytes() {
        [] | [_] => 1,
        // U+2000 to U+2BFF without the emoji: lines, blocks, braille, arrows.
        [0xe2, second, _] if (0x94..=0xa3).contains(second) && !(0x98..=0x9d).contains(second) => 1,
        _ => text::width(symbol).max(1),
    }
}

/// What is written for a cell of so many columns. This is the one way to the terminal: whatever a name held that nobody
/// cleaned before ends here.
fn letter(cell: &Cell, columns: u8) -> Cow<'_, str> {
    let symbol = if cell.symbol().is_empty() { " " } else { cell.symbol() };
    if is_steady(symbol) {
        return Cow::Borrowed(symbol);
    }
    // A mark that begins a cell would be drawn on the letter before it.
    let cleaned = match symbol.chars().next() {
        Some(c) if text::is_mark(c) => Cow::Owned("?".to_owned()),
        _ => text::clean(symbol),
    };
    match cleaned {
        Cow::Borrowed(symbol) => Cow::Borrowed(symbol),
        Cow::Owned(cleaned) => {
            let columns = usize::from(columns);
            let mut letter = if text::width(&cleaned) <= columns { cleaned } else { "?".to_owned() };
            while text::width(&letter) < columns {
                letter.push(' ');
            }
            Cow::Owned(letter)
        }
    }
}

/// Letters on whose width every terminal agrees.
fn is_steady(symbol: &str) -> bool {
    match symbol.as_bytes() {
        [0x20..=0x7e] => true,
        // Latin and Greek without controls and marks, superscripts, lines, blocks, braille.
        [0xc2, 0xa0..=0xac | 0xae..=0xbf] | [0xc3..=0xcb, _] | [0xcd, 0xb0..=0xbf] | [0xce..=0xcf, _] => true,
        // General punctuation has zero-width and bidirectional characters among it.
        [0xe2, 0x80, third] => matches!(third, 0x90..=0xa7 | 0xaf..=0xbf),
        [0xe2, 0x81, third] => matches!(third, 0x80..=0x9f | 0xb0..=0xbf),
        [0xe2, second, _] => matches!(second, 0x82 | 0x94..=0x97 | 0xa0..=0xa3),
        _ => false,
    }
}

fn is_blank(cell: &Cell) -> bool {
    matches!(cell.symbol(), " " | "")
}

/// A blank as an erasure leaves it; `any`: an erasure leaves whatever background the pen has.
fn plain(c: &Cell, any: bool) -> bool {
    is_blank(c) && (any || c.bg == Color::Reset) && !c.modifier.intersects(SEEN_ON_BLANK)
}

/// True for a terminal of this name (`TERM`) that is known to erase in the background of the pen; inside tmux all do.
/// GNU screen erases in its own, kitty does not promise.
#[must_use]
pub fn erases_in_colour(term: &str, in_tmux: bool) -> bool {
    const EXACT: [&str; 5] = ["xterm", "xterm-256color", "xterm-direct", "linux", "st-256color"];
    const FAMILIES: [&str; 5] = ["tmux", "alacritty", "foot", "rxvt", "konsole"];
    in_tmux || EXACT.contains(&term) || FAMILIES.iter().any(|family| term.starts_with(family))
}

/// How many cells from here on become plain blanks of one background, up to the last that changes. Letters of two columns
/// in their place are left to the letter-wise way.
fn blanks_to_erase(before: &[ShownCell], after: &[Cell], any: bool) -> usize {
    let Some(bg) = after.first().map(|cell| cell.bg) else { return 0 };
    let run = before.iter().zip(after).take_while(|(b, a)| plain(a, any) && a.bg == bg && b.columns() == 1);
    run.enumerate().filter(|(_, (b, a))| !b.looks_like(a)).last().map_or(0, |(at, _)| at + 1)
}

/// Where the plain blanks at the end of a row begin.
fn blank_tail(row: &[Cell], any: bool) -> usize {
    let Some(bg) = row.last().map(|cell| cell.bg) else { return 0 };
    let tail = row.iter().rposition(|c| !plain(c, any) || c.bg != bg).map_or(0, |at| at + 1);
    // The second half of a wide letter is a blank cell that belongs to the letter.
    tail.max(tail.checked_sub(1).map_or(0, |last| last + columns_of(&row[last]))).min(row.len())
}

#[cfg(test)]
mod tests;
