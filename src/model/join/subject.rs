//! What a row, or an alert on it, is about.

use crate::model::{
    container::ContainerRow,
    disk::Disk,
    filesystem::Filesystem,
    host::Host,
    metrics::MetricId,
    pool::{PoolRow, is_below, pool_of},
    run::SeriesKey,
    source::SourceId,
    subject::Subject,
};

/// A container, by its engine and its id.
#[must_use]
pub fn subject_of_container(host: &Host, row: &ContainerRow) -> Subject {
    let engine = host.containers.engines.get(usize::from(row.meta.engine));
    Subject::Container { engine: engine.map(|e| e.address.clone()).unwrap_or_default(), id: row.meta.id.clone() }
}

/// The disk that a device is or lies on, by its name below `/dev`: `sda` of `sda2`, `nvme0n1` of `nvme0n1p1`, or a link
/// to one of them. A tool may leave out the folder of a link: `ata-…` for `disk/by-id/ata-…`.
#[must_use]
pub fn disk_of<'a>(host: &'a Host, device: &str) -> Option<&'a Disk> {
    let device = device.strip_prefix("/dev/").unwrap_or(device);
    let leads = |link: &String| {
        let folder = link.strip_suffix(device);
        folder.is_some_and(|folder| folder.is_empty() || !device.contains('/') && folder.ends_with('/'))
    };
    let is_part = |disk: &str| {
        let Some(part) = device.strip_prefix(disk) else { return false };
        // A disk with a name that ends in a digit has a `p` before the number of a part.
        let number = if disk.ends_with(|c: char| c.is_ascii_digit()) { part.strip_prefix('p') } else { Some(part) };
        part.is_empty() || number.is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()))
    };
    let disks = || host.disks.disks.iter();
    disks().find(|disk| is_part(&disk.raw.name)).or_else(|| disks().find(|disk| disk.raw.links.iter().any(leads)))
}

/// The filesystem that holds a path of this machine: the mount that is deepest.
#[must_use]
pub fn filesystem_of<'a>(host: &'a Host, path: &str) -> Option<&'a Filesystem> {
    let mounts = host.filesystems.filesystems.iter().filter(|fs| is_below(path, &fs.mount));
    mounts.max_by_key(|fs| fs.mount.len())
}

/// What lies on a disk or its parts: filesystems by their mount point, and pools, each with its name.
#[must_use]
pub fn users_of_disk(host: &Host, disk: &str) -> Vec<(String, Subject)> {
    let is_on = |device: &str| disk_of(host, device).is_some_and(|found| found.raw.name == disk);
    let filesystems = host.filesystems.filesystems.iter().filter(|fs| is_on(&fs.device));
    let filesystems = filesystems.map(|fs| (fs.mount.clone(), Subject::Filesystem(fs.mount.clone())));
    let has =
        |pool: &&PoolRow| pool.reported.as_ref().is_some_and(|pool| pool.leaves().any(|leaf| is_on(leaf.device())));
    let pools = host.pools.rows.iter().filter(has).map(|pool| (pool.name.clone(), Subject::Pool(pool.name.clone())));
    filesystems.chain(pools).collect()
}

/// What a filesystem is made of: its dataset, or the disk that it lies on.
#[must_use]
pub fn subject_of_device(host: &Host, filesystem: &Filesystem) -> Option<Subject> {
    match filesystem.kind.as_str() {
        "zfs" => host.pools.dataset(&filesystem.device).map(|dataset| Subject::Dataset(dataset.reported.name.clone())),
        _ => disk_of(host, &filesystem.device).map(|disk| Subject::Disk(disk.raw.name.clone())),
    }
}

