//! The level of what has several figures: a pool, a device, a container, a filesystem, a sensor, a card. Every reader
//! asks here, so that the screen, `once` and `check` agree.

use super::State;
use crate::{
    alert::Level,
    analysis::regression::Verdict,
    model::{
        bench::CheckOutcome,
        container::{ContainerRow, Engine, Health, RunState},
        fault::Fault,
        filesystem::{Filesystem, Space},
        gpu::{CardState, GpuRow},
        metrics::{self, MetricId},
        model_server::{ModelRow, ServerRow, ServerState},
        pool::{ERROR_KINDS, PoolRow, Vdev},
        sensor::{SensorKind, Temperature},
        service::{ServiceRow, Standing},
    },
};

/// What should answer and does not, where no rule watches it.
const NO_ANSWER: Level = Level::Warn;

/// A figure of a benchmark: worse than it was, or short of its target (`met`).
#[must_use]
pub fn benchmark(verdict: Option<Verdict>, met: Option<bool>) -> Level {
    let past = match verdict {
        Some(Verdict::Regressed) => Level::Crit,
        Some(Verdict::Suspect) => Level::Warn,
        Some(Verdict::Drift) => Level::Advice,
        Some(Verdict::Noisy | Verdict::NotComparable) => Level::Unknown,
        Some(Verdict::New | Verdict::Same | Verdict::Improved) | None => Level::Ok,
    };
    // A target that is met says nothing of how it was before.
    if met == Some(false) { past.max(target(false)) } else { past }
}

/// A figure beside its target.
#[must_use]
pub fn target(met: bool) -> Level {
    if met { Level::Ok } else { Level::Warn }
}

/// A check before a run.
#[must_use]
pub fn check(outcome: CheckOutcome) -> Level {
    match outcome {
        CheckOutcome::Passed => Level::Ok,
        CheckOutcome::Warns => Level::Warn,
        CheckOutcome::Stops => Level::Crit,
    }
}

/// A change that is probably why a benchmark got worse.
pub const CAUSE: Level = Level::Warn;

/// A pool by its state, lost files, and devices that it lacks though it is online.
#[must_use]
pub fn pool(state: &State, row: &PoolRow) -> Level {
    let word = row.state.to_lowercase();
    let of = |metric: MetricId, value: f64| state.level(metric, &[&row.name, &word], value);
    let healthy = of(metrics::POOL_HEALTHY, if row.is_healthy() { 1.0 } else { 0.0 });
    let missing = row
        .reported
        .as_ref()
        .map_or(Level::Ok, |reported| of(metrics::POOL_MISSING_DEVICES, reported.missing().count() as f64));
    healthy.max(missing).max(pool_data_errors(state, row))
}

/// The files that a pool has lost.
#[must_use]
pub fn pool_data_errors(state: &State, row: &PoolRow) -> Level {
    row.data_errors().map_or(Level::Ok, |lost| state.level(metrics::POOL_DATA_ERRORS, &[&row.name], lost as f64))
}

/// The errors of a pool: those that its devices counted, and lost files.
#[must_use]
pub fn pool_errors(state: &State, row: &PoolRow) -> Level {
    let Some(reported) = &row.reported else { return Level::Unknown };
    let lost = pool_data_errors(state, row);
    reported.leaves().map(|device| vdev(state, &row.name, device)).fold(lost, Level::max)
}

/// How full a pool is.
#[must_use]
pub fn pool_used(state: &State, row: &PoolRow) -> Level {
    row.used_ratio().map_or(Level::Unknown, |used| state.level(metrics::POOL_USED_RATIO, &[&row.name], used))
}

/// The worst level of a pool.
#[must_use]
pub fn pool_worst(state: &State, row: &PoolRow) -> Level {
    pool(state, row).max(pool_errors(state, row)).max(pool_used(state, row))
}

/// The tools that give no data about pools now, each with why.
#[must_use]
pub fn silent_tools(state: &State) -> Vec<(Level, String)> {
    state.host.pools.silent_tools(state.host.now).into_iter().map(|words| (NO_ANSWER, words)).collect()
}

/// A device of `pool` by its errors.
#[must_use]
pub fn vdev(state: &State, pool: &str, vdev: &Vdev) -> Level {
    let of = |(kind, errors): (&str, u64)| state.level(metrics::VDEV_ERRORS, &[pool, &vdev.name, kind], errors as f64);
    ERROR_KINDS.into_iter().zip(vdev.errors).map(of).max().unwrap_or(Level::Ok)
}

