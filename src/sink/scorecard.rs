//! `benchtop report scorecard`: every target with what was measured last, as aligned text and as JSON by
//! `assets/report-scorecard.schema.json`.

use std::io;

use serde::Serialize;

use super::{doctor::Style, escaping::Escaping};
use crate::{
    alert::Level,
    clock::Stamp,
    state::scorecard::{Row, TargetVerdict, counts},
    target::{Bound, show},
    text::{clean, width, wrap},
    units::{self, ABSENT},
};

/// Version of the form; goes up when something is taken away or changes its meaning.
const SCHEMA: u32 = 1;

/// Columns before the lines of a reason.
const BEFORE: usize = 4;

/// How a verdict is coloured.
fn level(verdict: TargetVerdict) -> Level {
    match verdict {
        TargetVerdict::Met => Level::Ok,
        TargetVerdict::Missed => Level::Warn,
        TargetVerdict::Stale => Level::Advice,
        TargetVerdict::Unmeasured | TargetVerdict::Off => Level::Unknown,
    }
}

/// What a row shows, column by column.
fn cells(row: &Row, ascii: bool) -> [String; 6] {
    let absent = if ascii { "-" } else { ABSENT };
    let unit = row.target.unit;
    let measured = row.measured.as_ref();
    let of = match (&row.assigned, row.target.role, measured) {
        (Some(assigned), _, _) if assigned.guessed => format!("{} (guessed)", assigned.value),
        (Some(assigned), ..) => assigned.value.clone(),
        (None, Some(role), _) => format!("no {}", role.name()),
        (None, None, measured) => measured.map_or_else(String::new, |measured| measured.of.clone()),
    };
    [
        row.target.name.clone(),
        measured.map_or_else(|| absent.to_owned(), |measured| show(unit, measured.value)),
        row.target.bound.show(unit),
        measured.map_or_else(|| absent.to_owned(), |measured| units::span_short(measured.age)),
        row.verdict.word().to_owned(),
        of,
    ]
    .map(|cell| plain(clean(&cell).into_owned(), ascii))
}

/// Of what is written here, only microseconds are no ASCII.
fn plain(text: String, ascii: bool) -> String {
    if ascii { text.replace('µ', "u") } else { text }
}

/// The scorecard as lines: a head with the counts, a line for each target, and beneath what has no verdict why, and how to
/// measure it.
///
/// # Errors
/// Those of `out`.
pub fn write_text(rows: &[Row], style: &Style<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let counts = counts(rows).into_iter().filter(|(_, count)| *count > 0);
    let counts: Vec<String> = counts.map(|(verdict, count)| format!("{count} {}", verdict.word())).collect();
    writeln!(out, "{} targets: {}\n", rows.len(), counts.join(", "))?;
    const TITLES: [&str; 6] = ["name", "value", "target", "age", "verdict", "measured on"];
    let titles = TITLES.map(str::to_owned);
    let lines: Vec<[String; 6]> = rows.iter().map(|row| cells(row, style.ascii)).collect();
    let widths: [usize; 6] = std::array::from_fn(|at| {
        std::iter::once(&titles).chain(&lines).map(|cells| width(&cells[at])).max().unwrap_or_default()
    });
    writeln!(out, "{}", line(&titles, &widths, |_, cell| cell).trim_end())?;
    for (row, cells) in rows.iter().zip(&lines) {
        let paint = |at: usize, cell: String| match at {
            4 => (style.paint)(level(row.verdict), &cell),
            _ => cell,
        };
        writeln!(out, "{}", line(cells, &widths, paint).trim_end())?;
        let Some(reason) = &row.reason else { continue };
        let text = clean(&format!("{reason}; how: {}", row.target.how)).into_owned();
        let text = match style.columns {
            usize::MAX => vec![text],
            columns => wrap(&text, columns.saturating_sub(BEFORE).max(20)),
        };
        for text in text {
            writeln!(out, "{:BEFORE$}{text}", "")?;
        }
    }
    Ok(())
}

/// One line: figures to the right, words to the left. `paint` may add what takes no space.
fn line(cells: &[String; 6], widths: &[usize; 6], paint: impl Fn(usize, String) -> String) -> String {
    let cell = |at: usize| {
        let space = " ".repeat(widths[at].saturating_sub(width(&cells[at])));
        let painted = paint(at, cells[at].clone());
        if matches!(at, 1 | 3) { format!("{space}{painted}") } else { format!("{painted}{space}") }
    };
    (0..cells.len()).map(cell).collect::<Vec<_>>().join("  ")
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Report<'a> {
    /// Version of this form; goes up when something is taken away or changes its meaning.
    schema: u32,
    /// Version of the program.
    benchtop: &'static str,
    /// When it was made.
    unix_milliseconds: i64,
    counts: Counts,
    targets: Vec<TargetRow<'a>>,
}

