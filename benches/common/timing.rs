//! How long each figure is measured: all benches together take a few minutes.

use std::time::Duration;

use criterion::Criterion;

/// Twenty samples within two seconds; `cargo bench -- NAME` narrows the choice.
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args()
}
