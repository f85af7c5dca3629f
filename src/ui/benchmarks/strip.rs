//! The selected figure in four rows, for a narrow screen; how it was measured in one line; and what cannot be measured.

use ratatui::layout::Rect;

use super::{
    detail::{AIRY, airy},
    known::Known,
    rows::Line,
    sentence,
    standing::{Standing, role},
    words,
};
use crate::{
    analysis::regression::RunVerdict,
    request::way_back::WayBack,
    state::{levels, way_back},
    text::wrap,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx},
        figures::role_of,
        theme::Role,
        widgets::{
            sheet::{SheetLine, put_lines},
            spark::block,
            text::{put, put_char},
        },
    },
};

/// Runs in the row of small bars.
const RUNS: usize = 20;
/// The most parts of a fingerprint in one line.
const PARTS: usize = 5;

/// How it was measured, in one line: the parts that say most.
#[must_use]
pub fn method(standing: &Standing<'_>) -> String {
    const FIRST: [&str; 4] = ["tool", "method", "image", "engine"];
    let Some((run, _)) = standing.last() else { return String::new() };
    let first = FIRST.iter().filter_map(|name| run.fingerprint.get(*name));
    first.take(PARTS).cloned().collect::<Vec<_>>().join(" · ")
}

/// Name, verdict, small bars, the nearest change.
pub fn summary(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, known: Known<'_>, line: Option<&Line>) {
    if area.height < 4 {
        return;
    }
    let item = match line {
        Some(Line::Item(item)) => item,
        Some(line) => return missing(cx, Rect { y: area.y + 1, height: area.height - 1, ..area }, canvas, line),
        None => return,
    };
    let standing = Standing::of(known, &item.bench, &item.series());
    let mut y = area.y + 1;
    let style = cx.theme.style(Role::Strong);
    let used = put(canvas.buf, area.x, y, area.width * 45 / 100, &item.name(), style) + 2;
    let head = super::detail::head(cx.state, item, &standing);
    let rest = Rect { x: area.x + used, y, width: area.width.saturating_sub(used), height: 1 };
    let brief = sentence::brief(cx.state, &item.figure, &standing).or_else(|| head.first().cloned());
    put_lines(cx, rest, canvas, brief.as_slice());
    y += 1;
    let Some(verdict) = standing.verdicts.last() else { return };
    let used = small_bars(cx, Rect { y, height: 1, ..area }, canvas, standing.verdicts);
    let target = head.iter().find(|line| line.first().is_some_and(|(text, _)| text.starts_with("target")));
    let target = target.map(|line| (line.iter().map(|(text, _)| text.as_str()).collect(), Role::Dim));
    let judged = sentence::judged(cx.state, &standing).or(target);
    if let Some((text, role)) = judged {
        let x = area.x + used + 2;
        put(canvas.buf, x, y, area.right().saturating_sub(x), &text, cx.theme.style(role));
    }
    y += 1;
    before(cx, Rect { y, height: 1, ..area }, canvas, item, verdict);
}

/// `before it  21 Nov 02:58  service: compression lz4 → gzip-9   u  undo`.
fn before(cx: &DrawCx<'_>, row: Rect, canvas: &mut Canvas<'_>, item: &super::rows::Item, verdict: &RunVerdict) {
    let all = way_back::before(cx.state, &item.series(), verdict);
    let near = all.iter().find(|change| way_back::concerns(cx.state, change, &item.bench.of));
    let Some(change) = near else { return };
    let of = if change.of.is_empty() { "machine" } else { &change.of };
    let when = words::moment_short(change.at_unix_ms, cx.state.host.now.unix_ms);
    let mut line: SheetLine = vec![
        ("before it  ".to_owned(), Role::Dim),
        (format!("{when}  {of}: {}", way_back::phrase(change)), role_of(levels::CAUSE, Role::Text)),
    ];
    if matches!(way_back::find(cx.state, &item.series(), verdict), Some((_, WayBack::Do(_))))
        && let Some(key) = cx.keys.key_of(Action::BenchUndo)
    {
        line.extend([
            ("  ".to_owned(), Role::Text),
            (format!(" {key} "), Role::KeyChip),
            (" undo".to_owned(), Role::Text),
        ]);
    }
    put_lines(cx, row, canvas, &[line]);
}

