//! A connection to a web server for whoever asks it more than one thing: resolved, connected and, for https, wrapped as a
//! probe does it.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout_at,
};

use super::{connect, resolve, tls::Trust, trouble::Trouble};
use crate::model::service::{
    round::Found,
    target::{Scheme, ServiceUrl},
};

/// What carries requests.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Opens connections to one server.
pub struct Opener {
    url: ServiceUrl,
    trust: Trust,
}

impl Opener {
    #[must_use]
    pub fn new(url: ServiceUrl, ca_file: Option<PathBuf>) -> Self {
        Opener { url, trust: Trust::new(ca_file) }
    }

    /// A new connection. Resolving a name blocks the thread.
    ///
    /// # Errors
    /// In a few words, when there is none within `within`.
    pub async fn open(&mut self, within: Duration) -> Result<Box<dyn Stream>, String> {
        self.opened(within).await.map_err(|trouble| trouble.words().to_owned())
    }

    async fn opened(&mut self, within: Duration) -> Result<Box<dyn Stream>, Trouble> {
        let mut found = Found::default();
        let addresses = resolve::resolve(&self.url.host(), self.url.port())?;
        let end = Instant::now() + within;
        let stream = connect::to(&addresses, end, &mut found).await?;
        if self.url.scheme() != Scheme::Https {
            return Ok(Box::new(stream));
        }
        let wrapped = timeout_at(end.into(), self.trust.wrap(&self.url.host(), stream, &mut found)).await;
        match wrapped {
            Ok(wrapped) => Ok(Box::new(wrapped?)),
            Err(_) => Err(Trouble::slow("the TLS handshake did not end in time")),
        }
    }
}
