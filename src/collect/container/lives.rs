//! What events tell of each container's life beyond what it is now: who asked for its end, when it came up again unasked,
//! and what happened to it lately.

use std::collections::{HashMap, VecDeque};

use super::event::EventMessage;
use crate::{
    model::container::{Container, Happening, RESTARTS_WITHIN_MS},
    text::clean,
};

/// Events kept of each container.
const KEPT: usize = 50;
/// Containers whose events are kept. Ids that an engine makes up are endless; the list of containers clears them away.
const MOST: usize = 2 * super::ask::MOST;

/// Events that Docker remembers of all its things together: an answer of so many does not reach back to what was asked for.
const REMEMBERED: usize = 256;
/// Signals that ask for an end: `docker kill` sends others too, to have settings read again.
const ENDING: [&str; 4] = ["2", "3", "9", "15"];

/// What runs inside of a container, such as its health check, leads to a look at it this often at most.
const CHECKS_EVERY_MS: i64 = 20_000;

/// What events tell of each container's life beyond what it is now: who asked for its end, and when it came up again
/// unasked.
#[derive(Default)]
pub(super) struct Lives {
    pub(super) lives: HashMap<String, Life>,
    /// Events from here on are in no list that the engine's own count was taken from.
    pub(super) counted_from_ms: i64,
    /// All events from here on are known; 0 before the engine was asked.
    known_from_ms: i64,
}

#[derive(Default)]
pub(super) struct Life {
    /// Somebody sent it a signal or stopped it since it last started.
    asked: bool,
    died: bool,
    restarts: Vec<i64>,
    ooms: Vec<i64>,
    /// When the end of something that ran inside last led to a look at it.
    checked_ms: i64,
    /// The engine's own count when it was last seen, and when it was seen to have grown, once for each restart.
    last_count: Option<u32>,
    grown: Vec<i64>,
    /// Restarts of `restarts` that the engine's own count has been compared with.
    counted: u32,
    /// The greatest count that the engine gave: one that was killed begins again with what it had written down.
    most: u32,
    happenings: VecDeque<Happening>,
}

impl Lives {
    /// Takes an event in; gives the container that is to be inspected.
    pub(super) fn note(&mut self, event: &EventMessage, now: i64) -> Option<String> {
        let (action, id) = (event.action.as_deref()?, event.actor.as_ref()?.id.clone()?);
        if action == "destroy" {
            self.lives.remove(&id);
            return Some(id);
        }
        if self.lives.len() >= MOST && !self.lives.contains_key(&id) {
            return Some(id);
        }
        let at = event.time_nano.map_or(now, |nanoseconds| nanoseconds / 1_000_000);
        // A health check ended, perhaps: its outcome is worth a look now and then.
        if action.starts_with("exec_die") {
            let life = self.lives.entry(id.clone()).or_default();
            let due = at - life.checked_ms >= CHECKS_EVERY_MS;
            life.checked_ms = if due { at } else { life.checked_ms };
            return due.then_some(id);
        }
        // What else happens inside of it changes nothing that is shown.
        if action.starts_with("exec_") || matches!(action, "top" | "resize" | "attach" | "detach" | "copy") {
            return None;
        }
        let life = self.lives.entry(id.clone()).or_default();
        life.happenings.push_back(Happening { unix_ms: at, what: words(action, event) });
        if life.happenings.len() > KEPT {
            life.happenings.pop_front();
        }
        match action {
            "kill" => life.asked |= signal(event).is_none_or(|signal| ENDING.contains(&signal)),
            "stop" => life.asked = true,
            "die" => life.died = true,
            "oom" => life.ooms.push(at),
            "start" => {
                if life.died && !life.asked {
                    life.restarts.push(at);
                    life.counted += u32::from(at >= self.counted_from_ms);
                }
                (life.died, life.asked) = (false, false);
            }
            _ => {}
        }
        Some(id)
    }

    /// The engine was asked for what it remembers.
    pub(super) fn has_asked(&self) -> bool {
        self.known_from_ms != 0
    }

    /// What the engine remembered when it was first asked: how many events of ten minutes, and when the oldest was.
    pub(super) fn remembered(&mut self, now: i64, events: usize, oldest_ms: Option<i64>) {
        let reaches = if events < REMEMBERED { now - RESTARTS_WITHIN_MS } else { oldest_ms.unwrap_or(now) };
        self.known_from_ms = reaches;
    }

    /// Books restarts that the engine counted and no event told; true when there were some.
    pub(super) fn note_missed(&mut self, id: &str, more: u32, at: i64) -> bool {
        let life = self.lives.entry(id.to_owned()).or_default();
        let missed = more.saturating_sub(std::mem::take(&mut life.counted));
        life.restarts.extend((0..missed).map(|_| at));
        missed > 0
    }

