//! The last step of a frame for a terminal without Unicode: what is not ASCII by then gets its nearest relative.

use ratatui::buffer::Buffer;

/// Replaces every cell that is not ASCII.
pub fn reduce(buf: &mut Buffer) {
    // `63 °C` is `63 C`, without a gap.
    for at in 1..buf.content.len() {
        if buf.content[at - 1].symbol() == "°" && matches!(buf.content[at].symbol(), "C" | "F") {
            buf.content.swap(at - 1, at);
            buf.content[at].set_char(' ');
        }
    }
    for cell in &mut buf.content {
        if !cell.symbol().is_ascii() {
            let c = cell.symbol().chars().next().map_or(' ', relative);
            cell.set_char(c);
        }
    }
}

fn relative(c: char) -> char {
    match c {
        '·' | '–' | '—' | '−' | '─' | '━' => '-',
        '│' | '┃' => '|',
        '…' | '±' => '~',
        '↑' | '▲' => '^',
        '↓' | '▼' => 'v',
        '→' | '≥' => '>',
        '≤' => '<',
        '↔' => '=',
        'µ' => 'u',
        '←' => '<',
        '↵' => 'J',
        '°' | '\u{a0}' => ' ',
        '×' => 'x',
        // A name in another script: shown that something is there.
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use ratatui::{layout::Rect, style::Style};

    use super::*;

    #[test]
    fn nothing_but_ascii_is_left() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 12, 1));
        buf.set_string(0, 0, "a·b…–°日é", Style::new());
        reduce(&mut buf);
        let text: String = buf.content().iter().map(|c| c.symbol().to_owned()).collect();
        assert_eq!(text, "a-b~- ? ?   ");
    }

    #[test]
    fn degrees_leave_no_gap() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 8, 1));
        buf.set_string(0, 0, "63 °C ok", Style::new());
        reduce(&mut buf);
        let text: String = buf.content().iter().map(|c| c.symbol().to_owned()).collect();
        assert_eq!(text, "63 C  ok");
    }

    #[test]
    fn signs_get_their_nearest_relative() {
        for (signs, relatives) in
            [("·–—−─━", "------"), ("│┃…±", "||~~"), ("↑▲↓▼→≥≤←", "^^vv>><<"), ("↔µ↵×", "=uJx"), ("°\u{a0}日", "  ?")]
        {
            assert_eq!(signs.chars().map(relative).collect::<String>(), relatives);
        }
    }

    #[test]
    fn degrees_of_either_scale_move_up_and_other_letters_stay() {
        let reduced = |text: &str| {
            let mut buf = Buffer::empty(Rect::new(0, 0, 5, 1));
            buf.set_string(0, 0, text, Style::new());
            reduce(&mut buf);
            buf.content().iter().map(|c| c.symbol().to_owned()).collect::<String>()
        };
        assert_eq!(
            [reduced("1°F"), reduced("1°K"), reduced("C°"), reduced("1 C")],
            ["1F   ", "1 K  ", "C    ", "1 C  "]
        );
    }
}
