//! A figure's past in braille dots: two steps a column, four heights a row. Gaps stay empty; a measured zero is a dot.
//! Before the graph is full it grows from the left; then it scrolls in blocks, so that most frames change one column.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::text::put_char;
use crate::{
    model::series::Series,
    ui::theme::{Role, Theme},
};

/// Steps that scroll at once: two columns.
const BLOCK: u64 = 4;

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
    /// Grows downward: the lower half of a mirrored pair.
    pub flip: bool,
}

/// The step that dot column `column` of `columns` shows, counted back from the newest; `None` right of the newest.
#[must_use]
pub fn step_back(series: &Series, column: usize, columns: usize) -> Option<usize> {
    let held = series.len();
    if held == 0 || columns == 0 {
        return None;
    }
    if held < columns && series.total() == held as u64 {
        return (held - 1).checked_sub(column);
    }
    // The index of the newest step within its block says how many columns are still free at the right.
    let free = (BLOCK - 1 - (series.total() - 1) % BLOCK) as usize;
    (columns - 1 - column).checked_sub(free)
}

/// Draws a graph into `area`.
pub fn graph(buf: &mut Buffer, area: Rect, theme: &Theme, g: &Graph<'_>) {
    let area = area.intersection(buf.area);
    if area.is_empty() {
        return;
    }
    if let Some(band) = g.band {
        shade(buf, area, theme.style(Role::Band), g, band);
    }
    let dots = u32::from(area.height) * 4;
    let columns = usize::from(area.width) * 2;
    let height = |column: usize| -> u32 {
        let Some(value) = step_back(g.series, column, columns).and_then(|b| g.series.back(b)) else { return 0 };
        let share = if g.top > 0.0 { (value / g.top).clamp(0.0, 1.0) } else { 0.0 };
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
            let glyph = if theme.glyphs.ascii { ascii(l.max(r)) } else { braille(l, r, g.flip) };
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

fn ascii(dots: u32) -> char {
    [' ', '.', ':', '|', '#'][(dots as usize).min(4)]
}

/// The scale for a figure without a natural top: the least of 1, 2, 5, 10 … times `unit` that holds every value in
/// sight, so that it changes seldom.
#[must_use]
pub fn nice_top(greatest: f64, least: f64) -> f64 {
    let wanted = greatest.max(least).max(f64::MIN_POSITIVE);
    let power = 10f64.powf(wanted.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|t| *t >= wanted * 0.999_999).unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Stamp;

    fn series(values: &[Option<f64>]) -> Series {
        let mut s = Series::new(600);
        for (i, v) in values.iter().enumerate() {
            s.push(Stamp::at_seconds(i as u64 + 1), Duration::from_secs(1), *v);
        }
        s
    }

    fn drawn(series: &Series, width: u16, height: u16, flip: bool) -> Vec<String> {
        let area = Rect::new(0, 0, width, height);
        let mut buf = Buffer::empty(area);
        let g = Graph { series, top: 1.0, style: Style::new(), band: None, flip };
        graph(&mut buf, area, &Theme::plain(), &g);
        buf.content().chunks(usize::from(width)).map(|r| r.iter().map(|c| c.symbol().to_owned()).collect()).collect()
    }

    #[test]
    fn a_young_graph_grows_from_the_left_and_a_gap_is_empty() {
        let s = series(&[Some(1.0), Some(0.5), None, Some(0.0)]);
        assert_eq!(drawn(&s, 4, 1, false), ["⣧⢀  "]);
        assert_eq!(drawn(&s, 4, 1, true), ["⡟⠈  "]);
        assert_eq!(drawn(&Series::default(), 3, 1, false), ["   "]);
    }

    #[test]
    fn a_full_graph_scrolls_in_blocks_so_that_most_frames_change_one_column() {
        let values: Vec<_> = (0..40).map(|i| Some(f64::from(i % 7) / 6.0)).collect();
        let mut changed = Vec::new();
        for n in 24..36 {
            let (a, b) = (drawn(&series(&values[..n]), 6, 1, false), drawn(&series(&values[..=n]), 6, 1, false));
            changed.push(a[0].chars().zip(b[0].chars()).filter(|(a, b)| a != b).count());
        }
        assert_eq!(changed.iter().filter(|c| **c > 1).count(), 3, "{changed:?}");
    }

    #[test]
    fn the_newest_step_is_always_in_sight() {
        for n in 1..200u64 {
            let mut s = Series::new(50);
            for i in 0..n {
                s.push(Stamp::at_seconds(i + 1), Duration::from_secs(1), Some(0.5));
            }
            assert!((0..20).any(|c| step_back(&s, c, 20) == Some(0)), "after {n} steps");
        }
    }

    #[test]
    fn scales_are_round_and_hold_every_value() {
        assert_eq!(nice_top(0.0, 1000.0), 1000.0);
        assert_eq!(nice_top(1001.0, 1.0), 2000.0);
        assert_eq!(nice_top(4.2e6, 1.0), 5e6);
        assert_eq!(nice_top(0.3, 0.1), 0.5);
    }
}
