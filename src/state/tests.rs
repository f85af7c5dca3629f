//! Levels held, cleared, and not known.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    alert::{Side, phase::Phase},
    model::{
        container::{Container, ContainerSample, RunState},
        event::{Envelope, Sample},
        fault::{Fault, OFF},
        load::LoadSample,
        metrics,
    },
};

fn rule(hold: u64) -> Rule {
    Rule {
        limits: Limits { advice: None, warn: Some(4.0), crit: Some(8.0) },
        clear: Some(3.0),
        hold: Duration::from_secs(hold),
        clear_hold: Some(Duration::ZERO),
        say: "load is {value}, over {limit}".into(),
        ..Rule::new("busy", metrics::LOAD1)
    }
}

fn load(state: &mut State, second: u64, value: Result<f64, Fault>) {
    let outcome = value.map(|load1| Sample::Load(LoadSample { load1, ..LoadSample::default() }));
    let (took, every) = (Duration::ZERO, Duration::from_secs(1));
    state.apply(Event::Reading(Envelope {
        source: SourceId::Load,
        at: Stamp::at_seconds(second),
        took,
        every,
        outcome,
    }));
    state.judge();
}

fn state(hold: u64) -> State {
    let sources = crate::alert::shipped().into_iter().filter(|r| r.id == "source_up");
    State::new([rule(hold)].into_iter().chain(sources).collect::<Vec<_>>().into())
}

#[test]
fn a_crossed_limit_colours_at_once_and_is_said_when_it_was_held() {
    let mut state = state(3);
    load(&mut state, 1, Ok(5.0));
    assert_eq!(state.level(metrics::LOAD1, &[], 5.0), Level::Warn);
    assert_eq!((state.watches[0].held, state.watches[0].left), (false, Duration::from_secs(3)));
    assert_eq!(state.verdict().worst, None);
    load(&mut state, 4, Ok(6.0));
    let worst = state.verdict().worst.expect("three seconds have passed");
    assert_eq!((worst.say.as_str(), worst.since), ("load is 6, over 4", Stamp::at_seconds(1)));
    assert_eq!((state.verdict().crit, state.verdict().warn), (0, 1));
}

#[test]
fn state_at_the_first_reading_may_be_older_than_it() {
    let mut state = state(0);
    load(&mut state, 1, Ok(5.0));
    let age = |state: &State| state.watches[0].age(state.host.now, crate::units::span_short);
    load(&mut state, 61, Ok(5.0));
    assert_eq!(age(&state), "1m+");
    load(&mut state, 62, Ok(0.0));
    assert!(state.watches.is_empty());
    load(&mut state, 70, Ok(5.0));
    load(&mut state, 130, Ok(5.0));
    assert_eq!(age(&state), "1m");
}

#[test]
fn a_dip_before_the_hold_ends_restarts_it() {
    let mut state = state(3);
    load(&mut state, 1, Ok(5.0));
    load(&mut state, 2, Ok(3.5));
    assert!(state.watches.is_empty(), "what only coloured goes at once");
    load(&mut state, 3, Ok(5.0));
    load(&mut state, 5, Ok(5.0));
    assert!(!state.watches[0].held);
}

#[test]
fn a_held_finding_ends_at_its_own_clear_value() {
    let mut state = state(0);
    load(&mut state, 1, Ok(5.0));
    load(&mut state, 2, Ok(3.5));
    assert!(state.watches[0].held, "3.5 is under the limit but not yet at the end");
    load(&mut state, 3, Ok(3.0));
    assert!(state.watches.is_empty());
}

#[test]
fn the_age_is_that_of_the_level_shown() {
    let mut state = state(0);
    load(&mut state, 1, Ok(5.0));
    load(&mut state, 9, Ok(9.0));
    assert_eq!((state.watches[0].level, state.watches[0].since), (Level::Crit, Stamp::at_seconds(9)));
    load(&mut state, 12, Ok(5.0));
    assert_eq!((state.watches[0].level, state.watches[0].since), (Level::Warn, Stamp::at_seconds(1)));
}

