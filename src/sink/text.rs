//! `benchtop once`: the machine on one page of plain text, for a pipe, a mail or a chat.

mod containers;
mod models;
mod services;

use std::{fmt::Display, io, time::Duration};

use super::{Sink, report};
use crate::{
    alert::Level,
    model::{health::Freshness, network::Interface, source::SourceId},
    state::State,
    text::{clean, elide},
    units::{self, ABSENT},
};

/// Processes listed.
const TOP: usize = 15;
/// Columns of a command's line where nothing says how wide the reader is: some commands have thousands of letters.
const COMMAND_LINE: usize = 160;

/// One page at the end of the run.
pub struct Text<W> {
    /// Where to.
    pub out: W,
    /// In plain letters.
    pub ascii: bool,
    /// Longer lines are cut.
    pub columns: usize,
}

impl<W: io::Write> Sink for Text<W> {
    fn finish(&mut self, state: &State) -> io::Result<()> {
        write(state, self.ascii, self.columns, &mut self.out)?;
        self.out.flush()
    }
}

/// Writes the page; `ascii` keeps to plain letters, `columns` cuts long lines.
///
/// # Errors
/// Those of `out`.
pub fn write(state: &State, ascii: bool, columns: usize, out: &mut dyn io::Write) -> io::Result<()> {
    let mut page = String::new();
    host(state, &mut page);
    alerts(state, ascii, &mut page);
    figures(state, &mut page);
    devices(state, &mut page);
    gpus(state, &mut page);
    pools(state, &mut page);
    engines(state, &mut page);
    containers::write(state, &mut page);
    services::lines(state).iter().for_each(|words| row(&mut page, "service", words));
    models::lines(state).into_iter().for_each(|(name, text)| row(&mut page, name, text));
    processes(state, columns, &mut page);
    for line in page.lines() {
        let line = clean(line.trim_end());
        let line = elide(&line, columns);
        if ascii { writeln!(out, "{}", plain(&line)) } else { writeln!(out, "{line}") }?;
    }
    Ok(())
}

/// What the machine is and how it is, in rows of a name and its figures: without commands and addresses.
#[must_use]
pub fn summary(state: &State) -> Vec<(String, String)> {
    let mut page = String::new();
    host(state, &mut page);
    figures(state, &mut page);
    gpus(state, &mut page);
    pools(state, &mut page);
    let split = |line: &str| {
        let (name, text) = line.split_once(' ').unwrap_or((line, ""));
        (name.to_owned(), text.trim().to_owned())
    };
    let mut rows: Vec<(String, String)> = page.lines().filter(|line| !line.trim().is_empty()).map(split).collect();
    let containers = &state.host.containers;
    if live(state, SourceId::Containers) && !containers.rows.is_empty() {
        rows.push(("containers".to_owned(), format!("{} of {} run", containers.running(), containers.rows.len())));
    }
    rows
}

/// Letters that every terminal has.
pub(super) fn plain(line: &str) -> String {
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
    let _ = writeln!(page, "{name:<12} {}", clean(&text.to_string()));
}

fn host(state: &State, page: &mut String) {
    let facts = &state.host.facts;
    let mut words = vec![facts.hostname.clone().unwrap_or_else(|| ABSENT.into())];
    words.extend(facts.os.clone());
    words.extend(facts.kernel.as_ref().map(|k| format!("Linux {k}")));
    words.extend(facts.virtualization.as_deref().map(|kind| match kind {
        "vm" => "virtual machine".to_owned(),
        kind => format!("virtual ({kind})"),
    }));
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

fn alerts(state: &State, ascii: bool, page: &mut String) {
    let pending = state.verdict().pending;
    if state.watches.iter().all(|w| !w.held) {
        let (calm, level) = state.calm();
        let unread = level == Level::Unknown && state.host.health.any_figures();
        let calm = if unread { "waiting for some sources".to_owned() } else { calm };
        row(page, "verdict", if pending > 0 { format!("no alert is firing, {pending} pending") } else { calm });
    }
    let sign = |level| match (level, ascii) {
        (Level::Crit, false) => "✖",
        (Level::Crit, true) => "X",
        (Level::Warn, false) => "▲",
        (Level::Warn, true) => "!",
        _ => "·",
    };
    for watch in state.watches.iter().filter(|w| w.held) {
        row(page, "verdict", format!("{} {}", sign(watch.level), watch.say));
    }
    for watch in state.watches.iter().filter(|w| !w.held && w.level >= Level::Warn) {
        let left = units::countdown(watch.left);
        row(page, "pending", format!("{} {}, alert in {left}", sign(watch.level), watch.say));
    }
}

/// The figure, or `–` where its source is not live.
fn or_absent<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or_else(|| ABSENT.to_owned(), show)
}

/// `1 zombie`, `2 zombies`.
fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
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
        let some =
            |s: Option<crate::model::pressure::Stalls>| or_absent(s, |s| format!("{:.1}%", s.some.avg10 * 100.0));
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

