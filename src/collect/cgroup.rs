//! Which control groups hold a process: version 1, version 2, or both at once. A line `0::` alone does not mean that
//! version 2 rules: on hybrid machines its hierarchy has no controller.

use std::borrow::Cow;

use crate::sys::{
    mounts::{self, Mount, has},
    parse::{lines, words},
    root::Root,
};

/// How a controller's files are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

/// One process's groups.
pub(super) struct Groups {
    lines: Vec<(Vec<u8>, Vec<u8>)>,
    mounts: Vec<Mount>,
}

/// The folders of one controller, from the process's own group up to the top.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) version: Version,
    pub(super) folders: Vec<String>,
}

impl Groups {
    /// `text` is a "proc(5)" cgroup file, `mountinfo` says where the hierarchies are.
    pub(super) fn new(text: &[u8], mountinfo: &[u8]) -> Self {
        let lines = lines(text)
            .filter_map(|line| {
                let mut parts = line.splitn(3, |&b| b == b':').skip(1);
                Some((parts.next()?.to_vec(), parts.next()?.to_vec()))
            })
            .collect();
        let mut mounts = mounts::parse(mountinfo);
        mounts.retain(|m| m.kind == b"cgroup" || m.kind == b"cgroup2");
        Groups { lines, mounts }
    }

    /// Where `controller` rules this process; `None` where no hierarchy has it.
    pub(super) fn path(&self, root: &Root, controller: &str) -> Option<Path> {
        let ruling = self.ruling(root, controller)?;
        Some(Path { version: ruling.version, folders: folders(root, &ruling) })
    }

    /// The hierarchy that has `controller`, and this process's group there.
    pub(super) fn ruling(&self, root: &Root, controller: &str) -> Option<Ruling<'_>> {
        let one = self.lines.iter().find(|(list, _)| has(list, controller.as_bytes()));
        if let Some((_, path)) = one {
            let mount = self.mounts.iter().find(|m| m.kind == b"cgroup" && has(&m.options, controller.as_bytes()))?;
            return Ruling::new(Version::One, mount, path);
        }
        let (_, path) = self.lines.iter().find(|(list, _)| list.is_empty())?;
        let mount = self.mounts.iter().find(|m| m.kind == b"cgroup2")?;
        let ruling = Ruling::new(Version::Two, mount, path)?;
        let controllers = root.read(format!("{}/cgroup.controllers", ruling.point)).ok()?;
        words(&controllers).any(|c| c == controller.as_bytes()).then_some(ruling)
    }
}

/// One hierarchy as a process sees it.
pub(super) struct Ruling<'a> {
    pub(super) version: Version,
    /// The process's group.
    pub(super) path: Cow<'a, str>,
    /// Where the hierarchy is mounted, and which group of it.
    pub(super) point: &'a str,
    pub(super) top: Cow<'a, str>,
}

impl<'a> Ruling<'a> {
    fn new(version: Version, mount: &'a Mount, path: &'a [u8]) -> Option<Self> {
        Some(Ruling {
            version,
            path: String::from_utf8_lossy(path),
            point: std::str::from_utf8(&mount.point).ok()?,
            top: String::from_utf8_lossy(&mount.root),
        })
    }
}

/// Those that exist, deepest first. What is mounted may be a group below the top: the path is then relative to it.
fn folders(root: &Root, ruling: &Ruling<'_>) -> Vec<String> {
    let (at, path) = (ruling.point, &*ruling.path);
    let below = if ruling.top == "/" { Some(path) } else { path.strip_prefix(&*ruling.top) };
    let parts: Vec<&str> = below.unwrap_or_default().split('/').filter(|p| !p.is_empty()).collect();
    // "/.." leads out of our namespace: what is there cannot be seen.
    let parts = if parts.contains(&"..") { &[] } else { parts.as_slice() };
    (0..=parts.len())
        .rev()
        .map(|n| [&[at], &parts[..n]].concat().join("/"))
        .filter(|folder| root.path(folder).is_dir())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &[u8] = b"31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
        35 31 0:32 /docker/ab /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
        41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    fn hybrid() -> (tempfile::TempDir, Root) {
        let folder = tempfile::tempdir().expect("folder");
        for sub in ["cpu,cpuacct/docker/ab", "memory", "unified/docker/ab"] {
            std::fs::create_dir_all(folder.path().join("sys/fs/cgroup").join(sub)).expect("folder");
        }
        std::fs::write(folder.path().join("sys/fs/cgroup/unified/cgroup.controllers"), "\n").expect("file");
        let root = Root::new(folder.path());
        (folder, root)
    }

    #[test]
    fn hybrid_machine_goes_by_version_one() {
        let (_folder, root) = hybrid();
        let groups = Groups::new(b"4:memory:/docker/ab\n2:cpu,cpuacct:/docker/ab\n0::/docker/ab\n", HYBRID);
        let cpu = groups.path(&root, "cpu").expect("ruled");
        let top = "/sys/fs/cgroup/cpu,cpuacct";
        assert_eq!(cpu.version, Version::One);
        assert_eq!(cpu.folders, [format!("{top}/docker/ab"), format!("{top}/docker"), top.into()]);
        assert_eq!(groups.path(&root, "io"), None);
    }

    #[test]
    fn a_mount_of_our_own_group_is_its_top() {
        let (_folder, root) = hybrid();
        let groups = Groups::new(b"4:memory:/docker/ab\n", HYBRID);
        assert_eq!(groups.path(&root, "memory").expect("ruled").folders, ["/sys/fs/cgroup/memory"]);
    }

    #[test]
    fn a_path_out_of_our_namespace_is_not_followed() {
        let (_folder, root) = hybrid();
        let groups = Groups::new(b"2:cpu,cpuacct:/../docker/ab\n", HYBRID);
        assert_eq!(groups.path(&root, "cpu").expect("ruled").folders, ["/sys/fs/cgroup/cpu,cpuacct"]);
    }

    #[test]
    fn version_two_is_followed_where_it_has_the_controller() {
        let root = Root::fixture("lxc");
        let text = |file| root.read(file).expect("fixture");
        let groups = Groups::new(&text("proc/1/cgroup"), &text("proc/1/mountinfo"));
        let memory = groups.path(&root, "memory").expect("ruled");
        assert_eq!(memory.version, Version::Two);
        assert_eq!(memory.folders, ["/sys/fs/cgroup/init.scope", "/sys/fs/cgroup"]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text: Vec<u8>) {
            let groups = Groups::new(&text, HYBRID);
            let _ = groups.path(&Root::new("/nonexistent"), "cpu");
        }
    }
}