    /// Fills in what events and the engine's own count told: restarts and ends for want of memory of the last ten minutes,
    /// whether somebody asked for the end, and what happened, the newest last. An end that no event told of is told by the
    /// container itself.
    pub(super) fn tell(&mut self, container: &mut Container, now: i64) {
        let recent = |at: &&i64| now.saturating_sub(**at) <= RESTARTS_WITHIN_MS;
        let lately = |moments: &[i64]| moments.iter().filter(recent).copied().collect::<Vec<i64>>();
        container.restarts_from_unix_ms = Some(self.known_from_ms).filter(|from| now - from < RESTARTS_WITHIN_MS);
        let life = self.lives.entry(container.id.clone()).or_default();
        // A start by hand begins the count anew.
        let more = life.last_count.map_or(0, |last| container.restarts.saturating_sub(last));
        life.grown.extend((0..more).map(|_| now));
        life.last_count = Some(container.restarts);
        life.grown.retain(|at| recent(&at));
        life.restarts.retain(|at| recent(&at));
        container.asked_to_end = life.asked;
        life.most = life.most.max(container.restarts);
        // Events may be lost, and not every engine counts: whichever knows more.
        let known = if life.grown.len() > life.restarts.len() { &life.grown } else { &life.restarts };
        container.restarted_unix_ms = known.clone();
        container.ooms_unix_ms = lately(&life.ooms);
        container.happenings = life.happenings.iter().cloned().collect();
        // Engines remember few events. In a life of less than ten minutes their own count is the one of ten minutes.
        if let Some(created) = container.created_unix_ms.filter(|at| recent(&at)) {
            let count = usize::try_from(life.most).unwrap_or(usize::MAX);
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

    fn lived(actions: &[&str]) -> usize {
        let mut lives = Lives::default();
        for action in actions {
            let actor = EventActor { id: Some("ab".into()), ..EventActor::default() };
            lives.note(
                &EventMessage { action: Some((*action).into()), actor: Some(actor), time_nano: Some(5_000_000_000) },
                1,
            );
        }
        told(&mut lives, 6000).restarted_unix_ms.len()
    }

    /// What events told of the container `ab`.
    fn told(lives: &mut Lives, now: i64) -> Container {
        let mut container = Container { id: "ab".into(), ..Container::default() };
        lives.tell(&mut container, now);
        container
    }

    #[test]
    fn only_a_start_that_nobody_asked_for_is_a_restart() {
        assert_eq!(lived(&["create", "start", "die", "start", "oom", "die", "start"]), 2, "a loop");
        assert_eq!(lived(&["start", "kill", "die", "stop", "start"]), 0, "stopped and started by hand");
        assert_eq!(lived(&["start", "kill", "die", "stop", "start", "restart"]), 0, "docker restart");
        assert_eq!(lived(&["start", "kill", "die", "stop", "start", "die", "start"]), 1);
        assert_eq!(lived(&["start", "die"]), 0, "it ended and stays so");
    }

    #[test]
    fn an_end_that_somebody_asked_for_is_told_apart() {
        let asked = |events: &[(&str, &str)]| {
            let mut lives = Lives::default();
            for (action, signal) in events {
                let attributes = Some(HashMap::from([("signal".to_owned(), (*signal).to_owned())]));
                let actor = EventActor { id: Some("ab".into()), attributes };
                let (action, time_nano) = (Some((*action).into()), Some(5_000_000_000));
                lives.note(&EventMessage { action, actor: Some(actor), time_nano }, 1);
            }
            told(&mut lives, 6000).asked_to_end
        };
        assert!(asked(&[("start", ""), ("kill", "9"), ("die", "")]), "docker kill");
        assert!(asked(&[("start", ""), ("kill", "15"), ("die", ""), ("stop", "")]), "docker stop");
        assert!(!asked(&[("start", ""), ("die", "")]), "by itself");
        assert!(!asked(&[("start", ""), ("kill", "1"), ("die", "")]), "settings were to be read again");
        assert!(!asked(&[("kill", "15"), ("die", ""), ("start", ""), ("die", "")]), "an earlier life");
    }

    #[test]
    fn the_engines_count_tells_of_restarts_that_no_event_did() {
        let mut lives = Lives::default();
        let mut told = |restarts, now| {
            let mut container = Container { id: "ab".into(), restarts, ..Container::default() };
            lives.tell(&mut container, now);
            container.restarted_unix_ms
        };
        assert_eq!(told(36, 1000), [0i64; 0], "nobody knows when those were");
        assert_eq!(told(37, 2000), [2000]);
        assert_eq!(told(39, 3000), [2000, 3000, 3000]);
        assert_eq!(told(0, 4000), [2000, 3000, 3000], "started by hand");
        assert_eq!(told(1, 5000), [2000, 3000, 3000, 5000]);
        assert_eq!(told(1, 2001 + RESTARTS_WITHIN_MS), [3000, 3000, 5000]);
    }

    #[test]
    fn a_full_memory_of_events_says_how_far_it_reaches() {
        let (now, minute) = (10_000_000, 60_000);
        let from = |events, oldest| {
            let mut lives = Lives::default();
            lives.remembered(now, events, oldest);
            told(&mut lives, now).restarts_from_unix_ms
        };
        assert_eq!(from(255, Some(now - minute)), None, "it tells of all ten minutes");
        assert_eq!(from(256, Some(now - minute)), Some(now - minute));
        let mut lives = Lives::default();
        lives.remembered(now, 256, Some(now - 4 * minute));
        assert_eq!(told(&mut lives, now + 7 * minute).restarts_from_unix_ms, None, "it was followed for ten minutes");
    }

    #[test]
    fn events_are_put_in_words_and_internal_ones_left_out() {
        let mut lives = Lives::default();
        for (action, attribute) in
            [("die", ("exitCode", "3")), ("kill", ("signal", "15")), ("exec_start: sh", ("", ""))]
        {
            let attributes = Some(HashMap::from([(attribute.0.to_owned(), attribute.1.to_owned())]));
            let actor = EventActor { id: Some("ab".into()), attributes };
            let time_nano = Some(5_000_000_000);
            lives.note(&EventMessage { action: Some(action.into()), actor: Some(actor), time_nano }, 1);
        }
        let seen: Vec<_> = told(&mut lives, 6000).happenings.into_iter().map(|h| (h.unix_ms, h.what)).collect();
        assert_eq!(seen, [(5000, "die, code 3".to_owned()), (5000, "kill, signal 15".to_owned())]);
    }

    #[test]
    fn health_checks_lead_to_an_occasional_inspection_only() {
        let mut lives = Lives::default();
        let mut looked = |action: &str, second: i64| {
            let actor = EventActor { id: Some("ab".into()), ..EventActor::default() };
            let event = EventMessage {
                action: Some(action.into()),
                actor: Some(actor),
                time_nano: Some(second * 1_000_000_000),
            };
            lives.note(&event, 1).is_some()
        };
        assert!(looked("exec_die", 100) && !looked("exec_start: sh", 101) && !looked("exec_die", 119));
        assert!(looked("exec_die", 120));
        assert!(told(&mut lives, 200_000).happenings.is_empty());
    }

    #[test]
    fn restarts_while_nobody_listened_are_told_by_the_engines_count() {
        let mut lives = Lives::default();
        assert!(lives.note_missed("ab", 2, 5000));
        assert_eq!(told(&mut lives, 6000).restarted_unix_ms, [5000, 5000]);
        assert_eq!(told(&mut lives, 5000 + RESTARTS_WITHIN_MS + 1).restarted_unix_ms, [0i64; 0]);
    }

    #[test]
    fn a_young_container_came_up_as_often_as_its_engine_counted() {
        let mut lives = Lives::default();
        assert!(lives.note_missed("ab", 1, 5000));
        let young = Container { id: "ab".into(), created_unix_ms: Some(1000), restarts: 3, ..Container::default() };
        let mut told = |container: &Container, now| {
            let mut container = container.clone();
            lives.tell(&mut container, now);
            container.restarted_unix_ms
        };
        assert_eq!(told(&young, 6000), [1000, 1000, 5000]);
        let again = Container { restarts: 1, ..young.clone() };
        assert_eq!(told(&again, 6000), [1000, 1000, 5000], "its engine was killed before it wrote down the last ones");
        assert_eq!(told(&again, 1001 + RESTARTS_WITHIN_MS), [5000], "it is no longer young");
    }

    #[test]
    fn oom_kill_is_counted_from_event_or_container() {
        let mut lives = Lives::default();
        let mut killed =
            Container { id: "ab".into(), oom_killed: true, finished_unix_ms: Some(4000), ..Container::default() };
        lives.tell(&mut killed, 6000);
        assert_eq!(killed.ooms_unix_ms, [4000]);
        lives.tell(&mut killed, 4001 + RESTARTS_WITHIN_MS);
        let actor = EventActor { id: Some("ab".into()), ..EventActor::default() };
        lives.note(&EventMessage { action: Some("oom".into()), actor: Some(actor), time_nano: Some(5_000_000_000) }, 1);
        lives.tell(&mut killed, 6000);
        assert_eq!(killed.ooms_unix_ms, [5000], "not counted twice");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut lives = Lives::default();
        for n in 0..MOST + 5 {
            let actor = EventActor { id: Some(format!("{n:x}")), ..EventActor::default() };
            let started = EventMessage { action: Some("start".into()), actor: Some(actor), ..EventMessage::default() };
            assert!(lives.note(&started, 1).is_some(), "it is looked at all the same");
        }
        assert_eq!(lives.lives.len(), MOST);
    }
}
