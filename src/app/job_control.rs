//! Ctrl-Z as the kernel handles it: a process that no shell could continue is not stopped ("orphaned process group",
//! POSIX.1 3.264). That is so for a session's leader (`ssh -t host benchtop`, a terminal's own command) and for what
//! `docker exec -it` started.

use rustix::process::{Signal, kill_current_process_group};

/// One process as job control sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Member {
    group: i32,
    session: i32,
}

/// True if a shell can continue this process once it is stopped.
pub fn can_stop() -> bool {
    member_of("self").is_some_and(|(us, _)| can_be_continued(us, &ancestors()))
}

/// Stops this process and its group until they are continued; does nothing if no shell could do that.
pub fn stop() {
    if can_stop() {
        // The whole group, as the terminal would: a script that runs us must stop too, or its shell never takes over.
        let _ = kill_current_process_group(Signal::STOP);
    }
}

/// True when a process of the same session but another group is the parent of one of ours: a shell with job control.
/// `ancestors`: parent first.
fn can_be_continued(us: Member, ancestors: &[Member]) -> bool {
    let above = ancestors.iter().find(|parent| parent.group != us.group);
    above.is_some_and(|parent| parent.session == us.session)
}

/// Those above us, parent first, as far as they can be seen: none beyond a namespace of processes.
fn ancestors() -> Vec<Member> {
    let mut found = Vec::new();
    let mut next = member_of("self").map(|(_, parent)| parent);
    while let Some(pid) = next.filter(|pid| *pid > 0) {
        let Some((member, parent)) = member_of(&pid.to_string()) else { break };
        found.push(member);
        next = Some(parent);
    }
    found
}

/// A process and its parent, from `/proc/PID/stat` ("proc(5)"): fields 4 to 6, behind a name that may hold anything.
fn member_of(pid: &str) -> Option<(Member, i32)> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let close = stat.iter().rposition(|b| *b == b')')?;
    let rest = std::str::from_utf8(stat.get(close + 1..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace().skip(1).map(|field| field.parse().ok());
    let (parent, group, session) = (fields.next()??, fields.next()??, fields.next()??);
    Some((Member { group, session }, parent))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn of(group: i32, session: i32) -> Member {
        Member { group, session }
    }

    #[test]
    fn only_a_shell_of_our_session_can_continue_us() {
        let us = of(20, 10);
        assert!(can_be_continued(us, &[of(10, 10)]), "a job of a shell");
        assert!(can_be_continued(us, &[of(20, 10), of(10, 10)]), "a script that is a job");
        assert!(!can_be_continued(of(10, 10), &[of(5, 5)]), "a session's leader");
        assert!(!can_be_continued(us, &[of(20, 10), of(5, 5)]), "a script that leads its session");
        assert!(!can_be_continued(us, &[]), "nothing above us can be seen");
    }
}
