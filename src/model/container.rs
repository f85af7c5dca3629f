//! Containers: what their engines say of them (Docker Engine API, as Podman speaks it too) and what their control groups
//! count ("cgroups(7)", versions 1 and 2), joined by id.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    engine_address::EngineAddress,
    fault::Fault,
    rate::{align, per_second},
    series::Series,
    span::Span,
};
use crate::clock::Stamp;

/// One engine: a socket that answers, or does not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Engine {
    /// `docker`, `podman`.
    pub kind: String,
    /// Its address: `unix:///var/run/docker.sock`.
    pub address: EngineAddress,
    /// Its version, once it answered.
    pub version: Option<String>,
    /// Why it is not answering now; `None` while it does.
    pub fault: Option<Fault>,
    /// Since when it does not answer: milliseconds since 1970.
    #[serde(default)]
    pub fault_unix_ms: Option<i64>,
    /// It is on this machine: its containers' control groups can be read here.
    pub local: bool,
    /// It is an engine that another address reaches too: its containers are listed there.
    #[serde(default)]
    pub twin: bool,
    /// Its containers were listed since we began.
    #[serde(default)]
    pub listed: bool,
}

impl Engine {
    /// Why it has no data now, in words that follow its address; `None` while it answers.
    #[must_use]
    pub fn why(&self) -> Option<String> {
        Some(match self.fault.as_ref()? {
            Fault::Timeout => "not responding".to_owned(),
            Fault::Denied { what, hint } => format!("{what} ({hint})"),
            Fault::Absent(what) | Fault::Broken(what) => what.clone(),
        })
    }

    /// `Docker`, `Podman`.
    #[must_use]
    pub fn title(&self) -> String {
        let mut letters = self.kind.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }

    /// Why it has no data now, in a sentence that names it and a hint; `None` while it answers.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        let place = self.address.as_str();
        let place = place.strip_prefix("unix://").unwrap_or(place);
        Some(match self.fault.as_ref()? {
            Fault::Denied { what, hint } => format!("{}: {what} on {place} ({hint})", self.title()),
            Fault::Timeout => format!("{}: no answer from {place}", self.title()),
            Fault::Absent(what) | Fault::Broken(what) => format!("{} at {place}: {what}", self.title()),
        })
    }
}

/// What a container is doing, in the engine's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Running,
    Paused,
    Restarting,
    Removing,
    Dead,
    Created,
    Exited,
    #[default]
    Unknown,
}

impl RunState {
    /// The engine's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            RunState::Running => "running",
            RunState::Paused => "paused",
            RunState::Restarting => "restarting",
            RunState::Removing => "removing",
            RunState::Dead => "dead",
            RunState::Created => "created",
            RunState::Exited => "exited",
            RunState::Unknown => "unknown",
        }
    }
}

/// What its health check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    Starting,
    Healthy,
    Unhealthy,
}

impl Health {
    /// The engine's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Health::Starting => "starting",
            Health::Healthy => "healthy",
            Health::Unhealthy => "unhealthy",
        }
    }
}

/// A folder or volume inside a container.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mounted {
    /// `bind`, `volume`, `tmpfs`.
    pub kind: String,
    /// Where it comes from on the host, or the volume's name.
    pub source: String,
    /// Where it is inside.
    pub destination: String,
    /// It may be written to.
    pub writable: bool,
}

/// One run of a health check.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Check {
    /// When it began: milliseconds since 1970.
    pub unix_ms: Option<i64>,
    /// 0 when it passed.
    pub exit_code: Option<i64>,
    /// What it wrote, on one line, cleaned.
    pub output: String,
}

/// An event of a container, as its engine reported.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Happening {
    /// When: milliseconds since 1970.
    pub unix_ms: i64,
    /// `start`, `die, code 3`, `health_status: unhealthy`, cleaned.
    pub what: String,
}

