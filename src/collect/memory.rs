//! Memory: `/proc/meminfo` at each reading; swap's traffic only where there is swap; OpenZFS's cache and zram where
//! they exist.

mod arc;
mod huge;

use std::time::Duration;

use super::{CollectCx, Collector, OpenCx, inside};
use crate::{
    clock::Stamp,
    model::{
        event::Sample,
        fault::Fault,
        memory::{MemorySample, ZramSample},
    },
    sys::{
        parse::{lines, number, value_of, words},
        reread::Reread,
        root::Root,
    },
};

/// A module may be loaded and a device be made while we run.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// # Errors
/// None; the reading reports what is missing.
pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    Ok(Box::new(Memory {
        root: cx.root.clone(),
        meminfo: Reread::new(&cx.root, "proc/meminfo"),
        vmstat: Reread::new(&cx.root, "proc/vmstat"),
        arcstats: None,
        dirty_max: None,
        zram: Vec::new(),
        huge: huge::Pools::default(),
        of_guest: false,
        looked: None,
    }))
}

struct Memory {
    root: Root,
    meminfo: Reread,
    vmstat: Reread,
    arcstats: Option<Reread>,
    /// `zfs_dirty_data_max`; the owner may set it at any time.
    dirty_max: Option<u64>,
    zram: Vec<Reread>,
    huge: huge::Pools,
    /// meminfo reports a container's memory; all other files are the host's.
    of_guest: bool,
    looked: Option<Stamp>,
}

impl Collector for Memory {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        self.look(cx.at);
        let mut sample = self.meminfo.figures("no MemTotal and MemFree in kB", parse)?;
        if self.of_guest {
            return Ok(Sample::Memory(Box::new(sample)));
        }
        if sample.swap_total > 0
            && let Ok(text) = self.vmstat.read()
        {
            sample.swapped_in_pages = value_of(text, b"pswpin").and_then(number);
            sample.swapped_out_pages = value_of(text, b"pswpout").and_then(number);
        }
        sample.arc = self.arcstats.as_mut().and_then(|file| arc::parse(file.read().ok()?));
        // An ARC larger than this memory lies in another, whatever made meminfo smaller. Its maximum proves nothing: a
        // balloon takes memory away after the maximum was set.
        sample.arc = sample.arc.filter(|arc| arc.size <= sample.total);
        if let Some(arc) = &mut sample.arc {
            arc.dirty_max = self.dirty_max;
        }
        sample.zram = self.zram();
        self.huge.read(&mut sample);
        Ok(Sample::Memory(Box::new(sample)))
    }
}

impl Memory {
    fn look(&mut self, at: Stamp) {
        if self.looked.is_some_and(|looked| at.since(looked) < LOOK_AGAIN) {
            return;
        }
        self.looked = Some(at);
        self.of_guest = inside::is_of_guest(&self.root, "/proc/meminfo");
        self.huge = huge::Pools::find(&self.root);
        let arcstats = Reread::new(&self.root, "proc/spl/kstat/zfs/arcstats");
        if !arcstats.path().exists() {
            self.arcstats = None;
        } else if self.arcstats.is_none() {
            self.arcstats = Some(arcstats);
        }
        self.dirty_max = self.root.number("sys/module/zfs/parameters/zfs_dirty_data_max");
        let names = self.root.names("sys/block");
        self.zram = names
            .iter()
            .filter(|n| n.starts_with("zram") && self.root.number::<u64>(format!("sys/block/{n}/disksize")) != Some(0))
            .map(|n| Reread::new(&self.root, format!("sys/block/{n}/mm_stat")))
            .collect();
    }

