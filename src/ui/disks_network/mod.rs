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
