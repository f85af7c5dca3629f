//! `services` of the document.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    model::service::{
        ServiceRow, Standing,
        round::{Certificate, Phase},
        target::Scheme,
    },
    state::{State, levels},
};

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Service<'a> {
    name: &'a str,
    /// Without its query.
    url: &'a str,
    kind: Scheme,
    /// slow: the rules say so. unjudged: this host could not judge.
    state: &'static str,
    /// Why it is not up.
    #[serde(skip_serializing_if = "str::is_empty")]
    message: &'a str,
    since_unix_milliseconds: i64,
    every_seconds: f64,
    /// Since the newest round ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    age_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_seconds: Option<f64>,
    /// Of the newest round, by phase: resolve, connect, tls, first_byte, body.
    phases_seconds: BTreeMap<&'static str, f64>,
    /// The usual time: the median of a day's minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    normal_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p95_seconds: Option<f64>,
    failures_in_row: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ping_loss_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    redirects: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_bytes: Option<u64>,
    /// Why the chain is not trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_refused: Option<&'a str>,
    /// The server's own first.
    certificates: Vec<CertificateJson<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct CertificateJson<'a> {
    subject: &'a str,
    issuer: &'a str,
    self_signed: bool,
    not_before_unix_seconds: i64,
    not_after_unix_seconds: i64,
}

/// Each of them.
pub(super) fn all(state: &State) -> Vec<Service<'_>> {
    state.host.services.rows.iter().map(|row| service(state, row)).collect()
}

fn service<'a>(state: &State, row: &'a ServiceRow) -> Service<'a> {
    let found = row.round.as_ref().map(|round| &round.found);
    let chain = found.and_then(|found| found.chain.as_ref());
    let phases = found.map(|found| found.phases).unwrap_or_default();
    Service {
        name: &row.probe.name,
        url: &row.probe.url,
        kind: row.probe.scheme,
        state: word(state, row),
        message: &row.why,
        since_unix_milliseconds: row.since.unix_ms,
        every_seconds: row.probe.every.as_secs_f64(),
        age_seconds: row.round.as_ref().map(|round| state.host.now.since(round.ended).as_secs_f64()),
        response_seconds: row.seconds(),
        phases_seconds: Phase::ALL.into_iter().filter_map(|phase| Some((phase.name(), phases.get(phase)?))).collect(),
        normal_seconds: row.usual().map(|usual| usual.median),
        p95_seconds: row.p95(),
        failures_in_row: row.failures,
        error_ratio: row.error_ratio(),
        ping_loss_ratio: found.and_then(|found| found.loss),
        status: found.and_then(|found| found.status),
        address: found.and_then(|found| found.address).map(|address| address.to_string()),
        redirects: found.map_or(0, |found| found.redirects),
        body_bytes: found.and_then(|found| found.bytes),
        certificate_refused: chain.and_then(|chain| chain.refused.as_deref()),
        certificates: chain.map(|chain| chain.certificates.iter().map(certificate).collect()).unwrap_or_default(),
    }
}

fn word(state: &State, row: &ServiceRow) -> &'static str {
    match row.standing {
        Standing::Waiting => "waiting",
        Standing::Up if levels::service_is_slow(state, row) => "slow",
        Standing::Up => "up",
        Standing::Down => "down",
        Standing::Unjudged => "unjudged",
        Standing::Paused => "paused",
    }
}

fn certificate(certificate: &Certificate) -> CertificateJson<'_> {
    CertificateJson {
        subject: &certificate.subject,
        issuer: &certificate.issuer,
        self_signed: certificate.self_signed,
        not_before_unix_seconds: certificate.not_before_unix,
        not_after_unix_seconds: certificate.not_after_unix,
    }
}
