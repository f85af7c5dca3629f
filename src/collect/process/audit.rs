//! Checks that reading sleepers in turns hides no work: the machine's CPU time must equal that of the processes.
//!
//! Each round compares the growth of the machine's busy ticks with the growth of what was read. Ended processes leave
//! no gap: a parent inherits the ticks of the children it waited for, so the sum of own and inherited ticks over the
//! living is preserved. What remains unexplained was done by a supposed sleeper: then all of them are read at once.
//! Where even that explains nothing (a container sees the whole machine's counter, but few of its processes), the audit
//! goes blind for a while, and sleepers are read every second round instead.

use crate::clock::TICKS_PER_SECOND;

/// Unexplained share of one core at which the sleepers are read.
const DOUBT: f64 = 0.03;
/// The most that may be attributed to rounding and to work outside of processes, as a share of one core.
const MOST_SLACK: f64 = 0.03;
/// All sleepers are read at once if the unexplained work is this many times the noise, or this share of a core; less
/// may be chance, and is searched for in a quarter of the sleepers per round for as long as it lasts.
const MUCH: (f64, f64) = (4.0, 0.5);
/// Parts of the sleepers that are read in turn: two bits.
pub(super) const PARTS: u32 = 4;
/// Rounds between two scans of all sleepers.
const GAP: u32 = 2;
/// Scans in a row without a result, after which the audit is blind.
const VAIN: u32 = 3;
/// Rounds for which it is blind.
const BLIND: u32 = 64;

/// The sums of one round, and what carries over to the next.
#[derive(Debug, Default)]
pub(super) struct Audit {
    /// Ticks of the rows read in this round.
    own: u64,
    /// Ticks inherited from children, read in this round.
    inherited: u64,
    /// Ticks of ended processes, as their rows had them: in this round, and in the two before if not inherited yet.
    ended: [u64; 3],
    /// Unexplained so far.
    debt: f64,
    /// The part of it left over from earlier rounds and not yet attributed.
    earlier: f64,
    /// Explained when the round was settled.
    settled: f64,
    /// The part of this round that was open then and is not attributed yet; `None` before.
    open: Option<f64>,
    /// Ticks per second that scans could not explain.
    slack: f64,
    seconds: f64,
    /// Processes started in this round, and the machine's ticks in it.
    births: u64,
    machine: u64,
    /// A scan was due, but too soon after the last.
    owed: bool,
    since_look: u32,
    /// The part that was scanned last, and how many in a row.
    part: u32,
    parts: u32,
    vain: u32,
    blind: u32,
}

/// The audit's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The readings explain the machine's work.
    Explained,
    /// A little work is unexplained, or it is chance: read one of the [`PARTS`].
    Part(u32),
    /// Work is unexplained: read all sleepers.
    All,
}

impl Audit {
    /// Starts a round `seconds` after the previous one, with this many new processes.
    pub(super) fn begin(&mut self, seconds: f64, births: u64) {
        self.births = births;
        self.own = 0;
        self.inherited = 0;
        self.ended = [0, self.ended[0], self.ended[1]];
        self.earlier = self.debt;
        self.open = None;
        self.seconds = seconds;
        self.since_look = self.since_look.saturating_add(1);
        self.blind = self.blind.saturating_sub(1);
    }

    /// Adds what one process used since its last reading.
    pub(super) fn book(&mut self, own: u64, inherited: u64) {
        self.own += own;
        self.inherited += inherited;
    }

    /// Adds an ended process, with all the ticks its rows ever had.
    pub(super) fn remove(&mut self, ticks: u64) {
        self.ended[0] += ticks;
    }

    /// Ticks of ended processes that no row ever had. Call once per round, after all readings.
    pub(super) fn unseen(&mut self) -> u64 {
        let mut left = self.inherited;
        for claim in self.ended.iter_mut().rev() {
            let met = left.min(*claim);
            *claim -= met;
            left -= met;
        }
        left
    }

    fn explained(&self) -> f64 {
        let known: u64 = self.ended.iter().sum();
        (self.own + self.inherited.saturating_sub(known)) as f64
    }

