//! One round of one probe: what was found, how long each part of it took, or why nothing can be said.

use std::{net::IpAddr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::clock::Stamp;

/// A part of an answer's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Resolve,
    Connect,
    Tls,
    /// From the request to the head of the answer.
    FirstByte,
    Body,
}

impl Phase {
    /// In the order in which they come.
    pub const ALL: [Phase; 5] = [Phase::Resolve, Phase::Connect, Phase::Tls, Phase::FirstByte, Phase::Body];

    /// As a label of a metric.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Phase::Resolve => "resolve",
            Phase::Connect => "connect",
            Phase::Tls => "tls",
            Phase::FirstByte => "first_byte",
            Phase::Body => "body",
        }
    }

    /// As people read it.
    #[must_use]
    pub fn words(self) -> &'static str {
        if self == Phase::FirstByte { "first byte" } else { self.name() }
    }
}

/// Seconds of each phase, summed over redirects; `None` for one that the probe does not have or did not reach.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Phases([Option<f64>; 5]);

impl Phases {
    #[must_use]
    pub fn get(&self, phase: Phase) -> Option<f64> {
        self.0[phase as usize]
    }

    /// Adds time to a phase.
    pub fn add(&mut self, phase: Phase, seconds: f64) {
        let sum = &mut self.0[phase as usize];
        *sum = Some(sum.unwrap_or(0.0) + seconds);
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.0.iter().flatten().sum()
    }
}

/// One certificate that a server shows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Certificate {
    /// Its common name, else its organisation, cleaned.
    pub subject: String,
    /// Who signed it, likewise.
    pub issuer: String,
    /// It is its own issuer.
    pub self_signed: bool,
    /// From when on and until when it is valid: seconds since 1970.
    pub not_before_unix: i64,
    pub not_after_unix: i64,
}

/// The certificates of a server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Chain {
    /// The server's own first, then those that it sends along.
    pub certificates: Vec<Certificate>,
    /// Why it is not trusted: `it has expired`; `None` when it is.
    pub refused: Option<String>,
}

impl Chain {
    /// The certificate that expires first. Of a chain that is trusted now one that has expired is not needed.
    #[must_use]
    pub fn first_to_expire(&self, now_unix: i64) -> Option<&Certificate> {
        let counts = |certificate: &&Certificate| self.refused.is_some() || certificate.not_after_unix > now_unix;
        let first = self.certificates.iter().filter(counts).min_by_key(|certificate| certificate.not_after_unix);
        first.or(self.certificates.first())
    }
}

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// Nothing answered: it may as well be the network.
    Unanswered,
    /// Something answered, and it was wrong.
    Wrong,
}

/// Why a service counts as failing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub kind: FailureKind,
    /// In a few words: `connection refused`, `status 502`. Cleaned.
    pub words: String,
}

/// Why a round says nothing about its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Names cannot be resolved.
    Dns,
    /// This host has no way there.
    Network,
    /// This program did not get CPU time in time.
    Starved,
    /// This host was suspended, or has just woken up.
    Suspended,
    /// A file that the probe needs cannot be read, or this host ran out of something.
    Setup,
}

/// What a round found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As expected.
    Up {
        /// Seconds; `None` where they are not to be trusted: this program did not get CPU time in time.
        seconds: Option<f64>,
    },
    Down(Failure),
    /// The probe cannot judge.
    Unjudged {
        cause: Cause,
        /// In a few words, with the cure where there is one. Cleaned.
        words: String,
    },
}

/// One round: an attempt, and a second one where the first failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// Counts the rounds of a target since the start, from 1.
    pub number: u64,
    pub began: Stamp,
    pub ended: Stamp,
    pub outcome: Outcome,
    /// Why the first attempt failed, where the second did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retried: Option<String>,
    #[serde(default)]
    pub found: Found,
}

