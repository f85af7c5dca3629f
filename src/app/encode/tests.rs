//! A terminal that is fed the bytes shows the frame: judged by a terminal emulator, not by the encoder's own idea.

use proptest::prelude::*;
use ratatui::layout::Rect;

use super::*;

const WIDTH: u16 = 24;
const HEIGHT: u16 = 6;

fn emulator() -> vt100::Parser {
    vt100::Parser::new(HEIGHT.try_into().unwrap(), WIDTH.try_into().unwrap(), 0)
}

fn seen(color: Color) -> vt100::Color {
    match color {
        Color::Reset => vt100::Color::Default,
        Color::Red => vt100::Color::Idx(1),
        Color::LightCyan => vt100::Color::Idx(14),
        Color::Indexed(i) => vt100::Color::Idx(i),
        Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
        other => panic!("{other:?} is not used in these tests"),
    }
}

/// Where the emulator's screen differs from the frame.
fn differences(screen: &vt100::Screen, frame: &Buffer) -> Vec<String> {
    let mut found = Vec::new();
    for y in 0..HEIGHT {
        let mut x = 0;
        while x < WIDTH {
            let cell = &frame[(x, y)];
            let shown = screen.cell(y, x).unwrap();
            let contents = if shown.contents().is_empty() { " " } else { shown.contents() };
            let mut right = contents == cell.symbol() && shown.bgcolor() == seen(cell.bg);
            right &= shown.inverse() == cell.modifier.contains(Modifier::REVERSED);
            right &= shown.underline() == cell.modifier.contains(Modifier::UNDERLINED);
            if cell.symbol() != " " {
                right &= shown.fgcolor() == seen(cell.fg) && shown.bold() == cell.modifier.contains(Modifier::BOLD);
                right &= shown.dim() == cell.modifier.contains(Modifier::DIM);
            }
            if !right {
                found.push(format!("{x},{y}: {contents:?} instead of {:?} {:?}", cell.symbol(), cell.style()));
            }
            x += u16::try_from(text::width(cell.symbol()).max(1)).unwrap();
        }
    }
    found
}

fn style() -> impl Strategy<Value = Style> {
    let color = || {
        prop_oneof![
            4 => Just(Color::Reset),
            1 => Just(Color::Red),
            1 => Just(Color::LightCyan),
            1 => Just(Color::Indexed(200)),
            1 => Just(Color::Rgb(1, 20, 255)),
        ]
    };
    let modifier = prop_oneof![
        4 => Just(Modifier::empty()),
        1 => Just(Modifier::BOLD),
        1 => Just(Modifier::DIM),
        1 => Just(Modifier::REVERSED),
        1 => Just(Modifier::BOLD | Modifier::UNDERLINED),
    ];
    (color(), color(), modifier).prop_map(|(fg, bg, m)| Style::new().fg(fg).bg(bg).add_modifier(m))
}

/// A frame made of scattered words.
fn frame() -> impl Strategy<Value = Buffer> {
    let words = prop_oneof![
        Just("cpu 97%".to_owned()),
        Just("─┃━┼╮".to_owned()),
        Just("⣿⡇ ▁▂▃".to_owned()),
        Just("日本語".to_owned()),
        Just("     ".to_owned()),
        Just("é–…".to_owned()),
        "[a-z ]{1,12}",
    ];
    prop::collection::vec((0..WIDTH, 0..HEIGHT, words, style()), 0..14).prop_map(|words| {
        let mut buffer = Buffer::empty(Rect::new(0, 0, WIDTH, HEIGHT));
        for (x, y, word, style) in words {
            buffer.set_stringn(x, y, &word, usize::from(WIDTH - x), style);
        }
        // A wide letter that a later word cut in half cannot be shown by any terminal: no pane draws one.
        // The emulator knows one intensity at a time, so bold and dim do not meet here.
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                if buffer[(x, y)].modifier.contains(Modifier::BOLD) {
                    buffer[(x, y)].modifier.remove(Modifier::DIM);
                }
                let wide = text::width(buffer[(x, y)].symbol()) == 2;
                if wide && (x + 1 == WIDTH || buffer[(x + 1, y)].symbol() != " ") {
                    buffer[(x, y)].set_symbol("x");
                } else if wide {
                    let style = buffer[(x, y)].style();
                    buffer[(x + 1, y)].set_style(style);
                }
            }
        }
        buffer
    })
}

proptest! {
    #[test]
    fn any_frame_after_any_frame_is_shown_exactly(
        frames in prop::collection::vec(frame(), 1..6),
        in_colour in any::<bool>(),
    ) {
        let mut encoder = Encoder::erasing_in_colour(in_colour);
        let (mut terminal, mut bytes) = (emulator(), Vec::new());
        let mut shown = Shown::default();
        for next in frames {
            encoder.encode(true, &mut shown, &next, &mut bytes);
            terminal.process(&bytes);
            let found = differences(terminal.screen(), &next);
            prop_assert!(found.is_empty(), "{:?} after {:?}", found, String::from_utf8_lossy(&bytes));
        }
    }
}

#[test]
fn an_unchanged_frame_costs_nothing() {
    let (mut encoder, mut bytes) = (Encoder::default(), Vec::new());
    let frame = Buffer::with_lines(["cpu 12%", "mem 40%"]);
    let mut shown = Shown::default();
    encoder.encode(true, &mut shown, &frame, &mut bytes);
    assert!(!bytes.is_empty());
    encoder.encode(true, &mut shown, &frame, &mut bytes);
    assert!(bytes.is_empty());
}

