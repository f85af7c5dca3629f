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
    use crate::{
        request::ContainerLimits,
        sys::engine::testing::{FakeEngine, VERSION, answer, gives},
    };

    #[test]
    fn an_operation_is_one_request() {
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

    #[test]
    fn each_act_has_its_request_its_words_and_its_reverse() {
        use ContainerAct::{Kill, Pause, Remove, Restart, Start, Stop, Unpause};
        let engine = FakeEngine::with(std::sync::Arc::new(|asked, stream| {
            let body = if asked.path == "/version" { VERSION } else { "" };
            drop(std::io::Write::write_all(stream, &answer(200, body)));
        }));
        for (act, request, words, back) in [
            (Start, "POST /containers/ab/start", "web started", Some(Stop)),
            (Stop, "POST /containers/ab/stop", "web stopped", Some(Start)),
            (Restart, "POST /containers/ab/restart", "web restarted", None),
            (Pause, "POST /containers/ab/pause", "web paused", Some(Unpause)),
            (Unpause, "POST /containers/ab/unpause", "web unpaused", Some(Pause)),
            (Kill, "POST /containers/ab/kill", "web killed", Some(Start)),
            (Remove, "DELETE /containers/ab", "web removed", None),
        ] {
            let done = run(&engine.address(), "ab", "web", act);
            assert_eq!(done, Ok((words.to_owned(), back)));
            let asked = engine.asked.lock().expect("the log").last().cloned();
            assert_eq!(asked.as_deref(), Some(request), "{act:?}");
        }
    }

    /// Sets `limits` where the engine says `host`: what it is sent, the report, and what takes it back.
    fn limited(host: &'static str, limits: ContainerLimits) -> (serde_json::Value, String, ContainerLimits) {
        let sent = std::sync::Arc::new(std::sync::Mutex::new(serde_json::Value::Null));
        let kept = sent.clone();
        let engine = FakeEngine::with(std::sync::Arc::new(move |asked, stream| {
            let body = match asked.path.as_str() {
                "/version" => VERSION,
                "/info" => r#"{"NCPU":16}"#,
                "/containers/ab/json" => host,
                "/containers/ab/update" => {
                    *kept.lock().expect("the request") = serde_json::from_slice(&asked.body).expect("JSON");
                    r#"{"Warnings":[]}"#
                }
                _ => "",
            };
            drop(std::io::Write::write_all(stream, &answer(200, body)));
        }));
        let (text, back) = run(&engine.address(), "ab", "web", ContainerAct::Limit(limits)).expect("it is set");
        let Some(ContainerAct::Limit(back)) = back else { panic!("{back:?}") };
        let sent = sent.lock().expect("the request").take();
        (sent, text, back)
    }

    #[test]
    fn limits_are_sent_reported_and_given_back() {
        const MIB: i64 = 1 << 20;
        let none = r#"{"HostConfig":{"Memory":0,"MemorySwap":0,"NanoCpus":0,"CpuQuota":0,"CpuPeriod":0}}"#;
        let memory = ContainerLimits { nano_cpus: None, memory: Some((64 * MIB, 96 * MIB)) };
        let (sent, text, back) = limited(none, memory);
        assert_eq!((&sent["Memory"], &sent["MemorySwap"]), (&(64 * MIB).into(), &(96 * MIB).into()));
        assert!(sent["NanoCpus"].is_null() && sent["CpuQuota"].is_null(), "only what was asked for: {sent}");
        assert_eq!(text, "web: memory limit 64.0 MiB (was none), swap 32.0 MiB (was unlimited)");
        assert_eq!(back, ContainerLimits { nano_cpus: None, memory: Some((0, -1)) });

        let set = r#"{"HostConfig":{"Memory":67108864,"MemorySwap":100663296,"NanoCpus":500000000}}"#;
        let cpus = |nano| ContainerLimits { nano_cpus: Some(nano), memory: None };
        let (sent, text, back) = limited(set, cpus(2_000_000_000));
        assert_eq!(sent["NanoCpus"], 2_000_000_000_i64);
        assert!(sent["Memory"].is_null() && sent["CpuQuota"].is_null(), "{sent}");
        assert_eq!((text.as_str(), back), ("web: cpu limit 2 (was 0.5)", cpus(500_000_000)));

        let (sent, text, _) = limited(set, cpus(0));
        assert_eq!(sent["NanoCpus"], 16_000_000_000_i64, "a limit in cores becomes all of them");
        assert_eq!(text, "web: cpu limit none (was 0.5)");
        let (sent, _, _) = limited(none, cpus(0));
        assert_eq!((&sent["NanoCpus"], &sent["CpuQuota"]), (&serde_json::Value::Null, &(-1).into()));
    }
}
