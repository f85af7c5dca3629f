//! The fold that every mode shares: events in, one state out; and what is wrong by the rules, since when.

pub mod alarms;
mod cause;

mod alerts;
mod judge;
pub mod levels;
pub mod roles;
pub mod runs;
pub mod scorecard;
pub mod way_back;

use std::{cmp::Reverse, sync::Arc, time::Duration};

use alarms::Alarms;
use judge::ByMetric;
use runs::Runs;

use crate::{
    alert::{AlertKey, Level, Limits, Rule, Watch, book::AlertBook, phase, transition::Transition},
    analysis::machine_changes::{self, Facts},
    clock::Stamp,
    model::{
        event::Event,
        header::Header,
        host::Host,
        identity::identity,
        metrics::MetricId,
        run::{Change, RunEvent},
        source::SourceId,
    },
};

/// All that a reader may know.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub host: Host,
    /// The rules in force.
    pub rules: Arc<[Rule]>,
    /// The alerts, as they were judged at the last whole second.
    pub alerts: AlertBook,
    /// What changed among them with the newest event.
    pub transitions: Vec<Transition>,
    /// What is wrong at the newest moment: what fires first, worst first, then oldest.
    pub watches: Vec<Watch>,
    /// What is known of alerts beside that: windows, episodes, what is gone.
    pub alarms: Alarms,
    /// Where the events come from.
    pub header: Option<Header>,
    /// What results of benchmarks depend on and changed with the newest event: to be kept. It is in [`Runs::changes`] too.
    pub changed: Vec<Change>,
    /// Which config is in force: its hash, or that there is none. `None` where nobody said.
    pub config: Option<String>,
    /// What they depend on, as last known.
    facts: Facts,
    /// When that was looked at.
    looked: Option<Stamp>,
    /// When an operation of ours ended last: what it changed is looked for in every reading after it.
    acted: Option<Stamp>,
    /// Benchmarks: the one under way, the history, and what is made of it.
    pub runs: Runs,
    /// Operations of ours that have ended: what they changed is read again.
    pub operations: u64,
    /// Rules by metric, so that a colour costs no search through all of them.
    by_metric: Arc<ByMetric>,
    /// The whole second of the newest event.
    second: u64,
}

/// What changes rarely is looked at this often.
const LOOK: Duration = Duration::from_secs(10);
/// A report of one moment counts what needs no longer hold than this as firing; the rest is pending.
const AT_ONCE: Duration = Duration::from_secs(30);
/// A book of alerts that nobody has judged for longer says nothing of what is clear now.
const FRESH_MS: i64 = 120_000;
/// Microseconds of a second.
const SECOND_US: u64 = 1_000_000;

/// What the verdict line says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict<'a> {
    /// Critical alerts that fire.
    pub crit: usize,
    /// Warnings that fire.
    pub warn: usize,
    /// Pieces of advice that fire.
    pub advice: usize,
    /// Alerts that fire and were acknowledged; they count nowhere else.
    pub acknowledged: usize,
    /// The worst that fires, the oldest among equals.
    pub worst: Option<&'a Watch>,
    /// Warnings and worse that fire when their hold is over.
    pub pending: usize,
    /// The one of them that fires next.
    pub next: Option<&'a Watch>,
}

impl State {
    /// An empty state under `rules`.
    #[must_use]
    pub fn new(rules: Arc<[Rule]>) -> Self {
        let by_metric = Arc::new(judge::by_metric(&rules));
        State { rules, by_metric, ..State::default() }
    }

