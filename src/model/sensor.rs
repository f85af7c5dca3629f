//! Temperatures and fans ("Documentation/hwmon/sysfs-interface.rst"; thermal zones where hwmon has none).

use serde::{Deserialize, Serialize};

use super::{rate::align, series::Series};

/// What a temperature belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SensorKind {
    Cpu,
    Gpu,
    Disk,
    Memory,
    Board,
    Network,
    #[default]
    Other,
}

/// One temperature in degrees Celsius.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Temperature {
    /// Stable and unique name: `k10temp Tctl`, `nvme0 Composite`.
    pub sensor: String,
    /// What it belongs to.
    pub kind: SensorKind,
    /// Now.
    pub celsius: f64,
    /// The maker's high mark.
    pub high_celsius: Option<f64>,
    /// The maker's critical mark.
    pub critical_celsius: Option<f64>,
}

/// One fan.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Fan {
    /// Stable and unique name.
    pub sensor: String,
    /// Revolutions per minute.
    pub rpm: f64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SensorSample {
    /// Temperatures, CPU first.
    pub temperatures: Vec<Temperature>,
    /// Fans that turn or could.
    pub fans: Vec<Fan>,
}

/// All that is shown of sensors.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sensors {
    pub raw: SensorSample,
    /// The CPU's package, or its hottest core; `None` without a CPU sensor.
    pub cpu_celsius: Option<f64>,
    /// The CPU's temperature.
    pub cpu_history: Series,
    /// The past of each temperature, then of each fan.
    pasts: Vec<(String, Series)>,
}

impl Sensors {
    pub fn apply(&mut self, span: super::span::Span, sample: SensorSample) {
        self.cpu_celsius = cpu_celsius(&sample.temperatures);
        self.cpu_history.push(span.at, span.every, self.cpu_celsius);
        let temperatures = sample.temperatures.iter().map(|t| (t.sensor.as_str(), t.celsius));
        let now: Vec<(&str, f64)> =
            temperatures.chain(sample.fans.iter().map(|f| (f.sensor.as_str(), f.rpm))).collect();
        let make = |(sensor, _): &(&str, f64)| ((*sensor).to_owned(), Series::default());
        align(&mut self.pasts, &now, |(known, _), (sensor, _)| known == sensor, make);
        for ((_, past), (_, value)) in self.pasts.iter_mut().zip(now) {
            past.push(span.at, span.every, Some(value));
        }
        self.raw = sample;
    }
}

impl Sensors {
    /// What a temperature or a fan was.
    #[must_use]
    pub fn history(&self, sensor: &str) -> Option<&Series> {
        self.pasts.iter().find(|(known, _)| known == sensor).map(|(_, past)| past)
    }
}

/// The CPU's temperature: the hottest package, as the makers of PC processors name it: `Tdie` where AMD reports it (`Tctl`
/// may carry an offset), `Tctl`, Intel's `Package id 0` or `x86_pkg_temp`; without one its hottest core or cluster; then
/// the whole chip's, which its other parts heat too; last what the board measures at the CPU.
fn cpu_celsius(temperatures: &[Temperature]) -> Option<f64> {
    use SensorKind::{Board, Cpu, Other};
    let hottest = |kinds: &[SensorKind], named: &dyn Fn(&str) -> bool| {
        let matching = temperatures.iter().filter(|t| kinds.contains(&t.kind) && named(&t.sensor));
        matching.map(|t| t.celsius).reduce(f64::max)
    };
    let whole = |name: &str| words(name).any(|word| WHOLE_CHIP.contains(&word.as_str()));
    hottest(&[Cpu], &|name| name.contains("Tdie"))
        .or_else(|| hottest(&[Cpu], &|name| ["Tctl", "Package id", "x86_pkg_temp"].iter().any(|p| name.contains(p))))
        .or_else(|| hottest(&[Cpu], &|name| !whole(name)))
        .or_else(|| hottest(&[Cpu], &|_| true))
        .or_else(|| hottest(&[Board, Other], &is_of_cpu))
}

/// Sensors of a chip that holds the processor and more.
const WHOLE_CHIP: [&str; 2] = ["soc", "package"];

/// True for the name of a sensor of the processor, as boards spell it: `CPU`, `cpu_thermal`, `bigcore0-thermal`.
#[must_use]
pub fn is_of_cpu(name: &str) -> bool {
    const OWN: [&str; 12] =
        ["cpu", "cpuss", "cpub", "cpul", "bigcore", "midcore", "littlecore", "core", "cluster", "big", "mid", "little"];
    words(name).any(|word| OWN.contains(&word.as_str()) || WHOLE_CHIP.contains(&word.as_str()))
}

/// The words of a name in lower case, without the numbers at their ends.
fn words(name: &str) -> impl Iterator<Item = String> + '_ {
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric());
    parts.map(|part| part.trim_end_matches(|c: char| c.is_ascii_digit()).to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(sensors: &[(&str, SensorKind, f64)]) -> Vec<Temperature> {
        let one = |(sensor, kind, celsius): &(&str, SensorKind, f64)| Temperature {
            sensor: (*sensor).to_owned(),
            kind: *kind,
            celsius: *celsius,
            ..Temperature::default()
        };
        sensors.iter().map(one).collect()
    }

    #[test]
    fn names_of_the_processor_are_known() {
        for (name, own) in [("CPU", true), ("cpu_thermal", true), ("bigcore0-thermal", true), ("nvme", false)] {
            assert_eq!(is_of_cpu(name), own, "{name}");
        }
    }

    #[test]
    fn the_package_speaks_for_the_cpu() {
        use SensorKind::{Cpu, Disk};
        let intel = all(&[
            ("coretemp Core 0", Cpu, 71.0),
            ("coretemp Package id 0", Cpu, 70.0),
            ("nvme0 Composite", Disk, 99.0),
        ]);
        assert_eq!(cpu_celsius(&intel), Some(70.0));
        let amd = all(&[("k10temp Tctl", Cpu, 87.0), ("k10temp Tdie", Cpu, 60.0)]);
        assert_eq!(cpu_celsius(&amd), Some(60.0));
        let two_sockets = all(&[("coretemp Package id 0", Cpu, 50.0), ("coretemp 2 Package id 1", Cpu, 64.0)]);
        assert_eq!(cpu_celsius(&two_sockets), Some(64.0));
    }

    #[test]
    fn hottest_core_counts_where_there_is_no_package() {
        use SensorKind::{Cpu, Disk};
        assert_eq!(cpu_celsius(&all(&[("cpu_thermal", Cpu, 48.0), ("cpu1_thermal", Cpu, 52.0)])), Some(52.0));
        assert_eq!(cpu_celsius(&all(&[("nvme0 Composite", Disk, 99.0)])), None);
    }

    #[test]
    fn cores_speak_before_the_whole_chip() {
        use SensorKind::{Board, Cpu, Disk, Other};
        let board = [
            ("soc_thermal", Cpu, 71.0),
            ("package_thermal", Cpu, 70.0),
            ("bigcore0_thermal", Cpu, 55.5),
            ("littlecore_thermal", Cpu, 49.0),
        ];
        assert_eq!(cpu_celsius(&all(&board)), Some(55.5), "something else on the chip is hot");
        assert_eq!(cpu_celsius(&all(&board[..2])), Some(71.0));
        let board = [("acme CPU", Board, 44.0), ("apm SoC Temperature", Other, 46.0), ("sda", Disk, 60.0)];
        assert_eq!(cpu_celsius(&all(&board)), Some(46.0), "what a board measures, where the CPU reports nothing");
    }
}
