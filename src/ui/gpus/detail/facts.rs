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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alert::shipped,
        config::Settings,
        model::gpu::{Driver, Gpu, Link, Maker, Slice, Throttle},
        state::State,
        ui::canvas::testing::drawn_with,
    };

    fn card(change: impl FnOnce(&mut Gpu)) -> GpuRow {
        let mut raw = Gpu { id: "GPU-1".into(), name: "RTX 4090".into(), bus: "0000:01:00.0".into(), ..Gpu::default() };
        change(&mut raw);
        GpuRow { raw, ..GpuRow::default() }
    }

    fn all(settings: &Settings, state: &State, row: &GpuRow, room: usize) -> Vec<(String, Role)> {
        let mut said = Vec::new();
        drawn_with(settings, state, (1, 1), |cx, _, _| said = lines(cx, row, room));
        let text = |line: SheetLine| {
            let words = line.iter().map(|(words, _)| words.as_str()).collect::<String>();
            (words.trim_end().to_owned(), line[1].1)
        };
        said.into_iter().map(text).collect()
    }

    /// The line of this name, and its role.
    fn fact(row: &GpuRow, name: &str) -> Option<(String, Role)> {
        let state = State::new(shipped().into());
        let all = all(&Settings::default(), &state, row, 100);
        let line = all.into_iter().find(|(line, _)| line.starts_with(&format!("{name:<NAME$} ")))?;
        Some((line.0[NAME..].trim().to_owned(), line.1))
    }

    fn words(row: &GpuRow, name: &str) -> Option<String> {
        fact(row, name).map(|(words, _)| words)
    }

    #[test]
    fn a_card_that_reports_little_has_few_lines() {
        let state = State::new(shipped().into());
        let said = all(&Settings::default(), &state, &card(|_| ()), 100);
        assert_eq!(
            said.into_iter().map(|(line, _)| line).collect::<Vec<_>>(),
            [
                "state        up",
                "busy         cores –",
                "memory       – of –",
                "temperature  chip –",
                "power        –",
                "at           0000:01:00.0   GPU-1",
            ]
        );
        let same = card(|raw| raw.id = "0000:01:00.0".into());
        assert_eq!(words(&same, "at").as_deref(), Some("0000:01:00.0"));
    }

    #[test]
    fn a_lost_card_says_that_its_values_are_old() {
        let lost = card(|raw| raw.state = CardState::Lost("fell off the bus".into()));
        let said = "lost: fell off the bus. Last known values follow";
        assert_eq!(fact(&lost, "state"), Some((said.to_owned(), Role::Crit)));
        let asleep = card(|raw| raw.state = CardState::Asleep);
        assert_eq!(fact(&asleep, "state"), Some(("suspended: reading it would wake it".to_owned(), Role::Dim)));
    }

    #[test]
    fn rates_and_sizes_that_it_reports_are_listed() {
        let mut row = card(|raw| {
            (raw.memory_busy, raw.encoder, raw.decoder) = (Some(0.25), Some(0.0), Some(0.5));
            (raw.memory_used, raw.memory_total, raw.memory_reserved) = (Some(2 << 30), Some(8 << 30), Some(1 << 29));
            raw.unified = true;
        });
        row.busy = Some(0.91);
        assert_eq!(words(&row, "busy").as_deref(), Some("cores 91%   memory 25%   encoder 0%   decoder 50%"));
        let memory = "2.0 GiB of 8.0 GiB   reserved 512.0 MiB   shared with system memory";
        assert_eq!(fact(&row, "memory"), Some((memory.to_owned(), Role::Text)));
        row.raw.memory_reserved = Some(0);
        row.raw.memory_used = Some(15 << 29);
        row.raw.unified = false;
        assert_eq!(fact(&row, "memory"), Some(("7.5 GiB of 8.0 GiB".to_owned(), Role::Warn)));
        row.raw.state = CardState::Asleep;
        assert_eq!(fact(&row, "memory").map(|(_, role)| role), Some(Role::Text), "what was is not judged");
        let sliced = card(|raw| {
            raw.slices = vec![Slice { name: "1g.10gb".into(), memory_used: Some(1 << 30), memory_total: None }];
        });
        assert_eq!(words(&sliced, "busy").as_deref(), Some("cores –   MIG: no total"));
        assert_eq!(words(&sliced, "MIG slice").as_deref(), Some("1g.10gb   1.0 GiB of –"));
        let mut counted = sliced;
        counted.busy = Some(0.5);
        assert_eq!(words(&counted, "busy").as_deref(), Some("cores 50%"));
    }

    #[test]
    fn heat_and_fan_are_on_one_line() {
        let mut row = card(|raw| {
            (raw.temperature, raw.hotspot, raw.memory_temperature) = (Some(61.0), Some(75.0), Some(80.0));
            (raw.slowdown_temperature, raw.shutdown_temperature) = (Some(90.0), Some(95.0));
            (raw.fan, raw.fan_rpm) = (Some(0.3), Some(1200));
        });
        let heat = "chip 61 °C   hotspot 75 °C   memory 80 °C   slows at 90 °C   shuts down at 95 °C";
        assert_eq!(fact(&row, "temperature"), Some((heat.to_owned(), Role::Text)), "the rest is on the next line");
        let state = State::new(shipped().into());
        let all = all(&Settings::default(), &state, &row, 100);
        assert!(all.contains(&("             fan 30% (1200 rpm)".to_owned(), Role::Text)), "{all:?}");
        let fan =
            |row: &GpuRow| words(row, "temperature").and_then(|words| words.split("   ").last().map(str::to_owned));
        (row.raw.slowdown_temperature, row.raw.shutdown_temperature) = (None, None);
        row.raw.fan_rpm = None;
        assert_eq!(fan(&row).as_deref(), Some("fan 30%"));
        (row.raw.fan, row.raw.fan_rpm) = (None, Some(900));
        assert_eq!(fan(&row).as_deref(), Some("fan 900 rpm"));
        row.raw.temperature = Some(86.0);
        assert_eq!(fact(&row, "temperature").map(|(_, role)| role), Some(Role::Warn));
    }

    #[test]
    fn a_default_that_is_in_force_is_not_repeated() {
        let mut row = card(|raw| {
            (raw.power_limit, raw.power_default, raw.power_max) = (Some(300.0), Some(300.0), Some(450.0));
        });
        row.power = Some(200.4);
        assert_eq!(words(&row, "power").as_deref(), Some("200 W   limit 300 W   max 450 W"));
        row.raw.power_limit = Some(250.0);
        assert_eq!(words(&row, "power").as_deref(), Some("200 W   limit 250 W   default 300 W   max 450 W"));
    }

    #[test]
    fn clocks_are_against_the_best() {
        let row = card(|raw| {
            (raw.clock, raw.clock_max, raw.memory_clock) =
                (Some(1_500_000_000), Some(2_520_000_000), Some(10_501_000_000));
            raw.performance_state = Some(2);
        });
        assert_eq!(words(&row, "clocks").as_deref(), Some("cores 1500 of 2520 MHz   memory 10501 MHz   state P2"));
        let row = card(|raw| raw.clock = Some(1_500_000_000));
        assert_eq!(words(&row, "clocks").as_deref(), Some("cores 1500 MHz"));
    }

    #[test]
    fn throttling_has_a_colour_where_it_is_a_fault() {
        let capped = card(|raw| raw.throttles = vec![Throttle::PowerCap, Throttle::Display]);
        assert_eq!(fact(&capped, "throttled"), Some(("power cap, display clocks".to_owned(), Role::Text)));
        let hot = card(|raw| (raw.throttles, raw.temperature) = (vec![Throttle::HardwareThermal], Some(95.0)));
        assert_eq!(fact(&hot, "throttled"), Some(("too hot (hardware)".to_owned(), Role::Warn)));
        assert_eq!(fact(&card(|_| ()), "throttled"), None);
    }

    #[test]
    fn a_link_below_its_best_is_so_only_under_load() {
        let mut row = card(|raw| {
            raw.link = Link {
                generation: Some((1, 4)),
                width: Some((16, 16)),
                received: Some(2048),
                sent: Some(1024),
                replays: Some(3),
            };
            raw.nvlinks = Some((3, 4));
        });
        let parts = "generation 1 of 4, lanes 16 of 16   rx 2.0K/s   tx 1.0K/s   3 replays";
        assert_eq!(fact(&row, "PCIe"), Some((parts.to_owned(), Role::Text)));
        assert_eq!(words(&row, "NVLink").as_deref(), Some("3 of 4 up"));
        (row.busy, row.raw.link.replays) = (Some(0.9), Some(0));
        let parts = "generation 1 of 4, lanes 16 of 16   below its maximum   rx 2.0K/s   tx 1.0K/s";
        assert_eq!(fact(&row, "PCIe"), Some((parts.to_owned(), Role::Advice)));
    }

    #[test]
    fn memory_that_fails_says_what_to_do() {
        let of = |pending, failed| {
            let row = card(|raw| {
                raw.remapped = Some(RemappedRows { corrected: 1, uncorrected: 2, pending, failed });
            });
            fact(&row, "memory rows").expect("it has a line")
        };
        let counts = "remapped 1 for corrected errors, 2 for uncorrected";
        assert_eq!(of(false, false), (counts.to_owned(), Role::Text));
        assert_eq!(of(true, false), (format!("{counts}   pending: reset the card"), Role::Advice));
        assert_eq!(of(true, true), (format!("{counts}   remapping failed: replace the card"), Role::Warn));
        let errors = |uncorrected| {
            fact(&card(|raw| raw.ecc = Some(MemoryErrors { corrected: 4, uncorrected })), "ECC").expect("it has a line")
        };
        assert_eq!(errors(0), ("4 corrected   0 uncorrected since the driver was loaded".to_owned(), Role::Text));
        assert_eq!(errors(1).1, Role::Warn);
    }

    #[test]
    fn its_driver_has_the_versions_of_its_maker() {
        let mut state = State::new(shipped().into());
        let driver = |maker, version: &str, cuda: Option<&str>| Driver {
            maker,
            version: Some(version.into()),
            cuda: cuda.map(str::to_owned),
            fault: None,
        };
        state.host.gpus.drivers = vec![driver(Maker::Amd, "6.8", None), driver(Maker::Nvidia, "580.65", Some("13.0"))];
        let row = card(|raw| raw.driver = "nvidia".into());
        let all = all(&Settings::default(), &state, &row, 100);
        assert!(all.contains(&("driver       nvidia   580.65   CUDA 13.0".to_owned(), Role::Text)), "{all:?}");
    }

    #[test]
    fn pieces_that_do_not_fit_go_on_below() {
        let row = card(|raw| raw.driver = "nvidia".into());
        let state = State::new(shipped().into());
        let at = |room: usize| {
            let all = all(&Settings::default(), &state, &row, room);
            all.into_iter().map(|(line, _)| line).skip_while(|line| !line.starts_with("at ")).collect::<Vec<_>>()
        };
        // 13 columns of a name, 12 and 5 of the pieces, 3 between them.
        assert_eq!(at(33), ["at           0000:01:00.0   GPU-1"]);
        assert_eq!(at(32), ["at           0000:01:00.0", "             GPU-1"]);
    }
}