/// One column a run, in the colour of its verdict; gives the columns used.
fn small_bars(cx: &DrawCx<'_>, row: Rect, canvas: &mut Canvas<'_>, verdicts: &[RunVerdict]) -> u16 {
    let shown = &verdicts[verdicts.len().saturating_sub(RUNS)..];
    let top = shown.iter().map(|verdict| verdict.median).fold(0.0, f64::max);
    for (at, verdict) in (0u16..).zip(shown) {
        let share = if top > 0.0 { verdict.median / top } else { 0.0 };
        put_char(canvas.buf, row.x + at, row.y, block(share, cx.theme), cx.theme.style(role(verdict.verdict)));
    }
    u16::try_from(shown.len()).unwrap_or(0)
}

/// Benchmarks that cannot be run here, and why.
pub fn missing(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, line: &Line) {
    let Line::Missing { titles, why, group } = line else { return };
    let area = airy(area, AIRY);
    let benches = cx.state.runs.catalog.iter().flat_map(|catalog| &catalog.benches);
    let all = benches.filter(|bench| bench.group == *group).filter_map(|bench| bench.figures.first());
    let all: Vec<&str> = all.map(|figure| figure.title.as_str()).collect();
    let titles = if titles.is_empty() { all.join(", ") } else { titles.join(", ") };
    let room = usize::from(area.width);
    let mut lines: Vec<SheetLine> = wrap(why, room).into_iter().map(|text| vec![(text, Role::Text)]).collect();
    lines.push(Vec::new());
    lines.extend(wrap(&titles, room).into_iter().map(|text| vec![(text, Role::Dim)]));
    put_lines(cx, area, canvas, &lines);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::regression::Verdict,
        model::{bench::Group, figure::SeriesKey},
        state::State,
        target::Bound,
        ui::{
            benchmarks::{
                known::Goals,
                testing::{HOUR, NOW, compressed, goals, item, measured, series, since, state},
            },
            canvas::testing::{Drawn, Look, drawn},
        },
    };

    fn tank() -> SeriesKey {
        series("storage_random_iops", "tank")
    }

    fn worse() -> State {
        let mut state = state();
        measured(&mut state, &tank(), &[(9, 200.0, Verdict::Same, 1.0), (1, 100.0, Verdict::Suspect, 0.5)]);
        since(&mut state, &tank(), 9);
        state
    }

    fn summed(state: &State, goals: &Goals, line: Option<&Line>, size: (u16, u16)) -> Drawn {
        Look::keyed().draw(state, size, |cx, area, canvas| summary(cx, area, canvas, Known { state, goals }, line))
    }

    fn line(state: &State) -> Line {
        Line::Item(Box::new(item(state, &tank())))
    }

    #[test]
    fn a_method_is_made_of_what_says_most() {
        let mut state = worse();
        let method = |state: &State| {
            let goals = Goals::new();
            super::method(&Standing::of(Known { state, goals: &goals }, &item(state, &tank()).bench, &tank()))
        };
        assert_eq!(method(&state), "");
        let parts = [("engine", "docker"), ("kernel", "6.1"), ("method", "qd 4"), ("tool", "fio")];
        let run = &mut state.runs.history.get_mut(&tank()).unwrap()[1];
        run.fingerprint = parts.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(method(&state), "fio · qd 4 · docker");
        state.runs.verdicts.clear();
        assert_eq!(method(&state), "");
    }

    #[test]
    fn the_selected_figure_has_four_rows() {
        let mut state = worse();
        compressed(&mut state, 3);
        let drawn = summed(&state, &Goals::new(), Some(&line(&state)), (110, 5));
        let (when, at) = (words::moment_short(NOW - 3 * HOUR, NOW), words::moment(NOW, NOW));
        let lines: Vec<String> = drawn.lines().iter().map(|line| line.replace(&at, "at")).collect();
        assert_eq!(
            lines,
            [
                String::new(),
                "tank · random 4k  100 IOPS, 50 % below normal (200 IOPS ±0.0 %, 9 runs since at)".to_owned(),
                "█▄  first run like this: three in a row make a regression".to_owned(),
                format!("before it  {when}  tank: compression lz4 → gzip   u  undo"),
                String::new(),
            ]
        );
        assert_eq!(
            [
                drawn.role_of("tank"),
                drawn.role_at(0, 2),
                drawn.role_at(1, 2),
                drawn.role_of("first run"),
                drawn.role_of("before it"),
                drawn.role_of(" u "),
                drawn.role_of("undo")
            ],
            [Role::Strong, Role::Ok, Role::Warn, Role::Warn, Role::Dim, Role::KeyChip, Role::Text].map(Some)
        );
        assert_eq!(drawn.role_of(&when), Some(role_of(levels::CAUSE, Role::Text)));
        let name = summed(&state, &Goals::new(), Some(&line(&state)), (30, 4)).lines()[1].clone();
        assert!(name.starts_with("tank · rando…  "), "{name}");
        let none = |line: Option<&Line>, height| summed(&state, &Goals::new(), line, (80, height)).lines().concat();
        assert_eq!((none(None, 5), none(Some(&line(&state)), 3)), (String::new(), String::new()));
    }

    #[test]
    fn what_can_only_be_undone_by_hand_has_no_key() {
        let mut state = worse();
        compressed(&mut state, 3);
        state.host.pools.datasets.clear();
        let lines = summed(&state, &Goals::new(), Some(&line(&state)), (110, 5)).lines();
        assert!(lines[3].ends_with("compression lz4 → gzip"), "it is another one now: {lines:?}");
        state.runs.changes[0].of = "other".into();
        assert_eq!(summed(&state, &Goals::new(), Some(&line(&state)), (110, 5)).lines()[3], "", "of something else");
    }

    #[test]
    fn beside_the_bars_is_the_verdict_or_the_target() {
        let mut state = state();
        measured(&mut state, &tank(), &[(1, 100.0, Verdict::Same, 1.0)]);
        let second =
            |state: &State, goals: &Goals| summed(state, goals, Some(&line(state)), (80, 4)).lines()[2].clone();
        assert_eq!(second(&state, &Goals::new()), "█");
        let missed = second(&state, &goals(&tank(), Bound::AtLeast(200.0)));
        assert_eq!(missed, "█  target ≥200 IOPS: missed by 50 %");
        let never = summed(&self::state(), &Goals::new(), Some(&line(&self::state())), (80, 4)).lines();
        assert_eq!(never, ["", "tank · random 4k  What random measures.", "", ""]);
    }

    #[test]
    fn the_newest_runs_are_small_bars() {
        let bars = |values: &[f64]| {
            let mut state = state();
            measured(
                &mut state,
                &tank(),
                &values.iter().map(|value| (1, *value, Verdict::Same, 1.0)).collect::<Vec<_>>(),
            );
            let mut used = 0;
            let drawn = drawn(&state, (30, 1), |cx, area, canvas| {
                used = small_bars(cx, area, canvas, state.runs.verdicts(&tank()))
            });
            (used, drawn.line())
        };
        assert_eq!(bars(&[1.0, 2.0, 4.0, 8.0]), (4, "▁▂▄█".to_owned()));
        assert_eq!(bars(&[0.0, 0.0]), (2, String::new()));
        let many: Vec<f64> = std::iter::once(9.0).chain([1.0; 20]).collect();
        assert_eq!(bars(&many), (20, "█".repeat(20)), "the oldest is left out");
    }

    #[test]
    fn what_cannot_be_measured_says_why_and_what_it_is() {
        let state = state();
        let shown = |titles: &[&str], size| {
            let titles = titles.iter().map(|title| (*title).to_owned()).collect();
            let line = Line::Missing { group: Group::Models, titles, why: "no GPU is here".to_owned() };
            drawn(&state, size, |cx, area, canvas| missing(cx, area, canvas, &line))
        };
        let all = shown(&[], (20, 4));
        assert_eq!(all.lines(), ["no GPU is here", "", "load, tokens", ""]);
        assert_eq!((all.role_of("no GPU"), all.role_of("load")), (Some(Role::Text), Some(Role::Dim)));
        assert_eq!(shown(&["load"], (8, 5)).lines(), ["no GPU", "is here", "", "load", ""]);
        assert_eq!(shown(&["load"], (20, 16)).lines()[1], "no GPU is here", "a row is left free");
        let line = Line::Missing { group: Group::Models, titles: Vec::new(), why: "no GPU".to_owned() };
        assert_eq!(summed(&state, &Goals::new(), Some(&line), (20, 4)).lines(), ["", "no GPU", "", "load, tokens"]);
        assert!(drawn(&state, (9, 1), |cx, area, canvas| missing(cx, area, canvas, &Line::Blank)).line().is_empty());
    }
}
