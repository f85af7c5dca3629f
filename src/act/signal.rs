//! Sends signals, by a handle on the process rather than by its number: between the check and the signal the number may
//! come to belong to another ("pidfd_send_signal(2)").

use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal},
};

use super::{Miss, find, misses, owner, refuse_elsewhere};
use crate::{
    alert::Level,
    model::process::ProcKey,
    request::{Outcome, signal::by_number},
    sys::root::Root,
};

/// Sends a signal to each of `targets` that is still the process that was meant: how it went, and whom it reached.
#[must_use]
pub fn send(root: &Root, targets: &[ProcKey], number: i32) -> (Outcome, Vec<ProcKey>) {
    if let Some(refused) = refuse_elsewhere(root) {
        return (refused, Vec::new());
    }
    let (Some(signal), Some(def)) = (Signal::from_named_raw(number), by_number(number)) else {
        let text = format!("no signal {number}: nothing was sent");
        return (Outcome { level: Level::Warn, text }, Vec::new());
    };
    let mut sent: Vec<String> = Vec::new();
    let mut reached = Vec::new();
    let mut missed = Vec::new();
    for key in targets {
        match send_one(root, *key, signal) {
            Ok(name) => {
                sent.push(format!("{} {name}", key.pid));
                reached.push(*key);
            }
            Err(miss) => missed.push((key.pid, miss)),
        }
    }
    let to = match &sent[..] {
        [] => String::new(),
        [one] => format!("sent {} to {one}", def.name),
        many if missed.is_empty() => format!("sent {} to {} processes", def.name, many.len()),
        many => format!("sent {} to {} of {}", def.name, many.len(), targets.len()),
    };
    let failed = misses("signal", &missed);
    let text = match (to.is_empty(), failed.is_empty()) {
        (false, false) => format!("{to} · {failed}"),
        (true, false) => failed,
        _ => to,
    };
    (Outcome { level: if missed.is_empty() { Level::Ok } else { Level::Warn }, text }, reached)
}

fn send_one(root: &Root, key: ProcKey, signal: Signal) -> Result<String, Miss> {
    let pid = i32::try_from(key.pid).ok().and_then(Pid::from_raw).ok_or(Miss::Ended)?;
    // The handle comes first: what is then found under the number, and still is as old as it should be, is what the
    // handle holds. Kernels before 5.3 and some sandboxes have no handles; the check must suffice there.
    let handle = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(handle) => Some(handle),
        Err(Errno::SRCH) => return Err(Miss::Ended),
        Err(_) => None,
    };
    let found = find(root, key)?;
    let result = match &handle {
        Some(handle) => match pidfd_send_signal(handle, signal) {
            Err(Errno::NOSYS) => kill_process(pid, signal),
            other => other,
        },
        None => kill_process(pid, signal),
    };
    result.map_err(|error| missed(error, || owner(root, key.pid)))?;
    Ok(found.name)
}

/// Why the kernel did not deliver it.
fn missed(error: Errno, owner: impl FnOnce() -> Option<String>) -> Miss {
    match error {
        Errno::SRCH => Miss::Ended,
        Errno::PERM => Miss::Denied(owner()),
        error => Miss::Other(std::io::Error::from(error).to_string()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::{
        os::unix::process::ExitStatusExt,
        process::{Child, Command, Stdio},
    };

    use super::*;
    use crate::act::read_stat;

    /// A child of the test's own that sleeps until it is ended, and its identity.
    pub(in crate::act) fn sleeper() -> (Child, ProcKey) {
        let child = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().expect("sleep is everywhere");
        let stat = Root::default().read(format!("proc/{}/stat", child.id())).expect("it runs");
        let (_, _, start_ticks) = read_stat(&stat).expect("a whole line");
        let key = ProcKey { pid: child.id(), start_ticks };
        (child, key)
    }

    #[test]
    fn a_signal_reaches_the_process_that_was_meant() {
        let (mut child, key) = sleeper();
        let (outcome, _) = send(&Root::default(), &[key], 15);
        assert_eq!(outcome.level, Level::Ok, "{}", outcome.text);
        // Between fork and exec the child still has the name of this test.
        assert!(outcome.text.starts_with(&format!("sent TERM to {} ", key.pid)), "{}", outcome.text);
        assert_eq!(child.wait().expect("our child").signal(), Some(15));
        let (again, _) = send(&Root::default(), &[key], 15);
        assert_eq!((again.level, again.text), (Level::Warn, format!("{} has exited", key.pid)));
    }

    #[test]
    fn a_recycled_pid_is_not_signalled() {
        let (mut child, key) = sleeper();
        let older = ProcKey { start_ticks: key.start_ticks.wrapping_sub(1), ..key };
        let (outcome, _) = send(&Root::default(), &[older], 9);
        assert_eq!(outcome.level, Level::Warn);
        assert!(outcome.text.contains("which was not touched"), "{}", outcome.text);
        assert_eq!(child.try_wait().expect("our child"), None, "it is alive");
        child.kill().expect("our child");
        child.wait().expect("our child");
    }

    #[test]
    fn a_zombie_is_called_one_and_the_others_still_get_theirs() {
        let (mut dead, dead_key) = sleeper();
        let (mut alive, alive_key) = sleeper();
        dead.kill().expect("our child");
        // It is a zombie as soon as the kill is through; only then is its state Z.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while !matches!(find(&Root::default(), dead_key), Err(Miss::Zombie)) {
            assert!(std::time::Instant::now() < deadline, "it never became a zombie");
            std::thread::yield_now();
        }
        let (outcome, _) = send(&Root::default(), &[dead_key, alive_key], 15);
        assert!(outcome.text.starts_with("sent TERM to "), "{}", outcome.text);
        assert!(outcome.text.contains(&format!("{} is a zombie", dead_key.pid)), "{}", outcome.text);
        assert_eq!(alive.wait().expect("our child").signal(), Some(15));
        dead.wait().expect("our child");
    }

    #[test]
    fn unknown_signal_is_refused() {
        assert_eq!(send(&Root::default(), &[], 0).0.level, Level::Warn);
    }

    #[test]
    fn several_are_counted_and_named_as_reached() {
        let ((mut one, first), (mut two, second)) = (sleeper(), sleeper());
        let gone = ProcKey { start_ticks: first.start_ticks + 1, ..first };
        let (some, reached) = send(&Root::default(), &[first, gone, second], 18);
        let (all, _) = send(&Root::default(), &[first, second], 15);
        for child in [&mut one, &mut two] {
            child.wait().expect("our child");
        }
        assert!(some.text.starts_with("sent CONT to 2 of 3 · "), "{}", some.text);
        assert_eq!((some.level, reached), (Level::Warn, vec![first, second]));
        assert_eq!((all.level, all.text.as_str()), (Level::Ok, "sent TERM to 2 processes"));
    }

    #[test]
    fn a_refusal_is_said_in_the_words_of_its_cause() {
        let say = |error| missed(error, || None).say("signal", 7);
        assert_eq!(say(Errno::SRCH), "7 has exited");
        assert_eq!(say(Errno::PERM), "not permitted to signal 7: run as root or as its owner");
        assert!(say(Errno::INVAL).starts_with("could not signal 7: Invalid argument"));
    }
}
