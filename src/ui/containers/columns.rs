//! The columns of the containers: what each says of one, how it compares, and what a filter finds in it.

use std::{borrow::Cow, time::Duration};

use super::cells;
use crate::{
    alert::Level,
    model::{
        container::{ContainerRow, Engine, Health, NetworkOf, RunState},
        join,
    },
    state::State,
    ui::table::{
        column::{Column, Kind},
        filter::Fields,
        needle::Needle,
    },
    units::{self, ABSENT},
};

/// Indices into [`COLUMNS`].
#[expect(missing_docs, reason = "the table documents each")]
pub mod at {
    pub const NAME: usize = 0;
    pub const STATE: usize = 1;
    pub const CPU: usize = 2;
    pub const CPU_LIMIT: usize = 3;
    pub const GRAPH: usize = 4;
    pub const MEMORY: usize = 5;
    pub const LIMIT: usize = 6;
    pub const RECEIVE: usize = 7;
    pub const SEND: usize = 8;
    pub const READ: usize = 9;
    pub const WRITE: usize = 10;
    pub const PIDS: usize = 11;
    pub const RESTARTS: usize = 12;
    pub const UP: usize = 13;
    pub const IMAGE: usize = 14;
    pub const PORTS: usize = 15;
    pub const PROJECT: usize = 16;
    pub const ENGINE: usize = 17;
    pub const ID: usize = 18;
    pub const GPU: usize = 19;
    pub const IO: usize = 20;
}

/// Every column. On a narrow screen those of the greatest rank go first; name, state, CPU and memory stay.
pub static COLUMNS: [Column; 21] = [
    Column::words("name", "NAME", 32, 0).between(8, 32).doc("its name"),
    Column::words("state", "STATE", 24, 0)
        .between(8, 24)
        .also(&["status", "health"])
        .doc("what needs a look first, then the busiest; its health where it is checked"),
    Column::figure("cpu", "CPU%", Kind::Share, 5, 0).doc("CPU, 100 is one core"),
    Column::figure("cpu_limit", "OF LIM", Kind::Share, 6, 12).doc("CPU against its limit, 100 is all of it"),
    Column::words("graph", "", 8, 9).between(8, 20).doc("its CPU lately, a full block is one core or its limit"),
    Column::figure("memory", "MEM", Kind::Bytes, 5, 0).also(&["mem"]).doc("memory without file cache that may go"),
    Column::figure("limit", "", Kind::Share, 8, 4)
        .between(8, 16)
        .also(&["mem%", "memory_percent"])
        .doc("memory against its limit"),
    Column::figure("receive", "NET↓/s", Kind::Bytes, 6, 6).also(&["rx", "down"]).doc("received each second"),
    Column::figure("send", "NET↑/s", Kind::Bytes, 6, 6).also(&["tx", "up/s"]).doc("sent each second"),
    Column::figure("read", "READ/s", Kind::Bytes, 6, 7).doc("read from storage each second"),
    Column::figure("write", "WRIT/s", Kind::Bytes, 6, 7).doc("written to storage each second"),
    Column::figure("pids", "PIDS", Kind::Count, 5, 10).doc("processes and threads"),
    Column::figure("restarts", "RST", Kind::Count, 3, 2).doc("restarts by itself in the last ten minutes"),
    Column::figure("up", "UP", Kind::Seconds, 4, 3).also(&["age"]).doc("since it started, or since it ended"),
    Column::words("image", "IMAGE", 16, 8).between(12, 60).doc("its image"),
    Column::words("ports", "PORTS", 13, 11).between(6, 40).doc("published ports"),
    Column::words("project", "PROJECT", 10, 13).between(7, 20).also(&["compose"]).doc("its compose project"),
    Column::words("engine", "ENGINE", 7, 14).doc("docker or podman"),
    Column::words("id", "ID", 12, 15).doc("the front of its id"),
    Column::figure("gpu", "GPU", Kind::Bytes, 5, 5).also(&["vram", "gpu_memory"]).doc("memory that it holds on GPUs"),
    Column::figure("io", "I/O/s", Kind::Bytes, 6, 7).doc("read and written each second, together"),
];

/// A container with what its cells need of the machine.
pub struct Row<'a> {
    /// The container.
    pub container: &'a ContainerRow,
    state: &'a State,
}

impl<'a> Row<'a> {
    /// A row of this state.
    #[must_use]
    pub fn new(container: &'a ContainerRow, state: &'a State) -> Self {
        Row { container, state }
    }