    /// All devices together; `None` when no device answers.
    fn zram(&mut self) -> Option<ZramSample> {
        let mut sum: Option<ZramSample> = None;
        for file in &mut self.zram {
            let Some([original, compressed, memory_used]) = file.read().ok().and_then(three) else { continue };
            let sum = sum.get_or_insert_default();
            sum.original = sum.original.saturating_add(original);
            sum.compressed = sum.compressed.saturating_add(compressed);
            sum.memory_used = sum.memory_used.saturating_add(memory_used);
        }
        sum
    }
}

fn three(text: &[u8]) -> Option<[u64; 3]> {
    let mut words = words(text).map(number);
    Some([words.next()??, words.next()??, words.next()??])
}

/// `/proc/meminfo`; a line that is no good counts as missing. `None` without total or free.
fn parse(text: &[u8]) -> Option<MemorySample> {
    let mut s = MemorySample::default();
    let (mut total, mut free, mut available) = (None, None, None);
    let (mut huge_pages, mut huge_free, mut huge_size, mut huge_all) = (0, 0, 0, 0);
    for line in lines(text) {
        let mut words = words(line);
        let (Some(key), Some(value)) = (words.next(), words.next().and_then(number)) else { continue };
        let kib = if words.next() == Some(b"kB") { value.checked_mul(1024) } else { Some(value) };
        let Some(value) = kib else { continue };
        let field = match key {
            b"MemTotal:" => total.insert(value),
            b"MemFree:" => free.insert(value),
            b"MemAvailable:" => available.insert(value),
            b"Buffers:" => &mut s.buffers,
            b"Cached:" => &mut s.cached,
            b"SwapCached:" => s.swap_cached.insert(value),
            b"SwapTotal:" => &mut s.swap_total,
            b"SwapFree:" => &mut s.swap_free,
            b"Dirty:" => s.dirty.insert(value),
            b"Writeback:" => s.writeback.insert(value),
            b"AnonPages:" => s.anonymous.insert(value),
            b"Mapped:" => s.mapped.insert(value),
            b"Shmem:" => &mut s.shmem,
            b"Slab:" => s.slab.insert(value),
            b"SReclaimable:" => &mut s.slab_reclaimable,
            b"KernelStack:" => s.kernel_stack.insert(value),
            b"PageTables:" => s.page_tables.insert(value),
            b"CommitLimit:" => s.commit_limit.insert(value),
            b"Committed_AS:" => s.committed.insert(value),
            b"AnonHugePages:" => s.anonymous_huge.insert(value),
            b"HugePages_Total:" => &mut huge_pages,
            b"HugePages_Free:" => &mut huge_free,
            b"Hugepagesize:" => &mut huge_size,
            b"Hugetlb:" => &mut huge_all,
            _ => continue,
        };
        *field = value;
    }
    (s.total, s.free) = (total?, free?);
    // Kernels before 3.14 have no MemAvailable: an estimate of what they would give back, roughly as later ones make it.
    s.available = available.unwrap_or_else(|| {
        let kept = s.cached.saturating_sub(s.shmem).saturating_add(s.buffers).saturating_add(s.slab_reclaimable);
        s.free.saturating_add(kept).min(s.total)
    });
    // The file counts pages of the usual size alone; the sample is in bytes of all sizes.
    s.huge_total = huge_size.saturating_mul(huge_pages).max(huge_all);
    s.huge_free = huge_size.saturating_mul(huge_free);
    Some(s)
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{read_fixture, read_once},
        *,
    };

    fn read(host: &str) -> MemorySample {
        match read_fixture(open, host) {
            Ok(Sample::Memory(sample)) => *sample,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn everything_is_in_bytes() {
        let sample = read("homelab");
        assert_eq!((sample.total, sample.available), (65_759_648 << 10, 21_503_272 << 10));
        assert_eq!((sample.swap_total, sample.swap_free), (8_388_604 << 10, 7_340_028 << 10));
        assert_eq!((sample.huge_total, sample.huge_free), (1 << 30, 500 << 21));
        assert_eq!((sample.swapped_in_pages, sample.swapped_out_pages), (Some(40_960), Some(327_680)));
    }

    #[test]
    fn arc_and_zram_are_not_programs() {
        let sample = read("homelab");
        let arc = sample.arc.expect("arcstats");
        assert_eq!(
            (arc.size, arc.target, arc.min, arc.max),
            (16_642_998_272, 17_179_869_184, 2_104_308_736, 33_668_939_776)
        );
        assert_eq!((arc.hits, arc.misses), (918_273_645 + 1_234_567, 12_345_678));
        let zram = ZramSample { original: 1 << 30, compressed: 1 << 28, memory_used: 285_212_672 };
        assert_eq!(sample.zram, Some(zram));
        let plain = read("lxc");
        assert_eq!((plain.arc, plain.zram), (None, None));
    }

    /// A machine of 8 GiB with an ARC of so many of at most 12 GiB, and this mount beside the usual ones.
    fn machine(gib: u64, mount: &str) -> MemorySample {
        let folder = tempfile::tempdir().expect("folder");
        let put = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, text).expect("file");
        };
        put(
            "proc/meminfo",
            "MemTotal: 8388608 kB\nMemFree: 1048576 kB\nMemAvailable: 6291456 kB\nSwapTotal: 1024 kB\n",
        );
        put("proc/vmstat", "pswpin 5\npswpout 6\n");
        put("proc/spl/kstat/zfs/arcstats", &format!("size 4 {}\nc_max 4 {}\n", gib << 30, 12u64 << 30));
        put("sys/block/zram0/disksize", "100\n");
        put("sys/block/zram0/mm_stat", "1 2 3\n");
        put(
            "proc/1/mountinfo",
            &format!("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 22 0:21 / /proc rw - proc proc rw\n{mount}"),
        );
        match read_once(open, Root::new(folder.path())) {
            Ok(Sample::Memory(sample)) => *sample,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_host_s_cache_is_not_of_a_guest_s_memory() {
        let host = machine(4, "");
        assert!(host.arc.is_some() && host.zram.is_some());
        assert_eq!(host.swapped_in_pages, Some(5));
        let lxcfs = "24 23 0:61 /proc/meminfo /proc/meminfo rw - fuse.lxcfs lxcfs rw,allow_other\n";
        let guest = machine(4, lxcfs);
        assert_eq!((guest.arc, guest.zram, guest.swapped_in_pages), (None, None, None));
        assert_eq!((guest.total, guest.available), (8 << 30, 6 << 30), "meminfo is its own");
        let other = "24 23 0:61 /proc/stat /proc/stat rw - fuse.lxcfs lxcfs rw\n";
        assert!(machine(4, other).arc.is_some(), "meminfo is the host's");
        assert_eq!(machine(9, "").arc, None, "an ARC larger than this memory lies in another");
    }

    #[test]
    fn available_of_an_old_kernel_is_computed() {
        let sample = read("bare");
        assert_eq!(sample.available, (402_344 + 20_480 + 301_232 - 4000 + 30_000) << 10);
        assert_eq!(sample.swap_total, 0);
    }

    #[test]
    fn a_total_that_does_not_fit_is_broken_and_names_the_file() {
        let fault = read_fixture(open, "hostile").expect_err("nonsense");
        assert!(matches!(&fault, Fault::Broken(what) if what.contains("hostile/proc/meminfo")), "{fault:?}");
    }

    #[test]
    fn this_machine_has_memory() {
        let Ok(Sample::Memory(sample)) = read_once(open, Root::default()) else { panic!("no sample") };
        assert!(sample.total > 0 && sample.available > 0 && sample.available <= sample.total);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(text: Vec<u8>, tail in "((Mem|Huge|Swap)[A-Za-z_]*: *[0-9]* (kB)?\n)*") {
            let mut text = text;
            text.extend_from_slice(tail.as_bytes());
            let _ = (parse(&text), arc::parse(&text), three(&text));
        }
    }
}
