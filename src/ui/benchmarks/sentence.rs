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
