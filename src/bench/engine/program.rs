//! What runs in the containers of a benchmark, as a command line of the image's shell.

/// Where a benchmark's files are mounted in a container.
pub const MOUNTED: &str = "/benchtop";
/// The port of the small web server.
pub const PORT: u16 = 8080;

/// A process whose behaviour is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// Stays, and ends at once when it is asked to (TERM); it writes `ready` when it can be.
    Stays,
    /// Stays, and does not end when it is asked to; it writes `ready` too.
    Ignores,
    /// Reads a file and ends.
    Reads(String),
    /// Answers HTTP on [`PORT`].
    Serves,
    /// Uses the CPU and so much memory (MiB).
    Works(u32),
    /// What the image says.
    Own,
}

impl Program {
    /// Its command line; `None`: the image's own.
    pub fn command(&self) -> Option<Vec<String>> {
        let script = match self {
            Program::Stays => "trap 'exit 0' TERM; echo ready; while :; do sleep 3600 & wait $!; done".to_owned(),
            Program::Ignores => "trap '' TERM; echo ready; while :; do sleep 3600; done".to_owned(),
            Program::Reads(file) => return Some(vec!["cat".to_owned(), file.clone()]),
            Program::Serves => {
                format!("mkdir -p /tmp/www && echo ok >/tmp/www/index.html && exec httpd -f -p {PORT} -h /tmp/www")
            }
            // A shell keeps what it was given: its variable is the memory.
            Program::Works(mib) => {
                format!("x=$(head -c {} /dev/zero | tr '\\0' x); while :; do :; done", u64::from(*mib) << 20)
            }
            Program::Own => return None,
        };
        Some(vec!["sh".to_owned(), "-c".to_owned(), script])
    }
}