/// A container by its health, restarts and end. An end that the user acknowledged no longer counts.
#[must_use]
pub fn container(state: &State, row: &ContainerRow) -> Level {
    let name = &*row.label;
    let of = |metric, value| state.level(metric, &[name], value);
    let mut worst = of(metrics::CONTAINER_RESTARTS_10M, f64::from(row.restarts_lately(state.host.now)))
        .max(of(metrics::CONTAINER_OOMS_10M, f64::from(row.ooms_lately(state.host.now))));
    if row.meta.health == Some(Health::Unhealthy) {
        worst = worst.max(of(metrics::CONTAINER_HEALTHY, 0.0));
    }
    if row.meta.state == RunState::Restarting {
        worst = worst.max(of(metrics::CONTAINER_RESTARTING, 1.0));
    }
    if row.has_failed() {
        worst = worst.max(of(metrics::CONTAINER_FAILED, 1.0));
        if state.is_acknowledged(metrics::CONTAINER_FAILED, name) {
            return Level::Ok;
        }
    }
    worst
}

/// The worst level of a container, its memory limit included.
#[must_use]
pub fn container_worst(state: &State, row: &ContainerRow) -> Level {
    let ratio = row.memory_ratio(state.host.memory.raw.total);
    let memory = ratio.map(|ratio| state.level(metrics::CONTAINER_MEMORY_LIMIT_RATIO, &[&row.label], ratio));
    container(state, row).max(memory.unwrap_or(Level::Ok))
}

/// How urgently a container needs a look, the most urgent first: what the rules say of it, then its state.
#[must_use]
pub fn container_urgency(state: &State, row: &ContainerRow) -> u32 {
    let dead = row.has_failed() || row.meta.state == RunState::Restarting;
    match (container_worst(state, row), row.meta.state, row.meta.health) {
        (Level::Crit, ..) => 0,
        // What does not run comes before what runs badly.
        (Level::Warn, ..) if dead => 1,
        (Level::Warn, ..) => 2,
        (_, RunState::Dead | RunState::Removing, _) => 3,
        (_, RunState::Restarting, _) => 4,
        (_, RunState::Running, Some(Health::Unhealthy)) => 5,
        (_, RunState::Paused, _) => 6,
        (_, RunState::Running | RunState::Unknown, _) => 7,
        // What the rules have nothing against, or what was acknowledged.
        (_, RunState::Exited | RunState::Created, _) if row.has_failed() => 8,
        (_, RunState::Exited | RunState::Created, _) => 9,
    }
}

/// An engine: whether it answers.
#[must_use]
pub fn engine(state: &State, engine: &Engine) -> Level {
    let up = if engine.fault.is_none() { 1.0 } else { 0.0 };
    state.level(metrics::ENGINE_UP, &[engine.address.as_str()], up)
}

/// A model server: whether it answers, and how well its models do. One that was not asked yet has no level.
#[must_use]
pub fn model_server(state: &State, row: &ServerRow) -> Level {
    if row.raw.state == ServerState::Waiting {
        return Level::Unknown;
    }
    let name = row.raw.name.as_str();
    let up = state.level(metrics::MODEL_SERVER_UP, &[name], if row.is_well() { 1.0 } else { 0.0 });
    let of = |model: &ModelRow| {
        let judged = |metric, value: Option<f64>| {
            value.map_or(Level::Ok, |value| state.level(metric, &[name, &model.raw.name], value))
        };
        let slow = model.answer_seconds().zip(model.target_seconds()).map(|(now, target)| now / target);
        judged(metrics::MODEL_RESPONSE_TARGET_RATIO, slow)
            .max(judged(metrics::MODEL_FAILED_RATIO, model.flow.figures.failed))
    };
    row.loaded().map(of).fold(up.max(model_queue(state, row)), Level::max)
}

/// How long requests wait, for the model where it is worst.
#[must_use]
pub fn model_queue(state: &State, row: &ServerRow) -> Level {
    let of = |model: &ModelRow| {
        let mean = model.flow.figures.queue?.mean;
        Some(state.level(metrics::MODEL_QUEUE_SECONDS, &[&row.raw.name, &model.raw.name], mean))
    };
    row.loaded().filter_map(of).fold(Level::Ok, Level::max)
}

