//! The journal of one suite: a file of lines, each written to the disk before what it names is made. It is locked while
//! its suite is alive; a journal that nobody locks is of one that was killed, and is worked off at the next start.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustix::fs::{FlockOperation, OFlags, flock};
use serde::{Deserialize, Serialize};

use super::{folder, kind::Scratch, remove::remove};
use crate::sys::{exec::Exec, helper::responds};

const SUFFIX: &str = "journal";
/// What lies on a filesystem that is not mounted is remembered for so long.
const FORGET: Duration = Duration::from_secs(30 * 86_400);
/// A file system that answers does it in this time.
const ANSWERS: Duration = Duration::from_secs(3);
/// No journal is longer.
const CAP: u64 = 4 << 20;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// It is about to be made.
    Make {
        what: Scratch,
        /// The filesystem of a folder.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<u64>,
    },
    /// It is removed.
    Gone(Scratch),
}

/// Something that is there and its filesystem.
#[derive(Debug, Clone, PartialEq)]
struct Item {
    what: Scratch,
    on: Option<u64>,
}

/// The journal of a suite under way.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    batch: String,
    items: Vec<Item>,
}

/// What could not be removed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    pub what: Scratch,
    pub why: String,
}

impl Journal {
    /// A new journal in `folder`, which is made where it is missing.
    ///
    /// # Errors
    /// As the system gives them.
    pub fn create(folder: &Path, batch: &str) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let path = folder.join(format!("{batch}.{SUFFIX}"));
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        // The name too must be on the disk before anything is made.
        File::open(folder)?.sync_all()?;
        Ok(Journal { file, path, batch: batch.to_owned(), items: Vec::new() })
    }

    /// Writes down what is about to be made, and returns when it is on the disk.
    ///
    /// # Errors
    /// As the system gives them: then it must not be made.
    pub fn add(&mut self, what: Scratch) -> io::Result<()> {
        let on = if let Scratch::Folder(path) = &what { folder::filesystem(path) } else { None };
        let item = Item { what: what.clone(), on };
        self.write(&Line::Make { what, on })?;
        self.items.push(item);
        Ok(())
    }

    /// Removed already.
    pub fn gone(&mut self, what: &Scratch) {
        if let Some(at) = self.items.iter().rposition(|item| item.what == *what) {
            self.items.remove(at);
            // Not written, it is looked for once more: that does no harm.
            let _ = self.write(&Line::Gone(what.clone()));
        }
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.file.write_all(&bytes)?;
        self.file.sync_data()
    }

    /// Removes everything, the newest first, and says what is left.
    pub fn clean(&mut self, exec: &Arc<dyn Exec>) -> Vec<Left> {
        let mut left = Vec::new();
        for item in self.items.clone().into_iter().rev() {
            match remove(&item.what, &self.batch, exec) {
                Ok(()) => self.gone(&item.what),
                Err(why) => left.push(Left { what: item.what, why }),
            }
        }
        left
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // With something left in it, it is for the next start.
        if self.items.is_empty() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Works off the journals of suites that were killed: what was removed, and what is left.
#[must_use]
pub fn clean_up(folder: &Path, exec: &Arc<dyn Exec>) -> (Vec<Scratch>, Vec<Left>) {
    let (mut removed, mut left) = (Vec::new(), Vec::new());
    let Ok(entries) = fs::read_dir(folder) else { return (removed, left) };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|suffix| suffix == SUFFIX));
    paths.sort();
    for path in paths {
        if let Some(mut journal) = take_over(&path) {
            let missing: Vec<Item> = journal.items.iter().filter(|item| is_elsewhere(item)).cloned().collect();
            journal.items.retain(|item| !missing.contains(item));
            let all: Vec<Scratch> = journal.items.iter().rev().map(|item| item.what.clone()).collect();
            let kept = journal.clean(exec);
            removed.extend(all.into_iter().filter(|what| !kept.iter().any(|left| left.what == *what)));
            left.extend(kept);
            if !is_old(&journal.file) {
                journal.items.extend(missing);
            }
        }
    }
    (removed, left)
}

/// Opens and locks the journal of a suite that has ended; `None` for a living one.
fn take_over(path: &Path) -> Option<Journal> {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).ok()?;
    let file = OpenOptions::new().read(true).append(true).custom_flags(flags).open(path).ok()?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(&file, CAP), &mut bytes).ok()?;
    let batch = path.file_stem()?.to_str()?.to_owned();
    Some(Journal { file, path: path.to_owned(), batch, items: read(&bytes) })
}

/// What its lines leave there. A line that is torn was not written to its end: nothing was made for it.
fn read(bytes: &[u8]) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for line in bytes.split(|b| *b == b'\n') {
        match serde_json::from_slice(line) {
            Ok(Line::Make { what, on }) => items.push(Item { what, on }),
            Ok(Line::Gone(what)) => {
                if let Some(at) = items.iter().rposition(|item| item.what == what) {
                    items.remove(at);
                }
            }
            Err(_) => {}
        }
    }
    items
}

