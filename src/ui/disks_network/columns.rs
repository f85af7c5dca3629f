//! Disks and interfaces as one table: what each moves, how long that takes, what is lost.

use crate::{
    alert::Level,
    config::Settings,
    model::{disk::Disk, metrics, network::Interface, series::Series, source::SourceId, subject::Subject},
    state::State,
    text::like,
    ui::{
        figures::{latency, role_of},
        table::{
            column::{Column, Columns, Kind},
            def::{Nest, TableDef, key_of},
            lines::LineKey,
        },
        theme::Role,
        view::Effect,
        widgets::{graph::nice_top, spark::spark},
    },
    units::bits_per_second,
};

/// So many ports of bridges have rows of their own.
pub(super) const FEW_PORTS: usize = 2;
/// What the ports of bridges are called together.
const PORTS: &str = "ports";

/// The table of disks and interfaces.
pub struct DevicesTable;

/// Patterns of names that are left out.
pub struct Hidden {
    disks: Vec<String>,
    interfaces: Vec<String>,
}

impl Hidden {
    /// As the settings say.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        Hidden { disks: settings.hidden_disks.clone(), interfaces: settings.hidden_interfaces.clone() }
    }
}

/// One device.
#[derive(Clone, Copy)]
pub enum Device<'a> {
    /// A disk.
    Disk(&'a Disk),
    /// An interface.
    Interface(&'a Interface),
}

/// A device with what its cells need.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    device: Device<'a>,
    state: &'a State,
}

/// The key of the disk at `index` among the machine's.
#[must_use]
pub fn disk_key(state: &State, index: usize) -> Option<LineKey<u64>> {
    let disk = state.host.disks.disks.get(index)?;
    Some(LineKey::Row(key_of(&format!("disk {}", disk.raw.name))))
}

/// The key of the interface at `index` among the machine's.
#[must_use]
pub fn interface_key(state: &State, index: usize) -> Option<LineKey<u64>> {
    let interface = state.host.network.interfaces.get(index)?;
    Some(LineKey::Row(key_of(&format!("interface {}", interface.raw.name))))
}

/// The key of the line of all ports.
#[must_use]
pub fn ports_key() -> LineKey<u64> {
    LineKey::Group(key_of(PORTS))
}

fn is_down(interface: &Interface) -> bool {
    interface.raw.state.as_deref() == Some("down")
}

/// True for a port that is listed below the line of all ports.
fn is_gathered(state: &State, interface: &Interface) -> bool {
    let ports = || state.host.network.interfaces.iter().filter(|other| other.raw.is_port());
    interface.raw.is_port() && ports().nth(FEW_PORTS).is_some()
}

impl Row<'_> {
    fn name(&self) -> &str {
        match self.device {
            Device::Disk(disk) => &disk.raw.name,
            Device::Interface(interface) => &interface.raw.name,
        }
    }

    fn disk<T>(&self, of: impl FnOnce(&Disk) -> Option<T>) -> Option<T> {
        match self.device {
            Device::Disk(disk) => of(disk),
            Device::Interface(_) => None,
        }
    }

    fn interface<T>(&self, of: impl FnOnce(&Interface) -> Option<T>) -> Option<T> {
        match self.device {
            Device::Disk(_) => None,
            Device::Interface(interface) => of(interface),
        }
    }

    fn wait(&self) -> Option<f64> {
        self.disk(|d| [d.read_latency_seconds, d.write_latency_seconds].into_iter().flatten().reduce(f64::max))
    }

    fn busy_level(&self) -> Level {
        let busy = self.disk(|d| d.busy_ratio);
        busy.map_or(Level::Ok, |busy| self.state.level(metrics::DISK_BUSY_RATIO, &[self.name()], busy))
    }

    fn errors_level(&self) -> Level {
        let errors = self.interface(|n| n.errors_per_second);
        errors.map_or(Level::Ok, |errors| self.state.level(metrics::NETWORK_ERRORS_PER_SECOND, &[self.name()], errors))
    }

    fn state(&self) -> String {
        match self.device {
            Device::Disk(disk) => disk.raw.model.clone().unwrap_or_default(),
            Device::Interface(n) => {
                let speed = n.raw.speed_bits.map(|bits| bits_per_second(bits as f64));
                [n.raw.state.clone(), speed].into_iter().flatten().collect::<Vec<_>>().join(" ")
            }
        }
    }

    fn pasts(&self) -> [(&Series, Role); 2] {
        match self.device {
            Device::Disk(d) => [(&d.read_history, Role::DiskRead), (&d.write_history, Role::DiskWrite)],
            Device::Interface(n) => [(&n.rx_history, Role::NetReceive), (&n.tx_history, Role::NetTransmit)],
        }
    }
}

