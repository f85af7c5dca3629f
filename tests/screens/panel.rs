//! The panel of benchmarks in every state.

use benchtop::{
    clock::Stamp,
    config::{Settings, settings::Colors},
    model::{
        bench::{BenchKey, Check, Group, Offer},
        event::Event,
        figure::SeriesKey,
        run::{RunEvent, RunSays},
        undo_note::UndoStep,
    },
    request::{BenchAct, Command, Job, PoolAct},
    state::State,
};

use super::{frame::text, suite};
use crate::{accept_after, drawn, press, screens::server::Parts, server, truecolor};

const SIZES: [(u16, u16); 2] = [(160, 45), (80, 24)];

fn measured() -> State {
    let mut state = server(Parts::FULL);
    suite::measured(&mut state);
    state
}

fn at(state: &State) -> Stamp {
    state.host.now
}

fn accept(name: &str, state: &State, keys: &str) {
    SIZES.into_iter().for_each(|size| accept_after(&format!("bench-{name}"), state, keys, size));
}

#[test]
fn bench_before_it_is_known_what_can_be_measured() {
    accept("waiting", &server(Parts::FULL), "b");
}

#[test]
fn bench_measured_never() {
    let mut state = server(Parts::FULL);
    suite::offered(&mut state, &[]);
    accept("never", &state, "b");
}

#[test]
fn bench_regressed() {
    accept("regressed", &measured(), "bjjjjjjjjj");
}

#[test]
fn bench_scorecard() {
    accept("scorecard", &measured(), "btjjj");
}

#[test]
fn bench_regressed_detail() {
    accept_after("bench-regressed-detail", &measured(), "bjjjjjjjjj\n", (80, 24));
}

#[test]
fn bench_suspect() {
    accept("suspect", &measured(), "bjjjjjjjj");
}

#[test]
fn bench_improved() {
    accept("improved", &measured(), "b/one core\n");
}

#[test]
fn bench_noisy() {
    accept("noisy", &measured(), "b/bandwidth\n");
}

#[test]
fn bench_under_way() {
    let mut state = measured();
    suite::under_way(&mut state);
    accept("under-way", &state, "bjjjjjjjjj");
}

#[test]
fn bench_elsewhere() {
    let mut state = measured();
    suite::under_way(&mut state);
    accept("elsewhere", &state, "");
    accept_after("bench-elsewhere-cpu", &state, "1\n", (160, 45));
}

#[test]
fn bench_not_comparable() {
    let mut state = measured();
    suite::another_file(&mut state);
    accept("not-comparable", &state, "b/models seq\n");
}

#[test]
fn bench_undone() {
    let mut state = measured();
    suite::taken_back(&mut state, 96_000.0);
    accept("undone", &state, "bjjjjjjjjj");
}

#[test]
fn bench_undone_automatically() {
    let set = "set compression of models/service to lz4";
    for (step, text, shown) in [
        (UndoStep::Begins, "because of", "undo begun automatically today"),
        (UndoStep::Unmeasured, "a scrub runs", "undone automatically, and not measured since today"),
        (UndoStep::Restored, "set", "undone automatically, which did not help; set again today"),
    ] {
        let mut state = measured();
        suite::undone_automatically(&mut state, step, text);
        let mut ui = truecolor();
        drawn(&mut ui, &state, (160, 45));
        press(&mut ui, &state, "bjjjjjjjjj");
        let screen = self::text(&drawn(&mut ui, &state, (160, 45)));
        assert!(screen.contains(shown) && screen.contains(&format!("(bench.undo): {text}")), "{screen}");
    }
    let mut state = measured();
    suite::taken_back(&mut state, 96_000.0);
    suite::undone_automatically(&mut state, UndoStep::Helped, &format!("{set}: back to normal"));
    accept("undone-automatically", &state, "bjjjjjjjjj");
}

#[test]
fn bench_undone_without_effect() {
    let after = |again: f64| {
        let mut state = measured();
        suite::taken_back(&mut state, again);
        let mut ui = truecolor();
        drawn(&mut ui, &state, (160, 45));
        press(&mut ui, &state, "bjjjjjjjjj");
        text(&drawn(&mut ui, &state, (160, 45)))
    };
    let shown = after(71_000.0);
    assert!(shown.contains("compression of models/service: gzip-9 → lz4"), "{shown}");
    assert!(shown.contains("did not help"), "{shown}");
    // 71k it was and 96k is normal: more than half of the way, and less.
    let shown = after(85_500.0);
    assert!(shown.contains("helped, but not all the way:"), "{shown}");
    assert!(shown.contains("71.2k IOPS → 85.2k IOPS"), "{shown}");
    assert!(after(80_000.0).contains("did not help"));
}

