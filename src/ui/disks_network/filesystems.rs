//! The filesystems pane: how full each mount is, and which does not answer.

use std::{borrow::Cow, cmp::Reverse};

use ratatui::layout::Rect;

use crate::{
    alert::Level,
    config::{Settings, settings::TableSettings},
    model::{
        fault::Fault,
        filesystem::{Filesystem, Space},
        metrics,
        source::SourceId,
        subject::Subject,
    },
    state::{State, levels},
    text::{elide, like, width},
    ui::{
        canvas::{Canvas, DrawCx},
        figures::{bytes, figure, hue, percent, plain, role_of, signed_bytes, tick},
        ids::PaneId,
        table::{
            column::{Column, Columns, Kind},
            core::Table,
            def::{TableDef, key_of},
            pane::{Compact, DrawTable, PaneTable, TablePane},
        },
        theme::Role,
        view::{Effect, PaneDef, Rows},
        widgets::{
            gauge::{Gauge, gauge},
            line::{Line, line},
            notice::{dim_when_stale, notice},
            text::{put, put_right},
        },
    },
};

pub const DEF: PaneDef = PaneDef {
    id: PaneId::Filesystems,
    name: "filesystems",
    title: "filesystems",
    feeds: &[SourceId::Filesystems],
    min_width: 40,
    worth: 12,
    past: 0,
    make: |settings| Box::new(TablePane::of(table(settings))),
};

/// The table of filesystems.
pub struct Filesystems;

/// The table as it begins: the fullest first.
#[must_use]
pub fn table(settings: &Settings) -> Table<Filesystems> {
    let begin = TableSettings { columns: Vec::new(), sort: "state".to_owned(), reverse: false };
    Table::in_pane(PaneId::Filesystems, &begin, false, Hidden(settings.hidden_mounts.clone()))
}

/// Patterns of mounts that are left out.
pub struct Hidden(Vec<String>);

/// A filesystem with what its cells need of the machine.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    fs: &'a Filesystem,
    state: &'a State,
}

impl Row<'_> {
    fn space(&self) -> Option<&Space> {
        self.fs.space.as_ref().ok()
    }

    fn used_ratio(&self) -> Option<f64> {
        self.space().and_then(Space::used_ratio)
    }

    fn level(&self) -> Level {
        levels::filesystem(self.state, self.fs)
    }

    fn inodes_level(&self) -> Level {
        levels::inodes(self.state, self.fs)
    }

    /// Why its space is not known.
    fn fault(&self) -> Option<String> {
        Some(match self.fs.space.as_ref().err()? {
            Fault::Timeout => "does not answer".to_owned(),
            Fault::Absent(what) | Fault::Broken(what) | Fault::Denied { what, .. } => what.clone(),
        })
    }

    /// The worst first, then the fullest; whole per cents, so that neighbours do not swap places; what does not answer
    /// before its equals.
    fn need(&self) -> u32 {
        let level = match Reverse(self.level()) {
            Reverse(Level::Crit) => 0,
            Reverse(Level::Warn) => 1,
            Reverse(Level::Advice) => 2,
            Reverse(Level::Ok) => 3,
            Reverse(Level::Unknown) => 4,
        };
        level * 1000 + self.used_ratio().map_or(0, |used| 101 - (used * 100.0).clamp(0.0, 100.0) as u32)
    }

    fn gauge(&self, cx: &DrawCx<'_>, place: Rect, canvas: &mut Canvas<'_>) {
        let g = Gauge {
            parts: &[(self.used_ratio().unwrap_or(0.0), hue(cx, self.level(), Role::DiskRead))],
            limit: tick(self.state.limits(metrics::FILESYSTEM_USED_RATIO, &[&self.fs.mount])),
            ..Gauge::default()
        };
        gauge(canvas.buf, place.x, place.y, place.width, cx.theme, &g);
    }
}

impl Columns for Filesystems {
    type Row<'a> = Row<'a>;
    const COLUMNS: &'static [Column<Self>] = COLUMNS;
    const NAME: &'static str = "mount";
}

type Col = Column<Filesystems>;

