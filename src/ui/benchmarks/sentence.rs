//! What is said of a figure: the result with its spread, how it compares with what is normal and whether that is noise,
//! since when, and its target. Pure: the same runs give the same words.

use super::{
    known::ends,
    rows::Item,
    standing::{Standing, role},
    words,
};
use crate::{
    analysis::{
        regression::{BASELINE_LEAST, Baseline, RunVerdict, Verdict},
        stats,
    },
    model::{
        figure::{Better, Figure},
        run::{Run, RunSays},
        undo_note::UndoStep,
    },
    state::{
        State, levels,
        way_back::{self, Came, Outcome},
    },
    ui::{figures::role_of, theme::Role, widgets::sheet::SheetLine},
};

/// An undo that has not gone on for so long, milliseconds, will not.
const LEFT_MS: i64 = 2 * 3_600_000;

/// The lines above the chart, most important first.
#[must_use]
pub fn lines(state: &State, item: &Item, standing: &Standing<'_>) -> Vec<SheetLine> {
    let (figure, now) = (&item.figure, state.host.now.unix_ms);
    let mut lines = Vec::new();
    let Some((run, verdict)) = standing.last() else { return lines };
    lines.push(result(figure, run, verdict, standing, now));
    lines.extend(comparison(figure, standing, verdict, now).map(|text| vec![(text, Role::Text)]));
    lines.extend(judgement(standing, verdict, now).map(|(text, role)| vec![(text, role)]));
    lines.extend(outcome(state, item, standing, now));
    lines.extend(undone(state, item, now));
    lines.extend(target(figure, standing, verdict));
    lines.extend(pinned(state, figure, standing, verdict, now));
    lines.extend(run.notes.iter().map(|note| vec![(note.clone(), Role::Dim)]));
    lines
}

/// `71.2k IOPS  median of 12 samples, ±2.1 % · today 14:02`.
fn result(figure: &Figure, run: &Run, verdict: &RunVerdict, standing: &Standing<'_>, now: i64) -> SheetLine {
    let samples = match run.samples.len() {
        1 => "one sample".to_owned(),
        n => format!("median of {n} samples"),
    };
    let spread = stats::half_width(&run.samples).filter(|share| share.is_finite());
    let spread = spread.map_or_else(String::new, |share| format!(", {}", words::spread(share)));
    let role = match role(verdict.verdict) {
        Role::Ok | Role::Unknown => role_of(levels::target(standing.is_met() != Some(false)), Role::Strong),
        role => role,
    };
    vec![
        (words::value(figure, verdict.median), role),
        (format!("  {samples}{spread} · {}", words::moment(run.at_unix_ms, now)), Role::Dim),
    ]
}

/// `96.4k IOPS ±3 %, 14 runs since 3 Sep`.
fn normal(figure: &Figure, against: &Baseline, now: i64) -> String {
    let spread = if against.median > 0.0 { (against.high - against.low) / 2.0 / against.median } else { 0.0 };
    let since = match words::day(against.since_unix_ms, now).as_str() {
        "today" => words::moment(against.since_unix_ms, now),
        day => day.to_owned(),
    };
    format!("{} {}, {} runs since {since}", words::value(figure, against.median), words::spread(spread), against.runs)
}

/// `26 % below normal (96.4k IOPS ±3 %, 14 runs since 3 Sep): not noise, p = 0.004`.
fn comparison(figure: &Figure, standing: &Standing<'_>, verdict: &RunVerdict, now: i64) -> Option<String> {
    if verdict.verdict == Verdict::NotComparable {
        return None;
    }
    let Some(against) = &verdict.against else {
        let runs = standing.verdicts.len();
        let wanted = match verdict.verdict {
            Verdict::New => format!(
                "{runs} {} so far: what is normal is known after {BASELINE_LEAST}",
                if runs == 1 { "run" } else { "runs" }
            ),
            _ => return None,
        };
        return Some(wanted);
    };
    let normal = normal(figure, against, now);
    let ratio = verdict.ratio?;
    let percent = ((ratio - 1.0).abs() * 100.0).round();
    if verdict.verdict == Verdict::Drift {
        let way = if ratio < 1.0 { "below" } else { "above" };
        return Some(format!("{percent:.0} % {way} where it was before (now normal: {normal})"));
    }
    let way = match ratio {
        _ if percent < 0.5 => "as normal".to_owned(),
        r if r < 1.0 => format!("{percent:.0} % below normal"),
        _ => format!("{percent:.0} % above normal"),
    };
    let p = verdict.p.map(words::probability);
    let noise = match (verdict.verdict, p) {
        (Verdict::Suspect | Verdict::Regressed | Verdict::Improved, Some(p)) => {
            format!(": not noise, p {p}")
        }
        _ => String::new(),
    };
    Some(format!("{way} ({normal}){noise}"))
}

