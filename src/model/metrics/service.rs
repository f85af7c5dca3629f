//! Metrics of services: how each stands, how long it takes, and against what is usual.

use super::{
    Unit::{BytesPerSecond, Count, Ratio, Seconds},
    def::{MetricDef, NONE, Put, flag, gauge, one},
};
use crate::{
    model::{
        host::Host,
        service::{ServiceRow, Standing, round::Phase},
        source::SourceId::Services,
    },
    units::{latency, span},
};

const SERVICE: &[&str] = &["service"];

/// Its rows of TABLE METRICS.
#[rustfmt::skip] // a table: one metric a paragraph of two or three lines
pub(super) const ROWS: &[MetricDef] = &[
    gauge("network_reachable", Count, Services, NONE, "1 when something outside answers its probe, 0 when nothing does.",
        |h, put| one(put, (h.services.rows.len() > 1).then(|| flag(h.services.cut_off.is_none()))))
        .detail(|h, _| h.services.cut_off.as_ref().map(|cut| format!("none of {} services outside answers", cut.services))),
    gauge("service_up", Count, Services, SERVICE, "1 when the service answers as expected, 0 when it does not.",
        |h, put| services(h, put, |row| match row.standing {
            Standing::Up => Some(1.0),
            Standing::Down => Some(0.0),
            Standing::Waiting | Standing::Unjudged | Standing::Paused => None,
        }))
        .cause(why),
    gauge("service_response_seconds", Seconds, Services, SERVICE, "Time until the service had answered, all phases together.",
        |h, put| services(h, put, ServiceRow::seconds)),
    gauge("service_phase_seconds", Seconds, Services, &["service", "phase"], "Time of one phase of the answer, summed over redirects.",
        |h, put| for row in h.services.rows.iter().filter(|row| row.standing == Standing::Up) {
            let Some(round) = &row.round else { continue };
            for phase in Phase::ALL {
                if let Some(seconds) = round.found.phases.get(phase) {
                    put(&[&row.probe.name, phase.name()], seconds);
                }
            }
        }),
    gauge("service_failures_in_row", Count, Services, SERVICE, "Rounds that failed one after the other, each after a second attempt.",
        |h, put| services(h, put, |row| row.failures_in_row().filter(|_| is_probed(row)).map(f64::from)))
        .cause(why)
        .detail(|h, of| Some(match service(h, of)?.failures {
            0 => "it answers again".to_owned(),
            1 => "1 failure".to_owned(),
            n => format!("{n} failures in a row"),
        })),
    gauge("service_error_ratio", Ratio, Services, SERVICE, "Share of the rounds of the last ten minutes (40 rounds at least) that failed.",
        |h, put| services(h, put, |row| row.error_ratio().filter(|_| is_probed(row))))
        .cause(last_error),
    gauge("service_response_vs_normal_ratio", Ratio, Services, SERVICE, "Time of the answer against the usual one; times under 20 ms count as alike.",
        |h, put| services(h, put, ServiceRow::against_normal))
        .detail(|h, of| {
            let row = service(h, of)?;
            let usual = row.usual()?.median;
            Some(format!("{}, normal is {}", latency(row.seconds()?).trim(), latency(usual).trim()))
        }),
    gauge("service_response_normal_seconds", Seconds, Services, SERVICE, "The usual time of the answer: the median of a day's minutes.",
        |h, put| services(h, put, |row| Some(row.usual()?.median))),
    gauge("service_throughput_bytes_per_second", BytesPerSecond, Services, SERVICE, "Bytes a second at which a body of 64 KiB or more came.",
        |h, put| services(h, put, ServiceRow::throughput)),
    gauge("service_throughput_vs_normal_ratio", Ratio, Services, SERVICE, "Throughput of the body against the usual one.",
        |h, put| services(h, put, ServiceRow::throughput_against_normal)),
    gauge("service_ping_loss_ratio", Ratio, Services, SERVICE, "Share of the pings of the newest round without an answer.",
        |h, put| services(h, put, |row| row.round.as_ref()?.found.loss)),
    gauge("service_certificate_seconds", Seconds, Services, SERVICE, "Time until the first certificate of the chain expires; less than 0 when one has.",
        |h, put| services(h, put, |row| Some(row.certificate(h.now)?.1)))
        .detail(|h, of| certificate(service(h, of)?, h)),
];

