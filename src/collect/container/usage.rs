//! A container's counters from its control groups and network namespace, found through its first process.

use std::collections::HashMap;

use super::group;
use crate::{
    collect::cgroup::{Groups, Version},
    model::container::{Container, NetworkOf, Usage},
    sys::{
        mounts,
        parse::{lines, number, value_of, words},
        reread::Reread,
        root::Root,
    },
};

/// How many containers keep their files open between readings: opening is most of the cost, and descriptors are
/// limited.
const KEPT_OPEN: usize = 100;

/// A missing group is searched for again after this many readings.
const ABSENT_ROUNDS: u8 = 30;

/// The files of one container.
struct Place {
    pid: u32,
    files: Files,
    /// Its network counters; `None` in the host's network.
    network: Option<Reread>,
    /// Read in the current round.
    seen: bool,
}

/// The files of its groups; `None` without a hierarchy for the controller.
struct Files {
    cpu: Option<Reread>,
    account: Option<Reread>,
    memory: Option<Memory>,
    pids: Option<Reread>,
    io: Option<(Version, Reread)>,
}

/// The files of the memory controller.
struct Memory {
    version: Version,
    current: Reread,
    limit: Reread,
    stat: Reread,
}

impl Files {
    fn new(root: &Root, groups: &Groups, container: &Container) -> Self {
        let own = |controller: &str| group::own(root, groups, container, controller);
        let file = |folder: &str, name: &str| Reread::in_one_piece(root, format!("{folder}/{name}"));
        let memory = |(version, folder): (Version, String)| {
            let (current, limit) = match version {
                Version::Two => ("memory.current", "memory.max"),
                Version::One => ("memory.usage_in_bytes", "memory.limit_in_bytes"),
            };
            let (current, limit, stat) = (file(&folder, current), file(&folder, limit), file(&folder, "memory.stat"));
            Memory { version, current, limit, stat }
        };
        let io = |(version, folder): (Version, String)| {
            // In version 1 only this one includes the groups below; old kernels lack it.
            const BELOW_TOO: &str = "blkio.throttle.io_service_bytes_recursive";
            let name = match version {
                Version::Two => "io.stat",
                Version::One if root.path(format!("{folder}/{BELOW_TOO}")).exists() => BELOW_TOO,
                Version::One => "blkio.throttle.io_service_bytes",
            };
            (version, file(&folder, name))
        };
        Files {
            cpu: own("cpu").map(|(_, folder)| file(&folder, "cpu.stat")),
            account: own("cpuacct").map(|(_, folder)| file(&folder, "cpuacct.usage")),
            memory: own("memory").map(memory),
            pids: own("pids").map(|(_, folder)| file(&folder, "pids.current")),
            io: own("io").or_else(|| own("blkio")).map(io),
        }
    }

    fn close(&mut self) {
        let memory = self.memory.iter_mut().flat_map(|m| [&mut m.current, &mut m.limit, &mut m.stat]);
        let alone = [&mut self.cpu, &mut self.account, &mut self.pids].into_iter().flatten();
        let io = self.io.iter_mut().map(|(_, file)| file);
        memory.chain(alone).chain(io).for_each(Reread::close);
    }
}

/// Remembers each container's files.
#[derive(Default)]
pub(super) struct Counters {
    places: HashMap<String, Place>,
    /// Containers without a group of their own, by first process, and for how many rounds to skip them.
    absent: HashMap<String, (u32, u8)>,
    mountinfo: Vec<u8>,
    host_network: Option<std::path::PathBuf>,
}

impl Counters {
    /// Starts a round.
    pub(super) fn begin(&mut self, root: &Root) {
        self.mountinfo.clear();
        self.host_network = std::fs::read_link(root.path("proc/1/ns/net")).ok();
        self.places.values_mut().for_each(|place| place.seen = false);
        self.absent.retain(|_, (_, rounds)| {
            *rounds -= 1;
            *rounds > 0
        });
    }

    /// Ends a round: drops containers that were not asked for.
    pub(super) fn end(&mut self) {
        self.places.retain(|_, place| place.seen);
    }

