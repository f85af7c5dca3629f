//! Which file it is, whose, and what is never written.

use super::*;

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
        assert!(why.contains("is not a benchtop history (an SQLite database of another program)"), "{why}");
    }
    drop(other);
    fs::write(&file, "my notes, in a file that the settings name").expect("written");
    let why = refused(&file, true);
    assert!(
        why.contains("is not a benchtop history (not an SQLite database)") && why.contains("move it away"),
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

#[test]
fn a_frozen_file_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("his tory.db");
    keep_all(&file, &[Record::Run(numbered(1))]);
    let opened = crate::store::open::open_frozen(&place(&file)).expect("it opens");
    let found = read(&opened.connection, &mut Seen::default()).expect("it is read");
    assert!(!found.is_empty() && found.runs == [numbered(1)]);
}

#[test]
fn a_history_of_alerts_alone_is_not_empty() {
    let episode = Episode {
        key: AlertKey { rule: "cpu_busy".into(), identity: Vec::new() },
        labels: Vec::new(),
        level: "warn".into(),
        fired_unix_ms: 1,
        ended_unix_ms: None,
        end: None,
        value: 1.0,
        say: "busy".into(),
    };
    assert!(History::default().is_empty());
    assert!(!History { episodes: vec![episode], ..History::default() }.is_empty());
}
