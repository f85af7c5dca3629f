//! What one sample of a storage benchmark found, whichever engine measured it.

/// One sample.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Report {
    pub bytes: u64,
    pub operations: u64,
    /// For so long it was measured.
    pub seconds: f64,
    /// Until all that was written is on the disk, where the writes themselves did not wait for that.
    pub sync_seconds: f64,
    /// From submission to completion, of all operations.
    pub latency: Latency,
}

/// Seconds; `None` where nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Latency {
    pub mean: Option<f64>,
    pub p50: Option<f64>,
    pub p99: Option<f64>,
    pub p999: Option<f64>,
}

impl Report {
    /// Bytes a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.bytes as f64 / (self.seconds + self.sync_seconds)
    }

    /// Operations a second.
    #[must_use]
    pub fn iops(&self) -> f64 {
        self.operations as f64 / self.seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_count_the_time_until_it_is_on_the_disk() {
        let report = Report { bytes: 400, operations: 4, seconds: 3.0, sync_seconds: 1.0, latency: Latency::default() };
        assert_eq!((report.rate(), report.iops()), (100.0, 4.0 / 3.0));
    }
}
