//! benchtop: a live terminal monitor that knows what normal is.
//!
//! Facts come in on one channel, one pure fold turns them into [`state::State`], and everything that a person or a
//! program sees reads that state. `CONTRIBUTING.md` draws the map; `tests/floors.rs` keeps the floors apart.
//! The library exists for the binary and its tests; it promises no stable interface.

// Printing macros panic where nobody reads any more: `app::output` does not.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod act;
pub mod alert;
pub mod analysis;
pub mod app;
pub mod bench;
pub mod cli;
pub mod clock;
pub mod collect;
pub mod config;
pub mod diag;
pub mod interest;
pub mod model;
pub mod notify;
pub mod request;
pub mod sink;
pub mod state;
pub mod store;
pub mod sys;
pub mod target;
pub mod text;
pub mod ui;
pub mod units;
