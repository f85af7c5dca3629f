//! What is usual for a figure of a service: the median over a day, from a median of each minute, so that one slow answer
//! counts for nothing and a day costs little.
//!
//! Not the normal of a rule (`alert/normal.rs`), which the model cannot know: there are figures here without any rule.

use std::{collections::VecDeque, time::Duration};

use crate::clock::Stamp;

/// Minutes that are kept.
const DAY: usize = 24 * 60;
/// Minutes that must exist before anything is usual.
const LEAST: usize = 5;
const MINUTE: Duration = Duration::from_secs(60);
/// What lasts for so long is the new usual: until then values that are not usual are kept out, as half an hour of slow
/// answers would soon pass for normal.
const LASTING: Duration = Duration::from_secs(6 * 3600);
/// The factor from which on a value is not usual.
pub(super) const FACTOR: f64 = 2.0;

/// Which side of a figure is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bad {
    High,
    Low,
}

/// The usual values of a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    /// A tenth of the minutes is below.
    pub low: f64,
    /// Half of them.
    pub median: f64,
    /// A tenth is above.
    pub high: f64,
}

/// Finds them.
#[derive(Debug, Clone, PartialEq)]
pub struct Normal {
    bad: Bad,
    minutes: VecDeque<f32>,
    /// The values of the minute under way.
    open: Vec<f32>,
    began: Option<Stamp>,
    /// Since when the values are not usual.
    odd_since: Option<Stamp>,
    usual: Option<Usual>,
}

impl Normal {
    pub(super) fn new(bad: Bad) -> Self {
        Normal { bad, minutes: VecDeque::new(), open: Vec::new(), began: None, odd_since: None, usual: None }
    }

    /// The usual values; `None` in the first minutes.
    #[must_use]
    pub fn usual(&self) -> Option<Usual> {
        self.usual
    }

    /// Takes one value in. `floor`: below this the difference between two values is of no interest.
    pub(super) fn push(&mut self, at: Stamp, value: f64, floor: f64) {
        let began = *self.began.get_or_insert(at);
        if at.since(began) >= MINUTE && !self.open.is_empty() {
            self.close(began, floor);
            self.began = Some(at);
        }
        self.open.push(value as f32);
    }

    fn close(&mut self, began: Stamp, floor: f64) {
        let value = quantile(&mut self.open, 5);
        self.open.clear();
        let is_odd = self.usual.is_some_and(|usual| match self.bad {
            Bad::High => value > FACTOR * usual.median.max(floor),
            Bad::Low => value < usual.median / FACTOR,
        });
        if is_odd {
            let since = *self.odd_since.get_or_insert(began);
            if began.since(since) < LASTING {
                return;
            }
        } else {
            self.odd_since = None;
        }
        if self.minutes.len() == DAY {
            self.minutes.pop_front();
        }
        self.minutes.push_back(value as f32);
        if is_odd {
            // What was usual before it changed for good is so no more.
            self.minutes.drain(..self.minutes.len() - 1);
            self.odd_since = None;
            self.usual = None;
        }
        if self.minutes.len() >= LEAST {
            let mut sorted: Vec<f32> = self.minutes.iter().copied().collect();
            let [low, median, high] = [1, 5, 9].map(|tenths| quantile(&mut sorted, tenths));
            self.usual = Some(Usual { low, median, high });
        }
    }
}

/// The value below which so many tenths are.
fn quantile(values: &mut [f32], tenths: usize) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let at = (values.len() - 1) * tenths / 10;
    f64::from(*values.select_nth_unstable_by(at, f32::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value each ten seconds from `from` on, for so many minutes.
    fn feed(normal: &mut Normal, from: u64, minutes: u64, value: impl Fn(u64) -> f64) {
        for n in 0..minutes * 6 {
            normal.push(Stamp::at_seconds(from + n * 10), value(n), 0.02);
        }
    }

    #[test]
    fn nothing_is_usual_in_the_first_minutes() {
        let mut normal = Normal::new(Bad::High);
        feed(&mut normal, 0, 5, |_| 0.04);
        assert_eq!(normal.usual(), None);
        feed(&mut normal, 300, 1, |_| 0.04);
        assert_eq!(normal.usual().map(|usual| (usual.median * 1000.0).round()), Some(40.0));
    }

    #[test]
    fn slow_answers_do_not_become_normal_within_hours_and_do_in_the_end() {
        let mut normal = Normal::new(Bad::High);
        feed(&mut normal, 0, 10, |n| if n % 6 == 0 { 2.0 } else { 0.04 });
        let median = |normal: &Normal| normal.usual().map(|usual| (usual.median * 1000.0).round());
        assert_eq!(median(&normal), Some(40.0), "one slow answer a minute");
        feed(&mut normal, 600, 5 * 60, |_| 0.4);
        assert_eq!(median(&normal), Some(40.0), "slow for five hours");
        feed(&mut normal, 600 + 5 * 3600, 80, |_| 0.4);
        assert_eq!(median(&normal), Some(400.0), "it is so now");
    }

    #[test]
    fn a_low_throughput_is_kept_out_too() {
        let mut normal = Normal::new(Bad::Low);
        feed(&mut normal, 0, 10, |_| 100e6);
        feed(&mut normal, 600, 30, |_| 40e6);
        assert_eq!(normal.usual().map(|usual| usual.median), Some(100e6));
        feed(&mut normal, 2400, 30, |_| 500e6);
        assert_eq!(normal.usual().map(|usual| usual.median), Some(500e6), "better is no trouble");
    }
}
