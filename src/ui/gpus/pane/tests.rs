//! The rows of cards at each size.

use super::*;
use crate::{
    alert::shipped,
    clock::Stamp,
    model::{
        fault::Fault,
        gpu::{CardState, Driver, Gpu, Maker, Slice},
    },
    ui::canvas::testing::{Drawn, answered, drawn, failed, series},
};

fn card(index: u16) -> GpuRow {
    let raw = Gpu {
        index,
        id: format!("GPU-{index}"),
        name: "RTX 4090".to_owned(),
        memory_total: Some(8 << 30),
        memory_used: Some(4 << 30),
        temperature: Some(60.0),
        power_limit: Some(400.0),
        ..Gpu::default()
    };
    GpuRow { raw, busy: Some(0.5), power: Some(200.0), ..GpuRow::default() }
}

fn driver(fault: Option<&str>) -> Driver {
    Driver { maker: Maker::Nvidia, version: None, cuda: None, fault: fault.map(str::to_owned) }
}

fn machine(cards: impl IntoIterator<Item = GpuRow>) -> State {
    let mut state = State::new(shipped().into());
    answered(&mut state, SourceId::Gpus, 200);
    state.host.gpus.rows = cards.into_iter().collect();
    state
}

fn pane(state: &State) -> GpusPane {
    let mut pane = GpusPane::default();
    pane.refresh(state, &Settings::default());
    pane
}

fn boxed(pane: &GpusPane, state: &State, size: (u16, u16)) -> Drawn {
    drawn(state, size, |cx, area, canvas| pane.draw(cx, area, canvas))
}

fn lines(state: &State, size: (u16, u16)) -> Vec<String> {
    boxed(&pane(state), state, size).lines()
}

#[test]
fn one_card_is_large_with_its_past_above_its_gauges() {
    let mut row = card(0);
    row.busy_history = series([1.0; 200]);
    let mut state = machine([row]);
    let full = "⣿".repeat(40);
    assert_eq!(
        lines(&state, (40, 6)),
        [
            full.as_str(),
            full.as_str(),
            // Nineteen columns of gauge.
            "util   ━━━━━━━━━╸────────┼           50%",
            "vram   ━━━━━━━━━╸───────┃─   4.0G / 8.0G",
            "temp   ━━━━━━━━━━━╸────┃──         60 °C",
            "power  ━━━━━━━━━╸────────┃         200 W",
        ]
    );
    // Memory traffic hangs from the utilisation in a third of three rows and more.
    state.host.gpus.rows[0].memory_busy_history = series([1.0; 200]);
    let shown = boxed(&pane(&state), &state, (40, 7));
    assert_eq!([0, 1, 2].map(|y| shown.role_at(0, y)), [Role::Gpu, Role::Gpu, Role::GpuMemory].map(Some));
    // A little traffic leaves blanks below it.
    state.host.gpus.rows[0].memory_busy_history = series([0.25; 200]);
    assert_eq!(lines(&state, (40, 7))[1..3], [full.clone(), "⠉".repeat(40)]);
    state.host.gpus.rows[0].memory_busy_history = series([1.0; 200]);
    let shown = boxed(&pane(&state), &state, (40, 6));
    assert_eq!([0, 1].map(|y| shown.role_at(0, y)), [Role::Gpu, Role::Gpu].map(Some), "two rows are of one graph");
    // One row is no graph, and without any the gauges remain.
    assert!(lines(&state, (40, 5))[0].is_empty());
    assert!(lines(&state, (40, 2))[0].starts_with("util"));
}

#[test]
fn below_the_gauges_are_what_is_wrong_and_its_parts() {
    let mut row = card(0);
    let slice = |name: &str, used, total| Slice { name: name.into(), memory_used: used, memory_total: total };
    row.raw.slices = vec![slice("1g.10gb", Some(2 << 30), Some(10 << 30)), slice("3g.40gb", None, Some(40 << 30))];
    row.raw.unified = true;
    let mut state = machine([row]);
    let shown = lines(&state, (60, 5));
    assert!(shown[1].starts_with("shared "), "{shown:?}");
    assert_eq!(shown[4], "MIG: 1g.10gb 2.0G of 10.0G · 3g.40gb");
    state.host.gpus.rows[0].raw.state = CardState::Lost("fell off the bus".into());
    let shown = boxed(&pane(&state), &state, (60, 5));
    assert_eq!(shown.lines(), ["", "", "", "", "fell off the bus"]);
    assert_eq!(shown.role_of("fell"), Some(Role::Crit));
    state.host.gpus.rows[0].raw.state = CardState::Asleep;
    assert_eq!(boxed(&pane(&state), &state, (60, 5)).role_of("suspended"), Some(Role::Dim));
}

