//! The one under way: its name, how far it is, the figure as it forms, and what the machine does meanwhile.

use ratatui::layout::Rect;

use super::{list::spinner, words};
use crate::{
    model::{host::Host, run::RunProgress},
    state::State,
    ui::{
        canvas::{Canvas, DrawCx},
        figures::temperature,
        theme::Role,
        widgets::{
            gauge::{Gauge, gauge},
            spark::block,
            text::{put, put_all, put_char, put_right},
        },
    },
    units::countdown,
};

/// Rows with and without the graph of the forming figure.
pub const ROWS: u16 = 6;
pub const ROWS_SMALL: u16 = 4;

/// `11 of 17 · 6m12s left`; empty while nothing runs.
#[must_use]
pub fn suite(state: &State) -> String {
    let runs = &state.runs;
    if runs.queue.len() < 2 {
        return String::new();
    }
    let at = (runs.over + 1).min(runs.queue.len());
    let left = runs.left().map_or_else(String::new, |left| format!(" · {} left", countdown(left)));
    format!("{at} of {}{left}", runs.queue.len())
}

/// Draws it into `area`; the place among all is in the title of a wide list already.
pub fn draw(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, rows: u16, titled: bool) {
    let state = cx.state;
    let (text, dim, accent) = (cx.theme.style(Role::Text), cx.theme.style(Role::Dim), cx.theme.style(Role::Accent));
    let Some(progress) = &state.runs.progress else {
        let words = format!("{} the next one begins…", spinner(cx.theme, state));
        put(canvas.buf, area.x, area.y, area.width, &words, dim);
        return;
    };
    let mut y = area.y;
    let spin = format!("{} ", spinner(cx.theme, state));
    let mut right = phase(progress);
    let place = suite(state);
    if !titled && !place.is_empty() {
        right = format!("{place} · {right}");
    }
    let end = put_right(canvas.buf, area.right(), y, area.width * 2 / 3, &right, dim);
    let room = end.saturating_sub(area.x + 1);
    put_all(canvas.buf, area.x, y, room, &[(&spin, accent), (&state.runs.name(&progress.key), text)]);
    y += 1;
    let parts = [(progress.done, accent)];
    gauge(canvas.buf, area.x, y, area.width, cx.theme, &Gauge { parts: &parts, ..Gauge::default() });
    y += 1;
    put(canvas.buf, area.x, y, area.width, &facts(state, progress), dim);
    y += 1;
    if rows >= ROWS {
        let graph = Rect { y, height: rows - ROWS_SMALL, ..area };
        forming(cx, graph, canvas, &state.runs.formed);
        y += graph.height;
    }
    put(canvas.buf, area.x, y, area.width, &machine(cx), dim);
}

/// `measuring · 18s of 30s`.
fn phase(progress: &RunProgress) -> String {
    let elapsed = progress.at.since(progress.since);
    let time = match progress.left {
        Some(left) => format!("{} of {}", countdown(elapsed), countdown(elapsed + left)),
        None => countdown(elapsed),
    };
    format!("{} · {time}", progress.phase.words())
}

/// `43.1k IOPS · 6 samples · p99 4.2 ms`.
fn facts(state: &State, progress: &RunProgress) -> String {
    let mut facts = Vec::new();
    if let (Some(value), Some(figure)) = (progress.value, state.runs.figure_of(&progress.key)) {
        facts.push(words::value(figure, value));
    }
    match progress.samples.len() {
        0 => {}
        1 => facts.push("1 sample".to_owned()),
        n => facts.push(format!("{n} samples")),
    }
    facts.extend(progress.beside.iter().cloned());
    facts.join(" · ")
}

/// The figure as it formed, newest at the right, from zero.
fn forming(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, formed: &[f64]) {
    let shown = &formed[formed.len().saturating_sub(usize::from(area.width))..];
    let top = shown.iter().copied().fold(0.0, f64::max);
    if top <= 0.0 {
        return;
    }
    let style = cx.theme.style(Role::CpuUser);
    let rows = f64::from(area.height);
    for (at, value) in (0u16..).zip(shown) {
        let filled = value / top * rows;
        for up in 0..area.height {
            let share = (filled - f64::from(up)).clamp(0.0, 1.0);
            let glyph = block(share, cx.theme);
            if glyph != ' ' {
                put_char(canvas.buf, area.x + at, area.bottom() - 1 - up, glyph, style);
            }
        }
    }
}

