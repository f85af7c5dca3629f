//! `model_servers` and `models` of the document.

use serde::Serialize;

use crate::{
    model::{
        host::Host,
        join,
        model_server::{self, Expiry, ModelRow, ServerRow, Spread},
    },
    state::State,
};

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Server<'a> {
    /// As configured, or made of its kind and port.
    name: &'a str,
    url: &'a str,
    /// ollama, llama.cpp, llama.cpp-router, vllm, sglang, tgi, lmstudio, llama-swap, openai.
    kind: &'static str,
    /// configured, process, port: how it is known.
    found: &'static str,
    state: &'static str,
    /// Why it does not answer as it should.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    /// What it does not say, and how it would.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    /// Since its last good answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    age_seconds: Option<f64>,
    /// How often it is asked.
    every_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<&'a str>,
    /// Labels of the cards that it uses.
    gpus: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    running: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens_per_second: Option<f64>,
    /// Tokens a second by the watts of its cards, where no other uses them.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens_per_joule: Option<f64>,
    /// By the command line, or the name of the variable that sets it.
    settings: Vec<Setting<'a>>,
    /// What holds it back, where its figures show it.
    #[serde(skip_serializing_if = "Option::is_none")]
    slow: Option<Slow>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Setting<'a> {
    name: &'a str,
    set: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Slow {
    by: &'static str,
    evidence: String,
    advice: &'static str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Model<'a> {
    server: &'a str,
    name: &'a str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantisation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<f64>,
    /// Tokens that a request can have now.
    #[serde(skip_serializing_if = "Option::is_none")]
    context_tokens: Option<u64>,
    /// Tokens that it was trained for.
    #[serde(skip_serializing_if = "Option::is_none")]
    context_trained_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vram_bytes: Option<u64>,
    /// Share of its memory that is on cards.
    #[serde(skip_serializing_if = "Option::is_none")]
    card_ratio: Option<f64>,
    /// When it is put out of memory; left out where it stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_unix_milliseconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slots: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    running: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kv_cache_used_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens_per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_tokens_per_second: Option<f64>,
    /// Since the server started.
    #[serde(skip_serializing_if = "Option::is_none")]
    generated_tokens: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_tokens: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_token: Option<Times>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_token: Option<Times>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Times>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<Times>,
    /// What the optional probe measured last.
    #[serde(skip_serializing_if = "Option::is_none")]
    probe: Option<Probe<'a>>,
    /// Of its last load, as it was seen or as the server says.
    #[serde(skip_serializing_if = "Option::is_none")]
    load_seconds: Option<f64>,
    /// Why it could not be loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a str>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Probe<'a> {
    age_seconds: f64,
    /// With a prompt that is new to the cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    cold: Option<Shot>,
    /// With the same prompt again.
    #[serde(skip_serializing_if = "Option::is_none")]
    warm: Option<Shot>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a str>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Shot {
    first_token_seconds: f64,
    response_seconds: f64,
    tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens_per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cached_tokens: Option<u64>,
}

/// Of the last five minutes, estimated from the server's histogram.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Times {
    requests: f64,
    mean_seconds: f64,
    p50_seconds: f64,
    /// From 20 requests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    p95_seconds: Option<f64>,
    /// From 100 requests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    p99_seconds: Option<f64>,
}

impl Times {
    fn of(spread: Option<Spread>) -> Option<Self> {
        spread.map(|s| Times {
            requests: s.count,
            mean_seconds: s.mean,
            p50_seconds: s.p50,
            p95_seconds: s.p95,
            p99_seconds: s.p99,
        })
    }
}

/// All servers.
pub(super) fn servers(state: &State) -> Vec<Server<'_>> {
    state.host.model_servers.rows.iter().map(|row| server(&state.host, row)).collect()
}

