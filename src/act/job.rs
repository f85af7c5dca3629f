//! Operations: what changes the machine, carried out on a thread of its own, reported in words, with what takes it back.

use std::{thread, time::Duration};

use super::{Outcome, apart, container, pool, remove, renice, signal};
pub use super::{container::ContainerAct, limits::Limits, pool::PoolAct, remove::Removal};
use crate::{
    alert::Level,
    config::save::Save,
    model::{engine_address::EngineAddress, process::ProcKey},
    sys::root::Root,
};

/// An engine or a tool that takes longer has not done it.
pub(super) const PATIENCE: Duration = Duration::from_secs(90);

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// To a container.
    Container {
        /// Address of its engine.
        engine: EngineAddress,
        /// Its id.
        id: String,
        /// Its name, for the report.
        name: String,
        /// What.
        act: ContainerAct,
    },
    /// To a pool.
    Pool {
        /// Its name.
        pool: String,
        /// What.
        act: PoolAct,
    },
    /// Remove what engines keep.
    Remove(Vec<Removal>),
    /// Send a signal to each of these, if they are still the same processes.
    Signal {
        /// Targets.
        targets: Vec<ProcKey>,
        /// Signal number.
        signal: i32,
    },
    /// Change the niceness of each of these by so much, if they are still the same processes.
    Renice(Vec<(ProcKey, i32)>),
    /// All of these, at the same time.
    All(Vec<Job>),
    /// Save settings for the next start.
    Save(Save),
}

/// How an operation went, and the one that takes it back; `None` where nothing does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// In words.
    pub outcome: Outcome,
    /// The way back.
    pub undo: Option<Job>,
}

impl Job {
    /// All of these as one; `None` for none.
    #[must_use]
    pub fn all(mut jobs: Vec<Job>) -> Option<Job> {
        if jobs.len() > 1 { Some(Job::All(jobs)) } else { jobs.pop() }
    }

    /// Carries it out on the machine under `root`; takes as long as it takes.
    #[must_use]
    pub fn run(&self, root: &Root) -> Done {
        match self {
            Job::Container { engine, id, name, act } => {
                let back = |act| Job::Container { engine: engine.clone(), id: id.clone(), name: name.clone(), act };
                self.told(container::run(engine, id, name, *act).map(|(text, undo)| (text, undo.map(back))))
            }
            Job::Pool { pool, act } => {
                let back = |act| Job::Pool { pool: pool.clone(), act };
                self.told(pool::run(pool, act).map(|(text, undo)| (text, undo.map(back))))
            }
            Job::Remove(things) => self.told(remove::remove(things).map(|text| (text, None))),
            Job::Signal { targets, signal } => {
                let (outcome, reached) = signal::send(root, targets, *signal);
                let back = signal::reverse(*signal).filter(|_| !reached.is_empty());
                Done { outcome, undo: back.map(|signal| Job::Signal { targets: reached, signal }) }
            }
            Job::Renice(targets) => {
                let (outcome, changed) = renice::change(root, targets);
                let back: Vec<_> = changed.into_iter().map(|(key, by)| (key, -by)).collect();
                Done { outcome, undo: (!back.is_empty()).then_some(Job::Renice(back)) }
            }
            Job::All(jobs) => together(jobs, root),
            Job::Save(save) => Done { outcome: apart::save_settings(save.clone()), undo: None },
        }
    }

    fn told(&self, done: Result<(String, Option<Job>), impl std::fmt::Display>) -> Done {
        match done {
            Ok((text, undo)) => Done { outcome: Outcome { level: Level::Ok, text }, undo },
            Err(why) => {
                let text = format!("could not {}: {why}", self.phrase());
                Done { outcome: Outcome { level: Level::Warn, text }, undo: None }
            }
        }
    }