/// What an engine knows of one container; rebuilt when an event reports a change.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Container {
    /// 64 letters.
    pub id: String,
    /// Index into [`ContainerSample::engines`].
    pub engine: u16,
    /// Cleaned, without the engine's leading `/`.
    pub name: String,
    /// Image as it was named at the start, cleaned.
    pub image: String,
    /// What it runs, cleaned.
    pub command: String,
    /// What it does.
    pub state: RunState,
    /// The engine's own word for it where that is another one than [`RunState::word`], cleaned.
    #[serde(default)]
    pub state_word: Option<String>,
    /// Its health check; `None` without one.
    pub health: Option<Health>,
    /// How often the check failed in a row.
    pub failing_streak: u32,
    /// The last runs of the check, oldest first.
    pub health_log: Vec<Check>,
    /// How it last ended.
    pub exit_code: Option<i64>,
    /// It was OOM-killed.
    pub oom_killed: bool,
    /// What the engine said when it could not be started.
    pub error: Option<String>,
    /// When it was created, started, ended: milliseconds since 1970.
    pub created_unix_ms: Option<i64>,
    pub started_unix_ms: Option<i64>,
    pub finished_unix_ms: Option<i64>,
    /// Restarts by the engine since it was created.
    pub restarts: u32,
    /// `no`, `always`, `unless-stopped`, `on-failure`.
    pub restart_policy: String,
    /// Its first process; 0 when it does not run.
    pub pid: u32,
    /// Compose project and service.
    pub project: Option<String>,
    pub service: Option<String>,
    /// `127.0.0.1:8080→80/tcp`.
    pub ports: Vec<String>,
    /// The dataset that holds its own layer, where the engine stores on ZFS.
    #[serde(default)]
    pub layer_dataset: Option<String>,
    /// What is mounted.
    pub mounts: Vec<Mounted>,
    /// Network and address.
    pub networks: Vec<(String, String)>,
    /// `bridge`, `host`, `container:ID`, the name of a network; `None` where the engine does not say.
    #[serde(default)]
    pub network_mode: Option<String>,
    /// The control group in which the engine makes the container's own, where it was asked for another than usual.
    #[serde(default)]
    pub cgroup_parent: Option<String>,
    /// Fields of the engine's answer that were not understood: `State.Pid: "x", a number was expected`.
    #[serde(default)]
    pub not_understood: Vec<String>,
    /// Names of its environment's variables, never their values.
    pub environment_names: Vec<String>,
    /// Cores that it may use; `None` without a limit.
    pub cpu_limit: Option<f64>,
    /// Memory that it may use, bytes; `None` without a limit.
    pub memory_limit: Option<u64>,
    /// Memory and swap together, bytes, as the engine counts; -1 where swap has no limit; `None` where the engine says
    /// nothing.
    #[serde(default)]
    pub memory_swap: Option<i64>,
    /// It has a terminal: its log is one plain stream.
    pub tty: bool,
    /// When it came up again without anybody having asked, in the last ten minutes: milliseconds since 1970.
    pub restarted_unix_ms: Vec<i64>,
    /// From when on its restarts are known, where that is not all of the last ten minutes: milliseconds since 1970.
    #[serde(default)]
    pub restarts_from_unix_ms: Option<i64>,
    /// It was stopped or killed since it started: its exit was requested.
    #[serde(default)]
    pub asked_to_end: bool,
    /// Its OOM kills in the last ten minutes: milliseconds since 1970.
    #[serde(default)]
    pub ooms_unix_ms: Vec<i64>,
    /// What happened to it since the engine is followed, the newest last.
    #[serde(default)]
    pub happenings: Vec<Happening>,
}

/// The network that a container uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkOf<'a> {
    /// Its own: what its interfaces count is its traffic.
    Own,
    /// The machine's: what is counted there is the traffic of all.
    Host,
    /// That of the container with this id.
    Container(&'a str),
}

impl Container {
    /// What it does, in the engine's word.
    #[must_use]
    pub fn word(&self) -> &str {
        self.state_word.as_deref().unwrap_or(self.state.word())
    }

    /// The network that it uses.
    #[must_use]
    pub fn network(&self) -> NetworkOf<'_> {
        match self.network_mode.as_deref() {
            Some("host") => NetworkOf::Host,
            Some(mode) => mode.strip_prefix("container:").map_or(NetworkOf::Own, NetworkOf::Container),
            None => NetworkOf::Own,
        }
    }
}

/// Memory and swap together without a limit, in the engine's number.
pub const SWAP_UNLIMITED: i64 = -1;
/// A limit of this many bytes or more is none: the kernel writes 2^63 less a page.
pub const NO_LIMIT_FROM: i64 = 1 << 62;

