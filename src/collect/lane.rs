//! Lanes: one named thread for sources that behave alike. A lane paces itself; one that hangs costs its own thread and
//! nothing else, one that panics is reopened, and none is ever waited for.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, Thread},
    time::Duration,
};

pub use super::source::THREAD_PREFIX;
use super::{
    CollectCx, Collector, Lane, OpenCx, Pace, SourceDef,
    keyframe::Keyframes,
    schedule::{Grid, NEVER, Schedule, wakes},
    worker::panic_message,
};
use crate::{
    clock::Stamp,
    interest::{Interest, InterestCell},
    model::{
        event::{Envelope, Sample},
        fault::Fault,
        source::SourceId,
    },
};

/// Room for readings that the loop has not taken yet; a lane waits when it is full.
const QUEUE: usize = 256;
/// Lanes parse small files: the default of 2 MiB would be waste.
const STACK: usize = 512 << 10;

/// Where lanes put their readings.
#[derive(Clone)]
pub struct Outbox {
    queue: SyncSender<Envelope>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Outbox {
    /// A queue, and `wake`, which is called only when the loop should look at once: first answers, changes between good
    /// and bad, the round of processes, and what was asked for by a key.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> (Outbox, Receiver<Envelope>) {
        let (queue, taken) = sync_channel(QUEUE);
        (Outbox { queue, wake: Arc::new(wake) }, taken)
    }

    /// False when the receiver is gone.
    fn send(&self, envelope: Envelope, urgent: bool) -> bool {
        let sent = self.queue.send(envelope).is_ok();
        if sent && urgent {
            (self.wake)();
        }
        sent
    }
}

type Opener = Box<dyn FnMut(&OpenCx) -> Result<Box<dyn Collector>, Fault> + Send>;

/// A source as a lane needs it.
struct Task {
    id: SourceId,
    lane: Lane,
    pace: Pace,
    deadline: Duration,
    open: Opener,
}

/// What the first figures on the screen are made of, in the order in which their lanes start: the processes, the names of
/// their users, and the rest of `/proc`. All others would only take the processor from them.
const FIRST: [Lane; 3] = [Lane::PROCESSES, Lane::FACTS, Lane::KERNEL];

/// All lanes. Dropping it ends those that still listen; a hung one ends with the process.
pub struct Lanes {
    grid: Arc<Mutex<Grid>>,
    cell: InterestCell,
    open: OpenCx,
    out: Outbox,
    threads: Vec<(Lane, Vec<Pace>, Thread)>,
    /// Lanes that do not run yet.
    waiting: BTreeMap<Lane, Vec<Slot>>,
    watched: Vec<Watched>,
    /// Since when sources can answer at all: before, the program was stopped. Microseconds of the run's clock.
    awake_us: u64,
}

/// What the loop knows of a source: since when it has been busy, and which hang was reported already.
struct Watched {
    id: SourceId,
    pace: Pace,
    deadline: Duration,
    busy_since: Arc<AtomicU64>,
    reported: u64,
}

impl Lanes {
    /// Starts a thread for each of the lanes that the first figures come from, whose readings begin at once. The others
    /// start with [`Lanes::start_rest`], or when their sources are wanted.
    #[must_use]
    pub fn start(
        sources: &[&'static SourceDef],
        open: &OpenCx,
        cell: InterestCell,
        every: Duration,
        out: &Outbox,
    ) -> Lanes {
        let task = |def: &&'static SourceDef| Task {
            id: def.id,
            lane: def.lane,
            pace: def.pace,
            deadline: def.deadline,
            open: Box::new(|cx| super::aside::open(def.id, def.open, cx)),
        };
        Self::begin(sources.iter().map(task).collect(), open, cell, every, out)
    }

    fn begin(tasks: Vec<Task>, open: &OpenCx, cell: InterestCell, every: Duration, out: &Outbox) -> Lanes {
        let grid = Grid::new(open.clock.now().mono_us, every);
        let want = cell.get();
        let shared = Arc::new(Mutex::new(grid));
        let mut watched = Vec::new();
        let mut lanes: BTreeMap<Lane, Vec<Slot>> = BTreeMap::new();
        for task in tasks {
            let busy_since = Arc::new(AtomicU64::new(0));
            let (id, pace, deadline) = (task.id, task.pace, task.deadline);
            watched.push(Watched { id, pace, deadline, busy_since: busy_since.clone(), reported: 0 });
            let schedule = Schedule::new(&grid, task.lane, task.pace, &want);
            let slot = Slot {
                task,
                schedule,
                collector: None,
                busy_since,
                awaited: true,
                last: None,
                keyframes: Keyframes::default(),
            };
            lanes.entry(slot.task.lane).or_default().push(slot);
        }
        let (open, out) = (open.clone(), out.clone());
        let mut lanes =
            Lanes { grid: shared, cell, open, out, threads: Vec::new(), waiting: lanes, watched, awake_us: 0 };
        FIRST.iter().for_each(|lane| lanes.start_lane(*lane));
        lanes
    }