    /// Folds one event in. Rules are judged when the events cross a whole second, by what was known before it: so the
    /// same readings give the same alerts, whatever ticks come between them.
    pub fn apply(&mut self, event: Event) {
        self.transitions.clear();
        self.changed.clear();
        self.alarms.changed.clear();
        match event {
            Event::Reading(_) => {
                self.advance(event);
                self.note_changes();
            }
            Event::Tick(_) => {
                self.advance(event);
                self.judge();
            }
            Event::Resumed(at) => {
                // What is held for a while is held while somebody looks: a pause does not count.
                self.alerts.leave_out(self.host.now, at);
                self.second = self.second.max(at.mono_us / SECOND_US);
                self.host.apply(event);
                self.judge();
            }
            // Our own operations say nothing about the machine: its values keep their time.
            Event::Alert(mark) => {
                self.mark(&mark);
                self.judge();
            }
            Event::Alerts(news) => self.recall_alerts(*news),
            // Time that the machine slept counts for no hold: its clock stood still.
            Event::Woke { at, .. } => self.alarms.woke = Some(at),
            Event::Act(done) => {
                self.operations += 1;
                self.acted = Some(done.at);
            }
            Event::Destination(destination) => self.host.apply_destination(destination),
            Event::Run(run) => {
                let judges =
                    matches!(run, RunEvent::Measured { .. } | RunEvent::Mark { .. } | RunEvent::History { .. });
                // Later ones are what other programs wrote: a value that they saw change is read here too, soon.
                let is_first_history = !self.runs.loaded && matches!(run, RunEvent::History { .. });
                self.runs.apply(run);
                if judges {
                    self.host.benchmarks = self.runs.standings();
                }
                if is_first_history {
                    self.recall();
                }
            }
            Event::Header(header) => self.header = Some(header),
        }
    }

    /// Advances the time by an event.
    fn advance(&mut self, event: Event) {
        let at = event.at();
        self.cross(at);
        self.second = self.second.max(at.mono_us / SECOND_US);
        self.host.apply(event);
    }

    /// Judges what was known up to `at`: at the first whole second after it became known, and at the last one before
    /// `at`. The seconds between have nothing new to judge.
    fn cross(&mut self, at: Stamp) {
        let (last, second) = (self.second, at.mono_us / SECOND_US);
        if self.host.began.is_none() || second <= last {
            return;
        }
        for whole in [last + 1, second] {
            let now = at.back(Duration::from_micros(at.mono_us - whole * SECOND_US));
            if now > self.host.now {
                self.host.now = now;
                self.commit(now);
            }
        }
    }

    /// Notes what has another value than when it was last looked at.
    fn note_changes(&mut self) {
        let now = self.host.now;
        let recent = |at: Stamp| now.since(at) < LOOK;
        if self.looked.is_some_and(recent) && !self.acted.is_some_and(recent) {
            return;
        }
        self.looked = Some(now);
        let facts = self.facts_now();
        self.changed = machine_changes::compare(&self.facts, &facts, now.unix_ms);
        if self.runs.loaded {
            self.changed.extend(machine_changes::first_seen(&self.facts, &facts, now.unix_ms, self.runs.under_way()));
        }
        let State { changed, runs, .. } = self;
        changed.retain(|change| !runs.is_noted(change));
        runs.changes.extend(changed.iter().cloned());
        self.facts.extend(facts);
    }

    fn facts_now(&self) -> Facts {
        machine_changes::facts(&self.host, self.config.as_deref())
    }

    /// Takes up what the history knows: what has another value now has changed while nobody looked.
    fn recall(&mut self) {
        let before = machine_changes::as_of(&self.runs.changes);
        // A report looks once: what was read since the last look counts too.
        if self.looked.is_some() {
            self.facts.extend(self.facts_now());
        }
        let mut missed = machine_changes::compare(&before, &self.facts, self.host.now.unix_ms);
        missed.extend(machine_changes::first_seen(&before, &self.facts, self.host.now.unix_ms, true));
        for (fact, value) in before {
            self.facts.entry(fact).or_insert(value);
        }
        self.runs.changes.extend(missed.iter().cloned());
        self.changed = missed;
    }

    /// The rules of `metric` that match these label values.
    fn rules_of<'a>(&'a self, metric: MetricId, labels: &'a [&str]) -> impl Iterator<Item = &'a Rule> {
        let rules = self.by_metric.get(metric.position()).into_iter().flatten().map(|i| &self.rules[*i]);
        rules.filter(move |rule| rule.concerns(metric.def().labels, labels))
    }

    /// The level of a figure now: what colours it. `labels` are the label values of the metric, in its order.
    #[must_use]
    pub fn level(&self, metric: MetricId, labels: &[&str], value: f64) -> Level {
        let level = |rule: &Rule| {
            let normal = rule.normal_floor.and_then(|_| {
                let identity = identity(metric.def(), labels, &self.host);
                self.alerts.normal(&AlertKey { rule: rule.id.clone(), identity })
            });
            rule.level(phase::judged(rule, value, normal))
        };
        self.rules_of(metric, labels).map(level).max().unwrap_or(Level::Ok)
    }

