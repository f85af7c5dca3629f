//! Room for what is written, and pools that are busy with themselves.

use super::say::{passed, stops, warns};
use crate::{
    model::{
        bench::{Check, Plan},
        filesystem::Filesystem,
        pool::{ScanKind, ScanState, is_below, pool_of},
    },
    state::State,
    units::{bytes_long, percent},
};

/// Free must be so many times what a run takes: it shares the place with everybody else.
const TIMES: u64 = 2;
/// A filesystem that a run would fill further than this slows down.
const FULL: f64 = 0.9;

/// The filesystem that a path is in.
fn filesystem<'a>(state: &'a State, path: &str) -> Option<&'a Filesystem> {
    let all = state.host.filesystems.filesystems.iter();
    all.filter(|one| is_below(path, &one.mount)).max_by_key(|one| one.mount.len())
}

/// One check for each filesystem that is written to: what runs at one time is removed before the next begins.
pub(super) fn checks(state: &State, plans: &[(&str, &Plan)]) -> Vec<Check> {
    let mut places: Vec<(String, Option<u64>, u64)> = Vec::new();
    for (_, plan) in plans.iter().filter(|(_, plan)| plan.needs > 0) {
        let Some(place) = &plan.place else { continue };
        let found = filesystem(state, place);
        let name = found.map_or(place.as_str(), |found| found.mount.as_str());
        let free = found.and_then(|found| Some(found.space.as_ref().ok()?.available));
        match places.iter_mut().find(|(known, ..)| known == name) {
            Some((_, _, needs)) => *needs = (*needs).max(plan.needs),
            None => places.push((name.to_owned(), free, plan.needs)),
        }
    }
    let check = |(name, free, needs): (String, Option<u64>, u64)| {
        let needed = bytes_long((needs * TIMES) as f64);
        let Some(free) = free else {
            return warns(format!("how much is free on {name} is not known, {needed} are needed"));
        };
        let words = format!("{name} has {} free, {needed} are needed", bytes_long(free as f64));
        if free < needs * TIMES {
            return stops(format!("{words}: delete something, or choose another place"));
        }
        let space = filesystem(state, &name).and_then(|found| found.space.as_ref().ok());
        match space.filter(|space| (space.used() + needs) as f64 > FULL * space.size as f64) {
            Some(space) => warns(format!(
                "{words}; it will be {} full meanwhile, which slows it down",
                percent((space.used() + needs) as f64 / space.size as f64)
            )),
            None => passed(words),
        }
    };
    places.into_iter().map(check).collect()
}

/// Pools that scan, or miss devices.
pub(super) fn pools(state: &State, plans: &[(&str, &Plan)]) -> Vec<Check> {
    let measured = |pool: &str| {
        let of = |plan: &Plan| {
            let dataset = filesystem(state, plan.place.as_deref()?).filter(|found| found.kind == "zfs")?;
            Some(pool_of(&dataset.device) == pool)
        };
        plans.iter().any(|(_, plan)| of(plan) == Some(true))
    };
    let mut checks = Vec::new();
    for row in &state.host.pools.rows {
        let scan = row.reported.as_ref().and_then(|pool| pool.scan.as_ref());
        if let Some(scan) = scan.filter(|scan| scan.state == ScanState::Running) {
            let what = if scan.kind == ScanKind::Scrub { "scrub" } else { "resilver" };
            let done = scan.done_ratio.map_or_else(String::new, |done| format!(", {} done", percent(done)));
            let words = format!("a {what} of {} is under way{done}", row.name);
            let cure = match scan.kind {
                ScanKind::Scrub => format!("zpool scrub -p {} pauses it", row.name),
                ScanKind::Resilver => "wait for its end".to_owned(),
            };
            checks.push(if measured(&row.name) { stops(format!("{words}: {cure}")) } else { warns(words) });
        }
        if !row.is_healthy() && measured(&row.name) {
            let words = format!("{} is {}", row.name, row.state.to_lowercase());
            let works = row.state == "DEGRADED";
            checks.push(if works { warns(format!("{words}: it is slower than a whole one")) } else { stops(words) });
        }
    }
    if checks.is_empty() && !state.host.pools.rows.is_empty() {
        checks.push(passed("no scrub or resilver is under way"));
    }
    checks
}
