//! Whom a process belongs to, as people name it: its container, pod, guest or service, else itself; who uses a GPU, added
//! up by that; and the owner of a port.

use super::{
    container::{container_of_process, process},
    subject::subject_of_container,
};
use crate::model::{
    container::ContainerRow, gpu::GpuRow, host::Host, process::Process, socket::Protocol, subject::Subject,
};

/// What an owner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OwnerKind {
    Container,
    Pod,
    Guest,
    Unit,
    Program,
}

impl OwnerKind {
    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            OwnerKind::Container => "container",
            OwnerKind::Pod => "pod",
            OwnerKind::Guest => "guest",
            OwnerKind::Unit => "unit",
            OwnerKind::Program => "program",
        }
    }
}

/// Whom a process belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub kind: OwnerKind,
    /// How it is called.
    pub name: String,
    /// What has a view of its own: a container that an engine knows.
    pub subject: Option<Subject>,
}

/// The owner of a process: the outermost with a known name. A login session is no owner.
#[must_use]
pub fn owner(host: &Host, process: &Process) -> Owner {
    let of = |kind, name: String| Owner { kind, name, subject: None };
    if let Some(container) = container_of_process(host, process) {
        let subject = Some(subject_of_container(host, container));
        return Owner { subject, ..of(OwnerKind::Container, container.meta.name.clone()) };
    }
    if let Some(pod) = process.pod() {
        return of(OwnerKind::Pod, format!("pod {pod}"));
    }
    if let Some(id) = process.container() {
        return of(OwnerKind::Container, id.to_owned());
    }
    if let Some(guest) = process.guest() {
        return of(OwnerKind::Guest, guest);
    }
    match process.unit().and_then(|unit| unit.strip_suffix(".service")).filter(|unit| !unit.starts_with("user@")) {
        Some(unit) => of(OwnerKind::Unit, unit.to_owned()),
        None => of(OwnerKind::Program, process.name.to_string()),
    }
}

/// Who uses a card: all processes of one owner.
#[derive(Debug, Clone, PartialEq)]
pub struct GpuUser {
    /// Their owner; `pid 4242` where the process cannot be seen.
    pub owner: Owner,
    /// Memory that they hold, bytes; `None` when the driver does not report it.
    pub memory: Option<u64>,
    /// Share of the time that they used it; `None` when the driver does not report it.
    pub busy: Option<f64>,
    /// How many they are.
    pub processes: usize,
}

/// Who uses a card, those that hold most first.
#[must_use]
pub fn users_of_gpu(host: &Host, row: &GpuRow) -> Vec<GpuUser> {
    let mut users: Vec<GpuUser> = Vec::new();
    for used in &row.raw.processes {
        let owner = process(host, used.pid).map_or_else(
            || Owner { kind: OwnerKind::Program, name: format!("pid {}", used.pid), subject: None },
            |process| owner(host, process),
        );
        let busy = row.busy_of(used.pid);
        match users.iter_mut().find(|user| user.owner == owner) {
            Some(user) => {
                user.memory = [user.memory, used.memory].into_iter().flatten().reduce(u64::saturating_add);
                user.busy = [user.busy, busy].into_iter().flatten().reduce(|a, b| a + b);
                user.processes += 1;
            }
            None => users.push(GpuUser { owner, memory: used.memory, busy, processes: 1 }),
        }
    }
    users.sort_by(|a, b| b.memory.cmp(&a.memory).then_with(|| a.owner.name.cmp(&b.owner.name)));
    users
}

