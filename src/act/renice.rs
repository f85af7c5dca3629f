//! Niceness: how readily a process yields the CPU ("setpriority(2)"). On Linux it belongs to each thread, so a
//! process is changed by changing all of its threads.

use rustix::{
    io::Errno,
    process::{Pid, getpriority_process, setpriority_process},
};

use super::{Miss, find, misses, owner, refuse_elsewhere};
use crate::{alert::Level, model::process::ProcKey, request::Outcome, sys::root::Root};

/// The kernel's bounds.
const BOUNDS: (i32, i32) = (-20, 19);

/// Changes the niceness of each of `targets` by its step, if it is still the process (or thread) that was meant: how it
/// went, and by how much each was changed.
#[must_use]
pub fn change(root: &Root, targets: &[(ProcKey, i32)]) -> (Outcome, Vec<(ProcKey, i32)>) {
    if let Some(refused) = refuse_elsewhere(root) {
        return (refused, Vec::new());
    }
    let mut done = Vec::new();
    let mut missed = Vec::new();
    for (key, by) in targets {
        match change_one(root, *key, *by) {
            Ok(change) => done.push((*key, change)),
            Err(miss) => missed.push((key.pid, miss)),
        }
    }
    let all = match &done[..] {
        [] => String::new(),
        [(key, change)] if change.before == change.after => {
            let end = if change.after == BOUNDS.0 { "lowest" } else { "highest" };
            format!("niceness of {} {} is {} already, the {end} allowed", key.pid, change.name, change.after)
        }
        [(key, change)] => format!("niceness of {} {}: {} → {}", key.pid, change.name, change.before, change.after),
        many => {
            let names: Vec<String> =
                many.iter().map(|(key, c)| format!("{} {} → {}", key.pid, c.before, c.after)).collect();
            format!("niceness of {} processes: {}", many.len(), names.join(", "))
        }
    };
    let failed = misses("renice", &missed);
    let text = match (all.is_empty(), failed.is_empty()) {
        (false, false) => format!("{all} · {failed}"),
        (true, false) => failed,
        _ => all,
    };
    let changed = done.into_iter().map(|(key, change)| (key, change.after - change.before)).filter(|(_, by)| *by != 0);
    let level = if missed.is_empty() { Level::Ok } else { Level::Warn };
    (Outcome { level, text }, changed.collect())
}

struct Change {
    name: String,
    before: i32,
    after: i32,
}

fn change_one(root: &Root, key: ProcKey, by: i32) -> Result<Change, Miss> {
    let found = find(root, key)?;
    let after = (found.nice + by).clamp(BOUNDS.0, BOUNDS.1);
    let change = Change { name: found.name, before: found.nice, after };
    if after == found.nice {
        return Ok(change);
    }
    for thread in threads(root, key.pid) {
        let Some(pid) = i32::try_from(thread).ok().and_then(Pid::from_raw) else { continue };
        // Each thread from its current niceness, the named one from the value shown.
        let from = if thread == key.pid { Some(found.nice) } else { getpriority_process(Some(pid)).ok() };
        let Some(from) = from else { continue };
        match setpriority_process(Some(pid), (from + by).clamp(BOUNDS.0, BOUNDS.1)) {
            // Of the other threads any may end meanwhile.
            Err(Errno::SRCH) if thread != key.pid => {}
            done => done.map_err(|error| missed(error, change.before, || owner(root, key.pid)))?,
        }
    }
    Ok(change)
}

/// Why the kernel left the niceness as it was.
fn missed(error: Errno, before: i32, owner: impl FnOnce() -> Option<String>) -> Miss {
    match error {
        Errno::SRCH => Miss::Ended,
        Errno::ACCESS => Miss::Other(format!("only root may lower niceness below {before}")),
        Errno::PERM => Miss::Denied(owner()),
        error => Miss::Other(std::io::Error::from(error).to_string()),
    }
}

