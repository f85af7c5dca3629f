//! A drawn frame as text: what it says, and below in which style each run of cells says it.

use std::{collections::BTreeMap, fmt::Write};

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};

/// Rows of cells, then rows of styles in runs (`a12 b3` is twelve cells in style a, three in b), then what each letter
/// stands for.
pub fn picture(buf: &Buffer) -> String {
    let mut out = text(buf);
    let mut letters: BTreeMap<String, char> = BTreeMap::new();
    out.push_str("──\n");
    for y in buf.area.top()..buf.area.bottom() {
        let mut runs: Vec<(char, u16)> = Vec::new();
        for x in buf.area.left()..buf.area.right() {
            let next = letters.len();
            let letter = *letters.entry(style(&buf[(x, y)])).or_insert_with(|| name(next));
            match runs.last_mut() {
                Some((last, count)) if *last == letter => *count += 1,
                _ => runs.push((letter, 1)),
            }
        }
        let runs: Vec<String> = runs.into_iter().map(|(letter, count)| format!("{letter}{count}")).collect();
        let _ = writeln!(out, "{}", runs.join(" "));
    }
    out.push_str("──\n");
    let mut legend: Vec<(char, String)> = letters.into_iter().map(|(style, letter)| (letter, style)).collect();
    legend.sort_by_key(|(letter, _)| (letter.is_uppercase(), *letter));
    for (letter, style) in legend {
        let _ = writeln!(out, "{letter}: {style}");
    }
    out
}

/// What the cells say, blanks at the ends of lines left out.
pub fn text(buf: &Buffer) -> String {
    let mut out = String::new();
    for y in buf.area.top()..buf.area.bottom() {
        let mut line = String::new();
        let mut x = buf.area.left();
        while x < buf.area.right() {
            let cell = &buf[(x, y)];
            line.push_str(cell.symbol());
            // A wide character covers the cell after it.
            x += u16::try_from(unicode_width::UnicodeWidthStr::width(cell.symbol())).unwrap_or(1).max(1);
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

fn name(number: usize) -> char {
    let letters = ('a'..='z').chain('A'..='Z').chain('α'..='ω');
    letters.into_iter().nth(number).unwrap_or('?')
}

fn style(cell: &Cell) -> String {
    let mut out = format!("{} on {}", color(cell.fg), color(cell.bg));
    for (modifier, word) in [
        (Modifier::BOLD, " bold"),
        (Modifier::DIM, " dim"),
        (Modifier::UNDERLINED, " underlined"),
        (Modifier::REVERSED, " reversed"),
    ] {
        if cell.modifier.contains(modifier) {
            out.push_str(word);
        }
    }
    out
}

fn color(color: Color) -> String {
    match color {
        Color::Reset => "default".to_owned(),
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        other => other.to_string().to_lowercase(),
    }
}
