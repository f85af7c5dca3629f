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

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::*;
    use crate::{
        model::pool::{Dataset, DatasetRow, Pool, PoolRow, Scan},
        request::Command,
        ui::{action::Action, canvas::testing::drawn, view::Overlay},
    };

    fn machine(scan: Option<(ScanKind, ScanState)>) -> State {
        let mut state = State::new(Vec::new().into());
        let scan = scan.map(|(kind, state)| Scan {
            kind,
            state,
            started_unix: None,
            ended_unix: None,
            done_ratio: None,
            remaining: None,
            errors: 0,
            repaired_bytes: None,
        });
        let mut row = PoolRow::default();
        (row.name, row.reported) = ("tank".into(), Some(Pool { scan, ..Pool::default() }));
        state.host.pools.rows = vec![row];
        let dataset = |name: &str, used: u64, record: u64| {
            let (name, compression) = (name.to_owned(), "lz4".to_owned());
            let reported = Dataset { name, used, compression, record: Some(record), ..Dataset::default() };
            DatasetRow { reported, ..DatasetRow::default() }
        };
        let mut volume = dataset("tank/vm", 9, 16 << 10);
        volume.reported.volume = true;
        state.host.pools.datasets = vec![
            dataset("tank/db", 1 << 30, 16 << 10),
            dataset("tank/media", 3 << 30, 1 << 20),
            volume,
            dataset("other", 9, 512),
        ];
        state
    }

    fn opened(effects: Vec<Effect>) -> Box<dyn Overlay> {
        match effects.into_iter().rev().find(|effect| !matches!(effect, Effect::Close)) {
            Some(Effect::Open(overlay)) => overlay,
            Some(Effect::Say(_, words)) => panic!("{words}"),
            _ => panic!("nothing opens"),
        }
    }

    fn lines(menu: &dyn Overlay, state: &State) -> Vec<String> {
        let (_, rows) = menu.size(state);
        let lines = drawn(state, (80, rows), |cx, area, canvas| menu.draw(cx, area, canvas)).lines();
        lines.iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    /// What follows the choice of the line that begins so.
    fn chosen(menu: &mut dyn Overlay, state: &State, begins: &str) -> Vec<Effect> {
        let at = lines(menu, state).iter().position(|line| line.starts_with(begins)).expect("it is offered");
        menu.act(Action::Top, state);
        (0..at).for_each(|_| drop(menu.act(Action::Down, state)));
        menu.act(Action::Open, state).expect("it is chosen")
    }

    /// What a yes to a question does.
    fn yes(question: &mut dyn Overlay, state: &State) -> PoolAct {
        let effects = question.key(KeyEvent::new(KeyCode::Char('y'), KeyModifiers::NONE), state).unwrap_or_default();
        let job = effects.into_iter().find_map(|effect| match effect {
            Effect::Do(Command::Job(Job::Pool { pool, act })) if pool == "tank" => Some(act),
            _ => None,
        });
        job.expect("a job of the pool")
    }

    #[test]
    fn a_scrub_under_way_is_paused_or_stopped_and_no_other_scan() {
        use ScanKind::{Resilver, Scrub};
        use ScanState::{Finished, Paused, Running};
        for (scan, offers) in [
            (None, vec![("scrub", PoolAct::Scrub)]),
            (Some((Scrub, Finished)), vec![("scrub", PoolAct::Scrub)]),
            (Some((Resilver, Running)), vec![("scrub", PoolAct::Scrub)]),
            (
                Some((Scrub, Running)),
                vec![("pause the scrub", PoolAct::PauseScrub), ("stop the scrub", PoolAct::StopScrub)],
            ),
            (
                Some((Scrub, Paused)),
                vec![("resume the scrub", PoolAct::ResumeScrub), ("stop the scrub", PoolAct::StopScrub)],
            ),
        ] {
            let state = machine(scan);
            let menu = opened(choose("tank", &state));
            assert_eq!(lines(&*menu, &state).len(), offers.len() + 3, "{scan:?}");
            for (label, act) in offers.into_iter().chain([("clear errors", PoolAct::Clear)]) {
                let mut menu = opened(choose("tank", &state));
                assert_eq!(yes(&mut *opened(chosen(&mut *menu, &state, label)), &state), act);
            }
        }
        let said = choose("gone", &machine(None)).pop();
        assert!(matches!(said, Some(Effect::Say(_, words)) if words == "no pool is selected"));
    }

    #[test]
    fn a_property_is_set_of_a_filesystem_of_the_pool() {
        let state = machine(None);
        let mut menu = opened(choose("tank", &state));
        let mut which = opened(chosen(&mut *menu, &state, "record size"));
        assert_eq!(which.title(&state), "recordsize of which dataset of tank?");
        assert_eq!(lines(&*which, &state), ["tank/db 16K", "tank/media 1M"]);
        let mut values = opened(chosen(&mut *which, &state, "tank/db"));
        assert_eq!(lines(&*values, &state), ["16K as it is now", "32K", "64K", "128K", "256K", "1M"]);
        let set = yes(&mut *opened(chosen(&mut *values, &state, "64K")), &state);
        let (dataset, property) = ("tank/db".to_owned(), "recordsize".to_owned());
        assert_eq!(set, PoolAct::Set { dataset, property, value: "64K".into(), before: "16K".into() });
        let mut menu = opened(choose("tank", &state));
        let mut which = opened(chosen(&mut *menu, &state, "compression"));
        let values = opened(chosen(&mut *which, &state, "tank/media"));
        assert_eq!(values.title(&state), "compression of tank/media");
        assert_eq!(lines(&*values, &state)[..2], ["lz4 as it is now", "zstd"]);
    }

    #[test]
    fn record_sizes_are_written_as_they_are_set() {
        assert_eq!(
            [512, 1 << 10, 16 << 10, 128 << 10, 1 << 20, 16 << 20].map(record),
            ["512", "1K", "16K", "128K", "1M", "16M"]
        );
    }

    #[test]
    fn what_fills_a_pool_is_listed_the_largest_first() {
        let state = machine(None);
        let menu = opened(compress("tank", &state));
        assert_eq!(lines(&*menu, &state), ["tank/media 3.0G · compression lz4", "tank/db 1.0G · compression lz4"]);
        let said = compress("empty", &state).pop();
        let words = "the datasets of empty are not known: zfs does not answer";
        assert!(matches!(said, Some(Effect::Say(_, said)) if said == words));
    }
}
