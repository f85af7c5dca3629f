//! The log of one container, as far as it was read: the newest lines, each numbered from the first that was read.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Lines and bytes kept.
const KEPT: (usize, usize) = (10_000, 16 << 20);

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LogLine {
    /// When the engine took it: milliseconds since 1970.
    pub unix_ms: Option<i64>,
    /// It came over standard error.
    pub error: bool,
    /// Cleaned.
    pub text: String,
}

/// New lines since the reading before.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LogSample {
    /// Id of the container.
    pub id: String,
    /// These are its first lines: what was there of another is to go.
    pub fresh: bool,
    /// Oldest first.
    pub lines: Vec<LogLine>,
    /// Lines that came faster than they could be kept.
    pub dropped: u64,
    /// Why no more come; `None` while it is followed.
    pub ended: Option<String>,
}

/// What was read so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerLog {
    /// Id of the container.
    pub id: String,
    /// Number of the first line that is kept.
    pub first: u64,
    /// Oldest first.
    pub lines: VecDeque<LogLine>,
    /// Bytes of their text.
    bytes: usize,
    /// Lines that came faster than they could be kept.
    pub dropped: u64,
    /// Why no more come.
    pub ended: Option<String>,
}

impl ContainerLog {
    pub fn apply(&mut self, sample: LogSample) {
        if sample.fresh || sample.id != self.id {
            *self = ContainerLog { id: sample.id, ..ContainerLog::default() };
        }
        for line in sample.lines {
            self.bytes += line.text.len();
            self.lines.push_back(line);
            while self.lines.len() > KEPT.0 || self.bytes > KEPT.1 {
                self.bytes -= self.lines.pop_front().map_or(0, |line| line.text.len());
                self.first += 1;
            }
        }
        self.dropped += sample.dropped;
        self.ended = sample.ended;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(id: &str, fresh: bool, count: usize) -> LogSample {
        let lines = vec![LogLine { text: "x".into(), ..LogLine::default() }; count];
        LogSample { id: id.into(), fresh, lines, ..LogSample::default() }
    }

    #[test]
    fn newest_lines_are_kept_and_another_container_starts_over() {
        let mut log = ContainerLog::default();
        log.apply(sample("a", true, KEPT.0));
        log.apply(sample("a", false, 5));
        assert_eq!((log.first, log.lines.len()), (5, KEPT.0));
        log.apply(sample("b", true, 2));
        assert_eq!((log.id.as_str(), log.first, log.lines.len()), ("b", 0, 2));
    }

    #[test]
    fn long_lines_are_bounded_by_their_bytes() {
        let mut log = ContainerLog::default();
        let line = LogLine { text: "x".repeat(1 << 20), ..LogLine::default() };
        log.apply(LogSample { lines: vec![line; 20], ..sample("a", true, 0) });
        assert_eq!((log.first, log.lines.len()), (4, KEPT.1 >> 20));
    }

    #[test]
    fn dropped_lines_are_added_up_until_it_starts_over() {
        let mut log = ContainerLog::default();
        let dropped = |id: &str, fresh: bool, dropped: u64| LogSample { dropped, ..sample(id, fresh, 1) };
        let seen = [("a", true, 3), ("a", false, 4), ("a", true, 2), ("b", false, 5)].map(|(id, fresh, count)| {
            log.apply(dropped(id, fresh, count));
            (log.dropped, log.lines.len())
        });
        assert_eq!(seen, [(3, 1), (7, 2), (2, 1), (5, 1)]);
    }
}
