//! Services: what is probed, what each round found, and what is usual.

pub mod round;
pub mod target;
