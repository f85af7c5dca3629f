//! Block devices ("Documentation/admin-guide/iostats.rst", `/proc/diskstats`, `/sys/block`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    rate::{align, per_second},
    series::Series,
    span::Span,
};

/// One device's counters since boot. Sectors are 512 bytes whatever the device says; times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DiskCounters {
    /// Kernel name: `nvme0n1`.
    pub name: String,
    pub reads: u64,
    pub sectors_read: u64,
    pub read_ms: u64,
    pub writes: u64,
    pub sectors_written: u64,
    pub write_ms: u64,
    pub in_flight: u64,
    pub busy_ms: u64,
    pub queue_ms: u64,
    /// Capacity in bytes, where known.
    pub size_bytes: Option<u64>,
    /// Maker and model, cleaned, where known.
    pub model: Option<String>,
    /// True for a turning disk, where known.
    pub rotational: Option<bool>,
    /// Names below `/dev` that lead to it or to a part of it: `disk/by-id/ata-…`, `mapper/root`. Shared between readings.
    #[serde(default, skip_serializing_if = "no_links")]
    pub links: Arc<[String]>,
}

fn no_links(links: &Arc<[String]>) -> bool {
    links.is_empty()
}

/// One reading: whole devices with a size above 0, no partitions, in the order of `/proc/diskstats`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DiskSample {
    /// Devices.
    pub disks: Vec<DiskCounters>,
}

/// One device as shown; figures are `None` until two readings of it exist.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Disk {
    pub raw: DiskCounters,
    /// Bytes a second.
    pub read_per_second: Option<f64>,
    /// Bytes a second.
    pub write_per_second: Option<f64>,
    /// Requests finished a second.
    pub read_iops: Option<f64>,
    /// Requests finished a second.
    pub write_iops: Option<f64>,
    /// Share of time with a request in flight, 0 to 1.
    pub busy_ratio: Option<f64>,
    /// Mean seconds a read took; `None` when none finished.
    pub read_latency_seconds: Option<f64>,
    /// Mean seconds a write took; `None` when none finished.
    pub write_latency_seconds: Option<f64>,
    /// Mean requests in flight.
    pub queue: Option<f64>,
    /// Bytes a second.
    pub read_history: Series,
    /// Bytes a second.
    pub write_history: Series,
    /// Busy share.
    pub busy_history: Series,
}

impl Disk {
    /// Reads and writes together, bytes a second; `None` until known.
    #[must_use]
    pub fn bytes_per_second(&self) -> Option<f64> {
        Some(self.read_per_second? + self.write_per_second?)
    }
}

/// All devices.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Disks {
    /// Whole devices in kernel order; layered ones (dm, md) too.
    pub disks: Vec<Disk>,
    /// Bytes a second of the devices with no other below them.
    pub read_per_second: Option<f64>,
    /// Bytes a second of the devices with no other below them.
    pub write_per_second: Option<f64>,
    /// Bytes a second in all.
    pub read_history: Series,
    /// Bytes a second in all.
    pub write_history: Series,
}

