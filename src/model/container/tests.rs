//! Folds of invented containers: rates, ends, restarts, labels.

use std::time::Duration;

use super::*;
use crate::{clock::Stamp, model::fault::Fault};

fn meta(id: &str, started: i64) -> Arc<Container> {
    let (pid, state) = (77, RunState::Running);
    Arc::new(Container { id: id.into(), pid, state, started_unix_ms: Some(started), ..Container::default() })
}

fn fold(all: &mut Containers, second: u64, meta: &Arc<Container>, cpu_us: u64) {
    let usage = Usage { cpu_us: Some(cpu_us), memory_bytes: Some(50), ..Usage::default() };
    let sample = ContainerSample {
        containers: vec![meta.clone()],
        usages: BTreeMap::from([(meta.id.clone(), usage)]),
        ..ContainerSample::default()
    };
    let since = (second > 1).then_some(Duration::from_secs(1));
    all.apply(Span { at: Stamp::at_seconds(second), every: Duration::from_secs(1), since }, sample);
}

#[test]
fn cpu_is_cores_used_between_two_readings_of_one_run() {
    let mut all = Containers::default();
    let first = meta("ab", 1);
    fold(&mut all, 1, &first, 1_000_000);
    assert_eq!(all.rows[0].cpu_cores, None);
    fold(&mut all, 2, &first, 2_500_000);
    assert_eq!(all.rows[0].cpu_cores, Some(1.5));
    fold(&mut all, 3, &meta("ab", 9), 2_600_000);
    assert_eq!(all.rows[0].cpu_cores, None, "it was started again: its counters are others");
    assert_eq!(all.rows[0].cpu_history.len(), 3, "its history goes on");
    fold(&mut all, 4, &meta("ab", 9), 3_100_000);
    assert_eq!(all.rows[0].cpu_lately(), Some(1.0), "1.5 and 0.5; what was not counted has no part");
}

#[test]
fn engine_counters_are_rates_over_the_engine_s_clock() {
    let mut all = Containers::default();
    let meta = meta("ab", 1);
    let mut fold = |second: u64, counted: i64, cpu_us: u64| {
        let usage = Usage { cpu_us: Some(cpu_us), counted_unix_ms: Some(counted), ..Usage::default() };
        let sample = ContainerSample {
            containers: vec![meta.clone()],
            usages: BTreeMap::from([(meta.id.clone(), usage)]),
            ..ContainerSample::default()
        };
        let since = (second > 1).then_some(Duration::from_secs(1));
        all.apply(Span { at: Stamp::at_seconds(second), every: Duration::from_secs(1), since }, sample);
        all.rows[0].cpu_cores
    };
    assert_eq!(fold(1, 10_000, 1_000_000), None);
    assert_eq!(fold(2, 15_000, 6_000_000), Some(1.0));
    assert_eq!(fold(3, 15_000, 6_000_000), Some(1.0), "nothing new was counted");
    assert_eq!(fold(4, 20_000, 8_500_000), Some(0.5));
}

#[test]
fn a_limit_above_the_machine_is_none() {
    let mut row = ContainerRow::new(&meta("ab", 1));
    row.usage = Some(Usage { memory_bytes: Some(50), memory_limit: Some(1 << 62), ..Usage::default() });
    assert_eq!(row.memory_ratio(1 << 34), None);
    row.usage.as_mut().expect("set").memory_limit = Some(100);
    assert_eq!(row.memory_ratio(1 << 34), Some(0.5));
}

#[test]
fn a_peak_says_how_long_it_was_watched() {
    let mut all = Containers::default();
    let first = meta("ab", 1);
    fold(&mut all, 1, &first, 0);
    fold(&mut all, 2, &first, 1_500_000);
    fold(&mut all, 3, &first, 1_600_000);
    let peak = all.rows[0].peak;
    assert_eq!((peak.cores, peak.memory, peak.watched), (1.5, 50.0, Duration::from_secs(2)));
    fold(&mut all, 4, &meta("ab", 9), 0);
    assert_eq!(all.rows[0].peak, peak, "another start has no rate yet, and what it used before counts");
}

