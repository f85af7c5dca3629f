//! What a source is: how it is opened, read, paced and run. The table of all of them is in `collect/mod.rs`.

use std::time::Duration;

use crate::{
    clock::{Clock, Stamp},
    interest::Interest,
    model::{
        engine_address::EngineAddress,
        event::Sample,
        fault::Fault,
        model_server::{ModelServerTarget, ProbeSettings},
        service::target::ServiceTarget,
        source::SourceId,
    },
    sys::root::Root,
};

pub use crate::sys::THREAD_PREFIX;

/// What a source may know when it is opened.
#[derive(Clone)]
pub struct OpenCx {
    /// The machine that is read.
    pub root: Root,
    /// The clock of the run.
    pub clock: Clock,
    /// What the user set.
    pub settings: SourceSettings,
}

impl OpenCx {
    /// For the machine below `root`, with what is built in.
    #[must_use]
    pub fn of(root: Root) -> Self {
        OpenCx { root, clock: Clock::start(), settings: SourceSettings::default() }
    }
}

/// Settings that sources read. A new one is a field here; who opens a source without a user needs no change.
#[derive(Debug, Clone, Default)]
pub struct SourceSettings {
    /// Read every process in every round.
    pub read_all: bool,
    /// Addresses of engines beside those that are found.
    pub engines: Vec<EngineAddress>,
    /// What is probed.
    pub services: Vec<ServiceTarget>,
    /// Model servers that the user names.
    pub model_servers: Vec<ModelServerTarget>,
    /// The optional probe of models.
    pub model_probe: ProbeSettings,
}

/// What a source may know at each reading.
pub struct CollectCx<'a> {
    /// Now.
    pub at: Stamp,
    /// What the readers need at present.
    pub want: &'a Interest,
    /// A source that sends differences sends all that it knows.
    pub keyframe: bool,
}

impl<'a> CollectCx<'a> {
    /// An ordinary reading.
    #[must_use]
    pub fn new(at: Stamp, want: &'a Interest) -> Self {
        CollectCx { at, want, keyframe: false }
    }
}

/// One source running. It sends raw counters; rates are the fold's.
pub trait Collector: Send {
    /// Takes one reading.
    ///
    /// # Errors
    /// A [`Fault`] that says what is missing, refused or wrong.
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault>;

    /// How soon the next reading should come when sooner than the pace; `None` keeps the pace.
    fn hurry(&self) -> Option<Duration> {
        None
    }

    /// How much later than the pace the next reading may come, as nothing moves by itself; `None` keeps the pace.
    fn rest(&self) -> Option<Duration> {
        None
    }

    /// While it rests: something happened that makes it due now. Whoever makes it so unparks the lane's thread.
    fn is_called(&self) -> bool {
        false
    }
}

/// How often a source is read.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// At each refresh.
    Refresh,
    /// At each refresh, but not sooner than this.
    AtLeast(Duration),
    /// Only while wanted, then at each refresh.
    Wanted(fn(&Interest) -> bool),
}

impl Pace {
    /// False for what nobody asks for with this interest.
    #[must_use]
    pub fn is_wanted(self, want: &Interest) -> bool {
        match self {
            Pace::Wanted(wanted) => wanted(want),
            Pace::Refresh | Pace::AtLeast(_) => true,
        }
    }
}

/// The thread that reads a source, by name: a source that may hang has one of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(pub &'static str);

impl Lane {
    /// Shared by all that cannot hang.
    pub const KERNEL: Lane = Lane("kernel");
    /// Names of users, among others.
    pub const FACTS: Lane = Lane("facts");
    /// The only one whose readings others wait for.
    pub const PROCESSES: Lane = Lane("processes");
    /// Rests until the next probe is due, but takes up what is added from the screen at once.
    pub const SERVICES: Lane = Lane("services");
}

/// One source.
pub struct SourceDef {
    pub id: SourceId,
    /// What it reads, for `doctor`.
    pub reads: &'static str,
    /// Its thread.
    pub lane: Lane,
    /// Its pace.
    pub pace: Pace,
    /// A reading that takes longer is reported as `Timeout`.
    pub deadline: Duration,
    /// Opens it. Cheap, no reading.
    pub open: Open,
}

/// How a source is opened.
pub type Open = fn(&OpenCx) -> Result<Box<dyn Collector>, Fault>;
