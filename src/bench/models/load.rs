//! How long a model takes to load: out of memory, wait until it is gone, load it again. The first load of a run may read the
//! file from the disk, the later ones read it from the page cache: they are shown apart, and no cache is dropped.

use std::time::Duration;

use super::place::{self, PATIENCE, Place};
use crate::{
    bench::{BenchDef, Benchmark, FigureDef, Measured, Offer, Plan, RunCx, Stop, Survey, Work},
    model::{
        bench::{Group, RunPhase},
        figure::Better,
        model_server::ServerRow,
        unit::Unit,
    },
    sys::model_server::{
        fetch::{AskError, Fetch},
        load::{LoadError, Loader, on_demand},
    },
};

/// After a stop a server has been asked within so long to load what was in memory before.
const HANDED_OVER: Duration = Duration::from_secs(2);

pub const LOAD: BenchDef = BenchDef {
    id: "model-load",
    group: Group::Models,
    doc: "Time from the request for a model that is not in memory until it is ready; the first load apart",
    figures: &[
        FigureDef { id: "model_load_seconds", title: "load", unit: Unit::Seconds, better: Better::Lower },
        FigureDef { id: "model_load_first_seconds", title: "first load", unit: Unit::Seconds, better: Better::Lower },
    ],
    bench: &Load,
};

struct Load;

/// Servers that keep one model for as long as they run are measured by restarting them, which is not ours to do.
pub fn loads(row: &ServerRow) -> Result<(), String> {
    match on_demand(row.raw.kind) {
        true => Ok(()),
        false => Err(format!(
            "{} keeps its model for as long as it runs: Ollama and llama.cpp's router load on demand",
            row.raw.name
        )),
    }
}

impl Benchmark for Load {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        place::offers(survey, loads)
    }

    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let place = place::find(survey, of)?;
        let steps = vec![
            format!(
                "up to 30 times over the API at {}: put {} out of memory, load it again",
                place.target.url, place.model.name
            ),
            "what was in memory before is loaded again at the end; no cache of the system is dropped".to_owned(),
        ];
        let fingerprint = place.fingerprint("unload and load over the API");
        let plan = Plan { of: of.to_owned(), steps, time: Duration::from_secs(600), fingerprint, ..Plan::default() };
        Ok((plan, Box::new(Run(place))))
    }
}

struct Run(Place);

/// Does `work` with the loader of a server; what was in memory before is there again afterwards.
pub fn with_loader<T>(
    place: &Place,
    cx: &mut dyn RunCx,
    work: impl FnOnce(&mut Loader<'_>, &mut dyn RunCx) -> Result<T, Stop>,
) -> Result<T, Stop> {
    let mut fetch: Fetch = place.fetch()?;
    let stop = cx.stop().clone();
    let give_up = || stop.is_set();
    let mut loader = Loader { fetch: &mut fetch, kind: place.kind, within: PATIENCE, give_up: &give_up };
    let before = loader.loaded().map_err(failed)?;
    let outcome = work(&mut loader, cx);
    // Also after a stop, which must not take long: a server goes on loading when nobody waits for it.
    let stopped = stop.is_set();
    let (within, give_up) = (if stopped { HANDED_OVER } else { PATIENCE }, || !stopped && stop.is_set());
    let mut again = Loader { fetch: &mut fetch, kind: place.kind, within, give_up: &give_up };
    for model in before {
        if again.loaded().is_ok_and(|loaded| !loaded.contains(&model)) {
            let _ = again.load(&model, place.keep_alive);
        }
    }
    outcome
}

/// As the runner knows it.
pub fn failed(error: LoadError) -> Stop {
    match error {
        LoadError::Ask(AskError::Stopped) => Stop::Cancelled,
        error => Stop::failed(error),
    }
}

impl Work for Run {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        let place = &self.0;
        let model = &place.model.name;
        cx.progress(RunPhase::Preparing, None, Vec::new());
        with_loader(place, cx, |loader, cx| {
            loader.unload(model).map_err(failed)?;
            cx.progress(RunPhase::WarmingUp, None, Vec::new());
            let first = loader.load(model, place.keep_alive).map_err(failed)?;
            cx.sample(1, first.as_secs_f64());
            cx.progress(RunPhase::Measuring, None, vec![format!("first load {:.1} s", first.as_secs_f64())]);
            loop {
                loader.unload(model).map_err(failed)?;
                let took = loader.load(model, place.keep_alive).map_err(failed)?.as_secs_f64();
                cx.progress(RunPhase::Measuring, Some(took), Vec::new());
                if !cx.sample(0, took) {
                    return Ok(Measured::default());
                }
            }
        })
    }
}
