//! The pane of memory at each size.

use super::*;
use crate::{
    alert::shipped,
    model::{
        arc::ArcSample,
        fault::Fault,
        memory::ZramSample,
        pressure::{Stall, Stalls},
    },
    ui::canvas::testing::{Drawn, answered, drawn, failed, series},
};

const GIB: u64 = 1 << 30;

/// 100 GiB: 40 used, 20 of ARC that it would give back and 2 that it would not, 25 of cache, 15 free.
fn machine() -> State {
    let mut state = State::new(shipped().into());
    answered(&mut state, SourceId::Memory, 100);
    let m = &mut state.host.memory;
    m.raw.total = 100 * GIB;
    m.raw.arc = Some(ArcSample { size: 22 * GIB, ..ArcSample::default() });
    (m.used, m.arc, m.cache, m.free, m.available) = (40 * GIB, 20 * GIB, 25 * GIB, 15 * GIB, 60 * GIB);
    m.used_ratio = Some(0.4);
    state
}

fn stalls(some: f64, full: Option<f64>) -> Option<Stalls> {
    let of = |avg10| Stall { avg10, ..Stall::default() };
    Some(Stalls { some: of(some), full: full.map(of) })
}

fn pane(state: &State) -> MemoryPane {
    let mut pane = MemoryPane::default();
    pane.refresh(state, &Settings::default());
    pane
}

fn boxed(state: &State, size: (u16, u16)) -> Drawn {
    drawn(state, size, |cx, area, canvas| pane(state).draw(cx, area, canvas))
}

fn compact(state: &State, size: (u16, u16)) -> Drawn {
    drawn(state, size, |cx, area, canvas| pane(state).draw_compact(cx, area, canvas))
}

fn words(pieces: &[(String, Role)]) -> Vec<(&str, Role)> {
    pieces.iter().map(|(words, role)| (words.as_str(), *role)).collect()
}

#[test]
fn kinds_stand_in_two_columns_or_one_below_the_other() {
    let state = machine();
    assert_eq!(
        boxed(&state, (40, 4)).lines(),
        [
            " 40% ━━━━━━━━━━━━━━─────────────────┃───",
            "used    40.0G  40%  cache  25.0 GiB  25%",
            "arc     22.0G  22%  free   15.0 GiB  15%",
            "avail 60.0 GiB",
        ]
    );
    let gauge = boxed(&state, (40, 4)).pieces(0);
    assert_eq!(
        words(&gauge),
        [
            ("40%", Role::Strong),
            ("━━━━━━━━━━━━━━", Role::MemoryUsed),
            ("───────", Role::MemoryArc),
            ("─────────", Role::MemoryCache),
            ("─", Role::GaugeEmpty),
            ("┃", Role::Limit),
            ("───", Role::GaugeEmpty),
        ]
    );
    assert_eq!(
        words(&boxed(&state, (40, 4)).pieces(2)),
        [
            ("arc", Role::MemoryArc),
            ("22.0G", Role::Text),
            ("22%", Role::Dim),
            ("free", Role::Dim),
            ("15.0 GiB", Role::Text),
            ("15%", Role::Dim)
        ]
    );
    // 34 columns are the least for two.
    assert_eq!(boxed(&state, (34, 4)).lines()[1], "used 40.0G  40%  cache  25.0G  25%");
    assert_eq!(
        boxed(&state, (33, 6)).lines()[1..],
        [
            "used                40.0 GiB  40%",
            "arc                 22.0 GiB  22%",
            "cache               25.0 GiB  25%",
            "free                15.0 GiB  15%",
            "avail 60.0 GiB",
        ]
    );
    // What has no room is left out.
    assert_eq!(boxed(&state, (33, 3)).lines()[2], "arc                 22.0 GiB  22%");
    assert_eq!(boxed(&state, (33, 1)).lines(), [" 40% ━━━━━━━━━━━──────────────┃──"]);
}

