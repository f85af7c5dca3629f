//! Servers of language models: what each has loaded, how much it does, and what its own figures say between two samples.

mod bottleneck;
mod histogram;
mod kind;
mod probe;
mod row;
mod sample;
mod target;
mod work;

pub use bottleneck::{Around, Slow};
pub use histogram::{Histogram, Spread};
pub use kind::Kind;
pub use probe::{ProbeSettings, Probed, Shot};
pub use row::{ANSWER, ModelRow, ModelServers, ServerRow, Trouble};
pub use sample::{
    Expiry, Model, ModelServerSample, ModelState, Origin, Reading, Runner, Server, ServerState, Setting, Slot, Work,
};
pub use target::ModelServerTarget;
pub use work::{Figures, Flow};
