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
