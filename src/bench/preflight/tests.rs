//! Machines that are quiet, busy, full, hot or at work for others, and what is said of them.

use super::*;
use crate::model::{
    bench::{BenchKey, CheckOutcome},
    cpu::CpuShares,
    disk::{Disk, DiskCounters},
    filesystem::{Filesystem, Space},
    gpu::{Gpu, GpuRow},
    model_server::{ModelRow, ServerRow},
    pool::{Pool, PoolRow, Scan, ScanKind, ScanState},
};

const GIB: u64 = 1 << 30;

fn planned(bench: &str, place: &str, needs: u64) -> Planned {
    let plan = Plan { place: Some(place.to_owned()), needs, ..Plan::default() };
    Planned { key: BenchKey { bench: bench.to_owned(), of: place.to_owned() }, plan: Ok(plan) }
}

fn mount(mount: &str, device: &str, kind: &str, free: u64) -> Filesystem {
    let space = Space { size: 100 * GIB, free, available: free, ..Space::default() };
    Filesystem {
        mount: mount.to_owned(),
        device: device.to_owned(),
        kind: kind.to_owned(),
        options: String::new(),
        read_only: false,
        space: Ok(space),
    }
}

/// What was found of what contains `word`.
fn find(state: &State, planned: &[Planned], word: &str) -> (CheckOutcome, String) {
    let found: Vec<Check> = checks(state, planned).into_iter().filter(|check| check.text.contains(word)).collect();
    assert_eq!(found.len(), 1, "{word}: {:?}", checks(state, planned));
    (found[0].outcome, found[0].text.clone())
}

#[test]
fn a_quiet_machine_passes() {
    let mut state = State::default();
    state.host.filesystems.filesystems = vec![mount("/", "/dev/sda1", "ext4", 50 * GIB)];
    let all = checks(&state, &[planned("storage-read", "/", 2 * GIB)]);
    assert!(all.iter().all(|check| check.outcome == CheckOutcome::Passed), "{all:?}");
    assert_eq!(all[0].text, "/ has 50.0 GiB free, 4.0 GiB are needed");
    assert!(checks(&state, &[]).is_empty(), "nothing to run, nothing to check");
}

#[test]
fn room_is_that_of_the_filesystem_it_is_written_to() {
    let mut state = State::default();
    let full = mount("/srv", "/dev/sdb1", "ext4", 3 * GIB);
    state.host.filesystems.filesystems = vec![mount("/", "/dev/sda1", "ext4", 50 * GIB), full];
    let two = [planned("storage-read", "/srv/x", 2 * GIB), planned("storage-write", "/srv", GIB)];
    let (outcome, text) = find(&state, &two, "/srv has");
    assert_eq!(outcome, CheckOutcome::Stops);
    assert_eq!(text, "/srv has 3.0 GiB free, 4.0 GiB are needed: delete something, or choose another place");
    let (outcome, text) = find(&state, &[planned("storage-read", "/srv", GIB)], "/srv has");
    assert_eq!((outcome, text.contains("98% full")), (CheckOutcome::Warns, true), "{text}");
    let (outcome, _) = find(&State::default(), &[planned("storage-read", "/srv", GIB)], "not known");
    assert_eq!(outcome, CheckOutcome::Warns);
}

#[test]
fn a_scan_stops_what_measures_its_pool() {
    let mut state = State::default();
    let scan = Scan {
        kind: ScanKind::Scrub,
        state: ScanState::Running,
        started_unix: None,
        ended_unix: None,
        done_ratio: Some(0.4),
        remaining: None,
        errors: 0,
        repaired_bytes: None,
    };
    let pool = Pool { name: "tank".to_owned(), scan: Some(scan), ..Pool::default() };
    let mut row = PoolRow::default();
    (row.name, row.state, row.reported) = ("tank".to_owned(), "ONLINE".to_owned(), Some(pool));
    state.host.pools.rows = vec![row];
    let tank = mount("/tank", "tank/models", "zfs", 50 * GIB);
    state.host.filesystems.filesystems = vec![mount("/", "/dev/sda1", "ext4", 50 * GIB), tank];
    let (outcome, text) = find(&state, &[planned("storage-read", "/tank", GIB)], "scrub");
    assert_eq!(outcome, CheckOutcome::Stops);
    assert_eq!(text, "a scrub of tank is under way, 40% done: zpool scrub -p tank pauses it");
    assert_eq!(find(&state, &[planned("storage-read", "/", GIB)], "scrub").0, CheckOutcome::Warns);
    state.host.pools.rows[0].reported = None;
    let quiet = find(&state, &[planned("storage-read", "/tank", GIB)], "scrub");
    assert_eq!(quiet, (CheckOutcome::Passed, "no scrub or resilver is under way".to_owned()));
    for (word, outcome) in [("DEGRADED", CheckOutcome::Warns), ("SUSPENDED", CheckOutcome::Stops)] {
        state.host.pools.rows[0].state = word.to_owned();
        assert_eq!(find(&state, &[planned("storage-read", "/tank", GIB)], "tank is").0, outcome);
    }
}

