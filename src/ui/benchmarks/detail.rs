//! The right side: one figure with its verdict in words, its runs as bars; below what changed before it got worse, or what
//! else was measured with it and how.

use ratatui::layout::Rect;

use super::{
    chart::{Bar, Line as ChartLine, chart},
    known::{Known, ends},
    rows::Item,
    sentence,
    standing::{Standing, is_acceptable, role, sign},
    subject, words,
};
use crate::{
    analysis::{
        self,
        regression::{REPEAT, RunVerdict, Verdict},
        stats,
    },
    model::{
        figure::{Better, Figure, SeriesKey},
        run::Run,
    },
    request::way_back::WayBack,
    state::{
        State, levels,
        way_back::{self, AGAIN},
    },
    text::{elide, width, wrap},
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx},
        figures::role_of,
        theme::Role,
        widgets::{
            page::{LinkedLine, Page},
            sheet::{SheetLine, put_lines},
        },
    },
    units::countdown,
};

/// Rows of the chart, its axis included, below which it is left out.
const CHART_LEAST: u16 = 4;
/// Rows from which on one is left free.
pub const AIRY: u16 = 16;
/// Columns of a moment, of a name, of a kind in the list of changes.
const WHEN: usize = 14;
const NAME: usize = 16;
/// Columns of a name before its value.
const HEAD: usize = 16;
/// Columns of the title of another figure.
const OTHER: usize = 22;
/// The most changes that are listed.
const CHANGES: usize = 12;

/// Verdict and chart.
pub fn draw(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, known: Known<'_>, item: &Item) {
    let standing = Standing::of(known, &item.bench, &item.series());
    let area = airy(area, AIRY);
    let mut lines: Vec<SheetLine> = Vec::new();
    let room = usize::from(area.width);
    for line in head(cx.state, item, &standing) {
        lines.extend(wrapped(line, room));
    }
    let apart = u16::from(area.height >= AIRY - 1);
    let kept = if standing.verdicts.is_empty() { 0 } else { CHART_LEAST + apart };
    let most = usize::from(area.height.saturating_sub(kept).max(2));
    let shown = lines.len().min(most);
    put_lines(cx, area, canvas, &lines[..shown]);
    let used = u16::try_from(shown).unwrap_or(u16::MAX) + apart;
    let rest = Rect { y: area.y + used.min(area.height), height: area.height.saturating_sub(used), ..area };
    if rest.height >= CHART_LEAST {
        let (bars, levels) = (bars(cx, &standing), levels(&item.figure, &standing));
        chart(cx, rest, canvas, &bars, &levels);
    }
}

/// A row is left free at the top where there are many.
#[must_use]
pub fn airy(area: Rect, from: u16) -> Rect {
    let free = u16::from(area.height >= from);
    Rect { y: area.y + free, height: area.height - free, ..area }
}

/// A line of one piece is wrapped, others are cut by the screen.
fn wrapped(line: SheetLine, room: usize) -> Vec<SheetLine> {
    match line.as_slice() {
        [(text, role)] if width(text) > room => {
            wrap(text, room).into_iter().map(|piece| vec![(piece, *role)]).collect()
        }
        _ => vec![line],
    }
}

/// What is said of it, whatever it is known of it.
pub fn head(state: &State, item: &Item, standing: &Standing<'_>) -> Vec<SheetLine> {
    let mut lines = Vec::new();
    if let Some(why) = standing.failed {
        lines.push(vec![(format!("could not be measured: {why}"), Role::Text)]);
    } else if let Some(why) = &item.missing {
        lines.push(vec![(format!("cannot be measured now: {why}"), Role::Text)]);
    }
    lines.extend(sentence::lines(state, item, standing));
    if standing.verdicts.is_empty() {
        lines.push(vec![(item.doc.clone(), Role::Text)]);
        if standing.failed.is_none() && item.missing.is_none() {
            lines.push(vec![("not measured yet".to_owned(), Role::Dim)]);
        }
        if let Some(goal) = standing.goal {
            lines.push(vec![(format!("target {}", words::target(&item.figure, goal)), Role::Dim)]);
        }
    }
    lines
}