    /// The counters of one container; `None` if its first process has ended or it has no readable group of its own.
    pub(super) fn read(&mut self, root: &Root, container: &Container) -> Option<Usage> {
        if self.places.get(&container.id).is_none_or(|place| place.pid != container.pid) {
            if self.absent.get(&container.id).is_some_and(|(pid, _)| *pid == container.pid) {
                return None;
            }
            let Some(place) = self.find(root, container) else {
                self.absent.insert(container.id.clone(), (container.pid, ABSENT_ROUNDS));
                return None;
            };
            self.places.insert(container.id.clone(), place);
        }
        let many = self.places.len() > KEPT_OPEN;
        let place = self.places.get_mut(&container.id)?;
        place.seen = true;
        let usage = read(place);
        if many {
            place.files.close();
        }
        if usage.cpu_us.is_none() && usage.memory_bytes.is_none() {
            // Its groups are gone: it may have been moved.
            self.places.remove(&container.id);
            return None;
        }
        Some(usage)
    }

    fn find(&mut self, root: &Root, container: &Container) -> Option<Place> {
        let text = root.read(format!("proc/{}/cgroup", container.pid)).ok()?;
        if !group::belongs(&text, container) {
            return None;
        }
        if self.mountinfo.is_empty() {
            self.mountinfo = root.read(mounts::file(root)).ok()?;
        }
        let groups = Groups::new(&text, &self.mountinfo);
        let own = std::fs::read_link(root.path(format!("proc/{}/ns/net", container.pid))).ok();
        Some(Place {
            pid: container.pid,
            files: Files::new(root, &groups, container),
            network: (own.is_some() && own != self.host_network && container.network() == NetworkOf::Own)
                .then(|| Reread::new(root, format!("proc/{}/net/dev", container.pid))),
            seen: true,
        })
    }
}

fn read(place: &mut Place) -> Usage {
    let mut usage = Usage::default();
    let files = &mut place.files;
    let figure = |file: &mut Reread| file.read().ok().and_then(|text| number(text.trim_ascii()));
    if let Some(cpu) = &mut files.cpu {
        let stat = cpu.read().unwrap_or_default();
        let value = |key: &[u8]| value_of(stat, key).and_then(number);
        usage.throttled_periods = value(b"nr_throttled").zip(value(b"nr_periods"));
        usage.cpu_us = value(b"usage_usec");
    }
    if let Some(account) = files.account.as_mut().filter(|_| usage.cpu_us.is_none()) {
        usage.cpu_us = figure(account).map(|nanoseconds| nanoseconds / 1000);
    }
    if let Some(memory) = &mut files.memory {
        let inactive: &[u8] = match memory.version {
            Version::Two => b"inactive_file",
            Version::One => b"total_inactive_file",
        };
        let stat = memory.stat.read().unwrap_or_default();
        let cache = value_of(stat, inactive).and_then(number).unwrap_or(0);
        usage.memory_bytes = figure(&mut memory.current).map(|bytes| bytes.saturating_sub(cache));
        usage.memory_limit = figure(&mut memory.limit);
    }
    usage.pids = files.pids.as_mut().and_then(figure);
    if let Some((version, io)) = &mut files.io {
        let bytes = match version {
            Version::Two => io.read().map(io_v2),
            Version::One => io.read().map(io_v1),
        };
        (usage.read_bytes, usage.written_bytes) = bytes.map_or((None, None), |(r, w)| (Some(r), Some(w)));
    }
    if let Some(file) = &mut place.network {
        (usage.rx_bytes, usage.tx_bytes) =
            file.read().map(network).map_or((None, None), |(rx, tx)| (Some(rx), Some(tx)));
        // Left open, it would keep an ended container's network namespace alive.
        file.close();
    }
    usage
}

/// `8:0 rbytes=1 wbytes=2 …`, one line per device.
fn io_v2(text: &[u8]) -> (u64, u64) {
    let sum = |key: &[u8]| -> u64 {
        lines(text).flat_map(words).filter_map(|word| number(word.strip_prefix(key)?)).fold(0, u64::saturating_add)
    };
    (sum(b"rbytes="), sum(b"wbytes="))
}

