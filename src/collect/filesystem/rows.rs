//! One row a filesystem: of its mounts the one that shows most, and of several views of one storage the first.

use std::collections::BTreeMap;

use super::kinds::{OF_THE_HOST, is_real};
use crate::{
    model::{fault::Fault, filesystem::Space},
    sys::mounts::Mount,
};

/// One row a filesystem, where the whole of it is mounted rather than a part, at the shortest mount point; by mount point.
pub(super) fn shown(all: Vec<Mount>) -> Vec<Mount> {
    // What is mounted last upon a folder hides what was there.
    let mut visible: BTreeMap<Vec<u8>, Mount> = BTreeMap::new();
    for mount in all {
        visible.insert(mount.point.clone(), mount);
    }
    let mut one: BTreeMap<(u32, u32), Mount> = BTreeMap::new();
    for mut mount in visible.into_values().filter(is_real) {
        if let Some(other) = one.get_mut(&mount.device) {
            // Read-only is what cannot be written through any of its mounts.
            let read_only = mount.read_only && other.read_only;
            if rank(other) > rank(&mount) {
                std::mem::swap(other, &mut mount);
            }
            other.read_only = read_only;
        } else {
            one.insert(mount.device, mount);
        }
    }
    let mut rows: Vec<Mount> = one.into_values().collect();
    rows.sort_by(|a, b| a.point.cmp(&b.point));
    rows
}

fn rank(mount: &Mount) -> (bool, usize) {
    (mount.root != b"/", mount.point.len())
}

/// What is written between two questions changes what is free by less than this.
const MEANWHILE: (u64, u64) = (64 << 20, 10_000);

/// A second view of storage that has its row already has the same values: shares of one server's filesystem, and
/// programs that show another folder's files (bindfs, gocryptfs). The first row stays.
pub(super) fn without_second_views(rows: &mut Vec<(Mount, Result<Space, Fault>)>) {
    let mut at = 0;
    while let Some((mount, space)) = rows.get(at) {
        let is_second = rows.iter().enumerate().any(|(other_at, (other, theirs))| {
            let passed_on = shows_another(mount) && !shows_another(other);
            let shared = other_at < at && server(mount).is_some() && server(mount) == server(other);
            let (Ok(space), Ok(theirs)) = (space, theirs) else { return false };
            (passed_on || shared) && same_figures(space, theirs)
        });
        if is_second {
            drop(rows.remove(at));
        } else {
            at += 1;
        }
    }
}

fn same_figures(a: &Space, b: &Space) -> bool {
    (a.size, a.inodes) == (b.size, b.inodes)
        && a.free.abs_diff(b.free) < MEANWHILE.0
        && a.available.abs_diff(b.available) < MEANWHILE.0
        && a.inodes_free.abs_diff(b.inodes_free) < MEANWHILE.1
}

/// Files of another folder through a program or a layer of the kernel.
fn shows_another(mount: &Mount) -> bool {
    mount.kind.starts_with(b"fuse.") || mount.kind == b"ecryptfs"
}