impl Columns for DevicesTable {
    type Row<'a> = Row<'a>;
    const COLUMNS: &'static [Column<Self>] = COLUMNS;
    const NAME: &'static str = "name";
}

type Col = Column<DevicesTable>;

static COLUMNS: &[Col] = &[
    Col::words("name", "DEVICE", 9, 0, |r| r.name().into())
        .between(9, 24)
        .also(&["device"])
        .role(Role::Text)
        .doc("its name"),
    Col::words("kind", "KIND", 9, 3, |r| match r.device {
        Device::Disk(_) => "disk".into(),
        Device::Interface(_) => "interface".into(),
    })
    .also(&["type"])
    // Disks, then interfaces that are up, those that are down, and the ports of bridges.
    .ordered(|r| match r.device {
        Device::Disk(_) => 0,
        Device::Interface(n) if is_gathered(r.state, n) => 3,
        Device::Interface(n) => 1 + u32::from(is_down(n)),
    })
    .doc("disk or interface; sorts in the kernel's order"),
    Col::figure("in", "READ ↓/s", Kind::Bytes, 8, 0, |r| match r.device {
        Device::Disk(d) => d.read_per_second,
        Device::Interface(n) => n.rx_per_second,
    })
    .also(&["read", "receive", "rx"])
    .faint_zero(Role::Text)
    .summed()
    .doc("read or received each second"),
    Col::figure("out", "WRITE ↑/s", Kind::Bytes, 9, 0, |r| match r.device {
        Device::Disk(d) => d.write_per_second,
        Device::Interface(n) => n.tx_per_second,
    })
    .also(&["write", "send", "tx"])
    .faint_zero(Role::Text)
    .summed()
    .doc("written or sent each second"),
    Col::figure("operations", "OPS/s", Kind::Count, 6, 4, |r| match r.device {
        Device::Disk(d) => d.read_iops.zip(d.write_iops).map(|(reads, writes)| reads + writes),
        Device::Interface(n) => n.rx_packets_per_second.zip(n.tx_packets_per_second).map(|(rx, tx)| rx + tx),
    })
    .also(&["iops", "packets"])
    .format(crate::units::count_short)
    .faint_zero(Role::Dim)
    .summed()
    .doc("requests or packets each second"),
    Col::figure("latency", "LAT", Kind::Seconds, 8, 1, |r| r.wait())
        .also(&["lat", "wait"])
        .format(|wait| latency(Some(wait)).trim_start().to_owned())
        .absent(|_| "")
        .role(Role::Text)
        .doc("how long a request took, queues included"),
    Col::figure("busy", "BUSY", Kind::Share, 4, 1, |r| r.disk(|d| d.busy_ratio))
        .absent(|_| "")
        .role_of(|r, _| role_of(r.busy_level(), Role::Text))
        .doc("share of time with requests in flight"),
    Col::figure("errors", "ERR/s", Kind::Count, 5, 2, |r| r.interface(|n| n.errors_per_second))
        .absent(|_| "")
        .format(crate::units::count_short)
        .role_of(|r, text| role_of(r.errors_level(), crate::ui::table::column::unless_zero(text, Role::Text)))
        .summed()
        .doc("errors of an interface each second"),
    Col::figure("drops", "DROP/s", Kind::Count, 6, 2, |r| r.interface(|n| n.drops_per_second))
        .absent(|_| "")
        .format(crate::units::count_short)
        .faint_zero(Role::Text)
        .summed()
        .doc("packets that an interface dropped each second"),
    Col::drawn(
        "graph",
        Kind::Bytes,
        16,
        5,
        |_| None,
        |cell, place, canvas, r| {
            let [(up, up_role), (down, down_role)] = r.pasts();
            let (theme, half) = (cell.cx.theme, place.width.saturating_sub(1) / 2);
            let top = nice_top(up.max().unwrap_or(0.0).max(down.max().unwrap_or(0.0)));
            spark(canvas.buf, place.x, place.y, half, theme, up, top, theme.style(up_role));
            let right = place.right() - half;
            spark(canvas.buf, right, place.y, half, theme, down, top, theme.style(down_role));
        },
    )
    .between(12, 120)
    .doc("history of both, on one scale"),
    Col::words("state", "STATE", 12, 2, |r| r.state().into())
        .between(6, 40)
        .doc("model of a disk; link of an interface"),
];

