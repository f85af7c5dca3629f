//! Every figure has a name of its own: no metric appears twice with the same labels, on any recorded machine and on one
//! where as much as possible is there twice. Readers outside keep one value a name: of two they would lose one.

use std::{collections::BTreeSet, path::Path, time::Duration};

use super::{CollectCx, SOURCES, testing::open_cx};
use crate::{
    clock::Stamp,
    interest::Interest,
    model::{
        event::{Envelope, Event, Sample},
        host::Host,
        metrics::{METRICS, counters::COUNTERS},
        source::SourceId,
    },
    sys::root::Root,
};

/// Metrics that appear more than once with the same labels.
pub(super) fn repeated(host: &Host) -> Vec<String> {
    let (mut seen, mut twice) = (BTreeSet::new(), Vec::new());
    for metric in METRICS.iter().chain(COUNTERS) {
        (metric.read)(host, &mut |labels, _| {
            let name = format!("{}{labels:?}", metric.id);
            if !seen.insert(name.clone()) {
                twice.push(name);
            }
        });
    }
    twice
}

/// The reading of a source, as the lanes send it.
pub(super) fn reading(source: SourceId, second: u64, sample: Sample) -> Event {
    let (took, every) = (Duration::from_millis(1), Duration::from_secs(1));
    Event::Reading(Envelope { source, at: Stamp::at_seconds(second), took, every, outcome: Ok(sample) })
}

/// A machine after two readings of all sources.
fn read_twice(root: &Root) -> Host {
    let mut host = Host::default();
    let want = Interest::default();
    for source in SOURCES {
        let Ok(mut collector) = (source.open)(&open_cx(root.clone())) else { continue };
        for second in [1, 3] {
            if let Ok(sample) = collector.collect(&CollectCx::new(Stamp::at_seconds(second), &want)) {
                host.apply(reading(source.id, second, sample));
            }
        }
    }
    host
}

#[test]
fn every_recorded_machine_has_unique_figures() {
    let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hosts");
    let mut machines = 0;
    for entry in std::fs::read_dir(hosts).expect("fixtures").flatten() {
        assert_eq!(repeated(&read_twice(&Root::new(entry.path()))), Vec::<String>::new(), "{:?}", entry.file_name());
        machines += 1;
    }
    assert!(machines >= 4, "{machines} recorded machines");
}

#[test]
fn twins_have_unique_figures() {
    let folder = tempfile::tempdir().expect("folder");
    let put = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        std::fs::write(path, text).expect("file");
    };
    for (hwmon, milli) in [(0, "31000\n"), (1, "32000\n")] {
        for n in 1..=3 {
            put(&format!("sys/class/hwmon/hwmon{hwmon}/temp{n}_input"), milli);
            put(&format!("sys/class/hwmon/hwmon{hwmon}/temp{n}_label"), "SODIMM\n");
            put(&format!("sys/class/hwmon/hwmon{hwmon}/fan{n}_input"), "700\n");
            put(&format!("sys/class/hwmon/hwmon{hwmon}/fan{n}_label"), "Other Fan\n");
        }
        put(&format!("sys/class/hwmon/hwmon{hwmon}/name"), "acme_smm\n");
        let card = format!("sys/class/drm/card{hwmon}/device");
        put(&format!("{card}/vendor"), "0x1002\n");
        put(&format!("{card}/device"), "0x744c\n");
        put(&format!("{card}/uevent"), &format!("DRIVER=amdgpu\nPCI_SLOT_NAME=0000:0{}:00.0\n", hwmon + 3));
        put(&format!("{card}/gpu_busy_percent"), "50\n");
        put(&format!("sys/class/powercap/intel-rapl:{hwmon}/name"), "package-0\n");
        put(&format!("sys/class/powercap/intel-rapl:{hwmon}/energy_uj"), "5\n");
    }
    let counters = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16";
    put("proc/net/dev", &format!("head\nhead\n a\u{1}: {counters}\n a\u{2}: {counters}\n"));
    put(
        "proc/1/mountinfo",
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 22 8:2 / /srv rw - ext4 /dev/sdb1 rw\n24 23 8:3 / /srv rw - xfs /dev/sdc1 rw\n",
    );
    put("proc/stat", "cpu 9 0 9 9\ncpu0 1 0 1 1\ncpu0 2 0 2 2\n");
    let host = read_twice(&Root::new(folder.path()));
    assert_eq!(host.sensors.raw.temperatures.len(), 6);
    assert_eq!(host.gpus.rows.len(), 2);
    assert_eq!(repeated(&host), Vec::<String>::new());
}
