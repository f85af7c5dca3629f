//! A pane that is one table.

use ratatui::layout::Rect;

use super::{core::Table, def::TableDef};
use crate::{
    alert::Level,
    config::{Settings, settings::TableSettings},
    interest::Interest,
    state::State,
    ui::{
        action::{Action, Context},
        canvas::{Canvas, DrawCx, Target},
        ids::{Key, PaneId},
        table::def::Nest,
        view::{Effect, Message, Pane, Room, Rows, Shown},
    },
};

/// Draws a table its own way.
pub type DrawTable<T> = fn(&Table<T>, &DrawCx<'_>, Rect, &mut Canvas<'_>);

/// What a table shows on a screen without boxes.
pub enum Compact<T: TableDef> {
    /// A few rows with the columns that matter.
    Essentials,
    /// All of it.
    Whole,
    /// So many lines, drawn by this.
    Drawn(fn(&Table<T>, &State) -> Option<Rows>, DrawTable<T>),
}

/// What a table is in a pane.
pub trait PaneTable: TableDef {
    /// Its pane.
    const PANE: PaneId;
    /// Which keys mean something on it.
    const CONTEXT: Context = Context::List;
    /// What it shows on a screen without boxes.
    const COMPACT: Compact<Self> = Compact::Essentials;
    /// Draws its box where that has no heads: the whole screen has them then.
    const BOX: Option<DrawTable<Self>> = None;
    /// What the footer offers first.
    const HINTS: &'static [(Action, &'static str)] = &[];

    /// Its part of the settings.
    fn settings(_settings: &mut Settings) -> Option<&mut TableSettings> {
        None
    }

    /// Writes into `settings` what else its keys have changed.
    fn settle(_table: &Table<Self>, _settings: &mut Settings) {}

    /// The room it would like, as [`Pane::rows`].
    fn rows(table: &Table<Self>, state: &State) -> Option<Rows>;

    /// The quiet words in the border.
    fn summary(table: &Table<Self>, cx: &DrawCx<'_>) -> String;

    /// The words before them: what the table leaves out.
    fn choice(table: &Table<Self>, state: &State) -> Vec<String> {
        let mut words = Vec::new();
        if table.grid.is_filtered() {
            words.push(Self::count_words(table, state));
            words.push(format!("filter {}", table.grid.filter_text()));
        }
        if !table.tags.is_empty() {
            words.push(format!("{} tagged", table.tags.len()));
        }
        if let Nest::Groups(group) = Self::NEST
            && table.nested
        {
            words.push(format!("by {group}"));
        }
        words
    }

    /// How many rows the filter leaves: `12 of 482`.
    fn count_words(table: &Table<Self>, state: &State) -> String {
        format!("{} of {}", table.list.kept, Self::count(state))
    }

    /// What brings a row among the essentials: its level, then how much it weighs. `None` where the order of the list is
    /// that of need already.
    fn weight(_state: &State, _index: usize) -> Option<(Level, f64)> {
        None
    }

    /// The words at the right end of the essentials' head: `12 of 13 up`.
    fn tally(_table: &Table<Self>, _state: &State) -> String {
        String::new()
    }

    /// Fills rows that the table leaves, when a neighbour is the taller one.
    fn below(_cx: &DrawCx<'_>, _area: Rect, _canvas: &mut Canvas<'_>) {}

    /// What another key does, beside what all tables do; `None` when it means nothing here.
    fn act(_table: &mut Table<Self>, _action: Action, _state: &State) -> Option<Vec<Effect>> {
        None
    }

    /// What was chosen in a menu that this table opened.
    fn receive(_table: &mut Table<Self>, _message: Message) {}

    /// What the footer offers.
    fn hints() -> Vec<(Action, &'static str)> {
        let nest = match Self::NEST {
            Nest::Flat => None,
            Nest::Groups(_) => Some((Action::Tree, "group")),
            Nest::Tree => Some((Action::Tree, "tree")),
        };
        let own = [(Action::Search, "search"), (Action::Filter, "filter"), (Action::SortMenu, "sort")];
        Self::HINTS.iter().copied().chain(nest).chain(own).collect()
    }

    /// Adds what it needs of the sources while on screen.
    fn want(table: &Table<Self>, want: &mut Interest) {
        table.asks(want);
    }
}

/// The pane of one table.
pub struct TablePane<T: TableDef> {
    table: Table<T>,
}

impl<T: PaneTable> TablePane<T> {
    /// As the settings want it to begin, with rows below others or without.
    #[must_use]
    pub fn new(settings: &TableSettings, nested: bool, options: T::Options) -> Self {
        TablePane { table: Table::in_pane(T::PANE, settings, nested, options) }
    }

    /// Of this table.
    #[must_use]
    pub fn of(table: Table<T>) -> Self {
        TablePane { table }
    }

