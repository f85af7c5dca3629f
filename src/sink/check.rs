//! `benchtop check`: what is wrong, one line an alert, worst first; as JSON by `assets/check.schema.json`; and a card of
//! the machine to paste into a chat.

use std::io::{self, Write};

use serde::Serialize;

use super::{
    doctor::Style,
    escaping::Escaping,
    json::alert::{self, Alert},
    text,
};
use crate::{
    alert::{Level, Watch},
    clock::Stamp,
    state::State,
    text::{clean, wrap},
    units::{countdown, span},
};

/// Version of the form; goes up when something is taken away or changes its meaning.
pub const SCHEMA: u32 = 1;
/// Columns of the card.
const CARD: usize = 72;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Report<'a> {
    /// Version of this form; goes up when something is taken away or changes its meaning.
    schema: u32,
    /// ok, warning, critical, unknown: as the exit status.
    status: &'static str,
    /// Worst first, those that count before those that do not.
    alerts: Vec<Alert<'a>>,
}

/// The outcome of the check, as monitoring plugins have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Ok,
    Warning,
    Critical,
    Unknown,
}

impl Status {
    /// Of what fires and counts. Where nothing fires, a machine that was not read is not well.
    #[must_use]
    pub fn of(state: &State) -> Status {
        let verdict = state.verdict();
        match state.calm().1 {
            _ if verdict.crit > 0 => Status::Critical,
            _ if verdict.warn > 0 => Status::Warning,
            Level::Unknown if !state.host.health.any_figures() => Status::Unknown,
            _ => Status::Ok,
        }
    }

    /// The exit status.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    fn word(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Warning => "warning",
            Status::Critical => "critical",
            Status::Unknown => "unknown",
        }
    }
}

/// # Errors
/// It cannot be written.
pub fn write_json(state: &State, out: &mut impl Write) -> io::Result<()> {
    let report = Report { schema: SCHEMA, status: Status::of(state).word(), alerts: alert::all(state) };
    serde_json::to_writer_pretty(Escaping(&mut *out), &report)?;
    out.write_all(b"\n")
}

/// One line an alert, and what is pending.
///
/// # Errors
/// It cannot be written.
pub fn write_text(state: &State, style: &Style<'_>, out: &mut impl Write) -> io::Result<()> {
    for (level, text) in lines(state, style.ascii) {
        let text = if style.ascii { text::plain(&text) } else { text };
        let rows = if style.columns == usize::MAX { vec![text] } else { wrap(&text, style.columns) };
        for row in rows {
            writeln!(out, "{}", (style.paint)(level, &row))?;
        }
    }
    Ok(())
}

/// Each line with the level that colours it.
fn lines(state: &State, ascii: bool) -> Vec<(Level, String)> {
    let now = state.host.now;
    let mut lines: Vec<(Level, String)> =
        state.watches.iter().filter(|w| w.held).map(|w| (shade(w), firing(w, now, ascii))).collect();
    let quiet = !state.watches.iter().any(Watch::counts);
    if quiet {
        let (calm, level) = match Status::of(state) {
            Status::Unknown => ("nothing could be read: `benchtop doctor` shows why".to_owned(), Level::Unknown),
            _ => ("no alert is firing".to_owned(), Level::Ok),
        };
        lines.insert(0, (level, format!("{} {calm}", sign(level, ascii))));
    }
    lines.extend(state.watches.iter().filter(|w| !w.held && w.level >= Level::Warn).map(|w| {
        let when = match w.counted {
            Some((so_far, of)) => format!("{so_far} of {of}"),
            None => format!("alert in {}", countdown(w.left)),
        };
        (Level::Unknown, format!("pending: {}, {when}", clean(&w.say)))
    }));
    lines
}

/// What does not count has no colour.
fn shade(watch: &Watch) -> Level {
    if watch.counts() { watch.level } else { Level::Unknown }
}

/// `✖ media is DEGRADED: sdd offline, 3m`.
fn firing(watch: &Watch, now: Stamp, ascii: bool) -> String {
    let mut line = format!("{} {}, {}", sign(watch.level, ascii), clean(&watch.say), watch.age(now, span));
    if watch.acknowledged {
        line += " (acknowledged)";
    }
    if watch.silenced_until().is_some() {
        line += " (silenced)";
    }
    if let Some(cause) = watch.because() {
        line += &format!(" (because of {})", cause.rule);
    }
    line
}

fn sign(level: Level, ascii: bool) -> &'static str {
    match (level, ascii) {
        (Level::Crit, false) => "✖",
        (Level::Crit, true) => "X",
        (Level::Warn, false) => "▲",
        (Level::Warn, true) => "!",
        (Level::Ok, false) => "●",
        (Level::Ok, true) => "o",
        (Level::Unknown, false) => "◌",
        (Level::Unknown, true) => "?",
        (Level::Advice, false) => "·",
        (Level::Advice, true) => "-",
    }
}

