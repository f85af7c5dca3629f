//! The columns of the pools: what each says of one, how it compares, and what a filter finds in it.

use std::borrow::Cow;

use super::{
    cells,
    row::{Pools, Row},
};
use crate::{
    alert::Level,
    model::pool::{ScanState, scan_words},
    state::{State, levels},
    ui::{
        figures::latency,
        table::{
            column::{Column, Columns, Kind, Number, unless_zero},
            needle::Needle,
        },
        theme::Role,
    },
    units::ABSENT,
};

impl Columns for Pools {
    type Row<'a> = Row<'a>;
    const COLUMNS: &'static [Column<Self>] = COLUMNS;
    const NAME: &'static str = "name";

    fn matches(row: &Row<'_>, needle: &Needle) -> bool {
        let vdevs = row.pool.reported.as_ref().map(|t| t.vdevs.as_slice()).unwrap_or_default();
        needle.is_in(&row.pool.name) || needle.is_in(&row.pool.state) || vdevs.iter().any(|v| needle.is_in(&v.name))
    }
}

type Col = Column<Pools>;

/// Every column. On a narrow screen those of the greatest rank go first; name, health and use stay.
pub static COLUMNS: &[Col] = &[
    Col::words("name", "POOL", 24, 0, |r| Cow::Borrowed(&r.pool.name))
        .between(6, 24)
        .also(&["pool"])
        .essential()
        .role(Role::Strong)
        .doc("its name"),
    Col::words("health", "HEALTH", 11, 0, |r| r.pool.state.to_lowercase().into())
        .between(8, 24)
        .also(&["state"])
        .essential()
        .ordered(cells::need)
        .drawn_by(2, cells::health)
        .doc("pool state; sorts problems first"),
    Col::figure("used", "USED", Kind::Share, 4, 0, |r| r.pool.used_ratio())
        .also(&["capacity"])
        .essential()
        .role_of(|r, text| r.role(levels::pool_used(r.state, r.pool), unless_zero(text, Role::Text)))
        .doc("allocated of its size"),
    Col::drawn("gauge", Kind::Share, 8, 7, |r| r.pool.used_ratio(), cells::used)
        .between(8, 24)
        .essential()
        .doc("the same as a gauge, with the limit"),
    less("free", "FREE", Kind::Bytes, 5, 3, |r| Some(r.pool.reported.as_ref()?.free? as f64))
        .doc("bytes not allocated"),
    less("frag", "FRAG", Kind::Share, 4, 9, |r| r.pool.reported.as_ref()?.fragmentation)
        .also(&["fragmentation"])
        .doc("fragmentation of the free space"),
    less("ratio", "RATIO", Kind::Count, 6, 8, |r| r.pool.reported.as_ref()?.compress)
        .also(&["compress"])
        .format(times)
        .doc("compression ratio"),
    rate("read", "READ/s", Kind::Bytes, 6, 2, |r| Some(r.pool.io?.read_bytes)).doc("read from its devices each second"),
    rate("write", "WRIT/s", Kind::Bytes, 6, 2, |r| Some(r.pool.io?.write_bytes))
        .doc("written to its devices each second"),
    rate("latency", "LAT", Kind::Seconds, 7, 3, |r| r.pool.wait())
        .also(&["lat", "wait"])
        .format(|wait| latency(Some(wait)).trim_start().to_owned())
        .doc("how long an operation took, queues included"),
    less("errors", "ERRS", Kind::Count, 5, 5, |r| Some(r.errors()? as f64))
        .essential()
        .role_of(|r, text| r.role(levels::pool_errors(r.state, r.pool), unless_zero(text, Role::Dim)))
        .empty(|state| !any_errors(state))
        .keep(any_errors)
        .doc("read, write and checksum errors of its devices"),
    Col::words("scrub", "SCRUB", 16, 4, |r| match &r.pool.reported {
        Some(reported) => scan_words(reported.scan.as_ref(), r.state.host.now).into(),
        None => Cow::Borrowed(ABSENT),
    })
    .between(5, 24)
    .also(&["scan"])
    .essential()
    .role_of(|r, text| {
        let runs =
            r.pool.reported.as_ref().and_then(|t| t.scan.as_ref()).is_some_and(|s| s.state == ScanState::Running);
        r.role(Level::Ok, if runs { Role::Advice } else { unless_zero(text, Role::Dim) })
    })
    .keep(|state| state.host.pools.rows.iter().any(cells::scans))
    .doc("progress of a scrub or resilver, or age of the last one"),
    less("size", "SIZE", Kind::Bytes, 5, 10, |r| Some(r.pool.reported.as_ref()?.size? as f64)).doc("raw size"),
    less("operations", "IOPS", Kind::Count, 6, 11, |r| r.pool.io.map(|io| io.reads + io.writes))
        .also(&["iops"])
        .doc("operations each second"),
    less("dedup", "DEDUP", Kind::Count, 6, 12, |r| r.pool.reported.as_ref()?.dedup)
        .format(times)
        .doc("deduplication ratio"),
    Col::words("worst", "WORST", 18, 13, |r| match r.pool.worst_wait() {
        Some((name, wait)) => {
            let name = name.rsplit('/').next().unwrap_or(name);
            format!("{name} {}", latency(Some(wait)).trim_start()).into()
        }
        None => Cow::Borrowed(""),
    })
    .between(8, 30)
    .role_of(|r, _| r.role(Level::Ok, Role::Dim))
    .doc("device with the highest latency"),
];

/// A figure that is read first.
const fn rate(id: &'static str, title: &'static str, kind: Kind, width: u16, rank: u8, number: Number<Pools>) -> Col {
    let column = Col::figure(id, title, kind, width, rank, number).essential();
    column.role_of(|r, text| r.role(Level::Ok, unless_zero(text, Role::Text)))
}

/// One that is not.
const fn less(id: &'static str, title: &'static str, kind: Kind, width: u16, rank: u8, number: Number<Pools>) -> Col {
    let column = Col::figure(id, title, kind, width, rank, number);
    column.role_of(|r, text| r.role(Level::Ok, unless_zero(text, Role::Dim)))
}

/// `1.92x`.
fn times(ratio: f64) -> String {
    format!("{ratio:.2}x")
}

fn any_errors(state: &State) -> bool {
    state.host.pools.rows.iter().any(|pool| Row::new(pool, state).errors().unwrap_or(0) > 0)
}
