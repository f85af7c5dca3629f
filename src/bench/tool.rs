//! A child process that measures: run to its end, its lines as they come, killed with all that it started within a
//! second after the run is stopped.

use std::{path::Path, sync::Arc, time::Duration};

use super::stop::{Stop, StopFlag};
use crate::{
    sys::exec::{Exec, ExecError, Limits, Output, Stream},
    text::clean_bytes,
};

/// Between two looks at the flag.
const LOOK: Duration = Duration::from_millis(100);
/// Of a line, and of each output.
const LINE: usize = 1 << 20;
const OUTPUT: usize = 64 << 20;
/// Lines of its complaints that are kept.
const KEPT: usize = 20;

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ended {
    /// Exit status; `None` when a signal ended it.
    pub code: Option<i32>,
    /// The first lines that it complained in, cleaned.
    pub complaints: Vec<String>,
}

impl Ended {
    /// Its first complaint, else how it ended.
    #[must_use]
    pub fn why(&self) -> String {
        self.complaints.first().cloned().unwrap_or_else(|| match self.code {
            Some(code) => format!("it ended with status {code}"),
            None => "it was killed by a signal".to_owned(),
        })
    }
}

/// Runs `program`; `seen` gets each line of its standard output.
///
/// # Errors
/// [`Stop::Cancelled`] when stopped, [`Stop::Failed`] when it cannot be started or takes longer than `deadline`.
pub fn run(
    exec: &Arc<dyn Exec>,
    stop: &StopFlag,
    program: &Path,
    arguments: &[&str],
    deadline: Duration,
    mut seen: impl FnMut(&[u8]),
) -> Result<Ended, Stop> {
    stop.check()?;
    let limits = Limits { deadline: Some(deadline), line: LINE, output: OUTPUT };
    let mut child = exec.spawn(program, arguments, limits).map_err(Stop::failed)?;
    let mut ended = Ended::default();
    loop {
        match child.next(Some(LOOK)) {
            Ok(Output::Line { stream: Stream::Out, text }) => seen(&text),
            Ok(Output::Line { stream: Stream::Err, text }) => {
                let text = text.trim_ascii();
                if ended.complaints.len() < KEPT && !text.is_empty() {
                    ended.complaints.push(clean_bytes(text));
                }
            }
            Ok(Output::Quiet) => {}
            Ok(Output::Ended(code)) => return Ok(Ended { code, ..ended }),
            Err(ExecError::Cancelled { .. }) => return Err(Stop::Cancelled),
            Err(error) => return Err(Stop::failed(error)),
        }
        if stop.is_set() {
            child.canceller().cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        time::Instant,
    };

    use super::*;
    use crate::sys::exec::{System, find};

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_stopped_run_ends_its_child_within_a_second() {
        let (user, exec): (_, Arc<dyn Exec>) = (Arc::new(AtomicBool::new(false)), Arc::new(System));
        let stop = StopFlag::new(user.clone());
        // It ignores TERM, and talks all the time.
        let script = "trap '' TERM; echo up; while :; do echo more; sleep 0.01; done";
        let mut asked = None;
        let outcome = run(&exec, &stop, &find("sh").expect("a shell"), &["-c", script], LONG, |_| {
            asked.get_or_insert_with(Instant::now);
            user.store(true, Ordering::Release);
        });
        assert_eq!(outcome, Err(Stop::Cancelled));
        assert!(asked.is_some_and(|asked| asked.elapsed() < Duration::from_secs(1)));
    }

    #[test]
    fn lines_complaints_and_status_come_back() {
        let (stop, exec): (_, Arc<dyn Exec>) = (StopFlag::new(Arc::default()), Arc::new(System));
        let mut lines = Vec::new();
        let script = "echo one; echo 'no \u{1b}space' >&2; exit 3";
        let ended = run(&exec, &stop, &find("sh").expect("a shell"), &["-c", script], LONG, |line| {
            lines.push(line.to_vec());
        });
        let ended = ended.expect("it ran");
        assert_eq!((lines, ended.code, ended.why().as_str()), (vec![b"one".to_vec()], Some(3), "no ?space"));
        let nowhere = run(&exec, &stop, Path::new("/nowhere/fio"), &[], LONG, |_| {});
        assert!(matches!(nowhere, Err(Stop::Failed(why)) if why.starts_with("/nowhere/fio: ")));
    }
}
