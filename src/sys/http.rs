//! One HTTP request over its own connection, to a server that is not trusted: head and body have a cap and a
//! deadline each.

use std::{error::Error, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request,
    body::{Body, Bytes, Incoming},
    client::conn::http1,
    header::{LOCATION, SERVER},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinHandle,
    time::timeout,
};

/// A head longer than this is not read; pieces of a body are not longer either.
const HEAD: usize = 64 << 10;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// What answers does not speak HTTP.
    #[error("what answers does not speak HTTP")]
    NotHttp,
    /// The head is longer than what is read of one.
    #[error("the head of the answer is too long")]
    LongHead,
    /// The body is longer than `cap` bytes.
    #[error("the answer is longer than {cap} bytes")]
    LongBody {
        /// In bytes.
        cap: usize,
    },
    /// No head came in time.
    #[error("no answer came in time")]
    Silent,
    /// The body did not end in time.
    #[error("the answer did not end within {} s", within.as_secs())]
    Endless {
        /// How long it was waited for.
        within: Duration,
    },
    /// The connection was closed before the end of the answer.
    #[error("the connection was closed before the end of the answer")]
    Closed,
    /// Anything else, in the words of the system.
    #[error("{0}")]
    Lost(String),
}

impl From<hyper::Error> for HttpError {
    fn from(error: hyper::Error) -> Self {
        if error.is_parse() {
            // The method that says so exists for servers alone.
            let long = error.to_string().contains("too large");
            return if long { HttpError::LongHead } else { HttpError::NotHttp };
        }
        if is_greeting(&error) {
            return HttpError::NotHttp;
        }
        if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
            return HttpError::Closed;
        }
        // Its own words hide the cause, which is at the end of the chain.
        let mut cause: &dyn Error = &error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        HttpError::Lost(cause.to_string())
    }
}

/// True when the server spoke before the request was sent, as SSH and SMTP do. Hyper cancels the request then, because of
/// the one failure that it gives neither a class nor a cause.
fn is_greeting(error: &hyper::Error) -> bool {
    let because = error.source().and_then(|source| source.downcast_ref::<hyper::Error>());
    error.is_canceled()
        && because.is_some_and(|because| {
            let classified = because.is_incomplete_message() || because.is_closed() || because.is_canceled();
            !classified && because.source().is_none()
        })
}

/// An answer whose head has come.
pub struct Answer {
    /// `200`, `404`.
    pub status: u16,
    /// Where it sends the reader instead.
    pub location: Option<String>,
    /// What the server calls itself.
    pub server: Option<String>,
    body: Incoming,
    /// `None` in a session, which has it.
    _driver: Option<Driver>,
}

/// A connection over which several requests go, one after the other.
pub struct Session {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: Driver,
    /// It was asked before.
    used: bool,
}

/// The task that moves the bytes of a connection; it ends with the answer.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Sends `request` and waits for the head of the answer.
///
/// # Errors
/// Without a head within `patience`, or when the head is none.
pub async fn ask<S>(stream: S, request: Request<Full<Bytes>>, patience: Duration) -> Result<Answer, HttpError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let end = tokio::time::Instant::now() + patience;
    let mut session = timeout(patience, Session::open(stream)).await.unwrap_or(Err(HttpError::Silent))?;
    let mut answer = session.ask(request, end.saturating_duration_since(tokio::time::Instant::now())).await?;
    answer._driver = Some(session.driver);
    Ok(answer)
}

impl Session {
    /// A session over this stream.
    ///
    /// # Errors
    /// When it is closed at once.
    pub async fn open<S>(stream: S) -> Result<Self, HttpError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::Builder::new().max_buf_size(HEAD).handshake(TokioIo::new(stream)).await?;
        let driver = Driver(tokio::spawn(async move { drop(connection.await) }));
        Ok(Session { sender, driver, used: false })
    }

    /// The server closed it, or its last answer was not read to the end.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends `request` and waits for the head of the answer, whose body must be read before the next request.
    ///
    /// # Errors
    /// Without a head within `patience`, or when the head is none.
    pub async fn ask(&mut self, request: Request<Full<Bytes>>, patience: Duration) -> Result<Answer, HttpError> {
        let asked = async {
            // A new one is ready, and what is wrong with its peer is said by the answer.
            if std::mem::replace(&mut self.used, true) {
                self.sender.ready().await?;
            }
            let answer = self.sender.send_request(request).await?;
            let head = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
            let (location, server) = (head(LOCATION), head(SERVER));
            Ok(Answer { status: answer.status().as_u16(), location, server, body: answer.into_body(), _driver: None })
        };
        timeout(patience, asked).await.unwrap_or(Err(HttpError::Silent))
    }
}