/// The newest figure and how it compares, in one line: `71.2k IOPS, 26 % below normal (96.4k IOPS ±3 %, 14 runs)`.
#[must_use]
pub fn brief(state: &State, figure: &Figure, standing: &Standing<'_>) -> Option<SheetLine> {
    let (run, verdict) = standing.last()?;
    let now = state.host.now.unix_ms;
    let value = result(figure, run, verdict, standing, now).into_iter().next()?;
    let compared = comparison(figure, standing, verdict, now).map(|text| (format!(", {text}"), Role::Text));
    Some(std::iter::once(value).chain(compared).collect())
}

/// What follows from the newest verdict.
#[must_use]
pub fn judged(state: &State, standing: &Standing<'_>) -> Option<(String, Role)> {
    judgement(standing, standing.verdicts.last()?, state.host.now.unix_ms)
}

/// What follows from it.
fn judgement(standing: &Standing<'_>, verdict: &RunVerdict, now: i64) -> Option<(String, Role)> {
    let since = verdict.since.as_ref().map(|since| words::moment(since.at_unix_ms, now)).unwrap_or_default();
    let role = role(verdict.verdict);
    let text = match verdict.verdict {
        Verdict::New | Verdict::Same => return None,
        Verdict::Regressed => {
            format!("{} run in a row: regression since {since}", words::ordinal(streak(standing)))
        }
        Verdict::Suspect if verdict.disturbed => {
            "the machine was busier than usual: measure it again at a quiet moment".to_owned()
        }
        Verdict::Suspect => match streak(standing) {
            0 | 1 if verdict.repeat => "first run like this: measure it again at a quiet moment".to_owned(),
            0 | 1 => "first run like this: three in a row make a regression".to_owned(),
            n => format!("{} run in a row, since {since}: three make a regression", words::ordinal(n)),
        },
        Verdict::Improved => format!("three runs in a row: improved since {since}"),
        Verdict::Drift => format!("getting worse in small steps since {since}"),
        Verdict::Noisy => {
            let spread = standing.last().and_then(|(run, _)| stats::half_width(&run.samples));
            match spread.filter(|share| share.is_finite()) {
                Some(share) => format!(
                    "noisy: the samples leave {} of doubt, {} is asked for",
                    words::spread(share),
                    words::spread(stats::NARROW)
                ),
                None => "noisy: too few samples to tell".to_owned(),
            }
        }
        Verdict::NotComparable => return Some((not_comparable(standing, verdict), Role::Unknown)),
    };
    Some((text, role))
}

/// `back to normal since today 14:02: CPU limit of web: 0.1 → none helped`.
fn outcome(state: &State, item: &Item, standing: &Standing<'_>, now: i64) -> Option<SheetLine> {
    let Outcome { what, since_unix_ms, came } = way_back::outcome(state, &item.series(), standing.verdicts)?;
    let since = words::moment(since_unix_ms, now);
    let value = |value: f64| words::value(&item.figure, value);
    let (text, role) = match came {
        Came::Helped => (format!("back to normal since {since}: {what} helped"), Role::Ok),
        Came::Mostly { bad, now } => {
            (format!("{what} ({since}) helped, but not all the way: {} → {}", value(bad), value(now)), Role::Text)
        }
        Came::DidNotHelp => (format!("{what} ({since}) did not help: no better since then"), Role::Text),
    };
    Some(vec![(text, role)])
}

