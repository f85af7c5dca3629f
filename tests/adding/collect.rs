//! A source that always counts 42 dummies.

use super::{CollectCx, Collector, OpenCx};
use crate::model::{dummy::DummySample, event::Sample, fault::Fault};

pub fn open(_: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    Ok(Box::new(Counter))
}

struct Counter;

impl Collector for Counter {
    fn collect(&mut self, _: &CollectCx<'_>) -> Result<Sample, Fault> {
        Ok(Sample::Dummies(DummySample { count: 42 }))
    }
}