impl Container {
    /// What memory and swap together come to under another memory limit (0 is none): the container keeps as much swap as
    /// it had, and swap without a limit stays so.
    #[must_use]
    pub fn swap_beside(&self, memory: i64) -> i64 {
        match (self.memory_limit, self.memory_swap) {
            (Some(limit), Some(both)) if memory > 0 && both > 0 => {
                let swap = both.saturating_sub(i64::try_from(limit).unwrap_or(i64::MAX)).max(0);
                memory.saturating_add(swap)
            }
            _ => SWAP_UNLIMITED,
        }
    }
}

/// What the control groups and the network namespace of a running container count.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// CPU used, microseconds.
    pub cpu_us: Option<u64>,
    /// Periods in which it was held back by its quota, and periods in all.
    pub throttled_periods: Option<(u64, u64)>,
    /// Memory charged to it without inactive file cache, bytes: as `docker stats` shows it.
    pub memory_bytes: Option<u64>,
    /// Its group's ceiling, bytes.
    pub memory_limit: Option<u64>,
    /// Processes and threads.
    pub pids: Option<u64>,
    /// Bytes from and to disks.
    pub read_bytes: Option<u64>,
    pub written_bytes: Option<u64>,
    /// Bytes over its own interfaces; `None` where it shares the host's network.
    pub rx_bytes: Option<u64>,
    pub tx_bytes: Option<u64>,
    /// When the engine counted all this: milliseconds since 1970, by its own clock. `None` where it was read here, with the
    /// sample.
    #[serde(default)]
    pub counted_unix_ms: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ContainerSample {
    /// Engines that were looked for and found, those that do not answer included.
    pub engines: Vec<Engine>,
    /// Containers of all engines, by name.
    pub containers: Vec<Arc<Container>>,
    /// Counters of those that run, by id.
    pub usages: BTreeMap<String, Usage>,
}

impl ContainerSample {
    /// Every engine has listed its containers, or said why it does not.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.engines.iter().all(|engine| engine.listed || engine.fault.is_some())
    }
}

/// One container as shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ContainerRow {
    /// What the engine says.
    pub meta: Arc<Container>,
    /// What metrics, rules and alerts call it: its name, and where another of that name was there before, its short id
    /// too. Only a rename changes it.
    pub label: Arc<str>,
    /// The newest counters; `None` while it does not run or cannot be read.
    pub usage: Option<Usage>,
    /// Cores used; `None` until two readings exist.
    pub cpu_cores: Option<f64>,
    /// Share of the periods in which its quota held it back.
    pub throttled_ratio: Option<f64>,
    /// Bytes a second.
    pub read_per_second: Option<f64>,
    /// Bytes a second.
    pub write_per_second: Option<f64>,
    /// Bytes a second.
    pub rx_per_second: Option<f64>,
    /// Bytes a second.
    pub tx_per_second: Option<f64>,
    /// Cores used.
    pub cpu_history: Series,
    /// Memory, bytes.
    pub memory_history: Series,
    /// The most that it used since it is watched.
    pub peak: Peak,
}

/// The most that a container used, and for how long that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Peak {
    /// Cores.
    pub cores: f64,
    /// Bytes of memory.
    pub memory: f64,
    /// Time in which it ran and its use was counted.
    pub watched: Duration,
}

/// All containers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Containers {
    /// Engines.
    pub engines: Vec<Engine>,
    /// Containers, by name.
    pub rows: Vec<ContainerRow>,
}

/// The span in which restarts and OOM kills are counted.
pub const RESTARTS_WITHIN_MS: i64 = 600_000;
/// Steps of history kept for each container: five minutes at one a second.
const HISTORY: usize = 300;

impl Peak {
    fn take(&mut self, cores: Option<f64>, memory: Option<u64>, span: Span) {
        self.cores = self.cores.max(cores.unwrap_or(0.0));
        self.memory = self.memory.max(memory.map_or(0.0, |bytes| bytes as f64));
        if cores.is_some() && memory.is_some() {
            // Time that was not observed, such as a suspend, does not count.
            self.watched += span.since.unwrap_or_default().min(span.every * 3);
        }
    }
}

