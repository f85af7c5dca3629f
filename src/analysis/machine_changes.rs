//! What results of benchmarks depend on and the state knows already, and what changed of it: kernel, drivers, engines,
//! images and limits of containers, the layout of pools, properties of datasets, benchtop itself.

use std::collections::BTreeMap;

use super::regression::DISTURBED;
use crate::{
    model::{
        figure::{BUSY, CAUSES, TOOL, busy_share},
        host::Host,
        pool::Vdev,
        run::{Change, Run},
    },
    units::bytes_long,
};

/// One thing that may change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    /// As [`Change::kind`].
    pub kind: String,
    pub of: String,
    pub property: String,
}

/// Values by what they are of.
pub type Facts = BTreeMap<Fact, String>;

/// All that is known of the machine now; `config`: which config of benchtop is in force.
#[must_use]
pub fn facts(host: &Host, config: Option<&str>) -> Facts {
    let mut facts = Facts::new();
    let mut add = |kind: &str, of: &str, property: &str, value: Option<String>| {
        let fact = Fact { kind: kind.to_owned(), of: of.to_owned(), property: property.to_owned() };
        facts.extend(value.map(|value| (fact, value)));
    };
    let or_none = |value: Option<String>| Some(value.unwrap_or_else(|| Change::NONE.to_owned()));
    add("benchtop", "", "version", Some(env!("CARGO_PKG_VERSION").to_owned()));
    add("config", "", "version", config.map(str::to_owned));
    add("kernel", "", "release", host.facts.kernel.clone());
    add("governor", "", "governor", host.facts.governor.clone());
    for driver in &host.gpus.drivers {
        add("driver", driver.maker.word(), "version", driver.version.clone());
    }
    for engine in &host.containers.engines {
        // Two of a kind would be one that changes back and forth.
        let alone = host.containers.engines.iter().filter(|other| other.kind == engine.kind).count() == 1;
        let of = if alone { engine.kind.as_str() } else { engine.address.as_str() };
        add("engine", of, "version", engine.version.clone());
    }
    // A limit of all cores limits nothing; an engine that cannot take a limit away is given that one.
    let cpus = |limit: Option<f64>| match (limit, host.facts.threads) {
        (None, _) => or_none(None),
        (Some(cores), Some(threads)) => or_none(Some(cores).filter(|c| *c < f64::from(threads)).map(|c| c.to_string())),
        (Some(_), None) => None,
    };
    for row in &host.containers.rows {
        let container = &row.meta;
        add("image", &row.label, "image", Some(container.image.clone()));
        add("image", &row.label, "digest", container.image_id.clone());
        add("limits", &row.label, "cpus", cpus(container.cpu_limit));
        add("limits", &row.label, "memory", or_none(container.memory_limit.map(|bytes| bytes.to_string())));
    }
    add("pool", "", "version of ZFS", host.pools.raw.version.clone());
    for pool in host.pools.rows.iter().filter_map(|row| row.reported.as_ref()) {
        add("pool", &pool.name, "layout", Some(layout(&pool.vdevs)).filter(|layout| !layout.is_empty()));
    }
    for dataset in host.pools.datasets.iter().map(|row| &row.reported) {
        add("dataset", &dataset.name, "compression", Some(dataset.compression.clone()).filter(|c| !c.is_empty()));
        let record = if dataset.volume { "volblocksize" } else { "recordsize" };
        add("dataset", &dataset.name, record, dataset.record.map(|bytes| bytes.to_string()));
        for (property, value) in &dataset.others {
            add("dataset", &dataset.name, property, Some(value.clone()));
        }
        add("dataset", &dataset.name, "quota", or_none(dataset.quota.map(|bytes| bytes.to_string())));
    }
    facts
}

/// The devices of a pool, those of a group in brackets: `mirror-0 (sda sdb) nvme0n1`.
fn layout(vdevs: &[Vdev]) -> String {
    let mut out = String::new();
    let mut depth: Option<u8> = None;
    for vdev in vdevs {
        match depth {
            Some(before) if vdev.depth > before => out.push_str(" ("),
            Some(before) => {
                out.push_str(&")".repeat(usize::from(before - vdev.depth)));
                out.push(' ');
            }
            None => {}
        }
        out.push_str(&vdev.name);
        depth = Some(vdev.depth);
    }
    let (first, last) = (vdevs.first().map_or(0, |vdev| vdev.depth), depth.unwrap_or(0));
    out + &")".repeat(usize::from(last.saturating_sub(first)))
}