    fn engine(&self) -> Option<&'a Engine> {
        self.state.host.containers.engines.get(usize::from(self.container.meta.engine))
    }

    /// Its engine answers: what stands here of it is so now.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.engine().is_none_or(|engine| engine.fault.is_none())
    }

    /// Its state with the reason: `healthy`, `restarting (1)`, `exited (137)`, `OOM-killed`.
    #[must_use]
    pub fn state_words(&self) -> Cow<'static, str> {
        let meta = &self.container.meta;
        match (meta.state, meta.health, meta.exit_code) {
            (RunState::Running, Some(health), _) => Cow::Borrowed(health.word()),
            (RunState::Exited, ..) if meta.oom_killed => Cow::Borrowed("OOM-killed"),
            (RunState::Exited | RunState::Restarting | RunState::Created | RunState::Dead, _, Some(code))
                if code != 0 =>
            {
                Cow::Owned(format!("{} ({code})", meta.state.word()))
            }
            (state, ..) => match &meta.state_word {
                Some(word) => Cow::Owned(word.clone()),
                None => Cow::Borrowed(state.word()),
            },
        }
    }

    /// `host`, `of web`: whose network it uses when that is not its own, and its traffic therefore is not.
    #[must_use]
    pub fn network_words(&self) -> Option<String> {
        match self.container.meta.network() {
            NetworkOf::Own => None,
            NetworkOf::Host => Some("host".to_owned()),
            NetworkOf::Container(id) => {
                let name = self.state.host.containers.find(id).map_or(id.get(..12).unwrap_or(id), |row| &row.meta.name);
                Some(format!("of {name}"))
            }
        }
    }

    /// When it ended, where it did: ` 26m ago`.
    #[must_use]
    pub fn ended_words(&self) -> String {
        match self.container.meta.state {
            RunState::Exited | RunState::Dead => {
                self.age().map_or_else(String::new, |age| format!(" {} ago", units::span_short(age)))
            }
            _ => String::new(),
        }
    }

    /// Restarts of the last ten minutes.
    #[must_use]
    pub fn restarts(&self) -> u32 {
        self.container.restarts_lately(self.state.host.now)
    }

    /// How much it needs a look, the neediest first: what the rules say, then what it is.
    #[must_use]
    pub fn need(&self) -> u8 {
        let meta = &self.container.meta;
        let dead = self.container.has_failed() || meta.state == RunState::Restarting;
        match (cells::need(self.state, self.container), meta.state, meta.health) {
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
            (_, RunState::Exited | RunState::Created, _) if self.container.has_failed() => 8,
            (_, RunState::Exited | RunState::Created, _) => 9,
        }
    }

    /// Since when it has been what it is.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        let meta = &self.container.meta;
        let since = match meta.state {
            RunState::Exited | RunState::Dead => meta.finished_unix_ms,
            RunState::Created => meta.created_unix_ms,
            _ => meta.started_unix_ms,
        };
        let ms = u64::try_from(self.state.host.now.unix_ms.saturating_sub(since?)).ok()?;
        Some(Duration::from_millis(ms))
    }

    /// What stands in the cell of this column.
    #[must_use]
    pub fn shown(&self, column: usize) -> String {
        let running = matches!(self.container.meta.state, RunState::Running | RunState::Paused);
        let absent = || if running { ABSENT.to_owned() } else { String::new() };
        let bytes = || self.number(column).map_or_else(absent, units::bytes_short);
        match column {
            at::CPU => self.number(column).map_or_else(absent, |c| format!("{:.1}", c * 100.0)),
            at::CPU_LIMIT => self.number(column).map_or_else(String::new, units::percent),
            at::RECEIVE if running && self.network_words().is_some() => self.network_words().unwrap_or_default(),
            at::SEND if self.network_words().is_some() => String::new(),
            at::MEMORY | at::RECEIVE | at::SEND | at::READ | at::WRITE | at::IO => bytes(),
            at::GPU => self.number(column).map_or_else(String::new, units::bytes_short),
            at::PIDS => self.number(column).map_or_else(absent, |n| format!("{n:.0}")),
            at::RESTARTS => self.restarts().to_string(),
            at::UP => self.age().map_or_else(String::new, units::span_short),
            // Hardly any port is not of TCP.
            at::PORTS => self.text(column).replace("/tcp", ""),
            at::LIMIT | at::GRAPH => String::new(),
            _ => self.text(column).into_owned(),
        }
    }
}

impl Fields for Row<'_> {
    fn text(&self, column: usize) -> Cow<'_, str> {
        let meta = &self.container.meta;
        match column {
            at::NAME => Cow::Borrowed(&meta.name),
            at::STATE => self.state_words(),
            at::IMAGE => Cow::Borrowed(&meta.image),
            at::PORTS => Cow::Owned(meta.ports.join(" ")),
            at::PROJECT => Cow::Borrowed(meta.project.as_deref().unwrap_or_default()),
            at::ENGINE => Cow::Borrowed(self.engine().map_or("", |engine| engine.kind.as_str())),
            at::ID => Cow::Borrowed(self.container.short_id()),
            at::GRAPH => Cow::Borrowed(""),
            _ => Cow::Owned(self.shown(column)),
        }
    }

    fn number(&self, column: usize) -> Option<f64> {
        let c = self.container;
        Some(match column {
            at::CPU | at::GRAPH => c.cpu_cores?,
            at::CPU_LIMIT => c.cpu_ratio()?,
            at::MEMORY => c.memory_bytes()? as f64,
            at::LIMIT => c.memory_ratio(self.state.host.memory.raw.total)?,
            at::RECEIVE => c.rx_per_second?,
            at::SEND => c.tx_per_second?,
            at::READ => c.read_per_second?,
            at::WRITE => c.write_per_second?,
            at::IO => c.io_per_second()?,
            at::GPU => join::gpu_memory_of(&self.state.host, c)? as f64,
            at::PIDS => c.usage.as_ref()?.pids? as f64,
            at::RESTARTS => f64::from(self.restarts()),
            at::UP => self.age()?.as_secs_f64(),
            _ => return None,
        })
    }

    fn word(&self, needle: &Needle) -> bool {
        let meta = &self.container.meta;
        [&meta.name, &meta.image, &meta.id, &meta.command].into_iter().any(|text| needle.is_in(text))
            || meta.project.as_deref().is_some_and(|project| needle.is_in(project))
            || needle.is_in(&self.state_words())
    }
}
