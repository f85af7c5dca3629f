//! Runs of the built-in engine in a folder of the test, and what notes say of devices.

use super::*;
use crate::bench::{scratch::Scratch, testing::TestCx};

/// A place in a folder of the test's own.
fn place(folder: &tempfile::TempDir, filesystem: &str, direct: Direct) -> Place {
    let folder = folder.path().canonicalize().expect("real");
    Place {
        of: folder.display().to_string(),
        folder,
        filesystem: filesystem.to_owned(),
        direct,
        dataset: None,
        devices: Vec::new(),
        copies: 1.0,
        free: 1 << 40,
        fingerprint: Fingerprint::new(),
    }
}

fn storage(folder: &tempfile::TempDir, access: Access) -> Storage {
    let place = place(folder, "ext4", Direct::Unknown);
    let pattern = Pattern { access, block: 64 << 10 };
    let mut storage = Storage::new(Root::default(), Engine::Builtin, place, pattern, 4 << 20, false);
    storage.times = [Duration::from_millis(60); 2];
    storage
}

fn made(cx: &TestCx) -> std::path::PathBuf {
    match &cx.made[..] {
        [Scratch::Folder(path)] => path.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_random_run_has_operations_and_latencies() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut cx = TestCx::new(3, 3);
    let measured = storage(&folder, Access::Random).run(&mut cx).expect("measured");
    assert_eq!(cx.phases, [RunPhase::Preparing, RunPhase::WarmingUp, RunPhase::Measuring]);
    assert_eq!(cx.samples.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 3]);
    assert!(cx.samples[0].iter().all(|iops| *iops > 10.0), "{:?}", cx.samples);
    assert!(cx.samples[1][0] <= cx.samples[2][0], "the mean is below the 99 %");
    let file = made(&cx).join(FILE);
    assert_eq!(std::fs::metadata(&file).expect("the file").len(), 4 << 20);
    let method = measured.fingerprint.get("method").expect("a method");
    assert!(method.starts_with("builtin threads 1 64, random 70/30 64k"), "{method}");
    assert!(measured.notes[0].contains("p50 ") && measured.notes[0].contains("p99.9 "), "{:?}", measured.notes);
    assert!(measured.notes.iter().any(|note| note.contains("fio is not installed")));
    assert!(measured.notes.iter().any(|note| note.contains("devices below it are not known")));
    scratch::remove(&cx.made[0], "test", &cx.exec).expect("removed");
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0);
}

#[test]
fn sequential_runs_have_one_figure() {
    for access in [Access::Read, Access::Write] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut cx = TestCx::new(1, 2);
        storage(&folder, access).run(&mut cx).expect("measured");
        assert!(cx.samples[0].iter().all(|rate| *rate > 1e6), "{access:?}: {:?}", cx.samples);
    }
}

#[test]
fn a_stop_in_each_phase_leaves_what_the_journal_names() {
    for phase in [RunPhase::Preparing, RunPhase::WarmingUp, RunPhase::Measuring] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut cx = TestCx::new(3, 30);
        cx.stop_in = Some(phase);
        let mut storage = storage(&folder, Access::Random);
        // Whichever of them a stop does not end would last for an hour; a busy machine is waited for.
        const HOUR: Duration = Duration::from_secs(3600);
        storage.times = [HOUR, if phase == RunPhase::WarmingUp { HOUR } else { Duration::from_millis(20) }];
        let began = Instant::now();
        assert_eq!(storage.run(&mut cx), Err(Stop::Cancelled), "{phase:?}");
        assert!(began.elapsed() < HOUR / 10, "{phase:?}");
        for made in &cx.made {
            scratch::remove(made, "test", &cx.exec).expect("removed");
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0, "{phase:?}");
    }
}

#[test]
fn a_full_disk_is_said() {
    // A limit of the file's size is as good as a full disk: what is written in part is reported.
    let folder = tempfile::tempdir().expect("a folder");
    let mut storage = storage(&folder, Access::Write);
    storage.place.folder = storage.place.folder.join("gone");
    let mut cx = TestCx::new(1, 2);
    let failed = storage.run(&mut cx).expect_err("there is no such folder");
    assert!(matches!(&failed, Stop::Failed(why) if why.contains("gone: No such file")), "{failed}");
}

