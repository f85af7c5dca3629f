//! When a source that sends differences sends all that it knows: when some were lost, when a recording begins, and once a
//! minute while it goes on.

use std::time::Duration;

use crate::{clock::Stamp, interest::Interest};

/// Whoever enters a recording in the middle waits no longer than this for a whole table.
const EVERY: Duration = Duration::from_secs(60);

/// What one source sent.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Keyframes {
    /// Of those that were needed: how many there were when the newest was sent.
    answered: u64,
    /// The newest one of the recording under way.
    recorded: Option<Stamp>,
}

impl Keyframes {
    /// True when the next reading is to be one.
    pub(super) fn due(&self, want: &Interest, now: Stamp) -> bool {
        let minute = || self.recorded.is_none_or(|at| now.since(at) >= EVERY);
        want.keyframes != self.answered || (want.recording && minute())
    }

    /// A reading of `now` was sent.
    pub(super) fn sent(&mut self, want: &Interest, now: Stamp, keyframe: bool) {
        if keyframe {
            (self.answered, self.recorded) = (want.keyframes, Some(now));
        }
        if !want.recording {
            self.recorded = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds up to `until` in which a keyframe is sent.
    fn sent(until: u64, want: impl Fn(u64) -> Interest) -> Vec<u64> {
        let mut keyframes = Keyframes::default();
        let mut round = |second: u64| {
            let (want, now) = (want(second), Stamp::at_seconds(second));
            let keyframe = keyframes.due(&want, now);
            keyframes.sent(&want, now, keyframe);
            keyframe
        };
        (1..=until).filter(|second| round(*second)).collect()
    }

    #[test]
    fn a_lost_round_is_answered_once() {
        assert_eq!(sent(100, |_| Interest::default()), [0; 0]);
        assert_eq!(sent(100, |second| Interest { keyframes: second / 40, ..Interest::default() }), [40, 80]);
    }

    #[test]
    fn a_recording_has_one_each_minute() {
        let recorded = |second| (10..140).contains(&second) || second >= 150;
        let want = |second| Interest { recording: recorded(second), ..Interest::default() };
        assert_eq!(sent(220, want), [10, 70, 130, 150, 210]);
    }
}