#[test]
fn swap_stays_what_it_was() {
    let swap = |limit, both, memory| {
        let container = Container { memory_limit: limit, memory_swap: both, ..Container::default() };
        container.swap_beside(memory)
    };
    assert_eq!(swap(Some(64), Some(64), 128), 128, "none stays none");
    assert_eq!(swap(Some(64), Some(128), 256), 320, "64 stay 64");
    assert_eq!(swap(Some(64), Some(-1), 128), SWAP_UNLIMITED);
    assert_eq!(swap(None, None, 128), SWAP_UNLIMITED);
    assert_eq!(swap(Some(64), Some(128), 0), SWAP_UNLIMITED, "the memory limit is taken away");
}

fn ended(state: RunState, code: i64) -> Container {
    let (exit_code, restart_policy) = (Some(code), "no".to_owned());
    Container { state, exit_code, restart_policy, ..Container::default() }
}

fn fails(container: Container) -> bool {
    ContainerRow::new(&Arc::new(container)).has_failed()
}

#[test]
fn an_end_that_nobody_asked_for_is_a_failure() {
    use RunState::{Created, Exited, Restarting, Running};
    assert!(fails(ended(Exited, 1)) && fails(ended(Exited, 137)) && fails(ended(Exited, 255)));
    assert!(!fails(ended(Exited, 0)), "it was done");
    assert!(!fails(ended(Exited, 143)) && !fails(ended(Exited, 130)), "it was asked by a signal");
    assert!(!fails(Container { asked_to_end: true, ..ended(Exited, 137) }), "docker kill");
    assert!(!fails(Container { asked_to_end: true, ..ended(Exited, 1) }), "docker stop");
    assert!(fails(Container { oom_killed: true, ..ended(Exited, 137) }));
    let always = Container { restart_policy: "always".into(), ..ended(Exited, 137) };
    assert!(!fails(always.clone()), "its engine would have started it again");
    assert!(fails(Container { error: Some("port is already allocated".into()), ..always }));
    assert!(!fails(ended(Running, 1)) && !fails(ended(Restarting, 1)), "that has alerts of its own");
    let error = Some("sh: not found".to_owned());
    assert!(fails(Container { error, ..ended(Created, 127) }) && !fails(ended(Created, 0)));
}

#[test]
fn restarts_beyond_what_is_remembered_are_at_least_so_many() {
    let now = Stamp::at_seconds(1000);
    let ago = |seconds: i64| now.unix_ms - seconds * 1000;
    let restarted_unix_ms = vec![ago(200), ago(120), ago(60)];
    let known = Container { restarted_unix_ms, restarts: 3, ..Container::default() };
    let words = |container: &Container| ContainerRow::new(&Arc::new(container.clone())).restart_words(now);
    assert_eq!(words(&known), "3× in 10 min");
    let more = Container { restarts: 36, restarts_from_unix_ms: Some(ago(250)), ..known.clone() };
    assert_eq!(words(&more), "at least 3× in 4 min, 36 in all");
    assert_eq!(words(&Container { restarts_from_unix_ms: Some(ago(601)), ..more }), "3× in 10 min");
    let all = Container { restarts_from_unix_ms: Some(ago(250)), ..known };
    assert_eq!(words(&all), "3× in 10 min", "they are all known");
}

#[test]
fn a_silent_engine_is_named_with_the_cure() {
    let denied = Engine {
        kind: "docker".into(),
        address: "unix:///var/run/docker.sock".into(),
        fault: Some(Fault::Denied { what: "permission denied".into(), hint: "run as root".into() }),
        ..Engine::default()
    };
    let words = "Docker: permission denied on /var/run/docker.sock (run as root)";
    assert_eq!(denied.complaint().as_deref(), Some(words));
    let gone = Engine { fault: Some(Fault::Broken("connection refused: nothing is listening".into())), ..denied };
    assert_eq!(
        gone.complaint().as_deref(),
        Some("Docker at /var/run/docker.sock: connection refused: nothing is listening")
    );
}

