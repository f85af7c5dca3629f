//! Asking mounts for their space though a dead server never answers: each question that may hang runs on a helper
//! thread, and a mount whose question still stands is not asked again. A dead mount costs one thread, once.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use crate::model::{fault::Fault, filesystem::Space};

/// One mount to be asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Question {
    /// The folder to ask.
    pub(super) path: PathBuf,
    /// The filesystem that is expected there.
    pub(super) device: (u32, u32),
}

/// What asks; may block for ever.
pub(super) type Ask = Arc<dyn Fn(&Question) -> Result<Space, Fault> + Send + Sync>;

/// All helpers of one source.
pub(super) struct Asker {
    ask: Ask,
    patience: Duration,
    idle: Vec<Helper>,
    /// Questions that were not answered in time, with the helper that still waits.
    hanging: HashMap<Question, Helper>,
}

/// A thread that takes some questions at a time; it ends when its channel does.
struct Helper {
    questions: Sender<Vec<Question>>,
    answers: Receiver<Result<Space, Fault>>,
    /// Set when it hung: it asks no more after that.
    given_up: Arc<AtomicBool>,
}

impl Asker {
    pub(super) fn new(ask: Ask, patience: Duration) -> Self {
        Asker { ask, patience, idle: Vec::new(), hanging: HashMap::new() }
    }

    /// Asks all, the doubtful ones (`true`) side by side, the others one after the other; answers in the same order.
    pub(super) fn ask_all(&mut self, questions: &[(Question, bool)]) -> Vec<Result<Space, Fault>> {
        let mut answers: Vec<Result<Space, Fault>> = vec![Err(Fault::Timeout); questions.len()];
        let mut asked = Vec::new();
        let mut calm = Vec::new();
        for (index, (question, doubtful)) in questions.iter().enumerate() {
            if let Some(helper) = self.hanging.get(question) {
                match helper.answers.try_recv() {
                    Err(TryRecvError::Empty) => continue,
                    Ok(answer) => answers[index] = answer,
                    Err(TryRecvError::Disconnected) => answers[index] = Err(gone()),
                }
                self.hanging.remove(question);
            } else if *doubtful {
                match self.begin(vec![question.clone()]) {
                    Ok(helper) => asked.push((index, helper)),
                    Err(fault) => answers[index] = Err(fault),
                }
            } else {
                calm.push(index);
            }
        }
        let end = Instant::now() + self.patience;
        self.ask_calm(questions, &calm, &mut answers);
        for (index, helper) in asked {
            let left = end.saturating_duration_since(Instant::now());
            match helper.answers.recv_timeout(left) {
                Ok(answer) => {
                    answers[index] = answer;
                    self.idle.push(helper);
                }
                Err(RecvTimeoutError::Timeout) => self.give_up(&questions[index].0, helper),
                Err(RecvTimeoutError::Disconnected) => answers[index] = Err(gone()),
            }
        }
        answers
    }

    /// One helper asks them in turn; one that hangs keeps its helper, and the rest go on with another.
    fn ask_calm(&mut self, questions: &[(Question, bool)], indexes: &[usize], answers: &mut [Result<Space, Fault>]) {
        let mut rest = indexes;
        while !rest.is_empty() {
            let helper = match self.begin(rest.iter().map(|&i| questions[i].0.clone()).collect()) {
                Ok(helper) => helper,
                Err(fault) => return rest.iter().for_each(|&i| answers[i] = Err(fault.clone())),
            };
            loop {
                let Some((&index, after)) = rest.split_first() else {
                    self.idle.push(helper);
                    break;
                };
                rest = after;
                match helper.answers.recv_timeout(self.patience) {
                    Ok(answer) => answers[index] = answer,
                    Err(RecvTimeoutError::Timeout) => {
                        self.give_up(&questions[index].0, helper);
                        break;
                    }
                    Err(RecvTimeoutError::Disconnected) => {
                        answers[index] = Err(gone());
                        break;
                    }
                }
            }
        }
    }

    /// Leaves the helper with its question; its next answer is the one to it.
    fn give_up(&mut self, question: &Question, helper: Helper) {
        helper.given_up.store(true, Ordering::Relaxed);
        self.hanging.insert(question.clone(), helper);
    }

