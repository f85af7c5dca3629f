//! The columns of the process table: what each shows, sorts by and lets itself be filtered by.

use std::borrow::Cow;

use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::{
    clock::{Stamp, TICKS_PER_SECOND, local_zone},
    interest::Interest,
    model::{
        host::Host,
        join,
        process::{MINI_HISTORY, Process, container_of},
    },
    text::width,
    ui::{
        action::Action,
        canvas::Canvas,
        parts::process::user,
        table::{
            column::{Align, CellCx, Column, Columns, Kind, Search},
            needle::Needle,
            tree::guide,
        },
        theme::Role,
        widgets::{
            spark::block,
            text::{put, put_char},
        },
    },
    units::{self, ABSENT},
};

/// Columns of the small graph.
const GRAPH_WIDTH: u16 = 8;
/// Eighths of a core that fill a cell of the small graph.
const FULL: f64 = 8.0;

/// The table of processes.
pub struct Processes;

impl Columns for Processes {
    type Row<'a> = Row<'a>;
    const COLUMNS: &'static [Column<Self>] = COLUMNS;
    const NAME: &'static str = "command";

    fn name<'r>(row: &'r Row<'_>) -> Option<Cow<'r, str>> {
        let (command, program) = row.command();
        command.get(..program).map(|program| Cow::Owned(program.to_owned()))
    }

    fn matches(row: &Row<'_>, needle: &Needle) -> bool {
        let p = row.process;
        needle.is_in(&row.command().0)
            || needle.is_in(&p.name)
            || needle.is_in(&user(row.cx.users, p.uid))
            || row.container().is_some_and(|name| needle.is_in(name))
            || p.info.as_ref().is_some_and(|i| needle.is_in(&i.command))
            || (needle.text().bytes().all(|b| b.is_ascii_digit()) && p.key.pid.to_string() == needle.text())
    }
}

type Col = Column<Processes>;

