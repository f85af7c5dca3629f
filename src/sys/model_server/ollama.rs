//! Ollama's own API: what is present and what is loaded. None of these paths loads a model or renews a keep-alive, and
//! it has no figures of speed: these only its clients see.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    fetch::Ask,
    part::{Due, count, list, quantity, text},
    say,
};
use crate::{
    clock::Stamp,
    model::model_server::{Expiry, Model, ModelState, Reading, ServerState},
};

/// What is present changes when the user pulls or removes a model.
const SLOW: Duration = Duration::from_secs(120);
/// A keep-alive that ends after this is "forever": Ollama writes the year 2319.
const FOREVER_MS: i64 = 20 * 365 * 86_400_000;

#[derive(Debug, Default)]
pub struct Ollama {
    version: Option<String>,
    present: Vec<Model>,
    due: Due,
}

impl Ollama {
    /// # Errors
    /// The state of the server.
    pub fn round(&mut self, ask: &mut dyn Ask, at: Stamp) -> Result<Reading, ServerState> {
        let loaded = get(ask, "/api/ps").map_err(|state| match state {
            ServerState::Broken(why) if why.contains("status 404") => {
                ServerState::TooOld(format!("{why}: Ollama says what is loaded from 0.1.33 on"))
            }
            other => other,
        })?;
        let loaded = ps(&loaded, at.unix_ms);
        let unknown = loaded.iter().any(|model| !self.present.iter().any(|known| known.name == model.name));
        if self.due.is_due(at, SLOW) || (unknown && self.due.is_due(at, SLOW / 10)) {
            self.present = tags(&get(ask, "/api/tags")?);
            self.version = version(&get(ask, "/api/version")?);
            self.due.done(at);
        }
        Ok(Reading { version: self.version.clone(), models: merged(loaded, &self.present), missing: None })
    }
}

fn get(ask: &mut dyn Ask, path: &str) -> Result<Value, ServerState> {
    let got = ask.get(path).map_err(|error| say::trouble(&error))?;
    say::json(path, &got)
}

/// What is loaded, then what is not, with what is known of each only by the list of files.
fn merged(loaded: Vec<Model>, present: &[Model]) -> Vec<Model> {
    let mut all: Vec<Model> = loaded
        .into_iter()
        .map(|model| match present.iter().find(|known| known.name == model.name) {
            Some(known) => Model {
                size: known.size.or(model.size),
                context_trained: known.context_trained,
                quantisation: model.quantisation.or_else(|| known.quantisation.clone()),
                parameters: model.parameters.or(known.parameters),
                ..model
            },
            None => model,
        })
        .collect();
    for known in present {
        if !all.iter().any(|model| model.name == known.name) {
            all.push(known.clone());
        }
    }
    all
}

/// `/api/version`.
#[must_use]
pub fn version(answer: &Value) -> Option<String> {
    text(answer, "version")
}

fn details(entry: &Value, model: &mut Model) {
    let Some(details) = entry.get("details") else { return };
    model.quantisation = text(details, "quantization_level");
    model.parameters = details.get("parameter_size").and_then(Value::as_str).and_then(quantity);
    model.context_trained = count(details, "context_length");
}

/// `/api/tags`: the models that are present.
#[must_use]
pub fn tags(answer: &Value) -> Vec<Model> {
    list(answer, "models", |entry| {
        let remote = entry.get("remote_host").is_some() || entry.get("remote_model").is_some();
        let state = if remote { ModelState::Remote } else { ModelState::NotLoaded };
        let mut model = Model { name: text(entry, "name")?, state, size: count(entry, "size"), ..Model::default() };
        details(entry, &mut model);
        Some(model)
    })
}

