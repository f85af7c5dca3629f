//! The rules applied to the machine: every figure that a rule asks for goes into the book of alerts, and what the book
//! holds is put into words.

use std::{
    collections::{BTreeMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use crate::{
    alert::{
        Level, Rule, Side, Watch,
        book::{Alert, AlertBook},
        judgement::Judgement,
        phase::{Moment, Observation, Phase},
        transition::Transition,
    },
    clock::Stamp,
    model::{
        alert::{AlertKey, Labels},
        health::Freshness,
        host::Host,
        identity::identity,
        metrics::{self, METRICS, MetricDef, MetricId, Unit},
        service::Standing,
        source::SourceId,
    },
};

/// The positions of the rules that judge each metric, in the order of METRICS.
pub(super) type ByMetric = Vec<Vec<usize>>;

/// A metric that says less of a container than another one that fires for the same: one line is enough.
const COVERED: [(MetricId, MetricId); 2] = [
    (metrics::CONTAINER_RESTARTING, metrics::CONTAINER_RESTARTS_10M),
    (metrics::CONTAINER_OOMS_10M, metrics::CONTAINER_FAILED),
];

/// Metrics whose rules are steps of one scale: of those that fire for the same, the worst says it all.
const STEPS: [MetricId; 1] = [metrics::POOL_USED_RATIO];

/// What is over a limit is judged in steps of this where no source has a pace.
const STEP: Duration = Duration::from_secs(1);

/// The switched-on rules of `rules`, by metric.
pub(super) fn by_metric(rules: &[Rule]) -> ByMetric {
    let mut by_metric = vec![Vec::new(); METRICS.len()];
    for (i, rule) in rules.iter().enumerate().filter(|(_, r)| r.enabled) {
        by_metric[rule.metric.position()].push(i);
    }
    by_metric
}

/// What is known of a metric's samples at `now`: when the newest was taken, if it is to be trusted, and their pace.
fn sampled(metric: &MetricDef, host: &Host, now: Stamp) -> (Option<Stamp>, Moment) {
    let Some(source) = metric.source else { return (Some(now), Moment { now, interval: STEP }) };
    let health = host.health.get(source);
    let live = host.health.freshness(source, now) == Freshness::Live;
    let interval = health.map_or(STEP, |h| h.every);
    (health.and_then(|h| h.good_at).filter(|_| live), Moment { now, interval })
}

/// What is judged, and what is known beside its figures.
#[derive(Clone, Copy)]
pub(super) struct Machine<'a> {
    pub host: &'a Host,
    /// A benchmark of ours runs, and rules that are quiet then know nothing.
    pub saturated: bool,
    /// The machine has just booted or woken: rules with `grace` know nothing.
    pub starting: bool,
}

/// A figure that had no place in the book under its labels may have it under its identity: it was renamed, or its state
/// changed. This is looked for when an alert is first missed, and in every so many seconds.
const LOOK_EVERY: u64 = 10;
/// Microseconds of a second.
const SECOND_US: u64 = 1_000_000;

/// The label values of a figure, in a number: another figure's that has the same costs a second look.
fn labelled<'a>(values: impl Iterator<Item = &'a str>) -> u64 {
    let mut hasher = DefaultHasher::new();
    values.for_each(|value| value.hash(&mut hasher));
    hasher.finish()
}

/// The limits that a value must cross for any of some rules to have something to say of it.
struct Bounds {
    above: f64,
    below: f64,
    /// One of them compares with what is normal: it learns from every value.
    all: bool,
}

impl Bounds {
    fn of<'a>(rules: impl Iterator<Item = &'a Rule>) -> Bounds {
        let mut bounds = Bounds { above: f64::INFINITY, below: f64::NEG_INFINITY, all: false };
        for rule in rules {
            bounds.all |= rule.normal_floor.is_some();
            match (rule.side, rule.limits.mildest()) {
                (_, None) => {}
                (Side::Above, Some(limit)) => bounds.above = bounds.above.min(limit),
                (Side::Below, Some(limit)) => bounds.below = bounds.below.max(limit),
            }
        }
        bounds
    }

    fn crossed(&self, value: f64) -> bool {
        self.all || value > self.above || value < self.below
    }
}

