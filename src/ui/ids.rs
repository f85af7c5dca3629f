//! Names that every part of the screen shares: panes, rows, keys.

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
    Processes,
}

/// A key press.
pub type Key = crossterm::event::KeyEvent;

/// What names a row of a table as long as what it shows exists.
pub type RowKey = u64;
