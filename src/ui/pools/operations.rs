//! What can be done to a pool and its datasets: the list, and the question before it.

use crate::{
    act::job::{Job, PoolAct},
    alert::Level,
    model::pool::{ScanKind, ScanState},
    state::State,
    ui::{
        ids::PaneId,
        overlays::{confirm::Confirm, menu::Menu},
        theme::Role,
        view::{Effect, Message, To},
    },
    units::bytes_short,
};

/// Values that are offered: compression, and record sizes.
const COMPRESSIONS: [&str; 6] = ["lz4", "zstd", "zstd-3", "zstd-9", "gzip", "off"];
const RECORDS: [&str; 6] = ["16K", "32K", "64K", "128K", "256K", "1M"];

/// A step in the lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Ask, then do it.
    Act(PoolAct),
    /// Choose a dataset to set this of.
    Datasets(&'static str),
    /// Choose a value for this dataset's property.
    Values(String, &'static str),
}

/// Opens the list for this pool.
#[must_use]
pub fn choose(pool: &str, state: &State) -> Vec<Effect> {
    let Some(row) = state.host.pools.find(pool) else {
        return vec![Effect::Say(Level::Advice, "no pool is selected".to_owned())];
    };
    let mut menu = Menu::new(format!("pool {pool}"));
    let scan = row.told.as_ref().and_then(|t| t.scan.as_ref()).filter(|s| s.kind == ScanKind::Scrub).map(|s| s.state);
    let mut add = |act: PoolAct, label: &str| {
        menu.add(label, act.doc(), false, Message::Pool { pool: pool.to_owned(), step: Step::Act(act) });
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
        let step = Step::Datasets(property);
        menu.add(label, "of a dataset; affects new writes only", false, Message::Pool { pool: pool.to_owned(), step });
    }
    vec![Effect::Open(Box::new(menu.telling(To::Pane(PaneId::Pools))))]
}

/// Goes a step further.
#[must_use]
pub fn answer(pool: String, step: Step, state: &State) -> Vec<Effect> {
    match step {
        Step::Act(act) => vec![ask(pool, act)],
        Step::Datasets(property) => {
            let mut menu = Menu::new(format!("{property} of which dataset of {pool}?"));
            for row in state.host.pools.datasets.iter().filter(|d| d.told.pool() == pool && !d.told.volume) {
                let step = Step::Values(row.told.name.clone(), property);
                menu.add(
                    row.told.name.clone(),
                    value_of(state, &row.told.name, property),
                    false,
                    Message::Pool { pool: pool.clone(), step },
                );
            }
            vec![Effect::Open(Box::new(menu.telling(To::Pane(PaneId::Pools))))]
        }
        Step::Values(dataset, property) => {
            let before = value_of(state, &dataset, property);
            let mut menu = Menu::new(format!("{property} of {dataset}"));
            for value in if property == "compression" { COMPRESSIONS } else { RECORDS } {
                let here = value.eq_ignore_ascii_case(&before);
                let act = PoolAct::Set {
                    dataset: dataset.clone(),
                    property,
                    value: value.to_owned(),
                    before: before.clone(),
                };
                let doc = if here { "as it is now" } else { "" };
                menu.add(value, doc, here, Message::Pool { pool: pool.clone(), step: Step::Act(act) });
            }
            vec![Effect::Open(Box::new(menu.telling(To::Pane(PaneId::Pools))))]
        }
    }
}

/// The value in force.
fn value_of(state: &State, dataset: &str, property: &str) -> String {
    let Some(row) = state.host.pools.dataset(dataset) else { return String::new() };
    match property {
        "compression" => row.told.compression.clone(),
        _ => row.told.record.map(|bytes| bytes_short(bytes as f64)).unwrap_or_default(),
    }
}

fn ask(pool: String, act: PoolAct) -> Effect {
    let (title, doc) = (format!("{}?", act.phrase(&pool)), act.doc());
    let lines = vec![vec![(doc, Role::Text)]];
    Effect::Open(Box::new(Confirm::new(title, lines, Job::Pool { pool, act })))
}
