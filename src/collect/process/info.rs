//! What is read once per process and after an exec: command line and cgroup. In slices, so that no round is long: first
//! for the screen, then the rest. Some programs rewrite their arguments: those on the screen are read again every few
//! rounds, busy ones in turns.

use std::sync::Arc;

use super::{
    lookups::{Wanted, What},
    slot::{Flag, Slot},
};
use crate::{
    interest::Interest,
    model::process::{ProcKey, container_of},
    sys::parse::lines,
    text::clean_bytes,
};

/// Command lines in the first round, which the screen waits for.
const FIRST: usize = 128;
/// Command lines in each later round: this many, or this share of all, so that even a full machine is known within few
/// rounds.
const SLICE: (usize, usize) = (256, 6);
/// Of the rounds in which the helper is asked, every second one, a process on the screen is read again in one of `2^1`, a
/// busy one off the screen in one of `2^3`; the cgroup, which seldom changes, in one of four of these.
const AGAIN: (u32, u32) = (1, 3);

/// Adds what may have changed since it was read.
pub(super) fn again(slots: &[Slot], want: &Interest, round: u32, all: &mut Vec<Wanted>) {
    if is_rest(round) {
        return;
    }
    let round = round / 2;
    let at = |key: &ProcKey| slots.binary_search_by_key(&key.pid, |s| s.pid).ok();
    let visible = want.visible.iter().filter_map(|key| Some(&slots[at(key)?])).filter(|s| s.turn(round, AGAIN.0));
    let at_work = slots.iter().filter(|s| !s.asleep() && s.turn(round, AGAIN.1));
    let turns = visible.map(|s| (s, AGAIN.0)).chain(at_work.take(most(slots)).map(|s| (s, AGAIN.1)));
    for (slot, bits) in turns {
        if slot.has(Flag::Unknown) || slot.has(Flag::Kernel) || slot.has(Flag::Silent) {
            continue;
        }
        if (round >> bits).is_multiple_of(4) {
            all.push(Wanted { key: slot.key(), what: What::Cgroup });
        }
        all.push(Wanted { key: slot.key(), what: What::Command });
    }
}

/// In these rounds only what is not known yet is asked: each question wakes two threads. The first two are needed for rates.
pub(super) fn is_rest(round: u32) -> bool {
    round > 2 && !round.is_multiple_of(2)
}

/// Adds what is not known yet, the most wanted first; at the end of a round, `late`, only for what may be on the screen
/// then: processes that worked or are there already, and all if all are wanted.
pub(super) fn unknown(slots: &mut [Slot], want: &Interest, round: u32, late: bool, all: &mut Vec<Wanted>) {
    let first = round == 0;
    let mut left = match first {
        _ if want.commands_of_all => usize::MAX,
        true => FIRST,
        false => most(slots),
    };
    for key in &want.visible {
        if let Ok(at) = slots.binary_search_by_key(&key.pid, |s| s.pid)
            && slots[at].has(Flag::Unknown)
        {
            ask(&mut slots[at], all);
            left = left.saturating_sub(1);
        }
    }
    // The busiest are first on the screen.
    let least = if first && !want.commands_of_all { nth_most(slots, FIRST) } else { 0 };
    let least = if late && !first && !want.commands_of_all { 1 } else { least };
    slots.iter_mut().filter(|s| s.own >= least && s.has(Flag::Unknown)).take(left).for_each(|slot| ask(slot, all));
}

fn most(slots: &[Slot]) -> usize {
    SLICE.0.max(slots.len() / SLICE.1)
}

fn ask(slot: &mut Slot, all: &mut Vec<Wanted>) {
    slot.set(Flag::Unknown, false);
    if !slot.has(Flag::Silent) {
        all.extend([What::Cgroup, What::Command].map(|what| Wanted { key: slot.key(), what }));
    }
}

/// The CPU time of the `nth` busiest.
fn nth_most(slots: &[Slot], nth: usize) -> u64 {
    let mut ticks: Vec<u64> = slots.iter().filter(|s| s.has(Flag::Unknown)).map(|s| s.own).collect();
    if ticks.len() <= nth {
        return 0;
    }
    let at = ticks.len() - nth;
    *ticks.select_nth_unstable(at).1
}

