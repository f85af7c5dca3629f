//! Draws a picture of the running program: starts it in a terminal of its own, lets it live for a while, types keys,
//! and writes the screen as an SVG. `overview.sh` makes the README's picture by it, from a guest; from this machine:
//!
//! ```sh
//! cargo build --release
//! cargo run --release --example picture -- --size 160x45 --seconds 75 --out here.svg target/release/benchtop
//! ```

use std::{
    error::Error,
    fmt::Write as _,
    io::{Read, Write},
    sync::mpsc,
    time::{Duration, Instant},
};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

const CELL: (f64, f64) = (8.4, 17.0);
const BACKGROUND: &str = "#12151c";
const FOREGROUND: &str = "#c6ccd8";

fn main() -> Result<(), Box<dyn Error>> {
    let mut size = (160u16, 45u16);
    let (mut seconds, mut out, mut keys) = (5.0, String::from("picture.svg"), String::new());
    let mut command = Vec::new();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--size" => {
                let text = value()?;
                let (w, h) = text.split_once('x').ok_or("--size takes COLUMNSxROWS")?;
                size = (w.parse()?, h.parse()?);
            }
            "--seconds" => seconds = value()?.parse()?,
            "--out" => out = value()?,
            "--keys" => keys = value()?,
            _ => {
                command.push(arg);
                command.extend(args.by_ref());
            }
        }
    }
    let screen = run(&command, size, Duration::from_secs_f64(seconds), &keys)?;
    std::fs::write(&out, svg(&screen))?;
    eprintln!("wrote {out}");
    Ok(())
}

/// The screen of `command` after `span`, then after each of `keys` and half a second more.
fn run(command: &[String], size: (u16, u16), span: Duration, keys: &str) -> Result<vt100::Screen, Box<dyn Error>> {
    let pty = native_pty_system().openpty(PtySize { rows: size.1, cols: size.0, pixel_width: 0, pixel_height: 0 })?;
    let mut builder = CommandBuilder::new(command.first().ok_or("name the program to draw")?);
    builder.args(&command[1..]);
    builder.env("TERM", "xterm-256color");
    builder.env("COLORTERM", "truecolor");
    let mut child = pty.slave.spawn_command(builder)?;
    drop(pty.slave);
    let (send, chunks) = mpsc::channel();
    let mut reader = pty.master.try_clone_reader()?;
    std::thread::spawn(move || {
        let mut buffer = [0; 65536];
        while let Ok(n @ 1..) = reader.read(&mut buffer) {
            if send.send(buffer[..n].to_vec()).is_err() {
                break;
            }
        }
    });
    let (rows, columns) = (size.1.try_into()?, size.0.try_into()?);
    let mut parser = vt100::Parser::new(rows, columns, 0);
    let mut watch = |span: Duration| {
        let end = Instant::now() + span;
        while let Ok(chunk) = chunks.recv_timeout(end.saturating_duration_since(Instant::now())) {
            parser.process(&chunk);
        }
    };
    let mut writer = pty.master.take_writer()?;
    watch(span);
    for key in keys.chars() {
        write!(writer, "{key}")?;
        watch(Duration::from_millis(500));
    }
    watch(Duration::from_millis(100));
    let screen = parser.screen().clone();
    child.kill()?;
    child.wait()?;
    Ok(screen)
}

/// The screen as an SVG: one `text` a run of equal style, pinned to its columns.
fn svg(screen: &vt100::Screen) -> String {
    let (rows, columns) = (screen.size().0.get(), screen.size().1.get());
    let (width, height) = (f64::from(columns) * CELL.0 + 24.0, f64::from(rows) * CELL.1 + 24.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-size=\"14\" \
         font-family=\"'DejaVu Sans Mono','JetBrains Mono',Menlo,Consolas,monospace\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for row in 0..rows {
        let mut column = 0;
        while column < columns {
            let begin = column;
            let style = screen.cell(row, begin).map(style_of);
            let mut text = String::new();
            while column < columns {
                let Some(cell) = screen.cell(row, column) else { break };
                if Some(style_of(cell)) != style {
                    break;
                }
                if !cell.is_wide_continuation() {
                    text.push_str(if cell.has_contents() { cell.contents() } else { " " });
                }
                column += 1;
            }
            if column == begin {
                break;
            }
            if let Some(style) = style {
                run_of(&mut out, (begin, row), column - begin, &text, &style);
            }
        }
    }
    out.push_str("</svg>\n");
    out
}

/// Foreground, background (when not the terminal's), bold.
type Style = (String, Option<String>, bool);

fn style_of(cell: &vt100::Cell) -> Style {
    let (mut fg, mut bg) = (color(cell.fgcolor()), color(cell.bgcolor()));
    if cell.inverse() {
        (fg, bg) = (Some(bg.unwrap_or_else(|| BACKGROUND.into())), Some(fg.unwrap_or_else(|| FOREGROUND.into())));
    }
    (fg.unwrap_or_else(|| FOREGROUND.into()), bg.filter(|b| b != BACKGROUND), cell.bold())
}

fn color(color: vt100::Color) -> Option<String> {
    match color {
        vt100::Color::Default => None,
        vt100::Color::Rgb(r, g, b) => Some(format!("#{r:02x}{g:02x}{b:02x}")),
        vt100::Color::Idx(i @ 16..=231) => {
            let level = |v: u8| if v == 0 { 0 } else { 55 + 40 * v };
            let i = i - 16;
            Some(format!("#{:02x}{:02x}{:02x}", level(i / 36), level(i / 6 % 6), level(i % 6)))
        }
        vt100::Color::Idx(i @ 232..) => Some(format!("#{0:02x}{0:02x}{0:02x}", 8 + 10 * (i - 232))),
        vt100::Color::Idx(i) => Some(
            [
                "#000000", "#cd3131", "#0dbc79", "#e5e510", "#2472c8", "#bc3fbc", "#11a8cd", "#e5e5e5", "#666666",
                "#f14c4c", "#23d18b", "#f5f543", "#3b8eea", "#d670d6", "#29b8db", "#ffffff",
            ][usize::from(i)]
            .into(),
        ),
    }
}

fn run_of(out: &mut String, at: (u16, u16), columns: u16, text: &str, (fg, bg, bold): &Style) {
    let (x, y, wide) = (12.0 + f64::from(at.0) * CELL.0, 12.0 + f64::from(at.1) * CELL.1, f64::from(columns) * CELL.0);
    if let Some(bg) = bg {
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{:.1}\" fill=\"{bg}\"/>",
            CELL.1
        );
    }
    if text.trim().is_empty() {
        return;
    }
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let weight = if *bold { " font-weight=\"bold\"" } else { "" };
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{fg}\"{weight} textLength=\"{wide:.1}\" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\">{escaped}</text>",
        y + 13.0
    );
}
