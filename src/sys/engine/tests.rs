//! The client against an engine of the test's own.

use std::{io::Write, sync::Arc};

use super::{testing::*, *};

async fn connected(version: &str) -> Result<EngineClient, EngineError> {
    let engine = FakeEngine::new([("/version", gives(version))]);
    EngineClient::connect(&engine.address()).await
}

#[tokio::test]
async fn an_engine_says_who_it_is() {
    let docker = connected(VERSION).await.expect("an engine");
    assert_eq!((docker.podman, docker.version.as_deref(), docker.api), (false, Some("9.8.7"), Some((1, 41))));
    let podman = r#"{"Version":"5.0\u001b","ApiVersion":"1.99","Components":[{"Name":"Podman Engine"},7]}"#;
    let podman = connected(podman).await.expect("an engine");
    assert_eq!((podman.podman, podman.version.as_deref(), podman.api), (true, Some("5.0?"), Some(NEWEST)));
    assert_eq!(podman.prefix(Some((1, 43))), "/v1.43");
}

#[test]
fn without_a_common_form_it_is_too_old_or_too_new() {
    let judge = |api: &str, least: &str| match agreed("9.9", Some(api), Some(least)) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    assert!(judge("1.23", "1.12").contains("too old: it supports API 1.23, 1.24 is needed"));
    assert!(judge("1.60", "1.54").contains("too new: it requires API 1.54, benchtop supports 1.53"));
    assert_eq!((judge("1.41", "1.12"), judge("1.60", "1.44")), (String::new(), String::new()));
    assert_eq!(agreed("9.9", Some("nonsense"), None), Ok(None), "the engine chooses");
}

