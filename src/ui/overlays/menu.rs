//! A list to choose one item from: a column to sort by, a user, a signal.

use crossterm::event::KeyCode;
use ratatui::layout::Rect;

use crate::{
    state::State,
    text::width,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx, Target},
        ids::Key,
        table::cursor::Cursor,
        theme::Role,
        view::{Effect, Overlay},
        widgets::text::{put, tint},
    },
};

/// Columns between a label and its words.
const GAP: u16 = 3;

/// What follows when an item is chosen.
type Then = Box<dyn Fn(&State) -> Vec<Effect>>;

/// One line of the list.
struct Item {
    label: String,
    doc: String,
    then: Then,
}

pub struct Menu {
    title: String,
    items: Vec<Item>,
    /// The settings that the choice is saved under; empty where there are none.
    saved: Vec<&'static str>,
    /// What is in force already.
    here: Option<usize>,
    cursor: Cursor<usize>,
    typed: String,
}

impl Menu {
    /// An empty list with this title.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        let cursor = Cursor::default();
        Menu { title: title.into(), items: Vec::new(), saved: Vec::new(), here: None, cursor, typed: String::new() }
    }

    /// Adds a line; `here` puts the cursor on it, `then` follows when it is chosen.
    pub fn add(
        &mut self,
        label: impl Into<String>,
        doc: impl Into<String>,
        here: bool,
        then: impl Fn(&State) -> Vec<Effect> + 'static,
    ) {
        self.items.push(Item { label: label.into(), doc: doc.into(), then: Box::new(then) });
        let at = self.cursor.position();
        self.cursor.settle(0..self.items.len());
        self.cursor.hold(if here { self.items.len() - 1 } else { at });
        if here {
            self.here = Some(self.items.len() - 1);
        }
    }

    /// The same list, which can save what is chosen under these settings.
    #[must_use]
    pub fn saving(mut self, saved: Vec<&'static str>) -> Self {
        self.saved = saved;
        self
    }

    /// Chooses, and saves the choice. What is in force already is not chosen again: that would turn an order around.
    fn save(&self, state: &State) -> Vec<Effect> {
        let mut effects = match self.cursor.selected() == self.here {
            true => vec![Effect::Close],
            false => self.choose(state),
        };
        effects.push(Effect::Save(self.saved.clone()));
        effects
    }

    fn choose(&self, state: &State) -> Vec<Effect> {
        let chosen = self.cursor.selected().and_then(|i| self.items.get(i));
        std::iter::once(Effect::Close).chain(chosen.into_iter().flat_map(|item| (item.then)(state))).collect()
    }

    fn label_width(&self) -> u16 {
        u16::try_from(self.items.iter().map(|i| width(&i.label)).max().unwrap_or(0)).unwrap_or(u16::MAX).min(40)
    }
}

impl Overlay for Menu {
    fn title(&self, _state: &State) -> String {
        self.title.clone()
    }

    fn size(&self, _state: &State) -> (u16, u16) {
        let docs = self.items.iter().map(|i| width(&i.doc)).max().unwrap_or(0);
        let columns = usize::from(self.label_width() + GAP) + docs;
        let columns = columns.max(width(&self.title) + 4).min(90);
        (columns as u16, u16::try_from(self.items.len()).unwrap_or(u16::MAX))
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let label = self.label_width();
        for (index, y) in self.cursor.window(usize::from(area.height)).zip(area.y..area.bottom()) {
            let Some(item) = self.items.get(index) else { continue };
            put(canvas.buf, area.x, y, area.width, &item.label, cx.theme.style(Role::Text));
            let x = area.x + label + GAP;
            put(canvas.buf, x, y, area.right().saturating_sub(x), &item.doc, cx.theme.style(Role::Dim));
            let row = Rect { y, height: 1, ..area };
            if index == self.cursor.position() {
                tint(canvas.buf, row, cx.theme.style(Role::Selected));
            }
            canvas.hit(row, Target::OverlayRow(index));
        }
    }

    /// Digits go to the line that begins with them, as signals are known by their numbers too.
    fn takes_text(&self) -> bool {
        true
    }

    fn key(&mut self, key: Key, _state: &State) -> Option<Vec<Effect>> {
        let KeyCode::Char(digit @ '0'..='9') = key.code else {
            self.typed.clear();
            return None;
        };
        self.typed.push(digit);
        let begins = |typed: &str| self.items.iter().position(|i| i.label.trim_start().starts_with(typed));
        let found = begins(&self.typed).or_else(|| {
            self.typed = digit.to_string();
            begins(&self.typed)
        });
        if let Some(index) = found {
            self.cursor.hold(index);
        }
        Some(Vec::new())
    }

    fn act(&mut self, action: Action, state: &State) -> Option<Vec<Effect>> {
        if action == Action::Top {
            self.cursor.hold(0);
            return Some(Vec::new());
        }
        if self.cursor.act(action) {
            return Some(Vec::new());
        }
        match action {
            Action::Open => Some(self.choose(state)),
            Action::Save if !self.saved.is_empty() => Some(self.save(state)),
            _ => None,
        }
    }

