//! The pane of the CPU at each size.

use super::*;
use crate::{
    alert::shipped,
    clock::Stamp,
    model::{
        cpu::Core,
        fault::Fault,
        pressure::{Stall, Stalls},
    },
    ui::canvas::testing::{Drawn, answered, drawn, drawn_with, failed, series},
};

fn shares(user: f64, system: f64, iowait: f64, steal: f64) -> CpuShares {
    CpuShares { busy: user + system + steal, user, system, iowait, steal }
}

/// Four cores, 25% busy.
fn machine() -> State {
    let mut state = State::new(shipped().into());
    answered(&mut state, SourceId::Cpu, 100);
    let cpu = &mut state.host.cpu;
    cpu.shares = Some(shares(0.1, 0.05, 0.01, 0.1));
    let core =
        |number: u16| Core { number, shares: Some(shares(f64::from(number) / 10.0, 0.0, 0.0, 0.0)), ..Core::default() };
    cpu.cores = (0..4).map(core).collect();
    state
}

fn pane(state: &State) -> CpuPane {
    let mut pane = CpuPane::default();
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

fn stalls(avg10: f64) -> Option<Stalls> {
    Some(Stalls { some: Stall { avg10, ..Stall::default() }, full: None })
}

#[test]
fn gauge_past_cores_and_shares_have_their_places() {
    let mut state = machine();
    let cpu = &mut state.host.cpu;
    cpu.busy_history = series([1.0; 100]);
    (cpu.context_switches_per_second, cpu.forks_per_second) = (Some(4200.0), Some(30.0));
    let full = "⣿".repeat(44);
    let screen = boxed(&state, (60, 8));
    assert_eq!(
        screen.lines(),
        [
            " 25% ━━━━━━━━━━─────────────────────────┃──┼   0          0%".to_owned(),
            format!("{full}   1         10%"),
            format!("{full}   2         20%"),
            format!("{full}   3         30%"),
            full.clone(),
            format!("{full}  switches  4.2k"),
            "last 1m 100%   peak 100%                      forks       30".to_owned(),
            "user 10%  sys  5%  io  1%  steal 10%".to_owned(),
        ]
    );
    assert_eq!(
        words(&screen.pieces(0))[..5],
        [
            ("25%", Role::Strong),
            ("━━━━", Role::CpuUser),
            ("━━", Role::CpuSystem),
            ("━━━━", Role::CpuSteal),
            ("─────────────────────────", Role::GaugeEmpty),
        ]
    );
    assert_eq!(
        words(&screen.pieces(7)),
        [
            ("user", Role::CpuUser),
            ("10%", Role::Text),
            ("sys", Role::CpuSystem),
            ("5%", Role::Text),
            ("io", Role::CpuIowait),
            ("1%", Role::Text),
            ("steal", Role::CpuSteal),
            ("10%", Role::Text)
        ]
    );
    assert_eq!(words(&screen.pieces(5))[1..], [("switches", Role::Dim), ("4.2k", Role::Text)]);
    assert_eq!(screen.role_at(0, 1), Some(Role::CpuUser));
    // The words of the past need six rows.
    assert_eq!(boxed(&state, (60, 5)).lines()[3..], [format!("{full}   3         30%"), screen.lines()[7].clone()]);
    assert_eq!(boxed(&state, (60, 1)).lines(), [" 25% ━━━━━━━━━━━━━━───────────────────────────────────┃────┼"]);
}

#[test]
fn past_its_limit_the_gauge_and_the_graph_have_one_colour() {
    let mut state = machine();
    state.host.cpu.busy_history = series([1.0; 100]);
    let roles = |state: &State| {
        let screen = boxed(state, (60, 8));
        let line = compact(state, (80, 2));
        [screen.role_at(1, 0), screen.role_at(5, 0), screen.role_at(0, 1), line.role_of("━"), line.role_at(79, 1)]
    };
    let user = Some(Role::CpuUser);
    assert_eq!(roles(&state), [Some(Role::Strong), user, user, user, user]);
    for (user, level) in [(0.9, Role::CpuUser), (0.91, Role::Warn), (0.98, Role::Warn), (0.99, Role::Crit)] {
        state.host.cpu.shares = Some(shares(user, 0.0, 0.0, 0.0));
        assert_eq!(roles(&state)[1..], [Some(level); 4], "{user}");
    }
    // All of it, in one bar.
    state.host.cpu.shares = Some(shares(0.5, 0.25, 0.0, 0.25));
    assert_eq!(words(&boxed(&state, (60, 8)).pieces(0))[1].1, Role::Crit);
    state.host.cpu.shares = None;
    let unknown = boxed(&state, (60, 8));
    assert_eq!((unknown.role_of("–"), unknown.role_at(0, 1)), (Some(Role::Unknown), user));
    assert_eq!(unknown.lines()[7], "user   –  sys   –  io   –  steal   –");
}

#[test]
fn shares_are_shown_as_far_as_they_fit_whole() {
    let state = machine();
    for (width, line) in [
        (36, "user 10%  sys  5%  io  1%  steal 10%"),
        (35, "user 10%  sys  5%  io  1%"),
        (25, "user 10%  sys  5%  io  1%"),
        (24, "user 10%  sys  5%"),
        (8, "user 10%"),
        (7, ""),
    ] {
        assert_eq!(boxed(&state, (width, 2)).lines()[1], line, "{width}");
    }
}

#[test]
fn pressure_is_shown_as_far_as_it_fits() {
    let mut state = machine();
    let last = |state: &State, width: u16| boxed(state, (width, 2)).lines()[1].split_off(36).trim().to_owned();
    assert_eq!(last(&state, 80), "");
    state.host.pressure.raw.cpu = stalls(0.012);
    state.host.pressure.raw.io = stalls(0.004);
    let all = "psi cpu  1.2 io   0.4 mem    –";
    // 38 columns are the shares' and the gap's.
    for (width, words) in [
        (80, all),
        (68, all),
        (67, "psi cpu  1.2 io   0.4"),
        (59, "psi cpu  1.2 io   0.4"),
        (58, "psi cpu  1.2"),
        (51, "psi cpu  1.2"),
        (50, ""),
    ] {
        assert_eq!(last(&state, width), words, "{width}");
    }
    state.host.facts.pressure_of_host = true;
    for (width, words) in [
        (73, "host psi cpu  1.2 io   0.4 mem    –"),
        (72, "host psi cpu  1.2 io   0.4"),
        (56, "host psi cpu  1.2"),
        (55, ""),
    ] {
        assert_eq!(last(&state, width), words, "{width}");
    }
    state.host.facts.pressure_of_host = false;
    let screen = boxed(&state, (80, 2));
    assert_eq!(
        words(&screen.pieces(1))[8..],
        [
            ("psi", Role::Pressure),
            ("cpu", Role::Dim),
            ("1.2", Role::Text),
            ("io", Role::Dim),
            ("0.4", Role::Text),
            ("mem", Role::Dim),
            ("–", Role::Unknown)
        ]
    );
    // Advice on the CPU's past 60%; on that of storage no rule of this kind speaks.
    (state.host.pressure.raw.cpu, state.host.pressure.raw.io) = (stalls(0.61), stalls(0.61));
    let roles = words(&boxed(&state, (80, 2)).pieces(1))[8..].iter().map(|(_, role)| *role).collect::<Vec<_>>();
    assert_eq!((roles[2], roles[4]), (Role::Advice, Role::Text));
}

#[test]
fn own_limits_come_first_below_the_cores() {
    let mut state = machine();
    let cpu = &mut state.host.cpu;
    (cpu.context_switches_per_second, cpu.forks_per_second) = (Some(4200.0), Some(30.0));
    let limits = &mut state.host.limits;
    (limits.raw.cpu_cores, limits.cpu_ratio, limits.throttled_ratio) = (Some(2.0), Some(0.5), Some(0.3));
    let facts = |state: &State, rows: u16| {
        let screen = boxed(state, (60, rows));
        let facts =
            screen.lines()[4..].iter().map(|line| line.chars().skip(46).collect::<String>()).collect::<Vec<_>>();
        (facts, screen)
    };
    let (lines, screen) = facts(&state, 10);
    assert_eq!(lines, ["", "own 50% of 2.0", "throttled  30%", "switches  4.2k", "forks       30", ""]);
    assert_eq!((screen.role_of("50% of"), screen.role_of(" 30%  ")), (Some(Role::Text), None));
    assert_eq!(screen.role_at(58, 6), Some(Role::Warn), "throttled in 30% of the periods");
    // As many as there is room for, and none on the last row.
    assert_eq!(facts(&state, 7).0, ["", "own 50% of 2.0", ""]);
    state.host.limits.throttled_ratio = Some(0.0);
    state.host.limits.cpu_ratio = None;
    let (lines, _) = facts(&state, 10);
    assert_eq!(lines[1..3], ["own   – of 2.0", "switches  4.2k"]);
}

#[test]
fn the_range_and_the_peak_are_shown_as_far_as_they_fit_whole() {
    let words = |state: &State, width: u16| {
        let normal = pane(state).normal;
        drawn(state, (width, 1), |cx, area, canvas| history_words(cx, area, canvas, &normal)).line()
    };
    let mut state = machine();
    assert_eq!(words(&state, 40), "");
    state.host.cpu.busy_history = series([0.58]);
    assert_eq!((words(&state, 14), words(&state, 13)), ("peak 58% in 1s".to_owned(), "peak 58%".to_owned()));
    assert_eq!((words(&state, 8), words(&state, 7)), ("peak 58%".to_owned(), String::new()));
    // Of 0 to 100% the middle four fifths.
    state.host.cpu.busy_history = series((0..=100).map(|v| f64::from(v) / 100.0));
    assert_eq!(words(&state, 40), "last 1m 10–90%   peak 100%");
    assert_eq!(
        (words(&state, 26), words(&state, 25)),
        ("last 1m 10–90%   peak 100%".to_owned(), "last 1m 10–90%".to_owned())
    );
    assert_eq!((words(&state, 14), words(&state, 13)), ("last 1m 10–90%".to_owned(), String::new()));
    state.host.cpu.busy_history = series([0.5; 100]);
    assert_eq!(words(&state, 40), "last 1m 50%   peak 50%");
}

#[test]
fn border_names_the_processor_its_clock_its_heat_and_its_power() {
    let mut state = machine();
    let info = |state: &State, fahrenheit: bool| {
        let mut text = String::new();
        let settings = Settings { fahrenheit, ..Settings::default() };
        drawn_with(&settings, state, (1, 1), |cx, _, _| text = pane(state).info(cx));
        text
    };
    assert_eq!(info(&state, false), "");
    state.host.facts.cpu_model = Some("Ryzen 9".into());
    state.host.cpu.hertz = Some(4.9e9);
    state.host.sensors.cpu_celsius = Some(61.0);
    state.host.power.package_watts = Some(45.6);
    assert_eq!(info(&state, false), "Ryzen 9 · 4.9 GHz · 61 °C · 46 W");
    assert_eq!(info(&state, true), "Ryzen 9 · 4.9 GHz · 142 °F · 46 W");
}

#[test]
fn a_line_without_a_box_has_heat_and_power_else_the_clock() {
    let mut state = machine();
    assert_eq!(compact(&state, (60, 1)).line(), "cpu       25% ━━━━──────────┃─");
    state.host.cpu.hertz = Some(4.9e9);
    assert!(compact(&state, (60, 1)).line().ends_with(" 4.9 GHz"));
    state.host.sensors.cpu_celsius = Some(61.0);
    assert!(compact(&state, (60, 1)).line().ends_with(" 61 °C"), "{}", compact(&state, (60, 1)).line());
    state.host.power.package_watts = Some(45.6);
    assert!(compact(&state, (60, 1)).line().ends_with(" 61 °C  46 W"));
    state.host.cpu.busy_history = series([1.0; 300]);
    let lines = compact(&state, (90, 3)).lines();
    assert!(lines[0].contains("██████"), "{lines:?}");
    let below = format!("{}{}", " ".repeat(14), "⣿".repeat(76));
    assert_eq!(lines[1..], [below.clone(), below]);
}

#[test]
fn without_figures_it_says_why() {
    let mut state = State::new(shipped().into());
    assert_eq!(boxed(&state, (40, 3)).lines(), ["waiting…", "", ""]);
    assert_eq!(compact(&state, (40, 1)).line(), "cpu           ─────────         waiting…");
    failed(&mut state, SourceId::Cpu, 2, Fault::Absent("/proc/stat".into()));
    assert_eq!(boxed(&state, (40, 3)).line(), "no cpu: /proc/stat");
    assert_eq!(pane(&state).rows(&state, 40).map(|rows| (rows.min, rows.want)), Some((7, 8)));
}

#[test]
fn old_figures_are_faint() {
    let mut state = machine();
    let role = |state: &State| (boxed(state, (40, 4)).role_of("25%"), compact(state, (80, 1)).role_of("25%"));
    assert_eq!(role(&state), (Some(Role::Strong), Some(Role::Strong)));
    state.host.now = Stamp::at_seconds(200);
    assert_eq!(role(&state), (Some(Role::Faint), Some(Role::Faint)));
}

#[test]
fn enter_and_z_open_its_details() {
    let state = machine();
    let opens = |action| {
        let effects = pane(&state).act(action, &state, &Settings::default());
        effects.map(|all| matches!(all[..], [Effect::OpenDetail(Subject::Cpu)]))
    };
    assert_eq!([Action::Open, Action::Zoom, Action::Up].map(opens), [Some(true), Some(true), None]);
}
