//! Services: each target has a prober on a thread of its own, at its own pace, so that one that hangs delays no other.
//! What this host itself did meanwhile (it slept, say) is taken out of what a round says.

use std::{sync::Arc, time::Duration};

use rustix::time::{ClockId, clock_gettime};

use super::{
    CollectCx, Collector, OpenCx,
    worker::{Setup, Work, Worker},
};
use crate::{
    clock::Stamp,
    model::{
        event::Sample,
        fault::Fault,
        service::{
            Probe, Probed, ServiceSample,
            round::{Cause, Outcome, Round},
            target::ServiceTarget,
        },
    },
    sys::probe::{Prober, Stage},
    units::{span, span_short},
};

/// The handshake of TLS needs some.
const STACK: usize = 1 << 20;
/// A round has two attempts with at most two seconds between them; what takes longer by this hangs.
const BETWEEN: Duration = Duration::from_secs(4);
/// Failures so soon after the host woke up are its own: its network is not up again.
const GRACE: Duration = Duration::from_secs(60);
/// The clocks drift apart by less than this unless the host slept.
const SLEPT: Duration = Duration::from_secs(1);
/// The first rounds are waited for at this pace.
const SOON: Duration = Duration::from_millis(50);
const SECOND: Duration = Duration::from_secs(1);
/// Between two probes there is nothing to read. Each reading also looks whether the host slept, so it is not left for long.
const REST: Duration = Duration::from_secs(10);

/// Makes the work of one target's thread.
type Make = fn(&Arc<ServiceTarget>, Stage) -> Work<(), Round>;

/// # Errors
/// None: a machine without a `[[service]]` has an empty list.
pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    Ok(Box::new(Services::new(cx.settings.services.clone(), rounds)))
}

/// Rounds of one target, each excused where this host slept through a part of it.
fn rounds(target: &Arc<ServiceTarget>, stage: Stage) -> Work<(), Round> {
    let mut prober = Prober::new(target.clone(), stage);
    Box::new(move |(), at| {
        let before = asleep();
        let mut round = prober.round(at);
        let slept = asleep().saturating_sub(before);
        if slept >= SLEPT {
            excuse(&mut round, &format!("this host was suspended for {}", span(slept)));
        }
        round
    })
}

/// How long this host slept since it was booted.
fn asleep() -> Duration {
    let [boot, awake] = [ClockId::Boottime, ClockId::Monotonic].map(clock_gettime);
    let nanoseconds = |time: rustix::time::Timespec| i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec);
    let apart = nanoseconds(boot) - nanoseconds(awake);
    Duration::from_nanos(u64::try_from(apart).unwrap_or(0))
}

/// What a round says while this host slept or woke up: an answer counts, without its time; a failure does not.
fn excuse(round: &mut Round, why: &str) {
    round.outcome = match &round.outcome {
        Outcome::Up { .. } => Outcome::Up { seconds: None },
        Outcome::Down(failure) => {
            Outcome::Unjudged { cause: Cause::Suspended, words: format!("{}; {why}", failure.words) }
        }
        Outcome::Unjudged { cause, words } => Outcome::Unjudged { cause: *cause, words: words.clone() },
    };
}

struct Services {
    make: Make,
    targets: Vec<Target>,
    /// Those that were added since the start.
    added: Arc<[ServiceTarget]>,
    slept: Duration,
    woke: Option<Stamp>,
    next: Option<Duration>,
}

struct Target {
    target: Arc<ServiceTarget>,
    probe: Arc<Probe>,
    worker: Worker<(), Round>,
    stage: Stage,
    /// From the screen, since the start.
    added: bool,
    due: Option<Stamp>,
    round: Option<Arc<Round>>,
    broken: Option<String>,
}

impl Services {
    fn new(targets: Vec<ServiceTarget>, make: Make) -> Self {
        let targets = targets.into_iter().map(|target| Target::new(target, make)).collect();
        Services { make, targets, added: Arc::default(), slept: asleep(), woke: None, next: None }
    }

    /// Takes up services that were added from the screen.
    fn add(&mut self, added: &Arc<[ServiceTarget]>) {
        if self.added == *added {
            return;
        }
        self.added = added.clone();
        self.targets.retain(|known| !known.added || added.iter().any(|other| other.name == known.target.name));
        for target in added.iter() {
            if !self.targets.iter().any(|known| known.target.name == target.name) {
                self.targets.push(Target { added: true, ..Target::new(target.clone(), self.make) });
            }
        }
    }

