//! Graphics processors of any maker.

mod bottleneck;
mod row;
mod sample;
mod xid;

pub use bottleneck::{Around, Held};
pub use row::{GpuRow, Gpus};
pub use sample::{
    CardState, Driver, Engine, Gpu, GpuProcess, GpuSample, Link, Maker, MemoryErrors, RemappedRows, Slice, Throttle,
};
pub use xid::{Xid, xid_words};
