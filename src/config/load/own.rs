//! Files that benchtop writes itself, beside the user's: saved settings and services added from the screen. The user did not
//! write them by hand: what is wrong with them is reported and ignored, and nothing of a newer benchtop's is guessed at.

use std::{fs, io::ErrorKind, path::Path};

use super::{Layer, Loader, Source};
use crate::{
    config::{
        MAX_BYTES,
        file::{read_text, silent},
        save,
        tree::{self, At, Node, Table},
    },
    diag::Diagnostic,
    sys::remote,
};

/// A file of benchtop's own.
struct Ours {
    place: String,
    text: String,
    table: Table,
    faults: Vec<Diagnostic>,
}

impl Loader<'_> {
    /// What was saved beside the user's file.
    pub(super) fn saved(&mut self, own: Option<&Path>) {
        self.loaded.settings.saving.own = own.map(Path::to_owned);
        let Some(path) = own.map(save::beside) else { return };
        self.loaded.settings.saving.file = Some(path.clone());
        let Some(ours) = self.ours(&path, "save settings") else { return };
        self.loaded.saved = Some(path);
        self.layered(Layer::Saved, ours, |loader, source, key, value| match key.value.as_str() {
            "keys" | "notify" | "rules" | "service" | "maintenance" | "model_server" | "targets" | "roles" => {
                let what = format!("[{}] is not saved by benchtop: write it in your own file", key.value);
                loader.diagnostics.push(source.diagnostic(key.offset, what, None));
            }
            _ => loader.entry(source, "", key, value),
        });
    }

    /// The services that were added from the screen; the user's own file wins.
    pub(super) fn added(&mut self) {
        let Some(path) = self.loaded.settings.saving.own.as_deref().map(save::services_beside) else { return };
        let Some(ours) = self.ours(&path, "add services") else { return };
        self.loaded.added = Some(path);
        self.layered(Layer::Added, ours, |loader, source, key, value| match key.value.as_str() {
            "service" => loader.services(source, value),
            other => {
                let what = format!("`{other}` is not added by benchtop: write it in your own file");
                loader.diagnostics.push(source.diagnostic(key.offset, what, None));
            }
        });
    }

    /// Reads the tables of `ours` as `layer`; what is wrong is passed over.
    fn layered(&mut self, layer: Layer, ours: Ours, read: impl Fn(&mut Self, &Source<'_>, &At<String>, &At<Node>)) {
        let Ours { place, text, table, faults } = ours;
        let source = Source { place: &place, text: &text };
        let before = std::mem::replace(&mut self.diagnostics, faults);
        self.layer = layer;
        for (key, value) in table.iter().filter(|(key, _)| key.value != save::FORMAT_KEY) {
            read(self, &source, key, value);
        }
        self.layer = Layer::Own;
        let mut faults = std::mem::replace(&mut self.diagnostics, before);
        self.loaded.passed_over.append(&mut faults);
    }

    /// A file that benchtop writes itself: its text and its tables; `None` where it is not there, or is another's.
    fn ours(&mut self, path: &Path, again: &str) -> Option<Ours> {
        if !remote::answers(path) {
            self.loaded.passed_over.push(silent(path));
            return None;
        }
        if fs::symlink_metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            return None;
        }
        let place = path.display().to_string();
        let text = match read_text(path, MAX_BYTES) {
            Ok(text) => text,
            Err(diagnostic) => {
                self.loaded.passed_over.push(diagnostic);
                return None;
            }
        };
        let (table, faults) = tree::parse(&place, &text);
        let source = Source { place: &place, text: &text };
        let format = table.iter().find(|(key, _)| key.value == save::FORMAT_KEY);
        let wrong = match format.map(|(_, value)| (value.offset, &value.value)) {
            Some((_, Node::Whole(save::FORMAT))) => None,
            Some((offset, _)) => {
                let hint = format!("a newer benchtop wrote it; delete it to {again} again");
                let what = format!("`format` is not {}: the whole file is ignored", save::FORMAT);
                Some(source.diagnostic(offset, what, Some(hint)))
            }
            None => {
                let what = "no `format`: benchtop did not write this file, and ignores it";
                Some(source.diagnostic(0, what, Some(format!("move it away to {again} again"))))
            }
        };
        if let Some(wrong) = wrong {
            self.loaded.passed_over.push(wrong);
            return None;
        }
        Some(Ours { place, text, table, faults })
    }
}
