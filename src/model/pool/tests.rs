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
