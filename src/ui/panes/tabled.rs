//! Panes that are one table: filter, search, order, cursor, clicks and the drawing of rows, written once. What is listed,
//! and what stands in a cell, is the table's own.

use std::cell::RefCell;

use ratatui::layout::Rect;

use crate::{
    alert::Level,
    config::Settings,
    model::event::SourceId,
    state::State,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx, Target},
        effect::{Effect, Message, To},
        overlays::{Key, Overlay},
        pane::{Pane, PaneId, Rows},
        table::{
            column::{Column, Kind, Placed},
            filter::Fields,
            grid::{Grid, Sort},
            needle::Needle,
        },
        theme::Role,
        widgets::{
            notice::{dim_when_stale, notice},
            text::put,
        },
    },
};

/// What names a row as long as its thing exists.
pub type RowKey = u64;

/// One kind of table: what it lists and how.
pub trait Tabled: 'static {
    /// A row with what its cells need.
    type Row<'a>: Fields;
    /// Its pane.
    const PANE: PaneId;
    /// Where its rows come from.
    const SOURCE: SourceId;
    /// Every column.
    const COLUMNS: &'static [Column];
    /// Columns shown unless the user chooses others.
    const SHOWN: &'static [&'static str];
    /// The column that it is sorted by at first.
    const SORT: &'static str;
    /// What one row is called: `container`.
    const THING: &'static str;

    /// How many rows there are before the filter.
    fn count(state: &State) -> usize;

    /// The row at `index`, which is below [`Tabled::count`].
    fn row(state: &State, index: usize) -> Self::Row<'_>;

    /// Its name for the cursor.
    fn key(state: &State, index: usize) -> RowKey;

    /// Draws a cell.
    fn cell(
        cx: &DrawCx<'_>,
        place: Rect,
        canvas: &mut Canvas<'_>,
        column: usize,
        row: &Self::Row<'_>,
        grid: &TableGrid,
    );

    /// The view that Enter opens.
    fn detail(state: &State, index: usize) -> Box<dyn Overlay>;

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

    /// A rank that orders a column of words better than the alphabet does.
    fn rank(_row: &Self::Row<'_>, _column: usize) -> Option<u8> {
        None
    }

    /// A column that has nothing to say on this machine.
    fn is_empty(_state: &State, _id: &str) -> bool {
        false
    }

    /// The room it would like, as [`Pane::rows`].
    fn rows(state: &State) -> Option<Rows>;

    /// The lines of [`Tabled::essentials`].
    fn compact_rows(state: &State) -> u16;

    /// Its essentials without a box.
    fn essentials(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>);

    /// What a key does to the rows chosen, beside what all tables do; `None` when the key means nothing here.
    fn act(_action: Action, _state: &State, _settings: &Settings, _chosen: &[usize]) -> Option<Vec<Effect>> {
        None
    }

    /// What was chosen in a menu that this table opened.
    fn tell(_message: Message, _state: &State) -> Vec<Effect> {
        Vec::new()
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
    /// Indices into all rows.
    list: Vec<usize>,
    placed: RefCell<Vec<Placed>>,
    table: std::marker::PhantomData<T>,
}

impl<T: Tabled> Default for TablePane<T> {
    fn default() -> Self {
        TablePane {
            grid: Grid::new(T::COLUMNS, To::Pane(T::PANE), T::SHOWN, T::SORT),
            list: Vec::new(),
            placed: RefCell::default(),
            table: std::marker::PhantomData,
        }
    }
}

impl<T: Tabled> TablePane<T> {
    fn holds<'a>(list: &'a [usize], state: &'a State) -> impl Fn(usize, &Needle) -> bool + 'a {
        move |at, needle| {
            let index = list.get(at).copied().filter(|index| *index < T::count(state));
            index.is_some_and(|index| T::row(state, index).word(needle))
        }
    }

    /// The index of the row under the cursor.
    fn chosen(&self, state: &State) -> Option<usize> {
        self.list.get(self.grid.cursor.position()).copied().filter(|index| *index < T::count(state))
    }

    fn open(&self, state: &State) -> Vec<Effect> {
        self.chosen(state).map(|index| Effect::Open(T::detail(state, index))).into_iter().collect()
    }

