//! Judgements second after second, what users say, and the book on disk.

use std::time::Duration;

use super::*;
use crate::{
    alert::{
        Level, Limits, Rule,
        judgement::Judgement,
        phase::{Moment, Observation},
        transition::Turn,
    },
    model::metrics,
};

fn rule(id: &str) -> Rule {
    let limits = Limits { warn: Some(4.0), ..Limits::default() };
    Rule { limits, ..Rule::new(id, metrics::LOAD1) }
}

fn key(rule: &str, name: &str) -> AlertKey {
    AlertKey { rule: rule.into(), identity: vec![("name".into(), name.into())] }
}

/// Judges `values` by name under `rules` at `second`; what changed.
fn judge(book: &mut AlertBook, rules: &[Rule], second: u64, values: &[(&str, f64)]) -> Vec<(AlertKey, Phase)> {
    let now = Stamp::at_seconds(second);
    let moment = Moment { now, interval: Duration::from_secs(1) };
    let mut judgement = Judgement::new(book);
    for rule in rules {
        for (name, value) in values {
            let found = Observation::value(*value, now);
            judgement.value(rule, key(&rule.id, name), Labels::new(), found, (moment, false));
        }
        judgement.rest(rule, Observation::Missing, moment);
    }
    judgement.end(now).into_iter().map(|change| (change.key, change.to)).collect()
}

#[test]
fn one_alert_for_each_rule_and_identity() {
    let rules = [rule("a"), rule("ab")];
    let mut book = AlertBook::default();
    let changed = judge(&mut book, &rules, 1, &[("x", 5.0), ("y", 5.0), ("z", 1.0)]);
    let fired = [("a", "x"), ("a", "y"), ("ab", "x"), ("ab", "y")].map(|(r, n)| (key(r, n), Phase::Firing));
    assert_eq!(changed, fired);
    assert_eq!(book.iter().count(), 4);
    assert_eq!(judge(&mut book, &rules, 2, &[("x", 5.0), ("y", 1.0)]), []);
    let changed = judge(&mut book, &rules, 3, &[("x", 5.0), ("y", 1.0)]);
    assert_eq!(changed, [("a", "y"), ("ab", "y")].map(|(r, n)| (key(r, n), Phase::Resolved)));
    assert_eq!(book.iter().count(), 2, "what is over is forgotten");
}

#[test]
fn what_no_rule_asks_for_is_forgotten() {
    let mut book = AlertBook::default();
    judge(&mut book, &[rule("a")], 1, &[("x", 5.0)]);
    assert_eq!(judge(&mut book, &[rule("b")], 2, &[]), []);
    assert_eq!(book.iter().count(), 0);
}

fn said(at: u64, says: AlertSays) -> AlertMark {
    AlertMark { at: Stamp::at_seconds(at), says }
}

fn acknowledge(book: &mut AlertBook, key: AlertKey) {
    book.mark(&said(1, AlertSays::Acknowledge { key, comment: "known".into() }));
}

#[test]
fn an_acknowledgement_lasts_while_it_is_missing() {
    let mut book = AlertBook::default();
    let rules = [rule("a")];
    judge(&mut book, &rules, 1, &[("x", 5.0)]);
    acknowledge(&mut book, key("a", "x"));
    for second in 2..600 {
        judge(&mut book, &rules, second, &[]);
    }
    assert_eq!(judge(&mut book, &rules, 600, &[("x", 6.0)]), [(key("a", "x"), Phase::Firing)]);
    let given = book.get(&key("a", "x")).and_then(|alert| alert.entry.acknowledged.clone());
    assert_eq!(given.map(|given| (given.level, given.comment)), Some((Level::Warn, "known".into())));
}

#[test]
fn silences_cover_one_a_rule_or_all_and_end() {
    use crate::model::alert::Scope;
    let mut book = AlertBook::default();
    let (now, later) = (Stamp::at_seconds(1), Stamp::at_seconds(100));
    let until = |second| Stamp::at_seconds(second).unix_ms;
    let silence = |scope, second| Silence { scope, until_unix_ms: until(second), comment: String::new(), by: None };
    book.mark(&said(1, AlertSays::Silence(silence(Scope::Rule("a".into()), 50))));
    assert_eq!(book.silenced(&key("a", "x"), now), Some(until(50)));
    assert_eq!((book.silenced(&key("b", "x"), now), book.silenced(&key("a", "x"), later)), (None, None));
    book.mark(&said(1, AlertSays::Silence(silence(Scope::Rule("a".into()), 200))));
    assert_eq!((book.silences(now).count(), book.silenced(&key("a", "x"), later)), (1, Some(until(200))));
    let elsewhere = |silences| said(2, AlertSays::SilencedElsewhere(silences));
    book.mark(&elsewhere(vec![Silence { by: Some("ann".into()), ..silence(Scope::All, 300) }]));
    book.mark(&said(2, AlertSays::Unsilence(Scope::Rule("a".into()))));
    assert_eq!(book.silenced(&key("b", "x"), now), Some(until(300)), "what was made elsewhere is taken back there");
    book.mark(&said(2, AlertSays::Silence(silence(Scope::Rule("a".into()), 200))));
    book.mark(&elsewhere(Vec::new()));
    assert_eq!((book.silenced(&key("b", "x"), now), book.silenced(&key("a", "x"), now)), (None, Some(until(200))));
}

