//! What a pool says of itself: state and cause, room, ratios, errors, what it does now, its last scan.

use std::time::Duration;

use crate::{
    alert::Level,
    model::pool::{Pool, PoolRow, Scan, ScanKind, ScanState},
    state::{State, levels},
    ui::{
        figures::{latency, percent, role_of},
        theme::Role,
        widgets::sheet::{SheetLine, pair, wrap},
    },
    units::{ABSENT, bytes_long, count_short, span},
};

/// Columns of a name before its value.
const NAME: usize = 11;

/// The module's own word for its state, and whether the tools answer.
pub(super) fn standing(state: &State, row: &PoolRow) -> Vec<SheetLine> {
    let cause = row.cause().map_or_else(String::new, |cause| format!(": {cause}"));
    let words = format!("{}{cause}", row.state_words());
    let silent = levels::silent_tools(state).into_iter().take(1).map(|(level, words)| marked("tools", words, level));
    [marked("state", words, levels::pool(state, row))].into_iter().chain(silent).collect()
}

/// What the tools said.
pub(super) fn reported(state: &State, row: &PoolRow, room: usize) -> Vec<SheetLine> {
    let mut lines = Vec::new();
    let Some(reported) = &row.reported else {
        if !row.silent {
            lines.push(pair("zpool", NAME, "has not answered yet"));
        }
        return lines;
    };
    for (name, text) in [("status", &reported.status), ("action", &reported.action)] {
        if text.is_empty() {
            continue;
        }
        for (number, line) in wrap(text, room.saturating_sub(NAME + 1)).into_iter().enumerate() {
            lines.push(pair(if number == 0 { name } else { "" }, NAME, line));
        }
    }
    lines.push(space(state, row, reported));
    let ratio = |r: Option<f64>| r.map_or_else(|| ABSENT.to_owned(), |r| format!("{r:.2}x"));
    let fragmentation = percent(reported.fragmentation);
    lines.push(pair(
        "ratios",
        NAME,
        format!(
            "compression {} · deduplication {} · fragmentation {}",
            ratio(reported.compress),
            ratio(reported.dedup),
            fragmentation.trim_start()
        ),
    ));
    lines.push(work(row));
    if let Some((device, wait)) = row.worst_wait() {
        lines.push(pair("slowest", NAME, format!("{device} {}", latency(Some(wait)).trim_start())));
    }
    lines.push(pair("scan", NAME, scan(reported.scan.as_ref(), state)));
    lines.extend(errors(state, row, reported));
    let mut others = vec![match reported.checkpoint {
        Some(held) => format!("a checkpoint holds {}", bytes_long(held as f64)),
        None => "no checkpoint".to_owned(),
    }];
    others.extend(reported.autotrim.map(|on| format!("autotrim {}", if on { "on" } else { "off" })));
    if reported.readonly {
        others.push("read-only".to_owned());
    }
    lines.push(pair("more", NAME, others.join(" · ")));
    lines
}

/// A fact that a rule may colour.
fn marked(name: &str, words: String, level: Level) -> SheetLine {
    vec![(format!("{name:<NAME$} "), Role::Dim), (words, role_of(level, Role::Text))]
}

fn space(state: &State, row: &PoolRow, reported: &Pool) -> SheetLine {
    let Some(used) = row.used_ratio() else { return pair("space", NAME, ABSENT) };
    let size = |n: Option<u64>| n.map_or_else(|| ABSENT.to_owned(), |n| bytes_long(n as f64));
    let words = format!(
        "{} of {} ({}), {} free",
        size(reported.allocated),
        size(reported.size),
        percent(Some(used)).trim_start(),
        size(reported.free)
    );
    marked("space", words, levels::pool_used(state, row))
}

/// Operations and how long they took, queues included.
fn work(row: &PoolRow) -> SheetLine {
    let Some(io) = &row.io else { return pair("operations", NAME, ABSENT) };
    let wait = |wait: Option<f64>| wait.map_or_else(String::new, |w| format!(" {}", latency(Some(w)).trim_start()));
    let words = format!(
        "{} reads/s{} · {} writes/s{}",
        count_short(io.reads),
        wait(io.read_wait),
        count_short(io.writes),
        wait(io.write_wait)
    );
    pair("operations", NAME, words)
}

/// What its devices counted and what is lost.
fn errors(state: &State, row: &PoolRow, reported: &Pool) -> Vec<SheetLine> {
    let [read, write, checksum] = reported.leaves().fold([0u64; 3], |mut sum, vdev| {
        sum.iter_mut().zip(vdev.errors).for_each(|(sum, n)| *sum = sum.saturating_add(n));
        sum
    });
    let grown = match row.errors_grown {
        0 => String::new(),
        n => format!(", {n} more since benchtop started"),
    };
    let words = match read | write | checksum {
        0 => "none counted".to_owned(),
        _ => format!("{read} read · {write} write · {checksum} checksum{grown}"),
    };
    let worst = reported.leaves().map(|vdev| levels::vdev(state, &row.name, vdev)).max().unwrap_or(Level::Ok);
    let mut lines = vec![marked("errors", words, worst)];
    match reported.data_errors {
        Some(0) => {}
        Some(lost) => {
            let plural = if lost == 1 { "" } else { "s" };
            let words = format!("{lost} permanent data error{plural}: zpool status -v {} lists the files", row.name);
            lines.push(marked("lost", words, levels::pool_data_errors(state, row)));
        }
        None => lines.push(pair("lost", NAME, "unknown: zpool cannot list data errors now")),
    }
    lines
}

/// The last scan in full: `scrub 42% done, 3h 10m left, no errors`, `scrub ended 6d ago, took 2h, no errors`.
fn scan(scan: Option<&Scan>, state: &State) -> String {
    let Some(scan) = scan else { return "never scrubbed".to_owned() };
    let kind = match scan.kind {
        ScanKind::Scrub => "scrub",
        ScanKind::Resilver => "resilver",
    };
    let seconds = |from: i64, to: i64| span(Duration::from_secs(u64::try_from(to - from).unwrap_or(0)));
    let done = scan.done_ratio.map_or_else(String::new, |r| format!(" {:.0}% done", (r * 100.0).floor()));
    let now = state.host.now.unix_ms / 1000;
    let mut parts = Vec::new();
    match scan.state {
        ScanState::Running => {
            parts.push(format!("{kind}{done}"));
            parts.push(
                scan.remaining.map_or_else(|| "time left unknown".to_owned(), |left| format!("{} left", span(left))),
            );
            parts.extend(scan.started_unix.map(|from| format!("for {}", seconds(from, now))));
        }
        ScanState::Paused => parts.push(format!("{kind} paused{done}")),
        ScanState::Finished | ScanState::Canceled => {
            let word = if scan.state == ScanState::Finished { "ended" } else { "was stopped" };
            let ago = scan.ended_unix.map_or_else(String::new, |at| format!(" {} ago", seconds(at, now)));
            parts.push(format!("{kind} {word}{ago}"));
            parts
                .extend(scan.started_unix.zip(scan.ended_unix).map(|(from, to)| format!("took {}", seconds(from, to))));
        }
    }
    parts.push(match scan.errors {
        0 => "no errors".to_owned(),
        1 => "1 error".to_owned(),
        n => format!("{n} errors"),
    });
    let word = if scan.kind == ScanKind::Resilver { "rebuilt" } else { "repaired" };
    parts.extend(scan.repaired_bytes.filter(|b| *b > 0).map(|b| format!("{} {word}", bytes_long(b as f64))));
    parts.join(", ")
}
