//! `benchtop once`: the machine on one page of plain text, for a pipe, a mail or a chat.

mod containers;
mod devices;
mod figures;
mod line;
mod models;
mod services;

use std::{io, time::Duration};

use line::{live, or_absent, row};

pub(super) use line::plain;

use super::{Sink, report};
use crate::{
    alert::Level,
    model::source::SourceId,
    state::State,
    text::{clean, elide},
    units::{self, ABSENT},
};

/// Processes listed.
const TOP: usize = 15;
/// Columns of a command's line where nothing says how wide the reader is: some commands have thousands of letters.
const COMMAND_LINE: usize = 160;

/// One page at the end of the run.
pub struct Text<W> {
    /// Where to.
    pub out: W,
    /// In plain letters.
    pub ascii: bool,
    /// Longer lines are cut.
    pub columns: usize,
}

impl<W: io::Write> Sink for Text<W> {
    fn finish(&mut self, state: &State) -> io::Result<()> {
        write(state, self.ascii, self.columns, &mut self.out)?;
        self.out.flush()
    }
}

/// Writes the page; `ascii` keeps to plain letters, `columns` cuts long lines.
///
/// # Errors
/// Those of `out`.
pub fn write(state: &State, ascii: bool, columns: usize, out: &mut dyn io::Write) -> io::Result<()> {
    let mut page = String::new();
    host(state, &mut page);
    alerts(state, ascii, &mut page);
    figures::figures(state, &mut page);
    devices::devices(state, &mut page);
    devices::gpus(state, &mut page);
    devices::pools(state, &mut page);
    engines(state, &mut page);
    containers::write(state, &mut page);
    services::lines(state).iter().for_each(|words| row(&mut page, "service", words));
    models::lines(state).into_iter().for_each(|(name, text)| row(&mut page, name, text));
    processes(state, columns, &mut page);
    for line in page.lines() {
        let line = clean(line.trim_end());
        let line = elide(&line, columns);
        if ascii { writeln!(out, "{}", plain(&line)) } else { writeln!(out, "{line}") }?;
    }
    Ok(())
}

/// What the machine is and how it is, in rows of a name and its figures: without commands and addresses.
#[must_use]
pub fn summary(state: &State) -> Vec<(String, String)> {
    let mut page = String::new();
    host(state, &mut page);
    figures::figures(state, &mut page);
    devices::gpus(state, &mut page);
    devices::pools(state, &mut page);
    let split = |line: &str| {
        let (name, text) = line.split_once(' ').unwrap_or((line, ""));
        (name.to_owned(), text.trim().to_owned())
    };
    let mut rows: Vec<(String, String)> = page.lines().filter(|line| !line.trim().is_empty()).map(split).collect();
    let containers = &state.host.containers;
    if live(state, SourceId::Containers) && !containers.rows.is_empty() {
        rows.push(("containers".to_owned(), format!("{} of {} run", containers.running(), containers.rows.len())));
    }
    rows
}

fn host(state: &State, page: &mut String) {
    let facts = &state.host.facts;
    let mut words = vec![facts.hostname.clone().unwrap_or_else(|| ABSENT.into())];
    words.extend(facts.os.clone());
    words.extend(facts.kernel.as_ref().map(|k| format!("Linux {k}")));
    words.extend(facts.virtualization.as_deref().map(|kind| match kind {
        "vm" => "virtual machine".to_owned(),
        kind => format!("virtual ({kind})"),
    }));
    if state.host.load.raw.uptime_seconds > 0.0 {
        words.push(format!("up {}", units::span(Duration::from_secs_f64(state.host.load.raw.uptime_seconds))));
    }
    row(page, "host", words.join(" · "));
    if let Some(model) = &facts.cpu_model {
        let cores = facts.cores.map_or_else(String::new, |c| format!(" · {c} cores"));
        let threads = facts.threads.map_or_else(String::new, |t| format!(" · {t} threads"));
        row(page, "processor", format!("{model}{cores}{threads}"));
    }
}

fn alerts(state: &State, ascii: bool, page: &mut String) {
    let pending = state.verdict().pending;
    if state.watches.iter().all(|w| !w.held) {
        let (calm, level) = state.calm();
        let unread = level == Level::Unknown && state.host.health.any_figures();
        let calm = if unread { "waiting for some sources".to_owned() } else { calm };
        row(page, "verdict", if pending > 0 { format!("no alert is firing, {pending} pending") } else { calm });
    }
    let sign = |level| match (level, ascii) {
        (Level::Crit, false) => "✖",
        (Level::Crit, true) => "X",
        (Level::Warn, false) => "▲",
        (Level::Warn, true) => "!",
        _ => "·",
    };
    for watch in state.watches.iter().filter(|w| w.held) {
        row(page, "verdict", format!("{} {}", sign(watch.level), watch.say));
    }
    for watch in state.watches.iter().filter(|w| !w.held && w.level >= Level::Warn) {
        let left = units::countdown(watch.left);
        row(page, "pending", format!("{} {}, alert in {left}", sign(watch.level), watch.say));
    }
}

/// Each engine with its state: where one does not answer, its containers are not listed, and why is.
fn engines(state: &State, page: &mut String) {
    for engine in state.host.containers.engines.iter().filter(|e| !e.twin) {
        let words = engine.complaint().unwrap_or_else(|| {
            let version = engine.version.as_ref().map_or_else(String::new, |version| format!(" {version}"));
            format!("{}{version} · {} · {}", engine.title(), engine.address, report::container_count(state, engine))
        });
        row(page, "engine", words);
    }
}

fn processes(state: &State, columns: usize, page: &mut String) {
    use std::fmt::Write;
    if !live(state, SourceId::Processes) {
        return;
    }
    let _ = writeln!(page, "\n{:>8} {:<10} S {:>6} {:>7} COMMAND", "PID", "USER", "CPU%", "MEM");
    for p in report::busiest(state).into_iter().take(TOP) {
        let user = report::user_name(&state.host.facts, p.uid);
        let line = format!(
            "{:>8} {:<10} {} {:>6} {:>7} {}",
            p.key.pid,
            elide(&user, 10),
            char::from(p.state),
            or_absent(p.cpu, |c| format!("{:.1}", c * 100.0)),
            units::bytes_short(p.memory_bytes as f64),
            p.command()
        );
        let _ = writeln!(page, "{}", elide(&line, if columns == usize::MAX { COMMAND_LINE } else { columns }));
    }
}

#[cfg(test)]
mod tests;
