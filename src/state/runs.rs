//! Benchmarks as readers see them: the one under way, and the history of each figure in order of time.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use crate::{
    clock::Stamp,
    model::{
        bench::{BenchKey, Catalog, RunPlan},
        figure::Figure,
        run::{Change, Run, RunEvent, RunMark, RunProgress, SeriesKey},
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
    /// What results may depend on and changed, oldest first.
    pub changes: Vec<Change>,
    /// How the last suite ended.
    pub report: Option<String>,
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
                runs.into_iter().for_each(|run| self.insert(run));
            }
            RunEvent::Failed { key, why, .. } => {
                self.progress = None;
                self.over += 1;
                self.failed.insert(key, why);
            }
            RunEvent::Ended { at, report, .. } => {
                if let Some(span) = self.spans.back_mut() {
                    span.to.get_or_insert(at);
                }
                self.queue.clear();
                (self.over, self.progress, self.report) = (0, None, Some(report));
            }
            RunEvent::History { runs, marks, changes, .. } => {
                self.history.clear();
                runs.into_iter().for_each(|run| self.insert(run));
                (self.marks, self.changes) = (marks, changes);
            }
            RunEvent::Mark { mark, .. } => self.marks.push(mark),
            RunEvent::Changed { change, .. } => self.changes.push(change),
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

    fn insert(&mut self, run: Run) {
        let series = self.history.entry(run.key()).or_default();
        let at = series.partition_point(|known| known.at_unix_ms <= run.at_unix_ms);
        if !series.iter().any(|known| known.id == run.id) {
            series.insert(at, run);
        }
    }
}
