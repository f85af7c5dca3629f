//! The one loop, the terminal, the wiring of each mode.

pub mod encode;
mod keyboard;
mod keys;
pub mod live;
pub mod once;
mod terminal;

use std::{fs::OpenOptions, io, path::Path, process::ExitCode, sync::OnceLock};

use tracing_appender::non_blocking::WorkerGuard;

use crate::{config::Settings, diag::Diagnostic, ui::theme::ThemeSet};

/// Says on standard error what went wrong; 1.
fn fail(what: &str) -> ExitCode {
    eprintln!("benchtop: {what}");
    ExitCode::FAILURE
}

/// The exit code of a failed write: a reader that has seen enough is no failure. `None` when all was written.
pub fn written(outcome: io::Result<()>) -> Option<ExitCode> {
    match outcome {
        Ok(()) => None,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Some(ExitCode::SUCCESS),
        Err(error) => Some(fail(&format!("the report could not be written: {error}"))),
    }
}

/// Sends trace messages to a file from here on, through a thread of its own: a full disk does not hold up the screen.
///
/// # Errors
/// When the file cannot be opened.
pub fn log_to(path: &Path) -> Result<(), Diagnostic> {
    static GUARD: OnceLock<WorkerGuard> = OnceLock::new();
    let place = path.display().to_string();
    let file = OpenOptions::new().create(true).append(true).open(path);
    let file = file.map_err(|error| Diagnostic::new(place, format!("the log could not be opened: {error}")))?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    let subscriber = tracing_subscriber::fmt().with_writer(writer).with_ansi(false).finish();
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        let _ = GUARD.set(guard);
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "benchtop begins");
    }
    Ok(())
}

/// The live screen; plain text where standard output is no terminal; a refusal where the terminal cannot carry it.
#[must_use]
pub fn live(settings: Settings, themes: ThemeSet, said: Option<String>) -> ExitCode {
    use std::io::IsTerminal;
    if !io::stdout().is_terminal() {
        return once::once(&settings, false);
    }
    if let Some(why) = terminal::Terminal::refusal() {
        eprintln!(
            "benchtop: {why}: the live screen needs a terminal\n  hint: `benchtop once` prints the same figures as text"
        );
        return ExitCode::from(2);
    }
    live::run(settings, themes, said)
}
