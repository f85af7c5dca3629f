//! Columns, cells and lines of the list.

use super::*;
use crate::{
    model::bench::{Group, RunPhase},
    target::Bound,
    ui::{
        benchmarks::{
            known::Goals,
            rows::{Listing, lines},
            testing::{goals, key, measured, series, state, under_way},
        },
        canvas::testing::{Drawn, drawn},
        theme::{ASCII, CONSOLE},
    },
};

fn listed(state: &State, goals: &Goals, size: (u16, u16), select: usize) -> Drawn {
    let known = Known { state, goals };
    let unfolded = [key("random", "tank")].into();
    let lines = lines(known, &Listing { unfolded, filter: String::new() });
    let mut cursor = Cursor::default();
    cursor.settle(lines.iter().filter_map(Line::key));
    cursor.hold(select);
    drawn(state, size, |cx, area, canvas| draw(cx, area, canvas, known, (&lines, &cursor)))
}

/// A line of 72 columns: sign, name; result, target, normal, age; verdict.
fn line(sign: char, name: &str, cells: [&str; 4], verdict: &str) -> String {
    let [result, target, normal, age] = cells;
    format!("{sign} {name:<22}{result:>12}{target:>9}{normal:>7}{age:>5}  {verdict}").trim_end().to_owned()
}

#[test]
fn columns_give_way_from_the_right() {
    let ends = |width| ends(Rect::new(0, 0, width, 1));
    assert_eq!(ends(72), [(0, 36), (1, 45), (2, 52), (3, 57), (4, 72)]);
    assert_eq!(ends(71), [(0, 50), (1, 59), (2, 66), (3, 71)]);
    assert_eq!([47, 46, 42, 41, 35, 34, 20].map(|width| ends(width).len()), [4, 3, 3, 2, 2, 1, 1]);
    assert_eq!(ends(20), [(0, 20)]);
}

#[test]
fn each_figure_has_its_result_and_how_good_that_is() {
    let mut state = state();
    measured(&mut state, &series("container_start_seconds", ""), &[(3, 0.6123, Verdict::Same, 1.02)]);
    measured(&mut state, &series("storage_random_iops", "tank"), &[(50, 71_200.0, Verdict::Regressed, 0.74)]);
    let goals = goals(&series("container_start_seconds", ""), Bound::Below(0.5));
    let drawn = listed(&state, &goals, (72, 12), 0);
    let head = line(' ', "BENCHMARK", ["RESULT", "TARGET", "NORMAL", "AGE"], "VERDICT");
    assert_eq!(
        drawn.lines(),
        [
            head,
            "containers".to_owned(),
            line('▲', "start", ["612 ms", "<500 ms", "+2 %", "3h"], "missed"),
            String::new(),
            "storage".to_owned(),
            line('✖', "random 4k  tank", ["71.2k IOPS", "", "−26 %", "2d"], "regressed"),
            line('·', "  latency  tank", ["", "", "", ""], ""),
            "– random 4k: no space".to_owned(),
            String::new(),
            "models".to_owned(),
            "– no GPU".to_owned(),
            String::new(),
        ]
    );
    let roles = |words: &str| drawn.role_of(words);
    assert_eq!(
        [
            roles("BENCHMARK"),
            roles("VERDICT"),
            roles("containers"),
            roles("612"),
            roles("✖"),
            roles("71.2k"),
            roles("−26")
        ],
        [Role::TableHeader, Role::TableHeader, Role::Dim, Role::Selected, Role::Crit, Role::Crit, Role::Crit].map(Some)
    );
    assert_eq!(
        [roles("regressed"), roles("tank"), roles("latency"), roles("no GPU"), roles("random 4k")],
        [Role::Crit, Role::Dim, Role::Dim, Role::Faint, Role::Text].map(Some)
    );
    let hits: Vec<_> = drawn.hits.iter().map(|(area, target)| (area.y, target.clone())).collect();
    let row = |y, at| (y, Target::OverlayRow(at));
    assert_eq!(hits, [row(2, 0), row(5, 1), row(6, 2), row(7, 3), row(10, 4)]);
}