impl ContainerRow {
    fn new(meta: &Arc<Container>) -> Self {
        let series = || Series::new(HISTORY);
        ContainerRow { meta: meta.clone(), cpu_history: series(), memory_history: series(), ..ContainerRow::default() }
    }

    fn apply(&mut self, span: Span, meta: Arc<Container>, usage: Option<Usage>) {
        // Another start means other counters.
        let same = self.meta.started_unix_ms == meta.started_unix_ms && self.meta.pid == meta.pid;
        let counted = |usage: Option<&Usage>| usage.and_then(|u| u.counted_unix_ms);
        // What the engine counted and what was read here have no moment in common.
        let alike = counted(self.usage.as_ref()).is_some() == counted(usage.as_ref()).is_some();
        let before = self.usage.take().filter(|_| same && alike);
        let since = match (counted(before.as_ref()), counted(usage.as_ref())) {
            // The engine counts less often than this is read: its last figures hold until the next.
            (Some(then), Some(now)) if then == now => {
                self.usage = before;
                self.meta = meta;
                self.peak.take(self.cpu_cores, self.memory_bytes(), span);
                self.remember(span);
                return;
            }
            (Some(then), Some(now)) => u64::try_from(now - then).ok().map(Duration::from_millis),
            _ => span.since,
        };
        let rate = |of: fn(&Usage) -> Option<u64>| {
            per_second(before.as_ref().and_then(of)?, usage.as_ref().and_then(of)?, since?)
        };
        self.cpu_cores = rate(|u| u.cpu_us).map(|us| us / 1e6);
        self.read_per_second = rate(|u| u.read_bytes);
        self.write_per_second = rate(|u| u.written_bytes);
        self.rx_per_second = rate(|u| u.rx_bytes);
        self.tx_per_second = rate(|u| u.tx_bytes);
        let periods = |usage: Option<&Usage>| usage.and_then(|u| u.throttled_periods);
        self.throttled_ratio = periods(before.as_ref()).zip(periods(usage.as_ref())).and_then(|(b, n)| {
            let (held, all) = (n.0.checked_sub(b.0)?, n.1.checked_sub(b.1)?);
            Some(if all == 0 { 0.0 } else { (held as f64 / all as f64).min(1.0) })
        });
        self.usage = usage;
        self.meta = meta;
        self.peak.take(self.cpu_cores, self.memory_bytes(), span);
        self.remember(span);
    }

    fn remember(&mut self, span: Span) {
        self.cpu_history.push(span.at, span.every, self.cpu_cores);
        self.memory_history.push(span.at, span.every, self.memory_bytes().map(|b| b as f64));
    }

    /// Storage bytes read and written a second; of one alone where the other is not known.
    #[must_use]
    pub fn io_per_second(&self) -> Option<f64> {
        [self.read_per_second, self.write_per_second].into_iter().flatten().reduce(|a, b| a + b)
    }

    /// Cores used in the last minute on average; `None` until they were counted.
    #[must_use]
    pub fn cpu_lately(&self) -> Option<f64> {
        let step = self.cpu_history.step().as_secs_f64();
        let steps = if step > 0.0 { (60.0 / step).ceil().max(1.0) as usize } else { 1 };
        let lately = self.cpu_history.iter().rev().take(steps).flatten();
        let (sum, count) = lately.fold((0.0, 0u32), |(sum, count), cores| (sum + cores, count + 1));
        (count > 0).then(|| sum / f64::from(count))
    }

    /// What its label begins with.
    fn called(&self) -> &str {
        if self.meta.name.is_empty() { self.short_id() } else { &self.meta.name }
    }

    /// Its label is one of its name.
    fn is_labelled(&self) -> bool {
        let rest = self.label.strip_prefix(self.called()).filter(|_| !self.label.is_empty());
        rest.is_some_and(|rest| {
            rest.is_empty() || rest.strip_prefix(' ').is_some_and(|id| id == self.short_id() || id == self.meta.id)
        })
    }

