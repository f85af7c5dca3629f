//! An invented server's suite of benchmarks: what it offers, months of runs in every verdict, what changed meanwhile, and
//! one run under way. Events only, as the runner and the history send them.

use std::time::Duration;

use benchtop::{
    clock::Stamp,
    model::{
        bench::{BenchKey, Catalog, Check, CheckOutcome, Group, Offer, Offered, Plan, Planned, RunPhase, RunPlan},
        event::Event,
        figure::{Better, Figure, Fingerprint},
        pool::{Dataset, DatasetRow},
        run::{Change, Run, RunEvent, RunProgress, SeriesKey},
        undo_note::{UndoNote, UndoStep},
        unit::Unit,
    },
    state::State,
};

pub const HOUR: i64 = 3_600_000;
pub const DAY: i64 = 24 * HOUR;

/// Id, title, unit, better.
type FigureRow = (&'static str, &'static str, Unit, Better);
/// Id, group, what it measures, figures, targets.
type BenchRow = (&'static str, Group, &'static str, &'static [FigureRow], &'static [&'static str]);

use Better::{Higher, Lower};

pub const SUITE: &[BenchRow] = &[
    (
        "container-start",
        Group::Containers,
        "Create and start a container until its process runs.",
        &[("container_start_seconds", "start", Unit::Seconds, Lower)],
        &[""],
    ),
    (
        "container-stop",
        Group::Containers,
        "Stop a container whose process handles TERM.",
        &[("container_stop_seconds", "stop", Unit::Seconds, Lower)],
        &[""],
    ),
    (
        "container-volume",
        Group::Containers,
        "Start with a folder mounted, less the same start without it.",
        &[("container_volume_mount_seconds", "volume mount", Unit::Seconds, Lower)],
        &[""],
    ),
    (
        "engine-api",
        Group::Containers,
        "List and inspect containers through the engine's API.",
        &[
            ("engine_api_response_seconds", "API response p50", Unit::Seconds, Lower),
            ("engine_api_response_p95_seconds", "API response p95", Unit::Seconds, Lower),
        ],
        &[""],
    ),
    (
        "container-density",
        Group::Containers,
        "Start up to 50 containers: failures, the time of each, and a running service meanwhile.",
        &[("container_density", "density", Unit::Count, Higher)],
        &[""],
    ),
    (
        "engine-overhead",
        Group::Containers,
        "CPU of engine, containerd and shims over what the containers use.",
        &[("engine_overhead_ratio", "engine overhead", Unit::Ratio, Lower)],
        &[""],
    ),
    (
        "storage-read",
        Group::Storage,
        "Sequential read in blocks of 1 MiB.",
        &[("storage_read_bytes_per_second", "sequential read", Unit::BytesPerSecond, Higher)],
        &["models", "media"],
    ),
    (
        "storage-write",
        Group::Storage,
        "Sequential write in blocks of 1 MiB.",
        &[("storage_write_bytes_per_second", "sequential write", Unit::BytesPerSecond, Higher)],
        &["staging"],
    ),
    (
        "storage-random-64k",
        Group::Storage,
        "Random reads and writes 70/30 in blocks of 64 KiB.",
        &[
            ("storage_random_64k_iops", "random 64k", Unit::PerSecond, Higher),
            ("storage_random_64k_latency_seconds", "random 64k latency", Unit::Seconds, Lower),
            ("storage_random_64k_latency_p99_seconds", "random 64k p99", Unit::Seconds, Lower),
        ],
        &["models/service"],
    ),
    (
        "storage-random-4k",
        Group::Storage,
        "Random reads and writes 70/30 in blocks of 4 KiB.",
        &[
            ("storage_random_4k_iops", "random 4k", Unit::PerSecond, Higher),
            ("storage_random_4k_latency_p99_seconds", "random 4k p99", Unit::Seconds, Lower),
        ],
        &["staging"],
    ),
    (
        "network-throughput",
        Group::Network,
        "Throughput between two containers on a network of their own.",
        &[("network_internal_bytes_per_second", "container ↔ container", Unit::BytesPerSecond, Higher)],
        &[""],
    ),
    (
        "gateway-latency",
        Group::Network,
        "Round trips to the gateway.",
        &[("gateway_latency_seconds", "gateway latency", Unit::Seconds, Lower)],
        &[""],
    ),
    (
        "model-load",
        Group::Models,
        "From the request for an unloaded model until it is ready.",
        &[("model_load_seconds", "load", Unit::Seconds, Lower)],
        &["llama3.3:70b at ollama"],
    ),
    (
        "model-response",
        Group::Models,
        "A fixed prompt, the whole answer.",
        &[
            ("model_response_seconds", "response", Unit::Seconds, Lower),
            ("model_tokens_per_second", "tokens", Unit::PerSecond, Higher),
        ],
        &["llama3.1:8b at ollama"],
    ),
    (
        "cpu",
        Group::Machine,
        "A fixed calculation on one core.",
        &[("cpu_single_ops", "one core", Unit::PerSecond, Higher)],
        &[""],
    ),
    (
        "memory",
        Group::Machine,
        "Copying memory on all cores.",
        &[("memory_bandwidth_bytes_per_second", "memory bandwidth", Unit::BytesPerSecond, Higher)],
        &[""],
    ),
];

/// What the suite offers, with `missing` for groups that cannot be measured.
pub fn catalog(missing: &[(Group, &str)]) -> Catalog {
    let figure = |(id, title, unit, better): &FigureRow| Figure {
        id: (*id).into(),
        title: (*title).into(),
        unit: *unit,
        better: *better,
    };
    let offered = |(bench, group, doc, figures, targets): &BenchRow| {
        let why = missing.iter().find(|(missing, _)| missing == group).map(|(_, why)| (*why).to_owned());
        Offered {
            bench: (*bench).into(),
            group: *group,
            doc: (*doc).into(),
            figures: figures.iter().map(figure).collect(),
            offers: targets.iter().map(|of| Offer { of: (*of).into(), missing: why.clone() }).collect(),
        }
    };
    Catalog { benches: SUITE.iter().map(offered).collect() }
}

pub fn key(bench: &str) -> BenchKey {
    let (id, .., targets) = SUITE.iter().find(|row| row.0 == bench).expect("a row of the suite");
    BenchKey { bench: (*id).into(), of: targets[0].into() }
}

fn figure(id: &str) -> (FigureRow, &'static str) {
    let found = SUITE.iter().find_map(|row| Some((*row.3.iter().find(|figure| figure.0 == id)?, row.4[0])));
    found.expect("a figure of the suite")
}

fn method(id: &str) -> Fingerprint {
    let tool = match id {
        id if id.starts_with("storage") => "fio 3.33, libaio, qd 4, direct",
        id if id.starts_with("network") => "iperf3 3.12",
        id if id.starts_with("model") => "ollama 0.12.6",
        id if id.starts_with("cpu") || id.starts_with("memory") => "built-in",
        _ => "docker 28.2.2, alpine@sha256:4bcff6",
    };
    [("kernel", "6.1.0-28"), ("tool", tool)].map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// Samples around `value`, `noise` to both sides, the same at each call.
fn samples(value: f64, noise: f64, seed: usize) -> Vec<f64> {
    let step = |at: usize| {
        let hash = (seed * 31 + at * 17 + at * at * 7) % 21;
        (hash as f64 - 10.0) / 10.0
    };
    (0..12).map(|at| value * (1.0 + noise * step(at))).collect()
}

/// One run of figure `id`, so long before `now`.
pub fn run(id: &str, now: i64, ago: i64, value: f64, noise: f64) -> Run {
    let ((_, _, unit, better), of) = figure(id);
    let at = now - ago;
    let seed = usize::try_from(ago / HOUR).unwrap_or(0);
    Run {
        id: format!("{id}-{}", ago / 60_000),
        batch: format!("batch-{ago}"),
        benchmark: id.into(),
        of: of.into(),
        unit,
        better,
        at_unix_ms: at,
        took: Duration::from_secs(31),
        samples: samples(value, noise, seed),
        fingerprint: method(id),
        notes: Vec::new(),
    }
}

/// Runs of figure `id`: each so many days ago with its value.
fn series(id: &str, now: i64, values: &[(i64, f64)], noise: f64) -> Vec<Run> {
    let noise = if id == "container_density" { 0.0 } else { noise };
    values.iter().map(|(days, value)| run(id, now, days * DAY + 2 * HOUR, *value, noise)).collect()
}

/// As it was for months: a run each five days, the last `newest` days ago.
fn steady(id: &str, now: i64, value: f64, count: i64, newest: i64) -> Vec<Run> {
    let swing = if id == "container_density" { 0.0 } else { 1.0 };
    let wave = |at: i64| 1.0 + swing * [0.0, 0.011, -0.008, 0.004, -0.012, 0.007][usize::try_from(at).unwrap_or(0) % 6];
    let values: Vec<(i64, f64)> = (0..count).rev().map(|at| (newest + at * 5, value * wave(at))).collect();
    series(id, now, &values, 0.02)
}

/// All runs of the invented server, with figures in each verdict.
pub fn history(now: i64) -> Vec<Run> {
    let mut runs = Vec::new();
    for (id, value, newest) in [
        ("container_start_seconds", 0.612, 0),
        ("container_stop_seconds", 0.388, 0),
        ("container_volume_mount_seconds", 0.701, 0),
        ("engine_api_response_seconds", 0.0031, 0),
        ("engine_api_response_p95_seconds", 0.0082, 0),
        ("container_density", 50.0, 0),
        ("engine_overhead_ratio", 0.021, 0),
        ("storage_read_bytes_per_second", 2.05e9, 0),
        ("storage_random_4k_iops", 43_800.0, 5),
        ("storage_random_4k_latency_p99_seconds", 0.0042, 5),
        ("network_internal_bytes_per_second", 117.7e6, 7),
        ("gateway_latency_seconds", 0.000_31, 7),
    ] {
        runs.extend(steady(id, now, value, 14, newest));
    }
    // Three runs in a row are a quarter slower.
    runs.extend(steady("storage_random_64k_iops", now, 96_400.0, 11, 4));
    runs.extend(series("storage_random_64k_iops", now, &[(2, 71_800.0), (1, 70_900.0), (0, 71_200.0)], 0.02));
    runs.extend(steady("storage_random_64k_latency_seconds", now, 0.000_65, 11, 4));
    runs.extend(series(
        "storage_random_64k_latency_seconds",
        now,
        &[(2, 0.000_88), (1, 0.000_91), (0, 0.000_89)],
        0.02,
    ));
    runs.extend(steady("storage_random_64k_latency_p99_seconds", now, 0.0039, 14, 0));
    // One run is worse.
    runs.extend(steady("storage_write_bytes_per_second", now, 1.63e9, 12, 3));
    runs.extend(series("storage_write_bytes_per_second", now, &[(0, 1.36e9)], 0.02));
    // Better since three runs.
    runs.extend(steady("cpu_single_ops", now, 1.21e9, 10, 6));
    runs.extend(series("cpu_single_ops", now, &[(4, 1.530e9), (2, 1.541e9), (0, 1.533e9)], 0.02));
    // Samples far apart.
    runs.extend(steady("memory_bandwidth_bytes_per_second", now, 38.2e9, 9, 6));
    runs.extend(series("memory_bandwidth_bytes_per_second", now, &[(0, 37.9e9)], 0.35));
    runs
}

/// What changed on it.
pub fn changes(now: i64) -> Vec<Change> {
    let change = |ago: i64, kind: &str, of: &str, property: &str, before: &str, after: &str| Change {
        at_unix_ms: now - ago,
        kind: kind.into(),
        of: of.into(),
        property: property.into(),
        before: Some(before.into()),
        after: Some(after.into()),
    };
    let bad = 2 * DAY + 2 * HOUR;
    vec![
        change(40 * DAY, "kernel", "", "release", "6.1.0-27", "6.1.0-28"),
        change(bad + 30 * HOUR, "pool", "", "version of ZFS", "2.2.6", "2.3.2"),
        change(bad + 11 * HOUR, "image", "postgres", "image", "postgres:16.4", "postgres:16.5"),
        change(bad + 2 * HOUR, "limits", "immich-server", "memory", "2147483648", "4294967296"),
        change(bad + HOUR, "engine", "docker", "version", "28.1.1", "28.2.2"),
        change(bad + HOUR / 5, "dataset", "models/service", "compression", "lz4", "gzip-9"),
    ]
}

fn at(state: &State) -> Stamp {
    state.host.now
}

/// The suite as it can be measured, never run.
pub fn offered(state: &mut State, missing: &[(Group, &str)]) {
    let at = at(state);
    state.apply(Event::Run(RunEvent::Catalog { at, catalog: catalog(missing) }));
}

/// The suite with its history.
pub fn measured(state: &mut State) {
    offered(
        state,
        &[(Group::Models, "no GPU, and no model server answers at 127.0.0.1:11434: name one under [[model_server]]")],
    );
    let at = at(state);
    let (runs, changes) = (history(at.unix_ms), changes(at.unix_ms));
    for (name, mountpoint, compression) in [
        ("models", "/models", "lz4"),
        // Where the engine stores: the targets of the containers' pool are for it.
        ("models/service", "/var/lib/docker", "gzip-9"),
        ("staging", "/staging", "off"),
        ("media", "/media", "zstd"),
    ] {
        let reported = Dataset {
            name: name.into(),
            compression: compression.into(),
            record: Some(64 << 10),
            mountpoint: Some(mountpoint.into()),
            ..Dataset::default()
        };
        state.host.pools.datasets.push(DatasetRow { reported, ..DatasetRow::default() });
    }
    state.apply(Event::Run(RunEvent::History { at, runs, marks: Vec::new(), changes, undos: Vec::new() }));
}

/// The plan of these.
pub fn plan(keys: &[BenchKey], checks: Vec<Check>) -> RunPlan {
    let steps = |key: &BenchKey| {
        let text: Vec<String> = match key.bench.as_str() {
            "storage-random-64k" => vec![
                format!("makes /{}/benchtop-7f3a, 8.0 GiB of random bytes in one file, and removes it", key.of),
                format!(
                    "/usr/bin/fio --name=random-64k --directory=/{}/benchtop-7f3a --rw=randrw --rwmixread=70 --bs=64k --size=8g --ioengine=libaio --iodepth=4 --direct=1 --time_based --runtime=30 --output-format=json+",
                    key.of
                ),
            ],
            "container-start" => vec![
                "makes a container of alpine@sha256:4bcff6, label benchtop.bench, up to 30 times, and removes each"
                    .into(),
            ],
            _ => vec!["as its own page says".into()],
        };
        text
    };
    let part = |key: &BenchKey| Planned {
        key: key.clone(),
        plan: Ok(Plan {
            of: key.of.clone(),
            steps: steps(key),
            writes: if key.bench.starts_with("storage") { 8 << 30 } else { 0 },
            needs: if key.bench.starts_with("storage") { 8 << 30 } else { 0 },
            place: key.bench.starts_with("storage").then(|| format!("/{}", key.of)),
            time: Duration::from_secs(75),
            fingerprint: Fingerprint::new(),
        }),
    };
    RunPlan { id: "plan-1".into(), parts: keys.iter().map(part).collect(), checks }
}

/// Checks of which one warns.
pub fn checks(stops: bool) -> Vec<Check> {
    let check = |outcome, text: &str| Check { outcome, text: text.into() };
    let mut checks = vec![
        check(CheckOutcome::Passed, "models has 402 GiB free, 8.0 GiB are needed"),
        check(
            CheckOutcome::Warns,
            "load 6.1 on 16 threads: immich-machine-learning uses 3.1 cores; the result may be worse than the machine is",
        ),
    ];
    if stops {
        checks.push(check(
            CheckOutcome::Stops,
            "models is resilvering, 42 % done, 2h30m left: wait for it, or leave its pool out",
        ));
    }
    checks
}

/// The suite under way, at its eleventh benchmark.
pub fn under_way(state: &mut State) {
    let at = at(state);
    let queue: Vec<BenchKey> = SUITE
        .iter()
        .flat_map(|row| row.4.iter().map(|of| BenchKey { bench: row.0.into(), of: (*of).into() }))
        .collect();
    let queue: Vec<BenchKey> = queue.into_iter().filter(|key| !key.bench.starts_with("model")).collect();
    state.apply(Event::Run(RunEvent::Planned { at, plan: plan(&queue, Vec::new()) }));
    let began = at.back(Duration::from_secs(40));
    state.apply(Event::Run(RunEvent::Began { at: began, batch: "plan-1".into(), queue: queue.clone() }));
    let now = key("storage-random-4k");
    for key in queue.iter().take_while(|key| **key != now) {
        state.apply(Event::Run(RunEvent::Measured { at, key: key.clone(), runs: Vec::new() }));
    }
    for second in 0..=18u64 {
        let value = 43_100.0 * (1.0 + (second as f64 * 1.7).sin() * 0.08) * (second as f64 / 4.0).min(1.0);
        state.apply(Event::Run(RunEvent::Progress(RunProgress {
            at: at.back(Duration::from_secs(18 - second)),
            key: now.clone(),
            since: at.back(Duration::from_secs(18)),
            phase: if second < 3 { RunPhase::WarmingUp } else { RunPhase::Measuring },
            done: second as f64 / 29.0,
            left: Some(Duration::from_secs(30 - second)),
            value: (second > 0).then_some(value),
            samples: vec![43_100.0; (second / 3) as usize],
            beside: vec!["p99 4.2 ms".into(), "ARC hits 0 %".into()],
        })));
    }
}

/// One event at the state's own moment.
pub fn apply(state: &mut State, event: impl FnOnce(Stamp) -> RunEvent) {
    let at = at(state);
    state.apply(Event::Run(event(at)));
}

/// The kernel changed before the newest run: it is compared with nothing.
pub fn another_file(state: &mut State) {
    apply(state, |at| {
        let mut run = run("storage_read_bytes_per_second", at.unix_ms, HOUR, 2.11e9, 0.02);
        run.fingerprint.insert("file".into(), "16.0 GiB".into());
        RunEvent::Measured { at, key: key("storage-read"), runs: vec![run] }
    });
}

/// What had made it worse was taken back: three runs after that, and what they found.
pub fn taken_back(state: &mut State, iops: f64) {
    changed_then_measured(state, ["dataset", "models/service", "compression"], iops);
}

/// What this is of went from gzip-9 to lz4: three runs after that, and what they found.
pub fn changed_then_measured(state: &mut State, of: [&str; 3], iops: f64) {
    changed_and_measured(state, of, HOUR, iops);
}

/// The same; the change was noticed so long ago, and the first run began 50 minutes ago.
pub fn changed_and_measured(state: &mut State, [kind, of, property]: [&str; 3], ago: i64, iops: f64) {
    apply(state, |at| {
        let change = Change {
            at_unix_ms: at.unix_ms - ago,
            kind: kind.into(),
            of: of.into(),
            property: property.into(),
            before: Some("gzip-9".into()),
            after: Some("lz4".into()),
        };
        RunEvent::Changed { at, change }
    });
    apply(state, |at| {
        let run = |ago: i64| run("storage_random_64k_iops", at.unix_ms, ago * HOUR / 6, iops, 0.02);
        RunEvent::Measured { at, key: key("storage-random-64k"), runs: [5, 4, 3].map(run).into() }
    });
}

/// The same, as `bench.undo` allows; how it stands.
pub fn undone_automatically(state: &mut State, step: UndoStep, text: &str) {
    apply(state, |at| {
        let series = SeriesKey { benchmark: "storage_random_64k_iops".into(), of: "models/service".into() };
        let (at_unix_ms, run, text) = (at.unix_ms - HOUR / 2, String::new(), text.into());
        RunEvent::Undo { at, note: UndoNote { at_unix_ms, series, run, step, text } }
    });
}

/// Forty runs that become worse by little each time.
pub fn drifting(state: &mut State) {
    apply(state, |at| {
        let value = |day: i64| 812e6 * if day > 80 { 1.0 } else { 1.0 - (80 - day) as f64 * 0.0012 };
        let run = |at_run: i64| {
            let days = at_run * 4;
            let run = run("storage_read_bytes_per_second", at.unix_ms, days * DAY + 2 * HOUR, value(days), 0.01);
            Run { of: "media".into(), id: format!("media-{days}"), ..run }
        };
        RunEvent::Measured {
            at,
            key: BenchKey { of: "media".into(), ..key("storage-read") },
            runs: (0..40).map(run).collect(),
        }
    });
}