#[test]
fn the_device_shows_whether_it_was_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    let note = |filesystem, direct, access, moved| cache_note(&place(&folder, filesystem, direct), access, 1e9, moved);
    let moved = |read: f64, written: f64| Some(Moved { read: read as u64, written: written as u64 });
    let real = |access, moved| note("ext4", Direct::Real, access, moved);
    assert_eq!(real(Access::Read, moved(1e9, 0.0)), None);
    assert_eq!(real(Access::Random, moved(0.7e9, 0.3e9)), None);
    let words = |note: Option<String>| note.expect("a note");
    assert_eq!(
        words(real(Access::Random, moved(0.3e9, 0.7e9))),
        "57% of the reads came from a cache, not from the device",
        "more writes make up for no reads"
    );
    assert!(words(real(Access::Random, moved(0.7e9, 0.1e9))).starts_with("only 33% of the bytes reached the device"));
    let mirror = Place { copies: 2.0, ..place(&folder, "zfs", Direct::Cached) };
    let on_mirror = |written: f64| cache_note(&mirror, Access::Write, 1e9, moved(0.0, written));
    assert_eq!(on_mirror(2e9), None);
    assert!(words(on_mirror(1e9)).starts_with("only 50% of the bytes reached the device"), "half of it twice");
    assert_eq!(words(real(Access::Read, moved(0.2e9, 9e9))), "80% of the reads came from a cache, not from the device");
    assert_eq!(
        words(note("zfs", Direct::Cached, Access::Read, moved(0.38e9, 0.0))),
        "62% of the reads came from the ARC, not from the device"
    );
    let write = words(note("zfs", Direct::Cached, Access::Write, moved(0.0, 0.5e9)));
    assert_eq!(write, "only 50% of the bytes reached the device: compressed, or still in the ARC");
    assert_eq!(
        words(note("tmpfs", Direct::Memory, Access::Read, None)),
        "tmpfs is memory: this is not the speed of a disk"
    );
    assert!(words(real(Access::Read, None)).starts_with("the devices below it are not known"));
}

fn report(bytes: u64, seconds: f64) -> Report {
    let latency = crate::bench::storage::report::Latency {
        mean: Some(0.001),
        p50: Some(0.001),
        p99: Some(0.002),
        p999: Some(0.003),
    };
    Report { bytes, operations: 10, seconds, latency, ..Report::default() }
}

#[test]
fn what_is_shown_beside_a_figure_is_rate_and_latencies() {
    let folder = tempfile::tempdir().expect("a folder");
    let beside = |access| storage(&folder, access).beside(&report(1 << 20, 1.0));
    let latencies = ["p50 1.00 ms", "p99 2.00 ms", "p99.9 3.00 ms"];
    assert_eq!(beside(Access::Read), latencies);
    assert_eq!(
        (&beside(Access::Random)[0], &beside(Access::Random)[1..]),
        (&"1.0 MiB/s".to_owned(), &latencies.map(str::to_owned)[..])
    );
}

#[test]
fn notes_say_what_the_figures_leave_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let moved = Some(Moved { read: 1 << 20, written: 1 << 20 });
    let mut storage = storage(&folder, Access::Random);
    storage.place.direct = Direct::Real;
    let notes = storage.notes(&[report(1 << 20, 1.0)], moved, true);
    assert_eq!(
        notes,
        [
            "1.0 MiB/s · p50 1.00 ms · p99 2.00 ms · p99.9 3.00 ms",
            "measured by the built-in engine: fio is not installed"
        ]
    );
    let refused = storage.notes(&[report(1 << 20, 1.0)], moved, false);
    assert_eq!(
        refused[2],
        format!("{} refuses direct I/O here: it went through the page cache", storage.place.filesystem)
    );
    storage.place.direct = Direct::Cached;
    assert_eq!(storage.notes(&[report(1 << 20, 1.0)], moved, false).len(), 2, "it was not asked for");
}
