//! What speaks against a run before it begins: pure over what is known of the machine and what is planned. Each check
//! says what it found, so that nobody has to trust a silent yes.

mod busy;
mod room;
mod say;
#[cfg(test)]
mod tests;

use self::say::passed;
pub(super) use self::say::warns;
use crate::{
    alert::{Level, Watch},
    model::{
        alert::Labels,
        bench::{Check, Plan, Planned},
    },
    state::State,
};

/// All that was looked at, the worst first.
#[must_use]
pub fn checks(state: &State, planned: &[Planned]) -> Vec<Check> {
    let plans: Vec<(&str, &Plan)> =
        planned.iter().filter_map(|part| Some((part.key.bench.as_str(), part.plan.as_ref().ok()?))).collect();
    if plans.is_empty() {
        return Vec::new();
    }
    let mut checks = room::checks(state, &plans);
    checks.extend(room::pools(state, &plans));
    checks.extend([busy::load(state), alerts(state), busy::heat(state)]);
    checks.extend(busy::models(state, &plans));
    checks.extend(busy::servers(state, &plans));
    checks.extend(busy::disks(state, &plans));
    checks.sort_by_key(|check| std::cmp::Reverse(check.outcome));
    checks
}

/// What is wrong already makes figures worse than the machine is; a figure that is worse does not.
fn alerts(state: &State) -> Check {
    let of_benchmark = |labels: &Labels| labels.iter().any(|(name, _)| name == "benchmark");
    let counts = |w: &&Watch| !w.acknowledged && w.level >= Level::Warn && !of_benchmark(&w.labels);
    let open: Vec<_> = state.watches.iter().filter(counts).collect();
    let Some(worst) = open.first() else { return passed("no alert is pending or firing") };
    let which = if worst.held { "fires" } else { "is pending" };
    let more = if open.len() > 1 { format!(", and {} more", open.len() - 1) } else { String::new() };
    warns(format!("an alert {which}: {}{more}", worst.say))
}
