//! A column: its name, its width, and the functions that say what it shows of a row, how it sorts and how it is drawn.
//! A table is a list of such columns, and adding one is one row of it.

mod cell;
mod def;

use std::{borrow::Cow, time::Duration};

use ratatui::layout::Rect;

use super::needle::{Found, Needle};
use crate::{
    interest::Interest,
    state::State,
    text::width,
    ui::{action::Action, canvas::Canvas, theme::Role},
    units::{self, ABSENT},
};

pub use self::{
    cell::{CellCx, unless_zero, write},
    def::{Align, ColumnDef, Kind, Search},
};

/// The columns of a table and what its rows are.
pub trait Columns: Sized + 'static {
    /// A row with what its cells need.
    type Row<'a>;

    /// Every column, in the order in which the chooser lists those that are not shown.
    const COLUMNS: &'static [Column<Self>];

    /// What names a row, found before other matches: by default the column with this id.
    const NAME: &'static str;

    /// The part of a row's text that names it, where the whole column does not.
    fn name<'r>(_row: &'r Self::Row<'_>) -> Option<Cow<'r, str>> {
        None
    }

    /// True when a bare word of a filter is in the row: by default in any of its columns.
    fn matches(row: &Self::Row<'_>, needle: &Needle) -> bool {
        Self::COLUMNS.iter().any(|column| needle.is_in(&column.text(row)))
    }

    /// What its columns are, without their functions.
    #[must_use]
    fn defs() -> Vec<ColumnDef> {
        Self::COLUMNS.iter().map(|column| column.def).collect()
    }

    /// Where the row holds a word, `columns` being the visible ones: what is not visible is not found.
    fn find(row: &Self::Row<'_>, needle: &Needle, columns: &[usize]) -> Option<Found> {
        let seen = || columns.iter().filter_map(|column| Self::COLUMNS.get(*column));
        let names = |column: &Column<Self>| {
            column.def.id == Self::NAME && needle.is_in(&Self::name(row).unwrap_or_else(|| column.text(row)))
        };
        match seen().any(names) {
            true => Some(Found::Name),
            false => seen().any(|column| column.finds(row, needle)).then_some(Found::Beside),
        }
    }
}

/// Text of a row.
pub type Text<C> = for<'r, 's> fn(&'r <C as Columns>::Row<'s>) -> Cow<'r, str>;
/// A figure of a row in its base unit; `None` when absent.
pub type Number<C> = for<'r, 's> fn(&'r <C as Columns>::Row<'s>) -> Option<f64>;
/// Draws what words cannot say into a cell: a graph, a gauge.
pub type Draw<C> = for<'r, 's> fn(&CellCx<'_>, Rect, &mut Canvas<'_>, &'r <C as Columns>::Row<'s>);

/// What a column shows for several rows together.
pub enum Together<C: Columns> {
    /// Nothing.
    Nothing,
    /// The sum of its figures.
    Sum,
    /// What this draws.
    Drawn(for<'r, 's> fn(&CellCx<'_>, Rect, &mut Canvas<'_>, &'r [<C as Columns>::Row<'s>])),
}

/// The role of a cell's text.
enum RoleOf<C: Columns> {
    One(Role),
    FaintZero(Role),
    Row(for<'r, 's, 't> fn(&'r <C as Columns>::Row<'s>, &'t str) -> Role),
}

