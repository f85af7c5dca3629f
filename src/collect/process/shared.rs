//! Words that many processes share, each kept once: names, paths of control groups.

use std::{collections::HashSet, sync::Arc};

/// Rounds between two clearings of words that nobody uses any more.
const CLEARING: u32 = 512;

/// The words in use.
#[derive(Debug, Default)]
pub(super) struct Shared {
    words: HashSet<Arc<str>>,
    rounds: u32,
}

impl Shared {
    /// The word as everybody has it.
    pub(super) fn of(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.words.get(word) {
            return known.clone();
        }
        let word: Arc<str> = word.into();
        self.words.insert(word.clone());
        word
    }

    /// A round is over: now and then what only this list still knows is forgotten.
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
    fn a_word_is_kept_once_and_only_as_long_as_somebody_has_it() {
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
