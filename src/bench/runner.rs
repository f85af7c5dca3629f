//! Carries out a suite on a thread of its own: one at a time on the machine, each benchmark with a deadline, a panic no
//! more than a failure, and all that was made for it removed at the end, however it ends. A benchmark that does not
//! stop when asked to (it hangs in the kernel) is given up with its thread.

mod cx;

use std::{
    any::Any,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use self::cx::Cx;
use super::{
    contract::{Measured, Work},
    env::{Emit, Env, guard},
    lock::Lock,
    others,
    scratch::{Journal, Left, clean_up},
    stop::{Stop, StopFlag},
    suite::{Part, Suite},
};
use crate::{
    analysis::stats::SAMPLES_LEAST,
    clock::Stamp,
    model::{
        bench::RunPhase,
        figure::{BUSY, Fingerprint},
        run::{Run, RunEvent, STOPPED},
    },
    units::span,
};

/// One that does not end so long after it was stopped is given up.
const PATIENCE: Duration = Duration::from_secs(5);
/// What a benchmark may take beyond its plan before it is stopped: slow cleaning, a slow start.
const SLACK: Duration = Duration::from_secs(30);
/// Between two looks at the flag while a benchmark works.
const LOOK: Duration = Duration::from_millis(100);

/// A suite under way. Dropping it stops nothing.
pub struct Handle {
    user: Arc<AtomicBool>,
    thread: thread::JoinHandle<()>,
}

impl Handle {
    /// Has it stop within a second, and clean up.
    pub fn stop(&self) {
        self.user.store(true, Ordering::Release);
    }

    /// It has ended, and its last event was sent.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.thread.is_finished()
    }
}

/// Starts the suite; everything else comes as events, the last of which is [`RunEvent::Ended`].
///
/// # Errors
/// When there is no thread for it.
pub fn start(suite: Suite, env: Env, send: Emit) -> io::Result<Handle> {
    let user = Arc::new(AtomicBool::new(false));
    let stop = StopFlag::new(user.clone());
    let thread = thread::Builder::new().name("bt-bench".to_owned()).spawn(move || {
        let (stopped, report) = run(suite, &env, &stop, &send);
        send(RunEvent::Ended { at: env.clock.now(), stopped, report });
    })?;
    Ok(Handle { user, thread })
}

/// The whole of it: whether it was stopped, and how it went in one line.
fn run(suite: Suite, env: &Env, stop: &StopFlag, send: &Emit) -> (bool, String) {
    let began = Instant::now();
    let refused = |why: String| (false, format!("nothing was run: {why}"));
    let _lock = match Lock::take(&env.locks, &env.root) {
        Ok(lock) => lock,
        Err(error) => return refused(error.to_string()),
    };
    // What a killed run left might be in the way of this one.
    let _ = clean_up(&env.journals, &env.exec);
    let journal = match Journal::create(&env.journals, &suite.plan.id) {
        Ok(journal) => journal,
        Err(error) => return refused(format!("the journal in {}: {error}", env.journals.display())),
    };
    let journal = Arc::new(Mutex::new(journal));
    let queue = suite.parts.iter().map(|part| part.key.clone()).collect();
    send(RunEvent::Began { at: env.clock.now(), batch: suite.plan.id.clone(), queue });
    let mut tally = Tally::default();
    for part in suite.parts {
        if stop.by_user() || tally.gave_up {
            break;
        }
        one(part, &suite.plan.id, &suite.fingerprint, env, stop, &journal, send, &mut tally);
    }
    let left = guard(&journal).clean(&env.exec);
    (stop.by_user(), tally.report(stop.by_user(), began.elapsed(), &left))
}

/// How the benchmarks of a suite went.
#[derive(Default)]
struct Tally {
    measured: usize,
    failed: usize,
    /// One hangs: nothing can be measured beside it.
    gave_up: bool,
    /// Figures so far: their ids.
    runs: usize,
}

impl Tally {
    fn report(&self, stopped: bool, took: Duration, left: &[Left]) -> String {
        let mut words = format!("{} measured", self.measured);
        if self.failed > 0 {
            words += &format!(", {} failed", self.failed);
        }
        words = if stopped { format!("stopped, {words}") } else { format!("{words} in {}", span(took)) };
        // One reason is most often that of all.
        if let Some(Left { what, why }) = left.first() {
            let more = if left.len() > 1 { format!(" and {} more are", left.len() - 1) } else { " is".to_owned() };
            words += &format!("; {what}{more} left ({why}): the next start removes what it can");
        }
        words
    }
}

