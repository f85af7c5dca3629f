//! Results of benchmarks for people and for programs. The form of the JSON is in `assets/bench.schema.json`.

#[cfg(test)]
mod schema;

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde::Serialize;

use crate::{
    model::{
        bench::BenchKey,
        figure::{Better, Figure},
        run::Run,
        unit::Unit,
    },
    state::runs::Runs,
    text::{clean, width},
    units,
};

/// The form of the document.
pub const SCHEMA: u32 = 1;

/// One figure and what is made of it.
#[derive(Debug, Clone)]
pub struct Shown<'a> {
    pub run: &'a Run,
    pub median: f64,
    /// Half the width of the 95 % interval of the median, as a share of it.
    pub spread: Option<f64>,
    /// What it should reach, and whether it does.
    pub target: Option<(f64, bool)>,
    /// Compared with earlier runs.
    pub verdict: Option<&'static str>,
    /// The median of what it was compared with.
    pub against: Option<f64>,
}

/// What one suite found.
#[derive(Debug, Clone, Default)]
pub struct Results<'a> {
    /// Its figures, in the order of measurement.
    pub runs: Vec<Shown<'a>>,
    /// What could not be measured.
    pub failed: Vec<(&'a BenchKey, &'a str)>,
    pub stopped: bool,
}

/// The runs of one suite among all that is known, in the order of measurement.
#[must_use]
pub fn of_batch<'a>(runs: &'a Runs, batch: &str) -> Vec<&'a Run> {
    let mut found: Vec<&Run> = runs.history.values().flatten().filter(|run| run.batch == batch).collect();
    // Ids of one batch count up.
    found.sort_by_key(|run| (run.id.len(), run.id.clone()));
    found
}

/// The document of `benchtop bench --json`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Document<'a> {
    /// The form of this document.
    schema: u32,
    runs: Vec<Row<'a>>,
    /// What could not be measured.
    failed: Vec<Failure<'a>>,
    /// The user stopped it: some may be missing.
    stopped: bool,
}

/// One figure.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Row<'a> {
    /// Its id.
    benchmark: &'a str,
    /// What it was measured on: a path, a dataset, an image, a network; empty for the machine.
    target_of: &'a str,
    unit: &'static str,
    /// Which way is better.
    better: Better,
    /// Every sample, in the order of measurement, without the warm-up.
    samples: &'a [f64],
    /// Their median: the figure.
    median: f64,
    /// Half the width of the 95 % interval of the median, as a share of it; absent below five samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    spread: Option<f64>,
    /// What it should reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<f64>,
    /// What is made of it, compared with earlier runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'a str>,
    /// What it was compared with: the median of the baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<f64>,
    /// What the figure depends on. It is compared across a change of benchtop, driver, engine, governor, kernel, pool_layout,
    /// runtime and the tool's minor version; only where the rest is alike.
    fingerprint: &'a BTreeMap<String, String>,
    /// What a reader must know.
    notes: &'a [String],
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Failure<'a> {
    /// Id of the benchmark, as the command line spells it.
    benchmark: &'a str,
    target_of: &'a str,
    /// Why, and what to do about it.
    why: &'a str,
}

