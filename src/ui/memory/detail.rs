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
}
