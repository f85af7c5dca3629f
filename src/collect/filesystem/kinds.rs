//! Which mounts are filesystems of their own, and which may not answer, by their kind.

use crate::{
    model::filesystem::Space,
    sys::mounts::{self, Mount},
};

/// Shares that a virtual machine's host gives: each shows the space of what the host keeps it on.
pub(super) const OF_THE_HOST: [&str; 5] = ["9p", "virtiofs", "vboxsf", "prl_fs", "vmhgfs"];

/// Filesystems without a block device that hold files of their own.
const WITHOUT_DEVICE: [&str; 26] = [
    "zfs",
    "btrfs",
    "bcachefs",
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "virtiofs",
    "fuse",
    "fuseblk",
    "ceph",
    "glusterfs",
    "lustre",
    "afs",
    "ubifs",
    "jffs2",
    "davfs",
    "vboxsf",
    "prl_fs",
    "vmhgfs",
    "beegfs",
    "gpfs",
    "ocfs2",
    "orangefs",
];

/// A package's or a disc's image that a program mounts: full by design, and it cannot be written.
pub(super) fn is_full_image(mount: &Mount, space: &Space) -> bool {
    mount.read_only && space.free == 0 && mount.kind.starts_with(b"fuse")
}

/// Always full by design: images of packages and discs.
const IMAGES: [&str; 5] = ["squashfs", "erofs", "iso9660", "cramfs", "romfs"];

/// Programs that show something else through FUSE: the kernel's figures, other mounts, packages.
const NO_STORAGE: [&str; 10] = [
    "lxcfs",
    "gvfsd-fuse",
    "portal",
    "snapfuse",
    "squashfuse",
    "squashfuse_ll",
    "dumpfs",
    "archivemount",
    "fuseiso",
    "sysbox-fs",
];

pub(super) fn is_real(mount: &Mount) -> bool {
    let kind = String::from_utf8_lossy(&mount.kind);
    if IMAGES.contains(&&*kind) {
        return false;
    }
    // An engine puts these files into every container; they sit on the host's filesystem.
    if [&b"/etc/hosts"[..], b"/etc/hostname", b"/etc/resolv.conf"].contains(&mount.point.as_slice()) {
        return false;
    }
    // Each container has an overlay; its own root is the one that is nobody else's. One without a layer to write to is an
    // image (composefs).
    let is_image = mount.read_only && !mounts::options(&mount.options).any(|option| option.starts_with(b"upperdir="));
    match &*kind {
        "overlay" if is_image => false,
        "overlay" | "aufs" | "fuse.fuse-overlayfs" => mount.point == b"/",
        // A disc; a stick of that format can be written.
        "udf" => !mount.read_only,
        // A snapshot that somebody looked into is mounted below `.zfs`.
        "zfs" => !mount.source.contains(&b'@'),
        kind if kind.starts_with("fuse.") => !NO_STORAGE.contains(&&kind["fuse.".len()..]),
        kind => mount.device.0 != 0 || WITHOUT_DEVICE.contains(&kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_a_program_mounts_is_full_by_design() {
        let line =
            |flags: &str| format!("7 1 0:44 / /tmp/.mount_x {flags} - fuse.Tool.AppImage Tool.AppImage {flags}\n");
        let mount = |flags: &str| mounts::parse(line(flags).as_bytes()).remove(0);
        let full = Space { size: 9, ..Space::default() };
        assert!(is_full_image(&mount("ro"), &full) && !is_full_image(&mount("rw"), &full));
        assert!(!is_full_image(&mount("ro"), &Space { free: 1, ..full }));
    }
}
