//! The time in which a benchmark ran, behind graphs: what the machine did then was asked of it.

use ratatui::layout::Rect;

use super::{
    steps::{BLOCK, step_back},
    text::{put, tint},
};
use crate::{
    model::series::Series,
    ui::{
        canvas::{Canvas, DrawCx},
        theme::Role,
    },
};

/// Below the shade, where there is an axis.
const NAME: &str = "bench";

/// True for each column of cells, left to right, whose steps lie in a run.
fn columns(cx: &DrawCx<'_>, width: u16, series: &Series) -> Vec<bool> {
    let spans = &cx.state.runs.spans;
    if spans.is_empty() || width == 0 {
        return Vec::new();
    }
    let now = cx.state.host.now.mono_us;
    let step = u64::try_from(series.step().as_micros()).unwrap_or(u64::MAX);
    let dots = usize::from(width) * BLOCK as usize;
    let is_in = |dot: usize| {
        let back = step_back(series, dot, dots)?;
        let at = series.newest_us().checked_sub(step.checked_mul(back as u64)?)?;
        Some(spans.iter().any(|span| span.holds(at, now)))
    };
    (0..usize::from(width)).map(|x| is_in(x * BLOCK as usize) == Some(true)).collect()
}

/// Shades those columns of a graph.
pub fn shade(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, series: &Series) {
    for (x, is_in) in (area.x..).zip(columns(cx, area.width, series)) {
        if is_in {
            tint(canvas.buf, Rect { x, width: 1, ..area }, cx.theme.style(Role::Measured));
        }
    }
}

/// Names them on the axis, where its ends leave room.
pub fn name(cx: &DrawCx<'_>, row: Rect, canvas: &mut Canvas<'_>, series: &Series) {
    const ENDS: u16 = 12;
    let columns = columns(cx, row.width, series);
    let Some(from) = columns.iter().rposition(|is_in| *is_in).map(|last| {
        let run = columns[..=last].iter().rev().take_while(|is_in| **is_in).count();
        last + 1 - run
    }) else {
        return;
    };
    let x = row.x + u16::try_from(from).unwrap_or(u16::MAX);
    let last = row.right().saturating_sub(NAME.len() as u16 + 4);
    if row.width > 2 * ENDS {
        put(canvas.buf, x.clamp(row.x + ENDS, last), row.y, NAME.len() as u16, NAME, cx.theme.style(Role::Dim));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        clock::Stamp,
        config::Settings,
        model::{event::Event, run::RunEvent},
        state::State,
        ui::{keymap::Keymap, theme::Theme},
    };

    /// Which of ten columns are in a run from `from` to `to`, twenty seconds after the start.
    fn shaded(from: u64, to: Option<u64>) -> String {
        let mut state = State::default();
        let mut series = Series::default();
        for second in 1..=20 {
            series.push(Stamp::at_seconds(second), Duration::from_secs(1), Some(0.5));
        }
        state.host.now = Stamp::at_seconds(20);
        let at = Stamp::at_seconds(from);
        state.apply(Event::Run(RunEvent::Began { at, batch: String::new(), queue: Vec::new() }));
        if let Some(to) = to {
            let (at, report) = (Stamp::at_seconds(to), String::new());
            state.apply(Event::Run(RunEvent::Ended { at, stopped: false, report }));
        }
        let (settings, keys, theme) = (Settings::default(), Keymap::default(), Theme::plain());
        let cx =
            DrawCx { state: &state, theme: &theme, settings: &settings, keys: &keys, focused: true, paused: false };
        columns(&cx, 10, &series).into_iter().map(|is_in| if is_in { '#' } else { '.' }).collect()
    }

    #[test]
    fn a_run_is_shaded_while_it_lasts() {
        assert_eq!(shaded(13, None), "......####");
        assert_eq!(shaded(13, Some(16)), "......##..");
        assert_eq!(shaded(30, None), "..........", "one that begins later than the newest step");
    }
    /// Where the axis of a graph of so many columns has the word, a run from one second to another; twenty a second in all.
    fn named(width: u16, runs: &[(u64, u64)]) -> String {
        let mut state = State::default();
        let mut series = Series::default();
        (1..=200).for_each(|second| series.push(Stamp::at_seconds(second), Duration::from_secs(1), Some(0.5)));
        for (from, to) in runs {
            let (at, batch) = (Stamp::at_seconds(*from), String::new());
            state.apply(Event::Run(RunEvent::Began { at, batch, queue: Vec::new() }));
            let (at, report) = (Stamp::at_seconds(*to), String::new());
            state.apply(Event::Run(RunEvent::Ended { at, stopped: false, report }));
        }
        state.host.now = Stamp::at_seconds(200);
        let row =
            crate::ui::canvas::testing::drawn(&state, (width, 1), |cx, area, canvas| name(cx, area, canvas, &series));
        row.line()
    }

    #[test]
    fn a_run_is_named_below_its_begin_where_there_is_room() {
        let at = |column: usize| format!("{:column$}bench", "");
        // Of 40 columns the last shows the seconds 199 and 200, the twentieth from the left 159 and 160.
        assert_eq!(named(40, &[(160, 170)]), at(20));
        assert_eq!(named(40, &[(130, 140), (160, 170)]), at(20), "the newest");
        assert_eq!(named(40, &[(125, 140)]), at(12), "the left end is taken");
        assert_eq!(named(40, &[(195, 200)]), at(31), "and so is the right one");
        assert_eq!((named(25, &[(190, 200)]), named(24, &[(190, 200)])), (at(16), String::new()));
        assert_eq!((named(40, &[]), named(40, &[(10, 20)])), (String::new(), String::new()));
    }

    #[test]
    fn the_time_of_a_run_is_shaded_behind_a_graph() {
        let mut state = State::default();
        let mut series = Series::default();
        (1..=20).for_each(|second| series.push(Stamp::at_seconds(second), Duration::from_secs(1), Some(0.5)));
        let at = Stamp::at_seconds(17);
        state.apply(Event::Run(RunEvent::Began { at, batch: String::new(), queue: Vec::new() }));
        state.host.now = Stamp::at_seconds(20);
        let drawn = crate::ui::canvas::testing::drawn(&state, (10, 2), |cx, _, canvas| {
            shade(cx, Rect::new(1, 0, 9, 1), canvas, &series);
        });
        let shaded = |y| -> Vec<u16> { (0..10).filter(|x| drawn.role_at(*x, y) == Some(Role::Measured)).collect() };
        assert_eq!((shaded(0), shaded(1)), (vec![8, 9], Vec::new()));
    }
}
