//! Where a process has its files: the datasets of its folder, its program, its open files and its container's mounts.

use super::container::container_of_process;
use crate::model::{
    container::{Container, Mounted},
    host::Host,
    process::{Process, ProcessDetailSample},
};

/// Every dataset that a process uses, in the order of first use, each with what leads there: `working directory`,
/// `3 open files`, `mount /data`.
#[must_use]
pub fn datasets_of_process<'a>(
    host: &'a Host,
    process: &Process,
    detail: &ProcessDetailSample,
) -> Vec<(&'a str, Vec<String>)> {
    let container = container_of_process(host, process).map(|row| &*row.meta);
    let mut all: Vec<(&str, Vec<String>)> = Vec::new();
    let mut note = |dataset: Option<&'a str>, why: String| {
        let Some(dataset) = dataset else { return };
        match all.iter_mut().find(|(known, _)| *known == dataset) {
            Some((_, whys)) => whys.push(why),
            None => all.push((dataset, vec![why])),
        }
    };
    let at = |path: &str| place(host, container, path);
    note(detail.folder.as_deref().and_then(at), "working directory".to_owned());
    note(detail.executable.as_deref().and_then(at), "program".to_owned());
    let mut files: Vec<(&str, usize)> = Vec::new();
    for dataset in detail.files.iter().filter_map(|(_, target)| at(target)) {
        match files.iter_mut().find(|(known, _)| *known == dataset) {
            Some((_, count)) => *count += 1,
            None => files.push((dataset, 1)),
        }
    }
    for (dataset, count) in files {
        note(Some(dataset), format!("{count} open file{}", if count == 1 { "" } else { "s" }));
    }
    for mount in container.map(|c| c.mounts.as_slice()).unwrap_or_default() {
        note(super::dataset_of(host, mount), format!("mount {}", mount.destination));
    }
    all
}

/// The dataset that holds a path as the process sees it: inside of a container that is a mount of it, or its own layer.
fn place<'a>(host: &'a Host, container: Option<&'a Container>, path: &str) -> Option<&'a str> {
    let path = path.strip_suffix(" (deleted)").unwrap_or(path);
    if !path.starts_with('/') {
        return None;
    }
    let Some(container) = container else { return Some(host.pools.dataset_of(path)?.reported.name.as_str()) };
    let below = |mount: &&Mounted| {
        let inside = mount.destination.trim_end_matches('/');
        path.strip_prefix(inside).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    match container.mounts.iter().filter(below).max_by_key(|mount| mount.destination.len()) {
        Some(mount) => super::dataset_of(host, mount),
        None => container.layer_dataset.as_deref(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{
        container::ContainerRow,
        pool::{Dataset, DatasetRow},
        process::ProcInfo,
    };

    const ID: &str = "3f2a9c1d4e5b60718293a4b5c6d7e8f90123456789abcdef0123456789abcdef";

    fn machine() -> Host {
        let mut host = Host::default();
        let dataset = |name: &str, at: &str| DatasetRow {
            reported: Dataset { name: name.into(), mountpoint: Some(at.into()), ..Dataset::default() },
            ..DatasetRow::default()
        };
        host.pools.datasets = vec![dataset("tank/home", "/home"), dataset("tank/models", "/tank/models")];
        let mount = |kind: &str, source: &str, destination: &str| Mounted {
            kind: kind.into(),
            source: source.into(),
            destination: destination.into(),
            writable: true,
        };
        let mounts = vec![mount("bind", "/tank/models", "/models"), mount("tmpfs", "", "/models/tmp")];
        let layer_dataset = Some("tank/docker/3f2a".to_owned());
        let meta = Container { id: ID.into(), mounts, layer_dataset, ..Container::default() };
        host.containers.rows.push(ContainerRow { meta: Arc::new(meta), ..ContainerRow::default() });
        host
    }

    fn reported(cgroup: &str, folder: &str, files: &[&str]) -> Vec<String> {
        let host = machine();
        let info = ProcInfo { cgroup: cgroup.replace("{}", ID).as_str().into(), ..ProcInfo::default() };
        let process = Process { info: Some(Box::new(info)), ..Process::default() };
        let files = (0u32..).zip(files).map(|(fd, target)| (fd, (*target).to_owned())).collect();
        let detail = ProcessDetailSample { folder: Some(folder.into()), files, ..ProcessDetailSample::default() };
        let all = datasets_of_process(&host, &process, &detail);
        all.into_iter().map(|(dataset, whys)| format!("{dataset}: {}", whys.join(", "))).collect()
    }

    #[test]
    fn a_process_of_the_host_leads_to_the_datasets_of_its_files() {
        let files = ["/tank/models/a.gguf", "/tank/models/b.gguf (deleted)", "socket:[7]", "/dev/null", "/homes/x"];
        assert_eq!(
            reported("/system.slice/x.service", "/home/ada", &files),
            ["tank/home: working directory", "tank/models: 2 open files"]
        );
    }

    #[test]
    fn inside_of_a_container_paths_are_those_of_its_mounts() {
        let files = ["/models/a.gguf", "/models/tmp/x", "/tank/models/none.of.these", "/modelsx"];
        assert_eq!(
            reported("/docker/{}", "/home", &files),
            ["tank/docker/3f2a: working directory, 2 open files", "tank/models: 1 open file, mount /models"]
        );
    }
}
