//! What the rules say of pools: a pool that is online may still have lost files, or lack a log, a cache or a spare.

use std::time::Duration;

use benchtop::{
    alert::{Level, shipped},
    clock::Stamp,
    model::{
        answer::Answer,
        event::{Envelope, Event, Sample},
        pool::{Class, Pool, PoolSample, Vdev},
        source::SourceId,
    },
    state::{State, levels},
};

fn device(class: Class, name: &str, state: &str) -> Vdev {
    Vdev { class, name: format!("/dev/{name}"), state: state.into(), leaf: true, ..Vdev::default() }
}

/// What is held of this pool.
fn held(pool: Pool) -> Vec<(Level, String)> {
    let state = judged(pool);
    state.watches.iter().filter(|w| w.held).map(|w| (w.level, w.say.clone())).collect()
}

/// The state after twenty seconds of this pool.
fn judged(pool: Pool) -> State {
    let mut state = State::new(shipped().into());
    let sample = PoolSample {
        states: vec![(pool.name.clone(), pool.state.clone())],
        pools: Answer::new(vec![pool], Stamp::at_seconds(1)),
        ..PoolSample::default()
    };
    let (took, every) = (Duration::from_millis(1), Duration::from_secs(1));
    for second in 1..=20 {
        let outcome = Ok(Sample::Pools(Box::new(sample.clone())));
        let at = Stamp::at_seconds(second);
        state.apply(Event::Reading(Envelope { source: SourceId::Pools, at, took, every, outcome }));
        state.judge();
    }
    state
}

fn pool(state: &str, vdevs: Vec<Vdev>) -> Pool {
    Pool { name: "tank".into(), state: state.into(), vdevs, data_errors: Some(0), ..Pool::default() }
}

#[test]
fn a_missing_log_cache_or_spare_is_a_warning() {
    let data = device(Class::Normal, "sda", "ONLINE");
    assert_eq!(held(pool("ONLINE", vec![data.clone(), device(Class::Spare, "sdz", "AVAIL")])), []);
    for (class, name) in [(Class::Log, "log"), (Class::Cache, "cache"), (Class::Spare, "spare")] {
        let expected = format!("tank has devices that are not available: {name} sdx unavail");
        let found = held(pool("ONLINE", vec![data.clone(), device(class, "sdx", "UNAVAIL")]));
        assert_eq!(found, [(Level::Warn, expected)]);
    }
}

#[test]
fn a_degraded_pool_is_said_once() {
    let found = held(pool("DEGRADED", vec![device(Class::Normal, "sda", "OFFLINE")]));
    assert_eq!(found, [(Level::Crit, "tank is degraded: sda offline".to_owned())]);
}

#[test]
fn lost_files_are_critical_though_online() {
    let found = held(Pool { data_errors: Some(32), ..pool("ONLINE", vec![device(Class::Normal, "sda", "ONLINE")]) });
    let words = "tank: 32 permanent data errors (zpool status -v tank lists the files)";
    assert_eq!(found, [(Level::Crit, words.to_owned())]);
    assert_eq!(held(Pool { data_errors: None, ..pool("ONLINE", Vec::new()) }), [], "not known is not lost");
}

#[test]
fn the_pool_s_level_knows_lost_files_and_missing_devices() {
    let level = |pool| {
        let state = judged(pool);
        levels::pool(&state, &state.host.pools.rows[0])
    };
    let data = || device(Class::Normal, "sda", "ONLINE");
    assert_eq!(level(pool("ONLINE", vec![data()])), Level::Ok);
    assert_eq!(level(pool("ONLINE", vec![data(), device(Class::Log, "sdl", "UNAVAIL")])), Level::Warn);
    assert_eq!(level(Pool { data_errors: Some(1), ..pool("ONLINE", vec![data()]) }), Level::Crit);
}
