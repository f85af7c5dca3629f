//! A runner for tests of benchmarks: it keeps what it is given and ends after so many samples.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{
    contract::RunCx,
    scratch::Scratch,
    stop::{Stop, StopFlag},
};
use crate::{
    model::bench::RunPhase,
    sys::exec::{Exec, System},
};

/// What a benchmark handed in.
pub struct TestCx {
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
    /// What is in the journal.
    pub made: Vec<Scratch>,
}

impl TestCx {
    pub fn new(figures: usize, enough: usize) -> Self {
        let user = Arc::new(AtomicBool::new(false));
        let (samples, stop) = (vec![Vec::new(); figures], StopFlag::new(user.clone()));
        let exec = Arc::new(System);
        TestCx { user, stop, exec, enough, stop_in: None, samples, phases: Vec::new(), made: Vec::new() }
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

    fn progress(&mut self, phase: RunPhase, _value: Option<f64>, _beside: Vec<String>) {
        if self.stop_in == Some(phase) {
            self.user.store(true, Ordering::Release);
        }
        if self.phases.last() != Some(&phase) {
            self.phases.push(phase);
        }
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