    /// Places in the list, of rows alone, the worst and heaviest first.
    fn worst_first(&self, state: &State) -> Vec<usize> {
        let list = &self.table.list;
        let rows = (0..list.lines.len()).filter_map(|at| Some((at, list.row(at)?.index())));
        let rows = rows.filter(|(_, index)| *index < T::count(state));
        let mut order: Vec<_> = rows.map(|(at, index)| (at, T::weight(state, index).unwrap_or_default())).collect();
        order.sort_by(|(_, (level_a, a)), (_, (level_b, b))| level_b.cmp(level_a).then(b.total_cmp(a)));
        order.into_iter().map(|(at, _)| at).collect()
    }
}

impl<T: PaneTable> Pane for TablePane<T> {
    fn refresh(&mut self, state: &State, _settings: &Settings) {
        self.table.update(state);
    }

    fn rows(&self, state: &State, _width: u16) -> Option<Rows> {
        T::rows(&self.table, state)
    }

    fn zooms(&self) -> bool {
        true
    }

    fn opens(&self, _state: &State) -> bool {
        self.table.opens()
    }

    fn info(&self, cx: &DrawCx<'_>) -> String {
        let mut words = T::choice(&self.table, cx.state);
        words.push(T::summary(&self.table, cx));
        words.retain(|words| !words.is_empty());
        words.join(" · ")
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        match T::BOX {
            Some(draw) => draw(&self.table, cx, area, canvas),
            None => self.draw_zoomed(cx, area, canvas),
        }
    }

    fn draw_zoomed(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let below = self.table.draw(cx, area, canvas, "");
        if below.height > 0 {
            T::below(cx, below, canvas);
        }
    }

    fn lines(&self, state: &State) -> Option<Rows> {
        match T::COMPACT {
            Compact::Essentials => {}
            Compact::Whole => return Some(Rows { min: 2, want: u16::MAX }),
            Compact::Drawn(lines, _) => return lines(&self.table, state),
        }
        let count = u16::try_from(T::count(state)).unwrap_or(u16::MAX);
        let heads = u16::try_from(T::notes(state).len()).unwrap_or(u16::MAX).saturating_add(1);
        match count {
            0 => T::rows(&self.table, state).map(|_| Rows { min: 1, want: 1 }),
            count => Some(Rows { min: heads.saturating_add(1), want: heads.saturating_add(count) }),
        }
    }

    fn shown(&self, state: &State, room: Room) -> Shown {
        let of = self.table.list.lines.len();
        if T::BOX.is_some() {
            return Shown { items: of.min(usize::from(room.height)), of, columns: 0 };
        }
        let heads = u16::try_from(T::notes(state).len()).unwrap_or(u16::MAX).saturating_add(1);
        let columns = match (room.boxed, T::COMPACT) {
            (true, _) => self.table.columns(room.width),
            (false, Compact::Essentials) => self.table.essential_columns(room.width),
            (false, _) => self.table.columns(room.width.saturating_sub(2)),
        };
        Shown { items: of.min(usize::from(room.height.saturating_sub(heads))), of, columns: columns.len() }
    }

    fn least_width(&self, _state: &State) -> Option<u16> {
        let follows = T::BOX.is_none() && matches!(T::COMPACT, Compact::Essentials);
        follows.then(|| self.table.least_width().saturating_add(4))
    }

    fn draw_compact(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let tally = || T::tally(&self.table, cx.state);
        match T::COMPACT {
            Compact::Essentials => {
                let order = if cx.focused { Vec::new() } else { self.worst_first(cx.state) };
                self.table.draw_essentials(cx, area, canvas, &order, &T::summary(&self.table, cx), tally());
            }
            Compact::Whole => drop(self.table.draw(cx, area, canvas, &tally())),
            Compact::Drawn(_, draw) => draw(&self.table, cx, area, canvas),
        }
    }

    fn act(&mut self, action: Action, state: &State, _settings: &Settings) -> Option<Vec<Effect>> {
        self.table.act(action, state).or_else(|| T::act(&mut self.table, action, state))
    }

    fn context(&self) -> Context {
        T::CONTEXT
    }

    fn takes_text(&self) -> bool {
        self.table.grid.takes_text()
    }

    fn key(&mut self, key: Key, state: &State) -> Option<Vec<Effect>> {
        self.table.key(key, state)
    }

    fn paste(&mut self, text: &str, state: &State) {
        self.table.paste(text, state);
    }

    fn footer(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) -> bool {
        self.table.grid.footer(cx, area, canvas, &T::count_words(&self.table, cx.state))
    }

    fn receive(&mut self, message: Message) {
        if !self.table.receive(&message) {
            T::receive(&mut self.table, message);
        }
    }

    fn click(&mut self, target: &Target, state: &State) -> Vec<Effect> {
        self.table.click(target, state)
    }

    fn settle(&self, settings: &mut Settings) {
        if let Some(own) = T::settings(settings) {
            self.table.settle(own);
        }
        T::settle(&self.table, settings);
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        T::hints()
    }

    fn want(&self, want: &mut Interest, _state: &State) {
        T::want(&self.table, want);
    }
}
