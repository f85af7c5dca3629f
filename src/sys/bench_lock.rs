//! The lock that lets one benchmark run at a time on a machine: where it lies, and who holds it. Who only looks does not
//! try it: that would keep a benchmark from beginning at that moment.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::root::Root;

/// Its name in each of the folders.
pub const NAME: &str = "benchtop-bench.lock";
/// Where every user of the machine can see it. `/tmp` may be a private one, `/run/lock` may be root's alone.
const FOLDERS: [&str; 2] = ["run/lock", "tmp"];

/// The folders of this machine.
#[must_use]
pub fn folders() -> Vec<PathBuf> {
    FOLDERS.iter().map(|folder| Path::new("/").join(folder)).collect()
}

/// The process that runs benchmarks on the machine under `root` now.
#[must_use]
pub fn running(root: &Root) -> Option<u32> {
    let of = |folder: &&str| std::fs::symlink_metadata(root.path(format!("{folder}/{NAME}"))).ok();
    let there: Vec<u64> = FOLDERS.iter().filter_map(of).map(|found| found.ino()).collect();
    if there.is_empty() {
        return None;
    }
    let locks = root.text("proc/locks").ok()?;
    there.into_iter().find_map(|inode| holder(&locks, inode))
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
        let hold = |line: String| std::fs::write(folder.path().join("proc/locks"), line).expect("a file");
        assert_eq!(running(&root), None);
        hold(format!("1: FLOCK  ADVISORY  WRITE 4711 fe:00:{inode} 0 EOF\n"));
        assert_eq!(running(&root), Some(4711));
        hold(format!("1: POSIX  ADVISORY  WRITE 4711 fe:00:{inode} 0 EOF\n"));
        assert_eq!(running(&root), None, "nobody runs one, though the file is there");
        std::fs::remove_file(&lock).expect("removed");
        assert_eq!(running(&root), None);
    }
}
