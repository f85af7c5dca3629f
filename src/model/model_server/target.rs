//! A server that the user names: one `[[model_server]]` of the config.

use std::{path::PathBuf, time::Duration};

use super::Kind;
use crate::model::service::target::ServiceUrl;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelServerTarget {
    /// Unique.
    pub name: String,
    pub url: ServiceUrl,
    /// `None`: it is recognised.
    pub kind: Option<Kind>,
    /// Holds its key, which is read at each round.
    pub token_file: Option<PathBuf>,
    /// Certificates that are trusted beside those of the machine.
    pub ca_file: Option<PathBuf>,
    /// Between two rounds; `None`: the default of its kind.
    pub every: Option<Duration>,
    /// False: it never puts its model out of memory by itself, so that an idle one may be asked often.
    pub sleeps: Option<bool>,
}

impl ModelServerTarget {
    #[must_use]
    pub fn new(name: impl Into<String>, url: ServiceUrl) -> Self {
        ModelServerTarget {
            name: name.into(),
            url,
            kind: None,
            token_file: None,
            ca_file: None,
            every: None,
            sleeps: None,
        }
    }
}