/// All models of all servers, loaded or not.
pub(super) fn models(state: &State) -> Vec<Model<'_>> {
    let rows = state.host.model_servers.rows.iter();
    rows.flat_map(|row| row.models.iter().map(|of| model(&state.host, row, of))).collect()
}

fn server<'a>(host: &'a Host, row: &'a ServerRow) -> Server<'a> {
    use crate::model::model_server::Origin;
    let raw = &row.raw;
    let slow = row.slow(&join::around_model_server(host, row), host.now);
    Server {
        name: &raw.name,
        url: &raw.url,
        kind: raw.kind.name(),
        found: match raw.origin {
            Origin::Configured => "configured",
            Origin::Process => "process",
            Origin::Port => "port",
        },
        state: raw.state.word(),
        message: raw.state.why(),
        missing: raw.reading.missing.as_deref(),
        version: raw.reading.version.as_deref(),
        age_seconds: raw.at.map(|at| host.now.since(at).as_secs_f64()),
        every_seconds: raw.every.as_secs_f64(),
        pid: raw.process.as_ref().map(|process| process.pid),
        container: join::container_of_model_server(host, row).map(|container| container.meta.name.as_str()),
        gpus: join::cards_of_model_server(host, row).into_iter().map(|(gpu, _)| gpu.raw.label()).collect(),
        running: row.running(),
        waiting: row.waiting(),
        tokens_per_second: row.tokens(),
        tokens_per_joule: join::tokens_per_joule(host, row),
        settings: raw.settings.iter().map(|setting| Setting { name: &setting.name, set: &setting.set }).collect(),
        slow: slow.map(|slow| Slow { by: slow.by, evidence: slow.evidence, advice: slow.advice }),
    }
}

fn model<'a>(host: &Host, row: &'a ServerRow, of: &'a ModelRow) -> Model<'a> {
    let (raw, work, figures) = (&of.raw, &of.raw.work, &of.flow.figures);
    // What a server that does not answer said last is no figure of now.
    let now = row.is_up();
    let value = |value: Option<f64>| value.filter(|_| now);
    Model {
        server: &row.raw.name,
        name: &raw.name,
        state: if now { raw.state.word() } else { row.raw.state.word() },
        size_bytes: raw.size,
        quantisation: raw.quantisation.as_deref(),
        parameters: raw.parameters,
        context_tokens: raw.context,
        context_trained_tokens: raw.context_trained,
        memory_bytes: raw.memory.filter(|_| now),
        vram_bytes: raw.vram.filter(|_| now),
        card_ratio: value(raw.card_share()),
        expires_unix_milliseconds: match raw.expires {
            Some(Expiry::At(at)) if now => Some(at),
            _ => None,
        },
        slots: raw.slots_total,
        running: value(work.running),
        waiting: value(work.waiting),
        kv_cache_used_ratio: value(work.kv_used),
        tokens_per_second: value(figures.tokens),
        prompt_tokens_per_second: value(figures.prompt),
        generated_tokens: value(work.generated_tokens),
        prompt_tokens: value(work.prompt_tokens),
        first_token: Times::of(figures.first_token.filter(|_| now)),
        per_token: Times::of(figures.per_token.filter(|_| now)),
        response: Times::of(figures.response.filter(|_| now)),
        queue: Times::of(figures.queue.filter(|_| now)),
        probe: of.probe.as_ref().map(|probe| Probe {
            age_seconds: host.now.since(probe.at).as_secs_f64(),
            cold: probe.cold.as_ref().map(shot),
            warm: probe.warm.as_ref().map(shot),
            failure: probe.failure.as_deref(),
        }),
        load_seconds: of.load_seconds,
        failure: raw.failure.as_deref(),
    }
}

fn shot(of: &model_server::Shot) -> Shot {
    Shot {
        first_token_seconds: of.first_token,
        response_seconds: of.response,
        tokens: of.tokens,
        tokens_per_second: of.tokens_per_second,
        cached_tokens: of.cached,
    }
}
