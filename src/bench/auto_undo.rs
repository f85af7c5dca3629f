//! Undoing automatically what made a benchmark worse, where the config allows it (`bench.undo`): a limit or a property that
//! changed before the regression is set back and measured again, and set again where that did not help. Here is decided
//! what comes next; whoever runs the suite carries it out, and says how it went. Once for each thing that got worse.

#[cfg(test)]
mod tests;

use super::{contract::BenchDef, preflight::warns};
use crate::{
    alert::Level,
    analysis::{
        machine_changes::words,
        regression::{RunVerdict, Verdict},
    },
    model::{
        bench::{BenchKey, Check, Planned, RunPlan},
        run::{Change, RunEvent, SeriesKey},
        undo_note::{UndoNote, UndoStep},
    },
    request::{Done, Job, way_back::WayBack},
    state::{
        State,
        way_back::{self, AGAIN},
    },
    text::like,
};

/// From this share of the way back to normal on, it helped.
const HALF: f64 = 0.5;

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Carry this out, once the notes are on the disk; then [`AutoUndo::acted`].
    Act(Job),
    /// Plan these and start them without a question ([`AutoUndo::asked_for`]); where that cannot begin, [`AutoUndo::unmeasured`].
    Measure(Vec<BenchKey>),
}

/// What was decided: notes for the history, which come first, and what to do next.
#[derive(Debug, Default, PartialEq)]
pub struct Step {
    pub notes: Vec<UndoNote>,
    /// What was set back or again: who reads nothing meanwhile does not see it change.
    pub changed: Option<Change>,
    pub next: Option<Next>,
}

/// The undo under way, if any.
pub struct AutoUndo {
    benches: &'static [BenchDef],
    /// Patterns of benchmarks.
    allowed: Vec<String>,
    /// Measured by the suite under way.
    measured: Vec<BenchKey>,
    attempt: Option<Attempt>,
}

struct Attempt {
    bench: BenchKey,
    series: SeriesKey,
    /// The first run that was worse.
    run: String,
    /// The figure when it was found.
    bad: f64,
    /// What may be the cause.
    change: Change,
    /// What is done, and what sets it again once it is done.
    job: Job,
    again: Option<Job>,
    /// What measures it again.
    plan: String,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Acting,
    /// Its plan is on its way.
    Planning,
    Measuring,
    Restoring,
}

impl AutoUndo {
    /// Allowed for the benchmarks that match one of these.
    #[must_use]
    pub fn new(benches: &'static [BenchDef], allowed: &[String]) -> AutoUndo {
        AutoUndo { benches, allowed: allowed.to_vec(), measured: Vec::new(), attempt: None }
    }

    /// Takes note of an event of the runner, before it is folded; true: a suite has ended, and [`AutoUndo::over`] is next.
    pub fn saw(&mut self, event: &RunEvent) -> bool {
        match event {
            RunEvent::Began { .. } => self.measured.clear(),
            RunEvent::Measured { key, .. } if !self.measured.contains(key) => self.measured.push(key.clone()),
            RunEvent::Ended { .. } => return true,
            _ => {}
        }
        false
    }

    /// A suite has ended, and is judged.
    pub fn over(&mut self, state: &State, stopped: bool, at_unix_ms: i64) -> Step {
        let measured = std::mem::take(&mut self.measured);
        match self.attempt.take() {
            Some(attempt) if attempt.stage == Stage::Measuring => {
                if stopped {
                    return attempt.ends(
                        UndoStep::Unmeasured,
                        "it was stopped before it was measured again",
                        at_unix_ms,
                    );
                }
                if !measured.contains(&attempt.bench) {
                    let why = state.runs.failed.get(&attempt.bench).or(state.runs.report.as_ref());
                    let why = why.map_or("it was not measured", String::as_str);
                    return attempt.ends(UndoStep::Unmeasured, &format!("it is not measured again: {why}"), at_unix_ms);
                }
                self.judge(attempt, state, at_unix_ms)
            }
            // An operation is under way; this suite was somebody's own.
            Some(attempt) => {
                self.attempt = Some(attempt);
                Step::default()
            }
            None if stopped => Step::default(),
            None => self.begin(state, &measured, at_unix_ms),
        }
    }

