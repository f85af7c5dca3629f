//! TCP sockets that listen in the network namespace of this program ("sock_diag(7)"). `/proc/net/tcp` has them too, after
//! the kernel has gone through its whole table of connections: milliseconds on a machine with much memory.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use rustix::net::netlink::SOCK_DIAG;

use super::{dump, word};

/// What a socket listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listener {
    pub at: SocketAddr,
    /// As the links of `/proc/PID/fd` name the socket.
    pub inode: u64,
}

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const IPV4: u8 = 2;
const IPV6: u8 = 10;
const TCP: u8 = 6;
/// A bit for each state; TCP_LISTEN is the tenth.
const LISTENING: u32 = 1 << 10;
/// Length of `inet_diag_req_v2`.
const REQUEST: usize = 56;

/// All of them, IPv4 first.
///
/// # Errors
/// As the system gives them: a kernel without the module `tcp_diag`, or a sandbox that refuses the socket.
pub fn listeners() -> io::Result<Vec<Listener>> {
    let mut all = Vec::new();
    for family in [IPV4, IPV6] {
        let mut request = vec![family, TCP, 0, 0];
        request.extend_from_slice(&LISTENING.to_ne_bytes());
        request.resize(REQUEST, 0);
        dump(Some(SOCK_DIAG), SOCK_DIAG_BY_FAMILY, &request, |kind, message| {
            if kind == SOCK_DIAG_BY_FAMILY {
                all.extend(listener(message));
            }
        })?;
    }
    Ok(all)
}

/// `inet_diag_msg`: the family, then ports and addresses as they are sent over the network, later the inode.
fn listener(message: &[u8]) -> Option<Listener> {
    let port = u16::from_be_bytes(message.get(4..6)?.try_into().ok()?);
    let ip: IpAddr = match *message.first()? {
        IPV4 => Ipv4Addr::from(<[u8; 4]>::try_from(message.get(8..12)?).ok()?).into(),
        IPV6 => Ipv6Addr::from(<[u8; 16]>::try_from(message.get(8..24)?).ok()?).into(),
        _ => return None,
    };
    Some(Listener { at: SocketAddr::new(ip, port), inode: word(message, 68)?.into() })
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, os::fd::AsRawFd};

    use super::*;

    #[test]
    fn a_message_has_address_port_and_inode() {
        let mut message = vec![0; 72];
        (message[0], message[4], message[5]) = (IPV4, 0x1f, 0x90);
        message[8..12].copy_from_slice(&[127, 0, 0, 1]);
        message[68..].copy_from_slice(&77_u32.to_ne_bytes());
        let at = "127.0.0.1:8080".parse().expect("an address");
        assert_eq!(listener(&message), Some(Listener { at, inode: 77 }));
        (message[0], message[23]) = (IPV6, 1);
        message[8..12].copy_from_slice(&[0; 4]);
        let at = "[::1]:8080".parse().expect("an address");
        assert_eq!(listener(&message), Some(Listener { at, inode: 77 }));
        assert_eq!(listener(&message[..71]), None);
        message[0] = 1;
        assert_eq!(listener(&message), None, "neither version of IP");
    }

    #[test]
    fn a_socket_that_listens_is_among_them() {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a socket");
        // Kernels without the module, and sandboxes.
        let Ok(all) = listeners() else { return };
        let link = std::fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd())).expect("a link");
        let at = socket.local_addr().expect("an address");
        let found = all.iter().find(|found| found.at == at).expect("it listens");
        assert_eq!(link.to_str(), Some(format!("socket:[{}]", found.inode).as_str()));
    }
}
