//! The fold that every mode shares: events in, one state out; and what is wrong by the rules, since when.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use crate::{
    alert::{AlertKey, Level, Limits, Rule, Watch},
    clock::Stamp,
    model::{
        event::Event,
        fault::Fault,
        health::Freshness,
        host::Host,
        metrics::{self, MetricDef},
        source::SourceId,
    },
};

/// All that a reader may know.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub host: Host,
    /// The rules in force.
    pub rules: Arc<[Rule]>,
    /// What is wrong now by those rules: held ones first, worst first, then oldest.
    pub watches: Vec<Watch>,
    /// Rules by metric, so that a colour costs no search through all of them.
    by_metric: Arc<BTreeMap<&'static str, Vec<usize>>>,
    crossed: Vec<Crossed>,
    /// What the user has seen, with its level then.
    acknowledged: Vec<(AlertKey, Level)>,
    /// Metrics that were judged at least once.
    judged: BTreeSet<&'static str>,
    /// Since when each source was seen to be silent.
    silent: BTreeMap<SourceId, Stamp>,
}

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

/// A metric that says less of a container than another one that fires for the same: one line is enough.
const COVERED: [(&str, &str); 2] =
    [("container_restarting", "container_restarts_10m"), ("container_ooms_10m", "container_failed")];

/// One figure on the bad side of one rule.
#[derive(Debug, Clone)]
struct Crossed {
    rule: usize,
    labels: Vec<String>,
    value: f64,
    level: Level,
    /// Since when the level has been at least advice, warn, crit.
    since: [Option<Stamp>; 3],
    held: bool,
    /// When its metric was judged for the first time, if it was crossed then.
    began: Option<Stamp>,
    /// Seen in the judgement under way.
    seen: bool,
}

/// A source that only says nothing is silent for so long before it is reported: a moment in which the whole machine
/// stood still is no fault of a source. One past its deadline, or with an error, is reported at once.
const SILENCE: Duration = Duration::from_secs(2);

/// Levels that count as crossed, mildest first.
const CROSSED: [Level; 3] = [Level::Advice, Level::Warn, Level::Crit];

impl State {
    /// An empty state under `rules`.
    #[must_use]
    pub fn new(rules: Arc<[Rule]>) -> Self {
        let mut by_metric: BTreeMap<&'static str, Vec<usize>> = BTreeMap::new();
        for (i, rule) in rules.iter().enumerate().filter(|(_, r)| r.enabled) {
            if let Some(metric) = metrics::find(&rule.metric) {
                by_metric.entry(metric.id).or_default().push(i);
            }
        }
        State { rules, by_metric: Arc::new(by_metric), ..State::default() }
    }

    /// Folds one event in. Judging waits for [`State::judge`], once a frame.
    pub fn apply(&mut self, event: Event) {
        if let Event::Resumed(at) = event {
            self.leave_out(self.host.now, at);
        }
        self.host.apply(event);
    }

    /// What is held for a while is held while somebody looks: a pause does not count.
    fn leave_out(&mut self, from: Stamp, to: Stamp) {
        let shift = |since: &mut Stamp| *since = since.leaving_out(to.since(from.max(*since)));
        for crossed in &mut self.crossed {
            crossed.since.iter_mut().flatten().chain(&mut crossed.began).for_each(shift);
        }
        self.silent.values_mut().for_each(shift);
    }

    fn rules_of(&self, metric: &str) -> impl Iterator<Item = (usize, &Rule)> {
        self.by_metric.get(metric).into_iter().flatten().map(|i| (*i, &self.rules[*i]))
    }

    /// The level of a figure now: what colours it. `labels` are the label values of the metric, in its order.
    #[must_use]
    pub fn level(&self, metric: &str, labels: &[&str], value: f64) -> Level {
        let names = metrics::find(metric).map_or(&[][..], |m| m.labels);
        let levels = self.rules_of(metric).filter(|(_, r)| r.concerns(names, labels)).map(|(_, r)| r.level(value));
        levels.max().unwrap_or(Level::Ok)
    }

    /// The limits of a figure, for the tick on its gauge; `None` where no rule watches it.
    #[must_use]
    pub fn limits(&self, metric: &str, labels: &[&str]) -> Option<Limits> {
        let names = metrics::find(metric).map_or(&[][..], |m| m.labels);
        self.rules_of(metric).find(|(_, r)| r.concerns(names, labels)).map(|(_, r)| r.limits)
    }

