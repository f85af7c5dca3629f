//! What a card does and is, a line a subject; a line that is longer than the screen goes on below itself.

use crate::{
    alert::Level,
    model::{
        gpu::{Around, CardState, GpuRow, MemoryErrors, RemappedRows},
        join,
        metrics::{self, MetricId},
    },
    state::levels,
    text::width,
    ui::{
        canvas::DrawCx,
        figures::{bytes, percent, role_of, temperature},
        theme::Role,
        widgets::sheet::{SheetLine, wrap},
    },
    units::{ABSENT, bytes_long},
};

/// Columns of a name before its value.
const NAME: usize = 12;
/// Blanks between two pieces of a line.
const GAP: &str = "   ";

/// The lines as they grow.
struct Lines {
    all: Vec<SheetLine>,
    room: usize,
    /// Values that are not of now.
    last_known: bool,
}

impl Lines {
    /// `name  piece   piece   piece`: pieces that do not fit go on the next line, below the first.
    fn pieces(&mut self, name: &str, role: Role, pieces: impl IntoIterator<Item = String>) {
        let mut text = String::new();
        let mut name = name;
        for piece in pieces.into_iter().filter(|p| !p.is_empty()) {
            let gap = if text.is_empty() { "" } else { GAP };
            if !text.is_empty() && width(&text) + GAP.len() + width(&piece) + NAME + 1 > self.room {
                self.line(std::mem::take(&mut name), role, std::mem::take(&mut text));
                text = piece;
            } else {
                text.push_str(gap);
                text.push_str(&piece);
            }
        }
        if !text.is_empty() {
            self.line(name, role, text);
        }
    }

    /// Words that are wrapped.
    fn words(&mut self, name: &str, role: Role, words: &str) {
        for (at, line) in wrap(words, self.room.saturating_sub(NAME + 1)).into_iter().enumerate() {
            self.line(if at == 0 { name } else { "" }, role, line);
        }
    }

    fn line(&mut self, name: &str, role: Role, text: String) {
        let role = if self.last_known { Role::Dim } else { role };
        self.all.push(vec![(format!("{name:<NAME$} "), Role::Dim), (text, role)]);
    }
}

pub(super) fn lines(cx: &DrawCx<'_>, row: &GpuRow, room: usize) -> Vec<SheetLine> {
    let mut lines = Lines { all: Vec::new(), room, last_known: false };
    state_lines(cx, row, &mut lines);
    lines.last_known = row.lost().is_some();
    work(cx, row, &mut lines);
    link_and_errors(cx, row, &mut lines);
    identity(cx, row, &mut lines);
    lines.all
}

/// Its state, and what limits it.
fn state_lines(cx: &DrawCx<'_>, row: &GpuRow, lines: &mut Lines) {
    let (raw, host) = (&row.raw, &cx.state.host);
    match (&raw.state, levels::gpu_trouble(cx.state, row)) {
        (CardState::Up, _) => lines.words("state", Role::Text, "up"),
        (CardState::Lost(_), Some((why, level))) => {
            lines.words("state", role_of(level, Role::Text), &format!("lost: {why}. Last known values follow"));
        }
        (_, why) => lines.words("state", Role::Dim, &why.unwrap_or_default().0),
    }
    let feeder = raw
        .processes
        .iter()
        .filter_map(|p| join::process(host, p.pid))
        .max_by(|a, b| a.cpu.unwrap_or(0.0).total_cmp(&b.cpu.unwrap_or(0.0)));
    let around = Around {
        cpu_busy: host.cpu.shares.map(|s| s.busy),
        io_stall: host.pressure.raw.io.map(|s| s.some.avg10),
        feeder: feeder.and_then(|p| Some((&*p.name, f64::from(p.cpu?)))),
    };
    if let Some(held) = row.held_back_by(around) {
        lines.words("limited by", Role::Advice, &held.words());
    }
    let throttles: Vec<&str> = row.throttles().map(|t| t.word()).collect();
    if !throttles.is_empty() {
        let level = if row.slowed_by().next().is_some() {
            cx.state.level(metrics::GPU_SLOWED, &[&raw.label()], 1.0)
        } else {
            Level::Ok
        };
        lines.words("throttled", role_of(level, Role::Text), &throttles.join(", "));
    }
}

