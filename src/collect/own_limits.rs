//! Our own limits: the tightest quota and ceiling among our control group and those above it.

use super::{
    CollectCx, Collector, OpenCx,
    cgroup::{Groups, Path, Version},
    inside,
};
use crate::{
    model::{event::Sample, fault::Fault, limits::LimitsSample},
    sys::{
        mounts,
        parse::{lines, number, signed, value_of, words},
        reread::Reread,
        root::Root,
    },
};

/// # Errors
/// None; the reading reports what is missing.
pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    Ok(Box::new(Limits {
        own: Reread::new(&cx.root, inside::own_cgroup(&cx.root)),
        mountinfo: Reread::new(&cx.root, mounts::file(&cx.root)),
        root: cx.root.clone(),
    }))
}

struct Limits {
    root: Root,
    own: Reread,
    mountinfo: Reread,
}

impl Collector for Limits {
    fn collect(&mut self, _cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        let mountinfo = self.mountinfo.figures("unreadable", |text| Some(text.to_vec()))?;
        let (groups, place) = self.own.figures("unreadable", |text| {
            let place = lines(text).find_map(|line| line.strip_prefix(b"0::")).map(crate::text::clean_bytes);
            Some((Groups::new(text, &mountinfo), place))
        })?;
        let mut sample = LimitsSample::default();
        if let Some(path) = groups.path(&self.root, "cpu") {
            cpu(&self.root, &path, &groups, &mut sample);
        }
        if let Some(path) = groups.path(&self.root, "cpuset") {
            cpuset(&self.root, &path, &mut sample);
        }
        if let Some(path) = groups.path(&self.root, "memory") {
            memory(&self.root, &path, &mut sample);
        }
        if sample.cpu_cores.is_none() && sample.memory_bytes.is_none() {
            let (own, top) = (self.own.path().display(), self.root.path("sys/fs/cgroup"));
            return Err(Fault::Absent(format!("no cgroup limit: checked from {own} up to {}", top.display())));
        }
        let service = place.is_some_and(|p| [".slice", ".service", ".scope"].iter().any(|s| p.contains(s)));
        sample.kind = inside::kind(&self.root).or_else(|| service.then(|| "systemd".into()));
        Ok(Sample::Limits(sample))
    }
}

/// The least quota, and the counters of the group that it stands in (of our own where there is none).
fn cpu(root: &Root, path: &Path, groups: &Groups, sample: &mut LimitsSample) {
    let mut tightest: Option<(f64, &String)> = None;
    for folder in &path.folders {
        let quota = match path.version {
            Version::Two => root.read(format!("{folder}/cpu.max")).ok().and_then(|text| quota_v2(&text)),
            Version::One => quota_v1(root, folder),
        };
        if let Some(cores) = quota
            && tightest.is_none_or(|(least, _)| cores < least)
        {
            tightest = Some((cores, folder));
        }
    }
    sample.cpu_cores = tightest.map(|(cores, _)| cores);
    let Some(folder) = tightest.map(|(_, folder)| folder).or(path.folders.first()) else { return };
    let stat = root.read(format!("{folder}/cpu.stat")).unwrap_or_default();
    let value = |key: &[u8]| value_of(&stat, key).and_then(number);
    if let (Some(throttled), Some(periods)) = (value(b"nr_throttled"), value(b"nr_periods"))
        && tightest.is_some()
    {
        sample.throttled_periods = Some((throttled, periods));
    }
    match path.version {
        Version::Two => {
            sample.usage_us = value(b"usage_usec");
            sample.throttled_us = value(b"throttled_usec");
        }
        Version::One => {
            sample.throttled_us = value(b"throttled_time").map(|nanoseconds| nanoseconds / 1000);
            // The account may lie in a hierarchy of its own: the same depth there is the same group.
            let depth = path.folders.iter().position(|f| f == folder).unwrap_or_default();
            let account = groups.path(root, "cpuacct");
            let file = account.as_ref().and_then(|path| path.folders.get(depth)).map(|f| format!("{f}/cpuacct.usage"));
            sample.usage_us = file.and_then(|file| root.number(file)).map(|nanoseconds: u64| nanoseconds / 1000);
        }
    }
}

/// `200000 100000`: quota and period in microseconds; `max` is none.
fn quota_v2(text: &[u8]) -> Option<f64> {
    let mut words = words(text).map(number);
    cores(words.next()??, words.next()??)
}

