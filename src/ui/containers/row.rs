//! One container as its table shows it: with what its cells need of the machine.

use std::{borrow::Cow, time::Duration};

use crate::{
    model::container::{ContainerRow, Engine, NetworkOf, RunState},
    state::State,
    units::{self, ABSENT},
};

/// The table of containers.
pub struct Containers;

/// A container with what its cells need of the machine.
pub struct Row<'a> {
    /// The container.
    pub container: &'a ContainerRow,
    pub state: &'a State,
}

impl<'a> Row<'a> {
    /// A row of this state.
    #[must_use]
    pub fn new(container: &'a ContainerRow, state: &'a State) -> Self {
        Row { container, state }
    }

    pub(super) fn engine(&self) -> Option<&'a Engine> {
        self.state.host.containers.engines.get(usize::from(self.container.meta.engine))
    }

    /// Its engine answers: these values are current.
    #[must_use]
    pub fn is_current(&self) -> bool {
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

    /// `host`, `of web`: the network it shares, and so its traffic.
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

    /// True while it has processes, paused or not.
    #[must_use]
    pub fn runs(&self) -> bool {
        matches!(self.container.meta.state, RunState::Running | RunState::Paused)
    }

    /// Memory against its limit; `None` without one.
    #[must_use]
    pub fn memory_ratio(&self) -> Option<f64> {
        self.container.memory_ratio(self.state.host.memory.raw.total)
    }

    /// What stands for a value that it has not: nothing where it does not run.
    pub(super) fn absent(&self) -> &'static str {
        if self.runs() { ABSENT } else { "" }
    }

    pub(super) fn bytes(&self, bytes: Option<f64>) -> Cow<'static, str> {
        bytes.map_or(Cow::Borrowed(self.absent()), |bytes| Cow::Owned(units::bytes_short(bytes)))
    }
}
