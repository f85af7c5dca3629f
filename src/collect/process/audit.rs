//! The audit that keeps reading in turn honest: what the machine says it worked must be what the processes say they did.
//!
//! Each round compares the growth of the machine's busy ticks with the growth of what was read. Processes that ended
//! are no hole in it: a parent inherits the ticks of the children that it waited for, so the sum over the living of
//! own and inherited ticks is kept. What stays unexplained was done by somebody who was thought asleep: then all of
//! them are read at once. Where even that explains nothing (a container sees the whole machine's counter, but few of
//! its processes) the audit is blind for a while, and the sleepers are read every second round instead.

use crate::clock::TICKS_PER_SECOND;

/// Unexplained share of one core at which the sleepers are looked at.
const DOUBT: f64 = 0.03;
/// The most that may be put down to rounding and to work that no process has, as a share of one core.
const MOST_SLACK: f64 = 0.03;
/// Work that nobody did is looked for among all at once when it is so many times the doubt, or this share of a core; less
/// may be chance, and is looked for in a quarter of the sleepers a round for as long as it lasts.
const MUCH: (f64, f64) = (4.0, 0.5);
/// Parts of the sleepers that are looked at in turn: two bits.
pub(super) const PARTS: u32 = 4;
/// Rounds between two looks at all sleepers.
const GAP: u32 = 2;
/// Looks in a row that found nothing, after which the audit is blind.
const VAIN: u32 = 3;
/// Rounds for which it is blind.
const BLIND: u32 = 64;

/// The books of one round and what is carried on to the next.
#[derive(Debug, Default)]
pub(super) struct Audit {
    /// Ticks of the rows read in this round.
    own: u64,
    /// Ticks inherited from children, read in this round.
    inherited: u64,
    /// Ticks of processes that ended, as their rows had them: in this round, and in the two before if nobody inherited
    /// them yet.
    ended: [u64; 3],
    /// Unexplained so far.
    debt: f64,
    /// What of it stood at the beginning of the round and was not yet laid to anybody's charge.
    earlier: f64,
    /// Explained when the round was settled.
    settled: f64,
    /// What was open then and was not yet laid to anybody's charge; `None` before.
    open: Option<f64>,
    /// Unexplainable, ticks a second, as looks in vain have taught.
    slack: f64,
    seconds: f64,
    /// Processes that were born in this round, and the machine's ticks in it.
    births: u64,
    machine: u64,
    /// Set by a look that was due but came too soon after the one before.
    owed: bool,
    since_look: u32,
    /// The part that was looked at last, and how many were in a row.
    part: u32,
    parts: u32,
    vain: u32,
    blind: u32,
}

/// What the books say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// What was read explains what was worked.
    Explained,
    /// Somebody who was not read has worked a little, or it is chance: one of the [`PARTS`] is to be read.
    Part(u32),
    /// Somebody who was not read has worked.
    Look,
}

impl Audit {
    /// Opens a round `seconds` after the one before, in which so many were born.
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

    /// Books what one process used since it was read before.
    pub(super) fn book(&mut self, own: u64, inherited: u64) {
        self.own += own;
        self.inherited += inherited;
    }

    /// Books a process that ended, with all that was ever booked of it.
    pub(super) fn bury(&mut self, ticks: u64) {
        self.ended[0] += ticks;
    }

    /// Ticks of processes that ended which no row ever carried. To be asked once a round, when all is read.
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

