//! The store from outside: what goes in comes out, whatever happens to the program or the file.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, channel},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use proptest::prelude::*;
use rusqlite::Connection;

use super::{
    open::{Access, open},
    rows::{Seen, insert, read},
    schema::{self, APPLICATION_ID, VERSION},
    *,
};
use crate::model::{
    run::{Better, Change, Run, RunMark, RunSays, SeriesKey},
    unit::Unit,
};
use crate::{
    alert::saved::Saved,
    clock::Stamp,
    model::alert::{AlertKey, AlertMark, AlertSays, Episode, EpisodeEnd},
};

const LONG: Duration = Duration::from_secs(60);

fn place(file: &Path) -> Place {
    Place { file: file.to_owned(), named: false }
}

fn settings(file: &Path) -> Settings {
    let mut settings = Settings::default();
    settings.history.path = Some(file.to_owned());
    settings
}

/// A store on `file`, as at the usual place, and what it reports.
fn store(file: &Path) -> (Store, Receiver<StoreEvent>) {
    let (send, events) = channel();
    let send = Mutex::new(send);
    let emit: Emit = Arc::new(move |what| drop(send.lock().expect("one at a time").send(what)));
    let place = place(file);
    let find: Find = Arc::new(move || Ok(place.clone()));
    let reader = Reader::start(find.clone(), emit.clone(), false).expect("a thread");
    (Store { find, emit, reader: Some(reader), writer: None }, events)
}

/// The next event that `wanted` takes.
fn next<T>(events: &Receiver<StoreEvent>, mut wanted: impl FnMut(StoreEvent) -> Option<T>) -> T {
    let end = Instant::now() + LONG;
    loop {
        let what = events.recv_timeout(end.saturating_duration_since(Instant::now())).expect("it is reported in time");
        if let Some(found) = wanted(what) {
            return found;
        }
    }
}

fn history(events: &Receiver<StoreEvent>) -> History {
    next(events, |what| if let StoreEvent::History(history) = what { Some(*history) } else { None })
}

fn failing(events: &Receiver<StoreEvent>) -> String {
    next(events, |what| if let StoreEvent::Failing(why) = what { Some(why) } else { None })
}

fn keep_all(file: &Path, records: &[Record]) {
    let place = place(file);
    let mut writer = Writer::start(Arc::new(move || Ok(place.clone())), Arc::new(|_| {})).expect("a thread");
    records.iter().for_each(|record| writer.keep(record.clone()));
    writer.finish(LONG).expect("written");
}

/// All that the file holds.
fn all(file: &Path) -> History {
    let opened = open(&place(file), Access::Read).expect("it opens").expect("it is there");
    read(&opened.connection, &mut Seen::default()).expect("it is read")
}

fn numbered(n: usize) -> Run {
    Run {
        id: n.to_string(),
        batch: "b".into(),
        benchmark: "storage_read_bytes_per_second".into(),
        of: "tank/models".into(),
        unit: Unit::BytesPerSecond,
        better: Better::Higher,
        at_unix_ms: 1_700_000_000_000,
        took: Duration::from_millis(12_345),
        samples: vec![2.1e9, 1.9e9],
        fingerprint: BTreeMap::from([("kernel".into(), "6.1.0".into())]),
        notes: vec!["62 % of the reads came from the ARC".into()],
    }
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![".*", "[a-z_/]{1,12}", Just(String::new()), Just("a\0b'\"\u{202e}🦀".to_owned())]
}

fn a_run() -> impl Strategy<Value = Run> {
    let unit = prop_oneof![Just(Unit::Seconds), Just(Unit::BytesPerSecond), Just(Unit::PerSecond), Just(Unit::Ratio)];
    let better = prop_oneof![Just(Better::Higher), Just(Better::Lower)];
    let finite = proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO;
    let samples = proptest::collection::vec(finite, 0..30);
    let fingerprint = proptest::collection::btree_map(words(), words(), 0..5);
    // As long as 64 bits of nanoseconds are: 292 years.
    let took = (0..9_000_000_000_u64, 0..1_000_000_000_u32).prop_map(|(s, ns)| Duration::new(s, ns));
    let head = (words(), words(), words(), any::<i64>(), took);
    (head, unit, better, samples, fingerprint, proptest::collection::vec(words(), 0..3)).prop_map(
        |((batch, benchmark, of, at_unix_ms, took), unit, better, samples, fingerprint, notes)| Run {
            id: String::new(),
            batch,
            benchmark,
            of,
            unit,
            better,
            at_unix_ms,
            took,
            samples,
            fingerprint,
            notes,
        },
    )
}

