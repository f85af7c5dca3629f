//! Targets on threads of their own, with probes of the test's.

use std::thread;

use super::*;
use crate::{
    interest::Interest,
    model::service::{
        round::{Failure, FailureKind, Found},
        target::ServiceUrl,
    },
};

fn target(name: &str) -> ServiceTarget {
    ServiceTarget::new(name, ServiceUrl::parse("tcp://nas:22").expect("a URL"))
}

/// `hang` never ends, `panic` panics, `down` fails, all else is up; the number counts.
fn invented(target: &Arc<ServiceTarget>, _stage: Stage) -> Work<(), Round> {
    let (name, mut number) = (target.name.clone(), 0);
    Box::new(move |(), at| {
        number += 1;
        assert!(name != "panic", "as asked");
        if name == "hang" {
            loop {
                thread::park();
            }
        }
        let failure = Failure { kind: FailureKind::Unanswered, words: "no answer".into() };
        let outcome = if name == "down" { Outcome::Down(failure) } else { Outcome::Up { seconds: Some(0.1) } };
        round(number, at, outcome)
    })
}

fn round(number: u64, began: Stamp, outcome: Outcome) -> Round {
    Round { number, began, ended: began, outcome, retried: None, found: Found::default() }
}

fn read(services: &mut Services, second: u64) -> ServiceSample {
    read_with(services, second, &Interest::default())
}

fn read_with(services: &mut Services, second: u64, want: &Interest) -> ServiceSample {
    match services.collect(&CollectCx::new(Stamp::at_seconds(second), want)) {
        Ok(Sample::Services(sample)) => sample,
        other => panic!("{other:?}"),
    }
}

/// Reads at `second` until `done`.
fn until(services: &mut Services, second: u64, done: impl Fn(&ServiceSample) -> bool) -> ServiceSample {
    loop {
        let sample = read(services, second);
        if done(&sample) {
            return sample;
        }
        thread::yield_now();
    }
}

fn number(sample: &ServiceSample, index: usize) -> u64 {
    sample.services[index].round.as_ref().map_or(0, |round| round.number)
}

#[test]
fn one_that_hangs_delays_no_other() {
    let mut services = Services::new(vec![target("hang"), target("web")], invented);
    let first = until(&mut services, 100, |sample| number(sample, 1) == 1);
    assert!(!first.is_settled() && services.hurry() == Some(SOON), "the first round of each is waited for");
    let second = until(&mut services, 111, |sample| number(sample, 1) == 2);
    assert_eq!(second.services[0].stuck, None, "two attempts may take this long");
    let third = until(&mut services, 121, |sample| number(sample, 1) == 3);
    assert_eq!(third.services[0].stuck, Some((Cause::Starved, "the probe does not end".to_owned())));
    assert!(third.is_settled());
}

#[test]
fn rounds_keep_their_pace() {
    let mut services = Services::new(vec![target("web")], invented);
    until(&mut services, 100, |sample| number(sample, 0) == 1);
    let mut count = 1;
    for second in 101..200 {
        let idle = |services: &Services| services.targets[0].worker.is_idle();
        let mut sample = read(&mut services, second);
        while !idle(&services) {
            thread::yield_now();
            sample = read(&mut services, second);
        }
        count = number(&sample, 0).max(count);
    }
    assert!((10..=11).contains(&count), "{count} rounds in 100 s");
    // Nothing was read for an hour: one round, not 360.
    until(&mut services, 3800, |sample| number(sample, 0) == count + 1);
    assert_eq!(number(&read(&mut services, 3801), 0), count + 1);
}

#[test]
fn nothing_is_read_between_two_probes() {
    let none = Services::new(Vec::new(), invented);
    assert_eq!(none.rest(), Some(REST), "without a service");
    let mut services = Services::new(vec![target("web")], invented);
    until(&mut services, 100, |sample| number(sample, 0) == 1);
    read(&mut services, 101);
    let left = services.targets[0].due.expect("the second round").since(Stamp::at_seconds(101));
    assert_eq!(services.rest(), Some(left.min(REST)));
}

