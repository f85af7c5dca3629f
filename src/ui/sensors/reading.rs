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
