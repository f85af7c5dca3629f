//! How a benchmark under way is stopped: by the user or by its deadline. One flag, asked by every thread that works for
//! it, at least every 100 ms.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Between two looks at the flag by those who wait.
const LOOK: Duration = Duration::from_millis(50);

/// Why a benchmark ended without a result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// By the user, or by the deadline: the runner knows which.
    #[error("stopped")]
    Cancelled,
    /// What failed, and the cure.
    #[error("{0}")]
    Failed(String),
}

impl Stop {
    /// It failed; why, and the cure.
    pub fn failed(why: impl std::fmt::Display) -> Self {
        Stop::Failed(why.to_string())
    }
}

/// Says whether to stop.
#[derive(Debug, Clone)]
pub struct StopFlag {
    user: Arc<AtomicBool>,
    deadline: Option<Instant>,
}

impl StopFlag {
    /// A flag that `user` sets.
    #[must_use]
    pub fn new(user: Arc<AtomicBool>) -> Self {
        StopFlag { user, deadline: None }
    }

    /// The same with a deadline, after which it is set too.
    #[must_use]
    pub fn until(&self, deadline: Instant) -> Self {
        StopFlag { user: self.user.clone(), deadline: Some(deadline) }
    }

    /// Set by the user or by the deadline.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.by_user() || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Set by the user.
    #[must_use]
    pub fn by_user(&self) -> bool {
        self.user.load(Ordering::Acquire)
    }

    /// For `?` between two steps.
    ///
    /// # Errors
    /// [`Stop::Cancelled`] once it is set.
    pub fn check(&self) -> Result<(), Stop> {
        if self.is_set() { Err(Stop::Cancelled) } else { Ok(()) }
    }

    /// Waits for so long.
    ///
    /// # Errors
    /// [`Stop::Cancelled`] as soon as it is set.
    pub fn sleep(&self, span: Duration) -> Result<(), Stop> {
        let end = Instant::now() + span;
        loop {
            self.check()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(LOOK));
        }
    }

    /// Ends once it is set: for `select!` beside a request.
    pub async fn stopped(&self) {
        while !self.is_set() {
            tokio::time::sleep(LOOK).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_not_the_user() {
        let user = Arc::new(AtomicBool::new(false));
        let flag = StopFlag::new(user.clone());
        assert_eq!(flag.check(), Ok(()));
        let late = flag.until(Instant::now());
        assert!(late.is_set() && !late.by_user() && !flag.is_set());
        user.store(true, Ordering::Release);
        assert!(flag.by_user() && late.by_user());
        assert_eq!(flag.sleep(Duration::from_secs(1000)), Err(Stop::Cancelled));
    }
}
