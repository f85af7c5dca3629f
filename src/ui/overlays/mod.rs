//! What lies over the overview: help, details, lists, questions. One file each; the topmost gets the keys.

pub mod arc;
mod causes;
pub mod columns;
pub mod confirm;
pub mod container_acts;
pub mod container_detail;
pub mod cpu_detail;
pub mod disk_detail;
pub mod findings;
pub mod gpu_detail;
pub mod help;
pub mod limits;
pub mod listed;
pub mod log;
pub mod memory_detail;
pub mod menu;
pub mod network_detail;
pub mod pool_acts;
pub mod pool_detail;
pub mod process_detail;
pub mod renice;
pub mod report;
mod seen;
pub mod signal;
pub mod sockets;
pub mod stores;
pub mod themes;
