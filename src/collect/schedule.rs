//! When a source is read next. All lanes share one grid of ticks, so that the machine wakes once for all of them; what
//! fails is asked more and more seldom; what was missed while the program was stopped is not made up for.

use std::time::Duration;

use super::{Lane, Pace};
use crate::{interest::Interest, model::fault::Fault};

/// A source that the machine has not, or denies us, is tried again after this.
const RETRY: Duration = Duration::from_secs(60);
/// The first wait after a broken reading; it doubles up to [`RETRY`].
const BACK_OFF: Duration = Duration::from_secs(1);
/// The process round starts this much after the tick: the cheap sources have answered by then and share its frame.
const PROCESS_PHASE: Duration = Duration::from_millis(4);

/// Never: not wanted.
pub const NEVER: u64 = u64::MAX;

/// The common ticks: `base + n · every`, in microseconds of the run's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Tick zero.
    pub base_us: u64,
    /// Between two ticks.
    pub every_us: u64,
    /// Counts the changes of the grid.
    pub turn: u64,
}

impl Grid {
    /// A grid whose tick zero is `now_us`.
    #[must_use]
    pub fn new(now_us: u64, every: Duration) -> Self {
        Grid { base_us: now_us, every_us: micros(every).max(1), turn: 0 }
    }

    /// The first tick after `from_us` whose number is a multiple of `step`.
    #[must_use]
    pub fn after(&self, from_us: u64, step: u64) -> u64 {
        let span = self.every_us.saturating_mul(step.max(1));
        let passed = from_us.saturating_sub(self.base_us) / span;
        self.base_us.saturating_add((passed + 1).saturating_mul(span))
    }

    /// Ticks between two readings at `pace`.
    #[must_use]
    pub fn step(&self, pace: Pace) -> u64 {
        match pace {
            Pace::Refresh | Pace::Wanted(_) => 1,
            Pace::AtLeast(least) => micros(least).div_ceil(self.every_us).max(1),
        }
    }

    /// Time between two readings at `pace`.
    #[must_use]
    pub fn period(&self, pace: Pace) -> Duration {
        Duration::from_micros(self.every_us.saturating_mul(self.step(pace)))
    }
}

/// One source's place in time.
#[derive(Debug, Clone)]
pub struct Schedule {
    pace: Pace,
    phase_us: u64,
    due_us: u64,
    misses: u32,
    failing: bool,
}

impl Schedule {
    /// Due at the grid's tick zero, or when wanted.
    #[must_use]
    pub fn new(grid: &Grid, lane: Lane, pace: Pace, want: &Interest) -> Self {
        let phase_us = if lane == Lane::PROCESSES { micros(PROCESS_PHASE) } else { 0 };
        let wanted = pace.is_wanted(want);
        // The very first round does not wait for its phase: rows should come as soon as they can.
        let due_us = if wanted { grid.base_us } else { NEVER };
        Schedule { pace, phase_us, due_us, misses: 0, failing: false }
    }

    /// When it is due; [`NEVER`] while unwanted.
    #[must_use]
    pub fn due_us(&self) -> u64 {
        self.due_us
    }

    /// Reads it at once, whatever its failures were.
    pub fn now(&mut self, now_us: u64) {
        self.due_us = now_us;
    }

    /// The grid changed: the next reading is one period from `now_us`; one that waits after a failure goes on waiting.
    pub fn realign(&mut self, grid: &Grid, now_us: u64) {
        if !self.failing && self.due_us != NEVER {
            self.due_us = grid.after(now_us, grid.step(self.pace)) + self.phase_us;
        }
    }

    /// Books a reading that ran from `began_us` to `ended_us` and sets the next.
    ///
    /// `hurry` asks for the next one sooner than the pace; a tick nearer than a quarter of the interval is left out, as
    /// rates over so short a time are noise.
    pub fn book(
        &mut self,
        grid: &Grid,
        (began_us, ended_us): (u64, u64),
        fault: Option<&Fault>,
        hurry: Option<Duration>,
        want: &Interest,
    ) {
        self.failing = fault.is_some();
        let regular = |from: u64, step: u64| {
            let from = from.max(ended_us).saturating_sub(self.phase_us);
            grid.after(from, step) + self.phase_us
        };
        self.due_us = match fault {
            None if !self.pace.is_wanted(want) => NEVER,
            None => {
                let due = regular(began_us + grid.every_us / 4, grid.step(self.pace));
                hurry.map_or(due, |h| due.min(ended_us + micros(h)))
            }
            Some(Fault::Absent(_) | Fault::Denied { .. }) => regular(ended_us + micros(RETRY) - 1, 1),
            Some(Fault::Timeout | Fault::Broken(_)) => {
                let wait = (BACK_OFF * 2u32.saturating_pow(self.misses.min(6))).min(RETRY);
                regular(ended_us + micros(wait) - 1, 1)
            }
        };
        self.misses = match fault {
            Some(Fault::Timeout | Fault::Broken(_)) => self.misses + 1,
            _ => 0,
        };
    }

