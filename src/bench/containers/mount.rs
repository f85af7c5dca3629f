//! What a mount adds to the start of a container: the time until a file in it was read, less the same start without it. The
//! engine itself notes when the process that read the file ended, so that clearing away counts in neither.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use super::common::measured;
use crate::{
    bench::{
        BenchDef, Benchmark, FigureDef, Measured, Offer, Plan, RunCx, Stop, Survey, Work,
        engine::{self, MOUNTED, On, Program, Session, Spec},
        scratch,
    },
    model::{
        bench::{Group, RunPhase},
        figure::Better,
        unit::Unit,
    },
    sys::root::Root,
};

/// What is read in the mount.
const FILE: &str = "probe";
/// What is read without it: every container has it.
const OWN_FILE: &str = "/etc/hostname";

pub const MOUNT: BenchDef = BenchDef {
    id: "container-mount",
    group: Group::Containers,
    doc: "What a mounted folder or dataset adds to the start of a container, until a file in it was read",
    figures: &[
        FigureDef {
            id: "container_volume_mount_seconds",
            title: "volume mount",
            unit: Unit::Seconds,
            better: Better::Lower,
        },
        FigureDef {
            id: "container_volume_start_seconds",
            title: "start with a volume",
            unit: Unit::Seconds,
            better: Better::Lower,
        },
    ],
    bench: &Mount,
};

struct Mount;

impl Benchmark for Mount {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        let mut offers = engine::local_offers(survey);
        let no_engine = offers.iter().all(|offer| offer.missing.is_some());
        let why = offers.first().and_then(|offer| offer.missing.clone()).filter(|_| no_engine);
        for of in &survey.settings.bench.mounts {
            let missing = why.clone().or_else(|| folder_of(survey.root, of).err());
            offers.push(Offer { of: of.clone(), missing });
        }
        offers
    }

    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let (on, parent) = if survey.settings.bench.mounts.iter().any(|mount| mount == of) {
            let usable = engine::local_offers(survey).into_iter().find(|offer| offer.missing.is_none());
            let usable = usable.ok_or("no container engine of this machine answers")?;
            (usable.of, folder_of(survey.root, of)?)
        } else {
            (of.to_owned(), std::env::temp_dir())
        };
        let (mut plan, on) = engine::plan(survey, &on)?;
        plan.of = of.to_owned();
        plan.steps.push(format!("make a folder with one file in {}; removed afterwards", parent.display()));
        plan.steps.push(format!(
            "on {}: up to 30 times a container that reads {OWN_FILE}, and one that reads the file in that folder, mounted \
             read-only at {MOUNTED}; remove each",
            on.place.address
        ));
        plan.time = Duration::from_secs(240);
        plan.fingerprint.extend(filesystem_of(survey.root, &parent).map(|kind| ("file system".to_owned(), kind)));
        Ok((plan, Box::new(Run { on, parent })))
    }
}

/// The folder of a dataset by its name, or the folder itself.
fn folder_of(root: &Root, of: &str) -> Result<PathBuf, String> {
    if of.starts_with('/') {
        let there = Path::new(of).is_dir();
        return if there { Ok(of.into()) } else { Err(format!("{of}: no such folder: correct [bench] mounts")) };
    }
    let mounts = root.read("proc/self/mounts").unwrap_or_default();
    let mounts = String::from_utf8_lossy(&mounts).into_owned();
    let place = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>()).find_map(|words| match words[..] {
        [source, place, "zfs", ..] if source == of => Some(PathBuf::from(place.replace("\\040", " "))),
        _ => None,
    });
    place.ok_or_else(|| format!("{of}: no such dataset is mounted: correct [bench] mounts, or zfs mount {of}"))
}

/// The kind of the file system that holds a folder: the longest mount that leads to it.
fn filesystem_of(root: &Root, folder: &Path) -> Option<String> {
    let mounts = root.read("proc/self/mounts").ok()?;
    let mounts = String::from_utf8_lossy(&mounts).into_owned();
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?.to_owned(), words.next()?.to_owned()))
    });
    let over = mounts.filter(|(place, _)| folder.starts_with(place.replace("\\040", " ")));
    over.max_by_key(|(place, _)| place.len()).map(|(_, kind)| kind)
}

struct Run {
    on: On,
    parent: PathBuf,
}

