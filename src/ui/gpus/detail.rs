//! One card: what it does, what holds it back, how it was, what it is, and who uses it.

mod facts;
mod users;

use ratatui::layout::Rect;

use crate::{
    model::{gpu::GpuRow, series::Series, source::SourceId, subject::Subject},
    state::State,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx},
        figures::{hue, percent, temperature},
        gpus::{draw::history, measure::Measure},
        overlays::seen::Seen,
        parts::reader::Reader,
        view::{Effect, Overlay},
        widgets::{
            graph::{Graph, axis, graph},
            page::Page,
            past::under_head,
        },
    },
    units::ABSENT,
};

/// Rows of a line of graphs, the heads included.
const PAST: u16 = 6;
/// Rows from which on there is room for one line of graphs, and for two.
const ROOM: (u16, u16) = (17, 28);

pub struct GpuDetail {
    id: String,
    seen: Seen<GpuRow>,
    reader: Reader,
}

impl GpuDetail {
    /// Of the card with this id.
    #[must_use]
    pub fn new(id: String) -> Self {
        GpuDetail { id, seen: Seen::default(), reader: Reader::default() }
    }
}

/// The view of a card.
#[must_use]
pub fn open(subject: &Subject, state: &State) -> Option<Box<dyn Overlay>> {
    let Subject::Gpu(id) = subject else { return None };
    state.host.gpus.rows.iter().find(|row| row.raw.id == *id)?;
    Some(Box::new(GpuDetail::new(id.clone())))
}

impl Overlay for GpuDetail {
    fn title(&self, _state: &State) -> String {
        self.seen.last().map_or_else(|| "gpu".to_owned(), |row| format!("gpu {} · {}", row.raw.index, row.raw.name))
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn feeds(&self, _state: &State) -> &'static [SourceId] {
        &[SourceId::Gpus]
    }

    fn gone(&self) -> Option<&'static str> {
        self.seen.gone("gone")
    }

    fn refresh(&mut self, state: &State) {
        self.seen.look(
            state.host.health.round(SourceId::Gpus),
            state.host.gpus.rows.iter().find(|row| row.raw.id == self.id),
        );
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let Some(row) = self.seen.shown(cx, area, canvas) else { return };
        let lines_of_graphs = u16::from(area.height >= ROOM.0) + u16::from(area.height >= ROOM.1);
        // One line of graphs on a low screen is of low graphs.
        let each = if area.height >= ROOM.1 { PAST } else { PAST - 2 };
        graphs(cx, area, canvas, row, lines_of_graphs, each);
        let past = lines_of_graphs * each;
        let rest = Rect { y: area.y + past, height: area.height - past, ..area };
        let room = usize::from(area.width);
        let mut lines = Page::from_iter(facts::lines(cx, row, room));
        users::lines(cx.state, row, room, &mut lines);
        users::errors(cx.state, row, &mut lines);
        self.reader.draw(cx, rest, canvas, &lines);
    }

    fn act(&mut self, action: Action, _state: &State) -> Option<Vec<Effect>> {
        self.reader.act(action)
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        self.reader.hints()
    }
}

