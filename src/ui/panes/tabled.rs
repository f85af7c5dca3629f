//! Panes that are one table: filter, search, order, cursor, clicks and the drawing of rows, written once. What is listed,
//! and what stands in a cell, is the table's own.

mod essentials;
mod list;
mod steady;

use std::collections::HashSet;

use ratatui::layout::Rect;

use crate::{
    alert::Level,
    config::{Settings, settings::TableSettings},
    model::source::SourceId,
    state::State,
    ui::{
        action::{Action, Context},
        canvas::{Canvas, DrawCx, Target},
        ids::{Key, PaneId, RowKey},
        table::{
            column::{CellCx, Columns},
            grid::Grid,
            place::{Need, Placed},
        },
        theme::Role,
        view::{Effect, Message, Overlay, Pane, Room, Rows, Shown, To},
        widgets::{
            notice::{dim_when_stale, notice},
            text::{put, put_char, tint},
        },
    },
};
use list::{Line, List};

/// One kind of table: what it lists and how.
pub trait Tabled: Columns {
    /// Its pane.
    const PANE: PaneId;
    /// Where its rows come from.
    const SOURCE: SourceId;
    /// What one row is called: `container`.
    const THING: &'static str;
    /// Several rows can be tagged and acted on at once.
    const TAGS: bool = false;
    /// What a group is called: `project`; empty where rows have none.
    const GROUP: &'static str = "";

    /// How many rows there are before the filter.
    fn count(state: &State) -> usize;

    /// The row at `index`, which is below [`Tabled::count`].
    fn row(state: &State, index: usize) -> Self::Row<'_>;

    /// Its name for the cursor.
    fn key(state: &State, index: usize) -> RowKey;

    /// The view that Enter opens.
    fn detail(state: &State, index: usize) -> Box<dyn Overlay>;

    /// Its part of the settings, and whether its rows begin in groups.
    fn settings(_settings: &mut Settings) -> Option<(&mut TableSettings, Option<&mut bool>)> {
        None
    }

    /// Lines above the heads: what is wrong with where the rows come from.
    fn notes(_state: &State) -> Vec<(Level, String)> {
        Vec::new()
    }

    /// What stands in place of rows when there are none.
    fn nothing(_state: &State) -> &'static str {
        "none"
    }

    /// The quiet words in the border.
    fn summary(state: &State) -> String;

    /// The group that a row belongs to.
    fn group(_state: &State, _index: usize) -> Option<&str> {
        None
    }

    /// The room it would like, as [`Pane::rows`].
    fn rows(state: &State) -> Option<Rows>;

    /// What brings a row among the essentials: how it fares, then how much it weighs. `None` where the order of the list
    /// is the one of need already.
    fn weight(_state: &State, _index: usize) -> Option<(Level, f64)> {
        None
    }

    /// Fills rows that the table leaves, when a neighbour is the taller one.
    fn below(_cx: &DrawCx<'_>, _area: Rect, _canvas: &mut Canvas<'_>) {}

    /// The words at the right end of the essentials' head: `12 of 13 up`.
    fn tally(_state: &State) -> String {
        String::new()
    }

    /// What a key does to the rows chosen, beside what all tables do; `None` when the key means nothing here.
    fn act(_action: Action, _state: &State, _settings: &Settings, _chosen: &[usize]) -> Option<Vec<Effect>> {
        None
    }

    /// What the footer offers beside the table's own.
    fn hints() -> Vec<(Action, &'static str)> {
        Vec::new()
    }
}

/// A grid whose rows are named by [`RowKey`].
pub type TableGrid = Grid<RowKey>;

/// The pane of one table.
pub struct TablePane<T> {
    grid: TableGrid,
    list: List,
    /// The grid's revision that it was made at.
    made_at: Option<u64>,
    grouped: bool,
    folded: HashSet<RowKey>,
    tags: HashSet<RowKey>,
    /// The longest text of each column of words.
    longest: Vec<Option<u16>>,
    table: std::marker::PhantomData<T>,
}

impl<T: Tabled> TablePane<T> {
    /// A table as the settings want it to begin, with its rows in groups or without.
    #[must_use]
    pub fn new(settings: &TableSettings, grouped: bool) -> Self {
        TablePane {
            grid: Grid::begin(T::defs(), To::Pane(T::PANE), settings),
            list: List::default(),
            made_at: None,
            grouped,
            folded: HashSet::new(),
            tags: HashSet::new(),
            longest: Vec::new(),
            table: std::marker::PhantomData,
        }
    }

