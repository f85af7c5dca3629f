//! Parsers on what the tools of OpenZFS 2.1 to 2.4 really printed (`tests/fixtures/zfs`), and the source on a made-up root.

use std::{fs, time::Duration};

use super::*;
use crate::{
    collect::testing::read_once,
    interest::Interest,
    model::{
        answer::Answer,
        pool::{Class, Pool, ScanKind, ScanState, Vdev},
    },
    sys::exec::fake::{FakeExec, Script},
};

/// Long after the recordings.
const NOW: i64 = 1_714_600_000;

fn recorded(name: &str) -> String {
    let path = format!("{}/tests/fixtures/zfs/{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn named<'a>(pools: &'a [Pool], name: &str) -> &'a Pool {
    pools.iter().find(|p| p.name == name).unwrap_or_else(|| panic!("no pool {name}"))
}

fn vdev<'a>(pool: &'a Pool, name: &str) -> &'a Vdev {
    pool.vdevs.iter().find(|v| v.name.ends_with(name)).unwrap_or_else(|| panic!("no {name} in {:?}", pool.vdevs))
}

/// What both forms of `zpool status` say of the twelve pools.
fn judge(pools: &[Pool], version: &str) {
    assert_eq!(pools.len(), 12, "{version}");
    let dozer = named(pools, "dozer");
    assert_eq!(dozer.state, "DEGRADED", "{version}");
    assert!(dozer.status.starts_with("One or more devices has been taken offline"), "{}", dozer.status);
    assert!(dozer.action.contains("'zpool online'") && dozer.action.contains("'zpool replace'"), "{}", dozer.action);
    assert_eq!((vdev(dozer, "dozer1").state.as_str(), vdev(dozer, "dozer1").leaf), ("OFFLINE", true));
    assert_eq!(
        (vdev(dozer, "raidz1-0").depth, vdev(dozer, "raidz1-0").leaf, vdev(dozer, "dozer1").depth),
        (0, false, 1)
    );

    let fast = named(pools, "fast");
    let classes: Vec<Class> = fast.vdevs.iter().filter(|v| v.depth == 0).map(|v| v.class).collect();
    assert_eq!(classes, [Class::Normal, Class::Normal, Class::Log, Class::Cache, Class::Spare], "{version}");
    assert_eq!((vdev(fast, "fast-spare").state.as_str(), vdev(fast, "fast-log1").class), ("AVAIL", Class::Log));

    let gone = named(pools, "gone");
    let lost =
        gone.vdevs.iter().find(|v| v.state == "UNAVAIL").unwrap_or_else(|| panic!("{version}: {:?}", gone.vdevs));
    assert_eq!((lost.note.as_str(), lost.short_name()), ("was /vdev/gone1", "gone1"), "{version}");

    let hotspare = named(pools, "hotspare");
    assert_eq!(vdev(hotspare, "hotspare1").state, "FAULTED", "{version}");
    assert_eq!(vdev(hotspare, "hotspare1").note, "external device fault", "{version}");
    assert!(hotspare.vdevs.iter().any(|v| v.class == Class::Spare && v.state == "INUSE"), "{:?}", hotspare.vdevs);

    let exotic = named(pools, "exotic");
    assert_eq!(vdev(exotic, "draid1:2d:4c:1s-0").state, "ONLINE", "{version}");
    for (name, class) in [("exotic-dd", Class::Dedup), ("exotic-sp1", Class::Special)] {
        assert_eq!(vdev(exotic, name).class, class, "{version} {name}");
    }
    assert!(vdev(named(pools, "sick"), "sick1").errors[2] > 0, "{version}");
    assert!(named(pools, "lossy").data_errors > Some(0), "{version}");
    assert_eq!(named(pools, "tank").data_errors, Some(0), "{version}");

    let scan = |name: &str| named(pools, name).scan.clone().unwrap_or_else(|| panic!("{version}: {name} has no scan"));
    assert_eq!((scan("busy").kind, scan("busy").state), (ScanKind::Scrub, ScanState::Running), "{version}");
    assert_eq!((scan("paused").kind, scan("paused").state), (ScanKind::Scrub, ScanState::Paused), "{version}");
    assert_eq!((scan("resilver").kind, scan("resilver").state), (ScanKind::Resilver, ScanState::Running), "{version}");
    assert_eq!((scan("tank").kind, scan("tank").state), (ScanKind::Scrub, ScanState::Finished), "{version}");
    assert_eq!((scan("lossy").errors, scan("tank").errors), (56, 0), "{version}");
    assert_eq!(named(pools, "cramped").scan, None, "{version}: never scrubbed");
}