/// A folder that is not there while another filesystem than its own is: its own may be mounted again. One that does not
/// answer is none either.
fn is_elsewhere(item: &Item) -> bool {
    let Scratch::Folder(path) = &item.what else { return false };
    if path.parent().is_some_and(|parent| !responds(parent, ANSWERS)) {
        return true;
    }
    let there = fs::symlink_metadata(path).is_ok();
    !there && item.on.is_some() && folder::filesystem(path) != item.on
}

fn is_old(journal: &File) -> bool {
    let modified = journal.metadata().and_then(|found| found.modified());
    modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > FORGET))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bench::{RunCx, Stop, StopFlag, testing::TestCx},
        model::bench::RunPhase,
        sys::exec::System,
    };

    /// Writes into a real journal.
    struct Cx(TestCx, Journal);

    impl RunCx for Cx {
        fn batch(&self) -> &str {
            "b1"
        }
        fn stop(&self) -> &StopFlag {
            self.0.stop()
        }
        fn exec(&self) -> &Arc<dyn Exec> {
            self.0.exec()
        }
        fn progress(&mut self, _: RunPhase, _: Option<f64>, _: Vec<String>) {}
        fn sample(&mut self, _: usize, _: f64) -> bool {
            false
        }
        fn will_make(&mut self, scratch: Scratch) -> Result<(), Stop> {
            self.1.add(scratch).map_err(Stop::failed)
        }
        fn removed(&mut self, scratch: &Scratch) {
            self.1.gone(scratch);
        }
    }

    fn exec() -> Arc<dyn Exec> {
        Arc::new(System)
    }

    #[test]
    fn a_killed_suite_is_cleaned_and_a_living_one_is_not() {
        let (state, place) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("another"));
        let journal = Journal::create(&state.path().join("bench"), "b1").expect("a journal");
        let mut cx = Cx(TestCx::new(1, 1), journal);
        let made = super::super::folder(&mut cx, place.path()).expect("made");
        fs::write(made.join("data"), vec![0; 5000]).expect("data");
        let folder = state.path().join("bench");
        assert_eq!(clean_up(&folder, &exec()), (vec![], vec![]), "it lives");
        assert!(made.exists());
        drop(cx);
        let (removed, left) = clean_up(&folder, &exec());
        assert_eq!((removed, left), (vec![Scratch::Folder(made.clone())], vec![]));
        assert!(!made.exists());
        assert_eq!(fs::read_dir(&folder).expect("the folder").count(), 0, "the journal is worked off");
    }

    #[test]
    fn what_was_removed_is_not_removed_again() {
        let state = tempfile::tempdir().expect("a folder");
        let mut journal = Journal::create(state.path(), "b1").expect("a journal");
        let (a, b) = (Scratch::Dataset("tank/a".to_owned()), Scratch::Dataset("tank/b".to_owned()));
        for what in [&a, &b, &a] {
            journal.add(what.clone()).expect("written");
        }
        journal.gone(&a);
        let bytes = fs::read(&journal.path).expect("its text");
        let names = |items: Vec<Item>| items.into_iter().map(|item| item.what).collect::<Vec<_>>();
        assert_eq!(names(read(&bytes)), [a.clone(), b.clone()]);
        assert_eq!(names(read(&bytes[..bytes.len() - 3])), [a.clone(), b, a], "a torn line does not count");
    }

    #[test]
    fn the_newest_goes_first_and_what_is_not_ours_is_left() {
        let (state, place) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("another"));
        let place = place.path().canonicalize().expect("real");
        let mut journal = Journal::create(state.path(), "b1").expect("a journal");
        let [first, other, last] = ["first", "other", "last"].map(|name| {
            let path = place.join(name).join("benchtop-bench-b1");
            fs::create_dir_all(&path).expect("made");
            fs::write(path.join(super::super::MARKER), if name == "other" { "b2\n" } else { "b1\n" }).expect("marked");
            journal.add(Scratch::Folder(path.clone())).expect("written");
            path
        });
        drop(journal);
        let (removed, left) = clean_up(state.path(), &exec());
        assert_eq!(removed, [&last, &first].map(|path| Scratch::Folder(path.clone())));
        assert_eq!(left.into_iter().map(|left| left.what).collect::<Vec<_>>(), [Scratch::Folder(other.clone())]);
        assert!(other.exists() && !first.exists() && !last.exists());
    }

    #[test]
    fn what_lies_on_an_unmounted_filesystem_is_kept_in_mind() {
        let state = tempfile::tempdir().expect("a folder");
        let path = state.path().canonicalize().expect("real").join("usb/benchtop-bench-b1");
        let line = Line::Make { what: Scratch::Folder(path.clone()), on: Some(1) };
        let journal = state.path().join("b1.journal");
        fs::write(&journal, serde_json::to_vec(&line).expect("a line")).expect("written");
        assert_eq!(clean_up(state.path(), &exec()), (vec![], vec![]));
        assert!(journal.exists());
        fs::create_dir_all(&path).expect("it is mounted again");
        fs::write(path.join(super::super::MARKER), "b1\n").expect("the marker");
        assert_eq!(clean_up(state.path(), &exec()).0, [Scratch::Folder(path.clone())]);
        assert!(!journal.exists() && !path.exists());
    }
}
