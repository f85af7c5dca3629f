//! A drawn frame as an SVG that looks the same in browsers and in librsvg: lines, blocks and braille are shapes, so that
//! they join whatever font there is, and every word begins at its own column, so that none drifts.

use std::{collections::BTreeMap, fmt::Write as _};

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};
use unicode_width::UnicodeWidthStr;

const CELL: (f64, f64) = (8.4, 17.0);
const MARGIN: f64 = 12.0;
const BACKGROUND: &str = "#12151c";
const FOREGROUND: &str = "#c6ccd8";

/// How a word is written.
#[derive(PartialEq, Clone)]
struct Ink {
    fill: String,
    bold: bool,
    dim: bool,
}

/// The whole picture.
pub fn svg(buf: &Buffer) -> String {
    let (columns, rows) = (buf.area.width, buf.area.height);
    let (width, height) = (f64::from(columns) * CELL.0 + 2.0 * MARGIN, f64::from(rows) * CELL.1 + 2.0 * MARGIN);
    let mut shapes: BTreeMap<String, String> = BTreeMap::new();
    let mut grounds: BTreeMap<String, String> = BTreeMap::new();
    let mut words = String::new();
    for row in 0..rows {
        let y = MARGIN + f64::from(row) * CELL.1;
        let mut word: Option<(f64, Ink, String)> = None;
        let mut column = 0;
        while column < columns {
            let cell = &buf[(column, row)];
            let x = MARGIN + f64::from(column) * CELL.0;
            let wide = UnicodeWidthStr::width(cell.symbol()).max(1) as u16;
            let (ink, ground) = style(cell);
            if let Some(ground) = ground {
                rect(grounds.entry(ground).or_default(), x, y, CELL.0 * f64::from(wide), CELL.1);
            }
            let c = cell.symbol().chars().next().unwrap_or(' ');
            let shaped = shape(shapes.entry(ink.fill.clone()).or_default(), c, x, y);
            let breaks = shaped || c == ' ' || word.as_ref().is_some_and(|(_, before, _)| *before != ink);
            if breaks {
                flush(&mut words, word.take(), y);
            }
            if !shaped && c != ' ' {
                let (_, _, text) = word.get_or_insert_with(|| (x, ink, String::new()));
                text.push_str(cell.symbol());
            }
            column += wide;
        }
        flush(&mut words, word, y);
    }
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-size=\"14\" \
         font-family=\"'DejaVu Sans Mono','JetBrains Mono',Menlo,Consolas,monospace\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for (fill, path) in grounds.iter().chain(&shapes).filter(|(_, path)| !path.is_empty()) {
        let _ = writeln!(out, "<path fill=\"{fill}\" d=\"{path}\"/>");
    }
    out.push_str(&words);
    out.push_str("</svg>\n");
    out
}

fn flush(out: &mut String, word: Option<(f64, Ink, String)>, y: f64) {
    let Some((x, ink, text)) = word else { return };
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let weight = if ink.bold { " font-weight=\"bold\"" } else { "" };
    let dim = if ink.dim { " opacity=\"0.6\"" } else { "" };
    let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{}\"{weight}{dim}>{text}</text>", y + 13.0, ink.fill);
}

/// Ink, and the ground where it is not that of the picture.
fn style(cell: &Cell) -> (Ink, Option<String>) {
    let (mut fg, mut bg) = (color(cell.fg), color(cell.bg));
    if cell.modifier.contains(Modifier::REVERSED) {
        (fg, bg) = (Some(bg.unwrap_or_else(|| BACKGROUND.into())), Some(fg.unwrap_or_else(|| FOREGROUND.into())));
    }
    let ink = Ink {
        fill: fg.unwrap_or_else(|| FOREGROUND.into()),
        bold: cell.modifier.contains(Modifier::BOLD),
        dim: cell.modifier.contains(Modifier::DIM),
    };
    (ink, bg.filter(|bg| bg != BACKGROUND))
}

fn color(color: Color) -> Option<String> {
    match color {
        Color::Rgb(r, g, b) => Some(format!("#{r:02x}{g:02x}{b:02x}")),
        _ => None,
    }
}

fn rect(path: &mut String, x: f64, y: f64, width: f64, height: f64) {
    let _ = write!(path, "M{x:.1} {y:.1}h{width:.1}v{height:.1}h-{width:.1}z");
}

/// Draws `c` as a shape; false when it is a letter.
fn shape(path: &mut String, c: char, x: f64, y: f64) -> bool {
    let (w, h) = CELL;
    let code = u32::from(c);
    match c {
        '▁'..='█' => {
            let eighths = f64::from(code - 0x2580);
            rect(path, x, y + h * (1.0 - eighths / 8.0), w, h * eighths / 8.0);
        }
        '▉'..='▏' => rect(path, x, y, w * f64::from(0x2590 - code) / 8.0, h),
        '▀' => rect(path, x, y, w, h / 2.0),
        '▐' => rect(path, x + w / 2.0, y, w / 2.0, h),
        '\u{2800}'..='\u{28ff}' => {
            for dot in 0..8u32 {
                if code & (1 << dot) == 0 {
                    continue;
                }
                // Dots 1 to 3 and 4 to 6 run down the columns; 7 and 8 stand below them.
                let (column, row) = if dot < 6 { (dot / 3, dot % 3) } else { (dot - 6, 3) };
                let (dx, dy) = (w / 2.0 * (f64::from(column) + 0.5), h / 4.0 * (f64::from(row) + 0.5));
                rect(path, x + dx - 1.1, y + dy - 1.2, 2.2, 2.4);
            }
        }
        _ => {
            let Some(arms) = arms(c) else { return false };
            let thick = |weight: u8| if weight == 2 { 2.4 } else { 1.0 };
            let (cx, cy) = (x + w / 2.0, y + h / 2.0);
            let [left, right, up, down] = arms;
            for (weight, from, length) in [(left, x, w / 2.0), (right, cx, w / 2.0)] {
                if weight > 0 {
                    rect(path, from, cy - thick(weight) / 2.0, length, thick(weight));
                }
            }
            for (weight, from) in [(up, y), (down, cy)] {
                if weight > 0 {
                    rect(path, cx - thick(weight) / 2.0, from, thick(weight), h / 2.0);
                }
            }
        }
    }
    true
}

/// Weights of the lines to the left, right, up and down.
fn arms(c: char) -> Option<[u8; 4]> {
    Some(match c {
        '─' => [1, 1, 0, 0],
        '━' => [2, 2, 0, 0],
        '╸' => [2, 0, 0, 0],
        '╺' => [0, 2, 0, 0],
        '│' => [0, 0, 1, 1],
        '┃' => [0, 0, 2, 2],
        '┌' | '╭' => [0, 1, 0, 1],
        '┐' | '╮' => [1, 0, 0, 1],
        '└' | '╰' => [0, 1, 1, 0],
        '┘' | '╯' => [1, 0, 1, 0],
        '├' => [0, 1, 1, 1],
        '┤' => [1, 0, 1, 1],
        '┬' => [1, 1, 0, 1],
        '┴' => [1, 1, 1, 0],
        '┼' => [1, 1, 1, 1],
        '┿' => [2, 2, 1, 1],
        '╋' => [2, 2, 2, 2],
        _ => return None,
    })
}
