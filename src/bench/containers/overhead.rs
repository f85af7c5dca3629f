//! What the engine itself costs: CPU and memory of its daemons and shims as a share of what the containers use. Containers
//! that are at work are measured as they are; where none is, some of our own work meanwhile.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use serde_json::Value;

use super::common::measured;
use crate::{
    bench::{
        BenchDef, Benchmark, FigureDef, Measured, Offer, Plan, RunCx, Stop, StopFlag, Survey, Work,
        engine::{self, On, Program, Session, Spec},
    },
    clock::TICKS_PER_SECOND,
    model::{
        bench::{Group, RunPhase},
        figure::Better,
        unit::Unit,
    },
    sys::{
        engine::{LIST, ONE},
        json::{Field, Unread},
        root::Root,
    },
};

/// One sample.
const SPAN: Duration = Duration::from_secs(5);
/// Cores that running containers must use to be measured as they are.
const BUSY: f64 = 0.05;
/// Our own: so many, each with so many cores and so much memory (MiB).
const OWN: usize = 12;
const OWN_CORES: f64 = 0.05;
const OWN_MIB: u32 = 16;
/// What an engine consists of, by the names of its processes (the kernel keeps 15 letters).
const DOCKER: [&str; 6] =
    ["dockerd", "containerd", "containerd-shim", "docker-proxy", "docker-init", "docker-containe"];
const PODMAN: [&str; 5] = ["podman", "conmon", "netavark", "aardvark-dns", "rootlessport"];
/// Containers that are looked at, and how many of them at once.
const MOST: usize = 1000;
const AT_ONCE: usize = 100;
/// All their statistics are there by then.
const PATIENCE: Duration = Duration::from_secs(60);
/// Our own have their memory by then.
const SETTLED: Duration = Duration::from_secs(8);

pub const OVERHEAD: BenchDef = BenchDef {
    id: "engine-overhead",
    group: Group::Containers,
    doc: "CPU and memory of engine, containerd and shims as a share of what the containers use",
    figures: &[
        FigureDef { id: "engine_overhead_ratio", title: "engine CPU", unit: Unit::Ratio, better: Better::Lower },
        FigureDef {
            id: "engine_memory_overhead_ratio",
            title: "engine memory",
            unit: Unit::Ratio,
            better: Better::Lower,
        },
    ],
    bench: &Overhead,
};

struct Overhead;

impl Benchmark for Overhead {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        engine::local_offers(survey)
    }

    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let (mut plan, on) = engine::plan(survey, of)?;
        let engines = &survey.state.host.containers.engines;
        let of_it =
            |engine: u16| engines.get(usize::from(engine)).is_some_and(|engine| engine.address == on.place.address);
        let rows = survey.state.host.containers.rows.iter().filter(|row| of_it(row.meta.engine));
        let (count, cores) = rows
            .filter(|row| row.meta.pid > 0)
            .fold((0, 0.0), |(count, cores), row| (count + 1, cores + row.cpu_cores.unwrap_or_default()));
        let own = cores < BUSY;
        let load = if own {
            plan.steps.push(format!(
                "on {}: start {OWN} containers that use {OWN_CORES} cores and {OWN_MIB} MiB each; removed afterwards",
                on.place.address
            ));
            format!("{OWN} containers of {OWN_CORES} cores")
        } else {
            // The image is not needed.
            plan.steps =
                vec![format!("on {}: the {count} running containers ({cores:.2} cores) as they are", on.place.address)];
            "the running containers".to_owned()
        };
        plan.steps.push(format!(
            "up to 30 times {} s: CPU and memory of the engine's processes and of the containers",
            SPAN.as_secs()
        ));
        plan.time = Duration::from_secs(220);
        plan.fingerprint.insert("load".to_owned(), load);
        Ok((plan, Box::new(Run { on, own, root: survey.root.clone() })))
    }
}

struct Run {
    on: On,
    own: bool,
    root: Root,
}

impl Work for Run {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        cx.progress(RunPhase::Preparing, None, Vec::new());
        let session = Session::open(&self.on.place.address, cx)?;
        let mut result = Measured::default();
        let mut made = Vec::new();
        if self.own {
            let image = self.on.image.prepare(&session, cx)?;
            let spec = Spec { cores: Some(OWN_CORES), ..Spec::new(&image.name, Program::Works(OWN_MIB)) };
            for _ in 0..OWN {
                made.push(session.run(cx, "works", &spec)?);
            }
            result = measured(image, "/proc and the engine's statistics");
        }
        cx.progress(RunPhase::WarmingUp, None, Vec::new());
        if self.own {
            cx.stop().sleep(SETTLED)?;
        }
        cx.progress(RunPhase::Measuring, None, Vec::new());
        loop {
            let (cpu, memory, words) = self.once(&session, cx)?;
            cx.progress(RunPhase::Measuring, Some(cpu), vec![words.clone()]);
            cx.sample(1, memory);
            result.notes = vec![words];
            if !cx.sample(0, cpu) {
                break;
            }
        }
        for made in &made {
            session.remove(cx, made)?;
        }
        Ok(result)
    }
}

