//! `benchtop bench judge`: verdicts over runs from anywhere, as JSON lines, by the engine that judges our own.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal, Read},
    path::Path,
    process::ExitCode,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{commands::print, settings::complain};
use crate::{
    analysis::regression::{Measured, RunVerdict, Verdict, judge, over_suite},
    diag::Diagnostic,
    model::run::{Better, Fingerprint},
};

/// A longer line is no run.
const LINE_MOST: u64 = 64 << 20;
/// So many mistakes are named; the rest are like them.
const MISTAKES_MOST: usize = 10;
/// What a line looks like, for hints.
const EXAMPLE: &str =
    r#"a run is one line: {"benchmark":"copy","unit":"seconds","better":"lower","samples":[1.92,1.95,1.90]}"#;

/// One run, as it is read.
#[derive(Debug, Deserialize)]
struct Line {
    benchmark: String,
    #[serde(default)]
    of: String,
    unit: String,
    better: Better,
    samples: Vec<f64>,
    /// When it was: given back as it is.
    at: Option<Value>,
    #[serde(default)]
    fingerprint: BTreeMap<String, Value>,
}

/// The runs of one benchmark.
struct Series {
    benchmark: String,
    of: String,
    unit: String,
    better: Better,
    /// The line that began it.
    began: usize,
    runs: Vec<Given>,
}

struct Given {
    /// Its number in the series, from 1.
    id: String,
    at: Option<Value>,
    samples: Vec<f64>,
    fingerprint: Fingerprint,
}

/// One verdict, as it is written.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    benchmark: &'a str,
    verdict: Verdict,
    ratio: Option<f64>,
    p: Option<f64>,
    /// `at` of the run with which it began; its number, from 1, where that is not given.
    since: Option<Value>,
    samples: usize,
    #[serde(skip_serializing_if = "str::is_empty")]
    of: &'a str,
    median: f64,
    baseline: Option<f64>,
    /// Runs in the baseline.
    baseline_runs: usize,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    differs: &'a [String],
}

/// Reads runs from a file, or from standard input; prints a verdict for each benchmark.
pub fn run(file: Option<&Path>) -> ExitCode {
    let read = match file.filter(|file| *file != Path::new("-")) {
        Some(path) => {
            let place = path.display().to_string();
            match File::open(path) {
                Ok(file) => read(BufReader::new(file), &place),
                Err(error) => Err(vec![Diagnostic::new(place, format!("could not be read: {error}"))]),
            }
        }
        None if io::stdin().is_terminal() => {
            let diagnostic = Diagnostic::new("standard input", "is a terminal: there are no runs to judge");
            Err(vec![diagnostic.hint("name a file of runs, or pipe one in: benchtop bench judge runs.jsonl")])
        }
        None => read(io::stdin().lock(), "standard input"),
    };
    let series = match read {
        Ok(series) => series,
        Err(mistakes) => return complain(&mistakes),
    };
    let (text, regressed) = judged(&series);
    match print(&text) {
        ExitCode::SUCCESS if regressed => ExitCode::FAILURE,
        code => code,
    }
}

