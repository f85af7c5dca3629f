//! `benchtop check --replay FILE`: the rules tried against a recording: when each would have fired, for how long, and
//! what a longer hold would have spared.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Read, Write},
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    alert::{
        Rule,
        transition::{Transition, Turn},
    },
    clock::Stamp,
    model::{alert::AlertKey, event::Event, header::Header},
    state::State,
    text::clean,
    units::{countdown, span},
};

/// A rule that fires at once is tried with this hold, the others with twice their own.
const LEAST: Duration = Duration::from_secs(60);
/// Of one rule so many times are listed.
const LISTED: usize = 12;

/// A line that is longer is no event.
const LONGEST: u64 = 64 << 20;
/// What compressed files begin with, and what reads them.
const COMPRESSED: [(&[u8], &str); 4] =
    [(b"\x1f\x8b", "gzip -dc"), (b"\x28\xb5\x2f\xfd", "zstd -dc"), (b"\xfd7zXZ", "xz -dc"), (b"BZh", "bzip2 -dc")];

/// Why a recording cannot be tried.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("could not be read: {0}")]
    Read(#[from] io::Error),
    #[error("line {line} is not an event: {why}")]
    Line { line: usize, why: String },
    #[error("it is no recording: {why}\n  hint: `benchtop record --events FILE` writes one")]
    Foreign { why: String },
    #[error("it is compressed\n  hint: {by} FILE | benchtop check --replay -")]
    Compressed { by: &'static str },
    #[error("it has the form {found}, this benchtop reads {known}: use the benchtop that recorded it")]
    Newer { found: u32, known: u32 },
    #[error("it holds no readings\n  hint: `benchtop record --events FILE` writes them, until a signal ends it")]
    Empty,
}

/// One time that an alert fired.
#[derive(Debug, Clone, PartialEq)]
pub struct Fire {
    pub key: AlertKey,
    pub say: String,
    pub at: Stamp,
    /// `None`: it still fired at the end.
    pub lasted: Option<Duration>,
}

/// What the rules would have said of a recording.
#[derive(Debug, Default)]
pub struct Past {
    pub host: Option<String>,
    pub from: Stamp,
    pub to: Stamp,
    /// By rule, in order of time.
    pub fires: BTreeMap<String, Vec<Fire>>,
    /// How often each rule would have fired with a longer hold.
    pub longer: BTreeMap<String, (Duration, usize)>,
    /// Its last line is cut: whoever wrote it was killed, or still writes.
    pub cut: bool,
    /// At the end.
    pub state: State,
}

/// Folds a recording, one event a line, under `rules`.
///
/// # Errors
/// It cannot be read, or is no recording of this form.
pub fn replay(mut recording: impl BufRead, rules: &[Rule], zone: &TimeZone) -> Result<Past, ReplayError> {
    let longer: Vec<Rule> =
        rules.iter().map(|rule| Rule { hold: (rule.hold * 2).max(LEAST), ..rule.clone() }).collect();
    let (mut state, mut other) = (State::new(rules.into()), State::new(longer.clone().into()));
    (state.alarms.zone, other.alarms.zone) = (zone.clone(), zone.clone());
    let mut past = Past::default();
    let mut began = false;
    let (mut line, mut at, mut any) = (Vec::new(), 0, false);
    while next(&mut recording, &mut line, at)? {
        at += 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let event: Event = match serde_json::from_slice(&line) {
            Ok(event) => event,
            Err(_) if any && line.last() != Some(&b'\n') => {
                past.cut = true;
                break;
            }
            Err(error) if any => return Err(ReplayError::Line { line: at, why: error.to_string() }),
            Err(error) => return Err(foreign(&line, at, &error)),
        };
        any = true;
        match &event {
            Event::Header(header) if header.schema > Header::SCHEMA => {
                return Err(ReplayError::Newer { found: header.schema, known: Header::SCHEMA });
            }
            Event::Header(header) => past.host.clone_from(&header.host),
            // What was known then is not what is asked.
            Event::Alerts(_) | Event::Alert(_) => continue,
            Event::Reading(envelope) if !began => {
                (began, past.from) = (true, envelope.at);
            }
            _ => {}
        }
        past.to = if event.at() > past.to { event.at() } else { past.to };
        other.apply(event.clone());
        for change in other.transitions.iter().filter(|change| change.turn == Turn::Fired) {
            past.longer.entry(change.key.rule.clone()).or_default().1 += 1;
        }
        state.apply(event);
        let changes: Vec<Transition> = state.transitions.clone();
        changes.iter().for_each(|change| past.note(change));
    }
    if !began {
        return Err(ReplayError::Empty);
    }
    // The last second is judged too.
    state.apply(Event::Tick(past.to.plus(Duration::from_secs(1))));
    let changes: Vec<Transition> = state.transitions.clone();
    changes.iter().for_each(|change| past.note(change));
    for rule in &longer {
        if past.fires.contains_key(&rule.id) {
            past.longer.entry(rule.id.clone()).or_default().0 = rule.hold;
        }
    }
    past.state = state;
    Ok(past)
}

/// The next line, of which there is no end to a file that is no recording.
fn next(recording: &mut impl BufRead, line: &mut Vec<u8>, at: usize) -> Result<bool, ReplayError> {
    line.clear();
    let read = recording.by_ref().take(LONGEST).read_until(b'\n', line)? as u64;
    match read {
        LONGEST if at == 0 => Err(ReplayError::Foreign { why: "its first line has no end".to_owned() }),
        LONGEST => Err(ReplayError::Line { line: at + 1, why: "it has no end".to_owned() }),
        read => Ok(read > 0),
    }
}

/// What a file is whose first line is no event.
fn foreign(line: &[u8], at: usize, error: &serde_json::Error) -> ReplayError {
    if let Some((_, by)) = COMPRESSED.iter().find(|(first, _)| line.starts_with(first)) {
        return ReplayError::Compressed { by };
    }
    ReplayError::Foreign { why: format!("line {at} is not an event: {error}") }
}

impl Past {
    fn note(&mut self, change: &Transition) {
        match change.turn {
            Turn::Fired => {
                let fire = Fire { key: change.key.clone(), say: change.say.clone(), at: change.at, lasted: None };
                self.fires.entry(change.key.rule.clone()).or_default().push(fire);
            }
            Turn::Resolved | Turn::Removed => {
                let fires = self.fires.get_mut(&change.key.rule).into_iter().flatten();
                if let Some(fire) = fires.rev().find(|fire| fire.key == change.key) {
                    fire.lasted = Some(change.at.since(fire.at));
                }
            }
            _ => {}
        }
    }

    /// # Errors
    /// It cannot be written.
    pub fn write(&self, zone: &TimeZone, out: &mut impl Write) -> io::Result<()> {
        let time = |at: Stamp, form: &str| match Timestamp::from_millisecond(at.unix_ms) {
            Ok(at) => at.to_zoned_datetime(zone.clone()).strftime(form).to_string(),
            Err(_) => "–".to_owned(),
        };
        let host = self.host.as_deref().map_or_else(String::new, |host| format!(" of {}", clean(host)));
        let (from, to) = (time(self.from, "%F %T"), time(self.to, "%F %T"));
        writeln!(out, "recording{host}, {from} to {to} ({})", span(self.to.since(self.from)))?;
        if self.cut {
            writeln!(out, "its last line is cut, and left out")?;
        }
        if self.fires.is_empty() {
            writeln!(out, "no rule would have fired")?;
        }
        let day = self.to.since(self.from) >= Duration::from_secs(86_400);
        for (rule, fires) in &self.fires {
            writeln!(out)?;
            let longest = fires.iter().filter_map(|fire| fire.lasted).max();
            let longest =
                longest.map_or_else(String::new, |longest| format!(", the longest for {}", countdown(longest)));
            writeln!(out, "{rule}: fired {}×{longest}", fires.len())?;
            for fire in fires.iter().take(LISTED) {
                let lasted =
                    fire.lasted.map_or_else(|| "until the end".to_owned(), |l| format!("for {}", countdown(l)));
                let at = time(fire.at, if day { "%F %T" } else { "%T" });
                writeln!(out, "  {at}  {}, {lasted}", clean(&fire.say))?;
            }
            if fires.len() > LISTED {
                writeln!(out, "  and {} times more", fires.len() - LISTED)?;
            }
            if let Some((hold, count)) = self.longer.get(rule).filter(|(_, count)| *count < fires.len()) {
                let spared = fires.len() - count;
                writeln!(out, "  with a hold of {}: {count}×, {spared} spared", span(*hold))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alert::Limits,
        model::{
            event::{Envelope, Sample},
            load::LoadSample,
            metrics,
            source::SourceId,
        },
    };

    fn recording(loads: &[(u64, f64)]) -> String {
        let header = Event::Header(Header { schema: 1, host: Some("atlas".into()), ..Header::default() });
        let reading = |(second, load1): &(u64, f64)| {
            let sample = Sample::Load(LoadSample { load1: *load1, ..LoadSample::default() });
            let (took, every, at) = (Duration::ZERO, Duration::from_secs(1), Stamp::at_seconds(*second));
            Event::Reading(Envelope { source: SourceId::Load, at, took, every, outcome: Ok(sample) })
        };
        let events = std::iter::once(header).chain(loads.iter().map(reading));
        events.map(|event| serde_json::to_string(&event).expect("an event is data") + "\n").collect()
    }

    fn rule() -> Rule {
        Rule {
            limits: Limits { warn: Some(4.0), ..Limits::default() },
            hold: Duration::from_secs(30),
            say: "load is {value}".into(),
            ..Rule::new("load_high", metrics::LOAD1)
        }
    }

    #[test]
    fn a_recording_says_when_each_rule_would_have_fired() {
        let load = |second: u64| if (10..50).contains(&second) || (200..300).contains(&second) { 9.0 } else { 1.0 };
        let loads: Vec<(u64, f64)> = (1..=400).map(|second| (second, load(second))).collect();
        let past = replay(recording(&loads).as_bytes(), &[rule()], &TimeZone::UTC).expect("a recording");
        let fires = &past.fires["load_high"];
        let found: Vec<_> =
            fires.iter().map(|f| (f.at.since(past.from).as_secs(), f.lasted.map(|l| l.as_secs()))).collect();
        assert_eq!(found, [(40, Some(20)), (230, Some(80))]);
        assert_eq!(past.longer["load_high"], (Duration::from_secs(60), 1), "the short one is spared");
        let mut out = Vec::new();
        past.write(&TimeZone::UTC, &mut out).expect("written");
        let text = String::from_utf8(out).expect("text");
        assert!(text.contains("load_high: fired 2×, the longest for 1m20s"), "{text}");
        assert!(text.contains("with a hold of 1m: 1×, 1 spared"), "{text}");
    }

    #[test]
    fn a_recording_whose_end_is_cut_is_tried_up_to_there() {
        let whole = recording(&[(1, 1.0), (2, 1.0), (3, 1.0)]);
        let past = replay(&whole.as_bytes()[..whole.len() - 9], &[rule()], &TimeZone::UTC).expect("a recording");
        assert_eq!((past.cut, past.to.since(past.from)), (true, Duration::from_secs(1)));
        let mut out = Vec::new();
        past.write(&TimeZone::UTC, &mut out).expect("written");
        assert!(String::from_utf8_lossy(&out).contains("its last line is cut, and left out"));
    }

    #[test]
    fn what_is_no_recording_is_named_at_its_line() {
        let tried = |text: &str| replay(text.as_bytes(), &[rule()], &TimeZone::UTC).expect_err("refused").to_string();
        assert!(tried("\nhello\n").starts_with("it is no recording: line 2 is not an event: "), "{}", tried("hello"));
        assert!(tried("").starts_with("it holds no readings\n  hint: `benchtop record --events FILE`"));
        let one = recording(&[(1, 1.0)]);
        assert!(tried(&format!("{one}{{\"tick\":7}}\n")).starts_with("line 3 is not an event: "));
        let zipped = replay(&b"\x1f\x8b\x08\0"[..], &[rule()], &TimeZone::UTC).expect_err("refused").to_string();
        assert!(zipped.contains("hint: gzip -dc FILE | benchtop check --replay -"), "{zipped}");
        let endless = replay(io::BufReader::new(io::repeat(0)), &[rule()], &TimeZone::UTC).expect_err("refused");
        assert!(endless.to_string().starts_with("it is no recording: its first line has no end"), "{endless}");
        let newer = recording(&[]).replace("\"schema\":1", "\"schema\":9");
        assert!(tried(&newer).starts_with("it has the form 9"), "{}", tried(&newer));
    }

    #[test]
    fn a_rule_is_tried_with_twice_its_hold_and_a_minute_at_least() {
        let loads: Vec<(u64, f64)> = (1..=200).map(|second| (second, 9.0)).collect();
        for (hold, longer) in [(0, 60), (29, 60), (30, 60), (31, 62), (45, 90)] {
            let rule = Rule { hold: Duration::from_secs(hold), ..rule() };
            let past = replay(recording(&loads).as_bytes(), &[rule], &TimeZone::UTC).expect("a recording");
            assert_eq!(past.longer["load_high"], (Duration::from_secs(longer), 1), "a hold of {hold} s");
        }
    }
}
