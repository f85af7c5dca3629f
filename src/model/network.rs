//! Network interfaces ("proc(5)" net/dev; `/sys/class/net`, Documentation/ABI/testing/sysfs-class-net).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{
    rate::{align, per_second},
    series::Series,
    span::Span,
};

/// Bridges to containers and guests are called so.
const INNER: [&str; 9] = ["docker", "br-", "podman", "cni", "virbr", "lxcbr", "lxdbr", "incusbr", "veth"];

/// One interface's counters since boot and its link.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InterfaceCounters {
    pub name: String,
    pub rx_bytes: u64,
    pub rx_packets: u64,
    pub rx_errors: u64,
    pub rx_dropped: u64,
    pub tx_bytes: u64,
    pub tx_packets: u64,
    pub tx_errors: u64,
    pub tx_dropped: u64,
    /// `operstate`: up, down, unknown …
    pub state: Option<String>,
    /// Link speed in bits a second; `None` where the link has none.
    pub speed_bits: Option<u64>,
    /// True for a real card, false for bridges, veth, tunnels, loopback.
    pub physical: bool,
    /// True for loopback.
    pub loopback: bool,
    /// Bridge or bond that this one belongs to.
    pub master: Option<String>,
    /// Hardware address, where there is one.
    pub mac: Option<String>,
    /// IPv4 and IPv6 addresses with prefix length.
    pub addresses: Vec<String>,
}

impl InterfaceCounters {
    /// True for the port of a bridge that leads into a container or a guest (veth, tap): what it moves the bridge moves too.
    #[must_use]
    pub fn is_port(&self) -> bool {
        !self.physical && (self.master.is_some() || self.name.starts_with("veth"))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NetworkSample {
    /// Interfaces, in kernel order.
    pub interfaces: Vec<InterfaceCounters>,
}

/// One interface as shown; rates are `None` until two readings of it exist.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Interface {
    pub raw: InterfaceCounters,
    /// Bytes a second.
    pub rx_per_second: Option<f64>,
    /// Bytes a second.
    pub tx_per_second: Option<f64>,
    /// Packets a second.
    pub rx_packets_per_second: Option<f64>,
    /// Packets a second.
    pub tx_packets_per_second: Option<f64>,
    /// Errors of both directions a second.
    pub errors_per_second: Option<f64>,
    /// Drops of both directions a second.
    pub drops_per_second: Option<f64>,
    /// Bytes a second.
    pub rx_history: Series,
    /// Bytes a second.
    pub tx_history: Series,
}

/// All interfaces.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Network {
    /// Physical ones first, loopback last, else kernel order.
    pub interfaces: Vec<Interface>,
    /// Bytes a second over physical interfaces; over all but loopback where none is physical.
    pub rx_per_second: Option<f64>,
    /// Bytes a second, likewise.
    pub tx_per_second: Option<f64>,
    /// Bytes a second, likewise.
    pub rx_history: Series,
    /// Bytes a second, likewise.
    pub tx_history: Series,
}

impl Interface {
    fn apply(&mut self, span: Span, now: InterfaceCounters) {
        let before = &self.raw;
        // Where one of them went backwards the interface was reset and no pair of the others is valid.
        let whole = [
            (before.rx_bytes, now.rx_bytes),
            (before.tx_bytes, now.tx_bytes),
            (before.rx_packets, now.rx_packets),
            (before.tx_packets, now.tx_packets),
        ]
        .iter()
        .all(|(before, now)| before <= now);
        let since = span.since.filter(|_| whole && !before.name.is_empty());
        let rate = |before, now| since.and_then(|s| per_second(before, now, s));
        self.rx_per_second = rate(before.rx_bytes, now.rx_bytes);
        self.tx_per_second = rate(before.tx_bytes, now.tx_bytes);
        self.rx_packets_per_second = rate(before.rx_packets, now.rx_packets);
        self.tx_packets_per_second = rate(before.tx_packets, now.tx_packets);
        let both = |a: Option<f64>, b: Option<f64>| Some(a? + b?);
        self.errors_per_second = both(rate(before.rx_errors, now.rx_errors), rate(before.tx_errors, now.tx_errors));
        self.drops_per_second = both(rate(before.rx_dropped, now.rx_dropped), rate(before.tx_dropped, now.tx_dropped));
        self.rx_history.push(span.at, span.every, self.rx_per_second);
        self.tx_history.push(span.at, span.every, self.tx_per_second);
        self.raw = now;
    }
}

