//! The history of a session: what is measured is handed to the store, and what the store holds, or what it has to say,
//! comes back as events.

use std::{
    cell::Cell,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    time::{Duration, Instant},
};

use crate::{
    clock::Stamp,
    config::Settings,
    model::{
        event::Event,
        run::{Change, Keeping, RunEvent, SeriesKey},
    },
    state::runs::Runs,
    store::{GivenVerdict, Record, Store, Told, Unwritten},
};

/// The store of a session.
pub struct History {
    store: Store,
    told: Receiver<Told>,
    watching: Cell<bool>,
    /// Runs of the suite under way, by their series: what is said of them is kept at its end.
    measured: Vec<(SeriesKey, String)>,
}

/// What the store brought.
pub enum News {
    Event(RunEvent),
    /// For the user, once.
    Said(String),
}

impl History {
    /// Begins to read it; `bell` rings when there is news.
    #[must_use]
    pub fn start(settings: &Settings, bell: impl Fn() + Send + Sync + 'static) -> History {
        let (sender, told) = channel();
        let sender = Mutex::new(sender);
        let tell = move |what| {
            // The receiver is gone when the program is ending.
            let _ = sender.lock().unwrap_or_else(PoisonError::into_inner).send(what);
            bell();
        };
        History {
            store: Store::start(settings, Arc::new(tell)),
            told,
            watching: Cell::new(false),
            measured: Vec::new(),
        }
    }

    /// Keeps what outlasts the program: results, what the user said of them, changes.
    pub fn keep(&mut self, event: &Event) {
        match event {
            Event::Run(RunEvent::Measured { runs, .. }) => {
                runs.iter().for_each(|run| self.store.keep(Record::Run(run.clone())));
                self.measured.extend(runs.iter().map(|run| (run.key(), run.id.clone())));
            }
            Event::Run(RunEvent::Mark { mark, .. }) => self.store.keep(Record::Mark(mark.clone())),
            Event::Run(RunEvent::Changed { change, .. }) => self.store.keep(Record::Change(change.clone())),
            _ => {}
        }
    }

    /// Keeps what the state found to have changed.
    pub fn keep_changes(&mut self, changes: &[Change]) {
        changes.iter().for_each(|change| self.store.keep(Record::Change(change.clone())));
    }

    /// Keeps what is said of the runs of a suite: at its end, as later figures of it have a say.
    pub fn keep_verdicts(&mut self, runs: &Runs) {
        for (series, id) in std::mem::take(&mut self.measured) {
            let verdict = runs.verdicts(&series).iter().find(|verdict| verdict.run == id);
            let run = runs.history.get(&series).and_then(|all| all.iter().find(|run| run.id == id));
            if let (Some(run), Some(verdict)) = (run, verdict) {
                self.store.keep(Record::Verdict(GivenVerdict::of(run, verdict)));
            }
        }
    }

    /// While somebody looks at results, those of other programs come too.
    pub fn watch(&self, on: bool) {
        if self.watching.replace(on) != on {
            self.store.watch(on);
        }
    }

    /// What came and was not taken yet.
    pub fn next(&self, at: Stamp) -> Option<News> {
        self.told.try_recv().ok().map(|told| news(told, at))
    }

