//! Each container's recent history as its events report it: restarts, requested ends, OOM kills, the last happenings.

use std::collections::{HashMap, VecDeque};

use super::event::EventMessage;
use crate::{
    model::container::{Container, Happening, RESTARTS_WITHIN_MS},
    text::clean,
};

/// Events stored per container.
const KEPT: usize = 50;
/// Containers with stored events. An engine may invent ids without end; the next list drops those that do not exist.
const MOST: usize = 2 * super::ask::MOST;

/// Docker's event buffer, shared by all object types: an answer of this size does not reach back to the time asked for.
const REMEMBERED: usize = 256;
/// Signals that request an end: `docker kill` also sends others, such as HUP to reload settings.
const ENDING: [&str; 4] = ["2", "3", "9", "15"];

/// Execs inside a container, such as its health check, cause an inspection this often at most.
const CHECKS_EVERY_MS: i64 = 20_000;

/// The histories of one engine's containers.
#[derive(Default)]
pub(super) struct Histories {
    pub(super) containers: HashMap<String, History>,
    /// Events from here on are not in any list that the engine's restart count was read from.
    pub(super) counted_from_ms: i64,
    /// All events from here on are known; 0 before the engine was asked.
    known_from_ms: i64,
}

#[derive(Default)]
pub(super) struct History {
    /// Stopped, or sent an ending signal, since its last start.
    asked: bool,
    died: bool,
    restarts: Vec<i64>,
    ooms: Vec<i64>,
    /// When an exec that ended last caused an inspection.
    checked_ms: i64,
    /// The engine's restart count as last seen, and when it was seen to grow, once per restart.
    last_count: Option<u32>,
    grown: Vec<i64>,
    /// How many of `restarts` the engine's count already includes.
    counted: u32,
    /// The highest restart count seen: an engine that was killed resumes from the count it last wrote.
    most: u32,
    happenings: VecDeque<Happening>,
}

impl Histories {
    /// Records an event; returns the container to inspect.
    pub(super) fn note(&mut self, event: &EventMessage, now: i64) -> Option<String> {
        let (action, id) = (event.action.as_deref()?, event.actor.as_ref()?.id.clone()?);
        if action == "destroy" {
            self.containers.remove(&id);
            return Some(id);
        }
        if self.containers.len() >= MOST && !self.containers.contains_key(&id) {
            return Some(id);
        }
        let at = event.time_nano.map_or(now, |nanoseconds| nanoseconds / 1_000_000);
        // Perhaps a health check: its result is worth an inspection now and then.
        if action.starts_with("exec_die") {
            let history = self.containers.entry(id.clone()).or_default();
            let due = at - history.checked_ms >= CHECKS_EVERY_MS;
            history.checked_ms = if due { at } else { history.checked_ms };
            return due.then_some(id);
        }
        // Other actions inside a container change nothing that is shown.
        if action.starts_with("exec_") || matches!(action, "top" | "resize" | "attach" | "detach" | "copy") {
            return None;
        }
        let history = self.containers.entry(id.clone()).or_default();
        history.happenings.push_back(Happening { unix_ms: at, what: words(action, event) });
        if history.happenings.len() > KEPT {
            history.happenings.pop_front();
        }
        match action {
            "kill" => history.asked |= signal(event).is_none_or(|signal| ENDING.contains(&signal)),
            "stop" => history.asked = true,
            "die" => history.died = true,
            "oom" => history.ooms.push(at),
            "start" => {
                if history.died && !history.asked {
                    history.restarts.push(at);
                    history.counted += u32::from(at >= self.counted_from_ms);
                }
                (history.died, history.asked) = (false, false);
            }
            _ => {}
        }
        Some(id)
    }

    /// The engine was asked for its past events.
    pub(super) fn has_asked(&self) -> bool {
        self.known_from_ms != 0
    }

    /// Notes the engine's first answer: how many events of the last ten minutes, and when the oldest was.
    pub(super) fn remembered(&mut self, now: i64, events: usize, oldest_ms: Option<i64>) {
        let reaches = if events < REMEMBERED { now - RESTARTS_WITHIN_MS } else { oldest_ms.unwrap_or(now) };
        self.known_from_ms = reaches;
    }

