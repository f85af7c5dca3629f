//! Finding model servers that run here: processes by name and command line, with the ports that they listen on; ports of
//! containers by the address of their network, or as they are published; and what listens on ports that only model servers
//! use. A port that any web server may have is asked only where such a process listens on it.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use super::argv::{self, Command};
use crate::{
    collect::socket,
    model::{
        model_server::{Kind, Runner, Setting},
        socket::Protocol,
    },
    sys::{
        model_server::Sleeps,
        netlink::listeners::{Listener, listeners},
        root::Root,
    },
};

/// Ports on which nothing else is expected.
const OWN_PORTS: [(u16, Kind); 2] = [(11434, Kind::Ollama), (1234, Kind::LmStudio)];
/// Processes that are read at a scan in full: the others only when they are new.
const FULL_EVERY: u32 = 6;

/// A server that seems to run here.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// Its host and port as this machine reaches it.
    pub(super) at: SocketAddr,
    pub(super) kind: Kind,
    pub(super) process: Option<Runner>,
    pub(super) settings: Vec<Setting>,
    pub(super) sleeps: Sleeps,
    pub(super) unified: bool,
}

/// What is kept from scan to scan.
#[derive(Default)]
pub(super) struct Finder {
    scans: u32,
    /// Processes seen at the last scan and the one before it.
    seen: BTreeSet<u32>,
    before: BTreeSet<u32>,
    servers: BTreeMap<u32, (Runner, Kind, Command)>,
    published: BTreeMap<u32, (u16, String, u16)>,
    /// The kernel does not list sockets that listen: each try may have it look for a module again.
    refused: bool,
}

impl Finder {
    /// `None` where it cannot be looked, as no file can be opened: of what was found nothing is known then.
    pub(super) fn scan(&mut self, root: &Root) -> Option<Vec<Found>> {
        let entries = std::fs::read_dir(root.path("proc")).ok()?;
        let pids: BTreeSet<u32> =
            entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        let full = self.scans.is_multiple_of(FULL_EVERY);
        self.scans = self.scans.wrapping_add(1);
        self.servers.retain(|pid, _| pids.contains(pid));
        self.published.retain(|pid, _| pids.contains(pid));
        for pid in &pids {
            // One that was just started may still become another program.
            if full || !self.before.contains(pid) {
                self.look(root, *pid)?;
            }
        }
        self.before = std::mem::replace(&mut self.seen, pids);
        self.located(root)
    }

    fn look(&mut self, root: &Root, pid: u32) -> Option<()> {
        let line = match root.read(format!("proc/{pid}/cmdline")) {
            Err(error) if is_exhausted(&error) => return None,
            line => line.unwrap_or_default(),
        };
        self.servers.remove(&pid);
        self.published.remove(&pid);
        // Kernel threads have none, and most others need no more than this one file.
        if line.is_empty() {
            return Some(());
        }
        let command = Command::parse(&line);
        if let Some(published) = command.published() {
            self.published.insert(pid, published);
        } else if let Some(kind) = command.kind()
            && let Some(stat) = Stat::read(root, pid)
        {
            self.servers.insert(pid, (Runner { pid, started: stat.started }, kind, command));
        }
        Some(())
    }

