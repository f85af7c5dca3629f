//! Children for tests: what a program says is written down in the test instead of in a script on PATH.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use super::{Canceller, Child, Exec, ExecError, Limits, Output, Stream};

/// What one program does when it is started.
#[derive(Debug, Clone, Default)]
pub struct Script {
    lines: Vec<(Stream, String)>,
    /// `None`: it never ends by itself.
    code: Option<i32>,
    /// It does not even end when it is killed, until this is false.
    stuck: Option<Arc<AtomicBool>>,
}

impl Script {
    /// Writes `text` and ends with status 0.
    pub fn says(text: &str) -> Self {
        Script { lines: text.lines().map(|l| (Stream::Out, l.to_owned())).collect(), code: Some(0), stuck: None }
    }

    /// Complains and ends with status 1.
    pub fn fails(text: &str) -> Self {
        Script { lines: text.lines().map(|l| (Stream::Err, l.to_owned())).collect(), code: Some(1), stuck: None }
    }

    /// Writes `text` and runs forever.
    pub fn hangs_after(text: &str) -> Self {
        Script { code: None, ..Script::says(text) }
    }

    /// Hangs in the kernel as long as `stuck` is true.
    pub fn stuck(stuck: Arc<AtomicBool>) -> Self {
        Script { stuck: Some(stuck), ..Script::hangs_after("") }
    }
}

/// Programs and what they do, by the beginning of their command line: `zpool list`.
#[derive(Debug, Default)]
pub struct FakeExec {
    scripts: Mutex<Vec<(String, Script)>>,
    started: Mutex<Vec<(String, Limits)>>,
}

impl FakeExec {
    /// These programs and no others.
    pub fn new<'a>(scripts: impl IntoIterator<Item = (&'a str, Script)>) -> Arc<Self> {
        let scripts = scripts.into_iter().map(|(command, script)| (command.to_owned(), script)).collect();
        Arc::new(FakeExec { scripts: Mutex::new(scripts), started: Mutex::default() })
    }

    /// Another script from now on.
    pub fn set(&self, command: &str, script: Script) {
        let mut scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        scripts.retain(|(known, _)| known != command);
        scripts.push((command.to_owned(), script));
    }

    /// Command lines that were started, in order.
    pub fn started(&self) -> Vec<String> {
        self.with_limits().into_iter().map(|(line, _)| line).collect()
    }

    /// Command lines that were started, in order, with the limits of each child.
    pub fn with_limits(&self) -> Vec<(String, Limits)> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Exec for FakeExec {
    fn find(&self, name: &str) -> Option<PathBuf> {
        let scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = scripts.iter().any(|(command, _)| command.split(' ').next() == Some(name));
        known.then(|| Path::new("/fake").join(name))
    }

    fn spawn(&self, program: &Path, arguments: &[&str], limits: Limits) -> Result<Box<dyn Child>, ExecError> {
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        let line = std::iter::once(&*name).chain(arguments.iter().copied()).collect::<Vec<_>>().join(" ");
        self.started.lock().unwrap_or_else(PoisonError::into_inner).push((line.clone(), limits));
        let scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        let script =
            scripts.iter().filter(|(command, _)| line.starts_with(command.as_str())).max_by_key(|(c, _)| c.len());
        let Some((_, script)) = script else {
            let source = std::io::ErrorKind::NotFound.into();
            return Err(ExecError::Start { program: program.to_owned(), source });
        };
        let lines = script.lines.iter().cloned().collect();
        let cancelled = Arc::default();
        Ok(Box::new(FakeChild { program: program.to_owned(), lines, script: script.clone(), limits, cancelled }))
    }
}

struct FakeChild {
    program: PathBuf,
    lines: VecDeque<(Stream, String)>,
    script: Script,
    limits: Limits,
    cancelled: Arc<AtomicBool>,
}

impl Child for FakeChild {
    fn next(&mut self, wait: Option<Duration>) -> Result<Output, ExecError> {
        let program = || self.program.clone();
        if self.cancelled.load(Ordering::Acquire) {
            return Err(ExecError::Cancelled { program: program() });
        }
        if let Some((stream, line)) = self.lines.pop_front() {
            return Ok(Output::Line { stream, text: line.into_bytes() });
        }
        match (self.script.code, wait, self.limits.deadline) {
            (Some(code), ..) => Ok(Output::Ended(Some(code))),
            (None, Some(wait), _) => {
                thread::park_timeout(wait);
                Ok(Output::Quiet)
            }
            // Tests do not wait for deadlines.
            (None, None, Some(_)) => Err(ExecError::Deadline { program: program() }),
            (None, None, None) => {
                while !self.cancelled.load(Ordering::Acquire) {
                    thread::park_timeout(Duration::from_millis(1));
                }
                Err(ExecError::Cancelled { program: program() })
            }
        }
    }

    fn canceller(&self) -> Canceller {
        let cancelled = self.cancelled.clone();
        Canceller::new(move || cancelled.store(true, Ordering::Release))
    }

    fn is_stuck(&mut self) -> bool {
        self.script.stuck.as_ref().is_some_and(|stuck| stuck.load(Ordering::Acquire))
    }
}
