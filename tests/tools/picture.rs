//! Draws the README's pictures: an invented but plausible server (`server.rs`) goes through the real fold, rules and
//! drawing code, and the frames become SVG. No machine is read, so they come out the same everywhere, in seconds:
//!
//! ```sh
//! tests/tools/overview.sh            # all pictures into assets/
//! ```

use std::{error::Error, path::PathBuf};

use benchtop::{
    config::{Settings, settings::Colors},
    state::State,
    ui::{Ui, theme::ThemeSet},
};
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use ratatui::{buffer::Buffer, layout::Rect};

mod server;
#[path = "../screens/suite.rs"]
#[expect(dead_code, reason = "the tests of screens have more states")]
mod suite;
mod svg;

/// Name, columns, rows, theme, and the keys that lead to it.
type Picture = (&'static str, u16, u16, &'static str, &'static [KeyCode]);

/// The panel, at the figure that got worse.
const BENCHMARK: [KeyCode; 10] = {
    let mut keys = [KeyCode::Down; 10];
    keys[0] = KeyCode::Char('b');
    keys
};

const PICTURES: [Picture; 6] = [
    ("overview", 160, 45, "calm", &[]),
    ("overview-80x24", 80, 24, "calm", &[]),
    ("pool", 120, 32, "calm", &[KeyCode::Char('4'), KeyCode::Enter]),
    ("gpu", 120, 32, "calm", &[KeyCode::Char('3'), KeyCode::Enter]),
    ("benchmarks", 160, 45, "calm", &BENCHMARK),
    (
        "themes",
        120,
        32,
        "calm",
        &[KeyCode::Char('C'), KeyCode::Down, KeyCode::Down, KeyCode::Down, KeyCode::Down, KeyCode::Down, KeyCode::Down],
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("usage: picture FOLDER [NAME …]")?);
    let wanted: Vec<String> = arguments.collect();
    let state = server::lived(600);
    let mut measured = state.clone();
    suite::measured(&mut measured);
    for (name, width, height, theme, keys) in PICTURES {
        if !wanted.is_empty() && !wanted.iter().any(|w| w == name) {
            continue;
        }
        let out = folder.join(format!("{name}.svg"));
        std::fs::write(
            &out,
            svg::svg(&drawn(if name == "benchmarks" { &measured } else { &state }, (width, height), theme, keys)),
        )?;
        eprintln!("wrote {}", out.display());
    }
    Ok(())
}

fn drawn(state: &State, (width, height): (u16, u16), theme: &str, keys: &[KeyCode]) -> Buffer {
    let settings = Settings { colors: Colors::True, theme: theme.to_owned(), ..Settings::default() };
    let mut ui = Ui::new(settings, ThemeSet::new(None, Colors::True, false));
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    let mut frame = |ui: &mut Ui| {
        // Lists are computed for what the frame before showed.
        for _ in 0..2 {
            ui.refresh(state);
            ui.draw(state, &mut buf);
        }
    };
    frame(&mut ui);
    for key in keys {
        ui.input(&Input::Key(KeyEvent::new(*key, KeyModifiers::NONE)), state);
        frame(&mut ui);
    }
    buf
}
