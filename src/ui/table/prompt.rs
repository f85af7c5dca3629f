//! A line being typed in the footer: a search or a filter, with what was typed before and the place of a mistake.

use crossterm::event::{KeyCode, KeyModifiers};
use ratatui::layout::Rect;
use tui_input::{Input, InputRequest};

use super::filter::FilterError;
use crate::{
    text::width,
    ui::{
        canvas::{Canvas, DrawCx},
        ids::Key,
        theme::Role,
        widgets::text::{put, put_right, tint},
    },
};

/// The most lines that are remembered.
const REMEMBERED: usize = 50;

/// The longest line: what is typed or pasted beyond it is left out.
const LONGEST: usize = 1000;

/// What a key did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// The text is another now.
    Changed,
    /// The cursor moved, or nothing happened.
    Same,
    /// Enter.
    Accepted,
    /// Esc.
    Cancelled,
    /// Not for a line of text.
    NotMine,
}

/// The line.
#[derive(Debug)]
pub struct Prompt {
    label: &'static str,
    input: Input,
    /// Lines typed before, the newest last, and which one of them is shown.
    past: Vec<String>,
    back: usize,
    /// What is wrong with the text.
    pub error: Option<FilterError>,
}

impl Prompt {
    /// A line that begins as `text`; `past` are the lines typed before.
    #[must_use]
    pub fn new(label: &'static str, text: &str, past: Vec<String>) -> Self {
        Prompt { label, input: Input::new(text.to_owned()), past, back: 0, error: None }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.input.value()
    }

    /// A key as typed.
    pub fn key(&mut self, key: Key) -> Typed {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        let request = match key.code {
            KeyCode::Enter => return Typed::Accepted,
            KeyCode::Esc => return Typed::Cancelled,
            KeyCode::Up => return self.recall(true),
            KeyCode::Down => return self.recall(false),
            KeyCode::Char('h') if ctrl => InputRequest::DeletePrevChar,
            KeyCode::Char('w') if ctrl => InputRequest::DeletePrevWord,
            KeyCode::Char('u') if ctrl => InputRequest::DeleteFromStart,
            KeyCode::Char('k') if ctrl => InputRequest::DeleteTillEnd,
            KeyCode::Char('a') if ctrl => InputRequest::GoToStart,
            KeyCode::Char('e') if ctrl => InputRequest::GoToEnd,
            KeyCode::Char('b') if alt => InputRequest::GoToPrevWord,
            KeyCode::Char('f') if alt => InputRequest::GoToNextWord,
            KeyCode::Char(_) if !ctrl && !alt && self.is_full() => return Typed::Same,
            KeyCode::Char(c) if !ctrl && !alt => InputRequest::InsertChar(c),
            KeyCode::Backspace if alt || ctrl => InputRequest::DeletePrevWord,
            KeyCode::Backspace => InputRequest::DeletePrevChar,
            KeyCode::Delete => InputRequest::DeleteNextChar,
            KeyCode::Left if ctrl => InputRequest::GoToPrevWord,
            KeyCode::Right if ctrl => InputRequest::GoToNextWord,
            KeyCode::Left => InputRequest::GoToPrevChar,
            KeyCode::Right => InputRequest::GoToNextChar,
            KeyCode::Home => InputRequest::GoToStart,
            KeyCode::End => InputRequest::GoToEnd,
            _ => return Typed::NotMine,
        };
        match self.input.handle(request) {
            Some(change) if change.value => Typed::Changed,
            _ => Typed::Same,
        }
    }

    /// Pasted text, put in at once and up to the longest line; line ends and other control characters are left out.
    pub fn paste(&mut self, text: &str) -> Typed {
        let mut changed = Typed::Same;
        for c in text.chars().filter(|c| !c.is_control()) {
            if self.is_full() {
                break;
            }
            self.input.handle(InputRequest::InsertChar(c));
            changed = Typed::Changed;
        }
        changed
    }

    fn is_full(&self) -> bool {
        self.text().len() >= LONGEST && self.text().chars().count() >= LONGEST
    }

    /// An older line, or a newer one; past the newest is an empty one.
    fn recall(&mut self, older: bool) -> Typed {
        let to = if older { (self.back + 1).min(self.past.len()) } else { self.back.saturating_sub(1) };
        if to == self.back {
            return Typed::Same;
        }
        self.back = to;
        let text = self.past.len().checked_sub(to).and_then(|i| self.past.get(i)).cloned().unwrap_or_default();
        self.input = Input::new(text);
        Typed::Changed
    }

    /// Draws the line with its cursor; `right` are quiet words at the other edge. A mistake is marked where it is.
    pub fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, right: &str) {
        if area.is_empty() {
            return;
        }
        let (buf, theme) = (&mut *canvas.buf, cx.theme);
        let y = area.y;
        let mut x = area.x + 1;
        x += put(buf, x, y, area.right().saturating_sub(x), self.label, theme.style(Role::Key)) + 1;
        let room = area.right().saturating_sub(x + 1);
        if room == 0 {
            return;
        }
        // The part of the text around its cursor.
        let scroll = self.input.visual_scroll(usize::from(room.saturating_sub(1)));
        let mut shown = String::new();
        let mut column = 0;
        let mut mark = None;
        for (i, c) in self.text().char_indices() {
            if column >= scroll {
                if self.error.as_ref().is_some_and(|e| e.at == i) {
                    mark = Some(width(&shown));
                }
                shown.push(c);
            }
            column += width(c.encode_utf8(&mut [0; 4]));
        }
        let used = put(buf, x, y, room, &shown, theme.style(Role::Strong));
        let at = |columns: usize| x.saturating_add(u16::try_from(columns).unwrap_or(u16::MAX));
        if let Some(error) = &self.error {
            let place = mark.map_or(at(usize::from(used)), at);
            tint(buf, Rect { x: place, y, width: 1, height: 1 }, theme.style(Role::Invalid));
            let words = format!("{} at {}: {error}", theme.glyphs.warn, error.column(self.text()));
            let from = x + used + 2;
            put(buf, from, y, area.right().saturating_sub(from), &words, theme.style(Role::Invalid));
        } else if usize::from(room.saturating_sub(used)) > width(right) + 3 {
            put_right(buf, area.right().saturating_sub(1), y, room, right, theme.style(Role::Dim));
        }
        let cursor = at(self.input.visual_cursor().saturating_sub(scroll));
        if let Some(cell) = buf.cell_mut((cursor, y)) {
            cell.modifier.insert(ratatui::style::Modifier::REVERSED);
        }
    }
}

