//! Load averages and task counts ("proc(5)" loadavg; `/proc/stat` procs_running, procs_blocked).

use serde::{Deserialize, Serialize};

use super::series::Series;

#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct LoadSample {
    pub load1: f64,
    pub load5: f64,
    pub load15: f64,
    /// Threads that may run now.
    pub running_threads: u32,
    /// Threads in all.
    pub threads: u32,
    /// Seconds since boot.
    pub uptime_seconds: f64,
    /// The process that runs benchmarks now, of this program or another one: what they saturate is no alarm.
    #[serde(default)]
    pub benchmarks_by: Option<u32>,
}

/// All that is shown of load.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Load {
    pub raw: LoadSample,
    /// The 1-minute average.
    pub history: Series,
}

impl Load {
    pub fn apply(&mut self, span: super::span::Span, sample: LoadSample) {
        self.raw = sample;
        self.history.push(span.at, span.every, Some(sample.load1));
    }
}
