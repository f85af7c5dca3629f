//! What is said of one figure, its chart, and what changed before it.

use super::*;
use crate::{
    analysis::regression::Verdict,
    model::run::Change,
    target::Bound,
    ui::{
        benchmarks::{
            known::Goals,
            testing::{HOUR, NOW, compressed, goals, item, measured, random, series, since, start, state},
        },
        canvas::testing::{Look, drawn},
    },
};

fn tank() -> SeriesKey {
    series("storage_random_iops", "tank")
}

/// Good nine hours ago, worse an hour ago.
fn worse() -> State {
    let mut state = state();
    measured(&mut state, &tank(), &[(9, 200.0, Verdict::Same, 1.0), (1, 150.0, Verdict::Regressed, 0.75)]);
    since(&mut state, &tank(), 9);
    state
}

fn text(line: &SheetLine) -> String {
    line.iter().map(|(text, _)| text.as_str()).collect::<String>().trim_end().to_owned()
}

/// The lower box: its title, its lines, the subjects that they lead to.
fn below_of(state: &State, of: &SeriesKey) -> (&'static str, Vec<String>, usize) {
    let (mut title, mut page, none) = ("", Page::default(), Goals::new());
    Look::keyed().draw(state, (1, 1), |cx, _, _| {
        (title, page) = below(cx, Known { state, goals: &none }, &item(state, of), 70);
    });
    (title, page.lines().iter().map(|line| text(&line.pieces)).collect(), page.links().count())
}

fn said(state: &State, of: &SeriesKey, goals: &Goals) -> Vec<String> {
    let item = item(state, of);
    let standing = Standing::of(Known { state, goals }, &item.bench, of);
    head(state, &item, &standing).iter().map(text).collect()
}

#[test]
fn what_was_never_measured_says_what_it_would_be() {
    let (state, of) = (state(), series("container_start_seconds", ""));
    assert_eq!(said(&state, &of, &Goals::new()), ["What start measures.", "not measured yet"]);
    let goals = goals(&of, Bound::Below(0.5));
    assert_eq!(said(&state, &of, &goals), ["What start measures.", "not measured yet", "target <500 ms"]);
    let mut failed = state.clone();
    failed.runs.failed.insert(item(&state, &of).bench, "no space".to_owned());
    assert_eq!(said(&failed, &of, &Goals::new()), ["could not be measured: no space", "What start measures."]);
    let (title, lines, links) = below_of(&state, &tank());
    assert_eq!((title, links), ("what it measures", 0));
    assert_eq!(
        lines,
        [
            "on              tank",
            "random 4k         more is better",
            "latency           less is better",
            "",
            " r  run it, 3 times",
        ]
    );
    let (_, lines, _) = below_of(&state, &of);
    assert_eq!(lines[0], "start             less is better", "it is of the machine");
}

#[test]
fn what_cannot_be_measured_now_says_why() {
    let mut state = state();
    let of = series("storage_random_iops", "/srv");
    measured(&mut state, &of, &[(1, 150.0, Verdict::New, 1.0)]);
    let lines = said(&state, &of, &Goals::new());
    assert_eq!(lines[0], "cannot be measured now: no space");
    assert!(lines[1].starts_with("150 IOPS") && !lines.contains(&"not measured yet".to_owned()), "{lines:?}");
    let (_, lines, _) = below_of(&state, &of);
    assert!(!lines.iter().any(|line| line.contains("run again")), "{lines:?}");
}

#[test]
fn what_was_measured_with_it_is_below() {
    let mut state = state();
    measured(&mut state, &tank(), &[(1, 150.0, Verdict::Same, 1.0)]);
    measured(&mut state, &series("storage_latency_seconds", "tank"), &[(1, 0.004, Verdict::Suspect, 1.2)]);
    let run = &mut state.runs.history.get_mut(&tank()).unwrap()[0];
    run.fingerprint =
        [("kernel", "6.1"), ("a very long name of a part", "x")].map(|(a, b)| (a.to_owned(), b.to_owned())).into();
    run.samples = vec![152.0, 140.0, 150.0];
    let (title, lines, _) = below_of(&state, &tank());
    assert_eq!(title, "measured with it");
    assert_eq!(
        lines,
        [
            "measured on     tank",
            "latency               4.00 ms         +20 %  ▲",
            "a very long na… x",
            "kernel          6.1",
            "took            31s · 3 samples from 140 IOPS to 152 IOPS",
            "",
            " r  run again, 3 times",
        ]
    );
    let accepted = below_of(&state, &series("storage_latency_seconds", "tank")).1;
    assert_eq!(accepted[accepted.len() - 2..], [" r  run again, 3 times", " n  accept as the new normal"]);
}

