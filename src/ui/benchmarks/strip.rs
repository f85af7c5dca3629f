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