    /// Memory in use, bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> Option<u64> {
        self.usage.as_ref()?.memory_bytes
    }

    /// The ceiling that holds: the engine's, else the group's where it is below `machine` bytes.
    #[must_use]
    pub fn memory_limit(&self, machine: u64) -> Option<u64> {
        let group = self.usage.as_ref().and_then(|u| u.memory_limit);
        self.meta.memory_limit.or(group).filter(|limit| *limit > 0 && (machine == 0 || *limit < machine))
    }

    /// Memory against its limit, 0 to 1; `None` without a limit.
    #[must_use]
    pub fn memory_ratio(&self, machine: u64) -> Option<f64> {
        Some(self.memory_bytes()? as f64 / self.memory_limit(machine)? as f64)
    }

    /// CPU against its limit, 0 to 1; `None` without a limit.
    #[must_use]
    pub fn cpu_ratio(&self) -> Option<f64> {
        Some(self.cpu_cores? / self.meta.cpu_limit.filter(|cores| *cores > 0.0)?)
    }

    /// How often it came up again by itself in the ten minutes before `now`.
    #[must_use]
    pub fn restarts_lately(&self, now: Stamp) -> u32 {
        lately(&self.meta.restarted_unix_ms, now)
    }

    /// `10× in 10 min`; `at least 3× in 4 min, 36 in all` where the engine does not remember ten minutes.
    #[must_use]
    pub fn restart_words(&self, now: Stamp) -> String {
        let count = self.restarts_lately(now);
        let from = self.meta.restarts_from_unix_ms.filter(|_| count < self.meta.restarts);
        let known = from.map(|from| now.unix_ms.saturating_sub(from)).filter(|ms| *ms < RESTARTS_WITHIN_MS);
        match known {
            Some(ms) => {
                let span = u64::try_from(ms).map_or(Duration::ZERO, Duration::from_millis);
                let span = match span.as_secs() {
                    seconds @ 0..60 => format!("{seconds} s"),
                    seconds => format!("{} min", seconds / 60),
                };
                format!("at least {count}× in {span}, {} in all", self.meta.restarts)
            }
            None => format!("{count}× in 10 min"),
        }
    }

    /// It ended, and neither a user nor an engine's command asked for it; or it could not be started.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        let meta = &self.meta;
        let code = meta.exit_code.unwrap_or(0);
        match meta.state {
            RunState::Created => meta.error.is_some() && code != 0,
            RunState::Exited | RunState::Dead if meta.asked_to_end => false,
            RunState::Exited | RunState::Dead => meta.oom_killed || (code != 0 && !self.ended_by_hand(code)),
            _ => false,
        }
    }

    /// What an exit that no event explains looks like when it was requested: ended by SIGTERM or by Ctrl-C, or left
    /// alone by an engine that is to keep it up whatever happens.
    fn ended_by_hand(&self, code: i64) -> bool {
        let kept_up = matches!(self.meta.restart_policy.as_str(), "always" | "unless-stopped");
        matches!(code, 130 | 143) || (kept_up && self.meta.error.is_none())
    }

    /// `exited (137)`, `was OOM-killed`, `is restarting (1), 36 restarts in all`, `could not be started: …`.
    #[must_use]
    pub fn end_words(&self) -> String {
        let meta = &self.meta;
        let code = meta.exit_code.map_or_else(String::new, |code| format!(" ({code})"));
        match (meta.state, &meta.error) {
            (RunState::Created, Some(error)) => format!("could not be started: {error}"),
            (RunState::Restarting, _) => {
                let plural = if meta.restarts == 1 { "" } else { "s" };
                format!("is restarting{code}, {} restart{plural} in all", meta.restarts)
            }
            (_, Some(error)) => format!("exited{code}: {error}"),
            _ if meta.oom_killed => "was OOM-killed".to_owned(),
            _ => format!("exited{code}"),
        }
    }

    /// OOM kills in the ten minutes before `now`.
    #[must_use]
    pub fn ooms_lately(&self, now: Stamp) -> u32 {
        lately(&self.meta.ooms_unix_ms, now)
    }

    /// 12 letters of its id, as everybody writes it.
    #[must_use]
    pub fn short_id(&self) -> &str {
        self.meta.id.get(..12).unwrap_or(&self.meta.id)
    }
}

