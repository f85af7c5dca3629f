//! A machine with services and model servers, for the tests of what is written about them.

use std::{sync::Arc, time::Duration};

use crate::{
    clock::Stamp,
    model::{
        event::{Envelope, Event, Sample},
        model_server::{
            Expiry, Histogram, Kind, Model, ModelServerSample, ModelState, Origin, Probed as Tried, Reading, Runner,
            Server, ServerState, Setting, Shot, Work,
        },
        service::{
            Probe, Probed, ServiceSample,
            round::{Cause, Certificate, Chain, Failure, FailureKind, Found, Outcome, Phase, Round},
            target::Scheme,
        },
        source::SourceId,
    },
    state::State,
};

const SECOND: Duration = Duration::from_secs(1);

/// A day after the certificate of `cloud` was made.
pub(super) const NOW: Stamp = Stamp { mono_us: 90_000_000_000, unix_ms: 1_800_000_000_000 };

pub(super) fn later(seconds: u64) -> Stamp {
    Stamp { mono_us: NOW.mono_us + seconds * 1_000_000, unix_ms: NOW.unix_ms + 1000 * seconds as i64 }
}

pub(super) fn read(state: &mut State, at: Stamp, source: SourceId, sample: Sample) {
    state.apply(Event::Reading(Envelope { source, at, took: SECOND / 1000, every: SECOND, outcome: Ok(sample) }));
}

fn probed(name: &str, scheme: Scheme, round: Option<Round>) -> Probed {
    let url = format!("{}://{name}.lan", if scheme == Scheme::Ping { "ping" } else { "https" });
    let (host, every) = (format!("{name}.lan"), Duration::from_secs(30));
    let probe = Probe { name: name.into(), url, scheme, host, port: 443, every, paused: false };
    Probed { probe: Arc::new(probe), round: round.map(Arc::new), stuck: None }
}

fn round(outcome: Outcome, found: Found) -> Round {
    Round { number: 1, began: NOW, ended: later(1), outcome, retried: None, found }
}

/// One that answers, one that does not, one that cannot be judged, one that has not been asked.
pub(super) fn services() -> Vec<Probed> {
    let mut found = Found {
        address: Some("192.0.2.7".parse().unwrap()),
        status: Some(200),
        bytes: Some(5120),
        redirects: 2,
        ..Found::default()
    };
    for (phase, seconds) in [(Phase::Resolve, 0.002), (Phase::FirstByte, 0.03)] {
        found.phases.add(phase, seconds);
    }
    let certificate = Certificate {
        subject: "cloud.lan".into(),
        issuer: "home CA".into(),
        self_signed: false,
        not_before_unix: NOW.unix_ms / 1000 - 86_400,
        not_after_unix: NOW.unix_ms / 1000 + 40 * 86_400,
    };
    found.chain = Some(Arc::new(Chain { certificates: vec![certificate], refused: Some("unknown issuer".into()) }));
    let lossy = Found { loss: Some(0.25), ..Found::default() };
    let failure = Failure { kind: FailureKind::Wrong, words: "503".into() };
    let setup = Outcome::Unjudged { cause: Cause::Setup, words: "no file of headers".into() };
    vec![
        probed("cloud", Scheme::Https, Some(round(Outcome::Up { seconds: Some(0.032) }, found))),
        probed("nas", Scheme::Ping, Some(round(Outcome::Up { seconds: Some(0.004) }, lossy))),
        probed("wiki", Scheme::Https, Some(round(Outcome::Down(failure), Found::default()))),
        probed("mail", Scheme::Https, Some(round(setup, Found::default()))),
        probed("new", Scheme::Https, None),
    ]
}

fn work(step: f64) -> Work {
    let spread = |mean: f64| Histogram::of(vec![(mean, step), (1.0, step * 2.0)], Some(step * 2.0), Some(step * mean));
    Work {
        running: Some(2.0),
        waiting: Some(1.0),
        kv_used: Some(0.5),
        prompt_tokens: Some(400.0 * step),
        generated_tokens: Some(100.0 * step),
        first_token: spread(0.2),
        per_token: spread(0.01),
        response: spread(0.8),
        queue: spread(0.1),
        ..Work::default()
    }
}

/// One that serves two models, one that wants a key, one that was not asked.
pub(super) fn model_servers(at: Stamp, step: f64) -> Vec<Server> {
    let first = Model {
        name: "qwen".into(),
        state: ModelState::Loaded,
        size: Some(4 << 30),
        quantisation: Some("Q4_K_M".into()),
        parameters: Some(8e9),
        context_trained: Some(32_768),
        context: Some(8192),
        memory: Some(4000),
        vram: Some(3000),
        expires: Some(Expiry::At(later(60).unix_ms)),
        slots_total: Some(4),
        work: work(step),
        ..Model::default()
    };
    let second = Model {
        name: "phi".into(),
        state: ModelState::Failed,
        expires: Some(Expiry::Never),
        failure: Some("no room".into()),
        ..Model::default()
    };
    let shot = Shot {
        first_token: 0.3,
        response: 1.5,
        tokens: 64,
        tokens_per_second: Some(50.0),
        cached: Some(7),
        short: false,
    };
    let tried = Tried { at: NOW, model: "qwen".into(), cold: Some(shot), warm: None, failure: Some("stopped".into()) };
    let up = Server {
        name: "llama".into(),
        url: "http://127.0.0.1:8080".into(),
        origin: Origin::Process,
        kind: Kind::LlamaCpp,
        state: ServerState::Up,
        reading: Arc::new(Reading {
            version: Some("b6000".into()),
            models: vec![first, second],
            missing: Some("start it with --metrics".into()),
        }),
        at: Some(at),
        every: SECOND,
        process: Some(Runner { pid: 77, started: 5 }),
        probe: Some(Arc::new(tried)),
        settings: vec![Setting { name: "--ctx-size".into(), set: "8192".into() }],
        ..Server::default()
    };
    let locked = Server {
        name: "vllm".into(),
        url: "http://nas:8000".into(),
        kind: Kind::Vllm,
        state: ServerState::Unauthorised("it wants a key".into()),
        every: SECOND,
        ..Server::default()
    };
    let waiting =
        Server { name: "port".into(), url: "http://127.0.0.1:9".into(), origin: Origin::Port, ..Server::default() };
    vec![up, locked, waiting]
}

/// All of it, five seconds after the first reading.
pub(super) fn served() -> State {
    let mut state = State::new(crate::alert::shipped().into());
    read(&mut state, later(1), SourceId::Services, Sample::Services(ServiceSample { services: services() }));
    for (second, step) in [(1, 10.0), (5, 20.0)] {
        let servers = model_servers(later(second), step);
        let sample = ModelServerSample { servers, settled: true };
        read(&mut state, later(second), SourceId::ModelServers, Sample::ModelServers(sample));
    }
    state
}