fn of_alerts() -> impl Strategy<Value = Record> {
    let labels = || proptest::collection::vec((words(), words()), 0..3);
    let key = || (words(), labels()).prop_map(|(rule, identity)| AlertKey { rule, identity });
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis());
    let now = now.expect("it fits");
    let episode = (key(), labels(), words(), any::<bool>(), proptest::num::f64::NORMAL, words()).prop_map(
        move |(key, labels, level, over, value, say)| {
            let ended_unix_ms = over.then_some(5);
            let end = over.then_some(EpisodeEnd::Resolved);
            Record::Episode(Episode { key, labels, level, fired_unix_ms: now, ended_unix_ms, end, value, say })
        },
    );
    let says = prop_oneof![
        (key(), words()).prop_map(|(key, comment)| AlertSays::Acknowledge { key, comment }),
        key().prop_map(AlertSays::Unacknowledge),
        any::<i64>().prop_map(|until_unix_ms| AlertSays::Seen { until_unix_ms }),
    ];
    let mark = (words(), says).prop_map(move |(run, says)| {
        Record::AlertMark(KeptMark { run, mark: AlertMark { at: Stamp { mono_us: 0, unix_ms: now }, says } })
    });
    let book = words().prop_map(|run| Record::Book(Box::new(Saved { run, ..Saved::default() })));
    prop_oneof![episode, mark, book]
}

fn a_record() -> impl Strategy<Value = Record> {
    let says = prop_oneof![
        Just(RunSays::Accept),
        Just(RunSays::Unpin),
        words().prop_map(RunSays::Pin),
        words().prop_map(RunSays::Forget)
    ];
    let mark = (any::<i64>(), words(), words(), says).prop_map(|(at_unix_ms, benchmark, of, says)| {
        Record::Mark(RunMark { at_unix_ms, series: SeriesKey { benchmark, of }, says })
    });
    let maybe = || proptest::option::of(words());
    let change = (any::<i64>(), words(), words(), words(), maybe(), maybe()).prop_map(
        |(at_unix_ms, kind, of, property, before, after)| {
            Record::Change(Change { at_unix_ms, kind, of, property, before, after })
        },
    );
    let figure = || proptest::option::of(proptest::num::f64::NORMAL);
    let verdict = (any::<i64>(), words(), words(), figure(), figure(), words()).prop_map(
        |(at_unix_ms, verdict, against, ratio, p, text)| {
            Record::Verdict(GivenVerdict { run: String::new(), at_unix_ms, verdict, against, ratio, p, text })
        },
    );
    prop_oneof![a_run().prop_map(Record::Run), mark, change, verdict, of_alerts()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_kept_is_read_back(mut records in proptest::collection::vec(a_record(), 0..20), parts in 1..4_usize) {
        let mut expected = History::default();
        for (n, record) in records.iter_mut().enumerate() {
            match record {
                Record::Run(run) => {
                    run.id = format!("{n}-{}", run.batch);
                    expected.runs.push(run.clone());
                }
                Record::Verdict(given) => {
                    given.run = n.to_string();
                    expected.verdicts.push(given.clone());
                }
                Record::Mark(mark) => expected.marks.push(mark.clone()),
                Record::Change(change) => {
                    change.property = n.to_string();
                    expected.changes.push(change.clone());
                }
                Record::Book(saved) => {
                    // The newest one alone, and no two of one moment.
                    saved.at.unix_ms = i64::try_from(n).expect("few") + 1;
                    expected.book = Some(saved.clone());
                }
                Record::Episode(episode) => {
                    episode.fired_unix_ms += i64::try_from(n).expect("few");
                    expected.episodes.push(episode.clone());
                }
                Record::AlertMark(kept) => expected.alert_marks.push(kept.clone()),
            }
        }
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("state/history.db");
        for part in records.chunks(records.len().div_ceil(parts).max(1)) {
            keep_all(&file, part);
        }
        let (_store, events) = store(&file);
        prop_assert_eq!(history(&events), expected);
    }
}

#[test]
fn a_run_is_kept_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    keep_all(&file, &[Record::Run(numbered(1)), Record::Run(numbered(1)), Record::Run(numbered(2))]);
    keep_all(&file, &[Record::Run(numbered(1))]);
    assert_eq!(all(&file).runs, [numbered(1), numbered(2)]);
}