    fn click(&mut self, target: &Target, state: &State) -> Vec<Effect> {
        let Target::OverlayRow(index) = target else { return Vec::new() };
        self.cursor.hold(*index);
        self.choose(state)
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        let save = (!self.saved.is_empty()).then_some((Action::Save, "choose and save for the next start"));
        [(Action::Open, "choose"), (Action::Up, "up"), (Action::Down, "down")].into_iter().chain(save).collect()
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyModifiers;

    use super::*;
    use crate::{alert::Level, ui::canvas::testing::drawn};

    fn menu(here: Option<usize>) -> Menu {
        let mut menu = Menu::new("signal");
        for (at, (label, doc)) in
            [(" 1 HUP", "hang up"), ("15 TERM", "terminate"), ("18 CONT", "continue"), (" 9 KILL", "")]
                .into_iter()
                .enumerate()
        {
            menu.add(label, doc, here == Some(at), move |_| vec![Effect::Say(Level::Ok, label.trim().to_owned())]);
        }
        menu
    }

    /// What was chosen; whether the menu closes, and what is saved, are words too.
    fn words(effects: &[Effect]) -> Vec<String> {
        let words = |effect: &Effect| match effect {
            Effect::Say(_, words) => words.clone(),
            Effect::Close => "closes".to_owned(),
            Effect::Save(paths) => paths.join(" "),
            _ => "something else".to_owned(),
        };
        effects.iter().map(words).collect()
    }

    fn act(menu: &mut Menu, action: Action) -> Option<Vec<String>> {
        menu.act(action, &State::default()).map(|effects| words(&effects))
    }

    fn typed(menu: &mut Menu, keys: &str) -> Option<usize> {
        for key in keys.chars() {
            menu.key(Key::new(KeyCode::Char(key), KeyModifiers::NONE), &State::default());
        }
        menu.cursor.selected()
    }

    #[test]
    fn the_cursor_begins_on_what_is_in_force() {
        assert_eq!([None, Some(0), Some(2), Some(3)].map(|here| menu(here).cursor.selected()), [0, 0, 2, 3].map(Some));
        assert!(menu(None).takes_text());
    }

    #[test]
    fn an_item_is_chosen_by_key_or_click_and_then_the_menu_closes() {
        let mut menu = menu(Some(1));
        assert_eq!(act(&mut menu, Action::Open), Some(vec!["closes".into(), "15 TERM".into()]));
        assert_eq!(act(&mut menu, Action::Down), Some(vec![]));
        assert_eq!(act(&mut menu, Action::Open), Some(vec!["closes".into(), "18 CONT".into()]));
        assert_eq!(act(&mut menu, Action::Top), Some(vec![]));
        assert_eq!(act(&mut menu, Action::Open), Some(vec!["closes".into(), "1 HUP".into()]));
        assert_eq!((act(&mut menu, Action::Save), act(&mut menu, Action::Tree)), (None, None));
        let clicked = menu.click(&Target::OverlayRow(3), &State::default());
        assert_eq!(words(&clicked), ["closes", "9 KILL"]);
        assert!(menu.click(&Target::OverlayColumn("x"), &State::default()).is_empty());
    }

    #[test]
    fn a_choice_is_saved_and_one_in_force_is_not_made_again() {
        let mut menu = menu(Some(1)).saving(vec!["a", "b"]);
        assert_eq!(act(&mut menu, Action::Save), Some(vec!["closes".into(), "a b".into()]));
        act(&mut menu, Action::Up);
        assert_eq!(act(&mut menu, Action::Save), Some(vec!["closes".into(), "1 HUP".into(), "a b".into()]));
        let hints = |menu: &Menu| menu.hints().into_iter().map(|(_, words)| words).collect::<Vec<_>>();
        assert_eq!(hints(&menu), ["choose", "up", "down", "choose and save for the next start"]);
        assert_eq!(hints(&super::tests::menu(None)), ["choose", "up", "down"]);
    }

    #[test]
    fn digits_go_to_the_item_that_begins_with_them() {
        let mut menu = menu(None);
        assert_eq!([typed(&mut menu, "1"), typed(&mut menu, "8"), typed(&mut menu, "9")], [0, 2, 3].map(Some));
        assert_eq!(typed(&mut menu, "7"), Some(3), "none begins so");
        assert_eq!(typed(&mut menu, "1x5"), Some(0), "another key begins anew");
        let other = menu.key(Key::new(KeyCode::Char('x'), KeyModifiers::NONE), &State::default());
        assert!(other.is_none(), "it goes to the keymap");
        assert_eq!(typed(&mut menu, "15"), Some(1));
    }

    #[test]
    fn labels_and_words_stand_in_two_columns() {
        let menu = menu(Some(1));
        let drawn = drawn(&State::default(), (16, 3), |cx, area, canvas| menu.draw(cx, area, canvas));
        assert_eq!(drawn.lines(), [" 1 HUP    hang …", "15 TERM   termi…", "18 CONT   conti…"]);
        assert_eq!([0, 1].map(|y| drawn.role_at(1, y)), [Some(Role::Text), Some(Role::Selected)]);
        assert_eq!((drawn.role_of("hang"), drawn.role_at(15, 1)), (Some(Role::Dim), Some(Role::Selected)));
        let rows: Vec<_> = drawn.hits.iter().map(|(area, target)| (area.y, target.clone())).collect();
        assert_eq!(rows, [0, 1, 2].map(|at| (at, Target::OverlayRow(usize::from(at)))));
    }

    #[test]
    fn a_menu_is_as_large_as_what_it_lists() {
        let state = State::default();
        assert_eq!(menu(None).size(&state), (7 + 3 + 9, 4));
        let mut long = Menu::new("a title that is longer than its items");
        assert_eq!(long.size(&state), (41, 0));
        long.add("x".repeat(60), "", false, |_| Vec::new());
        assert_eq!(long.size(&state), (43, 1), "a label has 40 columns at most");
        long.add("y", "z".repeat(100), false, |_| Vec::new());
        assert_eq!(
            (long.size(&state), long.title(&state)),
            ((90, 2), "a title that is longer than its items".to_owned())
        );
    }
}