impl Answer {
    /// The next piece of the body; `None` at its end. May be dropped while it waits without losing anything.
    ///
    /// # Errors
    /// When the connection ends before the body does.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, HttpError> {
        while let Some(frame) = self.body.frame().await {
            if let Ok(piece) = frame?.into_data() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    /// The whole body.
    ///
    /// # Errors
    /// When it is longer than `cap` bytes, or does not end within `within`.
    pub async fn whole(mut self, cap: usize, within: Duration) -> Result<Vec<u8>, HttpError> {
        let announced = usize::try_from(self.body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > cap {
            return Err(HttpError::LongBody { cap });
        }
        let read = async {
            let mut body = Vec::with_capacity(announced);
            while let Some(piece) = self.piece().await? {
                if body.len() + piece.len() > cap {
                    return Err(HttpError::LongBody { cap });
                }
                body.extend_from_slice(&piece);
            }
            Ok(body)
        };
        timeout(within, read).await.unwrap_or(Err(HttpError::Endless { within }))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// What comes of an answer that is written and, when it `ends`, closed.
    async fn body_of(written: Vec<u8>, ends: bool, cap: usize) -> Result<Vec<u8>, HttpError> {
        let (near, mut far) = duplex(1 << 16);
        tokio::spawn(async move {
            let mut asked = [0; 1024];
            let _ = far.read(&mut asked).await;
            let _ = far.write_all(&written).await;
            if !ends {
                std::future::pending::<()>().await;
            }
        });
        ask(near, request(), SECOND).await?.whole(cap, SECOND).await
    }

    fn request() -> Request<Full<Bytes>> {
        Request::get("/x").header("Host", "x").body(Full::default()).expect("a request")
    }

    /// Reads one request.
    async fn heard(far: &mut DuplexStream) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(far.read_u8().await.expect("a request"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_head_of_an_answer_is_kept() {
        let (near, mut far) = duplex(1 << 16);
        tokio::spawn(async move {
            heard(&mut far).await;
            let head = "HTTP/1.1 302 Found\r\nServer: nginx\r\nLocation: /y\r\nContent-Length: 2\r\n\r\nok";
            far.write_all(head.as_bytes()).await.expect("written");
            std::future::pending::<()>().await;
        });
        let answer = ask(near, request(), SECOND).await.expect("an answer");
        let head = (answer.status, answer.location.as_deref(), answer.server.as_deref());
        assert_eq!(head, (302, Some("/y"), Some("nginx")));
        assert_eq!(answer.whole(2, SECOND).await, Ok(b"ok".to_vec()), "as long as its cap");
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_is_over_once_its_server_has_closed_it() {
        let (near, mut far) = duplex(1 << 16);
        let mut session = Session::open(near).await.expect("a session");
        let server = tokio::spawn(async move {
            for _ in 0..2 {
                heard(&mut far).await;
                far.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na").await.expect("written");
            }
        });
        for _ in 0..2 {
            assert!(!session.is_over());
            let answer = session.ask(request(), SECOND).await.expect("an answer");
            assert_eq!(answer.whole(1, SECOND).await, Ok(b"a".to_vec()));
        }
        server.await.expect("it ends");
        tokio::time::sleep(SECOND).await;
        assert!(session.is_over());
        assert_eq!(session.ask(request(), SECOND).await.map(|answer| answer.status), Err(HttpError::Closed));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_closes_before_it_is_asked_has_closed() {
        let (near, far) = duplex(1 << 16);
        let mut session = Session::open(near).await.expect("a session");
        drop(far);
        tokio::time::sleep(SECOND).await;
        assert_eq!(session.ask(request(), SECOND).await.map(|answer| answer.status), Err(HttpError::Closed));
        let (near, far) = duplex(1 << 16);
        drop(far);
        assert_eq!(ask(near, request(), SECOND).await.map(|answer| answer.status), Err(HttpError::Closed));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_wants_is_not_waited_for() {
        let (near, mut far) = duplex(1 << 16);
        let server = tokio::spawn(async move {
            heard(&mut far).await;
            far.read(&mut [0; 9]).await
        });
        assert_eq!(ask(near, request(), SECOND).await.map(|answer| answer.status), Err(HttpError::Silent));
        assert_eq!(server.await.expect("it ends").expect("read"), 0, "the connection is closed");
    }

    fn chunked(pieces: &str) -> Vec<u8> {
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{pieces}").into_bytes()
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_body_comes_whole() {
        let good = chunked("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
        assert_eq!(body_of(good, true, 5).await, Ok(b"abcde".to_vec()));
    }

    #[tokio::test(start_paused = true)]
    async fn caps_and_deadlines_hold() {
        let long = HttpError::LongBody { cap: 4 };
        assert_eq!(body_of(chunked("5\r\nabcde\r\n"), false, 4).await, Err(long.clone()));
        let response = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".to_vec();
        assert_eq!(body_of(response, false, 4).await, Err(long));
        assert_eq!(body_of(chunked("1\r\na\r\n"), false, 9).await, Err(HttpError::Endless { within: SECOND }));
        assert_eq!(body_of(Vec::new(), false, 9).await, Err(HttpError::Silent));
        let head = [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; HEAD]].concat();
        assert_eq!(body_of(head, false, 9).await, Err(HttpError::LongHead));
    }

    #[tokio::test(start_paused = true)]
    async fn a_greeting_before_the_request_is_not_http() {
        let (near, mut far) = duplex(1 << 16);
        far.write_all(b"SSH-2.0-OpenSSH\r\n").await.expect("written");
        assert_eq!(ask(near, request(), SECOND).await.map(|answer| answer.status), Err(HttpError::NotHttp));
    }

    #[tokio::test(start_paused = true)]
    async fn closed_and_malformed_answers_differ() {
        assert_eq!(body_of(Vec::new(), true, 9).await, Err(HttpError::Closed));
        assert_eq!(body_of(b"SSH-2.0-OpenSSH\r\n\r\n".to_vec(), true, 9).await, Err(HttpError::NotHttp));
        assert!(body_of(chunked("3\r\nab"), true, 9).await.is_err());
    }
}
