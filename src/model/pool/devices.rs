//! The devices of a pool as figures know them: each once, each by a name of its own, and those that are not available in
//! words.

use super::{
    Pool, PoolRow,
    vdev::{Class, Vdev},
};

impl Pool {
    /// All devices and groups, each once: a hot spare in use is listed twice in `zpool status`, below the device that it
    /// replaces and among the spares. Where it works is where it counts.
    pub fn devices(&self) -> impl Iterator<Item = &Vdev> {
        let works = |spare: &Vdev| self.vdevs.iter().any(|v| v.class != Class::Spare && v.name == spare.name);
        self.vdevs.iter().filter(move |v| v.class != Class::Spare || !works(v))
    }

    /// The devices without the groups that they are in, each once.
    pub fn leaves(&self) -> impl Iterator<Item = &Vdev> {
        self.devices().filter(|v| v.leaf)
    }

    /// Devices that are not available: removed, offline, faulted.
    pub fn missing(&self) -> impl Iterator<Item = &Vdev> {
        self.leaves().filter(|v| !v.is_well())
    }
}

impl PoolRow {
    /// The devices that are not available, in words: `sdd offline, log sde unavail`; `None` when all are well or nothing
    /// is known.
    #[must_use]
    pub fn cause(&self) -> Option<String> {
        let words = |v: &Vdev| {
            let class = match v.class {
                Class::Normal => String::new(),
                class => format!("{} ", class.word()),
            };
            format!("{class}{} {}", v.short_name(), v.state.to_lowercase())
        };
        let mut bad: Vec<String> = self.reported.as_ref()?.missing().map(words).collect();
        let more = bad.len().saturating_sub(3);
        bad.truncate(3);
        if more > 0 {
            bad.push(format!("{more} more"));
        }
        (!bad.is_empty()).then(|| bad.join(", "))
    }

    /// Files or blocks that are lost for good, where that is known.
    #[must_use]
    pub fn data_errors(&self) -> Option<u64> {
        self.reported.as_ref()?.data_errors
    }

    /// Its state in a word or two: `online`, `online, 3 permanent data errors`.
    #[must_use]
    pub fn state_words(&self) -> String {
        let state = self.state.to_lowercase();
        match self.data_errors() {
            None | Some(0) => state,
            Some(1) => format!("{state}, 1 permanent data error"),
            Some(n) => format!("{state}, {n} permanent data errors"),
        }
    }
}

/// Gives groups inside other groups the name of those too: `spare-0` is counted separately in each, and is there twice when two
/// mirrors have a spare in use.
pub fn name_groups(vdevs: &mut [Vdev]) {
    let mut above: Vec<String> = Vec::new();
    for vdev in vdevs {
        above.truncate(usize::from(vdev.depth));
        if vdev.leaf {
            continue;
        }
        if let Some(parent) = above.last().filter(|_| !vdev.name.contains('/')) {
            vdev.name = format!("{parent}/{}", vdev.name);
        }
        above.push(vdev.name.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vdev(depth: u8, class: Class, name: &str, state: &str) -> Vdev {
        let leaf = name.starts_with('/');
        Vdev { name: name.into(), state: state.into(), depth, class, leaf, ..Vdev::default() }
    }

    #[test]
    fn a_spare_at_work_counts_once() {
        let (normal, spare) = (Class::Normal, Class::Spare);
        let mut vdevs = vec![
            vdev(0, normal, "mirror-0", "DEGRADED"),
            vdev(1, normal, "spare-0", "DEGRADED"),
            vdev(2, normal, "/dev/sda1", "UNAVAIL"),
            vdev(2, normal, "/dev/sdx1", "ONLINE"),
            vdev(1, normal, "/dev/sdb1", "ONLINE"),
            vdev(0, normal, "mirror-1", "DEGRADED"),
            vdev(1, normal, "spare-0", "DEGRADED"),
            vdev(2, normal, "/dev/sdc1", "ONLINE"),
            vdev(0, spare, "/dev/sdx1", "INUSE"),
            vdev(0, spare, "/dev/sdy1", "UNAVAIL"),
        ];
        name_groups(&mut vdevs);
        let pool = Pool { vdevs, ..Pool::default() };
        let names: Vec<&str> = pool.devices().map(|v| v.name.as_str()).collect();
        let expected = [
            "mirror-0",
            "mirror-0/spare-0",
            "/dev/sda1",
            "/dev/sdx1",
            "/dev/sdb1",
            "mirror-1",
            "mirror-1/spare-0",
            "/dev/sdc1",
            "/dev/sdy1",
        ];
        assert_eq!(names, expected);
        let row = PoolRow { reported: Some(pool), ..PoolRow::default() };
        assert_eq!(row.cause().as_deref(), Some("sda1 unavail, spare sdy1 unavail"));
    }

    #[test]
    fn lost_files_are_part_of_the_state() {
        let with = |data_errors| {
            let reported = Some(Pool { data_errors, ..Pool::default() });
            PoolRow { state: "ONLINE".into(), reported, ..PoolRow::default() }.state_words()
        };
        assert_eq!((with(None).as_str(), with(Some(0)).as_str()), ("online", "online"));
        assert_eq!(with(Some(32)), "online, 32 permanent data errors");
    }
}