impl Network {
    /// The interface with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.raw.name == name)
    }

    /// This address of ours leads to this machine alone: to itself, its containers or its guests.
    #[must_use]
    pub fn is_inner(&self, address: IpAddr) -> bool {
        let has = |interface: &&Interface| {
            interface
                .raw
                .addresses
                .iter()
                .any(|own| own.split('/').next().and_then(|own| own.parse().ok()) == Some(address))
        };
        address.is_loopback()
            || self.interfaces.iter().find(has).is_some_and(|interface| {
                !interface.raw.physical && INNER.iter().any(|prefix| interface.raw.name.starts_with(prefix))
            })
    }

    pub fn apply(&mut self, span: Span, sample: NetworkSample) {
        let mut order = sample.interfaces;
        order.sort_by_key(|i| if i.loopback { 2 } else { u8::from(!i.physical) });
        align(&mut self.interfaces, &order, |have, now| have.raw.name == now.name, |_| Interface::default());
        for (interface, now) in self.interfaces.iter_mut().zip(order) {
            interface.apply(span, now);
        }
        (self.rx_per_second, self.tx_per_second) = (self.sum(|i| i.rx_per_second), self.sum(|i| i.tx_per_second));
        self.rx_history.push(span.at, span.every, self.rx_per_second);
        self.tx_history.push(span.at, span.every, self.tx_per_second);
    }

    /// Over physical interfaces; where none is physical (in a container) over all but loopback, and without those that
    /// members are listed too.
    fn sum(&self, rate: fn(&Interface) -> Option<f64>) -> Option<f64> {
        let all = &self.interfaces;
        let physical = all.iter().any(|i| i.raw.physical);
        let has_members = |name: &str| all.iter().any(|i| i.raw.master.as_deref() == Some(name));
        all.iter()
            .filter(|i| if physical { i.raw.physical } else { !i.raw.loopback && !has_members(&i.raw.name) })
            .filter_map(rate)
            .reduce(|a, b| a + b)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Stamp;

    fn interface(name: &str, bytes: u64) -> InterfaceCounters {
        InterfaceCounters {
            name: name.to_owned(),
            rx_bytes: bytes,
            rx_packets: bytes / 100,
            tx_bytes: bytes * 2,
            tx_packets: bytes / 50,
            physical: name.starts_with("eth"),
            loopback: name == "lo",
            ..InterfaceCounters::default()
        }
    }

    fn fold(network: &mut Network, second: u64, since: Option<u64>, interfaces: Vec<InterfaceCounters>) {
        let span = Span {
            at: Stamp::at_seconds(second),
            every: Duration::from_secs(1),
            since: since.map(Duration::from_secs),
        };
        network.apply(span, NetworkSample { interfaces });
    }

    fn names(network: &Network) -> Vec<&str> {
        network.interfaces.iter().map(|i| i.raw.name.as_str()).collect()
    }

    #[test]
    fn cards_come_first_and_loopback_last() {
        let mut network = Network::default();
        fold(&mut network, 1, None, ["lo", "docker0", "eth1", "veth1", "eth0"].map(|n| interface(n, 0)).to_vec());
        assert_eq!(names(&network), ["eth1", "eth0", "docker0", "veth1", "lo"]);
    }

    #[test]
    fn totals_are_of_cards_and_fall_back_to_all_but_loopback() {
        let mut network = Network::default();
        for (second, bytes) in [(1, 0), (2, 500)] {
            let since = (second > 1).then_some(1);
            fold(&mut network, second, since, ["lo", "br0", "eth0", "eth1"].map(|n| interface(n, bytes)).to_vec());
        }
        assert_eq!((network.rx_per_second, network.tx_per_second), (Some(1000.0), Some(2000.0)));

        let mut network = Network::default();
        for (second, bytes) in [(1, 0), (2, 500)] {
            let since = (second > 1).then_some(1);
            let mut all = ["lo", "bond0", "veth0", "tun0"].map(|n| interface(n, bytes)).to_vec();
            all[2].master = Some("bond0".to_owned());
            fold(&mut network, second, since, all);
        }
        assert_eq!(network.rx_per_second, Some(1000.0), "veth0 and tun0, the bond's bytes are veth0's");
    }

    #[test]
    fn an_interface_that_was_made_anew_has_no_rate() {
        let mut network = Network::default();
        fold(&mut network, 1, None, vec![interface("eth0", 10_000)]);
        fold(&mut network, 2, Some(1), vec![interface("eth0", 100)]);
        let i = &network.interfaces[0];
        assert_eq!((i.rx_per_second, i.errors_per_second, network.rx_per_second), (None, None, None));
        fold(&mut network, 3, Some(1), vec![interface("eth0", 300)]);
        assert_eq!(network.rx_per_second, Some(200.0));
        let history: Vec<_> = network.rx_history.iter().collect();
        assert_eq!(history, [None, None, Some(200.0)]);
    }

    #[test]
    fn a_new_interface_does_not_hide_the_total_of_the_others() {
        let mut network = Network::default();
        fold(&mut network, 1, None, vec![interface("eth0", 0)]);
        fold(&mut network, 2, Some(1), vec![interface("eth1", 1 << 40), interface("eth0", 100)]);
        assert_eq!(network.interfaces[0].rx_per_second, None);
        assert_eq!(network.rx_per_second, Some(100.0));
        fold(&mut network, 3, Some(1), vec![interface("eth1", 1 << 40)]);
        assert_eq!(names(&network), ["eth1"]);
    }

    #[test]
    fn errors_and_drops_count_both_directions() {
        let mut network = Network::default();
        fold(&mut network, 1, None, vec![interface("eth0", 0)]);
        let worse = InterfaceCounters { rx_errors: 4, tx_errors: 2, tx_dropped: 8, ..interface("eth0", 0) };
        fold(&mut network, 3, Some(2), vec![worse]);
        let i = &network.interfaces[0];
        assert_eq!((i.errors_per_second, i.drops_per_second), (Some(3.0), Some(4.0)));
    }

    #[test]
    fn an_inner_address_is_of_a_bridge_of_engines() {
        let with =
            |name: &str, address: &str| InterfaceCounters { addresses: vec![address.to_owned()], ..interface(name, 0) };
        let mut network = Network::default();
        fold(
            &mut network,
            1,
            None,
            vec![with("eth0", "192.168.1.9/24"), with("docker0", "172.17.0.1/16"), with("wg0", "10.9.0.1/24")],
        );
        let inner = |address: &str| network.is_inner(address.parse().expect("an address"));
        assert!(inner("172.17.0.1") && inner("127.0.0.1"));
        assert!(!inner("192.168.1.9") && !inner("10.9.0.1") && !inner("172.17.0.2"));
    }
}
