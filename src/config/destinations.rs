//! Destinations of alerts, as settings.

use std::{path::PathBuf, time::Duration};

use crate::{alert::Level, model::service::target::ServiceUrl};

/// Where something is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Url(ServiceUrl),
    /// The file that holds it, as it is a secret.
    File(PathBuf),
}

/// A server that takes notices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Web {
    pub address: Address,
    /// Headers of the request, one a line: they may hold secrets.
    pub headers_file: Option<PathBuf>,
    /// Certificates to trust beside those of the machine.
    pub ca_file: Option<PathBuf>,
    pub timeout: Duration,
    /// The mildest level that is sent.
    pub level: Level,
    /// Between two requests of a heartbeat.
    pub every: Duration,
    /// What is acknowledged or silenced here is silenced in the Alertmanager too.
    pub silences: bool,
}

/// The terminal that benchtop runs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bell {
    /// The terminal shows a notice of the desktop too, where it can.
    pub desktop: bool,
    pub level: Level,
}

/// A program that is started for each notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The program and its arguments; no shell reads them.
    pub argv: Vec<String>,
    pub timeout: Duration,
    pub level: Level,
}

/// All destinations that are set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NotifySettings {
    pub bell: Option<Bell>,
    pub command: Option<Program>,
    pub webhook: Option<Web>,
    pub ntfy: Option<Web>,
    pub alertmanager: Option<Web>,
    pub heartbeat: Option<Web>,
}
