//! Services: what is probed, what each round found, how each stands and what is usual for it.

mod event;
mod fold;
mod normal;
pub mod round;
mod row;
mod sample;
pub mod target;
mod words;

pub use event::{Occurrence, What};
pub use fold::{Around, CutOff, Services};
pub use normal::{Normal, Usual};
pub use row::{PastRound, ServiceRow, Standing};
pub use sample::{Probe, Probed, ServiceSample};