#[test]
fn text_and_json_agree_on_twelve_pools() {
    for version in ["2.1.11", "2.3.2", "2.4.4"] {
        judge(&status_text::parse(&recorded(&format!("{version}/status.txt"))), version);
    }
    for version in ["2.3.2", "2.4.4"] {
        let text = recorded(&format!("{version}/status.json"));
        judge(&status_json::parse(text.as_bytes(), NOW).expect("JSON"), version);
    }
}

#[test]
fn scans_in_text_have_progress_errors_and_end() {
    let pools = status_text::parse(&recorded("2.1.11/status.txt"));
    let busy = named(&pools, "busy").scan.clone().expect("a scan");
    assert_eq!((busy.done_ratio, busy.remaining), (Some(5.05 / 100.0), None), "no estimated completion time");
    let tank = named(&pools, "tank").scan.clone().expect("a scan");
    assert!(tank.ended_unix.is_some() && tank.started_unix.is_none() && tank.done_ratio.is_none());
    let sick = named(&pools, "sick").scan.clone().expect("a scan");
    assert_eq!(sick.repaired_bytes, Some(3_701_473), "3.53M");
    let text = "  pool: a\n state: ONLINE\n  scan: resilver in progress since Wed May  1 12:00:13 2024\n\t1G scanned\n\
        \t0B resilvered, 40.00% done, 2 days 02:03:04 to go\nconfig:\n";
    let left = status_text::parse(text)[0].scan.clone().and_then(|s| s.remaining);
    assert_eq!(left, Some(Duration::from_secs(2 * 86_400 + 2 * 3600 + 3 * 60 + 4)));
}

#[test]
fn json_with_numbers_has_exact_times() {
    let pools = status_json::parse(recorded("2.3.2/status-int.json").as_bytes(), NOW).expect("JSON");
    let scan = pools[0].scan.clone().expect("a scan");
    assert_eq!((scan.started_unix, scan.ended_unix), (Some(1_714_564_824), Some(1_714_564_825)));
    assert_eq!(
        pools[0].vdevs.iter().map(|v| v.name.as_str()).collect::<Vec<_>>(),
        ["mirror-0", "/dev/vda1", "/dev/vdb1"]
    );
    assert_eq!(status_json::parse(b"zfs-2.1.11-1\n", NOW), None, "2.1 answers `-j` in text");
}

#[test]
fn time_left_counts_what_this_pass_issued() {
    let scan = r#"{"function":"SCRUB","state":"SCANNING","start_time":1000,"to_examine":5000,"skipped":1000,
        "pass_start":1000,"scrub_pause":0,"scrub_spent_paused":0,"issued_bytes_per_scan":1000,"issued":1000}"#;
    let text = format!(r#"{{"pools":{{"a":{{"name":"a","state":"ONLINE","scan_stats":{scan}}}}}}}"#);
    let scan = status_json::parse(text.as_bytes(), 1100).expect("JSON")[0].scan.clone().expect("a scan");
    assert_eq!((scan.done_ratio, scan.remaining), (Some(0.25), Some(Duration::from_secs(300))));
}

