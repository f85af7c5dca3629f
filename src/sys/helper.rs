//! A second process of our own, for calls that may never come back. A thread that hangs in the kernel (a FUSE daemon
//! that does not answer, a driver that waits for its device) keeps its process from ending, even by SIGKILL: so such
//! calls are made in the helper, which nothing waits for. It is this same program, started with [`ARGUMENT`], and it
//! ends when we do: then it also ends the children that we could not end ourselves, and gives the terminal back where we
//! were killed or ran out of memory.

pub mod message;
mod probe;

use std::{
    collections::BTreeSet,
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::{net::UnixStream, process::CommandExt},
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
        SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
    },
    process::{
        Pid, Signal, getpid, kill_process, kill_process_group, set_parent_process_death_signal, setsid,
        test_kill_process_group,
    },
    termios::{InputModes, LocalModes, OptionalActions, OutputModes, Termios, tcgetattr, tcsetattr},
};

pub use probe::responds;

/// The only argument of the program when it is to be the helper.
pub const ARGUMENT: &str = "__helper";

/// What answers the questions that come over a line of one kind; it returns when the line is closed.
pub type Serve = fn(u8, UnixStream);

/// What is asked of the helper itself: one letter, a number, perhaps a descriptor.
const LINE: u8 = b'l';
const WATCH: u8 = b'w';
const LET_GO: u8 = b'g';
/// The terminal that we took: its descriptor, the modes that it had, what is to be written.
const TAKEN: u8 = b't';
const GIVEN_BACK: u8 = b'b';
/// No message is longer.
const LONGEST: usize = 256;
/// Between TERM and KILL for children that are left over.
const GRACE: Duration = Duration::from_millis(300);
/// A terminal that is given back is waited for so long to have room for what is written.
const ROOM: Duration = Duration::from_secs(2);
/// The helper's threads read small files and ask one filesystem each.
const STACK: usize = 512 << 10;

static HELPER: Mutex<State> = Mutex::new(State { serve: None, running: None, taken: None });

struct State {
    /// Set by the program's own `main`: another program that uses the library has no such argument.
    serve: Option<Serve>,
    running: Option<Running>,
    /// The terminal that is to be given back; a helper that is started later is given it too.
    taken: Option<(Vec<u8>, OwnedFd)>,
}

struct Running {
    control: OwnedFd,
    child: Child,
}

fn state() -> MutexGuard<'static, State> {
    HELPER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Allows the helper to be started, when the first line is opened.
pub fn enable(serve: Serve) {
    state().serve = Some(serve);
}

/// Starts the helper on a thread of its own: it is there when it is first needed.
pub fn start_early() {
    let early = || {
        let mut state = state();
        if state.serve.is_some() && state.running.is_none() {
            state.running = start(state.taken.as_ref());
        }
    };
    // Without a thread it starts when it is needed.
    let _ = thread::Builder::new().name("bt-helper".to_owned()).stack_size(STACK).spawn(early);
}

/// A line to its own thread in the helper, which is started where it does not run. `None` where there can be none:
/// the caller asks in this process then.
#[must_use]
pub fn line(kind: u8) -> Option<UnixStream> {
    let (ours, theirs) = UnixStream::pair().ok()?;
    send(&[LINE, kind, 0, 0, 0], Some(theirs.as_fd())).then_some(ours)
}

/// Waits until there is something to read; false when there is nothing at `until`. To be called before a blocking read:
/// that one would also wake each time the other end takes what was written to it, poll does not.
///
/// # Errors
/// As poll gives them.
pub fn wait(line: &UnixStream, until: Option<Instant>) -> io::Result<bool> {
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let timeout =
            left.map(|left| Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() });
        match poll(&mut [PollFd::new(line, PollFlags::IN)], timeout.as_ref()) {
            Ok(ready) => return Ok(ready > 0),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// A group of child processes that the helper ends when we are gone. Dropping it lets the group go.
#[derive(Debug)]
#[must_use]
pub struct Watch(u32);

/// Has the group of a child watched.
pub fn watch(group: u32) -> Watch {
    send(&message(WATCH, group), None);
    Watch(group)
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Of one that is not running nothing is remembered.
        if let Some(running) = &state().running {
            notify(&running.control, &message(LET_GO, self.0), None);
        }
    }
}

