//! Block devices: counters from `/proc/diskstats` at each reading, what they are from `/sys/block`, now and then.

use std::{collections::BTreeMap, os::unix::ffi::OsStrExt, sync::Arc, time::Duration};

use super::{CollectCx, Collector, OpenCx};
use crate::{
    clock::Stamp,
    model::{
        disk::{DiskCounters, DiskSample},
        event::Sample,
        fault::Fault,
    },
    sys::{
        parse::{lines, number, words},
        reread::Reread,
        root::Root,
    },
    text::{clean, clean_bytes},
};

/// A medium may be put in, a loop be filled: what a device is, is asked again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// # Errors
/// None; the reading reports what is missing.
pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    Ok(Box::new(Disks {
        root: cx.root.clone(),
        diskstats: Reread::new(&cx.root, "proc/diskstats"),
        known: Vec::new(),
        looked: None,
    }))
}

struct Disks {
    root: Root,
    diskstats: Reread,
    /// The devices of the file, in its order.
    known: Vec<Known>,
    looked: Option<Stamp>,
}

/// One device and what it is; `None` for partitions and those that are not shown.
struct Known {
    name: Box<[u8]>,
    shown: Option<Device>,
}

struct Device {
    size_bytes: Option<u64>,
    model: Option<String>,
    rotational: Option<bool>,
    links: Arc<[String]>,
}

impl Collector for Disks {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        let stale = self.looked.is_none_or(|looked| cx.at.since(looked) >= LOOK_AGAIN);
        let (root, known) = (&self.root, &mut self.known);
        let mut looked = false;
        let disks = self.diskstats.figures("not one line of iostats.rst", |text| {
            if stale || !text_names(text).eq(known.iter().map(|k| &*k.name)) {
                *known = look(root, text);
                looked = true;
            }
            read(text, known)
        })?;
        if looked {
            self.looked = Some(cx.at);
        }
        Ok(Sample::Disks(DiskSample { disks }))
    }
}

/// The third word of each line.
fn text_names(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines(text).filter_map(|line| words(line).nth(2))
}

/// The devices that are shown; `None` when there are lines and none has the right form.
fn read(text: &[u8], known: &[Known]) -> Option<Vec<DiskCounters>> {
    let mut disks = Vec::with_capacity(known.iter().filter(|k| k.shown.is_some()).count());
    let mut good = text.trim_ascii().is_empty();
    for (line, known) in lines(text).filter(|line| words(line).nth(2).is_some()).zip(known) {
        let Some(counters) = counters(line) else { continue };
        good = true;
        let Some(device) = &known.shown else { continue };
        disks.push(DiskCounters {
            name: clean_bytes(&known.name),
            size_bytes: device.size_bytes,
            model: device.model.clone(),
            rotational: device.rotational,
            links: Arc::clone(&device.links),
            ..counters
        });
    }
    good.then_some(disks)
}

/// The first eleven figures after major, minor and name; the later ones (discards, flushes) are not shown.
fn counters(line: &[u8]) -> Option<DiskCounters> {
    let mut words = words(line).skip(3);
    let mut next = || words.next().and_then(number);
    let (reads, _merged, sectors_read, read_ms) = (next()?, next()?, next()?, next()?);
    let (writes, _merged, sectors_written, write_ms) = (next()?, next()?, next()?, next()?);
    let (in_flight, busy_ms, queue_ms) = (next()?, next()?, next()?);
    Some(DiskCounters {
        reads,
        sectors_read,
        read_ms,
        writes,
        sectors_written,
        write_ms,
        in_flight,
        busy_ms,
        queue_ms,
        ..DiskCounters::default()
    })
}

/// What each device of the file is.
fn look(root: &Root, text: &[u8]) -> Vec<Known> {
    let folder = root.path("sys/block").is_dir();
    let mut disks: Vec<Box<[u8]>> = Vec::new();
    let mut links = links(root);
    let mut known: Vec<Known> = lines(text)
        .filter_map(|line| Some((words(line).nth(2)?, line)))
        .map(|(name, line)| {
            let used = counters(line).is_some_and(|c| c.reads > 0 || c.writes > 0);
            let shown = if folder { device(root, name, used) } else { unknown(name, used, &mut disks) };
            Known { name: name.into(), shown }
        })
        .collect();
    // A part comes after its disk.
    let mut disk: Option<usize> = None;
    for at in 0..known.len() {
        disk = if known[at].shown.is_some() { Some(at) } else { disk };
        let Some(disk) = disk.filter(|disk| known[at].name.starts_with(&known[*disk].name)) else { continue };
        let Some(own) = links.remove(&known[at].name) else { continue };
        if let Some(device) = &mut known[disk].shown {
            device.links = device.links.iter().cloned().chain(own).collect();
        }
    }
    known
}