/// Remembers `text` as the newest line.
pub fn remember(past: &mut Vec<String>, text: &str) {
    if text.trim().is_empty() {
        return;
    }
    past.retain(|p| p != text);
    past.push(text.to_owned());
    if past.len() > REMEMBERED {
        past.remove(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(prompt: &mut Prompt, code: KeyCode) -> Typed {
        prompt.key(Key::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn lines_typed_before_come_back_with_the_arrows() {
        let mut past = Vec::new();
        for line in ["a", "b", "", "a"] {
            remember(&mut past, line);
        }
        assert_eq!(past, ["b", "a"]);
        let mut prompt = Prompt::new("filter", "", past);
        assert_eq!(press(&mut prompt, KeyCode::Up), Typed::Changed);
        assert_eq!(prompt.text(), "a");
        press(&mut prompt, KeyCode::Up);
        assert_eq!(press(&mut prompt, KeyCode::Up), Typed::Same);
        assert_eq!(prompt.text(), "b");
        press(&mut prompt, KeyCode::Down);
        press(&mut prompt, KeyCode::Down);
        assert_eq!(prompt.text(), "");
    }

    #[test]
    fn a_paste_is_cut_at_the_longest_line() {
        let mut prompt = Prompt::new("search", "", Vec::new());
        assert_eq!(prompt.paste("\n"), Typed::Same);
        assert_eq!(prompt.paste("a\nb\u{1b}"), Typed::Changed);
        assert_eq!(prompt.text(), "ab");
        assert_eq!(prompt.paste(&"é".repeat(1 << 20)), Typed::Changed);
        assert_eq!(prompt.text().chars().count(), LONGEST);
        assert_eq!(press(&mut prompt, KeyCode::Char('x')), Typed::Same);
        assert_eq!(press(&mut prompt, KeyCode::Backspace), Typed::Changed);
        assert_eq!(press(&mut prompt, KeyCode::Char('x')), Typed::Changed);
    }

    #[test]
    fn text_is_edited_and_other_keys_are_left_to_the_map() {
        let mut prompt = Prompt::new("search", "", Vec::new());
        for c in "né日".chars() {
            assert_eq!(press(&mut prompt, KeyCode::Char(c)), Typed::Changed);
        }
        press(&mut prompt, KeyCode::Left);
        press(&mut prompt, KeyCode::Backspace);
        assert_eq!(prompt.text(), "n日");
        assert_eq!(prompt.key(Key::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), Typed::NotMine);
        assert_eq!(press(&mut prompt, KeyCode::F(10)), Typed::NotMine);
        assert_eq!(press(&mut prompt, KeyCode::Enter), Typed::Accepted);
        assert_eq!(press(&mut prompt, KeyCode::Esc), Typed::Cancelled);
    }

    #[test]
    fn control_keys_edit_the_line() {
        let typed = |keys: &str| {
            let mut prompt = Prompt::new("search", "one two", Vec::new());
            for key in keys.chars() {
                prompt.key(Key::new(KeyCode::Char(key), KeyModifiers::CONTROL));
            }
            prompt.text().to_owned()
        };
        assert_eq!(["h", "w", "u", "ak", "au", "aeh"].map(typed), ["one tw", "one ", "", "", "one two", "one tw"]);
    }
    #[test]
    fn quiet_words_need_room_beside_what_is_typed() {
        use crate::{state::State, ui::canvas::testing::drawn};
        let line = |width, text: &str| {
            let prompt = Prompt::new("search", text, Vec::new());
            drawn(&State::default(), (width, 1), |cx, area, canvas| prompt.draw(cx, area, canvas, "ab"))
                .lines()
                .concat()
        };
        assert_eq!((line(15, ""), line(14, "")), (" search     ab".into(), " search".to_owned()));
        assert_eq!((line(18, "xyz"), line(17, "xyz")), (" search xyz    ab".into(), " search xyz".to_owned()));
        assert_eq!((line(9, "xyz"), line(0, "xyz")), (" search".into(), String::new()));
    }

    #[test]
    fn a_mistake_is_marked_and_named_with_its_place() {
        use crate::{state::State, ui::canvas::testing::drawn};
        let mut prompt = Prompt::new("filter", "a )", Vec::new());
        prompt.error = super::super::filter::parse("a )").err();
        let drawn = drawn(&State::default(), (40, 1), |cx, area, canvas| prompt.draw(cx, area, canvas, "ab"));
        assert_eq!(drawn.line(), " filter a )  ▲ at 3: unmatched `)`");
        let roles = [(1, Role::Key), (8, Role::Strong), (10, Role::Invalid), (13, Role::Invalid)];
        roles.into_iter().for_each(|(x, role)| assert_eq!(drawn.role_at(x, 0), Some(role), "{x}"));
    }
}