/// The machine in 72 columns: figures and verdict, no command lines, no addresses.
///
/// # Errors
/// It cannot be written.
pub fn write_card(state: &State, ascii: bool, out: &mut impl Write) -> io::Result<()> {
    let mut page = text::summary(state);
    for (_, line) in lines(state, ascii) {
        page.push(("verdict".to_owned(), line));
    }
    for (name, text) in page {
        let text = if ascii { text::plain(&text) } else { text };
        for (at, row) in wrap(&text, CARD - 13).into_iter().enumerate() {
            let name = if at == 0 { name.as_str() } else { "" };
            writeln!(out, "{}", format!("{name:<12} {row}").trim_end())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::width;

    fn watch(level: Level, held: bool, say: &str) -> Watch {
        Watch { rule: "r".into(), level, held, say: say.into(), ..Watch::default() }
    }

    fn state(watches: Vec<Watch>) -> State {
        let mut state = State::default();
        state.watches = watches;
        state.host.now = Stamp::at_seconds(100);
        state
    }

    fn text(state: &State) -> String {
        let (mut out, paint) = (Vec::new(), |_, text: &str| text.to_owned());
        write_text(state, &Style { ascii: true, columns: usize::MAX, paint: &paint }, &mut out).expect("written");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn the_status_is_of_what_counts() {
        let status = |watches| Status::of(&state(watches)).code();
        assert_eq!(status(vec![watch(Level::Warn, true, "a"), watch(Level::Crit, true, "b")]), 2);
        assert_eq!(status(vec![watch(Level::Warn, true, "a"), watch(Level::Crit, false, "b")]), 1);
        assert_eq!(status(vec![]), 3, "nothing was read");
        let known = Watch { acknowledged: true, ..watch(Level::Crit, true, "a") };
        assert_eq!(status(vec![known]), 3);
    }

    #[test]
    fn a_line_for_each_alert_and_what_is_pending_after_them() {
        let acknowledged = Watch { acknowledged: true, ..watch(Level::Warn, true, "old") };
        let pending =
            Watch { left: std::time::Duration::from_secs(250), ..watch(Level::Warn, false, "CPU is 97 % busy") };
        let text = text(&state(vec![watch(Level::Crit, true, "bad\u{202e}\x1b[31m"), acknowledged, pending]));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("X bad") && !text.contains(['\x1b', '\u{202e}']), "{text:?}");
        assert_eq!(lines[1..], ["! old, 1m (acknowledged)", "pending: CPU is 97 % busy, alert in 4m10s"]);
    }

    #[test]
    fn the_card_has_72_columns() {
        let mut out = Vec::new();
        let long = watch(Level::Crit, true, &"word ".repeat(60));
        write_card(&state(vec![long]), false, &mut out).expect("written");
        let text = String::from_utf8(out).expect("text");
        assert!(text.lines().count() > 4 && text.lines().all(|line| width(line) <= CARD), "{text}");
    }

    #[test]
    fn the_document_has_the_status_in_a_word() {
        let json = |watches| {
            let mut out = Vec::new();
            write_json(&state(watches), &mut out).expect("written");
            serde_json::from_slice::<serde_json::Value>(&out).expect("JSON")
        };
        let document = json(vec![watch(Level::Crit, true, "full"), watch(Level::Warn, false, "nearly")]);
        assert_eq!((&document["schema"], &document["status"]), (&1.into(), &"critical".into()));
        let alerts = document["alerts"].as_array().expect("a list");
        let said: Vec<_> = alerts.iter().map(|alert| (alert["message"].as_str(), alert["phase"].as_str())).collect();
        assert_eq!(said, [(Some("full"), Some("firing")), (Some("nearly"), Some("pending"))]);
        assert_eq!(json(vec![watch(Level::Warn, true, "a")])["status"], "warning");
        assert_eq!(json(vec![])["status"], "unknown");
        assert_eq!(Status::Ok.word(), "ok");
    }

    #[test]
    fn schema_file_is_what_the_types_say() {
        use crate::sink::schema;
        use serde_json::json;
        let about = "What is wrong with the machine. The exit status is 0 ok, 1 warning, 2 critical, 3 unknown.";
        let constraints = vec![
            ("schema", json!({"const": SCHEMA})),
            ("status", json!({"enum": ["ok", "warning", "critical", "unknown"]})),
            ("alerts/phase", json!({"enum": ["pending", "firing"]})),
        ];
        let schema = schema::derived::<Report<'static>>("benchtop check --json", about, constraints);
        schema::check("check.schema.json", &schema);
    }
}
