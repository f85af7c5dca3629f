//! Servers with the API that most have: a list of models, and for some of them figures beside it.

use std::time::Duration;

use serde_json::Value;

use super::{
    fetch::Ask,
    figures,
    part::{Due, count, list, quantity, text},
    prometheus::Exposition,
    say,
};
use crate::{
    clock::Stamp,
    model::model_server::{Kind, Model, ModelState, Reading, ServerState, Work},
};

/// The list of models and the version.
const SLOW: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub struct OpenAi {
    version: Option<String>,
    models: Vec<Model>,
    due: Due,
}

impl OpenAi {
    /// # Errors
    /// The state of the server.
    pub fn round(&mut self, ask: &mut dyn Ask, kind: Kind, at: Stamp) -> Result<Reading, ServerState> {
        match kind {
            Kind::Vllm | Kind::Sglang | Kind::Tgi => self.with_figures(ask, kind, at),
            Kind::LmStudio => lm_studio(ask),
            Kind::LlamaSwap => self.llama_swap(ask, at),
            _ => {
                if self.due.is_due(at, SLOW / 2) {
                    self.models = entries(&get(ask, "/v1/models")?);
                    self.due.done(at);
                }
                Ok(Reading { models: self.models.clone(), ..Reading::default() })
            }
        }
    }

    fn with_figures(&mut self, ask: &mut dyn Ask, kind: Kind, at: Stamp) -> Result<Reading, ServerState> {
        if self.due.is_due(at, SLOW) {
            (self.version, self.models) = match kind {
                Kind::Tgi => tgi_info(&get(ask, "/info")?),
                _ => {
                    let version = match kind {
                        Kind::Vllm => text(&get(ask, "/version")?, "version"),
                        _ => None,
                    };
                    (version, entries(&get(ask, "/v1/models")?))
                }
            };
            self.due.done(at);
        }
        let got = ask.get("/metrics").map_err(|error| say::trouble(&error))?;
        let mut reading = Reading { version: self.version.clone(), models: self.models.clone(), missing: None };
        if got.status == 404 || got.status == 501 {
            let switch = kind.switch().map_or_else(String::new, |switch| format!(": start it with {switch}"));
            reading.missing = Some(format!("no figures of speed{switch}"));
            return Ok(reading);
        }
        say::good("/metrics", &got)?;
        let body = got.text();
        let all = Exposition::parse(&body);
        let counted = match kind {
            Kind::Vllm if figures::vllm_sleeps(&all) => return Err(ServerState::Asleep),
            Kind::Vllm => figures::vllm(&all),
            Kind::Sglang => figures::sglang(&all),
            _ => {
                let work = figures::tgi(&all);
                reading.models.iter().map(|model| Model { work: work.clone(), ..model.clone() }).collect()
            }
        };
        for model in counted {
            match reading.models.iter_mut().find(|known| known.name == model.name) {
                Some(known) => known.work = model.work,
                None => reading.models.push(model),
            }
        }
        if reading.models.iter().all(|model| model.work == Work::default()) {
            reading.missing = Some(format!("/metrics has no figures of {}", kind.title()));
        }
        Ok(reading)
    }

    fn llama_swap(&mut self, ask: &mut dyn Ask, at: Stamp) -> Result<Reading, ServerState> {
        if self.due.is_due(at, SLOW) {
            self.models = entries(&get(ask, "/v1/models")?);
            self.models.iter_mut().for_each(|model| model.state = ModelState::NotLoaded);
            self.due.done(at);
        }
        let running = get(ask, "/running")?;
        let running = list(&running, "running", |entry| {
            let state = match entry.get("state").and_then(Value::as_str).unwrap_or_default() {
                "starting" => ModelState::Loading,
                "ready" | "" => ModelState::Loaded,
                _ => ModelState::NotLoaded,
            };
            Some((text(entry, "model")?, state))
        });
        let mut models = self.models.clone();
        for (name, state) in running {
            match models.iter_mut().find(|model| model.name == name) {
                Some(model) => model.state = state,
                None => models.push(Model { name, state, ..Model::default() }),
            }
        }
        models.sort_by_key(|model| !model.is_loaded());
        Ok(Reading { models, ..Reading::default() })
    }
}

