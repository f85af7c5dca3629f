//! The lines of the list: the suite by group, each figure on each target; what cannot be measured here in one line a
//! reason.

use std::collections::{BTreeMap, HashSet};

use super::{known::Known, standing::Standing};
use crate::{
    alert::Level,
    model::{
        bench::{BenchKey, Group, Offered},
        figure::{Figure, SeriesKey},
    },
    state::State,
    ui::table::def::key_of,
};

/// One figure on one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// What is run to measure it.
    pub bench: BenchKey,
    pub group: Group,
    pub figure: Figure,
    /// One sentence: what is measured.
    pub doc: String,
    /// It is the one that its benchmark is about.
    pub main: bool,
    /// It is measured on several targets: its name says which.
    pub named: bool,
    /// Why it cannot be measured here.
    pub missing: Option<String>,
}

impl Item {
    #[must_use]
    pub fn series(&self) -> SeriesKey {
        SeriesKey { benchmark: self.figure.id.clone(), of: self.bench.of.clone() }
    }

    /// As it is called where nothing else says what it is of.
    #[must_use]
    pub fn name(&self) -> String {
        if self.bench.of.is_empty() {
            self.figure.title.clone()
        } else {
            format!("{} · {}", self.bench.of, self.figure.title)
        }
    }
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    Blank,
    Heading(Group),
    Item(Box<Item>),
    /// Benchmarks that cannot be run here for one reason.
    Missing {
        group: Group,
        titles: Vec<String>,
        why: String,
    },
}

impl Line {
    /// What names it for the cursor, where it can be selected.
    #[must_use]
    pub fn key(&self) -> Option<u64> {
        match self {
            Line::Item(item) => Some(item_key(&item.series())),
            Line::Missing { group, why, .. } => Some(key_of(&format!("{}\0{why}", group.name()))),
            Line::Blank | Line::Heading(_) => None,
        }
    }
}

/// The key of a series.
#[must_use]
pub fn item_key(series: &SeriesKey) -> u64 {
    key_of(&format!("{}\0\0{}", series.benchmark, series.of))
}

/// What is listed beside everything: benchmarks with all their figures, and words that must occur.
#[derive(Debug, Default)]
pub struct Listing {
    pub unfolded: HashSet<BenchKey>,
    pub filter: String,
}

/// The lines, by group in the order of the catalog. Of a benchmark the figure that it is about, and those of the others
/// that have bad news or a target; all of them where it is unfolded.
#[must_use]
pub fn lines(known: Known<'_>, listing: &Listing) -> Vec<Line> {
    let state = known.state;
    let Some(catalog) = &state.runs.catalog else { return Vec::new() };
    let words: Vec<String> = listing.filter.split_whitespace().map(str::to_lowercase).collect();
    let mut out = Vec::new();
    for group in Group::ALL {
        let mut items = Vec::new();
        let mut missing: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for offered in catalog.benches.iter().filter(|offered| offered.group == group) {
            for (of, why) in targets(state, offered) {
                let bench = BenchKey { bench: offered.bench.clone(), of };
                let all = figures(offered, &bench, why.as_deref());
                let is_known = all.iter().any(|item| state.runs.history.contains_key(&item.series()));
                match why {
                    // What was measured once stays in the list with its last figure.
                    Some(why) if !is_known => {
                        let title = offered.figures.first().map_or(&offered.bench, |figure| &figure.title);
                        missing.entry(why).or_default().push(title.clone());
                    }
                    _ => items.extend(all.into_iter().filter(|item| is_listed(known, listing, item))),
                }
            }
        }
        let is_all = items.is_empty() && missing.len() == 1;
        let mut part: Vec<Line> = items.into_iter().map(|item| Line::Item(Box::new(item))).collect();
        part.extend(missing.into_iter().map(|(why, mut titles)| {
            titles.dedup();
            if is_all {
                titles.clear();
            }
            Line::Missing { group, titles, why }
        }));
        part.retain(|line| words.iter().all(|word| text_of(known, line, group).contains(word.as_str())));
        if part.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(Line::Blank);
        }
        out.push(Line::Heading(group));
        out.extend(part);
    }
    out
}

/// What a benchmark is offered on, with the reason where it cannot be run; then what its figures were once measured on.
fn targets(state: &State, offered: &Offered) -> Vec<(String, Option<String>)> {
    let mut all: Vec<(String, Option<String>)> =
        offered.offers.iter().map(|offer| (offer.of.clone(), offer.missing.clone())).collect();
    for series in state.runs.history.keys() {
        let is_ours = offered.figures.iter().any(|figure| figure.id == series.benchmark);
        if is_ours && !all.iter().any(|(of, _)| *of == series.of) {
            all.push((series.of.clone(), Some("no longer offered here".to_owned())));
        }
    }
    all
}

fn figures(offered: &Offered, bench: &BenchKey, missing: Option<&str>) -> Vec<Item> {
    let named = !bench.of.is_empty() && offered.offers.len() > 1;
    let item = |(at, figure): (usize, &Figure)| Item {
        bench: bench.clone(),
        group: offered.group,
        figure: figure.clone(),
        doc: offered.doc.clone(),
        main: at == 0,
        named,
        missing: missing.map(str::to_owned),
    };
    offered.figures.iter().enumerate().map(item).collect()
}

fn is_listed(known: Known<'_>, listing: &Listing, item: &Item) -> bool {
    if item.main || listing.unfolded.contains(&item.bench) {
        return true;
    }
    let standing = Standing::of(known, &item.bench, &item.series());
    standing.level() >= Level::Advice || standing.goal.is_some()
}

/// What a filter looks at.
fn text_of(known: Known<'_>, line: &Line, group: Group) -> String {
    let text = match line {
        Line::Item(item) => {
            let verdict = Standing::of(known, &item.bench, &item.series()).verdict().map_or("", |v| v.word());
            format!("{} {} {} {} {verdict}", group.name(), item.bench.bench, item.name(), item.figure.id)
        }
        Line::Missing { titles, why, .. } => format!("{} {} {why}", group.name(), titles.join(" ")),
        Line::Blank | Line::Heading(_) => return String::new(),
    };
    text.to_lowercase()
}
