//! A thin line that fills, with a tick at the alert limit and a mark at this machine's usual value.

use ratatui::{buffer::Buffer, style::Style};

use super::text::put_char;
use crate::ui::theme::{Role, Theme};

/// What a gauge shows; all are shares of its whole, 0 to 1.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gauge<'a> {
    /// Pieces from the left, each with its style: together the figure that the limit is for.
    pub parts: &'a [(f64, Style)],
    /// Pieces behind them that the limit is not for: a thin line in their hue.
    pub beside: &'a [(f64, Style)],
    /// The alert limit.
    pub limit: Option<f64>,
    /// The usual value.
    pub normal: Option<f64>,
}

/// Draws a gauge of `width` columns. Resolution is half a column.
pub fn gauge(buf: &mut Buffer, x: u16, y: u16, width: u16, theme: &Theme, g: &Gauge<'_>) {
    if width == 0 {
        return;
    }
    // Heavy against light: the fill is seen without colour too.
    let (full, half, empty, thin) =
        if theme.glyphs.ascii { ('=', '=', '-', '~') } else { ('━', '╸', '─', '─') };
    let faint = theme.style(Role::GaugeEmpty);
    for column in 0..width {
        put_char(buf, x + column, y, empty, faint);
    }
    let halves = f64::from(width) * 2.0;
    let mut sum = 0.0;
    let mut from = 0u16;
    let mut judged = 0;
    for (i, (share, style)) in g.parts.iter().chain(g.beside).enumerate() {
        if share.is_nan() {
            continue;
        }
        sum += share.max(0.0);
        // A figure above nothing shows at least half a column.
        let least = if from == 0 && sum > 0.0 { 1.0 } else { 0.0 };
        let to = (sum.min(1.0) * halves).round().max(least) as u16;
        if i < g.parts.len() {
            for column in from / 2..to / 2 {
                put_char(buf, x + column, y, full, *style);
            }
            if to % 2 == 1 && to > from && to / 2 < width {
                put_char(buf, x + to / 2, y, half, *style);
            }
            judged = to.max(from);
        } else {
            // From the next whole column on: half a column of the figure itself stays.
            (from.div_ceil(2)..to.div_ceil(2).min(width)).for_each(|c| put_char(buf, x + c, y, thin, *style));
        }
        from = to.max(from);
    }
    let column = |share: f64| ((share.clamp(0.0, 1.0) * f64::from(width)) as u16).min(width - 1);
    let filled = |column: u16| column < judged / 2;
    if let Some(normal) = g.normal {
        put_char(buf, x + column(normal), y, theme.glyphs.normal, theme.style(Role::Normal));
    }
    if let Some(limit) = g.limit {
        let at = column(limit);
        // Crossed: the tick takes the colour of what crossed it.
        let style = if filled(at) {
            g.parts.last().map_or(theme.style(Role::Limit), |(_, s)| *s)
        } else {
            theme.style(Role::Limit)
        };
        put_char(buf, x + at, y, theme.glyphs.limit, style);
    }
}

#[cfg(test)]
mod tests {
    use ratatui::{layout::Rect, style::Color};

    use super::*;

    fn drawn(width: u16, theme: &Theme, g: &Gauge<'_>) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, 1));
        gauge(&mut buf, 0, 0, width, theme, g);
        buf.content().iter().map(|c| c.symbol().to_owned()).collect()
    }

    fn ascii() -> Theme {
        Theme { glyphs: crate::ui::theme::ASCII, ..Theme::plain() }
    }

    #[test]
    fn the_fill_the_limit_and_the_normal_stand_at_their_shares() {
        let s = Style::new();
        let g = Gauge { parts: &[(0.4, s)], limit: Some(0.9), normal: Some(0.2), ..Gauge::default() };
        assert_eq!(drawn(10, &ascii(), &g), "==+=-----|");
        assert_eq!(drawn(0, &ascii(), &g), "");
        assert_eq!(drawn(1, &ascii(), &g), "|");
    }

