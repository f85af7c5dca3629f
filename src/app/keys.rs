//! The terminal's bytes as keys, clicks and pasted text (ECMA-48, xterm's ctlseqs). Nothing that comes in can hold it
//! up: a sequence or a paste that is never finished is given up after a while, and what it keeps has a limit.

use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

const ESC: u8 = 0x1b;
const PASTE_BEGINS: &[u8] = b"\x1b[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";
/// The most of a paste that is kept: a search or a filter takes far less.
const MOST_PASTED: usize = 64 << 10;
/// No key is longer; a longer sequence is no key.
const LONGEST: usize = 4096;
/// The rest of a sequence comes at once, also over a slow line.
const SEQUENCE_WAIT: Duration = Duration::from_millis(100);
/// A paste of which nothing came for so long is over.
const PASTE_WAIT: Duration = Duration::from_secs(1);
/// Pieces of a paste are larger than what a hand types while it waits for the end of a broken one.
const TYPED_BY_HAND: usize = 8;

/// A decoder of one terminal's input.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The beginning of a sequence.
    pending: Vec<u8>,
    paste: Option<Paste>,
}

#[derive(Debug, Default)]
struct Paste {
    kept: Vec<u8>,
    /// How many bytes of [`PASTE_ENDS`] came last.
    matched: usize,
}

/// What the beginning of some bytes means.
enum Step {
    /// This, of so many bytes; `None`: nothing that anybody wants.
    Done(Option<Event>, usize),
    /// It is not all there.
    Partial,
    Paste,
}

impl Decoder {
    /// Takes in what was read at once and puts what it means into `out`.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        let mut held = std::mem::take(&mut self.pending);
        let mut rest = bytes;
        if !held.is_empty() {
            held.extend_from_slice(bytes);
            rest = &held;
        }
        while !rest.is_empty() {
            if let Some(paste) = &mut self.paste {
                let (taken, ended) = paste.take(rest);
                rest = &rest[taken..];
                if ended {
                    out.extend(self.paste.take().map(Paste::finish));
                }
                continue;
            }
            match step(rest) {
                Step::Done(event, length) => {
                    out.extend(event);
                    rest = &rest[length.max(1)..];
                }
                Step::Paste => {
                    self.paste = Some(Paste::default());
                    rest = &rest[PASTE_BEGINS.len()..];
                }
                // A lone Esc is the key: whatever begins with it comes in one piece.
                Step::Partial if rest == [ESC] => {
                    out.push(key(KeyCode::Esc, KeyModifiers::NONE));
                    return;
                }
                Step::Partial if rest.len() > LONGEST => return,
                Step::Partial => {
                    self.pending = rest.to_vec();
                    return;
                }
            }
        }
    }

    /// How long to wait for the rest of what began; `None` when nothing did.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        match (&self.paste, self.pending.is_empty()) {
            (Some(_), _) => Some(PASTE_WAIT),
            (None, false) => Some(SEQUENCE_WAIT),
            (None, true) => None,
        }
    }

    /// True when so many bytes are no sign that what is awaited still comes.
    #[must_use]
    pub fn is_by_hand(&self, count: usize) -> bool {
        self.paste.is_some() && count <= TYPED_BY_HAND
    }

    /// The rest did not come: what was begun is over.
    pub fn give_up(&mut self, out: &mut Vec<Event>) {
        out.extend(self.paste.take().map(Paste::finish));
        // Esc and a letter that begins longer sequences too.
        if let [ESC, letter @ 0x20..=0x7e] = self.pending.drain(..).as_slice() {
            out.push(key(KeyCode::Char(char::from(*letter)), KeyModifiers::ALT));
        }
    }
}

