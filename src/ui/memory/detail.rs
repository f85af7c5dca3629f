//! Memory in full: every figure of the kernel with what it means.

use ratatui::layout::Rect;

use crate::{
    interest::Interest,
    model::{metrics, source::SourceId, subject::Subject},
    state::State,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx},
        figures::{bytes, hue, percent, tick},
        memory::pane::{level, used_gauge},
        parts::{arc, reader::Reader, top_users},
        theme::Role,
        view::{Effect, Overlay},
        widgets::{
            graph::{Graph, axis, graph},
            normal::NormalOf,
            notice::notice,
            page::Page,
            sheet::{SheetLine, heading},
        },
    },
    units::bytes_long,
};

/// From this width on there are two columns.
const WIDE: u16 = 130;
/// Processes and containers that are named, with much room and with little.
const MANY: (usize, usize) = (15, 10);
const FEW: (usize, usize) = (6, 4);

#[derive(Default)]
pub struct MemoryDetail {
    normal: NormalOf,
    reader: Reader,
}

/// The view of memory, which shows the ZFS cache too.
#[must_use]
pub fn open(subject: &Subject, _state: &State) -> Option<Box<dyn Overlay>> {
    match subject {
        Subject::Memory | Subject::Arc => Some(Box::<MemoryDetail>::default()),
        Subject::Pressure(resource) if resource == "memory" => Some(Box::<MemoryDetail>::default()),
        _ => None,
    }
}

impl Overlay for MemoryDetail {
    fn title(&self, state: &State) -> String {
        format!("memory · {}", bytes_long(state.host.memory.raw.total as f64))
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn feeds(&self, _state: &State) -> &'static [SourceId] {
        &[SourceId::Memory]
    }

    fn refresh(&mut self, state: &State) {
        self.normal.update(&state.host.memory.used_history);
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        if notice(cx, area, canvas, SourceId::Memory) || area.height < 4 {
            return;
        }
        used_gauge(cx, Rect { height: 1, ..area }, canvas, self.normal.median());
        let past = Rect { y: area.y + 1, height: (area.height - 1) / 4, ..area };
        let m = &cx.state.host.memory;
        let g = Graph {
            band: self.normal.band(),
            limit: tick(cx.state.limits(metrics::MEMORY_USED_RATIO, &[])),
            ..Graph::of(&m.used_history, 1.0, hue(cx, level(cx), Role::MemoryUsed))
        };
        graph(cx, past, canvas, &g);
        axis(cx, Rect { y: past.bottom(), height: 1, ..area }, canvas, &m.used_history);
        let rest = Rect { y: past.bottom() + 1, height: area.bottom() - past.bottom() - 1, ..area };
        // Beside the kernel's figures where there is room, else before them: it is what one opens this for.
        let lines = match area.width {
            WIDE.. => {
                let columns = usize::from(area.width / 2);
                let figures = Page::from_iter(lines(cx.state));
                Page::beside(figures, top_users::memory(&cx.state.host, MANY.0, MANY.1), columns)
            }
            _ => {
                let mut page = top_users::memory(&cx.state.host, FEW.0, FEW.1);
                page.push(Vec::new());
                page.extend(lines(cx.state));
                page
            }
        };
        self.reader.draw(cx, rest, canvas, &lines);
    }

    fn want(&self, want: &mut Interest, state: &State) {
        want.memory_of.extend(top_users::holders(&state.host));
    }

    fn act(&mut self, action: Action, _state: &State) -> Option<Vec<Effect>> {
        self.reader.act(action)
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        self.reader.hints()
    }
}

