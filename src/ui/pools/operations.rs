//! What can be done to a pool and its datasets: the list, and the question before it.

use crate::{
    alert::Level,
    model::pool::{ScanKind, ScanState},
    request::{Job, PoolAct},
    state::State,
    ui::{
        overlays::{confirm::Confirm, menu::Menu},
        theme::Role,
        view::Effect,
    },
    units::bytes_short,
};

/// Values that are offered: compression, and record sizes.
const COMPRESSIONS: [&str; 6] = ["lz4", "zstd", "zstd-3", "zstd-9", "gzip", "off"];
const RECORDS: [&str; 6] = ["16K", "32K", "64K", "128K", "256K", "1M"];

/// Opens the list for this pool.
#[must_use]
pub fn choose(pool: &str, state: &State) -> Vec<Effect> {
    let Some(row) = state.host.pools.find(pool) else {
        return vec![Effect::Say(Level::Advice, "no pool is selected".to_owned())];
    };
    let mut menu = Menu::new(format!("pool {pool}"));
    let scan =
        row.reported.as_ref().and_then(|t| t.scan.as_ref()).filter(|s| s.kind == ScanKind::Scrub).map(|s| s.state);
    let mut add = |act: PoolAct, label: &str| {
        let (pool, doc) = (pool.to_owned(), act.doc());
        menu.add(label, doc, false, move |_| vec![ask(pool.clone(), act.clone())]);
    };
    match scan {
        Some(ScanState::Running) => {
            add(PoolAct::PauseScrub, "pause the scrub");
            add(PoolAct::StopScrub, "stop the scrub");
        }
        Some(ScanState::Paused) => {
            add(PoolAct::ResumeScrub, "resume the scrub");
            add(PoolAct::StopScrub, "stop the scrub");
        }
        _ => add(PoolAct::Scrub, "scrub"),
    }
    add(PoolAct::Clear, "clear errors");
    for (label, property) in [("compression", "compression"), ("record size", "recordsize")] {
        let pool = pool.to_owned();
        menu.add(label, "of a dataset; affects new writes only", false, move |state| datasets(&pool, property, state));
    }
    vec![Effect::Open(Box::new(menu))]
}

/// Opens what fills the pool, the largest first, to compress what is written into one of its datasets from now on.
#[must_use]
pub fn compress(pool: &str, state: &State) -> Vec<Effect> {
    let mut menu = Menu::new(format!("what fills {pool}: compress which dataset?"));
    let mut rows: Vec<_> = state.host.pools.datasets.iter().map(|row| &row.reported).collect();
    rows.retain(|dataset| dataset.pool() == pool && !dataset.volume);
    rows.sort_by_key(|dataset| std::cmp::Reverse(dataset.used));
    if rows.is_empty() {
        return vec![Effect::Say(Level::Advice, format!("the datasets of {pool} are not known: zfs does not answer"))];
    }
    for dataset in rows {
        let (pool, name) = (pool.to_owned(), dataset.name.clone());
        let ratio = dataset.ratio.map_or_else(String::new, |ratio| format!(", {ratio:.2}×"));
        let doc = format!("{} · compression {}{ratio}", bytes_short(dataset.used as f64), dataset.compression);
        let stronger = stronger(&dataset.compression);
        menu.add(name.clone(), doc, false, move |state| values(&pool, &name, "compression", stronger, state));
    }
    vec![Effect::Open(Box::new(menu))]
}

/// What makes a dataset smaller than `now` does, at little cost.
fn stronger(now: &str) -> Option<&'static str> {
    match now {
        "off" => Some("lz4"),
        "on" | "lz4" => Some("zstd"),
        _ => None,
    }
}

/// Opens the list of datasets, to set this property of one.
fn datasets(pool: &str, property: &'static str, state: &State) -> Vec<Effect> {
    let mut menu = Menu::new(format!("{property} of which dataset of {pool}?"));
    for row in state.host.pools.datasets.iter().filter(|d| d.reported.pool() == pool && !d.reported.volume) {
        let (pool, dataset) = (pool.to_owned(), row.reported.name.clone());
        let now = value_of(state, &dataset, property);
        menu.add(dataset.clone(), now, false, move |state| values(&pool, &dataset, property, None, state));
    }
    vec![Effect::Open(Box::new(menu))]
}

/// Opens the list of values for this property of a dataset, at the one that is advised, else at the one in force.
fn values(pool: &str, dataset: &str, property: &'static str, advised: Option<&str>, state: &State) -> Vec<Effect> {
    let before = value_of(state, dataset, property);
    let mut menu = Menu::new(format!("{property} of {dataset}"));
    for value in if property == "compression" { COMPRESSIONS } else { RECORDS } {
        let here = value.eq_ignore_ascii_case(&before);
        let act = PoolAct::Set {
            dataset: dataset.to_owned(),
            property: property.to_owned(),
            value: value.to_owned(),
            before: before.clone(),
        };
        let selected = advised.map_or(here, |advised| advised == value);
        if here {
            let already = format!("{property} of {dataset} is already {value}");
            menu.add(value, "as it is now", selected, move |_| vec![Effect::Say(Level::Advice, already.clone())]);
        } else {
            let pool = pool.to_owned();
            menu.add(value, "", selected, move |_| vec![ask(pool.clone(), act.clone())]);
        }
    }
    vec![Effect::Open(Box::new(menu))]
}

/// The value in force.
fn value_of(state: &State, dataset: &str, property: &str) -> String {
    let Some(row) = state.host.pools.dataset(dataset) else { return String::new() };
    match property {
        "compression" => row.reported.compression.clone(),
        _ => row.reported.record.map(record).unwrap_or_default(),
    }
}

/// A record size as it is set: `16K`, `1M`.
fn record(bytes: u64) -> String {
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    match bytes {
        bytes if bytes % MIB == 0 => format!("{}M", bytes / MIB),
        bytes if bytes % KIB == 0 => format!("{}K", bytes / KIB),
        bytes => bytes.to_string(),
    }
}

fn ask(pool: String, act: PoolAct) -> Effect {
    let (title, doc) = (format!("{}?", act.phrase(&pool)), act.doc());
    let lines = vec![vec![(doc, Role::Text)]];
    Effect::Open(Box::new(Confirm::new(title, lines, Job::Pool { pool, act })))
}