fn devices(state: &State, page: &mut String) {
    let host = &state.host;
    let rate = |v: Option<f64>| or_absent(v, |v| format!("{}/s", units::bytes_long(v)));
    for disk in &host.disks.disks {
        let mut words = vec![
            disk.raw.name.clone(),
            format!("read {}", rate(disk.read_per_second)),
            format!("write {}", rate(disk.write_per_second)),
            format!("busy {}", or_absent(disk.busy_ratio, units::percent)),
        ];
        // A disk that did nothing has no latency.
        words.extend(disk.read_latency_seconds.map(|s| format!("read latency {}", units::latency(s))));
        words.extend(disk.write_latency_seconds.map(|s| format!("write latency {}", units::latency(s))));
        words.extend(disk.raw.model.clone());
        row(page, "disk", words.join(" · "));
    }
    for fs in &host.filesystems.filesystems {
        let space = match &fs.space {
            Ok(space) => format!(
                "{} used of {}",
                or_absent(space.used_ratio(), units::percent),
                units::bytes_long(space.size as f64)
            ),
            Err(fault) => match fault {
                crate::model::fault::Fault::Timeout => "does not answer".to_owned(),
                crate::model::fault::Fault::Absent(what) | crate::model::fault::Fault::Broken(what) => what.clone(),
                crate::model::fault::Fault::Denied { what, .. } => what.clone(),
            },
        };
        let read_only = if fs.read_only { " · read-only" } else { "" };
        row(page, "filesystem", format!("{} · {space} · {} on {}{read_only}", fs.mount, fs.kind, fs.device));
    }
    let (ports, own): (Vec<_>, Vec<_>) = host.network.interfaces.iter().partition(|i| i.raw.is_port());
    let (down, own): (Vec<_>, Vec<_>) = own.into_iter().partition(|i| i.raw.state.as_deref() == Some("down"));
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
    if !down.is_empty() {
        let names: Vec<&str> = down.iter().map(|i| i.raw.name.as_str()).collect();
        row(page, "network", format!("down: {}", names.join(", ")));
    }
    if !ports.is_empty() {
        let sum = |of: fn(&Interface) -> Option<f64>| rate(ports.iter().filter_map(|i| of(i)).reduce(|a, b| a + b));
        let (received, sent) = (sum(|i| i.rx_per_second), sum(|i| i.tx_per_second));
        let ports = counted(ports.len() as u64, "bridge port");
        let text = format!("{ports} · receive {received} · transmit {sent}");
        row(page, "network", text);
    }
    for t in &host.sensors.raw.temperatures {
        row(page, "temperature", format!("{} · {:.0} °C", t.sensor, t.celsius));
    }
    for fan in &host.sensors.raw.fans {
        row(page, "fan", format!("{} · {:.0} rpm", fan.sensor, fan.rpm));
    }
}

