//! Images, volumes, networks and build cache of every engine, asked for while a view of them is open. Engines walk through
//! all that they keep for this answer, so a worker asks them, seldom, and one question at a time.

mod ask;

use std::time::Duration;

use super::{
    CollectCx, Collector, OpenCx,
    container::engines,
    worker::{Setup, Worker},
};
use crate::{
    clock::Stamp,
    model::{engine_address::EngineAddress, event::Sample, fault::Fault, store::StoreSample},
};

/// Time between two questions.
const EVERY: Duration = Duration::from_secs(60);
/// While an answer is awaited it is looked for this often.
const OFTEN: Duration = Duration::from_millis(250);
/// Its answers are cut by limits of their own; TLS and JSON need some stack.
const SETUP: Setup = Setup { name: "stores", stack: 2 << 20, patience: Duration::MAX };

/// Opens the source; nothing is asked until it is wanted.
///
/// # Errors
/// None.
pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    let worker = Worker::new(SETUP, || Box::new(|addresses: Vec<EngineAddress>, _| ask::all(&addresses)));
    Ok(Box::new(Stores { cx: cx.clone(), last: StoreSample::default(), acts: 0, asked: None, worker }))
}

struct Stores {
    cx: OpenCx,
    last: StoreSample,
    /// Acts of ours that were done when the last question was asked.
    acts: u64,
    asked: Option<Stamp>,
    worker: Worker<Vec<EngineAddress>, StoreSample>,
}

impl Collector for Stores {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        if let Some(reply) = self.worker.poll(Duration::ZERO) {
            self.last = reply.outcome?;
        }
        let due = self.asked.is_none_or(|asked| cx.at.since(asked) >= EVERY) || self.acts != cx.want.acts_done;
        if due && self.worker.is_idle() {
            self.acts = cx.want.acts_done;
            self.asked = Some(cx.at);
            self.worker.ask(engines(&self.cx), cx.at)?;
        }
        Ok(Sample::Stores(StoreSample { asking: !self.worker.is_idle(), ..self.last.clone() }))
    }

    fn hurry(&self) -> Option<Duration> {
        (!self.worker.is_idle()).then_some(OFTEN)
    }
}