/// Who keeps what is mounted: `nas` of `nas:/tank` and `//nas/media`.
fn server(mount: &Mount) -> Option<&[u8]> {
    let kind = std::str::from_utf8(&mount.kind).ok()?;
    match kind {
        "nfs" | "nfs4" | "ceph" | "glusterfs" | "fuse.sshfs" | "fuse.glusterfs" => {
            mount.source.iter().rposition(|&b| b == b':').map(|at| &mount.source[..at])
        }
        "cifs" | "smb3" | "smbfs" => mount.source.strip_prefix(b"//")?.split(|&b| b == b'/').next(),
        _ => OF_THE_HOST.contains(&kind).then_some(&mount.kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::mounts;

    fn points(text: &str) -> Vec<String> {
        let row = |mount: Mount| {
            let read_only = if mount.read_only { " ro" } else { "" };
            format!("{}{read_only}", String::from_utf8_lossy(&mount.point))
        };
        shown(mounts::parse(text.as_bytes())).into_iter().map(row).collect()
    }

    #[test]
    fn container_overlay_is_its_root_and_engine_files_are_left_out() {
        let text = b"1 0 0:50 / / rw - overlay overlay rw\n5 1 0:51 / /var/lib/x/merged rw - fuse.fuse-overlayfs fuse-overlayfs rw\n2 1 254:0 /x/hosts /etc/hosts rw - ext4 /dev/vda rw\n";
        let rows = shown(mounts::parse(text));
        assert_eq!(rows.iter().map(|m| m.point.as_slice()).collect::<Vec<_>>(), [b"/"]);
    }

    #[test]
    fn snapshots_and_images_are_no_rows() {
        let text = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n\
            2 1 0:40 / /pool rw - zfs pool rw\n\
            3 2 0:41 / /pool/.zfs/snapshot/nightly-0412 ro - zfs pool@nightly-0412 ro\n\
            4 1 7:3 / /snap/tool/7 ro - squashfs /dev/loop3 ro\n\
            5 1 11:0 / /media/disc ro - udf /dev/sr0 ro\n\
            6 1 8:33 / /media/stick rw - udf /dev/sdc1 rw\n\
            7 1 0:44 / /tmp/.mount_a ro - fuse.squashfuse_ll tool.AppImage ro\n";
        assert_eq!(points(text), ["/", "/media/stick", "/pool"]);
    }

    #[test]
    fn an_image_as_root_leaves_the_disk() {
        let text = "1 0 0:33 / / ro - overlay composefs ro,lowerdir+=/run/x,datadir+=/run/y\n\
            2 1 8:4 / /sysroot ro - xfs /dev/sda4 rw\n\
            3 1 8:4 /deploy/var /var rw - xfs /dev/sda4 rw\n\
            4 1 8:4 /deploy/etc /etc rw - xfs /dev/sda4 rw\n";
        assert_eq!(points(text), ["/sysroot"], "which can be written, at /var");
        let text = "1 0 0:33 / / ro - overlay overlay ro,lowerdir=/l,upperdir=/u,workdir=/w\n";
        assert_eq!(points(text), ["/ ro"], "a container that may not write its own root");
    }

    #[test]
    fn second_views_of_one_storage_are_no_rows() {
        let space = |gigabytes: u64| {
            let size = gigabytes << 30;
            Ok(Space { size, free: size / 2, available: size / 3, inodes: 9, inodes_free: 4 })
        };
        let text = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n\
            2 1 0:50 / /a rw - nfs4 nas:/tank/a rw\n\
            3 1 0:51 / /b rw - nfs4 nas:/tank/b rw\n\
            4 1 0:52 / /c rw - nfs4 nas:/fast rw\n\
            5 1 0:53 / /d rw - nfs4 other:/tank rw\n\
            6 1 0:54 / /clear rw - fuse.gocryptfs /cipher rw\n\
            7 1 8:2 / /twin rw - ext4 /dev/sda2 rw\n\
            8 1 0:55 / /s rw - cifs //box/s rw\n\
            9 1 0:56 / /t rw - cifs //box/t rw\n";
        let sizes = [100, 700, 700, 300, 700, 100, 100, 500, 500];
        let mut rows: Vec<_> = mounts::parse(text.as_bytes()).into_iter().zip(sizes.map(space)).collect();
        if let Ok(space) = &mut rows[5].1 {
            // Written between two questions.
            space.free -= 1 << 20;
        }
        without_second_views(&mut rows);
        let left: Vec<String> = rows.iter().map(|(m, _)| String::from_utf8_lossy(&m.point).into_owned()).collect();
        assert_eq!(left, ["/", "/a", "/c", "/d", "/twin", "/s"]);
        let silent = || Err(Fault::Timeout);
        let mut rows: Vec<_> = mounts::parse(text.as_bytes()).into_iter().map(|m| (m, silent())).collect();
        without_second_views(&mut rows);
        assert_eq!(rows.len(), 9, "of those that do not answer nobody knows");
    }

    #[test]
    fn what_hides_a_mount_is_what_counts() {
        let text = b"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /data rw - ext4 /dev/sda2 rw\n3 1 8:3 / /data rw - xfs /dev/sda3 rw\n";
        let rows = shown(mounts::parse(text));
        assert_eq!(rows.iter().map(|m| m.source.as_slice()).collect::<Vec<_>>(), [&b"/dev/sda1"[..], b"/dev/sda3"]);
    }

    #[test]
    fn the_server_of_a_mount_is_found() {
        let of = |kind: &str, source: &str| {
            let text = format!("1 0 0:9 / /m rw - {kind} {source} rw\n");
            let mount = mounts::parse(text.as_bytes()).remove(0);
            server(&mount).map(|name| String::from_utf8_lossy(name).into_owned())
        };
        let nas = Some("nas".to_owned());
        assert_eq!(
            [of("nfs4", "nas:/tank"), of("cifs", "//nas/media"), of("ext4", "/dev/sda1")],
            [nas.clone(), nas, None]
        );
    }

    #[test]
    fn figures_may_differ_by_what_was_written_meanwhile() {
        let (bytes, inodes) = MEANWHILE;
        let one = Space { size: 1 << 40, free: 1 << 39, available: 1 << 38, inodes: 1 << 30, inodes_free: 1 << 29 };
        let same = |change: &dyn Fn(&mut Space)| {
            let mut other = one;
            change(&mut other);
            (same_figures(&one, &other), same_figures(&other, &one))
        };
        let both = |same: bool| (same, same);
        assert_eq!(same(&|_| {}), both(true));
        assert_eq!((same(&|s| s.size += 1), same(&|s| s.inodes += 1)), (both(false), both(false)));
        assert_eq!((same(&|s| s.free += bytes - 1), same(&|s| s.free += bytes)), (both(true), both(false)));
        assert_eq!((same(&|s| s.available += bytes - 1), same(&|s| s.available += bytes)), (both(true), both(false)));
        assert_eq!(
            (same(&|s| s.inodes_free += inodes - 1), same(&|s| s.inodes_free += inodes)),
            (both(true), both(false))
        );
    }
}
