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
    alert::saved::Boot,
    clock::{Stamp, since_boot},
    config::Settings,
    model::{
        alert::{AlertMark, AlertNews},
        event::Event,
        header::Header,
        run::{Change, Keeping, RunEvent, SeriesKey},
    },
    state::{State, runs::Runs},
    store::{GivenVerdict, KeptMark, Record, Store, StoreEvent, Unwritten},
};

/// The book of alerts is kept at every transition, and in between after this.
const BOOK_EVERY: Duration = Duration::from_secs(30);
/// The same while a hold runs: a program that is killed and started again goes on with a hold whose book is no older than
/// the gap that alerts bridge, which is at least 10 s.
const BOOK_OF_A_HOLD_EVERY: Duration = Duration::from_secs(5);

/// What a program writes into the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// It only reads.
    Nothing,
    /// Results, what is said of them, and what changed.
    Results,
    /// The book of alerts too, where no other one does; else it follows that one.
    Alerts,
}

/// The store of a session.
pub struct History {
    store: Store,
    events: Receiver<StoreEvent>,
    watching: Cell<bool>,
    /// Nothing is judged now.
    rests: bool,
    /// Runs of the suite under way, by their series: what is said of them is kept at its end.
    measured: Vec<(SeriesKey, String)>,
    /// What names this program among those that share the history.
    run: String,
    boot_id: Option<String>,
    keeps: Keeps,
    /// When the book of alerts was last kept, and whether there was anything in it.
    book: Option<(Stamp, bool)>,
}

/// What the store brought.
pub enum News {
    Event(Box<Event>),
    /// For the user, once.
    Message(String),
}

impl History {
    /// Begins to read it; `bell` rings when there is news.
    #[must_use]
    pub fn start(
        settings: &Settings,
        header: Option<&Header>,
        keeps: Keeps,
        bell: impl Fn() + Send + Sync + 'static,
    ) -> History {
        let (sender, events) = channel();
        let sender = Mutex::new(sender);
        let emit = move |what| {
            // The receiver is gone when the program is ending.
            let _ = sender.lock().unwrap_or_else(PoisonError::into_inner).send(what);
            bell();
        };
        let store = Store::start(settings, keeps == Keeps::Alerts, Arc::new(emit));
        let (run, boot_id) = header.map(|header| (header.run.clone(), header.boot_id.clone())).unwrap_or_default();
        History {
            store,
            events,
            watching: Cell::new(false),
            rests: false,
            measured: Vec::new(),
            run,
            boot_id,
            keeps,
            book: None,
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
            Event::Run(RunEvent::Undo { note, .. }) => self.store.keep(Record::Undo(note.clone())),
            Event::Alert(mark) => {
                self.store.keep(Record::AlertMark(KeptMark { run: self.run.clone(), mark: mark.clone() }));
            }
            _ => {}
        }
    }

    /// Keeps what became of alerts with the newest event, where this program keeps them: each episode, and the book at
    /// every transition and at times between.
    pub fn keep_alerts(&mut self, state: &State) {
        if self.keeps != Keeps::Alerts {
            return;
        }
        state.alarms.changed.iter().for_each(|episode| self.store.keep(Record::Episode(episode.clone())));
        if !state.alarms.owned || !state.alarms.recalled {
            return;
        }
        let now = state.host.now;
        let due = self.book.is_none_or(|(at, _)| match now.since(at) {
            age if age < BOOK_OF_A_HOLD_EVERY => false,
            age => age >= BOOK_EVERY || state.alerts.is_any_timed(),
        });
        if state.transitions.is_empty() && !due {
            return;
        }
        let worth = state.alerts.is_worth_keeping();
        if worth || self.book.is_some_and(|(_, before)| before) {
            self.keep_book(state);
        }
        self.book = Some((now, worth));
    }

    fn keep_book(&mut self, state: &State) {
        let boot = Boot { id: self.boot_id.clone(), lasts: since_boot() };
        self.store.keep(Record::Book(Box::new(state.saved(boot))));
    }

