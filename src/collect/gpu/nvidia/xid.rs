//! Errors that the driver reports, read on its own thread: waiting for them blocks. No worker: the driver speaks when
//! it has an error, nobody asks.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use nvml_wrapper::{EventSet, Nvml, bitmasks::event::EventTypes, enums::event::XidError, error::NvmlError};

use crate::{clock::Clock, collect::lane::THREAD_PREFIX, model::gpu::Xid};

/// Errors that are kept for each card.
const KEPT: usize = 20;
/// One wait over all cards, milliseconds: so long the driver is held at most after it was let go.
const WAIT_MS: u32 = 1000;

/// Errors by card.
type Heard = Arc<Mutex<HashMap<String, Vec<Xid>>>>;

/// Hears and keeps errors; what was heard stays over a new start of the driver.
pub(super) struct Listener {
    clock: Clock,
    heard: Heard,
    stop: Arc<AtomicBool>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Listener {
    /// One whose errors have this clock's stamps.
    pub(super) fn new(clock: Clock) -> Self {
        Listener { clock, heard: Heard::default(), stop: Arc::default() }
    }

    /// Errors of the card with this id, oldest first.
    pub(super) fn of(&self, id: &str) -> Vec<Xid> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned().unwrap_or_default()
    }

    pub(super) fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Begins to listen, and ends what listened before.
    pub(super) fn start(&mut self, nvml: Arc<Nvml>) {
        self.stop();
        self.stop = Arc::default();
        let (clock, heard, stop) = (self.clock, self.heard.clone(), self.stop.clone());
        // Without the thread errors are not heard; all else goes on.
        let _ = thread::Builder::new()
            .name(format!("{THREAD_PREFIX}xid"))
            .stack_size(128 << 10)
            .spawn(move || listen(&nvml, clock, &heard, &stop));
    }
}

/// One set a card: an error of a lost card could not name it any more.
fn listen(nvml: &Nvml, clock: Clock, heard: &Heard, stop: &AtomicBool) {
    let set = |index: u32| -> Result<(String, EventSet<'_>), NvmlError> {
        let device = nvml.device_by_index(index)?;
        let set =
            device.register_events(EventTypes::CRITICAL_XID_ERROR, nvml.create_event_set()?).map_err(|e| e.error)?;
        Ok((super::card::id(&device, index)?, set))
    };
    let sets: Vec<_> = (0..nvml.device_count().unwrap_or(0)).filter_map(|index| set(index).ok()).collect();
    let each = WAIT_MS / u32::try_from(sets.len().max(1)).unwrap_or(1);
    while !sets.is_empty() {
        for (id, set) in &sets {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            match set.wait(each) {
                Ok(event) => note(heard, id, event.event_data, clock.now().unix_ms),
                Err(NvmlError::Timeout) => {}
                // Its card is lost: the others go on.
                Err(_) => thread::sleep(Duration::from_millis(u64::from(each))),
            }
        }
    }
}

fn note(heard: &Heard, id: &str, error: Option<XidError>, unix_ms: i64) {
    let code = match error {
        Some(XidError::Value(code)) => code,
        Some(XidError::Unknown) => 0,
        None => return,
    };
    let mut all = heard.lock().unwrap_or_else(PoisonError::into_inner);
    let own = all.entry(id.to_owned()).or_default();
    own.push(Xid { code, unix_ms });
    let more = own.len().saturating_sub(KEPT);
    own.drain(..more);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_errors_of_each_card_are_kept() {
        let mut listener = Listener::new(Clock::start());
        for number in 0..25 {
            note(&listener.heard, "a", Some(XidError::Value(number)), number as i64);
        }
        note(&listener.heard, "b", Some(XidError::Unknown), 7);
        note(&listener.heard, "b", None, 8);
        let codes: Vec<u64> = listener.of("a").iter().map(|xid| xid.code).collect();
        assert_eq!(codes, (5..25).collect::<Vec<_>>());
        assert_eq!(listener.of("b"), [Xid { code: 0, unix_ms: 7 }], "what is no error is not noted");
        assert_eq!(listener.of("c"), []);
        assert!(!listener.stop.load(Ordering::Relaxed));
        listener.stop();
        assert!(listener.stop.load(Ordering::Relaxed));
    }
}