    /// The first of what was measured that has regressed, and what may be undone.
    fn begin(&mut self, state: &State, measured: &[BenchKey], at_unix_ms: i64) -> Step {
        for key in measured.iter().filter(|key| is_allowed(&self.allowed, &key.bench)) {
            let Some(def) = self.benches.iter().find(|def| def.id == key.bench) else { continue };
            for figure in def.figures {
                let series = SeriesKey { benchmark: figure.id.to_owned(), of: key.of.clone() };
                let Some(verdict) = state.runs.verdict(&series).filter(|v| v.verdict == Verdict::Regressed) else {
                    continue;
                };
                let Some(since) = &verdict.since else { continue };
                // Its other figures, too, are of the same thing.
                let tried = |note: &UndoNote| note.series.of == key.of && note.at_unix_ms >= since.at_unix_ms;
                if state.runs.undos.iter().any(tried) {
                    continue;
                }
                let Some((change, WayBack::Do(job))) = way_back::find(state, &series, verdict) else {
                    continue;
                };
                // What is not of the thing that was measured may be anybody's.
                if change.of.is_empty() || key.of.is_empty() {
                    continue;
                }
                let text = format!("{}, because of {}", job.phrase(), words(&change));
                let attempt = Attempt {
                    bench: key.clone(),
                    series,
                    run: since.run.clone(),
                    bad: verdict.median,
                    change,
                    job: job.clone(),
                    again: None,
                    plan: String::new(),
                    stage: Stage::Acting,
                };
                let notes = vec![attempt.note(UndoStep::Begins, text, at_unix_ms)];
                self.attempt = Some(attempt);
                return Step { notes, next: Some(Next::Act(job)), changed: None };
            }
        }
        Step::default()
    }

    /// The operation has ended.
    pub fn acted(&mut self, done: &Done, at_unix_ms: i64) -> Step {
        let Some(mut attempt) = self.attempt.take() else { return Step::default() };
        let (worked, text) = (done.outcome.level <= Level::Ok, done.outcome.text.as_str());
        match attempt.stage {
            _ if !worked => attempt.ends(UndoStep::Failed, text, at_unix_ms),
            Stage::Restoring => {
                let changed = Some(Change { at_unix_ms, ..attempt.change.clone() });
                Step { changed, ..attempt.ends(UndoStep::Restored, text, at_unix_ms) }
            }
            Stage::Acting | Stage::Planning | Stage::Measuring => {
                (attempt.again, attempt.stage) = (done.undo.clone(), Stage::Planning);
                let notes = vec![attempt.note(UndoStep::Done, text.to_owned(), at_unix_ms)];
                let next = Some(Next::Measure(vec![attempt.bench.clone(); AGAIN]));
                let Change { before, after, .. } = attempt.change.clone();
                let changed = Some(Change { at_unix_ms, before: after, after: before, ..attempt.change.clone() });
                self.attempt = Some(attempt);
                Step { notes, next, changed }
            }
        }
    }

    /// It cannot be measured again: why.
    pub fn unmeasured(&mut self, why: &str, at_unix_ms: i64) -> Step {
        match self.attempt.take() {
            Some(attempt) => {
                attempt.ends(UndoStep::Unmeasured, &format!("it is not measured again: {why}"), at_unix_ms)
            }
            None => Step::default(),
        }
    }

    /// The program ends: what is under way is left as it is, and said to be so.
    pub fn ended(&mut self, at_unix_ms: i64) -> Step {
        let Some(attempt) = self.attempt.take() else { return Step::default() };
        let (step, what) = match attempt.stage {
            Stage::Acting => (UndoStep::Failed, "it was known whether it was done"),
            Stage::Planning | Stage::Measuring => (UndoStep::Unmeasured, "it was measured again"),
            Stage::Restoring => (UndoStep::Failed, "it was known whether it was set again"),
        };
        attempt.ends(step, &format!("benchtop ended before {what}"), at_unix_ms)
    }

