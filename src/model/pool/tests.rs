//! Folds of invented pools: what fails one, errors, datasets.

use std::{sync::Arc, time::Duration};

use super::*;

fn vdev(name: &str, state: &str, errors: u64) -> Vdev {
    Vdev { name: name.into(), state: state.into(), errors: [0, 0, errors], leaf: true, ..Vdev::default() }
}

fn sample(vdevs: Vec<Vdev>) -> PoolSample {
    let pool = Pool {
        name: "tank".into(),
        state: "DEGRADED".into(),
        vdevs,
        size: Some(100),
        allocated: Some(86),
        ..Pool::default()
    };
    PoolSample {
        states: vec![("tank".into(), "DEGRADED".into())],
        pools: Answer { value: Arc::new(vec![pool]), ..Answer::default() },
        ..PoolSample::default()
    }
}

fn fold(pools: &mut Pools, second: u64, sample: PoolSample) {
    let since = (second > 1).then_some(Duration::from_secs(1));
    pools.apply(Span { at: Stamp::at_seconds(second), every: Duration::from_secs(1), since }, sample);
}

#[test]
fn a_pool_names_the_devices_that_fail_it() {
    let mut pools = Pools::default();
    let lost = Vdev { note: "was /dev/sdx1".into(), ..vdev("6173901934738265661", "UNAVAIL", 0) };
    fold(&mut pools, 1, sample(vec![vdev("/dev/sda1", "ONLINE", 0), vdev("/dev/sdd1", "OFFLINE", 0), lost]));
    assert_eq!(pools.rows[0].cause().as_deref(), Some("sdd1 offline, sdx1 unavail"));
    assert_eq!(pools.rows[0].used_ratio(), Some(0.86));
    assert!(!pools.rows[0].is_healthy());
    let online = PoolSample { states: vec![("tank".into(), "ONLINE".into())], ..sample(Vec::new()) };
    fold(&mut pools, 2, online);
    assert!(pools.rows[0].is_healthy());
}

#[test]
fn errors_count_from_the_first_reading_and_restart_after_clear() {
    let mut pools = Pools::default();
    for (second, errors, grown) in [(1, 5, 0), (2, 9, 4), (3, 0, 0), (4, 2, 2)] {
        fold(&mut pools, second, sample(vec![vdev("/dev/sda1", "ONLINE", errors)]));
        assert_eq!(pools.rows[0].errors_grown, grown, "second {second}");
    }
}

#[test]
fn a_folder_belongs_to_the_dataset_mounted_deepest_above_it() {
    let mut pools = Pools::default();
    let at = |name: &str, mountpoint: &str| Dataset {
        name: name.into(),
        mountpoint: Some(mountpoint.into()),
        ..Dataset::default()
    };
    let value = Arc::new(vec![at("tank", "/tank"), at("tank/media", "/tank/media"), at("tank/me", "/tank/me")]);
    fold(&mut pools, 1, PoolSample { datasets: Answer { value, ..Answer::default() }, ..PoolSample::default() });
    let of = |path: &str| pools.dataset_of(path).map(|d| d.reported.name.as_str());
    assert_eq!(of("/tank/media/films"), Some("tank/media"));
    assert_eq!(of("/tank/mediax"), Some("tank"));
    assert_eq!(of("/home"), None);
}

#[test]
fn datasets_have_rates_by_their_kstats() {
    let mut pools = Pools::default();
    let reading = |written_bytes| PoolSample {
        counters: vec![DatasetCounters { name: "tank/db".into(), written_bytes, ..DatasetCounters::default() }],
        datasets: Answer {
            value: Arc::new(vec![Dataset { name: "tank/db".into(), ..Dataset::default() }]),
            ..Answer::default()
        },
        ..PoolSample::default()
    };
    fold(&mut pools, 1, reading(1000));
    assert_eq!(pools.datasets[0].write_per_second, None);
    fold(&mut pools, 2, reading(5000));
    assert_eq!(pools.datasets[0].write_per_second, Some(4000.0));
}

#[test]
fn the_wait_of_a_pool_weighs_reads_and_writes_by_their_number() {
    let wait = |reads, read_wait, writes, write_wait| {
        let io = PoolIo { reads, writes, read_wait, write_wait, ..PoolIo::default() };
        PoolRow { io: Some(io), ..PoolRow::default() }.wait()
    };
    assert_eq!(wait(30.0, Some(0.1), 10.0, Some(0.5)), Some(0.2));
    assert_eq!(wait(30.0, Some(0.1), 10.0, None), Some(0.1));
    assert_eq!(wait(30.0, None, 10.0, Some(0.5)), Some(0.5));
    assert_eq!(wait(0.0, Some(0.1), 0.0, Some(0.5)), Some(0.1), "nothing was done: the last wait that is known");
    assert_eq!(wait(0.0, None, 0.0, None), None);
    assert_eq!(PoolRow::default().wait(), None);
}

