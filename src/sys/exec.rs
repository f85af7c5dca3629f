//! Children: argv only, never a shell; own process group, no input, a plain locale, output capped, TERM then KILL at the
//! deadline. One that cannot be ended (state D) is kept in mind rather than waited for.

mod child;
#[cfg(test)]
pub mod fake;
mod runner;

use std::{
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use crate::model::fault::Fault;
pub use runner::{Finished, Runner};

/// Where administrators' tools are, beside the user's own PATH.
const PLACES: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/run/current-system/sw/bin"];

/// Why a child gave nothing, or no more.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// It cannot be started.
    #[error("{}: {source}", program.display())]
    Start {
        /// What was to be started.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Its output cannot be read.
    #[error("{}: its output: {source}", program.display())]
    Read {
        /// The program.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It took too long and was killed.
    #[error("{} did not end in time", program.display())]
    Deadline {
        /// Which.
        program: PathBuf,
    },
    /// Another one hangs in the kernel: it would hang too.
    #[error("{}: an earlier one hangs in the kernel", program.display())]
    Stuck {
        /// What was to be started.
        program: PathBuf,
    },
    /// It was cancelled and killed.
    #[error("{} was cancelled", program.display())]
    Cancelled {
        /// Which.
        program: PathBuf,
    },
}

impl From<ExecError> for Fault {
    fn from(error: ExecError) -> Self {
        match error {
            ExecError::Deadline { .. } | ExecError::Stuck { .. } => Fault::Timeout,
            ExecError::Start { .. } | ExecError::Read { .. } | ExecError::Cancelled { .. } => {
                Fault::Broken(error.to_string())
            }
        }
    }
}

/// How much a child may take and write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// It is killed when it takes longer; `None` for one that runs until it is cancelled.
    pub deadline: Option<Duration>,
    /// Bytes of a line; the rest of a longer one is dropped.
    pub line: usize,
    /// Bytes of each output; what comes after them is dropped.
    pub output: usize,
}

/// Which output of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "plain words")]
pub enum Stream {
    Out,
    Err,
}

/// What came of a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A line, as soon as it was written.
    Line {
        /// Where.
        stream: Stream,
        /// Without its end.
        text: Vec<u8>,
    },
    /// Nothing for so long as the caller wanted to wait.
    Quiet,
    /// It has ended, with this status; `None` when a signal ended it.
    Ended(Option<i32>),
}

/// A running child.
pub trait Child: Send {
    /// The next line, or its end; [`Output::Quiet`] when nothing came within `wait`.
    ///
    /// # Errors
    /// [`ExecError::Deadline`] and [`ExecError::Cancelled`], after which it is killed.
    fn next(&mut self, wait: Option<Duration>) -> Result<Output, ExecError>;
    /// What cancels it from another thread.
    fn canceller(&self) -> Canceller;
    /// It did not end though it was killed.
    fn is_stuck(&mut self) -> bool;
}

/// Cancels one child.
#[derive(Clone)]
pub struct Canceller(Arc<dyn Fn() + Send + Sync>);

impl Canceller {
    fn new(cancel: impl Fn() + Send + Sync + 'static) -> Self {
        Canceller(Arc::new(cancel))
    }

    /// Has the child killed by whoever waits for its output.
    pub fn cancel(&self) {
        (self.0)();
    }
}

/// What starts children: this machine, or a test's script.
pub trait Exec: Send + Sync {
    /// Where the program `name` is.
    fn find(&self, name: &str) -> Option<PathBuf>;
    /// Starts `program`.
    ///
    /// # Errors
    /// [`ExecError::Start`].
    fn spawn(&self, program: &Path, arguments: &[&str], limits: Limits) -> Result<Box<dyn Child>, ExecError>;
}

/// This machine.
#[derive(Debug, Clone, Copy)]
pub struct System;

impl Exec for System {
    fn find(&self, name: &str) -> Option<PathBuf> {
        find(name)
    }

    fn spawn(&self, program: &Path, arguments: &[&str], limits: Limits) -> Result<Box<dyn Child>, ExecError> {
        Ok(Box::new(child::Running::spawn(program, arguments, limits)?))
    }
}

/// This machine, with more variables for each child: what comes from outside stays out of arguments.
struct With(Vec<(String, String)>);

impl Exec for With {
    fn find(&self, name: &str) -> Option<PathBuf> {
        find(name)
    }

    fn spawn(&self, program: &Path, arguments: &[&str], limits: Limits) -> Result<Box<dyn Child>, ExecError> {
        let mut command = command(program, arguments);
        command.envs(self.0.iter().map(|(name, value)| (name, value)));
        Ok(Box::new(child::Running::start(program, command, limits)?))
    }
}

