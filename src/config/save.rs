//! Settings that are saved on request, from the screen or by `benchtop config save`. They go into a file of their own
//! beside the user's, so that the user's is never rewritten; what the user's file or a variable sets wins over it.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::{
    MAX_BYTES, Settings,
    fields::{FIELDS, Field},
    file::read_text,
};

pub use super::saving::{Pin, Saving};

/// The form of the file: a greater number is a newer benchtop's.
pub const FORMAT: i64 = 1;

/// Its key.
pub const FORMAT_KEY: &str = "format";

/// The first lines of the file.
const HEAD: &str = "# Saved by benchtop on request: ctrl-s on the screen, or `benchtop config save`. Your own config.toml wins over\n\
# this file. To go back to what is built in, delete a line, or the whole file.\n";

/// A setting with the value that is to be saved, as TOML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The setting: `processes.sort`.
    pub path: &'static str,
    /// Its value.
    pub value: String,
}

/// A save to be carried out: it writes a file, so never on the loop's thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Save {
    pub saving: Saving,
    pub changes: Vec<Change>,
}

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// All of it is saved.
    pub complete: bool,
    /// In words; several lines when something has to be done by hand.
    pub text: String,
}

/// The settings that keys change, as they are now: compared later with the changed ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown(Vec<Change>);

impl Shown {
    /// Those of `settings`.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        Shown(FIELDS.iter().filter(|f| f.on_screen).filter_map(|f| change(f, settings)).collect())
    }

    /// Those in `self` that `before` did not say, or that `always` asks for. An order and its direction go together.
    #[must_use]
    pub fn changed(&self, before: &Shown, always: impl Fn(&str) -> bool) -> Vec<Change> {
        let differs = |path: &str| {
            let value = |shown: &Shown| shown.0.iter().find(|c| c.path == path).map(|c| c.value.clone());
            value(self) != value(before) || always(path)
        };
        let wanted = |path: &str| match path.rsplit_once('.') {
            Some((table, "sort" | "reverse")) => {
                differs(&format!("{table}.sort")) || differs(&format!("{table}.reverse"))
            }
            _ => differs(path),
        };
        self.0.iter().filter(|c| wanted(c.path)).cloned().collect()
    }

    /// The settings at these paths.
    #[must_use]
    pub fn at(&self, paths: &[&str]) -> Vec<Change> {
        self.0.iter().filter(|c| paths.contains(&c.path)).cloned().collect()
    }
}

/// The value of a field in `settings`.
fn change(field: &Field, settings: &Settings) -> Option<Change> {
    Some(Change { path: field.path, value: (field.show)(settings)? })
}

/// The settings at `paths` with their values in `settings`.
#[must_use]
pub fn changes(settings: &Settings, paths: &[&str]) -> Vec<Change> {
    FIELDS.iter().filter(|f| paths.contains(&f.path)).filter_map(|f| change(f, settings)).collect()
}

/// The setting at `path`, as the table of settings spells it.
#[must_use]
pub fn known(path: &str) -> Option<&'static str> {
    FIELDS.iter().find(|f| f.path == path).map(|f| f.path)
}

/// The file beside `own` for what is saved: `config.saved.toml` beside `config.toml`.
#[must_use]
pub fn beside(own: &Path) -> PathBuf {
    own.with_extension("saved.toml")
}

/// The file beside `own` for services that were added from the screen: `config.services.toml` beside `config.toml`.
#[must_use]
pub fn services_beside(own: &Path) -> PathBuf {
    own.with_extension("services.toml")
}

impl Save {
    /// Carries it out.
    #[must_use]
    pub fn run(&self) -> Report {
        let (pinned, free): (Vec<&Change>, Vec<&Change>) =
            self.changes.iter().partition(|c| self.saving.pinned.contains_key(c.path));
        let mut lines = Vec::new();
        let mut failed = Vec::new();
        if !free.is_empty() {
            match self.write(&free) {
                Ok(place) => lines.push(format!("saved {} in {place}", named(&free))),
                Err(why) => {
                    lines.push(why);
                    failed = free;
                }
            }
        }
        for change in &pinned {
            lines.extend(self.saving.pinned.get(change.path).map(|pin| self.wins(change, pin)));
        }
        if !failed.is_empty() {
            lines.push(match &self.saving.own {
                Some(own) => {
                    format!("To keep {}, write into {}:", if failed.len() == 1 { "it" } else { "them" }, own.display())
                }
                None => "The lines for a file that --config names:".to_owned(),
            });
            lines.extend(toml(&values(&failed)).lines().map(|line| format!("  {line}").trim_end().to_owned()));
        }
        if self.changes.is_empty() {
            lines.push("no changes to save".to_owned());
        }
        Report { complete: pinned.is_empty() && failed.is_empty(), text: lines.join("\n") }
    }

