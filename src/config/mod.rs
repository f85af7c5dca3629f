//! The user's settings: flags before environment before file before what was saved before built-in values. All that is
//! wrong in any of them is found in one pass. Only `config init` and [`save`] write, and never into the user's own file.

pub mod adding;
mod destinations;
mod fields;
pub mod file;
mod known;
mod load;
pub mod maintenance;
pub mod model_servers;
pub mod notify;
pub mod paths;
mod reading;
pub mod save;
mod saving;
pub mod services;
pub mod settings;
mod show;
mod targets;
pub mod tree;

use std::{collections::BTreeMap, path::PathBuf};

use crate::diag::Diagnostic;

pub use known::{KeyFinding, Known};
pub use load::load;
pub use settings::Settings;
pub use show::show;

/// A setting given on the command line.
#[derive(Debug, Clone)]
pub struct Flag {
    /// The setting: `refresh`.
    pub path: &'static str,
    /// As the user typed it: `--delay`.
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

/// Where a setting's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The program.
    BuiltIn,
    /// Found out about the terminal; says from what.
    Found(String),
    /// The file, at line and column.
    File(usize, usize),
    /// What was saved from the screen or by `config save`, at line and column.
    Saved(usize, usize),
    /// The services that were added from the screen, at line and column.
    Added(usize, usize),
    /// A variable.
    Env(&'static str),
    /// A flag.
    Flag(&'static str),
}

/// What was read, and where each part of it was found.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub settings: Settings,
    /// The file that was read; `None` when there is none.
    pub file: Option<PathBuf>,
    /// The file of saved settings that was read.
    pub saved: Option<PathBuf>,
    /// The file of added services that was read.
    pub added: Option<PathBuf>,
    /// What is wrong with saved settings and added services: they are passed over, since the user did not write them by hand.
    pub passed_over: Vec<Diagnostic>,
    /// The settings that are not built in, by path; `keys.zoom` and `rules.cpu_busy` each for itself.
    pub origins: BTreeMap<String, Origin>,
}

impl Loaded {
    /// Where the value of a setting comes from.
    #[must_use]
    pub fn origin(&self, path: &str) -> Origin {
        self.origins.get(path).cloned().unwrap_or(Origin::BuiltIn)
    }

    /// A diagnostic about the value of `path`, at the place where the user wrote it.
    #[must_use]
    pub fn diagnostic(&self, path: &str, what: impl Into<String>) -> Diagnostic {
        let file = self.file.as_ref().map_or_else(|| "config.toml".to_owned(), |f| f.display().to_string());
        match self.origin(path) {
            Origin::File(line, column) => Diagnostic { position: Some((line, column)), ..Diagnostic::new(file, what) },
            Origin::Saved(line, column) => {
                let file =
                    self.saved.as_ref().map_or_else(|| "config.saved.toml".to_owned(), |f| f.display().to_string());
                Diagnostic { position: Some((line, column)), ..Diagnostic::new(file, what) }
            }
            Origin::Added(line, column) => {
                let file =
                    self.added.as_ref().map_or_else(|| "config.services.toml".to_owned(), |f| f.display().to_string());
                Diagnostic { position: Some((line, column)), ..Diagnostic::new(file, what) }
            }
            Origin::Env(name) | Origin::Flag(name) => Diagnostic::new(name, what),
            Origin::BuiltIn | Origin::Found(_) => Diagnostic::new(path, what),
        }
    }
}

/// What to read.
pub struct Request<'a> {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// Other flags.
    pub flags: Vec<Flag>,
    /// The environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Names and checks.
    pub known: &'a Known,
}

/// The variables that set something, each with its setting.
pub fn variables() -> impl Iterator<Item = (&'static str, &'static str)> {
    fields::FIELDS.iter().filter_map(|field| Some((field.env?, field.path)))
}

/// The example file, which `config init` writes.
pub const EXAMPLE: &str = include_str!("../../config.example.toml");

/// A config of more bytes than this is something else.
pub const MAX_BYTES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_placed_where_its_value_was_written() {
        let mut loaded = Loaded {
            settings: Settings::default(),
            file: None,
            saved: None,
            added: None,
            passed_over: Vec::new(),
            origins: BTreeMap::new(),
        };
        for (path, origin) in [
            ("file", Origin::File(1, 2)),
            ("saved", Origin::Saved(3, 4)),
            ("added", Origin::Added(5, 6)),
            ("env", Origin::Env("BENCHTOP_THEME")),
            ("flag", Origin::Flag("--theme")),
            ("found", Origin::Found("TERM".to_owned())),
        ] {
            loaded.origins.insert(path.to_owned(), origin);
        }
        let said = |loaded: &Loaded| {
            ["file", "saved", "added", "env", "flag", "found", "none"]
                .map(|path| loaded.diagnostic(path, "x").to_string())
        };
        let outside = ["BENCHTOP_THEME: x", "--theme: x", "found: x", "none: x"];
        let of = |files: [&'static str; 3]| [&files[..], &outside].concat();
        assert_eq!(
            said(&loaded)[..],
            of(["config.toml:1:2: x", "config.saved.toml:3:4: x", "config.services.toml:5:6: x"])
        );
        loaded.file = Some("/a.toml".into());
        loaded.saved = Some("/b.toml".into());
        loaded.added = Some("/c.toml".into());
        assert_eq!(said(&loaded)[..], of(["/a.toml:1:2: x", "/b.toml:3:4: x", "/c.toml:5:6: x"]));
    }

    #[test]
    fn variables_are_named_with_what_they_set() {
        let all: Vec<_> = variables().collect();
        assert!(all.contains(&("BENCHTOP_THEME", "theme")) && all.contains(&("BENCHTOP_HISTORY", "history.path")));
        assert!(all.iter().all(|(name, _)| name.starts_with("BENCHTOP_")), "{all:?}");
    }

    #[test]
    fn columns_are_known_by_their_table() {
        let columns = vec![("processes", vec!["pid"]), ("pools", vec!["name", "used"])];
        let known = Known { columns, ..Known::nothing() };
        let of = |table| known.columns_of(table);
        assert_eq!((of("pools"), of("none")), (&["name", "used"][..], &[][..]));
    }
}