impl Paste {
    /// Takes bytes up to the end of the paste: how many, and whether it ended.
    fn take(&mut self, bytes: &[u8]) -> (usize, bool) {
        for (at, byte) in bytes.iter().enumerate() {
            if *byte == PASTE_ENDS[self.matched] {
                self.matched += 1;
                if self.matched == PASTE_ENDS.len() {
                    return (at + 1, true);
                }
                continue;
            }
            // What looked like the end was text; the end begins with its only Esc.
            self.keep(&PASTE_ENDS[..self.matched]);
            self.matched = usize::from(*byte == ESC);
            if self.matched == 0 {
                self.keep(&[*byte]);
            }
        }
        (bytes.len(), false)
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = MOST_PASTED - self.kept.len();
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn finish(self) -> Event {
        Event::Paste(String::from_utf8_lossy(&self.kept).into_owned())
    }
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}

/// What `bytes` begin with; they are not empty.
fn step(bytes: &[u8]) -> Step {
    match bytes {
        [ESC] => Step::Partial,
        [ESC, ESC, ..] => Step::Done(Some(key(KeyCode::Esc, KeyModifiers::NONE)), 1),
        [ESC, b'[', ..] => control_sequence(bytes),
        [ESC, b'O', ..] => match bytes.get(2) {
            None => Step::Partial,
            Some(letter) => Step::Done(named(*letter).map(|code| key(code, KeyModifiers::NONE)), 3),
        },
        [ESC, b']' | b'P' | b'_', ..] => answer(bytes),
        [ESC, rest @ ..] => match plain(rest) {
            Step::Done(Some(Event::Key(pressed)), length) => {
                Step::Done(Some(key(pressed.code, pressed.modifiers | KeyModifiers::ALT)), length + 1)
            }
            Step::Done(event, length) => Step::Done(event, length + 1),
            other => other,
        },
        _ => plain(bytes),
    }
}

/// A key that is one character.
fn plain(bytes: &[u8]) -> Step {
    let Some(&first) = bytes.first() else { return Step::Partial };
    let (code, modifiers) = match first {
        // Some terminals and every unbracketed paste end a line with a line feed.
        b'\r' | b'\n' => (KeyCode::Enter, KeyModifiers::NONE),
        b'\t' => (KeyCode::Tab, KeyModifiers::NONE),
        0x7f => (KeyCode::Backspace, KeyModifiers::NONE),
        0 => (KeyCode::Char(' '), KeyModifiers::CONTROL),
        1..=0x1a => (KeyCode::Char(char::from(first - 1 + b'a')), KeyModifiers::CONTROL),
        0x1c..=0x1f => (KeyCode::Char(char::from(first - 0x1c + b'4')), KeyModifiers::CONTROL),
        _ => return letter(bytes),
    };
    Step::Done(Some(key(code, modifiers)), 1)
}

/// One letter of UTF-8; bytes that are none are passed over.
fn letter(bytes: &[u8]) -> Step {
    let length = match bytes[0] {
        ..0x80 => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Step::Done(None, 1),
    };
    let there = &bytes[..bytes.len().min(length)];
    match std::str::from_utf8(there) {
        Ok(text) => {
            let pressed = text.chars().next().map(|c| {
                let shift = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
                key(KeyCode::Char(c), shift)
            });
            Step::Done(pressed, length)
        }
        Err(error) if error.error_len().is_none() => Step::Partial,
        Err(_) => Step::Done(None, 1),
    }
}

/// An answer to a question that another program asked (a colour, a setting): passed over to its end.
fn answer(bytes: &[u8]) -> Step {
    for (at, byte) in bytes.iter().enumerate().skip(2) {
        match byte {
            7 => return Step::Done(None, at + 1),
            &ESC if bytes.get(at + 1) == Some(&b'\\') => return Step::Done(None, at + 2),
            _ => {}
        }
    }
    Step::Partial
}

/// `ESC [` parameters, intermediates, one final byte.
fn control_sequence(bytes: &[u8]) -> Step {
    match bytes.get(2) {
        // The Linux console's F1 to F5.
        Some(b'[') => {
            return match bytes.get(3) {
                None => Step::Partial,
                Some(letter @ b'A'..=b'E') => {
                    Step::Done(Some(key(KeyCode::F(1 + letter - b'A'), KeyModifiers::NONE)), 4)
                }
                Some(_) => Step::Done(None, 3),
            };
        }
        // Reports of the mouse in their oldest form: three bytes more.
        Some(b'M') => {
            return match bytes.get(3..6) {
                None => Step::Partial,
                Some(at) => {
                    let place = |byte: u8| u16::from(byte.saturating_sub(33));
                    Step::Done(mouse(at[0].wrapping_sub(32), place(at[1]), place(at[2]), false), 6)
                }
            };
        }
        _ => {}
    }
    let Some(end) = bytes.iter().skip(2).position(|b| !(0x20..=0x3f).contains(b)).map(|at| at + 2) else {
        return Step::Partial;
    };
    if !(0x40..=0x7e).contains(&bytes[end]) {
        // Cut off: what comes next is read for itself.
        return Step::Done(None, end);
    }
    if bytes.starts_with(PASTE_BEGINS) {
        return Step::Paste;
    }
    let parameters = std::str::from_utf8(&bytes[2..end]).unwrap_or_default();
    Step::Done(sequence(parameters, bytes[end]), end + 1)
}

fn sequence(parameters: &str, last: u8) -> Option<Event> {
    if let Some(clicked) = parameters.strip_prefix('<') {
        let mut numbers = clicked.split(';').map(|n| n.parse::<u16>().ok());
        let (button, x, y) = (numbers.next()??, numbers.next()??, numbers.next()??);
        let released = last == b'm';
        return mouse(u8::try_from(button).ok()?, x.saturating_sub(1), y.saturating_sub(1), released);
    }
    // A parameter may have parts; the first is the value.
    let mut numbers = parameters.split(';').map(|n| n.split(':').next().and_then(|n| n.parse::<u32>().ok()));
    let first = numbers.next().flatten();
    let held = modifiers(numbers.next().flatten().unwrap_or(1));
    let code = match last {
        b'~' => tilde(first?)?,
        b'u' => match char::from_u32(first?)? {
            '\r' => KeyCode::Enter,
            '\t' => KeyCode::Tab,
            '\u{1b}' => KeyCode::Esc,
            '\u{7f}' => KeyCode::Backspace,
            c => KeyCode::Char(c),
        },
        b'Z' => return Some(key(KeyCode::BackTab, held | KeyModifiers::SHIFT)),
        // Another number before the letter is an answer: of the cursor, for one.
        letter => named(letter).filter(|_| first.is_none_or(|n| n == 1))?,
    };
    Some(key(code, held))
}

/// Keys that have a letter of their own.
fn named(letter: u8) -> Option<KeyCode> {
    Some(match letter {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'P'..=b'S' => KeyCode::F(1 + letter - b'P'),
        _ => return None,
    })
}

/// Keys that have a number.
fn tilde(number: u32) -> Option<KeyCode> {
    let number = u8::try_from(number).ok()?;
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number - 10),
        17..=21 => KeyCode::F(number - 11),
        23..=26 => KeyCode::F(number - 12),
        28 | 29 => KeyCode::F(number - 13),
        31..=34 => KeyCode::F(number - 14),
        _ => return None,
    })
}

