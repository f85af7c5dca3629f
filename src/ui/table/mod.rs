//! What every table shares: columns that give way, sorting, the filter language, search, cursor and scroll;
//! one [`core::Table`] of all that, and its hosts: a pane or an overlay.

pub mod column;
pub mod core;
pub mod cursor;
pub mod def;
mod draw;
pub mod filter;
pub mod grid;
pub mod lines;
pub mod needle;
pub mod order;
pub mod pane;
pub mod place;
pub mod prompt;
pub mod screen;
mod steady;
#[cfg(test)]
mod tests;
pub mod tree;
