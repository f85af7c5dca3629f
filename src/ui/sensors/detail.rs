//! One sensor: what it measures, its marks and limits, and what it was.

use ratatui::layout::Rect;

use super::reading::Reading;
use crate::{
    model::{source::SourceId, subject::Subject},
    state::State,
    ui::{
        canvas::{Canvas, DrawCx},
        figures::{hue, tick},
        theme::Role,
        view::Overlay,
        widgets::{
            graph::{Graph, axis, graph},
            sheet::{SheetLine, pair, put_lines},
            text::put,
        },
    },
    units::ABSENT,
};

/// Columns of a name.
const NAME: usize = 9;

/// The view.
pub struct SensorDetail {
    name: String,
}

impl SensorDetail {
    /// Of the sensor with this name.
    #[must_use]
    pub fn new(name: String) -> Self {
        SensorDetail { name }
    }

    fn find<'a>(&self, state: &'a State) -> Option<Reading<'a>> {
        Reading::all(state).find(|reading| reading.name() == self.name)
    }
}

/// The view of a sensor.
#[must_use]
pub fn open(subject: &Subject, state: &State) -> Option<Box<dyn Overlay>> {
    let Subject::Sensor(name) = subject else { return None };
    let view = SensorDetail::new(name.clone());
    view.find(state)?;
    Some(Box::new(view))
}

impl Overlay for SensorDetail {
    fn title(&self, state: &State) -> String {
        self.find(state).map_or_else(|| self.name.clone(), |reading| format!("{} · {}", self.name, reading.kind()))
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn feeds(&self, state: &State) -> &'static [SourceId] {
        match self.find(state) {
            Some(Reading::Power(..)) => &[SourceId::Power],
            _ => &[SourceId::Sensors],
        }
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let Some(reading) = self.find(cx.state) else {
            put(canvas.buf, area.x, area.y, area.width, "the sensor is gone", cx.theme.style(Role::Dim));
            return;
        };
        let words = |value: f64| reading.words(value, cx.settings.fahrenheit);
        let mark = |mark: Option<f64>| mark.map_or_else(|| ABSENT.to_owned(), words);
        let past = reading.history(cx.state);
        let known = || past.into_iter().flat_map(|past| past.iter().flatten());
        let (least, most) = (known().reduce(f64::min), known().reduce(f64::max));
        let mut facts: Vec<SheetLine> = vec![
            pair("now", NAME, words(reading.value())),
            pair("lately", NAME, format!("{} to {}", mark(least), mark(most))),
        ];
        let limits = reading.metric().and_then(|(metric, labels)| cx.state.limits(metric, &labels));
        if matches!(reading, Reading::Temperature(_)) {
            let [high, critical] = reading.marks();
            facts.push(pair("maker", NAME, format!("high {}   critical {}", mark(high), mark(critical))));
            facts.push(pair("alert", NAME, mark(tick(limits))));
        }
        put_lines(cx, area, canvas, &facts);
        let used = u16::try_from(facts.len()).unwrap_or(u16::MAX).saturating_add(1);
        let rest = Rect { y: area.y + used.min(area.height), height: area.height.saturating_sub(used), ..area };
        let Some(past) = past.filter(|_| rest.height >= 4) else { return };
        let [high, critical] = reading.marks();
        let top = match reading {
            Reading::Temperature(_) => reading.top().max(most.unwrap_or(0.0)),
            _ => most.unwrap_or(0.0).max(1.0) * 1.1,
        };
        let limit = [tick(limits), high, critical].into_iter().flatten().reduce(f64::min);
        put(canvas.buf, rest.x, rest.y, rest.width, &format!("top {}", words(top)), cx.theme.style(Role::Faint));
        let place = Rect { y: rest.y + 1, height: rest.height - 2, ..rest };
        let style = hue(cx, reading.level(cx.state), Role::Temperature);
        graph(cx, place, canvas, &Graph { limit, ..Graph::of(past, top, style) });
        axis(cx, Rect { y: place.bottom(), height: 1, ..rest }, canvas, past);
    }
}
