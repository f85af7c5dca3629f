//! Processes: what a round of `/proc` brought (a delta), and the table that the deltas keep ("proc(5)" pid/stat,
//! pid/cmdline, pid/io, pid/cgroup).

mod cgroup;
mod detail;
mod fold;
mod memory;

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};

pub use cgroup::{container_of, containers, guest_of, pod_of, unit_of};
pub use memory::ProcessMemorySample;

/// Identity: a recycled pid has another start time and is another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct ProcKey {
    /// Process id; the thread id for a thread's row.
    pub pid: u32,
    /// Clock ticks after boot.
    pub start_ticks: u64,
}

/// What one read of `stat` returned: raw values.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProcRow {
    /// Which process, or which thread.
    pub key: ProcKey,
    /// The process that this row belongs to: `key.pid` for a process, its process for a thread.
    pub tgid: u32,
    pub parent: u32,
    /// `R S D Z T t I X`, as the kernel writes it.
    pub state: u8,
    /// Ticks in user mode.
    pub user_ticks: u64,
    /// Ticks in kernel mode.
    pub system_ticks: u64,
    /// The span over which the ticks since the previous row of this process were spent, microseconds; the collector
    /// knows it, as idle processes are read in turn. 0 in a first row: no rate then.
    pub over_us: u64,
    /// Resident pages; 0 in a thread's row, as memory is the process's.
    pub resident_pages: u64,
    /// Address space, bytes; 0 in a thread's row.
    pub virtual_bytes: u64,
    /// Threads.
    pub threads: u32,
    /// Kernel priority as `top` shows it (20 is normal, negative is real time).
    pub priority: i32,
    /// Niceness, −20 to 19.
    pub nice: i32,
    /// Core it ran on last.
    pub core: u16,
    /// True for a kernel thread.
    pub kernel: bool,
    /// `comm`, cleaned, when first seen or changed. Shared: hundreds of processes have one name.
    pub name: Option<Arc<str>>,
    /// Owner, when first seen or changed.
    pub uid: Option<u32>,
}

/// What is read once in a process's life, and again after an exec.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProcInfo {
    /// Arguments joined by blanks, cleaned; empty for kernel threads and zombies.
    pub command: Box<str>,
    /// Length of the program's path in `command`, for showing its last part apart from folders and arguments.
    pub program_len: u16,
    /// cgroup path (version 2, else the systemd or pids hierarchy), empty when unknown. Shared: hundreds of processes
    /// are in one group.
    pub cgroup: Arc<str>,
}

impl ProcInfo {
    /// True when `other` says nothing new: an empty path is one that was not read.
    pub(crate) fn has(&self, other: &ProcInfo) -> bool {
        (&self.command, self.program_len) == (&other.command, other.program_len)
            && (other.cgroup.is_empty() || self.cgroup == other.cgroup)
    }
}

/// Bytes that one process had read from and written to storage ("proc(5)" pid/io read_bytes, write_bytes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProcIo {
    pub key: ProcKey,
    /// Bytes since it began.
    pub read_bytes: u64,
    /// Bytes since it began, cancelled ones apart.
    pub written_bytes: u64,
    /// Microseconds since this process's figures were read before; 0 when they never were.
    pub over_us: u64,
}

/// One round: what changed since the round before, or a keyframe, which needs no round before it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProcessSample {
    /// Counts the rounds of the collector, from 1, so that a lost one is noticed; 0 in one that is not counted.
    #[serde(default)]
    pub round: u64,
    /// A keyframe: `rows` are all that there are, with their names and owners. Command lines follow within some rounds.
    pub fresh: bool,
    /// Rows that are new or changed, and those with CPU time in the round before; ascending by (tgid, pid).
    pub rows: Vec<ProcRow>,
    /// Processes and threads that ended; ascending by pid.
    pub gone: Vec<ProcKey>,
    /// Commands and cgroups read in this round, and their processes.
    pub infos: Vec<(ProcKey, ProcInfo)>,
    /// Storage figures learned in this round.
    pub ios: Vec<ProcIo>,
    /// Every process was read in this round, not the awake alone: one without a row used nothing.
    pub full: bool,
    /// Processes read in this round.
    pub read: u32,
    /// Ticks of processes that ended, as far as no row ever carried them: those that came and went between two rounds,
    /// and the last moments of others. Their parents inherit them ("proc(5)" cutime, cstime).
    pub ended_ticks: u64,
    /// Bytes a page.
    pub page_bytes: u32,
    /// Processes are hidden from us (hidepid): how many, 0 where that is unknown.
    pub hidden: Option<u32>,
}

/// CPU of the last rounds for a small graph: eighths of a core up to one core, newest last.
pub const MINI_HISTORY: usize = 16;

