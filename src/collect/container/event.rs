//! An engine's event stream, one JSON line each: overlong lines are skipped, and a flood is read no faster than it can
//! be processed.

use std::{collections::HashMap, future::Future, pin::Pin, time::Duration};

use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use crate::{
    collect::budget::Budget,
    sys::{
        engine::{EngineClient, EngineError},
        http::Answer,
        json::{Field, Unread},
    },
};

/// Longer lines are skipped.
const LINE: usize = 1 << 20;
/// Events and bytes read per second: fifty containers starting at once make about a hundred events.
const BUDGET: (usize, usize) = (1000, 4 << 20);
/// An engine may send nothing before the first event.
const QUIET: Duration = Duration::from_secs(24 * 3600);
/// The request's name in errors.
const WHAT: &str = "the stream of events";
/// Characters stored of each word of an event.
const WORD: usize = 256;

/// Something that happened to a container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct EventMessage {
    pub(super) action: Option<String>,
    pub(super) actor: Option<EventActor>,
    /// Nanoseconds since 1970.
    pub(super) time_nano: Option<i64>,
}

/// The container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct EventActor {
    pub(super) id: Option<String>,
    /// Those of its attributes that we use.
    pub(super) attributes: Option<HashMap<String, String>>,
}

/// A source of events.
pub(super) trait Events {
    /// The next event; `None` when the engine ended the stream. Cancel-safe.
    async fn next(&mut self) -> Result<Option<EventMessage>, EngineError>;

    /// True if events had to wait since the last call: the engine may have dropped some.
    fn had_to_wait(&mut self) -> bool;
}

type Opening<'a> = Pin<Box<dyn Future<Output = Result<Answer, EngineError>> + 'a>>;

/// The events of one engine. The request is sent on the first call of `next`.
pub(super) struct EventStream<'a> {
    opening: Option<Opening<'a>>,
    answer: Option<Answer>,
    lines: Lines,
    budget: Budget,
    waited: bool,
}

impl<'a> EventStream<'a> {
    pub(super) fn new(client: &'a EngineClient, path: String) -> Self {
        EventStream {
            opening: Some(Box::pin(async move { client.stream(WHAT, &path, QUIET).await })),
            answer: None,
            lines: Lines::default(),
            budget: Budget::new(BUDGET.0, BUDGET.1),
            waited: false,
        }
    }
}

impl Events for EventStream<'_> {
    async fn next(&mut self) -> Result<Option<EventMessage>, EngineError> {
        loop {
            if let Some(until) = self.budget.wait(Instant::now()) {
                self.waited = true;
                sleep_until(until).await;
            }
            if let Some(line) = self.lines.next() {
                self.budget.take(Instant::now(), 1, 0);
                match event(&line) {
                    Some(event) => return Ok(Some(event)),
                    None => continue,
                }
            }
            if let Some(opening) = &mut self.opening {
                self.answer = Some(opening.as_mut().await?);
                self.opening = None;
            }
            let Some(answer) = &mut self.answer else { return Ok(None) };
            match answer.piece().await.map_err(|error| EngineError::http(WHAT, error))? {
                Some(piece) => {
                    self.budget.take(Instant::now(), 0, piece.len());
                    self.lines.add(&piece);
                }
                None => return Ok(None),
            }
        }
    }

    fn had_to_wait(&mut self) -> bool {
        std::mem::take(&mut self.waited)
    }
}

/// Lines joined from pieces that may end anywhere.
#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    /// Start of the next line, and how far the search for its end got.
    begin: usize,
    looked: usize,
    /// The current line is too long: skip to its end.
    passing: bool,
}

impl Lines {
    fn add(&mut self, piece: &[u8]) {
        self.bytes.drain(..self.begin);
        self.looked -= self.begin;
        self.begin = 0;
        self.bytes.extend_from_slice(piece);
    }

    fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let Some(end) = self.bytes[self.looked..].iter().position(|b| *b == b'\n').map(|at| self.looked + at)
            else {
                self.looked = self.bytes.len();
                if self.passing || self.looked - self.begin > LINE {
                    self.passing = true;
                    self.begin = self.looked;
                }
                return None;
            };
            let line = &self.bytes[self.begin..end];
            let line = (!std::mem::take(&mut self.passing) && line.len() <= LINE).then(|| line.to_vec());
            (self.begin, self.looked) = (end + 1, end + 1);
            match line {
                Some(line) if !line.trim_ascii().is_empty() => return Some(line),
                _ => {}
            }
        }
    }
}

/// The events in a finished answer, and its number of lines, which includes those of images and networks.
pub(super) fn all(answer: &[u8]) -> (Vec<EventMessage>, usize) {
    let lines = || answer.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty());
    (lines().filter(|line| line.len() <= LINE).filter_map(event).collect(), lines().count())
}

/// `None` for anything but a container event.
fn event(line: &[u8]) -> Option<EventMessage> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let unread = Unread::default();
    let fields = Field::new(&value, &unread);
    if fields.text("Type").is_some_and(|kind| kind != "container") {
        return None;
    }
    let short = |text: String| text.chars().take(WORD).collect::<String>();
    let actor = fields.object("Actor");
    let attributes = actor.object("Attributes");
    let attribute = |name: &str| Some((name.to_owned(), short(attributes.text(name)?)));
    Some(EventMessage {
        action: Some(short(fields.text("Action").or_else(|| fields.text("status"))?)),
        time_nano: fields.int("timeNano").or_else(|| fields.int("time")?.checked_mul(1_000_000_000)),
        actor: Some(EventActor {
            id: Some(actor.text("ID").or_else(|| fields.text("id")).filter(|id| is_id(id))?),
            attributes: Some(["exitCode", "signal", "oldName"].into_iter().filter_map(attribute).collect()),
        }),
    })
}