#[test]
fn several_cards_have_as_many_lines_each_as_there_is_room_for() {
    let state = machine([card(0), card(1)]);
    let one = lines(&state, (60, 2));
    assert!(one[0].starts_with("0:RTX 4090") && one[1].starts_with("1:RTX 4090"), "{one:?}");
    assert!(one[0].contains("50%") && one[0].contains("4.0G / 8.0G") && one[0].ends_with("200 W"), "{one:?}");
    let two = lines(&state, (60, 5));
    assert!(two[0].starts_with("0:RTX 4090") && two[2].starts_with("1:RTX 4090"), "{two:?}");
    assert!(!two[0].contains("8.0G") && two[1].ends_with("4.0G / 8.0G"), "{two:?}");
    // Eight lines a card at most.
    let tall = lines(&state, (60, 40));
    assert!(tall[8].starts_with("1:RTX 4090"), "{tall:?}");
    // What has no row is scrolled to.
    let state = machine((0..6).map(card));
    let mut pane = pane(&state);
    let shown = |pane: &GpusPane| {
        let lines = boxed(pane, &state, (60, 3)).lines();
        lines.iter().map(|line| line.chars().next().unwrap_or(' ')).collect::<String>()
    };
    assert_eq!(shown(&pane), "012");
    for (action, cards) in [
        (Action::Down, "012"),
        (Action::Down, "012"),
        (Action::Down, "123"),
        (Action::Down, "234"),
        (Action::Down, "345"),
        (Action::Down, "345"),
        (Action::Up, "234"),
    ] {
        assert!(pane.act(action, &state, &Settings::default()).is_some_and(|effects| effects.is_empty()));
        assert_eq!(shown(&pane), cards, "{action:?}");
    }
}

#[test]
fn a_lost_card_among_several_says_why_in_its_lines() {
    let mut lost = card(1);
    lost.raw.state = CardState::Lost("fell off the bus while it was working".into());
    let state = machine([card(0), lost]);
    let shown = boxed(&pane(&state), &state, (40, 4));
    assert_eq!(shown.lines()[2..], ["1:RTX 4090   fell off the bus while it", "             was working"]);
    assert_eq!((shown.role_of("1:RTX"), shown.role_of("fell")), (Some(Role::Crit), Some(Role::Crit)));
    assert_eq!(lines(&state, (40, 2))[1], "1:RTX 4090   fell off the bus while it …");
}

#[test]
fn the_cursor_moves_within_the_cards_and_opens_one() {
    let state = machine([card(0), card(1), card(2)]);
    let mut pane = pane(&state);
    let settings = Settings::default();
    let opened = |effects: Vec<Effect>| match effects.into_iter().next() {
        Some(Effect::OpenDetail(Subject::Gpu(id))) => id,
        _ => String::new(),
    };
    let marked = |pane: &GpusPane| {
        let shown = boxed(pane, &state, (60, 3));
        let roles = [0, 1, 2].map(|y| shown.role_at(14, y));
        let at = |role| roles.iter().position(|of| *of == Some(role));
        (at(Role::Selected), at(Role::SelectedUnfocused))
    };
    assert_eq!(marked(&pane), (None, Some(0)), "before it was moved");
    pane.act(Action::Up, &state, &settings);
    assert_eq!(marked(&pane), (Some(0), None));
    for at in [1, 2, 2] {
        pane.act(Action::Down, &state, &settings);
        assert_eq!(marked(&pane), (Some(at), None));
    }
    assert_eq!(opened(pane.act(Action::Open, &state, &settings).unwrap()), "GPU-2");
    pane.act(Action::Up, &state, &settings);
    assert_eq!(opened(pane.act(Action::Zoom, &state, &settings).unwrap()), "GPU-1");
    assert!(pane.act(Action::Search, &state, &settings).is_none());
    // A click chooses, the next one on it opens.
    let row = |at| Target::Row(PaneId::Gpus, at);
    assert_eq!(opened(pane.click(&row(1), &state)), "GPU-1");
    assert_eq!(opened(pane.click(&row(2), &state)), "");
    assert_eq!(
        (opened(pane.click(&row(2), &state)), opened(pane.click(&Target::Pane(PaneId::Gpus), &state))),
        ("GPU-2".to_owned(), String::new())
    );
    let mut untouched = GpusPane::default();
    assert_eq!(opened(untouched.click(&row(0), &state)), "", "the first click of all only chooses");
    // A card that went away takes the cursor to the last one.
    let two = machine([card(0), card(1)]);
    assert_eq!(opened(pane.act(Action::Open, &two, &settings).unwrap()), "GPU-1");
    pane.refresh(&two, &settings);
    assert_eq!(pane.chosen, 1);
    assert!(pane.act(Action::Open, &machine([]), &settings).unwrap().is_empty());
}

