//! What a benchmark is: what it can measure, what it will do for that, and what the runner does for it meanwhile.

use std::{sync::Arc, time::Instant};

use jiff::Timestamp;

use super::{
    scratch::Scratch,
    stop::{Stop, StopFlag},
};
use crate::{
    config::Settings,
    model::{
        bench::{Group, Offer, Plan, RunPhase},
        run::{Better, Fingerprint},
        unit::Unit,
    },
    state::State,
    sys::{exec::Exec, root::Root},
};

/// One row of TABLE BENCHES.
pub struct BenchDef {
    /// As the command line spells it: `container-start`.
    pub id: &'static str,
    pub group: Group,
    /// One sentence: what it measures, as help shows it.
    pub doc: &'static str,
    /// What it measures together; the first is the one that it is about.
    pub figures: &'static [FigureDef],
    pub bench: &'static dyn Benchmark,
}

/// One figure that a benchmark measures.
#[derive(Debug, Clone, Copy)]
pub struct FigureDef {
    /// As stored and in JSON: `container_start_seconds`.
    pub id: &'static str,
    /// As the panel shows it: `start`.
    pub title: &'static str,
    pub unit: Unit,
    pub better: Better,
}

/// What a benchmark can look at to say what it can measure: settings, the state of the machine, its files and tools.
/// On a thread of its own: it may read files, but asks nothing that may hang without a deadline.
pub struct Survey<'a> {
    pub settings: &'a Settings,
    pub state: &'a State,
    pub root: &'a Root,
    pub exec: &'a Arc<dyn Exec>,
}

/// What a benchmark does.
pub trait Benchmark: Sync {
    /// What it can be run on here, or the one line that says why it cannot. Touches nothing but what it reads.
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer>;

    /// What it will do on `of`, in exact words for the user's yes, and as work that does just that.
    ///
    /// # Errors
    /// Why it cannot be run on that, and the cure.
    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String>;
}

/// A planned benchmark.
pub trait Work: Send {
    /// Measures, once; a suite may call it several times. Samples are handed to `cx` as they come; it says when there
    /// are enough.
    ///
    /// # Errors
    /// [`Stop::Cancelled`] within a second after `cx` is stopped.
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop>;
}

/// What the runner does for a benchmark under way.
pub trait RunCx {
    /// The id of the suite: part of the name of all that is made for it, and the value of `bench::LABEL`.
    fn batch(&self) -> &str;

    /// What says that the user or a deadline stops it; can be given to other threads.
    fn stop(&self) -> &StopFlag;

    /// What starts child processes.
    fn exec(&self) -> &Arc<dyn Exec>;

    /// The moment now, of what is timed here: the clock of a test is its own.
    fn now(&self) -> Instant {
        Instant::now()
    }

    /// The same on the clock of an engine on this machine.
    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Shows where it stands; `value` is that of the first figure in its base unit, of the sample under way.
    fn progress(&mut self, phase: RunPhase, value: Option<f64>, beside: Vec<String>);

    /// Hands in one sample of the figure of that index; false when there are enough of this figure, or when time is up.
    /// Of figures that are measured together, follow the first. Warm-up rounds are not handed in.
    fn sample(&mut self, figure: usize, value: f64) -> bool;

    /// Writes into the journal, before it is made, what is about to be made: removed when the run ends, however it
    /// ends, and after a kill -9 at the next start.
    ///
    /// # Errors
    /// When the journal cannot be written: then nothing may be made.
    fn will_make(&mut self, scratch: Scratch) -> Result<(), Stop>;

    /// Removed already by the benchmark itself.
    fn removed(&mut self, scratch: &Scratch);
}

/// What was measured beside the samples.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured {
    /// Of the tool and the method; the runner adds those of the plan and of the machine.
    pub fingerprint: Fingerprint,
    pub notes: Vec<String>,
}
