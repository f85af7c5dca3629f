//! The box around a pane: rounded thin lines, `¹title` at the left, quiet words at the right.

use ratatui::{
    buffer::Buffer,
    layout::{Margin, Rect},
    style::Style,
};

use super::text::{put, put_char};
use crate::{
    text::width,
    ui::theme::{Role, Theme},
};

/// What a box says.
pub struct Frame<'a> {
    /// Digit that focuses it.
    pub digit: Option<u8>,
    /// Title.
    pub title: &'a str,
    /// Quiet words at the right.
    pub info: &'a str,
    /// A warning about its figures, between the two: `stale 12s`.
    pub badge: &'a str,
    /// Drawn in the colour of the focus.
    pub focused: bool,
}

/// The room inside a box of `area`.
#[must_use]
pub fn inside(area: Rect) -> Rect {
    area.inner(Margin { horizontal: 2.min(area.width / 2), vertical: 1.min(area.height / 2) })
}

/// Draws a box and gives its inside.
pub fn frame(buf: &mut Buffer, area: Rect, theme: &Theme, f: &Frame<'_>) -> Rect {
    let area = area.intersection(buf.area);
    if area.width < 2 || area.height < 2 {
        return Rect::new(area.x, area.y, 0, 0);
    }
    let line = theme.style(if f.focused { Role::BorderFocused } else { Role::Border });
    border(buf, area, theme.glyphs.ascii, line);
    let mut left = area.x + 2;
    let end = area.right() - 2;
    if end > left + 2 {
        left += put(buf, left, area.y, 1, " ", line);
        if let Some(digit) = f.digit {
            left += put(
                buf,
                left,
                area.y,
                1,
                &digit_glyph(digit, theme.glyphs.ascii || theme.glyphs.console).to_string(),
                theme.style(Role::Key),
            );
        }
        left += put(buf, left, area.y, end - left, f.title, theme.style(Role::Title));
        left += put(buf, left, area.y, end.saturating_sub(left), " ", line);
        if !f.badge.is_empty() && usize::from(end.saturating_sub(left)) > width(f.badge) + 2 {
            put_char(buf, left, area.y, if theme.glyphs.ascii { '-' } else { '─' }, line);
            left += 1;
            left += put(buf, left, area.y, end - left, " ", line);
            left += put(buf, left, area.y, end - left, f.badge, theme.style(Role::Unknown));
            left += put(buf, left, area.y, end - left, " ", line);
        }
        let room = end.saturating_sub(left + 3);
        if !f.info.is_empty() && room >= 6 {
            let info = fitting(f.info, usize::from(room));
            if !info.is_empty() {
                let columns = u16::try_from(width(&info)).unwrap_or(u16::MAX).min(room);
                let at = end - columns - 1;
                put(buf, at - 1, area.y, 1, " ", line);
                put(buf, at, area.y, columns, &info, theme.style(Role::Dim));
                put(buf, at + columns, area.y, 1, " ", line);
            }
        }
    }
    inside(area)
}

/// Those of the pieces between ` · ` that find room whole, from the first on.
fn fitting(info: &str, room: usize) -> String {
    let mut line = String::new();
    for piece in info.split(" · ") {
        let apart = if line.is_empty() { 0 } else { 3 };
        if width(&line) + apart + width(piece) <= room {
            line.push_str(if apart > 0 { " · " } else { "" });
            line.push_str(piece);
        }
    }
    line
}

fn border(buf: &mut Buffer, area: Rect, ascii: bool, line: Style) {
    let (h, v, corners) = if ascii { ('-', '|', ['+'; 4]) } else { ('─', '│', ['╭', '╮', '╰', '╯']) };
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    for x in area.x + 1..right {
        put_char(buf, x, area.y, h, line);
        put_char(buf, x, bottom, h, line);
    }
    for y in area.y + 1..bottom {
        put_char(buf, area.x, y, v, line);
        put_char(buf, right, y, v, line);
    }
    for ((x, y), c) in [(area.x, area.y), (right, area.y), (area.x, bottom), (right, bottom)].into_iter().zip(corners) {
        put_char(buf, x, y, c, line);
    }
}

/// A small raised digit, or the plain one in ASCII mode.
#[must_use]
pub fn digit_glyph(digit: u8, ascii: bool) -> char {
    if ascii {
        return char::from(b'0' + digit % 10);
    }
    ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][usize::from(digit % 10)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_stands_in_the_line_keeps_within_the_corners() {
        for width in 2..60 {
            let area = Rect::new(0, 0, width, 3);
            for (title, badge, info) in [
                ("disks", "", ""),
                ("disks", "stale", ""),
                ("disks", "", "3 of 9 · by size"),
                ("disks", "stale", "3 of 9 · by size"),
                ("a title that is longer than any box in which it may have to stand", "stale", "3 of 9"),
            ] {
                let mut buf = Buffer::empty(area);
                let f = Frame { digit: Some(3), title, info, badge, focused: false };
                frame(&mut buf, area, &Theme::plain(), &f);
                let row: Vec<&str> = (0..width).map(|x| buf[(x, 0)].symbol()).collect();
                assert_eq!((row[0], row[usize::from(width) - 1]), ("╭", "╮"), "{row:?}");
                if width > 3 {
                    assert_eq!((row[1], row[usize::from(width) - 2]), ("─", "─"), "{row:?}");
                }
                let text = row.concat();
                let is_whole = |part: &str| part.is_empty() || text.contains(part) || !text.contains(&part[..3]);
                assert!(is_whole(badge), "{text}");
            }
        }
    }

    #[test]
    fn a_box_has_title_badge_and_info_in_its_line() {
        let top = |width: u16, badge: &str, info: &str| {
            let area = Rect::new(0, 0, width, 3);
            let mut buf = Buffer::empty(area);
            frame(&mut buf, area, &Theme::plain(), &Frame { digit: None, title: "disks", info, badge, focused: false });
            (0..width).map(|x| buf[(x, 0)].symbol()).collect::<String>()
        };
        assert_eq!(top(20, "", ""), "╭─ disks ──────────╮");
        assert_eq!(top(24, "stale", ""), "╭─ disks ─ stale ──────╮");
        assert_eq!(top(24, "", "by size"), "╭─ disks ──── by size ─╮");
        assert_eq!(top(34, "stale", "by size"), "╭─ disks ─ stale ────── by size ─╮");
    }

    #[test]
    fn pieces_find_room_whole_from_the_first_on() {
        let of = |info, room| fitting(info, room);
        assert_eq!(of("aa · b · c", 10), "aa · b · c");
        assert_eq!(
            (of("aa · b · c", 9), of("aa · b · c", 6), of("aa · b · c", 5)),
            ("aa · b".into(), "aa · b".into(), "aa".into())
        );
        assert_eq!((of("aaaaaa · b", 5), of("aa", 1)), ("b".into(), String::new()));
    }
    #[test]
    fn the_room_in_a_box_is_never_more_than_the_box() {
        for (size, room) in [
            ((0, 0), (0, 0, 0, 0)),
            ((1, 1), (0, 0, 1, 1)),
            ((9, 1), (2, 0, 5, 1)),
            ((2, 2), (1, 1, 0, 0)),
            ((3, 2), (1, 1, 1, 0)),
            ((5, 3), (2, 1, 1, 1)),
            ((30, 9), (2, 1, 26, 7)),
        ] {
            let inside = inside(Rect::new(0, 0, size.0, size.1));
            assert_eq!((inside.x, inside.y, inside.width, inside.height), room, "{size:?}");
        }
    }
}
