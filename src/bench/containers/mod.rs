//! What containers cost on this machine: starting, stopping, mounting, asking the engine, many at once.

mod api;
mod common;
mod density;
mod mount;
mod overhead;
mod page;
mod start;
mod stop;

pub use self::{api::API, density::DENSITY, mount::MOUNT, overhead::OVERHEAD, page::PAGE, start::START, stop::STOP};

#[cfg(test)]
mod tests;
