//! One short request to a model, timed: to the first token and to the end. It is made only by the optional probe, and by
//! benchmarks: watching makes none.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    fetch::{AskError, Fetch},
    say,
};
use crate::model::model_server::{Kind, Shot};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Prompt<'a> {
    pub model: &'a str,
    pub text: &'a str,
    /// Tokens of the answer.
    pub tokens: u32,
    /// Ollama: seconds that the model stays in memory afterwards, so that asking does not keep it longer; negative: without end.
    pub keep_alive: Option<i64>,
}

/// What came of a stream, as it grows.
#[derive(Debug, Default)]
struct Stream {
    held: Vec<u8>,
    first: Option<Duration>,
    last: Option<Duration>,
    chunks: u32,
    /// Tokens as the server counts them.
    tokens: Option<u64>,
    cached: Option<u64>,
    model: Option<String>,
    ended: bool,
    /// It says why it ended, and that it has not used up the tokens it was given.
    short: bool,
    error: Option<String>,
}

impl Stream {
    /// Takes a piece in; a line of it may be cut anywhere.
    fn take(&mut self, piece: &[u8], at: Duration) {
        self.held.extend_from_slice(piece);
        while let Some(end) = self.held.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.held.drain(..=end).collect();
            self.line(&line, at);
        }
    }

    fn line(&mut self, line: &[u8], at: Duration) {
        let line = line.trim_ascii();
        // A line of NDJSON is an event itself; those that begin with a colon keep the connection awake.
        let data = line.strip_prefix(b"data:").map_or(line, <[u8]>::trim_ascii);
        if data == b"[DONE]" {
            self.ended = true;
            return;
        }
        let Ok(event) = serde_json::from_slice::<Value>(data) else {
            // An error in words; an event that is cut says nothing.
            let is_event = [&b":"[..], b"event:", b"data:", b"{"]
                .iter()
                .any(|first| line.starts_with(first) || first.starts_with(line));
            if !line.is_empty() && !is_event {
                self.error = say::words(line);
            }
            return;
        };
        if event.get("error").is_some() {
            self.error = say::words(data);
            return;
        }
        let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        let delta = event.get("choices").and_then(|choices| choices.get(0)).and_then(|choice| choice.get("delta"));
        let spoke = match delta {
            Some(delta) => ["content", "reasoning_content", "reasoning"].iter().any(|name| text(delta, name)),
            None => text(&event, "response") || text(&event, "thinking"),
        };
        if spoke {
            self.first.get_or_insert(at);
            self.last = Some(at);
            self.chunks += 1;
        }
        let choice = event.get("choices").and_then(|choices| choices.get(0));
        let reason = choice.and_then(|choice| choice.get("finish_reason")).or_else(|| event.get("done_reason"));
        if let Some(reason) = reason.and_then(Value::as_str) {
            self.short = reason != "length";
        }
        if let Some(model) = event.get("model").and_then(Value::as_str) {
            self.model.get_or_insert_with(|| model.to_owned());
        }
        let usage = event.get("usage");
        let counted = usage.and_then(|usage| usage.get("completion_tokens")).or_else(|| event.get("eval_count"));
        self.tokens = counted.and_then(Value::as_u64).or(self.tokens);
        let cached = usage.and_then(|usage| usage.get("prompt_tokens_details")).and_then(|of| of.get("cached_tokens"));
        self.cached = cached.and_then(Value::as_u64).or(self.cached);
        self.ended |= event.get("done").and_then(Value::as_bool) == Some(true);
    }

    /// The times, where the stream came to its end.
    fn shot(self, asked: &str, took: Duration) -> Result<Shot, String> {
        if let Some(error) = self.error {
            return Err(error);
        }
        if !self.ended {
            return Err("the stream ended before the answer did".to_owned());
        }
        if let Some(other) = self.model.filter(|model| !same(model, asked)) {
            return Err(format!("{other} answered in place of {asked}"));
        }
        let (Some(first), Some(last)) = (self.first, self.last) else { return Err("no token came".to_owned()) };
        let tokens = self.tokens.unwrap_or(self.chunks.into());
        let span = last.saturating_sub(first).as_secs_f64();
        let rate = (tokens > 1 && span > 0.0).then(|| (tokens - 1) as f64 / span);
        Ok(Shot {
            first_token: first.as_secs_f64(),
            response: took.as_secs_f64(),
            tokens,
            tokens_per_second: rate,
            cached: self.cached,
            short: self.short,
        })
    }
}

