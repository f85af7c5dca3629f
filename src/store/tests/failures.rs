//! Damage, full disks, kills and files that hang.

use super::*;

/// Damages the file in one way.
type Damage = fn(&mut Vec<u8>);

const DAMAGES: [(&str, Damage); 6] = [
    ("a page is missing", |bytes| bytes.truncate(bytes.len() - 4096)),
    ("cut in the middle of a page", |bytes| bytes.truncate(bytes.len() / 2 + 100)),
    ("cut in the header", |bytes| bytes.truncate(50)),
    ("garbage", |bytes| *bytes = (0..20_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()),
    ("zeros, as a power cut leaves them", |bytes| bytes.fill(0)),
    ("garbage behind the first page", |bytes| bytes[4096..].fill(0x5a)),
];

/// The child's environment: the file into which it writes.
const CHILD: &str = "BENCHTOP_TEST_STORE";

#[test]
fn a_damaged_file_is_set_aside() {
    for (what, damage) in DAMAGES {
        for writes_first in [false, true] {
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join("history.db");
            keep_all(&file, &(0..300).map(|n| Record::Run(numbered(n))).collect::<Vec<_>>());
            let mut bytes = fs::read(&file).expect("it is read");
            damage(&mut bytes);
            fs::write(&file, &bytes).expect("it is written");
            let (mut store, events) = store(&file);
            if writes_first {
                store.keep(Record::Run(numbered(1000)));
            }
            let said = next(&events, |what| if let StoreEvent::Message(said) = what { Some(said) } else { None });
            assert!(said.contains("was damaged") && said.contains("history.db.damaged-20"), "{what}: {said}");
            store.keep(Record::Run(numbered(1001)));
            store.finish(LONG).unwrap_or_else(|error| panic!("{what}: {error}"));
            let aside = beside(&file);
            assert_eq!(aside.len(), 1, "{what}: {aside:?}");
            let kept = fs::read(format!("{}{}", file.display(), aside[0])).expect("it is read");
            assert!(kept == bytes, "{what}: it was changed");
            assert!(all(&file).runs.contains(&numbered(1001)), "{what}");
        }
    }
}

#[test]
fn a_file_that_was_removed_is_made_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    let (mut store, _events) = store(&file);
    store.keep(Record::Run(numbered(1)));
    while !file.exists() || all(&file).runs.is_empty() {
        std::thread::yield_now();
    }
    for end in ["-wal", "-shm", ""] {
        let _ = fs::remove_file(format!("{}{end}", file.display()));
    }
    store.keep(Record::Run(numbered(2)));
    store.finish(LONG).expect("written");
    assert_eq!(all(&file).runs, [numbered(2)]);
}

#[test]
fn what_cannot_be_written_waits_and_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let blocked = folder.path().join("state");
    fs::write(&blocked, "a file in place of the folder").expect("written");
    let file = blocked.join("history.db");
    let (mut store, events) = store(&file);
    let why = failing(&events);
    assert!(why.starts_with(&format!("the folder {} cannot be made", blocked.display())), "{why}");
    store.keep(Record::Run(numbered(1)));
    failing(&events);
    fs::remove_file(&blocked).expect("removed");
    store.keep(Record::Run(numbered(2)));
    let kept = next(&events, |what| if let StoreEvent::Kept(file) = what { Some(file) } else { None });
    assert_eq!(kept, file);
    assert_eq!(all(&file).runs, [numbered(1), numbered(2)]);
}

#[test]
fn the_end_does_not_wait_for_a_file_that_hangs() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    keep_all(&file, &[Record::Run(numbered(1))]);
    let other = Connection::open(&file).expect("it opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let (mut store, _events) = store(&file);
    store.keep(Record::Run(numbered(2)));
    let began = Instant::now();
    let error = store.finish(Duration::from_millis(200)).expect_err("it is locked");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert_eq!(error.to_string(), "1 results are not kept: the file system does not answer");
}

#[test]
fn an_interrupted_migration_is_done_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    fs::write(&file, "").expect("an empty file, as one is left that was killed before the first step");
    let mut connection = Connection::open(&file).expect("it opens");
    schema::migrate(&mut connection).expect("migrated");
    schema::migrate(&mut connection).expect("nothing is left to do");
    assert_eq!(schema::version(&connection).expect("a version"), VERSION);
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).expect("an id");
    assert_eq!(application, APPLICATION_ID);
}

#[test]
fn a_table_that_is_missing_is_damage() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    keep_all(&file, &[Record::Run(numbered(1))]);
    Connection::open(&file).expect("it opens").execute_batch("DROP TABLE marks").expect("dropped");
    let (_store, events) = store(&file);
    let said = next(&events, |what| if let StoreEvent::Message(said) = what { Some(said) } else { None });
    assert!(said.contains("its table `marks` is missing"), "{said}");
}