#[test]
fn what_changed_before_it_is_listed_nearest_first() {
    let mut state = worse();
    let (title, lines, _) = below_of(&state, &tank());
    assert_eq!(title, "what changed before it");
    assert_eq!(lines[0], "no change was noticed between the last run before it and the first that differs");
    compressed(&mut state, 3);
    let of = |hours: i64, kind: &str, of: &str| Change {
        at_unix_ms: NOW - hours * HOUR,
        kind: kind.into(),
        of: of.into(),
        property: "version".into(),
        before: Some("1".into()),
        after: Some("2".into()),
    };
    state.runs.changes.insert(0, of(5, "kernel", ""));
    state.runs.changes.push(of(2, "image", "a container with a long name"));
    let (_, lines, links) = below_of(&state, &tank());
    let line = |hours: i64, of: &str, what: &str, kind: &str| {
        format!("{:<14} {of:<16} {what:<28} {kind}", words::moment_short(NOW - hours * HOUR, NOW))
    };
    assert_eq!(
        lines[..6],
        [
            line(2, "a container wit…", "version 1 → 2", "image"),
            line(3, "tank", "compression lz4 → gzip", "dataset"),
            line(5, "machine", "kernel 1 → 2", "kernel"),
            String::new(),
            "compression of tank changed 2h 0m before the first run that is worse".to_owned(),
            String::new(),
        ]
    );
    assert_eq!(
        lines[6..9],
        [
            " u  undo: set compression of tank to lz4, and measure again",
            " r  run again, 3 times",
            " n  accept as the new normal"
        ]
    );
    assert_eq!((lines[9].as_str(), lines[10].as_str(), links), ("", "measured on     tank", 2));
}

#[test]
fn the_likely_cause_stands_out() {
    let mut state = worse();
    compressed(&mut state, 4);
    compressed(&mut state, 3);
    let (mut page, none) = (Page::default(), Goals::new());
    state.runs.changes.push(Change {
        kind: "image".into(),
        of: "web".into(),
        at_unix_ms: NOW - 2 * HOUR,
        ..state.runs.changes[0].clone()
    });
    drawn(&state, (1, 1), |cx, _, _| {
        page = below(cx, Known { state: &state, goals: &none }, &item(&state, &tank()), 70).1;
    });
    let roles: Vec<Role> = page.lines()[..3].iter().map(|line| line.pieces[2].1).collect();
    assert_eq!(
        roles,
        [Role::Dim, role_of(levels::CAUSE, Role::Text), Role::Text],
        "not its own, the nearest, an earlier one"
    );
}

#[test]
fn only_the_nearest_changes_are_listed() {
    let mut state = worse();
    for minute in 0..15 {
        compressed(&mut state, 3);
        state.runs.changes.last_mut().unwrap().at_unix_ms += minute * 60_000;
    }
    let (_, lines, _) = below_of(&state, &tank());
    assert_eq!(lines[12], "and 3 earlier ones");
    state.runs.changes.truncate(12);
    assert_eq!(below_of(&state, &tank()).1[12], "");
}

#[test]
fn a_way_back_by_hand_is_named_below_the_keys() {
    let mut state = worse();
    state.host.facts.kernel = Some("6.2".into());
    let (before, after) = (Some("6.1".into()), Some("6.2".into()));
    let (kind, of, property) = ("kernel".into(), String::new(), "release".into());
    state.runs.changes.push(Change { at_unix_ms: NOW - 3 * HOUR, kind, of, property, before, after });
    let lines = below_of(&state, &tank()).1;
    assert!(lines.contains(&"by hand: start the kernel 6.1 from the boot menu".to_owned()), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("undo")), "{lines:?}");
}

