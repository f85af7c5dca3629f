//! How long a server takes from one model to the first token of another, both ways in turn. The one that is asked for is out
//! of memory and the other one in it, also where both would fit.

use std::time::Duration;

use super::{
    load::{failed, loads, with_loader},
    place::{self, Place},
    prompt,
};
use crate::{
    bench::{BenchDef, Benchmark, FigureDef, Measured, Offer, Plan, RunCx, Stop, Survey, Work, figures},
    model::{
        bench::{Group, RunPhase},
        figure::Better,
        unit::Unit,
    },
    units::latency,
};

/// Tokens of an answer: the first one is what counts.
const TOKENS: u32 = 4;
const JOINT: &str = " and ";

pub const SWITCH: BenchDef = BenchDef {
    id: "model-switch",
    group: Group::Models,
    doc: "Time from a request with another model in memory to the first token of the one that is asked for",
    figures: &[FigureDef { id: "model_switch_seconds", title: "switch", unit: Unit::Seconds, better: Better::Lower }],
    bench: &Switch,
};

struct Switch;

impl Benchmark for Switch {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        let rows = &survey.state.host.model_servers.rows;
        let of = |offer: Offer| {
            let Some(row) = offer.of.rsplit_once(" at ").and_then(|(_, at)| rows.iter().find(|row| row.raw.name == at))
            else {
                return Some(offer);
            };
            // Of each server once.
            let names = pair(survey, row);
            let measured = place::models(survey, row);
            let first = measured.first().is_some_and(|first| offer.of == format!("{first} at {}", row.raw.name));
            first.then(|| match names.as_slice() {
                [a, b] => Offer { of: format!("{a}{JOINT}{b} at {}", row.raw.name), missing: None },
                _ => Offer { of: row.raw.name.clone(), missing: Some(format!("{} has one model only", row.raw.name)) },
            })
        };
        place::offers(survey, loads).into_iter().filter_map(of).collect()
    }

    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let (names, server) = of.rsplit_once(" at ").ok_or_else(|| format!("`{of}` names no server"))?;
        let row = place::server_of(survey, server)?;
        loads(row)?;
        let (a, b) = names.split_once(JOINT).ok_or_else(|| format!("`{of}` does not name two models"))?;
        let places = [place::at(survey, row, a)?, place::at(survey, row, b)?];
        let steps = vec![
            format!(
                "up to 30 times over the API at {}: put one of {a} and {b} out of memory, ask it for {TOKENS} tokens",
                places[0].target.url
            ),
            "what was in memory before is loaded again at the end".to_owned(),
        ];
        let mut fingerprint = places[0].fingerprint("first token after a switch");
        fingerprint.extend(places[1].fingerprint("").remove("model").map(|other| ("other model".to_owned(), other)));
        let plan = Plan { of: of.to_owned(), steps, time: Duration::from_secs(600), fingerprint, ..Plan::default() };
        Ok((plan, Box::new(Run(places))))
    }
}

/// Two models of a server: those that are measured, then any other; in the order of their names, whichever is in memory.
fn pair(survey: &Survey<'_>, row: &crate::model::model_server::ServerRow) -> Vec<String> {
    let mut names = place::models(survey, row);
    for model in &row.models {
        let text = !model.raw.name.to_lowercase().contains("embed");
        if names.len() < 2 && text && !names.contains(&model.raw.name) {
            names.push(model.raw.name.clone());
        }
    }
    names.truncate(2);
    names.sort();
    names
}

struct Run([Place; 2]);

impl Work for Run {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        let [a, b] = &self.0;
        cx.progress(RunPhase::Preparing, None, Vec::new());
        with_loader(a, cx, |loader, cx| {
            let mut number = 0;
            let mut first_token =
                |loader: &mut crate::sys::model_server::load::Loader<'_>, of: &Place, cx: &dyn RunCx| {
                    loader.unload(&of.model.name).map_err(failed)?;
                    number += 1;
                    let text = prompt::unique(prompt::SET[0], number);
                    Ok::<f64, Stop>(of.shoot(loader.fetch, &text, TOKENS, cx.stop())?.first_token)
                };
            cx.progress(RunPhase::WarmingUp, None, Vec::new());
            first_token(loader, a, cx)?;
            first_token(loader, b, cx)?;
            cx.progress(RunPhase::Measuring, None, Vec::new());
            let mut times = [Vec::new(), Vec::new()];
            loop {
                let both = [(a, 0), (b, 1)];
                for (of, way) in both {
                    let took = first_token(loader, of, cx)?;
                    times[way].push(took);
                    cx.progress(RunPhase::Measuring, Some(took), vec![format!("to {}", of.model.name)]);
                }
                let last = |way: usize| times[way].last().copied().unwrap_or(f64::NAN);
                if !cx.sample(0, figures::mean(&[last(0), last(1)])) {
                    break;
                }
            }
            let to = |of: &Place, way: usize| format!("to {} {}", of.model.name, latency(figures::median(&times[way])));
            Ok(Measured { notes: vec![format!("{}, {}", to(a, 0), to(b, 1))], ..Measured::default() })
        })
    }
}