/// Every column. On a narrow screen those of the greatest rank go first; pid, CPU and command stay.
pub static COLUMNS: &[Col] = &[
    Col::figure("pid", "PID", Kind::Count, 7, 0, |r| Some(f64::from(r.process.key.pid)))
        .smallest_first()
        .search(Search::Whole)
        .key(Action::SortPid)
        .role_of(own)
        .doc("process id"),
    Col::figure("parent", "PPID", Kind::Count, 7, 13, |r| Some(f64::from(r.process.parent)))
        .smallest_first()
        .also(&["ppid"])
        .doc("parent process id"),
    Col::words("user", "USER", 8, 3, |r| user(r.cx.users, r.process.uid)).role_of(own).doc("its owner"),
    Col::words("state", "S", 1, 5, |r| char::from(r.process.state).to_string().into())
        .also(&["status"])
        .search(Search::No)
        .role_of(|r, _| match r.process.state {
            b'R' => Role::Ok,
            b'D' | b'Z' | b'T' | b't' => Role::Advice,
            _ => Role::Faint,
        })
        .doc("R running, S sleeping, D uninterruptible, Z zombie, T stopped"),
    Col::figure("priority", "PRI", Kind::Count, 4, 17, |r| Some(f64::from(r.process.priority)))
        .also(&["pri"])
        .doc("kernel priority (20 = default)"),
    Col::figure("nice", "NI", Kind::Count, 3, 12, |r| Some(f64::from(r.process.nice)))
        .also(&["ni"])
        .role_of(|r, _| if r.process.nice == 0 { Role::Faint } else { Role::Dim })
        .doc("niceness, -20 to 19"),
    Col::figure("threads", "THR", Kind::Count, 4, 11, |r| Some(f64::from(r.process.threads)))
        .also(&["thr"])
        .text_of(|r| if r.process.is_thread() { "".into() } else { r.process.threads.to_string().into() })
        .doc("number of threads"),
    Col::figure("core", "CORE", Kind::Count, 4, 18, |r| Some(f64::from(r.process.core)))
        .smallest_first()
        .doc("last core"),
    Col::figure("cpu", "CPU%", Kind::Share, 5, 0, |r| r.cpu().map(f64::from))
        .key(Action::SortCpu)
        .format(cpu_percent)
        // Those that ever used CPU come before those that never did: one that falls asleep stays near its place.
        .tie(|r| u8::from(r.process.mini.is_none()))
        .faint_zero(Role::Text)
        .doc("CPU, 100 is one core"),
    Col::drawn("graph", Kind::Text, GRAPH_WIDTH, 9, |r| r.cpu().map(f64::from), graph)
        .doc("CPU history (full = 1 core)"),
    Col::figure("memory", "MEM", Kind::Bytes, 5, 1, |r| r.own(r.process.memory_bytes))
        .also(&["mem", "rss", "res"])
        .key(Action::SortMemory)
        .text_of(|r| r.bytes(r.process.memory_bytes))
        .role(Role::Text)
        .doc("resident memory"),
    Col::figure("memory_percent", "MEM%", Kind::Share, 5, 14, |r| match r.cx.memory_total {
        0 => None,
        total => r.own(r.process.memory_bytes).map(|bytes| bytes / total as f64),
    })
    .also(&["mem%"])
    .format(|share| format!("{:.1}", share * 100.0))
    .absent(|_| "")
    .doc("share of the machine's memory"),
    Col::figure("virtual", "VIRT", Kind::Bytes, 5, 15, |r| r.own(r.process.virtual_bytes))
        .also(&["virt"])
        .text_of(|r| r.bytes(r.process.virtual_bytes))
        .doc("address space"),
    Col::figure("read", "READ/s", Kind::Bytes, 6, 7, |r| r.process.read_per_second().map(f64::from))
        .asks(io)
        .faint_zero(Role::Text)
        .doc("read from storage each second"),
    Col::figure("write", "WRIT/s", Kind::Bytes, 6, 7, |r| r.process.write_per_second().map(f64::from))
        .asks(io)
        .faint_zero(Role::Text)
        .doc("written to storage each second"),
    Col::figure("time", "TIME", Kind::Seconds, 8, 10, |r| {
        Some(r.process.cpu_ticks as f64 / f64::from(TICKS_PER_SECOND))
    })
    .key(Action::SortTime)
    .text_of(|r| r.cpu_time().into())
    .doc("CPU time since start"),
    Col::figure("start", "START", Kind::Seconds, 6, 16, |r| r.age())
        .text_of(|r| r.began().map_or(Cow::Borrowed(ABSENT), Cow::Owned))
        .doc("start time; sorts by age"),
    Col::words("container", "CONTAINER", 12, 4, |r| r.container().unwrap_or_default().into())
        .between(9, 28)
        .also(&["ct"])
        .role(Role::Container)
        .empty(|state| !state.host.processes.cgroups.iter().any(|path| container_of(path).is_some()))
        .longest(|state| {
            let names = state.host.containers.rows.iter().map(|row| width(&row.meta.name));
            // One that no engine knows shows the front of its id.
            names.max().map(|longest| longest.max(12))
        })
        .doc("its container"),
    Col::words("unit", "UNIT", 20, 8, |r| r.process.unit().unwrap_or_default().into())
        .also(&["service"])
        .doc("systemd unit"),
    Col::figure("gpu", "GPU", Kind::Bytes, 5, 6, |r| {
        let memory = r.cx.host.gpus.memory_of(r.process.key.pid);
        memory.filter(|_| !r.process.is_thread()).map(|bytes| bytes as f64)
    })
    .also(&["vram", "gpu_memory"])
    .absent(|_| "")
    .empty(|state| state.host.gpus.rows.iter().all(|row| row.raw.processes.is_empty()))
    .doc("GPU memory in use"),
    Col::words("command", "COMMAND", 32, 0, |r| r.command().0)
        .also(&["name", "cmd", "comm"])
        .stretching()
        .drawn_by(0, command)
        .doc("program and arguments"),
    Col::figure("io", "I/O/s", Kind::Bytes, 6, 7, |r| r.process.io_per_second().map(f64::from))
        .key(Action::SortIo)
        .asks(io)
        .faint_zero(Role::Text)
        .doc("read + written per second"),
    Col::figure("io_total", "I/O", Kind::Bytes, 5, 19, |r| r.process.moved.as_ref().map(|m| m.bytes() as f64))
        .asks(io)
        .role(Role::Text)
        .doc("read + written since it started"),
];

