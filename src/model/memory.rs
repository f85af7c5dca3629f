//! Memory as owners mean it: what programs hold is "used", what the kernel would give back is not ("proc(5)" meminfo,
//! OpenZFS arcstats, zram mm_stat).

use serde::{Deserialize, Serialize};

use super::{
    arc::{ArcRates, ArcSample},
    rate::per_second,
    series::Series,
    span::Span,
};

/// One reading, all in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MemorySample {
    pub total: u64,
    pub free: u64,
    pub available: u64,
    pub buffers: u64,
    pub cached: u64,
    pub shmem: u64,
    pub slab: Option<u64>,
    pub slab_reclaimable: u64,
    pub anonymous: Option<u64>,
    pub mapped: Option<u64>,
    pub dirty: Option<u64>,
    pub writeback: Option<u64>,
    pub page_tables: Option<u64>,
    pub kernel_stack: Option<u64>,
    pub committed: Option<u64>,
    pub commit_limit: Option<u64>,
    pub swap_total: u64,
    pub swap_free: u64,
    pub swap_cached: Option<u64>,
    /// Reserved in huge pages of all sizes: taken from everybody, whether used or not.
    pub huge_total: u64,
    /// Of them unused.
    pub huge_free: u64,
    pub anonymous_huge: Option<u64>,
    /// Pages swapped in and out since boot (`/proc/vmstat` pswpin, pswpout); `None` without swap, and where only the whole
    /// host's are reported.
    pub swapped_in_pages: Option<u64>,
    pub swapped_out_pages: Option<u64>,
    /// Bytes a page; 0 in readings without it, which means 4096.
    #[serde(default)]
    pub page_bytes: u64,
    /// OpenZFS's adaptive replacement cache, where the module is loaded and the cache lies in this memory.
    pub arc: Option<ArcSample>,
    /// Compressed swap in memory, summed over all zram devices in use.
    pub zram: Option<ZramSample>,
}

/// zram devices together, bytes ("zram mm_stat": orig_data_size, compr_data_size, mem_used_total).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ZramSample {
    pub original: u64,
    pub compressed: u64,
    pub memory_used: u64,
}

/// All that is shown of memory. `used + arc + cache + free = total`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    pub raw: MemorySample,
    /// Held by programs and the kernel: total − available, less what the ARC would give back. Bytes.
    pub used: u64,
    /// What the ARC would give back, its size above its minimum, bytes; 0 where there is none. `raw.arc` has its size.
    pub arc: u64,
    /// Page cache and reclaimable slab, bytes.
    pub cache: u64,
    /// Unused, bytes.
    pub free: u64,
    /// What programs may still take: available and the ARC above its minimum. Bytes.
    pub available: u64,
    /// `used / total`, 0 to 1; `None` when the total is unknown.
    pub used_ratio: Option<f64>,
    /// Swap in use, bytes.
    pub swap_used: u64,
    /// Bytes a second read back from swap.
    pub swap_in_per_second: Option<f64>,
    /// Bytes a second written to swap.
    pub swap_out_per_second: Option<f64>,
    /// What the ARC did in the last span.
    pub arc_rates: ArcRates,
    /// `used / total`.
    pub used_history: Series,
    /// `swap_used / swap_total`.
    pub swap_history: Series,
}

impl Memory {
    pub fn apply(&mut self, span: Span, sample: MemorySample) {
        let Span { at, every, since } = span;
        // The kernel does not count the ARC as available, though it shrinks down to its minimum when asked.
        let yields = sample.arc.map_or(0, |a| a.size.saturating_sub(a.min));
        self.available = available(&sample).saturating_add(yields).min(sample.total);
        self.used = sample.total - self.available;
        self.arc = yields.min(self.available);
        self.free = sample.free.min(self.available - self.arc);
        self.cache = self.available - self.arc - self.free;
        self.used_ratio = (sample.total > 0).then(|| self.used as f64 / sample.total as f64);
        self.swap_used = sample.swap_total.saturating_sub(sample.swap_free);

        let page = if sample.page_bytes == 0 { 4096.0 } else { sample.page_bytes as f64 };
        let bytes = |before: Option<u64>, now: Option<u64>| {
            since
                .zip(before.zip(now))
                .and_then(|(s, (before, now))| per_second(before, now, s))
                .map(|pages| pages * page)
        };
        self.swap_in_per_second = bytes(self.raw.swapped_in_pages, sample.swapped_in_pages);
        self.swap_out_per_second = bytes(self.raw.swapped_out_pages, sample.swapped_out_pages);
        self.arc_rates = ArcRates::of(self.raw.arc.as_ref(), sample.arc.as_ref(), since);

        self.raw = sample;
        self.used_history.push(at, every, self.used_ratio);
        self.swap_history.push(at, every, self.swap_used_ratio());
    }

