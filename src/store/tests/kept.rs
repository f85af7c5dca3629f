//! What is kept is read back, once, and by `sqlite3` too.

use super::*;

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
    let step = prop_oneof![Just(UndoStep::Begins), Just(UndoStep::HelpedInPart), Just(UndoStep::Unmeasured)];
    let undo = (any::<i64>(), words(), words(), words(), step, words()).prop_map(
        |(at_unix_ms, benchmark, of, run, step, text)| {
            Record::Undo(UndoNote { at_unix_ms, series: SeriesKey { benchmark, of }, run, step, text })
        },
    );
    prop_oneof![a_run().prop_map(Record::Run), mark, change, verdict, undo, of_alerts()]
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
                Record::Undo(note) => expected.undos.push(note.clone()),
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
fn a_row_of_another_word_is_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    keep_all(&file, &[Record::Run(numbered(1)), Record::Run(numbered(2))]);
    let other = Connection::open(&file).expect("it opens");
    other.execute_batch("UPDATE runs SET unit = 'furlongs' WHERE run = '1'").expect("changed");
    let found = all(&file);
    assert_eq!((found.runs, found.unreadable), (vec![numbered(2)], 1));
}
