//! What the document says, value by value.

use serde_json::{Value, json};

use super::*;
use crate::sink::testing::{later, served};

fn document(state: &State) -> Value {
    let mut out = Vec::new();
    write(state, &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn services_are_written_with_what_was_found() {
    let document = document(&served());
    let services = document["services"].as_array().unwrap();
    let began = later(1).unix_ms;
    assert_eq!(
        services[0],
        json!({
            "name": "cloud", "url": "https://cloud.lan", "kind": "https", "state": "up",
            "since_unix_milliseconds": began, "every_seconds": 30.0, "age_seconds": 4.0, "response_seconds": 0.032,
            "phases_seconds": {"resolve": 0.002, "first_byte": 0.03}, "failures_in_row": 0, "status": 200,
            "address": "192.0.2.7", "redirects": 2, "body_bytes": 5120, "certificate_refused": "unknown issuer",
            "certificates": [{
                "subject": "cloud.lan", "issuer": "home CA", "self_signed": false,
                "not_before_unix_seconds": 1_799_913_600, "not_after_unix_seconds": 1_803_456_000,
            }],
        })
    );
    assert_eq!((&services[1]["kind"], &services[1]["ping_loss_ratio"]), (&json!("ping"), &json!(0.25)));
    assert_eq!(
        services[2],
        json!({
            "name": "wiki", "url": "https://wiki.lan", "kind": "https", "state": "down", "message": "503",
            "since_unix_milliseconds": began, "every_seconds": 30.0, "age_seconds": 4.0, "phases_seconds": {},
            "failures_in_row": 1, "redirects": 0, "certificates": [],
        })
    );
    let stands = |at: usize| (services[at]["state"].as_str().unwrap(), services[at]["message"].as_str());
    assert_eq!((stands(3), stands(4)), (("unjudged", Some("no file of headers")), ("waiting", None)));
    assert_eq!(services[4]["age_seconds"], Value::Null, "it was not probed");
}

#[test]
fn model_servers_are_written_with_their_models() {
    let document = document(&served());
    assert_eq!(
        document["model_servers"][0],
        json!({
            "name": "llama", "url": "http://127.0.0.1:8080", "kind": "llama.cpp", "found": "process", "state": "up",
            "missing": "start it with --metrics", "version": "b6000", "age_seconds": 0.0, "every_seconds": 1.0,
            "pid": 77, "gpus": [], "running": 2.0, "waiting": 1.0, "tokens_per_second": 250.0,
            "settings": [{"name": "--ctx-size", "set": "8192"}],
        })
    );
    let (other, port) = (&document["model_servers"][1], &document["model_servers"][2]);
    assert_eq!((&other["found"], &other["state"]), (&json!("configured"), &json!("unauthorised")));
    assert_eq!((&other["message"], &other["running"]), (&json!("it wants a key"), &Value::Null));
    assert_eq!((&port["found"], &port["state"]), (&json!("port"), &json!("waiting")));
}

#[test]
fn models_are_written_with_what_they_do() {
    let mut state = served();
    let before = document(&state);
    let times =
        |p50: f64, mean: f64| json!({"requests": 20.0, "mean_seconds": mean, "p50_seconds": p50, "p95_seconds": 0.0});
    let mut model = before["models"][0].clone();
    for (phase, p50, mean) in
        [("first_token", 0.2, 0.1), ("per_token", 0.01, 0.005), ("response", 0.8, 0.4), ("queue", 0.1, 0.05)]
    {
        let mut found = model[phase].take();
        found["p95_seconds"] = json!(0.0);
        assert_eq!(found, times(p50, mean), "{phase}");
        model.as_object_mut().unwrap().remove(phase);
    }
    assert_eq!(
        model,
        json!({
            "server": "llama", "name": "qwen", "state": "loaded", "size_bytes": 4_294_967_296_u64,
            "quantisation": "Q4_K_M", "parameters": 8e9, "context_tokens": 8192, "context_trained_tokens": 32768,
            "memory_bytes": 4000, "vram_bytes": 3000, "card_ratio": 0.75,
            "expires_unix_milliseconds": later(60).unix_ms, "slots": 4, "running": 2.0, "waiting": 1.0,
            "kv_cache_used_ratio": 0.5, "tokens_per_second": 250.0, "prompt_tokens_per_second": 1000.0,
            "generated_tokens": 2000.0, "prompt_tokens": 8000.0,
            "probe": {
                "age_seconds": 5.0, "failure": "stopped",
                "cold": {
                    "first_token_seconds": 0.3, "response_seconds": 1.5, "tokens": 64, "tokens_per_second": 50.0,
                    "cached_tokens": 7,
                },
            },
        })
    );
    assert_eq!(before["models"][1], json!({"server": "llama", "name": "phi", "state": "failed", "failure": "no room"}));

    // What a server said last is no figure of now.
    state.host.model_servers.rows[0].raw.state = crate::model::model_server::ServerState::Broken("no JSON".into());
    let after = document(&state)["models"][0].clone();
    assert_eq!((&after["state"], &after["size_bytes"]), (&json!("not understood"), &json!(4_294_967_296_u64)));
    for gone in
        ["memory_bytes", "card_ratio", "expires_unix_milliseconds", "running", "first_token", "generated_tokens"]
    {
        assert_eq!(after[gone], Value::Null, "{gone}");
    }
}