static COLUMNS: &[Col] = &[
    Col::words("mount", "MOUNT", 24, 0, |r| Cow::Borrowed(&r.fs.mount))
        .between(8, 60)
        .also(&["name"])
        .role(Role::Text)
        .doc("where it is mounted"),
    Col::figure("used", "USED", Kind::Share, 4, 0, |r| r.used_ratio())
        .role_of(|r, _| role_of(r.level(), Role::Text))
        .doc("used share of the space for ordinary users"),
    Col::drawn(
        "gauge",
        Kind::Share,
        10,
        5,
        |r| r.used_ratio(),
        |cell, place, canvas, r| r.gauge(cell.cx, place, canvas),
    )
    .between(8, 30)
    .doc("the same as a gauge, with the limit"),
    Col::figure("size", "SIZE", Kind::Bytes, 5, 2, |r| r.space().map(|s| s.size as f64)).doc("size in bytes"),
    Col::figure("free", "FREE", Kind::Bytes, 5, 1, |r| r.space().map(|s| s.available as f64))
        .also(&["available"])
        .role(Role::Text)
        .doc("bytes available to users other than root"),
    Col::figure("growth", "GROWTH/h", Kind::Bytes, 8, 4, |r| {
        r.state.host.filesystems.growth(&r.fs.mount).map(|growth| growth * 3600.0)
    })
    .format(signed_bytes)
    .doc("growth per hour, from the recorded minutes"),
    Col::figure("inodes", "INODES", Kind::Share, 6, 6, |r| r.space().and_then(Space::inodes_ratio))
        .role_of(|r, _| role_of(r.inodes_level(), Role::Dim))
        .doc("used inodes"),
    Col::words("type", "TYPE", 8, 3, |r| Cow::Borrowed(&r.fs.kind)).also(&["kind"]).doc("ext4, zfs, nfs4 …"),
    Col::words("state", "STATE", 16, 1, |r| match r.fault() {
        Some(fault) => Cow::Owned(fault),
        None if r.fs.read_only => Cow::Borrowed("read-only"),
        None => Cow::Borrowed("ok"),
    })
    .between(9, 40)
    .ordered(|r| r.need())
    .role_of(|r, _| match r.space() {
        Some(_) => Role::Dim,
        None => role_of(r.level(), Role::Dim),
    })
    .doc("read-only, or why its space is unknown; sorts problems first"),
    Col::words("device", "DEVICE", 20, 7, |r| Cow::Borrowed(&r.fs.device)).between(8, 50).doc("device or dataset"),
];

impl TableDef for Filesystems {
    type Key = u64;
    type Cx<'a> = &'a State;
    type Options = Hidden;
    const SOURCES: &'static [SourceId] = &[SourceId::Filesystems];
    const NOUN: &'static str = "filesystem";

    fn cx<'a>(state: &'a State, _options: &'a Hidden) -> &'a State {
        state
    }

    fn count(state: &State) -> usize {
        state.host.filesystems.filesystems.len()
    }

    fn row<'a>(state: Self::Cx<'a>, index: usize) -> Self::Row<'a> {
        Row { fs: &state.host.filesystems.filesystems[index], state }
    }

    fn key(state: &State, index: usize) -> u64 {
        key_of(&state.host.filesystems.filesystems[index].mount)
    }

    fn lists(row: &Row<'_>, Hidden(hidden): &Hidden) -> bool {
        !hidden.iter().any(|pattern| like(pattern, &row.fs.mount))
    }

    fn nothing(_state: &State) -> &'static str {
        ""
    }

    fn open(state: &State, index: usize) -> Vec<Effect> {
        let mount = state.host.filesystems.filesystems[index].mount.clone();
        vec![Effect::OpenDetail(Subject::Filesystem(mount))]
    }
}

impl PaneTable for Filesystems {
    const PANE: PaneId = PaneId::Filesystems;
    const BOX: Option<DrawTable<Self>> = Some(|table, cx, area, canvas| {
        if !notice(cx, area, canvas, SourceId::Filesystems) {
            list(table, cx, area, canvas, true);
        }
    });
    const COMPACT: Compact<Self> = Compact::Drawn(
        |table, state| {
            let there = !table.list.lines.is_empty() && state.host.health.get(SourceId::Filesystems).is_some();
            there.then_some(Rows { min: 1, want: 1 })
        },
        fullest,
    );

    fn rows(table: &Table<Self>, state: &State) -> Option<Rows> {
        if table.list.listed == 0 && state.host.health.get(SourceId::Filesystems).is_some() {
            return None;
        }
        let rows = u16::try_from(table.list.listed).unwrap_or(u16::MAX).max(1).saturating_add(2);
        Some(Rows { min: rows.min(4), want: rows })
    }

