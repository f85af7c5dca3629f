//! Operations on containers, carried out by the engine's API, and what takes each of them back.

use bollard::query_parameters::{
    KillContainerOptions, RemoveContainerOptions, RestartContainerOptions, StartContainerOptions, StopContainerOptions,
};

use super::{
    PATIENCE,
    engine::{OperationError, on},
    limits,
};
use crate::{
    model::engine_address::EngineAddress,
    request::ContainerAct,
    sys::engine::{EngineClient, EngineError, encoded},
};

/// Carries it out: the report, and what takes it back.
pub(super) fn run(
    engine: &EngineAddress,
    id: &str,
    name: &str,
    act: ContainerAct,
) -> Result<(String, Option<ContainerAct>), OperationError> {
    on(engine, asked(engine, id, name, act))
}

async fn asked(
    engine: &EngineAddress,
    id: &str,
    name: &str,
    act: ContainerAct,
) -> Result<(String, Option<ContainerAct>), EngineError> {
    let client = EngineClient::connect(engine).await?;
    let docker = client.operator(PATIENCE)?;
    let id = &encoded(id);
    let done = match act {
        ContainerAct::Start => docker.start_container(id, None::<StartContainerOptions>).await,
        ContainerAct::Stop => docker.stop_container(id, None::<StopContainerOptions>).await,
        ContainerAct::Restart => docker.restart_container(id, None::<RestartContainerOptions>).await,
        ContainerAct::Pause => docker.pause_container(id).await,
        ContainerAct::Unpause => docker.unpause_container(id).await,
        ContainerAct::Kill => docker.kill_container(id, None::<KillContainerOptions>).await,
        ContainerAct::Remove => docker.remove_container(id, None::<RemoveContainerOptions>).await,
        ContainerAct::Limit(limits) => {
            let before = limits::set(&client, &docker, id, limits).await?;
            let text = format!("{name}: {}", limits.report(&before));
            return Ok((text, Some(ContainerAct::Limit(before))));
        }
    };
    done.map_err(|error| EngineError::of_operation(&error))?;
    Ok((done_words(act, name), act.reverse()))
}

/// What was done, for the report.
fn done_words(act: ContainerAct, name: &str) -> String {
    let done = match act {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_one_request() {
        use crate::sys::engine::testing::{FakeEngine, VERSION, answer, gives};
        let refuses = || -> crate::sys::engine::testing::Act {
            std::sync::Arc::new(|stream| {
                let words = answer(409, r#"{"message":"ab is \u001b not running"}"#);
                drop(std::io::Write::write_all(stream, &words));
            })
        };
        let engine = FakeEngine::new([
            ("/version", gives(VERSION)),
            ("/containers/ab/pause", gives("")),
            ("/containers/ab/unpause", refuses()),
            ("/containers/ab", gives("")),
        ]);
        let run = |act| run(&engine.address(), "ab", "web", act).map_err(|error| error.to_string());
        assert_eq!(run(ContainerAct::Pause), Ok(("web paused".to_owned(), Some(ContainerAct::Unpause))));
        assert_eq!(run(ContainerAct::Unpause), Err("ab is ? not running".to_owned()));
        assert_eq!(run(ContainerAct::Remove), Ok(("web removed".to_owned(), None)));
        let asked = engine.asked.lock().expect("the log").join(", ");
        assert_eq!(
            asked.replace("GET /_ping, GET /version, ", ""),
            "POST /containers/ab/pause, POST /containers/ab/unpause, DELETE /containers/ab"
        );
    }
}
