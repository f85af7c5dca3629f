//! A worker: one thread that answers one question at a time, for what may block forever. Its owner asks, goes on, and
//! takes the answer when it has come; a question that is never answered costs this thread and no second one. A panic is
//! an answer too, and the next question starts a new thread.
//!
//! This is for sources with many targets (mounts, pools, engines): each target has its own worker, and its own health in
//! the sample (`model::answer::Answer`). What sends on its own (a log, engine events, driver errors) is no worker.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};

use super::lane::THREAD_PREFIX;
use crate::{clock::Stamp, model::fault::Fault};

/// What the thread does with a question; the stamp is of the reading that asked it.
pub(super) type Work<Q, A> = Box<dyn FnMut(Q, Stamp) -> A + Send>;

/// How a worker's thread is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setup {
    /// Names the thread, and what it asks in faults.
    pub(super) name: &'static str,
    /// Bytes of its stack.
    pub(super) stack: usize,
    /// A question that is pending for longer is late.
    pub(super) patience: Duration,
}

/// One thread and the question that it works on.
pub(super) struct Worker<Q, A> {
    setup: Setup,
    make: Box<dyn Fn() -> Work<Q, A> + Send>,
    /// `None` until the first question, and after a panic.
    thread: Option<Ends<Q, A>>,
    pending: Option<(Q, Stamp)>,
}

/// The owner's ends of the channels; the thread ends when they are dropped, or with its question.
struct Ends<Q, A> {
    questions: Sender<(Q, Stamp)>,
    answers: Receiver<Result<A, Fault>>,
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply<Q, A> {
    pub(super) question: Q,
    /// [`Fault::Broken`] where answering panicked.
    pub(super) outcome: Result<A, Fault>,
}

impl<Q: Clone + Send + 'static, A: Send + 'static> Worker<Q, A> {
    /// A worker without a thread yet; `make` gives the work, once for each thread.
    pub(super) fn new(setup: Setup, make: impl Fn() -> Work<Q, A> + Send + 'static) -> Self {
        Worker { setup, make: Box::new(make), thread: None, pending: None }
    }

    /// True when nothing is pending.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_none()
    }

    /// Hands a question over; false while another one is pending.
    ///
    /// # Errors
    /// [`Fault::Broken`] where no thread can be started.
    pub(super) fn ask(&mut self, question: Q, at: Stamp) -> Result<bool, Fault> {
        if !self.is_idle() {
            return Ok(false);
        }
        if self.thread.is_none() {
            self.thread = Some(self.start()?);
        }
        let sent = self.thread.as_ref().is_some_and(|t| t.questions.send((question.clone(), at)).is_ok());
        if !sent {
            self.thread = None;
            return Err(self.gone());
        }
        self.pending = Some((question, at));
        Ok(true)
    }

