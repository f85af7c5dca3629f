//! What a run made on a container engine: removed by name only if it has the label of the run.

use std::{collections::HashMap, time::Duration};

use bollard::query_parameters::{RemoveContainerOptions, RemoveImageOptions, RemoveVolumeOptions};
use tokio::{
    runtime::Builder,
    time::{sleep, timeout},
};

use super::kind::LABEL;
use crate::{
    model::engine_address::EngineAddress,
    sys::engine::{EngineClient, EngineError, encoded},
};

/// An engine that takes longer has not done it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks at what the engine is removing.
const AGAIN: Duration = Duration::from_millis(50);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Container,
    Network,
    Volume,
    Image,
}

/// Why it is still there.
enum Kept {
    NotOurs,
    Engine(EngineError),
}

pub(super) fn remove(engine: &str, kind: Kind, name: &str, batch: &str) -> Result<(), String> {
    let address = EngineAddress::new(engine);
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let outcome = runtime.block_on(async { timeout(PATIENCE, attempt(&address, kind, name, batch)).await });
    match outcome {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Kept::NotOurs)) => Err(format!("it does not have the label {LABEL}={batch}")),
        Ok(Err(Kept::Engine(error))) => Err(format!("{address}: {error}")),
        Err(_) => Err(format!("{address} did not answer within {} s", PATIENCE.as_secs())),
    }
}

async fn attempt(address: &EngineAddress, kind: Kind, name: &str, batch: &str) -> Result<(), Kept> {
    let docker = EngineClient::connect(address).await.map_err(Kept::Engine)?;
    let docker = docker.operator(PATIENCE).map_err(Kept::Engine)?;
    let failed = |error: bollard::errors::Error| Kept::Engine(EngineError::of_operation(&error));
    let gone = |error: &bollard::errors::Error| {
        matches!(error, bollard::errors::Error::DockerResponseServerError { status_code: 404, .. })
    };
    let name = &encoded(name);
    let labels: Result<Option<HashMap<String, String>>, _> = match kind {
        Kind::Container => docker.inspect_container(name, None).await.map(|c| c.config.and_then(|c| c.labels)),
        Kind::Network => docker.inspect_network(name, None).await.map(|n| n.labels),
        Kind::Volume => docker.inspect_volume(name).await.map(|v| Some(v.labels)),
        Kind::Image => docker.inspect_image(name).await.map(|i| i.config.and_then(|c| c.labels)),
    };
    let labels = match labels {
        Ok(labels) => labels.unwrap_or_default(),
        Err(error) if gone(&error) => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    if batch.is_empty() || labels.get(LABEL).map(String::as_str) != Some(batch) {
        return Err(Kept::NotOurs);
    }
    let removed = match kind {
        Kind::Container => {
            let options = RemoveContainerOptions { force: true, v: true, ..RemoveContainerOptions::default() };
            docker.remove_container(name, Some(options)).await
        }
        Kind::Network => docker.remove_network(name).await,
        Kind::Volume => docker.remove_volume(name, Some(RemoveVolumeOptions { force: true })).await,
        Kind::Image => {
            let options = RemoveImageOptions { force: true, ..RemoveImageOptions::default() };
            docker.remove_image(name, Some(options), None).await.map(drop)
        }
    };
    match removed {
        // The killed run had asked for it, and the engine still works on that; the caller's patience is the limit.
        Err(error) if is_under_way(&error) && kind == Kind::Container => {
            while docker.inspect_container(name, None).await.is_ok() {
                sleep(AGAIN).await;
            }
            Ok(())
        }
        Err(error) if !gone(&error) => Err(failed(error)),
        _ => Ok(()),
    }
}

/// Docker answers so while a removal is under way.
fn is_under_way(error: &bollard::errors::Error) -> bool {
    use bollard::errors::Error::DockerResponseServerError;
    matches!(error, DockerResponseServerError { status_code: 409, message } if message.contains("already in progress"))
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
    };

    use super::*;
    use crate::sys::engine::testing::{FakeEngine, VERSION, answer, gives};

    #[test]
    fn only_what_bears_the_label_is_removed() {
        let labelled = |batch: &str| gives(format!(r#"{{"Config":{{"Labels":{{"{LABEL}":"{batch}"}}}}}}"#));
        let engine = FakeEngine::new([
            ("/version", gives(VERSION)),
            ("/containers/ours/json", labelled("b1")),
            ("/containers/ours", gives("")),
            ("/containers/theirs/json", labelled("b2")),
            ("/containers/theirs", gives("")),
        ]);
        let address = engine.address();
        let remove = |name| remove(address.dialled(), Kind::Container, name, "b1");
        assert_eq!(remove("ours"), Ok(()));
        assert!(remove("theirs").expect_err("another batch").contains("does not have the label"));
        assert_eq!(remove("gone"), Ok(()), "the engine does not know it");
        let asked = engine.asked.lock().expect("the log").clone();
        let deleted: Vec<&String> = asked.iter().filter(|line| line.starts_with("DELETE")).collect();
        assert_eq!(deleted, ["DELETE /containers/ours"]);
    }

    #[test]
    fn what_the_engine_removes_already_is_waited_for() {
        let looks = AtomicU32::new(0);
        let engine = FakeEngine::with(Arc::new(move |asked, stream| {
            let labelled = format!(r#"{{"Config":{{"Labels":{{"{LABEL}":"b1"}}}}}}"#);
            let said = match (asked.method.as_str(), asked.path.as_str()) {
                (_, "/version" | "/_ping") => answer(200, VERSION),
                ("DELETE", _) => answer(409, r#"{"message":"removal of container x is already in progress"}"#),
                _ if looks.fetch_add(1, Ordering::Relaxed) < 3 => answer(200, &labelled),
                _ => answer(404, r#"{"message":"no such container"}"#),
            };
            let _ = stream.write_all(&said);
        }));
        assert_eq!(remove(engine.address().dialled(), Kind::Container, "x", "b1"), Ok(()));
        let asked = engine.asked.lock().expect("the log").clone();
        assert_eq!(asked.iter().filter(|line| *line == "GET /containers/x/json").count(), 4, "{asked:?}");
    }

    #[test]
    fn an_engine_that_is_gone_is_named() {
        let kept = remove("unix:///nowhere/docker.sock", Kind::Volume, "v", "b1").expect_err("no engine");
        assert!(kept.contains("/nowhere/docker.sock"), "{kept}");
    }
}
