//! A pool's tree of devices and its datasets, as tables.

use std::time::Duration;

use crate::{
    model::{
        join,
        pool::{Class, DatasetRow, PoolRow, Vdev},
        subject::Subject,
    },
    state::{State, levels},
    text::{elide, width},
    ui::{
        figures::{bytes, fixed, latency, role_of},
        theme::Role,
        widgets::{
            page::{LinkedLine, Page},
            sheet::SheetLine,
        },
    },
    units::{ABSENT, bytes_short, count_short, span_short},
};

/// The widest that a name gets.
const WIDEST: usize = 40;

/// Text in exactly `columns`.
fn cell(text: &str, columns: usize) -> String {
    let text = elide(text, columns);
    let padding = " ".repeat(columns.saturating_sub(width(&text)));
    format!("{text}{padding}")
}

fn indent(vdev: &Vdev) -> usize {
    2 * (usize::from(vdev.depth) + usize::from(vdev.class != Class::Normal))
}

/// A lost one by the path that it had; a device by the name that other tools use.
fn shown(vdev: &Vdev) -> &str {
    match vdev.leaf {
        true if vdev.note.starts_with("was ") || vdev.name.starts_with("/dev/disk/") => vdev.short_name(),
        true => vdev.name.strip_prefix("/dev/").unwrap_or(&vdev.name),
        false => vdev.short_name(),
    }
}

/// The tree of devices, as `zpool status` draws it, with what each does now.
pub(super) fn devices(state: &State, row: &PoolRow, room: usize, lines: &mut Page) {
    let Some(reported) = &row.reported else { return };
    let name = reported.vdevs.iter().map(|v| width(shown(v)) + indent(v)).max().unwrap_or(0).clamp(10, WIDEST);
    lines.push(Vec::new());
    let heads = format!(
        "{} {:<9} {:>5} {:>5} {:>5} {:>4} {:>5} {:>6} {:>6} {:>8} {:>8}",
        cell("DEVICE", name),
        "STATE",
        "READ",
        "WRITE",
        "CKSUM",
        "SLOW",
        "IOPS",
        "READ/s",
        "WRIT/s",
        "R LAT",
        "W LAT"
    );
    lines.push(vec![(elide(&heads, room).into_owned(), Role::Dim)]);
    let mut class = Class::Normal;
    for vdev in &reported.vdevs {
        if vdev.class != class && vdev.depth == 0 {
            class = vdev.class;
            lines.push(vec![(class.word().to_owned(), Role::Dim)]);
        }
        let disk = join::disk_of(&state.host, vdev.device()).filter(|_| vdev.leaf);
        let leads = disk.map(|disk| Subject::Disk(disk.raw.name.clone()));
        lines.push(LinkedLine::from(device(state, row, vdev, name)).link(0, leads));
    }
}

fn device(state: &State, row: &PoolRow, vdev: &Vdev, name: usize) -> SheetLine {
    let label = cell(&format!("{}{}", " ".repeat(indent(vdev)), shown(vdev)), name);
    let word = vdev.state.to_lowercase();
    // The rule watches the pool, and names this device as the cause.
    let state_role = if vdev.is_well() { Role::Dim } else { role_of(levels::pool(state, row), Role::Text) };
    let mut line = vec![(format!("{label} "), Role::Text), (format!("{word:<9}"), state_role)];
    let counted = role_of(levels::vdev(state, &row.name, vdev), Role::Dim);
    for errors in vdev.errors {
        let role = if errors > 0 { counted } else { Role::Faint };
        line.push((format!(" {:>5}", count_short(errors as f64)), role));
    }
    line.push((format!(" {:>4}", count_short(vdev.slow as f64)), if vdev.slow > 0 { Role::Text } else { Role::Faint }));
    match row.vdev_io.iter().find(|(name, _)| *name == vdev.name) {
        Some((_, io)) => {
            let rates = format!(
                " {:>5} {:>6} {:>6}",
                count_short(io.reads + io.writes),
                bytes_short(io.read_bytes),
                bytes_short(io.write_bytes)
            );
            line.push((rates, Role::Text));
            line.push((format!(" {:>8} {:>8}", latency(io.read_wait), latency(io.write_wait)), Role::Dim));
        }
        None if vdev.note.is_empty() => {}
        None => line.push((" ".repeat(38), Role::Dim)),
    }
    if !vdev.note.is_empty() {
        line.push((format!("  {}", vdev.note), Role::Dim));
    }
    line
}

/// Its datasets, those that hold most first.
pub(super) fn datasets(state: &State, row: &PoolRow, room: usize, lines: &mut Page) {
    let mut own: Vec<&DatasetRow> =
        state.host.pools.datasets.iter().filter(|d| d.reported.pool() == row.name).collect();
    if own.is_empty() {
        return;
    }
    own.sort_by(|a, b| b.reported.used.cmp(&a.reported.used).then_with(|| a.reported.name.cmp(&b.reported.name)));
    let name = own.iter().map(|d| width(&d.reported.name)).max().unwrap_or(0).clamp(10, WIDEST);
    lines.push(Vec::new());
    let heads = format!(
        "{} {:>5} {:>5} {:>6} {:>6} {:<8} {:>5} {:>6} {:>6} {:>5} {:>6}  {}",
        cell("DATASET", name),
        "USED",
        "AVAIL",
        "RATIO",
        "RECORD",
        "COMPRESS",
        "QUOTA",
        "READ/s",
        "WRIT/s",
        "SNAPS",
        "NEWEST",
        "MOUNTED AT"
    );
    lines.push(vec![(elide(&heads, room).into_owned(), Role::Dim)]);
    lines.extend(own.into_iter().map(|row| dataset(state, row, name)));
}

fn dataset(state: &State, row: &DatasetRow, name: usize) -> SheetLine {
    let reported = &row.reported;
    let size = |n: u64| bytes_short(n as f64);
    let newest = reported.newest_snapshot_unix.map_or_else(String::new, |at| {
        span_short(Duration::from_secs(u64::try_from(state.host.now.unix_ms / 1000 - at).unwrap_or(0)))
    });
    let ratio = |r: f64| if r < 99.995 { format!("{r:.2}x") } else { format!("{r:.0}x") };
    let figures = format!(
        " {:>5} {:>5} {} {:>6} {} {:>5} {:>6} {:>6} {:>5} {newest:>6}  ",
        size(reported.used),
        size(reported.available),
        fixed(reported.ratio, 6, ratio),
        reported.record.map_or_else(|| ABSENT.to_owned(), size),
        cell(&reported.compression, 8),
        reported.quota.map_or_else(|| ABSENT.to_owned(), size),
        bytes(row.read_per_second),
        bytes(row.write_per_second),
        reported.snapshots,
    );
    let at = if reported.volume { "volume" } else { reported.mountpoint.as_deref().unwrap_or("not mounted") };
    vec![(cell(&reported.name, name), Role::Text), (figures, Role::Dim), (at.to_owned(), Role::Dim)]
}