    /// Measures the texts of the columns whose width follows them.
    fn measure(&mut self, state: &State) {
        self.longest.clear();
        self.longest.extend(T::COLUMNS.iter().map(|column| column.is_measured().then_some(0)));
        for index in 0..T::count(state) {
            let row = T::row(state, index);
            for (column, longest) in T::COLUMNS.iter().zip(&mut self.longest) {
                if let Some(longest) = longest {
                    *longest = (*longest).max(column.measure(&row));
                }
            }
        }
        if let Some(Some(first)) = self.longest.first_mut() {
            *first = first.saturating_add(if self.grouped { 2 } else { 0 });
        }
    }

    /// What the rows say about the columns.
    fn with_need<R>(&self, state: &State, of: impl FnOnce(&Need<'_>) -> R) -> R {
        let longest = |column: usize| self.longest.get(column).copied().flatten();
        let keep = |column: usize| T::COLUMNS[column].keep.is_some_and(|keep| keep(state));
        of(&Need { longest: &longest, keep: &keep })
    }

    /// The columns that there is room for.
    fn columns(&self, state: &State, width: u16) -> Vec<Placed> {
        self.with_need(state, |need| self.grid.placed(width, need, |column| is_empty::<T>(state, column)))
    }

    /// The index of the row under the cursor.
    fn chosen(&self, state: &State) -> Option<usize> {
        self.list.row::<T>(state, self.grid.cursor.position())
    }

    /// What an act goes to: the tagged rows, else those of the group or the one row under the cursor.
    fn meant(&self, state: &State) -> Vec<usize> {
        let tagged: Vec<usize> =
            (0..T::count(state)).filter(|index| self.tags.contains(&T::key(state, *index))).collect();
        if !tagged.is_empty() {
            return tagged;
        }
        match self.list.group(self.grid.cursor.position()) {
            Some(group) if T::TAGS => group.members.iter().copied().filter(|i| *i < T::count(state)).collect(),
            _ => self.chosen(state).into_iter().collect(),
        }
    }

    fn open(&mut self, state: &State) -> Vec<Effect> {
        if self.list.group(self.grid.cursor.position()).is_some() {
            self.fold();
            return Vec::new();
        }
        self.chosen(state).map(|index| Effect::Open(T::detail(state, index))).into_iter().collect()
    }

    /// Folds the group under the cursor away, or unfolds it; on a row, its own group.
    fn fold(&mut self) {
        let at = self.grid.cursor.position();
        let Some(key) = (0..=at).rev().find_map(|at| self.list.group(at)).map(|group| group.key) else { return };
        let inside = matches!(self.list.lines.get(at), Some(Line::Row { inside: true, .. } | Line::Group(_)));
        if inside && !self.folded.remove(&key) {
            self.folded.insert(key);
        }
    }

    fn fold_all(&mut self) {
        match self.folded.is_empty() {
            true => self.folded.extend(self.list.groups.iter().map(|group| group.key)),
            false => self.folded.clear(),
        }
    }

    fn tag(&mut self, state: &State) {
        let keys: Vec<RowKey> = match self.list.group(self.grid.cursor.position()) {
            Some(group) => group.members.iter().map(|index| T::key(state, *index)).collect(),
            None => self.chosen(state).map(|index| T::key(state, index)).into_iter().collect(),
        };
        let all = keys.iter().all(|key| self.tags.contains(key));
        for key in keys {
            if all {
                self.tags.remove(&key)
            } else {
                self.tags.insert(key)
            };
        }
        self.grid.cursor.act(Action::Down);
    }

    fn lines(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, placed: &[Placed]) {
        for (at, y) in self.grid.cursor.window(usize::from(area.height)).zip(area.y..area.bottom()) {
            self.line(cx, Rect { y, height: 1, ..area }, canvas, placed, at);
            let whole = Rect { x: area.x.saturating_sub(1), y, width: area.width + 2, height: 1 };
            self.grid.highlight(cx, canvas, whole, at);
        }
    }

    /// Draws the line at the place `at` of the list.
    fn line(&self, cx: &DrawCx<'_>, line: Rect, canvas: &mut Canvas<'_>, placed: &[Placed], at: usize) {
        let state = cx.state;
        let places = placed.iter().map(|p| (p.column, Rect { x: line.x + p.x, width: p.width, ..line }));
        let places = places.map(|(column, place)| (column, place.intersection(line))).filter(|(_, p)| !p.is_empty());
        let cell = CellCx { cx, line: None, needle: self.grid.needle(), branch: None, shift: 0 };
        if let Some(group) = self.list.group(at) {
            let there = |index: &&usize| **index < T::count(state);
            let rows: Vec<T::Row<'_>> = group.members.iter().filter(there).map(|index| T::row(state, *index)).collect();
            let glyphs = &cx.theme.glyphs;
            let sign = if group.folded { glyphs.folded } else { glyphs.unfolded };
            for (number, (column, place)) in places.enumerate() {
                if number > 0 {
                    T::COLUMNS[column].draw_together(&cell, place, canvas, &rows);
                    continue;
                }
                put_char(canvas.buf, place.x, place.y, sign, cx.theme.style(Role::Dim));
                let room = place.width.saturating_sub(2);
                put(canvas.buf, place.x + 2, place.y, room, &group.name, cx.theme.style(Role::Container));
            }
        } else if let Some(index) = self.list.row::<T>(state, at) {
            let row = T::row(state, index);
            let inside = matches!(self.list.lines.get(at), Some(Line::Row { inside: true, .. }));
            for (number, (column, place)) in places.enumerate() {
                let indent = if inside && number == 0 { 2.min(place.width) } else { 0 };
                let place = Rect { x: place.x + indent, width: place.width - indent, ..place };
                T::COLUMNS[column].draw(&cell, place, canvas, &row);
            }
            if self.tags.contains(&T::key(state, index)) {
                tint(canvas.buf, line, cx.theme.style(Role::Tagged));
            }
        }
        canvas.hit(line, Target::Row(T::PANE, at));
    }
}

impl<T: Tabled> Pane for TablePane<T> {
    fn refresh(&mut self, state: &State, _settings: &Settings) {
        self.made_at = Some(self.grid.revision());
        self.list.make::<T>(state, &self.grid, self.grouped, &self.folded);
        self.measure(state);
        self.grid.cursor.settle(self.list.keys::<T>(state));
        self.grid.seek(&self.list.holds::<T>(state));
        if !self.tags.is_empty() {
            let there: HashSet<RowKey> = (0..T::count(state)).map(|index| T::key(state, index)).collect();
            self.tags.retain(|key| there.contains(key));
        }
    }

