//! What the network costs: between two containers, against the machine's own path, to the gateway and outside.

mod allocation;
mod internal;
mod iperf;
mod latency;
mod outside;
mod overhead;
mod pair;
mod path;
mod subnet;
mod tcp;
#[cfg(test)]
mod tests;

pub use allocation::ALLOCATION;
pub use internal::{LATENCY, THROUGHPUT};
pub use latency::{GATEWAY, OUTSIDE as OUTSIDE_LATENCY};
pub use outside::OUTSIDE as OUTSIDE_THROUGHPUT;
pub use overhead::OVERHEAD;
