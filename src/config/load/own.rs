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

#[cfg(test)]
mod tests {
    use crate::config::{Known, Loaded, Origin, Request, load, save::Pin};

    /// What is read of these three files, and what is wrong with the user's.
    fn read(own: &str, saved: Option<&str>, added: Option<&str>) -> (Loaded, Vec<String>, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config.toml");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
        write("config.toml", own);
        saved.iter().for_each(|text| write("config.saved.toml", text));
        added.iter().for_each(|text| write("config.services.toml", text));
        let known = Known { panes: vec!["cpu", "memory"], ..Known::nothing() };
        let (loaded, wrong) = load(&Request { file: Some(file), flags: Vec::new(), env: &|_| None, known: &known });
        (loaded, wrong.iter().map(ToString::to_string).collect(), folder)
    }

    /// What is said of a file that was passed over, from its line on.
    fn passed_over(saved: Option<&str>, added: Option<&str>) -> Vec<String> {
        let (loaded, wrong, folder) = read("", saved, added);
        assert_eq!(wrong, [""; 0], "the user did not write it");
        let place = format!("{}/", folder.path().display());
        loaded.passed_over.iter().map(|said| said.to_string().replace(&place, "")).collect()
    }

    #[test]
    fn without_files_of_its_own_nothing_is_said() {
        let (loaded, wrong, folder) = read("theme = \"nord\"\n", None, None);
        assert_eq!((loaded.passed_over.len(), wrong.len()), (0, 0));
        assert_eq!((loaded.saved, loaded.added), (None, None));
        let at = |name: &str| Some(folder.path().join(name));
        let saving = loaded.settings.saving;
        assert_eq!((saving.own, saving.file), (at("config.toml"), at("config.saved.toml")));
    }

    #[test]
    fn what_was_saved_lies_under_the_user_s_own_file() {
        let saved = "format = 1\ntheme = \"mono\"\nrefresh = \"2s\"\n";
        let added = "format = 1\n[[service]]\nname = \"web\"\nurl = \"http://web\"\n\
                     [[service]]\nname = \"nas\"\nurl = \"http://nas\"\n";
        let own = "theme = \"nord\"\n[[service]]\nname = \"nas\"\nurl = \"ping://nas\"\n";
        let (loaded, wrong, folder) = read(own, Some(saved), Some(added));
        assert_eq!(wrong, [""; 0]);
        let settings = &loaded.settings;
        assert_eq!((settings.theme.as_str(), settings.refresh.as_secs()), ("nord", 2));
        let services: Vec<String> = settings.services.iter().map(|of| format!("{} {}", of.name, of.url)).collect();
        assert_eq!(services, ["nas ping://nas", "web http://web"]);
        let origins = ["theme", "refresh", "service.web", "service.nas"].map(|path| loaded.origin(path));
        assert_eq!(origins, [Origin::File(1, 9), Origin::Saved(3, 11), Origin::Added(3, 8), Origin::File(3, 8)]);
        assert_eq!(settings.saving.pinned.get("theme"), Some(&Pin::Line(1)));
        assert_eq!(settings.saving.pinned.get("refresh"), None, "another save takes its place");
        assert_eq!(loaded.saved, Some(folder.path().join("config.saved.toml")));
        assert_eq!(loaded.added, Some(folder.path().join("config.services.toml")));
        let [twice] = loaded.passed_over.as_slice() else { panic!("{:?}", loaded.passed_over) };
        assert!(twice.to_string().contains("two services are called `nas`"), "{twice}");
        assert_eq!(
            loaded.diagnostic("refresh", "x").to_string(),
            format!("{}/config.saved.toml:3:11: x", folder.path().display())
        );
        let added = loaded.diagnostic("service.web", "x").to_string();
        assert_eq!(added, format!("{}/config.services.toml:3:8: x", folder.path().display()));
    }

    #[test]
    fn a_file_of_another_form_is_passed_over_whole() {
        let whole = |name: &str, again: &str| {
            [
                (
                    format!("{name}:1:10: `format` is not 1: the whole file is ignored"),
                    format!("a newer benchtop wrote it; delete it to {again} again"),
                ),
                (
                    format!("{name}:1:1: no `format`: benchtop did not write this file, and ignores it"),
                    format!("move it away to {again} again"),
                ),
            ]
            .map(|(what, hint)| vec![format!("{what}\n  hint: {hint}")])
        };
        let [newer, foreign] = whole("config.saved.toml", "save settings");
        assert_eq!(passed_over(Some("format = 2\ntheme = \"mono\"\n"), None), newer);
        assert_eq!(passed_over(Some("theme = \"mono\"\n"), None), foreign);
        let [newer, foreign] = whole("config.services.toml", "add services");
        assert_eq!(passed_over(None, Some("format = 2\n")), newer);
        assert_eq!(passed_over(None, Some("[[service]]\nname = \"a\"\n")), foreign);
        let (loaded, ..) = read("", Some("theme = \"mono\"\n"), Some("x = 1\n"));
        assert_eq!((loaded.settings.theme.as_str(), loaded.saved, loaded.added), ("calm", None, None));
    }

    #[test]
    fn what_benchtop_does_not_save_is_said_and_the_rest_is_read() {
        for section in ["keys", "notify", "rules", "maintenance", "model_server", "targets", "roles"] {
            let said = passed_over(Some(&format!("format = 1\n[{section}]\nx = 1\n")), None);
            let what =
                format!("config.saved.toml:2:2: [{section}] is not saved by benchtop: write it in your own file");
            assert_eq!(said, [what]);
        }
        let what = "config.services.toml:2:1: `theme` is not added by benchtop: write it in your own file";
        assert_eq!(passed_over(None, Some("format = 1\ntheme = \"mono\"\n")), [what]);
        let (loaded, ..) = read("", Some("format = 1\n[keys]\nquit = [\"x\"]\n[processes]\ntree = true\n"), None);
        assert!(loaded.settings.processes.tree && loaded.settings.keys.is_empty());
    }

    #[test]
    fn a_saved_value_that_is_wrong_leaves_what_was_before() {
        let (loaded, ..) = read("", Some("format = 1\nrefresh = \"soon\"\nmouse = false\n"), None);
        assert_eq!((loaded.settings.refresh.as_secs(), loaded.settings.mouse), (1, false));
        assert_eq!(loaded.origin("refresh"), Origin::BuiltIn);
        let said = passed_over(Some("format = 1\nrefresh = \"soon\"\n"), None);
        assert!(said.len() == 1 && said[0].starts_with("config.saved.toml:2:11: `refresh`: `soon` is not"), "{said:?}");
        let unread = passed_over(Some("format = 1\ntheme = \n"), None);
        assert!(unread[0].starts_with("config.saved.toml:2:9: "), "{unread:?}");
    }
}
