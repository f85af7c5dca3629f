//! When a frame for new figures is drawn: figures of one tick come within some milliseconds of each other, and make one
//! frame. Pure, on microseconds of the run's clock.

use std::time::Duration;

use crate::model::{event::Envelope, health::Healths, source::SourceId};

/// A frame waits this long after the tick for the round of processes, which comes last.
const GRACE: Duration = Duration::from_millis(120);
/// At the start, what comes first is gathered for this long before it is drawn.
const GATHER: Duration = Duration::from_millis(12);
/// How long the first figures wait for the first round of processes.
const FIRST_GATHER: Duration = Duration::from_millis(40);
/// A terminal that takes nothing is tried again after this.
pub const RETRY: Duration = Duration::from_millis(20);

/// What the sources brought since the last frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Brought {
    /// Anything.
    any: bool,
    /// The first answer of a source, or a failure.
    first: bool,
    /// Nothing more of this tick is to come, or it is what an open view waits for.
    complete: bool,
}

impl Brought {
    /// Takes note of an envelope before it is folded into what is `known`.
    pub fn note(&mut self, envelope: &Envelope, known: &Healths) {
        let source = envelope.source;
        let is_known = |source| known.get(source).is_some();
        self.any = true;
        self.first |= !is_known(source) || envelope.outcome.is_err();
        self.complete |= source == SourceId::Processes
            // The first facts give names to the users of processes that are shown already.
            || (source == SourceId::Facts && !is_known(source) && is_known(SourceId::Processes))
            || (source.is_on_demand() && envelope.outcome.is_ok());
    }
}

/// What the wait depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Now.
    pub now_us: u64,
    /// The next tick of the sources.
    pub next_tick_us: u64,
    /// Between two ticks.
    pub every: Duration,
    /// The newest moment that is known.
    pub known_us: u64,
    /// Facts have been read: users have names.
    pub facts: bool,
    /// Processes have been read.
    pub processes: bool,
}

/// Figures that no frame shows yet, and when one will.
#[derive(Debug, Default)]
pub struct Frames {
    news: bool,
    due_us: Option<u64>,
}

impl Frames {
    /// Settles when what was brought is drawn.
    pub fn brought(&mut self, brought: Brought, moment: Moment) {
        self.news |= brought.any;
        let now = moment.now_us;
        if self.news {
            let at = now + wait(brought, moment);
            self.due_us = Some(self.due_us.map_or(at, |before| before.min(at)));
        } else if self.due_us.is_none() && now.saturating_sub(moment.known_us) > micros(moment.every * 3 / 2) {
            // Nothing came for a while: ages must still grow on the screen.
            self.due_us = Some(now);
        }
    }

    /// When the next frame is due.
    #[must_use]
    pub fn due_us(&self) -> Option<u64> {
        self.due_us
    }

    /// True when a frame is to be drawn now.
    #[must_use]
    pub fn is_due(&self, now_us: u64) -> bool {
        self.due_us.is_some_and(|due| due <= now_us)
    }

    /// The terminal takes nothing now.
    pub fn postpone(&mut self, now_us: u64) {
        self.due_us = Some(now_us + micros(RETRY));
    }

    /// All news is drawn.
    pub fn drawn(&mut self) {
        *self = Frames::default();
    }
}

/// When the loop checks for samples even if no source wakes it.
#[must_use]
pub fn look_us(next_tick_us: u64) -> u64 {
    next_tick_us + micros(GRACE)
}

