//! The columns of the process table: what each shows, sorts by and lets itself be filtered by.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::{
    clock::{Stamp, TICKS_PER_SECOND, local_zone},
    model::{host::Host, join, process::Process},
    ui::{
        parts::process::user,
        table::{
            column::{Column, Kind},
            filter::Fields,
            needle::{Found, Needle},
        },
    },
    units::{self, ABSENT},
};

/// Indices into [`COLUMNS`].
#[expect(missing_docs, reason = "the table documents each")]
pub mod at {
    pub const PID: usize = 0;
    pub const PARENT: usize = 1;
    pub const USER: usize = 2;
    pub const STATE: usize = 3;
    pub const PRIORITY: usize = 4;
    pub const NICE: usize = 5;
    pub const THREADS: usize = 6;
    pub const CORE: usize = 7;
    pub const CPU: usize = 8;
    pub const GRAPH: usize = 9;
    pub const MEMORY: usize = 10;
    pub const MEMORY_PERCENT: usize = 11;
    pub const VIRTUAL: usize = 12;
    pub const READ: usize = 13;
    pub const WRITE: usize = 14;
    pub const TIME: usize = 15;
    pub const START: usize = 16;
    pub const CONTAINER: usize = 17;
    pub const UNIT: usize = 18;
    pub const GPU: usize = 19;
    pub const COMMAND: usize = 20;
    pub const IO: usize = 21;
}

/// Columns of the small graph.
pub const GRAPH_WIDTH: u16 = 8;

