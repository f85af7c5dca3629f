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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alert::shipped,
        model::cpu::CpuShares,
        ui::canvas::testing::{Drawn, answered, drawn, series},
    };

    fn machine(cores: u16) -> State {
        let mut state = State::new(shipped().into());
        answered(&mut state, SourceId::Cpu, 200);
        let shares = |busy: f64| Some(CpuShares { busy, user: busy, ..CpuShares::default() });
        let cpu = &mut state.host.cpu;
        cpu.shares = shares(0.25);
        cpu.busy_history = series([1.0; 200]);
        let core = |number: u16| Core {
            number,
            shares: shares(f64::from(number) / 100.0),
            hertz: (number == 0).then_some(4_900_000_000),
            history: series(vec![1.0; usize::from(number) + 1]),
        };
        cpu.cores = (0..cores).map(core).collect();
        state
    }

    fn view(detail: &CpuDetail, state: &State, size: (u16, u16)) -> Drawn {
        drawn(state, size, |cx, area, canvas| detail.draw(cx, area, canvas))
    }

    #[test]
    fn the_cpu_its_cores_and_its_pressure_have_one_view() {
        let is_there = |subject: Subject| open(&subject, &State::default()).is_some();
        let pressure = |of: &str| Subject::Pressure(of.to_owned());
        assert_eq!([Subject::Cpu, Subject::Core(3), pressure("cpu")].map(is_there), [true; 3]);
        assert_eq!([Subject::Memory, pressure("io")].map(is_there), [false; 2]);
    }

    #[test]
    fn title_counts_cores_and_threads_where_both_are_known() {
        let mut state = State::default();
        let title = |state: &State| CpuDetail::default().title(state);
        assert_eq!(title(&state), "cpu");
        state.host.facts.cpu_model = Some("Ryzen 9".into());
        state.host.facts.cores = Some(16);
        assert_eq!(title(&state), "Ryzen 9");
        state.host.facts.threads = Some(32);
        assert_eq!(title(&state), "Ryzen 9 · 16 cores · 32 threads");
    }

    #[test]
    fn the_past_gets_what_the_cores_leave() {
        let mut detail = CpuDetail::default();
        let mut state = machine(5);
        state.host.cpu.context_switches_per_second = Some(4200.0);
        detail.refresh(&state);
        let lines = view(&detail, &state, (92, 10)).lines();
        let full = "⣿".repeat(92);
        assert!(lines[0].starts_with(" 25% ━━━━━━━━━━━━━━━━━━━━━━─"), "{}", lines[0]);
        assert_eq!(lines[1], "user 25%  system  0%  iowait  0%  steal  0%  switches 4.2k/s");
        // All is at the top: the limit is behind it.
        assert_eq!(lines[2..6], [full.clone(), full.clone(), full.clone(), full]);
        assert_eq!(lines[6], format!("3m ago{}now", " ".repeat(83)));
        // Two columns, the gap of two at the end of each.
        assert_eq!(lines[7], format!("  0   0%{}█ 4.9 GHz    3   3%{}████", " ".repeat(27), " ".repeat(32)));
        assert_eq!(lines[8], format!("  1   1%{}██    4   4%{}█████", " ".repeat(34), " ".repeat(31)));
        assert_eq!(lines[9], format!("  2   2%{}███", " ".repeat(33)));
    }

    #[test]
    fn a_third_at_least_is_the_past() {
        let mut detail = CpuDetail::default();
        let state = machine(20);
        // Nine rows below the shares: three of them past, one the axis, five cores.
        let lines = view(&detail, &state, (46, 11)).lines();
        let full = "⣿".repeat(46);
        assert_eq!(lines[2..5], [full.clone(), full.clone(), full]);
        let first = |detail: &CpuDetail| {
            let lines = view(detail, &state, (46, 11)).lines();
            [6, 10].map(|y: usize| lines[y][..3].trim().parse::<u32>().unwrap())
        };
        assert_eq!(first(&detail), [0, 4]);
        for (action, shown) in [
            (Action::Up, [0, 4]),
            (Action::Down, [1, 5]),
            (Action::Down, [2, 6]),
            (Action::Up, [1, 5]),
            (Action::PageDown, [11, 15]),
            (Action::PageUp, [1, 5]),
            (Action::PageUp, [0, 4]),
            (Action::Bottom, [15, 19]),
            (Action::Down, [15, 19]),
            (Action::Up, [14, 18]),
            (Action::Top, [0, 4]),
        ] {
            assert!(detail.act(action, &state).is_some_and(|effects| effects.is_empty()));
            assert_eq!(first(&detail), shown, "{action:?}");
        }
        assert!(detail.act(Action::Search, &state).is_none());
    }

    #[test]
    fn a_busy_core_and_a_busy_cpu_have_the_colour_of_their_level() {
        let mut state = machine(2);
        state.host.cpu.cores[1].shares = None;
        let calm = view(&CpuDetail::default(), &state, (92, 10));
        let roles: Vec<Role> = calm.pieces(9).iter().map(|(_, role)| *role).collect();
        assert_eq!(roles[..3], [Role::Dim, Role::Text, Role::CpuUser], "number, share, past");
        assert_eq!(roles[4..6], [Role::Dim, Role::Unknown], "of the second nothing is known");
        assert_eq!(calm.role_at(0, 2), Some(Role::CpuUser));
        state.host.cpu.shares = Some(CpuShares { busy: 0.95, user: 0.95, ..CpuShares::default() });
        assert_eq!(view(&CpuDetail::default(), &state, (92, 10)).role_at(0, 2), Some(Role::Warn));
    }

    #[test]
    fn shares_end_where_the_next_has_no_room() {
        let mut state = machine(0);
        (state.host.cpu.context_switches_per_second, state.host.cpu.forks_per_second) = (Some(4200.0), Some(30.0));
        let line = |width| view(&CpuDetail::default(), &state, (width, 6)).lines()[1].clone();
        let all = "user 25%  system  0%  iowait  0%  steal  0%  switches 4.2k/s  forks 30/s";
        assert_eq!(line(80), all);
        assert_eq!((line(72).as_str(), line(71).as_str()), (all, &all[..60]));
        assert_eq!((line(8).as_str(), line(7).as_str()), (&all[..8], ""));
        let roles: Vec<Role> =
            view(&CpuDetail::default(), &state, (80, 6)).pieces(1).iter().map(|(_, role)| *role).collect();
        assert_eq!(
            roles.chunks(2).map(|pair| pair[0]).collect::<Vec<_>>(),
            [Role::CpuUser, Role::CpuSystem, Role::CpuIowait, Role::CpuSteal, Role::Dim, Role::Dim]
        );
    }

    #[test]
    fn nothing_is_drawn_in_two_rows_or_before_the_first_reading() {
        assert_eq!(view(&CpuDetail::default(), &machine(2), (60, 2)).lines(), ["", ""]);
        let waiting = State::new(shipped().into());
        assert_eq!(view(&CpuDetail::default(), &waiting, (60, 3)).lines(), ["waiting…", "", ""]);
        let detail = CpuDetail::default();
        assert!(detail.full_screen());
        assert_eq!(detail.feeds(&waiting), [SourceId::Cpu]);
    }
}
