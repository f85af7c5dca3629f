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
}
