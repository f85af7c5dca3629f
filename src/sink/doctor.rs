//! `benchtop doctor`: each source: found, absent, denied, and the cure.

use std::io;

use serde::Serialize;

use super::{escaping::Escaping, report};
use crate::{
    alert::Level,
    model::{
        container::Engine,
        fault::Fault,
        model_server::{Origin, ServerRow, ServerState},
        process::Process,
        service::{Standing, round::Cause},
        source::SourceId,
    },
    state::State,
    text::{clean, width, wrap},
};

/// A fact that the caller knows and the state does not: the terminal, the config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// `terminal`, `config` …
    pub id: String,
    /// `live`, `absent`, `denied`, `broken`, `unreachable`, `timeout`, `waiting`; `off` by the config.
    pub state: String,
    /// What was found, or what was looked for.
    pub message: String,
    /// The fix, where known.
    pub hint: Option<String>,
}

/// All checks: those of the caller, then each source with what it reads.
#[must_use]
pub fn checks(state: &State, reads: &dyn Fn(SourceId) -> Option<&'static str>, own: Vec<Check>) -> Vec<Check> {
    let mut all = own;
    for id in SourceId::ALL {
        let Some(reads) = reads(id) else { continue };
        let status = report::status(state, id);
        let mut check = Check {
            id: id.name().to_owned(),
            state: status.to_owned(),
            message: report::reason(state, id).filter(|_| status != "live").unwrap_or_else(|| reads.to_owned()),
            hint: report::hint(state, id).filter(|_| status != "live").map(str::to_owned),
        };
        if id == SourceId::Gpus && status == "live" {
            gpus(state, &mut check);
        }
        if id == SourceId::Containers && !state.host.containers.engines.is_empty() {
            let engines = &state.host.containers.engines;
            let well = engines.iter().filter(|e| e.fault.is_none()).count();
            check.message = format!("{well} of {} engines answer", engines.len());
            check.hint = None;
        }
        if id == SourceId::Services && status == "live" {
            services(state, &mut check);
        }
        all.push(check);
        if id == SourceId::Processes
            && let Some(message) = report::hidden(state)
        {
            let hint = report::hint(state, id).map(str::to_owned);
            all.push(Check { id: "hidepid".to_owned(), state: "denied".to_owned(), message, hint });
        }
        match id {
            SourceId::Containers => all.extend(state.host.containers.engines.iter().map(|e| engine(state, e))),
            SourceId::ModelServers => all.extend(state.host.model_servers.rows.iter().map(model_server)),
            SourceId::Processes => all.extend(process_io(state)),
            SourceId::Sockets => all.extend(socket_owners(state)),
            _ => {}
        }
    }
    all
}

/// The source answers though a driver or a card does not: that is what its user asks for.
fn gpus(state: &State, check: &mut Check) {
    let gpus = &state.host.gpus;
    check.message = gpus.summary();
    if let Some(cause) = gpus.cause() {
        (check.state, check.message) = ("broken".to_owned(), cause);
    } else if gpus.rows.iter().any(|row| row.raw.processes_hidden) {
        check.hint = Some("run as root to see which processes of other users are on a card".to_owned());
    }
}

/// What is probed: that it answers is no matter of this program, that it can be probed is.
fn services(state: &State, check: &mut Check) {
    let rows = &state.host.services.rows;
    if rows.is_empty() {
        (check.state, check.message) = ("absent".to_owned(), "no [[service]] in the config".to_owned());
        check.hint = Some("press v on the screen: it offers what it finds".to_owned());
        return;
    }
    let up = rows.iter().filter(|row| row.standing == Standing::Up).count();
    check.message = format!("{up} of {} services are up", rows.len());
    if let Some(row) = rows.iter().find(|row| row.cause() == Some(Cause::Setup)) {
        check.state = "broken".to_owned();
        check.message = format!("{} cannot be probed: {}", row.probe.name, row.why);
    }
}

