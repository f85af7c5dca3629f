//! Several sessions at once, each asking again as soon as it has its answer: how many are served within the target of the
//! response, and what all of them get. Each prompt is new, and short, so that the answers are what takes time.

use std::{
    thread,
    time::{Duration, Instant},
};

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
    target::Bound,
    units::latency,
};

/// Sessions at once, and how often each asks: enough answers at each level for a p90.
const LEVELS: [(usize, usize); 4] = [(1, 4), (2, 4), (5, 2), (10, 2)];
/// The level that a target is for.
const AIM: usize = 5;
/// One answer in ten may be late.
const SHARE: f64 = 0.9;

pub const SESSIONS: BenchDef = BenchDef {
    id: "model-sessions",
    group: Group::Models,
    doc: "1, 2, 5 and 10 sessions at once: how many are answered within the target, and how many tokens all get",
    figures: &[
        FigureDef { id: "model_sessions", title: "sessions", unit: Unit::Count, better: Better::Higher },
        FigureDef {
            id: "model_sessions_tokens_per_second",
            title: "tokens, 5 sessions",
            unit: Unit::PerSecond,
            better: Better::Higher,
        },
        FigureDef {
            id: "model_sessions_response_seconds",
            title: "response, 5 sessions",
            unit: Unit::Seconds,
            better: Better::Lower,
        },
        FigureDef {
            id: "model_sessions_first_token_seconds",
            title: "first token, 5 sessions",
            unit: Unit::Seconds,
            better: Better::Lower,
        },
    ],
    bench: &Sessions,
};

struct Sessions;

impl Benchmark for Sessions {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        place::offers(survey, |_| Ok(()))
    }

    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let place = place::find(survey, of)?;
        let target =
            if place.is_large(survey) { "model_response_seconds_large" } else { "model_response_seconds_small" };
        let target = survey.settings.targets.rows.iter().find(|row| row.name == target && !row.off);
        let bound = target
            .map(|target| target.bound)
            .ok_or("the target of the response is off: sessions are held against it")?;
        let levels = LEVELS.map(|(sessions, _)| sessions.to_string()).join(", ");
        let steps = vec![format!(
            "up to 30 times: {levels} sessions at once ask {} at {} for answers of {} tokens, {} times in all; each \
             answer should take {}",
            place.model.name,
            place.target.url,
            prompt::ANSWER,
            LEVELS.map(|(sessions, times)| sessions * times).iter().sum::<usize>(),
            bound.show(Unit::Seconds)
        )];
        let mut fingerprint = place.fingerprint(&format!("closed loop, {}", prompt::METHOD));
        fingerprint.insert("target".to_owned(), bound.show(Unit::Seconds));
        let plan = Plan { of: of.to_owned(), steps, time: Duration::from_secs(400), fingerprint, ..Plan::default() };
        Ok((plan, Box::new(Run { place, bound })))
    }
}

struct Run {
    place: Place,
    bound: Bound,
}

/// What one level gave.
#[derive(Debug, Clone, Default, PartialEq)]
struct Level {
    sessions: usize,
    shots: Vec<Shot>,
    failed: usize,
    /// Why the first that failed did.
    why: Option<String>,
    tokens_per_second: f64,
}

impl Level {
    fn response(&self, share: f64) -> f64 {
        figures::quantile(&self.shots.iter().map(|shot| shot.response).collect::<Vec<_>>(), share)
    }

    fn is_served(&self, bound: Bound) -> bool {
        self.failed == 0 && bound.is_met(self.response(SHARE))
    }

    fn words(&self) -> String {
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        format!(
            "{} at once: response {}, p90 {}, {:.1} tokens/s in all, {} answers{failed}",
            self.sessions,
            latency(self.response(0.5)),
            latency(self.response(SHARE)),
            self.tokens_per_second,
            self.shots.len()
        )
    }
}

