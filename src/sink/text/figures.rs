//! Processor, memory, pressure and processes, a line each; a source that is not live has none.

use super::line::{counted, live, or_absent, row};
use crate::{
    model::{cpu::CpuShares, pressure::Stalls, source::SourceId},
    sink::report,
    state::State,
    units,
};

pub(super) fn figures(state: &State, page: &mut String) {
    let host = &state.host;
    if live(state, SourceId::Cpu) {
        let shares = host.cpu.shares;
        let part = |f: fn(&CpuShares) -> f64| or_absent(shares.as_ref().map(f), units::percent);
        let mut text = format!(
            "{} busy · user {} · system {} · iowait {} · steal {}",
            part(|s| s.busy),
            part(|s| s.user),
            part(|s| s.system),
            part(|s| s.iowait),
            part(|s| s.steal)
        );
        if let Some(hertz) = host.cpu.hertz {
            text += &format!(" · {:.2} GHz", hertz / 1e9);
        }
        if let Some(celsius) = host.sensors.cpu_celsius {
            text += &format!(" · {celsius:.0} °C");
        }
        if let Some(watts) = host.power.package_watts {
            text += &format!(" · {watts:.0} W");
        }
        row(page, "cpu", text);
    }
    if live(state, SourceId::Load) {
        let load = host.load.raw;
        let scope = if host.facts.load_of_host { " (host-wide)" } else { "" };
        row(page, "load", format!("{:.2} {:.2} {:.2}{scope}", load.load1, load.load5, load.load15));
    }
    if live(state, SourceId::Memory) {
        let m = &host.memory;
        let long = |bytes: u64| units::bytes_long(bytes as f64);
        let arc = m.raw.arc.map_or_else(String::new, |arc| format!(" · ARC {}", long(arc.size)));
        let huge = m.huge().map_or_else(String::new, |(total, used)| {
            format!(" · huge pages {} reserved, {} used", long(total), long(used))
        });
        row(
            page,
            "memory",
            format!(
                "{} used of {} ({}){huge} · {} available{arc} · cache {} · free {}",
                long(m.used),
                long(m.raw.total),
                or_absent(m.used_ratio, units::percent),
                long(m.available),
                long(m.cache),
                long(m.free)
            ),
        );
        if m.raw.swap_total > 0 {
            row(page, "swap", format!("{} used of {}", long(m.swap_used), long(m.raw.swap_total)));
        }
    }
    own_limits(state, page);
    if live(state, SourceId::Pressure) {
        let p = host.pressure.raw;
        let scope = if host.facts.pressure_of_host { ", host-wide" } else { "" };
        let some = |s: Option<Stalls>| or_absent(s, |s| format!("{:.1}%", s.some.avg10 * 100.0));
        row(
            page,
            "pressure",
            format!("cpu {} · memory {} · io {} (some, 10 s{scope})", some(p.cpu), some(p.memory), some(p.io)),
        );
    }
    let counts = host.processes.counts;
    if live(state, SourceId::Processes) {
        let threads = host.processes.rows.iter().filter(|p| !p.is_thread()).map(|p| u64::from(p.threads)).sum();
        let counted = format!(
            "{} · {} · {} running · {} blocked · {}",
            counts.total,
            counted(threads, "thread"),
            counts.running,
            counts.blocked,
            counted(u64::from(counts.zombie), "zombie")
        );
        row(
            page,
            "processes",
            report::hidden(state).map_or(counted, |hidden| format!("{} seen · {hidden}", counts.total)),
        );
    }
}

/// What this program and what runs beside it in the same container may use.
fn own_limits(state: &State, page: &mut String) {
    let limits = &state.host.limits;
    let mut words = Vec::new();
    if let Some(cores) = limits.raw.cpu_cores {
        words.push(format!("cpu {} of {cores:.1} cores", or_absent(limits.cpu_ratio, units::percent)));
    }
    words.extend(limits.throttled_ratio.map(|r| format!("throttled {}", units::percent(r))));
    if let Some(most) = limits.raw.memory_bytes {
        let used = or_absent(limits.raw.memory_used_bytes, |b| units::bytes_long(b as f64));
        words.push(format!("memory {used} of {}", units::bytes_long(most as f64)));
    }
    if live(state, SourceId::Limits) && !words.is_empty() {
        row(page, "cgroup limits", words.join(" · "));
    }
}
