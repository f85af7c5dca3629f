//! Lines of logs, and a follower of an engine that is made up.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use super::*;
use crate::{
    clock::Stamp,
    interest::Interest,
    sys::{
        engine::testing::{Asked, FakeEngine, Handler, VERSION, answer},
        root::Root,
    },
};

#[test]
fn lines_are_joined_and_have_the_engines_time() {
    let mut half = Half::default();
    assert_eq!(half.take(b"2026-01-02T03:04:05.5Z he", true), []);
    let lines = half.take(b"llo\n2026-01-02T03:04:06Z \nno time\n", true);
    let seen: Vec<_> = lines.iter().map(|(_, l)| (l.unix_ms, l.text.as_str())).collect();
    assert_eq!(seen, [(Some(1_767_323_045_500), "hello"), (Some(1_767_323_046_000), ""), (None, "no time")]);
}

#[test]
fn an_entry_without_a_line_end_stays_apart() {
    let mut half = Half::default();
    assert_eq!(half.take(b"2026-01-02T03:04:05Z half", true), []);
    let lines = half.take(b"2026-01-02T03:04:06Z whole\n", true);
    assert_eq!(lines.iter().map(|(_, l)| l.text.as_str()).collect::<Vec<_>>(), ["half", "whole"]);
    assert_eq!(half.take(b"2026-01-02T03:04:07Z last", true), []);
    assert_eq!(half.rest().map(|(_, l)| l.text), Some("last".to_owned()));
}

#[test]
fn hostile_bytes_are_cleaned() {
    let text = |bytes: &[u8]| line(bytes, false).1.text;
    assert_eq!(text(b"2026-01-02T03:04:05Z \x1b[31mred\x1b[0m \x1b]0;title\x07done\r\n"), "red done");
    assert_eq!(text(b"10%\r50%\r100%\r\n"), "100%");
    assert!(!text(b"a\x00b\x9b31mc\xff\n").chars().any(char::is_control));
}

#[test]
fn long_lines_are_cut() {
    let mut half = Half::default();
    for _ in 0..100 {
        assert_eq!(half.take(&[b'x'; LONGEST], false), []);
        assert!(half.rest.len() <= LONGEST);
    }
    let lines = half.take(b"end\nnext\n", false);
    let lengths: Vec<usize> = lines.iter().map(|(_, line)| line.text.chars().count()).collect();
    assert_eq!(lengths, [LONGEST + 1, 4], "cut, and the next is whole");
    let whole = [vec![b'y'; 60_000], b"\n".to_vec()].concat();
    assert_eq!(half.take(&whole, true)[0].1.text.chars().count(), LONGEST + 1);
}

#[test]
fn what_waits_is_bounded() {
    let mut waiting = Waiting::default();
    let lines = |count: usize, length: usize| {
        (0..count).map(move |_| (None, LogLine { text: "x".repeat(length), ..LogLine::default() }))
    };
    waiting.take(lines(WAITING.0 + 7, 1), &mut None);
    assert_eq!((waiting.lines.len(), waiting.dropped), (WAITING.0, 7));
    waiting.take(lines(4000, LONGEST), &mut None);
    assert!(waiting.bytes <= WAITING.1 && waiting.lines.len() <= WAITING.1 / LONGEST, "{}", waiting.bytes);
}

/// The source, and all that it has given so far.
struct Reading {
    log: Box<dyn Collector>,
    want: Interest,
    lines: Vec<LogLine>,
    fresh: Vec<bool>,
    dropped: u64,
    /// In the order in which they came, each once.
    ended: Vec<Option<String>>,
}

impl Reading {
    fn of(engine: &FakeEngine, id: &str) -> Self {
        Reading {
            log: open(&OpenCx::of(Root::default())).expect("no reading yet"),
            want: Interest { log: Some((engine.address(), id.to_owned())), ..Interest::default() },
            lines: Vec::new(),
            fresh: Vec::new(),
            dropped: 0,
            ended: Vec::new(),
        }
    }

    fn once(&mut self) -> LogSample {
        match self.log.collect(&CollectCx::new(Stamp::at_seconds(1), &self.want)) {
            Ok(Sample::ContainerLog(sample)) => sample,
            other => panic!("{other:?}"),
        }
    }

    /// Reads until that many lines came and it ended for that reason.
    fn until(&mut self, lines: usize, ended: &str) -> &mut Self {
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        loop {
            let sample = self.once();
            self.lines.extend(sample.lines);
            self.fresh.push(sample.fresh);
            self.dropped += sample.dropped;
            if self.ended.last() != Some(&sample.ended) {
                self.ended.push(sample.ended.clone());
            }
            if self.lines.len() >= lines && sample.ended.is_some_and(|why| why.contains(ended)) {
                return self;
            }
            assert!(std::time::Instant::now() < deadline, "{:?} {:?}", self.lines, self.ended);
            thread::yield_now();
        }
    }

    fn texts(&self) -> Vec<(bool, &str)> {
        self.lines.iter().map(|line| (line.error, line.text.as_str())).collect()
    }
}

/// An entry of one stream, as an engine frames it: at this second, with this text.
fn frame(stream: u8, second: u8, text: &str) -> Vec<u8> {
    let line = format!("2026-01-02T03:04:{second:02}.5Z {text}");
    let length = u32::try_from(line.len()).expect("short").to_be_bytes();
    [&[stream, 0, 0, 0][..], &length, line.as_bytes()].concat()
}

