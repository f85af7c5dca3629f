//! Mounted filesystems and their space: mountinfo and statvfs, in a lane of its own.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStringExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use super::{
    CollectCx, Collector, OpenCx,
    asker::{Ask, Asker, Question},
    mounts::{self, Mount},
};
use crate::{
    model::{
        event::Sample,
        fault::Fault,
        filesystem::{Filesystem, FilesystemSample, Space},
    },
    sys::{
        reread::Reread,
        root::{Root, fault},
    },
    text::clean_bytes,
};

/// A server that answers later than this is reported as dead until it does.
const PATIENCE: Duration = Duration::from_millis(1200);

/// How often, and with what pauses, a mark that somebody holds is tried.
const MARK_TRIES: u32 = 25;
const MARK_PAUSE: Duration = Duration::from_millis(10);

/// # Errors
/// None; what is missing is told by the reading.
pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    let ask: Ask = if cx.root.is_live() {
        Arc::new(|question: &Question| {
            let _mark = mark(question)?;
            space(&question.path)
        })
    } else {
        Arc::new(|question: &Question| same(question).and_then(|()| space(&question.path)))
    };
    Ok(Box::new(Filesystems {
        mountinfo: Reread::new(&cx.root, mounts::file(&cx.root)),
        recorded: !cx.root.is_this_machine(),
        root: cx.root.clone(),
        asker: Asker::new(ask, PATIENCE),
    }))
}

struct Filesystems {
    root: Root,
    mountinfo: Reread,
    /// The root holds files that were written down somewhere: there is nothing to ask.
    recorded: bool,
    asker: Asker,
}

impl Collector for Filesystems {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        let mounts = self.mountinfo.figures("not one line of mountinfo", |text| {
            let all = mounts::parse(text);
            (!all.is_empty()).then(|| shown(all))
        })?;
        let spaces = if self.recorded {
            let why = format!("{} is a recording: its mounts cannot be asked", self.root.path("").display());
            vec![Err(Fault::Absent(why)); mounts.len()]
        } else {
            let question = |mount: &Mount| Question {
                path: self.root.path(PathBuf::from(OsString::from_vec(mount.point.clone()))),
                device: mount.device,
            };
            let questions: Vec<_> = mounts.iter().map(|m| (question(m), may_hang(&m.kind))).collect();
            self.asker.ask_all(&questions, cx.at)
        };
        let mut rows: Vec<(Mount, Result<Space, Fault>)> = mounts.into_iter().zip(spaces).collect();
        rows.retain(|(mount, space)| !space.as_ref().is_ok_and(|space| space.size == 0 || is_full_image(mount, space)));
        without_second_views(&mut rows);
        let filesystems = rows
            .into_iter()
            .map(|(mount, space)| Filesystem {
                mount: clean_bytes(&mount.point),
                device: clean_bytes(&mount.source),
                kind: clean_bytes(&mount.kind),
                read_only: mount.read_only,
                space,
            })
            .collect();
        Ok(Sample::Filesystems(FilesystemSample { filesystems }))
    }
}