/// One benchmark, from its first event to its last.
#[expect(clippy::too_many_arguments, reason = "a suite's whole surroundings, for one caller")]
fn one(
    part: Part,
    batch: &str,
    machine: &Fingerprint,
    env: &Env,
    stop: &StopFlag,
    journal: &Arc<Mutex<Journal>>,
    send: &Emit,
    tally: &mut Tally,
) {
    let Part { key, figures, plan, work } = part;
    let (since, began) = (env.clock.now(), Instant::now());
    let stop = stop.until(began + plan.time.mul_f64(1.5) + SLACK);
    let cx = Cx::new(cx::Start {
        batch: batch.to_owned(),
        key: key.clone(),
        figures: figures.len(),
        since,
        budget: plan.time,
        stop: stop.clone(),
        env: env.clone(),
        journal: journal.clone(),
        send: send.clone(),
    });
    cx.show(RunPhase::Preparing);
    let busy = others::share(&env.root, env.quiet, &stop);
    let ended = supervise(work, cx, &stop);
    let failed = |why: String| RunEvent::Failed { at: env.clock.now(), key: key.clone(), why };
    let event = match ended {
        Err(why) => {
            tally.gave_up = true;
            failed(why)
        }
        Ok((cx, outcome)) => {
            cx.show(RunPhase::CleaningUp);
            // What is left is said at the end.
            let _ = guard(journal).clean(&env.exec);
            match outcome {
                Ok(measured) if cx.samples.iter().all(Vec::is_empty) => {
                    let why = measured.notes.first().cloned();
                    failed(why.unwrap_or_else(|| "not a single sample could be taken in its time".to_owned()))
                }
                Ok(measured) => {
                    let fingerprint = [machine.clone(), plan.fingerprint, measured.fingerprint];
                    let busy = busy.ok().flatten().map(|share| (BUSY.to_owned(), share));
                    let fingerprint: Fingerprint = fingerprint.into_iter().flatten().chain(busy).collect();
                    let cut_short = cx.cut_short;
                    let mut runs = Vec::new();
                    for (def, samples) in figures.iter().zip(cx.samples).filter(|(_, samples)| !samples.is_empty()) {
                        tally.runs += 1;
                        let mut notes = measured.notes.clone();
                        // Others may have one for each run: the first of a kind, the highest.
                        if let Some(why) = cut_short
                            && def.id == figures[0].id
                            && samples.len() < SAMPLES_LEAST
                        {
                            notes.push(format!("only {} of {SAMPLES_LEAST} samples: {why}", samples.len()));
                        }
                        runs.push(Run {
                            id: format!("{batch}-{}", tally.runs),
                            batch: batch.to_owned(),
                            benchmark: def.id.to_owned(),
                            of: key.of.clone(),
                            unit: def.unit,
                            better: def.better,
                            at_unix_ms: since.unix_ms,
                            took: began.elapsed(),
                            samples,
                            fingerprint: fingerprint.clone(),
                            notes,
                        });
                    }
                    RunEvent::Measured { at: env.clock.now(), key: key.clone(), runs }
                }
                Err(Stop::Cancelled) if stop.by_user() => failed(STOPPED.to_owned()),
                Err(Stop::Cancelled) => failed(format!(
                    "it took longer than {} and was stopped: is the machine busy?",
                    span(plan.time.mul_f64(1.5) + SLACK)
                )),
                Err(Stop::Failed(why)) => failed(why),
            }
        }
    };
    match &event {
        RunEvent::Measured { .. } => tally.measured += 1,
        _ if stop.by_user() => {}
        _ => tally.failed += 1,
    }
    send(event);
}

type Outcome = (Cx, Result<Measured, Stop>);

/// Runs the work on a thread and waits for its end; why it was given up otherwise.
fn supervise(mut work: Box<dyn Work>, mut cx: Cx, stop: &StopFlag) -> Result<Outcome, String> {
    let (done, ended) = channel::<Outcome>();
    let running = move |done: &Sender<Outcome>| {
        let outcome = catch_unwind(AssertUnwindSafe(|| work.run(&mut cx)));
        let outcome = outcome.unwrap_or_else(|panic| {
            Err(Stop::Failed(format!("it failed inside benchtop ({}): --log says where", words(&*panic))))
        });
        // Nobody waits any more where it was given up.
        let _ = done.send((cx, outcome));
    };
    let spawned = thread::Builder::new().name("bt-bench-work".to_owned()).spawn(move || running(&done));
    spawned.map_err(|error| format!("there is no thread for it: {error} (`ulimit -u`?)"))?;
    let mut stopped: Option<Instant> = None;
    loop {
        match ended.recv_timeout(LOOK) {
            Ok(outcome) => return Ok(outcome),
            Err(RecvTimeoutError::Disconnected) => return Err("its thread ended without a result".to_owned()),
            Err(RecvTimeoutError::Timeout) if stop.is_set() => {
                if stopped.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                    return Err("it does not stop: it hangs in the kernel, and was given up".to_owned());
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned())
}

/// A batch's name that no other has on this machine: a moment and our pid.
#[must_use]
pub fn batch(at: Stamp) -> String {
    format!("{:x}-{}", at.unix_ms, std::process::id())
}

#[cfg(test)]
mod tests;