    /// Why a saved value would not count, and what to do instead.
    fn wins(&self, change: &Change, pin: &Pin) -> String {
        let name = change.path.rsplit('.').next().unwrap_or(change.path);
        match pin {
            Pin::Line(line) => {
                let file =
                    self.saving.own.as_ref().map_or_else(|| "config.toml".into(), |own| own.display().to_string());
                let path = change.path;
                format!("{path} is set in {file}:{line}, which wins: change that line to: {name} = {}", change.value)
            }
            Pin::Variable(variable) => {
                format!("{} is set by the variable {variable}, which wins: unset it or change it", change.path)
            }
        }
    }

    /// Merges the changes into the file; says where it is.
    fn write(&self, changes: &[&Change]) -> Result<String, String> {
        let Some(path) = &self.saving.file else {
            return Err("HOME is not set: nowhere to save settings".to_owned());
        };
        // A link (a folder of dotfiles) stays a link: its target is replaced.
        let path = &fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        let place = path.display().to_string();
        let mut all = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            _ => read(path)?,
        };
        all.extend(values(changes));
        let text = format!("{HEAD}{FORMAT_KEY} = {FORMAT}\n{}", toml(&all));
        replace(path, &text).map_err(|error| format!("could not save in {place}: {error}"))?;
        Ok(place)
    }
}

/// `theme = "nord"`, or names alone when there are several or the value is long.
fn named(changes: &[&Change]) -> String {
    match changes {
        [one] if one.value.len() <= 40 => format!("{} = {}", one.path, one.value),
        many => many.iter().map(|c| c.path).collect::<Vec<_>>().join(", "),
    }
}

fn values(changes: &[&Change]) -> BTreeMap<String, String> {
    changes.iter().map(|c| (c.path.to_owned(), c.value.clone())).collect()
}

/// The settings of a file that a benchtop saved; what it did not write itself it never replaces.
fn read(path: &Path) -> Result<BTreeMap<String, String>, String> {
    let place = path.display();
    let text = read_text(path, MAX_BYTES).map_err(|diagnostic| format!("nothing was saved: {diagnostic}"))?;
    let table: toml::Table =
        text.parse().map_err(|_| format!("nothing was saved: {place} is not valid TOML: fix or delete it"))?;
    match table.get(FORMAT_KEY).and_then(toml::Value::as_integer) {
        Some(FORMAT) => {}
        Some(newer) if newer > FORMAT => {
            return Err(format!("nothing was saved: {place} was written by a newer benchtop (format {newer})"));
        }
        _ => {
            return Err(format!(
                "nothing was saved: {place} was not written by benchtop (it has no `{FORMAT_KEY} = {FORMAT}`), and is left alone"
            ));
        }
    }
    let mut out = BTreeMap::new();
    let mut take = |path: String, value: &toml::Value| match known(&path) {
        Some(_) => {
            out.insert(path, value.to_string());
            Ok(())
        }
        None => Err(format!("nothing was saved: {place} has `{path}`, which is not a setting: remove it")),
    };
    for (key, value) in table.iter().filter(|(key, _)| *key != FORMAT_KEY) {
        match value {
            toml::Value::Table(section) => {
                section.iter().try_for_each(|(name, value)| take(format!("{key}.{name}"), value))?;
            }
            value => take(key.clone(), value)?,
        }
    }
    Ok(out)
}

/// Settings as TOML, in the order of the table of settings.
fn toml(values: &BTreeMap<String, String>) -> String {
    let (mut out, mut section) = (String::new(), "");
    for field in FIELDS {
        let Some(value) = values.get(field.path) else { continue };
        let (here, name) = field.path.split_once('.').unwrap_or(("", field.path));
        if here != section {
            section = here;
            // Writing into a String cannot fail.
            let _ = writeln!(out, "\n[{section}]");
        }
        let _ = writeln!(out, "{name} = {value}");
    }
    out
}

