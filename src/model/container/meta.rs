//! What an engine knows of a container (Docker Engine API, as Podman speaks it too): state, health, limits, mounts.

use serde::{Deserialize, Serialize};

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
    /// Index into `engines` of the sample.
    pub engine: u16,
    /// Cleaned, without the engine's leading `/`.
    pub name: String,
    /// Image as it was named at the start, cleaned.
    pub image: String,
    /// Digest of that image, shortened: another one under the same name is another image.
    #[serde(default)]
    pub image_id: Option<String>,
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
    /// When it restarted by itself, in the last ten minutes: milliseconds since 1970.
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
