//! Programs that follow each other, and that share one history at a time.

use std::{collections::BTreeMap, path::Path};

use super::*;
use crate::{
    app::session::Session,
    model::{
        bench::BenchKey,
        event::{Envelope, Sample},
        facts::FactsSample,
        run::{Better, Run, RunMark, RunSays},
        source::SourceId,
        unit::Unit,
    },
};

const LONG: Duration = Duration::from_secs(60);

fn session(file: &Path, enabled: bool) -> Session {
    let mut settings = Settings::default();
    (settings.history.enabled, settings.history.path) = (enabled, Some(file.to_owned()));
    let mut session = Session::new(Vec::new(), Vec::new());
    session.remember(&settings, Keeps::Results, || {});
    session.await_history(Instant::now() + LONG, |said| panic!("{said}"));
    session
}

fn series() -> SeriesKey {
    SeriesKey { benchmark: "cpu_single_ops".into(), of: String::new() }
}

/// What of a run outlasts it, and what does not.
fn events(at: Stamp) -> Vec<RunEvent> {
    let run = Run {
        id: "1".into(),
        batch: "b".into(),
        benchmark: series().benchmark,
        of: String::new(),
        unit: Unit::PerSecond,
        better: Better::Higher,
        at_unix_ms: 5,
        took: Duration::from_secs(1),
        samples: vec![1.0, 2.0],
        fingerprint: BTreeMap::new(),
        notes: Vec::new(),
    };
    let key = BenchKey { bench: "cpu".into(), of: String::new() };
    let change = Change {
        at_unix_ms: 6,
        kind: "kernel".into(),
        of: String::new(),
        property: "release".into(),
        before: Some("6.1".into()),
        after: Some("6.2".into()),
    };
    vec![
        RunEvent::Failed { at, key: key.clone(), why: "no".into() },
        RunEvent::Measured { at, key, runs: vec![run] },
        RunEvent::Ended { at, stopped: false, report: String::new() },
        RunEvent::Mark { at, mark: RunMark { at_unix_ms: 7, series: series(), says: RunSays::Accept } },
        RunEvent::Changed { at, change },
    ]
}

#[test]
fn the_next_start_knows_what_was_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    let mut first = session(&file, true);
    assert_eq!(first.state().runs.keeping, Some(Keeping::In(file.display().to_string())));
    events(first.clock().now()).into_iter().for_each(|event| first.fold(Event::Run(event)));
    let known = first.finish().expect("written").runs;
    let next = session(&file, true);
    let runs = &next.state().runs;
    assert!(runs.loaded && !known.history.is_empty());
    assert_eq!((&runs.history, &runs.marks, &runs.changes), (&known.history, &known.marks, &known.changes));
    assert!(runs.failed.is_empty(), "a failure is of its program");
}

#[test]
fn what_is_read_is_not_written_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    let mut first = session(&file, true);
    events(first.clock().now()).into_iter().for_each(|event| first.fold(Event::Run(event)));
    first.finish().expect("written");
    session(&file, true).finish().expect("nothing to write");
    let file = rusqlite::Connection::open(&file).expect("it opens");
    let rows = |table: &str| file.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0));
    assert_eq!(["runs", "marks", "changes", "verdicts"].map(|table| rows(table).expect("counted")), [1; 4]);
    let said = file.query_row("SELECT run || ' ' || text FROM verdicts", [], |row| row.get::<_, String>(0));
    assert_eq!(said.expect("one"), "1 new: 1.5/s");
}

