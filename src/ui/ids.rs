//! Names that every part of the screen shares: panes, keys.

/// The name of a pane, as the config and the layout spell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PaneId {
    Cpu,
    Memory,
    Gpus,
    DiskNet,
    Filesystems,
    Sensors,
    Pools,
    Containers,
    Services,
    Models,
    Processes,
}

/// A key press.
pub type Key = crossterm::event::KeyEvent;
