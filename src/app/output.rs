//! What the commands without a screen print: errors, colours where a terminal reads them, exit codes.

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use super::{encode::styled, terminal::Terminal};
use crate::{
    alert::Level,
    text::clean_lines,
    ui::theme::{Role, Theme},
};

/// Writes to standard error. Where nobody reads it any more, as after a lost connection, the work goes on: the macros of
/// the standard library would panic.
pub fn stderr(text: &str) {
    let mut out = io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Says something on standard error.
pub(super) fn say(what: &str) {
    stderr(&format!("benchtop: {}\n", clean_lines(what)));
}

/// Says on standard error what went wrong; 1.
pub(super) fn fail(what: &str) -> ExitCode {
    say(what);
    ExitCode::FAILURE
}

/// Columns of the terminal that is written to; `usize::MAX` when it is none.
#[must_use]
pub fn columns() -> usize {
    if io::stdout().is_terminal() { usize::from(Terminal::size().0) } else { usize::MAX }
}

/// `text` in the colour of a level, on a terminal; elsewhere as it is.
pub(super) fn painted(theme: &Theme, level: Level, text: &str) -> String {
    if !io::stdout().is_terminal() {
        return text.to_owned();
    }
    let style = match level {
        Level::Ok => theme.style(Role::Ok),
        level => theme.level(level),
    };
    styled(style, text)
}

/// The exit code of a failed write: a reader that has seen enough is no failure. `None` when all was written.
pub fn written(outcome: io::Result<()>) -> Option<ExitCode> {
    match outcome {
        Ok(()) => None,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Some(ExitCode::SUCCESS),
        Err(error) => Some(fail(&format!("could not write the report: {error}"))),
    }
}
