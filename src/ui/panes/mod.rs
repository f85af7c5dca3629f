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

use super::view::PaneDef;

/// TABLE PANES. Digits follow the layout: the first pane that the machine has something for is 1.
pub static PANES: &[PaneDef] = &[
    cpu::DEF,
    memory::DEF,
    gpus::DEF,
    disk_net::DEF,
    filesystems::DEF,
    sensors::DEF,
    pools::DEF,
    containers::DEF,
    processes::DEF,
];