#[test]
fn samples_are_named_by_their_ends() {
    let run =
        |samples: &[f64]| Run { samples: samples.to_vec(), ..crate::ui::benchmarks::testing::run(&tank(), 1, 1.0) };
    assert_eq!(samples(&random(), &run(&[150.0])), "");
    assert_eq!(samples(&random(), &run(&[])), "");
    assert_eq!(samples(&random(), &run(&[160.0, 150.0])), " · 2 samples from 150 IOPS to 160 IOPS");
}

#[test]
fn lines_of_the_chart_are_normal_its_limit_and_the_target() {
    let state = worse();
    let none = Goals::new();
    let of = |figure: &Figure, goal: Option<Bound>| -> Vec<(f64, String, Role)> {
        let standing = Standing {
            goal,
            ..Standing::of(Known { state: &state, goals: &none }, &item(&state, &tank()).bench, &tank())
        };
        levels(figure, &standing).into_iter().map(|line| (line.value.round(), line.label, line.role)).collect()
    };
    let percent = format!("{:.0} %", REPEAT * 100.0);
    let normal = (200.0, "normal".to_owned(), Role::Dim);
    let limit = |sign: &str, value: f64| (value.round(), format!("{sign}{percent}"), Role::Limit);
    assert_eq!(of(&random(), None), [limit("−", 200.0 * (1.0 - REPEAT)), normal.clone()]);
    let target = (300.0, "target 300".to_owned(), Role::Faint);
    assert_eq!(
        of(&random(), Some(Bound::AtLeast(300.0))),
        [limit("−", 200.0 * (1.0 - REPEAT)), normal.clone(), target]
    );
    assert_eq!(of(&start(), None), [limit("+", 200.0 * (1.0 + REPEAT)), normal]);
}

#[test]
fn bars_of_a_regression_begin_with_the_first_bad_run() {
    let mut state = state();
    let kinds = [
        (9, Verdict::Same),
        (5, Verdict::Suspect),
        (4, Verdict::Improved),
        (3, Verdict::Suspect),
        (2, Verdict::Suspect),
        (1, Verdict::Regressed),
    ];
    measured(&mut state, &tank(), &kinds.map(|(hours, is)| (hours, 150.0, is, 0.75)));
    let signs = |state: &State| {
        let (mut found, goals) = (Vec::new(), Goals::new());
        drawn(state, (1, 1), |cx, _, _| {
            let standing = Standing::of(Known { state, goals: &goals }, &item(state, &tank()).bench, &tank());
            found = bars(cx, &standing).into_iter().map(|bar| (bar.role, bar.sign.unwrap_or(' '))).collect();
        });
        found
    };
    let (ok, warn, crit) = ((Role::Ok, ' '), (Role::Warn, '▲'), (Role::Crit, '✖'));
    assert_eq!(signs(&state), [ok, warn, ok, warn, warn, crit]);
    since(&mut state, &tank(), 4);
    state.runs.verdicts.get_mut(&tank()).unwrap()[5].since.as_mut().unwrap().at_unix_ms = NOW - 3 * HOUR;
    assert_eq!(signs(&state), [ok, warn, ok, crit, crit, crit]);
}

fn shown(state: &State, of: &SeriesKey, size: (u16, u16)) -> Vec<String> {
    let goals = Goals::new();
    drawn(state, size, |cx, area, canvas| draw(cx, area, canvas, Known { state, goals: &goals }, &item(state, of)))
        .lines()
}

#[test]
fn the_chart_has_the_room_that_words_leave() {
    let state = worse();
    let is_bar = |line: &String| line.contains(['█', '▁', '▂', '▃', '▄', '▅', '▆', '▇']);
    let rows = |height| {
        let lines = shown(&state, &tank(), (90, height));
        let words = lines
            .iter()
            .filter(|line| {
                line.contains("normal (") || line.contains("IOPS  one sample") || line.contains("regression since")
            })
            .count();
        (words, lines.iter().any(is_bar), lines[0].is_empty())
    };
    assert_eq!(rows(17), (3, true, true), "a row is left free");
    assert_eq!(rows(15), (3, true, false));
    assert_eq!(rows(7), (3, true, false));
    assert_eq!(rows(6), (2, true, false), "words give way before the chart");
    assert_eq!(rows(5), (2, false, false));
    assert_eq!(rows(2), (2, false, false));
    let never = shown(&self::state(), &tank(), (10, 4));
    assert_eq!(never, ["What", "random", "measures.", "not"].map(str::to_owned), "a sentence is wrapped");
}
