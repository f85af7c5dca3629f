//! The one thread that writes. Whoever has something to keep hands it over and goes on; what could not be written is
//! tried again until it can, or the program ends.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::Duration,
};

use rusqlite::TransactionBehavior;

use super::{
    StoreError,
    event::{Emit, Find, StoreEvent},
    open::{Access, Opened, open},
    place::Place,
    rows::{self, Record},
    schema::{self, VERSION},
};
use crate::sys::THREAD_PREFIX;

/// What could not be written is tried again after this.
const RETRY: Duration = Duration::from_secs(5);
/// Records that wait while nothing can be written: more are lost, and counted.
const MOST: usize = 100_000;

enum Order {
    Keep(Box<Record>),
    /// The newest book of alerts is in its place.
    Book,
    /// To be answered once all before it is written, or why it cannot be.
    Written(Sender<Result<(), String>>),
    /// All before it is to be written, or given up; then the thread ends.
    Close(Sender<Result<(), Unwritten>>),
}

/// What was not kept, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{records} results are not kept: {why}")]
pub struct Unwritten {
    pub records: usize,
    pub why: String,
}

/// The handle of the thread.
pub struct Writer {
    orders: Sender<Order>,
    waiting: Arc<AtomicUsize>,
    book: Arc<Mutex<Option<Record>>>,
    lost: usize,
}

impl Writer {
    /// Starts the thread. The file is opened when there is something to keep. `find` may look at the file system.
    ///
    /// # Errors
    /// There can be no thread.
    pub fn start(find: Find, emit: Emit) -> Result<Writer, StoreError> {
        let (orders, received) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let book = Arc::new(Mutex::new(None));
        let queue = Queue {
            find,
            emit: emit.clone(),
            waiting: waiting.clone(),
            book: book.clone(),
            place: None,
            file: None,
            batch: Vec::new(),
            trouble: None,
            off: None,
        };
        let work = move || {
            if catch_unwind(AssertUnwindSafe(|| queue.work(&received))).is_err() {
                emit(StoreEvent::Failing("the writing of the history failed inside benchtop: see --log".to_owned()));
            }
        };
        let thread = thread::Builder::new().name(format!("{THREAD_PREFIX}history"));
        thread.spawn(work).map_err(StoreError::NoThread)?;
        Ok(Writer { orders, waiting, book, lost: 0 })
    }

    /// Hands a record over. Never waits. Of books of alerts, which are large and of which only the newest counts, one waits.
    pub fn keep(&mut self, record: Record) {
        let order = if matches!(record, Record::Book(_)) {
            if replace(&self.book, Some(record)).is_some() {
                return;
            }
            Order::Book
        } else {
            Order::Keep(Box::new(record))
        };
        let full = self.waiting.fetch_add(1, Ordering::Relaxed) >= MOST;
        if full || self.orders.send(order).is_err() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.lost += 1;
        }
    }

    /// What tells once all that was handed over is on the disk, or why it is not; nothing comes where the thread is gone.
    pub fn written(&self) -> Receiver<Result<(), String>> {
        let (done, answer) = channel();
        // Dropped where the thread is gone: whoever waits hears that.
        let _ = self.orders.send(Order::Written(done));
        answer
    }

    /// Ends the thread once all is written, or after `within`.
    ///
    /// # Errors
    /// How many records were not written, and why.
    pub fn finish(self, within: Duration) -> Result<(), Unwritten> {
        let lost = self.lost;
        let unwritten =
            |why: &str| Unwritten { records: lost + self.waiting.load(Ordering::Relaxed), why: why.to_owned() };
        let (done, answer) = channel();
        let outcome = match self.orders.send(Order::Close(done)) {
            Ok(()) => answer.recv_timeout(within),
            Err(_) => Err(RecvTimeoutError::Disconnected),
        };
        match outcome {
            Ok(Ok(())) if lost == 0 => Ok(()),
            Ok(Ok(())) => Err(unwritten("too many waited while nothing could be written")),
            Ok(Err(error)) => Err(Unwritten { records: error.records + lost, ..error }),
            Err(RecvTimeoutError::Timeout) => Err(unwritten("the file system does not answer")),
            Err(RecvTimeoutError::Disconnected) => Err(unwritten("the writing failed inside benchtop: see --log")),
        }
    }
}

fn replace(book: &Mutex<Option<Record>>, by: Option<Record>) -> Option<Record> {
    std::mem::replace(&mut book.lock().unwrap_or_else(PoisonError::into_inner), by)
}

/// The thread's side.
struct Queue {
    find: Find,
    emit: Emit,
    waiting: Arc<AtomicUsize>,
    book: Arc<Mutex<Option<Record>>>,
    place: Option<Place>,
    file: Option<Opened>,
    batch: Vec<Record>,
    /// What was in the way at the last try.
    trouble: Option<String>,
    /// Nothing is kept, as the user wants it; by what.
    off: Option<String>,
}