#[test]
fn restarts_count_for_ten_minutes() {
    let now = Stamp::at_seconds(1000);
    let ago = |minutes: i64| now.unix_ms - minutes * 60_000;
    let restarted_unix_ms = vec![ago(11), ago(9), ago(1)];
    let row = ContainerRow {
        meta: Arc::new(Container { restarted_unix_ms, ..Container::default() }),
        ..ContainerRow::default()
    };
    assert_eq!(row.restarts_lately(now), 2);
}

#[test]
fn a_label_is_unique_and_stays() {
    let container =
        |id: &str, name: &str| Arc::new(Container { id: id.into(), name: name.into(), ..Container::default() });
    let (a, b) = (container("aaaaaaaaaaaaaaaa", "web"), container("bbbbbbbbbbbbbbbb", "web"));
    let mut all = Containers::default();
    let mut labels = |containers: &[&Arc<Container>]| -> Vec<String> {
        let sample = ContainerSample {
            containers: containers.iter().map(|c| (*c).clone()).collect(),
            ..ContainerSample::default()
        };
        let at = Stamp::at_seconds(1);
        all.apply(Span { at, every: Duration::from_secs(1), since: None }, sample);
        all.rows.iter().map(|row| row.label.to_string()).collect()
    };
    assert_eq!(labels(&[&b]), ["web"]);
    assert_eq!(labels(&[&a, &b]), ["web aaaaaaaaaaaa", "web"], "who was there first keeps the name");
    assert_eq!(labels(&[&a]), ["web aaaaaaaaaaaa"], "it stays when the other goes");
    assert_eq!(labels(&[&a, &container("cccc", "")]), ["web aaaaaaaaaaaa", "cccc"]);
    let renamed = container("aaaaaaaaaaaaaaaa", "shop");
    assert_eq!(labels(&[&renamed]), ["shop"], "a rename is the user's");
    assert_eq!(labels(&[&renamed, &a.clone()]).len(), 2);
}

#[test]
fn another_way_of_counting_is_no_rate() {
    let mut all = Containers::default();
    let meta = meta("ab", 1);
    fold(&mut all, 1, &meta, 1_000_000);
    let usage = Usage { cpu_us: Some(9_000_000), counted_unix_ms: Some(1), ..Usage::default() };
    let sample = ContainerSample {
        containers: vec![meta.clone()],
        usages: BTreeMap::from([(meta.id.clone(), usage)]),
        ..ContainerSample::default()
    };
    let span = Span { at: Stamp::at_seconds(2), every: Duration::from_secs(1), since: Some(Duration::from_secs(1)) };
    all.apply(span, sample);
    assert_eq!(all.rows[0].cpu_cores, None);
}

#[test]
fn network_of_a_container() {
    let of = |mode: Option<&str>| Container { network_mode: mode.map(str::to_owned), ..Container::default() };
    assert_eq!(of(Some("host")).network(), NetworkOf::Host);
    assert_eq!(of(Some("container:ab")).network(), NetworkOf::Container("ab"));
    assert!([None, Some("bridge"), Some("shop_default")].iter().all(|mode| of(*mode).network() == NetworkOf::Own));
}

#[test]
fn a_container_is_throttled_in_a_share_of_its_periods() {
    let mut all = Containers::default();
    let meta = meta("ab", 1);
    let mut ratio = |second: u64, held: u64, periods: u64| {
        let usage = Usage { cpu_us: Some(1), throttled_periods: Some((held, periods)), ..Usage::default() };
        let sample = ContainerSample {
            containers: vec![meta.clone()],
            usages: BTreeMap::from([(meta.id.clone(), usage)]),
            ..ContainerSample::default()
        };
        let since = (second > 1).then_some(Duration::from_secs(1));
        all.apply(Span { at: Stamp::at_seconds(second), every: Duration::from_secs(1), since }, sample);
        all.rows[0].throttled_ratio
    };
    assert_eq!([ratio(1, 10, 100), ratio(2, 14, 110), ratio(3, 14, 110)], [None, Some(0.4), Some(0.0)]);
    assert_eq!([ratio(4, 24, 115), ratio(5, 3, 116)], [Some(1.0), None], "no more than all, and a counter that fell");
}
