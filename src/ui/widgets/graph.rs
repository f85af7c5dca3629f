//! A figure's past in braille dots: two steps a column, four heights a row. The newest step is always in the last column;
//! gaps and zeros are blank. It scrolls by whole columns, so that every second frame changes one column alone.

use std::time::Duration;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{
    measured,
    steps::{BLOCK, step_back},
    text::{put, put_char, put_right},
};
use crate::{
    model::series::Series,
    ui::{
        canvas::{Canvas, DrawCx},
        theme::{Role, Theme},
    },
    units::span_short,
};

/// A share below this is written as 0.0 % and drawn as nothing.
pub const TRACE: f64 = 0.000_5;

/// So many steps without a reading, and the newest is no longer called now.
const LATE: u32 = 3;

/// What a graph shows.
#[derive(Clone, Copy)]
pub struct Graph<'a> {
    /// The past.
    pub series: &'a Series,
    /// The value at the top.
    pub top: f64,
    /// Style of the dots.
    pub style: Style,
    /// The range that is usual, shaded.
    pub band: Option<(f64, f64)>,
    /// Where the limit is, drawn as a line.
    pub limit: Option<f64>,
    /// Grows downward: the lower half of a mirrored pair.
    pub flip: bool,
}

impl<'a> Graph<'a> {
    /// A graph of a series that is full at `top`, without band and limit.
    #[must_use]
    pub fn of(series: &'a Series, top: f64, style: Style) -> Self {
        Graph { series, top, style, band: None, limit: None, flip: false }
    }
}

/// Draws a graph into `area`, the time of benchmarks shaded.
pub fn graph(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, g: &Graph<'_>) {
    plot(canvas.buf, area, cx.theme, g);
    measured::shade(cx, area, canvas, g.series);
}

fn plot(buf: &mut Buffer, area: Rect, theme: &Theme, g: &Graph<'_>) {
    let area = area.intersection(buf.area);
    if area.is_empty() {
        return;
    }
    if let Some(band) = g.band {
        shade(buf, area, theme.style(Role::Band), g, band);
    }
    if let Some(y) = g.limit.and_then(|limit| row_of(area, g, limit)) {
        let line = if theme.glyphs.ascii { '-' } else { '─' };
        (area.left()..area.right()).for_each(|x| put_char(buf, x, y, line, theme.style(Role::Limit)));
    }
    let dots = u32::from(area.height) * 4;
    let columns = usize::from(area.width) * 2;
    let height = |column: usize| -> u32 {
        let value = step_back(g.series, column, columns).and_then(|b| g.series.back(b));
        let share = value.filter(|_| g.top > 0.0).map_or(0.0, |value| (value / g.top).clamp(0.0, 1.0));
        if share < TRACE {
            return 0;
        }
        ((share * f64::from(dots)).round() as u32).max(1)
    };
    for x in 0..area.width {
        let (left, right) = (height(usize::from(x) * 2), height(usize::from(x) * 2 + 1));
        if left == 0 && right == 0 {
            continue;
        }
        for row in 0..area.height {
            let level = |h: u32| h.saturating_sub(u32::from(row) * 4).min(4);
            let (l, r) = (level(left), level(right));
            if l == 0 && r == 0 {
                break;
            }
            let y = if g.flip { area.top() + row } else { area.bottom() - 1 - row };
            let glyph = match (theme.glyphs.ascii, theme.glyphs.console) {
                (true, _) => ascii(l.max(r)),
                (_, true) => half(l.max(r), g.flip),
                _ => braille(l, r, g.flip),
            };
            put_char(buf, area.x + x, y, glyph, g.style);
        }
    }
}

fn shade(buf: &mut Buffer, area: Rect, style: Style, g: &Graph<'_>, (low, high): (f64, f64)) {
    if g.top <= 0.0 || high < low {
        return;
    }
    let rows = f64::from(area.height);
    let row = |value: f64| (value / g.top).clamp(0.0, 1.0) * rows;
    let from = (row(low).floor() as u16).min(area.height - 1);
    let to = (row(high).ceil() as u16).clamp(from + 1, area.height);
    let y = if g.flip { area.top() + from } else { area.bottom() - to };
    buf.set_style(Rect { y, height: to - from, ..area }, style);
}