/// What the last attempt of a round saw.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Found {
    pub phases: Phases,
    /// The address that answered, else the last that was tried.
    pub address: Option<IpAddr>,
    /// The address of ours from which it is reached.
    pub local: Option<IpAddr>,
    pub status: Option<u16>,
    /// Bytes of the body that were read.
    pub bytes: Option<u64>,
    /// The body is longer than what is read of one.
    #[serde(default)]
    pub cut: bool,
    /// Redirects that were followed.
    pub redirects: u8,
    pub chain: Option<Arc<Chain>>,
    /// Share of the pings without an answer.
    pub loss: Option<f64>,
    /// The port that was connected to in place of a ping, as ICMP is refused here.
    pub instead_of_ping: Option<u16>,
}

impl Round {
    #[must_use]
    pub fn is_up(&self) -> bool {
        matches!(self.outcome, Outcome::Up { .. })
    }

    /// How long the answer took, where that is to be trusted.
    #[must_use]
    pub fn seconds(&self) -> Option<f64> {
        match self.outcome {
            Outcome::Up { seconds } => seconds,
            Outcome::Down(_) | Outcome::Unjudged { .. } => None,
        }
    }

    /// Something came back from the network: an answer, or a refusal.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        match &self.outcome {
            Outcome::Up { .. } => true,
            Outcome::Down(failure) => failure.kind == FailureKind::Wrong,
            Outcome::Unjudged { .. } => false,
        }
    }

    /// Nothing came back from the network: neither an answer nor a refusal.
    #[must_use]
    pub fn is_unanswered(&self) -> bool {
        match &self.outcome {
            Outcome::Up { .. } => false,
            Outcome::Down(failure) => failure.kind == FailureKind::Unanswered,
            Outcome::Unjudged { cause, .. } => matches!(cause, Cause::Dns | Cause::Network),
        }
    }

    /// Why it is not up, in a few words.
    #[must_use]
    pub fn words(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Up { .. } => None,
            Outcome::Down(failure) => Some(&failure.words),
            Outcome::Unjudged { words, .. } => Some(words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_add_up_over_redirects() {
        let mut phases = Phases::default();
        phases.add(Phase::Connect, 0.25);
        phases.add(Phase::Connect, 0.5);
        phases.add(Phase::Body, 1.0);
        assert_eq!((phases.get(Phase::Connect), phases.get(Phase::Tls)), (Some(0.75), None));
        assert_eq!(phases.total(), 1.75);
    }

    #[test]
    fn a_refusal_is_an_answer_of_the_network() {
        let unanswered = |outcome: Outcome| {
            Round {
                number: 1,
                began: Stamp::default(),
                ended: Stamp::default(),
                outcome,
                retried: None,
                found: Found::default(),
            }
            .is_unanswered()
        };
        let down = |kind| Outcome::Down(Failure { kind, words: String::new() });
        let unjudged = |cause| Outcome::Unjudged { cause, words: String::new() };
        assert!(!unanswered(Outcome::Up { seconds: None }));
        assert!(unanswered(down(FailureKind::Unanswered)) && !unanswered(down(FailureKind::Wrong)));
        assert!(unanswered(unjudged(Cause::Dns)) && unanswered(unjudged(Cause::Network)));
        assert!(!unanswered(unjudged(Cause::Starved)));
    }

    #[test]
    fn an_expired_certificate_that_is_not_needed_does_not_count() {
        let until = |not_after_unix| Certificate { not_after_unix, ..Certificate::default() };
        let mut chain = Chain { certificates: vec![until(500), until(90), until(300)], refused: None };
        let first = |chain: &Chain| chain.first_to_expire(100).map(|certificate| certificate.not_after_unix);
        assert_eq!(first(&chain), Some(300));
        chain.refused = Some("it has expired".to_owned());
        assert_eq!(first(&chain), Some(90));
        assert_eq!(first(&Chain::default()), None);
    }

    #[test]
    fn a_phase_is_a_label_for_programs_and_words_for_people() {
        assert_eq!(Phase::ALL.map(Phase::name), ["resolve", "connect", "tls", "first_byte", "body"]);
        assert_eq!(Phase::ALL.map(Phase::words), ["resolve", "connect", "tls", "first byte", "body"]);
    }
}
