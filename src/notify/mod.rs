//! Notices: who is notified of alerts. Each destination has a thread of its own, a ledger on disk of what was sent to it and is still
//! to be sent, and a back-off: one that is down delays nothing and loses nothing.

pub mod alertmanager;
mod deliver;
mod file;
pub mod health;
mod home;
pub mod ledger;
pub mod notice;
mod payload;
pub mod terminal;
mod worker;

use crate::config::notify::NotifySettings;

pub use home::Home;
pub use worker::{Picture, Report, Silenced};

use self::{deliver::Kind, worker::Worker};

/// All destinations at work.
pub struct Notifier {
    workers: Vec<Worker>,
}

impl Notifier {
    /// Starts a thread for each destination of `settings` but the bell, which is the terminal's; `wake` is called when
    /// one of them has something to say.
    #[must_use]
    pub fn start(settings: &NotifySettings, home: &Home, wake: impl Fn() + Send + Sync + Clone + 'static) -> Self {
        let kinds = Kind::all(settings);
        Notifier { workers: kinds.into_iter().map(|kind| Worker::start(kind, home.clone(), wake.clone())).collect() }
    }

    /// There are no destinations.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.workers.is_empty()
    }

    /// What fires now, and what has ended since the last time. Never waits.
    pub fn update(&self, picture: &Picture) {
        self.workers.iter().for_each(|worker| worker.update(picture));
    }

    /// What they have to say since the last time.
    #[must_use]
    pub fn reports(&self) -> Vec<Report> {
        self.workers.iter().flat_map(Worker::reports).collect()
    }

    /// Ends them; one that waits for its server is not waited for longer than `patience`.
    pub fn finish(self, patience: std::time::Duration) {
        let end = std::time::Instant::now() + patience;
        self.workers.iter().for_each(Worker::stop);
        self.workers.into_iter().for_each(|worker| worker.finish(end));
    }
}
