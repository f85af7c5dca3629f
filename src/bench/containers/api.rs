//! How fast the engine answers: the list of all containers and the description of one, each time over a fresh connection,
//! as the command line's client does it.

use std::time::Duration;

use super::common::measured;
use crate::{
    bench::{
        BenchDef, Benchmark, FigureDef, Measured, Offer, Plan, RunCx, Stop, Survey, Work,
        engine::{self, On, Program, Session, Spec},
        figures,
        sampling::repeat,
    },
    model::{bench::Group, figure::Better, unit::Unit},
    sys::{
        engine::{LIST, ONE},
        json::{Field, Unread},
    },
    units::latency,
};

/// Requests of each kind in one sample.
const ROUND: usize = 10;
/// All containers, those that do not run too.
const ALL: &str = "/containers/json?all=1";

pub const API: BenchDef = BenchDef {
    id: "engine-api",
    group: Group::Containers,
    doc: "Response time of the engine's API: list and inspect",
    figures: &[
        FigureDef {
            id: "engine_api_response_seconds",
            title: "API response",
            unit: Unit::Seconds,
            better: Better::Lower,
        },
        FigureDef {
            id: "engine_api_response_p95_seconds",
            title: "API p95",
            unit: Unit::Seconds,
            better: Better::Lower,
        },
    ],
    bench: &Api,
};

struct Api;

impl Benchmark for Api {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        engine::offers(survey)
    }

    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let (mut plan, on) = engine::plan(survey, of)?;
        plan.steps
            .push(format!("on {}: make one container, which is not started; removed afterwards", on.place.address));
        plan.steps.push(format!("up to 30 times: {ROUND} × GET {ALL}, {ROUND} × GET /containers/NAME/json"));
        plan.time = Duration::from_secs(90);
        Ok((plan, Box::new(Run { on })))
    }
}

struct Run {
    on: On,
}

impl Work for Run {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        let (session, image) = self.on.open(cx)?;
        let made = session.reserve(cx, "inspected")?;
        session.create(cx, &made, &Spec::new(&image.name, Program::Stays))?;
        let one = format!("/containers/{}/json", made.name);
        let (mut lists, mut inspections) = (Vec::new(), Vec::new());
        repeat(cx, |cx| {
            let (list, inspection) = round(&session, cx, &one)?;
            let both = [list.as_slice(), &inspection].concat();
            lists.extend(list);
            inspections.extend(inspection);
            let p95 = figures::quantile(&both, 0.95);
            Ok((vec![figures::mean(&both), p95], vec![format!("p95 {}", latency(p95))]))
        })?;
        // The first round was to warm up.
        let [lists, inspections] = [&lists[ROUND..], &inspections[ROUND..]];
        let listed = session.json(cx.stop(), "the list", ALL, LIST)?;
        let listed = Field::new(&listed, &Unread::default()).entries(usize::MAX).count();
        session.remove(cx, &made)?;
        let notes = vec![words(&format!("list of {listed}"), lists), words("inspect", inspections)];
        Ok(Measured { notes, ..measured(image, "a connection for each request") })
    }
}

/// `list of 12: mean 3.1 ms, p50 2.9 ms, p95 4.4 ms`.
fn words(what: &str, times: &[f64]) -> String {
    let [mean, p50, p95] =
        [figures::mean(times), figures::quantile(times, 0.5), figures::quantile(times, 0.95)].map(latency);
    format!("{what}: mean {mean}, p50 {p50}, p95 {p95}")
}

/// Seconds of each request: lists, inspections.
fn round(session: &Session, cx: &dyn RunCx, one: &str) -> Result<(Vec<f64>, Vec<f64>), Stop> {
    let timed = |what, path, limits| {
        let began = cx.now();
        session.json(cx.stop(), what, path, limits)?;
        Ok(cx.now().duration_since(began).as_secs_f64())
    };
    let lists = (0..ROUND).map(|_| timed("the list", ALL, LIST)).collect::<Result<_, Stop>>()?;
    let inspections = (0..ROUND).map(|_| timed("a container", one, ONE)).collect::<Result<_, Stop>>()?;
    Ok((lists, inspections))
}