impl Work for Run {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        let place = &self.place;
        cx.progress(RunPhase::WarmingUp, None, Vec::new());
        let mut fetch = place.fetch()?;
        place.shoot(&mut fetch, &prompt::unique(prompt::SET[0], 0), prompt::ANSWER, cx.stop())?;
        cx.progress(RunPhase::Measuring, None, Vec::new());
        loop {
            let mut levels = Vec::new();
            for (sessions, times) in LEVELS {
                let level = at_once(place, sessions, times, cx.stop())?;
                if level.shots.is_empty() {
                    return Err(Stop::Failed(level.why.unwrap_or_else(|| "no answer came".to_owned())));
                }
                cx.progress(RunPhase::Measuring, None, vec![level.words()]);
                levels.push(level);
            }
            // The most up to which all were served.
            let met = levels.iter().take_while(|level| level.is_served(self.bound)).last();
            let met = met.map_or(0, |level| level.sessions);
            if let Some(aim) = levels.iter().find(|level| level.sessions == AIM) {
                cx.sample(1, aim.tokens_per_second);
                cx.sample(2, aim.response(0.5));
                cx.sample(3, figures::median(&aim.shots.iter().map(|shot| shot.first_token).collect::<Vec<_>>()));
            }
            if !cx.sample(0, met as f64) {
                let mut notes: Vec<String> = levels.iter().map(Level::words).collect();
                if let Some(slots) = place.model.slots_total {
                    notes.push(format!("the server has {slots} slots: more sessions than that wait"));
                }
                notes.extend(levels.into_iter().find_map(|level| level.why));
                return Ok(Measured { notes, ..Measured::default() });
            }
        }
    }
}

/// So many sessions at once, each asking so often.
fn at_once(place: &Place, sessions: usize, times: usize, stop: &StopFlag) -> Result<Level, Stop> {
    let began = Instant::now();
    let one = |session: usize| -> Vec<Result<Shot, Stop>> {
        let mut fetch = match place.fetch() {
            Ok(fetch) => fetch,
            Err(why) => return vec![Err(why)],
        };
        let ask = |time: usize| {
            let text = prompt::unique(prompt::SET[0], (session * 100 + time) as u64);
            place.shoot(&mut fetch, &text, prompt::ANSWER, stop)
        };
        (0..times).map(ask).collect()
    };
    let one = &one;
    let outcomes: Vec<Result<Shot, Stop>> = thread::scope(|scope| {
        let spawn = |session: usize| {
            thread::Builder::new().name("bt-bench-ask".to_owned()).spawn_scoped(scope, move || one(session))
        };
        let running: Vec<_> = (0..sessions).map(spawn).collect();
        // One that could not ask was not served.
        let failed = |why: String| (0..times).map(|_| Err(Stop::Failed(why.clone()))).collect::<Vec<_>>();
        let outcome = |thread: std::io::Result<thread::ScopedJoinHandle<'_, Vec<Result<Shot, Stop>>>>| match thread {
            Ok(thread) => {
                thread.join().unwrap_or_else(|_| failed("it failed inside benchtop: --log says where".to_owned()))
            }
            Err(error) => failed(format!("no thread for a session: {error} (`ulimit -u`?)")),
        };
        running.into_iter().flat_map(outcome).collect()
    });
    stop.check()?;
    let span = began.elapsed().as_secs_f64();
    let mut level = Level { sessions, ..Level::default() };
    for outcome in outcomes {
        match outcome {
            Ok(shot) => level.shots.push(shot),
            Err(why) => {
                level.failed += 1;
                level.why.get_or_insert_with(|| why.to_string());
            }
        }
    }
    level.tokens_per_second = level.shots.iter().map(|shot| shot.tokens as f64).sum::<f64>() / span;
    Ok(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(sessions: usize, responses: &[f64]) -> Level {
        let shot = |response: &f64| Shot {
            first_token: 0.1,
            response: *response,
            tokens: 64,
            tokens_per_second: None,
            cached: None,
            short: false,
        };
        Level { sessions, shots: responses.iter().map(shot).collect(), ..Level::default() }
    }

    #[test]
    fn one_answer_in_ten_may_be_late() {
        let bound = Bound::Below(2.0);
        assert!(level(5, &[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 9.0]).is_served(bound));
        assert!(!level(5, &[1.0, 1.0, 1.0, 1.0, 2.5, 2.5]).is_served(bound));
        let failed = Level { failed: 1, ..level(1, &[1.0]) };
        assert!(!failed.is_served(bound), "what failed was not served");
        assert!(failed.words().contains("1 answers, 1 failed"), "{}", failed.words());
    }
}
