//! A card under continuous load by a model: its memory in use, how busy it is, how hot it gets, and whether it is slowed down.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{
    card::{self, Card, Look, Reader},
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
};

/// One sample: so long, with a look every so often.
const WINDOW: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(200);
/// Heat takes time.
const LEAST: Duration = Duration::from_secs(30);
/// Tokens of an answer.
const TOKENS: u32 = 256;
/// Which of several cards works is seen in this time.
const FIND: Duration = Duration::from_secs(4);

pub const INFERENCE: BenchDef = BenchDef {
    id: "model-gpu",
    group: Group::Models,
    doc: "A card while a model answers without a pause: memory in use, utilisation, temperature, throttling",
    figures: &[
        FigureDef { id: "gpu_busy_ratio", title: "GPU utilisation", unit: Unit::Ratio, better: Better::Higher },
        FigureDef { id: "gpu_memory_used_ratio", title: "GPU memory in use", unit: Unit::Ratio, better: Better::Lower },
        FigureDef {
            id: "gpu_temperature_celsius",
            title: "GPU temperature",
            unit: Unit::Celsius,
            better: Better::Lower,
        },
    ],
    bench: &Inference,
};

struct Inference;

impl Benchmark for Inference {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        if card::all(survey).is_empty() {
            let missing = Some("no GPU was found whose driver says how busy it is".to_owned());
            return vec![Offer { of: String::new(), missing }];
        }
        place::offers(survey, |_| Ok(()))
    }

    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let place = place::find(survey, of)?;
        let cards = card::all(survey);
        if cards.is_empty() {
            return Err("no GPU was found whose driver says how busy it is".to_owned());
        }
        let steps = vec![format!(
            "ask {} at {} for {TOKENS} tokens again and again for {} to 60 s; read the card every {} ms",
            place.model.name,
            place.target.url,
            LEAST.as_secs(),
            LOOK.as_millis()
        )];
        let fingerprint = place.fingerprint("one session without a pause");
        let plan = Plan { of: of.to_owned(), steps, time: Duration::from_secs(90), fingerprint, ..Plan::default() };
        Ok((plan, Box::new(Run { place, cards })))
    }
}

struct Run {
    place: Place,
    cards: Vec<Card>,
}

impl Work for Run {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        let place = &self.place;
        cx.progress(RunPhase::WarmingUp, None, Vec::new());
        let mut fetch = place.fetch()?;
        place.shoot(&mut fetch, &prompt::unique(prompt::SET[0], 0), prompt::ANSWER, cx.stop())?;
        let over = AtomicBool::new(false);
        let stop = cx.stop().clone();
        thread::scope(|scope| {
            let load = scope.spawn(|| {
                for number in 1.. {
                    if over.load(Ordering::Acquire) {
                        break;
                    }
                    let text = prompt::unique(prompt::SET[number as usize % prompt::SET.len()], number);
                    match place
                        .shoot_while(&mut fetch, &text, TOKENS, &|| stop.is_set() || over.load(Ordering::Acquire))
                    {
                        Err(why) if !over.load(Ordering::Acquire) => return Err(why),
                        _ => {}
                    }
                }
                Ok(())
            });
            let watched = watch(cx, &self.cards, &|| load.is_finished());
            over.store(true, Ordering::Release);
            // A server that fails has more to say than the card that was idle then.
            match load.join() {
                Ok(Err(why)) => Err(why),
                _ => watched,
            }
        })
    }
}

/// Looks at the cards for as long as it takes; `is_over`: nothing works any more.
fn watch(cx: &mut dyn RunCx, cards: &[Card], is_over: &dyn Fn() -> bool) -> Result<Measured, Stop> {
    let reader = Reader::open(cards);
    let window = |cx: &dyn RunCx, card: &Card, span: Duration| -> Result<Vec<Look>, Stop> {
        let end = Instant::now() + span;
        let mut looks = Vec::new();
        while Instant::now() < end {
            cx.stop().sleep(LOOK)?;
            if is_over() {
                return Err(Stop::failed("the model's server gave no more answers"));
            }
            looks.push(reader.look(card));
        }
        Ok(looks)
    };
    let span = FIND / u32::try_from(cards.len()).unwrap_or(1).max(1);
    let mut best: Option<(f64, &Card)> = None;
    for card in cards {
        let busy = mean(&window(cx, card, span)?, |look| look.busy).unwrap_or(0.0);
        if best.is_none_or(|(known, _)| busy > known) {
            best = Some((busy, card));
        }
    }
    let Some((_, card)) = best else { return Err(Stop::failed("there is no card any more")) };
    let (began, mut hottest, mut slowed, mut windows) = (Instant::now(), None::<f64>, Vec::new(), 0);
    cx.progress(RunPhase::Measuring, None, vec![card.name.clone()]);
    loop {
        let looks = window(cx, card, WINDOW)?;
        windows += 1;
        hottest = looks.iter().filter_map(|look| look.celsius).chain(hottest).reduce(f64::max);
        slowed.extend(looks.iter().flat_map(|look| look.slowed_by.first().copied()).take(1));
        let (busy, memory) = (mean(&looks, |look| look.busy), mean(&looks, |look| look.memory));
        let beside =
            [memory.map(|m| format!("memory {}", Unit::Ratio.show(m))), hottest.map(|c| Unit::Celsius.show(c))];
        cx.progress(RunPhase::Measuring, busy, beside.into_iter().flatten().collect());
        if let Some(memory) = memory {
            cx.sample(1, memory);
        }
        let more = match busy {
            Some(busy) => cx.sample(0, busy),
            None => began.elapsed() < LEAST,
        };
        if !more && began.elapsed() >= LEAST || began.elapsed() >= LEAST * 2 {
            break;
        }
    }
    if let Some(hottest) = hottest {
        cx.sample(2, hottest);
    }
    let mut notes = vec![format!("{}; the temperature is the highest in {} s", card.name, began.elapsed().as_secs())];
    if let Some(by) = slowed.first() {
        notes.push(format!("slowed down by {by} in {} of {windows} windows of {} s", slowed.len(), WINDOW.as_secs()));
    }
    Ok(Measured { notes, ..Measured::default() })
}

fn mean(looks: &[Look], of: impl Fn(&Look) -> Option<f64>) -> Option<f64> {
    let known: Vec<f64> = looks.iter().filter_map(of).collect();
    (!known.is_empty()).then(|| figures::mean(&known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_of_what_is_known() {
        let look = |busy| Look { busy, ..Look::default() };
        let of = |all: &[Option<f64>]| mean(&all.iter().map(|busy| look(*busy)).collect::<Vec<_>>(), |look| look.busy);
        assert_eq!(of(&[Some(0.5), None, Some(1.0)]), Some(0.75));
        assert_eq!((of(&[None]), of(&[])), (None, None));
    }
}
