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
