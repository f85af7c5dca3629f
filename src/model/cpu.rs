//! CPU time from counters of ticks ("proc(5)", `/proc/stat`).

use serde::{Deserialize, Serialize};

use super::{
    rate::{align, per_second},
    series::Series,
    span::Span,
};

/// Ticks that one core, or all together, spent in each state since boot. `guest` is inside `user` already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CpuTicks {
    pub user: u64,
    pub nice: u64,
    pub system: u64,
    pub idle: u64,
    pub iowait: u64,
    pub irq: u64,
    pub softirq: u64,
    pub steal: u64,
}

/// One reading of the counters.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CpuSample {
    /// All cores together.
    pub total: CpuTicks,
    /// Each core that is online, with its number.
    pub cores: Vec<(u16, CpuTicks)>,
    /// Hertz now, by core number, where the kernel reports it (cpufreq).
    pub hertz: Vec<(u16, u64)>,
    /// Context switches since boot.
    pub context_switches: Option<u64>,
    /// Interrupts since boot.
    pub interrupts: Option<u64>,
    /// Processes and threads created since boot.
    pub forks: Option<u64>,
}

/// Shares of one span, each 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct CpuShares {
    /// Everything but idle and iowait.
    pub busy: f64,
    /// User and nice.
    pub user: f64,
    /// System, irq and softirq.
    pub system: f64,
    /// Idle while a disk was awaited.
    pub iowait: f64,
    /// Taken by the hypervisor.
    pub steal: f64,
}

/// One core as shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Core {
    /// Its number ("cpu7" is 7).
    pub number: u16,
    /// Its last span; `None` until two readings exist.
    pub shares: Option<CpuShares>,
    /// Hertz now, where known.
    pub hertz: Option<u64>,
    /// Busy share, 0 to 1.
    pub history: Series,
}

/// All that is shown of the CPU.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cpu {
    /// The newest raw counters, for the next pair.
    pub raw: CpuSample,
    /// All cores over the last span; `None` until two readings exist.
    pub shares: Option<CpuShares>,
    /// Each core that is online, by number.
    pub cores: Vec<Core>,
    /// Mean frequency of the cores that report one, hertz.
    pub hertz: Option<f64>,
    /// Context switches a second.
    pub context_switches_per_second: Option<f64>,
    /// Processes and threads created a second.
    pub forks_per_second: Option<f64>,
    /// Busy share of all cores, 0 to 1.
    pub busy_history: Series,
    /// User share, 0 to 1.
    pub user_history: Series,
    /// Iowait share, 0 to 1.
    pub iowait_history: Series,
}

impl CpuShares {
    /// The shares of the span between two readings; `None` when the counters were reset or did not advance.
    ///
    /// Idle, iowait and steal may go backwards by a little on a healthy kernel: that part counts as nothing.
    #[must_use]
    pub fn between(before: &CpuTicks, now: &CpuTicks) -> Option<CpuShares> {
        let user = now.user.checked_sub(before.user)? + now.nice.checked_sub(before.nice)?;
        let system = now.system.checked_sub(before.system)?
            + now.irq.checked_sub(before.irq)?
            + now.softirq.checked_sub(before.softirq)?;
        let steal = now.steal.saturating_sub(before.steal);
        let iowait = now.iowait.saturating_sub(before.iowait);
        let idle = now.idle.saturating_sub(before.idle);
        let whole = user + system + steal + iowait + idle;
        (whole > 0).then(|| {
            let share = |ticks: u64| ticks as f64 / whole as f64;
            CpuShares {
                busy: share(user + system + steal),
                user: share(user),
                system: share(system),
                iowait: share(iowait),
                steal: share(steal),
            }
        })
    }
}

impl Cpu {
    pub fn apply(&mut self, span: Span, sample: CpuSample) {
        let Span { at, every, since } = span;
        let raw = &self.raw;
        self.shares = since.and_then(|_| CpuShares::between(&raw.total, &sample.total));
        let rate = |before: Option<u64>, now: Option<u64>| per_second(before?, now?, since?);
        self.context_switches_per_second = rate(raw.context_switches, sample.context_switches);
        self.forks_per_second = rate(raw.forks, sample.forks);
        self.busy_history.push(at, every, self.shares.map(|s| s.busy));
        self.user_history.push(at, every, self.shares.map(|s| s.user));
        self.iowait_history.push(at, every, self.shares.map(|s| s.iowait));

        align(
            &mut self.cores,
            &sample.cores,
            |core, (n, _)| core.number == *n,
            |(n, _)| Core { number: *n, ..Core::default() },
        );
        for (i, (core, (number, ticks))) in self.cores.iter_mut().zip(&sample.cores).enumerate() {
            let before = numbered(&raw.cores, i, *number);
            core.shares = since.and(before).and_then(|b| CpuShares::between(b, ticks));
            core.hertz = numbered(&sample.hertz, i, *number).copied();
            core.history.push(at, every, core.shares.map(|s| s.busy));
        }
        self.hertz = (!sample.hertz.is_empty())
            .then(|| sample.hertz.iter().map(|(_, hertz)| *hertz as f64).sum::<f64>() / sample.hertz.len() as f64);
        self.raw = sample;
    }
}