/// The runs that count, as bars.
fn bars(cx: &DrawCx<'_>, standing: &Standing<'_>) -> Vec<Bar> {
    let now = cx.state.host.now.unix_ms;
    let glyphs = &cx.theme.glyphs;
    // Once it is a regression, the suspect runs that began it are part of it.
    let newest = standing.verdicts.last().filter(|verdict| verdict.verdict == Verdict::Regressed);
    let began = newest.and_then(|verdict| verdict.since.as_ref()).map(|since| since.at_unix_ms);
    let of = |verdict: &RunVerdict| match began {
        Some(began) if verdict.at_unix_ms >= began => Verdict::Regressed,
        _ => verdict.verdict,
    };
    let bar = |verdict: &RunVerdict| Bar {
        value: verdict.median,
        role: role(of(verdict)),
        sign: match of(verdict) {
            Verdict::Regressed => Some(glyphs.crit),
            Verdict::Suspect => Some(glyphs.warn),
            _ => None,
        },
        day: words::day(verdict.at_unix_ms, now),
    };
    standing.verdicts.iter().map(bar).collect()
}

/// The lines of the chart: normal, the limit of a much worse run, the target.
fn levels(figure: &Figure, standing: &Standing<'_>) -> Vec<ChartLine> {
    let mut lines = Vec::new();
    if let Some(against) = standing.verdicts.last().and_then(|verdict| verdict.against.as_ref()) {
        let (limit, label) = match figure.better {
            Better::Higher => (against.median * (1.0 - REPEAT), format!("−{:.0} %", REPEAT * 100.0)),
            Better::Lower => (against.median * (1.0 + REPEAT), format!("+{:.0} %", REPEAT * 100.0)),
        };
        lines.push(ChartLine { value: limit, label, role: Role::Limit });
        lines.push(ChartLine { value: against.median, label: "normal".to_owned(), role: Role::Dim });
    }
    for value in standing.goal.into_iter().flat_map(ends) {
        let label = format!("target {}", words::value_short(figure, value));
        lines.push(ChartLine { value, label, role: Role::Faint });
    }
    lines
}

/// The title of the lower box, and its lines.
pub fn below(cx: &DrawCx<'_>, known: Known<'_>, item: &Item, columns: usize) -> (&'static str, Page) {
    let standing = Standing::of(known, &item.bench, &item.series());
    let since = standing.verdicts.last().filter(|verdict| verdict.since.is_some());
    let mut page = Page::default();
    let title = match since {
        Some(verdict) => {
            changed(cx, item, verdict, columns, &mut page);
            "what changed before it"
        }
        None if standing.verdicts.is_empty() => {
            figures(cx, item, &mut page);
            "what it measures"
        }
        None => {
            beside(cx, known, item, &standing, &mut page);
            "measured with it"
        }
    };
    page.push(Vec::new());
    operations(cx, item, &standing, &mut page);
    if since.is_some() && page.lines().len() < 40 {
        page.push(Vec::new());
        beside(cx, known, item, &standing, &mut page);
    }
    (title, page)
}

/// Changes between the last good and the first bad run, nearest first.
fn changed(cx: &DrawCx<'_>, item: &Item, verdict: &RunVerdict, columns: usize, page: &mut Page) {
    let now = cx.state.host.now.unix_ms;
    let all = way_back::before(cx.state, &item.series(), verdict);
    if all.is_empty() {
        let words = "no change was noticed between the last run before it and the first that differs";
        page.push(vec![(words.to_owned(), Role::Dim)]);
        return;
    }
    let what = columns.saturating_sub(WHEN + NAME + 12);
    let nearest = all.iter().position(|change| way_back::concerns(cx.state, change, &item.bench.of));
    for (at, change) in all.iter().take(CHANGES).enumerate() {
        let of = if change.of.is_empty() { "machine" } else { change.of.as_str() };
        let likely = nearest == Some(at);
        let concerns = way_back::concerns(cx.state, change, &item.bench.of);
        let role = match (likely, concerns) {
            (true, _) => role_of(levels::CAUSE, Role::Text),
            (_, true) => Role::Text,
            _ => Role::Dim,
        };
        let phrase = way_back::phrase(change);
        let line = vec![
            (format!("{:<WHEN$} ", words::moment_short(change.at_unix_ms, now)), Role::Dim),
            (format!("{:<NAME$} ", elide(of, NAME)), Role::Strong),
            (format!("{:<what$} ", elide(&phrase, what.max(10))), role),
            (change.kind.clone(), Role::Dim),
        ];
        page.push(LinkedLine::from(line).link(1, subject::of_change(cx.state, change)));
    }
    if all.len() > CHANGES {
        page.push(vec![(format!("and {} earlier ones", all.len() - CHANGES), Role::Dim)]);
    }
    if let Some(change) = nearest.map(|at| &all[at])
        && let Some(words) = way_back::distance(change, verdict)
    {
        let what = analysis::machine_changes::words(change);
        let what = what.split(':').next().unwrap_or(&what);
        page.push(Vec::new());
        page.push(vec![(format!("{what} changed {words}"), Role::Text)]);
    }
}

