//! What a model did lately: differences of its counters over a window. A restarted server counts from zero, and
//! then has no rate until the next pair.

use std::{collections::VecDeque, time::Duration};

use super::{Histogram, Spread, Work};
use crate::clock::Stamp;

/// Rates are over at least this, as the figures and the slots of a server are not read at the same moment.
const RATE: Duration = Duration::from_secs(5);
/// Percentiles are of the requests of this time.
const REQUESTS: Duration = Duration::from_secs(300);
/// Older samples are kept this far apart.
const APART: Duration = Duration::from_secs(5);

/// Samples of one model, and what is derived from them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Flow {
    past: VecDeque<Then>,
    /// Tokens generated so far: it does not fall, though a request that ends between two questions is missing in both.
    produced: Option<f64>,
    fell: bool,
    pub figures: Figures,
}

#[derive(Debug, Clone, PartialEq)]
struct Then {
    at: Stamp,
    produced: Option<f64>,
    work: Work,
}

/// What is derived.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures {
    /// Tokens generated a second: lately, and since the sample before.
    pub tokens: Option<f64>,
    pub tokens_now: Option<f64>,
    /// Tokens of prompts processed a second.
    pub prompt: Option<f64>,
    /// Share of the prompts' tokens that the cache spared.
    pub cached: Option<f64>,
    /// Share of the time spent in prompts rather than in generating.
    pub prompt_share: Option<f64>,
    pub preemptions: Option<f64>,
    /// Requests ended a second, and the share of them that failed.
    pub requests: Option<f64>,
    pub failed: Option<f64>,
    /// Tokens of an answer, on average.
    pub answer_tokens: Option<f64>,
    pub first_token: Option<Spread>,
    pub per_token: Option<Spread>,
    pub response: Option<Spread>,
    pub queue: Option<Spread>,
    /// Seconds for each token, on average, where the server has no histogram of it.
    pub token_seconds: Option<f64>,
}

impl Flow {
    /// Takes a new sample in.
    pub fn apply(&mut self, at: Stamp, work: &Work) {
        if self.past.back().is_some_and(|last| began_anew(&last.work, work)) {
            *self = Flow::default();
        }
        let produced = self.produced(work);
        let now = Then { at, produced, work: work.clone() };
        self.figures = self.derived(&now);
        self.past.push_back(now);
        self.prune(at);
    }

    /// Nothing is known of what it does now.
    pub fn stop(&mut self) {
        *self = Flow::default();
    }

    fn produced(&mut self, work: &Work) -> Option<f64> {
        let counted = work.generated_tokens? + work.pending_tokens.unwrap_or(0.0);
        let before = self.produced.unwrap_or(counted);
        // Below for one sample: a request ended between two questions. For longer: it was given up and not counted.
        let falls = counted < before;
        let produced = if falls && !self.fell { before } else { counted };
        self.fell = falls;
        self.produced = Some(produced);
        Some(produced)
    }

    /// The newest sample that is at least `old`, or else the oldest.
    fn back(&self, at: Stamp, old: Duration) -> Option<&Then> {
        self.past.iter().rev().find(|then| at.since(then.at) >= old).or_else(|| self.past.front())
    }

    fn derived(&self, now: &Then) -> Figures {
        let Some(last) = self.past.back() else { return Figures::default() };
        let lately = self.back(now.at, RATE).unwrap_or(last);
        let long = self.back(now.at, REQUESTS).unwrap_or(last);
        let minute = self.back(now.at, Duration::from_secs(60)).unwrap_or(last);
        let tokens = |then: &Then| rate(then.produced, now.produced, now.at.since(then.at));
        let grown = |then: &Then, of: fn(&Work) -> Option<f64>| difference(of(&then.work), of(&now.work));
        let per_second = |of: fn(&Work) -> Option<f64>| rate(of(&lately.work), of(&now.work), now.at.since(lately.at));
        let spread = |of: fn(&Work) -> Option<&Histogram>| {
            of(&now.work).zip(of(&long.work)).and_then(|(now, then)| now.since(then)).and_then(|lately| lately.spread())
        };
        let completed = grown(long, |w| w.completed).filter(|completed| *completed > 0.0);
        let prompts = grown(minute, |w| w.prompt_seconds).zip(grown(minute, |w| w.generated_seconds));
        let cached = grown(long, |w| w.prompt_tokens).zip(grown(long, |w| w.cached_tokens));
        Figures {
            tokens: tokens(lately).or(now.work.throughput),
            tokens_now: tokens(last).or(now.work.throughput),
            prompt: per_second(|w| w.prompt_tokens),
            cached: cached.filter(|(done, spared)| done + spared > 0.0).map(|(done, spared)| spared / (done + spared)),
            prompt_share: prompts.filter(|(p, g)| p + g > 0.0).map(|(p, g)| p / (p + g)),
            preemptions: rate(minute.work.preemptions, now.work.preemptions, now.at.since(minute.at)),
            requests: rate(long.work.completed, now.work.completed, now.at.since(long.at)),
            failed: completed.and_then(|all| grown(long, |w| w.failed).map(|failed| (failed / all).min(1.0))),
            answer_tokens: completed.and_then(|all| grown(long, |w| w.generated_tokens).map(|tokens| tokens / all)),
            first_token: spread(|w| w.first_token.as_ref()),
            per_token: spread(|w| w.per_token.as_ref()),
            response: spread(|w| w.response.as_ref()),
            queue: spread(|w| w.queue.as_ref()),
            token_seconds: grown(minute, |w| w.generated_seconds)
                .zip(grown(minute, |w| w.generated_tokens))
                .filter(|(_, tokens)| *tokens > 0.0)
                .map(|(seconds, tokens)| seconds / tokens),
        }
    }

