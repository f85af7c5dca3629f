//! Pieces of views that several domains draw.

pub mod arc;
pub mod process;
pub mod reader;
pub mod top_users;
