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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::regression::Verdict,
        target::{Measure, Role, Target},
        ui::benchmarks::testing::{measured, series, state},
    };

    fn target(name: &str, figure: &str, role: Option<Role>, limit: f64) -> Target {
        let measure = Measure { benchmark: Some(figure.to_owned()), metric: None, week: false, missing: None };
        let (id, how) = (name.to_owned(), String::new());
        let unit = crate::model::unit::Unit::PerSecond;
        Target { name: name.to_owned(), id, unit, bound: Bound::AtLeast(limit), off: false, role, measure, how }
    }

    #[test]
    fn a_target_is_for_what_plays_its_role() {
        let mut state = state();
        measured(&mut state, &series("storage_random_iops", "/old"), &[(1, 9.0, Verdict::Same, 1.0)]);
        let rows = [
            target("of the pool", "storage_random_iops", Some(Role::ModelsPool), 1.0),
            target("of staging", "storage_random_iops", Some(Role::Staging), 2.0),
            target("of any", "storage_random_iops", None, 3.0),
            target("later", "storage_random_iops", None, 4.0),
        ];
        let roles = BTreeMap::from([(Role::ModelsPool, "tank".to_owned())]);
        let found = goals(&state, &Targets { rows: rows.into(), roles });
        let goal = |figure: &str, of: &str| found.get(&series(figure, of)).copied();
        assert_eq!(goal("storage_random_iops", "tank"), Some(Bound::AtLeast(1.0)));
        assert_eq!(goal("storage_random_iops", "/srv"), Some(Bound::AtLeast(3.0)), "the first in the file");
        assert_eq!(goal("storage_random_iops", "/old"), Some(Bound::AtLeast(3.0)), "it was measured once");
        assert_eq!((goal("storage_latency_seconds", "tank"), found.len()), (None, 3));
    }

    #[test]
    fn a_bound_has_one_end_or_two() {
        let one = [Bound::Below(2.0), Bound::AtMost(2.0), Bound::AtLeast(2.0), Bound::About(2.0)];
        assert!(one.into_iter().all(|bound| ends(bound) == [2.0]));
        assert_eq!(ends(Bound::Between(1.0, 2.0)), [1.0, 2.0]);
    }
}
