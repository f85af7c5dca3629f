//! Carrying out what `bench.undo` allows: on the screen after a run of its own, on the command line after the suite. The
//! notes are on the disk before the machine is touched: else nothing is done.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::Duration,
};

use super::{background::Report, live::Live};
use crate::{
    act,
    alert::Level,
    bench::auto_undo::{Next, Step},
    model::{
        bench::{Check, CheckOutcome, RunPlan},
        event::Event,
        run::{RunEvent, SeriesKey},
        undo_note::{UndoNote, UndoStep},
    },
    request::{BenchAct, Done, Job, Outcome},
    sys::root::Root,
};

/// The notes are on the disk within this time, or nothing is done.
const WRITING: Duration = Duration::from_secs(10);

/// What a step says: `undone: set limits of web: cpus none, because of …`.
pub(super) fn say(note: &UndoNote) -> (Level, String) {
    let (level, word) = match note.step {
        UndoStep::Begins => (Level::Warn, "undoing as bench.undo allows"),
        UndoStep::Done => (Level::Ok, "undone"),
        UndoStep::Failed => (Level::Warn, "failed"),
        UndoStep::Helped => (Level::Ok, "it helped"),
        UndoStep::HelpedInPart => (Level::Ok, "it helped, but not all the way"),
        UndoStep::DidNotHelp => (Level::Warn, "it did not help"),
        UndoStep::Restored => (Level::Ok, "set again"),
        UndoStep::Unmeasured => (Level::Warn, "undone, and not known to help"),
    };
    let SeriesKey { benchmark, of } = &note.series;
    (level, format!("{benchmark} of {of}: {word}: {}", note.text))
}

/// Carries an operation out once its note is on the disk.
pub(super) fn carry_out(job: &Job, written: &Receiver<Result<(), String>>, root: &Root) -> Done {
    let why = match written.recv_timeout(WRITING) {
        Ok(Ok(())) => return act::job::run(job, root),
        Ok(Err(why)) => why,
        Err(RecvTimeoutError::Timeout) => "its file system does not answer".to_owned(),
        Err(RecvTimeoutError::Disconnected) => "nothing is kept".to_owned(),
    };
    let text = format!("nothing was done, as it could not be noted in the history: {why}");
    Done { outcome: Outcome { level: Level::Warn, text }, undo: None }
}

/// Why a plan cannot be started.
pub(super) fn refusal(plan: &RunPlan) -> Option<String> {
    let left_out = plan.parts.iter().find_map(|part| part.plan.as_ref().err().cloned());
    let stops = |check: &&Check| check.outcome == CheckOutcome::Stops;
    left_out.or_else(|| plan.checks.iter().find(stops).map(|check| check.text.clone()))
}

impl Live {
    /// Folds an event of the runner, and does what follows from it.
    pub(super) fn take_run(&mut self, event: RunEvent) {
        let is_over = self.undoing.saw(&event);
        let stopped = matches!(event, RunEvent::Ended { stopped: true, .. });
        let plan = if let RunEvent::Planned { plan, .. } = &event { Some(plan.clone()) } else { None };
        if let RunEvent::Refused { at, plan, why } = &event {
            self.ui.say(Level::Warn, why.clone());
            let step = self.undoing.refused(plan, why, at.unix_ms);
            self.take_step(step);
        }
        self.session.fold(Event::Run(event));
        if is_over {
            let now = self.session.clock().now().unix_ms;
            let step = self.undoing.over(self.session.state(), stopped, now);
            self.take_step(step);
        }
        if let Some(plan) = plan
            && self.undoing.asked_for(&plan)
        {
            match refusal(&plan) {
                None => self.benches.act(BenchAct::Start(plan.id), self.session.state(), self.ui.settings()),
                Some(why) => {
                    let step = self.undoing.unmeasured(&why, self.session.clock().now().unix_ms);
                    self.take_step(step);
                }
            }
        }
    }

    /// An operation of an undo has ended.
    pub(super) fn undone(&mut self, (job, done): (Job, Done)) {
        self.note_operation(&job, &done);
        let step = self.undoing.acted(&done, self.session.clock().now().unix_ms);
        self.ui.report(done);
        self.take_step(step);
    }

    fn take_step(&mut self, step: Step) {
        for note in step.notes {
            let (level, words) = say(&note);
            self.ui.say(level, words);
            let at = self.session.clock().now();
            self.session.fold(Event::Run(RunEvent::Undo { at, note }));
        }
        match step.next {
            None => {}
            Some(Next::Measure(keys)) => {
                self.benches.act(BenchAct::Plan(keys), self.session.state(), self.ui.settings());
            }
            Some(Next::Act(job)) => {
                let (written, root) = (self.session.written(), self.root.clone());
                let work = move || {
                    let done = carry_out(&job, &written, &root);
                    Report::Undo(Box::new((job, done)))
                };
                if !self.background.begin(work) {
                    let now = self.session.clock().now().unix_ms;
                    let text = "there is no thread for it".to_owned();
                    let failed = Done { outcome: Outcome { level: Level::Warn, text }, undo: None };
                    let step = self.undoing.acted(&failed, now);
                    self.take_step(step);
                }
            }
        }
    }
}