fn get(ask: &mut dyn Ask, path: &str) -> Result<Value, ServerState> {
    let got = ask.get(path).map_err(|error| say::trouble(&error))?;
    say::json(path, &got)
}

/// `/v1/models`.
#[must_use]
pub fn entries(answer: &Value) -> Vec<Model> {
    list(answer, "data", |entry| {
        let name = text(entry, "id")?;
        Some(Model { name, state: ModelState::Loaded, context: count(entry, "max_model_len"), ..Model::default() })
    })
}

/// TGI's `/info`.
fn tgi_info(answer: &Value) -> (Option<String>, Vec<Model>) {
    let name = text(answer, "model_id").unwrap_or_else(|| "model".to_owned());
    let context = count(answer, "max_total_tokens");
    let quantisation = text(answer, "model_dtype");
    let model = Model { name, state: ModelState::Loaded, context, quantisation, ..Model::default() };
    (text(answer, "version"), vec![model])
}

/// LM Studio: its own list says what is loaded; the older one is asked where the newer is missing.
fn lm_studio(ask: &mut dyn Ask) -> Result<Reading, ServerState> {
    let got = ask.get("/api/v1/models").map_err(|error| say::trouble(&error))?;
    let newer = if got.is_good() { say::json("/api/v1/models", &got).ok() } else { None };
    let mut models = match newer.filter(|answer| answer.get("models").is_some()) {
        Some(answer) => lm_studio_v1(&answer),
        None => lm_studio_v0(&get(ask, "/api/v0/models")?),
    };
    models.sort_by_key(|model| !model.is_loaded());
    Ok(Reading { models, ..Reading::default() })
}

fn lm_studio_v1(answer: &Value) -> Vec<Model> {
    list(answer, "models", |entry| {
        let instances = entry.get("loaded_instances").and_then(Value::as_array);
        let config = instances.and_then(|all| all.first()).and_then(|first| first.get("config"));
        let loaded = instances.is_some_and(|all| !all.is_empty());
        Some(Model {
            name: text(entry, "key")?,
            state: if loaded { ModelState::Loaded } else { ModelState::NotLoaded },
            size: count(entry, "size_bytes"),
            quantisation: entry.get("quantization").and_then(|of| text(of, "name")),
            parameters: text(entry, "params_string").and_then(|text| quantity(&text)),
            context_trained: count(entry, "max_context_length"),
            context: config.and_then(|config| count(config, "context_length")),
            ..Model::default()
        })
    })
}

