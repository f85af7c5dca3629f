//! Process files that may block their reader: command line, cgroup, storage counters. They are requested together and
//! answered in order; a round waits only briefly. A file that hangs keeps its reader and is not requested again until
//! it answers.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::io::Errno;

use crate::{
    collect::proc_files::{AT_ONCE, Files, Kind},
    model::process::ProcKey,
    sys::root::Root,
};

/// A `/proc` file unread for this long counts as hanging.
const PATIENCE: Duration = Duration::from_millis(400);
/// Hanging readers at most: beyond that, nothing more is requested.
const MOST_HUNG: usize = 16;

/// Which file of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Io,
    Cgroup,
    Command,
}

/// One file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) key: ProcKey,
    pub(super) what: What,
}

impl Wanted {
    fn path(&self, proc: &Path) -> PathBuf {
        let name = match self.what {
            What::Io => "io",
            What::Cgroup => "cgroup",
            What::Command => "cmdline",
        };
        proc.join(format!("{}/{name}", self.key.pid))
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome<'a> {
    Read(&'a [u8]),
    Failed(Errno),
    /// It hangs.
    Silent,
    /// It hung, and answers again: ask again.
    Loose,
}

/// All pending requests.
pub(super) struct Lookups {
    proc: PathBuf,
    /// The files are a real kernel's; plain ones are waited for, however slow the machine.
    live: bool,
    line: Option<Files>,
    /// Sent, in order.
    asked: VecDeque<Wanted>,
    /// To be sent when those are answered.
    later: VecDeque<Wanted>,
    /// A file hangs: requests are sent one by one to find it.
    each: bool,
    /// When the newest answer came.
    moved: Instant,
    hung: Vec<(Wanted, Files)>,
}

impl Lookups {
    pub(super) fn new(root: &Root) -> Self {
        Lookups {
            proc: root.path("proc"),
            live: root.is_this_machine(),
            line: None,
            asked: VecDeque::new(),
            later: VecDeque::new(),
            each: false,
            moved: Instant::now(),
            hung: Vec::new(),
        }
    }

    /// True without pending requests.
    pub(super) fn is_free(&self) -> bool {
        self.asked.is_empty() && self.later.is_empty() && self.hung.len() < MOST_HUNG
    }

    /// Queues these; only when free.
    pub(super) fn ask(&mut self, wanted: Vec<Wanted>) {
        self.later.extend(wanted);
    }

    /// Sends the queue now rather than when answers are awaited.
    pub(super) fn begin(&mut self) {
        if !self.later.is_empty() {
            self.send(&mut |_, _| {});
        }
    }

    /// Handles the answers that came, until all did or time is up.
    pub(super) fn take(&mut self, until: Instant, mut handle: impl FnMut(Wanted, Outcome<'_>)) {
        let now = Instant::now();
        self.hung.retain_mut(|(wanted, files)| match files.next(now) {
            Ok(None) => true,
            Ok(Some(_)) | Err(_) => {
                handle(*wanted, Outcome::Loose);
                false
            }
        });
        loop {
            if self.asked.is_empty() && !self.send(&mut handle) {
                return;
            }
            let (Some(line), Some(&wanted)) = (&mut self.line, self.asked.front()) else { return };
            let stalled = self.moved + PATIENCE;
            match line.next(until.min(stalled)) {
                Ok(Some(answer)) => {
                    self.asked.pop_front();
                    handle(wanted, answer.map_or_else(Outcome::Failed, Outcome::Read));
                    if self.asked.is_empty() || self.each {
                        self.moved = Instant::now();
                    }
                }
                Ok(None) if Instant::now() < stalled => return,
                Ok(None) => self.stalled(&mut handle),
                // The helper was killed: ask the next one for everything.
                Err(_) => {
                    self.again();
                    if Instant::now() >= until {
                        return;
                    }
                }
            }
        }
    }

    /// No answer for too long: finds the file that hangs, and abandons its reader.
    fn stalled(&mut self, handle: &mut impl FnMut(Wanted, Outcome<'_>)) {
        let awaited = if self.each { 1 } else { self.asked.len() };
        let may_block = |wanted: &Wanted| wanted.path(&self.proc).metadata().is_ok_and(|file| !file.is_file());
        if !self.live && !self.asked.iter().take(awaited).any(may_block) {
            self.moved = Instant::now();
            return;
        }
        if self.each
            && let (Some(wanted), Some(line)) = (self.asked.pop_front(), self.line.take())
        {
            handle(wanted, Outcome::Silent);
            self.hung.push((wanted, line));
            // The other files of that process would most likely hang as well.
            for rest in [&mut self.asked, &mut self.later] {
                rest.retain(|other| {
                    other.key != wanted.key || {
                        handle(*other, Outcome::Silent);
                        false
                    }
                });
            }
        }
        self.again();
    }

    /// What was sent must be sent again over a new connection.
    fn again(&mut self) {
        self.line = None;
        self.each = true;
        while let Some(wanted) = self.asked.pop_back() {
            self.later.push_front(wanted);
        }
    }

    /// Sends the next requests; false if there are none.
    fn send(&mut self, handle: &mut impl FnMut(Wanted, Outcome<'_>)) -> bool {
        if self.later.is_empty() {
            self.each = false;
            return false;
        }
        if self.line.is_none() {
            self.line = Files::open().ok();
        }
        let Some(line) = &mut self.line else {
            // No thread or descriptor left: ask again in another round.
            self.later.drain(..).for_each(|wanted| handle(wanted, Outcome::Loose));
            return false;
        };
        let count = self.later.len().min(AT_ONCE);
        let proc = &self.proc;
        let paths = self.later.iter().take(count).map(|wanted| (Kind::Piece, wanted.path(proc)));
        if line.ask(self.each, paths).is_err() {
            self.line = None;
            self.each = true;
            return !self.later.is_empty();
        }
        self.asked.extend(self.later.drain(..count));
        self.moved = Instant::now();
        true
    }
}
