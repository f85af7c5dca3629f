//! One card: what it does, what holds it back, how it was, what it is, and who uses it.

use ratatui::layout::Rect;

use super::Overlay;
use crate::{
    alert::Level,
    model::{
        gpu::{CardState, GpuRow, xid_words},
        join,
    },
    state::State,
    text::elide,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx},
        effect::Effect,
        figures::{bytes, frequency, percent, temperature},
        panes::gpus::level,
        theme::Role,
        widgets::{
            graph::{Graph, graph},
            sheet::{Sheet, SheetLine, heading, pair, wrap},
            text::put,
        },
    },
    units::{ABSENT, bytes_long, span_short},
};

/// Columns of a name before its value.
const NAME: usize = 12;
/// Rows of a line of graphs, the heads included.
const PAST: u16 = 6;

/// The view.
pub struct GpuDetail {
    id: String,
    last: Option<GpuRow>,
    sheet: Sheet,
}

impl GpuDetail {
    /// Of the card with this id.
    #[must_use]
    pub fn new(id: String) -> Self {
        GpuDetail { id, last: None, sheet: Sheet::default() }
    }
}

impl Overlay for GpuDetail {
    fn title(&self, _state: &State) -> String {
        self.last.as_ref().map_or_else(|| "gpu".to_owned(), |row| format!("gpu {} · {}", row.raw.index, row.raw.name))
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn refresh(&mut self, state: &State) {
        if let Some(row) = state.host.gpus.rows.iter().find(|row| row.raw.id == self.id) {
            self.last = Some(row.clone());
        }
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let Some(row) = &self.last else {
            put(canvas.buf, area.x, area.y, area.width, "it is gone", cx.theme.style(Role::Dim));
            return;
        };
        let past = if area.height >= PAST * 4 { PAST * 2 } else { 0 };
        if past > 0 {
            graphs(cx, Rect { height: past, ..area }, canvas, row);
        }
        let rest = Rect { y: area.y + past, height: area.height - past, ..area };
        let mut lines = facts(cx, row, usize::from(area.width));
        processes(cx.state, row, &mut lines);
        errors(cx.state, row, &mut lines);
        self.sheet.draw(cx, rest, canvas, &lines);
    }

    fn act(&mut self, action: Action, _state: &State) -> Option<Vec<Effect>> {
        self.sheet.act(action).then(Vec::new)
    }
}

fn graphs(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, row: &GpuRow) {
    let raw = &row.raw;
    let half = area.width / 2;
    let celsius = |c: Option<f64>| c.map_or_else(|| ABSENT.to_owned(), |c| temperature(c, cx));
    let watts = |w: Option<f64>| w.map_or_else(|| ABSENT.to_owned(), |w| format!("{w:.0} W"));
    let power_top = raw.power_max.or(raw.power_limit).or_else(|| row.power_history.max()).unwrap_or(1.0);
    let all = [
        (format!("busy {}", percent(row.busy).trim_start()), &row.busy_history, 1.0, Role::Gpu),
        (format!("memory {}", percent(raw.memory_ratio()).trim_start()), &row.memory_history, 1.0, Role::GpuMemory),
        (format!("temperature {}", celsius(raw.temperature)), &row.temperature_history, 100.0, Role::Temperature),
        (format!("power {}", watts(row.power)), &row.power_history, power_top, Role::Power),
    ];
    for (index, (head, series, top, role)) in (0u16..).zip(&all) {
        let (x, y) = (area.x + index % 2 * half, area.y + index / 2 * PAST);
        let room = half.saturating_sub(2);
        put(canvas.buf, x, y, room, head, cx.theme.style(Role::Dim));
        let place = Rect { x, y: y + 1, width: room, height: PAST - 2 };
        graph(
            canvas.buf,
            place,
            cx.theme,
            &Graph { series, top: *top, style: cx.theme.style(*role), band: None, flip: false },
        );
    }
}

fn facts(cx: &DrawCx<'_>, row: &GpuRow, room: usize) -> Vec<SheetLine> {
    let (raw, host) = (&row.raw, &cx.state.host);
    let named = |name: &str, role: Role, words: String| vec![(format!("{name:<NAME$} "), Role::Dim), (words, role)];
    let (words, role) = match &raw.state {
        CardState::Up => ("up".to_owned(), if level(cx.state, row) >= Level::Warn { Role::Warn } else { Role::Text }),
        CardState::Asleep => ("asleep: the kernel suspended it, asking would wake it".to_owned(), Role::Dim),
        CardState::Lost(why) => (format!("lost: {why}. What follows is what it said last"), Role::Crit),
    };
    let mut lines = vec![named("state", role, words)];
    let cpu = host.cpu.shares.map(|s| s.busy);
    let stall = host.pressure.raw.io.map(|s| s.some.avg10);
    if let Some(words) = row.limited_by(cpu, stall) {
        for (number, line) in wrap(&words, room.saturating_sub(NAME + 1)).into_iter().enumerate() {
            lines.push(named(if number == 0 { "held back by" } else { "" }, Role::Advice, line));
        }
    }
    let throttles: Vec<&str> = raw.throttles.iter().map(|t| t.word()).collect();
    if !throttles.is_empty() {
        let bad = raw.throttles.iter().any(|t| t.is_bad());
        lines.push(named("throttled", if bad { Role::Warn } else { Role::Text }, throttles.join(", ")));
    }
    let share = |value: Option<f64>| percent(value).trim_start().to_owned();
    lines.push(pair(
        "busy",
        NAME,
        format!(
            "{}   memory busy {}   encoder {}   decoder {}",
            share(row.busy),
            share(raw.memory_busy),
            share(raw.encoder),
            share(raw.decoder)
        ),
    ));
    let size = |value: Option<u64>| value.map_or_else(|| ABSENT.to_owned(), |b| bytes_long(b as f64));
    let kept = raw
        .memory_reserved
        .filter(|b| *b > 0)
        .map_or_else(String::new, |b| format!("   kept by the driver {}", bytes_long(b as f64)));
    let shared = if raw.unified { "   the system's own" } else { "" };
    lines.push(pair("memory", NAME, format!("{} of {}{kept}{shared}", size(raw.memory_used), size(raw.memory_total))));
    let celsius = |c: Option<f64>| c.map_or_else(|| ABSENT.to_owned(), |c| temperature(c, cx));
    let mut heat = vec![format!("chip {}", celsius(raw.temperature))];
    heat.extend(raw.hotspot.map(|c| format!("hottest spot {}", temperature(c, cx))));
    heat.extend(raw.memory_temperature.map(|c| format!("memory {}", temperature(c, cx))));
    heat.extend(raw.slowdown_temperature.map(|c| format!("slows at {}", temperature(c, cx))));
    heat.extend(raw.shutdown_temperature.map(|c| format!("shuts down at {}", temperature(c, cx))));
    heat.extend(raw.fan.map(|f| format!("fan {}", percent(Some(f)).trim_start())));
    lines.push(pair("temperature", NAME, heat.join("   ")));
    let mut power = vec![row.power.map_or_else(|| ABSENT.to_owned(), |w| format!("{w:.0} W"))];
    power.extend(raw.power_limit.map(|w| format!("limit {w:.0} W")));
    if raw.power_limit != raw.power_default {
        power.extend(raw.power_default.map(|w| format!("as delivered {w:.0} W")));
    }
    power.extend(row.kilowatt_hours().map(|kwh| match cx.settings.energy_price {
        price if price > 0.0 => {
            format!("{kwh:.3} kWh since benchtop began, {:.2} {}", kwh * price, cx.settings.currency)
        }
        _ => format!("{kwh:.3} kWh since benchtop began"),
    }));
    lines.push(pair("power", NAME, power.join("   ")));
    let hertz = |value: Option<u64>| value.map_or_else(|| ABSENT.to_owned(), |h| frequency(h as f64));
    let state = raw.performance_state.map_or_else(String::new, |p| format!("   P{p}"));
    lines.push(pair(
        "clocks",
        NAME,
        format!("{} of {}   memory {}{state}", hertz(raw.clock), hertz(raw.clock_max), hertz(raw.memory_clock)),
    ));
    lines.push(pair("pcie", NAME, link(row)));
    if let Some((up, all)) = raw.nvlinks {
        lines.push(pair("nvlink", NAME, format!("{up} of {all} up")));
    }
    if let Some((corrected, uncorrected)) = raw.ecc {
        let role = if uncorrected > 0 { Role::Crit } else { Role::Text };
        lines.push(named(
            "ecc",
            role,
            format!("{corrected} corrected, {uncorrected} uncorrected since the driver was loaded"),
        ));
    }
    if let Some((corrected, uncorrected, pending, failed)) = raw.remapped {
        let more = match (failed, pending) {
            (true, _) => "; remapping failed: the card should be replaced",
            (_, true) => "; one waits for a reset of the card",
            _ => "",
        };
        let role = if failed || pending { Role::Warn } else { Role::Text };
        lines.push(named(
            "memory rows",
            role,
            format!("{corrected} remapped for corrected errors, {uncorrected} for uncorrected{more}"),
        ));
    }
    for driver in host.gpus.drivers.iter().filter(|d| d.maker == raw.maker) {
        let cuda = driver.cuda.as_ref().map_or_else(String::new, |v| format!("   CUDA {v}"));
        lines.push(pair("driver", NAME, format!("{}{cuda}", driver.version.as_deref().unwrap_or(ABSENT))));
    }
    lines.push(pair("id", NAME, format!("{}   {}", raw.id, raw.bus)));
    for slice in &raw.slices {
        lines.push(pair(
            "slice",
            NAME,
            format!("{}   {} of {}", slice.name, size(slice.memory_used), size(slice.memory_total)),
        ));
    }
    lines
}

fn link(row: &GpuRow) -> String {
    let link = &row.raw.link;
    let of =
        |pair: Option<(u32, u32)>| pair.map_or_else(|| ABSENT.to_owned(), |(now, best)| format!("{now} of {best}"));
    let rate = |value: Option<u64>| format!("{}/s", bytes(value.map(|b| b as f64)).trim_start());
    let mut parts = vec![format!("generation {}   lanes {}", of(link.generation), of(link.width))];
    if link.received.is_some() {
        parts.push(format!("to it {}   from it {}", rate(link.received), rate(link.sent)));
    }
    parts.extend(link.replays.filter(|n| *n > 0).map(|n| format!("{n} replays")));
    parts.join("   ")
}

/// Who uses it, those that hold most first. One process may be on two cards: each has its own line there.
fn processes(state: &State, row: &GpuRow, lines: &mut Vec<SheetLine>) {
    lines.push(Vec::new());
    if row.raw.processes.is_empty() {
        lines.push(vec![("nobody uses it".to_owned(), Role::Dim)]);
        return;
    }
    lines.push(heading(&format!("Processes, {}", row.raw.processes.len())));
    lines.push(vec![(
        format!("{:>7} {:<8} {:>6} {:>5} {:<16} {}", "PID", "KIND", "MEM", "BUSY", "CONTAINER", "COMMAND"),
        Role::Dim,
    )]);
    let mut all: Vec<_> = row.raw.processes.iter().collect();
    all.sort_by(|a, b| b.memory.cmp(&a.memory).then(a.pid.cmp(&b.pid)));
    for process in all {
        let busy = row.process_busy.iter().find(|(pid, _)| *pid == process.pid).map(|(_, busy)| *busy);
        let found = state.host.processes.rows.iter().find(|p| p.key.pid == process.pid);
        let container =
            found.and_then(|p| join::container_of_process(&state.host, p)).map_or("", |c| c.meta.name.as_str());
        let command =
            found.map_or_else(|| "(not seen from here)".to_owned(), |p| p.shown_command(false).0.into_owned());
        let kind = if process.graphics { "graphics" } else { "compute" };
        lines.push(vec![
            (
                format!(
                    "{:>7} {kind:<8} {:>6} {:>5} ",
                    process.pid,
                    bytes(process.memory.map(|b| b as f64)).trim_start(),
                    percent(busy).trim_start()
                ),
                Role::Dim,
            ),
            (format!("{:<16} ", elide(container, 16)), Role::Container),
            (command, Role::Text),
        ]);
    }
}

fn errors(state: &State, row: &GpuRow, lines: &mut Vec<SheetLine>) {
    if row.raw.xids.is_empty() {
        return;
    }
    lines.push(Vec::new());
    lines.push(heading("Errors that the driver reported, the newest first"));
    for xid in row.raw.xids.iter().rev() {
        let ago = u64::try_from(state.host.now.unix_ms - xid.unix_ms).unwrap_or(0);
        let ago = span_short(std::time::Duration::from_millis(ago));
        lines.push(vec![
            (format!("Xid {:<4} {ago:>4} ago  ", xid.code), Role::Warn),
            (xid_words(xid.code).to_owned(), Role::Text),
        ]);
    }
}
