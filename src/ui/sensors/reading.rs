//! What a sensor measures, with its marks, its level and its past.

use crate::{
    alert::Level,
    model::{
        metrics::MetricId,
        sensor::{Fan, SensorKind, Temperature},
        series::Series,
    },
    state::{State, levels},
    ui::figures::degrees,
};

/// Where a gauge of a temperature without any mark ends.
const TOP_CELSIUS: f64 = 100.0;

/// What one row measures.
#[derive(Clone, Copy)]
pub enum Reading<'a> {
    /// A temperature.
    Temperature(&'a Temperature),
    /// A fan.
    Fan(&'a Fan),
    /// Watts of one part of the CPU.
    Power(&'a str, f64),
}

impl<'a> Reading<'a> {
    /// The one at `index`: temperatures, fans, power.
    #[must_use]
    pub fn at(state: &'a State, index: usize) -> Option<Self> {
        let raw = &state.host.sensors.raw;
        let fan = || Some(Reading::Fan(raw.fans.get(index.checked_sub(raw.temperatures.len())?)?));
        let power = || {
            let (zone, watts) =
                state.host.power.watts.get(index.checked_sub(raw.temperatures.len() + raw.fans.len())?)?;
            Some(Reading::Power(zone, *watts))
        };
        raw.temperatures.get(index).map(Reading::Temperature).or_else(fan).or_else(power)
    }

    /// Each of them.
    pub fn all(state: &'a State) -> impl Iterator<Item = Self> {
        (0..).map_while(|index| Reading::at(state, index))
    }

    /// The sensor's own name.
    #[must_use]
    pub fn name(self) -> &'a str {
        match self {
            Reading::Temperature(t) => &t.sensor,
            Reading::Fan(fan) => &fan.sensor,
            Reading::Power(zone, _) => zone,
        }
    }

    /// What it belongs to.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Reading::Fan(_) => "fan",
            Reading::Power(..) => "power",
            Reading::Temperature(t) => match t.kind {
                SensorKind::Cpu => "cpu",
                SensorKind::Gpu => "gpu",
                SensorKind::Disk => "disk",
                SensorKind::Memory => "memory",
                SensorKind::Board => "board",
                SensorKind::Network => "network",
                SensorKind::Other => "other",
            },
        }
    }

    /// Degrees Celsius, revolutions per minute, watts.
    #[must_use]
    pub fn value(self) -> f64 {
        match self {
            Reading::Temperature(t) => t.celsius,
            Reading::Fan(fan) => fan.rpm,
            Reading::Power(_, watts) => watts,
        }
    }

    /// `value` in the unit of this sensor.
    #[must_use]
    pub fn words(self, value: f64, fahrenheit: bool) -> String {
        match self {
            Reading::Temperature(_) => degrees(value, fahrenheit),
            Reading::Fan(_) => format!("{value:.0} rpm"),
            Reading::Power(..) => format!("{value:.1} W"),
        }
    }

    /// The maker's marks, high and critical.
    #[must_use]
    pub fn marks(self) -> [Option<f64>; 2] {
        match self {
            Reading::Temperature(t) => [t.high_celsius, t.critical_celsius],
            _ => [None; 2],
        }
    }

    /// Where its gauge and its graph end.
    #[must_use]
    pub fn top(self) -> f64 {
        let [high, critical] = self.marks();
        critical.or(high.map(|high| high * 1.1)).unwrap_or(TOP_CELSIUS).max(1.0)
    }

    /// The metric that rules watch it by, with its labels.
    #[must_use]
    pub fn metric(self) -> Option<(MetricId, Vec<&'a str>)> {
        let Reading::Temperature(t) = self else { return None };
        Some(levels::temperature_metric(t))
    }

    /// The rule's level where one watches it, else the maker's own marks.
    #[must_use]
    pub fn level(self, state: &State) -> Level {
        match self {
            Reading::Temperature(t) => levels::temperature(state, t),
            Reading::Fan(_) | Reading::Power(..) => Level::Ok,
        }
    }

    /// What it was.
    #[must_use]
    pub fn history(self, state: &State) -> Option<&Series> {
        match self {
            // That of all packages is kept, not that of each of their parts.
            Reading::Power(zone, _) => {
                let packages = state.host.power.watts.iter().filter(|(zone, _)| is_package(zone)).count();
                (is_package(zone) && packages == 1).then_some(&state.host.power.history)
            }
            _ => state.host.sensors.history(self.name()),
        }
    }
}

