//! What a session sends to destinations: the alerts that fire, once a second, and those that have ended; and what comes back
//! from them.

use std::time::Duration;

use crate::{
    alert::{
        Level, Muted, Watch,
        transition::{Transition, Turn},
    },
    clock::Stamp,
    config::{Settings, notify::Bell},
    model::{
        alert::{AlertKey, AlertMark, AlertSays, Scope, Silence},
        destination::Destination,
        event::Event,
    },
    notify::{
        Home, Notifier, Picture, Report, Silenced,
        notice::{Dismissal, Ended, Firing, Notice, What},
        terminal,
    },
    state::State,
    store::Place,
};

/// At the end, what is due is sent within this time.
const PATIENCE: Duration = Duration::from_millis(1200);

/// The destinations of a session.
pub struct Notices {
    notifier: Notifier,
    bell: Option<Bell>,
    host: String,
    ended: Vec<Ended>,
    /// Those that have fired or got worse since the last tick.
    fired: Vec<AlertKey>,
    second: u64,
    /// What the terminal is still to be sent.
    rings: String,
    /// What is silenced elsewhere, and so here. `None` before the first answer: what the book knows of it may be over.
    silenced: Option<Vec<Silence>>,
}

impl Notices {
    /// Starts them; `None` without destinations. `wake` is called when one of them has something to say.
    #[must_use]
    pub fn start(
        settings: &Settings,
        state: &State,
        wake: impl Fn() + Send + Sync + Clone + 'static,
    ) -> Option<Notices> {
        let host = state.header.as_ref().and_then(|header| header.host.clone());
        let host = host.unwrap_or_else(|| "localhost".to_owned());
        let folder = Place::find(settings).ok().map(|place| place.folder().to_owned());
        let notifier = Notifier::start(&settings.notify, &Home { host: host.clone(), folder }, wake);
        let bell = settings.notify.bell.clone();
        (!notifier.is_empty() || bell.is_some()).then(|| Notices {
            notifier,
            bell,
            host,
            ended: Vec::new(),
            fired: Vec::new(),
            second: 0,
            rings: String::new(),
            silenced: None,
        })
    }

    /// Looks at the newest state, after each event: what is shown of alerts is of the newest tick.
    pub fn look(&mut self, state: &State, is_tick: bool) {
        let rings = |transition: &&Transition| matches!(transition.turn, Turn::Fired | Turn::Escalated);
        self.fired.extend(state.transitions.iter().filter(rings).map(|transition| transition.key.clone()));
        // A second program beside the one that keeps the book of alerts notifies nobody.
        if state.alarms.owned {
            self.ended.extend(state.transitions.iter().filter_map(ended));
        }
        let second = state.host.now.mono_us / 1_000_000;
        if is_tick && second != self.second {
            self.second = second;
            if state.alarms.owned && state.alarms.settled {
                self.notifier.update(&Picture { firing: firing(state).into(), ended: std::mem::take(&mut self.ended) });
            }
            std::mem::take(&mut self.fired).iter().for_each(|key| self.ring(state, key));
        }
    }

    /// The terminal rings for what fires or gets worse.
    fn ring(&mut self, state: &State, key: &AlertKey) {
        let Some(bell) = &self.bell else { return };
        let watch = state.watches.iter().find(|watch| watch.key() == *key);
        let Some(watch) = watch.filter(|watch| watch.level >= bell.level && watch.counts()) else { return };
        let notice = Notice { what: What::Fired, alert: seen(state, watch), at_unix_ms: state.host.now.unix_ms };
        let tmux = std::env::var_os("TMUX").is_some_and(|tmux| !tmux.is_empty());
        self.rings.push_str(&terminal::sequence(&notice, &self.host, bell.desktop, tmux));
    }

    /// What the terminal is to be sent beside the frame.
    pub fn take_rings(&mut self) -> String {
        std::mem::take(&mut self.rings)
    }

    /// What came back: facts to be folded, and words for the user.
    pub fn reports(&mut self, at: Stamp) -> (Vec<Event>, Vec<String>) {
        let (mut events, mut words) = (Vec::new(), Vec::new());
        for report in self.notifier.reports() {
            match report {
                Report::Message(said) => words.push(said),
                Report::Health { name, health } => events.push(Event::Destination(Destination {
                    at,
                    name: name.to_owned(),
                    // The first failure may be transient.
                    error: health.error.filter(|_| health.failures > 1),
                    failing_since_unix_ms: health.failing_since_unix_ms,
                })),
                Report::Silenced { silences } => {
                    let silences: Vec<Silence> = silences.into_iter().map(silence).collect();
                    if self.silenced.as_ref() != Some(&silences) {
                        let says = AlertSays::SilencedElsewhere(silences.clone());
                        events.push(Event::Alert(AlertMark { at, says }));
                        self.silenced = Some(silences);
                    }
                }
            }
        }
        (events, words)
    }

    /// Ends them.
    pub fn finish(self) {
        self.notifier.finish(PATIENCE);
    }
}

/// What is silenced elsewhere as it is silenced here.
fn silence(one: Silenced) -> Silence {
    let Silenced { alert, until_unix_ms, by, comment } = one;
    Silence { scope: Scope::One(alert.key), until_unix_ms, comment, by: Some(by) }
}

/// An alert as destinations see it.
fn seen(state: &State, watch: &Watch) -> Firing {
    Firing {
        key: watch.key(),
        labels: watch.labels.clone(),
        level: watch.level.max(Level::Advice),
        value: watch.value,
        say: watch.say.clone(),
        since_unix_ms: watch.since.unix_ms,
        fired_unix_ms: watch.fired.unwrap_or(watch.since).unix_ms,
        muted: watch.muted.is_some() || watch.acknowledged,
        acknowledged: watch.acknowledged,
        flapping: watch.muted == Some(Muted::Flapping),
        dismissal: dismissal(state, watch),
    }
}