    /// Notes that this host slept since the last reading.
    fn look_at_clocks(&mut self, asleep: Duration, at: Stamp) {
        if asleep.saturating_sub(self.slept) >= SLEPT {
            self.woke = Some(at);
        }
        self.slept = asleep;
    }
}

impl Collector for Services {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        self.add(&cx.want.services);
        self.look_at_clocks(asleep(), cx.at);
        let awake = self.woke.map(|woke| cx.at.since(woke)).filter(|awake| *awake < GRACE);
        for target in &mut self.targets {
            target.advance(cx.at, awake);
        }
        self.next = self.targets.iter().filter_map(|target| target.next(cx.at)).min();
        Ok(Sample::Services(ServiceSample {
            services: self.targets.iter().map(|target| target.probed(cx.at)).collect(),
        }))
    }

    fn hurry(&self) -> Option<Duration> {
        self.next
    }

    fn rest(&self) -> Option<Duration> {
        Some(self.next.map_or(REST, |next| next.min(REST)))
    }
}

impl Target {
    fn new(target: ServiceTarget, make: Make) -> Self {
        let target = Arc::new(target);
        let stage = Stage::default();
        let setup = Setup { name: "probe", stack: STACK, patience: target.timeout * 2 + BETWEEN };
        let worker = Worker::new(setup, {
            let (target, stage) = (target.clone(), stage.clone());
            move || make(&target, stage.clone())
        });
        let probe = Arc::new(Probe::of(&target));
        Target { target, probe, worker, stage, added: false, due: None, round: None, broken: None }
    }

    /// Takes the round that has ended, and begins the next when it is due.
    fn advance(&mut self, at: Stamp, awake: Option<Duration>) {
        if let Some(reply) = self.worker.poll(Duration::ZERO) {
            match reply.outcome {
                Ok(mut round) => {
                    if let Some(awake) = awake {
                        excuse(&mut round, &format!("this host woke up {} ago", span_short(awake)));
                    }
                    (self.round, self.broken) = (Some(Arc::new(round)), None);
                }
                Err(fault) => self.broken = Some(words(&fault)),
            }
        }
        let every = self.target.every;
        if self.target.pause || !self.worker.is_idle() || self.due.is_some_and(|due| due > at) {
            return;
        }
        match self.worker.ask((), at) {
            Ok(_) => {}
            Err(fault) => self.broken = Some(words(&fault)),
        }
        // Rounds keep their pace whatever a reading is late; what was missed is not made up for.
        let next = self.due.map_or_else(|| at.plus(self.offset()), |due| due.plus(every));
        self.due = Some(if next > at { next } else { at.plus(every) });
    }

    /// Services with one pace are not all asked at once: the second round of each comes by its name.
    fn offset(&self) -> Duration {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.target.name.hash(&mut hasher);
        let share = (hasher.finish() % 1000) as f64 / 1000.0;
        self.target.every.mul_f64(0.5 + share / 2.0)
    }

    /// When there may be news of it.
    fn next(&self, at: Stamp) -> Option<Duration> {
        match () {
            () if self.target.pause => None,
            () if self.round.is_none() && self.worker.late(at).is_none() => Some(SOON),
            () if !self.worker.is_idle() => Some(SECOND),
            () => Some(self.due?.since(at).max(SOON)),
        }
    }

    fn probed(&self, at: Stamp) -> Probed {
        let hangs = || {
            self.worker.late(at)?;
            let host = self.target.url.host();
            Some(match self.stage.is_resolving() {
                true => (Cause::Dns, format!("{host} is still being resolved")),
                false => (Cause::Starved, "the probe does not end".to_owned()),
            })
        };
        let stuck = self.broken.clone().map(|words| (Cause::Setup, words)).or_else(hangs);
        Probed { probe: self.probe.clone(), round: self.round.clone(), stuck }
    }
}

fn words(fault: &Fault) -> String {
    match fault {
        Fault::Broken(what) | Fault::Absent(what) | Fault::Denied { what, .. } => what.clone(),
        Fault::Timeout => "no answer".to_owned(),
    }
}

#[cfg(test)]
mod tests;