#[test]
fn a_changed_figure_costs_a_move_and_its_digits() {
    let (mut encoder, mut bytes) = (Encoder::default(), Vec::new());
    let before = Buffer::with_lines(["load 1.25 of 2", "swap  0.0G"]);
    let after = Buffer::with_lines(["load 1.37 of 2", "swap  0.0G"]);
    let mut shown = Shown::default();
    encoder.encode(true, &mut shown, &before, &mut bytes);
    encoder.encode(true, &mut shown, &after, &mut bytes);
    assert_eq!(bytes, b"\x1b[?2026h\x1b[1;8H37\x1b[?2026l");
}

#[test]
fn a_spoiled_screen_is_drawn_whole() {
    let (mut encoder, mut bytes) = (Encoder::default(), Vec::new());
    let frame = Buffer::with_lines(["ab"]);
    let mut shown = Shown::from(&frame);
    encoder.encode(false, &mut shown, &frame, &mut bytes);
    assert_eq!(bytes, b"\x1b[?2026h\x1b[m\x1b[2J\x1b[1Hab\x1b[?2026l");
}

#[test]
fn another_size_is_drawn_from_a_cleared_screen() {
    let (mut encoder, mut bytes) = (Encoder::default(), Vec::new());
    let mut shown = Shown::from(&Buffer::with_lines(["ab"]));
    encoder.encode(true, &mut shown, &Buffer::with_lines(["a"]), &mut bytes);
    assert_eq!(bytes, b"\x1b[?2026h\x1b[m\x1b[2J\x1b[1Ha\x1b[?2026l");
}

#[test]
fn coloured_blanks_are_erased_where_the_terminal_can() {
    let row = |text: &str| {
        let mut row = Buffer::with_lines([format!("{text:<40}")]);
        row.set_style(row.area, Style::new().bg(Color::Indexed(235)));
        row
    };
    let bytes_with = |in_colour: bool| {
        let (mut encoder, mut bytes) = (Encoder::erasing_in_colour(in_colour), Vec::new());
        let mut shown = Shown::default();
        encoder.encode(true, &mut shown, &row("a long command line that ends"), &mut bytes);
        encoder.encode(true, &mut shown, &row("a"), &mut bytes);
        bytes
    };
    assert_eq!(bytes_with(true), b"\x1b[?2026h\x1b[2G\x1b[K\x1b[?2026l");
    assert!(bytes_with(false).len() > 8 + 27 + 8, "written blank by blank");
    assert!(erases_in_colour("xterm-256color", false) && erases_in_colour("screen", true));
    assert!(!erases_in_colour("screen.xterm-256color", false) && !erases_in_colour("xterm-kitty", false));
}

/// Letters that names may hold and no terminal may get.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        4 => Just("a".to_owned()),
        2 => any::<char>().prop_map(String::from),
        1 => (0..0x20u8).prop_map(|b| char::from(b).to_string()),
        1 => (0x7f..0xa0u8).prop_map(|b| char::from(b).to_string()),
        1 => Just("\x1b]52;c;ZXZpbA==\x07".to_owned()),
        1 => Just("\x1b[2J".to_owned()),
        1 => Just("\u{202e}\u{61c}\u{ad}".to_owned()),
        1 => Just("\u{115f}".to_owned()),
        1 => Just("\u{301}".repeat(100)),
    ];
    prop::collection::vec(pieces, 1..4).prop_map(|pieces| pieces.concat())
}

/// Takes the sequences away that a frame is made of; what is left was in its cells.
fn without_ours(bytes: &[u8]) -> String {
    let mut rest = std::str::from_utf8(bytes).expect("text");
    let mut out = String::new();
    while let Some(at) = rest.find("\x1b[") {
        out.push_str(&rest[..at]);
        let sequence = &rest[at + 2..];
        let end = sequence.find(|c: char| !(c.is_ascii_digit() || c == ';' || c == '?')).expect("an end");
        assert!("mHJKXCGhl".contains(&sequence[end..=end]), "{sequence:?}");
        rest = &sequence[end + 1..];
    }
    out + rest
}

proptest! {
    #[test]
    fn no_cell_brings_an_escape(cells in prop::collection::vec((0..WIDTH, 0..HEIGHT, hostile(), style()), 0..20)) {
        let mut frame = Buffer::empty(Rect::new(0, 0, WIDTH, HEIGHT));
        for (x, y, symbol, style) in cells {
            frame[(x, y)].set_symbol(&symbol).set_style(style);
        }
        let (mut encoder, mut bytes) = (Encoder::default(), Vec::new());
        encoder.encode(false, &mut Shown::default(), &frame, &mut bytes);
        // The moves of the cursor are ours too.
        let left = without_ours(&bytes).replace(['\n', '\r', '\u{8}'], "");
        prop_assert!(!left.chars().any(text::is_hostile), "{:?}", left);
        let mut marks = 0;
        for c in left.chars() {
            marks = if text::width(c.encode_utf8(&mut [0; 4])) == 0 { marks + 1 } else { 0 };
            prop_assert!(marks <= 4, "{:?}", left);
        }
    }
}
