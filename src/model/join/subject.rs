//! What a row, or an alert on it, is about.

use crate::model::{
    container::ContainerRow, disk::Disk, host::Host, metrics::MetricId, pool::pool_of, source::SourceId,
    subject::Subject,
};

/// A container, by its engine and its id.
#[must_use]
pub fn subject_of_container(host: &Host, row: &ContainerRow) -> Subject {
    let engine = host.containers.engines.get(usize::from(row.meta.engine));
    Subject::Container { engine: engine.map(|e| e.address.clone()).unwrap_or_default(), id: row.meta.id.clone() }
}

/// The disk that a device is or lies on, by its name below `/dev`: `sda` of `sda2`, `nvme0n1` of `nvme0n1p1`.
#[must_use]
pub fn disk_of<'a>(host: &'a Host, device: &str) -> Option<&'a Disk> {
    let device = device.strip_prefix("/dev/").unwrap_or(device);
    let is_part = |disk: &str| {
        let Some(part) = device.strip_prefix(disk) else { return false };
        // A disk with a name that ends in a digit has a `p` before the number of a part.
        let number = if disk.ends_with(|c: char| c.is_ascii_digit()) { part.strip_prefix('p') } else { Some(part) };
        part.is_empty() || number.is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()))
    };
    host.disks.disks.iter().find(|disk| is_part(&disk.raw.name))
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
            SourceId::Network => Some(Subject::Network),
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
        "gpu" => host.gpus.labelled(&value).map(|row| Subject::Gpu(row.raw.id.clone())),
        "pool" => Some(match of("vdev") {
            Some(vdev) => Subject::Vdev { pool: value, vdev },
            None => Subject::Pool(value),
        }),
        "container" => {
            host.containers.rows.iter().find(|row| *row.label == *value).map(|row| subject_of_container(host, row))
        }
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
