//! A running child: its lines come as they are written, it ends at its deadline or when it is cancelled, TERM then KILL.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read},
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    process,
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, Signal, kill_process_group},
};

use super::{Canceller, Child, ExecError, Limits, Output, Stream, command};
use crate::sys::helper;

/// Between TERM and KILL, and between KILL and giving up.
const GRACE: Duration = Duration::from_millis(500);

/// A child of this machine. Dropping it kills it and all that it started.
pub(super) struct Running {
    program: PathBuf,
    child: process::Child,
    _watch: helper::Watch,
    pipes: [Pipe; 2],
    ready: VecDeque<Output>,
    end: Option<Instant>,
    limits: Limits,
    /// Readable once cancelled.
    cancelled: OwnedFd,
    cancel: Arc<OwnedFd>,
    ended: bool,
}

/// One of its outputs.
struct Pipe {
    stream: Stream,
    file: Option<File>,
    /// The line under way.
    rest: Vec<u8>,
    /// Bytes that were passed on.
    passed: usize,
}

impl Running {
    pub(super) fn spawn(program: &Path, arguments: &[&str], limits: Limits) -> Result<Self, ExecError> {
        Self::start(program, command(program, arguments), limits)
    }

    /// Starts `command`, which is made by [`command`].
    pub(super) fn start(program: &Path, mut command: process::Command, limits: Limits) -> Result<Self, ExecError> {
        let failed = |source: io::Error| ExecError::Start { program: program.to_owned(), source };
        let (cancelled, cancel) =
            rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(|e| failed(e.into()))?;
        let mut child = command.spawn().map_err(failed)?;
        let watch = helper::watch(child.id());
        let files = [child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from)];
        let [out, err] = files.map(|file| file.map(File::from));
        let pipe = |stream, file| Pipe { stream, file, rest: Vec::new(), passed: 0 };
        Ok(Running {
            program: program.to_owned(),
            child,
            _watch: watch,
            pipes: [pipe(Stream::Out, out), pipe(Stream::Err, err)],
            ready: VecDeque::new(),
            end: limits.deadline.map(|deadline| Instant::now() + deadline),
            limits,
            cancelled,
            cancel: Arc::new(cancel),
            ended: false,
        })
    }

    fn broken(&self, source: io::Error) -> ExecError {
        ExecError::Read { program: self.program.clone(), source }
    }

    /// Waits for output until `until`; true when some came or a pipe was closed.
    fn fill(&mut self, until: Option<Instant>) -> Result<bool, ExecError> {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let timeout =
            left.map(|left| Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: i64::from(left.subsec_nanos()) });
        let ready = {
            let mut fds = vec![PollFd::new(&self.cancelled, PollFlags::IN)];
            let open = self.pipes.iter().filter_map(|pipe| pipe.file.as_ref());
            fds.extend(open.map(|file| PollFd::from_borrowed_fd(file.as_fd(), PollFlags::IN)));
            match poll(&mut fds, timeout.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(self.broken(error.into())),
            }
            fds.iter().map(|fd| !fd.revents().is_empty()).collect::<Vec<bool>>()
        };
        if ready.first() == Some(&true) {
            self.kill();
            return Err(ExecError::Cancelled { program: self.program.clone() });
        }
        let mut any = false;
        let mut at = 1;
        for index in 0..self.pipes.len() {
            if self.pipes[index].file.is_none() {
                continue;
            }
            if ready.get(at) == Some(&true) {
                any = true;
                let read = self.pipes[index].read(self.limits, &mut self.ready);
                read.map_err(|error| self.broken(error))?;
            }
            at += 1;
        }
        Ok(any)
    }

    fn closed(&self) -> bool {
        self.pipes.iter().all(|pipe| pipe.file.is_none())
    }

    /// Ends it and all that it started.
    fn kill(&mut self) {
        self.ended = kill(&mut self.child);
    }
}

impl Pipe {
    fn read(&mut self, limits: Limits, ready: &mut VecDeque<Output>) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut piece = [0u8; 16 << 10];
        let count = match file.read(&mut piece) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error),
        };
        if count == 0 {
            self.file = None;
            if !self.rest.is_empty() {
                self.line(ready);
            }
            return Ok(());
        }
        // What is over a cap is read and dropped, so that the child never waits for us.
        let within = count.min(limits.output.saturating_sub(self.passed));
        self.passed += within;
        for part in piece[..within].split_inclusive(|b| *b == b'\n') {
            let text = part.strip_suffix(b"\n").unwrap_or(part);
            let space = limits.line.saturating_sub(self.rest.len());
            self.rest.extend_from_slice(&text[..text.len().min(space)]);
            if text.len() < part.len() {
                self.line(ready);
            }
        }
        Ok(())
    }

    fn line(&mut self, ready: &mut VecDeque<Output>) {
        ready.push_back(Output::Line { stream: self.stream, text: std::mem::take(&mut self.rest) });
    }
}

impl Child for Running {
    fn next(&mut self, wait: Option<Duration>) -> Result<Output, ExecError> {
        let quiet = wait.map(|wait| Instant::now() + wait);
        let mut pause = Duration::from_micros(200);
        loop {
            if let Some(output) = self.ready.pop_front() {
                return Ok(output);
            }
            let closed = self.closed();
            if closed && let Ok(Some(status)) = self.child.try_wait() {
                self.ended = true;
                return Ok(Output::Ended(status.code()));
            }
            if self.end.is_some_and(|end| Instant::now() >= end) {
                self.kill();
                return Err(ExecError::Deadline { program: self.program.clone() });
            }
            // One that has closed its output ends soon, and nothing becomes readable when it does.
            let look = closed.then(|| Instant::now() + pause);
            pause = (pause * 2).min(Duration::from_millis(20));
            let until = [quiet, self.end, look].into_iter().flatten().min();
            if !self.fill(until)? && quiet.is_some_and(|quiet| Instant::now() >= quiet) {
                return Ok(Output::Quiet);
            }
        }
    }

    fn canceller(&self) -> Canceller {
        let cancel = self.cancel.clone();
        Canceller::new(move || {
            // A full pipe says it already.
            let _ = rustix::io::write(&*cancel, b"x");
        })
    }

    fn is_stuck(&mut self) -> bool {
        !self.ended && !matches!(self.child.try_wait(), Ok(Some(_)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        // Its reaction to TERM does not matter. One that hangs in the kernel is not waited for.
        if let Some(group) = group(&self.child) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        wait_until(&mut self.child, Instant::now() + Duration::from_millis(5));
    }
}

fn group(child: &process::Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

/// Waits for one that was killed; false when it did not end by `end`.
fn wait_until(child: &mut process::Child, end: Instant) -> bool {
    let mut pause = Duration::from_micros(200);
    loop {
        if matches!(child.try_wait(), Ok(Some(_))) {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// Ends a child and all that it started; false when it hangs in the kernel.
fn kill(child: &mut process::Child) -> bool {
    for signal in [Signal::TERM, Signal::KILL] {
        if let Some(group) = group(child) {
            // Gone already is as good.
            let _ = kill_process_group(group, signal);
        }
        if wait_until(child, Instant::now() + GRACE) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_that_cannot_be_read_is_an_error() {
        // A folder opens and does not read.
        let file = File::open("/").expect("a folder");
        let mut pipe = Pipe { stream: Stream::Out, file: Some(file), rest: Vec::new(), passed: 0 };
        let limits = Limits { deadline: None, line: 9, output: 9 };
        let failed = pipe.read(limits, &mut VecDeque::new()).expect_err("no output");
        assert_eq!(failed.kind(), io::ErrorKind::IsADirectory);
    }
}