    /// Starts the lanes that were held back for the first figures: all but those that nobody wants yet.
    pub fn start_rest(&mut self) {
        let want = self.cell.get();
        let wanted = |slots: &[Slot]| slots.iter().any(|slot| slot.task.pace.is_wanted(&want));
        let rest: Vec<Lane> = self.waiting.iter().filter(|(_, slots)| wanted(slots)).map(|(lane, _)| *lane).collect();
        rest.into_iter().for_each(|lane| self.start_lane(lane));
    }

    fn start_lane(&mut self, lane: Lane) {
        let Some(slots) = self.waiting.remove(&lane) else { return };
        let paces = slots.iter().map(|s| s.task.pace).collect();
        let ids: Vec<SourceId> = slots.iter().map(|s| s.task.id).collect();
        let grid = *lock(&self.grid);
        let worker = Worker {
            lane,
            slots,
            open: self.open.clone(),
            grid: self.grid.clone(),
            turn: grid.turn,
            cell: self.cell.clone(),
            seen: self.cell.get(),
            out: self.out.clone(),
        };
        match thread::Builder::new().name(name(lane)).stack_size(STACK).spawn(move || worker.run()) {
            Ok(handle) => self.threads.push((lane, paces, handle.thread().clone())),
            Err(error) => {
                for source in ids {
                    let fault = Fault::Broken(format!("no thread could be started: {error}"));
                    let (at, took) = (self.open.clock.now(), Duration::ZERO);
                    let every = Duration::from_micros(grid.every_us);
                    self.out.send(Envelope { source, at, took, every, outcome: Err(fault) }, true);
                }
            }
        }
    }

    /// Sends the lanes what is needed now, and wakes or starts those for whom that is news.
    pub fn want(&mut self, want: Interest) {
        let old = self.cell.get();
        if *old == want {
            return;
        }
        self.cell.set(want);
        let new = self.cell.get();
        for (lane, paces, thread) in &self.threads {
            if paces.iter().any(|pace| wakes(*pace, *lane, &old, &new)) {
                thread.unpark();
            }
        }
        let asked_for = |slot: &Slot| matches!(slot.task.pace, Pace::Wanted(_)) && slot.task.pace.is_wanted(&new);
        let asked: Vec<Lane> =
            self.waiting.iter().filter(|(_, slots)| slots.iter().any(asked_for)).map(|(lane, _)| *lane).collect();
        for lane in asked {
            // So far it was due at no tick.
            let now = self.open.clock.now().mono_us;
            let slots = self.waiting.get_mut(&lane).into_iter().flatten();
            slots.filter(|slot| asked_for(slot)).for_each(|slot| slot.schedule.now(now));
            self.start_lane(lane);
        }
    }

    /// Another time between two refreshes: all lanes go over to new ticks that begin at `now`.
    pub fn refresh(&self, every: Duration, now: Stamp) {
        let mut grid = lock(&self.grid);
        *grid = Grid { turn: grid.turn + 1, ..Grid::new(now.mono_us, every) };
        drop(grid);
        for (.., thread) in &self.threads {
            thread.unpark();
        }
    }

    /// The program was stopped until `now`: nobody is late by that time.
    pub fn resumed(&mut self, now: Stamp) {
        self.awake_us = now.mono_us;
    }

    /// The first tick after `now`, microseconds of the run's clock.
    #[must_use]
    pub fn next_tick(&self, now: Stamp) -> u64 {
        lock(&self.grid).after(now.mono_us, 1)
    }

    /// A `Timeout` for every source that has been busy past its deadline: once for each hang.
    pub fn overdue(&mut self, now: Stamp) -> Vec<Envelope> {
        let grid = *lock(&self.grid);
        let mut late = Vec::new();
        for source in &mut self.watched {
            let since = source.busy_since.load(Ordering::Acquire);
            let took = Duration::from_micros(now.mono_us.saturating_sub(since.max(self.awake_us)));
            if since != 0 && since != source.reported && took > source.deadline {
                source.reported = since;
                let every = grid.period(source.pace);
                late.push(Envelope { source: source.id, at: now, took, every, outcome: Err(Fault::Timeout) });
            }
        }
        late
    }

    /// When the next source that is busy now passes its deadline, microseconds of the run's clock.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        let deadline = |s: &Watched| {
            let since = s.busy_since.load(Ordering::Acquire);
            let span = u64::try_from(s.deadline.as_micros()).unwrap_or(u64::MAX / 4);
            (since != 0 && since != s.reported).then(|| since.max(self.awake_us) + span + 1)
        };
        self.watched.iter().filter_map(deadline).min()
    }
}

