//! What a table lists. Its columns, its rows and what a key does to them are its own; filter, search, order, cursor, tags,
//! groups, clicks and drawing are those of every `Table`.

use std::{borrow::Cow, hash::Hash};

use super::column::Columns;
use crate::{
    alert::Level,
    model::{source::SourceId, subject::Subject},
    state::State,
    ui::view::Effect,
};

/// Rows below other rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nest {
    /// None.
    Flat,
    /// Rows of one group are below a heading; what a group is called.
    Groups(&'static str),
    /// Rows are below their parents.
    Tree,
}

/// One kind of table.
pub trait TableDef: Columns {
    /// What names a row as long as what it shows exists.
    type Key: Copy + Eq + Hash + 'static;
    /// What its rows need of the machine: made once for all of them.
    type Cx<'a>: Copy;
    /// What its own keys and the settings change.
    type Options;

    /// Where its rows come from first, then what else their order depends on.
    const SOURCES: &'static [SourceId];
    /// What one row is called: `container`.
    const NOUN: &'static str;
    /// Rows can be tagged and acted on together.
    const TAGS: bool = false;
    /// Rows below other rows, when the user wants so.
    const NEST: Nest = Nest::Flat;
    /// Groups begin folded.
    const FOLDED: bool = false;
    /// The column that takes the room that is left moves sideways, to show the rest of its text.
    const SIDEWAYS: bool = false;

    /// What rows need of this state.
    fn cx<'a>(state: &'a State, options: &'a Self::Options) -> Self::Cx<'a>;

    /// How many rows there are before any choice.
    fn count(state: &State) -> usize;

    /// The row at `index`, which is below [`TableDef::count`].
    fn row<'a>(cx: Self::Cx<'a>, index: usize) -> Self::Row<'a>;

    /// Its key.
    fn key(state: &State, index: usize) -> Self::Key;

    /// Changes whenever rows or their order may be others: lists are rebuilt then, and only then.
    fn round(state: &State) -> u64 {
        let rounds = Self::SOURCES.iter().map(|source| state.host.health.round(*source));
        rounds.fold(state.acknowledgements(), |sum, round| sum.wrapping_mul(31).wrapping_add(round))
    }

    /// True when the options leave this row in.
    fn lists(_row: &Self::Row<'_>, _options: &Self::Options) -> bool {
        true
    }

    /// True when the options leave out rows but not their children.
    fn narrows(_options: &Self::Options) -> bool {
        false
    }

    /// The group of a row.
    fn group(_state: &State, _index: usize) -> Option<&str> {
        None
    }

    /// The parent of a row.
    fn parent(_state: &State, _index: usize) -> Option<usize> {
        None
    }

    /// Lines above the heads: what is wrong with where the rows come from.
    fn notes(_state: &State) -> Vec<(Level, String)> {
        Vec::new()
    }

    /// What is said in place of rows when there are none.
    fn nothing(_state: &State) -> &'static str {
        "none"
    }

    /// What Enter does to a row.
    fn open(state: &State, index: usize) -> Vec<Effect>;
}

/// A table of a list that the state has: one row for each item.
pub trait ListDef: Columns {
    type Item: 'static;

    /// As [`TableDef::SOURCES`].
    const SOURCES: &'static [SourceId];
    /// As [`TableDef::NOUN`].
    const NOUN: &'static str;
    /// As [`TableDef::TAGS`].
    const TAGS: bool = false;
    /// As [`TableDef::NEST`].
    const NEST: Nest = Nest::Flat;

    fn items(state: &State) -> &[Self::Item];

    fn row<'a>(item: &'a Self::Item, state: &'a State) -> Self::Row<'a>;

    /// What names it, and no other one.
    fn id(item: &Self::Item) -> Cow<'_, str>;

    /// Whose detail Enter opens.
    fn subject(_item: &Self::Item, _state: &State) -> Option<Subject> {
        None
    }

    /// As [`TableDef::group`].
    fn group(_item: &Self::Item) -> Option<&str> {
        None
    }

    /// As [`TableDef::notes`].
    fn notes(_state: &State) -> Vec<(Level, String)> {
        Vec::new()
    }

