//! Files are saved by the helper process: a folder on a dead server would keep our own from ending.

use std::{io, os::unix::net::UnixStream, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{Outcome, save};
use crate::{
    alert::Level,
    config::{
        adding,
        save::{Change, Save, Saving, known},
    },
    model::service::target::ServiceTarget,
    sys::helper::{self, message},
};

/// The kind of line over which is asked.
pub const SAVES: u8 = b'v';

/// What is to be saved.
#[derive(Debug, Serialize, Deserialize)]
enum Request {
    Text { name: String, text: String },
    Settings { saving: Saving, changes: Vec<(String, String)> },
    Service { own: Option<PathBuf>, lines: String, add: bool },
}

/// Saves text in a new file of the current folder.
#[must_use]
pub fn save_text(name: String, text: String) -> Outcome {
    carried_out(&Request::Text { name, text })
}

/// Saves settings for the next start.
#[must_use]
pub fn save_settings(save: Save) -> Outcome {
    carried_out(&Request::from(save))
}

/// Adds a service to those that are probed, or takes one away. It goes over as the lines of a config.
#[must_use]
pub fn change_service(own: Option<PathBuf>, target: &ServiceTarget, add: bool) -> Outcome {
    carried_out(&Request::Service { own, lines: adding::lines(target), add })
}

fn carried_out(request: &Request) -> Outcome {
    let Some(mut line) = helper::line(SAVES) else { return request.run() };
    match message::write(&mut line, request) {
        Ok(()) => answer(message::read(&mut line)),
        // A path that is no text: no message can hold it.
        Err(_) => request.run(),
    }
}

fn answer(answer: io::Result<(bool, String)>) -> Outcome {
    match answer {
        Ok((complete, text)) => Outcome { level: if complete { Level::Ok } else { Level::Warn }, text },
        Err(error) => Outcome { level: Level::Warn, text: format!("not saved: the helper process ended: {error}") },
    }
}

/// The helper's side: one request.
pub fn serve(mut line: UnixStream) {
    if let Ok(request) = message::read::<Request>(&mut line) {
        let outcome = request.run();
        // Who asked may have ended.
        let _ = message::write(&mut line, &(outcome.level == Level::Ok, outcome.text));
    }
}

impl From<Save> for Request {
    fn from(save: Save) -> Self {
        let changes = save.changes.into_iter().map(|change| (change.path.to_owned(), change.value)).collect();
        Request::Settings { saving: save.saving, changes }
    }
}

impl Request {
    fn run(&self) -> Outcome {
        match self {
            Request::Text { name, text } => save::save(name, text),
            Request::Service { own, lines, add } => {
                let report = adding::change(own.as_deref(), lines, *add);
                Outcome { level: if report.complete { Level::Ok } else { Level::Warn }, text: report.text }
            }
            Request::Settings { saving, changes } => {
                let change =
                    |(path, value): &(String, String)| Some(Change { path: known(path)?, value: value.clone() });
                let report =
                    Save { saving: saving.clone(), changes: changes.iter().filter_map(change).collect() }.run();
                Outcome { level: if report.complete { Level::Ok } else { Level::Warn }, text: report.text }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::save::beside;

    #[test]
    fn settings_come_over_unchanged() {
        let folder = tempfile::tempdir().expect("a folder");
        let own = folder.path().join("config.toml");
        let saving = Saving { file: Some(beside(&own)), own: Some(own), ..Saving::default() };
        let changes = vec![Change { path: "theme", value: "\"nord\"".into() }];
        let (mut ours, theirs) = UnixStream::pair().expect("sockets");
        message::write(&mut ours, &Request::from(Save { saving, changes })).expect("asked");
        serve(theirs);
        let outcome = answer(message::read(&mut ours));
        assert_eq!(outcome.level, Level::Ok, "{}", outcome.text);
        assert!(std::fs::read_to_string(beside(&folder.path().join("config.toml"))).expect("saved").contains("nord"));
    }

    #[test]
    fn an_ended_helper_is_said() {
        let (mut ours, theirs) = UnixStream::pair().expect("sockets");
        drop(theirs);
        let outcome = answer(message::read(&mut ours));
        assert!(outcome.level == Level::Warn && outcome.text.contains("not saved"), "{}", outcome.text);
    }
}
