//! What changed before a figure got worse, the way back from the nearest change that may be the cause, and what came of it.

use std::time::Duration;

use super::State;
use crate::{
    analysis::{
        machine_changes::{Fact, between, between_runs, facts, words},
        regression::{RunVerdict, Verdict},
        stats,
    },
    model::{
        container::ContainerRow,
        join::{container_of_model_server, filesystem_of, server_of},
        pool::pool_of,
        run::{Change, SeriesKey},
    },
    request::way_back::{WayBack, way_back},
    units,
};

/// Runs in a row that decide: so often a figure is measured again after a change was taken back.
pub const AGAIN: usize = 3;
/// A source that changes rarely is read this often.
const NOTICED: Duration = Duration::from_secs(60);

/// Changes between the last good and the first bad run, nearest to the bad one first; then what only the two runs show. What
/// was noticed while the bad one was under way counts too: a change is noticed up to seconds after it was made.
#[must_use]
pub fn before(state: &State, series: &SeriesKey, verdict: &RunVerdict) -> Vec<Change> {
    let Some(since) = &verdict.since else { return Vec::new() };
    let good = since.good_unix_ms;
    let runs = state.runs.history.get(series).map_or(&[][..], Vec::as_slice);
    let last_good = runs.iter().rfind(|run| Some(run.at_unix_ms) == good);
    let first_bad = runs.iter().find(|run| run.id == since.run);
    let took = first_bad.map_or(0, |run| i64::try_from(run.took.as_millis()).unwrap_or(0));
    let seen = between(&state.runs.changes, good.unwrap_or(i64::MIN), since.at_unix_ms.saturating_add(took));
    let mut all: Vec<Change> = seen.into_iter().cloned().collect();
    if let (Some(good), Some(bad)) = (last_good, first_bad) {
        let is_seen = |change: &Change| {
            let same = |seen: &Change| seen.kind == change.kind || seen.kind == "pool" && change.kind == "pool_layout";
            all.iter().any(same)
        };
        let more: Vec<Change> = between_runs(good, bad).into_iter().filter(|change| !is_seen(change)).collect();
        all.extend(more);
    }
    all
}

/// What changed, without what it is of: `compression lz4 → gzip-9`.
#[must_use]
pub fn phrase(change: &Change) -> String {
    let of = if change.of.is_empty() { ":".to_owned() } else { format!(" of {}:", change.of) };
    words(change).replacen(&of, "", 1)
}

/// True for what may well concern a figure measured on `of`: the thing itself, what it lies in, or the whole machine.
#[must_use]
pub fn concerns(state: &State, change: &Change, of: &str) -> bool {
    let kind = change.kind.as_str();
    if change.of.is_empty() || of.is_empty() || matches!(kind, "driver" | "engine") {
        return true;
    }
    match kind {
        "pool" => dataset_of(state, of).is_some_and(|dataset| pool_of(&dataset) == change.of),
        // Its own, or one that it may have inherited.
        "dataset" => dataset_of(state, of).is_some_and(|dataset| is_within(&dataset, &change.of)),
        _ => of == change.of || container_behind(state, of).is_some_and(|row| *row.label == *change.of),
    }
}

/// The dataset that is measured: by its name, or by a folder on it.
fn dataset_of(state: &State, of: &str) -> Option<String> {
    if !of.starts_with('/') {
        return Some(of.to_owned());
    }
    filesystem_of(&state.host, of).filter(|filesystem| filesystem.kind == "zfs").map(|zfs| zfs.device.clone())
}

fn is_within(dataset: &str, other: &str) -> bool {
    dataset.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The container that serves a page, or a model: `llama3.1:8b at ollama`.
fn container_behind<'a>(state: &'a State, of: &str) -> Option<&'a ContainerRow> {
    let server = of.rsplit_once(" at ").and_then(|(_, name)| state.host.model_servers.named(name));
    match server {
        Some(server) => container_of_model_server(&state.host, server),
        None => server_of(&state.host, of),
    }
}

/// `12m before the first run that is worse`; nothing where it was seen no earlier than then.
#[must_use]
pub fn distance(change: &Change, verdict: &RunVerdict) -> Option<String> {
    let since = verdict.since.as_ref()?;
    let apart = Duration::from_millis(u64::try_from(since.at_unix_ms - change.at_unix_ms).ok().filter(|ms| *ms > 0)?);
    Some(format!("{} before the first run that is worse", units::span(apart)))
}

