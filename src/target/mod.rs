//! What a good machine reaches: targets as data, with the roles that name what they are measured on.

mod bound;
mod load;
mod role;

pub use bound::{Bound, Fault, show};
pub use load::{shipped, targets_of};
pub use role::Role;

use std::{collections::BTreeMap, sync::Arc};

use crate::model::unit::Unit;

/// One target.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// What it is called in the config; unique.
    pub name: String,
    /// What it is called in reports; the small and the large model share one.
    pub id: String,
    pub unit: Unit,
    pub bound: Bound,
    /// The user does not aim at it.
    pub off: bool,
    /// What it is measured on, where that matters.
    pub role: Option<Role>,
    pub measure: Measure,
    /// How to measure it, in a line.
    pub how: String,
}

/// What measures a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// The figure of a benchmark.
    pub benchmark: Option<String>,
    /// A metric, now.
    pub metric: Option<String>,
    /// One moment of the metric says nothing: a week of it is aimed at.
    pub week: bool,
    /// Why nothing can measure it.
    pub missing: Option<String>,
}

/// All targets with what the user set.
#[derive(Debug, Clone, PartialEq)]
pub struct Targets {
    pub rows: Arc<[Target]>,
    /// The roles that the user gave.
    pub roles: BTreeMap<Role, String>,
}

impl Default for Targets {
    fn default() -> Self {
        Targets { rows: shipped().into(), roles: BTreeMap::new() }
    }
}

impl Targets {
    /// The targets that a figure of a benchmark is measured for.
    pub fn of_benchmark<'a>(&'a self, figure: &'a str) -> impl Iterator<Item = &'a Target> {
        self.rows.iter().filter(move |target| !target.off && target.measure.benchmark.as_deref() == Some(figure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_measured_for_targets_that_are_aimed_at() {
        let mut targets = Targets::default();
        let row = targets.rows.iter().position(|row| row.measure.benchmark.is_some()).expect("one");
        let figure = targets.rows[row].measure.benchmark.clone().expect("a figure");
        let names = |targets: &Targets| targets.of_benchmark(&figure).map(|row| row.name.clone()).collect::<Vec<_>>();
        let all = names(&targets);
        assert!(all.contains(&targets.rows[row].name) && all.len() < targets.rows.len(), "{all:?}");
        assert_eq!(targets.of_benchmark("none").count(), 0);
        let mut rows = targets.rows.to_vec();
        rows[row].off = true;
        targets.rows = rows.into();
        assert_eq!(names(&targets), all[1..], "one that is off is left out");
    }

    #[test]
    fn each_role_is_found_by_its_name() {
        for role in Role::ALL {
            assert_eq!(Role::find(role.name()), Some(role));
        }
        let names = Role::ALL.map(Role::name);
        assert_eq!((names[0], names[8], Role::find("none")), ("models_pool", "large_model", None));
    }
}
