//! From container to container on one network: how long a message takes to and fro, and how much goes through.

use std::time::Duration;

use super::{
    pair::{self, Method, Setting},
    tcp,
};
use crate::{
    bench::{
        BenchDef, Benchmark, FigureDef, Measured, Offer, Plan, RunCx, Stop, Survey, Work, figures, sampling::repeat,
    },
    model::{bench::Group, figure::Better, unit::Unit},
    units::latency,
};

/// Round trips of one sample.
const TRIPS: usize = 1000;

pub const LATENCY: BenchDef = BenchDef {
    id: "network-latency",
    group: Group::Network,
    doc: "Round trip of a small TCP message between two containers on one network",
    figures: &[
        FigureDef {
            id: "network_internal_latency_seconds",
            title: "internal latency",
            unit: Unit::Seconds,
            better: Better::Lower,
        },
        FigureDef {
            id: "network_internal_latency_p99_seconds",
            title: "internal latency p99",
            unit: Unit::Seconds,
            better: Better::Lower,
        },
    ],
    bench: &Latency,
};

pub const THROUGHPUT: BenchDef = BenchDef {
    id: "network-throughput",
    group: Group::Network,
    doc: "Throughput of one TCP stream between two containers on one network",
    figures: &[FigureDef {
        id: "network_internal_bytes_per_second",
        title: "internal throughput",
        unit: Unit::BytesPerSecond,
        better: Better::Higher,
    }],
    bench: &Throughput,
};

struct Latency;

impl Benchmark for Latency {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        pair::offers(survey)
    }

    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let (mut plan, setting) = pair::plan(survey, of)?;
        plan.steps.push(format!(
            "up to 30 times {TRIPS} round trips of 64 bytes over TCP, by benchtop, its sockets in the containers' networks"
        ));
        plan.time = Duration::from_secs(90);
        Ok((plan, Box::new(LatencyRun(setting))))
    }
}

struct LatencyRun(Setting);

impl Work for LatencyRun {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        self.0.between(cx, |cx, pair, _| {
            repeat(cx, |cx| {
                let times = tcp::round_trips(&pair.ends, TRIPS, cx.stop())?;
                let p99 = figures::quantile(&times, 0.99);
                Ok((vec![figures::median(&times), p99], vec![format!("p99 {}", latency(p99))]))
            })
        })?;
        let fingerprint = [("method".to_owned(), "built-in TCP round trip".to_owned())].into();
        Ok(Measured { fingerprint, notes: Vec::new() })
    }
}

struct Throughput;

impl Benchmark for Throughput {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        pair::offers(survey)
    }

    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let (mut plan, setting) = pair::plan(survey, of)?;
        let method = Method::choose(survey.exec);
        plan.steps.push(format!("up to 30 times: {}", method.step()));
        plan.time = Duration::from_secs(150);
        Ok((plan, Box::new(ThroughputRun { setting, method })))
    }
}

struct ThroughputRun {
    setting: Setting,
    method: Method,
}

impl Work for ThroughputRun {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        let method = &self.method;
        self.setting.between(cx, |cx, pair, _| method.repeated(cx, &pair.ends))?;
        Ok(Measured { fingerprint: method.fingerprint(), notes: Vec::new() })
    }
}