#[test]
fn a_suspended_pool_is_read_in_both_forms() {
    let text = status_text::parse(&recorded("2.1.11/suspended.txt"));
    let json = status_json::parse(recorded("2.3.2/suspended.json").as_bytes(), NOW).expect("JSON");
    for pools in [text, json] {
        assert_eq!((pools[0].name.as_str(), pools[0].state.as_str()), ("stuck", "SUSPENDED"));
        assert!(pools[0].action.contains("zpool clear"), "{}", pools[0].action);
    }
}

#[test]
fn sizes_come_from_the_list_which_adds_missing_pools() {
    let mut pools = vec![Pool { name: "tank".into(), state: "ONLINE".into(), ..Pool::default() }];
    let text =
        "tank\t1000\t400\t600\t40\t1.50\tONLINE\t70656\ton\toff\nstuck\t50\t9\t41\t-\t1.00\tSUSPENDED\t-\toff\ton\n";
    tools::space(text, &mut pools);
    let tank = named(&pools, "tank");
    assert_eq!((tank.size, tank.allocated, tank.free), (Some(1000), Some(400), Some(600)));
    assert_eq!((tank.fragmentation, tank.dedup, tank.checkpoint), (Some(0.4), Some(1.5), Some(70_656)));
    assert_eq!((tank.autotrim, tank.readonly), (Some(true), false));
    let stuck = named(&pools, "stuck");
    assert_eq!(
        (stuck.state.as_str(), stuck.fragmentation, stuck.checkpoint, stuck.readonly),
        ("SUSPENDED", None, None, true)
    );
}

#[test]
fn a_pool_that_is_not_open_has_no_sizes() {
    let mut pools = Vec::new();
    tools::space("shut\t-\t-\t-\t-\t-\tUNAVAIL\t-\t-\t-\n", &mut pools);
    assert_eq!((pools[0].size, pools[0].allocated, pools[0].free), (None, None, None));
    assert_eq!((pools[0].dedup, pools[0].autotrim), (None, None));
}