#[test]
fn a_panic_is_said_and_the_next_round_is_tried() {
    let mut services = Services::new(vec![target("panic")], invented);
    let sample = until(&mut services, 100, |sample| sample.services[0].stuck.is_some());
    let (cause, words) = sample.services[0].stuck.clone().expect("said");
    assert_eq!((cause, words.as_str()), (Cause::Setup, "probe panicked: as asked"));
}

#[test]
fn what_is_added_is_probed_and_what_is_paused_is_not() {
    let paused = ServiceTarget { pause: true, ..target("paused") };
    let mut services = Services::new(vec![paused], invented);
    let sample = read(&mut services, 100);
    assert!(sample.is_settled() && services.hurry().is_none() && services.targets[0].worker.is_idle());
    let want = Interest { services: vec![target("web"), target("paused")].into(), ..Interest::default() };
    while number(&read_with(&mut services, 101, &want), 1) == 0 {
        thread::yield_now();
    }
    assert_eq!(services.targets.len(), 2, "a name is probed once");
    assert_eq!(read(&mut services, 102).services.len(), 1, "it is taken away again");
}

#[test]
fn what_fails_while_the_host_wakes_up_is_not_judged() {
    let mut services = Services::new(vec![target("web")], invented);
    let asleep = services.slept;
    services.look_at_clocks(asleep + Duration::from_millis(20), Stamp::at_seconds(5));
    assert_eq!(services.woke, None, "clocks drift");
    services.look_at_clocks(asleep + Duration::from_secs(3600), Stamp::at_seconds(6));
    assert_eq!(services.woke, Some(Stamp::at_seconds(6)));
    let failure = Failure { kind: FailureKind::Unanswered, words: "no answer".into() };
    let mut failed = round(1, Stamp::at_seconds(7), Outcome::Down(failure));
    excuse(&mut failed, "this host woke up 1s ago");
    assert_eq!(failed.words(), Some("no answer; this host woke up 1s ago"));
    assert!(!failed.is_up() && matches!(failed.outcome, Outcome::Unjudged { cause: Cause::Suspended, .. }));
    let mut up = round(2, Stamp::at_seconds(8), Outcome::Up { seconds: Some(3.0) });
    excuse(&mut up, "");
    assert_eq!((up.is_up(), up.seconds()), (true, None), "its time is not to be trusted");
}

#[test]
fn a_failure_within_a_minute_of_waking_up_is_the_hosts_own() {
    for (second, judged) in [(159, false), (160, true)] {
        let mut services = Services::new(vec![target("down")], invented);
        services.woke = Some(Stamp::at_seconds(100));
        let sample = until(&mut services, second, |sample| number(sample, 0) == 1);
        let outcome = &sample.services[0].round.as_ref().expect("a round").outcome;
        assert_eq!(matches!(outcome, Outcome::Down(_)), judged, "{outcome:?}");
    }
}

#[test]
fn what_was_added_stays_while_others_come_and_go() {
    let mut services = Services::new(vec![target("own")], invented);
    let names = |sample: ServiceSample| -> Vec<String> {
        sample.services.iter().map(|service| service.probe.name.clone()).collect()
    };
    let mut added = |all: &[&str]| {
        let want = Interest { services: all.iter().map(|name| target(name)).collect(), ..Interest::default() };
        names(read_with(&mut services, 100, &want))
    };
    assert_eq!(added(&["web", "db"]), ["own", "web", "db"]);
    assert_eq!(added(&["db", "mail"]), ["own", "db", "mail"]);
    assert_eq!(added(&[]), ["own"]);
}

#[test]
fn a_round_of_a_host_that_did_not_sleep_has_its_time() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("tcp://{}", listener.local_addr().expect("bound"));
    let target = ServiceTarget::new("here", ServiceUrl::parse(&url).expect("a URL"));
    let round = rounds(&Arc::new(target), Stage::default())((), Stamp::at_seconds(1));
    assert!(round.is_up() && round.seconds().is_some(), "{round:?}");
}
