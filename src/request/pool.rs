//! What can be asked of a pool and its datasets.

use serde::{Deserialize, Serialize};

/// What can be done to a pool or a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolAct {
    /// Start a scrub.
    Scrub,
    /// Resume a paused scrub.
    ResumeScrub,
    /// Pause a scrub.
    PauseScrub,
    /// Stop a scrub.
    StopScrub,
    /// Reset error counters; a suspended pool resumes.
    Clear,
    /// Set a property of a dataset.
    Set {
        dataset: String,
        /// `compression`, `recordsize`.
        property: String,
        /// The new value.
        value: String,
        /// The value before.
        before: String,
    },
    /// Let a dataset inherit a property again.
    Inherit {
        dataset: String,
        /// `compression`, `recordsize`.
        property: String,
        /// The value before.
        before: String,
        /// The value that it had received comes back.
        received: bool,
    },
}

impl PoolAct {
    /// What it does, in words that name what it is done to.
    #[must_use]
    pub fn phrase(&self, pool: &str) -> String {
        match self {
            PoolAct::Scrub => format!("scrub {pool}"),
            PoolAct::ResumeScrub => format!("resume the scrub of {pool}"),
            PoolAct::PauseScrub => format!("pause the scrub of {pool}"),
            PoolAct::StopScrub => format!("stop the scrub of {pool}"),
            PoolAct::Clear => format!("clear the errors of {pool}"),
            PoolAct::Set { dataset, property, value, .. } => format!("set {property} of {dataset} to {value}"),
            PoolAct::Inherit { dataset, property, .. } => format!("inherit {property} of {dataset}"),
        }
    }

    /// What is known before the yes: the state before, what it costs.
    #[must_use]
    pub fn doc(&self) -> String {
        match self {
            PoolAct::Scrub => "reads and checks all data; slows other work".to_owned(),
            PoolAct::ResumeScrub => "continues where it was paused".to_owned(),
            PoolAct::PauseScrub => "a later scrub continues where it was".to_owned(),
            PoolAct::StopScrub => "its progress is lost: the next one starts over".to_owned(),
            PoolAct::Clear => "resets error counters; a suspended pool resumes".to_owned(),
            PoolAct::Set { before, property, .. } | PoolAct::Inherit { before, property, .. } => {
                format!("now {before}; {}", takes_effect(property))
            }
        }
    }

    /// Can be taken back.
    #[must_use]
    pub fn is_undoable(&self) -> bool {
        !matches!(self, PoolAct::StopScrub | PoolAct::Clear)
    }
}

/// When a property of a dataset takes effect ("zfsprops(7)").
#[must_use]
pub fn takes_effect(property: &str) -> &'static str {
    match property {
        "compression" | "recordsize" | "checksum" | "copies" | "dedup" | "special_small_blocks" => {
            "affects new writes only"
        }
        _ => "takes effect at once",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_act_has_its_words() {
        let set = PoolAct::Set {
            dataset: "tank/db".into(),
            property: "compression".into(),
            value: "lz4".into(),
            before: "gzip".into(),
        };
        let inherit = PoolAct::Inherit {
            dataset: "tank/db".into(),
            property: "atime".into(),
            before: "off".into(),
            received: false,
        };
        for (act, phrase, doc, undoable) in [
            (PoolAct::Scrub, "scrub tank", "reads and checks all data; slows other work", true),
            (PoolAct::ResumeScrub, "resume the scrub of tank", "continues where it was paused", true),
            (PoolAct::PauseScrub, "pause the scrub of tank", "a later scrub continues where it was", true),
            (PoolAct::StopScrub, "stop the scrub of tank", "its progress is lost: the next one starts over", false),
            (PoolAct::Clear, "clear the errors of tank", "resets error counters; a suspended pool resumes", false),
            (set, "set compression of tank/db to lz4", "now gzip; affects new writes only", true),
            (inherit, "inherit atime of tank/db", "now off; takes effect at once", true),
        ] {
            assert_eq!((act.phrase("tank").as_str(), act.doc().as_str()), (phrase, doc));
            assert_eq!(act.is_undoable(), undoable, "{phrase}");
        }
    }
}
