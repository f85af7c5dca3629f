//! Which columns a table shows, and in which order.

use std::rc::Rc;

use crossterm::event::KeyCode;
use ratatui::layout::Rect;

use crate::{
    state::State,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx, Target},
        ids::Key,
        table::{column::ColumnDef, cursor::Cursor},
        theme::Role,
        view::{Effect, Message, Overlay, To},
        widgets::text::{put, put_all, tint},
    },
};

/// Columns of a name.
const NAME: u16 = 16;

/// The chooser: what is shown comes first, in its order.
pub struct ColumnChooser {
    columns: Rc<[ColumnDef]>,
    /// Index and whether it is shown.
    order: Vec<(usize, bool)>,
    to: To,
    /// The setting that holds these columns; empty where none does.
    saved: Vec<&'static str>,
    cursor: Cursor<usize>,
}

impl ColumnChooser {
    /// Over `columns`, of which those at `chosen` are shown; `to` is notified of each change.
    #[must_use]
    pub fn new(columns: Rc<[ColumnDef]>, chosen: &[usize], to: To) -> Self {
        let shown = chosen.iter().map(|c| (*c, true));
        let rest = (0..columns.len()).filter(|c| !chosen.contains(c)).map(|c| (c, false));
        let order: Vec<(usize, bool)> = shown.chain(rest).collect();
        let mut cursor = Cursor::default();
        cursor.settle(0..order.len());
        cursor.hold(0);
        ColumnChooser { columns, order, to, saved: Vec::new(), cursor }
    }

    /// The same chooser, which can save them under this setting.
    #[must_use]
    pub fn saving(mut self, saved: Vec<&'static str>) -> Self {
        self.saved = saved;
        self
    }

    fn toggle(&mut self) -> Vec<Effect> {
        let at = self.cursor.position();
        let others = self.order.iter().enumerate().any(|(i, (_, on))| *on && i != at);
        if let Some((_, on)) = self.order.get_mut(at) {
            // One column always stays.
            *on = !*on || !others;
        }
        self.changed()
    }

    fn shift(&mut self, later: bool) -> Vec<Effect> {
        let at = self.cursor.position();
        let to = if later { at + 1 } else { at.wrapping_sub(1) };
        if at >= self.order.len() || to >= self.order.len() {
            return Vec::new();
        }
        self.order.swap(at, to);
        self.cursor.hold(to);
        self.changed()
    }

    fn changed(&self) -> Vec<Effect> {
        let ids = self.order.iter().filter(|(_, on)| *on).map(|(c, _)| self.columns[*c].id).collect();
        vec![Effect::Send(self.to, Message::Columns(ids))]
    }
}

impl Overlay for ColumnChooser {
    fn title(&self, _state: &State) -> String {
        "columns · space shows or hides, + - moves".to_owned()
    }

    fn size(&self, _state: &State) -> (u16, u16) {
        // The longest words about a column fit, on the narrowest screen too.
        (76, u16::try_from(self.order.len()).unwrap_or(u16::MAX))
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        for (index, y) in self.cursor.window(usize::from(area.height)).zip(area.y..area.bottom()) {
            let Some((column, on)) = self.order.get(index).and_then(|(c, on)| Some((self.columns.get(*c)?, *on)))
            else {
                continue;
            };
            let role = if on { Role::Text } else { Role::Dim };
            let pieces = [
                (if on { "[x] " } else { "[ ] " }, cx.theme.style(role)),
                (column.id, cx.theme.style(if on { Role::Strong } else { Role::Dim })),
            ];
            put_all(canvas.buf, area.x, y, area.width, &pieces);
            let x = area.x + 4 + NAME;
            put(canvas.buf, x, y, area.right().saturating_sub(x), column.doc, cx.theme.style(Role::Dim));
            let row = Rect { y, height: 1, ..area };
            if index == self.cursor.position() {
                tint(canvas.buf, row, cx.theme.style(Role::Selected));
            }
            canvas.hit(row, Target::OverlayRow(index));
        }
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn key(&mut self, key: Key, _state: &State) -> Option<Vec<Effect>> {
        match key.code {
            KeyCode::Char(' ') => Some(self.toggle()),
            KeyCode::Char('+' | '=' | ']') => Some(self.shift(true)),
            KeyCode::Char('-' | '[') => Some(self.shift(false)),
            _ => None,
        }
    }

    fn act(&mut self, action: Action, _state: &State) -> Option<Vec<Effect>> {
        match action {
            Action::Open | Action::Columns => Some(vec![Effect::Close]),
            Action::Save if !self.saved.is_empty() => Some(vec![Effect::Save(self.saved.clone())]),
            Action::Top => {
                self.cursor.hold(0);
                Some(Vec::new())
            }
            _ => self.cursor.act(action).then(Vec::new),
        }
    }

    fn click(&mut self, target: &Target, _state: &State) -> Vec<Effect> {
        let Target::OverlayRow(index) = target else { return Vec::new() };
        self.cursor.hold(*index);
        self.toggle()
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        let save = (!self.saved.is_empty()).then_some((Action::Save, "save for the next start"));
        [(Action::Open, "done")].into_iter().chain(save).collect()
    }
}
