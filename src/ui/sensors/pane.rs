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
