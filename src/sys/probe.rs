//! One probe of one service, on the caller's thread: a fresh resolve and a fresh connection each time, a deadline for all
//! of it, and a second attempt before a failure counts. What is probed is not trusted: heads and bodies have caps.

mod certificate;
mod connect;
mod headers;
mod http;
mod open;
mod ping;
mod resolve;
mod send;
mod tls;
mod trouble;

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

pub use send::{Parcel, Receipt, send};
use tokio::{
    runtime::{Builder, Runtime},
    time::{MissedTickBehavior, interval},
};

pub use self::open::{Opener, Stream};
use self::{http::Step, ping::Ways, tls::Trust, trouble::Trouble};
use crate::{
    clock::Stamp,
    model::service::{
        round::{Cause, Found, Outcome, Phase, Round},
        target::{Scheme, ServiceTarget, ServiceUrl},
    },
    sys::descriptors,
};

/// Between an attempt that failed and the second one: this much, and up to as much again, so that services that fail
/// together are not asked together.
const PAUSE: Duration = Duration::from_secs(1);
/// Our own timer is looked at this often.
const TICK: Duration = Duration::from_millis(50);
/// A timer that is later than this means that this program got no CPU time: it cannot judge others.
const STARVED: Duration = Duration::from_millis(100);
/// Redirects that are followed.
const REDIRECTS: u8 = 5;

/// What a probe is doing, for whoever waits for it.
#[derive(Debug, Clone, Default)]
pub struct Stage(Arc<AtomicBool>);

impl Stage {
    /// It waits for the name to be resolved, which no deadline can end.
    #[must_use]
    pub fn is_resolving(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, resolving: bool) {
        self.0.store(resolving, Ordering::Relaxed);
    }
}

/// Probes one target, again and again.
pub struct Prober {
    target: Arc<ServiceTarget>,
    stage: Stage,
    trust: Trust,
    ways: Ways,
    number: u64,
    pause: Duration,
    /// Our own timer may be later than this.
    starved: Duration,
}

/// What came of one attempt.
struct Attempt {
    found: Found,
    result: Result<f64, Trouble>,
    /// By how much our own timer was late at worst.
    late: Duration,
}

impl Prober {
    #[must_use]
    pub fn new(target: Arc<ServiceTarget>, stage: Stage) -> Self {
        let trust = Trust::new(target.ca_file.clone());
        Prober { target, stage, trust, ways: Ways::default(), number: 0, pause: PAUSE, starved: STARVED }
    }

    /// One round, which begins at `began`.
    pub fn round(&mut self, began: Stamp) -> Round {
        let clock = Instant::now();
        self.number += 1;
        let mut attempt = self.attempt();
        let mut retried = None;
        if let Err(trouble) = &attempt.result
            && trouble.may_pass()
        {
            retried = Some(trouble.words().to_owned());
            thread::sleep(self.pause + self.pause.mul_f64(spread(&self.target.name, self.number)));
            attempt = self.attempt();
        }
        let outcome = judged(attempt.result, (attempt.late, self.starved));
        let retried = retried.filter(|_| matches!(outcome, Outcome::Up { .. }));
        Round { number: self.number, began, ended: began.plus(clock.elapsed()), outcome, retried, found: attempt.found }
    }

    fn attempt(&mut self) -> Attempt {
        let mut found = Found::default();
        let mut late = Duration::ZERO;
        // Made for each round: between two rounds none of hundreds of services keeps descriptors.
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return Attempt { found, result: Err(Trouble::setup(descriptors::words(&error))), late },
        };
        let mut watch = Watch { runtime: &runtime, late: &mut late };
        let end = Instant::now() + self.target.timeout;
        let url = &self.target.url;
        let result = match url.scheme() {
            Scheme::Http | Scheme::Https => {
                pages(&self.target, &mut self.trust, &self.stage, &mut watch, &mut found, end)
            }
            Scheme::Tcp => look_up(url, &self.stage, &mut found).and_then(|addresses| {
                watch.run(connect::to(&addresses, end, &mut found)).map(|_| found.phases.total())
            }),
            Scheme::Ping => look_up(url, &self.stage, &mut found)
                .and_then(|addresses| watch.run(self.ways.ping(addresses[0].ip(), end, &mut found))),
        };
        Attempt { found, result, late }
    }
}