    /// Waits for news until `end`.
    pub fn wait(&self, at: Stamp, end: Instant) -> Option<News> {
        match self.told.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(told) => Some(news(told, at)),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Ends it once all is written, or after `within`.
    ///
    /// # Errors
    /// What is not kept, and why.
    pub fn finish(self, within: Duration) -> Result<(), Unwritten> {
        self.store.finish(within)
    }
}

fn news(told: Told, at: Stamp) -> News {
    let keeping = |keeping| News::Event(RunEvent::Keeping { at, keeping });
    match told {
        Told::History(found) => {
            let crate::store::History { runs, marks, changes, .. } = *found;
            News::Event(RunEvent::History { at, runs, marks, changes })
        }
        Told::Kept(file) => keeping(Keeping::In(file.display().to_string())),
        Told::Off(why) => keeping(Keeping::Off(why)),
        Told::Failing(why) => keeping(Keeping::Failing(why)),
        Told::Said(words) => News::Said(words),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::Path};

    use super::*;
    use crate::{
        app::session::Session,
        model::{
            bench::BenchKey,
            event::{Envelope, Sample},
            facts::FactsSample,
            run::{Better, Run, RunMark, RunSays},
            source::SourceId,
            unit::Unit,
        },
    };

    const LONG: Duration = Duration::from_secs(60);

    fn session(file: &Path, enabled: bool) -> Session {
        let mut settings = Settings::default();
        (settings.history.enabled, settings.history.path) = (enabled, Some(file.to_owned()));
        let mut session = Session::new(Vec::new(), Vec::new());
        session.remember(&settings, || {});
        session.await_history(Instant::now() + LONG, |said| panic!("{said}"));
        session
    }

    fn series() -> SeriesKey {
        SeriesKey { benchmark: "cpu_single_ops".into(), of: String::new() }
    }

    /// What of a run outlasts it, and what does not.
    fn events(at: Stamp) -> Vec<RunEvent> {
        let run = Run {
            id: "1".into(),
            batch: "b".into(),
            benchmark: series().benchmark,
            of: String::new(),
            unit: Unit::PerSecond,
            better: Better::Higher,
            at_unix_ms: 5,
            took: Duration::from_secs(1),
            samples: vec![1.0, 2.0],
            fingerprint: BTreeMap::new(),
            notes: Vec::new(),
        };
        let key = BenchKey { bench: "cpu".into(), of: String::new() };
        let change = Change {
            at_unix_ms: 6,
            kind: "kernel".into(),
            of: String::new(),
            property: "release".into(),
            before: Some("6.1".into()),
            after: Some("6.2".into()),
        };
        vec![
            RunEvent::Failed { at, key: key.clone(), why: "no".into() },
            RunEvent::Measured { at, key, runs: vec![run] },
            RunEvent::Ended { at, stopped: false, report: String::new() },
            RunEvent::Mark { at, mark: RunMark { at_unix_ms: 7, series: series(), says: RunSays::Accept } },
            RunEvent::Changed { at, change },
        ]
    }

    #[test]
    fn the_next_start_knows_what_was_measured() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("history.db");
        let mut first = session(&file, true);
        assert_eq!(first.state().runs.keeping, Some(Keeping::In(file.display().to_string())));
        events(first.clock().now()).into_iter().for_each(|event| first.fold(Event::Run(event)));
        let known = first.finish().expect("written").runs;
        let next = session(&file, true);
        let runs = &next.state().runs;
        assert!(runs.loaded && !known.history.is_empty());
        assert_eq!((&runs.history, &runs.marks, &runs.changes), (&known.history, &known.marks, &known.changes));
        assert!(runs.failed.is_empty(), "a failure is of its program");
    }

    #[test]
    fn what_is_read_is_not_written_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("history.db");
        let mut first = session(&file, true);
        events(first.clock().now()).into_iter().for_each(|event| first.fold(Event::Run(event)));
        first.finish().expect("written");
        session(&file, true).finish().expect("nothing to write");
        let file = rusqlite::Connection::open(&file).expect("it opens");
        let rows =
            |table: &str| file.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0));
        assert_eq!(["runs", "marks", "changes", "verdicts"].map(|table| rows(table).expect("counted")), [1; 4]);
        let said = file.query_row("SELECT run || ' ' || text FROM verdicts", [], |row| row.get::<_, String>(0));
        assert_eq!(said.expect("one"), "1 new: 1.5/s");
    }

    #[test]
    fn what_changed_between_two_starts_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("history.db");
        let started = |release: &str| {
            let mut session = session(&file, true);
            let at = session.clock().now();
            let facts = FactsSample { kernel: Some(release.into()), ..FactsSample::default() };
            let (took, every, outcome) = (Duration::ZERO, LONG, Ok(Sample::Facts(Box::new(facts))));
            session.fold(Event::Reading(Envelope { source: SourceId::Facts, at, took, every, outcome }));
            let changes = session.finish().expect("written").runs.changes;
            changes.into_iter().filter(|change| change.kind == "kernel").collect::<Vec<Change>>()
        };
        assert_eq!(started("6.1").len(), 1, "seen for the first time");
        assert_eq!(started("6.1").len(), 1);
        assert_eq!(started("6.12").last().and_then(|change| change.before.clone()).as_deref(), Some("6.1"));
        assert_eq!(started("6.12").len(), 2, "kept, once");
    }

    #[test]
    fn a_history_that_is_off_makes_no_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("history.db");
        let mut off = session(&file, false);
        events(off.clock().now()).into_iter().for_each(|event| off.fold(Event::Run(event)));
        let state = off.finish().expect("nothing is wrong");
        assert!(matches!(&state.runs.keeping, Some(Keeping::Off(why)) if why.contains("--no-history")));
        assert_eq!(state.runs.history[&series()].len(), 1, "it is shown as long as the program runs");
        assert!(!file.exists());
    }
}
