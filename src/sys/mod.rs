//! Hands on the machine: files under a root.

pub mod parse;
pub mod reread;
pub mod root;
