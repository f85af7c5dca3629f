//! The thread that reads: everything at the start, and then, while somebody looks, what other programs have written
//! since. Its connection is its own; it holds no lock between two looks.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};

use super::{
    StoreError,
    event::{Emit, Find, StoreEvent},
    lease::Lease,
    open::{Access, Opened, open, open_frozen},
    place::Place,
    rows::{self, Seen},
};
use crate::sys::THREAD_PREFIX;

/// How often is looked while somebody looks.
const EVERY: Duration = Duration::from_secs(2);
/// And for alerts alone, where another program keeps them: one fired, or that program ended.
const ALERTS_EVERY: Duration = Duration::from_secs(5);
/// And where this one keeps them: somebody acknowledged one on another screen.
const MARKS_EVERY: Duration = Duration::from_secs(10);

/// What the thread is to do from now on.
enum Order {
    /// Somebody looks, or nobody.
    Watch(bool),
    /// Nothing is judged, or it is again; answered once that holds.
    Rest(bool, Sender<()>),
}

/// The handle of the thread; it ends when this is dropped.
pub struct Reader {
    orders: Sender<Order>,
    ended: Receiver<()>,
}

impl Reader {
    /// Starts the thread, which reads everything at once; `alerts`: it also looks for who keeps the book of alerts. `find`
    /// may look at the file system.
    ///
    /// # Errors
    /// There can be no thread.
    pub fn start(find: Find, emit: Emit, alerts: bool) -> Result<Reader, StoreError> {
        let (give, orders) = channel();
        let (ends, ended) = channel();
        let work = move || {
            let read = || match find() {
                Ok(place) => {
                    let (file, seen, owning) = (None, Seen::default(), alerts.then(Owning::default));
                    Reading { place, emit: emit.clone(), file, seen, version: None, owning }.work(&orders);
                }
                Err(error) => {
                    emit(StoreEvent::none(&error));
                    // Nobody shares a history that is not there.
                    if alerts {
                        emit(StoreEvent::Alerts { owned: true });
                    }
                }
            };
            if catch_unwind(AssertUnwindSafe(read)).is_err() {
                emit(StoreEvent::Failing("the reading of the history failed inside benchtop: see --log".to_owned()));
            }
            drop::<Sender<()>>(ends);
        };
        let thread = thread::Builder::new().name(format!("{THREAD_PREFIX}history-in"));
        thread.spawn(work).map_err(StoreError::NoThread)?;
        Ok(Reader { orders: give, ended })
    }

    /// Ends the thread, so that the next program can take over the alerts; for at most `within`, as it may hang in the
    /// kernel.
    pub fn finish(self, within: Duration) {
        drop(self.orders);
        let _ = self.ended.recv_timeout(within);
    }

    /// Whether somebody looks.
    pub fn watch(&self, on: bool) {
        // The thread is gone where there is no history.
        let _ = self.orders.send(Order::Watch(on));
    }

    /// While nothing is judged here, another program may keep the alerts. What tells once it can.
    pub fn rest(&self, on: bool) -> Receiver<()> {
        let (done, is_done) = channel();
        // The thread is gone where there is no history.
        let _ = self.orders.send(Order::Rest(on, done));
        is_done
    }
}

/// The thread's side.
struct Reading {
    place: Place,
    emit: Emit,
    file: Option<Opened>,
    seen: Seen,
    /// Changes with each transaction of another connection.
    version: Option<i64>,
    /// Whether this program keeps the book of alerts, where it wants to.
    owning: Option<Owning>,
}

/// The right to keep the book of alerts.
#[derive(Default)]
struct Owning {
    lease: Option<Lease>,
    /// Nothing is judged now.
    rests: bool,
    /// What was reported of it.
    reported: Option<bool>,
}

impl Reading {
    fn work(mut self, orders: &Receiver<Order>) {
        let mut trouble = None;
        let mut watching = false;
        let mut first = true;
        loop {
            match self.look(first) {
                Ok(()) => (trouble, first) = (None, false),
                Err(error) => {
                    self.file = None;
                    let why = error.to_string();
                    if trouble.as_ref() != Some(&why) {
                        (self.emit)(StoreEvent::none(&error));
                        trouble = Some(why);
                    }
                }
            }
            self.own();
            let every = match &self.owning {
                _ if watching => Some(EVERY),
                Some(owning) => Some(if owning.lease.is_some() { MARKS_EVERY } else { ALERTS_EVERY }),
                None => None,
            };
            let order = match every {
                Some(every) => orders.recv_timeout(every),
                None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match order {
                Ok(Order::Watch(on)) => watching = on,
                Ok(Order::Rest(on, done)) => {
                    if let Some(owning) = &mut self.owning {
                        owning.rests = on;
                    }
                    if on {
                        self.own();
                    }
                    // Nobody may wait for it.
                    let _ = done.send(());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Takes the book of alerts over where nobody has it. What cannot be locked is shared with nobody.
    fn own(&mut self) {
        let Some(owning) = &mut self.owning else { return };
        let owned = if owning.rests {
            owning.lease = None;
            false
        } else if owning.lease.is_some() {
            true
        } else {
            let taken = Lease::take(&self.place);
            let owned = !matches!(taken, Ok(None));
            owning.lease = taken.ok().flatten();
            owned
        };
        if owning.reported != Some(owned) {
            owning.reported = Some(owned);
            (self.emit)(StoreEvent::Alerts { owned });
        }
    }

    /// Reports what was written since the last look; at the `first` one also that there is nothing.
    fn look(&mut self, first: bool) -> Result<(), StoreError> {
        let Reading { place, emit, .. } = self;
        place.answers()?;
        if self.file.as_ref().is_none_or(|file| !file.is_current(place)) {
            // Of another file nothing was seen yet. What this process knows stays known.
            (self.file, self.seen, self.version) = (None, Seen::default(), None);
            self.file = match open(place, Access::Read) {
                Err(StoreError::ReadOnly(_)) if place.file.exists() => {
                    let frozen = open_frozen(place)?;
                    emit(StoreEvent::Failing(StoreError::ReadOnly(place.file.clone()).to_string()));
                    Some(frozen)
                }
                opened => {
                    let opened = opened?;
                    if opened.is_none() && first {
                        place.can_be_made()?;
                    }
                    if first {
                        emit(StoreEvent::Kept(place.file.clone()));
                    }
                    opened
                }
            };
            if let Some(said) = self.file.as_ref().and_then(|file| file.said.as_ref()) {
                emit(StoreEvent::Message(said.clone()));
            }
        }
        let failed = |error: rusqlite::Error| StoreError::of_sqlite(&place.file, &error);
        let Some(Opened { connection, .. }) = &self.file else {
            if first {
                emit(StoreEvent::History(Box::default()));
            }
            return Ok(());
        };
        let version = connection.pragma_query_value(None, "data_version", |row| row.get(0)).map_err(failed)?;
        if self.version == Some(version) {
            return Ok(());
        }
        let history = rows::read(connection, &mut self.seen).map_err(failed)?;
        self.version = Some(version);
        if first || !history.is_empty() {
            emit(StoreEvent::History(Box::new(history)));
        }
        Ok(())
    }
}