/// Two graphs a line: utilisation with memory traffic mirrored below it, memory; temperature, power.
fn graphs(cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, row: &GpuRow, lines: u16, each: u16) {
    let raw = &row.raw;
    let up = row.is_up();
    let share = |value: Option<f64>| percent(value.filter(|_| up)).trim_start().to_owned();
    let celsius = raw.temperature.filter(|_| up).map_or_else(|| ABSENT.to_owned(), |c| temperature(c, cx));
    let watts = row.power.map_or_else(|| ABSENT.to_owned(), |w| format!("{w:.0} W"));
    let traffic = raw.memory_busy.map_or_else(String::new, |_| format!("   memory busy {}", share(raw.memory_busy)));
    let busy = format!("busy {}{traffic}", share(row.busy));
    // What the hardware itself holds to; without it, the alert limit.
    let heat = raw.slowdown_temperature.or_else(|| Measure::Temperature.limit(cx.state, row));
    let limit = |limit: Option<String>| limit.map_or_else(String::new, |limit| format!("   limit {limit}"));
    let of_heat = limit(heat.map(|c| temperature(c, cx)));
    let of_power = limit(raw.power_limit.map(|w| format!("{w:.0} W")));
    let rest = [
        (Measure::Memory, format!("memory {}", share(raw.memory_ratio())), &row.memory_history, Some(1.0)),
        (Measure::Temperature, format!("temperature {celsius}{of_heat}"), &row.temperature_history, heat),
        (Measure::Power, format!("power {watts}{of_power}"), &row.power_history, raw.power_limit),
    ];
    let mut place_of = |index: u16, head: &str, series: &Series| {
        let place = under_head(cx, area, canvas, each, index, head);
        axis(cx, Rect { y: place.bottom(), height: 1, ..place }, canvas, series);
        place
    };
    let places: Vec<Rect> = std::iter::once((&busy, &row.busy_history))
        .chain(rest.iter().map(|(_, head, series, _)| (head, *series)))
        .zip(0u16..lines * 2)
        .map(|((head, series), index)| place_of(index, head, series))
        .collect();
    if let Some(place) = places.first() {
        history(cx, *place, canvas, row, Measure::Busy.level(cx.state, row), None);
    }
    for (place, (measure, _, series, end)) in places.iter().skip(1).zip(rest) {
        // The axis ends at the limit, or above it at what went beyond.
        let top = end.unwrap_or(0.0).max(series.max().unwrap_or(0.0));
        let limit = end.filter(|_| measure != Measure::Memory);
        let style = hue(cx, measure.level(cx.state, row), measure.role());
        graph(cx, *place, canvas, &Graph { limit, ..Graph::of(series, top, style) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alert::shipped,
        model::gpu::Gpu,
        ui::{
            canvas::testing::{Drawn, answered, drawn, series},
            theme::Role,
        },
    };

    fn machine() -> State {
        let mut state = State::new(shipped().into());
        answered(&mut state, SourceId::Gpus, 400);
        let raw = Gpu {
            id: "GPU-1".into(),
            index: 2,
            name: "RTX 4090".into(),
            memory_used: Some(4 << 30),
            memory_total: Some(8 << 30),
            memory_busy: Some(0.25),
            temperature: Some(61.0),
            power_limit: Some(400.0),
            ..Gpu::default()
        };
        state.host.gpus.rows = vec![GpuRow {
            raw,
            busy: Some(0.5),
            power: Some(200.0),
            busy_history: series([1.0; 400]),
            memory_history: series([0.5; 400]),
            temperature_history: series([42.5; 400]),
            power_history: series([800.0; 400]),
            ..GpuRow::default()
        }];
        state
    }

    fn opened(state: &State) -> Box<dyn Overlay> {
        let mut view = open(&Subject::Gpu("GPU-1".into()), state).expect("it is there");
        view.refresh(state);
        view
    }

    fn view(state: &State, size: (u16, u16)) -> Drawn {
        drawn(state, size, |cx, area, canvas| opened(state).draw(cx, area, canvas))
    }

    fn half(shown: &Drawn, y: usize, from: usize) -> String {
        shown.lines()[y].chars().skip(from).take(38).collect::<String>().trim_end().to_owned()
    }

    #[test]
    fn four_graphs_are_above_the_facts_where_there_is_room() {
        let mut state = machine();
        let shown = view(&state, (80, 28));
        let full = "⣿".repeat(38);
        assert_eq!(
            (half(&shown, 0, 0), half(&shown, 0, 40)),
            ("busy 50%   memory busy 25%".into(), "memory 50%".into())
        );
        // Four rows of graph: all of it was busy, half of its memory in use.
        assert_eq!([1, 4].map(|y| half(&shown, y, 0)), [full.clone(), full.clone()]);
        assert_eq!([2, 3].map(|y| half(&shown, y, 40)), [String::new(), full.clone()]);
        assert!(half(&shown, 5, 0).ends_with("now") && half(&shown, 5, 40).ends_with("now"));
        assert_eq!(
            (half(&shown, 6, 0), half(&shown, 6, 40)),
            ("temperature 61 °C   limit 85 °C".into(), "power 200 W   limit 400 W".into())
        );
        // The axis of heat ends at its limit, that of power at what went beyond it.
        assert_eq!([7, 8, 9].map(|y| half(&shown, y, 0)), ["─".repeat(38), String::new(), full.clone()]);
        assert_eq!([7, 10].map(|y| half(&shown, y, 40)), [full.clone(), full.clone()]);
        assert_eq!(
            [(0, 4), (40, 4), (0, 10), (40, 10)].map(|(x, y)| shown.role_at(x, y)),
            [Role::Gpu, Role::GpuMemory, Role::Temperature, Role::Power].map(Some)
        );
        assert_eq!(shown.lines()[12], "state        up");
        let lower = view(&state, (80, 27));
        assert_eq!(half(&lower, 0, 0), "busy 50%   memory busy 25%");
        assert_eq!([1, 2].map(|y| half(&lower, y, 0)), [full.clone(), full]);
        assert_eq!(
            (lower.lines()[4].as_str(), view(&state, (80, 16)).line()),
            ("state        up", "state        up".to_owned())
        );
        assert_eq!(view(&state, (80, 17)).lines()[4], "state        up");
        // What the hardware itself holds to comes before the rule's limit.
        state.host.gpus.rows[0].raw.slowdown_temperature = Some(90.0);
        assert_eq!(half(&view(&state, (80, 28)), 6, 0), "temperature 61 °C   limit 90 °C");
        state.host.gpus.rows[0].raw.memory_busy = None;
        assert_eq!(half(&view(&state, (80, 28)), 0, 0), "busy 50%");
        state.host.gpus.rows[0].raw.temperature = Some(86.0);
        assert_eq!(view(&state, (80, 28)).role_at(0, 10), Some(Role::Warn));
    }

    #[test]
    fn a_card_that_does_not_answer_has_no_figures_of_now() {
        let mut state = machine();
        state.host.gpus.rows[0].raw.state = crate::model::gpu::CardState::Asleep;
        (state.host.gpus.rows[0].power, state.host.gpus.rows[0].busy) = (None, None);
        let shown = view(&state, (80, 28));
        assert_eq!((half(&shown, 0, 0), half(&shown, 0, 40)), ("busy –   memory busy –".into(), "memory –".into()));
        let heads = ("temperature –   limit 85 °C".into(), "power –   limit 400 W".into());
        assert_eq!((half(&shown, 6, 0), half(&shown, 6, 40)), heads);
    }

    #[test]
    fn a_card_that_is_gone_stays_readable() {
        let mut state = machine();
        assert!(open(&Subject::Gpu("GPU-9".into()), &state).is_none() && open(&Subject::Cpu, &state).is_none());
        assert_eq!(GpuDetail::new("GPU-1".into()).title(&state), "gpu");
        let mut view = opened(&state);
        assert_eq!((view.title(&state).as_str(), view.gone(), view.full_screen()), ("gpu 2 · RTX 4090", None, true));
        assert_eq!(view.feeds(&state), [SourceId::Gpus]);
        let top = |view: &dyn Overlay| drawn(&state, (80, 3), |cx, area, canvas| view.draw(cx, area, canvas)).line();
        assert_eq!(top(&*view), "state        up");
        assert!(view.act(Action::Down, &state).is_some_and(|effects| effects.is_empty()));
        assert_ne!(top(&*view), "state        up");
        assert!(view.hints().is_empty(), "nobody uses it");
        state.host.gpus.rows.clear();
        view.refresh(&state);
        assert_eq!(view.gone(), Some("gone"));
    }
}