    /// As [`TableDef::nothing`].
    fn nothing(_state: &State) -> &'static str {
        "none"
    }
}

impl<T: ListDef> TableDef for T {
    type Key = u64;
    type Cx<'a> = &'a State;
    type Options = ();
    const SOURCES: &'static [SourceId] = <T as ListDef>::SOURCES;
    const NOUN: &'static str = <T as ListDef>::NOUN;
    const TAGS: bool = <T as ListDef>::TAGS;
    const NEST: Nest = <T as ListDef>::NEST;

    fn cx<'a>(state: &'a State, (): &'a ()) -> &'a State {
        state
    }

    fn count(state: &State) -> usize {
        T::items(state).len()
    }

    fn row<'a>(state: Self::Cx<'a>, index: usize) -> T::Row<'a> {
        <T as ListDef>::row(&T::items(state)[index], state)
    }

    fn key(state: &State, index: usize) -> u64 {
        key_of(&T::id(&T::items(state)[index]))
    }

    fn group(state: &State, index: usize) -> Option<&str> {
        <T as ListDef>::group(&T::items(state)[index])
    }

    fn notes(state: &State) -> Vec<(Level, String)> {
        <T as ListDef>::notes(state)
    }

    fn nothing(state: &State) -> &'static str {
        <T as ListDef>::nothing(state)
    }

    fn open(state: &State, index: usize) -> Vec<Effect> {
        let subject = T::items(state).get(index).and_then(|item| T::subject(item, state));
        subject.map(Effect::OpenDetail).into_iter().collect()
    }
}

/// A key out of a name: the same name is the same row.
#[must_use]
pub fn key_of(name: &str) -> u64 {
    use std::hash::{DefaultHasher, Hasher};
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::model_server::{Server, ServerRow},
        ui::table::column::Column,
    };

    struct Servers;

    impl Columns for Servers {
        type Row<'a> = &'a str;
        const COLUMNS: &'static [Column<Self>] = &[];
        const NAME: &'static str = "name";
    }

    impl ListDef for Servers {
        type Item = ServerRow;
        const SOURCES: &'static [SourceId] = &[SourceId::ModelServers];
        const NOUN: &'static str = "server";

        fn items(state: &State) -> &[ServerRow] {
            &state.host.model_servers.rows
        }

        fn row<'a>(item: &'a ServerRow, _state: &'a State) -> &'a str {
            &item.raw.name
        }

        fn id(item: &ServerRow) -> Cow<'_, str> {
            Cow::Borrowed(&item.raw.name)
        }

        fn subject(item: &ServerRow, _state: &State) -> Option<Subject> {
            item.raw.name.starts_with('a').then(|| Subject::Pool(item.raw.name.clone()))
        }
    }

    #[test]
    fn a_list_is_a_table_of_its_items() {
        let mut state = State::default();
        let server =
            |name: &str| ServerRow { raw: Server { name: name.into(), ..Server::default() }, ..ServerRow::default() };
        state.host.model_servers.rows = ["a1", "b1", "a1"].map(server).into();
        assert_eq!(<Servers as TableDef>::count(&state), 3);
        assert_eq!(<Servers as TableDef>::row(&state, 1), "b1");
        let key = |at| <Servers as TableDef>::key(&state, at);
        assert_eq!((key(0), key(2)), (key_of("a1"), key_of("a1")));
        assert_ne!(key(0), key(1));
        let opens = |at| match <Servers as TableDef>::open(&state, at).as_slice() {
            [Effect::OpenDetail(Subject::Pool(name))] => name.clone(),
            [] => String::new(),
            _ => "something else".to_owned(),
        };
        assert_eq!([opens(0), opens(1), opens(3)], ["a1", "", ""], "what has no view, or is gone, opens nothing");
    }

    #[test]
    fn a_table_is_flat_by_default() {
        let state = State::default();
        assert!(<Servers as TableDef>::NEST == Nest::Flat && !<Servers as TableDef>::TAGS);
        assert!(<Servers as TableDef>::notes(&state).is_empty());
        assert_eq!(<Servers as TableDef>::nothing(&state), "none");
        assert!(<Servers as TableDef>::lists(&"a1", &()) && !<Servers as TableDef>::narrows(&()));
    }
}