/// One engine: where it is, and why it does not answer.
fn engine(state: &State, engine: &Engine) -> Check {
    let check = |state: &str, message: String, hint: Option<String>| Check {
        id: engine.kind.clone(),
        state: state.to_owned(),
        message,
        hint,
    };
    let at = engine.address.as_str();
    match &engine.fault {
        None if engine.twin => check("live", format!("{at}: the same engine as one above"), None),
        None if !engine.listed => check("waiting", format!("{at}: has not listed its containers yet"), None),
        None => {
            let version = engine.version.as_deref().unwrap_or_default();
            check("live", format!("{at} · {version} · {}", report::container_count(state, engine)), None)
        }
        Some(Fault::Denied { what, hint }) => check("denied", format!("{at}: {what}"), Some(hint.clone())),
        Some(Fault::Timeout) => check("timeout", format!("{at}: no answer"), None),
        Some(Fault::Absent(what) | Fault::Broken(what)) => {
            let hint = "start it, or fix its address: DOCKER_HOST, the Docker context, `engines` of the config";
            check("unreachable", format!("{at}: {what}"), Some(hint.to_owned()))
        }
    }
}

/// One model server: where it is, and why it does not answer as it should.
fn model_server(row: &ServerRow) -> Check {
    let raw = &row.raw;
    let state = match &raw.state {
        ServerState::Waiting => "waiting",
        ServerState::Up | ServerState::Loading | ServerState::Asleep => "live",
        ServerState::Unauthorised(_) => "denied",
        // What was found by its port alone may be anything.
        ServerState::NotAServer(_) if raw.origin == Origin::Port => "absent",
        ServerState::Unreachable(_) => "unreachable",
        ServerState::NotAServer(_) | ServerState::TooOld(_) | ServerState::Broken(_) => "broken",
    };
    let words = match raw.state.why() {
        Some(why) => why.to_owned(),
        None => {
            let version = raw.reading.version.as_ref().map_or_else(String::new, |version| format!(" {version}"));
            format!("{}{version}, {}", raw.kind.title(), raw.state.word())
        }
    };
    let hint = raw.reading.missing.clone().filter(|_| row.is_up());
    Check { id: raw.name.clone(), state: state.to_owned(), message: format!("{}: {words}", raw.url), hint }
}

/// What is read of processes and may not be read of all.
fn process_io(state: &State) -> Option<Check> {
    let facts = &state.host.facts;
    let now = state.host.now.unix_ms / 1000;
    // One that has just begun, or just ended, proves nothing.
    let old = |p: &&Process| report::start_unix_seconds(facts, p).is_some_and(|began| now - began > 30);
    let all: Vec<&Process> =
        state.host.processes.rows.iter().filter(|p| !p.is_thread() && !p.kernel && p.state != b'Z').collect();
    let denied = all.iter().copied().filter(old).filter(|p| p.moved.is_none()).count();
    // A process or two may protect themselves even from root.
    (denied * 10 >= all.len().max(1)).then(|| Check {
        id: "process_io".to_owned(),
        state: "denied".to_owned(),
        message: format!("disk I/O of {denied} of {} processes cannot be read: they belong to other users", all.len()),
        hint: Some("run as root".to_owned()),
    })
}

fn socket_owners(state: &State) -> Option<Check> {
    state.host.sockets.raw.holders_denied.then(|| Check {
        id: "socket_owners".to_owned(),
        state: "denied".to_owned(),
        message: "the processes behind other users' sockets cannot be read".to_owned(),
        hint: Some("run as root".to_owned()),
    })
}

/// 0: all is found or calmly absent; 1: something is denied, late or broken; 2: a source that every machine has is not
/// there.
#[must_use]
pub fn exit_code(checks: &[Check]) -> u8 {
    let essential = |c: &Check| SourceId::ALL.into_iter().any(|id| id.is_essential() && id.name() == c.id);
    if checks.iter().any(|c| essential(c) && !["live", "off"].contains(&c.state.as_str())) {
        2
    } else {
        u8::from(checks.iter().any(|c| !["live", "absent", "off"].contains(&c.state.as_str())))
    }
}

/// How the lines are laid out.
pub struct Style<'a> {
    /// Plain letters alone.
    pub ascii: bool,
    /// Columns of the terminal; long messages are wrapped at words. `usize::MAX` wraps nothing.
    pub columns: usize,
    /// Colours a sign and a state by what they mean; gives the text back where there is no colour.
    pub paint: &'a dyn Fn(Level, &str) -> String,
}

/// Columns before the message.
const BEFORE: usize = 29;

