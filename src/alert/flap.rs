//! An alert that fires and clears all the time is one piece of news, not many: pairs of both are counted, never samples.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::rule::Rule;
use crate::clock::Stamp;

/// So many pairs of firing and clearing within the window are flapping.
const PAIRS: usize = 3;
/// The window: so many holds, and at least an hour.
const HOLDS: u32 = 6;
const LEAST: Duration = Duration::from_secs(3600);

/// The window in which pairs are counted, and for which an alert must stay as it is to have settled.
#[must_use]
pub fn window(rule: &Rule) -> Duration {
    (rule.hold * HOLDS).max(LEAST)
}

/// The recent past of one alert.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Flap {
    /// When it cleared, of the pairs within the window.
    cleared: Vec<Stamp>,
    /// When it last fired or cleared.
    changed: Stamp,
    /// It flaps.
    pub flapping: bool,
    /// It was critical while it flapped: that was sent.
    pub escalated: bool,
}

impl Flap {
    /// How often it cleared within the window.
    #[must_use]
    pub fn pairs(&self) -> usize {
        self.cleared.len()
    }

    /// It fired.
    pub fn fired(&mut self, at: Stamp) {
        self.changed = at;
    }

    /// It cleared; true when it flaps from now on.
    pub fn cleared(&mut self, rule: &Rule, at: Stamp) -> bool {
        self.changed = at;
        self.cleared.retain(|cleared| at.since(*cleared) < window(rule));
        self.cleared.push(at);
        let began = !self.flapping && self.cleared.len() >= PAIRS;
        self.flapping |= began;
        began
    }

    /// True when it has stayed as it is for the whole window: nothing of it need be known any longer.
    #[must_use]
    pub fn is_settled(&self, rule: &Rule, now: Stamp) -> bool {
        now.since(self.changed) >= window(rule)
    }

    /// All its stamps, to move them.
    pub fn stamps(&mut self) -> impl Iterator<Item = &mut Stamp> {
        self.cleared.iter_mut().chain([&mut self.changed])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::metrics;

    #[test]
    fn three_pairs_within_the_window_flap_until_it_settles() {
        let rule = Rule::new("r", metrics::LOAD1);
        let at = Stamp::at_seconds;
        let mut flap = Flap::default();
        for second in [1, 3700, 5000] {
            flap.fired(at(second));
            assert!(!flap.cleared(&rule, at(second + 10)), "the first is too long ago at {second}");
        }
        flap.fired(at(6000));
        assert!(flap.cleared(&rule, at(6010)));
        flap.fired(at(6020));
        assert!(!flap.cleared(&rule, at(6030)) && flap.flapping, "it is said once");
        assert!(!flap.is_settled(&rule, at(9629)) && flap.is_settled(&rule, at(9630)));
        flap.fired(at(9700));
        assert!(!flap.is_settled(&rule, at(13_299)) && flap.is_settled(&rule, at(13_300)), "from its last change on");
    }

    #[test]
    fn the_window_is_an_hour_or_six_holds() {
        let held = |seconds| Rule { hold: Duration::from_secs(seconds), ..Rule::new("r", metrics::LOAD1) };
        assert_eq!(window(&held(300)), Duration::from_secs(3600));
        assert_eq!(window(&held(3600)), Duration::from_secs(21_600));
    }
}
