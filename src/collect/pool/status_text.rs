//! `zpool status -P -p` of OpenZFS before 2.3: text for people, stable enough to be read.

use std::time::Duration;

use crate::{
    model::pool::{Class, Pool, Scan, ScanKind, ScanState, Vdev, name_groups},
    text::clean,
};

/// The pools, in the order of the text.
pub(super) fn parse(text: &str) -> Vec<Pool> {
    let mut pools: Vec<Pool> = Vec::new();
    let mut key = "";
    let mut scan: Vec<String> = Vec::new();
    let mut tree = Tree::default();
    for line in text.lines() {
        if let Some((name, rest)) = heading(line) {
            key = name;
            if key == "pool" {
                pools.push(Pool { name: clean(rest).into_owned(), ..Pool::default() });
                tree = Tree::default();
            }
            let Some(pool) = pools.last_mut() else { continue };
            match key {
                "state" => rest.clone_into(&mut pool.state),
                "status" => rest.clone_into(&mut pool.status),
                "action" => rest.clone_into(&mut pool.action),
                "scan" => scan = vec![rest.to_owned()],
                "errors" => pool.data_errors = errors(rest),
                _ => {}
            }
        } else if let Some(pool) = pools.last_mut() {
            let rest = line.trim();
            match key {
                "status" if !rest.is_empty() => pool.status = format!("{} {rest}", pool.status),
                "action" if !rest.is_empty() => pool.action = format!("{} {rest}", pool.action),
                "scan" => scan.push(rest.to_owned()),
                "config" => tree.line(line, pool),
                // Under "Permanent errors …" each line is a file.
                "errors" if !rest.is_empty() => pool.data_errors = Some(pool.data_errors.unwrap_or(0) + 1),
                _ => {}
            }
        }
        if !scan.is_empty() && key != "scan" {
            if let Some(pool) = pools.last_mut() {
                pool.scan = self::scan(&scan);
            }
            scan.clear();
        }
    }
    for pool in &mut pools {
        for text in [&mut pool.status, &mut pool.action] {
            *text = clean(text).into_owned();
        }
        name_groups(&mut pool.vdevs);
    }
    pools
}

/// `  pool: tank`: a word, a colon, and what follows. Lines of the tree begin with a tab.
fn heading(line: &str) -> Option<(&'static str, &str)> {
    if line.starts_with('\t') {
        return None;
    }
    let (word, rest) = line.split_once(':')?;
    let known =
        ["pool", "state", "status", "action", "see", "scan", "config", "errors", "remove", "checkpoint", "dedup"];
    let word = known.into_iter().find(|known| *known == word.trim())?;
    Some((word, rest.trim()))
}

/// The tree of devices under way.
#[derive(Default)]
struct Tree {
    /// Where the column STATE begins.
    column: usize,
    class: Class,
}

impl Tree {
    fn line(&mut self, line: &str, pool: &mut Pool) {
        let Some(line) = line.strip_prefix('\t') else { return };
        let text = line.trim_end();
        if text.trim_start().starts_with("NAME ") {
            self.column = text.find("STATE").unwrap_or(0);
            return;
        }
        let indent = text.len() - text.trim_start().len();
        if text.is_empty() || self.column == 0 {
            return;
        }
        if indent == 0 {
            // The pool itself, or the heading of a group.
            self.class = match text.trim() {
                "logs" => Class::Log,
                "cache" => Class::Cache,
                "spares" => Class::Spare,
                "special" => Class::Special,
                "dedup" => Class::Dedup,
                _ => Class::Normal,
            };
            return;
        }
        let (Some(name), Some(rest)) = (text.get(..self.column), text.get(self.column..)) else { return };
        let mut words = rest.split_whitespace();
        let state = words.next().unwrap_or_default().to_owned();
        let mut words = words.peekable();
        let mut counts = [0u64; 4];
        for count in &mut counts {
            match words.peek().and_then(|word| word.parse().ok()) {
                Some(value) => *count = value,
                // `-` stands for a column that does not concern it.
                None if words.peek() == Some(&"-") => {}
                None => break,
            }
            words.next();
        }
        let note = words.collect::<Vec<_>>().join(" ");
        let depth = u8::try_from(indent / 2).unwrap_or(u8::MAX).saturating_sub(1);
        if let Some(above) = pool.vdevs.last_mut()
            && above.class == self.class
            && above.depth < depth
        {
            above.leaf = false;
        }
        pool.vdevs.push(Vdev {
            name: clean(name.trim()).into_owned(),
            depth,
            class: self.class,
            state,
            errors: [counts[0], counts[1], counts[2]],
            slow: counts[3],
            note: clean(&note).into_owned(),
            leaf: true,
        });
    }
}

