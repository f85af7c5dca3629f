//! The sensors pane: temperatures with their limits, fans, watts. A machine without any gives its room away.

use ratatui::layout::Rect;

use super::reading::Reading;
use crate::{
    config::settings::TableSettings,
    model::{source::SourceId, subject::Subject},
    state::State,
    text::width,
    ui::{
        canvas::{Canvas, DrawCx},
        figures::{hue, plain, role_of},
        ids::PaneId,
        table::{
            column::{Column, Columns, Kind},
            core::Table,
            def::{TableDef, key_of},
            pane::{Compact, DrawTable, PaneTable, TablePane},
        },
        theme::Role,
        view::{Effect, PaneDef, Rows},
        widgets::{
            gauge::{Gauge, gauge},
            notice::{dim_when_stale, has_figures},
            spark::spark,
            text::{put, put_right},
        },
    },
};

/// Its row in the table.
pub const DEF: PaneDef = PaneDef {
    id: PaneId::Sensors,
    name: "sensors",
    title: "sensors",
    feeds: &[SourceId::Sensors],
    min_width: 30,
    worth: 8,
    past: 0,
    make: |settings| {
        let begin = TableSettings { columns: Vec::new(), sort: "kind".to_owned(), reverse: false };
        Box::new(TablePane::<Sensors>::new(&begin, false, Fahrenheit(settings.fahrenheit)))
    },
};

/// The table of sensors.
pub struct Sensors;

/// Temperatures are shown in degrees Fahrenheit.
#[derive(Debug, Clone, Copy)]
pub struct Fahrenheit(bool);

/// A sensor with what its cells need.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    reading: Reading<'a>,
    state: &'a State,
    fahrenheit: bool,
}

impl Row<'_> {
    fn mark(&self, which: usize) -> String {
        let mark = self.reading.marks()[which];
        mark.map_or_else(String::new, |mark| self.reading.words(mark, self.fahrenheit))
    }

    fn gauge(&self, cx: &DrawCx<'_>, place: Rect, canvas: &mut Canvas<'_>) {
        if !matches!(self.reading, Reading::Temperature(_)) {
            return;
        }
        let ([high, critical], top) = (self.reading.marks(), self.reading.top());
        let share = (self.reading.value() / top).clamp(0.0, 1.0);
        let g = Gauge {
            parts: &[(share, hue(cx, self.reading.level(self.state), Role::Temperature))],
            limit: high.or(critical).map(|limit| (limit / top).min(1.0)),
            ..Gauge::default()
        };
        gauge(canvas.buf, place.x, place.y, place.width, cx.theme, &g);
    }
}

impl Columns for Sensors {
    type Row<'a> = Row<'a>;
    const COLUMNS: &'static [Column<Self>] = COLUMNS;
    const NAME: &'static str = "sensor";
}

type Col = Column<Sensors>;

static COLUMNS: &[Col] = &[
    Col::words("sensor", "SENSOR", 24, 0, |r| r.reading.name().into())
        .between(8, 48)
        .also(&["name"])
        .role(Role::Text)
        .doc("its name"),
    Col::words("kind", "KIND", 8, 2, |r| r.reading.kind().into())
        .also(&["type"])
        // Temperatures, fans, watts, each as the machine lists them.
        .ordered(|r| match r.reading {
            Reading::Temperature(_) => 0,
            Reading::Fan(_) => 1,
            Reading::Power(..) => 2,
        })
        .doc("device; sorts temperatures, then fans, then power"),
    Col::figure("value", "NOW", Kind::Count, 9, 0, |r| Some(r.reading.value()))
        .text_of(|r| r.reading.words(r.reading.value(), r.fahrenheit).into())
        .role_of(|r, _| role_of(r.reading.level(r.state), Role::Text))
        .doc("temperature, rpm, watts"),
    Col::drawn(
        "gauge",
        Kind::Share,
        12,
        4,
        |r| Some(r.reading.value() / r.reading.top()),
        |cell, place, canvas, r| {
            r.gauge(cell.cx, place, canvas);
        },
    )
    .between(8, 40)
    .doc("temperature against its limits"),
    Col::figure("high", "HIGH", Kind::Count, 7, 3, |r| r.reading.marks()[0])
        .text_of(|r| r.mark(0).into())
        .doc("vendor's high limit"),
    Col::figure("critical", "CRIT", Kind::Count, 7, 3, |r| r.reading.marks()[1])
        .text_of(|r| r.mark(1).into())
        .doc("vendor's critical limit"),
    Col::drawn(
        "graph",
        Kind::Count,
        12,
        5,
        |r| Some(r.reading.value()),
        |cell, place, canvas, r| {
            let Some(past) = r.reading.history(r.state) else { return };
            let (theme, top) = (cell.cx.theme, past.max().unwrap_or(0.0).max(1.0));
            let top = if matches!(r.reading, Reading::Temperature(_)) { r.reading.top() } else { top };
            spark(canvas.buf, place.x, place.y, place.width, theme, past, top, theme.style(Role::Temperature));
        },
    )
    .between(8, 40)
    .doc("history"),
];

