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
