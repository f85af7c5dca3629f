//! One page, asked for over a connection of its own, in timed phases: connect, TLS, first byte, body.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use http_body_util::Full;
use hyper::{
    Request,
    body::Bytes,
    header::{self, HeaderName, HeaderValue},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout_at,
};

use super::{connect, tls::Trust, trouble::Trouble};
use crate::{
    model::service::{
        round::{Found, Phase},
        target::{Scheme, ServiceTarget, ServiceUrl},
    },
    sys::http::{self, Answer, HttpError},
    units::{bytes_long, span},
};

/// Bytes of a body that are read: enough to tell how fast it comes.
pub(super) const BODY: usize = 1 << 20;

/// What came of one page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Done,
    /// It leads elsewhere.
    Redirect(String),
}

/// What carries a request.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Asks one of `addresses` for the page at `url` before `end`.
pub(super) async fn page(
    target: &ServiceTarget,
    url: &ServiceUrl,
    headers: &[(HeaderName, HeaderValue)],
    addresses: &[SocketAddr],
    trust: &mut Trust,
    end: Instant,
    found: &mut Found,
) -> Result<Step, Trouble> {
    let request = request(url, headers)?;
    let stream = connect::to(addresses, end, found).await?;
    let waited = span(target.timeout.max(Duration::from_secs(1)));
    let stream: Box<dyn Stream> = match url.scheme() {
        Scheme::Https => {
            let began = Instant::now();
            let wrapped = timeout_at(end.into(), trust.wrap(&url.host(), stream, found)).await;
            found.phases.add(Phase::Tls, began.elapsed().as_secs_f64());
            Box::new(wrapped.map_err(|_| Trouble::slow(format!("the TLS handshake did not end within {waited}")))??)
        }
        _ => Box::new(stream),
    };
    let began = Instant::now();
    let answer = http::ask(stream, request, end.saturating_duration_since(began)).await;
    found.phases.add(Phase::FirstByte, began.elapsed().as_secs_f64());
    let mut answer = answer.map_err(|error| match error {
        HttpError::Silent => Trouble::slow(format!("connected, but no answer within {waited}")),
        error => Trouble::wrong(error.to_string()),
    })?;
    found.status = Some(answer.status);
    let redirects = matches!(answer.status, 301 | 302 | 303 | 307 | 308);
    if redirects
        && !target.expects(answer.status)
        && let Some(location) = answer.location.take()
    {
        return Ok(Step::Redirect(location));
    }
    if !target.expects(answer.status) {
        return Err(Trouble::wrong(format!("status {}", answer.status)));
    }
    body(target, answer, end, found).await.map(|()| Step::Done)
}

fn request(url: &ServiceUrl, headers: &[(HeaderName, HeaderValue)]) -> Result<Request<Full<Bytes>>, Trouble> {
    let mut request = Request::get(url.request())
        .header(header::HOST, url.authority())
        .header(header::USER_AGENT, concat!("benchtop/", env!("CARGO_PKG_VERSION")))
        .header(header::ACCEPT, "*/*")
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::CONNECTION, "close")
        .body(Full::default())
        .map_err(|error| Trouble::setup(format!("{url} cannot be asked for: {error}")))?;
    let own = request.headers_mut();
    // The first of a name takes the place of ours; the rest is added to it.
    for (at, (name, value)) in headers.iter().enumerate() {
        let again = headers[..at].iter().any(|(before, _)| before == name);
        if again {
            own.append(name, value.clone());
        } else {
            own.insert(name, value.clone());
        }
    }
    Ok(request)
}

/// Reads the body to its end or its cap, and looks for the text that is expected.
async fn body(target: &ServiceTarget, mut answer: Answer, end: Instant, found: &mut Found) -> Result<(), Trouble> {
    let mut finder = Finder::new(target.expect_text.as_deref().unwrap_or_default());
    let (began, mut read) = (Instant::now(), 0);
    let ended = timeout_at(end.into(), async {
        while read <= BODY {
            let Some(piece) = answer.piece().await? else { return Ok(()) };
            read += piece.len();
            finder.take(&piece);
        }
        found.cut = true;
        Ok(())
    })
    .await;
    found.phases.add(Phase::Body, began.elapsed().as_secs_f64());
    found.bytes = Some(read as u64);
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(Trouble::wrong(HttpError::to_string(&error))),
        Err(_) => {
            let so_far = bytes_long(read as f64);
            let waited = span(target.timeout.max(Duration::from_secs(1)));
            return Err(Trouble::slow(format!("the answer did not end within {waited} ({so_far} came)")));
        }
    }
    match (&target.expect_text, finder.found) {
        (Some(text), false) => {
            let within = if found.cut { format!(" in its first {}", bytes_long(BODY as f64)) } else { String::new() };
            Err(Trouble::wrong(format!("its page does not hold \"{text}\"{within}")))
        }
        _ => Ok(()),
    }
}

/// Looks for a text in what comes in pieces, and keeps no more of it than the text is long.
struct Finder<'a> {
    text: &'a [u8],
    tail: Vec<u8>,
    found: bool,
}

impl<'a> Finder<'a> {
    fn new(text: &'a str) -> Self {
        Finder { text: text.as_bytes(), tail: Vec::new(), found: text.is_empty() }
    }

    fn take(&mut self, piece: &[u8]) {
        if self.found {
            return;
        }
        self.tail.extend_from_slice(piece);
        self.found = self.tail.windows(self.text.len()).any(|window| window == self.text);
        let keep = self.tail.len().min(self.text.len() - 1);
        self.tail.drain(..self.tail.len() - keep);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_across_pieces() {
        let found = |pieces: &[&str], text: &str| {
            let mut finder = Finder::new(text);
            for piece in pieces {
                finder.take(piece.as_bytes());
                assert!(finder.tail.len() < text.len().max(1), "no more is kept than may be its beginning");
            }
            finder.found
        };
        assert!(found(&["<h1>Porta", "i", "ner</h1>"], "Portainer"));
        assert!(!found(&["Porta", "Xner"], "Portainer"));
        assert!(found(&["a"], "a") && found(&[], ""));
    }

    #[test]
    fn headers_of_the_file_win() {
        let url = ServiceUrl::parse("http://127.0.0.1:81/x?y").expect("a URL");
        let of =
            |name: &'static str, value: &'static str| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let request = request(&url, &[of("host", "cloud.lan"), of("x-a", "1"), of("x-a", "2")])
            .unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(request.uri().to_string(), "/x?y");
        assert_eq!(request.headers()["host"], "cloud.lan");
        assert_eq!(request.headers().get_all("x-a").iter().count(), 2);
    }
}
