//! Threads as their own rows, while wanted: those of awake processes in each round, of others once.

use super::{
    folder::{Folder, Path},
    listing::Listing,
    shared::Shared,
    slot::Slot,
    stat,
};
use crate::{
    model::process::{ProcRow, ProcessSample},
    text::clean_bytes,
};

/// One thread with its process.
struct Thread {
    tgid: u32,
    slot: Slot,
}

/// All threads except the first of each process.
#[derive(Default)]
pub(super) struct Threads {
    /// Sorted by (tgid, tid).
    known: Vec<Thread>,
    listing: Option<Listing>,
}

impl Threads {
    /// Reads threads, or drops them when they are not wanted any more.
    pub(super) fn round(
        &mut self,
        (folder, shared): (&mut Folder, &mut Shared),
        slots: &[Slot],
        wanted: bool,
        now_us: u64,
        sample: &mut ProcessSample,
    ) {
        if !wanted {
            let gone = std::mem::take(&mut self.known);
            sample.gone.extend(gone.iter().map(|t| t.slot.key()));
            return;
        }
        let mut before = std::mem::take(&mut self.known).into_iter().peekable();
        for process in slots.iter().filter(|s| s.threads > 1) {
            while let Some(ended) = before.next_if(|t| t.tgid < process.pid) {
                sample.gone.push(ended.slot.key());
            }
            let mut its = Vec::new();
            while let Some(thread) = before.next_if(|t| t.tgid == process.pid) {
                its.push(thread);
            }
            if process.asleep() && !its.is_empty() && !sample.fresh {
                self.known.append(&mut its);
                continue;
            }
            self.process((folder, shared), process, its, now_us, sample);
        }
        sample.gone.extend(before.map(|t| t.slot.key()));
    }

    fn process(
        &mut self,
        (folder, shared): (&mut Folder, &mut Shared),
        process: &Slot,
        its: Vec<Thread>,
        now_us: u64,
        sample: &mut ProcessSample,
    ) {
        let listing = self.listing.get_or_insert_with(Listing::new);
        let listed = folder.folder(&Path::of(process.pid, b"/task")).and_then(|tasks| listing.read(&tasks));
        if listed.is_err() {
            sample.gone.extend(its.iter().map(|t| t.slot.key()));
            return;
        }
        let mut before = its.into_iter().peekable();
        for name in listing.names.iter().filter(|n| n.pid != process.pid) {
            while let Some(ended) = before.next_if(|t| t.slot.pid < name.pid) {
                sample.gone.push(ended.slot.key());
            }
            let known = before.next_if(|t| t.slot.pid == name.pid).map(|t| t.slot);
            let Ok(bytes) = folder.read(&Path::of_thread(process.pid, name.pid, b"/stat")) else {
                sample.gone.extend(known.map(|slot| slot.key()));
                continue;
            };
            let Some(stat) = stat::parse(bytes) else { continue };
            let (slot, row) = match known {
                Some(mut slot) if slot.is(&stat) => {
                    let over_us = now_us.saturating_sub(slot.read_us).max(1);
                    let change = slot.update(&stat, now_us);
                    let keyframe = sample.fresh;
                    let name = (change.renamed || keyframe).then(|| shared.of(&clean_bytes(stat.name)));
                    let uid = keyframe.then_some(process.uid);
                    let row = (change.changed || keyframe).then(|| ProcRow { over_us, name, uid, ..slot.row(&stat) });
                    (slot, row)
                }
                known => {
                    sample.gone.extend(known.map(|slot| slot.key()));
                    let slot = Slot::new(name.pid, name.inode, &stat, now_us);
                    let row = ProcRow {
                        name: Some(shared.of(&clean_bytes(stat.name))),
                        uid: Some(process.uid),
                        ..slot.row(&stat)
                    };
                    (slot, Some(row))
                }
            };
            // Memory belongs to the process; a thread that showed it too would count it twice.
            let row =
                row.map(|row| ProcRow { tgid: process.pid, resident_pages: 0, virtual_bytes: 0, threads: 1, ..row });
            sample.rows.extend(row);
            self.known.push(Thread { tgid: process.pid, slot });
        }
        sample.gone.extend(before.map(|t| t.slot.key()));
        debug_assert!(self.known.is_sorted_by_key(|t| (t.tgid, t.slot.pid)));
    }
}
