//! One row a device; the narrower it is the fewer figures it has.

use ratatui::layout::Rect;

use crate::{
    alert::Level,
    model::{disk::Disk, metrics, network::Interface, source::SourceId},
    ui::{
        canvas::{Canvas, DrawCx},
        figures::{bytes, fixed, hue, latency, percent, plain},
        theme::Role,
        widgets::{
            graph::nice_top,
            line::NAME,
            notice::{dim_when_stale, words},
            spark::spark,
            text::{put, put_right},
        },
    },
    units::{bits_per_second, count_short},
};

/// Columns of a name.
const DEVICE: u16 = 9;

/// `nvme0n1  r 1.1M w 3.2M  812/s  0.1 ms  34% ▁▁▂▁`.
pub fn disk(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, disk: &Disk) {
    let (buf, theme) = (&mut *canvas.buf, cx.theme);
    let (dim, text) = (theme.style(Role::Dim), theme.style(Role::Text));
    let name = &disk.raw.name;
    let level = disk.busy_ratio.map_or(Level::Unknown, |b| cx.state.level(metrics::DISK_BUSY_RATIO, &[name], b));
    put(buf, area.x, area.y, DEVICE, name, text);
    let mut x = area.x + DEVICE + 1;
    for (sign, value) in [("r", disk.read_per_second), ("w", disk.write_per_second)] {
        put(buf, x, area.y, 1, sign, dim);
        put(buf, x + 2, area.y, area.right().saturating_sub(x + 2).min(5), &bytes(value), text);
        x += 9;
    }
    let latencies = [disk.read_latency_seconds, disk.write_latency_seconds];
    let slowest = latencies.into_iter().flatten().reduce(f64::max);
    let iops = disk.read_iops.zip(disk.write_iops).map(|(r, w)| r + w);
    // Latency gives way last, requests a second first.
    let room = area.right().saturating_sub(x);
    if room >= 27 {
        put(buf, x, area.y, 7, &format!("{}/s", fixed(iops, 4, count_short)), dim);
        x += 8;
    }
    if room >= 8 {
        put(buf, x, area.y, 8, &latency(slowest), text);
        x += 9;
    }
    if area.right() >= x + 5 {
        put(buf, x, area.y, 4, &percent(disk.busy_ratio), plain(cx, level));
        x += 5;
    }
    let style = hue(cx, level, Role::DiskRead);
    spark(buf, x, area.y, area.right().saturating_sub(x), theme, &disk.busy_history, 1.0, style);
}

/// `eth0     ↓ 11.2M ↑ 3.1M  1 Gb/s  ▁▂▁ ▁▁▁`; errors and drops a second take the place of the speed.
pub fn interface(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, net: &Interface) {
    let (buf, theme) = (&mut *canvas.buf, cx.theme);
    let (dim, text) = (theme.style(Role::Dim), theme.style(Role::Text));
    let down = net.raw.state.as_deref() == Some("down");
    put(buf, area.x, area.y, DEVICE, &net.raw.name, if down { dim } else { text });
    let mut x = area.x + DEVICE + 1;
    if down {
        put(buf, x, area.y, area.right().saturating_sub(x), "down", dim);
        return;
    }
    let place = Rect { x, width: area.right().saturating_sub(x), ..area };
    rates(cx, place, canvas, [net.rx_per_second, net.tx_per_second]);
    let buf = &mut *canvas.buf;
    x += 18;
    let room = area.right().saturating_sub(x);
    if room >= 10 {
        let errors = net.errors_per_second.unwrap_or(0.0);
        let drops = net.drops_per_second.unwrap_or(0.0);
        let level = cx.state.level(metrics::NETWORK_ERRORS_PER_SECOND, &[&net.raw.name], errors);
        let (words, style) = if errors > 0.0 {
            (format!("{} err", count_short(errors)), plain(cx, level))
        } else if drops > 0.0 {
            (format!("{} drop", count_short(drops)), text)
        } else {
            (net.raw.speed_bits.map(|b| bits_per_second(b as f64)).unwrap_or_default(), dim)
        };
        put_right(buf, x + 9, area.y, 9, &words, style);
        x += 10;
    }
    // Two sparks on one scale: received, then sent.
    let room = area.right().saturating_sub(x + 1);
    let half = room.saturating_sub(1) / 2;
    if half > 0 {
        let top = nice_top(net.rx_history.max().unwrap_or(0.0).max(net.tx_history.max().unwrap_or(0.0)));
        let other = area.right() - half;
        spark(buf, x, area.y, half, theme, &net.rx_history, top, theme.style(Role::NetReceive));
        spark(buf, other, area.y, half, theme, &net.tx_history, top, theme.style(Role::NetTransmit));
    }
}