    /// Where each listens. One that another server started is that one's: a router answers for it.
    fn located(&mut self, root: &Root) -> Option<Vec<Found>> {
        let mut found: Vec<Found> = Vec::new();
        let mut sockets = Sockets::new(root, self.refused);
        for (pid, (runner, kind, command)) in &self.servers {
            let parent = Stat::read(root, *pid).and_then(|stat| self.servers.get(&stat.parent));
            if parent.is_some_and(|(_, parent, _)| *parent != Kind::LlamaSwap) {
                continue;
            }
            let Some(at) = self.address(&mut sockets, *pid, *kind, command) else { continue };
            let variables = root.read(format!("proc/{pid}/environ")).ok().map(|bytes| argv::variables(&bytes));
            if found.iter().any(|other| other.at == at) {
                continue;
            }
            found.push(Found {
                at,
                kind: *kind,
                process: Some(runner.clone()),
                settings: command.settings(variables.as_deref().unwrap_or_default()),
                sleeps: command.sleeps(variables.as_deref()),
                unified: command.unified(),
            });
        }
        let here = sockets.here();
        // Opened last: where this cannot be, some of the files before it could not be either.
        if root.read("proc/loadavg").is_err_and(|error| is_exhausted(&error)) {
            return None;
        }
        for (port, kind) in OWN_PORTS {
            let known = found.iter().any(|other| other.at.port() == port && other.at.ip().is_loopback());
            if let Some(socket) = here.iter().find(|socket| socket.at.port() == port).filter(|_| !known) {
                let (at, process, settings) = (reachable(socket.at), None, Vec::new());
                found.push(Found { at, kind, process, settings, sleeps: Sleeps::Perhaps, unified: false });
            }
        }
        self.refused = sockets.refused;
        Some(found)
    }

    fn address(&self, sockets: &mut Sockets<'_>, pid: u32, kind: Kind, command: &Command) -> Option<SocketAddr> {
        let root = sockets.root;
        let (sockets, elsewhere) = sockets.of(pid);
        let own = inodes(root, pid);
        let mut ports: Vec<SocketAddr> =
            sockets.iter().filter(|socket| own.contains(&socket.inode)).map(|socket| socket.at).collect();
        // Its descriptors belong to another user.
        if own.is_empty() {
            let port = command.port().unwrap_or(kind.port());
            ports = sockets.iter().map(|socket| socket.at).filter(|at| at.port() == port).collect();
        }
        let wanted = command.port().unwrap_or(kind.port());
        ports.sort_by_key(|at| (at.port() != wanted, at.is_ipv6(), at.port()));
        let at = *ports.first()?;
        if !elsewhere {
            return Some(reachable(at));
        }
        let address = address_of_namespace(root, pid)?;
        let published = self.published.values().find(|(_, ip, port)| *ip == address.to_string() && *port == at.port());
        Some(match published {
            Some((port, ..)) => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), *port),
            None => SocketAddr::new(address, at.port()),
        })
    }
}

/// What listens in each network namespace, read once a scan: the kernel goes through the whole table of connections for
/// it, which is milliseconds on a machine with much memory.
struct Sockets<'a> {
    root: &'a Root,
    ours: Option<PathBuf>,
    here: Option<Vec<Listener>>,
    elsewhere: BTreeMap<PathBuf, Vec<Listener>>,
    refused: bool,
}

impl<'a> Sockets<'a> {
    fn new(root: &'a Root, refused: bool) -> Self {
        let ours = namespace(root, "self").or_else(|| namespace(root, "1"));
        Sockets { root, ours, here: None, elsewhere: BTreeMap::new(), refused }
    }

    /// In the namespace of this program.
    fn here(&mut self) -> &[Listener] {
        let Sockets { root, here, refused, .. } = self;
        here.get_or_insert_with(|| {
            let asked = (root.is_live() && !*refused).then(listeners);
            *refused |= matches!(&asked, Some(Err(error)) if !is_exhausted(error));
            asked.and_then(Result::ok).unwrap_or_else(|| listening(root, "proc/net"))
        })
    }

    /// In the namespace of a process, and whether it is another one than that of this program.
    fn of(&mut self, pid: u32) -> (Cow<'_, [Listener]>, bool) {
        let read = || listening(self.root, &format!("proc/{pid}/net"));
        match namespace(self.root, &pid.to_string()) {
            // A process of another user: the link may not be read, the table may.
            None => (read().into(), false),
            its if its == self.ours => (self.here().into(), false),
            Some(its) => {
                let elsewhere = self.ours.is_some();
                (self.elsewhere.entry(its).or_insert_with(read).as_slice().into(), elsewhere)
            }
        }
    }
}

