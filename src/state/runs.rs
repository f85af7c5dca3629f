//! Benchmarks as readers see them: the one under way, and the history of each figure in order of time.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use crate::{
    analysis::regression::{RunVerdict, Verdict, judge_runs, over_suite},
    clock::Stamp,
    model::{
        bench::{BenchKey, Catalog, RunPlan},
        figure::Figure,
        run::{Change, Keeping, Run, RunEvent, RunMark, RunProgress, RunSays, STOPPED, SeriesKey, Standing},
        undo_note::UndoNote,
    },
};

/// Values of the one under way that are kept: more than a screen is wide.
const FORMED: usize = 600;
/// Suites whose time is kept: graphs show some minutes.
const SPANS: usize = 32;

/// The time that a suite took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunSpan {
    pub from: Stamp,
    pub to: Option<Stamp>,
}

impl RunSpan {
    /// True for a moment in it; both are microseconds of the clock that never jumps.
    #[must_use]
    pub fn holds(&self, at_us: u64, now_us: u64) -> bool {
        (self.from.mono_us..=self.to.map_or(now_us, |to| to.mono_us)).contains(&at_us)
    }
}

/// All that is known of benchmarks.
#[derive(Debug, Clone, Default)]
pub struct Runs {
    /// What can be measured here; `None` before that was looked at.
    pub catalog: Option<Catalog>,
    /// The plan that was asked for last: what runs, while something does.
    pub plan: Option<RunPlan>,
    /// What is being measured, in order; empty while nothing runs.
    pub queue: Vec<BenchKey>,
    /// So many of the queue are over.
    pub over: usize,
    /// When something was measured, newest last; the last has no end while it lasts.
    pub spans: VecDeque<RunSpan>,
    /// The figure of the one under way as it formed, oldest first.
    pub formed: Vec<f64>,
    /// The one under way.
    pub progress: Option<RunProgress>,
    /// Every run of each figure, oldest first.
    pub history: BTreeMap<SeriesKey, Vec<Run>>,
    /// Why it could not be measured when it was last tried.
    pub failed: BTreeMap<BenchKey, String>,
    /// What the user said, oldest first.
    pub marks: Vec<RunMark>,
    /// What is said of each run that counts, oldest first; of the newest with the others of its suite in mind.
    pub verdicts: BTreeMap<SeriesKey, Vec<RunVerdict>>,
    /// The newest verdicts by their series alone.
    alone: BTreeMap<SeriesKey, RunVerdict>,
    /// What results may depend on and changed, oldest first.
    pub changes: Vec<Change>,
    /// What was undone as the config allows, step by step, oldest first.
    pub undos: Vec<UndoNote>,
    /// How the last suite ended.
    pub report: Option<String>,
    /// The history was read: what it lacks was never measured, or is not kept.
    pub loaded: bool,
    /// Whether results outlast the program; `None` before that is known.
    pub keeping: Option<Keeping>,
}

impl Runs {
    /// Folds one event in.
    pub fn apply(&mut self, event: RunEvent) {
        match event {
            RunEvent::Catalog { catalog, .. } => self.catalog = Some(catalog),
            RunEvent::Planned { plan, .. } => self.plan = Some(plan),
            RunEvent::Began { at, queue, .. } => {
                if self.spans.len() == SPANS {
                    self.spans.pop_front();
                }
                self.spans.push_back(RunSpan { from: at, to: None });
                (self.queue, self.over) = (queue, 0);
                (self.progress, self.report) = (None, None);
            }
            RunEvent::Progress(progress) => self.advance(progress),
            RunEvent::Measured { key, runs, .. } => {
                self.progress = None;
                self.over += 1;
                self.failed.remove(&key);
                let series: BTreeSet<SeriesKey> = runs.iter().map(Run::key).collect();
                runs.into_iter().for_each(|run| self.insert(run));
                self.judge(series);
            }
            RunEvent::Failed { key, why, .. } => {
                self.progress = None;
                self.over += 1;
                if why != STOPPED {
                    self.failed.insert(key, why);
                }
            }
            RunEvent::Refused { why, .. } => self.report = Some(why),
            RunEvent::Ended { at, report, .. } => {
                if let Some(span) = self.spans.back_mut() {
                    span.to.get_or_insert(at);
                }
                self.queue.clear();
                (self.over, self.progress, self.report) = (0, None, Some(report));
            }
            RunEvent::History { runs, marks, changes, undos, .. } => {
                self.loaded = true;
                runs.into_iter().for_each(|run| self.insert(run));
                marks.into_iter().for_each(|mark| merge(&mut self.marks, mark, |mark| mark.at_unix_ms));
                changes.into_iter().for_each(|change| self.note(change));
                undos.into_iter().for_each(|note| merge(&mut self.undos, note, |note| note.at_unix_ms));
                self.judge(self.history.keys().cloned().collect());
            }
            RunEvent::Mark { mark, .. } => {
                let series = mark.series.clone();
                merge(&mut self.marks, mark, |mark| mark.at_unix_ms);
                self.judge([series].into());
            }
            RunEvent::Changed { change, .. } => self.note(change),
            RunEvent::Undo { note, .. } => merge(&mut self.undos, note, |note| note.at_unix_ms),
            RunEvent::Keeping { keeping, .. } => self.keeping = Some(keeping),
        }
    }

