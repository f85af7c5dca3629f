//! One open table: its lines, cursor, order, filter, tags and groups, and what keys and clicks do to them. A pane or an
//! overlay is its host and asks it; `draw` puts it on the screen.

use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
};

use super::{
    def::{Nest, TableDef},
    grid::{Grid, Sort},
    lines::{Folded, Line, LineKey, Lines, TableGrid},
    place::{Need, Placed, place},
};
use crate::{
    config::settings::TableSettings,
    interest::Interest,
    state::State,
    ui::{
        action::Action,
        canvas::Target,
        ids::{Key, PaneId},
        view::{Effect, Message, To},
    },
};

/// Columns that the stretching column moves with each step to the side.
const SIDEWAYS: u16 = 16;

/// What the rows say about a column; worked out with the list.
#[derive(Debug, Clone, Copy, Default)]
struct Fact {
    /// The length of its longest text, where its room follows that.
    longest: Option<u16>,
    /// It has nothing to show.
    empty: bool,
    /// It does not give way.
    keep: bool,
}

/// What a list was made from: the sources' round, how many rows there were, the revisions of the grid and of the table.
type MadeFrom = (u64, usize, u64, u64);

/// A table.
pub struct Table<T: TableDef> {
    /// Columns, order, filter, search and cursor.
    pub grid: TableGrid<T>,
    /// What keys of its own change.
    pub options: T::Options,
    /// The lines.
    pub list: Lines<T::Key>,
    /// Rows that are acted on together.
    pub tags: HashSet<T::Key>,
    /// Rows are below their parents or groups.
    pub nested: bool,
    /// Characters of the stretching column that are scrolled out at the left.
    pub shift: u16,
    /// The order of the form that is not on screen: list and tree have one each.
    other_sort: Sort,
    folded: Folded<T>,
    facts: Vec<Fact>,
    revision: u64,
    made_from: Option<MadeFrom>,
    /// The pane that shows it; an overlay otherwise.
    pane: Option<PaneId>,
    /// Where the columns were put for a width, so that a frame asks once.
    placed: RefCell<Option<(u16, Vec<Placed>)>>,
    /// The last frame showed a column that sources fill only for visible rows.
    shows_asked: Cell<bool>,
}

impl<T: TableDef> Table<T> {
    /// A table in this pane as the settings want it to begin.
    #[must_use]
    pub fn in_pane(pane: PaneId, settings: &TableSettings, nested: bool, options: T::Options) -> Self {
        let mut table = Table::of(Grid::begin(T::defs(), To::Pane(pane), settings), options);
        table.pane = Some(pane);
        if nested {
            table.nest();
        }
        table
    }

    /// A table over the whole screen, sorted by this column.
    #[must_use]
    pub fn on_screen(sort: &str, options: T::Options) -> Self {
        Table::of(Grid::new(T::defs(), To::Top, &[], sort), options)
    }

    fn of(grid: TableGrid<T>, options: T::Options) -> Self {
        Table {
            grid,
            options,
            list: Lines::default(),
            tags: HashSet::new(),
            nested: false,
            shift: 0,
            // A tree in the order of its first column, ids, keeps its rows in their places.
            other_sort: Sort { column: 0, greatest_first: false },
            folded: HashSet::new(),
            facts: Vec::new(),
            revision: 0,
            made_from: None,
            pane: None,
            placed: RefCell::default(),
            shows_asked: Cell::default(),
        }
    }

    /// Brings the list up to date; without news it stays as it is.
    pub fn update(&mut self, state: &State) {
        let from = (T::round(state), T::count(state), self.grid.revision(), self.revision);
        if self.made_from.replace(from) == Some(from) {
            return;
        }
        self.list.make::<T>(state, &self.options, &self.grid, self.nested, &self.folded);
        self.placed.take();
        self.facts = self.weigh(state);
        self.grid.cursor.settle(self.list.keys::<T>(state));
        self.grid.seek(&self.list.holds::<T>(state, &self.options));
        let folds_rows = T::NEST == Nest::Tree && !self.folded.is_empty();
        if !self.tags.is_empty() || folds_rows {
            let there: HashSet<T::Key> = (0..T::count(state)).map(|index| T::key(state, index)).collect();
            self.tags.retain(|key| there.contains(key));
            self.folded.retain(|key| key.row().is_none_or(|key| there.contains(&key)));
        }
    }