impl TableDef for Sensors {
    type Key = u64;
    type Cx<'a> = (&'a State, bool);
    type Options = Fahrenheit;
    const SOURCES: &'static [SourceId] = &[SourceId::Sensors, SourceId::Power];
    const NOUN: &'static str = "sensor";

    fn cx<'a>(state: &'a State, Fahrenheit(fahrenheit): &'a Fahrenheit) -> (&'a State, bool) {
        (state, *fahrenheit)
    }

    fn count(state: &State) -> usize {
        let raw = &state.host.sensors.raw;
        raw.temperatures.len() + raw.fans.len() + state.host.power.watts.len()
    }

    fn row<'a>((state, fahrenheit): Self::Cx<'a>, index: usize) -> Self::Row<'a> {
        Row { reading: Reading::at(state, index).unwrap_or(Reading::Power("", 0.0)), state, fahrenheit }
    }

    fn key(state: &State, index: usize) -> u64 {
        Reading::at(state, index).map_or(0, |reading| key_of(reading.name()))
    }

    fn open(state: &State, index: usize) -> Vec<Effect> {
        let name = Reading::at(state, index).map(|reading| reading.name().to_owned());
        name.map(|name| Effect::OpenDetail(Subject::Sensor(name))).into_iter().collect()
    }
}

impl PaneTable for Sensors {
    const PANE: PaneId = PaneId::Sensors;
    const BOX: Option<DrawTable<Self>> = Some(list);
    const COMPACT: Compact<Self> = Compact::Drawn(|_, _| None, list);

    fn rows(_table: &Table<Self>, state: &State) -> Option<Rows> {
        let rows = u16::try_from(Self::count(state)).unwrap_or(u16::MAX);
        let want = rows.saturating_add(2);
        (rows > 0 && has_figures(state, SourceId::Sensors)).then_some(Rows { min: want.min(4), want })
    }

    fn summary(_table: &Table<Self>, _cx: &DrawCx<'_>) -> String {
        String::new()
    }
}