impl Disk {
    /// True for a device that lies upon others, so its bytes are counted there already: device mapper, md, loop, zram,
    /// bcache, ZFS volumes, RAM disks.
    #[must_use]
    pub fn is_layer(&self) -> bool {
        let name = self.raw.name.as_str();
        ["dm-", "md", "loop", "zram", "bcache", "zd", "ram", "drbd"].iter().any(|kind| {
            name.strip_prefix(kind).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '_'))
        })
    }

    /// The same name, yet another device: another size or model.
    fn was_replaced(&self, now: &DiskCounters) -> bool {
        let other_size = self.raw.size_bytes.zip(now.size_bytes).is_some_and(|(before, now)| before != now);
        let other_model = self.raw.model.as_ref().zip(now.model.as_ref()).is_some_and(|(before, now)| before != now);
        other_size || other_model
    }

    fn apply(&mut self, span: Span, now: DiskCounters) {
        if self.was_replaced(&now) {
            *self = Disk::default();
        }
        let before = &self.raw;
        // Where one of them went backwards the device was reset and no pair of the others is valid.
        let whole = [
            (before.reads, now.reads),
            (before.writes, now.writes),
            (before.sectors_read, now.sectors_read),
            (before.sectors_written, now.sectors_written),
        ]
        .iter()
        .all(|(before, now)| before <= now);
        let since = span.since.filter(|_| whole && !before.name.is_empty());

        let bytes = |before, now| since.and_then(|s| per_second(before, now, s)).map(|sectors| sectors * 512.0);
        let rate = |before, now| since.and_then(|s| per_second(before, now, s));
        // Milliseconds spent, per finished request.
        let latency = |ms: (u64, u64), done: (u64, u64)| {
            since?;
            let (spent, done) = (ms.1.checked_sub(ms.0)?, done.1 - done.0);
            (done > 0).then(|| spent as f64 / done as f64 / 1000.0)
        };
        self.read_per_second = bytes(before.sectors_read, now.sectors_read);
        self.write_per_second = bytes(before.sectors_written, now.sectors_written);
        self.read_iops = rate(before.reads, now.reads);
        self.write_iops = rate(before.writes, now.writes);
        self.busy_ratio = rate(before.busy_ms, now.busy_ms).map(|ms| (ms / 1000.0).min(1.0));
        self.queue = rate(before.queue_ms, now.queue_ms).map(|ms| ms / 1000.0);
        self.read_latency_seconds = latency((before.read_ms, now.read_ms), (before.reads, now.reads));
        self.write_latency_seconds = latency((before.write_ms, now.write_ms), (before.writes, now.writes));
        self.read_history.push(span.at, span.every, self.read_per_second);
        self.write_history.push(span.at, span.every, self.write_per_second);
        self.busy_history.push(span.at, span.every, self.busy_ratio);
        self.raw = now;
    }
}