#[test]
fn others_at_work_are_a_warning() {
    let plans = [planned("storage-read", "/", 0)];
    let mut state = State::default();
    state.host.facts.threads = Some(4);
    state.host.load.raw.load1 = 2.1;
    assert_eq!(find(&state, &plans, "load 2.1 on 4 threads").0, CheckOutcome::Warns);
    state.host.facts.load_of_host = true;
    assert_eq!(find(&state, &plans, "load 2.1").0, CheckOutcome::Passed, "in a container it is the host's");
    state.host.cpu.shares = Some(CpuShares { busy: 0.3, ..CpuShares::default() });
    assert_eq!(find(&state, &plans, "CPU 30% busy").0, CheckOutcome::Warns);
    let busy = |name: &str| Disk {
        raw: DiskCounters { name: name.to_owned(), ..DiskCounters::default() },
        busy_ratio: Some(0.6),
        ..Disk::default()
    };
    state.host.disks.disks = vec![busy("sda"), busy("dm-0")];
    assert_eq!(find(&state, &plans, "sda is 60% busy").0, CheckOutcome::Warns);
    assert!(!checks(&state, &plans).iter().any(|check| check.text.contains("dm-0")), "a layer counts once");
}

#[test]
fn a_model_in_use_stops_benchmarks_of_models() {
    let mut state = State::default();
    let raw = Gpu { name: "RTX 4060 Ti".to_owned(), ..Gpu::default() };
    state.host.gpus.rows = vec![GpuRow { raw, busy: Some(0.9), ..GpuRow::default() }];
    assert_eq!(find(&state, &[planned("storage-read", "/", 0)], "GPU 0").0, CheckOutcome::Warns);
    assert_eq!(find(&state, &[planned("model-response", "/", 0)], "GPU 0").0, CheckOutcome::Stops);
    state.host.gpus.rows[0].busy = Some(0.0);
    assert_eq!(find(&state, &[planned("model-response", "/", 0)], "no GPU is in use").0, CheckOutcome::Passed);
}

#[test]
fn heat_stops_and_a_lost_card_concerns_models_alone() {
    use crate::model::gpu::CardState;
    let mut state = State::new(crate::alert::shipped().into());
    let card = |index, state, temperature| GpuRow {
        raw: Gpu { index, name: "RTX".into(), state, temperature, ..Gpu::default() },
        ..GpuRow::default()
    };
    let lost = CardState::Lost("it fell off the bus".into());
    state.host.gpus.rows = vec![card(0, CardState::Up, Some(60.0)), card(1, lost, Some(97.0))];
    let storage = [planned("storage-read", "/srv", GIB)];
    assert_eq!(find(&state, &storage, "temperature").0, CheckOutcome::Passed);
    assert!(!checks(&state, &storage).iter().any(|check| check.text.contains("fell off")));
    let (outcome, text) = find(&state, &[planned("model-load", "/srv", GIB)], "fell off");
    assert_eq!((outcome, text.as_str()), (CheckOutcome::Warns, "GPU 1 (RTX) is lost: it fell off the bus"));
    state.host.gpus.rows[0].raw.temperature = Some(96.0);
    let (outcome, text) = find(&state, &storage, "cool down");
    assert_eq!((outcome, text.as_str()), (CheckOutcome::Stops, "GPU 0 is at 96 °C: let it cool down first"));
}

#[test]
fn model_server_that_answers_others_stops_its_benchmarks() {
    let mut state = State::default();
    let mut row = ServerRow::default();
    row.raw.name = "ollama".to_owned();
    row.models.push(ModelRow::default());
    state.host.model_servers.rows.push(row);
    let mut plan = planned("model-response", "/", 0);
    if let Ok(plan) = &mut plan.plan {
        plan.of = "llama3.1:8b at ollama".to_owned();
    }
    let plans = [plan];
    assert_eq!(find(&state, &plans, "model server").0, CheckOutcome::Passed);
    state.host.model_servers.rows[0].models[0].raw.work.running = Some(2.0);
    assert_eq!(
        find(&state, &plans, "works on"),
        (CheckOutcome::Stops, "ollama works on 2 requests of others: wait until it is idle".to_owned())
    );
    assert!(checks(&state, &[planned("storage-read", "/", 0)]).iter().all(|check| !check.text.contains("works on")));
}

#[test]
fn a_benchmark_that_got_worse_does_not_speak_against_measuring_it_again() {
    let watch = |label: &str, say: &str| Watch {
        rule: "r".to_owned(),
        labels: vec![(label.to_owned(), "x".to_owned())],
        level: Level::Warn,
        held: true,
        say: say.to_owned(),
        ..Watch::default()
    };
    let mut state = State::default();
    state.watches.push(watch("benchmark", "storage_read is worse"));
    let plans = [planned("storage-read", "/", GIB)];
    assert_eq!(find(&state, &plans, "alert").0, CheckOutcome::Passed);
    state.watches.push(watch("pool", "tank is degraded"));
    assert_eq!(find(&state, &plans, "alert"), (CheckOutcome::Warns, "an alert fires: tank is degraded".to_owned()));
}
