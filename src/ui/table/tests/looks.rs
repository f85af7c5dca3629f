//! A table as it is drawn.

use super::*;

#[test]
fn a_flat_table_has_heads_and_a_line_for_each_row() {
    let state = state(&SITES);
    let table = on_screen::<FLAT>(&state, false);
    let (drawn, below) = shown(&table, &state, 7);
    assert_eq!(
        drawn.lines(),
        [
            heads(),
            row("db/c", "3", ""),
            row("web/a", "2", ""),
            row("alone", "1", ""),
            row("web/b", "–", ""),
            "".into(),
            "".into()
        ]
    );
    assert_eq!(below, Rect::new(0, 5, 30, 2));
    assert_eq!(
        [(0, 0), (20, 0), (0, 1), (29, 1), (0, 2)].map(|(x, y)| drawn.role_at(x, y)),
        [
            Some(Role::TableHeader),
            Some(Role::TableHeaderSorted),
            Some(Role::Selected),
            Some(Role::Selected),
            Some(Role::Dim)
        ]
    );
    let heads = [(0, 17, "name"), (18, 5, "load"), (24, 6, "below")];
    let heads = heads.map(|(x, width, id)| (Rect::new(x, 0, width, 1), Target::OverlayColumn(id)));
    let rows = (0..4u16).map(|at| (Rect::new(0, at + 1, 30, 1), Target::OverlayRow(usize::from(at))));
    assert_eq!(drawn.hits, heads.into_iter().chain(rows).collect::<Vec<_>>());
}

#[test]
fn a_pane_marks_its_row_by_focus_and_by_hold() {
    let state = state(&SITES);
    let mut table = in_pane::<FLAT>(&state);
    let role = |table: &Table<Toy<FLAT>>, look: &Look| {
        let drawn = look.draw(&state, (12, 3), |cx, area, canvas| {
            table.draw(cx, Rect { x: 1, width: 10, ..area }, canvas, "");
        });
        (drawn.role_at(0, 1), drawn.role_at(11, 1), drawn.role_at(11, 2))
    };
    let (focused, unfocused) = (Look::default(), Look::unfocused());
    let both = |role| (Some(role), Some(role), None);
    assert_eq!(role(&table, &focused), both(Role::SelectedUnfocused), "the user did not choose it");
    assert_eq!(role(&table, &unfocused), (None, None, None));
    table.grid.cursor.hold(0);
    assert_eq!(role(&table, &focused), both(Role::Selected));
    assert_eq!(role(&table, &unfocused), both(Role::SelectedUnfocused));
    let drawn = focused.draw(&state, (30, 3), |cx, area, canvas| {
        table.draw(cx, area, canvas, "");
    });
    assert!(drawn.hits.contains(&(Rect::new(0, 1, 30, 1), Target::Row(PaneId::Pools, 0))));
    assert!(drawn.hits.contains(&(Rect::new(18, 0, 5, 1), Target::Column(PaneId::Pools, "load"))));
}

#[test]
fn a_table_without_rows_says_why() {
    let none = state(&[]);
    let lines = |table: &Table<Toy<FLAT>>, state: &State| shown(table, state, 3).0.lines();
    assert_eq!(lines(&on_screen(&none, false), &none), ["no servers", "", ""]);
    assert_eq!(lines(&on_screen(&none, false), &State::default()), ["waiting…", "", ""]);
    let some = state(&SITES);
    let mut table = on_screen(&some, false);
    filter(&mut table, &some, "postgres");
    assert_eq!(lines(&table, &some), [heads(), "no server matches the filter".into(), String::new()]);
    let mut old = state(&SITES);
    old.host.now = Stamp::at_seconds(9);
    assert_eq!(shown(&on_screen::<FLAT>(&old, false), &old, 3).0.role_at(0, 2), Some(Role::Faint));
    for (height, below) in [(0, Rect::new(0, 0, 30, 0)), (1, Rect::new(0, 1, 30, 0)), (3, Rect::new(0, 3, 30, 0))] {
        assert_eq!(shown(&table, &none, height).1, below);
    }
    assert_eq!(shown(&on_screen::<FLAT>(&some, false), &some, 1).1, Rect::new(0, 1, 30, 0));
}

