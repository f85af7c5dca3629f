//! `once --json` keeps to the form that `assets/once.schema.json` writes down, empty, full and in alarm alike.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

use std::time::Duration;

use benchtop::{
    alert::{Level, Watch},
    clock::Stamp,
    model::{
        event::{Envelope, Event, Sample},
        facts::FactsSample,
        fault::Fault,
        load::LoadSample,
        process::{ProcKey, ProcRow, ProcessSample},
        source::SourceId,
    },
    sink::json,
    state::State,
};
use serde_json::Value;
use server::{Parts, furnish};

#[path = "screens/server.rs"]
mod server;

fn document(state: &State) -> Value {
    let mut out = Vec::new();
    json::write(state, &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

fn findings(document: &Value) -> Vec<String> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/once.schema.json")).unwrap();
    let schema = serde_json::from_str(&text).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(document).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

fn reading(source: SourceId, second: u64, outcome: Result<Sample, Fault>) -> Event {
    let (took, every) = (Duration::from_micros(900), Duration::from_secs(1));
    Event::Reading(Envelope { source, at: Stamp::at_seconds(second), took, every, outcome })
}

/// A machine with one process, a denied source and a crossed limit.
fn lively() -> State {
    let mut state = State::default();
    let facts = FactsSample {
        hostname: Some("nas".into()),
        boot_unix_seconds: Some(1_700_000_000),
        users: vec![(1000, "ada".into())],
        ..FactsSample::default()
    };
    state.apply(reading(SourceId::Facts, 1, Ok(Sample::Facts(Box::new(facts)))));
    state.apply(reading(SourceId::Load, 1, Ok(Sample::Load(LoadSample { load1: 0.5, ..LoadSample::default() }))));
    let denied = Fault::Denied { what: "energy_uj may not be read".into(), hint: "run as root".into() };
    state.apply(reading(SourceId::Power, 1, Err(denied)));
    let row = |second: u64, ticks: u64, over_us: u64| {
        let row = ProcRow {
            key: ProcKey { pid: 42, start_ticks: 5000 },
            tgid: 42,
            parent: 1,
            state: b'R',
            user_ticks: ticks,
            over_us,
            resident_pages: 100,
            threads: 2,
            priority: 20,
            name: Some("burn".into()),
            uid: Some(1000),
            ..ProcRow::default()
        };
        let sample =
            ProcessSample { fresh: second == 1, rows: vec![row], page_bytes: 4096, ..ProcessSample::default() };
        reading(SourceId::Processes, second, Ok(Sample::Processes(sample)))
    };
    state.apply(row(1, 10, 0));
    state.apply(row(2, 60, 1_000_000));
    state
}

#[test]
fn an_empty_machine_keeps_to_the_schema() {
    let document = document(&State::default());
    assert_eq!(findings(&document), Vec::<String>::new());
    assert_eq!(document["processes"], serde_json::json!([]));
}

#[test]
fn a_lively_machine_keeps_to_the_schema_and_says_what_it_knows() {
    let mut state = lively();
    state.watches.push(Watch {
        rule: "cpu_busy".into(),
        labels: vec![("core".into(), "3".into())],
        level: Level::Warn,
        held: true,
        value: 0.97,
        since: Stamp::at_seconds(1),
        say: "CPU is 97% busy".into(),
        ..Watch::default()
    });
    let document = document(&state);
    assert_eq!(findings(&document), Vec::<String>::new());
    let process = &document["processes"][0];
    assert_eq!(process["user"], "ada");
    assert_eq!(process["memory_bytes"], 409_600);
    assert_eq!(process["start_unix_seconds"], 1_700_000_050_i64);
    assert!((process["cpu_ratio"].as_f64().unwrap() - 0.5).abs() < 1e-6, "50 ticks in a second are half a core");
    assert!(process.get("read_bytes_per_second").is_none(), "what was not asked for is left out");
    let power = document["sources"].as_array().unwrap().iter().find(|s| s["id"] == "power").unwrap();
    assert_eq!((power["state"].as_str(), power["hint"].as_str()), (Some("denied"), Some("run as root")));
    assert_eq!(document["alerts"][0]["message"], "CPU is 97% busy");
}

#[test]
fn the_schema_refuses_what_is_not_in_it() {
    let mut document = document(&lively());
    document["processes"][0]["enviroment"] = "SECRET=1".into();
    document["metrics"]
        .as_array_mut()
        .unwrap()
        .push(serde_json::json!({"id": "Bad Id", "labels": {}, "value": 1, "unit": "ratio"}));
    assert_eq!(findings(&document).len(), 2);
}

/// Every figure of `metric`, in the order of its rows.
fn figures(document: &Value, metric: &str) -> Vec<f64> {
    let metrics = document["metrics"].as_array().unwrap().iter();
    metrics.filter(|m| m["id"] == metric).map(|m| m["value"].as_f64().unwrap()).collect()
}

#[test]
fn a_full_server_matches_the_schema() {
    let mut state = lively();
    state.apply(Event::Tick(Stamp::at_seconds(60)));
    furnish(&mut state, Parts::FULL);
    let document = document(&state);
    assert_eq!(findings(&document), Vec::<String>::new());
    for (list, count) in [("containers", 15), ("pools", 4), ("gpus", 2)] {
        assert_eq!(document[list].as_array().unwrap().len(), count, "{list}");
    }
}

#[test]
fn a_containers_directions_are_distinguished() {
    let mut state = lively();
    state.apply(Event::Tick(Stamp::at_seconds(60)));
    furnish(&mut state, Parts::DOCKER);
    let document = document(&state);
    // The server receives twice what it sends, and reads thrice what it writes.
    for (more, less, times) in [("receive", "transmit", 2.0), ("read", "write", 3.0)] {
        let of = |way: &str| figures(&document, &format!("container_{way}_bytes_per_second"));
        let (more, less) = (of(more), of(less));
        assert!(more.iter().any(|rate| *rate > 1000.0), "{more:?}");
        assert!(more.iter().zip(&less).all(|(a, b)| (a - times * b).abs() < 9.0), "{more:?} {less:?}");
    }
}
