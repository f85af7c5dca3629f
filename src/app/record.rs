//! `benchtop record`: the program without a screen: it reads, judges, keeps the book of alerts and says what changed, until
//! a signal ends it. A live screen beside it follows its book.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, mpsc::Receiver},
    time::{Duration, Instant},
};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::Notify as Wake,
};

use super::{
    history::Keeps,
    output::{fail, say},
    session::{Session, Start},
};
use crate::{
    alert::{
        Level,
        transition::{Transition, Turn},
    },
    config::Settings,
    interest::Interest,
    sink::{Sink, recording::Recording},
    state::State,
    sys::systemd::{Notify, watchdog},
    text::clean_lines,
};

/// How often is judged.
const TICK: Duration = Duration::from_secs(1);
/// The history is waited for so long before the first judgement: what fired before goes on.
const HISTORY: Duration = Duration::from_secs(5);
/// A loop that comes so much too late was stopped, with the whole program.
const STOPPED: Duration = Duration::from_secs(2);

/// Where every event goes.
#[derive(Debug)]
pub struct Events {
    pub file: PathBuf,
    /// Bytes of it and of the one before it.
    pub most: u64,
}

/// `benchtop record`; `events`: all that is read is written down too.
#[must_use]
pub fn record(settings: &Settings, events: Option<&Events>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("could not start the event loop: {error}")),
    };
    let outcome = runtime.block_on(recording(settings, events));
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => fail(&why),
    }
}

async fn recording(settings: &Settings, events: Option<&Events>) -> Result<(), String> {
    let no_signals = |error: std::io::Error| format!("could not receive signals: {error}");
    let [mut term, mut int, mut quit, mut hup] =
        [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::quit(), SignalKind::hangup()].map(signal);
    let (term, int) = (term.as_mut().map_err(|e| no_signals(copy(e)))?, int.as_mut().map_err(|e| no_signals(copy(e)))?);
    let (quit, hup) = (quit.as_mut().map_err(|e| no_signals(copy(e)))?, hup.as_mut().map_err(|e| no_signals(copy(e)))?);
    let (systemd, journal) = (Notify::from_env(), std::env::var_os("JOURNAL_STREAM").is_some());
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    let mut said_of_events = None;
    if let Some(Events { file, most }) = events {
        let (recording, said) = Recording::start(file, *most).map_err(|why| why.to_string())?;
        sinks.push(Box::new(recording));
        said_of_events = Some(said);
    }
    let say_events = |said: &Option<Receiver<String>>| {
        said.iter().flat_map(Receiver::try_iter).for_each(|words| say(&words));
    };
    let mut session = Session::on(settings, sinks);
    let wake = Arc::new(Wake::new());
    let bell = wake.clone();
    session.remember(settings, Keeps::Alerts, move || bell.notify_one());
    session.await_history(Instant::now() + HISTORY, |words| say(&words));
    let bell = wake.clone();
    let want = Interest { recording: events.is_some(), ..Interest::default() };
    session
        .start(settings, Start { want: want.clone(), every: settings.refresh, once: false }, move || bell.notify_one());
    session.start_rest();
    let bell = wake.clone();
    session.notify(settings, move || bell.notify_one());
    systemd.ready();
    let mut said = String::new();
    let mut next = Instant::now() + TICK;
    let alive = watchdog();
    let mut alive_at = Instant::now();
    loop {
        tokio::select! {
            biased;
            _ = term.recv() => break,
            _ = int.recv() => break,
            _ = quit.recv() => break,
            _ = hup.recv() => break,
            () = wake.notified() => {}
            () = tokio::time::sleep_until(next.into()) => {}
        }
        if next.elapsed() > STOPPED {
            session.resumed();
            next = Instant::now();
        }
        let mut changes = Vec::new();
        session.take_and(|state| changes.extend(state.transitions.iter().cloned()));
        session.recall(|words| say(&words));
        session.take_reports(|words| say(&words));
        say_events(&said_of_events);
        if next.elapsed() > Duration::ZERO || Instant::now() >= next {
            session.tick();
            changes.extend(session.state().transitions.iter().cloned());
            session.want(want.clone());
            next += TICK;
            let words = standing(session.state());
            if words != said {
                systemd.status(&words);
                said = words;
            }
        }
        if session.state().alarms.owned {
            let mut out = io::stdout().lock();
            // A full disk behind it ends no alert.
            changes.iter().filter_map(|change| line(change, journal)).for_each(|line| {
                let _ = writeln!(out, "{line}").and_then(|()| out.flush());
            });
        }
        if alive.is_some_and(|every| alive_at.elapsed() >= every) {
            systemd.alive();
            alive_at = Instant::now();
        }
    }
    systemd.stopping();
    let finished = session.finish().map(drop).map_err(|error| error.to_string());
    say_events(&said_of_events);
    finished
}

/// An error of the system can be shown, not copied.
fn copy(error: &std::io::Error) -> std::io::Error {
    std::io::Error::other(error.to_string())
}

/// How the machine is, in a line.
fn standing(state: &State) -> String {
    let verdict = state.verdict();
    match verdict.worst {
        Some(worst) => format!("{} critical, {} warnings: {}", verdict.crit, verdict.warn, worst.say),
        None => state.calm().0,
    }
}

/// A change for the journal, with its priority where that is read: `<3>firing: media is DEGRADED (pool_healthy)`.
fn line(change: &Transition, journal: bool) -> Option<String> {
    let (word, priority) = match change.turn {
        Turn::Fired if change.level == Level::Crit => ("critical", 3),
        Turn::Fired if change.level == Level::Warn => ("warning", 4),
        Turn::Fired => ("advice", 5),
        Turn::Escalated => ("worse", 3),
        Turn::Resolved => ("resolved", 6),
        Turn::Gone => ("gone", 5),
        Turn::Returned => ("returned", 5),
        Turn::Removed => ("removed", 6),
        Turn::Flapping => ("flapping", 5),
        Turn::Settled => ("settled", 6),
        Turn::Pending | Turn::Cancelled => return None,
    };
    let priority = if journal { format!("<{priority}>") } else { String::new() };
    let muted = if change.muted.is_some() { ", not sent" } else { "" };
    Some(format!("{priority}{word}: {} ({}{muted})", clean_lines(&change.say).replace('\n', " "), change.key.rule))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{alert::phase::Phase, clock::Stamp, model::alert::AlertKey};

    #[test]
    fn a_change_is_one_clean_line() {
        let change = Transition {
            at: Stamp::at_seconds(1),
            key: AlertKey { rule: "pool_healthy".into(), ..AlertKey::default() },
            labels: Vec::new(),
            turn: Turn::Fired,
            from: Phase::Ok,
            to: Phase::Firing,
            level: Level::Crit,
            value: 0.0,
            since: Stamp::at_seconds(1),
            fired: Some(Stamp::at_seconds(1)),
            say: "media\x1b[31m\nis \u{202e}bad".into(),
            muted: None,
        };
        let text = line(&change, true).expect("a line");
        assert!(text.starts_with("<3>critical: media") && text.ends_with("(pool_healthy)"), "{text:?}");
        assert!(!text.contains(['\n', '\x1b', '\u{202e}']), "{text:?}");
        assert_eq!(line(&Transition { turn: Turn::Pending, ..change }, true), None);
    }
}
