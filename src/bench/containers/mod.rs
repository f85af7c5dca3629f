//! What containers cost on this machine: starting, stopping, mounting, asking the engine, many at once.

mod api;
mod common;
mod mount;
mod start;
mod stop;

pub use self::{api::API, mount::MOUNT, start::START, stop::STOP};

#[cfg(test)]
mod tests;
