//! What keys ask of the outside world, each on a thread of its own: a folder on a dead mount, a server of user names
//! that is down, an engine that does not answer hold up their own thread and nothing else.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitStatus,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use tokio::sync::Notify;

use crate::{
    alert::Level,
    collect::lane::THREAD_PREFIX,
    request::{Done, Job, Outcome},
};

/// What came of work in the background.
pub enum Report {
    /// How it went.
    Message(Outcome),
    /// An operation, and how it went.
    Act(Box<(Job, Done)>),
    /// What the config allows to be undone, and how it went.
    Undo(Box<(Job, Done)>),
    /// A program that had the terminal ended, or why it did not begin.
    Shell(Result<ExitStatus, String>),
}

impl Report {
    /// Something that went wrong.
    pub fn warn(text: String) -> Self {
        Report::Message(Outcome { level: Level::Warn, text })
    }
}

/// Work under way.
pub struct Background {
    done: Sender<Report>,
    reports: Receiver<Report>,
    wake: Arc<Notify>,
}

impl Background {
    /// None under way; `wake` is called when one is done.
    pub fn new(wake: Arc<Notify>) -> Self {
        let (done, reports) = channel();
        Background { done, reports, wake }
    }

    /// Begins one; it reports once it ends. False: it was not begun, and why is reported.
    pub fn begin(&self, work: impl FnOnce() -> Report + Send + 'static) -> bool {
        let (done, wake) = (self.done.clone(), self.wake.clone());
        let spawned = thread::Builder::new().name(format!("{THREAD_PREFIX}background")).spawn(move || {
            let report = catch_unwind(AssertUnwindSafe(work));
            let report = report.unwrap_or_else(|_| Report::warn("this failed inside benchtop: see --log".to_owned()));
            // The receiver is gone when the program is ending.
            let _ = done.send(report);
            wake.notify_one();
        });
        if let Err(error) = spawned {
            let _ = self.done.send(Report::warn(no_thread("this", &error)));
            self.wake.notify_one();
            return false;
        }
        true
    }

    /// A report that was not taken yet.
    pub fn next(&self) -> Option<Report> {
        self.reports.try_recv().ok()
    }
}

/// Why `what` cannot run, with the limits that may be meant.
pub fn no_thread(what: &str, error: &std::io::Error) -> String {
    format!(
        "could not start a thread for {what}: {error} (a limit of processes: `ulimit -u`, or `--pids-limit` of a container)"
    )
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn next(background: &Background) -> Report {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            match background.next() {
                Some(report) => return report,
                None => assert!(Instant::now() < end, "no report"),
            }
            thread::yield_now();
        }
    }

    #[test]
    fn one_that_hangs_holds_up_no_other() {
        let background = Background::new(Arc::new(Notify::new()));
        let (release, held) = channel::<()>();
        background.begin(move || {
            let _ = held.recv();
            Report::warn("late".to_owned())
        });
        background.begin(|| Report::warn("soon".to_owned()));
        assert!(matches!(next(&background), Report::Message(outcome) if outcome.text == "soon"));
        release.send(()).expect("it waits");
        assert!(matches!(next(&background), Report::Message(outcome) if outcome.text == "late"));
    }

    #[test]
    fn a_panic_is_reported() {
        let background = Background::new(Arc::new(Notify::new()));
        background.begin(|| panic!("no"));
        assert!(matches!(next(&background), Report::Message(outcome) if outcome.level == Level::Warn));
    }
}
