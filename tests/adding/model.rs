//! Dummies, counted.

use serde::{Deserialize, Serialize};

use super::span::Span;

#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct DummySample {
    pub count: u32,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dummies {
    pub count: Option<f64>,
}

impl Dummies {
    pub fn apply(&mut self, _span: Span, sample: DummySample) {
        self.count = Some(f64::from(sample.count));
    }
}