/// How many of these moments are within ten minutes of `now`.
fn lately(moments: &[i64], now: Stamp) -> u32 {
    let recent = |at: &&i64| now.unix_ms.saturating_sub(**at) <= RESTARTS_WITHIN_MS;
    u32::try_from(moments.iter().filter(recent).count()).unwrap_or(u32::MAX)
}

impl Containers {
    pub fn apply(&mut self, span: Span, mut sample: ContainerSample) {
        self.engines = sample.engines;
        align(&mut self.rows, &sample.containers, |row, meta| row.meta.id == meta.id, ContainerRow::new);
        for (row, meta) in self.rows.iter_mut().zip(sample.containers) {
            let usage = sample.usages.remove(&meta.id);
            row.apply(span, meta, usage);
        }
        self.label();
    }

    /// Labels those that have none yet, or another name than before.
    fn label(&mut self) {
        if self.rows.iter().all(ContainerRow::is_labelled) {
            return;
        }
        let mut taken: HashSet<Arc<str>> =
            self.rows.iter().filter(|row| row.is_labelled()).map(|row| row.label.clone()).collect();
        for row in &mut self.rows {
            if row.is_labelled() {
                continue;
            }
            let name = row.called();
            let label =
                [name.to_owned(), format!("{name} {}", row.short_id())].into_iter().find(|l| !taken.contains(&**l));
            row.label = label.unwrap_or_else(|| format!("{name} {}", row.meta.id)).into();
            taken.insert(row.label.clone());
        }
    }

