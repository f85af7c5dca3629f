//! Time as data: every fact carries a [`Stamp`], and nothing but the edges of the program reads a clock, so that a
//! replay gives the same answer as life did.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use jiff::tz::TimeZone;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// Ticks a second in `/proc` (USER_HZ): whatever the kernel's own timer does, it reports so many to programs on every
/// processor that this is built for.
pub const TICKS_PER_SECOND: u32 = 100;

/// The machine's zone may be changed while we run.
const ZONE_KEPT: Duration = Duration::from_secs(300);

/// The time zone of the machine's owner; UTC where `TZ` or `/etc/localtime` leads to what is no zone file: reading a
/// pipe or a device would never end.
#[must_use]
pub fn local_zone() -> TimeZone {
    const LOCALTIME: &str = "/etc/localtime";
    static READ: Mutex<Option<(Instant, TimeZone)>> = Mutex::new(None);
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, zone)) = read.as_ref().filter(|(at, _)| at.elapsed() < ZONE_KEPT) {
        return zone.clone();
    }
    let tz = std::env::var("TZ").ok();
    let zone = if !is_sane(tz.as_deref(), Path::new(LOCALTIME)) {
        TimeZone::UTC
    } else if tz.is_none_or(|tz| tz.is_empty()) {
        // The zone's name is shown nowhere; to find it, the library would walk through all zones of the machine.
        let file = std::fs::read(LOCALTIME).ok().and_then(|bytes| TimeZone::tzif("", &bytes).ok());
        file.unwrap_or_else(TimeZone::system)
    } else {
        TimeZone::system()
    };
    *read = Some((Instant::now(), zone.clone()));
    zone
}

/// True when the file that `tz` names, or `localtime` where it is not set, may be read. A name of a zone is no path.
fn is_sane(tz: Option<&str>, localtime: &Path) -> bool {
    /// Real ones have some kilobytes.
    const MOST: u64 = 1 << 20;
    let file = match tz.map(|tz| tz.strip_prefix(':').unwrap_or(tz)) {
        None | Some("") => localtime,
        Some(path) if path.starts_with('/') => Path::new(path),
        Some(name) => return !name.split('/').any(|part| part == ".."),
    };
    // What is not there is not read.
    std::fs::metadata(file).map_or(true, |found| found.is_file() && found.len() <= MOST)
}

/// How long the machine was suspended since its boot: by so much CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC.
#[must_use]
pub fn suspended() -> Duration {
    since_boot().saturating_sub(read(ClockId::Monotonic))
}

/// How long this boot has lasted, suspends included.
#[must_use]
pub fn since_boot() -> Duration {
    read(ClockId::Boottime)
}

fn read(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let (seconds, nanos) = (u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0));
    Duration::new(seconds, nanos)
}

/// One moment on two clocks: one for measuring spans, one to show.
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

    /// This moment moved back by `span`, on both clocks.
    #[must_use]
    pub fn back(self, span: Duration) -> Stamp {
        Stamp {
            mono_us: self.mono_us.saturating_sub(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)),
            unix_ms: self.unix_ms.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(0)),
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

/// What a run's clock shows at its start: more than alerts last, so that one of an earlier run has its place before it.
const START_US: u64 = 10 * 365 * 86_400 * 1_000_000;

/// The machine's clock, shared by all lanes: stamps of one run are comparable.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Instant,
}

impl Clock {
    /// Starts a clock now.
    #[must_use]
    pub fn start() -> Self {
        Clock { began: Instant::now() }
    }

    /// A clock that shows its start for a day: a test that gives its own stamps does not depend on the machine's speed.
    #[cfg(test)]
    pub fn stopped() -> Self {
        Clock { began: Instant::now() + Duration::from_secs(86_400) }
    }

