//! What an isolated network costs: its throughput beside that of the default bridge and of the machine's own path, measured
//! in turn, so that a slow minute hits all three.

use std::{net::Ipv4Addr, time::Duration};

use super::{
    pair::{self, Method, Pair, Setting, Which},
    path::{Ends, Side},
};
use crate::{
    bench::{
        BenchDef, Benchmark, FigureDef, Measured, Offer, Plan, RunCx, Stop, Survey, Work, figures, sampling::repeat,
    },
    model::{bench::Group, figure::Better, unit::Unit},
};

pub const OVERHEAD: BenchDef = BenchDef {
    id: "subnet-overhead",
    group: Group::Network,
    doc: "Share of the throughput that an isolated network costs, against the default bridge and the machine's loopback",
    figures: &[
        FigureDef { id: "subnet_overhead_ratio", title: "subnet overhead", unit: Unit::Ratio, better: Better::Lower },
        FigureDef {
            id: "subnet_overhead_host_ratio",
            title: "subnet overhead, to loopback",
            unit: Unit::Ratio,
            better: Better::Lower,
        },
    ],
    bench: &Overhead,
};

struct Overhead;

impl Benchmark for Overhead {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        pair::offers(survey)
    }

    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let (mut plan, setting) = pair::plan(survey, of)?;
        let method = Method::choose(survey.exec);
        plan.steps.push(Which::Bridge.step(&setting.on.place));
        plan.steps
            .push(format!("up to 30 times, on that network, on the default bridge and on loopback: {}", method.step()));
        plan.time = Duration::from_secs(240);
        Ok((plan, Box::new(Run { setting, method })))
    }
}

struct Run {
    setting: Setting,
    method: Method,
}

impl Work for Run {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        let host = Ends { server: Side::Host, client: Side::Host, address: Ipv4Addr::LOCALHOST };
        let mut rates: [Vec<f64>; 3] = Default::default();
        self.setting.between(cx, |cx, isolated, (session, image)| {
            let bridge = Pair::start(session, cx, image, &Which::Bridge)?;
            repeat(cx, |cx| {
                for (all, ends) in rates.iter_mut().zip([&isolated.ends, &bridge.ends, &host]) {
                    all.push(self.method.throughput(cx, ends)?.0);
                }
                let [isolated, bridge, host] = rates.each_ref().map(|all| all.last().copied().unwrap_or(f64::NAN));
                let figures = vec![1.0 - isolated / bridge, 1.0 - isolated / host];
                Ok((figures, vec![Unit::BytesPerSecond.show(isolated)]))
            })?;
            bridge.remove(session, cx)
        })?;
        // The first of each was to warm up.
        for all in &mut rates {
            all.remove(0);
        }
        let names = ["isolated network", "default bridge", "loopback"];
        let medians = names.iter().zip(&rates);
        let medians = medians.map(|(name, all)| format!("{name} {}", Unit::BytesPerSecond.show(figures::median(all))));
        let fingerprint = self.method.fingerprint();
        Ok(Measured { fingerprint, notes: vec![medians.collect::<Vec<_>>().join(", ")] })
    }
}
