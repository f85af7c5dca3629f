//! Which addresses a temporary network gets: the 172.20.0.0/24 of the shipped targets where nothing uses them, else the next /24 that is
//! free.

use std::{fmt, net::Ipv4Addr};

/// Addresses of version 4 that have their first bits in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet {
    first: u32,
    bits: u32,
}

/// Where one is looked for, in /24 steps: the wanted one is the first of these.
const WITHIN: [Subnet; 2] = [Subnet::new(172, 20, 14), Subnet::new(10, 213, 16)];
/// A route to more addresses than a /8 leads everywhere.
const WIDEST: u32 = 8;
/// Addresses of a /24.
const STEP: u32 = 256;

impl Subnet {
    const fn new(a: u8, b: u8, bits: u32) -> Self {
        Subnet { first: u32::from_be_bytes([a, b, 0, 0]), bits }
    }

    /// `172.20.0.0/24`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let (address, bits) = (address.parse::<Ipv4Addr>().ok()?, bits.parse().ok().filter(|bits| *bits <= 32)?);
        Some(Subnet { first: u32::from(address) & mask(bits), bits })
    }

    fn overlaps(self, other: Subnet) -> bool {
        let both = mask(self.bits.min(other.bits));
        self.first & both == other.first & both
    }
}

fn mask(bits: u32) -> u32 {
    u32::MAX.checked_shl(32 - bits).unwrap_or(0)
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.first), self.bits)
    }
}

/// The first /24 that nothing uses.
#[must_use]
pub fn free(used: &[Subnet]) -> Option<Subnet> {
    WITHIN.into_iter().find_map(|within| {
        let count = (1 << (32 - within.bits)) / STEP;
        let mut all = (0..count).map(|n| Subnet { first: within.first + n * STEP, bits: 24 });
        all.find(|subnet| !used.iter().any(|used| used.overlaps(*subnet)))
    })
}

/// The networks that this machine has a route to ("/proc/net/route": addresses in hexadecimal, the lowest byte first). The
/// default route leads everywhere and is none of them, and neither are the halves that tunnels put in its place (0.0.0.0/1).
#[must_use]
pub fn routes(text: &str) -> Vec<Subnet> {
    let hex = |word: &str| u32::from_str_radix(word, 16).ok().map(u32::swap_bytes);
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (first, mask) = (hex(words.get(1)?)?, hex(words.get(7)?)?);
        (mask.count_ones() >= WIDEST).then_some(Subnet { first, bits: mask.count_ones() })
    };
    text.lines().skip(1).filter_map(row).collect()
}

/// The interface by which this machine reaches exactly those addresses.
#[must_use]
pub fn interface_to(text: &str, wanted: Subnet) -> Option<String> {
    let line = text.lines().skip(1).find(|line| routes(&format!("\n{line}")).contains(&wanted))?;
    line.split_whitespace().next().map(str::to_owned)
}

/// The gateway of the default route with the lowest metric, with its interface.
#[must_use]
pub fn gateway(text: &str) -> Option<(Ipv4Addr, String)> {
    let hex = |word: &str| u32::from_str_radix(word, 16).ok().map(u32::swap_bytes);
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (to, gateway, mask) = (hex(words.get(1)?)?, hex(words.get(2)?)?, hex(words.get(7)?)?);
        let metric: u32 = words.get(6)?.parse().ok()?;
        (to == 0 && mask == 0 && gateway != 0).then(|| (metric, Ipv4Addr::from(gateway), words[0].to_owned()))
    };
    let best = text.lines().skip(1).filter_map(row).min_by_key(|(metric, ..)| *metric);
    best.map(|(_, gateway, interface)| (gateway, interface))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(texts: &[&str]) -> Vec<Subnet> {
        texts.iter().map(|text| Subnet::parse(text).expect("a subnet")).collect()
    }

    fn free_beside(texts: &[&str]) -> Option<String> {
        free(&all(texts)).map(|subnet| subnet.to_string())
    }

    #[test]
    fn the_wanted_one_is_taken_where_it_is_free() {
        assert_eq!(free_beside(&["172.17.0.0/16", "10.0.0.0/8"]).as_deref(), Some("172.20.0.0/24"));
        assert_eq!(free_beside(&["172.20.0.128/25"]).as_deref(), Some("172.20.1.0/24"));
        assert_eq!(free_beside(&["172.20.0.0/16", "172.21.0.0/24"]).as_deref(), Some("172.21.1.0/24"));
        assert_eq!(free_beside(&["172.16.0.0/12"]).as_deref(), Some("10.213.0.0/24"));
        assert_eq!(free_beside(&["172.16.0.0/12", "10.0.0.0/8"]), None);
        assert_eq!(free_beside(&["0.0.0.0/0"]), None, "all is taken");
    }

    #[test]
    fn what_is_no_subnet_is_none() {
        for text in ["172.20.0.0", "172.20.0.0/33", "x/24", "fd00::/64", ""] {
            assert_eq!(Subnet::parse(text), None, "{text}");
        }
        assert_eq!(Subnet::parse("172.20.0.7/24").map(|subnet| subnet.to_string()).as_deref(), Some("172.20.0.0/24"));
    }

    #[test]
    fn routes_and_the_gateway_come_from_the_kernels_table() {
        let text = include_str!("../../../tests/fixtures/bench/proc-net-route");
        let routes: Vec<String> = routes(text).iter().map(ToString::to_string).collect();
        assert_eq!(routes, ["172.17.0.0/16", "192.168.178.0/24"]);
        let docker = Subnet::parse("172.17.0.0/16").expect("a subnet");
        assert_eq!(interface_to(text, docker).as_deref(), Some("docker0"));
        assert_eq!(gateway(text), Some((Ipv4Addr::new(192, 168, 178, 1), "eth0".to_owned())), "the lowest metric");
        assert_eq!(gateway("Iface Destination\n"), None);
        // A tunnel's halves of everything, and a /8: addresses in hexadecimal, the lowest byte first.
        let tunnel = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n\
                      tun0 00000000 0108080A 0003 0 0 0 00000080 0 0 0\n\
                      tun0 00000080 0108080A 0003 0 0 0 00000080 0 0 0\n\
                      tun0 0000000A 0108080A 0003 0 0 0 000000FF 0 0 0\n";
        assert_eq!(super::routes(tunnel).iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.0/8"]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_a_parser_panic(text in ".*") {
            let _ = (Subnet::parse(&text), routes(&text), gateway(&text));
        }
    }
}