/// Links below `/dev` by the kernel's name of the device that they lead to: what udev gives names that stay, and the
/// volumes of the device mapper.
fn links(root: &Root) -> BTreeMap<Box<[u8]>, Vec<String>> {
    let mut links: BTreeMap<Box<[u8]>, Vec<String>> = BTreeMap::new();
    let kinds = root.names("dev/disk").into_iter().map(|kind| format!("disk/{kind}"));
    for folder in kinds.chain(["mapper".to_owned()]) {
        for name in root.names(format!("dev/{folder}")) {
            let Ok(target) = std::fs::read_link(root.path(format!("dev/{folder}/{name}"))) else { continue };
            let Some(device) = target.file_name() else { continue };
            links.entry(device.as_bytes().into()).or_default().push(clean(&format!("{folder}/{name}")).into_owned());
        }
    }
    links
}

/// What sysfs reports; `None` for what is no whole device, has no size, or shows another device's work under a second name.
fn device(root: &Root, name: &[u8], used: bool) -> Option<Device> {
    let name = std::str::from_utf8(name).ok()?.replace('/', "!"); // as sysfs writes "cciss/c0d0"
    let at = |file: &str| format!("sys/block/{name}/{file}");
    if name.starts_with('.') || !root.path(at("size")).exists() {
        return None;
    }
    let sectors: Option<u64> = root.number(at("size"));
    let flag = |file: &str| root.number::<u64>(at(file)).map(|n| n != 0);
    // Read-only loops are packages' images; hidden ones are paths of a multipath device.
    let image = name.starts_with("loop") && flag("ro") == Some(true);
    if sectors == Some(0) || image || flag("hidden") == Some(true) || (name.starts_with("ram") && !used) {
        return None;
    }
    let size_bytes = sectors.and_then(|s| s.checked_mul(512));
    // A hypervisor's disks all say that they turn.
    let rotational = if name.starts_with("vd") || name.starts_with("xvd") { None } else { flag("queue/rotational") };
    Some(Device { size_bytes, model: model(root, &name), rotational, links: Arc::default() })
}

/// Without sysfs: a partition is a name that continues an earlier one by digits.
fn unknown(name: &[u8], used: bool, disks: &mut Vec<Box<[u8]>>) -> Option<Device> {
    let partition = disks.iter().any(|disk| {
        name.strip_prefix(&**disk).is_some_and(|rest| {
            let digits = rest.strip_prefix(b"p").unwrap_or(rest);
            !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
        })
    });
    let empty = !used && [&b"loop"[..], b"ram", b"zram"].iter().any(|kind| name.starts_with(kind));
    if partition || empty {
        return None;
    }
    disks.push(name.into());
    Some(Device { size_bytes: None, model: None, rotational: None, links: Arc::default() })
}