/// What can be done, with its keys.
fn operations(cx: &DrawCx<'_>, item: &Item, standing: &Standing<'_>, page: &mut Page) {
    let verdict = standing.verdicts.last();
    let undo = verdict.and_then(|verdict| way_back::find(cx.state, &item.series(), verdict));
    let mut by_hand = None;
    let mut offer = |action: Action, words: String| {
        let Some(key) = cx.keys.key_of(action) else { return };
        page.push(vec![(format!(" {key} "), Role::KeyChip), (format!(" {words}"), Role::Text)]);
    };
    match undo {
        Some((_, WayBack::Do(job))) => {
            offer(Action::BenchUndo, format!("undo: {}, and measure again", job.phrase()));
        }
        Some((_, WayBack::Manual(words))) => by_hand = Some(words),
        None => {}
    }
    let again = if standing.verdicts.is_empty() { "run it" } else { "run again" };
    if item.missing.is_none() {
        offer(Action::BenchRun, format!("{again}, {AGAIN} times"));
    }
    if verdict.is_some_and(|verdict| is_acceptable(verdict.verdict)) {
        offer(Action::BenchAccept, "accept as the new normal".to_owned());
    }
    page.extend(by_hand.map(|words| vec![(format!("by hand: {words}"), Role::Dim)]));
}

/// What a benchmark that was never run would measure.
fn figures(cx: &DrawCx<'_>, item: &Item, page: &mut Page) {
    if !item.bench.of.is_empty() {
        let line = vec![(format!("{:<HEAD$}", "on"), Role::Dim), (item.bench.of.clone(), Role::Text)];
        page.push(LinkedLine::from(line).link(1, subject::of_target(cx.state, item.group, &item.bench.of)));
    }
    let benches = cx.state.runs.catalog.iter().flat_map(|catalog| &catalog.benches);
    for figure in benches.filter(|bench| bench.bench == item.bench.bench).flat_map(|bench| &bench.figures) {
        let better = match figure.better {
            Better::Higher => "more is better",
            Better::Lower => "less is better",
        };
        page.push(vec![(format!("{:<HEAD$}", figure.title), Role::Text), (format!("  {better}"), Role::Dim)]);
    }
}

/// What it was measured on, the other figures of the same run, and how it was measured.
fn beside(cx: &DrawCx<'_>, known: Known<'_>, item: &Item, standing: &Standing<'_>, page: &mut Page) {
    let state = cx.state;
    if !item.bench.of.is_empty() {
        let line = vec![(format!("{:<HEAD$}", "measured on"), Role::Dim), (item.bench.of.clone(), Role::Text)];
        page.push(LinkedLine::from(line).link(1, subject::of_target(state, item.group, &item.bench.of)));
    }
    let others = state.runs.catalog.iter().flat_map(|catalog| &catalog.benches);
    let figures = others.filter(|bench| bench.bench == item.bench.bench).flat_map(|bench| &bench.figures);
    for figure in figures.filter(|figure| figure.id != item.figure.id) {
        let series = SeriesKey { benchmark: figure.id.clone(), of: item.bench.of.clone() };
        let other = Standing::of(known, &item.bench, &series);
        let Some((_, verdict)) = other.last() else { continue };
        let (glyph, role) = sign(cx.theme, &other);
        let difference = verdict.ratio.map_or_else(String::new, words::difference);
        page.push(vec![
            (format!("{:<OTHER$}", elide(&figure.title, OTHER - 1)), Role::Dim),
            (format!("{:<14}", words::value(figure, verdict.median)), Role::Text),
            (format!("{difference:>7}  "), Role::Dim),
            (glyph.to_string(), role),
        ]);
    }
    let Some((run, _)) = standing.last() else { return };
    for (name, value) in &run.fingerprint {
        page.push(vec![(format!("{:<HEAD$}", elide(name, HEAD - 1)), Role::Dim), (value.clone(), Role::Text)]);
    }
    page.push(vec![
        (format!("{:<HEAD$}", "took"), Role::Dim),
        (countdown(run.took), Role::Text),
        (samples(&item.figure, run), Role::Dim),
    ]);
}

/// `, 12 samples from 69.8k IOPS to 73.0k IOPS`.
fn samples(figure: &Figure, run: &Run) -> String {
    let sorted = stats::sorted(&run.samples);
    match (sorted.first(), sorted.last()) {
        (Some(least), Some(most)) if sorted.len() > 1 => format!(
            " · {} samples from {} to {}",
            sorted.len(),
            words::value(figure, *least),
            words::value(figure, *most)
        ),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
