//! The last rounds as stacked bars, one column a round: how long each phase took. The newest is at the right.

use std::collections::VecDeque;

use ratatui::layout::Rect;

use crate::{
    model::service::{PastRound, Standing, round::Phase},
    ui::{
        canvas::{Canvas, DrawCx},
        theme::Role,
        widgets::{
            spark::block,
            text::{put, put_char},
        },
    },
    units::latency,
};

/// The hue of each phase, in their order.
pub(super) const HUES: [(Phase, Role); 5] = [
    (Phase::Resolve, Role::CpuIowait),
    (Phase::Connect, Role::MemoryCache),
    (Phase::Tls, Role::MemoryArc),
    (Phase::FirstByte, Role::NetReceive),
    (Phase::Body, Role::MemoryUsed),
];

/// Draws them into `area`; a bar of `top` seconds is full.
pub(super) fn bars(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, past: &VecDeque<PastRound>, top: f64) {
    if area.is_empty() || top <= 0.0 {
        return;
    }
    for (x, round) in (area.left()..area.right()).rev().zip(past.iter().rev()) {
        let glyphs = &cx.theme.glyphs;
        match round.standing {
            Standing::Down => {
                put_char(canvas.buf, x, area.bottom() - 1, glyphs.crit, cx.theme.style(Role::Strong));
            }
            Standing::Up => bar(cx, Rect { x, width: 1, ..area }, canvas, round, top),
            Standing::Unjudged | Standing::Waiting | Standing::Paused => {
                put_char(canvas.buf, x, area.bottom() - 1, glyphs.unknown, cx.theme.style(Role::Faint));
            }
        }
    }
}

fn bar(cx: &DrawCx<'_>, column: Rect, canvas: &mut Canvas<'_>, round: &PastRound, top: f64) {
    let rows = f64::from(column.height);
    let mut ends = [0.0; HUES.len()];
    let mut sum = 0.0;
    for (end, (phase, _)) in ends.iter_mut().zip(HUES) {
        sum += round.phase(phase) / top * rows;
        *end = sum.min(rows);
    }
    let whole = sum.min(rows);
    for row in 0..column.height {
        let low = f64::from(row);
        let fill = (whole - low).min(1.0);
        // The least that is there is seen.
        let fill = if row == 0 { fill.max(1.0 / 8.0) } else { fill };
        if fill <= 0.0 {
            break;
        }
        // A cell has the hue of the phase in its middle.
        let middle = low + fill / 2.0;
        let at = ends.iter().position(|end| middle <= *end).unwrap_or(HUES.len() - 1);
        let style = cx.theme.style(HUES[at].1);
        put_char(canvas.buf, column.x, column.bottom() - 1 - row, block(fill, cx.theme), style);
    }
}

