//! Carrying out what keys ask of the outside world: on threads of their own, reported by a line in the footer. Nothing
//! here waits.

use std::process::ExitStatus;

use super::{
    background::Report,
    live::{End, Live},
    shell::Guest,
    terminal::Sent,
};
use crate::{
    act,
    alert::Level,
    clock::Stamp,
    model::{
        alert::AlertMark, engine_address::EngineAddress, event::Event, operation::Operation,
        service::target::ServiceTarget,
    },
    request::{Command, Done, Job},
};

impl Live {
    /// Carries out one command; says when it ends the loop.
    pub(super) fn execute(&mut self, command: Command) -> Option<End> {
        match command {
            Command::Quit => return Some(End::Quit),
            Command::Suspend => self.suspend(),
            Command::Redraw => self.spoiled = true,
            Command::Job(job) => self.begin(job),
            Command::Mark(says) => {
                let at = self.session.clock().now();
                self.session.fold(Event::Alert(AlertMark { at, says }));
            }
            Command::Shell { engine, id } => self.shell(&engine, &id),
            Command::Bench(act) => self.benches.act(act, self.session.state(), self.ui.settings()),
            Command::Save { name, text } => {
                self.background.begin(move || Report::Message(act::apart::save_text(name, text)));
            }
        }
        None
    }

    fn begin(&self, mut job: Job) {
        // Where the user's config is the screen does not say.
        let place = |job: &mut Job| {
            if let Job::Service { own, .. } = job {
                own.clone_from(&self.ui.settings().saving.own);
            }
        };
        place(&mut job);
        let root = self.root.clone();
        self.background.begin(move || {
            let done = act::job::run(&job, &root);
            Report::Act(Box::new((job, done)))
        });
    }

    /// Takes in how work in the background went that was begun earlier.
    pub(super) fn reports(&mut self) -> Sent {
        let mut any = self.session.recall(|words| self.ui.say(Level::Warn, words));
        any |= self.session.take_reports(|words| self.ui.say(Level::Warn, words));
        while let Some(report) = self.background.next() {
            any = true;
            match report {
                Report::Message(outcome) => self.ui.say(outcome.level, outcome.text),
                Report::Act(ended) => {
                    let (job, done) = *ended;
                    self.note_operation(&job, &done);
                    if let Job::Service { target, add, .. } = &job
                        && done.outcome.level <= Level::Ok
                    {
                        self.added.retain(|other| other.name != target.name);
                        self.added.extend(add.then(|| ServiceTarget::clone(target)));
                    }
                    self.ui.report(done);
                }
                Report::Undo(ended) => self.undone(*ended),
                Report::Shell(ended) => self.shell_ended(ended),
            }
        }
        while let Some(event) = self.benches.next() {
            any = true;
            self.take_run(event);
        }
        for words in std::mem::take(&mut self.benches.said) {
            any = true;
            self.ui.say(Level::Advice, words);
        }
        if any { self.frame() } else { Sent::Whole }
    }

    /// Folds that an operation has ended.
    pub(super) fn note_operation(&mut self, job: &Job, done: &Done) {
        let at = self.session.clock().now();
        self.session.fold(Event::Act(operation(job, done, at)));
    }

    /// Steps aside for a shell in a container until it ends.
    fn shell(&mut self, engine: &EngineAddress, id: &str) {
        let engines = &self.session.state().host.containers.engines;
        let kind = engines.iter().find(|e| e.address == *engine).map_or("docker", |e| e.kind.as_str());
        self.gate.lend();
        self.terminal.release();
        self.guest = Guest::start(&self.background, kind, engine, id);
        if self.guest.is_some() {
            self.want();
        } else {
            self.gate.take_back();
            self.come_back();
        }
    }

    fn shell_ended(&mut self, ended: Result<ExitStatus, String>) {
        self.guest = None;
        self.gate.take_back();
        self.come_back();
        match ended {
            // 130: its last command was interrupted.
            Ok(status) if matches!(status.code(), Some(0 | 130)) => {}
            Ok(status) => self.ui.say(Level::Advice, format!("the shell ended: {status}")),
            Err(why) => self.ui.say(Level::Warn, why),
        }
    }
}

/// The fact that `job` was carried out, or failed, for whoever records it.
pub(super) fn operation(job: &Job, done: &Done, at: Stamp) -> Operation {
    let outcome = &done.outcome;
    Operation { at, what: job.phrase(), done: outcome.level <= Level::Ok, report: outcome.text.clone() }
}
