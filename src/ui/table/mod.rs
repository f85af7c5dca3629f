//! What every table shares: columns that give way, sorting, the filter language, search, cursor and scroll.

pub mod column;
pub mod cursor;
pub mod filter;
pub mod grid;
pub mod needle;
pub mod order;
pub mod place;
pub mod prompt;
pub mod tree;
