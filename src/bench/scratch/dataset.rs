//! A dataset of a run: made below one of the user's, so that it has the properties of that, with a property of ours that
//! says so. Destroyed only if it has it as its own, and has no other datasets below it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::kind::{PROPERTY, Scratch, name};
use crate::{
    bench::{contract::RunCx, stop::Stop},
    sys::exec::{Exec, Finished, Runner},
};

/// `zfs` may hang without end on a suspended pool.
const DEADLINE: Duration = Duration::from_secs(60);

/// A dataset that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    pub name: String,
    pub mountpoint: PathBuf,
}

/// A `zfs` that was found.
struct Zfs {
    program: PathBuf,
    runner: Runner,
}

impl Zfs {
    fn new(exec: &Arc<dyn Exec>) -> Result<Self, String> {
        let program = exec.find("zfs").ok_or("zfs is not installed")?;
        Ok(Zfs { program, runner: Runner::new(exec.clone()) })
    }

    fn run(&mut self, arguments: &[&str]) -> Result<Finished, String> {
        self.runner.run(&self.program, arguments, DEADLINE).map_err(|error| error.to_string())
    }

    /// Its output, or its complaint.
    fn ask(&mut self, arguments: &[&str]) -> Result<String, String> {
        let finished = self.run(arguments)?;
        let complaint = finished.complaint();
        match finished.code {
            Some(0) => Ok(String::from_utf8_lossy(&finished.out).trim().to_owned()),
            _ => Err(complaint.unwrap_or_else(|| format!("zfs {} failed", arguments.join(" ")))),
        }
    }
}

pub(super) fn make(cx: &mut dyn RunCx, parent: &str, properties: &[&str]) -> Result<Dataset, Stop> {
    let mut zfs = Zfs::new(cx.exec()).map_err(Stop::Failed)?;
    let name = format!("{parent}/{}", name(cx.batch(), ""));
    let mark = format!("{PROPERTY}={}", cx.batch());
    // Tools that snapshot everything would keep what is overwritten.
    let mut arguments = vec!["create", "-o", &mark, "-o", "com.sun:auto-snapshot=false"];
    properties.iter().for_each(|property| arguments.extend(["-o", property]));
    arguments.push(&name);
    cx.will_make(Scratch::Dataset(name.clone()))?;
    zfs.ask(&arguments).map_err(Stop::Failed)?;
    let place = zfs.ask(&["get", "-Hp", "-o", "value", "mountpoint", &name]).map_err(Stop::Failed)?;
    if !place.starts_with('/') {
        return Err(Stop::Failed(format!("{name} is not mounted (mountpoint={place})")));
    }
    Ok(Dataset { name, mountpoint: PathBuf::from(place) })
}

pub(super) fn remove(name: &str, batch: &str, exec: &Arc<dyn Exec>) -> Result<(), String> {
    let mut zfs = Zfs::new(exec).map_err(|why| format!("{name}: {why}"))?;
    let found = zfs.run(&["get", "-Hp", "-o", "value,source", PROPERTY, name])?;
    if found.code != Some(0) {
        let why = found.complaint().unwrap_or_else(|| "zfs gave no answer".to_owned());
        return if why.contains("does not exist") { Ok(()) } else { Err(format!("{name}: {why}")) };
    }
    let said = String::from_utf8_lossy(&found.out).trim().to_owned();
    if said != format!("{batch}\tlocal") || batch.is_empty() {
        return Err(format!("{name} was left alone: it does not have the property {PROPERTY}={batch}"));
    }
    let below = zfs.ask(&["list", "-H", "-r", "-o", "name", "-t", "filesystem,volume", name])?;
    if below.lines().count() != 1 {
        return Err(format!("{name} was left alone: there are datasets below it"));
    }
    // Its snapshots go with it.
    zfs.ask(&["destroy", "-r", name]).map(drop).map_err(|why| format!("{name}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bench::testing::TestCx,
        sys::exec::fake::{FakeExec, Script},
    };

    const NAME: &str = "tank/models/benchtop-bench-test";

    #[test]
    fn it_is_written_down_before_it_is_made() {
        let exec = FakeExec::new([
            ("zfs create", Script::says("")),
            ("zfs get -Hp -o value mountpoint", Script::says("/tank/models/benchtop-bench-test")),
        ]);
        let mut cx = TestCx::new(1, 1);
        cx.exec = exec.clone();
        let made = make(&mut cx, "tank/models", &["recordsize=1M"]).expect("made");
        assert_eq!((made.name.as_str(), cx.made), (NAME, vec![Scratch::Dataset(NAME.to_owned())]));
        let line = format!("zfs create -o {PROPERTY}=test -o com.sun:auto-snapshot=false -o recordsize=1M {NAME}");
        assert_eq!(exec.started()[0], line);
    }

    #[test]
    fn only_what_has_our_property_is_destroyed() {
        let exec = FakeExec::new([
            ("zfs get", Script::says("test\tinherited from tank")),
            ("zfs list", Script::says(NAME)),
            ("zfs destroy", Script::says("")),
        ]);
        let remove = || remove(NAME, "test", &(exec.clone() as Arc<dyn Exec>));
        assert!(remove().expect_err("inherited").contains("was left alone"));
        exec.set("zfs get", Script::says("test\tlocal"));
        exec.set("zfs list", Script::says(&format!("{NAME}\n{NAME}/kept")));
        assert!(remove().expect_err("not empty").contains("datasets below it"));
        assert!(!exec.started().iter().any(|line| line.starts_with("zfs destroy")));
        exec.set("zfs list", Script::says(NAME));
        remove().expect("destroyed");
        assert_eq!(exec.started().last().map(String::as_str), Some(format!("zfs destroy -r {NAME}").as_str()));
        exec.set("zfs get", Script::fails("cannot open 'x': dataset does not exist"));
        remove().expect("gone is as good");
    }
}