#[test]
fn three_pairs_are_one_message_and_a_rise_is_another() {
    let limits = Limits { warn: Some(4.0), crit: Some(8.0), ..Limits::default() };
    let rules = [Rule { limits, clear_hold: Some(Duration::ZERO), ..rule("a") }];
    let mut book = AlertBook::default();
    let mut turns = Vec::new();
    let mut second = |book: &mut AlertBook, at: u64, value: f64| {
        let now = Stamp::at_seconds(at);
        let moment = Moment { now, interval: Duration::from_secs(1) };
        let mut judgement = Judgement::new(book);
        let found = Observation::value(value, now);
        judgement.value(&rules[0], key("a", "x"), Labels::new(), found, (moment, false));
        judgement.settle(&rules[0], now);
        turns.extend(judgement.end(now).into_iter().map(|t| (at, t.turn, t.muted.is_some())));
    };
    for pair in 0..4 {
        second(&mut book, pair * 10 + 1, 5.0);
        second(&mut book, pair * 10 + 2, 1.0);
    }
    second(&mut book, 50, 9.0);
    second(&mut book, 51, 1.0);
    second(&mut book, 52, 9.0);
    for at in (60..4000).step_by(10) {
        second(&mut book, at, 9.0);
    }
    use Turn::{Fired, Flapping, Resolved, Settled};
    let first =
        [(1, Fired, false), (2, Resolved, false), (11, Fired, false), (12, Resolved, false), (21, Fired, false)];
    assert_eq!(turns[..5], first);
    assert_eq!(turns[5..9], [(22, Resolved, true), (22, Flapping, false), (31, Fired, true), (32, Resolved, true)]);
    assert_eq!(turns[9..12], [(50, Fired, false), (51, Resolved, true), (52, Fired, true)], "critical once");
    assert_eq!(turns[12..], [(3660, Settled, false)], "an hour after it last changed");
}

#[test]
fn a_rise_of_what_flaps_is_sent_once() {
    let limits = Limits { warn: Some(4.0), crit: Some(8.0), ..Limits::default() };
    let rules = [Rule { limits, clear_hold: Some(Duration::ZERO), ..rule("a") }];
    let mut book = AlertBook::default();
    let mut turns = Vec::new();
    for (at, value) in (1..).zip([5.0, 1.0, 5.0, 1.0, 5.0, 1.0, 5.0, 9.0, 1.0, 5.0, 9.0]) {
        let now = Stamp::at_seconds(at);
        let moment = Moment { now, interval: Duration::from_secs(1) };
        let mut judgement = Judgement::new(&mut book);
        judgement.value(&rules[0], key("a", "x"), Labels::new(), Observation::value(value, now), (moment, false));
        turns.extend(judgement.end(now).into_iter().map(|t| (at, t.turn, t.muted.is_some())));
    }
    use Turn::{Escalated, Fired, Resolved};
    let since = turns.iter().position(|(at, ..)| *at == 7).expect("it fired again");
    let flaps =
        [(7, Fired, true), (8, Escalated, false), (9, Resolved, true), (10, Fired, true), (11, Escalated, true)];
    assert_eq!(turns[since..], flaps);
}

#[test]
fn what_is_normal_is_learnt_while_it_is_well() {
    let limits = Limits { warn: Some(2.0), ..Limits::default() };
    let rules = [Rule { limits, clear: None, normal_floor: Some(0.5), ..rule("slow") }];
    let mut book = AlertBook::default();
    // Once a minute, the median of ten.
    for minute in 0..10 {
        assert_eq!(book.normal(&key("slow", "x")), None, "{minute}");
        judge(&mut book, &rules, minute * 60 + 1, &[("x", 3.0)]);
    }
    assert_eq!(book.normal(&key("slow", "x")), Some(3.0));
    assert_eq!(judge(&mut book, &rules, 700, &[("x", 5.9)]), []);
    assert_eq!(judge(&mut book, &rules, 701, &[("x", 6.1)]), [(key("slow", "x"), Phase::Firing)]);
    for minute in 12..30 {
        judge(&mut book, &rules, minute * 60, &[("x", 60.0)]);
    }
    assert_eq!(book.normal(&key("slow", "x")), Some(3.0), "what is too much is not taken for normal");
}