/// `undone automatically today 14:03 (bench.undo): set limits of web: cpus none: back to normal`.
fn undone(state: &State, item: &Item, now: i64) -> Option<SheetLine> {
    let series = item.series();
    let note = state.runs.undos.iter().rfind(|note| note.series == series)?;
    // A benchtop that was killed has left it where it was.
    let is_left = now - note.at_unix_ms > LEFT_MS;
    let word = match note.step {
        UndoStep::Begins if is_left => "undo begun automatically, and not known to be done",
        UndoStep::Begins => "undo begun automatically",
        UndoStep::Done if is_left => "undone automatically, and not measured since",
        UndoStep::Done => "undone automatically, and to be measured",
        UndoStep::Failed => "automatic undo failed",
        UndoStep::Helped | UndoStep::HelpedInPart => "undone automatically",
        UndoStep::DidNotHelp => "undone automatically, which did not help",
        UndoStep::Restored => "undone automatically, which did not help; set again",
        UndoStep::Unmeasured => "undone automatically, and not measured since",
    };
    let when = words::moment(note.at_unix_ms, now);
    Some(vec![(format!("{word} {when} (bench.undo): "), Role::Dim), (note.text.clone(), Role::Dim)])
}

/// So many of the newest runs are on the bad side without a break.
#[must_use]
pub fn streak(standing: &Standing<'_>) -> usize {
    let bad = |verdict: &&RunVerdict| matches!(verdict.verdict, Verdict::Suspect | Verdict::Regressed);
    standing.verdicts.iter().rev().take_while(bad).count()
}

/// `not comparable with the 14 runs before: kernel 6.1.0-27 → 6.1.0-28`.
fn not_comparable(standing: &Standing<'_>, verdict: &RunVerdict) -> String {
    let last = standing.last().map(|(run, _)| run);
    let apart = |run: &Run| {
        let value = |run: &Run, part: &String| run.fingerprint.get(part).cloned();
        verdict.differs.iter().any(|part| Some(value(run, part)) != last.map(|last| value(last, part)))
    };
    let before = standing.runs.iter().rev().find(|run| apart(run));
    let part = |name: &String| {
        let of =
            |run: Option<&Run>| run.and_then(|run| run.fingerprint.get(name)).map_or("none", String::as_str).to_owned();
        format!("{name} {} → {}", of(before), of(last))
    };
    let parts: Vec<String> = verdict.differs.iter().map(part).collect();
    let apart = verdict.ratio.map_or_else(String::new, |ratio| format!(" ({})", words::difference(ratio)));
    format!("not comparable with the runs before{apart}: {}", parts.join(", "))
}

/// `target ≥100k IOPS: missed by 29 %`.
fn target(figure: &Figure, standing: &Standing<'_>, verdict: &RunVerdict) -> Option<SheetLine> {
    let goal = standing.goal?;
    let head = (format!("target {}: ", words::target(figure, goal)), Role::Dim);
    if goal.is_met(verdict.median) {
        return Some(vec![head, ("met".to_owned(), Role::Dim)]);
    }
    let off = |end: f64| (verdict.median / end - 1.0).abs();
    let nearest = ends(goal).into_iter().filter(|end| *end > 0.0).map(off).min_by(f64::total_cmp);
    let by = nearest.map_or_else(String::new, |off| format!(" by {:.0} %", (off * 100.0).max(1.0)));
    Some(vec![head, (format!("missed{by}"), role_of(levels::target(false), Role::Text))])
}

/// The pinned best run of a series.
#[must_use]
pub fn pinned_run<'a>(state: &State, standing: &Standing<'a>) -> Option<&'a Run> {
    let series = standing.runs.first()?.key();
    let word = state.runs.marks.iter().rev().filter(|mark| mark.series == series);
    let pin = word.map(|mark| &mark.says).find(|says| matches!(says, RunSays::Pin(_) | RunSays::Unpin))?;
    let RunSays::Pin(id) = pin else { return None };
    standing.runs.iter().find(|run| run.id == *id)
}

