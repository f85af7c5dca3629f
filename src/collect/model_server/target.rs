//! One server, its worker, and when it is asked next.

use std::{sync::Arc, time::Duration};

use super::find::{Found, Stat};
use crate::{
    clock::Stamp,
    collect::worker::{Setup, Work, Worker},
    model::model_server::{
        ANSWER, Expiry, Kind, ModelServerTarget, ModelState, Origin, ProbeSettings, Probed, Server, ServerState,
    },
    sys::{
        model_server::{
            Hints, Round, Sleeps, Watcher,
            fetch::{AskError, Fetch},
            timed_request::{Prompt, shoot},
        },
        root::Root,
    },
};

/// Between two rounds of one that logs none of them, and of one that logs each.
const OFTEN: Duration = Duration::from_secs(1);
const SELDOM: Duration = Duration::from_secs(10);
/// One that wants a key, or is no model server though it seemed to be one: each round would fill its log.
const REFUSED: Duration = Duration::from_secs(60);
const NONE: Duration = Duration::from_secs(600);
/// The second round follows the first so soon, for rates.
const AGAIN: Duration = Duration::from_millis(400);
/// Share of a core from which a process works.
const WORKS: f64 = 0.03;

/// The prompt of the probe, after what makes it new.
const PROMPT: &str = "Count from one to one hundred in words, separated by commas, and say nothing else.";
/// The probe may take so long.
const PROBE: Duration = Duration::from_secs(60);

/// What a worker is asked.
#[derive(Debug, Clone)]
enum Question {
    Round(Hints),
    Probe(Subject),
}

/// What is probed.
#[derive(Debug, Clone)]
struct Subject {
    kind: Kind,
    model: String,
    /// Ollama: what is left of the keep-alive, in seconds; negative: without end.
    keep_alive: Option<i64>,
}

enum Reply {
    /// And how long it took, in seconds.
    Round(Round, f64),
    Probe(Probed),
}

pub(super) struct Target {
    of: ModelServerTarget,
    hints: Hints,
    worker: Worker<Question, Reply>,
    probe: ProbeSettings,
    /// When it was probed last, or was first up.
    probed: Option<Stamp>,
    asked: Option<Stamp>,
    rounds: u32,
    /// Since when its process is gone.
    gone: Option<Stamp>,
    /// CPU time of its process when it was looked at last.
    ticks: Option<(Stamp, u64)>,
    server: Server,
}

impl Target {
    pub(super) fn configured(of: &ModelServerTarget, probe: ProbeSettings) -> Self {
        Target::new(of.clone(), Origin::Configured, of.kind, probe)
    }

    pub(super) fn found(of: &ModelServerTarget, found: &Found, origin: Origin, probe: ProbeSettings) -> Self {
        let mut target = Target::new(of.clone(), origin, Some(found.kind), probe);
        target.join(found);
        target
    }