    /// What it does, in words that name what it is done to: `pause web`, `set compression of tank/db to lz4`.
    #[must_use]
    pub fn phrase(&self) -> String {
        match self {
            Job::Container { name, act, .. } => act.phrase(name),
            Job::Pool { pool, act } => act.phrase(pool),
            Job::Remove(things) => match things.as_slice() {
                [one] => format!("remove {}", one.name),
                many => format!("remove {} things", many.len()),
            },
            Job::Signal { targets, signal } => {
                let name = signal::by_number(*signal).map_or_else(|| signal.to_string(), |def| def.name.to_owned());
                format!("send {name} to {}", pids(targets.iter()))
            }
            Job::Renice(targets) => {
                let by = targets.first().map_or(0, |(_, by)| *by);
                format!("change the niceness of {} by {by:+}", pids(targets.iter().map(|(key, _)| key)))
            }
            Job::All(jobs) => jobs.iter().map(Job::phrase).collect::<Vec<_>>().join(", "),
            Job::Save(_) => "save settings".to_owned(),
        }
    }

    /// Can be taken back, as far as is known before.
    #[must_use]
    pub fn is_undoable(&self) -> bool {
        match self {
            Job::Container { act, .. } => act.is_undoable(),
            Job::Pool { act, .. } => act.is_undoable(),
            Job::Remove(_) | Job::Save(_) => false,
            Job::Signal { signal, .. } => signal::reverse(*signal).is_some(),
            Job::Renice(_) => true,
            Job::All(jobs) => jobs.iter().all(Job::is_undoable),
        }
    }
}

fn pids<'a>(keys: impl Iterator<Item = &'a ProcKey>) -> String {
    keys.map(|key| key.pid.to_string()).collect::<Vec<_>>().join(", ")
}

/// Each on a thread of its own: stopping ten containers takes as long as the slowest.
fn together(jobs: &[Job], root: &Root) -> Done {
    let done: Vec<Done> = thread::scope(|scope| {
        let spawn = |job| thread::Builder::new().name("bt-act".into()).spawn_scoped(scope, move || Job::run(job, root));
        let running: Vec<_> = jobs.iter().map(|job| (job, spawn(job))).collect();
        let finished = running.into_iter().map(|(job, thread)| match thread {
            Ok(thread) => thread.join().unwrap_or_else(|_| job.told(Err("it ended in a panic".to_owned()))),
            // No thread to be had: in turn, then.
            Err(_) => job.run(root),
        });
        finished.collect()
    });
    let failed: Vec<&str> =
        done.iter().filter(|d| d.outcome.level > Level::Ok).map(|d| d.outcome.text.as_str()).collect();
    let good: Vec<&str> =
        done.iter().filter(|d| d.outcome.level <= Level::Ok).map(|d| d.outcome.text.as_str()).collect();
    let text = match (good.is_empty(), failed.is_empty()) {
        (_, true) => good.join(", "),
        (true, false) => failed.join(" · "),
        (false, false) => format!("{} · {}", failed.join(" · "), good.join(", ")),
    };
    let level = if failed.is_empty() { Level::Ok } else { Level::Warn };
    let undo = Job::all(done.iter().filter_map(|d| d.undo.clone()).collect());
    Done { outcome: Outcome { level, text }, undo }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stop(name: &str) -> Job {
        Job::Container {
            engine: "unix:///nowhere/docker.sock".into(),
            id: "ab".into(),
            name: name.into(),
            act: ContainerAct::Stop,
        }
    }

    #[test]
    fn an_engine_that_is_not_there_is_reported_with_what_was_to_be_done() {
        let done = stop("web").run(&Root::default());
        assert_eq!((done.outcome.level, done.undo), (Level::Warn, None));
        assert!(done.outcome.text.starts_with("could not stop web: "), "{}", done.outcome.text);
    }

    #[test]
    fn several_are_reported_together() {
        let both = Job::all(vec![stop("web"), stop("db")]).expect("two");
        let text = both.run(&Root::default()).outcome.text;
        assert!(text.contains("could not stop web: ") && text.contains("could not stop db: "), "{text}");
        assert_eq!(both.phrase(), "stop web, stop db");
        assert_eq!(Job::all(vec![stop("web")]), Some(stop("web")));
        assert_eq!(Job::all(Vec::new()), None);
    }
}