#[test]
fn another_judge_of_the_same_machine_has_the_same_ages() {
    let rules = [rule("a")];
    let (mut theirs, mut ours) = (AlertBook::default(), AlertBook::default());
    judge(&mut theirs, &rules, 1, &[("x", 5.0), ("gone", 5.0)]);
    acknowledge(&mut theirs, key("a", "x"));
    judge(&mut ours, &rules, 9, &[("x", 6.0), ("own", 6.0)]);
    ours.agree(theirs);
    let since = |name: &str| ours.get(&key("a", name)).map(|alert| alert.entry.since());
    assert_eq!((since("x"), since("own")), (Some(Stamp::at_seconds(1)), Some(Stamp::at_seconds(9))));
    assert_eq!(since("gone"), Some(Stamp::at_seconds(1)), "what the other one has seen is not lost");
    assert!(ours.get(&key("a", "x")).is_some_and(|alert| alert.entry.acknowledged.is_some()));
}

#[test]
fn a_book_is_written_and_read_back() {
    let mut book = AlertBook::default();
    judge(&mut book, &[rule("a"), rule("b")], 1, &[("x", 5.0), ("y", 6.0)]);
    assert!(Judgement::new(&mut book).is_first("load1"));
    acknowledge(&mut book, key("b", "y"));
    let text = serde_json::to_string(&book).expect("it is written");
    let mut read: AlertBook = serde_json::from_str(&text).expect("it is read");
    assert_eq!(read, book);
    assert!(read.iter().count() == 4 && !Judgement::new(&mut read).is_first("load1"));
}

#[test]
fn a_rise_from_advice_is_sent() {
    let limits = Limits { advice: Some(2.0), warn: Some(4.0), ..Limits::default() };
    let mut book = AlertBook::default();
    let mut turns = Vec::new();
    for (second, value) in [(1, 3.0), (2, 5.0)] {
        let now = Stamp::at_seconds(second);
        let mut judgement = Judgement::new(&mut book);
        let moment = Moment { now, interval: Duration::from_secs(1) };
        let rule = Rule { limits, ..rule("a") };
        judgement.value(&rule, key("a", "x"), Labels::new(), Observation::value(value, now), (moment, false));
        turns.extend(judgement.end(now).into_iter().map(|change| (change.turn, change.muted)));
    }
    assert_eq!(turns, [(Turn::Fired, None), (Turn::Escalated, None)]);
}

#[test]
fn each_part_of_a_book_makes_it_worth_keeping() {
    use crate::{
        alert::{flap::Flap, normal::Normal},
        model::alert::{Scope, Silence},
    };
    let with = |change: &dyn Fn(&mut AlertBook)| {
        let mut book = AlertBook::default();
        change(&mut book);
        book.is_worth_keeping()
    };
    let silence = || Silence { scope: Scope::All, until_unix_ms: 1, comment: String::new(), by: None };
    assert!(!with(&|_| {}) && !with(&|book| book.known = ["load1".to_owned()].into()));
    assert!(with(&|book| drop(book.alerts.insert(key("a", "x"), Alert::default()))));
    assert!(with(&|book| drop(book.flaps.insert(key("a", "x"), Flap::default()))));
    assert!(with(&|book| drop(book.normals.insert(key("a", "x"), Normal::default()))));
    assert!(with(&|book| book.silences.push(silence())) && with(&|book| book.seen_unix_ms = 1));
}

#[test]
fn what_is_normal_is_forgotten_a_day_after_it_was_seen() {
    use crate::alert::normal::{KEPT, Normal};
    let mut book = AlertBook::default();
    let seen = |second: u64| {
        let mut normal = Normal::default();
        normal.seen = Stamp::at_seconds(second);
        normal
    };
    book.normals = [(key("a", "x"), seen(100)), (key("a", "y"), seen(101))].into();
    let mut left = |second: u64| {
        judge(&mut book, &[rule("a")], second, &[]);
        book.normals.len()
    };
    let day = KEPT.as_secs();
    assert_eq!([100 + day, 101 + day, 102 + day].map(&mut left), [2, 1, 0]);
}