/// The engines that did not list what they store, each with why.
#[must_use]
pub fn silent_stores(state: &State) -> Vec<(Level, String)> {
    let faults = state.host.stores.faults.iter();
    faults.map(|(engine, why)| (NO_ANSWER, format!("{engine}: {why}"))).collect()
}

/// How full a filesystem is; one that is read-only does not fill up.
#[must_use]
pub fn filesystem(state: &State, row: &Filesystem) -> Level {
    match row.space.as_ref().map(Space::used_ratio) {
        Ok(Some(_)) if row.read_only => Level::Ok,
        Ok(Some(used)) => state.level(metrics::FILESYSTEM_USED_RATIO, &[&row.mount], used),
        Err(Fault::Timeout) => NO_ANSWER,
        Ok(None) | Err(_) => Level::Unknown,
    }
}

/// How many of a filesystem's inodes are used.
#[must_use]
pub fn inodes(state: &State, row: &Filesystem) -> Level {
    let used = row.space.as_ref().ok().and_then(Space::inodes_ratio).filter(|_| !row.read_only);
    used.map_or(Level::Ok, |used| state.level(metrics::FILESYSTEM_INODES_USED_RATIO, &[&row.mount], used))
}

/// The metric that rules judge a temperature by, with its labels.
#[must_use]
pub fn temperature_metric(row: &Temperature) -> (MetricId, Vec<&str>) {
    match row.kind {
        SensorKind::Cpu => (metrics::CPU_TEMPERATURE_CELSIUS, Vec::new()),
        SensorKind::Disk => (metrics::DISK_TEMPERATURE_CELSIUS, vec![&row.sensor]),
        _ => (metrics::TEMPERATURE_CELSIUS, vec![&row.sensor]),
    }
}

/// A temperature by the rules and by the limits that the hardware states itself.
#[must_use]
pub fn temperature(state: &State, row: &Temperature) -> Level {
    let (metric, labels) = temperature_metric(row);
    let over = |limit: Option<f64>| limit.is_some_and(|limit| row.celsius >= limit);
    let by_hardware = match () {
        () if over(row.critical_celsius) => Level::Crit,
        () if over(row.high_celsius) => Level::Warn,
        () => Level::Ok,
    };
    state.level(metric, &labels, row.celsius).max(by_hardware)
}

/// An answer that takes much longer than usual.
#[must_use]
pub fn service_is_slow(state: &State, row: &ServiceRow) -> bool {
    service_time(state, row) > Level::Ok
}

/// The time of a service's answer.
#[must_use]
pub fn service_time(state: &State, row: &ServiceRow) -> Level {
    let of =
        |(metric, value): (MetricId, Option<f64>)| value.map(|value| state.level(metric, &[&row.probe.name], value));
    let times = [
        (metrics::SERVICE_RESPONSE_VS_NORMAL_RATIO, row.against_normal()),
        (metrics::SERVICE_THROUGHPUT_VS_NORMAL_RATIO, row.throughput_against_normal()),
    ];
    times.into_iter().filter_map(of).max().unwrap_or(Level::Ok)
}

/// The certificates of a service.
#[must_use]
pub fn service_certificate(state: &State, row: &ServiceRow) -> Level {
    let left = row.certificate(state.host.now).map(|(_, seconds)| seconds);
    left.map_or(Level::Ok, |left| state.level(metrics::SERVICE_CERTIFICATE_SECONDS, &[&row.probe.name], left))
}

/// Whether a service answers. One failure is no alert yet, but no answer either.
#[must_use]
pub fn service_standing(state: &State, row: &ServiceRow) -> Level {
    match row.standing {
        Standing::Up | Standing::Paused => Level::Ok,
        Standing::Waiting | Standing::Unjudged => Level::Unknown,
        Standing::Down => {
            let failures = f64::from(row.failures);
            NO_ANSWER.max(state.level(metrics::SERVICE_FAILURES_IN_ROW, &[&row.probe.name], failures))
        }
    }
}

/// No probe of what lies outside is answered.
#[must_use]
pub fn cut_off(state: &State) -> Level {
    let reached = if state.host.services.cut_off.is_none() { 1.0 } else { 0.0 };
    state.level(metrics::NETWORK_REACHABLE, &[], reached)
}

/// The worst level of a service.
#[must_use]
pub fn service(state: &State, row: &ServiceRow) -> Level {
    let errors = row.error_ratio().filter(|_| row.standing != Standing::Paused);
    let errors = errors.map(|errors| state.level(metrics::SERVICE_ERROR_RATIO, &[&row.probe.name], errors));
    let standing = service_standing(state, row);
    standing.max(service_time(state, row)).max(service_certificate(state, row)).max(errors.unwrap_or(Level::Ok))
}