fn quota_v1(root: &Root, folder: &str) -> Option<f64> {
    let read = |file: &str| signed(root.read(format!("{folder}/{file}")).ok()?.trim_ascii());
    let (quota, period) = (read("cpu.cfs_quota_us")?, read("cpu.cfs_period_us")?);
    cores(u64::try_from(quota).ok()?, u64::try_from(period).ok()?) // -1 is none
}

fn cores(quota: u64, period: u64) -> Option<f64> {
    (quota > 0 && period > 0).then(|| quota as f64 / period as f64)
}

/// Cores that we may run on, where these are fewer than the machine has and than the quota gives.
fn cpuset(root: &Root, path: &Path, sample: &mut LimitsSample) {
    let file = match path.version {
        Version::Two => "cpuset.cpus.effective",
        Version::One => "cpuset.effective_cpus",
    };
    let read = |file: String| count(&root.read(file).ok()?);
    let Some(machine) = read("sys/devices/system/cpu/online".into()) else { return };
    let Some(own) = path.folders.first().and_then(|folder| read(format!("{folder}/{file}"))) else { return };
    let own = f64::from(own);
    if own < f64::from(machine) && sample.cpu_cores.is_none_or(|cores| own < cores) {
        sample.cpu_cores = Some(own);
    }
}

/// How many numbers `0-3,8,10-11` names.
fn count(text: &[u8]) -> Option<u32> {
    text.trim_ascii().split(|&b| b == b',').try_fold(0u32, |sum, part| {
        let mut ends = part.splitn(2, |&b| b == b'-').map(number);
        let first = ends.next()??;
        let last = ends.next().unwrap_or(Some(first))?;
        sum.checked_add(u32::try_from(last.checked_sub(first)?.checked_add(1)?).ok()?)
    })
}

/// The least ceiling that is not above the machine's memory, and what is charged against it.
fn memory(root: &Root, path: &Path, sample: &mut LimitsSample) {
    let (limit, usage, inactive): (_, _, &[u8]) = match path.version {
        Version::Two => ("memory.max", "memory.current", b"inactive_file"),
        Version::One => ("memory.limit_in_bytes", "memory.usage_in_bytes", b"total_inactive_file"),
    };
    let machine = root
        .read("proc/meminfo")
        .ok()
        .and_then(|text| value_of(&text, b"MemTotal").and_then(number))
        .and_then(|kib| kib.checked_mul(1024))
        .unwrap_or(u64::MAX / 2);
    let read = |folder: &str, file: &str| number(root.read(format!("{folder}/{file}")).ok()?.trim_ascii());
    let tightest = path
        .folders
        .iter()
        .filter_map(|folder| Some((read(folder, limit).filter(|&bytes| bytes <= machine)?, folder)))
        .min_by_key(|(bytes, _)| *bytes);
    let Some((bytes, folder)) = tightest else { return };
    sample.memory_bytes = Some(bytes);
    let stat = root.read(format!("{folder}/memory.stat")).unwrap_or_default();
    // Cache that nobody used lately is given back before the ceiling hurts.
    let idle = value_of(&stat, inactive).and_then(number).unwrap_or_default();
    sample.memory_used_bytes = read(folder, usage).map(|used| used.saturating_sub(idle));
}

#[cfg(test)]
mod tests {
    use super::{super::testing::*, *};

    #[test]
    fn a_guest_s_quota_and_ceiling_are_found_above_its_own_group() {
        let Ok(Sample::Limits(sample)) = read_fixture(open, "lxc") else { panic!("no sample") };
        let expected = LimitsSample {
            cpu_cores: Some(2.0),
            memory_bytes: Some(4 << 30),
            memory_used_bytes: Some(2 << 30),
            usage_us: Some(6_337_000_000),
            throttled_periods: Some((1200, 400_000)),
            throttled_us: Some(98_000_000),
            kind: Some("lxc".into()),
        };
        assert_eq!(sample, expected);
    }

    #[test]
    fn without_limits_it_names_the_places_searched() {
        for host in ["homelab", "hostile"] {
            let fault = read_fixture(open, host).expect_err("no limit");
            let Fault::Absent(what) = fault else { panic!("{fault:?}") };
            assert!(what.contains("proc/1/cgroup") && what.contains("sys/fs/cgroup"), "{what}");
        }
    }