/// `8:0 Read 1`, one line per device and direction.
fn io_v1(text: &[u8]) -> (u64, u64) {
    let sum = |direction: &[u8]| -> u64 {
        let value = |line| {
            let mut words = words(line).skip(1);
            (words.next()? == direction).then(|| number(words.next()?))?
        };
        lines(text).filter_map(value).fold(0, u64::saturating_add)
    };
    (sum(b"Read"), sum(b"Write"))
}

/// Received and sent over all interfaces but loopback ("proc(5)" net/dev).
fn network(text: &[u8]) -> (u64, u64) {
    lines(text).skip(2).fold((0, 0), |(rx, tx), line| {
        let Some(colon) = line.iter().position(|&b| b == b':') else { return (rx, tx) };
        if line[..colon].trim_ascii() == b"lo" {
            return (rx, tx);
        }
        let mut figures = words(&line[colon + 1..]).map(|w| number(w).unwrap_or(0));
        let (received, sent) = (figures.next().unwrap_or(0), figures.nth(7).unwrap_or(0));
        (rx + received, tx + sent)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_count_reads_and_writes() {
        assert_eq!(
            io_v2(b"8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n253:0 rbytes=1 wbytes=2\n"),
            (11, 22)
        );
        assert_eq!(io_v1(b"8:0 Read 10\n8:0 Write 20\n8:0 Sync 30\n8:0 Total 30\n9:0 Read 1\nTotal 31\n"), (11, 20));
        assert_eq!((io_v2(b""), io_v1(b"Total 0\n")), ((0, 0), (0, 0)));
    }

    #[test]
    fn loopback_is_no_traffic() {
        let text = b"Inter-| Receive\n face |bytes\n    lo: 99 0 0 0 0 0 0 0 99 0 0 0 0 0 0 0\n\
            eth0:10 1 0 0 0 0 0 0 20 2 0 0 0 0 0 0\n  eth1: 5 0 0 0 0 0 0 0 6 0 0 0 0 0 0 0\n";
        assert_eq!(network(text), (15, 26));
    }

    /// A machine with cgroup version 2, where process 42 is the first of a container.
    fn machine(cgroup: &str) -> (tempfile::TempDir, Root) {
        let folder = tempfile::tempdir().expect("folder");
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, text).expect("file");
        };
        let group = "sys/fs/cgroup/docker/0123456789abcdef";
        write("proc/42/cgroup", cgroup);
        write("proc/1/mountinfo", "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
        write("sys/fs/cgroup/cgroup.controllers", "cpu io memory pids\n");
        write(&format!("{group}/cpu.stat"), "usage_usec 5000\nnr_periods 10\nnr_throttled 4\n");
        write(&format!("{group}/memory.current"), "1000\n");
        write(&format!("{group}/memory.max"), "max\n");
        write(&format!("{group}/memory.stat"), "anon 1\ninactive_file 300\n");
        write(&format!("{group}/pids.current"), "7\n");
        write(&format!("{group}/io.stat"), "8:0 rbytes=10 wbytes=20\n");
        let root = Root::new(folder.path());
        (folder, root)
    }

    fn container() -> Container {
        Container { id: "0123456789abcdef".into(), pid: 42, ..Container::default() }
    }

    #[test]
    fn a_container_is_found_by_its_first_process() {
        let (_folder, root) = machine("0::/docker/0123456789abcdef\n");
        let mut counters = Counters::default();
        counters.begin(&root);
        let usage = counters.read(&root, &container()).expect("there");
        let expected = Usage {
            cpu_us: Some(5000),
            throttled_periods: Some((4, 10)),
            memory_bytes: Some(700),
            memory_limit: None,
            pids: Some(7),
            read_bytes: Some(10),
            written_bytes: Some(20),
            rx_bytes: None,
            tx_bytes: None,
            counted_unix_ms: None,
        };
        assert_eq!(usage, expected);
    }

    #[test]
    fn a_recycled_pid_is_not_counted() {
        let (_folder, root) = machine("0::/user.slice\n");
        let mut counters = Counters::default();
        counters.begin(&root);
        assert_eq!(counters.read(&root, &container()), None);
    }

    #[test]
    fn a_first_process_may_be_in_a_deeper_group() {
        let (folder, root) = machine("0::/docker/0123456789abcdef/init.scope\n");
        let deeper = folder.path().join("sys/fs/cgroup/docker/0123456789abcdef/init.scope");
        std::fs::create_dir(&deeper).expect("folder");
        std::fs::write(deeper.join("memory.current"), "1\n").expect("file");
        let mut counters = Counters::default();
        counters.begin(&root);
        let usage = counters.read(&root, &container()).expect("there");
        assert_eq!((usage.memory_bytes, usage.pids, usage.cpu_us), (Some(700), Some(7), Some(5000)));
    }

    #[test]
    fn version_one_includes_the_groups_below() {
        let folder = tempfile::tempdir().expect("folder");
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, text).expect("file");
        };
        let path = "/docker/0123456789abcdef";
        write("proc/42/cgroup", &format!("3:memory:{path}/init.scope\n2:blkio:{path}/init.scope\n"));
        let mount = |name: &str| format!("3 1 0:2 / /sys/fs/cgroup/{name} rw - cgroup cgroup rw,{name}\n");
        write("proc/1/mountinfo", &(mount("memory") + &mount("blkio")));
        write(&format!("sys/fs/cgroup/memory{path}/memory.usage_in_bytes"), "900\n");
        write(&format!("sys/fs/cgroup/memory{path}/memory.stat"), "inactive_file 1\ntotal_inactive_file 200\n");
        write(&format!("sys/fs/cgroup/blkio{path}/blkio.throttle.io_service_bytes"), "8:0 Read 1\n");
        write(&format!("sys/fs/cgroup/blkio{path}/blkio.throttle.io_service_bytes_recursive"), "8:0 Read 30\n");
        let root = Root::new(folder.path());
        let mut counters = Counters::default();
        counters.begin(&root);
        let usage = counters.read(&root, &container()).expect("there");
        assert_eq!((usage.memory_bytes, usage.read_bytes), (Some(700), Some(30)));
    }

    #[test]
    fn a_shared_network_has_no_traffic() {
        let (folder, root) = machine("0::/docker/0123456789abcdef\n");
        let link = |pid: &str, to: &str| {
            let ns = folder.path().join(format!("proc/{pid}/ns"));
            std::fs::create_dir_all(&ns).expect("folder");
            std::os::unix::fs::symlink(to, ns.join("net")).expect("link");
        };
        link("1", "net:[1]");
        link("42", "net:[2]");
        std::fs::create_dir_all(folder.path().join("proc/42/net")).expect("folder");
        std::fs::write(folder.path().join("proc/42/net/dev"), "a\nb\neth0: 5 0 0 0 0 0 0 0 6\n").expect("file");
        let received = |mode: &str| {
            let container = Container { network_mode: Some(mode.into()), ..container() };
            let mut counters = Counters::default();
            counters.begin(&root);
            counters.read(&root, &container).expect("there").rx_bytes
        };
        assert_eq!((received("bridge"), received("host"), received("container:ab")), (Some(5), None, None));
    }

    #[test]
    fn one_without_a_group_is_skipped_for_some_rounds() {
        let (folder, root) = machine("0::/user.slice\n");
        let mut counters = Counters::default();
        counters.begin(&root);
        assert_eq!(counters.read(&root, &container()), None);
        std::fs::write(folder.path().join("proc/42/cgroup"), "0::/docker/0123456789abcdef\n").expect("file");
        let rounds = (1..100).find(|_| {
            counters.begin(&root);
            counters.read(&root, &container()).is_some()
        });
        assert_eq!(rounds, Some(usize::from(ABSENT_ROUNDS)));
    }

    #[test]
    fn the_account_of_version_one_has_nanoseconds() {
        let folder = tempfile::tempdir().expect("folder");
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, text).expect("file");
        };
        let path = "/docker/0123456789abcdef";
        let controllers = ["cpu", "cpuacct", "memory", "pids", "blkio"];
        let groups: String = (1..).zip(controllers).map(|(n, name)| format!("{n}:{name}:{path}\n")).collect();
        let mount = |name: &str| format!("3 1 0:2 / /sys/fs/cgroup/{name} rw - cgroup cgroup rw,{name}\n");
        write("proc/42/cgroup", &groups);
        write("proc/1/mountinfo", &controllers.map(mount).concat());
        let group = |name: &str| format!("sys/fs/cgroup/{}{path}/{name}", name.split('.').next().unwrap_or_default());
        write(&group("cpu.stat"), "nr_periods 10\nnr_throttled 4\n");
        write(&group("cpuacct.usage"), "5000000\n");
        write(&group("memory.usage_in_bytes"), "900\n");
        write(&group("memory.limit_in_bytes"), "4096\n");
        write(&group("memory.stat"), "inactive_file 1\n");
        write(&group("pids.current"), "3\n");
        write(&group("blkio.throttle.io_service_bytes"), "8:0 Read 1\n8:0 Write 2\n");
        let root = Root::new(folder.path());
        let mut counters = Counters::default();
        counters.begin(&root);
        let expected = Usage {
            cpu_us: Some(5000),
            throttled_periods: Some((4, 10)),
            memory_bytes: Some(900),
            memory_limit: Some(4096),
            pids: Some(3),
            read_bytes: Some(1),
            written_bytes: Some(2),
            ..Usage::default()
        };
        assert_eq!(counters.read(&root, &container()), Some(expected));
    }

    #[test]
    fn another_process_or_group_is_searched_for_anew() {
        let (folder, root) = machine("0::/docker/0123456789abcdef\n");
        let put = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, text).expect("file");
        };
        let mut counters = Counters::default();
        let mut pids = |container: &Container| {
            counters.begin(&root);
            let usage = counters.read(&root, container);
            counters.end();
            (usage.and_then(|usage| usage.pids), counters.places.len())
        };
        assert_eq!(pids(&container()), (Some(7), 1));
        // It was restarted, in another group.
        put("proc/43/cgroup", "0::/system.slice/docker-0123456789abcdef.scope\n");
        let scope = "sys/fs/cgroup/system.slice/docker-0123456789abcdef.scope";
        put(&format!("{scope}/pids.current"), "2\n");
        put(&format!("{scope}/cpu.stat"), "usage_usec 1\n");
        let again = Container { pid: 43, ..container() };
        assert_eq!(pids(&again), (Some(2), 1));
        put(&format!("{scope}/cpu.stat"), "");
        assert_eq!(pids(&again), (None, 0), "its group is gone");
        put(&format!("{scope}/memory.current"), "5\n");
        assert_eq!(pids(&again), (Some(2), 1), "it is searched for at once");
        let other = Container { id: "fedcba9876543210".into(), pid: 99, ..container() };
        assert_eq!(pids(&other), (None, 0), "what is not asked for is dropped");
    }

    #[test]
    fn traffic_in_the_host_s_network_is_not_its_own() {
        let (folder, root) = machine("0::/docker/0123456789abcdef\n");
        let received = |own: Option<&str>| {
            let _ = std::fs::remove_dir_all(folder.path().join("proc/42/ns"));
            for (pid, to) in [("1", Some("net:[1]")), ("42", own)] {
                let ns = folder.path().join(format!("proc/{pid}/ns"));
                std::fs::create_dir_all(&ns).expect("folder");
                let link = ns.join("net");
                let _ = to.filter(|_| !link.is_symlink()).map(|to| std::os::unix::fs::symlink(to, link));
            }
            let mut counters = Counters::default();
            counters.begin(&root);
            counters.read(&root, &container()).expect("there").rx_bytes
        };
        std::fs::create_dir_all(folder.path().join("proc/42/net")).expect("folder");
        std::fs::write(folder.path().join("proc/42/net/dev"), "a\nb\neth0: 5 0 0 0 0 0 0 0 6\n").expect("file");
        assert_eq!((received(Some("net:[2]")), received(Some("net:[1]")), received(None)), (Some(5), None, None));
    }
}
