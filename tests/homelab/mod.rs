//! The recorded host of `tests/fixtures/hosts/homelab`, read once by the real sources.

use benchtop::{
    clock::Stamp,
    collect::{CollectCx, OpenCx, SOURCES, SourceDef},
    interest::Interest,
    model::{event::Sample, fault::Fault},
    sys::root::Root,
};

/// What each source says of it, in the order of [`SOURCES`].
pub fn read() -> Vec<(&'static SourceDef, Result<Sample, Fault>)> {
    let root = Root::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/hosts/homelab"));
    let open = OpenCx::of(root);
    let want = Interest { io_of_all: true, sockets: true, ..Interest::default() };
    let cx = CollectCx::new(Stamp::at_seconds(1), &want);
    SOURCES.iter().map(|source| (source, (source.open)(&open).and_then(|mut s| s.collect(&cx)))).collect()
}
