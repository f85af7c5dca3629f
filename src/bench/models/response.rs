//! How fast a model answers: a fixed set of prompts, each once behind a prefix that no cache knows, and once more as it was.
//! Tokens are those that the server counts.

use std::time::Duration;

use super::{
    place::{self, Place},
    prompt,
};
use crate::{
    bench::{BenchDef, Benchmark, FigureDef, Measured, Offer, Plan, RunCx, Stop, StopFlag, Survey, Work, figures},
    model::{
        bench::{Group, RunPhase},
        figure::Better,
        model_server::Shot,
        unit::Unit,
    },
    sys::model_server::fetch::Fetch,
    units::latency,
};

pub const RESPONSE: BenchDef = BenchDef {
    id: "model-response",
    group: Group::Models,
    doc: "A model's answer to fixed prompts: first token, whole answer of 64 tokens, tokens a second; new and repeated prompts",
    figures: &[
        FigureDef { id: "model_response_seconds", title: "response", unit: Unit::Seconds, better: Better::Lower },
        FigureDef { id: "model_first_token_seconds", title: "first token", unit: Unit::Seconds, better: Better::Lower },
        FigureDef { id: "model_tokens_per_second", title: "tokens", unit: Unit::PerSecond, better: Better::Higher },
        FigureDef {
            id: "model_response_warm_seconds",
            title: "response, repeated prompt",
            unit: Unit::Seconds,
            better: Better::Lower,
        },
        FigureDef {
            id: "model_first_token_warm_seconds",
            title: "first token, repeated prompt",
            unit: Unit::Seconds,
            better: Better::Lower,
        },
    ],
    bench: &Response,
};

struct Response;

impl Benchmark for Response {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        place::offers(survey, |_| Ok(()))
    }

    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let place = place::find(survey, of)?;
        let steps = vec![
            format!("ask {} each prompt once, which loads it where it is not in memory", place.model.name),
            format!(
                "up to 30 times: {} prompts, each twice, answers of {} tokens, over the API at {}",
                prompt::SET.len(),
                prompt::ANSWER,
                place.target.url
            ),
        ];
        let fingerprint = place.fingerprint(prompt::METHOD);
        let plan = Plan { of: of.to_owned(), steps, time: Duration::from_secs(300), fingerprint, ..Plan::default() };
        Ok((plan, Box::new(Run(place))))
    }
}

struct Run(Place);

/// What is remarkable about the answers of a run.
#[derive(Default)]
struct Odd {
    answers: usize,
    short: usize,
    cached: u64,
}

impl Work for Run {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        let place = &self.0;
        cx.progress(RunPhase::WarmingUp, None, Vec::new());
        let mut fetch = place.fetch()?;
        let set = fitting(place, &mut fetch, cx.stop())?;
        cx.progress(RunPhase::Measuring, None, Vec::new());
        let (mut odd, mut number) = (Odd::default(), 0);
        loop {
            let (mut cold, mut warm) = (Vec::new(), Vec::new());
            for text in &set {
                number += 1;
                let text = prompt::unique(text, number);
                let first = place.shoot(&mut fetch, &text, prompt::ANSWER, cx.stop())?;
                odd.see(&first);
                cx.progress(
                    RunPhase::Measuring,
                    Some(first.response),
                    vec![format!("first token {}", latency(first.first_token))],
                );
                cold.push(first);
                warm.push(place.shoot(&mut fetch, &text, prompt::ANSWER, cx.stop())?);
            }
            cx.sample(1, mean(&cold, |shot| shot.first_token));
            cx.sample(2, rate(&cold));
            cx.sample(3, mean(&warm, |shot| shot.response));
            cx.sample(4, mean(&warm, |shot| shot.first_token));
            if !cx.sample(0, mean(&cold, |shot| shot.response)) {
                let (fits, all) = (set.len(), prompt::SET.len());
                let mut notes = odd.notes();
                if fits < all {
                    notes
                        .push(format!("{} of {all} prompts are longer than the model's context: left out", all - fits));
                }
                let prompts = ("prompts".to_owned(), format!("{fits} of {all}"));
                return Ok(Measured { fingerprint: [prompts].into(), notes });
            }
        }
    }
}

/// The prompts that fit into the model's context; each is asked once, which warms up too.
fn fitting(place: &Place, fetch: &mut Fetch, stop: &StopFlag) -> Result<Vec<&'static str>, Stop> {
    let mut set = Vec::new();
    for text in prompt::SET {
        match place.shoot(fetch, &prompt::unique(text, 0), prompt::ANSWER, stop) {
            Ok(_) => set.push(text),
            // In the words of all servers.
            Err(Stop::Failed(why)) if !set.is_empty() && why.contains("context") => {}
            Err(why) => return Err(why),
        }
    }
    Ok(set)
}

fn mean(shots: &[Shot], of: impl Fn(&Shot) -> f64) -> f64 {
    figures::mean(&shots.iter().map(of).collect::<Vec<_>>())
}

/// Tokens a second after the first one, over all answers; short ones say little and are left out.
fn rate(shots: &[Shot]) -> f64 {
    let whole = shots.iter().filter(|shot| !shot.short);
    let (tokens, seconds) = whole.fold((0.0, 0.0), |(tokens, seconds), shot| match shot.tokens_per_second {
        Some(rate) => (tokens + (shot.tokens - 1) as f64, seconds + (shot.tokens - 1) as f64 / rate),
        None => (tokens, seconds),
    });
    tokens / seconds
}

impl Odd {
    fn see(&mut self, shot: &Shot) {
        self.answers += 1;
        self.short += usize::from(shot.short);
        self.cached += shot.cached.unwrap_or(0);
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.short > 0 {
            notes.push(format!(
                "{} of {} answers ended before {} tokens: responses are shorter than they should be",
                self.short,
                self.answers,
                prompt::ANSWER
            ));
        }
        // A template's own words before the prompt are in every cache.
        let each = self.cached / self.answers.max(1) as u64;
        if each > 0 {
            notes.push(format!("about {each} tokens of each new prompt came from the server's cache: its template"));
        }
        notes
    }
}
