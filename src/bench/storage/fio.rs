//! fio: its command line for a job, and one run of it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{
    fio_json::Documents,
    pattern::{Access, Job, READS},
    report::Report,
};
use crate::{
    bench::{
        stop::{Stop, StopFlag},
        tool,
    },
    sys::exec::{Exec, Runner},
    text::clean_bytes,
};

/// It takes longer than its job only where the disk does not answer.
const SLACK: Duration = Duration::from_secs(60);
/// A pass over the whole file goes at this rate at least.
const SLOWEST: u64 = 5 << 20;
const QUESTION: Duration = Duration::from_secs(5);

/// A fio that is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fio {
    pub program: PathBuf,
    /// `fio-3.33`.
    pub version: String,
    /// It can queue accesses in the kernel.
    pub libaio: bool,
}

impl Fio {
    /// The one on this machine, if it can be started.
    #[must_use]
    pub fn find(exec: &Arc<dyn Exec>) -> Option<Self> {
        let program = exec.find("fio")?;
        let mut runner = Runner::new(exec.clone());
        let said = runner.run(&program, &["--version"], QUESTION).ok()?.ok("fio").ok()?;
        let version = clean_bytes(said.trim_ascii());
        let libaio = runner.run(&program, &["--enghelp=libaio"], QUESTION).is_ok_and(|said| said.code == Some(0));
        version.starts_with("fio-").then_some(Fio { program, version, libaio })
    }

    /// The engine that a job is run with.
    #[must_use]
    pub fn engine(&self, job: &Job) -> &'static str {
        if job.shape.queued && self.libaio { "libaio" } else { "psync" }
    }

    /// Accesses under way in each of so many threads. Without a queue as many threads wait; but each of them would go through
    /// the whole file, so that one that is read or written in order has a single one.
    #[must_use]
    pub fn queue(&self, job: &Job) -> (u32, u32) {
        match (self.engine(job), job.pattern.access) {
            ("psync", Access::Random) => (1, job.shape.at_once()),
            ("psync", _) => (1, job.shape.jobs),
            _ => (job.shape.depth, job.shape.jobs),
        }
    }

    /// Its arguments: the data is as good as random, so that nothing compresses it.
    #[must_use]
    pub fn arguments(&self, job: &Job) -> Vec<String> {
        let (engine, (depth, jobs)) = (self.engine(job), self.queue(job));
        let access = match job.pattern.access {
            Access::Read => "read",
            Access::Write => "write",
            Access::Random => "randrw",
        };
        let mut arguments = vec![
            "--name=benchtop".to_owned(),
            // fio takes a colon for the end of a name.
            format!("--filename={}", job.file.to_string_lossy().replace(':', "\\:")),
            format!("--size={}", job.size),
            format!("--rw={access}"),
            format!("--bs={}", job.pattern.block_words()),
            format!("--direct={}", u8::from(job.direct)),
            format!("--ioengine={engine}"),
            format!("--iodepth={depth}"),
            format!("--numjobs={jobs}"),
        ];
        if job.pattern.access == Access::Random {
            arguments.push(format!("--rwmixread={READS}"));
            arguments.extend(["--norandommap", "--randrepeat=0", "--unified_rw_reporting=1"].map(str::to_owned));
        }
        match job.time {
            Some(time) => arguments.extend([
                "--time_based".to_owned(),
                format!("--runtime={}ms", time.as_millis()),
                // A file that is gone is not made again: what is measured is the one of this run.
                "--allow_file_create=0".to_owned(),
            ]),
            None => arguments.push("--end_fsync=1".to_owned()),
        }
        let always = [
            "--refill_buffers",
            "--group_reporting",
            "--thread",
            "--eta=never",
            "--status-interval=1",
            "--output-format=json",
        ];
        arguments.extend(always.map(str::to_owned));
        arguments
    }

    /// Runs one job; `live` gets what it has found so far, each second.
    ///
    /// # Errors
    /// [`Stop::Cancelled`] when stopped; [`Stop::Failed`] with fio's complaint.
    pub fn run(
        &self,
        exec: &Arc<dyn Exec>,
        stop: &StopFlag,
        job: &Job,
        live: &mut dyn FnMut(&Report),
    ) -> Result<Report, Stop> {
        let arguments = self.arguments(job);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let deadline = job.time.unwrap_or_else(|| Duration::from_secs(job.size / SLOWEST)) + SLACK;
        let (mut documents, mut last) = (Documents::default(), None);
        let ended = tool::run(exec, stop, &self.program, &arguments, deadline, |line| {
            if let Some(report) = documents.line(line) {
                if let Ok(report) = &report {
                    live(report);
                }
                last = Some(report);
            }
        })?;
        match last {
            Some(Ok(report)) if ended.code == Some(0) => Ok(report),
            Some(Err(why)) if ended.code != Some(0) || ended.complaints.is_empty() => Err(failed(&job.file, &why)),
            _ => Err(failed(&job.file, &ended.why())),
        }
    }
}