    /// The moment now.
    #[must_use]
    pub fn now(&self) -> Stamp {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Stamp {
            mono_us: u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX / 2) + START_US,
            unix_ms: i64::try_from(unix.as_millis()).unwrap_or(i64::MAX),
        }
    }

    /// The [`Instant`] at which this clock shows `mono_us`.
    #[must_use]
    pub fn instant(&self, mono_us: u64) -> Instant {
        self.began + Duration::from_micros(mono_us.saturating_sub(START_US))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_is_read_as_a_zone() {
        let folder = tempfile::tempdir().expect("a folder");
        let zone = folder.path().join("zone");
        std::fs::write(&zone, "TZif").expect("written");
        let (zone, device) = (zone.as_path(), Path::new("/dev/zero"));
        let named = format!(":{}", zone.display());
        for (tz, localtime) in [(None, zone), (Some(""), zone), (Some(&*named), device), (Some("Asia/Tokyo"), device)] {
            assert!(is_sane(tz, localtime), "{tz:?}");
        }
        for (tz, localtime) in
            [(None, device), (Some("/dev/zero"), zone), (Some(":/dev"), zone), (Some("../zero"), zone)]
        {
            assert!(!is_sane(tz, localtime), "{tz:?}");
        }
        assert!(is_sane(Some("UTC+3"), device) && is_sane(None, Path::new("/nowhere")));
    }

    #[test]
    fn a_zone_has_at_most_a_megabyte() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let of_length = |length: u64| {
            file.as_file().set_len(length).expect("its own");
            is_sane(None, file.path())
        };
        assert_eq!([0, 1 << 20, (1 << 20) + 1].map(of_length), [true, true, false]);
    }

    #[test]
    fn spans_are_taken_on_the_clock_that_never_jumps() {
        let at = |mono_us, unix_ms| Stamp { mono_us, unix_ms };
        let (early, late) = (at(2_000_000, 9_000), at(3_500_000, 1_000));
        assert_eq!((late.since(early), early.since(late)), (Duration::from_millis(1500), Duration::ZERO));
        let span = Duration::from_millis(1500);
        assert_eq!((early.plus(span), late.back(span)), (at(3_500_000, 10_500), at(2_000_000, -500)));
        assert_eq!(early.leaving_out(span), at(3_500_000, 9_000));
        let micro = Duration::from_micros(7);
        assert_eq!((early.plus(micro), early.back(micro)), (at(2_000_007, 9_000), at(1_999_993, 9_000)));
        assert_eq!(at(1, 5).back(Duration::from_secs(1)), at(0, -995));
        assert_eq!(at(0, 0).plus(Duration::MAX).mono_us, u64::MAX / 2);
        assert_eq!(Stamp::at_seconds(3), at(3_000_000, 1_700_000_003_000));
    }

    #[test]
    fn a_clock_begins_ten_years_in() {
        const YEARS_US: u64 = 315_360_000_000_000;
        let clock = Clock::start();
        let now = clock.now();
        assert!((YEARS_US..YEARS_US + 60_000_000).contains(&now.mono_us), "{now:?}");
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
        assert!(i128::from(now.unix_ms).abs_diff(unix.cast_signed()) < 60_000, "{now:?}");
        let later = clock.now();
        assert!(later >= now);
        assert_eq!(clock.instant(YEARS_US + 5_000_000) - clock.instant(YEARS_US), Duration::from_secs(5));
        assert!(clock.instant(later.mono_us) <= Instant::now());
        assert_eq!(clock.instant(0), clock.instant(YEARS_US), "nothing was before its start");
        assert_eq!(Clock::stopped().now().mono_us, YEARS_US);
    }

    #[test]
    fn a_boot_lasts_longer_than_the_machine_was_suspended() {
        let boot = since_boot();
        assert!(boot > Duration::ZERO && suspended() < boot);
        let up = std::fs::read_to_string("/proc/uptime").expect("procfs");
        let up: f64 = up.split(' ').next().expect("a figure").parse().expect("seconds");
        assert!((up - boot.as_secs_f64()).abs() < 60.0, "{up} {boot:?}");
    }
}
