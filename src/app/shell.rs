//! A shell in a container. It has the terminal to itself until it ends, as a program has that a shell runs: Ctrl-C and
//! Ctrl-\\ are for it, and Ctrl-Z stops both until they are continued.

use std::{
    process::{Command, ExitStatus},
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
};

use rustix::process::{Pid, Signal, kill_process};

use super::background::{Background, Report};
use crate::{model::engine_address::EngineAddress, sys::exec};

/// What is run inside: the better shell where there is one.
const SHELL: &str = "command -v bash >/dev/null 2>&1 && exec bash; exec sh";

/// The program that has the terminal.
pub struct Guest {
    /// Its process; 0 before it began and after it ended.
    pid: Arc<AtomicI32>,
    /// How often it was asked to end by Ctrl-C or Ctrl-\\.
    interrupts: u32,
}

impl Guest {
    /// Starts `docker` or `podman`, as the engine is of this kind; its end is reported. `None`: nothing was started,
    /// and why is reported.
    pub fn start(background: &Background, kind: &str, engine: &EngineAddress, id: &str) -> Option<Guest> {
        let program = if kind == "podman" { "podman" } else { "docker" };
        let pid = Arc::new(AtomicI32::new(0));
        let (running, engine, id) = (pid.clone(), engine.clone(), id.to_owned());
        let begun = background.begin(move || Report::Shell(run(program, &engine, &id, &running)));
        begun.then_some(Guest { pid, interrupts: 0 })
    }

    /// The terminal interrupted whoever has it. Our own guest got that too; one that goes on is ended by the second
    /// time, for certain by the third.
    pub fn interrupted(&mut self) {
        self.interrupts += 1;
        match self.interrupts {
            1 => {}
            2 => self.signal(Signal::TERM),
            _ => self.signal(Signal::KILL),
        }
    }

    /// Ends it, for we end.
    pub fn end(&self) {
        self.signal(Signal::TERM);
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid.load(Ordering::Acquire)) {
            // One that has just ended needs none.
            let _ = kill_process(pid, signal);
        }
    }
}

fn run(program: &str, engine: &EngineAddress, id: &str, pid: &AtomicI32) -> Result<ExitStatus, String> {
    let path = exec::find(program).ok_or_else(|| format!("a shell needs {program}, which is not installed"))?;
    let mut command = Command::new(path);
    // DOCKER_HOST is docker's word, CONTAINER_HOST podman's.
    command.env("DOCKER_HOST", engine.dialled()).env("CONTAINER_HOST", engine.dialled());
    command.args(["exec", "-it", id, "sh", "-c", SHELL]);
    let failed = |error: std::io::Error| format!("{program} could not be started: {error}");
    let mut child = command.spawn().map_err(failed)?;
    pid.store(i32::try_from(child.id()).unwrap_or(0), Ordering::Release);
    let status = child.wait().map_err(failed);
    pid.store(0, Ordering::Release);
    status
}