/// What belongs to a thread's process is less important.
fn own(row: &Row<'_>, _text: &str) -> Role {
    if row.process.is_thread() { Role::Dim } else { Role::Text }
}

fn io(want: &mut Interest) {
    want.io_of_all = true;
}

fn cpu_percent(cores: f64) -> String {
    let percent = cores as f32 * 100.0;
    if percent < 999.95 { format!("{percent:.1}") } else { format!("{percent:.0}") }
}

/// What rows need of the host.
#[derive(Clone, Copy)]
pub struct RowCx<'a> {
    /// User names by id, ascending.
    pub users: &'a [(u32, String)],
    memory_total: u64,
    /// 1, or the number of hardware threads when CPU is shown as a share of the machine.
    cpu_divisor: f32,
    boot_unix_seconds: Option<i64>,
    now: Stamp,
    /// The machine.
    pub host: &'a Host,
    /// Arguments of the command are shown with the program's whole path.
    pub full_path: bool,
}

impl<'a> RowCx<'a> {
    /// Of this host.
    #[must_use]
    pub fn new(host: &'a Host, cpu_of_machine: bool, full_path: bool) -> Self {
        let cores = host.cpu.cores.len().max(1);
        RowCx {
            users: &host.facts.users,
            memory_total: host.memory.raw.total,
            cpu_divisor: if cpu_of_machine { cores as f32 } else { 1.0 },
            boot_unix_seconds: host.facts.ticks_from(),
            now: host.now,
            host,
            full_path,
        }
    }
}

/// One row as the table sees it.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// The process.
    pub process: &'a Process,
    /// Its surroundings.
    pub cx: RowCx<'a>,
}

impl Row<'_> {
    /// CPU as shown: of one core, or of the machine.
    #[must_use]
    pub fn cpu(&self) -> Option<f32> {
        self.process.cpu.map(|c| c / self.cx.cpu_divisor)
    }

    /// The name of its container; its short id where no engine reports one.
    fn container(&self) -> Option<&str> {
        let id = self.process.container()?;
        let known = join::container_of_process(self.cx.host, self.process);
        Some(known.map_or(id, |row| row.meta.name.as_str()))
    }

    /// Seconds that it has lived.
    fn age(&self) -> Option<f64> {
        let began = self.cx.boot_unix_seconds?;
        let now = self.cx.now.unix_ms as f64 / 1e3;
        (now > 0.0).then(|| now - began as f64 - self.process.key.start_ticks as f64 / f64::from(TICKS_PER_SECOND))
    }

    /// The command as the table shows it, and how much of it is the program.
    #[must_use]
    pub fn command(&self) -> (Cow<'_, str>, usize) {
        self.process.shown_command(self.cx.full_path)
    }

    /// Memory of a process; its threads have none of their own.
    fn own(&self, bytes: u64) -> Option<f64> {
        (!self.process.is_thread()).then_some(bytes as f64)
    }

    /// The same as text; threads of the kernel have none either.
    fn bytes(&self, bytes: u64) -> Cow<'static, str> {
        match self.process.is_thread() || self.process.kernel {
            true => Cow::Borrowed(""),
            false => Cow::Owned(units::bytes_short(bytes as f64)),
        }
    }

    /// CPU as the table writes it: per cent of one core, or of the machine.
    #[must_use]
    pub fn cpu_text(&self) -> String {
        self.cpu().map_or_else(|| ABSENT.to_owned(), |cores| cpu_percent(f64::from(cores)))
    }

    /// CPU time since it began: `0:00.42`, `12h34:56`.
    #[must_use]
    pub fn cpu_time(&self) -> String {
        clock(self.process.cpu_ticks)
    }

    /// `09:41` today, `Mar 02` this year, `2024` before.
    #[must_use]
    pub fn began(&self) -> Option<String> {
        let at = self
            .cx
            .boot_unix_seconds?
            .checked_add_unsigned(self.process.key.start_ticks / u64::from(TICKS_PER_SECOND))?;
        let zone = local_zone();
        let at = Timestamp::from_second(at).ok()?.to_zoned_datetime(zone.clone());
        let now = Timestamp::from_millisecond(self.cx.now.unix_ms).ok()?.to_zoned_datetime(zone);
        let format = match (at.date() == now.date(), at.year() == now.year()) {
            (true, _) => "%H:%M",
            (_, true) => "%b %d",
            _ => "%Y",
        };
        Some(at.strftime(format).to_string())
    }
}

