//! One server, its worker, and when it is asked next.

use std::{sync::Arc, time::Duration};

use super::find::{Found, Stat};
use crate::{
    clock::Stamp,
    collect::worker::{Setup, Work, Worker},
    model::model_server::{Kind, ModelServerTarget, Origin, Server, ServerState},
    sys::{
        model_server::{
            Hints, Round, Sleeps, Watcher,
            fetch::{AskError, Fetch},
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

/// What a round is to know.
#[derive(Debug, Clone, Copy)]
struct Question(Hints);

/// What came of it, and how long it took, in seconds.
type Reply = (Round, f64);

pub(super) struct Target {
    of: ModelServerTarget,
    hints: Hints,
    worker: Worker<Question, Reply>,
    asked: Option<Stamp>,
    rounds: u32,
    /// Since when its process is gone.
    gone: Option<Stamp>,
    /// CPU time of its process when it was looked at last.
    ticks: Option<(Stamp, u64)>,
    server: Server,
}

impl Target {
    pub(super) fn configured(of: &ModelServerTarget) -> Self {
        Target::new(of.clone(), Origin::Configured, of.kind)
    }

    pub(super) fn found(of: &ModelServerTarget, found: &Found, origin: Origin) -> Self {
        let mut target = Target::new(of.clone(), origin, Some(found.kind));
        target.join(found);
        target
    }

    fn new(of: ModelServerTarget, origin: Origin, likely: Option<Kind>) -> Self {
        let (url, given) = (of.url.clone(), of.kind);
        let (token_file, ca_file) = (of.token_file.clone(), of.ca_file.clone());
        let make = move || -> Work<Question, Reply> {
            let mut watcher = Watcher::new(given, likely);
            let mut fetch = Fetch::new(url.clone(), token_file.clone(), ca_file.clone());
            Box::new(move |Question(hints), at| {
                let began = std::time::Instant::now();
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
                (round, began.elapsed().as_secs_f64())
            })
        };
        let setup = Setup { name: "model", stack: 1 << 20, patience: Duration::from_secs(15) };
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
        match self.worker.ask(Question(self.hints), at) {
            Ok(_) => self.asked = Some(at),
            Err(fault) => self.server.state = ServerState::Broken(format!("{fault:?}")),
        }
    }

    /// Its process used CPU time since the last look.
    fn works(&mut self, root: &Root, at: Stamp) -> bool {
        if self.hints.sleeps == Sleeps::Never {
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
            Ok((round, took)) => {
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
            Err(fault) => self.server.state = ServerState::Broken(format!("{fault:?}")),
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

fn refused(error: &AskError) -> Round {
    let state = match error {
        AskError::Token { .. } => ServerState::Unauthorised(error.to_string()),
        error => ServerState::Unreachable(error.to_string()),
    };
    Round { kind: None, state, reading: None }
}
