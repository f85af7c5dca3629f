//! How much is taken from a stream in a second: who sends more has to wait, and costs no more than that.

use tokio::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// What may still be taken in the second under way.
#[derive(Debug)]
pub(super) struct Budget {
    /// Pieces and bytes a second.
    most: (usize, usize),
    taken: (usize, usize),
    ends: Option<Instant>,
}

impl Budget {
    pub(super) fn new(pieces: usize, bytes: usize) -> Self {
        Budget { most: (pieces, bytes), taken: (0, 0), ends: None }
    }

    /// Books what was taken at `now`.
    pub(super) fn take(&mut self, now: Instant, pieces: usize, bytes: usize) {
        if self.ends.is_none_or(|ends| now >= ends) {
            (self.taken, self.ends) = ((0, 0), Some(now + SECOND));
        }
        self.taken = (self.taken.0.saturating_add(pieces), self.taken.1.saturating_add(bytes));
    }

    /// When more may be taken; `None` for now.
    pub(super) fn wait(&self, now: Instant) -> Option<Instant> {
        let spent = self.taken.0 >= self.most.0 || self.taken.1 >= self.most.1;
        self.ends.filter(|ends| spent && now < *ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_waits_for_the_next_second() {
        let begin = Instant::now();
        let mut budget = Budget::new(3, 100);
        budget.take(begin, 2, 10);
        assert_eq!(budget.wait(begin), None);
        budget.take(begin, 1, 10);
        assert_eq!(budget.wait(begin), Some(begin + SECOND));
        assert_eq!(budget.wait(begin + SECOND), None);
        budget.take(begin + SECOND, 1, 100);
        assert_eq!(budget.wait(begin + SECOND), Some(begin + SECOND * 2));
    }
}
