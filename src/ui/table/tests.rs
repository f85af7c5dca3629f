//! A table of invented rows, flat, in groups and as a tree: its lines, and what keys and clicks do to them.

mod hosts;
mod looks;
mod nested;

use std::{borrow::Cow, time::Duration};

use crossterm::event::{KeyCode, KeyModifiers};
use ratatui::layout::Rect;

use super::{
    column::{Column, Columns, Kind, Search},
    core::Table,
    def::{Nest, TableDef, key_of},
    lines::Line,
    pane::{Compact, PaneTable, TablePane},
    screen::{ScreenTable, TableScreen},
};
use crate::{
    alert::Level,
    clock::Stamp,
    config::{Settings, settings::TableSettings},
    interest::Interest,
    model::{
        event::{Envelope, Sample},
        model_server::{ModelServerSample, Server, ServerRow},
        source::SourceId,
        subject::Subject,
    },
    state::State,
    ui::{
        action::{Action, Context},
        canvas::{
            DrawCx, Target,
            testing::{Drawn, Look, drawn},
        },
        ids::{Key, PaneId},
        theme::Role,
        view::{Effect, Message, Overlay, Pane, Room, Rows, Shown, To},
    },
};

const FLAT: u8 = 0;
const GROUPS: u8 = 1;
const FOLDED: u8 = 2;
const TREE: u8 = 3;

/// Servers: `web/a` is of the group `web`, and below the one that its address names.
struct Toy<const FORM: u8>;

impl<const FORM: u8> Columns for Toy<FORM> {
    type Row<'a> = &'a ServerRow;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::words("name", "NAME", 8, 0, |row: &&ServerRow| Cow::Borrowed(&row.raw.name)).stretching().essential(),
        Column::figure("load", "LOAD", Kind::Count, 5, 0, |row: &&ServerRow| row.raw.took)
            .essential()
            .summed()
            .asks(|want| want.sockets = true)
            .search(Search::Whole),
        Column::words("below", "BELOW", 6, 2, |row: &&ServerRow| Cow::Borrowed(&row.raw.url)),
    ];
    const NAME: &'static str = "name";
}

impl<const FORM: u8> TableDef for Toy<FORM> {
    type Key = u64;
    type Cx<'a> = &'a State;
    type Options = ();
    const SOURCES: &'static [SourceId] = &[SourceId::ModelServers];
    const NOUN: &'static str = "server";
    const TAGS: bool = FORM != FLAT;
    const NEST: Nest = match FORM {
        FLAT => Nest::Flat,
        TREE => Nest::Tree,
        _ => Nest::Groups("site"),
    };
    const FOLDED: bool = FORM == FOLDED;
    const SIDEWAYS: bool = FORM == FLAT;

    fn cx<'a>(state: &'a State, (): &'a ()) -> &'a State {
        state
    }

    fn count(state: &State) -> usize {
        state.host.model_servers.rows.len()
    }

    fn row<'a>(cx: Self::Cx<'a>, index: usize) -> &'a ServerRow {
        &cx.host.model_servers.rows[index]
    }

    fn key(state: &State, index: usize) -> u64 {
        key_of(&Self::row(state, index).raw.name)
    }

    fn group(state: &State, index: usize) -> Option<&str> {
        Some(Self::row(state, index).raw.name.split_once('/')?.0)
    }

    fn parent(state: &State, index: usize) -> Option<usize> {
        let above = &Self::row(state, index).raw.url;
        state.host.model_servers.rows.iter().position(|row| row.raw.name == *above)
    }

    fn notes(state: &State) -> Vec<(Level, String)> {
        let note = |row: &ServerRow| row.raw.url.starts_with('!').then(|| (Level::Warn, row.raw.url.clone()));
        state.host.model_servers.rows.iter().filter_map(note).collect()
    }

    fn nothing(_state: &State) -> &'static str {
        "no servers"
    }

    fn open(state: &State, index: usize) -> Vec<Effect> {
        vec![Effect::OpenDetail(Subject::Pool(Self::row(state, index).raw.name.clone()))]
    }
}

impl<const FORM: u8> ScreenTable for Toy<FORM> {
    const SORT: &'static str = "load";
    const CONTEXT: Context = Context::Objects;

    fn title(_state: &State) -> String {
        "servers".to_owned()
    }

