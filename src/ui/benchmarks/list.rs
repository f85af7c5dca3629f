//! The left side: the suite by group, each figure with its last result, its target, the difference from normal, its age.

use ratatui::{layout::Rect, style::Style};

use super::{
    known::Known,
    rows::{Item, Line},
    standing::{Standing, sign},
    words,
};
use crate::{
    alert::Level,
    analysis::regression::Verdict,
    model::bench::BenchKey,
    state::State,
    text::width,
    ui::{
        canvas::{Canvas, DrawCx, Target},
        figures,
        table::cursor::Cursor,
        theme::{Role, Theme},
        widgets::text::{put, put_right, tint},
    },
    units::ABSENT,
};

/// Columns before the name.
const SIGN: u16 = 2;
/// From this width on the verdict has a column.
const WITH_VERDICT: u16 = 72;
/// Least columns of a name.
const NAME: u16 = 12;

/// The columns at the right of the name: heads and widths.
const COLUMNS: [(&str, u16); 5] = [("RESULT", 12), ("TARGET", 9), ("NORMAL", 7), ("AGE", 5), ("VERDICT", 15)];

/// Where each column ends, for a list of this width; those that find no room are left out, the last first.
fn ends(area: Rect) -> Vec<(usize, u16)> {
    let mut shown: Vec<usize> = (0..COLUMNS.len()).filter(|at| *at < 4 || area.width >= WITH_VERDICT).collect();
    while shown.iter().map(|at| COLUMNS[*at].1).sum::<u16>() + SIGN + NAME > area.width && shown.len() > 1 {
        // The age goes first, then the difference and the target: the result stays.
        shown.pop();
    }
    let mut right = area.right();
    let mut ends: Vec<(usize, u16)> = Vec::new();
    for at in shown.into_iter().rev() {
        ends.push((at, right));
        right -= COLUMNS[at].1;
    }
    ends.reverse();
    ends
}

/// Draws heads and lines.
pub fn draw(
    cx: &DrawCx<'_>,
    area: Rect,
    canvas: &mut Canvas<'_>,
    known: Known<'_>,
    (lines, cursor): (&[Line], &Cursor<u64>),
) {
    if area.height < 2 {
        return;
    }
    let ends = ends(area);
    let dim = cx.theme.style(Role::TableHeader);
    put(canvas.buf, area.x + SIGN, area.y, area.width, "BENCHMARK", dim);
    for (at, end) in &ends {
        let (head, columns) = COLUMNS[*at];
        if head == "VERDICT" {
            put(canvas.buf, *end - columns + 2, area.y, columns, head, dim);
        } else {
            put_right(canvas.buf, *end, area.y, columns, head, dim);
        }
    }
    let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let shown = window(lines, cursor, usize::from(body.height));
    for (line, y) in lines[shown].iter().zip(body.y..body.bottom()) {
        let row = Rect { y, height: 1, ..area };
        match line {
            Line::Blank => {}
            Line::Heading(group) => {
                put(canvas.buf, row.x, y, row.width, group.name(), cx.theme.style(Role::Dim));
            }
            Line::Item(item) => {
                draw_item(cx, row, canvas, (item, Standing::of(known, &item.bench, &item.series())), &ends)
            }
            Line::Missing { titles, why, .. } => {
                let dim = cx.theme.style(Role::Faint);
                put(canvas.buf, row.x, y, 1, ABSENT, dim);
                let text = match titles.is_empty() {
                    true => why.clone(),
                    false => format!("{}: {why}", titles.join(", ")),
                };
                put(canvas.buf, row.x + SIGN, y, row.width.saturating_sub(SIGN), &text, dim);
            }
        }
        if let Some(key) = line.key() {
            if cursor.selected() == Some(key) {
                tint(canvas.buf, row, cx.theme.style(Role::Selected));
            }
            if let Some(at) = cursor.keys().iter().position(|k| *k == key) {
                canvas.hit(row, Target::OverlayRow(at));
            }
        }
    }
}

/// The visible lines: the line under the cursor, with the heading of its group where it is the first of it.
fn window(lines: &[Line], cursor: &Cursor<u64>, rows: usize) -> std::ops::Range<usize> {
    // The cursor counts lines that can be selected; pages are as long as the screen.
    cursor.window(rows.max(1));
    let selected = cursor.selected();
    let at = lines.iter().position(|line| line.key().is_some() && line.key() == selected).unwrap_or(0);
    let last = lines.iter().rposition(|line| line.key().is_some()).unwrap_or(0);
    let bottom = if at >= last { lines.len() } else { (at + 3).min(lines.len()) };
    let top = bottom.saturating_sub(rows).min(at.saturating_sub(1));
    top..(top + rows).min(lines.len())
}