/// One process, or one thread, as shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Process {
    /// Which one.
    pub key: ProcKey,
    /// The process it belongs to.
    pub tgid: u32,
    pub parent: u32,
    /// `R S D Z T t I X`.
    pub state: u8,
    /// Owner.
    pub uid: u32,
    /// True for a kernel thread.
    pub kernel: bool,
    /// `comm`.
    pub name: Arc<str>,
    /// Command line and cgroup, once read.
    pub info: Option<Box<ProcInfo>>,
    /// Share of one core in the last span, so up to the number of cores; `None` until two readings exist.
    pub cpu: Option<f32>,
    /// CPU ticks since it began, user and system.
    pub cpu_ticks: u64,
    /// User part of them.
    pub user_ticks: u64,
    /// Resident bytes.
    pub memory_bytes: u64,
    /// Address space, bytes.
    pub virtual_bytes: u64,
    /// Threads.
    pub threads: u32,
    /// Kernel priority.
    pub priority: i16,
    /// Niceness.
    pub nice: i8,
    /// Core it ran on last.
    pub core: u16,
    /// What it moved from and to storage; `None` until it was read.
    pub moved: Option<Box<Moved>>,
    /// CPU of the last rounds, eighths of a core, newest last; only for those that ever used some.
    pub mini: Option<Box<[u8; MINI_HISTORY]>>,
    /// Rounds were lost since its row: the span of the next one is not that between the two, so there is no rate.
    pub unpaired: bool,
}

/// What a process moved from and to storage.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Moved {
    /// Bytes since it began.
    pub read_bytes: u64,
    /// Bytes since it began, cancelled ones apart.
    pub written_bytes: u64,
    /// Bytes read a second; `None` while not read, or denied.
    pub read_per_second: Option<f32>,
    /// Bytes written a second, likewise.
    pub write_per_second: Option<f32>,
    /// Rounds since they were reported.
    pub rounds: u8,
}

impl Moved {
    /// Read and written together since it began.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.read_bytes.saturating_add(self.written_bytes)
    }
}

impl Process {
    /// Storage bytes read a second; `None` until asked for and known, or denied.
    #[must_use]
    pub fn read_per_second(&self) -> Option<f32> {
        self.moved.as_ref()?.read_per_second
    }

    /// Storage bytes written a second, likewise.
    #[must_use]
    pub fn write_per_second(&self) -> Option<f32> {
        self.moved.as_ref()?.write_per_second
    }

    /// Storage bytes read and written a second; of one alone where the other is not known.
    #[must_use]
    pub fn io_per_second(&self) -> Option<f32> {
        [self.read_per_second(), self.write_per_second()].into_iter().flatten().reduce(|a, b| a + b)
    }

    /// True for a thread's own row.
    #[must_use]
    pub fn is_thread(&self) -> bool {
        self.tgid != self.key.pid
    }

    /// The command line where it is known and not empty, else the name.
    #[must_use]
    pub fn command(&self) -> &str {
        self.info.as_ref().map(|i| &*i.command).filter(|c| !c.is_empty()).unwrap_or(&self.name)
    }

    /// The command as tables show it, without the program's folder unless `full_path` asks for it; and how many bytes of
    /// it are the program.
    #[must_use]
    pub fn shown_command(&self, full_path: bool) -> (Cow<'_, str>, usize) {
        if self.is_thread() {
            return (Cow::Borrowed(&self.name), self.name.len());
        }
        let Some(info) = self.info.as_ref().filter(|i| !i.command.is_empty()) else {
            let text = if self.kernel { Cow::Owned(format!("[{}]", self.name)) } else { Cow::Borrowed(&*self.name) };
            let len = text.len();
            return (text, len);
        };
        let program = info.command.get(..usize::from(info.program_len)).unwrap_or(&info.command);
        let folder = if full_path { 0 } else { program.rfind('/').map_or(0, |slash| slash + 1) };
        if folder >= program.len() {
            return (Cow::Borrowed(&info.command), program.len());
        }
        (Cow::Borrowed(&info.command[folder..]), program.len() - folder)
    }

    /// The container that its cgroup path names: 12 letters of its id.
    #[must_use]
    pub fn container(&self) -> Option<&str> {
        container_of(&self.info.as_ref()?.cgroup)
    }

    /// The pod that its cgroup path names: the front of its unique id.
    #[must_use]
    pub fn pod(&self) -> Option<String> {
        pod_of(&self.info.as_ref()?.cgroup)
    }

    /// The guest that its cgroup path names: `lxc 101`, `vm 102`.
    #[must_use]
    pub fn guest(&self) -> Option<String> {
        guest_of(&self.info.as_ref()?.cgroup)
    }

    /// The systemd unit that its cgroup path names: `ssh.service`, `session-3.scope`.
    #[must_use]
    pub fn unit(&self) -> Option<&str> {
        unit_of(&self.info.as_ref()?.cgroup)
    }
}

/// All processes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Processes {
    /// Ascending by (tgid, pid): a process comes before its threads.
    pub rows: Vec<Process>,
    /// Counts over processes, threads apart.
    pub counts: ProcessCounts,
    /// Rounds folded so far: goes up whenever `rows` may have changed.
    pub round: u64,
    /// Keyframes that are needed: goes up when a round was lost, and again while no keyframe comes.
    pub keyframes_wanted: u64,
    /// The collector's number of the newest round.
    pub sampled: u64,
    /// Rounds folded since one was lost; `None` after a keyframe.
    pub incomplete: Option<u32>,
    /// Processes are hidden from us (hidepid), so that no count is of all: how many, 0 where that is unknown.
    pub hidden: Option<u32>,
    /// Share of one core that processes used which ended in the last round before a row could show it: together with the
    /// rows' CPU this is what the machine used. `None` until two rounds exist.
    pub ended_cpu: Option<f32>,
    /// cgroup paths that rows share.
    pub cgroups: BTreeSet<Arc<str>>,
}