fn lines(state: &State) -> Vec<SheetLine> {
    let m = &state.host.memory;
    let raw = &m.raw;
    let mut lines = Vec::new();
    let mut row = |name: &str, value: Option<u64>, of: u64, meaning: &str| {
        let Some(value) = value else { return };
        let share = (of > 0).then(|| value as f64 / of as f64);
        lines.push(vec![
            (format!("{name:<16}"), Role::Dim),
            (format!("{:>12} ", bytes_long(value as f64)), Role::Text),
            (format!("{}  ", percent(share)), Role::Dim),
            (meaning.to_owned(), Role::Faint),
        ]);
    };
    row("used", Some(m.used), raw.total, "not reclaimable");
    if let Some(arc) = raw.arc {
        row("ARC", Some(arc.size), raw.total, "OpenZFS cache; shrinks to its minimum");
    }
    row("cache", Some(m.cache), raw.total, "page cache, reclaimable");
    if let Some((total, used)) = m.huge() {
        let words = format!("reserved; {} of it in use", bytes_long(used as f64));
        row("huge pages", Some(total), raw.total, &words);
    }
    row("free", Some(m.free), raw.total, "unused");
    row("available", Some(m.available), raw.total, "programs can have it without swapping");
    row("anonymous", raw.anonymous, raw.total, "heaps and stacks");
    row("huge, anonymous", raw.anonymous_huge, raw.total, "part of it in huge pages");
    row("mapped", raw.mapped, raw.total, "files mapped by programs");
    row("shared", Some(raw.shmem), raw.total, "shared memory and tmpfs; counted as used");
    row("buffers", Some(raw.buffers), raw.total, "raw blocks");
    row("slab", raw.slab, raw.total, "the kernel's own objects");
    row("  reclaimable", Some(raw.slab_reclaimable), raw.total, "reclaimable part of the slab");
    row("page tables", raw.page_tables, raw.total, "page tables of all processes");
    row("kernel stacks", raw.kernel_stack, raw.total, "one per thread");
    row("dirty", raw.dirty, raw.total, "waiting to be written");
    row("writeback", raw.writeback, raw.total, "being written");
    row("committed", raw.committed, raw.commit_limit.unwrap_or(0), "Committed_AS of CommitLimit");
    if raw.swap_total > 0 {
        row("swap", Some(m.swap_used), raw.swap_total, "moved out of memory");
        row("swap, cached", raw.swap_cached, raw.swap_total, "both in memory and in swap");
    }
    if let Some(zram) = raw.zram {
        row("zram", Some(zram.memory_used), zram.original, "memory used, of the uncompressed size");
    }
    lines.push(Vec::new());
    lines.push(heading("Movement"));
    for (name, value) in [("read from swap", m.swap_in_per_second), ("written to swap", m.swap_out_per_second)] {
        lines.push(vec![(format!("{name:<16}"), Role::Dim), (format!("{:>10}/s", bytes(value)), Role::Text)]);
    }
    if let Some(stalls) = state.host.pressure.raw.memory {
        let text = format!(
            "PSI some {:.1} % · full {:.1} % (avg10){}",
            stalls.some.avg10 * 100.0,
            stalls.full.map_or(0.0, |f| f.avg10) * 100.0,
            if state.host.facts.pressure_of_host { ", host-wide" } else { "" }
        );
        lines.push(vec![(format!("{:<16}", "pressure"), Role::Dim), (text, Role::Text)]);
    }
    lines.extend(arc::lines(m));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alert::shipped,
        model::{
            arc::ArcSample,
            memory::ZramSample,
            pressure::{Stall, Stalls},
            process::{ProcKey, Process},
        },
        ui::canvas::testing::{Drawn, answered, drawn, series},
    };

    #[test]
    fn memory_its_cache_and_its_pressure_have_one_view() {
        let pressure = |of: &str| Subject::Pressure(of.to_owned());
        for (subject, is_there) in [
            (Subject::Memory, true),
            (Subject::Arc, true),
            (pressure("memory"), true),
            (pressure("io"), false),
            (Subject::Cpu, false),
        ] {
            assert_eq!(open(&subject, &State::default()).is_some(), is_there, "{subject:?}");
        }
    }

    /// The first words of each line, and what is behind them.
    fn figures(state: &State) -> Vec<(String, String)> {
        let text = |pieces: &[(String, Role)]| pieces.iter().map(|(text, _)| text.as_str()).collect::<String>();
        lines(state)
            .iter()
            .filter(|line| line.len() > 1)
            .map(|line| (text(&line[..1]).trim_end().to_owned(), text(&line[1..]).trim().to_owned()))
            .collect()
    }

    fn figure(state: &State, name: &str) -> Option<String> {
        figures(state).into_iter().find(|(of, _)| of.trim() == name).map(|(_, figure)| figure)
    }

    #[test]
    fn only_what_the_kernel_counts_has_a_line() {
        let mut state = State::default();
        state.host.memory.raw.total = 8 << 30;
        state.host.memory.used = 2 << 30;
        assert_eq!(figure(&state, "used").as_deref(), Some("2.0 GiB  25%  not reclaimable"));
        assert_eq!(figure(&state, "read from swap").as_deref(), Some("–/s"));
        for name in ["ARC", "huge pages", "anonymous", "swap", "swap, cached", "zram", "pressure"] {
            assert_eq!(figure(&state, name), None, "{name}");
        }
        let raw = &mut state.host.memory.raw;
        (raw.swap_total, raw.swap_cached, raw.committed) = (4 << 30, Some(1 << 30), Some(2 << 30));
        state.host.memory.swap_used = 3 << 30;
        state.host.memory.swap_in_per_second = Some(2048.0);
        assert_eq!(figure(&state, "swap").as_deref(), Some("3.0 GiB  75%  moved out of memory"));
        assert_eq!(figure(&state, "swap, cached").as_deref(), Some("1.0 GiB  25%  both in memory and in swap"));
        assert_eq!(figure(&state, "read from swap").as_deref(), Some("2.0K/s"));
        assert_eq!(
            figure(&state, "committed").as_deref(),
            Some("2.0 GiB    –  Committed_AS of CommitLimit"),
            "without a limit it is no share"
        );
    }

    fn machine() -> State {
        let mut state = State::new(shipped().into());
        answered(&mut state, SourceId::Memory, 100);
        let m = &mut state.host.memory;
        m.raw.total = 100 << 30;
        (m.used, m.used_ratio) = (25 << 30, Some(0.25));
        m.used_history = series([1.0; 300]);
        let process = |pid: u32| Process {
            key: ProcKey { pid, start_ticks: 1 },
            tgid: pid,
            name: format!("p{pid}").as_str().into(),
            memory_bytes: u64::from(pid) << 20,
            ..Process::default()
        };
        state.host.processes.rows = (1..=30).map(process).collect();
        state
    }

    fn view(detail: &MemoryDetail, state: &State, size: (u16, u16)) -> Drawn {
        drawn(state, size, |cx, area, canvas| detail.draw(cx, area, canvas))
    }

    #[test]
    fn those_who_hold_most_are_beside_the_figures_or_above_them() {
        let state = machine();
        let detail = MemoryDetail::default();
        let wide = view(&detail, &state, (130, 40)).lines();
        let full = "⣿".repeat(130);
        assert!(wide[0].starts_with(" 25% ━━━━━━━━━━━━━━━━"), "{}", wide[0]);
        // A quarter of what is below the gauge: nine rows of 39.
        assert!(wide[1..10].iter().all(|line| *line == full), "{wide:?}");
        assert_eq!(wide[10], format!("4m ago{}now", " ".repeat(121)));
        assert!(wide[11].starts_with("used ") && wide[11].contains("Processes by resident memory"), "{}", wide[11]);
        assert_eq!(wide[11].find("Processes"), Some(65), "the right half");
        let right = |line: &String| line.chars().skip(65).collect::<String>();
        assert_eq!(wide.iter().filter(|line| right(line).contains("% p")).count(), 15);
        let narrow = view(&detail, &state, (129, 40)).lines();
        assert!(narrow[11].starts_with("Processes by resident memory"), "{}", narrow[11]);
        assert_eq!(narrow[13..19].iter().filter(|line| line.contains("% p")).count(), 6);
        assert_eq!((narrow[19].as_str(), &narrow[20][..5]), ("", "used "));
    }

    #[test]
    fn its_lines_scroll() {
        let state = machine();
        let mut detail = MemoryDetail::default();
        let first = |detail: &MemoryDetail| view(detail, &state, (129, 12)).lines()[4].clone();
        assert!(first(&detail).starts_with("Processes"));
        assert!(detail.act(Action::Down, &state).is_some());
        assert!(first(&detail).trim_start().starts_with("PID"), "{}", first(&detail));
        assert!(!detail.hints().is_empty(), "the processes are links");
    }

    #[test]
    fn the_graph_has_the_level_of_what_is_used() {
        let mut state = machine();
        let role = |state: &State| view(&MemoryDetail::default(), state, (80, 20)).role_at(0, 1);
        assert_eq!(role(&state), Some(Role::MemoryUsed));
        state.host.memory.used_ratio = Some(0.91);
        assert_eq!(role(&state), Some(Role::Warn));
    }

    #[test]
    fn it_asks_what_the_greatest_processes_share() {
        let mut want = Interest::default();
        let state = machine();
        let detail = MemoryDetail::default();
        detail.want(&mut want, &state);
        assert_eq!(want.memory_of.len(), 30);
        assert_eq!((detail.title(&state), detail.full_screen()), ("memory · 100.0 GiB".to_owned(), true));
        assert_eq!(detail.feeds(&state), [SourceId::Memory]);
    }

    #[test]
    fn nothing_is_drawn_in_three_rows_or_before_the_first_reading() {
        let detail = MemoryDetail::default();
        assert_eq!(view(&detail, &machine(), (60, 3)).lines(), ["", "", ""]);
        assert!(!view(&detail, &machine(), (60, 4)).line().is_empty());
        assert_eq!(view(&detail, &State::default(), (60, 3)).lines(), ["waiting…", "", ""]);
    }

    #[test]
    fn pressure_says_whose_it_is() {
        let mut state = machine();
        let stall = |avg10| Stall { avg10, ..Stall::default() };
        state.host.pressure.raw.memory = Some(Stalls { some: stall(0.125), full: Some(stall(0.051)) });
        assert_eq!(figure(&state, "pressure").as_deref(), Some("PSI some 12.5 % · full 5.1 % (avg10)"));
        state.host.pressure.raw.memory = Some(Stalls { some: stall(0.125), full: None });
        state.host.facts.pressure_of_host = true;
        assert_eq!(figure(&state, "pressure").as_deref(), Some("PSI some 12.5 % · full 0.0 % (avg10), host-wide"));
    }

    #[test]
    fn each_figure_is_a_share_of_its_whole() {
        let mut state = machine();
        let raw = &mut state.host.memory.raw;
        (raw.huge_total, raw.huge_free) = (10 << 30, 4 << 30);
        raw.arc = Some(ArcSample { size: 22 << 30, ..ArcSample::default() });
        raw.zram = Some(ZramSample { original: 4 << 30, memory_used: 1 << 30, ..ZramSample::default() });
        (raw.committed, raw.commit_limit) = (Some(2 << 30), Some(8 << 30));
        for (name, words) in [
            ("ARC", "22.0 GiB  22%  OpenZFS cache; shrinks to its minimum"),
            ("huge pages", "10.0 GiB  10%  reserved; 6.0 GiB of it in use"),
            ("zram", "1.0 GiB  25%  memory used, of the uncompressed size"),
            ("committed", "2.0 GiB  25%  Committed_AS of CommitLimit"),
        ] {
            assert_eq!(figure(&state, name).as_deref(), Some(words), "{name}");
        }
        assert_eq!(figure(&state, "swap"), None, "there is none");
    }
}