    /// What is listed changes by more than order and filter: the list is rebuilt.
    pub fn changed(&mut self) {
        self.revision += 1;
    }

    /// Asks the columns what they have to show, and measures texts that decide the width.
    fn weigh(&self, state: &State) -> Vec<Fact> {
        let fact = |column: &super::column::Column<T>| Fact {
            longest: match column.longest {
                Some(longest) => longest(state).map(|columns| u16::try_from(columns).unwrap_or(u16::MAX)),
                None => column.is_measured().then_some(0),
            },
            empty: column.empty.is_some_and(|empty| empty(state)),
            keep: column.keep.is_some_and(|keep| keep(state)),
        };
        let mut facts: Vec<Fact> = T::COLUMNS.iter().map(fact).collect();
        let measured = |column: &super::column::Column<T>| column.is_measured() && column.longest.is_none();
        if T::COLUMNS.iter().any(measured) {
            let cx = T::cx(state, &self.options);
            for row in (0..T::count(state)).map(|index| T::row(cx, index)) {
                for (column, fact) in T::COLUMNS.iter().zip(&mut facts).filter(|(column, _)| measured(column)) {
                    fact.longest = fact.longest.map(|longest| longest.max(column.measure(&row)));
                }
            }
        }
        if self.nested
            && let Some(Fact { longest: Some(longest), .. }) = facts.first_mut()
        {
            *longest = longest.saturating_add(2);
        }
        facts
    }

