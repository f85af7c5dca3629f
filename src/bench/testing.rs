//! A runner for tests of benchmarks: it keeps what it is given and ends after so many samples.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{
    contract::RunCx,
    scratch::Scratch,
    stop::{Stop, StopFlag},
};
use crate::{
    model::bench::RunPhase,
    sys::exec::{Exec, System},
};

/// A clock that only moves by what is said to take time.
#[derive(Debug)]
pub struct FakeClock {
    began: Instant,
    spent_us: AtomicU64,
}

impl FakeClock {
    pub fn new() -> Arc<Self> {
        Arc::new(FakeClock { began: Instant::now(), spent_us: AtomicU64::new(0) })
    }

    pub fn spend(&self, span: Duration) {
        self.spent_us.fetch_add(u64::try_from(span.as_micros()).expect("a short span"), Ordering::SeqCst);
    }

    fn spent(&self) -> Duration {
        Duration::from_micros(self.spent_us.load(Ordering::SeqCst))
    }

    pub fn wall(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + self.spent()
    }
}

/// What a benchmark handed in.
pub struct TestCx {
    /// Of the engine that it measures.
    pub clock: Option<Arc<FakeClock>>,
    user: Arc<AtomicBool>,
    stop: StopFlag,
    pub exec: Arc<dyn Exec>,
    /// Samples of the first figure that are enough.
    pub enough: usize,
    /// It is stopped by the user when this phase is shown.
    pub stop_in: Option<RunPhase>,
    /// By figure.
    pub samples: Vec<Vec<f64>>,
    pub phases: Vec<RunPhase>,
    /// The value and what was beside it, each time that something was shown.
    pub shown: Vec<(Option<f64>, Vec<String>)>,
    /// What is in the journal.
    pub made: Vec<Scratch>,
}

impl TestCx {
    pub fn new(figures: usize, enough: usize) -> Self {
        let user = Arc::new(AtomicBool::new(false));
        let (samples, stop) = (vec![Vec::new(); figures], StopFlag::new(user.clone()));
        let exec = Arc::new(System);
        TestCx {
            clock: None,
            user,
            stop,
            exec,
            enough,
            stop_in: None,
            samples,
            phases: Vec::new(),
            shown: Vec::new(),
            made: Vec::new(),
        }
    }
}

impl RunCx for TestCx {
    fn batch(&self) -> &str {
        "test"
    }

    fn stop(&self) -> &StopFlag {
        &self.stop
    }

    fn exec(&self) -> &Arc<dyn Exec> {
        &self.exec
    }

    fn now(&self) -> Instant {
        self.clock.as_ref().map_or_else(Instant::now, |clock| clock.began + clock.spent())
    }

    fn wall(&self) -> Timestamp {
        self.clock.as_ref().map_or_else(Timestamp::now, |clock| clock.wall())
    }

    fn progress(&mut self, phase: RunPhase, value: Option<f64>, beside: Vec<String>) {
        if self.stop_in == Some(phase) {
            self.user.store(true, Ordering::Release);
        }
        if self.phases.last() != Some(&phase) {
            self.phases.push(phase);
        }
        self.shown.push((value, beside));
    }

    fn sample(&mut self, figure: usize, value: f64) -> bool {
        self.samples[figure].push(value);
        self.samples[0].len() < self.enough
    }

    fn will_make(&mut self, scratch: Scratch) -> Result<(), Stop> {
        self.made.push(scratch);
        Ok(())
    }

    fn removed(&mut self, scratch: &Scratch) {
        self.made.retain(|made| made != scratch);
    }
}
