//! What a network interface is: its link from `/sys/class/net`, its addresses from procfs (without the netlink that
//! recorded machines could not answer).

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::{
    sys::{
        parse::{hex, lines, words},
        root::Root,
    },
    text::clean_bytes,
};

/// The link of one interface ("sysfs-class-net").
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Link {
    pub(super) state: Option<String>,
    pub(super) speed_bits: Option<u64>,
    has_speed: bool,
    pub(super) physical: bool,
    pub(super) loopback: bool,
    pub(super) master: Option<String>,
    pub(super) mac: Option<String>,
}

/// ARPHRD_LOOPBACK of `if_arp.h`.
const LOOPBACK: u64 = 772;

/// The link of `name`; all unknown where sysfs has none of it.
pub(super) fn link(root: &Root, name: &[u8]) -> Link {
    let Ok(name) = std::str::from_utf8(name) else { return Link::default() };
    if name.starts_with('.') {
        return Link::default();
    }
    let at = |file: &str| format!("sys/class/net/{name}/{file}");
    let read = |file: &str| root.line(at(file));
    let physical = root.path(at("device")).exists();
    let mut link = Link {
        state: None,
        speed_bits: None,
        // Bridges, veths and taps name a speed too, but an invented one.
        has_speed: physical || root.path(at("bonding")).exists(),
        physical,
        loopback: root.number(at("type")).map_or(name == "lo", |kind: u64| kind == LOOPBACK),
        master: std::fs::read_link(root.path(at("master")))
            .ok()
            .and_then(|target| Some(clean_bytes(target.file_name()?.as_encoded_bytes()))),
        mac: read("address").filter(|mac| is_mac(mac)),
    };
    link.refresh(root, name.as_bytes());
    link
}

impl Link {
    /// Asks again for what a cable changes: state and speed.
    pub(super) fn refresh(&mut self, root: &Root, name: &[u8]) {
        let Ok(name) = std::str::from_utf8(name) else { return };
        let at = |file: &str| format!("sys/class/net/{name}/{file}");
        self.state = root.line(at("operstate"));
        let asks = self.has_speed && self.state.as_deref() == Some("up");
        let megabits: Option<u64> = if asks { root.number(at("speed")) } else { None };
        self.speed_bits = megabits.filter(|&m| m > 0 && m < 10_000_000).map(|m| m * 1_000_000);
    }
}

/// `a8:a1:59:12:34:56`, and not all zero.
fn is_mac(text: &str) -> bool {
    text.len() >= 17
        && text.split(':').all(|pair| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit()))
        && text.bytes().any(|b| !matches!(b, b'0' | b':'))
}

/// Interface and address of all that are set, IPv4 first. `folder` is the `net` folder of a process or of `proc`.
pub(super) fn addresses(root: &Root, folder: &str) -> Vec<(Box<[u8]>, String)> {
    let read = |file: &str| root.read(format!("{folder}/{file}")).unwrap_or_default();
    let mut all = ipv4(&read("fib_trie"), &read("route"));
    all.extend(lines(&read("if_inet6")).filter_map(ipv6));
    all
}

/// A route to a network that needs no gateway.
struct Route<'a> {
    interface: &'a [u8],
    network: u32,
    mask: u32,
}

/// The kernel's tables tell local addresses and directly reached networks apart; each address belongs to the narrowest
/// network that holds it.
fn ipv4(fib_trie: &[u8], route: &[u8]) -> Vec<(Box<[u8]>, String)> {
    let routes: Vec<Route<'_>> = lines(route).skip(1).filter_map(direct).collect();
    let mut found: Vec<Ipv4Addr> = Vec::new();
    let mut leaf = None;
    for line in lines(fib_trie) {
        let mut words = words(line);
        match (words.next(), words.next(), words.next()) {
            (Some(b"|--"), Some(address), _) => {
                leaf = std::str::from_utf8(address).ok().and_then(|a| a.parse::<Ipv4Addr>().ok());
            }
            (Some(b"/32"), Some(b"host"), Some(b"LOCAL")) => {
                found.extend(leaf.filter(|address| !found.contains(address)));
            }
            _ => {}
        }
    }
    found
        .into_iter()
        .filter_map(|address| {
            if address.is_loopback() {
                return Some((b"lo".as_slice().into(), format!("{address}/8")));
            }
            let bits = u32::from(address);
            let route = routes.iter().filter(|r| bits & r.mask == r.network).max_by_key(|r| r.mask)?;
            Some((route.interface.into(), format!("{address}/{}", route.mask.leading_ones())))
        })
        .collect()
}

/// `br0 0001A8C0 00000000 0001 … 00FFFFFF`: numbers as the machine keeps them in network order.
fn direct(line: &[u8]) -> Option<Route<'_>> {
    let mut words = words(line);
    let interface = words.next()?;
    let mut field = || u32::try_from(hex(words.next()?)?).ok();
    let (network, gateway, _flags) = (field()?, field()?, field()?);
    let mask = u32::try_from(hex(words.nth(3)?)?).ok()?;
    let order = |raw: u32| u32::from_be_bytes(raw.to_ne_bytes());
    (gateway == 0 && mask != 0).then(|| Route { interface, network: order(network), mask: order(mask) })
}

/// `fe80…0001 05 40 20 80  docker0`.
fn ipv6(line: &[u8]) -> Option<(Box<[u8]>, String)> {
    let mut words = words(line);
    let address = words.next().filter(|a| a.len() == 32)?;
    let (high, low) = (hex(&address[..16])?, hex(&address[16..])?);
    let prefix = hex(words.nth(1)?).filter(|&p| p <= 128)?;
    let interface = words.nth(2)?;
    let address = Ipv6Addr::from(u128::from(high) << 64 | u128::from(low));
    Some((interface.into(), format!("{address}/{prefix}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_belongs_to_the_narrowest_network() {
        let routes = b"Iface Destination Gateway Flags RefCnt Use Metric Mask\n\
            wide 0000000A 00000000 0001 0 0 0 000000FF\n\
            thin 0001000A 00000000 0001 0 0 0 00FFFFFF\n\
            far 0002000A 0101000A 0003 0 0 0 00FFFFFF\n";
        let trie = b"Local:\n |-- 10.0.1.5\n  /32 host LOCAL\n |-- 10.0.2.7\n  /32 host LOCAL\n |-- 192.0.2.1\n  /32 host LOCAL\n";
        let all = ipv4(trie, routes);
        let all: Vec<(&[u8], &str)> = all.iter().map(|(i, a)| (&**i, a.as_str())).collect();
        assert_eq!(all, [(&b"thin"[..], "10.0.1.5/24"), (b"wide", "10.0.2.7/8")]);
    }

    #[test]
    fn only_hardware_addresses_are_hardware_addresses() {
        assert!(is_mac("a8:a1:59:12:34:56"));
        for wrong in ["", "00:00:00:00:00:00", "a8:a1", "\u{fffd}\u{fffd}", "zz:a1:59:12:34:56"] {
            assert!(!is_mac(wrong), "{wrong:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(a: Vec<u8>, b: Vec<u8>) {
            let _ = (ipv4(&a, &b), ipv6(&a), direct(&b));
        }
    }
}
