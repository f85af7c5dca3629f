//! The benchmarks of containers on an engine whose times are known.

use std::time::{Duration, Instant};

use super::*;
use crate::{
    bench::{
        BenchDef, Measured, Scratch, Stop,
        engine::testing::{Behaviour, Fails, FakeDocker, Surveyed},
        testing::{FakeClock, TestCx},
    },
    model::bench::RunPhase,
    state::State,
};

const MS: fn(u64) -> Duration = Duration::from_millis;

/// Runs one on an engine of that behaviour.
fn run(bench: &BenchDef, docker: &FakeDocker, cx: &mut TestCx) -> Result<Measured, Stop> {
    let surveyed = Surveyed::new(docker.state());
    let (plan, mut work) = bench.bench.plan(&surveyed.survey(), "docker").expect("a plan");
    assert!(plan.steps[0].contains("image busybox:1"), "{:?}", plan.steps);
    assert_eq!(plan.fingerprint.get("storage driver").map(String::as_str), Some("overlay2"));
    work.run(cx)
}

fn docker(takes: impl IntoIterator<Item = (&'static str, Duration)>) -> FakeDocker {
    FakeDocker::new(Behaviour { takes: takes.into_iter().collect(), ..Behaviour::default() })
}

/// An engine whose operations take their time on a clock that only they move, and a run on that clock.
fn timed(enough: usize, takes: impl IntoIterator<Item = (&'static str, Duration)>) -> (FakeDocker, TestCx) {
    let (docker, clock) = (docker(takes), FakeClock::new());
    docker.behaviour().clock = Some(clock.clone());
    let mut cx = TestCx::new(2, enough);
    cx.clock = Some(clock);
    (docker, cx)
}

/// The values that were shown while it was measured.
fn values_shown(cx: &TestCx) -> Vec<f64> {
    cx.shown.iter().filter_map(|(value, _)| *value).collect()
}

#[track_caller]
fn all(samples: &[f64], known: Duration) {
    assert!(!samples.is_empty());
    assert!(samples.iter().all(|sample| (sample - known.as_secs_f64()).abs() < 1e-6), "{samples:?} beside {known:?}");
}

/// What other programs of a busy machine take adds to samples: the one that they disturbed least counts.
#[track_caller]
fn about(samples: &[f64], known: Duration) {
    let known = known.as_secs_f64();
    let nearest = samples.iter().map(|sample| (sample / known - 1.0).abs()).reduce(f64::min);
    assert!(nearest.is_some_and(|off| off <= 0.2), "{samples:?} beside {known}");
}

#[test]
fn start_is_create_and_start() {
    let (docker, mut cx) =
        timed(3, [("create", MS(300)), ("start", MS(700)), ("remove", MS(100)), ("inspect", MS(40))]);
    let measured = run(&START, &docker, &mut cx).expect("measured");
    all(&cx.samples[0], MS(1000));
    all(&values_shown(&cx), MS(1000));
    assert_eq!(measured.fingerprint.get("image").map(String::as_str), Some("sha256:ab"));
    assert!(cx.samples[1].is_empty(), "no health check");
    assert!(cx.made.is_empty() && docker.behaviour().containers.is_empty());
    assert_eq!(cx.phases, [RunPhase::Preparing, RunPhase::WarmingUp, RunPhase::Measuring]);
}

#[test]
fn a_named_image_runs_its_own_process_until_it_is_healthy() {
    let (docker, mut cx) = timed(3, [("create", MS(300)), ("start", MS(500)), ("inspect", MS(400))]);
    docker.behaviour().health = Some("CMD");
    let mut surveyed = Surveyed::new(docker.state());
    surveyed.settings.bench.image = Some("web:1".to_owned());
    let (plan, mut work) = START.bench.plan(&surveyed.survey(), "docker").expect("a plan");
    assert!(plan.steps[1].contains("until its health check passes"), "{:?}", plan.steps);
    work.run(&mut cx).expect("measured");
    all(&cx.samples[0], MS(800));
    // The engine is asked twice: does it run, is it healthy.
    all(&cx.samples[1], MS(1600));
}

#[test]
fn a_missing_named_image_is_pulled_as_the_plan_says() {
    let docker = docker([]);
    let mut surveyed = Surveyed::new(docker.state());
    surveyed.settings.bench.image = Some("web:1".to_owned());
    let (plan, _) = START.bench.plan(&surveyed.survey(), "docker").expect("a plan");
    assert!(plan.steps[0].starts_with("pull image web:1"), "{:?}", plan.steps);
    let asked = docker.fake.asked.lock().expect("the log").clone();
    assert!(asked.iter().all(|line| line.starts_with("GET ")), "a plan changes nothing: {asked:?}");
}

#[test]
fn stop_is_the_grace_where_it_is_ignored() {
    let docker = docker([("stop", MS(700)), ("ignored", MS(800)), ("start", MS(30))]);
    let mut cx = TestCx::new(2, 3);
    run(&STOP, &docker, &mut cx).expect("measured");
    about(&cx.samples[0], MS(700));
    about(&cx.samples[1], MS(1500));
    assert_eq!(cx.samples[1].len(), 5);
    assert!(cx.made.is_empty() && docker.behaviour().containers.is_empty());
}

#[test]
fn mount_is_the_difference() {
    let (docker, mut cx) = timed(3, [("create", MS(50)), ("run", MS(200)), ("mount", MS(800)), ("remove", MS(50))]);
    run(&MOUNT, &docker, &mut cx).expect("measured");
    all(&cx.samples[0], MS(800));
    all(&cx.samples[1], MS(1050));
    all(&values_shown(&cx), MS(800));
    let [Scratch::Folder(folder)] = cx.made.as_slice() else { panic!("{:?}", cx.made) };
    std::fs::remove_dir_all(folder).expect("its folder");
}

#[test]
fn api_is_list_and_inspect() {
    let (docker, mut cx) = timed(3, [("list", MS(400)), ("inspect", MS(200))]);
    let measured = run(&API, &docker, &mut cx).expect("measured");
    all(&cx.samples[0], MS(300));
    all(&cx.samples[1], MS(400));
    let notes = ["list of 1: mean 400 ms, p50 400 ms, p95 400 ms", "inspect: mean 200 ms, p50 200 ms, p95 200 ms"];
    assert_eq!(measured.notes, notes);
}

#[test]
fn without_an_engine_each_says_so_in_one_line() {
    let surveyed = Surveyed::new(State::default());
    for bench in [&START, &STOP, &MOUNT, &API] {
        let offers = bench.bench.offers(&surveyed.survey());
        let missing = offers[0].missing.clone().expect("a reason");
        assert!(
            missing.contains("no container engine was found") && !missing.contains('\n'),
            "{}: {missing}",
            bench.id
        );
        assert!(bench.bench.plan(&surveyed.survey(), "").is_err(), "{}", bench.id);
    }
}

#[test]
fn an_engine_that_refuses_is_quoted() {
    let docker = docker([]);
    docker.behaviour().fails.insert("start", (2, Fails::Refuses(500, "no space left on device")));
    let mut cx = TestCx::new(2, 3);
    let stop = run(&START, &docker, &mut cx).expect_err("refused");
    let words = stop.to_string();
    assert!(words.ends_with("starting a container: no space left on device"), "{words}");
    assert_eq!(cx.made.len(), 1, "it stays in the journal");
}

#[test]
fn an_engine_that_dies_is_named() {
    for at in ["create", "start", "stop", "remove", "inspect"] {
        let docker = docker([]);
        docker.behaviour().fails.insert(at, (2, Fails::Dies));
        let mut cx = TestCx::new(2, 3);
        let bench = if at == "stop" { &STOP } else { &START };
        let words = run(bench, &docker, &mut cx).expect_err("it died").to_string();
        assert!(words.starts_with(docker.fake.address().as_str()) && !words.contains('\n'), "{at}: {words}");
        assert!(!cx.made.is_empty(), "{at}");
    }
}

#[test]
fn a_hung_engine_does_not_keep_a_run_from_stopping() {
    let docker = docker([]);
    docker.behaviour().fails.insert("start", (2, Fails::Hangs));
    let mut cx = TestCx::new(2, 3);
    cx.stop_in = Some(RunPhase::WarmingUp);
    docker.behaviour().fails.insert("create", (1, Fails::Hangs));
    let began = Instant::now();
    assert_eq!(run(&START, &docker, &mut cx).expect_err("stopped"), Stop::Cancelled);
    // Far less than what an answer is waited for.
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}
