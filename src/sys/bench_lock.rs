//! The lock that lets one benchmark run at a time on a machine: where it lies, and who holds it. Who only looks does not
//! try it: that would keep a benchmark from beginning at that moment.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::root::Root;
use crate::clock::Stamp;

/// Its name in each of the folders.
pub const NAME: &str = "benchtop-bench.lock";
/// Where every user of the machine can see it. `/tmp` may be a private one, `/run/lock` may be root's alone.
const FOLDERS: [&str; 2] = ["run/lock", "tmp"];
/// A lock whose file keeps its time, as another user made it, is noticed by then.
const AGAIN: Duration = Duration::from_secs(30);

/// The folders of this machine.
#[must_use]
pub fn folders() -> Vec<PathBuf> {
    FOLDERS.iter().map(|folder| Path::new("/").join(folder)).collect()
}

/// Looks again and again for who runs benchmarks on a machine.
///
/// Reading `/proc/locks` makes every lock of the machine wait for a moment, so it is read only when the time of a lock's
/// file has changed, as it does when one is taken and when it is given back, when its holder has ended, and now and then.
#[derive(Debug)]
pub struct Watch {
    root: Root,
    seen: Option<Seen>,
}

/// What the last look at the locks found.
#[derive(Debug)]
struct Seen {
    files: Vec<Mark>,
    holder: Option<u32>,
    at: Stamp,
}

/// A file of the lock: inode, time in seconds and nanoseconds.
type Mark = (u64, i64, i64);

impl Watch {
    /// Of the machine under `root`.
    #[must_use]
    pub fn new(root: &Root) -> Self {
        Watch { root: root.clone(), seen: None }
    }

    /// The process that runs benchmarks at `now`.
    pub fn running(&mut self, now: Stamp) -> Option<u32> {
        let of = |folder: &&str| std::fs::symlink_metadata(self.root.path(format!("{folder}/{NAME}"))).ok();
        let mark = |found: std::fs::Metadata| (found.ino(), found.mtime(), found.mtime_nsec());
        let files: Vec<Mark> = FOLDERS.iter().filter_map(of).map(mark).collect();
        let lives = |pid: u32| self.root.path(format!("proc/{pid}")).exists();
        let known = self
            .seen
            .as_ref()
            .filter(|seen| seen.files == files && seen.holder.is_none_or(lives) && now.since(seen.at) < AGAIN);
        if let Some(known) = known {
            return known.holder;
        }
        let find = |locks: String| files.iter().find_map(|(inode, ..)| holder(&locks, *inode));
        let holder = if files.is_empty() { None } else { self.root.text("proc/locks").ok().and_then(find) };
        self.seen = Some(Seen { files, holder, at: now });
        holder
    }
}

/// The process that holds a lock on this file, by `/proc/locks` ("proc(5)"):
/// `1: FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0 EOF`.
#[must_use]
pub fn holder(locks: &str, inode: u64) -> Option<u32> {
    let of = |line: &str| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let (kind, _, mode) = (words.next()?, words.next()?, words.next()?);
        let pid: u32 = words.next()?.parse().ok()?;
        let file: u64 = words.next()?.rsplit(':').next()?.parse().ok()?;
        (kind == "FLOCK" && mode == "WRITE" && file == inode && pid > 0).then_some(pid)
    };
    locks.lines().find_map(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_found_among_all_locks() {
        let locks = "1: POSIX  ADVISORY  WRITE 10 fe:00:99 0 EOF\n2: FLOCK  ADVISORY  READ  11 fe:00:99 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 13 fe:00:99 0 EOF\n3: FLOCK  ADVISORY  WRITE 12 fe:00:99 0 EOF\n";
        assert_eq!((holder(locks, 99), holder(locks, 9)), (Some(12), None));
        let of = |line: &str| holder(line, 99);
        assert_eq!(of("1: FLOCK ADVISORY WRITE 1 fe:00:99 0 EOF"), Some(1));
        assert_eq!(of("1: FLOCK ADVISORY WRITE 0 fe:00:99 0 EOF"), None, "a process of another namespace");
        assert_eq!(of("1: FLOCK ADVISORY WRITE"), None);
        assert_eq!(folders(), [Path::new("/run/lock"), Path::new("/tmp")]);
    }

    #[test]
    fn a_benchmark_of_another_program_is_seen_by_its_lock() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Root::new(folder.path());
        std::fs::create_dir_all(folder.path().join("run/lock")).expect("a folder");
        std::fs::create_dir_all(folder.path().join("proc")).expect("a folder");
        let lock = folder.path().join("run/lock").join(NAME);
        std::fs::write(&lock, "").expect("a file");
        let inode = lock.metadata().expect("there").ino();
        let touch = |seconds: u64| {
            let file = std::fs::File::options().write(true).open(&lock).expect("a file");
            file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(seconds)).expect("its own");
        };
        let hold = |line: &str| std::fs::write(folder.path().join("proc/locks"), line).expect("a file");
        let taken = format!("1: FLOCK  ADVISORY  WRITE 4711 fe:00:{inode} 0 EOF\n");
        std::fs::create_dir(folder.path().join("proc/4711")).expect("a process");
        let mut watch = Watch::new(&root);
        let mut at = |second: u64| watch.running(Stamp::at_seconds(second));
        touch(100);
        assert_eq!(at(1), None);
        hold(&taken);
        touch(200);
        assert_eq!(at(2), Some(4711));
        hold("");
        assert_eq!(at(3), Some(4711), "its file has the same time, and it lives");
        touch(300);
        assert_eq!(at(4), None, "it was given back");
        hold(&taken);
        assert_eq!(at(5), None, "nobody touched the file");
        assert_eq!(at(33), None, "it was looked at half a minute ago");
        assert_eq!(at(34), Some(4711), "it is looked at now and then");
        hold("");
        std::fs::remove_dir(folder.path().join("proc/4711")).expect("gone");
        assert_eq!(at(41), None, "its holder was killed");
        hold(&format!("1: POSIX  ADVISORY  WRITE 4711 fe:00:{inode} 0 EOF\n"));
        touch(400);
        assert_eq!(at(42), None, "another kind of lock");
        std::fs::remove_file(&lock).expect("removed");
        assert_eq!(at(43), None);
    }
}
