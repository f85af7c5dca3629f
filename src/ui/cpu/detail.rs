//! The CPU in full: its past, its shares, and every core with its own.

use std::cell::Cell;

use ratatui::layout::Rect;

use crate::{
    model::{cpu::Core, metrics, source::SourceId, subject::Subject},
    state::State,
    text,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx},
        cpu::pane::{level, total_gauge},
        figures::{frequency, hue, percent, tick},
        theme::Role,
        view::{Effect, Overlay},
        widgets::{
            graph::{Graph, axis, graph},
            normal::NormalOf,
            notice::notice,
            spark::spark,
            text::{put, put_right},
        },
    },
    units,
};

/// Columns of one core with its gap.
const CELL: u16 = 46;

#[derive(Default)]
pub struct CpuDetail {
    normal: NormalOf,
    top: usize,
    last: Cell<usize>,
}

/// The view of the CPU, which shows each core.
#[must_use]
pub fn open(subject: &Subject, _state: &State) -> Option<Box<dyn Overlay>> {
    match subject {
        Subject::Cpu | Subject::Core(_) => Some(Box::<CpuDetail>::default()),
        Subject::Pressure(resource) if resource == "cpu" => Some(Box::<CpuDetail>::default()),
        _ => None,
    }
}

impl Overlay for CpuDetail {
    fn title(&self, state: &State) -> String {
        let facts = &state.host.facts;
        let model = facts.cpu_model.as_deref().unwrap_or("cpu");
        match (facts.cores, facts.threads) {
            (Some(cores), Some(threads)) => format!("{model} · {cores} cores · {threads} threads"),
            _ => model.to_owned(),
        }
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn feeds(&self, _state: &State) -> &'static [SourceId] {
        &[SourceId::Cpu]
    }

    fn refresh(&mut self, state: &State) {
        self.normal.update(&state.host.cpu.busy_history);
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        if notice(cx, area, canvas, SourceId::Cpu) || area.height < 3 {
            return;
        }
        let cpu = &cx.state.host.cpu;
        let columns = (area.width / CELL).max(1);
        let rows = u16::try_from(cpu.cores.len()).unwrap_or(u16::MAX).div_ceil(columns);
        total_gauge(cx, Rect { height: 1, ..area }, canvas, self.normal.median());
        shares(cx, Rect { y: area.y + 1, height: 1, ..area }, canvas);
        // The past gets what the cores leave, and a third at least.
        let rest = area.height - 2;
        let past = rest.saturating_sub(rows + 1).max(rest / 3);
        let place = Rect { y: area.y + 2, height: past, ..area };
        let style = hue(cx, level(cx, cpu.shares.map(|s| s.busy)), Role::CpuUser);
        let g = Graph {
            band: self.normal.band(),
            limit: tick(cx.state.limits(metrics::CPU_BUSY_RATIO, &[])),
            ..Graph::of(&cpu.busy_history, 1.0, style)
        };
        graph(cx, place, canvas, &g);
        axis(cx, Rect { y: place.bottom(), height: 1, ..area }, canvas, &cpu.busy_history);
        let cores = Rect { y: place.bottom() + 1, height: rest.saturating_sub(past + 1), ..area };
        self.last.set(usize::from(rows.saturating_sub(cores.height)));
        let width = area.width / columns;
        for (i, each) in (0u16..).zip(&cpu.cores) {
            let row = usize::from(i % rows.max(1));
            let Some(y) = row.checked_sub(self.top.min(self.last.get())) else { continue };
            let y = cores.y + u16::try_from(y).unwrap_or(u16::MAX);
            if y < cores.bottom() {
                core(cx, Rect { x: area.x + i / rows.max(1) * width, y, width: width - 2, height: 1 }, canvas, each);
            }
        }
    }

    fn act(&mut self, action: Action, _state: &State) -> Option<Vec<Effect>> {
        self.top = match action {
            Action::Up => self.top.saturating_sub(1),
            Action::Down => self.top + 1,
            Action::PageUp => self.top.saturating_sub(10),
            Action::PageDown => self.top + 10,
            Action::Top => 0,
            Action::Bottom => usize::MAX,
            _ => return None,
        }
        .min(self.last.get());
        Some(Vec::new())
    }
}

fn shares(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
    let cpu = &cx.state.host.cpu;
    let s = cpu.shares;
    let mut words = vec![
        ("user", percent(s.map(|s| s.user)), Role::CpuUser),
        ("system", percent(s.map(|s| s.system)), Role::CpuSystem),
        ("iowait", percent(s.map(|s| s.iowait)), Role::CpuIowait),
        ("steal", percent(s.map(|s| s.steal)), Role::CpuSteal),
    ];
    let per_second = |v: f64| format!(" {}/s", units::count_short(v));
    words.extend(cpu.context_switches_per_second.map(|v| ("switches", per_second(v), Role::Dim)));
    words.extend(cpu.forks_per_second.map(|v| ("forks", per_second(v), Role::Dim)));
    let mut x = area.x;
    for (name, value, role) in words {
        let wide = text::width(name) + text::width(&value);
        if usize::from(area.right().saturating_sub(x)) < wide {
            return;
        }
        x += put(canvas.buf, x, area.y, area.right().saturating_sub(x), name, cx.theme.style(role));
        x += put(canvas.buf, x, area.y, area.right().saturating_sub(x), &value, cx.theme.style(Role::Text)) + 2;
    }
}

/// `12  45% ▁▂▃▂▁▁▂▃  4.9 GHz`
fn core(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, core: &Core) {
    let number = core.number.to_string();
    let busy = core.shares.map(|s| s.busy);
    let level =
        busy.map_or(crate::alert::Level::Unknown, |b| cx.state.level(metrics::CPU_CORE_BUSY_RATIO, &[&number], b));
    put_right(canvas.buf, area.x + 3, area.y, 3, &number, cx.theme.style(Role::Dim));
    put_right(canvas.buf, area.x + 8, area.y, 4, &percent(busy), cx.theme.level(level));
    let mut end = area.right();
    if let Some(hertz) = core.hertz {
        end = put_right(canvas.buf, end, area.y, 8, &frequency(hertz as f64), cx.theme.style(Role::Dim))
            .saturating_sub(1);
    }
    let x = area.x + 9;
    let style = hue(cx, level, Role::CpuUser);
    spark(canvas.buf, x, area.y, end.saturating_sub(x), cx.theme, &core.history, 1.0, style);
}
