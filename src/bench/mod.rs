//! Benchmarks of the machine: TABLE BENCHES, and what each of its rows does. One file a benchmark; each has a plan that
//! says what it will do before anything is touched, a run that measures, and a parser that is tested against recorded
//! output. The runner gives it a journal for what it makes, a way to be stopped, and a deadline.

pub mod auto_undo;
mod containers;
mod contract;
mod cpu;
mod engine;
mod env;
mod figures;
mod fingerprint;
pub mod lock;
mod memory;
mod models;
mod network;
mod others;
mod preflight;
pub mod runner;
mod sampling;
pub mod scratch;
mod stop;
mod storage;
pub mod suite;
#[cfg(test)]
pub mod testing;
mod tool;
mod web;

pub use contract::{BenchDef, Benchmark, FigureDef, Measured, RunCx, Survey, Work};
pub use env::{Emit, Env};
pub use scratch::{LABEL, Scratch};
pub use stop::{Stop, StopFlag};

pub use crate::model::bench::{Group, Offer, Plan};

/// TABLE BENCHES, in the order in which they run and are shown.
pub static BENCHES: &[BenchDef] = &[
    containers::START,
    containers::STOP,
    containers::MOUNT,
    containers::API,
    containers::PAGE,
    containers::DENSITY,
    containers::OVERHEAD,
    storage::READ,
    storage::WRITE,
    storage::RANDOM_4K,
    storage::RANDOM_64K,
    storage::COMPRESS,
    network::LATENCY,
    network::THROUGHPUT,
    network::OVERHEAD,
    network::ALLOCATION,
    network::GATEWAY,
    network::OUTSIDE_LATENCY,
    network::OUTSIDE_THROUGHPUT,
    models::INITIALIZATION,
    models::LOAD,
    models::RESPONSE,
    models::SWITCH,
    models::SESSIONS,
    models::INFERENCE,
    BenchDef {
        id: "cpu",
        group: Group::Machine,
        doc: "Arithmetic on one core and on all of them, and how well they work together",
        figures: cpu::FIGURES,
        bench: &cpu::Cpu,
    },
    BenchDef {
        id: "memory",
        group: Group::Machine,
        doc: "How fast all cores together copy memory",
        figures: memory::FIGURES,
        bench: &memory::Memory,
    },
];