/// What the user said of it here: an acknowledgement before a silence; one that was made elsewhere is known there.
fn dismissal(state: &State, watch: &Watch) -> Option<Dismissal> {
    if watch.acknowledged {
        return Some(Dismissal { until_unix_ms: None, comment: watch.comment.clone() });
    }
    let key = watch.key();
    let silences = state.alerts.silences(state.host.now);
    let own = silences.filter(|silence| silence.by.is_none() && silence.scope.covers(&key));
    let longest = own.max_by_key(|silence| silence.until_unix_ms)?;
    Some(Dismissal { until_unix_ms: Some(longest.until_unix_ms), comment: longest.comment.clone() })
}

/// What fires, as the book has it: what is shown is judged for this moment, and an episode begins with a whole second.
fn firing(state: &State) -> Vec<Firing> {
    let fired = |watch: &&Watch| {
        let entry = state.alerts.get(&watch.key()).map(|alert| &alert.entry);
        entry.is_some_and(|entry| entry.fired.is_some() && entry.fired == watch.fired)
    };
    let held = state.watches.iter().filter(|watch| watch.held).chain(&state.alarms.gone);
    held.filter(fired).map(|watch| seen(state, watch)).collect()
}

/// An alert that fired and is over; one that flaps is over once it has settled.
fn ended(transition: &Transition) -> Option<Ended> {
    let (removed, settled) = match transition.turn {
        Turn::Resolved => (false, false),
        Turn::Removed => (true, false),
        Turn::Settled if transition.to.is_over() => (false, true),
        _ => return None,
    };
    let alert = Firing {
        key: transition.key.clone(),
        labels: transition.labels.clone(),
        level: transition.level.max(Level::Advice),
        value: transition.value,
        say: transition.say.clone(),
        since_unix_ms: transition.since.unix_ms,
        // One that has settled is no longer in the book: what was sent of it is ended, and nothing else.
        fired_unix_ms: transition.fired.or(settled.then_some(transition.at))?.unix_ms,
        muted: transition.muted.is_some() || settled,
        acknowledged: false,
        flapping: transition.muted == Some(Muted::Flapping) && !settled,
        dismissal: None,
    };
    Some(Ended { alert, at_unix_ms: transition.at.unix_ms, removed })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        alert::{Limits, Rule},
        app::session::Session,
        model::{
            event::{Envelope, Sample},
            load::LoadSample,
            metrics,
            source::SourceId,
        },
        notify::ledger::Ledger,
    };

    #[test]
    fn an_episode_has_one_beginning() {
        let limits = Limits { warn: Some(4.0), ..Limits::default() };
        let mut session = Session::new(vec![Rule { limits, ..Rule::new("load_high", metrics::LOAD1) }], Vec::new());
        let mut begun = BTreeSet::new();
        for tenth in 0..30 {
            let at = session.clock().now().plus(Duration::from_millis(tenth * 100));
            let outcome = Ok(Sample::Load(LoadSample { load1: 9.0, ..LoadSample::default() }));
            let (source, took, every) = (SourceId::Load, Duration::ZERO, Duration::from_secs(1));
            session.fold(Event::Reading(Envelope { source, at, took, every, outcome }));
            session.fold(Event::Tick(at));
            begun.extend(firing(session.state()).iter().map(|alert| alert.fired_unix_ms));
        }
        assert_eq!(begun.len(), 1, "{begun:?}");
    }

    #[test]
    fn what_flapped_and_settled_clear_is_resolved() {
        let limits = Limits { warn: Some(4.0), ..Limits::default() };
        let rule = Rule { limits, clear_hold: Some(Duration::ZERO), ..Rule::new("load_high", metrics::LOAD1) };
        let mut session = Session::new(vec![rule], Vec::new());
        let (start, mut ledger, mut sent) = (session.clock().now(), Ledger::default(), Vec::new());
        let mut second = |second: u64, load1: f64| {
            let at = start.plus(Duration::from_secs(second));
            let outcome = Ok(Sample::Load(LoadSample { load1, ..LoadSample::default() }));
            let (source, took, every) = (SourceId::Load, Duration::ZERO, Duration::from_secs(1));
            let reading = Event::Reading(Envelope { source, at, took, every, outcome });
            for event in [reading, Event::Tick(at.plus(Duration::from_secs(1)))] {
                session.fold(event);
                let state = session.state();
                let ended: Vec<Ended> = state.transitions.iter().filter_map(ended).collect();
                ledger.update(at.unix_ms, &firing(state), &ended, Level::Warn);
            }
            while let Some(notice) = ledger.next(at.unix_ms).cloned() {
                sent.push((second, notice.what.name(), notice.alert.level));
                ledger.arrived(&notice, at.unix_ms);
            }
        };
        for pair in 0..3 {
            (0..4).for_each(|at| second(pair * 20 + at * 2, 9.0));
            (4..8).for_each(|at| second(pair * 20 + at * 2, 1.0));
        }
        (4..400).for_each(|at| second(at * 20, 1.0));
        let said: Vec<&str> = sent.iter().map(|(_, what, _)| *what).collect();
        assert_eq!(said, ["fired", "resolved", "fired", "resolved", "fired", "flapping", "resolved"], "{sent:?}");
        assert!(sent[6].0 > 3600 && sent.iter().all(|(_, _, level)| *level == Level::Warn), "{sent:?}");
    }
}
