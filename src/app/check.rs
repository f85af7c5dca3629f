//! `benchtop check`: the health of the machine at this moment, for people, scripts and monitoring systems.

use std::{
    fs::File,
    io::{self, BufReader, Write},
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use super::{
    history::Keeps,
    once::{self, WAIT},
    output::{columns, fail, painted, written},
};
use crate::{
    alert::Level,
    clock::local_zone,
    config::Settings,
    sink::{
        check::{self, Status},
        doctor::Style,
        replay,
    },
    state::State,
    ui::theme::Theme,
};

/// The history is read while the sources are; only one that is slow is waited for longer.
const MORE: Duration = Duration::from_secs(2);

/// How the outcome is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    Json,
    Card,
}

/// `benchtop check [--json] [--card]`.
#[must_use]
pub fn check(settings: &Settings, theme: &Theme, form: Form) -> ExitCode {
    let session = once::read(settings, true, WAIT, Some((Keeps::Nothing, Instant::now() + WAIT + MORE)), Vec::new());
    let state = session.state();
    let status = Status::of(state);
    match written(write(state, settings, theme, form)) {
        Some(code) => code,
        None => ExitCode::from(status.code()),
    }
}

fn write(state: &State, settings: &Settings, theme: &Theme, form: Form) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match form {
        Form::Json => check::write_json(state, &mut out)?,
        Form::Card => check::write_card(state, settings.ascii, &mut out)?,
        Form::Text => {
            let paint = |level: Level, text: &str| painted(theme, level, text);
            let style = Style { ascii: settings.ascii, columns: columns(), paint: &paint };
            check::write_text(state, &style, &mut out)?;
        }
    }
    out.flush()
}

/// `benchtop check --replay FILE`; `-` is standard input.
#[must_use]
pub fn replay(settings: &Settings, file: &Path) -> ExitCode {
    let place = file.display();
    let zone = local_zone();
    let past = if file == Path::new("-") {
        replay::replay(io::stdin().lock(), &settings.rules, &zone)
    } else {
        match File::open(file) {
            // A folder can be opened, and then not be read.
            Ok(found) if found.metadata().is_ok_and(|found| found.is_dir()) => {
                return fail_with(&format!("{place}: it is a directory, not a recording"));
            }
            Ok(file) => replay::replay(BufReader::new(file), &settings.rules, &zone),
            Err(error) => return fail_with(&format!("{place}: could not be opened: {error}")),
        }
    };
    let past = match past {
        Ok(past) => past,
        Err(error) => return fail_with(&format!("{place}: {error}")),
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    written(past.write(&zone, &mut out).and_then(|()| out.flush())).unwrap_or(ExitCode::SUCCESS)
}

/// Nothing can be said: 3.
fn fail_with(what: &str) -> ExitCode {
    let _ = fail(what);
    ExitCode::from(Status::Unknown.code())
}
