//! Which devices have a row, and in which order: what moves most when there is no room for all, the order of the machine
//! otherwise. A bridge's ports (one for each container) are one row until it is opened.

use super::columns::FEW_PORTS;
use crate::{
    config::Settings,
    model::{network::Interface, series::Series},
    state::State,
    text::like,
};

/// Steps of the past by which devices are chosen when not all fit.
const RECENT: usize = 60;
/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Row {
    /// Index into the host's disks.
    Disk(usize),
    /// Index into the host's interfaces.
    Interface(usize),
    /// All ports of bridges together.
    Ports,
}

/// Why an interface has no row on the overview.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quiet {
    No,
    Down,
    Loopback,
}

/// The devices of this machine that are worth a row.
#[derive(Default)]
pub(super) struct Devices {
    /// Indices into the host's disks, most active first, layers last.
    disks: Vec<usize>,
    /// Indices into the host's interfaces, most active first, loopback last, ports left out.
    interfaces: Vec<usize>,
    /// Indices of the grouped ports, in the kernel's order.
    ports: Vec<usize>,
    /// Of the host's interfaces, which say nothing on the overview.
    quiet: Vec<Quiet>,
    /// The ports are listed below the row that stands for them.
    pub(super) unfolded: bool,
}

impl Devices {
    /// Looks again what there is.
    pub(super) fn refresh(&mut self, state: &State, settings: &Settings) {
        let disks = &state.host.disks.disks;
        self.disks.clear();
        self.disks.extend((0..disks.len()).filter(|i| !hidden(&settings.hidden_disks, &disks[*i].raw.name)));
        self.disks.sort_by_cached_key(|i| {
            let d = &disks[*i];
            let idle = recent(&d.read_history) + recent(&d.write_history) <= 0.0;
            (d.is_layer(), idle, std::cmp::Reverse(step(recent(&d.busy_history) * 1000.0)))
        });
        let all = &state.host.network.interfaces;
        self.quiet.clear();
        self.quiet.extend(all.iter().map(|n| match () {
            () if is_down(n) => Quiet::Down,
            () if n.raw.loopback => Quiet::Loopback,
            () => Quiet::No,
        }));
        let shown = (0..all.len()).filter(|i| !hidden(&settings.hidden_interfaces, &all[*i].raw.name));
        (self.ports, self.interfaces) = shown.partition(|i| all[*i].raw.is_port());
        if self.ports.len() <= FEW_PORTS {
            self.interfaces.append(&mut self.ports);
        }
        self.interfaces.sort_by_cached_key(|i| {
            let n = &all[*i];
            let moved = recent(&n.rx_history) + recent(&n.tx_history);
            (n.raw.loopback, !n.raw.physical, is_down(n), std::cmp::Reverse(step(moved)))
        });
    }

    /// The disk that is busiest, or was.
    pub(super) fn busiest_disk(&self) -> Option<usize> {
        self.disks.first().copied()
    }

    /// The grouped ports.
    pub(super) fn ports(&self) -> &[usize] {
        &self.ports
    }

    /// How many rows there are for disks and for interfaces that are up.
    pub(super) fn up(&self) -> (usize, usize) {
        let (disks, interfaces) = self.chosen(u16::MAX, false);
        (disks.len(), interfaces.len())
    }

    /// The interfaces that are down.
    pub(super) fn down(&self) -> impl Iterator<Item = usize> {
        self.interfaces.iter().copied().filter(|i| self.quiet.get(*i) == Some(&Quiet::Down))
    }

    /// The rows that fit into `rows`, in the order of the machine so that rows do not swap places, interfaces that are
    /// down behind the others and ports behind all. Unless `all` are asked for, what is down and the loopback are left out.
    pub(super) fn chosen(&self, rows: u16, all: bool) -> (Vec<Row>, Vec<Row>) {
        let rows = usize::from(rows);
        let folded = usize::from(!self.ports.is_empty());
        let listed: Vec<usize> =
            self.interfaces.iter().copied().filter(|i| all || self.quiet.get(*i) == Some(&Quiet::No)).collect();
        let (d, n) = (self.disks.len(), listed.len() + folded);
        let for_disks = d.min((rows / 2).max(rows.saturating_sub(n.max(1))));
        let for_interfaces = rows.saturating_sub(for_disks.max(1));
        let take = |list: &[usize], count: usize| list.iter().copied().take(count).collect::<Vec<usize>>();
        let mut disks = take(&self.disks, for_disks);
        // Containers' ports say more than the interfaces that are down.
        let up = listed.iter().filter(|i| self.quiet.get(**i) != Some(&Quiet::Down)).count();
        let keep = folded.min(for_interfaces.saturating_sub(up));
        let mut interfaces = take(&listed, for_interfaces - keep);
        disks.sort_unstable();
        interfaces.sort_unstable_by_key(|i| (self.quiet.get(*i) == Some(&Quiet::Down), *i));
        let disks = disks.into_iter().map(Row::Disk).collect();
        let mut interfaces: Vec<Row> = interfaces.into_iter().map(Row::Interface).collect();
        if keep > 0 {
            interfaces.push(Row::Ports);
            if self.unfolded {
                let room = for_interfaces.saturating_sub(interfaces.len());
                interfaces.extend(self.ports.iter().take(room).map(|i| Row::Interface(*i)));
            }
        }
        (disks, interfaces)
    }
}