    /// Compares with the growth of the machine's ticks (user, nice, system), `None` if unknown.
    pub(super) fn settle(&mut self, machine: Option<u64>) -> Verdict {
        let Some(machine) = machine else {
            self.blind = self.blind.max(2);
            return Verdict::Explained;
        };
        self.machine = machine;
        self.settled = self.explained();
        let open = machine as f64 - self.settled;
        self.open = Some(open);
        let over = open - self.slack * self.seconds;
        if over < 0.0 {
            // The unexplainable part is smaller than assumed.
            self.slack = (self.slack + over / self.seconds.max(0.1) / 8.0).max(0.0);
        }
        let carried = if self.owed { self.debt } else { self.debt / 2.0 };
        self.debt = (carried + over).max(0.0);
        self.owed = false;
        let doubt = self.doubt();
        if self.blind > 0 || self.debt < doubt {
            self.parts = 0;
            return Verdict::Explained;
        }
        let core = f64::from(TICKS_PER_SECOND) * self.seconds.max(1.0);
        if self.debt < (MUCH.0 * doubt).min(MUCH.1 * core) {
            self.part = (self.part + 1) % PARTS;
            self.parts += 1;
            return Verdict::Part(self.part);
        }
        self.parts = 0;
        if self.since_look < GAP {
            self.owed = true;
            return Verdict::Explained;
        }
        Verdict::All
    }

    fn doubt(&self) -> f64 {
        // The kernel samples whole ticks for the machine, but counts exact time per process: the two differ by chance,
        // by the root of the ticks and of the processes that started and ended.
        let chance = (self.births as f64 + self.machine as f64).sqrt() / 2.0;
        DOUBT * f64::from(TICKS_PER_SECOND) * self.seconds.max(1.0) + chance
    }

    /// Ends a round in which a part of the sleepers or all were read.
    pub(super) fn looked(&mut self) {
        let left = self.debt - (self.explained() - self.settled);
        let found = left < self.doubt();
        if !found && (1..PARTS).contains(&self.parts) {
            self.debt = left;
            return;
        }
        if std::mem::take(&mut self.parts) == 0 {
            self.since_look = 0;
        }
        self.debt = 0.0;
        if found {
            self.vain = 0;
            return;
        }
        let most = MOST_SLACK * f64::from(TICKS_PER_SECOND);
        self.slack = (self.slack + left / self.seconds.max(0.1) / 2.0).min(most);
        self.vain += 1;
        if self.vain >= VAIN {
            self.blind = BLIND;
            // One more scan without a result after that time is enough.
            self.vain = VAIN - 1;
        }
    }

    /// True while the audit is unreliable.
    pub(super) fn is_blind(&self) -> bool {
        self.blind > 0
    }