/// `/api/ps`: the models in memory. Sizes of 0 are not known: so it says on a machine without a card.
#[must_use]
pub fn ps(answer: &Value, now_unix_ms: i64) -> Vec<Model> {
    list(answer, "models", |entry| {
        let memory = count(entry, "size").filter(|size| *size > 0);
        let mut model = Model {
            name: text(entry, "name")?,
            state: ModelState::Loaded,
            memory,
            vram: count(entry, "size_vram").filter(|_| memory.is_some()),
            context: count(entry, "context_length"),
            expires: text(entry, "expires_at").and_then(|at| expiry(&at, now_unix_ms)),
            ..Model::default()
        };
        details(entry, &mut model);
        model.context_trained = None;
        Some(model)
    })
}

fn expiry(at: &str, now_unix_ms: i64) -> Option<Expiry> {
    let at = at.parse::<Timestamp>().ok()?.as_millisecond();
    Some(if at - now_unix_ms > FOREVER_MS { Expiry::Never } else { Expiry::At(at) })
}

#[cfg(test)]
mod tests {
    use super::{
        super::{fetch::Answers, part::testing::fixture},
        *,
    };

    const NOW: i64 = 1_795_422_000_000;

    fn read(file: &str) -> Value {
        serde_json::from_slice(&fixture(&format!("ollama/{file}"))).expect("JSON")
    }

    fn server() -> Answers {
        Answers::default()
            .with("/api/version", 200, fixture("ollama/version.json"))
            .with("/api/tags", 200, fixture("ollama/tags.json"))
            .with("/api/ps", 200, fixture("ollama/ps-loaded.json"))
    }

    fn at(second: u64) -> Stamp {
        Stamp { mono_us: second * 1_000_000, unix_ms: NOW }
    }

    #[test]
    fn sizes_of_zero_are_not_known_and_forever_has_no_end() {
        let loaded = ps(&read("ps-loaded.json"), NOW);
        assert_eq!((loaded[0].memory, loaded[0].vram, loaded[0].card_share()), (None, None, None));
        assert!(matches!(loaded[0].expires, Some(Expiry::At(_))));
        assert_eq!(ps(&read("ps-forever.json"), NOW)[0].expires, Some(Expiry::Never));
        assert_eq!(ps(&read("ps-empty.json"), NOW), []);
        let card = serde_json::json!({"models": [{"name": "x", "size": 100, "size_vram": 40}, {"size": 1}]});
        let card = ps(&card, NOW);
        assert_eq!((card.len(), card[0].card_share()), (1, Some(0.4)), "one without a name is none");
    }

    #[test]
    fn loaded_models_come_first_with_what_their_file_says() {
        let reading = Ollama::default().round(&mut server(), at(1)).expect("a reading");
        let names: Vec<_> = reading.models.iter().map(|m| (m.name.as_str(), m.state.word())).collect();
        assert_eq!(names, [("tiny-a:latest", "loaded"), ("mid:latest", "not loaded"), ("tiny-b:latest", "not loaded")]);
        assert_eq!(reading.version.as_deref(), Some("0.0.0"));
        let first = &reading.models[0];
        assert_eq!((first.size, first.context, first.context_trained), (Some(448_789), Some(2048), Some(4096)));
        assert_eq!((first.parameters, first.quantisation.as_deref()), (Some(213_000.0), Some("F16")));
        assert_eq!(reading.models[1].parameters, Some(97_540_000.0));
    }

    #[test]
    fn only_what_is_loaded_is_asked_in_each_round() {
        let (mut ollama, mut server) = (Ollama::default(), server());
        ollama.round(&mut server, at(1)).expect("a reading");
        assert_eq!(server.take_asked(), ["/api/ps", "/api/tags", "/api/version"]);
        ollama.round(&mut server, at(11)).expect("a reading");
        assert_eq!(server.take_asked(), ["/api/ps"]);
    }

