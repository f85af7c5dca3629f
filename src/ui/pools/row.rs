//! One pool as its table shows it: with what its cells need of the machine.

use crate::{
    alert::Level,
    model::pool::PoolRow,
    state::State,
    ui::{figures::role_of, theme::Role},
};

/// The table of pools.
pub struct Pools;

/// A pool with what its cells need of the machine.
pub struct Row<'a> {
    /// The pool.
    pub pool: &'a PoolRow,
    pub state: &'a State,
}

impl<'a> Row<'a> {
    /// A row of this state.
    #[must_use]
    pub fn new(pool: &'a PoolRow, state: &'a State) -> Self {
        Row { pool, state }
    }

    /// Read, write and checksum errors of its leaves.
    #[must_use]
    pub fn errors(&self) -> Option<u64> {
        let reported = self.pool.reported.as_ref()?;
        Some(reported.leaves().flat_map(|v| v.errors).fold(reported.data_errors.unwrap_or(0), u64::saturating_add))
    }

    /// The role of a figure at this level: those of a pool without answering devices are faint.
    pub(super) fn role(&self, level: Level, otherwise: Role) -> Role {
        if self.pool.stands_still() { Role::Faint } else { role_of(level, otherwise) }
    }
}
