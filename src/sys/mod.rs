//! Hands on the machine: files under a root, and children.

pub mod bench_lock;
pub mod descriptors;
pub mod engine;
pub mod exec;
pub mod helper;
pub mod http;
pub mod json;
pub mod model_server;
pub mod mounts;
pub mod netlink;
pub mod netns;
pub mod parse;
pub mod probe;
pub mod remote;
pub mod reread;
pub mod root;
pub mod systemd;

/// Prefix of the names of our threads; the panic hook leaves such a thread to whoever started it.
pub const THREAD_PREFIX: &str = "bt-";
