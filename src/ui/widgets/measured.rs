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
}