/// What a value of this metric is about; `None` where that is not one of the machine's parts.
#[must_use]
pub fn subject_of_metric(host: &Host, metric: MetricId, labels: &[(String, String)]) -> Option<Subject> {
    let metric = metric.def();
    let of = |name: &str| labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.clone());
    let Some((first, value)) = labels.first() else {
        return match metric.source? {
            SourceId::Cpu | SourceId::Load => Some(Subject::Cpu),
            SourceId::Memory if metric.id.contains("arc_") => Some(Subject::Arc),
            SourceId::Memory => Some(Subject::Memory),
            _ if metric.id.starts_with("own_memory") => Some(Subject::Memory),
            SourceId::Limits => Some(Subject::Cpu),
            // Services have one figure of them all: whether this host has a network.
            SourceId::Network | SourceId::Services => Some(Subject::Network),
            _ => None,
        };
    };
    let value = value.clone();
    match first.as_str() {
        "core" => value.parse().ok().map(Subject::Core),
        "device" => Some(Subject::Disk(value)),
        "interface" => Some(Subject::Interface(value)),
        "mount" => Some(Subject::Filesystem(value)),
        "resource" => Some(Subject::Pressure(value)),
        "sensor" => Some(Subject::Sensor(value)),
        "kind" => Some(Subject::Arc),
        "dataset" => Some(Subject::Dataset(value)),
        "service" => Some(Subject::Service(value)),
        "gpu" => host.gpus.labelled(&value).map(|row| Subject::Gpu(row.raw.id.clone())),
        "pool" => Some(match of("vdev") {
            Some(vdev) => Subject::Vdev { pool: value, vdev },
            None => Subject::Pool(value),
        }),
        "server" => Some(Subject::ModelServer(value)),
        "container" => {
            host.containers.rows.iter().find(|row| *row.label == *value).map(|row| subject_of_container(host, row))
        }
        "benchmark" => Some(Subject::Benchmark(SeriesKey { benchmark: value, of: of("of").unwrap_or_default() })),
        "engine" => {
            let engine = host.containers.engines.iter().find(|engine| engine.address.as_str() == value)?;
            Some(Subject::Engine(engine.address.clone()))
        }
        _ => None,
    }
}

