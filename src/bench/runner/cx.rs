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

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::AtomicBool,
        mpsc::{Receiver, channel},
    };

    use super::*;
    use crate::{
        clock::Clock,
        sys::{exec::System, root::Root},
    };

    const SECONDS: fn(u64) -> Duration = Duration::from_secs;

    /// A run with 100 seconds that began so many seconds ago, and what it shows.
    fn run(began: u64, user: &Arc<AtomicBool>) -> (Cx, Receiver<RunProgress>, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let journals = folder.path().to_owned();
        let journal = Journal::create(&journals, "b1").expect("a journal");
        let (clock, exec, quiet) = (Clock::start(), Arc::new(System), Duration::ZERO);
        let env = Env { clock, exec, root: Root::default(), locks: Vec::new(), journals, quiet };
        let (sender, shown) = channel();
        let send: Emit = Arc::new(move |event| {
            let RunEvent::Progress(progress) = event else { panic!("{event:?}") };
            let _ = sender.send(progress);
        });
        let start = Start {
            batch: "b1".to_owned(),
            key: BenchKey { bench: "steady".to_owned(), of: "x".to_owned() },
            figures: 2,
            since: clock.now(),
            budget: SECONDS(100),
            stop: StopFlag::new(user.clone()),
            env,
            journal: Arc::new(Mutex::new(journal)),
            send,
        };
        let cx = Cx { began: ago(began), ..Cx::new(start) };
        (cx, shown, folder)
    }

    fn ago(seconds: u64) -> Instant {
        Instant::now().checked_sub(SECONDS(seconds)).expect("the machine runs for longer")
    }

    /// What is near to these values: a test takes time, a second at most on a machine with much to do.
    #[track_caller]
    fn near((done, left): (f64, Option<Duration>), expected: (f64, u64)) {
        let left = left.expect("an estimate").as_secs_f64();
        assert!((done - expected.0).abs() < 0.05, "{done} done, not {}", expected.0);
        assert!((left - expected.1 as f64).abs() < 5.0, "{left} s left, not {}", expected.1);
    }

    #[test]
    fn what_is_left_is_by_the_plan_and_then_by_the_samples() {
        let (mut cx, _shown, _folder) = run(40, &Arc::default());
        near(cx.estimate(RunPhase::WarmingUp), (0.4, 60));
        cx.measuring = Some(ago(20));
        near(cx.estimate(RunPhase::Measuring), (0.4, 60));
        // Two in 20 seconds, and five are the least: 30 seconds more.
        cx.samples[0] = vec![7.0; 2];
        near(cx.estimate(RunPhase::Measuring), (40.0 / 70.0, 30));
        // It takes more than it has: what is left of its time.
        cx.samples[0] = vec![1.0, 9.0, 1.0, 9.0, 1.0, 9.0];
        near(cx.estimate(RunPhase::Measuring), (0.4, 60));
        assert_eq!(cx.estimate(RunPhase::CleaningUp), (1.0, None));
    }

    #[test]
    fn no_sample_begins_that_would_end_too_late() {
        for (measuring, goes_on) in [(30, true), (60, false)] {
            let (mut cx, _shown, _folder) = run(85, &Arc::default());
            cx.measuring = Some(ago(measuring));
            cx.samples[0] = vec![1.0, 9.0];
            // The third: each took a third of the time, 10 or 20 seconds.
            assert_eq!(cx.sample(0, 5.0), goes_on, "{measuring} s for three");
            assert_eq!(cx.cut_short, (!goes_on).then_some("the time was over"));
        }
    }

    #[test]
    fn only_the_first_figure_can_be_cut_short() {
        let (mut cx, _shown, _folder) = run(200, &Arc::default());
        assert!(!cx.sample(1, 5.0), "the time is over");
        assert_eq!(cx.cut_short, None);
        cx.samples[0] = vec![5.0; 4];
        assert!(!cx.sample(0, 5.0));
        assert_eq!(cx.cut_short, None, "five of one value are enough");
        assert!(!cx.sample(2, 5.0), "there is no third figure");
        let user = Arc::new(AtomicBool::new(true));
        let (mut cx, _shown, _folder) = run(1, &user);
        assert!(!cx.sample(0, 5.0));
        assert_eq!(cx.cut_short, Some("it was stopped"));
    }

    #[test]
    fn progress_is_shown_now_and_then_and_a_new_phase_at_once() {
        let (mut cx, shown, _folder) = run(10, &Arc::default());
        let beside = || vec!["beside".to_owned()];
        cx.progress(RunPhase::Measuring, Some(1.0), beside());
        cx.shown.borrow_mut().at = Some(Instant::now() + SECONDS(60));
        cx.progress(RunPhase::Measuring, Some(2.0), beside());
        cx.progress(RunPhase::CleaningUp, None, Vec::new());
        cx.shown.borrow_mut().at = Some(ago(1));
        cx.progress(RunPhase::CleaningUp, Some(4.0), Vec::new());
        let found: Vec<_> = shown.try_iter().map(|one| (one.phase, one.value, one.beside)).collect();
        let expected = [
            (RunPhase::Measuring, Some(1.0), beside()),
            (RunPhase::CleaningUp, None, Vec::new()),
            (RunPhase::CleaningUp, Some(4.0), Vec::new()),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_done_never_becomes_less() {
        let (mut cx, shown, _folder) = run(50, &Arc::default());
        cx.show(RunPhase::WarmingUp);
        cx.began = Instant::now();
        cx.show(RunPhase::WarmingUp);
        let done: Vec<f64> = shown.try_iter().map(|one| one.done).collect();
        assert!(done[0] > 0.45 && done[1] == done[0], "{done:?}");
    }

    #[test]
    fn the_median_is_shown_where_there_is_no_newer_value() {
        let (mut cx, shown, _folder) = run(1, &Arc::default());
        for value in [1.0, 9.0, f64::NAN, 4.0] {
            cx.sample(0, value);
        }
        let last = shown.try_iter().last().expect("shown");
        assert_eq!((last.value, last.samples), (Some(4.0), vec![1.0, 9.0, 4.0]), "what is no number is no sample");
    }
}
