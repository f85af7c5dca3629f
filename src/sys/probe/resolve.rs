//! Names to addresses by getaddrinfo(3), so that hosts files, mDNS and search domains count as they do for everybody else
//! on this machine. It blocks, for as long as the resolver of the machine likes.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};

use super::trouble::Trouble;

/// Addresses of one name that are tried.
const MOST: usize = 8;
/// What getaddrinfo says of a name that does not exist (glibc, musl): anything else is a resolver in trouble.
const UNKNOWN: [&str; 3] = ["Name or service not known", "No address associated", "Name does not resolve"];

/// True for an address that needs no resolving.
pub(super) fn is_literal(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
}

/// The addresses of `host`, never none, both families in turn.
pub(super) fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, Trouble> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = (host, port).to_socket_addrs().map_err(|error| {
        let words = error.to_string();
        match UNKNOWN.iter().any(|unknown| words.contains(unknown)) {
            true => Trouble::wrong(format!("no host is called {host}")),
            false => {
                let why = words.rsplit_once(": ").map_or(words.as_str(), |(_, why)| why);
                Trouble::dns(format!("{host} cannot be resolved: {why}"))
            }
        }
    })?;
    let addresses = in_turn(found);
    if addresses.is_empty() { Err(Trouble::wrong(format!("{host} has no address"))) } else { Ok(addresses) }
}

/// Each once, families in turn, beginning with that of the first ("RFC 8305").
fn in_turn(found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut all: Vec<SocketAddr> = Vec::new();
    for address in found {
        if !all.contains(&address) {
            all.push(address);
        }
    }
    let first = all.first().is_some_and(SocketAddr::is_ipv6);
    let (one, other): (Vec<SocketAddr>, Vec<SocketAddr>) = all.into_iter().partition(|a| a.is_ipv6() == first);
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let mut out = Vec::new();
    while out.len() < MOST {
        let before = out.len();
        out.extend(one.next());
        out.extend(other.next());
        if out.len() == before {
            break;
        }
    }
    out.truncate(MOST);
    out
}

/// The address of this machine from which `to` is reached; connecting a datagram socket sends nothing.
pub(super) fn local_end(to: SocketAddr) -> Option<IpAddr> {
    let any = if to.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
    let socket = UdpSocket::bind(any).ok()?;
    // A port of 0 is refused by some kernels.
    socket.connect(SocketAddr::new(to.ip(), to.port().max(1))).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let of = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let found = ["[::1]:1", "[::2]:1", "[::1]:1", "10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"].map(of);
        let expected = ["[::1]:1", "10.0.0.1:1", "[::2]:1", "10.0.0.2:1", "10.0.0.3:1"].map(of);
        assert_eq!(in_turn(found.into_iter()), expected);
        assert_eq!(in_turn((0..99).map(|port| SocketAddr::new(of("10.0.0.1:1").ip(), port))).len(), MOST);
    }

    #[test]
    fn own_addresses_are_known() {
        assert_eq!(resolve("127.0.0.1", 80), Ok(vec!["127.0.0.1:80".parse().expect("an address")]));
        assert_eq!(local_end("127.0.0.1:80".parse().expect("an address")), "127.0.0.1".parse().ok());
        assert!(is_literal("::1") && !is_literal("localhost"));
    }
}
