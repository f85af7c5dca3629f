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
mod tests;
