//! What the network costs: between two containers, against the machine's own path, to the gateway and outside.

mod internal;
mod iperf;
mod overhead;
mod pair;
mod path;
mod subnet;
mod tcp;

pub use internal::{LATENCY, THROUGHPUT};
pub use overhead::OVERHEAD;