/// CPU time in at most eight columns: `0:00.42`, `59:59.99`, `12h34:56`, `41d 06h`.
fn clock(ticks: u64) -> String {
    let second = u64::from(TICKS_PER_SECOND);
    let (seconds, hundredths) = (ticks / second, ticks % second * 100 / second);
    match seconds {
        0..3600 => format!("{}:{:02}.{hundredths:02}", seconds / 60, seconds % 60),
        3600..360_000 => format!("{}h{:02}:{:02}", seconds / 3600, seconds % 3600 / 60, seconds % 60),
        360_000..86_400_000 => format!("{}d {:02}h", seconds / 86_400, seconds % 86_400 / 3600),
        _ => units::span_short(std::time::Duration::from_secs(seconds)),
    }
}

/// The newest of its past, the newest at the right. A process that never used CPU has none.
fn graph(cell: &CellCx<'_>, place: Rect, canvas: &mut Canvas<'_>, row: &Row<'_>) {
    let Some(past) = &row.process.mini else { return };
    let theme = cell.cx.theme;
    let columns = usize::from(place.width.min(GRAPH_WIDTH)).min(MINI_HISTORY);
    let style = theme.style(Role::CpuUser);
    for (value, x) in past[MINI_HISTORY - columns..].iter().zip(place.x..place.right()) {
        put_char(canvas.buf, x, place.y, block(f64::from(*value) / FULL, theme), style);
    }
}

/// The lines of the tree, then the program and, less bright, its arguments.
fn command(cell: &CellCx<'_>, place: Rect, canvas: &mut Canvas<'_>, row: &Row<'_>) {
    let theme = cell.cx.theme;
    let mut x = place.x;
    let room = |x: u16| place.right().saturating_sub(x);
    if let Some(branch) = cell.branch {
        x += put(canvas.buf, x, place.y, room(x), &guide(branch, theme.glyphs.ascii), theme.style(Role::Faint));
        if branch.folded > 0 {
            let words = format!("+{} ", branch.folded);
            x += put(canvas.buf, x, place.y, room(x), &words, theme.style(Role::Accent));
        }
    }
    let (text, program) = row.command();
    let (program, rest) = text.split_at_checked(program).unwrap_or((&text, ""));
    let quiet = row.process.kernel || row.process.is_thread();
    let (style, dim) = (cell.style(if quiet { Role::Dim } else { Role::Text }), cell.style(Role::Dim));
    let place = Rect { x, width: room(x), ..place };
    // Scrolled to the right, or to a match that would be out of sight, the command begins in its middle.
    let skip = match cell.shift {
        0 => cell.needle.map_or(0, |needle| before_match(&text, needle, place.width)),
        shift => shift,
    };
    let shown: Cow<'_, str> = match skip {
        0 => Cow::Borrowed(&text),
        skip => Cow::Owned(text.chars().skip(skip).collect()),
    };
    if skip > 0 {
        put(canvas.buf, x, place.y, place.width, &shown, dim);
    } else if width(&text) > usize::from(place.width) && width(program) >= usize::from(place.width) {
        put(canvas.buf, x, place.y, place.width, &text, style);
    } else {
        x += put(canvas.buf, x, place.y, place.width, program, style);
        put(canvas.buf, x, place.y, room(x), rest, dim);
    }
    cell.mark(place, canvas, Search::Part, Align::Left, &shown);
}

