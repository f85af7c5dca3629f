//! Memory reserved in huge pages: meminfo reports the sum of all sizes, and what is free of the usual size alone; sysfs knows
//! each size ("hugetlbpage": `/sys/kernel/mm/hugepages/hugepages-SIZEkB`).

use crate::{
    model::memory::MemorySample,
    sys::{parse::number, reread::Reread, root::Root},
};

const FOLDER: &str = "sys/kernel/mm/hugepages";

/// The sizes of which pages are reserved, or may be.
#[derive(Default)]
pub(super) struct Pools(Vec<Pool>);

struct Pool {
    page_bytes: u64,
    total: Reread,
    free: Reread,
}

impl Pools {
    /// Those that the kernel has.
    pub(super) fn find(root: &Root) -> Self {
        let pool = |name: String| {
            let kib = name.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse::<u64>().ok()?;
            let file = |what: &str| Reread::new(root, format!("{FOLDER}/{name}/{what}"));
            let (total, free) = (file("nr_hugepages"), file("free_hugepages"));
            Some(Pool { page_bytes: kib.checked_mul(1024)?, total, free })
        };
        Pools(root.names(FOLDER).into_iter().filter_map(pool).collect())
    }

    /// Puts reserved and free bytes of all sizes into the sample. Where meminfo says that none are reserved nothing is read.
    pub(super) fn read(&mut self, sample: &mut MemorySample) {
        if sample.huge_total == 0 {
            return;
        }
        let bytes = |file: &mut Reread, page: u64| number(file.read().ok()?.trim_ascii())?.checked_mul(page);
        let (mut total, mut free) = (0u64, 0u64);
        for pool in &mut self.0 {
            let Some(reserved) = bytes(&mut pool.total, pool.page_bytes).filter(|bytes| *bytes > 0) else { continue };
            total = total.saturating_add(reserved);
            free = free.saturating_add(bytes(&mut pool.free, pool.page_bytes).unwrap_or(0).min(reserved));
        }
        if total > 0 {
            (sample.huge_total, sample.huge_free) = (total, free);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_every_size_are_counted() {
        let folder = tempfile::tempdir().expect("folder");
        for (size, total, free) in [("2048", "512", "500"), ("1048576", "6", "4"), ("64", "0", "0")] {
            let path = folder.path().join(FOLDER).join(format!("hugepages-{size}kB"));
            std::fs::create_dir_all(&path).expect("folder");
            std::fs::write(path.join("nr_hugepages"), total).expect("file");
            std::fs::write(path.join("free_hugepages"), free).expect("file");
        }
        let mut pools = Pools::find(&Root::new(folder.path()));
        let mut sample = MemorySample { huge_total: 7 << 30, ..MemorySample::default() };
        pools.read(&mut sample);
        assert_eq!((sample.huge_total, sample.huge_free), (7 << 30, (4 << 30) + (500 << 21)));
        let mut none = MemorySample::default();
        pools.read(&mut none);
        assert_eq!(none.huge_total, 0);
    }
}