    /// True for the plan of what is to be measured again: it is started.
    pub fn asked_for(&mut self, plan: &RunPlan) -> bool {
        let Some(attempt) = self.attempt.as_mut().filter(|attempt| attempt.stage == Stage::Planning) else {
            return false;
        };
        let is_ours = plan.parts.len() == AGAIN && plan.parts.iter().all(|part| part.key == attempt.bench);
        if is_ours {
            (attempt.stage, attempt.plan) = (Stage::Measuring, plan.id.clone());
        }
        is_ours
    }

    /// A plan could not begin: another suite is under way. Nothing, where it is not the one that was asked for.
    pub fn refused(&mut self, plan: &str, why: &str, at_unix_ms: i64) -> Step {
        let is_ours = |attempt: &Attempt| attempt.stage == Stage::Measuring && attempt.plan == plan;
        if self.attempt.as_ref().is_some_and(is_ours) { self.unmeasured(why, at_unix_ms) } else { Step::default() }
    }

    fn judge(&mut self, mut attempt: Attempt, state: &State, at_unix_ms: i64) -> Step {
        let verdict = state.runs.verdict(&attempt.series);
        let Some((verdict, share)) = verdict.and_then(|verdict| Some((verdict, share(attempt.bad, verdict)?))) else {
            return attempt.ends(UndoStep::Unmeasured, "it cannot be compared with the runs before", at_unix_ms);
        };
        let phrase = attempt.job.phrase();
        let back = match verdict.verdict {
            Verdict::Same | Verdict::Improved => Some("back to normal"),
            // Not apart from normal, by samples that lie far apart.
            Verdict::Noisy => Some("back to normal, within its noise"),
            _ => None,
        };
        if let Some(back) = back {
            return attempt.ends(UndoStep::Helped, &format!("{phrase}: {back}"), at_unix_ms);
        }
        if share >= HALF {
            let text = format!("{phrase}: {:.0} % of the way back to normal", share * 100.0);
            return attempt.ends(UndoStep::HelpedInPart, &text, at_unix_ms);
        }
        let Some(again) = attempt.again.take() else {
            return attempt.ends(
                UndoStep::Failed,
                &format!("{phrase}: no better, and nothing sets it again"),
                at_unix_ms,
            );
        };
        attempt.stage = Stage::Restoring;
        let text = format!("{phrase}: no better, so {}", again.phrase());
        let notes = vec![attempt.note(UndoStep::DidNotHelp, text, at_unix_ms)];
        self.attempt = Some(attempt);
        Step { notes, next: Some(Next::Act(again)), changed: None }
    }
}

fn is_allowed(patterns: &[String], bench: &str) -> bool {
    patterns.iter().any(|pattern| like(pattern, bench))
}

/// What the plan of a suite says of it before the yes.
pub(super) fn checks(benches: &[BenchDef], allowed: &[String], planned: &[Planned]) -> Vec<Check> {
    let mut checks = Vec::new();
    for pattern in allowed.iter().filter(|pattern| !benches.iter().any(|def| like(pattern, def.id))) {
        checks.push(warns(format!("bench.undo names {pattern}, which is no benchmark: `benchtop bench list`")));
    }
    // Several runs take turns: each benchmark is named once.
    let runs = |id: &str| planned.iter().any(|part| part.plan.is_ok() && part.key.bench == id);
    let names: Vec<&str> = benches.iter().map(|def| def.id).filter(|id| is_allowed(allowed, id) && runs(id)).collect();
    if !names.is_empty() {
        let names = names.join(", ");
        checks.push(warns(format!(
            "bench.undo allows it for {names}: where it has regressed, a limit or property that changed before is set back, \
             measured {AGAIN} times, and set again if that did not help"
        )));
    }
    checks
}

/// The share of the way from `bad` to normal that the newest run has gone.
fn share(bad: f64, verdict: &RunVerdict) -> Option<f64> {
    let way = bad - verdict.against.as_ref()?.median;
    Some((bad - verdict.median) / way).filter(|share| share.is_finite())
}

impl Attempt {
    fn note(&self, step: UndoStep, text: String, at_unix_ms: i64) -> UndoNote {
        UndoNote { at_unix_ms, series: self.series.clone(), run: self.run.clone(), step, text }
    }

    fn ends(self, step: UndoStep, text: &str, at_unix_ms: i64) -> Step {
        Step { notes: vec![self.note(step, text.to_owned(), at_unix_ms)], ..Step::default() }
    }
}