    fn prune(&mut self, at: Stamp) {
        // One that is older than the window stays: it is what the window's beginning is compared with.
        while self.past.get(1).is_some_and(|second| at.since(second.at) >= REQUESTS) {
            self.past.pop_front();
        }
        // The newest stay all; of those before each is kept that is far enough from the one before it.
        let old = self.past.iter().take_while(|then| at.since(then.at) > 2 * RATE).count();
        if old >= 2
            && let (Some(a), Some(c)) = (self.past.get(old.wrapping_sub(2)), self.past.get(old))
            && c.at.since(a.at) <= APART
        {
            self.past.remove(old - 1);
        }
    }
}

impl Figures {
    /// Seconds for each token after the first, the middle one or on average.
    #[must_use]
    pub fn seconds_a_token(&self) -> Option<f64> {
        self.per_token.map(|spread| spread.p50).or(self.token_seconds)
    }
}

fn difference(then: Option<f64>, now: Option<f64>) -> Option<f64> {
    then.zip(now).map(|(then, now)| now - then).filter(|grown| *grown >= 0.0)
}

fn rate(then: Option<f64>, now: Option<f64>, span: Duration) -> Option<f64> {
    let seconds = span.as_secs_f64();
    difference(then, now).filter(|_| seconds > 0.0).map(|grown| grown / seconds)
}

