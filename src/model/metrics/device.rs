//! Metrics of sensors, disks, filesystems and network interfaces.

use super::{
    Unit::{Bytes, BytesPerSecond, Celsius, Count, PerSecond, Ratio, Seconds},
    def::{MetricDef, Put, gauge},
};
use crate::model::{
    disk::Disk,
    fault::Fault,
    filesystem::{Filesystem, Space},
    host::Host,
    network::Interface,
    sensor::SensorKind,
    source::SourceId::{Disks, Filesystems, Network, Sensors},
};

const DEVICE: &[&str] = &["device"];
const INTERFACE: &[&str] = &["interface"];
const MOUNT: &[&str] = &["mount"];
const SENSOR: &[&str] = &["sensor"];

/// Its rows of TABLE METRICS.
#[rustfmt::skip] // a table: one metric a paragraph of two or three lines
pub(super) const ROWS: &[MetricDef] = &[
    gauge("temperature_celsius", Celsius, Sensors, SENSOR, "Temperature of one sensor.",
        |h, put| for t in &h.sensors.raw.temperatures { put(&[&t.sensor], t.celsius) }),
    gauge("disk_temperature_celsius", Celsius, Sensors, SENSOR, "Temperature of one disk's sensor.",
        |h, put| for t in h.sensors.raw.temperatures.iter().filter(|t| t.kind == SensorKind::Disk) {
            put(&[&t.sensor], t.celsius);
        }),
    gauge("fan_rpm", Count, Sensors, SENSOR, "Speed of one fan in revolutions per minute.",
        |h, put| for fan in &h.sensors.raw.fans { put(&[&fan.sensor], fan.rpm) }),

    gauge("disk_read_bytes_per_second", BytesPerSecond, Disks, DEVICE, "Bytes a second read.", |h, put| disks(h, put, |d| d.read_per_second)),
    gauge("disk_write_bytes_per_second", BytesPerSecond, Disks, DEVICE, "Bytes a second written.", |h, put| disks(h, put, |d| d.write_per_second)),
    gauge("disk_reads_per_second", PerSecond, Disks, DEVICE, "Reads finished a second.", |h, put| disks(h, put, |d| d.read_iops)),
    gauge("disk_writes_per_second", PerSecond, Disks, DEVICE, "Writes finished a second.", |h, put| disks(h, put, |d| d.write_iops)),
    gauge("disk_busy_ratio", Ratio, Disks, DEVICE, "Share of time with a request in flight.", |h, put| disks(h, put, |d| d.busy_ratio)),
    gauge("disk_read_latency_seconds", Seconds, Disks, DEVICE, "Mean time that a read took.", |h, put| disks(h, put, |d| d.read_latency_seconds)),
    gauge("disk_write_latency_seconds", Seconds, Disks, DEVICE, "Mean time that a write took.", |h, put| disks(h, put, |d| d.write_latency_seconds)),
    gauge("disk_queue", Count, Disks, DEVICE, "Mean requests in flight.", |h, put| disks(h, put, |d| d.queue)),

    gauge("filesystem_size_bytes", Bytes, Filesystems, MOUNT, "Size of the filesystem.", |h, put| mounts(h, put, |s| Some(s.size as f64))),
    gauge("filesystem_available_bytes", Bytes, Filesystems, MOUNT, "Space available to users other than root.",
        |h, put| mounts(h, put, |s| Some(s.available as f64))),
    gauge("filesystem_used_ratio", Ratio, Filesystems, MOUNT, "Used share of the space for ordinary users, as in df; absent when read-only.",
        |h, put| filling(h, put, Space::used_ratio)),
    gauge("filesystem_inodes_used_ratio", Ratio, Filesystems, MOUNT, "Used share of the inodes; absent when read-only.",
        |h, put| filling(h, put, Space::inodes_ratio)),
    gauge("filesystem_up", Count, Filesystems, MOUNT, "1 when the mount answers, 0 when it does not.",
        |h, put| for f in &h.filesystems.filesystems {
            match f.space {
                Ok(_) => put(&[&f.mount], 1.0),
                Err(Fault::Timeout | Fault::Broken(_)) => put(&[&f.mount], 0.0),
                Err(Fault::Absent(_) | Fault::Denied { .. }) => {}
            }
        }),

    gauge("network_receive_bytes_per_second", BytesPerSecond, Network, INTERFACE, "Bytes a second received.",
        |h, put| interfaces(h, put, |i| i.rx_per_second)),
    gauge("network_transmit_bytes_per_second", BytesPerSecond, Network, INTERFACE, "Bytes a second sent.",
        |h, put| interfaces(h, put, |i| i.tx_per_second)),
    gauge("network_receive_packets_per_second", PerSecond, Network, INTERFACE, "Packets a second received.",
        |h, put| interfaces(h, put, |i| i.rx_packets_per_second)),
    gauge("network_transmit_packets_per_second", PerSecond, Network, INTERFACE, "Packets a second sent.",
        |h, put| interfaces(h, put, |i| i.tx_packets_per_second)),
    gauge("network_errors_per_second", PerSecond, Network, INTERFACE, "Errors of both directions a second.",
        |h, put| interfaces(h, put, |i| i.errors_per_second)),
    gauge("network_drops_per_second", PerSecond, Network, INTERFACE, "Packets of both directions dropped a second.",
        |h, put| interfaces(h, put, |i| i.drops_per_second)),
];

fn disks(host: &Host, put: Put<'_>, figure: fn(&Disk) -> Option<f64>) {
    for disk in &host.disks.disks {
        if let Some(value) = figure(disk) {
            put(&[&disk.raw.name], value);
        }
    }
}

fn interfaces(host: &Host, put: Put<'_>, figure: fn(&Interface) -> Option<f64>) {
    for interface in &host.network.interfaces {
        if let Some(value) = figure(interface) {
            put(&[&interface.raw.name], value);
        }
    }
}

fn mounts(host: &Host, put: Put<'_>, figure: fn(&Space) -> Option<f64>) {
    for Filesystem { mount, space, .. } in &host.filesystems.filesystems {
        if let Some(value) = space.as_ref().ok().and_then(figure) {
            put(&[mount], value);
        }
    }
}

/// How full those are that can be written: what is read-only does not fill up.
fn filling(host: &Host, put: Put<'_>, figure: fn(&Space) -> Option<f64>) {
    for filesystem in host.filesystems.filesystems.iter().filter(|f| !f.read_only) {
        if let Some(value) = filesystem.space.as_ref().ok().and_then(figure) {
            put(&[&filesystem.mount], value);
        }
    }
}
