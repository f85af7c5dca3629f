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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        alert::shipped,
        clock::Stamp,
        model::{
            sensor::{Fan, SensorKind, SensorSample, Temperature},
            span::Span,
        },
        ui::canvas::testing::{Drawn, answered, drawn},
    };

    /// A hundred seconds of a disk from 0 to 50 °C, and of a fan.
    fn machine(high: Option<f64>, critical: Option<f64>) -> State {
        let mut state = State::new(shipped().into());
        for second in 1..=400u64 {
            let celsius = if second < 300 { 50.0 } else { 25.0 };
            let nvme = Temperature {
                sensor: "nvme".into(),
                kind: SensorKind::Disk,
                celsius,
                high_celsius: high,
                critical_celsius: critical,
            };
            let fan = Fan { sensor: "fan1".into(), rpm: 1000.0 };
            let sample = SensorSample { temperatures: vec![nvme], fans: vec![fan] };
            let (at, every) = (Stamp::at_seconds(second), Duration::from_secs(1));
            state.host.sensors.apply(Span { at, every, since: None }, sample);
        }
        state.host.power.watts = vec![("package-0".into(), 45.25), ("package-0 core".into(), 9.0)];
        answered(&mut state, SourceId::Sensors, 400);
        state
    }

    fn view(state: &State, name: &str, size: (u16, u16)) -> Drawn {
        drawn(state, size, |cx, area, canvas| SensorDetail::new(name.to_owned()).draw(cx, area, canvas))
    }

    #[test]
    fn a_temperature_has_its_marks_its_limit_and_its_past() {
        let state = machine(Some(80.0), Some(100.0));
        let shown = view(&state, "nvme", (40, 11));
        let lines = shown.lines();
        assert_eq!(
            lines[..6],
            [
                "now       25 °C",
                "lately    25 °C to 50 °C",
                "maker     high 80 °C   critical 100 °C",
                "alert     60 °C",
                "",
                "top 100 °C",
            ]
        );
        // Four rows for 100 °C: the least of the limits is 60, in the third from below; 25 fill the lowest.
        assert_eq!(
            lines[6..],
            ["", "─".repeat(40).as_str(), "", "⣿".repeat(40).as_str(), &format!("1m ago{}now", " ".repeat(31))]
        );
        assert_eq!([7, 9].map(|y| shown.role_at(0, y)), [Some(Role::Limit), Some(Role::Temperature)]);
        assert_eq!(shown.role_of("top"), Some(Role::Faint));
        // Four rows are the least for a graph.
        assert_eq!(view(&state, "nvme", (40, 9)).lines()[5], "top 100 °C");
        assert_eq!(view(&state, "nvme", (40, 8)).lines()[4..], ["", "", "", ""]);
        assert_eq!(view(&state, "nvme", (40, 3)).lines(), lines[..3]);
    }

    #[test]
    fn marks_that_the_maker_did_not_set_are_absent() {
        let state = machine(None, None);
        let lines = view(&state, "nvme", (40, 11)).lines();
        assert_eq!(lines[2..4], ["maker     high –   critical –", "alert     60 °C"]);
        assert_eq!(lines[5], "top 100 °C");
        // It was hotter than the last mark: the graph has room for that too.
        let low = machine(Some(20.0), Some(30.0));
        let shown = view(&low, "nvme", (40, 11));
        assert_eq!(shown.lines()[5], "top 50 °C");
        assert_eq!(shown.role_at(0, 9), Some(Role::Warn), "25 °C are past the mark of 20");
    }

    #[test]
    fn a_fan_and_power_have_no_limits() {
        let mut state = machine(None, None);
        let lines = view(&state, "fan1", (40, 9)).lines();
        assert_eq!(lines[..4], ["now       1000 rpm", "lately    1000 rpm to 1000 rpm", "", "top 1100 rpm"]);
        // 1000 of 1100 on four rows: the uppermost nearly full.
        assert_eq!((lines[4].as_str(), lines[7].as_str()), ("⣶".repeat(40).as_str(), "⣿".repeat(40).as_str()));
        assert_eq!(view(&state, "package-0 core", (40, 9)).lines()[..3], ["now       9.0 W", "lately    – to –", ""]);
        state.host.power.history.push(Stamp::at_seconds(400), Duration::from_secs(1), Some(0.0));
        assert_eq!(view(&state, "package-0", (40, 9)).lines()[3], "top 1.1 W");
    }

    #[test]
    fn title_and_age_are_those_of_the_sensor() {
        let state = machine(None, None);
        let of = |name: &str| {
            let detail = SensorDetail::new(name.to_owned());
            (detail.title(&state), detail.feeds(&state)[0], detail.full_screen())
        };
        assert_eq!(of("nvme"), ("nvme · disk".to_owned(), SourceId::Sensors, true));
        assert_eq!(of("package-0"), ("package-0 · power".to_owned(), SourceId::Power, true));
        assert_eq!(of("gone"), ("gone".to_owned(), SourceId::Sensors, true));
        assert_eq!(view(&state, "gone", (40, 2)).lines(), ["the sensor is gone", ""]);
        let opens = |subject: Subject| open(&subject, &state).is_some();
        let sensor = |name: &str| Subject::Sensor(name.to_owned());
        assert_eq!([sensor("nvme"), sensor("gone"), Subject::Cpu].map(opens), [true, false, false]);
    }
}
