//! Pieces of views that several domains draw.

pub mod process;