    /// What is said of the newest run of a series.
    #[must_use]
    pub fn verdict(&self, series: &SeriesKey) -> Option<&RunVerdict> {
        self.verdicts(series).last()
    }

    /// What is said of every run of a series that counts, oldest first.
    #[must_use]
    pub fn verdicts(&self, series: &SeriesKey) -> &[RunVerdict] {
        self.verdicts.get(series).map_or(&[], Vec::as_slice)
    }

    /// How every series with a baseline stands.
    #[must_use]
    pub fn standings(&self) -> Vec<Standing> {
        let standing = |(key, verdicts): (&SeriesKey, &Vec<RunVerdict>)| {
            let newest = verdicts.last()?;
            let compared = !matches!(newest.verdict, Verdict::New | Verdict::NotComparable);
            Some(Standing {
                series: key.clone(),
                worse: newest.worse().filter(|_| compared)?,
                suspect: newest.verdict == Verdict::Suspect,
                regressed: newest.verdict == Verdict::Regressed,
                drift: newest.verdict == Verdict::Drift,
                since_unix_ms: newest.since.as_ref().map(|since| since.at_unix_ms),
            })
        };
        self.verdicts.iter().filter_map(standing).collect()
    }

    /// Judges these series, and the suites to which their newest runs belong.
    fn judge(&mut self, series: BTreeSet<SeriesKey>) {
        let mut suites = BTreeSet::new();
        for key in series {
            let Some(runs) = self.history.get(&key) else { continue };
            let marks: Vec<&RunMark> = self.marks.iter().filter(|mark| mark.series == key).collect();
            let verdicts = judge_runs(runs, &marks);
            suites.extend(runs.last().map(|run| run.batch.clone()));
            match verdicts.last() {
                Some(newest) => self.alone.insert(key.clone(), newest.clone()),
                None => self.alone.remove(&key),
            };
            self.verdicts.insert(key, verdicts);
        }
        let Runs { history, verdicts, alone, .. } = self;
        for suite in suites {
            let mut together: Vec<(&mut RunVerdict, &[f64])> = Vec::new();
            for (key, verdicts) in verdicts.iter_mut() {
                let newest = history.get(key).and_then(|runs| runs.last()).filter(|run| run.batch == suite);
                if let (Some(run), Some(verdict), Some(alone)) = (newest, verdicts.last_mut(), alone.get(key))
                    && verdict.run == run.id
                {
                    alone.clone_into(verdict);
                    together.push((verdict, &run.samples));
                }
            }
            over_suite(&mut together);
        }
    }

    /// The figure that a benchmark is about.
    #[must_use]
    pub fn figure_of(&self, key: &BenchKey) -> Option<&Figure> {
        self.catalog.as_ref()?.benches.iter().find(|offered| offered.bench == key.bench)?.figures.first()
    }

    /// What a benchmark is called: what it is measured on, and the title of the figure that it is about.
    #[must_use]
    pub fn name(&self, key: &BenchKey) -> String {
        let title = self.figure_of(key).map_or(key.bench.as_str(), |figure| figure.title.as_str());
        if key.of.is_empty() { title.to_owned() } else { format!("{} {title}", key.of) }
    }

