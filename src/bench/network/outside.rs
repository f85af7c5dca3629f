//! Throughput to the world outside: from a named server of iperf3, or a file at a named address. Nothing outside is asked
//! for that the config does not name.

use std::time::Duration;

use super::iperf::{Iperf, client};
use crate::{
    bench::{BenchDef, Benchmark, FigureDef, Measured, Offer, Plan, RunCx, Stop, Survey, Work, sampling::repeat, web},
    model::{
        bench::Group,
        figure::{Better, TOOL},
        service::target::ServiceUrl,
        unit::Unit,
    },
};

/// Bytes of one download.
const MOST: usize = 25 << 20;
/// A download that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where iperf3 listens.
const PORT: u16 = 5201;

pub const OUTSIDE: BenchDef = BenchDef {
    id: "network-outside-throughput",
    group: Group::Network,
    doc: "Throughput from a named iperf3 server or file outside to this machine",
    figures: &[FigureDef {
        id: "network_external_bytes_per_second",
        title: "outside throughput",
        unit: Unit::BytesPerSecond,
        better: Better::Higher,
    }],
    bench: &Outside,
};

struct Outside;

/// What it is measured against.
enum From {
    Server { iperf: Iperf, host: String, port: u16 },
    File(ServiceUrl),
}

impl Benchmark for Outside {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        let bench = &survey.settings.bench;
        let named = [&bench.iperf3_server, &bench.download_url].into_iter().flatten();
        let offers: Vec<Offer> = named.map(|of| Offer { of: of.clone(), missing: from(survey, of).err() }).collect();
        if offers.is_empty() {
            let why =
                "no server outside is named: [bench] iperf3_server = \"host:5201\" or download_url = \"https://…\"";
            return vec![Offer { of: String::new(), missing: Some(why.to_owned()) }];
        }
        offers
    }

    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let from = from(survey, of)?;
        let step = match &from {
            From::Server { host, port, .. } => {
                format!("up to 30 times: iperf3 {}", client(host, *port, true).join(" "))
            }
            From::File(url) => {
                format!(
                    "up to 30 times GET {url}, at most {} each; what comes is dropped",
                    Unit::Bytes.show(MOST as f64)
                )
            }
        };
        let plan = Plan { of: of.to_owned(), steps: vec![step], time: Duration::from_secs(150), ..Plan::default() };
        Ok((plan, Box::new(Run(from))))
    }
}

fn from(survey: &Survey<'_>, of: &str) -> Result<From, String> {
    let bench = &survey.settings.bench;
    if bench.iperf3_server.as_deref() == Some(of) {
        let iperf = Iperf::find(survey.exec).ok_or("iperf3 is not installed (apt install iperf3)")?;
        let (host, port) = match of.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (
                host,
                port.parse().map_err(|_| format!("`{of}` in [bench] iperf3_server: `{port}` is not a port number"))?,
            ),
            _ => (of, PORT),
        };
        let host = host.trim_matches(['[', ']']);
        if host.is_empty() || host.starts_with('-') {
            return Err(format!("`{of}` in [bench] iperf3_server names no host"));
        }
        return Ok(From::Server { iperf, host: host.to_owned(), port });
    }
    if bench.download_url.as_deref() != Some(of) {
        return Err(format!("{of} is not named in [bench]"));
    }
    let url = ServiceUrl::parse(of).map_err(|error| format!("[bench] download_url {error}"))?;
    if url.scheme().is_http() {
        Ok(From::File(url))
    } else {
        Err("[bench] download_url is not http:// or https://".to_owned())
    }
}

struct Run(From);

impl Work for Run {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        repeat(cx, |cx| Ok((vec![self.once(cx)?], Vec::new())))?;
        let method = |words: &str| ("method".to_owned(), words.to_owned());
        let fingerprint = match &self.0 {
            From::Server { iperf, .. } => {
                [method("one TCP stream, received here"), (TOOL.to_owned(), iperf.version.clone())].into()
            }
            From::File(_) => [method("download over one connection")].into(),
        };
        Ok(Measured { fingerprint, notes: Vec::new() })
    }
}

impl Run {
    fn once(&self, cx: &dyn RunCx) -> Result<f64, Stop> {
        match &self.0 {
            From::Server { iperf, host, port } => {
                Ok(iperf.receive(cx.exec(), cx.stop(), host, *port)?.bytes_per_second)
            }
            From::File(url) => web::within(cx.stop(), url, PATIENCE, web::download(url, MOST)),
        }
    }
}
