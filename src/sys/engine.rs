//! Talking to a container engine (Docker Engine API, as Podman speaks it too): the one way in which everything here
//! reaches one. An engine is not trusted: every answer has a cap and a deadline, and JSON is read field by field, so that
//! a word that is not known costs that word alone.

mod error;
mod image;
mod operator;
mod place;

use std::time::Duration;

use http_body_util::Full;
use hyper::{Request, body::Bytes};
use serde_json::Value;
use tokio::time::timeout;

pub use self::error::EngineError;
use self::place::Place;
use super::{
    http::{self, Answer},
    json::{Field, Unread},
};
use crate::{model::engine_address::EngineAddress, text::clean};

/// The oldest form of the API in which all that is asked for exists (Docker 1.12).
const OLDEST: Api = (1, 24);
/// The newest form that is known here; a newer engine speaks it too.
const NEWEST: Api = (1, 53);
/// Letters kept of a version.
const WORD: usize = 64;

type Api = (u32, u32);

/// How long an answer is waited for, and how much of it is read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until it begins.
    pub patience: Duration,
    /// From then on until it ends.
    pub whole: Duration,
    /// Bytes.
    pub cap: usize,
}

/// An engine says at once that it is there.
pub const HELLO: Limits = Limits { patience: Duration::from_secs(3), whole: Duration::from_secs(3), cap: 1 << 20 };
/// One object: an answer of some kilobytes.
pub const ONE: Limits = Limits { patience: Duration::from_secs(10), whole: Duration::from_secs(5), cap: 4 << 20 };
/// A list: two kilobytes for each container.
pub const LIST: Limits = Limits { patience: Duration::from_secs(10), whole: Duration::from_secs(10), cap: 64 << 20 };

/// An engine that answered and speaks a form of the API that is known here.
#[derive(Debug, Clone)]
pub struct EngineClient {
    place: Place,
    api: Option<Api>,
    /// It is Podman, by its own answer.
    pub podman: bool,
    /// Its version, cleaned.
    pub version: Option<String>,
}

impl EngineClient {
    /// Asks who is there and agrees on a form of the API.
    ///
    /// # Errors
    /// If nothing answers, if it is not a container engine, or if there is no common API version.
    pub async fn connect(address: &EngineAddress) -> Result<Self, EngineError> {
        let mut client = EngineClient { place: Place::of(address)?, api: None, podman: false, version: None };
        // Who is silent is known soon by a question that costs nothing: for its version Podman asks other programs, which
        // takes it seconds on a busy machine.
        match client.get("its answer", "/_ping", HELLO).await {
            Err(error) if !error.is_of_one_answer() => return Err(error),
            _ => {}
        }
        let answer = match client.json("its version", "/version", Limits { cap: HELLO.cap, ..ONE }).await {
            Err(EngineError::Said { status: 404, .. }) => {
                return Err(EngineError::NoEngine("GET /version: 404".to_owned()));
            }
            // A page of a web server: the engine's own answer to this is always JSON.
            Err(EngineError::NotJson(why)) => return Err(EngineError::NoEngine(why)),
            answer => answer?,
        };
        let unread = Unread::default();
        let fields = Field::new(&answer, &unread);
        let text = |name: &str| fields.text(name).map(|text| short(&text));
        let (version, api, oldest) = (text("Version"), text("ApiVersion"), text("MinAPIVersion"));
        if version.is_none() && api.is_none() {
            return Err(EngineError::NoEngine("GET /version: neither Version nor ApiVersion".to_owned()));
        }
        client.podman = fields
            .list("Components", 64)
            .filter_map(|part| part.text("Name"))
            .any(|n| n.to_lowercase().contains("podman"));
        client.api = agreed(version.as_deref().unwrap_or(""), api.as_deref(), oldest.as_deref())?;
        client.version = version;
        Ok(client)
    }

