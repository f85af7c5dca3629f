//! One card large, and several as rows.

use ratatui::{layout::Rect, style::Style};

use super::measure::{Measure, Normals};
use crate::{
    alert::Level,
    model::{gpu::GpuRow, join},
    state::{State, levels},
    text::{elide, width},
    ui::{
        canvas::{Canvas, DrawCx},
        figures::{figure, hue, plain},
        theme::Role,
        widgets::{
            gauge::gauge,
            graph::{Graph, graph},
            sheet::wrap,
            text::{put, put_right},
        },
    },
    units::bytes_short,
};

/// Columns of a gauge's name and of its figure.
const NAME: u16 = 6;
const FIGURE: u16 = 13;
/// Columns of a card's name among several.
const CARD: u16 = 12;

/// The colour of words that a rule judges; those that none does are quiet.
pub(super) fn level_style(cx: &DrawCx<'_>, level: Level) -> Style {
    if level >= Level::Advice { cx.theme.level(level) } else { cx.theme.style(Role::Dim) }
}

/// One card with its past, utilisation upward and memory traffic downward, a gauge a measure, and who uses it.
pub(super) fn large(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, row: &GpuRow, normals: Option<&Normals>) {
    if area.is_empty() {
        return;
    }
    let columns = usize::from(area.width);
    let mut below: Vec<(String, Style)> = Vec::new();
    if let Some((words, level)) = levels::gpu_trouble(cx.state, row) {
        below.extend(wrap(&words, columns).into_iter().map(|line| (line, level_style(cx, level))));
    }
    if row.is_up() {
        let dim = cx.theme.style(Role::Dim);
        below.extend(slices(row).map(|words| (words, dim)));
        let users = users(cx.state, row, columns);
        below.extend((!users.is_empty()).then_some((users, dim)));
    }
    // The gauges of a card that does not answer would be empty.
    let measures: &[Measure] = if row.is_up() { &Measure::ALL } else { &[] };
    let gauges = u16::try_from(measures.len()).unwrap_or(0).min(area.height);
    let lines = u16::try_from(below.len()).unwrap_or(u16::MAX).min(area.height - gauges);
    let past = area.height - gauges - lines;
    if past >= 2 && row.busy_history.iter().any(|v| v.is_some()) {
        // The only graph of the card: it has the card's level, as the words beside it do.
        history(cx, Rect { height: past, ..area }, canvas, row, levels::gpu(cx.state, row), normals);
    }
    let mut y = area.y + past;
    for measure in measures.iter().take(usize::from(gauges)) {
        measured(cx, Rect { y, height: 1, ..area }, canvas, row, *measure, normals);
        y += 1;
    }
    for (words, style) in below.iter().take(usize::from(lines)) {
        put(canvas.buf, area.x, y, area.width, words, *style);
        y += 1;
    }
}

/// Utilisation upward in the colour of `level`, memory traffic downward from it.
pub fn history(
    cx: &DrawCx<'_>,
    area: Rect,
    canvas: &mut Canvas<'_>,
    row: &GpuRow,
    level: Level,
    normals: Option<&Normals>,
) {
    let mirrored = area.height >= 3 && row.memory_busy_history.iter().any(|v| v.is_some());
    let upper = if mirrored { area.height - area.height / 3 } else { area.height };
    let band = normals.and_then(|n| n.of(Measure::Busy).band());
    let up = Graph { band, ..Graph::of(&row.busy_history, 1.0, hue(cx, level, Role::Gpu)) };
    graph(cx, Rect { height: upper, ..area }, canvas, &up);
    if mirrored {
        let lower = Rect { y: area.y + upper, height: area.height - upper, ..area };
        let style = cx.theme.style(Role::GpuMemory);
        let down = Graph { flip: true, ..Graph::of(&row.memory_busy_history, 1.0, style) };
        graph(cx, lower, canvas, &down);
    }
}

/// `util  ━━━━━━━┃─  91%`.
fn measured(
    cx: &DrawCx<'_>,
    area: Rect,
    canvas: &mut Canvas<'_>,
    row: &GpuRow,
    measure: Measure,
    normals: Option<&Normals>,
) {
    let name = if measure == Measure::Memory && row.raw.unified { "shared" } else { measure.name() };
    put(canvas.buf, area.x, area.y, NAME, name, cx.theme.style(Role::Dim));
    let (x, room) = (area.x + NAME + 1, area.width.saturating_sub(NAME + FIGURE + 2));
    measure.gauge(cx, row, normals.map(|n| n.of(measure)), &mut |g| {
        gauge(canvas.buf, x, area.y, room, cx.theme, g);
    });
    let style = plain(cx, measure.level(cx.state, row));
    put_right(canvas.buf, area.right(), area.y, FIGURE, &measure.words(cx, row), style);
}

