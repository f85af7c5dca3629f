//! Children: argv only, never a shell; own process group, no input, a plain locale, output capped, TERM then KILL at the
//! deadline. One that cannot be ended (state D) is kept in mind rather than waited for.

use std::{
    io::{self, Read},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, Signal, kill_process_group},
};

use super::helper;
use crate::{model::fault::Fault, text::clean_bytes};

/// Output beyond this is not read.
const CAP: usize = 8 << 20;
/// Between TERM and KILL, and between KILL and giving up.
const GRACE: Duration = Duration::from_millis(500);
/// Where administrators' tools are, beside the user's own PATH.
const PLACES: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/run/current-system/sw/bin"];

/// What a child said before it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Standard output, at most 8 MiB.
    pub out: Vec<u8>,
    /// Standard error, likewise.
    pub err: Vec<u8>,
    /// Exit status; `None` when a signal ended it.
    pub code: Option<i32>,
}

impl Said {
    /// The last line of its complaint, cleaned; `None` when it made none.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        let lines = self.err.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
        lines.fold(None, |_, line| Some(line)).map(clean_bytes)
    }

    /// The output of one that went well.
    ///
    /// # Errors
    /// [`Fault::Denied`] or [`Fault::Broken`] with the child's own complaint.
    pub fn ok(self, what: &str) -> Result<Vec<u8>, Fault> {
        if self.code == Some(0) {
            return Ok(self.out);
        }
        let words = self.complaint().unwrap_or_else(|| match self.code {
            Some(code) => format!("ended with status {code}"),
            None => "was ended by a signal".to_owned(),
        });
        if words.to_lowercase().contains("permission denied") {
            return Err(Fault::Denied { what: format!("{what}: {words}"), hint: "run as root".to_owned() });
        }
        Err(Fault::Broken(format!("{what}: {words}")))
    }
}

/// The program `name` on PATH or where administrators' tools are: the first file of that name that may be executed.
#[must_use]
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let places = own.iter().map(PathBuf::as_path).chain(PLACES.iter().map(Path::new));
    places.filter(|place| place.is_absolute()).map(|place| place.join(name)).find(|file| is_program(file))
}

/// A file that may be executed; a folder has the same permission and is none.
fn is_program(file: &Path) -> bool {
    file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}

/// A command as all children of ours are started.
#[must_use]
pub fn command(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env("LC_ALL", "C").env_remove("ZPOOL_SCRIPTS_PATH").process_group(0);
    command
}

/// Runs children one after the other.
#[derive(Debug, Default)]
pub struct Runner {
    /// One that did not end though it was killed.
    stuck: Option<(Child, helper::Watch)>,
}

impl Runner {
    /// Runs `program` to its end.
    ///
    /// # Errors
    /// [`Fault::Timeout`] past `deadline`, or while an earlier child hangs in the kernel; [`Fault::Broken`] when it cannot
    /// be started.
    pub fn run(&mut self, program: &Path, arguments: &[&str], deadline: Duration) -> Result<Said, Fault> {
        if let Some((stuck, _)) = &mut self.stuck {
            if !matches!(stuck.try_wait(), Ok(Some(_))) {
                return Err(Fault::Timeout);
            }
            self.stuck = None;
        }
        let broken = |error: io::Error| Fault::Broken(format!("{}: {error}", program.display()));
        let mut child = command(program, arguments).spawn().map_err(broken)?;
        let watch = helper::watch(child.id());
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let end = Instant::now() + deadline;
        let closed = drain(&mut child, &mut out, &mut err, end).map_err(broken)?;
        if closed && let Some(status) = wait(&mut child, end) {
            return Ok(Said { out, err, code: status.code() });
        }
        if !kill(&mut child) {
            self.stuck = Some((child, watch));
        }
        Err(Fault::Timeout)
    }
}

