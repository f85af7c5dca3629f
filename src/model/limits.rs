//! Our own limits when we run inside a container or LXC: cgroup quota, memory ceiling, throttling
//! ("Documentation/admin-guide/cgroup-v2.rst", cgroup-v1).

use serde::{Deserialize, Serialize};

use super::{rate::per_second, span::Span};

/// One reading; all `None` when nothing limits us.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LimitsSample {
    /// Cores that we may use, from quota / period or the cpuset when smaller than the machine.
    pub cpu_cores: Option<f64>,
    /// Memory ceiling, bytes.
    pub memory_bytes: Option<u64>,
    /// Memory charged now, page cache apart, bytes.
    pub memory_used_bytes: Option<u64>,
    /// CPU microseconds used by our group since it began.
    pub usage_us: Option<u64>,
    /// Periods in which the group was throttled, of all periods.
    pub throttled_periods: Option<(u64, u64)>,
    /// Microseconds throttled since the group began.
    pub throttled_us: Option<u64>,
    /// `docker`, `lxc`, `podman`, `systemd` …
    pub kind: Option<String>,
}

/// All that is shown of our limits.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Limits {
    pub raw: LimitsSample,
    /// Share of the allowed cores in use, 0 to 1.
    pub cpu_ratio: Option<f64>,
    /// Share of the memory ceiling in use, 0 to 1.
    pub memory_ratio: Option<f64>,
    /// Share of periods throttled in the last span, 0 to 1.
    pub throttled_ratio: Option<f64>,
}

impl Limits {
    pub fn apply(&mut self, span: Span, sample: LimitsSample) {
        let raw = &self.raw;
        let used = span.since.zip(raw.usage_us.zip(sample.usage_us));
        let cores_used = used.and_then(|(since, (before, now))| per_second(before, now, since)).map(|us| us / 1e6);
        self.cpu_ratio =
            cores_used.zip(sample.cpu_cores.filter(|c| *c > 0.0)).map(|(used, cores)| (used / cores).min(1.0));
        self.memory_ratio = sample
            .memory_used_bytes
            .zip(sample.memory_bytes.filter(|limit| *limit > 0))
            .map(|(used, limit)| used as f64 / limit as f64);
        self.throttled_ratio =
            span.since.and(raw.throttled_periods).zip(sample.throttled_periods).and_then(|(b, n)| throttled(b, n));
        self.raw = sample;
    }
}

/// Throttled share of the periods between two readings. No period went by: nothing ran, so nothing was held back.
fn throttled(before: (u64, u64), now: (u64, u64)) -> Option<f64> {
    let (held_back, periods) = (now.0.checked_sub(before.0)?, now.1.checked_sub(before.1)?);
    Some(if periods == 0 { 0.0 } else { (held_back as f64 / periods as f64).min(1.0) })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Stamp;

    fn fold(limits: &mut Limits, second: u64, since: Option<u64>, sample: LimitsSample) {
        let span = Span {
            at: Stamp::at_seconds(second),
            every: Duration::from_secs(1),
            since: since.map(Duration::from_secs),
        };
        limits.apply(span, sample);
    }

    fn sample(usage_us: u64, throttled_periods: (u64, u64)) -> LimitsSample {
        LimitsSample {
            cpu_cores: Some(2.0),
            memory_bytes: Some(1000),
            memory_used_bytes: Some(250),
            usage_us: Some(usage_us),
            throttled_periods: Some(throttled_periods),
            ..LimitsSample::default()
        }
    }

    #[test]
    fn use_is_a_share_of_what_we_may_use() {
        let mut limits = Limits::default();
        fold(&mut limits, 1, None, sample(0, (0, 0)));
        assert_eq!((limits.cpu_ratio, limits.memory_ratio, limits.throttled_ratio), (None, Some(0.25), None));
        fold(&mut limits, 3, Some(2), sample(1_000_000, (5, 20)));
        assert_eq!((limits.cpu_ratio, limits.throttled_ratio), (Some(0.25), Some(0.25)));
        fold(&mut limits, 4, Some(1), sample(1_000_000, (5, 20)));
        assert_eq!((limits.cpu_ratio, limits.throttled_ratio), (Some(0.0), Some(0.0)), "nothing ran");
    }

    #[test]
    fn a_group_that_began_anew_or_has_no_limit_gives_no_share() {
        let mut limits = Limits::default();
        fold(&mut limits, 1, None, sample(9_000_000, (5, 20)));
        fold(&mut limits, 2, Some(1), sample(1, (0, 1)));
        assert_eq!((limits.cpu_ratio, limits.throttled_ratio), (None, None));
        let free = LimitsSample { cpu_cores: None, memory_bytes: None, ..sample(2, (0, 2)) };
        fold(&mut limits, 3, Some(1), free);
        assert_eq!((limits.cpu_ratio, limits.memory_ratio), (None, None));
    }
}