/// `No known data errors`, `3 data errors, use '-v' for a list`; the files that follow `Permanent errors have been
/// detected …` are counted by the caller. `List of errors unavailable: …` has no number.
fn errors(text: &str) -> Option<u64> {
    match text.split_whitespace().next()? {
        "No" | "Permanent" => Some(0),
        word => word.parse().ok(),
    }
}

fn scan(lines: &[String]) -> Option<Scan> {
    let first = lines.first()?;
    let kind = match first {
        line if line.starts_with("scrub") => ScanKind::Scrub,
        line if line.starts_with("resilver") => ScanKind::Resilver,
        _ => return None,
    };
    let (state, at) = match () {
        () if first.contains("in progress since") => (ScanState::Running, first.split_once(" since ")?.1),
        () if first.contains("paused since") => (ScanState::Paused, first.split_once(" since ")?.1),
        () if first.contains("canceled on") => (ScanState::Canceled, first.split_once(" on ")?.1),
        () => (ScanState::Finished, first.rsplit_once(" on ")?.1),
    };
    let at = moment(at);
    let all = lines.join(", ");
    let parts = || all.split(", ").map(str::trim);
    let before = |what: &str| parts().find_map(|part| part.strip_suffix(what).map(str::trim));
    let started = lines.iter().find_map(|line| moment(line.strip_prefix("scrub started on ")?));
    let running = matches!(state, ScanState::Running | ScanState::Paused);
    let repaired = match state {
        ScanState::Finished => first.split_whitespace().find_map(bytes),
        _ => before(" repaired").or_else(|| before(" resilvered")).and_then(bytes),
    };
    Some(Scan {
        kind,
        state,
        started_unix: if state == ScanState::Paused { started } else { at.filter(|_| running) },
        ended_unix: at.filter(|_| !running),
        done_ratio: before("% done").and_then(|p| p.parse::<f64>().ok()).map(|p| (p / 100.0).min(1.0)),
        remaining: before(" to go").and_then(clock),
        errors: first.split_once(" with ").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok()).unwrap_or(0),
        repaired_bytes: repaired,
    })
}

/// `Wed May  1 12:00:13 2024` in the machine's time zone, which the JSON form names before the year.
pub(super) fn moment(text: &str) -> Option<i64> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    if words.len() == 6 {
        words.remove(4);
    }
    let text = words.join(" ");
    let civil = jiff::civil::DateTime::strptime("%a %b %d %H:%M:%S %Y", text).ok()?;
    Some(crate::clock::local_zone().to_timestamp(civil).ok()?.as_second())
}

/// `00:12:34`, `2 days 03:04:05`.
fn clock(text: &str) -> Option<Duration> {
    let (days, time) = match text.split_once(" days ") {
        Some((days, time)) => (days.parse::<u64>().ok()?, time),
        None => (0, text),
    };
    let parts: Vec<u64> = time.split(':').filter_map(|part| part.parse().ok()).collect();
    let [hours, minutes, seconds] = parts[..] else { return None };
    let all = days.checked_mul(86_400)?.checked_add(hours.checked_mul(3600)?)?;
    Some(Duration::from_secs(all.checked_add(minutes.checked_mul(60)?.checked_add(seconds)?)?))
}

