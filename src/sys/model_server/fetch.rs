//! Asking one model server for what it says of itself: GET alone, over one connection a round, with a deadline and a cap for
//! each answer. It is not trusted, and redirects are not followed: they are said.

use std::{
    fs, io,
    path::PathBuf,
    time::{Duration, Instant},
};

use http_body_util::Full;
use hyper::{
    Method, Request,
    body::Bytes,
    header::{self, HeaderValue},
};
use tokio::{
    runtime::{Builder, Runtime},
    time::{sleep, timeout},
};

use crate::{
    model::service::target::ServiceUrl,
    sys::{
        http::{HttpError, Session},
        probe::Opener,
    },
    text::clean,
    units::bytes_long,
};

/// For one answer, and for connecting.
pub const PATIENCE: Duration = Duration::from_secs(3);
/// Bytes of an answer: the largest are the figures of a server with many models, some hundred kilobytes.
pub const BODY: usize = 4 << 20;
/// Between two looks at whether an answer is still wanted.
const LOOK: Duration = Duration::from_millis(50);
/// A key is shorter.
const KEY: u64 = 4096;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Got {
    pub status: u16,
    /// What the server calls itself.
    pub server: Option<String>,
    pub body: Vec<u8>,
    /// The file of the key that it was asked with.
    pub key: Option<PathBuf>,
}

impl Got {
    /// As text; what is no UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    #[must_use]
    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// How an answer that came in pieces ended: seconds since the request was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posted {
    pub status: u16,
    pub took: Duration,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// No connection.
    #[error("{0}")]
    Unreachable(String),
    /// It took the connection and said nothing.
    #[error("it accepts connections and does not answer {path} within {} s", PATIENCE.as_secs())]
    Silent { path: String },
    #[error("its answer to {path} is longer than {}", bytes_long(BODY as f64))]
    Long { path: String },
    #[error("{path} redirects to {to}: use that address")]
    Redirect { path: String, to: String },
    #[error("{path} redirects to itself")]
    RedirectsToItself { path: String },
    /// What answers does not speak HTTP, or not well.
    #[error("{path}: {why}")]
    Wrong { path: String, why: String },
    /// Whoever asked does not want it any more.
    #[error("stopped")]
    Stopped,
    /// The file with its key cannot be read.
    #[error("token_file {file}: {why}")]
    Token { file: String, why: String },
}

/// Who answers; a test has answers of its own.
pub trait Ask {
    /// # Errors
    /// See [`AskError`].
    fn get(&mut self, path: &str) -> Result<Got, AskError>;
}

/// One server over the network.
pub struct Fetch {
    url: ServiceUrl,
    token_file: Option<PathBuf>,
    runtime: Option<Runtime>,
    opener: Opener,
    session: Option<Session>,
    token: Option<HeaderValue>,
}

impl Fetch {
    /// # Errors
    /// Where no runtime can be made: out of descriptors.
    pub fn new(url: ServiceUrl, token_file: Option<PathBuf>, ca_file: Option<PathBuf>) -> io::Result<Self> {
        let runtime = Some(Builder::new_current_thread().enable_all().build()?);
        let opener = Opener::new(url.clone(), ca_file);
        Ok(Fetch { url, token_file, runtime, opener, session: None, token: None })
    }

    /// Before a round: the key is read again, as it may be replaced.
    ///
    /// # Errors
    /// [`AskError::Token`].
    pub fn begin(&mut self) -> Result<(), AskError> {
        self.token = self.token_file.as_ref().map(read_token).transpose()?;
        Ok(())
    }

    /// After a round: servers have few threads for connections, and this holds none of them.
    pub fn end(&mut self) {
        self.session = None;
    }

    /// As shown.
    #[must_use]
    pub fn url(&self) -> &ServiceUrl {
        &self.url
    }

    /// Path and query below the address that is configured: `/v1` at its end is taken off.
    fn target(&self, path: &str) -> String {
        let own = self.url.request();
        let base = own.split('?').next().unwrap_or_default().trim_end_matches('/');
        format!("{}{path}", base.strip_suffix("/v1").unwrap_or(base))
    }

