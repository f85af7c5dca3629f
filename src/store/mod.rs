//! The history on disk: results of benchmarks, what was said of them, and what changed on the machine. One SQLite file,
//! written by one thread a process and read by another, shared by several benchtops. Whatever is wrong with it, the
//! program goes on without and says so. No caller waits for the file system.

mod alerts;
mod error;
mod event;
mod json;
mod lease;
mod open;
mod place;
mod reader;
mod rows;
mod schema;
mod writer;

#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    time::Duration,
};

pub use alerts::KeptMark;
pub use error::StoreError;
use event::Find;
pub use event::{Emit, StoreEvent};
pub use place::Place;
use reader::Reader;
pub use rows::{GivenVerdict, History, Record};
pub use writer::Unwritten;
use writer::Writer;

use crate::config::Settings;

/// How long is waited for the thread that reads to end, with which another program can keep the alerts.
const READER_ENDS: Duration = Duration::from_millis(200);

/// The history of one program.
pub struct Store {
    find: Find,
    emit: Emit,
    reader: Option<Reader>,
    writer: Option<Writer>,
}

impl Store {
    /// Begins to read the history that `settings` name; `keeps_alerts`: this program wants to keep the book of alerts, and
    /// follows the one that does meanwhile.
    #[must_use]
    pub fn start(settings: &Settings, keeps_alerts: bool, emit: Emit) -> Store {
        let settings = settings.clone();
        let find: Find = Arc::new(move || Place::find(&settings));
        let reader = Reader::start(find.clone(), emit.clone(), keeps_alerts);
        let reader = reader.map_err(|error| emit(StoreEvent::none(&error))).ok();
        Store { find, emit, reader, writer: None }
    }

    /// Keeps a record. Never waits: how it went is reported later.
    pub fn keep(&mut self, record: Record) {
        if self.writer.is_none() {
            match Writer::start(self.find.clone(), self.emit.clone()) {
                Ok(writer) => self.writer = Some(writer),
                Err(error) => return (self.emit)(StoreEvent::none(&error)),
            }
        }
        if let Some(writer) = &mut self.writer {
            writer.keep(record);
        }
    }

    /// What tells once all that was handed over is on the disk, or why it is not; nothing comes where nobody writes.
    #[must_use]
    pub fn written(&self) -> Receiver<Result<(), String>> {
        self.writer.as_ref().map_or_else(|| channel().1, Writer::written)
    }

    /// While somebody looks, what other programs write is reported too.
    pub fn watch(&self, on: bool) {
        if let Some(reader) = &self.reader {
            reader.watch(on);
        }
    }

    /// While nothing is judged here, another program may keep the alerts. What tells once it can.
    pub fn rest(&self, on: bool) -> Option<Receiver<()>> {
        self.reader.as_ref().map(|reader| reader.rest(on))
    }

    /// Ends once all that was handed over is written, or after `within`.
    ///
    /// # Errors
    /// How many records are not kept, and why.
    pub fn finish(self, within: Duration) -> Result<(), Unwritten> {
        let written = self.writer.map_or(Ok(()), |writer| writer.finish(within));
        if let Some(reader) = self.reader {
            reader.finish(within.min(READER_ENDS));
        }
        written
    }
}