impl Run {
    /// Shares of CPU and memory, and what they are made of.
    fn once(&self, session: &Session, cx: &dyn RunCx) -> Result<(f64, f64, String), Stop> {
        let stop = cx.stop();
        // What is asked of the engine is outside of the time in which the engine is measured.
        let names: &[&str] = if session.client().podman { &PODMAN } else { &DOCKER };
        let before = containers(session, stop)?;
        let (engine_before, _) = engine(&self.root, names);
        let began = Instant::now();
        stop.sleep(SPAN)?;
        let span = began.elapsed().as_secs_f64();
        let (engine_after, memory) = engine(&self.root, names);
        let after = containers(session, stop)?;
        let ticks = used(&engine_before, &engine_after);
        let engine_cores = ticks as f64 / f64::from(TICKS_PER_SECOND) / span;
        let both = after.iter().filter_map(|(id, after)| Some((before.get(id)?, after)));
        let cores = both.map(|(before, after)| after.cores_since(before)).sum::<f64>();
        let containers_memory = after.values().map(|one| one.memory).sum::<u64>();
        if cores <= 0.0 || containers_memory == 0 {
            return Err(Stop::failed("nothing was measured: no container used CPU or memory"));
        }
        let words = format!(
            "engine {engine_cores:.3} cores, {}; {} containers {cores:.3} cores, {}",
            Unit::Bytes.show(memory as f64),
            after.len(),
            Unit::Bytes.show(containers_memory as f64)
        );
        Ok((engine_cores / cores, memory as f64 / containers_memory as f64, words))
    }
}

/// Ticks of CPU that processes used between two looks. One that is new counts from its beginning; what one used that has
/// ended since is not known.
fn used(before: &BTreeMap<u32, u64>, after: &BTreeMap<u32, u64>) -> u64 {
    after.iter().map(|(pid, ticks)| ticks.saturating_sub(before.get(pid).copied().unwrap_or_default())).sum()
}

/// The engine's processes: ticks of CPU of each, and bytes of memory of all (proportional, else resident).
fn engine(root: &Root, names: &[&str]) -> (BTreeMap<u32, u64>, u64) {
    let (mut ticks, mut memory) = (BTreeMap::new(), 0);
    for entry in std::fs::read_dir(root.path("proc")).into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let used = root.read(format!("proc/{pid}/stat")).ok().and_then(|stat| ticks_of(&stat, names));
        let Some(used) = used else { continue };
        ticks.insert(pid, used);
        memory += root
            .read(format!("proc/{pid}/smaps_rollup"))
            .ok()
            .and_then(|text| kilobytes(&text, "Pss:"))
            .or_else(|| kilobytes(&root.read(format!("proc/{pid}/status")).ok()?, "VmRSS:"))
            .unwrap_or_default();
    }
    (ticks, memory)
}

/// Ticks of CPU of a process of an engine ("proc(5)": user and system time); `None` of another.
fn ticks_of(stat: &[u8], names: &[&str]) -> Option<u64> {
    let text = String::from_utf8_lossy(stat);
    let (open, close) = (text.find('(')?, text.rfind(')')?);
    if !names.contains(&text.get(open + 1..close)?) {
        return None;
    }
    let fields: Vec<&str> = text.get(close + 1..)?.split_ascii_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

/// A line of a status file, in bytes.
fn kilobytes(text: &[u8], name: &str) -> Option<u64> {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_ascii_whitespace().next()?.parse::<u64>().ok()? << 10)
}

/// What one container has used.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Used {
    cpu_ns: u64,
    memory: u64,
    /// By the engine's clock.
    at: Timestamp,
}

impl Used {
    fn cores_since(&self, before: &Used) -> f64 {
        let span = self.at.duration_since(before.at).as_secs_f64();
        // An engine that counts once a second may give the same count twice.
        if span <= 0.0 { 0.0 } else { self.cpu_ns.saturating_sub(before.cpu_ns) as f64 / 1e9 / span }
    }
}

/// What each running container has used, as the engine counts. It takes a second for each: all are asked for at once.
fn containers(session: &Session, stop: &StopFlag) -> Result<BTreeMap<String, Used>, Stop> {
    let list = session.json(stop, "the list of containers", "/containers/json", LIST)?;
    let unread = Unread::default();
    let ids: Vec<String> = Field::new(&list, &unread).entries(MOST).filter_map(|one| one.text("Id")).collect();
    let asked = stream::iter(ids.into_iter().map(async |id| {
        let path = format!("/containers/{id}/stats?stream=false&one-shot=true");
        // One that has just ended has none.
        let stats = session.client().json("its statistics", &path, ONE).await.ok();
        stats.and_then(|stats| read(&stats)).map(|used| (id, used))
    }));
    let all = async { Ok(asked.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await) };
    let all = session.wait_with(stop, "reading statistics", Some(PATIENCE), all)?;
    Ok(all.into_iter().flatten().collect())
}