/// A card under all rules.
#[must_use]
pub fn gpu(state: &State, row: &GpuRow) -> Level {
    let label = row.raw.label();
    let of = |(metric, value): (MetricId, Option<f64>)| value.map(|value| state.level(metric, &[&label], value));
    let flag = |yes: bool| if yes { 1.0 } else { 0.0 };
    let xids = row.raw.xids.iter().filter(|xid| xid.is_recent(state.host.now.unix_ms)).count();
    let values = [
        (metrics::GPU_BUSY_RATIO, row.busy),
        (metrics::GPU_MEMORY_USED_RATIO, row.raw.memory_ratio()),
        (metrics::GPU_TEMPERATURE_CELSIUS, row.raw.temperature),
        (metrics::GPU_POWER_WATTS, row.power),
        (metrics::GPU_UNCORRECTED_ERRORS, row.raw.ecc.map(|errors| errors.uncorrected as f64)),
        (metrics::GPU_ROW_REMAP_FAILED, row.raw.remapped.map(|rows| flag(rows.failed))),
        (metrics::GPU_ROW_REMAP_PENDING, row.raw.remapped.map(|rows| flag(rows.pending))),
    ];
    // A lost card has no values, but its driver's errors stay.
    let measured = values.into_iter().filter(|_| row.is_up()).filter_map(of).max().unwrap_or(Level::Ok);
    let errors = of((metrics::GPU_XID_ERRORS_10M, (xids > 0).then_some(xids as f64))).unwrap_or(Level::Ok);
    measured.max(errors).max(gpu_trouble(state, row).map_or(Level::Ok, |(_, level)| level))
}