#[tokio::test]
async fn errors_name_the_cause() {
    let failure = |result: Result<EngineClient, EngineError>| result.expect_err("no engine").to_string();
    assert_eq!(failure(EngineClient::connect(&"unix:///nowhere/x.sock".into()).await), "no such socket");
    assert!(failure(EngineClient::connect(&"ssh://nas".into()).await).contains("ssh -L"));
    assert!(failure(connected(r#"{"a":1}"#).await).contains("not a container engine: GET /version: neither Version"));
    assert!(failure(connected("<html>").await).contains("GET /version: not JSON"));
    let nothing = FakeEngine::new([]);
    assert!(failure(EngineClient::connect(&nothing.address()).await).contains("GET /version: 404"));
}

#[tokio::test]
async fn a_body_has_a_deadline_and_a_cap() {
    let long = format!("[{}0]", "0,".repeat(2000));
    let engine = FakeEngine::new([("/version", gives(VERSION)), ("/slow", hangs_after("[")), ("/long", gives(long))]);
    let client = EngineClient::connect(&engine.address()).await.expect("an engine");
    let limits = Limits { patience: Duration::from_secs(9), whole: Duration::from_millis(50), cap: 1000 };
    let slow = client.json("the list", "/slow", limits).await.expect_err("no end");
    assert_eq!(slow.to_string(), "the list did not end within 0 s");
    let long = client.json("the list", "/long", limits).await.expect_err("no end");
    assert_eq!(long, EngineError::Long { what: "the list".to_owned(), cap: 1000 });
}

#[test]
fn a_refusal_has_the_engines_message() {
    let said = |body: &str| EngineError::said(409, body.as_bytes()).to_string();
    assert_eq!(said(r#"{"message":"name \u001b is in use"}"#), "name ? is in use");
    assert_eq!((said("busy\n"), said("")), ("busy".to_owned(), "it refuses, status 409".to_owned()));
    assert!(said(&"x".repeat(100_000)).len() < 1000);
}

#[test]
fn ids_cannot_leave_their_place_in_a_path() {
    assert_eq!(encoded("sha256:ab/../c d"), "sha256:ab%2F..%2Fc%20d");
}

#[tokio::test]
async fn a_silent_engine_is_known_by_a_cheap_question() {
    let silent = FakeEngine::new([("/_ping", hangs_after("O")), ("/version", gives(VERSION))]);
    let connected = EngineClient::connect(&silent.address()).await;
    assert!(connected.is_err_and(|error| error.is_late()));
    assert_eq!(*silent.asked.lock().expect("the log"), ["GET /_ping"]);
}

#[tokio::test]
async fn an_operation_reads_no_endless_answer() {
    // Ends at the cap, not at the deadline: the engine would send forever.
    let flood: Act = Arc::new(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        let piece = [b"10000\r\n".to_vec(), vec![b' '; 0x1_0000], b"\r\n".to_vec()].concat();
        while stream.write_all(&piece).is_ok() {}
    });
    let engine = FakeEngine::new([("/version", gives(VERSION)), ("/build/prune", flood)]);
    let client = EngineClient::connect(&engine.address()).await.expect("an engine");
    let docker = client.operator(Duration::from_secs(60)).expect("a client");
    let done = docker
        .prune_build(None::<bollard::query_parameters::PruneBuildOptions>)
        .await
        .map_err(|error| EngineError::of_operation(&error));
    assert!(matches!(done, Err(EngineError::Lost(_))), "{done:?}");
}

#[tokio::test]
async fn the_form_of_the_api_goes_before_each_path() {
    let client = connected(VERSION).await.expect("an engine");
    assert_eq!(client.prefix(None), "/v1.41");
    assert_eq!((client.prefix(Some((1, 40))), client.prefix(Some((1, 43)))), ("/v1.40".into(), "/v1.41".to_owned()));
    let free = EngineClient { api: None, ..client };
    assert_eq!((free.prefix(None), free.prefix(Some((1, 43)))), (String::new(), "/v1.43".to_owned()), "it chooses");
}

#[test]
fn the_oldest_and_the_newest_form_are_spoken() {
    assert_eq!(agreed("9.9", Some("1.24"), Some("1.53")), Ok(Some(OLDEST)));
    assert_eq!(agreed("9.9", Some("1.53"), None), Ok(Some(NEWEST)));
}

#[tokio::test]
async fn one_word_of_its_version_is_enough() {
    let named = connected(r#"{"Version":"9.8"}"#).await.expect("an engine");
    assert_eq!((named.version.as_deref(), named.api), (Some("9.8"), None));
    let spoken = connected(r#"{"ApiVersion":"1.30"}"#).await.expect("an engine");
    assert_eq!((spoken.version, spoken.api), (None, Some((1, 30))));
    let long = format!(r#"{{"Version":"9.8","x":"{}"}}"#, "x".repeat(1 << 20));
    let why = connected(&long).await.expect_err("too long").to_string();
    assert_eq!(why, "its version is longer than 1 MiB");
}

#[tokio::test]
async fn a_good_answer_is_taken_and_a_refusal_quoted() {
    let gives = |status| -> Act {
        Arc::new(move |stream| {
            let body = if status == 304 { "" } else { r#"{"message":"it is in use"}"# };
            drop(stream.write_all(&answer(status, body)));
        })
    };
    let engine = FakeEngine::new([
        ("/version", super::testing::gives(VERSION)),
        ("/200", gives(200)),
        ("/299", gives(299)),
        ("/304", gives(304)),
        ("/300", gives(300)),
        ("/409", gives(409)),
    ]);
    let client = EngineClient::connect(&engine.address()).await.expect("an engine");
    for path in ["/200", "/299", "/304"] {
        assert!(client.get("the list", path, ONE).await.is_ok(), "{path}");
        assert!(client.stream("the list", path, ONE.patience).await.is_ok(), "{path}");
        assert!(client.make("the list", path, Bytes::new(), ONE.patience).await.is_ok(), "{path}");
    }
    for (path, status) in [("/300", 300), ("/409", 409)] {
        let refused = EngineError::Said { status, message: "it is in use".to_owned() };
        assert_eq!(client.get("the list", path, ONE).await, Err(refused.clone()));
        assert_eq!(client.stream("the list", path, ONE.patience).await.err(), Some(refused.clone()));
        assert_eq!(client.make("the list", path, Bytes::new(), ONE.patience).await.err(), Some(refused));
    }
    let asked = engine.asked.lock().expect("the log").join(" ");
    assert!(asked.ends_with("GET /409 GET /409 POST /409"), "{asked}");
}
