//! llama.cpp's router: one process a model, started on demand. A question about a model that is not loaded would load it and
//! put another out of memory, so only loaded ones are asked, and each time with `autoload=false`.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use super::{
    fetch::Ask,
    llama::{self, Figures, Hints, Sleeps},
    part::{encoded, list, text},
    say,
};
use crate::{
    clock::Stamp,
    model::model_server::{Model, ModelState, Reading, ServerState},
};

/// Flags and their values of one model's process.
const SLEEP: &str = "--sleep-idle-seconds";
const UNIFIED: [&str; 2] = ["--kv-unified", "-kvu"];
const CONTEXT: &str = "--ctx-size";

#[derive(Debug, Default)]
pub struct Router {
    version: Option<String>,
    loaded: BTreeMap<String, Loaded>,
}

/// A model in memory.
#[derive(Debug, Default)]
struct Loaded {
    /// What its `/props` said; asked once for each load.
    about: Option<Model>,
    figures: Figures,
}

impl Router {
    /// # Errors
    /// The state of the server.
    pub fn round(&mut self, ask: &mut dyn Ask, at: Stamp, works: bool) -> Result<Reading, ServerState> {
        if self.version.is_none() {
            self.version = text(&get(ask, "/props")?, "build_info");
        }
        let mut entries = models(&get(ask, "/models")?);
        self.loaded
            .retain(|name, _| entries.iter().any(|e| e.model.name == *name && e.model.state == ModelState::Loaded));
        for entry in entries.iter_mut().filter(|entry| entry.model.state == ModelState::Loaded) {
            let name = entry.model.name.clone();
            let known = self.loaded.entry(name.clone()).or_default();
            let query = format!("?model={}&autoload=false", encoded(&name));
            if known.about.is_none()
                && let Some(props) = of_model(ask, &format!("/props{query}"))?
            {
                let mut about = Model::default();
                llama::about(&props, &mut about);
                known.about = Some(about);
            }
            let hints = Hints { works, ..entry.hints };
            match known.figures.round(ask, &query, true, at, hints) {
                Ok(()) => {}
                // It was put out of memory since the list was given.
                Err(ServerState::Broken(_) | ServerState::Loading) => {
                    self.loaded.remove(&name);
                    entry.model.state = ModelState::Loading;
                    continue;
                }
                Err(state) => return Err(state),
            }
            let model = &mut entry.model;
            if let Some(about) = &known.about {
                (model.slots_total, model.context) = (about.slots_total, about.context.or(model.context));
                model.quantisation = model.quantisation.take().or_else(|| about.quantisation.clone());
            }
            (model.work, model.slots) = (known.figures.work.clone(), known.figures.slots.clone());
        }
        let missing = self.loaded.values().find_map(|loaded| loaded.figures.missing.clone());
        Ok(Reading { version: self.version.clone(), models: entries.into_iter().map(|e| e.model).collect(), missing })
    }
}

/// The answer about a model; `None` where it is not loaded any more.
fn of_model(ask: &mut dyn Ask, path: &str) -> Result<Option<Value>, ServerState> {
    let got = ask.get(path).map_err(|error| say::trouble(&error))?;
    match got.status {
        400 | 404 | 500..=599 => Ok(None),
        _ => say::json(path, &got).map(Some),
    }
}

fn get(ask: &mut dyn Ask, path: &str) -> Result<Value, ServerState> {
    let got = ask.get(path).map_err(|error| say::trouble(&error))?;
    say::json(path, &got)
}

/// One model of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub model: Model,
    pub hints: Hints,
}

/// `/models`: loaded ones first.
#[must_use]
pub fn models(answer: &Value) -> Vec<Entry> {
    let mut entries = list(answer, "data", |entry| {
        let status = entry.get("status")?;
        let failed = status.get("failed").and_then(Value::as_bool).unwrap_or(false);
        let state = match status.get("value").and_then(Value::as_str)? {
            "loaded" => ModelState::Loaded,
            "loading" => ModelState::Loading,
            "sleeping" => ModelState::Asleep,
            "downloading" => ModelState::Downloading,
            _ if failed => ModelState::Failed,
            _ => ModelState::NotLoaded,
        };
        let args: Vec<&str> =
            status.get("args").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let after = |flag: &str| args.iter().position(|arg| *arg == flag).and_then(|at| args.get(at + 1)).copied();
        let seconds = after(SLEEP).and_then(|value| value.parse::<i64>().ok()).filter(|seconds| *seconds >= 0);
        let sleeps = seconds
            .and_then(|s| u64::try_from(s).ok())
            .map_or(Sleeps::Never, |s| Sleeps::After(Duration::from_secs(s)));
        let unified = args.iter().any(|arg| UNIFIED.contains(arg));
        let mut model = Model {
            name: text(entry, "id")?,
            state,
            context: after(CONTEXT).and_then(|value| value.parse().ok()),
            failure: failed.then(|| match status.get("exit_code").and_then(Value::as_i64) {
                Some(code) => format!("its process ended with status {code}"),
                None => "it could not be loaded".to_owned(),
            }),
            ..Model::default()
        };
        llama::meta(entry, &mut model);
        Some(Entry { model, hints: Hints { sleeps, unified, works: false } })
    });
    entries.sort_by_key(|entry| !entry.model.is_loaded());
    entries
}

