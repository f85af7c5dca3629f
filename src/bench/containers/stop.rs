//! How long a container takes to stop with the engine's default grace: one whose process ends when it is asked to, and,
//! apart, one whose process does not and is killed when the grace is over.

use std::time::{Duration, Instant};

use super::common::measured;
use crate::{
    bench::{
        BenchDef, Benchmark, FigureDef, Measured, Offer, Plan, RunCx, Stop, Survey, Work,
        engine::{self, Made, On, Program, Session, Spec},
    },
    model::{
        bench::{Group, RunPhase},
        figure::Better,
        unit::Unit,
    },
};

/// Containers that ignore the request, stopped at the same time: they wait rather than work.
const IGNORING: usize = 5;

pub const STOP: BenchDef = BenchDef {
    id: "container-stop",
    group: Group::Containers,
    doc: "Time to stop a container with the default grace; apart, one that ignores the request",
    figures: &[
        FigureDef { id: "container_stop_seconds", title: "stop", unit: Unit::Seconds, better: Better::Lower },
        FigureDef {
            id: "container_stop_ignored_seconds",
            title: "stop, TERM ignored",
            unit: Unit::Seconds,
            better: Better::Lower,
        },
    ],
    bench: &StopBench,
};

struct StopBench;

impl Benchmark for StopBench {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        engine::offers(survey)
    }

    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let (mut plan, on) = engine::plan(survey, of)?;
        plan.steps.push(format!(
            "on {}: start up to 30 containers, one after the other, of a process that ends on TERM; stop and remove each",
            on.place.address
        ));
        plan.steps.push(format!("start {IGNORING} of a process that ignores TERM, stop them at the same time"));
        plan.time = Duration::from_secs(240);
        Ok((plan, Box::new(Run { on })))
    }
}

struct Run {
    on: On,
}

impl Work for Run {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        let (session, image) = self.on.open(cx)?;
        let spec = Spec::new(&image.name, Program::Stays);
        cx.progress(RunPhase::WarmingUp, None, Vec::new());
        once(&session, cx, &spec)?;
        // These first: the others end the run when they are enough.
        cx.progress(RunPhase::Measuring, None, vec![format!("{IGNORING} containers that ignore TERM")]);
        for took in ignoring_sigterm(&session, cx, &Spec::new(&image.name, Program::Ignores))? {
            cx.sample(1, took);
        }
        cx.progress(RunPhase::Measuring, None, Vec::new());
        loop {
            let took = once(&session, cx, &spec)?;
            cx.progress(RunPhase::Measuring, Some(took), Vec::new());
            if !cx.sample(0, took) {
                break;
            }
        }
        Ok(measured(image, "engine API"))
    }
}

/// Seconds from the request to stop one until it is answered.
fn once(session: &Session, cx: &mut dyn RunCx, spec: &Spec<'_>) -> Result<f64, Stop> {
    let made = session.run(cx, "stop", spec)?;
    session.ready(cx.stop(), &made)?;
    let began = Instant::now();
    session.stop(cx.stop(), &made)?;
    let took = began.elapsed().as_secs_f64();
    session.remove(cx, &made)?;
    Ok(took)
}

fn ignoring_sigterm(session: &Session, cx: &mut dyn RunCx, spec: &Spec<'_>) -> Result<Vec<f64>, Stop> {
    let made = (0..IGNORING).map(|_| session.run(cx, "ignores", spec)).collect::<Result<Vec<Made>, Stop>>()?;
    for made in &made {
        session.ready(cx.stop(), made)?;
    }
    let times = session.stop_all(cx.stop(), &made)?;
    for made in &made {
        session.remove(cx, made)?;
    }
    Ok(times.iter().map(Duration::as_secs_f64).collect())
}