/// `4.17M`: the tools' own short form of bytes.
pub(super) fn bytes(word: &str) -> Option<u64> {
    let unit = word.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let value: f64 = word.get(..unit)?.parse().ok()?;
    let power = match word.get(unit..)? {
        "B" => 0,
        "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        "P" => 5,
        _ => return None,
    };
    Some((value * 1024f64.powi(power)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_bytes_have_a_unit() {
        for (power, unit) in [(0, "B"), (1, "K"), (2, "M"), (3, "G"), (4, "T"), (5, "P")] {
            assert_eq!(bytes(&format!("1.5{unit}")), Some((1024_u64.pow(power) as f64 * 1.5) as u64), "{unit}");
        }
        assert_eq!((bytes("1.5"), bytes("1.5X"), bytes("K")), (None, None, None));
    }

    fn one(text: &str) -> Pool {
        parse(&format!("  pool: a\n state: ONLINE\n{text}")).remove(0)
    }

    #[test]
    fn a_scan_in_each_state_has_its_figures() {
        let at = |second: u8| moment(&format!("Wed May  1 12:00:{second:02} 2024"));
        let none = Scan {
            kind: ScanKind::Scrub,
            state: ScanState::Finished,
            started_unix: None,
            ended_unix: None,
            done_ratio: None,
            remaining: None,
            errors: 0,
            repaired_bytes: None,
        };
        let (scrub, resilver) = (none.clone(), Scan { kind: ScanKind::Resilver, ..none });
        for (text, expected) in [
            (
                "scrub repaired 1.5M in 00:00:01 with 2 errors on Wed May  1 12:00:13 2024",
                Scan { ended_unix: at(13), errors: 2, repaired_bytes: Some(3 << 19), ..scrub.clone() },
            ),
            (
                "scrub in progress since Wed May  1 12:00:13 2024\n\t5G scanned at 1G/s, 1G issued at 100M/s, 8G total\n\
                 \t1.5K repaired, 12.50% done, 01:02:03 to go",
                Scan {
                    state: ScanState::Running,
                    started_unix: at(13),
                    done_ratio: Some(0.125),
                    remaining: Some(Duration::from_secs(3723)),
                    repaired_bytes: Some(1536),
                    ..scrub.clone()
                },
            ),
            (
                "scrub paused since Wed May  1 12:00:13 2024\n\tscrub started on Wed May  1 12:00:01 2024\n\
                 \t1G scanned, 1G issued, 8G total\n\t0B repaired, 10.00% done",
                Scan {
                    state: ScanState::Paused,
                    started_unix: at(1),
                    done_ratio: Some(0.1),
                    repaired_bytes: Some(0),
                    ..scrub.clone()
                },
            ),
            (
                "scrub canceled on Wed May  1 12:00:13 2024",
                Scan { state: ScanState::Canceled, ended_unix: at(13), ..scrub },
            ),
            (
                "resilvered 1.5G in 1 days 00:01:02 with 0 errors on Wed May  1 12:00:13 2024",
                Scan { ended_unix: at(13), repaired_bytes: Some(3 << 29), ..resilver.clone() },
            ),
            (
                "resilver in progress since Wed May  1 12:00:13 2024\n\t1G scanned\n\
                 \t2K resilvered, 150.00% done, 1 days 00:00:00 to go",
                Scan {
                    state: ScanState::Running,
                    started_unix: at(13),
                    done_ratio: Some(1.0),
                    remaining: Some(Duration::from_secs(86_400)),
                    repaired_bytes: Some(2048),
                    ..resilver
                },
            ),
        ] {
            assert_eq!(one(&format!("  scan: {text}\nconfig:\n")).scan, Some(expected), "{text}");
        }
        for text in ["none requested", "", "scrub"] {
            assert_eq!(one(&format!("  scan: {text}\nconfig:\n")).scan, None, "{text}");
        }
    }

    #[test]
    fn a_moment_may_name_its_zone() {
        let seconds = |later: &str| moment(later).zip(moment("Wed May  1 12:00:00 2024")).map(|(a, b)| a - b);
        assert_eq!(seconds("Wed May  1 13:02:03 2024"), Some(3723));
        assert_eq!(seconds("Wed May 01 12:00:05 AM 2024"), Some(5));
        assert_eq!((moment("Wed May 1 2024"), moment("")), (None, None));
        let left = ["00:00:05", "12:34", "x days 00:00:01", "1:2:3:4"].map(clock);
        assert_eq!(left, [Some(Duration::from_secs(5)), None, None, None]);
    }

    #[test]
    fn paragraphs_are_joined_and_end_at_the_next_heading() {
        let text = "status: One or more\n\tdevices  \n\n  are gone.\naction: Attach\n\tthem.\n   see: https://x\n\
                    \tmore\nremove: done\nconfig:\n\terrors: of no\nerrors: No known data errors\n";
        let pool = one(text);
        assert_eq!((pool.state.as_str(), pool.status.as_str()), ("ONLINE", "One or more devices are gone."));
        assert_eq!((pool.action.as_str(), pool.data_errors), ("Attach them.", Some(0)));
        assert_eq!(parse("state: ONLINE\nerrors: 3\n\tx\n"), []);
    }

    #[test]
    fn a_tree_has_depths_classes_counts_and_notes() {
        let tree = "config:

\tNAME        STATE     READ WRITE CKSUM  SLOW
\ttank        DEGRADED     0     0     0     -
\t  mirror-0  DEGRADED     1     2     3     -
\t    /dev/a  FAULTED      4     5     6     7  too many errors
\t    /dev/b  ONLINE       0     -     0     1  (resilvering)
\t  /dev/c    ONLINE       0     0     0     0
\tdedup
\t  /dev/d    ONLINE       0     0     0     0
\tspecial
\t  /dev/e    ONLINE       0     0     0     0
\tlogs
\t  /dev/f    ONLINE       0     0     0     0
\tcache
\t  /dev/g    ONLINE       0     0     0     0
\tspares
\t  /dev/h    INUSE     currently in use
";
        let found = |pool: &Pool| -> Vec<_> {
            let of = |v: &Vdev| {
                (v.name.clone(), v.depth, v.class, v.state.clone(), v.errors, v.slow, v.note.clone(), v.leaf)
            };
            pool.vdevs.iter().map(of).collect()
        };
        let line = |name: &str, depth, class, state: &str, errors, slow, note: &str, leaf| {
            (name.to_owned(), depth, class, state.to_owned(), errors, slow, note.to_owned(), leaf)
        };
        let plain = |name: &str, class| line(name, 0, class, "ONLINE", [0; 3], 0, "", true);
        let expected = [
            line("mirror-0", 0, Class::Normal, "DEGRADED", [1, 2, 3], 0, "", false),
            line("/dev/a", 1, Class::Normal, "FAULTED", [4, 5, 6], 7, "too many errors", true),
            line("/dev/b", 1, Class::Normal, "ONLINE", [0; 3], 1, "(resilvering)", true),
            plain("/dev/c", Class::Normal),
            plain("/dev/d", Class::Dedup),
            plain("/dev/e", Class::Special),
            plain("/dev/f", Class::Log),
            plain("/dev/g", Class::Cache),
            line("/dev/h", 0, Class::Spare, "INUSE", [0; 3], 0, "currently in use", true),
        ];
        let text = format!("  pool: tank\n{tree}\n  pool: two\n{tree}");
        let pools = parse(&text);
        assert_eq!(pools.iter().map(|pool| pool.name.as_str()).collect::<Vec<_>>(), ["tank", "two"]);
        assert_eq!((found(&pools[0]), found(&pools[1])), (expected.to_vec(), expected.to_vec()));
        assert_eq!(one("config:\n\t  /dev/a  ONLINE 0 0 0\n").vdevs, [], "no columns yet");
    }
}