fn lm_studio_v0(answer: &Value) -> Vec<Model> {
    list(answer, "data", |entry| {
        let loaded = entry.get("state").and_then(Value::as_str) == Some("loaded");
        Some(Model {
            name: text(entry, "id")?,
            state: if loaded { ModelState::Loaded } else { ModelState::NotLoaded },
            quantisation: text(entry, "quantization"),
            context_trained: count(entry, "max_context_length"),
            context: count(entry, "loaded_context_length"),
            ..Model::default()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::{fetch::Answers, part::testing::fixture},
        *,
    };

    fn at(second: u64) -> Stamp {
        Stamp::at_seconds(second)
    }

    #[test]
    fn vllm_has_its_models_and_their_figures() {
        let mut server = Answers::default()
            .with("/version", 200, fixture("vllm/version.json"))
            .with("/v1/models", 200, fixture("vllm/models.json"))
            .with("/metrics", 200, fixture("vllm/metrics.prom"));
        let mut vllm = OpenAi::default();
        let reading = vllm.round(&mut server, Kind::Vllm, at(1)).expect("a reading");
        assert_eq!((reading.version.as_deref(), reading.models.len()), (Some("0.21.0"), 1));
        assert_eq!((reading.models[0].context, reading.models[0].work.running), (Some(2048), Some(5.0)));
        server.take_asked();
        vllm.round(&mut server, Kind::Vllm, at(11)).expect("a reading");
        assert_eq!(server.take_asked(), ["/metrics"]);
        server.put("/metrics", 404, "");
        let bare = vllm.round(&mut server, Kind::Sglang, at(21)).expect("a reading");
        assert_eq!(bare.missing.as_deref(), Some("no figures of speed: start it with --enable-metrics"));
    }

    #[test]
    fn lm_studio_says_what_is_loaded_in_both_lists() {
        let newer = Answers::default().with("/api/v1/models", 200, fixture("lmstudio/v1-models.json"));
        let older = Answers::default().with("/api/v0/models", 200, fixture("lmstudio/v0-models.json"));
        for mut server in [newer, older] {
            let reading = OpenAi::default().round(&mut server, Kind::LmStudio, at(1)).expect("a reading");
            let found: Vec<_> = reading.models.iter().map(|m| (m.name.as_str(), m.state.word(), m.context)).collect();
            assert_eq!(found, [("tiny-a", "loaded", Some(2048)), ("tiny-b", "not loaded", None)]);
        }
    }

    /// How much a server of this kind asks for in rounds at these seconds.
    fn asked(kind: Kind, mut server: Answers, seconds: &[u64]) -> Vec<usize> {
        let mut known = OpenAi::default();
        let mut round = |second: &u64| {
            known.round(&mut server, kind, at(*second)).expect("a reading");
            server.take_asked().len()
        };
        seconds.iter().map(&mut round).collect()
    }

    const LIST: &str = r#"{"data":[{"id":"a","max_model_len":2048},{"id":"b"},{"id":""}]}"#;

    #[test]
    fn the_list_of_models_is_asked_for_now_and_then() {
        let server = || Answers::default().with("/v1/models", 200, LIST).with("/metrics", 200, "");
        assert_eq!(asked(Kind::OpenAi, server(), &[1, 30, 31, 60, 61]), [1, 0, 1, 0, 1], "every half minute");
        let vllm = server().with("/version", 200, r#"{"version":"1"}"#);
        assert_eq!(asked(Kind::Vllm, vllm, &[1, 2, 60, 61, 62]), [3, 1, 1, 3, 1], "every minute");
        assert_eq!(asked(Kind::Sglang, server(), &[1, 60, 61]), [2, 1, 2], "it has no version");
        let swap = server().with("/running", 200, "{}");
        assert_eq!(asked(Kind::LlamaSwap, swap, &[1, 60, 61]), [2, 1, 2]);
    }

    #[test]
    fn models_without_figures_are_loaded_ones() {
        let mut server = Answers::default().with("/v1/models", 200, LIST);
        let reading = OpenAi::default().round(&mut server, Kind::OpenAi, at(1)).expect("a reading");
        let found: Vec<_> = reading.models.iter().map(|m| (m.name.as_str(), m.state, m.context)).collect();
        assert_eq!(found, [("a", ModelState::Loaded, Some(2048)), ("b", ModelState::Loaded, None)]);
        assert_eq!((reading.version, reading.missing), (None, None));
    }

    #[test]
    fn figures_go_to_the_model_that_they_name() {
        let figures = "sglang:num_running_reqs{model_name=\"b\"} 2\nsglang:num_running_reqs{model_name=\"c\"} 3\n";
        let mut server = Answers::default().with("/v1/models", 200, LIST).with("/metrics", 200, figures);
        let reading = OpenAi::default().round(&mut server, Kind::Sglang, at(1)).expect("a reading");
        let found: Vec<_> = reading.models.iter().map(|m| (m.name.as_str(), m.work.running)).collect();
        assert_eq!(found, [("a", None), ("b", Some(2.0)), ("c", Some(3.0))]);
        assert_eq!(reading.missing, None);
        for (kind, switch) in [(Kind::Sglang, ": start it with --enable-metrics"), (Kind::Tgi, "")] {
            for status in [404, 501] {
                let mut server = Answers::default()
                    .with("/v1/models", 200, LIST)
                    .with("/info", 200, "{}")
                    .with("/metrics", status, "none");
                let reading = OpenAi::default().round(&mut server, kind, at(1)).expect("a reading");
                assert_eq!(reading.missing, Some(format!("no figures of speed{switch}")), "{kind:?} {status}");
            }
        }
    }

    #[test]
    fn an_engine_that_sleeps_is_asleep() {
        let figures = "vllm:engine_sleep_state{sleep_state=\"discard_all\"} 1\n";
        let server = Answers::default().with("/v1/models", 200, LIST).with("/version", 200, "{}");
        let mut asleep = server.with("/metrics", 200, figures);
        let state = OpenAi::default().round(&mut asleep, Kind::Vllm, at(1)).expect_err("asleep");
        assert_eq!(state, ServerState::Asleep);
    }

    #[test]
    fn tgi_says_of_its_one_model_what_it_is() {
        let info = r#"{"model_id":"m","version":"3.3.5","max_total_tokens":2048,"model_dtype":"float16"}"#;
        let mut server = Answers::default().with("/info", 200, info).with("/metrics", 200, "tgi_queue_size 2\n");
        let reading = OpenAi::default().round(&mut server, Kind::Tgi, at(1)).expect("a reading");
        let model = Model {
            name: "m".to_owned(),
            state: ModelState::Loaded,
            context: Some(2048),
            quantisation: Some("float16".to_owned()),
            work: Work { waiting: Some(2.0), ..Work::default() },
            ..Model::default()
        };
        assert_eq!((reading.version.as_deref(), reading.models), (Some("3.3.5"), vec![model]));
        assert_eq!(tgi_info(&serde_json::json!({})).1[0].name, "model", "without a name");
    }

    #[test]
    fn lm_studio_says_what_its_models_are() {
        let of = |path: &str, file: &str| {
            let mut server = Answers::default().with(path, 200, fixture(file));
            OpenAi::default().round(&mut server, Kind::LmStudio, at(1)).expect("a reading").models.remove(0)
        };
        let newer = Model {
            name: "tiny-a".to_owned(),
            state: ModelState::Loaded,
            size: Some(448_480),
            quantisation: Some("F16".to_owned()),
            parameters: Some(213_000.0),
            context_trained: Some(4096),
            context: Some(2048),
            ..Model::default()
        };
        let older = Model { size: None, parameters: None, ..newer.clone() };
        assert_eq!(of("/api/v1/models", "lmstudio/v1-models.json"), newer);
        assert_eq!(of("/api/v0/models", "lmstudio/v0-models.json"), older);
        let late = r#"{"models":[{"key":"a","loaded_instances":[]},{"key":"b","loaded_instances":[{}]},{"key":"c"}]}"#;
        let mut server = Answers::default().with("/api/v1/models", 200, late);
        let reading = OpenAi::default().round(&mut server, Kind::LmStudio, at(1)).expect("a reading");
        let found: Vec<_> = reading.models.iter().map(|m| (m.name.as_str(), m.state.word())).collect();
        assert_eq!(found, [("b", "loaded"), ("a", "not loaded"), ("c", "not loaded")], "what is loaded first");
    }

    #[test]
    fn each_state_of_llama_swap_is_known() {
        let running = r#"{"running":[{"model":"b","state":"starting"},{"model":"c","state":"ready"},{"model":"d"},
            {"model":"e","state":"stopping"},{"state":"ready"}]}"#;
        let mut server = Answers::default().with("/v1/models", 200, LIST).with("/running", 200, running);
        let reading = OpenAi::default().round(&mut server, Kind::LlamaSwap, at(1)).expect("a reading");
        let found: Vec<_> = reading.models.iter().map(|m| (m.name.as_str(), m.state.word())).collect();
        let expected = [("b", "loading"), ("c", "loaded"), ("d", "loaded"), ("a", "not loaded"), ("e", "not loaded")];
        assert_eq!(found, expected);
    }

    #[test]
    fn llama_swap_says_what_runs_and_no_model_is_asked() {
        let mut server = Answers::default()
            .with("/v1/models", 200, r#"{"object":"list","data":[{"id":"a","owned_by":"llama-swap"},{"id":"b"}]}"#)
            .with("/running", 200, r#"{"running":[{"model":"b","state":"ready"}]}"#);
        let reading = OpenAi::default().round(&mut server, Kind::LlamaSwap, at(1)).expect("a reading");
        let found: Vec<_> = reading.models.iter().map(|m| (m.name.as_str(), m.state.word())).collect();
        assert_eq!(found, [("b", "loaded"), ("a", "not loaded")]);
        assert!(server.take_asked().iter().all(|path| !path.contains("upstream")));
    }
}