/// Judges the machine as it is at `now`.
pub(super) fn judge(
    book: &mut AlertBook,
    machine: Machine<'_>,
    rules: &[Rule],
    by_metric: &ByMetric,
    now: Stamp,
) -> Vec<Transition> {
    let host = machine.host;
    let mut judgement = Judgement::new(book);
    let is_quiet = |rule: &Rule| (machine.saturated && rule.quiet_during_runs) || (machine.starting && rule.grace);
    for (metric, indices) in METRICS.iter().zip(by_metric).filter(|(_, indices)| !indices.is_empty()) {
        let rules = || indices.iter().map(|i| &rules[*i]);
        let (sample, moment) = sampled(metric, host, now);
        let Some(at) = sample else {
            // No data neither fires nor clears.
            rules().for_each(|rule| judgement.rest(rule, Observation::Unknown, moment));
            continue;
        };
        // Whose labels are those of an alert: of the many figures that are fine, no other one needs its identity.
        let mut alerted: HashSet<u64> = HashSet::new();
        let mut asked: Vec<(&Rule, bool)> = Vec::with_capacity(indices.len());
        for rule in rules().filter(|rule| !is_quiet(rule)) {
            let before = alerted.len();
            let labels = judgement.alerts_of(rule).map(|(_, alert)| labelled(values_of(&alert.labels)));
            alerted.extend(labels);
            asked.push((rule, alerted.len() > before || judgement.alerts_of(rule).next().is_some()));
        }
        let bounds = Bounds::of(asked.iter().map(|(rule, _)| *rule));
        let mut first = None;
        let mut look = |judgement: &mut Judgement<'_>, again: bool| {
            (metric.read)(host, &mut |values, value| {
                let first = *first.get_or_insert_with(|| judgement.is_first(metric.id));
                let known = !alerted.is_empty() && alerted.contains(&labelled(values.iter().copied()));
                // Most figures are fine under every rule, and need no look at each.
                if again && known || !again && !known && !bounds.crossed(value) {
                    return;
                }
                for (rule, has_alerts) in &asked {
                    let over = rule.normal_floor.is_some() || rule.level(value) >= Level::Advice;
                    let wanted = if again { !over && *has_alerts } else { over || (known && *has_alerts) };
                    if !wanted || !rule.concerns(metric.labels, values) {
                        continue;
                    }
                    let key = AlertKey { rule: rule.id.clone(), identity: identity(metric, values, host) };
                    let labels = metric.labels.iter().zip(values).map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
                    let since = metric.since.and_then(|since| since(host, values));
                    judgement.value(
                        rule,
                        key,
                        labels.collect(),
                        Observation::Value { value, at, since },
                        (moment, first),
                    );
                }
            });
        };
        look(&mut judgement, false);
        let again = (now.mono_us / SECOND_US).is_multiple_of(LOOK_EVERY);
        if !metric.labels.is_empty() && asked.iter().any(|(rule, _)| judgement.misses(rule, again)) {
            look(&mut judgement, true);
        }
        // A target that was not asked yet since the start is not gone.
        let complete = metric.source.and_then(|source| host.health.get(source)).is_none_or(|health| health.complete);
        for rule in rules() {
            let found = if is_quiet(rule) || !complete { Observation::Unknown } else { Observation::Missing };
            judgement.rest_where(rule, Observation::Unknown, moment, |labels| is_there(metric, labels, host));
            judgement.rest(rule, found, moment);
            judgement.settle(rule, now);
        }
    }
    judgement.end(now)
}

/// What the alert is about is there, though there is no figure of it: after a start it takes some rounds to say that a
/// service fails.
fn is_there(metric: &MetricDef, labels: &Labels, host: &Host) -> bool {
    let service =
        labels.iter().find(|(name, _)| name == "service").filter(|_| metric.source == Some(SourceId::Services));
    let row = service.and_then(|(_, name)| host.services.find(name));
    row.is_some_and(|row| row.standing != Standing::Paused)
}

fn values_of(labels: &Labels) -> impl Iterator<Item = &str> {
    labels.iter().map(|(_, value)| value.as_str())
}

