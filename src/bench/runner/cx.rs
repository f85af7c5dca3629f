//! What a benchmark under way is given: it shows where it stands, takes its samples, and writes what it makes into the
//! journal.

use std::{
    cell::RefCell,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use crate::{
    analysis::stats::{is_enough, median},
    bench::{
        contract::RunCx,
        env::{Emit, Env, guard},
        sampling::expected,
        scratch::{Journal, Scratch},
        stop::{Stop, StopFlag},
    },
    clock::Stamp,
    model::{
        bench::{BenchKey, RunPhase},
        run::{RunEvent, RunProgress},
    },
    sys::exec::Exec,
};

/// Shown at most so often.
const PACE: Duration = Duration::from_millis(200);

pub(super) struct Start {
    pub batch: String,
    pub key: BenchKey,
    pub figures: usize,
    pub since: Stamp,
    /// No sample begins that would end later.
    pub budget: Duration,
    pub stop: StopFlag,
    pub env: Env,
    pub journal: Arc<Mutex<Journal>>,
    pub send: Emit,
}

pub(super) struct Cx {
    start: Start,
    began: Instant,
    /// When measuring began.
    measuring: Option<Instant>,
    /// By figure.
    pub samples: Vec<Vec<f64>>,
    /// Why there are no more of the first figure, where there should be.
    pub cut_short: Option<&'static str>,
    shown: RefCell<Shown>,
}

/// What was shown last.
struct Shown {
    at: Option<Instant>,
    phase: RunPhase,
    done: f64,
    value: Option<f64>,
    beside: Vec<String>,
}

impl Cx {
    pub fn new(start: Start) -> Self {
        let shown = Shown { at: None, phase: RunPhase::Preparing, done: 0.0, value: None, beside: Vec::new() };
        let samples = vec![Vec::new(); start.figures];
        Cx { start, began: Instant::now(), measuring: None, samples, cut_short: None, shown: RefCell::new(shown) }
    }

    /// Shows a phase at once.
    pub fn show(&self, phase: RunPhase) {
        let mut shown = self.shown.borrow_mut();
        shown.phase = phase;
        self.send(&mut shown);
    }

    fn send(&self, shown: &mut Shown) {
        shown.at = Some(Instant::now());
        let (done, left) = self.estimate(shown.phase);
        // It never goes back, whatever a new estimate says.
        shown.done = shown.done.max(done);
        let samples = self.samples.first().cloned().unwrap_or_default();
        (self.start.send)(RunEvent::Progress(RunProgress {
            at: self.start.env.clock.now(),
            key: self.start.key.clone(),
            since: self.start.since,
            phase: shown.phase,
            done: shown.done,
            left,
            value: shown.value.or_else(|| median(&samples)),
            samples,
            beside: shown.beside.clone(),
        }));
    }

    /// The share that is done and the time that is left, by the samples so far, else by the plan.
    fn estimate(&self, phase: RunPhase) -> (f64, Option<Duration>) {
        let spent = self.began.elapsed();
        let of_plan = (spent.as_secs_f64() / self.start.budget.as_secs_f64().max(1e-9)).min(1.0);
        let by_plan = (of_plan, Some(self.start.budget.saturating_sub(spent)));
        if phase == RunPhase::CleaningUp {
            return (1.0, None);
        }
        let (Some(measuring), Some(samples)) = (self.measuring, self.samples.first().filter(|s| !s.is_empty())) else {
            return by_plan;
        };
        let each = measuring.elapsed() / u32::try_from(samples.len()).unwrap_or(1);
        let more = u32::try_from(expected(samples).saturating_sub(samples.len())).unwrap_or(0);
        let left = (each * more).min(self.start.budget.saturating_sub(spent));
        let whole = (spent + left).as_secs_f64().max(1e-9);
        (spent.as_secs_f64() / whole, Some(left))
    }
}

impl RunCx for Cx {
    fn batch(&self) -> &str {
        &self.start.batch
    }

    fn stop(&self) -> &StopFlag {
        &self.start.stop
    }

    fn exec(&self) -> &Arc<dyn Exec> {
        &self.start.env.exec
    }

    fn progress(&mut self, phase: RunPhase, value: Option<f64>, beside: Vec<String>) {
        if phase == RunPhase::Measuring {
            self.measuring.get_or_insert_with(Instant::now);
        }
        let mut shown = self.shown.borrow_mut();
        let changed = shown.phase != phase;
        (shown.phase, shown.value, shown.beside) = (phase, value, beside);
        if changed || shown.at.is_none_or(|at| at.elapsed() >= PACE) {
            self.send(&mut shown);
        }
    }

    fn sample(&mut self, figure: usize, value: f64) -> bool {
        let measuring = *self.measuring.get_or_insert_with(Instant::now);
        let Some(samples) = self.samples.get_mut(figure) else { return false };
        // What is no number (a division of nothing) is no sample.
        if value.is_finite() {
            samples.push(value);
        }
        let each = measuring.elapsed() / u32::try_from(samples.len().max(1)).unwrap_or(1);
        let (enough, late) = (is_enough(samples), self.began.elapsed() + each > self.start.budget);
        if figure == 0 && !enough {
            self.cut_short = match () {
                () if self.start.stop.by_user() => Some("it was stopped"),
                () if late || self.start.stop.is_set() => Some("the time was over"),
                () => None,
            };
        }
        let go_on = !enough && !late;
        let mut shown = self.shown.borrow_mut();
        (shown.phase, shown.value) = (RunPhase::Measuring, None);
        self.send(&mut shown);
        go_on && !self.start.stop.is_set()
    }

    fn will_make(&mut self, scratch: Scratch) -> Result<(), Stop> {
        let mut journal = guard(&self.start.journal);
        // One that was given up makes nothing more: nobody would remove it.
        self.start.stop.check()?;
        journal
            .add(scratch)
            .map_err(|error| Stop::Failed(format!("the journal in {}: {error}", self.start.env.journals.display())))
    }

    fn removed(&mut self, scratch: &Scratch) {
        guard(&self.start.journal).gone(scratch);
    }
}
