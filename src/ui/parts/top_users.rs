//! Who is behind a figure of the whole machine: the processes that use most of it, and the containers with all that is
//! theirs.

use crate::{
    clock::TICKS_PER_SECOND,
    model::{
        container::ContainerRow,
        host::Host,
        join,
        process::{ProcKey, Process},
        subject::Subject,
    },
    text::{elide, width},
    ui::{
        figures::bytes,
        theme::Role,
        widgets::{
            page::{LinkedLine, Page},
            sheet::heading,
        },
    },
};

/// Columns of a container's name, at most.
const OWNER: usize = 20;
/// Seconds after which a process has been read, if it can be.
const NEW: f64 = 10.0;
/// Of so many processes the proportional memory is read: among those of the greatest resident memory may be many that
/// hold little of their own.
const HOLDERS: usize = 40;
/// Above the names of containers.
const TITLE: &str = "CONTAINER";

/// Who reads and writes most. The kernel counts that for each process and each container, not for each of their disks.
pub fn storage(host: &Host, processes: usize, containers: usize) -> Page {
    let mut lines = Page::from_iter([heading("Processes by storage I/O (all disks)")]);
    let own = || host.processes.rows.iter().filter(|p| !p.is_thread());
    let rates = own().filter_map(|p| Some((f64::from(p.io_per_second()?), p))).filter(|(rate, _)| *rate > 0.0);
    let figure = |value: Option<f64>| bytes(value);
    let rows = greatest(rates.collect(), processes)
        .map(|p| {
            let (read, written) = (p.read_per_second().map(f64::from), p.write_per_second().map(f64::from));
            (p, format!(" {:>6} {:>7} ", figure(read), figure(written)))
        })
        .collect();
    // Rates need two readings.
    if own().all(|p| p.io_per_second().is_none()) {
        lines.push(vec![("waiting…".to_owned(), Role::Dim)]);
        return lines;
    }
    processes_of(&mut lines, host, &format!("{:>7} {:>6} {:>7} ", "PID", "READ/s", "WRITE/s"), rows);
    // One that has just begun is read in a moment.
    let (now, boot) = (host.now.unix_ms as f64 / 1000.0, host.facts.ticks_from().unwrap_or(0) as f64);
    let age = |p: &Process| now - boot - p.key.start_ticks as f64 / f64::from(TICKS_PER_SECOND);
    let is_old = |p: &&Process| age(p) > NEW;
    let hidden = own().filter(|p| !p.kernel && p.moved.is_none()).filter(is_old).count();
    if hidden > 0 {
        let words = format!("{hidden} more need root: other users' processes");
        lines.push(vec![(words, Role::Dim)]);
    }
    let all = host.containers.rows.iter();
    let rates = all.filter_map(|c| Some((c.io_per_second()?, c))).filter(|(rate, _)| *rate > 0.0);
    let rows: Vec<LinkedLine> = greatest(rates.collect(), containers)
        .map(|c| {
            let rates = format!("{:>6} {:>7}", figure(c.read_per_second), figure(c.write_per_second));
            container(host, c, rates)
        })
        .collect();
    containers_of(&mut lines, format!("{:<OWNER$} {:>6} {:>7}", "CONTAINER", "READ/s", "WRITE/s"), rows);
    lines
}

/// The processes that may hold most memory, by their resident memory: of them the proportional one is worth reading.
#[must_use]
pub fn holders(host: &Host) -> Vec<ProcKey> {
    let mut keys: Vec<ProcKey> = resident(host).take(HOLDERS).map(|p| p.key).collect();
    // A change of their order is no news.
    keys.sort_unstable_by_key(|key| key.pid);
    keys
}

fn resident(host: &Host) -> impl Iterator<Item = &Process> {
    let own = host.processes.rows.iter().filter(|p| !p.is_thread() && p.memory_bytes > 0);
    greatest(own.map(|p| (p.memory_bytes as f64, p)).collect(), usize::MAX)
}