    /// Time left of what runs, at most, by its plan; `None` where that is not known.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        let own = self.progress.as_ref()?.left?;
        let time = |key: &BenchKey| {
            let plan = self.plan.as_ref()?;
            plan.plans().find(|(planned, _)| *planned == key).map(|(_, plan)| plan.time)
        };
        let rest: Option<Duration> = self.queue.iter().skip(self.over + 1).map(time).sum();
        Some(own + rest?)
    }

    /// True while something is measured.
    #[must_use]
    pub fn under_way(&self) -> bool {
        !self.queue.is_empty()
    }

    fn advance(&mut self, progress: RunProgress) {
        if self.progress.as_ref().is_none_or(|before| before.key != progress.key || before.since != progress.since) {
            self.formed.clear();
        }
        if self.formed.len() == FORMED {
            self.formed.remove(0);
        }
        self.formed.extend(progress.value);
        self.progress = Some(progress);
    }

    /// The user took this run out.
    #[must_use]
    pub fn is_forgotten(&self, run: &str) -> bool {
        self.marks.iter().any(|mark| matches!(&mark.says, RunSays::Forget(forgotten) if forgotten == run))
    }

    /// The newest change of the same thing that is known came to the same value: another instance has noticed it.
    #[must_use]
    pub fn is_noted(&self, change: &Change) -> bool {
        let of =
            |other: &&Change| (&other.kind, &other.of, &other.property) == (&change.kind, &change.of, &change.property);
        self.changes.iter().rfind(of).is_some_and(|newest| newest.after == change.after)
    }

    /// Puts a change among those that are known, unless it is: another instance has noticed it a little earlier or later.
    fn note(&mut self, change: Change) {
        let of =
            |other: &&Change| (&other.kind, &other.of, &other.property) == (&change.kind, &change.of, &change.property);
        let at = self.changes.partition_point(|known| known.at_unix_ms <= change.at_unix_ms);
        let (before, after) = self.changes.split_at(at);
        let same = |near: Option<&Change>| {
            near.is_some_and(|near| (&near.before, &near.after) == (&change.before, &change.after))
        };
        if !same(before.iter().rfind(of)) && !same(after.iter().find(of)) {
            self.changes.insert(at, change);
        }
    }

    /// Our own results come back from the history, and are there already.
    fn insert(&mut self, run: Run) {
        let series = self.history.entry(run.key()).or_default();
        let first = series.partition_point(|known| known.at_unix_ms < run.at_unix_ms);
        let same_time = series[first..].iter().take_while(|known| known.at_unix_ms == run.at_unix_ms);
        let (mut after, mut known) = (first, false);
        for other in same_time {
            (after, known) = (after + 1, known || other.id == run.id);
        }
        if !known {
            series.insert(after, run);
        }
    }
}