#[cfg(test)]
mod tests {
    use super::{
        super::{fetch::Answers, part::testing::fixture},
        *,
    };

    const QUERY: &str = "?model=tiny-b&autoload=false";

    fn server() -> Answers {
        Answers::default()
            .with("/props", 200, fixture("llama.cpp-router/router-props.json"))
            .with("/models", 200, fixture("llama.cpp-router/models-switched.json"))
            .with(&format!("/props{QUERY}"), 200, fixture("llama.cpp-router/props.json"))
            .with(&format!("/metrics{QUERY}"), 200, fixture("llama.cpp-router/metrics-busy.prom"))
            .with(&format!("/slots{QUERY}"), 200, fixture("llama.cpp-router/slots-busy.json"))
    }

    fn at(second: u64) -> Stamp {
        Stamp::at_seconds(second)
    }

    fn states(reading: &Reading) -> Vec<(&str, &str)> {
        reading.models.iter().map(|model| (model.name.as_str(), model.state.word())).collect()
    }

    #[test]
    fn only_loaded_models_are_asked_and_never_loaded() {
        let (mut router, mut server) = (Router::default(), server());
        let reading = router.round(&mut server, at(1), false).expect("a reading");
        assert_eq!(states(&reading), [("tiny-b", "loaded"), ("tiny-a", "not loaded")]);
        assert_eq!(reading.models[0].work.running, Some(1.0));
        let asked = server.take_asked();
        assert!(asked.iter().all(|path| !path.contains("tiny-a")), "{asked:?}");
        assert!(asked.iter().all(|path| !path.contains('?') || path.ends_with("&autoload=false")), "{asked:?}");
        server.put("/models", 200, fixture("llama.cpp-router/models.json"));
        let reading = router.round(&mut server, at(2), false).expect("a reading");
        assert_eq!(server.take_asked(), ["/models"], "nothing is loaded, nothing else is asked");
        assert_eq!(states(&reading), [("tiny-a", "not loaded"), ("tiny-b", "not loaded")]);
    }

    #[test]
    fn what_a_model_is_was_asked_once_each_time_it_is_loaded() {
        let (mut router, mut server) = (Router::default(), server());
        let mut props = |server: &mut Answers, second: u64| {
            router.round(server, at(second), true).expect("a reading");
            server.take_asked().into_iter().filter(|path| path.starts_with("/props?")).count()
        };
        assert_eq!((props(&mut server, 1), props(&mut server, 2)), (1, 0));
        let loaded = fixture("llama.cpp-router/models-switched.json");
        server.put("/models", 200, fixture("llama.cpp-router/models.json"));
        assert_eq!(props(&mut server, 3), 0, "nothing is loaded");
        server.put("/models", 200, loaded);
        assert_eq!(props(&mut server, 4), 1, "it may have been loaded in another way");
    }

    #[test]
    fn a_loaded_model_is_described_by_list_and_props() {
        let reading = Router::default().round(&mut server(), at(1), false).expect("a reading");
        let model = &reading.models[0];
        assert_eq!((reading.version.as_deref(), reading.missing), (Some("b1-7e4c0a9"), None));
        assert_eq!(
            (model.slots_total, model.context, model.quantisation.as_deref()),
            (Some(4), Some(1024), Some("F16"))
        );
        assert_eq!(
            (model.size, model.parameters, model.context_trained),
            (Some(1_839_616), Some(918_656.0), Some(4096))
        );
        assert_eq!((model.slots.len(), model.work.generated_tokens), (4, Some(64.0)));
        assert_eq!(reading.models[1].context, Some(4096), "as it would be loaded");
    }

