//! Keys and clicks, read on a thread of their own: the terminal library waits in its own way and would spin on a
//! terminal that is gone, so this thread waits for the file and asks the library only when there is something to read.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use crossterm::event::{self, Event};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    termios::{OptionalActions, tcgetattr, tcsetattr},
};
use tokio::sync::Notify;

/// What the keyboard tells.
#[derive(Debug)]
pub enum Typed {
    /// A key, a click, pasted text.
    Input(Event),
    /// The terminal is gone.
    Gone,
}

/// The right to read what is typed: the thread takes it for each key.
#[derive(Clone, Default)]
pub struct Hands(Arc<Mutex<()>>);

impl Hands {
    /// Until this is dropped, what is typed is left to another program.
    pub fn off(&self) -> MutexGuard<'_, ()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the thread. It ends with the process: nothing can wake it from its wait for a key.
///
/// # Errors
/// Those of the system, when no thread can be started.
pub fn start(wake: Arc<Notify>, hands: Hands) -> io::Result<Receiver<Typed>> {
    let (send, typed) = channel();
    thread::Builder::new().name("keyboard".into()).stack_size(256 << 10).spawn(move || {
        read(&send, &wake, &hands);
        let _ = send.send(Typed::Gone);
        wake.notify_one();
    })?;
    Ok(typed)
}

/// True once there is something to read, false when the time is over; `None` when the terminal is gone.
fn is_typed(wait: Option<&Timespec>) -> Option<bool> {
    let stdin = io::stdin();
    let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
    match poll(&mut fds, wait) {
        Ok(0) | Err(rustix::io::Errno::INTR) => return Some(false),
        Err(_) => return None,
        Ok(_) => {}
    }
    let seen = fds[0].revents();
    let gone = !seen.contains(PollFlags::IN) || seen.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL);
    (!gone).then_some(true)
}

fn read(send: &Sender<Typed>, wake: &Notify, hands: &Hands) {
    loop {
        match is_typed(None) {
            None => return,
            Some(false) => continue,
            Some(true) => {}
        }
        // While another program had the terminal, the key was its own.
        let _hands = hands.off();
        match is_typed(Some(&Timespec::default())) {
            None => return,
            Some(false) => continue,
            Some(true) => {}
        }
        // All that one keystroke or paste brought, then one call to the loop.
        let mut blind = true;
        loop {
            match event::poll(Duration::ZERO) {
                Ok(true) => blind = false,
                Ok(false) => break,
                Err(_) => return,
            }
            match event::read() {
                // Sizes come by signal.
                Ok(Event::Resize(..)) => {}
                Ok(input) => {
                    if send.send(Typed::Input(input)).is_err() {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
        if blind {
            rouse(&io::stdin());
        } else {
            wake.notify_one();
        }
    }
}

/// A key that comes together with a change of size is passed over by the library, which is told of new input alone (its
/// edge). Settings that are written anew, though the same, make the terminal say once more that there is something.
fn rouse(stdin: &io::Stdin) {
    if let Ok(settings) = tcgetattr(stdin) {
        // Where it fails the next key has the same effect.
        let _ = tcsetattr(stdin, OptionalActions::Now, &settings);
    }
}