/// Who holds most memory: what several processes share is divided among them where that was read.
pub fn memory(host: &Host, processes: usize, containers: usize) -> Page {
    let proportional = |p: &Process| host.process_memory.of(p.key);
    let any = resident(host).any(|p| proportional(p).is_some());
    let words = match any {
        true => "Processes by proportional memory (PSS: shared pages divided)",
        false => "Processes by resident memory (shared pages counted for each)",
    };
    let mut lines = Page::from_iter([heading(words)]);
    let share = |bytes_held: f64| {
        let total = host.memory.raw.total as f64;
        if total > 0.0 { crate::ui::figures::percent(Some(bytes_held / total)) } else { String::new() }
    };
    let holds = |p: &Process| proportional(p).unwrap_or(p.memory_bytes) as f64;
    let all = resident(host).take(if any { HOLDERS } else { processes }).map(|p| (holds(p), p));
    let rows = greatest(all.collect(), processes)
        .map(|p| {
            let pss = if any { format!(" {}", bytes(proportional(p).map(|b| b as f64))) } else { String::new() };
            (p, format!("{pss} {} {:>4} ", bytes(Some(p.memory_bytes as f64)), share(holds(p))))
        })
        .collect();
    let pss = if any { format!(" {:>5}", "PSS") } else { String::new() };
    processes_of(
        &mut lines,
        host,
        &format!("{:>7}{pss} {:>5} {:>4} ", "PID", if any { "RSS" } else { "MEM" }, ""),
        rows,
    );
    let all = host.containers.rows.iter();
    let held = all.filter_map(|c| Some((c.memory_bytes()? as f64, c))).filter(|(held, _)| *held > 0.0);
    let rows: Vec<LinkedLine> = greatest(held.collect(), containers)
        .map(|c| {
            let held = c.memory_bytes().map(|b| b as f64);
            let figures = format!("{} {:>4}", bytes(held), share(held.unwrap_or(0.0)));
            container(host, c, figures)
        })
        .collect();
    containers_of(&mut lines, format!("{:<OWNER$} {:>5}", "CONTAINER", "MEM"), rows);
    lines
}

/// Those of the greatest figures, the greatest first.
fn greatest<T>(mut all: Vec<(f64, T)>, most: usize) -> impl Iterator<Item = T> {
    all.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    all.into_iter().take(most).map(|(_, item)| item)
}

/// Processes with their figures; their containers have a column where any of them is in one.
fn processes_of(lines: &mut Page, host: &Host, head: &str, rows: Vec<(&Process, String)>) {
    let owner = |p: &Process| join::container_of_process(host, p);
    let name = |p: &Process| owner(p).map_or("", |c| c.meta.name.as_str());
    let longest = rows.iter().map(|(p, _)| width(name(p))).max().unwrap_or(0).min(OWNER);
    let room = if longest == 0 { 0 } else { longest.max(TITLE.len()) };
    let cell = |text: &str| if room == 0 { String::new() } else { format!("{:<room$} ", elide(text, room)) };
    let row = |(p, figures): (&Process, String)| {
        let line = vec![
            (format!("{:>7}", p.key.pid), Role::Text),
            (figures, Role::Text),
            (cell(name(p)), Role::Container),
            (p.shown_command(false).0.into_owned(), Role::Dim),
        ];
        let line = LinkedLine::from(line).link(0, Some(Subject::Process(p.key)));
        line.link(2, owner(p).map(|c| join::subject_of_container(host, c)))
    };
    let head = format!("{head}{}COMMAND", cell(TITLE));
    table(lines, head, rows.into_iter().map(row).collect());
}

fn container(host: &Host, c: &ContainerRow, figures: String) -> LinkedLine {
    let line = vec![(name(&c.meta.name), Role::Container), (figures, Role::Text)];
    LinkedLine::from(line).link(0, Some(join::subject_of_container(host, c)))
}

fn name(text: &str) -> String {
    format!("{:<OWNER$} ", elide(text, OWNER))
}

fn table(lines: &mut Page, head: String, rows: Vec<LinkedLine>) {
    if rows.is_empty() {
        lines.push(vec![("none".to_owned(), Role::Dim)]);
        return;
    }
    lines.push(vec![(head, Role::Dim)]);
    lines.extend(rows);
}