/// Each in a line: its name, its gauge, its figure.
fn list(table: &Table<Sensors>, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
    let longest = cx.state.host.sensors.raw.temperatures.iter().map(|t| width(&t.sensor)).max().unwrap_or(8);
    let name = u16::try_from(longest).unwrap_or(u16::MAX).min(area.width / 2).max(8);
    table.draw_plain(cx, area, canvas, true, |place, canvas, row| {
        put(canvas.buf, place.x, place.y, name, row.reading.name(), cx.theme.style(Role::Text));
        let words = row.reading.words(row.reading.value(), row.fahrenheit);
        if !matches!(row.reading, Reading::Temperature(_)) {
            put_right(canvas.buf, place.right(), place.y, 10, &words, cx.theme.style(Role::Dim));
            return;
        }
        let style = plain(cx, row.reading.level(row.state));
        let end = put_right(canvas.buf, place.right(), place.y, 7, &words, style).min(place.right() - 7);
        let x = place.x + name + 1;
        row.gauge(cx, Rect { x, width: end.saturating_sub(x + 1), ..place }, canvas);
    });
    dim_when_stale(cx, area, canvas, SourceId::Sensors);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alert::shipped,
        config::Settings,
        model::sensor::{Fan, SensorKind, Temperature},
        ui::{
            action::Action,
            canvas::testing::{Drawn, answered, drawn},
            table::column::testing::cell,
            view::Pane,
        },
    };

    fn temperature(sensor: &str, kind: SensorKind, celsius: f64, marks: [Option<f64>; 2]) -> Temperature {
        Temperature { sensor: sensor.into(), kind, celsius, high_celsius: marks[0], critical_celsius: marks[1] }
    }

    fn machine() -> State {
        let mut state = State::new(shipped().into());
        answered(&mut state, SourceId::Sensors, 1);
        state.host.sensors.raw.temperatures = vec![
            temperature("k10temp Tctl", SensorKind::Cpu, 40.0, [None, None]),
            temperature("nvme", SensorKind::Disk, 61.0, [Some(80.0), Some(100.0)]),
            temperature("acpitz", SensorKind::Board, 81.0, [Some(80.0), None]),
        ];
        state.host.sensors.raw.fans = vec![Fan { sensor: "fan1".into(), rpm: 812.4 }];
        state.host.power.watts = vec![("package-0".into(), 45.25)];
        state
    }

    fn pane(state: &State, settings: &Settings) -> Box<dyn Pane> {
        let mut pane = (DEF.make)(settings);
        pane.refresh(state, settings);
        pane
    }

    fn boxed(state: &State, size: (u16, u16)) -> Drawn {
        drawn(state, size, |cx, area, canvas| pane(state, &Settings::default()).draw(cx, area, canvas))
    }

    fn row(state: &State, index: usize) -> Row<'_> {
        Sensors::row((state, false), index)
    }

    #[test]
    fn each_sensor_is_a_line_with_its_gauge() {
        let mut state = machine();
        assert_eq!(
            boxed(&state, (44, 5)).lines(),
            [
                // 23 columns of gauge.
                "k10temp Tctl ━━━━━━━━━──────────────   40 °C",
                "nvme         ━━━━━━━━━━━━━━────┃────   61 °C",
                "acpitz       ━━━━━━━━━━━━━━━━━━━━┃──   81 °C",
                "fan1                                 812 rpm",
                "package-0                             45.2 W",
            ]
        );
        // The first is under the cursor.
        state.host.sensors.raw.temperatures.rotate_right(1);
        let shown = boxed(&state, (44, 5));
        let roles = |y: u16| shown.pieces(y).iter().map(|(_, role)| *role).collect::<Vec<_>>();
        assert_eq!(roles(1), [Role::Text, Role::Temperature, Role::GaugeEmpty, Role::Text]);
        // A disk past its rule's 60 °C, and a sensor past its maker's mark.
        assert_eq!(roles(2)[..2], [Role::Text, Role::Warn]);
        assert_eq!(shown.role_of("61 °C"), Some(Role::Warn));
        state.host.sensors.raw.temperatures.rotate_right(1);
        assert_eq!(boxed(&state, (44, 5)).role_of("81 °C"), Some(Role::Warn));
        assert_eq!(roles(3), [Role::Text, Role::Dim]);
    }

    #[test]
    fn a_long_name_takes_half_of_the_line_at_most() {
        let mut state = machine();
        state.host.sensors.raw.temperatures[0].sensor = "n".repeat(40);
        assert!(boxed(&state, (44, 1)).line().starts_with(&format!("{}… ━", "n".repeat(21))));
        state.host.sensors.raw.temperatures.clear();
        state.host.sensors.raw.fans[0].sensor = "pump-of-the-loop".into();
        assert_eq!(
            boxed(&state, (30, 1)).line(),
            "pump-of… 812 rpm".replace(" 812", &format!("{}812", " ".repeat(15)))
        );
    }

    #[test]
    fn old_figures_are_faint() {
        let mut state = machine();
        state.host.now = crate::clock::Stamp::at_seconds(100);
        assert_eq!(boxed(&state, (44, 5)).role_of("40 °C"), Some(Role::Faint));
    }

    #[test]
    fn it_asks_for_a_row_for_each_sensor_or_none() {
        let rows = |state: &State| pane(state, &Settings::default()).rows(state, 40).map(|rows| (rows.min, rows.want));
        let mut state = machine();
        assert_eq!(rows(&state), Some((4, 7)));
        state.host.sensors.raw.temperatures.clear();
        state.host.power.watts.clear();
        assert_eq!(rows(&state), Some((3, 3)));
        state.host.sensors.raw.fans.clear();
        assert_eq!(rows(&state), None);
        let mut unread = State::new(shipped().into());
        unread.host.power.watts = vec![("package-0".into(), 1.0)];
        assert_eq!(rows(&unread), None, "power alone has no pane");
    }

    #[test]
    fn cells_have_the_unit_of_their_sensor() {
        let state = machine();
        let cells = |id: &str| [0, 1, 3, 4].map(|at| cell::<Sensors>(&state, id, &row(&state, at)).0);
        assert_eq!(cells("sensor"), ["k10temp Tctl", "nvme", "fan1", "package-0"]);
        assert_eq!(cells("kind"), ["cpu", "disk", "fan", "power"]);
        assert_eq!(cells("value"), ["40 °C", "61 °C", "812 rpm", "45.2 W"]);
        assert_eq!(cells("high"), ["", "80 °C", "", ""]);
        assert_eq!(cells("critical"), ["", "100 °C", "", ""]);
        assert_eq!(cell::<Sensors>(&state, "value", &row(&state, 1)).1, Some(Role::Warn));
        assert_eq!(cell::<Sensors>(&state, "value", &row(&state, 0)).1, Some(Role::Text));
        assert!(cells("gauge")[1].starts_with('━') && cells("gauge")[2].is_empty());
        let fahrenheit = Sensors::row((&state, true), 1);
        assert_eq!(cell::<Sensors>(&state, "value", &fahrenheit).0, "142 °F");
        assert_eq!(cell::<Sensors>(&state, "high", &fahrenheit).0, "176 °F");
    }

    #[test]
    fn past_ends_at_the_marks_of_heat_and_the_peak_of_a_fan() {
        use crate::{
            clock::Stamp,
            model::{sensor::SensorSample, span::Span},
        };
        let mut state = machine();
        let sample = SensorSample {
            temperatures: vec![temperature("nvme", SensorKind::Disk, 50.0, [None, Some(100.0)])],
            fans: vec![Fan { sensor: "fan1".into(), rpm: 800.0 }],
        };
        let every = std::time::Duration::from_secs(1);
        state.host.sensors.apply(Span { at: Stamp::at_seconds(2), every, since: None }, sample);
        let graph = |at| cell::<Sensors>(&state, "graph", &row(&state, at)).0;
        assert_eq!((graph(0).as_str(), graph(1).as_str(), graph(2).as_str()), ("▄", "█", ""));
    }

    #[test]
    fn they_open_and_are_listed_in_order_of_their_kind() {
        let state = machine();
        assert_eq!(Sensors::count(&state), 5);
        let keys: std::collections::BTreeSet<u64> = (0..5).map(|at| Sensors::key(&state, at)).collect();
        assert_eq!(keys.len(), 5);
        let name = |at| match Sensors::open(&state, at).pop() {
            Some(Effect::OpenDetail(Subject::Sensor(name))) => name,
            _ => String::new(),
        };
        assert_eq!([0, 3, 4, 5].map(name), ["k10temp Tctl", "fan1", "package-0", ""]);
        let mut pane = pane(&state, &Settings::default());
        pane.act(Action::Down, &state, &Settings::default());
        let effects = pane.act(Action::Open, &state, &Settings::default()).unwrap_or_default();
        assert!(matches!(&effects[..], [Effect::OpenDetail(Subject::Sensor(name))] if name == "nvme"));
    }
}