/// Maker and model, the volume's name of a mapped device, the level of an array.
fn model(root: &Root, name: &str) -> Option<String> {
    let read = |file: &str| root.line(format!("sys/block/{name}/{file}"));
    if let Some(model) = read("device/model") {
        // "ATA" is the command set, not the maker.
        let vendor =
            read("device/vendor").filter(|v| v != "ATA" && !v.starts_with("0x") && !model.starts_with(v.as_str()));
        return Some(vendor.map_or(model.clone(), |vendor| format!("{vendor} {model}")));
    }
    read("dm/name").or_else(|| read("md/level")).or_else(|| read("device/name"))
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{open_cx, read_fixture, read_once},
        *,
    };
    use crate::interest::Interest;

    fn disks(sample: Result<Sample, Fault>) -> Vec<DiskCounters> {
        match sample {
            Ok(Sample::Disks(sample)) => sample.disks,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn links_to_a_disk_and_its_parts_are_kept_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let line = |name: &str| format!("8 0 {name} 1 0 8 1 1 0 8 1 0 1 1\n");
        write("proc/diskstats", &["sda", "sda1", "sdb", "dm-0"].map(line).concat());
        ["sda", "sdb", "dm-0"].iter().for_each(|name| write(&format!("sys/block/{name}/size"), "8"));
        for (link, target) in [
            ("disk/by-id/ata-X", "../../sda"),
            ("disk/by-id/ata-X-part1", "../../sda1"),
            ("disk/by-uuid/12-34", "../../sda1"),
            ("disk/by-id/ata-gone", "../../sdz"),
            ("mapper/root", "../dm-0"),
        ] {
            let path = folder.path().join("dev").join(link);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::os::unix::fs::symlink(target, path).unwrap();
        }
        let found = disks(read_once(open, Root::new(folder.path())));
        let links: Vec<(&str, &[String])> = found.iter().map(|disk| (disk.name.as_str(), &*disk.links)).collect();
        let sda = ["disk/by-id/ata-X", "disk/by-id/ata-X-part1", "disk/by-uuid/12-34"].map(str::to_owned);
        assert_eq!(links, [("sda", &sda[..]), ("sdb", &[]), ("dm-0", &["mapper/root".to_owned()][..])]);
    }

    #[test]
    fn only_whole_devices_with_a_size_are_shown() {
        let disks = disks(read_fixture(open, "homelab"));
        let names: Vec<&str> = disks.iter().map(|d| d.name.as_str()).collect();
        assert_eq!(names, ["nvme0n1", "dm-0", "sda", "sdb", "zram0"]);
    }

    #[test]
    fn counters_and_what_the_device_is() {
        let disks = disks(read_fixture(open, "homelab"));
        let expected = DiskCounters {
            name: "nvme0n1".into(),
            reads: 2_847_123,
            sectors_read: 182_345_678,
            read_ms: 512_340,
            writes: 9_123_456,
            sectors_written: 823_456_789,
            write_ms: 7_123_456,
            in_flight: 2,
            busy_ms: 4_012_345,
            queue_ms: 7_812_340,
            size_bytes: Some(1_000_204_886_016),
            model: Some("Samsung SSD 980 PRO 1TB".into()),
            rotational: Some(false),
            links: Arc::default(),
        };
        assert_eq!(disks[0], expected);
        assert_eq!(disks[1].model.as_deref(), Some("vg0-root"));
        assert_eq!((disks[2].model.as_deref(), disks[2].rotational), (Some("WDC WD80EFZX-68U"), Some(true)));
    }

    #[test]
    fn hostile_lines_are_left_out_and_names_cleaned() {
        let disks = disks(read_fixture(open, "hostile"));
        assert_eq!(disks.iter().map(|d| d.name.as_str()).collect::<Vec<_>>(), ["sdb", "sdd"]);
        assert_eq!((disks[0].size_bytes, disks[1].size_bytes), (None, None), "sizes that do not fit are unknown");
        assert_eq!(disks[1].model.as_deref(), Some("evil?]0;x? ?disk"));
    }

    #[test]
    fn a_guest_without_devices_has_an_empty_list_and_no_fault() {
        assert_eq!(disks(read_fixture(open, "lxc")), []);
    }

    #[test]
    fn a_device_that_appears_is_seen_at_the_next_reading() {
        let folder = tempfile::tempdir().expect("folder");
        let put = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, text).expect("file");
        };
        put("proc/diskstats", "8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n");
        put("sys/block/sda/size", "100\n");
        let mut source = open(&open_cx(Root::new(folder.path()))).expect("opens");
        let mut at = |second| {
            let want = Interest::default();
            let cx = CollectCx::new(Stamp::at_seconds(second), &want);
            disks(source.collect(&cx)).iter().map(|d| (d.name.clone(), d.size_bytes)).collect::<Vec<_>>()
        };
        assert_eq!(at(1), [("sda".into(), Some(51_200))]);
        put("sys/block/sdb/size", "2\n");
        put("proc/diskstats", "8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n8 16 sdb 1 2 3 4 5 6 7 8 9 10 11\n");
        assert_eq!(at(2).len(), 2);
        put("sys/block/sdb/size", "4\n");
        assert_eq!(at(3)[1].1, Some(1024), "sizes are kept for a while");
        assert_eq!(at(63)[1].1, Some(2048));
    }

    #[test]
    fn without_sysfs_partitions_are_known_by_their_names() {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::create_dir(folder.path().join("proc")).expect("folder");
        let text = ["sda", "sda1", "sdab", "nvme0n1", "nvme0n1p3", "loop0"]
            .map(|n| format!("8 0 {n} {} 0 0 0 0 0 0 0 0 0 0\n", u8::from(n != "loop0")))
            .concat();
        std::fs::write(folder.path().join("proc/diskstats"), text).expect("file");
        let disks = disks(read_once(open, Root::new(folder.path())));
        assert_eq!(disks.iter().map(|d| d.name.as_str()).collect::<Vec<_>>(), ["sda", "sdab", "nvme0n1"]);
    }

    #[test]
    fn this_machine_s_devices_have_sizes_above_zero() {
        let Ok(Sample::Disks(sample)) = read_once(open, Root::default()) else { return };
        assert!(sample.disks.iter().all(|d| d.size_bytes != Some(0)), "{sample:?}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text: Vec<u8>, tail in "( *[0-9]+ [0-9]+ [a-z.]{1,5}( [0-9]{1,25}){9,12}\n){0,4}") {
            let mut text = text;
            text.extend_from_slice(tail.as_bytes());
            let known = look(&Root::new("/nonexistent"), &text);
            let _ = read(&text, &known);
        }
    }

    #[test]
    fn what_is_no_disk_of_its_own_is_left_out() {
        let folder = tempfile::tempdir().expect("folder");
        let root = Root::new(folder.path());
        let put = |name: &str, files: &[(&str, &str)]| {
            for (file, text) in files {
                let path = folder.path().join(format!("sys/block/{name}/{file}"));
                std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
                std::fs::write(path, text).expect("file");
            }
        };
        put("sda", &[("size", "8\n"), ("queue/rotational", "1\n")]);
        put("sdb", &[("size", "8\n"), ("queue/rotational", "0\n"), ("hidden", "0\n"), ("ro", "1\n")]);
        put("vda", &[("size", "8\n"), ("queue/rotational", "1\n")]);
        put("xvda", &[("size", "8\n"), ("queue/rotational", "1\n")]);
        put("cciss!c0d0", &[("size", "8\n")]);
        put("ram0", &[("size", "8\n")]);
        put("loop0", &[("size", "8\n"), ("ro", "0\n")]);
        put("loop1", &[("size", "8\n"), ("ro", "1\n")]);
        put("sdc", &[("size", "0\n")]);
        put("nvme0c0n1", &[("size", "8\n"), ("hidden", "1\n")]);
        let of = |name: &str, used| device(&root, name.as_bytes(), used).map(|d| (d.size_bytes, d.rotational));
        let size = Some(8 * 512);
        assert_eq!((of("sda", false), of("sdb", false)), (Some((size, Some(true))), Some((size, Some(false)))));
        assert_eq!((of("vda", false), of("xvda", false)), (Some((size, None)), Some((size, None))));
        assert_eq!((of("cciss/c0d0", false), of("loop0", false)), (Some((size, None)), Some((size, None))));
        assert_eq!((of("ram0", true), of("ram0", false)), (Some((size, None)), None));
        for none in ["loop1", "sdc", "nvme0c0n1", "sda1", ".", ".."] {
            assert_eq!(of(none, true), None, "{none}");
        }
    }

    #[test]
    fn a_model_has_its_maker_once() {
        let folder = tempfile::tempdir().expect("folder");
        let root = Root::new(folder.path());
        let of = |files: &[(&str, &str)]| {
            let block = folder.path().join("sys/block/sda");
            let _ = std::fs::remove_dir_all(&block);
            for (file, text) in files {
                std::fs::create_dir_all(block.join(file).parent().expect("parent")).expect("folder");
                std::fs::write(block.join(file), text).expect("file");
            }
            model(&root, "sda")
        };
        let both = |vendor: &str, model: &str| of(&[("device/vendor", vendor), ("device/model", model)]);
        for (vendor, model, whole) in [
            ("ATA", "WDC WD40EFRX", "WDC WD40EFRX"),
            ("SEAGATE", "ST4000", "SEAGATE ST4000"),
            ("Samsung", "Samsung SSD 990", "Samsung SSD 990"),
            ("0x1af4", "disk", "disk"),
        ] {
            assert_eq!(both(vendor, model).as_deref(), Some(whole));
        }
        assert_eq!(of(&[("dm/name", "vg-home"), ("md/level", "raid1")]).as_deref(), Some("vg-home"));
        assert_eq!(of(&[("md/level", "raid1"), ("device/name", "x")]).as_deref(), Some("raid1"));
        assert_eq!((of(&[("device/name", "SD64G")]).as_deref(), of(&[])), (Some("SD64G"), None));
    }

    #[test]
    fn without_sysfs_a_partition_is_known_by_its_name() {
        let mut disks = Vec::new();
        let mut is_disk = |name: &str, used| unknown(name.as_bytes(), used, &mut disks).is_some();
        for (name, used, expected) in [
            ("sda", false, true),
            ("sda1", true, false),
            ("sdaa", true, true),
            ("nvme0n1", true, true),
            ("nvme0n1p2", true, false),
            ("nvme0n1p", true, true),
            ("loop0", false, false),
            ("loop1", true, true),
            ("ram0", false, false),
            ("zram0", false, false),
        ] {
            assert_eq!(is_disk(name, used), expected, "{name}");
        }
    }

    #[test]
    fn a_device_was_used_that_read_or_wrote() {
        let shown = |line: &str| look(&Root::new("/nowhere"), line.as_bytes()).pop().is_some_and(|k| k.shown.is_some());
        assert!(
            shown("   1       0 ram0 5 0 40 0 0 0 0 0 0 0 0\n") && shown("   1       0 ram0 0 0 0 0 5 0 40 0 0 0 0\n")
        );
        assert!(!shown("   1       0 ram0 0 0 0 0 0 0 0 0 0 0 0\n"));
    }
}
