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

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, sync::Mutex};

    use super::{
        super::testing::{Served, say, serve},
        *,
    };

    /// A server whose model is where these words say, one after the other; the last one stays. Its POSTs are answered so.
    fn server(states: &[&str], posts: (u16, &'static str)) -> Served {
        let states: Mutex<VecDeque<String>> = Mutex::new(states.iter().map(|state| (*state).to_owned()).collect());
        serve(move |asked, stream| {
            if asked.head[0].starts_with("POST") {
                return say(stream, posts.0, posts.1);
            }
            let mut states = states.lock().expect("its states");
            let state = if states.len() > 1 { states.pop_front() } else { states.front().cloned() };
            let state = state.unwrap_or_default();
            let body = match (asked.path.as_str(), state.as_str()) {
                (_, "broken") => return say(stream, 500, "oops"),
                ("/api/ps", "") => r#"{"models":[]}"#.to_owned(),
                ("/api/ps", _) => r#"{"models":[{"name":"other"},{"name":"m"}]}"#.to_owned(),
                (_, "failed") => {
                    r#"{"data":[{"id":"m","status":{"value":"unloaded","failed":true,"exit_code":1}}]}"#.to_owned()
                }
                (_, state) => format!(
                    r#"{{"data":[{{"id":"other","status":{{"value":"loaded"}}}},{{"id":"m","status":{{"value":"{state}"}}}}]}}"#
                ),
            };
            say(stream, 200, &body);
        })
    }

    const MADE: (u16, &str) = (200, "{}");

    /// What a loader of this kind gives, and what it asked for.
    fn with<T>(
        server: &Served,
        kind: Kind,
        within: Duration,
        of: impl FnOnce(&mut Loader<'_>) -> Result<T, LoadError>,
    ) -> (Result<T, String>, Vec<String>) {
        let mut fetch = server.fetch();
        let done = of(&mut Loader { fetch: &mut fetch, kind, within, give_up: &|| false });
        (done.map_err(|error| error.to_string()), server.lines())
    }

    const LONG: Duration = Duration::from_secs(60);
    /// Enough for an answer of a busy machine, and soon over.
    const SHORT: Duration = Duration::from_millis(1500);

    #[test]
    fn some_kinds_load_on_demand() {
        let on: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| on_demand(*kind)).collect();
        assert_eq!(on.len(), 2);
        assert!(on.contains(&Kind::Ollama) && on.contains(&Kind::LlamaRouter));
    }

    #[test]
    fn a_router_is_asked_until_the_model_is_ready() {
        let server = server(&["loading", "loading", "loaded"], MADE);
        let (took, asked) = with(&server, Kind::LlamaRouter, LONG, |loader| loader.load("m", None));
        assert!(took.is_ok_and(|took| took >= LOOK * 2), "between two looks it waits");
        assert_eq!(asked, [r#"POST /models/load {"model":"m"}"#, "GET /models", "GET /models", "GET /models"]);
        let (names, _) = with(&server, Kind::LlamaRouter, LONG, |loader| loader.loaded());
        assert_eq!(names, Ok(vec!["other".to_owned(), "m".to_owned()]));
        let loading = self::server(&["loading"], MADE);
        assert_eq!(with(&loading, Kind::LlamaRouter, LONG, |loader| loader.loaded()).0, Ok(vec!["other".to_owned()]));
    }

    #[test]
    fn a_model_that_cannot_be_loaded_says_why() {
        let router = |states: &[&str], posts, within| {
            with(&server(states, posts), Kind::LlamaRouter, within, |loader| loader.load("m", None)).0.map(drop)
        };
        let failed = "m could not be loaded: its process ended with status 1";
        assert_eq!(router(&["loading", "failed"], MADE, LONG), Err(failed.to_owned()));
        assert_eq!(router(&["loading"], MADE, SHORT), Err("m is not ready after 1 s".to_owned()));
        assert_eq!(router(&["broken"], MADE, LONG), Err("/models: /models: status 500, oops".to_owned()));
        let refused = (400, r#"{"error":{"message":"no such model"}}"#);
        assert_eq!(router(&["loaded"], refused, LONG), Err("/models/load: no such model".to_owned()));
        assert_eq!(router(&["loaded"], (503, ""), LONG), Err("/models/load: status 503".to_owned()));
        let mut fetch = server(&["loading"], MADE).fetch();
        let give_up = std::cell::Cell::new(0);
        let later = || give_up.replace(give_up.get() + 1) > 2;
        let mut loader = Loader { fetch: &mut fetch, kind: Kind::LlamaRouter, within: LONG, give_up: &later };
        assert_eq!(loader.load("m", None), Err(AskError::Stopped.into()));
    }

    #[test]
    fn a_model_is_gone_before_unloading_ends() {
        for state in ["loaded", "loading", "sleeping"] {
            let server = server(&[state, state, "unloaded"], MADE);
            let (done, asked) = with(&server, Kind::LlamaRouter, LONG, |loader| loader.unload("m"));
            assert_eq!(done, Ok(()), "{state}");
            assert_eq!(asked, ["GET /models", r#"POST /models/unload {"model":"m"}"#, "GET /models", "GET /models"]);
        }
        for model in ["m", "unknown"] {
            let out = server(&["unloaded"], MADE);
            let (done, asked) = with(&out, Kind::LlamaRouter, LONG, |loader| loader.unload(model));
            assert_eq!((done, asked), (Ok(()), vec!["GET /models".to_owned()]), "it is not in memory");
        }
        let stays = server(&["loaded"], MADE);
        let (late, _) = with(&stays, Kind::LlamaRouter, SHORT, |loader| loader.unload("m"));
        assert_eq!(late, Err("m is not out of memory after 1 s".to_owned()));
    }

    #[test]
    fn ollama_answers_when_the_model_is_where_it_should_be() {
        let load = |keep_alive| with(&server(&[""], MADE), Kind::Ollama, LONG, |loader| loader.load("m", keep_alive));
        let (took, asked) = load(None);
        assert!(took.is_ok());
        assert_eq!(asked, [r#"POST /api/generate {"model":"m","stream":false}"#]);
        assert_eq!(load(Some(-1)).1, [r#"POST /api/generate {"keep_alive":-1,"model":"m","stream":false}"#]);
        let server = server(&["in", "in", ""], MADE);
        let (names, _) = with(&server, Kind::Ollama, LONG, |loader| loader.loaded());
        assert_eq!(names, Ok(vec!["other".to_owned(), "m".to_owned()]));
        let (done, asked) = with(&server, Kind::Ollama, LONG, |loader| loader.unload("m"));
        assert_eq!(done, Ok(()));
        let post = r#"POST /api/generate {"keep_alive":0,"model":"m","stream":false}"#;
        assert_eq!(asked, ["GET /api/ps", post, "GET /api/ps"]);
    }
}