/// How often each verdict is given.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Counts {
    met: usize,
    missed: usize,
    stale: usize,
    unmeasured: usize,
    off: usize,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct TargetRow<'a> {
    /// The small and the large model share one.
    id: &'a str,
    /// As the config calls it; unique.
    name: &'a str,
    /// What it is measured on.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<RoleRow<'a>>,
    unit: &'static str,
    target: BoundRow,
    /// The figure of a benchmark that measures it.
    #[serde(skip_serializing_if = "Option::is_none")]
    benchmark: Option<&'a str>,
    /// The metric that measures it.
    #[serde(skip_serializing_if = "Option::is_none")]
    metric: Option<&'a str>,
    /// The last value, in the base unit: the median of a run, or the metric now.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    /// What that was measured on; empty: the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    measured_unix_milliseconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_seconds: Option<f64>,
    /// The last value is within the bound, however old it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    within: Option<bool>,
    verdict: &'static str,
    /// Why it is unmeasured or stale.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// How to measure it.
    how: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct RoleRow<'a> {
    name: &'static str,
    /// A dataset, a mount point, a model; left out where nothing is known to play the role.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    /// True: the config does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    guessed: Option<bool>,
}

/// The bound of a value, in the base unit. It has one of the figures, or the two ends of a range.
#[derive(Serialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct BoundRow {
    /// For people.
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    below: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_most: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_least: Option<f64>,
    /// Within a fifth of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<f64>,
}

fn bound(row: &Row) -> BoundRow {
    let text = row.target.bound.show(row.target.unit);
    let none = BoundRow { text, ..BoundRow::default() };
    match row.target.bound {
        Bound::Below(limit) => BoundRow { below: Some(limit), ..none },
        Bound::AtMost(limit) => BoundRow { at_most: Some(limit), ..none },
        Bound::AtLeast(limit) => BoundRow { at_least: Some(limit), ..none },
        Bound::Between(low, high) => BoundRow { at_least: Some(low), at_most: Some(high), ..none },
        Bound::About(middle) => BoundRow { about: Some(middle), ..none },
    }
}

fn target(row: &Row) -> TargetRow<'_> {
    let (target, measured) = (&row.target, row.measured.as_ref());
    let assigned = row.assigned.as_ref();
    TargetRow {
        id: &target.id,
        name: &target.name,
        role: target.role.map(|role| RoleRow {
            name: role.name(),
            value: assigned.map(|assigned| assigned.value.as_str()),
            guessed: assigned.map(|assigned| assigned.guessed),
        }),
        unit: target.unit.name(),
        target: bound(row),
        benchmark: target.measure.benchmark.as_deref(),
        metric: target.measure.metric.as_deref(),
        value: measured.map(|measured| measured.value),
        of: measured.map(|measured| measured.of.as_str()),
        measured_unix_milliseconds: measured.map(|measured| measured.at_unix_ms),
        age_seconds: measured.map(|measured| measured.age.as_secs_f64()),
        within: measured.map(|measured| measured.is_met),
        verdict: row.verdict.word(),
        reason: row.reason.as_deref(),
        how: &target.how,
    }
}

