//! Pressure stall information: the share of time in which work waited ("Documentation/accounting/psi.rst").

use serde::{Deserialize, Serialize};

use super::series::Series;

/// One line of a pressure file: averages as ratios 0 to 1, total in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Stall {
    pub avg10: f64,
    pub avg60: f64,
    pub avg300: f64,
    pub total_us: u64,
}

/// One resource: `some` task waited, all (`full`) waited. The kernel gives no `full` for CPU before 5.13.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Stalls {
    pub some: Stall,
    pub full: Option<Stall>,
}

/// One reading; a resource without a file is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct PressureSample {
    pub cpu: Option<Stalls>,
    pub memory: Option<Stalls>,
    pub io: Option<Stalls>,
}

/// All that is shown of pressure.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pressure {
    pub raw: PressureSample,
    /// `some avg10` of cpu, memory, io, each 0 to 1.
    pub history: [Series; 3],
}

impl Pressure {
    pub fn apply(&mut self, span: super::span::Span, sample: PressureSample) {
        self.raw = sample;
        for (history, stalls) in self.history.iter_mut().zip([sample.cpu, sample.memory, sample.io]) {
            history.push(span.at, span.every, stalls.map(|s| s.some.avg10));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{clock::Stamp, model::span::Span};

    #[test]
    fn resource_without_a_file_has_gaps() {
        let some = Stall { avg10: 0.25, ..Stall::default() };
        let sample = PressureSample { io: Some(Stalls { some, full: None }), ..PressureSample::default() };
        let mut pressure = Pressure::default();
        pressure.apply(Span { at: Stamp::at_seconds(1), every: Duration::from_secs(1), since: None }, sample);
        assert_eq!(pressure.history.each_ref().map(|h| h.back(0)), [None, None, Some(0.25)]);
    }
}
