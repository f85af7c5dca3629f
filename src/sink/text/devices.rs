//! Disks, filesystems, networks, sensors, cards and pools, a line each.

use super::line::{counted, or_absent, row};
use crate::{
    model::{fault::Fault, gpu::CardState, network::Interface, pool::scan_words},
    state::State,
    units::{self, ABSENT},
};

pub(super) fn devices(state: &State, page: &mut String) {
    let host = &state.host;
    let rate = |v: Option<f64>| or_absent(v, |v| format!("{}/s", units::bytes_long(v)));
    for disk in &host.disks.disks {
        let mut words = vec![
            disk.raw.name.clone(),
            format!("read {}", rate(disk.read_per_second)),
            format!("write {}", rate(disk.write_per_second)),
            format!("busy {}", or_absent(disk.busy_ratio, units::percent)),
        ];
        // A disk that did nothing has no latency.
        words.extend(disk.read_latency_seconds.map(|s| format!("read latency {}", units::latency(s))));
        words.extend(disk.write_latency_seconds.map(|s| format!("write latency {}", units::latency(s))));
        words.extend(disk.raw.model.clone());
        row(page, "disk", words.join(" · "));
    }
    for fs in &host.filesystems.filesystems {
        let space = match &fs.space {
            Ok(space) => format!(
                "{} used of {}",
                or_absent(space.used_ratio(), units::percent),
                units::bytes_long(space.size as f64)
            ),
            Err(fault) => match fault {
                Fault::Timeout => "does not answer".to_owned(),
                Fault::Absent(what) | Fault::Broken(what) => what.clone(),
                Fault::Denied { what, .. } => what.clone(),
            },
        };
        let read_only = if fs.read_only { " · read-only" } else { "" };
        row(page, "filesystem", format!("{} · {space} · {} on {}{read_only}", fs.mount, fs.kind, fs.device));
    }
    let (ports, own): (Vec<_>, Vec<_>) = host.network.interfaces.iter().partition(|i| i.raw.is_port());
    let (down, own): (Vec<_>, Vec<_>) = own.into_iter().partition(|i| i.raw.state.as_deref() == Some("down"));
    for interface in own {
        let raw = &interface.raw;
        let speed =
            raw.speed_bits.map_or_else(String::new, |bits| format!(" · {}", units::bits_per_second(bits as f64)));
        row(
            page,
            "network",
            format!(
                "{} · receive {} · transmit {} · {}{speed}",
                raw.name,
                rate(interface.rx_per_second),
                rate(interface.tx_per_second),
                raw.state.as_deref().unwrap_or(ABSENT)
            ),
        );
    }
    if !down.is_empty() {
        let names: Vec<&str> = down.iter().map(|i| i.raw.name.as_str()).collect();
        row(page, "network", format!("down: {}", names.join(", ")));
    }
    if !ports.is_empty() {
        let sum = |of: fn(&Interface) -> Option<f64>| rate(ports.iter().filter_map(|i| of(i)).reduce(|a, b| a + b));
        let (received, sent) = (sum(|i| i.rx_per_second), sum(|i| i.tx_per_second));
        let ports = counted(ports.len() as u64, "bridge port");
        let text = format!("{ports} · receive {received} · transmit {sent}");
        row(page, "network", text);
    }
    for t in &host.sensors.raw.temperatures {
        row(page, "temperature", format!("{} · {:.0} °C", t.sensor, t.celsius));
    }
    for fan in &host.sensors.raw.fans {
        row(page, "fan", format!("{} · {:.0} rpm", fan.sensor, fan.rpm));
    }
}

pub(super) fn gpus(state: &State, page: &mut String) {
    for gpu in &state.host.gpus.rows {
        let words = match &gpu.raw.state {
            CardState::Lost(why) => format!("lost: {why}"),
            CardState::Asleep => "asleep".to_owned(),
            CardState::Unreadable(why) => why.clone(),
            CardState::Up => format!(
                "{} busy · memory {} used · {} · {}",
                or_absent(gpu.busy, units::percent),
                or_absent(gpu.raw.memory_ratio(), units::percent),
                or_absent(gpu.raw.temperature, |c| format!("{c:.0} °C")),
                or_absent(gpu.power, |w| format!("{w:.0} W")),
            ),
        };
        row(page, "gpu", format!("{} · {words}", gpu.raw.label()));
    }
}

pub(super) fn pools(state: &State, page: &mut String) {
    for pool in &state.host.pools.rows {
        let cause = pool.cause().map_or_else(String::new, |cause| format!(" ({cause})"));
        let scan = pool.reported.as_ref().and_then(|known| known.scan.as_ref());
        let scan = scan_words(scan, state.host.now);
        let free = pool.reported.as_ref().and_then(|known| known.free).map(|free| free as f64);
        if !state.host.pools.raw.pools.is_settled() {
            row(page, "pool", format!("{} · {} · zpool has not answered yet", pool.name, pool.state_words()));
            continue;
        }
        row(
            page,
            "pool",
            format!(
                "{} · {}{cause} · {} used · {} free · {scan}",
                pool.name,
                pool.state_words(),
                or_absent(pool.used_ratio(), units::percent),
                or_absent(free, units::bytes_long),
            ),
        );
    }
}