    /// Records restarts that the engine counted without an event; true if there were any.
    pub(super) fn note_missed(&mut self, id: &str, more: u32, at: i64) -> bool {
        let history = self.containers.entry(id.to_owned()).or_default();
        let missed = more.saturating_sub(std::mem::take(&mut history.counted));
        history.restarts.extend((0..missed).map(|_| at));
        missed > 0
    }

    /// Fills in the restarts and OOM kills of the last ten minutes, whether the end was requested, and the happenings,
    /// newest last. An OOM kill without an event is taken from the container's own state.
    pub(super) fn fill(&mut self, container: &mut Container, now: i64) {
        let recent = |at: &&i64| now.saturating_sub(**at) <= RESTARTS_WITHIN_MS;
        let lately = |moments: &[i64]| moments.iter().filter(recent).copied().collect::<Vec<i64>>();
        container.restarts_from_unix_ms = Some(self.known_from_ms).filter(|from| now - from < RESTARTS_WITHIN_MS);
        let history = self.containers.entry(container.id.clone()).or_default();
        // A manual start resets the count.
        let more = history.last_count.map_or(0, |last| container.restarts.saturating_sub(last));
        history.grown.extend((0..more).map(|_| now));
        history.last_count = Some(container.restarts);
        history.grown.retain(|at| recent(&at));
        history.restarts.retain(|at| recent(&at));
        container.asked_to_end = history.asked;
        history.most = history.most.max(container.restarts);
        // Events may be lost, and not every engine counts restarts: take the longer record.
        let known = if history.grown.len() > history.restarts.len() { &history.grown } else { &history.restarts };
        container.restarted_unix_ms = known.clone();
        history.ooms.retain(|at| recent(&at));
        container.ooms_unix_ms = history.ooms.clone();
        container.happenings = history.happenings.iter().cloned().collect();
        // Engines remember few events. In a history of less than ten minutes their own count is the one of ten minutes.
        if let Some(created) = container.created_unix_ms.filter(|at| recent(&at)) {
            let count = usize::try_from(history.most).unwrap_or(usize::MAX);
            let missing = count.saturating_sub(container.restarted_unix_ms.len());
            container.restarted_unix_ms.splice(0..0, std::iter::repeat_n(created, missing));
        }
        if container.oom_killed && container.ooms_unix_ms.is_empty() {
            container.ooms_unix_ms = lately(&container.finished_unix_ms.into_iter().collect::<Vec<i64>>());
        }
    }
}

fn attribute<'a>(event: &'a EventMessage, name: &str) -> Option<&'a str> {
    event.actor.as_ref()?.attributes.as_ref()?.get(name).map(String::as_str)
}

/// The signal that was sent, as a number; Podman writes none.
fn signal(event: &EventMessage) -> Option<&str> {
    attribute(event, "signal")
}

