//! Files of a process that may block whoever reads them: its command line, its cgroup, its storage counters. They are
//! asked for together and answered in order; a round does not wait for long. One that does not answer is left with the
//! reader that hangs on it, and not asked again before it came loose.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::io::Errno;

use crate::{
    collect::files::{AT_ONCE, Files, Kind},
    model::process::ProcKey,
    sys::root::Root,
};

/// A file of `/proc` that is not read in so long does not answer.
const PATIENCE: Duration = Duration::from_millis(400);
/// Readers that hang, at most: with so many, no more is asked.
const MOST_HUNG: usize = 16;

/// What of a process.
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

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told<'a> {
    Read(&'a [u8]),
    Failed(Errno),
    /// It does not answer.
    Silent,
    /// It did not answer, and does now: to be asked again.
    Loose,
}

/// All that was asked for and not told yet.
pub(super) struct Lookups {
    proc: PathBuf,
    /// Its files are a kernel's; else they are plain ones, which answer on a slow machine too.
    live: bool,
    line: Option<Files>,
    /// Sent, in order.
    asked: VecDeque<Wanted>,
    /// To be sent when those are answered.
    later: VecDeque<Wanted>,
    /// Something hangs: each answer is sent by itself, so that it is found.
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

    /// True when nothing that was asked for is still to come.
    pub(super) fn is_free(&self) -> bool {
        self.asked.is_empty() && self.later.is_empty() && self.hung.len() < MOST_HUNG
    }

    /// Asks for these; only when free.
    pub(super) fn ask(&mut self, wanted: Vec<Wanted>) {
        self.later.extend(wanted);
    }

    /// Sends what was asked for now rather than when answers are waited for.
    pub(super) fn begin(&mut self) {
        if !self.later.is_empty() {
            self.send(&mut |_, _| {});
        }
    }

    /// Tells what has come until all is told or the time is over.
    pub(super) fn take(&mut self, until: Instant, mut tell: impl FnMut(Wanted, Told<'_>)) {
        let now = Instant::now();
        self.hung.retain_mut(|(wanted, files)| match files.next(now) {
            Ok(None) => true,
            Ok(Some(_)) | Err(_) => {
                tell(*wanted, Told::Loose);
                false
            }
        });
        loop {
            if self.asked.is_empty() && !self.send(&mut tell) {
                return;
            }
            let (Some(line), Some(&wanted)) = (&mut self.line, self.asked.front()) else { return };
            let stalled = self.moved + PATIENCE;
            match line.next(until.min(stalled)) {
                Ok(Some(answer)) => {
                    self.asked.pop_front();
                    tell(wanted, answer.map_or_else(Told::Failed, Told::Read));
                    if self.asked.is_empty() || self.each {
                        self.moved = Instant::now();
                    }
                }
                Ok(None) if Instant::now() < stalled => return,
                Ok(None) => self.stalled(&mut tell),
                // The helper was ended by somebody: all is asked of the next.
                Err(_) => {
                    self.again();
                    if Instant::now() >= until {
                        return;
                    }
                }
            }
        }
    }

    /// Nothing came for too long: finds out what hangs, and leaves it.
    fn stalled(&mut self, tell: &mut impl FnMut(Wanted, Told<'_>)) {
        let awaited = if self.each { 1 } else { self.asked.len() };
        let may_block = |wanted: &Wanted| wanted.path(&self.proc).metadata().is_ok_and(|file| !file.is_file());
        if !self.live && !self.asked.iter().take(awaited).any(may_block) {
            self.moved = Instant::now();
            return;
        }
        if self.each
            && let (Some(wanted), Some(line)) = (self.asked.pop_front(), self.line.take())
        {
            tell(wanted, Told::Silent);
            self.hung.push((wanted, line));
            // Nor is the rest of that process asked for: it would hang as well, most likely.
            for rest in [&mut self.asked, &mut self.later] {
                rest.retain(|other| {
                    other.key != wanted.key || {
                        tell(*other, Told::Silent);
                        false
                    }
                });
            }
        }
        self.again();
    }

    /// What was sent is to be sent over a new line.
    fn again(&mut self) {
        self.line = None;
        self.each = true;
        while let Some(wanted) = self.asked.pop_back() {
            self.later.push_front(wanted);
        }
    }

    /// Sends the next ones; false when there is nothing left.
    fn send(&mut self, tell: &mut impl FnMut(Wanted, Told<'_>)) -> bool {
        if self.later.is_empty() {
            self.each = false;
            return false;
        }
        if self.line.is_none() {
            self.line = Files::open().ok();
        }
        let Some(line) = &mut self.line else {
            // No thread, no descriptor: they are asked for in another round.
            self.later.drain(..).for_each(|wanted| tell(wanted, Told::Loose));
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