/// `12 % below the pinned best (108k IOPS, 3 Mar)`.
fn pinned(
    state: &State,
    figure: &Figure,
    standing: &Standing<'_>,
    verdict: &RunVerdict,
    now: i64,
) -> Option<SheetLine> {
    let run = pinned_run(state, standing)?;
    let best = stats::median(&run.samples).filter(|best| *best > 0.0)?;
    let ratio = verdict.median / best;
    let (percent, way) = ((ratio - 1.0).abs() * 100.0, if ratio < 1.0 { "below" } else { "above" });
    let is_worse = (ratio < 1.0) == (figure.better == Better::Higher);
    let text = format!(
        "{percent:.0} % {way} the pinned run ({}, {})",
        words::value(figure, best),
        words::day(run.at_unix_ms, now)
    );
    Some(vec![(text, if is_worse && percent >= 1.0 { Role::Text } else { Role::Dim })])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        analysis::regression::Since,
        model::{
            bench::{BenchKey, Group},
            figure::SeriesKey,
            run::RunMark,
            undo_note::UndoNote,
            unit::Unit,
        },
        target::Bound,
    };

    /// A moment.
    const NOW: i64 = 1_780_056_000_000;
    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;

    fn figure() -> Figure {
        let (id, title) = ("storage_random_iops".to_owned(), String::new());
        Figure { id, title, unit: Unit::PerSecond, better: Better::Higher }
    }

    fn run(id: &str, samples: &[f64]) -> Run {
        Run {
            id: id.to_owned(),
            batch: String::new(),
            benchmark: figure().id,
            of: String::new(),
            unit: Unit::PerSecond,
            better: Better::Higher,
            at_unix_ms: NOW,
            took: Duration::from_secs(1),
            samples: samples.to_vec(),
            fingerprint: Default::default(),
            notes: Vec::new(),
        }
    }

    /// A quarter below a normal of 200 to within a tenth.
    fn verdict(id: &str, verdict: Verdict) -> RunVerdict {
        RunVerdict {
            run: id.to_owned(),
            at_unix_ms: NOW,
            verdict,
            better: Better::Higher,
            median: 150.0,
            ratio: Some(0.75),
            p: Some(0.004),
            against: Some(Baseline { median: 200.0, low: 180.0, high: 220.0, runs: 14, since_unix_ms: NOW }),
            since: Some(Since { run: id.to_owned(), at_unix_ms: NOW, good_unix_ms: None }),
            differs: Vec::new(),
            samples: 1,
            repeat: false,
            disturbed: false,
        }
    }

    fn item() -> Item {
        let bench = BenchKey { bench: "random".to_owned(), of: String::new() };
        let (figure, doc) = (figure(), String::new());
        Item { bench, group: Group::ALL[0], figure, doc, main: true, named: false, missing: None }
    }

    fn state() -> State {
        let mut state = State::default();
        state.host.now.unix_ms = NOW;
        state
    }

    fn text(line: &SheetLine) -> String {
        line.iter().map(|(text, _)| text.as_str()).collect()
    }

    /// What is said, each time of day as `at`.
    fn said(state: &State, runs: &[Run], verdicts: &[RunVerdict], goal: Option<Bound>) -> Vec<String> {
        let standing = Standing { runs, verdicts, goal, failed: None };
        let at = words::moment(NOW, NOW);
        lines(state, &item(), &standing).iter().map(|line| text(line).replace(&at, "at")).collect()
    }

    #[test]
    fn a_run_that_is_worse_is_described_in_full() {
        let (runs, verdicts) = ([run("a", &[150.0; 6])], [verdict("a", Verdict::Suspect)]);
        assert_eq!(
            said(&state(), &runs, &verdicts, Some(Bound::AtLeast(200.0))),
            [
                "150 IOPS  median of 6 samples, ±0.0 % · at",
                "25 % below normal (200 IOPS ±10 %, 14 runs since at): not noise, p = 0.004",
                "first run like this: three in a row make a regression",
                "target ≥200 IOPS: missed by 25 %",
            ]
        );
        assert_eq!(said(&state(), &[], &[], None), [""; 0]);
    }

    #[test]
    fn the_first_line_has_samples_and_spread() {
        let first =
            |samples: &[f64]| said(&state(), &[run("a", samples)], &[verdict("a", Verdict::Same)], None)[0].clone();
        assert_eq!(first(&[150.0]), "150 IOPS  one sample · at");
        assert!(first(&[100.0, 110.0, 150.0, 155.0, 160.0, 170.0, 190.0]).contains("  median of 7 samples, ±"));
    }

    #[test]
    fn a_difference_is_named_by_its_direction() {
        let compared = |is: Verdict, ratio: f64| {
            let verdicts = [RunVerdict { ratio: Some(ratio), p: None, ..verdict("a", is) }];
            said(&state(), &[run("a", &[150.0])], &verdicts, None)[1].clone()
        };
        let normal = "(200 IOPS ±10 %, 14 runs since at)";
        assert_eq!(compared(Verdict::Same, 0.996), format!("as normal {normal}"));
        assert_eq!(compared(Verdict::Same, 0.994), format!("1 % below normal {normal}"));
        assert_eq!(compared(Verdict::Same, 1.25), format!("25 % above normal {normal}"));
        let now = "(now normal: 200 IOPS ±10 %, 14 runs since at)";
        assert_eq!(compared(Verdict::Drift, 0.9), format!("10 % below where it was before {now}"));
        assert_eq!(compared(Verdict::Drift, 1.1), format!("10 % above where it was before {now}"));
        let of_chance = [verdict("a", Verdict::Same)];
        assert_eq!(
            said(&state(), &[run("a", &[150.0])], &of_chance, None)[1],
            format!("25 % below normal {normal}"),
            "the chance is given where it decided"
        );
    }

    #[test]
    fn the_first_runs_say_what_is_missing() {
        let fresh = |count: usize| {
            let verdicts: Vec<RunVerdict> =
                (0..count).map(|_| RunVerdict { against: None, ..verdict("a", Verdict::New) }).collect();
            said(&state(), &[run("a", &[150.0])], &verdicts, None)[1].clone()
        };
        assert_eq!(fresh(1), "1 run so far: what is normal is known after 5");
        assert_eq!(fresh(3), "3 runs so far: what is normal is known after 5");
    }

    #[test]
    fn a_streak_counts_the_newest_runs_that_are_worse() {
        let judged = |kinds: &[Verdict]| {
            let verdicts: Vec<RunVerdict> = kinds.iter().map(|kind| verdict("a", *kind)).collect();
            let standing = Standing { runs: &[], verdicts: &verdicts, goal: None, failed: None };
            let text = judged(&state(), &standing).map_or_else(String::new, |(text, _)| text);
            (streak(&standing), text.replace(&words::moment(NOW, NOW), "at"))
        };
        use Verdict::{Drift, Improved, Regressed, Same, Suspect};
        assert_eq!(judged(&[Suspect, Same]), (0, String::new()));
        assert_eq!(
            judged(&[Suspect, Same, Suspect, Suspect]),
            (2, "second run in a row, since at: three make a regression".to_owned())
        );
        assert_eq!(judged(&[Suspect, Suspect, Regressed]), (3, "third run in a row: regression since at".to_owned()));
        assert_eq!(judged(&[Improved]).1, "three runs in a row: improved since at");
        assert_eq!(judged(&[Drift]).1, "getting worse in small steps since at");
    }

    #[test]
    fn a_suspect_run_says_what_to_do() {
        let one = |change: fn(&mut RunVerdict)| {
            let mut verdict = verdict("a", Verdict::Suspect);
            change(&mut verdict);
            let verdicts = [verdict];
            judged(&state(), &Standing { runs: &[], verdicts: &verdicts, goal: None, failed: None })
                .map(|(text, _)| text)
        };
        let said = |text: &str| Some(text.to_owned());
        assert_eq!(one(|v| v.repeat = true), said("first run like this: measure it again at a quiet moment"));
        assert_eq!(
            one(|v| v.disturbed = true),
            said("the machine was busier than usual: measure it again at a quiet moment")
        );
    }

    #[test]
    fn noise_is_described_by_its_size() {
        let noisy = |samples: &[f64]| {
            let (runs, verdicts) = ([run("a", samples)], [verdict("a", Verdict::Noisy)]);
            judged(&state(), &Standing { runs: &runs, verdicts: &verdicts, goal: None, failed: None })
                .map_or_else(String::new, |(text, _)| text)
        };
        assert_eq!(noisy(&[150.0]), "noisy: too few samples to tell");
        let wide = noisy(&[50.0, 60.0, 100.0, 150.0, 160.0, 190.0, 400.0]);
        assert!(wide.starts_with("noisy: the samples leave ±") && wide.ends_with(" is asked for"), "{wide}");
    }

    #[test]
    fn runs_that_cannot_be_compared_say_what_differs() {
        let with = |id: &str, kernel: Option<&str>| {
            let mut run = run(id, &[150.0]);
            run.fingerprint.extend(kernel.map(|kernel| ("kernel".to_owned(), kernel.to_owned())));
            run
        };
        let differs = vec!["kernel".to_owned()];
        let verdicts = [RunVerdict { differs, ratio: Some(0.75), ..verdict("c", Verdict::NotComparable) }];
        let after = |before: Option<&str>| {
            let runs = [with("a", before), with("b", Some("6.12")), with("c", Some("6.12"))];
            said(&state(), &runs, &verdicts, None)[1].clone()
        };
        assert_eq!(after(Some("6.1")), "not comparable with the runs before (−25 %): kernel 6.1 → 6.12");
        assert_eq!(after(None), "not comparable with the runs before (−25 %): kernel none → 6.12");
    }

    #[test]
    fn a_target_is_met_or_missed_by_the_nearer_end() {
        let goal = |goal| {
            let (runs, verdicts) = ([run("a", &[150.0])], [verdict("a", Verdict::Same)]);
            said(&state(), &runs, &verdicts, Some(goal)).pop().unwrap_or_default()
        };
        assert_eq!(goal(Bound::AtLeast(150.0)), "target ≥150 IOPS: met");
        assert_eq!(
            goal(Bound::AtLeast(150.2)),
            "target ≥150 IOPS: missed by 1 %",
            "what is missed is never so by none"
        );
        assert_eq!(goal(Bound::Between(75.0, 100.0)), "target 75 IOPS–100 IOPS: missed by 50 %");
        assert_eq!(goal(Bound::AtMost(0.0)), "target ≤0 IOPS: missed");
    }

    #[test]
    fn the_pinned_run_is_compared_with() {
        let pinned = |samples: &[f64], marks: &[RunSays]| {
            let mut state = state();
            let series = SeriesKey { benchmark: figure().id, of: String::new() };
            state.runs.marks = marks
                .iter()
                .map(|says| RunMark { at_unix_ms: 0, series: series.clone(), says: says.clone() })
                .collect();
            let (runs, verdicts) = ([run("best", samples), run("a", &[150.0])], [verdict("a", Verdict::Same)]);
            let standing = Standing { runs: &runs, verdicts: &verdicts, goal: None, failed: None };
            lines(&state, &item(), &standing).into_iter().flatten().find(|(text, _)| text.contains("pinned run"))
        };
        let pin = || RunSays::Pin("best".to_owned());
        let line = |text: &str, role| Some((text.to_owned(), role));
        assert_eq!(pinned(&[300.0], &[pin()]), line("50 % below the pinned run (300 IOPS, today)", Role::Text));
        assert_eq!(pinned(&[100.0], &[pin()]), line("50 % above the pinned run (100 IOPS, today)", Role::Dim));
        assert_eq!(pinned(&[151.0], &[pin()]), line("1 % below the pinned run (151 IOPS, today)", Role::Dim));
        assert_eq!(pinned(&[300.0], &[pin(), RunSays::Unpin]), None);
        assert_eq!(pinned(&[300.0], &[RunSays::Unpin, pin()]).map(|(_, role)| role), Some(Role::Text));
        assert_eq!(pinned(&[300.0], &[pin(), RunSays::Accept]).map(|(_, role)| role), Some(Role::Text));
        assert_eq!(pinned(&[0.0], &[pin()]), None);
        assert_eq!(pinned(&[300.0], &[RunSays::Pin("gone".to_owned())]), None);
    }

    #[test]
    fn an_undo_says_how_far_it_came() {
        let undo = |step, ago: i64| {
            let mut state = state();
            let series = item().series();
            let other = SeriesKey { of: "other".to_owned(), ..series.clone() };
            let note = |series, step, text: &str| UndoNote {
                at_unix_ms: NOW - ago,
                series,
                run: String::new(),
                step,
                text: text.to_owned(),
            };
            state.runs.undos = vec![
                note(series.clone(), UndoStep::Failed, "before"),
                note(series, step, "this"),
                note(other, UndoStep::Failed, "of another"),
            ];
            let (runs, verdicts) = ([run("a", &[150.0])], [verdict("a", Verdict::Same)]);
            let when = words::moment(NOW - ago, NOW);
            said(&state, &runs, &verdicts, None)
                .pop()
                .unwrap_or_default()
                .replace(&when, "at")
                .replace(" at (bench.undo): this", "")
        };
        for (step, now, left) in [
            (UndoStep::Begins, "undo begun automatically", "undo begun automatically, and not known to be done"),
            (
                UndoStep::Done,
                "undone automatically, and to be measured",
                "undone automatically, and not measured since",
            ),
            (UndoStep::Failed, "automatic undo failed", "automatic undo failed"),
            (UndoStep::Helped, "undone automatically", "undone automatically"),
            (UndoStep::HelpedInPart, "undone automatically", "undone automatically"),
            (
                UndoStep::DidNotHelp,
                "undone automatically, which did not help",
                "undone automatically, which did not help",
            ),
            (
                UndoStep::Restored,
                "undone automatically, which did not help; set again",
                "undone automatically, which did not help; set again",
            ),
            (
                UndoStep::Unmeasured,
                "undone automatically, and not measured since",
                "undone automatically, and not measured since",
            ),
        ] {
            assert_eq!((undo(step, 2 * HOUR).as_str(), undo(step, 2 * HOUR + 1).as_str()), (now, left), "{step:?}");
        }
    }

    #[test]
    fn one_line_has_the_figure_and_how_it_compares() {
        let (runs, verdicts) = ([run("a", &[150.0])], [verdict("a", Verdict::Suspect)]);
        let standing = Standing { runs: &runs, verdicts: &verdicts, goal: None, failed: None };
        let line = brief(&state(), &figure(), &standing).expect("a line");
        let at = words::moment(NOW, NOW);
        assert_eq!(
            text(&line).replace(&at, "at"),
            "150 IOPS, 25 % below normal (200 IOPS ±10 %, 14 runs since at): not noise, p = 0.004"
        );
    }

    #[test]
    fn the_figure_has_the_colour_of_what_is_wrong_with_it() {
        let role = |is, goal| {
            let (runs, verdicts) = ([run("a", &[150.0])], [verdict("a", is)]);
            let standing = Standing { runs: &runs, verdicts: &verdicts, goal, failed: None };
            brief(&state(), &figure(), &standing).expect("a line")[0].1
        };
        let (met, missed) = (Some(Bound::AtLeast(150.0)), Some(Bound::AtLeast(151.0)));
        assert_eq!((role(Verdict::Same, None), role(Verdict::Same, met)), (Role::Strong, Role::Strong));
        assert_eq!((role(Verdict::Same, missed), role(Verdict::Noisy, missed)), (Role::Warn, Role::Warn));
        assert_eq!((role(Verdict::Regressed, met), role(Verdict::Drift, missed)), (Role::Crit, Role::Advice));
    }

    #[test]
    fn normal_is_dated_by_the_day_when_it_is_older() {
        let mut old = verdict("a", Verdict::Same);
        let since_unix_ms = NOW - 40 * DAY;
        old.against = old.against.map(|against| Baseline { since_unix_ms, median: 0.0, ..against });
        let line = said(&state(), &[run("a", &[150.0])], &[old], None)[1].clone();
        let day = words::day(since_unix_ms, NOW);
        assert_eq!(line, format!("25 % below normal (0 IOPS ±0.0 %, 14 runs since {day})"));
    }
}
