//! The histories of one object, two a line, each under its title: the graphs of a detail.

use ratatui::layout::Rect;

use super::{
    graph::{Graph, axis, graph},
    text::put,
};
use crate::{
    alert::Level,
    model::series::Series,
    ui::{
        canvas::{Canvas, DrawCx},
        figures::hue,
        theme::Role,
    },
};

/// One past.
pub struct Past<'a> {
    /// What it is and what it is now: `cpu 12.0 % of 50 %`.
    pub head: String,
    /// The figure's past.
    pub series: &'a Series,
    /// The value at the top.
    pub top: f64,
    /// The hue of its kind.
    pub role: Role,
    /// The level of the value: its colour from a warning on.
    pub level: Level,
    /// Where its limit is.
    pub limit: Option<f64>,
    /// What is usual, for the shade; `None` where that is not known.
    pub band: Option<(f64, f64)>,
}

/// Draws `pasts` into `area`, each `rows` high: its head, its graph, its axis.
pub fn pasts(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, rows: u16, pasts: &[Past<'_>]) {
    for (index, past) in (0u16..).zip(pasts) {
        let place = under_head(cx, area, canvas, rows, index, &past.head);
        let style = hue(cx, past.level, past.role);
        let g = Graph { limit: past.limit, band: past.band, ..Graph::of(past.series, past.top, style) };
        graph(cx, place, canvas, &g);
        axis(cx, Rect { y: place.bottom(), height: 1, ..place }, canvas, past.series);
    }
}

/// Draws the head of the past at `index` and gives the place of its graph.
pub fn under_head(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, rows: u16, index: u16, head: &str) -> Rect {
    let half = area.width / 2;
    let (x, y) = (area.x + index % 2 * half, area.y + index / 2 * rows);
    let width = half.saturating_sub(2);
    put(canvas.buf, x, y, width, head, cx.theme.style(Role::Dim));
    Rect { x, y: y + 1, width, height: rows.saturating_sub(2) }
}
