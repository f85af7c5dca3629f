//! Keys of a table: searches, filters, orders.

use crossterm::event::{KeyCode, KeyModifiers};

use super::{
    super::{
        column::{Column, Columns, Kind},
        filter::Cells,
    },
    *,
};
use crate::{alert::Level, ui::ids::Key};

struct Programs;

impl Columns for Programs {
    type Row<'a> = Row;
    const COLUMNS: &'static [Column<Self>] = &COLUMNS;
    const NAME: &'static str = "name";
}

type Col = Column<Programs>;

static COLUMNS: [Col; 3] = [
    Col::words("name", "NAME", 8, 0, |row| row.0.into()),
    Col::figure("cpu", "CPU", Kind::Share, 5, 0, |row| Some(row.1)),
    Col::figure("pid", "PID", Kind::Count, 7, 0, |row| Some(row.1)).smallest_first().key(Action::SortPid),
];

struct Row(&'static str, f64);

const ROWS: [Row; 4] = [Row("init", 0.1), Row("sshd", 0.0), Row("nginx", 0.9), Row("sshd-session", 0.2)];

fn grid() -> Grid<usize> {
    let mut grid = Grid::new(Programs::defs(), To::Pane(PaneId::Processes), &["cpu", "name"], "cpu");
    grid.cursor.settle(0..ROWS.len());
    grid
}

fn holds(i: usize, needle: &Needle, columns: &[usize]) -> Option<Found> {
    Programs::find(&ROWS[i], needle, columns)
}

fn kind(grid: &mut Grid<usize>, text: &str) {
    for c in text.chars() {
        grid.key(Key::new(KeyCode::Char(c), KeyModifiers::NONE), &holds);
    }
}

fn press(grid: &mut Grid<usize>, code: KeyCode) -> Vec<Effect> {
    grid.key(Key::new(code, KeyModifiers::NONE), &holds).unwrap_or_default()
}

#[test]
fn search_follows_each_letter_and_esc_restores_the_cursor() {
    let mut g = grid();
    g.act(Action::Search, &holds);
    assert!(g.takes_text());
    kind(&mut g, "ss");
    assert_eq!(g.cursor.selected(), Some(1));
    press(&mut g, KeyCode::Enter);
    assert!(!g.takes_text());
    g.act(Action::NextMatch, &holds);
    assert_eq!(g.cursor.selected(), Some(3));
    g.act(Action::NextMatch, &holds);
    assert_eq!(g.cursor.selected(), Some(1), "round the end");
    g.act(Action::PreviousMatch, &holds);
    assert_eq!(g.cursor.selected(), Some(3));
    g.act(Action::Search, &holds);
    kind(&mut g, "nginx");
    assert_eq!(g.cursor.selected(), Some(2));
    press(&mut g, KeyCode::Esc);
    assert_eq!((g.cursor.selected(), g.needle()), (Some(3), None));
}

#[test]
fn search_without_a_match_says_so_and_waits_for_one() {
    let mut g = grid();
    g.act(Action::Search, &|_, _, _| None);
    for c in "nginx".chars() {
        g.key(Key::new(KeyCode::Char(c), KeyModifiers::NONE), &|_, _, _| None);
    }
    let said = g.key(Key::new(KeyCode::Enter, KeyModifiers::NONE), &|_, _, _| None).unwrap_or_default();
    assert!(matches!(&said[..], [Effect::Say(Level::Advice, what)] if what == "no match for `nginx`"));
    g.seek(&|_, _, _| None);
    assert!(!g.cursor.is_held());
    g.seek(&holds);
    assert_eq!(g.cursor.selected(), Some(2));
    g.act(Action::Top, &holds);
    g.seek(&holds);
    assert!(!g.cursor.is_held(), "it was found once: the cursor is the user's again");
}

#[test]
fn filter_applies_while_typed_and_a_mistake_keeps_the_last() {
    let mut g = grid();
    let kept = |g: &Grid<usize>| ROWS.iter().filter(|r| g.keeps(&Cells::<Programs>(r))).count();
    g.act(Action::Filter, &holds);
    kind(&mut g, "cpu>15");
    assert_eq!(kept(&g), 2);
    kind(&mut g, " foo=");
    assert_eq!((kept(&g), g.filter_text()), (4, ""), "with a mistake in it, what was in force before is so");
    assert!(matches!(&press(&mut g, KeyCode::Enter)[..], [Effect::Say(Level::Warn, what)] if what.contains("foo")));
    assert!(g.takes_text(), "it is still being typed");
    press(&mut g, KeyCode::Esc);
    assert_eq!((kept(&g), g.filter_text()), (4, ""));
    g.act(Action::Filter, &holds);
    kind(&mut g, "ssh");
    press(&mut g, KeyCode::Enter);
    assert_eq!(kept(&g), 2);
    assert!(g.act(Action::Back, &holds).is_some(), "back takes the filter away first");
    assert_eq!(kept(&g), 4);
    assert!(g.act(Action::Back, &holds).is_none());
    g.act(Action::Filter, &holds);
    press(&mut g, KeyCode::Up);
    assert_eq!((kept(&g), g.filter_text()), (2, "ssh"), "recalled");
}

#[test]
fn names_are_found_before_arguments() {
    struct Commands;
    impl Columns for Commands {
        type Row<'a> = [&'static str; 2];
        const COLUMNS: &'static [Column<Self>] = &[
            Column::words("name", "NAME", 8, 0, |row| row[0].into()),
            Column::words("args", "ARGS", 8, 0, |row| row[1].into()),
        ];
        const NAME: &'static str = "name";
    }
    let rows = [["sh", "watch docker"], ["dockerd", ""], ["less", "docker.md"]];
    let holds = |i: usize, needle: &Needle, columns: &[usize]| Commands::find(&rows[i], needle, columns);
    let mut g: Grid<usize> = Grid::new(Commands::defs(), To::Top, &[], "name");
    g.cursor.settle(0..rows.len());
    g.act(Action::Search, &holds);
    for c in "docker".chars() {
        g.key(Key::new(KeyCode::Char(c), KeyModifiers::NONE), &holds);
    }
    g.key(Key::new(KeyCode::Enter, KeyModifiers::NONE), &holds);
    let mut seen = vec![g.cursor.position()];
    for action in [Action::NextMatch, Action::NextMatch, Action::NextMatch, Action::PreviousMatch] {
        g.act(action, &holds);
        seen.push(g.cursor.position());
    }
    assert_eq!(seen, [1, 0, 2, 1, 2], "the name, then the arguments, round the end and back");
    // A screen without room for the arguments: only what is seen is found.
    g.saw(&[Placed { column: 0, x: 0, width: 8 }]);
    g.act(Action::NextMatch, &holds);
    assert_eq!(g.cursor.position(), 1);
    g.act(Action::NextMatch, &holds);
    assert_eq!(g.cursor.position(), 1);
}

