//! `benchtop report …`: what the history knows, beside what the machine shows now.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::{Duration, Instant},
};

use super::{
    once::{self, WAIT},
    output::{columns, painted, written},
};
use crate::{
    alert::Level,
    config::Settings,
    sink::{doctor::Style, scorecard},
    state,
    text::clean_lines,
    ui::theme::Theme,
};

/// The history is read while the sources are; only one that is slow is waited for longer.
const MORE: Duration = Duration::from_secs(2);

/// `benchtop report scorecard [--json]`.
#[must_use]
pub fn scorecard(settings: &Settings, theme: &Theme, json: bool) -> ExitCode {
    let begin = |session: &mut super::session::Session| session.remember(settings, || {});
    let mut session = once::read_beside(settings, true, WAIT, Vec::new(), begin);
    session.await_history(Instant::now() + MORE, |words| eprintln!("benchtop: {}", clean_lines(&words)));
    let now = session.clock().now();
    let rows = state::scorecard::scorecard(session.state(), &settings.targets, now);
    let mut out = io::BufWriter::new(io::stdout().lock());
    let outcome = if json {
        scorecard::write_json(&rows, now, &mut out)
    } else {
        let paint = |level: Level, text: &str| painted(theme, level, text);
        let style = Style { ascii: settings.ascii, columns: columns(), paint: &paint };
        scorecard::write_text(&rows, &style, &mut out)
    };
    written(outcome.and_then(|()| out.flush())).unwrap_or(ExitCode::SUCCESS)
}
