//! What an answer says where it is not the one that was asked for: an error as text or as an object, or a page of something
//! else.

use serde_json::Value;

use super::fetch::{AskError, Got};
use crate::{model::model_server::ServerState, text::clean};

/// Letters of a server's own words that are shown.
const WORDS: usize = 200;

/// Its own words, wherever it puts them: `{"error": "…"}`, `{"error": {"message": "…"}}`, `{"detail": "…"}`, plain text.
#[must_use]
pub fn words(body: &[u8]) -> Option<String> {
    let short = |text: &str| {
        let text: String = text.trim().chars().take(WORDS).collect();
        clean(&text).into_owned()
    };
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(value) => {
            let error = value.get("error").unwrap_or(&value);
            let inner = error.as_str().or_else(|| error.get("message")?.as_str());
            inner.or_else(|| value.get("detail")?.as_str()).map(short)
        }
        Err(_) => {
            let text = String::from_utf8_lossy(body);
            let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
            (!line.starts_with('<')).then(|| short(line))
        }
    };
    text.filter(|text| !text.is_empty())
}

/// A good answer as JSON, or the state that any other one shows.
///
/// # Errors
/// The state of the server.
pub fn json(path: &str, got: &Got) -> Result<Value, ServerState> {
    good(path, got)?;
    serde_json::from_slice(&got.body).map_err(|error| {
        let what = if got.body.is_empty() { "an empty answer".to_owned() } else { format!("not JSON: {error}") };
        ServerState::Broken(format!("{path}: {what}"))
    })
}

/// Nothing, where an answer is good.
///
/// # Errors
/// The state of the server.
pub fn good(path: &str, got: &Got) -> Result<(), ServerState> {
    if got.is_good() {
        return Ok(());
    }
    let said = words(&got.body);
    let is_loading = said.as_deref().is_some_and(|said| said.to_lowercase().contains("loading"));
    Err(match got.status {
        401 | 403 => ServerState::Unauthorised(format!(
            "{path}: status {}{}: {}",
            got.status,
            said.map_or_else(String::new, |said| format!(", {said}")),
            match &got.key {
                None => "write its key into a file and name that as token_file in [[model_server]]".to_owned(),
                Some(file) => format!("it does not accept the key in {}", file.display()),
            },
        )),
        503 if is_loading => ServerState::Loading,
        status => ServerState::Broken(format!(
            "{path}: status {status}{}",
            said.map_or_else(String::new, |said| format!(", {said}"))
        )),
    })
}

/// The state of a server that gave no answer.
#[must_use]
pub fn trouble(error: &AskError) -> ServerState {
    let words = error.to_string();
    match error {
        AskError::Unreachable(_) | AskError::Silent { .. } => ServerState::Unreachable(words),
        AskError::Token { .. } => ServerState::Unauthorised(words),
        AskError::Long { .. }
        | AskError::Stopped
        | AskError::Redirect { .. }
        | AskError::RedirectsToItself { .. }
        | AskError::Wrong { .. } => ServerState::NotAServer(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(path: &str) -> Vec<u8> {
        std::fs::read(format!("tests/fixtures/llm/{path}")).expect("a fixture")
    }

    fn state(status: u16, body: &[u8]) -> ServerState {
        let got = Got { status, body: body.to_vec(), ..Got::default() };
        json("/x", &got).err().unwrap_or(ServerState::Up)
    }

    #[test]
    fn errors_are_read_wherever_they_are() {
        assert_eq!(
            words(&fixture("ollama/error-busy.json")).expect("words"),
            "server busy, please try again.  maximum pending requests exceeded"
        );
        assert_eq!(words(&fixture("llama.cpp/error-unauthorized.json")).expect("words"), "Invalid API Key");
        assert_eq!(
            words(&fixture("vllm/error-unknown-model.json")).expect("words"),
            "The model `no-such-model` does not exist."
        );
        assert_eq!(words(b"404 page not found\n").as_deref(), Some("404 page not found"));
        assert_eq!(words(br#"{"detail":"Not Found"}"#).as_deref(), Some("Not Found"));
        assert_eq!((words(b"<html>"), words(b""), words(br#"{"error":{}}"#)), (None, None, None));
    }

    #[test]
    fn words_are_short_clean_and_never_a_page() {
        assert_eq!(words(&[b'x'; 500]).map(|words| words.len()), Some(200));
        assert_eq!(words(b"\n\n  first\x1b line \nsecond").as_deref(), Some("first? line"));
        assert_eq!((words(b"\n <html>"), words(b" \n ")), (None, None));
        assert_eq!(words(br#"{"error":"  "}"#), None);
    }

    #[test]
    fn no_answer_is_a_state_too() {
        let path = || "/x".to_owned();
        let words = |error: &AskError| error.to_string();
        for error in [AskError::Unreachable("no route".to_owned()), AskError::Silent { path: path() }] {
            assert_eq!(trouble(&error), ServerState::Unreachable(words(&error)));
        }
        let token = AskError::Token { file: "/key".to_owned(), why: "no such file".to_owned() };
        assert_eq!(trouble(&token), ServerState::Unauthorised("token_file /key: no such file".to_owned()));
        for error in [
            AskError::Long { path: path() },
            AskError::Stopped,
            AskError::Redirect { path: path(), to: "/y".to_owned() },
            AskError::RedirectsToItself { path: path() },
            AskError::Wrong { path: path(), why: "no HTTP".to_owned() },
        ] {
            assert_eq!(trouble(&error), ServerState::NotAServer(words(&error)));
        }
    }

    #[test]
    fn a_status_is_the_state_of_the_server() {
        assert_eq!(state(503, &fixture("llama.cpp/loading-health.json")), ServerState::Loading);
        let refused = state(401, &fixture("llama.cpp/error-unauthorized.json"));
        assert!(
            matches!(&refused, ServerState::Unauthorised(why) if why.contains("Invalid API Key") && why.contains("token_file")),
            "{refused:?}"
        );
        let got = Got { status: 401, key: Some("/etc/benchtop/key".into()), ..Got::default() };
        let ServerState::Unauthorised(why) = json("/v1/models", &got).expect_err("refused") else {
            panic!("{refused:?}")
        };
        assert_eq!(why, "/v1/models: status 401: it does not accept the key in /etc/benchtop/key");
        assert_eq!(
            state(403, b""),
            ServerState::Unauthorised(
                "/x: status 403: write its key into a file and name that as token_file in [[model_server]]".into(),
            )
        );
        assert_eq!(state(500, b"loading"), ServerState::Broken("/x: status 500, loading".into()));
        assert_eq!(state(404, b""), ServerState::Broken("/x: status 404".into()));
        assert_eq!(state(503, b"busy"), ServerState::Broken("/x: status 503, busy".into()));
        assert_eq!(state(200, b""), ServerState::Broken("/x: an empty answer".into()));
        assert!(matches!(state(200, br#"{"data":[{"id"#), ServerState::Broken(_)), "cut off");
        assert_eq!(state(200, b"{}"), ServerState::Up);
    }
}