    #[test]
    fn a_small_figure_shows_and_too_great_a_one_stays_inside() {
        let s = Style::new();
        let with = |v: f64| Gauge { parts: &[], normal: Some(v), ..Gauge::default() };
        assert_eq!(drawn(4, &ascii(), &Gauge { parts: &[(0.001, s)], ..Gauge::default() }), "=---");
        assert_eq!(drawn(4, &ascii(), &Gauge { parts: &[(0.0, s)], ..Gauge::default() }), "----");
        assert_eq!(drawn(4, &ascii(), &Gauge { parts: &[(7.5, s)], ..Gauge::default() }), "====");
        assert_eq!(drawn(4, &ascii(), &Gauge { parts: &[(f64::NAN, s)], ..Gauge::default() }), "----");
        assert_eq!(drawn(4, &ascii(), &with(9.0)), "---+");
    }

    #[test]
    fn limit_is_crossed_by_the_figure_alone() {
        let crossed = |used: f64| {
            let mut buf = Buffer::empty(Rect::new(0, 0, 10, 1));
            let (used, rest) = ([(used, Style::new().fg(Color::Red))], [(0.5, Style::new())]);
            gauge(&mut buf, 0, 0, 10, &ascii(), &Gauge { parts: &used, beside: &rest, limit: Some(0.6), normal: None });
            buf[(6, 0)].fg == Color::Red
        };
        assert!(!crossed(0.4));
        assert!(crossed(0.8));
    }

    #[test]
    fn what_is_beside_is_thin() {
        let (s, blue) = (Style::new(), Style::new().fg(Color::Blue));
        let (used, cache) = ([(0.45, s)], [(0.4, blue)]);
        let g = Gauge { parts: &used, beside: &cache, limit: Some(0.9), normal: None };
        assert_eq!(drawn(10, &Theme::plain(), &g), "━━━━╸────┃");
        assert_eq!(drawn(10, &ascii(), &g), "=====~~~~|");
        let mut buf = Buffer::empty(Rect::new(0, 0, 10, 1));
        gauge(&mut buf, 0, 0, 10, &Theme::plain(), &g);
        let blues: Vec<u16> = (0..10).filter(|x| buf[(*x, 0)].fg == Color::Blue).collect();
        assert_eq!(blues, [5, 6, 7, 8], "the cache in its hue, up to the tick");
    }

    #[test]
    fn parts_are_stacked() {
        let s = Style::new();
        let g = Gauge { parts: &[(0.25, s), (0.5, s)], ..Gauge::default() };
        assert_eq!(drawn(8, &ascii(), &g), "======--");
    }
    /// Which column has which colour.
    fn hues(width: u16, g: &Gauge<'_>) -> Vec<Color> {
        let mut buf = Buffer::empty(Rect::new(0, 0, width + 2, 1));
        let mut theme = Theme::plain();
        theme.styles[Role::Limit as usize] = Style::new().fg(Color::White);
        gauge(&mut buf, 1, 0, width, &theme, g);
        assert_eq!((buf[(0, 0)].symbol(), buf[(width + 1, 0)].symbol()), (" ", " "), "it keeps within its columns");
        (1..=width).map(|x| buf[(x, 0)].fg).collect()
    }

    #[test]
    fn each_part_has_its_colour_from_where_the_last_one_ends() {
        use Color::{Blue, Green, Red, Reset};
        let style = |color| Style::new().fg(color);
        let parts = [(0.25, style(Red)), (0.0, style(Blue)), (0.375, style(Green))];
        assert_eq!(hues(4, &Gauge { parts: &parts, ..Gauge::default() }), [Red, Green, Green, Reset]);
        assert_eq!(hues(2, &Gauge { parts: &parts[..2], ..Gauge::default() }), [Red, Reset], "half a column stays red");
        let negative = [(-5.0, style(Red)), (0.5, style(Green))];
        assert_eq!(hues(4, &Gauge { parts: &negative, ..Gauge::default() }), [Green, Green, Reset, Reset]);
        let beside = [(0.5, style(Blue)), (0.25, style(Green)), (3.0, style(Red))];
        assert_eq!(hues(4, &Gauge { beside: &beside, ..Gauge::default() }), [Blue, Blue, Green, Red]);
    }

    #[test]
    fn the_tick_is_crossed_by_what_fills_its_column() {
        let tick = |used: f64| {
            let parts = [(0.1, Style::new()), (used - 0.1, Style::new().fg(Color::Red))];
            hues(10, &Gauge { parts: &parts, limit: Some(0.6), ..Gauge::default() })[6]
        };
        assert_eq!([0.6, 0.65, 0.7].map(tick), [Color::White, Color::White, Color::Red]);
    }
}
