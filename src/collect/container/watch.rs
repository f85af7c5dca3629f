//! When to send which request to an engine: changed containers are inspected again, and all are listed now and then.
//! Every pause is a deadline, and due requests go before the next event, so that no event stream can starve them.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

use super::{ask::Ask, event::Events, known::Known, recent_events::Histories};
use crate::{clock::Clock, sys::engine::EngineError};

/// Events come in bursts (die, start, health): one inspection serves them all.
const BURST: Duration = Duration::from_millis(50);
/// How often all containers are listed again, in case an event was lost.
const RELIST: Duration = Duration::from_secs(120);
/// A container with an event that cannot be inspected is asked for again after this: an engine about to remove one may
/// answer anything.
const AGAIN: Duration = Duration::from_secs(2);
/// And this soon after events arrived faster than they were read: the engine may have dropped some.
const RELIST_SOON: Duration = Duration::from_secs(5);
/// A silent engine is pinged this often.
const PING: Duration = Duration::from_secs(20);
/// How often the engine's own counters are read: each answer costs it about a millisecond.
const COUNT: Duration = Duration::from_secs(3);
/// After a burst that touched more containers than this, they are listed rather than inspected.
const CHANGED: usize = 500;

/// One engine being followed.
pub(super) struct Watch<'a, A> {
    pub(super) ask: A,
    pub(super) known: &'a Mutex<Known>,
    pub(super) histories: &'a mut Histories,
    /// Whether the control groups of its containers can be read here.
    pub(super) local: bool,
    /// Stamps the answers, as no reading runs while it listens.
    pub(super) clock: Clock,
}

impl<A: Ask> Watch<'_, A> {
    fn unix_ms(&self) -> i64 {
        self.clock.now().unix_ms
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Processes events and due requests until the engine ends the stream.
    pub(super) async fn listen(&mut self, events: &mut impl Events) -> Result<(), EngineError> {
        let mut changed: BTreeSet<String> = BTreeSet::new();
        let mut again: BTreeSet<String> = BTreeSet::new();
        let (mut look_at, mut again_at) = (None, None);
        let now = Instant::now();
        let (mut relist_at, mut count_at, mut ping_at) = (now + RELIST, now, now + PING);
        let recount = self.known().recount.clone();
        loop {
            // No timer without a container to count: most engines are local, and each wakeup costs.
            let counts = self.counts_any();
            tokio::select! {
                biased;
                () = sleep_until(look_at.unwrap_or(relist_at)), if look_at.is_some() => {
                    look_at = None;
                    if changed.len() > CHANGED {
                        changed.clear();
                        self.list(self.unix_ms()).await?;
                        relist_at = Instant::now() + RELIST;
                    }
                    for id in std::mem::take(&mut changed) {
                        if !self.inspect(&id).await? && self.known().uninspected.contains_key(&id) {
                            self.known().inspected(&id);
                            again.insert(id);
                            again_at = again_at.or(Some(Instant::now() + AGAIN));
                        }
                    }
                }
                () = sleep_until(again_at.unwrap_or(relist_at)), if again_at.is_some() => {
                    again_at = None;
                    for id in std::mem::take(&mut again) {
                        self.inspect(&id).await?;
                    }
                }
                () = sleep_until(relist_at) => {
                    self.list(self.unix_ms()).await?;
                    relist_at = Instant::now() + RELIST;
                }
                () = sleep_until(count_at), if counts => {
                    self.count().await?;
                    count_at = Instant::now() + COUNT;
                }
                () = recount.notified() => {}
                () = sleep_until(ping_at) => {
                    self.ask.ping().await?;
                    ping_at = Instant::now() + PING;
                }
                event = events.next() => {
                    let Some(event) = event? else { return Ok(()) };
                    if let Some(id) = self.histories.note(&event, self.clock.now().unix_ms) {
                        // One more is enough to know that there are too many.
                        if changed.len() <= CHANGED {
                            changed.insert(id);
                        }
                        look_at = look_at.or(Some(Instant::now() + BURST));
                    }
                    if events.had_to_wait() {
                        relist_at = relist_at.min(Instant::now() + RELIST_SOON);
                    }
                }
            }
        }
    }

    /// Whether the engine has containers to count; without any, old counters are dropped.
    fn counts_any(&self) -> bool {
        let mut known = self.known();
        let any = known.counted(self.local).next().is_some();
        if !any {
            known.usages.clear();
        }
        any
    }

    /// Asks the engine for its own counters of the containers without readable control groups.
    async fn count(&self) -> Result<(), EngineError> {
        let ids: Vec<String> = self.known().counted(self.local).map(str::to_owned).collect();
        let usages = self.ask.count(ids).await?;
        self.known().usages = usages;
        Ok(())
    }

    /// Lists all containers; drops those that are gone.
    pub(super) async fn list(&mut self, since_ms: i64) -> Result<(), EngineError> {
        let (listed, count) = self.ask.list().await?;
        let ids: BTreeSet<String> = listed.iter().map(|container| container.id.clone()).collect();
        for container in listed {
            let id = container.id.clone();
            let restarts = |known: &Known| known.containers.get(&id).map(|c| c.restarts);
            let before = restarts(&self.known());
            if !self.inspect(&id).await? {
                // The list entry is better than nothing, or than an older state.
                let stale = self.known().containers.get(&id).is_none_or(|c| c.state != container.state);
                if stale && self.known().uninspected.contains_key(&id) {
                    self.known().put(container);
                }
            }
            let now = restarts(&self.known());
            // Restarts that happened while we were disconnected.
            if let (Some(before), Some(now)) = (before, now)
                && now > before
                && self.histories.note_missed(&id, now - before, since_ms)
            {
                self.inspect(&id).await?;
            }
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let gone: Vec<String> = known.containers.keys().filter(|id| !ids.contains(*id)).cloned().collect();
        gone.iter().for_each(|id| known.remove(id));
        known.forget_uninspected(|id| ids.contains(id));
        known.count = count;
        self.histories.containers.retain(|id, _| ids.contains(id));
        Ok(())
    }

    /// Inspects one container; false if that failed. It then keeps its last known state and is counted.
    async fn inspect(&mut self, id: &str) -> Result<bool, EngineError> {
        match self.ask.inspect(id).await {
            Ok(Some(mut container)) => {
                self.histories.fill(&mut container, self.clock.now().unix_ms);
                let mut known = self.known();
                known.inspected(id);
                known.put(container);
                return Ok(true);
            }
            Ok(None) => self.known().not_inspected(id, "its answer has no Id".to_owned(), self.unix_ms()),
            Err(error) if error.is_not_found() => self.known().remove(id),
            Err(error) if error.is_of_one_answer() => self.known().not_inspected(id, error.to_string(), self.unix_ms()),
            Err(error) if error.is_late() => {
                // Find out whether only this container hangs, or the engine itself.
                self.ask.ping().await?;
                self.known().not_inspected(id, error.to_string(), self.unix_ms());
            }
            Err(error) => return Err(error),
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests;
