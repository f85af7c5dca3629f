//! One process in full, while its detail view is open: arguments, files, sockets, memory. Only the names of environment
//! variables: values may be secret.

use std::{
    fs, io,
    path::PathBuf,
    time::{Duration, Instant},
};

use super::{
    CollectCx, Collector, OpenCx,
    proc_files::{Files, Kind},
    socket,
};
use crate::{
    model::{
        event::Sample,
        fault::Fault,
        process::{ProcKey, ProcessDetailSample},
    },
    sys::{
        parse::{lines, number, trim, value_of, words},
        root::Root,
    },
    text::{clean, clean_bytes},
};

/// Open files listed.
const FILES: usize = 500;
/// A file unread for this long counts as hanging.
const PATIENCE: Duration = Duration::from_millis(400);
/// Hanging readers at most: beyond that, nothing more is read.
const MOST_HUNG: usize = 16;
/// What needs privileges to read.
const CURE: &str = "run as root or as its owner";

pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    Ok(Box::new(Detail { root: cx.root.clone(), files: None, hung: Vec::new() }))
}

struct Detail {
    root: Root,
    files: Option<Files>,
    /// Files that hang, each with its waiting reader.
    hung: Vec<(ProcKey, &'static str, Files)>,
}

impl Detail {
    /// Reads a file of a process to its end; `None` if it hangs.
    fn read(&mut self, key: ProcKey, name: &'static str) -> Option<io::Result<Vec<u8>>> {
        let now = Instant::now();
        self.hung.retain_mut(|(.., files)| matches!(files.next(now), Ok(None)));
        if self.hung.iter().any(|(of, hung, _)| (*of, *hung) == (key, name)) || self.hung.len() >= MOST_HUNG {
            return None;
        }
        let mut files = match self.files.take().map_or_else(Files::open, Ok) {
            Ok(files) => files,
            Err(error) => return Some(Err(error)),
        };
        match files.one(Kind::Whole, &self.root.path(format!("proc/{}/{name}", key.pid)), PATIENCE) {
            Ok(Some(answer)) => {
                self.files = Some(files);
                Some(answer.map_err(io::Error::from))
            }
            Ok(None) => {
                self.hung.push((key, name, files));
                None
            }
            Err(error) => Some(Err(error)),
        }
    }
}

impl Collector for Detail {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        let key = cx.want.detail.ok_or_else(|| Fault::Absent("no process is selected".to_owned()))?;
        let ended = || Fault::Absent(format!("process {} ended", key.pid));
        if start_ticks(&self.root, key.pid) != Some(key.start_ticks) {
            return Err(ended());
        }
        let sample = read(self, key);
        // It may have ended and its pid been reused while we read.
        if start_ticks(&self.root, key.pid) != Some(key.start_ticks) {
            return Err(ended());
        }
        Ok(Sample::ProcessDetail(Box::new(sample)))
    }
}

/// The start of the process, ticks after boot.
pub(super) fn start_ticks(root: &Root, pid: u32) -> Option<u64> {
    let stat = root.read(format!("proc/{pid}/stat")).ok()?;
    let rest = stat.get(stat.iter().rposition(|&b| b == b')')? + 1..)?;
    words(rest).nth(19).and_then(number)
}

/// Reads one file or folder of a process, and records a refusal.
struct Reader<'a> {
    root: &'a Root,
    source: &'a mut Detail,
    key: ProcKey,
    denied: Vec<String>,
}

impl Reader<'_> {
    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("proc/{}/{name}", self.key.pid))
    }

    fn booked<T>(&mut self, what: &str, outcome: io::Result<T>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(error) => {
                if error.kind() == io::ErrorKind::PermissionDenied {
                    self.denied.push(format!("{what}: {CURE}"));
                }
                None
            }
        }
    }

    fn bytes(&mut self, name: &'static str, what: &str) -> Option<Vec<u8>> {
        let Some(outcome) = self.source.read(self.key, name) else {
            self.denied.push(format!("{what}: does not answer, as when it waits for a dead server"));
            return None;
        };
        self.booked(what, outcome)
    }

    fn link(&mut self, name: &str, what: &str) -> Option<String> {
        let outcome = fs::read_link(self.root.path(self.path(name)));
        self.booked(what, outcome).map(|target| clean(&target.to_string_lossy()).into_owned())
    }
}