/// The screen says that a change helped, which was noticed so many seconds before now; the first good run began 3,000 s ago.
fn helped(of: [&str; 3], seconds: i64) -> bool {
    let mut state = measured();
    suite::changed_and_measured(&mut state, of, seconds * 1000, 96_000.0);
    let mut ui = truecolor();
    drawn(&mut ui, &state, (160, 45));
    press(&mut ui, &state, "bjjjjjjjjj");
    text(&drawn(&mut ui, &state, (160, 45))).contains("gzip-9 → lz4 helped")
}

#[test]
fn bench_is_not_helped_by_a_change_of_something_else() {
    assert!(helped(["dataset", "models/service", "compression"], 3600));
    assert!(!helped(["dataset", "models", "compression"], 3600));
    assert!(!helped(["dataset", "models/service", "checksum"], 3600));
    assert!(!helped(["pool", "models/service", "compression"], 3600));
}

#[test]
fn bench_is_helped_by_a_change_noticed_during_the_run() {
    let compression = ["dataset", "models/service", "compression"];
    assert!(helped(compression, 2970), "half a minute after the run began");
    assert!(!helped(compression, 2400), "ten minutes after it");
}

#[test]
fn bench_scorecard_leads_to_the_runs_behind_a_verdict() {
    let after = |keys: &str| {
        let state = measured();
        let mut ui = truecolor();
        drawn(&mut ui, &state, (160, 45));
        for key in keys.chars() {
            press(&mut ui, &state, &key.to_string());
            drawn(&mut ui, &state, (160, 45));
        }
        text(&drawn(&mut ui, &state, (160, 45)))
    };
    let first = after("bt\n");
    assert!(!first.contains("scorecard ·") && first.contains("611 ms"), "{first}");
    let unmeasured = after("btjjj\n");
    assert!(unmeasured.contains("scorecard ·"), "{unmeasured}");
    assert!(unmeasured.contains("no result of a benchmark is behind it"), "{unmeasured}");
}

#[test]
fn bench_of_forty_runs() {
    let mut state = measured();
    suite::drifting(&mut state);
    accept("forty-runs", &state, "b/media\n");
}

#[test]
fn bench_failed_and_stopped() {
    let mut state = measured();
    suite::under_way(&mut state);
    let key = suite::key("storage-random-4k");
    let why = "fio: no space left on /staging after 3.1 GiB: 8.0 GiB are needed";
    suite::apply(&mut state, |at| RunEvent::Failed { at, key, why: why.into() });
    let report = "stopped after 11 of 15; all that was made is removed";
    suite::apply(&mut state, |at| RunEvent::Ended { at, stopped: true, report: report.into() });
    accept("failed", &state, "bG/staging\nj");
}

#[test]
fn bench_without_an_engine() {
    let mut state = server(Parts { containers: 0, ..Parts::FULL });
    let engine =
        "no container engine: /var/run/docker.sock is not there; start one, or name its address under `engines`";
    let models = "no GPU, and no model server answers at 127.0.0.1:11434: name one under [[model_server]]";
    suite::offered(&mut state, &[(Group::Containers, engine), (Group::Models, models)]);
    accept("no-engine", &state, "b");
}

/// The question about these, with this plan.
fn asked(state: &mut State, keys: &str, planned: &[BenchKey], checks: Vec<Check>, size: (u16, u16), name: &str) {
    let mut ui = truecolor();
    drawn(&mut ui, state, size);
    let commands = press(&mut ui, state, keys);
    assert_eq!(commands.last(), Some(&Command::Bench(BenchAct::Plan(planned.to_vec()))));
    let plan = suite::plan(planned, checks);
    state.apply(Event::Run(RunEvent::Planned { at: at(state), plan }));
    let buf = drawn(&mut ui, state, size);
    crate::accept_frame(&format!("bench-{name}"), &buf);
}

#[test]
fn bench_question() {
    for size in SIZES {
        let planned = vec![suite::key("storage-random-64k"); 3];
        asked(&mut measured(), "bjjjjjjjjjr", &planned, suite::checks(false), size, "question");
    }
}

#[test]
fn bench_question_that_is_stopped() {
    for size in SIZES {
        let planned = vec![suite::key("storage-random-64k"); 3];
        asked(&mut measured(), "bjjjjjjjjjr", &planned, suite::checks(true), size, "stopped");
    }
}

