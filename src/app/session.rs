//! What every mode shares: sources, the fold, and the sinks that read it. The live screen, a report of one moment
//! and a replay differ in when they look and in what they want.

use std::{
    io,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

use super::{
    history::{History, Keeps, News},
    notices::Notices,
};
use crate::{
    alert::Rule,
    clock::{Clock, Stamp, local_zone, suspended},
    collect::{
        OpenCx, SOURCES, SourceDef, SourceSettings,
        lane::{Lanes, Outbox},
    },
    config::Settings,
    interest::{Interest, InterestCell},
    model::{
        event::{Envelope, Event},
        fault::{Fault, OFF},
        header::Header,
        model_server::ProbeSettings,
        run::{Change, Keeping, RunEvent},
        source::SourceId,
    },
    sink::Sink,
    state::State,
    sys::root::Root,
};

/// A run of any mode.
pub struct Session {
    clock: Clock,
    state: State,
    sinks: Vec<Box<dyn Sink>>,
    reading: Option<Reading>,
    history: Option<History>,
    /// How long the machine was suspended since its boot, as last seen.
    suspended: Duration,
    notices: Option<Notices>,
}

/// At the end, what was handed over last is written within this time: a second is left for all else.
const WRITING: Duration = Duration::from_secs(1);

/// A suspend of less is none: the two clocks are not read at the same moment.
const SLEPT: Duration = Duration::from_secs(1);

/// The running sources.
struct Reading {
    lanes: Lanes,
    events: Receiver<Envelope>,
    /// Time between two refreshes.
    every: Duration,
}

/// How reading begins.
pub struct Start {
    /// What the readers need.
    pub want: Interest,
    /// Time between two refreshes.
    pub every: Duration,
    /// For one report: only what it wants is read, and all processes in each round.
    pub once: bool,
}

impl Session {
    /// A session that reads nothing yet: a replay, or the time before the first reading.
    #[must_use]
    pub fn new(rules: Vec<Rule>, sinks: Vec<Box<dyn Sink>>) -> Self {
        Session {
            clock: Clock::start(),
            state: State::new(rules.into()),
            sinks,
            reading: None,
            history: None,
            suspended: suspended(),
            notices: None,
        }
    }

    /// A session on the machine of `settings`: its header is folded, and what is switched off is known to be. Its sources
    /// start with [`Session::start`].
    #[must_use]
    pub fn on(settings: &Settings, sinks: Vec<Box<dyn Sink>>) -> Self {
        let mut session = Session::new(settings.rules.clone(), sinks);
        session.state.alarms.windows = settings.maintenance.clone().into();
        session.state.alarms.zone = local_zone();
        session.state.config = Some(settings.version.clone().unwrap_or_else(|| Change::NONE.to_owned()));
        let at = session.clock.now();
        session.fold(Event::Header(header(&settings.root, at)));
        for source in SourceId::ALL.into_iter().filter(|id| settings.is_off(id.name())) {
            let (took, every, outcome) = (Duration::ZERO, Duration::ZERO, Err(Fault::Absent(OFF.to_owned())));
            session.fold(Event::Reading(Envelope { source, at, took, every, outcome }));
        }
        session
    }

    /// Starts the sources that `settings` leave on, and gives them: for a screen those first that its first figures come
    /// from. `bell` rings when one has answered.
    pub fn start(
        &mut self,
        settings: &Settings,
        Start { want, every, once }: Start,
        bell: impl Fn() + Send + Sync + 'static,
    ) -> Vec<&'static SourceDef> {
        let on = SOURCES.iter().filter(|source| !settings.is_off(source.id.name()));
        let sources: Vec<_> = on.filter(|source| !once || source.pace.is_wanted(&want)).collect();
        let of_sources = SourceSettings {
            read_all: once || settings.processes.read_all,
            engines: settings.engines.clone(),
            services: settings.services.clone(),
            model_servers: settings.model_servers.clone(),
            // A report of one moment puts no load on anything.
            model_probe: ProbeSettings { enabled: settings.model_probe.enabled && !once, ..settings.model_probe },
        };
        let open = OpenCx { root: settings.root.clone(), clock: self.clock, settings: of_sources };
        let cell = InterestCell::default();
        cell.set(want);
        let (outbox, events) = Outbox::new(bell);
        let mut lanes = Lanes::start(&sources, &open, cell, every, &outbox);
        if once {
            lanes.start_rest();
        }
        self.reading = Some(Reading { lanes, events, every });
        sources
    }

    /// Begins to read what was kept before, and keeps what `keeps` says from here on. `bell` rings when there is news.
    pub fn remember(&mut self, settings: &Settings, keeps: Keeps, bell: impl Fn() + Send + Sync + 'static) {
        if keeps == Keeps::Alerts {
            // Until it is known who keeps them.
            (self.state.alarms.owned, self.state.alarms.settled) = (false, false);
        }
        self.history = Some(History::start(settings, self.state.header.as_ref(), keeps, bell));
    }

    /// What tells once all that was folded and is kept is on the disk, or why it is not; nothing comes where nothing is kept.
    #[must_use]
    pub fn written(&self) -> Receiver<Result<(), String>> {
        self.history.as_ref().map_or_else(|| channel().1, History::written)
    }

    /// Folds what the history reported; `said` gets what the user should know once. False: there was nothing.
    pub fn recall(&mut self, mut said: impl FnMut(String)) -> bool {
        let mut any = false;
        while let Some(news) = self.history.as_ref().and_then(|history| history.next(self.clock.now())) {
            any = true;
            self.take_news(news, &mut said);
        }
        any
    }

    fn take_news(&mut self, news: Vec<News>, said: &mut impl FnMut(String)) {
        for news in news {
            match news {
                News::Event(event) => self.fold(*event),
                News::Message(words) => said(words),
            }
        }
    }

    /// Waits until the history was read, or cannot be, at most until `end`.
    pub fn await_history(&mut self, end: Instant, mut said: impl FnMut(String)) {
        let waits = |state: &State| !state.runs.loaded || !state.alarms.settled;
        while waits(&self.state) && !matches!(self.state.runs.keeping, Some(Keeping::Off(_) | Keeping::Failing(_))) {
            match self.history.as_ref().and_then(|history| history.wait(self.clock.now(), end)) {
                Some(news) => self.take_news(news, &mut said),
                None => return,
            }
        }
        self.recall(said);
    }

    /// The clock of the run.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// All that is known.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Folds one event in; the sinks get it first, for its sample is moved into the state.
    pub fn fold(&mut self, event: Event) {
        let is_end = matches!(event, Event::Run(RunEvent::Ended { .. }));
        let is_tick = matches!(event, Event::Tick(_));
        for sink in &mut self.sinks {
            sink.accept(&event, &self.state);
        }
        if let Some(history) = &mut self.history {
            history.keep(&event);
        }
        self.state.apply(event);
        if let Some(history) = &mut self.history {
            history.keep_changes(&self.state.changed);
            if is_end {
                history.keep_verdicts(&self.state.runs);
            }
            history.keep_alerts(&self.state);
        }
        if let Some(notices) = &mut self.notices {
            notices.look(&self.state, is_tick);
        }
    }

    /// Notifies the destinations of `settings` of alerts from here on. `wake` is called when one has something to say.
    pub fn notify(&mut self, settings: &Settings, wake: impl Fn() + Send + Sync + Clone + 'static) {
        self.notices = Notices::start(settings, &self.state, wake);
    }

    /// Folds what came back from destinations; `said` gets what the user should know once. False: there was nothing.
    pub fn take_reports(&mut self, mut said: impl FnMut(String)) -> bool {
        let Some(notices) = &mut self.notices else { return false };
        let (events, words) = notices.reports(self.clock.now());
        let any = !events.is_empty() || !words.is_empty();
        words.into_iter().for_each(&mut said);
        events.into_iter().for_each(|event| self.fold(event));
        any
    }

    /// What the terminal is to be sent beside the frame: it rings.
    pub fn take_rings(&mut self) -> String {
        self.notices.as_mut().map(Notices::take_rings).unwrap_or_default()
    }

    /// Folds all that has come, and a timeout for each source that is late; `seen` gets each before it is folded.
    pub fn take(&mut self, mut seen: impl FnMut(&Envelope, &State)) {
        let now = self.clock.now();
        let Some(Reading { lanes, events, .. }) = &mut self.reading else { return };
        let mut envelopes: Vec<Envelope> = std::iter::from_fn(|| events.try_recv().ok()).collect();
        envelopes.extend(lanes.overdue(now));
        for envelope in envelopes {
            seen(&envelope, &self.state);
            self.fold(Event::Reading(envelope));
        }
    }

    /// Folds all that has come; `seen` looks at the state after each.
    pub fn take_and(&mut self, mut seen: impl FnMut(&State)) {
        let now = self.clock.now();
        let Some(Reading { lanes, events, .. }) = &mut self.reading else { return };
        let mut envelopes: Vec<Envelope> = std::iter::from_fn(|| events.try_recv().ok()).collect();
        envelopes.extend(lanes.overdue(now));
        for envelope in envelopes {
            self.fold(Event::Reading(envelope));
            seen(&self.state);
        }
    }

    /// Waits for one reading until `end`, and folds it; false when none came.
    pub fn wait(&mut self, end: Instant, seen: impl FnOnce(&Envelope)) -> bool {
        let Some(Reading { events, .. }) = &self.reading else { return false };
        match events.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(envelope) => {
                seen(&envelope);
                self.fold(Event::Reading(envelope));
                true
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
        }
    }

    /// Advances the time shown to now.
    pub fn tick(&mut self) {
        let suspended = suspended();
        let slept = suspended.saturating_sub(self.suspended);
        if slept > SLEPT {
            let at = self.clock.now();
            self.fold(Event::Woke { at, slept });
        }
        self.suspended = suspended;
        self.fold(Event::Tick(self.clock.now()));
    }

    /// Resumes reading after a pause.
    pub fn resumed(&mut self) {
        let now = self.clock.now();
        self.fold(Event::Resumed(now));
        if let Some(reading) = &mut self.reading {
            reading.lanes.resumed(now);
        }
    }

    /// Starts the sources that were held back until the first figures were drawn.
    pub fn start_rest(&mut self) {
        if let Some(reading) = &mut self.reading {
            reading.lanes.start_rest();
        }
    }

    /// While nothing is judged here, another program may keep the alerts. Waits until it can, at most for `within`.
    pub fn rest(&mut self, on: bool, within: Duration) {
        let done = self.history.as_mut().and_then(|history| history.rest(on, &self.state));
        if let Some(done) = done.filter(|_| !within.is_zero()) {
            let end = Instant::now() + within;
            let _ = self.written().recv_timeout(within);
            let _ = done.recv_timeout(end.saturating_duration_since(Instant::now()));
        }
    }

    /// Passes the current interest to the sources.
    pub fn want(&mut self, want: Interest) {
        self.rest(want.paused, Duration::ZERO);
        if let Some(history) = &self.history {
            history.watch(want.runs || self.state.runs.under_way());
        }
        if let Some(reading) = &mut self.reading {
            let keyframes = self.state.host.processes.keyframes_wanted;
            reading.lanes.want(Interest { acts_done: self.state.operations, keyframes, ..want });
        }
    }

    /// Reads once in `every` from here on.
    pub fn pace(&mut self, every: Duration) {
        if self.reading.as_ref().is_some_and(|reading| reading.every != every) {
            self.restart(every);
        }
    }

    /// Begins new ticks now: the old ones passed while nothing was read.
    pub fn realign(&mut self) {
        self.restart(self.every());
    }

    fn restart(&mut self, every: Duration) {
        let now = self.clock.now();
        if let Some(reading) = &mut self.reading {
            reading.every = every;
            reading.lanes.refresh(every, now);
        }
    }

    /// Time between two refreshes.
    #[must_use]
    pub fn every(&self) -> Duration {
        self.reading.as_ref().map_or(Duration::ZERO, |reading| reading.every)
    }

    /// The next tick after now, microseconds of the run's clock.
    #[must_use]
    pub fn next_tick(&self) -> Option<u64> {
        self.reading.as_ref().map(|reading| reading.lanes.next_tick(self.clock.now()))
    }

    /// When the next source that is busy now is late, microseconds of the run's clock.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        self.reading.as_ref().and_then(|reading| reading.lanes.next_deadline())
    }

    /// Judges for a report of one moment, which cannot wait.
    pub fn judge_at_once(&mut self) {
        self.state.judge_at_once();
    }

    /// Ends the sources: what is known stays as it is.
    pub fn stop_reading(&mut self) {
        self.reading = None;
    }

    /// Ends the sources, and lets the sinks finish and the history be written.
    ///
    /// # Errors
    /// The first error of one of them; the others are finished too.
    pub fn finish(self) -> io::Result<State> {
        self.finish_within(WRITING)
    }

    /// The same where there is this much time for writing.
    ///
    /// # Errors
    /// As [`Session::finish`].
    pub fn finish_within(mut self, writing: Duration) -> io::Result<State> {
        self.stop_reading();
        let mut outcome = Ok(());
        for sink in &mut self.sinks {
            outcome = outcome.and(sink.finish(&self.state));
        }
        if let Some(notices) = self.notices {
            notices.finish();
        }
        if let Some(history) = self.history {
            outcome = outcome.and(history.finish(&self.state, writing).map_err(io::Error::other));
        }
        outcome.map(|()| self.state)
    }
}