fn gpus(state: &State, page: &mut String) {
    use crate::model::gpu::CardState;
    for gpu in &state.host.gpus.rows {
        let words = match &gpu.raw.state {
            CardState::Lost(why) => format!("lost: {why}"),
            CardState::Asleep => "asleep".to_owned(),
            CardState::Unreadable(why) => why.clone(),
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
        let scan = pool.reported.as_ref().and_then(|known| known.scan.as_ref());
        let scan = crate::model::pool::scan_words(scan, state.host.now);
        let free = pool.reported.as_ref().and_then(|known| known.free).map(|free| free as f64);
        if !state.host.pools.raw.pools.is_settled() {
            row(page, "pool", format!("{} · {} · zpool has not answered yet", pool.name, pool.state_words()));
            continue;
        }
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

/// Each engine with its state: where one does not answer, its containers are not listed, and why is.
fn engines(state: &State, page: &mut String) {
    for engine in state.host.containers.engines.iter().filter(|e| !e.twin) {
        let words = engine.complaint().unwrap_or_else(|| {
            let version = engine.version.as_ref().map_or_else(String::new, |version| format!(" {version}"));
            format!("{}{version} · {} · {}", engine.title(), engine.address, report::container_count(state, engine))
        });
        row(page, "engine", words);
    }
}

fn processes(state: &State, columns: usize, page: &mut String) {
    use std::fmt::Write;
    if !live(state, SourceId::Processes) {
        return;
    }
    let _ = writeln!(page, "\n{:>8} {:<10} S {:>6} {:>7} COMMAND", "PID", "USER", "CPU%", "MEM");
    for p in report::busiest(state).into_iter().take(TOP) {
        let user = report::user_name(&state.host.facts, p.uid);
        let line = format!(
            "{:>8} {:<10} {} {:>6} {:>7} {}",
            p.key.pid,
            elide(&user, 10),
            char::from(p.state),
            or_absent(p.cpu, |c| format!("{:.1}", c * 100.0)),
            units::bytes_short(p.memory_bytes as f64),
            p.command()
        );
        let _ = writeln!(page, "{}", elide(&line, if columns == usize::MAX { COMMAND_LINE } else { columns }));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        clock::Stamp,
        model::{
            container::{Container, ContainerSample, Engine, Health, RunState},
            disk::{DiskCounters, DiskSample},
            event::{Envelope, Event, Sample},
            facts::FactsSample,
            pool::PoolSample,
            process::{ProcInfo, ProcKey, ProcRow, ProcessSample},
        },
    };

    fn page(samples: Vec<(SourceId, Sample)>) -> String {
        let mut state = State::new(crate::alert::shipped().into());
        for (source, sample) in samples {
            let (took, every) = (Duration::from_millis(1), Duration::from_secs(1));
            let (at, outcome) = (Stamp::at_seconds(100), Ok(sample));
            state.apply(Event::Reading(Envelope { source, at, took, every, outcome }));
        }
        state.judge();
        let mut out = Vec::new();
        write(&state, false, usize::MAX, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn lines<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
        page.lines().filter_map(|l| l.strip_prefix(name)).map(str::trim).collect()
    }

    #[test]
    fn worst_container_comes_first() {
        let now = Stamp::at_seconds(100).unix_ms;
        let of = |name: &str, state, health, change: fn(&mut Container, i64)| {
            let mut c = Container { name: name.into(), image: "i".into(), state, health, ..Container::default() };
            c.id = name.repeat(12);
            change(&mut c, now);
            Arc::new(c)
        };
        let containers = vec![
            of("backup", RunState::Exited, None, |c, now| {
                (c.exit_code, c.finished_unix_ms) = (Some(0), Some(now - 7_200_000));
            }),
            of("caddy", RunState::Running, None, |_, _| {}),
            of("db", RunState::Running, Some(Health::Healthy), |c, _| c.memory_limit = Some(1 << 30)),
            of("dns", RunState::Running, Some(Health::Unhealthy), |c, _| c.failing_streak = 1),
            of("loop", RunState::Restarting, None, |c, now| {
                c.exit_code = Some(1);
                c.restarted_unix_ms = (1..=10).map(|n| now - n * 50_000).collect();
            }),
            of("vault", RunState::Exited, None, |c, now| {
                (c.exit_code, c.oom_killed, c.finished_unix_ms) = (Some(137), true, Some(now - 26 * 60_000));
            }),
        ];
        let sample = ContainerSample { containers, ..ContainerSample::default() };
        let page = page(vec![(SourceId::Containers, Sample::Containers(sample))]);
        assert_eq!(
            lines(&page, "container"),
            [
                "loop · restarting (1) · restarted 10× in 10 min · i",
                "vault · exited (137) 26m ago, OOM-killed · i",
                "dns · unhealthy (1 check failed) · cpu – · memory – · i",
                "caddy · running · cpu – · memory – · i",
                "db · healthy · cpu – · memory – of 1.0 GiB · i",
                "backup · exited (0) 2h ago · i",
            ]
        );
    }

    #[test]
    fn what_has_not_answered_is_said() {
        let engine = Engine { kind: "docker".into(), address: "unix:///d".into(), ..Engine::default() };
        let containers = ContainerSample { engines: vec![engine], ..ContainerSample::default() };
        let pools = PoolSample { states: vec![("tank".into(), "ONLINE".into())], ..PoolSample::default() };
        let page = page(vec![
            (SourceId::Containers, Sample::Containers(containers)),
            (SourceId::Pools, Sample::Pools(Box::new(pools))),
        ]);
        assert_eq!(lines(&page, "engine"), ["Docker · unix:///d · containers not listed yet"]);
        assert_eq!(lines(&page, "pool"), ["tank · online · zpool has not answered yet"]);
        assert_eq!(lines(&page, "verdict"), ["waiting for some sources"]);
    }

    #[test]
    fn processes_are_counted_and_cut() {
        let row = |pid: u32, threads: u32, state: u8| ProcRow {
            key: ProcKey { pid, start_ticks: 1 },
            tgid: pid,
            state,
            threads,
            name: Some("x".into()),
            uid: Some(0),
            ..ProcRow::default()
        };
        let info = ProcInfo { command: "x ".repeat(4000).into(), ..ProcInfo::default() };
        let sample = ProcessSample {
            fresh: true,
            rows: vec![row(1, 3, b'S'), row(2, 1, b'Z')],
            infos: vec![(ProcKey { pid: 1, start_ticks: 1 }, info)],
            page_bytes: 4096,
            ..ProcessSample::default()
        };
        let page = page(vec![(SourceId::Processes, Sample::Processes(sample))]);
        assert_eq!(lines(&page, "processes"), ["2 · 4 threads · 0 running · 0 blocked · 1 zombie"]);
        let longest = page.lines().map(crate::text::width).max();
        assert_eq!(longest, Some(COMMAND_LINE));
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let disk = DiskCounters { name: "vda".into(), ..DiskCounters::default() };
        let facts =
            FactsSample { hostname: Some("vm".into()), virtualization: Some("vm".into()), ..FactsSample::default() };
        let page = page(vec![
            (SourceId::Disks, Sample::Disks(DiskSample { disks: vec![disk] })),
            (SourceId::Facts, Sample::Facts(Box::new(facts))),
        ]);
        assert_eq!(lines(&page, "disk"), ["vda · read – · write – · busy –"]);
        assert_eq!(lines(&page, "host"), ["vm · virtual machine"]);
    }
}
