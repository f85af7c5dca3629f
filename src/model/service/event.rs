//! What happened to a service lately: failures, retries and what could not be judged. What repeats is one line with a count.

use std::collections::VecDeque;

use crate::clock::Stamp;

/// Lines that are kept.
const MOST: usize = 40;

/// What kind of event it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A round failed.
    Failed,
    /// The first attempt of a round failed, the second did not.
    Retried,
    /// Nothing could be said.
    Unjudged,
    /// It answered again.
    Answered,
}

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct Occurrence {
    pub first: Stamp,
    pub last: Stamp,
    pub count: u32,
    pub what: What,
    pub words: String,
}

/// Notes one more, oldest first.
pub(super) fn note(log: &mut VecDeque<Occurrence>, at: Stamp, what: What, words: &str) {
    match log.back_mut().filter(|newest| newest.what == what && newest.words == words && what != What::Answered) {
        Some(newest) => (newest.last, newest.count) = (at, newest.count + 1),
        None => {
            if log.len() == MOST {
                log.pop_front();
            }
            log.push_back(Occurrence { first: at, last: at, count: 1, what, words: words.to_owned() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_is_one_line() {
        let mut log = VecDeque::new();
        for (second, what, words) in [
            (1, What::Failed, "status 502"),
            (2, What::Failed, "status 502"),
            (3, What::Failed, "status 503"),
            (4, What::Answered, ""),
            (5, What::Failed, "status 503"),
        ] {
            note(&mut log, Stamp::at_seconds(second), what, words);
        }
        let lines: Vec<(u32, &str)> = log.iter().map(|line| (line.count, line.words.as_str())).collect();
        assert_eq!(lines, [(2, "status 502"), (1, "status 503"), (1, ""), (1, "status 503")]);
        assert_eq!(log[0].last, Stamp::at_seconds(2));
        for second in 6..200 {
            note(&mut log, Stamp::at_seconds(second), What::Failed, &second.to_string());
        }
        assert_eq!(log.len(), MOST);
    }
}