#[test]
fn the_worst_wait_is_that_of_one_device_in_one_direction() {
    let io = |read_wait, write_wait| PoolIo { read_wait, write_wait, ..PoolIo::default() };
    let vdev_io = vec![
        ("sda".to_owned(), io(Some(0.2), Some(0.1))),
        ("sdb".to_owned(), io(Some(0.1), Some(0.4))),
        ("sdc".to_owned(), io(None, Some(0.3))),
        ("sdd".to_owned(), io(None, None)),
    ];
    assert_eq!(PoolRow { vdev_io, ..PoolRow::default() }.worst_wait(), Some(("sdb", 0.4)));
    let idle = vec![("sdd".to_owned(), io(None, None))];
    assert_eq!(PoolRow { vdev_io: idle, ..PoolRow::default() }.worst_wait(), None);
}

#[test]
fn a_suspended_pool_and_a_silent_tool_stand_still() {
    let row = |state: &str, silent| PoolRow { state: state.into(), silent, ..PoolRow::default() };
    assert!(!row("DEGRADED", false).stands_still());
    assert!(row("SUSPENDED", false).stands_still() && row("ONLINE", true).stands_still());
}

#[test]
fn rates_go_to_the_pool_and_to_its_leaves() {
    let io = |read_bytes| PoolIo { read_bytes, write_bytes: read_bytes * 2.0, ..PoolIo::default() };
    let row = |pool: &str, vdev: Option<&str>, bytes| (pool.to_owned(), vdev.map(str::to_owned), io(bytes));
    let mirror = Vdev { leaf: false, ..vdev("mirror-0", "ONLINE", 0) };
    let sample = |fault| {
        let rows = vec![
            row("other", None, 1.0),
            row("tank", None, 2.0),
            row("other", Some("sda1"), 3.0),
            row("tank", Some("mirror-0"), 4.0),
            row("tank", Some("sda1"), 5.0),
        ];
        let io = Answer { value: Arc::new(IoRates { number: 1, rows }), fault, ..Answer::default() };
        PoolSample { io, ..sample(vec![mirror.clone(), vdev("sda1", "ONLINE", 0)]) }
    };
    let mut pools = Pools::default();
    fold(&mut pools, 1, sample(None));
    assert_eq!(pools.rows[0].io, Some(io(2.0)));
    assert_eq!(pools.rows[0].vdev_io, [("sda1".to_owned(), io(5.0))]);
    fold(&mut pools, 2, sample(Some(Fault::Timeout)));
    assert_eq!((pools.rows[0].io, pools.rows[0].vdev_io.len()), (None, 0), "what does not answer has no rates");
    let past = |series: &Series| series.iter().collect::<Vec<_>>();
    assert_eq!(past(&pools.rows[0].read_history), [Some(2.0), None]);
    assert_eq!(past(&pools.rows[0].write_history), [Some(4.0), None]);
}

#[test]
fn a_pool_and_a_dataset_are_found_by_name() {
    let mut pools = Pools::default();
    let value = Arc::new(vec![Dataset { name: "tank/db".into(), ..Dataset::default() }]);
    let datasets = Answer { value, ..Answer::default() };
    fold(&mut pools, 1, PoolSample { datasets, ..sample(Vec::new()) });
    assert_eq!(pools.find("tank").map(|row| row.name.as_str()), Some("tank"));
    assert!(pools.find("tan").is_none());
    assert!(pools.dataset("tank/db").is_some() && pools.dataset("tank").is_none());
}

#[test]
fn a_size_of_zero_is_no_share() {
    let share = |size, allocated| {
        let reported = Some(Pool { size, allocated, ..Pool::default() });
        PoolRow { reported, ..PoolRow::default() }.used_ratio()
    };
    assert_eq!(share(Some(200), Some(50)), Some(0.25));
    assert_eq!((share(Some(0), Some(0)), share(None, Some(1)), share(Some(1), None)), (None, None, None));
}

#[test]
fn each_silent_tool_says_why_and_since_when() {
    let mut pools = Pools::default();
    assert!(pools.silent_tools(Stamp::at_seconds(100)).is_empty());
    pools.raw.pools.fault = Some(Fault::Timeout);
    pools.raw.pools.at = Some(Stamp::at_seconds(40));
    pools.raw.datasets.fault = Some(Fault::Denied { what: "zfs list".into(), hint: "run as root".into() });
    pools.raw.io.fault = Some(Fault::Broken("no numbers".into()));
    assert_eq!(
        pools.silent_tools(Stamp::at_seconds(100)),
        [
            "zpool: does not answer, last answer 1m ago",
            "zfs: is denied: zfs list (run as root)",
            "zpool iostat: no numbers"
        ]
    );
}

#[test]
fn a_sample_is_settled_when_every_tool_has_spoken() {
    let settled = |pools, datasets, io| {
        let at = |waits: bool| (!waits).then(|| Stamp::at_seconds(1));
        let mut sample = PoolSample { states: vec![("tank".into(), "ONLINE".into())], ..PoolSample::default() };
        (sample.pools.at, sample.datasets.at, sample.io.at) = (at(pools), at(datasets), at(io));
        sample.is_settled()
    };
    assert!(settled(false, false, false));
    for (pools, datasets, io) in [(true, false, false), (false, true, false), (false, false, true)] {
        assert!(!settled(pools, datasets, io), "{pools} {datasets} {io}");
    }
    assert!(PoolSample::default().is_settled(), "without a pool no tool is asked");
}