    fn with_need<R>(&self, of: impl FnOnce(&Need<'_>) -> R) -> R {
        let fact = |column: usize| self.facts.get(column).copied().unwrap_or_default();
        of(&Need { longest: &|column| fact(column).longest, keep: &|column| fact(column).keep })
    }

    fn is_empty(&self, column: usize) -> bool {
        self.facts.get(column).is_some_and(|fact| fact.empty)
    }

    /// The columns that there is room for.
    pub fn columns(&self, width: u16) -> Vec<Placed> {
        let mut known = self.placed.borrow_mut();
        if let Some((_, placed)) = known.as_ref().filter(|(at, _)| *at == width) {
            return placed.clone();
        }
        let placed = self.with_need(|need| self.grid.placed(width, need, |column| self.is_empty(column)));
        known.insert((width, placed)).1.clone()
    }

    /// The columns of its essentials that there is room for.
    pub fn essential_columns(&self, width: u16) -> Vec<Placed> {
        let essential = |column: &usize| T::COLUMNS[*column].def.essential && !self.is_empty(*column);
        let essential: Vec<usize> = (0..T::COLUMNS.len()).filter(essential).collect();
        self.with_need(|need| place(self.grid.columns(), &essential, width, need))
    }

    /// The width from which on every chosen column has a place.
    pub fn least_width(&self) -> u16 {
        self.with_need(|need| self.grid.least_width(need, |column| self.is_empty(column)))
    }

    /// The row of the line at a place, as long as it is there: a frame may be drawn before the list is brought up to date.
    #[must_use]
    pub fn row<'a>(&'a self, state: &'a State, at: usize) -> Option<T::Row<'a>> {
        let index = self.list.row(at)?.index();
        (index < T::count(state)).then(|| T::row(T::cx(state, &self.options), index))
    }

    /// The index of the row under the cursor.
    #[must_use]
    pub fn selected(&self) -> Option<usize> {
        self.list.row(self.grid.cursor.position()).map(|row| row.index())
    }

    /// What an operation goes to: the tagged rows, else those of the group or the one row under the cursor.
    #[must_use]
    pub fn targets(&self, state: &State) -> Vec<usize> {
        if !self.tags.is_empty() {
            return (0..T::count(state)).filter(|index| self.tags.contains(&T::key(state, *index))).collect();
        }
        match self.list.group(self.grid.cursor.position()) {
            Some(group) if T::TAGS => group.members.clone(),
            _ => self.selected().into_iter().collect(),
        }
    }

    /// True when all rows are listed, in the order of this column.
    #[must_use]
    pub fn is_plain(&self, sort: &str) -> bool {
        let by = self.grid.sort();
        let column = self.grid.columns().get(by.column);
        !self.grid.is_filtered() && column.is_some_and(|c| c.id == sort && c.greatest_first == by.greatest_first)
    }

    /// True when Enter does something.
    #[must_use]
    pub fn opens(&self) -> bool {
        self.list.lines.get(self.grid.cursor.position()).is_some()
    }

    fn open(&mut self, state: &State) -> Vec<Effect> {
        match self.selected() {
            Some(index) => T::open(state, index),
            None => {
                self.fold();
                Vec::new()
            }
        }
    }

    /// Rows below others, or all in one list.
    pub fn nest(&mut self) {
        self.nested = !self.nested;
        if T::NEST == Nest::Tree {
            let other = std::mem::replace(&mut self.other_sort, self.grid.sort());
            self.grid.swap_sort(other);
        }
        self.changed();
    }

    fn turn(&mut self, key: LineKey<T::Key>) {
        if !self.folded.remove(&key) {
            self.folded.insert(key);
        }
        self.changed();
    }

    /// Folds what is under the cursor away, or unfolds it; on a row of a group, its group.
    fn fold(&mut self) {
        let at = self.grid.cursor.position();
        let key = match self.list.lines.get(at) {
            Some(Line::Row(row)) if row.inside => {
                (0..at).rev().find_map(|at| self.list.group(at)).map(|group| LineKey::Group(group.key))
            }
            Some(Line::Row(_)) if T::NEST != Nest::Tree => None,
            _ => self.grid.cursor.selected(),
        };
        if let Some(key) = key {
            self.turn(key);
            // A row of the group is gone now: the same key again unfolds what it folded.
            if self.grid.cursor.selected() != Some(key) {
                self.grid.cursor.hold_key(key);
            }
        }
    }

    /// Folds all groups, or every branch but the outermost; unfolds all when some are folded.
    fn fold_all(&mut self, state: &State) {
        if self.folded.is_empty() {
            let inner = |line: &Line| match line {
                Line::Row(row) if row.branch.parent && row.branch.depth > 0 => {
                    Some(LineKey::Row(T::key(state, row.index())))
                }
                Line::Group(group) => self.list.groups.get(*group).map(|group| LineKey::Group(group.key)),
                Line::Row(_) => None,
            };
            self.folded = self.list.lines.iter().filter_map(inner).collect();
        } else {
            self.folded.clear();
        }
        self.changed();
    }

    /// Folds or unfolds, or goes to the parent; a flat list moves its stretching column. False: nothing to do.
    fn sideways(&mut self, right: bool, state: &State) -> bool {
        let at = self.grid.cursor.position();
        let (Some(key), Some(line), true) = (self.grid.cursor.selected(), self.list.lines.get(at), self.nested) else {
            if !T::SIDEWAYS {
                return false;
            }
            self.shift = match right {
                true => self.shift.saturating_add(SIDEWAYS).min(4096),
                false => self.shift.saturating_sub(SIDEWAYS),
            };
            return true;
        };
        let folded = match line {
            Line::Group(group) => self.list.groups.get(*group).map(|group| group.folded),
            Line::Row(row) => row.branch.parent.then(|| self.folded.contains(&key)),
        };
        match line {
            _ if folded == Some(right) => self.turn(key),
            Line::Row(row) if T::NEST == Nest::Tree && !right => {
                if let Some(parent) = T::parent(state, row.index()).filter(|parent| *parent < T::count(state)) {
                    self.grid.cursor.hold_key(LineKey::Row(T::key(state, parent)));
                }
            }
            Line::Row(_) if T::NEST != Nest::Tree => return false,
            _ => {}
        }
        true
    }

    /// Tags what is under the cursor, or takes its tag off, and goes to the next line.
    fn tag(&mut self, state: &State) {
        let indices = match self.list.group(self.grid.cursor.position()) {
            Some(group) => group.members.clone(),
            None => self.selected().into_iter().collect(),
        };
        let keys: Vec<T::Key> = indices.into_iter().map(|index| T::key(state, index)).collect();
        let all = keys.iter().all(|key| self.tags.contains(key));
        for key in keys {
            if all {
                self.tags.remove(&key);
            } else {
                self.tags.insert(key);
            }
        }
        self.grid.cursor.act(Action::Down);
    }

    /// What a key does to any table; `None`: nothing.
    pub fn act(&mut self, action: Action, state: &State) -> Option<Vec<Effect>> {
        // Keys may come faster than frames: what the one before changed is what this one means.
        self.update(state);
        match action {
            Action::Open => {
                let effects = self.open(state);
                self.update(state);
                return Some(effects);
            }
            Action::Tag if T::TAGS => self.tag(state),
            Action::Untag if T::TAGS => self.tags.clear(),
            Action::Tree if T::NEST != Nest::Flat => self.nest(),
            Action::Fold if self.nested => self.fold(),
            Action::FoldAll if self.nested => self.fold_all(state),
            Action::Left | Action::Right if self.sideways(action == Action::Right, state) => {}
            action => {
                let holds = self.list.holds::<T>(state, &self.options);
                return self.grid.act(action, &holds);
            }
        }
        self.update(state);
        Some(Vec::new())
    }

    /// A key of the line being typed.
    pub fn key(&mut self, key: Key, state: &State) -> Option<Vec<Effect>> {
        self.grid.key(key, &self.list.holds::<T>(state, &self.options))
    }

    /// Pasted text for the line being typed.
    pub fn paste(&mut self, text: &str, state: &State) {
        self.grid.paste(text, &self.list.holds::<T>(state, &self.options));
    }

    /// A click on one of its heads or lines; a second one on a line opens it.
    pub fn click(&mut self, target: &Target, state: &State) -> Vec<Effect> {
        match target {
            Target::Column(_, id) | Target::OverlayColumn(id) => self.grid.sort_by(id),
            Target::Row(_, at) | Target::OverlayRow(at) => {
                let again = self.grid.cursor.is_held() && self.grid.cursor.position() == *at;
                self.grid.cursor.hold(*at);
                if again {
                    return self.act(Action::Open, state).unwrap_or_default();
                }
            }
            _ => {}
        }
        Vec::new()
    }

    /// What was chosen in one of its menus; false when it was none of a table's.
    pub fn receive(&mut self, message: &Message) -> bool {
        self.grid.receive(message)
    }

    /// Writes columns and order into `settings`. A tree has an order of its own; the settings are about the list.
    pub fn settle(&self, settings: &mut TableSettings) {
        self.grid.settle(settings);
        if self.nested && T::NEST == Nest::Tree {
            self.grid.settle_order(settings, self.other_sort);
        }
    }

    /// Asks the sources for the columns that rows are sorted or filtered by; true when the visible rows are to be asked
    /// for too.
    pub fn asks(&self, want: &mut Interest) -> bool {
        for (index, column) in T::COLUMNS.iter().enumerate() {
            if let Some(ask) = column.asks.filter(|_| self.grid.depends_on(index)) {
                ask(want);
            }
        }
        self.shows_asked.get()
    }

    /// These columns are on the screen now.
    pub(super) fn shows(&self, placed: &[Placed]) {
        self.grid.saw(placed);
        self.shows_asked.set(placed.iter().any(|p| T::COLUMNS[p.column].asks.is_some()));
    }

    /// A click on the line at this place.
    pub(super) fn line_target(&self, at: usize) -> Target {
        self.pane.map_or(Target::OverlayRow(at), |pane| Target::Row(pane, at))
    }

    /// A click on the head of this column.
    pub(super) fn head_target(&self, id: &'static str) -> Target {
        self.pane.map_or(Target::OverlayColumn(id), |pane| Target::Column(pane, id))
    }

    /// True in a pane: its row under the cursor depends on the focus.
    pub(super) fn is_in_pane(&self) -> bool {
        self.pane.is_some()
    }
}
