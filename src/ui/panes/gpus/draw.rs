//! One card large, several as rows, and the essentials for a screen without boxes.

use ratatui::{layout::Rect, style::Style};

use super::measure::{Measure, Normals, level, trouble};
use crate::{
    alert::Level,
    model::{
        gpu::{CardState, GpuRow},
        join,
    },
    state::State,
    text::{elide, width},
    ui::{
        canvas::{Canvas, DrawCx},
        figures::{figure, percent, plain, temperature},
        theme::Role,
        widgets::{
            gauge::gauge,
            graph::{Graph, graph},
            line::{Line, line},
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

fn level_style(cx: &DrawCx<'_>, level: Level) -> Style {
    if level >= Level::Advice { cx.theme.level(level) } else { cx.theme.style(Role::Dim) }
}

/// One card with its past, utilisation upward and memory traffic downward, a gauge a measure, and who uses it.
pub(super) fn large(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, row: &GpuRow, normals: Option<&Normals>) {
    if area.is_empty() {
        return;
    }
    let columns = usize::from(area.width);
    let mut below: Vec<(String, Style)> = Vec::new();
    if let Some((words, level)) = trouble(cx.state, row) {
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
        history(cx, Rect { height: past, ..area }, canvas, row, normals);
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

/// Utilisation upward, memory traffic downward from it.
pub fn history(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, row: &GpuRow, normals: Option<&Normals>) {
    let mirrored = area.height >= 3 && row.memory_busy_history.iter().any(|v| v.is_some());
    let upper = if mirrored { area.height - area.height / 3 } else { area.height };
    let style = cx.theme.style(Role::Gpu);
    let band = normals.and_then(|n| n.of(Measure::Busy).band());
    let up = Graph { series: &row.busy_history, top: 1.0, style, band, flip: false };
    graph(canvas.buf, Rect { height: upper, ..area }, cx.theme, &up);
    if mirrored {
        let lower = Rect { y: area.y + upper, height: area.height - upper, ..area };
        let style = cx.theme.style(Role::GpuMemory);
        let down = Graph { series: &row.memory_busy_history, top: 1.0, style, band: None, flip: true };
        graph(canvas.buf, lower, cx.theme, &down);
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
    let all: Vec<String> = join::users_of_gpu(&state.host, row).iter().map(word).collect();
    for shown in (1..=all.len()).rev() {
        let more = all.len() - shown;
        let more = if more > 0 { format!(" · {more} more") } else { String::new() };
        let words = format!("{}{more}", all[..shown].join(" · "));
        if width(&words) <= columns || shown == 1 {
            return words;
        }
    }
    String::new()
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
    let level = level(cx.state, row);
    let style = if level >= Level::Warn { cx.theme.level(level) } else { cx.theme.style(Role::Strong) };
    put(canvas.buf, head.x, head.y, CARD, &elide(&row.raw.label(), usize::from(CARD)), style);
    let rest = Rect { x: place.x + CARD + 1, width: place.width.saturating_sub(CARD + 1), ..place };
    if !row.is_up() {
        let (words, level) = trouble(cx.state, row).unwrap_or_default();
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
        if place.height >= 4 {
            let past = Rect { y: y + 1, height: place.height - 2, ..rest };
            history(cx, past, canvas, row, None);
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

/// What a row of a screen without boxes shows.
pub(super) enum Essential<'a> {
    /// A measure of a card that has two rows.
    Of(&'a GpuRow, Measure),
    /// A whole card.
    Card(&'a GpuRow),
    /// Those that have no row of their own.
    Others(Vec<&'a GpuRow>),
    /// A driver that failed and has no cards to show.
    Cause(String),
}

/// Most rows that the essentials take.
const MOST: usize = 4;

/// The rows for a screen without boxes: two a card, of more than two cards one each; of more than four those that fare
/// worst, then those that work most, and the others in a sum.
pub(super) fn essentials(state: &State) -> Vec<Essential<'_>> {
    let rows = &state.host.gpus.rows;
    let whole = |row: &GpuRow| !row.is_up();
    match rows.len() {
        0 => state.host.gpus.cause().map(Essential::Cause).into_iter().collect(),
        1 | 2 => rows
            .iter()
            .flat_map(|row| {
                let measures: &[Measure] = if whole(row) { &[] } else { &[Measure::Busy, Measure::Memory] };
                let card = whole(row).then_some(Essential::Card(row));
                measures.iter().map(|m| Essential::Of(row, *m)).chain(card)
            })
            .collect(),
        n if n <= MOST => rows.iter().map(Essential::Card).collect(),
        _ => {
            let mut sorted: Vec<&GpuRow> = rows.iter().collect();
            sorted.sort_by(|a, b| {
                level(state, b)
                    .cmp(&level(state, a))
                    .then(b.busy.unwrap_or(0.0).total_cmp(&a.busy.unwrap_or(0.0)))
                    .then(a.raw.index.cmp(&b.raw.index))
            });
            let others = sorted.split_off(MOST - 1);
            sorted.into_iter().map(Essential::Card).chain([Essential::Others(others)]).collect()
        }
    }
}

/// Draws one of [`essentials`].
pub(super) fn essential(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, what: &Essential<'_>) {
    let hot = |row: &GpuRow| {
        let (heat, power) = (Measure::Temperature.words(cx, row), Measure::Power.words(cx, row));
        (heat, format!("  {power:>5}"))
    };
    match what {
        Essential::Cause(cause) => {
            let style = cx.theme.level(cx.state.level("gpu_driver_ok", &[], 0.0));
            put(canvas.buf, area.x, area.y, area.width, &format!("gpu     {cause}"), style);
        }
        Essential::Card(row) if !row.is_up() => {
            let (words, level) = trouble(cx.state, row).unwrap_or_default();
            let text = format!("gpu{:<5}{}: {words}", row.raw.index, row.raw.short_name());
            put(canvas.buf, area.x, area.y, area.width, &text, level_style(cx, level));
        }
        Essential::Card(row) => {
            let (heat, power) = hot(row);
            let name = format!("gpu{}", row.raw.index);
            let memory = Measure::Memory.words(cx, row);
            measured_line(cx, area, canvas, row, Measure::Busy, &name, (&format!("{memory}  "), &heat, &power));
        }
        Essential::Of(row, measure) => {
            let alone = cx.state.host.gpus.rows.len() == 1;
            let name = match measure {
                Measure::Memory => "vram",
                _ => "gpu",
            };
            let name = if alone { name.to_owned() } else { format!("{name}{}", row.raw.index) };
            if *measure == Measure::Memory {
                let words = Measure::Memory.words(cx, row);
                measured_line(cx, area, canvas, row, *measure, &name, (&words, "", ""));
            } else {
                let (heat, power) = hot(row);
                measured_line(cx, area, canvas, row, *measure, &name, ("", &heat, &power));
            }
        }
        Essential::Others(rows) => {
            let busy: Vec<f64> = rows.iter().filter_map(|row| row.busy).collect();
            let mean = (!busy.is_empty()).then(|| busy.iter().sum::<f64>() / busy.len() as f64);
            let heat = rows.iter().filter_map(|row| Measure::Temperature.value(row)).reduce(f64::max);
            let hottest = heat.map(|c| format!("hottest {}", temperature(c, cx)));
            let mut words: Vec<String> = hottest.iter().cloned().collect();
            let silent = rows.iter().filter(|row| row.raw.state != CardState::Up).count();
            words.extend((silent > 0).then(|| format!("{silent} tell nothing")));
            let name = format!("{} more", rows.len());
            let right = words.join(" · ");
            line(
                cx,
                area,
                canvas,
                &Line { figure: &percent(mean), style: figure(cx, Level::Ok), right: &right, ..Line::of(&name) },
            );
            let level = rows.iter().map(|row| Measure::Temperature.level(cx.state, row)).max().unwrap_or(Level::Ok);
            if let Some(hottest) = hottest.filter(|_| level >= Level::Warn) {
                let x = area.right().saturating_sub(columns(&right)).max(area.x);
                put(canvas.buf, x, area.y, columns(&hottest), &hottest, cx.theme.level(level));
            }
        }
    }
}

fn columns(text: &str) -> u16 {
    u16::try_from(width(text)).unwrap_or(0)
}

/// A measure with its gauge and past; at the right words, the temperature in the colour of its level, and more words.
fn measured_line(
    cx: &DrawCx<'_>,
    area: Rect,
    canvas: &mut Canvas<'_>,
    row: &GpuRow,
    measure: Measure,
    name: &str,
    (front, heat, end): (&str, &str, &str),
) {
    let level = measure.level(cx.state, row);
    let style = crate::ui::figures::hue(cx, level, measure.role());
    let past = if measure == Measure::Memory { &row.memory_history } else { &row.busy_history };
    let right = format!("{front}{heat}{end}");
    measure.gauge(cx, row, None, &mut |gauge| {
        line(
            cx,
            area,
            canvas,
            &Line {
                figure: &percent(measure.value(row)),
                style: figure(cx, level),
                gauge: *gauge,
                past: Some((past, 1.0, style)),
                right: &right,
                ..Line::of(name)
            },
        );
    });
    // What a rule judges has the colour of its level there too.
    if columns(&right) < area.width / 2 {
        let x = area.right().saturating_sub(columns(&right)).max(area.x);
        let cells = [(front, Measure::Memory, x), (heat, Measure::Temperature, x + columns(front))];
        for (text, judged, x) in cells {
            let level = judged.level(cx.state, row);
            if level >= Level::Warn && !text.is_empty() {
                put(canvas.buf, x, area.y, columns(text), text, cx.theme.level(level));
            }
        }
    }
}
