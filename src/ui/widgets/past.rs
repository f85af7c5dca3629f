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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{clock::Stamp, state::State, ui::canvas::testing::drawn};

    fn series() -> Series {
        let mut series = Series::new(100);
        (1..=100).for_each(|second| series.push(Stamp::at_seconds(second), Duration::from_secs(1), Some(2.0)));
        series
    }

    #[test]
    fn pasts_stand_two_a_line_below_their_heads() {
        let area = Rect::new(1, 2, 41, 20);
        let mut places = Vec::new();
        let heads = drawn(&State::default(), (42, 12), |cx, _, canvas| {
            places.extend((0..4).map(|index| under_head(cx, area, canvas, 6, index, &format!("head {index}"))));
        });
        assert_eq!(
            places,
            [Rect::new(1, 3, 18, 4), Rect::new(21, 3, 18, 4), Rect::new(1, 9, 18, 4), Rect::new(21, 9, 18, 4)]
        );
        let lines = heads.lines();
        assert_eq!(
            (lines[2].as_str(), lines[8].as_str()),
            (" head 0              head 1", " head 2              head 3")
        );
        assert_eq!(heads.role_of("head 1"), Some(Role::Dim));
    }

    #[test]
    fn a_past_has_its_graph_its_limit_and_its_axis() {
        let (series, mut state) = (series(), State::default());
        state.host.now = Stamp::at_seconds(100);
        let past = |level, limit| Past {
            head: "cpu".to_owned(),
            series: &series,
            top: 4.0,
            role: Role::CpuUser,
            level,
            limit,
            band: Some((2.0, 4.0)),
        };
        let drawn = drawn(&state, (40, 5), |cx, area, canvas| {
            pasts(cx, area, canvas, 5, &[past(Level::Ok, None), past(Level::Warn, Some(4.0))]);
        });
        let (graph, line) = ("⣿".repeat(18), "─".repeat(18));
        let half = "⣤".repeat(18);
        assert_eq!(
            drawn.lines(),
            [
                "cpu                 cpu".to_owned(),
                format!("{:18}  {line}", ""),
                format!("{half}  {half}"),
                format!("{graph}  {graph}"),
                "36s ago        now  36s ago        now".to_owned(),
            ]
        );
        assert_eq!(
            [(0, 3), (20, 3), (20, 1), (0, 1), (0, 4)].map(|(x, y)| drawn.role_at(x, y)),
            [Role::CpuUser, Role::Warn, Role::Limit, Role::Band, Role::Faint].map(Some)
        );
    }
}