/// Every column. On a narrow screen those of the greatest rank go first; pid, CPU and command stay.
pub static COLUMNS: [Column; 22] = [
    Column::figure("pid", "PID", Kind::Count, 7, 0).smallest_first().doc("process id"),
    Column::figure("parent", "PPID", Kind::Count, 7, 13).smallest_first().also(&["ppid"]).doc("its parent's id"),
    Column::words("user", "USER", 8, 3).doc("its owner"),
    Column::words("state", "S", 1, 5)
        .also(&["status"])
        .doc("R runs, S sleeps, D waits for a device, Z ended, T stopped"),
    Column::figure("priority", "PRI", Kind::Count, 4, 17).also(&["pri"]).doc("the kernel's priority, 20 is normal"),
    Column::figure("nice", "NI", Kind::Count, 3, 12).also(&["ni"]).doc("niceness, -20 to 19"),
    Column::figure("threads", "THR", Kind::Count, 4, 11).also(&["thr"]).doc("how many threads it has"),
    Column::figure("core", "CORE", Kind::Count, 4, 18).smallest_first().doc("the core that it ran on last"),
    Column::figure("cpu", "CPU%", Kind::Share, 5, 0).doc("CPU, 100 is one core"),
    Column::words("graph", "", GRAPH_WIDTH, 9).doc("its CPU lately, a full block is one core"),
    Column::figure("memory", "MEM", Kind::Bytes, 5, 1).also(&["mem", "rss", "res"]).doc("resident memory"),
    Column::figure("memory_percent", "MEM%", Kind::Share, 5, 14).also(&["mem%"]).doc("share of the machine's memory"),
    Column::figure("virtual", "VIRT", Kind::Bytes, 5, 15).also(&["virt"]).doc("address space"),
    Column::figure("read", "READ/s", Kind::Bytes, 6, 7).doc("read from storage each second"),
    Column::figure("write", "WRIT/s", Kind::Bytes, 6, 7).doc("written to storage each second"),
    Column::figure("time", "TIME", Kind::Seconds, 8, 10).doc("CPU time since it began"),
    Column::figure("start", "START", Kind::Seconds, 6, 16).doc("when it began; sorts by age"),
    Column::words("container", "CONTAINER", 12, 4).between(9, 28).also(&["ct"]).doc("its container"),
    Column::words("unit", "UNIT", 20, 8).also(&["service"]).doc("its systemd unit"),
    Column::figure("gpu", "GPU", Kind::Bytes, 5, 6).also(&["vram", "gpu_memory"]).doc("memory that it holds on GPUs"),
    Column::words("command", "COMMAND", 32, 0).also(&["name", "cmd", "comm"]).stretching().doc("program and arguments"),
    Column::figure("io", "I/O/s", Kind::Bytes, 6, 7).doc("read and written each second, together"),
];

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
    host: &'a Host,
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

    /// The name of its container; the front of its id where no engine tells one.
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

    /// What stands in the cell of this column.
    #[must_use]
    pub fn shown(&self, column: usize) -> String {
        let p = self.process;
        let own = !p.is_thread();
        let absent = || ABSENT.to_owned();
        match column {
            at::CPU => self.cpu().map_or_else(absent, |c| {
                let c = c * 100.0;
                if c < 999.95 { format!("{c:.1}") } else { format!("{c:.0}") }
            }),
            at::MEMORY if own && !p.kernel => units::bytes_short(p.memory_bytes as f64),
            at::VIRTUAL if own && !p.kernel => units::bytes_short(p.virtual_bytes as f64),
            at::MEMORY_PERCENT => self.number(column).map_or_else(String::new, |m| format!("{:.1}", m * 100.0)),
            at::GPU => self.number(column).map_or_else(String::new, units::bytes_short),
            at::MEMORY | at::VIRTUAL | at::GRAPH => String::new(),
            at::READ | at::WRITE | at::IO => self.number(column).map_or_else(absent, units::bytes_short),
            at::TIME => clock(p.cpu_ticks),
            at::START => self.began().unwrap_or_else(absent),
            at::THREADS if !own => String::new(),
            at::PID | at::PARENT | at::PRIORITY | at::NICE | at::THREADS | at::CORE => {
                self.number(column).map_or_else(absent, |n| format!("{n:.0}"))
            }
            _ => self.text(column).into_owned(),
        }
    }

    /// `09:41` today, `Mar 02` this year, `2024` before.
    fn began(&self) -> Option<String> {
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

impl Fields for Row<'_> {
    fn text(&self, column: usize) -> Cow<'_, str> {
        let p = self.process;
        match column {
            at::USER => user(self.cx.users, p.uid),
            at::STATE => Cow::Owned(char::from(p.state).to_string()),
            at::CONTAINER => Cow::Borrowed(self.container().unwrap_or_default()),
            at::UNIT => Cow::Borrowed(p.unit().unwrap_or_default()),
            at::COMMAND => self.command().0,
            at::GRAPH => Cow::Borrowed(""),
            _ => Cow::Owned(self.shown(column)),
        }
    }

    fn number(&self, column: usize) -> Option<f64> {
        let p = self.process;
        let own = !p.is_thread();
        Some(match column {
            at::PID => f64::from(p.key.pid),
            at::PARENT => f64::from(p.parent),
            at::PRIORITY => f64::from(p.priority),
            at::NICE => f64::from(p.nice),
            at::THREADS => f64::from(p.threads),
            at::CORE => f64::from(p.core),
            at::CPU | at::GRAPH => f64::from(self.cpu()?),
            at::MEMORY => own.then_some(p.memory_bytes as f64)?,
            at::MEMORY_PERCENT if self.cx.memory_total > 0 => {
                own.then_some(p.memory_bytes as f64 / self.cx.memory_total as f64)?
            }
            at::VIRTUAL => own.then_some(p.virtual_bytes as f64)?,
            at::READ => f64::from(p.read_per_second()?),
            at::WRITE => f64::from(p.write_per_second()?),
            at::IO => f64::from(p.io_per_second()?),
            at::TIME => p.cpu_ticks as f64 / f64::from(TICKS_PER_SECOND),
            at::START => self.age()?,
            at::GPU => own.then(|| self.cx.host.gpus.memory_of(p.key.pid)).flatten()? as f64,
            _ => return None,
        })
    }

    fn word(&self, needle: &Needle) -> bool {
        let p = self.process;
        needle.is_in(&self.command().0)
            || needle.is_in(&p.name)
            || needle.is_in(&user(self.cx.users, p.uid))
            || self.container().is_some_and(|name| needle.is_in(name))
            || p.info.as_ref().is_some_and(|i| needle.is_in(&i.command))
            || (needle.text().bytes().all(|b| b.is_ascii_digit()) && p.key.pid.to_string() == needle.text())
    }

    fn found(&self, needle: &Needle, columns: &[usize]) -> Option<Found> {
        let (command, program) = self.command();
        let holds = |column: &usize| match *column {
            at::COMMAND => needle.is_in(&command),
            at::PID => self.process.key.pid.to_string() == needle.text(),
            at::USER | at::CONTAINER | at::UNIT => needle.is_in(&self.text(*column)),
            _ => false,
        };
        let seen = columns.contains(&at::COMMAND);
        match seen && command.get(..program).is_some_and(|program| needle.is_in(program)) {
            true => Some(Found::Name),
            false => columns.iter().any(holds).then_some(Found::Beside),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::process::{ProcInfo, ProcKey};

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
        let shown = [at::PID, at::USER, at::COMMAND];
        let found = |word: &str, columns: &[usize]| row.found(&Needle::new(word), columns);
        assert_eq!(found("docker", &shown), None, "a control group has no column");
        assert!(!row.word(&Needle::new("docker")));
        assert_eq!(found("sbin", &shown), None, "nor has the folder of the program");
        assert_eq!(found("nginx", &shown), Some(Found::Name));
        assert_eq!(found("daemon", &shown), Some(Found::Beside));
        assert_eq!(found("www-data", &shown), Some(Found::Beside));
        assert_eq!(found("www-data", &[at::PID, at::COMMAND]), None);
        assert_eq!((found("42", &shown), found("4", &shown)), (Some(Found::Beside), None));
    }

    #[test]
    fn the_constants_name_their_columns() {
        for (index, id) in [
            (at::PID, "pid"),
            (at::USER, "user"),
            (at::CPU, "cpu"),
            (at::MEMORY, "memory"),
            (at::READ, "read"),
            (at::TIME, "time"),
            (at::CONTAINER, "container"),
            (at::COMMAND, "command"),
            (at::IO, "io"),
        ] {
            assert_eq!(COLUMNS[index].id, id);
        }
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
            for (index, column) in COLUMNS.iter().enumerate().filter(|(i, _)| *i != at::COMMAND) {
                let shown = row.shown(index);
                assert!(shown.chars().count() <= usize::from(column.width), "{}: {shown}", column.id);
            }
        }
    }

    #[test]
    fn the_folder_of_the_program_is_shown_only_when_asked_for_and_found_always() {
        let (host, process) = (host(), nginx());
        let row = |full| Row { process: &process, cx: RowCx::new(&host, false, full) };
        assert_eq!(row(false).command(), (Cow::Borrowed("nginx -g daemon off;"), 5));
        assert_eq!(row(true).command(), (Cow::Borrowed("/usr/sbin/nginx -g daemon off;"), 15));
        assert!(row(false).word(&Needle::new("/usr/sbin")));
        assert!(row(false).word(&Needle::new("www-data")));
        assert!(row(false).word(&Needle::new("42")));
        assert!(!row(false).word(&Needle::new("4")), "a part of a pid is no match");
    }

    #[test]
    fn cpu_is_of_one_core_or_of_the_machine() {
        let (mut host, process) = (host(), nginx());
        host.cpu.cores = vec![Default::default(); 4];
        let cpu = |of_machine| Row { process: &process, cx: RowCx::new(&host, of_machine, false) }.shown(at::CPU);
        assert_eq!((cpu(false), cpu(true)), ("50.0".to_owned(), "12.5".to_owned()));
    }

    #[test]
    fn time_keeps_eight_columns_at_most() {
        for (ticks, shown) in [(42, "0:00.42"), (359_999, "59:59.99"), (360_000, "1h00:00"), (36_000_000, "4d 04h")] {
            assert_eq!(clock(ticks), shown);
        }
    }
}