    fn foot(cx: &DrawCx<'_>) -> Option<String> {
        Some(format!("{} in all", Self::count(cx.state)))
    }

    fn act(_table: &mut Table<Self>, action: Action, _state: &State) -> Option<Vec<Effect>> {
        (action == Action::Logs).then(|| vec![Effect::Close])
    }

    fn hints() -> Vec<(Action, &'static str)> {
        vec![(Action::Open, "view")]
    }

    fn want(want: &mut Interest) {
        want.stores = true;
    }
}

impl<const FORM: u8> PaneTable for Toy<FORM> {
    const PANE: PaneId = PaneId::Pools;
    const COMPACT: Compact<Self> = match FORM {
        FLAT => Compact::Whole,
        FOLDED => Compact::Drawn(
            |_, _| Some(Rows { min: 3, want: 7 }),
            |_, cx, area, canvas| {
                super::column::write(canvas, area, super::column::Align::Left, "drawn", cx.theme.style(Role::Text));
            },
        ),
        _ => Compact::Essentials,
    };
    const HINTS: &'static [(Action, &'static str)] = &[(Action::Open, "view")];

    fn settings(settings: &mut Settings) -> Option<&mut TableSettings> {
        Some(&mut settings.pools)
    }

    fn rows(_table: &Table<Self>, _state: &State) -> Option<Rows> {
        Some(Rows { min: 2, want: 5 })
    }

    fn summary(_table: &Table<Self>, cx: &DrawCx<'_>) -> String {
        if Self::count(cx.state) > 9 { String::new() } else { "all fine".to_owned() }
    }

    fn weight(state: &State, index: usize) -> Option<(Level, f64)> {
        let row = Self::row(state, index);
        let level = if row.raw.name.ends_with('!') { Level::Warn } else { Level::Ok };
        Some((level, row.raw.took?))
    }

    fn tally(_table: &Table<Self>, state: &State) -> String {
        let count = Self::count(state);
        if count > 9 { String::new() } else { format!("{count} up") }
    }

    fn below(cx: &DrawCx<'_>, area: Rect, canvas: &mut crate::ui::canvas::Canvas<'_>) {
        super::column::write(canvas, area, super::column::Align::Right, "below", cx.theme.style(Role::Text));
    }

    fn act(_table: &mut Table<Self>, action: Action, _state: &State) -> Option<Vec<Effect>> {
        (action == Action::Logs).then(|| vec![Effect::Close])
    }
}

/// Name, load, and above it in a tree.
type Of = (&'static str, Option<f64>, &'static str);

fn state(rows: &[Of]) -> State {
    let mut state = State::default();
    state.host.now = Stamp::at_seconds(1);
    answered(&mut state, 1);
    list(&mut state, rows);
    state
}

fn list(state: &mut State, rows: &[Of]) {
    let row = |(name, took, url): &Of| ServerRow {
        raw: Server { name: (*name).to_owned(), took: *took, url: (*url).to_owned(), ..Server::default() },
        ..ServerRow::default()
    };
    state.host.model_servers.rows = rows.iter().map(row).collect();
}

fn answered(state: &mut State, second: u64) {
    let outcome = Ok(Sample::ModelServers(ModelServerSample::default()));
    let (source, at, took, every) =
        (SourceId::ModelServers, Stamp::at_seconds(second), Duration::ZERO, Duration::from_secs(1));
    state.host.health.note(&Envelope { source, at, took, every, outcome });
}

const SITES: [Of; 4] =
    [("web/a", Some(2.0), ""), ("db/c", Some(3.0), ""), ("web/b", None, ""), ("alone", Some(1.0), "")];
const FAMILY: [Of; 5] = [
    ("root", Some(1.0), ""),
    ("child", Some(2.0), "root"),
    ("leaf", Some(9.0), "child"),
    ("other", Some(5.0), "root"),
    ("stranger", Some(4.0), ""),
];

fn on_screen<const FORM: u8>(state: &State, nested: bool) -> Table<Toy<FORM>> {
    let mut table = Table::on_screen("load", ());
    if nested {
        table.nest();
        if FORM == TREE {
            table.grid.sort_by("load");
        }
    }
    table.update(state);
    table
}

