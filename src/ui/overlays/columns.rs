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

#[cfg(test)]
mod tests {
    use crossterm::event::KeyModifiers;

    use super::*;
    use crate::ui::{canvas::testing::drawn, ids::PaneId};

    /// Of three columns the last and the first are shown.
    fn chooser() -> ColumnChooser {
        let column = |id, doc| ColumnDef { doc, ..ColumnDef::words(id, "", 4, 0) };
        let columns = [column("name", "its name"), column("user", ""), column("cpu", "share of a core")];
        ColumnChooser::new(Rc::new(columns), &[2, 0], To::Pane(PaneId::Processes))
    }

    fn sent(effects: Option<Vec<Effect>>) -> Option<Vec<&'static str>> {
        match effects?.pop()? {
            Effect::Send(To::Pane(PaneId::Processes), Message::Columns(ids)) => Some(ids),
            _ => None,
        }
    }

    fn press(chooser: &mut ColumnChooser, key: char) -> Option<Vec<&'static str>> {
        sent(chooser.key(Key::new(KeyCode::Char(key), KeyModifiers::NONE), &State::default()))
    }

    fn act(chooser: &mut ColumnChooser, action: Action) -> Option<Vec<Effect>> {
        chooser.act(action, &State::default())
    }

    #[test]
    fn what_is_shown_comes_first_in_its_order() {
        let chooser = chooser();
        let drawn = drawn(&State::default(), (32, 4), |cx, area, canvas| chooser.draw(cx, area, canvas));
        assert_eq!(drawn.lines(), ["[x] cpu             share of a …", "[x] name            its name", "[ ] user", ""]);
        assert_eq!(
            [(0, 0), (0, 1), (4, 1), (20, 1), (0, 2), (4, 2)].map(|(x, y)| drawn.role_at(x, y)),
            [Role::Selected, Role::Text, Role::Strong, Role::Dim, Role::Dim, Role::Dim].map(Some)
        );
        assert_eq!((chooser.size(&State::default()), drawn.hits.len()), ((76, 3), 3));
        assert!(chooser.takes_text());
    }

    #[test]
    fn a_column_is_shown_or_hidden_but_one_stays() {
        let mut chooser = chooser();
        assert_eq!(press(&mut chooser, ' '), Some(vec!["name"]));
        act(&mut chooser, Action::Down);
        assert_eq!(press(&mut chooser, ' '), Some(vec!["name"]), "the last one");
        act(&mut chooser, Action::Bottom);
        assert_eq!(press(&mut chooser, ' '), Some(vec!["name", "user"]));
        act(&mut chooser, Action::Top);
        let clicked = chooser.click(&Target::OverlayRow(0), &State::default());
        assert_eq!(sent(Some(clicked)), Some(vec!["cpu", "name", "user"]));
        assert!(chooser.click(&Target::OverlayColumn("cpu"), &State::default()).is_empty());
        assert_eq!(press(&mut chooser, 'x'), None);
    }

    #[test]
    fn a_column_moves_with_the_cursor_up_to_the_ends() {
        for later in ['+', '=', ']'] {
            for earlier in ['-', '['] {
                let mut chooser = chooser();
                assert_eq!(press(&mut chooser, earlier), None, "it is the first");
                assert_eq!(press(&mut chooser, later), Some(vec!["name", "cpu"]));
                assert_eq!(chooser.cursor.position(), 1);
                assert_eq!(press(&mut chooser, later), Some(vec!["name", "cpu"]), "after one that is hidden");
                assert_eq!((press(&mut chooser, later), chooser.cursor.position()), (None, 2));
                assert_eq!(press(&mut chooser, earlier), Some(vec!["name", "cpu"]));
                assert_eq!(press(&mut chooser, earlier), Some(vec!["cpu", "name"]));
            }
        }
    }

    #[test]
    fn it_closes_by_the_key_that_opened_it_and_can_save() {
        let mut chooser = chooser();
        for action in [Action::Open, Action::Columns] {
            assert!(matches!(act(&mut chooser, action).as_deref(), Some([Effect::Close])));
        }
        assert!(act(&mut chooser, Action::Save).is_none() && act(&mut chooser, Action::Tree).is_none());
        assert_eq!(chooser.hints(), [(Action::Open, "done")]);
        let mut saving = super::tests::chooser().saving(vec!["processes.columns"]);
        let saved = act(&mut saving, Action::Save);
        assert!(matches!(saved.as_deref(), Some([Effect::Save(paths)]) if *paths == ["processes.columns"]));
        assert_eq!(saving.hints(), [(Action::Open, "done"), (Action::Save, "save for the next start")]);
    }
}
