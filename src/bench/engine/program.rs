//! What runs in the containers of a benchmark, as a command line of the image's shell.

/// Where a benchmark's files are mounted in a container.
pub const MOUNTED: &str = "/benchtop";

/// A process whose behaviour is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// Stays, and ends at once when it is asked to (TERM); it writes `ready` when it can be.
    Stays,
    /// Stays, and does not end when it is asked to; it writes `ready` too.
    Ignores,
    /// Reads a file and ends.
    Reads(String),
    /// What the image says.
    Own,
}

impl Program {
    /// Its command line; `None`: the image's own.
    pub fn command(&self) -> Option<Vec<String>> {
        let script = match self {
            Program::Stays => "trap 'exit 0' TERM; echo ready; while :; do sleep 3600 & wait $!; done",
            Program::Ignores => "trap '' TERM; echo ready; while :; do sleep 3600; done",
            Program::Reads(file) => return Some(vec!["cat".to_owned(), file.clone()]),
            Program::Own => return None,
        };
        Some(vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()])
    }
}
