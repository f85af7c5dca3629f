//! Asking mounts for their space though a dead server never answers: each question that may hang has a worker, and a
//! mount whose question is pending is not asked again. A dead mount costs one thread, once.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    clock::Stamp,
    collect::worker::{Reply, Setup, Worker},
    model::{fault::Fault, filesystem::Space},
};

/// One mount to be asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Question {
    /// The folder to ask.
    pub(super) path: PathBuf,
    /// The filesystem that is expected there.
    pub(super) device: (u32, u32),
}

/// What asks; may block forever.
pub(super) type Ask = Arc<dyn Fn(&Question) -> Result<Space, Fault> + Send + Sync>;

type Mount = Worker<Question, Result<Space, Fault>>;

/// All workers of one source.
pub(super) struct Asker {
    ask: Ask,
    patience: Duration,
    idle: Vec<Mount>,
    /// Questions that were not answered in time, with the worker that still waits.
    hanging: HashMap<Question, Mount>,
}

impl Asker {
    pub(super) fn new(ask: Ask, patience: Duration) -> Self {
        Asker { ask, patience, idle: Vec::new(), hanging: HashMap::new() }
    }

    /// Asks all, the doubtful ones (`true`) side by side, the others one after the other; answers in the same order.
    pub(super) fn ask_all(&mut self, questions: &[(Question, bool)], at: Stamp) -> Vec<Result<Space, Fault>> {
        let mut answers: Vec<Result<Space, Fault>> = vec![Err(Fault::Timeout); questions.len()];
        let mut asked = Vec::new();
        let mut local = Vec::new();
        for (index, (question, doubtful)) in questions.iter().enumerate() {
            if let Some(mut worker) = self.hanging.remove(question) {
                match worker.poll(Duration::ZERO) {
                    Some(reply) => {
                        answers[index] = answer(reply);
                        self.idle.push(worker);
                    }
                    None => drop(self.hanging.insert(question.clone(), worker)),
                }
            } else if *doubtful {
                match self.begin(question, at) {
                    Ok(worker) => asked.push((index, worker)),
                    Err(fault) => answers[index] = Err(fault),
                }
            } else {
                local.push(index);
            }
        }
        let end = Instant::now() + self.patience;
        for index in local {
            let question = &questions[index].0;
            answers[index] = self.begin(question, at).and_then(|worker| self.finish(question, worker, self.patience));
        }
        for (index, worker) in asked {
            let left = end.saturating_duration_since(Instant::now());
            answers[index] = self.finish(&questions[index].0, worker, left);
        }
        answers
    }

    /// Hands a question to a worker that is free, or to a new one.
    fn begin(&mut self, question: &Question, at: Stamp) -> Result<Mount, Fault> {
        let setup = Setup { name: "mount", stack: 256 << 10, patience: self.patience };
        let mut worker = self.idle.pop().unwrap_or_else(|| {
            let ask = self.ask.clone();
            Worker::new(setup, move || {
                let ask = ask.clone();
                Box::new(move |question, _| ask(&question))
            })
        });
        worker.ask(question.clone(), at)?;
        Ok(worker)
    }

    /// Waits for the answer no longer than `wait`; a worker without one is left with its question.
    fn finish(&mut self, question: &Question, mut worker: Mount, wait: Duration) -> Result<Space, Fault> {
        match worker.poll(wait) {
            Some(reply) => {
                self.idle.push(worker);
                answer(reply)
            }
            None => {
                self.hanging.insert(question.clone(), worker);
                Err(Fault::Timeout)
            }
        }
    }
}

