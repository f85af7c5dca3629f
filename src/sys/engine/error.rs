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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_cannot_be_reached_says_why() {
        let of = |kind: io::ErrorKind| EngineError::connect(kind.into());
        assert_eq!(of(io::ErrorKind::PermissionDenied), EngineError::Denied);
        assert!(of(io::ErrorKind::PermissionDenied).to_string().contains("group"), "and the cure");
        assert_eq!(of(io::ErrorKind::NotFound).to_string(), "no such socket");
        assert_eq!(of(io::ErrorKind::ConnectionRefused).to_string(), "connection refused: nothing is listening");
        assert!(matches!(of(io::ErrorKind::TimedOut), EngineError::Unreachable(why) if !why.is_empty()));
    }

    #[test]
    fn what_is_wrong_with_an_answer_names_it() {
        let of = |error| EngineError::http("the log", error);
        let second = Duration::from_secs(7);
        assert_eq!(of(HttpError::Silent), EngineError::Silent);
        assert_eq!(of(HttpError::Endless { within: second }).to_string(), "the log did not end within 7 s");
        assert_eq!(of(HttpError::LongBody { cap: 3 << 20 }).to_string(), "the log is longer than 3 MiB");
        assert_eq!(of(HttpError::LongHead).to_string(), "the head of the log is too long");
        assert_eq!(of(HttpError::NotHttp).to_string(), "not a container engine: it does not speak HTTP");
        assert_eq!(of(HttpError::Closed).to_string(), "it closed the connection before the log ended");
        assert_eq!(of(HttpError::Lost("reset\u{1b}".into())).to_string(), "reset?");
    }

    #[test]
    fn what_an_engine_says_is_quoted_in_part() {
        let said = |status, body: &str| EngineError::said(status, body.as_bytes()).to_string();
        assert_eq!(said(409, r#"{"message":"in use"}"#), "in use");
        assert_eq!(
            (said(500, "plain words"), said(500, "  ")),
            ("plain words".into(), "it refuses, status 500".into())
        );
        assert_eq!(said(500, &"x".repeat(600)).len(), SAID);
    }

    #[test]
    fn errors_are_sorted_by_what_follows_from_them() {
        let said = |status| EngineError::Said { status, message: "x".into() };
        let endless = EngineError::Endless { what: "x".into(), within: Duration::ZERO };
        let long = EngineError::Long { what: "x".into(), cap: 1 };
        let (silent, lost) = (EngineError::Silent, EngineError::Lost("x".into()));
        for (error, of_one, late, not_found) in [
            (&said(404), true, false, true),
            (&said(500), true, false, false),
            (&EngineError::NotJson("x".into()), true, false, false),
            (&long, true, false, false),
            (&endless, false, true, false),
            (&silent, false, true, false),
            (&lost, false, false, false),
        ] {
            let found = (error.is_of_one_answer(), error.is_late(), error.is_not_found());
            assert_eq!(found, (of_one, late, not_found), "{error:?}");
        }
        assert_eq!(silent.fault(), Fault::Timeout);
        assert!(matches!(EngineError::Denied.fault(), Fault::Denied { .. }));
        assert_eq!(lost.fault(), Fault::Broken("x".into()));
    }
}
