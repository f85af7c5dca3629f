//! Operations on containers, carried out by the engine's API, and what takes each of them back.

use bollard::{
    Docker,
    errors::Error,
    query_parameters::{
        KillContainerOptions, RemoveContainerOptions, RestartContainerOptions, StartContainerOptions,
        StopContainerOptions,
    },
};

use super::{limits, remove::say};
use crate::{act::job::PATIENCE, model::engine_address::EngineAddress};

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
    Limit(limits::Limits),
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
            ContainerAct::Unpause => "unpause",
            ContainerAct::Kill => "kill",
            ContainerAct::Remove => "remove",
            ContainerAct::Limit(_) => "set limits of",
        }
    }

    /// What it does, for the list and the question.
    #[must_use]
    pub fn doc(self) -> &'static str {
        match self {
            ContainerAct::Start => "run it again",
            ContainerAct::Stop => "SIGTERM, then SIGKILL after 10 s",
            ContainerAct::Restart => "stop, then start",
            ContainerAct::Pause => "freeze all its processes",
            ContainerAct::Unpause => "let its processes run again",
            ContainerAct::Kill => "SIGKILL at once",
            ContainerAct::Remove => "delete it and its writable layer; volumes stay",
            ContainerAct::Limit(_) => "change its CPU and memory limits while it runs",
        }
    }

    /// The same in a sentence of an undo or a failure: `pause web`, `set limits of web: memory 64 MiB`.
    #[must_use]
    pub fn phrase(self, name: &str) -> String {
        match self {
            ContainerAct::Limit(limits) => format!("set limits of {name}: {}", limits.words()),
            act => format!("{} {name}", act.word()),
        }
    }

    /// What was done, for the report.
    fn done(self, name: &str) -> String {
        let done = match self {
            ContainerAct::Start => "started",
            ContainerAct::Stop => "stopped",
            ContainerAct::Restart => "restarted",
            ContainerAct::Pause => "paused",
            ContainerAct::Unpause => "unpaused",
            ContainerAct::Kill => "killed",
            ContainerAct::Remove => "removed",
            // Reported with what was before.
            ContainerAct::Limit(_) => "limits set",
        };
        format!("{name} {done}")
    }

    /// What takes it back; `None` where nothing does. Of limits only the engine knows what was before.
    #[must_use]
    pub fn reverse(self) -> Option<ContainerAct> {
        match self {
            ContainerAct::Start => Some(ContainerAct::Stop),
            ContainerAct::Stop | ContainerAct::Kill => Some(ContainerAct::Start),
            ContainerAct::Pause => Some(ContainerAct::Unpause),
            ContainerAct::Unpause => Some(ContainerAct::Pause),
            ContainerAct::Restart | ContainerAct::Remove | ContainerAct::Limit(_) => None,
        }
    }

    /// Can be taken back.
    #[must_use]
    pub fn is_undoable(self) -> bool {
        matches!(self, ContainerAct::Limit(_)) || self.reverse().is_some()
    }
}

/// Carries it out: the report, and what takes it back.
pub(super) fn run(
    engine: &EngineAddress,
    id: &str,
    name: &str,
    act: ContainerAct,
) -> Result<(String, Option<ContainerAct>), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(async {
        match tokio::time::timeout(PATIENCE, asked(engine, id, name, act)).await {
            Ok(done) => done.map_err(|error| say(&error)),
            Err(_) => Err(format!("{engine} did not answer within {} s", PATIENCE.as_secs())),
        }
    })
}

async fn asked(
    engine: &EngineAddress,
    id: &str,
    name: &str,
    act: ContainerAct,
) -> Result<(String, Option<ContainerAct>), Error> {
    let docker = Docker::connect_with_host(engine.dialled())?.with_timeout(PATIENCE).negotiate_version().await?;
    match act {
        ContainerAct::Start => docker.start_container(id, None::<StartContainerOptions>).await,
        ContainerAct::Stop => docker.stop_container(id, None::<StopContainerOptions>).await,
        ContainerAct::Restart => docker.restart_container(id, None::<RestartContainerOptions>).await,
        ContainerAct::Pause => docker.pause_container(id).await,
        ContainerAct::Unpause => docker.unpause_container(id).await,
        ContainerAct::Kill => docker.kill_container(id, None::<KillContainerOptions>).await,
        ContainerAct::Remove => docker.remove_container(id, None::<RemoveContainerOptions>).await,
        ContainerAct::Limit(limits) => {
            let before = limits::set(&docker, id, limits).await?;
            let text = format!("{name}: {}", limits.report(&before));
            return Ok((text, Some(ContainerAct::Limit(before))));
        }
    }?;
    Ok((act.done(name), act.reverse()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pause_and_stop_have_a_way_back() {
        use ContainerAct::{Kill, Pause, Remove, Restart, Start, Stop, Unpause};
        for (act, back) in [(Pause, Unpause), (Unpause, Pause), (Stop, Start), (Start, Stop), (Kill, Start)] {
            assert_eq!(act.reverse(), Some(back));
        }
        assert!([Restart, Remove].iter().all(|act| !act.is_undoable()));
    }
}
