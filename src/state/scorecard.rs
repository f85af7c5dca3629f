//! Targets against what was measured last: one row a target, with its verdict, or with the reason why there is none and
//! the way to get one. Pure.

use std::time::Duration;

use super::{
    State,
    roles::{Assigned, is_of, roles},
};
use crate::{
    analysis::stats::median,
    clock::Stamp,
    model::{
        bench::Offered,
        health::Freshness,
        metrics::{self, MetricDef},
        run::Keeping,
    },
    target::{Bound, Target, Targets, show},
};

/// A result older than this says nothing about the machine of today: the suite is meant to run each week.
pub const STALE: Duration = Duration::from_secs(30 * 86_400);

/// What is to be said of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetVerdict {
    Missed,
    /// Measured, but too long ago.
    Stale,
    Unmeasured,
    Met,
    /// The user does not aim at it.
    Off,
}

impl TargetVerdict {
    pub const ALL: [TargetVerdict; 5] = [
        TargetVerdict::Met,
        TargetVerdict::Missed,
        TargetVerdict::Stale,
        TargetVerdict::Unmeasured,
        TargetVerdict::Off,
    ];

    /// As reports write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            TargetVerdict::Met => "met",
            TargetVerdict::Missed => "missed",
            TargetVerdict::Stale => "stale",
            TargetVerdict::Unmeasured => "unmeasured",
            TargetVerdict::Off => "off",
        }
    }
}

/// A value that was measured for a target.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub value: f64,
    /// What it was measured on; empty: the machine.
    pub of: String,
    /// When, milliseconds since 1970 UTC.
    pub at_unix_ms: i64,
    pub age: Duration,
    /// It was within the bound.
    pub is_met: bool,
}

/// One target on the scorecard.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub target: Target,
    /// What has the role that it is for.
    pub assigned: Option<Assigned>,
    pub measured: Option<Measured>,
    pub verdict: TargetVerdict,
    /// Why it is unmeasured or stale.
    pub reason: Option<String>,
}

/// Every target, in the order of the file.
#[must_use]
pub fn scorecard(state: &State, targets: &Targets, now: Stamp) -> Vec<Row> {
    let assigned = roles(state, &targets.roles);
    targets
        .rows
        .iter()
        .map(|target| {
            let assigned = target.role.and_then(|role| assigned.get(&role)).cloned();
            let view = View { state, target, assigned: assigned.as_ref(), now };
            let (verdict, measured, reason) = view.judge();
            Row { target: target.clone(), assigned, measured, verdict, reason }
        })
        .collect()
}

/// How often each verdict is given.
#[must_use]
pub fn counts(rows: &[Row]) -> [(TargetVerdict, usize); 5] {
    TargetVerdict::ALL.map(|verdict| (verdict, rows.iter().filter(|row| row.verdict == verdict).count()))
}

/// One target, and what it is judged by.
struct View<'a> {
    state: &'a State,
    target: &'a Target,
    assigned: Option<&'a Assigned>,
    now: Stamp,
}

type Outcome = (TargetVerdict, Option<Measured>, Option<String>);