    fn order(&mut self, state: &State) {
        let Sort { column, greatest_first } = self.grid.sort();
        let row = |index: &usize| T::row(state, *index);
        let words = T::COLUMNS.get(column).is_some_and(|c| c.kind == Kind::Text);
        if words && self.list.first().is_some_and(|first| row(first).number(column).is_none()) {
            self.list.sort_by_cached_key(|i| (T::rank(&row(i), column), row(i).text(column).to_lowercase()));
            if greatest_first {
                self.list.reverse();
            }
            return;
        }
        // What has no figure stands last in either order.
        self.list.sort_by(|a, b| match (row(a).number(column), row(b).number(column)) {
            (Some(a), Some(b)) if greatest_first => b.total_cmp(&a),
            (Some(a), Some(b)) => a.total_cmp(&b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        });
    }

    fn lines(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, placed: &[Placed]) {
        let state = cx.state;
        for (at, y) in self.grid.cursor.window(usize::from(area.height)).zip(area.y..area.bottom()) {
            let Some(index) = self.list.get(at).copied().filter(|index| *index < T::count(state)) else { continue };
            let line = Rect { y, height: 1, ..area };
            let row = T::row(state, index);
            for p in placed {
                let place = Rect { x: area.x + p.x, width: p.width, ..line }.intersection(line);
                if !place.is_empty() {
                    T::cell(cx, place, canvas, p.column, &row, &self.grid);
                }
            }
            let whole = Rect { x: line.x.saturating_sub(1), width: line.width + 2, ..line };
            self.grid.highlight(cx, canvas, whole, at);
            canvas.hit(line, Target::Row(T::PANE, at));
        }
    }
}

impl<T: Tabled> Pane for TablePane<T> {
    fn refresh(&mut self, state: &State, _settings: &Settings) {
        self.list.clear();
        self.list.extend((0..T::count(state)).filter(|index| self.grid.keeps(&T::row(state, *index))));
        self.order(state);
        self.grid.cursor.settle(self.list.iter().map(|index| T::key(state, *index)));
    }

    fn rows(&self, state: &State, _width: u16) -> Option<Rows> {
        T::rows(state)
    }

    fn info(&self, cx: &DrawCx<'_>) -> String {
        let summary = T::summary(cx.state);
        if !self.grid.is_filtered() {
            return summary;
        }
        format!("{} of {} · filter {} · {summary}", self.list.len(), T::count(cx.state), self.grid.filter_text())
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        self.placed.take();
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
        let placed = self.grid.placed(area.width, |column| T::is_empty(cx.state, column.id));
        let head = Rect { height: 1, ..area };
        self.grid.header(cx, head, canvas, &placed, |id| Target::Column(T::PANE, id));
        let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
        self.lines(cx, body, canvas, &placed);
        if self.list.is_empty() && body.height > 0 {
            let words = format!("no {} fits the filter", T::THING);
            put(canvas.buf, body.x, body.y, body.width, &words, cx.theme.style(Role::Dim));
        }
        dim_when_stale(cx, body, canvas, T::SOURCE);
        self.placed.replace(placed);
    }

    fn compact_rows(&self, state: &State) -> u16 {
        T::compact_rows(state)
    }

    fn draw_compact(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        T::essentials(cx, area, canvas);
    }

    fn act(&mut self, action: Action, state: &State, settings: &Settings) -> Option<Vec<Effect>> {
        if let Some(effects) = self.grid.act(action, &Self::holds(&self.list, state)) {
            return Some(effects);
        }
        if action == Action::Open {
            return Some(self.open(state));
        }
        let chosen: Vec<usize> = self.chosen(state).into_iter().collect();
        T::act(action, state, settings, &chosen)
    }

    fn takes_text(&self) -> bool {
        self.grid.takes_text()
    }

    fn key(&mut self, key: Key, state: &State) -> Option<Vec<Effect>> {
        self.grid.key(key, &Self::holds(&self.list, state))
    }

    fn footer(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) -> bool {
        let left = format!("{} of {}", self.list.len(), T::count(cx.state));
        self.grid.footer(cx, area, canvas, &left)
    }

    fn tell(&mut self, message: Message, state: &State) -> Vec<Effect> {
        self.grid.tell(&message);
        T::tell(message, state)
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

    fn hints(&self) -> Vec<(Action, &'static str)> {
        let own = [(Action::Search, "search"), (Action::Filter, "filter"), (Action::SortMenu, "sort")];
        T::hints().into_iter().chain(own).collect()
    }
}

/// A key out of a name: the same name is the same row.
#[must_use]
pub fn key_of(name: &str) -> RowKey {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}