/// The cells of the first figure, and the role of each that is not empty.
fn cells_of(state: &State, goals: &Goals) -> Vec<(String, Option<Role>)> {
    let known = Known { state, goals };
    let lines = lines(known, &Listing::default());
    let Some(Line::Item(item)) = lines.get(1) else { panic!("{lines:?}") };
    let mut found = Vec::new();
    drawn(state, (1, 1), |cx, _, _| {
        let standing = Standing::of(known, &item.bench, &item.series());
        let role = |style: Style| {
            crate::ui::theme::ROLES.iter().map(|def| def.role).find(|role| cx.theme.style(*role) == style)
        };
        let cells = cells(cx, item, &standing, &Activity::of(state, &item.bench));
        found =
            cells.into_iter().map(|(text, style)| (text.clone(), role(style).filter(|_| !text.is_empty()))).collect();
    });
    found
}

#[test]
fn cells_follow_what_happened_last() {
    let of = series("container_start_seconds", "");
    let (none, met, missed) = (Goals::new(), goals(&of, Bound::Below(1.0)), goals(&of, Bound::Below(0.5)));
    let is = |cells: &[(String, Option<Role>)], texts: [&str; 5], roles: [Option<Role>; 5]| {
        assert_eq!(cells.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>(), texts);
        assert_eq!(cells.iter().map(|(_, role)| *role).collect::<Vec<_>>(), roles, "{texts:?}");
    };
    let with = |verdict, ratio| {
        let mut state = state();
        measured(&mut state, &of, &[(3, 0.6, verdict, ratio)]);
        state
    };
    let (dim, text, warn) = (Some(Role::Dim), Some(Role::Text), Some(Role::Warn));
    is(&cells_of(&state(), &none), ["", "", "", "", ""], [None; 5]);
    is(&cells_of(&state(), &met), ["", "<1 s", "", "", ""], [None, dim, None, None, None]);
    let same = with(Verdict::Same, 1.0);
    is(&cells_of(&same, &met), ["600 ms", "<1 s", "+0 %", "3h", "same"], [text, dim, dim, dim, dim]);
    is(&cells_of(&same, &missed), ["600 ms", "<500 ms", "+0 %", "3h", "missed"], [warn, warn, dim, dim, warn]);
    let suspect = with(Verdict::Suspect, 1.2);
    is(&cells_of(&suspect, &missed), ["600 ms", "<500 ms", "+20 %", "3h", "suspect"], [warn, warn, warn, dim, warn]);
    let other = with(Verdict::NotComparable, 1.2);
    let unknown = Some(Role::Unknown);
    is(&cells_of(&other, &none), ["600 ms", "", "", "3h", "not comparable"], [unknown, None, None, dim, dim]);
    let mut failed = suspect.clone();
    failed.runs.failed.insert(key("start", ""), "no space".to_owned());
    is(&cells_of(&failed, &none), ["600 ms", "", "failed", "3h", "failed"], [dim, None, warn, dim, dim]);
    failed.runs.history.clear();
    failed.runs.verdicts.clear();
    is(&cells_of(&failed, &none), ["failed", "", "", "", "failed"], [dim, None, None, None, dim]);
    let mut gone = same.clone();
    gone.runs.catalog.as_mut().unwrap().benches[0].offers[0].missing = Some("no engine".to_owned());
    is(&cells_of(&gone, &none), ["600 ms", "", "+0 %", "3h", "not here"], [dim, None, dim, dim, dim]);
    let mut waits = state();
    under_way(&mut waits, &key("random", "tank"), &[key("start", "")]);
    is(&cells_of(&waits, &none), ["waiting", "", "", "", "waiting"], [text, None, None, None, dim]);
    let mut waits = same;
    under_way(&mut waits, &key("random", "tank"), &[key("start", "")]);
    is(&cells_of(&waits, &none), ["600 ms", "", "+0 %", "3h", "waiting"], [text, None, dim, dim, dim]);
}

#[test]
fn a_long_cell_leaves_a_blank_before_it() {
    let mut state = state();
    let of = series("container_start_seconds", "");
    measured(&mut state, &of, &[(3, 0.2, Verdict::Same, 1.0)]);
    let lines = listed(&state, &goals(&of, Bound::Between(0.15, 0.25)), (72, 4), 0).lines();
    assert_eq!(lines[2], line('✔', "start", ["200 ms", "150 ms–…", "+0 %", "3h"], "same"));
}

