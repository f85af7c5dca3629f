//! Operations on pools and datasets, carried out by `zpool` and `zfs`, and what takes each of them back.

use crate::{
    act::job::PATIENCE,
    sys::exec::{self, Runner},
};

/// What can be done to a pool or a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        /// Which dataset.
        dataset: String,
        /// `compression`, `recordsize`.
        property: &'static str,
        /// The new value.
        value: String,
        /// The value before.
        before: String,
    },
    /// Let a dataset inherit a property again.
    Inherit {
        /// Which dataset.
        dataset: String,
        /// `compression`, `recordsize`.
        property: &'static str,
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
            PoolAct::Inherit { dataset, property, .. } => format!("let {dataset} inherit {property} again"),
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
            PoolAct::Set { before, .. } | PoolAct::Inherit { before, .. } => {
                format!("now {before}; affects new writes only")
            }
        }
    }

    /// Can be taken back.
    #[must_use]
    pub fn is_undoable(&self) -> bool {
        !matches!(self, PoolAct::StopScrub | PoolAct::Clear)
    }
}

/// Carries it out: the report, and what takes it back.
pub(super) fn run(pool: &str, act: &PoolAct) -> Result<(String, Option<PoolAct>), ToolError> {
    // Where the value came from decides the way back, and only the tool knows.
    let back = match act {
        PoolAct::Set { dataset, property, .. } | PoolAct::Inherit { dataset, property, .. } => {
            let fields = ["get", "-H", "-o", "value,source", property, dataset];
            tool("zfs", &fields).ok().and_then(|said| way_back(&said, dataset, property, act))
        }
        PoolAct::Scrub => Some(PoolAct::StopScrub),
        PoolAct::ResumeScrub => Some(PoolAct::PauseScrub),
        PoolAct::PauseScrub => Some(PoolAct::ResumeScrub),
        PoolAct::StopScrub | PoolAct::Clear => None,
    };
    let setting;
    match act {
        PoolAct::Scrub | PoolAct::ResumeScrub => tool("zpool", &["scrub", "--", pool]),
        PoolAct::PauseScrub => tool("zpool", &["scrub", "-p", "--", pool]),
        PoolAct::StopScrub => tool("zpool", &["scrub", "-s", "--", pool]),
        PoolAct::Clear => tool("zpool", &["clear", "--", pool]),
        // `zfs set` knows no `--`; a setting begins with the property's name.
        PoolAct::Set { dataset, property, value, .. } => {
            setting = format!("{property}={value}");
            tool("zfs", &["set", &setting, dataset])
        }
        PoolAct::Inherit { dataset, property, received: true, .. } => {
            tool("zfs", &["inherit", "-S", "--", property, dataset])
        }
        PoolAct::Inherit { dataset, property, .. } => tool("zfs", &["inherit", "--", property, dataset]),
    }?;
    let text = match act {
        PoolAct::Scrub => format!("scrub of {pool} started"),
        PoolAct::ResumeScrub => format!("scrub of {pool} resumed"),
        PoolAct::PauseScrub => format!("scrub of {pool} paused"),
        PoolAct::StopScrub => format!("scrub of {pool} stopped"),
        PoolAct::Clear => format!("errors of {pool} cleared"),
        PoolAct::Set { dataset, property, value, before } => {
            format!("{dataset}: {property} {value} (was {before}), affects new writes only")
        }
        PoolAct::Inherit { dataset, property, before, .. } => {
            format!("{dataset}: {property} inherited (was {before}), affects new writes only")
        }
    };
    Ok((text, back))
}

/// The act that gives a property its value and its source back, from `zfs get -H -o value,source` before the change.
fn way_back(said: &str, dataset: &str, property: &'static str, act: &PoolAct) -> Option<PoolAct> {
    let (value, source) = said.lines().next()?.split_once('\t')?;
    let (dataset, value) = (dataset.to_owned(), value.to_owned());
    let before = match act {
        PoolAct::Set { value, .. } => value.clone(),
        _ => "inherited".to_owned(),
    };
    Some(match source.trim() {
        "local" => PoolAct::Set { dataset, property, value, before },
        source => PoolAct::Inherit { dataset, property, before, received: source == "received" },
    })
}

/// Why a tool of ZFS did not do it.
#[derive(Debug, thiserror::Error)]
pub(super) enum ToolError {
    #[error("{0} is not installed")]
    Missing(String),
    #[error("{0} does not answer")]
    Silent(String),
    /// In its own words.
    #[error("{0}")]
    Refused(String),
    #[error("{program} failed with exit status {code}")]
    Failed { program: String, code: i32 },
    #[error("{0} was ended by a signal")]
    Killed(String),
}

/// What the program wrote.
fn tool(program: &str, arguments: &[&str]) -> Result<String, ToolError> {
    let name = || program.to_owned();
    let path = exec::find(program).ok_or_else(|| ToolError::Missing(name()))?;
    let said = Runner::default().run(&path, arguments, PATIENCE).map_err(|_| ToolError::Silent(name()))?;
    match said.code {
        Some(0) => Ok(String::from_utf8_lossy(&said.out).into_owned()),
        code => Err(match (said.complaint(), code) {
            (Some(words), _) => ToolError::Refused(words),
            (None, Some(code)) => ToolError::Failed { program: name(), code },
            (None, None) => ToolError::Killed(name()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(value: &str, before: &str) -> PoolAct {
        PoolAct::Set { dataset: "tank/db".into(), property: "compression", value: value.into(), before: before.into() }
    }

    fn inherit(received: bool) -> PoolAct {
        PoolAct::Inherit { dataset: "tank/db".into(), property: "compression", before: "zstd".into(), received }
    }

    #[test]
    fn a_property_gets_its_source_back_too() {
        let back = |said: &str, act: &PoolAct| way_back(said, "tank/db", "compression", act);
        let done = set("zstd", "lz4");
        assert_eq!(back("lz4\tlocal\n", &done), Some(set("lz4", "zstd")));
        assert_eq!(back("lz4\tinherited from tank\n", &done), Some(inherit(false)));
        assert_eq!(back("on\tdefault\n", &done), Some(inherit(false)));
        assert_eq!(back("gzip\treceived\n", &done), Some(inherit(true)));
        assert_eq!(back("zstd\tlocal\n", &inherit(false)), Some(set("zstd", "inherited")));
        assert_eq!(back("", &done), None);
    }
}