fn read(source: &mut Detail, key: ProcKey) -> ProcessDetailSample {
    let root = &source.root.clone();
    let mut reader = Reader { root, source, key, denied: Vec::new() };
    let r = &mut reader;
    let mut sample = ProcessDetailSample { key, ..ProcessDetailSample::default() };
    if let Some(bytes) = r.bytes("cmdline", "arguments") {
        sample.arguments = parts(&bytes).map(clean_bytes).collect();
    }
    sample.executable = r.link("exe", "exe");
    sample.folder = r.link("cwd", "working directory");
    if let Some(bytes) = r.bytes("environ", "environment") {
        sample.environment_names = environment(&bytes);
    }
    files(r, &mut sample);
    if let Some(bytes) = r.bytes("limits", "limits") {
        sample.files_limit = files_limit(&bytes);
    }
    if !sample.socket_inodes.is_empty() {
        let all = socket::read(root, r.path("net")).unwrap_or_default();
        sample.sockets = all.into_iter().filter(|s| sample.socket_inodes.contains(&s.inode)).collect();
    }
    if let Some(bytes) = r.bytes("smaps_rollup", "shared memory") {
        let kilobytes = |key: &[u8]| value_of(&bytes, key).and_then(|v| words(v).next()).and_then(number);
        sample.pss_bytes = kilobytes(b"Pss").map(|k| k * 1024);
        sample.swap_bytes = kilobytes(b"Swap").map(|k| k * 1024);
    }
    if let Some(bytes) = r.bytes("status", "status") {
        let value = |key: &[u8]| value_of(&bytes, key).map(trim).and_then(number);
        sample.switches = value(b"voluntary_ctxt_switches").zip(value(b"nonvoluntary_ctxt_switches"));
    }
    sample.oom_score = root.number(r.path("oom_score"));
    sample.waits_in = r.bytes("wchan", "wchan").map(|b| clean_bytes(trim(&b))).filter(|w| !w.is_empty() && w != "0");
    sample.denied = reader.denied;
    sample
}

/// Pieces between zero bytes, without the empty one after the last.
fn parts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.strip_suffix(b"\0").unwrap_or(bytes).split(|&b| b == 0).filter(|p| !p.is_empty())
}

/// The part before each `=`, in order.
fn environment(bytes: &[u8]) -> Vec<String> {
    let name = |part: &[u8]| part.iter().position(|&b| b == b'=').map(|at| clean_bytes(&part[..at]));
    let mut names: Vec<String> = parts(bytes).filter_map(name).filter(|n| !n.is_empty()).collect();
    names.sort();
    names
}

fn files(r: &mut Reader<'_>, sample: &mut ProcessDetailSample) {
    let folder = r.root.path(r.path("fd"));
    let outcome = fs::read_dir(&folder);
    let Some(entries) = r.booked("open files", outcome) else { return };
    let mut numbers: Vec<u32> = entries.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    sample.files_total = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
    for (i, fd) in numbers.into_iter().enumerate() {
        let Ok(target) = fs::read_link(folder.join(fd.to_string())) else { continue };
        let target = target.to_string_lossy();
        sample.socket_inodes.extend(socket::socket_inode(&target));
        if i < FILES {
            sample.files.push((fd, clean(&target).into_owned()));
        }
    }
}