/// How bad a state is.
fn level(check: &Check) -> Level {
    match check.state.as_str() {
        "live" => Level::Ok,
        "absent" | "off" => Level::Unknown,
        _ if SourceId::ALL.into_iter().any(|id| id.is_essential() && id.name() == check.id) => Level::Crit,
        _ => Level::Warn,
    }
}

/// The checks as lines.
///
/// # Errors
/// Those of `out`.
pub fn write_text(checks: &[Check], style: &Style<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    for check in checks {
        let sign = match (check.state.as_str(), style.ascii) {
            ("live", false) => "●",
            ("live", true) => "o",
            ("absent" | "off", false) => "–",
            ("absent" | "off", true) => "-",
            (_, false) => "▲",
            (_, true) => "!",
        };
        let level = level(check);
        let state = format!(
            "{}{}",
            (style.paint)(level, &check.state),
            " ".repeat(11usize.saturating_sub(width(&check.state)))
        );
        let space = style.columns.saturating_sub(BEFORE).max(20);
        let mut lines = lines(&clean(&check.message), space).into_iter();
        let first = lines.next().unwrap_or_default();
        writeln!(
            out,
            "{}",
            format!("{} {:<14} {state} {first}", (style.paint)(level, sign), clean(&check.id)).trim_end()
        )?;
        let hint = check.hint.iter().flat_map(|hint| self::lines(&format!("hint: {}", clean(hint)), space));
        for line in lines.chain(hint) {
            writeln!(out, "{:BEFORE$}{line}", "")?;
        }
    }
    Ok(())
}

/// Wrapped where there is a width to wrap to.
fn lines(text: &str, space: usize) -> Vec<String> {
    if space >= usize::MAX - BEFORE { vec![text.to_owned()] } else { wrap(text, space) }
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    benchtop: &'static str,
    checks: &'a [Check],
}