#[test]
fn errors_that_cannot_be_listed_are_unknown() {
    let text = |errors: &str| {
        let text = format!("  pool: a\n state: ONLINE\nconfig:\n\nerrors: {errors}\n");
        status_text::parse(&text)[0].data_errors
    };
    assert_eq!(text("No known data errors"), Some(0));
    assert_eq!(text("7 data errors, use '-v' for a list"), Some(7));
    assert_eq!(text("List of errors unavailable: pool I/O is currently suspended"), None);
    assert_eq!(
        text("Permanent errors have been detected in the following files:\n\n        a/b:/c\n        <0x1>:<0x2>"),
        Some(2)
    );
    let json = |field: &str| {
        let text = format!(r#"{{"pools":{{"a":{{"name":"a","state":"ONLINE"{field}}}}}}}"#);
        status_json::parse(text.as_bytes(), NOW).expect("JSON")[0].data_errors
    };
    assert_eq!((json(""), json(r#","error_count":"3""#), json(r#","error_count":0"#)), (None, Some(3), Some(0)));
}

/// Two mirrors with a spare running in each, a draid with its own spare in use, and lost devices.
const SPARES: &str = "  pool: nest\n state: DEGRADED\nconfig:\n
\tNAME                  STATE     READ  WRITE  CKSUM
\tnest                  DEGRADED  0  0  0
\t  mirror-0            DEGRADED  0  0  0
\t    spare-0           DEGRADED  0  0  0
\t      /dev/sda1       FAULTED   12  0  0  too many errors
\t      /dev/sdx1       ONLINE    0  0  0
\t    /dev/sdb1         ONLINE    0  0  0
\t  mirror-1            DEGRADED  0  0  0
\t    spare-0           DEGRADED  0  0  0
\t      4711            UNAVAIL   0  0  0  was /dev/sdc1
\t      /dev/sdy1       ONLINE    0  0  0
\t    replacing-1       DEGRADED  0  0  0
\t      4712            UNAVAIL   0  0  0  was /dev/sdc1
\t      /dev/sdd1       ONLINE    0  0  0
\t  draid1:2d:4c:1s-2   DEGRADED  0  0  0
\t    spare-0           DEGRADED  0  0  0
\t      /dev/sde1       FAULTED   3  0  0
\t      draid1-2-0      ONLINE    0  0  0
\tspares
\t  /dev/sdx1           INUSE     currently in use
\t  /dev/sdy1           INUSE     currently in use
\t  draid1-2-0          INUSE     currently in use
\t  /dev/sdz1           AVAIL

errors: No known data errors
";

#[test]
fn every_device_has_figures_of_its_own() {
    use super::super::unique::{reading, repeated};
    use crate::model::{host::Host, source::SourceId};
    let mut texts: Vec<String> = ["2.1.11", "2.3.2", "2.4.4"].map(|v| recorded(&format!("{v}/status.txt"))).into();
    texts.push(SPARES.to_owned());
    for text in texts {
        let parsed = status_text::parse(&text);
        let states = parsed.iter().map(|p| (p.name.clone(), p.state.clone())).collect();
        let pools = Answer::new(parsed, Stamp::at_seconds(1));
        let mut host = Host::default();
        let sample = PoolSample { states, pools, ..PoolSample::default() };
        host.apply(reading(SourceId::Pools, 1, Sample::Pools(Box::new(sample))));
        assert_eq!(repeated(&host), Vec::<String>::new());
    }
    let pool = &status_text::parse(SPARES)[0];
    assert_eq!(pool.leaves().count(), 10, "each once: {:?}", pool.leaves().map(|v| &v.name).collect::<Vec<_>>());
}

/// A root with the kstats of one pool.
fn machine(state: &str) -> (tempfile::TempDir, Root) {
    let folder = tempfile::tempdir().expect("folder");
    let kstat = folder.path().join("proc/spl/kstat/zfs/tank");
    fs::create_dir_all(&kstat).expect("folder");
    fs::write(kstat.join("state"), state).expect("file");
    for name in ["objset-0x36", "guid"] {
        let from = format!("{}/tests/fixtures/zfs/2.3.2/kstat-tank/{name}", env!("CARGO_MANIFEST_DIR"));
        fs::copy(from, kstat.join(name)).expect("recorded");
    }
    let root = Root::new(folder.path());
    (folder, root)
}

fn list(sample: &mut PoolSample, datasets: Vec<Dataset>, second: u64) {
    let outcome = Ok(Ok(List::Datasets(datasets)));
    take(sample, Reply { question: Question::Datasets, outcome }, Stamp::at_seconds(second));
}

#[test]
fn datasets_of_a_suspended_pool_are_kept() {
    let dataset = |name: &str| Dataset { name: name.into(), ..Dataset::default() };
    let mut sample = PoolSample {
        states: vec![("stuck".into(), "SUSPENDED".into()), ("tank".into(), "ONLINE".into())],
        ..PoolSample::default()
    };
    list(&mut sample, vec![dataset("stuck"), dataset("stuck/a"), dataset("tank/gone")], 1);
    list(&mut sample, vec![dataset("tank")], 2);
    let names: Vec<&str> = sample.datasets.value.iter().map(|d| d.name.as_str()).collect();
    assert_eq!(names, ["stuck", "stuck/a", "tank"]);
    sample.states[0].1 = "ONLINE".into();
    list(&mut sample, vec![dataset("tank")], 3);
    assert_eq!(sample.datasets.value.len(), 1, "destroyed since");
}

#[test]
fn module_state_is_reported_without_tools() {
    let bare = tempfile::tempdir().expect("folder");
    assert!(matches!(read_once(open, Root::new(bare.path())), Err(Fault::Absent(_))));
    let (_folder, root) = machine("SUSPENDED\n");
    let Ok(Sample::Pools(sample)) = read_once(open, root) else { panic!("no sample") };
    assert_eq!(sample.states, [("tank".to_owned(), "SUSPENDED".to_owned())]);
    assert_eq!(sample.counters.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["tank"]);
    assert!(sample.pools.fault.is_some(), "the tools were not asked: their silence shows");
    assert!(sample.is_settled(), "and nothing more is to come");
}

/// The tools of a machine with the recorded pools.
fn tools() -> Arc<FakeExec> {
    FakeExec::new([
        ("zpool list", Script::says("tank\t1000\t400\t600\t40\t1.50\tONLINE\t-\ton\toff")),
        ("zpool status -j", Script::fails("invalid option 'j'")),
        ("zpool status -P", Script::says(&recorded("2.1.11/status.txt"))),
        ("zpool iostat", Script::hangs_after("1714564938\ntank\t1\t2\t3\t4\t5\t6\t-\t-\n1714564940")),
        ("zfs list", Script::says("")),
    ])
}

fn read(source: &mut Pools, second: u64) -> PoolSample {
    let want = Interest::default();
    let cx = CollectCx::new(Stamp::at_seconds(second), &want);
    match source.collect(&cx) {
        Ok(Sample::Pools(sample)) => *sample,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_reading_has_what_the_tools_list() {
    let (_folder, root) = machine("ONLINE\n");
    let exec = tools();
    let mut source = Pools::open(root, Some(exec.clone())).expect("a module");
    let sample = read(&mut source, 5);
    assert_eq!((sample.pools.at, sample.pools.fault.clone()), (Some(Stamp::at_seconds(5)), None));
    assert_eq!((sample.pools.value.len(), named(&sample.pools.value, "tank").size), (12, Some(1000)));
    assert!(sample.datasets.at.is_some());
    let runs = |command: &str| exec.started().iter().filter(|line| line.starts_with(command)).count();
    assert_eq!((runs("zpool list"), runs("zfs list"), runs("zpool iostat")), (1, 2, 1));
    // One of them resilvers, so that pools are polled every three seconds.
    read(&mut source, 6);
    assert_eq!(runs("zpool list"), 1, "not yet due");
}

#[test]
fn a_tool_that_fails_leaves_its_last_answer() {
    let (_folder, root) = machine("ONLINE\n");
    let exec = tools();
    let mut source = Pools::open(root, Some(exec.clone())).expect("a module");
    let before = read(&mut source, 5);
    exec.set("zpool list", Script::fails("cannot open: Permission denied"));
    let after = loop {
        let sample = read(&mut source, 16);
        if sample.pools.fault.is_some() {
            break sample;
        }
        std::thread::yield_now();
    };
    assert!(matches!(&after.pools.fault, Some(Fault::Denied { what, .. }) if what.starts_with("zpool list: ")));
    assert!(Arc::ptr_eq(&before.pools.value, &after.pools.value) && before.pools.at == after.pools.at);
    assert_eq!(after.datasets.fault, None, "the other tool has its own health");
}

#[test]
fn without_the_programs_only_the_state_is_known() {
    let (_folder, root) = machine("ONLINE\n");
    let mut source = Pools::open(root, Some(FakeExec::new([]))).expect("a module");
    let sample = read(&mut source, 5);
    assert!(matches!(&sample.pools.fault, Some(Fault::Absent(why)) if why.contains("not installed")));
    assert_eq!(sample.states.len(), 1);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parsers_panic(
        text: String,
        lines in proptest::collection::vec("(  pool: |\t|  scan: |errors: |config:|\tNAME STATE)[a-zA-Z0-9 %.,:-]{0,40}", 0..12),
    ) {
        let _ = status_text::parse(&format!("{text}\n{}", lines.join("\n")));
        let _ = status_json::parse(text.as_bytes(), 0);
    }
}

#[test]
fn the_module_says_its_version() {
    let (folder, root) = machine("ONLINE\n");
    let version = |root: &Root| Pools::open(root.clone(), None).expect("a module").sample.version;
    assert_eq!(version(&root), None);
    fs::create_dir_all(folder.path().join("sys/module/zfs")).expect("a folder");
    fs::write(folder.path().join("sys/module/zfs/version"), "2.3.2-1\n").expect("a file");
    assert_eq!(version(&root).as_deref(), Some("2.3.2-1"));
}
