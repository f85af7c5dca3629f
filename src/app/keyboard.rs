//! Keys and clicks, read on a thread of their own: the terminal library waits in its own way and would spin on a
//! terminal that is gone, so this thread waits for the file and asks the library only when there is something to read.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use crossterm::event::{self, Event};
use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::Notify;

/// What the keyboard tells.
#[derive(Debug)]
pub enum Typed {
    /// A key, a click, pasted text.
    Input(Event),
    /// The terminal is gone.
    Gone,
}

/// Starts the thread. It ends with the process: nothing can wake it from its wait for a key.
///
/// # Errors
/// Those of the system, when no thread can be started.
pub fn start(wake: Arc<Notify>) -> io::Result<Receiver<Typed>> {
    let (send, typed) = channel();
    thread::Builder::new().name("keyboard".into()).stack_size(256 << 10).spawn(move || {
        read(&send, &wake);
        let _ = send.send(Typed::Gone);
        wake.notify_one();
    })?;
    Ok(typed)
}

fn read(send: &Sender<Typed>, wake: &Notify) {
    let stdin = io::stdin();
    loop {
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return,
            Ok(_) => {}
        }
        let seen = fds[0].revents();
        if !seen.contains(PollFlags::IN) || seen.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return;
        }
        // All that one keystroke or paste brought, then one call to the loop.
        loop {
            match event::poll(Duration::ZERO) {
                Ok(true) => {}
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
        wake.notify_one();
    }
}