#[test]
fn change_that_two_instances_saw_is_kept_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    let change = |at_unix_ms, before: Option<&str>, after: &str| {
        let [kind, of, property] = ["limits", "web", "cpus"].map(str::to_owned);
        Change { at_unix_ms, kind, of, property, before: before.map(str::to_owned), after: Some(after.to_owned()) }
    };
    let seen = [change(1, None, "2"), change(5, Some("2"), "1"), change(7, Some("1"), "2"), change(9, Some("2"), "1")];
    let twice = seen.iter().flat_map(|one| [one.clone(), Change { at_unix_ms: one.at_unix_ms + 1, ..one.clone() }]);
    keep_all(&file, &twice.map(Record::Change).collect::<Vec<_>>());
    assert_eq!(all(&file).changes, seen);
}

#[test]
fn sqlite_computes_with_the_samples() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    keep_all(&file, &[Record::Run(numbered(1))]);
    let query = "SELECT benchmark, of, avg(value), fingerprint ->> 'kernel' FROM runs, json_each(samples)";
    let row = Connection::open(&file).expect("it opens").query_row(query, [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, f64>(2)?, row.get::<_, String>(3)?))
    });
    let expected = ("storage_read_bytes_per_second".into(), "tank/models".into(), 2e9, "6.1.0".into());
    assert_eq!(row.expect("a row"), expected);
}

#[test]
fn nothing_is_made_before_there_is_something_to_keep() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a/b/history.db");
    let (mut store, events) = store(&file);
    assert_eq!(history(&events), History::default());
    assert!(!folder.path().join("a").exists());
    store.keep(Record::Run(numbered(1)));
    store.finish(LONG).expect("written");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").mode() & 0o777;
    assert_eq!((mode(&file), mode(&folder.path().join("a/b"))), (0o600, 0o700));
}

#[test]
fn a_file_that_is_written_is_its_owner_s_with_its_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    let opened = open(&place(&file), Access::Write).expect("it opens").expect("it is made");
    insert(&opened.connection, &Record::Run(numbered(1))).expect("written");
    let mode = |end: &str| fs::metadata(format!("{}{end}", file.display())).expect("it is there").mode() & 0o777;
    assert_eq!(["", "-wal", "-shm"].map(mode), [0o600; 3]);
    let pragma = |name: &str| opened.connection.pragma_query_value(None, name, |row| row.get::<_, String>(0));
    assert_eq!(pragma("journal_mode").expect("a mode"), "wal");
}

#[test]
fn another_programs_runs_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    let (ours, events) = store(&file);
    assert!(history(&events).is_empty(), "there is no file yet");
    ours.watch(true);
    keep_all(&file, &[Record::Run(numbered(1))]);
    assert_eq!(history(&events).runs, [numbered(1)]);
    keep_all(&file, &[Record::Run(numbered(2))]);
    assert_eq!(history(&events).runs, [numbered(2)], "only what is new");
}

#[test]
fn several_write_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let file = &file;
            scope.spawn(move || {
                for part in 0..5 {
                    let numbers = (0..10).map(|n| writer * 1000 + part * 10 + n);
                    keep_all(file, &numbers.map(|n| Record::Run(numbered(n))).collect::<Vec<_>>());
                }
            });
        }
    });
    let runs = all(&file).runs;
    assert_eq!(runs.len(), 200);
    for writer in 0..4 {
        let own: Vec<usize> =
            runs.iter().filter_map(|run| run.id.parse().ok()).filter(|n| n / 1000 == writer).collect();
        assert!(own.is_sorted() && own.len() == 50, "each in its own order: {own:?}");
    }
    assert_eq!(beside(&file), [""; 0], "nothing was taken for damaged");
}

/// Files beside `file`, by what follows its name.
fn beside(file: &Path) -> Vec<String> {
    let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
    let names = fs::read_dir(file.parent().expect("a folder")).expect("it is read");
    let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut ends: Vec<String> = names.filter_map(|other| Some(other.strip_prefix(name)?.to_owned())).collect();
    ends.retain(|end| !(end.is_empty() || end.ends_with("-wal") || end.ends_with("-shm")));
    ends
}

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

