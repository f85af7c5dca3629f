//! Classes of load for an order that stays calm: the busiest rows come first, and half a per cent of CPU moves none. A
//! class is twice the one below it, and a row leaves its class only when it is clearly outside of it.

use std::{collections::HashMap, hash::Hash};

/// Below this a row is idle, in cores.
const IDLE: f64 = 0.05;
/// How far beyond its edge a row must be to leave a class.
const BEYOND: f64 = 1.25;

/// The class that each row is in.
#[derive(Debug)]
pub(super) struct Steady<K> {
    classes: HashMap<K, (u8, bool)>,
}

impl<K> Default for Steady<K> {
    fn default() -> Self {
        Steady { classes: HashMap::new() }
    }
}

impl<K: Eq + Hash> Steady<K> {
    /// A round begins.
    pub(super) fn begin(&mut self) {
        self.classes.values_mut().for_each(|(_, seen)| *seen = false);
    }

    /// The class of the row, now that it does `load`.
    pub(super) fn class(&mut self, key: K, load: f64) -> u8 {
        let (class, seen) = self.classes.entry(key).or_insert_with(|| (of(load), true));
        *seen = true;
        if of(load / BEYOND) > *class || of(load * BEYOND) < *class {
            *class = of(load);
        }
        *class
    }

    /// A round ends: rows that are gone are forgotten.
    pub(super) fn end(&mut self) {
        self.classes.retain(|_, (_, seen)| *seen);
    }
}

/// 0 below [`IDLE`], 1 up to twice that, and so on.
fn of(load: f64) -> u8 {
    if load < IDLE { 0 } else { (load / IDLE).log2().floor().clamp(0.0, 200.0) as u8 + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_twice_the_one_below() {
        assert_eq!([0.0, 0.049, 0.05, 0.09, 0.11, 0.5, 1.0].map(of), [0, 0, 1, 1, 2, 4, 5]);
        assert_eq!(of(f64::MAX), 201);
    }

    #[test]
    fn a_row_at_the_edge_of_a_class_stays_in_it() {
        let mut steady = Steady::default();
        let mut class = |load| {
            steady.begin();
            let class = steady.class(7, load);
            steady.end();
            class
        };
        assert_eq!([0.09, 0.11, 0.098, 0.12].map(&mut class), [1, 1, 1, 1]);
        assert_eq!([0.13, 0.095, 0.085].map(&mut class), [2, 2, 2]);
        assert_eq!(class(0.07), 1);
    }

    #[test]
    fn a_row_that_was_gone_begins_anew() {
        let mut steady = Steady::default();
        steady.begin();
        assert_eq!(steady.class(7, 0.11), 2);
        steady.end();
        steady.begin();
        steady.end();
        steady.begin();
        assert_eq!(steady.class(7, 0.09), 1);
    }
}
