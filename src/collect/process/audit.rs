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
mod tests;
