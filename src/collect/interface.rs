//! What a network interface is: its link from `/sys/class/net`, its addresses from the kernel by netlink; of another root
//! the files of procfs give them as far as they can.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::{
    sys::{
        netlink,
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

/// An interface and one of its addresses.
type Owned = (Box<[u8]>, String);

/// ARPHRD_NONE, ARPHRD_PPP, ARPHRD_TUNNEL and ARPHRD_IPGRE of `if_arp.h`: interfaces that lead to one other end.
const TUNNELS: [u64; 4] = [65_534, 512, 768, 778];

/// Interface and address of all that are set, IPv4 first. `folder` is the `net` folder of a process or of `proc`,
/// `names` the interfaces.
pub(super) fn addresses(root: &Root, folder: &str, names: &[&[u8]]) -> Vec<Owned> {
    if root.is_live()
        && let Ok(all) = netlink::addresses()
    {
        return asked(root, names, &all);
    }
    let read = |file: &str| root.read(format!("{folder}/{file}")).unwrap_or_default();
    let (mut all, left) = ipv4(&read("fib_trie"), &read("route"));
    // A tunnel's address may have its routes in a table of their own: where one address and one tunnel are left over, they
    // belong together.
    let tunnel = |name: &&[u8]| {
        let number = |name| root.number(format!("sys/class/net/{name}/type"));
        !all.iter().any(|(owner, _)| **owner == **name)
            && std::str::from_utf8(name).ok().and_then(number).is_some_and(|kind| TUNNELS.contains(&kind))
    };
    let tunnels: Vec<&[u8]> = names.iter().copied().filter(tunnel).collect();
    if let ([address], [tunnel]) = (&left[..], &tunnels[..]) {
        all.push(((*tunnel).into(), format!("{address}/32")));
    }
    all.extend(lines(&read("if_inet6")).filter_map(ipv6));
    all
}

/// What the kernel said, by the names of the interfaces.
fn asked(root: &Root, names: &[&[u8]], all: &[netlink::Address]) -> Vec<Owned> {
    let numbered = |name: &&[u8]| {
        let number: u32 = root.number(format!("sys/class/net/{}/ifindex", std::str::from_utf8(name).ok()?))?;
        Some((number, Box::<[u8]>::from(*name)))
    };
    let interfaces: Vec<(u32, Box<[u8]>)> = names.iter().filter_map(numbered).collect();
    let owner = |number: u32| interfaces.iter().find(|(n, _)| *n == number).map(|(_, name)| name.clone());
    all.iter().filter_map(|a| Some((owner(a.interface)?, format!("{}/{}", a.address, a.prefix)))).collect()
}

/// A route to a network that needs no gateway.
struct Route<'a> {
    interface: &'a [u8],
    network: u32,
    mask: u32,
}

