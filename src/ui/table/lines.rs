//! The lines of a table: the rows that are listed, in their order; below the line of their group or below their parents
//! when the user wants so.

use std::collections::{HashMap, HashSet};

use super::{
    def::{Nest, TableDef, key_of},
    filter::Cells,
    grid::Grid,
    needle::{Found, Needle},
    order::sort_rows,
    steady::Steady,
    tree::{Branch, branches},
};
use crate::state::State;

/// What names a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineKey<K> {
    /// A row.
    Row(K),
    /// A group, by its name.
    Group(u64),
}

impl<K: Copy> LineKey<K> {
    /// The key of a row.
    #[must_use]
    pub fn row(self) -> Option<K> {
        match self {
            LineKey::Row(key) => Some(key),
            LineKey::Group(_) => None,
        }
    }
}

/// One line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// A row.
    Row(RowLine),
    /// A group, by its index in [`Lines::groups`].
    Group(usize),
}

/// A line with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowLine {
    /// The index of its row among all, and its place in a tree.
    pub branch: Branch,
    /// It is below the line of its group.
    pub inside: bool,
    /// The filter left it out, but not what is below it.
    pub leads: bool,
}

impl RowLine {
    fn of(row: u32) -> RowLine {
        RowLine { branch: Branch { row, ..Branch::default() }, ..RowLine::default() }
    }

    /// The index of its row.
    #[must_use]
    pub fn index(&self) -> usize {
        self.branch.row as usize
    }
}

/// Rows that belong together.
#[derive(Debug, Default)]
pub struct Group {
    /// As it is called.
    pub name: String,
    /// Names its line.
    pub key: u64,
    /// Its rows are not listed.
    pub folded: bool,
    /// Indices of its rows.
    pub members: Vec<usize>,
}

/// All lines of a table, what is folded away left out.
#[derive(Debug)]
pub struct Lines<K> {
    /// Top to bottom.
    pub lines: Vec<Line>,
    /// The groups among them.
    pub groups: Vec<Group>,
    /// Rows that the options leave.
    pub listed: usize,
    /// Rows that the filter leaves of them.
    pub kept: usize,
    rows: Vec<u32>,
    branches: Vec<Branch>,
    steady: Steady<K>,
}

impl<K> Default for Lines<K> {
    fn default() -> Self {
        Lines {
            lines: Vec::new(),
            groups: Vec::new(),
            listed: 0,
            kept: 0,
            rows: Vec::new(),
            branches: Vec::new(),
            steady: Steady::default(),
        }
    }
}

/// The grid of a table.
pub type TableGrid<T> = Grid<LineKey<<T as TableDef>::Key>>;
/// Lines that are folded.
pub type Folded<T> = HashSet<LineKey<<T as TableDef>::Key>>;

impl<K> Lines<K> {
    /// Lists what `grid` and the options keep, in their order.
    pub fn make<T: TableDef<Key = K>>(
        &mut self,
        state: &State,
        options: &T::Options,
        grid: &TableGrid<T>,
        nested: bool,
        folded: &Folded<T>,
    ) where
        K: Copy + Eq + std::hash::Hash + 'static,
    {
        let cx = T::cx(state, options);
        let row = |index: u32| T::row(cx, index as usize);
        let count = u32::try_from(T::count(state)).unwrap_or(u32::MAX);
        let mut rows = std::mem::take(&mut self.rows);
        rows.clear();
        self.listed = 0;
        for index in 0..count {
            let row = row(index);
            if !T::lists(&row, options) {
                continue;
            }
            self.listed += 1;
            if grid.keeps(&Cells::<T>(&row)) {
                rows.push(index);
            }
        }
        self.kept = rows.len();
        let tree = nested && T::NEST == Nest::Tree;
        let mut leads = Vec::new();
        if tree && (grid.is_filtered() || T::narrows(options)) {
            leads = add_ancestors::<T>(state, &mut rows);
        }
        let steady = &mut self.steady;
        let classes = T::COLUMNS.get(grid.sort().column).is_some_and(|column| column.load.is_some());
        if classes {
            steady.begin();
        }
        sort_rows::<T, _>(&mut rows, grid.sort(), row, |i, load| steady.class(T::key(state, i as usize), load));
        if classes {
            steady.end();
        }
        self.lines.clear();
        self.groups.clear();
        match T::NEST {
            Nest::Tree if nested => self.grow::<T>(state, &rows, folded, &leads),
            Nest::Groups(_) if nested => self.gather::<T>(state, &rows, folded),
            _ => self.lines.extend(rows.iter().map(|row| Line::Row(RowLine::of(*row)))),
        }
        self.rows = rows;
    }

