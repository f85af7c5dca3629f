//! A container engine in the hands of a benchmark: which ones there are, an image that needs no registry, and containers
//! and networks that are journalled before they are made.

mod archive;
mod image;
mod on;
mod place;
mod program;
mod session;
#[cfg(test)]
pub mod testing;

pub use image::{Image, Ready};
pub use on::{On, plan, plan_at};
pub use place::{Facts, Place, find, local_offers, offers};
pub use program::{MOUNTED, PORT, Program};
pub use session::{Made, Network, Session, Spec};