/// 64 hexadecimal digits, as every engine makes them: it becomes part of a path.
pub(super) fn is_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut all = Vec::new();
        for piece in pieces {
            lines.add(piece);
            while let Some(line) = lines.next() {
                all.push(String::from_utf8_lossy(&line).into_owned());
            }
            assert!(lines.bytes.len() <= LINE + (128 << 10), "{} bytes kept", lines.bytes.len());
        }
        all
    }

    #[test]
    fn lines_end_anywhere() {
        assert_eq!(lines(&[b"a\n\n", b"b", b"c", b"\nd\ne"]), ["a", "bc", "d"]);
    }

    #[test]
    fn a_long_line_is_skipped() {
        let piece = vec![b'x'; 64 << 10];
        let mut pieces: Vec<&[u8]> = vec![b"a\n"];
        pieces.extend(std::iter::repeat_n(piece.as_slice(), 100));
        pieces.push(b"end\nb\n");
        assert_eq!(lines(&pieces), ["a", "b"]);
    }

    #[test]
    fn an_event_is_read_in_both_forms() {
        let docker = br#"{"Type":"container","Action":"die","Actor":{"ID":"ab12","Attributes":{"exitCode":"3","x":1}},"timeNano":5}"#;
        let read = event(docker).expect("an event");
        assert_eq!((read.action.as_deref(), read.time_nano), (Some("die"), Some(5)));
        let actor = read.actor.expect("an actor");
        assert_eq!(actor.id.as_deref(), Some("ab12"));
        assert_eq!(actor.attributes, Some(HashMap::from([("exitCode".to_owned(), "3".to_owned())])));
        let old = event(br#"{"status":"start","id":"ab12","time":7}"#).expect("an event");
        assert_eq!((old.action.as_deref(), old.time_nano), (Some("start"), Some(7_000_000_000)));
    }

    #[test]
    fn events_of_images_and_networks_are_only_counted() {
        let answer = br#"{"Type":"container","Action":"die","Actor":{"ID":"ab"},"timeNano":5}
{"Type":"network","Action":"connect","Actor":{"ID":"cd"},"timeNano":6}
"#;
        let (events, lines) = all(answer);
        assert_eq!((events.len(), lines), (1, 2));
    }

    #[test]
    fn invalid_events_are_none() {
        for line in
            [&b"not json"[..], b"{}", b"5", br#"{"Action":"die"}"#, br#"{"Action":"die","Actor":{"ID":"../x"}}"#]
        {
            assert_eq!(event(line), None);
        }
    }

    #[test]
    fn a_line_may_be_as_long_as_the_limit() {
        let line = |length: usize| [vec![b'x'; length], b"\n".to_vec()].concat();
        let lengths = |pieces: &[&[u8]]| lines(pieces).iter().map(String::len).collect::<Vec<_>>();
        assert_eq!(lengths(&[&line(LINE), b"b\n"]), [LINE, 1]);
        assert_eq!(lengths(&[&line(LINE + 1), b"b\n"]), [1]);
        assert_eq!(lengths(&[&line(LINE)[..LINE], b"\nb\n"]), [LINE, 1], "its end comes later");
        assert_eq!(lengths(&[&line(LINE + 1)[..LINE + 1], b"\nb\n"]), [1]);
        let event = |more: usize| {
            let line = r#"{"Action":"die","id":"ab"}"#;
            format!("{line}{}\n \n{line}", " ".repeat(LINE + more - line.len()))
        };
        let counts = |more: usize| {
            let (events, lines) = all(event(more).as_bytes());
            (events.len(), lines)
        };
        assert_eq!((counts(0), counts(1)), ((2, 2), (1, 2)), "one that is too long is counted");
    }

    #[test]
    fn an_id_is_letters_and_digits() {
        for (id, good) in [
            ("", false),
            ("a", true),
            (&"f".repeat(128), true),
            (&"f".repeat(129), false),
            ("a-b", false),
            ("ä", false),
        ] {
            assert_eq!(is_id(id), good, "{id}");
        }
    }

    #[test]
    fn fields_of_an_event_have_their_limits() {
        let line = |action: &str, more: &str| format!(r#"{{"Action":"{action}","id":"ab"{more}}}"#);
        let read = event(line(&"x".repeat(300), r#","timeNano":5,"time":7"#).as_bytes()).expect("an event");
        assert_eq!((read.action.map(|action| action.len()), read.time_nano), (Some(WORD), Some(5)));
        let far = event(line("die", r#","time":9223372036854775807"#).as_bytes()).expect("an event");
        assert_eq!(far.time_nano, None);
        assert!(event(line("die", r#","Type":"network""#).as_bytes()).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_has_to_wait_for_the_next_second() {
        let mut lines = Lines::default();
        lines.add(
            br#"{"Action":"a","id":"ab"}
{"Type":"network"}
{"Action":"b","id":"ab"}
{"Action":"c","id":"ab"}
"#,
        );
        let budget = Budget::new(3, usize::MAX);
        let mut stream = EventStream { opening: None, answer: None, lines, budget, waited: false };
        let mut seen = Vec::new();
        let began = Instant::now();
        while let Some(event) = stream.next().await.expect("no connection") {
            seen.push((event.action.unwrap_or_default(), began.elapsed().as_secs(), stream.had_to_wait()));
        }
        // One of another kind is read as well.
        assert_eq!(seen, [("a".to_owned(), 0, false), ("b".to_owned(), 0, false), ("c".to_owned(), 1, true)]);
        assert!(!stream.had_to_wait(), "it is said once");
    }
}