    fn rows(&self, state: &State, _width: u16) -> Option<Rows> {
        let heads = u16::try_from(self.list.groups.len()).unwrap_or(u16::MAX);
        T::rows(state).map(|rows| Rows { want: rows.want.saturating_add(heads), ..rows })
    }

    fn zooms(&self) -> bool {
        true
    }

    fn opens(&self, state: &State) -> bool {
        let at = self.grid.cursor.position();
        self.list.group(at).is_some() || self.list.row::<T>(state, at).is_some()
    }

    fn info(&self, cx: &DrawCx<'_>) -> String {
        let mut words = Vec::new();
        if self.grid.is_filtered() {
            words.push(format!("{} of {}", self.list.kept, T::count(cx.state)));
            words.push(format!("filter {}", self.grid.filter_text()));
        }
        if !self.tags.is_empty() {
            words.push(format!("{} tagged", self.tags.len()));
        }
        if self.grouped {
            words.push(format!("by {}", T::GROUP));
        }
        words.push(T::summary(cx.state));
        words.join(" · ")
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        if area.is_empty() || notice(cx, area, canvas, T::SOURCE) {
            return;
        }
        let mut y = area.y;
        for (level, line) in T::notes(cx.state).into_iter().take(usize::from(area.height)) {
            put(canvas.buf, area.x, y, area.width, &line, cx.theme.level(level));
            y += 1;
        }
        let area = Rect { y, height: area.bottom() - y, ..area };
        if area.is_empty() {
            return;
        }
        if T::count(cx.state) == 0 {
            put(canvas.buf, area.x, area.y, area.width, T::nothing(cx.state), cx.theme.style(Role::Dim));
            return;
        }
        let placed = self.columns(cx.state, area.width);
        let head = Rect { height: 1, ..area };
        self.grid.header(cx, head, canvas, &placed, |id| Target::Column(T::PANE, id));
        let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
        self.lines(cx, body, canvas, &placed);
        let used = u16::try_from(self.list.lines.len()).unwrap_or(u16::MAX).min(body.height);
        T::below(cx, Rect { y: body.y + used, height: body.height - used, ..body }, canvas);
        if self.list.lines.is_empty() && body.height > 0 {
            let words = format!("no {} fits the filter", T::THING);
            put(canvas.buf, body.x, body.y, body.width, &words, cx.theme.style(Role::Dim));
        }
        dim_when_stale(cx, body, canvas, T::SOURCE);
    }