/// The checks as one JSON document.
///
/// # Errors
/// Those of `out`.
pub fn write_json(checks: &[Check], out: &mut dyn io::Write) -> io::Result<()> {
    let document = Document { schema: 1, benchtop: env!("CARGO_PKG_VERSION"), checks };
    serde_json::to_writer_pretty(Escaping(&mut *out), &document)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        clock::Stamp,
        model::{
            container::ContainerSample,
            event::{Envelope, Event, Sample},
            process::ProcKey,
        },
    };

    fn check(id: &str, state: &str) -> Check {
        Check { id: id.into(), state: state.into(), message: String::new(), hint: None }
    }

    fn heard(engines: Vec<Engine>) -> State {
        let mut state = State::default();
        let (at, took, every) = (Stamp::at_seconds(1), Duration::ZERO, Duration::from_secs(1));
        let outcome = Ok(Sample::Containers(ContainerSample { engines, ..ContainerSample::default() }));
        state.apply(Event::Reading(Envelope { source: SourceId::Containers, at, took, every, outcome }));
        state
    }

    fn docker(fault: Option<Fault>) -> Engine {
        let (kind, address) = ("docker".to_owned(), "unix:///run/docker.sock".into());
        Engine { kind, address, fault, listed: true, version: Some("28.2".into()), ..Engine::default() }
    }

    fn rows(state: &State) -> (Vec<(String, String)>, u8) {
        let reads = |id| (id == SourceId::Containers).then_some("engines");
        let all = checks(state, &reads, Vec::new());
        let code = exit_code(&all);
        (all.into_iter().map(|c| (c.id, c.state)).collect(), code)
    }

    #[test]
    fn each_engine_has_a_check_with_its_hint() {
        let of = |pairs: &[(&str, &str)], code| {
            (pairs.iter().map(|(id, state)| ((*id).to_owned(), (*state).to_owned())).collect::<Vec<_>>(), code)
        };
        assert_eq!(rows(&heard(vec![docker(None)])), of(&[("containers", "live"), ("docker", "live")], 0));
        let denied = Fault::Denied { what: "permission denied".into(), hint: "run as root".into() };
        let state = heard(vec![docker(Some(denied))]);
        assert_eq!(rows(&state), of(&[("containers", "denied"), ("docker", "denied")], 1));
        let hints = checks(&state, &|id| (id == SourceId::Containers).then_some(""), Vec::new());
        assert_eq!(hints[1].hint.as_deref(), Some("run as root"));
        let gone = docker(Some(Fault::Broken("no such socket".into())));
        let both = heard(vec![docker(None), gone]);
        assert_eq!(rows(&both), of(&[("containers", "live"), ("docker", "live"), ("docker", "unreachable")], 1));
    }

    #[test]
    fn each_model_server_says_why_it_does_not_serve() {
        let state = crate::sink::testing::served();
        let mut row = state.host.model_servers.rows[0].clone();
        let said = |row: &ServerRow| {
            let check = model_server(row);
            (check.state, check.message, check.hint)
        };
        let up = "http://127.0.0.1:8080: llama.cpp b6000, up";
        assert_eq!(said(&row), ("live".into(), up.into(), Some("start it with --metrics".into())));
        let why = || "so".to_owned();
        for (of, origin, expected) in [
            (ServerState::Waiting, Origin::Port, "waiting"),
            (ServerState::Loading, Origin::Port, "live"),
            (ServerState::Asleep, Origin::Port, "live"),
            (ServerState::Unauthorised(why()), Origin::Port, "denied"),
            (ServerState::NotAServer(why()), Origin::Port, "absent"),
            (ServerState::NotAServer(why()), Origin::Process, "broken"),
            (ServerState::Unreachable(why()), Origin::Port, "unreachable"),
            (ServerState::TooOld(why()), Origin::Port, "broken"),
            (ServerState::Broken(why()), Origin::Port, "broken"),
        ] {
            (row.raw.state, row.raw.origin) = (of, origin);
            let (state, message, hint) = said(&row);
            assert_eq!((state.as_str(), hint), (expected, None), "{:?}", row.raw.state);
            assert_eq!(message.ends_with(": so"), row.raw.state.why().is_some(), "{message}");
        }
    }

    #[test]
    fn services_count_those_that_are_up() {
        use crate::sink::testing::{NOW, read, served, services as targets};
        let of = |state: &State| {
            let mut found = check("services", "live");
            services(state, &mut found);
            (found.state, found.message, found.hint.is_some())
        };
        assert_eq!(of(&State::default()), ("absent".into(), "no [[service]] in the config".into(), true));
        let broken = "mail cannot be probed: no file of headers".to_owned();
        assert_eq!(of(&served()), ("broken".into(), broken, false));
        let mut state = State::default();
        let services = targets().into_iter().take(3).collect();
        let sample = Sample::Services(crate::model::service::ServiceSample { services });
        read(&mut state, NOW, SourceId::Services, sample);
        assert_eq!(of(&state), ("live".into(), "2 of 3 services are up".into(), false));
    }

    #[test]
    fn holders_of_sockets_are_said_to_be_hidden() {
        let mut state = State::default();
        assert_eq!(socket_owners(&state), None);
        state.host.sockets.raw.holders_denied = true;
        assert_eq!(socket_owners(&state).map(|check| check.state).as_deref(), Some("denied"));
    }

    #[test]
    fn checks_are_written_as_json() {
        let (mut denied, mut out) = (check("power", "denied"), Vec::new());
        denied.hint = Some("run as root".into());
        write_json(&[check("cpu", "live"), denied], &mut out).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let checks = serde_json::json!([
            {"id": "cpu", "state": "live", "message": "", "hint": null},
            {"id": "power", "state": "denied", "message": "", "hint": "run as root"},
        ]);
        assert_eq!((&document["schema"], &document["checks"]), (&1.into(), &checks));
        assert_eq!(out.last(), Some(&b'\n'));
    }

    #[test]
    fn the_cure_of_a_source_is_said_while_it_does_not_answer() {
        let mut state = State::default();
        let mut read = |outcome: Result<Sample, Fault>| {
            let (at, took, every) = (Stamp::at_seconds(1), Duration::ZERO, Duration::from_secs(1));
            state.apply(Event::Reading(Envelope { source: SourceId::Power, at, took, every, outcome }));
            let mut all = checks(&state, &|id| (id == SourceId::Power).then_some("energy_uj"), Vec::new());
            let Check { state, message, hint, .. } = all.remove(0);
            (state, message, hint)
        };
        let denied = Fault::Denied { what: "energy_uj may not be read".into(), hint: "run as root".into() };
        let (status, message, hint) = read(Err(denied));
        assert_eq!((status.as_str(), hint.as_deref()), ("denied", Some("run as root")));
        assert!(message.contains("energy_uj may not be read"), "{message}");
        assert_eq!(read(Ok(Sample::Power(Default::default()))), ("live".into(), "energy_uj".into(), None));
    }

    #[test]
    fn what_others_keep_from_us_is_denied() {
        let mut state = State::default();
        state.host.now = Stamp::at_seconds(1000);
        state.host.facts.boot_unix_seconds = Some(state.host.now.unix_ms / 1000 - 900);
        let process = |seconds: u64| Process {
            key: ProcKey { pid: 7, start_ticks: seconds * 100 },
            tgid: 7,
            ..Process::default()
        };
        state.host.processes.rows = vec![process(899)];
        assert_eq!(process_io(&state), None, "it has only just begun");
        state.host.processes.rows = vec![process(0)];
        let check = process_io(&state).expect("its figures are kept from us");
        assert_eq!((check.state.as_str(), exit_code(std::slice::from_ref(&check))), ("denied", 1));
        state.host.processes.rows[0].moved = Some(Box::default());
        assert_eq!(process_io(&state), None);
    }

    #[test]
    fn long_lines_wrap_at_words() {
        let mut denied = check("containers", "denied");
        denied.message = "may not be read by this user".into();
        denied.hint = Some("add the user to a group".into());
        let text = |columns: usize| {
            let paint = |level: Level, text: &str| format!("<{level:?} {text}>");
            let mut out = Vec::new();
            write_text(&[denied.clone()], &Style { ascii: false, columns, paint: &paint }, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let gap = " ".repeat(BEFORE);
        assert_eq!(
            text(51),
            format!(
                "<Warn ▲> containers     <Warn denied>      may not be read by\n{gap}this user\n{gap}hint: add the user to\n{gap}a group\n"
            )
        );
        assert_eq!(text(usize::MAX).lines().count(), 2);
    }

    #[test]
    fn absent_is_calm_denied_is_not_and_missing_essential_is_worst() {
        assert_eq!(exit_code(&[check("cpu", "live"), check("sensors", "absent")]), 0);
        assert_eq!(exit_code(&[check("cpu", "live"), check("power", "denied")]), 1);
        assert_eq!(exit_code(&[check("cpu", "broken"), check("power", "live")]), 2);
    }

    #[test]
    fn hidden_processes_are_reported_without_a_total() {
        use crate::{
            clock::Stamp,
            model::{
                event::{Envelope, Event, Sample},
                metrics::METRICS,
                process::{ProcRow, ProcessSample},
            },
        };
        let read = |hidden: Option<u32>| {
            let mut state = State::default();
            let rows = vec![ProcRow { state: b'Z', ..ProcRow::default() }];
            let outcome =
                Ok(Sample::Processes(ProcessSample { fresh: true, rows, hidden, ..ProcessSample::default() }));
            let (source, at, took, every) = (
                SourceId::Processes,
                Stamp::at_seconds(1),
                std::time::Duration::ZERO,
                std::time::Duration::from_secs(1),
            );
            state.apply(Event::Reading(Envelope { source, at, took, every, outcome }));
            let checked = checks(&state, &|id| (id == SourceId::Processes).then_some("/proc/PID"), Vec::new());
            let mut totals = 0;
            for metric in METRICS.iter().filter(|metric| metric.id.starts_with("processes_")) {
                (metric.read)(&state.host, &mut |_, _| totals += 1);
            }
            let mut text = Vec::new();
            crate::sink::text::write(&state, false, 200, &mut text).expect("written");
            (checked, totals, String::from_utf8(text).expect("text"))
        };
        let (checked, totals, text) = read(None);
        assert_eq!((checked.len(), totals > 0, text.contains("hidepid")), (1, true, false));
        let (checked, totals, text) = read(Some(0));
        assert_eq!((checked[1].id.as_str(), checked[1].state.as_str(), exit_code(&checked)), ("hidepid", "denied", 1));
        assert!(checked[1].hint.as_ref().is_some_and(|hint| hint.contains("run as root")));
        assert_eq!(totals, 0);
        assert!(text.contains("1 seen · processes of other users are hidden"), "{text}");
        assert!(read(Some(7)).2.contains("7 processes of other users are hidden"));
    }
}