/// What the machine does meanwhile: `cpu 34 % · sdb busy 99 % · load 6.1 · 61 °C`.
fn machine(cx: &DrawCx<'_>) -> String {
    let host: &Host = &cx.state.host;
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let mut facts = Vec::new();
    facts.extend(host.cpu.shares.map(|shares| format!("cpu {}", percent(shares.busy))));
    let busiest = host.disks.disks.iter().filter_map(|disk| Some((disk.busy_ratio?, &disk.raw.name)));
    if let Some((busy, name)) = busiest.max_by(|(a, _), (b, _)| a.total_cmp(b)).filter(|(busy, _)| *busy > 0.05) {
        facts.push(format!("{name} busy {}", percent(busy)));
    }
    facts.extend(host.memory.used_ratio.map(|used| format!("memory {}", percent(used))));
    if host.load.raw.threads > 0 {
        facts.push(format!("load {:.1}", host.load.raw.load1));
    }
    facts.extend(host.sensors.cpu_celsius.map(|celsius| temperature(celsius, cx)));
    facts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{
            cpu::CpuShares,
            disk::{Disk, DiskCounters},
        },
        ui::{
            benchmarks::testing::{key, plan, state, under_way},
            canvas::testing::{Drawn, drawn},
        },
    };

    fn shown(state: &State, size: (u16, u16), titled: bool) -> Drawn {
        drawn(state, size, |cx, area, canvas| draw(cx, area, canvas, size.1, titled))
    }

    fn busy() -> State {
        let mut state = state();
        let keys = [key("random", "tank"), key("start", ""), key("load", "")];
        under_way(&mut state, &keys[0], &keys[1..]);
        state.runs.plan = Some(plan(&keys, 0));
        state
    }

    #[test]
    fn what_runs_has_its_name_its_gauge_and_its_figures() {
        let mut state = busy();
        state.host.cpu.shares = Some(CpuShares { busy: 0.34, ..CpuShares::default() });
        let drawn = shown(&state, (60, 4), true);
        let gauge = format!("{}{}", "━".repeat(36), "─".repeat(24));
        assert_eq!(
            drawn.lines(),
            [
                format!("⣷ tank random 4k{:>44}", "measuring · 18s of 30s"),
                gauge,
                "43.1k IOPS · 6 samples · p99 4.2 ms".to_owned(),
                "cpu 34 %".to_owned(),
            ]
        );
        assert_eq!(
            [
                drawn.role_at(0, 0),
                drawn.role_of("tank"),
                drawn.role_of("measuring"),
                drawn.role_at(35, 1),
                drawn.role_of("43.1k"),
                drawn.role_of("cpu")
            ],
            [Role::Accent, Role::Text, Role::Dim, Role::Accent, Role::Dim, Role::Dim].map(Some)
        );
        let untitled = shown(&state, (90, 4), false).line();
        assert!(untitled.ends_with("  1 of 3 · 2m12s left · measuring · 18s of 30s"), "{untitled}");
    }

    #[test]
    fn between_two_benchmarks_the_next_one_is_awaited() {
        let mut state = busy();
        state.runs.progress = None;
        let drawn = shown(&state, (40, 4), true);
        assert_eq!((drawn.line(), drawn.role_at(0, 0)), ("⣷ the next one begins…".to_owned(), Some(Role::Dim)));
    }

    #[test]
    fn a_suite_counts_what_is_over_and_what_is_left() {
        let mut state = busy();
        assert_eq!(suite(&state), "1 of 3 · 2m12s left");
        state.runs.over = 2;
        assert_eq!(suite(&state), "3 of 3 · 12s left");
        state.runs.over = 3;
        state.runs.progress = None;
        assert_eq!(suite(&state), "3 of 3");
        state.runs.queue.truncate(2);
        assert_eq!(suite(&state), "2 of 2");
        state.runs.queue.truncate(1);
        assert_eq!(suite(&state), "", "one alone is no suite");
    }

    #[test]
    fn facts_are_those_that_are_known() {
        let mut state = busy();
        let mut progress = state.runs.progress.clone().unwrap();
        progress.left = None;
        assert_eq!(phase(&progress), "measuring · 18s");
        progress.samples.truncate(1);
        assert_eq!(facts(&state, &progress), "43.1k IOPS · 1 sample · p99 4.2 ms");
        (progress.value, progress.samples) = (None, Vec::new());
        assert_eq!(facts(&state, &progress), "p99 4.2 ms");
        progress.value = Some(1.0);
        state.runs.catalog = None;
        assert_eq!(facts(&state, &progress), "p99 4.2 ms", "the unit is not known");
    }

    #[test]
    fn the_forming_figure_is_drawn_from_zero_newest_at_the_right() {
        let graph = |formed: &[f64], size| {
            let state = state();
            drawn(&state, size, |cx, area, canvas| forming(cx, area, canvas, formed)).lines()
        };
        assert_eq!(graph(&[1.0, 2.0, 4.0, 3.0], (6, 2)), ["  █▄", "▄███"]);
        assert_eq!(graph(&[9.0, 1.0, 2.0], (2, 1)), ["▄█"], "the oldest give way");
        assert_eq!(graph(&[0.0, 0.0], (2, 1)), [""]);
        let mut state = busy();
        state.runs.formed = vec![1.0, 2.0];
        let lines = shown(&state, (40, 6), true).lines();
        assert_eq!((lines[3].as_str(), lines[4].as_str()), (" █", "██"));
        assert_eq!(shown(&state, (40, 6), true).role_at(0, 4), Some(Role::CpuUser));
        assert_eq!(shown(&state, (40, 5), true).lines()[3], "", "without room it is left out");
    }

    #[test]
    fn the_machine_is_described_meanwhile() {
        let mut state = state();
        let words = |state: &State| {
            let mut words = String::new();
            drawn(state, (1, 1), |cx, _, _| words = machine(cx));
            words
        };
        assert_eq!(words(&state), "");
        let disk = |name: &str, busy_ratio| Disk {
            raw: DiskCounters { name: name.into(), ..DiskCounters::default() },
            busy_ratio,
            ..Disk::default()
        };
        state.host.disks.disks = vec![disk("sda", Some(0.05)), disk("sdc", None)];
        assert_eq!(words(&state), "", "it hardly does anything");
        state.host.disks.disks.push(disk("sdb", Some(0.99)));
        state.host.memory.used_ratio = Some(0.5);
        state.host.load.raw.load1 = 6.12;
        assert_eq!(words(&state), "sdb busy 99 % · memory 50 %");
        state.host.load.raw.threads = 16;
        state.host.sensors.cpu_celsius = Some(61.2);
        assert_eq!(words(&state), "sdb busy 99 % · memory 50 % · load 6.1 · 61 °C");
    }
}