/// Puts `item` among those that are in order of time, unless it is there.
fn merge<T: PartialEq>(items: &mut Vec<T>, item: T, at: fn(&T) -> i64) {
    let first = items.partition_point(|known| at(known) < at(&item));
    let last = first + items[first..].partition_point(|known| at(known) == at(&item));
    if !items[first..last].contains(&item) {
        items.insert(last, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        run::{Better, Fingerprint},
        unit::Unit,
    };

    fn run(benchmark: &str, at: i64, level: f64) -> Run {
        let samples = (-4..=4).map(|k| level * (1.0 + 0.0025 * f64::from(k) + 0.001 * (at % 3) as f64)).collect();
        Run {
            id: format!("{benchmark}{at}"),
            batch: at.to_string(),
            benchmark: benchmark.into(),
            of: String::new(),
            unit: Unit::Seconds,
            better: Better::Higher,
            at_unix_ms: at,
            took: Duration::ZERO,
            samples,
            fingerprint: Fingerprint::new(),
            notes: Vec::new(),
        }
    }

    fn measured(runs: &mut Runs, run: Run) {
        let key = BenchKey { bench: run.benchmark.clone(), of: String::new() };
        runs.apply(RunEvent::Measured { at: Stamp::default(), key, runs: vec![run] });
    }

    fn key(benchmark: &str) -> SeriesKey {
        SeriesKey { benchmark: benchmark.into(), of: String::new() }
    }

    fn word(runs: &Runs, benchmark: &str) -> &'static str {
        runs.verdict(&key(benchmark)).map_or("none", |verdict| verdict.verdict.word())
    }

    #[test]
    fn verdicts_follow_runs_and_marks() {
        let mut runs = Runs::default();
        assert_eq!(word(&runs, "read"), "none");
        for at in 0..8 {
            measured(&mut runs, run("read", at, if at < 6 { 100.0 } else { 70.0 }));
        }
        assert_eq!((word(&runs, "read"), runs.verdicts(&key("read")).len()), ("suspect", 8));
        measured(&mut runs, run("read", 8, 70.0));
        assert_eq!(word(&runs, "read"), "regressed");
        let mark = RunMark { at_unix_ms: 9, series: key("read"), says: RunSays::Accept };
        runs.apply(RunEvent::Mark { at: Stamp::default(), mark: mark.clone() });
        assert_eq!(word(&runs, "read"), "new");
        let history = runs.history.values().flatten().cloned().collect();
        let mut again = Runs::default();
        let (marks, changes) = (vec![mark], Vec::new());
        again.apply(RunEvent::History { at: Stamp::default(), runs: history, marks, changes, undos: Vec::new() });
        assert_eq!(again.verdicts, runs.verdicts, "read back from the store");
    }

    #[test]
    fn refusal_leaves_what_is_under_way() {
        let mut runs = Runs::default();
        let (at, queue) = (Stamp::default(), vec![BenchKey { bench: "cpu".into(), of: String::new() }]);
        runs.apply(RunEvent::Began { at, batch: "1".into(), queue: queue.clone() });
        runs.apply(RunEvent::Refused { at, plan: "2".into(), why: "one is under way".into() });
        assert_eq!((&runs.queue, runs.report.as_deref()), (&queue, Some("one is under way")));
        runs.apply(RunEvent::Ended { at, stopped: false, report: "done".into() });
        assert_eq!((runs.queue.len(), runs.report.as_deref()), (0, Some("done")));
    }

    #[test]
    fn a_suite_corrects_what_is_suspect_by_chance() {
        let mut runs = Runs::default();
        let suspect = |at| Run { samples: vec![85.0, 86.0, 87.0, 88.0, 89.0, 99.5], ..run("a", at, 0.0) };
        let wide = |at: i64| Run { samples: vec![99.0, 100.0, 101.0, 98.0, 84.0, 102.0], ..run("a", at, 0.0) };
        for at in 0..6 {
            measured(&mut runs, wide(at));
        }
        measured(&mut runs, suspect(6));
        let p = runs.verdict(&key("a")).and_then(|verdict| verdict.p).expect("tested");
        assert!(word(&runs, "a") == "suspect" && (0.005..0.05).contains(&p), "{} {p}", word(&runs, "a"));
        for other in ["b", "c", "d", "e", "f", "g", "h", "i", "j", "k"] {
            for at in 0..7 {
                measured(&mut runs, run(other, at, 100.0));
            }
        }
        assert_eq!(word(&runs, "a"), "noisy", "one of eleven");
        assert_eq!(runs.alone.get(&key("a")).map(|alone| alone.verdict), Some(Verdict::Suspect));
    }

    fn one(id: &str, at_unix_ms: i64) -> Run {
        Run {
            id: id.into(),
            batch: String::new(),
            benchmark: "cpu_single_ops".into(),
            of: String::new(),
            unit: Unit::PerSecond,
            better: Better::Higher,
            at_unix_ms,
            took: Duration::ZERO,
            samples: vec![1.0],
            fingerprint: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    fn history(runs: &[Run], marks: &[RunMark], changes: &[Change]) -> RunEvent {
        let (runs, marks, changes) = (runs.to_vec(), marks.to_vec(), changes.to_vec());
        RunEvent::History { at: Stamp::at_seconds(1), runs, marks, changes, undos: Vec::new() }
    }

    #[test]
    fn what_the_user_stopped_did_not_fail() {
        let mut runs = Runs::default();
        let key = BenchKey { bench: "cpu".into(), of: String::new() };
        let failed = |why: &str| RunEvent::Failed { at: Stamp::default(), key: key.clone(), why: why.into() };
        runs.apply(failed(STOPPED));
        assert!(runs.failed.is_empty());
        runs.apply(failed("no space"));
        assert_eq!(runs.failed.len(), 1);
    }

    #[test]
    fn the_history_joins_what_is_known() {
        let series = SeriesKey { benchmark: "cpu_single_ops".into(), of: String::new() };
        let mark = |at_unix_ms, says| RunMark { at_unix_ms, series: series.clone(), says };
        let (early, late) = (mark(5, RunSays::Accept), mark(9, RunSays::Unpin));
        let change = |at_unix_ms| Change {
            at_unix_ms,
            kind: "kernel".into(),
            of: String::new(),
            property: "release".into(),
            before: None,
            after: Some(format!("6.{}", at_unix_ms / 10)),
        };
        let mut runs = Runs::default();
        let key = BenchKey { bench: "cpu".into(), of: String::new() };
        runs.apply(RunEvent::Measured { at: Stamp::at_seconds(1), key, runs: vec![one("b", 20)] });
        runs.apply(RunEvent::Mark { at: Stamp::at_seconds(1), mark: late.clone() });
        assert!(!runs.loaded);
        for _ in 0..2 {
            // It holds what was just measured, and comes again.
            let all = [one("a", 10), one("b", 20), one("c", 20), one("d", 30)];
            runs.apply(history(&all, &[early.clone(), late.clone()], &[change(40), change(30), change(32)]));
        }
        let ids: Vec<&str> = runs.history[&series].iter().map(|run| run.id.as_str()).collect();
        assert_eq!(ids, ["a", "b", "c", "d"]);
        assert_eq!(runs.marks, [early, late]);
        assert_eq!(runs.changes, [change(30), change(40)], "two instances saw one of them");
        assert!(runs.loaded);
        runs.apply(history(&[], &[], &[]));
        assert_eq!(runs.history[&series].len(), 4, "no news takes nothing away");
    }
}