/// The kernel's tables keep local addresses and directly reached networks apart; each address belongs to the narrowest
/// network that holds it. Those that no network holds are left over.
fn ipv4(fib_trie: &[u8], route: &[u8]) -> (Vec<Owned>, Vec<Ipv4Addr>) {
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
    let (mut all, mut left): (Vec<Owned>, _) = (Vec::new(), Vec::new());
    for address in found {
        let bits = u32::from(address);
        let narrowest = routes.iter().filter(|r| bits & r.mask == r.network).max_by_key(|r| r.mask);
        match narrowest {
            _ if address.is_loopback() => all.push((b"lo".as_slice().into(), format!("{address}/8"))),
            Some(route) => all.push((route.interface.into(), format!("{address}/{}", route.mask.leading_ones()))),
            None => left.push(address),
        }
    }
    (all, left)
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
        let (all, left) = ipv4(trie, routes);
        assert_eq!(left, [Ipv4Addr::new(192, 0, 2, 1)]);
        let all: Vec<(&[u8], &str)> = all.iter().map(|(i, a)| (&**i, a.as_str())).collect();
        assert_eq!(all, [(&b"thin"[..], "10.0.1.5/24"), (b"wide", "10.0.2.7/8")]);
    }

    #[test]
    fn a_tunnel_has_the_address_that_is_left_over() {
        let folder = tempfile::tempdir().expect("folder");
        let put = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, text).expect("file");
        };
        put("proc/net/route", "Iface Destination\nlan0 0000000A 00000000 0001 0 0 0 000000FF\n");
        put("proc/net/fib_trie", " |-- 10.0.0.5\n  /32 host LOCAL\n |-- 100.99.98.97\n  /32 host LOCAL\n");
        for (name, kind) in [("lan0", "1\n"), ("mesh0", "65534\n"), ("dummy0", "1\n")] {
            put(&format!("sys/class/net/{name}/type"), kind);
        }
        let root = Root::new(folder.path());
        let all = addresses(&root, "proc/net", &[b"lan0", b"mesh0", b"dummy0"]);
        let all: Vec<(&[u8], &str)> = all.iter().map(|(i, a)| (&**i, a.as_str())).collect();
        assert_eq!(all, [(&b"lan0"[..], "10.0.0.5/8"), (b"mesh0", "100.99.98.97/32")]);
        put("sys/class/net/mesh1/type", "65534\n");
        let all = addresses(&root, "proc/net", &[b"lan0", b"mesh0", b"mesh1"]);
        assert_eq!(all.len(), 1, "of two tunnels it may be either's");
    }

    #[test]
    fn a_tunnel_with_an_address_of_its_own_takes_no_other() {
        let folder = tempfile::tempdir().expect("folder");
        let put = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, text).expect("file");
        };
        let routes = "Iface Destination\nlan0 0000000A 00000000 0001 0 0 0 000000FF\n\
            mesh0 000010AC 00000000 0001 0 0 0 0000FFFF\n";
        put("proc/net/route", routes);
        let local = ["10.0.0.5", "172.16.0.9", "100.99.98.97"].map(|at| format!(" |-- {at}\n  /32 host LOCAL\n"));
        put("proc/net/fib_trie", &local.concat());
        for (name, kind) in [("lan0", "1\n"), ("mesh0", "65534\n"), ("mesh1", "768\n")] {
            put(&format!("sys/class/net/{name}/type"), kind);
        }
        let all = addresses(&Root::new(folder.path()), "proc/net", &[b"lan0", b"mesh0", b"mesh1"]);
        let all: Vec<(&[u8], &str)> = all.iter().map(|(i, a)| (&**i, a.as_str())).collect();
        let expected = [(&b"lan0"[..], "10.0.0.5/8"), (b"mesh0", "172.16.0.9/16"), (b"mesh1", "100.99.98.97/32")];
        assert_eq!(all, expected);
    }

    #[test]
    fn addresses_go_to_the_interface_of_their_number() {
        let folder = tempfile::tempdir().expect("folder");
        for (name, number) in [("lan0", "2\n"), ("mesh0", "7\n")] {
            let path = folder.path().join("sys/class/net").join(name);
            std::fs::create_dir_all(&path).expect("folder");
            std::fs::write(path.join("ifindex"), number).expect("file");
        }
        let of =
            |interface, last| netlink::Address { interface, address: Ipv4Addr::new(10, 0, 0, last).into(), prefix: 32 };
        let addresses = [of(7, 1), of(2, 2), of(7, 3), of(9, 4)];
        let all = asked(&Root::new(folder.path()), &[b"lan0", b"mesh0"], &addresses);
        let all: Vec<(&[u8], &str)> = all.iter().map(|(i, a)| (&**i, a.as_str())).collect();
        assert_eq!(all, [(&b"mesh0"[..], "10.0.0.1/32"), (b"lan0", "10.0.0.2/32"), (b"mesh0", "10.0.0.3/32")]);
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

    #[test]
    fn an_address_of_hardware_is_pairs_of_digits_and_not_all_zero() {
        assert!(is_mac("a8:a1:59:12:34:56") && is_mac("00:00:00:00:00:01"));
        for odd in ["00:00:00:00:00:00", "a8:a1:59:12:34", "a8:a1:59:12:34:5g", "a8a1:59:12:34:56:7", ""] {
            assert!(!is_mac(odd), "{odd}");
        }
    }

    #[test]
    fn a_speed_is_asked_of_hardware_that_is_up() {
        let folder = tempfile::tempdir().expect("folder");
        let at = |file: &str| folder.path().join("sys/class/net/eth0").join(file);
        std::fs::create_dir_all(at("device")).expect("folder");
        let speed = |state: &str, megabits: &str| {
            std::fs::write(at("operstate"), state).and_then(|()| std::fs::write(at("speed"), megabits)).expect("files");
            link(&Root::new(folder.path()), b"eth0").speed_bits
        };
        assert_eq!(speed("up\n", "2500\n"), Some(2_500_000_000));
        assert_eq!((speed("up\n", "0\n"), speed("up\n", "-1\n"), speed("up\n", "10000000\n")), (None, None, None));
        assert_eq!((speed("up\n", "1\n"), speed("up\n", "9999999\n")), (Some(1_000_000), Some(9_999_999_000_000)));
        assert_eq!(speed("down\n", "1000\n"), None);
        std::fs::remove_dir(at("device")).expect("folder");
        assert_eq!(speed("up\n", "1000\n"), None, "an invented one");
        std::fs::create_dir(at("bonding")).expect("folder");
        assert_eq!(speed("up\n", "1000\n"), Some(1_000_000_000));
    }
}
