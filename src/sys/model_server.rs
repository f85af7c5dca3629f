//! One model server, asked for what it says of itself. Watching must change nothing: only paths are asked that load no
//! model, wake none, renew no keep-alive and fill no log.

#[cfg(test)]
mod damaged_answers;
pub mod fetch;
mod figures;
mod llama;
pub mod load;
mod ollama;
mod openai;
mod part;
mod prometheus;
mod router;
mod say;
#[cfg(test)]
pub mod testing;
pub mod timed_request;

use serde_json::Value;

pub use self::llama::{Hints, Sleeps};
use self::{
    fetch::{Ask, Got},
    llama::Llama,
    ollama::Ollama,
    openai::OpenAi,
    router::Router,
};
use crate::{
    clock::Stamp,
    model::model_server::{Kind, Reading, ServerState},
};

/// What one round found.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// What answered; `None` where nothing did that is known.
    pub kind: Option<Kind>,
    pub state: ServerState,
    pub reading: Option<Reading>,
}

/// Asks one server, again and again.
#[derive(Debug, Default)]
pub struct Watcher {
    /// What it must be, where the user says so.
    given: Option<Kind>,
    /// What it most likely is, by its process or its port.
    likely: Option<Kind>,
    of: Option<Of>,
}

/// What is known of a server of one kind.
#[derive(Debug)]
enum Of {
    Ollama(Ollama),
    Llama(Box<Llama>),
    Router(Router),
    OpenAi(Kind, OpenAi),
}

impl Of {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Ollama => Of::Ollama(Ollama::default()),
            Kind::LlamaCpp => Of::Llama(Box::default()),
            Kind::LlamaRouter => Of::Router(Router::default()),
            other => Of::OpenAi(other, OpenAi::default()),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Of::Ollama(_) => Kind::Ollama,
            Of::Llama(_) => Kind::LlamaCpp,
            Of::Router(_) => Kind::LlamaRouter,
            Of::OpenAi(kind, _) => *kind,
        }
    }
}

impl Watcher {
    #[must_use]
    pub fn new(given: Option<Kind>, likely: Option<Kind>) -> Self {
        Watcher { given, likely, of: None }
    }

    /// One round.
    pub fn round(&mut self, ask: &mut dyn Ask, at: Stamp, hints: Hints) -> Round {
        let kind = match self.of.as_ref().map(Of::kind) {
            Some(kind) => kind,
            None => match self.recognise(ask) {
                Ok(kind) => kind,
                Err((kind, state)) => return Round { kind, state, reading: None },
            },
        };
        let of = self.of.get_or_insert_with(|| Of::new(kind));
        let found = match of {
            Of::Ollama(ollama) => ollama.round(ask, at),
            Of::Llama(llama) => llama.round(ask, at, hints),
            Of::Router(router) => router.round(ask, at, hints.works),
            Of::OpenAi(kind, openai) => openai.round(ask, *kind, at),
        };
        match found {
            Ok(reading) => Round { kind: Some(kind), state: ServerState::Up, reading: Some(reading) },
            Err(state) => {
                // Something else may answer the next time: it is identified again.
                match (&state, &mut self.of) {
                    (ServerState::Asleep, _) => {}
                    (ServerState::Loading, Some(Of::Llama(llama))) => llama.forget(),
                    _ => self.of = None,
                }
                Round { kind: Some(kind), state, reading: None }
            }
        }
    }

    /// What answers, by its list of models.
    fn recognise(&self, ask: &mut dyn Ask) -> Result<Kind, (Option<Kind>, ServerState)> {
        if let Some(kind) = self.given.filter(|kind| !matches!(kind, Kind::LlamaCpp | Kind::LlamaRouter)) {
            return Ok(kind);
        }
        let guess = self.given.or(self.likely);
        let path = "/v1/models";
        let got = ask.get(path).map_err(|error| (guess, say::trouble(&error)))?;
        let named = got.server.as_deref().is_some_and(|server| server.starts_with("llama.cpp"));
        let kind = if named { Some(Kind::LlamaCpp) } else { guess };
        if matches!(got.status, 404 | 405) {
            return self.without_list(ask, &got);
        }
        let answer = match say::json(path, &got) {
            Ok(answer) => answer,
            Err(ServerState::Broken(why)) => return Err((kind, ServerState::NotAServer(why))),
            Err(state) => return Err((kind, state)),
        };
        let Some(list) = answer.get("data").and_then(Value::as_array) else {
            return Err((kind, ServerState::NotAServer(format!("{path}: no list of models"))));
        };
        let owners: Vec<&str> = list.iter().filter_map(|entry| entry.get("owned_by")?.as_str()).collect();
        Ok(match owners.first().copied().unwrap_or_default() {
            "llamacpp" if list.iter().any(|entry| entry.get("status").is_some()) => Kind::LlamaRouter,
            "llamacpp" => Kind::LlamaCpp,
            "library" => Kind::Ollama,
            "vllm" => Kind::Vllm,
            "sglang" => Kind::Sglang,
            "llama-swap" => Kind::LlamaSwap,
            "organization_owner" => Kind::LmStudio,
            // A router without a model.
            _ if named && list.is_empty() => Kind::LlamaRouter,
            _ if named => Kind::LlamaCpp,
            _ => guess.unwrap_or(Kind::OpenAi),
        })
    }