    /// The answer to the pending question if it has come, waiting for it no longer than `wait`.
    pub(super) fn poll(&mut self, wait: Duration) -> Option<Reply<Q, A>> {
        self.pending.as_ref()?;
        let answers = &self.thread.as_ref()?.answers;
        let outcome = match answers.recv_timeout(wait) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout) => return None,
            Err(RecvTimeoutError::Disconnected) => Err(self.gone()),
        };
        if outcome.is_err() {
            self.thread = None;
        }
        let (question, _) = self.pending.take()?;
        Some(Reply { question, outcome })
    }

    /// The question that has been pending for longer than it may take.
    pub(super) fn late(&self, now: Stamp) -> Option<&Q> {
        self.pending.as_ref().filter(|(_, since)| now.since(*since) > self.setup.patience).map(|(question, _)| question)
    }

    fn gone(&self) -> Fault {
        Fault::Broken(format!("the thread {} ended without an answer", self.setup.name))
    }

    fn start(&self) -> Result<Ends<Q, A>, Fault> {
        let (questions, incoming) = channel::<(Q, Stamp)>();
        let (outgoing, answers) = channel();
        let (mut work, name) = ((self.make)(), self.setup.name);
        let run = move || {
            while let Ok((question, at)) = incoming.recv() {
                let outcome = catch_unwind(AssertUnwindSafe(|| work(question, at)));
                let panicked = outcome.is_err();
                let outcome =
                    outcome.map_err(|panic| Fault::Broken(format!("{name} panicked: {}", panic_message(&*panic))));
                if outgoing.send(outcome).is_err() || panicked {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name(format!("{THREAD_PREFIX}{name}")).stack_size(self.setup.stack);
        thread.spawn(run).map_err(|e| Fault::Broken(format!("no thread for {name} could be started: {e}")))?;
        Ok(Ends { questions, answers })
    }
}

/// What a panic said.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, mpsc::SyncSender};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    const SETUP: Setup = Setup { name: "test", stack: 256 << 10, patience: Duration::from_secs(5) };

    fn at(second: u64) -> Stamp {
        Stamp::at_seconds(second)
    }

    /// Answers with ten times the question, when it is released; zero panics.
    fn gated() -> (Worker<u32, u32>, SyncSender<()>) {
        let (release, gate) = std::sync::mpsc::sync_channel::<()>(0);
        let gate = Arc::new(Mutex::new(gate));
        let make = move || -> Work<u32, u32> {
            let gate = gate.clone();
            Box::new(move |question, _| {
                assert!(question > 0, "asked for nothing");
                gate.lock().expect("gate").recv().expect("released");
                question * 10
            })
        };
        (Worker::new(SETUP, make), release)
    }

    #[test]
    fn one_question_is_in_flight() {
        let (mut worker, release) = gated();
        assert_eq!(worker.poll(Duration::ZERO), None, "nothing was asked");
        assert_eq!(worker.ask(1, at(1)), Ok(true));
        assert_eq!(worker.ask(2, at(2)), Ok(false), "the first is pending");
        assert_eq!(worker.poll(Duration::ZERO), None);
        release.send(()).expect("it waits");
        assert_eq!(worker.poll(LONG), Some(Reply { question: 1, outcome: Ok(10) }));
        assert!(worker.is_idle());
        assert_eq!(worker.poll(Duration::ZERO), None, "an answer comes once");
    }

    #[test]
    fn a_hung_question_is_late_until_its_answer_comes() {
        let (mut worker, release) = gated();
        worker.ask(4, at(10)).expect("a thread");
        assert_eq!((worker.late(at(15)), worker.late(at(16))), (None, Some(&4)));
        assert_eq!(worker.ask(5, at(17)), Ok(false), "no second thread for a stuck one");
        release.send(()).expect("it waits");
        assert_eq!(worker.poll(LONG), Some(Reply { question: 4, outcome: Ok(40) }), "late, and taken");
        assert_eq!(worker.late(at(99)), None);
    }

    #[test]
    fn a_panic_is_an_answer_and_the_next_question_works() {
        let (mut worker, release) = gated();
        worker.ask(0, at(1)).expect("a thread");
        let fault = Fault::Broken("test panicked: asked for nothing".to_owned());
        assert_eq!(worker.poll(LONG), Some(Reply { question: 0, outcome: Err(fault) }));
        assert_eq!(worker.ask(3, at(2)), Ok(true));
        release.send(()).expect("a new thread waits");
        assert_eq!(worker.poll(LONG).map(|reply| reply.outcome), Some(Ok(30)));
    }

    #[test]
    fn dropping_it_ends_the_thread() {
        let (ended, seen) = channel::<()>();
        let ended = Mutex::new(Some(ended));
        let mut worker: Worker<u32, u32> = Worker::new(SETUP, move || {
            let ended = ended.lock().expect("one thread").take();
            Box::new(move |question, _| {
                let _ = &ended;
                question
            })
        });
        worker.ask(1, at(1)).expect("a thread");
        assert!(worker.poll(LONG).is_some());
        drop(worker);
        assert_eq!(seen.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected), "the thread let go of what it held");
    }
}
