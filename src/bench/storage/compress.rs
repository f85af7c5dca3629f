//! The compress ratio of a dataset: a mix of data is written to a dataset of its own below it, which has its properties,
//! and ZFS says what became of it.

use std::{fs::File, io::Write, path::PathBuf, sync::Arc, time::Duration};

use super::{mix::Mix, place};
use crate::{
    bench::{
        contract::{Benchmark, Measured, RunCx, Survey, Work},
        scratch,
        stop::Stop,
        tool,
    },
    model::{
        bench::{Offer, Plan, RunPhase},
        figure::Fingerprint,
        pool::pool_of,
    },
    sys::exec::Exec,
    units::bytes_long,
};

/// Changes when the mix does: ratios of different data are not compared.
const METHOD: &str = "mix 1: 35 % text, 25 % logs, 20 % tables, 20 % noise";
/// Bytes of a sample.
const SIZE: u64 = 64 << 20;
/// Samples at most.
const MOST: u64 = 30;
const DEADLINE: Duration = Duration::from_secs(60);

pub(super) struct Compress;

impl Benchmark for Compress {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        let offer = |of: String| Offer { missing: dataset(survey, &of).err(), of };
        let offers: Vec<Offer> =
            place::names(survey).into_iter().filter(|of| !of.starts_with('/')).map(offer).collect();
        if offers.is_empty() {
            let missing = "compression is measured on a ZFS dataset, and there is none here".to_owned();
            return vec![Offer { of: String::new(), missing: Some(missing) }];
        }
        offers
    }

    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let place = dataset(survey, of)?;
        let steps = vec![
            format!("makes the dataset {of}/benchtop-bench-…, with the properties of {of}"),
            format!(
                "each sample: writes {} of the mix ({METHOD}), zpool sync {}",
                bytes_long(SIZE as f64),
                pool_of(of)
            ),
            format!("reads what ZFS says: zfs get refcompressratio {of}/benchtop-bench-…"),
            "destroys the dataset".to_owned(),
        ];
        let fingerprint = Fingerprint::from([("method".to_owned(), METHOD.to_owned())]);
        let plan = Plan {
            of: of.to_owned(),
            steps,
            writes: SIZE * MOST,
            needs: SIZE * MOST,
            place: Some(place.folder.display().to_string()),
            time: Duration::from_secs(60),
            fingerprint,
        };

        Ok((plan, Box::new(Writing { dataset: of.to_owned() })))
    }
}

/// The place, if it is a dataset below which one may be made.
fn dataset(survey: &Survey<'_>, of: &str) -> Result<place::Place, String> {
    if of.starts_with('/') {
        return Err("compression is measured on a ZFS dataset: name it as zfs list does".to_owned());
    }
    let place = place::find(survey, of)?;
    if place::may_make_datasets(survey) {
        Ok(place)
    } else {
        Err("a dataset of its own is made for it, which only root may: run as root".to_owned())
    }
}

struct Writing {
    dataset: String,
}

impl Work for Writing {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        cx.progress(RunPhase::Preparing, None, Vec::new());
        let made = scratch::dataset(cx, &self.dataset, &[])?;
        let mut settings = Vec::new();
        for property in ["compression", "recordsize"] {
            settings
                .push(format!("{property}={}", ask(cx, "zfs", &["get", "-H", "-o", "value", property, &made.name])?));
        }
        cx.progress(RunPhase::Measuring, None, settings.clone());
        for seed in 1..=MOST {
            write(&made.mountpoint.join(format!("data{seed}")), seed, cx)?;
            ask(cx, "zpool", &["sync", pool_of(&made.name)])?;
            let said = ask(cx, "zfs", &["get", "-Hp", "-o", "value", "refcompressratio", &made.name])?;
            let ratio = said.trim_end_matches('x').parse::<f64>();
            let ratio = ratio.map_err(|_| Stop::Failed(format!("zfs said `{said}` for refcompressratio")))?;
            if !cx.sample(0, ratio) {
                break;
            }
        }
        Ok(Measured { notes: vec![settings.join(" · ")], ..Measured::default() })
    }
}