#[test]
fn the_one_under_way_shows_its_figure_as_it_forms() {
    let mut state = state();
    let of = key("start", "");
    let mut progress = under_way(&mut state, &of, &[]);
    progress.value = Some(0.4321);
    state.runs.progress = Some(progress.clone());
    let goals = goals(&series("container_start_seconds", ""), Bound::Below(1.0));
    let accent = Some(Role::Accent);
    let cells = |state: &State| cells_of(state, &goals);
    let is = |value: &str, phase: &str| {
        let dim = Some(Role::Dim);
        [(value, accent), ("<1 s", dim), ("60 %", accent), ("", None), (phase, accent)]
            .map(|(text, role)| (text.to_owned(), role))
    };
    assert_eq!(cells(&state), is("432 ms…", "measuring"));
    (progress.value, progress.phase) = (None, RunPhase::WarmingUp);
    state.runs.progress = Some(progress);
    assert_eq!(cells(&state), is("…", "warming up"));
    let drawn = listed(&state, &goals, (72, 12), 4);
    assert_eq!((drawn.role_at(0, 2), drawn.lines()[2].chars().next()), (accent, Some('⣷')), "a sign that turns");
}

#[test]
fn what_waits_or_runs_is_known_by_its_key() {
    let mut state = state();
    let (start, random, load) = (key("start", ""), key("random", "tank"), key("load", ""));
    let of = |state: &State| [&start, &random, &load].map(|key| Activity::of(state, key));
    assert_eq!(of(&state), [Activity::None; 3]);
    under_way(&mut state, &start, std::slice::from_ref(&random));
    assert_eq!(of(&state), [Activity::UnderWay, Activity::Queued, Activity::None]);
    state.runs.over = 1;
    (state.runs.progress, state.runs.queue) = (None, vec![start.clone(), load.clone()]);
    assert_eq!(of(&state), [Activity::None, Activity::None, Activity::Queued]);
}

#[test]
fn the_visible_lines_move_with_the_cursor() {
    let state = state();
    let goals = Goals::new();
    let lines = lines(Known { state: &state, goals: &goals }, &Listing::default());
    let at = |select: usize, rows| {
        let mut cursor = Cursor::default();
        cursor.settle(lines.iter().filter_map(Line::key));
        cursor.hold(select);
        window(&lines, &cursor, rows)
    };
    // Nine lines; those at 1, 4, 5 and 8 can be selected.
    assert_eq!([0, 1, 2, 3].map(|select| at(select, 9)), [0..9, 0..9, 0..9, 0..9]);
    assert_eq!([0, 1, 2, 3].map(|select| at(select, 4)), [0..4, 3..7, 4..8, 5..9]);
    assert_eq!([0, 1, 2, 3].map(|select| at(select, 2)), [0..2, 3..5, 4..6, 7..9]);
    assert_eq!(window(&[Line::Heading(Group::Storage)], &Cursor::default(), 3), 0..1);
}

#[test]
fn of_a_long_name_the_end_is_seen() {
    for (columns, shown) in [(8, "/srv/big"), (7, "…rv/big"), (2, "…g"), (1, "…"), (0, "")] {
        assert_eq!(tail("/srv/big", columns), shown);
    }
    assert_eq!(tail("日本語", 5), "…本語");
    let name = |width, of: &str| {
        let mut item = crate::ui::benchmarks::testing::item(&state(), &series("storage_random_iops", "tank"));
        item.bench.of = of.to_owned();
        let state = state();
        drawn(&state, (width, 1), |cx, area, canvas| draw_name(cx, area, canvas, &item, cx.theme.style(Role::Text)))
            .line()
    };
    assert_eq!(name(30, "tank"), "random 4k  tank");
    assert_eq!(name(20, "/srv/a/long/way"), "random 4k  …long/way");
    assert_eq!(name(12, "/srv/a/long/way"), "random…  …ay");
}

#[test]
fn the_spinner_turns_four_times_a_second() {
    let turns = |theme: &Theme| -> String {
        let at = |ms: u64| {
            let mut state = state();
            state.host.now.mono_us = ms * 1000;
            spinner(theme, &state)
        };
        [0, 249, 250, 500, 750, 1000, 1250, 1500, 1750, 2000].into_iter().map(at).collect()
    };
    let with = |glyphs| Theme { glyphs, ..Theme::plain() };
    assert_eq!(turns(&Theme::plain()), "⣷⣷⣯⣟⡿⢿⣻⣽⣾⣷");
    assert_eq!((turns(&with(ASCII)), turns(&with(CONSOLE))), ("||/-\\|/-\\|".into(), "||/-\\|/-\\|".to_owned()));
}

#[test]
fn a_list_needs_two_rows() {
    let draw = |height| listed(&state(), &Goals::new(), (40, height), 0).lines().concat();
    assert!(draw(1).is_empty() && draw(2).contains("BENCHMARK"));
}