/// What it does now.
fn work(cx: &DrawCx<'_>, row: &GpuRow, lines: &mut Lines) {
    let raw = &row.raw;
    let last = row.lost().map(|_| raw);
    let share = |value: Option<f64>| percent(value).trim_start().to_owned();
    let known = |name: &str, value: Option<f64>| value.map_or_else(String::new, |_| format!("{name} {}", share(value)));
    let now = [
        format!("cores {}", share(row.busy.or(last.and_then(|raw| raw.busy)))),
        known("memory", raw.memory_busy),
        known("encoder", raw.encoder),
        known("decoder", raw.decoder),
        if row.busy.is_none() && !raw.slices.is_empty() { "MIG: no total".to_owned() } else { String::new() },
    ];
    lines.pieces("busy", Role::Text, now);
    let size = |value: Option<u64>| value.map_or_else(|| ABSENT.to_owned(), |b| bytes_long(b as f64));
    let kept = raw.memory_reserved.filter(|b| *b > 0).map(|b| format!("reserved {}", bytes_long(b as f64)));
    let shared = raw.unified.then(|| "shared with system memory".to_owned());
    let used = format!("{} of {}", size(raw.memory_used), size(raw.memory_total));
    let judged = |metric: MetricId, value: Option<f64>| {
        value
            .filter(|_| row.is_up())
            .map_or(Role::Text, |v| role_of(cx.state.level(metric, &[&raw.label()], v), Role::Text))
    };
    let of_memory = judged(metrics::GPU_MEMORY_USED_RATIO, raw.memory_ratio());
    lines.pieces("memory", of_memory, [Some(used), kept, shared].into_iter().flatten());
    for slice in &raw.slices {
        let used = format!("{} of {}", size(slice.memory_used), size(slice.memory_total));
        lines.pieces("MIG slice", Role::Text, [slice.name.clone(), used]);
    }
    let degrees = |name: &str, value: Option<f64>| value.map(|c| format!("{name} {}", temperature(c, cx)));
    let chip = degrees("chip", raw.temperature).unwrap_or_else(|| format!("chip {ABSENT}"));
    let fan = match (raw.fan, raw.fan_rpm) {
        (Some(_), Some(rpm)) => Some(format!("fan {} ({rpm} rpm)", share(raw.fan))),
        (Some(_), None) => Some(format!("fan {}", share(raw.fan))),
        (None, rpm) => rpm.map(|rpm| format!("fan {rpm} rpm")),
    };
    let heat = [
        Some(chip),
        degrees("hotspot", raw.hotspot),
        degrees("memory", raw.memory_temperature),
        degrees("slows at", raw.slowdown_temperature),
        degrees("shuts down at", raw.shutdown_temperature),
        fan,
    ];
    lines.pieces("temperature", judged(metrics::GPU_TEMPERATURE_CELSIUS, raw.temperature), heat.into_iter().flatten());
    let watts = |name: &str, value: Option<f64>| value.map(|w| format!("{name}{w:.0} W"));
    let other = |value: Option<f64>| value.filter(|w| Some(*w) != raw.power_limit);
    let power = [
        Some(watts("", row.power.or(last.and_then(|raw| raw.power))).unwrap_or_else(|| ABSENT.to_owned())),
        watts("limit ", raw.power_limit),
        watts("default ", other(raw.power_default)),
        watts("max ", other(raw.power_max)),
    ];
    lines.pieces("power", Role::Text, power.into_iter().flatten());
    if let Some(kwh) = row.kilowatt_hours() {
        let words = if kwh < 1.0 { format!("{:.1} Wh", kwh * 1000.0) } else { format!("{kwh:.2} kWh") };
        let price = cx.settings.energy_price;
        let cost = (price > 0.0).then(|| format!("{:.2} {}", kwh * price, cx.settings.currency));
        lines.pieces(
            "energy",
            Role::Text,
            [Some(format!("{words} since benchtop started")), cost].into_iter().flatten(),
        );
    }
    let hertz = |value: u64| format!("{} MHz", value / 1_000_000);
    let clocks = [
        raw.clock.map(|now| match raw.clock_max {
            Some(best) => format!("cores {} of {}", now / 1_000_000, hertz(best)),
            None => format!("cores {}", hertz(now)),
        }),
        raw.memory_clock.map(|now| format!("memory {}", hertz(now))),
        raw.performance_state.map(|p| format!("state P{p}")),
    ];
    lines.pieces("clocks", Role::Text, clocks.into_iter().flatten());
}