/// Has the terminal given back when we end without doing it: `farewell` is written to it, and its modes are `found` again.
pub fn terminal_taken(terminal: OwnedFd, found: &Termios, farewell: &[u8]) {
    let modes = [found.input_modes.bits(), found.output_modes.bits(), found.local_modes.bits()];
    let modes = modes.into_iter().flat_map(u32::to_le_bytes);
    let message: Vec<u8> = [TAKEN].into_iter().chain(modes).chain(farewell.iter().copied()).collect();
    let mut state = state();
    state.taken = Some((message, terminal));
    if state.serve.is_some() && state.running.is_none() {
        // It is given the terminal as it is started.
        state.running = start(state.taken.as_ref());
    } else if let (Some(running), Some((message, terminal))) = (&state.running, &state.taken) {
        notify(&running.control, message, Some(terminal.as_fd()));
    }
}

/// We gave it back ourselves.
pub fn terminal_given_back() {
    let mut state = state();
    if state.taken.take().is_some()
        && let Some(running) = &state.running
    {
        notify(&running.control, &message(GIVEN_BACK, 0), None);
    }
}

fn message(letter: u8, number: u32) -> [u8; 5] {
    let [a, b, c, d] = number.to_le_bytes();
    [letter, a, b, c, d]
}

/// Sends to the helper, which is started if it does not run, and restarted if it ended.
fn send(message: &[u8], descriptor: Option<BorrowedFd<'_>>) -> bool {
    let mut state = state();
    if state.serve.is_none() {
        return false;
    }
    for _ in 0..2 {
        if state.running.is_none() {
            state.running = start(state.taken.as_ref());
        }
        let Some(running) = &mut state.running else { return false };
        if notify(&running.control, message, descriptor) {
            return true;
        }
        // It was killed: reap it without waiting.
        let _ = running.child.try_wait();
        state.running = None;
    }
    false
}

fn notify(control: &OwnedFd, message: &[u8], descriptor: Option<BorrowedFd<'_>>) -> bool {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors: Vec<BorrowedFd<'_>> = descriptor.into_iter().collect();
    if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return false;
    }
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    sendmsg(control, &[IoSlice::new(message)], &mut ancillary, flags).is_ok()
}

