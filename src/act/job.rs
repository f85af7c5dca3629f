//! Acts that take their time: what is done to containers and pools. Each runs on a thread of its own and reports in words.

use std::time::Duration;

use bollard::{
    Docker,
    errors::Error,
    models::ContainerUpdateBody,
    query_parameters::{
        KillContainerOptions, RemoveContainerOptions, RestartContainerOptions, StartContainerOptions,
        StopContainerOptions,
    },
};

pub use super::remove::Removal;
use super::{Outcome, remove};
use crate::{
    alert::Level,
    model::engine_address::EngineAddress,
    sys::exec::{self, Runner},
    text::clean,
};

/// An engine or a tool that takes longer has not done it.
pub(super) const PATIENCE: Duration = Duration::from_secs(90);

/// What can be done to a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the engine's words")]
pub enum ContainerAct {
    Start,
    Stop,
    Restart,
    Pause,
    Unpause,
    Kill,
    Remove,
    /// New limits: billionths of a core, and bytes; `None` leaves one as it is.
    Limit {
        nano_cpus: Option<i64>,
        memory: Option<i64>,
    },
}

impl ContainerAct {
    /// What it is called.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ContainerAct::Start => "start",
            ContainerAct::Stop => "stop",
            ContainerAct::Restart => "restart",
            ContainerAct::Pause => "pause",
            ContainerAct::Unpause => "go on",
            ContainerAct::Kill => "kill",
            ContainerAct::Remove => "remove",
            ContainerAct::Limit { .. } => "limit",
        }
    }

    /// What was done, for the report.
    fn done(self) -> &'static str {
        match self {
            ContainerAct::Start => "started",
            ContainerAct::Stop => "stopped",
            ContainerAct::Restart => "restarted",
            ContainerAct::Pause => "paused",
            ContainerAct::Unpause => "goes on",
            ContainerAct::Kill => "killed",
            ContainerAct::Remove => "removed",
            ContainerAct::Limit { .. } => "limits are in force",
        }
    }

    /// It takes something away that may be missed.
    #[must_use]
    pub fn is_destructive(self) -> bool {
        matches!(self, ContainerAct::Stop | ContainerAct::Restart | ContainerAct::Kill | ContainerAct::Remove)
    }
}

/// What can be done to a pool or a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PoolAct {
    /// Start a scrub, or go on with a paused one.
    Scrub,
    /// Pause a scrub.
    PauseScrub,
    /// Stop a scrub.
    StopScrub,
    /// Forget counted errors; a suspended pool tries to go on.
    Clear,
    /// Set a property of a dataset.
    Set {
        /// Which dataset.
        dataset: String,
        /// `compression`, `recordsize`.
        property: &'static str,
        /// The new value.
        value: String,
        /// The value before, for the way back.
        before: String,
    },
}

/// One act.
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
    /// Things that engines keep are removed.
    Remove(Vec<Removal>),
}

impl Job {
    /// Carries it out; takes as long as it takes.
    #[must_use]
    pub fn run(&self) -> Outcome {
        let (what, done) = match self {
            Job::Container { engine, id, name, act } => (
                format!("{} {name}", act.word()),
                container(engine, id, *act).map(|()| format!("{name} {}", act.done())),
            ),
            Job::Pool { pool, act } => (describe(pool, act), zfs(pool, act)),
            Job::Remove(things) => ("remove all of them".to_owned(), remove::remove(things)),
        };
        match done {
            Ok(text) => Outcome { level: Level::Ok, text },
            Err(why) => Outcome { level: Level::Warn, text: format!("could not {what}: {why}") },
        }
    }

    /// The act that takes this one back; `None` where there is none.
    #[must_use]
    pub fn undo(&self) -> Option<Job> {
        match self {
            Job::Pool { pool, act: PoolAct::Set { dataset, property, value, before } } => Some(Job::Pool {
                pool: pool.clone(),
                act: PoolAct::Set { dataset: dataset.clone(), property, value: before.clone(), before: value.clone() },
            }),
            _ => None,
        }
    }
}

fn container(engine: &EngineAddress, id: &str, act: ContainerAct) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(async {
        let work = async {
            let docker =
                Docker::connect_with_host(engine.dialled())?.with_timeout(PATIENCE).negotiate_version().await?;
            match act {
                ContainerAct::Start => docker.start_container(id, None::<StartContainerOptions>).await,
                ContainerAct::Stop => docker.stop_container(id, None::<StopContainerOptions>).await,
                ContainerAct::Restart => docker.restart_container(id, None::<RestartContainerOptions>).await,
                ContainerAct::Pause => docker.pause_container(id).await,
                ContainerAct::Unpause => docker.unpause_container(id).await,
                ContainerAct::Kill => docker.kill_container(id, None::<KillContainerOptions>).await,
                ContainerAct::Remove => docker.remove_container(id, None::<RemoveContainerOptions>).await,
                ContainerAct::Limit { nano_cpus, memory } => limit(&docker, id, nano_cpus, memory).await,
            }
        };
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(done) => done.map_err(|error| say(&error)),
            Err(_) => Err(format!("{engine} did not answer within {} s", PATIENCE.as_secs())),
        }
    })
}

