//! `/proc/spl/kstat/zfs/arcstats`: names differ a little from version to version, what is not there counts as 0.

use crate::{
    model::arc::{ArcSample, SecondLevel},
    sys::parse::{lines, number, words},
};

/// `name type data` lines of a kstat; `None` without a size.
pub(super) fn parse(text: &[u8]) -> Option<ArcSample> {
    let mut arc = ArcSample::default();
    let mut second = SecondLevel::default();
    let mut size = None;
    for line in lines(text) {
        let mut words = words(line);
        let (Some(key), Some(value)) = (words.next(), words.nth(1).and_then(number)) else { continue };
        let [demand_data, demand_metadata, prefetch_data, prefetch_metadata] = &mut arc.kinds;
        let field = match key {
            b"size" => size.insert(0),
            b"c" => &mut arc.target,
            b"c_min" => &mut arc.min,
            b"c_max" => &mut arc.max,
            b"hits" | b"iohits" => &mut arc.hits,
            b"misses" => &mut arc.misses,
            b"demand_data_hits" | b"demand_data_iohits" => &mut demand_data.hits,
            b"demand_data_misses" => &mut demand_data.misses,
            b"demand_metadata_hits" | b"demand_metadata_iohits" => &mut demand_metadata.hits,
            b"demand_metadata_misses" => &mut demand_metadata.misses,
            b"prefetch_data_hits" | b"prefetch_data_iohits" => &mut prefetch_data.hits,
            b"prefetch_data_misses" => &mut prefetch_data.misses,
            b"prefetch_metadata_hits" | b"prefetch_metadata_iohits" => &mut prefetch_metadata.hits,
            b"prefetch_metadata_misses" => &mut prefetch_metadata.misses,
            b"data_size" => &mut arc.data_size,
            b"metadata_size" => &mut arc.metadata_size,
            b"mru_size" => &mut arc.recent_size,
            b"mfu_size" => &mut arc.frequent_size,
            b"mru_hits" => &mut arc.recent_hits,
            b"mfu_hits" => &mut arc.frequent_hits,
            b"mru_ghost_hits" => &mut arc.recent_ghost_hits,
            b"mfu_ghost_hits" => &mut arc.frequent_ghost_hits,
            b"anon_size" => &mut arc.dirty,
            b"l2_size" => &mut second.size,
            b"l2_asize" => &mut second.stored,
            b"l2_hdr_size" => &mut second.index,
            b"l2_hits" => &mut second.lookups.hits,
            b"l2_misses" => &mut second.lookups.misses,
            b"l2_read_bytes" => &mut second.read_bytes,
            b"l2_write_bytes" => &mut second.written_bytes,
            b"l2_cksum_bad" | b"l2_io_error" | b"l2_writes_error" => &mut second.errors,
            _ => continue,
        };
        // Two names of one figure are a sum.
        *field = field.saturating_add(value);
    }
    arc.size = size?;
    // Without a cache device nothing was ever written to one.
    arc.second = (second.size > 0 || second.written_bytes > 0).then_some(second);
    Some(arc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::arc::Lookups;

    fn recorded(version: &str) -> ArcSample {
        let path = format!("{}/tests/fixtures/zfs/{version}/arcstats", env!("CARGO_MANIFEST_DIR"));
        parse(&std::fs::read(path).expect("recorded")).expect("a size")
    }

    #[test]
    fn arcstats_of_every_version_are_read() {
        for version in ["2.1.11", "2.3.2", "2.4.4"] {
            let arc = recorded(version);
            assert!(arc.size > 0 && arc.target > 0 && arc.min > 0 && arc.max >= arc.target, "{version}: {arc:?}");
            let kinds: u64 = arc.kinds.iter().map(|kind| kind.all()).sum();
            assert_eq!(kinds, arc.hits + arc.misses, "{version}: the kinds make up the whole");
            assert!(arc.data_size > 0 && arc.metadata_size > 0, "{version}");
            assert!(arc.recent_size > 0 && arc.frequent_size > 0, "{version}");
            assert!(arc.recent_hits > 0 && arc.frequent_hits > 0, "{version}");
            let second = arc.second.expect("a pool with a cache device");
            assert!(second.stored > 0 && second.written_bytes > 0 && second.index > 0, "{version}: {second:?}");
        }
    }

    #[test]
    fn hits_of_reads_under_way_are_hits() {
        let arc = recorded("2.3.2");
        assert_eq!((arc.hits, arc.misses), (74_969 + 9, 51));
        assert_eq!(arc.kinds[1], Lookups { hits: 74_320 + 7, misses: 40 });
        let second = arc.second.expect("a cache device");
        assert_eq!((second.size, second.stored, second.index), (10_901_504, 7_381_504, 2112));
    }

    #[test]
    fn no_cache_device_no_l2arc_and_no_size_no_arc() {
        let arc = parse(b"hits 4 1\nsize 4 5\nl2_size 4 0\n").expect("a size");
        assert_eq!((arc.size, arc.second), (5, None));
        assert_eq!(parse(b"hits 4 1\n"), None);
    }
}
