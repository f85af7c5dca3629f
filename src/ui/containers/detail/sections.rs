//! The rooms of a container below its facts: who it shares the machine with. Each is a heading and its lines, and none
//! that is empty is shown.

use std::time::Duration;

use crate::{
    model::{
        container::{Container, ContainerRow},
        fault::Fault,
        host::Host,
        join,
        socket::Protocol,
        source::SourceId,
        subject::Subject,
    },
    state::State,
    text::width,
    ui::{
        figures::{bytes, percent},
        parts::process,
        theme::Role,
        widgets::{
            page::{LinkedLine, Page},
            sheet::{SheetLine, heading, pair, wrap},
        },
    },
    units::{ABSENT, bytes_long, span_short},
};

/// Columns of a name before its value.
const NAME: usize = 11;
/// Columns that a name may take where the longest decides.
const LONGEST: usize = 40;
/// Events that are listed.
const HAPPENINGS: usize = 12;
/// Processes listed at most.
const PROCESSES: usize = 40;

/// All rooms, in lines of `room` columns.
pub(super) fn list(state: &State, row: &ContainerRow, room: usize, page: &mut Page) {
    let (host, meta) = (&state.host, &*row.meta);
    section(page, "GPUs", gpus(host, row));
    section(page, "Datasets", datasets(host, meta));
    section(page, "Listens on", ports(state, row));
    section(page, "Mounts", mounts(host, meta));
    let networks = meta.networks.iter().map(|(name, address)| pair(name, NAME, address.clone()));
    let published = meta.ports.iter().map(|port| pair("published", NAME, port.clone()));
    section(page, "Networks", networks.chain(published).collect());
    section(page, "Health checks, newest first", checks(state, meta, room));
    section(page, "Events, newest first", happenings(state, meta));
    let (count, processes) = processes(state, row);
    section(page, &format!("Processes, {count}"), processes);
    let names = wrap(&meta.environment_names.join(" "), room).into_iter().filter(|line| !line.is_empty());
    section(page, "Environment, names only", names.map(|line| vec![(line, Role::Text)]).collect());
}

fn section<L: Into<LinkedLine>>(page: &mut Page, title: &str, rows: Vec<L>) {
    if !rows.is_empty() {
        page.push(Vec::new());
        page.push(heading(title));
        page.extend(rows);
    }
}

/// `0 RTX 4080   13.1 GiB of 16.0 GiB   busy 88%   2 processes`.
fn gpus(host: &Host, row: &ContainerRow) -> Vec<LinkedLine> {
    let size = |memory: Option<u64>| memory.map_or_else(|| ABSENT.to_owned(), |b| bytes_long(b as f64));
    let line = |share: join::GpuShare<'_>| {
        let raw = &share.gpu.raw;
        let total = raw.memory_total.map_or_else(String::new, |b| format!(" of {}", bytes_long(b as f64)));
        let busy = share.busy.map_or_else(String::new, |busy| format!("   busy {}", percent(Some(busy)).trim_start()));
        let many = if share.processes == 1 { "process" } else { "processes" };
        let words = format!("{}{total}{busy}   {} {many}", size(share.memory), share.processes);
        let line = pair(&format!("{} {}", raw.index, raw.short_name()), NAME, words);
        LinkedLine::from(line).link(0, Some(Subject::Gpu(raw.id.clone())))
    };
    join::gpus_of(host, row).into_iter().map(line).collect()
}

/// `tank/media   pool tank online   18.0M read   0 written`.
fn datasets(host: &Host, meta: &Container) -> Vec<LinkedLine> {
    let names = join::datasets_of(host, meta);
    let longest = names.iter().map(|name| width(name)).max().unwrap_or(0).clamp(NAME, LONGEST);
    let rate = |value: Option<f64>| bytes(value).trim_start().to_owned();
    let line = |name: &str| {
        let dataset = host.pools.dataset(name);
        let rates = dataset.map_or_else(String::new, |d| {
            format!("   {}/s read   {}/s written", rate(d.read_per_second), rate(d.write_per_second))
        });
        let used = dataset.map_or_else(String::new, |d| format!("   {} used", bytes_long(d.reported.used as f64)));
        let pool = crate::model::pool::pool_of(name);
        let state = host.pools.rows.iter().find(|row| row.name == pool).map_or("", |row| row.state.as_str());
        let line = pair(name, longest, format!("pool {pool} {}{used}{rates}", state.to_lowercase()));
        LinkedLine::from(line).link(0, dataset.map(|_| Subject::Dataset(name.to_owned())))
    };
    names.into_iter().map(line).collect()
}