    #[test]
    fn a_model_that_sleeps_when_idle_is_left_alone() {
        let idle = fixture("llama.cpp-router/metrics.prom");
        let list = String::from_utf8(fixture("llama.cpp-router/models-switched.json")).expect("text");
        let sleepy = list.replace("\"--metrics\"", "\"--sleep-idle-seconds\",\"60\",\"--metrics\"");
        let server =
            || server().with("/models", 200, sleepy.clone()).with(&format!("/metrics{QUERY}"), 200, idle.clone());
        for (works, asked) in [(false, 1), (true, 2)] {
            let (mut router, mut server) = (Router::default(), server());
            router.round(&mut server, at(1), works).expect("a reading");
            server.take_asked();
            router.round(&mut server, at(2), works).expect("a reading");
            assert_eq!(server.take_asked().len(), asked, "{works}");
        }
    }

    #[test]
    fn only_what_is_wrong_with_the_server_itself_ends_a_round() {
        for status in [400, 404, 500, 503] {
            let mut server = server().with(&format!("/props{QUERY}"), status, "gone");
            let reading = Router::default().round(&mut server, at(1), false).expect("a reading");
            assert_eq!((states(&reading)[0], reading.models[0].slots_total), (("tiny-b", "loaded"), None), "{status}");
        }
        for path in ["/props", "/metrics"] {
            let mut server = server().with(&format!("{path}{QUERY}"), 401, r#"{"error":"no key"}"#);
            let state = Router::default().round(&mut server, at(1), false).expect_err("refused");
            assert!(matches!(&state, ServerState::Unauthorised(why) if why.contains("no key")), "{path}: {state:?}");
        }
    }

    #[test]
    fn flags_of_a_model_are_hints() {
        let of = |args: &str| {
            let list = format!(r#"{{"data":[{{"id":"m","status":{{"value":"loaded","args":[{args}]}}}}]}}"#);
            let entry = models(&serde_json::from_str(&list).expect("JSON")).remove(0);
            (entry.hints.sleeps, entry.hints.unified, entry.model.context)
        };
        let seconds = |seconds| Sleeps::After(Duration::from_secs(seconds));
        assert_eq!(of(""), (Sleeps::Never, false, None));
        assert_eq!(
            of(r#""--sleep-idle-seconds","30","--ctx-size","4096","--kv-unified""#),
            (seconds(30), true, Some(4096))
        );
        assert_eq!(of(r#""30","--sleep-idle-seconds","0""#), (seconds(0), false, None));
        for never in [r#""--sleep-idle-seconds","-1""#, r#""--sleep-idle-seconds""#, r#""--sleep-idle-seconds","x""#] {
            assert_eq!(of(never), (Sleeps::Never, false, None), "{never}");
        }
    }

    #[test]
    fn a_model_that_went_meanwhile_costs_no_round() {
        let error = fixture("llama.cpp-router/error-not-loaded.json");
        let mut server =
            server().with(&format!("/metrics{QUERY}"), 400, error.clone()).with(&format!("/props{QUERY}"), 400, error);
        let reading = Router::default().round(&mut server, at(1), false).expect("a reading");
        assert_eq!(states(&reading)[0], ("tiny-b", "loading"));
    }

    #[test]
    fn states_and_failures_are_read() {
        let entry = |status: &str| format!(r#"{{"data":[{{"id":"m","status":{status}}}]}}"#);
        let of = |status: &str| models(&serde_json::from_str(&entry(status)).expect("JSON")).remove(0);
        let failed = of(r#"{"value":"unloaded","failed":true,"exit_code":1}"#).model;
        assert_eq!(
            (failed.state, failed.failure.as_deref()),
            (ModelState::Failed, Some("its process ended with status 1"))
        );
        for (word, state) in [
            ("loaded", ModelState::Loaded),
            ("loading", ModelState::Loading),
            ("sleeping", ModelState::Asleep),
            ("downloading", ModelState::Downloading),
            ("unloaded", ModelState::NotLoaded),
            ("of the next version", ModelState::NotLoaded),
        ] {
            let model = of(&format!(r#"{{"value":"{word}"}}"#)).model;
            assert_eq!((model.state, model.failure), (state, None), "{word}");
        }
        let unknown = of(r#"{"value":"unloaded","failed":true}"#).model;
        assert_eq!(unknown.failure.as_deref(), Some("it could not be loaded"));
        let sleepy = of(r#"{"value":"loaded","args":["x","--sleep-idle-seconds","30","-kvu"]}"#);
        assert_eq!(sleepy.hints, Hints { sleeps: Sleeps::After(Duration::from_secs(30)), unified: true, works: false });
        assert_eq!(models(&serde_json::json!({"data": [{"id": "m"}, {"status": {}}]})), []);
    }
}
