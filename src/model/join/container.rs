//! Containers with what belongs to them: datasets by their mounts, pools, processes, memory of cards.

use super::subject::filesystem_of;
use crate::model::{
    container::{Container, ContainerRow, Mounted},
    gpu::GpuRow,
    host::Host,
    pool::pool_of,
    process::{Process, containers},
    subject::Subject,
};

/// The dataset that a mount of a container comes from; `None` when it is none of ZFS.
#[must_use]
pub fn dataset_of<'a>(host: &'a Host, mount: &Mounted) -> Option<&'a str> {
    if mount.kind == "tmpfs" {
        return None;
    }
    Some(host.pools.dataset_of(&mount.source)?.reported.name.as_str())
}

/// Where a mount of a container has its files on this machine: in a dataset, else in another filesystem; its name with it.
#[must_use]
pub fn place_of_mount(host: &Host, container: &Container, mount: &Mounted) -> Option<(String, Subject)> {
    // Paths of an engine elsewhere say nothing of this machine.
    let local = host.containers.engines.get(usize::from(container.engine)).is_none_or(|engine| engine.local);
    if !local || !mount.source.starts_with('/') {
        return None;
    }
    if let Some(dataset) = dataset_of(host, mount) {
        return Some((dataset.to_owned(), Subject::Dataset(dataset.to_owned())));
    }
    let filesystem = filesystem_of(host, &mount.source).filter(|_| mount.kind != "tmpfs")?;
    Some((filesystem.mount.clone(), Subject::Filesystem(filesystem.mount.clone())))
}

/// Every dataset that a container uses, each once: its mounts' and the one that holds its own layer.
#[must_use]
pub fn datasets_of<'a>(host: &'a Host, container: &'a Container) -> Vec<&'a str> {
    let mut all: Vec<&str> = container.layer_dataset.as_deref().into_iter().collect();
    for name in container.mounts.iter().filter_map(|mount| dataset_of(host, mount)) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

/// Containers that use a pool, each with the datasets of it that it uses.
#[must_use]
pub fn containers_of_pool<'a>(host: &'a Host, pool: &str) -> Vec<(&'a ContainerRow, Vec<&'a str>)> {
    let of = |row: &'a ContainerRow| {
        let mut datasets = datasets_of(host, &row.meta);
        datasets.retain(|dataset| pool_of(dataset) == pool);
        (!datasets.is_empty()).then_some((row, datasets))
    };
    host.containers.rows.iter().filter_map(of).collect()
}

/// The container that a process runs in: the innermost that an engine knows, where one runs in another.
#[must_use]
pub fn container_of_process<'a>(host: &'a Host, process: &Process) -> Option<&'a ContainerRow> {
    containers(&process.info.as_ref()?.cgroup).find_map(|id| host.containers.find(id))
}

/// The process with this number.
#[must_use]
pub fn process(host: &Host, pid: u32) -> Option<&Process> {
    let rows = &host.processes.rows;
    rows.binary_search_by_key(&(pid, pid), |p| (p.tgid, p.key.pid)).ok().map(|at| &rows[at])
}

/// What the processes of a container do on one GPU.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GpuShare<'a> {
    /// The card.
    pub gpu: &'a GpuRow,
    /// Processes on it.
    pub processes: usize,
    /// Memory that they hold, bytes; `None` when the driver does not report it.
    pub memory: Option<u64>,
    /// Share of the time that they used the card, 0 to 1; `None` when the driver does not report it.
    pub busy: Option<f64>,
}

/// The GPUs that the processes of a container are on.
#[must_use]
pub fn gpus_of<'a>(host: &'a Host, container: &ContainerRow) -> Vec<GpuShare<'a>> {
    let short = container.short_id();
    let own = |pid: u32| process(host, pid).is_some_and(|p| p.container() == Some(short));
    let share = |gpu: &'a GpuRow| {
        let of: Vec<_> = gpu.raw.processes.iter().filter(|p| own(p.pid)).collect();
        let busy = of.iter().filter_map(|p| gpu.busy_of(p.pid)).reduce(|a, b| a + b);
        let memory = of.iter().filter_map(|p| p.memory).reduce(u64::saturating_add);
        (!of.is_empty()).then_some(GpuShare { gpu, processes: of.len(), memory, busy })
    };
    host.gpus.rows.iter().filter_map(share).collect()
}