/// What has another value than before. What is new or gone is no change of it: containers come and go, and what cannot be
/// read at the moment is not gone.
#[must_use]
pub fn compare(before: &Facts, now: &Facts, at_unix_ms: i64) -> Vec<Change> {
    let change = |(fact, after): (&Fact, &String)| {
        let before = before.get(fact).filter(|before| *before != after)?;
        let Fact { kind, of, property } = fact.clone();
        Some(Change { at_unix_ms, kind, of, property, before: Some(before.clone()), after: Some(after.clone()) })
    };
    now.iter().filter_map(change).collect()
}

/// The values after all of these changes.
#[must_use]
pub fn as_of(changes: &[Change]) -> Facts {
    let mut facts = Facts::new();
    for Change { kind, of, property, after, .. } in changes.iter().cloned() {
        let fact = Fact { kind, of, property };
        match after {
            Some(after) => facts.insert(fact, after),
            None => facts.remove(&fact),
        };
    }
    facts
}

/// What is known for the first time, of the machine itself or of `all`: it is noted, so that the next start can tell what
/// changed. Containers come and go: they are noted when something is measured.
#[must_use]
pub fn first_seen(before: &Facts, now: &Facts, at_unix_ms: i64, all: bool) -> Vec<Change> {
    let of_machine = |fact: &Fact| fact.of.is_empty() || matches!(fact.kind.as_str(), "driver" | "engine");
    let new = now.iter().filter(|(fact, _)| (all || of_machine(fact)) && !before.contains_key(fact));
    let change = |(fact, after): (&Fact, &String)| {
        let Fact { kind, of, property } = fact.clone();
        Change { at_unix_ms, kind, of, property, before: None, after: Some(after.clone()) }
    };
    new.map(change).collect()
}

/// What was different when a run was made than when an earlier one was, by their fingerprints: what nobody saw change.
#[must_use]
pub fn between_runs(good: &Run, bad: &Run) -> Vec<Change> {
    let change = |part: &str| {
        let value = |run: &Run| run.fingerprint.get(part).cloned();
        let (before, after) = (value(good)?, value(bad)?);
        let [kind, property] = [part, part].map(str::to_owned);
        let change =
            Change { at_unix_ms: bad.at_unix_ms, kind, of: String::new(), property, before: None, after: None };
        (before != after).then_some(Change { before: Some(before), after: Some(after), ..change })
    };
    let busy = |run: &Run| busy_share(&run.fingerprint).unwrap_or(0.0);
    let busier = (busy(bad) - busy(good) > DISTURBED).then_some(BUSY);
    CAUSES.into_iter().chain([TOOL]).chain(busier).filter_map(change).collect()
}

/// What changed after the last good run and before the first bad one, the nearest to the bad one first.
#[must_use]
pub fn between(changes: &[Change], good_unix_ms: i64, bad_unix_ms: i64) -> Vec<&Change> {
    let within = |change: &&Change| {
        change.before.is_some() && change.at_unix_ms >= good_unix_ms && change.at_unix_ms <= bad_unix_ms
    };
    let mut found: Vec<&Change> = changes.iter().filter(within).collect();
    found.sort_by_key(|change| std::cmp::Reverse(change.at_unix_ms));
    found
}

