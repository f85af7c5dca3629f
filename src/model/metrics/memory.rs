//! Metrics of the memory, swap, the ARC and zram.

use super::{
    Unit::{Bytes, BytesPerSecond, PerSecond, Ratio},
    def::{MetricDef, NONE, Put, gauge, one},
};
use crate::model::{
    arc::{ArcSample, Kind},
    host::Host,
    memory::ZramSample,
    source::SourceId::Memory,
};

const ARC_KIND: &[&str] = &["kind"];

/// Its rows of TABLE METRICS.
#[rustfmt::skip] // a table: one metric a paragraph of two or three lines
pub(super) const ROWS: &[MetricDef] = &[
    gauge("memory_total_bytes", Bytes, Memory, NONE, "Memory of the machine.", |h, put| memory(h, put, |h| h.memory.raw.total)),
    gauge("memory_available_bytes", Bytes, Memory, NONE, "Memory that programs can allocate without swapping, the ARC above its minimum included.",
        |h, put| memory(h, put, |h| h.memory.available)),
    gauge("memory_used_bytes", Bytes, Memory, NONE, "Memory that is not available.", |h, put| memory(h, put, |h| h.memory.used)),
    gauge("memory_cache_bytes", Bytes, Memory, NONE, "Page cache and reclaimable slab.",
        |h, put| memory(h, put, |h| h.memory.cache)),
    gauge("memory_free_bytes", Bytes, Memory, NONE, "Unused memory.", |h, put| memory(h, put, |h| h.memory.free)),
    gauge("memory_huge_pages_bytes", Bytes, Memory, NONE, "Memory reserved in huge pages; it counts as used.",
        |h, put| one(put, h.memory.huge().map(|(total, _)| total as f64))),
    gauge("memory_huge_pages_used_bytes", Bytes, Memory, NONE, "Memory of reserved huge pages in use.",
        |h, put| one(put, h.memory.huge().map(|(_, used)| used as f64))),
    gauge("memory_used_ratio", Ratio, Memory, NONE, "Used share of the memory.", |h, put| one(put, h.memory.used_ratio)),
    gauge("swap_total_bytes", Bytes, Memory, NONE, "Size of all swap.", |h, put| memory(h, put, |h| h.memory.raw.swap_total)),
    gauge("swap_used_bytes", Bytes, Memory, NONE, "Swap in use.", |h, put| memory(h, put, |h| h.memory.swap_used)),
    gauge("swap_used_ratio", Ratio, Memory, NONE, "Used share of the swap.", |h, put| one(put, h.memory.swap_used_ratio())),
    gauge("swap_in_bytes_per_second", BytesPerSecond, Memory, NONE, "Bytes a second read back from swap.",
        |h, put| one(put, h.memory.swap_in_per_second)),
    gauge("swap_out_bytes_per_second", BytesPerSecond, Memory, NONE, "Bytes a second written to swap.",
        |h, put| one(put, h.memory.swap_out_per_second)),
    gauge("arc_size_bytes", Bytes, Memory, NONE, "Size of the ZFS cache (ARC).", |h, put| arc(h, put, |a| a.size)),
    gauge("arc_target_bytes", Bytes, Memory, NONE, "Target size of the ZFS cache (ARC).", |h, put| arc(h, put, |a| a.target)),
    gauge("arc_max_bytes", Bytes, Memory, NONE, "Maximum size of the ZFS cache (ARC).", |h, put| arc(h, put, |a| a.max)),
    gauge("arc_hit_ratio", Ratio, Memory, NONE, "Hits among the ZFS cache's lookups.", |h, put| one(put, h.memory.arc_rates.hit_ratio)),
    gauge("arc_kind_hit_ratio", Ratio, Memory, ARC_KIND, "Hits among the ZFS cache's lookups of one kind.",
        |h, put| for (kind, ratio) in Kind::ALL.into_iter().zip(h.memory.arc_rates.kind_hit_ratios) {
            if let Some(ratio) = ratio {
                put(&[kind.word()], ratio);
            }
        }),
    gauge("arc_misses_per_second", PerSecond, Memory, NONE, "Misses of the ZFS cache a second.",
        |h, put| one(put, h.memory.arc_rates.misses)),
    gauge("arc_ghost_hits_per_second", PerSecond, Memory, NONE, "Ghost hits a second: a larger ZFS cache would have hit.",
        |h, put| one(put, h.memory.arc_rates.ghost_hits[0].zip(h.memory.arc_rates.ghost_hits[1]).map(|(r, f)| r + f))),
    gauge("arc_recent_bytes", Bytes, Memory, NONE, "Data in the ZFS cache that was read once (MRU).", |h, put| arc(h, put, |a| a.recent_size)),
    gauge("arc_frequent_bytes", Bytes, Memory, NONE, "Data in the ZFS cache that was read more than once (MFU).",
        |h, put| arc(h, put, |a| a.frequent_size)),
    gauge("arc_dirty_bytes", Bytes, Memory, NONE, "Written to ZFS and not yet on the disks.", |h, put| arc(h, put, |a| a.dirty)),
    gauge("l2arc_size_bytes", Bytes, Memory, NONE, "Data in the L2ARC before compression.",
        |h, put| one(put, h.memory.raw.arc.and_then(|a| a.second).map(|s| s.size as f64))),
    gauge("l2arc_hit_ratio", Ratio, Memory, NONE, "Hits among the lookups in the L2ARC.",
        |h, put| one(put, h.memory.arc_rates.second_hit_ratio)),
    gauge("zram_original_bytes", Bytes, Memory, NONE, "Data in zram before compression.", |h, put| zram(h, put, |z| z.original)),
    gauge("zram_memory_bytes", Bytes, Memory, NONE, "Memory that zram takes.", |h, put| zram(h, put, |z| z.memory_used)),
];

/// Memory figures exist once the total is known.
fn memory(host: &Host, put: Put<'_>, figure: fn(&Host) -> u64) {
    one(put, (host.memory.raw.total > 0).then(|| figure(host) as f64));
}

fn arc(host: &Host, put: Put<'_>, figure: fn(&ArcSample) -> u64) {
    one(put, host.memory.raw.arc.as_ref().map(|a| figure(a) as f64));
}

fn zram(host: &Host, put: Put<'_>, figure: fn(&ZramSample) -> u64) {
    one(put, host.memory.raw.zram.as_ref().map(|z| figure(z) as f64));
}
