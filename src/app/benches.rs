//! Benchmarks beside the screen: what can be measured, plans and runs, each on a thread of its own. What comes of them
//! is taken in by the loop as events.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use crate::{
    bench::{
        BENCHES, Env, Survey, lock,
        runner::{self, Handle},
        scratch::{self, Left},
        suite::{self, Suite},
    },
    clock::{Clock, Stamp},
    config::{Settings, paths},
    model::run::{RunEvent, RunMark},
    request::BenchAct,
    state::State,
    sys::{exec::System, root::Root},
};

/// What a benchmark needs of this machine.
#[must_use]
pub fn env(clock: Clock, root: &Root) -> Env {
    let (exec, locks) = (Arc::new(System), lock::folders());
    Env { clock, exec, root: root.clone(), locks, journals: journals() }
}

/// Where the journals of what runs make are kept.
fn journals() -> PathBuf {
    paths::state().unwrap_or_else(paths::system_state).join("bench")
}

/// What a thread brings.
enum News {
    Event(RunEvent),
    Planned(Box<Suite>),
    Said(String),
}

/// The benchmarks of a live screen.
pub struct Benches {
    env: Env,
    wake: Arc<Notify>,
    sender: Sender<News>,
    news: Receiver<News>,
    /// Planned, and not yet said yes to.
    suite: Option<Box<Suite>>,
    running: Option<Handle>,
    /// What the user should know beside it.
    pub said: Vec<String>,
}

impl Benches {
    /// None under way. What killed runs left is cleaned up.
    pub fn new(clock: Clock, root: &Root, wake: Arc<Notify>) -> Self {
        let (sender, news) = channel();
        let env = env(clock, root);
        let benches = Benches { env, wake, sender, news, suite: None, running: None, said: Vec::new() };
        let env = benches.env.clone();
        benches.begin(move |give| {
            let (removed, left) = scratch::clean_up(&env.journals, &env.exec);
            if let Some(words) = cleaned(&removed, &left) {
                give(News::Said(words));
            }
        });
        benches
    }

    /// Carries out a request; its answer comes as an event.
    pub fn act(&mut self, act: BenchAct, state: &State, settings: &Settings) {
        match act {
            BenchAct::Survey => self.survey(state, settings, |survey, at| {
                News::Event(RunEvent::Catalog { at, catalog: suite::catalog(BENCHES, survey) })
            }),
            BenchAct::Plan(keys) => self.survey(state, settings, move |survey, at| {
                News::Planned(Box::new(suite::plan(BENCHES, survey, &keys, runner::batch(at), 1)))
            }),
            BenchAct::Start(id) => {
                if let Err(report) = self.start(&id, settings) {
                    let event = RunEvent::Ended { at: self.env.clock.now(), stopped: false, report };
                    let _ = self.sender.send(News::Event(event));
                    self.wake.notify_one();
                }
            }
            BenchAct::Stop => {
                if let Some(running) = &self.running {
                    running.stop();
                }
            }
            BenchAct::Mark { series, says } => {
                let at = self.env.clock.now();
                let mark = RunMark { at_unix_ms: at.unix_ms, series, says };
                let _ = self.sender.send(News::Event(RunEvent::Mark { at, mark }));
                self.wake.notify_one();
            }
        }
    }

    /// Starts what was planned under this name; why not.
    fn start(&mut self, id: &str, settings: &Settings) -> Result<(), String> {
        if settings.read_only {
            return Err("nothing was run: --read-only".to_owned());
        }
        if self.running.as_ref().is_some_and(|running| !running.is_over()) {
            return Err("a benchmark is under way: x stops it".to_owned());
        }
        let suite = self.suite.take_if(|suite| suite.plan.id == id);
        let suite = suite.ok_or("nothing was run: the plan is no longer there, plan it again")?;
        if suite.plan.is_stopped() {
            return Err("nothing was run: the checks forbid it".to_owned());
        }
        let (sender, wake) = (self.sender.clone(), self.wake.clone());
        let emit = move |event| {
            // Nobody takes it in when the program is ending.
            let _ = sender.send(News::Event(event));
            wake.notify_one();
        };
        let running = runner::start(*suite, self.env.clone(), Arc::new(emit));
        self.running = Some(running.map_err(|error| super::errands::no_thread("benchmarks", &error))?);
        Ok(())
    }

    /// The next event that was not taken in yet.
    pub fn next(&mut self) -> Option<RunEvent> {
        loop {
            match self.news.try_recv().ok()? {
                News::Event(event) => return Some(event),
                News::Planned(suite) => {
                    let plan = suite.plan.clone();
                    self.suite = Some(suite);
                    return Some(RunEvent::Planned { at: self.env.clock.now(), plan });
                }
                News::Said(words) => self.said.push(words),
            }
        }
    }

    /// Looks at the machine on a thread: files may be slow.
    fn survey(
        &self,
        state: &State,
        settings: &Settings,
        answer: impl FnOnce(&Survey<'_>, Stamp) -> News + Send + 'static,
    ) {
        let (state, settings, env) = (state.clone(), settings.clone(), self.env.clone());
        self.begin(move |give| {
            let survey = Survey { settings: &settings, state: &state, root: &env.root, exec: &env.exec };
            give(answer(&survey, env.clock.now()));
        });
    }

    fn begin(&self, work: impl FnOnce(&dyn Fn(News)) + Send + 'static) {
        let (sender, wake) = (self.sender.clone(), self.wake.clone());
        let spawned = thread::Builder::new().name("bt-bench-plan".to_owned()).spawn(move || {
            work(&|news| {
                let _ = sender.send(news);
                wake.notify_one();
            });
        });
        if let Err(error) = spawned {
            let _ = self.sender.send(News::Said(super::errands::no_thread("benchmarks", &error)));
        }
    }

    /// Stops what runs and waits for its end, at most for `patience`; false when something is left for the next start.
    pub fn finish(&self, patience: Duration) -> bool {
        let Some(running) = &self.running else { return true };
        running.stop();
        let end = Instant::now() + patience;
        while !running.is_over() && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
        running.is_over()
    }
}

/// What was cleaned up after killed runs, in a line; `None` when there was nothing.
#[must_use]
pub fn cleaned(removed: &[scratch::Scratch], left: &[Left]) -> Option<String> {
    let mut parts = Vec::new();
    match removed {
        [] => {}
        [one] => parts.push(format!("removed {one}, which a killed benchmark had left")),
        [one, rest @ ..] => {
            parts.push(format!("removed {one} and {} more, which killed benchmarks had left", rest.len()));
        }
    }
    if let Some(Left { what, why }) = left.first() {
        parts.push(format!("a killed benchmark left {what}: {why}"));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}