    /// After a good reading: the next one may be as late as `rest` after it, on the last tick before that.
    pub fn rest(&mut self, grid: &Grid, now_us: u64, rest: Duration) {
        if !self.failing && self.due_us != NEVER {
            let last = (now_us + micros(rest)).saturating_sub(grid.every_us);
            self.due_us = self.due_us.max(grid.after(last, 1) + self.phase_us);
        }
    }

    /// The interest changed: true if that makes this source due at once.
    #[must_use]
    pub fn woken_by(&self, lane: Lane, old: &Interest, new: &Interest) -> bool {
        wakes(self.pace, lane, old, new)
    }
}

/// Whether the change from `old` to `new` makes a source of this pace and lane due at once.
#[must_use]
pub fn wakes(pace: Pace, lane: Lane, old: &Interest, new: &Interest) -> bool {
    if new.paused {
        return false;
    }
    let resumed = old.paused;
    match pace {
        Pace::Wanted(asks) => asks(new) && (resumed || !asks(old) || old.detail != new.detail),
        _ if resumed => true,
        _ if lane == Lane::SERVICES => new.services != old.services,
        _ => {
            let more = |asks: fn(&Interest) -> bool| asks(new) && !asks(old);
            lane == Lane::PROCESSES && (more(|w| w.threads) || more(|w| w.io_of_all) || more(|w| w.commands_of_all))
        }
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    fn grid() -> Grid {
        Grid::new(SECOND, Duration::from_secs(1))
    }

    fn schedule(pace: Pace) -> Schedule {
        Schedule::new(&grid(), Lane::KERNEL, pace, &Interest::default())
    }

    fn broken() -> Fault {
        Fault::Broken("nonsense".to_owned())
    }

    #[test]
    fn readings_fall_on_absolute_ticks_however_long_they_take() {
        let mut s = schedule(Pace::Refresh);
        s.book(&grid(), (SECOND + 300, SECOND + 200_000), None, None, &Interest::default());
        assert_eq!(s.due_us(), 2 * SECOND);
        s.book(&grid(), (2 * SECOND + 70, 3 * SECOND - 1), None, None, &Interest::default());
        assert_eq!(s.due_us(), 3 * SECOND);
    }

    #[test]
    fn ticks_missed_while_stopped_are_not_made_up_for() {
        let mut s = schedule(Pace::Refresh);
        s.book(&grid(), (SECOND, 3_601 * SECOND + 5), None, None, &Interest::default());
        assert_eq!(s.due_us(), 3_602 * SECOND);
    }

    #[test]
    fn a_slow_pace_takes_every_nth_tick_and_never_less_than_asked() {
        let mut s = schedule(Pace::AtLeast(Duration::from_millis(4_500)));
        s.book(&grid(), (SECOND, SECOND + 9), None, None, &Interest::default());
        assert_eq!(s.due_us(), 6 * SECOND);
        assert_eq!(grid().period(Pace::AtLeast(Duration::from_millis(4_500))), Duration::from_secs(5));
    }

    #[test]
    fn a_slow_refresh_is_not_read_more_often_than_it_asks() {
        let slow = Grid::new(SECOND, Duration::from_secs(30));
        assert_eq!(slow.step(Pace::AtLeast(Duration::from_secs(5))), 1);
    }

    #[test]
    fn hurried_reading_is_early_and_the_next_on_the_grid() {
        let mut s = schedule(Pace::Refresh);
        s.book(&grid(), (SECOND, SECOND + 1_000), None, Some(Duration::from_millis(150)), &Interest::default());
        assert_eq!(s.due_us(), SECOND + 151_000);
        s.book(&grid(), (s.due_us(), s.due_us() + 10), None, None, &Interest::default());
        assert_eq!(s.due_us(), 2 * SECOND);
    }

    #[test]
    fn what_rests_is_read_on_the_last_tick_of_its_rest() {
        let mut s = schedule(Pace::Refresh);
        s.book(&grid(), (SECOND, SECOND + 9), None, None, &Interest::default());
        s.rest(&grid(), SECOND + 9, Duration::from_secs(10));
        assert_eq!(s.due_us(), 11 * SECOND);
        let slow = Grid::new(SECOND, Duration::from_secs(30));
        s.book(&slow, (SECOND, SECOND + 9), None, None, &Interest::default());
        s.rest(&slow, SECOND + 9, Duration::from_secs(10));
        assert_eq!(s.due_us(), 31 * SECOND, "never before its pace");
    }

    #[test]
    fn a_reading_just_before_a_tick_leaves_that_tick_out() {
        let mut s = schedule(Pace::Refresh);
        s.book(&grid(), (SECOND + 900_000, SECOND + 901_000), None, None, &Interest::default());
        assert_eq!(s.due_us(), 3 * SECOND);
    }

    #[test]
    fn what_is_absent_or_denied_is_tried_again_each_minute() {
        for fault in [Fault::Absent("no zfs".to_owned()), Fault::Denied { what: "x".to_owned(), hint: "y".to_owned() }]
        {
            let mut s = schedule(Pace::Refresh);
            s.book(&grid(), (SECOND, SECOND), Some(&fault), None, &Interest::default());
            assert_eq!(s.due_us(), 61 * SECOND);
        }
    }

    #[test]
    fn broken_readings_back_off_until_a_good_one() {
        let mut s = schedule(Pace::Refresh);
        let mut waits = Vec::new();
        for _ in 0..8 {
            let at = s.due_us();
            s.book(&grid(), (at, at), Some(&broken()), None, &Interest::default());
            waits.push((s.due_us() - at) / SECOND);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        let at = s.due_us();
        s.book(&grid(), (at, at), None, None, &Interest::default());
        assert_eq!(s.due_us() - at, SECOND);
        s.book(&grid(), (at, at), Some(&broken()), None, &Interest::default());
        assert_eq!(s.due_us() - at, SECOND);
    }

    #[test]
    fn a_wanted_source_sleeps_unless_wanted() {
        let pace = Pace::Wanted(|w| w.sockets);
        let mut s = schedule(pace);
        assert_eq!(s.due_us(), NEVER);
        let interest = Interest { sockets: true, ..Interest::default() };
        assert!(s.woken_by(Lane("sockets"), &Interest::default(), &interest));
        assert!(!s.woken_by(Lane("sockets"), &interest, &interest.clone()));
        s.now(SECOND + 5);
        s.book(&grid(), (SECOND + 5, SECOND + 6), None, None, &interest);
        assert_eq!(s.due_us(), 2 * SECOND);
        s.book(&grid(), (2 * SECOND, 2 * SECOND), None, None, &Interest::default());
        assert_eq!(s.due_us(), NEVER);
    }

    #[test]
    fn resuming_after_a_pause_wakes_all_but_the_unwanted() {
        let paused = Interest { paused: true, ..Interest::default() };
        assert!(wakes(Pace::Refresh, Lane::KERNEL, &paused, &Interest::default()));
        assert!(!wakes(Pace::Wanted(|w| w.sockets), Lane("sockets"), &paused, &Interest::default()));
        assert!(!wakes(Pace::Refresh, Lane::KERNEL, &Interest::default(), &paused));
    }

    #[test]
    fn another_process_in_the_detail_is_read_at_once() {
        let key = |pid| Some(crate::model::process::ProcKey { pid, start_ticks: 1 });
        let one = Interest { detail: key(1), ..Interest::default() };
        let two = Interest { detail: key(2), ..Interest::default() };
        let pace = Pace::Wanted(|w| w.detail.is_some());
        assert!(wakes(pace, Lane("detail"), &one, &two));
        assert!(!wakes(pace, Lane("detail"), &one, &Interest { visible: vec![], ..one.clone() }));
    }

    #[test]
    fn an_added_service_is_probed_at_once() {
        use crate::model::service::target::{ServiceTarget, ServiceUrl};
        let target = ServiceTarget::new("web", ServiceUrl::parse("http://127.0.0.1").expect("a URL"));
        let (none, one) = (Interest::default(), Interest { services: vec![target].into(), ..Interest::default() });
        let pace = Pace::AtLeast(Duration::from_secs(1));
        assert!(wakes(pace, Lane::SERVICES, &none, &one));
        assert!(!wakes(pace, Lane::SERVICES, &one, &one) && !wakes(pace, Lane::KERNEL, &none, &one));
    }

    #[test]
    fn new_grid_moves_regular_readings_and_leaves_backoff() {
        let faster = Grid::new(10 * SECOND, Duration::from_millis(500));
        let mut regular = schedule(Pace::Refresh);
        regular.realign(&faster, 10 * SECOND);
        assert_eq!(regular.due_us(), 10 * SECOND + 500_000);
        let mut failing = schedule(Pace::Refresh);
        failing.book(&grid(), (SECOND, SECOND), Some(&Fault::Absent(String::new())), None, &Interest::default());
        failing.realign(&faster, 10 * SECOND);
        assert_eq!(failing.due_us(), 61 * SECOND);
    }

    #[test]
    fn the_process_round_starts_just_after_the_others() {
        let mut s = Schedule::new(&grid(), Lane::PROCESSES, Pace::Refresh, &Interest::default());
        assert_eq!(s.due_us(), SECOND);
        s.book(&grid(), (SECOND, SECOND + 100), None, None, &Interest::default());
        let first = s.due_us();
        assert!((2 * SECOND + 1..2 * SECOND + 20_000).contains(&first));
        s.book(&grid(), (first, first + 100), None, None, &Interest::default());
        assert_eq!(s.due_us() - first, SECOND);
    }

    #[test]
    fn processes_are_read_at_once_when_more_of_them_is_wanted() {
        let none = Interest::default();
        for more in [
            Interest { threads: true, ..none.clone() },
            Interest { io_of_all: true, ..none.clone() },
            Interest { commands_of_all: true, ..none.clone() },
        ] {
            let woken = |lane, old: &Interest, new: &Interest| wakes(Pace::Refresh, lane, old, new);
            assert!(woken(Lane::PROCESSES, &none, &more), "{more:?}");
            assert!(!woken(Lane::PROCESSES, &more, &more) && !woken(Lane::PROCESSES, &more, &none), "{more:?}");
            assert!(!woken(Lane::KERNEL, &none, &more), "{more:?}");
        }
    }
}