/// One row a filesystem, where the whole of it is mounted rather than a part, at the shortest mount point; by mount point.
fn shown(all: Vec<Mount>) -> Vec<Mount> {
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

/// Shares that a virtual machine's host gives: each shows the space of what the host keeps it on.
const OF_THE_HOST: [&str; 5] = ["9p", "virtiofs", "vboxsf", "prl_fs", "vmhgfs"];

/// What is written between two questions changes what is free by less than this.
const MEANWHILE: (u64, u64) = (64 << 20, 10_000);

/// A second view of storage that has its row already tells the same figures: shares of one server's filesystem, and
/// programs that show another folder's files (bindfs, gocryptfs). The first row stays.
fn without_second_views(rows: &mut Vec<(Mount, Result<Space, Fault>)>) {
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

/// A package's or a disc's image that a program mounts: full by design, and it cannot be written.
fn is_full_image(mount: &Mount, space: &Space) -> bool {
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

fn is_real(mount: &Mount) -> bool {
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

/// True for what asks a server or a program for its answer.
fn may_hang(kind: &[u8]) -> bool {
    const ELSEWHERE: [&[u8]; 13] = [
        b"cifs",
        b"smb3",
        b"smbfs",
        b"9p",
        b"ceph",
        b"glusterfs",
        b"lustre",
        b"afs",
        b"davfs",
        b"beegfs",
        b"gpfs",
        b"ocfs2",
        b"orangefs",
    ];
    kind.starts_with(b"nfs") || kind.starts_with(b"fuse") || ELSEWHERE.contains(&kind)
}

/// A mark that holds while a filesystem is asked: a name of a socket, which the kernel gives back with the process. The
/// helper of an earlier run that still hangs there holds it too: a report that is made each minute leaves one helper
/// behind, not one each.
///
/// # Errors
/// [`Fault::Timeout`] while another run of this user hangs there.
fn mark(question: &Question) -> Result<Option<UnixDatagram>, Fault> {
    let (major, minor) = question.device;
    let name = format!("benchtop {} asks {major}:{minor}", rustix::process::getuid().as_raw());
    let Ok(address) = SocketAddr::from_abstract_name(name) else { return Ok(None) };
    for _ in 0..MARK_TRIES {
        match UnixDatagram::bind_addr(&address) {
            Ok(mark) => return Ok(Some(mark)),
            // One that does not hang is done in a moment.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => thread::sleep(MARK_PAUSE),
            // Where there are no sockets, it is asked all the same.
            Err(_) => return Ok(None),
        }
    }
    Err(Fault::Timeout)
}

/// statvfs(3) in bytes.
fn space(path: &Path) -> Result<Space, Fault> {
    let s = rustix::fs::statvfs(path).map_err(|e| {
        fault(path, &e.into(), "run as root, or mount it with allow_other so that others may ask for its space")
    })?;
    let unit = if s.f_frsize > 0 { s.f_frsize } else { s.f_bsize };
    Ok(Space {
        size: s.f_blocks.saturating_mul(unit),
        free: s.f_bfree.saturating_mul(unit),
        available: s.f_bavail.saturating_mul(unit),
        inodes: s.f_files,
        inodes_free: s.f_ffree,
    })
}

/// The host's mounts are seen through our own: only a folder on the right filesystem tells the right space.
fn same(question: &Question) -> Result<(), Fault> {
    let stat = rustix::fs::stat(&question.path).map_err(|e| fault(&question.path, &e.into(), "run as root"))?;
    let here = (rustix::fs::major(stat.st_dev), rustix::fs::minor(stat.st_dev));
    if here == question.device {
        return Ok(());
    }
    let path = question.path.display();
    Err(Fault::Absent(format!("{path} does not show the host's mount: bind the host's / with rslave or rprivate")))
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{open_cx, read_fixture},
        *,
    };
    use crate::{clock::Stamp, interest::Interest};

    fn rows(host: &str) -> Vec<Filesystem> {
        match read_fixture(open, host) {
            Ok(Sample::Filesystems(sample)) => sample.filesystems,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn filesystems_are_shown_once_at_their_shortest_mount() {
        let rows = rows("homelab");
        let found: Vec<(&str, &str, bool)> =
            rows.iter().map(|f| (f.mount.as_str(), f.kind.as_str(), f.read_only)).collect();
        let expected = [
            ("/", "ext4", false),
            ("/boot/efi", "vfat", false),
            ("/home/ada/remote", "fuse.sshfs", false),
            ("/mnt/nas", "nfs4", false),
            ("/mnt/share", "cifs", true),
            ("/tank", "zfs", false),
            ("/tank/AI models", "zfs", false),
            ("/tank/media", "zfs", false),
        ];
        assert_eq!(found, expected);
        assert_eq!(rows[0].device, "/dev/mapper/vg0-root");
    }

    #[test]
    fn recorded_mounts_do_not_take_the_host_s_space() {
        for row in rows("homelab") {
            assert!(matches!(&row.space, Err(Fault::Absent(why)) if why.contains("recording")), "{row:?}");
        }
    }

    #[test]
    fn hostile_lines_are_left_out_and_names_cleaned() {
        let found: Vec<(String, String)> = rows("hostile").into_iter().map(|f| (f.mount, f.device)).collect();
        assert_eq!(found, [("/mnt/?[31mred".into(), "/dev/?[2Jx".into()), ("/trunc\\04".into(), "/dev/sdc".into())]);
    }

    #[test]
    fn a_guest_s_root_is_its_dataset() {
        let rows = rows("lxc");
        assert_eq!(rows.iter().map(|f| f.device.as_str()).collect::<Vec<_>>(), ["rpool/data/subvol-101-disk-0"]);
    }

    #[test]
    fn container_overlay_is_its_root_and_engine_files_are_left_out() {
        let text = b"1 0 0:50 / / rw - overlay overlay rw\n5 1 0:51 / /var/lib/x/merged rw - fuse.fuse-overlayfs fuse-overlayfs rw\n2 1 254:0 /x/hosts /etc/hosts rw - ext4 /dev/vda rw\n";
        let rows = shown(mounts::parse(text));
        assert_eq!(rows.iter().map(|m| m.point.as_slice()).collect::<Vec<_>>(), [b"/"]);
    }

    fn points(text: &str) -> Vec<String> {
        let told = |mount: Mount| {
            let read_only = if mount.read_only { " ro" } else { "" };
            format!("{}{read_only}", String::from_utf8_lossy(&mount.point))
        };
        shown(mounts::parse(text.as_bytes())).into_iter().map(told).collect()
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
    fn an_image_that_a_program_mounts_is_full_by_design() {
        let line =
            |flags: &str| format!("7 1 0:44 / /tmp/.mount_x {flags} - fuse.Tool.AppImage Tool.AppImage {flags}\n");
        let mount = |flags: &str| mounts::parse(line(flags).as_bytes()).remove(0);
        let full = Space { size: 9, ..Space::default() };
        assert!(is_full_image(&mount("ro"), &full) && !is_full_image(&mount("rw"), &full));
        assert!(!is_full_image(&mount("ro"), &Space { free: 1, ..full }));
    }

    #[test]
    fn what_hides_a_mount_is_what_counts() {
        let text = b"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /data rw - ext4 /dev/sda2 rw\n3 1 8:3 / /data rw - xfs /dev/sda3 rw\n";
        let rows = shown(mounts::parse(text));
        assert_eq!(rows.iter().map(|m| m.source.as_slice()).collect::<Vec<_>>(), [&b"/dev/sda1"[..], b"/dev/sda3"]);
    }

    #[test]
    fn what_an_earlier_run_hangs_on_is_not_asked() {
        // A number that no device has: tests run side by side.
        let question = |minor| Question { path: "/".into(), device: (4095, minor) };
        let earlier = mark(&question(std::process::id())).expect("nobody asks");
        if earlier.is_some() {
            assert_eq!(mark(&question(std::process::id())).map(|_| ()), Err(Fault::Timeout));
            drop(earlier);
            assert!(mark(&question(std::process::id())).is_ok());
        }
    }

    #[test]
    fn a_dead_server_s_row_times_out_and_the_others_are_fresh() {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::create_dir_all(folder.path().join("proc/1")).expect("folder");
        let text = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:50 / /nas rw - nfs4 nas:/x rw\n";
        std::fs::write(folder.path().join("proc/1/mountinfo"), text).expect("file");
        let (_never, gate) = std::sync::mpsc::channel::<()>();
        let gate = std::sync::Mutex::new(gate);
        let ask: Ask = Arc::new(move |question| {
            if question.device == (0, 50) {
                let _ = gate.lock().expect("gate").recv();
            }
            Ok(Space { size: 10, ..Space::default() })
        });
        let root = Root::new(folder.path());
        let mut source = Filesystems {
            mountinfo: Reread::new(&root, mounts::file(&root)),
            root,
            recorded: false,
            asker: Asker::new(ask, Duration::from_secs(1)),
        };
        for second in 1..3 {
            let cx = CollectCx::new(Stamp::at_seconds(second), &Interest::default());
            let Ok(Sample::Filesystems(sample)) = source.collect(&cx) else { panic!("no sample") };
            let spaces: Vec<bool> = sample.filesystems.iter().map(|f| f.space.is_ok()).collect();
            assert_eq!(spaces, [true, false]);
            assert_eq!(sample.filesystems[1].space, Err(Fault::Timeout));
        }
    }

    #[test]
    fn this_machine_s_root_has_space_for_something() {
        let sample = open(&open_cx(Root::default()))
            .and_then(|mut s| s.collect(&CollectCx::new(Stamp::at_seconds(1), &Interest::default())));
        let Ok(Sample::Filesystems(sample)) = sample else { panic!("{sample:?}") };
        for row in sample.filesystems.iter().filter(|f| f.mount == "/") {
            assert!(row.space.as_ref().is_ok_and(|s| s.size > 0 && s.free <= s.size), "{row:?}");
        }
    }
}
