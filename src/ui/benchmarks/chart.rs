//! Runs as bars from zero, oldest at the left, over the lines that matter: what is normal, where a regression begins, the
//! target. A bar has the colour of its verdict, and a sign above it where that is bad.

use ratatui::{
    layout::Rect,
    style::{Color, Modifier, Style},
};

use crate::{
    text::width,
    ui::{
        canvas::{Canvas, DrawCx},
        theme::{Role, Theme},
        widgets::text::{put, put_char, put_right},
    },
};

/// Columns kept for the labels at the right, at least and at most.
const LABELS: (u16, u16) = (12, 32);
/// A line that is so many times as high as the highest bar would make all bars flat: it is left out.
const OFF_SCALE: f64 = 2.0;
/// A whole cell of a bar.
const FULL: char = '█';
/// Rows without bars below them: the axis.
const AXIS: u16 = 1;

/// One run.
#[derive(Debug, Clone)]
pub struct Bar {
    pub value: f64,
    /// The colour of its verdict.
    pub role: Role,
    /// The sign above it.
    pub sign: Option<char>,
    /// As the axis calls its day.
    pub day: String,
}

/// A value to compare with.
#[derive(Debug, Clone)]
pub struct Line {
    pub value: f64,
    pub label: String,
    pub role: Role,
}

/// The value at the top: every bar fits below it, and every line that does not make the bars flat.
fn top(bars: &[Bar], lines: &[Line]) -> f64 {
    let highest = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    let drawn = lines.iter().map(|line| line.value).filter(|value| *value <= highest * OFF_SCALE);
    drawn.fold(highest, f64::max) * 1.1
}

/// Columns from bar to bar, and of one bar; bars that do not fit are the oldest.
fn pitch(bars: usize, room: u16) -> (u16, u16) {
    let each = room.checked_div(u16::try_from(bars).unwrap_or(u16::MAX)).unwrap_or(0);
    match each {
        6.. => (6, 2),
        3..6 => (each, 2),
        _ => (2, 1),
    }
}

/// Draws the chart; a line beyond the scale is named in the corner.
pub fn chart(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, bars: &[Bar], lines: &[Line]) {
    if area.height < AXIS + 2 || area.width < 8 || bars.is_empty() {
        return;
    }
    let top = top(bars, lines);
    if top <= 0.0 {
        return;
    }
    let labels = draw_lines(cx, Rect { height: area.height - AXIS, ..area }, canvas, top, lines);
    let plot = Rect { height: area.height - AXIS, width: area.width.saturating_sub(labels), ..area };
    let (pitch, columns) = pitch(bars.len(), plot.width);
    let fitting = usize::from(plot.width / pitch).max(1);
    let shown = &bars[bars.len().saturating_sub(fitting)..];
    for (at, bar) in (0u16..).zip(shown) {
        let place = Rect { x: plot.x + at * pitch, width: columns, ..plot };
        draw_bar(cx, place, canvas, bar, bar.value / top);
    }
    axis(cx, Rect { y: plot.bottom(), height: AXIS, ..area }, canvas, shown, pitch);
}

/// The first bar of each day has its name below it, where there is room; the newest day has it in any case.
fn axis(cx: &DrawCx<'_>, row: Rect, canvas: &mut Canvas<'_>, shown: &[Bar], pitch: u16) {
    let columns = |text: &str| u16::try_from(width(text)).unwrap_or(u16::MAX);
    let x = |at: usize| row.x + u16::try_from(at).unwrap_or(u16::MAX).saturating_mul(pitch);
    let begins = |at: &usize| *at == 0 || shown[*at].day != shown[*at - 1].day;
    let days: Vec<usize> = (0..shown.len()).filter(begins).collect();
    let Some(newest) = days.last() else { return };
    let mut ends = row.x;
    for at in &days {
        let (from, name) = (x(*at), &shown[*at].day);
        let is_free = from >= ends && (at == newest || from + columns(name) + 2 <= x(*newest));
        if is_free {
            let room = row.right().saturating_sub(from);
            ends = from + put(canvas.buf, from, row.y, room, name, cx.theme.style(Role::Dim)) + 2;
        }
    }
}

/// The row of a value; the lowest is the last.
fn row(plot: Rect, share: f64) -> u16 {
    let up = (share * f64::from(plot.height)).ceil().clamp(1.0, f64::from(plot.height)) as u16;
    plot.bottom() - up
}

