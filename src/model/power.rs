//! CPU power and energy from RAPL ("Documentation/power/powercap/powercap.rst").

use serde::{Deserialize, Serialize};

use super::{series::Series, span::Span};

/// One energy counter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EnergyZone {
    /// `package-0`, `dram`, `psys` with its parent: `package-0 dram`.
    pub zone: String,
    /// Microjoules since some moment; wraps at `wraps_at_uj`.
    pub energy_uj: u64,
    /// Where the counter begins again.
    pub wraps_at_uj: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PowerSample {
    /// Zones, packages first.
    pub zones: Vec<EnergyZone>,
}

/// All that is shown of CPU power.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Power {
    pub raw: PowerSample,
    /// Watts of each zone over the last span.
    pub watts: Vec<(String, f64)>,
    /// Watts of all packages.
    pub package_watts: Option<f64>,
    /// Joules of all packages since we watch.
    pub energy_joules: f64,
    /// Watts of all packages.
    pub history: Series,
}

impl EnergyZone {
    /// Microjoules spent since `before`; `None` when the counter was reset.
    ///
    /// A counter below its last reading has wrapped when the way over the top is the shorter half of the range.
    fn spent_since(&self, before: &EnergyZone) -> Option<u64> {
        self.energy_uj.checked_sub(before.energy_uj).or_else(|| {
            let over = self.wraps_at_uj.checked_sub(before.energy_uj)?.checked_add(self.energy_uj)?;
            (over < self.wraps_at_uj / 2).then_some(over)
        })
    }

    /// A whole CPU, not a part of one.
    fn is_package(&self) -> bool {
        self.zone.starts_with("package") && !self.zone.contains(' ')
    }
}

impl Power {
    pub fn apply(&mut self, span: Span, sample: PowerSample) {
        self.watts.clear();
        self.package_watts = None;
        let seconds = span.since.map(|s| s.as_secs_f64()).filter(|s| *s > 0.0);
        for zone in &sample.zones {
            let before = self.raw.zones.iter().find(|z| z.zone == zone.zone);
            let Some(joules) = before.and_then(|b| zone.spent_since(b)).map(|uj| uj as f64 / 1e6) else { continue };
            if zone.is_package() {
                self.energy_joules += joules;
            }
            let Some(watts) = seconds.map(|s| joules / s) else { continue };
            if zone.is_package() {
                self.package_watts = Some(self.package_watts.unwrap_or(0.0) + watts);
            }
            self.watts.push((zone.zone.clone(), watts));
        }
        self.history.push(span.at, span.every, self.package_watts);
        self.raw = sample;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Stamp;

    fn fold(power: &mut Power, second: u64, since: Option<u64>, joules: &[(&str, u64)]) {
        let zone = |(zone, joules): &(&str, u64)| EnergyZone {
            zone: (*zone).to_owned(),
            energy_uj: joules * 1_000_000,
            wraps_at_uj: 262_143_000_000,
        };
        let span = Span {
            at: Stamp::at_seconds(second),
            every: Duration::from_secs(1),
            since: since.map(Duration::from_secs),
        };
        power.apply(span, PowerSample { zones: joules.iter().map(zone).collect() });
    }

    #[test]
    fn packages_add_up_and_their_parts_are_not_counted_twice() {
        let mut power = Power::default();
        fold(&mut power, 1, None, &[("package-0", 10), ("package-0 dram", 5), ("package-1", 20)]);
        assert_eq!((power.package_watts, power.watts.len()), (None, 0));
        fold(&mut power, 3, Some(2), &[("package-0", 110), ("package-0 dram", 25), ("package-1", 80)]);
        assert_eq!((power.package_watts, power.energy_joules), (Some(80.0), 160.0));
        assert_eq!(power.watts[1], ("package-0 dram".to_owned(), 10.0));
    }

    #[test]
    fn a_wrapped_counter_goes_on() {
        let mut power = Power::default();
        fold(&mut power, 1, None, &[("package-0", 262_100)]);
        fold(&mut power, 2, Some(1), &[("package-0", 7)]);
        assert_eq!(power.package_watts, Some(50.0));
    }

    #[test]
    fn a_counter_that_began_anew_is_not_a_wrap() {
        let mut power = Power::default();
        fold(&mut power, 1, None, &[("package-0", 5000)]);
        fold(&mut power, 2, Some(1), &[("package-0", 7)]);
        assert_eq!((power.package_watts, power.energy_joules, power.history.back(0)), (None, 0.0, None));
    }
}
