//! One essential in one row, for screens without boxes: name, figure, gauge, recent past, words at the right.

use ratatui::{layout::Rect, style::Style};

use super::{
    gauge::{Gauge, gauge},
    spark::spark,
    text::{put, put_right},
};
use crate::{
    model::series::Series,
    text::width,
    ui::{
        canvas::{Canvas, DrawCx},
        theme::Role,
    },
};

/// Columns of the name.
pub const NAME: u16 = 8;
/// Columns kept for the words at the right.
const RIGHT: u16 = 18;

/// One row.
pub struct Line<'a> {
    pub name: &'a str,
    /// The figure, in five columns at most.
    pub figure: &'a str,
    /// Style of the figure.
    pub style: Style,
    /// The gauge.
    pub gauge: Gauge<'a>,
    /// Its past, the value of a full cell, its style.
    pub past: Option<(&'a Series, f64, Style)>,
    /// Words at the right.
    pub right: &'a str,
}

impl<'a> Line<'a> {
    /// A row with nothing but its name.
    #[must_use]
    pub fn of(name: &'a str) -> Self {
        Line { name, figure: "", style: Style::new(), gauge: Gauge::default(), past: None, right: "" }
    }
}

/// The rows below the first, in the columns of its gauge: room for a larger past.
#[must_use]
pub fn past_below(area: Rect) -> Rect {
    let left = (NAME + 6).min(area.width);
    Rect {
        x: area.x + left,
        y: area.y + 1.min(area.height),
        width: area.width - left,
        height: area.height.saturating_sub(1),
    }
}

/// Draws the row; the narrower it is the less it shows.
pub fn line(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, l: &Line<'_>) {
    if area.is_empty() {
        return;
    }
    let (buf, theme) = (&mut *canvas.buf, cx.theme);
    let y = area.y;
    put(buf, area.x, y, NAME.min(area.width), l.name, theme.style(Role::Dim));
    let figure_end = area.x + NAME + 5;
    put_right(buf, figure_end, y, 5, l.figure, l.style);
    let from = figure_end + 1;
    let room = area.right().saturating_sub(from);
    let right = (width(l.right) as u16).min(room.saturating_sub(8));
    put_right(buf, area.right(), y, right, l.right, theme.style(Role::Dim));
    let gauge_width = (room * 36 / 100).max(8).min(room.saturating_sub(right + 1));
    gauge(buf, from, y, gauge_width, theme, &l.gauge);
    let spark_width = room.saturating_sub(gauge_width + 2 + right.max(RIGHT) + 1);
    if let Some((series, top, style)) = l.past
        && spark_width >= 6
    {
        spark(buf, from + gauge_width + 2, y, spark_width, theme, series, top, style);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{clock::Stamp, state::State, ui::canvas::testing::drawn};

    fn drawn_line(width: u16, right: &str) -> String {
        let mut series = Series::new(60);
        (1..=60).for_each(|second| series.push(Stamp::at_seconds(second), Duration::from_secs(1), Some(8.0)));
        let half = [(0.5, Style::new())];
        let drawn = drawn(&State::default(), (width, 1), |cx, area, canvas| {
            let gauge = Gauge { parts: &half, ..Gauge::default() };
            let past = Some((&series, 16.0, Style::new()));
            line(cx, area, canvas, &Line { figure: "12%", gauge, past, right, ..Line::of("memory") });
        });
        drawn.lines().concat()
    }

    #[test]
    fn a_line_shows_less_the_narrower_it_is() {
        for (width, shown) in [
            (60, "memory    12% ━━━━━━━━────────  ▄▄▄▄▄▄▄▄▄           8 of 16G"),
            (55, "memory    12% ━━━━━━━───────  ▄▄▄▄▄▄           8 of 16G"),
            (54, "memory    12% ━━━━━━━───────                  8 of 16G"),
            (34, "memory    12% ━━━━────    8 of 16G"),
            (30, "memory    12% ━━━╸─── 8 of 16G"),
            (28, "memory    12% ━━━╸─── 8 of …"),
            (22, "memory    12% ━━━╸───"),
            (13, "memory    12%"),
            (4, "mem…"),
            (0, ""),
        ] {
            assert_eq!(drawn_line(width, "8 of 16G"), shown, "{width} columns");
        }
    }

    #[test]
    fn long_words_at_the_right_take_room_from_the_past_alone() {
        let words = "19 characters wide.";
        assert_eq!(drawn_line(60, words), "memory    12% ━━━━━━━━────────  ▄▄▄▄▄▄▄▄ 19 characters wide.");
        let none = drawn(&State::default(), (30, 1), |cx, area, canvas| line(cx, area, canvas, &Line::of("swap")));
        assert_eq!(none.line(), "swap          ────────");
        assert_eq!(none.role_of("swap"), Some(Role::Dim));
    }

    #[test]
    fn below_the_first_row_there_is_room_for_a_past() {
        for (area, below) in [
            (Rect::new(2, 3, 20, 5), Rect::new(16, 4, 6, 4)),
            (Rect::new(2, 3, 10, 1), Rect::new(12, 4, 0, 0)),
            (Rect::new(2, 3, 20, 0), Rect::new(16, 3, 6, 0)),
        ] {
            assert_eq!(past_below(area), below);
        }
    }
}