fn namespace(root: &Root, of: &str) -> Option<PathBuf> {
    std::fs::read_link(root.path(format!("proc/{of}/ns/net"))).ok()
}

/// This program, or the machine, has no descriptor left.
fn is_exhausted(error: &std::io::Error) -> bool {
    matches!(rustix::io::Errno::from_io_error(error), Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE))
}

/// `/proc/PID/stat`, of what is needed here.
pub(super) struct Stat {
    pub(super) parent: u32,
    pub(super) started: u64,
    /// Ticks of CPU time.
    pub(super) ticks: u64,
}

impl Stat {
    pub(super) fn read(root: &Root, pid: u32) -> Option<Self> {
        let text = root.text(format!("proc/{pid}/stat")).ok()?;
        // A name may hold anything, so what follows its last bracket counts.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
        let parent = u32::try_from(number(1)?).ok()?;
        Some(Stat { parent, started: number(19)?, ticks: number(11)? + number(12)? })
    }
}

/// What listens in a network namespace, with the inode of each socket.
fn listening(root: &Root, folder: &str) -> Vec<Listener> {
    let sockets = socket::read(root, PathBuf::from(folder)).unwrap_or_default();
    let listens = sockets.into_iter().filter(|socket| socket.protocol == Protocol::Tcp && socket.state == "listen");
    listens.map(|socket| Listener { at: socket.local, inode: socket.inode }).collect()
}

/// Inodes of the sockets of a process; none where its descriptors cannot be read.
fn inodes(root: &Root, pid: u32) -> BTreeSet<u64> {
    let folder = root.path(format!("proc/{pid}/fd"));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let links = entries.take(4096).filter_map(|entry| std::fs::read_link(entry.path()).ok());
    links.filter_map(|link| link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()).collect()
}

/// How what listens there is reached from here.
fn reachable(at: SocketAddr) -> SocketAddr {
    match at.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), at.port()),
        // A socket for all addresses of both families, or of the newer alone: Linux has both in one by default.
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), at.port()),
        _ => at,
    }
}

