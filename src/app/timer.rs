//! The loop's alarm: a timer of the kernel. The runtime's own timers stand in wheels, and the thread wakes each time a
//! wheel turns under one of them: for an alarm that moves on with every frame, once in four seconds for nothing.

use std::{
    io,
    os::fd::AsFd,
    time::{Duration, Instant},
};

use rustix::{
    fs::Timespec,
    time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime},
};
use tokio::net::unix::pipe::Receiver;

/// Zero would switch the timer off.
const AT_ONCE: Duration = Duration::from_nanos(1);

pub(super) struct Timer {
    /// To the runtime it is the end of a pipe: it waits for any descriptor alike, and a timer is read as a pipe is.
    timer: Receiver,
    set: Option<Instant>,
}

impl Timer {
    /// An alarm in the runtime that runs now.
    pub(super) fn new() -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        Ok(Timer { timer: Receiver::from_owned_fd_unchecked(timer)?, set: None })
    }

    /// Waits until `at`. One that is dropped and called again with the same moment costs no system call.
    pub(super) async fn wait(&mut self, at: Instant) {
        if self.set != Some(at) {
            self.set = self.set_timer(at).is_ok().then_some(at);
        }
        loop {
            // Without a timer other events still wake the loop.
            let Ok(()) = self.timer.readable().await else { return std::future::pending().await };
            // How often it rang. Nothing, where it was set again after it rang.
            if self.timer.try_read(&mut [0; 8]).is_ok() {
                self.set = None;
                return;
            }
        }
    }

    fn set_timer(&self, at: Instant) -> io::Result<()> {
        let left = at.saturating_duration_since(Instant::now()).max(AT_ONCE);
        let it_value = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        let spec = Itimerspec { it_interval: Timespec::default(), it_value };
        timerfd_settime(self.timer.as_fd(), TimerfdTimerFlags::empty(), &spec)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn run(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test);
    }

    #[test]
    fn it_rings_at_its_moment_and_again_at_the_next() {
        run(async {
            let mut alarm = Timer::new().expect("a timer");
            for wait in [30 * MS, 10 * MS, Duration::ZERO] {
                let at = Instant::now() + wait;
                alarm.wait(at).await;
                assert!(Instant::now() >= at, "{wait:?}");
            }
        });
    }

    #[test]
    fn one_that_was_moved_does_not_ring_at_its_old_moment() {
        run(async {
            let mut alarm = Timer::new().expect("a timer");
            let (soon, later) = (Instant::now() + 5 * MS, Instant::now() + 60 * MS);
            tokio::select! {
                biased;
                () = alarm.wait(soon) => panic!("it is not that late"),
                () = std::future::ready(()) => {}
            }
            alarm.wait(later).await;
            assert!(Instant::now() >= later);
        });
    }
}
