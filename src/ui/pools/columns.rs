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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alert::shipped,
        model::pool::{Class, Pool, PoolIo, PoolRow, SUSPENDED, Scan, ScanKind, Vdev},
        ui::table::column::testing::{cell, column},
    };

    fn state(rows: Vec<PoolRow>) -> State {
        let mut state = State::new(shipped().into());
        state.host.pools.rows = rows;
        state
    }

    fn pool(change: impl FnOnce(&mut Pool)) -> PoolRow {
        let mut reported = Pool {
            name: "tank".into(),
            state: "ONLINE".into(),
            size: Some(100 << 30),
            allocated: Some(50 << 30),
            free: Some(50 << 30),
            ..Pool::default()
        };
        change(&mut reported);
        let mut row = PoolRow::default();
        (row.name, row.state) = (reported.name.clone(), reported.state.clone());
        row.reported = Some(reported);
        row
    }

    fn disk(errors: [u64; 3]) -> Vdev {
        Vdev {
            name: "/dev/sda1".into(),
            depth: 0,
            class: Class::Normal,
            state: "ONLINE".into(),
            errors,
            slow: 0,
            note: String::new(),
            leaf: true,
        }
    }

    fn scan(state: ScanState, done: f64) -> Scan {
        Scan {
            kind: ScanKind::Scrub,
            state,
            started_unix: None,
            ended_unix: None,
            done_ratio: Some(done),
            remaining: None,
            errors: 0,
            repaired_bytes: None,
        }
    }

    fn shown(pool: &PoolRow, id: &str) -> (String, Option<Role>) {
        let state = state(vec![pool.clone()]);
        cell::<Pools>(&state, id, &Row::new(pool, &state))
    }

    #[test]
    fn a_pool_that_no_tool_described_has_no_figures() {
        let mut unread = pool(|_| ());
        unread.reported = None;
        for id in ["used", "free", "frag", "ratio", "read", "write", "latency", "errors", "scrub", "size", "operations"]
        {
            assert_eq!(shown(&unread, id), ("–".to_owned(), Some(Role::Faint)), "{id}");
        }
        assert_eq!(shown(&unread, "worst").0, "");
    }

    #[test]
    fn use_has_the_colour_of_its_level() {
        for (gigabytes, words, role) in [
            (0, "0%", Role::Text),
            (50, "50%", Role::Text),
            (71, "71%", Role::Advice),
            (86, "86%", Role::Warn),
            (96, "96%", Role::Crit),
        ] {
            let pool = pool(|reported| reported.allocated = Some(gigabytes << 30));
            assert_eq!(shown(&pool, "used"), (words.to_owned(), Some(role)));
        }
        let mut still = pool(|reported| reported.allocated = Some(96 << 30));
        still.silent = true;
        assert_eq!(shown(&still, "used").1, Some(Role::Faint), "it may be so no longer");
    }

    #[test]
    fn errors_are_those_of_the_devices_and_of_the_files() {
        let with = |errors, lost| pool(|reported| (reported.vdevs, reported.data_errors) = (vec![disk(errors)], lost));
        for (errors, lost, words, role) in [
            ([0, 0, 0], None, "0", Role::Faint),
            ([0, 0, 0], Some(0), "0", Role::Faint),
            ([1, 2, 3], None, "6", Role::Warn),
            ([0, 0, 1], Some(2), "3", Role::Crit),
            ([u64::MAX, 1, 0], None, "18446744073709551616", Role::Warn),
        ] {
            assert_eq!(shown(&with(errors, lost), "errors"), (words.to_owned(), Some(role)), "{errors:?} {lost:?}");
        }
        let (empty, keep) = (column::<Pools>("errors").empty, column::<Pools>("errors").keep);
        let (empty, keep) = (empty.expect("it gives way"), keep.expect("it stays"));
        let clean = state(vec![with([0; 3], None), PoolRow::default()]);
        assert_eq!((empty(&clean), keep(&clean)), (true, false));
        let one = state(vec![with([0; 3], None), with([0, 0, 1], None)]);
        assert_eq!((empty(&one), keep(&one)), (false, true));
    }

    #[test]
    fn a_scan_that_is_not_over_stays_in_sight() {
        let keep = column::<Pools>("scrub").keep.expect("it stays");
        for (of, words, role, keeps) in [
            (None, "never", Role::Dim, false),
            (Some(scan(ScanState::Running, 0.42)), "scrub 42%", Role::Advice, true),
            (Some(scan(ScanState::Paused, 0.42)), "scrub paused 42%", Role::Dim, true),
            (Some(scan(ScanState::Finished, 1.0)), "ok", Role::Dim, false),
            (Some(scan(ScanState::Canceled, 0.1)), "scrub canceled", Role::Dim, false),
        ] {
            let pool = pool(|reported| reported.scan = of);
            assert_eq!(shown(&pool, "scrub"), (words.to_owned(), Some(role)));
            assert_eq!(keep(&state(vec![pool])), keeps, "{words}");
        }
    }

    #[test]
    fn the_neediest_pool_comes_first() {
        let running = pool(|reported| reported.scan = Some(scan(ScanState::Running, 0.5)));
        let filled = |gigabytes: u64| pool(move |reported| reported.allocated = Some(gigabytes << 30));
        let degraded = pool(|reported| reported.state = "DEGRADED".into());
        let all = [(degraded, 0), (filled(96), 0), (filled(86), 1), (running, 2), (filled(71), 3), (filled(50), 4)];
        for (pool, need) in all {
            let state = state(vec![pool.clone()]);
            assert_eq!(cells::need(&Row::new(&pool, &state)), need, "{pool:?}");
        }
    }

    #[test]
    fn health_has_a_sign_and_says_what_is_lost() {
        let lost = pool(|reported| reported.data_errors = Some(2));
        assert_eq!(shown(&pool(|_| ()), "health"), ("● online".to_owned(), Some(Role::Ok)));
        assert_eq!(shown(&lost, "health"), ("✖ online, 2 permanent data errors".to_owned(), Some(Role::Crit)));
        let suspended = pool(|reported| reported.state = SUSPENDED.into());
        assert_eq!(shown(&suspended, "health"), ("✖ suspended".to_owned(), Some(Role::Crit)));
        let unruled = State::default();
        let degraded = pool(|reported| reported.state = "DEGRADED".into());
        assert_eq!(
            cell::<Pools>(&unruled, "health", &Row::new(&degraded, &unruled)),
            ("◌ degraded".to_owned(), Some(Role::Advice)),
            "no rule judges it"
        );
    }

    #[test]
    fn rates_and_ratios_are_in_their_units() {
        let io = PoolIo {
            reads: 3.0,
            writes: 1.0,
            read_bytes: 2048.0,
            read_wait: Some(0.004),
            write_wait: Some(0.008),
            ..PoolIo::default()
        };
        let mut busy = pool(|reported| (reported.compress, reported.dedup) = (Some(1.916), Some(1.0)));
        (busy.io, busy.vdev_io) = (Some(io), vec![("/dev/sda1".into(), io), ("mirror-0".into(), PoolIo::default())]);
        for (id, words) in [
            ("read", "2.0K"),
            ("write", "0"),
            ("operations", "4"),
            ("latency", "5.0 ms"),
            ("ratio", "1.92x"),
            ("dedup", "1.00x"),
            ("worst", "sda1 8.0 ms"),
            ("size", "100G"),
            ("free", "50.0G"),
        ] {
            assert_eq!(shown(&busy, id).0, words, "{id}");
        }
        assert_eq!((shown(&busy, "read").1, shown(&busy, "write").1), (Some(Role::Text), Some(Role::Faint)));
    }

    #[test]
    fn a_pool_that_lost_a_cache_has_the_sign_of_a_warning() {
        let lost = Vdev { class: Class::Cache, state: "UNAVAIL".into(), ..disk([0; 3]) };
        let pool = pool(|reported| reported.vdevs = vec![lost]);
        assert_eq!(shown(&pool, "health"), ("▲ online".to_owned(), Some(Role::Warn)));
    }
}