/// `ollama 13.1G · comfyui 1.6G`: its greatest users, as many as fit, the rest counted.
pub(super) fn users(state: &State, row: &GpuRow, columns: usize) -> String {
    let word = |user: &join::GpuUser| match user.memory {
        Some(memory) => format!("{} {}", user.owner.name, bytes_short(memory as f64)),
        None => user.owner.name.clone(),
    };
    let users = join::users_of_gpu(&state.host, row);
    let all: Vec<String> = users.iter().map(word).collect();
    for shown in (1..=all.len()).rev() {
        let more = all.len() - shown;
        let more = if more > 0 { format!(" · {more} more") } else { String::new() };
        let words = format!("{}{more}", all[..shown].join(" · "));
        if width(&words) <= columns {
            return words;
        }
    }
    // A name alone says more than half a value.
    users.first().map(|user| user.owner.name.clone()).unwrap_or_default()
}

/// `2 slices: 1g.10gb 2.0G of 10.0G · 3g.40gb 18.0G of 40.0G`.
fn slices(row: &GpuRow) -> Option<String> {
    let all = &row.raw.slices;
    let word = |slice: &crate::model::gpu::Slice| match (slice.memory_used, slice.memory_total) {
        (Some(used), Some(total)) => {
            format!("{} {} of {}", slice.name, bytes_short(used as f64), bytes_short(total as f64))
        }
        _ => slice.name.clone(),
    };
    (!all.is_empty()).then(|| format!("MIG: {}", all.iter().map(word).collect::<Vec<_>>().join(" · ")))
}

/// One card of several: its name with utilisation, heat and power; memory and who uses it below, and its past below that,
/// as far as there are lines.
pub(super) fn one_of_several(cx: &DrawCx<'_>, place: Rect, canvas: &mut Canvas<'_>, row: &GpuRow) {
    let head = Rect { height: 1.min(place.height), ..place };
    let level = levels::gpu(cx.state, row);
    let style = if level >= Level::Warn { cx.theme.level(level) } else { cx.theme.style(Role::Strong) };
    put(canvas.buf, head.x, head.y, CARD, &elide(&row.raw.label(), usize::from(CARD)), style);
    let rest = Rect { x: place.x + CARD + 1, width: place.width.saturating_sub(CARD + 1), ..place };
    if !row.is_up() {
        let (words, level) = levels::gpu_trouble(cx.state, row).unwrap_or_default();
        let lines = if rest.height > 1 { wrap(&words, usize::from(rest.width)) } else { vec![words] };
        for (text, y) in lines.iter().zip(rest.y..rest.bottom()) {
            put(canvas.buf, rest.x, y, rest.width, text, level_style(cx, level));
        }
        return;
    }
    let cells: &[(Measure, u16)] = if place.height >= 2 {
        &[(Measure::Power, 6), (Measure::Temperature, 6), (Measure::Busy, 5)]
    } else {
        &[(Measure::Power, 6), (Measure::Temperature, 6), (Measure::Memory, FIGURE + 1), (Measure::Busy, 5)]
    };
    cells_with_bar(cx, Rect { height: 1, ..rest }, canvas, row, cells, Measure::Busy);
    if place.height >= 2 {
        let y = place.y + 1;
        let below = Rect { y, height: 1, ..rest };
        cells_with_bar(cx, below, canvas, row, &[(Measure::Memory, FIGURE + 4)], Measure::Memory);
        let words = users(cx.state, row, usize::from(CARD));
        put(canvas.buf, place.x, y, CARD, &elide(&words, usize::from(CARD)), cx.theme.style(Role::Dim));
        if place.height >= 3 {
            let past = Rect { y: y + 1, height: place.height - 2, ..rest };
            history(cx, past, canvas, row, level, None);
        }
    }
}

/// Figures from the right, each in its columns, and what is left as the bar of one of them.
fn cells_with_bar(
    cx: &DrawCx<'_>,
    area: Rect,
    canvas: &mut Canvas<'_>,
    row: &GpuRow,
    cells: &[(Measure, u16)],
    bar: Measure,
) {
    let mut right = area.right();
    for (measure, columns) in cells {
        let words = measure.words(cx, row);
        let style = match (measure.level(cx.state, row), *measure == bar) {
            (level, false) if level < Level::Warn => cx.theme.style(Role::Dim),
            (level, _) => figure(cx, level),
        };
        put_right(canvas.buf, right, area.y, *columns, &words, style);
        right = right.saturating_sub(*columns);
    }
    let room = right.saturating_sub(area.x + 1);
    bar.gauge(cx, row, None, &mut |g| gauge(canvas.buf, area.x, area.y, room, cx.theme, g));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::gpu::{Gpu, GpuProcess};

    #[test]
    fn as_many_users_are_named_as_fit() {
        let used = |pid, memory| GpuProcess { pid, memory, ..GpuProcess::default() };
        let processes = vec![used(7, Some(1 << 30)), used(8, Some(4 << 30)), used(9, None)];
        let row = GpuRow { raw: Gpu { processes, ..Gpu::default() }, ..GpuRow::default() };
        let said = |columns| users(&State::default(), &row, columns);
        assert_eq!(said(31), "pid 8 4.0G · pid 7 1.0G · pid 9");
        assert_eq!(said(30), "pid 8 4.0G · 2 more");
        assert_eq!(said(10), "pid 8", "a name alone says more than half a value");
        assert_eq!(users(&State::default(), &GpuRow::default(), 80), "");
    }
}