/// The row of the cells that a value reaches; `None` for one that is not on the scale.
fn row_of(area: Rect, g: &Graph<'_>, value: f64) -> Option<u16> {
    if g.top <= 0.0 || value <= 0.0 || value > g.top * 1.000_001 {
        return None;
    }
    let up = ((value / g.top * f64::from(area.height)).ceil() as u16).clamp(1, area.height);
    Some(if g.flip { area.top() + up - 1 } else { area.bottom() - up })
}

/// The time that a graph of `width` columns covers.
#[must_use]
pub fn span(series: &Series, width: u16) -> Duration {
    series.step() * (u32::from(width) * BLOCK as u32)
}

/// Draws the axis of time below a graph: `4m ago` at the left end, `now` at the right one, or when the newest reading was;
/// and names the time of benchmarks.
pub fn axis(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, series: &Series) {
    measured::name(cx, area, canvas, series);
    ends(canvas.buf, area, cx.theme, series, cx.state.host.now.mono_us);
}

fn ends(buf: &mut Buffer, area: Rect, theme: &Theme, series: &Series, now_us: u64) {
    if area.is_empty() || series.is_empty() {
        return;
    }
    let style = theme.style(Role::Faint);
    let age = Duration::from_micros(now_us.saturating_sub(series.last_us()));
    let is_old = age > series.step() * LATE;
    let from = span(series, area.width) + if is_old { age } else { Duration::ZERO };
    if area.width >= if is_old { 24 } else { 16 } {
        put(buf, area.x, area.y, 12, &format!("{} ago", span_short(from)), style);
    }
    let to = if is_old { format!("{} ago", span_short(age)) } else { "now".to_owned() };
    put_right(buf, area.right(), area.y, 12, &to, style);
}

/// Two columns of up to four dots, standing on the floor or hanging from the ceiling.
fn braille(left: u32, right: u32, flip: bool) -> char {
    const LEFT_UP: [u32; 5] = [0x00, 0x40, 0x44, 0x46, 0x47];
    const RIGHT_UP: [u32; 5] = [0x00, 0x80, 0xa0, 0xb0, 0xb8];
    const LEFT_DOWN: [u32; 5] = [0x00, 0x01, 0x03, 0x07, 0x47];
    const RIGHT_DOWN: [u32; 5] = [0x00, 0x08, 0x18, 0x38, 0xb8];
    let (l, r) = if flip { (LEFT_DOWN, RIGHT_DOWN) } else { (LEFT_UP, RIGHT_UP) };
    let at = |n: u32| (n as usize).min(4);
    char::from_u32(0x2800 + l[at(left)] + r[at(right)]).unwrap_or(' ')
}

/// Half a block for up to two dots.
fn half(dots: u32, flip: bool) -> char {
    match (dots, flip) {
        (0, _) => ' ',
        (1 | 2, false) => '▄',
        (1 | 2, true) => '▀',
        _ => '█',
    }
}

fn ascii(dots: u32) -> char {
    [' ', '.', ':', '|', '#'][(dots as usize).min(4)]
}

/// The scale for bytes, which have no natural top: the least of 1, 2, 5, 10 … 500 KiB, MiB, GiB … that holds every value
/// that is visible, so that it changes seldom and reads as a round figure.
#[must_use]
pub fn nice_top(greatest: f64) -> f64 {
    let wanted = greatest.max(1024.0);
    let unit = 1024f64.powf(wanted.log(1024.0).floor().max(1.0));
    let steps = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1024.0];
    steps.into_iter().map(|step| step * unit).find(|top| *top >= wanted * 0.999_999).unwrap_or(wanted)
}

/// The scale for other figures: the least of 1, 2, 5, 10 … in any decade that holds `greatest`, which is above 0.
#[must_use]
pub fn round_top(greatest: f64) -> f64 {
    let decade = 10f64.powf(greatest.log10().floor());
    let tops = [1.0, 2.0, 5.0, 10.0].map(|step| step * decade);
    tops.into_iter().find(|top| *top >= greatest * 0.999_999).unwrap_or(greatest)
}