/// Whether taking something back helped: what, and what came of it. `None` where nothing that concerns the figure changed
/// after it had got worse.
#[must_use]
pub fn outcome(state: &State, series: &SeriesKey, verdicts: &[RunVerdict]) -> Option<Outcome> {
    let is_bad = |verdict: &RunVerdict| matches!(verdict.verdict, Verdict::Suspect | Verdict::Regressed);
    let last_bad = verdicts.iter().rposition(is_bad)?;
    let (bad, after) = (&verdicts[last_bad], verdicts.get(last_bad + 1));
    let from = bad.since.as_ref()?.at_unix_ms;
    let to = after.map_or(bad.at_unix_ms, |run| run.at_unix_ms.saturating_add(noticed_within(state, series, run)));
    let causes = before(state, series, bad);
    let takes_back = |change: &Change| {
        let of =
            |other: &Change| (&change.kind, &change.of, &change.property) == (&other.kind, &other.of, &other.property);
        causes.iter().any(|cause| of(cause) && cause.before == change.after)
    };
    let found = between(&state.runs.changes, from, to)
        .into_iter()
        .find(|change| concerns(state, change, &series.of) && takes_back(change))?;
    let what = words(found);
    // Small steps are not back to normal either.
    if let Some(good) = after.filter(|run| run.verdict != Verdict::Drift) {
        // The run that was begun beside it may have met both; more bad ones say that something else helped later.
        let without_effect = verdicts[..=last_bad].iter().filter(|run| run.at_unix_ms > found.at_unix_ms).count();
        return (without_effect <= 1).then_some(Outcome { what, since_unix_ms: good.at_unix_ms, came: Came::Helped });
    }
    let last = last_bad + usize::from(after.is_some());
    let came = gained(&verdicts[..=last], from, found.at_unix_ms).unwrap_or(Came::DidNotHelp);
    Some(Outcome { what, since_unix_ms: found.at_unix_ms, came })
}

/// A change is noticed some time after it was made, at the latest while the first run after it was under way, or so.
fn noticed_within(state: &State, series: &SeriesKey, run: &RunVerdict) -> i64 {
    let runs = state.runs.history.get(series).map_or(&[][..], Vec::as_slice);
    let took = runs.iter().find(|known| known.id == run.run).map_or(Duration::ZERO, |known| known.took);
    i64::try_from(took.max(NOTICED).as_millis()).unwrap_or(0)
}

/// What the newest run, which is still bad, has of the way back to normal, from what it was between `from` and `at`: worth
/// a word from half of the way on.
fn gained(verdicts: &[RunVerdict], from: i64, at: i64) -> Option<Came> {
    let last = verdicts.last().filter(|last| last.at_unix_ms > at)?;
    let bad = verdicts.iter().filter(|run| (from..=at).contains(&run.at_unix_ms)).map(|run| run.median);
    let (bad, now) = (stats::median(&bad.collect::<Vec<f64>>())?, last.median);
    let way = bad - last.against.as_ref()?.median;
    let share = (bad - now) / way;
    (share >= 0.5).then_some(Came::Mostly { bad, now })
}

/// What came of a change that was taken back.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// `CPU limit of web: 0.1 → none`.
    pub what: String,
    /// When it was good again, or when it was taken back.
    pub since_unix_ms: i64,
    pub came: Came,
}

/// See [`Outcome`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Came {
    Helped,
    /// It is much better than it was, and still worse than normal.
    Mostly {
        bad: f64,
        now: f64,
    },
    DidNotHelp,
}

