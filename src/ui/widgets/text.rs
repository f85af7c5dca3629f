//! Text into cells, clipped on every side; what was cut says so.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use unicode_width::UnicodeWidthChar;

use crate::text::{elide, width};

/// Writes `text` from column `x` of row `y` in at most `max` columns, eliding what does not fit; gives the columns used.
pub fn put(buf: &mut Buffer, x: u16, y: u16, max: u16, text: &str, style: Style) -> u16 {
    let area = buf.area;
    if y < area.top() || y >= area.bottom() || x < area.left() || x >= area.right() {
        return 0;
    }
    let room = max.min(area.right() - x);
    if room == 0 {
        return 0;
    }
    if width(text) <= usize::from(room) {
        run(buf, x, y, room, text, style)
    } else {
        run(buf, x, y, room, &elide(text, usize::from(room)), style)
    }
}

/// [`put`], ending before column `right`; gives the first column used.
pub fn put_right(buf: &mut Buffer, right: u16, y: u16, max: u16, text: &str, style: Style) -> u16 {
    let columns = u16::try_from(width(text)).unwrap_or(u16::MAX).min(max).min(right);
    put(buf, right - columns, y, columns, text, style);
    right - columns
}

/// Writes several pieces one after the other in at most `max` columns; gives the columns used.
pub fn put_all(buf: &mut Buffer, x: u16, y: u16, max: u16, pieces: &[(&str, Style)]) -> u16 {
    let mut used = 0;
    for (text, style) in pieces {
        used += put(buf, x + used, y, max.saturating_sub(used), text, *style);
    }
    used
}

/// One character into one cell, when the cell exists.
pub fn put_char(buf: &mut Buffer, x: u16, y: u16, c: char, style: Style) {
    if let Some(cell) = buf.cell_mut((x, y)) {
        cell.set_char(c).set_style(style);
    }
}

/// Fills `area` with blanks of `style`.
pub fn blank(buf: &mut Buffer, area: Rect, style: Style) {
    let area = area.intersection(buf.area);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            if let Some(cell) = buf.cell_mut((x, y)) {
                cell.reset();
                cell.set_style(style);
            }
        }
    }
}

/// Lays `style` over what is drawn in `area`.
pub fn tint(buf: &mut Buffer, area: Rect, style: Style) {
    buf.set_style(area.intersection(buf.area), style);
}

fn run(buf: &mut Buffer, x: u16, y: u16, room: u16, text: &str, style: Style) -> u16 {
    let mut at = 0;
    for c in text.chars() {
        let columns = if c.is_ascii() { 1 } else { u16::try_from(c.width().unwrap_or(0)).unwrap_or(0) };
        if at + columns > room {
            break;
        }
        if columns == 0 {
            // A combining mark belongs to the character before it.
            if at > 0
                && let Some(cell) = buf.cell_mut((x + at - 1, y))
            {
                let joined = format!("{}{c}", cell.symbol());
                cell.set_symbol(&joined);
            }
            continue;
        }
        put_char(buf, x + at, y, c, style);
        for trailing in 1..columns {
            if let Some(cell) = buf.cell_mut((x + at + trailing, y)) {
                cell.set_symbol(" ").set_style(style);
            }
        }
        at += columns;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(buf: &Buffer, y: u16) -> String {
        (0..buf.area.width).filter_map(|x| buf.cell((x, y))).map(|c| c.symbol().to_owned()).collect()
    }

    #[test]
    fn text_that_does_not_fit_is_elided_and_never_leaves_the_buffer() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 6, 2));
        assert_eq!(put(&mut buf, 2, 0, 20, "abcdefgh", Style::new()), 4);
        assert_eq!(row(&buf, 0), "  abc…");
        assert_eq!(put(&mut buf, 6, 0, 5, "x", Style::new()), 0);
        assert_eq!(put(&mut buf, 0, 2, 5, "x", Style::new()), 0);
        assert_eq!(put_right(&mut buf, 6, 1, 6, "99%", Style::new()), 3);
        assert_eq!(row(&buf, 1), "   99%");
    }

    #[test]
    fn a_wide_character_takes_two_cells() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 5, 1));
        assert_eq!(put(&mut buf, 0, 0, 5, "日x", Style::new()), 3);
        assert_eq!(row(&buf, 0), "日 x  ");
    }

    #[test]
    fn only_what_lies_in_the_buffer_is_written() {
        // A buffer that does not begin at the corner of the screen.
        let area = Rect::new(2, 3, 4, 2);
        for (x, y, used) in [(1, 3, 0), (2, 2, 0), (6, 3, 0), (2, 5, 0), (2, 3, 2), (5, 4, 1)] {
            let mut buf = Buffer::empty(area);
            assert_eq!(put(&mut buf, x, y, 9, "ab", Style::new()), used, "{x} {y}");
            let written = buf.content.iter().filter(|cell| cell.symbol() != " ").count();
            assert_eq!(written, usize::from(used), "{x} {y}");
        }
        let mut buf = Buffer::empty(area);
        assert_eq!(put(&mut buf, 2, 3, 0, "ab", Style::new()), 0);
    }

    #[test]
    fn a_combining_mark_joins_the_character_before_it() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 4, 1));
        assert_eq!(put(&mut buf, 0, 0, 4, "\u{301}ae\u{301}b", Style::new()), 3);
        assert_eq!(row(&buf, 0), "ae\u{301}b ");
    }

    #[test]
    fn a_wide_character_that_is_cut_is_left_out() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 4, 1));
        buf.set_string(0, 0, "xxxx", Style::new());
        assert_eq!(put(&mut buf, 0, 0, 4, "日本語", Style::new()), 3);
        assert_eq!(row(&buf, 0), "日 …x");
    }

    #[test]
    fn pieces_follow_one_another_and_share_the_room() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 8, 1));
        let pieces = [("ab", Style::new()), ("cd", Style::new().bold()), ("efgh", Style::new())];
        assert_eq!(put_all(&mut buf, 1, 0, 6, &pieces), 6);
        assert_eq!(row(&buf, 0), " abcde… ");
        let bold: Vec<u16> = (0..8).filter(|x| buf[(*x, 0)].style() != buf[(0, 0)].style()).collect();
        assert_eq!(bold, [3, 4]);
    }

    #[test]
    fn a_figure_at_the_right_keeps_within_its_room() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 8, 1));
        assert_eq!(put_right(&mut buf, 7, 0, 3, "12345", Style::new()), 4);
        assert_eq!(row(&buf, 0), "    12… ");
        assert_eq!(put_right(&mut buf, 2, 0, 9, "12345", Style::new()), 0);
        assert_eq!(row(&buf, 0), "1…  12… ");
    }

    #[test]
    fn blanks_and_tints_keep_within_their_area() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 4, 2));
        for y in 0..2 {
            buf.set_string(0, y, "xxxx", Style::new());
        }
        let bold = Style::new().bold();
        blank(&mut buf, Rect::new(2, 1, 9, 9), bold);
        assert_eq!((row(&buf, 0).as_str(), row(&buf, 1).as_str()), ("xxxx", "xx  "));
        tint(&mut buf, Rect::new(0, 0, 1, 9), bold);
        let bolds: Vec<usize> = (0..8).filter(|at| buf.content[*at].modifier == bold.add_modifier).collect();
        assert_eq!(bolds, [0, 4, 6, 7]);
    }
}