    fn new(of: ModelServerTarget, origin: Origin, likely: Option<Kind>, probe: ProbeSettings) -> Self {
        let (url, given) = (of.url.clone(), of.kind);
        let (token_file, ca_file) = (of.token_file.clone(), of.ca_file.clone());
        let make = move || -> Work<Question, Reply> {
            let mut watcher = Watcher::new(given, likely);
            let mut fetch = Fetch::new(url.clone(), token_file.clone(), ca_file.clone());
            Box::new(move |question, at| {
                let began = std::time::Instant::now();
                let hints = match question {
                    Question::Round(hints) => hints,
                    Question::Probe(of) => return Reply::Probe(probed(fetch.as_mut().ok(), &of, at)),
                };
                let round = match &mut fetch {
                    Ok(fetch) => match fetch.begin() {
                        Ok(()) => watcher.round(fetch, at, hints),
                        Err(error) => refused(&error),
                    },
                    Err(error) => refused(&AskError::Unreachable(format!("it cannot be asked: {error}"))),
                };
                if let Ok(fetch) = &mut fetch {
                    fetch.end();
                }
                Reply::Round(round, began.elapsed().as_secs_f64())
            })
        };
        let patience = Duration::from_secs(15) + if probe.enabled { 2 * PROBE } else { Duration::ZERO };
        let setup = Setup { name: "model", stack: 1 << 20, patience };
        let sleeps = if of.sleeps == Some(false) { Sleeps::Never } else { Sleeps::Perhaps };
        let server = Server {
            name: of.name.clone(),
            url: of.url.to_string(),
            origin,
            kind: likely.unwrap_or_default(),
            every: of.every.unwrap_or(OFTEN),
            ..Server::default()
        };
        Target {
            of,
            hints: Hints { sleeps, ..Hints::default() },
            worker: Worker::new(setup, make),
            probe,
            probed: None,
            asked: None,
            rounds: 0,
            gone: None,
            ticks: None,
            server,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.of.name
    }

    /// What was found is this one.
    pub(super) fn is(&self, found: &Found) -> bool {
        let host = self.of.url.host();
        let local = host == "localhost" && found.at.ip().is_loopback();
        self.of.url.port() == found.at.port() && (local || host == found.at.ip().to_string())
    }

    /// It was looked for, and found or not.
    pub(super) fn seen(&mut self, found: Option<&Found>, at: Stamp) {
        match found {
            Some(found) => {
                self.join(found);
                self.gone = None;
            }
            None if self.server.origin != Origin::Configured => {
                self.gone.get_or_insert(at);
            }
            None => self.server.process = None,
        }
    }

    fn join(&mut self, found: &Found) {
        if found.process != self.server.process {
            (self.asked, self.rounds) = (None, 0);
        }
        self.server.process.clone_from(&found.process);
        self.server.settings.clone_from(&found.settings);
        self.hints.unified = found.unified;
        if self.of.sleeps.is_none() {
            self.hints.sleeps = found.sleeps;
        }
    }

    pub(super) fn gone_for(&self, at: Stamp) -> Option<Duration> {
        self.gone.map(|gone| at.since(gone))
    }

    /// How often it may be asked.
    fn every(&self) -> Duration {
        let usual = if self.server.kind.is_silent() { OFTEN } else { SELDOM };
        let usual = self.of.every.unwrap_or(usual);
        let configured = self.server.origin == Origin::Configured;
        match self.server.state {
            ServerState::Waiting | ServerState::Up | ServerState::Loading | ServerState::Asleep => usual,
            ServerState::Unreachable(_) => usual.max(SELDOM),
            ServerState::NotAServer(_) if !configured => NONE,
            _ => usual.max(REFUSED),
        }
    }

    /// Asks it when it is due.
    pub(super) fn round(&mut self, root: &Root, at: Stamp) {
        if self.gone.is_some() {
            self.server.state = ServerState::Unreachable("its process has ended".to_owned());
            return;
        }
        self.take(Duration::ZERO, at);
        if self.worker.late(at).is_some() {
            let words = format!("{} has not answered yet: no further question is put meanwhile", self.server.url);
            self.server.state = ServerState::Unreachable(words);
            return;
        }
        let every = self.every();
        self.server.every = every;
        // The lane's pace is never exact.
        let wait = if self.rounds == 1 && self.server.state == ServerState::Up { AGAIN.min(every) } else { every };
        let due = self.asked.is_none_or(|asked| at.since(asked) + Duration::from_millis(50) >= wait);
        if !due || !self.worker.is_idle() {
            return;
        }
        self.hints.works = self.works(root, at);
        let question = match self.due_probe(at) {
            Some(of) => Question::Probe(of),
            None => {
                self.asked = Some(at);
                Question::Round(self.hints)
            }
        };
        match self.worker.ask(question, at) {
            Ok(_) => {}
            Err(fault) => self.server.state = ServerState::Broken(fault.to_string()),
        }
    }

    /// The model that is due to be probed: in memory, idle, and of a server that a request changes nothing of.
    fn due_probe(&mut self, at: Stamp) -> Option<Subject> {
        let kind = self.server.kind;
        let may = match kind {
            Kind::Ollama | Kind::Vllm | Kind::Sglang | Kind::Tgi | Kind::LmStudio => !self.hints.works,
            // One that may sleep would be kept awake.
            Kind::LlamaCpp => self.hints.sleeps == Sleeps::Never,
            // Which model leaves memory next depends on the requests; others may cost money.
            Kind::LlamaRouter | Kind::LlamaSwap | Kind::OpenAi => false,
        };
        let up =
            self.server.state == ServerState::Up && self.server.at.is_some_and(|of| at.since(of) < 3 * self.every());
        if !self.probe.enabled || !may || !up || self.rounds < 2 {
            return None;
        }
        let loaded = || self.server.reading.models.iter().filter(|model| model.state == ModelState::Loaded);
        let idle = |of: Option<f64>| of.is_none_or(|requests| requests == 0.0);
        if !loaded().all(|model| idle(model.work.running) && idle(model.work.waiting)) {
            return None;
        }
        let last = *self.probed.get_or_insert(at);
        let due =
            at.since(last) >= if self.server.probe.is_some() { self.probe.every } else { Duration::from_secs(10) };
        let model = loaded().next().filter(|_| due)?;
        let keep_alive = match model.expires {
            Some(Expiry::Never) => Some(-1),
            Some(Expiry::At(until)) => Some((until - at.unix_ms) / 1000).filter(|left| *left > 0),
            None => None,
        };
        // One that is about to leave memory would be loaded again.
        if kind == Kind::Ollama && keep_alive.is_none_or(|left| (0..30).contains(&left)) {
            return None;
        }
        self.probed = Some(at);
        Some(Subject { kind, model: model.name.clone(), keep_alive })
    }

    /// Its process used CPU time since the last look.
    fn works(&mut self, root: &Root, at: Stamp) -> bool {
        if self.hints.sleeps == Sleeps::Never && !self.probe.enabled {
            return false;
        }
        let Some(stat) = self.server.process.as_ref().and_then(|process| Stat::read(root, process.pid)) else {
            return false;
        };
        let before = self.ticks.replace((at, stat.ticks));
        before.is_some_and(|(then, ticks)| {
            let seconds = at.since(then).as_secs_f64();
            let cores = stat.ticks.saturating_sub(ticks) as f64 / f64::from(crate::clock::TICKS_PER_SECOND);
            seconds > 0.0 && cores / seconds > WORKS
        })
    }

    /// Takes the answer if it has come, waiting for it no longer than `wait`.
    pub(super) fn take(&mut self, wait: Duration, at: Stamp) {
        let Some(reply) = self.worker.poll(wait) else { return };
        self.rounds = self.rounds.saturating_add(1);
        match reply.outcome {
            Ok(Reply::Probe(found)) => self.server.probe = Some(Arc::new(found)),
            Ok(Reply::Round(round, took)) => {
                if let Some(kind) = round.kind {
                    self.server.kind = kind;
                }
                self.server.state = round.state;
                self.server.took = Some(took);
                if self.server.state.is_well() {
                    self.server.at = Some(at);
                }
                match round.reading {
                    Some(reading) if *self.server.reading != reading => self.server.reading = Arc::new(reading),
                    _ => {}
                }
            }
            Err(fault) => self.server.state = ServerState::Broken(fault.to_string()),
        }
        self.server.every = self.every();
    }

    /// Nothing of this moment is to come.
    pub(super) fn is_settled(&self) -> bool {
        self.gone.is_some() || (self.server.state != ServerState::Waiting && self.worker.is_idle())
    }

    pub(super) fn server(&self) -> Server {
        self.server.clone()
    }
}

/// Cold, with a prompt that no cache knows, then warm with the same.
fn probed(fetch: Option<&mut Fetch>, of: &Subject, at: Stamp) -> Probed {
    let mut found = Probed { at, model: of.model.clone(), cold: None, warm: None, failure: None };
    let Some(fetch) = fetch else { return found };
    let text = format!("{} {} {PROMPT}", at.unix_ms, at.mono_us);
    let prompt = Prompt { model: &of.model, text: &text, tokens: ANSWER, keep_alive: of.keep_alive };
    match fetch
        .begin()
        .map_err(|error| error.to_string())
        .and_then(|()| shoot(fetch, of.kind, &prompt, PROBE, &|| false))
    {
        Ok(cold) => found.cold = Some(cold),
        Err(why) => found.failure = Some(why),
    }
    if found.failure.is_none() {
        match shoot(fetch, of.kind, &prompt, PROBE, &|| false) {
            Ok(warm) => found.warm = Some(warm),
            Err(why) => found.failure = Some(why),
        }
    }
    found
}

fn refused(error: &AskError) -> Round {
    let state = match error {
        AskError::Token { .. } => ServerState::Unauthorised(error.to_string()),
        error => ServerState::Unreachable(error.to_string()),
    };
    Round { kind: None, state, reading: None }
}

#[cfg(test)]
mod tests;
