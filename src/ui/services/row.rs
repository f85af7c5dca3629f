//! One service as its table shows it: with what its cells need of the machine.

use std::borrow::Cow;

use crate::{
    alert::Level,
    model::service::{ServiceRow, Standing},
    state::{State, levels},
};

/// The table of services.
pub struct Services;

/// A service with what its cells need of the machine.
pub struct Row<'a> {
    pub service: &'a ServiceRow,
    pub state: &'a State,
}

impl<'a> Row<'a> {
    /// A row of this state.
    #[must_use]
    pub fn new(service: &'a ServiceRow, state: &'a State) -> Self {
        Row { service, state }
    }

    /// How it stands: `200`, `slow 200`, `down 2×`, `no network`.
    #[must_use]
    pub fn words(&self) -> Cow<'static, str> {
        self.service.words(levels::service_is_slow(self.state, self.service))
    }

    /// Its worst level.
    #[must_use]
    pub fn level(&self) -> Level {
        levels::service(self.state, self.service)
    }

    /// How much it needs a look, the neediest first.
    #[must_use]
    pub fn need(&self) -> u32 {
        match (self.level(), self.service.standing) {
            (Level::Crit, _) => 0,
            (Level::Warn, _) => 1,
            (_, Standing::Unjudged) => 2,
            (Level::Advice, _) => 3,
            (_, Standing::Paused) => 5,
            _ => 4,
        }
    }
}
