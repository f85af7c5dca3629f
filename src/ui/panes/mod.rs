//! One file a pane.

pub mod containers;
pub mod cpu;
pub mod disk_net;
pub mod filesystems;
pub mod gpus;
pub mod memory;
pub mod pools;
pub mod processes;
pub mod sensors;
pub mod tabled;