fn hidden(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|p| like(p, name))
}

fn is_down(interface: &Interface) -> bool {
    interface.raw.state.as_deref() == Some("down")
}

/// The mean of the last steps, gaps left out.
fn recent(series: &Series) -> f64 {
    let (sum, count) =
        (0..RECENT.min(series.len())).filter_map(|b| series.back(b)).fold((0.0, 0u32), |(s, c), v| (s + v, c + 1));
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}

/// Powers of two apart, so that neighbours do not swap places all the time.
fn step(value: f64) -> u32 {
    (value + 1.0).log2().floor() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{disk::Disk, network::InterfaceCounters};

    fn machine(ports: usize) -> State {
        let mut state = State::new(Vec::new().into());
        state.host.disks.disks = vec![Disk::default()];
        let interface = |name: &str, physical: bool, master: Option<&str>| Interface {
            raw: InterfaceCounters {
                name: name.into(),
                physical,
                master: master.map(str::to_owned),
                ..InterfaceCounters::default()
            },
            ..Interface::default()
        };
        let all = &mut state.host.network.interfaces;
        all.extend([interface("eth0", true, Some("br0")), interface("br0", false, None)]);
        all.extend((0..ports).map(|n| interface(&format!("veth{n}"), false, Some("docker0"))));
        state
    }

    fn devices(state: &State) -> Devices {
        let mut devices = Devices::default();
        devices.refresh(state, &Settings::default());
        devices
    }

    fn every(devices: &Devices) -> Vec<Row> {
        let (disks, interfaces) = devices.chosen(u16::MAX, true);
        disks.into_iter().chain(interfaces).collect()
    }

    #[test]
    fn the_last_steps_are_averaged_without_their_gaps() {
        use crate::clock::Stamp;
        let of = |values: &[Option<f64>]| {
            let mut series = Series::default();
            for (second, value) in (1..).zip(values) {
                series.push(Stamp::at_seconds(second), std::time::Duration::from_secs(1), *value);
            }
            recent(&series)
        };
        assert_eq!([of(&[]), of(&[None])], [0.0, 0.0]);
        assert_eq!(of(&[Some(8.0)]), 8.0);
        assert_eq!(of(&[Some(2.0), None, Some(4.0)]), 3.0);
        let mut long = vec![Some(1000.0)];
        long.extend([Some(7.0); RECENT]);
        assert_eq!(of(&long), 7.0, "what was before them does not count");
    }

    #[test]
    fn ports_of_fifty_containers_are_one_row() {
        let many = devices(&machine(50));
        let own = [Row::Disk(0), Row::Interface(0), Row::Interface(1)];
        assert_eq!(every(&many), [&own[..], &[Row::Ports]].concat());
        assert_eq!(many.ports().len(), 50);
        assert_eq!(every(&devices(&machine(2))), [&own[..], &[Row::Interface(2), Row::Interface(3)]].concat());
    }

    #[test]
    fn what_is_down_and_the_loopback_have_no_row_on_the_overview() {
        let mut state = machine(0);
        state.host.network.interfaces[0].raw.state = Some("down".to_owned());
        state.host.network.interfaces[1].raw.loopback = true;
        let devices = devices(&state);
        assert_eq!(devices.up(), (1, 0));
        assert_eq!(devices.down().collect::<Vec<_>>(), [0]);
        assert_eq!(every(&devices).len(), 3, "the whole list has them");
    }

    #[test]
    fn opened_ports_are_listed_below_their_row() {
        let mut devices = devices(&machine(50));
        devices.unfolded = true;
        assert_eq!(every(&devices).len(), 4 + 50);
        let (disks, interfaces) = devices.chosen(8, false);
        assert_eq!(disks.len() + interfaces.len(), 8);
        assert_eq!(interfaces[2..4], [Row::Ports, Row::Interface(2)]);
        devices.unfolded = false;
        assert_eq!(every(&devices).len(), 4);
    }
}
