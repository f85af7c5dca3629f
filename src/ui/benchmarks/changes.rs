//! What changed before a figure got worse, as the panel lists it, and the way back from the nearest change that may be the
//! cause.

use std::time::Duration;

use super::rows::Item;
use crate::{
    analysis::{
        changes::{Fact, between, facts, words},
        regression::RunVerdict,
    },
    model::{bench::Group, pool::pool_of, run::Change},
    request::undo::{self, WayBack},
    state::State,
    units,
};

/// Changes between the last good and the first bad run, nearest to the bad one first.
#[must_use]
pub fn before<'a>(state: &'a State, verdict: &RunVerdict) -> Vec<&'a Change> {
    let Some(since) = &verdict.since else { return Vec::new() };
    between(&state.runs.changes, since.good_unix_ms.unwrap_or(i64::MIN), since.at_unix_ms)
}

/// What changed, without what it is of: `compression lz4 → gzip-9`.
#[must_use]
pub fn phrase(change: &Change) -> String {
    let of = if change.of.is_empty() { ":".to_owned() } else { format!(" of {}:", change.of) };
    words(change).replacen(&of, "", 1)
}

/// True for what may well concern a figure measured on `of`: the thing itself, what it lies in, or the whole machine.
#[must_use]
pub fn concerns(change: &Change, group: Group, of: &str) -> bool {
    if change.of.is_empty() || of.is_empty() || matches!(change.kind.as_str(), "driver" | "engine") {
        return true;
    }
    match group {
        Group::Storage => pool_of(of) == pool_of(&change.of) || of.starts_with(change.of.as_str()),
        _ => of.contains(change.of.as_str()),
    }
}

/// `12m before the first run that is worse`.
#[must_use]
pub fn distance(change: &Change, verdict: &RunVerdict) -> Option<String> {
    let since = verdict.since.as_ref()?;
    let apart = Duration::from_millis(u64::try_from(since.at_unix_ms - change.at_unix_ms).ok()?);
    Some(format!("{} before the first run that is worse", units::span(apart)))
}

/// The way back from the nearest change that may be the cause and is still in force: one that benchtop can go before one
/// that it can only tell.
#[must_use]
pub fn way_back<'a>(state: &'a State, item: &Item, verdict: &RunVerdict) -> Option<(&'a Change, WayBack)> {
    let all = before(state, verdict).into_iter().filter(|change| concerns(change, item.group, &item.bench.of));
    let mut ways: Vec<(&Change, WayBack)> =
        all.filter_map(|change| Some((change, undo::way_back(change, &state.host)?))).collect();
    if !ways.is_empty() {
        let now = facts(&state.host);
        let fact = |change: &Change| Fact {
            kind: change.kind.clone(),
            of: change.of.clone(),
            property: change.property.clone(),
        };
        ways.retain(|(change, _)| now.get(&fact(change)) == change.after.as_ref());
    }
    let at = ways.iter().position(|(_, way)| matches!(way, WayBack::Do(_))).unwrap_or(0);
    (at < ways.len()).then(|| ways.swap_remove(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(kind: &str, of: &str, property: &str) -> Change {
        let (before, after) = (Some("a".to_owned()), Some("b".to_owned()));
        let [kind, of, property] = [kind, of, property].map(str::to_owned);
        Change { at_unix_ms: 0, kind, of, property, before, after }
    }

    #[test]
    fn phrases_leave_out_what_has_a_column() {
        assert_eq!(phrase(&change("dataset", "tank/db", "compression")), "compression a → b");
        assert_eq!(phrase(&change("kernel", "", "release")), "kernel a → b");
        assert_eq!(phrase(&change("limits", "web", "cpus")), "CPU limit a → b");
    }

    #[test]
    fn changes_of_other_things_do_not_concern_a_figure() {
        let of = |kind, of| change(kind, of, "x");
        assert!(concerns(&of("kernel", ""), Group::Storage, "tank/db"));
        assert!(concerns(&of("dataset", "tank/db"), Group::Storage, "tank/db"));
        assert!(concerns(&of("pool", "tank"), Group::Storage, "tank/db"));
        assert!(!concerns(&of("pool", "media"), Group::Storage, "tank/db"));
        assert!(!concerns(&of("image", "postgres"), Group::Storage, "tank/db"));
        assert!(concerns(&of("engine", "docker"), Group::Containers, "alpine:3.22"));
    }
}
