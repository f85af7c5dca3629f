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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_fault_it_is_follows_from_the_error() {
        use io::ErrorKind::{
            AddrNotAvailable, BrokenPipe, ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable,
            PermissionDenied, TimedOut,
        };
        for (kind, expected) in [
            (ConnectionRefused, Trouble::Wrong("nas: connection refused".into())),
            (ConnectionReset, Trouble::Wrong("nas: connection reset".into())),
            (TimedOut, Trouble::Silent(FailureKind::Unanswered, "nas: no answer".into())),
            (HostUnreachable, Trouble::Unreachable("nas: host unreachable".into())),
            (NetworkUnreachable, Trouble::Unjudged(Cause::Network, "this host has no route to nas".into())),
            (
                PermissionDenied,
                Trouble::Unjudged(Cause::Network, "a firewall of this host refuses connections to nas".into()),
            ),
            (BrokenPipe, Trouble::Wrong("nas: broken pipe".into())),
        ] {
            assert_eq!(Trouble::of_connect(&kind.into(), "nas"), expected);
        }
        for error in [AddrNotAvailable.into(), io::Error::from_raw_os_error(24), io::Error::from_raw_os_error(105)] {
            let trouble = Trouble::of_connect(&error, "nas");
            assert!(matches!(trouble, Trouble::Unjudged(Cause::Setup, _)) && !trouble.may_pass(), "{trouble:?}");
        }
    }

    #[test]
    fn of_several_the_one_that_says_most_weighs_most() {
        let rising =
            [Trouble::dns("a"), Trouble::Unreachable("b".into()), Trouble::slow("c"), Trouble::wrong("d\u{1b}[31m")];
        assert!(rising.is_sorted_by_key(Trouble::weight));
        let weights: std::collections::BTreeSet<u8> = rising.iter().map(Trouble::weight).collect();
        assert_eq!(weights.len(), rising.len());
        assert_eq!(rising.each_ref().map(Trouble::is_of_time), [true, false, true, false]);
        assert!(rising.iter().all(Trouble::may_pass) && !rising[3].words().contains('\u{1b}'));
        let [dns, unreachable, slow, wrong] = rising.map(Trouble::outcome);
        assert_eq!(dns, Outcome::Unjudged { cause: Cause::Dns, words: "a".into() });
        let down = |kind, words: &str| Outcome::Down(Failure { kind, words: words.into() });
        assert_eq!(unreachable, down(FailureKind::Unanswered, "b"));
        assert_eq!(slow, down(FailureKind::Wrong, "c"));
        assert!(matches!(wrong, Outcome::Down(Failure { kind: FailureKind::Wrong, .. })));
        let silent = Trouble::unanswered("e").outcome();
        assert_eq!(silent, down(FailureKind::Unanswered, "e"));
    }
}