/// A counter went down: the server restarted.
fn began_anew(before: &Work, now: &Work) -> bool {
    let fell = |of: fn(&Work) -> Option<f64>| of(before).zip(of(now)).is_some_and(|(before, now)| now < before);
    fell(|w| w.generated_tokens) || fell(|w| w.prompt_tokens) || fell(|w| w.completed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: u64) -> Stamp {
        Stamp::at_seconds(second)
    }

    fn counted(generated: f64, pending: f64) -> Work {
        Work { generated_tokens: Some(generated), pending_tokens: Some(pending), ..Work::default() }
    }

    fn fold(works: &[Work]) -> Flow {
        let mut flow = Flow::default();
        (1..).zip(works).for_each(|(second, work)| flow.apply(at(second), work));
        flow
    }

    #[test]
    fn requests_under_way_count_while_they_run() {
        let flow = fold(&[counted(100.0, 0.0), counted(100.0, 40.0), counted(100.0, 80.0), counted(220.0, 0.0)]);
        assert_eq!(flow.figures.tokens, Some(40.0));
        assert_eq!(fold(&[counted(1.0, 0.0)]).figures, Figures::default(), "one sample has no rate");
    }

    #[test]
    fn one_that_ends_between_two_questions_is_not_counted_twice() {
        // It is in neither for a moment, then counted.
        let flow = fold(&[counted(100.0, 80.0), counted(100.0, 0.0), counted(190.0, 10.0)]);
        assert_eq!((flow.figures.tokens, flow.figures.tokens_now), (Some(10.0), Some(20.0)));
        // One that was given up is never counted.
        let flow = fold(&[counted(100.0, 80.0), counted(100.0, 0.0), counted(100.0, 0.0), counted(100.0, 30.0)]);
        assert_eq!(flow.figures.tokens_now, Some(30.0));
    }

    #[test]
    fn a_restart_has_no_rate() {
        let flow = fold(&[counted(100.0, 0.0), counted(120.0, 0.0), counted(5.0, 0.0)]);
        assert_eq!(flow.figures, Figures::default());
        let flow = fold(&[counted(100.0, 0.0), counted(5.0, 0.0), counted(12.0, 0.0)]);
        assert_eq!(flow.figures.tokens, Some(7.0));
    }

    #[test]
    fn percentiles_are_of_the_requests_of_the_window() {
        let work = |count: f64| Work {
            first_token: Histogram::of(vec![(0.1, count), (1.0, count)], Some(count), Some(count * 0.05)),
            completed: Some(count),
            failed: Some(count / 10.0),
            ..Work::default()
        };
        let flow = fold(&[work(100.0), work(100.0)]);
        assert_eq!((flow.figures.first_token, flow.figures.failed), (None, None), "nothing happened");
        let flow = fold(&[work(100.0), work(110.0)]);
        assert_eq!(flow.figures.first_token.map(|spread| (spread.count, spread.p50)), Some((10.0, 0.05)));
        assert_eq!((flow.figures.failed, flow.figures.requests), (Some(0.1), Some(10.0)));
    }

    #[test]
    fn the_past_stays_small_and_as_long_as_the_window() {
        let mut flow = Flow::default();
        (0..2000).for_each(|second| flow.apply(at(second), &counted(second as f64 * 7.0, 0.0)));
        assert!(flow.past.len() < 90, "{}", flow.past.len());
        assert!(at(1999).since(flow.past[0].at) >= REQUESTS && at(1999).since(flow.past[0].at) < REQUESTS * 2);
        assert_eq!(flow.figures.tokens, Some(7.0));
    }

    proptest! {
        #[test]
        fn no_rate_is_negative_or_more_than_was_counted(
            steps in prop::collection::vec((0_u32..200, 0_u32..200), 2..40),
        ) {
            let mut generated = 0.0;
            let mut flow = Flow::default();
            let (mut sum, mut most) = (0.0, 0.0_f64);
            for (second, (ended, pending)) in (1..).zip(&steps) {
                generated += f64::from(*ended);
                most = most.max(generated + f64::from(*pending));
                flow.apply(at(second), &counted(generated, f64::from(*pending)));
                let now = flow.figures.tokens_now.unwrap_or(0.0);
                prop_assert!(now >= 0.0 && now.is_finite());
                sum += now;
            }
            // What was given up may be counted again by those that follow, and no more than that.
            let pending: f64 = steps.iter().map(|(_, pending)| f64::from(*pending)).sum();
            prop_assert!(sum <= most + pending + 1e-6);
        }
    }

    #[test]
    fn each_figure_is_of_its_own_counters() {
        let work = |n: f64| Work {
            prompt_tokens: Some(n * 30.0),
            cached_tokens: Some(n * 10.0),
            generated_tokens: Some(n * 8.0),
            prompt_seconds: Some(n * 0.3),
            generated_seconds: Some(n * 0.1),
            preemptions: Some(n * 3.0),
            completed: Some(n * 2.0),
            failed: Some(n * 0.5),
            ..Work::default()
        };
        let mut flow = Flow::default();
        // From the second on, one more each second.
        flow.apply(at(1), &work(10.0));
        flow.apply(at(11), &work(20.0));
        let figures = &flow.figures;
        let near = |value: Option<f64>, wanted: f64| value.is_some_and(|value| (value - wanted).abs() < 1e-9);
        assert!(near(figures.tokens, 8.0) && near(figures.tokens_now, 8.0), "{figures:?}");
        assert!(near(figures.prompt, 30.0) && near(figures.cached, 0.25), "{figures:?}");
        assert!(near(figures.prompt_share, 0.75) && near(figures.preemptions, 3.0), "{figures:?}");
        assert!(near(figures.requests, 2.0) && near(figures.failed, 0.25), "{figures:?}");
        assert!(near(figures.answer_tokens, 4.0) && near(figures.token_seconds, 0.0125), "{figures:?}");
        assert!(near(figures.seconds_a_token(), 0.0125), "{figures:?}");
    }

    #[test]
    fn nothing_done_has_no_share() {
        let idle = Work {
            prompt_tokens: Some(1.0),
            cached_tokens: Some(1.0),
            generated_tokens: Some(1.0),
            prompt_seconds: Some(1.0),
            generated_seconds: Some(1.0),
            completed: Some(1.0),
            failed: Some(1.0),
            ..Work::default()
        };
        let figures = fold(&[idle.clone(), idle]).figures;
        let shares =
            [figures.cached, figures.prompt_share, figures.failed, figures.answer_tokens, figures.token_seconds];
        assert_eq!(shares, [None; 5]);
        assert_eq!((figures.tokens, figures.requests), (Some(0.0), Some(0.0)));
    }

    #[test]
    fn no_more_requests_fail_than_end() {
        let work = |completed, failed| Work { completed: Some(completed), failed: Some(failed), ..Work::default() };
        assert_eq!(fold(&[work(0.0, 0.0), work(2.0, 3.0)]).figures.failed, Some(1.0));
    }

    #[test]
    fn a_rate_that_the_server_says_stands_where_it_counts_none() {
        let said = Work { throughput: Some(42.0), ..Work::default() };
        let figures = fold(&[said.clone(), said.clone()]).figures;
        assert_eq!((figures.tokens, figures.tokens_now), (Some(42.0), Some(42.0)));
        let counted = |tokens| Work { generated_tokens: Some(tokens), ..said.clone() };
        assert_eq!(fold(&[counted(0.0), counted(7.0)]).figures.tokens, Some(7.0));
    }

    #[test]
    fn nothing_is_known_after_a_stop() {
        let mut flow = fold(&[counted(1.0, 0.0), counted(9.0, 0.0)]);
        flow.stop();
        assert_eq!(flow, Flow::default());
    }
}
