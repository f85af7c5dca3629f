//! TABLE PANES: what the overview can show, focus and zoom.

use super::{
    containers, cpu,
    disks_network::{self, filesystems},
    gpus, memory, models, pools, processes, sensors, services,
    view::PaneDef,
};

/// TABLE PANES. Digits follow the layout: the first pane that the machine has something for is 1.
pub static PANES: &[PaneDef] = &[
    cpu::pane::DEF,
    memory::pane::DEF,
    gpus::pane::DEF,
    disks_network::pane::DEF,
    filesystems::DEF,
    sensors::pane::DEF,
    pools::pane::DEF,
    containers::pane::DEF,
    services::pane::DEF,
    models::pane::DEF,
    processes::pane::DEF,
];
