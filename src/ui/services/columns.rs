//! The columns of the services: what each says of one, how it compares, and what a filter finds in it.

use std::{borrow::Cow, time::Duration};

use super::{
    cells,
    row::{Row, Services},
};
use crate::{
    alert::Level,
    model::{metrics, service::Standing},
    state::levels,
    text::width,
    ui::{
        figures::role_of,
        table::{
            column::{Column, Columns, Kind, unless_zero},
            needle::Needle,
        },
        theme::Role,
    },
    units::{latency, span_short},
};

impl Columns for Services {
    type Row<'a> = Row<'a>;
    const COLUMNS: &'static [Column<Self>] = COLUMNS;
    const NAME: &'static str = "service";

    fn matches(row: &Row<'_>, needle: &Needle) -> bool {
        let probe = &row.service.probe;
        [&probe.name, &probe.url, &row.service.why].into_iter().any(|text| needle.is_in(text))
            || needle.is_in(&row.words())
    }
}

type Col = Column<Services>;

/// Every column. On a narrow screen those of the greatest rank go first; name, state and time stay.
pub static COLUMNS: &[Col] = &[
    Col::words("service", "SERVICE", 16, 0, |r| Cow::Borrowed(&r.service.probe.name))
        .between(8, 28)
        .also(&["name"])
        .essential()
        .longest(|state| state.host.services.rows.iter().map(|row| width(&row.probe.name)).max())
        .role_of(|r, _| if r.service.standing == Standing::Paused { Role::Dim } else { Role::Strong })
        .doc("its name"),
    Col::words("state", "STATE", 11, 0, |r| r.words())
        .between(9, 16)
        .essential()
        .ordered(|r| r.need())
        .drawn_by(2, cells::state)
        .doc("status of the answer, or how often it failed; sorts problems first"),
    Col::figure("now", "NOW", Kind::Seconds, 6, 0, |r| r.service.seconds())
        .also(&["response", "time"])
        .essential()
        .format(latency)
        .role_of(|r, text| role_of(levels::service_time(r.state, r.service), unless_zero(text, Role::Text)))
        .doc("time until it had answered, all phases together"),
    Col::figure("normal", "NORMAL", Kind::Seconds, 6, 2, |r| Some(r.service.usual()?.median))
        .essential()
        .format(latency)
        .doc("its usual time: the median of a day's minutes"),
    Col::figure("p95", "P95", Kind::Seconds, 6, 4, |r| r.service.p95())
        .essential()
        .format(latency)
        .doc("95% of the last 360 answers took no longer"),
    Col::drawn("graph", Kind::Seconds, 8, 3, |r| r.service.seconds(), cells::past).between(6, 24).doc("history"),
    Col::figure("errors", "ERR", Kind::Share, 4, 6, |r| r.service.error_ratio())
        .role_of(|r, text| {
            let level = r.service.error_ratio().map_or(Level::Ok, |ratio| {
                r.state.level(metrics::SERVICE_ERROR_RATIO, &[&r.service.probe.name], ratio)
            });
            role_of(level, unless_zero(text.trim_start_matches(' ').trim_end_matches('%'), Role::Dim))
        })
        .essential()
        .doc("share of the probes of the last ten minutes that failed"),
    Col::figure("certificate", "CERT", Kind::Seconds, 4, 5, |r| Some(r.service.certificate(r.state.host.now)?.1))
        .also(&["cert"])
        .format(days)
        .role_of(|r, text| role_of(levels::service_certificate(r.state, r.service), unless_zero(text, Role::Dim)))
        .empty(|state| state.host.services.rows.iter().all(|row| row.certificate(state.host.now).is_none()))
        .doc("time until the first certificate of its chain expires"),
    Col::words("address", "ADDRESS", 20, 7, |r| Cow::Borrowed(&r.service.probe.url))
        .between(10, 60)
        .also(&["url"])
        .essential()
        .show(|r| match r.service.why.is_empty() {
            true => Cow::Borrowed(&r.service.probe.url),
            false => Cow::Borrowed(&r.service.why),
        })
        .role_of(|r, _| if r.service.standing == Standing::Down { Role::Text } else { Role::Dim })
        .doc("what is probed, or why it is not up"),
];

/// `41d`; `past` for one that has expired.
fn days(seconds: f64) -> String {
    match Duration::try_from_secs_f64(seconds) {
        Ok(left) => span_short(left),
        Err(_) => "past".to_owned(),
    }
}