impl View<'_> {
    fn judge(&self) -> Outcome {
        let unmeasured = |reason: String| (TargetVerdict::Unmeasured, None, Some(reason));
        let measure = &self.target.measure;
        if self.target.off {
            return (TargetVerdict::Off, None, None);
        }
        if let Some(missing) = &measure.missing {
            return unmeasured(missing.clone());
        }
        if let (Some(role), None) = (self.target.role, self.assigned) {
            let name = role.name();
            return unmeasured(format!("nothing here is known as {name}: name it under [roles]"));
        }
        let result = measure.benchmark.as_ref().and_then(|figure| self.result(figure));
        let is_fresh = |measured: &Measured| measured.age <= STALE;
        if let Some(measured) = result.as_ref().filter(|measured| is_fresh(measured)) {
            return (verdict(measured), result, None);
        }
        let now = measure.metric.as_deref().and_then(metrics::find).map(|metric| self.moment(metric));
        match (now, result) {
            (Some(Ok(now)), _) if !measure.week => (verdict(&now), Some(now), None),
            (Some(Ok(now)), _) => {
                unmeasured(format!("needs history of a week (now {})", show(self.target.unit, now.value)))
            }
            (_, Some(old)) => {
                let days = old.age.as_secs() / 86_400;
                let reason = format!("measured {days} days ago, more than {}", STALE.as_secs() / 86_400);
                (TargetVerdict::Stale, Some(old), Some(reason))
            }
            (Some(Err(why)), None) => unmeasured(why),
            (None, None) => unmeasured(self.why_there_is_no_result()),
        }
    }

    fn measured(&self, value: f64, of: String, at_unix_ms: i64) -> Measured {
        let age = u64::try_from(self.now.unix_ms - at_unix_ms).map_or(Duration::ZERO, Duration::from_millis);
        Measured { value, of, at_unix_ms, age, is_met: self.target.bound.is_met(value) }
    }

    /// The newest result of the figure, on what has the role.
    fn result(&self, figure: &str) -> Option<Measured> {
        let runs = &self.state.runs;
        let mine = |of: &str| self.assigned.is_none_or(|assigned| is_of(self.state, of, &assigned.value));
        let series = runs.history.iter().filter(|(key, _)| key.benchmark == figure && mine(&key.of));
        // What the user took out does not count.
        let newest = series.filter_map(|(_, series)| series.iter().rev().find(|run| !runs.is_forgotten(&run.id)));
        let run = newest.max_by_key(|run| run.at_unix_ms)?;
        Some(self.measured(median(&run.samples)?, run.of.clone(), run.at_unix_ms))
    }

    /// The worst value of the metric now; why there is none.
    fn moment(&self, metric: &MetricDef) -> Result<Measured, String> {
        let host = &self.state.host;
        if let Some(source) = metric.source {
            match host.health.freshness(source, self.now) {
                Freshness::Live => {}
                Freshness::Waiting => return Err(format!("{} was not read yet", source.name())),
                _ => {
                    let trouble = host.health.get(source).map_or_else(String::new, |health| health.trouble());
                    return Err(format!("{}: {trouble}", source.name()));
                }
            }
        }
        let mut worst: Option<(f64, String)> = None;
        (metric.read)(host, &mut |labels, value| {
            let of = labels.first().copied().unwrap_or_default();
            if self.assigned.is_some_and(|assigned| !is_of(self.state, of, &assigned.value)) {
                return;
            }
            if worst.as_ref().is_none_or(|(known, _)| is_worse(self.target.bound, value, *known)) {
                worst = Some((value, of.to_owned()));
            }
        });
        let (value, of) = worst.ok_or_else(|| match self.assigned {
            Some(assigned) => format!("`{}` has no {}", assigned.value, metric.id),
            None => format!("there is no {} here", metric.id),
        })?;
        Ok(self.measured(value, of, self.now.unix_ms))
    }

    /// In the words of whoever knows best: the benchmark that failed or cannot run, or the history that is not there.
    fn why_there_is_no_result(&self) -> String {
        let runs = &self.state.runs;
        let figure = self.target.measure.benchmark.as_deref().unwrap_or_default();
        let bench = runs.catalog.as_ref().and_then(|catalog| catalog.figure(figure)).map(|(bench, _)| bench);
        let mine = |of: &str| self.assigned.is_none_or(|assigned| is_of(self.state, of, &assigned.value));
        if let Some(Offered { bench, .. }) = bench
            && let Some((_, why)) = runs.failed.iter().find(|(key, _)| key.bench == *bench && mine(&key.of))
        {
            return format!("failed: {why}");
        }
        if let Some(Offered { offers, .. }) = bench {
            let mut mine = offers.iter().filter(|offer| offer.of.is_empty() || mine(&offer.of)).peekable();
            let missing = |offer: &crate::model::bench::Offer| offer.missing.clone();
            if mine.peek().is_some()
                && let Some(why) = mine.map(missing).reduce(|all, next| all.and(next)).flatten()
            {
                return why;
            }
        }
        match &runs.keeping {
            Some(Keeping::Off(why) | Keeping::Failing(why)) => format!("no result in this run; {why}"),
            _ if !runs.loaded => "the history is not read yet".to_owned(),
            _ => match bench {
                Some(Offered { bench, .. }) => format!("never measured: `benchtop bench {bench}` measures it"),
                None => "never measured".to_owned(),
            },
        }
    }
}