/// All threads of a process, itself first; a thread named by its own id is alone.
fn threads(root: &Root, pid: u32) -> Vec<u32> {
    let leader = root.text(format!("proc/{pid}/status")).ok().and_then(|status| {
        status.lines().find_map(|line| line.strip_prefix("Tgid:")).and_then(|tgid| tgid.trim().parse::<u32>().ok())
    });
    let mut all = vec![pid];
    if leader == Some(pid) {
        let tasks = root.names(format!("proc/{pid}/task"));
        all.extend(tasks.iter().filter_map(|name| name.parse::<u32>().ok()).filter(|tid| *tid != pid));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::act::signal::tests::sleeper;

    #[test]
    fn niceness_goes_up_by_steps_and_stops_at_the_end() {
        let (mut child, key) = sleeper();
        let root = Root::default();
        let nice = || find(&root, key).unwrap_or_else(|_| panic!("alive")).nice;
        let before = nice();
        // A test run that is niced itself leaves fewer steps.
        let by = 3.min(19 - before);
        if by > 0 {
            let (outcome, changed) = change(&root, &[(key, by)]);
            assert!(outcome.text.ends_with(&format!("{before} → {}", before + by)), "{}", outcome.text);
            assert_eq!((nice(), changed), (before + by, vec![(key, by)]));
        }
        let left = 19 - nice();
        let (_, changed) = change(&root, &[(key, 100)]);
        let back = if left > 0 { vec![(key, left)] } else { Vec::new() };
        assert_eq!((nice(), changed), (19, back), "the way back is what was changed");
        let (outcome, changed) = change(&root, &[(key, 1)]);
        assert!(outcome.text.ends_with("is 19 already, the highest allowed"), "{}", outcome.text);
        assert_eq!(changed, []);
        child.kill().expect("our child");
        child.wait().expect("our child");
    }

    #[test]
    fn a_recycled_pid_keeps_its_niceness() {
        let (mut child, key) = sleeper();
        let root = Root::default();
        let before = find(&root, key).unwrap_or_else(|_| panic!("alive")).nice;
        let (outcome, _) = change(&root, &[(ProcKey { start_ticks: key.start_ticks + 1, ..key }, 1)]);
        assert_eq!(outcome.level, Level::Warn, "{}", outcome.text);
        assert_eq!(find(&root, key).unwrap_or_else(|_| panic!("alive")).nice, before);
        child.kill().expect("our child");
        child.wait().expect("our child");
    }

    #[test]
    fn several_are_reported_in_one_line() {
        let ((mut one, first), (mut two, second)) = (sleeper(), sleeper());
        let root = Root::default();
        let before = find(&root, first).unwrap_or_else(|_| panic!("alive")).nice;
        let recycled = ProcKey { start_ticks: first.start_ticks + 1, ..first };
        let after = (before + 1).min(19);
        let (outcome, _) = change(&root, &[(first, 1), (recycled, 1), (second, 1)]);
        for child in [&mut one, &mut two] {
            child.kill().and_then(|()| child.wait()).expect("our child");
        }
        let (a, b) = (first.pid, second.pid);
        let good =
            format!("niceness of 2 processes: {a} {before} → {after}, {b} {before} → {after} · {a} has exited; ");
        assert!(outcome.text.starts_with(&good), "{}", outcome.text);
        assert_eq!(outcome.level, Level::Warn);
        let (nothing, _) = change(&root, &[]);
        assert_eq!((nothing.level, nothing.text.as_str()), (Level::Ok, ""));
    }

    #[test]
    fn a_process_has_all_of_its_threads_and_a_thread_is_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |pid: u32, tgid: u32| {
            let place = folder.path().join(format!("proc/{pid}"));
            std::fs::create_dir_all(&place).expect("a folder");
            std::fs::write(place.join("status"), format!("Name:\tx\nTgid:\t{tgid}\nPid:\t{pid}\n")).expect("a file");
            for thread in [5, 6, 7] {
                std::fs::create_dir_all(place.join(format!("task/{thread}"))).expect("a folder");
            }
        };
        write(5, 5);
        write(6, 5);
        let root = Root::new(folder.path());
        let mut all = threads(&root, 5);
        assert_eq!(all[0], 5, "itself first");
        all.sort_unstable();
        assert_eq!((all, threads(&root, 6), threads(&root, 8)), (vec![5, 6, 7], vec![6], vec![8]));
    }

    #[test]
    fn a_refusal_is_said_in_the_words_of_its_cause() {
        let say = |error| missed(error, 5, || Some("root".to_owned())).say("renice", 7);
        assert_eq!(say(Errno::SRCH), "7 has exited");
        assert_eq!(say(Errno::ACCESS), "could not renice 7: only root may lower niceness below 5");
        assert_eq!(say(Errno::PERM), "not permitted to renice 7 (owned by root): run as root or as its owner");
        assert!(say(Errno::INVAL).starts_with("could not renice 7: Invalid argument"));
    }
}