    #[test]
    fn a_model_that_is_not_in_the_list_has_it_asked_for_sooner() {
        let (mut ollama, mut server) = (Ollama::default(), server());
        let mut asked = |server: &mut Answers, second| {
            ollama.round(server, at(second)).expect("a reading");
            server.take_asked().len()
        };
        assert_eq!([1, 13, 120, 121].map(|second| asked(&mut server, second)), [3, 1, 1, 3], "every two minutes");
        server.put("/api/ps", 200, r#"{"models":[{"name":"new:latest"}]}"#);
        let new = [132, 133, 144, 145].map(|second| asked(&mut server, second));
        assert_eq!(new, [1, 3, 1, 3], "what is loaded and not known: every twelve seconds");
    }

    #[test]
    fn what_a_file_says_completes_what_is_loaded() {
        let of = |name: &str, size, quantisation: Option<&str>, parameters| Model {
            name: name.to_owned(),
            size,
            quantisation: quantisation.map(str::to_owned),
            parameters,
            ..Model::default()
        };
        let known = Model { context_trained: Some(4096), ..of("a", Some(5), Some("F16"), Some(7.0)) };
        let present = [known.clone(), of("c", Some(1), None, None)];
        let loaded = vec![of("a", None, None, None), of("b", Some(2), None, None)];
        assert_eq!(merged(loaded, &present), [known.clone(), of("b", Some(2), None, None), present[1].clone()]);
        let own = Model { context_trained: Some(4096), ..of("a", Some(5), Some("Q4"), Some(8.0)) };
        assert_eq!(merged(vec![of("a", Some(9), Some("Q4"), Some(8.0))], &present[..1]), [own]);
    }

    #[test]
    fn a_model_elsewhere_is_remote() {
        let all = r#"{"models":[{"name":"a","remote_host":"https://x"},{"name":"b","remote_model":"c"},
            {"name":"d","size":4,"details":{"parameter_size":"2K","quantization_level":"Q4","context_length":8}}]}"#;
        let all = tags(&serde_json::from_str(all).expect("JSON"));
        assert_eq!(
            all.iter().map(|model| (model.name.as_str(), model.state)).collect::<Vec<_>>(),
            [("a", ModelState::Remote), ("b", ModelState::Remote), ("d", ModelState::NotLoaded)]
        );
        let known = (all[2].size, all[2].parameters, all[2].quantisation.as_deref(), all[2].context_trained);
        assert_eq!(known, (Some(4), Some(2000.0), Some("Q4"), Some(8)));
    }

    #[test]
    fn what_is_in_memory_is_read_whole() {
        let one = r#"{"models":[{"name":"a","size":100,"size_vram":40,"context_length":2048,
            "expires_at":"2026-11-23T08:20:00Z","details":{"quantization_level":"F16","context_length":9}}]}"#;
        let model = Model {
            name: "a".to_owned(),
            state: ModelState::Loaded,
            memory: Some(100),
            vram: Some(40),
            context: Some(2048),
            quantisation: Some("F16".to_owned()),
            expires: Some(Expiry::At(NOW)),
            ..Model::default()
        };
        assert_eq!(ps(&serde_json::from_str(one).expect("JSON"), NOW), [model]);
    }

    #[test]
    fn what_stays_for_twenty_years_stays_for_ever() {
        const YEARS: i64 = 630_720_000_000;
        let at = Timestamp::from_millisecond(NOW).expect("a time").to_string();
        assert_eq!(expiry(&at, NOW - YEARS), Some(Expiry::At(NOW)));
        assert_eq!(expiry(&at, NOW - YEARS - 1), Some(Expiry::Never));
        assert_eq!(expiry(&at, NOW + 1), Some(Expiry::At(NOW)), "it is over");
        assert_eq!(expiry("soon", NOW), None);
    }

    #[test]
    fn one_that_cannot_say_what_is_loaded_is_too_old() {
        let state = Ollama::default().round(&mut Answers::default(), at(1)).expect_err("none");
        assert!(matches!(state, ServerState::TooOld(_)), "{state:?}");
        let mut broken = server().with("/api/ps", 500, "oops");
        let state = Ollama::default().round(&mut broken, at(1)).expect_err("none");
        assert_eq!(state, ServerState::Broken("/api/ps: status 500, oops".to_owned()));
    }
}
