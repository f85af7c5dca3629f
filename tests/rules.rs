//! Every shipped rule on a simulated clock: it fires at exactly its duration or count and not one sample before, clears by
//! its own condition, and survives a restart in each phase. And whatever happens, nothing fires early or twice.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

use std::time::Duration;

use benchtop::{
    alert::{
        AlertKey, Level, Rule, Side,
        book::AlertBook,
        judgement::Judgement,
        phase::{Moment, Observation, Phase},
        saved::{Boot, Saved},
        shipped,
        transition::{Transition, Turn},
    },
    clock::Stamp,
    model::alert::Labels,
};
use proptest::{collection::vec, prelude::*};

const SECOND: Duration = Duration::from_secs(1);

/// One rule, judged once a second on a machine that can be stopped, suspended and set to another time.
struct Machine {
    rule: Rule,
    book: AlertBook,
    now: Stamp,
    boot: Boot,
    turns: Vec<(Stamp, Transition)>,
}

impl Machine {
    fn new(rule: Rule) -> Self {
        let boot = Boot { id: Some("a".into()), lasts: Duration::from_secs(10_000) };
        Machine { rule, book: AlertBook::default(), now: Stamp::at_seconds(10_000_000), boot, turns: Vec::new() }
    }

    fn key(&self) -> AlertKey {
        AlertKey { rule: self.rule.id.clone(), identity: Labels::new() }
    }

    fn phase(&self) -> Phase {
        self.book.get(&self.key()).map_or(Phase::Ok, |alert| alert.entry.phase)
    }

    fn pass(&mut self, span: Duration) {
        self.now = self.now.plus(span);
        self.boot.lasts += span;
    }

    /// One second later `found` is what the source says.
    fn second(&mut self, found: Option<Option<f64>>) {
        self.pass(SECOND);
        let moment = Moment { now: self.now, interval: SECOND };
        let (key, rule) = (self.key(), self.rule.clone());
        let mut judgement = Judgement::new(&mut self.book);
        match found {
            Some(Some(value)) => {
                judgement.value(&rule, key, Labels::new(), Observation::value(value, self.now), (moment, false));
            }
            Some(None) => judgement.rest(&rule, Observation::Unknown, moment),
            None => judgement.rest(&rule, Observation::Missing, moment),
        }
        judgement.settle(&rule, self.now);
        let now = self.now;
        self.turns.extend(judgement.end(now).into_iter().map(|turn| (now, turn)));
    }

    fn value(&mut self, value: f64) -> Phase {
        self.second(Some(Some(value)));
        self.phase()
    }

    /// The program ends, and another one with another clock takes the book up `gap` later.
    fn restart(&mut self, gap: Duration, same_boot: bool) {
        let saved = Saved { at: self.now, boot: self.boot.clone(), run: String::new(), book: self.book.clone() };
        let text = serde_json::to_string(&saved).unwrap();
        let saved: Saved = serde_json::from_str(&text).unwrap();
        self.pass(gap);
        if !same_boot {
            self.boot = Boot { id: Some("b".into()), lasts: Duration::from_secs(1) };
        }
        // Another clock: it begins anywhere, and never before what it is given.
        self.now.mono_us += 12_345_678_000_000;
        self.book = saved.resume(self.now, &self.boot);
    }

    fn turns(&self) -> Vec<Turn> {
        self.turns.iter().map(|(_, turn)| turn.turn).collect()
    }
}

/// Values that are over the mildest limit of `rule`, over its worst one, and clear.
fn values(rule: &Rule) -> (f64, f64, f64) {
    let away = |limit: f64, by: f64| if rule.side == Side::Above { limit + by } else { limit - by };
    let mildest = rule.limits.mildest().unwrap();
    let worst = rule.limits.crit.or(rule.limits.warn).or(rule.limits.advice).unwrap();
    let little = mildest.abs().max(1.0) * 0.001;
    (away(mildest, little), away(worst, little), rule.clear.unwrap_or(mildest))
}

/// Seconds of values over the limit until it fires.
fn fires_after(rule: &Rule) -> u64 {
    rule.in_a_row.map_or(rule.hold.as_secs() + 1, |count| u64::from(count).max(rule.hold.as_secs() + 1))
}

/// Seconds of clear values until it ends.
fn clears_after(rule: &Rule) -> u64 {
    match rule.clear_hold {
        Some(span) => span.as_secs() + 1,
        None => rule.hold.as_secs().div_ceil(3).clamp(1, 300) + 1,
    }
}

/// Rules that wait or count samples; those that count crossings are in the tables of `alert/phase`.
fn rules() -> impl Iterator<Item = Rule> {
    shipped()
        .into_iter()
        .filter(|rule| rule.times.is_none() && rule.normal_floor.is_none())
        .map(|rule| Rule { enabled: true, ..rule })
}

