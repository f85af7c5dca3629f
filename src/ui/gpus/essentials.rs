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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alert::shipped,
        model::gpu::Gpu,
        ui::{
            canvas::testing::{Drawn, drawn},
            theme::Role,
        },
    };

    fn card(index: u16, busy: f64) -> GpuRow {
        let raw = Gpu {
            index,
            name: "RTX 4090".to_owned(),
            memory_total: Some(8 << 30),
            memory_used: Some(4 << 30),
            temperature: Some(60.0),
            ..Gpu::default()
        };
        GpuRow { raw, busy: Some(busy), power: Some(200.0), ..GpuRow::default() }
    }

    fn machine(cards: impl IntoIterator<Item = GpuRow>) -> State {
        let mut state = State::new(shipped().into());
        state.host.gpus.rows = cards.into_iter().collect();
        state
    }

    fn many(count: u16) -> State {
        machine((0..count).map(|index| card(index, f64::from(index) / 10.0)))
    }

    /// What each row is of.
    fn kinds(state: &State) -> Vec<String> {
        let of = |row: &Essential<'_>| match row {
            Essential::Of(card, measure) => format!("{} {}", card.raw.index, measure.name()),
            Essential::Card(card) => format!("{}", card.raw.index),
            Essential::Others(cards) => format!("{} others", cards.len()),
            Essential::Cause(cause) => cause.clone(),
        };
        rows(state).iter().map(of).collect()
    }

    #[test]
    fn of_many_cards_the_three_busiest_have_rows() {
        assert_eq!(kinds(&many(0)), [""; 0]);
        assert_eq!(kinds(&many(1)), ["0 util", "0 vram"]);
        assert_eq!(kinds(&many(2)), ["0 util", "0 vram", "1 util", "1 vram"]);
        assert_eq!(kinds(&many(3)), ["0", "1", "2"]);
        assert_eq!(kinds(&many(4)), ["0", "1", "2", "3"]);
        assert_eq!(kinds(&many(5)), ["4", "3", "2", "2 others"]);
        assert_eq!([0, 1, 4, 5, 9].map(|count| cards(&many(count))), [0, 1, 4, 3, 3]);
    }

    #[test]
    fn one_that_is_too_hot_comes_before_those_that_work_most() {
        let mut state = many(6);
        state.host.gpus.rows[0].raw.temperature = Some(90.0);
        assert_eq!(kinds(&state), ["0", "5", "4", "3 others"]);
        let equal = machine((0..5).map(|index| card(index, 0.5)));
        assert_eq!(kinds(&equal), ["0", "1", "2", "2 others"], "equals by their number");
    }

    #[test]
    fn a_card_that_sleeps_has_one_row() {
        let mut state = many(2);
        state.host.gpus.rows[0].raw.state = CardState::Asleep;
        assert_eq!(kinds(&state), ["0", "1 util", "1 vram"]);
    }

    fn shown(state: &State, at: usize) -> Drawn {
        drawn(state, (100, 1), |cx, area, canvas| draw(cx, area, canvas, &rows(state)[at]))
    }

    #[test]
    fn a_card_alone_has_no_number() {
        let starts = |state: &State, at: usize, words: &str| {
            let line = shown(state, at).line();
            assert!(line.starts_with(words), "{line}");
        };
        starts(&many(1), 0, "gpu ");
        starts(&many(1), 1, "vram ");
        starts(&many(2), 2, "gpu1 ");
        starts(&many(2), 3, "vram1 ");
        starts(&many(3), 2, "gpu2 ");
    }

    #[test]
    fn a_line_has_the_figures_of_its_card() {
        let ends = |state: &State, at: usize, words: &str| {
            let line = shown(state, at).line();
            assert!(line.ends_with(words), "{line}");
        };
        ends(&many(1), 0, " 60 °C  200 W");
        ends(&many(1), 1, " 4.0G / 8.0G");
        ends(&many(3), 1, " 4.0G / 8.0G  60 °C  200 W");
    }

    #[test]
    fn heat_and_full_memory_have_their_colour_in_the_words_too() {
        let mut state = many(3);
        state.host.gpus.rows[1].raw.temperature = Some(90.0);
        state.host.gpus.rows[2].raw.memory_used = Some(8 << 30);
        let roles = |at| (shown(&state, at).role_of(".0G / 8.0G"), shown(&state, at).role_of("0 °C"));
        assert_eq!(roles(0).0, roles(1).0);
        assert_ne!(roles(0).1, Some(Role::Warn));
        assert_eq!((roles(1).1, roles(2).0), (Some(Role::Warn), Some(Role::Warn)));
        assert_eq!(roles(2).1, roles(0).1);
        assert_ne!(shown(&state, 1).role_of("200 W"), Some(Role::Warn), "the power is judged by no rule");
    }

    #[test]
    fn what_is_lost_says_why() {
        let mut state = many(1);
        state.host.gpus.rows[0].raw.state = CardState::Lost("fell off the bus".to_owned());
        let lost = shown(&state, 0);
        assert_eq!(
            (lost.line().as_str(), lost.role_of("gpu0")),
            ("gpu0    RTX 4090: fell off the bus", Some(Role::Crit))
        );
        let cause = drawn(&state, (40, 1), |cx, area, canvas| {
            draw(cx, area, canvas, &Essential::Cause("NVIDIA: no driver".to_owned()));
        });
        assert_eq!((cause.line().as_str(), cause.role_of("gpu")), ("gpu     NVIDIA: no driver", Some(Role::Crit)));
    }

    #[test]
    fn the_others_are_one_line_with_their_mean_and_the_hottest() {
        let mut state = many(6);
        state.host.gpus.rows[0].raw.temperature = Some(40.0);
        let line = shown(&state, 3).line();
        assert!(line.starts_with("3 more") && line.contains(" 10%"), "the mean of 0, 10 and 20: {line}");
        assert!(line.ends_with(" hottest 60 °C"), "{line}");
        // Three worse ones have the rows.
        for hot in &mut state.host.gpus.rows[2..] {
            hot.raw.temperature = Some(96.0);
        }
        state.host.gpus.rows[0].raw.state = CardState::Asleep;
        state.host.gpus.rows[1].raw.temperature = Some(90.0);
        state.host.gpus.rows[5].raw.temperature = Some(86.0);
        let others = shown(&state, 3);
        assert!(others.line().ends_with(" hottest 90 °C · 1 not reporting"), "{}", others.line());
        assert_eq!(others.role_of("hottest"), Some(Role::Warn));
        assert_ne!(others.role_of("1 not reporting"), Some(Role::Warn));
    }

    #[test]
    fn without_cards_the_fault_of_the_driver_has_the_row() {
        let mut state = machine([]);
        let fault = Some("the module is not loaded".to_owned());
        let maker = crate::model::gpu::Maker::Nvidia;
        state.host.gpus.drivers = vec![crate::model::gpu::Driver { maker, version: None, cuda: None, fault }];
        assert_eq!(kinds(&state), ["NVIDIA: the module is not loaded"]);
    }
}
