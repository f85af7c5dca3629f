//! The state of one table: which columns, in which order, what is filtered out, what is searched for, where the cursor is.
//! Its owner lists the rows and draws their cells; all that keys do to a table is here and in `typed`, once for every table.

#[cfg(test)]
mod tests;
mod typed;

use std::{cell::RefCell, rc::Rc};

use ratatui::layout::Rect;

use super::{
    column::{ColumnDef, write},
    cursor::Cursor,
    filter::{Fields, Filter},
    needle::{Found, Needle},
    place::{Need, Placed, least, place},
    prompt::Prompt,
};
use crate::{
    config::settings::TableSettings,
    state::State,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx, Target},
        ids::PaneId,
        overlays::{columns::ColumnChooser, menu::Menu},
        theme::Role,
        view::{Effect, Message, To},
        widgets::text::tint,
    },
};

/// The order of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// Index of the column.
    pub column: usize,
    /// The greatest, or the last of the alphabet, on top.
    pub greatest_first: bool,
}

/// What is being typed.
#[derive(Debug)]
enum Asked {
    /// With the row that had the cursor before, when one was held.
    Search { from: usize, held: bool },
    /// With the filter that was in force before.
    Filter { before: String },
}

/// A table's columns, order, filter, search and cursor.
#[derive(Debug)]
pub struct Grid<K> {
    columns: Rc<[ColumnDef]>,
    to: To,
    chosen: Vec<usize>,
    sort: Sort,
    filter_text: String,
    filter: Option<Filter>,
    needle: Option<Needle>,
    /// No row holds the needle so far; one that comes is gone to, as long as the cursor stays where it is.
    seeks: bool,
    asked: Option<(Asked, Prompt)>,
    filters: Vec<String>,
    searches: Vec<String>,
    revision: u64,
    /// The columns that the last frame had room for.
    in_sight: RefCell<Vec<usize>>,
    /// Cursor and scroll.
    pub cursor: Cursor<K>,
}

/// Says where the row at this index holds the word, in these columns.
pub type Holds<'a> = &'a dyn Fn(usize, &Needle, &[usize]) -> Option<Found>;

impl<K: Copy + Eq> Grid<K> {
    /// A table over `columns` that shows those called `chosen`, sorted by the one called `sort`; `to` is notified of
    /// what is chosen in its menus.
    #[must_use]
    pub fn new(columns: Vec<ColumnDef>, to: To, chosen: &[&str], sort: &str) -> Self {
        let columns: Rc<[ColumnDef]> = columns.into();
        let index = |name: &&str| columns.iter().position(|c| c.is_called(name));
        let chosen: Vec<usize> = chosen.iter().filter_map(index).collect();
        let column = index(&sort).unwrap_or(0);
        Grid {
            to,
            chosen: if chosen.is_empty() { (0..columns.len()).collect() } else { chosen },
            sort: Sort { column, greatest_first: columns.get(column).is_some_and(|c| c.greatest_first) },
            columns,
            filter_text: String::new(),
            filter: None,
            needle: None,
            seeks: false,
            asked: None,
            filters: Vec::new(),
            searches: Vec::new(),
            revision: 0,
            in_sight: RefCell::default(),
            cursor: Cursor::default(),
        }
    }

    /// The same as the settings want it to begin.
    #[must_use]
    pub fn begin(columns: Vec<ColumnDef>, to: To, settings: &TableSettings) -> Self {
        let chosen: Vec<&str> = settings.columns.iter().map(String::as_str).collect();
        let mut grid = Grid::new(columns, to, &chosen, &settings.sort);
        grid.sort.greatest_first ^= settings.reverse;
        grid
    }

    /// Writes columns and order into `settings`.
    pub fn settle(&self, settings: &mut TableSettings) {
        settings.columns = self.chosen.iter().map(|c| self.columns[*c].id.to_owned()).collect();
        self.settle_order(settings, self.sort);
    }

    /// Writes this order into `settings`.
    pub fn settle_order(&self, settings: &mut TableSettings, sort: Sort) {
        let Some(column) = self.columns.get(sort.column) else { return };
        settings.sort = column.id.to_owned();
        settings.reverse = sort.greatest_first != column.greatest_first;
    }

    /// What its columns are.
    #[must_use]
    pub fn columns(&self) -> &[ColumnDef] {
        &self.columns
    }