    /// Keeps what the state found to have changed.
    pub fn keep_changes(&mut self, changes: &[Change]) {
        if self.keeps == Keeps::Nothing {
            return;
        }
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

    /// What tells once all that was kept is on the disk, or why it is not.
    pub fn written(&self) -> Receiver<Result<(), String>> {
        self.store.written()
    }

    /// While somebody looks at results, those of other programs come too.
    pub fn watch(&self, on: bool) {
        if self.watching.replace(on) != on {
            self.store.watch(on);
        }
    }

    /// While nothing is judged here, another program may keep the alerts, and goes on from here. What tells once it can.
    pub fn rest(&mut self, on: bool, state: &State) -> Option<Receiver<()>> {
        if self.keeps != Keeps::Alerts || std::mem::replace(&mut self.rests, on) == on {
            return None;
        }
        if on && state.alarms.owned && self.book.is_some_and(|(_, worth)| worth) {
            self.keep_book(state);
        }
        self.store.rest(on)
    }

    /// What came and was not taken yet.
    pub fn next(&self, at: Stamp) -> Option<Vec<News>> {
        self.events.try_recv().ok().map(|event| self.news(event, at))
    }

    /// Waits for news until `end`.
    pub fn wait(&self, at: Stamp, end: Instant) -> Option<Vec<News>> {
        match self.events.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(event) => Some(self.news(event, at)),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Ends it once all is written, or after `within`.
    ///
    /// # Errors
    /// What is not kept, and why.
    pub fn finish(mut self, state: &State, within: Duration) -> Result<(), Unwritten> {
        // The next start goes on from here to the second.
        if self.keeps == Keeps::Alerts && state.alarms.owned && self.book.is_some_and(|(_, worth)| worth) {
            self.keep_book(state);
        }
        self.store.finish(within)
    }

    /// An event of the store, as facts.
    fn news(&self, event: StoreEvent, at: Stamp) -> Vec<News> {
        let run = |event| vec![News::Event(Box::new(Event::Run(event)))];
        let keeping = |keeping| run(RunEvent::Keeping { at, keeping });
        let alerts = |news| News::Event(Box::new(Event::Alerts(Box::new(news))));
        let about =
            || AlertNews { at, boot_id: self.boot_id.clone(), boot_lasts: since_boot(), ..AlertNews::default() };
        match event {
            StoreEvent::History(found) => {
                let crate::store::History { runs, marks, changes, undos, book, episodes, alert_marks, .. } = *found;
                let book = book.filter(|saved| saved.run != self.run);
                let book = book.and_then(|saved| serde_json::to_string(&saved).ok());
                let said = alert_marks.into_iter().filter(|kept| kept.run != self.run);
                let said = said
                    .map(|KeptMark { mark, .. }| AlertMark { at: Stamp { unix_ms: mark.at.unix_ms, ..at }, ..mark });
                let news = AlertNews { book, episodes, marks: said.collect(), ..about() };
                let history = Event::Run(RunEvent::History { at, runs, marks, changes, undos });
                vec![alerts(news), News::Event(Box::new(history))]
            }
            StoreEvent::Alerts { owned } => vec![alerts(AlertNews { owned: Some(owned), ..about() })],
            StoreEvent::Kept(file) => keeping(Keeping::In(file.display().to_string())),
            StoreEvent::Off(why) => keeping(Keeping::Off(why)),
            StoreEvent::Failing(why) => keeping(Keeping::Failing(why)),
            StoreEvent::Message(words) => vec![News::Message(words)],
        }
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
        session.remember(&settings, Keeps::Results, || {});
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

    /// A program that keeps alerts, of a machine whose load is over its limit from the first second on.
    fn watching(file: &Path, run: &str) -> Session {
        holding(file, run, Duration::ZERO)
    }

    fn holding(file: &Path, run: &str, hold: Duration) -> Session {
        let mut settings = Settings::default();
        settings.history.path = Some(file.to_owned());
        let limits = crate::alert::Limits { warn: Some(4.0), ..crate::alert::Limits::default() };
        let rule = crate::alert::Rule {
            limits,
            hold,
            say: "load is {value}".into(),
            ..crate::alert::Rule::new("load_high", crate::model::metrics::LOAD1)
        };
        let mut session = Session::new(vec![rule], Vec::new());
        let header = Header { boot_id: Some("a".into()), run: run.into(), ..Header::default() };
        session.fold(Event::Header(header));
        session.remember(&settings, Keeps::Alerts, || {});
        session.await_history(Instant::now() + LONG, |said| panic!("{said}"));
        session
    }

    /// The load at this many seconds after the start of the program.
    fn load(session: &mut Session, second: u64, load1: f64) {
        let at = session.clock().now().plus(Duration::from_secs(second));
        let sample = crate::model::load::LoadSample { load1, ..crate::model::load::LoadSample::default() };
        let (took, every, outcome) = (Duration::ZERO, Duration::from_secs(1), Ok(Sample::Load(sample)));
        session.fold(Event::Reading(Envelope { source: SourceId::Load, at, took, every, outcome }));
        session.fold(Event::Tick(at));
    }

    fn fired(session: &Session) -> Vec<(i64, bool)> {
        let fires = session.state().watches.iter().filter(|watch| watch.held);
        fires.map(|watch| (watch.fired.map_or(0, |at| at.unix_ms), watch.acknowledged)).collect()
    }

    #[test]
    fn what_fires_goes_on_in_the_next_program_and_is_said_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("history.db");
        let mut first = watching(&file, "1");
        assert!(first.state().alarms.owned, "nobody else has them");
        (0..3).for_each(|second| load(&mut first, second, 9.0));
        let key = first.state().watches[0].key();
        let says = crate::model::alert::AlertSays::Acknowledge { key, comment: "known".into() };
        let at = first.clock().now().plus(Duration::from_secs(3));
        first.fold(Event::Alert(AlertMark { at, says }));
        load(&mut first, 4, 9.0);
        let before = fired(&first);
        assert_eq!(before.iter().map(|(_, seen)| *seen).collect::<Vec<_>>(), [true]);
        first.finish().expect("written");
        let mut next = watching(&file, "2");
        let mut turns = Vec::new();
        for second in 5..8 {
            load(&mut next, second, 9.0);
            turns.extend(next.state().transitions.iter().map(|change| change.turn));
        }
        assert_eq!((fired(&next), turns.len()), (before, 0));
        assert_eq!(next.state().alarms.episodes.len(), 1);
        (8..11).for_each(|second| load(&mut next, second, 1.0));
        assert_eq!(fired(&next), []);
        next.finish().expect("written");
        let last = watching(&file, "3");
        let ended: Vec<_> =
            last.state().alarms.episodes.iter().map(|episode| (episode.end, episode.say.clone())).collect();
        assert_eq!(ended, [(Some(crate::model::alert::EpisodeEnd::Resolved), "load is 9".to_owned())]);
        assert_eq!(last.state().unseen().count(), 1, "nobody has looked at it");
    }

    #[test]
    fn a_hold_is_kept_while_it_runs() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("history.db");
        let mut session = holding(&file, "1", Duration::from_secs(300));
        let began = session.clock().now().unix_ms;
        (0..=13).for_each(|second| load(&mut session, second, 9.0));
        let kept = rusqlite::Connection::open(&file).expect("it opens");
        let at = || kept.query_row("SELECT at_ms FROM alert_book", [], |row| row.get::<_, i64>(0)).unwrap_or(0) - began;
        // The newest that is due; a bridge of 10 s reaches from it to the next start.
        let end = Instant::now() + LONG;
        while at() < 10_000 {
            assert!(Instant::now() < end, "{} ms", at());
            std::thread::yield_now();
        }
        // It pends since the first second, and no transition came after it.
        assert_eq!(session.state().verdict().pending, 1);
    }

    #[test]
    fn one_of_two_programs_keeps_the_alerts_and_the_other_follows() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("history.db");
        let mut keeper = watching(&file, "1");
        (0..3).for_each(|second| load(&mut keeper, second, 9.0));
        let mut screen = watching(&file, "2");
        assert!(keeper.state().alarms.owned && !screen.state().alarms.owned);
        (3..5).for_each(|second| load(&mut screen, second, 9.0));
        let key = keeper.state().watches[0].key();
        let says = crate::model::alert::AlertSays::Acknowledge { key, comment: String::new() };
        // After the book, which is of the last second that was judged.
        let at = screen.clock().now().plus(Duration::from_secs(6));
        screen.fold(Event::Alert(AlertMark { at, says }));
        let end = Instant::now() + LONG;
        while !keeper.state().watches.iter().any(|watch| watch.acknowledged) {
            assert!(Instant::now() < end, "what is said on the screen reaches the other program");
            std::thread::yield_now();
            keeper.recall(|said| panic!("{said}"));
        }
        while fired(&screen) != fired(&keeper) {
            assert!(Instant::now() < end, "the same age: {:?} {:?}", fired(&screen), fired(&keeper));
            std::thread::yield_now();
            screen.recall(|said| panic!("{said}"));
        }
        drop(keeper.finish());
        while !screen.state().alarms.owned {
            assert!(Instant::now() < end, "it takes over");
            std::thread::yield_now();
            screen.recall(|said| panic!("{said}"));
        }
        assert_eq!(screen.state().alarms.episodes.len(), 1, "the episode is not kept twice");
    }

    #[test]
    fn a_paused_screen_hands_the_alerts_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("history.db");
        let mut screen = watching(&file, "1");
        (0..3).for_each(|second| load(&mut screen, second, 9.0));
        let mut record = watching(&file, "2");
        (3..5).for_each(|second| load(&mut record, second, 9.0));
        assert!(screen.state().alarms.owned && !record.state().alarms.owned);
        screen.rest(true, LONG);
        let end = Instant::now() + LONG;
        while !record.state().alarms.owned {
            assert!(Instant::now() < end, "it takes over");
            std::thread::yield_now();
            record.recall(|said| panic!("{said}"));
        }
        screen.rest(false, Duration::ZERO);
        while screen.state().alarms.owned {
            assert!(Instant::now() < end, "it follows");
            std::thread::yield_now();
            screen.recall(|said| panic!("{said}"));
        }
        assert_eq!((fired(&screen), record.state().alarms.episodes.len()), (fired(&record), 1));
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
