//! What changes the machine: signals, priorities, acts on containers and pools, each with its outcome in words. An act on
//! a process first checks its identity: a recycled pid is another process.

pub mod apart;
mod container;
mod engine;
pub mod job;
mod limits;
mod pool;
mod remove;
mod renice;
pub mod save;
mod signal;

use std::{io, os::unix::fs::MetadataExt, time::Duration};

use crate::{alert::Level, model::process::ProcKey, request::Outcome, sys::root::Root, text};

/// An engine or a tool that takes longer has not done it.
const PATIENCE: Duration = Duration::from_secs(90);

/// Why one target was left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Miss {
    /// It had ended.
    Ended,
    /// Its pid belongs to this program now.
    Recycled(String),
    /// It is a zombie.
    Zombie,
    /// Not ours; the owner where known.
    Denied(Option<String>),
    /// As the system says it.
    Other(String),
}

/// A process that was found to be the one that was meant.
struct Found {
    name: String,
    nice: i32,
}

/// Checks by `/proc/PID/stat` ("proc(5)") whether `key` still names the process that it named.
fn find(root: &Root, key: ProcKey) -> Result<Found, Miss> {
    let stat = match root.read(format!("proc/{}/stat", key.pid)) {
        Ok(stat) => stat,
        // A process that ends while it is read answers ESRCH.
        Err(e) if e.kind() == io::ErrorKind::NotFound || e.raw_os_error() == Some(3) => return Err(Miss::Ended),
        Err(e) => return Err(Miss::Other(e.to_string())),
    };
    let (found, state, start_ticks) = read_stat(&stat).ok_or_else(|| Miss::Other("its stat is unreadable".into()))?;
    if start_ticks != key.start_ticks {
        return Err(Miss::Recycled(found.name));
    }
    match state {
        b'Z' => Err(Miss::Zombie),
        b'X' | b'x' => Err(Miss::Ended),
        _ => Ok(found),
    }
}

/// Name, niceness, state and start time. The name may hold blanks and brackets: fields count from its last bracket.
fn read_stat(stat: &[u8]) -> Option<(Found, u8, u64)> {
    let open = stat.iter().position(|b| *b == b'(')?;
    let close = stat.iter().rposition(|b| *b == b')')?;
    let name = text::clean_bytes(stat.get(open + 1..close)?);
    let rest = std::str::from_utf8(stat.get(close + 1..)?).ok()?;
    // Field 3 is the state, 19 the niceness, 22 the start time.
    let fields: Vec<&str> = rest.split_ascii_whitespace().take(20).collect();
    let state = *fields.first()?.as_bytes().first()?;
    Some((Found { name, nice: fields.get(16)?.parse().ok()? }, state, fields.get(19)?.parse().ok()?))
}

/// The name of the user that a process belongs to, else its number.
fn owner(root: &Root, pid: u32) -> Option<String> {
    let uid = std::fs::metadata(root.path(format!("proc/{pid}"))).ok()?.uid();
    Some(uzers::get_user_by_uid(uid).map_or_else(|| uid.to_string(), |u| u.name().to_string_lossy().into_owned()))
}

/// One line for all that was left alone: the first two by name, the rest by count.
fn misses(what: &str, missed: &[(u32, Miss)]) -> String {
    let mut out: Vec<String> = missed.iter().take(2).map(|(pid, miss)| miss.say(what, *pid)).collect();
    if missed.len() > 2 {
        out.push(format!("and {} more", missed.len() - 2));
    }
    out.join(" · ")
}

impl Miss {
    fn say(&self, what: &str, pid: u32) -> String {
        match self {
            Miss::Ended => format!("{pid} has exited"),
            Miss::Recycled(name) => format!("{pid} has exited; the pid now belongs to {name}, which was not touched"),
            Miss::Zombie => format!("{pid} is a zombie: only its parent can reap it"),
            Miss::Denied(Some(owner)) => {
                format!("not permitted to {what} {pid} (owned by {owner}): run as root or as its owner")
            }
            Miss::Denied(None) => format!("not permitted to {what} {pid}: run as root or as its owner"),
            Miss::Other(error) => format!("could not {what} {pid}: {error}"),
        }
    }
}

/// Acts reach this machine's kernel by pid; a folder in place of `/` may show another machine.
fn refuse_elsewhere(root: &Root) -> Option<Outcome> {
    let is_here = root.is_live() || same_proc(root);
    (!is_here).then(|| Outcome {
        level: Level::Warn,
        text: format!("{} is not this machine: nothing was done", root.path("").display()),
    })
}