/// `memory limit of web: 64.0 MiB → 32.0 MiB`.
#[must_use]
pub fn words(change: &Change) -> String {
    let show = |value: &Option<String>| match value {
        None => Change::NONE.to_owned(),
        Some(value) => match (change.property.as_str(), value.parse::<f64>()) {
            ("memory" | "quota" | "recordsize" | "volblocksize", Ok(bytes)) => bytes_long(bytes),
            _ => value.clone(),
        },
    };
    let what = match (change.kind.as_str(), change.property.as_str()) {
        ("limits", "cpus") => "CPU limit".to_owned(),
        ("limits", "memory") => "memory limit".to_owned(),
        ("pool", property @ "version of ZFS") => property.to_owned(),
        ("image", "digest") => "image digest".to_owned(),
        ("dataset" | "pool" | "image", property) => property.to_owned(),
        ("config", _) => "config file".to_owned(),
        (BUSY, _) => "share of the machine in use by others".to_owned(),
        ("pool_layout", _) => "pool layout".to_owned(),
        (kind, _) => kind.to_owned(),
    };
    let of = if change.of.is_empty() { String::new() } else { format!(" of {}", change.of) };
    format!("{what}{of}: {} → {}", show(&change.before), show(&change.after))
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::model::{
        container::{Container, ContainerRow},
        pool::{Dataset, DatasetRow, Pool, PoolRow},
        run::Better,
        unit::Unit,
    };

    fn host(kernel: &str, image: &str, memory: Option<u64>, compression: &str) -> Host {
        let mut host = Host::default();
        host.facts.kernel = Some(kernel.into());
        let meta = Container { name: "web".into(), image: image.into(), memory_limit: memory, ..Container::default() };
        host.containers.rows.push(ContainerRow {
            meta: Arc::new(meta),
            label: "web".into(),
            ..ContainerRow::default()
        });
        let reported = Dataset { name: "tank/db".into(), compression: compression.into(), ..Dataset::default() };
        host.pools.datasets.push(DatasetRow { reported, ..DatasetRow::default() });
        host
    }

    fn vdev(name: &str, depth: u8) -> Vdev {
        Vdev { name: name.into(), depth, ..Vdev::default() }
    }

    #[test]
    fn what_differs_is_a_change() {
        let before = facts(&host("6.1", "nginx:1.26", None, "lz4"), Some("none"));
        let now = facts(&host("6.12", "nginx:1.27", Some(64 << 20), "gzip-9"), Some("3f2a91c0"));
        let said: Vec<String> = compare(&before, &now, 7).iter().map(words).collect();
        assert_eq!(
            said,
            [
                "config file: none → 3f2a91c0",
                "compression of tank/db: lz4 → gzip-9",
                "image of web: nginx:1.26 → nginx:1.27",
                "kernel: 6.1 → 6.12",
                "memory limit of web: none → 64.0 MiB"
            ]
        );
        assert_eq!(compare(&now, &now, 7), []);
        let mut other = host("6.12", "nginx:1.27", Some(64 << 20), "gzip-9");
        other.facts.governor = Some("powersave".into());
        let meta = Container { image_id: Some("ab12".into()), ..(*other.containers.rows[0].meta).clone() };
        other.containers.rows[0].meta = Arc::new(meta);
        other.pools.datasets[0].reported.others = vec![("sync".into(), "always".into())];
        let more = facts(&other, None);
        let new: Vec<&str> =
            more.iter().filter(|(fact, _)| !now.contains_key(fact)).map(|(_, value)| value.as_str()).collect();
        assert_eq!(new, ["always", "powersave", "ab12"]);

        assert_eq!(compare(&before, &facts(&Host::default(), None), 7), [], "what is not read is not gone");
        assert_eq!(compare(&facts(&Host::default(), None), &before, 7), [], "what is new did not change");
    }

    #[test]
    fn limit_of_all_cores_is_none() {
        let cpus = |limit: Option<f64>, threads: Option<u32>| {
            let mut host = host("6.1", "nginx:1.26", None, "lz4");
            host.facts.threads = threads;
            let meta = Container { cpu_limit: limit, ..(*host.containers.rows[0].meta).clone() };
            host.containers.rows[0].meta = Arc::new(meta);
            facts(&host, None).into_iter().find(|(fact, _)| fact.property == "cpus").map(|(_, value)| value)
        };
        assert_eq!(cpus(Some(1.5), Some(2)).as_deref(), Some("1.5"));
        assert_eq!(cpus(Some(2.0), Some(2)).as_deref(), Some("none"));
        assert_eq!(cpus(None, None).as_deref(), Some("none"));
        assert_eq!(cpus(Some(2.0), None), None, "not known yet");
    }

    #[test]
    fn two_engines_of_a_kind_have_a_version_each() {
        use crate::model::container::Engine;
        let mut host = Host::default();
        let engine = |address: &str, version: &str| Engine {
            kind: "docker".into(),
            address: address.into(),
            version: Some(version.into()),
            ..Engine::default()
        };
        let versions = |host: &Host| -> Vec<(String, String)> {
            let engines = facts(host, None).into_iter().filter(|(fact, _)| fact.kind == "engine");
            engines.map(|(fact, version)| (fact.of, version)).collect()
        };
        let pair = |of: &str, version: &str| (of.to_owned(), version.to_owned());
        host.containers.engines = vec![engine("unix:///a", "24")];
        assert_eq!(versions(&host), [pair("docker", "24")]);
        host.containers.engines.push(engine("unix:///b", "27"));
        assert_eq!(versions(&host), [pair("unix:///a", "24"), pair("unix:///b", "27")]);
    }

    #[test]
    fn two_runs_show_what_nobody_saw() {
        let run = |at_unix_ms: i64, kernel: &str, tool: Option<&str>| {
            let parts = [("kernel", Some(kernel)), ("tool", tool), ("file", Some(kernel))];
            let parts = parts.into_iter().filter_map(|(part, value)| Some((part.to_owned(), value?.to_owned())));
            Run {
                id: String::new(),
                batch: String::new(),
                benchmark: String::new(),
                of: String::new(),
                unit: Unit::Seconds,
                better: Better::Lower,
                at_unix_ms,
                took: Duration::ZERO,
                samples: Vec::new(),
                fingerprint: parts.collect(),
                notes: Vec::new(),
            }
        };
        let said = |good: &Run, bad: &Run| between_runs(good, bad).iter().map(words).collect::<Vec<String>>();
        let (good, bad) = (run(1, "6.1", Some("fio-3.33")), run(2, "6.12", Some("fio-3.36")));
        assert_eq!(said(&good, &bad), ["kernel: 6.1 → 6.12", "tool: fio-3.33 → fio-3.36"], "a file is no cause");
        let busy = |share: &str| {
            let mut run = run(2, "6.1", Some("fio-3.33"));
            run.fingerprint.insert(BUSY.to_owned(), share.to_owned());
            run
        };
        assert_eq!(said(&busy("2%"), &busy("85%")), ["share of the machine in use by others: 2% → 85%"]);
        assert_eq!(said(&busy("2%"), &busy("20%")), [""; 0]);
        assert_eq!(said(&good, &run(2, "6.1", None)), [""; 0], "what one of them does not say is not known");
    }

    #[test]
    fn layout_of_a_pool_is_one_line() {
        let mirror = [vdev("mirror-0", 0), vdev("sda", 1), vdev("sdb", 1), vdev("nvme0", 0)];
        assert_eq!(layout(&mirror), "mirror-0 (sda sdb) nvme0");
        assert_eq!(layout(&mirror[..3]), "mirror-0 (sda sdb)");
        assert_eq!(layout(&[vdev("mirror-0", 0), vdev("spare-0", 1), vdev("sda", 2)]), "mirror-0 (spare-0 (sda))");
        assert_eq!(layout(&[]), "");
        let mut host = Host::default();
        host.pools.rows.push(PoolRow::default());
        host.pools.rows[0].reported = Some(Pool { name: "tank".into(), vdevs: mirror.to_vec(), ..Pool::default() });
        assert!(facts(&host, None).values().any(|value| value == "mirror-0 (sda sdb) nvme0"));
    }

    #[test]
    fn nearest_to_the_bad_run_come_first() {
        let change = |at_unix_ms: i64| Change {
            at_unix_ms,
            kind: "kernel".into(),
            of: String::new(),
            property: "release".into(),
            before: Some("6.1".into()),
            after: None,
        };
        let all: Vec<Change> = (0..10).map(change).collect();
        let found: Vec<i64> = between(&all, 3, 6).iter().map(|change| change.at_unix_ms).collect();
        assert_eq!(found, [6, 5, 4, 3]);
    }
}
