//! Network interfaces: counters from `net/dev` at each reading; links and addresses now and then, in
//! `interface`.

use std::time::Duration;

use super::{
    CollectCx, Collector, OpenCx,
    interface::{Link, addresses, link},
};
use crate::{
    clock::Stamp,
    model::{
        event::Sample,
        fault::Fault,
        network::{InterfaceCounters, NetworkSample},
    },
    sys::{
        parse::{lines, number, words},
        reread::Reread,
        root::Root,
    },
    text::{clean_bytes, tell_apart},
};

/// A cable is plugged in: noticed after this.
const LINKS: Duration = Duration::from_secs(5);
/// Addresses, and what an interface belongs to, change seldom.
const ADDRESSES: Duration = Duration::from_secs(30);

/// # Errors
/// None; the reading reports what is missing.
pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    let folder = folder(&cx.root);
    Ok(Box::new(Network {
        root: cx.root.clone(),
        folder,
        dev: Reread::new(&cx.root, format!("{folder}/dev")),
        known: Vec::new(),
        links: None,
        addresses: None,
    }))
}

/// `proc/net` is our own network namespace; under another root its first process's is meant.
fn folder(root: &Root) -> &'static str {
    if !root.is_live() && root.path("proc/1/net/dev").exists() { "proc/1/net" } else { "proc/net" }
}

struct Network {
    root: Root,
    folder: &'static str,
    dev: Reread,
    /// The interfaces of the file, in its order.
    known: Vec<Known>,
    links: Option<Stamp>,
    addresses: Option<Stamp>,
}

struct Known {
    name: Box<[u8]>,
    /// The name as it is shown, cleaned and unique.
    shown: String,
    link: Link,
    addresses: Vec<String>,
}

impl Known {
    fn new(name: &[u8]) -> Self {
        Known { name: name.into(), shown: clean_bytes(name), link: Link::default(), addresses: Vec::new() }
    }
}

impl Collector for Network {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        let due = |last: Option<Stamp>, every| last.is_none_or(|last| cx.at.since(last) >= every);
        let (mut links, mut addresses_due) = (due(self.links, LINKS), due(self.addresses, ADDRESSES));
        let (root, folder, known) = (&self.root, self.folder, &mut self.known);
        let interfaces = self.dev.figures("not one interface with its 16 counters", |text| {
            if !parts(text).map(|(name, _)| name).eq(known.iter().map(|k| &*k.name)) {
                *known = parts(text).map(|(name, _)| Known::new(name)).collect();
                tell_apart(known.iter_mut().map(|known| &mut known.shown));
                (links, addresses_due) = (true, true);
            }
            if links && !addresses_due {
                known.iter_mut().for_each(|known| known.link.refresh(root, &known.name));
            }
            if addresses_due {
                known.iter_mut().for_each(|known| known.link = link(root, &known.name));
                let names: Vec<&[u8]> = known.iter().map(|known| &*known.name).collect();
                let all = addresses(root, folder, &names);
                for known in known.iter_mut() {
                    known.addresses =
                        all.iter().filter(|(name, _)| **name == *known.name).map(|(_, a)| a.clone()).collect();
                }
            }
            read(text, known)
        })?;
        if links {
            self.links = Some(cx.at);
        }
        if addresses_due {
            self.addresses = Some(cx.at);
        }
        Ok(Sample::Network(NetworkSample { interfaces }))
    }
}

/// Name and rest of each line that has both; the counters may follow the colon at once.
fn parts(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    lines(text).filter_map(|line| {
        let colon = line.iter().rposition(|&b| b == b':')?; // "eth0:1" was an alias's name
        let name = line[..colon].trim_ascii();
        (!name.is_empty() && !name.contains(&b'/')).then_some((name, &line[colon + 1..]))
    })
}