#[test]
fn what_changed_between_two_starts_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    let started = |release: &str| {
        let mut session = session(&file, true);
        let at = session.clock().now();
        let facts = FactsSample { kernel: Some(release.into()), ..FactsSample::default() };
        let (took, every, outcome) = (Duration::ZERO, LONG, Ok(Sample::Facts(Box::new(facts))));
        session.fold(Event::Reading(Envelope { source: SourceId::Facts, at, took, every, outcome }));
        let changes = session.finish().expect("written").runs.changes;
        changes.into_iter().filter(|change| change.kind == "kernel").collect::<Vec<Change>>()
    };
    assert_eq!(started("6.1").len(), 1, "seen for the first time");
    assert_eq!(started("6.1").len(), 1);
    assert_eq!(started("6.12").last().and_then(|change| change.before.clone()).as_deref(), Some("6.1"));
    assert_eq!(started("6.12").len(), 2, "kept, once");
}

/// A program that keeps alerts, of a machine whose load is over its limit from the first second on.
fn watching(file: &Path, run: &str) -> Session {
    holding(file, run, Duration::ZERO)
}

fn holding(file: &Path, run: &str, hold: Duration) -> Session {
    let mut settings = Settings::default();
    settings.history.path = Some(file.to_owned());
    let limits = crate::alert::Limits { warn: Some(4.0), ..crate::alert::Limits::default() };
    let rule = crate::alert::Rule {
        limits,
        hold,
        say: "load is {value}".into(),
        ..crate::alert::Rule::new("load_high", crate::model::metrics::LOAD1)
    };
    let mut session = Session::new(vec![rule], Vec::new());
    let header = Header { boot_id: Some("a".into()), run: run.into(), ..Header::default() };
    session.fold(Event::Header(header));
    session.remember(&settings, Keeps::Alerts, || {});
    session.await_history(Instant::now() + LONG, |said| panic!("{said}"));
    session
}

/// The load at this many seconds after the start of the program.
fn load(session: &mut Session, second: u64, load1: f64) {
    let at = session.clock().now().plus(Duration::from_secs(second));
    let sample = crate::model::load::LoadSample { load1, ..crate::model::load::LoadSample::default() };
    let (took, every, outcome) = (Duration::ZERO, Duration::from_secs(1), Ok(Sample::Load(sample)));
    session.fold(Event::Reading(Envelope { source: SourceId::Load, at, took, every, outcome }));
    session.fold(Event::Tick(at));
}

fn fired(session: &Session) -> Vec<(i64, bool)> {
    let fires = session.state().watches.iter().filter(|watch| watch.held);
    fires.map(|watch| (watch.fired.map_or(0, |at| at.unix_ms), watch.acknowledged)).collect()
}

#[test]
fn what_fires_goes_on_in_the_next_program_and_is_said_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    let mut first = watching(&file, "1");
    assert!(first.state().alarms.owned, "nobody else has them");
    (0..3).for_each(|second| load(&mut first, second, 9.0));
    let key = first.state().watches[0].key();
    let says = crate::model::alert::AlertSays::Acknowledge { key, comment: "known".into() };
    let at = first.clock().now().plus(Duration::from_secs(3));
    first.fold(Event::Alert(AlertMark { at, says }));
    load(&mut first, 4, 9.0);
    let before = fired(&first);
    assert_eq!(before.iter().map(|(_, seen)| *seen).collect::<Vec<_>>(), [true]);
    first.finish().expect("written");
    let mut next = watching(&file, "2");
    let mut turns = Vec::new();
    for second in 5..8 {
        load(&mut next, second, 9.0);
        turns.extend(next.state().transitions.iter().map(|change| change.turn));
    }
    assert_eq!((fired(&next), turns.len()), (before, 0));
    assert_eq!(next.state().alarms.episodes.len(), 1);
    (8..11).for_each(|second| load(&mut next, second, 1.0));
    assert_eq!(fired(&next), []);
    next.finish().expect("written");
    let last = watching(&file, "3");
    let ended: Vec<_> = last.state().alarms.episodes.iter().map(|episode| (episode.end, episode.say.clone())).collect();
    assert_eq!(ended, [(Some(crate::model::alert::EpisodeEnd::Resolved), "load is 9".to_owned())]);
    assert_eq!(last.state().unseen().count(), 1, "nobody has looked at it");
}

