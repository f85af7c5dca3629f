//! Disks, interfaces, filesystems and sockets: their panes, the view of one disk and of one interface.

pub mod columns;
mod devices;
pub mod disk_detail;
pub mod filesystem_detail;
pub mod filesystems;
pub mod network_detail;
pub mod pane;
mod rows;
pub mod sockets;

use crate::{model::subject::Subject, state::State, ui::view::Overlay};

/// The view of a disk, an interface or a filesystem.
#[must_use]
pub fn open(subject: &Subject, state: &State) -> Option<Box<dyn Overlay>> {
    let host = &state.host;
    match subject {
        Subject::Disk(name) => {
            host.disks.find(name)?;
            Some(Box::new(disk_detail::DiskDetail::new(name.clone())))
        }
        Subject::Filesystem(mount) => {
            host.filesystems.filesystems.iter().find(|f| f.mount == *mount)?;
            Some(Box::new(filesystem_detail::FilesystemDetail::new(mount.clone())))
        }
        Subject::Interface(name) => {
            host.network.find(name)?;
            Some(Box::new(network_detail::NetworkDetail::new(name.clone())))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        disk::{Disk, DiskCounters},
        fault::Fault,
        filesystem::Filesystem,
        network::{Interface, InterfaceCounters},
    };

    #[test]
    fn only_what_is_there_has_a_view() {
        let mut state = State::default();
        let raw = DiskCounters { name: "sda".into(), ..DiskCounters::default() };
        state.host.disks.disks = vec![Disk { raw, ..Disk::default() }];
        state.host.filesystems.filesystems = vec![Filesystem {
            mount: "/srv".into(),
            device: "/dev/sda1".into(),
            kind: "ext4".into(),
            options: String::new(),
            read_only: false,
            space: Err(Fault::Timeout),
        }];
        let raw = InterfaceCounters { name: "eth0".into(), ..InterfaceCounters::default() };
        state.host.network.interfaces = vec![Interface { raw, ..Interface::default() }];
        let of = |make: fn(String) -> Subject, name: &str| open(&make(name.to_owned()), &state).is_some();
        assert_eq!((of(Subject::Disk, "sda"), of(Subject::Disk, "sdb")), (true, false));
        assert_eq!((of(Subject::Filesystem, "/srv"), of(Subject::Filesystem, "/")), (true, false));
        assert_eq!((of(Subject::Interface, "eth0"), of(Subject::Interface, "eth1")), (true, false));
        assert!(!of(Subject::Pool, "tank"), "it is of another domain");
    }
}
