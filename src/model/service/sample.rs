//! What the source of services says at each reading: every target with its newest round. Most readings repeat what the one
//! before said, so both are shared.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    round::{Cause, Round},
    target::{Scheme, ServiceTarget},
};

/// What is probed, as all may see it: without files and queries, which may be secret.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Probe {
    /// Unique.
    pub name: String,
    /// Without its query.
    pub url: String,
    pub scheme: Scheme,
    pub host: String,
    /// 0 for a ping.
    pub port: u16,
    /// Between two rounds.
    pub every: Duration,
    /// Listed and not probed.
    pub paused: bool,
}

impl Probe {
    #[must_use]
    pub fn of(target: &ServiceTarget) -> Self {
        Probe {
            name: target.name.clone(),
            url: target.url.to_string(),
            scheme: target.url.scheme(),
            host: target.url.host(),
            port: target.url.port(),
            every: target.every,
            paused: target.pause,
        }
    }
}

/// One target.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Probed {
    pub probe: Arc<Probe>,
    /// The newest round; `None` before the first has ended.
    pub round: Option<Arc<Round>>,
    /// Why no round ends: a name is being resolved, say, which no deadline can end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<(Cause, String)>,
}

/// One reading: in the order of the config.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ServiceSample {
    pub services: Vec<Probed>,
}

impl ServiceSample {
    /// Each has had its first round.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.services.iter().all(|probed| probed.probe.paused || probed.round.is_some() || probed.stuck.is_some())
    }

    /// Something is known of each.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.services.iter().all(|probed| probed.probe.paused || probed.round.is_some())
    }
}
