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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::regression::Verdict,
        target::Bound,
        ui::benchmarks::{
            known::Goals,
            testing::{goals, key, latency, measured, offered, random, series, start, state},
        },
    };

    /// Each line in words: a heading in brackets, what cannot be measured after a dash.
    fn listed(state: &State, goals: &Goals, listing: &Listing) -> Vec<String> {
        let words = |line: &Line| match line {
            Line::Blank => String::new(),
            Line::Heading(group) => format!("[{}]", group.name()),
            Line::Item(item) => {
                let missing = item.missing.as_ref().map_or_else(String::new, |why| format!(", {why}"));
                let parts = (if item.main { "" } else { " " }, item.name(), if item.named { "*" } else { "" });
                format!("{}{}{}{missing}", parts.0, parts.1, parts.2)
            }
            Line::Missing { titles, why, .. } => format!("- {}: {why}", titles.join(", ")),
        };
        lines(Known { state, goals }, listing).iter().map(words).collect()
    }

    fn all(state: &State) -> Vec<String> {
        listed(state, &Goals::new(), &Listing::default())
    }

    fn filtered(state: &State, filter: &str) -> Vec<String> {
        listed(state, &Goals::new(), &Listing { filter: filter.to_owned(), ..Listing::default() })
    }

    const HERE: [&str; 8] =
        ["[containers]", "start", "", "[storage]", "tank · random 4k*", "- random 4k: no space", "", "[models]"];

    #[test]
    fn groups_list_what_can_be_measured_and_why_the_rest_cannot() {
        assert!(all(&State::default()).is_empty(), "it is not known yet");
        assert_eq!(all(&state()), [&HERE[..], &["- : no GPU"]].concat(), "a group that is missing as a whole");
        let mut two = state();
        two.runs.catalog.as_mut().unwrap().benches[3].offers[0].missing = Some("no key".to_owned());
        assert_eq!(all(&two)[8..], ["- load: no GPU", "- tokens: no key"], "each title once");
        two.runs.catalog.as_mut().unwrap().benches[3].figures.clear();
        assert_eq!(all(&two)[9], "- tokens: no key", "the name of the benchmark");
    }

    #[test]
    fn other_figures_are_listed_for_a_reason() {
        let of = series("storage_latency_seconds", "tank");
        let with = |is: Verdict| {
            let mut state = state();
            measured(&mut state, &of, &[(1, 0.004, is, 1.2)]);
            all(&state).contains(&" tank · latency*".to_owned())
        };
        assert_eq!(
            [Verdict::Same, Verdict::Improved, Verdict::Drift, Verdict::Suspect].map(with),
            [false, false, true, true]
        );
        assert_eq!(listed(&state(), &goals(&of, Bound::Below(1.0)), &Listing::default())[5], " tank · latency*");
        let unfolded = [key("random", "tank")].into();
        let lines = listed(&state(), &Goals::new(), &Listing { unfolded, filter: String::new() });
        assert_eq!(lines[4..7], ["tank · random 4k*", " tank · latency*", "- random 4k: no space"]);
    }

    #[test]
    fn what_was_measured_once_stays_listed() {
        let mut state = state();
        measured(&mut state, &series("storage_random_iops", "/srv"), &[(1, 9.0, Verdict::Same, 1.0)]);
        measured(&mut state, &series("storage_random_iops", "/old"), &[(1, 9.0, Verdict::Same, 1.0)]);
        measured(&mut state, &series("another_figure", "/old"), &[(1, 9.0, Verdict::Same, 1.0)]);
        assert_eq!(
            all(&state)[4..8],
            ["tank · random 4k*", "/srv · random 4k*, no space", "/old · random 4k*, no longer offered here", ""]
        );
    }

    #[test]
    fn a_name_says_what_it_is_of_where_there_are_several() {
        let mut state = state();
        let bench = |offers: &[(&str, Option<&str>)]| offered("start", Group::Containers, &[start()], offers);
        let mut named = |offers: &[(&str, Option<&str>)]| {
            state.runs.catalog.as_mut().unwrap().benches[0] = bench(offers);
            all(&state)[1].clone()
        };
        assert_eq!(named(&[("", None)]), "start");
        assert_eq!(named(&[("podman", None)]), "podman · start");
        assert_eq!(named(&[("podman", None), ("docker", None)]), "podman · start*");
        assert_eq!(named(&[("", None), ("docker", None)]), "start");
    }

    #[test]
    fn a_filter_finds_every_word_wherever_it_is() {
        let mut state = state();
        measured(&mut state, &series("container_start_seconds", ""), &[(1, 0.6, Verdict::Suspect, 1.2)]);
        let storage = HERE[3..6].to_vec();
        assert_eq!(filtered(&state, "STORAGE"), storage);
        assert_eq!(filtered(&state, "storage random"), storage);
        assert_eq!(filtered(&state, "  tank iops "), HERE[3..5]);
        assert_eq!(filtered(&state, "suspect"), HERE[..2]);
        assert_eq!(filtered(&state, "gpu"), ["[models]", "- : no GPU"]);
        assert_eq!(filtered(&state, "tank gpu"), [""; 0]);
        assert_eq!(filtered(&state, "start"), HERE[..2]);
    }

    #[test]
    fn lines_that_can_be_selected_have_a_key_of_their_own() {
        let state = state();
        let goals = Goals::new();
        let lines = lines(Known { state: &state, goals: &goals }, &Listing::default());
        let keys: Vec<Option<u64>> = lines.iter().map(Line::key).collect();
        assert_eq!(
            keys.iter().map(Option::is_some).collect::<Vec<_>>(),
            [false, true, false, false, true, true, false, false, true]
        );
        let mut some: Vec<u64> = keys.into_iter().flatten().collect();
        assert_eq!(some[1], item_key(&series(&random().id, "tank")));
        some.sort_unstable();
        some.dedup();
        assert_eq!(some.len(), 4);
        assert_ne!(item_key(&series(&latency().id, "tank")), item_key(&series(&random().id, "tank")));
    }
}