impl Queue {
    fn work(mut self, orders: &Receiver<Order>) {
        let mut closing = None;
        let mut asking = Vec::new();
        while closing.is_none() {
            let first = match self.batch.is_empty() {
                true => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
                false => orders.recv_timeout(RETRY),
            };
            let first = match first {
                Ok(order) => Some(order),
                Err(RecvTimeoutError::Timeout) => None,
                // The program is ending without having said so.
                Err(RecvTimeoutError::Disconnected) => return self.write(),
            };
            // What waits already goes into the same transaction.
            for order in first.into_iter().chain(orders.try_iter()) {
                match order {
                    Order::Keep(record) => self.batch.push(*record),
                    Order::Book => {
                        // One that could not be written yet gives way.
                        let before = self.batch.len();
                        self.batch.retain(|record| !matches!(record, Record::Book(_)));
                        self.waiting.fetch_sub(before - self.batch.len(), Ordering::Relaxed);
                        self.batch.extend(replace(&self.book, None));
                    }
                    Order::Written(done) => asking.push(done),
                    Order::Close(done) => closing = Some(done),
                }
            }
            if !self.batch.is_empty() {
                self.write();
            }
            for done in asking.drain(..) {
                let not = self.off.as_ref().or(self.trouble.as_ref());
                let _ = done.send(not.map_or(Ok(()), |why| Err(why.clone())));
            }
        }
        let outcome = match self.batch.len() {
            0 => Ok(()),
            records => Err(Unwritten { records, why: self.trouble.unwrap_or_default() }),
        };
        // Closed before it is said that all is done: SQLite tidies its log up then.
        drop(self.file);
        if let Some(done) = closing {
            let _ = done.send(outcome);
        }
    }

    /// Writes the batch, or keeps it for the next try.
    fn write(&mut self) {
        let outcome = self.try_to_write();
        let trouble = match outcome {
            Ok(()) => None,
            // Nothing is wanted: nothing waits.
            Err(error @ StoreError::Off(_)) => {
                self.off = Some(error.to_string());
                None
            }
            Err(error) => Some(error.to_string()),
        };
        let Some(why) = trouble else {
            self.waiting.fetch_sub(self.batch.len(), Ordering::Relaxed);
            self.batch.clear();
            if let (Some(_), Some(place)) = (self.trouble.take(), &self.place) {
                (self.emit)(StoreEvent::Kept(place.file.clone()));
            }
            return;
        };
        self.file = None;
        if self.trouble.as_ref() != Some(&why) {
            (self.emit)(StoreEvent::Failing(why.clone()));
            self.trouble = Some(why);
        }
    }

    fn try_to_write(&mut self) -> Result<(), StoreError> {
        if self.place.is_none() {
            self.place = Some((self.find)()?);
        }
        let Some(place) = &self.place else { return Ok(()) };
        let failed = |error: rusqlite::Error| StoreError::of_sqlite(&place.file, &error);
        place.answers()?;
        let opened = match self.file.take().filter(|file| file.is_current(place)) {
            Some(opened) => opened,
            None => {
                let opened = open(place, Access::Write)?;
                let removed = "it was removed as it was made";
                let opened =
                    opened.ok_or_else(|| StoreError::Failed { file: place.file.clone(), what: removed.to_owned() })?;
                if let Some(said) = &opened.said {
                    (self.emit)(StoreEvent::Message(said.clone()));
                }
                opened
            }
        };
        let opened = self.file.insert(opened);
        let batch = opened.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        // A newer benchtop may have opened the file since, and changed what is in it.
        let found = schema::version(&batch).map_err(failed)?;
        if found != VERSION {
            return Err(StoreError::Newer { file: place.file.clone(), found, known: VERSION });
        }
        for record in &self.batch {
            rows::insert(&batch, record).map_err(failed)?;
        }
        batch.commit().map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::saved::Saved;

    #[test]
    fn of_books_of_alerts_one_waits() {
        let (go_on, held) = channel::<()>();
        let held = Mutex::new(held);
        let find = move || {
            // The file system does not answer until the test is over.
            let _ = held.lock().unwrap_or_else(PoisonError::into_inner).recv();
            Err(StoreError::Off("for a test".to_owned()))
        };
        let mut writer = Writer::start(Arc::new(find), Arc::new(|_| {})).expect("a thread");
        let book =
            |at: u64| Record::Book(Box::new(Saved { at: crate::clock::Stamp::at_seconds(at), ..Saved::default() }));
        (0..50).for_each(|at| writer.keep(book(at)));
        let waiting = writer.waiting.load(Ordering::Relaxed);
        assert!((1..=2).contains(&waiting), "{waiting}: one in hand, and one behind it");
        let kept = writer.book.lock().unwrap_or_else(PoisonError::into_inner).take();
        assert!(kept.is_none_or(|kept| kept == book(49)), "the newest");
        drop(go_on);
        assert_eq!(writer.finish(Duration::from_secs(60)), Ok(()));
    }
}