/// `57 ports ↓ 11.2M ↑ 3.1M`: what the ports of bridges move together.
pub fn ports<'a>(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, ports: impl Iterator<Item = &'a Interface>) {
    let sum = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| a + b).or(a).or(b);
    let (mut count, mut received, mut sent) = (0_u32, None, None);
    for port in ports {
        count += 1;
        received = sum(received, port.rx_per_second);
        sent = sum(sent, port.tx_per_second);
    }
    let (buf, theme) = (&mut *canvas.buf, cx.theme);
    let dim = theme.style(Role::Dim);
    put(buf, area.x, area.y, DEVICE, &format!("{count} ports"), dim);
    rates(
        cx,
        Rect { x: area.x + DEVICE + 1, width: area.width.saturating_sub(DEVICE + 1), ..area },
        canvas,
        [received, sent],
    );
}

/// `↓ 11.2M ↑ 3.1M`: 18 columns.
fn rates(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, values: [Option<f64>; 2]) {
    let (buf, theme) = (&mut *canvas.buf, cx.theme);
    let mut x = area.x;
    for (sign, value) in ["↓", "↑"].into_iter().zip(values) {
        put(buf, x, area.y, area.right().saturating_sub(x).min(1), sign, theme.style(Role::Dim));
        let room = area.right().saturating_sub(x + 2).min(5);
        put(buf, x + 2, area.y, room, &bytes(value), theme.style(Role::Text));
        x += 9;
    }
}

