//! `benchtop once`: the machine on one page of plain text, for a pipe, a mail or a chat.

use std::{fmt::Display, io, time::Duration};

use super::report;
use crate::{
    alert::Level,
    model::{event::SourceId, health::Freshness, network::Interface},
    state::State,
    text::elide,
    units::{self, ABSENT},
};

/// Processes listed.
const TOP: usize = 15;

/// Writes the page; `ascii` keeps to plain letters, `columns` cuts long lines.
///
/// # Errors
/// Those of `out`.
pub fn write(state: &State, ascii: bool, columns: usize, out: &mut dyn io::Write) -> io::Result<()> {
    let mut page = String::new();
    host(state, &mut page);
    findings(state, ascii, &mut page);
    figures(state, &mut page);
    devices(state, &mut page);
    gpus(state, &mut page);
    pools(state, &mut page);
    containers(state, &mut page);
    processes(state, &mut page);
    for line in page.lines() {
        let line = elide(line.trim_end(), columns);
        if ascii { writeln!(out, "{}", plain(&line)) } else { writeln!(out, "{line}") }?;
    }
    Ok(())
}

/// Letters that every terminal has.
fn plain(line: &str) -> String {
    line.chars()
        .map(|c| match c {
            '–' => '-',
            '·' => '|',
            '…' => '~',
            c if c.is_ascii() => c,
            _ => '?',
        })
        .collect()
}

fn row(page: &mut String, name: &str, text: impl Display) {
    use std::fmt::Write;
    // Writing into a String cannot fail.
    let _ = writeln!(page, "{name:<12} {text}");
}

fn host(state: &State, page: &mut String) {
    let facts = &state.host.facts;
    let mut words = vec![facts.hostname.clone().unwrap_or_else(|| ABSENT.into())];
    words.extend(facts.os.clone());
    words.extend(facts.kernel.as_ref().map(|k| format!("Linux {k}")));
    words.extend(facts.virtualization.clone());
    if state.host.load.raw.uptime_seconds > 0.0 {
        words.push(format!("up {}", units::span(Duration::from_secs_f64(state.host.load.raw.uptime_seconds))));
    }
    row(page, "host", words.join(" · "));
    if let Some(model) = &facts.cpu_model {
        let cores = facts.cores.map_or_else(String::new, |c| format!(" · {c} cores"));
        let threads = facts.threads.map_or_else(String::new, |t| format!(" · {t} threads"));
        row(page, "processor", format!("{model}{cores}{threads}"));
    }
}

fn findings(state: &State, ascii: bool, page: &mut String) {
    if state.watches.iter().all(|w| !w.held) {
        row(page, "verdict", state.calm().0);
    }
    for watch in state.watches.iter().filter(|w| w.held) {
        let sign = match (watch.level, ascii) {
            (Level::Crit, false) => "✖",
            (Level::Crit, true) => "X",
            (Level::Warn, false) => "▲",
            (Level::Warn, true) => "!",
            _ => "·",
        };
        row(page, "verdict", format!("{sign} {}", watch.say));
    }
}

/// The figure, or `–` where its source is not live.
fn or_absent<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or_else(|| ABSENT.to_owned(), show)
}

fn live(state: &State, source: SourceId) -> bool {
    state.host.health.freshness(source, state.host.now) == Freshness::Live
}