impl Processes {
    /// The row of one process or thread.
    #[must_use]
    pub fn find(&self, key: ProcKey) -> Option<&Process> {
        // A process is at (pid, pid); a thread follows a process that its key does not name.
        match self.rows.binary_search_by_key(&(key.pid, key.pid), |p| (p.tgid, p.key.pid)) {
            Ok(at) => self.rows.get(at).filter(|p| p.key == key),
            Err(_) if self.counts.threads > 0 => self.rows.iter().find(|p| p.key == key),
            Err(_) => None,
        }
    }

    /// The index of a row's parent: a thread's is its process.
    #[must_use]
    pub fn parent_of(&self, process: &Process) -> Option<usize> {
        let parent = if process.is_thread() { process.tgid } else { process.parent };
        self.rows.binary_search_by_key(&(parent, parent), |p| (p.tgid, p.key.pid)).ok()
    }
}

/// Counts of processes by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProcessCounts {
    pub total: u32,
    pub kernel: u32,
    pub threads: u32,
    pub running: u32,
    pub asleep: u32,
    pub blocked: u32,
    pub stopped: u32,
    pub zombie: u32,
}

/// More about one process, read only while its detail is open.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProcessDetailSample {
    pub key: ProcKey,
    /// Arguments one by one, cleaned.
    pub arguments: Vec<String>,
    /// Program file, working directory, root.
    pub executable: Option<String>,
    /// Working folder.
    pub folder: Option<String>,
    /// Names of the environment's variables, never their values.
    pub environment_names: Vec<String>,
    /// Open files: descriptor and target.
    pub files: Vec<(u32, String)>,
    /// Descriptors in all (the list is cut at 500).
    pub files_total: u32,
    /// Soft limit of descriptors.
    pub files_limit: Option<u64>,
    /// Inodes of its sockets, to be found among [`super::socket::Socket`]s.
    pub socket_inodes: Vec<u64>,
    /// Its own sockets.
    pub sockets: Vec<super::socket::Socket>,
    /// Proportional, swapped, private and shared memory, bytes (`smaps_rollup`).
    pub pss_bytes: Option<u64>,
    /// Swapped, bytes.
    pub swap_bytes: Option<u64>,
    /// Voluntary and forced context switches since it began.
    pub switches: Option<(u64, u64)>,
    /// `oom_score`.
    pub oom_score: Option<i32>,
    /// Where the kernel sleeps for it (`wchan`).
    pub waits_in: Option<String>,
    /// What could not be read, with a hint.
    pub denied: Vec<String>,
}

/// The detail that is open, with the history of its process.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProcessDetail {
    pub raw: ProcessDetailSample,
    /// Share of one core.
    pub cpu_history: super::series::Series,
    /// Resident bytes.
    pub memory_history: super::series::Series,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_found_while_threads_are_listed() {
        let key = |pid: u32| ProcKey { pid, start_ticks: u64::from(pid) };
        let row = |tgid: u32, pid: u32| Process { key: key(pid), tgid, ..Process::default() };
        let mut all = Processes { rows: vec![row(10, 10), row(10, 42), row(20, 20)], ..Processes::default() };
        all.counts.threads = 1;
        let found = |all: &Processes, key: ProcKey| all.find(key).map(|process| (process.tgid, process.key.pid));
        assert_eq!(found(&all, key(42)), Some((10, 42)));
        assert_eq!(found(&all, key(20)), Some((20, 20)));
        assert_eq!(found(&all, ProcKey { pid: 20, start_ticks: 1 }), None, "another one had this number");
        assert_eq!(found(&all, ProcKey { pid: 42, start_ticks: 1 }), None);
        // Without threads a key that is no process's is of nothing, and not every row is looked at for it.
        let none = Processes { rows: vec![row(10, 10), row(20, 20)], ..Processes::default() };
        assert_eq!((found(&none, key(10)), found(&none, key(42))), (Some((10, 10)), None));
    }

    #[test]
    fn an_info_is_news_where_it_says_something_else() {
        let info = |command: &str, program_len: u16, cgroup: &str| ProcInfo {
            command: command.into(),
            program_len,
            cgroup: cgroup.into(),
        };
        let known = info("a b", 1, "/x");
        for (other, known_already) in [
            (info("a b", 1, "/x"), true),
            (info("a b", 1, ""), true),
            (info("a b", 1, "/y"), false),
            (info("a c", 1, "/x"), false),
            (info("a b", 3, ""), false),
        ] {
            assert_eq!(known.has(&other), known_already, "{other:?}");
        }
        let moved = Moved { read_bytes: 5, written_bytes: 7, ..Moved::default() };
        assert_eq!(moved.bytes(), 12);
    }
}