fn containers_of(lines: &mut Page, head: String, rows: Vec<LinkedLine>) {
    if !rows.is_empty() {
        lines.push(Vec::new());
        lines.push(heading("Containers"));
        table(lines, head, rows);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::Stamp;
    use crate::model::{
        container::Container,
        process::{Moved, ProcInfo, ProcKey},
    };

    fn machine() -> Host {
        let mut host = Host::default();
        let row = |pid: u32, name: &str, memory: u64, rates: Option<(f32, f32)>| Process {
            key: ProcKey { pid, start_ticks: 1 },
            tgid: pid,
            name: name.into(),
            memory_bytes: memory << 20,
            moved: rates.map(|(read, written)| {
                let (read_per_second, write_per_second) = (Some(read * 1e6), Some(written * 1e6));
                Box::new(Moved { read_per_second, write_per_second, ..Moved::default() })
            }),
            ..Process::default()
        };
        host.memory.raw.total = 1 << 30;
        host.now = Stamp::at_seconds(100);
        host.processes.rows = vec![
            row(1, "init", 10, Some((0.0, 0.0))),
            row(4, "other", 1, None),
            row(2, "reader", 20, Some((5.0, 0.0))),
            row(3, "both", 512, Some((3.0, 4.0))),
        ];
        let meta = Container { name: "postgres".into(), ..Container::default() };
        host.containers.rows =
            vec![ContainerRow { meta: Arc::new(meta), write_per_second: Some(2e6), ..ContainerRow::default() }];
        host
    }

    fn words(page: &Page) -> Vec<String> {
        let line = |l: &LinkedLine| l.pieces.iter().map(|(text, _)| text.as_str()).collect::<String>();
        page.lines().iter().map(|l| line(l).split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn storage_is_by_read_and_written() {
        let lines = words(&storage(&machine(), 8, 8));
        assert_eq!(lines[2..4], ["3 2.9M 3.8M both", "2 4.8M 0 reader"], "an idle one is left out: {lines:?}");
        assert_eq!(lines[4], "1 more need root: other users' processes");
        assert_eq!(lines.last().map(String::as_str), Some("postgres – 1.9M"));
        let mut host = machine();
        host.processes.rows[1].key.start_ticks = (host.now.unix_ms / 10).cast_unsigned();
        assert!(words(&storage(&host, 8, 8)).iter().all(|line| !line.contains("could not be read")), "it is new");
    }

    #[test]
    fn no_container_no_column() {
        let mut host = machine();
        let head = |host: &Host| words(&memory(host, 2, 2))[1].clone();
        assert_eq!(head(&host), "PID MEM COMMAND");
        let id = "ab".repeat(32);
        host.containers.rows[0].meta =
            Arc::new(Container { id: id.clone(), name: "postgres".into(), ..Container::default() });
        let info = ProcInfo { cgroup: format!("/docker/{id}").into(), ..ProcInfo::default() };
        host.processes.rows[3].info = Some(Box::new(info));
        assert_eq!(head(&host), "PID MEM CONTAINER COMMAND");
    }

    #[test]
    fn rates_are_awaited() {
        let mut host = machine();
        host.processes.rows.iter_mut().for_each(|p| p.moved = None);
        assert_eq!(words(&storage(&host, 8, 8))[1..], ["waiting…"]);
    }

    #[test]
    fn memory_names_the_greatest() {
        let lines = words(&memory(&machine(), 2, 2));
        assert_eq!(lines[2..], ["3 512M 50% both", "2 20.0M 2% reader"], "{lines:?}");
    }

    #[test]
    fn what_is_shared_counts_once_where_it_was_read() {
        let mut host = machine();
        let key = |pid| ProcKey { pid, start_ticks: 1 };
        assert_eq!(holders(&host), [1, 2, 3, 4].map(key));
        host.process_memory.pss = vec![(key(3), Some(5 << 20)), (key(2), Some(18 << 20)), (key(1), None)];
        let lines = words(&memory(&host, 3, 2));
        assert_eq!(lines[1], "PID PSS RSS COMMAND");
        assert_eq!(lines[2..], ["2 18.0M 20.0M 2% reader", "1 – 10.0M 1% init", "3 5.0M 512M 0% both"], "{lines:?}");
    }
}