/// Every benchmark of the input, in the order of their first runs.
fn read(mut input: impl BufRead, place: &str) -> Result<Vec<Series>, Vec<Diagnostic>> {
    let mut all: Vec<Series> = Vec::new();
    let mut known: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut mistakes: Vec<Diagnostic> = Vec::new();
    let mut text = Vec::new();
    for number in 1.. {
        text.clear();
        let at = |what: String| Diagnostic { position: Some((number, 1)), ..Diagnostic::new(place, what) };
        match (&mut input).take(LINE_MOST + 1).read_until(b'\n', &mut text) {
            Ok(0) => break,
            Ok(_) if text.len() as u64 > LINE_MOST => {
                mistakes.push(at(format!("the line is longer than {} MiB", LINE_MOST >> 20)).hint(EXAMPLE));
                break;
            }
            Ok(_) => {}
            Err(error) => {
                mistakes.push(at(format!("could not be read: {error}")));
                break;
            }
        }
        if text.trim_ascii().is_empty() {
            continue;
        }
        let line = match serde_json::from_slice::<Line>(&text) {
            Ok(line) => line,
            Err(error) => {
                let what = error.to_string();
                let what = what.rsplit_once(" at line ").map_or(what.as_str(), |(what, _)| what);
                let position = Some((number, error.column().max(1)));
                mistakes.push(Diagnostic { position, ..at(what.to_owned()).hint(EXAMPLE) });
                if mistakes.len() == MISTAKES_MOST {
                    break;
                }
                continue;
            }
        };
        let key = (line.benchmark.clone(), line.of.clone());
        let series = *known.entry(key).or_insert(all.len());
        if series == all.len() {
            all.push(Series::begun(&line, number));
        }
        if let Err((what, hint)) = all[series].add(line) {
            mistakes.push(at(what).hint(hint));
            if mistakes.len() == MISTAKES_MOST {
                break;
            }
        }
    }
    match () {
        () if !mistakes.is_empty() => Err(mistakes),
        () if all.is_empty() => Err(vec![Diagnostic::new(place, "there are no runs in it").hint(EXAMPLE)]),
        () => Ok(all),
    }
}

impl Series {
    fn begun(line: &Line, number: usize) -> Self {
        Series {
            benchmark: line.benchmark.clone(),
            of: line.of.clone(),
            unit: line.unit.clone(),
            better: line.better,
            began: number,
            runs: Vec::new(),
        }
    }

    /// Adds a run, or says what is wrong with it and what helps.
    fn add(&mut self, line: Line) -> Result<(), (String, &'static str)> {
        let name = format!("`{}`", self.benchmark);
        if line.samples.is_empty() {
            return Err((format!("{name} has no samples"), "leave out a run that measured nothing"));
        }
        if line.unit != self.unit {
            let what = format!("{name} is in `{}` here, and in `{}` on line {}", line.unit, self.unit, self.began);
            return Err((what, "a benchmark has one unit: convert its samples, or give it another name"));
        }
        if line.better != self.better {
            let what = format!("{name} is better the other way than on line {}", self.began);
            return Err((what, "a benchmark is better one way: \"higher\" or \"lower\""));
        }
        let before = self.runs.last().and_then(|run| run.at.as_ref());
        if let (Some(before), Some(at)) = (before, &line.at)
            && is_before(at, before)
        {
            let what = format!("{name} was measured at {at}, before the run above it, at {before}");
            return Err((what, "runs come in order of time, the oldest first"));
        }
        let id = (self.runs.len() + 1).to_string();
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let fingerprint = line.fingerprint.into_iter().map(|(part, value)| (part, text(value))).collect();
        self.runs.push(Given { id, at: line.at, samples: line.samples, fingerprint });
        Ok(())
    }

    fn newest_samples(&self) -> &[f64] {
        self.runs.last().map_or(&[], |run| &run.samples)
    }

    fn newest(&self) -> Option<RunVerdict> {
        let measured = self.runs.iter().enumerate().map(|(at, run)| Measured {
            id: &run.id,
            at_unix_ms: run.at.as_ref().and_then(moment).unwrap_or(at as i64),
            unit: &self.unit,
            better: self.better,
            samples: &run.samples,
            fingerprint: &run.fingerprint,
        });
        judge(&measured.collect::<Vec<_>>(), &[]).pop()
    }
}

/// A time, in milliseconds since 1970; a number may be a build's.
fn moment(at: &Value) -> Option<i64> {
    Some(at.as_str()?.parse::<jiff::Timestamp>().ok()?.as_millisecond())
}

/// Both are numbers, or both are times, and the first is earlier.
fn is_before(first: &Value, second: &Value) -> bool {
    match (first, second) {
        (Value::Number(first), Value::Number(second)) => first.as_f64() < second.as_f64(),
        (Value::String(first), Value::String(second)) => {
            let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
            time(first).zip(time(second)).is_some_and(|(first, second)| first < second)
        }
        _ => false,
    }
}

