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

    #[test]
    fn each_figure_has_its_place() {
        let names = [
            "size",
            "c",
            "c_min",
            "c_max",
            "hits",
            "misses",
            "demand_data_hits",
            "demand_data_misses",
            "demand_metadata_hits",
            "demand_metadata_misses",
            "prefetch_data_hits",
            "prefetch_data_misses",
            "prefetch_metadata_hits",
            "prefetch_metadata_misses",
            "data_size",
            "metadata_size",
            "mru_size",
            "mfu_size",
            "mru_hits",
            "mfu_hits",
            "mru_ghost_hits",
            "mfu_ghost_hits",
            "anon_size",
            "l2_size",
            "l2_asize",
            "l2_hdr_size",
            "l2_hits",
            "l2_misses",
            "l2_read_bytes",
            "l2_write_bytes",
            "l2_cksum_bad",
            "other",
        ];
        let line = |(value, name): (u64, &str)| format!("{name} 4 {value}\n");
        let text: String = (1..).zip(names).map(line).collect();
        let of = |hits, misses| Lookups { hits, misses };
        let expected = ArcSample {
            size: 1,
            target: 2,
            min: 3,
            max: 4,
            hits: 5,
            misses: 6,
            kinds: [of(7, 8), of(9, 10), of(11, 12), of(13, 14)],
            data_size: 15,
            metadata_size: 16,
            recent_size: 17,
            frequent_size: 18,
            recent_hits: 19,
            frequent_hits: 20,
            recent_ghost_hits: 21,
            frequent_ghost_hits: 22,
            dirty: 23,
            dirty_max: None,
            second: Some(SecondLevel {
                size: 24,
                stored: 25,
                index: 26,
                lookups: of(27, 28),
                read_bytes: 29,
                written_bytes: 30,
                errors: 31,
            }),
        };
        assert_eq!(parse(text.as_bytes()), Some(expected));
    }

    #[test]
    fn two_names_of_one_figure_are_a_sum() {
        for name in ["", "demand_data_", "demand_metadata_", "prefetch_data_", "prefetch_metadata_"] {
            let arc = parse(format!("size 4 1\n{name}hits 4 40\n{name}iohits 4 2\n").as_bytes()).expect("a size");
            let hits: u64 = arc.hits + arc.kinds.iter().map(|kind| kind.hits).sum::<u64>();
            assert_eq!(hits, 42, "{name}");
        }
        let errors = "l2_write_bytes 4 1\nl2_cksum_bad 4 1\nl2_io_error 4 20\nl2_writes_error 4 300\n";
        let arc = parse(format!("size 4 1\n{errors}").as_bytes()).expect("a size");
        assert_eq!(arc.second.map(|second| second.errors), Some(321));
        for (size, written, there) in [(0, 0, false), (1, 0, true), (0, 1, true)] {
            let text = format!("size 4 1\nl2_size 4 {size}\nl2_write_bytes 4 {written}\n");
            assert_eq!(parse(text.as_bytes()).expect("a size").second.is_some(), there, "{text}");
        }
    }
}
