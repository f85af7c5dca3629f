//! The first round: every process is new, and the screen waits for all of them. Several threads read them side by side,
//! and end with the round.

use std::{
    panic::resume_unwind,
    thread::{Builder, available_parallelism, scope},
};

use super::{
    CLOCKED,
    folder::{Folder, Path},
    listing::Listed,
    newcomer,
    shared::Shared,
    slot::Slot,
    stat,
};
use crate::{clock::Clock, collect::lane::THREAD_PREFIX, model::process::ProcRow};

/// Processes for which one more thread is worth its start.
const EACH: usize = 500;
/// Threads at most, ours among them: the machine has other work than to look at itself.
const MOST: usize = 4;

/// A process that was never seen: what is remembered of it, its row, its owner.
pub(super) type Met = (Slot, ProcRow, Option<u32>);

/// Reads all of `names` side by side; those that ended meanwhile are left out. `None` where that is not worth while or
/// not possible: they are to be read one by one then.
pub(super) fn read(folder: &mut Folder, names: &[Listed], clock: Clock, shared: &mut Shared) -> Option<Vec<Met>> {
    let cores = available_parallelism().map_or(1, usize::from);
    let hands = cores.min(MOST).min(names.len() / EACH);
    if hands < 2 {
        return None;
    }
    let (own, others) = names.split_at(names.len().div_ceil(hands));
    let folders = (1..hands).map(|_| folder.again()).collect::<Result<Vec<Folder>, _>>().ok()?;
    let mut all = Vec::with_capacity(names.len());
    let done = scope(|scope| {
        let mut threads = Vec::with_capacity(folders.len());
        for (part, mut folder) in others.chunks(own.len()).zip(folders) {
            let work = move || one_by_one(&mut folder, part, clock, &mut Shared::default());
            threads.push(Builder::new().name(format!("{THREAD_PREFIX}first")).spawn_scoped(scope, work).ok()?);
        }
        all.extend(one_by_one(folder, own, clock, shared));
        for thread in threads {
            all.extend(thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        Some(())
    });
    done?;
    for (_, row, _) in &mut all {
        row.name = row.name.take().map(|name| shared.of(&name));
    }
    Some(all)
}

fn one_by_one(folder: &mut Folder, names: &[Listed], clock: Clock, shared: &mut Shared) -> Vec<Met> {
    let mut met = Vec::with_capacity(names.len());
    let mut now_us = 0;
    for (count, listed) in names.iter().enumerate() {
        if count.is_multiple_of(CLOCKED) {
            now_us = clock.now().mono_us;
        }
        let Ok(bytes) = folder.read(&Path::of(listed.pid, b"/stat")) else { continue };
        let Some(stat) = stat::parse(bytes) else { continue };
        let (slot, row) = newcomer(&stat, *listed, (now_us, 0), shared);
        met.push((slot, row, folder.owner(listed.pid)));
    }
    met
}
