//! Alerts as rows and back: the book as it was last judged, each time that one fired, and what users said.

use rusqlite::{Connection, Row, params};

use super::json::{from_json, from_word, json, word};
use crate::{
    alert::saved::Saved,
    model::alert::{AlertKey, AlertMark, Episode},
};

/// Marks are read by other programs, and the book has what they said: older ones are of no use.
const MARKS_KEPT_MS: i64 = 30 * 86_400_000;

/// A user's word, and the run of the program that took it in.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptMark {
    pub run: String,
    pub mark: AlertMark,
}

/// Writes the book: the file holds the newest one.
pub fn insert_book(connection: &Connection, saved: &Saved) -> rusqlite::Result<usize> {
    connection.execute(
        "INSERT OR REPLACE INTO alert_book (id, at_ms, run, book) VALUES (1, ?1, ?2, ?3)",
        params![saved.at.unix_ms, saved.run, json(saved)],
    )
}

/// Writes an episode, or what has become of it.
pub fn insert_episode(connection: &Connection, episode: &Episode) -> rusqlite::Result<usize> {
    connection.execute(
        "INSERT OR REPLACE INTO alerts (rule, identity, labels, level, fired_ms, ended_ms, how, value, text)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            episode.key.rule,
            json(&episode.key.identity),
            json(&episode.labels),
            episode.level,
            episode.fired_unix_ms,
            episode.ended_unix_ms,
            episode.end.map(|end| word(&end)),
            episode.value,
            episode.say,
        ],
    )
}

/// Writes a user's word.
pub fn insert_mark(connection: &Connection, KeptMark { run, mark }: &KeptMark) -> rusqlite::Result<usize> {
    let at = mark.at.unix_ms;
    connection.execute("DELETE FROM alert_marks WHERE at_ms < ?1", [at - MARKS_KEPT_MS])?;
    connection
        .execute("INSERT INTO alert_marks (at_ms, run, says) VALUES (?1, ?2, ?3)", params![at, run, json(&mark.says)])
}

/// The book, where it is not the one of `seen`.
pub fn book(connection: &Connection, seen: &mut i64) -> rusqlite::Result<Option<Saved>> {
    let mut statement = connection.prepare("SELECT at_ms, book FROM alert_book WHERE at_ms <> ?1")?;
    let mut rows = statement.query([*seen])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    *seen = row.get(0)?;
    Ok(from_json(&row.get::<_, String>(1)?))
}

pub const EPISODES: &str = "SELECT id, rule, identity, labels, level, fired_ms, ended_ms, how, value, text
     FROM alerts WHERE id > ?1 AND fired_ms > (unixepoch() - 2592000) * 1000 ORDER BY id";
pub const MARKS: &str = "SELECT id, at_ms, run, says FROM alert_marks WHERE id > ?1 ORDER BY id";

pub fn episode(row: &Row<'_>) -> rusqlite::Result<Option<Episode>> {
    let text = |at: usize| row.get::<_, String>(at);
    let (Some(identity), Some(labels)) = (from_json(&text(2)?), from_json(&text(3)?)) else { return Ok(None) };
    Ok(Some(Episode {
        key: AlertKey { rule: text(1)?, identity },
        labels,
        level: text(4)?,
        fired_unix_ms: row.get(5)?,
        ended_unix_ms: row.get(6)?,
        end: row.get::<_, Option<String>>(7)?.and_then(|how| from_word(&how)),
        value: row.get::<_, Option<f64>>(8)?.unwrap_or(f64::NAN),
        say: text(9)?,
    }))
}

pub fn mark(row: &Row<'_>) -> rusqlite::Result<Option<KeptMark>> {
    let unix_ms = row.get(1)?;
    let Some(says) = from_json(&row.get::<_, String>(3)?) else { return Ok(None) };
    let at = crate::clock::Stamp { mono_us: 0, unix_ms };
    Ok(Some(KeptMark { run: row.get(2)?, mark: AlertMark { at, says } }))
}
