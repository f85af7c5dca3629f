//! Keys and clicks, read on a thread of their own: it waits for the terminal, the loop never does.

use std::{
    io,
    os::fd::AsFd,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use crossterm::event::Event;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use tokio::sync::Notify;

use super::keys::Decoder;
use crate::collect::lane::THREAD_PREFIX;

/// Bursts that the loop has not taken yet; beyond these what is typed waits in the terminal.
const QUEUE: usize = 16;
/// The most that is read at once.
const BURST: usize = 16 << 10;

/// The keyboard's events.
#[derive(Debug)]
pub enum Typed {
    /// Keys, clicks, pasted text: all that came at once, before any of it can have been answered on the screen.
    Input(Vec<Event>),
    /// The terminal is gone.
    Gone,
}

/// The right to read what is typed. While it is lent, keys are another program's.
#[derive(Clone, Default)]
pub struct KeyboardGate(Arc<(Mutex<bool>, Condvar)>);

impl KeyboardGate {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now until [`KeyboardGate::take_back`] what is typed is left to another program.
    pub fn lend(&self) {
        *self.lock() = true;
    }

    /// Keys are ours again.
    pub fn take_back(&self) {
        *self.lock() = false;
        self.0.1.notify_all();
    }

    /// Waits until keys are ours; they stay so until the guard is dropped.
    fn wait(&self) -> MutexGuard<'_, bool> {
        self.0.1.wait_while(self.lock(), |lent| *lent).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the thread. It ends with the process: nothing can wake it from its wait for a key.
///
/// # Errors
/// Those of the system, when no thread can be started.
pub fn start(wake: Arc<Notify>, gate: KeyboardGate) -> io::Result<Receiver<Typed>> {
    let (send, typed) = sync_channel(QUEUE);
    thread::Builder::new().name(format!("{THREAD_PREFIX}keyboard")).stack_size(256 << 10).spawn(move || {
        // Without keys the screen is of no use: whatever ended the reading ends the program.
        let _ = catch_unwind(AssertUnwindSafe(|| read(&send, &wake, &gate)));
        let _ = send.send(Typed::Gone);
        wake.notify_one();
    })?;
    Ok(typed)
}

/// True once there is something to read, false when the time is over; `None` when the terminal is gone.
fn is_typed(wait: Option<Duration>) -> Option<bool> {
    let stdin = io::stdin();
    let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
    let wait = wait.map(|w| Timespec { tv_sec: w.as_secs().cast_signed(), tv_nsec: i64::from(w.subsec_nanos()) });
    match poll(&mut fds, wait.as_ref()) {
        Ok(0) | Err(Errno::INTR) => return Some(false),
        Err(_) => return None,
        Ok(_) => {}
    }
    let seen = fds[0].revents();
    let gone = !seen.contains(PollFlags::IN) || seen.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL);
    (!gone).then_some(true)
}

fn read(send: &SyncSender<Typed>, wake: &Notify, gate: &KeyboardGate) {
    let mut decoder = Decoder::default();
    // When what was begun is given up.
    let mut end: Option<Instant> = None;
    let mut bytes = vec![0; BURST];
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let typed = if left.is_some_and(|l| l.is_zero()) { Some(false) } else { is_typed(left) };
        let Some(typed) = typed else { return };
        let mut burst = Vec::new();
        if typed {
            let ours = gate.wait();
            // While another program had the terminal, the key was its own.
            let Some(count) = take_all(&mut bytes) else { return };
            drop(ours);
            if count == 0 {
                continue;
            }
            if !(end.is_some() && decoder.is_by_hand(count)) {
                end = None;
            }
            decoder.feed(&bytes[..count], &mut burst);
            end = decoder.wait().map(|wait| end.unwrap_or(Instant::now() + wait));
        } else if end.is_some_and(|end| end <= Instant::now()) {
            decoder.give_up(&mut burst);
            end = None;
        }
        if !burst.is_empty() {
            if send.send(Typed::Input(burst)).is_err() {
                return;
            }
            wake.notify_one();
        }
    }
}

/// Reads all that is there; `None` when the terminal is gone.
fn take_all(bytes: &mut [u8]) -> Option<usize> {
    let mut count = 0;
    while count < bytes.len() && is_typed(Some(Duration::ZERO))? {
        match rustix::io::read(io::stdin().as_fd(), &mut bytes[count..]) {
            Ok(0) => return None,
            Ok(n) => count += n,
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => return None,
        }
    }
    Some(count)
}
