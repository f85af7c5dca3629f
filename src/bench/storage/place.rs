//! Where storage is measured: the folders and datasets that the settings name, and every writable filesystem on a real
//! device; with what must be known of each to measure it honestly.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::{Access, access, major, minor, statvfs};

use crate::{
    bench::contract::Survey,
    model::{
        figure::Fingerprint,
        pool::{Class, Pool, Vdev, pool_of},
    },
    sys::{helper, mounts, root::Root},
    text::clean_bytes,
    units::bytes_long,
};

/// Filesystems on which direct I/O reaches the device.
const DIRECT: [&str; 9] = ["ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "bcachefs", "jfs", "nilfs2"];
/// They are memory, whatever is written to them.
const MEMORY: [&str; 3] = ["tmpfs", "ramfs", "hugetlbfs"];
/// Boot partitions and the like are not offered.
const SMALLEST: u64 = 4 << 30;
/// A place with less is not measured.
const LEAST_FREE: u64 = 1 << 30;
/// A folder that does not answer is on a dead server.
const PATIENCE: Duration = Duration::from_millis(500);

/// What becomes of direct I/O.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direct {
    /// It goes past all caches of this machine.
    Real,
    /// It is accepted, and goes through the ARC all the same (OpenZFS before 2.3): it is not asked for.
    Cached,
    /// Nothing is known of it: an overlay, a network filesystem, FUSE.
    Unknown,
    /// There is no device.
    Memory,
}

/// A place to measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// As results name it: a path, or a dataset.
    pub of: String,
    /// Where files are made.
    pub folder: PathBuf,
    pub filesystem: String,
    pub direct: Direct,
    /// The dataset that is mounted there.
    pub dataset: Option<String>,
    /// Devices whose counters show what was really done.
    pub devices: Vec<String>,
    /// Bytes that they are given for each byte that is written: copies and parity.
    pub copies: f64,
    /// Bytes that may be written.
    pub free: u64,
    /// What results depend on.
    pub fingerprint: Fingerprint,
}

