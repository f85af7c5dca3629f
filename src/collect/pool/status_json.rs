//! `zpool status -j --json-int` of OpenZFS 2.3 and later.

use std::{collections::BTreeMap, fmt, marker::PhantomData, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use super::status_text;
use crate::{
    model::pool::{Class, Pool, Scan, ScanKind, ScanState, Vdev, name_groups},
    text::clean,
};

/// A JSON object in the order of the text: that of `zpool status`.
struct Ordered<T>(Vec<T>);

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Ordered(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Ordered<T>;
            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered<T>, A::Error> {
                let mut values = Vec::new();
                while let Some((_, value)) = map.next_entry::<serde::de::IgnoredAny, T>()? {
                    values.push(value);
                }
                Ok(Ordered(values))
            }
        }
        from.deserialize_map(Entries(PhantomData))
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    pools: Ordered<PoolJson>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PoolJson {
    name: String,
    state: String,
    status: String,
    action: String,
    scan_stats: Option<ScanJson>,
    vdevs: Ordered<VdevJson>,
    special: Ordered<VdevJson>,
    dedup: Ordered<VdevJson>,
    logs: Ordered<VdevJson>,
    l2cache: Ordered<VdevJson>,
    spares: Ordered<VdevJson>,
    error_count: Option<Count>,
    #[serde(flatten)]
    _rest: BTreeMap<String, serde::de::IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ScanJson {
    function: String,
    state: String,
    start_time: Count,
    end_time: Count,
    to_examine: Count,
    skipped: Count,
    processed: Count,
    errors: Count,
    pass_start: Count,
    scrub_pause: Count,
    scrub_spent_paused: Count,
    issued_bytes_per_scan: Count,
    issued: Count,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct VdevJson {
    name: String,
    state: String,
    class: String,
    read_errors: Count,
    write_errors: Count,
    checksum_errors: Count,
    slow_ios: Count,
    aux: String,
    was: String,
    resilver_repairing: String,
    vdevs: Ordered<VdevJson>,
}

/// A count, size or time, whether it was written as a number, for people (`24.1M`, a date), or as `-`.
#[derive(Default, Clone, Copy)]
struct Count(u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(u64),
            Text(String),
            Other(serde::de::IgnoredAny),
        }
        Ok(Count(match Either::deserialize(from)? {
            Either::Number(number) => number,
            Either::Text(text) => {
                let moment = || status_text::moment(&text).and_then(|at| u64::try_from(at).ok());
                text.parse().ok().or_else(|| status_text::bytes(&text)).or_else(moment).unwrap_or(0)
            }
            Either::Other(_) => 0,
        }))
    }
}

/// The pools; `None` when this is no JSON: OpenZFS 2.1 takes `-j` and answers in text.
pub(super) fn parse(text: &[u8], now_unix: i64) -> Option<Vec<Pool>> {
    let answer: Answer = serde_json::from_slice(text).ok()?;
    Some(answer.pools.0.into_iter().map(|pool| self::pool(pool, now_unix)).collect())
}

fn pool(json: PoolJson, now_unix: i64) -> Pool {
    let one_line = |text: &str| clean(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned();
    let mut vdevs = Vec::new();
    for root in json.vdevs.0 {
        // The pool itself; its children are what is meant.
        root.vdevs.0.into_iter().for_each(|vdev| add(vdev, 0, Class::Normal, &mut vdevs));
    }
    let groups = [
        (json.dedup, Class::Dedup),
        (json.special, Class::Special),
        (json.logs, Class::Log),
        (json.l2cache, Class::Cache),
        (json.spares, Class::Spare),
    ];
    for (group, class) in groups {
        group.0.into_iter().for_each(|vdev| add(vdev, 0, class, &mut vdevs));
    }
    name_groups(&mut vdevs);
    Pool {
        name: clean(&json.name).into_owned(),
        state: json.state,
        status: one_line(&json.status),
        action: one_line(&json.action),
        scan: json.scan_stats.and_then(|scan| self::scan(&scan, now_unix)),
        vdevs,
        data_errors: json.error_count.map(|count| count.0),
        ..Pool::default()
    }
}

fn add(json: VdevJson, depth: u8, class: Class, vdevs: &mut Vec<Vdev>) {
    let state = match json.state.as_str() {
        // The library's names for what the tools call otherwise.
        "CANT_OPEN" => "UNAVAIL".to_owned(),
        // 2.3 leaves it out for the group of a draid.
        "" if !json.vdevs.0.is_empty() => {
            let well = json.vdevs.0.iter().all(|vdev| vdev.state == "ONLINE");
            if well { "ONLINE" } else { "DEGRADED" }.to_owned()
        }
        _ => json.state,
    };
    let note = match () {
        () if !json.was.is_empty() => format!("was {}", json.was),
        () if !json.aux.is_empty() => aux(&json.aux),
        () if !json.resilver_repairing.is_empty() => "(resilvering)".to_owned(),
        () => String::new(),
    };
    vdevs.push(Vdev {
        name: clean(&json.name).into_owned(),
        depth,
        class,
        state,
        errors: [json.read_errors.0, json.write_errors.0, json.checksum_errors.0],
        slow: json.slow_ios.0,
        note: clean(&note).into_owned(),
        leaf: json.vdevs.0.is_empty(),
    });
    json.vdevs.0.into_iter().for_each(|vdev| add(vdev, depth.saturating_add(1), class, vdevs));
}

/// Reasons in the words of `zpool status`.
fn aux(word: &str) -> String {
    match word {
        "EXTERNAL" => "external device fault",
        "OPEN_FAILED" => "cannot open",
        "CORRUPT_DATA" => "corrupted data",
        "ERR_EXCEEDED" => "too many errors",
        "IO_FAILURE" => "experienced I/O failures",
        "BAD_LABEL" => "bad label",
        "SPARED" => "currently in use",
        _ => return word.to_lowercase().replace('_', " "),
    }
    .to_owned()
}

fn scan(json: &ScanJson, now_unix: i64) -> Option<Scan> {
    let kind = match json.function.as_str() {
        "SCRUB" | "ERRORSCRUB" => ScanKind::Scrub,
        "RESILVER" | "REBUILD" => ScanKind::Resilver,
        _ => return None,
    };
    let state = match json.state.as_str() {
        "SCANNING" if json.scrub_pause.0 > 0 => ScanState::Paused,
        "SCANNING" => ScanState::Running,
        "FINISHED" => ScanState::Finished,
        "CANCELED" => ScanState::Canceled,
        _ => return None,
    };
    let total = json.to_examine.0.saturating_sub(json.skipped.0);
    let running = matches!(state, ScanState::Running | ScanState::Paused);
    let issued = json.issued.0.max(json.issued_bytes_per_scan.0).min(total);
    let seconds = |at: Count| i64::try_from(at.0).ok().filter(|at| *at > 0);
    let worked = now_unix - seconds(json.pass_start)? - seconds(json.scrub_spent_paused).unwrap_or(0);
    let rate = json.issued_bytes_per_scan.0 as f64 / worked.max(1) as f64;
    Some(Scan {
        kind,
        state,
        started_unix: seconds(json.start_time),
        ended_unix: seconds(json.end_time),
        done_ratio: (running && total > 0).then(|| issued as f64 / total as f64),
        remaining: (state == ScanState::Running && rate > 0.0)
            .then(|| Duration::try_from_secs_f64((total - issued) as f64 / rate).ok())
            .flatten(),
        errors: json.errors.0,
        repaired_bytes: Some(json.processed.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_those_of_zpool_status() {
        // As print_status_config of zpool_main.c has them.
        for (word, reason) in [
            ("EXTERNAL", "external device fault"),
            ("OPEN_FAILED", "cannot open"),
            ("CORRUPT_DATA", "corrupted data"),
            ("ERR_EXCEEDED", "too many errors"),
            ("IO_FAILURE", "experienced I/O failures"),
            ("BAD_LABEL", "bad label"),
            ("SPARED", "currently in use"),
            ("SPLIT_POOL", "split pool"),
        ] {
            assert_eq!(aux(word), reason);
        }
    }
}