    /// One without a list of models: old, or something else.
    fn without_list(&self, ask: &mut dyn Ask, got: &Got) -> Result<Kind, (Option<Kind>, ServerState)> {
        let (path, kind) = match self.given.or(self.likely) {
            Some(Kind::Ollama) => ("/api/version", Kind::Ollama),
            Some(Kind::Tgi) => ("/info", Kind::Tgi),
            Some(Kind::LmStudio) => return Ok(Kind::LmStudio),
            other => {
                let why = format!("/v1/models: status {}", got.status);
                return Err((other, ServerState::NotAServer(why)));
            }
        };
        match ask.get(path) {
            Ok(got) if got.is_good() => Ok(kind),
            Ok(got) => Err((Some(kind), ServerState::NotAServer(format!("{path}: status {}", got.status)))),
            Err(error) => Err((Some(kind), say::trouble(&error))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{fetch::Answers, part::testing::fixture, *};

    fn round(mut server: Answers, likely: Option<Kind>) -> (Option<Kind>, ServerState) {
        let hints = Hints { sleeps: Sleeps::Never, ..Hints::default() };
        let round = Watcher::new(None, likely).round(&mut server, Stamp::at_seconds(1), hints);
        (round.kind, round.state)
    }

    fn listed(file: &str) -> Answers {
        Answers::default().with("/v1/models", 200, fixture(file))
    }

    #[test]
    fn servers_are_known_by_their_list() {
        for (file, kind) in [
            ("ollama/openai-models.json", Kind::Ollama),
            ("llama.cpp/models.json", Kind::LlamaCpp),
            ("llama.cpp-router/models.json", Kind::LlamaRouter),
            ("vllm/models.json", Kind::Vllm),
            ("sglang/models.json", Kind::Sglang),
        ] {
            assert_eq!(round(listed(file), None).0, Some(kind), "{file}");
        }
        let other = Answers::default().with("/v1/models", 200, r#"{"data":[{"id":"x","owned_by":"me"}]}"#);
        assert_eq!(round(other, None), (Some(Kind::OpenAi), ServerState::Up));
    }

    /// The kind of a server with this list.
    fn kind_of(list: &str, served_by: Option<&str>, given: Option<Kind>, likely: Option<Kind>) -> Option<Kind> {
        let mut server = Answers::default().with("/v1/models", 200, list);
        server.server = served_by.map(str::to_owned);
        let hints = Hints { sleeps: Sleeps::Never, ..Hints::default() };
        Watcher::new(given, likely).round(&mut server, Stamp::at_seconds(1), hints).kind
    }

    #[test]
    fn the_first_owner_in_a_list_says_whose_it_is() {
        let owned = |owner: &str| format!(r#"{{"data":[{{"id":"a","owned_by":"{owner}"}},{{"id":"b"}}]}}"#);
        for (owner, kind) in [
            ("llamacpp", Kind::LlamaCpp),
            ("library", Kind::Ollama),
            ("vllm", Kind::Vllm),
            ("sglang", Kind::Sglang),
            ("llama-swap", Kind::LlamaSwap),
            ("organization_owner", Kind::LmStudio),
            ("me", Kind::OpenAi),
        ] {
            assert_eq!(kind_of(&owned(owner), None, None, None), Some(kind), "{owner}");
        }
        let empty = r#"{"data":[]}"#;
        let (me, llama) = (owned("me"), Some("llama.cpp b1"));
        assert_eq!(kind_of(&me, llama, None, None), Some(Kind::LlamaCpp), "by what it calls itself");
        assert_eq!(kind_of(empty, llama, None, None), Some(Kind::LlamaRouter), "a router without a model");
        assert_eq!(kind_of(empty, Some("nginx"), None, None), Some(Kind::OpenAi));
        for likely in [Kind::Tgi, Kind::LlamaSwap] {
            assert_eq!(kind_of(&me, None, None, Some(likely)), Some(likely), "what its process or port suggests");
        }
        let router = r#"{"data":[{"id":"a","owned_by":"llamacpp","status":{"value":"loaded"}}]}"#;
        assert_eq!(kind_of(router, None, Some(Kind::LlamaCpp), None), Some(Kind::LlamaRouter), "both are llama.cpp");
        assert_eq!(kind_of(router, None, Some(Kind::Vllm), None), Some(Kind::Vllm), "the user knows");
    }

    #[test]
    fn without_a_list_its_own_path_says_whose_it_is() {
        let of = |likely: Option<Kind>, path: &str, status: u16| {
            let server = Answers::default().with("/v1/models", 405, "").with(path, status, "{}");
            let (kind, state) = round(server, likely);
            (kind, matches!(state, ServerState::NotAServer(_)))
        };
        assert_eq!(of(Some(Kind::Ollama), "/api/version", 200), (Some(Kind::Ollama), false));
        assert_eq!(of(Some(Kind::Ollama), "/api/version", 500), (Some(Kind::Ollama), true));
        assert_eq!(of(Some(Kind::Tgi), "/info", 200), (Some(Kind::Tgi), false));
        assert_eq!(of(Some(Kind::Tgi), "/info", 404), (Some(Kind::Tgi), true));
        assert_eq!(of(Some(Kind::LmStudio), "/none", 200).0, Some(Kind::LmStudio));
        assert_eq!(of(Some(Kind::Vllm), "/version", 200), (Some(Kind::Vllm), true));
        assert_eq!(of(None, "/version", 200), (None, true));
    }

    #[test]
    fn a_sleeper_stays_known_and_one_that_loads_begins_again() {
        let hints = Hints { sleeps: Sleeps::Never, ..Hints::default() };
        let mut server = listed("llama.cpp/models.json").with("/props", 200, fixture("llama.cpp/props.json")).with(
            "/metrics",
            200,
            fixture("llama.cpp/metrics.prom"),
        );
        let mut watcher = Watcher::new(None, None);
        let mut round = |server: &mut Answers, second| {
            let state = watcher.round(server, Stamp::at_seconds(second), hints).state;
            (state, server.take_asked().join(" "))
        };
        assert_eq!(round(&mut server, 1).1, "/v1/models /props /v1/models /metrics");
        server.put("/metrics", 503, fixture("llama.cpp/loading-metrics.json"));
        assert_eq!(round(&mut server, 2), (ServerState::Loading, "/metrics".to_owned()));
        server.put("/metrics", 200, fixture("llama.cpp/metrics.prom"));
        let again = (ServerState::Up, "/props /v1/models /metrics".to_owned());
        assert_eq!(round(&mut server, 3), again, "it may have another model, and is still llama.cpp");
        server.put("/props", 200, r#"{"is_sleeping":true}"#);
        assert_eq!(round(&mut server, 64), (ServerState::Asleep, "/props".to_owned()));
        assert_eq!(round(&mut server, 65), (ServerState::Asleep, "/props".to_owned()));
        server.put("/props", 500, "oops");
        assert_eq!(round(&mut server, 66).1, "/props");
        assert!(round(&mut server, 67).1.starts_with("/v1/models "), "something else may answer now");
    }

    #[test]
    fn what_is_no_model_server_is_said_to_be_none() {
        for (status, body) in [(200, "<html>hello"), (200, "{}"), (404, "not found"), (500, "oops")] {
            let (_, state) = round(Answers::default().with("/v1/models", status, body), None);
            assert!(matches!(state, ServerState::NotAServer(_)), "{status} {body}: {state:?}");
        }
        let (_, silent) = round(Answers::default().with("/v1/models", 0, ""), None);
        assert!(matches!(silent, ServerState::Unreachable(_)), "{silent:?}");
    }

    #[test]
    fn one_that_loads_or_wants_a_key_is_known_all_the_same() {
        let loading = Answers::default().with("/v1/models", 503, fixture("llama.cpp/loading-models.json"));
        assert_eq!(round(loading.served_by("llama.cpp"), None), (Some(Kind::LlamaCpp), ServerState::Loading));
        let refused = Answers::default().with("/v1/models", 401, fixture("llama.cpp/error-unauthorized.json"));
        let (kind, state) = round(refused, Some(Kind::Vllm));
        assert!(kind == Some(Kind::Vllm) && matches!(state, ServerState::Unauthorised(_)), "{state:?}");
    }

    #[test]
    fn another_server_at_the_same_place_is_recognised() {
        let hints = Hints { sleeps: Sleeps::Never, ..Hints::default() };
        let mut watcher = Watcher::new(None, None);
        let mut vllm = listed("vllm/models.json").with("/version", 200, fixture("vllm/version.json")).with(
            "/metrics",
            200,
            fixture("vllm/metrics.prom"),
        );
        assert_eq!(watcher.round(&mut vllm, Stamp::at_seconds(1), hints).state, ServerState::Up);
        let mut other = listed("ollama/openai-models.json")
            .with("/api/ps", 200, fixture("ollama/ps-loaded.json"))
            .with("/api/tags", 200, fixture("ollama/tags.json"))
            .with("/api/version", 200, fixture("ollama/version.json"));
        watcher.round(&mut other, Stamp::at_seconds(100), hints);
        let after = watcher.round(&mut other, Stamp::at_seconds(101), hints);
        assert_eq!((after.kind, after.state), (Some(Kind::Ollama), ServerState::Up));
    }
}