/// The alerts of `book` as they are shown, in the order of the rules: those that are there, or those that are `gone`;
/// without those that another one of the same says better.
pub(super) fn watches(book: &AlertBook, host: &Host, rules: &[Rule], gone: bool) -> Vec<Watch> {
    let by_id: BTreeMap<&str, (usize, &Rule)> =
        rules.iter().enumerate().map(|(i, r)| (r.id.as_str(), (i, r))).collect();
    let rule_of = |key: &AlertKey| by_id.get(key.rule.as_str()).copied();
    let there = book.iter().filter(|(_, alert)| match gone {
        true => alert.entry.phase == Phase::Gone,
        false => alert.entry.missing.is_none(),
    });
    let mut shown: Vec<(usize, &Rule, &AlertKey, &Alert)> =
        there.filter_map(|(key, alert)| rule_of(key).map(|(at, rule)| (at, rule, key, alert))).collect();
    shown.sort_by_key(|(at, ..)| *at);
    let covered = |rule: &Rule, key: &AlertKey, alert: &Alert| {
        if STEPS.contains(&rule.metric) {
            let worse = |r: &Rule| {
                let limit = |rule: &Rule| rule.limits.mildest().unwrap_or_default();
                r.metric == rule.metric && r.side.crossed(limit(r), limit(rule))
            };
            let fires = |other: &Alert| other.entry.phase == Phase::Firing;
            return shown.iter().find(|(_, r, k, other)| worse(r) && k.identity == key.identity && fires(other));
        }
        let by = COVERED.iter().find(|(covered, _)| *covered == rule.metric)?.1;
        let more = |other: &Alert| other.entry.phase == Phase::Firing && other.entry.level >= alert.entry.level;
        shown.iter().find(|(_, r, k, other)| r.metric == by && k.identity == key.identity && more(other))
    };
    let uncovered = shown.iter().filter(|(_, rule, key, alert)| covered(rule, key, alert).is_none());
    uncovered.map(|(_, rule, key, alert)| watch(rule, key, alert, host)).collect()
}

/// An alert in words, without what others have to do with it.
pub(super) fn watch(rule: &Rule, key: &AlertKey, alert: &Alert, host: &Host) -> Watch {
    let metric = rule.metric.def();
    let values: Vec<&str> = alert.labels.iter().map(|(_, value)| value.as_str()).collect();
    let entry = &alert.entry;
    let moment =
        Moment { now: host.now, interval: metric.source.and_then(|s| host.health.get(s)).map_or(STEP, |h| h.every) };
    let since = entry.since();
    Watch {
        rule: key.rule.clone(),
        identity: key.identity.clone(),
        labels: alert.labels.clone(),
        level: entry.level,
        held: entry.phase == Phase::Firing,
        left: entry.left(rule, host.now),
        counted: entry.counted(rule),
        clears_in: entry.clears_in(rule, moment),
        value: entry.value,
        normal: entry.normal.filter(|_| rule.normal_floor.is_some()),
        since,
        fired: entry.fired,
        from_start: entry.began == Some(since),
        began_unix_ms: metric.began.and_then(|began| began(host, &values)),
        unknown_since: entry.unknown,
        gone_since: entry.missing.filter(|_| entry.phase == Phase::Gone),
        acknowledged: entry.acknowledged.is_some(),
        acknowledged_unix_ms: entry.acknowledged.as_ref().map(|given| given.at_unix_ms),
        comment: entry.acknowledged.as_ref().map_or_else(String::new, |given| given.comment.clone()),
        muted: None,
        say: sentence(rule, alert, &values, host),
    }
}

/// The rule's sentence with all that it names filled in; empty where it names details of what is not there, as an engine
/// that is no longer configured.
fn sentence(rule: &Rule, alert: &Alert, values: &[&str], host: &Host) -> String {
    let metric = rule.metric.def();
    let (level, value) = (alert.entry.level, alert.entry.value);
    let show = |value: f64| metric.unit.show(value);
    let mut say = rule.say.replace("{value}", &show(value));
    if let Some(limit) = rule.limit(level).or(rule.limits.mildest()) {
        let limit = if rule.normal_floor.is_some() { Unit::Ratio.show(limit) } else { show(limit) };
        say = say.replace("{limit}", &limit);
    }
    if let Some(normal) = alert.entry.normal.filter(|_| rule.normal_floor.is_some()) {
        say = say.replace("{normal}", &show(normal));
        say = say.replace("{share}", &Unit::Ratio.show(alert.entry.judged(rule, value)));
    }
    if say.contains("{detail}") {
        let detail = metric.detail.map_or_else(|| Some(show(value)), |detail| detail(host, values));
        let Some(detail) = detail else { return String::new() };
        say = say.replace("{detail}", &detail);
    }
    if say.contains("{cause}") {
        let cause = metric.cause.and_then(|cause| cause(host, values));
        say = say.replace("{cause}", &cause.map_or_else(String::new, |cause| format!(": {cause}")));
    }
    for (name, value) in &alert.labels {
        say = say.replace(&format!("{{{name}}}"), value);
    }
    say
}