fn bytes(body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

/// An engine whose container was started at the first of these times when it is inspected first, and so on, the last one
/// for ever; and what its log answers, likewise. Nothing stands for a container that is gone.
fn engine(tty: bool, starts: Vec<Option<&'static str>>, logs: Vec<Vec<u8>>) -> (FakeEngine, Arc<Mutex<Vec<String>>>) {
    let queries = Arc::new(Mutex::new(Vec::new()));
    let (log, inspections, reads) = (queries.clone(), Mutex::new(0), Mutex::new(0));
    let next = |count: &Mutex<usize>, most: usize| {
        let mut count = count.lock().expect("a count");
        *count += 1;
        (*count).min(most) - 1
    };
    let handler: Handler = Arc::new(move |asked: &Asked, stream| {
        let answer = match asked.path.as_str() {
            "/version" => answer(200, VERSION),
            "/containers/ab/json" => match starts[next(&inspections, starts.len())] {
                Some(at) => answer(200, &format!(r#"{{"State":{{"StartedAt":"{at}"}},"Config":{{"Tty":{tty}}}}}"#)),
                None => answer(404, r#"{"message":"No such container: ab"}"#),
            },
            "/containers/ab/logs" => {
                log.lock().expect("the log").push(asked.query.clone());
                logs[next(&reads, logs.len())].clone()
            }
            _ => answer(200, "OK"),
        };
        drop(stream.write_all(&answer));
    });
    (FakeEngine::with(handler), queries)
}

#[test]
fn a_log_is_followed_over_runs_and_failures_to_the_container_s_end() {
    let first = [frame(1, 5, "one\n"), frame(2, 6, "two\n"), frame(1, 7, "three")].concat();
    // After a failure all of the second is read again: what was there is left out.
    let second = [frame(2, 6, "two\n"), frame(1, 7, "three\n"), frame(1, 8, "four\n")].concat();
    let starts = vec![Some("a"), Some("b"), Some("b"), Some("b"), None];
    let (engine, queries) = engine(false, starts, vec![bytes(&first), answer(500, "out of files"), bytes(&second)]);
    let mut reading = Reading::of(&engine, "ab");
    reading.until(4, "removed");
    assert_eq!(reading.texts(), [(false, "one"), (true, "two"), (false, "three"), (false, "four")]);
    assert_eq!(reading.lines[0].unix_ms, Some(1_767_323_045_500));
    let ended: Vec<&str> = reading.ended.iter().flatten().map(String::as_str).collect();
    assert!(
        matches!(ended[..], ["container stopped", failed, "container stopped", "container removed"] if failed.contains("out of files")),
        "{ended:?}"
    );
    assert_eq!(reading.dropped, 0);
    let since: Vec<String> = queries.lock().expect("the log").iter().map(|query| query.replace(PAST, "PAST")).collect();
    let query = |since: u64| format!("follow=true&stdout=true&stderr=true&timestamps=true&tail=PAST&since={since}");
    assert_eq!(since, [query(0), query(1_767_323_047), query(1_767_323_047)], "a run is read once");
}

#[test]
fn a_terminal_s_log_has_no_frames() {
    let plain = b"2026-01-02T03:04:05Z one\r\n2026-01-02T03:04:06Z two\r\n";
    let (engine, _) = engine(true, vec![Some("a")], vec![bytes(plain)]);
    let mut reading = Reading::of(&engine, "ab");
    assert_eq!(reading.until(2, "stopped").texts(), [(false, "one"), (false, "two")]);
}

#[test]
fn only_the_first_sample_of_a_container_is_fresh() {
    let (engine, _) = engine(true, vec![Some("a")], vec![bytes(b"2026-01-02T03:04:05Z one\n")]);
    let mut reading = Reading::of(&engine, "ab");
    assert_eq!(reading.log.hurry(), None);
    reading.until(1, "stopped").once();
    assert!(reading.fresh.iter().skip(1).all(|fresh| !fresh) && reading.fresh[0], "{:?}", reading.fresh);
    assert_eq!(reading.log.hurry(), Some(OFTEN));
    // Another container starts over; it does not exist.
    reading.want.log = Some((engine.address(), "cd".to_owned()));
    let other = reading.once();
    assert_eq!((other.id.as_str(), other.fresh), ("cd", true));
    reading.want.log = None;
    assert_eq!(reading.once(), LogSample::default());
    assert_eq!(reading.log.hurry(), None, "nothing is followed");
    reading.want.log = Some((engine.address(), "cd".to_owned()));
    assert!(reading.once().fresh, "it was let go meanwhile");
}

#[test]
fn the_newest_lines_within_both_bounds_are_kept() {
    let mut waiting = Waiting::default();
    let line = |text: &str| (None, LogLine { text: text.to_owned(), ..LogLine::default() });
    let half = "x".repeat(WAITING.1 / 2);
    waiting.take([line(&half), line(&half)].into_iter(), &mut None);
    assert_eq!((waiting.lines.len(), waiting.bytes, waiting.dropped), (2, WAITING.1, 0), "as much as may wait");
    waiting.take([line("y")].into_iter(), &mut None);
    assert_eq!((waiting.lines.len(), waiting.bytes, waiting.dropped), (2, WAITING.1 / 2 + 1, 1));
    let mut last = None;
    let at = |second: i64| jiff::Timestamp::from_second(second).ok();
    waiting.take([(at(5), LogLine::default()), (at(3), LogLine::default())].into_iter(), &mut last);
    assert_eq!(last, at(5), "the newest, though an older one came after it");
}
