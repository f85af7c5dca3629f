//! A figure's newest past in one row of block eighths: one step a column, the newest at the right; gaps and zeros are blank.

use ratatui::{buffer::Buffer, style::Style};

use super::{graph::TRACE, text::put_char};
use crate::{model::series::Series, ui::theme::Theme};

const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const CONSOLE: [char; 9] = [' ', '_', '_', '▄', '▄', '▄', '█', '█', '█'];
const ASCII: [char; 9] = [' ', '_', '.', ':', '-', '=', '+', '*', '#'];

/// The glyph for a share of one: nothing for zero, the lowest block for the least above it.
#[must_use]
pub fn block(share: f64, theme: &Theme) -> char {
    if share < TRACE {
        return ' ';
    }
    let eighths = (share.clamp(0.0, 1.0) * 8.0).round().max(1.0) as usize;
    let blocks = match (theme.glyphs.ascii, theme.glyphs.console) {
        (true, _) => ASCII,
        (_, true) => CONSOLE,
        _ => BLOCKS,
    };
    blocks[eighths.min(8)]
}

/// Draws the newest `width` steps of `series`, the newest at the right; `top` fills a cell.
#[expect(clippy::too_many_arguments, reason = "a place, a look and a figure; a struct would only rename them")]
pub fn spark(buf: &mut Buffer, x: u16, y: u16, width: u16, theme: &Theme, series: &Series, top: f64, style: Style) {
    for column in 0..width {
        let value = series.back(usize::from(width - 1 - column));
        let Some(value) = value else { continue };
        let share = if top > 0.0 { value / top } else { 0.0 };
        put_char(buf, x + column, y, block(share, theme), style);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ratatui::layout::Rect;

    use super::*;
    use crate::{
        clock::Stamp,
        ui::theme::{ASCII, CONSOLE, Glyphs, UNICODE},
    };

    #[test]
    fn zeros_and_gaps_are_blank() {
        let mut s = Series::new(10);
        for (i, v) in [Some(0.01), None, Some(0.0), Some(0.5), Some(1.0)].into_iter().enumerate() {
            s.push(Stamp::at_seconds(i as u64 + 1), Duration::from_secs(1), v);
        }
        let mut buf = Buffer::empty(Rect::new(0, 0, 6, 1));
        spark(&mut buf, 0, 0, 6, &Theme::plain(), &s, 1.0, Style::new());
        let text: String = buf.content().iter().map(|c| c.symbol().to_owned()).collect();
        assert_eq!(text, " ▁  ▄█");
    }
    #[test]
    fn a_block_is_as_high_as_its_share() {
        let shares = [-1.0, 0.0004, 0.0005, 0.06, 0.18, 0.19, 0.31, 0.32, 0.5, 0.625, 0.75, 0.93, 0.94, 1.0, 9.0];
        let with = |glyphs: Glyphs| {
            let theme = Theme { glyphs, ..Theme::plain() };
            shares.map(|share| block(share, &theme)).into_iter().collect::<String>()
        };
        assert_eq!(with(UNICODE), "  ▁▁▁▂▂▃▄▅▆▇███");
        assert_eq!(with(CONSOLE), "  _____▄▄▄█████");
        assert_eq!(with(ASCII), "  ___..:-=+*###");
    }

    #[test]
    fn without_a_scale_nothing_is_drawn() {
        let mut series = Series::new(10);
        series.push(Stamp::at_seconds(1), Duration::from_secs(1), Some(0.0));
        let mut buf = Buffer::empty(Rect::new(0, 0, 1, 1));
        spark(&mut buf, 0, 0, 1, &Theme::plain(), &series, 0.0, Style::new());
        assert_eq!(buf[(0, 0)].symbol(), " ");
    }
}