impl Work for Run {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        let (session, image) = self.on.open(cx)?;
        let folder = scratch::folder(cx, &self.parent)?;
        let file = folder.join(FILE);
        fs::write(&file, "read\n").map_err(|error| Stop::Failed(format!("{}: {error}", file.display())))?;
        let without = Spec::new(&image.name, Program::Reads(OWN_FILE.to_owned()));
        let bind = format!("{}:{MOUNTED}:ro", folder.display());
        let with = Spec { binds: vec![bind], ..Spec::new(&image.name, Program::Reads(format!("{MOUNTED}/{FILE}"))) };
        cx.progress(RunPhase::WarmingUp, None, Vec::new());
        once(&session, cx, &with)?;
        cx.progress(RunPhase::Measuring, None, Vec::new());
        loop {
            let (bare, mounted) = (once(&session, cx, &without)?, once(&session, cx, &with)?);
            cx.progress(RunPhase::Measuring, Some(mounted - bare), Vec::new());
            cx.sample(0, mounted - bare);
            // A difference near zero is never known to a share of itself.
            if !cx.sample(1, mounted) {
                break;
            }
        }
        Ok(measured(image, "engine API, start with less start without"))
    }
}

/// Seconds from the request to make a container until its process had read its file.
fn once(session: &Session, cx: &mut dyn RunCx, spec: &Spec<'_>) -> Result<f64, Stop> {
    let made = session.reserve(cx, "mount")?;
    let began = cx.wall();
    session.create(cx, &made, spec)?;
    session.start(cx.stop(), &made)?;
    session.ended(cx.stop(), &made)?;
    let seen = session.inspect(cx.stop(), &made)?;
    session.remove(cx, &made)?;
    match (seen.exit_code, seen.finished) {
        (Some(0), Some(finished)) => Ok(finished.duration_since(began).as_secs_f64()),
        (code, _) => {
            let code = code.map_or_else(|| "unknown".to_owned(), |code| code.to_string());
            Err(Stop::Failed(format!(
                "a container could not read the file in its mount (status {code}): look at its permissions"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(mounts: &str) -> (tempfile::TempDir, Root) {
        let folder = tempfile::tempdir().expect("folder");
        fs::create_dir_all(folder.path().join("proc/self")).expect("folder");
        fs::write(folder.path().join("proc/self/mounts"), mounts).expect("written");
        let root = Root::new(folder.path());
        (folder, root)
    }

    #[test]
    fn a_dataset_is_where_it_is_mounted() {
        let (_folder, root) =
            root("tank /tank zfs rw 0 0\ntank/my\\040apps /srv/my\\040apps zfs rw 0 0\n/dev/a / ext4 rw 0 0\n");
        assert_eq!(folder_of(&root, "tank/my\\040apps"), Ok(PathBuf::from("/srv/my apps")));
        assert!(folder_of(&root, "tank/none").is_err_and(|why| why.contains("no such dataset is mounted")));
        assert!(folder_of(&root, "/nowhere/at/all").is_err_and(|why| why.contains("no such folder")));
        assert_eq!(filesystem_of(&root, Path::new("/srv/my apps/x")).as_deref(), Some("zfs"));
        assert_eq!(filesystem_of(&root, Path::new("/tankard")).as_deref(), Some("ext4"));
    }

    #[test]
    fn the_deepest_mount_that_leads_to_a_folder_holds_it() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("proc/self")).expect("a folder");
        let mounts = "/dev/sda1 / ext4 rw 0 0\ntank/a /srv/data zfs rw 0 0\ntank/b /srv/my\\040data zfs rw 0 0\nx /srv xfs rw 0 0\n";
        std::fs::write(folder.path().join("proc/self/mounts"), mounts).expect("a file");
        let root = Root::new(folder.path());
        for (path, kind) in [
            ("/tmp", "ext4"),
            ("/srv/x", "xfs"),
            ("/srv/data/x", "zfs"),
            ("/srv/database", "xfs"),
            ("/srv/my data", "zfs"),
        ] {
            assert_eq!(filesystem_of(&root, Path::new(path)).as_deref(), Some(kind), "{path}");
        }
        assert_eq!(filesystem_of(&Root::new("/nowhere"), Path::new("/tmp")), None);
        assert_eq!(folder_of(&root, "tank/b"), Ok(PathBuf::from("/srv/my data")));
        assert!(folder_of(&root, "tank/c").is_err_and(|why| why.starts_with("tank/c: no such dataset is mounted")));
        assert!(folder_of(&root, "x").is_err(), "that is no dataset");
        let there = folder.path().to_string_lossy().into_owned();
        assert_eq!(folder_of(&root, &there), Ok(folder.path().to_owned()));
        assert!(folder_of(&root, "/no/such/folder").is_err_and(|why| why.contains("no such folder")));
    }
}