/// Gives the columns of the labels.
fn draw_lines(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, top: f64, lines: &[Line]) -> u16 {
    let glyphs = &cx.theme.glyphs;
    let dash = match (glyphs.ascii, glyphs.console) {
        (true, _) => '-',
        (_, true) => '─',
        _ => '┈',
    };
    let mut labelled: Vec<(u16, String, Role)> = Vec::new();
    for line in lines {
        let style = cx.theme.style(line.role);
        // The target is above all bars where it is far off: its label says which way.
        let far = line.value > top;
        let y = if far { area.y } else { row(area, line.value / top) };
        if !far {
            (area.x..area.right()).for_each(|x| put_char(canvas.buf, x, y, dash, style));
        }
        let label = if far { format!("{} {}", line.label, glyphs.up) } else { line.label.clone() };
        match labelled.iter_mut().find(|(row, ..)| *row == y) {
            Some((_, words, _)) => *words = format!("{words} · {label}"),
            None => labelled.push((y, label, line.role)),
        }
    }
    let longest = labelled.iter().map(|(_, words, _)| width(words)).max().unwrap_or(0);
    let columns = u16::try_from(longest + 5).unwrap_or(u16::MAX).clamp(LABELS.0, LABELS.1).min(area.width / 2);
    for (y, words, role) in labelled {
        // A piece of the line is left at the right of the words, as in a frame.
        put_right(canvas.buf, area.right() - 2, y, columns - 2, &format!(" {words} "), cx.theme.style(role));
    }
    columns
}

/// One bar: a bright cap of one row on a darker body, so that the value is what one sees.
fn draw_bar(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, bar: &Bar, share: f64) {
    let eighths = ((share * f64::from(area.height) * 8.0).round() as u16).clamp(1, area.height * 8);
    let (full, part) = (eighths / 8, eighths % 8);
    let (cap, body) = styles(cx.theme, bar.role);
    if cx.theme.glyphs.ascii {
        return draw_plain(area, canvas, bar, (eighths + 4) / 8, cap);
    }
    for x in area.x..area.right() {
        for up in 0..full {
            put_char(canvas.buf, x, area.bottom() - 1 - up, FULL, body);
        }
        if part > 0 {
            put_char(canvas.buf, x, area.bottom() - 1 - full, block(part, cx.theme), cap);
        } else if full > 0 {
            put_char(canvas.buf, x, area.bottom() - full, FULL, cap);
        }
        // The rest of the cap, in the cell below a broken one.
        if part > 0 && full > 0 {
            let y = area.bottom() - full;
            match (cap.fg, body.fg) {
                (Some(bright @ Color::Rgb(..)), Some(Color::Rgb(..))) => {
                    put_char(canvas.buf, x, y, block(part, cx.theme), body.bg(bright));
                }
                _ => put_char(canvas.buf, x, y, FULL, cap),
            }
        }
    }
    let above = area.bottom().checked_sub(full + u16::from(part > 0) + 1).filter(|y| *y >= area.y);
    if let (Some(sign), Some(y)) = (bar.sign, above) {
        put_char(canvas.buf, area.x + (area.width - 1) / 2, y, sign, cap);
    }
}

/// The same in ASCII, in whole rows.
fn draw_plain(area: Rect, canvas: &mut Canvas<'_>, bar: &Bar, rows: u16, style: Style) {
    let rows = rows.clamp(1, area.height);
    for x in area.x..area.right() {
        for up in 0..rows {
            let c = if up + 1 == rows { '#' } else { ':' };
            put_char(canvas.buf, x, area.bottom() - 1 - up, c, style);
        }
    }
    if let (Some(sign), true) = (bar.sign, rows < area.height) {
        put_char(canvas.buf, area.x + (area.width - 1) / 2, area.bottom() - 1 - rows, sign, style);
    }
}

fn block(eighths: u16, theme: &Theme) -> char {
    crate::ui::widgets::spark::block(f64::from(eighths) / 8.0, theme)
}