/// All places by name: the place, or why it cannot be measured and the cure.
pub fn names(survey: &Survey<'_>) -> Vec<String> {
    let mut names = survey.settings.bench.storage.clone();
    let mut pools: Vec<&str> = Vec::new();
    let mut found: Vec<_> = survey.state.host.filesystems.filesystems.iter().collect();
    // Of several datasets of a pool, the one nearest to its root.
    found.sort_by_key(|filesystem| (filesystem.device.len(), filesystem.mount.len()));
    for filesystem in found {
        let size = filesystem.space.as_ref().map_or(0, |space| space.size);
        let boot = filesystem.mount.starts_with("/boot") || filesystem.mount.starts_with("/efi");
        let real = DIRECT.contains(&&*filesystem.kind) || filesystem.kind == "zfs";
        if filesystem.read_only || !real || boot || size < SMALLEST {
            continue;
        }
        let name = if filesystem.kind == "zfs" {
            let pool = pool_of(&filesystem.device);
            if pools.contains(&pool) {
                continue;
            }
            pools.push(pool);
            &filesystem.device
        } else {
            &filesystem.mount
        };
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// The place of this name.
///
/// # Errors
/// Why it cannot be measured, and the cure.
pub fn find(survey: &Survey<'_>, of: &str) -> Result<Place, String> {
    let (folder, dataset) = if of.starts_with('/') {
        (PathBuf::from(of), None)
    } else {
        let row = survey.state.host.pools.dataset(of).ok_or_else(|| format!("there is no dataset {of}"))?;
        let mountpoint = row.reported.mountpoint.clone();
        (PathBuf::from(mountpoint.ok_or_else(|| format!("{of} is not mounted: zfs mount {of}"))?), Some(of.to_owned()))
    };
    if !helper::responds(&folder, PATIENCE) {
        return Err(format!("{} does not answer", folder.display()));
    }
    let said = |error: std::io::Error| format!("{}: {error}", folder.display());
    let folder = folder.canonicalize().map_err(said)?;
    let found = fs::metadata(&folder).map_err(said)?;
    if !found.is_dir() {
        return Err(format!("{} is not a folder", folder.display()));
    }
    access(&folder, Access::WRITE_OK).map_err(|_| {
        format!("{} may not be written: run as root, or name a folder of yours in [bench] storage", folder.display())
    })?;
    let space = statvfs(&folder).map_err(|error| said(error.into()))?;
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    if free < LEAST_FREE {
        let (free, least) = (bytes_long(free as f64), bytes_long(LEAST_FREE as f64));
        return Err(format!("{} has {free} free, {least} are needed", folder.display()));
    }
    let mount = mount_of(survey.root, &folder).ok_or_else(|| format!("{} is on no known mount", folder.display()))?;
    let (kind, source) = (clean_bytes(&mount.kind), clean_bytes(&mount.source));
    let dataset = dataset.or_else(|| (kind == "zfs").then(|| source.clone()));
    let pool = dataset.as_deref().and_then(|name| survey.state.host.pools.find(pool_of(name))?.reported.as_ref());
    let direct = match kind.as_str() {
        "zfs" if has_direct(survey.root) => Direct::Real,
        "zfs" => Direct::Cached,
        kind if DIRECT.contains(&kind) => Direct::Real,
        kind if MEMORY.contains(&kind) => Direct::Memory,
        _ => Direct::Unknown,
    };
    let devices: Vec<String> = match pool {
        // What goes to a log goes to these later, and a cache is filled from them.
        Some(pool) => {
            pool.leaves().filter(|leaf| holds_data(leaf)).filter_map(|leaf| device(Path::new(&leaf.name))).collect()
        }
        None => by_number(survey.root, found.dev()).or_else(|| device(Path::new(&source))).into_iter().collect(),
    };
    let mut fingerprint = Fingerprint::from([("filesystem".to_owned(), kind.clone())]);
    if let Some(pool) = pool {
        fingerprint.insert("pool_layout".to_owned(), layout(pool));
    }
    if let Some(model) = devices.first().and_then(|name| model(survey.root, name)) {
        fingerprint.insert("device".to_owned(), model);
    }
    let copies = pool.map_or(1.0, copies);
    Ok(Place { of: of.to_owned(), folder, filesystem: kind, direct, dataset, devices, copies, free, fingerprint })
}

fn holds_data(vdev: &Vdev) -> bool {
    matches!(vdev.class, Class::Normal | Class::Special | Class::Dedup)
}

/// Bytes that a pool writes for each byte of a file: 2 for mirrors of two, 1.25 for RAID-Z1 of five; the most of its groups.
fn copies(pool: &Pool) -> f64 {
    let mut most = 1.0_f64;
    let groups = pool.vdevs.iter().enumerate().filter(|(_, vdev)| vdev.depth == 0 && !vdev.leaf && holds_data(vdev));
    for (at, group) in groups {
        let below = pool.vdevs[at + 1..].iter().take_while(|vdev| vdev.depth > 0);
        let width = below.filter(|vdev| vdev.depth == 1).count() as f64;
        let number = |text: &str| {
            let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
            text[..digits].parse::<f64>().ok()
        };
        let name = group.name.as_str();
        let copies = if name.starts_with("mirror") {
            width
        } else if let Some((parity, data)) = name.strip_prefix("draid").and_then(|name| name.split_once(':')) {
            // `draid2:4d:7c:1s-0`: 2 of parity for 4 of data.
            let (parity, data) = (number(parity).unwrap_or(1.0), number(data).unwrap_or(1.0));
            (data + parity) / data
        } else if let Some(parity) = name.strip_prefix("raidz") {
            width / (width - number(parity).unwrap_or(1.0))
        } else {
            1.0
        };
        most = if copies.is_finite() { most.max(copies) } else { most };
    }
    most
}

/// Only root mounts what it makes on Linux.
pub fn may_make_datasets(survey: &Survey<'_>) -> bool {
    rustix::process::geteuid().is_root() && survey.exec.find("zfs").is_some()
}

/// The mount that a folder is in: the last one of those with the longest path, which lies on top.
fn mount_of(root: &Root, folder: &Path) -> Option<mounts::Mount> {
    use std::os::unix::ffi::OsStrExt;
    let text = root.read(mounts::file(root)).ok()?;
    let above = |mount: &mounts::Mount| {
        let point = Path::new(std::ffi::OsStr::from_bytes(&mount.point)).to_owned();
        folder.starts_with(point)
    };
    mounts::parse(&text).into_iter().filter(above).max_by_key(|mount| mount.point.len())
}

/// OpenZFS 2.3 and later read and write past the ARC when they are asked to.
fn has_direct(root: &Root) -> bool {
    let version = root.line("sys/module/zfs/version").unwrap_or_default();
    let mut numbers = version.split(['.', '-', '_']).map(|part| part.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (2, 3)
}

/// The kernel's name for a device that is given by path: `sda1`, `dm-0`.
fn device(path: &Path) -> Option<String> {
    if !path.starts_with("/dev") {
        return None;
    }
    Some(path.canonicalize().ok()?.file_name()?.to_str()?.to_owned())
}

/// The same by its number; `None` for filesystems that have an invented one.
fn by_number(root: &Root, number: u64) -> Option<String> {
    let link = root.path(format!("sys/dev/block/{}:{}", major(number), minor(number)));
    Some(fs::read_link(link).ok()?.file_name()?.to_str()?.to_owned())
}

/// The maker's name of a disk, of the whole one where it is a partition.
fn model(root: &Root, device: &str) -> Option<String> {
    let of = |name: &str| root.line(format!("sys/class/block/{name}/device/model"));
    let whole = || {
        let link = fs::canonicalize(root.path(format!("sys/class/block/{device}"))).ok()?;
        of(link.parent()?.file_name()?.to_str()?)
    };
    of(device).or_else(whole)
}

/// How the pool is built: `mirror-0 (2), mirror-1 (2), log nvme0n1p1`.
fn layout(pool: &Pool) -> String {
    let mut parts: Vec<(String, usize)> = Vec::new();
    for vdev in &pool.vdevs {
        let class = if vdev.class == Class::Normal { "" } else { vdev.class.word() };
        match (vdev.depth, parts.last_mut()) {
            (0, _) if vdev.leaf => parts.push((format!("{class} disk").trim().to_owned(), 0)),
            (0, _) => parts.push((format!("{class} {}", vdev.name).trim().to_owned(), 0)),
            (1, Some((_, count))) => *count += 1,
            _ => {}
        }
    }
    let shown = parts.into_iter().map(|(name, n)| if n == 0 { name } else { format!("{name} ({n})") });
    shown.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_s_layout_is_its_groups() {
        let vdev =
            |name: &str, depth, leaf, class| Vdev { name: name.to_owned(), depth, leaf, class, ..Vdev::default() };
        let vdevs = vec![
            vdev("mirror-0", 0, false, Class::Normal),
            vdev("/dev/sda1", 1, true, Class::Normal),
            vdev("/dev/sdb1", 1, true, Class::Normal),
            vdev("/dev/sdc1", 0, true, Class::Normal),
            vdev("/dev/nvme0n1p1", 0, true, Class::Log),
        ];
        assert_eq!(layout(&Pool { vdevs, ..Pool::default() }), "mirror-0 (2), disk, log disk");
    }

    #[test]
    fn copies_and_parity_are_written_too() {
        let pool = |groups: &[(&str, usize)]| {
            let vdev = |name: &str, depth, leaf| Vdev { name: name.to_owned(), depth, leaf, ..Vdev::default() };
            let group = |(name, width): &(&str, usize)| {
                let disks = (0..*width).map(|disk| vdev(&format!("/dev/{name}{disk}"), 1, true));
                std::iter::once(vdev(name, 0, *width == 0)).chain(disks).collect::<Vec<_>>()
            };
            Pool { vdevs: groups.iter().flat_map(group).collect(), ..Pool::default() }
        };
        for (groups, expected) in [
            (&[("/dev/sda", 0)][..], 1.0),
            (&[("mirror-0", 2), ("mirror-1", 3)], 3.0),
            (&[("raidz1-0", 5)], 1.25),
            (&[("raidz2-0", 4), ("/dev/sdx", 0)], 2.0),
            (&[("draid2:4d:7c:1s-0", 7)], 1.5),
        ] {
            assert_eq!(copies(&pool(groups)), expected, "{groups:?}");
        }
    }

    #[test]
    fn direct_reads_of_zfs_came_with_2_3() {
        let folder = tempfile::tempdir().expect("a folder");
        let module = folder.path().join("sys/module/zfs");
        fs::create_dir_all(&module).expect("a folder");
        for (version, direct) in [("2.1.11-1", false), ("2.2.99", false), ("2.3.0-rc1", true), ("2.4.0-1", true)] {
            fs::write(module.join("version"), version).expect("written");
            assert_eq!(has_direct(&Root::new(folder.path())), direct, "{version}");
        }
        assert!(!has_direct(&Root::new("/nowhere")));
    }

    #[test]
    fn places_are_what_the_user_named_and_large_filesystems_of_disks() {
        use crate::{
            bench::engine::testing::Surveyed,
            model::filesystem::{Filesystem, Space},
            state::State,
        };
        let filesystem = |mount: &str, device: &str, kind: &str, size: u64| Filesystem {
            mount: mount.to_owned(),
            device: device.to_owned(),
            kind: kind.to_owned(),
            options: String::new(),
            read_only: false,
            space: Ok(Space { size, ..Space::default() }),
        };
        let mut state = State::default();
        state.host.filesystems.filesystems = vec![
            filesystem("/", "/dev/sda2", "ext4", SMALLEST),
            filesystem("/small", "/dev/sda3", "ext4", SMALLEST - 1),
            filesystem("/boot", "/dev/sda1", "ext4", SMALLEST),
            filesystem("/efi", "/dev/sda1", "ext4", SMALLEST),
            filesystem("/run", "tmpfs", "tmpfs", SMALLEST),
            filesystem("/nas", "nas:/", "nfs4", SMALLEST),
            filesystem("/tank/a", "tank/a", "zfs", SMALLEST),
            filesystem("/tank", "tank", "zfs", SMALLEST),
            filesystem("/fast/x", "fast/x", "zfs", SMALLEST),
            Filesystem { read_only: true, ..filesystem("/cd", "/dev/sr0", "ext4", SMALLEST) },
            Filesystem { space: Err(crate::model::fault::Fault::Timeout), ..filesystem("/late", "/dev/x", "xfs", 0) },
        ];
        let mut surveyed = Surveyed::new(state);
        assert_eq!(names(&surveyed.survey()), ["tank", "fast/x", "/"]);
        surveyed.settings.bench.storage = vec!["/mnt/a".to_owned(), "/".to_owned()];
        assert_eq!(names(&surveyed.survey()), ["/mnt/a", "/", "tank", "fast/x"], "each once");
    }

    #[test]
    fn a_place_that_cannot_be_measured_says_why() {
        use crate::{
            bench::engine::testing::Surveyed,
            model::pool::{Dataset, DatasetRow},
            state::State,
        };
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        fs::write(&file, "").expect("written");
        let mut state = State::default();
        let row = |name: &str, mountpoint: Option<&str>| {
            let mountpoint = mountpoint.map(str::to_owned);
            let reported = Dataset { name: name.to_owned(), mountpoint, ..Dataset::default() };
            DatasetRow { reported, ..DatasetRow::default() }
        };
        state.host.pools.datasets = vec![row("tank/off", None)];
        let mut surveyed = Surveyed::new(state);
        surveyed.root = Root::new(folder.path());
        let why = |of: &str| find(&surveyed.survey(), of).map(|place| place.of);
        assert_eq!(why("tank/gone"), Err("there is no dataset tank/gone".to_owned()));
        assert_eq!(why("tank/off"), Err("tank/off is not mounted: zfs mount tank/off".to_owned()));
        assert_eq!(why(&file.to_string_lossy()), Err(format!("{} is not a folder", file.display())));
        assert!(why("/no/such/folder").is_err());
    }

    #[test]
    fn a_device_is_known_by_the_kernel_s_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Root::new(folder.path());
        let link = |from: &str, to: &str| {
            let from = folder.path().join(from);
            fs::create_dir_all(from.parent().expect("a parent")).expect("a folder");
            std::os::unix::fs::symlink(to, from).expect("a link");
        };
        link("sys/dev/block/8:2", "../../devices/pci0/block/sda/sda2");
        assert_eq!(by_number(&root, rustix::fs::makedev(8, 2)).as_deref(), Some("sda2"));
        assert_eq!(by_number(&root, rustix::fs::makedev(8, 3)), None);
        assert_eq!((device(Path::new("/dev/null")).as_deref(), device(Path::new("/proc/self"))), (Some("null"), None));
        let disk = folder.path().join("sys/devices/pci0/block/sda");
        fs::create_dir_all(disk.join("device")).and_then(|()| fs::create_dir_all(disk.join("sda2"))).expect("folders");
        fs::write(disk.join("device/model"), "WD Red\n").expect("written");
        link("sys/class/block/sda", "../../devices/pci0/block/sda");
        link("sys/class/block/sda2", "../../devices/pci0/block/sda/sda2");
        for name in ["sda", "sda2"] {
            assert_eq!(model(&root, name).as_deref(), Some("WD Red"), "{name}");
        }
        assert_eq!(model(&root, "sdb"), None);
    }

    #[test]
    fn the_deepest_and_newest_mount_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("proc/1")).expect("a folder");
        let line = |point: &str, source: &str| format!("1 0 0:50 / {point} rw - ext4 {source} rw\n");
        let text = [line("/", "root"), line("/srv", "old"), line("/srv", "new"), line("/srv/deep", "deep")].concat();
        fs::write(folder.path().join("proc/1/mountinfo"), text).expect("written");
        let of =
            |path: &str| mount_of(&Root::new(folder.path()), Path::new(path)).map(|mount| clean_bytes(&mount.source));
        for (path, source) in [("/srv/x", "new"), ("/srv/deep/x", "deep"), ("/srvx", "root"), ("/srv/deeper", "new")] {
            assert_eq!(of(path).as_deref(), Some(source), "{path}");
        }
    }
}
