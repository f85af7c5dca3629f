//! Storage: sequential and random accesses to a file of our own, by fio where it is installed, and how well a dataset
//! compresses a given mix of data. Files of the user are neither read nor written.

mod builtin;
mod compress;
mod device;
mod fio;
mod fio_json;
mod mix;
mod pattern;
mod place;
mod report;
mod work;

use std::time::Duration;

use self::{
    pattern::{Access, Pattern},
    place::{Direct, Place},
    work::{Engine, FILE, Storage},
};
use super::contract::{BenchDef, Benchmark, FigureDef, Survey, Work};
use crate::{
    model::{
        bench::{Group, Offer, Plan},
        run::Better,
        unit::Unit,
    },
    units::bytes_long,
};

/// Bytes of the file where nothing is cached.
const SIZE: u64 = 2 << 30;
/// And at most where the ARC has to be outgrown.
const LARGEST: u64 = 32 << 30;
/// In memory.
const SMALL: u64 = 256 << 20;
/// Of the free space.
const SHARE: u64 = 4;
/// The whole file is written at this rate at least, or the plan's time is over.
const SLOWEST: u64 = 80 << 20;
/// Time for samples: thirty need more, noise is known by then.
const SAMPLES: Duration = Duration::from_secs(75);

const fn rate(id: &'static str, title: &'static str) -> FigureDef {
    FigureDef { id, title, unit: Unit::BytesPerSecond, better: Better::Higher }
}

const fn iops(id: &'static str, title: &'static str) -> FigureDef {
    FigureDef { id, title, unit: Unit::PerSecond, better: Better::Higher }
}

const fn latency(id: &'static str, title: &'static str) -> FigureDef {
    FigureDef { id, title, unit: Unit::Seconds, better: Better::Lower }
}

pub(super) const READ: BenchDef = BenchDef {
    id: "storage-read",
    group: Group::Storage,
    doc: "Sequential read in blocks of 1 MiB",
    figures: &[rate("storage_read_bytes_per_second", "sequential read")],
    bench: &Pattern { access: Access::Read, block: 1 << 20 },
};

pub(super) const WRITE: BenchDef = BenchDef {
    id: "storage-write",
    group: Group::Storage,
    doc: "Sequential write in blocks of 1 MiB",
    figures: &[rate("storage_write_bytes_per_second", "sequential write")],
    bench: &Pattern { access: Access::Write, block: 1 << 20 },
};

pub(super) const RANDOM_4K: BenchDef = BenchDef {
    id: "storage-random-4k",
    group: Group::Storage,
    doc: "Random accesses of 4 KiB, 70 % of them reads: operations a second and their latency",
    figures: &[
        iops("storage_random_4k_iops", "random 4k"),
        latency("storage_random_4k_latency_seconds", "random 4k latency"),
        latency("storage_random_4k_latency_p99_seconds", "random 4k p99"),
    ],
    bench: &Pattern { access: Access::Random, block: 4 << 10 },
};

pub(super) const RANDOM_64K: BenchDef = BenchDef {
    id: "storage-random-64k",
    group: Group::Storage,
    doc: "Random accesses of 64 KiB, 70 % of them reads: operations a second and their latency",
    figures: &[
        iops("storage_random_64k_iops", "random 64k"),
        latency("storage_random_64k_latency_seconds", "random 64k latency"),
        latency("storage_random_64k_latency_p99_seconds", "random 64k p99"),
    ],
    bench: &Pattern { access: Access::Random, block: 64 << 10 },
};

pub(super) const COMPRESS: BenchDef = BenchDef {
    id: "storage-compress",
    group: Group::Storage,
    doc: "How many times smaller a dataset makes a given mix of text, logs, binaries and noise",
    figures: &[FigureDef {
        id: "storage_compress_ratio",
        title: "compress ratio",
        unit: Unit::Count,
        better: Better::Higher,
    }],
    bench: &compress::Compress,
};

impl Benchmark for Pattern {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        let offer = |of: String| Offer { missing: place::find(survey, &of).err(), of };
        let offers: Vec<Offer> = place::names(survey).into_iter().map(offer).collect();
        if offers.is_empty() {
            let missing = "no writable filesystem on a disk of this machine: name a folder in [bench] storage";
            return vec![Offer { of: String::new(), missing: Some(missing.to_owned()) }];
        }
        offers
    }

    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let place = place::find(survey, of)?;
        let engine = Engine::find(survey.exec);
        let size = size(survey, &place);
        let own_dataset = place.dataset.is_some() && place::may_make_datasets(survey);
        let storage = Storage::new(survey.root.clone(), engine, place, *self, size, own_dataset);
        Ok((plan(&storage), Box::new(storage)))
    }
}