    /// Bytes reserved in huge pages, and those of them in use; `None` where none are reserved.
    #[must_use]
    pub fn huge(&self) -> Option<(u64, u64)> {
        let total = self.raw.huge_total;
        (total > 0).then(|| (total, total - self.raw.huge_free.min(total)))
    }

    /// `swap_used / swap_total`, 0 to 1; `None` without swap.
    #[must_use]
    pub fn swap_used_ratio(&self) -> Option<f64> {
        (self.raw.swap_total > 0).then(|| self.swap_used as f64 / self.raw.swap_total as f64)
    }
}

/// MemAvailable; kernels before 3.14 do not report it; there it is computed as they would, without watermarks.
fn available(sample: &MemorySample) -> u64 {
    if sample.available > 0 {
        return sample.available;
    }
    let cache = (sample.buffers + sample.cached + sample.slab_reclaimable).saturating_sub(sample.shmem);
    sample.free.saturating_add(cache)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::clock::Stamp;

    const GIB: u64 = 1 << 30;

    fn apply(memory: &mut Memory, second: u64, since: Option<u64>, sample: &MemorySample) {
        let span = Span {
            at: Stamp::at_seconds(second),
            every: Duration::from_secs(1),
            since: since.map(Duration::from_secs),
        };
        memory.apply(span, *sample);
    }

    fn of(sample: &MemorySample) -> Memory {
        let mut memory = Memory::default();
        apply(&mut memory, 1, None, sample);
        memory
    }

    #[test]
    fn page_cache_is_not_used() {
        let m = of(&MemorySample { total: 32 * GIB, free: 4 * GIB, available: 20 * GIB, ..MemorySample::default() });
        assert_eq!((m.used, m.arc, m.cache, m.free), (12 * GIB, 0, 16 * GIB, 4 * GIB));
        assert_eq!(m.used_ratio, Some(0.375));
    }

    #[test]
    fn swap_is_a_share_of_what_there_is() {
        let of = |swap_total: u64, swap_free: u64| {
            of(&MemorySample { swap_total, swap_free, ..MemorySample::default() }).swap_used_ratio()
        };
        assert_eq!(of(4 * GIB, GIB), Some(0.75));
        assert_eq!((of(4 * GIB, 4 * GIB), of(0, 0)), (Some(0.0), None));
    }

    #[test]
    fn the_arc_above_its_minimum_is_available() {
        let arc = ArcSample { size: 10 * GIB, min: GIB, ..ArcSample::default() };
        let m = of(&MemorySample {
            total: 32 * GIB,
            free: 4 * GIB,
            available: 8 * GIB,
            arc: Some(arc),
            ..MemorySample::default()
        });
        assert_eq!((m.available, m.used, m.arc, m.cache, m.free), (17 * GIB, 15 * GIB, 9 * GIB, 4 * GIB, 4 * GIB));
    }

    #[test]
    fn an_old_kernel_without_mem_available_gets_an_estimate() {
        let m = of(&MemorySample {
            total: 8 * GIB,
            free: GIB,
            cached: 3 * GIB,
            buffers: GIB,
            shmem: GIB,
            slab_reclaimable: GIB,
            ..MemorySample::default()
        });
        assert_eq!((m.available, m.used), (5 * GIB, 3 * GIB));
    }

    #[test]
    fn no_total_is_no_ratio_and_no_swap_is_no_swap_ratio() {
        let m = of(&MemorySample::default());
        assert_eq!((m.used_ratio, m.swap_used_ratio()), (None, None));
    }

    #[test]
    fn swap_traffic_and_arc_hits_are_of_the_span_alone() {
        let before = MemorySample {
            total: GIB,
            swapped_in_pages: Some(100),
            arc: Some(ArcSample { hits: 1000, misses: 1000, ..ArcSample::default() }),
            ..MemorySample::default()
        };
        let mut m = of(&before);
        assert_eq!((m.swap_in_per_second, m.arc_rates.hit_ratio), (None, None));
        let now = MemorySample {
            swapped_in_pages: Some(110),
            page_bytes: 16384,
            arc: Some(ArcSample { hits: 1090, misses: 1010, ..ArcSample::default() }),
            ..before
        };
        apply(&mut m, 3, Some(2), &now);
        assert_eq!((m.swap_in_per_second, m.arc_rates.hit_ratio), (Some(5.0 * 16384.0), Some(0.9)));
        apply(&mut m, 4, Some(1), &before);
        assert_eq!((m.swap_in_per_second, m.arc_rates.hit_ratio), (None, None), "counters that were reset");
    }

    proptest! {
        #[test]
        fn the_parts_add_up_to_the_total(total in 0u64..1 << 44, free in 0u64..1 << 44, available in 0u64..1 << 44, size in 0u64..1 << 44, min in 0u64..1 << 40) {
            let arc = Some(ArcSample { size, min, ..ArcSample::default() });
            let m = of(&MemorySample { total, free, available, arc, ..MemorySample::default() });
            prop_assert_eq!(m.used + m.arc + m.cache + m.free, total);
        }
    }
}
