//! The ARC, OpenZFS's own cache: what it holds, and how often it had what was asked for ("OpenZFS arcstats").

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::rate::{per_second, share};

/// Lookups of one kind since the module was loaded. What was found while its read was under way (`iohits` of 2.3 and
/// later; before, they were among the hits) counts as a hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lookups {
    pub hits: u64,
    pub misses: u64,
}

impl Lookups {
    #[must_use]
    pub fn all(self) -> u64 {
        self.hits.saturating_add(self.misses)
    }

    /// The share of hits since the module was loaded, 0 to 1; `None` before the first lookup.
    #[must_use]
    pub fn ratio(self) -> Option<f64> {
        (self.all() > 0).then(|| self.hits as f64 / self.all() as f64)
    }
}

/// Who looked for what. A prefetch is ZFS's own guess at what will be read next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    DemandData,
    DemandMetadata,
    PrefetchData,
    PrefetchMetadata,
}

impl Kind {
    /// All kinds, in the order of [`ArcSample::kinds`].
    pub const ALL: [Kind; 4] = [Kind::DemandData, Kind::DemandMetadata, Kind::PrefetchData, Kind::PrefetchMetadata];

    /// `demand data`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Kind::DemandData => "demand data",
            Kind::DemandMetadata => "demand metadata",
            Kind::PrefetchData => "prefetch data",
            Kind::PrefetchMetadata => "prefetch metadata",
        }
    }
}

/// One reading; sizes in bytes, counts since the module was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ArcSample {
    /// What it takes now.
    pub size: u64,
    /// What it strives for (`c`).
    pub target: u64,
    /// What it does not go below (`c_min`).
    pub min: u64,
    /// What it may not exceed (`c_max`).
    pub max: u64,
    /// Hits of all kinds.
    pub hits: u64,
    /// Misses of all kinds.
    pub misses: u64,
    /// Lookups by [`Kind::ALL`].
    pub kinds: [Lookups; 4],
    /// File contents in it.
    pub data_size: u64,
    /// Metadata in it.
    pub metadata_size: u64,
    /// What was read once of late (the list MRU).
    pub recent_size: u64,
    /// What was read more than once (the list MFU).
    pub frequent_size: u64,
    /// Hits in the list MRU.
    pub recent_hits: u64,
    /// Hits in the list MFU.
    pub frequent_hits: u64,
    /// Misses of what had been thrown out of MRU lately: a larger cache would have had it.
    pub recent_ghost_hits: u64,
    /// Likewise of MFU.
    pub frequent_ghost_hits: u64,
    /// Written by programs and not yet on the disks (`anon_size`).
    pub dirty: u64,
    /// How much that may be (`zfs_dirty_data_max`).
    pub dirty_max: Option<u64>,
    /// The cache devices; `None` where no pool has one.
    pub second: Option<SecondLevel>,
}

/// The L2ARC: what fell out of the ARC, kept on cache devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SecondLevel {
    /// Bytes held, before compression.
    pub size: u64,
    /// Bytes that they take on the devices.
    pub stored: u64,
    /// Memory that its index takes, bytes.
    pub index: u64,
    /// Lookups of what the ARC had not.
    pub lookups: Lookups,
    /// Bytes read from the devices.
    pub read_bytes: u64,
    /// Bytes written to them.
    pub written_bytes: u64,
    /// Checksums and I/O that failed.
    pub errors: u64,
}

/// What the ARC did between two readings.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ArcRates {
    /// Share of hits, 0 to 1; `None` when nothing was looked for.
    pub hit_ratio: Option<f64>,
    /// The same by [`Kind::ALL`].
    pub kind_hit_ratios: [Option<f64>; 4],
    /// Lookups a second.
    pub lookups: Option<f64>,
    /// Lookups a second by [`Kind::ALL`].
    pub kind_lookups: [Option<f64>; 4],
    /// Misses a second.
    pub misses: Option<f64>,
    /// Ghost hits a second of MRU and MFU.
    pub ghost_hits: [Option<f64>; 2],
    /// Share of hits of the L2ARC, 0 to 1.
    pub second_hit_ratio: Option<f64>,
    /// Bytes a second read from cache devices.
    pub second_read: Option<f64>,
    /// Bytes a second written to cache devices.
    pub second_written: Option<f64>,
}

impl ArcRates {
    /// Between `before` and `now`; without either, or when the module was reloaded, nothing is known.
    #[must_use]
    pub fn of(before: Option<&ArcSample>, now: Option<&ArcSample>, since: Option<Duration>) -> Self {
        let (Some(before), Some(now), Some(since)) = (before, now, since) else { return ArcRates::default() };
        let rate = |before, now| per_second(before, now, since);
        let ratio = |before: Lookups, now: Lookups| share((before.hits, now.hits), (before.all(), now.all()));
        let all = |s: &ArcSample| Lookups { hits: s.hits, misses: s.misses };
        let mut rates = ArcRates {
            hit_ratio: ratio(all(before), all(now)),
            lookups: rate(all(before).all(), all(now).all()),
            misses: rate(before.misses, now.misses),
            ghost_hits: [
                rate(before.recent_ghost_hits, now.recent_ghost_hits),
                rate(before.frequent_ghost_hits, now.frequent_ghost_hits),
            ],
            ..ArcRates::default()
        };
        for (at, (before, now)) in before.kinds.into_iter().zip(now.kinds).enumerate() {
            rates.kind_hit_ratios[at] = ratio(before, now);
            rates.kind_lookups[at] = rate(before.all(), now.all());
        }
        if let (Some(before), Some(now)) = (before.second, now.second) {
            rates.second_hit_ratio = ratio(before.lookups, now.lookups);
            rates.second_read = rate(before.read_bytes, now.read_bytes);
            rates.second_written = rate(before.written_bytes, now.written_bytes);
        }
        rates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(hits: u64, misses: u64) -> ArcSample {
        let lookups = Lookups { hits, misses };
        ArcSample {
            hits,
            misses,
            kinds: [lookups, Lookups::default(), lookups, lookups],
            recent_ghost_hits: misses,
            second: Some(SecondLevel { lookups, read_bytes: hits * 10, ..SecondLevel::default() }),
            ..ArcSample::default()
        }
    }

    #[test]
    fn rates_are_of_the_span_alone() {
        let rates = ArcRates::of(Some(&sample(1000, 1000)), Some(&sample(1090, 1010)), Some(Duration::from_secs(2)));
        assert_eq!((rates.hit_ratio, rates.lookups, rates.misses), (Some(0.9), Some(50.0), Some(5.0)));
        assert_eq!(rates.kind_hit_ratios, [Some(0.9), None, Some(0.9), Some(0.9)]);
        assert_eq!(rates.kind_lookups[1], Some(0.0), "none is a figure");
        assert_eq!(rates.ghost_hits, [Some(5.0), Some(0.0)]);
        assert_eq!((rates.second_hit_ratio, rates.second_read), (Some(0.9), Some(450.0)));
    }

    #[test]
    fn restarted_counters_and_a_first_sample_give_no_rate() {
        let second = Some(Duration::from_secs(1));
        let reset = ArcRates::of(Some(&sample(1000, 1000)), Some(&sample(10, 10)), second);
        assert_eq!((reset.hit_ratio, reset.misses, reset.second_read), (None, None, None));
        assert_eq!(ArcRates::of(None, Some(&sample(1, 1)), second), ArcRates::default());
        assert_eq!(Lookups::default().ratio(), None);
    }
}
