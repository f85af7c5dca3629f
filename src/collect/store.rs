//! Images, volumes, networks and build cache of every engine, asked for while a view of them is open. Engines walk through
//! all that they keep for this answer, so it is asked on a thread of its own, seldom, and one question at a time.

mod ask;

use std::{
    sync::mpsc::{Receiver, TryRecvError, channel},
    thread,
    time::{Duration, Instant},
};

use super::{CollectCx, Collector, OpenCx, container::engines, lane::THREAD_PREFIX};
use crate::model::{event::Sample, fault::Fault, store::StoreSample};

/// Time between an answer and the next question.
const EVERY: Duration = Duration::from_secs(60);
/// While an answer is awaited it is looked for this often.
const OFTEN: Duration = Duration::from_millis(250);

/// Opens the source; nothing is asked until it is wanted.
///
/// # Errors
/// None.
pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    Ok(Box::new(Stores { cx: cx.clone(), last: StoreSample::default(), acts: 0, asked: None, answer: None }))
}

struct Stores {
    cx: OpenCx,
    last: StoreSample,
    /// Acts of ours that were done when the last question was asked.
    acts: u64,
    asked: Option<Instant>,
    answer: Option<Receiver<StoreSample>>,
}

impl Collector for Stores {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        if let Some(answer) = &self.answer {
            match answer.try_recv() {
                Ok(sample) => (self.last, self.answer) = (sample, None),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => {
                    self.answer = None;
                    return Err(Fault::Broken("asking the engines ended in a panic".to_owned()));
                }
            }
        }
        let due = self.asked.is_none_or(|asked| asked.elapsed() >= EVERY) || self.acts != cx.want.acts_done;
        if self.answer.is_none() && due {
            self.acts = cx.want.acts_done;
            self.asked = Some(Instant::now());
            self.answer = Some(self.ask()?);
        }
        Ok(Sample::Stores(StoreSample { asking: self.answer.is_some(), ..self.last.clone() }))
    }

    fn hurry(&self) -> Option<Duration> {
        self.answer.is_some().then_some(OFTEN)
    }
}

impl Stores {
    fn ask(&self) -> Result<Receiver<StoreSample>, Fault> {
        let addresses = engines(&self.cx);
        let (answer, receiver) = channel();
        thread::Builder::new()
            .name(format!("{THREAD_PREFIX}stores"))
            .spawn(move || {
                // Nobody waits any more when the program is ending.
                let _ = answer.send(ask::all(&addresses));
            })
            .map_err(|e| Fault::Broken(format!("no thread to ask the engines with: {e}")))?;
        Ok(receiver)
    }
}