/// The scorecard as one JSON document.
///
/// # Errors
/// Those of `out`.
pub fn write_json(rows: &[Row], now: Stamp, out: &mut dyn io::Write) -> io::Result<()> {
    let count = |verdict| rows.iter().filter(|row| row.verdict == verdict).count();
    let report = Report {
        schema: SCHEMA,
        benchtop: env!("CARGO_PKG_VERSION"),
        unix_milliseconds: now.unix_ms,
        counts: Counts {
            met: count(TargetVerdict::Met),
            missed: count(TargetVerdict::Missed),
            stale: count(TargetVerdict::Stale),
            unmeasured: count(TargetVerdict::Unmeasured),
            off: count(TargetVerdict::Off),
        },
        targets: rows.iter().map(target).collect(),
    };
    serde_json::to_writer_pretty(Escaping(&mut *out), &report)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, time::Duration};

    use serde_json::{Value, json};

    use super::*;
    use crate::{
        model::{
            event::Event,
            run::{Better, Run, RunEvent},
            unit::Unit,
        },
        sink::schema,
        state::{State, scorecard::scorecard},
        target::{Role, Targets},
    };

    const TITLE: &str = "benchtop report scorecard --json";
    const ABOUT: &str = "Every target with what was measured last. Base units throughout: bytes, seconds, ratios. An absent value is left out, never 0.";

    fn derived() -> Value {
        let constraints = vec![
            ("schema", json!({"const": SCHEMA})),
            ("targets/verdict", json!({"enum": TargetVerdict::ALL.map(TargetVerdict::word)})),
            ("targets/role/name", json!({"enum": Role::ALL.map(Role::name)})),
        ];
        schema::derived::<Report<'static>>(TITLE, ABOUT, constraints)
    }

    #[test]
    fn schema_file_is_what_the_types_say() {
        schema::check("report-scorecard.schema.json", &derived());
    }

    const NOW: Stamp = Stamp { mono_us: 1, unix_ms: 1_700_000_000_000 };

    fn run(benchmark: &str, of: &str, days_ago: i64, value: f64) -> Run {
        Run {
            id: format!("{benchmark} {of}"),
            batch: String::new(),
            benchmark: benchmark.into(),
            of: of.into(),
            unit: Unit::Seconds,
            better: Better::Lower,
            at_unix_ms: NOW.unix_ms - days_ago * 86_400_000,
            took: Duration::ZERO,
            samples: vec![value],
            fingerprint: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    /// One target of each verdict.
    fn rows() -> Vec<Row> {
        let mut state = State::default();
        let runs = vec![
            run("container_start_seconds", "alpine", 2, 1.25),
            run("container_stop_seconds", "alpine", 0, 10.7),
            run("engine_api_response_seconds", "docker\u{1b}[2J", 45, 0.0061),
            run("model_response_seconds", "qwen3:8b at ollama", 1, 1.9),
        ];
        let (marks, changes) = (Vec::new(), Vec::new());
        state.apply(Event::Run(RunEvent::History { at: NOW, runs, marks, changes, undos: Vec::new() }));
        let mut targets = Targets::default();
        let wanted = [
            "container_start_seconds",
            "container_stop_seconds",
            "engine_api_response_seconds",
            "container_density",
            "model_response_seconds_small",
            "models_pool_read_bytes_per_second",
            "containers_pool_latency_seconds",
            "cpu_baseline_ratio",
            "subnet_overhead_ratio",
        ];
        let mut rows: Vec<_> = targets.rows.iter().filter(|row| wanted.contains(&row.name.as_str())).cloned().collect();
        rows.last_mut().expect("targets").set("off").expect("a word of the user's");
        targets.rows = rows.into();
        targets.roles.insert(Role::ModelsPool, "tank/models".into());
        scorecard(&state, &targets, NOW)
    }

    fn text(columns: usize, ascii: bool) -> String {
        let paint = |_: Level, text: &str| text.to_owned();
        let mut out = Vec::new();
        write_text(&rows(), &Style { ascii, columns, paint: &paint }, &mut out).expect("written");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn columns_line_up_and_reasons_are_beneath() {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../../tests/command_line");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!("report-scorecard", text(100, false)));
    }

    #[test]
    fn plain_letters_are_plain() {
        let text = text(usize::MAX, true);
        assert!(text.is_ascii(), "{text}");
    }

    #[test]
    fn the_document_has_its_form() {
        let mut out = Vec::new();
        write_json(&rows(), NOW, &mut out).expect("written");
        let document: Value = serde_json::from_slice(&out).expect("JSON");
        let schema: Value = serde_json::from_str(
            &fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/report-scorecard.schema.json"))
                .expect("the file"),
        )
        .expect("JSON");
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let wrong: Vec<String> =
            validator.iter_errors(&document).map(|error| format!("{error} at {}", error.instance_path())).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        let counts = json!({"met": 2, "missed": 1, "stale": 1, "unmeasured": 4, "off": 1});
        assert_eq!(document["counts"], counts);
        let small = &document["targets"][4];
        assert_eq!(
            (&small["id"], &small["name"]),
            (&json!("model_response_seconds"), &json!("model_response_seconds_small"))
        );
        assert_eq!(small["role"], json!({"name": "small_model", "value": "qwen3:8b", "guessed": true}));
        assert_eq!(small["target"], json!({"text": "< 2 s", "below": 2.0}));
        assert!(document["targets"][3].get("value").is_none(), "absent is left out");
    }

    #[test]
    fn only_the_verdict_is_coloured() {
        let painted = std::cell::RefCell::new(Vec::new());
        let paint = |level: Level, text: &str| {
            painted.borrow_mut().push((text.to_owned(), level));
            format!("\u{1b}[33m{text}\u{1b}[m")
        };
        let (mut out, rows) = (Vec::new(), rows());
        write_text(&rows, &Style { ascii: false, columns: usize::MAX, paint: &paint }, &mut out).expect("written");
        let wanted: Vec<_> = rows.iter().map(|row| (row.verdict.word().to_owned(), level(row.verdict))).collect();
        assert_eq!(painted.into_inner(), wanted, "one in each row");
        let coloured = String::from_utf8(out).expect("text");
        let plain = coloured.replace("\u{1b}[33m", "").replace("\u{1b}[m", "");
        assert_eq!(plain, text(usize::MAX, false), "colours take no space");
    }
}
