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
