//! What one target of a source answered last. A source with many targets (tools, engines, mounts) keeps one a target in
//! its sample, so that each has its own age and its own fault, and a slow one delays no other.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use crate::clock::Stamp;

/// The last answer, when it came, and why there is none now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer<T> {
    /// The last answer; empty before the first. Shared, as most samples repeat it.
    pub value: Arc<T>,
    /// When it came; `None` before the first.
    pub at: Option<Stamp>,
    /// Why the target does not answer now: the value may be old.
    pub fault: Option<Fault>,
}

impl<T> Answer<T> {
    /// An answer that came at `at`.
    pub fn new(value: T, at: Stamp) -> Self {
        Answer { value: Arc::new(value), at: Some(at), fault: None }
    }

    /// It answered once, or there is a reason why not.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.at.is_some() || self.fault.is_some()
    }
}

impl<T: PartialEq> Answer<T> {
    /// Takes a new answer in; one that says the same shares the value before.
    pub fn update(&mut self, value: T, at: Stamp) {
        if *self.value != value {
            self.value = Arc::new(value);
        }
        (self.at, self.fault) = (Some(at), None);
    }
}

impl<T: Default> Default for Answer<T> {
    fn default() -> Self {
        Answer { value: Arc::default(), at: None, fault: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_equal_answer_shares_the_value() {
        let mut answer = Answer::<Vec<u32>>::default();
        assert!(!answer.is_settled());
        answer.update(vec![1], Stamp::at_seconds(1));
        let (first, at) = (answer.value.clone(), answer.at);
        answer.fault = Some(Fault::Timeout);
        answer.update(vec![1], Stamp::at_seconds(2));
        assert!(Arc::ptr_eq(&first, &answer.value) && answer.at > at && answer.fault.is_none());
        answer.update(vec![2], Stamp::at_seconds(3));
        assert_eq!(*answer.value, [2]);
    }
}