/// Its links, and what its memory has suffered.
fn link_and_errors(cx: &DrawCx<'_>, row: &GpuRow, lines: &mut Lines) {
    let (raw, label) = (&row.raw, row.raw.label());
    let judged = |metric: MetricId, value: f64| role_of(cx.state.level(metric, &[&label], value), Role::Text);
    let link = &raw.link;
    let rate =
        |name: &str, value: Option<u64>| value.map(|b| format!("{name} {}/s", bytes(Some(b as f64)).trim_start()));
    let below = link.is_downtrained(row.busy);
    let parts = [
        link.shortfall(),
        below.then(|| "below its maximum".to_owned()),
        rate("rx", link.received),
        rate("tx", link.sent),
        link.replays.filter(|n| *n > 0).map(|n| format!("{n} replays")),
    ];
    let role_of_link = if below { judged(metrics::GPU_LINK_DOWNTRAINED, 1.0) } else { Role::Text };
    lines.pieces("PCIe", role_of_link, parts.into_iter().flatten());
    if let Some((up, all)) = raw.nvlinks {
        lines.pieces("NVLink", Role::Text, [format!("{up} of {all} up")]);
    }
    if let Some(MemoryErrors { corrected, uncorrected }) = raw.ecc {
        let role = judged(metrics::GPU_UNCORRECTED_ERRORS, uncorrected as f64);
        let parts =
            [format!("{corrected} corrected"), format!("{uncorrected} uncorrected since the driver was loaded")];
        lines.pieces("ECC", role, parts);
    }
    if let Some(RemappedRows { corrected, uncorrected, pending, failed }) = raw.remapped {
        let (more, role) = match (failed, pending) {
            (true, _) => ("remapping failed: replace the card", judged(metrics::GPU_ROW_REMAP_FAILED, 1.0)),
            (_, true) => ("pending: reset the card", judged(metrics::GPU_ROW_REMAP_PENDING, 1.0)),
            _ => ("", Role::Text),
        };
        let counts = format!("remapped {corrected} for corrected errors, {uncorrected} for uncorrected");
        lines.pieces("memory rows", role, [counts, more.to_owned()]);
    }
}

/// Which card it is, and who drives it.
fn identity(cx: &DrawCx<'_>, row: &GpuRow, lines: &mut Lines) {
    let raw = &row.raw;
    let mut driver = vec![raw.driver.clone()];
    for driver_row in cx.state.host.gpus.drivers.iter().filter(|d| d.maker == raw.maker) {
        driver.extend(driver_row.version.clone());
        driver.extend(driver_row.cuda.as_ref().map(|v| format!("CUDA {v}")));
    }
    lines.pieces("driver", Role::Text, driver);
    let id = if raw.id == raw.bus { String::new() } else { raw.id.clone() };
    lines.pieces("at", Role::Text, [raw.bus.clone(), id]);
}