    /// The span in which a sleeper used `ticks`, microseconds: it was read `since_read` ago, the previous round was
    /// `round` ago. Ticks missed in earlier rounds belong there. All others are of this round, but no more than it left
    /// open; before that is known, a rate too low for the audit to notice may be of any time. A thread can use at most
    /// one core.
    pub(super) fn span(&mut self, ticks: u64, since_read: u64, round: u64, threads: u32) -> u64 {
        if ticks == 0 || since_read <= round + round / 2 {
            return since_read;
        }
        if self.open.is_none() && ticks as f64 * 1e6 <= self.doubt() * since_read as f64 {
            return since_read;
        }
        let earlier = (self.earlier as u64).min(ticks);
        self.earlier -= earlier as f64;
        let least = ticks.saturating_mul(10_000) / u64::from(threads.max(1));
        let now = self.open.map_or(ticks - earlier, |open| (ticks - earlier).min(open.max(0.0) as u64));
        self.open = self.open.map(|open| open - now as f64);
        match now {
            0 => since_read,
            now => (round.saturating_mul(ticks) / now).max(least).min(since_read),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One round: the machine's ticks and those of awake processes; a scan finds `sleepers`.
    fn round(audit: &mut Audit, machine: u64, awake: u64, sleepers: u64) -> Verdict {
        audit.begin(1.0, 0);
        audit.book(awake, 0);
        let verdict = audit.settle(Some(machine));
        if verdict == Verdict::All {
            audit.book(sleepers, 0);
            audit.looked();
        }
        verdict
    }

    #[test]
    fn explained_work_needs_no_scan() {
        let mut audit = Audit::default();
        for n in 0..100 {
            assert_eq!(round(&mut audit, 100 + n % 2, 100, 0), Verdict::Explained);
        }
    }

    #[test]
    fn noise_of_many_forks_causes_no_scan() {
        let mut audit = Audit::default();
        for n in 0..100 {
            audit.begin(1.0, 64);
            audit.book(10, 0);
            let machine = if n % 2 == 0 { 14 } else { 6 };
            assert_eq!(audit.settle(Some(machine)), Verdict::Explained, "{n}");
        }
        audit.begin(1.0, 64);
        audit.book(10, 0);
        assert_eq!(audit.settle(Some(60)), Verdict::All);
    }

    #[test]
    fn a_waking_sleeper_is_found_in_the_same_round() {
        let mut audit = Audit::default();
        for _ in 0..5 {
            round(&mut audit, 40, 40, 0);
        }
        assert_eq!(round(&mut audit, 140, 40, 100), Verdict::All);
        assert_eq!(round(&mut audit, 140, 140, 0), Verdict::Explained);
    }

    #[test]
    fn scans_are_two_rounds_apart_and_none_is_lost() {
        let mut audit = Audit::default();
        round(&mut audit, 0, 0, 0);
        assert_eq!(round(&mut audit, 50, 0, 50), Verdict::All);
        assert_eq!(round(&mut audit, 100, 50, 50), Verdict::Explained);
        assert_eq!(round(&mut audit, 50, 50, 50), Verdict::All);
    }

    #[test]
    fn a_little_work_is_searched_part_by_part() {
        let parts = |audit: &mut Audit, asleep: u64| -> Vec<u32> {
            let mut parts = Vec::new();
            for _ in 0..5 {
                audit.begin(1.0, 0);
                audit.book(40, 0);
                let verdict = audit.settle(Some(48));
                let Verdict::Part(part) = verdict else {
                    assert_eq!(verdict, Verdict::Explained, "of eight hundredths of a core");
                    continue;
                };
                parts.push(part);
                // It is in the second part.
                if parts.len() == 2 {
                    audit.book(asleep, 0);
                }
                audit.looked();
                if parts.len() == 2 && asleep > 0 {
                    break;
                }
            }
            parts
        };
        assert_eq!(parts(&mut Audit::default(), 12), [1, 2]);
        let mut audit = Audit::default();
        assert_eq!(parts(&mut audit, 0)[..4], [1, 2, 3, 0]);
        assert!(audit.slack > 0.0, "no process did it");
    }

    #[test]
    fn short_lived_children_are_explained_by_their_parent() {
        let mut audit = Audit::default();
        for _ in 0..20 {
            audit.begin(1.0, 0);
            audit.book(2, 30);
            assert_eq!(audit.settle(Some(32)), Verdict::Explained);
            assert_eq!(audit.unseen(), 30);
        }
    }

    #[test]
    fn ticks_that_a_row_carried_are_not_inherited_twice() {
        let mut audit = Audit::default();
        audit.begin(1.0, 0);
        audit.book(80, 0);
        assert_eq!(audit.settle(Some(80)), Verdict::Explained);
        audit.unseen();
        // It ends after ten more ticks; the parent inherits all ninety one round late.
        audit.begin(1.0, 0);
        audit.remove(80);
        audit.settle(Some(10));
        assert_eq!(audit.unseen(), 0);
        audit.begin(1.0, 0);
        audit.book(0, 90);
        audit.settle(Some(0));
        assert_eq!(audit.unseen(), 10);
    }

    #[test]
    fn failed_scans_make_it_blind_for_a_while() {
        let mut audit = Audit::default();
        let mut scans = 0;
        let mut blind = 0;
        for _ in 0..100 {
            scans += u32::from(round(&mut audit, 500, 20, 0) == Verdict::All);
            blind += u32::from(audit.is_blind());
        }
        assert!((VAIN..VAIN + 3).contains(&scans), "{scans}");
        assert!(blind > 80, "{blind}");
        for _ in 0..BLIND {
            round(&mut audit, 20, 20, 0);
        }
        assert!(!audit.is_blind());
    }

    #[test]
    fn without_a_machine_counter_it_is_blind() {
        let mut audit = Audit::default();
        audit.begin(1.0, 0);
        audit.settle(None);
        assert!(audit.is_blind());
    }

    #[test]
    fn ticks_of_a_waker_belong_to_this_round() {
        let mut audit = Audit::default();
        audit.begin(1.0, 0);
        let second = 1_000_000;
        assert_eq!(audit.span(60, 8 * second, second, 1), second);
        // Awake since half a round before: 50 ticks went unexplained then.
        audit.earlier = 50.0;
        assert_eq!(audit.span(150, 8 * second, second, 4), 1_500_000);
        // All of it was before.
        audit.earlier = 50.0;
        assert_eq!(audit.span(40, 8 * second, second, 1), 8 * second);
        // So little a second may have been used at any time.
        assert_eq!(audit.span(20, 8 * second, second, 1), 8 * second);
        // This round left but six ticks open.
        audit.earlier = 0.0;
        audit.open = Some(6.0);
        assert_eq!(audit.span(48, 8 * second, second, 1), 8 * second);
        audit.open = None;
        // One thread cannot have used two cores.
        audit.earlier = 0.0;
        assert_eq!(audit.span(200, 8 * second, second, 1), 2 * second);
        assert_eq!(audit.span(200, second, second, 1), second, "one that is read in each round needs no guess");
    }
}
