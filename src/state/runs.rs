//! Benchmarks as readers see them: the one under way, and the history of each figure in order of time.

use std::collections::BTreeMap;

use crate::model::{
    bench::{BenchKey, Catalog, RunPlan},
    run::{Change, Run, RunEvent, RunMark, RunProgress, SeriesKey},
};

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
            RunEvent::Began { queue, .. } => {
                (self.queue, self.over) = (queue, 0);
                (self.progress, self.report) = (None, None);
            }
            RunEvent::Progress(progress) => self.progress = Some(progress),
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
            RunEvent::Ended { report, .. } => {
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

    /// True while something is measured.
    #[must_use]
    pub fn under_way(&self) -> bool {
        !self.queue.is_empty()
    }

    fn insert(&mut self, run: Run) {
        let series = self.history.entry(run.key()).or_default();
        let at = series.partition_point(|known| known.at_unix_ms <= run.at_unix_ms);
        if !series.iter().any(|known| known.id == run.id) {
            series.insert(at, run);
        }
    }
}
