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
}