fn in_pane<const FORM: u8>(state: &State) -> Table<Toy<FORM>> {
    let settings = TableSettings { columns: Vec::new(), sort: "load".into(), reverse: false };
    let mut table = Table::in_pane(PaneId::Pools, &settings, false, ());
    table.update(state);
    table
}

/// As drawn in 30 columns.
fn row(name: &str, load: &str, below: &str) -> String {
    format!("{name:<17} {load:>5} {below}").trim_end().to_owned()
}

fn heads() -> String {
    row("NAME", "LOAD", "BELOW")
}

fn shown<const FORM: u8>(table: &Table<Toy<FORM>>, state: &State, height: u16) -> (Drawn, Rect) {
    let mut below = Rect::default();
    let drawn = drawn(state, (30, height), |cx, area, canvas| below = table.draw(cx, area, canvas, ""));
    (drawn, below)
}

fn lines<const FORM: u8>(table: &Table<Toy<FORM>>, state: &State) -> Vec<String> {
    let lines = shown(table, state, 9).0.lines();
    lines.into_iter().skip(1).filter(|line| !line.is_empty()).collect()
}

/// The lines by name: `-` a folded group or branch, `(…)` one that only leads to others, a blank for each level of depth.
fn names<const FORM: u8>(table: &Table<Toy<FORM>>, state: &State) -> Vec<String> {
    let name = |line: &Line| match line {
        Line::Group(at) => {
            let group = &table.list.groups[*at];
            format!("{}{}:{}", if group.folded { "-" } else { "" }, group.name, group.members.len())
        }
        Line::Row(row) => {
            let name = &state.host.model_servers.rows[row.index()].raw.name;
            let name = if row.leads { format!("({name})") } else { name.clone() };
            let folded = if row.branch.folded > 0 { format!("-{}", row.branch.folded) } else { String::new() };
            format!("{}{name}{folded}", " ".repeat(usize::from(row.branch.depth) + usize::from(row.inside)))
        }
    };
    table.list.lines.iter().map(name).collect()
}

fn tagged<const FORM: u8>(table: &Table<Toy<FORM>>, state: &State) -> Vec<String> {
    table.targets(state).into_iter().map(|index| state.host.model_servers.rows[index].raw.name.clone()).collect()
}

fn filter<const FORM: u8>(table: &mut Table<Toy<FORM>>, state: &State, text: &str) {
    table.act(Action::Filter, state);
    table.paste(text, state);
    table.key(Key::new(KeyCode::Enter, KeyModifiers::NONE), state);
    table.update(state);
}

#[test]
fn a_list_is_made_again_after_a_round_or_a_key_alone() {
    let mut state = state(&SITES[..2]);
    let mut table = on_screen::<FLAT>(&state, false);
    list(&mut state, &[("x", None, ""), ("y", None, "")]);
    table.update(&state);
    assert_eq!(table.row(&state, 0).map(|row| row.raw.name.as_str()), Some("y"), "the places are those of before");
    answered(&mut state, 2);
    table.update(&state);
    assert_eq!(names(&table, &state), ["x", "y"]);
    list(&mut state, &SITES[..1]);
    assert_eq!((table.row(&state, 0).is_some(), table.row(&state, 1).is_none()), (true, true), "it is gone already");
    let lines = shown(&table, &state, 3).0.lines();
    assert_eq!(lines, [heads(), row("web/a", "2", ""), String::new()]);
    table.update(&state);
    assert_eq!(table.list.lines.len(), 1, "another count is news");
    list(&mut state, &[("z", None, "")]);
    table.changed();
    table.update(&state);
    assert_eq!(names(&table, &state), ["z"]);
}

fn opened(effects: &[Effect]) -> Option<&str> {
    match effects {
        [Effect::OpenDetail(Subject::Pool(name))] => Some(name),
        _ => None,
    }
}