/// Sets limits of a running container. Swap keeps the engine's own proportion: as much again as memory.
async fn limit(docker: &Docker, id: &str, nano_cpus: Option<i64>, memory: Option<i64>) -> Result<(), Error> {
    let swap = memory.map(|bytes| bytes.saturating_mul(2));
    let body = ContainerUpdateBody { nano_cpus, memory, memory_swap: swap, ..ContainerUpdateBody::default() };
    match docker.update_container(id, body).await {
        // One whose limit was given as a quota takes quotas alone.
        Err(Error::DockerResponseServerError { message, .. }) if message.contains("Conflicting options") => {
            let period = 100_000;
            let quota = nano_cpus.map(|nano| nano / (1_000_000_000 / period));
            let body = ContainerUpdateBody {
                cpu_period: quota.map(|_| period),
                cpu_quota: quota,
                memory,
                memory_swap: swap,
                ..ContainerUpdateBody::default()
            };
            docker.update_container(id, body).await
        }
        done => done,
    }
}

/// The engine's own words.
pub(super) fn say(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => clean(message.trim()).into_owned(),
        other => clean(&other.to_string()).into_owned(),
    }
}

fn describe(pool: &str, act: &PoolAct) -> String {
    match act {
        PoolAct::Scrub => format!("scrub {pool}"),
        PoolAct::PauseScrub => format!("pause the scrub of {pool}"),
        PoolAct::StopScrub => format!("stop the scrub of {pool}"),
        PoolAct::Clear => format!("clear the errors of {pool}"),
        PoolAct::Set { dataset, property, value, .. } => format!("set {property} of {dataset} to {value}"),
    }
}

fn zfs(pool: &str, act: &PoolAct) -> Result<String, String> {
    let setting;
    let (program, arguments): (_, Vec<&str>) = match act {
        PoolAct::Scrub => ("zpool", vec!["scrub", pool]),
        PoolAct::PauseScrub => ("zpool", vec!["scrub", "-p", pool]),
        PoolAct::StopScrub => ("zpool", vec!["scrub", "-s", pool]),
        PoolAct::Clear => ("zpool", vec!["clear", pool]),
        PoolAct::Set { dataset, property, value, .. } => {
            setting = format!("{property}={value}");
            ("zfs", vec!["set", &setting, dataset])
        }
    };
    let path = exec::find(program).ok_or_else(|| format!("{program} is not installed"))?;
    let said = Runner::default().run(&path, &arguments, PATIENCE).map_err(|_| format!("{program} does not answer"))?;
    if said.code != Some(0) {
        return Err(said.complaint().unwrap_or_else(|| format!("{program} ended with {:?}", said.code)));
    }
    Ok(match act {
        PoolAct::Scrub => format!("{pool} is being scrubbed"),
        PoolAct::PauseScrub => format!("the scrub of {pool} is paused"),
        PoolAct::StopScrub => format!("the scrub of {pool} is stopped"),
        PoolAct::Clear => format!("the errors of {pool} are cleared"),
        PoolAct::Set { dataset, property, value, before } => {
            format!(
                "{property} of {dataset} is {value}, it was {before}: ctrl-u takes it back. What is written holds as it is"
            )
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_can_be_taken_back_and_the_taking_back_too() {
        let set = |value: &str, before: &str| Job::Pool {
            pool: "tank".into(),
            act: PoolAct::Set {
                dataset: "tank/db".into(),
                property: "compression",
                value: value.into(),
                before: before.into(),
            },
        };
        let back = set("zstd", "lz4").undo().expect("a way back");
        assert_eq!(back, set("lz4", "zstd"));
        assert_eq!(back.undo(), Some(set("zstd", "lz4")));
        assert_eq!(Job::Pool { pool: "tank".into(), act: PoolAct::Scrub }.undo(), None);
    }

    #[test]
    fn an_engine_that_is_not_there_is_reported_with_what_was_to_be_done() {
        let job = Job::Container {
            engine: "unix:///nowhere/docker.sock".into(),
            id: "ab".into(),
            name: "web".into(),
            act: ContainerAct::Stop,
        };
        let outcome = job.run();
        assert_eq!(outcome.level, Level::Warn);
        assert!(outcome.text.starts_with("could not stop web: "), "{}", outcome.text);
    }
}