/// "ContainerStats": memory without the inactive file cache, as `docker stats` shows it.
fn read(stats: &Value) -> Option<Used> {
    let unread = Unread::default();
    let stats = Field::new(stats, &unread);
    let memory = stats.object("memory_stats");
    let cache = memory.object("stats");
    let cache = cache.count("total_inactive_file").or_else(|| cache.count("inactive_file")).unwrap_or_default();
    let cpu_ns = stats.object("cpu_stats").object("cpu_usage").count("total_usage")?;
    let at = stats.text("read")?.parse().ok()?;
    Some(Used { cpu_ns, memory: memory.count("usage")?.saturating_sub(cache), at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_both_cgroup_versions_are_read() {
        let recorded = include_str!("../../../tests/fixtures/bench/docker-20.10-stats-cgroup1.json");
        let one = read(&serde_json::from_str(recorded).expect("JSON")).expect("used");
        assert_eq!((one.memory, one.cpu_ns), (1740800, 40692681));
        // As the API's reference has it for version 2.
        let two = serde_json::json!({
            "read": "2026-01-02T03:04:05.678Z",
            "cpu_stats": {"cpu_usage": {"total_usage": 7_000_000, "usage_in_usermode": 1}},
            "memory_stats": {"usage": 2_097_152, "limit": 1, "stats": {"anon": 1, "inactive_file": 1_048_576}},
        });
        assert_eq!(read(&two).map(|two| (two.memory, two.cpu_ns)), Some((1_048_576, 7_000_000)));
        assert_eq!(read(&serde_json::json!({"memory_stats": {}})), None);
    }

    #[test]
    fn only_processes_of_an_engine_count() {
        let stat = |name: &str| format!("7 ({name}) S 1 7 7 0 -1 4194560 1 2 3 4 250 50 9 9 20 0 1 0 99 1 1");
        assert_eq!(ticks_of(stat("dockerd").as_bytes(), &DOCKER), Some(300));
        assert_eq!(ticks_of(stat("containerd-shim").as_bytes(), &DOCKER), Some(300));
        assert_eq!(ticks_of(stat("my dockerd) x").as_bytes(), &DOCKER), None);
        assert_eq!(ticks_of(stat("dockerd").as_bytes(), &PODMAN), None);
        assert_eq!(kilobytes(b"Rss: 9 kB\nPss:                 12 kB\n", "Pss:"), Some(12 << 10));
    }

    #[test]
    fn new_processes_count_and_ended_ones_do_not() {
        let before = BTreeMap::from([(1, 10), (2, 20)]);
        let after = BTreeMap::from([(1, 15), (3, 7)]);
        assert_eq!(used(&before, &after), 12);
    }

    #[test]
    fn the_engine_is_all_of_its_processes() {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |pid: &str, name: &str, files: &[(&str, &str)]| {
            let place = folder.path().join("proc").join(pid);
            std::fs::create_dir_all(&place).expect("a folder");
            let stat = format!("7 ({name}) S 1 7 7 0 -1 4194560 1 2 3 4 250 50 9 9 20 0 1 0 99 1 1");
            std::fs::write(place.join("stat"), stat).expect("a file");
            files.iter().for_each(|(file, text)| std::fs::write(place.join(file), text).expect("a file"));
        };
        put("7", "dockerd", &[("smaps_rollup", "Pss: 100 kB\n"), ("status", "VmRSS: 900 kB\n")]);
        put("8", "containerd", &[("status", "VmRSS: 20 kB\n")]);
        put("9", "conmon", &[]);
        put("10", "nginx", &[("smaps_rollup", "Pss: 100 kB\n")]);
        put("self", "dockerd", &[]);
        let root = Root::new(folder.path());
        assert_eq!(engine(&root, &DOCKER), (BTreeMap::from([(7, 300), (8, 300)]), 120 << 10));
        assert_eq!(engine(&root, &PODMAN), (BTreeMap::from([(9, 300)]), 0), "of its memory nothing is known");
    }

    #[test]
    fn cores_are_what_was_used_between_two_counts() {
        let at = |second: i64| Timestamp::from_second(second).expect("a moment");
        let used = |cpu_ns, second| Used { cpu_ns, memory: 1, at: at(second) };
        assert_eq!(used(3_000_000_000, 14).cores_since(&used(1_000_000_000, 10)), 0.5);
        assert_eq!(used(3_000_000_000, 10).cores_since(&used(1_000_000_000, 10)), 0.0, "the same count again");
        assert_eq!(used(1, 14).cores_since(&used(9, 10)), 0.0, "it was restarted");
    }
}