#[test]
fn new_order_goes_to_the_top() {
    let mut g = grid();
    g.cursor.hold(2);
    g.sort_by("pid");
    assert_eq!((g.cursor.selected(), g.cursor.is_held()), (Some(0), false));
    g.cursor.hold(2);
    g.swap_sort(Sort { column: 0, greatest_first: false });
    assert_eq!(g.cursor.selected(), Some(2), "list and tree have an order each");
    g.cursor.toggle_follow();
    g.sort_by("cpu");
    assert_eq!(g.cursor.selected(), Some(2), "a followed row is not left");
}

#[test]
fn the_order_changes_by_step_by_turn_and_by_menu() {
    let mut g = grid();
    assert_eq!(g.sort(), Sort { column: 1, greatest_first: true });
    g.act(Action::SortInvert, &holds);
    assert!(!g.sort().greatest_first);
    g.act(Action::SortNext, &holds);
    assert_eq!(g.sort(), Sort { column: 0, greatest_first: false }, "the next of the chosen columns");
    let revision = g.revision();
    assert!(g.receive(&Message::Sort("pid")));
    assert_eq!(g.sort(), Sort { column: 2, greatest_first: false });
    assert!(g.revision() > revision);
    assert!(g.receive(&Message::Columns(vec!["pid", "cpu"])));
    let shown: Vec<usize> = g.placed(80, &Need::NONE, |_| false).iter().map(|p| p.column).collect();
    assert_eq!(shown, [2, 1]);
    assert!(g.act(Action::SortIo, &holds).is_none(), "a table without such a column");
    g.sort_by("name");
    let shown: Vec<usize> = g.placed(80, &Need::NONE, |_| false).iter().map(|p| p.column).collect();
    assert_eq!(shown, [2, 1, 0], "the column that sorts is shown");
    assert!(!g.receive(&Message::User(None)));
    g.sort_by("cpu");
    for _ in 0..2 {
        g.act(Action::SortPid, &holds);
        assert_eq!(g.sort(), Sort { column: 2, greatest_first: false }, "a column's own key never reverses");
    }
}

#[test]
fn matches_are_gone_through_both_ways_and_round() {
    let mut g = grid();
    g.act(Action::NextMatch, &holds);
    assert_eq!(g.cursor.position(), 0, "there is no search yet");
    g.act(Action::Search, &holds);
    kind(&mut g, "n");
    press(&mut g, KeyCode::Enter);
    // `init`, `nginx` and `sshd-session` hold it.
    g.cursor.hold(0);
    let mut way = |action| {
        g.act(action, &holds);
        g.cursor.position()
    };
    assert_eq!([Action::NextMatch; 4].map(&mut way), [2, 3, 0, 2]);
    assert_eq!([Action::PreviousMatch; 4].map(&mut way), [0, 3, 2, 0]);
}
