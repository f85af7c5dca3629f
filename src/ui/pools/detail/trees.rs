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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alert::shipped,
        clock::Stamp,
        model::{
            disk::{Disk, DiskCounters},
            pool::{Dataset, Pool, PoolIo},
        },
    };

    fn vdev(name: &str, depth: u8, class: Class, leaf: bool) -> Vdev {
        Vdev { name: name.into(), depth, class, state: "ONLINE".into(), leaf, ..Vdev::default() }
    }

    fn tank(vdevs: Vec<Vdev>) -> PoolRow {
        let mut row = PoolRow::default();
        (row.name, row.state) = ("tank".into(), "ONLINE".into());
        row.reported = Some(Pool { name: "tank".into(), state: "ONLINE".into(), vdevs, ..Pool::default() });
        row
    }

    fn machine() -> State {
        let mut state = State::new(shipped().into());
        state.host.now = Stamp::at_seconds(0);
        state
    }

    fn page(state: &State, row: &PoolRow, room: usize) -> Page {
        let mut page = Page::default();
        devices(state, row, room, &mut page);
        datasets(state, row, room, &mut page);
        page
    }

    fn texts(page: &Page) -> Vec<String> {
        let text = |line: &LinkedLine| line.pieces.iter().map(|(words, _)| words.as_str()).collect::<String>();
        page.lines().iter().map(|line| text(line).trim_end().to_owned()).collect()
    }

    #[test]
    fn devices_stand_below_their_group_and_their_class() {
        let mut lost = vdev("1234567890", 1, Class::Normal, true);
        (lost.state, lost.note) = ("UNAVAIL".into(), "was /dev/sdd1".into());
        let row = tank(vec![
            vdev("mirror-0", 0, Class::Normal, false),
            vdev("/dev/sda1", 1, Class::Normal, true),
            lost,
            vdev("/dev/disk/by-id/nvme-1", 0, Class::Log, true),
            vdev("mirror-1", 0, Class::Special, false),
            vdev("/dev/mapper/luks", 1, Class::Special, true),
        ]);
        let page = page(&machine(), &row, 200);
        assert_eq!(
            texts(&page)[1..],
            [
                "DEVICE          STATE      READ WRITE CKSUM SLOW  IOPS READ/s WRIT/s    R LAT    W LAT".to_owned(),
                "mirror-0        online        0     0     0    0".to_owned(),
                "  sda1          online        0     0     0    0".to_owned(),
                format!("  sdd1          unavail       0     0     0    0{}  was /dev/sdd1", " ".repeat(38)),
                // Below the head of its class each is further in.
                "log".to_owned(),
                "  nvme-1        online        0     0     0    0".to_owned(),
                "special".to_owned(),
                "  mirror-1      online        0     0     0    0".to_owned(),
                "    mapper/luks online        0     0     0    0".to_owned(),
            ]
        );
    }

    #[test]
    fn errors_and_a_bad_state_have_the_colour_of_their_level() {
        let mut bad = vdev("/dev/sda1", 0, Class::Normal, true);
        (bad.errors, bad.slow, bad.state) = ([0, 1200, 0], 3, "FAULTED".into());
        let mut row = tank(vec![bad, vdev("/dev/sdb1", 0, Class::Normal, true)]);
        row.state = "DEGRADED".into();
        row.vdev_io = vec![(
            "/dev/sda1".into(),
            PoolIo {
                reads: 3.0,
                writes: 2.0,
                read_bytes: 2048.0,
                write_bytes: 1024.0,
                read_wait: Some(0.004),
                write_wait: None,
            },
        )];
        let page = page(&machine(), &row, 200);
        assert_eq!(
            texts(&page)[2],
            "sda1       faulted       0  1.2k     0    3     5   2.0K   1.0K   4.0 ms        –"
        );
        let roles = |at: usize| page.lines()[at].pieces.iter().map(|(_, role)| *role).collect::<Vec<_>>();
        assert_eq!(
            roles(2),
            [Role::Text, Role::Crit, Role::Faint, Role::Warn, Role::Faint, Role::Text, Role::Text, Role::Dim]
        );
        assert_eq!(roles(3), [Role::Text, Role::Dim, Role::Faint, Role::Faint, Role::Faint, Role::Faint]);
    }

    #[test]
    fn a_device_leads_to_its_disk() {
        let mut state = machine();
        let raw = DiskCounters { name: "sda".into(), ..DiskCounters::default() };
        state.host.disks.disks = vec![Disk { raw, ..Disk::default() }];
        let row = tank(vec![vdev("mirror-0", 0, Class::Normal, false), vdev("/dev/sda1", 1, Class::Normal, true)]);
        let page = page(&state, &row, 200);
        let links: Vec<_> = page.links().collect();
        assert_eq!(links, [(3, &Subject::Disk("sda".into()))]);
    }

    #[test]
    fn a_pool_that_no_tool_described_has_no_tree() {
        let mut row = tank(Vec::new());
        row.reported = None;
        assert!(page(&machine(), &row, 80).lines().is_empty());
    }

    #[test]
    fn datasets_that_hold_most_come_first() {
        const GIB: u64 = 1 << 30;
        let mut state = machine();
        let now = state.host.now.unix_ms / 1000;
        let dataset = |name: &str, used: u64| Dataset {
            name: name.into(),
            used: used * GIB,
            available: 7 * GIB,
            compression: "lz4".into(),
            ..Dataset::default()
        };
        let full = Dataset {
            ratio: Some(1.5),
            record: Some(128 << 10),
            quota: Some(20 * GIB),
            snapshots: 3,
            newest_snapshot_unix: Some(now - 7200),
            mountpoint: Some("/srv".into()),
            ..dataset("tank/srv", 9)
        };
        let volume = Dataset { volume: true, ratio: Some(123.4), ..dataset("tank/vm", 1) };
        let all = [dataset("tank/b", 1), full, dataset("other", 99), volume, dataset("tank/a", 1)];
        state.host.pools.datasets = all
            .map(|reported| DatasetRow {
                read_per_second: (reported.name == "tank/srv").then_some(2048.0),
                write_per_second: (reported.name == "tank/srv").then_some(1024.0),
                reported,
            })
            .into();
        let page = page(&state, &tank(Vec::new()), 200);
        assert_eq!(
            texts(&page)[2..],
            [
                "",
                "DATASET     USED AVAIL  RATIO RECORD COMPRESS QUOTA READ/s WRIT/s SNAPS NEWEST  MOUNTED AT",
                "tank/srv    9.0G  7.0G  1.50x   128K lz4      20.0G   2.0K   1.0K     3     2h  /srv",
                "tank/a      1.0G  7.0G      –      – lz4          –      –      –     0         not mounted",
                "tank/b      1.0G  7.0G      –      – lz4          –      –      –     0         not mounted",
                "tank/vm     1.0G  7.0G   123x      – lz4          –      –      –     0         volume",
            ]
        );
        state.host.pools.datasets.truncate(1);
        state.host.pools.datasets[0].reported.name = "tank/b".into();
        state.host.pools.datasets[0].reported.ratio = Some(99.995);
        assert!(texts(&page_of(&state))[4].contains("  100x "));
        state.host.pools.datasets[0].reported.ratio = Some(99.994);
        assert!(texts(&page_of(&state))[4].contains(" 99.99x "));
        // Heads that do not fit are elided.
        let mut narrow = Page::default();
        datasets(&state, &tank(Vec::new()), 20, &mut narrow);
        assert_eq!(texts(&narrow)[1], "DATASET     USED AV…");
    }

    fn page_of(state: &State) -> Page {
        page(state, &tank(Vec::new()), 200)
    }
}