    fn request(&self, path: &str) -> Result<Request<Full<Bytes>>, AskError> {
        let mut request = Request::get(self.target(path))
            .header(header::HOST, self.url.authority())
            .header(header::USER_AGENT, concat!("benchtop/", env!("CARGO_PKG_VERSION")))
            .header(header::ACCEPT, "*/*")
            .header(header::ACCEPT_ENCODING, "identity");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, token.clone());
        }
        let wrong = |error: &dyn std::fmt::Display| AskError::Wrong { path: shown(path), why: error.to_string() };
        request.body(Full::default()).map_err(|error| wrong(&error))
    }

    /// Sends a request with a body and gives each piece of the answer to `each` as it comes, with the time since it was sent
    /// over a connection that was open by then. `give_up` is asked every so often meanwhile.
    ///
    /// # Errors
    /// See [`AskError`]; an answer that does not end within `within` is one.
    pub fn post(
        &mut self,
        path: &str,
        body: &str,
        within: Duration,
        give_up: &dyn Fn() -> bool,
        mut each: impl FnMut(&[u8], Duration),
    ) -> Result<Posted, AskError> {
        let Some(runtime) = self.runtime.take() else { return Err(without_runtime(path)) };
        let sent = async {
            let mut request = self.request(path)?.map(|_| Full::new(Bytes::from(body.to_owned())));
            *request.method_mut() = Method::POST;
            request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let stream = self.opener.open(PATIENCE).await.map_err(AskError::Unreachable)?;
            let wrong = |error: HttpError| AskError::Wrong { path: shown(path), why: error.to_string() };
            let mut session = Session::open(stream).await.map_err(wrong)?;
            let began = Instant::now();
            let mut answer = session.ask(request, within).await.map_err(wrong)?;
            let mut read = 0;
            while let Some(piece) = answer.piece().await.map_err(wrong)? {
                read += piece.len();
                if read > BODY {
                    return Err(AskError::Long { path: shown(path) });
                }
                each(&piece, began.elapsed());
            }
            Ok(Posted { status: answer.status, took: began.elapsed() })
        };
        let slow = || AskError::Wrong { path: shown(path), why: format!("no answer within {} s", within.as_secs()) };
        let given_up = async {
            while !give_up() {
                sleep(LOOK).await;
            }
        };
        let sent = runtime.block_on(async {
            tokio::select! {
                sent = timeout(within, sent) => sent.unwrap_or_else(|_| Err(slow())),
                () = given_up => Err(AskError::Stopped),
            }
        });
        self.runtime = Some(runtime);
        sent
    }

    async fn ask(&mut self, path: &str) -> Result<Got, AskError> {
        let end = Instant::now() + PATIENCE;
        let left = || end.saturating_duration_since(Instant::now());
        let says = |error: HttpError| match error {
            HttpError::Silent | HttpError::Endless { .. } => AskError::Silent { path: shown(path) },
            HttpError::LongBody { .. } => AskError::Long { path: shown(path) },
            error => AskError::Wrong { path: shown(path), why: error.to_string() },
        };
        let kept = match self.session.take().filter(|session| !session.is_over()) {
            None => None,
            Some(mut session) => match session.ask(self.request(path)?, left()).await {
                // A server may close a connection after any answer, also as the next request is on its way.
                Err(HttpError::Closed | HttpError::Lost(_)) => None,
                answer => Some((session, answer.map_err(says)?)),
            },
        };
        let (session, mut answer) = match kept {
            Some(kept) => kept,
            None => {
                let stream = self.opener.open(left()).await.map_err(AskError::Unreachable)?;
                let mut session = Session::open(stream).await.map_err(says)?;
                let answer = session.ask(self.request(path)?, left()).await.map_err(says)?;
                (session, answer)
            }
        };
        let (status, server) = (answer.status, answer.server.take());
        if matches!(status, 301 | 302 | 303 | 307 | 308)
            && let Some(location) = answer.location.take()
        {
            return Err(self.redirected(path, &location));
        }
        let body = answer.whole(BODY, left()).await.map_err(says)?;
        self.session = Some(session);
        Ok(Got { status, server, body, key: self.token_file.clone() })
    }

    fn redirected(&self, path: &str, location: &str) -> AskError {
        let to = self.url.join(location).map_or_else(|_| shown(location), |to| to.to_string());
        let here = self.url.join(&self.target(path)).map(|here| here.to_string());
        match here {
            Ok(here) if here == to => AskError::RedirectsToItself { path: shown(path) },
            _ => AskError::Redirect { path: shown(path), to },
        }
    }
}

impl Ask for Fetch {
    fn get(&mut self, path: &str) -> Result<Got, AskError> {
        let Some(runtime) = self.runtime.take() else { return Err(without_runtime(path)) };
        let got = runtime.block_on(self.ask(path));
        self.runtime = Some(runtime);
        got
    }
}

/// A request panicked in it.
fn without_runtime(path: &str) -> AskError {
    AskError::Wrong { path: shown(path), why: "no runtime".to_owned() }
}

fn shown(path: &str) -> String {
    let short: String = path.chars().take(100).collect();
    clean(&short).into_owned()
}

fn read_token(file: &PathBuf) -> Result<HeaderValue, AskError> {
    let wrong =
        |why: &dyn std::fmt::Display| AskError::Token { file: file.display().to_string(), why: why.to_string() };
    let found = fs::metadata(file).map_err(|error| wrong(&error))?;
    if !found.is_file() || found.len() > KEY {
        return Err(wrong(&"not a file with one key"));
    }
    let text = fs::read_to_string(file).map_err(|error| wrong(&error))?;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let (Some(key), None) = (lines.next(), lines.next()) else { return Err(wrong(&"not one line with a key")) };
    let mut value =
        HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| wrong(&"no key that HTTP can carry"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Answers by path, for tests of what is asked and made of it.
#[cfg(test)]
#[derive(Default)]
pub struct Answers {
    pub by_path: Vec<(String, u16, Vec<u8>)>,
    pub server: Option<String>,
    /// Every path that was asked.
    pub asked: Vec<String>,
}

#[cfg(test)]
impl Answers {
    /// Adds an answer; a later one of the same path takes its place.
    #[must_use]
    pub fn with(mut self, path: &str, status: u16, body: impl Into<Vec<u8>>) -> Self {
        self.put(path, status, body);
        self
    }

    pub fn put(&mut self, path: &str, status: u16, body: impl Into<Vec<u8>>) {
        self.by_path.retain(|(known, ..)| known != path);
        self.by_path.push((path.to_owned(), status, body.into()));
    }

    #[must_use]
    pub fn served_by(mut self, server: &str) -> Self {
        self.server = Some(server.to_owned());
        self
    }

    /// What was asked since the last call.
    pub fn take_asked(&mut self) -> Vec<String> {
        std::mem::take(&mut self.asked)
    }
}

#[cfg(test)]
impl Ask for Answers {
    fn get(&mut self, path: &str) -> Result<Got, AskError> {
        self.asked.push(path.to_owned());
        let found = self.by_path.iter().find(|(known, ..)| known == path);
        let (status, body) =
            found.map_or((404, b"404 page not found".to_vec()), |(_, status, body)| (*status, body.clone()));
        if status == 0 {
            return Err(AskError::Silent { path: path.to_owned() });
        }
        Ok(Got { status, server: self.server.clone(), body, key: None })
    }
}

#[cfg(test)]
mod tests;
