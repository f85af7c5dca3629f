//! Why an engine gave no answer, in words that follow its address and say what can be done.

use std::{io, time::Duration};

use crate::{
    model::fault::Fault,
    sys::{
        http::HttpError,
        json::{Field, Unread},
    },
    text::clean,
};

/// Letters kept of what an engine says.
const SAID: usize = 500;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The address is of a kind that is not spoken.
    #[error("only unix:// and tcp:// can be reached; of one behind ssh forward the socket with ssh -L")]
    Address,
    /// No such socket, connection refused, or another error of the system.
    #[error("{0}")]
    Unreachable(String),
    /// The socket may not be opened.
    #[error("permission denied ({CURE})")]
    Denied,
    /// It did not begin to answer.
    #[error("not responding")]
    Silent,
    /// It began and did not end.
    #[error("{what} did not end within {} s", within.as_secs())]
    Endless {
        /// What was asked for.
        what: String,
        /// How long its end was waited for.
        within: Duration,
    },
    /// Longer than what is read of such an answer.
    #[error("{what} is longer than {} MiB", cap >> 20)]
    Long {
        /// What was asked for.
        what: String,
        /// Bytes.
        cap: usize,
    },
    /// It refused.
    #[error("{message}")]
    Said {
        /// As in HTTP.
        status: u16,
        /// Its own words, cleaned.
        message: String,
    },
    /// The connection ended early, or the answer is not HTTP, or the system says why.
    #[error("{0}")]
    Lost(String),
    /// The answer is not JSON: which, and where.
    #[error("{0}")]
    NotJson(String),
    /// Not a container engine, and how that shows.
    #[error("not a container engine: {0}")]
    NoEngine(String),
    /// There is no form of the API that both speak.
    #[error("{0}")]
    Foreign(String),
}

impl EngineError {
    pub(super) fn connect(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied => EngineError::Denied,
            io::ErrorKind::NotFound => EngineError::Unreachable("no such socket".to_owned()),
            io::ErrorKind::ConnectionRefused => {
                EngineError::Unreachable("connection refused: nothing is listening".to_owned())
            }
            _ => EngineError::Unreachable(clean(&error.to_string()).into_owned()),
        }
    }

    /// What went wrong with the answer called `what`.
    #[must_use]
    pub fn http(what: &str, error: HttpError) -> Self {
        let what = what.to_owned();
        match error {
            HttpError::Silent => EngineError::Silent,
            HttpError::Endless { within } => EngineError::Endless { what, within },
            HttpError::LongBody { cap } => EngineError::Long { what, cap },
            HttpError::LongHead => EngineError::Lost(format!("the head of {what} is too long")),
            HttpError::NotHttp => EngineError::NoEngine("it does not speak HTTP".to_owned()),
            HttpError::Closed => EngineError::Lost(format!("it closed the connection before {what} ended")),
            HttpError::Lost(why) => EngineError::Lost(clean(&why).into_owned()),
        }
    }

    pub(super) fn said(status: u16, body: &[u8]) -> Self {
        let message = serde_json::from_slice(body).ok().and_then(|value| {
            let unread = Unread::default();
            Field::new(&value, &unread).text("message").filter(|message| !message.trim().is_empty())
        });
        Self::refused(status, &message.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned()))
    }

    /// It refused, in these words.
    pub(super) fn refused(status: u16, text: &str) -> Self {
        let text: String = text.trim().chars().take(SAID).collect();
        let message = if text.is_empty() { format!("it refuses, status {status}") } else { clean(&text).into_owned() };
        EngineError::Said { status, message }
    }

    /// The body of the answer to `GET path` is not JSON.
    #[must_use]
    pub fn not_json(path: &str, error: &serde_json::Error) -> Self {
        let path = path.split('?').next().unwrap_or_default();
        EngineError::NotJson(clean(&format!("GET {path}: not JSON: {error}")).into_owned())
    }

    /// It concerns this answer only: the engine itself responds.
    #[must_use]
    pub fn is_of_one_answer(&self) -> bool {
        matches!(self, EngineError::Said { .. } | EngineError::NotJson(_) | EngineError::Long { .. })
    }

    /// It took too long.
    #[must_use]
    pub fn is_late(&self) -> bool {
        matches!(self, EngineError::Silent | EngineError::Endless { .. })
    }

    /// The object does not exist (any more).
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, EngineError::Said { status: 404, .. })
    }

    /// The fault that a source reports.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            EngineError::Silent => Fault::Timeout,
            EngineError::Denied => Fault::Denied { what: "permission denied".to_owned(), hint: CURE.to_owned() },
            other => Fault::Broken(other.to_string()),
        }
    }
}

/// For a socket that may not be opened.
const CURE: &str = "add your user to the socket's group (mostly docker), or run as root";
