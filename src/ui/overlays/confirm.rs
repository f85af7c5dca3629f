//! A question before something that cannot be taken back: it names every thing that it would be done to.

use crossterm::event::KeyCode;
use ratatui::layout::Rect;

use super::{Key, Overlay};
use crate::{
    state::State,
    text::width,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx},
        effect::{Command, Effect},
        theme::Role,
        widgets::{
            sheet::{Sheet, SheetLine},
            text::put_all,
        },
    },
};

/// The question.
pub struct Confirm {
    title: String,
    lines: Vec<SheetLine>,
    commands: Vec<Command>,
    sheet: Sheet,
}

impl Confirm {
    /// Asks whether `command` is to be carried out; `lines` name what it is done to.
    #[must_use]
    pub fn new(title: String, lines: Vec<SheetLine>, command: Command) -> Self {
        Confirm::of_all(title, lines, vec![command])
    }

    /// Asks whether all these `commands` are to be carried out.
    #[must_use]
    pub fn of_all(title: String, lines: Vec<SheetLine>, commands: Vec<Command>) -> Self {
        Confirm { title, lines, commands, sheet: Sheet::default() }
    }

    fn yes(&self) -> Vec<Effect> {
        std::iter::once(Effect::Close).chain(self.commands.iter().cloned().map(Effect::Do)).collect()
    }
}

impl Overlay for Confirm {
    fn title(&self, _state: &State) -> String {
        self.title.clone()
    }

    fn size(&self, _state: &State) -> (u16, u16) {
        let line = |l: &SheetLine| l.iter().map(|(text, _)| width(text)).sum::<usize>();
        let columns = self.lines.iter().map(line).max().unwrap_or(0).max(width(&self.title) + 4).clamp(40, 100);
        (columns as u16, u16::try_from(self.lines.len() + 2).unwrap_or(u16::MAX))
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let list = Rect { height: area.height.saturating_sub(2).max(1).min(area.height), ..area };
        self.sheet.draw(cx, list, canvas, &self.lines);
        if area.height > 1 {
            let (key, text) = (cx.theme.style(Role::Key), cx.theme.style(Role::Text));
            let pieces = [("y", key), (" yes   ", text), ("n", key), (" no", text)];
            put_all(canvas.buf, area.x, area.bottom() - 1, area.width, &pieces);
        }
    }

    fn is_question(&self) -> bool {
        true
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn key(&mut self, key: Key, _state: &State) -> Option<Vec<Effect>> {
        match key.code {
            KeyCode::Char('y' | 'Y') | KeyCode::Enter => Some(self.yes()),
            KeyCode::Char('n' | 'N' | 'q') | KeyCode::Esc => Some(vec![Effect::Close]),
            _ => None,
        }
    }

    fn act(&mut self, action: Action, _state: &State) -> Option<Vec<Effect>> {
        self.sheet.act(action).then(Vec::new)
    }
}
