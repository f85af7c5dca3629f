//! Time as data: every fact carries a [`Stamp`], and nothing but the edges of the program reads a clock, so that a
//! replay gives the same answer as life did.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// One moment, told twice: for measuring spans and for telling people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Stamp {
    /// Microseconds since the program's clock began; never jumps. Spans are taken from this alone.
    pub mono_us: u64,
    /// Milliseconds since 1970 UTC; may jump when the wall clock is set.
    pub unix_ms: i64,
}

impl Stamp {
    /// The span from `earlier` to this moment; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Stamp) -> Duration {
        Duration::from_micros(self.mono_us.saturating_sub(earlier.mono_us))
    }

    /// This moment moved on by `span`, on both clocks.
    #[must_use]
    pub fn plus(self, span: Duration) -> Stamp {
        Stamp {
            mono_us: self.mono_us + u64::try_from(span.as_micros()).unwrap_or(u64::MAX / 2),
            unix_ms: self.unix_ms + i64::try_from(span.as_millis()).unwrap_or(0),
        }
    }

    /// The same moment of people's clock, for measuring moved on by `span`: a span from here leaves that much out.
    #[must_use]
    pub fn leaving_out(self, span: Duration) -> Stamp {
        Stamp { mono_us: self.plus(span).mono_us, ..self }
    }

    /// A moment `seconds` after the clock began, on an invented date: for tests and fixtures.
    #[must_use]
    pub fn at_seconds(seconds: u64) -> Stamp {
        Stamp { mono_us: seconds * 1_000_000, unix_ms: 1_700_000_000_000 + i64::try_from(seconds).unwrap_or(0) * 1000 }
    }
}

/// The machine's clock, shared by all lanes: stamps of one run are comparable.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Instant,
}

impl Clock {
    /// Starts a clock now. The first second is skipped so that no real stamp is zero.
    #[must_use]
    pub fn start() -> Self {
        Clock { began: Instant::now() }
    }

    /// The moment now.
    #[must_use]
    pub fn now(&self) -> Stamp {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Stamp {
            mono_us: u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX) + 1_000_000,
            unix_ms: i64::try_from(unix.as_millis()).unwrap_or(i64::MAX),
        }
    }

    /// The [`Instant`] at which this clock shows `mono_us`.
    #[must_use]
    pub fn instant(&self, mono_us: u64) -> Instant {
        self.began + Duration::from_micros(mono_us.saturating_sub(1_000_000))
    }
}