#[test]
fn swap_huge_pages_and_own_limits_have_a_row_each() {
    let mut state = machine();
    let m = &mut state.host.memory;
    (m.raw.huge_total, m.raw.huge_free) = (10 * GIB, 4 * GIB);
    (m.raw.swap_total, m.swap_used) = (8 * GIB, 2 * GIB);
    m.raw.zram = Some(ZramSample { original: 4 * GIB, memory_used: GIB, ..ZramSample::default() });
    (state.host.limits.raw.memory_bytes, state.host.limits.raw.memory_used_bytes) = (Some(50 * GIB), Some(48 * GIB));
    let screen = boxed(&state, (50, 8));
    assert_eq!(
        screen.lines()[3..],
        [
            "huge    6.0G / 10.0G ━━━━━━━━━━━━━━╸─────────  60%",
            "swap     2.0G / 8.0G ━━━━━━───────────────┃──  25%",
            "zram     1.0G / 4.0G ━━━━━━──────────────────  25%",
            "own    48.0G / 50.0G ━━━━━━━━━━━━━━━━━━━━━┃━─  96%",
            "avail 60.0 GiB",
        ]
    );
    let figures = |y: u16| screen.pieces(y).iter().map(|(_, role)| *role).collect::<Vec<_>>();
    assert_eq!(figures(3), [Role::MemoryUsed, Role::Text, Role::MemoryUsed, Role::GaugeEmpty, Role::Dim]);
    assert_eq!(screen.role_of("swap"), Some(Role::Swap));
    assert_eq!(screen.role_of("zram"), Some(Role::Swap));
    // 96% is past the warning at 90%: its gauge and its figure say so, its name does not.
    assert_eq!(figures(6), [Role::MemoryUsed, Role::Text, Role::Warn, Role::GaugeEmpty, Role::Warn]);
    // What was not read is no 0%.
    state.host.limits.raw.memory_used_bytes = None;
    state.host.memory.raw.zram = Some(ZramSample::default());
    let lines = boxed(&state, (50, 8)).lines();
    assert_eq!(lines[5], "zram           0 / 0 ────────────────────────    –");
    assert!(lines.iter().all(|line| !line.starts_with("own")));
}

#[test]
fn its_past_fills_what_is_left() {
    let mut state = machine();
    state.host.memory.used_history = series([1.0; 100]);
    let full = "⣿".repeat(40);
    assert_eq!(
        boxed(&state, (40, 6)).lines()[2..],
        ["arc     22.0G  22%  free   15.0 GiB  15%", &*full, &*full, "avail 60.0 GiB"]
    );
    assert_eq!(boxed(&state, (40, 6)).role_at(0, 3), Some(Role::MemoryUsed));
    state.host.memory.used_ratio = Some(0.95);
    let strained = boxed(&state, (40, 6));
    assert_eq!((strained.role_at(0, 3), strained.role_of("95%")), (Some(Role::Warn), Some(Role::Warn)));
}

#[test]
fn pressure_and_arc_hits_share_the_last_line() {
    let mut state = machine();
    state.host.pressure.raw.memory = stalls(0.012, Some(0.004));
    state.host.memory.arc_rates.hit_ratio = Some(0.985);
    let last = |state: &State, width: u16| boxed(state, (width, 7)).lines()[6].clone();
    assert_eq!(last(&state, 60), "avail 60.0 GiB        arc hit 98.5%  psi some  1.2 full  0.4");
    assert_eq!(last(&state, 38), "avail 60.0 GiB psi some  1.2 full  0.4");
    assert_eq!(last(&state, 37), "avail 60.0 GiB          arc hit 98.5%", "pressure has no room");
    assert_eq!(last(&state, 53), "avail 60.0 GiB arc hit 98.5%  psi some  1.2 full  0.4");
    assert_eq!(last(&state, 52), "avail 60.0 GiB               psi some  1.2 full  0.4", "no blank would part them");
    state.host.memory.arc_rates.hit_ratio = Some(1.0);
    assert_eq!(
        (last(&state, 29).as_str(), last(&state, 28).as_str()),
        ("avail 60.0 GiB arc hit 100.0%", "avail 60.0 GiB")
    );
    state.host.memory.arc_rates.hit_ratio = None;
    state.host.pressure.raw.memory = stalls(0.5, None);
    assert_eq!(last(&state, 40), "avail 60.0 GiB   psi some   50 full    –");
    state.host.pressure.raw.memory = stalls(0.5, Some(0.2));
    let stalled = boxed(&state, (40, 5));
    assert_eq!((stalled.role_of("full"), stalled.role_at(38, 4)), (Some(Role::Dim), Some(Role::Warn)));
}

#[test]
fn a_line_without_a_box_has_swap_while_there_is_some_in_it() {
    let mut state = machine();
    assert_eq!(
        compact(&state, (80, 1)).lines(),
        ["memory    40% ━━━━━━━━━───────────┃──                               40.0G / 100G"]
    );
    state.host.memory.raw.swap_total = 8 * GIB;
    assert!(compact(&state, (80, 1)).line().ends_with("   40.0G / 100G"), "nothing is in it");
    state.host.memory.swap_used = 2 * GIB;
    assert!(compact(&state, (80, 1)).line().ends_with("   swap 2.0G  40.0G / 100G"));
    assert_eq!(
        words(&compact(&state, (80, 1)).pieces(0))[..4],
        [("memory", Role::Dim), ("40%", Role::Strong), ("━━━━━━━━━", Role::MemoryUsed), ("─────", Role::MemoryArc)]
    );
    state.host.memory.used_ratio = Some(0.98);
    let critical = compact(&state, (80, 1));
    assert_eq!((critical.role_of("98%"), critical.role_of("━")), (Some(Role::Crit), Some(Role::Crit)));
}