impl Disks {
    /// The disk with this kernel name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Disk> {
        self.disks.iter().find(|disk| disk.raw.name == name)
    }

    pub fn apply(&mut self, span: Span, sample: DiskSample) {
        align(&mut self.disks, &sample.disks, |disk, now| disk.raw.name == now.name, |_| Disk::default());
        for (disk, now) in self.disks.iter_mut().zip(sample.disks) {
            disk.apply(span, now);
        }
        let sum = |rate: fn(&Disk) -> Option<f64>| {
            self.disks.iter().filter(|d| !d.is_layer()).filter_map(rate).reduce(|a, b| a + b)
        };
        (self.read_per_second, self.write_per_second) = (sum(|d| d.read_per_second), sum(|d| d.write_per_second));
        self.read_history.push(span.at, span.every, self.read_per_second);
        self.write_history.push(span.at, span.every, self.write_per_second);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Stamp;

    fn disk(name: &str, ios: u64) -> DiskCounters {
        DiskCounters {
            name: name.to_owned(),
            reads: ios,
            sectors_read: ios * 8,
            read_ms: ios * 2,
            writes: ios,
            sectors_written: ios * 16,
            write_ms: ios * 4,
            busy_ms: ios,
            queue_ms: ios * 6,
            size_bytes: Some(1 << 40),
            ..DiskCounters::default()
        }
    }

    fn fold(disks: &mut Disks, second: u64, since: Option<u64>, sample: Vec<DiskCounters>) {
        let span = Span {
            at: Stamp::at_seconds(second),
            every: Duration::from_secs(1),
            since: since.map(Duration::from_secs),
        };
        disks.apply(span, DiskSample { disks: sample });
    }

    #[test]
    fn a_pair_of_readings_gives_every_figure() {
        let mut disks = Disks::default();
        fold(&mut disks, 1, None, vec![disk("sda", 1000)]);
        assert_eq!(disks.disks[0].bytes_per_second(), None);
        fold(&mut disks, 3, Some(2), vec![disk("sda", 1200)]);
        let d = &disks.disks[0];
        assert_eq!(
            (d.read_iops, d.read_per_second, d.write_per_second),
            (Some(100.0), Some(409_600.0), Some(819_200.0))
        );
        assert_eq!((d.read_latency_seconds, d.write_latency_seconds), (Some(0.002), Some(0.004)));
        assert_eq!((d.busy_ratio, d.queue), (Some(0.1), Some(0.6)));
        assert_eq!(d.bytes_per_second(), Some(1_228_800.0));
    }

    #[test]
    fn busy_is_at_most_all_of_the_time() {
        // The kernel accounts in ticks: more milliseconds than have passed do come.
        let mut disks = Disks::default();
        fold(&mut disks, 1, None, vec![disk("sda", 0)]);
        fold(&mut disks, 2, Some(1), vec![DiskCounters { busy_ms: 1004, ..disk("sda", 10) }]);
        assert_eq!(disks.disks[0].busy_ratio, Some(1.0));
    }

    #[test]
    fn no_finished_request_is_no_latency_and_zero_rates() {
        let mut disks = Disks::default();
        fold(&mut disks, 1, None, vec![disk("sda", 5)]);
        fold(&mut disks, 2, Some(1), vec![disk("sda", 5)]);
        let d = &disks.disks[0];
        assert_eq!((d.read_latency_seconds, d.read_per_second, d.busy_ratio), (None, Some(0.0), Some(0.0)));
    }

    #[test]
    fn a_device_that_began_anew_has_no_value_rather_than_a_spike() {
        let mut disks = Disks::default();
        fold(&mut disks, 1, None, vec![disk("sda", 1000)]);
        // Its reads restarted, its writes are by chance above those of before.
        fold(&mut disks, 2, Some(1), vec![DiskCounters { writes: 5000, ..disk("sda", 3) }]);
        let d = &disks.disks[0];
        assert_eq!((d.read_per_second, d.write_iops, d.busy_ratio, d.queue), (None, None, None, None));
        assert_eq!((disks.read_per_second, disks.read_history.back(0)), (None, None));
    }

    #[test]
    fn another_device_of_the_same_name_has_its_own_history() {
        let mut disks = Disks::default();
        fold(&mut disks, 1, None, vec![disk("sdb", 1)]);
        fold(&mut disks, 2, Some(1), vec![disk("sdb", 2)]);
        fold(&mut disks, 3, Some(1), vec![DiskCounters { size_bytes: Some(1 << 20), ..disk("sdb", 9000) }]);
        assert_eq!(disks.disks[0].read_per_second, None);
        assert_eq!(disks.disks[0].read_history.iter().flatten().count(), 0);
    }

    #[test]
    fn vanished_device_is_dropped_and_a_missed_round_starts_over() {
        let mut disks = Disks::default();
        fold(&mut disks, 1, None, vec![disk("sda", 1), disk("sdb", 1)]);
        fold(&mut disks, 2, Some(1), vec![disk("sdb", 2)]);
        assert_eq!(disks.disks.len(), 1);
        assert!(disks.disks[0].read_per_second.is_some());
        fold(&mut disks, 3, Some(1), vec![disk("sda", 900), disk("sdb", 3)]);
        assert_eq!(disks.disks[0].raw.name, "sda");
        assert_eq!(disks.disks[0].read_per_second, None);
    }

    #[test]
    fn a_wrapped_millisecond_counter_costs_its_own_figure_alone() {
        let mut disks = Disks::default();
        fold(&mut disks, 1, None, vec![DiskCounters { read_ms: u64::from(u32::MAX), ..disk("sda", 1) }]);
        fold(&mut disks, 2, Some(1), vec![disk("sda", 2)]);
        let d = &disks.disks[0];
        assert_eq!(d.read_latency_seconds, None);
        assert!(d.read_per_second.is_some() && d.write_latency_seconds.is_some());
    }

    #[test]
    fn bytes_through_layers_are_counted_once() {
        let mut disks = Disks::default();
        let names = ["sda", "dm-0", "md127", "loop3", "zram0", "zd16", "mdraidless"];
        fold(&mut disks, 1, None, names.iter().map(|n| disk(n, 0)).collect());
        fold(&mut disks, 2, Some(1), names.iter().map(|n| disk(n, 10)).collect());
        assert_eq!(disks.read_per_second, Some(2.0 * 10.0 * 8.0 * 512.0), "sda and mdraidless");
        assert_eq!(disks.disks.len(), names.len());
    }
}