/// Writes it as JSON.
///
/// # Errors
/// As writing gives them.
pub fn write_json<'a>(results: &Results<'a>, out: &mut dyn Write) -> io::Result<()> {
    let row = |shown: &Shown<'a>| Row {
        benchmark: &shown.run.benchmark,
        target_of: &shown.run.of,
        unit: shown.run.unit.name(),
        better: shown.run.better,
        samples: &shown.run.samples,
        median: shown.median,
        spread: shown.spread,
        target: shown.target.map(|(target, _)| target),
        verdict: shown.verdict,
        against: shown.against,
        fingerprint: &shown.run.fingerprint,
        notes: &shown.run.notes,
    };
    let document = Document {
        schema: SCHEMA,
        runs: results.runs.iter().map(row).collect(),
        failed: results
            .failed
            .iter()
            .map(|(key, why)| Failure { benchmark: &key.bench, target_of: &key.of, why })
            .collect(),
        stopped: results.stopped,
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

/// Writes it for people: one line a figure, its notes below it once.
///
/// # Errors
/// As writing gives them.
pub fn write_text(results: &Results<'_>, figures: &[Figure], ascii: bool, out: &mut dyn Write) -> io::Result<()> {
    let title = |run: &Run| {
        let figure = figures.iter().find(|figure| figure.id == run.benchmark);
        figure.map_or(run.benchmark.as_str(), |figure| figure.title.as_str()).to_owned()
    };
    let names: Vec<String> = results.runs.iter().map(|shown| title(shown.run)).collect();
    let column = |texts: &mut dyn Iterator<Item = &str>| texts.map(width).max().unwrap_or(0);
    let wide = column(&mut names.iter().map(String::as_str));
    let of = column(&mut results.runs.iter().map(|shown| shown.run.of.as_str()));
    for (at, (shown, name)) in results.runs.iter().zip(&names).enumerate() {
        let run = shown.run;
        let sign = if ascii { "+-" } else { "±" };
        let spread = shown.spread.map_or_else(String::new, |half| format!(" {sign}{:.1}%", half * 100.0));
        let place = clean(&run.of);
        let samples = match run.samples.len() {
            1 => "1 sample".to_owned(),
            many => format!("{many} samples"),
        };
        let target = shown
            .target
            .map(|(target, met)| format!("target {} {}", value(run.unit, target), if met { "met" } else { "missed" }));
        let against = shown.against.map(|against| format!("before {}", value(run.unit, against)));
        let made = [shown.verdict.map(str::to_owned), against, target].into_iter().flatten();
        let made: String = made.map(|words| format!("  {words}")).collect();
        let pad = |text: &str, to: usize| " ".repeat(to.saturating_sub(width(text)));
        writeln!(
            out,
            "{name}{}  {place}{}{}{:>12}{spread:<8}  {samples}{made}",
            pad(name, wide),
            pad(&place, of),
            if of > 0 { "  " } else { "" },
            value(run.unit, shown.median),
        )?;
        // Figures that were measured together have the same notes.
        let next = results.runs.get(at + 1);
        if next.is_none_or(|next| next.run.notes != run.notes) {
            for note in &run.notes {
                writeln!(out, "    {}", clean(note))?;
            }
        }
    }
    for (key, why) in &results.failed {
        writeln!(out, "{}: {}", clean(&key.to_string()), clean(why))?;
    }
    Ok(())
}

/// A figure as people read it; short latencies with their digits.
#[must_use]
pub fn value(unit: Unit, value: f64) -> String {
    if unit == Unit::Seconds { units::latency_fine(value) } else { unit.show(value) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    pub(super) fn run(id: &str, benchmark: &str, unit: Unit, samples: &[f64]) -> Run {
        Run {
            id: id.to_owned(),
            batch: "b1".to_owned(),
            benchmark: benchmark.to_owned(),
            of: "/srv".to_owned(),
            unit,
            better: Better::Higher,
            at_unix_ms: 0,
            took: Duration::from_secs(1),
            samples: samples.to_vec(),
            fingerprint: BTreeMap::from([("kernel".to_owned(), "6.18".to_owned())]),
            notes: vec!["p99 1.31 ms".to_owned()],
        }
    }

    #[test]
    fn text_has_a_line_for_each_figure_and_its_notes_once() {
        let steady = [100.0, 101.0, 99.0, 100.5, 100.0, 98.0].map(|x| x * 1e3);
        let iops = run("b1-1", "storage_random_4k_iops", Unit::PerSecond, &steady);
        let latency = run("b1-2", "storage_random_4k_latency_seconds", Unit::Seconds, &[84.2e-6]);
        let key = BenchKey { bench: "storage-read".to_owned(), of: "/mnt".to_owned() };
        let shown = |run, median, spread| Shown { run, median, spread, target: None, verdict: None, against: None };
        let first = Shown { target: Some((5e4, true)), ..shown(&iops, 1e5, Some(0.015)) };
        let runs = vec![first, shown(&latency, 84.2e-6, None)];
        let results = Results { runs, failed: vec![(&key, "no space")], stopped: false };
        let figures = [Figure {
            id: "storage_random_4k_iops".to_owned(),
            title: "random 4k".to_owned(),
            unit: Unit::PerSecond,
            better: Better::Higher,
        }];
        let mut out = Vec::new();
        write_text(&results, &figures, false, &mut out).expect("written");
        let text = String::from_utf8(out).expect("text");
        let expected = "random 4k                          /srv        100k/s ±1.5%    6 samples  target 50k/s met\n\
                        storage_random_4k_latency_seconds  /srv       84.2 µs          1 sample\n    \
                        p99 1.31 ms\nstorage-read of /mnt: no space\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn json_has_what_a_figure_is_compared_with() {
        let latency = run("b1-2", "storage_latency_seconds", Unit::Seconds, &[2.0, 1.0]);
        let key = BenchKey { bench: "storage-read".to_owned(), of: "/mnt".to_owned() };
        let shown = Shown {
            run: &latency,
            median: 1.5,
            spread: Some(0.1),
            target: Some((2.0, true)),
            verdict: Some("steady"),
            against: Some(1.6),
        };
        let mut out = Vec::new();
        let results = Results { runs: vec![shown], failed: vec![(&key, "no space")], stopped: true };
        write_json(&results, &mut out).expect("written");
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&out).expect("JSON"),
            serde_json::json!({
                "schema": 1, "stopped": true,
                "runs": [{
                    "benchmark": "storage_latency_seconds", "target_of": "/srv", "unit": "seconds", "better": "higher",
                    "samples": [2.0, 1.0], "median": 1.5, "spread": 0.1, "target": 2.0, "verdict": "steady",
                    "against": 1.6, "fingerprint": {"kernel": "6.18"}, "notes": ["p99 1.31 ms"],
                }],
                "failed": [{"benchmark": "storage-read", "target_of": "/mnt", "why": "no space"}],
            })
        );
    }

    #[test]
    fn results_are_those_of_one_suite_in_order() {
        let mut runs = Runs::default();
        let mut other = run("b0-1", "x", Unit::Count, &[1.0]);
        other.batch = "b0".to_owned();
        let key = BenchKey { bench: "storage-read".to_owned(), of: "/srv".to_owned() };
        let measured = vec![other, run("b1-10", "x", Unit::Count, &[1.0]), run("b1-9", "y", Unit::Count, &[2.0])];
        let at = crate::clock::Stamp::at_seconds(1);
        runs.apply(crate::model::run::RunEvent::Measured { at, key, runs: measured });
        let found: Vec<&str> = of_batch(&runs, "b1").into_iter().map(|run| run.id.as_str()).collect();
        assert_eq!(found, ["b1-9", "b1-10"]);
    }
}
