//! What is kept, as rows and back.

use std::time::Duration;

use super::{
    alerts::{self, KeptMark},
    json::{from_json, from_word, json, word},
};
use crate::{
    alert::saved::Saved,
    analysis::regression::RunVerdict,
    model::{
        alert::Episode,
        run::{Change, Run, RunMark, RunSays, SeriesKey},
        undo_note::UndoNote,
    },
    units::percent,
};
use rusqlite::{Connection, Row, params};

/// Something that outlasts the program.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    Run(Run),
    Mark(RunMark),
    Verdict(GivenVerdict),
    Change(Change),
    Undo(UndoNote),
    /// The newest one is read back.
    Book(Box<Saved>),
    Episode(Episode),
    AlertMark(KeptMark),
}

/// A verdict as it was given: a later one on the same run may differ, for the baseline moves on.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenVerdict {
    /// The newest run that was judged, by its id.
    pub run: String,
    pub at_unix_ms: i64,
    /// `same`, `regressed` …
    pub verdict: String,
    /// With what it was compared, in words; empty: with nothing.
    pub against: String,
    /// Over the baseline.
    pub ratio: Option<f64>,
    pub p: Option<f64>,
    /// The sentence.
    pub text: String,
}

impl GivenVerdict {
    /// What is said of a run now.
    #[must_use]
    pub fn of(run: &Run, verdict: &RunVerdict) -> GivenVerdict {
        let value = |value: f64| run.unit.show(value);
        let against = verdict.against.as_ref();
        let apart = verdict.worse().map(|worse| match worse {
            worse if worse >= 0.0 => format!(", {} worse than normal", percent(worse)),
            better => format!(", {} better than normal", percent(-better)),
        });
        let (word, apart) = (verdict.verdict.word(), apart.filter(|_| against.is_some()).unwrap_or_default());
        GivenVerdict {
            run: run.id.clone(),
            at_unix_ms: verdict.at_unix_ms,
            verdict: word.to_owned(),
            against: against.map_or_else(String::new, |of| format!("{} of {} runs", value(of.median), of.runs)),
            ratio: verdict.ratio,
            p: verdict.p,
            text: format!("{word}: {}{apart}", value(verdict.median)),
        }
    }
}

/// What the file holds, in the order of writing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    pub runs: Vec<Run>,
    pub marks: Vec<RunMark>,
    pub verdicts: Vec<GivenVerdict>,
    pub changes: Vec<Change>,
    pub undos: Vec<UndoNote>,
    /// The book of alerts, where another one was written.
    pub book: Option<Box<Saved>>,
    /// Of the last 30 days.
    pub episodes: Vec<Episode>,
    pub alert_marks: Vec<KeptMark>,
    /// Rows that this program cannot read: of a newer benchtop that knows more units, for one.
    pub unreadable: usize,
}

impl History {
    /// Nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let alerts = self.book.is_none() && self.episodes.is_empty() && self.alert_marks.is_empty();
        let changes = self.changes.is_empty() && self.undos.is_empty();
        self.runs.is_empty() && self.marks.is_empty() && self.verdicts.is_empty() && changes && alerts
    }
}

/// How far the tables were read: the greatest id of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    runs: i64,
    marks: i64,
    verdicts: i64,
    changes: i64,
    undos: i64,
    book: i64,
    episodes: i64,
    alert_marks: i64,
}

/// Writes one record. A run that is there already is not written twice, and neither is a change that another instance of
/// benchtop has noticed too: the newest one of the same thing is the same.
pub fn insert(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    match record {
        Record::Run(run) => {
            let took = i64::try_from(run.took.as_nanos()).unwrap_or(i64::MAX);
            let values = params![
                run.id,
                run.batch,
                run.benchmark,
                run.of,
                word(&run.unit),
                word(&run.better),
                run.at_unix_ms,
                took,
                json(&run.samples),
                json(&run.fingerprint),
                json(&run.notes),
            ];
            connection.execute(
                "INSERT OR IGNORE INTO runs
                 (run, batch, benchmark, of, unit, better, at_ms, took_ns, samples, fingerprint, notes)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                values,
            )
        }
        Record::Mark(mark) => {
            let (says, run) = match &mark.says {
                RunSays::Accept => ("accept", None),
                RunSays::Pin(run) => ("pin", Some(run)),
                RunSays::Unpin => ("unpin", None),
                RunSays::Forget(run) => ("forget", Some(run)),
            };
            connection.execute(
                "INSERT INTO marks (at_ms, benchmark, of, says, run) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![mark.at_unix_ms, mark.series.benchmark, mark.series.of, says, run],
            )
        }
        Record::Verdict(given) => connection.execute(
            "INSERT OR IGNORE INTO verdicts (run, at_ms, verdict, against, ratio, p, text)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![given.run, given.at_unix_ms, given.verdict, given.against, given.ratio, given.p, given.text],
        ),
        Record::Change(change) => connection.execute(
            "INSERT INTO changes (at_ms, kind, of, property, before, after) SELECT ?1, ?2, ?3, ?4, ?5, ?6
             WHERE coalesce((SELECT before IS NOT ?5 OR after IS NOT ?6 FROM changes
                 WHERE kind = ?2 AND of = ?3 AND property = ?4 ORDER BY id DESC LIMIT 1), true)",
            params![change.at_unix_ms, change.kind, change.of, change.property, change.before, change.after],
        ),
        Record::Undo(note) => connection.execute(
            "INSERT INTO undos (at_ms, benchmark, of, run, step, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![note.at_unix_ms, note.series.benchmark, note.series.of, note.run, word(&note.step), note.text],
        ),
        Record::Book(saved) => alerts::insert_book(connection, saved),
        Record::Episode(episode) => alerts::insert_episode(connection, episode),
        Record::AlertMark(mark) => alerts::insert_mark(connection, mark),
    }
    .map(drop)
}