/// Reads both pipes until both are closed; false when the deadline came first.
fn drain(child: &mut Child, out: &mut Vec<u8>, err: &mut Vec<u8>, end: Instant) -> io::Result<bool> {
    let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else { return Ok(true) };
    let mut open = [true, true];
    let mut piece = [0u8; 16 << 10];
    while open != [false, false] {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        let ready = {
            let flags = |on: bool| if on { PollFlags::IN } else { PollFlags::empty() };
            let mut pipes = [PollFd::new(&stdout, flags(open[0])), PollFd::new(&stderr, flags(open[1]))];
            let timeout = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: i64::from(left.subsec_nanos()) };
            match poll(&mut pipes, Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            [0, 1].map(|i| open[i] && !pipes[i].revents().is_empty())
        };
        for i in [0, 1] {
            if ready[i] {
                let (pipe, kept): (&mut dyn Read, &mut Vec<u8>) =
                    if i == 0 { (&mut stdout, out) } else { (&mut stderr, err) };
                let count = pipe.read(&mut piece)?;
                open[i] = count > 0;
                let room = CAP.saturating_sub(kept.len());
                kept.extend_from_slice(&piece[..count.min(room)]);
            }
        }
    }
    Ok(true)
}

/// Waits for one that has closed its output; that is soon.
fn wait(child: &mut Child, end: Instant) -> Option<std::process::ExitStatus> {
    let mut pause = Duration::from_micros(200);
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// Ends a child and all that it started; false when it still stands.
pub fn kill(child: &mut Child) -> bool {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    for signal in [Signal::TERM, Signal::KILL] {
        if let Some(group) = group {
            // Gone already is as good.
            let _ = kill_process_group(group, signal);
        }
        if wait(child, Instant::now() + GRACE).is_some() {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh() -> PathBuf {
        find("sh").expect("a shell")
    }

    #[test]
    fn only_what_may_be_executed_is_a_program() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("tool");
        std::fs::write(&file, "#!/bin/sh\n").expect("file");
        std::fs::create_dir(folder.path().join("folder")).expect("folder");
        let mode = |mode| std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).expect("mode");
        mode(0o644);
        assert!(!is_program(&file));
        mode(0o755);
        assert!(is_program(&file) && !is_program(&folder.path().join("folder")));
    }

    #[test]
    fn output_complaint_and_status_come_back() {
        let said = Runner::default()
            .run(&sh(), &["-c", "echo good; echo 'no \u{1b}[1m way' >&2; exit 3"], Duration::from_secs(20))
            .expect("ran");
        assert_eq!((said.out.as_slice(), said.code), (&b"good\n"[..], Some(3)));
        let fault = said.ok("sh").expect_err("a status");
        assert!(matches!(&fault, Fault::Broken(words) if words.starts_with("sh: no ") && !words.contains('\u{1b}')));
    }

    #[test]
    fn more_output_than_a_pipe_holds_does_not_block_the_child() {
        let script = "i=0; while [ $i -lt 4000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done";
        let said = Runner::default().run(&sh(), &["-c", script], Duration::from_secs(60)).expect("ran");
        assert_eq!(said.out.len(), 41 * 4000);
    }

    #[test]
    fn output_beyond_the_cap_is_read_and_dropped() {
        let script = format!("head -c {} /dev/zero; head -c {} /dev/zero >&2", CAP + 70_000, CAP + 1);
        let said = Runner::default().run(&sh(), &["-c", &script], Duration::from_secs(60)).expect("ran");
        assert_eq!((said.out.len(), said.err.len(), said.code), (CAP, CAP, Some(0)));
    }

    #[test]
    fn past_the_deadline_a_child_and_its_children_are_ended() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("pid");
        let script = format!("trap '' TERM; sleep 1000 & echo $! > {}; wait; wait", file.display());
        let began = Instant::now();
        let fault = Runner::default().run(&sh(), &["-c", &script], Duration::from_millis(400)).expect_err("late");
        assert_eq!(fault, Fault::Timeout);
        assert!(began.elapsed() < Duration::from_secs(20));
        let pid: u32 = std::fs::read_to_string(&file).expect("pid").trim().parse().expect("a number");
        let gone = || std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |s| s.contains(") Z "));
        let end = Instant::now() + Duration::from_secs(20);
        while !gone() {
            assert!(Instant::now() < end, "its child lives on");
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_is_not_there_cannot_be_started() {
        let fault =
            Runner::default().run(Path::new("/nowhere/zpool"), &[], Duration::from_secs(5)).expect_err("absent");
        assert!(matches!(&fault, Fault::Broken(words) if words.contains("/nowhere/zpool")), "{fault:?}");
    }
}
