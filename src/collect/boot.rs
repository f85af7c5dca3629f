//! When the machine booted, and what the start of its processes is counted from. lxcfs gives a container an uptime of its
//! own, and some versions a boot time too, while the kernel counts the start of each process from the host's boot: the
//! kernel's own clock gives that moment whatever the files say.

use rustix::time::{ClockId, clock_gettime};

use super::{inside, process_detail::start_ticks};
use crate::{
    clock::{Stamp, TICKS_PER_SECOND},
    sys::{
        parse::{number, value_of},
        root::Root,
    },
};

/// Two clocks that are read one after the other may differ by so many seconds.
const ROUNDING: i64 = 2;

/// Both moments, seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Began {
    /// The machine's, or the container's where it has an uptime of its own.
    pub(super) machine: Option<i64>,
    /// What start ticks count from.
    pub(super) ticks: Option<i64>,
}

impl Began {
    /// Of this root; `ours` where its kernel is the one that runs.
    pub(super) fn read(root: &Root, ours: bool, now: Stamp) -> Self {
        let stat = root.read("proc/stat").unwrap_or_default();
        let reported = value_of(&stat, b"btime").and_then(number).and_then(|at| i64::try_from(at).ok());
        let first = || i64::try_from(start_ticks(root, 1)? / u64::from(TICKS_PER_SECOND)).ok();
        let own = inside::is_of_guest(root, "/proc/uptime");
        Self::of(reported, ours.then(|| by_clock(now)).flatten(), own.then(first).flatten())
    }

    /// By what `/proc/stat` says, by the kernel's clock, and for a guest by when its first process began after that.
    fn of(reported: Option<i64>, clock: Option<i64>, first: Option<i64>) -> Self {
        let ticks = match (reported, clock) {
            (Some(reported), Some(clock)) if (reported - clock).abs() <= ROUNDING => Some(reported),
            (reported, clock) => clock.or(reported),
        };
        let machine = match (clock, first) {
            (Some(_), Some(first)) => ticks.map(|from| from + first),
            _ => reported,
        };
        Began { machine, ticks }
    }
}

/// The boot of this kernel, in the time namespace that also shifts the start of processes.
fn by_clock(now: Stamp) -> Option<i64> {
    let now = std::time::Duration::from_millis(u64::try_from(now.unix_ms).ok()?);
    let up = clock_gettime(ClockId::Boottime);
    let up = std::time::Duration::new(u64::try_from(up.tv_sec).ok()?, u32::try_from(up.tv_nsec).ok()?);
    i64::try_from(now.checked_sub(up)?.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: i64 = 1_700_000_000;

    #[test]
    fn a_guest_s_processes_do_not_begin_in_the_future() {
        // The container began 9,000 s after its host; both forms of its boot time are met.
        for reported in [HOST, HOST + 9_000] {
            let began = Began::of(Some(reported), Some(HOST + 1), Some(9_000));
            assert!((began.ticks.expect("a moment") - HOST).abs() <= ROUNDING, "{reported}: {began:?}");
            assert!((began.machine.expect("a moment") - HOST - 9_000).abs() <= ROUNDING, "{reported}: {began:?}");
        }
    }

    #[test]
    fn a_machine_s_own_word_stands() {
        assert_eq!(Began::of(Some(HOST), Some(HOST + 1), None), Began { machine: Some(HOST), ticks: Some(HOST) });
        assert_eq!(Began::of(Some(HOST), None, None), Began { machine: Some(HOST), ticks: Some(HOST) }, "a recording");
        assert_eq!(Began::of(None, None, None), Began::default());
    }

    #[test]
    fn a_guest_s_own_start_is_that_of_its_first_process() {
        let folder = tempfile::tempdir().expect("folder");
        let put = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, text).expect("file");
        };
        put("proc/stat", &format!("cpu 1\nbtime {HOST}\n"));
        put("proc/1/stat", "1 (init) S 0 1 1 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0 900000 0 0\n");
        put("proc/1/mountinfo", "1 0 0:50 / /proc/uptime rw - fuse.lxcfs lxcfs rw\n");
        let root = Root::new(folder.path());
        let now = Stamp::at_seconds(1);
        let recorded = Began { machine: Some(HOST), ticks: Some(HOST) };
        assert_eq!(Began::read(&root, false, now), recorded, "of another kernel only its word is known");
        let live = Stamp {
            unix_ms: i64::try_from(std::time::UNIX_EPOCH.elapsed().expect("later").as_millis()).expect("soon"),
            ..now
        };
        let began = Began::read(&root, true, live);
        assert!(began.ticks.is_some_and(|ticks| ticks * 1000 < live.unix_ms), "{began:?}");
        assert_eq!(began.machine, began.ticks.map(|ticks| ticks + 9_000), "a hundredth of a second each");
    }
}
