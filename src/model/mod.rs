//! What is true about the machine: types and pure derivation, no I/O. One file a domain; `event` carries facts in,
//! `host` folds them.

pub mod alert;
pub mod answer;
pub mod arc;
pub mod container;
pub mod cpu;
pub mod disk;
pub mod engine_address;
pub mod event;
pub mod facts;
pub mod fault;
pub mod filesystem;
pub mod gpu;
pub mod header;
pub mod health;
pub mod host;
pub mod join;
pub mod limits;
pub mod load;
pub mod log;
pub mod memory;
pub mod metrics;
pub mod network;
pub mod operation;
pub mod pool;
pub mod power;
pub mod pressure;
pub mod process;
pub mod rate;
pub mod sensor;
pub mod series;
pub mod socket;
pub mod source;
pub mod span;
pub mod store;
pub mod subject;
