//! Pieces of views that several domains draw.

pub mod arc;
pub mod causes;
pub mod process;
pub mod reader;
