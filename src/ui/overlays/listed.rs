//! A table that fills the screen: filter, search, order, cursor, clicks and the drawing of its rows, written once. What is
//! listed, and what stands in a cell, is the list's own.

use ratatui::layout::Rect;

use crate::{
    interest::Interest,
    model::source::SourceId,
    state::State,
    ui::{
        action::{Action, Context},
        canvas::{Canvas, DrawCx, Target},
        ids::Key,
        table::{
            column::{CellCx, Columns},
            filter::Cells,
            grid::Grid,
            needle::{Found, Needle},
            order::sort_rows,
            place::{Need, Placed},
        },
        theme::Role,
        view::{Effect, Message, Overlay, To},
        widgets::{
            notice::{dim_when_stale, notice},
            text::{put, tint},
        },
    },
};

/// One kind of list: what it lists and how.
pub trait Listed: Columns {
    /// What names a row as long as its thing exists.
    type Key: Copy + Eq;
    /// Where its rows come from.
    const SOURCE: SourceId;
    /// The column that it is sorted by at first.
    const SORT: &'static str;
    /// What stands in place of rows when there are none, and when the filter leaves none.
    const NOTHING: [&'static str; 2];
    /// Which keys mean something on it.
    const CONTEXT: Context;

    /// How many rows there are before the filter.
    fn count(state: &State) -> usize;

    /// The row at `index`, which is below [`Listed::count`].
    fn row(state: &State, index: usize) -> Self::Row<'_>;

    /// Its key.
    fn key(state: &State, index: usize) -> Self::Key;

    /// The title of its frame.
    fn title(state: &State) -> String;

    /// Lines above the heads: what is wrong with where the rows come from.
    fn notes(_state: &State) -> Vec<String> {
        Vec::new()
    }

    /// Why there are no rows yet.
    fn awaited(_state: &State) -> Option<&'static str> {
        None
    }

    /// A line at the foot.
    fn foot(_cx: &DrawCx<'_>) -> Option<String> {
        None
    }

    /// What a key does to the row under the cursor, beside what all tables do; `None` when the key means nothing here.
    fn act(action: Action, state: &State, chosen: Option<usize>) -> Option<Vec<Effect>>;

    /// What the footer offers beside the table's own.
    fn hints() -> Vec<(Action, &'static str)>;

    /// Adds what it needs of the sources while open.
    fn want(want: &mut Interest);
}

/// The view of one list.
pub struct List<T: Listed> {
    grid: Grid<T::Key>,
    /// Indices of the rows that the filter leaves, in their order.
    order: Vec<usize>,
    /// The grid's revision that they were listed at.
    made_at: Option<u64>,
}

impl<T: Listed> Default for List<T> {
    fn default() -> Self {
        List { grid: Grid::new(T::defs(), To::Top, &[], T::SORT), order: Vec::new(), made_at: None }
    }
}

impl<T: Listed> List<T> {
    /// The row at a place of the order, as long as its thing is there.
    fn at(&self, place: usize, state: &State) -> Option<usize> {
        self.order.get(place).copied().filter(|index| *index < T::count(state))
    }

    fn holds<'a>(order: &'a [usize], state: &'a State) -> impl Fn(usize, &Needle, &[usize]) -> Option<Found> + 'a {
        move |place, needle, columns| {
            let index = order.get(place).copied().filter(|index| *index < T::count(state))?;
            T::find(&T::row(state, index), needle, columns)
        }
    }

