//! What the tests of the sources share: one reading of a made-up machine.

use super::{CollectCx, OpenCx, SourceDef};
use crate::{
    clock::Stamp,
    interest::Interest,
    model::{event::Sample, fault::Fault},
    sys::root::Root,
};

/// Everything that opening needs, for `root`.
pub(crate) fn open_cx(root: Root) -> OpenCx {
    OpenCx::of(root)
}

/// One reading of the source `open` on `root`.
pub(crate) fn read_once(open: super::Open, root: Root) -> Result<Sample, Fault> {
    open(&open_cx(root))?.collect(&CollectCx::new(Stamp::at_seconds(10), &Interest::default()))
}

/// One reading of the fixture `host`.
pub(crate) fn read_fixture(open: super::Open, host: &str) -> Result<Sample, Fault> {
    read_once(open, Root::fixture(host))
}

#[test]
fn every_source_survives_the_hostile_machine() {
    for SourceDef { id, open, .. } in super::SOURCES {
        match read_fixture(*open, "hostile") {
            Ok(_) | Err(Fault::Absent(_)) => {}
            Err(Fault::Broken(what)) => {
                assert!(what.contains("fixtures/hosts/hostile"), "{id:?} names no file: {what}")
            }
            Err(other) => panic!("{id:?}: {other:?}"),
        }
    }
}

#[test]
fn the_table_keeps_the_order_in_which_lists_show_sources() {
    let rank = |id| crate::model::source::SourceId::ALL.iter().position(|other| *other == id);
    let ranks: Vec<_> = super::SOURCES.iter().map(|row| rank(row.id)).collect();
    assert!(ranks.is_sorted_by(|a, b| a < b), "{ranks:?}");
}

#[test]
fn two_sources_of_one_lane_cannot_block_each_other() {
    use super::Lane;
    let shared = super::SOURCES.iter().filter(|row| row.lane != Lane::KERNEL);
    let mut lanes: Vec<Lane> = shared.map(|row| row.lane).collect();
    lanes.sort_unstable();
    assert!(lanes.windows(2).all(|pair| pair[0] != pair[1]), "only plain procfs shares a lane: {lanes:?}");
}