#[test]
fn a_row_opens_by_key_and_by_a_second_click() {
    let state = state(&SITES);
    let mut table = in_pane::<FLAT>(&state);
    assert!(table.opens() && !in_pane::<FLAT>(&self::state(&[])).opens());
    assert_eq!(opened(&table.act(Action::Open, &state).unwrap()), Some("db/c"));
    let row = Target::Row(PaneId::Pools, 0);
    assert!(table.click(&row, &state).is_empty(), "the first click chooses it");
    assert_eq!(opened(&table.click(&row, &state)), Some("db/c"));
    assert!(table.click(&Target::OverlayRow(2), &state).is_empty());
    assert_eq!((table.selected(), opened(&table.click(&Target::OverlayRow(2), &state))), (Some(3), Some("alone")));
    for (target, first) in [
        (Target::Column(PaneId::Pools, "name"), "alone"),
        (Target::OverlayColumn("name"), "web/b"),
        (Target::Pane(PaneId::Pools), "web/b"),
    ] {
        table.click(&target, &state);
        table.update(&state);
        assert_eq!(names(&table, &state)[0], first);
    }
}

#[test]
fn a_flat_list_moves_its_column_sideways() {
    let state = state(&SITES);
    let mut table = on_screen::<FLAT>(&state, false);
    let mut after = |action| {
        assert!(table.act(action, &state).is_some());
        table.shift
    };
    assert_eq!([Action::Left, Action::Right, Action::Right, Action::Left].map(&mut after), [0, 16, 32, 16]);
    table.shift = 4090;
    table.act(Action::Right, &state);
    assert_eq!(table.shift, 4096);
    assert!(on_screen::<GROUPS>(&state, false).act(Action::Left, &state).is_none());
}

#[test]
fn list_and_tree_have_an_order_each_and_the_list_is_saved() {
    let state = state(&FAMILY);
    let settings = TableSettings { columns: vec!["load".into(), "name".into()], sort: "load".into(), reverse: true };
    let mut table: Table<Toy<TREE>> = Table::in_pane(PaneId::Pools, &settings, true, ());
    table.update(&state);
    assert!(table.nested && table.grid.sort().column == 0, "a tree keeps its rows in their places");
    let settled = |table: &Table<Toy<TREE>>| {
        let mut settings = TableSettings { columns: Vec::new(), sort: String::new(), reverse: false };
        table.settle(&mut settings);
        settings
    };
    assert_eq!(settled(&table), settings);
    table.act(Action::SortInvert, &state);
    assert_eq!(settled(&table), settings, "what the tree is sorted by is not saved");
    table.act(Action::Tree, &state);
    assert_eq!((table.grid.sort().column, settled(&table)), (1, settings));
    table.act(Action::SortInvert, &state);
    assert!(!settled(&table).reverse);
    assert!(table.is_plain("load") && !table.is_plain("name"));
    table.act(Action::SortInvert, &state);
    assert!(!table.is_plain("load"), "the other way round");
    table.act(Action::SortInvert, &state);
    filter(&mut table, &state, "root");
    assert!(!table.is_plain("load"), "some are left out");
}

#[test]
fn sources_are_asked_for_what_is_sorted_by_and_shown() {
    let state = state(&SITES);
    let asked = |table: &Table<Toy<FLAT>>| {
        let mut want = Interest::default();
        (table.asks(&mut want), want.sockets)
    };
    let mut table = on_screen::<FLAT>(&state, false);
    assert_eq!(asked(&table), (false, true), "sorted by, and not on the screen yet");
    shown(&table, &state, 5);
    assert_eq!(asked(&table), (true, true));
    table.grid.sort_by("name");
    assert_eq!(asked(&table), (true, false));
    filter(&mut table, &state, "load>1");
    assert_eq!(asked(&table), (true, true), "filtered by");
    table.receive(&Message::Columns(vec!["name"]));
    filter(&mut table, &state, "");
    table.update(&state);
    shown(&table, &state, 5);
    assert!(!asked(&table).0);
}

#[test]
fn a_word_is_found_in_names_groups_and_visible_columns() {
    let state = state(&SITES);
    let search = |table: &mut Table<Toy<GROUPS>>, word: &str| {
        table.act(Action::Search, &state);
        table.paste(word, &state);
        table.key(Key::new(KeyCode::Enter, KeyModifiers::NONE), &state);
        table.grid.cursor.position()
    };
    let mut table = on_screen::<GROUPS>(&state, true);
    assert_eq!((search(&mut table, "web"), search(&mut table, "/b"), search(&mut table, "2")), (2, 4, 3));
    table.act(Action::Top, &state);
    let (drawn, _) = shown(&table, &state, 9);
    assert_eq!(drawn.role_at(22, 4), Some(Role::Match), "the whole number");
}