/// The soft limit of `Max open files`.
fn files_limit(bytes: &[u8]) -> Option<u64> {
    let line = lines(bytes).find(|l| l.starts_with(b"Max open files"))?;
    words(line).nth(3).and_then(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_environment_never_leave_the_file() {
        assert_eq!(environment(b"TOKEN=secret=1\0PATH=/bin\0=odd\0bare\0"), ["PATH", "TOKEN"]);
    }

    #[test]
    fn our_own_process_is_read_in_full() {
        let root = Root::default();
        let pid = std::process::id();
        let key = ProcKey { pid, start_ticks: start_ticks(&root, pid).unwrap() };
        let file = tempfile::NamedTempFile::new().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let sample = read(&mut Detail { root: root.clone(), files: None, hung: Vec::new() }, key);
        assert!(!sample.arguments.is_empty() && sample.denied.is_empty(), "{:?}", sample.denied);
        assert!(sample.files.iter().any(|(_, target)| *target == file.path().to_string_lossy()));
        assert!(sample.sockets.iter().any(|s| s.local == listener.local_addr().unwrap()));
        assert!(sample.pss_bytes.is_some_and(|b| b > 0) && sample.files_limit.is_some());
        let own = |path: std::io::Result<std::path::PathBuf>| path.ok().map(|path| path.to_string_lossy().into_owned());
        assert_eq!(sample.executable, own(std::env::current_exe()));
        assert_eq!(sample.folder, own(std::env::current_dir()));
    }

    #[test]
    fn a_hanging_file_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join("proc/7").join(name);
        std::fs::create_dir_all(at("")).unwrap();
        std::fs::write(at("limits"), "Max open files            64                 64               files\n").unwrap();
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        for name in ["cmdline", "environ"] {
            rustix::fs::mknodat(rustix::fs::CWD, at(name), rustix::fs::FileType::Fifo, mode, 0).unwrap();
        }
        let key = ProcKey { pid: 7, start_ticks: 1 };
        let mut source = Detail { root: Root::new(folder.path()), files: None, hung: Vec::new() };
        for _ in 0..2 {
            let sample = read(&mut source, key);
            assert_eq!(sample.files_limit, Some(64));
            assert_eq!(sample.denied.iter().filter(|why| why.contains("does not answer")).count(), 2);
            assert_eq!(source.hung.len(), 2, "each is asked once");
        }
        std::fs::write(at("cmdline"), "late\0").unwrap();
        while source.read(key, "environ").is_none() && source.hung.len() == 2 {
            std::thread::yield_now();
        }
        assert_eq!(source.hung.len(), 1);
    }

    #[test]
    fn the_open_files_limit_is_the_soft_one() {
        let text = b"Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 524288               files\n";
        assert_eq!(files_limit(text), Some(1024));
    }

    #[test]
    fn each_file_gives_its_part() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("proc/7");
        std::fs::create_dir_all(place.join("fd")).unwrap();
        for (name, text) in [
            ("cmdline", "/bin/x\0-a\0"),
            ("environ", "B=1\0A=2\0"),
            ("smaps_rollup", "00400000-7fff ---p\nRss:  900 kB\nPss:  300 kB\nSwap:  40 kB\n"),
            ("status", "Name:\tx\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t3\n"),
            ("oom_score", "666\n"),
            ("wchan", "ep_poll\n"),
            ("limits", "Max open files            64                 99               files\n"),
        ] {
            std::fs::write(place.join(name), text).unwrap();
        }
        let link = |name: &str, target: &str| std::os::unix::fs::symlink(target, place.join(name)).unwrap();
        link("exe", "/bin/x");
        link("cwd", "/tmp/a\u{1b}b");
        link("fd/10", "socket:[4711]");
        link("fd/2", "/dev/null");
        let mut source = Detail { root: Root::new(folder.path()), files: None, hung: Vec::new() };
        let read = |source: &mut Detail| read(source, ProcKey { pid: 7, start_ticks: 1 });
        let sample = read(&mut source);
        assert_eq!(
            (sample.arguments, sample.environment_names),
            (vec!["/bin/x".into(), "-a".into()], vec!["A".into(), "B".into()])
        );
        assert_eq!((sample.executable.as_deref(), sample.folder.as_deref()), (Some("/bin/x"), Some("/tmp/a?b")));
        assert_eq!(sample.files, [(2, "/dev/null".to_owned()), (10, "socket:[4711]".to_owned())], "by number");
        assert_eq!((sample.files_total, sample.files_limit, sample.socket_inodes), (2, Some(64), vec![4711]));
        assert_eq!((sample.pss_bytes, sample.swap_bytes), (Some(300 << 10), Some(40 << 10)));
        assert_eq!((sample.switches, sample.oom_score), (Some((12, 3)), Some(666)));
        assert_eq!((sample.waits_in.as_deref(), sample.denied.len()), (Some("ep_poll"), 0));
        std::fs::write(place.join("wchan"), "0").unwrap();
        assert_eq!(read(&mut source).waits_in, None, "it runs");
    }
}
