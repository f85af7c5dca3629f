//! What a user acknowledged: one alert, until it gets worse or ends.

use super::*;

#[test]
fn one_of_two_alerts_of_one_value_is_acknowledged() {
    let mut state = State::new(vec![rule(0), Rule { id: "busier".into(), ..rule(0) }].into());
    answered(&mut state);
    load(&mut state, 1, Ok(5.0));
    let (key, rule) = (state.watches[1].key(), state.watches[1].rule.clone());
    state.apply(Event::Alert(state.answer(key, String::new(), Stamp::at_seconds(1))));
    load(&mut state, 2, Ok(5.0));
    let acknowledged: Vec<&str> = state.watches.iter().filter(|w| w.acknowledged).map(|w| w.rule.as_str()).collect();
    assert_eq!(acknowledged, [rule.as_str()]);
}

#[test]
fn acknowledged_alert_counts_again_when_worse_or_back() {
    let mut state = state(0);
    answered(&mut state);
    load(&mut state, 1, Ok(5.0));
    let key = state.watches[0].key();
    let acknowledge =
        |state: &mut State| state.apply(Event::Alert(state.answer(key.clone(), String::new(), state.host.now)));
    acknowledge(&mut state);
    assert_eq!((state.verdict().warn, state.verdict().acknowledged), (0, 1));
    assert_eq!(state.calm(), ("all quiet, 1 acknowledged".to_owned(), Level::Ok));
    load(&mut state, 2, Ok(6.0));
    assert_eq!(state.verdict().worst, None, "it continues unchanged");
    load(&mut state, 3, Ok(9.0));
    assert_eq!(state.verdict().crit, 1, "it got worse");
    acknowledge(&mut state);
    load(&mut state, 4, Ok(1.0));
    load(&mut state, 5, Ok(9.0));
    assert_eq!(state.verdict().crit, 1, "another episode");
    acknowledge(&mut state);
    acknowledge(&mut state);
    assert_eq!(state.verdict().crit, 1, "taken back");
}

#[test]
fn two_containers_of_one_name_keep_their_own_acknowledgements() {
    let mut state = State::new(crate::alert::shipped().into());
    let mut engine = crate::model::container::Engine::default();
    (engine.address, engine.listed) = ("unix:///run/docker.sock".into(), true);
    let mut second = 1;
    let mut look = |state: &mut State, ids: &[&str]| {
        let container = |id: &&str| Container {
            id: (*id).into(),
            name: "web".into(),
            health: Some(crate::model::container::Health::Unhealthy),
            state: RunState::Running,
            ..Container::default()
        };
        let containers = ids.iter().map(|id| container(id).into()).collect();
        let sample = ContainerSample { engines: vec![engine.clone()], containers, ..ContainerSample::default() };
        let (took, every, at) = (Duration::ZERO, Duration::from_secs(1), Stamp::at_seconds(second));
        let outcome = Ok(Sample::Containers(sample));
        state.apply(Event::Reading(Envelope { source: SourceId::Containers, at, took, every, outcome }));
        state.apply(Event::Tick(at));
        second += 1;
    };
    look(&mut state, &["aaaa", "bbbb"]);
    let second_one = state.watches.iter().find(|w| w.identity.iter().any(|(_, id)| id == "bbbb")).map(Watch::key);
    let key = second_one.expect("both are unhealthy");
    state.apply(Event::Alert(state.answer(key.clone(), String::new(), state.host.now)));
    look(&mut state, &["bbbb"]);
    look(&mut state, &["bbbb"]);
    assert_eq!(state.watches.iter().map(|w| (w.key(), w.acknowledged)).collect::<Vec<_>>(), [(key, true)]);
}

#[test]
fn a_label_is_acknowledged_for_its_metric_alone() {
    let given = |acknowledged: bool, name: &str| Watch {
        rule: "busy".into(),
        labels: vec![("name".into(), name.into())],
        acknowledged,
        ..Watch::default()
    };
    let mut state = state(0);
    state.watches = vec![given(true, "a"), given(false, "b")];
    assert!(state.is_acknowledged(metrics::LOAD1, "a"));
    assert!(!state.is_acknowledged(metrics::LOAD1, "b") && !state.is_acknowledged(metrics::LOAD1, "c"));
    assert!(!state.is_acknowledged(metrics::CPU_BUSY_RATIO, "a"));
}