/// A server may answer with a tag or a path where none was asked for.
fn same(answered: &str, asked: &str) -> bool {
    let bare = |name: &str| name.strip_suffix(":latest").unwrap_or(name).to_owned();
    bare(answered) == bare(asked)
}

/// Path and body of a request.
fn request(kind: Kind, of: &Prompt<'_>) -> (&'static str, Value) {
    if kind == Kind::Ollama {
        let mut body = json!({
            "model": of.model, "prompt": of.text, "stream": true, "raw": true,
            "options": { "num_predict": of.tokens, "temperature": 0, "seed": 1 },
        });
        if let Some(seconds) = of.keep_alive {
            body["keep_alive"] = json!(seconds);
        }
        return ("/api/generate", body);
    }
    let body = json!({
        "model": of.model, "max_tokens": of.tokens, "temperature": 0, "seed": 1, "stream": true,
        "stream_options": { "include_usage": true }, "messages": [{ "role": "user", "content": of.text }],
    });
    ("/v1/chat/completions", body)
}

/// Asks, and times the answer; `give_up` ends it at once.
///
/// # Errors
/// Why there is none, in a few words.
pub fn shoot(
    fetch: &mut Fetch,
    kind: Kind,
    of: &Prompt<'_>,
    within: Duration,
    give_up: &dyn Fn() -> bool,
) -> Result<Shot, String> {
    let (path, body) = request(kind, of);
    let mut stream = Stream::default();
    let posted = fetch
        .post(path, &body.to_string(), within, give_up, |piece, at| stream.take(piece, at))
        .map_err(|error: AskError| error.to_string())?;
    let rest = std::mem::take(&mut stream.held);
    stream.line(&rest, posted.took);
    if !(200..300).contains(&posted.status) {
        return Err(stream.error.unwrap_or_else(|| format!("{path}: status {}", posted.status)));
    }
    stream.shot(of.model, posted.took)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::part::testing::fixture, *};

    /// What is made of a recorded stream that comes in pieces of this size.
    fn read(file: &str, size: usize, asked: &str) -> Result<Shot, String> {
        let mut stream = Stream::default();
        for (at, piece) in fixture(file).chunks(size).enumerate() {
            stream.take(piece, Duration::from_millis(at as u64));
        }
        let rest = std::mem::take(&mut stream.held);
        stream.line(&rest, Duration::from_secs(9));
        stream.shot(asked, Duration::from_secs(10))
    }

    #[test]
    fn streams_of_all_kinds_are_counted_by_the_server() {
        for (file, asked, tokens) in [
            ("llama.cpp/chat-stream.sse", "tiny-a", 16),
            ("vllm/chat-stream.sse", "tiny-a", 4),
            ("ollama/generate-cold.ndjson", "tiny-a", 12),
        ] {
            for size in [1, 7, 4096] {
                let shot = read(file, size, asked).unwrap_or_else(|error| panic!("{file}: {error}"));
                assert!(shot.tokens > 0 && shot.response == 10.0, "{file}: {shot:?}");
                assert!(shot.tokens == tokens, "{file}: {shot:?}");
            }
        }
    }

    #[test]
    fn what_is_cut_off_or_fails_is_no_result() {
        let mut early = Stream::default();
        early.take(b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}\n", Duration::ZERO);
        early.take(b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\ndata: [DONE]\n", Duration::ZERO);
        assert!(early.shot("m", Duration::ZERO).is_ok_and(|shot| shot.short), "it had said all");
        assert!(read("llama.cpp/chat-stream.sse", 64, "tiny-a").is_ok_and(|shot| !shot.short));
        assert!(read("ollama/error-mid-stream.ndjson", 64, "mid").is_err_and(|why| why.contains("unexpected EOF")));
        assert!(read("llama.cpp-router/error-mid-stream.sse", 64, "mid").is_err_and(|why| why.contains("proxy error")));
        assert!(
            read("llama.cpp/chat-stream.sse", 64, "other").is_err_and(|why| why == "tiny-a answered in place of other")
        );
        assert!(read("vllm/chat-stream.sse", 64, "other").is_err_and(|why| why == "tiny-a answered in place of other"));
        for file in ["llama.cpp/chat-stream.sse", "vllm/chat-stream.sse", "ollama/generate-cold.ndjson"] {
            // Without the end of its last lines no stream is a whole one.
            let whole = fixture(file);
            let mut stream = Stream::default();
            stream.take(&whole[..whole.len() / 2], Duration::ZERO);
            let rest = std::mem::take(&mut stream.held);
            stream.line(&rest, Duration::ZERO);
            let why = stream.shot("tiny-a", Duration::ZERO).expect_err(file);
            assert_eq!(why, "the stream ended before the answer did", "{file}");
        }
        let mut cut = Stream::default();
        cut.take(b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n", Duration::ZERO);
        assert_eq!(cut.shot("m", Duration::ZERO), Err("the stream ended before the answer did".into()));
    }

    /// What is made of lines that come at these seconds.
    fn shot(lines: &[(u64, &str)]) -> Result<Shot, String> {
        let mut stream = Stream::default();
        lines.iter().for_each(|(at, line)| stream.take(format!("{line}\n").as_bytes(), Duration::from_secs(*at)));
        stream.shot("m", Duration::from_secs(10))
    }

    const TOKEN: &str = r#"data: {"choices":[{"delta":{"content":"a"}}]}"#;
    const DONE: &str = "data: [DONE]";

    #[test]
    fn tokens_are_timed_from_the_first_to_the_last() {
        let empty = r#"data: {"choices":[{"delta":{"content":"","role":"assistant"}}]}"#;
        let whole = shot(&[(1, empty), (2, TOKEN), (3, TOKEN), (6, TOKEN), (7, empty), (8, DONE)]).expect("an answer");
        let expected = Shot {
            first_token: 2.0,
            response: 10.0,
            tokens: 3,
            tokens_per_second: Some(0.5),
            cached: None,
            short: false,
        };
        assert_eq!(whole, expected);
        let rate = |lines: &[(u64, &str)]| shot(lines).map(|shot| (shot.tokens, shot.tokens_per_second));
        assert_eq!(rate(&[(2, TOKEN), (8, DONE)]), Ok((1, None)), "one token has no rate");
        assert_eq!(rate(&[(2, TOKEN), (2, TOKEN), (8, DONE)]), Ok((2, None)), "all at once");
        let usage = |tokens: u32| {
            format!(
                r#"data: {{"usage":{{"completion_tokens":{tokens},"prompt_tokens_details":{{"cached_tokens":9}}}}}}"#
            )
        };
        let counted =
            |tokens| shot(&[(2, TOKEN), (4, TOKEN), (5, usage(tokens).as_str()), (8, DONE)]).expect("an answer");
        assert_eq!((counted(9).tokens, counted(9).tokens_per_second, counted(9).cached), (9, Some(4.0), Some(9)));
        assert_eq!((counted(1).tokens, counted(1).tokens_per_second), (1, None));
        assert_eq!(shot(&[(8, DONE)]), Err("no token came".to_owned()));
    }

    #[test]
    fn each_kind_of_text_is_a_token() {
        for name in ["content", "reasoning_content", "reasoning"] {
            let token = TOKEN.replace("content", name);
            assert_eq!(shot(&[(2, token.as_str()), (8, DONE)]).map(|shot| shot.tokens), Ok(1), "{name}");
        }
        for name in ["response", "thinking"] {
            let token = format!(r#"{{"{name}":"a","done":false}}"#);
            let end = r#"{"response":"","done":true,"done_reason":"stop"}"#;
            let shot = shot(&[(2, token.as_str()), (3, end), (4, "")]).expect("an answer");
            assert_eq!((shot.tokens, shot.first_token, shot.short), (1, 2.0, true), "{name}");
        }
        let end = r#"{"done":true,"done_reason":"length","eval_count":7}"#;
        let counted = shot(&[(2, r#"{"response":"a","model":"m:latest"}"#), (3, end), (4, r#"{"done":false}"#)]);
        assert_eq!(counted.map(|shot| (shot.tokens, shot.short)), Ok((7, false)), "what has ended stays so");
    }

    #[test]
    fn lines_that_are_no_events_say_nothing_or_why() {
        for quiet in ["", ": keep-alive", "event: ping", "data: {\"cut", "{\"cut", "dat", "even"] {
            assert!(shot(&[(1, quiet), (2, TOKEN), (8, DONE)]).is_ok(), "{quiet}");
        }
        let why = |line: &str| shot(&[(1, TOKEN), (2, line), (8, DONE)]).expect_err(line);
        assert_eq!(why("upstream timed out"), "upstream timed out");
        assert_eq!(why(r#"data: {"error":{"message":"out of memory"}}"#), "out of memory");
        assert_eq!(why(r#"{"error":"busy"}"#), "busy");
    }

    #[test]
    fn a_request_asks_for_the_same_each_time() {
        let prompt = Prompt { model: "m", text: "x", tokens: 8, keep_alive: None };
        let generate = json!({
            "model": "m", "prompt": "x", "stream": true, "raw": true,
            "options": { "num_predict": 8, "temperature": 0, "seed": 1 },
        });
        assert_eq!(request(Kind::Ollama, &prompt), ("/api/generate", generate));
        let chat = json!({
            "model": "m", "max_tokens": 8, "temperature": 0, "seed": 1, "stream": true,
            "stream_options": { "include_usage": true }, "messages": [{ "role": "user", "content": "x" }],
        });
        assert_eq!(request(Kind::LlamaCpp, &prompt), ("/v1/chat/completions", chat));
    }

    #[test]
    fn a_shot_goes_over_the_network() {
        use super::super::testing::{say, serve};
        let server = serve(|asked, stream| match asked.path.as_str() {
            "/api/generate" => say(stream, 404, r#"{"error":"model 'm' not found"}"#),
            _ => say(stream, 200, &format!("{TOKEN}\n\n{TOKEN}\n\n{DONE}")),
        });
        let prompt = Prompt { model: "m", text: "x", tokens: 8, keep_alive: None };
        let of = |kind| shoot(&mut server.fetch(), kind, &prompt, Duration::from_secs(60), &|| false);
        let shot = of(Kind::Vllm).expect("an answer");
        assert_eq!((shot.tokens, shot.short), (2, false));
        assert!(shot.first_token > 0.0 && shot.response >= shot.first_token, "{shot:?}");
        assert_eq!(of(Kind::Ollama), Err("model 'm' not found".to_owned()));
        let mute = serve(|_, stream| say(stream, 500, ""));
        let why = shoot(&mut mute.fetch(), Kind::Vllm, &prompt, Duration::from_secs(60), &|| false);
        assert_eq!(why, Err("/v1/chat/completions: status 500".to_owned()));
        let stopped = shoot(&mut server.fetch(), Kind::Vllm, &prompt, Duration::from_secs(60), &|| true);
        assert_eq!(stopped, Err("stopped".to_owned()));
    }

    #[test]
    fn a_request_leaves_the_keep_alive_as_it_is() {
        let prompt = Prompt { model: "m", text: "x", tokens: 8, keep_alive: Some(90) };
        let (path, body) = request(Kind::Ollama, &prompt);
        assert_eq!((path, body["keep_alive"].as_i64()), ("/api/generate", Some(90)));
        assert_eq!(request(Kind::Vllm, &prompt).0, "/v1/chat/completions");
    }

    proptest! {
        #[test]
        fn any_stream_is_read_without_a_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..8)) {
            let mut stream = Stream::default();
            for piece in &pieces {
                stream.take(piece, Duration::ZERO);
            }
            let _ = stream.shot("m", Duration::ZERO);
        }
    }
}