#[test]
fn fault_of_a_driver_is_above_the_cards_once() {
    let mut state = machine([card(0), card(1)]);
    state.host.gpus.drivers = vec![driver(Some("the module is of another version than the library"))];
    let shown = boxed(&pane(&state), &state, (40, 5));
    let lines = shown.lines();
    assert_eq!(lines[..2], ["NVIDIA: the module is of another version", "than the library"]);
    assert!(lines[2].starts_with("0:RTX 4090") && lines[3].starts_with("1:RTX 4090"), "{lines:?}");
    assert_eq!(shown.role_of("NVIDIA"), Some(Role::Crit));
    assert_eq!(self::lines(&state, (40, 1)), ["NVIDIA: the module is of another version"]);
    // With the only card, which is lost by it, it is not said again.
    let why = "the module is of another version than the library";
    let mut lost = card(0);
    lost.raw.state = CardState::Lost(why.into());
    state.host.gpus.rows = vec![lost];
    assert_eq!(self::lines(&state, (60, 2)), ["", why]);
    state.host.gpus.rows[0].raw.state = CardState::Lost("fell off the bus".into());
    assert_eq!(
        self::lines(&state, (60, 3))[..2],
        ["NVIDIA: the module is of another version than the library".to_owned(), String::new()]
    );
}

#[test]
fn it_asks_for_rows_by_its_cards_and_faults() {
    let rows = |state: &State| pane(state).rows(state, 80).map(|rows| (rows.min, rows.want));
    let mut state = machine([]);
    assert_eq!(rows(&state), None);
    state.host.gpus.drivers = vec![driver(None)];
    assert_eq!(rows(&state), None, "a driver without cards");
    state.host.gpus.drivers = vec![driver(Some("failed"))];
    assert_eq!(rows(&state), Some((3, 4)));
    state.host.gpus.rows = vec![card(0)];
    assert_eq!(rows(&state), Some((7, 7)));
    state.host.gpus.rows.push(card(1));
    assert_eq!(rows(&state), Some((6, 8)));
    state.host.gpus.drivers.clear();
    assert_eq!(rows(&state), Some((4, 6)));
    assert_eq!(rows(&machine((0..8).map(card))), Some((8, 18)));
    assert_eq!(rows(&machine((0..40).map(card))), Some((8, 34)));
    state.host.gpus.drivers = vec![driver(Some("failed")); 5];
    assert_eq!(rows(&state), Some((10, 12)));
}

#[test]
fn border_names_the_only_card_or_counts_them() {
    let info = |state: &State| {
        let mut words = String::new();
        drawn(state, (1, 1), |cx, _, _| words = pane(state).info(cx));
        words
    };
    let mut state = machine([]);
    assert_eq!(info(&state), "");
    state.host.gpus.rows = vec![card(0)];
    assert_eq!(info(&state), "RTX 4090");
    state.host.gpus.rows.push(card(1));
    let version = Some("580.65.06".to_owned());
    state.host.gpus.drivers = vec![Driver { version, cuda: Some("13.0".into()), ..driver(None) }];
    assert_eq!(info(&state), "2 cards · 580.65 · CUDA 13.0");
}

#[test]
fn a_box_shows_a_card_a_row_and_a_line_the_busiest() {
    let state = machine((0..5).map(card));
    let shown = |boxed, height| {
        let shown = pane(&state).shown(&state, Room { width: 60, height, boxed });
        (shown.items, shown.of)
    };
    assert_eq!([shown(true, 3), shown(true, 9), shown(false, 9)], [(3, 5), (5, 5), (3, 5)]);
    assert_eq!(pane(&state).lines(&state), Some(Rows { min: 4, want: 4 }));
    assert_eq!(pane(&machine([])).lines(&machine([])), None);
    assert!(pane(&state).opens(&state) && !pane(&state).opens(&machine([])));
    let compact = drawn(&state, (80, 2), |cx, area, canvas| pane(&state).draw_compact(cx, area, canvas)).lines();
    assert!(compact[0].contains("50%") && !compact[1].is_empty(), "{compact:?}");
}

#[test]
fn without_figures_it_says_why() {
    let mut state = State::new(shipped().into());
    let compact = |state: &State| drawn(state, (60, 1), |cx, area, canvas| pane(state).draw_compact(cx, area, canvas));
    failed(&mut state, SourceId::Gpus, 2, Fault::Absent("/dev/nvidia0".into()));
    assert_eq!(lines(&state, (60, 2))[0], "no gpus: /dev/nvidia0");
    let line = compact(&state);
    assert!(line.line().starts_with("gpu ") && line.line().ends_with("no gpus: /dev/nvidia0"), "{}", line.line());
    assert_eq!(line.role_of("no gpus"), Some(Role::Dim));
    let mut old = machine([card(0)]);
    let roles = |state: &State| (boxed(&pane(state), state, (60, 4)).role_of("50%"), compact(state).role_of("50%"));
    assert_eq!(roles(&old), (Some(Role::Text), Some(Role::Strong)));
    old.host.now = Stamp::at_seconds(400);
    assert_eq!(roles(&old), (Some(Role::Faint), Some(Role::Faint)));
}