    fn lines(&self, state: &State) -> Option<Rows> {
        essentials::rows::<T>(state)
    }

    fn shown(&self, state: &State, room: Room) -> Shown {
        let heads = u16::try_from(T::notes(state).len()).unwrap_or(u16::MAX).saturating_add(1);
        let of = self.list.lines.len();
        let columns = match room.boxed {
            true => self.columns(state, room.width).len(),
            false => essentials::columns(self, state, room.width).len(),
        };
        Shown { things: of.min(usize::from(room.height.saturating_sub(heads))), of, columns }
    }

    fn least_width(&self, state: &State) -> Option<u16> {
        let all = self.with_need(state, |need| self.grid.least_width(need, |column| is_empty::<T>(state, column)));
        Some(all.saturating_add(4))
    }

    fn draw_compact(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        essentials::draw(self, cx, area, canvas);
    }

    fn act(&mut self, action: Action, state: &State, settings: &Settings) -> Option<Vec<Effect>> {
        // Keys may come faster than frames: what the one before changed is what this one means.
        if self.made_at != Some(self.grid.revision()) {
            self.refresh(state, settings);
        }
        let grouped = self.grouped && self.list.group(self.grid.cursor.position()).is_some();
        match action {
            Action::Open => return Some(self.open(state)),
            Action::Tag if T::TAGS => self.tag(state),
            Action::Untag if T::TAGS => self.tags.clear(),
            Action::Tree if !T::GROUP.is_empty() => self.grouped = !self.grouped,
            Action::Fold if self.grouped => self.fold(),
            Action::FoldAll if self.grouped => self.fold_all(),
            Action::Left | Action::Right if grouped => {
                let key = self.list.group(self.grid.cursor.position()).map_or(0, |group| group.key);
                if self.folded.contains(&key) == (action == Action::Right) {
                    self.fold();
                }
            }
            action => {
                if let Some(effects) = self.grid.act(action, &self.list.holds::<T>(state)) {
                    return Some(effects);
                }
                return T::act(action, state, settings, &self.meant(state));
            }
        }
        self.refresh(state, settings);
        Some(Vec::new())
    }

    fn context(&self) -> Context {
        Context::Things
    }

    fn takes_text(&self) -> bool {
        self.grid.takes_text()
    }

    fn key(&mut self, key: Key, state: &State) -> Option<Vec<Effect>> {
        self.grid.key(key, &self.list.holds::<T>(state))
    }

    fn paste(&mut self, text: &str, state: &State) {
        self.grid.paste(text, &self.list.holds::<T>(state));
    }

    fn footer(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) -> bool {
        let left = format!("{} of {}", self.list.kept, T::count(cx.state));
        self.grid.footer(cx, area, canvas, &left)
    }

    fn tell(&mut self, message: Message) {
        self.grid.tell(&message);
    }

    fn click(&mut self, target: &Target, state: &State) -> Vec<Effect> {
        match target {
            Target::Column(_, id) => self.grid.sort_by(id),
            Target::Row(_, at) => {
                let again = self.grid.cursor.is_held() && self.grid.cursor.position() == *at;
                self.grid.cursor.hold(*at);
                if again {
                    return self.open(state);
                }
            }
            _ => {}
        }
        Vec::new()
    }

    fn settle(&self, settings: &mut Settings) {
        let Some((table, grouped)) = T::settings(settings) else { return };
        self.grid.settle(table);
        if let Some(grouped) = grouped {
            *grouped = self.grouped;
        }
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        let own = [(Action::Search, "search"), (Action::Filter, "filter"), (Action::SortMenu, "sort")];
        let group = (!T::GROUP.is_empty()).then_some((Action::Tree, "group"));
        T::hints().into_iter().chain(group).chain(own).collect()
    }
}

/// True for a column that has nothing to show on this machine.
fn is_empty<C: Columns>(state: &State, column: usize) -> bool {
    C::COLUMNS.get(column).and_then(|column| column.empty).is_some_and(|empty| empty(state))
}

/// A key out of a name: the same name is the same row.
#[must_use]
pub fn key_of(name: &str) -> RowKey {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}