fn figures(state: &State, page: &mut String) {
    let host = &state.host;
    if live(state, SourceId::Cpu) {
        let shares = host.cpu.shares;
        let part = |f: fn(&crate::model::cpu::CpuShares) -> f64| or_absent(shares.as_ref().map(f), units::percent);
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
        row(page, "load", format!("{:.2} {:.2} {:.2}", load.load1, load.load5, load.load15));
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
        let some =
            |s: Option<crate::model::pressure::Stalls>| or_absent(s, |s| format!("{:.1}%", s.some.avg10 * 100.0));
        row(
            page,
            "pressure",
            format!("cpu {} · memory {} · io {} (some, 10 s)", some(p.cpu), some(p.memory), some(p.io)),
        );
    }
    let counts = host.processes.counts;
    if live(state, SourceId::Processes) {
        let counted = format!(
            "{} · {} threads · {} running · {} blocked · {} zombies",
            counts.total, counts.threads, counts.running, counts.blocked, counts.zombie
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
        row(page, "own limits", words.join(" · "));
    }
}

fn devices(state: &State, page: &mut String) {
    let host = &state.host;
    let rate = |v: Option<f64>| or_absent(v, |v| format!("{}/s", units::bytes_long(v)));
    for disk in &host.disks.disks {
        row(
            page,
            "disk",
            format!(
                "{} · read {} · write {} · busy {} · {}",
                disk.raw.name,
                rate(disk.read_per_second),
                rate(disk.write_per_second),
                or_absent(disk.busy_ratio, units::percent),
                disk.raw.model.as_deref().unwrap_or(ABSENT)
            ),
        );
    }
    for fs in &host.filesystems.filesystems {
        let space = match &fs.space {
            Ok(space) => format!(
                "{} used of {}",
                or_absent(space.used_ratio(), units::percent),
                units::bytes_long(space.size as f64)
            ),
            Err(fault) => match fault {
                crate::model::event::Fault::Timeout => "does not answer".to_owned(),
                crate::model::event::Fault::Absent(what) | crate::model::event::Fault::Broken(what) => what.clone(),
                crate::model::event::Fault::Denied { what, .. } => what.clone(),
            },
        };
        let read_only = if fs.read_only { " · read-only" } else { "" };
        row(page, "filesystem", format!("{} · {space} · {} on {}{read_only}", fs.mount, fs.kind, fs.device));
    }
    let (ports, own): (Vec<_>, Vec<_>) = host.network.interfaces.iter().partition(|i| i.raw.is_port());
    for interface in own {
        let raw = &interface.raw;
        let speed =
            raw.speed_bits.map_or_else(String::new, |bits| format!(" · {}", units::bits_per_second(bits as f64)));
        row(
            page,
            "network",
            format!(
                "{} · receive {} · transmit {} · {}{speed}",
                raw.name,
                rate(interface.rx_per_second),
                rate(interface.tx_per_second),
                raw.state.as_deref().unwrap_or(ABSENT)
            ),
        );
    }
    if !ports.is_empty() {
        let sum = |of: fn(&Interface) -> Option<f64>| rate(ports.iter().filter_map(|i| of(i)).reduce(|a, b| a + b));
        let (received, sent) = (sum(|i| i.rx_per_second), sum(|i| i.tx_per_second));
        let text = format!("{} ports of bridges · receive {received} · transmit {sent}", ports.len());
        row(page, "network", text);
    }
    for t in &host.sensors.raw.temperatures {
        row(page, "temperature", format!("{} · {:.0} °C", t.sensor, t.celsius));
    }
    for fan in &host.sensors.raw.fans {
        row(page, "fan", format!("{} · {:.0} turns a minute", fan.sensor, fan.rpm));
    }
}

fn gpus(state: &State, page: &mut String) {
    use crate::model::gpu::CardState;
    for gpu in &state.host.gpus.rows {
        let words = match &gpu.raw.state {
            CardState::Lost(why) => format!("lost: {why}"),
            CardState::Asleep => "asleep".to_owned(),
            CardState::Untold(why) => why.clone(),
            CardState::Up => format!(
                "{} busy · memory {} used · {} · {}",
                or_absent(gpu.busy, units::percent),
                or_absent(gpu.raw.memory_ratio(), units::percent),
                or_absent(gpu.raw.temperature, |c| format!("{c:.0} °C")),
                or_absent(gpu.power, |w| format!("{w:.0} W")),
            ),
        };
        row(page, "gpu", format!("{} · {words}", gpu.raw.label()));
    }
}

fn pools(state: &State, page: &mut String) {
    for pool in &state.host.pools.rows {
        let cause = pool.cause().map_or_else(String::new, |cause| format!(" ({cause})"));
        let scan = pool.told.as_ref().and_then(|told| told.scan.as_ref());
        let scan = crate::model::pool::scan_words(scan, state.host.now);
        let free = pool.told.as_ref().and_then(|told| told.free).map(|free| free as f64);
        row(
            page,
            "pool",
            format!(
                "{} · {}{cause} · {} used · {} free · {scan}",
                pool.name,
                pool.state_words(),
                or_absent(pool.used_ratio(), units::percent),
                or_absent(free, units::bytes_long),
            ),
        );
    }
}

fn containers(state: &State, page: &mut String) {
    for row_of in &state.host.containers.rows {
        let meta = &row_of.meta;
        let word = meta.health.map_or(meta.word(), |health| health.word());
        let restarts = match row_of.restarts_lately(state.host.now) {
            0 => String::new(),
            n => format!(" · {n} restarts in ten minutes"),
        };
        row(
            page,
            "container",
            format!(
                "{} · {word} · cpu {} · memory {} · {}{restarts}",
                meta.name,
                or_absent(row_of.cpu_cores, |c| format!("{:.1}%", c * 100.0)),
                or_absent(row_of.memory_bytes(), |b| units::bytes_long(b as f64)),
                meta.image
            ),
        );
    }
}

fn processes(state: &State, page: &mut String) {
    use std::fmt::Write;
    if !live(state, SourceId::Processes) {
        return;
    }
    let _ = writeln!(page, "\n{:>8} {:<10} S {:>6} {:>7} COMMAND", "PID", "USER", "CPU%", "MEM");
    for p in report::busiest(state).into_iter().take(TOP) {
        let user = report::user_name(&state.host.facts, p.uid);
        let _ = writeln!(
            page,
            "{:>8} {:<10} {} {:>6} {:>7} {}",
            p.key.pid,
            elide(&user, 10),
            char::from(p.state),
            or_absent(p.cpu, |c| format!("{:.1}", c * 100.0)),
            units::bytes_short(p.memory_bytes as f64),
            p.command()
        );
    }
}