#[test]
fn no_data_neither_fires_nor_clears_and_is_a_finding_itself() {
    let mut state = state(0);
    load(&mut state, 1, Ok(5.0));
    load(&mut state, 2, Err(Fault::Timeout));
    assert_eq!(state.watches.iter().filter(|w| w.rule == "busy" && w.held).count(), 1);
    let silent = state.watches.iter().find(|w| w.rule == "source_up").expect("a source that is late is a finding");
    assert_eq!(silent.say, "load: no answer");
    load(&mut state, 3, Ok(1.0));
    assert!(state.watches.is_empty());
}

#[test]
fn an_unwanted_source_is_not_silent() {
    let mut state = state(0);
    let sockets = Sample::Sockets(crate::model::socket::SocketSample::default());
    state.apply(Event::Reading(Envelope {
        source: SourceId::Sockets,
        at: Stamp::at_seconds(1),
        took: Duration::ZERO,
        every: Duration::from_secs(1),
        outcome: Ok(sockets),
    }));
    load(&mut state, 99, Ok(1.0));
    assert_eq!(state.watches, []);
}

/// Says of every source but `load` that this machine has none.
fn answered(state: &mut State) {
    for source in SourceId::ALL.into_iter().filter(|id| !id.is_on_demand() && *id != SourceId::Load) {
        let (took, every) = (Duration::ZERO, Duration::from_secs(1));
        let outcome = Err(Fault::Absent(if source.is_essential() { OFF } else { "none" }.to_owned()));
        state.apply(Event::Reading(Envelope { source, at: Stamp::at_seconds(1), took, every, outcome }));
    }
}

#[test]
fn quiet_needs_an_answer_of_every_source() {
    let mut state = state(0);
    assert_eq!(state.calm(), ("reading…".to_owned(), Level::Unknown));
    load(&mut state, 1, Ok(1.0));
    assert_eq!(state.calm().0, "reading…", "the others have not answered");
    answered(&mut state);
    assert_eq!(state.calm(), ("all quiet".to_owned(), Level::Ok));
    let mut engine = crate::model::container::Engine::default();
    state.host.containers.engines.push(engine.clone());
    assert_eq!(state.calm().0, "reading…", "an engine has not listed its containers");
    engine.listed = true;
    state.host.containers.engines = vec![engine];
    assert_eq!(state.calm().0, "all quiet");
}

#[test]
fn a_machine_that_shows_nothing_is_not_quiet() {
    let mut state = state(0);
    answered(&mut state);
    load(&mut state, 1, Err(Fault::Absent("no /proc".into())));
    assert_eq!(state.calm(), ("no source gives figures".to_owned(), Level::Unknown));
    let missing = Fault::Absent("/proc/stat".into());
    let (took, every, at) = (Duration::ZERO, Duration::from_secs(1), Stamp::at_seconds(2));
    state.apply(Event::Reading(Envelope { source: SourceId::Cpu, at, took, every, outcome: Err(missing) }));
    state.apply(Event::Tick(at));
    let left = state.verdict().next.map(|w| w.left);
    assert_eq!(left, Some(Duration::from_secs(1)), "it has given no figures since the first second");
    state.apply(Event::Tick(at.plus(Duration::from_secs(2))));
    let worst = state.verdict().worst.map(|w| (w.say.as_str(), w.level));
    assert_eq!(worst, Some(("cpu: not found: /proc/stat", Level::Warn)));
}

#[test]
fn a_pending_alert_has_the_time_left() {
    let mut state = state(60);
    load(&mut state, 1, Ok(9.0));
    load(&mut state, 11, Ok(9.0));
    let verdict = state.verdict();
    assert_eq!((verdict.worst, verdict.pending), (None, 1));
    let next = verdict.next.expect("it is crossed");
    assert_eq!((next.left, next.level), (Duration::from_secs(50), Level::Crit));
    state.fire_at_once(Duration::from_secs(30));
    assert_eq!(state.verdict().crit, 0, "its hold is longer");
    state.fire_at_once(Duration::from_secs(60));
    assert_eq!(state.verdict().crit, 1);
}

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