/// What is said of a file that is not to be touched; it is not.
fn refused(file: &Path, named: bool) -> String {
    let before = fs::read(file).expect("it is read");
    let place = Place { named, ..place(file) };
    let mut whys = [Access::Read, Access::Write].map(|access| match open(&place, access) {
        Ok(opened) => panic!("it is opened: {opened:?}"),
        Err(error) => error.to_string(),
    });
    assert_eq!(whys[0], whys[1]);
    assert!(fs::read(file).expect("it is read") == before, "it was written into");
    assert_eq!(beside(file), [""; 0], "it was renamed");
    std::mem::take(&mut whys[0])
}

#[test]
fn another_program_s_file_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    let other = Connection::open(&file).expect("made");
    other
        .execute_batch("PRAGMA journal_mode = wal; CREATE TABLE bookmarks (url); INSERT INTO bookmarks VALUES ('x')")
        .expect("filled");
    for application in [0, 0x1234] {
        other.pragma_update(None, "application_id", application).expect("set");
        // What is in the log of a database belongs to it too.
        let _ = other.query_row("PRAGMA wal_checkpoint(truncate)", [], |_| Ok(()));
        let why = refused(&file, false);
        assert!(why.contains("is no history of benchtop (an SQLite database of another program)"), "{why}");
    }
    drop(other);
    fs::write(&file, "my notes, in a file that the settings name").expect("written");
    let why = refused(&file, true);
    assert!(
        why.contains("is no history of benchtop (not an SQLite database)") && why.contains("move it away"),
        "{why}"
    );
}

#[test]
fn a_newer_file_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    keep_all(&file, &[Record::Run(numbered(1))]);
    let newer = Connection::open(&file).expect("it opens");
    newer.pragma_update(None, "user_version", VERSION + 1).expect("set");
    let _ = newer.query_row("PRAGMA wal_checkpoint(truncate)", [], |_| Ok(()));
    let why = refused(&file, false);
    assert!(
        why.contains(&format!("by a newer benchtop (schema {}; this one knows up to {VERSION})", VERSION + 1)),
        "{why}"
    );
    // The version alone is in the log, and nobody else has it open.
    newer.pragma_update(None, "user_version", VERSION + 2).expect("set");
    std::mem::forget(newer);
    assert!(refused(&file, false).contains(&format!("schema {}", VERSION + 2)));
}

#[test]
fn a_file_that_became_newer_meanwhile_is_not_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    let (mut store, events) = store(&file);
    store.keep(Record::Run(numbered(1)));
    while !file.exists() || all(&file).runs.is_empty() {
        std::thread::yield_now();
    }
    let newer = Connection::open(&file).expect("it opens");
    newer.pragma_update(None, "user_version", VERSION + 1).expect("set");
    store.keep(Record::Run(numbered(2)));
    assert!(failing(&events).contains("newer benchtop"));
    let error = store.finish(LONG).expect_err("one is not kept");
    assert_eq!(error.records, 1);
    let runs: i64 = newer.query_row("SELECT count(*) FROM runs", [], |row| row.get(0)).expect("counted");
    assert_eq!(runs, 1);
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

#[test]
fn a_row_of_another_word_is_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    keep_all(&file, &[Record::Run(numbered(1)), Record::Run(numbered(2))]);
    let other = Connection::open(&file).expect("it opens");
    other.execute_batch("UPDATE runs SET unit = 'furlongs' WHERE run = '1'").expect("changed");
    let found = all(&file);
    assert_eq!((found.runs, found.unreadable), (vec![numbered(2)], 1));
}

#[test]
fn settings_switch_it_off_and_name_its_file() {
    let mut off = settings(Path::new("/tmp/x.db"));
    off.history.enabled = false;
    assert!(Place::find(&off).expect_err("it is off").is_off());
    let relative = Place::find(&settings(Path::new("x.db"))).expect("a place");
    assert!(relative.named && relative.file.is_absolute());
    let elsewhere = Settings { root: crate::sys::root::Root::new("/host"), ..Settings::default() };
    let why = Place::find(&elsewhere).expect_err("another machine").to_string();
    assert!(why.contains("--root"), "{why}");
}

/// The child's environment: the file into which it writes.
const CHILD: &str = "BENCHTOP_TEST_STORE";

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
            .args(["--exact", "store::tests::child_that_writes_until_it_is_killed", "--nocapture"])
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