/// `die, code 137`, `kill, signal 15`, `rename, it was old`.
fn words(action: &str, event: &EventMessage) -> String {
    let of = |name: &str| attribute(event, name);
    let more = match action {
        "die" => of("exitCode").map(|code| format!(", code {code}")),
        "kill" => of("signal").map(|signal| format!(", signal {signal}")),
        "rename" => of("oldName").map(|old| format!(", it was {}", old.trim_start_matches('/'))),
        _ => None,
    };
    clean(&format!("{action}{}", more.unwrap_or_default())).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{super::event::EventActor, *};

    fn restarts_after(actions: &[&str]) -> usize {
        let mut histories = Histories::default();
        for action in actions {
            let actor = EventActor { id: Some("ab".into()), ..EventActor::default() };
            histories.note(
                &EventMessage { action: Some((*action).into()), actor: Some(actor), time_nano: Some(5_000_000_000) },
                1,
            );
        }
        filled(&mut histories, 6000).restarted_unix_ms.len()
    }

    /// The container `ab` with its history filled in.
    fn filled(histories: &mut Histories, now: i64) -> Container {
        let mut container = Container { id: "ab".into(), ..Container::default() };
        histories.fill(&mut container, now);
        container
    }

    #[test]
    fn only_a_start_that_nobody_asked_for_is_a_restart() {
        assert_eq!(restarts_after(&["create", "start", "die", "start", "oom", "die", "start"]), 2, "a loop");
        assert_eq!(restarts_after(&["start", "kill", "die", "stop", "start"]), 0, "stopped and started by hand");
        assert_eq!(restarts_after(&["start", "kill", "die", "stop", "start", "restart"]), 0, "docker restart");
        assert_eq!(restarts_after(&["start", "kill", "die", "stop", "start", "die", "start"]), 1);
        assert_eq!(restarts_after(&["start", "die"]), 0, "it ended and stays so");
    }

    #[test]
    fn an_end_that_was_asked_for_is_no_failure() {
        let asked = |events: &[(&str, &str)]| {
            let mut histories = Histories::default();
            for (action, signal) in events {
                let attributes = Some(HashMap::from([("signal".to_owned(), (*signal).to_owned())]));
                let actor = EventActor { id: Some("ab".into()), attributes };
                let (action, time_nano) = (Some((*action).into()), Some(5_000_000_000));
                histories.note(&EventMessage { action, actor: Some(actor), time_nano }, 1);
            }
            filled(&mut histories, 6000).asked_to_end
        };
        assert!(asked(&[("start", ""), ("kill", "9"), ("die", "")]), "docker kill");
        assert!(asked(&[("start", ""), ("kill", "15"), ("die", ""), ("stop", "")]), "docker stop");
        assert!(!asked(&[("start", ""), ("die", "")]), "by itself");
        assert!(!asked(&[("start", ""), ("kill", "1"), ("die", "")]), "settings were to be read again");
        assert!(!asked(&[("kill", "15"), ("die", ""), ("start", ""), ("die", "")]), "an earlier run");
    }

    #[test]
    fn the_engines_count_shows_restarts_without_an_event() {
        let mut histories = Histories::default();
        let mut filled = |restarts, now| {
            let mut container = Container { id: "ab".into(), restarts, ..Container::default() };
            histories.fill(&mut container, now);
            container.restarted_unix_ms
        };
        assert_eq!(filled(36, 1000), [0i64; 0], "their times are unknown");
        assert_eq!(filled(37, 2000), [2000]);
        assert_eq!(filled(39, 3000), [2000, 3000, 3000]);
        assert_eq!(filled(0, 4000), [2000, 3000, 3000], "started by hand");
        assert_eq!(filled(1, 5000), [2000, 3000, 3000, 5000]);
        assert_eq!(filled(1, 2001 + RESTARTS_WITHIN_MS), [3000, 3000, 5000]);
    }

    #[test]
    fn a_full_memory_of_events_says_how_far_it_reaches() {
        let (now, minute) = (10_000_000, 60_000);
        let from = |events, oldest| {
            let mut histories = Histories::default();
            histories.remembered(now, events, oldest);
            filled(&mut histories, now).restarts_from_unix_ms
        };
        assert_eq!(from(255, Some(now - minute)), None, "it covers all ten minutes");
        assert_eq!(from(256, Some(now - minute)), Some(now - minute));
        let mut histories = Histories::default();
        histories.remembered(now, 256, Some(now - 4 * minute));
        assert_eq!(
            filled(&mut histories, now + 7 * minute).restarts_from_unix_ms,
            None,
            "it was followed for ten minutes"
        );
    }

    #[test]
    fn events_are_put_in_words_and_internal_ones_left_out() {
        let mut histories = Histories::default();
        for (action, attribute) in
            [("die", ("exitCode", "3")), ("kill", ("signal", "15")), ("exec_start: sh", ("", ""))]
        {
            let attributes = Some(HashMap::from([(attribute.0.to_owned(), attribute.1.to_owned())]));
            let actor = EventActor { id: Some("ab".into()), attributes };
            let time_nano = Some(5_000_000_000);
            histories.note(&EventMessage { action: Some(action.into()), actor: Some(actor), time_nano }, 1);
        }
        let seen: Vec<_> = filled(&mut histories, 6000).happenings.into_iter().map(|h| (h.unix_ms, h.what)).collect();
        assert_eq!(seen, [(5000, "die, code 3".to_owned()), (5000, "kill, signal 15".to_owned())]);
    }

    #[test]
    fn health_checks_lead_to_an_occasional_inspection_only() {
        let mut histories = Histories::default();
        let mut looked = |action: &str, second: i64| {
            let actor = EventActor { id: Some("ab".into()), ..EventActor::default() };
            let event = EventMessage {
                action: Some(action.into()),
                actor: Some(actor),
                time_nano: Some(second * 1_000_000_000),
            };
            histories.note(&event, 1).is_some()
        };
        assert!(looked("exec_die", 100) && !looked("exec_start: sh", 101) && !looked("exec_die", 119));
        assert!(looked("exec_die", 120));
        assert!(filled(&mut histories, 200_000).happenings.is_empty());
    }

    #[test]
    fn restarts_while_disconnected_come_from_the_engines_count() {
        let mut histories = Histories::default();
        assert!(histories.note_missed("ab", 2, 5000));
        assert_eq!(filled(&mut histories, 6000).restarted_unix_ms, [5000, 5000]);
        assert_eq!(filled(&mut histories, 5000 + RESTARTS_WITHIN_MS + 1).restarted_unix_ms, [0i64; 0]);
    }

    #[test]
    fn a_young_container_came_up_as_often_as_its_engine_counted() {
        let mut histories = Histories::default();
        assert!(histories.note_missed("ab", 1, 5000));
        let young = Container { id: "ab".into(), created_unix_ms: Some(1000), restarts: 3, ..Container::default() };
        let mut filled = |container: &Container, now| {
            let mut container = container.clone();
            histories.fill(&mut container, now);
            container.restarted_unix_ms
        };
        assert_eq!(filled(&young, 6000), [1000, 1000, 5000]);
        let again = Container { restarts: 1, ..young.clone() };
        assert_eq!(
            filled(&again, 6000),
            [1000, 1000, 5000],
            "its engine was killed before it wrote down the last ones"
        );
        assert_eq!(filled(&again, 1001 + RESTARTS_WITHIN_MS), [5000], "it is no longer young");
    }

    #[test]
    fn oom_kill_is_counted_from_event_or_container() {
        let mut histories = Histories::default();
        let mut killed =
            Container { id: "ab".into(), oom_killed: true, finished_unix_ms: Some(4000), ..Container::default() };
        histories.fill(&mut killed, 6000);
        assert_eq!(killed.ooms_unix_ms, [4000]);
        histories.fill(&mut killed, 4001 + RESTARTS_WITHIN_MS);
        let actor = EventActor { id: Some("ab".into()), ..EventActor::default() };
        histories
            .note(&EventMessage { action: Some("oom".into()), actor: Some(actor), time_nano: Some(5_000_000_000) }, 1);
        histories.fill(&mut killed, 6000);
        assert_eq!(killed.ooms_unix_ms, [5000], "not counted twice");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut histories = Histories::default();
        for n in 0..MOST + 5 {
            let actor = EventActor { id: Some(format!("{n:x}")), ..EventActor::default() };
            let started = EventMessage { action: Some("start".into()), actor: Some(actor), ..EventMessage::default() };
            assert!(histories.note(&started, 1).is_some(), "it is inspected all the same");
        }
        assert_eq!(histories.containers.len(), MOST);
    }

    /// An event of the container `ab` at this second.
    fn event(action: &str, second: i64, attributes: &[(&str, &str)]) -> EventMessage {
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let actor = EventActor { id: Some("ab".into()), attributes: Some(attributes) };
        EventMessage { action: Some(action.into()), actor: Some(actor), time_nano: Some(second * 1_000_000_000) }
    }

    #[test]
    fn each_action_leads_to_an_inspection_or_to_nothing() {
        let mut histories = Histories::default();
        for (action, inspected) in [
            ("create", true),
            ("rename", true),
            ("health_status: healthy", true),
            ("top", false),
            ("resize", false),
            ("attach", false),
            ("detach", false),
            ("copy", false),
            ("exec_create: sh", false),
            ("destroy", true),
        ] {
            let expected = inspected.then(|| "ab".to_owned());
            assert_eq!(histories.note(&event(action, 5, &[]), 1), expected, "{action}");
        }
        assert!(histories.containers.is_empty(), "it was destroyed");
    }

    #[test]
    fn the_last_events_are_kept_in_words() {
        let mut histories = Histories::default();
        (0..55).for_each(|second| drop(histories.note(&event("start", second, &[]), 1)));
        let kept = filled(&mut histories, 60_000).happenings;
        assert_eq!((kept.len(), kept[0].unix_ms, kept[49].unix_ms), (KEPT, 5000, 54_000));
        let word = |action: &str, name: &str, value: &str| {
            let mut histories = Histories::default();
            histories.note(&EventMessage { time_nano: None, ..event(action, 0, &[(name, value)]) }, 77);
            filled(&mut histories, 100).happenings.remove(0)
        };
        assert_eq!(word("rename", "oldName", "/old").what, "rename, it was old");
        assert_eq!(word("die", "signal", "9"), Happening { unix_ms: 77, what: "die".into() });
        assert_eq!(word("kill", "exitCode", "9").what, "kill");
    }

    #[test]
    fn these_signals_ask_for_an_end() {
        let asked = |signal: &[(&str, &str)]| {
            let mut histories = Histories::default();
            histories.note(&event("kill", 5, signal), 1);
            filled(&mut histories, 6000).asked_to_end
        };
        for (signal, ends) in [("1", false), ("2", true), ("3", true), ("9", true), ("10", false), ("15", true)] {
            assert_eq!(asked(&[("signal", signal)]), ends, "{signal}");
        }
        assert!(asked(&[]), "Podman does not say which");
        let mut histories = Histories::default();
        ["kill", "start"].iter().for_each(|action| drop(histories.note(&event(action, 5, &[]), 1)));
        assert!(!filled(&mut histories, 6000).asked_to_end, "it was started again");
        histories.note(&event("stop", 6, &[]), 1);
        assert!(filled(&mut histories, 6000).asked_to_end);
        // A signal that does not end it changes nothing.
        histories.note(&event("kill", 7, &[("signal", "1")]), 1);
        assert!(filled(&mut histories, 7000).asked_to_end);
    }

    #[test]
    fn a_restart_with_an_event_is_not_missed() {
        // The restart is at second 5; the engine counts two more since, one of which had an event if that came later
        // than the count.
        let missed = |counted_from_ms: i64| {
            let mut histories = Histories { counted_from_ms, ..Histories::default() };
            ["die", "start"].iter().for_each(|action| drop(histories.note(&event(action, 5, &[]), 1)));
            assert!(histories.note_missed("ab", 2, 6000));
            filled(&mut histories, 7000).restarted_unix_ms
        };
        assert_eq!(missed(5000), [5000, 6000]);
        assert_eq!(missed(5001), [5000, 6000, 6000]);
        let mut histories = Histories::default();
        ["die", "start"].iter().for_each(|action| drop(histories.note(&event(action, 5, &[]), 1)));
        assert!(!histories.note_missed("ab", 1, 6000));
        assert!(histories.note_missed("ab", 1, 6000), "it was taken into account once");
    }

    #[test]
    fn ten_minutes_end_with_their_last_millisecond() {
        let mut histories = Histories::default();
        ["die", "start", "oom"].iter().for_each(|action| drop(histories.note(&event(action, 5, &[]), 1)));
        let counts = |c: Container| (c.restarted_unix_ms.len(), c.ooms_unix_ms.len());
        assert_eq!(counts(filled(&mut histories, 5000 + RESTARTS_WITHIN_MS)), (1, 1));
        assert_eq!(counts(filled(&mut histories, 5001 + RESTARTS_WITHIN_MS)), (0, 0));
        assert!(!histories.has_asked());
        histories.remembered(1000, REMEMBERED, None);
        assert!(histories.has_asked());
        let from = |histories: &mut Histories, now| filled(histories, now).restarts_from_unix_ms;
        assert_eq!(from(&mut histories, 999 + RESTARTS_WITHIN_MS), Some(1000));
        assert_eq!(from(&mut histories, 1000 + RESTARTS_WITHIN_MS), None);
    }
}