#[test]
fn bench_is_drawn_in_ascii_and_without_colour() {
    let mut state = measured();
    suite::under_way(&mut state);
    for (name, colors, ascii) in [("ascii", Colors::True, true), ("mono", Colors::None, false)] {
        for size in SIZES {
            let mut ui = crate::ui(Settings { colors, ascii, ..Settings::default() });
            drawn(&mut ui, &state, size);
            press(&mut ui, &state, "bjjjjjjjjj");
            let buf = drawn(&mut ui, &state, size);
            assert!(!ascii || text(&buf).is_ascii(), "{}", text(&buf));
            crate::accept_frame(&format!("bench-{name}"), &buf);
        }
    }
}

#[test]
fn bench_names_of_any_length_stay_in_their_column() {
    let mut state = measured();
    let mut catalog = state.runs.catalog.clone().unwrap();
    for of in [
        "/srv/a/folder/that/is/deep/in/a/tree/of/folders/postgres",
        "/srv/a/folder/that/is/deep/in/a/tree/of/folders/redis",
    ] {
        let read = catalog.benches.iter_mut().find(|offered| offered.bench == "storage-read").unwrap();
        read.offers.push(Offer { of: of.into(), missing: None });
    }
    suite::apply(&mut state, |at| RunEvent::Catalog { at, catalog });
    accept("long-names", &state, "b/folders\nj");
}

/// Keys on the panel at the regressed figure, and the commands that come of the last of them.
fn commands(state: &State, keys: &str) -> Vec<Command> {
    let mut ui = truecolor();
    drawn(&mut ui, state, SIZES[0]);
    press(&mut ui, state, "bjjjjjjjjj");
    let mut last = Vec::new();
    for key in keys.chars() {
        drawn(&mut ui, state, SIZES[0]);
        last = press(&mut ui, state, &key.to_string());
    }
    last
}

fn random() -> SeriesKey {
    SeriesKey { benchmark: "storage_random_64k_iops".into(), of: "models/service".into() }
}

#[test]
fn bench_opens_with_a_look_at_what_can_be_measured() {
    let mut ui = truecolor();
    assert_eq!(press(&mut ui, &measured(), "b"), [Command::Bench(BenchAct::Survey)]);
}

#[test]
fn bench_n_accepts_the_new_normal() {
    let state = measured();
    let accept = BenchAct::Mark { series: random(), says: RunSays::Accept };
    assert_eq!(commands(&state, "n"), [Command::Bench(accept)]);
    assert_eq!(commands(&state, "gn"), [], "what is as normal has nothing to accept");
}

#[test]
fn bench_u_undoes_the_change_and_measures_again() {
    let state = measured();
    assert_eq!(commands(&state, "u"), [], "it asks first");
    let act = PoolAct::Set {
        dataset: "models/service".into(),
        property: "compression".into(),
        value: "lz4".into(),
        before: "gzip-9".into(),
    };
    let undo = Command::Job(Job::Pool { pool: "models".into(), act });
    let again = Command::Bench(BenchAct::Plan(vec![suite::key("storage-random-64k"); 3]));
    assert_eq!(commands(&state, "uy"), [undo, again]);
    assert_eq!(commands(&state, "gu"), [], "what did not get worse has nothing to undo");
}

#[test]
fn bench_u_is_not_offered_once_the_property_has_another_value() {
    let mut state = measured();
    let service = state.host.pools.datasets.iter_mut().find(|row| row.reported.name == "models/service").unwrap();
    service.reported.compression = "zstd".into();
    assert_eq!(commands(&state, "uy"), []);
}

#[test]
fn bench_x_stops_only_what_runs() {
    let mut state = measured();
    assert_eq!(commands(&state, "x"), []);
    suite::under_way(&mut state);
    assert_eq!(commands(&state, "x"), [Command::Bench(BenchAct::Stop)]);
    assert_eq!(commands(&state, "r"), [], "one at a time");
}

#[test]
fn bench_pin_and_forget_name_the_run() {
    let state = measured();
    let newest = "storage_random_64k_iops-120".to_owned();
    let pin = BenchAct::Mark { series: random(), says: RunSays::Pin(newest.clone()) };
    assert_eq!(commands(&state, "P\n"), [Command::Bench(pin)]);
    let forget = BenchAct::Mark { series: random(), says: RunSays::Forget(newest) };
    assert_eq!(commands(&state, "d\n"), [Command::Bench(forget)]);
}

