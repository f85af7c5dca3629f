//! The thread of one destination: it takes the newest picture of what fires, keeps its ledger, and sends what is due. The
//! picture comes through a mailbox, so that its sender never waits.

use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use super::{
    alertmanager::{
        Posts,
        silences::{self, Change, Silence, Wanted},
    },
    deliver::{self, Kind, Undelivered},
    file::Kept,
    health::Health,
    home::Home,
    ledger::Ledger,
    notice::{Ended, Firing},
};
use crate::{config::notify::Web, sys::THREAD_PREFIX};

/// It looks at its ledger at least this often.
const TICK: Duration = Duration::from_secs(1);
/// Silences of an Alertmanager are read this often.
const SILENCES_MS: i64 = 30_000;
/// The rule that says that a destination fails.
const FAILING: &str = "notify_failing";
/// Ends that wait for a thread that is busy.
const ENDS: usize = 500;

/// What fires, and what has ended since the last picture.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    pub firing: Arc<[Firing]>,
    pub ended: Vec<Ended>,
}

/// What a destination has to say.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// How it does, when that has changed: the name, and since when it fails and why.
    Health { name: &'static str, health: Health },
    /// These alerts are silenced there: until when, by whom, why.
    Silenced { silences: Vec<Silenced> },
    /// Something to be said once.
    Message(String),
}

/// An alert that is silenced elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Silenced {
    pub alert: Firing,
    pub until_unix_ms: i64,
    pub by: String,
    pub comment: String,
}

#[derive(Default)]
struct Mailbox {
    firing: Option<Arc<[Firing]>>,
    ended: VecDeque<Ended>,
    reports: Vec<Report>,
    stop: bool,
}

struct Shared {
    mailbox: Mutex<Mailbox>,
    news: Condvar,
}