/// The last cgroup read, waiting for its command line.
pub(super) type Group = Option<(ProcKey, Arc<str>)>;

/// Arguments joined by spaces, and the length of the first.
pub(super) fn command(bytes: &[u8]) -> (String, u16) {
    let end = bytes.iter().rposition(|&b| b != 0).map_or(0, |at| at + 1);
    let bytes = &bytes[..end];
    let joined: Vec<u8> = bytes.iter().map(|&b| if b == 0 { b' ' } else { b }).collect();
    // A program that rewrote its line (`postgres: checkpointer`) leaves one argument with spaces.
    let program = bytes.iter().position(|&b| b == 0);
    let program = program.or_else(|| bytes.iter().position(|&b| b == b' ')).unwrap_or(end);
    let length = clean_bytes(&joined[..program]).len();
    (clean_bytes(&joined), u16::try_from(length).unwrap_or(u16::MAX))
}

/// The most specific path ("cgroups(7)"): one that names a container, else that of version 2 if in use, else of
/// systemd, else of another hierarchy. With both versions mounted, engines may use version 1 alone for their
/// containers.
pub(super) fn cgroup(bytes: &[u8]) -> String {
    let mut best: (u8, &[u8]) = (0, b"");
    for line in lines(bytes) {
        let mut parts = line.splitn(3, |&b| b == b':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let rank = match controllers {
            _ if path == b"/" => 1,
            b"" => 5,
            b"name=systemd" => 4,
            _ if controllers.split(|&b| b == b',').any(|c| c == b"pids" || c == b"memory") => 3,
            _ => 2,
        };
        let named = std::str::from_utf8(path).is_ok_and(|path| container_of(path).is_some());
        let rank = rank + if named { 10 } else { 0 };
        if rank > best.0 {
            best = (rank, path);
        }
    }
    clean_bytes(best.1)
}

#[cfg(test)]
mod tests {
    use super::{super::stat::Stat, *};

    #[test]
    fn arguments_are_joined_and_the_program_marked() {
        assert_eq!(command(b"/usr/bin/python3\0-m\0x y\0"), ("/usr/bin/python3 -m x y".to_owned(), 16));
        assert_eq!(command(b"postgres: checkpointer \0\0\0"), ("postgres: checkpointer ".to_owned(), 9));
        assert_eq!(command(b""), (String::new(), 0));
        assert_eq!(command(b"a\x1b[2J\0b\n\0"), ("a?[2J b?".to_owned(), 5));
    }

    #[test]
    fn the_most_specific_path_is_taken() {
        assert_eq!(cgroup(b"0::/system.slice/ssh.service\n"), "/system.slice/ssh.service");
        assert_eq!(cgroup(b"12:pids:/docker/ab\n1:name=systemd:/docker/ab\n0::/\n"), "/docker/ab");
        assert_eq!(cgroup(b"3:cpu,cpuacct:/x\n2:pids:/y\n"), "/y");
        assert_eq!(cgroup(b"3:pids:/first\n2:memory:/second\n"), "/first", "of two alike the first");
        assert_eq!(cgroup(b"2:cpu:/x\n1:name=systemd:/y\n"), "/y");
        assert_eq!(cgroup(b"0::/\n"), "/");
        assert_eq!(cgroup(b"nonsense"), "");
    }

    #[test]
    fn container_in_version_1_alone_is_found_on_a_hybrid_machine() {
        let id = "3f2a9c1d4e5b60718293a4b5c6d7e8f90123456789abcdef0123456789abcdef";
        let hybrid = format!(
            "13:memory:/docker/{id}\n5:pids:/docker/{id}\n1:name=systemd:/docker/{id}\n0::/system.slice/containerd.service\n"
        );
        assert_eq!(cgroup(hybrid.as_bytes()), format!("/docker/{id}"));
        let second = format!("4:memory:/docker/{id}\n0::/docker/{id}\n");
        assert_eq!(cgroup(second.as_bytes()), format!("/docker/{id}"));
    }

    /// A process that used so many ticks, with an unknown command line.
    fn slot(pid: u32, ticks: u64) -> Slot {
        Slot::new(pid, 1, &Stat::sleeping(ticks), 0)
    }