/// `tcp 0.0.0.0:80   nginx 1612`: what its processes listen on, inside of its own network.
fn ports(state: &State, row: &ContainerRow) -> Vec<LinkedLine> {
    let (host, raw) = (&state.host, &state.host.sockets.raw);
    if row.meta.pid == 0 || raw.of != Some(row.meta.pid) {
        // A process that ended meanwhile has no network either: only a refusal is worth a line.
        let fault = state.host.health.get(SourceId::Sockets).and_then(|health| health.fault.as_ref());
        let Some(Fault::Denied { what, hint }) = fault.filter(|_| row.meta.pid > 0) else { return Vec::new() };
        return vec![vec![(format!("{what}: permission denied ({hint})"), Role::Dim)].into()];
    }
    let holder = |pid: Option<u32>| pid.and_then(|pid| join::process(host, pid));
    let waits = |state: &str| matches!(state, "listen" | "open");
    // In a network that it shares, those of others are left out.
    let own = |pid: Option<u32>| holder(pid).is_none_or(|p| p.container() == Some(row.short_id()));
    let open = raw.sockets.iter().filter(|socket| waits(&socket.state) && own(socket.pid));
    let alone = row.usage.as_ref().is_some_and(|usage| usage.rx_bytes.is_some());
    let line = |socket: &crate::model::socket::Socket| {
        let protocol = if socket.protocol == Protocol::Tcp { "tcp" } else { "udp" };
        let holder = holder(socket.pid);
        let who = holder.map_or_else(String::new, |p| format!("   {} {}", p.name, p.key.pid));
        let line =
            vec![(format!("{protocol:<NAME$} "), Role::Dim), (socket.local.to_string(), Role::Text), (who, Role::Dim)];
        LinkedLine::from(line).link(2, holder.map(|p| Subject::Process(p.key)))
    };
    open.filter(|socket| alone || holder(socket.pid).is_some()).map(line).collect()
}

fn mounts(host: &Host, meta: &Container) -> Vec<LinkedLine> {
    let longest = meta.mounts.iter().map(|m| width(&m.destination)).max().unwrap_or(0).clamp(NAME, LONGEST);
    let line = |m: &crate::model::container::Mounted| {
        let how = if m.writable { "" } else { " read-only" };
        let mut line = pair(&m.destination, longest, format!("{} {}{how}", m.kind, m.source));
        let Some((name, place)) = join::place_of_mount(host, meta, m) else { return line.into() };
        let kind = if matches!(place, Subject::Dataset(_)) { "dataset" } else { "filesystem" };
        line.push((format!("  on {kind} "), Role::Dim));
        line.push((name, Role::Text));
        let last = line.len() - 1;
        LinkedLine::from(line).link(last, Some(place))
    };
    meta.mounts.iter().map(line).collect()
}

/// `12s ago   failed, code 1: connection refused`.
fn checks(state: &State, meta: &Container, room: usize) -> Vec<SheetLine> {
    let room = room.saturating_sub(NAME + 1);
    let mut lines = Vec::new();
    for check in meta.health_log.iter().rev() {
        let (word, role) = match check.exit_code {
            Some(0) => ("passed".to_owned(), Role::Dim),
            Some(code) => (format!("failed, code {code}"), Role::Text),
            None => ("no result".to_owned(), Role::Dim),
        };
        let words = if check.output.is_empty() { word } else { format!("{word}: {}", check.output) };
        let ago = check.unix_ms.map_or_else(String::new, |at| ago(state, at));
        for (number, line) in wrap(&words, room).into_iter().enumerate() {
            let ago = if number == 0 { ago.as_str() } else { "" };
            lines.push(vec![(format!("{ago:<NAME$} "), Role::Dim), (line, role)]);
        }
    }
    lines
}

fn ago(state: &State, unix_ms: i64) -> String {
    let ms = u64::try_from(state.host.now.unix_ms.saturating_sub(unix_ms)).unwrap_or(0);
    format!("{} ago", span_short(Duration::from_millis(ms)))
}

fn happenings(state: &State, meta: &Container) -> Vec<SheetLine> {
    let newest = meta.happenings.iter().rev().take(HAPPENINGS);
    newest.map(|happening| pair(&ago(state, happening.unix_ms), NAME, happening.what.clone())).collect()
}

/// Its processes, the busiest first, and how many they are.
fn processes(state: &State, row: &ContainerRow) -> (usize, Vec<LinkedLine>) {
    let short = row.short_id();
    let mut own: Vec<_> =
        state.host.processes.rows.iter().filter(|p| !p.is_thread() && p.container() == Some(short)).collect();
    own.sort_by(|a, b| b.cpu.unwrap_or(0.0).total_cmp(&a.cpu.unwrap_or(0.0)));
    (own.len(), own.into_iter().take(PROCESSES).map(process::line).collect())
}
