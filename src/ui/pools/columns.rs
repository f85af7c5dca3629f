//! The columns of the pools: what each says of one, how it compares, and what a filter finds in it.

use std::borrow::Cow;

use crate::{
    model::pool::{PoolRow, scan_words},
    state::State,
    ui::table::{
        column::{Column, Kind},
        filter::Fields,
        needle::Needle,
    },
    units::{self, ABSENT},
};

/// Indices into [`COLUMNS`].
#[expect(missing_docs, reason = "the table documents each")]
pub mod at {
    pub const NAME: usize = 0;
    pub const HEALTH: usize = 1;
    pub const USED: usize = 2;
    pub const GAUGE: usize = 3;
    pub const FREE: usize = 4;
    pub const FRAG: usize = 5;
    pub const RATIO: usize = 6;
    pub const READ: usize = 7;
    pub const WRITE: usize = 8;
    pub const LATENCY: usize = 9;
    pub const SCRUB: usize = 10;
    pub const SIZE: usize = 11;
    pub const OPERATIONS: usize = 12;
    pub const ERRORS: usize = 13;
    pub const DEDUP: usize = 14;
    pub const WORST: usize = 15;
}

/// Every column. On a narrow screen those of the greatest rank go first; name, health and use stay.
pub static COLUMNS: [Column; 16] = [
    Column::words("name", "POOL", 24, 0).between(6, 24).also(&["pool"]).doc("its name"),
    Column::words("health", "HEALTH", 11, 0)
        .between(8, 24)
        .also(&["state"])
        .doc("the module's word for its state; in order, what needs a look first"),
    Column::figure("used", "USED", Kind::Share, 4, 0).also(&["capacity"]).doc("allocated of its size"),
    Column::figure("gauge", "", Kind::Share, 8, 7).between(8, 24).doc("the same as a gauge, with the limit"),
    Column::figure("free", "FREE", Kind::Bytes, 5, 3).doc("bytes not allocated"),
    Column::figure("frag", "FRAG", Kind::Share, 4, 9).also(&["fragmentation"]).doc("fragmentation of the free space"),
    Column::figure("ratio", "RATIO", Kind::Count, 6, 8).also(&["compress"]).doc("compress ratio of all that it holds"),
    Column::figure("read", "READ/s", Kind::Bytes, 6, 2).doc("read from its devices each second"),
    Column::figure("write", "WRIT/s", Kind::Bytes, 6, 2).doc("written to its devices each second"),
    Column::figure("latency", "LAT", Kind::Seconds, 7, 3)
        .also(&["lat", "wait"])
        .doc("how long an operation took, queues included"),
    Column::words("scrub", "SCRUB", 16, 4)
        .between(5, 24)
        .also(&["scan"])
        .doc("progress of a scrub or resilver, or the age of the last"),
    Column::figure("size", "SIZE", Kind::Bytes, 5, 10).doc("raw size"),
    Column::figure("operations", "IOPS", Kind::Count, 6, 11).also(&["iops"]).doc("operations each second"),
    Column::figure("errors", "ERRS", Kind::Count, 5, 5).doc("read, write and checksum errors of its devices"),
    Column::figure("dedup", "DEDUP", Kind::Count, 6, 12).doc("deduplication ratio"),
    Column::words("worst", "WORST", 18, 13).between(8, 30).doc("the device with the longest wait"),
];

/// A pool with what its cells need of the machine.
pub struct Row<'a> {
    /// The pool.
    pub pool: &'a PoolRow,
    /// The machine.
    pub state: &'a State,
}

impl<'a> Row<'a> {
    /// A row of this state.
    #[must_use]
    pub fn new(pool: &'a PoolRow, state: &'a State) -> Self {
        Row { pool, state }
    }

    /// Read, write and checksum errors of its leaves.
    #[must_use]
    pub fn errors(&self) -> Option<u64> {
        let told = self.pool.told.as_ref()?;
        Some(told.leaves().flat_map(|v| v.errors).fold(told.data_errors.unwrap_or(0), u64::saturating_add))
    }

    /// What stands in the cell of this column.
    #[must_use]
    pub fn shown(&self, column: usize) -> String {
        let absent = || ABSENT.to_owned();
        let number = self.number(column);
        match column {
            at::USED | at::FRAG => number.map_or_else(absent, units::percent),
            at::FREE | at::SIZE | at::READ | at::WRITE => number.map_or_else(absent, units::bytes_short),
            at::RATIO | at::DEDUP => number.map_or_else(absent, |r| format!("{r:.2}x")),
            at::LATENCY => number.map_or_else(absent, |s| crate::ui::figures::latency(Some(s)).trim_start().to_owned()),
            at::OPERATIONS => number.map_or_else(absent, |n| format!("{n:.0}")),
            at::ERRORS => number.map_or_else(absent, |n| format!("{n:.0}")),
            at::GAUGE => String::new(),
            _ => self.text(column).into_owned(),
        }
    }
}

impl Fields for Row<'_> {
    fn text(&self, column: usize) -> Cow<'_, str> {
        match column {
            at::NAME => Cow::Borrowed(&self.pool.name),
            at::HEALTH => Cow::Owned(self.pool.state.to_lowercase()),
            at::SCRUB => Cow::Owned(match &self.pool.told {
                Some(told) => scan_words(told.scan.as_ref(), self.state.host.now),
                None => ABSENT.to_owned(),
            }),
            at::WORST => Cow::Owned(self.pool.worst_wait().map_or_else(String::new, |(name, wait)| {
                let name = name.rsplit('/').next().unwrap_or(name);
                format!("{name} {}", crate::ui::figures::latency(Some(wait)).trim_start())
            })),
            _ => Cow::Owned(self.shown(column)),
        }
    }

    fn number(&self, column: usize) -> Option<f64> {
        let (pool, told) = (self.pool, self.pool.told.as_ref());
        Some(match column {
            at::USED | at::GAUGE => pool.used_ratio()?,
            at::FREE => told?.free? as f64,
            at::SIZE => told?.size? as f64,
            at::FRAG => told?.fragmentation?,
            at::RATIO => told?.compress?,
            at::DEDUP => told?.dedup?,
            at::READ => pool.io?.read_bytes,
            at::WRITE => pool.io?.write_bytes,
            at::LATENCY => pool.wait()?,
            at::OPERATIONS => pool.io.map(|io| io.reads + io.writes)?,
            at::ERRORS => self.errors()? as f64,
            _ => return None,
        })
    }

    fn word(&self, needle: &Needle) -> bool {
        let vdevs = self.pool.told.as_ref().map(|t| t.vdevs.as_slice()).unwrap_or_default();
        needle.is_in(&self.pool.name) || needle.is_in(&self.pool.state) || vdevs.iter().any(|v| needle.is_in(&v.name))
    }
}
