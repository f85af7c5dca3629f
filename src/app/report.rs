//! `benchtop report …`: what the history knows, beside what the machine shows now.

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::{Arc, mpsc::channel},
    thread,
    time::{Duration, Instant},
};

use super::{
    history::Keeps,
    once::{self, WAIT},
    output::{columns, painted, written},
};
use crate::{
    alert::Level,
    bench::{BENCHES, Survey, suite},
    config::Settings,
    model::{bench::Catalog, event::Event, run::RunEvent},
    sink::{doctor::Style, scorecard},
    state::{self, State},
    sys::exec::System,
    ui::theme::Theme,
};

/// The history is read while the sources are; only one that is slow is waited for longer.
const MORE: Duration = Duration::from_secs(2);

/// `benchtop report scorecard [--json]`.
#[must_use]
pub fn scorecard(settings: &Settings, theme: &Theme, json: bool) -> ExitCode {
    let mut session =
        once::read(settings, true, WAIT, Some((Keeps::Nothing, Instant::now() + WAIT + MORE)), Vec::new());
    if let Some(catalog) = catalog(settings, session.state()) {
        let at = session.clock().now();
        session.fold(Event::Run(RunEvent::Catalog { at, catalog }));
    }
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

/// What can be measured here, for the reasons why something was not; `None` where that takes too long to find out.
fn catalog(settings: &Settings, state: &State) -> Option<Catalog> {
    let (settings, state) = (settings.clone(), state.clone());
    let (sender, catalog) = channel();
    let survey = move || {
        let exec: Arc<dyn crate::sys::exec::Exec> = Arc::new(System);
        let survey = Survey { settings: &settings, state: &state, root: &settings.root, exec: &exec };
        // Nobody waits for it any more where it was slow.
        let _ = sender.send(suite::catalog(BENCHES, &survey));
    };
    thread::Builder::new().name("bt-bench-plan".to_owned()).spawn(survey).ok()?;
    catalog.recv_timeout(MORE).ok()
}