    /// Rows below their parents. `leads` says which rows are listed only for what is below them; empty: none.
    fn grow<T: TableDef<Key = K>>(&mut self, state: &State, rows: &[u32], folded: &Folded<T>, leads: &[bool])
    where
        K: Copy + Eq + std::hash::Hash + 'static,
    {
        let count = T::count(state);
        let mut listed = vec![false; count];
        rows.iter().for_each(|row| listed[*row as usize] = true);
        let parent = |row: u32| {
            let parent = T::parent(state, row as usize).filter(|parent| listed.get(*parent) == Some(&true))?;
            u32::try_from(parent).ok()
        };
        let is_folded = |row: u32| folded.contains(&LineKey::Row(T::key(state, row as usize)));
        branches(rows, parent, is_folded, count, &mut self.branches);
        let leads = |row: u32| leads.get(row as usize).copied().unwrap_or(false);
        let line = |branch: &Branch| RowLine { branch: *branch, inside: false, leads: leads(branch.row) };
        self.lines.extend(self.branches.iter().map(|branch| Line::Row(line(branch))));
    }

    /// Rows below their groups. A group is where the first of its rows would be.
    fn gather<T: TableDef<Key = K>>(&mut self, state: &State, rows: &[u32], folded: &Folded<T>)
    where
        K: Copy + Eq + std::hash::Hash + 'static,
    {
        let mut members: HashMap<&str, Vec<usize>> = HashMap::new();
        for row in rows {
            if let Some(name) = T::group(state, *row as usize) {
                members.entry(name).or_default().push(*row as usize);
            }
        }
        for row in rows {
            let Some(name) = T::group(state, *row as usize) else {
                self.lines.push(Line::Row(RowLine::of(*row)));
                continue;
            };
            let Some(members) = members.remove(name) else { continue };
            let key = key_of(name);
            let group = Group {
                name: name.to_owned(),
                key,
                folded: folded.contains(&LineKey::Group(key)) != T::FOLDED,
                members,
            };
            self.lines.push(Line::Group(self.groups.len()));
            if !group.folded {
                let inside =
                    |index: &usize| RowLine { inside: true, ..RowLine::of(u32::try_from(*index).unwrap_or(0)) };
                self.lines.extend(group.members.iter().map(|index| Line::Row(inside(index))));
            }
            self.groups.push(group);
        }
    }

    /// The line at a place, when it is a row.
    #[must_use]
    pub fn row(&self, at: usize) -> Option<&RowLine> {
        match self.lines.get(at)? {
            Line::Row(row) => Some(row),
            Line::Group(_) => None,
        }
    }

    /// The line at a place, when it is a group.
    #[must_use]
    pub fn group(&self, at: usize) -> Option<&Group> {
        match self.lines.get(at)? {
            Line::Group(group) => self.groups.get(*group),
            Line::Row(_) => None,
        }
    }

    /// What names each line.
    pub fn keys<T: TableDef<Key = K>>(&self, state: &State) -> impl Iterator<Item = LineKey<K>>
    where
        K: Copy,
    {
        self.lines.iter().map(|line| match line {
            Line::Row(row) => LineKey::Row(T::key(state, row.index())),
            Line::Group(group) => LineKey::Group(self.groups.get(*group).map_or(0, |group| group.key)),
        })
    }

    /// Says where the line at a place has a word.
    pub fn holds<'a, T: TableDef<Key = K>>(
        &'a self,
        state: &'a State,
        options: &'a T::Options,
    ) -> impl Fn(usize, &Needle, &[usize]) -> Option<Found> + 'a {
        let cx = T::cx(state, options);
        move |at, needle, columns| match self.lines.get(at)? {
            Line::Group(group) => needle.is_in(&self.groups.get(*group)?.name).then_some(Found::Name),
            Line::Row(row) => {
                (row.index() < T::count(state)).then(|| T::find(&T::row(cx, row.index()), needle, columns))?
            }
        }
    }
}

/// Adds the parents of what is listed, so that the tree holds together; says which rows they are.
fn add_ancestors<T: TableDef>(state: &State, rows: &mut Vec<u32>) -> Vec<bool> {
    let count = T::count(state);
    let (mut leads, mut known) = (vec![false; count], vec![false; count]);
    rows.iter().for_each(|row| known[*row as usize] = true);
    for at in 0..rows.len() {
        let mut next = T::parent(state, rows[at] as usize);
        while let Some(parent) = next.filter(|parent| known.get(*parent) == Some(&false)) {
            (known[parent], leads[parent]) = (true, true);
            rows.extend(u32::try_from(parent).ok());
            next = T::parent(state, parent);
        }
    }
    rows.sort_unstable();
    leads
}