/// A failure with the file that it is about.
fn failed(file: &Path, why: &str) -> Stop {
    Stop::Failed(format!("fio on {}: {}", file.display(), why.trim_start_matches("fio: ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bench::storage::pattern::{Pattern, Shape},
        sys::exec::fake::{FakeExec, Script},
    };

    fn fio(libaio: bool) -> Fio {
        Fio { program: PathBuf::from("/fake/fio"), version: "fio-3.33".to_owned(), libaio }
    }

    fn job() -> Job {
        Job {
            pattern: Pattern { access: Access::Random, block: 4096 },
            shape: Shape { queued: true, depth: 16, jobs: 4 },
            file: PathBuf::from("/srv/a:b/data"),
            size: 1 << 30,
            direct: true,
            time: Some(Duration::from_secs(3)),
        }
    }

    #[test]
    fn the_command_line_is_the_whole_method() {
        let line = fio(true).arguments(&job()).join(" ");
        assert_eq!(
            line,
            "--name=benchtop --filename=/srv/a\\:b/data --size=1073741824 --rw=randrw --bs=4k --direct=1 \
             --ioengine=libaio --iodepth=16 --numjobs=4 --rwmixread=70 --norandommap --randrepeat=0 \
             --unified_rw_reporting=1 --time_based --runtime=3000ms --allow_file_create=0 --refill_buffers \
             --group_reporting --thread --eta=never --status-interval=1 --output-format=json"
        );
        let line = fio(false).arguments(&job()).join(" ");
        assert!(line.contains("--ioengine=psync --iodepth=1 --numjobs=64 "), "as many at once: {line}");
        let read = Pattern { access: Access::Read, block: 1 << 20 };
        let in_order = Job { pattern: read, shape: Shape { queued: true, depth: 32, jobs: 1 }, ..job() };
        let line = fio(false).arguments(&in_order).join(" ");
        assert!(line.contains("--ioengine=psync --iodepth=1 --numjobs=1 "), "once through the file: {line}");
        assert_eq!((fio(true).queue(&in_order), fio(false).queue(&in_order)), ((32, 1), (1, 1)));
        let line = fio(true).arguments(&Job { pattern: read, time: None, ..job() }).join(" ");
        assert!(line.contains("--rw=read --bs=1M ") && line.contains("--end_fsync=1"), "{line}");
    }

    #[test]
    fn its_version_and_engines_are_asked() {
        let exec = FakeExec::new([
            ("fio --version", Script::says("fio-3.33")),
            ("fio --enghelp=libaio", Script::fails("fio: engine libaio not loadable")),
        ]);
        assert_eq!(Fio::find(&(exec as Arc<dyn Exec>)), Some(fio(false)));
        let none = FakeExec::new([]);
        assert_eq!(Fio::find(&(none as Arc<dyn Exec>)), None);
    }

    #[test]
    fn a_failure_is_in_fio_s_words() {
        let stop = StopFlag::new(Arc::default());
        let run = |script: Script| {
            let exec: Arc<dyn Exec> = FakeExec::new([("fio", script)]);
            fio(true).run(&exec, &stop, &job(), &mut |_| {})
        };
        assert_eq!(
            run(Script::fails("fio: failed opening file")),
            Err(Stop::Failed("fio on /srv/a:b/data: failed opening file".to_owned()))
        );
        let full = "fio: pid=1, err=28\n{\n\"jobs\": [{\"error\": 28}]\n}";
        assert_eq!(
            run(Script::says(full)),
            Err(Stop::Failed("fio on /srv/a:b/data: No space left on device (os error 28)".to_owned()))
        );
        assert!(run(Script::says("")).is_err(), "no word is no result");
    }
}
