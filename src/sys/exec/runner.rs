//! Children that are run to their end, one after the other.

use std::{path::Path, sync::Arc, time::Duration};

use super::{Child, Exec, ExecError, Limits, Output, Stream, System};
use crate::{model::fault::Fault, text::clean_bytes};

/// Output beyond this is not read.
pub(super) const CAP: usize = 8 << 20;

/// What a child wrote before it ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Finished {
    /// Standard output, at most 8 MiB.
    pub out: Vec<u8>,
    /// Standard error, likewise.
    pub err: Vec<u8>,
    /// Exit status; `None` when a signal ended it.
    pub code: Option<i32>,
}

impl Finished {
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
            None => "was killed by a signal".to_owned(),
        });
        if words.to_lowercase().contains("permission denied") {
            return Err(Fault::Denied { what: format!("{what}: {words}"), hint: "run as root".to_owned() });
        }
        Err(Fault::Broken(format!("{what}: {words}")))
    }
}

/// Runs children one after the other.
pub struct Runner {
    exec: Arc<dyn Exec>,
    /// One that did not end though it was killed.
    stuck: Option<Box<dyn Child>>,
}

impl Default for Runner {
    fn default() -> Self {
        Runner::new(Arc::new(System))
    }
}

impl Runner {
    /// A runner of `exec`'s children.
    #[must_use]
    pub fn new(exec: Arc<dyn Exec>) -> Self {
        Runner { exec, stuck: None }
    }

    /// Runs `program` to its end.
    ///
    /// # Errors
    /// [`ExecError::Deadline`] past `deadline`, [`ExecError::Stuck`] while an earlier child hangs in the kernel, others
    /// when it cannot be started or read.
    pub fn run(&mut self, program: &Path, arguments: &[&str], deadline: Duration) -> Result<Finished, ExecError> {
        if let Some(stuck) = &mut self.stuck {
            if stuck.is_stuck() {
                return Err(ExecError::Stuck { program: program.to_owned() });
            }
            self.stuck = None;
        }
        let limits = Limits { deadline: Some(deadline), line: CAP, output: CAP };
        let mut child = self.exec.spawn(program, arguments, limits)?;
        let mut finished = Finished::default();
        loop {
            match child.next(None) {
                Ok(Output::Line { stream, text }) => {
                    let kept = if stream == Stream::Out { &mut finished.out } else { &mut finished.err };
                    kept.extend_from_slice(&text);
                    kept.push(b'\n');
                    kept.truncate(CAP);
                }
                Ok(Output::Quiet) => {}
                Ok(Output::Ended(code)) => return Ok(Finished { code, ..finished }),
                Err(error) => {
                    if child.is_stuck() {
                        self.stuck = Some(child);
                    }
                    return Err(error);
                }
            }
        }
    }
}