fn draw_item(
    cx: &DrawCx<'_>,
    row: Rect,
    canvas: &mut Canvas<'_>,
    (item, standing): (&Item, Standing<'_>),
    ends: &[(usize, u16)],
) {
    let state = cx.state;
    let activity = Activity::of(state, &item.bench);
    let (glyph, role) = match &activity {
        Activity::UnderWay if item.main => (spinner(cx.theme, state), Role::Accent),
        _ => sign(cx.theme, &standing),
    };
    let is_known = !standing.verdicts.is_empty();
    let name_style = cx.theme.style(if is_known || activity != Activity::None { Role::Text } else { Role::Dim });
    put(canvas.buf, row.x, row.y, 1, &glyph.to_string(), cx.theme.style(role));
    let from = row.x + SIGN;
    let until = ends.first().map_or(row.right(), |(at, end)| *end - COLUMNS[*at].1);
    draw_name(cx, Rect { x: from, width: until.saturating_sub(from), ..row }, canvas, item, name_style);
    let cells = cells(cx, item, &standing, &activity);
    for ((at, end), (text, style)) in ends.iter().map(|(at, end)| ((*at, *end), &cells[*at])) {
        let columns = COLUMNS[at].1;
        if at == 4 {
            put(canvas.buf, end - columns + 2, row.y, columns - 2, text, *style);
        } else {
            put_right(canvas.buf, end, row.y, columns - 1, text, *style);
        }
    }
}

/// What is measured, and on what where that is not clear: of a long name the end says most.
fn draw_name(cx: &DrawCx<'_>, room: Rect, canvas: &mut Canvas<'_>, item: &Item, style: Style) {
    let indent = if item.main { 0 } else { 2 };
    let mut x = room.x + indent;
    let left = |x: u16| room.right().saturating_sub(x);
    if !item.named {
        put(canvas.buf, x, room.y, left(x), &item.figure.title, style);
        return;
    }
    let of = width(&item.bench.of);
    let title = usize::from(left(x)).saturating_sub((of + 2).min(usize::from(left(x)) * 45 / 100));
    x += put(canvas.buf, x, room.y, u16::try_from(title).unwrap_or(u16::MAX), &item.figure.title, style) + 2;
    put(canvas.buf, x, room.y, left(x), &tail(&item.bench.of, usize::from(left(x))), cx.theme.style(Role::Dim));
}

/// The end of a name that is too long.
fn tail(name: &str, columns: usize) -> String {
    if width(name) <= columns {
        return name.to_owned();
    }
    let mut out: Vec<char> = Vec::new();
    for c in name.chars().rev() {
        if width(&out.iter().collect::<String>()) + width(c.encode_utf8(&mut [0; 4])) + 1 > columns {
            break;
        }
        out.push(c);
    }
    if columns > 0 {
        out.push('…');
    }
    out.iter().rev().collect()
}

/// What happens to a benchmark now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    None,
    Queued,
    UnderWay,
}

impl Activity {
    #[must_use]
    pub fn of(state: &State, bench: &BenchKey) -> Activity {
        let runs = &state.runs;
        if runs.progress.as_ref().is_some_and(|progress| progress.key == *bench) {
            return Activity::UnderWay;
        }
        let waits = runs.queue.iter().skip(runs.over).any(|key| key == bench);
        if waits { Activity::Queued } else { Activity::None }
    }
}

/// The cells of a line, in the order of [`COLUMNS`].
fn cells(cx: &DrawCx<'_>, item: &Item, standing: &Standing<'_>, activity: &Activity) -> [(String, Style); 5] {
    let dim = cx.theme.style(Role::Dim);
    let accent = cx.theme.style(Role::Accent);
    let now = cx.state.host.now.unix_ms;
    let level = standing.level();
    let target = standing.goal.map_or_else(String::new, |goal| words::target_short(&item.figure, goal));
    let target_style = if standing.is_met() == Some(false) { figures::plain(cx, level) } else { dim };
    if let Activity::UnderWay = activity
        && item.main
        && let Some(progress) = &cx.state.runs.progress
    {
        let value = progress.value.map_or_else(String::new, |v| words::value_short(&item.figure, v)) + "…";
        let done = format!("{:.0} %", progress.done * 100.0);
        return [
            (value, accent),
            (target, dim),
            (done, accent),
            (String::new(), dim),
            (progress.phase.words().to_owned(), accent),
        ];
    }
    let (result, difference, age) = match standing.last() {
        Some((run, verdict)) => (
            words::value(&item.figure, verdict.median),
            match (standing.failed, verdict.verdict) {
                (Some(_), _) => "failed".to_owned(),
                (None, Verdict::NotComparable) => String::new(),
                (None, _) => verdict.ratio.map_or_else(String::new, words::difference),
            },
            words::age(run.at_unix_ms, now),
        ),
        None => (String::new(), String::new(), String::new()),
    };
    let waits = *activity == Activity::Queued;
    let verdict = match () {
        () if waits => "waiting",
        () if standing.failed.is_some() => "failed",
        () if item.missing.is_some() => "not here",
        () if standing.is_met() == Some(false) && level <= Level::Warn && !standing.is_bad() => "missed",
        () => standing.verdict().map_or("", |verdict| verdict.word()),
    };
    let said = if waits || standing.failed.is_some() || item.missing.is_some() { dim } else { calm(cx, standing) };
    let result_style =
        if item.missing.is_some() || standing.failed.is_some() { dim } else { figures::plain(cx, level) };
    let result = if result.is_empty() && waits { "waiting".to_owned() } else { result };
    let result = if result.is_empty() && standing.failed.is_some() { "failed".to_owned() } else { result };
    let drift = if standing.is_bad() { figures::plain(cx, level) } else { dim };
    [(result, result_style), (target, target_style), (difference, drift), (age, dim), (verdict.to_owned(), said)]
}

/// Words at the level of a figure: dim while all is well.
fn calm(cx: &DrawCx<'_>, standing: &Standing<'_>) -> Style {
    let level = standing.level();
    if level <= Level::Ok { cx.theme.style(Role::Dim) } else { cx.theme.level(level) }
}

/// A sign that turns while something is measured.
#[must_use]
pub fn spinner(theme: &Theme, state: &State) -> char {
    const TURNS: [char; 8] = ['⣷', '⣯', '⣟', '⡿', '⢿', '⣻', '⣽', '⣾'];
    const PLAIN: [char; 4] = ['|', '/', '-', '\\'];
    let step = (state.host.now.mono_us / 250_000) as usize;
    if theme.glyphs.ascii || theme.glyphs.console { PLAIN[step % 4] } else { TURNS[step % 8] }
}

#[cfg(test)]
mod tests;
