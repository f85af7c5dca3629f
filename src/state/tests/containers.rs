//! What the rules say of one container.

use super::*;

/// A container that was OOM-killed, restarts, or both.
fn container(state: RunState, restarts: usize, ooms: usize) -> State {
    let now = Stamp::at_seconds(100);
    let container = Container {
        id: "ab".into(),
        name: "redis".into(),
        state,
        exit_code: Some(137),
        oom_killed: ooms > 0,
        restarts: u32::try_from(restarts).unwrap_or(0),
        restart_policy: "no".into(),
        restarted_unix_ms: vec![now.unix_ms; restarts],
        ooms_unix_ms: vec![now.unix_ms; ooms],
        finished_unix_ms: Some(now.unix_ms - 1_560_000),
        ..Container::default()
    };
    let sample = ContainerSample { containers: vec![container.into()], ..ContainerSample::default() };
    let mut all = State::new(crate::alert::shipped().into());
    let (took, every, outcome) = (Duration::ZERO, Duration::from_secs(1), Ok(Sample::Containers(sample)));
    all.apply(Event::Reading(Envelope { source: SourceId::Containers, at: now, took, every, outcome }));
    all.judge();
    all
}

fn texts(state: &State) -> Vec<&str> {
    state.watches.iter().filter(|w| w.held).map(|w| w.say.as_str()).collect()
}

#[test]
fn a_container_that_died_stays_an_alert_with_its_own_age() {
    let state = container(RunState::Exited, 0, 0);
    assert_eq!(texts(&state), ["redis exited (137)"]);
    assert_eq!(state.watches[0].age(state.host.now, crate::units::span_short), "26m");
}

#[test]
fn a_container_has_one_alert() {
    assert_eq!(texts(&container(RunState::Exited, 0, 1)), ["redis was OOM-killed"]);
    assert_eq!(texts(&container(RunState::Running, 0, 1)), ["redis was OOM-killed 1× in 10 min"]);
    let words = ["redis is restarting (137), 1 restart in all"];
    assert_eq!(texts(&container(RunState::Restarting, 1, 0)), words, "at once");
    assert_eq!(texts(&container(RunState::Restarting, 4, 0)), ["redis restarted 4× in 10 min"]);
}