/// Puts a whole file in the place of `path` in one step. It belongs to whom the folder belongs to: root (by sudo) must
/// not leave a file in a user's home that the user cannot read.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = folder_of(path);
    make(folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.{}", std::process::id()));
    let _ = fs::remove_file(&beside);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    let owner = fs::metadata(folder)?;
    let done = file
        .write_all(text.as_bytes())
        .and_then(|()| match rustix::process::geteuid().is_root() && owner.uid() != 0 {
            true => std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid())),
            false => Ok(()),
        })
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&beside, path));
    if done.is_err() {
        let _ = fs::remove_file(&beside);
    }
    done
}

/// Where a file lies: one that is named alone is in the current folder.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) => Path::new("."),
        None => Path::new("/"),
    }
}

/// Makes the folder, and those above it that are missing, in the name of whom the first that is there belongs to.
fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().ok_or(io::ErrorKind::NotFound)?;
    make(above)?;
    fs::DirBuilder::new().mode(0o700).create(folder)?;
    let owner = fs::metadata(above)?;
    if rustix::process::geteuid().is_root() && owner.uid() != 0 {
        std::os::unix::fs::chown(folder, Some(owner.uid()), Some(owner.gid()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_that_is_named_alone_lies_in_the_current_folder() {
        let of = |path: &'static str| folder_of(Path::new(path)).display().to_string();
        assert_eq!(["x.toml", "a/x.toml", "/x.toml", "./x.toml"].map(of), [".", "a", "/", "."]);
    }

    fn save(folder: &Path, pinned: &[(&str, Pin)], changes: &[(&'static str, &str)]) -> Report {
        let own = folder.join("config.toml");
        let pinned = pinned.iter().map(|(path, pin)| ((*path).to_owned(), pin.clone())).collect();
        let saving = Saving { file: Some(beside(&own)), own: Some(own), pinned };
        let changes = changes.iter().map(|(path, value)| Change { path, value: (*value).to_owned() }).collect();
        Save { saving, changes }.run()
    }

    fn saved(folder: &Path) -> String {
        fs::read_to_string(folder.join("config.saved.toml")).unwrap()
    }

    #[test]
    fn saves_are_merged_and_private() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("new/benchtop");
        let report = save(&folder, &[], &[("theme", "\"nord\"")]);
        let place = folder.join("config.saved.toml");
        assert_eq!(report.text, format!("saved theme = \"nord\" in {}", place.display()));
        assert!(report.complete);
        let report = save(&folder, &[], &[("processes.sort", "\"memory\""), ("processes.reverse", "false")]);
        assert!(report.text.starts_with("saved processes.sort, processes.reverse in "), "{}", report.text);
        let text = saved(&folder);
        let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with('#') && !l.is_empty()).collect();
        assert_eq!(lines, ["format = 1", "theme = \"nord\"", "[processes]", "sort = \"memory\"", "reverse = false"]);
        assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn foreign_file_is_left_alone() {
        for (text, why) in [
            ("theme = \"mono\"\n", "was not written by benchtop"),
            ("format = 2\nglow = true\n", "a newer benchtop (format 2)"),
            ("format = 0\n", "was not written by benchtop"),
            ("format = 1\nglow = true\n", "has `glow`"),
            ("format = 1\n[rules.x]\nwarn = 1\n", "has `rules.x`"),
            ("format = \n", "not valid TOML"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("config.saved.toml"), text).unwrap();
            let report = save(folder.path(), &[], &[("theme", "\"nord\""), ("processes.tree", "true")]);
            assert!(!report.complete && report.text.contains(why), "{}", report.text);
            assert_eq!(saved(folder.path()), text);
            let copy = "config.toml:\n  theme = \"nord\"\n\n  [processes]\n  tree = true";
            assert!(report.text.ends_with(copy), "the lines to copy: {}", report.text);
        }
    }

    #[test]
    fn pinned_setting_names_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let pins = [("theme", Pin::Line(3)), ("refresh", Pin::Variable("BENCHTOP_REFRESH".to_owned()))];
        let report = save(folder.path(), &pins, &[("refresh", "\"2s\""), ("theme", "\"nord\"")]);
        assert!(!report.complete);
        let own = folder.path().join("config.toml");
        assert_eq!(
            report.text,
            format!(
                "refresh is set by the variable BENCHTOP_REFRESH, which wins: unset it or change it\n\
                 theme is set in {}:3, which wins: change that line to: theme = \"nord\"",
                own.display()
            )
        );
        assert!(!folder.path().join("config.saved.toml").exists());
    }

    #[test]
    fn link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("dotfiles.toml");
        fs::write(&target, "format = 1\n").unwrap();
        std::os::unix::fs::symlink(&target, folder.path().join("config.saved.toml")).unwrap();
        assert!(save(folder.path(), &[], &[("theme", "\"nord\"")]).complete);
        assert!(fs::symlink_metadata(folder.path().join("config.saved.toml")).unwrap().is_symlink());
        assert!(fs::read_to_string(target).unwrap().contains("nord"));
    }

    #[test]
    fn order_and_direction_go_together() {
        let before = Shown::of(&Settings::default());
        let mut settings = Settings::default();
        settings.processes.table.reverse = true;
        let changed = |settings: &Settings, always: &str| -> Vec<&str> {
            Shown::of(settings).changed(&before, |path| path == always).iter().map(|c| c.path).collect()
        };
        assert_eq!(changed(&settings, ""), ["processes.sort", "processes.reverse"]);
        assert_eq!(changed(&Settings::default(), "theme"), ["theme"], "saved once, then changed back");
        settings.mouse = false;
        settings.theme = "nord".into();
        assert_eq!(
            changed(&settings, ""),
            ["theme", "processes.sort", "processes.reverse"],
            "no key changes the mouse"
        );
    }

    #[test]
    fn what_root_saves_belongs_to_whom_the_folder_belongs_to() {
        // By sudo, in a user's home. Without root nothing can be given away.
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let home = tempfile::tempdir().unwrap();
        std::os::unix::fs::chown(home.path(), Some(12_345), Some(23_456)).unwrap();
        assert!(save(&home.path().join("a/b"), &[], &[("theme", "\"nord\"")]).complete);
        for name in ["a", "a/b", "a/b/config.saved.toml"] {
            let found = fs::metadata(home.path().join(name)).unwrap();
            assert_eq!((found.uid(), found.gid()), (12_345, 23_456), "{name}");
        }
    }

    #[test]
    fn one_setting_is_named_with_its_value_unless_that_is_long() {
        let report = |changes: &[(&'static str, &str)]| {
            let folder = tempfile::tempdir().unwrap();
            let report = save(folder.path(), &[], changes);
            report.text.split(" in ").next().unwrap().to_owned()
        };
        let value = |letters: usize| format!("\"{}\"", "x".repeat(letters - 2));
        assert_eq!(report(&[("theme", &value(40))]), format!("saved theme = {}", value(40)));
        assert_eq!(report(&[("theme", &value(41))]), "saved theme");
        assert_eq!(report(&[]), "no changes to save");
    }

    #[test]
    fn where_nothing_can_be_saved_the_lines_are_given() {
        let change = |path, value: &str| Change { path, value: value.to_owned() };
        let saving = Saving { pinned: BTreeMap::from([("ascii".to_owned(), Pin::Line(1))]), ..Saving::default() };
        let all = Save { saving, changes: vec![change("theme", "\"nord\""), change("ascii", "true")] };
        assert_eq!(
            all.run(),
            Report {
                complete: false,
                text: "HOME is not set: nowhere to save settings\n\
                       ascii is set in config.toml:1, which wins: change that line to: ascii = true\n\
                       The lines for a file that --config names:\n  theme = \"nord\""
                    .to_owned()
            }
        );
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let one = save(&folder.path().join("file"), &[], &[("theme", "\"nord\"")]);
        let own = folder.path().join("file/config.toml");
        let why = format!("nothing was saved: {}: the file cannot be read: Not a dir", beside(&own).display());
        assert!(one.text.starts_with(&why), "{}", one.text);
        assert!(
            one.text.ends_with(&format!("To keep it, write into {}:\n  theme = \"nord\"", own.display())),
            "{}",
            one.text
        );
    }

    #[test]
    fn settings_are_found_by_their_paths() {
        let settings = Settings { theme: "nord".into(), ..Settings::default() };
        let paths = |changes: Vec<Change>| changes.into_iter().map(|c| (c.path, c.value)).collect::<Vec<_>>();
        let expected = [("theme", "\"nord\"".to_owned()), ("mouse", "true".to_owned())];
        assert_eq!(paths(changes(&settings, &["mouse", "theme", "none"])), expected);
        assert_eq!(paths(Shown::of(&settings).at(&["mouse", "theme"])), expected[..1], "no key changes the mouse");
        assert_eq!((known("processes.sort"), known("sort")), (Some("processes.sort"), None));
        let own = Path::new("/home/ada/config.toml");
        assert_eq!(beside(own), Path::new("/home/ada/config.saved.toml"));
        assert_eq!(services_beside(own), Path::new("/home/ada/config.services.toml"));
    }
}
