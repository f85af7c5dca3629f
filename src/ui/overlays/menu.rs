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