    fn line(&self, cx: &DrawCx<'_>, line: Rect, canvas: &mut Canvas<'_>, placed: &[Placed], place: usize) {
        let Some(index) = self.at(place, cx.state) else { return };
        let row = T::row(cx.state, index);
        let cell = CellCx { cx, line: None, needle: self.grid.needle(), branch: None, shift: 0 };
        for p in placed {
            let at = Rect { x: line.x + p.x, width: p.width, ..line }.intersection(line);
            if at.is_empty() {
                continue;
            }
            T::COLUMNS[p.column].draw(&cell, at, canvas, &row);
        }
        if place == self.grid.cursor.position() {
            tint(canvas.buf, line, cx.theme.style(Role::Selected));
        }
        canvas.hit(line, Target::OverlayRow(place));
    }
}

impl<T: Listed> Overlay for List<T> {
    fn title(&self, state: &State) -> String {
        let mut title = T::title(state);
        if self.grid.is_filtered() {
            title.push_str(&format!(" · filter {} leaves {}", self.grid.filter_text(), self.order.len()));
        }
        title
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn refresh(&mut self, state: &State) {
        let row = |index| T::row(state, index);
        self.made_at = Some(self.grid.revision());
        self.order.clear();
        self.order.extend((0..T::count(state)).filter(|index| self.grid.keeps(&Cells::<T>(&row(*index)))));
        sort_rows::<T, _>(&mut self.order, self.grid.sort(), row, |_, _| 0);
        self.grid.cursor.settle(self.order.iter().map(|index| T::key(state, *index)));
        self.grid.seek(&Self::holds(&self.order, state));
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        if area.is_empty() || notice(cx, area, canvas, T::SOURCE) {
            return;
        }
        let mut y = area.y;
        for note in T::notes(cx.state).iter().take(usize::from(area.height / 2)) {
            put(canvas.buf, area.x, y, area.width, note, cx.theme.style(Role::Warn));
            y += 1;
        }
        let dim = cx.theme.style(Role::Dim);
        if let Some(words) = T::awaited(cx.state) {
            put(canvas.buf, area.x, y, area.width, words, dim);
            return;
        }
        let placed = self
            .grid
            .placed(area.width, &Need::NONE, |column| T::COLUMNS[column].empty.is_some_and(|empty| empty(cx.state)));
        self.grid.header(cx, Rect { y, height: 1, ..area }, canvas, &placed, Target::OverlayColumn);
        let foot = T::foot(cx).filter(|_| area.height > 3);
        let bottom = area.bottom() - u16::from(foot.is_some());
        let body = Rect { y: y + 1, height: bottom.saturating_sub(y + 1), ..area };
        for (place, y) in self.grid.cursor.window(usize::from(body.height)).zip(body.y..body.bottom()) {
            self.line(cx, Rect { y, height: 1, ..area }, canvas, &placed, place);
        }
        if self.order.is_empty() && !body.is_empty() {
            let words = T::NOTHING[usize::from(self.grid.is_filtered())];
            put(canvas.buf, body.x, body.y, body.width, words, dim);
        }
        dim_when_stale(cx, body, canvas, T::SOURCE);
        if let Some(words) = foot {
            put(canvas.buf, area.x, bottom, area.width, &words, dim);
        }
    }

    fn takes_text(&self) -> bool {
        self.grid.takes_text()
    }

    fn key(&mut self, key: Key, state: &State) -> Option<Vec<Effect>> {
        self.grid.key(key, &Self::holds(&self.order, state))
    }

    fn paste(&mut self, text: &str, state: &State) {
        self.grid.paste(text, &Self::holds(&self.order, state));
    }

    fn context(&self) -> Context {
        T::CONTEXT
    }

    fn act(&mut self, action: Action, state: &State) -> Option<Vec<Effect>> {
        // Keys may come faster than frames: what the one before changed is what this one means.
        if self.made_at != Some(self.grid.revision()) {
            self.refresh(state);
        }
        let chosen = self.at(self.grid.cursor.position(), state);
        T::act(action, state, chosen).or_else(|| self.grid.act(action, &Self::holds(&self.order, state)))
    }

    fn click(&mut self, target: &Target, state: &State) -> Vec<Effect> {
        match target {
            Target::OverlayColumn(id) => self.grid.sort_by(id),
            Target::OverlayRow(place) => {
                let again = self.grid.cursor.is_held() && self.grid.cursor.position() == *place;
                self.grid.cursor.hold(*place);
                if again {
                    return T::act(Action::Open, state, self.at(*place, state)).unwrap_or_default();
                }
            }
            _ => {}
        }
        Vec::new()
    }

    fn tell(&mut self, message: Message) {
        self.grid.tell(&message);
    }

    fn footer(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) -> bool {
        self.grid.footer(cx, area, canvas, &format!("{} rows", self.order.len()))
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        let own = [
            (Action::Search, "search"),
            (Action::Filter, "filter"),
            (Action::SortMenu, "sort"),
            (Action::Columns, "columns"),
        ];
        T::hints().into_iter().chain(own).collect()
    }

    fn want(&self, want: &mut Interest, _state: &State) {
        T::want(want);
    }
}