fn lock(grid: &Mutex<Grid>) -> MutexGuard<'_, Grid> {
    grid.lock().unwrap_or_else(PoisonError::into_inner)
}

fn name(lane: Lane) -> String {
    format!("{THREAD_PREFIX}{}", lane.0)
}

/// One source inside its lane.
struct Slot {
    task: Task,
    schedule: Schedule,
    collector: Option<Box<dyn Collector>>,
    busy_since: Arc<AtomicU64>,
    /// Its next answer is waited for on the screen.
    awaited: bool,
    /// The newest outcome's fault.
    last: Option<Fault>,
    keyframes: Keyframes,
}

impl Slot {
    fn ask(&mut self, open: &OpenCx, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        if self.collector.is_none() {
            self.collector = Some((self.task.open)(open)?);
        }
        match &mut self.collector {
            Some(collector) => collector.collect(cx),
            None => Err(Fault::Broken("not open".to_owned())),
        }
    }

    /// Asks; a panic is an answer too.
    fn answer(&mut self, open: &OpenCx, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        let asked = catch_unwind(AssertUnwindSafe(|| self.ask(open, cx)));
        let outcome = asked.unwrap_or_else(|panic| {
            let why = panic_message(&*panic);
            Err(Fault::Broken(format!("reading {} panicked: {why}", self.task.id.name())))
        });
        if outcome.is_err() {
            // What failed is reopened: a handle may be stale, a driver may have come.
            let old = self.collector.take();
            let _ = catch_unwind(AssertUnwindSafe(|| drop(old)));
        }
        outcome
    }
}

/// A lane's thread.
struct Worker {
    lane: Lane,
    slots: Vec<Slot>,
    open: OpenCx,
    grid: Arc<Mutex<Grid>>,
    turn: u64,
    cell: InterestCell,
    seen: Arc<Interest>,
    out: Outbox,
}

impl Worker {
    fn run(mut self) {
        loop {
            let want = self.news();
            if want.paused {
                thread::park();
                continue;
            }
            if !self.round(&want) {
                return;
            }
            let due = self.slots.iter().map(|s| s.schedule.due_us()).min().unwrap_or(NEVER);
            let now = self.open.clock.now().mono_us;
            if due == NEVER {
                thread::park();
            } else if due > now {
                thread::park_timeout(Duration::from_micros(due - now));
            }
        }
    }

    /// Takes in a new grid and a new interest.
    fn news(&mut self) -> Arc<Interest> {
        let grid = *lock(&self.grid);
        let want = self.cell.get();
        if grid.turn != self.turn {
            self.turn = grid.turn;
            let now = self.open.clock.now().mono_us;
            self.slots.iter_mut().for_each(|slot| slot.schedule.realign(&grid, now));
        }
        if !Arc::ptr_eq(&want, &self.seen) {
            for slot in &mut self.slots {
                if slot.schedule.woken_by(self.lane, &self.seen, &want) {
                    slot.schedule.now(self.open.clock.now().mono_us);
                    slot.awaited = true;
                }
            }
            self.seen = want.clone();
        }
        want
    }

    /// Reads what is due; false when the receiver is gone.
    fn round(&mut self, want: &Interest) -> bool {
        let grid = *lock(&self.grid);
        for slot in &mut self.slots {
            let began = self.open.clock.now();
            let called = slot.collector.as_ref().is_some_and(|c| c.is_called());
            if slot.schedule.due_us() > began.mono_us && !called {
                continue;
            }
            slot.busy_since.store(began.mono_us, Ordering::Release);
            let keyframe = slot.keyframes.due(want, began);
            let outcome = slot.answer(&self.open, &CollectCx { at: began, want, keyframe });
            if outcome.is_ok() {
                slot.keyframes.sent(want, began, keyframe);
            }
            slot.busy_since.store(0, Ordering::Release);
            let ended = self.open.clock.now();
            let took = ended.since(began);
            let fault = outcome.as_ref().err();
            let hurry = slot.collector.as_ref().and_then(|c| c.hurry());
            slot.schedule.book(&grid, (began.mono_us, ended.mono_us), fault, hurry, want);
            let rest = slot.collector.as_ref().and_then(|c| c.rest()).filter(|_| !want.pairs);
            rest.iter().for_each(|rest| slot.schedule.rest(&grid, ended.mono_us, *rest));
            let changed = slot.last.as_ref() != fault;
            if changed {
                slot.last = fault.cloned();
            }
            let urgent = slot.awaited || changed || self.lane == Lane::PROCESSES;
            slot.awaited = false;
            // What hung was read when it came loose, not when it was asked.
            let at = if took > slot.task.deadline { ended } else { began };
            let every = grid.period(slot.task.pace).max(rest.unwrap_or_default());
            if !self.out.send(Envelope { source: slot.task.id, at, took, every, outcome }, urgent) {
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests;
