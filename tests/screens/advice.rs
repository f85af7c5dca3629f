//! Advice that can be acted on, on a simulated clock: it is on the screen with the sample that crosses its time, `x` offers
//! what to do with a value, and nothing is done before a preview and a yes.

use std::{sync::Arc, time::Duration};

use benchtop::{
    alert,
    clock::Stamp,
    model::{
        answer::Answer,
        container::{Container, ContainerSample, Engine, RunState, Usage},
        event::{Envelope, Event, Sample},
        pool::{Dataset, Pool, PoolSample},
        source::SourceId,
    },
    request::{Command, ContainerAct, Job, PoolAct},
    state::State,
};

use super::frame::text;
use crate::{accept_frame, drawn, press, truecolor};

const GIB: u64 = 1 << 30;
const HOUR: u64 = 3600;
const SIZES: [(u16, u16); 2] = [(160, 45), (80, 24)];

fn read(state: &mut State, source: SourceId, second: u64, sample: Sample) {
    let (took, every, at) = (Duration::from_millis(1), Duration::from_secs(1), Stamp::at_seconds(second));
    state.apply(Event::Reading(Envelope { source, at, took, every, outcome: Ok(sample) }));
    state.apply(Event::Tick(at));
}

/// One container that uses this much of its 2 GiB.
fn container(second: u64, used: u64) -> Sample {
    let meta = Container {
        id: "ab".repeat(32),
        name: "jellyfin".into(),
        image: "jellyfin:10.10".into(),
        state: RunState::Running,
        pid: 70_000,
        memory_limit: Some(2 * GIB),
        started_unix_ms: Some(0),
        ..Container::default()
    };
    let usage = Usage { memory_bytes: Some(used), cpu_us: Some(second * 10_000), ..Usage::default() };
    let engine = Engine {
        kind: "docker".into(),
        address: "unix:///var/run/docker.sock".into(),
        local: true,
        listed: true,
        ..Engine::default()
    };
    let usages = [(meta.id.clone(), usage)].into();
    Sample::Containers(ContainerSample { engines: vec![engine], containers: vec![Arc::new(meta)], usages })
}

fn pool(second: u64, used: u64) -> Sample {
    let at = Stamp::at_seconds(second);
    let pool = Pool {
        name: "tank".into(),
        state: "ONLINE".into(),
        size: Some(100 * GIB),
        allocated: Some(used * GIB),
        free: Some((100 - used) * GIB),
        ..Pool::default()
    };
    let dataset = |name: &str, used: u64, compression: &str| Dataset {
        name: name.into(),
        used: used * GIB,
        ratio: Some(1.0),
        compression: compression.into(),
        ..Dataset::default()
    };
    Sample::Pools(Box::new(PoolSample {
        states: vec![("tank".into(), "ONLINE".into())],
        pools: Answer::new(vec![pool], at),
        datasets: Answer::new(vec![dataset("tank/db", 4, "lz4"), dataset("tank/backup", 61, "off")], at),
        ..PoolSample::default()
    }))
}

fn advised(state: &State) -> Vec<&str> {
    state.watches.iter().filter(|watch| watch.held).map(|watch| watch.rule.as_str()).collect()
}

/// What is on the screen after these keys, in both sizes; the last one's commands.
fn after(name: &str, state: &State, keys: &str) -> (String, Vec<Command>) {
    let mut last = (String::new(), Vec::new());
    for size in SIZES.into_iter().rev() {
        let mut ui = truecolor();
        drawn(&mut ui, state, size);
        let mut commands = Vec::new();
        // A question takes no key that was typed before it was drawn.
        for key in keys.chars() {
            commands = press(&mut ui, state, &key.to_string());
            drawn(&mut ui, state, size);
        }
        let buf = drawn(&mut ui, state, size);
        if !name.is_empty() {
            accept_frame(name, &buf);
        }
        last = (text(&buf), commands);
    }
    last
}

#[test]
fn a_container_near_its_limit_is_offered_more() {
    let mut state = State::new(alert::shipped().into());
    let used = 2 * GIB * 83 / 100;
    for second in 1..=HOUR {
        read(&mut state, SourceId::Containers, second, container(second, used));
        assert!(advised(&state).is_empty(), "second {second}");
    }
    read(&mut state, SourceId::Containers, HOUR + 1, container(HOUR + 1, used));
    assert_eq!(advised(&state), ["container_memory_limit"], "with the sample that crosses");
    after("advice-container", &state, "a");
    let (offered, _) = after("advice-container-limits", &state, "ax");
    assert!(offered.contains("limits of jellyfin") && offered.contains("memory 3G"), "{offered}");
    let (asked, commands) = after("advice-container-question", &state, "ax\n");
    assert!(asked.contains("set limits of jellyfin?") && asked.contains("2.0 GiB → 3.0 GiB"), "{asked}");
    assert!(commands.is_empty(), "nothing before the yes: {commands:?}");
    assert!(after("", &state, "ax\n\n").1.is_empty() && after("", &state, "ax\nn").1.is_empty());
    let (_, commands) = after("", &state, "ax\ny");
    let [Command::Job(Job::Container { name, act: ContainerAct::Limit(limits), .. })] = &commands[..] else {
        panic!("{commands:?}")
    };
    assert_eq!((name.as_str(), limits.memory.map(|(memory, _)| memory)), ("jellyfin", Some(3 << 30)));
    assert_eq!(limits.nano_cpus, None, "the rest stays as it is");
}

#[test]
fn a_pool_that_fills_shows_what_fills_it_and_offers_compression() {
    let mut state = State::new(alert::shipped().into());
    for second in 1..=10 {
        read(&mut state, SourceId::Pools, second, pool(second, 71));
        assert!(advised(&state).is_empty(), "second {second}");
    }
    read(&mut state, SourceId::Pools, 11, pool(11, 71));
    assert_eq!(advised(&state), ["pool_filling"]);
    let (fills, _) = after("advice-pool", &state, "ax");
    let at = |word: &str| fills.find(word).unwrap_or_else(|| panic!("{word}: {fills}"));
    assert!(fills.contains("what fills tank") && at("tank/backup") < at("tank/db"), "the largest first: {fills}");
    let (asked, commands) = after("advice-pool-question", &state, "ax\n\n");
    assert!(asked.contains("set compression of tank/backup to lz4?") && asked.contains("now off"), "{asked}");
    assert!(asked.contains("affects new writes only"), "{asked}");
    assert!(after("", &state, "ax\nG\n").0.contains("compression of tank/backup is already off"), "nothing to do");
    let (asked, _) = after("", &state, "axj\n\n");
    assert!(asked.contains("set compression of tank/db to zstd?"), "what is compressed is compressed more: {asked}");
    assert!(commands.is_empty(), "nothing before the yes: {commands:?}");
    let (_, commands) = after("", &state, "ax\n\ny");
    let [Command::Job(Job::Pool { pool, act: PoolAct::Set { dataset, property, before, .. } })] = &commands[..] else {
        panic!("{commands:?}")
    };
    let set = [pool, dataset, property, before].map(String::as_str);
    assert_eq!(set, ["tank", "tank/backup", "compression", "off"], "what was there is known, for the undo");
}
