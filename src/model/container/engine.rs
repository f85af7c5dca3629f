//! One container engine: whether it answers, and why not.

use serde::{Deserialize, Serialize};

use crate::model::{engine_address::EngineAddress, fault::Fault};

/// One engine: a socket that answers, or does not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Engine {
    /// `docker`, `podman`.
    pub kind: String,
    /// Its address: `unix:///var/run/docker.sock`.
    pub address: EngineAddress,
    /// Its version, once it answered.
    pub version: Option<String>,
    /// Why it is not answering now; `None` while it does.
    pub fault: Option<Fault>,
    /// Since when it does not answer: milliseconds since 1970.
    #[serde(default)]
    pub fault_unix_ms: Option<i64>,
    /// It is on this machine: its containers' control groups can be read here.
    pub local: bool,
    /// It is an engine that another address reaches too: its containers are listed there.
    #[serde(default)]
    pub twin: bool,
    /// Its containers were listed since we began.
    #[serde(default)]
    pub listed: bool,
}

impl Engine {
    /// Why it has no data now, in words that follow its address; `None` while it answers.
    #[must_use]
    pub fn why(&self) -> Option<String> {
        Some(match self.fault.as_ref()? {
            Fault::Timeout => "not responding".to_owned(),
            Fault::Denied { what, hint } => format!("{what} ({hint})"),
            Fault::Absent(what) | Fault::Broken(what) => what.clone(),
        })
    }

    /// `Docker`, `Podman`.
    #[must_use]
    pub fn title(&self) -> String {
        let mut letters = self.kind.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }

    /// Why it has no data now, in a sentence that names it and a hint; `None` while it answers.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        let place = self.address.as_str();
        let place = place.strip_prefix("unix://").unwrap_or(place);
        Some(match self.fault.as_ref()? {
            Fault::Denied { what, hint } => format!("{}: {what} on {place} ({hint})", self.title()),
            Fault::Timeout => format!("{}: no answer from {place}", self.title()),
            Fault::Absent(what) | Fault::Broken(what) => format!("{} at {place}: {what}", self.title()),
        })
    }
}