/// The addresses of a host, never none, and how long finding them took.
fn look_up(url: &ServiceUrl, stage: &Stage, found: &mut Found) -> Result<Vec<std::net::SocketAddr>, Trouble> {
    let began = Instant::now();
    stage.set(true);
    let addresses = resolve::resolve(&url.host(), url.port());
    stage.set(false);
    if !resolve::is_literal(&url.host()) {
        found.phases.add(Phase::Resolve, began.elapsed().as_secs_f64());
    }
    let addresses = addresses?;
    (found.address, found.local) = (Some(addresses[0].ip()), resolve::local_end(addresses[0]));
    Ok(addresses)
}

/// A page, and those that it redirects to; gives the seconds of all phases.
fn pages(
    target: &ServiceTarget,
    trust: &mut Trust,
    stage: &Stage,
    watch: &mut Watch<'_>,
    found: &mut Found,
    end: Instant,
) -> Result<f64, Trouble> {
    let headers = target.headers_file.as_deref().map(headers::read).transpose()?.unwrap_or_default();
    let mut url = target.url.clone();
    let mut here = None;
    loop {
        let addresses = look_up(&url, stage, found)?;
        // A page elsewhere has no business with what listens on this machine alone.
        let loopback = addresses.iter().any(|address| address.ip().is_loopback());
        if *here.get_or_insert(loopback) != loopback && loopback {
            return Err(Trouble::wrong(format!("it redirects to {url}, which is this host")));
        }
        if Instant::now() >= end {
            let took = found.phases.get(Phase::Resolve).unwrap_or_default();
            return Err(Trouble::dns(format!("resolving {} took {took:.1} s", url.host())));
        }
        let same = url.is_origin_of(&target.url);
        let headers = if same { headers.as_slice() } else { &[] };
        let step = watch.run(http::page(target, &url, headers, &addresses, trust, end, found))?;
        let Step::Redirect(location) = step else { return Ok(found.phases.total()) };
        let next = url.join(&location).map_err(|error| Trouble::wrong(format!("its redirect {error}")))?;
        if next == url {
            return Err(Trouble::wrong(format!("{url} redirects to itself")));
        }
        if found.redirects == REDIRECTS {
            return Err(Trouble::wrong(format!("it redirects more than {REDIRECTS} times, at last to {next}")));
        }
        found.redirects += 1;
        url = next;
    }
}

/// Runs what waits, and watches our own timer meanwhile.
struct Watch<'a> {
    runtime: &'a Runtime,
    late: &'a mut Duration,
}

impl Watch<'_> {
    fn run<T>(&mut self, work: impl Future<Output = T>) -> T {
        let late = &mut *self.late;
        self.runtime.block_on(async {
            let mut work = std::pin::pin!(work);
            let mut ticks = interval(TICK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    // The timer first: it is late whenever the deadline of the work is.
                    biased;
                    due = ticks.tick() => *late = (*late).max(due.elapsed()),
                    done = &mut work => return done,
                }
            }
        })
    }
}

/// What an attempt says of the service, if our own timer was late by so much, of what it may be.
fn judged(result: Result<f64, Trouble>, (late, most): (Duration, Duration)) -> Outcome {
    let starved = late > most;
    match result {
        Ok(seconds) => Outcome::Up { seconds: (!starved).then_some(seconds) },
        Err(trouble) if starved && trouble.is_of_time() => Outcome::Unjudged {
            cause: Cause::Starved,
            words: format!("this host has no CPU time to spare: benchtop woke {} ms late", late.as_millis()),
        },
        Err(trouble) => trouble.outcome(),
    }
}

/// From 0 to 1, by name and round.
fn spread(name: &str, number: u64) -> f64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (name, number).hash(&mut hasher);
    (hasher.finish() % 1000) as f64 / 1000.0
}

#[cfg(test)]
mod tests;