/// `disk    r 181M  w  44M  sdc 9.8 ms    net ↓ 11.2M ↑ 3.1M`: all in one row.
pub fn totals_line(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, busiest: Option<&Disk>) {
    if area.is_empty() {
        return;
    }
    let host = &cx.state.host;
    let (buf, theme) = (&mut *canvas.buf, cx.theme);
    let (dim, text) = (theme.style(Role::Dim), theme.style(Role::Text));
    let half = if area.width >= 60 { area.width / 2 } else { area.width };
    put(buf, area.x, area.y, NAME, "disk", dim);
    let mut x = area.x + NAME;
    if let Some((words, _)) = words(cx.state, SourceId::Disks) {
        // A blank before the other half.
        put(buf, x, area.y, half.saturating_sub(NAME + 1), &words, dim);
    } else {
        for (sign, value) in [("r", host.disks.read_per_second), ("w", host.disks.write_per_second)] {
            put(buf, x, area.y, 2, sign, dim);
            put(buf, x + 2, area.y, 5, &bytes(value), text);
            x += 9;
        }
        if let Some(disk) = busiest
            && half >= NAME + 18 + 14
        {
            let level =
                disk.busy_ratio.map_or(Level::Ok, |b| cx.state.level(metrics::DISK_BUSY_RATIO, &[&disk.raw.name], b));
            let words = format!("{} {}", disk.raw.name, percent(disk.busy_ratio).trim_start());
            put(buf, x, area.y, area.x + half - x, &words, if level > Level::Ok { theme.level(level) } else { dim });
        }
    }
    if half < area.width {
        let x = area.x + half;
        put(buf, x, area.y, 4, "net", dim);
        if let Some((words, _)) = words(cx.state, SourceId::Network) {
            put(buf, x + 4, area.y, area.right().saturating_sub(x + 4), &words, dim);
        } else {
            for ((sign, value), at) in
                ["↓", "↑"].into_iter().zip([host.network.rx_per_second, host.network.tx_per_second]).zip([4, 13])
            {
                put(buf, x + at, area.y, 2, sign, dim);
                put(buf, x + at + 2, area.y, 5, &bytes(value), text);
            }
            let top = nice_top(host.network.rx_history.max().unwrap_or(0.0));
            let from = x + 22;
            spark(
                buf,
                from,
                area.y,
                area.right().saturating_sub(from),
                theme,
                &host.network.rx_history,
                top,
                theme.style(Role::NetReceive),
            );
        }
    }
    dim_when_stale(cx, Rect { width: half, ..area }, canvas, SourceId::Disks);
    dim_when_stale(cx, Rect { x: area.x + half, width: area.width - half, ..area }, canvas, SourceId::Network);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        alert::shipped,
        clock::Stamp,
        model::{
            disk::{DiskCounters, DiskSample},
            event::{Envelope, Sample},
            network::{InterfaceCounters, NetworkSample},
        },
        state::State,
        ui::canvas::testing::{Drawn, drawn, series},
    };

    fn state() -> State {
        State::new(shipped().into())
    }

    fn sda(busy: Option<f64>) -> Disk {
        Disk {
            raw: DiskCounters { name: "sda".into(), ..DiskCounters::default() },
            read_per_second: Some(1024.0),
            write_per_second: Some(0.0),
            read_iops: Some(500.0),
            write_iops: Some(312.0),
            busy_ratio: busy,
            read_latency_seconds: Some(0.0001),
            write_latency_seconds: Some(0.0021),
            ..Disk::default()
        }
    }

    fn eth0() -> Interface {
        let raw = InterfaceCounters { name: "eth0".into(), speed_bits: Some(1_000_000_000), ..Default::default() };
        Interface { raw, rx_per_second: Some(2048.0), ..Interface::default() }
    }

    fn of_disk(width: u16, of: &Disk) -> Drawn {
        drawn(&state(), (width, 1), |cx, area, canvas| disk(cx, area, canvas, of))
    }

    fn of_interface(width: u16, of: &Interface) -> Drawn {
        drawn(&state(), (width, 1), |cx, area, canvas| interface(cx, area, canvas, of))
    }

    #[test]
    fn requests_give_way_first_then_the_share_and_last_the_latency() {
        for (width, line) in [
            (55, "sda       r  1.0K  w     0   812/s   2.1 ms  34%"),
            (54, "sda       r  1.0K  w     0    2.1 ms  34%"),
            (42, "sda       r  1.0K  w     0    2.1 ms  34%"),
            (41, "sda       r  1.0K  w     0    2.1 ms"),
            (36, "sda       r  1.0K  w     0    2.1 ms"),
            (35, "sda       r  1.0K  w     0   34%"),
            (33, "sda       r  1.0K  w     0   34%"),
            (32, "sda       r  1.0K  w     0"),
        ] {
            let shown = of_disk(width, &sda(Some(0.34))).line();
            let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words(&shown), words(line), "{width} columns: {shown}");
        }
        let unknown = of_disk(60, &Disk { raw: sda(None).raw, ..Disk::default() }).line();
        assert_eq!(unknown.split_whitespace().collect::<Vec<_>>(), ["sda", "r", "–", "w", "–", "–/s", "–", "–"]);
    }

    #[test]
    fn the_share_of_a_disk_has_the_colour_of_its_level() {
        assert_eq!(of_disk(60, &sda(Some(0.94))).role_of("94%"), Some(Role::Text));
        assert_eq!(of_disk(60, &sda(Some(0.96))).role_of("96%"), Some(Role::Advice));
        let unknown = of_disk(60, &sda(None));
        assert_eq!(unknown.role_of("–"), Some(Role::Unknown));
    }

    #[test]
    fn what_an_interface_loses_takes_the_place_of_its_speed() {
        let lost = |errors, drops| Interface { errors_per_second: errors, drops_per_second: drops, ..eth0() };
        for (errors, drops, words, role) in [
            (None, None, "1 Gb/s", Role::Dim),
            (Some(0.0), Some(0.0), "1 Gb/s", Role::Dim),
            (Some(0.0), Some(7.0), "7 drop", Role::Text),
            (Some(0.5), Some(7.0), "0.5 err", Role::Text),
            (Some(3.0), Some(7.0), "3 err", Role::Warn),
            (Some(300.0), None, "300 err", Role::Crit),
        ] {
            assert_eq!(of_interface(38, &lost(errors, drops)).role_of(words), Some(role), "{errors:?} {drops:?}");
        }
        assert_eq!(of_interface(38, &eth0()).line(), "eth0      ↓  2.0K  ↑     –     1 Gb/s");
        assert_eq!(of_interface(37, &eth0()).line(), "eth0      ↓  2.0K  ↑     –");
    }

    #[test]
    fn an_interface_that_is_down_says_nothing_else() {
        let raw = InterfaceCounters { state: Some("down".into()), ..eth0().raw };
        let down = of_interface(60, &Interface { raw, ..eth0() });
        assert_eq!((down.line().as_str(), down.role_of("eth0")), ("eth0      down", Some(Role::Dim)));
        assert_eq!(of_interface(60, &eth0()).role_of("eth0"), Some(Role::Text));
    }

    #[test]
    fn ports_are_summed_as_far_as_they_are_known() {
        let port = |rx, tx| Interface { rx_per_second: rx, tx_per_second: tx, ..Interface::default() };
        let of =
            |all: &[Interface]| drawn(&state(), (40, 1), |cx, area, canvas| ports(cx, area, canvas, all.iter())).line();
        assert_eq!(
            of(&[port(Some(1024.0), None), port(None, None), port(Some(2048.0), None)]),
            "3 ports   ↓  3.0K  ↑     –"
        );
        assert_eq!(of(&[]), "0 ports   ↓     –  ↑     –");
    }

    fn measured() -> State {
        let mut state = state();
        let at = Stamp::at_seconds(1);
        for (source, sample) in [
            (SourceId::Disks, Sample::Disks(DiskSample::default())),
            (SourceId::Network, Sample::Network(NetworkSample::default())),
        ] {
            let every = Duration::from_secs(1);
            state.host.health.note(&Envelope { source, at, took: Duration::ZERO, every, outcome: Ok(sample) });
        }
        state.host.now = at;
        state.host.disks.read_per_second = Some(1024.0);
        state.host.network.tx_per_second = Some(2048.0);
        state
    }

    #[test]
    fn totals_name_the_busiest_disk_where_there_is_room() {
        let state = measured();
        let of =
            |width, busy| drawn(&state, (width, 1), |cx, area, canvas| totals_line(cx, area, canvas, Some(&sda(busy))));
        let disks = "disk    r  1.0K  w     –";
        for (width, line) in [
            (39, disks.to_owned()),
            (40, format!("{disks}  sda 34%")),
            (59, format!("{disks}  sda 34%")),
            (60, format!("{disks:<30}net ↓     –  ↑  2.0K")),
            (79, format!("{disks:<39}net ↓     –  ↑  2.0K")),
            (80, format!("{disks}  {:<14}net ↓     –  ↑  2.0K", "sda 34%")),
        ] {
            let (shown, wanted) = (of(width, Some(0.34)).line(), line.split_whitespace().collect::<Vec<_>>());
            assert_eq!(shown.split_whitespace().collect::<Vec<_>>(), wanted, "{width} columns: {shown}");
        }
        assert_eq!(of(80, Some(0.34)).role_of("sda"), Some(Role::Dim));
        assert_eq!(of(80, Some(0.96)).role_of("sda"), Some(Role::Advice));
        assert_eq!(of(80, None).role_of("sda"), Some(Role::Dim));
    }

    #[test]
    fn totals_that_are_not_read_yet_say_so() {
        let of = |width| drawn(&state(), (width, 1), |cx, area, canvas| totals_line(cx, area, canvas, None)).line();
        assert_eq!(of(59), "disk    waiting…");
        assert_eq!(of(60), "disk    waiting…              net waiting…");
    }

    #[test]
    fn the_past_takes_the_columns_that_are_left() {
        let past = |value| series([value; 100]);
        let busy = Disk { busy_history: past(1.0), ..sda(Some(0.34)) };
        let line = of_disk(60, &busy).line();
        assert_eq!(line.chars().skip(50).collect::<String>(), "█".repeat(10), "{line}");
        assert_eq!(line.chars().skip(45).take(5).collect::<String>(), " 34% ");
        let moves = Interface { rx_history: past(2048.0), tx_history: past(1024.0), ..eth0() };
        let line = of_interface(60, &moves).line();
        assert_eq!(line.chars().skip(38).collect::<String>(), format!("{}  {}", "█".repeat(10), "▄".repeat(10)));
    }
}
