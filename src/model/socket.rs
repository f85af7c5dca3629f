//! Sockets: what listens and who talks ("proc(5)" net/tcp, net/udp).

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Hash)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    Tcp,
    Udp,
}

/// One socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Socket {
    pub protocol: Protocol,
    /// `0.0.0.0:22`, `[::]:22`.
    pub local: std::net::SocketAddr,
    /// The peer; unspecified for a listener.
    pub remote: std::net::SocketAddr,
    /// `listen`, `established`, `time_wait` …; `open` for udp.
    pub state: String,
    /// Bytes waiting to be sent.
    pub send_queue: u32,
    /// Bytes waiting to be read.
    pub receive_queue: u32,
    /// Owner's user id.
    pub uid: u32,
    /// Inode that ties it to processes.
    pub inode: u64,
    /// The process that holds it, where it could be found.
    pub pid: Option<u32>,
}

/// One reading. Processes are looked up only while they are needed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SocketSample {
    /// The network namespace: that of the process with this pid, else this machine's.
    #[serde(default)]
    pub of: Option<u32>,
    /// Listening first, then established.
    pub sockets: Vec<Socket>,
    /// True when the holders of some could not be read; root sees them.
    pub holders_denied: bool,
}

/// All that is shown of sockets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sockets {
    pub raw: SocketSample,
}