    fn count_words(table: &Table<Self>, _state: &State) -> String {
        format!("{} of {}", table.list.kept, table.list.listed)
    }

    fn summary(_table: &Table<Self>, _cx: &DrawCx<'_>) -> String {
        String::new()
    }
}

/// Draws as many as fit, in the order of the table. `clicks`: with its cursor, and rows answer to the mouse.
pub fn list(table: &Table<Filesystems>, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, clicks: bool) {
    let longest = table.in_sight(cx, area.height).map(|r| width(&r.fs.mount)).max().unwrap_or(0);
    let name = u16::try_from(longest).unwrap_or(u16::MAX).min(area.width / 3).max(6);
    table.draw_plain(cx, area, canvas, clicks, |place, canvas, row| draw_row(cx, place, canvas, row, name));
    dim_when_stale(cx, area, canvas, SourceId::Filesystems);
}

/// The fullest in one line, and how many others there are.
fn fullest(table: &Table<Filesystems>, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
    let Some(row) = table.row(cx.state, 0) else { return };
    let (share, level) = (row.used_ratio(), row.level());
    let words = match (table.list.lines.len() - 1, share) {
        (_, None) => format!("{} does not answer", row.fs.mount),
        (0, _) => row.fs.mount.clone(),
        (n, _) => format!("{} +{n}", elide(&row.fs.mount, 20)),
    };
    let shown = Line {
        figure: &percent(share),
        style: figure(cx, level),
        gauge: Gauge {
            parts: &[(share.unwrap_or(0.0), hue(cx, level, Role::DiskRead))],
            limit: tick(cx.state.limits(metrics::FILESYSTEM_USED_RATIO, &[&row.fs.mount])),
            ..Gauge::default()
        },
        right: &words,
        ..Line::of("files")
    };
    line(cx, area, canvas, &shown);
    dim_when_stale(cx, area, canvas, SourceId::Filesystems);
}