/// Modifiers as xterm counts them, from 1.
fn modifiers(number: u32) -> KeyModifiers {
    let bits = number.saturating_sub(1);
    let mut held = KeyModifiers::NONE;
    for (bit, modifier) in [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)] {
        if bits & bit != 0 {
            held |= modifier;
        }
    }
    held
}

/// A report of the mouse: button and modifiers in one number.
fn mouse(report: u8, column: u16, row: u16, released: bool) -> Option<Event> {
    let number = (report & 0b11) | ((report & 0b1100_0000) >> 4);
    let button = match number {
        0 => MouseButton::Left,
        1 => MouseButton::Middle,
        _ => MouseButton::Right,
    };
    let kind = match (number, report & 0b10_0000 != 0) {
        (0..=2, false) if released => MouseEventKind::Up(button),
        (0..=2, false) => MouseEventKind::Down(button),
        (0..=2, true) => MouseEventKind::Drag(button),
        (3, false) => MouseEventKind::Up(MouseButton::Left),
        (3, true) => MouseEventKind::Moved,
        (4, _) => MouseEventKind::ScrollUp,
        (5, _) => MouseEventKind::ScrollDown,
        (6, _) => MouseEventKind::ScrollLeft,
        (7, _) => MouseEventKind::ScrollRight,
        _ => return None,
    };
    let mut held = KeyModifiers::NONE;
    for (bit, modifier) in [(4, KeyModifiers::SHIFT), (8, KeyModifiers::ALT), (16, KeyModifiers::CONTROL)] {
        if report & bit != 0 {
            held |= modifier;
        }
    }
    Some(Event::Mouse(MouseEvent { kind, column, row, modifiers: held }))
}

#[cfg(test)]
mod tests;