/// The way back from the nearest change that may be the cause and is still in force: one that benchtop can go before one
/// that it can only describe.
#[must_use]
pub fn find(state: &State, series: &SeriesKey, verdict: &RunVerdict) -> Option<(Change, WayBack)> {
    let all = before(state, series, verdict).into_iter();
    let all = all.filter(|change| concerns(state, change, &series.of));
    let mut ways: Vec<(Change, WayBack)> = all
        .filter_map(|change| {
            let way = way_back(&change, &state.host)?;
            Some((change, way))
        })
        .collect();
    if !ways.is_empty() {
        let now = facts(&state.host, state.config.as_deref());
        let fact = |change: &Change| Fact {
            kind: change.kind.clone(),
            of: change.of.clone(),
            property: change.property.clone(),
        };
        ways.retain(|(change, _)| now.get(&fact(change)) == change.after.as_ref());
    }
    let at = ways.iter().position(|(_, way)| matches!(way, WayBack::Do(_))).unwrap_or(0);
    (at < ways.len()).then(|| ways.swap_remove(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::regression::Since,
        model::{
            fault::Fault,
            filesystem::Filesystem,
            run::{Better, Run},
            unit::Unit,
        },
    };

    fn change(kind: &str, of: &str, property: &str) -> Change {
        let (before, after) = (Some("a".to_owned()), Some("b".to_owned()));
        let [kind, of, property] = [kind, of, property].map(str::to_owned);
        Change { at_unix_ms: 0, kind, of, property, before, after }
    }

    #[test]
    fn phrases_leave_out_what_has_a_column() {
        assert_eq!(phrase(&change("dataset", "tank/db", "compression")), "compression a → b");
        assert_eq!(phrase(&change("kernel", "", "release")), "kernel a → b");
        assert_eq!(phrase(&change("limits", "web", "cpus")), "CPU limit a → b");
    }

    fn key() -> SeriesKey {
        SeriesKey { benchmark: "page".to_owned(), of: String::new() }
    }

    fn run(at_unix_ms: i64, fingerprint: &[(&str, &str)]) -> Run {
        Run {
            id: at_unix_ms.to_string(),
            batch: String::new(),
            benchmark: key().benchmark,
            of: String::new(),
            unit: Unit::Seconds,
            better: Better::Lower,
            at_unix_ms,
            took: Duration::from_secs(10),
            samples: vec![1.0],
            fingerprint: fingerprint.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            notes: Vec::new(),
        }
    }

    /// Bad since the run of the first minute, which is the newest; good in the first second.
    fn verdict() -> RunVerdict {
        let run = "60000".to_owned();
        RunVerdict {
            run: run.clone(),
            at_unix_ms: 60_000,
            verdict: Verdict::Suspect,
            better: Better::Lower,
            median: 1.0,
            ratio: None,
            p: None,
            against: None,
            since: Some(Since { run, at_unix_ms: 60_000, good_unix_ms: Some(1_000) }),
            differs: Vec::new(),
            samples: 1,
            repeat: false,
            disturbed: false,
        }
    }

    #[test]
    fn what_only_the_runs_show_is_added_once() {
        let run = |at, kernel, layout| run(at, &[("kernel", kernel), ("pool_layout", layout)]);
        let mut state = State::default();
        state.runs.history.insert(key(), vec![run(1_000, "6.1", "mirror"), run(60_000, "6.12", "raidz")]);
        let mut kinds = |seen: &[&str]| {
            state.runs.changes =
                seen.iter().map(|kind| Change { at_unix_ms: 30_000, ..change(kind, "", "x") }).collect();
            let mut found: Vec<_> = before(&state, &key(), &verdict()).into_iter().map(|change| change.kind).collect();
            found.sort();
            found
        };
        assert_eq!(kinds(&[]), ["kernel", "pool_layout"]);
        assert_eq!(kinds(&["limits", "kernel"]), ["kernel", "limits", "pool_layout"]);
        assert_eq!(kinds(&["pool"]), ["kernel", "pool"], "a change of the pool is its layout's");
    }

    #[test]
    fn change_noticed_during_the_first_bad_run_counts() {
        let mut state = State::default();
        state.runs.history.insert(key(), vec![run(1_000, &[]), run(60_000, &[])]);
        let at = |at_unix_ms: i64| Change { at_unix_ms, ..change("limits", "web", "cpus") };
        state.runs.changes = vec![at(500), at(30_000), at(65_000), at(75_000)];
        let found: Vec<i64> = before(&state, &key(), &verdict()).iter().map(|change| change.at_unix_ms).collect();
        assert_eq!(found, [65_000, 30_000]);
    }

    #[test]
    fn changes_of_other_things_do_not_concern_a_figure() {
        let filesystem = |mount: &str, kind: &str, device: &str| Filesystem {
            mount: mount.into(),
            device: device.into(),
            kind: kind.into(),
            options: String::new(),
            read_only: false,
            space: Err(Fault::Timeout),
        };
        let mut state = State::default();
        state.host.filesystems.filesystems =
            vec![filesystem("/", "ext4", "/dev/sda1"), filesystem("/srv/db", "zfs", "tank/db")];
        let of = |kind, of| change(kind, of, "x");
        let concerned = |state: &State, change: &Change, of: &str| concerns(state, change, of);
        assert!(concerned(&state, &of("kernel", ""), "tank/db"));
        assert!(concerned(&state, &of("engine", "unix:///run/docker.sock"), "alpine:3.22"));
        for (kind, changed, on, expected) in [
            ("dataset", "tank/db", "tank/db", true),
            ("dataset", "tank", "tank/db", true),
            ("dataset", "tank/media", "tank/db", false),
            ("dataset", "tank", "tank2/db", false),
            ("dataset", "tank/db/x", "tank/db", false),
            ("dataset", "tank/db", "/srv/db/bench", true),
            ("dataset", "tank/media", "/srv/db/bench", false),
            ("dataset", "tank/db", "/home", false),
            ("pool", "tank", "tank/db", true),
            ("pool", "tank", "/srv/db", true),
            ("pool", "media", "tank/db", false),
            ("image", "postgres", "tank/db", false),
            ("limits", "llama", "llama3.1:8b at ollama", false),
        ] {
            assert_eq!(concerned(&state, &of(kind, changed), on), expected, "{kind} {changed} for {on}");
        }
    }

    /// A run at this minute, with this median against a normal one of 1.
    fn judged(minute: i64, is: Verdict, median: f64) -> RunVerdict {
        let against =
            crate::analysis::regression::Baseline { median: 1.0, low: 0.9, high: 1.1, runs: 9, since_unix_ms: 0 };
        let at_unix_ms = minute * 60_000;
        RunVerdict { run: at_unix_ms.to_string(), at_unix_ms, verdict: is, median, against: Some(against), ..verdict() }
    }

    /// A limit that was set in the 30th second, before the run of the first minute, and taken back at this second.
    fn taken_back(second: i64) -> State {
        let mut state = State::default();
        let set = Change { at_unix_ms: 30_000, ..change("limits", "", "cpus") };
        let back =
            Change { at_unix_ms: second * 1000, before: set.after.clone(), after: set.before.clone(), ..set.clone() };
        state
            .runs
            .history
            .insert(key(), (0..9).map(|minute| run(minute * 60_000 + 1_000 * i64::from(minute == 0), &[])).collect());
        state.runs.changes = vec![set, back];
        state
    }

    #[test]
    fn a_change_taken_back_helped_when_the_next_run_is_good() {
        let runs = [judged(1, Verdict::Suspect, 2.0), judged(2, Verdict::Same, 1.0)];
        let found = outcome(&taken_back(90), &key(), &runs).expect("an outcome");
        assert_eq!((found.came, found.since_unix_ms), (Came::Helped, 120_000));
        assert_eq!(found.what, "CPU limit: b → a");
        assert_eq!(outcome(&State::default(), &key(), &runs), None, "nothing changed");
        assert_eq!(outcome(&taken_back(90), &key(), &runs[1..]), None, "it never was worse");
        // It is noticed up to a minute after the run began, and not later.
        assert!(outcome(&taken_back(180), &key(), &runs).is_some_and(|found| found.came == Came::Helped));
        assert_eq!(outcome(&taken_back(181), &key(), &runs), None);
    }

    #[test]
    fn a_change_that_several_bad_runs_followed_did_not_help() {
        let bad = |minute| judged(minute, Verdict::Regressed, 2.0);
        let one = [judged(1, Verdict::Suspect, 2.0), bad(2), judged(3, Verdict::Same, 1.0)];
        assert!(outcome(&taken_back(90), &key(), &one).is_some_and(|found| found.came == Came::Helped));
        let two = [judged(1, Verdict::Suspect, 2.0), bad(2), bad(3), judged(4, Verdict::Same, 1.0)];
        assert_eq!(outcome(&taken_back(90), &key(), &two), None, "something else helped later");
        let found = outcome(&taken_back(90), &key(), &two[..3]).expect("an outcome");
        assert_eq!((found.came, found.since_unix_ms), (Came::DidNotHelp, 90_000));
    }

    #[test]
    fn half_of_the_way_back_is_worth_a_word() {
        let now = |median| {
            let runs = [judged(1, Verdict::Suspect, 2.0), judged(2, Verdict::Regressed, median)];
            outcome(&taken_back(90), &key(), &runs).expect("an outcome").came
        };
        assert_eq!(now(1.25), Came::Mostly { bad: 2.0, now: 1.25 });
        assert_eq!(now(1.5), Came::Mostly { bad: 2.0, now: 1.5 });
        assert_eq!(now(1.75), Came::DidNotHelp);
        let drifting = [judged(1, Verdict::Suspect, 2.0), judged(2, Verdict::Drift, 1.25)];
        let came = outcome(&taken_back(90), &key(), &drifting).expect("an outcome").came;
        assert_eq!(came, Came::Mostly { bad: 2.0, now: 1.25 }, "small steps are not back to normal");
    }

    #[test]
    fn only_what_was_before_is_so_long_before() {
        let at = |at_unix_ms| distance(&Change { at_unix_ms, ..change("limits", "web", "cpus") }, &verdict());
        assert_eq!(at(0).as_deref(), Some("1m before the first run that is worse"));
        assert_eq!(at(59_000).as_deref(), Some("1s before the first run that is worse"));
        assert_eq!((at(60_000), at(61_000)), (None, None));
        assert_eq!(distance(&change("limits", "web", "cpus"), &RunVerdict { since: None, ..verdict() }), None);
    }
}