/// Writes one sample of the mix, and returns when it is on the disk.
fn write(path: &PathBuf, seed: u64, cx: &dyn RunCx) -> Result<(), Stop> {
    let failed = |error: std::io::Error| Stop::Failed(format!("{}: {error}", path.display()));
    let (mut file, mut mix, mut written) = (File::create_new(path).map_err(failed)?, Mix::new(seed), 0);
    while written < SIZE {
        cx.stop().check()?;
        let piece = mix.piece();
        file.write_all(&piece).map_err(failed)?;
        written += piece.len() as u64;
    }
    file.sync_all().map_err(failed)
}

/// What a tool answers, trimmed.
fn ask(cx: &dyn RunCx, tool: &str, arguments: &[&str]) -> Result<String, Stop> {
    let exec: Arc<dyn Exec> = cx.exec().clone();
    let program = exec.find(tool).ok_or_else(|| Stop::Failed(format!("{tool} is not installed")))?;
    let mut out = Vec::new();
    let ended = tool::run(&exec, cx.stop(), &program, arguments, DEADLINE, |line| out.extend_from_slice(line))?;
    match ended.code {
        Some(0) => Ok(String::from_utf8_lossy(&out).trim().to_owned()),
        _ => Err(Stop::Failed(format!("{tool} {}: {}", arguments.join(" "), ended.why()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bench::{engine::testing::Surveyed, testing::TestCx},
        state::State,
        sys::exec::fake::{FakeExec, Script},
    };

    #[test]
    fn the_ratio_is_what_zfs_says() {
        let folder = tempfile::tempdir().expect("a folder");
        let name = "tank/models/benchtop-bench-test";
        let exec = FakeExec::new([
            ("zfs create", Script::says("")),
            ("zfs get -Hp -o value mountpoint", Script::says(&folder.path().display().to_string())),
            ("zfs get -H -o value compression", Script::says("lz4")),
            ("zfs get -H -o value recordsize", Script::says("1M")),
            ("zpool sync tank", Script::says("")),
            ("zfs get -Hp -o value refcompressratio", Script::says("2.51")),
        ]);
        let mut cx = TestCx::new(1, 2);
        cx.exec = exec.clone();
        let measured = Writing { dataset: "tank/models".to_owned() }.run(&mut cx).expect("measured");
        assert_eq!(cx.samples, [vec![2.51, 2.51]]);
        assert_eq!(measured.notes, ["compression=lz4 · recordsize=1M"]);
        let settings = ["compression=lz4", "recordsize=1M"].map(str::to_owned).to_vec();
        assert_eq!(cx.shown, [(None, Vec::new()), (None, settings)]);
        assert_eq!(cx.made, [scratch::Scratch::Dataset(name.to_owned())]);
        let size = |n: u32| std::fs::metadata(folder.path().join(format!("data{n}"))).map(|found| found.len()).ok();
        assert_eq!((size(1), size(2), size(3)), (Some(SIZE), Some(SIZE), None));
        exec.set("zpool sync tank", Script::fails("cannot sync: pool is suspended"));
        std::fs::remove_file(folder.path().join("data1")).expect("removed");
        let failed = Writing { dataset: "tank/models".to_owned() }.run(&mut cx).expect_err("it fails");
        assert_eq!(failed.to_string(), "zpool sync tank: cannot sync: pool is suspended");
    }

    #[test]
    fn it_is_offered_for_datasets_alone() {
        let mut surveyed = Surveyed::new(State::default());
        surveyed.settings.bench.storage = vec!["/srv".to_owned(), "tank/models".to_owned()];
        let offers = |surveyed: &Surveyed| -> Vec<(String, Option<String>)> {
            Compress.offers(&surveyed.survey()).into_iter().map(|offer| (offer.of, offer.missing)).collect()
        };
        let missing = Some("there is no dataset tank/models".to_owned());
        assert_eq!(offers(&surveyed), [("tank/models".to_owned(), missing)]);
        surveyed.settings.bench.storage.pop();
        let none = "compression is measured on a ZFS dataset, and there is none here".to_owned();
        assert_eq!(offers(&surveyed), [(String::new(), Some(none))]);
        assert!(dataset(&surveyed.survey(), "/srv").is_err_and(|why| why.ends_with("name it as zfs list does")));
    }
}
