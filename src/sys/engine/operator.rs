//! bollard over our own connections: operations use its typed API, and its answers have the caps and the deadline that
//! its own transports lack. Its readers are not used: they refuse a whole answer for one word that they do not know.

use std::{io, pin::Pin, time::Duration};

use bollard::{BollardRequest, ClientVersion, Docker, errors::Error};
use hyper::{
    Response, Uri,
    body::Incoming,
    client::conn::http1,
    header::{HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, join, split};

use super::{EngineClient, EngineError, OLDEST, place::Place};
use crate::text::clean;

/// Bytes of an answer to an operation: the engine lists what it removed.
const CAP: u64 = 4 << 20;

type Answered = Pin<Box<dyn Future<Output = Result<Response<Incoming>, Error>> + Send>>;

impl EngineClient {
    /// bollard's client for this engine, in the form of the API that was agreed on.
    ///
    /// # Errors
    /// When bollard refuses to be made.
    pub fn operator(&self, patience: Duration) -> Result<Docker, EngineError> {
        let place = self.place.clone();
        let transport = move |request: BollardRequest| -> Answered {
            let place = place.clone();
            Box::pin(async move { carry(&place, request).await })
        };
        let (major, minor) = self.api.unwrap_or(OLDEST);
        let version = ClientVersion { major_version: major as usize, minor_version: minor as usize };
        let made =
            Docker::connect_with_custom_transport(transport, Some("http://engine"), patience.as_secs(), &version);
        made.map_err(|error| EngineError::of_operation(&error))
    }
}

impl EngineError {
    /// Why an operation failed, in the engine's words where it has some.
    #[must_use]
    pub fn of_operation(error: &Error) -> Self {
        match error {
            Error::DockerResponseServerError { status_code, message } => {
                EngineError::refused(*status_code, message.trim())
            }
            Error::RequestTimeoutError => EngineError::Silent,
            Error::IOError { err } => match err.get_ref().and_then(|inner| inner.downcast_ref::<EngineError>()) {
                Some(inner) => inner.clone(),
                None => EngineError::Lost(clean(&err.to_string()).into_owned()),
            },
            other => EngineError::Lost(clean(&other.to_string()).into_owned()),
        }
    }
}

/// Sends one request of bollard's over its own connection.
async fn carry(place: &Place, mut request: BollardRequest) -> Result<Response<Incoming>, Error> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let (host, path) = place.target(path);
    *request.uri_mut() = path.parse::<Uri>().map_err(io::Error::other)?;
    request.headers_mut().insert(HOST, HeaderValue::from_str(&host).map_err(io::Error::other)?);
    let stream = place.connect().await.map_err(io::Error::other)?;
    send(stream, request).await
}

async fn send<S>(stream: S, request: BollardRequest) -> Result<Response<Incoming>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (read, write) = split(stream);
    let (mut sender, connection) = http1::handshake(TokioIo::new(join(read.take(CAP), write))).await?;
    // It ends with the runtime of the operation at the latest.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender.send_request(request).await?)
}
