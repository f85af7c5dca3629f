//! Metrics of model servers.

use super::{
    Unit::{Bytes, Count, PerSecond, Ratio, Seconds},
    def::{MetricDef, Put, flag, gauge},
};
use crate::model::{
    gpu::GpuRow,
    host::Host,
    model_server::{Kind, ModelRow, ServerRow, ServerState, Shot},
    source::SourceId::ModelServers,
};

const SERVER: &[&str] = &["server"];
const MODEL: &[&str] = &["server", "model"];
const PROBE: &[&str] = &["server", "model", "cache"];

/// Its rows of TABLE METRICS.
#[rustfmt::skip] // a table: one metric a paragraph of two or three lines
pub(super) const ROWS: &[MetricDef] = &[
    gauge("model_server_up", Count, ModelServers, SERVER, "1 when the model server answers, whatever it is doing, 0 when it does not.",
        |h, put| for row in h.model_servers.rows.iter().filter(|row| row.raw.state != ServerState::Waiting) {
            put(&[&row.raw.name], flag(row.is_well()));
        })
        .cause(|h, of| Some(server(h, of)?.raw.state.why()?.to_owned())),
    gauge("models_loaded", Count, ModelServers, SERVER, "Models of the server that are in memory.",
        |h, put| servers(h, put, |s| (s.raw.kind != Kind::OpenAi).then(|| s.loaded().count() as f64))),
    gauge("model_queue", Count, ModelServers, SERVER, "Requests that wait.", |h, put| servers(h, put, ServerRow::waiting)),
    gauge("model_requests_running", Count, ModelServers, SERVER, "Requests that are processed.", |h, put| servers(h, put, ServerRow::running)),
    gauge("model_queue_seconds", Seconds, ModelServers, MODEL, "Time that a request waited before it was processed, on average over the last five minutes.",
        |h, put| models(h, put, |m| m.flow.figures.queue.map(|q| q.mean))),
    gauge("model_tokens_per_second", PerSecond, ModelServers, MODEL, "Tokens that the model generates a second, for all requests together.",
        |h, put| models(h, put, |m| m.flow.figures.tokens)),
    gauge("model_prompt_tokens_per_second", PerSecond, ModelServers, MODEL, "Tokens of prompts that the model processes a second.",
        |h, put| models(h, put, |m| m.flow.figures.prompt)),
    gauge("model_first_token_seconds", Seconds, ModelServers, MODEL, "Time to the first token, the middle one of the last five minutes, by the server's histogram.",
        |h, put| models(h, put, |m| m.flow.figures.first_token.map(|s| s.p50))),
    gauge("model_token_seconds", Seconds, ModelServers, MODEL, "Time for each token after the first, the middle one or on average.",
        |h, put| models(h, put, |m| m.flow.figures.seconds_a_token())),
    gauge("model_response_seconds", Seconds, ModelServers, MODEL, "Time to the end of a response, the middle one of the last five minutes, by the server's histogram.",
        |h, put| models(h, put, |m| m.flow.figures.response.map(|s| s.p50))),
    gauge("model_probe_first_token_seconds", Seconds, ModelServers, PROBE, "Time to the first token of the probe's prompt, new to the cache (cold) and known to it (warm).",
        |h, put| probes(h, put, |shot| shot.first_token)),
    gauge("model_probe_response_seconds", Seconds, ModelServers, PROBE, "Time to the end of the probe's answer of 64 tokens, new to the cache (cold) and known to it (warm).",
        |h, put| probes(h, put, |shot| shot.response)),
    gauge("model_response_target_ratio", Ratio, ModelServers, MODEL, "Time that a response of 64 tokens takes against its target: 2 s for a model of 8 billion weights, 10 s for one of 70.",
        |h, put| models(h, put, |m| Some(m.answer_seconds()? / m.target_seconds()?)))
        .cause(|h, of| {
            let model = model(h, of)?;
            Some(format!("{:.1} s for 64 tokens, target {:.1} s", model.answer_seconds()?, model.target_seconds()?))
        }),
    gauge("model_kv_cache_used_ratio", Ratio, ModelServers, MODEL, "Share of the KV cache that requests use.",
        |h, put| models(h, put, |m| m.raw.work.kv_used)),
    gauge("model_preemptions_per_second", PerSecond, ModelServers, MODEL, "Requests put back into the queue a second, as the KV cache was full.",
        |h, put| models(h, put, |m| m.flow.figures.preemptions)),
    gauge("model_failed_ratio", Ratio, ModelServers, MODEL, "Share of the requests of the last five minutes that failed or were given up.",
        |h, put| models(h, put, |m| m.flow.figures.failed)),
    gauge("model_memory_bytes", Bytes, ModelServers, MODEL, "Memory that the model holds, on cards and elsewhere.",
        |h, put| models(h, put, |m| m.raw.memory.map(|b| b as f64))),
    gauge("model_vram_bytes", Bytes, ModelServers, MODEL, "Memory that the model holds on cards.",
        |h, put| models(h, put, |m| m.raw.vram.map(|b| b as f64))),
    gauge("model_off_card_ratio", Ratio, ModelServers, MODEL, "Share of the model that is in main memory though the machine has a card.",
        |h, put| for row in h.model_servers.rows.iter().filter(|row| row.is_up()) {
            // Of one elsewhere the cards are not known.
            let has_card = row.raw.process.is_some() && h.gpus.rows.iter().any(GpuRow::is_up);
            for model in row.loaded().filter(|_| has_card) {
                if let Some(share) = model.raw.card_share() {
                    put(&[&row.raw.name, &model.raw.name], 1.0 - share);
                }
            }
        }),
];

