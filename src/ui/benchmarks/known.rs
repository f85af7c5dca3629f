//! What the panel knows: the state, and which target each series of runs has on this machine.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    model::figure::SeriesKey,
    state::{
        State,
        roles::{is_of, roles},
    },
    target::{Bound, Targets},
};

/// What series of runs should reach.
pub type Goals = BTreeMap<SeriesKey, Bound>;

/// What is known.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    pub state: &'a State,
    pub goals: &'a Goals,
}

/// The target of every series that is offered or was measured. One for a role is that of what is assigned to it here; of several
/// the first in the file counts.
#[must_use]
pub fn goals(state: &State, targets: &Targets) -> Goals {
    let assigned = roles(state, &targets.roles);
    let mut goals = Goals::new();
    for series in all_series(state) {
        let fits = |target: &&crate::target::Target| match target.role {
            None => true,
            Some(role) => assigned.get(&role).is_some_and(|assigned| is_of(state, &series.of, &assigned.value)),
        };
        let bound = targets.of_benchmark(&series.benchmark).find(fits).map(|target| target.bound);
        goals.extend(bound.map(|bound| (series, bound)));
    }
    goals
}

fn all_series(state: &State) -> BTreeSet<SeriesKey> {
    let offered = state.runs.catalog.iter().flat_map(|catalog| &catalog.benches).flat_map(|bench| {
        let of = |figure: &str, of: &str| SeriesKey { benchmark: figure.to_owned(), of: of.to_owned() };
        bench.figures.iter().flat_map(move |figure| bench.offers.iter().map(move |offer| of(&figure.id, &offer.of)))
    });
    offered.chain(state.runs.history.keys().cloned()).collect()
}

/// The values at which a bound begins or ends.
#[must_use]
pub fn ends(bound: Bound) -> Vec<f64> {
    match bound {
        Bound::Below(value) | Bound::AtMost(value) | Bound::AtLeast(value) | Bound::About(value) => vec![value],
        Bound::Between(low, high) => vec![low, high],
    }
}
