//! Pages and files over HTTP, fetched as a browser does it.

mod fetch;
mod head;

pub use fetch::{Page, Trusts, download, page};