    /// A container on a hybrid machine, as an older engine makes it.
    fn hybrid(quota: &str, limit: &str) -> Result<Sample, Fault> {
        let folder = tempfile::tempdir().expect("folder");
        let put = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, text).expect("file");
        };
        put("proc/1/cgroup", "4:memory:/docker/ab\n3:cpuacct:/docker/ab\n2:cpu:/docker/ab\n0::/docker/ab\n");
        put(
            "proc/1/mountinfo",
            "32 31 0:29 / /cg/cpu rw - cgroup cgroup rw,cpu\n33 31 0:30 / /cg/cpuacct rw - cgroup cgroup rw,cpuacct\n\
             35 31 0:32 / /cg/memory rw - cgroup cgroup rw,memory\n41 31 0:38 / /cg/unified rw - cgroup2 cgroup2 rw\n",
        );
        put("proc/meminfo", "MemTotal: 8388608 kB\n");
        put("cg/unified/cgroup.controllers", "");
        put("cg/unified/docker/ab/cpu.max", "1 100000");
        put("cg/cpu/cpu.cfs_quota_us", "-1\n");
        put("cg/cpu/docker/ab/cpu.cfs_quota_us", quota);
        put("cg/cpu/docker/ab/cpu.cfs_period_us", "100000\n");
        put("cg/cpu/docker/ab/cpu.stat", "nr_periods 50\nnr_throttled 5\nthrottled_time 7000000\n");
        put("cg/cpuacct/docker/ab/cpuacct.usage", "123456789000\n");
        put("cg/memory/memory.limit_in_bytes", "9223372036854771712\n");
        put("cg/memory/docker/ab/memory.limit_in_bytes", limit);
        put("cg/memory/docker/ab/memory.usage_in_bytes", "300000000\n");
        put("cg/memory/docker/ab/memory.stat", "inactive_file 1\ntotal_inactive_file 100000000\n");
        read_once(open, Root::new(folder.path()))
    }

    #[test]
    fn version_one_is_understood_on_a_hybrid_machine() {
        let Ok(Sample::Limits(sample)) = hybrid("150000\n", "536870912\n") else { panic!("no sample") };
        let expected = LimitsSample {
            cpu_cores: Some(1.5),
            memory_bytes: Some(512 << 20),
            memory_used_bytes: Some(200_000_000),
            usage_us: Some(123_456_789),
            throttled_periods: Some((5, 50)),
            throttled_us: Some(7000),
            kind: Some("docker".into()),
        };
        assert_eq!(sample, expected);
    }

    #[test]
    fn a_ceiling_above_the_machine_s_memory_limits_nothing() {
        assert!(matches!(hybrid("-1\n", "9223372036854771712\n"), Err(Fault::Absent(_))));
        assert!(matches!(hybrid("-1\n", "8589934593\n"), Err(Fault::Absent(_))));
        let Ok(Sample::Limits(sample)) = hybrid("-1\n", "8589934592\n") else { panic!("equal to it") };
        assert_eq!((sample.cpu_cores, sample.throttled_periods), (None, None));
    }

    #[test]
    fn sets_of_cores_are_counted() {
        for (text, cores) in [("0-3,8,10-11\n", Some(7)), ("5", Some(1)), ("", None), ("3-1", None), ("a-b", None)] {
            assert_eq!(count(text.as_bytes()), cores, "{text:?}");
        }
        assert_eq!(quota_v2(b"max 100000"), None);
        assert_eq!(quota_v2(b"0 0"), None);
    }

    #[test]
    fn the_smaller_of_cpu_set_and_quota_counts() {
        let folder = tempfile::tempdir().expect("folder");
        let put = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, text).expect("file");
        };
        put("proc/1/cgroup", "0::/docker/ab\n");
        put("proc/1/mountinfo", "41 31 0:38 / /cg rw - cgroup2 cgroup2 rw\n");
        put("proc/meminfo", "MemTotal: 8388608 kB\n");
        put("sys/devices/system/cpu/online", "0-7\n");
        put("cg/cgroup.controllers", "cpu cpuset memory\n");
        put("cg/docker/ab/cpuset.cpus.effective", "0-2\n");
        put("cg/docker/ab/cpu.stat", "usage_usec 1\n");
        for (quota, cores) in [("max 100000", 3.0), ("200000 100000", 2.0), ("400000 100000", 3.0)] {
            put("cg/docker/ab/cpu.max", quota);
            let Ok(Sample::Limits(sample)) = read_once(open, Root::new(folder.path())) else { panic!("no sample") };
            assert_eq!(sample.cpu_cores, Some(cores), "{quota}");
        }
    }

    #[test]
    fn numbers_of_a_list_are_counted() {
        for (text, expected) in [
            ("0-3,8,10-11\n", Some(7)),
            ("5", Some(1)),
            ("0-0", Some(1)),
            ("3-1", None),
            ("x", None),
            ("1-", None),
            ("", None),
        ] {
            assert_eq!(count(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_quota_is_a_share_of_a_period() {
        assert_eq!((quota_v2(b"150000 100000\n"), quota_v2(b"max 100000\n")), (Some(1.5), None));
        assert_eq!((quota_v2(b"0 100000"), quota_v2(b"1 0"), quota_v2(b"1")), (None, None, None));
    }

    /// Our group below another on a machine with 8 cores and 8 GiB, each with these files.
    fn nested(own: &[(&str, &str)], above: &[(&str, &str)]) -> Result<LimitsSample, Fault> {
        let folder = tempfile::tempdir().expect("folder");
        let put = |path: String, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, text).expect("file");
        };
        put("proc/1/cgroup".into(), "0::/a/b\n");
        put("proc/1/mountinfo".into(), "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
        put("proc/meminfo".into(), "MemTotal: 8388608 kB\n");
        put("sys/devices/system/cpu/online".into(), "0-7\n");
        put("sys/fs/cgroup/cgroup.controllers".into(), "cpu cpuset memory\n");
        for (group, files) in [("a/b", own), ("a", above)] {
            put(format!("sys/fs/cgroup/{group}/cgroup.controllers"), "cpu cpuset memory\n");
            files.iter().for_each(|(name, text)| put(format!("sys/fs/cgroup/{group}/{name}"), text));
        }
        match read_once(open, Root::new(folder.path()))? {
            Sample::Limits(sample) => Ok(sample),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_tightest_limit_on_the_way_up_holds() {
        let cores = |own: &str, above: &str| {
            nested(&[("cpu.max", own)], &[("cpu.max", above)]).ok().and_then(|sample| sample.cpu_cores)
        };
        assert_eq!(cores("200000 100000", "300000 100000"), Some(2.0));
        assert_eq!(cores("300000 100000", "200000 100000"), Some(2.0));
        assert_eq!((cores("max 100000", "50000 100000"), cores("max 100000", "max 100000")), (Some(0.5), None));
        let memory = |own: &str, above: &str| {
            nested(&[("memory.max", own)], &[("memory.max", above)]).ok().and_then(|sample| sample.memory_bytes)
        };
        assert_eq!((memory("1000", "2000"), memory("2000", "1000")), (Some(1000), Some(1000)));
        assert_eq!(memory("8589934592", "max"), Some(8 << 30), "all that there is");
        assert_eq!(memory("8589934593", "max"), None, "more than the machine has is no limit");
    }

    #[test]
    fn a_set_of_cores_limits_where_it_is_the_smaller() {
        let cores = |set: &str, quota: &str| {
            nested(&[("cpuset.cpus.effective", set), ("cpu.max", quota)], &[]).ok().and_then(|sample| sample.cpu_cores)
        };
        assert_eq!((cores("0-3", "max 100000"), cores("0-7", "max 100000")), (Some(4.0), None));
        assert_eq!((cores("0-3", "200000 100000"), cores("0-3", "500000 100000")), (Some(2.0), Some(4.0)));
    }

    #[test]
    fn pauses_are_those_of_the_group_with_the_quota() {
        let stat = |n: u64| format!("usage_usec {n}\nnr_periods {n}\nnr_throttled 5\nthrottled_usec 7\n");
        let (own, above) = (stat(100), stat(200));
        let sample = nested(
            &[("cpu.max", "max 100000"), ("cpu.stat", &own)],
            &[("cpu.max", "100000 100000"), ("cpu.stat", &above)],
        )
        .expect("a limit");
        assert_eq!(
            (sample.usage_us, sample.throttled_periods, sample.throttled_us),
            (Some(200), Some((5, 200)), Some(7))
        );
    }
}