/// The styles of the cap and of the body below it.
fn styles(theme: &Theme, role: Role) -> (Style, Style) {
    let cap = theme.style(role);
    let ground = theme.style(Role::Surface).bg;
    let body = match (cap.fg, ground) {
        (Some(Color::Rgb(r, g, b)), Some(Color::Rgb(br, bg, bb))) => {
            let mix = |over: u8, under: u8| ((u16::from(over) * 3 + u16::from(under) * 7) / 10) as u8;
            Style::new().fg(Color::Rgb(mix(r, br), mix(g, bg), mix(b, bb)))
        }
        _ => cap.add_modifier(Modifier::DIM),
    };
    (cap, body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        state::State,
        ui::{
            canvas::testing::{Look, drawn},
            theme::{ASCII, CONSOLE, UNICODE},
        },
    };

    fn bar(value: f64) -> Bar {
        Bar { value, role: Role::Text, sign: None, day: "today".to_owned() }
    }

    fn line(value: f64) -> Line {
        Line { value, label: String::new(), role: Role::Dim }
    }

    #[test]
    fn all_bars_fit_and_a_line_that_is_far_off_does_not_make_them_flat() {
        let top = |bars: &[f64], lines: &[f64]| {
            let (bars, lines) = (bars.iter().map(|v| bar(*v)).collect::<Vec<_>>(), lines.iter().map(|v| line(*v)));
            top(&bars, &lines.collect::<Vec<_>>()) / 1.1
        };
        let is = |found: f64, wanted: f64| (found / wanted - 1.0).abs() < 1e-9;
        assert!(is(top(&[5.0, 10.0, 7.0], &[]), 10.0) && is(top(&[10.0], &[3.0]), 10.0));
        assert!(is(top(&[10.0], &[10.0 * OFF_SCALE]), 10.0 * OFF_SCALE), "as far as that it is shown");
        assert!(is(top(&[10.0], &[10.0 * OFF_SCALE + 0.1, 12.0]), 12.0));
    }

    #[test]
    fn bars_stand_apart_as_far_as_there_is_room() {
        for (bars, room, expected) in [
            (1, 60, (6, 2)),
            (10, 60, (6, 2)),
            (10, 59, (5, 2)),
            (10, 30, (3, 2)),
            (10, 29, (2, 1)),
            (100, 60, (2, 1)),
            (0, 60, (2, 1)),
            (1_000_000, 60, (2, 1)),
        ] {
            assert_eq!(pitch(bars, room), expected, "{bars} in {room}");
        }
    }

    #[test]
    fn a_value_reaches_its_row_from_the_bottom() {
        let plot = Rect { x: 0, y: 5, width: 10, height: 10 };
        for (share, y) in [(0.0, 14), (0.05, 14), (0.1, 14), (0.11, 13), (0.5, 10), (1.0, 5), (2.0, 5)] {
            assert_eq!(row(plot, share), y, "{share}");
        }
    }

    fn chart_of(size: (u16, u16), bars: &[Bar], lines: &[Line]) -> Vec<String> {
        drawn(&State::default(), size, |cx, area, canvas| chart(cx, area, canvas, bars, lines)).lines()
    }

    #[test]
    fn a_chart_needs_room_a_bar_and_a_value() {
        let is_drawn = |size, bars: &[Bar]| chart_of(size, bars, &[]).iter().any(|line| !line.is_empty());
        assert!(is_drawn((8, 3), &[bar(1.0)]));
        for (size, bars) in
            [((7, 3), vec![bar(1.0)]), ((8, 2), vec![bar(1.0)]), ((8, 3), vec![]), ((8, 3), vec![bar(0.0)])]
        {
            assert!(!is_drawn(size, &bars), "{size:?} {bars:?}");
        }
    }

    #[test]
    fn each_day_is_named_once_and_the_newest_always() {
        let days = |names: &[&str]| {
            let bars: Vec<Bar> = names.iter().map(|day| Bar { day: (*day).to_owned(), ..bar(1.0) }).collect();
            drawn(&State::default(), (20, 1), |cx, area, canvas| axis(cx, area, canvas, &bars, 2)).line()
        };
        assert_eq!(days(&["Mon"; 3]), "Mon");
        assert_eq!(days(&["Mon", "Mon", "Mon", "Tue", "Tue"]), "Mon   Tue");
        assert_eq!(days(&["Mon", "Mon", "Tue"]), "    Tue", "two names would touch");
        assert_eq!(days(&["Mon", "Mon", "Mon", "Tue", "Wed", "Wed", "Wed"]), "Mon     Wed", "the newest before others");
        assert_eq!(days(&[]), "");
    }

    #[test]
    fn a_sign_stands_above_its_bar_where_there_is_a_row_left() {
        let with = |share: f64| {
            let bar = Bar { sign: Some('!'), ..bar(1.0) };
            drawn(&State::default(), (1, 4), |cx, area, canvas| draw_bar(cx, area, canvas, &bar, share)).lines()
        };
        assert_eq!(with(0.0), ["", "", "!", "▁"], "the least bar is seen");
        assert_eq!(with(0.5), ["", "!", "█", "█"]);
        assert_eq!(with(0.625), ["!", "▄", "█", "█"]);
        assert_eq!(with(0.75), ["!", "█", "█", "█"]);
        assert_eq!(with(0.875), ["▄", "█", "█", "█"]);
        assert_eq!(with(9.0), ["█"; 4]);
    }

    #[test]
    fn a_line_beyond_the_scale_is_named_at_the_top() {
        let label = |value| {
            let target = Line { value, label: "target".to_owned(), role: Role::Dim };
            chart_of((40, 6), &[bar(10.0)], &[target])
        };
        assert!(label(10.0)[0].contains("target") && !label(10.0)[0].contains('▲'), "{:?}", label(10.0));
        let far = label(21.0);
        assert!(far[0].contains("target ▲") && !far[0].contains('┈'), "{far:?}");
        let both = [Line { label: "normal".into(), ..line(10.0) }, Line { label: "target".into(), ..line(10.0) }];
        assert!(chart_of((60, 6), &[bar(10.0)], &both)[0].contains(" normal · target "));
    }
    #[test]
    fn each_terminal_has_its_own_line() {
        let dash = |glyphs| {
            let normal = [Line { label: "normal".to_owned(), ..line(5.0) }];
            let look = Look::with(glyphs);
            let drawn = look
                .draw(&State::default(), (40, 6), |cx, area, canvas| chart(cx, area, canvas, &[bar(10.0)], &normal));
            drawn.lines().into_iter().find(|line| line.contains("normal")).and_then(|line| line.chars().nth(10))
        };
        assert_eq!([dash(UNICODE), dash(CONSOLE), dash(ASCII)], [Some('┈'), Some('─'), Some('-')]);
    }
}