/// This machine, whose children get these variables too.
#[must_use]
pub fn with_variables(variables: Vec<(String, String)>) -> Arc<dyn Exec> {
    Arc::new(With(variables))
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
fn command(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env("LC_ALL", "C").env_remove("ZPOOL_SCRIPTS_PATH").process_group(0);
    command
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{runner::CAP, *};

    fn sh() -> PathBuf {
        find("sh").expect("a shell")
    }

    #[test]
    fn programs_are_found_alike_with_variables_or_without() {
        let both: [Arc<dyn Exec>; 2] = [Arc::new(System), with_variables(vec![("A".into(), "b".into())])];
        for exec in both {
            assert_eq!((exec.find("sh"), exec.find("no such program")), (Some(sh()), None));
        }
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
        assert!(matches!(fault, ExecError::Deadline { .. }), "{fault}");
        assert!(began.elapsed() < Duration::from_secs(20));
        let pid: u32 = std::fs::read_to_string(&file).expect("pid").trim().parse().expect("a number");
        until_gone(pid);
    }

    /// Waits until a process has ended, or is only left to be reaped.
    fn until_gone(pid: u32) {
        let gone = || std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |s| s.contains(") Z "));
        let end = Instant::now() + Duration::from_secs(20);
        while !gone() {
            assert!(Instant::now() < end, "{pid} still runs");
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_is_not_there_cannot_be_started() {
        let fault =
            Runner::default().run(Path::new("/nowhere/zpool"), &[], Duration::from_secs(5)).expect_err("absent");
        assert!(
            matches!(&fault, ExecError::Start { .. }) && fault.to_string().starts_with("/nowhere/zpool: "),
            "{fault}"
        );
    }

    fn limits() -> Limits {
        Limits { deadline: Some(Duration::from_secs(60)), line: 100, output: 1000 }
    }

    fn line(stream: Stream, text: &str) -> Output {
        Output::Line { stream, text: text.into() }
    }

    #[test]
    fn lines_come_while_the_child_works() {
        let script = "echo one; read never < \"$0\"; echo two >&2; exit 4";
        let folder = tempfile::tempdir().expect("folder");
        let fifo = folder.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a fifo");
        let mut child = System.spawn(&sh(), &["-c", script, &fifo.to_string_lossy()], limits()).expect("started");
        assert_eq!(child.next(None).expect("a line"), line(Stream::Out, "one"), "before it continues");
        assert_eq!(child.next(Some(Duration::from_millis(1))).expect("waits"), Output::Quiet);
        std::fs::write(&fifo, "go\n").expect("it reads");
        assert_eq!(child.next(None).expect("a line"), line(Stream::Err, "two"));
        assert_eq!(child.next(None).expect("its end"), Output::Ended(Some(4)));
        assert!(!child.is_stuck());
    }

    #[test]
    fn cancelling_kills_it() {
        let unlimited = Limits { deadline: None, ..limits() };
        let mut child = System.spawn(&sh(), &["-c", "echo up; sleep 1000"], unlimited).expect("started");
        assert_eq!(child.next(None).expect("a line"), line(Stream::Out, "up"));
        let canceller = child.canceller();
        let other = std::thread::spawn(move || canceller.cancel());
        assert!(matches!(child.next(None), Err(ExecError::Cancelled { .. })));
        assert!(!child.is_stuck());
        other.join().expect("cancelled");
    }

    #[test]
    fn caps_drop_and_do_not_block() {
        let script = "i=0; while [ $i -lt 30000 ]; do echo 01234; i=$((i+1)); done; exit 3";
        let mut child = System.spawn(&sh(), &["-c", script], Limits { line: 3, ..limits() }).expect("started");
        let mut lines = 0;
        let code = loop {
            match child.next(None).expect("output") {
                Output::Line { text, .. } => {
                    assert!(text.len() <= 3, "{text:?}");
                    lines += 1;
                }
                Output::Quiet => {}
                Output::Ended(code) => break code,
            }
        };
        assert_eq!((lines, code), (1000usize.div_ceil(6), Some(3)));
    }

    /// All that a shell writes under these limits, and its status.
    fn said(exec: &dyn Exec, script: &str, limits: Limits) -> (Vec<Output>, Option<i32>) {
        let mut child = exec.spawn(&sh(), &["-c", script], limits).expect("started");
        let mut lines = Vec::new();
        loop {
            match child.next(None).expect("output") {
                Output::Ended(code) => return (lines, code),
                other => lines.push(other),
            }
        }
    }

    #[test]
    fn lines_are_cut_at_their_cap_and_the_last_needs_no_end() {
        let out = |texts: &[&str]| texts.iter().map(|text| line(Stream::Out, text)).collect::<Vec<_>>();
        for (cap, output, expected) in [
            (100, 1000, vec!["abcdef", "", "xy"]),
            (3, 1000, vec!["abc", "", "xy"]),
            (6, 1000, vec!["abcdef", "", "xy"]),
            (100, 4, vec!["abcd"]),
            (100, 7, vec!["abcdef"]),
            (100, 9, vec!["abcdef", "", "x"]),
            (0, 0, vec![]),
        ] {
            let limits = Limits { line: cap, output, ..limits() };
            assert_eq!(said(&System, "printf 'abcdef\\n\\nxy'", limits), (out(&expected), Some(0)), "{cap} {output}");
        }
        // Each output has its own cap; a line may come in pieces.
        let (lines, _) =
            said(&System, "printf ab; printf 12345 >&2; sleep 0.05; printf cde", Limits { output: 4, ..limits() });
        assert_eq!(lines.len(), 2);
        assert!(lines.contains(&line(Stream::Out, "abcd")) && lines.contains(&line(Stream::Err, "1234")), "{lines:?}");
    }

    #[test]
    fn a_child_has_its_own_variables_and_a_plain_locale() {
        let script = "echo \"$A|$LC_ALL\"";
        let lines = |exec: &dyn Exec| said(exec, script, limits()).0;
        let given = with_variables(vec![("A".into(), "b; $c".into())]);
        assert_eq!(lines(&*given), [line(Stream::Out, "b; $c|C")]);
        assert_eq!(lines(&System), [line(Stream::Out, "|C")]);
    }

    #[test]
    fn one_that_closes_its_output_is_waited_for() {
        let start = |script: &str, limits| System.spawn(&sh(), &["-c", script], limits).expect("started");
        let mut child = start("exec >&- 2>&-; sleep 0.3; exit 3", limits());
        assert_eq!(child.next(Some(Duration::from_millis(1))).expect("it runs"), Output::Quiet);
        assert!(child.is_stuck(), "it has not ended");
        assert_eq!(child.next(None).expect("its end"), Output::Ended(Some(3)));
        assert!(!child.is_stuck());
        let mut late =
            start("exec >&- 2>&-; sleep 1000", Limits { deadline: Some(Duration::from_millis(100)), ..limits() });
        assert!(matches!(late.next(None), Err(ExecError::Deadline { .. })));
        let mut killed = start("kill -KILL $$", limits());
        assert_eq!(killed.next(None).expect("its end"), Output::Ended(None));
    }

    #[test]
    fn output_is_waited_for_as_long_as_asked() {
        let mut child = System.spawn(&sh(), &["-c", "sleep 0.2; echo late"], limits()).expect("started");
        assert_eq!(child.next(Some(Duration::from_secs(60))).expect("a line"), line(Stream::Out, "late"));
    }

    #[test]
    fn one_that_is_let_go_is_killed_with_what_it_started() {
        let mut child = System.spawn(&sh(), &["-c", "sleep 1000 & echo $!; wait"], limits()).expect("started");
        let Output::Line { text, .. } = child.next(None).expect("a line") else { panic!("its child") };
        let pid: u32 = String::from_utf8(text).expect("text").parse().expect("a number");
        drop(child);
        until_gone(pid);
    }

    #[test]
    fn an_error_is_a_fault_of_its_kind() {
        let program = || PathBuf::from("/bin/zpool");
        let source = || io::ErrorKind::NotFound.into();
        assert_eq!(Fault::from(ExecError::Deadline { program: program() }), Fault::Timeout);
        assert_eq!(Fault::from(ExecError::Stuck { program: program() }), Fault::Timeout);
        for (error, words) in [
            (ExecError::Start { program: program(), source: source() }, "/bin/zpool: entity not found"),
            (ExecError::Read { program: program(), source: source() }, "/bin/zpool: its output: entity not found"),
            (ExecError::Cancelled { program: program() }, "/bin/zpool was cancelled"),
        ] {
            assert_eq!(Fault::from(error), Fault::Broken(words.to_owned()));
        }
    }

    #[test]
    fn the_last_line_of_a_complaint_says_why() {
        let ok = |err: &str, code| Finished { out: b"good".into(), err: err.into(), code }.ok("zpool");
        assert_eq!(ok("a warning", Some(0)), Ok(b"good".to_vec()));
        let broken = |words: &str| Err(Fault::Broken(format!("zpool: {words}")));
        assert_eq!(ok("first\n  no such pool \n\n \n", Some(1)), broken("no such pool"));
        assert_eq!(ok("\n \n", Some(3)), broken("ended with status 3"));
        assert_eq!(ok("", None), broken("was killed by a signal"));
        let denied =
            Fault::Denied { what: "zpool: tank: Permission Denied".to_owned(), hint: "run as root".to_owned() };
        assert_eq!(ok("tank: Permission Denied", Some(1)), Err(denied));
    }

    #[test]
    fn a_stuck_child_is_not_joined_by_another() {
        use std::sync::atomic::{AtomicBool, Ordering};
        let stuck = Arc::new(AtomicBool::new(true));
        let exec = fake::FakeExec::new([("zpool", fake::Script::stuck(stuck.clone()))]);
        let mut runner = Runner::new(exec.clone());
        let mut run = || runner.run(Path::new("/fake/zpool"), &["list"], Duration::from_secs(5));
        assert!(matches!(run(), Err(ExecError::Deadline { .. })));
        assert!(matches!(run(), Err(ExecError::Stuck { .. })));
        assert_eq!(exec.started().len(), 1);
        stuck.store(false, Ordering::Release);
        exec.set("zpool", fake::Script::says("tank"));
        assert_eq!(run().expect("it came loose").out, b"tank\n");
    }
}