impl TableDef for DevicesTable {
    type Key = u64;
    type Cx<'a> = &'a State;
    type Options = Hidden;
    const SOURCES: &'static [SourceId] = &[SourceId::Disks, SourceId::Network];
    const NOUN: &'static str = "device";
    const NEST: Nest = Nest::Groups(PORTS);
    const FOLDED: bool = true;

    fn cx<'a>(state: &'a State, _options: &'a Hidden) -> &'a State {
        state
    }

    fn count(state: &State) -> usize {
        state.host.disks.disks.len() + state.host.network.interfaces.len()
    }

    fn row<'a>(state: Self::Cx<'a>, index: usize) -> Self::Row<'a> {
        let disks = &state.host.disks.disks;
        let device = match disks.get(index) {
            Some(disk) => Device::Disk(disk),
            None => Device::Interface(&state.host.network.interfaces[index - disks.len()]),
        };
        Row { device, state }
    }

    fn key(state: &State, index: usize) -> u64 {
        let disks = state.host.disks.disks.len();
        let key = if index < disks { disk_key(state, index) } else { interface_key(state, index - disks) };
        key.and_then(LineKey::row).unwrap_or(0)
    }

    fn lists(row: &Row<'_>, hidden: &Hidden) -> bool {
        let patterns = match row.device {
            Device::Disk(_) => &hidden.disks,
            Device::Interface(_) => &hidden.interfaces,
        };
        !patterns.iter().any(|pattern| like(pattern, row.name()))
    }

    fn group(state: &State, index: usize) -> Option<&str> {
        match Self::row(state, index).device {
            Device::Interface(n) if is_gathered(state, n) => Some(PORTS),
            _ => None,
        }
    }

    fn nothing(_state: &State) -> &'static str {
        "no disks, and no network interface is up"
    }

    fn open(state: &State, index: usize) -> Vec<Effect> {
        vec![match Self::row(state, index).device {
            Device::Disk(disk) => Effect::OpenDetail(Subject::Disk(disk.raw.name.clone())),
            Device::Interface(n) => Effect::OpenDetail(Subject::Interface(n.raw.name.clone())),
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alert::shipped,
        model::{disk::DiskCounters, network::InterfaceCounters},
        ui::table::column::testing::{cell, column},
    };

    fn disk(name: &str) -> Disk {
        Disk { raw: DiskCounters { name: name.into(), ..DiskCounters::default() }, ..Disk::default() }
    }

    fn interface(name: &str, link: Option<&str>, master: Option<&str>) -> Interface {
        let raw = InterfaceCounters {
            name: name.into(),
            state: link.map(str::to_owned),
            master: master.map(str::to_owned),
            ..InterfaceCounters::default()
        };
        Interface { raw, ..Interface::default() }
    }

    fn machine(disks: Vec<Disk>, interfaces: Vec<Interface>) -> State {
        let mut state = State::new(shipped().into());
        state.host.disks.disks = disks;
        state.host.network.interfaces = interfaces;
        state
    }

    const FIGURES: [&str; 7] = ["in", "out", "operations", "latency", "busy", "errors", "drops"];

    /// The figures of one device.
    fn figures(state: &State) -> [String; 7] {
        FIGURES.map(|id| cell::<DevicesTable>(state, id, &DevicesTable::row(state, 0)).0)
    }

    #[test]
    fn what_a_device_cannot_have_is_blank() {
        let unread = machine(vec![disk("sda")], vec![]);
        assert_eq!(figures(&unread), ["–", "–", "–", "", "", "", ""]);
        let busy = Disk {
            read_per_second: Some(1024.0),
            write_per_second: Some(0.0),
            read_iops: Some(2.0),
            write_iops: Some(3.0),
            busy_ratio: Some(0.5),
            read_latency_seconds: Some(0.004),
            write_latency_seconds: Some(0.001),
            ..disk("sda")
        };
        assert_eq!(figures(&machine(vec![busy], vec![])), ["1.0K", "0", "5", "4.0 ms", "50%", "", ""]);
        let lossy = Interface {
            rx_per_second: Some(1024.0),
            tx_per_second: Some(2048.0),
            rx_packets_per_second: Some(10.0),
            tx_packets_per_second: Some(20.0),
            errors_per_second: Some(0.0),
            drops_per_second: Some(3.0),
            ..interface("eth0", None, None)
        };
        assert_eq!(figures(&machine(vec![], vec![lossy])), ["1.0K", "2.0K", "30", "", "", "0", "3"]);
        let half = Disk { read_iops: Some(2.0), write_latency_seconds: Some(0.002), ..disk("sda") };
        let half = figures(&machine(vec![half], vec![]));
        assert_eq!((half[2].as_str(), half[3].as_str()), ("–", "2.0 ms"), "half of a sum is none");
    }

    #[test]
    fn errors_and_busy_disks_have_the_colour_of_their_level() {
        let role = |state: &State, id| cell::<DevicesTable>(state, id, &DevicesTable::row(state, 0)).1;
        for (busy, wanted) in [(0.0, Role::Text), (0.94, Role::Text), (0.96, Role::Advice)] {
            let state = machine(vec![Disk { busy_ratio: Some(busy), ..disk("sda") }], vec![]);
            assert_eq!(role(&state, "busy"), Some(wanted), "{busy}");
        }
        for (errors, wanted) in [(0.0, Role::Faint), (0.5, Role::Text), (2.0, Role::Warn), (200.0, Role::Crit)] {
            let of = Interface { errors_per_second: Some(errors), ..interface("eth0", None, None) };
            assert_eq!(role(&machine(vec![], vec![of]), "errors"), Some(wanted), "{errors}");
        }
    }

    #[test]
    fn disks_come_first_then_interfaces_that_are_up_and_ports_last() {
        let port = |name| interface(name, Some("up"), Some("br0"));
        let own = vec![interface("eth0", Some("up"), None), interface("eth1", Some("down"), None)];
        let order = |state: &State| -> Vec<u32> {
            let order = column::<DevicesTable>("kind").order.expect("it has one");
            (0..DevicesTable::count(state)).map(|at| order(&DevicesTable::row(state, at))).collect()
        };
        let groups = |state: &State| -> Vec<bool> {
            (0..DevicesTable::count(state)).map(|at| DevicesTable::group(state, at).is_some()).collect()
        };
        let few = machine(vec![disk("sda")], [own.clone(), vec![port("v0"), port("v1")]].concat());
        assert_eq!((order(&few), groups(&few)), (vec![0, 1, 2, 1, 1], vec![false; 5]));
        let many = machine(vec![disk("sda")], [own, vec![port("v0"), port("v1"), port("v2")]].concat());
        assert_eq!(order(&many), [0, 1, 2, 3, 3, 3]);
        assert_eq!(groups(&many), [false, false, false, true, true, true]);
    }

    #[test]
    fn an_interface_shows_its_link_and_a_disk_its_model() {
        let words = |state: &State| cell::<DevicesTable>(state, "state", &DevicesTable::row(state, 0)).0;
        let mut plugged = interface("eth0", Some("up"), None);
        plugged.raw.speed_bits = Some(2_500_000_000);
        assert_eq!(words(&machine(vec![], vec![plugged])), "up 2.5 Gb/s");
        assert_eq!(words(&machine(vec![], vec![interface("tun0", None, None)])), "");
        let mut named = disk("sda");
        assert_eq!(words(&machine(vec![named.clone()], vec![])), "");
        named.raw.model = Some("WD Red".to_owned());
        assert_eq!(words(&machine(vec![named], vec![])), "WD Red");
    }

    #[test]
    fn a_disk_and_an_interface_of_one_name_are_two_devices() {
        let state = machine(vec![disk("x0")], vec![interface("x0", None, None)]);
        assert_ne!(DevicesTable::key(&state, 0), DevicesTable::key(&state, 1));
        let opens = |at| match DevicesTable::open(&state, at).pop() {
            Some(Effect::OpenDetail(subject)) => Some(subject),
            _ => None,
        };
        assert_eq!(opens(0), Some(Subject::Disk("x0".into())));
        assert_eq!(opens(1), Some(Subject::Interface("x0".into())));
        assert_eq!(DevicesTable::nothing(&state), "no disks, and no network interface is up");
        let hidden = Hidden { disks: vec!["x*".to_owned()], interfaces: vec!["y*".to_owned()] };
        let listed = |at| DevicesTable::lists(&DevicesTable::row(&state, at), &hidden);
        assert_eq!((listed(0), listed(1)), (false, true), "each by its own patterns");
    }
}