/// Why a card is lost or slow, with its level.
#[must_use]
pub fn gpu_trouble(state: &State, row: &GpuRow) -> Option<(String, Level)> {
    match &row.raw.state {
        CardState::Lost(why) => Some((why.clone(), state.level(metrics::GPU_DRIVER_OK, &[], 0.0))),
        CardState::Asleep => Some(("suspended: reading it would wake it".to_owned(), Level::Ok)),
        CardState::Unreadable(why) => Some((why.clone(), Level::Ok)),
        CardState::Up => {
            // Heat says more than that the hardware slows, which it always adds.
            let heat: Vec<&str> = row.slowed_by().filter(|t| t.is_heat()).map(|t| t.word()).collect();
            let all = || row.slowed_by().map(|t| t.word()).collect();
            let words: Vec<&str> = if heat.is_empty() { all() } else { heat };
            let of = |metric| state.level(metric, &[&row.raw.label()], 1.0);
            if !words.is_empty() {
                return Some((format!("slowed: {}", words.join(", ")), of(metrics::GPU_SLOWED)));
            }
            let link = row.raw.link.shortfall().filter(|_| row.raw.link.is_downtrained(row.busy))?;
            Some((format!("PCIe {link} under load"), of(metrics::GPU_LINK_DOWNTRAINED)))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        alert::shipped,
        model::{
            container::Container,
            engine_address::EngineAddress,
            gpu::{Gpu, MemoryErrors, Xid},
        },
    };

    fn state() -> State {
        State::new(shipped().into())
    }

    #[test]
    fn target_that_is_met_says_nothing_of_the_past() {
        let of = |verdict, met| benchmark(Some(verdict), met);
        assert_eq!(of(Verdict::Noisy, Some(true)), Level::Unknown);
        assert_eq!((of(Verdict::Noisy, Some(false)), of(Verdict::Regressed, Some(false))), (Level::Warn, Level::Crit));
        assert_eq!((of(Verdict::Same, None), of(Verdict::Drift, Some(true))), (Level::Ok, Level::Advice));
    }

    #[test]
    fn errors_of_a_card_count_for_its_level() {
        let state = state();
        let card = |gpu: Gpu| GpuRow { raw: gpu, ..GpuRow::default() };
        assert_eq!(gpu(&state, &card(Gpu::default())), Level::Ok);
        let hot = Gpu { temperature: Some(95.0), ..Gpu::default() };
        assert_eq!(gpu(&state, &card(hot.clone())), Level::Warn);
        let lost = CardState::Lost("fell off the bus".to_owned());
        assert_eq!(
            gpu(&state, &card(Gpu { state: CardState::Asleep, ..hot })),
            Level::Ok,
            "no value of a card that is not up"
        );
        let ecc = Some(MemoryErrors { corrected: 9, uncorrected: 3 });
        assert!(gpu(&state, &card(Gpu { ecc, ..Gpu::default() })) >= Level::Warn);
        let xids = vec![Xid { unix_ms: state.host.now.unix_ms, code: 79 }];
        assert!(gpu(&state, &card(Gpu { xids, ..Gpu::default() })) >= Level::Warn);
        assert_eq!(gpu(&state, &card(Gpu { state: lost, ..Gpu::default() })), Level::Crit);
    }

    #[test]
    fn containers_with_an_alert_come_first_then_by_state() {
        let state = state();
        let of = |meta: Container| {
            container_urgency(
                &state,
                &ContainerRow { meta: Arc::new(meta), label: "a".into(), ..ContainerRow::default() },
            )
        };
        let is = |state: RunState| Container { state, ..Container::default() };
        let failed = Container { exit_code: Some(1), ..is(RunState::Exited) };
        let ill = Container { health: Some(Health::Unhealthy), ..is(RunState::Running) };
        let order =
            [failed, ill, is(RunState::Dead), is(RunState::Paused), is(RunState::Running), is(RunState::Exited)];
        let urgencies = order.map(of);
        assert!(urgencies.is_sorted_by(|a, b| a < b), "{urgencies:?}");
    }

    #[test]
    fn a_host_without_network_is_judged_by_its_rule() {
        use crate::model::service::CutOff;
        let mut state = state();
        assert_eq!(cut_off(&state), Level::Ok);
        state.host.services.cut_off = Some(CutOff { since: state.host.now, services: 2 });
        assert_eq!(cut_off(&state), Level::Warn);
    }

    #[test]
    fn an_engine_is_judged_by_its_rule() {
        let mut quiet = shipped();
        quiet.iter_mut().filter(|rule| rule.metric == metrics::ENGINE_UP).for_each(|rule| rule.enabled = false);
        let silent = Engine { fault: Some(Fault::Timeout), ..Engine::default() };
        assert_eq!(engine(&state(), &silent), Level::Warn);
        assert_eq!(engine(&State::new(quiet.into()), &silent), Level::Ok, "its rule is switched off");
        assert_eq!(engine(&state(), &Engine::default()), Level::Ok);
    }

    fn filesystem_of(size: u64, free: u64, inodes: u64, inodes_free: u64) -> Filesystem {
        let space = Ok(Space { size, free, available: free, inodes, inodes_free });
        Filesystem {
            mount: "/srv".into(),
            device: "/dev/sda1".into(),
            kind: "ext4".into(),
            options: String::new(),
            read_only: false,
            space,
        }
    }

    #[test]
    fn a_filesystem_is_judged_by_how_full_it_is() {
        let state = state();
        let levels = |row: &Filesystem| (filesystem(&state, row), inodes(&state, row));
        assert_eq!(levels(&filesystem_of(100, 50, 100, 50)), (Level::Ok, Level::Ok));
        assert_eq!(levels(&filesystem_of(100, 8, 100, 50)), (Level::Warn, Level::Ok));
        assert_eq!(levels(&filesystem_of(100, 50, 100, 1)), (Level::Ok, Level::Crit));
        let full = Filesystem { read_only: true, ..filesystem_of(100, 0, 100, 0) };
        assert_eq!(levels(&full), (Level::Ok, Level::Ok), "an image that is read-only is always full");
        assert_eq!(levels(&filesystem_of(0, 0, 0, 0)), (Level::Unknown, Level::Ok));
        let gone = |fault| Filesystem { space: Err(fault), ..filesystem_of(1, 1, 1, 1) };
        assert_eq!(levels(&gone(Fault::Timeout)), (Level::Warn, Level::Ok));
        assert_eq!(levels(&gone(Fault::Absent("x".into()))), (Level::Unknown, Level::Ok));
    }

    #[test]
    fn a_temperature_is_judged_by_its_rule_and_by_its_maker() {
        let state = state();
        let at = |kind, celsius, high: Option<f64>, critical: Option<f64>| {
            let sensor = "nvme0".to_owned();
            let row = Temperature { sensor, kind, celsius, high_celsius: high, critical_celsius: critical };
            temperature(&state, &row)
        };
        // A disk is to be cooler than a processor.
        assert_eq!(
            (at(SensorKind::Cpu, 75.0, None, None), at(SensorKind::Disk, 75.0, None, None)),
            (Level::Ok, Level::Crit)
        );
        assert_eq!(at(SensorKind::Cpu, 85.0, None, None), Level::Warn);
        assert_eq!(at(SensorKind::Cpu, 50.0, Some(50.0), None), Level::Warn);
        assert_eq!(at(SensorKind::Cpu, 50.0, Some(50.1), None), Level::Ok);
        assert_eq!(at(SensorKind::Cpu, 50.0, Some(40.0), Some(50.0)), Level::Crit);
        let row = |kind| Temperature { sensor: "x".into(), kind, ..Temperature::default() };
        let (cpu, disk, other) = (row(SensorKind::Cpu), row(SensorKind::Disk), row(SensorKind::Other));
        assert_eq!(temperature_metric(&cpu), (metrics::CPU_TEMPERATURE_CELSIUS, vec![]));
        assert_eq!(temperature_metric(&disk), (metrics::DISK_TEMPERATURE_CELSIUS, vec!["x"]));
        assert_eq!(temperature_metric(&other), (metrics::TEMPERATURE_CELSIUS, vec!["x"]));
    }

    #[test]
    fn a_pool_is_as_bad_as_its_worst_part() {
        use crate::model::pool::Pool;
        let state = state();
        let row = |word: &str, reported: Option<Pool>| {
            let mut row = PoolRow::default();
            (row.name, row.state, row.reported) = ("tank".into(), word.into(), reported);
            row
        };
        let leaf = |errors| Vdev { name: "sda".into(), state: "ONLINE".into(), errors, leaf: true, ..Vdev::default() };
        let pool_of = |allocated, data_errors, errors| {
            let vdevs = vec![leaf(errors)];
            row(
                "ONLINE",
                Some(Pool { size: Some(100), allocated: Some(allocated), data_errors, vdevs, ..Pool::default() }),
            )
        };
        let levels = |row: &PoolRow| (pool(&state, row), pool_errors(&state, row), pool_used(&state, row));
        let well = pool_of(10, Some(0), [0; 3]);
        assert_eq!((levels(&well), pool_worst(&state, &well)), ((Level::Ok, Level::Ok, Level::Ok), Level::Ok));
        let full = pool_of(99, Some(0), [0; 3]);
        assert!(pool_used(&state, &full) >= Level::Warn && pool_worst(&state, &full) == pool_used(&state, &full));
        let lost = pool_of(10, Some(2), [0; 3]);
        assert_eq!((pool(&state, &lost), pool_data_errors(&state, &lost)), (Level::Crit, Level::Crit));
        assert_eq!((pool_errors(&state, &lost), pool_worst(&state, &lost)), (Level::Crit, Level::Crit));
        for errors in [[1, 0, 0], [0, 1, 0], [0, 0, 1]] {
            let row = pool_of(10, Some(0), errors);
            assert!(pool_errors(&state, &row) >= Level::Warn, "{errors:?}");
            assert_eq!((pool(&state, &row), pool_worst(&state, &row)), (Level::Ok, pool_errors(&state, &row)));
        }
        let unheard = row("ONLINE", None);
        assert_eq!(levels(&unheard), (Level::Ok, Level::Unknown, Level::Unknown));
        assert!(pool(&state, &row("FAULTED", None)) >= Level::Warn);
    }

    #[test]
    fn a_model_server_is_judged_with_its_models() {
        let state = state();
        let mut row = ServerRow::default();
        row.raw.state = ServerState::Waiting;
        assert_eq!(model_server(&state, &row), Level::Unknown);
    }

    #[test]
    fn a_silent_store_is_said_with_its_reason() {
        let mut state = state();
        assert_eq!(silent_stores(&state), []);
        state.host.stores.faults.push((EngineAddress::new("tcp://nas:2375"), "no answer".into()));
        assert_eq!(silent_stores(&state), [(Level::Warn, "tcp://nas:2375: no answer".to_owned())]);
    }

    #[test]
    fn checks_and_targets_have_a_level() {
        let of = [CheckOutcome::Passed, CheckOutcome::Warns, CheckOutcome::Stops].map(check);
        assert_eq!(of, [Level::Ok, Level::Warn, Level::Crit]);
        assert_eq!([true, false].map(target), [Level::Ok, Level::Warn]);
    }
}
