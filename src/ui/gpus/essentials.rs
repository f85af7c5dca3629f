//! The cards on a screen without boxes: a line or two each, the worst and busiest of many.

use std::cmp::Reverse;

use ratatui::layout::Rect;

use super::{draw::level_style, measure::Measure};
use crate::{
    alert::Level,
    model::{
        gpu::{CardState, GpuRow},
        metrics,
    },
    state::{State, levels},
    text::width,
    ui::{
        canvas::{Canvas, DrawCx},
        figures::{figure, hue, percent, temperature},
        widgets::{
            gauge::Gauge,
            line::{Line, line},
            text::put,
        },
    },
};

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
pub(super) fn rows(state: &State) -> Vec<Essential<'_>> {
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
            // Once a card: a level is a dozen rules.
            sorted.sort_by_cached_key(|row| {
                let busy = (row.busy.unwrap_or(0.0) * 1e6) as u64;
                (Reverse(levels::gpu(state, row)), Reverse(busy), row.raw.index)
            });
            let others = sorted.split_off(MOST - 1);
            sorted.into_iter().map(Essential::Card).chain([Essential::Others(others)]).collect()
        }
    }
}

/// So many cards have a row of their own there.
pub(super) fn cards(state: &State) -> usize {
    let count = state.host.gpus.rows.len();
    if count > MOST { MOST - 1 } else { count }
}

/// Draws one of [`rows`].
pub(super) fn draw(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, what: &Essential<'_>) {
    let hot = |row: &GpuRow| {
        let (heat, power) = (Measure::Temperature.words(cx, row), Measure::Power.words(cx, row));
        (heat, format!("  {power:>5}"))
    };
    match what {
        Essential::Cause(cause) => {
            let style = cx.theme.level(cx.state.level(metrics::GPU_DRIVER_OK, &[], 0.0));
            put(canvas.buf, area.x, area.y, area.width, &format!("gpu     {cause}"), style);
        }
        Essential::Card(row) if !row.is_up() => {
            let (words, level) = levels::gpu_trouble(cx.state, row).unwrap_or_default();
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
            words.extend((silent > 0).then(|| format!("{silent} not reporting")));
            let name = format!("{} more", rows.len());
            let right = words.join(" · ");
            let busy = [(mean.unwrap_or(0.0), cx.theme.style(Measure::Busy.role()))];
            line(
                cx,
                area,
                canvas,
                &Line {
                    figure: &percent(mean),
                    style: figure(cx, Level::Ok),
                    gauge: Gauge { parts: &busy, ..Gauge::default() },
                    right: &right,
                    ..Line::of(&name)
                },
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
    let style = hue(cx, level, measure.role());
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
