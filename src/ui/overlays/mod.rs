//! What lies over the overview: help, details, lists, questions. One file each; the topmost gets the keys.

pub mod arc;
mod causes;
pub mod columns;
pub mod confirm;
pub mod container_acts;
pub mod container_detail;
pub mod cpu_detail;
pub mod disk_detail;
pub mod findings;
pub mod gpu_detail;
pub mod help;
pub mod limits;
pub mod listed;
pub mod log;
pub mod memory_detail;
pub mod menu;
pub mod network_detail;
pub mod pool_acts;
pub mod pool_detail;
pub mod process_detail;
pub mod renice;
pub mod report;
mod seen;
pub mod signal;
pub mod sockets;
pub mod stores;
pub mod themes;

use ratatui::layout::Rect;

use super::{
    action::{Action, Context},
    canvas::{Canvas, DrawCx, Target},
    effect::Effect,
};
use crate::{collect::Want, state::State};

/// A key press, already free of the terminal library.
pub type Key = crossterm::event::KeyEvent;

/// One overlay.
pub trait Overlay {
    /// The title of its frame.
    fn title(&self, state: &State) -> String;

    /// True: the whole screen but header and footer; false: a box of [`Overlay::size`] in the middle.
    fn full_screen(&self) -> bool {
        false
    }

    /// Size wanted for its inside: columns, rows.
    fn size(&self, _state: &State) -> (u16, u16) {
        (60, 12)
    }

    /// The state changed.
    fn refresh(&mut self, _state: &State) {}

    /// Draws its inside.
    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>);

    /// True while it takes text: keys come to [`Overlay::key`] before the keymap is asked.
    fn takes_text(&self) -> bool {
        false
    }

    /// A key as typed, while [`Overlay::takes_text`]. `None`: not mine, ask the keymap.
    fn key(&mut self, _key: Key, _state: &State) -> Option<Vec<Effect>> {
        None
    }

    /// Pasted text, while [`Overlay::takes_text`]. Only a line being typed wants any: a paste answers no question.
    fn paste(&mut self, _text: &str, _state: &State) {}

    /// True for a question: keys that were typed before it was drawn do not answer it.
    fn is_question(&self) -> bool {
        false
    }

    /// Which keys of the keymap mean something on it.
    fn context(&self) -> Context {
        Context::List
    }

    /// An action of the keymap. `Back` closes it unless it answers. `None`: not mine (and nothing below gets it).
    fn act(&mut self, _action: Action, _state: &State) -> Option<Vec<Effect>> {
        None
    }

    /// A click on it.
    fn click(&mut self, _target: &Target, _state: &State) -> Vec<Effect> {
        Vec::new()
    }

    /// What was chosen for it in a menu that lay above it.
    fn tell(&mut self, _message: super::effect::Message, _state: &State) -> Vec<Effect> {
        Vec::new()
    }

    /// Draws the footer in place of the key hints (the line being typed). False: nothing to say there.
    fn footer(&self, _cx: &DrawCx<'_>, _area: Rect, _canvas: &mut Canvas<'_>) -> bool {
        false
    }

    /// Keys for the footer: key and what it does.
    fn hints(&self) -> Vec<(Action, &'static str)> {
        Vec::new()
    }

    /// Adds what it needs of the sources while open.
    fn want(&self, _want: &mut Want, _state: &State) {}
}

/// One process in a list of a detail: pid, CPU, memory, command.
fn process_line(p: &crate::model::process::Process) -> super::widgets::sheet::SheetLine {
    use super::{figures::bytes, theme::Role};
    let cpu = p.cpu.map_or_else(|| crate::units::ABSENT.to_owned(), |c| format!("{:.1}", c * 100.0));
    let memory = bytes(Some(p.memory_bytes as f64));
    vec![
        (format!("{:>7} {cpu:>6} {memory} ", p.key.pid), Role::Dim),
        (p.shown_command(false).0.into_owned(), Role::Text),
    ]
}