/// A line for each benchmark; whether one has regressed.
fn judged(all: &[Series]) -> (String, bool) {
    let mut verdicts: Vec<(&Series, RunVerdict)> =
        all.iter().filter_map(|series| series.newest().map(|verdict| (series, verdict))).collect();
    let mut suite: Vec<_> = verdicts.iter_mut().map(|(series, verdict)| (verdict, series.newest_samples())).collect();
    over_suite(&mut suite);
    let line = |(series, verdict): &(&Series, RunVerdict)| {
        let since = verdict.since.as_ref().and_then(|since| series.runs.iter().find(|run| run.id == since.run));
        let answer = Answer {
            benchmark: &series.benchmark,
            verdict: verdict.verdict,
            ratio: verdict.ratio,
            p: verdict.p,
            since: since.map(|run| run.at.clone().unwrap_or_else(|| run.id.parse::<u64>().unwrap_or(0).into())),
            samples: verdict.samples,
            of: &series.of,
            median: verdict.median,
            baseline: verdict.against.as_ref().map(|against| against.median),
            baseline_runs: verdict.against.as_ref().map_or(0, |against| against.runs),
            differs: &verdict.differs,
        };
        // Numbers, text and values that came from JSON: there is nothing in them that JSON cannot hold.
        serde_json::to_string(&answer).unwrap_or_default() + "\n"
    };
    let regressed = verdicts.iter().any(|(_, verdict)| verdict.verdict == Verdict::Regressed);
    (verdicts.iter().map(line).collect(), regressed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run of nine samples around `level`.
    fn line(benchmark: &str, level: f64, more: &str) -> String {
        let samples: Vec<f64> = (-4..=4).map(|k| level * (1.0 + 0.0025 * f64::from(k))).collect();
        format!(r#"{{"benchmark":"{benchmark}","unit":"MB/s","better":"higher","samples":{samples:?}{more}}}{}"#, "\n")
    }

    fn answers(text: &str) -> (Vec<Value>, bool) {
        let (text, regressed) = judged(&read(text.as_bytes(), "runs").expect("no mistakes"));
        (text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect(), regressed)
    }

    fn mistakes(text: &str) -> Vec<String> {
        let found = read(text.as_bytes(), "runs").err().unwrap_or_default();
        found.iter().map(Diagnostic::to_string).collect()
    }

    #[test]
    fn one_verdict_for_each_benchmark() {
        let mut text = String::new();
        for day in 0..9 {
            let at = format!(r#","at":"2026-03-0{}T04:00:00Z""#, day + 1);
            text += &line("copy", if day < 6 { 100.0 } else { 70.0 } + f64::from(day % 2), &at);
            text += &line("idle", 50.0, r#","of":"/srv""#);
            text += "\n";
        }
        let (answers, regressed) = answers(&text);
        assert!(regressed);
        let copy = &answers[0];
        assert_eq!((copy["benchmark"].as_str(), copy["verdict"].as_str()), (Some("copy"), Some("regressed")));
        assert_eq!((copy["since"].as_str(), copy["samples"].as_u64()), (Some("2026-03-07T04:00:00Z"), Some(9)));
        assert!(copy["ratio"].as_f64().is_some_and(|ratio| (0.69..0.71).contains(&ratio)), "{copy}");
        assert!(copy["p"].as_f64().is_some_and(|p| p < 1e-6), "{copy}");
        let idle = &answers[1];
        assert_eq!((idle["of"].as_str(), idle["verdict"].as_str()), (Some("/srv"), Some("same")));
        assert_eq!((idle["since"].is_null(), idle["baseline_runs"].as_u64()), (true, Some(8)));
    }

    #[test]
    fn since_is_the_number_of_the_run_without_a_time() {
        let text: String = (0..9).map(|day| line("copy", if day < 6 { 100.0 } else { 70.0 }, "")).collect();
        assert_eq!(answers(&text).0[0]["since"], 7);
        let same = text.replace("\"better\":\"higher\"", "\"better\":\"lower\"");
        assert!(!answers(&same).1, "lower is better");
    }

    #[test]
    fn unlike_runs_are_not_compared() {
        let on = |file: &str| line("copy", 100.0, &format!(r#","fingerprint":{{"file":"{file}","kernel":"{file}"}}"#));
        let (answers, _) = answers(&(on("2G").repeat(6) + &on("1G")));
        assert_eq!(
            (answers[0]["verdict"].as_str(), &answers[0]["differs"][0]),
            (Some("not_comparable"), &"file".into())
        );
    }

    #[test]
    fn mistakes_name_their_line_and_a_cure() {
        let good = line("copy", 100.0, "");
        let first = |text: &str| mistakes(text).into_iter().next().expect("a mistake");
        assert!(first("").starts_with("runs: there are no runs in it\n  hint: "));
        assert!(
            first(&(good.clone() + "{\"benchmark\":\"x\"}")).starts_with("runs:2:17: missing field `unit`\n  hint: ")
        );
        assert!(first(&(good.clone() + "\n\nnonsense\n")).starts_with("runs:4:2: expected ident"));
        let with = |samples: &str| {
            first(&format!("{{\"benchmark\":\"x\",\"unit\":\"s\",\"better\":\"lower\",\"samples\":{samples}}}\n"))
        };
        assert!(with("[]").starts_with("runs:1:1: `x` has no samples\n  hint: "), "{}", with("[]"));
        assert!(with("[NaN]").starts_with("runs:1:"), "{}", with("[NaN]"));
        assert!(with("[1e999]").contains("number out of range"), "{}", with("[1e999]"));
        assert!(with("[null]").contains("invalid type: null"), "{}", with("[null]"));
        let mixed = first(&(good.clone() + &good.replace("MB/s", "seconds")));
        assert!(
            mixed.starts_with("runs:2:1: `copy` is in `seconds` here, and in `MB/s` on line 1\n  hint: "),
            "{mixed}"
        );
        let turned = first(&(good.clone() + &good.replace("higher", "lower")));
        assert!(turned.starts_with("runs:2:1: `copy` is better the other way than on line 1"), "{turned}");
        let order = line("copy", 1.0, r#","at":2"#) + &line("copy", 1.0, r#","at":1"#);
        assert!(first(&order).starts_with("runs:2:1: `copy` was measured at 1, before the run above it, at 2"));
        assert_eq!(mistakes(&"x\n".repeat(1000)).len(), 10);
        assert!(!mistakes("{\"benchmark\":\"\u{fffd}").is_empty() && read(&b"\xff\xfe\n"[..], "runs").is_err());
    }

    #[test]
    fn zero_and_negative_samples_have_a_verdict() {
        let run = |sample: f64| {
            format!(r#"{{"benchmark":"x","unit":"s","better":"lower","samples":[{sample},{sample},{sample}]}}{}"#, "\n")
        };
        let (found, regressed) = answers(&(run(0.0).repeat(6) + &run(3.0).repeat(3)));
        assert_eq!(
            (found[0]["verdict"].as_str(), found[0]["ratio"].is_null(), regressed),
            (Some("regressed"), true, true)
        );
        assert_eq!(answers(&run(0.0).repeat(9)).0[0]["verdict"], "noisy", "three samples say little");
        assert_eq!(answers(&run(-2.0).repeat(9)).0[0]["ratio"], 1.0);
    }

    #[test]
    fn many_samples_and_runs_are_judged() {
        let samples = vec!["1.5"; 20_000].join(",");
        let run = format!("{{\"benchmark\":\"x\",\"unit\":\"s\",\"better\":\"lower\",\"samples\":[{samples}]}}\n");
        assert_eq!(answers(&run.repeat(8)).0[0]["verdict"], "same");
        let longer = std::io::repeat(b' ').take(LINE_MOST + 2);
        let found = read(BufReader::new(longer), "runs").err().unwrap_or_default();
        assert!(found[0].to_string().starts_with("runs:1:1: the line is longer than 64 MiB"), "{found:?}");
    }
}
