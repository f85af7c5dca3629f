//! Mounted filesystems and their space: mountinfo and statvfs, in its own lane.

mod ask;
mod asker;
mod kinds;
mod rows;

use std::{ffi::OsString, os::unix::ffi::OsStringExt, path::PathBuf, sync::Arc, time::Duration};

use super::{CollectCx, Collector, OpenCx};
use crate::{
    model::{
        event::Sample,
        fault::Fault,
        filesystem::{Filesystem, FilesystemSample, Space},
    },
    sys::{
        mounts::{self, Mount, may_hang},
        reread::Reread,
        root::Root,
    },
    text::clean_bytes,
};
use ask::{mark, same, space};
use asker::{Ask, Asker, Question};
use kinds::is_full_image;
use rows::{shown, without_second_views};

/// A server that answers later than this is reported as dead until it does.
const PATIENCE: Duration = Duration::from_millis(1200);

/// # Errors
/// None; the reading reports what is missing.
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
                options: all_options(&mount),
                read_only: mount.read_only,
                space,
            })
            .collect();
        Ok(Sample::Filesystems(FilesystemSample { filesystems }))
    }
}

/// The options of the mount, then those of the filesystem that are others.
fn all_options(mount: &Mount) -> String {
    let own = mounts::options(&mount.options).filter(|option| !mounts::has(&mount.flags, option));
    let all: Vec<String> = mounts::options(&mount.flags).chain(own).map(clean_bytes).collect();
    all.join(",")
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
            let want = Interest::default();
            let cx = CollectCx::new(Stamp::at_seconds(second), &want);
            let Ok(Sample::Filesystems(sample)) = source.collect(&cx) else { panic!("no sample") };
            let spaces: Vec<bool> = sample.filesystems.iter().map(|f| f.space.is_ok()).collect();
            assert_eq!(spaces, [true, false]);
            assert_eq!(sample.filesystems[1].space, Err(Fault::Timeout));
        }
    }

    #[test]
    fn this_machines_root_has_space() {
        let sample = open(&open_cx(Root::default()))
            .and_then(|mut s| s.collect(&CollectCx::new(Stamp::at_seconds(1), &Interest::default())));
        let Ok(Sample::Filesystems(sample)) = sample else { panic!("{sample:?}") };
        for row in sample.filesystems.iter().filter(|f| f.mount == "/") {
            assert!(row.space.as_ref().is_ok_and(|s| s.size > 0 && s.free <= s.size), "{row:?}");
        }
    }
}
