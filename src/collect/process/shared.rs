//! Strings shared by many processes, each stored once: names, cgroup paths.

use std::{collections::HashSet, sync::Arc};

/// Rounds between two removals of unused strings.
const CLEARING: u32 = 512;

/// The strings in use.
#[derive(Debug, Default)]
pub(super) struct Shared {
    words: HashSet<Arc<str>>,
    rounds: u32,
}

impl Shared {
    /// The shared copy of a string.
    pub(super) fn of(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.words.get(word) {
            return known.clone();
        }
        let word: Arc<str> = word.into();
        self.words.insert(word.clone());
        word
    }

    /// Ends a round: now and then drops the strings that only this list still holds.
    pub(super) fn round(&mut self) {
        self.rounds += 1;
        if self.rounds.is_multiple_of(CLEARING) {
            self.words.retain(|word| Arc::strong_count(word) > 1);
            self.words.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_stored_once_and_while_in_use() {
        let mut shared = Shared::default();
        let (one, two) = (shared.of("sshd"), shared.of("sshd"));
        assert!(Arc::ptr_eq(&one, &two));
        drop(shared.of("gone"));
        for _ in 0..CLEARING {
            shared.round();
        }
        assert_eq!(shared.words.len(), 1);
        assert!(Arc::ptr_eq(&one, &shared.of("sshd")));
    }
}
