//! The rules applied to the machine: every figure that a rule asks for goes into the book of alerts, and what the book
//! holds is put into words.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    alert::{
        Level, Rule, Watch,
        book::{Alert, AlertBook, Transition},
        phase::{Moment, Observation, Phase},
    },
    clock::Stamp,
    model::{
        alert::AlertKey,
        health::Freshness,
        host::Host,
        identity::identity,
        metrics::{self, METRICS, MetricDef, MetricId},
    },
};

/// The positions of the rules that judge each metric, in the order of METRICS.
pub(super) type ByMetric = Vec<Vec<usize>>;

/// A metric that says less of a container than another one that fires for the same: one line is enough.
const COVERED: [(MetricId, MetricId); 2] = [
    (metrics::CONTAINER_RESTARTING, metrics::CONTAINER_RESTARTS_10M),
    (metrics::CONTAINER_OOMS_10M, metrics::CONTAINER_FAILED),
];

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

/// Judges `host` as it is at `now`. `saturated`: a benchmark of ours runs, and rules that are quiet then know nothing.
pub(super) fn judge(
    book: &mut AlertBook,
    (host, saturated): (&Host, bool),
    rules: &[Rule],
    by_metric: &ByMetric,
    now: Stamp,
) -> Vec<Transition> {
    let mut judgement = book.judge();
    let is_quiet = |rule: &Rule| saturated && rule.quiet_during_runs;
    for (metric, indices) in METRICS.iter().zip(by_metric).filter(|(_, indices)| !indices.is_empty()) {
        let rules = || indices.iter().map(|i| &rules[*i]);
        let (sample, moment) = sampled(metric, host, now);
        let Some(at) = sample else {
            // No data neither fires nor clears.
            rules().for_each(|rule| judgement.rest(rule, Observation::Unknown, moment));
            continue;
        };
        let heard = rules().filter(|rule| !is_quiet(rule));
        let asked: Vec<(&Rule, bool)> = heard.map(|rule| (rule, judgement.has_alerts(rule))).collect();
        let mut first = None;
        (metric.read)(host, &mut |values, value| {
            let first = *first.get_or_insert_with(|| judgement.is_first(metric.id));
            for (rule, has_alerts) in &asked {
                if !(*has_alerts || rule.level(value) >= Level::Advice) || !rule.concerns(metric.labels, values) {
                    continue;
                }
                let key = AlertKey { rule: rule.id.clone(), identity: identity(metric, values, host) };
                let labels = metric.labels.iter().zip(values).map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
                let found = Observation::Value { value, at, since: metric.since.and_then(|since| since(host, values)) };
                judgement.value(rule, key, labels.collect(), found, (moment, first));
            }
        });
        for rule in rules() {
            let found = if is_quiet(rule) { Observation::Unknown } else { Observation::Missing };
            judgement.rest(rule, found, moment);
        }
    }
    judgement.end()
}

/// The alerts of `book` as they are shown at `now`, in the order of the rules: without those that are gone, and without
/// those that another one of the same says better.
pub(super) fn watches(book: &AlertBook, host: &Host, rules: &[Rule]) -> Vec<Watch> {
    let by_id: BTreeMap<&str, (usize, &Rule)> =
        rules.iter().enumerate().map(|(i, r)| (r.id.as_str(), (i, r))).collect();
    let rule_of = |key: &AlertKey| by_id.get(key.rule.as_str()).copied();
    let there = book.iter().filter(|(_, alert)| alert.entry.missing.is_none());
    let mut shown: Vec<(usize, &Rule, &AlertKey, &Alert)> =
        there.filter_map(|(key, alert)| rule_of(key).map(|(at, rule)| (at, rule, key, alert))).collect();
    shown.sort_by_key(|(at, ..)| *at);
    let covered = |rule: &Rule, key: &AlertKey, alert: &Alert| {
        let by = COVERED.iter().find(|(covered, _)| *covered == rule.metric)?.1;
        let more = |other: &Alert| other.entry.phase == Phase::Firing && other.entry.level >= alert.entry.level;
        shown.iter().find(|(_, r, k, other)| r.metric == by && k.identity == key.identity && more(other))
    };
    let uncovered = shown.iter().filter(|(_, rule, key, alert)| covered(rule, key, alert).is_none());
    uncovered.map(|(_, rule, key, alert)| watch(rule, key, alert, host)).collect()
}

fn watch(rule: &Rule, key: &AlertKey, alert: &Alert, host: &Host) -> Watch {
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
        clears_in: entry.clears_in(rule, moment),
        value: entry.value,
        since,
        from_start: entry.began == Some(since),
        began_unix_ms: metric.began.and_then(|began| began(host, &values)),
        unknown_since: entry.unknown,
        acknowledged: entry.acknowledged.is_some(),
        say: sentence(rule, alert, &values, host),
    }
}

/// The rule's sentence with all that it names filled in.
fn sentence(rule: &Rule, alert: &Alert, values: &[&str], host: &Host) -> String {
    let metric = rule.metric.def();
    let (level, value) = (alert.entry.level, alert.entry.value);
    let show = |value: f64| metric.unit.show(value);
    let mut say = rule.say.replace("{value}", &show(value));
    if let Some(limit) = rule.limit(level).or(rule.limits.mildest()) {
        say = say.replace("{limit}", &show(limit));
    }
    if say.contains("{detail}") {
        let detail = metric.detail.and_then(|detail| detail(host, values));
        say = say.replace("{detail}", &detail.unwrap_or_else(|| show(value)));
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
