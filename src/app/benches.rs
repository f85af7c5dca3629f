//! Benchmarks beside the screen: what can be measured, plans and runs, each on a thread of its own. What comes of them
//! is taken in by the loop as events.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
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

/// A benchmark waits so long for what the one before it left behind to end, and for others to be quiet.
const QUIET: Duration = Duration::from_secs(3);

/// What a benchmark needs of this machine.
#[must_use]
pub fn env(clock: Clock, root: &Root) -> Env {
    let (exec, locks) = (Arc::new(System), lock::folders());
    Env { clock, exec, root: root.clone(), locks, journals: journals(), quiet: QUIET }
}

/// Where the journals of what runs make are kept.
fn journals() -> PathBuf {
    paths::state().unwrap_or_else(paths::system_state).join("bench")
}

/// What a thread brings.
enum News {
    Event(RunEvent),
    Planned(Box<Suite>),
    Message(String),
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
    /// What the offers depend on, as it was at the last look; `None` before the first.
    looked: Option<u64>,
    /// What the user should know beside it.
    pub said: Vec<String>,
}

impl Benches {
    /// None under way. What killed runs left is cleaned up.
    pub fn new(clock: Clock, root: &Root, wake: Arc<Notify>) -> Self {
        let (sender, news) = channel();
        let env = env(clock, root);
        let benches = Benches { env, wake, sender, news, suite: None, running: None, looked: None, said: Vec::new() };
        let env = benches.env.clone();
        benches.begin(move |give| {
            let (removed, left) = scratch::clean_up(&env.journals, &env.exec);
            if let Some(words) = cleaned(&removed, &left) {
                give(News::Message(words));
            }
        });
        benches
    }

    /// Carries out a request; its answer comes as an event.
    pub fn act(&mut self, act: BenchAct, state: &State, settings: &Settings) {
        match act {
            BenchAct::Survey => self.look(state, settings),
            BenchAct::Plan(keys) => self.survey(state, settings, move |survey, at| {
                News::Planned(Box::new(suite::plan(BENCHES, survey, &keys, runner::batch(at), 1)))
            }),
            BenchAct::Start(id) => {
                if let Err(why) = self.start(&id, settings) {
                    let event = RunEvent::Refused { at: self.env.clock.now(), plan: id, why };
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

    /// Looks at what can be measured once more where an engine, a dataset or a mount has come or gone since the last look:
    /// the first one may have been before any of them had answered.
    pub fn look_again(&mut self, state: &State, settings: &Settings) {
        let under_way = self.running.as_ref().is_some_and(|running| !running.is_over());
        if !under_way && self.looked.is_some_and(|looked| looked != offered_by(state)) {
            self.look(state, settings);
        }
    }

    fn look(&mut self, state: &State, settings: &Settings) {
        self.looked = Some(offered_by(state));
        self.survey(state, settings, |survey, at| {
            News::Event(RunEvent::Catalog { at, catalog: suite::catalog(BENCHES, survey) })
        });
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
        self.running = Some(running.map_err(|error| super::background::no_thread("benchmarks", &error))?);
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
                News::Message(words) => self.said.push(words),
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
            let _ = self.sender.send(News::Message(super::background::no_thread("benchmarks", &error)));
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

/// What the offers of benchmarks depend on, in one number.
fn offered_by(state: &State) -> u64 {
    let (host, mut hasher) = (&state.host, DefaultHasher::new());
    for engine in &host.containers.engines {
        (engine.address.as_str(), engine.complaint()).hash(&mut hasher);
    }
    for row in &host.pools.datasets {
        (&row.reported.name, &row.reported.mountpoint).hash(&mut hasher);
    }
    for row in &host.filesystems.filesystems {
        (&row.mount, row.read_only).hash(&mut hasher);
    }
    host.gpus.rows.len().hash(&mut hasher);
    for row in &host.model_servers.rows {
        (&row.raw.name, row.raw.state.word(), row.raw.state.why()).hash(&mut hasher);
        for model in &row.models {
            (&model.raw.name, model.raw.state.word()).hash(&mut hasher);
        }
    }
    hasher.finish()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        container::Engine,
        model_server::{ModelRow, ServerRow},
    };

    #[test]
    fn offers_change_with_model_servers() {
        let mut state = State::default();
        let nothing = offered_by(&state);
        state.host.model_servers.rows.push(ServerRow::default());
        let server = offered_by(&state);
        state.host.model_servers.rows[0].models.push(ModelRow::default());
        let model = offered_by(&state);
        assert!(nothing != server && server != model, "{nothing} {server} {model}");
        assert_eq!(model, offered_by(&state));
    }

    fn catalogs(benches: &mut Benches, wanted: usize) -> usize {
        let end = Instant::now() + Duration::from_secs(60);
        let mut seen = 0;
        while seen < wanted {
            assert!(Instant::now() < end, "{seen} of {wanted}");
            match benches.next() {
                Some(RunEvent::Catalog { .. }) => seen += 1,
                Some(_) => {}
                None => thread::sleep(Duration::from_millis(2)),
            }
        }
        seen
    }

    #[test]
    fn what_answers_later_is_offered_too() {
        let root = tempfile::tempdir().expect("a folder");
        let root = Root::new(root.path());
        let mut benches = Benches::new(Clock::start(), &root, Arc::new(Notify::new()));
        let (mut state, settings) = (State::default(), Settings { root, ..Settings::default() });
        benches.look_again(&state, &settings);
        assert!(benches.looked.is_none(), "nobody has looked yet");
        benches.act(BenchAct::Survey, &state, &settings);
        catalogs(&mut benches, 1);
        let first = benches.looked;
        benches.look_again(&state, &settings);
        assert_eq!(benches.looked, first, "as it was");
        state.host.containers.engines.push(Engine { address: "unix:///run/d.sock".into(), ..Engine::default() });
        benches.look_again(&state, &settings);
        assert_ne!(benches.looked, first);
        catalogs(&mut benches, 1);
    }
}
