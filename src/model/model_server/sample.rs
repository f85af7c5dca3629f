//! What one round of asking the servers brings: raw counters and states, as they said it.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Histogram, Kind, Probed};
use crate::clock::Stamp;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ModelServerSample {
    pub servers: Vec<Server>,
    /// Nothing more is about to be found or answered.
    pub settled: bool,
}

/// How a server is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    #[default]
    Configured,
    /// A process that listens.
    Process,
    /// Something listens on a usual port.
    Port,
}

/// One server and its last answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Server {
    /// Unique, and the same for good.
    pub name: String,
    /// As shown: without what may be secret.
    pub url: String,
    pub origin: Origin,
    pub kind: Kind,
    pub state: ServerState,
    /// The last good answer, which may be old.
    pub reading: Arc<Reading>,
    /// When it came.
    pub at: Option<Stamp>,
    /// How often it is asked.
    pub every: Duration,
    /// How long the last round took, in seconds.
    pub took: Option<f64>,
    /// The process, where it runs on this machine.
    pub process: Option<Runner>,
    /// What the optional probe found last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Arc<Probed>>,
    /// What its command line and the names of its environment set.
    pub settings: Vec<Setting>,
}

/// What a server is doing, or why it cannot be said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerState {
    /// It has not answered yet, and may still.
    #[default]
    Waiting,
    Up,
    /// It loads its model.
    Loading,
    /// It has put its model out of memory until the next request.
    Asleep,
    /// It wants a key; says which file to name.
    Unauthorised(String),
    /// What answers is none.
    NotAServer(String),
    /// It does not have what is needed.
    TooOld(String),
    /// No answer.
    Unreachable(String),
    /// It answered what was not understood.
    Broken(String),
}

impl ServerState {
    /// In one or two words.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            ServerState::Waiting => "waiting",
            ServerState::Up => "up",
            ServerState::Loading => "loading",
            ServerState::Asleep => "asleep",
            ServerState::Unauthorised(_) => "unauthorised",
            ServerState::NotAServer(_) => "no model server",
            ServerState::TooOld(_) => "too old",
            ServerState::Unreachable(_) => "unreachable",
            ServerState::Broken(_) => "not understood",
        }
    }

    /// Why, in a line.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            ServerState::Unauthorised(why)
            | ServerState::NotAServer(why)
            | ServerState::TooOld(why)
            | ServerState::Unreachable(why)
            | ServerState::Broken(why) => Some(why),
            _ => None,
        }
    }

    /// It answers as a model server should, whatever it is doing.
    #[must_use]
    pub fn is_well(&self) -> bool {
        matches!(self, ServerState::Up | ServerState::Loading | ServerState::Asleep)
    }
}

/// The process of a server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Runner {
    pub pid: u32,
    /// Ticks after boot: tells a process from one that got its number later.
    pub started: u64,
}

/// One setting of a server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Setting {
    /// `context`, `flash attention`.
    pub name: String,
    /// As the command line has it, or `by NAME` where a variable of the environment sets it.
    pub set: String,
}

/// One good answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Reading {
    pub version: Option<String>,
    pub models: Vec<Model>,
    /// What is missing though the server answers: `start it with --metrics …`.
    pub missing: Option<String>,
}

/// Where a model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelState {
    /// Present, not in memory.
    #[default]
    NotLoaded,
    Downloading,
    Loading,
    Loaded,
    Asleep,
    Failed,
    /// Served by others over the network.
    Remote,
}

impl ModelState {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ModelState::NotLoaded => "not loaded",
            ModelState::Downloading => "downloading",
            ModelState::Loading => "loading",
            ModelState::Loaded => "loaded",
            ModelState::Asleep => "asleep",
            ModelState::Failed => "failed",
            ModelState::Remote => "remote",
        }
    }
}

/// When a model is put out of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    Never,
    /// Milliseconds since 1970.
    At(i64),
}

/// One model of a server.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Model {
    pub name: String,
    pub state: ModelState,
    /// Bytes of its file.
    pub size: Option<u64>,
    /// `Q4_K_M`.
    pub quantisation: Option<String>,
    /// How many weights it has.
    pub parameters: Option<f64>,
    /// Tokens of context that it was trained for, and those that a request can have now.
    pub context_trained: Option<u64>,
    pub context: Option<u64>,
    /// Bytes in memory of any kind, and those on cards.
    pub memory: Option<u64>,
    pub vram: Option<u64>,
    pub expires: Option<Expiry>,
    /// Requests that it can process at once.
    pub slots_total: Option<u64>,
    pub slots: Vec<Slot>,
    pub work: Work,
    /// Why it could not be loaded.
    pub failure: Option<String>,
}

impl Model {
    /// It holds memory.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        matches!(self.state, ModelState::Loaded | ModelState::Loading)
    }

    /// Share of its memory that is on cards.
    #[must_use]
    pub fn card_share(&self) -> Option<f64> {
        let memory = self.memory.filter(|memory| *memory > 0)?;
        Some((self.vram?.min(memory)) as f64 / memory as f64)
    }
}

/// One place for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Slot {
    pub id: u32,
    pub busy: bool,
    /// Which request it works on.
    pub task: Option<u64>,
    pub context: Option<u64>,
    /// Tokens of the prompt, those of them that were processed, and those that came from the cache.
    pub prompt: Option<u64>,
    pub processed: Option<u64>,
    pub cached: Option<u64>,
    /// Tokens generated for this request.
    pub generated: Option<u64>,
}

/// What a model has done and does: counters since its server started, and values of now.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Work {
    /// Requests that are processed, and those that wait.
    pub running: Option<f64>,
    pub waiting: Option<f64>,
    /// Share of the KV cache in use.
    pub kv_used: Option<f64>,
    /// Tokens that the KV cache holds at most.
    pub kv_tokens: Option<f64>,
    /// Tokens of prompts that were processed, and those that the cache spared.
    pub prompt_tokens: Option<f64>,
    pub cached_tokens: Option<f64>,
    pub generated_tokens: Option<f64>,
    /// Tokens of requests under way, where `generated_tokens` counts them at their end only.
    pub pending_tokens: Option<f64>,
    /// Seconds of processing prompts and of generating.
    pub prompt_seconds: Option<f64>,
    pub generated_seconds: Option<f64>,
    pub preemptions: Option<f64>,
    pub completed: Option<f64>,
    pub failed: Option<f64>,
    /// Tokens a second, where the server says it and counts none.
    pub throughput: Option<f64>,
    /// Seconds: to the first token, for each token after it, of the response, in the queue.
    pub first_token: Option<Histogram>,
    pub per_token: Option<Histogram>,
    pub response: Option<Histogram>,
    pub queue: Option<Histogram>,
    /// Seconds that loading took, as the server says.
    pub load_seconds: Option<f64>,
}