#[test]
fn worst_first_then_oldest_and_pending_last() {
    let rules = [("late", 3.0, 60), ("mild", 2.0, 0), ("grave", 1.0, 0)].map(|(id, limit, hold)| {
        let limits = if id == "grave" {
            Limits { crit: Some(limit), ..Limits::default() }
        } else {
            Limits { warn: Some(limit), ..Limits::default() }
        };
        Rule { id: id.into(), limits, clear: None, ..rule(hold) }
    });
    let mut state = State::new(rules.to_vec().into());
    load(&mut state, 1, Ok(9.0));
    let order: Vec<&str> = state.watches.iter().map(|w| w.rule.as_str()).collect();
    assert_eq!(order, ["grave", "mild", "late"]);
}

#[test]
fn a_rule_that_is_off_or_below_is_understood() {
    let mut low = rule(0);
    low.side = Side::Below;
    low.limits = Limits { advice: Some(8.0), warn: Some(4.0), crit: None };
    low.clear = None;
    let off = Rule { enabled: false, id: "off".into(), ..rule(0) };
    let mut state = State::new(vec![low, off].into());
    load(&mut state, 1, Ok(5.0));
    assert_eq!(state.watches.iter().map(|w| (w.rule.as_str(), w.level)).collect::<Vec<_>>(), [("busy", Level::Advice)]);
    assert_eq!(state.limits(metrics::LOAD1, &[]).and_then(|l| l.alert_limit()), Some(4.0));
}

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

/// A run of a throughput, measured at `at`.
fn measured(state: &mut State, at: u64, level: f64) {
    use crate::model::{bench::BenchKey, run::*, unit::Unit};
    let samples = (-4..=4).map(|k| level * (1.0 + 0.0025 * f64::from(k) + 0.001 * (at % 3) as f64)).collect();
    let run = Run {
        id: at.to_string(),
        batch: at.to_string(),
        benchmark: "storage_read_bytes_per_second".into(),
        of: "tank".into(),
        unit: Unit::BytesPerSecond,
        better: Better::Higher,
        at_unix_ms: at as i64 * 1000,
        took: Duration::ZERO,
        samples,
        fingerprint: Fingerprint::new(),
        notes: Vec::new(),
    };
    let key = BenchKey { bench: "storage-read".into(), of: "tank".into() };
    state.apply(Event::Run(RunEvent::Measured { at: Stamp::at_seconds(at), key, runs: vec![run] }));
    state.apply(Event::Tick(Stamp::at_seconds(at)));
}

#[test]
fn a_regression_is_an_alert_until_it_is_over() {
    let mut state = State::new(crate::alert::shipped().into());
    state.apply(Event::Tick(Stamp::at_seconds(1)));
    let said = |state: &State| {
        let own = state.watches.iter().filter(|watch| watch.rule.starts_with("benchmark"));
        own.map(|watch| (watch.rule.clone(), watch.say.clone(), watch.held)).collect::<Vec<_>>()
    };
    for at in 2..8 {
        measured(&mut state, at, 100.0);
    }
    assert_eq!(said(&state), []);
    measured(&mut state, 8, 70.0);
    let name = "storage_read_bytes_per_second of tank is 30% worse than before";
    assert_eq!(said(&state), [("benchmark_suspect".to_owned(), format!("{name}: measure it again"), true)]);
    measured(&mut state, 9, 70.0);
    measured(&mut state, 10, 70.0);
    assert_eq!(said(&state), [("benchmark_regressed".to_owned(), format!("{name}: it has regressed"), true)]);
    let regressed = state.watches.iter().find(|watch| watch.rule == "benchmark_regressed").expect("it fires");
    assert_eq!((regressed.level, regressed.began_unix_ms), (Level::Warn, Some(8000)));
    measured(&mut state, 11, 100.0);
    assert_eq!(said(&state), [], "recovered");
}

