//! The one loop, the terminal, the wiring of each mode.

pub mod bench;
mod benches;
mod commands;
pub mod encode;
mod errands;
mod frame;
mod job_control;
mod keyboard;
mod keys;
pub mod live;
pub mod once;
pub mod output;
pub mod session;
mod shell;
mod terminal;

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::ExitCode,
    sync::OnceLock,
};

use rustix::fs::OFlags;
use tracing_appender::non_blocking::WorkerGuard;

use crate::{config::Settings, diag::Diagnostic, ui::theme::ThemeSet};

/// Sends trace messages to a file from here on, through a thread of its own: a full disk does not hold up the screen.
///
/// # Errors
/// When the file cannot be opened.
pub fn log_to(path: &Path) -> Result<(), Diagnostic> {
    static GUARD: OnceLock<WorkerGuard> = OnceLock::new();
    let place = path.display().to_string();
    let file = open_log(path);
    let file = file.map_err(|error| Diagnostic::new(place, format!("could not open the log: {error}")))?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    let subscriber = tracing_subscriber::fmt().with_writer(writer).with_ansi(false).finish();
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        let _ = GUARD.set(guard);
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "benchtop begins");
    }
    Ok(())
}

/// Opens a log for its owner alone. A link is not followed: in a folder that others may write to it would lead to any
/// file of ours.
fn open_log(path: &Path) -> io::Result<File> {
    // Non-blocking: a pipe without a reader would block the start.
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or(0);
    let file = OpenOptions::new().create(true).append(true).mode(0o600).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    Ok(file)
}

/// The live screen; plain text where standard output is no terminal; a refusal where the terminal cannot carry it.
#[must_use]
pub fn live(settings: Settings, themes: ThemeSet, said: Option<String>) -> ExitCode {
    use std::io::IsTerminal;
    if !io::stdout().is_terminal() {
        return once::once(&settings, false, once::WAIT);
    }
    if let Some(why) = terminal::Terminal::refusal() {
        eprintln!(
            "benchtop: {why}: the live screen needs a terminal\n  hint: `benchtop once` prints the same values as text"
        );
        return ExitCode::from(2);
    }
    live::run(settings, themes, said)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn a_log_is_its_owner_s_and_follows_no_link() {
        let folder = tempfile::tempdir().expect("a folder");
        let (log, link) = (folder.path().join("log"), folder.path().join("link"));
        let mode = open_log(&log).and_then(|file| file.metadata()).expect("a new log").mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
        symlink(&log, &link).expect("a link");
        assert!(open_log(&link).is_err());
        assert!(open_log(Path::new("/dev/null")).is_err());
    }
}
