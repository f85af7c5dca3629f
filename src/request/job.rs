//! Operations on the machine, as data: the screen builds them, `act` executes them, a log keeps them with their undo.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{container::ContainerAct, pool::PoolAct, signal};
use crate::{
    alert::Level,
    config::save::Save,
    model::{engine_address::EngineAddress, process::ProcKey, service::target::ServiceTarget, store::Kind},
};

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// To a container.
    Container {
        /// Address of its engine.
        engine: EngineAddress,
        /// Its id.
        id: String,
        /// Its name, for the report.
        name: String,
        act: ContainerAct,
    },
    /// To a pool.
    Pool { pool: String, act: PoolAct },
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
    /// Add a service to those that are probed, or take one away that was added. A file beside `own`, the user's config.
    #[serde(skip)]
    Service { own: Option<PathBuf>, target: Box<ServiceTarget>, add: bool },
    /// Save settings for the next start. No operation on the machine: it is in no log of operations.
    #[serde(skip)]
    Save(Save),
}

/// What is to be removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// Address of its engine.
    pub engine: EngineAddress,
    pub kind: Kind,
    /// As the engine calls it.
    pub id: String,
    /// As the report calls it.
    pub name: String,
    /// Bytes that it frees.
    pub bytes: u64,
}

/// What came of an operation, for one line on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// `Ok`, or `Warn` when some of it failed.
    pub level: Level,
    /// In plain words, naming what it was done to.
    pub text: String,
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

    /// What it does, in words that name what it is done to: `pause web`, `set compression of tank/db to lz4`.
    #[must_use]
    pub fn phrase(&self) -> String {
        match self {
            Job::Container { name, act, .. } => act.phrase(name),
            Job::Pool { pool, act } => act.phrase(pool),
            Job::Remove(items) => match items.as_slice() {
                [one] => format!("remove {}", one.name),
                many => format!("remove {} objects", many.len()),
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
            Job::Service { target, add, .. } => {
                format!("{} {}", if *add { "probe" } else { "stop probing" }, target.name)
            }
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
            Job::Renice(_) | Job::Service { .. } => true,
            Job::All(jobs) => jobs.iter().all(Job::is_undoable),
        }
    }
}

fn pids<'a>(keys: impl Iterator<Item = &'a ProcKey>) -> String {
    keys.map(|key| key.pid.to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_several_jobs_are_undoable_or_none() {
        let (nice, removal) = (Job::Renice(Vec::new()), Job::Remove(Vec::new()));
        assert!(nice.is_undoable() && !removal.is_undoable());
        assert!(Job::All(vec![nice.clone(), nice.clone()]).is_undoable());
        assert!(!Job::All(vec![nice, removal]).is_undoable());
    }

    #[test]
    fn each_job_is_said_in_words() {
        let key = |pid| ProcKey { pid, start_ticks: 1 };
        let removal = |name: &str| Removal {
            engine: "unix:///run/docker.sock".into(),
            kind: Kind::Image,
            id: name.into(),
            name: name.into(),
            bytes: 1,
        };
        let url = crate::model::service::target::ServiceUrl::parse("tcp://nas:1").expect("a URL");
        let target = Box::new(ServiceTarget::new("nas", url));
        let service = |add| Job::Service { own: None, target: target.clone(), add };
        for (job, phrase, undoable) in [
            (Job::Remove(vec![removal("a")]), "remove a", false),
            (Job::Remove(vec![removal("a"), removal("b")]), "remove 2 objects", false),
            (Job::Signal { targets: vec![key(7), key(8)], signal: 15 }, "send TERM to 7, 8", false),
            (Job::Signal { targets: vec![key(7)], signal: 19 }, "send STOP to 7", true),
            (Job::Signal { targets: vec![key(7)], signal: 99 }, "send 99 to 7", false),
            (Job::Renice(vec![(key(7), -3), (key(8), -3)]), "change the niceness of 7, 8 by -3", true),
            (Job::Renice(vec![(key(7), 3)]), "change the niceness of 7 by +3", true),
            (Job::Pool { pool: "tank".into(), act: PoolAct::Clear }, "clear the errors of tank", false),
            (service(true), "probe nas", true),
            (service(false), "stop probing nas", true),
            (Job::Save(Save { saving: Default::default(), changes: Vec::new() }), "save settings", false),
        ] {
            assert_eq!((job.phrase().as_str(), job.is_undoable()), (phrase, undoable));
        }
        let both = Job::all(vec![service(true), service(false)]).expect("two");
        assert_eq!(both.phrase(), "probe nas, stop probing nas");
    }
}
