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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alert::shipped,
        clock::Stamp,
        model::{
            answer::Answer,
            fault::Fault,
            pool::{PoolIo, PoolSample, Vdev},
        },
    };

    fn machine() -> State {
        let mut state = State::new(shipped().into());
        state.host.now = Stamp::at_seconds(0);
        state
    }

    /// Seconds since 1970 of the machine's time.
    fn now() -> i64 {
        machine().host.now.unix_ms / 1000
    }

    fn tank() -> PoolRow {
        let reported = Pool {
            name: "tank".into(),
            state: "ONLINE".into(),
            size: Some(100 << 30),
            allocated: Some(50 << 30),
            free: Some(49 << 30),
            fragmentation: Some(0.07),
            dedup: Some(1.0),
            compress: Some(1.916),
            data_errors: Some(0),
            ..Pool::default()
        };
        let mut row = PoolRow::default();
        (row.name, row.state, row.reported) = ("tank".into(), "ONLINE".into(), Some(reported));
        row
    }

    fn change(row: &mut PoolRow) -> &mut Pool {
        row.reported.as_mut().expect("it is described")
    }

    fn text(line: &SheetLine) -> String {
        line.iter().map(|(words, _)| words.as_str()).collect::<String>().trim_end().to_owned()
    }

    fn said(row: &PoolRow) -> Vec<String> {
        reported(&machine(), row, 60).iter().map(text).collect()
    }

    /// The words after a name, and their role.
    fn fact(row: &PoolRow, name: &str) -> Option<(String, Role)> {
        let lines = reported(&machine(), row, 60);
        let line = lines.into_iter().find(|line| line[0].0.trim_end() == name)?;
        Some(line[1].clone())
    }

    #[test]
    fn a_quiet_pool_says_what_it_is() {
        let mut row = tank();
        assert_eq!(
            said(&row),
            [
                "space       50.0 GiB of 100.0 GiB (50%), 49.0 GiB free",
                "ratios      compression 1.92x · deduplication 1.00x · fragmentation 7%",
                "operations  –",
                "scan        never scrubbed",
                "errors      none counted",
                "more        no checkpoint",
            ]
        );
        change(&mut row).status = "One or more devices has experienced an unrecoverable error.".into();
        change(&mut row).action = "Replace it.".into();
        assert_eq!(
            said(&row)[..3],
            [
                "status      One or more devices has experienced an",
                "            unrecoverable error.",
                "action      Replace it.",
            ]
        );
        // 48 columns are the words'.
        change(&mut row).status = format!("{} {}", "a".repeat(24), "b".repeat(24));
        assert_eq!(said(&row)[1], format!("            {}", "b".repeat(24)));
        change(&mut row).status = format!("{} {}", "a".repeat(24), "b".repeat(23));
        assert_eq!(said(&row)[1], "action      Replace it.");
        let pool = change(&mut row);
        (pool.checkpoint, pool.autotrim, pool.readonly) = (Some(3 << 30), Some(false), true);
        let words = fact(&row, "more").map(|(words, _)| words);
        assert_eq!(words.as_deref(), Some("a checkpoint holds 3.0 GiB · autotrim off · read-only"));
        change(&mut row).autotrim = Some(true);
        assert!(fact(&row, "more").is_some_and(|(words, _)| words.contains("autotrim on")));
        let pool = change(&mut row);
        (pool.free, pool.compress, pool.fragmentation) = (None, None, None);
        assert!(fact(&row, "space").is_some_and(|(words, _)| words.ends_with("(50%), – free")));
        let words = fact(&row, "ratios").map(|(words, _)| words);
        assert_eq!(words.as_deref(), Some("compression – · deduplication 1.00x · fragmentation –"));
        change(&mut row).size = None;
        assert_eq!(fact(&row, "space"), Some(("–".to_owned(), Role::Text)));
    }

    #[test]
    fn a_pool_that_no_tool_described_says_so_once() {
        let mut row = tank();
        row.reported = None;
        assert_eq!(said(&row), ["zpool       has not answered yet"]);
        row.silent = true;
        assert_eq!(said(&row), [""; 0], "the line of the tools says it");
    }

    #[test]
    fn standing_has_the_level_of_the_pool() {
        let mut state = machine();
        let mut row = tank();
        let first = |state: &State, row: &PoolRow| {
            let lines = standing(state, row);
            (lines.iter().map(text).collect::<Vec<_>>(), lines[0][1].1)
        };
        assert_eq!(first(&state, &row), (vec!["state       online".to_owned()], Role::Text));
        row.state = "DEGRADED".into();
        let (lines, role) = first(&state, &row);
        assert!(lines[0].starts_with("state       degraded"), "{lines:?}");
        assert_eq!(role, Role::Crit);
        let fault = Some(Fault::Timeout);
        state.host.pools.raw = PoolSample { pools: Answer { fault, ..Answer::default() }, ..PoolSample::default() };
        let (lines, _) = first(&state, &row);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[1].starts_with("tools       zpool"), "{lines:?}");
        assert_eq!(standing(&state, &row)[1][1].1, Role::Warn);
    }

    #[test]
    fn work_is_operations_with_their_waits() {
        let mut row = tank();
        let io = PoolIo { reads: 12.0, writes: 3.0, read_wait: Some(0.004), write_wait: None, ..PoolIo::default() };
        row.io = Some(io);
        row.vdev_io = vec![("/dev/sda1".into(), io)];
        assert_eq!(fact(&row, "operations"), Some(("12 reads/s 4.0 ms · 3 writes/s".to_owned(), Role::Text)));
        assert_eq!(fact(&row, "slowest"), Some(("/dev/sda1 4.0 ms".to_owned(), Role::Text)));
    }

    #[test]
    fn room_has_the_level_of_its_rule() {
        let filled = |gigabytes: u64| {
            let mut row = tank();
            change(&mut row).allocated = Some(gigabytes << 30);
            fact(&row, "space").map(|(_, role)| role)
        };
        assert_eq!([50, 71, 86, 96].map(filled), [Role::Text, Role::Advice, Role::Warn, Role::Crit].map(Some));
    }

    #[test]
    fn errors_of_its_leaves_are_summed_and_what_is_lost_is_named() {
        let mut row = tank();
        let vdev = |leaf, errors| Vdev { name: "/dev/sda1".into(), leaf, errors, ..Vdev::default() };
        change(&mut row).vdevs = vec![vdev(false, [9, 9, 9]), vdev(true, [1, 0, 2]), vdev(true, [0, 3, 0])];
        let (words, role) = fact(&row, "errors").expect("it has a line");
        assert_eq!((words.as_str(), role), ("1 read · 3 write · 2 checksum", Role::Warn));
        row.errors_grown = 4;
        let words = fact(&row, "errors").map(|(words, _)| words);
        assert_eq!(words.as_deref(), Some("1 read · 3 write · 2 checksum, 4 more since benchtop started"));
        for errors in [[1, 0, 0], [0, 1, 0], [0, 0, 1]] {
            change(&mut row).vdevs = vec![vdev(true, errors)];
            assert!(fact(&row, "errors").is_some_and(|(words, _)| words.contains("checksum")), "{errors:?}");
        }
        assert_eq!(fact(&row, "lost"), None);
        change(&mut row).data_errors = Some(2);
        let lost = "2 permanent data errors: zpool status -v tank lists the files";
        assert_eq!(fact(&row, "lost"), Some((lost.to_owned(), Role::Crit)));
        change(&mut row).data_errors = Some(1);
        assert!(fact(&row, "lost").is_some_and(|(words, _)| words.starts_with("1 permanent data error:")));
        change(&mut row).data_errors = None;
        let unknown = "unknown: zpool cannot list data errors now";
        assert_eq!(fact(&row, "lost"), Some((unknown.to_owned(), Role::Text)));
    }

    #[test]
    fn a_scan_says_how_far_it_is_and_what_it_found() {
        use ScanKind::{Resilver, Scrub};
        use ScanState::{Canceled, Finished, Paused, Running};
        const HOUR: i64 = 3600;
        let of = |kind, state, remaining: Option<u64>, times: [Option<i64>; 2], errors, repaired| {
            let [started_unix, ended_unix] = times.map(|ago| ago.map(|ago| now() - ago * HOUR));
            let known = Scan {
                kind,
                state,
                started_unix,
                ended_unix,
                done_ratio: Some(0.429),
                remaining: remaining.map(Duration::from_secs),
                errors,
                repaired_bytes: repaired,
            };
            scan(Some(&known), &machine())
        };
        assert_eq!(
            of(Scrub, Running, Some(11_400), [Some(2), None], 0, Some(0)),
            "scrub 42% done, 3h 10m left, for 2h 0m, no errors"
        );
        assert_eq!(
            of(Resilver, Running, None, [None, None], 3, Some(2 << 20)),
            "resilver 42% done, time left unknown, 3 errors, 2.0 MiB rebuilt"
        );
        assert_eq!(of(Scrub, Paused, None, [Some(2), None], 0, None), "scrub paused 42% done, no errors");
        assert_eq!(
            of(Scrub, Finished, None, [Some(30), Some(26)], 1, Some(4096)),
            "scrub ended 1d 2h ago, took 4h 0m, 1 error, 4.0 KiB repaired"
        );
        assert_eq!(of(Resilver, Canceled, None, [None, Some(1)], 0, None), "resilver was stopped 1h 0m ago, no errors");
        assert_eq!(of(Scrub, Canceled, None, [None, None], 0, None), "scrub was stopped, no errors");
    }
}
