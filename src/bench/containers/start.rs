//! How long a container takes to start: from the request to make it until its process runs, and until it is healthy where
//! the image has a health check.

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

/// A health check that has not passed by then has failed.
const HEALTHY: Duration = Duration::from_secs(300);

pub const START: BenchDef = BenchDef {
    id: "container-start",
    group: Group::Containers,
    doc: "Time from the request to make a container until its process runs, and until it is healthy",
    figures: &[
        FigureDef { id: "container_start_seconds", title: "start", unit: Unit::Seconds, better: Better::Lower },
        FigureDef { id: "container_healthy_seconds", title: "healthy", unit: Unit::Seconds, better: Better::Lower },
    ],
    bench: &Start,
};

struct Start;

impl Benchmark for Start {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        engine::offers(survey)
    }

    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let (mut plan, on) = engine::plan(survey, of)?;
        let program = if on.image.has_health { Program::Own } else { Program::Stays };
        let what = match program {
            Program::Own => "run the image's own command until its health check passes",
            _ => "run sh until its process runs",
        };
        plan.steps.push(format!(
            "on {}: make and start up to 30 containers, one after the other; {what}; remove each",
            on.place.address
        ));
        plan.time = Duration::from_secs(if on.image.has_health { 600 } else { 180 });
        Ok((plan, Box::new(Run { on, program })))
    }
}

struct Run {
    on: On,
    program: Program,
}

impl Work for Run {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        let (session, image) = self.on.open(cx)?;
        let spec = Spec::new(&image.name, self.program.clone());
        // The first one reads the image from the disk.
        cx.progress(RunPhase::WarmingUp, None, Vec::new());
        once(&session, cx, &spec)?;
        cx.progress(RunPhase::Measuring, None, Vec::new());
        loop {
            let (running, healthy) = once(&session, cx, &spec)?;
            cx.progress(RunPhase::Measuring, Some(running), Vec::new());
            if let Some(healthy) = healthy {
                cx.sample(1, healthy);
            }
            if !cx.sample(0, running) {
                break;
            }
        }
        Ok(measured(image, "engine API"))
    }
}

/// Seconds until it ran, and until it was healthy.
fn once(session: &Session, cx: &mut dyn RunCx, spec: &Spec<'_>) -> Result<(f64, Option<f64>), Stop> {
    let made = session.reserve(cx, "start")?;
    let began = cx.now();
    session.create(cx, &made, spec)?;
    session.start(cx.stop(), &made)?;
    let running = cx.now().duration_since(began).as_secs_f64();
    let seen = session.inspect(cx.stop(), &made)?;
    if !seen.running {
        return Err(ended(spec, seen.exit_code));
    }
    let healthy =
        if spec.program == Program::Own { Some(until_healthy(session, cx, &made, spec, began)?) } else { None };
    session.remove(cx, &made)?;
    Ok((running, healthy))
}

fn until_healthy(session: &Session, cx: &dyn RunCx, made: &Made, spec: &Spec<'_>, began: Instant) -> Result<f64, Stop> {
    session.until(cx.stop(), made, ("healthy", HEALTHY), |seen| match seen.health.as_deref() {
        _ if !seen.running => Err(ended(spec, seen.exit_code)),
        Some("unhealthy") => {
            Err(Stop::Failed(format!("a container of {} is unhealthy: see its health check", spec.image)))
        }
        Some("healthy") => Ok(true),
        _ => Ok(false),
    })?;
    Ok(cx.now().duration_since(began).as_secs_f64())
}

/// Its process ended though it should stay.
fn ended(spec: &Spec<'_>, code: Option<i64>) -> Stop {
    let code = code.map_or_else(String::new, |code| format!(" with status {code}"));
    Stop::Failed(format!(
        "the process of a container of {} ended{code} at once: name another image in [bench] image",
        spec.image
    ))
}
