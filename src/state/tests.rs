//! Levels held, cleared, and not known.

mod acknowledged;
mod containers;
mod runs;
mod services;
mod time;

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
}

#[test]
fn a_report_counts_what_needs_a_short_hold() {
    for (hold, firing) in [(30, 1), (31, 0)] {
        let mut state = state(hold);
        load(&mut state, 1, Ok(9.0));
        state.judge_at_once();
        assert_eq!((state.verdict().crit, state.verdict().pending), (firing, 1 - firing), "{hold} s");
    }
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
fn an_episode_is_handed_on_once() {
    let mut state = state(0);
    load(&mut state, 1, Ok(5.0));
    let changed = |state: &State| state.alarms.changed.iter().map(|e| e.ended_unix_ms.is_some()).collect::<Vec<_>>();
    let tick = |state: &mut State, second: u64| state.apply(Event::Tick(Stamp::at_seconds(second)));
    tick(&mut state, 2);
    tick(&mut state, 3);
    assert_eq!(changed(&state), [false; 0], "what the event before has changed was handed on");
    assert_eq!(state.alarms.episodes.len(), 1);
    let outcome = Ok(Sample::Load(LoadSample { load1: 0.0, ..LoadSample::default() }));
    let (at, took, every) = (Stamp::at_seconds(4), Duration::ZERO, Duration::from_secs(1));
    state.apply(Event::Reading(Envelope { source: SourceId::Load, at, took, every, outcome }));
    tick(&mut state, 5);
    assert_eq!((changed(&state), state.alarms.episodes.len()), (vec![true], 1));
}

#[test]
fn who_takes_the_book_over_keeps_what_fires() {
    use crate::model::alert::AlertNews;
    let mut state = state(0);
    let news = |second: u64, owned: bool| {
        Event::Alerts(Box::new(AlertNews {
            at: Stamp::at_seconds(second),
            boot_id: None,
            boot_lasts: Duration::from_secs(second),
            book: None,
            episodes: Vec::new(),
            marks: Vec::new(),
            owned: Some(owned),
        }))
    };
    state.apply(news(1, false));
    for second in 2..4 {
        load(&mut state, second, Ok(5.0));
        state.apply(Event::Tick(Stamp::at_seconds(second)));
    }
    assert!(state.watches[0].held && state.alarms.episodes.is_empty(), "another program keeps the book");
    state.apply(news(4, true));
    let [episode] = &state.alarms.changed[..] else { panic!("{:?}", state.alarms.changed) };
    assert_eq!((episode.key.rule.as_str(), episode.level.as_str()), ("busy", "warn"));
    assert_eq!((episode.say.as_str(), episode.value, episode.ended_unix_ms), ("load is 5, over 4", 5.0, None));
    assert_eq!(state.alarms.episodes.len(), 1);
    state.apply(news(5, true));
    assert_eq!((state.alarms.changed.len(), state.alarms.episodes.len()), (0, 1), "once");
}

#[test]
fn what_is_not_there_is_named_in_the_words_of_then() {
    use crate::model::alert::{AlertKey, Episode};
    let mut state = State::new(crate::alert::shipped().into());
    let identity = vec![("engine".to_owned(), "unix:///run/docker.sock".to_owned())];
    let key = AlertKey { rule: "engine_up".into(), identity: identity.clone() };
    let rule = state.rules.iter().find(|rule| rule.id == key.rule).expect("shipped");
    let mut watch = judge::watch(rule, &key, &crate::alert::book::Alert::default(), &state.host);
    watch.fired = Some(Stamp::at_seconds(5));
    let said = |state: &State| state.muted(vec![watch.clone()])[0].say.clone();
    assert_eq!(said(&state), "engine_up unix:///run/docker.sock");
    state.alarms.put(Episode {
        key,
        labels: identity,
        level: "warn".into(),
        fired_unix_ms: Stamp::at_seconds(5).unix_ms,
        ended_unix_ms: None,
        end: None,
        value: 0.0,
        say: "Docker: no answer".into(),
    });
    assert_eq!(said(&state), "Docker: no answer");
}

/// What another program that shares the history has written: a book without silences of its own.
fn book_of_another(second: u64, written: u64, owned: bool) -> Event {
    let saved = crate::alert::saved::Saved { at: Stamp::at_seconds(written), ..Default::default() };
    Event::Alerts(Box::new(crate::model::alert::AlertNews {
        at: Stamp::at_seconds(second),
        book: Some(serde_json::to_string(&saved).expect("a book is data")),
        owned: Some(owned),
        ..Default::default()
    }))
}

fn silences(state: &State) -> usize {
    state.alerts.silences(state.host.now).count()
}

#[test]
fn what_was_said_after_the_book_was_written_still_holds() {
    use crate::model::alert::Scope;
    for (written, kept) in [(9, 1), (10, 0), (11, 0)] {
        let mut state = state(0);
        state.apply(book_of_another(1, 1, false));
        let said = State::silence(Scope::All, Duration::from_secs(3600), String::new(), Stamp::at_seconds(10));
        state.apply(Event::Alert(said));
        assert_eq!(silences(&state), 1);
        state.apply(book_of_another(12, written, false));
        assert_eq!(silences(&state), kept, "written at {written}: whoever wrote it later has read what was said");
    }
}

#[test]
fn who_keeps_the_book_does_not_take_that_of_another() {
    use crate::model::alert::Scope;
    let mut state = state(0);
    state.apply(book_of_another(1, 1, true));
    let said = State::silence(Scope::All, Duration::from_secs(3600), String::new(), Stamp::at_seconds(5));
    state.apply(Event::Alert(said));
    state.apply(book_of_another(12, 11, true));
    assert_eq!(silences(&state), 1);
}

#[test]
fn a_machine_is_starting_in_the_first_minute_after_a_suspend() {
    let mut state = state(0);
    state.host.now = Stamp::at_seconds(100);
    let mut starting = |woke: Option<u64>, uptime: f64| {
        state.alarms.woke = woke.map(Stamp::at_seconds);
        state.host.load.raw.uptime_seconds = uptime;
        state.machine().starting
    };
    assert!(!starting(None, 1e6) && !starting(None, 0.0), "an uptime of 0 is not known");
    assert!(starting(Some(41), 1e6) && !starting(Some(40), 1e6));
    assert!(starting(None, 1.0));
}

#[test]
fn what_was_said_is_kept_for_a_minute() {
    let mut state = state(0);
    let mut kept = |second: u64| {
        let at = Stamp::at_seconds(second);
        let mark = State::silence(crate::model::alert::Scope::All, Duration::from_secs(9), String::new(), at);
        state.apply(Event::Alert(mark));
        state.alarms.said.len()
    };
    assert_eq!([1, 2, 60, 61, 62, 200].map(&mut kept), [1, 2, 3, 3, 3, 1]);
}