    /// What the verdict line says.
    #[must_use]
    pub fn verdict(&self) -> Verdict<'_> {
        let fires = || self.watches.iter().filter(|w| w.held && !w.acknowledged);
        let count = |level| fires().filter(|w| w.level == level).count();
        let pending = || self.watches.iter().filter(|w| !w.held && !w.acknowledged && w.level >= Level::Warn);
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
            0 => ("all quiet".to_owned(), Level::Ok),
            seen => (format!("all quiet, {seen} acknowledged"), Level::Ok),
        }
    }

    /// Books since when sources are silent.
    fn note_silence(&mut self) {
        let now = self.host.now;
        for source in SourceId::ALL {
            if matches!(self.host.health.freshness(source, now), Freshness::Stale(_)) {
                self.silent.entry(source).or_insert(now);
            } else {
                self.silent.remove(&source);
            }
        }
    }

    /// Marks an alert as seen by the user, or no longer: it stays so until it is over or gets worse.
    pub fn acknowledge(&mut self, (rule, labels): &AlertKey) {
        let Some(watch) = self.watches.iter_mut().find(|w| w.rule == *rule && w.labels == *labels) else { return };
        watch.acknowledged = !watch.acknowledged;
        if watch.acknowledged {
            self.acknowledged.push(((rule.clone(), labels.clone()), watch.level));
        } else {
            self.acknowledged.retain(|((r, l), _)| r != rule || l != labels);
        }
        self.sort();
    }

    /// True when the alert of this rule was acknowledged for what bears `label`.
    #[must_use]
    pub fn is_acknowledged(&self, metric: &str, label: &str) -> bool {
        self.watches.iter().any(|w| {
            w.acknowledged
                && w.labels.first().is_some_and(|(_, value)| value == label)
                && self.rules.iter().any(|r| r.id == w.rule && r.metric == metric)
        })
    }

    /// How many alerts are acknowledged: lists that put those last change with it.
    #[must_use]
    pub fn acknowledgements(&self) -> u64 {
        self.watches.iter().filter(|watch| watch.acknowledged).count() as u64
    }

    /// Counts alerts as firing whose hold is no longer than `most`: a report of one moment cannot wait for them.
    pub fn fire_at_once(&mut self, most: Duration) {
        for watch in self.watches.iter_mut().filter(|w| !w.held) {
            let hold = self.rules.iter().find(|r| r.id == watch.rule).map_or(Duration::ZERO, |r| r.hold);
            watch.held = hold <= most;
        }
        self.sort();
    }

    fn sort(&mut self) {
        self.watches.sort_by_key(|w| (!w.held, w.acknowledged, std::cmp::Reverse(w.level), w.since));
    }

    /// Judges the machine by the rules: brings [`State::watches`] up to date.
    pub fn judge(&mut self) {
        let now = self.host.now;
        for crossed in &mut self.crossed {
            crossed.seen = false;
        }
        for (metric, rules) in self.by_metric.clone().iter() {
            let Some(metric) = metrics::find(metric) else { continue };
            if self.host.health.freshness(metric.source, now) == Freshness::Live {
                self.judge_metric(metric, rules);
            } else {
                // No data neither fires nor clears.
                self.crossed.iter_mut().filter(|c| rules.contains(&c.rule)).for_each(|c| c.seen = true);
            }
        }
        self.crossed.retain(|c| c.seen);
        self.note_silence();
        // Of what is as bad and began together, the rule that is written first is said first.
        self.crossed.sort_by_key(|c| c.rule);
        let told = self.crossed.iter().filter(|c| !self.is_covered(c));
        self.watches = told.map(|c| self.watch(c)).chain(self.silent_sources()).collect();
        let watches = &mut self.watches;
        self.acknowledged.retain(|((rule, labels), level)| {
            let watch = watches.iter_mut().find(|w| w.rule == *rule && w.labels == *labels && w.level <= *level);
            watch.map(|watch| watch.acknowledged = true).is_some()
        });
        self.sort();
    }

    /// Another alert of the same container says it and more.
    fn is_covered(&self, crossed: &Crossed) -> bool {
        let metric = |c: &Crossed| self.rules[c.rule].metric.as_str();
        let Some((_, by)) = COVERED.iter().find(|(covered, _)| *covered == metric(crossed)) else { return false };
        let more = |other: &Crossed| other.held && other.level >= crossed.level && other.labels == crossed.labels;
        self.crossed.iter().any(|other| metric(other) == *by && more(other))
    }

    fn judge_metric(&mut self, metric: &MetricDef, rules: &[usize]) {
        let State { host, rules: all, crossed, judged, .. } = self;
        let now = host.now;
        let began = (!judged.contains(metric.id)).then_some(now);
        let mut seen = false;
        (metric.read)(host, &mut |labels, value| {
            seen = true;
            for &i in rules {
                let rule = &all[i];
                if !rule.concerns(metric.labels, labels) {
                    continue;
                }
                let level = rule.level(value);
                let known = crossed.iter().position(|c| c.rule == i && c.labels.iter().eq(labels.iter()));
                let entry = match known {
                    Some(known) => &mut crossed[known],
                    None if level >= Level::Advice => {
                        let labels = labels.iter().map(|l| (*l).to_owned()).collect();
                        let since = [None; 3];
                        let (held, seen) = (false, true);
                        crossed.push(Crossed { rule: i, labels, value, level, since, held, began, seen });
                        let last = crossed.len() - 1;
                        &mut crossed[last]
                    }
                    None => continue,
                };
                entry.judge(rule, value, level, now);
            }
        });
        if seen {
            judged.insert(metric.id);
        }
    }

    fn watch(&self, crossed: &Crossed) -> Watch {
        let rule = &self.rules[crossed.rule];
        let metric = metrics::find(&rule.metric);
        let names = metric.map_or(&[][..], |m| m.labels);
        let labels: Vec<(String, String)> =
            names.iter().map(|n| (*n).to_owned()).zip(crossed.labels.iter().cloned()).collect();
        let since = crossed.since();
        let left = if crossed.held { Duration::ZERO } else { rule.hold.saturating_sub(self.host.now.since(since)) };
        let show = |value: f64| metric.map_or_else(|| value.to_string(), |m| m.unit.show(value));
        let mut say = rule.say.replace("{value}", &show(crossed.value));
        if let Some(limit) = rule.limit(crossed.level).or(rule.limits.mildest()) {
            say = say.replace("{limit}", &show(limit));
        }
        if say.contains("{detail}") {
            let detail = metrics::detail(&rule.metric, &crossed.labels, &self.host);
            say = say.replace("{detail}", &detail.unwrap_or_else(|| show(crossed.value)));
        }
        if say.contains("{cause}") {
            let cause = metrics::cause(&rule.metric, &crossed.labels, &self.host);
            say = say.replace("{cause}", &cause.map_or_else(String::new, |cause| format!(": {cause}")));
        }
        for (name, value) in &labels {
            say = say.replace(&format!("{{{name}}}"), value);
        }
        let (level, value) = (crossed.level, crossed.value);
        Watch {
            rule: rule.id.clone(),
            labels,
            level,
            held: crossed.held,
            left,
            value,
            since,
            from_start: crossed.began == Some(since),
            began_unix_ms: metrics::began(&rule.metric, &crossed.labels, &self.host),
            acknowledged: false,
            say,
        }
    }

    /// Sources that once answered, or should, and do not: what they last said is not to be trusted. What every machine has
    /// and this one does not show is one of them.
    fn silent_sources(&self) -> impl Iterator<Item = Watch> {
        let now = self.host.now;
        SourceId::ALL.into_iter().filter(|source| !source.is_on_demand()).filter_map(move |source| {
            let health = self.host.health.get(source)?;
            let missing = || source.is_essential() && !health.fault.as_ref().is_some_and(Fault::is_off);
            let age = match self.host.health.freshness(source, now) {
                Freshness::Stale(age) => age,
                Freshness::Absent | Freshness::Denied if missing() => Duration::ZERO,
                _ => return None,
            };
            let since = health.fault_since.or(health.good_at).unwrap_or(now);
            let seen = self.silent.get(&source).map_or(Duration::ZERO, |since| now.since(*since));
            let left = if health.fault.is_some() { Duration::ZERO } else { SILENCE.saturating_sub(seen) };
            let name = source.name();
            let say = match &health.fault {
                Some(Fault::Broken(why)) => format!("{name}: cannot be read: {why}"),
                Some(Fault::Denied { what, hint }) => format!("{name}: permission denied: {what} ({hint})"),
                Some(Fault::Absent(what)) if health.good_at.is_none() => format!("{name}: not found: {what}"),
                Some(Fault::Absent(what)) => format!("{name}: gone: {what}"),
                Some(Fault::Timeout) | None => format!("{name}: no answer"),
            };
            Some(Watch {
                rule: "source".to_owned(),
                labels: vec![("source".to_owned(), name.to_owned())],
                level: Level::Warn,
                held: left.is_zero(),
                left,
                value: age.as_secs_f64(),
                since,
                from_start: health.good_at.is_none(),
                began_unix_ms: None,
                acknowledged: false,
                say,
            })
        })
    }
}

impl Crossed {
    /// Since when the level has been this or worse.
    fn since(&self) -> Stamp {
        let at = CROSSED.iter().position(|l| *l == self.level).unwrap_or(0);
        self.since[at].or(self.since[0]).unwrap_or_default()
    }

    /// Takes in the value of this judgement.
    fn judge(&mut self, rule: &Rule, value: f64, level: Level, now: Stamp) {
        self.value = value;
        if level >= Level::Advice {
            self.level = level;
            self.seen = true;
        } else {
            // A held finding stays until its own end; one that only coloured goes at once.
            self.seen = self.held && level == Level::Ok && !rule.clears(value);
        }
        for (grade, since) in CROSSED.into_iter().zip(&mut self.since) {
            if level < grade && !(grade == Level::Advice && self.seen) {
                *since = None;
            } else {
                since.get_or_insert(now);
            }
        }
        if !self.held {
            let crossed = self.since.iter().flatten().min().copied();
            self.held = self.seen && crossed.is_some_and(|since| now.since(since) >= rule.hold);
        }
    }
}

#[cfg(test)]
mod tests;
