//! The one loop, the terminal, the wiring of each mode.

mod auto_undo;
mod background;
pub mod bench;
mod benches;
pub mod check;
mod commands;
pub mod encode;
mod frame;
mod history;
mod job_control;
mod keyboard;
mod keys;
pub mod live;
pub mod log;
mod notices;
pub mod once;
pub mod output;
pub mod record;
pub mod report;
pub mod session;
mod shell;
mod terminal;
mod timer;

use std::{io, process::ExitCode};

use crate::{config::Settings, ui::theme::ThemeSet};

/// The live screen; plain text where standard output is no terminal; a refusal where the terminal cannot carry it.
#[must_use]
pub fn live(settings: Settings, themes: ThemeSet, said: Option<String>) -> ExitCode {
    use std::io::IsTerminal;
    if !io::stdout().is_terminal() {
        return once::once(&settings, false, once::WAIT);
    }
    if let Some(why) = terminal::Terminal::refusal() {
        output::say(&format!(
            "{why}: the live screen needs a terminal\n  hint: `benchtop once` prints the same values as text"
        ));
        return ExitCode::from(2);
    }
    live::run(settings, themes, said)
}
