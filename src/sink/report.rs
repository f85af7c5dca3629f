//! What every sink says of a source and of a process, in one place, so that text, JSON and doctor agree.

use crate::{
    clock::TICKS_PER_SECOND,
    model::{
        container::Engine, facts::FactsSample, fault::Fault, health::Freshness, process::Process, source::SourceId,
    },
    state::State,
};

/// The state of a source, in the word that `once --json` and `doctor` use.
#[must_use]
pub fn status(state: &State, source: SourceId) -> &'static str {
    let host = &state.host;
    let fault = host.health.get(source).and_then(|h| h.fault.as_ref());
    if let Some(fault) = silent_engines(state, source).and_then(|engine| engine.fault.as_ref()) {
        return match fault {
            Fault::Denied { .. } => "denied",
            Fault::Timeout => "timeout",
            Fault::Absent(_) | Fault::Broken(_) => "broken",
        };
    }
    match (host.health.freshness(source, host.now), fault) {
        (Freshness::Waiting, _) => "waiting",
        (Freshness::Live, _) => "live",
        (Freshness::Absent, _) => "absent",
        (Freshness::Denied, _) => "denied",
        (Freshness::Stale(_), Some(Fault::Timeout)) => "timeout",
        (Freshness::Stale(_), Some(Fault::Broken(_))) => "broken",
        (Freshness::Stale(_), _) => "stale",
    }
}

/// False for a source that is read only while a view shows it, and none did.
#[must_use]
pub fn is_asked(state: &State, source: SourceId) -> bool {
    !source.is_on_demand() || state.host.health.get(source).is_some()
}

/// The first of the engines where none answers: then nothing is known of containers, though the source itself is well.
fn silent_engines(state: &State, source: SourceId) -> Option<&Engine> {
    let engines = &state.host.containers.engines;
    let live = state.host.health.freshness(source, state.host.now) == Freshness::Live;
    let silent = source == SourceId::Containers && live && engines.iter().all(|e| e.fault.is_some());
    engines.first().filter(|_| silent)
}

/// Why a source gives nothing, in words: what was looked for or refused; `None` when nothing is wrong.
#[must_use]
pub fn reason(state: &State, source: SourceId) -> Option<String> {
    if silent_engines(state, source).is_some() {
        let engines = state.host.containers.engines.iter().filter_map(Engine::complaint);
        return Some(engines.collect::<Vec<_>>().join(" · "));
    }
    let Some(fault) = &state.host.health.get(source)?.fault else {
        return hidden(state).filter(|_| source == SourceId::Processes);
    };
    Some(match fault {
        Fault::Absent(what) | Fault::Broken(what) => what.clone(),
        Fault::Denied { what, .. } => what.clone(),
        Fault::Timeout => "no answer within its deadline; the request is still pending".to_owned(),
    })
}

/// `3 containers`, those of this engine.
#[must_use]
pub fn container_count(state: &State, engine: &Engine) -> String {
    if !engine.listed {
        return "containers not listed yet".to_owned();
    }
    let all = &state.host.containers;
    let number = all.engines.iter().position(|e| e.address == engine.address);
    let count = all.rows.iter().filter(|row| Some(usize::from(row.meta.engine)) == number).count();
    format!("{count} container{}", if count == 1 { "" } else { "s" })
}

/// The fix, where known.
#[must_use]
pub fn hint(state: &State, source: SourceId) -> Option<&str> {
    if let Some(Fault::Denied { hint, .. }) = silent_engines(state, source).and_then(|engine| engine.fault.as_ref()) {
        return Some(hint);
    }
    match &state.host.health.get(source)?.fault {
        Some(Fault::Denied { hint, .. }) => Some(hint),
        None if source == SourceId::Processes && state.host.processes.hidden.is_some() => Some(UNHIDE),
        _ => None,
    }
}

/// What shows processes that are hidden.
const UNHIDE: &str = "run as root, or join the group that `gid=` of /proc's mount names, or mount /proc with hidepid=0";

/// What is to be said of processes that are hidden from us.
#[must_use]
pub fn hidden(state: &State) -> Option<String> {
    Some(match state.host.processes.hidden? {
        0 => "processes of other users are hidden (hidepid)".to_owned(),
        n => format!("{n} processes of other users are hidden (hidepid)"),
    })
}

/// The name of a user, or the id if the machine's files have none.
#[must_use]
pub fn user_name(facts: &FactsSample, uid: u32) -> String {
    facts.users.iter().find(|(id, _)| *id == uid).map_or_else(|| uid.to_string(), |(_, name)| name.clone())
}

/// When a process began, seconds since 1970; `None` while the boot time is unknown.
#[must_use]
pub fn start_unix_seconds(facts: &FactsSample, process: &Process) -> Option<i64> {
    let after_boot = process.key.start_ticks / u64::from(TICKS_PER_SECOND);
    Some(facts.ticks_from()? + i64::try_from(after_boot).ok()?)
}

/// Processes without threads' rows, most CPU first, then most memory, then by id.
#[must_use]
pub fn busiest(state: &State) -> Vec<&Process> {
    let mut rows: Vec<&Process> = state.host.processes.rows.iter().filter(|p| !p.is_thread()).collect();
    rows.sort_by(|a, b| {
        let cpu = |p: &Process| p.cpu.unwrap_or(0.0);
        cpu(b).total_cmp(&cpu(a)).then(b.memory_bytes.cmp(&a.memory_bytes)).then(a.key.pid.cmp(&b.key.pid))
    });
    rows
}
