//! The terminal: taken over whole, written to without ever waiting for it, and given back as it was found, whatever ends
//! the program.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    os::fd::{AsFd, OwnedFd},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags, open},
    termios::{OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcgetwinsize, tcsetattr},
};

use crate::sys::helper;

/// Alternate screen, no cursor, bracketed paste.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h";
/// Buttons and wheel in the form that knows wide screens; no reports of mere motion.
const MOUSE: &[u8] = b"\x1b[?1000h\x1b[?1006h";
/// Everything back, also what was cut off in the middle of a frame.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[m\x1b[?2004l\x1b[?1006l\x1b[?1000l\x1b[?25h\x1b[?1049l";
/// A terminal that takes nothing for this long is left as it is.
const LAST_WORDS: Duration = Duration::from_millis(30);

/// What is needed to give the terminal back, also from a panic.
static FOUND: Mutex<Option<Termios>> = Mutex::new(None);

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// All of it is with the terminal.
    Whole,
    /// The terminal takes no more for now: the rest waits, and no new frame should be made.
    Waiting,
    /// There is no terminal any more.
    Gone,
}

/// The terminal, taken over.
pub struct Terminal {
    out: OwnedFd,
    /// Writes to `out` do not wait.
    patient: bool,
    mouse: bool,
    rest: Vec<u8>,
    /// It is ours until it is given back or gone.
    taken: bool,
}

impl Terminal {
    /// Why the live screen cannot run here; `None` when it can.
    #[must_use]
    pub fn refusal() -> Option<&'static str> {
        if !io::stdin().is_terminal() {
            return Some("standard input is not a terminal");
        }
        matches!(std::env::var("TERM").as_deref(), Ok("dumb")).then_some("TERM=dumb cannot move its cursor")
    }

    /// Takes the terminal: raw, on its alternate screen. The first frame should follow at once.
    ///
    /// # Errors
    /// Those of the system, when standard input or output is no terminal.
    pub fn enter(mouse: bool) -> io::Result<Self> {
        let found = tcgetattr(io::stdin())?;
        let (out, patient) = match own_description() {
            Some(out) => (out, true),
            None => (io::stdout().as_fd().try_clone_to_owned()?, false),
        };
        *self::found() = Some(found);
        let mut terminal = Terminal { out, patient, mouse, rest: Vec::new(), taken: false };
        terminal.resume()?;
        Ok(terminal)
    }

    /// Takes the terminal again after [`Terminal::release`].
    ///
    /// # Errors
    /// Those of the system.
    pub fn resume(&mut self) -> io::Result<()> {
        self.taken = true;
        let mut raw = tcgetattr(io::stdin())?;
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        self.rest.clear();
        self.rest.extend_from_slice(ENTER);
        if self.mouse {
            self.rest.extend_from_slice(MOUSE);
        }
        Ok(())
    }

    /// Columns and rows; 80x24 where the terminal does not know.
    #[must_use]
    pub fn size() -> (u16, u16) {
        match tcgetwinsize(io::stdout()) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
            _ => (80, 24),
        }
    }

    /// True while an earlier frame has not gone out whole.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        !self.rest.is_empty()
    }

    /// True when a frame may be made: nothing waits, and the terminal takes bytes.
    pub fn is_ready(&mut self) -> bool {
        (self.rest.is_empty() || self.flush() == Sent::Whole) && self.takes(Duration::ZERO)
    }

    fn takes(&self, span: Duration) -> bool {
        let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(span.subsec_nanos()) };
        let mut fds = [PollFd::new(&self.out, PollFlags::OUT)];
        poll(&mut fds, Some(&wait)).is_ok_and(|n| n > 0) && fds[0].revents().contains(PollFlags::OUT)
    }

    /// Sends a frame, in one write where the terminal takes it.
    pub fn send(&mut self, frame: &[u8]) -> Sent {
        if self.rest.is_empty() {
            let (sent, outcome) = self.write(frame);
            self.rest.extend_from_slice(&frame[sent..]);
            return outcome;
        }
        self.rest.extend_from_slice(frame);
        self.flush()
    }

    /// Sends what waits.
    pub fn flush(&mut self) -> Sent {
        let rest = std::mem::take(&mut self.rest);
        let (sent, outcome) = self.write(&rest);
        self.rest = rest;
        self.rest.drain(..sent);
        outcome
    }

    fn write(&self, bytes: &[u8]) -> (usize, Sent) {
        let mut sent = 0;
        while sent < bytes.len() {
            // Where we could not get a description of our own, small pieces after a look keep a full pipe from holding us.
            if !self.patient && !self.takes(Duration::ZERO) {
                return (sent, Sent::Waiting);
            }
            let end = if self.patient { bytes.len() } else { bytes.len().min(sent + 1024) };
            match rustix::io::write(&self.out, &bytes[sent..end]) {
                Ok(0) => return (sent, Sent::Gone),
                Ok(n) => sent += n,
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return (sent, Sent::Waiting),
                Err(_) => return (sent, Sent::Gone),
            }
        }
        (sent, Sent::Whole)
    }

    /// There is no terminal any more: nothing is written to it.
    pub fn forget(&mut self) {
        self.taken = false;
        helper::terminal_given_back();
    }

    /// Gives the terminal back. One that takes nothing loses what it was owed: leaving does not wait.
    pub fn release(&mut self) {
        self.taken = false;
        if self.is_behind() || !self.takes(Duration::ZERO) {
            let _ = tcflush(&self.out, QueueSelector::OFlush);
        }
        self.rest = LEAVE.to_vec();
        let end = Instant::now() + LAST_WORDS;
        while self.flush() == Sent::Waiting {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.takes(left) {
                break;
            }
        }
        self.rest.clear();
        restore_modes();
        helper::terminal_given_back();
    }

    /// Has it given back even where we end without a chance to: killed, or out of memory.
    pub fn insure(&self) {
        if let (Some(found), Ok(terminal)) = (&*found(), self.out.try_clone()) {
            helper::terminal_taken(terminal, found, LEAVE);
        }
    }
}

impl Drop for Terminal {
    /// Whatever leads out of the loop, the terminal is given back.
    fn drop(&mut self) {
        if self.taken {
            self.release();
        }
    }
}

/// A file of our own for the terminal, so that not waiting for it does not change the shell's.
fn own_description() -> Option<OwnedFd> {
    let name = rustix::termios::ttyname(io::stdout(), Vec::new()).ok()?;
    open(name, OFlags::WRONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()).ok()
}

fn found() -> MutexGuard<'static, Option<Termios>> {
    FOUND.lock().unwrap_or_else(PoisonError::into_inner)
}

fn restore_modes() {
    if let Some(found) = found().as_ref() {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, found);
    }
}

/// Gives the terminal back before a panic of this thread is reported, so that it stays readable. A panic of another thread is
/// handled elsewhere, and the screen continues: it is only logged.
pub fn install_panic_hook() {
    let report = std::panic::take_hook();
    let ours = std::thread::current().id();
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        if thread.id() != ours {
            tracing::error!(thread = thread.name(), %panic, "a thread panicked");
            return;
        }
        if found().is_some() {
            if let Some(out) = own_description() {
                let _ = File::from(out).write_all(LEAVE);
            } else {
                let _ = io::stdout().write_all(LEAVE);
            }
            restore_modes();
        }
        report(panic);
    }));
}