/// One column of one table.
pub struct Column<C: Columns> {
    pub def: ColumnDef,
    /// What it is found by; of a figure its number as written.
    text: Option<Text<C>>,
    number: Option<Number<C>>,
    format: fn(f64) -> String,
    /// What is shown for an absent value.
    absent: for<'r, 's> fn(&'r C::Row<'s>) -> &'static str,
    /// What a cell shows where that is not what it is found by.
    shown: Option<Text<C>>,
    role: RoleOf<C>,
    draw: Option<Draw<C>>,
    /// Columns that a cell draws beside its text, a sign for one.
    beside: u16,
    /// An order that is better than that of its text or figure.
    pub order: Option<for<'r, 's> fn(&'r C::Row<'s>) -> u32>,
    /// Among rows of one order the busier class comes first: what a row does, in cores.
    pub load: Option<Number<C>>,
    /// Among equal figures the greatest first, the smaller comes first.
    pub tie: Option<for<'r, 's> fn(&'r C::Row<'s>) -> u8>,
    /// True when it has nothing to show on this machine: it takes no room then.
    pub empty: Option<fn(&State) -> bool>,
    /// True when it does not give way now, however narrow the screen.
    pub keep: Option<fn(&State) -> bool>,
    /// The length of its longest text, where measuring each row would cost too much.
    pub longest: Option<fn(&State) -> Option<usize>>,
    /// Asks the sources for its figure of every row: when rows are sorted or filtered by it. When it is merely shown, the
    /// visible rows are read.
    pub asks: Option<fn(&mut Interest)>,
    /// What it shows in the line of a group.
    pub together: Together<C>,
}

impl<C: Columns> Column<C> {
    const fn new(def: ColumnDef) -> Self {
        Column {
            def,
            text: None,
            number: None,
            format: match def.kind {
                Kind::Text | Kind::Count => whole,
                Kind::Share => units::percent,
                Kind::Bytes => units::bytes_short,
                Kind::Seconds => span,
            },
            absent: |_| ABSENT,
            shown: None,
            role: RoleOf::One(Role::Dim),
            draw: None,
            beside: 0,
            order: None,
            load: None,
            tie: None,
            empty: None,
            keep: None,
            longest: None,
            asks: None,
            together: Together::Nothing,
        }
    }

    /// A figure: right-aligned, the greatest first.
    #[must_use]
    pub const fn figure(
        id: &'static str,
        title: &'static str,
        kind: Kind,
        width: u16,
        rank: u8,
        number: Number<C>,
    ) -> Self {
        let mut column = Column::new(ColumnDef::figure(id, title, kind, width, rank));
        column.number = Some(number);
        column
    }

    /// Words: left-aligned, from A to Z.
    #[must_use]
    pub const fn words(id: &'static str, title: &'static str, width: u16, rank: u8, text: Text<C>) -> Self {
        let mut column = Column::new(ColumnDef::words(id, title, width, rank));
        column.text = Some(text);
        column
    }

    /// A figure that is drawn: a graph, a gauge. It has no text.
    #[must_use]
    pub const fn drawn(id: &'static str, kind: Kind, width: u16, rank: u8, number: Number<C>, draw: Draw<C>) -> Self {
        let mut column = Column::figure(id, "", kind, width, rank, number);
        column.text = Some(|_| Cow::Borrowed(""));
        column.draw = Some(draw);
        column
    }