/// The entry of core `number`, which most often is at `guess`.
fn numbered<T>(entries: &[(u16, T)], guess: usize, number: u16) -> Option<&T> {
    let at_guess = entries.get(guess).filter(|(n, _)| *n == number);
    at_guess.or_else(|| entries.iter().find(|(n, _)| *n == number)).map(|(_, t)| t)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Stamp;

    fn ticks(user: u64, system: u64, idle: u64, iowait: u64) -> CpuTicks {
        CpuTicks { user, system, idle, iowait, ..CpuTicks::default() }
    }

    fn span(second: u64, since: Option<u64>) -> Span {
        Span { at: Stamp::at_seconds(second), every: Duration::from_secs(1), since: since.map(Duration::from_secs) }
    }

    fn sample(cores: &[(u16, CpuTicks)]) -> CpuSample {
        let mut total = CpuTicks::default();
        for (_, t) in cores {
            total.user += t.user;
            total.system += t.system;
            total.idle += t.idle;
            total.iowait += t.iowait;
        }
        CpuSample { total, cores: cores.to_vec(), ..CpuSample::default() }
    }

    #[test]
    fn the_first_reading_has_no_shares() {
        let mut cpu = Cpu::default();
        cpu.apply(span(1, None), sample(&[(0, ticks(900, 0, 100, 0))]));
        assert_eq!((cpu.shares, cpu.cores[0].shares), (None, None));
        assert_eq!(cpu.busy_history.back(0), None);
    }

    #[test]
    fn shares_are_of_the_span_alone_and_iowait_is_not_busy() {
        let shares = CpuShares::between(&ticks(1000, 500, 9000, 10), &ticks(1020, 510, 9060, 20)).unwrap();
        assert_eq!((shares.user, shares.system, shares.iowait, shares.busy), (0.2, 0.1, 0.1, 0.3));
    }

    #[test]
    fn time_taken_by_other_guests_is_busy() {
        let with = |ticks: CpuTicks, steal: u64| CpuTicks { steal, ..ticks };
        let shares = CpuShares::between(&with(ticks(0, 0, 0, 0), 5), &with(ticks(20, 10, 60, 0), 15)).unwrap();
        assert_eq!((shares.steal, shares.busy, shares.user), (0.1, 0.4, 0.2));
    }

    #[test]
    fn iowait_that_went_backwards_counts_as_none() {
        let shares = CpuShares::between(&ticks(0, 0, 0, 50), &ticks(25, 0, 75, 40)).unwrap();
        assert_eq!((shares.iowait, shares.busy), (0.0, 0.25));
    }

    #[test]
    fn counters_that_began_anew_or_stood_still_have_no_shares() {
        assert_eq!(CpuShares::between(&ticks(1000, 500, 9000, 10), &ticks(3, 1, 20, 0)), None);
        assert_eq!(CpuShares::between(&ticks(5, 5, 5, 5), &ticks(5, 5, 5, 5)), None);
    }

    #[test]
    fn a_core_that_went_and_came_back_is_compared_with_itself_only() {
        let mut cpu = Cpu::default();
        let t = |n| ticks(n, 0, n, 0);
        cpu.apply(span(1, None), sample(&[(0, t(0)), (1, t(100)), (2, t(200))]));
        cpu.apply(span(2, Some(1)), sample(&[(0, t(10)), (2, t(210))]));
        assert_eq!(cpu.cores.iter().map(|c| c.number).collect::<Vec<_>>(), [0, 2]);
        assert!(cpu.cores.iter().all(|c| c.shares.is_some_and(|s| s.busy == 0.5)));
        cpu.apply(span(3, Some(1)), sample(&[(0, t(20)), (1, t(105)), (2, t(220))]));
        assert_eq!(cpu.cores[1].shares, None, "no reading of core 1 in the round before");
        assert_eq!(cpu.cores[1].history.len(), 1);
        assert_eq!(cpu.cores[2].history.len(), 3);
    }

    #[test]
    fn a_clock_that_stood_still_gives_no_rate() {
        let mut cpu = Cpu::default();
        cpu.apply(span(1, None), CpuSample { context_switches: Some(5), ..sample(&[]) });
        cpu.apply(span(1, Some(0)), CpuSample { context_switches: Some(50), ..sample(&[]) });
        assert_eq!(cpu.context_switches_per_second, None);
        cpu.apply(span(3, Some(2)), CpuSample { context_switches: Some(250), ..sample(&[]) });
        assert_eq!(cpu.context_switches_per_second, Some(100.0));
        assert_eq!(cpu.forks_per_second, None, "a kernel that does not count them");
    }

    #[test]
    fn a_core_is_found_by_its_number_wherever_it_is() {
        let entries = [(0, 'a'), (2, 'c'), (3, 'd')];
        for (guess, number, found) in [(0, 0, 'a'), (1, 2, 'c'), (1, 0, 'a'), (0, 3, 'd'), (9, 2, 'c')] {
            assert_eq!(numbered(&entries, guess, number), Some(&found), "core {number}, guessed at {guess}");
        }
        assert_eq!(numbered(&entries, 1, 1), None);
    }
}