    /// The form of the API that is spoken with it, at most `newest`, as a piece of a path.
    fn prefix(&self, newest: Option<Api>) -> String {
        let api = match (self.api, newest) {
            (Some(api), Some(newest)) => Some(api.min(newest)),
            (api, newest) => api.or(newest),
        };
        api.map_or_else(String::new, |(major, minor)| format!("/v{major}.{minor}"))
    }

    /// Asks for something; `what` names the answer in errors.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn get(&self, what: &str, path: &str, limits: Limits) -> Result<Vec<u8>, EngineError> {
        self.get_at_most(None, what, path, limits).await
    }

    /// [`EngineClient::get`] in a form of the API that is not newer than `newest`.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn get_at_most(
        &self,
        newest: Option<Api>,
        what: &str,
        path: &str,
        limits: Limits,
    ) -> Result<Vec<u8>, EngineError> {
        let request = self.place.request("GET", &format!("{}{path}", self.prefix(newest)), Bytes::new())?;
        let answer = good(self.send(request, what, limits.patience).await?).await?;
        answer.whole(limits.cap, limits.whole).await.map_err(|e| EngineError::http(what, e))
    }

    /// Asks for something in JSON.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn json(&self, what: &str, path: &str, limits: Limits) -> Result<Value, EngineError> {
        let body = self.get(what, path, limits).await?;
        serde_json::from_slice(&body).map_err(|error| EngineError::not_json(path, &error))
    }

    /// Asks for something that comes as long as it is read: events, a log.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn stream(&self, what: &str, path: &str, patience: Duration) -> Result<Answer, EngineError> {
        let request = self.place.request("GET", &format!("{}{path}", self.prefix(None)), Bytes::new())?;
        good(self.send(request, what, patience).await?).await
    }

    /// Has something made of `body`; the answer comes in pieces while it is made: an import, a pull.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn make(&self, what: &str, path: &str, body: Bytes, patience: Duration) -> Result<Answer, EngineError> {
        let request = self.place.request("POST", &format!("{}{path}", self.prefix(None)), body)?;
        good(self.send(request, what, patience).await?).await
    }

    async fn send(&self, request: Request<Full<Bytes>>, what: &str, patience: Duration) -> Result<Answer, EngineError> {
        let sent = async {
            let stream = self.place.connect().await?;
            http::ask(stream, request, patience).await.map_err(|e| EngineError::http(what, e))
        };
        timeout(patience, sent).await.unwrap_or(Err(EngineError::Silent))
    }
}

/// The answer when it is a good one, else what the engine says.
async fn good(answer: Answer) -> Result<Answer, EngineError> {
    if (200..300).contains(&answer.status) || answer.status == 304 {
        return Ok(answer);
    }
    let status = answer.status;
    let body = answer.whole(64 << 10, Duration::from_secs(3)).await.unwrap_or_default();
    Err(EngineError::said(status, &body))
}

/// The newest form that both speak; `None` when the engine's word for its own cannot be read: then it chooses.
fn agreed(engine: &str, most: Option<&str>, least: Option<&str>) -> Result<Option<Api>, EngineError> {
    let Some(newest) = most.and_then(parse) else { return Ok(None) };
    if newest < OLDEST {
        let (major, minor) = OLDEST;
        let version = most.unwrap_or_default();
        let why = format!("engine {engine} is too old: it supports API {version}, {major}.{minor} is needed");
        return Err(EngineError::Foreign(why));
    }
    if least.and_then(parse).is_some_and(|least| least > NEWEST) {
        let (major, minor) = NEWEST;
        let version = least.unwrap_or_default();
        let why = format!("engine {engine} is too new: it requires API {version}, benchtop supports {major}.{minor}");
        return Err(EngineError::Foreign(why));
    }
    Ok(Some(newest.min(NEWEST)))
}

fn parse(version: &str) -> Option<Api> {
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn short(text: &str) -> String {
    let text: String = text.chars().take(WORD).collect();
    clean(&text).into_owned()
}

/// A piece of a path or of a query ("RFC 3986").
#[must_use]
pub fn encoded(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