/// Not a test by itself: the child of the test below, which is killed.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Some(file) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let mut opened = open(&place(&file), Access::Write).expect("it opens").expect("it is made");
    let first = read(&opened.connection, &mut Seen::default()).expect("it is read").runs.len();
    for n in first.. {
        let batch = opened.connection.transaction().expect("begun");
        insert(&batch, &Record::Run(numbered(n))).expect("written");
        batch.commit().expect("committed");
        println!("\ncommitted {n}");
    }
}

#[test]
fn what_was_committed_outlasts_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    let mut committed = 0;
    for round in 1..=8 {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "store::tests::failures::child_that_writes_until_it_is_killed", "--nocapture"])
            .env(CHILD, &file)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let numbers = lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("committed ")?.parse().ok());
        // More than a checkpoint (1000 pages) in all; killed at another moment each time.
        let last: usize = numbers.take(137 * round).last().expect("it wrote");
        child.kill().expect("killed");
        child.wait().expect("ended");
        let runs = all(&file).runs;
        assert!(runs.len() > last && last >= committed, "{} runs, {last} was committed", runs.len());
        assert!(runs.iter().enumerate().all(|(n, run)| *run == numbered(n)), "a run is missing or torn");
        committed = last;
    }
    assert_eq!(beside(&file), [""; 0], "it was taken for damaged");
}

/// A file system of a test's own; it goes when the test fails too.
struct Mounted(tempfile::TempDir);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// Runs `work` in a file system of its own, of so many KiB.
fn in_small_file_system(kib: u32, work: impl FnOnce(&Path)) {
    let mounted = Mounted(tempfile::tempdir().expect("a folder"));
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "none"]).arg(mounted.0.path());
    assert!(mount.status().expect("it runs").success());
    work(mounted.0.path());
}

#[test]
#[ignore = "mounts a file system: needs root"]
fn a_full_disk_is_said_and_survived() {
    in_small_file_system(512, |folder| {
        let file = folder.join("history.db");
        let (mut store, events) = store(&file);
        history(&events);
        store.keep(Record::Run(numbered(0)));
        while !file.exists() || all(&file).runs.is_empty() {
            std::thread::yield_now();
        }
        let ballast = folder.join("ballast");
        let mut size = 1 << 20;
        while size > 0 {
            let _ = fs::write(&ballast, vec![1; size]);
            if fs::metadata(&ballast).is_ok_and(|file| file.len() == size as u64) {
                break;
            }
            size -= 4096;
        }
        (1..200).for_each(|n| store.keep(Record::Run(numbered(n))));
        let why = failing(&events);
        assert!(why.starts_with("no space left for"), "{why}");
        fs::remove_file(&ballast).expect("removed");
        next(&events, |what| matches!(what, StoreEvent::Kept(_)).then_some(()));
        store.finish(LONG).expect("written");
        assert_eq!(all(&file).runs.len(), 200);
    });
}

#[test]
#[ignore = "mounts a file system: needs root"]
fn a_read_only_file_system_is_read() {
    in_small_file_system(4096, |folder| {
        let file = folder.join("odd ?name%.db");
        keep_all(&file, &[Record::Run(numbered(0))]);
        assert!(!folder.join("odd ?name%.db-wal").exists(), "the last one to close it tidies up");
        let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(folder).status().expect("it runs");
        assert!(remounted.success());
        let (mut store, events) = store(&file);
        let why = failing(&events);
        assert!(why.ends_with("is on a read-only file system: nothing is kept"), "{why}");
        assert_eq!(history(&events).runs, [numbered(0)]);
        store.keep(Record::Run(numbered(1)));
        assert_eq!(store.finish(LONG).expect_err("it cannot be written").records, 1);
    });
}

#[test]
fn what_is_not_written_is_never_called_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    let (mut good, _events) = store(&file);
    good.keep(Record::Run(numbered(1)));
    assert_eq!(good.written().recv_timeout(LONG).expect("it answers"), Ok(()));
    assert_eq!(all(&file).runs, [numbered(1)]);
    fs::write(folder.path().join("no-folder"), "").expect("written");
    let (mut bad, _events) = store(&folder.path().join("no-folder/history.db"));
    bad.keep(Record::Run(numbered(1)));
    let why = bad.written().recv_timeout(LONG).expect("it answers").expect_err("it cannot be made");
    assert!(why.contains("no-folder"), "{why}");
    let mut off = Settings::default();
    off.history.enabled = false;
    let mut off = Store::start(&off, false, Arc::new(|_| {}));
    assert!(off.written().recv_timeout(LONG).is_err(), "nobody writes");
    off.keep(Record::Run(numbered(1)));
    let why = off.written().recv_timeout(LONG).expect("it answers").expect_err("it is off");
    assert!(why.contains("switched off"), "{why}");
}
