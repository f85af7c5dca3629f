//! An engine's stream of events, a line of JSON each: what is too long is passed over, and a flood is taken in no faster
//! than it can be looked at.

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

/// A line longer than this is passed over.
const LINE: usize = 1 << 20;
/// Events and bytes taken in each second: fifty containers that start at once make some hundred events.
const BUDGET: (usize, usize) = (1000, 4 << 20);
/// An engine may say nothing before the first event.
const QUIET: Duration = Duration::from_secs(24 * 3600);
/// What the answer is called in errors.
const WHAT: &str = "the stream of events";
/// Letters kept of each word of an event.
const WORD: usize = 256;

/// Something that happened to a container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct EventMessage {
    pub(super) action: Option<String>,
    pub(super) actor: Option<EventActor>,
    /// Nanoseconds since 1970.
    pub(super) time_nano: Option<i64>,
}

/// To whom.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct EventActor {
    pub(super) id: Option<String>,
    /// Those of its attributes that are told.
    pub(super) attributes: Option<HashMap<String, String>>,
}

/// Where events come from.
pub(super) trait Events {
    /// The next one; `None` when the engine ended the stream. May be dropped while it waits without losing anything.
    async fn next(&mut self) -> Result<Option<EventMessage>, EngineError>;

    /// True when events had to wait since this was last asked: the engine may have dropped some.
    fn had_to_wait(&mut self) -> bool;
}

type Opening<'a> = Pin<Box<dyn Future<Output = Result<Answer, EngineError>> + 'a>>;

/// The events of one engine. The question goes out when the first is waited for.
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

/// Lines put together from pieces that end anywhere.
#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    /// Where the next line begins, and up to where no end of it was found.
    begin: usize,
    looked: usize,
    /// The line under way is too long: it is passed over up to its end.
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
            let told = (!std::mem::take(&mut self.passing) && line.len() <= LINE).then(|| line.to_vec());
            (self.begin, self.looked) = (end + 1, end + 1);
            match told {
                Some(line) if !line.trim_ascii().is_empty() => return Some(line),
                _ => {}
            }
        }
    }
}

/// The events in an answer that ended, and how many lines it had: those of images and networks count there.
pub(super) fn all(answer: &[u8]) -> (Vec<EventMessage>, usize) {
    let lines = || answer.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty());
    (lines().filter(|line| line.len() <= LINE).filter_map(event).collect(), lines().count())
}

/// What is no event, or none of a container, is `None`.
fn event(line: &[u8]) -> Option<EventMessage> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let unread = Unread::default();
    let told = Field::new(&value, &unread);
    if told.text("Type").is_some_and(|kind| kind != "container") {
        return None;
    }
    let short = |text: String| text.chars().take(WORD).collect::<String>();
    let actor = told.object("Actor");
    let attributes = actor.object("Attributes");
    let attribute = |name: &str| Some((name.to_owned(), short(attributes.text(name)?)));
    Some(EventMessage {
        action: Some(short(told.text("Action").or_else(|| told.text("status"))?)),
        time_nano: told.int("timeNano").or_else(|| told.int("time")?.checked_mul(1_000_000_000)),
        actor: Some(EventActor {
            id: Some(actor.text("ID").or_else(|| told.text("id")).filter(|id| is_id(id))?),
            attributes: Some(["exitCode", "signal", "oldName"].into_iter().filter_map(attribute).collect()),
        }),
    })
}

/// 64 hexadecimal letters, as every engine makes them; it is a piece of a path later.
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
    fn a_long_line_is_passed_over() {
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
    fn other_things_events_are_counted_alone() {
        let answer = br#"{"Type":"container","Action":"die","Actor":{"ID":"ab"},"timeNano":5}
{"Type":"network","Action":"connect","Actor":{"ID":"cd"},"timeNano":6}
"#;
        let (events, lines) = all(answer);
        assert_eq!((events.len(), lines), (1, 2));
    }

    #[test]
    fn what_is_no_event_is_none() {
        for line in
            [&b"not json"[..], b"{}", b"5", br#"{"Action":"die"}"#, br#"{"Action":"die","Actor":{"ID":"../x"}}"#]
        {
            assert_eq!(event(line), None);
        }
    }
}