#[test]
fn notes_stand_above_the_heads_but_leave_room_for_rows() {
    let state = state(&[("a", Some(1.0), "!one"), ("b", None, "!two"), ("c", None, "!three")]);
    let (drawn, _) = shown(&on_screen::<FLAT>(&state, false), &state, 5);
    assert_eq!(drawn.lines(), ["!one".into(), "!two".into(), heads(), row("a", "1", "!one"), row("b", "–", "!two")]);
    assert_eq!(drawn.role_of("!one"), Some(Role::Warn));
    let (drawn, below) = shown(&in_pane::<FLAT>(&state), &state, 4);
    assert_eq!((drawn.lines(), below.height), (vec!["!one".into(), "!two".into(), "!three".into(), heads()], 0));
    assert_eq!(shown(&in_pane::<FLAT>(&state), &state, 2).0.lines(), ["!one", "!two"]);
}

#[test]
fn quiet_words_stand_at_the_end_of_the_heads() {
    let state = state(&SITES);
    let table = on_screen::<FLAT>(&state, false);
    let heads = |right: &str| {
        let drawn = drawn(&state, (60, 2), |cx, area, canvas| {
            table.draw(cx, area, canvas, right);
        });
        (drawn.hits[2].0.x, drawn.line())
    };
    assert_eq!(heads(""), (54, format!("{:47} LOAD  BELOW", "NAME")));
    assert_eq!(heads("up"), (52, format!("{:45} LOAD  BELOW up", "NAME")));
    let (_, long) = heads("twenty columns at most here");
    assert_eq!(long, format!("{:40}twenty columns at m…", "NAME"));
}

#[test]
fn rows_of_a_group_are_below_its_line() {
    let state = state(&SITES);
    let table = on_screen::<GROUPS>(&state, true);
    assert_eq!(
        lines(&table, &state),
        [
            row("▾ db", "3", ""),
            row("  db/c", "3", ""),
            row("▾ web", "2", ""),
            row("  web/a", "2", ""),
            row("  web/b", "–", ""),
            row("alone", "1", ""),
        ]
    );
    let (drawn, _) = shown(&table, &state, 9);
    assert_eq!(
        [drawn.role_of("web"), drawn.role_at(0, 3), drawn.role_at(22, 3)],
        [Role::Container, Role::Dim, Role::Dim].map(Some)
    );
    let folded = on_screen::<FOLDED>(&state, true);
    assert_eq!(lines(&folded, &state), [row("▸ db", "3", ""), row("▸ web", "2", ""), row("alone", "1", "")]);
    assert_eq!(names(&on_screen::<GROUPS>(&state, false), &state), ["db/c", "web/a", "alone", "web/b"]);
}