/// Reads what was written after `seen`, as of one moment, and takes note of how far it was read.
pub fn read(connection: &Connection, seen: &mut Seen) -> rusqlite::Result<History> {
    let mut history = History::default();
    let moment = connection.unchecked_transaction()?;
    let mut now = *seen;
    let History { runs, marks, verdicts, changes, undos, episodes, alert_marks, unreadable, .. } = &mut history;
    now.runs = rows(&moment, RUNS, seen.runs, run, runs, unreadable)?;
    now.marks = rows(&moment, MARKS, seen.marks, mark, marks, unreadable)?;
    now.verdicts = rows(&moment, VERDICTS, seen.verdicts, verdict, verdicts, unreadable)?;
    now.changes = rows(&moment, CHANGES, seen.changes, change, changes, unreadable)?;
    now.undos = rows(&moment, UNDOS, seen.undos, undo, undos, unreadable)?;
    now.episodes = rows(&moment, alerts::EPISODES, seen.episodes, alerts::episode, episodes, unreadable)?;
    now.alert_marks = rows(&moment, alerts::MARKS, seen.alert_marks, alerts::mark, alert_marks, unreadable)?;
    history.book = alerts::book(&moment, &mut now.book)?.map(Box::new);
    *seen = now;
    Ok(history)
}

const RUNS: &str = "SELECT id, run, batch, benchmark, of, unit, better, at_ms, took_ns, samples, fingerprint, notes
    FROM runs WHERE id > ?1 ORDER BY id";
const MARKS: &str = "SELECT id, at_ms, benchmark, of, says, run FROM marks WHERE id > ?1 ORDER BY id";
const VERDICTS: &str =
    "SELECT id, run, at_ms, verdict, against, ratio, p, text FROM verdicts WHERE id > ?1 ORDER BY id";
const CHANGES: &str = "SELECT id, at_ms, kind, of, property, before, after FROM changes WHERE id > ?1 ORDER BY id";
const UNDOS: &str = "SELECT id, at_ms, benchmark, of, run, step, text FROM undos WHERE id > ?1 ORDER BY id";

/// Reads the rows after `last` into `into`; the last one's id.
fn rows<T>(
    connection: &Connection,
    select: &str,
    last: i64,
    read: fn(&Row<'_>) -> rusqlite::Result<Option<T>>,
    into: &mut Vec<T>,
    unreadable: &mut usize,
) -> rusqlite::Result<i64> {
    let mut statement = connection.prepare(select)?;
    let mut rows = statement.query([last])?;
    let mut last = last;
    while let Some(row) = rows.next()? {
        last = row.get(0)?;
        match read(row)? {
            Some(value) => into.push(value),
            None => *unreadable += 1,
        }
    }
    Ok(last)
}

fn run(row: &Row<'_>) -> rusqlite::Result<Option<Run>> {
    let text = |at: usize| row.get::<_, String>(at);
    let (Some(unit), Some(better)) = (from_word(&text(5)?), from_word(&text(6)?)) else { return Ok(None) };
    let (Some(samples), Some(fingerprint), Some(notes)) =
        (from_json(&text(9)?), from_json(&text(10)?), from_json(&text(11)?))
    else {
        return Ok(None);
    };
    Ok(Some(Run {
        id: text(1)?,
        batch: text(2)?,
        benchmark: text(3)?,
        of: text(4)?,
        unit,
        better,
        at_unix_ms: row.get(7)?,
        took: Duration::from_nanos(row.get::<_, i64>(8)?.unsigned_abs()),
        samples,
        fingerprint,
        notes,
    }))
}

fn mark(row: &Row<'_>) -> rusqlite::Result<Option<RunMark>> {
    let run: Option<String> = row.get(5)?;
    let says = match (row.get::<_, String>(4)?.as_str(), run) {
        ("accept", _) => RunSays::Accept,
        ("pin", Some(run)) => RunSays::Pin(run),
        ("unpin", _) => RunSays::Unpin,
        ("forget", Some(run)) => RunSays::Forget(run),
        _ => return Ok(None),
    };
    let series = SeriesKey { benchmark: row.get(2)?, of: row.get(3)? };
    Ok(Some(RunMark { at_unix_ms: row.get(1)?, series, says }))
}

fn verdict(row: &Row<'_>) -> rusqlite::Result<Option<GivenVerdict>> {
    Ok(Some(GivenVerdict {
        run: row.get(1)?,
        at_unix_ms: row.get(2)?,
        verdict: row.get(3)?,
        against: row.get(4)?,
        ratio: row.get(5)?,
        p: row.get(6)?,
        text: row.get(7)?,
    }))
}

fn change(row: &Row<'_>) -> rusqlite::Result<Option<Change>> {
    Ok(Some(Change {
        at_unix_ms: row.get(1)?,
        kind: row.get(2)?,
        of: row.get(3)?,
        property: row.get(4)?,
        before: row.get(5)?,
        after: row.get(6)?,
    }))
}

fn undo(row: &Row<'_>) -> rusqlite::Result<Option<UndoNote>> {
    let Some(step) = from_word(&row.get::<_, String>(5)?) else { return Ok(None) };
    let series = SeriesKey { benchmark: row.get(2)?, of: row.get(3)? };
    Ok(Some(UndoNote { at_unix_ms: row.get(1)?, series, run: row.get(4)?, step, text: row.get(6)? }))
}
