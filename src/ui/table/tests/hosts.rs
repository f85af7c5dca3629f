//! A table as a pane and as an overlay.

use super::*;

#[test]
fn a_pane_says_what_its_table_leaves_out() {
    let state = state(&SITES);
    let settings = TableSettings { columns: Vec::new(), sort: "load".into(), reverse: false };
    let mut pane: TablePane<Toy<GROUPS>> = TablePane::new(&settings, false, ());
    pane.refresh(&state, &Settings::default());
    let info = |pane: &TablePane<Toy<GROUPS>>| {
        let mut info = String::new();
        drawn(&state, (1, 1), |cx, _, _| info = pane.info(cx));
        info
    };
    let act = |pane: &mut TablePane<Toy<GROUPS>>, action| pane.act(action, &state, &Settings::default());
    assert_eq!(info(&pane), "all fine");
    act(&mut pane, Action::Tag);
    act(&mut pane, Action::Tree);
    assert_eq!(info(&pane), "1 tagged · by site · all fine");
    act(&mut pane, Action::Filter);
    assert!(pane.takes_text());
    pane.paste("web", &state);
    let footer = drawn(&state, (40, 1), |cx, area, canvas| assert!(pane.footer(cx, area, canvas)));
    pane.refresh(&state, &Settings::default());
    assert_eq!(info(&pane), "2 of 4 · filter web · 1 tagged · by site · all fine");
    assert!(footer.line().starts_with(" filter web"), "{}", footer.line());
    assert!(pane.key(Key::new(KeyCode::Enter, KeyModifiers::NONE), &state).is_some() && !pane.takes_text());
    assert!(!drawn_footer(&pane, &state));
    assert!(matches!(act(&mut pane, Action::Logs).as_deref(), Some([Effect::Close])), "a key of its own");
    assert!(act(&mut pane, Action::Advice).is_none());
    assert_eq!((pane.context(), pane.zooms(), pane.opens(&state)), (Context::List, true, true));
}

fn drawn_footer(pane: &TablePane<Toy<GROUPS>>, state: &State) -> bool {
    let mut is_drawn = false;
    drawn(state, (40, 1), |cx, area, canvas| is_drawn = pane.footer(cx, area, canvas));
    is_drawn
}

fn pane_of<const FORM: u8>(state: &State) -> TablePane<Toy<FORM>> {
    let mut pane = TablePane::of(in_pane::<FORM>(state));
    pane.refresh(state, &Settings::default());
    pane
}

#[test]
fn a_pane_asks_for_the_rows_of_its_form() {
    let (none, some, noted) = (state(&[]), state(&SITES), state(&[("a", None, "!x"), ("b", None, "")]));
    let rows = |min, want| Some(Rows { min, want });
    assert_eq!(pane_of::<GROUPS>(&none).lines(&none), rows(1, 1));
    assert_eq!(pane_of::<GROUPS>(&some).lines(&some), rows(2, 5));
    assert_eq!(pane_of::<GROUPS>(&noted).lines(&noted), rows(3, 4));
    assert_eq!(pane_of::<FLAT>(&some).lines(&some), rows(2, u16::MAX));
    assert_eq!(pane_of::<FOLDED>(&some).lines(&some), rows(3, 7));
    assert_eq!(pane_of::<GROUPS>(&some).rows(&some, 80), rows(2, 5));
    let least = [pane_of::<GROUPS>(&some).least_width(&some), pane_of::<FLAT>(&some).least_width(&some)];
    assert_eq!(least, [Some(8 + 5 + 6 + 2 + 4), None]);
}

#[test]
fn a_pane_says_how_much_it_shows() {
    let noted = state(&[("a", None, "!x"), ("b", None, ""), ("c", None, "")]);
    let room = |width, height, boxed| Room { width, height, boxed };
    let shown = |items, columns| Shown { items, of: 3, columns };
    let groups = |room| pane_of::<GROUPS>(&noted).shown(&noted, room);
    assert_eq!(
        [groups(room(30, 9, true)), groups(room(30, 4, true)), groups(room(20, 1, true))],
        [shown(3, 3), shown(2, 3), shown(0, 2)]
    );
    assert_eq!(groups(room(30, 9, false)), shown(3, 2), "the essential ones");
    let flat = |width| pane_of::<FLAT>(&noted).shown(&noted, room(width, 9, false)).columns;
    assert_eq!((flat(23), flat(22)), (3, 2));
}

#[test]
fn a_pane_is_drawn_in_each_of_its_forms() {
    let state = state(&[("calm", Some(5.0), ""), ("bad!", Some(1.0), ""), ("idle", None, ""), ("busy", Some(7.0), "")]);
    let compact = |pane: &dyn Pane, look: &Look, height| {
        look.draw(&state, (24, height), |cx, area, canvas| pane.draw_compact(cx, area, canvas)).lines()
    };
    let unfocused = Look::unfocused();
    let names =
        |lines: Vec<String>| lines.iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(
        names(compact(&pane_of::<GROUPS>(&state), &unfocused, 5)),
        ["SERVER", "bad!", "busy", "calm", "idle"],
        "the worst, then the heaviest"
    );
    assert_eq!(
        names(compact(&pane_of::<GROUPS>(&state), &Look::default(), 3)),
        ["SERVER", "busy", "calm"],
        "its own order"
    );
    assert_eq!(names(compact(&pane_of::<FLAT>(&state), &unfocused, 3)), ["NAME", "busy", "calm"]);
    assert_eq!(compact(&pane_of::<FOLDED>(&state), &unfocused, 2), ["drawn", ""]);
    let pane = pane_of::<GROUPS>(&state);
    let boxed = drawn(&state, (24, 7), |cx, area, canvas| pane.draw(cx, area, canvas)).lines();
    assert_eq!(boxed[5], format!("{:>24}", "below"), "the room below the last row is used");
    let full = drawn(&state, (24, 5), |cx, area, canvas| pane.draw(cx, area, canvas)).lines();
    assert!(!full.concat().contains("below"), "{full:?}");
}

