//! The sensors pane: temperatures with their limits, fans, watts. A machine without any gives its room away.

use ratatui::layout::Rect;

use crate::{
    alert::Level,
    model::{
        sensor::{SensorKind, Temperature},
        source::SourceId,
    },
    state::State,
    text::width,
    ui::{
        canvas::{Canvas, DrawCx},
        figures::{hue, plain, temperature},
        ids::PaneId,
        theme::Role,
        view::{Pane, PaneDef, Room, Rows, Shown},
        widgets::{
            gauge::{Gauge, gauge},
            notice::{dim_when_stale, has_figures},
            text::{put, put_right},
        },
    },
};

pub const DEF: PaneDef = PaneDef {
    id: PaneId::Sensors,
    name: "sensors",
    title: "sensors",
    feeds: &[SourceId::Sensors],
    min_width: 30,
    worth: 8,
    past: 0,
    make: |_| Box::new(SensorsPane),
};

/// Keeps nothing.
pub struct SensorsPane;

/// Where a gauge of a temperature without any mark ends.
const TOP_CELSIUS: f64 = 100.0;

/// How many rows there are: temperatures, fans, power.
fn rows_of(state: &State) -> usize {
    let raw = &state.host.sensors.raw;
    raw.temperatures.len() + raw.fans.len() + state.host.power.watts.len()
}

/// Columns that a row takes at most.
const WIDEST: u16 = 110;

impl Pane for SensorsPane {
    fn rows(&self, state: &State, _width: u16) -> Option<Rows> {
        let rows = u16::try_from(rows_of(state)).unwrap_or(u16::MAX);
        let want = rows.saturating_add(2);
        (rows > 0 && has_figures(state, SourceId::Sensors)).then_some(Rows { min: want.min(4), want })
    }

    fn lines(&self, _state: &State) -> Option<Rows> {
        None
    }

    fn shown(&self, state: &State, room: Room) -> Shown {
        let of = rows_of(state);
        Shown { things: of.min(usize::from(room.height)), of, columns: 0 }
    }

    fn opens(&self, _state: &State) -> bool {
        false
    }

    fn zooms(&self) -> bool {
        true
    }

    fn draw_zoomed(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        // A name and its figure stay near each other on a wide screen.
        self.draw(cx, Rect { width: area.width.min(WIDEST), ..area }, canvas);
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let host = &cx.state.host;
        let (buf, theme) = (&mut *canvas.buf, cx.theme);
        let raw = &host.sensors.raw;
        let longest = raw.temperatures.iter().map(|t| width(&t.sensor)).max().unwrap_or(8);
        let name = u16::try_from(longest).unwrap_or(u16::MAX).min(area.width / 2).max(8);
        let mut rows = area.y..area.bottom();
        for (t, y) in raw.temperatures.iter().zip(rows.by_ref()) {
            let level = level(cx, t);
            put(buf, area.x, y, name, &t.sensor, theme.style(Role::Text));
            let style = plain(cx, level);
            let end = put_right(buf, area.right(), y, 7, &temperature(t.celsius, cx), style).min(area.right() - 7);
            let limit = t.high_celsius.or(t.critical_celsius);
            let top = t.critical_celsius.or(t.high_celsius.map(|h| h * 1.1)).unwrap_or(TOP_CELSIUS).max(1.0);
            let g = Gauge {
                parts: &[((t.celsius / top).clamp(0.0, 1.0), hue(cx, level, Role::Temperature))],
                limit: limit.map(|l| (l / top).min(1.0)),
                ..Gauge::default()
            };
            let x = area.x + name + 1;
            gauge(buf, x, y, end.saturating_sub(x + 1), theme, &g);
        }
        for (fan, y) in raw.fans.iter().zip(rows.by_ref()) {
            put(buf, area.x, y, name, &fan.sensor, theme.style(Role::Text));
            put_right(buf, area.right(), y, 10, &format!("{:.0} rpm", fan.rpm), theme.style(Role::Dim));
        }
        for ((zone, watts), y) in host.power.watts.iter().zip(rows) {
            put(buf, area.x, y, name, zone, theme.style(Role::Text));
            put_right(buf, area.right(), y, 10, &format!("{watts:.1} W"), theme.style(Role::Dim));
        }
        dim_when_stale(cx, area, canvas, SourceId::Sensors);
    }

    fn draw_compact(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        self.draw(cx, area, canvas);
    }
}

/// The rule's level where one watches it, else the maker's own marks.
fn level(cx: &DrawCx<'_>, t: &Temperature) -> Level {
    let by_rule = match t.kind {
        SensorKind::Cpu => cx.state.level("cpu_temperature_celsius", &[], t.celsius),
        SensorKind::Disk => cx.state.level("disk_temperature_celsius", &[&t.sensor], t.celsius),
        _ => cx.state.level("temperature_celsius", &[&t.sensor], t.celsius),
    };
    let over = |mark: Option<f64>| mark.is_some_and(|m| t.celsius >= m);
    let by_maker = match () {
        () if over(t.critical_celsius) => Level::Crit,
        () if over(t.high_celsius) => Level::Warn,
        () => Level::Ok,
    };
    by_rule.max(by_maker)
}