fn verdict(measured: &Measured) -> TargetVerdict {
    if measured.is_met { TargetVerdict::Met } else { TargetVerdict::Missed }
}

/// `value` is further on the bad side than `known`.
fn is_worse(bound: Bound, value: f64, known: f64) -> bool {
    let off = |value: f64, low: f64, high: f64| (low - value).max(value - high);
    match bound {
        Bound::Below(_) | Bound::AtMost(_) => value > known,
        Bound::AtLeast(_) => value < known,
        Bound::Between(low, high) => off(value, low, high) > off(known, low, high),
        Bound::About(middle) => (value - middle).abs() > (known - middle).abs(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        model::{
            bench::{BenchKey, Catalog, Group, Offer},
            event::{Envelope, Event, Sample},
            figure::Figure,
            memory::MemorySample,
            run::{Better, Run, RunEvent, RunMark, RunSays, SeriesKey},
            source::SourceId,
            unit::Unit,
        },
        target::Role,
    };

    const NOW: u64 = 40 * 86_400;

    fn run(benchmark: &str, of: &str, days_ago: u64, samples: &[f64]) -> Run {
        Run {
            id: format!("{benchmark} {of} {days_ago}"),
            batch: String::new(),
            benchmark: benchmark.into(),
            of: of.into(),
            unit: Unit::Seconds,
            better: Better::Lower,
            at_unix_ms: Stamp::at_seconds(NOW - days_ago * 86_400).unix_ms,
            took: Duration::ZERO,
            samples: samples.to_vec(),
            fingerprint: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    fn with(runs: Vec<Run>) -> State {
        let mut state = State::default();
        let (marks, changes) = (Vec::new(), Vec::new());
        state.apply(Event::Run(RunEvent::History {
            at: Stamp::at_seconds(NOW),
            runs,
            marks,
            changes,
            undos: Vec::new(),
        }));
        state
    }

    fn row(state: &State, targets: &Targets, name: &str) -> Row {
        let rows = scorecard(state, targets, Stamp::at_seconds(NOW));
        assert_eq!(rows.len(), targets.rows.len(), "each target has a row");
        rows.into_iter().find(|row| row.target.name == name).unwrap_or_else(|| panic!("no row {name}"))
    }

    fn said(state: &State, name: &str) -> (TargetVerdict, String) {
        let row = row(state, &Targets::default(), name);
        (row.verdict, row.reason.unwrap_or_default())
    }

    #[test]
    fn the_last_run_is_judged() {
        let start = "container_start_seconds";
        let state = with(vec![run(start, "alpine", 3, &[1.0]), run(start, "alpine", 2, &[50.0, 20.0, 40.0])]);
        let row = row(&state, &Targets::default(), start);
        let measured = row.measured.expect("it was measured");
        assert_eq!((row.verdict, measured.value, measured.is_met), (TargetVerdict::Missed, 40.0, false));
        assert_eq!((measured.of.as_str(), measured.age), ("alpine", Duration::from_secs(2 * 86_400)));
        assert_eq!(said(&with(vec![run(start, "", 0, &[10.0, 20.0])]), start).0, TargetVerdict::Met);
    }

    #[test]
    fn an_old_result_is_stale() {
        let start = "container_start_seconds";
        assert_eq!(said(&with(vec![run(start, "", 30, &[10.0])]), start).0, TargetVerdict::Met);
        let (verdict, reason) = said(&with(vec![run(start, "", 31, &[10.0])]), start);
        assert_eq!((verdict, reason.as_str()), (TargetVerdict::Stale, "measured 31 days ago, more than 30"));
    }

    #[test]
    fn what_the_user_took_out_does_not_count() {
        let start = "container_start_seconds";
        let mut state = with(vec![run(start, "", 5, &[10.0]), run(start, "", 2, &[90.0])]);
        let series = SeriesKey { benchmark: start.into(), of: String::new() };
        let says = RunSays::Forget(format!("{start}  2"));
        let mark = RunMark { at_unix_ms: 0, series, says };
        state.apply(Event::Run(RunEvent::Mark { at: Stamp::at_seconds(NOW), mark }));
        assert_eq!(said(&state, start).0, TargetVerdict::Met);
    }

    #[test]
    fn a_role_says_which_result_counts() {
        let read = "storage_read_bytes_per_second";
        let runs = vec![run(read, "tank/models", 3, &[2.5e9]), run(read, "tank/other", 1, &[1e9])];
        let name = "models_pool_read_bytes_per_second";
        let (verdict, reason) = said(&with(runs.clone()), name);
        let cure = "nothing here is known as models_pool: name it under [roles]";
        assert_eq!((verdict, reason.as_str()), (TargetVerdict::Unmeasured, cure));
        let roles = BTreeMap::from([(Role::ModelsPool, "tank/models".to_owned())]);
        let row = row(&with(runs), &Targets { roles, ..Targets::default() }, name);
        assert_eq!((row.verdict, row.measured.expect("measured").value), (TargetVerdict::Met, 2.5e9));
        assert!(row.assigned.is_some_and(|assigned| !assigned.guessed));
    }

    #[test]
    fn the_small_and_the_large_model_have_targets_of_their_own() {
        let response = "model_response_seconds";
        let state = with(vec![run(response, "a:8b at x", 1, &[3.0]), run(response, "b:70b at x", 1, &[3.0])]);
        assert_eq!(said(&state, "model_response_seconds_small").0, TargetVerdict::Missed);
        assert_eq!(said(&state, "model_response_seconds_large").0, TargetVerdict::Met);
    }

    fn memory(state: &mut State, sample: MemorySample) {
        let (at, took, every) = (Stamp::at_seconds(NOW), Duration::ZERO, Duration::from_secs(1));
        let outcome = Ok(Sample::Memory(Box::new(sample)));
        state.apply(Event::Reading(Envelope { source: SourceId::Memory, at, took, every, outcome }));
    }

    #[test]
    fn a_metric_is_judged_by_what_it_is_now() {
        let mut state = with(Vec::new());
        assert_eq!(said(&state, "swap_used_bytes"), (TargetVerdict::Unmeasured, "memory was not read yet".into()));
        let sample = MemorySample {
            total: 32 << 30,
            available: 24 << 30,
            swap_total: 8 << 30,
            swap_free: 6 << 30,
            ..MemorySample::default()
        };
        memory(&mut state, sample);
        assert_eq!(said(&state, "swap_used_bytes").0, TargetVerdict::Missed);
        let (verdict, reason) = said(&state, "memory_available_bytes");
        assert_eq!((verdict, reason.as_str()), (TargetVerdict::Unmeasured, "needs history of a week (now 25.8 GB)"));
    }

    #[test]
    fn a_role_says_which_value_of_a_metric_counts() {
        use crate::model::pool::{Dataset, DatasetRow};
        let mut state = with(Vec::new());
        let (at, took, every) = (Stamp::at_seconds(NOW), Duration::ZERO, Duration::from_secs(1));
        let outcome = Ok(Sample::Pools(Box::default()));
        state.apply(Event::Reading(Envelope { source: SourceId::Pools, at, took, every, outcome }));
        let dataset = |name: &str, ratio: f64| DatasetRow {
            reported: Dataset { name: name.into(), ratio: Some(ratio), ..Dataset::default() },
            ..DatasetRow::default()
        };
        state.host.pools.datasets = vec![dataset("tank/models", 2.6), dataset("tank/other", 1.1)];
        let name = "models_pool_compress_ratio";
        let of = |value: &str| {
            let roles = BTreeMap::from([(Role::ModelsPool, value.to_owned())]);
            let row = row(&state, &Targets { roles, ..Targets::default() }, name);
            (row.verdict, row.measured.map(|measured| (measured.value, measured.of)), row.reason)
        };
        assert_eq!(of("tank/models"), (TargetVerdict::Met, Some((2.6, "tank/models".into())), None));
        assert_eq!(of("tank/other"), (TargetVerdict::Missed, Some((1.1, "tank/other".into())), None));
        let (verdict, measured, reason) = of("tank/none");
        assert_eq!((verdict, measured), (TargetVerdict::Unmeasured, None));
        assert_eq!(reason.as_deref(), Some("`tank/none` has no dataset_compress_ratio"));
    }

    #[test]
    fn what_is_off_is_not_judged() {
        let mut targets = Targets::default();
        let mut rows = targets.rows.to_vec();
        rows[0].set("off").expect("a word of the user's");
        targets.rows = rows.into();
        let row = row(&with(vec![run("container_start_seconds", "", 1, &[90.0])]), &targets, "container_start_seconds");
        assert_eq!((row.verdict, row.measured, row.reason), (TargetVerdict::Off, None, None));
    }

    #[test]
    fn the_reason_is_the_best_that_is_known() {
        let name = "storage_compress_ratio";
        let target = "container_start_seconds";
        let reason = |state: &State| said(state, target).1;
        assert_eq!(reason(&State::default()), "the history is not read yet");
        let mut state = with(Vec::new());
        assert_eq!(reason(&state), "never measured");
        let figure =
            |id: &str| Figure { id: id.into(), title: String::new(), unit: Unit::Seconds, better: Better::Lower };
        let offer = |missing: Option<&str>| Offer { of: String::new(), missing: missing.map(str::to_owned) };
        let offered = Offered {
            bench: "container-start".into(),
            group: Group::Containers,
            doc: String::new(),
            figures: vec![figure(target), figure(name)],
            offers: vec![offer(None)],
        };
        state.runs.catalog = Some(Catalog { benches: vec![offered.clone()] });
        assert_eq!(reason(&state), "never measured: `benchtop bench container-start` measures it");
        let offers = vec![offer(Some("no container engine answers"))];
        state.runs.catalog = Some(Catalog { benches: vec![Offered { offers, ..offered }] });
        assert_eq!(reason(&state), "no container engine answers");
        let key = BenchKey { bench: "container-start".into(), of: "alpine".into() };
        let failed = RunEvent::Failed { at: Stamp::at_seconds(NOW), key, why: "the disk is full".into() };
        state.apply(Event::Run(failed));
        assert_eq!(reason(&state), "failed: the disk is full");
        let keeping = Keeping::Off("the history is switched off by --no-history".into());
        let mut off = State::default();
        off.apply(Event::Run(RunEvent::Keeping { at: Stamp::at_seconds(NOW), keeping }));
        assert_eq!(reason(&off), "no result in this run; the history is switched off by --no-history");
    }

    #[test]
    fn the_worst_of_several_values_counts() {
        assert!(is_worse(Bound::Below(80.0), 70.0, 60.0) && is_worse(Bound::AtLeast(2.0), 1.0, 3.0));
        assert!(is_worse(Bound::Between(0.15, 0.25), 0.05, 0.3) && !is_worse(Bound::Between(0.15, 0.25), 0.2, 0.26));
        assert!(is_worse(Bound::About(10.0), 6.0, 13.0) && !is_worse(Bound::About(10.0), 12.0, 7.0));
        let all = [Bound::Below(80.0), Bound::AtMost(80.0), Bound::AtLeast(2.0), Bound::About(1.0)];
        assert!(all.into_iter().all(|bound| !is_worse(bound, 5.0, 5.0)), "the first of equals stays");
    }
}