#[test]
fn every_rule_fires_exactly_when_its_time_has_come_and_clears_by_its_own_condition() {
    for rule in rules() {
        let (over, _, clear) = values(&rule);
        let (fires, clears, id) = (fires_after(&rule), clears_after(&rule), rule.id.clone());
        let mut machine = Machine::new(rule);
        for second in 1..fires {
            assert_eq!(machine.value(over), Phase::Pending, "{id} at second {second} of {fires}");
        }
        assert_eq!(machine.value(over), Phase::Firing, "{id} at second {fires}");
        for second in 1..clears {
            assert_eq!(machine.value(clear), Phase::Firing, "{id} was clear for {second} of {clears} seconds");
        }
        assert_eq!(machine.value(clear), Phase::Ok, "{id} is clear for {clears} seconds");
        let wanted = [Turn::Pending, Turn::Fired, Turn::Resolved];
        assert_eq!(machine.turns(), if fires == 1 { &wanted[1..] } else { &wanted[..] }, "{id}");
    }
}

#[test]
fn every_rule_survives_a_restart_in_each_phase() {
    for rule in rules() {
        let (over, _, clear) = values(&rule);
        let (fires, clears, id) = (fires_after(&rule), clears_after(&rule), rule.id.clone());
        let gap = Duration::from_secs(3);
        // While it is pending: the hold goes on to the second.
        if rule.hold.as_secs() > 10 {
            let mut machine = Machine::new(rule.clone());
            (0..5).for_each(|_| assert_ne!(machine.value(over), Phase::Ok));
            machine.restart(gap, true);
            for second in 5 + 3 + 1..fires {
                assert_eq!(machine.value(over), Phase::Pending, "{id} at second {second} of {fires}");
            }
            assert_eq!(machine.value(over), Phase::Firing, "{id} after a restart while pending");
        }
        // While it fires, for hours and over a boot: only its own condition ends it, and it is not said again.
        for (gap, same_boot) in [(gap, true), (Duration::from_secs(9_000), true), (Duration::from_secs(60), false)] {
            let mut machine = Machine::new(rule.clone());
            (0..fires).for_each(|_| assert_ne!(machine.value(over), Phase::Ok));
            machine.restart(gap, same_boot);
            assert_eq!(machine.value(over), Phase::Firing, "{id}");
            machine.restart(gap, same_boot);
            (1..clears).for_each(|_| assert_eq!(machine.value(clear), Phase::Firing, "{id}"));
            assert_eq!(machine.value(clear), Phase::Ok, "{id}");
            let fired = machine.turns().into_iter().filter(|turn| *turn == Turn::Fired).count();
            assert_eq!(fired, 1, "{id} fires once over two restarts");
        }
    }
}

/// What the mission asks for: a rule, its side, its limit, how long or how often, its level.
#[test]
fn the_rules_of_the_mission_are_as_it_says() {
    let (warn, crit, advice) = (Level::Warn, Level::Crit, Level::Advice);
    for (id, at, fine, level, seconds) in [
        ("cpu_busy", 0.901, 0.90, warn, 300),
        ("memory_used", 0.901, 0.90, warn, 10),
        ("pool_full", 0.851, 0.85, warn, 10),
        ("pool_filling", 0.701, 0.70, advice, 10),
        ("pool_capacity", 0.801, 0.80, advice, 10),
        ("cpu_temperature", 80.1, 80.0, warn, 10),
        ("gpu_temperature", 85.1, 85.0, warn, 10),
        ("container_restarts", 3.0, 2.0, warn, 0),
        ("pool_healthy", 0.0, 1.0, crit, 0),
        ("gpu_driver", 0.0, 1.0, crit, 0),
        ("container_memory_limit", 0.801, 0.80, advice, 3600),
        ("container_cpu_limit", 0.801, 0.80, advice, 3600),
        ("gpu_memory", 0.901, 0.90, warn, 30),
        ("memory_available", 7.9e9, 8e9, advice, 300),
        ("service_down", 3.0, 2.0, crit, 0),
        ("service_slow", 2.01, 2.0, warn, 600),
        ("service_throughput", 0.49, 0.5, warn, 300),
        ("service_errors", 0.051, 0.05, warn, 0),
        ("model_response", 1.01, 1.0, advice, 300),
        ("model_queue_time", 30.1, 30.0, advice, 300),
        ("model_failures", 0.051, 0.05, warn, 300),
    ] {
        let rule = shipped().into_iter().find(|rule| rule.id == id).unwrap_or_else(|| panic!("no rule {id}"));
        let rule = Rule { enabled: true, ..rule };
        assert_eq!((rule.level(at), rule.level(fine)), (level, Level::Ok), "{id}");
        assert_eq!(rule.hold, Duration::from_secs(seconds), "{id}");
    }
}

/// What a second, or a moment between two, may bring.
#[derive(Debug, Clone, Copy)]
enum Step {
    Over,
    Worse,
    Between,
    Clear,
    Unknown,
    Missing,
    /// The machine is suspended: its clock stands still, people's does not.
    Suspend(u64),
    /// People's clock is set.
    Set(i64),
    Restart(u64),
    Reboot(u64),
}

