//! Whole seconds, pauses and silence: frames and gaps change no alert.

use proptest::{collection::vec, prelude::*};

use super::*;

#[test]
fn a_pause_fires_nothing() {
    let mut state = state(60);
    load(&mut state, 10, Ok(5.0));
    let (from, to) = (Stamp::at_seconds(11), Stamp::at_seconds(500));
    state.apply(Event::Tick(from));
    state.apply(Event::Resumed(to));
    state.apply(Event::Tick(to.plus(Duration::from_millis(100))));
    state.judge();
    let [pending] = &state.watches[..] else { panic!("no source is silent: {:?}", state.watches) };
    assert!(pending.rule == "busy" && !pending.held, "{pending:?}");
    assert!(pending.left > Duration::from_secs(50), "{pending:?}");
}

#[test]
fn silence_is_held_before_it_is_reported() {
    let mut state = state(0);
    load(&mut state, 1, Ok(1.0));
    let held = |state: &mut State, at| {
        state.apply(Event::Tick(Stamp::at_seconds(at)));
        state.judge();
        state.watches.iter().find(|w| w.rule == "source_up").map(|w| w.held)
    };
    assert_eq!(held(&mut state, 3), None);
    assert_eq!(held(&mut state, 9), Some(false), "one reading may be late");
    assert_eq!(held(&mut state, 11), Some(true));
    load(&mut state, 12, Ok(1.0));
    assert!(state.watches.is_empty());
}

/// The changes of these readings and ticks, and the alerts at their end.
fn replay(events: &[Event]) -> (Vec<Transition>, AlertBook) {
    let mut state = state(3);
    let mut changes = Vec::new();
    for event in events {
        state.apply(event.clone());
        changes.append(&mut state.transitions.clone());
    }
    (changes, state.alerts)
}

#[test]
fn rules_are_judged_without_drawing() {
    let mut state = state(3);
    for second in 1..=6 {
        state.apply(Event::Reading(reading(second * 1_000_000 + 15_000, Ok(9.0))));
    }
    let phases: Vec<_> = state.alerts.iter().map(|(key, alert)| (key.rule.as_str(), alert.entry.phase)).collect();
    assert_eq!(phases, [("busy", Phase::Firing)]);
    assert!(state.watches.is_empty(), "nothing was judged yet");
}

#[test]
fn a_pause_is_not_judged() {
    let mut state = state(3);
    let at = |second| Stamp::at_seconds(second);
    state.apply(Event::Reading(reading(1_015_000, Ok(9.0))));
    state.apply(Event::Tick(at(2)));
    state.apply(Event::Resumed(at(600)));
    assert!(state.transitions.is_empty());
    state.apply(Event::Tick(at(601)));
    let [only] = &state.watches[..] else { panic!("{:?}", state.watches) };
    assert_eq!((only.rule.as_str(), only.held), ("busy", false));
}

fn reading(mono_us: u64, value: Result<f64, Fault>) -> Envelope {
    let at = Stamp { mono_us, unix_ms: 1_700_000_000_000 + i64::try_from(mono_us / 1000).unwrap_or(0) };
    let outcome = value.map(|load1| Sample::Load(LoadSample { load1, ..LoadSample::default() }));
    Envelope { source: SourceId::Load, at, took: Duration::ZERO, every: Duration::from_secs(1), outcome }
}

fn value() -> impl Strategy<Value = Result<f64, Fault>> {
    let value = |load: f64| Just(Ok(load));
    prop_oneof![4 => value(9.0), 4 => value(5.0), 2 => value(3.5), 3 => value(1.0), 1 => Just(Err(Fault::Timeout))]
}

proptest! {
    /// The same readings give the same alerts at any frame rate.
    #[test]
    fn ticks_change_no_alert(
        values in vec((value(), 1..4usize), 1..20),
        ticks in vec(1_000_000..60_000_000u64, 0..200),
    ) {
        let values = values.into_iter().flat_map(|(value, times)| std::iter::repeat_n(value, times));
        let readings = (1u64..).zip(values).map(|(second, value)| Event::Reading(reading(second * 1_000_000 + 15_000, value)));
        let readings: Vec<Event> = readings.collect();
        let end = readings.last().map_or(0, |last| last.at().mono_us);
        let drawn = ticks.into_iter().filter(|tick| *tick < end);
        let drawn = drawn.map(|tick| Event::Tick(reading(tick, Ok(0.0)).at));
        let mut with_ticks: Vec<Event> = readings.iter().cloned().chain(drawn).collect();
        with_ticks.sort_by_key(Event::at);
        prop_assert_eq!(replay(&with_ticks), replay(&readings));
    }
}