#[test]
fn the_room_of_a_first_column_in_groups_holds_the_indent() {
    struct Measured;
    impl Columns for Measured {
        type Row<'a> = &'a ServerRow;
        const COLUMNS: &'static [Column<Self>] = &[
            Column::words("name", "NAME", 4, 0, |row: &&ServerRow| Cow::Borrowed(&row.raw.name))
                .between(2, 20)
                .essential(),
            Column::words("below", "BELOW", 9, 0, |row: &&ServerRow| Cow::Borrowed(&row.raw.url))
                .longest(|_| Some(7))
                .between(2, 9),
            Column::figure("load", "LOAD", Kind::Count, 5, 0, |row: &&ServerRow| row.raw.took)
                .between(3, 9)
                .essential(),
        ];
        const NAME: &'static str = "name";
    }
    impl TableDef for Measured {
        type Key = u64;
        type Cx<'a> = &'a State;
        type Options = ();
        const SOURCES: &'static [SourceId] = &[SourceId::ModelServers];
        const NOUN: &'static str = "server";
        const NEST: Nest = Nest::Groups("site");
        fn cx<'a>(state: &'a State, (): &'a ()) -> &'a State {
            state
        }
        fn count(state: &State) -> usize {
            state.host.model_servers.rows.len()
        }
        fn row<'a>(cx: Self::Cx<'a>, index: usize) -> &'a ServerRow {
            &cx.host.model_servers.rows[index]
        }
        fn key(_state: &State, index: usize) -> u64 {
            index as u64
        }
        fn open(_state: &State, _index: usize) -> Vec<Effect> {
            Vec::new()
        }
    }
    let state = state(&[("abc", None, ""), ("abcdefgh", None, ""), ("a", None, "")]);
    let mut table: Table<Measured> = Table::on_screen("name", ());
    table.update(&state);
    let widths = |table: &Table<Measured>| table.columns(60).iter().map(|placed| placed.width).collect::<Vec<_>>();
    assert_eq!(widths(&table), [8, 7, 9], "a figure takes what room there is");
    table.nest();
    table.update(&state);
    assert_eq!((widths(&table), table.least_width()), (vec![10, 7, 9], 4 + 7 + 3 + 2));
    assert_eq!(
        (Measured::group(&state, 0), Measured::parent(&state, 0), Measured::nothing(&state)),
        (None, None, "none")
    );
    let flat: Table<Measured> = {
        let mut table = Table::on_screen("name", ());
        table.update(&state);
        table
    };
    let head = |width, height, tally: &str| {
        let drawn = Look::unfocused().draw(&state, (width, height), |cx, area, canvas| {
            flat.draw_essentials(cx, area, canvas, &[0, 1], "", tally.to_owned());
        });
        drawn.line()
    };
    let with = |tally: &str| format!("{:<14}LOAD{tally:>12}", "SERVER").trim_end().to_owned();
    assert_eq!(head(30, 3, "2 up"), with("2 up"));
    assert_eq!((head(30, 3, ""), head(30, 4, "")), (with("+1"), with("")), "rows that are hidden");
    assert_eq!(head(30, 3, "fourteen chars"), with("+1"), "half a count would be another one");
}

fn essentials<const FORM: u8>(
    table: &Table<Toy<FORM>>,
    state: &State,
    look: &Look,
    size: (u16, u16),
    tally: &str,
) -> Vec<String> {
    let draw = look.draw(state, size, |cx, area, canvas| {
        table.draw_essentials(cx, area, canvas, &[2, 0, 1], "all fine", tally.to_owned());
    });
    draw.lines()
}

#[test]
fn essentials_list_what_matters_or_what_has_the_focus() {
    let state = state(&SITES);
    let table = in_pane::<GROUPS>(&state);
    let of = |look: &Look, size, tally: &str| essentials(&table, &state, look, size, tally);
    let (focused, unfocused) = (Look::default(), Look::unfocused());
    let row = |name: &str, load: &str, rest: &str| format!("{name:<16} {load:>5}{rest}").trim_end().to_owned();
    assert_eq!(
        of(&unfocused, (22, 4), ""),
        [row("SERVER", "LOAD", ""), row("alone", "1", ""), row("db/c", "3", ""), row("web/a", "2", "")]
    );
    assert_eq!(
        of(&focused, (22, 4), ""),
        [row("SERVER", "LOAD", ""), row("db/c", "3", ""), row("web/a", "2", ""), row("alone", "1", "")]
    );
    assert_eq!(of(&focused, (22, 1), ""), ["SERVER  all fine"]);
    assert_eq!(of(&focused, (22, 2), ""), [row("SERVER", "LOAD", ""), row("db/c", "3", "")]);
}

#[test]
fn essentials_of_nothing_say_why_in_their_one_row() {
    let of = |state: &State| essentials(&in_pane::<GROUPS>(state), state, &Look::default(), (30, 3), "").remove(0);
    assert_eq!(of(&State::default()), "SERVER  waiting…");
    assert_eq!(of(&state(&[])), "SERVER  no servers");
    let noted = state(&[("a", None, "!trouble")]);
    let one = essentials(&in_pane::<GROUPS>(&noted), &noted, &Look::default(), (30, 1), "");
    assert_eq!(one, ["SERVER  !trouble"]);
    let three = essentials(&in_pane::<GROUPS>(&noted), &noted, &Look::default(), (15, 3), "");
    assert_eq!(
        three,
        ["SERVER    LOAD", "!trouble", "a            –"]
            .map(|line| line.replace("    LOAD", "     LOAD").replace("            –", "             –"))
    );
}