    /// The container with an id that starts with `id`, which is not empty.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&ContainerRow> {
        self.rows.iter().find(|row| !id.is_empty() && row.meta.id.starts_with(id))
    }

    /// Those that run.
    #[must_use]
    pub fn running(&self) -> usize {
        self.rows.iter().filter(|row| row.meta.state == RunState::Running).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(id: &str, started: i64) -> Arc<Container> {
        let (pid, state) = (77, RunState::Running);
        Arc::new(Container { id: id.into(), pid, state, started_unix_ms: Some(started), ..Container::default() })
    }

    fn fold(all: &mut Containers, second: u64, meta: &Arc<Container>, cpu_us: u64) {
        let usage = Usage { cpu_us: Some(cpu_us), memory_bytes: Some(50), ..Usage::default() };
        let sample = ContainerSample {
            containers: vec![meta.clone()],
            usages: BTreeMap::from([(meta.id.clone(), usage)]),
            ..ContainerSample::default()
        };
        let since = (second > 1).then_some(Duration::from_secs(1));
        all.apply(Span { at: Stamp::at_seconds(second), every: Duration::from_secs(1), since }, sample);
    }

    #[test]
    fn cpu_is_cores_used_between_two_readings_of_one_run() {
        let mut all = Containers::default();
        let first = meta("ab", 1);
        fold(&mut all, 1, &first, 1_000_000);
        assert_eq!(all.rows[0].cpu_cores, None);
        fold(&mut all, 2, &first, 2_500_000);
        assert_eq!(all.rows[0].cpu_cores, Some(1.5));
        fold(&mut all, 3, &meta("ab", 9), 2_600_000);
        assert_eq!(all.rows[0].cpu_cores, None, "it was started again: its counters are others");
        assert_eq!(all.rows[0].cpu_history.len(), 3, "its history goes on");
    }

    #[test]
    fn engine_counters_are_rates_over_the_engine_s_clock() {
        let mut all = Containers::default();
        let meta = meta("ab", 1);
        let mut fold = |second: u64, counted: i64, cpu_us: u64| {
            let usage = Usage { cpu_us: Some(cpu_us), counted_unix_ms: Some(counted), ..Usage::default() };
            let sample = ContainerSample {
                containers: vec![meta.clone()],
                usages: BTreeMap::from([(meta.id.clone(), usage)]),
                ..ContainerSample::default()
            };
            let since = (second > 1).then_some(Duration::from_secs(1));
            all.apply(Span { at: Stamp::at_seconds(second), every: Duration::from_secs(1), since }, sample);
            all.rows[0].cpu_cores
        };
        assert_eq!(fold(1, 10_000, 1_000_000), None);
        assert_eq!(fold(2, 15_000, 6_000_000), Some(1.0));
        assert_eq!(fold(3, 15_000, 6_000_000), Some(1.0), "nothing new was counted");
        assert_eq!(fold(4, 20_000, 8_500_000), Some(0.5));
    }

    #[test]
    fn a_limit_above_the_machine_is_none() {
        let mut row = ContainerRow::new(&meta("ab", 1));
        row.usage = Some(Usage { memory_bytes: Some(50), memory_limit: Some(1 << 62), ..Usage::default() });
        assert_eq!(row.memory_ratio(1 << 34), None);
        row.usage.as_mut().expect("set").memory_limit = Some(100);
        assert_eq!(row.memory_ratio(1 << 34), Some(0.5));
    }

    #[test]
    fn a_peak_says_how_long_it_was_watched() {
        let mut all = Containers::default();
        let first = meta("ab", 1);
        fold(&mut all, 1, &first, 0);
        fold(&mut all, 2, &first, 1_500_000);
        fold(&mut all, 3, &first, 1_600_000);
        let peak = all.rows[0].peak;
        assert_eq!((peak.cores, peak.memory, peak.watched), (1.5, 50.0, Duration::from_secs(2)));
        fold(&mut all, 4, &meta("ab", 9), 0);
        assert_eq!(all.rows[0].peak, peak, "another start has no rate yet, and what it used before counts");
    }

    #[test]
    fn swap_stays_what_it_was() {
        let swap = |limit, both, memory| {
            let container = Container { memory_limit: limit, memory_swap: both, ..Container::default() };
            container.swap_beside(memory)
        };
        assert_eq!(swap(Some(64), Some(64), 128), 128, "none stays none");
        assert_eq!(swap(Some(64), Some(128), 256), 320, "64 stay 64");
        assert_eq!(swap(Some(64), Some(-1), 128), SWAP_UNLIMITED);
        assert_eq!(swap(None, None, 128), SWAP_UNLIMITED);
        assert_eq!(swap(Some(64), Some(128), 0), SWAP_UNLIMITED, "the memory limit is taken away");
    }

    fn ended(state: RunState, code: i64) -> Container {
        let (exit_code, restart_policy) = (Some(code), "no".to_owned());
        Container { state, exit_code, restart_policy, ..Container::default() }
    }

    fn fails(container: Container) -> bool {
        ContainerRow::new(&Arc::new(container)).has_failed()
    }

    #[test]
    fn an_end_that_nobody_asked_for_is_a_failure() {
        use RunState::{Created, Exited, Restarting, Running};
        assert!(fails(ended(Exited, 1)) && fails(ended(Exited, 137)) && fails(ended(Exited, 255)));
        assert!(!fails(ended(Exited, 0)), "it was done");
        assert!(!fails(ended(Exited, 143)) && !fails(ended(Exited, 130)), "it was asked by a signal");
        assert!(!fails(Container { asked_to_end: true, ..ended(Exited, 137) }), "docker kill");
        assert!(!fails(Container { asked_to_end: true, ..ended(Exited, 1) }), "docker stop");
        assert!(fails(Container { oom_killed: true, ..ended(Exited, 137) }));
        let always = Container { restart_policy: "always".into(), ..ended(Exited, 137) };
        assert!(!fails(always.clone()), "its engine would have started it again");
        assert!(fails(Container { error: Some("port is already allocated".into()), ..always }));
        assert!(!fails(ended(Running, 1)) && !fails(ended(Restarting, 1)), "that has alerts of its own");
        let error = Some("sh: not found".to_owned());
        assert!(fails(Container { error, ..ended(Created, 127) }) && !fails(ended(Created, 0)));
    }

    #[test]
    fn restarts_beyond_what_is_remembered_are_at_least_so_many() {
        let now = Stamp::at_seconds(1000);
        let ago = |seconds: i64| now.unix_ms - seconds * 1000;
        let restarted_unix_ms = vec![ago(200), ago(120), ago(60)];
        let known = Container { restarted_unix_ms, restarts: 3, ..Container::default() };
        let words = |container: &Container| ContainerRow::new(&Arc::new(container.clone())).restart_words(now);
        assert_eq!(words(&known), "3× in 10 min");
        let more = Container { restarts: 36, restarts_from_unix_ms: Some(ago(250)), ..known.clone() };
        assert_eq!(words(&more), "at least 3× in 4 min, 36 in all");
        assert_eq!(words(&Container { restarts_from_unix_ms: Some(ago(601)), ..more }), "3× in 10 min");
        let all = Container { restarts_from_unix_ms: Some(ago(250)), ..known };
        assert_eq!(words(&all), "3× in 10 min", "they are all known");
    }

    #[test]
    fn a_silent_engine_is_named_with_the_cure() {
        let denied = Engine {
            kind: "docker".into(),
            address: "unix:///var/run/docker.sock".into(),
            fault: Some(Fault::Denied { what: "permission denied".into(), hint: "run as root".into() }),
            ..Engine::default()
        };
        let words = "Docker: permission denied on /var/run/docker.sock (run as root)";
        assert_eq!(denied.complaint().as_deref(), Some(words));
        let gone = Engine { fault: Some(Fault::Broken("connection refused: nothing is listening".into())), ..denied };
        assert_eq!(
            gone.complaint().as_deref(),
            Some("Docker at /var/run/docker.sock: connection refused: nothing is listening")
        );
    }

    #[test]
    fn restarts_count_for_ten_minutes() {
        let now = Stamp::at_seconds(1000);
        let ago = |minutes: i64| now.unix_ms - minutes * 60_000;
        let restarted_unix_ms = vec![ago(11), ago(9), ago(1)];
        let row = ContainerRow {
            meta: Arc::new(Container { restarted_unix_ms, ..Container::default() }),
            ..ContainerRow::default()
        };
        assert_eq!(row.restarts_lately(now), 2);
    }

    #[test]
    fn a_label_is_unique_and_stays() {
        let container =
            |id: &str, name: &str| Arc::new(Container { id: id.into(), name: name.into(), ..Container::default() });
        let (a, b) = (container("aaaaaaaaaaaaaaaa", "web"), container("bbbbbbbbbbbbbbbb", "web"));
        let mut all = Containers::default();
        let mut labels = |containers: &[&Arc<Container>]| -> Vec<String> {
            let sample = ContainerSample {
                containers: containers.iter().map(|c| (*c).clone()).collect(),
                ..ContainerSample::default()
            };
            let at = Stamp::at_seconds(1);
            all.apply(Span { at, every: Duration::from_secs(1), since: None }, sample);
            all.rows.iter().map(|row| row.label.to_string()).collect()
        };
        assert_eq!(labels(&[&b]), ["web"]);
        assert_eq!(labels(&[&a, &b]), ["web aaaaaaaaaaaa", "web"], "who was there first keeps the name");
        assert_eq!(labels(&[&a]), ["web aaaaaaaaaaaa"], "it stays when the other goes");
        assert_eq!(labels(&[&a, &container("cccc", "")]), ["web aaaaaaaaaaaa", "cccc"]);
        let renamed = container("aaaaaaaaaaaaaaaa", "shop");
        assert_eq!(labels(&[&renamed]), ["shop"], "a rename is the user's");
        assert_eq!(labels(&[&renamed, &a.clone()]).len(), 2);
    }

    #[test]
    fn another_way_of_counting_is_no_rate() {
        let mut all = Containers::default();
        let meta = meta("ab", 1);
        fold(&mut all, 1, &meta, 1_000_000);
        let usage = Usage { cpu_us: Some(9_000_000), counted_unix_ms: Some(1), ..Usage::default() };
        let sample = ContainerSample {
            containers: vec![meta.clone()],
            usages: BTreeMap::from([(meta.id.clone(), usage)]),
            ..ContainerSample::default()
        };
        let span =
            Span { at: Stamp::at_seconds(2), every: Duration::from_secs(1), since: Some(Duration::from_secs(1)) };
        all.apply(span, sample);
        assert_eq!(all.rows[0].cpu_cores, None);
    }

    #[test]
    fn whose_network_it_is() {
        let of = |mode: Option<&str>| Container { network_mode: mode.map(str::to_owned), ..Container::default() };
        assert_eq!(of(Some("host")).network(), NetworkOf::Host);
        assert_eq!(of(Some("container:ab")).network(), NetworkOf::Container("ab"));
        assert!([None, Some("bridge"), Some("shop_default")].iter().all(|mode| of(*mode).network() == NetworkOf::Own));
    }
}