/// `/srv/media   86% ━━━━━━━━┃─  3.1T of  14T  ext4`.
fn draw_row(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, row: &Row<'_>, name: u16) {
    let theme = cx.theme;
    let level = row.level();
    put(canvas.buf, area.x, area.y, name, &row.fs.mount, theme.style(Role::Text));
    let mut x = area.x + name + 1;
    let Some(space) = row.space() else {
        let style = if level >= Level::Warn { theme.level(level) } else { theme.style(Role::Dim) };
        put(canvas.buf, x, area.y, area.right().saturating_sub(x), &row.fault().unwrap_or_default(), style);
        return;
    };
    put(canvas.buf, x, area.y, 4, &percent(space.used_ratio()), plain(cx, level));
    x += 5;
    let inode_level = row.inodes_level();
    let mut kind = if row.fs.read_only { format!("{} ro", row.fs.kind) } else { row.fs.kind.clone() };
    if inode_level > Level::Ok {
        kind = format!("inodes {}", percent(space.inodes_ratio()).trim_start());
    }
    let mut end = area.right();
    // The figure that crossed its limit is shown whole.
    let room = if inode_level > Level::Ok { 11 } else { 8 };
    if area.width >= name + 5 + 23 + room {
        let style = if inode_level > Level::Ok { theme.level(inode_level) } else { theme.style(Role::Dim) };
        put(canvas.buf, end - room, area.y, room, &kind, style);
        end -= room + 1;
    }
    if end > x + 20 {
        let text = format!("{} of {}", bytes(Some(space.used() as f64)), bytes(Some(space.size as f64)));
        end = put_right(canvas.buf, end, area.y, 14, &text, theme.style(Role::Dim)).saturating_sub(1);
    }
    row.gauge(cx, Rect { x, width: end.saturating_sub(x), ..area }, canvas);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{alert::shipped, ui::canvas::testing::drawn, ui::table::column::testing::cell};

    /// With so many of a hundred parts used.
    fn filled(used: u64) -> Filesystem {
        let space =
            Space { size: 100 << 30, free: (100 - used) << 30, available: (100 - used) << 30, ..Space::default() };
        Filesystem {
            mount: "/srv".into(),
            device: "/dev/sda1".into(),
            kind: "ext4".into(),
            options: String::new(),
            read_only: false,
            space: Ok(space),
        }
    }

    fn unknown(fault: Fault) -> Filesystem {
        Filesystem { space: Err(fault), ..filled(0) }
    }

    fn state() -> State {
        State::new(shipped().into())
    }

    #[test]
    fn a_filesystem_says_how_it_is_in_the_colour_of_its_level() {
        let state = state();
        let denied = Fault::Denied { what: "/srv".into(), hint: String::new() };
        let read_only = Filesystem { read_only: true, ..filled(100) };
        for (fs, used, used_role, says, role) in [
            (filled(0), "0%", Role::Text, "ok", Role::Dim),
            (filled(79), "79%", Role::Text, "ok", Role::Dim),
            (filled(81), "81%", Role::Advice, "ok", Role::Dim),
            (filled(91), "91%", Role::Warn, "ok", Role::Dim),
            (filled(98), "98%", Role::Crit, "ok", Role::Dim),
            (read_only, "100%", Role::Text, "read-only", Role::Dim),
            (unknown(Fault::Timeout), "–", Role::Warn, "does not answer", Role::Warn),
            (unknown(denied), "–", Role::Text, "/srv", Role::Dim),
        ] {
            let row = Row { fs: &fs, state: &state };
            assert_eq!(cell::<Filesystems>(&state, "used", &row), (used.to_owned(), Some(used_role)));
            assert_eq!(cell::<Filesystems>(&state, "state", &row), (says.to_owned(), Some(role)), "{used}");
        }
    }

    #[test]
    fn the_worst_filesystem_comes_first() {
        let state = state();
        let all = [filled(98), unknown(Fault::Timeout), filled(94), filled(92), filled(85), filled(79), filled(0)];
        let needs: Vec<u32> = all.iter().map(|fs| Row { fs, state: &state }.need()).collect();
        assert!(needs.is_sorted_by(|a, b| a < b), "{needs:?}");
        let nearly = |part: u64| {
            let space = Space { size: 1000, free: part, available: part, ..Space::default() };
            Row { fs: &Filesystem { space: Ok(space), ..filled(0) }, state: &state }.need()
        };
        assert_eq!(nearly(505), nearly(501), "less than a per cent does not move a row");
    }

    #[test]
    fn a_narrow_row_loses_its_kind_and_then_its_size() {
        let (state, fs) = (state(), filled(50));
        let of = |width, fs: &Filesystem| {
            drawn(&state, (width, 1), |cx, area, canvas| draw_row(cx, area, canvas, &Row { fs, state: &state }, 6))
        };
        let has = |width| {
            let line = of(width, &fs).line();
            (line.contains("ext4"), line.contains("50.0G of  100G"))
        };
        assert_eq!([42, 41, 33, 32].map(has), [(true, true), (false, true), (false, true), (false, false)]);
        assert_eq!(of(60, &fs).role_of("ext4"), Some(Role::Dim));
        assert!(of(60, &Filesystem { read_only: true, ..fs.clone() }).line().ends_with("ext4 ro"));
        let inodes = |free| {
            let space = Space { inodes: 100, inodes_free: free, ..fs.space.clone().expect("known") };
            of(60, &Filesystem { space: Ok(space), ..fs.clone() })
        };
        assert!(inodes(5).line().ends_with("inodes 95%") && inodes(0).line().ends_with("inodes 100%"));
        assert_eq!(inodes(5).role_of("inodes"), Some(Role::Warn));
        let silent = of(60, &unknown(Fault::Timeout));
        assert_eq!((silent.line().as_str(), silent.role_of("does")), ("/srv   does not answer", Some(Role::Warn)));
    }

    #[test]
    fn a_gauge_fills_with_the_share_in_the_colour_of_its_level() {
        let state = state();
        let gauge = |used| {
            let drawn = drawn(&state, (10, 1), |cx, area, canvas| {
                Row { fs: &filled(used), state: &state }.gauge(cx, area, canvas);
            });
            (drawn.line(), drawn.role_at(0, 0))
        };
        assert_eq!(gauge(50), ("━━━━━────┃".to_owned(), Some(Role::DiskRead)));
        assert_eq!(gauge(95), ("━━━━━━━━━┃".to_owned(), Some(Role::Warn)));
        assert_eq!(gauge(0), ("─────────┃".to_owned(), Some(Role::GaugeEmpty)));
    }
}