    /// The limits of a figure, for the tick on its gauge; `None` where no rule watches it.
    #[must_use]
    pub fn limits(&self, metric: MetricId, labels: &[&str]) -> Option<Limits> {
        self.rules_of(metric, labels).find(|rule| rule.normal_floor.is_none()).map(|rule| rule.limits)
    }

    /// What the verdict line says.
    #[must_use]
    pub fn verdict(&self) -> Verdict<'_> {
        let fires = || self.watches.iter().filter(|w| w.counts());
        let count = |level| fires().filter(|w| w.level == level).count();
        let pending = || self.watches.iter().filter(|w| !w.held && w.is_open() && w.level >= Level::Warn);
        Verdict {
            crit: count(Level::Crit),
            warn: count(Level::Warn),
            advice: count(Level::Advice),
            acknowledged: self.watches.iter().filter(|w| w.held && w.acknowledged).count(),
            worst: fires().next(),
            pending: pending().count(),
            next: pending().min_by_key(|w| w.left),
        }
    }

    /// What to say while nothing fires: quiet only where every source that this machine has was read once.
    #[must_use]
    pub fn calm(&self) -> (String, Level) {
        let health = &self.host.health;
        let waits = |id: SourceId| !id.is_on_demand() && health.get(id).is_none();
        let engines = &self.host.containers.engines;
        match self.verdict().acknowledged {
            _ if SourceId::ALL.into_iter().any(waits) => ("reading…".to_owned(), Level::Unknown),
            _ if engines.iter().any(|e| !e.listed && e.fault.is_none()) => ("reading…".to_owned(), Level::Unknown),
            _ if !health.any_figures() => ("no source gives figures".to_owned(), Level::Unknown),
            0 => match self.unseen().count() {
                0 => ("all quiet".to_owned(), Level::Ok),
                1 => ("all quiet, 1 alert since you looked".to_owned(), Level::Ok),
                unseen => (format!("all quiet, {unseen} alerts since you looked"), Level::Ok),
            },
            seen => (format!("all quiet, {seen} acknowledged"), Level::Ok),
        }
    }

    /// True when the alert of this rule was acknowledged for `label`.
    #[must_use]
    pub fn is_acknowledged(&self, metric: MetricId, label: &str) -> bool {
        self.watches.iter().any(|w| {
            w.acknowledged
                && w.labels.first().is_some_and(|(_, value)| value == label)
                && self.rules.iter().any(|r| r.id == w.rule && r.metric == metric)
        })
    }

    /// How many alerts are acknowledged: lists that put those last change with it.
    #[must_use]
    pub fn acknowledgements(&self) -> u64 {
        self.watches.iter().filter(|watch| !watch.is_open()).count() as u64
    }

    /// Judges for a report of one moment, which cannot wait: what needs a hold of at most 30 s fires, and what
    /// fired when somebody last looked is over where its value is clear now.
    pub fn judge_at_once(&mut self) {
        for watch in self.watches.iter_mut().filter(|w| !w.held) {
            let hold = self.rules.iter().find(|r| r.id == watch.rule).map_or(Duration::ZERO, |r| r.hold);
            watch.held = hold <= AT_ONCE;
        }
        if self.host.now.unix_ms - self.alarms.written_unix_ms > FRESH_MS {
            self.watches.retain(|watch| watch.clears_in.is_none());
        }
        self.sort();
    }

    fn sort(&mut self) {
        let rank = |w: &Watch| (!w.held, !w.is_open(), Reverse(w.level), w.clears_in.is_some(), w.since);
        self.watches.sort_by_key(rank);
    }

    /// Brings [`State::watches`] up to date with the newest moment; a tick and a mark do so by themselves. What is shown
    /// is what a judgement now would find: the alerts themselves go on with whole seconds alone, however often somebody
    /// looks.
    pub fn judge(&mut self) {
        let mut alerts = self.alerts.clone();
        judge::judge(&mut alerts, self.machine(), &self.rules, &self.by_metric, self.host.now);
        self.watches = self.muted(judge::watches(&alerts, &self.host, &self.rules, false));
        self.alarms.gone = self.muted(judge::watches(&alerts, &self.host, &self.rules, true));
        self.sort();
    }
}

#[cfg(test)]
mod tests;
