//! Containers as lines: the worst first, each with its state and the reason for it.

use std::{cmp::Reverse, time::Duration};

use super::line::{or_absent, row};
use crate::{
    clock::Stamp,
    model::container::{Container, ContainerRow, Health, RunState},
    state::{State, levels},
    units,
};

/// One line each.
pub(super) fn write(state: &State, page: &mut String) {
    let mut rows: Vec<&ContainerRow> = state.host.containers.rows.iter().collect();
    let busy = |c: &ContainerRow| (c.cpu_cores.unwrap_or(0.0) * 1e6) as u64;
    rows.sort_by_cached_key(|c| (levels::container_urgency(state, c), Reverse(busy(c))));
    for container in rows {
        let meta = &container.meta;
        let mut words = vec![meta.name.clone(), state_words(meta, state.host.now)];
        match container.restarts_lately(state.host.now) {
            0 => {}
            n => words.push(format!("restarted {n}× in 10 min")),
        }
        // What does not run uses nothing: there is no figure to miss.
        if matches!(meta.state, RunState::Running | RunState::Paused) {
            words.push(format!("cpu {}", or_absent(container.cpu_cores, |c| format!("{:.1}%", c * 100.0))));
            let memory = or_absent(container.memory_bytes(), |b| units::bytes_long(b as f64));
            let limit = meta.memory_limit.map_or_else(String::new, |b| format!(" of {}", units::bytes_long(b as f64)));
            words.push(format!("memory {memory}{limit}"));
        }
        words.push(meta.image.clone());
        row(page, "container", words.join(" · "));
    }
}

/// `exited (137) 26m ago, OOM-killed`, `unhealthy (5 checks failed)`, `running`.
fn state_words(meta: &Container, now: Stamp) -> String {
    let code = || meta.exit_code.map_or_else(String::new, |code| format!(" ({code})"));
    match (meta.state, meta.health) {
        (RunState::Running, Some(Health::Unhealthy)) if meta.failing_streak > 0 => {
            let checks = if meta.failing_streak == 1 { "check" } else { "checks" };
            format!("unhealthy ({} {checks} failed)", meta.failing_streak)
        }
        (RunState::Running, Some(health)) => health.word().to_owned(),
        (RunState::Restarting, _) => format!("restarting{}", code()),
        (RunState::Exited | RunState::Dead, _) => {
            let ago = meta.finished_unix_ms.and_then(|then| u64::try_from(now.unix_ms - then).ok());
            let ago =
                ago.map_or_else(String::new, |ms| format!(" {} ago", units::span_short(Duration::from_millis(ms))));
            let killed = if meta.oom_killed { ", OOM-killed" } else { "" };
            format!("{}{}{ago}{killed}", meta.word(), code())
        }
        _ => meta.word().to_owned(),
    }
}