    /// The same column with its line for the chooser.
    #[must_use]
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.def.doc = doc;
        self
    }

    /// The same column under more spellings.
    #[must_use]
    pub const fn also(mut self, aliases: &'static [&'static str]) -> Self {
        self.def.aliases = aliases;
        self
    }

    /// The same column, taking what room is left.
    #[must_use]
    pub const fn stretching(mut self) -> Self {
        self.def = self.def.stretching();
        self
    }

    /// The same column, shrinking to `least` before another gives way and growing to `most` when there is room.
    #[must_use]
    pub const fn between(mut self, least: u16, most: u16) -> Self {
        self.def = self.def.between(least, most);
        self
    }

    /// The same column, the smallest first.
    #[must_use]
    pub const fn smallest_first(mut self) -> Self {
        self.def = self.def.smallest_first();
        self
    }

    /// The same column, searched in this way.
    #[must_use]
    pub const fn search(mut self, search: Search) -> Self {
        self.def.search = search;
        self
    }

    /// The same column with a key that sorts by it.
    #[must_use]
    pub const fn key(mut self, key: Action) -> Self {
        self.def.key = Some(key);
        self
    }

    /// The same column, on a screen without boxes too.
    #[must_use]
    pub const fn essential(mut self) -> Self {
        self.def.essential = true;
        self
    }

    /// The same column with another text to be found by.
    #[must_use]
    pub const fn text_of(mut self, text: Text<C>) -> Self {
        self.text = Some(text);
        self
    }

    /// The same column with its value written so.
    #[must_use]
    pub const fn format(mut self, format: fn(f64) -> String) -> Self {
        self.format = format;
        self
    }

    /// The same column with this in place of a figure that is absent.
    #[must_use]
    pub const fn absent(mut self, absent: for<'r, 's> fn(&'r C::Row<'s>) -> &'static str) -> Self {
        self.absent = absent;
        self
    }

    /// The same column, which shows something else than it is found by.
    #[must_use]
    pub const fn show(mut self, shown: Text<C>) -> Self {
        self.shown = Some(shown);
        self
    }

    /// The same column in the style of this role.
    #[must_use]
    pub const fn role(mut self, role: Role) -> Self {
        self.role = RoleOf::One(role);
        self
    }

    /// The same column in the style of this role, and faint where its figure is nothing.
    #[must_use]
    pub const fn faint_zero(mut self, role: Role) -> Self {
        self.role = RoleOf::FaintZero(role);
        self
    }

    /// The same column in the style that its row and text ask for.
    #[must_use]
    pub const fn role_of(mut self, role: for<'r, 's, 't> fn(&'r C::Row<'s>, &'t str) -> Role) -> Self {
        self.role = RoleOf::Row(role);
        self
    }

    /// The same column drawn by this, with `beside` columns more than its text.
    #[must_use]
    pub const fn drawn_by(mut self, beside: u16, draw: Draw<C>) -> Self {
        (self.beside, self.draw) = (beside, Some(draw));
        self
    }

    /// The same column, sorted by this.
    #[must_use]
    pub const fn ordered(mut self, order: for<'r, 's> fn(&'r C::Row<'s>) -> u32) -> Self {
        self.order = Some(order);
        self
    }

    /// The same column, with rows of equal order sorted by class.
    #[must_use]
    pub const fn busy_first(mut self, load: Number<C>) -> Self {
        self.load = Some(load);
        self
    }

    /// The same column with this order among equals.
    #[must_use]
    pub const fn tie(mut self, tie: for<'r, 's> fn(&'r C::Row<'s>) -> u8) -> Self {
        self.tie = Some(tie);
        self
    }

    /// The same column, left out where this holds.
    #[must_use]
    pub const fn empty(mut self, empty: fn(&State) -> bool) -> Self {
        self.empty = Some(empty);
        self
    }

    /// The same column, which gives way to none while this holds.
    #[must_use]
    pub const fn keep(mut self, keep: fn(&State) -> bool) -> Self {
        self.keep = Some(keep);
        self
    }

    /// The same column, as wide as this says.
    #[must_use]
    pub const fn longest(mut self, longest: fn(&State) -> Option<usize>) -> Self {
        self.longest = Some(longest);
        self
    }

    /// The same column with a value that sources read only on request.
    #[must_use]
    pub const fn asks(mut self, asks: fn(&mut Interest)) -> Self {
        self.asks = Some(asks);
        self
    }

    /// The same column, summed for a group.
    #[must_use]
    pub const fn summed(mut self) -> Self {
        self.together = Together::Sum;
        self
    }

    /// The same column, drawn so for a group.
    #[must_use]
    pub const fn together(
        mut self,
        draw: for<'r, 's> fn(&CellCx<'_>, Rect, &mut Canvas<'_>, &'r [<C as Columns>::Row<'s>]),
    ) -> Self {
        self.together = Together::Drawn(draw);
        self
    }

    /// What the row is found by here, as words.
    #[must_use]
    pub fn text<'r>(&self, row: &'r C::Row<'_>) -> Cow<'r, str> {
        match self.text {
            Some(text) => text(row),
            None => self.figure_text(row),
        }
    }

    /// The figure as written.
    fn figure_text(&self, row: &C::Row<'_>) -> Cow<'static, str> {
        match self.number(row) {
            Some(number) => Cow::Owned((self.format)(number)),
            None => Cow::Borrowed((self.absent)(row)),
        }
    }

    /// The figure in its base unit; `None` when absent.
    #[must_use]
    pub fn number(&self, row: &C::Row<'_>) -> Option<f64> {
        self.number.and_then(|number| number(row))
    }

    /// True when it compares by figures, not by words.
    #[must_use]
    pub fn is_figure(&self) -> bool {
        self.number.is_some()
    }

    /// What the cell shows.
    #[must_use]
    pub fn shown<'r>(&self, row: &'r C::Row<'_>) -> Cow<'r, str> {
        match self.shown {
            Some(shown) => shown(row),
            None => self.text(row),
        }
    }

    /// The room that the cell takes, where it follows its text.
    #[must_use]
    pub fn measure(&self, row: &C::Row<'_>) -> u16 {
        u16::try_from(width(&self.shown(row))).unwrap_or(u16::MAX).saturating_add(self.beside)
    }

    /// True when its room follows its texts.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        self.def.kind == Kind::Text && self.def.most > self.def.least
    }

    fn finds(&self, row: &C::Row<'_>, needle: &Needle) -> bool {
        match self.def.search {
            Search::No => false,
            Search::Part => needle.is_in(&self.text(row)),
            Search::Whole => self.text(row) == needle.text(),
        }
    }

    /// Draws the cell of a row.
    pub fn draw(&self, cell: &CellCx<'_>, place: Rect, canvas: &mut Canvas<'_>, row: &C::Row<'_>) {
        match self.draw {
            Some(draw) => draw(cell, place, canvas, row),
            None => {
                let text = self.shown(row);
                let role = match self.role {
                    RoleOf::One(role) => role,
                    RoleOf::FaintZero(role) => unless_zero(&text, role),
                    RoleOf::Row(role) => role(row, &text),
                };
                cell.put(place, canvas, &self.def, &text, cell.style(role));
            }
        }
    }

    /// Draws what it shows for several rows together.
    pub fn draw_together(&self, cell: &CellCx<'_>, place: Rect, canvas: &mut Canvas<'_>, rows: &[C::Row<'_>]) {
        match self.together {
            Together::Nothing => {}
            Together::Sum => {
                let sum = rows.iter().filter_map(|row| self.number(row)).reduce(|a, b| a + b);
                let text = sum.map_or_else(String::new, self.format);
                write(canvas, place, self.def.align, &text, cell.cx.theme.style(Role::Dim));
            }
            Together::Drawn(draw) => draw(cell, place, canvas, rows),
        }
    }
}

/// `482`.
fn whole(number: f64) -> String {
    format!("{number:.0}")
}

/// `4d`.
fn span(seconds: f64) -> String {
    units::span_short(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// What a cell shows.
#[cfg(test)]
pub mod testing {
    use super::*;
    use crate::ui::canvas::testing::drawn;

    /// The column with this id.
    pub fn column<C: Columns>(id: &str) -> &'static Column<C> {
        C::COLUMNS.iter().find(|column| column.def.id == id).unwrap_or_else(|| panic!("no column {id}"))
    }

    /// The words of a cell with room for all of them, and the role of the first.
    pub fn cell<C: Columns>(state: &State, id: &str, row: &C::Row<'_>) -> (String, Option<Role>) {
        let drawn = drawn(state, (60, 1), |cx, place, canvas| {
            let cell = CellCx { cx, line: None, needle: None, branch: None, shift: 0 };
            column::<C>(id).draw(&cell, place, canvas, row);
        });
        let words = drawn.line().trim_start().to_owned();
        let role = drawn.role_of(&words).filter(|_| !words.is_empty());
        (words, role)
    }
}