fn is_package(zone: &str) -> bool {
    zone.starts_with("package") && !zone.contains(' ')
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{alert::shipped, clock::Stamp};

    fn temperature(celsius: f64, high: Option<f64>, critical: Option<f64>) -> Temperature {
        Temperature {
            sensor: "acpitz".to_owned(),
            kind: SensorKind::Board,
            celsius,
            high_celsius: high,
            critical_celsius: critical,
        }
    }

    fn machine() -> State {
        let mut state = State::new(shipped().into());
        state.host.sensors.raw.temperatures = vec![temperature(40.0, None, None), temperature(50.0, None, None)];
        state.host.sensors.raw.fans = vec![Fan { sensor: "fan1".to_owned(), rpm: 0.0 }];
        state.host.power.watts = vec![("package-0".to_owned(), 45.25), ("package-0 core".to_owned(), 9.0)];
        state
    }

    #[test]
    fn temperatures_come_first_then_fans_then_power() {
        let state = machine();
        let values: Vec<f64> = Reading::all(&state).map(Reading::value).collect();
        assert_eq!(values, [40.0, 50.0, 0.0, 45.25, 9.0]);
        let kinds: Vec<&str> = Reading::all(&state).map(Reading::kind).collect();
        assert_eq!(kinds, ["board", "board", "fan", "power", "power"]);
        let words: Vec<String> = Reading::all(&state).map(|of| of.words(of.value(), false)).collect();
        assert_eq!(words, ["40 °C", "50 °C", "0 rpm", "45.2 W", "9.0 W"]);
        assert_eq!(Reading::at(&state, 0).map(|of| of.words(40.0, true)).as_deref(), Some("104 °F"));
        assert!(Reading::at(&state, 5).is_none());
        assert_eq!(Reading::all(&State::default()).count(), 0);
    }

    #[test]
    fn a_gauge_ends_at_the_critical_mark() {
        for (high, critical, top) in [
            (None, None, 100.0),
            (Some(80.0), None, 88.0),
            (Some(80.0), Some(95.0), 95.0),
            (None, Some(70.0), 70.0),
            (Some(0.0), None, 1.0),
            (None, Some(-5.0), 1.0),
        ] {
            let found = Reading::Temperature(&temperature(40.0, high, critical)).top();
            assert!((found - top).abs() < 1e-9, "{high:?} {critical:?}: {found}");
        }
        assert_eq!(Reading::Power("package-0", 45.0).marks(), [None; 2]);
    }

    #[test]
    fn the_marks_of_the_maker_colour_a_sensor() {
        let state = machine();
        let level = |celsius| Reading::Temperature(&temperature(celsius, Some(60.0), Some(70.0))).level(&state);
        let levels = [59.9, 60.0, 69.9, 70.0].map(level);
        assert_eq!(levels, [Level::Ok, Level::Warn, Level::Warn, Level::Crit]);
        assert_eq!(Reading::Power("package-0", 9e9).level(&state), Level::Ok);
    }

    #[test]
    fn the_past_of_power_is_that_of_the_only_package() {
        let mut state = machine();
        state.host.power.history.push(Stamp::at_seconds(1), Duration::from_secs(1), Some(45.0));
        let known = |state: &State, at: usize| Reading::at(state, at).and_then(|of| of.history(state)).is_some();
        assert_eq!((known(&state, 3), known(&state, 4)), (true, false), "a part has none");
        state.host.power.watts.push(("package-1".to_owned(), 50.0));
        assert_eq!((known(&state, 3), known(&state, 5)), (false, false), "it is that of both");
    }
}
