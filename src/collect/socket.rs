//! Sockets: who listens, who talks, and which process holds each ("proc(5)" net/tcp, net/udp). The tables are parsed by
//! the procfs crate; the holders are found by the links in each process's `fd` folder. Only read while a view of it is open.

use std::{collections::HashMap, fs, io, path::PathBuf};

use procfs::{FromBufReadSI, LocalSystemInfo, net as tables};

use super::{CollectCx, Collector, OpenCx};
use crate::{
    model::{
        event::Sample,
        fault::Fault,
        socket::{Protocol, Socket, SocketSample},
    },
    sys::root::{Root, fault},
};

/// The holders are looked for once in this many readings: it is a walk over every descriptor of the machine.
const HOLDERS_EVERY: u32 = 4;

pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    Ok(Box::new(Sockets { root: cx.root.clone(), holders: HashMap::new(), denied: false, round: 0 }))
}

struct Sockets {
    root: Root,
    /// Process by inode of its socket.
    holders: HashMap<u64, u32>,
    denied: bool,
    round: u32,
}

impl Collector for Sockets {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        let of = cx.want.sockets_of.filter(|_| !cx.want.sockets);
        let folder = of.map_or_else(|| "proc/net".to_owned(), |pid| format!("proc/{pid}/net"));
        let mut sockets = read(&self.root, PathBuf::from(folder))?;
        let missing = sockets.iter().any(|s| s.inode != 0 && !self.holders.contains_key(&s.inode));
        if missing && self.round.is_multiple_of(HOLDERS_EVERY) {
            (self.holders, self.denied) = holders(&self.root);
        }
        self.round = self.round.wrapping_add(1);
        for socket in &mut sockets {
            socket.pid = self.holders.get(&socket.inode).copied();
        }
        sockets.sort_by_key(|s| (s.state != "listen", s.protocol, s.state == "time_wait", s.local.port()));
        Ok(Sample::Sockets(SocketSample { of, sockets, holders_denied: self.denied }))
    }
}

/// The sockets of a network namespace: `folder` is its `net`.
pub(super) fn read(root: &Root, folder: PathBuf) -> Result<Vec<Socket>, Fault> {
    let mut found = Vec::new();
    let mut first_error = None;
    let mut tables_read = 0;
    for (name, protocol) in
        [("tcp", Protocol::Tcp), ("tcp6", Protocol::Tcp), ("udp", Protocol::Udp), ("udp6", Protocol::Udp)]
    {
        let path = folder.join(name);
        match root.read(&path) {
            Ok(bytes) => {
                tables_read += 1;
                parse(&bytes, protocol, &mut found)
                    .map_err(|why| Fault::Broken(format!("{}: {why}", root.path(&path).display())))?;
            }
            // A kernel without IPv6 has no such table.
            Err(error) => {
                first_error.get_or_insert((path, error));
            }
        }
    }
    match first_error {
        Some((path, error)) if tables_read == 0 => Err(fault(&root.path(&path), &error, "run as root")),
        _ => Ok(found),
    }
}

fn parse(bytes: &[u8], protocol: Protocol, into: &mut Vec<Socket>) -> Result<(), String> {
    match protocol {
        Protocol::Tcp => {
            let table = tables::TcpNetEntries::from_buf_read(bytes, &LocalSystemInfo).map_err(|e| e.to_string())?;
            into.extend(table.0.into_iter().map(|e| Socket {
                protocol,
                local: e.local_address,
                remote: e.remote_address,
                state: words(&format!("{:?}", e.state)),
                send_queue: e.tx_queue,
                receive_queue: e.rx_queue,
                uid: e.uid,
                inode: e.inode,
                pid: None,
            }));
        }
        Protocol::Udp => {
            let table = tables::UdpNetEntries::from_buf_read(bytes, &LocalSystemInfo).map_err(|e| e.to_string())?;
            into.extend(table.0.into_iter().map(|e| Socket {
                protocol,
                local: e.local_address,
                remote: e.remote_address,
                state: if e.remote_address.port() == 0 { "open" } else { "connected" }.to_owned(),
                send_queue: e.tx_queue,
                receive_queue: e.rx_queue,
                uid: e.uid,
                inode: e.inode,
                pid: None,
            }));
        }
    }
    Ok(())
}