/// Characters to leave out at the left so that the match is inside `room` columns.
fn before_match(text: &str, needle: &Needle, room: u16) -> usize {
    /// What stays visible behind the match.
    const BEHIND: usize = 8;
    let Some(range) = needle.find(text) else { return 0 };
    // The last column may be that of the dots.
    let over = (width(&text[..range.end]) + 1).saturating_sub(usize::from(room));
    let before = text[..range.start].chars().count();
    if over == 0 || width(text) <= usize::from(room) { 0 } else { (over + BEHIND).min(before) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::process::{ProcInfo, ProcKey},
        ui::table::needle::Found,
    };

    fn nginx() -> Process {
        let command = "/usr/sbin/nginx -g daemon off;";
        Process {
            key: ProcKey { pid: 42, start_ticks: 500 },
            tgid: 42,
            name: "nginx".into(),
            uid: 33,
            state: b'S',
            cpu: Some(0.5),
            memory_bytes: 1 << 30,
            info: Some(Box::new(ProcInfo { command: command.into(), program_len: 15, ..ProcInfo::default() })),
            ..Process::default()
        }
    }

    fn host() -> Host {
        let mut host = Host::default();
        host.facts.users = vec![(0, "root".to_owned()), (33, "www-data".to_owned())];
        host.memory.raw.total = 4 << 30;
        host
    }

    #[test]
    fn only_what_is_seen_is_found() {
        let (host, mut process) = (host(), nginx());
        if let Some(info) = &mut process.info {
            info.cgroup = "/system.slice/docker-abc.scope".into();
        }
        let row = Row { process: &process, cx: RowCx::new(&host, false, false) };
        let at = |id: &str| COLUMNS.iter().position(|c| c.def.id == id).expect(id);
        let shown = ["pid", "user", "command"].map(at);
        let found = |word: &str, columns: &[usize]| Processes::find(&row, &Needle::new(word), columns);
        assert_eq!(found("docker", &shown), None, "a control group has no column");
        assert!(!Processes::matches(&row, &Needle::new("docker")));
        assert_eq!(found("sbin", &shown), None, "nor has the folder of the program");
        assert_eq!(found("nginx", &shown), Some(Found::Name));
        assert_eq!(found("daemon", &shown), Some(Found::Beside));
        assert_eq!(found("www-data", &shown), Some(Found::Beside));
        assert_eq!(found("www-data", &["pid", "command"].map(at)), None);
        assert_eq!((found("42", &shown), found("4", &shown)), (Some(Found::Beside), None));
    }

    #[test]
    fn every_cell_fits_its_column() {
        let (mut host, mut process) = (host(), nginx());
        host.memory.raw.total = u64::MAX;
        process.cpu = Some(127.999);
        process.memory_bytes = u64::MAX;
        for ticks in [0, 359_999, 360_000, 35_999_999, 36_000_000, 8_640_000 * 365, u64::MAX / 100_000_000] {
            process.cpu_ticks = ticks;
            let row = Row { process: &process, cx: RowCx::new(&host, false, true) };
            for column in COLUMNS.iter().filter(|column| !column.def.stretch) {
                let shown = column.shown(&row);
                assert!(shown.chars().count() <= usize::from(column.def.width), "{}: {shown}", column.def.id);
            }
        }
    }

    #[test]
    fn program_folder_is_shown_on_request_and_found_always() {
        let (host, process) = (host(), nginx());
        let row = |full| Row { process: &process, cx: RowCx::new(&host, false, full) };
        let matches = |word: &str| Processes::matches(&row(false), &Needle::new(word));
        assert_eq!(row(false).command(), (Cow::Borrowed("nginx -g daemon off;"), 5));
        assert_eq!(row(true).command(), (Cow::Borrowed("/usr/sbin/nginx -g daemon off;"), 15));
        assert!(matches("/usr/sbin"));
        assert!(matches("www-data"));
        assert!(matches("42"));
        assert!(!matches("4"), "a part of a pid is no match");
    }

    #[test]
    fn cpu_is_of_one_core_or_of_the_machine() {
        let (mut host, process) = (host(), nginx());
        host.cpu.cores = vec![Default::default(); 4];
        let cpu = |of_machine| Row { process: &process, cx: RowCx::new(&host, of_machine, false) }.cpu_text();
        assert_eq!((cpu(false), cpu(true)), ("50.0".to_owned(), "12.5".to_owned()));
    }

    #[test]
    fn time_keeps_eight_columns_at_most() {
        for (ticks, shown) in [(42, "0:00.42"), (359_999, "59:59.99"), (360_000, "1h00:00"), (36_000_000, "4d 04h")] {
            assert_eq!(clock(ticks), shown);
        }
    }

    #[test]
    fn cpu_time_has_at_most_eight_columns() {
        for (seconds, text) in [
            (0, "0:00.42"),
            (59, "0:59.42"),
            (61, "1:01.42"),
            (3599, "59:59.42"),
            (3600, "1h00:00"),
            (45_296, "12h34:56"),
            (359_999, "99h59:59"),
            (360_000, "4d 04h"),
            (86_399_999, "999d 23h"),
            (86_400_000, "1000d"),
        ] {
            assert_eq!(clock(seconds * u64::from(TICKS_PER_SECOND) + 42 * u64::from(TICKS_PER_SECOND) / 100), text);
        }
    }

    #[test]
    fn age_and_beginning_count_from_the_boot() {
        let (mut host, mut process) = (host(), nginx());
        let noon = |text: &str| {
            let at: jiff::civil::DateTime = format!("{text}T12:00").parse().expect("a moment");
            local_zone().to_timestamp(at).expect("it is there").as_second()
        };
        let boot = noon("2025-11-20");
        host.now.unix_ms = noon("2026-11-21") * 1000;
        process.key.start_ticks = 0;
        let of = |host: &Host, process: &Process| {
            let row = Row { process, cx: RowCx::new(host, false, false) };
            (row.age(), row.began())
        };
        assert_eq!(of(&host, &process), (None, None), "when it booted is not known");
        host.facts.boot_unix_seconds = Some(boot);
        let age = |from: &str| (noon("2026-11-21") - noon(from)) as f64;
        assert_eq!(of(&host, &process), (Some(age("2025-11-20")), Some("2025".to_owned())));
        let after = |day: &str| (noon(day) - boot) as u64 * u64::from(TICKS_PER_SECOND);
        process.key.start_ticks = after("2026-03-02");
        assert_eq!(of(&host, &process), (Some(age("2026-03-02")), Some("Mar 02".to_owned())));
        process.key.start_ticks = after("2026-11-21");
        assert_eq!(of(&host, &process), (Some(0.0), Some("12:00".to_owned())));
    }

    #[test]
    fn a_thread_has_no_memory_of_its_own() {
        let (host, mut process) = (host(), nginx());
        let of = |process: &Process| {
            let row = Row { process, cx: RowCx::new(&host, false, false) };
            (row.own(5), row.bytes(1 << 20).into_owned())
        };
        assert_eq!(of(&process), (Some(5.0), "1.0M".to_owned()));
        process.kernel = true;
        assert_eq!(of(&process), (Some(5.0), String::new()));
        (process.kernel, process.tgid) = (false, 7);
        assert_eq!(of(&process), (None, String::new()));
    }

    #[test]
    fn a_command_is_scrolled_only_as_far_as_its_match() {
        let text = "/usr/bin/python3 -m http.server --bind 0.0.0.0 8080";
        let skipped = |word: &str, room| before_match(text, &Needle::new(word), room);
        assert_eq!(skipped("python", 80), 0, "all of it fits");
        assert_eq!(skipped("8080", 51), 0, "it fits to the last column");
        assert_eq!(skipped("nothing", 20), 0);
        // It ends at column 16, and the dots take one.
        assert_eq!((skipped("python3", 17), skipped("python3", 16)), (0, 9));
        // It ends at 51: with the dots 32 too many, and 8 to see what follows.
        assert_eq!(skipped("8080", 20), 40);
        assert_eq!(skipped("/usr", 3), 0, "the match itself stays");
    }
}