    /// Goes up whenever order, filter or columns changed: the owner rebuilds its list then.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The order in force.
    #[must_use]
    pub fn sort(&self) -> Sort {
        self.sort
    }

    /// Puts another order in force and goes to its top, unless a row is followed.
    pub fn set_sort(&mut self, sort: Sort) {
        self.swap_sort(sort);
        if self.cursor.followed().is_none() {
            self.cursor.act(Action::Top);
        }
    }

    /// Puts another order in force; the cursor stays on its row.
    pub fn swap_sort(&mut self, sort: Sort) {
        self.sort = sort;
        self.revision += 1;
    }

    /// Sorts by the column called `id`; the same column again turns the order around.
    pub fn sort_by(&mut self, id: &str) {
        let Some(column) = self.columns.iter().position(|c| c.id == id) else { return };
        let greatest_first = match self.sort.column == column {
            true => !self.sort.greatest_first,
            false => self.columns[column].greatest_first,
        };
        self.set_sort(Sort { column, greatest_first });
    }

    /// The filter in force, as it was typed; empty: none.
    #[must_use]
    pub fn filter_text(&self) -> &str {
        &self.filter_text
    }

    /// True when a filter is in force.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        self.filter.is_some()
    }

    /// True when the filter leaves this row in.
    pub fn keeps(&self, row: &impl Fields) -> bool {
        self.filter.as_ref().is_none_or(|f| f.keeps(row))
    }

    /// True when rows are sorted or filtered by the column at `index`.
    #[must_use]
    pub fn depends_on(&self, index: usize) -> bool {
        self.sort.column == index || self.filter.as_ref().is_some_and(|f| f.uses(index))
    }

    /// Marks the row under the cursor: strongly when the user put it there, else faintly.
    pub fn highlight(&self, cx: &DrawCx<'_>, canvas: &mut Canvas<'_>, whole: Rect, index: usize) {
        let held = self.cursor.is_held();
        if index == self.cursor.position() && (cx.focused || held) {
            let role = if cx.focused && held { Role::Selected } else { Role::SelectedUnfocused };
            tint(canvas.buf, whole, cx.theme.style(role));
        }
    }

    /// The word being looked for.
    #[must_use]
    pub fn needle(&self) -> Option<&Needle> {
        self.needle.as_ref().filter(|n| !n.is_empty())
    }

    /// The chosen columns at their places; `empty` says which have nothing to show and take no room.
    pub fn placed(&self, width: u16, need: &Need<'_>, empty: impl Fn(usize) -> bool) -> Vec<Placed> {
        let mut chosen: Vec<usize> = self.chosen.iter().copied().filter(|c| !empty(*c)).collect();
        // What sorts is seen, before the column that takes the room that is left.
        if !chosen.contains(&self.sort.column) && !self.columns[self.sort.column].title.is_empty() {
            let at = chosen.iter().position(|c| self.columns[*c].stretch).unwrap_or(chosen.len());
            chosen.insert(at, self.sort.column);
        }
        let rank = |column: usize| if column == self.sort.column { 0 } else { self.columns[column].rank };
        let mut placed = place(&self.columns, &chosen, width, need);
        // Where it would give way, others do.
        while placed.iter().all(|p| p.column != self.sort.column)
            && let Some(at) = (0..chosen.len()).filter(|at| rank(chosen[*at]) > 0).max_by_key(|at| rank(chosen[*at]))
        {
            chosen.remove(at);
            placed = place(&self.columns, &chosen, width, need);
        }
        self.saw(&placed);
        placed
    }

    /// These columns are on the screen: a search looks at them.
    pub fn saw(&self, placed: &[Placed]) {
        let mut in_sight = self.in_sight.borrow_mut();
        in_sight.clear();
        in_sight.extend(placed.iter().map(|p| p.column));
    }

    /// The width from which on every chosen column has a place.
    pub fn least_width(&self, need: &Need<'_>, empty: impl Fn(usize) -> bool) -> u16 {
        let chosen: Vec<usize> = self.chosen.iter().copied().filter(|c| !empty(*c)).collect();
        least(&self.columns, &chosen, need)
    }

    /// Draws the heads of `placed` into the first row of `area`.
    pub fn header(
        &self,
        cx: &DrawCx<'_>,
        area: Rect,
        canvas: &mut Canvas<'_>,
        placed: &[Placed],
        target: impl Fn(&'static str) -> Target,
    ) {
        for p in placed {
            let column = &self.columns[p.column];
            let role = if p.column == self.sort.column { Role::TableHeaderSorted } else { Role::TableHeader };
            let place = Rect { x: area.x + p.x, width: p.width, height: 1, ..area }.intersection(area);
            if place.is_empty() {
                continue;
            }
            write(canvas, place, column.align, column.title, cx.theme.style(role));
            canvas.hit(place, target(column.id));
        }
    }

    /// What `action` means to a table; `None`: nothing.
    pub fn act(&mut self, action: Action, holds: Holds<'_>) -> Option<Vec<Effect>> {
        if self.cursor.act(action) {
            self.seeks = false;
            return Some(Vec::new());
        }
        // Pressed again it does not reverse the order, as in htop.
        if let Some(column) = self.columns.iter().position(|c| c.key == Some(action)) {
            self.set_sort(Sort { column, greatest_first: self.columns[column].greatest_first });
            return Some(Vec::new());
        }
        match action {
            Action::Search => {
                let asked = Asked::Search { from: self.cursor.position(), held: self.cursor.is_held() };
                self.asked = Some((asked, Prompt::new("search", "", self.searches.clone())));
            }
            Action::Filter => {
                let asked = Asked::Filter { before: self.filter_text.clone() };
                self.asked = Some((asked, Prompt::new("filter", &self.filter_text, self.filters.clone())));
            }
            Action::NextMatch | Action::PreviousMatch => return Some(self.next_match(action, holds)),
            Action::SortNext => self.sort_step(1),
            Action::SortPrevious => self.sort_step(-1),
            Action::SortInvert => {
                self.set_sort(Sort { greatest_first: !self.sort.greatest_first, ..self.sort });
            }
            Action::SortMenu => return Some(vec![Effect::Open(Box::new(self.sort_menu()))]),
            Action::Columns => {
                let saved = saved_as(self.to).map(|[columns, ..]| vec![columns]).unwrap_or_default();
                let chooser = ColumnChooser::new(self.columns.clone(), &self.chosen, self.to).saving(saved);
                return Some(vec![Effect::Open(Box::new(chooser))]);
            }
            Action::Back if self.filter.is_some() => self.set_filter(""),
            Action::Back if self.needle.is_some() => (self.needle, self.seeks) = (None, false),
            _ => return None,
        }
        Some(Vec::new())
    }

    /// What was chosen in one of its menus; false when it was none of a table's.
    pub fn receive(&mut self, message: &Message) -> bool {
        match message {
            Message::Sort(id) => self.sort_by(id),
            Message::Columns(ids) => {
                let index = |id: &&str| self.columns.iter().position(|c| c.id == *id);
                self.chosen = ids.iter().filter_map(index).collect();
                self.revision += 1;
            }
            _ => return false,
        }
        true
    }

    fn sort_step(&mut self, by: isize) {
        let at = self.chosen.iter().position(|c| *c == self.sort.column);
        let count = self.chosen.len();
        let to = match at {
            Some(at) => at.saturating_add_signed(by).min(count.saturating_sub(1)),
            None => 0,
        };
        if let Some(column) = self.chosen.get(to).filter(|c| **c != self.sort.column) {
            self.sort_by(self.columns[*column].id);
        }
    }

    fn sort_menu(&self) -> Menu {
        let to = self.to;
        let mut menu = Menu::new("sort by");
        for (index, column) in self.columns.iter().enumerate() {
            let id = column.id;
            let then = move |_: &State| vec![Effect::Send(to, Message::Sort(id))];
            menu.add(id, column.doc, index == self.sort.column, then);
        }
        menu.saving(saved_as(to).map(|[_, sort, reverse]| vec![sort, reverse]).unwrap_or_default())
    }
}

/// The settings for the columns and the order of a table, where it has any.
fn saved_as(to: To) -> Option<[&'static str; 3]> {
    match to {
        To::Pane(PaneId::Processes) => Some(["processes.columns", "processes.sort", "processes.reverse"]),
        To::Pane(PaneId::Containers) => Some(["containers.columns", "containers.sort", "containers.reverse"]),
        To::Pane(PaneId::Pools) => Some(["pools.columns", "pools.sort", "pools.reverse"]),
        _ => None,
    }
}
