//! What the invented server answers over the network: six services, one of them slow, and two model servers.

use std::{sync::Arc, time::Duration};

use benchtop::{
    clock::Stamp,
    model::{
        model_server::{
            Expiry, Histogram, Kind, Model, ModelServerSample, ModelState, Origin, Reading, Server, ServerState, Slot,
            Work,
        },
        service::{
            Probe, Probed, ServiceSample,
            round::{Certificate, Chain, Found, Outcome, Phase, Phases, Round},
            target::{ServiceTarget, ServiceUrl},
        },
    },
};

use super::{GIB, NOW_MS, grown, wave};

/// Name, URL, usual milliseconds, days that the certificate is valid, seconds since it slowed down.
const PROBED: [(&str, &str, f64, i64, u64); 6] = [
    ("jellyfin", "http://127.0.0.1:8096/health", 4.2, 0, 0),
    ("nextcloud", "https://cloud.example.org/status.php", 61.0, 61, 150),
    ("immich", "http://127.0.0.1:2283/api/server/ping", 7.8, 0, 0),
    ("vault", "https://vault.example.org/alive", 18.0, 9, 0),
    ("router", "ping://192.168.1.1", 0.4, 0, 0),
    ("nas ssh", "tcp://192.168.1.20:22", 0.6, 0, 0),
];

/// Each is probed every 10 seconds.
pub fn services(second: u64, seconds: u64, at: impl Fn(u64) -> Stamp) -> ServiceSample {
    let probed = |(who, (name, url, usual, valid, slow_for)): (usize, &(&str, &str, f64, i64, u64))| {
        let target = ServiceTarget::new(*name, ServiceUrl::parse(url).expect("a URL"));
        let number = second.saturating_sub(1) / 10 + 1;
        let began = (number - 1) * 10 + 1;
        let slow = if began + slow_for > seconds { 3.4 } else { 1.0 };
        let total = usual / 1000.0 * slow * (0.9 + 0.2 * wave(began, who + 3));
        let mut phases = Phases::default();
        phases.add(Phase::Connect, total * 0.2);
        if *valid > 0 {
            phases.add(Phase::Resolve, total * 0.05);
            phases.add(Phase::Tls, total * 0.25);
        }
        if url.starts_with("http") {
            phases.add(Phase::FirstByte, total * 0.45);
            phases.add(Phase::Body, total * 0.05);
        }
        let now = NOW_MS / 1000;
        let certificate = Certificate {
            subject: target.url.host(),
            issuer: "R12".into(),
            self_signed: false,
            not_before_unix: now - 30 * 86_400,
            not_after_unix: now + valid * 86_400 + 3600,
        };
        let chain = (*valid > 0).then(|| Arc::new(Chain { certificates: vec![certificate], refused: None }));
        let status = url.starts_with("http").then_some(200);
        let found = Found { phases, status, chain, ..Found::default() };
        let outcome = Outcome::Up { seconds: Some(total) };
        let round = Round { number, began: at(began), ended: at(began), outcome, retried: None, found };
        Probed { probe: Arc::new(Probe::of(&target)), round: Some(Arc::new(round)), stuck: None }
    };
    ServiceSample { services: PROBED.iter().enumerate().map(probed).collect() }
}

/// Requests and tokens of a second, and the seconds of each phase, as counters.
fn work(second: u64, tokens: f64, answers: f64) -> Work {
    let count = grown(answers * 1000.0, second, 2) as f64 / 1000.0;
    let spread = |mean: f64| {
        let below = |share: f64| (mean * share, count * (share / 2.0).min(1.0));
        Histogram::of([0.5, 0.9, 1.1, 1.5, 2.0].map(below).to_vec(), Some(count), Some(count * mean))
    };
    let generated = grown(tokens, second, 5) as f64;
    Work {
        running: Some(if wave(second, 7) > 0.3 { 2.0 } else { 1.0 }),
        waiting: Some(0.0),
        kv_used: Some(0.34 + 0.1 * wave(second, 8)),
        prompt_tokens: Some(generated * 3.1),
        generated_tokens: Some(generated),
        prompt_seconds: Some(generated * 3.1 / 1900.0),
        generated_seconds: Some(generated / tokens),
        first_token: spread(0.31),
        response: spread(3.9),
        completed: Some(count),
        ..Work::default()
    }
}

pub fn model_servers(second: u64, at: Stamp) -> ModelServerSample {
    let model = |name: &str, gib: f64, weights: f64, state| Model {
        name: name.into(),
        state,
        size: Some((gib * GIB) as u64),
        quantisation: Some("Q4_K_M".into()),
        parameters: Some(weights * 1e9),
        context: Some(8192),
        ..Model::default()
    };
    let loaded = |name: &str, gib: f64, weights: f64, memory: f64, share: f64, expires| Model {
        memory: Some((memory * GIB) as u64),
        vram: Some((memory * share * GIB) as u64),
        expires,
        ..model(name, gib, weights, ModelState::Loaded)
    };
    let server = |name: &str, url: &str, kind, version: &str, models| Server {
        name: name.into(),
        url: url.into(),
        origin: Origin::Process,
        kind,
        state: ServerState::Up,
        reading: Arc::new(Reading { version: Some(version.into()), models, missing: None }),
        at: Some(at),
        every: Duration::from_secs(1),
        took: Some(0.002),
        ..Server::default()
    };
    let busy = Model {
        slots_total: Some(4),
        slots: (0..4).map(|id| Slot { id, busy: id < 2, context: Some(16_384), ..Slot::default() }).collect(),
        work: work(second, 74.0, 0.4),
        ..loaded("qwen3-8b", 4.7, 8.2, 7.2, 1.0, None)
    };
    let soon = Some(Expiry::At(NOW_MS + 222_000));
    ModelServerSample {
        servers: vec![
            server("llama.cpp", "http://127.0.0.1:8080", Kind::LlamaCpp, "b6700", vec![busy]),
            server(
                "ollama",
                "http://127.0.0.1:11434",
                Kind::Ollama,
                "0.12.6",
                vec![
                    loaded("mistral-nemo:12b", 6.6, 12.2, 5.9, 0.81, soon),
                    model("qwen2.5-coder:14b", 8.4, 14.8, ModelState::NotLoaded),
                    model("llama3.3:70b", 39.6, 70.6, ModelState::NotLoaded),
                ],
            ),
        ],
        settled: true,
    }
}
