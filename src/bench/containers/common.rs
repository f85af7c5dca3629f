//! What all benchmarks of containers end with.

use crate::bench::{Measured, engine::Ready};

/// What is said of a run beside its samples.
pub fn measured(image: Ready, method: &str) -> Measured {
    let fingerprint = [("image".to_owned(), image.identity), ("method".to_owned(), method.to_owned())].into();
    Measured { fingerprint, notes: Vec::new() }
}
