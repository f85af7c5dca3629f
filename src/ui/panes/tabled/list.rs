//! The lines of a table: its rows in their order, and, where they are grouped, a line for each group that folds them away.

use std::collections::{HashMap, HashSet};

use super::{TableGrid, Tabled, key_of, steady::Steady};
use crate::{
    state::State,
    ui::{
        ids::RowKey,
        table::{
            filter::Cells,
            needle::{Found, Needle},
            order::sort_rows,
        },
    },
};

/// One line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// A row, by its index among all.
    Row {
        /// Its index.
        index: usize,
        /// It stands under the line of its group.
        inside: bool,
    },
    /// A group, by its index in [`List::groups`].
    Group(usize),
}

/// Rows that belong together.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) key: RowKey,
    pub(super) folded: bool,
    /// Indices of its rows.
    pub(super) members: Vec<usize>,
}

/// All lines of a table, folded ones left out.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) lines: Vec<Line>,
    pub(super) groups: Vec<Group>,
    /// Rows that the filter leaves.
    pub(super) kept: usize,
    steady: Steady,
}

impl List {
    /// Lists what `grid` keeps, in its order.
    pub(super) fn make<T: Tabled>(&mut self, state: &State, grid: &TableGrid, grouped: bool, folded: &HashSet<RowKey>) {
        let keeps = |index: &usize| grid.keeps(&Cells::<T>(&T::row(state, *index)));
        let mut rows: Vec<usize> = (0..T::count(state)).filter(keeps).collect();
        let steady = &mut self.steady;
        steady.begin();
        let class = |index: usize, load| steady.class(T::key(state, index), load);
        sort_rows::<T, _>(&mut rows, grid.sort(), |index| T::row(state, index), class);
        steady.end();
        self.lines.clear();
        self.groups.clear();
        self.kept = rows.len();
        if !grouped {
            self.lines.extend(rows.into_iter().map(|index| Line::Row { index, inside: false }));
            return;
        }
        let mut members: HashMap<&str, Vec<usize>> = HashMap::new();
        for index in &rows {
            if let Some(name) = T::group(state, *index) {
                members.entry(name).or_default().push(*index);
            }
        }
        // A group stands where the first of its rows would.
        for index in rows {
            let Some(name) = T::group(state, index) else {
                self.lines.push(Line::Row { index, inside: false });
                continue;
            };
            let Some(members) = members.remove(name) else { continue };
            let key = key_of(&format!("group {name}"));
            let group = Group { name: name.to_owned(), key, folded: folded.contains(&key), members };
            self.lines.push(Line::Group(self.groups.len()));
            if !group.folded {
                self.lines.extend(group.members.iter().map(|index| Line::Row { index: *index, inside: true }));
            }
            self.groups.push(group);
        }
    }

    /// The index of the row in this line, as long as it is there.
    pub(super) fn row<T: Tabled>(&self, state: &State, at: usize) -> Option<usize> {
        match self.lines.get(at)? {
            Line::Row { index, .. } => Some(*index).filter(|index| *index < T::count(state)),
            Line::Group(_) => None,
        }
    }

    /// The group whose line this is.
    pub(super) fn group(&self, at: usize) -> Option<&Group> {
        match self.lines.get(at)? {
            Line::Group(group) => self.groups.get(*group),
            Line::Row { .. } => None,
        }
    }

    /// What names each line.
    pub(super) fn keys<T: Tabled>(&self, state: &State) -> impl Iterator<Item = RowKey> {
        self.lines.iter().map(|line| match line {
            Line::Row { index, .. } => T::key(state, *index),
            Line::Group(group) => self.groups.get(*group).map_or(0, |group| group.key),
        })
    }

    /// Says where the line at an index holds a word.
    pub(super) fn holds<'a, T: Tabled>(
        &'a self,
        state: &'a State,
    ) -> impl Fn(usize, &Needle, &[usize]) -> Option<Found> + 'a {
        move |at, needle, columns| match self.group(at) {
            Some(group) => needle.is_in(&group.name).then_some(Found::Name),
            None => T::find(&T::row(state, self.row::<T>(state, at)?), needle, columns),
        }
    }
}
