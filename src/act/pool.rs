//! Operations on pools and datasets, carried out by `zpool` and `zfs`, and what takes each of them back.

use std::sync::Arc;

use super::PATIENCE;
use crate::{
    request::{PoolAct, takes_effect},
    sys::exec::{Exec, ExecError, Runner},
};

/// Carries it out: the report, and what takes it back.
pub(super) fn run(exec: &Arc<dyn Exec>, pool: &str, act: &PoolAct) -> Result<(String, Option<PoolAct>), ToolError> {
    let tool = |program: &str, arguments: &[&str]| tool(exec, program, arguments);
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
            format!("{dataset}: {property} {value} (was {before}), {}", takes_effect(property))
        }
        PoolAct::Inherit { dataset, property, before, .. } => {
            format!("{dataset}: {property} inherited (was {before}), {}", takes_effect(property))
        }
    };
    Ok((text, back))
}

/// The act that gives a property its value and its source back, from `zfs get -H -o value,source` before the change.
fn way_back(said: &str, dataset: &str, property: &str, act: &PoolAct) -> Option<PoolAct> {
    let (value, source) = said.lines().next()?.split_once('\t')?;
    let (dataset, property, value) = (dataset.to_owned(), property.to_owned(), value.to_owned());
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
    #[error("{0} does not respond")]
    Silent(String),
    /// In its own words.
    #[error("{0}")]
    Refused(String),
    #[error("{program} failed with exit status {code}")]
    Failed { program: String, code: i32 },
    #[error("{0} was killed by a signal")]
    Killed(String),
    /// It could not be started or read.
    #[error(transparent)]
    Exec(ExecError),
}

/// What the program wrote.
fn tool(exec: &Arc<dyn Exec>, program: &str, arguments: &[&str]) -> Result<String, ToolError> {
    let name = || program.to_owned();
    let path = exec.find(program).ok_or_else(|| ToolError::Missing(name()))?;
    let said = Runner::new(exec.clone()).run(&path, arguments, PATIENCE).map_err(|error| match error {
        ExecError::Deadline { .. } | ExecError::Stuck { .. } => ToolError::Silent(name()),
        other => ToolError::Exec(other),
    })?;
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
    use crate::sys::exec::fake::{FakeExec, Script};

    fn set(value: &str, before: &str) -> PoolAct {
        PoolAct::Set {
            dataset: "tank/db".into(),
            property: "compression".into(),
            value: value.into(),
            before: before.into(),
        }
    }

    fn inherit(received: bool) -> PoolAct {
        PoolAct::Inherit { dataset: "tank/db".into(), property: "compression".into(), before: "zstd".into(), received }
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

    /// What is started, what is reported, and what takes it back.
    fn done(
        act: &PoolAct,
        scripts: &[(&'static str, Script)],
    ) -> (Vec<String>, Result<String, String>, Option<PoolAct>) {
        let fake = FakeExec::new(scripts.iter().cloned());
        let exec: Arc<dyn Exec> = fake.clone();
        match run(&exec, "tank", act) {
            Ok((text, back)) => (fake.started(), Ok(text), back),
            Err(error) => (fake.started(), Err(error.to_string()), None),
        }
    }

    #[test]
    fn an_act_is_one_command_and_has_its_reverse() {
        let good = [("zpool", Script::says(""))];
        for (act, command, text, back) in [
            (PoolAct::Scrub, "zpool scrub -- tank", "scrub of tank started", Some(PoolAct::StopScrub)),
            (PoolAct::ResumeScrub, "zpool scrub -- tank", "scrub of tank resumed", Some(PoolAct::PauseScrub)),
            (PoolAct::PauseScrub, "zpool scrub -p -- tank", "scrub of tank paused", Some(PoolAct::ResumeScrub)),
            (PoolAct::StopScrub, "zpool scrub -s -- tank", "scrub of tank stopped", None),
            (PoolAct::Clear, "zpool clear -- tank", "errors of tank cleared", None),
        ] {
            assert_eq!(done(&act, &good), (vec![command.to_owned()], Ok(text.to_owned()), back));
        }
    }

    #[test]
    fn a_property_is_asked_for_before_it_is_changed() {
        let zfs = [("zfs get", Script::says("lz4\tlocal")), ("zfs", Script::says(""))];
        for (act, command, text, before) in [
            (set("zstd", "lz4"), "zfs set compression=zstd tank/db", "compression zstd (was lz4)", "zstd"),
            (inherit(false), "zfs inherit -- compression tank/db", "compression inherited (was zstd)", "inherited"),
            (inherit(true), "zfs inherit -S -- compression tank/db", "compression inherited (was zstd)", "inherited"),
        ] {
            let asked = "zfs get -H -o value,source compression tank/db".to_owned();
            let text = Ok(format!("tank/db: {text}, affects new writes only"));
            assert_eq!(done(&act, &zfs), (vec![asked, command.to_owned()], text, Some(set("lz4", before))));
        }
    }

    #[test]
    fn where_the_old_value_is_unknown_nothing_takes_it_back() {
        let zfs = [("zfs get", Script::fails("no such property")), ("zfs", Script::says(""))];
        let (_, text, back) = done(&set("zstd", "lz4"), &zfs);
        assert!(text.is_ok());
        assert_eq!(back, None);
    }

    #[test]
    fn a_tool_says_why_it_did_not() {
        for (script, why) in [
            (
                Some(Script::fails("cannot scrub tank: pool I/O is suspended")),
                "cannot scrub tank: pool I/O is suspended",
            ),
            (Some(Script::fails("")), "zpool failed with exit status 1"),
            (Some(Script::hangs_after("")), "zpool does not respond"),
            (None, "zpool is not installed"),
        ] {
            let scripts: Vec<_> = script.into_iter().map(|script| ("zpool", script)).collect();
            assert_eq!(done(&PoolAct::Scrub, &scripts).1, Err(why.to_owned()));
        }
    }
}
