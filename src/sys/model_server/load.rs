//! Putting a model into memory and out of it, where a server does that on demand. Only benchmarks do it: watching loads none.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    fetch::{Ask, AskError, Fetch},
    part::{list, text},
    router, say,
};
use crate::model::model_server::{Kind, Model, ModelState, ServerState};

/// Between two looks at where a model is.
const LOOK: Duration = Duration::from_millis(20);

/// Why a model is not where it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    #[error("{0}")]
    Ask(#[from] AskError),
    #[error("{path}: {why}")]
    Refused { path: &'static str, why: String },
    #[error("{model} could not be loaded: {why}")]
    Failed { model: String, why: String },
    #[error("{model} is not {wanted} after {seconds} s")]
    Late { model: String, wanted: &'static str, seconds: u64 },
}

/// These load models on demand, and put them out of memory when asked to.
#[must_use]
pub fn on_demand(kind: Kind) -> bool {
    matches!(kind, Kind::Ollama | Kind::LlamaRouter)
}

/// One server that does.
pub struct Loader<'a> {
    pub fetch: &'a mut Fetch,
    pub kind: Kind,
    /// Neither loading nor unloading takes longer.
    pub within: Duration,
    pub give_up: &'a dyn Fn() -> bool,
}

impl Loader<'_> {
    /// Models in memory.
    ///
    /// # Errors
    /// When the server does not say.
    pub fn loaded(&mut self) -> Result<Vec<String>, LoadError> {
        Ok(self.states()?.into_iter().filter(|of| of.state == ModelState::Loaded).map(|of| of.name).collect())
    }

    /// Every model that is loaded or on its way in or out.
    fn states(&mut self) -> Result<Vec<Model>, LoadError> {
        let path = if self.kind == Kind::Ollama { "/api/ps" } else { "/models" };
        let got = self.fetch.get(path)?;
        let answer = say::json(path, &got).map_err(|state| refused(path, &state))?;
        if self.kind == Kind::Ollama {
            return Ok(list(&answer, "models", |entry| {
                Some(Model { name: text(entry, "name")?, state: ModelState::Loaded, ..Model::default() })
            }));
        }
        Ok(router::models(&answer).into_iter().map(|entry| entry.model).collect())
    }

    /// Puts it out of memory, and waits until it is gone.
    ///
    /// # Errors
    /// When the server refuses, or it stays.
    pub fn unload(&mut self, model: &str) -> Result<(), LoadError> {
        if !self.states()?.iter().any(|of| of.name == model && is_in(of.state)) {
            return Ok(());
        }
        match self.kind {
            Kind::Ollama => self.ask("/api/generate", &json!({ "model": model, "keep_alive": 0, "stream": false }))?,
            _ => self.ask("/models/unload", &json!({ "model": model }))?,
        }
        self.until(model, "out of memory", |state| !state.is_some_and(is_in))
    }

    /// Puts it into memory; how long that took, from the request until it is ready.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub fn load(&mut self, model: &str, keep_alive: Option<i64>) -> Result<Duration, LoadError> {
        let began = Instant::now();
        match self.kind {
            Kind::Ollama => {
                let mut body = json!({ "model": model, "stream": false });
                if let Some(seconds) = keep_alive {
                    body["keep_alive"] = json!(seconds);
                }
                // It answers when the model is ready.
                self.ask("/api/generate", &body)?;
                return Ok(began.elapsed());
            }
            _ => self.ask("/models/load", &json!({ "model": model }))?,
        }
        self.until(model, "ready", |state| state == Some(ModelState::Loaded))?;
        Ok(began.elapsed())
    }

    fn until(
        &mut self,
        model: &str,
        wanted: &'static str,
        is_so: impl Fn(Option<ModelState>) -> bool,
    ) -> Result<(), LoadError> {
        let end = Instant::now() + self.within;
        loop {
            let states = self.states()?;
            let mine = states.into_iter().find(|of| of.name == model);
            if is_so(mine.as_ref().map(|of| of.state)) {
                return Ok(());
            }
            if let Some(Model { state: ModelState::Failed, failure, .. }) = mine {
                let why = failure.unwrap_or_else(|| "its server does not say why".to_owned());
                return Err(LoadError::Failed { model: model.to_owned(), why });
            }
            if (self.give_up)() {
                return Err(AskError::Stopped.into());
            }
            if Instant::now() >= end {
                return Err(LoadError::Late { model: model.to_owned(), wanted, seconds: self.within.as_secs() });
            }
            thread::sleep(LOOK);
        }
    }

    fn ask(&mut self, path: &'static str, body: &Value) -> Result<(), LoadError> {
        let mut answer = Vec::new();
        let posted = self.fetch.post(path, &body.to_string(), self.within, self.give_up, |piece, _| {
            answer.extend_from_slice(piece);
        })?;
        if (200..300).contains(&posted.status) {
            return Ok(());
        }
        let why = say::words(&answer).unwrap_or_else(|| format!("status {}", posted.status));
        Err(LoadError::Refused { path, why })
    }
}

/// It is in memory, or on its way in.
fn is_in(state: ModelState) -> bool {
    matches!(state, ModelState::Loaded | ModelState::Loading | ModelState::Asleep)
}

fn refused(path: &'static str, state: &ServerState) -> LoadError {
    LoadError::Refused { path, why: state.why().unwrap_or_else(|| state.word()).to_owned() }
}
