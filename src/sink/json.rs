//! `once --json`: every figure in base units, by `assets/once.schema.json`. An absent value is left out, never 0.

pub mod alert;
mod container;
mod gpu;
mod model_server;
mod pool;
#[cfg(test)]
mod schema;
mod service;

use std::{collections::BTreeMap, io};

use serde::Serialize;

use super::{Sink, escaping::Escaping, report};
use crate::{
    clock::TICKS_PER_SECOND,
    model::{metrics::METRICS, process::Process, source::SourceId},
    state::State,
};

/// Version of the form; goes up when something is taken away or changes its meaning.
pub const SCHEMA: u32 = 1;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Report<'a> {
    /// Version of this form; goes up when something is taken away or changes its meaning.
    schema: u32,
    /// Version of the program.
    benchtop: &'static str,
    host: Host<'a>,
    sources: Vec<Source>,
    metrics: Vec<Metric<'a>>,
    alerts: Vec<alert::Alert<'a>>,
    /// Most CPU first; threads are counted, not listed.
    processes: Vec<Proc<'a>>,
    /// Of all engines, by name.
    containers: Vec<container::Container<'a>>,
    /// Imported ZFS pools, by name.
    pools: Vec<pool::Pool<'a>>,
    /// Cards of all makers. A lost card keeps its row without figures of now.
    gpus: Vec<gpu::Gpu<'a>>,
    /// What is probed, in the order of the config.
    services: Vec<service::Service<'a>>,
    /// Servers of language models, configured or found.
    model_servers: Vec<model_server::Server<'a>>,
    /// Models of all servers, loaded or not.
    models: Vec<model_server::Model<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Host<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    architecture: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_model: Option<&'a str>,
    /// kvm, lxc, docker …; left out on bare metal.
    #[serde(skip_serializing_if = "Option::is_none")]
    virtualization: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_threads: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_cores: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    boot_unix_seconds: Option<i64>,
    /// When the reading was taken.
    unix_milliseconds: i64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Source {
    id: &'static str,
    state: &'static str,
    /// Since the newest sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    age_seconds: Option<f64>,
    /// How long that reading took.
    #[serde(skip_serializing_if = "Option::is_none")]
    took_seconds: Option<f64>,
    /// What was looked for, refused or wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// The cure.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Metric<'a> {
    id: &'static str,
    labels: BTreeMap<&'static str, String>,
    value: f64,
    unit: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Proc<'a> {
    pid: u32,
    parent: u32,
    user: String,
    state: char,
    name: &'a str,
    command: &'a str,
    kernel: bool,
    /// Share of one core, so up to the number of cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_ratio: Option<f64>,
    cpu_seconds: f64,
    memory_bytes: u64,
    virtual_bytes: u64,
    threads: u32,
    priority: i32,
    nice: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_unix_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_bytes_per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    write_bytes_per_second: Option<f64>,
    /// First 12 letters of the container's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<&'a str>,
}

/// One document at the end of the run.
pub struct Json<W>(pub W);

impl<W: io::Write> Sink for Json<W> {
    fn finish(&mut self, state: &State) -> io::Result<()> {
        write(state, &mut self.0)?;
        self.0.flush()
    }
}

/// Writes the state as one JSON document and a line end.
///
/// # Errors
/// Those of `out`.
pub fn write(state: &State, out: &mut dyn io::Write) -> io::Result<()> {
    let facts = &state.host.facts;
    let report = Report {
        schema: SCHEMA,
        benchtop: env!("CARGO_PKG_VERSION"),
        host: Host {
            hostname: facts.hostname.as_deref(),
            os: facts.os.as_deref(),
            kernel: facts.kernel.as_deref(),
            architecture: facts.architecture.as_deref(),
            product: facts.product.as_deref(),
            cpu_model: facts.cpu_model.as_deref(),
            virtualization: facts.virtualization.as_deref(),
            cpu_threads: facts.threads,
            cpu_cores: facts.cores,
            boot_unix_seconds: facts.boot_unix_seconds,
            unix_milliseconds: state.host.now.unix_ms,
        },
        sources: SourceId::ALL.into_iter().filter(|s| report::is_asked(state, *s)).map(|s| source(state, s)).collect(),
        metrics: metrics(state),
        alerts: alert::all(state),
        processes: report::busiest(state).into_iter().map(|p| process(state, p)).collect(),
        containers: container::all(state),
        pools: pool::all(state),
        gpus: gpu::all(state),
        services: service::all(state),
        model_servers: model_server::servers(state),
        models: model_server::models(state),
    };
    serde_json::to_writer_pretty(Escaping(&mut *out), &report)?;
    out.write_all(b"\n")
}

fn source(state: &State, id: SourceId) -> Source {
    let health = state.host.health.get(id);
    Source {
        id: id.name(),
        state: report::status(state, id),
        age_seconds: health.and_then(|h| h.good_at).map(|at| state.host.now.since(at).as_secs_f64()),
        took_seconds: health.map(|h| h.took.as_secs_f64()),
        message: report::reason(state, id),
        hint: report::hint(state, id).map(str::to_owned),
    }
}

fn metrics(state: &State) -> Vec<Metric<'static>> {
    let mut found = Vec::new();
    for metric in METRICS {
        (metric.read)(&state.host, &mut |labels, value| {
            // JSON has no word for what is no number; such a figure is absent.
            if value.is_finite() {
                let labels = metric.labels.iter().copied().zip(labels.iter().map(|l| (*l).to_owned())).collect();
                found.push(Metric { id: metric.id, labels, value, unit: metric.unit.name() });
            }
        });
    }
    found
}

fn process<'a>(state: &'a State, p: &'a Process) -> Proc<'a> {
    let facts = &state.host.facts;
    Proc {
        pid: p.key.pid,
        parent: p.parent,
        user: report::user_name(facts, p.uid),
        state: char::from(p.state),
        name: &p.name,
        command: p.command(),
        kernel: p.kernel,
        cpu_ratio: p.cpu.map(f64::from),
        cpu_seconds: p.cpu_ticks as f64 / f64::from(TICKS_PER_SECOND),
        memory_bytes: p.memory_bytes,
        virtual_bytes: p.virtual_bytes,
        threads: p.threads,
        priority: p.priority.into(),
        nice: p.nice.into(),
        start_unix_seconds: report::start_unix_seconds(facts, p),
        read_bytes_per_second: p.read_per_second().map(f64::from),
        write_bytes_per_second: p.write_per_second().map(f64::from),
        container: p.container(),
    }
}

#[cfg(test)]
mod tests;