    /// Hands questions to a helper that is free, or to a new one.
    fn begin(&mut self, questions: Vec<Question>) -> Result<Helper, Fault> {
        let helper = match self.idle.pop() {
            Some(helper) => helper,
            None => self.spawn()?,
        };
        helper.questions.send(questions).map_err(|_| gone())?;
        Ok(helper)
    }

    fn spawn(&self) -> Result<Helper, Fault> {
        let (questions, incoming) = channel::<Vec<Question>>();
        let (outgoing, answers) = channel();
        let given_up = Arc::new(AtomicBool::new(false));
        let (ask, stop) = (Arc::clone(&self.ask), Arc::clone(&given_up));
        thread::Builder::new()
            .name(format!("{}mount", super::lane::THREAD_PREFIX))
            .stack_size(256 << 10)
            .spawn(move || {
                while let Ok(batch) = incoming.recv() {
                    for question in batch {
                        if stop.load(Ordering::Relaxed) || outgoing.send(ask(&question)).is_err() {
                            return;
                        }
                    }
                }
            })
            .map_err(|e| Fault::Broken(format!("no thread to ask a mount with: {e}")))?;
        Ok(Helper { questions, answers, given_up })
    }
}

fn gone() -> Fault {
    Fault::Broken("the thread that asked this mount panicked".into())
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        mpsc::{SyncSender, sync_channel},
    };

    use super::*;

    fn question(path: &str) -> Question {
        Question { path: path.into(), device: (0, 1) }
    }

    fn space(size: u64) -> Space {
        Space { size, ..Space::default() }
    }

    /// An asker whose `/dead` mounts answer only when told to; every question is written down.
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
            assert_eq!(asker.ask_all(&questions), [Ok(space(7)), Err(Fault::Timeout), Ok(space(7))]);
        }
        let dead = |log: &[PathBuf]| log.iter().filter(|p| p.starts_with("/dead")).count();
        assert_eq!(dead(&asked.lock().expect("log")), 1);
        release.send(()).expect("it waits");
        // The answer is on its way: once it is there, the mount is alive again.
        while asker.ask_all(&questions)[1] != Ok(space(7)) {
            thread::yield_now();
        }
        assert_eq!(dead(&asked.lock().expect("log")), 1);
    }

    #[test]
    fn a_local_mount_that_hangs_does_not_take_the_others_along() {
        let (mut asker, _release, _asked) = asker();
        let questions = [(question("/dead"), false), (question("/"), false), (question("/home"), false)];
        for _ in 0..2 {
            assert_eq!(asker.ask_all(&questions), [Err(Fault::Timeout), Ok(space(7)), Ok(space(7))]);
        }
        assert_eq!((asker.hanging.len(), asker.idle.len()), (1, 1), "one thread lost, one reused");
    }

    #[test]
    fn a_helper_that_hung_asks_no_more() {
        let (mut asker, release, asked) = asker();
        let _ = asker.ask_all(&[(question("/dead"), false), (question("/"), false)]);
        let helpers = || Arc::strong_count(&asker.ask) - 1;
        assert_eq!(helpers(), 2, "one hangs, one went on in its place");
        release.send(()).expect("it waits");
        let end = Instant::now() + Duration::from_secs(20);
        while helpers() > 1 {
            assert!(Instant::now() < end, "it goes on with what another has asked meanwhile");
            thread::yield_now();
        }
        assert_eq!(*asked.lock().expect("log"), [PathBuf::from("/dead"), PathBuf::from("/")]);
    }

    #[test]
    fn many_dead_servers_cost_one_wait_together() {
        let (mut asker, _release, _asked) = asker();
        asker.patience = Duration::from_millis(500);
        let questions: Vec<_> = (0..20).map(|n| (question(&format!("/dead/{n}")), true)).collect();
        let began = Instant::now();
        assert!(asker.ask_all(&questions).iter().all(|a| *a == Err(Fault::Timeout)));
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }

    #[test]
    fn new_server_at_the_same_mount_is_asked_though_the_old_hangs() {
        let (mut asker, _release, asked) = asker();
        let _ = asker.ask_all(&[(question("/dead"), true)]);
        let other = Question { device: (0, 2), ..question("/dead") };
        let _ = asker.ask_all(&[(other, true)]);
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
        assert_eq!(asker.ask_all(&[(question("/"), false)]), [Err(gone())]);
        assert_eq!(asker.ask_all(&[(question("/"), false)]), [Ok(space(1))]);
    }
}