/// One figure upward and its twin downward from the middle.
pub fn mirrored(
    cx: &DrawCx<'_>,
    area: Rect,
    canvas: &mut Canvas<'_>,
    top: f64,
    (up, up_role): (&Series, Role),
    (down, down_role): (&Series, Role),
) {
    let upper = Rect { height: area.height / 2, ..area };
    let lower = Rect { y: upper.bottom(), height: area.height - upper.height, ..area };
    graph(cx, upper, canvas, &Graph::of(up, top, cx.theme.style(up_role)));
    let g = Graph { flip: true, ..Graph::of(down, top, cx.theme.style(down_role)) };
    graph(cx, lower, canvas, &g);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        clock::Stamp,
        ui::theme::{ASCII, CONSOLE, Glyphs, UNICODE},
    };

    fn series(values: &[Option<f64>]) -> Series {
        let mut s = Series::new(600);
        for (i, v) in values.iter().enumerate() {
            s.push(Stamp::at_seconds(i as u64 + 1), Duration::from_secs(1), *v);
        }
        s
    }

    fn cells(area: Rect, draw: impl FnOnce(&mut Buffer)) -> Vec<String> {
        let mut buf = Buffer::empty(area);
        draw(&mut buf);
        let rows = buf.content().chunks(usize::from(area.width));
        rows.map(|row| row.iter().map(|c| c.symbol().to_owned()).collect()).collect()
    }

    fn drawn(series: &Series, width: u16, height: u16, flip: bool) -> Vec<String> {
        let area = Rect::new(0, 0, width, height);
        let g = Graph { flip, ..Graph::of(series, 1.0, Style::new()) };
        cells(area, |buf| plot(buf, area, &Theme::plain(), &g))
    }

    #[test]
    fn short_history_is_at_the_right() {
        let s = series(&[Some(1.0), Some(0.5), None, Some(0.25)]);
        assert_eq!(drawn(&s, 4, 1, false), ["  ⣧⢀"]);
        assert_eq!(drawn(&s, 4, 1, true), ["  ⡟⠈"]);
        assert_eq!(drawn(&Series::default(), 3, 1, false), ["   "]);
    }

    #[test]
    fn zero_is_blank() {
        assert_eq!(drawn(&series(&[Some(0.0); 8]), 4, 2, false), ["    ", "    "]);
        assert_eq!(drawn(&series(&[Some(0.0), Some(0.001)]), 2, 1, false), [" ⢀"], "the least above it is not");
    }

    #[test]
    fn newest_is_in_the_last_column() {
        for n in 1..80 {
            let mut values = vec![Some(0.0); n];
            values.push(Some(1.0));
            let row = drawn(&series(&values), 5, 1, false).remove(0);
            assert!(row.ends_with(['⡇', '⢸']), "after {n} steps: {row:?}");
        }
    }

    #[test]
    fn every_second_step_changes_one_column() {
        let values: Vec<_> = (0..40).map(|i| Some(f64::from(i % 7 + 1) / 7.0)).collect();
        let mut changed = Vec::new();
        for n in 24..36 {
            let (a, b) = (drawn(&series(&values[..n]), 6, 1, false), drawn(&series(&values[..=n]), 6, 1, false));
            changed.push(a[0].chars().zip(b[0].chars()).filter(|(a, b)| a != b).count());
        }
        assert_eq!(changed.iter().filter(|c| **c == 1).count(), 6, "{changed:?}");
    }

    #[test]
    fn limit_is_a_line_behind_the_dots() {
        let area = Rect::new(0, 0, 3, 4);
        let s = series(&[Some(0.5), Some(0.5)]);
        let limited = |limit, top| {
            let g = Graph { limit: Some(limit), ..Graph::of(&s, top, Style::new()) };
            cells(area, |buf| plot(buf, area, &Theme::plain(), &g))
        };
        assert_eq!(limited(1.0, 1.0), ["───", "   ", "  ⣿", "  ⣿"], "a limit at the top of the scale");
        assert_eq!(limited(0.5, 1.0), ["   ", "   ", "──⣿", "  ⣿"]);
        assert_eq!(limited(2.0, 1.0), ["   ", "   ", "  ⣿", "  ⣿"], "one that is not on the scale");
    }

    #[test]
    fn axis_shows_the_span() {
        let area = Rect::new(0, 0, 30, 1);
        let axis = |s: &Series, age: u64| {
            let now_us = s.last_us() + age * 1_000_000;
            cells(area, |buf| ends(buf, area, &Theme::plain(), s, now_us)).remove(0)
        };
        let read = series(&[Some(1.0)]);
        assert_eq!(axis(&read, 0), "1m ago                     now");
        assert_eq!(axis(&read, 3), "1m ago                     now", "it may be late");
        assert_eq!(axis(&read, 4), "1m ago                  4s ago");
        assert_eq!(axis(&read, 600), "11m ago                10m ago");
        assert_eq!(axis(&Series::default(), 600).trim(), "");
    }

    #[test]
    fn scales_are_round_and_hold_every_value() {
        let kib = 1024.0;
        for (greatest, top) in [(0.0, kib), (1025.0, 2.0 * kib), (79.0 * kib * kib, 100.0 * kib * kib)] {
            assert_eq!(nice_top(greatest), top);
        }
        assert_eq!(nice_top(501.0 * kib), kib * kib);
        assert_eq!(nice_top(kib * kib), kib * kib);
    }

    #[test]
    fn a_band_is_shaded_in_each_row_that_it_touches() {
        let area = Rect::new(0, 0, 2, 10);
        let series = Series::default();
        let shaded = |top: f64, flip: bool, band: (f64, f64)| -> String {
            let mut buf = Buffer::empty(area);
            let g = Graph { flip, ..Graph::of(&series, top, Style::new()) };
            shade(&mut buf, area, Style::new().bold(), &g, band);
            // From the bottom, or from the top of a graph that hangs.
            let is_bold = |y: u16| buf[(1, y)].modifier.contains(ratatui::style::Modifier::BOLD);
            let rows = (0..10).map(|row| if flip { row } else { 9 - row });
            rows.map(|y| if is_bold(y) { '#' } else { '.' }).collect()
        };
        for flip in [false, true] {
            for (band, rows) in [
                ((2.0, 5.0), "..###....."),
                ((2.5, 5.5), "..####...."),
                ((3.0, 3.0), "...#......"),
                ((0.0, 10.0), "##########"),
                ((-5.0, 1.0), "#........."),
                ((9.5, 99.0), ".........#"),
                ((99.0, 99.0), ".........#"),
                ((5.0, 2.0), ".........."),
            ] {
                assert_eq!(shaded(10.0, flip, band), rows, "{band:?}");
            }
        }
        assert_eq!(shaded(0.0, false, (1.0, 2.0)), "..........", "there is no scale");
    }

    #[test]
    fn a_value_lies_in_the_row_that_it_reaches() {
        let (area, series) = (Rect::new(0, 5, 2, 10), Series::default());
        let row =
            |value: f64, flip: bool| row_of(area, &Graph { flip, ..Graph::of(&series, 10.0, Style::new()) }, value);
        for (value, up) in [(0.001, 0), (1.0, 0), (1.001, 1), (5.0, 4), (10.0, 9), (10.000_001, 9)] {
            assert_eq!((row(value, false), row(value, true)), (Some(14 - up), Some(5 + up)), "{value}");
        }
        assert_eq!((row(0.0, false), row(-1.0, false), row(10.1, false)), (None, None, None));
        assert_eq!(row_of(area, &Graph::of(&series, 0.0, Style::new()), 1.0), None);
    }

    #[test]
    fn a_column_of_a_graph_is_two_steps() {
        let mut series = Series::new(600);
        series.push(Stamp::at_seconds(1), Duration::from_secs(3), Some(1.0));
        assert_eq!(span(&series, 10), series.step() * 20);
    }
    fn with(glyphs: Glyphs, series: &Series, flip: bool, limit: Option<f64>) -> Vec<String> {
        let area = Rect::new(0, 0, 5, 2);
        let theme = Theme { glyphs, ..Theme::plain() };
        cells(area, |buf| plot(buf, area, &theme, &Graph { flip, limit, ..Graph::of(series, 8.0, Style::new()) }))
    }

    #[test]
    fn each_terminal_has_its_own_dots() {
        let s = series(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 0.0, 1.0].map(Some));
        assert_eq!(with(UNICODE, &s, false, None), ["  ⣠⣾ ", "⣠⣾⣿⣿⢀"]);
        assert_eq!(with(UNICODE, &s, true, None), ["⠙⢿⣿⣿⠈", "  ⠙⢿ "]);
        assert_eq!(with(ASCII, &s, false, Some(8.0)), ["--:#-", ":###."]);
        assert_eq!(with(CONSOLE, &s, false, Some(8.0)), ["──▄█─", "▄███▄"]);
        assert_eq!(with(CONSOLE, &s, true, None), ["▀███▀", "  ▀█ "]);
    }

    #[test]
    fn dots_of_each_height_stand_or_hang() {
        let both = |flip| (0..=4).map(|dots| braille(dots, 4 - dots, flip)).collect::<String>();
        assert_eq!((both(false), both(true)), ("⢸⣰⣤⣆⡇".into(), "⢸⠹⠛⠏⡇".to_owned()));
        assert_eq!(braille(9, 9, false), '⣿');
        let of = |flip| (0..6).map(|dots| half(dots, flip)).collect::<String>();
        assert_eq!((of(false), of(true)), (" ▄▄███".into(), " ▀▀███".to_owned()));
        assert_eq!((0..6).map(ascii).collect::<String>(), " .:|##");
    }

    #[test]
    fn a_graph_keeps_within_its_place() {
        let (s, buffer) = (series(&[Some(1.0); 20]), Rect::new(0, 0, 6, 3));
        let at = |area: Rect, top: f64| {
            cells(buffer, |buf| plot(buf, area, &Theme::plain(), &Graph::of(&s, top, Style::new())))
        };
        assert_eq!(at(Rect::new(1, 1, 3, 1), 1.0), ["      ", " ⣿⣿⣿  ", "      "]);
        assert_eq!(at(Rect::new(4, 2, 9, 9), 1.0), ["      ", "      ", "    ⣿⣿"], "clipped");
        assert_eq!(at(Rect::new(4, 2, 0, 1), 1.0), ["      "; 3]);
        assert_eq!(at(buffer, 0.0), ["      "; 3], "there is no scale");
        assert_eq!(at(buffer, 0.5), ["⣿⣿⣿⣿⣿⣿"; 3], "beyond it");
    }

    #[test]
    fn axis_leaves_words_out_where_there_is_no_room() {
        let axis = |s: &Series, width: u16, age: u64| {
            let area = Rect::new(0, 0, width, 1);
            cells(area, |buf| ends(buf, area, &Theme::plain(), s, s.last_us() + age * 1_000_000)).remove(0)
        };
        let s = series(&[Some(1.0)]);
        assert_eq!((axis(&s, 16, 0), axis(&s, 15, 0)), ("32s ago      now".into(), "            now".to_owned()));
        assert_eq!(
            (axis(&s, 24, 9), axis(&s, 23, 9)),
            ("57s ago           9s ago".into(), format!("{:>23}", "9s ago"))
        );
    }

    #[test]
    fn a_figure_and_its_twin_meet_in_the_middle() {
        let (up, down) = (series(&[Some(1.0); 8]), series(&[Some(0.5); 8]));
        let drawn = crate::ui::canvas::testing::drawn(&crate::state::State::default(), (4, 5), |cx, area, canvas| {
            mirrored(cx, area, canvas, 1.0, (&up, Role::DiskRead), (&down, Role::DiskWrite));
        });
        assert_eq!(drawn.lines(), ["⣿⣿⣿⣿", "⣿⣿⣿⣿", "⣿⣿⣿⣿", "⠛⠛⠛⠛", ""]);
        assert_eq!((drawn.role_at(0, 1), drawn.role_at(0, 2)), (Some(Role::DiskRead), Some(Role::DiskWrite)));
    }

    #[test]
    fn scales_grow_by_one_two_and_five() {
        let kib = 1024.0;
        for (greatest, top) in [
            (2.0 * kib, 2.0 * kib),
            (2.1 * kib, 5.0 * kib),
            (5.1 * kib, 10.0 * kib),
            (10.1 * kib, 20.0 * kib),
            (20.1 * kib, 50.0 * kib),
            (100.1 * kib, 200.0 * kib),
            (200.1 * kib, 500.0 * kib),
            (3.0 * kib * kib * kib, 5.0 * kib * kib * kib),
        ] {
            assert_eq!(nice_top(greatest), top);
        }
    }

    #[test]
    fn a_scale_is_the_next_round_figure_in_any_decade() {
        for (greatest, top) in
            [(0.25, 0.5), (0.5, 0.5), (0.6, 1.0), (1.0, 1.0), (45.0, 50.0), (51.0, 100.0), (130.0, 200.0)]
        {
            assert!((round_top(greatest) - top).abs() < 1e-9, "{greatest}: {}", round_top(greatest));
        }
    }
}