fn services(host: &Host, put: Put<'_>, figure: impl Fn(&ServiceRow) -> Option<f64>) {
    for row in &host.services.rows {
        if let Some(value) = figure(row) {
            put(&[&row.probe.name], value);
        }
    }
}

/// The service that the labels name.
fn service<'a>(host: &'a Host, labels: &[&str]) -> Option<&'a ServiceRow> {
    host.services.find(labels.first()?)
}

fn is_probed(row: &ServiceRow) -> bool {
    !matches!(row.standing, Standing::Waiting | Standing::Paused)
}

fn why(host: &Host, labels: &[&str]) -> Option<String> {
    let row = service(host, labels)?;
    (!row.why.is_empty()).then(|| row.why.clone())
}

/// The newest failure, though it may answer now.
fn last_error(host: &Host, labels: &[&str]) -> Option<String> {
    use crate::model::service::What;
    let log = &service(host, labels)?.log;
    Some(log.iter().rev().find(|line| line.what == What::Failed)?.words.clone())
}

/// `certificate of CN expires in 5d 3h`.
fn certificate(row: &ServiceRow, host: &Host) -> Option<String> {
    let (first, seconds) = row.certificate(host.now)?;
    let apart = span(std::time::Duration::from_secs_f64(seconds.abs()));
    Some(match seconds > 0.0 {
        true => format!("certificate of {} expires in {apart}", first.subject),
        false => format!("certificate of {} expired {apart} ago", first.subject),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        clock::Stamp,
        model::{
            metrics,
            service::{Occurrence, Probe, What},
        },
    };

    fn host(change: impl FnOnce(&mut ServiceRow)) -> Host {
        let mut row = ServiceRow::new(Arc::new(Probe { name: "web".into(), ..Probe::default() }), Stamp::at_seconds(1));
        change(&mut row);
        let mut host = Host::default();
        host.services.rows = vec![row];
        host
    }

    fn cause(host: &Host, id: &str) -> Option<String> {
        let metric = metrics::find(id).expect("a metric");
        metric.cause.expect("it has one")(host, &["web"])
    }

    fn detail(host: &Host, id: &str) -> Option<String> {
        let metric = metrics::find(id).expect("a metric");
        metric.detail.expect("it has one")(host, &["web"])
    }

    #[test]
    fn an_alert_says_why_a_service_fails() {
        let line = |what, words: &str| {
            let at = Stamp::at_seconds(1);
            Occurrence { first: at, last: at, count: 1, what, words: words.into() }
        };
        let host = host(|row| {
            (row.standing, row.failures, row.why) = (Standing::Down, 2, "refused".into());
            row.log = [line(What::Failed, "503"), line(What::Failed, "refused"), line(What::Answered, "")].into();
        });
        assert_eq!(cause(&host, "service_up").as_deref(), Some("refused"));
        assert_eq!(cause(&host, "service_failures_in_row").as_deref(), Some("refused"));
        assert_eq!(cause(&host, "service_error_ratio").as_deref(), Some("refused"), "the newest failure");
        assert_eq!((why(&host, &["other"]), why(&host, &[]), last_error(&host, &["other"])), (None, None, None));
    }

    #[test]
    fn failures_are_counted_in_words() {
        for (failures, words) in [(0, "it answers again"), (1, "1 failure"), (3, "3 failures in a row")] {
            let host = host(|row| row.failures = failures);
            assert_eq!(detail(&host, "service_failures_in_row").as_deref(), Some(words));
            assert_eq!((cause(&host, "service_up"), cause(&host, "service_error_ratio")), (None, None));
        }
    }

    #[test]
    fn only_what_was_judged_is_up_or_down() {
        let read = |standing| {
            let mut all = Vec::new();
            let host = host(|row| row.standing = standing);
            (metrics::find("service_up").expect("a metric").read)(&host, &mut |_, value| all.push(value));
            all
        };
        assert_eq!((read(Standing::Up), read(Standing::Down)), (vec![1.0], vec![0.0]));
        for standing in [Standing::Waiting, Standing::Unjudged, Standing::Paused] {
            assert!(read(standing).is_empty(), "{standing:?}");
        }
    }
}