fn wait(brought: Brought, moment: Moment) -> u64 {
    match brought {
        // Processes whose users have no names yet wait for these, as long as others would be gathered.
        Brought { complete: true, .. } if !moment.facts => micros(GATHER),
        Brought { complete: true, .. } => 0,
        // The very first figures wait for the first round of processes, which is under way: one frame, not two.
        Brought { first: true, .. } if !moment.processes => micros(FIRST_GATHER),
        Brought { first: true, .. } => micros(GATHER),
        // What trickles in between rounds is shown with the next one; the tick's grace covers a round that is late.
        _ => {
            let tick = moment.next_tick_us.saturating_sub(micros(moment.every));
            look_us(tick).saturating_sub(moment.now_us)
        }
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Stamp,
        model::{event::Sample, fault::Fault, load::LoadSample, process::ProcessSample, socket::SocketSample},
    };

    const MS: u64 = 1000;
    const TICK: u64 = 10_000 * MS;

    /// So many milliseconds after a tick, in the middle of a run.
    fn after(ms: u64) -> Moment {
        Moment {
            now_us: TICK + ms * MS,
            next_tick_us: TICK + 1000 * MS,
            every: Duration::from_secs(1),
            known_us: TICK - 990 * MS,
            facts: true,
            processes: true,
        }
    }

    const NOTHING: Brought = Brought { any: false, first: false, complete: false };
    const SOME: Brought = Brought { any: true, ..NOTHING };
    const FIRST: Brought = Brought { first: true, ..SOME };
    const ROUND: Brought = Brought { complete: true, ..SOME };

    #[test]
    fn each_kind_of_news_waits_its_time() {
        let due = |brought, moment| {
            let mut frames = Frames::default();
            frames.brought(brought, moment);
            frames.due_us().map(|due| due.saturating_sub(moment.now_us) / MS)
        };
        let start = |moment| Moment { facts: false, processes: false, ..moment };
        for (what, brought, moment, expected) in [
            ("nothing", NOTHING, after(5), None),
            ("a round of processes", ROUND, after(20), Some(0)),
            ("a round before users have names", ROUND, Moment { facts: false, ..after(20) }, Some(12)),
            ("figures before their round", SOME, after(5), Some(115)),
            ("figures whose round is late", SOME, after(300), Some(0)),
            ("a failure", FIRST, after(5), Some(12)),
            ("the very first figures", FIRST, start(after(5)), Some(40)),
        ] {
            assert_eq!(due(brought, moment), expected, "{what}");
        }
    }

    #[test]
    fn later_news_never_delays_a_frame() {
        let mut frames = Frames::default();
        frames.brought(FIRST, after(5));
        frames.brought(SOME, after(6));
        assert_eq!(frames.due_us(), Some(TICK + 17 * MS));
        frames.brought(ROUND, after(7));
        assert!(frames.is_due(TICK + 7 * MS));
        frames.drawn();
        assert_eq!(frames.due_us(), None);
    }

    #[test]
    fn ages_grow_though_nothing_comes() {
        let mut frames = Frames::default();
        frames.brought(NOTHING, Moment { known_us: TICK - 1400 * MS, ..after(90) });
        assert_eq!(frames.due_us(), None, "no more than one and a half refreshes");
        frames.brought(NOTHING, Moment { known_us: TICK - 1400 * MS, ..after(110) });
        assert!(frames.is_due(TICK + 110 * MS));
    }

    #[test]
    fn a_full_terminal_is_tried_again() {
        let mut frames = Frames::default();
        frames.brought(ROUND, after(5));
        frames.postpone(TICK + 5 * MS);
        assert_eq!(frames.due_us(), Some(TICK + 25 * MS));
    }

    #[test]
    fn what_an_envelope_is_depends_on_what_is_known() {
        let envelope = |source, outcome| Envelope {
            source,
            at: Stamp::at_seconds(1),
            took: Duration::ZERO,
            every: Duration::from_secs(1),
            outcome,
        };
        let load = || envelope(SourceId::Load, Ok(Sample::Load(LoadSample::default())));
        let processes = || envelope(SourceId::Processes, Ok(Sample::Processes(ProcessSample::default())));
        let facts = || envelope(SourceId::Facts, Ok(Sample::Facts(Box::default())));
        let sockets = || envelope(SourceId::Sockets, Ok(Sample::Sockets(SocketSample::default())));
        let brought = |known: &[Envelope], new: &Envelope| {
            let mut healths = Healths::default();
            known.iter().for_each(|envelope| healths.note(envelope));
            let mut brought = Brought::default();
            brought.note(new, &healths);
            (brought.first, brought.complete)
        };
        assert_eq!(brought(&[], &load()), (true, false));
        assert_eq!(brought(&[load()], &load()), (false, false));
        assert_eq!(brought(&[load()], &envelope(SourceId::Load, Err(Fault::Timeout))), (true, false));
        assert_eq!(brought(&[processes()], &processes()), (false, true));
        assert_eq!(brought(&[], &facts()), (true, false));
        assert_eq!(brought(&[processes()], &facts()), (true, true));
        assert_eq!(brought(&[processes(), facts()], &facts()), (false, false));
        assert_eq!(brought(&[sockets()], &sockets()), (false, true), "an open view waits for it");
    }
}