/// `TimeWait` as `time_wait`.
fn words(camel: &str) -> String {
    let mut out = String::with_capacity(camel.len() + 2);
    for (i, c) in camel.chars().enumerate() {
        if c.is_ascii_uppercase() && i > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// Every socket's process, and whether some processes did not let us look.
fn holders(root: &Root) -> (HashMap<u64, u32>, bool) {
    let mut found = HashMap::new();
    let mut denied = false;
    let mut pids: Vec<u32> = root.names("proc").iter().filter_map(|name| name.parse().ok()).collect();
    pids.sort_unstable();
    for pid in pids {
        match inodes(root, pid) {
            // The first process that holds it is its owner: the parent, as pids go.
            Ok(inodes) => inodes.into_iter().for_each(|inode| {
                found.entry(inode).or_insert(pid);
            }),
            Err(error) => denied |= error.kind() == io::ErrorKind::PermissionDenied,
        }
    }
    (found, denied)
}

/// Inodes of the sockets that one process holds.
pub(super) fn inodes(root: &Root, pid: u32) -> io::Result<Vec<u64>> {
    let entries = fs::read_dir(root.path(format!("proc/{pid}/fd")))?;
    let targets = entries.flatten().filter_map(|e| fs::read_link(e.path()).ok());
    Ok(targets.filter_map(|t| socket_inode(&t.to_string_lossy())).collect())
}

/// 4711 of `socket:[4711]`.
pub(super) fn socket_inode(target: &str) -> Option<u64> {
    target.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
        0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0\n   \
        1: 0100007F:9C40 0100007F:1F90 06 00000010:00000000 03:00001771 00000000     0        0 0 3 0\n";

    #[test]
    fn a_listener_and_a_closing_connection_are_distinguished() {
        let mut found = Vec::new();
        parse(TCP.as_bytes(), Protocol::Tcp, &mut found).unwrap();
        assert_eq!((found[0].local.to_string().as_str(), found[0].state.as_str()), ("127.0.0.1:8080", "listen"));
        assert_eq!((found[0].inode, found[0].uid, found[0].receive_queue), (4711, 1000, 3));
        assert_eq!((found[1].state.as_str(), found[1].send_queue), ("time_wait", 16));
    }

    #[test]
    fn a_live_listener_of_our_own_is_found_with_its_process() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let root = Root::default();
        let own = read(&root, "proc/net".into()).unwrap();
        let mine = own.iter().find(|s| s.state == "listen" && s.local.port() == port).expect("it listens");
        assert!(inodes(&root, std::process::id()).unwrap().contains(&mine.inode));
    }

    #[test]
    fn a_machine_without_tables_is_absent() {
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(read(&Root::new(empty.path()), "proc/net".into()), Err(Fault::Absent(_))));
    }

    #[test]
    fn only_sockets_have_a_sockets_inode() {
        assert_eq!(socket_inode("socket:[12]"), Some(12));
        assert_eq!(socket_inode("/dev/null"), None);
        assert_eq!(socket_inode("pipe:[12]"), None);
    }

    #[test]
    fn sockets_have_their_processes_and_an_order() {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let holds = |pid: u32, inode: u64| {
            let fds = folder.path().join(format!("proc/{pid}/fd"));
            fs::create_dir_all(&fds).unwrap();
            std::os::unix::fs::symlink(format!("socket:[{inode}]"), fds.join(inode.to_string())).unwrap();
        };
        let line = |port: u16, state: &str, inode: u64| {
            format!(
                "   0: 0100007F:{port:04X} 0100007F:1F90 {state} 00000000:00000000 00:00000000 00000000  1000        0 {inode} 1 0 100 0 0 10 0\n"
            )
        };
        let head = TCP.lines().next().unwrap();
        let lines = [line(9, "06", 0), line(8, "01", 5), line(7, "01", 6), line(6, "0A", 4711)].concat();
        put("proc/net/tcp", &format!("{head}\n{lines}"));
        holds(7, 4711);
        holds(9, 5);
        holds(12, 4711);
        let mut source = Sockets { root: Root::new(folder.path()), holders: HashMap::new(), denied: false, round: 0 };
        let mut read = || {
            let want = crate::interest::Interest::default();
            match source.collect(&CollectCx::new(crate::clock::Stamp::at_seconds(1), &want)).unwrap() {
                Sample::Sockets(sample) => {
                    sample.sockets.iter().map(|s| (s.local.port(), s.state.clone(), s.pid)).collect::<Vec<_>>()
                }
                other => panic!("{other:?}"),
            }
        };
        let row = |port, state: &str, pid| (port, state.to_owned(), pid);
        let others = [row(7, "established", None), row(8, "established", Some(9)), row(9, "time_wait", None)];
        // Of two that hold one the first is its owner.
        assert_eq!(read(), [&[row(6, "listen", Some(7))], &others[..]].concat());
        holds(13, 6);
        let rounds = (1..100).find(|_| read()[1].2 == Some(13));
        assert_eq!(rounds, Some(HOLDERS_EVERY as usize), "who holds them is looked for now and then");
    }

    #[test]
    fn a_state_has_small_letters() {
        assert_eq!(["Listen", "TimeWait", "FinWait1"].map(words), ["listen", "time_wait", "fin_wait1"]);
    }
}
