//! The known state of one engine: written by the thread that follows it, taken by every reading.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    thread::Thread,
};

use tokio::sync::Notify;

use super::ask::MOST;
use crate::model::{
    container::{Container, RunState, Usage},
    fault::Fault,
};

/// The known state of one engine.
#[derive(Default)]
pub(super) struct Known {
    pub(super) kind: Option<String>,
    pub(super) version: Option<String>,
    /// The engine's name for itself: one engine may be reached in two ways.
    pub(super) id: Option<String>,
    pub(super) fault: Option<Fault>,
    /// Since when, Unix milliseconds.
    pub(super) fault_unix_ms: Option<i64>,
    /// Its containers were listed at least once.
    pub(super) listed: bool,
    /// The engine's own counters, where control groups cannot be read here.
    pub(super) usages: BTreeMap<String, Usage>,
    /// Local containers for the engine to count: they have no readable group.
    to_count: BTreeSet<String>,
    /// Wakes the follower when those change.
    pub(super) recount: Arc<Notify>,
    pub(super) containers: BTreeMap<String, Arc<Container>>,
    /// The number of its containers, including those beyond [`MOST`].
    pub(super) count: usize,
    /// Containers that could not be inspected, and why.
    pub(super) uninspected: BTreeMap<String, String>,
    /// Since when there are any.
    uninspected_unix_ms: Option<i64>,
    /// Increases with every change of a container.
    pub(super) generation: u64,
    /// Increases with every other change.
    pub(super) changes: u64,
    /// The reader, which may be sleeping.
    reader: Option<Thread>,
}

impl Known {
    pub(super) fn read_by(reader: Thread) -> Self {
        Known { reader: Some(reader), ..Known::default() }
    }

    pub(super) fn fail(&mut self, fault: Fault, unix_ms: i64) {
        self.fault_unix_ms.get_or_insert(unix_ms);
        if self.fault.as_ref() != Some(&fault) {
            self.fault = Some(fault);
            self.changed();
        }
    }

    /// Its containers were listed: any fault is over.
    pub(super) fn answered(&mut self) {
        (self.fault, self.fault_unix_ms, self.listed) = (None, None, true);
        self.changed();
    }

    fn changed(&mut self) {
        self.changes += 1;
        self.reader.iter().for_each(Thread::unpark);
    }

    /// Stores a container; an unchanged one keeps its `Arc`.
    pub(super) fn put(&mut self, container: Container) {
        let known = self.containers.get(&container.id);
        if known.is_some_and(|known| **known == container) || (known.is_none() && self.containers.len() >= MOST) {
            return;
        }
        self.containers.insert(container.id.clone(), Arc::new(container));
        self.generation += 1;
        self.changed();
    }

    /// Has the engine count these local containers.
    pub(super) fn count_these(&mut self, ids: BTreeSet<String>) {
        if self.to_count != ids {
            self.to_count = ids;
            self.recount.notify_one();
        }
    }

    /// The running containers for the engine to count: of a remote engine all, of a local one those it was asked for.
    pub(super) fn counted(&self, local: bool) -> impl Iterator<Item = &str> {
        let runs = |container: &&Arc<Container>| container.state == RunState::Running;
        let ids = self.containers.values().filter(runs).map(|container| container.id.as_str());
        ids.filter(move |id| !local || self.to_count.contains(*id))
    }

    /// Inspected successfully.
    pub(super) fn inspected(&mut self, id: &str) {
        self.forget_uninspected(|other| other != id);
    }

    /// Drops those that could not be inspected and are not retained.
    pub(super) fn forget_uninspected(&mut self, keep: impl Fn(&str) -> bool) {
        self.uninspected.retain(|id, _| keep(id));
        self.uninspected_unix_ms = self.uninspected_unix_ms.filter(|_| !self.uninspected.is_empty());
    }

    /// Could not be inspected.
    pub(super) fn not_inspected(&mut self, id: &str, why: String, unix_ms: i64) {
        if self.uninspected.len() < MOST {
            self.uninspected.insert(id.to_owned(), why);
            self.uninspected_unix_ms.get_or_insert(unix_ms);
            self.changed();
        }
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.inspected(id);
        if self.containers.remove(id).is_some() {
            self.generation += 1;
            self.changed();
        }
    }

