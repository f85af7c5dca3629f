//! One request with a body to a server that takes notices: a connection of its own, one deadline for all of it. No redirect
//! is followed, as what is sent may be a secret.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use http_body_util::Full;
use hyper::{
    Method, Request,
    body::Bytes,
    header::{self, HeaderName, HeaderValue},
};
use tokio::{runtime::Builder, time::timeout_at};

use super::{connect, headers, resolve, tls::Trust};
use crate::{
    model::service::{
        round::Found,
        target::{Scheme, ServiceUrl},
    },
    sys::http,
};

/// Bytes of an answer that are read.
const ANSWER: usize = 256 << 10;

/// What is sent.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// `GET`, `POST`, `DELETE`.
    pub method: &'static str,
    pub url: ServiceUrl,
    /// In place of the path and query of `url`.
    pub path: Option<String>,
    pub headers: Vec<(&'static str, String)>,
    /// More of them, one a line: they may hold secrets.
    pub headers_file: Option<PathBuf>,
    /// Certificates to trust beside those of the machine.
    pub ca_file: Option<PathBuf>,
    pub body: Vec<u8>,
    pub timeout: Duration,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Sends it on the caller's thread, which waits for names to be resolved as long as that takes.
///
/// # Errors
/// Why there is no answer, in a few words.
pub fn send(parcel: &Parcel) -> Result<Receipt, String> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error: io::Error| error.to_string())?;
    let addresses = resolve::resolve(&parcel.url.host(), parcel.url.port()).map_err(|t| t.words().to_owned())?;
    let request = request(parcel)?;
    runtime.block_on(exchange(parcel, request, &addresses))
}

fn request(parcel: &Parcel) -> Result<Request<Full<Bytes>>, String> {
    let wrong = |error: String| format!("{} cannot be asked: {error}", parcel.url);
    let method = Method::from_bytes(parcel.method.as_bytes()).map_err(|error| wrong(error.to_string()))?;
    let path = parcel.path.clone().unwrap_or_else(|| parcel.url.request());
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, parcel.url.authority())
        .header(header::USER_AGENT, concat!("benchtop/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close")
        .body(Full::new(Bytes::from(parcel.body.clone())))
        .map_err(|error| wrong(error.to_string()))?;
    for (name, value) in &parcel.headers {
        let value =
            HeaderValue::from_str(value).map_err(|_| wrong(format!("its header {name} holds what no header may")))?;
        request.headers_mut().insert(HeaderName::from_static(name), value);
    }
    if let Some(file) = &parcel.headers_file {
        for (name, value) in headers::read(file).map_err(|trouble| trouble.words().to_owned())? {
            request.headers_mut().insert(name, value);
        }
    }
    Ok(request)
}

async fn exchange(parcel: &Parcel, request: Request<Full<Bytes>>, addresses: &[SocketAddr]) -> Result<Receipt, String> {
    let end = Instant::now() + parcel.timeout;
    let mut found = Found::default();
    let left = |end: Instant| end.saturating_duration_since(Instant::now());
    let stream = connect::to(addresses, end, &mut found).await.map_err(|t| t.words().to_owned())?;
    let answer = match parcel.url.scheme() {
        Scheme::Https => {
            let mut trust = Trust::new(parcel.ca_file.clone());
            let wrapped = timeout_at(end.into(), trust.wrap(&parcel.url.host(), stream, &mut found)).await;
            let wrapped = wrapped.map_err(|_| "the TLS handshake did not end in time".to_owned())?;
            http::ask(wrapped.map_err(|t| t.words().to_owned())?, request, left(end)).await
        }
        _ => http::ask(stream, request, left(end)).await,
    };
    let answer = answer.map_err(|error| error.to_string())?;
    let status = answer.status;
    // What is not said within the time does not matter to who only wants to be rid of a notice.
    let body = answer.whole(ANSWER, left(end)).await.unwrap_or_default();
    Ok(Receipt { status, body })
}