/// Servers that are up. One that is not has its `model_server_up` alone.
fn servers(host: &Host, put: Put<'_>, figure: impl Fn(&ServerRow) -> Option<f64>) {
    for row in host.model_servers.rows.iter().filter(|row| row.is_up()) {
        if let Some(value) = figure(row) {
            put(&[&row.raw.name], value);
        }
    }
}

/// Models in memory.
fn models(host: &Host, put: Put<'_>, figure: impl Fn(&ModelRow) -> Option<f64>) {
    for row in &host.model_servers.rows {
        for model in row.loaded() {
            if let Some(value) = figure(model) {
                put(&[&row.raw.name, &model.raw.name], value);
            }
        }
    }
}

/// What the optional probe measured, while its model is in memory.
fn probes(host: &Host, put: Put<'_>, figure: impl Fn(&Shot) -> f64) {
    for row in &host.model_servers.rows {
        for model in row.loaded() {
            let Some(probe) = &model.probe else { continue };
            for (cache, shot) in [("cold", &probe.cold), ("warm", &probe.warm)] {
                if let Some(shot) = shot {
                    put(&[&row.raw.name, &model.raw.name, cache], figure(shot));
                }
            }
        }
    }
}

/// The server that the labels name.
fn server<'a>(host: &'a Host, labels: &[&str]) -> Option<&'a ServerRow> {
    host.model_servers.named(labels.first()?)
}

fn model<'a>(host: &'a Host, labels: &[&str]) -> Option<&'a ModelRow> {
    server(host, labels)?.models.iter().find(|model| Some(&model.raw.name.as_str()) == labels.get(1))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{
        gpu::{CardState, Gpu},
        metrics,
        model_server::{Model, ModelState, Probed, Reading, Runner, Server},
    };

    fn host() -> Host {
        let model = |name: &str, vram: u64| {
            let raw = Model {
                name: name.into(),
                state: ModelState::Loaded,
                parameters: Some(8e9),
                memory: Some(100),
                vram: Some(vram),
                ..Model::default()
            };
            let mut row = ModelRow::default();
            row.raw = raw;
            row
        };
        let server = |name: &str, state, process| ServerRow {
            raw: Server {
                name: name.into(),
                kind: Kind::Ollama,
                state,
                process,
                reading: Arc::new(Reading::default()),
                ..Server::default()
            },
            models: vec![model("one", 100), model("two", 25)],
            ..ServerRow::default()
        };
        let mut host = Host::default();
        host.model_servers.rows = vec![
            server("here", ServerState::Up, Some(Runner { pid: 7, started: 1 })),
            server("there", ServerState::Up, None),
            server("down", ServerState::Unreachable("refused".into()), None),
            server("new", ServerState::Waiting, None),
        ];
        host
    }

    fn read(host: &Host, id: &str) -> Vec<(String, f64)> {
        let mut all = Vec::new();
        let metric = metrics::find(id).expect("a metric");
        (metric.read)(host, &mut |labels, value| all.push((labels.join(" "), value)));
        all
    }

    #[test]
    fn only_servers_that_were_asked_are_up_or_down() {
        let of = |name: &str, value| (name.to_owned(), value);
        assert_eq!(read(&host(), "model_server_up"), [of("here", 1.0), of("there", 1.0), of("down", 0.0)]);
        let why = metrics::find("model_server_up").expect("a metric").cause.expect("it has one");
        assert_eq!(why(&host(), &["down"]).as_deref(), Some("refused"));
        assert_eq!((why(&host(), &["here"]), why(&host(), &["none"]), why(&host(), &[])), (None, None, None));
        assert_eq!(read(&host(), "models_loaded"), [of("here", 2.0), of("there", 2.0)]);
    }

    #[test]
    fn what_is_off_the_card_counts_where_there_is_one() {
        let mut host = host();
        assert_eq!(read(&host, "model_off_card_ratio"), []);
        let raw = Gpu { state: CardState::Up, ..Gpu::default() };
        host.gpus.rows = vec![GpuRow { raw, ..GpuRow::default() }];
        let expected = [("here one".to_owned(), 0.0), ("here two".to_owned(), 0.75)];
        assert_eq!(read(&host, "model_off_card_ratio"), expected, "of one elsewhere the cards are not known");
    }

    #[test]
    fn an_answer_is_held_against_the_target_of_its_size() {
        let mut host = host();
        let shot = |response| {
            Some(Shot { first_token: 0.5, response, tokens: 64, tokens_per_second: None, cached: None, short: false })
        };
        let probe = Probed { at: host.now, model: "one".into(), cold: shot(5.0), warm: shot(3.0), failure: None };
        host.model_servers.rows[0].models[0].probe = Some(Arc::new(probe));
        assert_eq!(read(&host, "model_response_target_ratio"), [("here one".to_owned(), 2.5)]);
        let why = metrics::find("model_response_target_ratio").expect("a metric").cause.expect("it has one");
        assert_eq!(why(&host, &["here", "one"]).as_deref(), Some("5.0 s for 64 tokens, target 2.0 s"));
        assert_eq!((why(&host, &["here", "two"]), why(&host, &["here"])), (None, None));
        let both = [("here one cold".to_owned(), 5.0), ("here one warm".to_owned(), 3.0)];
        assert_eq!(read(&host, "model_probe_response_seconds"), both);
    }
}
