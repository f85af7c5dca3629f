//! The last step of a frame for the text console: what its font (code page 437) lacks gets its nearest relative.

use ratatui::buffer::Buffer;

/// Replaces every cell that the font does not have.
pub fn reduce(buf: &mut Buffer) {
    for cell in &mut buf.content {
        if !cell.symbol().is_ascii() {
            let mut chars = cell.symbol().chars();
            let c = chars.next().map_or(' ', relative);
            // A combining mark is left out.
            if chars.next().is_some() || !cell.symbol().starts_with(c) {
                cell.set_char(c);
            }
        }
    }
}

/// What code page 437 has beyond ASCII and is used here: lines, blocks, arrows, some signs, letters of western Europe.
const FONT: &str = "─│┌┐└┘├┤┬┴┼═║▀▄█▌▐░▒▓■•○▲▼►◄↑↓→←↕°·±²½¼÷¡¿«»£¥§¶µßäöüÄÖÜàáâåæçèéêëìíîïñòóôùúûÿÅÆÇÉÑ";

fn relative(c: char) -> char {
    match c {
        c if c.is_ascii() || FONT.contains(c) => c,
        '╭' => '┌',
        '╮' => '┐',
        '╰' => '└',
        '╯' => '┘',
        '━' | '╸' => '═',
        '┃' => '│',
        '▁' | '▂' => '_',
        '▃' | '▅' => '▄',
        '▆' | '▇' => '█',
        '–' | '—' | '−' => '-',
        '≥' => '>',
        '≤' => '<',
        '↔' => '=',
        '…' => '~',
        '●' => '•',
        '✖' => 'X',
        '×' => 'x',
        '▸' => '►',
        '▾' => '▼',
        '¹' => '1',
        '³' => '3',
        '⁰' => '0',
        '⁴'..='⁹' => char::from_digit(u32::from(c) - u32::from('⁰'), 10).unwrap_or(' '),
        '\u{a0}' => ' ',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use ratatui::{layout::Rect, style::Style};

    use super::*;

    #[test]
    fn only_what_the_font_has_is_left() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 12, 1));
        buf.set_string(0, 0, "╭━┃⁴●▆…é日", Style::new());
        reduce(&mut buf);
        let text: String = buf.content().iter().map(|c| c.symbol().to_owned()).collect();
        assert_eq!(text, "┌═│4•█~é?   ");
    }

    #[test]
    fn signs_get_their_nearest_relative() {
        for (signs, relatives) in [
            ("╭╮╰╯━╸┃", "┌┐└┘══│"),
            ("▁▂▃▅▆▇", "__▄▄██"),
            ("–—−≥≤↔…", "---><=~"),
            ("●✖×▸▾", "•Xx►▼"),
            ("¹³⁰⁴⁵⁹", "130459"),
            ("²½°äß", "²½°äß"),
            ("\u{a0}日", " ?"),
        ] {
            assert_eq!(signs.chars().map(relative).collect::<String>(), relatives);
        }
    }

    #[test]
    fn a_combining_mark_is_left_out() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 2, 1));
        buf.content[0].set_symbol("é\u{301}");
        buf.content[1].set_symbol("é");
        reduce(&mut buf);
        assert_eq!([buf.content[0].symbol(), buf.content[1].symbol()], ["é", "é"]);
    }
}