/// Memory on all GPUs that the processes of a container hold, bytes; `None` when they are on none.
#[must_use]
pub fn gpu_memory_of(host: &Host, container: &ContainerRow) -> Option<u64> {
    gpus_of(host, container).into_iter().filter_map(|share| share.memory).reduce(u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{
        container::Engine,
        filesystem::{Filesystem, Space},
        pool::{Dataset, DatasetRow},
    };

    #[test]
    fn bind_mount_leads_to_dataset_and_pool_and_back() {
        let mut host = Host::default();
        let dataset = |name: &str, at: &str| DatasetRow {
            reported: Dataset { name: name.into(), mountpoint: Some(at.into()), ..Dataset::default() },
            ..DatasetRow::default()
        };
        host.pools.datasets =
            vec![dataset("tank", "/tank"), dataset("tank/media", "/tank/media"), dataset("tank/db", "/srv/db")];
        let mount =
            |kind: &str, source: &str| Mounted { kind: kind.into(), source: source.into(), ..Mounted::default() };
        let meta = Container {
            id: "0123456789abcdef".into(),
            mounts: vec![
                mount("bind", "/tank/media/films"),
                mount("bind", "/srv/db"),
                mount("tmpfs", "/tank"),
                mount("bind", "/etc"),
            ],
            ..Container::default()
        };
        host.containers.rows.push(ContainerRow { meta: Arc::new(meta), ..ContainerRow::default() });
        assert_eq!(datasets_of(&host, &host.containers.rows[0].meta), ["tank/media", "tank/db"]);
        let users = containers_of_pool(&host, "tank");
        assert_eq!(users.len(), 1);
        assert_eq!((users[0].0.short_id(), &users[0].1[..]), ("0123456789ab", &["tank/media", "tank/db"][..]));
        assert!(containers_of_pool(&host, "media").is_empty());
    }

    #[test]
    fn mounts_lead_to_a_dataset_or_a_filesystem_of_this_machine() {
        let mut host = Host::default();
        let dataset = Dataset { name: "tank/db".into(), mountpoint: Some("/srv/db".into()), ..Dataset::default() };
        host.pools.datasets = vec![DatasetRow { reported: dataset, ..DatasetRow::default() }];
        host.filesystems.filesystems = vec![Filesystem {
            mount: "/".into(),
            device: "/dev/sda1".into(),
            kind: "ext4".into(),
            options: String::new(),
            read_only: false,
            space: Ok(Space::default()),
        }];
        host.containers.engines = vec![Engine { local: true, ..Engine::default() }, Engine::default()];
        let place = |engine: u16, kind: &str, source: &str| {
            let mount = Mounted { kind: kind.into(), source: source.into(), ..Mounted::default() };
            place_of_mount(&host, &Container { engine, ..Container::default() }, &mount).map(|(name, _)| name)
        };
        assert_eq!(place(0, "bind", "/srv/db/x").as_deref(), Some("tank/db"));
        assert_eq!(place(0, "volume", "/var/lib/docker/volumes/a").as_deref(), Some("/"));
        assert_eq!(place(0, "tmpfs", "/run"), None);
        assert_eq!(place(0, "volume", "a"), None, "a volume by its name");
        assert_eq!(place(1, "bind", "/srv/db/x"), None, "an engine elsewhere");
    }

    #[test]
    fn what_the_processes_of_a_container_use_of_a_card_is_added() {
        use crate::model::{
            gpu::{Gpu, GpuProcess, GpuRow},
            process::{ProcInfo, ProcKey, Process},
        };
        let id = "0123456789abcdef".repeat(4);
        let process = |pid: u32, cgroup: &str| {
            let info = ProcInfo { cgroup: cgroup.into(), ..ProcInfo::default() };
            let key = ProcKey { pid, start_ticks: 5 };
            Process { key, tgid: pid, info: Some(Box::new(info)), ..Process::default() }
        };
        let own = format!("/docker/{id}");
        let mut host = Host::default();
        host.processes.rows = vec![process(10, &own), process(20, &own), process(30, "/user.slice")];
        let card = |holds: &[(u32, Option<u64>)]| {
            let one =
                |(pid, memory): &(u32, Option<u64>)| GpuProcess { pid: *pid, memory: *memory, ..GpuProcess::default() };
            let raw = Gpu { processes: holds.iter().map(one).collect(), ..Gpu::default() };
            GpuRow { raw, process_busy: vec![(10, 0.25), (20, 0.5), (30, 0.1)], ..GpuRow::default() }
        };
        host.gpus.rows =
            vec![card(&[(10, Some(5)), (20, Some(2)), (30, Some(9))]), card(&[(30, Some(9))]), card(&[(20, None)])];
        let meta = Container { id, ..Container::default() };
        let row = ContainerRow { meta: Arc::new(meta), ..ContainerRow::default() };
        let shares: Vec<_> = gpus_of(&host, &row).iter().map(|s| (s.processes, s.memory, s.busy)).collect();
        assert_eq!(shares, [(2, Some(7), Some(0.75)), (1, None, Some(0.5))]);
        assert_eq!(gpu_memory_of(&host, &row), Some(7));
        host.gpus.rows.remove(0);
        assert_eq!(gpu_memory_of(&host, &row), None, "the driver does not say");
    }
}