/// Names the phases that there are, in their hues, with their time in the newest round.
pub(super) fn legend(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, newest: Option<&PastRound>) {
    let mut x = area.x;
    let Some(newest) = newest else { return };
    for (phase, role) in HUES {
        let seconds = newest.phase(phase);
        if seconds <= 0.0 || x >= area.right() {
            continue;
        }
        let words = format!("{} {}  ", phase.words(), latency(seconds));
        x += put(canvas.buf, x, area.y, area.right() - x, &words, cx.theme.style(role));
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{
        clock::Stamp,
        model::{
            event::{Envelope, Event, Sample},
            service::{
                Probe, Probed, ServiceSample,
                round::{Cause, Failure, FailureKind, Found, Outcome, Round},
            },
            source::SourceId,
        },
        state::State,
        ui::canvas::testing::{Drawn, drawn},
    };

    fn up(phases: &[(Phase, f64)]) -> (Outcome, Found) {
        let mut found = Found::default();
        phases.iter().for_each(|(phase, seconds)| found.phases.add(*phase, *seconds));
        (Outcome::Up { seconds: Some(found.phases.total()) }, found)
    }

    fn lived(rounds: impl IntoIterator<Item = (Outcome, Found)>) -> State {
        let mut state = State::new(Vec::new().into());
        for ((outcome, found), number) in rounds.into_iter().zip(1..) {
            let (began, ended) = (Stamp::at_seconds(number * 10 - 1), Stamp::at_seconds(number * 10));
            let round = Some(Arc::new(Round { number, began, ended, outcome, retried: None, found }));
            let services = vec![Probed { probe: Arc::new(Probe::default()), round, stuck: None }];
            let outcome = Ok(Sample::Services(ServiceSample { services }));
            let (source, took, every) = (SourceId::Services, Duration::ZERO, Duration::from_secs(10));
            state.apply(Event::Reading(Envelope { source, at: ended, took, every, outcome }));
        }
        state
    }

    fn of(state: &State, size: (u16, u16), top: f64) -> Drawn {
        let past = &state.host.services.rows[0].past;
        drawn(state, size, |cx, area, canvas| bars(cx, area, canvas, past, top))
    }

    #[test]
    fn a_bar_is_as_high_as_its_round_was_long() {
        let state = lived([0.0, 0.05, 0.1, 0.5, 0.75, 1.0, 7.0].map(|seconds| up(&[(Phase::Body, seconds)])));
        assert_eq!(
            of(&state, (8, 4), 1.0).lines(),
            [
                "      ██", //
                "     ███",
                "    ████",
                " ▁▂▃████",
            ],
            "the least that is there is seen, and the longest ends at the top"
        );
        assert_eq!(of(&state, (2, 1), 1.0).lines(), ["██"], "the newest are at the right");
        assert_eq!(of(&state, (2, 1), 0.0).lines(), [""]);
    }

    #[test]
    fn a_cell_has_the_hue_of_the_phase_in_its_middle() {
        // Of five rows a phase each.
        let each = HUES.map(|(phase, _)| (phase, 0.2));
        let state = lived([up(&each)]);
        let bar = of(&state, (1, 5), 1.0);
        let hues: Vec<_> = (0..5).rev().filter_map(|y| bar.role_at(0, y)).collect();
        assert_eq!(hues, HUES.map(|(_, role)| role));
        // Of one row the middle: half of it is over after the third phase.
        assert_eq!(of(&state, (1, 1), 1.0).role_at(0, 0), Some(Role::MemoryArc));
        let most = lived([up(&[(Phase::Resolve, 0.4), (Phase::Body, 0.6)])]);
        assert_eq!(of(&most, (1, 1), 1.0).role_at(0, 0), Some(Role::MemoryUsed));
        let half = lived([up(&[(Phase::Resolve, 0.5), (Phase::Body, 0.5)])]);
        assert_eq!(of(&half, (1, 1), 1.0).role_at(0, 0), Some(Role::CpuIowait));
    }

    #[test]
    fn a_round_without_an_answer_has_a_sign() {
        let failure = Failure { kind: FailureKind::Wrong, words: String::new() };
        let unjudged = Outcome::Unjudged { cause: Cause::Starved, words: String::new() };
        let state = lived([(Outcome::Down(failure), Found::default()), (unjudged, Found::default())]);
        let shown = of(&state, (3, 2), 1.0);
        assert_eq!(shown.lines(), ["", " ✖◌"]);
        assert_eq!([1, 2].map(|x| shown.role_at(x, 1)), [Some(Role::Strong), Some(Role::Faint)]);
    }

    #[test]
    fn the_legend_names_the_phases_that_there_are() {
        let state = lived([up(&[(Phase::Resolve, 0.0), (Phase::Connect, 0.02), (Phase::Body, 0.1)])]);
        let newest = state.host.services.rows[0].past.back();
        let of = |width| drawn(&state, (width, 1), |cx, area, canvas| legend(cx, area, canvas, newest));
        assert_eq!(of(40).line(), "connect 20 ms  body 100 ms");
        assert_eq!(
            (of(40).role_of("connect"), of(40).role_of("body")),
            (Some(Role::MemoryCache), Some(Role::MemoryUsed))
        );
        // One column is left for the next, then none.
        assert_eq!((of(16).line().as_str(), of(15).line().as_str()), ("connect 20 ms  …", "connect 20 ms"));
        assert_eq!(drawn(&state, (9, 1), |cx, area, canvas| legend(cx, area, canvas, None)).line(), "");
    }
}
