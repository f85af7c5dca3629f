//! What processes hold of memory when what they share is divided among those that share it (PSS). For it the kernel walks
//! through all pages of a process, so that it is read for a few, and only while a view shows it.

use serde::{Deserialize, Serialize};

use super::ProcKey;

/// The processes that were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProcessMemorySample {
    /// Proportional bytes of each that was read; `None` where this user may not.
    pub pss: Vec<(ProcKey, Option<u64>)>,
}

impl ProcessMemorySample {
    /// The proportional bytes of a process, where they are known.
    #[must_use]
    pub fn of(&self, key: ProcKey) -> Option<u64> {
        self.pss.iter().find(|(of, _)| *of == key).and_then(|(_, pss)| *pss)
    }
}