/// The header of a run on the machine under `root`. It is made before the sources start, on the thread of the loop.
fn header(root: &Root, at: Stamp) -> Header {
    Header {
        at,
        schema: Header::SCHEMA,
        boot_id: root.line_at_once("proc/sys/kernel/random/boot_id"),
        run: format!("{:x}-{}", at.unix_ms, std::process::id()),
        host: root.line_at_once("proc/sys/kernel/hostname"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::model::load::LoadSample;

    /// Remembers what it was given: how many readings were folded at each event, and at the end.
    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<(String, f64)>>>);

    impl Sink for Memory {
        fn accept(&mut self, event: &Event, state: &State) {
            let name = serde_json::to_value(event).expect("an event is data");
            let name = name.as_object().and_then(|o| o.keys().next().cloned()).unwrap_or_default();
            self.0.lock().expect("one thread").push((name, state.host.load.raw.load1));
        }

        fn finish(&mut self, state: &State) -> io::Result<()> {
            self.0.lock().expect("one thread").push(("finish".to_owned(), state.host.load.raw.load1));
            Err(io::Error::other("full"))
        }
    }

    #[test]
    fn sinks_see_each_event_before_it_is_folded() {
        let memory = Memory::default();
        let mut session = Session::new(Vec::new(), vec![Box::new(memory.clone())]);
        let sample = crate::model::event::Sample::Load(LoadSample { load1: 3.0, ..LoadSample::default() });
        let (took, every, at) = (Duration::ZERO, Duration::from_secs(1), Stamp::at_seconds(1));
        session.fold(Event::Reading(Envelope { source: SourceId::Load, at, took, every, outcome: Ok(sample) }));
        session.fold(Event::Tick(Stamp::at_seconds(2)));
        assert!(session.finish().is_err(), "a sink that cannot write is reported");
        let seen = memory.0.lock().expect("one thread").clone();
        let expected = [("reading", 0.0), ("tick", 3.0), ("finish", 3.0)];
        assert_eq!(seen, expected.map(|(name, load)| (name.to_owned(), load)));
    }

    #[test]
    fn a_root_of_pipes_does_not_hold_up_the_start() {
        use rustix::fs::{CWD, FileType, mknodat};
        let root = tempfile::tempdir().expect("a folder");
        let kernel = root.path().join("proc/sys/kernel");
        std::fs::create_dir_all(&kernel).expect("a folder");
        mknodat(CWD, kernel.join("hostname"), FileType::Fifo, 0o600.into(), 0).expect("a pipe");
        let settings = Settings { root: Root::new(root.path()), ..Settings::default() };
        let session = Session::on(&settings, Vec::new());
        assert_eq!(session.state().header.as_ref().map(|header| header.host.clone()), Some(None));
    }

    #[test]
    fn what_is_switched_off_is_known_at_once() {
        let settings = Settings { disabled_sources: vec!["gpus".to_owned()], ..Settings::default() };
        let session = Session::on(&settings, Vec::new());
        let health = session.state().host.health.get(SourceId::Gpus).expect("it is known");
        assert!(health.fault.as_ref().is_some_and(Fault::is_off));
        assert_eq!(session.state().header.as_ref().map(|h| h.schema), Some(Header::SCHEMA));
    }
}
