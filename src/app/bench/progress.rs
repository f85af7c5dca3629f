//! The progress of a suite on standard error: one line that is written over on a terminal, a line each ten seconds off
//! it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::{
    app::{output::stderr, terminal::Terminal},
    model::{
        run::{RunEvent, RunProgress},
        unit::Unit,
    },
    sink::runs,
    text::{clean, elide},
    units::span,
};

/// Between two lines where nothing is written over.
const PACE: Duration = Duration::from_secs(10);
/// Columns of the bar.
const BAR: usize = 20;

/// What is shown.
pub struct Progress {
    /// Benchmarks in all.
    all: usize,
    /// What the first figure of each is measured in.
    units: BTreeMap<String, Unit>,
    over: usize,
    on_terminal: bool,
    /// The last line that was written off a terminal.
    written: Option<Instant>,
    /// A line stands that is to be written over.
    stands: bool,
}

impl Progress {
    pub fn new(all: usize, units: BTreeMap<String, Unit>, on_terminal: bool) -> Self {
        Progress { all, units, over: 0, on_terminal, written: None, stands: false }
    }

    /// Shows what an event says.
    pub fn see(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Progress(progress) if self.on_terminal => {
                let columns = usize::from(Terminal::size().0).saturating_sub(1).max(20);
                stderr(&format!("\r\x1b[K{}", elide(&self.bar(progress), columns)));
                self.stands = true;
            }
            RunEvent::Progress(progress) if self.written.is_none_or(|at| at.elapsed() >= PACE) => {
                self.written = Some(Instant::now());
                stderr(&format!("{}\n", self.words(progress)));
            }
            RunEvent::Measured { key, runs, .. } => {
                self.over += 1;
                let samples = runs.first().map_or(0, |run| run.samples.len());
                self.line(&format!("{} {key}: {samples} samples", self.count()));
            }
            RunEvent::Failed { key, why, .. } => {
                self.over += 1;
                self.line(&format!("{} {key}: {why}", self.count()));
            }
            RunEvent::Ended { .. } => self.clear(),
            _ => {}
        }
    }

    /// A line that stays.
    pub fn line(&mut self, words: &str) {
        self.clear();
        stderr(&format!("{}\n", clean(words)));
    }

    fn clear(&mut self) {
        if self.stands {
            stderr("\r\x1b[K");
            self.stands = false;
        }
    }

    /// `[2/5]`: the one that is over, else the one under way.
    fn count(&self) -> String {
        format!("[{}/{}]", self.over, self.all)
    }

    fn words(&self, progress: &RunProgress) -> String {
        let left = progress.left.map_or_else(String::new, |left| format!(", {} left", span(left)));
        let samples = match progress.samples.len() {
            0 => String::new(),
            n => format!(", {n} samples"),
        };
        let value = progress.value.zip(self.units.get(&progress.key.bench));
        let value = value.map_or_else(String::new, |(value, unit)| format!(", {}", runs::value(*unit, value)));
        let beside = progress.beside.first().map_or_else(String::new, |beside| format!(", {beside}"));
        let (number, phase) = (self.over + 1, progress.phase.words());
        let text = format!(
            "[{number}/{}] {}: {phase}, {:.0}%{value}{samples}{left}{beside}",
            self.all,
            progress.key,
            progress.done * 100.0
        );
        clean(&text).into_owned()
    }

    fn bar(&self, progress: &RunProgress) -> String {
        let full = ((progress.done * BAR as f64) as usize).min(BAR);
        format!("{}{} {}", "#".repeat(full), ".".repeat(BAR - full), self.words(progress))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Stamp,
        model::bench::{BenchKey, RunPhase},
    };

    #[test]
    fn a_line_says_where_it_stands() {
        let progress = RunProgress {
            at: Stamp::at_seconds(5),
            key: BenchKey { bench: "storage-read".to_owned(), of: "/".to_owned() },
            since: Stamp::at_seconds(1),
            phase: RunPhase::Measuring,
            done: 0.5,
            left: Some(Duration::from_secs(12)),
            value: Some(2e9),
            samples: vec![1.0, 2.0],
            beside: vec!["p99 4.20 ms".to_owned()],
        };
        let units = BTreeMap::from([("storage-read".to_owned(), Unit::BytesPerSecond)]);
        let shown = Progress::new(5, units, false);
        let words = "[1/5] storage-read of /: measuring, 50%, 1.9 GiB/s, 2 samples, 12s left, p99 4.20 ms";
        assert_eq!(shown.words(&progress), words);
        assert_eq!(shown.bar(&progress), format!("##########.......... {words}"));
    }
}