    fn known(pid: u32) -> Slot {
        let mut slot = slot(pid, 1);
        slot.set(Flag::Unknown, false);
        slot
    }

    fn visible(pids: &[u32]) -> Interest {
        let visible = pids.iter().map(|pid| ProcKey { pid: *pid, start_ticks: 5 }).collect();
        Interest { visible, ..Interest::default() }
    }

    /// The pids that are asked for, and that for each the cgroup comes before the command line.
    fn asked(slots: &mut [Slot], want: &Interest, round: u32, late: bool) -> Vec<u32> {
        let mut all = Vec::new();
        unknown(slots, want, round, late, &mut all);
        let pairs = all.chunks(2).map(|pair| {
            assert!(matches!(pair, [a, b] if a.key == b.key && a.what == What::Cgroup && b.what == What::Command));
            pair[0].key.pid
        });
        pairs.collect()
    }

    #[test]
    fn at_first_the_busiest_are_asked() {
        let count = FIRST as u32 + 5;
        let slots = || (1..=count).map(|pid| slot(pid, u64::from(pid))).collect::<Vec<_>>();
        let mut some = slots();
        assert_eq!(asked(&mut some, &Interest::default(), 0, false), (6..=count).collect::<Vec<_>>());
        assert_eq!(some.iter().filter(|slot| slot.has(Flag::Unknown)).count(), 5, "the others come later");
        let all = Interest { commands_of_all: true, ..Interest::default() };
        assert_eq!(asked(&mut slots(), &all, 0, false).len(), count as usize);
        let few = asked(&mut slots()[..3], &Interest::default(), 0, false);
        assert_eq!(few, [1, 2, 3], "when there are few, all");
    }

    #[test]
    fn later_what_is_on_the_screen_comes_first_and_then_a_slice() {
        let slots = || (1..=300).map(|pid| slot(pid, u64::from(pid > 10))).collect::<Vec<_>>();
        let found = asked(&mut slots(), &visible(&[300, 7, 999]), 1, false);
        assert_eq!((&found[..3], found.len()), (&[300, 7, 1][..], SLICE.0));
        let late = asked(&mut slots(), &visible(&[7]), 1, true);
        assert_eq!((&late[..2], late.len()), (&[7, 11][..], SLICE.0), "who did not work is not on the screen soon");
        let mut many: Vec<Slot> = (1..=6000).map(|pid| slot(pid, 0)).collect();
        assert_eq!(asked(&mut many, &Interest::default(), 1, false).len(), 1000, "a sixth");
        let mut hangs = slot(1, 1);
        hangs.set(Flag::Silent, true);
        assert_eq!(asked(&mut [hangs], &Interest::default(), 1, false), [0_u32; 0]);
    }

    #[test]
    fn every_second_round_rests_after_the_first_two() {
        let rests: Vec<u32> = (0..9).filter(|round| is_rest(*round)).collect();
        assert_eq!(rests, [3, 5, 7]);
    }

    /// How often the cgroup and the command line are asked for in 512 rounds.
    fn again_in(slots: &[Slot], want: &Interest) -> (usize, usize) {
        let mut all = Vec::new();
        (4..516).for_each(|round| again(slots, want, round, &mut all));
        let of = |what| all.iter().filter(|wanted| wanted.what == what).count();
        (of(What::Cgroup), of(What::Command))
    }

    #[test]
    fn what_is_known_is_read_again_in_turns() {
        let mut idle = known(7);
        (1..9).for_each(|at| _ = idle.update(&Stat::sleeping(1), at));
        assert!(idle.asleep());
        // Of 256 rounds that do not rest every second one, and of those every fourth for the cgroup.
        assert_eq!(again_in(&[idle.clone()], &visible(&[7])), (32, 128));
        assert_eq!(again_in(&[idle], &Interest::default()), (0, 0), "it sleeps off the screen");
        assert_eq!(again_in(&[known(7)], &Interest::default()), (8, 32), "it works off the screen");
        for flag in [Flag::Unknown, Flag::Kernel, Flag::Silent] {
            let mut slot = known(7);
            slot.set(flag, true);
            assert_eq!(again_in(&[slot], &visible(&[7])), (0, 0), "{flag:?}");
        }
    }
}