/// Bytes of the file: more than the ARC holds, where it is in between.
fn size(survey: &Survey<'_>, place: &Place) -> u64 {
    let wanted = match (survey.settings.bench.file_size, place.direct) {
        (Some(size), _) => size,
        (None, Direct::Memory) => SMALL,
        (None, Direct::Cached) => {
            let arc = survey.state.host.memory.raw.arc.map_or(0, |arc| arc.max);
            (2 * arc).clamp(SIZE, LARGEST)
        }
        (None, Direct::Real | Direct::Unknown) => SIZE,
    };
    let room = (place.free / SHARE).max(1);
    // Whole blocks of every pattern; and not another size whenever a little more or less is free: results of files of
    // another size are not compared.
    if wanted <= room { wanted >> 20 << 20 } else { 1 << room.ilog2() }
}

/// What will be done, in words.
fn plan(storage: &Storage) -> Plan {
    let Storage { place, engine, size, own_dataset, .. } = storage;
    let folder = place.folder.join("benchtop-bench-…");
    let file = folder.join(FILE);
    let made = match &place.dataset {
        Some(dataset) if *own_dataset => format!("makes the dataset {dataset}/benchtop-bench-… and a folder in it"),
        _ => format!("makes the folder {}", folder.display()),
    };
    let filling = storage.filling(&file);
    let job = storage.job(&file);
    let steps = vec![
        made,
        format!("writes a file of {}: {}", bytes_long(*size as f64), engine.words(&filling)),
        format!("each sample, {} s: {}", job.time.unwrap_or_default().as_secs(), engine.words(&job)),
        "removes all of it".to_owned(),
    ];
    let samples = match storage.pattern.access {
        Access::Read => 0,
        // As fast as a fast disk writes for all of the time.
        Access::Write => SAMPLES.as_secs() * (2 << 30),
        Access::Random => SAMPLES.as_secs() * (500 << 20),
    };
    let mut fingerprint = engine.fingerprint(&job);
    fingerprint.extend(place.fingerprint.clone());
    Plan {
        of: place.of.clone(),
        steps,
        writes: size + samples,
        needs: *size,
        place: Some(place.folder.display().to_string()),
        time: Duration::from_secs(size / SLOWEST) + SAMPLES,
        fingerprint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bench::engine::testing::Surveyed, model::arc::ArcSample, state::State};

    #[test]
    fn a_file_is_larger_than_what_the_arc_holds_and_a_quarter_of_what_is_free() {
        let of = |direct, free: u64, arc: u64, own: Option<u64>| {
            let mut surveyed = Surveyed::new(State::default());
            surveyed.state.host.memory.raw.arc = Some(ArcSample { max: arc, ..ArcSample::default() });
            surveyed.settings.bench.file_size = own;
            let place = Place {
                of: "/".into(),
                folder: "/".into(),
                filesystem: "ext4".into(),
                direct,
                dataset: None,
                devices: Vec::new(),
                copies: 1.0,
                free,
                fingerprint: [].into(),
            };
            size(&surveyed.survey(), &place)
        };
        const GIB: u64 = 1 << 30;
        let plenty = 1000 * GIB;
        assert_eq!(of(Direct::Real, plenty, 8 * GIB, None), SIZE);
        assert_eq!((of(Direct::Unknown, plenty, 0, None), of(Direct::Memory, plenty, 0, None)), (SIZE, SMALL));
        assert_eq!(of(Direct::Cached, plenty, 8 * GIB, None), 16 * GIB);
        assert_eq!((of(Direct::Cached, plenty, 1, None), of(Direct::Cached, plenty, 99 * GIB, None)), (SIZE, LARGEST));
        assert_eq!(of(Direct::Real, plenty, 0, Some((5 << 20) + 7)), 5 << 20, "whole blocks");
        assert_eq!((of(Direct::Real, 8 * GIB, 0, None), of(Direct::Real, 8 * GIB - 4, 0, None)), (2 * GIB, GIB));
        assert_eq!((of(Direct::Real, 5 * GIB, 0, None), of(Direct::Real, 0, 0, None)), (GIB, 1));
    }
}
