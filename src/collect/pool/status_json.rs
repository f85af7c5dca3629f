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

    fn one(fields: &str) -> Pool {
        let text = format!(r#"{{"pools":{{"a":{{"name":"a"{fields}}}}}}}"#);
        parse(text.as_bytes(), 1120).expect("JSON").remove(0)
    }

    #[test]
    fn a_scan_in_each_state_has_its_figures() {
        let scan = |fields: serde_json::Value| {
            let mut all = serde_json::json!({
                "function": "SCRUB", "state": "SCANNING", "start_time": 900, "to_examine": 5000, "skipped": 1000,
                "pass_start": 1000, "scrub_spent_paused": 20, "issued_bytes_per_scan": 1000, "issued": 2000,
                "processed": 7, "errors": 3});
            let all = all.as_object_mut().expect("an object");
            fields.as_object().expect("an object").iter().for_each(|(name, value)| {
                all.insert(name.clone(), value.clone());
            });
            one(&format!(r#","scan_stats":{}"#, serde_json::json!(all))).scan
        };
        // Ten bytes in each of 100 seconds, and 2000 of 4000 are left.
        let running = Scan {
            kind: ScanKind::Scrub,
            state: ScanState::Running,
            started_unix: Some(900),
            ended_unix: None,
            done_ratio: Some(0.5),
            remaining: Some(Duration::from_secs(200)),
            errors: 3,
            repaired_bytes: Some(7),
        };
        let over = |state: ScanState| Scan {
            state,
            ended_unix: Some(1100),
            done_ratio: None,
            remaining: None,
            ..running.clone()
        };
        let left = |done: f64, seconds: u64| Scan {
            done_ratio: Some(done),
            remaining: Some(Duration::from_secs(seconds)),
            ..running.clone()
        };
        let silent = |done_ratio: Option<f64>| Scan { done_ratio, remaining: None, ..running.clone() };
        for (fields, expected) in [
            (serde_json::json!({}), Some(running.clone())),
            (serde_json::json!({"function": "ERRORSCRUB"}), Some(running.clone())),
            (serde_json::json!({"function": "RESILVER"}), Some(Scan { kind: ScanKind::Resilver, ..running.clone() })),
            (serde_json::json!({"function": "REBUILD"}), Some(Scan { kind: ScanKind::Resilver, ..running.clone() })),
            (serde_json::json!({"function": "NONE"}), None),
            (serde_json::json!({"scrub_pause": 1}), Some(Scan { state: ScanState::Paused, ..silent(Some(0.5)) })),
            (serde_json::json!({"state": "FINISHED", "end_time": 1100}), Some(over(ScanState::Finished))),
            (serde_json::json!({"state": "CANCELED", "end_time": 1100}), Some(over(ScanState::Canceled))),
            (serde_json::json!({"state": "NONE"}), None),
            (serde_json::json!({"issued": 0}), Some(left(0.25, 300))),
            (serde_json::json!({"issued": 9000}), Some(left(1.0, 0))),
            (serde_json::json!({"pass_start": 1100}), Some(left(0.5, 2))),
            (serde_json::json!({"issued_bytes_per_scan": 0}), Some(silent(Some(0.5)))),
            (serde_json::json!({"skipped": 5000}), Some(Scan { remaining: Some(Duration::ZERO), ..silent(None) })),
        ] {
            assert_eq!(scan(fields.clone()), expected, "{fields}");
        }
    }

    #[test]
    fn groups_come_in_the_order_of_zpool_status() {
        let group = |name: &str, vdev: &str| format!(r#","{name}":{{"{vdev}":{{"name":"{vdev}","state":"ONLINE"}}}}"#);
        let groups = [("spares", "s"), ("l2cache", "c"), ("logs", "l"), ("special", "m"), ("dedup", "d")];
        let all: String = groups.map(|(name, vdev)| group(name, vdev)).concat();
        let tree = r#","vdevs":{"a":{"name":"a","vdevs":{"mirror-0":{"name":"mirror-0","state":"ONLINE",
            "vdevs":{"x":{"name":"x","state":"ONLINE"}}}}}}"#;
        let found: Vec<_> =
            one(&format!("{all}{tree}")).vdevs.into_iter().map(|v| (v.name, v.depth, v.class, v.leaf)).collect();
        let expected = [
            ("mirror-0", 0, Class::Normal, false),
            ("x", 1, Class::Normal, true),
            ("d", 0, Class::Dedup, true),
            ("m", 0, Class::Special, true),
            ("l", 0, Class::Log, true),
            ("c", 0, Class::Cache, true),
            ("s", 0, Class::Spare, true),
        ];
        assert_eq!(found, expected.map(|(name, depth, class, leaf)| (name.to_owned(), depth, class, leaf)));
    }

    #[test]
    fn a_device_has_its_state_counts_and_reason() {
        let vdev = |fields: &str| {
            let root =
                format!(r#","state":"DEGRADED","vdevs":{{"a":{{"name":"a","vdevs":{{"x":{{"name":"x"{fields}}}}}}}}}"#);
            one(&root).vdevs.remove(0)
        };
        for (fields, state, note) in [
            (r#","state":"ONLINE""#, "ONLINE", ""),
            (r#","state":"CANT_OPEN","was":"/dev/a","aux":"OPEN_FAILED""#, "UNAVAIL", "was /dev/a"),
            (r#","state":"FAULTED","aux":"ERR_EXCEEDED","resilver_repairing":"1""#, "FAULTED", "too many errors"),
            (r#","state":"ONLINE","resilver_repairing":"1""#, "ONLINE", "(resilvering)"),
            (r#","vdevs":{"b":{"state":"ONLINE"},"c":{"state":"ONLINE"}}"#, "ONLINE", ""),
            (r#","vdevs":{"b":{"state":"ONLINE"},"c":{"state":"FAULTED"}}"#, "DEGRADED", ""),
            ("", "", ""),
        ] {
            let found = vdev(fields);
            assert_eq!((found.state.as_str(), found.note.as_str()), (state, note), "{fields}");
        }
        let counts = r#","read_errors":"1.5K","write_errors":"7","checksum_errors":3,"slow_ios":"-""#;
        let found = vdev(counts);
        assert_eq!((found.errors, found.slow), ([1536, 7, 3], 0));
        assert_eq!(vdev(r#","read_errors":[5],"slow_ios":2"#).slow, 2, "a value of another kind costs itself alone");
        let pool = one(r#","state":"SUSPENDED","status":" One\n  two ","action":"a\tb""#);
        assert_eq!((pool.state.as_str(), pool.status.as_str(), pool.action.as_str()), ("SUSPENDED", "One two", "a b"));
    }
}
