//! Every kind of server against its own recording, damaged in each way that happens: errors as text and as an object, figures
//! under other names, none at all, counters that began again, another model.

use std::time::Duration;

use super::{fetch::Answers, part::testing::fixture, *};
use crate::model::{
    model_server::{Model, ModelServerSample, ModelServers, Server, Work},
    span::Span,
};

const TGI: &str = r#"{"model_id":"tiny-a","version":"3.3.5","max_total_tokens":2048,"model_dtype":"float16"}"#;
const SWAP: &str = r#"{"object":"list","data":[{"id":"tiny-a","owned_by":"llama-swap"},{"id":"b"}]}"#;

/// Kinds, and the path that each is asked in every round.
const KINDS: [(Kind, &str); 8] = [
    (Kind::Ollama, "/api/ps"),
    (Kind::LlamaCpp, "/metrics"),
    (Kind::LlamaRouter, "/models"),
    (Kind::Vllm, "/metrics"),
    (Kind::Sglang, "/metrics"),
    (Kind::Tgi, "/metrics"),
    (Kind::LmStudio, "/api/v1/models"),
    (Kind::LlamaSwap, "/running"),
];

/// A server of this kind as it was recorded.
fn recorded(kind: Kind) -> Answers {
    let all: &[(&str, &str)] = match kind {
        Kind::Ollama => &[
            ("/v1/models", "ollama/openai-models.json"),
            ("/api/version", "ollama/version.json"),
            ("/api/tags", "ollama/tags.json"),
            ("/api/ps", "ollama/ps-loaded.json"),
        ],
        Kind::LlamaCpp => &[
            ("/v1/models", "llama.cpp/models.json"),
            ("/props", "llama.cpp/props.json"),
            ("/metrics", "llama.cpp/metrics-busy.prom"),
            ("/slots", "llama.cpp/slots-busy.json"),
        ],
        Kind::LlamaRouter => &[
            ("/v1/models", "llama.cpp-router/models-switched.json"),
            ("/models", "llama.cpp-router/models-switched.json"),
            ("/props", "llama.cpp-router/router-props.json"),
            ("/props?model=tiny-b&autoload=false", "llama.cpp-router/props.json"),
            ("/metrics?model=tiny-b&autoload=false", "llama.cpp-router/metrics-busy.prom"),
            ("/slots?model=tiny-b&autoload=false", "llama.cpp-router/slots-busy.json"),
        ],
        Kind::Vllm => {
            &[("/v1/models", "vllm/models.json"), ("/version", "vllm/version.json"), ("/metrics", "vllm/metrics.prom")]
        }
        Kind::Sglang => &[("/v1/models", "sglang/models.json"), ("/metrics", "sglang/metrics.prom")],
        Kind::Tgi => &[("/metrics", "tgi/metrics.prom")],
        Kind::LmStudio => {
            &[("/api/v1/models", "lmstudio/v1-models.json"), ("/api/v0/models", "lmstudio/v0-models.json")]
        }
        _ => &[],
    };
    let mut answers = Answers::default();
    all.iter().for_each(|(path, file)| answers.put(path, 200, fixture(file)));
    match kind {
        Kind::Tgi => answers.put("/info", 200, TGI),
        Kind::LlamaSwap => {
            answers.put("/v1/models", 200, SWAP);
            answers.put("/running", 200, r#"{"running":[{"model":"tiny-a","state":"ready"}]}"#);
        }
        Kind::LlamaCpp | Kind::LlamaRouter => answers.server = Some("llama.cpp".to_owned()),
        _ => {}
    }
    answers
}

fn round(watcher: &mut Watcher, answers: &mut Answers, second: u64) -> Round {
    watcher.round(answers, Stamp::at_seconds(second), Hints { sleeps: Sleeps::Never, ..Hints::default() })
}

fn first(kind: Kind, answers: &mut Answers) -> Round {
    round(&mut Watcher::new(Some(kind), None), answers, 1)
}

#[test]
fn every_recording_is_read() {
    for (kind, _) in KINDS {
        let found = first(kind, &mut recorded(kind));
        assert_eq!((found.kind, &found.state), (Some(kind), &ServerState::Up));
        let models = found.reading.expect("a reading").models;
        assert!(models.iter().any(Model::is_loaded), "{kind:?}: {models:?}");
    }
}

#[test]
fn an_error_is_said_and_the_next_round_is_fine() {
    let errors: [&[u8]; 4] = [
        b"out of gas\n",
        br#"{"error":"out of gas"}"#,
        br#"{"error":{"message":"out of gas","code":500}}"#,
        br#"{"detail":"out of gas"}"#,
    ];
    for (kind, path) in KINDS {
        for error in errors {
            let (mut watcher, mut answers) = (Watcher::new(Some(kind), None), recorded(kind));
            assert_eq!(round(&mut watcher, &mut answers, 1).state, ServerState::Up, "{kind:?}");
            answers.put(path, 500, error);
            answers.put("/api/v0/models", 500, error);
            let found = round(&mut watcher, &mut answers, 100);
            let why = found.state.why().unwrap_or_default();
            assert!(matches!(found.state, ServerState::Broken(_)), "{kind:?}: {:?}", found.state);
            assert!(why.contains("status 500, out of gas"), "{kind:?}: {why}");
            assert_eq!((found.kind, found.reading), (Some(kind), None), "no figure of before");
            let again = round(&mut watcher, &mut recorded(kind), 200);
            assert_eq!(again.state, ServerState::Up, "{kind:?}");
        }
    }
}

#[test]
fn silence_is_unreachable_and_refusal_wants_a_key() {
    for (kind, path) in KINDS {
        let mut answers = recorded(kind);
        answers.put(path, 0, "");
        let state = first(kind, &mut answers).state;
        assert!(matches!(state, ServerState::Unreachable(_)), "{kind:?}: {state:?}");
        let mut answers = recorded(kind);
        answers.put(path, 401, r#"{"error":"no key"}"#);
        answers.put("/api/v0/models", 401, r#"{"error":"no key"}"#);
        let state = first(kind, &mut answers).state;
        assert!(matches!(&state, ServerState::Unauthorised(why) if why.contains("no key")), "{kind:?}: {state:?}");
    }
}

#[test]
fn figures_that_are_renamed_or_not_there_are_none_and_not_zero() {
    for (kind, path) in KINDS.into_iter().filter(|(_, path)| *path == "/metrics") {
        let text = String::from_utf8(recorded(kind).by_path.iter().find(|(p, ..)| p == path).expect("there").2.clone());
        let text = text.expect("text");
        let other: String = text.lines().map(|line| line.replace("vllm", "x").replace("sglang", "x") + "\n").collect();
        let other = other.replace("tgi_", "x_").replace("llamacpp", "x");
        for body in [other.as_str(), "", "# HELP nothing\n", "\u{0}\u{1}{{{ 7\n"] {
            let mut answers = recorded(kind);
            answers.put(path, 200, body);
            let found = first(kind, &mut answers);
            if kind == Kind::LlamaCpp {
                assert!(matches!(found.state, ServerState::Broken(_)), "{:?}", found.state);
                continue;
            }
            let reading = found.reading.unwrap_or_else(|| panic!("{kind:?}: {:?}", found.state));
            assert!(reading.models.iter().all(|model| model.work == Work::default()), "{kind:?}: {reading:?}");
            let missing = reading.missing.unwrap_or_default();
            assert!(missing.contains("/metrics has no figures of"), "{kind:?}: {missing:?}");
        }
    }
}

#[test]
fn a_body_that_is_cut_anywhere_is_never_read_as_something_else() {
    for (kind, path) in KINDS.into_iter().filter(|(_, path)| *path != "/metrics") {
        let body = recorded(kind).by_path.iter().find(|(p, ..)| p == path).expect("there").2.clone();
        for at in (0..body.trim_ascii_end().len()).step_by(7) {
            let mut answers = recorded(kind);
            answers.put(path, 200, &body[..at]);
            answers.put("/api/v0/models", 200, &body[..at]);
            let state = first(kind, &mut answers).state;
            assert!(matches!(state, ServerState::Broken(_)), "{kind:?} cut at {at}: {state:?}");
        }
    }
}

/// The same counters, much lower: the server was restarted.
fn restarted(model: &Model) -> Model {
    let low = |of: Option<f64>| of.map(|of| (of * 0.01).floor());
    let work = Work {
        generated_tokens: low(model.work.generated_tokens),
        prompt_tokens: low(model.work.prompt_tokens),
        completed: low(model.work.completed),
        failed: low(model.work.failed),
        preemptions: low(model.work.preemptions),
        ..model.work.clone()
    };
    Model { work, ..model.clone() }
}

#[test]
fn counters_that_begin_anew_give_no_rate_and_no_negative_one() {
    for (kind, _) in KINDS {
        let mut answers = recorded(kind);
        let reading = first(kind, &mut answers).reading.expect("a reading");
        let mut servers = ModelServers::default();
        let mut fold = |second: u64, models: Vec<Model>| {
            let at = Stamp::at_seconds(second);
            let reading = std::sync::Arc::new(Reading { models, ..Reading::default() });
            let server =
                Server { name: "a".into(), state: ServerState::Up, at: Some(at), reading, ..Server::default() };
            let every = Duration::from_secs(1);
            servers.apply(
                Span { at, every, since: Some(every) },
                ModelServerSample { servers: vec![server], settled: true },
            );
            let row = &servers.rows[0];
            row.models
                .iter()
                .flat_map(|model| {
                    let f = &model.flow.figures;
                    [f.tokens, f.tokens_now, f.prompt, f.preemptions, f.failed]
                })
                .flatten()
                .collect::<Vec<f64>>()
        };
        fold(1, reading.models.clone());
        fold(2, reading.models.clone());
        let after = fold(3, reading.models.iter().map(restarted).collect());
        assert!(after.iter().all(|rate| *rate >= 0.0), "{kind:?}: {after:?}");
        let counts = reading.models[0].work.generated_tokens.is_some_and(|tokens| tokens > 100.0);
        assert!(!counts || servers.rows[0].tokens().is_none(), "{kind:?}: a rate over a restart");
    }
}
