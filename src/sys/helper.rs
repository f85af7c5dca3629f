//! A second process of our own, for calls that may never come back. A thread that hangs in the kernel (a FUSE daemon
//! that does not answer, a driver that waits for its device) keeps its process from ending, even by SIGKILL: so such
//! calls are made in the helper, which nobody waits for. It is this same program, started with [`ARGUMENT`], and it
//! ends when we do: then it also ends the children that we could not end ourselves.

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
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
        SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
    },
    process::{Pid, Signal, kill_process_group, test_kill_process_group},
};

/// The only argument of the program when it is to be the helper.
pub const ARGUMENT: &str = "__helper";

/// What answers the questions that come over a line of one kind; it returns when the line is closed.
pub type Serve = fn(u8, UnixStream);

/// What is asked of the helper itself: one letter, a number, perhaps a descriptor.
const LINE: u8 = b'l';
const WATCH: u8 = b'w';
const LET_GO: u8 = b'g';
/// Between TERM and KILL for children that are left over.
const GRACE: Duration = Duration::from_millis(300);
/// The helper's threads read small files and ask one filesystem each.
const STACK: usize = 512 << 10;

static HELPER: Mutex<State> = Mutex::new(State { serve: None, running: None });

struct State {
    /// Set by the program's own `main`: another program that uses the library has no such argument.
    serve: Option<Serve>,
    running: Option<Running>,
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

/// A line to a thread of its own in the helper, which is started where it does not run. `None` where there can be none:
/// the caller asks in this process then.
#[must_use]
pub fn line(kind: u8) -> Option<UnixStream> {
    let (ours, theirs) = UnixStream::pair().ok()?;
    send(&[LINE, kind, 0, 0, 0], Some(theirs.as_fd())).then_some(ours)
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
            tell(&running.control, &message(LET_GO, self.0), None);
        }
    }
}

fn message(letter: u8, number: u32) -> [u8; 5] {
    let [a, b, c, d] = number.to_le_bytes();
    [letter, a, b, c, d]
}

/// Sends to the helper, which is started first where it does not run, and started anew where it ended.
fn send(message: &[u8; 5], descriptor: Option<BorrowedFd<'_>>) -> bool {
    let mut state = state();
    if state.serve.is_none() {
        return false;
    }
    for _ in 0..2 {
        if state.running.is_none() {
            state.running = start();
        }
        let Some(running) = &mut state.running else { return false };
        if tell(&running.control, message, descriptor) {
            return true;
        }
        // It was ended by somebody: it is reaped, not waited for.
        let _ = running.child.try_wait();
        state.running = None;
    }
    false
}

fn tell(control: &OwnedFd, message: &[u8; 5], descriptor: Option<BorrowedFd<'_>>) -> bool {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors: Vec<BorrowedFd<'_>> = descriptor.into_iter().collect();
    if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return false;
    }
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    sendmsg(control, &[IoSlice::new(message)], &mut ancillary, flags).is_ok()
}

fn start() -> Option<Running> {
    let (control, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).ok()?;
    let mut command = Command::new(program());
    command.arg0("benchtop").arg(ARGUMENT).stdin(Stdio::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
    // Keys of the terminal are not meant for it; its threads allocate little: one arena is enough for all.
    let child = command.process_group(0).env("MALLOC_ARENA_MAX", "1").spawn().ok()?;
    Some(Running { control, child })
}

/// This program: by its path, or, where it was replaced meanwhile, by what the kernel keeps of it.
fn program() -> PathBuf {
    std::env::current_exe().ok().filter(|path| path.exists()).unwrap_or_else(|| Path::new("/proc/self/exe").to_owned())
}

/// The helper's `main`: hands each line to a thread, until the other end is closed.
#[must_use]
pub fn run(serve: Serve) -> ExitCode {
    let mut groups = BTreeSet::new();
    while let Ok(Some((letter, rest, descriptor))) = receive(rustix::stdio::stdin()) {
        let group = i32::from_le_bytes(rest);
        match (letter, descriptor) {
            (LINE, Some(line)) => {
                // Without a thread the line is closed, and the other end asks for itself.
                let work = move || serve(rest[0], UnixStream::from(line));
                let _ = thread::Builder::new().stack_size(STACK).spawn(work);
            }
            (WATCH, None) => drop(groups.insert(group)),
            (LET_GO, None) => drop(groups.remove(&group)),
            _ => return ExitCode::from(2),
        }
    }
    end(&groups);
    ExitCode::SUCCESS
}

type Message = (u8, [u8; 4], Option<OwnedFd>);

/// The next message; `None` at the end.
fn receive(control: impl AsFd) -> io::Result<Option<Message>> {
    let mut bytes = [0; 5];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        match recvmsg(&control, &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other?,
        }
    };
    let descriptor = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    let [letter, a, b, c, d] = bytes;
    Ok((received.bytes == bytes.len()).then_some((letter, [a, b, c, d], descriptor)))
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
