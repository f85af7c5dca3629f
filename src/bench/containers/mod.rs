//! What containers cost on this machine: starting, stopping, mounting, asking the engine, many at once.

mod api;
mod common;
mod mount;
mod page;
mod start;
mod stop;

pub use self::{api::API, mount::MOUNT, page::PAGE, start::START, stop::STOP};

#[cfg(test)]
mod tests;