/// The first address of a process's network namespace that others reach, by its routing table.
fn address_of_namespace(root: &Root, pid: u32) -> Option<IpAddr> {
    let text = root.text(format!("proc/{pid}/net/fib_trie")).ok()?;
    let mut last = None;
    for line in text.lines().map(str::trim) {
        if let Some(leaf) = line.strip_prefix("|-- ") {
            last = leaf.parse::<Ipv4Addr>().ok();
        } else if line.starts_with("/32 host LOCAL")
            && let Some(address) = last.filter(|address| !address.is_loopback())
        {
            return Some(address.into());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    const TCP: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    /// A line of `net/tcp`: something listens on every address.
    fn socket(port: u16, inode: u64) -> String {
        format!(
            "   0: 00000000:{port:04X} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 {inode} 1 0 100 0 0 10 0\n"
        )
    }

    struct Machine(tempfile::TempDir);

    impl Machine {
        fn new(listens: &[(u16, u64)]) -> Self {
            let machine = Machine(tempfile::tempdir().expect("a folder"));
            machine.net("proc/net", listens);
            machine
        }

        fn net(&self, folder: &str, listens: &[(u16, u64)]) {
            let folder = self.0.path().join(folder);
            fs::create_dir_all(&folder).expect("a folder");
            let lines: String = listens.iter().map(|(port, inode)| socket(*port, *inode)).collect();
            fs::write(folder.join("tcp"), format!("{TCP}{lines}")).expect("a file");
        }

        fn process(&self, pid: u32, parent: u32, command: &str, listens: &[(u16, u64)]) {
            let folder = self.0.path().join(format!("proc/{pid}"));
            fs::create_dir_all(folder.join("fd")).expect("a folder");
            fs::write(folder.join("cmdline"), command.replace(' ', "\0")).expect("a file");
            let zeros = "0 ".repeat(8);
            fs::write(folder.join("stat"), format!("{pid} (a) b) S {parent} {zeros} 0 7 3 0 0 20 0 1 0 900{pid} 0\n"))
                .expect("a file");
            fs::write(folder.join("environ"), "HOME=/x\0").expect("a file");
            for (at, (_, inode)) in listens.iter().enumerate() {
                symlink(format!("socket:[{inode}]"), folder.join(format!("fd/{at}"))).expect("a link");
            }
            self.net(&format!("proc/{pid}/net"), listens);
        }

        fn find(&self) -> Vec<(String, Kind, Option<u32>)> {
            self.scan(&mut Finder::default())
        }

        fn scan(&self, finder: &mut Finder) -> Vec<(String, Kind, Option<u32>)> {
            let found = finder.scan(&Root::new(self.0.path())).expect("descriptors");
            found.into_iter().map(|f| (f.at.to_string(), f.kind, f.process.map(|p| p.pid))).collect()
        }
    }

    #[test]
    fn servers_are_found_where_they_listen() {
        let machine = Machine::new(&[(8081, 5)]);
        machine.process(50, 1, "llama-server -m x --port 8081", &[(9999, 6), (8081, 5)]);
        machine.process(60, 1, "nginx", &[(8080, 8)]);
        assert_eq!(machine.find(), [("127.0.0.1:8081".to_owned(), Kind::LlamaCpp, Some(50))]);
    }

    #[test]
    fn one_that_a_router_started_is_the_routers() {
        let machine = Machine::new(&[]);
        machine.process(50, 1, "llama-server --models-dir x", &[(8080, 5)]);
        machine.process(51, 50, "llama-server -m x --port 40001", &[(40001, 6)]);
        machine.process(70, 1, "llama-swap", &[(8090, 7)]);
        machine.process(71, 70, "llama-server -m x --port 5801", &[(5801, 8)]);
        let ports: Vec<_> = machine.find().into_iter().map(|(at, ..)| at).collect();
        assert_eq!(
            ports,
            ["127.0.0.1:8080", "127.0.0.1:8090", "127.0.0.1:5801"],
            "llama-swap has no figures of its own"
        );
    }

    #[test]
    fn a_usual_port_is_one_server_and_a_common_port_none() {
        let machine = Machine::new(&[(11434, 5), (8080, 6), (3000, 7)]);
        assert_eq!(machine.find(), [("127.0.0.1:11434".to_owned(), Kind::Ollama, None)]);
        machine.process(50, 1, "ollama serve", &[(11434, 5)]);
        assert_eq!(machine.find(), [("127.0.0.1:11434".to_owned(), Kind::Ollama, Some(50))]);
        let machine = Machine::new(&[(11434, 5), (8080, 6)]);
        machine.process(50, 1, "llama-server -m x", &[(8080, 6)]);
        let both = [
            ("127.0.0.1:8080".to_owned(), Kind::LlamaCpp, Some(50)),
            ("127.0.0.1:11434".to_owned(), Kind::Ollama, None),
        ];
        assert_eq!(machine.find(), both, "another server here is not the one at this port");
    }

    #[test]
    fn a_container_is_reached_as_it_is_published_or_by_its_own_address() {
        let machine = Machine::new(&[]);
        machine.process(1, 0, "init", &[]);
        machine.process(50, 1, "ollama serve", &[(11434, 5)]);
        let ns = |pid: u32, to: &str| {
            let folder = machine.0.path().join(format!("proc/{pid}/ns"));
            fs::create_dir_all(&folder).expect("a folder");
            symlink(to, folder.join("net")).expect("a link");
        };
        ns(1, "net:[1]");
        ns(50, "net:[2]");
        let trie = "Main:\n  |-- 127.0.0.1\n     /32 host LOCAL\n  |-- 172.17.0.2\n     /32 host LOCAL\n";
        fs::write(machine.0.path().join("proc/50/net/fib_trie"), trie).expect("a file");
        assert_eq!(machine.find()[0].0, "172.17.0.2:11434");
        machine.process(
            90,
            1,
            "/usr/bin/docker-proxy -host-port 11435 -container-ip 172.17.0.2 -container-port 11434",
            &[],
        );
        assert_eq!(machine.find()[0].0, "127.0.0.1:11435");
    }

    #[test]
    fn without_proc_nothing_is_known() {
        assert_eq!(Finder::default().scan(&Root::new("/nonexistent")), None);
        for (error, exhausted) in [(24, true), (23, true), (2, false)] {
            assert_eq!(is_exhausted(&std::io::Error::from_raw_os_error(error)), exhausted, "{error}");
        }
    }

    #[test]
    fn a_process_that_becomes_a_server_is_found_at_the_next_scan() {
        let machine = Machine::new(&[]);
        let mut finder = Finder::default();
        machine.process(50, 1, "bash", &[(8080, 5)]);
        assert_eq!(machine.scan(&mut finder), []);
        fs::write(machine.0.path().join("proc/50/cmdline"), "llama-server").expect("a file");
        assert_eq!(machine.scan(&mut finder).len(), 1);
        fs::remove_dir_all(machine.0.path().join("proc/50")).expect("removed");
        assert_eq!(machine.scan(&mut finder), []);
    }

    #[test]
    fn a_socket_for_all_addresses_is_reached_here() {
        for (at, reached) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "127.0.0.1:80"),
            ("127.0.0.2:80", "127.0.0.2:80"),
            ("[::1]:80", "[::1]:80"),
            ("10.0.0.1:80", "10.0.0.1:80"),
        ] {
            assert_eq!(reachable(at.parse().expect("an address")).to_string(), reached);
        }
    }

    #[test]
    fn a_process_of_another_user_is_known_by_its_port() {
        for (command, found) in [
            ("llama-server -m x --port 8081", vec!["127.0.0.1:8081"]),
            ("llama-server -m x", vec!["127.0.0.1:8080"]),
            ("llama-server -m x --port 8082", vec![]),
        ] {
            let machine = Machine::new(&[(9999, 6), (8080, 4), (8081, 5)]);
            machine.process(50, 1, command, &[]);
            machine.net("proc/50/net", &[(9999, 6), (8080, 4), (8081, 5)]);
            let ports: Vec<String> = machine.find().into_iter().map(|(at, ..)| at).collect();
            assert_eq!(ports, found, "{command}");
        }
    }

    #[test]
    fn a_published_port_is_that_of_the_same_address_and_port() {
        let machine = Machine::new(&[]);
        machine.process(1, 0, "init", &[]);
        machine.process(50, 1, "ollama serve", &[(11434, 5)]);
        for (pid, to) in [(1, "net:[1]"), (50, "net:[2]")] {
            let folder = machine.0.path().join(format!("proc/{pid}/ns"));
            fs::create_dir_all(&folder).expect("a folder");
            symlink(to, folder.join("net")).expect("a link");
        }
        let trie = "  |-- 172.17.0.2\n     /32 host LOCAL\n";
        fs::write(machine.0.path().join("proc/50/net/fib_trie"), trie).expect("a file");
        let proxy = |host: u16, ip: &str, port: u16| {
            format!("/usr/bin/docker-proxy -host-port {host} -container-ip {ip} -container-port {port}")
        };
        machine.process(90, 1, &proxy(1, "172.17.0.2", 80), &[]);
        machine.process(91, 1, &proxy(2, "172.17.0.3", 11434), &[]);
        assert_eq!(machine.find()[0].0, "172.17.0.2:11434");
        machine.process(92, 1, &proxy(3, "172.17.0.2", 11434), &[]);
        assert_eq!(machine.find()[0].0, "127.0.0.1:3");
    }
}
