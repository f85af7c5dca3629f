//! Services as lines: how each stands, how long it took and what is usual.

use crate::{
    model::service::{ServiceRow, Standing},
    state::{State, levels},
    units::{self, span_short},
};

/// One each.
pub(super) fn lines(state: &State) -> Vec<String> {
    state.host.services.rows.iter().map(|service| words(state, service)).collect()
}

/// `nginx · 200 · 41.0 ms · normal 38.2 ms · http://nas`.
fn words(state: &State, service: &ServiceRow) -> String {
    let time = |seconds: f64| units::latency(seconds).trim().to_owned();
    let mut words =
        vec![service.probe.name.clone(), service.words(levels::service_is_slow(state, service)).into_owned()];
    if service.standing == Standing::Up {
        words.push(service.seconds().map_or_else(|| units::ABSENT.to_owned(), time));
    }
    words.extend(service.usual().map(|usual| format!("normal {}", time(usual.median))));
    if let Some((certificate, left)) = service.certificate(state.host.now) {
        let apart = span_short(std::time::Duration::from_secs_f64(left.abs()));
        words.push(match left > 0.0 {
            true => format!("certificate of {} expires in {apart}", certificate.subject),
            false => format!("certificate of {} expired {apart} ago", certificate.subject),
        });
    }
    words.extend((!service.why.is_empty()).then(|| service.why.clone()));
    words.push(service.probe.url.clone());
    words.join(" · ")
}