fn answer(reply: Reply<Question, Result<Space, Fault>>) -> Result<Space, Fault> {
    reply.outcome.and_then(|space| space)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Mutex,
            mpsc::{SyncSender, sync_channel},
        },
        thread,
    };

    use super::*;

    const AT: Stamp = Stamp { mono_us: 1, unix_ms: 1 };

    fn question(path: &str) -> Question {
        Question { path: path.into(), device: (0, 1) }
    }

    fn space(size: u64) -> Space {
        Space { size, ..Space::default() }
    }

    /// An asker whose `/dead` mounts answer only when asked to by the test; every request is recorded.
    fn asker() -> (Asker, SyncSender<()>, Arc<Mutex<Vec<PathBuf>>>) {
        let (release, gate) = sync_channel::<()>(0);
        let gate = Mutex::new(gate);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let ask: Ask = Arc::new(move |question| {
            log.lock().expect("log").push(question.path.clone());
            if question.path.starts_with("/dead") {
                gate.lock().expect("gate").recv().expect("released");
            }
            Ok(space(7))
        });
        (Asker::new(ask, Duration::from_secs(1)), release, asked)
    }

    #[test]
    fn a_dead_mount_times_out_alone_and_is_not_asked_again() {
        let (mut asker, release, asked) = asker();
        let questions = [(question("/"), false), (question("/dead"), true), (question("/home"), false)];
        for _ in 0..3 {
            assert_eq!(asker.ask_all(&questions, AT), [Ok(space(7)), Err(Fault::Timeout), Ok(space(7))]);
        }
        let dead = |log: &[PathBuf]| log.iter().filter(|p| p.starts_with("/dead")).count();
        assert_eq!(dead(&asked.lock().expect("log")), 1);
        release.send(()).expect("it waits");
        // The answer is on its way: once it is there, the mount is alive again.
        while asker.ask_all(&questions, AT)[1] != Ok(space(7)) {
            thread::yield_now();
        }
        assert_eq!(dead(&asked.lock().expect("log")), 1);
    }

    #[test]
    fn a_local_mount_that_hangs_does_not_take_the_others_along() {
        let (mut asker, _release, _asked) = asker();
        let questions = [(question("/dead"), false), (question("/"), false), (question("/home"), false)];
        for _ in 0..2 {
            assert_eq!(asker.ask_all(&questions, AT), [Err(Fault::Timeout), Ok(space(7)), Ok(space(7))]);
        }
        assert_eq!((asker.hanging.len(), asker.idle.len()), (1, 1), "one thread lost, one reused");
    }

    #[test]
    fn a_worker_that_hung_is_free_after_its_answer() {
        let (mut asker, release, asked) = asker();
        let dead = [(question("/dead"), false)];
        let _ = asker.ask_all(&[dead[0].clone(), (question("/"), false)], AT);
        assert_eq!((asker.hanging.len(), asker.idle.len()), (1, 1), "one hangs, one went on in its place");
        release.send(()).expect("it waits");
        while asker.ask_all(&dead, AT) != [Ok(space(7))] {
            thread::yield_now();
        }
        assert_eq!((asker.hanging.len(), asker.idle.len()), (0, 2));
        assert_eq!(*asked.lock().expect("log"), [PathBuf::from("/dead"), PathBuf::from("/")], "each once");
    }

    #[test]
    fn many_dead_servers_cost_one_wait_together() {
        let (mut asker, _release, _asked) = asker();
        asker.patience = Duration::from_millis(500);
        let questions: Vec<_> = (0..20).map(|n| (question(&format!("/dead/{n}")), true)).collect();
        let began = Instant::now();
        assert!(asker.ask_all(&questions, AT).iter().all(|a| *a == Err(Fault::Timeout)));
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }

    #[test]
    fn new_server_at_the_same_mount_is_asked_though_the_old_hangs() {
        let (mut asker, _release, asked) = asker();
        let _ = asker.ask_all(&[(question("/dead"), true)], AT);
        let other = Question { device: (0, 2), ..question("/dead") };
        let _ = asker.ask_all(&[(other, true)], AT);
        assert_eq!(asked.lock().expect("log").len(), 2);
    }

    #[test]
    fn a_panic_while_asking_is_broken_and_heals() {
        let first = Mutex::new(true);
        let ask: Ask = Arc::new(move |_| {
            let panics = std::mem::take(&mut *first.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
            assert!(!panics, "once");
            Ok(space(1))
        });
        let mut asker = Asker::new(ask, Duration::from_secs(5));
        assert_eq!(asker.ask_all(&[(question("/"), false)], AT), [Err(Fault::Broken("mount panicked: once".into()))]);
        assert_eq!(asker.ask_all(&[(question("/"), false)], AT), [Ok(space(1))]);
    }
}