    /// Why its data is missing or incomplete, and since when.
    pub(super) fn why(&self) -> (Option<Fault>, Option<i64>) {
        if self.fault.is_some() {
            return (self.fault.clone(), self.fault_unix_ms);
        }
        // Not before all were asked for once: until then most of the containers are missing, and this is not why.
        if let Some(why) = self.uninspected.values().next().filter(|_| self.listed) {
            let (some, all) = (self.uninspected.len(), self.count.max(self.containers.len()));
            let words = format!("{some} of {all} containers could not be inspected: {why}");
            return (Some(Fault::Broken(words)), self.uninspected_unix_ms);
        }
        let more = self.count > MOST;
        (more.then(|| Fault::Broken(format!("it has {} containers, {MOST} of them are followed", self.count))), None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(id: &str, pid: u32) -> Container {
        Container { id: id.into(), pid, ..Container::default() }
    }

    #[test]
    fn an_unchanged_container_keeps_its_arc() {
        let mut known = Known::default();
        known.put(container("ab", 0));
        let first = known.containers["ab"].clone();
        known.put(container("ab", 0));
        assert!(Arc::ptr_eq(&first, &known.containers["ab"]) && known.generation == 1);
        known.put(container("ab", 7));
        assert_eq!(known.generation, 2);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut known = Known::default();
        (0..MOST + 5).for_each(|n| known.put(container(&format!("{n:x}"), 0)));
        assert_eq!(known.containers.len(), MOST);
        known.count = MOST + 5;
        assert!(matches!(known.why().0, Some(Fault::Broken(why)) if why.contains("10005 containers, 10000 of them")));
    }

    #[test]
    fn failed_inspections_are_counted_until_they_succeed() {
        let mut known = Known { count: 3, ..Known::default() };
        known.not_inspected("ab", "not JSON".into(), 7);
        assert_eq!(known.why(), (None, None), "the first list is not complete");
        known.answered();
        let (why, since) = known.why();
        assert_eq!(why, Some(Fault::Broken("1 of 3 containers could not be inspected: not JSON".into())));
        assert!(since.is_some());
        known.inspected("ab");
        assert_eq!(known.why(), (None, None));
    }

    #[test]
    fn a_fault_lasts_from_its_beginning_until_an_answer() {
        let mut known = Known::default();
        let fault = |why: &str| Fault::Broken(why.into());
        known.fail(fault("a"), 5);
        known.fail(fault("a"), 6);
        assert_eq!((known.why(), known.changes), ((Some(fault("a")), Some(5)), 1), "said again it is no news");
        known.fail(fault("b"), 7);
        assert_eq!((known.why(), known.changes), ((Some(fault("b")), Some(5)), 2));
        known.answered();
        assert_eq!((known.why(), known.changes, known.listed), ((None, None), 3, true));
    }

    #[test]
    fn what_could_not_be_inspected_is_forgotten_one_by_one() {
        let mut known = Known { count: 1, ..Known::default() };
        known.answered();
        ["ab", "cd"].into_iter().for_each(|id| known.put(container(id, 0)));
        known.not_inspected("ab", "no".into(), 7);
        known.not_inspected("cd", "no".into(), 9);
        let words = |some: u32| Some(Fault::Broken(format!("{some} of 2 containers could not be inspected: no")));
        assert_eq!(known.why(), (words(2), Some(7)));
        known.inspected("ab");
        assert_eq!(known.why(), (words(1), Some(7)), "there are some since then");
        let before = (known.generation, known.changes);
        known.remove("cd");
        assert_eq!(known.why(), (None, None));
        assert_eq!((known.generation, known.changes), (before.0 + 1, before.1 + 1));
        known.remove("cd");
        assert_eq!(known.generation, before.0 + 1, "it was gone");
        known.not_inspected("ab", "no".into(), 11);
        assert_eq!(known.why().1, Some(11));
        known.forget_uninspected(|id| id == "ab");
        assert_eq!(known.why().1, Some(11));
        known.forget_uninspected(|_| false);
        assert_eq!(known.why(), (None, None));
    }

    #[test]
    fn only_containers_that_run_are_counted() {
        let mut known = Known::default();
        for (id, state) in [("ab", RunState::Running), ("cd", RunState::Exited), ("ef", RunState::Running)] {
            known.put(Container { state, ..container(id, 0) });
        }
        assert_eq!(known.counted(false).collect::<Vec<_>>(), ["ab", "ef"], "of a remote engine all");
        assert_eq!(known.counted(true).count(), 0);
        known.count_these(["cd", "ef"].map(str::to_owned).into());
        assert_eq!(known.counted(true).collect::<Vec<_>>(), ["ef"]);
    }

    #[test]
    fn more_containers_than_are_followed_are_said() {
        let known = |count| Known { count, listed: true, ..Known::default() }.why().0;
        assert_eq!(known(MOST), None);
        assert!(known(MOST + 1).is_some());
        let mut full = Known::default();
        (0..MOST + 5).for_each(|n| full.not_inspected(&format!("{n:x}"), "no".into(), 1));
        assert_eq!((full.uninspected.len(), full.changes), (MOST, MOST as u64));
        (0..MOST).for_each(|n| full.put(container(&format!("{n:x}"), 0)));
        full.put(container("0", 7));
        assert_eq!(full.containers["0"].pid, 7, "one that is known is renewed");
    }
}
