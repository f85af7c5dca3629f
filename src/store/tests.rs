//! The store from outside: what goes in comes out, whatever happens to the program or the file.

mod failures;
mod files;
mod kept;

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
    undo_note::{UndoNote, UndoStep},
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

/// Files beside `file`, by what follows its name.
fn beside(file: &Path) -> Vec<String> {
    let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
    let names = fs::read_dir(file.parent().expect("a folder")).expect("it is read");
    let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut ends: Vec<String> = names.filter_map(|other| Some(other.strip_prefix(name)?.to_owned())).collect();
    ends.retain(|end| !(end.is_empty() || end.ends_with("-wal") || end.ends_with("-shm")));
    ends
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