#[test]
fn bench_suite_menu_plans_what_can_be_measured() {
    let state = measured();
    let planned = |keys: &str| match commands(&state, keys).pop() {
        Some(Command::Bench(BenchAct::Plan(keys))) => keys.into_iter().map(|key| key.bench).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let storage = ["storage-read", "storage-read", "storage-write", "storage-random-64k", "storage-random-4k"];
    assert_eq!(planned("R\n"), storage, "the group of the selected one");
    let bad = ["storage-write", "storage-random-64k", "network-throughput"];
    assert_eq!(planned("RG\n"), bad);
}

#[test]
fn bench_starts_only_the_plan_that_was_on_the_screen() {
    let mut state = measured();
    let mut ui = truecolor();
    drawn(&mut ui, &state, SIZES[0]);
    press(&mut ui, &state, "bjjjjjjjjj");
    drawn(&mut ui, &state, SIZES[0]);
    press(&mut ui, &state, "r");
    drawn(&mut ui, &state, SIZES[0]);
    assert_eq!(press(&mut ui, &state, "y"), [], "no plan is there yet");
    let keys = vec![suite::key("storage-random-64k"); 3];
    suite::apply(&mut state, |at| RunEvent::Planned { at, plan: suite::plan(&keys, suite::checks(false)) });
    assert_eq!(press(&mut ui, &state, "y"), [], "it was not drawn yet");
    drawn(&mut ui, &state, SIZES[0]);
    assert_eq!(press(&mut ui, &state, "Y"), []);
    assert_eq!(press(&mut ui, &state, "y"), [Command::Bench(BenchAct::Start("plan-1".into()))]);
}

#[test]
fn bench_does_not_start_what_a_check_stops() {
    let mut state = measured();
    let mut ui = truecolor();
    drawn(&mut ui, &state, SIZES[0]);
    press(&mut ui, &state, "bjjjjjjjjjr");
    let keys = vec![suite::key("storage-random-64k"); 3];
    suite::apply(&mut state, |at| RunEvent::Planned { at, plan: suite::plan(&keys, suite::checks(true)) });
    drawn(&mut ui, &state, SIZES[0]);
    assert_eq!(press(&mut ui, &state, "y"), []);
}

#[test]
fn bench_read_only_runs_nothing() {
    let state = measured();
    let mut ui = crate::ui(Settings { colors: Colors::True, read_only: true, ..Settings::default() });
    drawn(&mut ui, &state, SIZES[0]);
    press(&mut ui, &state, "b");
    for keys in ["r", "R\n", "x", "u", "\n"] {
        drawn(&mut ui, &state, SIZES[0]);
        assert_eq!(press(&mut ui, &state, keys), [], "{keys:?}");
    }
    press(&mut ui, &state, "j");
    let screen = text(&drawn(&mut ui, &state, SIZES[0]));
    let footer = screen.lines().last().unwrap();
    assert!(!footer.contains("run") && footer.contains("scorecard"), "{footer}");
}

#[test]
fn bench_rows_answer_clicks() {
    let state = measured();
    let mut ui = truecolor();
    drawn(&mut ui, &state, SIZES[0]);
    press(&mut ui, &state, "b");
    let screen = text(&drawn(&mut ui, &state, SIZES[0]));
    let row = screen.lines().position(|line| line.contains("sequential write")).unwrap() as u16;
    crate::click(&mut ui, &state, 20, row);
    let screen = text(&drawn(&mut ui, &state, SIZES[0]));
    assert!(screen.contains("╭─ staging · sequential write"), "{screen}");
}

#[test]
fn bench_link_opens_the_dataset_and_comes_back() {
    let state = measured();
    let mut ui = truecolor();
    drawn(&mut ui, &state, SIZES[0]);
    press(&mut ui, &state, "bjjjjjjjjj");
    drawn(&mut ui, &state, SIZES[0]);
    press(&mut ui, &state, "\t\n");
    let opened = text(&drawn(&mut ui, &state, SIZES[0]));
    assert!(opened.contains("models/service") && !opened.contains("what changed before it"), "{opened}");
    press(&mut ui, &state, "\x1b");
    assert!(text(&drawn(&mut ui, &state, SIZES[0])).contains("what changed before it"));
}

#[test]
fn bench_saves_every_run_as_a_line() {
    let state = measured();
    let Some(Command::Save { name, text }) = commands(&state, "e").pop() else { panic!("a file") };
    assert_eq!(name, "benchmarks.jsonl");
    assert_eq!(text.lines().count(), state.runs.history.values().map(Vec::len).sum::<usize>());
    let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    for field in ["benchmark", "of", "unit", "better", "samples", "fingerprint"] {
        assert!(first.get(field).is_some(), "{field}");
    }
}