/// Lines without their 16 numbers are left out; `None` when no line is good.
fn read(text: &[u8], known: &[Known]) -> Option<Vec<InterfaceCounters>> {
    let mut interfaces = Vec::with_capacity(known.len());
    for ((_, rest), known) in parts(text).zip(known) {
        let mut figures = [0; 16];
        let mut words = words(rest);
        if figures.iter_mut().any(|f| words.next().and_then(number).map(|n| *f = n).is_none()) {
            continue;
        }
        let [rx_bytes, rx_packets, rx_errors, rx_dropped, _, _, _, _, tx_bytes, tx_packets, tx_errors, tx_dropped, ..] =
            figures;
        let link = known.link.clone();
        interfaces.push(InterfaceCounters {
            name: known.shown.clone(),
            rx_bytes,
            rx_packets,
            rx_errors,
            rx_dropped,
            tx_bytes,
            tx_packets,
            tx_errors,
            tx_dropped,
            state: link.state,
            speed_bits: link.speed_bits,
            physical: link.physical,
            loopback: link.loopback,
            master: link.master,
            mac: link.mac,
            addresses: known.addresses.clone(),
        });
    }
    (!interfaces.is_empty()).then_some(interfaces)
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{read_fixture, read_once},
        *,
    };

    fn interfaces(host: &str) -> Vec<InterfaceCounters> {
        match read_fixture(open, host) {
            Ok(Sample::Network(sample)) => sample.interfaces,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_real_card_has_counters_link_and_bridge() {
        let all = interfaces("homelab");
        let expected = InterfaceCounters {
            name: "eno1".into(),
            rx_bytes: 812_345_678_901,
            rx_packets: 612_345_678,
            rx_errors: 12,
            rx_dropped: 3456,
            tx_bytes: 234_567_890_123,
            tx_packets: 312_345_678,
            tx_errors: 0,
            tx_dropped: 17,
            state: Some("up".into()),
            speed_bits: Some(2_500_000_000),
            physical: true,
            loopback: false,
            master: Some("br0".into()),
            mac: Some("a8:a1:59:12:34:56".into()),
            addresses: Vec::new(),
        };
        assert_eq!(all[1], expected);
        assert_eq!(
            (all[2].state.as_deref(), all[2].speed_bits),
            (Some("down"), None),
            "a link that is down has no speed"
        );
    }

    #[test]
    fn virtual_interfaces_have_no_speed_and_no_card() {
        let all = interfaces("homelab");
        let of = |name: &str| all.iter().find(|i| i.name == name).expect(name);
        let veth = of("veth8a41f2c");
        assert_eq!((veth.rx_bytes, veth.speed_bits, veth.physical), (1_234_567_890, None, false));
        assert_eq!(veth.master.as_deref(), Some("docker0"));
        assert!(of("lo").loopback && of("lo").mac.is_none() && of("wg0").mac.is_none());
    }

    #[test]
    fn addresses_of_both_families_find_their_interface() {
        let all = interfaces("homelab");
        let of = |name: &str| all.iter().find(|i| i.name == name).expect(name).addresses.clone();
        assert_eq!(of("br0"), ["192.168.1.20/24", "fd00::a1/64", "fe80::aaa1:59ff:fe12:3456/64"]);
        assert_eq!(of("wg0"), ["10.8.0.2/24"]);
        assert_eq!(of("lo"), ["127.0.0.1/8", "::1/128"]);
        assert_eq!(of("eno1"), Vec::<String>::new());
    }

    #[test]
    fn hostile_lines_are_left_out_and_names_cleaned() {
        let all = interfaces("hostile");
        assert_eq!(all.iter().map(|i| i.name.as_str()).collect::<Vec<_>>(), ["a?[31mb", "big"]);
        assert_eq!((all[1].state.as_deref(), all[1].speed_bits, &all[1].mac), (Some("?[2Jup"), None, &None));
    }

    #[test]
    fn this_machine_has_its_loopback() {
        let Ok(Sample::Network(sample)) = read_once(open, Root::default()) else { panic!("no sample") };
        assert!(sample.interfaces.iter().any(|i| i.loopback), "{sample:?}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text: Vec<u8>, tail in "([a-z]{1,4}:( [0-9]{1,22}){14,17}\n){0,4}") {
            let mut text = text;
            text.extend_from_slice(tail.as_bytes());
            let known: Vec<Known> = parts(&text).map(|(name, _)| Known::new(name)).collect();
            let _ = read(&text, &known);
        }
    }
}
