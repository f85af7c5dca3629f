//! Whether we, or the machine under another root, run inside a container, and of what kind.

use crate::{
    sys::{mounts, parse::lines, root::Root},
    text::clean_bytes,
};

/// `docker`, `podman`, `lxc`, `systemd-nspawn`, `kubernetes` …; `None` outside of any.
pub(super) fn kind(root: &Root) -> Option<String> {
    if root.path("run/.containerenv").exists() {
        return Some("podman".into());
    }
    if let Some(kind) = by_cgroup(&root.read(own_cgroup(root)).unwrap_or_default()) {
        return Some(kind.into());
    }
    if let Some(name) = word(root.read("run/systemd/container").ok()).or_else(|| by_environment(root)) {
        return Some(name);
    }
    (root.path(".dockerenv").exists() && has_engine_files(root)).then(|| "docker".into())
}

/// Where the control groups of our own process are listed.
pub(super) fn own_cgroup(root: &Root) -> &'static str {
    if root.is_live() { "proc/self/cgroup" } else { "proc/1/cgroup" }
}

/// True when a file of `proc` is a container's own view of it: lxcfs and its like mount one over the kernel's, which shows
/// the host's figures.
pub(super) fn is_of_guest(root: &Root, file: &str) -> bool {
    let text = root.read(mounts::file(root)).unwrap_or_default();
    mounts::parse(&text).iter().any(|m| m.point == file.as_bytes() && m.kind.starts_with(b"fuse"))
}

/// By the folders that engines make; seen only where no cgroup namespace hides them.
fn by_cgroup(text: &[u8]) -> Option<&'static str> {
    const SIGNS: [(&str, &str); 8] = [
        ("kubepods", "kubernetes"),
        ("/docker/", "docker"),
        ("/docker-", "docker"),
        ("/libpod-", "podman"),
        ("/libpod/", "podman"),
        ("/lxc/", "lxc"),
        ("/lxc.payload", "lxc"),
        ("machine.slice/machine-", "systemd-nspawn"),
    ];
    lines(text).find_map(|line| {
        let line = String::from_utf8_lossy(line);
        SIGNS.iter().find(|(sign, _)| line.contains(sign)).map(|(_, kind)| *kind)
    })
}

/// The first process is passed what it runs in ("container interface of systemd"); only root may read that.
fn by_environment(root: &Root) -> Option<String> {
    let environment = root.read("proc/1/environ").ok()?;
    let value = environment.split(|&b| b == 0).find_map(|entry| entry.strip_prefix(b"container="))?;
    word(Some(value.to_vec()))
}

/// One plain word, as the names of engines are.
fn word(text: Option<Vec<u8>>) -> Option<String> {
    let text = clean_bytes(text?.trim_ascii());
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (!text.is_empty() && text.len() <= 32 && text.chars().all(plain)).then_some(text)
}

/// `.dockerenv` stays behind when an image becomes a machine's disk; the files that an engine binds do not.
fn has_engine_files(root: &Root) -> bool {
    let text = root.read(mounts::file(root)).unwrap_or_default();
    mounts::parse(&text).iter().any(|m| m.point == b"/etc/hosts" || m.point == b"/etc/hostname")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(files: &[(&str, &str)]) -> Option<String> {
        let folder = tempfile::tempdir().expect("folder");
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, text).expect("file");
        }
        kind(&Root::new(folder.path()))
    }

    #[test]
    fn each_engine_is_known_by_its_signs() {
        let bind = "1 0 254:0 /x/hosts /etc/hosts rw - ext4 /dev/vda rw\n";
        assert_eq!(made(&[(".dockerenv", ""), ("proc/1/mountinfo", bind)]).as_deref(), Some("docker"));
        assert_eq!(made(&[("run/.containerenv", "")]).as_deref(), Some("podman"));
        assert_eq!(made(&[("proc/1/cgroup", "4:memory:/docker/0123\n0::/docker/0123\n")]).as_deref(), Some("docker"));
        assert_eq!(made(&[("proc/1/cgroup", "0::/kubepods.slice/x\n")]).as_deref(), Some("kubernetes"));
        assert_eq!(made(&[("proc/1/environ", "TERM=x\0container=lxc\0")]).as_deref(), Some("lxc"));
        assert_eq!(kind(&Root::fixture("lxc")).as_deref(), Some("lxc"));
    }

    #[test]
    fn a_machine_is_no_container_and_a_left_over_file_makes_none() {
        assert_eq!(kind(&Root::fixture("homelab")), None);
        assert_eq!(made(&[(".dockerenv", ""), ("proc/1/mountinfo", "1 0 254:0 / / rw - ext4 /dev/vda rw\n")]), None);
        assert_eq!(kind(&Root::fixture("hostile")), None, "a name with control bytes");
    }

    #[test]
    fn folders_of_each_engine_name_it() {
        for (line, kind) in [
            ("0::/kubepods/x", "kubernetes"),
            ("0::/system.slice/docker-0123.scope", "docker"),
            ("0::/machine.slice/libpod-0123.scope", "podman"),
            ("0::/libpod/0123", "podman"),
            ("0::/lxc/web", "lxc"),
            ("0::/lxc.payload.web", "lxc"),
            ("0::/machine.slice/machine-web.scope", "systemd-nspawn"),
        ] {
            assert_eq!(by_cgroup(line.as_bytes()), Some(kind), "{line}");
        }
        assert_eq!(by_cgroup(b"0::/system.slice/ssh.service"), None);
    }

    #[test]
    fn a_kind_is_one_plain_word() {
        let of = |text: &str| word(Some(text.as_bytes().to_vec()));
        for plain in ["lxc", "systemd-nspawn", "wsl_2.0"] {
            assert_eq!(of(&format!(" {plain}\n")).as_deref(), Some(plain));
        }
        assert_eq!(of(&"x".repeat(32)).map(|word| word.len()), Some(32));
        let long = "x".repeat(33);
        for odd in ["", " \n", "two words", "a\u{1b}", "a/b", &long] {
            assert_eq!(of(odd), None, "{odd}");
        }
        assert_eq!(word(None), None);
    }

    #[test]
    fn a_file_of_lxcfs_is_the_guest_s_own() {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::create_dir_all(folder.path().join("proc/1")).expect("folder");
        let mounts = "1 0 0:50 / /proc/uptime rw - fuse.lxcfs lxcfs rw\n2 0 0:51 / /proc/stat rw - proc proc rw\n";
        std::fs::write(folder.path().join("proc/1/mountinfo"), mounts).expect("file");
        let is = |file: &str| is_of_guest(&Root::new(folder.path()), file);
        assert_eq!((is("/proc/uptime"), is("/proc/stat"), is("/proc/meminfo")), (true, false, false));
    }
}
