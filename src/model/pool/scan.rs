//! A scrub or a resilver, and its words in a narrow column.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{clock::Stamp, units::span_short};

/// What a scan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ScanKind {
    Scrub,
    Resilver,
}

/// Where a scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ScanState {
    Running,
    Paused,
    Finished,
    Canceled,
}

/// A scrub or a resilver, under way or the last one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scan {
    /// What it is for.
    pub kind: ScanKind,
    /// Where it is.
    pub state: ScanState,
    /// When it began, and when it ended: seconds since 1970.
    pub started_unix: Option<i64>,
    pub ended_unix: Option<i64>,
    /// 0 to 1; above 1 does not occur here though the tools may say so.
    pub done_ratio: Option<f64>,
    /// Until it is done, as `zpool` or we estimate it from its rate so far.
    pub remaining: Option<Duration>,
    /// Errors that it met.
    pub errors: u64,
    /// Bytes that it repaired or rebuilt.
    pub repaired_bytes: Option<u64>,
}

/// `resilver 42%`, `scrub paused`, `6d ok`, `3 errors`, `never`.
#[must_use]
pub fn scan_words(scan: Option<&Scan>, now: Stamp) -> String {
    let Some(scan) = scan else { return "never".to_owned() };
    let kind = match scan.kind {
        ScanKind::Scrub => "scrub",
        ScanKind::Resilver => "resilver",
    };
    let done = scan.done_ratio.map_or_else(String::new, |r| format!(" {:.0}%", (r * 100.0).floor()));
    match scan.state {
        ScanState::Running => match scan.remaining {
            Some(left) => format!("{kind}{done} {}", span_short(left)),
            None => format!("{kind}{done}"),
        },
        ScanState::Paused => format!("{kind} paused{done}"),
        ScanState::Canceled => format!("{kind} canceled"),
        ScanState::Finished => {
            let age = age(scan, now).map_or_else(String::new, |age| format!("{} ", span_short(age)));
            let what = if scan.kind == ScanKind::Resilver { "resilvered" } else { "ok" };
            match scan.errors {
                0 => format!("{age}{what}"),
                n => format!("{age}{n} errors"),
            }
        }
    }
}

/// Since the scan ended.
fn age(scan: &Scan, now: Stamp) -> Option<Duration> {
    Some(Duration::from_secs(u64::try_from(now.unix_ms / 1000 - scan.ended_unix?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_is_said_in_a_few_words() {
        // An invented date: 1 700 000 000 seconds since 1970 and this one.
        let now = Stamp::at_seconds(0);
        let said = |kind, state, done_ratio, errors| {
            let (started_unix, ended_unix) = (Some(1_699_000_000), Some(1_700_000_000 - 3 * 86_400));
            let scan = Scan {
                kind,
                state,
                started_unix,
                ended_unix,
                done_ratio,
                remaining: None,
                errors,
                repaired_bytes: None,
            };
            scan_words(Some(&scan), now)
        };
        use ScanKind::{Resilver, Scrub};
        use ScanState::{Canceled, Finished, Paused, Running};
        assert_eq!(said(Scrub, Running, Some(0.429), 0), "scrub 42%");
        assert_eq!(said(Resilver, Paused, Some(0.5), 0), "resilver paused 50%");
        assert_eq!(said(Scrub, Canceled, None, 0), "scrub canceled");
        assert_eq!(said(Scrub, Finished, None, 0), "3d ok");
        assert_eq!(said(Resilver, Finished, None, 0), "3d resilvered");
        assert_eq!(said(Scrub, Finished, None, 2), "3d 2 errors");
        assert_eq!(scan_words(None, now), "never");
    }
}
