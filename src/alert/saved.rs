//! A book of alerts that outlasts its program: written down with the moment on both clocks and the boot, and taken up
//! again. Holds go on to the second over a short gap of the same boot; the gap rule of [`super::phase`] does the rest.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::book::AlertBook;
use crate::clock::Stamp;

/// Which boot of the machine it is, and for how long it has lasted, suspends included.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Boot {
    /// The kernel's id of it.
    pub id: Option<String>,
    /// CLOCK_BOOTTIME.
    pub lasts: Duration,
}

/// A book as it was at one moment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Saved {
    /// When, on the clock of the program that wrote it.
    pub at: Stamp,
    /// In which boot.
    pub boot: Boot,
    /// The run of the program that wrote it.
    #[serde(default)]
    pub run: String,
    pub book: AlertBook,
}

impl Saved {
    /// The book as it goes on at `now` of another clock, in `boot`.
    #[must_use]
    pub fn resume(self, now: Stamp, boot: &Boot) -> AlertBook {
        let Saved { at, boot: before, mut book, .. } = self;
        let same = before.id.is_some() && before.id == boot.id && boot.lasts >= before.lasts;
        // Another boot, or no way to know: people's clock is all there is. It may have been set meanwhile.
        let by_wall = || Duration::from_millis(u64::try_from(now.unix_ms - at.unix_ms).unwrap_or(0));
        let gap = if same { boot.lasts - before.lasts } else { by_wall() };
        let then = now.back(gap);
        book.stamps(|stamp| {
            if *stamp == Stamp::default() {
                return;
            }
            let ago = at.since(*stamp);
            // What people are shown stays as it was written.
            *stamp = Stamp { mono_us: then.back(ago).mono_us, unix_ms: stamp.unix_ms };
        });
        if !same {
            book.restart_pending();
        }
        book
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alert::{
            AlertKey, Level, Limits, Rule,
            judgement::Judgement,
            phase::{Moment, Observation, Phase},
        },
        model::{alert::Labels, metrics},
    };

    const HOLD: u64 = 60;

    fn rule() -> Rule {
        let limits = Limits { warn: Some(4.0), ..Limits::default() };
        Rule { limits, hold: Duration::from_secs(HOLD), ..Rule::new("busy", metrics::LOAD1) }
    }

    fn key() -> AlertKey {
        AlertKey { rule: "busy".into(), identity: Labels::new() }
    }

    /// Judges `value` at `now`; the phase after it.
    fn judge(book: &mut AlertBook, now: Stamp, value: f64) -> Option<Phase> {
        let moment = Moment { now, interval: Duration::from_secs(1) };
        let mut judgement = Judgement::new(book);
        judgement.value(&rule(), key(), Labels::new(), Observation::value(value, now), (moment, false));
        judgement.end(now);
        book.get(&key()).map(|alert| alert.entry.phase)
    }

    fn boot(id: &str, seconds: u64) -> Boot {
        Boot { id: Some(id.into()), lasts: Duration::from_secs(seconds) }
    }

    /// A book after the value was over the limit for `seconds`, ending at second 1000 of boot `a`.
    fn saved(seconds: u64) -> Saved {
        let mut book = AlertBook::default();
        for at in 1000 - seconds..=1000 {
            judge(&mut book, Stamp::at_seconds(at), 5.0);
        }
        let text =
            serde_json::to_string(&Saved { at: Stamp::at_seconds(1000), boot: boot("a", 5000), run: "1".into(), book });
        serde_json::from_str(&text.expect("written")).expect("read")
    }

    /// What becomes of it in another program, whose clock began elsewhere.
    fn at(gap: u64) -> Stamp {
        Stamp { mono_us: 77_000_000_000, ..Stamp::at_seconds(1000 + gap) }
    }

    #[test]
    fn a_short_gap_of_the_same_boot_goes_on_to_the_second() {
        let (gap, held) = (5, 40);
        let mut book = saved(held).resume(at(gap), &boot("a", 5000 + gap));
        let left = HOLD - held - gap;
        assert_eq!(book.get(&key()).map(|a| a.entry.left(&rule(), at(gap))), Some(Duration::from_secs(left)));
        for second in 0..left {
            assert_eq!(judge(&mut book, at(gap).plus(Duration::from_secs(second)), 5.0), Some(Phase::Pending));
        }
        assert_eq!(judge(&mut book, at(gap).plus(Duration::from_secs(left)), 5.0), Some(Phase::Firing));
    }

    #[test]
    fn holds_run_before_it_fires_and_while_it_clears() {
        let mut book = AlertBook::default();
        let timed = |book: &mut AlertBook, second: u64, value: f64| {
            judge(book, Stamp::at_seconds(second), value);
            book.is_any_timed()
        };
        assert!(timed(&mut book, 0, 5.0), "it pends");
        assert!((1..HOLD).all(|second| timed(&mut book, second, 5.0)));
        assert!(!timed(&mut book, HOLD, 5.0), "it fires");
        assert!(timed(&mut book, HOLD + 1, 1.0), "it clears");
        assert!(!timed(&mut book, HOLD + 2, 5.0), "it fires on");
    }

    #[test]
    fn a_long_gap_restarts_what_is_pending_and_keeps_what_fires() {
        let mut pending = saved(40).resume(at(300), &boot("a", 5300));
        assert_eq!(judge(&mut pending, at(300), 5.0), Some(Phase::Pending));
        assert_eq!(judge(&mut pending, at(359), 5.0), Some(Phase::Pending), "its hold began again");
        let mut firing = saved(60).resume(at(300), &boot("a", 5300));
        assert_eq!(judge(&mut firing, at(300), 1.0), Some(Phase::Firing), "one clear sample is not enough");
        let since = firing.get(&key()).map(|alert| (alert.entry.since().unix_ms, alert.entry.fired));
        let (began, fired) = (Stamp::at_seconds(940).unix_ms, Stamp::at_seconds(1000).unix_ms);
        assert_eq!(since.map(|(since, at)| (since, at.map(|at| at.unix_ms))), Some((began, Some(fired))));
    }

    #[test]
    fn another_boot_restarts_what_is_pending_whatever_the_gap() {
        let book = saved(40).resume(at(5), &boot("b", 3));
        assert_eq!(book.get(&key()), None);
        let book = saved(60).resume(at(5), &boot("b", 3));
        let alert = book.get(&key()).expect("it fires");
        assert_eq!((alert.entry.phase, alert.entry.level), (Phase::Firing, Level::Warn));
        assert_eq!(at(5).since(alert.entry.since()), Duration::from_secs(65), "its age goes on");
    }

    #[test]
    fn a_wall_clock_that_was_set_changes_no_hold() {
        let mut set = at(5);
        set.unix_ms -= 86_400_000;
        let book = saved(40).resume(set, &boot("a", 5005));
        assert_eq!(book.get(&key()).map(|a| a.entry.left(&rule(), set)), Some(Duration::from_secs(15)));
    }
}
