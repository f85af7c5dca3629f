//! The host that notices come from, and where their ledgers are.

use std::path::PathBuf;

/// Where this host is in a notice, and where ledgers are kept.
#[derive(Debug, Clone)]
pub struct Home {
    pub host: String,
    /// `None`: nothing is kept, and what was sent before a restart is sent again.
    pub folder: Option<PathBuf>,
}