/// The container that a port of this machine leads into: as its engine published it.
#[must_use]
pub fn container_of_port(host: &Host, protocol: Protocol, port: u16) -> Option<&ContainerRow> {
    let word = if protocol == Protocol::Tcp { "tcp" } else { "udp" };
    // `127.0.0.1:8080→80/tcp`
    let leads = |line: &String| {
        let Some((outside, inside)) = line.split_once('→') else { return false };
        let number = outside.rsplit_once(':').map_or(outside, |(_, number)| number);
        inside.ends_with(word) && number.parse() == Ok(port)
    };
    host.containers.rows.iter().find(|row| row.meta.ports.iter().any(leads))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{
        container::Container,
        gpu::{Gpu, GpuProcess},
        process::{ProcInfo, ProcKey},
    };

    const ID: &str = "3f2a9c1d4e5b60718293a4b5c6d7e8f90123456789abcdef0123456789abcdef";

    fn running(pid: u32, name: &str, cgroup: &str) -> Process {
        let info = ProcInfo { cgroup: cgroup.replace("{}", ID).as_str().into(), ..ProcInfo::default() };
        let key = ProcKey { pid, start_ticks: 1 };
        Process { key, tgid: pid, name: name.into(), info: Some(Box::new(info)), ..Process::default() }
    }

    fn machine() -> Host {
        let mut host = Host::default();
        let ports = vec!["127.0.0.1:8080→80/tcp".to_owned(), "5353→53/udp".to_owned()];
        let meta = Container { id: ID.into(), name: "ollama".into(), ports, ..Container::default() };
        host.containers.rows.push(ContainerRow { meta: Arc::new(meta), ..ContainerRow::default() });
        host.processes.rows = vec![
            running(10, "ollama", "/system.slice/docker-{}.scope"),
            running(11, "runner", "/docker/{}"),
            running(12, "python3", "/system.slice/comfyui.service"),
            running(13, "python3", "/user.slice/user-1000.slice/session-3.scope"),
            running(14, "vllm", "/kubepods/burstable/pod1a2b3c4d-5e6f/ffff"),
            running(15, "kvm", "/qemu.slice/102.scope"),
            running(16, "inner", &format!("/docker/{{}}/docker/{}", ID.replace('3', "a"))),
        ];
        host
    }

    #[test]
    fn a_process_belongs_to_what_people_know_by_name() {
        let host = machine();
        let names: Vec<_> =
            host.processes.rows.iter().map(|p| owner(&host, p)).map(|o| (o.kind.word(), o.name)).collect();
        let reported: Vec<_> = names.iter().map(|(kind, name)| (*kind, name.as_str())).collect();
        assert_eq!(
            reported,
            [
                ("container", "ollama"),
                ("container", "ollama"),
                ("unit", "comfyui"),
                ("program", "python3"),
                ("pod", "pod 1a2b3c4d"),
                ("guest", "vm 102"),
                ("container", "ollama"),
            ]
        );
    }

    #[test]
    fn users_of_a_card_are_added_up_by_owner() {
        let host = machine();
        let on = |pid, memory, busy| GpuProcess { pid, memory, busy, ..GpuProcess::default() };
        let processes =
            vec![on(10, Some(4), Some(0.25)), on(12, Some(8), None), on(11, Some(16), Some(0.5)), on(99, None, None)];
        let mut row = GpuRow { raw: Gpu { processes, ..Gpu::default() }, ..GpuRow::default() };
        row.process_busy = vec![(10, 0.25), (11, 0.5)];
        let users = users_of_gpu(&host, &row);
        let reported: Vec<_> = users.iter().map(|u| (u.owner.name.as_str(), u.memory, u.busy, u.processes)).collect();
        assert_eq!(
            reported,
            [("ollama", Some(20), Some(0.75), 2), ("comfyui", Some(8), None, 1), ("pid 99", None, None, 1)]
        );
    }

    #[test]
    fn a_published_port_leads_to_its_container() {
        let host = machine();
        let named = |protocol, port| container_of_port(&host, protocol, port).map(|c| c.meta.name.as_str());
        assert_eq!(named(Protocol::Tcp, 8080), Some("ollama"));
        assert_eq!((named(Protocol::Udp, 5353), named(Protocol::Tcp, 5353)), (Some("ollama"), None));
        assert_eq!(named(Protocol::Tcp, 80), None, "the port inside is another's outside");
    }
}