/// The pool that a subject belongs to, where it is a part of one.
#[must_use]
pub fn pool_of_subject(subject: &Subject) -> Option<&str> {
    match subject {
        Subject::Pool(pool) | Subject::Vdev { pool, .. } => Some(pool),
        Subject::Dataset(dataset) => Some(pool_of(dataset)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        disk::DiskCounters,
        filesystem::Space,
        pool::{Pool, Vdev},
    };

    fn host() -> Host {
        let mut host = Host::default();
        let disk = |name: &str, links: &[&str]| Disk {
            raw: DiskCounters {
                name: name.into(),
                links: links.iter().map(|link| (*link).to_owned()).collect(),
                ..DiskCounters::default()
            },
            ..Disk::default()
        };
        host.disks.disks = vec![
            disk("sda", &["disk/by-id/ata-A", "disk/by-id/ata-A-part2", "disk/by-label/data"]),
            disk("nvme0n1", &[]),
            disk("dm-0", &["mapper/data"]),
        ];
        let mount = |mount: &str, device: &str, kind: &str| Filesystem {
            mount: mount.into(),
            device: device.into(),
            kind: kind.into(),
            options: String::new(),
            read_only: false,
            space: Ok(Space::default()),
        };
        host.filesystems.filesystems = vec![
            mount("/", "/dev/nvme0n1p2", "ext4"),
            mount("/srv", "/dev/mapper/data", "xfs"),
            mount("/old", "/dev/disk/by-label/data", "ext4"),
        ];
        let leaf = Vdev { name: "/dev/disk/by-id/ata-A-part2".into(), leaf: true, ..Vdev::default() };
        let reported = Some(Pool { vdevs: vec![leaf], ..Pool::default() });
        let mut pool = PoolRow::default();
        (pool.name, pool.reported) = ("tank".into(), reported);
        host.pools.rows = vec![pool];
        host
    }

    #[test]
    fn devices_lead_to_their_disk() {
        let host = host();
        let of = |device: &str| disk_of(&host, device).map(|disk| disk.raw.name.as_str());
        for (device, disk) in [
            ("sda", Some("sda")),
            ("/dev/sda12", Some("sda")),
            ("sdab", None),
            ("/dev/nvme0n1p1", Some("nvme0n1")),
            ("nvme0n1p", None),
            ("/dev/disk/by-id/ata-A-part2", Some("sda")),
            ("ata-A", Some("sda")),
            ("ta-A", None),
            ("/dev/mapper/data", Some("dm-0")),
            ("by-label/data", None),
        ] {
            assert_eq!(of(device), disk, "{device}");
        }
    }

    #[test]
    fn disk_knows_what_lies_on_it() {
        let host = host();
        let names = |disk: &str| users_of_disk(&host, disk).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!((names("sda"), names("dm-0")), (vec!["/old".into(), "tank".into()], vec!["/srv".into()]));
        let on = |mount: &str| subject_of_device(&host, filesystem_of(&host, mount).expect("a mount"));
        assert_eq!(on("/srv/www/x"), Some(Subject::Disk("dm-0".into())));
        assert_eq!(on("/srvx"), Some(Subject::Disk("nvme0n1".into())));
    }

    #[test]
    fn what_a_value_is_about_stands_in_its_first_label() {
        let host = host();
        let of = |labels: &[(&str, &str)]| {
            let labels: Vec<_> = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            subject_of_metric(&host, MetricId::find("load1").expect("a metric"), &labels)
        };
        let name = || "x".to_owned();
        for (label, subject) in [
            ("device", Subject::Disk(name())),
            ("interface", Subject::Interface(name())),
            ("mount", Subject::Filesystem(name())),
            ("resource", Subject::Pressure(name())),
            ("sensor", Subject::Sensor(name())),
            ("kind", Subject::Arc),
            ("dataset", Subject::Dataset(name())),
            ("service", Subject::Service(name())),
            ("pool", Subject::Pool(name())),
            ("server", Subject::ModelServer(name())),
            ("benchmark", Subject::Benchmark(SeriesKey { benchmark: name(), of: String::new() })),
        ] {
            assert_eq!(of(&[(label, "x")]), Some(subject), "{label}");
        }
        assert_eq!(of(&[("core", "3")]), Some(Subject::Core(3)));
        let vdev = Subject::Vdev { pool: name(), vdev: "mirror-0".to_owned() };
        assert_eq!(of(&[("pool", "x"), ("vdev", "mirror-0")]), Some(vdev));
        let series = SeriesKey { benchmark: name(), of: "tank".to_owned() };
        assert_eq!(of(&[("benchmark", "x"), ("of", "tank")]), Some(Subject::Benchmark(series)));
        for none in ["core", "gpu", "container", "engine", "colour"] {
            assert_eq!(of(&[(none, "x")]), None, "{none}: nothing of that name is there");
        }
    }

    #[test]
    fn what_has_a_list_is_about_one_of_its_rows() {
        use crate::model::{
            container::{Container, Engine},
            gpu::{Gpu, GpuRow},
        };
        let mut host = host();
        let raw = Gpu { id: "GPU-1".into(), name: "RTX".into(), ..Gpu::default() };
        host.gpus.rows = vec![GpuRow { raw, ..GpuRow::default() }];
        let meta = Container { id: "ab".into(), name: "web".into(), ..Container::default() };
        host.containers.rows =
            vec![ContainerRow { meta: std::sync::Arc::new(meta), label: "web".into(), ..ContainerRow::default() }];
        host.containers.engines = vec![Engine {
            kind: "docker".into(),
            address: "unix:///run/docker.sock".into(),
            version: None,
            fault: None,
            fault_unix_ms: None,
            local: true,
            twin: false,
            listed: true,
        }];
        let label = host.gpus.rows[0].raw.label();
        let of = |name: &str, value: &str| {
            subject_of_metric(&host, MetricId::find("load1").expect("a metric"), &[(name.to_owned(), value.to_owned())])
        };
        assert_eq!(of("gpu", &label), Some(Subject::Gpu("GPU-1".into())));
        let engine = host.containers.engines[0].address.clone();
        assert_eq!(of("engine", engine.as_str()), Some(Subject::Engine(engine.clone())));
        assert_eq!(of("container", "web"), Some(Subject::Container { engine, id: "ab".into() }));
        assert_eq!((of("container", "db"), of("gpu", "9")), (None, None));
    }

    #[test]
    fn a_value_without_labels_is_about_a_part_of_the_machine() {
        let host = Host::default();
        let of = |id: &str| subject_of_metric(&host, MetricId::find(id).unwrap_or_else(|| panic!("{id}")), &[]);
        for (id, subject) in [
            ("cpu_busy_ratio", Some(Subject::Cpu)),
            ("load1", Some(Subject::Cpu)),
            ("memory_used_ratio", Some(Subject::Memory)),
            ("own_memory_ratio", Some(Subject::Memory)),
            ("own_cpu_ratio", Some(Subject::Cpu)),
            ("network_reachable", Some(Subject::Network)),
        ] {
            assert_eq!(of(id), subject, "{id}");
        }
        let arc =
            crate::model::metrics::METRICS.iter().find(|metric| metric.id.contains("arc_") && metric.labels.is_empty());
        assert_eq!(arc.and_then(|metric| of(metric.id)), arc.map(|_| Subject::Arc));
    }

    #[test]
    fn parts_of_a_pool_belong_to_it() {
        let vdev = Subject::Vdev { pool: "tank".into(), vdev: "sda".into() };
        for part in [Subject::Pool("tank".into()), vdev, Subject::Dataset("tank/a/b".into())] {
            assert_eq!(pool_of_subject(&part), Some("tank"), "{part:?}");
        }
        assert_eq!(pool_of_subject(&Subject::Disk("tank".into())), None);
    }
}