#[test]
fn a_hold_is_kept_while_it_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    let mut session = holding(&file, "1", Duration::from_secs(300));
    let began = session.clock().now().unix_ms;
    (0..=13).for_each(|second| load(&mut session, second, 9.0));
    let kept = rusqlite::Connection::open(&file).expect("it opens");
    let at = || kept.query_row("SELECT at_ms FROM alert_book", [], |row| row.get::<_, i64>(0)).unwrap_or(0) - began;
    // The newest that is due; a bridge of 10 s reaches from it to the next start.
    let end = Instant::now() + LONG;
    while at() < 10_000 {
        assert!(Instant::now() < end, "{} ms", at());
        std::thread::yield_now();
    }
    // It pends since the first second, and no transition came after it.
    assert_eq!(session.state().verdict().pending, 1);
}

#[test]
fn one_of_two_programs_keeps_the_alerts_and_the_other_follows() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    let mut keeper = watching(&file, "1");
    (0..3).for_each(|second| load(&mut keeper, second, 9.0));
    let mut screen = watching(&file, "2");
    assert!(keeper.state().alarms.owned && !screen.state().alarms.owned);
    (3..5).for_each(|second| load(&mut screen, second, 9.0));
    let key = keeper.state().watches[0].key();
    let says = crate::model::alert::AlertSays::Acknowledge { key, comment: String::new() };
    // After the book, which is of the last second that was judged.
    let at = screen.clock().now().plus(Duration::from_secs(6));
    screen.fold(Event::Alert(AlertMark { at, says }));
    let end = Instant::now() + LONG;
    while !keeper.state().watches.iter().any(|watch| watch.acknowledged) {
        assert!(Instant::now() < end, "what is said on the screen reaches the other program");
        std::thread::yield_now();
        keeper.recall(|said| panic!("{said}"));
    }
    while fired(&screen) != fired(&keeper) {
        assert!(Instant::now() < end, "the same age: {:?} {:?}", fired(&screen), fired(&keeper));
        std::thread::yield_now();
        screen.recall(|said| panic!("{said}"));
    }
    drop(keeper.finish());
    while !screen.state().alarms.owned {
        assert!(Instant::now() < end, "it takes over");
        std::thread::yield_now();
        screen.recall(|said| panic!("{said}"));
    }
    assert_eq!(screen.state().alarms.episodes.len(), 1, "the episode is not kept twice");
}

#[test]
fn a_paused_screen_hands_the_alerts_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    let mut screen = watching(&file, "1");
    (0..3).for_each(|second| load(&mut screen, second, 9.0));
    let mut record = watching(&file, "2");
    (3..5).for_each(|second| load(&mut record, second, 9.0));
    assert!(screen.state().alarms.owned && !record.state().alarms.owned);
    screen.rest(true, LONG);
    let end = Instant::now() + LONG;
    while !record.state().alarms.owned {
        assert!(Instant::now() < end, "it takes over");
        std::thread::yield_now();
        record.recall(|said| panic!("{said}"));
    }
    screen.rest(false, Duration::ZERO);
    while screen.state().alarms.owned {
        assert!(Instant::now() < end, "it follows");
        std::thread::yield_now();
        screen.recall(|said| panic!("{said}"));
    }
    assert_eq!((fired(&screen), record.state().alarms.episodes.len()), (fired(&record), 1));
}

#[test]
fn a_history_that_is_off_makes_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    let mut off = session(&file, false);
    events(off.clock().now()).into_iter().for_each(|event| off.fold(Event::Run(event)));
    let state = off.finish().expect("nothing is wrong");
    assert!(matches!(&state.runs.keeping, Some(Keeping::Off(why)) if why.contains("--no-history")));
    assert_eq!(state.runs.history[&series()].len(), 1, "it is shown as long as the program runs");
    assert!(!file.exists());
}
