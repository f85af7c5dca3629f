//! The optional probe: a fixed short prompt, asked seldom and only of an idle model in memory. Its first answer is cold, as
//! its prompt is new each time; the second is warm, as the cache knows the prompt by then.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Stamp;

/// How the user wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeSettings {
    pub enabled: bool,
    /// Between two probes of one server.
    pub every: Duration,
}

impl Default for ProbeSettings {
    fn default() -> Self {
        ProbeSettings { enabled: false, every: Duration::from_secs(600) }
    }
}

/// One request, timed: seconds from its sending.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Shot {
    pub first_token: f64,
    pub response: f64,
    pub tokens: u64,
    /// After the first token.
    pub tokens_per_second: Option<f64>,
    /// Tokens of the prompt that the server took from its cache, where it says so.
    pub cached: Option<u64>,
    /// It ended before its tokens were used up.
    #[serde(default)]
    pub short: bool,
}

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probed {
    pub at: Stamp,
    pub model: String,
    pub cold: Option<Shot>,
    pub warm: Option<Shot>,
    /// Why it failed.
    pub failure: Option<String>,
}
