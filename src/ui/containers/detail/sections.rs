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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        model::{
            container::{Check, Happening, Mounted, Usage},
            gpu::{Gpu, GpuProcess, GpuRow},
            pool::{Dataset, DatasetRow, PoolRow},
            process::{ProcInfo, ProcKey, Process},
            socket::Socket,
        },
        ui::canvas::testing::failed,
    };

    fn id() -> String {
        "ab".repeat(32)
    }

    fn process(pid: u32, id: &str, cpu: f32) -> Process {
        Process {
            key: ProcKey { pid, start_ticks: 1 },
            tgid: pid,
            name: format!("p{pid}").as_str().into(),
            cpu: Some(cpu),
            info: Some(Box::new(ProcInfo { cgroup: format!("/docker/{id}").into(), ..ProcInfo::default() })),
            ..Process::default()
        }
    }

    fn container(change: impl FnOnce(&mut Container)) -> ContainerRow {
        let mut meta = Container { id: id(), name: "web".into(), pid: 7, ..Container::default() };
        change(&mut meta);
        ContainerRow { meta: Arc::new(meta), ..ContainerRow::default() }
    }

    fn page(state: &State, row: &ContainerRow, room: usize) -> Page {
        let mut page = Page::default();
        list(state, row, room, &mut page);
        page
    }

    fn texts(page: &Page) -> Vec<String> {
        let text = |line: &LinkedLine| line.pieces.iter().map(|(words, _)| words.as_str()).collect::<String>();
        page.lines().iter().map(|line| text(line).trim_end().to_owned()).collect()
    }

    fn said(state: &State, row: &ContainerRow) -> Vec<String> {
        texts(&page(state, row, 60))
    }

    #[test]
    fn rooms_without_lines_are_left_out() {
        assert!(said(&State::default(), &container(|_| ())).is_empty());
        let row = container(|meta| {
            meta.networks = vec![("bridge".into(), "172.17.0.2".into())];
            meta.ports = vec!["127.0.0.1:8080→80/tcp".into()];
            meta.environment_names = ["HOME", "PATH"].map(str::to_owned).into();
        });
        assert_eq!(
            said(&State::default(), &row),
            [
                "",
                "Networks",
                "bridge      172.17.0.2",
                "published   127.0.0.1:8080→80/tcp",
                "",
                "Environment, names only",
                "HOME PATH",
            ]
        );
    }

    #[test]
    fn what_it_holds_of_a_card_is_linked() {
        let mut state = State::default();
        state.host.processes.rows = vec![process(7, &id(), 0.1), process(8, &id(), 0.1)];
        state.host.containers.rows = vec![container(|_| ())];
        let used = |pid| GpuProcess { pid, memory: Some(2 << 30), ..GpuProcess::default() };
        let raw = Gpu { id: "GPU-1".into(), name: "RTX 4090".into(), processes: vec![used(7)], ..Gpu::default() };
        state.host.gpus.rows = vec![GpuRow { raw, ..GpuRow::default() }];
        let line = |state: &State| said(state, &state.host.containers.rows[0])[2].clone();
        assert_eq!(line(&state), "0 RTX 4090  2.0 GiB   1 process");
        let raw = &mut state.host.gpus.rows[0].raw;
        (raw.memory_total, raw.processes) = (Some(24 << 30), vec![used(7), used(8)]);
        assert_eq!(line(&state), "0 RTX 4090  4.0 GiB of 24.0 GiB   2 processes");
        let page = page(&state, &state.host.containers.rows[0], 60);
        assert_eq!(page.links().next(), Some((2, &Subject::Gpu("GPU-1".into()))));
    }

    #[test]
    fn datasets_say_how_their_pool_is() {
        let mut state = State::default();
        let reported = |name: &str, at: &str| Dataset {
            name: name.into(),
            mountpoint: Some(at.into()),
            used: 2 << 30,
            ..Dataset::default()
        };
        state.host.pools.datasets = vec![
            DatasetRow {
                reported: reported("tank/db", "/srv/db"),
                read_per_second: Some(2048.0),
                write_per_second: None,
            },
            DatasetRow { reported: reported("other", "/other"), ..DatasetRow::default() },
        ];
        let pool = |name: &str, state: &str| {
            let mut row = PoolRow::default();
            (row.name, row.state) = (name.into(), state.into());
            row
        };
        state.host.pools.rows = vec![pool("other", "ONLINE"), pool("tank", "DEGRADED")];
        let mount = |source: &str, destination: &str, writable| Mounted {
            kind: "bind".into(),
            source: source.into(),
            destination: destination.into(),
            writable,
        };
        let row = container(|meta| {
            meta.mounts =
                vec![mount("/srv/db/data", "/var/lib/db", true), mount("/etc/web", "/etc/nginx/conf.d", false)];
        });
        let page = page(&state, &row, 100);
        assert_eq!(
            texts(&page),
            [
                "",
                "Datasets",
                "tank/db     pool tank degraded   2.0 GiB used   2.0K/s read   –/s written",
                "",
                "Mounts",
                "/var/lib/db       bind /srv/db/data  on dataset tank/db",
                "/etc/nginx/conf.d bind /etc/web read-only",
            ]
        );
        let dataset = Subject::Dataset("tank/db".into());
        assert_eq!(page.links().collect::<Vec<_>>(), [(2, &dataset), (5, &dataset)]);
    }

    fn socket(protocol: Protocol, local: &str, state: &str, pid: Option<u32>) -> Socket {
        Socket {
            protocol,
            local: local.parse().unwrap(),
            remote: "0.0.0.0:0".parse().unwrap(),
            state: state.into(),
            send_queue: 0,
            receive_queue: 0,
            uid: 0,
            inode: 1,
            pid,
        }
    }

    #[test]
    fn it_listens_on_what_its_own_processes_hold() {
        let mut state = State::default();
        state.host.processes.rows = vec![process(7, &id(), 0.1), process(9, &"cd".repeat(32), 0.1)];
        state.host.sockets.raw.of = Some(7);
        state.host.sockets.raw.sockets = vec![
            socket(Protocol::Tcp, "0.0.0.0:80", "listen", Some(7)),
            socket(Protocol::Udp, "0.0.0.0:53", "open", Some(7)),
            socket(Protocol::Tcp, "0.0.0.0:81", "established", Some(7)),
            // Of another container in the same network, and of nobody that is visible.
            socket(Protocol::Tcp, "0.0.0.0:82", "listen", Some(9)),
            socket(Protocol::Tcp, "0.0.0.0:83", "listen", None),
        ];
        let listens = |state: &State, row: &ContainerRow| {
            let mut lines = said(state, row);
            lines
                .truncate(lines.iter().position(|line| line.starts_with("Processes")).map_or(lines.len(), |at| at - 1));
            lines
        };
        let mut row = container(|_| ());
        let own = ["", "Listens on", "tcp         0.0.0.0:80   p7 7", "udp         0.0.0.0:53   p7 7"];
        assert_eq!(listens(&state, &row), own);
        let page = page(&state, &row, 60);
        assert_eq!(page.links().next(), Some((2, &Subject::Process(ProcKey { pid: 7, start_ticks: 1 }))));
        // With a network of its own, what nobody visible holds is its own too.
        row.usage = Some(Usage { rx_bytes: Some(1), ..Usage::default() });
        assert_eq!(listens(&state, &row)[4..], ["tcp         0.0.0.0:83"]);
        state.host.sockets.raw.of = Some(8);
        assert!(listens(&state, &row).is_empty(), "they are of another network");
    }

    #[test]
    fn only_a_refusal_to_look_at_its_network_is_said() {
        let mut state = State::default();
        let row = container(|_| ());
        failed(&mut state, SourceId::Sockets, 1, Fault::Timeout);
        assert!(said(&state, &row).is_empty());
        let denied = Fault::Denied { what: "/proc/7/net".into(), hint: "run as root".into() };
        failed(&mut state, SourceId::Sockets, 2, denied);
        assert_eq!(said(&state, &row), ["", "Listens on", "/proc/7/net: permission denied (run as root)"]);
        assert!(said(&state, &container(|meta| meta.pid = 0)).is_empty());
    }

    #[test]
    fn checks_and_events_have_their_age_the_newest_first() {
        let state = State::default();
        let now = state.host.now.unix_ms;
        let check = |ago: Option<i64>, exit_code, output: &str| Check {
            unix_ms: ago.map(|ago| now - ago * 1000),
            exit_code,
            output: output.into(),
        };
        let row = container(|meta| {
            meta.health_log = vec![
                check(None, None, ""),
                check(Some(60), Some(0), "ok"),
                check(Some(12), Some(1), "connection refused by the other side of it"),
            ];
            meta.happenings =
                (0..14).map(|at| Happening { unix_ms: now - (20 - at) * 1000, what: format!("event {at}") }).collect();
        });
        let lines = texts(&page(&state, &row, 40));
        assert_eq!(
            lines[..6],
            [
                "",
                "Health checks, newest first",
                "12s ago     failed, code 1: connection",
                "            refused by the other side of",
                "            it",
                "1m ago      passed: ok",
            ]
        );
        assert_eq!(lines[6..9], ["            no result", "", "Events, newest first"]);
        assert_eq!(
            (lines[9].as_str(), lines.last().map(String::as_str)),
            ("7s ago      event 13", Some("18s ago     event 2"))
        );
        let page = page(&state, &row, 40);
        assert_eq!([2, 5, 6].map(|at: usize| page.lines()[at].pieces[1].1), [Role::Text, Role::Dim, Role::Dim]);
    }

    #[test]
    fn its_processes_come_busiest_first() {
        let mut state = State::default();
        let mut thread = process(6, &id(), 0.9);
        thread.tgid = 5;
        state.host.processes.rows =
            vec![process(5, &id(), 0.1), thread, process(7, &id(), 0.5), process(9, &"cd".repeat(32), 0.9)];
        let lines = said(&state, &container(|_| ()));
        let words = |line: &String| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(lines[1], "Processes, 2");
        assert_eq!(
            (words(&lines[2]), words(&lines[3])),
            (
                vec!["7".into(), "50.0".into(), "0".into(), "p7".into()],
                vec!["5".into(), "10.0".into(), "0".into(), "p5".into()]
            )
        );
        state.host.processes.rows = (1..=45).map(|pid| process(pid, &id(), 0.1)).collect();
        let lines = said(&state, &container(|_| ()));
        assert_eq!((lines[1].as_str(), lines.len()), ("Processes, 45", 42));
    }
}