/// True when the root's proc is the one of this program (a bind mount such as `/host`, in the same
/// namespace of processes).
fn same_proc(root: &Root) -> bool {
    let own = std::process::id();
    let of = |path: &std::path::Path| std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()));
    let relative = format!("proc/{own}/stat");
    let here = of(&Root::default().path(&relative));
    here.is_some() && here == of(&root.path(&relative))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_does_not_shift_the_fields() {
        let stat = b"12 (a) b (x) S 1 12 12 0 -1 4194304 1 2 3 4 5 6 7 8 20 -5 3 0 4711 1000 50 18446744073709551615";
        let (found, state, start) = read_stat(stat).expect("a whole line");
        assert_eq!((found.name.as_str(), found.nice, state, start), ("a) b (x", -5, b'S', 4711));
        assert!(read_stat(b"12 (a").is_none());
        assert!(read_stat(b"").is_none());
    }

    #[test]
    fn a_refusal_names_the_process_its_owner_and_the_cure() {
        let missed = [(123, Miss::Denied(Some("root".into()))), (7, Miss::Ended), (8, Miss::Zombie)];
        assert_eq!(
            misses("signal", &missed),
            "not permitted to signal 123 (owned by root): run as root or as its owner · 7 has exited · and 1 more"
        );
    }

    #[test]
    fn a_folder_that_is_another_machine_is_never_acted_on() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(refuse_elsewhere(&Root::new(folder.path())).is_some());
        assert!(refuse_elsewhere(&Root::default()).is_none());
        // As a container has it that sees the host below a folder, in the host's namespace of processes.
        std::os::unix::fs::symlink("/proc", folder.path().join("proc")).expect("a link");
        assert!(refuse_elsewhere(&Root::new(folder.path())).is_none());
    }

    #[test]
    fn only_a_process_of_that_age_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Root::new(folder.path());
        let write = |pid: u32, stat: &str| {
            std::fs::create_dir_all(folder.path().join(format!("proc/{pid}"))).expect("a folder");
            std::fs::write(folder.path().join(format!("proc/{pid}/stat")), stat).expect("a file");
        };
        for (pid, state) in [(1, 'S'), (2, 'Z'), (3, 'X'), (4, 'x')] {
            write(pid, &format!("{pid} (sh) {state} 1 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 5 3 0 4711 1000 50"));
        }
        write(5, "5 (sh");
        let look = |pid, start_ticks| find(&root, ProcKey { pid, start_ticks }).map(|found| (found.name, found.nice));
        assert_eq!(look(1, 4711), Ok(("sh".to_owned(), 5)));
        assert_eq!(look(1, 4712), Err(Miss::Recycled("sh".to_owned())));
        assert_eq!(
            (look(2, 4711), look(3, 4711), look(4, 4711)),
            (Err(Miss::Zombie), Err(Miss::Ended), Err(Miss::Ended))
        );
        assert_eq!(look(5, 4711), Err(Miss::Other("its stat is unreadable".to_owned())));
        assert_eq!(look(6, 4711), Err(Miss::Ended));
    }

    #[test]
    fn up_to_two_refusals_are_said_without_a_count() {
        let two = [(7, Miss::Ended), (8, Miss::Recycled("web".into()))];
        let text = "7 has exited · 8 has exited; the pid now belongs to web, which was not touched";
        assert_eq!(misses("signal", &two), text);
    }

    #[test]
    fn the_owner_of_a_process_is_named_or_numbered() {
        let (own, root) = (std::process::id(), Root::default());
        let uid = std::fs::metadata(format!("/proc/{own}")).expect("procfs").uid();
        let name = uzers::get_user_by_uid(uid).map(|user| user.name().to_string_lossy().into_owned());
        assert_eq!(owner(&root, own), Some(name.unwrap_or_else(|| uid.to_string())));
        assert_eq!(owner(&root, u32::MAX), None);
        if rustix::process::geteuid().is_root() {
            let folder = tempfile::tempdir().expect("a folder");
            std::fs::create_dir_all(folder.path().join("proc/7")).expect("a folder");
            std::os::unix::fs::chown(folder.path().join("proc/7"), Some(3_999_999), None).expect("root");
            assert_eq!(owner(&Root::new(folder.path()), 7).as_deref(), Some("3999999"), "nobody has that number");
        }
    }
}