impl Shared {
    fn with<T>(&self, use_it: impl FnOnce(&mut Mailbox) -> T) -> T {
        use_it(&mut self.mailbox.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The owner's end.
pub(super) struct Worker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(super) fn start(kind: Kind, home: Home, wake: impl Fn() + Send + 'static) -> Self {
        let shared = Arc::new(Shared { mailbox: Mutex::default(), news: Condvar::new() });
        let (own, name) = (shared.clone(), kind.name());
        let run = move || Desk::new(kind, home, own, Box::new(wake)).run();
        let thread = thread::Builder::new().name(format!("{THREAD_PREFIX}{name}")).spawn(run);
        if let Err(error) = &thread {
            shared
                .with(|mailbox| mailbox.reports.push(Report::Message(format!("no thread for notify.{name}: {error}"))));
        }
        Worker { shared, thread: thread.ok() }
    }

    pub(super) fn update(&self, picture: &Picture) {
        self.shared.with(|mailbox| {
            mailbox.firing = Some(picture.firing.clone());
            mailbox.ended.extend(picture.ended.iter().cloned());
            while mailbox.ended.len() > ENDS {
                mailbox.ended.pop_front();
            }
        });
        self.shared.news.notify_one();
    }

    pub(super) fn reports(&self) -> Vec<Report> {
        self.shared.with(|mailbox| std::mem::take(&mut mailbox.reports))
    }

    pub(super) fn stop(&self) {
        self.shared.with(|mailbox| mailbox.stop = true);
        self.shared.news.notify_one();
    }

    /// Waits for its end until `end`.
    pub(super) fn finish(self, end: Instant) {
        let Some(thread) = self.thread else { return };
        while !thread.is_finished() && Instant::now() < end {
            thread::sleep(Duration::from_millis(10));
        }
        if thread.is_finished() {
            let _ = thread.join();
        }
    }
}

/// What is on disk.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
struct Books {
    ledger: Ledger,
    posts: Posts,
}

/// The thread's end.
struct Desk {
    kind: Kind,
    home: Home,
    shared: Arc<Shared>,
    wake: Box<dyn Fn() + Send>,
    kept: Kept,
    books: Books,
    /// What the disk has.
    written: Books,
    /// What fires; `None` before the first picture: nothing is known to have ended then.
    firing: Option<Arc<[Firing]>>,
    silences_at: i64,
    /// Alerts that an Alertmanager's silences covered when they were last read.
    covered: Vec<Firing>,
    /// How an Alertmanager does with silences; it may take alerts and refuse these.
    silences: Health,
    /// What was to be silenced when the silences were last read.
    wanted: Vec<Wanted>,
    beat_at: i64,
    said: Option<(u32, bool)>,
    complained: bool,
}

impl Desk {
    fn new(kind: Kind, home: Home, shared: Arc<Shared>, wake: Box<dyn Fn() + Send>) -> Self {
        let kept = Kept::new(home.folder.as_deref(), kind.name());
        let (books, damaged): (Books, _) = kept.read();
        if let Some(words) = damaged {
            shared.with(|mailbox| mailbox.reports.push(Report::Message(words)));
        }
        let written = books.clone();
        Desk {
            kind,
            home,
            shared,
            wake,
            kept,
            books,
            written,
            firing: None,
            silences_at: 0,
            covered: Vec::new(),
            silences: Health::default(),
            wanted: Vec::new(),
            beat_at: 0,
            said: None,
            complained: false,
        }
    }

    fn run(mut self) {
        loop {
            let (ended, stop) = self.listen();
            let now = now_unix_ms();
            if let Some(firing) = self.firing.clone() {
                let least = self.kind.level();
                match &self.kind {
                    Kind::Alertmanager(_) => self.books.posts.update(now, &firing, &ended, least),
                    Kind::Heartbeat(_) => {}
                    _ => drop(self.books.ledger.update(now, &firing, &ended, least)),
                }
                // What is to be sent is on disk before it is sent.
                self.keep();
            }
            if stop {
                return self.close(now);
            }
            self.send(now);
            self.keep();
            self.say_health();
        }
    }

    /// Waits for news, no longer than a tick.
    fn listen(&mut self) -> (Vec<Ended>, bool) {
        let mut mailbox = self.shared.mailbox.lock().unwrap_or_else(PoisonError::into_inner);
        if mailbox.firing.is_none() && mailbox.ended.is_empty() && !mailbox.stop {
            let waited = self.shared.news.wait_timeout(mailbox, TICK);
            mailbox = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if let Some(firing) = mailbox.firing.take() {
            let name = self.kind.name();
            // That it fails itself is reported elsewhere.
            let is_own =
                |alert: &Firing| alert.key.rule == FAILING && alert.labels.iter().any(|(_, value)| value == name);
            self.firing = Some(firing.iter().filter(|alert| !is_own(alert)).cloned().collect());
        }
        (mailbox.ended.drain(..).collect(), mailbox.stop)
    }

    fn keep(&mut self) {
        // A heartbeat has nothing to keep.
        if self.books == self.written || matches!(self.kind, Kind::Heartbeat(_)) {
            return;
        }
        match self.kept.write(&self.books) {
            Ok(()) => {
                self.written.clone_from(&self.books);
                self.complained = false;
            }
            Err(error) if !self.complained => {
                self.complained = true;
                let words = format!("notify.{}: what is sent cannot be kept: {error}", self.kind.name());
                self.report(Report::Message(words));
            }
            Err(_) => {}
        }
    }

    fn send(&mut self, now: i64) {
        match self.kind.clone() {
            Kind::Alertmanager(web) => self.post(&web, now),
            Kind::Heartbeat(web) => {
                if now >= self.beat_at && now >= self.books.ledger.health.next_unix_ms {
                    self.beat_at = now + i64::try_from(web.every.as_millis()).unwrap_or(60_000);
                    let outcome = deliver::beat(&web);
                    self.book(outcome);
                }
            }
            kind => {
                // One after the other, until one fails.
                while let Some(notice) = self.books.ledger.next(now_unix_ms()).cloned() {
                    match deliver::notice(&kind, &notice, &self.home.host) {
                        Ok(()) => {
                            self.books.ledger.arrived(&notice, now_unix_ms());
                            self.keep();
                        }
                        Err(undelivered) => return self.undelivered(undelivered, now),
                    }
                    if self.shared.with(|mailbox| mailbox.stop) {
                        return;
                    }
                }
            }
        }
    }

    fn post(&mut self, web: &Web, now: i64) {
        if now < self.books.ledger.health.next_unix_ms || self.firing.is_none() {
            return;
        }
        if self.books.posts.is_due(now) {
            let body = self.books.posts.body(now, self.firing.as_deref().unwrap_or_default(), &self.home.host, false);
            let outcome = deliver::alertmanager(web, "POST", "/api/v2/alerts", Some(&body)).map(drop);
            if outcome.is_ok() {
                self.books.posts.arrived(now);
            }
            self.book(outcome);
        }
        if self.books.ledger.health.failures == 0 && now >= self.silences.next_unix_ms {
            self.look_at_silences(web, now);
        }
    }

    /// What is silenced there is silenced here, and the other way round.
    fn look_at_silences(&mut self, web: &Web, now: i64) {
        let firing = self.firing.clone().unwrap_or_default();
        let host = self.home.host.clone();
        let wanted = if web.silences { silences::wanted(&self.books.posts, &firing, &host) } else { Vec::new() };
        if now - self.silences_at < SILENCES_MS && wanted == self.wanted {
            return;
        }
        self.silences_at = now;
        let read = deliver::alertmanager(web, "GET", "/api/v2/silences", None);
        let all: Vec<Silence> = match read.and_then(|body| silences::read(&body)) {
            Ok(all) => all,
            Err(why) => return self.silences_failed(&why, now),
        };
        let silenced = |alert: &Firing| {
            let found = all.iter().find_map(|silence| Some((silence, silence.covers(alert, &host)?)));
            found.map(|(silence, until_unix_ms)| Silenced {
                alert: alert.clone(),
                until_unix_ms,
                by: silence.created_by.clone(),
                comment: silence.comment.clone(),
            })
        };
        // One that is clear now may fire again under the same silence.
        let clear = self.covered.iter().filter(|was| firing.iter().all(|alert| alert.key != was.key));
        let silences: Vec<Silenced> = firing.iter().chain(clear).filter_map(silenced).collect();
        self.covered = silences.iter().map(|silenced| silenced.alert.clone()).collect();
        self.report(Report::Silenced { silences });
        for change in silences::changes(&all, &wanted, &host, now).into_iter().filter(|_| web.silences) {
            let asked = match &change {
                Change::Post(body) => deliver::alertmanager(web, "POST", "/api/v2/silences", Some(body)),
                Change::End(id) => deliver::alertmanager(web, "DELETE", &format!("/api/v2/silence/{id}"), None),
            };
            if let Err(why) = asked {
                return self.silences_failed(&why, now);
            }
        }
        self.wanted = wanted;
        self.silences.well(now);
    }

    /// They have a back-off of their own: alerts arrive meanwhile.
    fn silences_failed(&mut self, why: &str, now: i64) {
        let spread = self.spread(now);
        self.silences.failed(format!("its silences: {why}"), now, spread);
    }

    /// A notice did not arrive. One that is refused for what it is must not keep the others waiting for ever.
    fn undelivered(&mut self, undelivered: Undelivered, now: i64) {
        let Undelivered { why, refused } = undelivered;
        self.book(Err(why.clone()));
        if let Some(notice) = refused.then(|| self.books.ledger.refused(now)).flatten() {
            let words = format!("notify.{}: not sent, as it is refused: {}: {why}", self.kind.name(), notice.alert.say);
            self.report(Report::Message(words));
        }
    }

    /// Notes how an attempt went.
    fn book(&mut self, outcome: Result<(), String>) {
        let now = now_unix_ms();
        match outcome {
            Ok(()) => self.books.ledger.health.well(now),
            Err(why) => {
                let spread = self.spread(now);
                self.books.ledger.health.failed(why, now, spread);
            }
        }
    }

    /// From 0 to 1, another for each destination and attempt.
    fn spread(&self, now: i64) -> f64 {
        let mut hasher = DefaultHasher::new();
        (self.kind.name(), now).hash(&mut hasher);
        (hasher.finish() % 1000) as f64 / 1000.0
    }

    /// An orderly end: an Alertmanager would say that all has resolved, four minutes later.
    fn close(mut self, now: i64) {
        if let Kind::Alertmanager(web) = &self.kind
            && self.books.ledger.health.failures == 0
            && self.firing.is_some()
        {
            let body = self.books.posts.body(now, self.firing.as_deref().unwrap_or_default(), &self.home.host, true);
            let short = Web { timeout: Duration::from_secs(1), ..web.clone() };
            if body.as_array().is_some_and(|all| !all.is_empty()) {
                let _ = deliver::alertmanager(&short, "POST", "/api/v2/alerts", Some(&body));
            }
        }
        self.keep();
    }

    /// Says how it does when that has changed.
    fn say_health(&mut self) {
        let own = &self.books.ledger.health;
        let health = if own.failures == 0 && self.silences.failures > 0 { &self.silences } else { own };
        // The first failure may be transient.
        let is = (health.failures.min(2), health.arrived_unix_ms.is_some());
        if self.said != Some(is) {
            self.said = Some(is);
            let health = health.clone();
            self.report(Report::Health { name: self.kind.name(), health });
        }
    }

    fn report(&self, report: Report) {
        self.shared.with(|mailbox| mailbox.reports.push(report));
        (self.wake)();
    }
}

fn now_unix_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