#[test]
fn rules_that_a_benchmark_would_trip_know_nothing_while_it_runs() {
    use crate::model::{bench::BenchKey, run::RunEvent};
    let quiet = Rule { quiet_during_runs: true, ..rule(2) };
    let mut state = State::new([quiet].into());
    let fires = |state: &State| state.watches.iter().any(|watch| watch.held);
    let queue = vec![BenchKey { bench: "cpu".into(), of: String::new() }];
    load(&mut state, 1, Ok(1.0));
    state.apply(Event::Run(RunEvent::Began { at: Stamp::at_seconds(1), batch: "1".into(), queue }));
    for second in 2..60 {
        load(&mut state, second, Ok(9.0));
        assert!(!fires(&state) && state.transitions.is_empty(), "second {second}");
    }
    let report = String::new();
    let at = Stamp::at_seconds(60);
    state.apply(Event::Run(RunEvent::Ended { at, stopped: false, report }));
    load(&mut state, 60, Ok(9.0));
    assert!(!fires(&state), "its hold begins now");
    load(&mut state, 63, Ok(9.0));
    assert!(fires(&state));
    load(&mut state, 65, Ok(9.0));
    state.apply(Event::Run(RunEvent::Began {
        at: Stamp::at_seconds(65),
        batch: "2".into(),
        queue: vec![BenchKey { bench: "cpu".into(), of: String::new() }],
    }));
    load(&mut state, 67, Ok(0.0));
    load(&mut state, 69, Ok(0.0));
    assert!(fires(&state), "what fired before is not cleared by what is not judged");
}

fn kernel(state: &mut State, second: u64, release: &str) {
    let facts = crate::model::facts::FactsSample { kernel: Some(release.into()), ..Default::default() };
    let (took, every, at) = (Duration::ZERO, Duration::from_secs(60), Stamp::at_seconds(second));
    let outcome = Ok(Sample::Facts(Box::new(facts)));
    state.apply(Event::Reading(Envelope { source: SourceId::Facts, at, took, every, outcome }));
}

#[test]
fn what_changes_is_noted_once() {
    let mut state = State::new([].into());
    kernel(&mut state, 1, "6.1");
    assert_eq!(state.changed, [], "the first look finds no change");
    kernel(&mut state, 5, "6.12");
    assert_eq!(state.changed, [], "it is not looked at so often");
    kernel(&mut state, 12, "6.12");
    let said: Vec<String> = state.changed.iter().map(crate::analysis::changes::words).collect();
    assert_eq!(said, ["kernel: 6.1 → 6.12"]);
    assert_eq!(state.runs.changes, state.changed);
    kernel(&mut state, 30, "6.12");
    assert_eq!((state.changed.len(), state.runs.changes.len()), (0, 1));
}

#[test]
fn what_our_operation_changed_is_noted_at_once() {
    let mut state = State::new([].into());
    kernel(&mut state, 1, "6.1");
    let operation = |second| crate::model::operation::Operation {
        at: Stamp::at_seconds(second),
        what: String::new(),
        done: true,
        report: String::new(),
    };
    state.apply(Event::Act(operation(3)));
    kernel(&mut state, 4, "6.12");
    assert_eq!(state.changed.len(), 1);
    kernel(&mut state, 5, "6.13");
    assert_eq!(state.changed.len(), 1, "in every reading of the next seconds");
    kernel(&mut state, 14, "6.14");
    assert_eq!(state.changed.len(), 0, "and then as seldom as before");
}

#[test]
fn what_changed_between_two_starts_is_noted() {
    use crate::model::run::{Change, RunEvent};
    let at = Stamp::at_seconds(2);
    let history = |changes| Event::Run(RunEvent::History { at, runs: vec![], marks: vec![], changes });
    let mut state = State::new([].into());
    kernel(&mut state, 1, "6.1");
    state.apply(history(Vec::new()));
    let kept: Vec<Change> = state.runs.changes.clone();
    assert!(kept.iter().any(|change| change.kind == "kernel" && change.before.is_none()), "for the next start");
    let mut state = State::new([].into());
    kernel(&mut state, 1, "6.12");
    state.apply(history(kept.clone()));
    let said: Vec<String> = state.changed.iter().map(crate::analysis::changes::words).collect();
    assert_eq!((said, state.runs.changes.len()), (vec!["kernel: 6.1 → 6.12".to_owned()], kept.len() + 1));
    let mut later = State::new([].into());
    later.apply(history(kept.clone()));
    kernel(&mut later, 13, "6.12");
    assert_eq!(later.changed.len(), 1, "whichever comes first");
    // A report reads one thing after the other, and then the history.
    let mut report = State::new([].into());
    load(&mut report, 1, Ok(0.0));
    kernel(&mut report, 2, "6.12");
    report.apply(history(kept));
    assert!(report.changed.iter().any(|change| change.kind == "kernel"));
}
