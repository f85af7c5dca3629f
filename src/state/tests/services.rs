//! Alerts of services over a start.

use super::*;

#[test]
fn what_was_not_asked_yet_since_the_start_is_not_gone() {
    use std::sync::Arc;

    use crate::model::service::{
        Probe, Probed, ServiceSample,
        round::{Failure, FailureKind, Found, Outcome, Round},
    };
    let down = Rule {
        limits: Limits { warn: Some(0.0), ..Limits::default() },
        ..Rule::new("down", crate::model::metrics::SERVICE_FAILURES_IN_ROW)
    };
    let read = |state: &mut State, second: u64, number: Option<u64>| {
        let at = Stamp::at_seconds(second);
        let round = number.map(|number| {
            let outcome = Outcome::Down(Failure { kind: FailureKind::Wrong, words: "refused".into() });
            Arc::new(Round { number, began: at, ended: at, outcome, retried: None, found: Found::default() })
        });
        let probe = Arc::new(Probe { name: "web".into(), ..Probe::default() });
        let sample = ServiceSample { services: vec![Probed { probe, round, stuck: None }] };
        let (took, every, outcome) = (Duration::ZERO, Duration::from_secs(1), Ok(Sample::Services(sample)));
        state.apply(Event::Reading(Envelope { source: SourceId::Services, at, took, every, outcome }));
        state.apply(Event::Tick(at));
        state.watches.iter().map(|watch| (watch.held, watch.unknown_since.is_some())).collect::<Vec<_>>()
    };
    let mut before = State::new([down.clone()].into());
    (1..4).for_each(|second| drop(read(&mut before, second, Some(second))));
    assert_eq!(read(&mut before, 4, Some(4)), [(true, false)]);
    let mut next = State::new([down].into());
    next.alerts = before.alerts.clone();
    for second in 5..9 {
        assert_eq!(read(&mut next, second, None), [(true, true)], "second {second}");
        assert_eq!(next.transitions, [], "nothing happened to it");
    }
    for (second, round) in [(9, 1), (10, 2)] {
        assert_eq!(read(&mut next, second, Some(round)), [(true, true)], "one failure says little");
    }
    assert_eq!(read(&mut next, 11, Some(3)), [(true, false)]);
    let gone = ServiceSample { services: Vec::new() };
    for second in 12..15 {
        let (took, every, at) = (Duration::ZERO, Duration::from_secs(1), Stamp::at_seconds(second));
        let outcome = Ok(Sample::Services(gone.clone()));
        next.apply(Event::Reading(Envelope { source: SourceId::Services, at, took, every, outcome }));
        next.apply(Event::Tick(at));
    }
    assert!(next.watches.is_empty(), "one that is no longer listed is gone");
}
