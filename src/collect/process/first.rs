//! The first round: every process is new, and the screen waits for all of them, so several threads read them in
//! parallel. They end with the round.

use std::{
    panic::resume_unwind,
    thread::{Builder, available_parallelism, scope},
};

use super::{
    CLOCKED,
    folder::{Folder, Path},
    listing::Listed,
    shared::Shared,
    slot::{Slot, new_slot},
    stat,
};
use crate::{clock::Clock, collect::lane::THREAD_PREFIX, model::process::ProcRow};

/// Processes that justify one more thread.
const EACH: usize = 500;
/// Threads at most, including ours: the machine has other work to do.
const MOST: usize = 4;

/// A new process: its slot, its row, its owner.
pub(super) type FirstRead = (Slot, ProcRow, Option<u32>);

/// Reads all of `names` in parallel, leaving out those that ended meanwhile. `None` if that is not worth it or not
/// possible: read them one by one then.
pub(super) fn read(folder: &mut Folder, names: &[Listed], clock: Clock, shared: &mut Shared) -> Option<Vec<FirstRead>> {
    let cores = available_parallelism().map_or(1, usize::from);
    let hands = cores.min(MOST).min(names.len() / EACH);
    if hands < 2 { None } else { side_by_side(folder, names, hands, clock, shared) }
}

fn side_by_side(
    folder: &mut Folder,
    names: &[Listed],
    hands: usize,
    clock: Clock,
    shared: &mut Shared,
) -> Option<Vec<FirstRead>> {
    let (own, others) = names.split_at(names.len().div_ceil(hands));
    let folders = (1..hands).map(|_| folder.again()).collect::<Result<Vec<Folder>, _>>().ok()?;
    let mut all = Vec::with_capacity(names.len());
    scope(|scope| {
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
    })?;
    for (_, row, _) in &mut all {
        row.name = row.name.take().map(|name| shared.of(&name));
    }
    Some(all)
}

fn one_by_one(folder: &mut Folder, names: &[Listed], clock: Clock, shared: &mut Shared) -> Vec<FirstRead> {
    let mut met = Vec::with_capacity(names.len());
    let mut now_us = 0;
    for (count, listed) in names.iter().enumerate() {
        if count.is_multiple_of(CLOCKED) {
            now_us = clock.now().mono_us;
        }
        let Ok(bytes) = folder.read(&Path::of(listed.pid, b"/stat")) else { continue };
        let Some(stat) = stat::parse(bytes) else { continue };
        let (slot, row) = new_slot(&stat, *listed, (now_us, 0), shared);
        met.push((slot, row, folder.owner(listed.pid)));
    }
    met
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::sys::root::Root;

    #[test]
    fn the_first_round_is_the_same_however_many_read_it() {
        let root = tempfile::tempdir().expect("a folder");
        let mut names = Vec::new();
        for pid in 1..=23u32 {
            let folder = root.path().join(format!("proc/{pid}"));
            fs::create_dir_all(&folder).expect("a process");
            // One of them ended between the listing and the reading.
            if pid != 7 {
                let stat = format!("{pid} (job{}) S 1 1 1 0 -1 0 0 0 0 0 {pid} 0 0 0 20 0 1 0 99 4096 3\n", pid % 3);
                fs::write(folder.join("stat"), stat).expect("its stat");
            }
            names.push(Listed { pid, inode: pid });
        }
        let mut folder = Folder::open(&Root::new(root.path())).expect("proc");
        let rows = |all: Vec<FirstRead>| -> Vec<_> {
            all.into_iter().map(|(slot, row, owner)| (slot.key(), row.user_ticks, row.name, owner)).collect()
        };
        let clock = Clock::start();
        let one = rows(one_by_one(&mut folder, &names, clock, &mut Shared::default()));
        assert_eq!((one.len(), one[21].1, one[21].2.as_deref()), (22, 23, Some("job2")));
        for hands in 2..=5 {
            let mut shared = Shared::default();
            let many = rows(side_by_side(&mut folder, &names, hands, clock, &mut shared).expect("threads"));
            assert_eq!(many, one, "{hands}");
            assert!(
                many.iter()
                    .all(|m| m.2.as_deref().is_some_and(|name| std::sync::Arc::strong_count(&shared.of(name)) > 7))
            );
        }
    }
}