fn step() -> impl Strategy<Value = (Step, u64)> {
    let step = prop_oneof![
        4 => Just(Step::Over),
        1 => Just(Step::Worse),
        2 => Just(Step::Between),
        4 => Just(Step::Clear),
        2 => Just(Step::Unknown),
        1 => Just(Step::Missing),
        1 => (1..90_000u64).prop_map(Step::Suspend),
        1 => (-90_000..90_000i64).prop_map(Step::Set),
        1 => (0..400u64).prop_map(Step::Restart),
        1 => (1..4_000u64).prop_map(Step::Reboot),
    ];
    (step, prop_oneof![6 => 1..6u64, 2 => 6..60u64, 1 => 900..950u64])
}

/// Seconds of the run that ends now in which the value was seen over its limit, without a gap that is too long, a reboot
/// or a value that was not over it: what a hold may count.
#[derive(Default)]
struct Seen {
    /// Seconds since it was first seen over the limit, and since it was last seen so.
    run: Option<(u64, u64)>,
    samples: u32,
}

impl Seen {
    fn pass(&mut self, seconds: u64) {
        if let Some((first, last)) = &mut self.run {
            (*first, *last) = (*first + seconds, *last + seconds);
        }
    }

    fn over(&mut self) {
        match &mut self.run {
            Some((_, last)) if *last <= 10 => *last = 0,
            _ => (self.run, self.samples) = (Some((0, 0)), 0),
        }
        self.samples += 1;
    }

    fn end(&mut self) {
        *self = Seen::default();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn nothing_fires_early_or_twice_or_resolves_unseen(steps in vec(step(), 1..30), hold in 0..40u64, row in proptest::option::of(1..6u32)) {
        let limits = benchtop::alert::Limits { warn: Some(4.0), crit: Some(8.0), ..Default::default() };
        let rule = Rule {
            limits, clear: Some(3.0), hold: Duration::from_secs(hold), in_a_row: row,
            ..Rule::new("busy", benchtop::model::metrics::LOAD1)
        };
        let mut machine = Machine::new(rule);
        let mut seen = Seen::default();
        // It fires, and since then it was seen clear this often in a row.
        let (mut firing, mut clear, mut worst) = (false, 0u32, false);
        for (step, times) in steps {
            for _ in 0..times {
                let found = match step {
                    Step::Over => Some(Some(5.0)),
                    Step::Worse => Some(Some(9.0)),
                    Step::Between => Some(Some(3.5)),
                    Step::Clear => Some(Some(1.0)),
                    Step::Unknown => Some(None),
                    Step::Missing => None,
                    Step::Suspend(seconds) => {
                        machine.now.unix_ms += i64::try_from(seconds).unwrap() * 1000;
                        machine.boot.lasts += Duration::from_secs(seconds);
                        break;
                    }
                    Step::Set(seconds) => { machine.now.unix_ms += seconds * 1000; break; }
                    Step::Restart(seconds) => { machine.restart(Duration::from_secs(seconds), true); seen.pass(seconds); break; }
                    Step::Reboot(seconds) => { machine.restart(Duration::from_secs(seconds), false); seen.end(); break; }
                };
                let before = machine.turns.len();
                machine.second(found);
                seen.pass(1);
                match found {
                    Some(Some(value)) if value > 4.0 => seen.over(),
                    Some(Some(_)) => seen.end(),
                    _ => {}
                }
                clear = match found {
                    Some(Some(value)) if value <= 3.0 => clear + 1,
                    Some(Some(_)) => 0,
                    _ => clear,
                };
                for (_, turn) in &machine.turns[before..] {
                    match turn.turn {
                        Turn::Fired => {
                            prop_assert!(!firing, "fired twice");
                            let (first, _) = seen.run.unwrap_or((0, 99));
                            prop_assert!(seen.run.is_some() && first >= hold, "fired after {first} s of {hold}");
                            prop_assert!(row.is_none_or(|row| seen.samples >= row), "{} of {row:?}", seen.samples);
                            (firing, worst) = (true, turn.level == Level::Crit);
                        }
                        Turn::Escalated => {
                            prop_assert!(firing && !worst, "it was as bad before");
                            worst = true;
                        }
                        Turn::Resolved => {
                            prop_assert!(firing && clear >= 2, "resolved after {clear} clear samples");
                            firing = false;
                        }
                        Turn::Gone => prop_assert!(firing && found.is_none()),
                        Turn::Returned => prop_assert!(firing && found.is_some()),
                        Turn::Removed => { prop_assert!(firing && found.is_none()); firing = false; }
                        Turn::Pending | Turn::Cancelled | Turn::Flapping | Turn::Settled => {}
                    }
                }
                if !firing { clear = 0; }
                // What was held for the whole time, in samples each second, fires: it is never late either.
                if let Some((first, 0)) = seen.run
                    && first >= hold.max(30) && row.is_none_or(|row| seen.samples >= row)
                {
                    prop_assert!(machine.phase() == Phase::Firing, "late: {first} s of {hold}, {:?}", machine.phase());
                }
            }
        }
    }
}