    /// Compares with the growth of the machine's ticks (user, nice, system). `None` where that is unknown.
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
            // The unexplainable part is less than was thought.
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
        Verdict::Look
    }

    fn doubt(&self) -> f64 {
        // The kernel counts whole ticks of the machine by looking who runs, and exact time of processes: the two differ
        // by chance, as the root of the ticks and of the processes that came and went.
        let chance = (self.births as f64 + self.machine as f64).sqrt() / 2.0;
        DOUBT * f64::from(TICKS_PER_SECOND) * self.seconds.max(1.0) + chance
    }

    /// Closes a round in which a part or everything was read after all.
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
            // One more look in vain after that time is enough.
            self.vain = VAIN - 1;
        }
    }

    /// True while the audit cannot be relied on.
    pub(super) fn is_blind(&self) -> bool {
        self.blind > 0
    }

    /// The span over which a sleeper spent `ticks`, microseconds: it was read `since_read` ago, the round before was
    /// `round` ago. Ticks that were missed in earlier rounds are earlier ones. All others are of this round, but no more
    /// than it left open; where that is not known yet, so few a second that nobody misses them may be of any time. No
    /// thread can use more than one core.
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

    /// One round: the machine's ticks, what the awake used; `sleepers` is found if a look is taken.
    fn round(audit: &mut Audit, machine: u64, awake: u64, sleepers: u64) -> Verdict {
        audit.begin(1.0, 0);
        audit.book(awake, 0);
        let verdict = audit.settle(Some(machine));
        if verdict == Verdict::Look {
            audit.book(sleepers, 0);
            audit.looked();
        }
        verdict
    }

    #[test]
    fn work_that_is_explained_needs_no_look() {
        let mut audit = Audit::default();
        for n in 0..100 {
            assert_eq!(round(&mut audit, 100 + n % 2, 100, 0), Verdict::Explained);
        }
    }

    #[test]
    fn chance_among_many_births_is_no_reason_to_look() {
        let mut audit = Audit::default();
        for n in 0..100 {
            audit.begin(1.0, 64);
            audit.book(10, 0);
            let machine = if n % 2 == 0 { 14 } else { 6 };
            assert_eq!(audit.settle(Some(machine)), Verdict::Explained, "{n}");
        }
        audit.begin(1.0, 64);
        audit.book(10, 0);
        assert_eq!(audit.settle(Some(60)), Verdict::Look);
    }

    #[test]
    fn a_sleeper_that_wakes_is_looked_for_in_the_same_round() {
        let mut audit = Audit::default();
        for _ in 0..5 {
            round(&mut audit, 40, 40, 0);
        }
        assert_eq!(round(&mut audit, 140, 40, 100), Verdict::Look);
        assert_eq!(round(&mut audit, 140, 140, 0), Verdict::Explained);
    }

    #[test]
    fn looks_are_two_rounds_apart_and_the_second_is_not_forgotten() {
        let mut audit = Audit::default();
        round(&mut audit, 0, 0, 0);
        assert_eq!(round(&mut audit, 50, 0, 50), Verdict::Look);
        assert_eq!(round(&mut audit, 100, 50, 50), Verdict::Explained);
        assert_eq!(round(&mut audit, 50, 50, 50), Verdict::Look);
    }

    #[test]
    fn a_little_work_is_looked_for_part_by_part() {
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
        assert!(audit.slack > 0.0, "nobody did it");
    }

    #[test]
    fn children_that_came_and_went_are_explained_by_their_parent() {
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
        // It ends after ten more ticks; the parent is told of all ninety one round late.
        audit.begin(1.0, 0);
        audit.bury(80);
        audit.settle(Some(10));
        assert_eq!(audit.unseen(), 0);
        audit.begin(1.0, 0);
        audit.book(0, 90);
        audit.settle(Some(0));
        assert_eq!(audit.unseen(), 10);
    }

    #[test]
    fn looks_in_vain_make_it_blind_and_it_tries_again_later() {
        let mut audit = Audit::default();
        let mut looks = 0;
        let mut blind = 0;
        for _ in 0..100 {
            looks += u32::from(round(&mut audit, 500, 20, 0) == Verdict::Look);
            blind += u32::from(audit.is_blind());
        }
        assert!((VAIN..VAIN + 3).contains(&looks), "{looks}");
        assert!(blind > 80, "{blind}");
        for _ in 0..BLIND {
            round(&mut audit, 20, 20, 0);
        }
        assert!(!audit.is_blind());
    }

    #[test]
    fn no_counter_of_the_machine_is_blindness_too() {
        let mut audit = Audit::default();
        audit.begin(1.0, 0);
        audit.settle(None);
        assert!(audit.is_blind());
    }

    #[test]
    fn waker_s_ticks_are_of_this_round_unless_some_were_missed() {
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