#[test]
fn a_line_without_a_box_has_its_past_beside_and_below() {
    let mut state = machine();
    state.host.memory.used_history = series([1.0; 200]);
    let lines = compact(&state, (90, 3)).lines();
    assert!(lines[0].contains("██████"), "{lines:?}");
    // Below the gauge, not below the name.
    assert_eq!(
        lines[1..],
        [format!("{}{}", " ".repeat(14), "⣿".repeat(76)), format!("{}{}", " ".repeat(14), "⣿".repeat(76))]
    );
}

#[test]
fn what_is_usual_is_marked_after_a_minute() {
    let mut state = machine();
    state.host.memory.used_history = series([0.2; 100]);
    let normal = |drawn: Drawn| drawn.pieces(0).iter().any(|(_, role)| *role == Role::Normal);
    assert!(normal(boxed(&state, (40, 4))) && normal(compact(&state, (80, 1))));
    state.host.memory.used_history = series([0.2; 59]);
    assert!(!normal(boxed(&state, (40, 4))) && !normal(compact(&state, (80, 1))));
}

#[test]
fn it_asks_for_a_row_for_each_that_it_shows() {
    let rows = |state: &State, width| pane(state).rows(state, width).map(|rows| (rows.min, rows.want));
    let mut state = machine();
    // The gauge, a graph of two rows, the last line: four, and the kinds.
    assert_eq!((rows(&state, 34), rows(&state, 33)), (Some((7, 7)), Some((7, 8))));
    state.host.memory.raw.arc = None;
    assert_eq!(rows(&state, 33), Some((7, 7)));
    state.host.memory.raw.swap_total = 1;
    assert_eq!((rows(&state, 34), rows(&state, 33)), (Some((7, 7)), Some((7, 8))));
    state.host.memory.raw.zram = Some(ZramSample::default());
    assert_eq!(rows(&state, 34), Some((7, 8)));
    state.host.limits.raw.memory_bytes = Some(1);
    assert_eq!(rows(&state, 34), Some((7, 9)));
    state.host.memory.raw.huge_total = 1;
    assert_eq!(rows(&state, 34), Some((7, 10)));
}

#[test]
fn without_figures_it_says_why() {
    let mut state = State::new(shipped().into());
    assert_eq!(boxed(&state, (40, 4)).lines()[..2], ["waiting…", ""]);
    assert_eq!(compact(&state, (40, 1)).line(), "memory        ─────────         waiting…");
    let info = |state: &State| {
        let mut text = String::new();
        drawn(state, (1, 1), |cx, _, _| text = pane(state).info(cx));
        text
    };
    assert_eq!(info(&state), "");
    assert_eq!(info(&machine()), "100.0 GiB");
    failed(&mut state, SourceId::Memory, 2, Fault::Absent("/proc/meminfo".into()));
    assert_eq!(boxed(&state, (40, 4)).line(), "no memory: /proc/meminfo");
    // Without a total nothing is a share of it.
    let mut state = machine();
    (state.host.memory.raw.total, state.host.memory.used_ratio) = (0, None);
    let lines = boxed(&state, (40, 4)).lines();
    assert_eq!(lines[..2], ["   – ───────────────────────────────┃───", "used    40.0G    –  cache  25.0 GiB    –"]);
    assert_eq!(boxed(&state, (40, 4)).role_of("–"), Some(Role::Unknown));
}

#[test]
fn old_figures_are_faint() {
    let mut state = machine();
    let role = |state: &State| (boxed(state, (40, 4)).role_of("40%"), compact(state, (80, 1)).role_of("40%"));
    assert_eq!(role(&state), (Some(Role::Strong), Some(Role::Strong)));
    state.host.now = crate::clock::Stamp::at_seconds(200);
    assert_eq!(role(&state), (Some(Role::Faint), Some(Role::Faint)));
}

#[test]
fn enter_and_z_open_its_details() {
    let state = machine();
    let opens = |action| {
        let effects = pane(&state).act(action, &state, &Settings::default());
        effects.map(|all| matches!(all[..], [Effect::OpenDetail(Subject::Memory)]))
    };
    assert_eq!([Action::Open, Action::Zoom, Action::Up].map(opens), [Some(true), Some(true), None]);
}