fn start(taken: Option<&(Vec<u8>, OwnedFd)>) -> Option<Running> {
    let (control, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).ok()?;
    // Sent before there is a helper: from its first moment on it knows what to do when we are killed.
    if let Some((message, terminal)) = taken {
        notify(&control, message, Some(terminal.as_fd()));
    }
    let mut command = Command::new(program());
    command.arg0("benchtop").arg(ARGUMENT).stdin(Stdio::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
    // Its threads allocate little: one arena is enough for all.
    let child = command.env("MALLOC_ARENA_MAX", "1").spawn().ok()?;
    Some(Running { control, child })
}

/// This program: by its path, or, where it was replaced meanwhile, by what the kernel keeps of it.
fn program() -> PathBuf {
    std::env::current_exe().ok().filter(|path| path.exists()).unwrap_or_else(|| Path::new("/proc/self/exe").to_owned())
}

/// The helper's `main`: hands each line to a thread, until the other end is closed.
#[must_use]
pub fn run(serve: Serve) -> ExitCode {
    // Keys of the terminal are not meant for it; and in its own session it may set the terminal's modes at any time,
    // as a job in the background may not. One that leads a group already (it was started by hand) stays where it is.
    let _ = setsid();
    // One that somebody stopped goes on when we end, and then ends too.
    let _ = set_parent_process_death_signal(Some(Signal::CONT));
    let Some(left) = heard(rustix::stdio::stdin(), serve) else { return ExitCode::from(2) };
    if let Some((terminal, message)) = left.taken {
        give_back(&terminal, &message);
    }
    end(&left.groups);
    // Not by returning: a driver's library may hang in what it does at the end of a process.
    let _ = kill_process(getpid(), Signal::KILL);
    ExitCode::SUCCESS
}

/// What is to be cleaned up when the program is gone.
#[derive(Debug, Default)]
struct Left {
    groups: BTreeSet<i32>,
    /// The terminal, and how it is given back.
    taken: Option<(OwnedFd, Vec<u8>)>,
}

/// Hands each line to a thread, until the other end is closed; `None` for what no program of ours sends.
fn heard(control: BorrowedFd<'_>, serve: Serve) -> Option<Left> {
    let mut left = Left::default();
    while let Ok(Some((message, descriptor))) = receive(control) {
        let number = |rest: &[u8]| rest.try_into().map(i32::from_le_bytes).unwrap_or(0);
        match (message.as_slice(), descriptor) {
            ([LINE, kind, ..], Some(line)) => {
                let (kind, line) = (*kind, UnixStream::from(line));
                // Without a thread the line is closed, and the other end asks for itself.
                let work = move || if kind == probe::KIND { probe::serve(line) } else { serve(kind, line) };
                let _ = thread::Builder::new().stack_size(STACK).spawn(work);
            }
            ([WATCH, rest @ ..], None) => drop(left.groups.insert(number(rest))),
            ([LET_GO, rest @ ..], None) => drop(left.groups.remove(&number(rest))),
            ([TAKEN, rest @ ..], Some(terminal)) => left.taken = Some((terminal, rest.to_vec())),
            ([GIVEN_BACK, ..], None) => left.taken = None,
            _ => return None,
        }
    }
    Some(left)
}

/// Gives a terminal back that was left as we had it. Where its modes are no longer ours, a shell has taken it already.
fn give_back(terminal: &OwnedFd, message: &[u8]) {
    let Some((modes, farewell)) = message.split_at_checked(12) else { return };
    let _ = rustix::fs::fcntl_setfl(terminal, rustix::fs::OFlags::NONBLOCK);
    write_within(terminal, farewell, ROOM);
    let word = |at: usize| modes[at..at + 4].try_into().map(u32::from_le_bytes).unwrap_or(0);
    let Ok(mut now) = tcgetattr(terminal) else { return };
    if now.local_modes.intersects(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG) {
        return;
    }
    now.input_modes = InputModes::from_bits_retain(word(0));
    now.output_modes = OutputModes::from_bits_retain(word(4));
    now.local_modes = LocalModes::from_bits_retain(word(8));
    let _ = tcsetattr(terminal, OptionalActions::Now, &now);
}

/// Writes all of it, for at most `within`: a terminal on a slow line still has a frame to take, and a dead one takes nothing.
fn write_within(terminal: &OwnedFd, mut bytes: &[u8], within: Duration) {
    let end = Instant::now() + within;
    while !bytes.is_empty() {
        match rustix::io::write(terminal, bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let left = end.saturating_duration_since(Instant::now());
                let timeout = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
                if left.is_zero() || poll(&mut [PollFd::new(terminal, PollFlags::OUT)], Some(&timeout)) == Ok(0) {
                    return;
                }
            }
            Err(_) => return,
        }
    }
}

type Message = (Vec<u8>, Option<OwnedFd>);

/// The next message; `None` at the end.
fn receive(control: impl AsFd) -> io::Result<Option<Message>> {
    let mut bytes = [0; LONGEST];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        match recvmsg(&control, &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            other => break other?,
        }
    };
    let descriptor = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    Ok((received.bytes > 0).then(|| (bytes[..received.bytes].to_vec(), descriptor)))
}

/// Ends the groups that are left.
fn end(groups: &BTreeSet<i32>) {
    let groups: Vec<Pid> =
        groups.iter().filter(|group| **group > 1).filter_map(|group| Pid::from_raw(*group)).collect();
    for signal in [Signal::TERM, Signal::KILL] {
        groups.iter().for_each(|group| _ = kill_process_group(*group, signal));
        let until = Instant::now() + GRACE;
        while Instant::now() < until && groups.iter().any(|group| test_kill_process_group(*group).is_ok()) {
            thread::sleep(Duration::from_millis(10));
        }
    }
}

#[cfg(test)]
mod tests;