#[test]
fn a_pane_offers_its_keys_and_keeps_its_settings() {
    let state = state(&SITES);
    let words = |pane: &dyn Pane| pane.hints().into_iter().map(|(_, words)| words).collect::<Vec<_>>();
    assert_eq!(words(&pane_of::<FLAT>(&state)), ["view", "search", "filter", "sort"]);
    assert_eq!(words(&pane_of::<GROUPS>(&state)), ["view", "group", "search", "filter", "sort"]);
    assert_eq!(words(&pane_of::<TREE>(&state)), ["view", "tree", "search", "filter", "sort"]);
    let (mut pane, mut settings) = (pane_of::<FLAT>(&state), Settings::default());
    pane.receive(Message::Sort("name"));
    pane.receive(Message::User(None));
    pane.settle(&mut settings);
    assert_eq!((settings.pools.sort.as_str(), settings.pools.columns.len()), ("name", 3));
    let mut want = Interest::default();
    pane.want(&mut want, &state);
    assert!(!want.sockets);
    assert!(pane.click(&Target::Column(PaneId::Pools, "load"), &state).is_empty());
    pane.want(&mut want, &state);
    assert!(want.sockets, "it is sorted by it now");
}

#[test]
fn a_table_over_the_screen_has_title_foot_and_keys() {
    let state = state(&SITES);
    let mut screen: TableScreen<Toy<GROUPS>> = TableScreen::default();
    screen.refresh(&state);
    let lines = |screen: &TableScreen<Toy<GROUPS>>, state: &State, height| {
        drawn(state, (30, height), |cx, area, canvas| screen.draw(cx, area, canvas)).lines()
    };
    assert_eq!(lines(&screen, &state, 4), [heads(), row("db/c", "3", ""), row("web/a", "2", ""), "4 in all".into()]);
    assert_eq!(lines(&screen, &state, 3), [heads(), row("db/c", "3", ""), row("web/a", "2", "")]);
    let none = self::state(&[]);
    let mut empty: TableScreen<Toy<GROUPS>> = TableScreen::default();
    empty.refresh(&none);
    assert_eq!(lines(&empty, &none, 4), ["no servers", "", "", ""]);
    assert_eq!(
        (screen.title(&state), screen.full_screen(), screen.context()),
        ("servers".to_owned(), true, Context::Objects)
    );
    assert_eq!(
        screen.hints().into_iter().map(|(_, words)| words).collect::<Vec<_>>(),
        ["view", "search", "filter", "sort", "columns"]
    );
    assert!(screen.act(Action::Filter, &state).is_some() && screen.takes_text());
    screen.paste("web", &state);
    screen.refresh(&state);
    let footer = drawn(&state, (40, 1), |cx, area, canvas| assert!(screen.footer(cx, area, canvas)));
    assert!(footer.line().ends_with("2 rows"), "{}", footer.line());
    assert!(screen.key(Key::new(KeyCode::Enter, KeyModifiers::NONE), &state).is_some());
    assert_eq!(screen.title(&state), "servers · filter web leaves 2");
    assert!(matches!(screen.act(Action::Logs, &state).as_deref(), Some([Effect::Close])));
    assert!(screen.act(Action::Advice, &state).is_none());
    screen.receive(Message::Sort("name"));
    let mut want = Interest::default();
    screen.want(&mut want, &state);
    assert_eq!((want.stores, want.sockets), (true, false));
    screen.click(&Target::OverlayColumn("load"), &state);
    screen.want(&mut want, &state);
    assert!(want.sockets);
}

#[test]
fn menus_send_their_choice_to_the_table_that_opened_them() {
    let state = state(&SITES);
    let mut table = in_pane::<FLAT>(&state);
    let mut opens = |action| match table.act(action, &state).as_deref_mut() {
        Some([Effect::Open(overlay)]) => {
            let sent = overlay.act(Action::Open, &state).unwrap_or_default();
            (
                overlay.title(&state),
                sent.into_iter().find_map(|effect| match effect {
                    Effect::Send(To::Pane(PaneId::Pools), message) => Some(message),
                    _ => None,
                }),
            )
        }
        _ => panic!("a menu"),
    };
    assert_eq!(opens(Action::SortMenu), ("sort by".to_owned(), Some(Message::Sort("load"))));
    assert_eq!(opens(Action::Columns).0, "columns · space shows or hides, + - moves");
}

#[test]
fn columns_and_order_are_saved_where_the_settings_have_them() {
    let state = state(&SITES);
    for (pane, name) in [
        (PaneId::Processes, Some("processes")),
        (PaneId::Containers, Some("containers")),
        (PaneId::Pools, Some("pools")),
        (PaneId::Services, None),
    ] {
        let settings = TableSettings { columns: Vec::new(), sort: "load".into(), reverse: false };
        let mut table: Table<Toy<FLAT>> = Table::in_pane(pane, &settings, false, ());
        table.update(&state);
        let mut saved = |action| match table.act(action, &state).as_deref_mut() {
            Some([Effect::Open(menu)]) => {
                menu.act(Action::Save, &state).unwrap_or_default().into_iter().find_map(|effect| match effect {
                    Effect::Save(paths) => Some(paths.join(" ")),
                    _ => None,
                })
            }
            _ => panic!("a menu"),
        };
        assert_eq!(saved(Action::SortMenu), name.map(|name| format!("{name}.sort {name}.reverse")));
        assert_eq!(saved(Action::Columns), name.map(|name| format!("{name}.columns")));
    }
}
