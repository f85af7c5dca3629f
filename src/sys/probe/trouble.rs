//! Why an attempt did not succeed, and whether that is the service's fault.

use std::io;

use crate::{
    model::service::round::{Cause, Failure, FailureKind, Outcome},
    sys::descriptors,
    text::clean,
};

/// Why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nothing came back in time.
    Silent(FailureKind, String),
    /// It answered, and that was wrong.
    Wrong(String),
    /// The host itself cannot be reached.
    Unreachable(String),
    /// The probe cannot judge.
    Unjudged(Cause, String),
}

impl Trouble {
    /// No answer at all within the time.
    pub(super) fn unanswered(words: impl AsRef<str>) -> Self {
        Trouble::Silent(FailureKind::Unanswered, clean(words.as_ref()).into_owned())
    }

    /// It took the connection, and then too long.
    pub(super) fn slow(words: impl AsRef<str>) -> Self {
        Trouble::Silent(FailureKind::Wrong, clean(words.as_ref()).into_owned())
    }

    pub(super) fn wrong(words: impl AsRef<str>) -> Self {
        Trouble::Wrong(clean(words.as_ref()).into_owned())
    }

    pub(super) fn dns(words: impl AsRef<str>) -> Self {
        Trouble::Unjudged(Cause::Dns, clean(words.as_ref()).into_owned())
    }

    pub(super) fn setup(words: impl AsRef<str>) -> Self {
        Trouble::Unjudged(Cause::Setup, clean(words.as_ref()).into_owned())
    }

    /// What a connection attempt says; `to` is what it was made to.
    pub(super) fn of_connect(error: &io::Error, to: impl std::fmt::Display) -> Self {
        use io::ErrorKind::{
            AddrNotAvailable, ConnectionRefused, ConnectionReset, HostUnreachable, NetworkDown, NetworkUnreachable,
            OutOfMemory, PermissionDenied, QuotaExceeded, TimedOut,
        };
        /// EMFILE, ENFILE, ENOBUFS.
        const OUT_OF: [i32; 3] = [24, 23, 105];
        match error.kind() {
            ConnectionRefused => Trouble::wrong(format!("{to}: connection refused")),
            ConnectionReset => Trouble::wrong(format!("{to}: connection reset")),
            TimedOut => Trouble::unanswered(format!("{to}: no answer")),
            HostUnreachable => Trouble::Unreachable(format!("{to}: host unreachable")),
            NetworkUnreachable | NetworkDown => {
                Trouble::Unjudged(Cause::Network, format!("this host has no route to {to}"))
            }
            PermissionDenied => {
                Trouble::Unjudged(Cause::Network, format!("a firewall of this host refuses connections to {to}"))
            }
            AddrNotAvailable | OutOfMemory | QuotaExceeded => Trouble::setup(format!("{to}: {error}")),
            _ if error.raw_os_error().is_some_and(|code| OUT_OF.contains(&code)) => {
                Trouble::setup(format!("{to}: {}", descriptors::words(error)))
            }
            _ => Trouble::wrong(format!("{to}: {error}")),
        }
    }

    /// In a few words.
    pub(super) fn words(&self) -> &str {
        match self {
            Trouble::Silent(_, words)
            | Trouble::Wrong(words)
            | Trouble::Unreachable(words)
            | Trouble::Unjudged(_, words) => words,
        }
    }

    /// False where a second attempt would only say the same.
    pub(super) fn may_pass(&self) -> bool {
        !matches!(self, Trouble::Unjudged(Cause::Setup, _))
    }

    /// True where the clock said so, which a program without CPU time misreads.
    pub(super) fn is_of_time(&self) -> bool {
        matches!(self, Trouble::Silent(..) | Trouble::Unjudged(Cause::Dns, _))
    }

    /// Of several addresses that failed the one that says most is reported.
    pub(super) fn weight(&self) -> u8 {
        match self {
            Trouble::Wrong(_) => 4,
            Trouble::Silent(..) => 3,
            Trouble::Unreachable(_) => 2,
            Trouble::Unjudged(..) => 1,
        }
    }

    pub(super) fn outcome(self) -> Outcome {
        match self {
            Trouble::Silent(kind, words) => Outcome::Down(Failure { kind, words }),
            Trouble::Wrong(words) => Outcome::Down(Failure { kind: FailureKind::Wrong, words }),
            Trouble::Unreachable(words) => Outcome::Down(Failure { kind: FailureKind::Unanswered, words }),
            Trouble::Unjudged(cause, words) => Outcome::Unjudged { cause, words },
        }
    }
}
