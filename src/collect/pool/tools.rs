//! Asking `zpool` and `zfs` on a thread of their own, one child at a time: they may hang for ever on a suspended pool,
//! and the kstats must go on.

use std::{
    path::PathBuf,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use super::{
    dataset::{self, Snapshots},
    status_json, status_text,
};
use crate::{
    collect::lane::THREAD_PREFIX,
    model::{
        fault::Fault,
        pool::{Dataset, Pool, pool_of},
    },
    sys::exec::{self, Runner},
};

/// A child that takes longer is ended.
const DEADLINE: Duration = Duration::from_secs(10);
/// Snapshots are many where there are any: they are counted this seldom.
const SNAPSHOTS_EVERY: Duration = Duration::from_secs(600);

/// One question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// `zpool list` and `zpool status`.
    Pools,
    /// `zfs list`.
    Datasets,
}

/// Its answer.
pub(super) enum Answer {
    Pools(Result<Vec<Pool>, Fault>),
    Datasets(Result<Vec<Dataset>, Fault>),
}

/// The asker's end of the thread.
pub(super) struct Tools {
    questions: Sender<Question>,
    answers: Receiver<Answer>,
    waiting: Option<(Question, Instant)>,
}

impl Tools {
    /// Starts the thread.
    ///
    /// # Errors
    /// [`Fault::Absent`] without the programs.
    pub(super) fn start() -> Result<Self, Fault> {
        let (Some(zpool), Some(zfs)) = (exec::find("zpool"), exec::find("zfs")) else {
            return Err(Fault::Absent("the ZFS module is loaded, but zpool and zfs are not installed".to_owned()));
        };
        let (questions, incoming) = channel();
        let (outgoing, answers) = channel();
        thread::Builder::new()
            .name(format!("{THREAD_PREFIX}zpool"))
            .stack_size(512 << 10)
            .spawn(move || {
                let mut asker = Asker { zpool, zfs, runner: Runner::default(), snapshots: None };
                while let Ok(question) = incoming.recv() {
                    let answer = match question {
                        Question::Pools => Answer::Pools(asker.pools()),
                        Question::Datasets => Answer::Datasets(asker.datasets()),
                    };
                    if outgoing.send(answer).is_err() {
                        return;
                    }
                }
            })
            .map_err(|e| Fault::Broken(format!("no thread to ask zpool with: {e}")))?;
        Ok(Tools { questions, answers, waiting: None })
    }

    /// True when nothing is being asked.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_none()
    }

    /// Asks; only when idle.
    pub(super) fn ask(&mut self, question: Question) {
        if self.is_idle() && self.questions.send(question).is_ok() {
            self.waiting = Some((question, Instant::now()));
        }
    }

    /// The answer if it has come, at most `patience` waited for.
    pub(super) fn answer(&mut self, patience: Duration) -> Option<Answer> {
        self.waiting?;
        let answer = match patience {
            Duration::ZERO => self.answers.try_recv().map_err(|e| e == TryRecvError::Disconnected),
            _ => self.answers.recv_timeout(patience).map_err(|e| e == RecvTimeoutError::Disconnected),
        };
        match answer {
            Ok(answer) => {
                self.waiting = None;
                Some(answer)
            }
            // The thread is gone: nothing more will come.
            Err(true) => {
                let (question, _) = self.waiting.take()?;
                let fault = Fault::Broken("the thread that asked zpool panicked".to_owned());
                Some(match question {
                    Question::Pools => Answer::Pools(Err(fault)),
                    Question::Datasets => Answer::Datasets(Err(fault)),
                })
            }
            Err(false) => None,
        }
    }

    /// What has been waited for longer than it may take.
    pub(super) fn late(&self) -> Option<Question> {
        self.waiting.filter(|(_, since)| since.elapsed() > DEADLINE / 2).map(|(question, _)| question)
    }
}

struct Asker {
    zpool: PathBuf,
    zfs: PathBuf,
    runner: Runner,
    snapshots: Option<(Instant, Snapshots)>,
}

impl Asker {
    fn pools(&mut self) -> Result<Vec<Pool>, Fault> {
        let columns = "name,size,allocated,free,fragmentation,dedupratio,health,checkpoint,autotrim,readonly";
        let list = self.runner.run(&self.zpool, &["list", "-Hp", "-o", columns], DEADLINE)?.ok("zpool list")?;
        let status = ["status", "-j", "--json-int", "-P", "-p", "-s"];
        let said = self.runner.run(&self.zpool, &status, DEADLINE)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs().cast_signed());
        let mut pools = match status_json::parse(&said.out, now) {
            Some(pools) => pools,
            // Before 2.3 the option is refused, or taken and not heeded.
            None => {
                let status = ["status", "-P", "-p", "-s"];
                let text = self.runner.run(&self.zpool, &status, DEADLINE)?.ok("zpool status")?;
                status_text::parse(&String::from_utf8_lossy(&text))
            }
        };
        space(&String::from_utf8_lossy(&list), &mut pools);
        Ok(pools)
    }

    fn datasets(&mut self) -> Result<Vec<Dataset>, Fault> {
        if self.snapshots.as_ref().is_none_or(|(at, _)| at.elapsed() > SNAPSHOTS_EVERY) {
            let said = self.runner.run(&self.zfs, &dataset::SNAPSHOTS, DEADLINE * 3)?.ok("zfs list")?;
            self.snapshots = Some((Instant::now(), dataset::snapshots(&String::from_utf8_lossy(&said))));
        }
        let said = self.runner.run(&self.zfs, &dataset::DATASETS, DEADLINE * 2)?.ok("zfs list")?;
        let none = Snapshots::new();
        let snapshots = self.snapshots.as_ref().map_or(&none, |(_, snapshots)| snapshots);
        Ok(dataset::datasets(&String::from_utf8_lossy(&said), snapshots))
    }
}

/// Puts what `zpool list -Hp` says into the pools that `zpool status` named; one that status left out is added.
pub(super) fn space(text: &str, pools: &mut Vec<Pool>) {
    for line in text.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [name, size, allocated, free, fragmentation, dedup, health, checkpoint, autotrim, readonly] = columns[..]
        else {
            continue;
        };
        let bytes = |text: &str| text.parse::<u64>().ok();
        let at = pools.iter().position(|pool| pool.name == name).unwrap_or_else(|| {
            pools.push(Pool {
                name: crate::text::clean(name).into_owned(),
                state: health.to_owned(),
                ..Pool::default()
            });
            pools.len() - 1
        });
        let pool = &mut pools[at];
        // A pool that is not open has `-` for each.
        (pool.size, pool.allocated, pool.free) = (bytes(size), bytes(allocated), bytes(free));
        pool.fragmentation = fragmentation.trim_end_matches('%').parse::<f64>().ok().map(|p| p / 100.0);
        pool.dedup = dedup.trim_end_matches('x').parse().ok();
        pool.checkpoint = bytes(checkpoint);
        pool.autotrim = match autotrim {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        };
        pool.readonly = readonly == "on";
    }
}

/// The compress ratio of a pool is that of its first dataset, which holds all others.
pub(super) fn compress(pools: &mut [Pool], datasets: &[Dataset]) {
    for pool in pools {
        let root = datasets.iter().find(|d| d.name == pool.name && pool_of(&d.name) == d.name);
        pool.compress = root.and_then(|d| d.ratio).or(pool.compress);
    }
}
