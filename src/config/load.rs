//! Saved settings, file, environment and flags, laid over the built-in values in this order. A machine's file in /etc lies
//! under what its user saved.

mod own;
mod sections;

use std::path::{Path, PathBuf};

use super::{
    Flag, Known, Loaded, MAX_BYTES, Origin, Request,
    fields::{FIELDS, Field},
    file::{read_text, silent},
    notify, paths,
    reading::{Fault, Reading},
    save::{self, Pin},
    settings::Settings,
    targets,
    tree::{self, At, Node},
};
use crate::{
    diag::{Diagnostic, did_you_mean},
    sys::remote,
};

/// Reads all, and everything that is wrong, each diagnostic at its place: the file first, then variables, then flags. What
/// is wrong keeps the value that it had before.
#[must_use]
pub fn load(request: &Request<'_>) -> (Loaded, Vec<Diagnostic>) {
    let settings = Settings { rules: request.known.rules.clone(), ..Settings::default() };
    let loaded =
        Loaded { settings, file: None, saved: None, added: None, passed_over: Vec::new(), origins: Default::default() };
    let mut loader = Loader { known: request.known, loaded, diagnostics: Vec::new(), layer: Layer::Own };
    match find_file(request) {
        // The program starts with what is built in: a dead server is what one would look for with it.
        Ok(File::Silent(path)) => {
            loader.loaded.passed_over.push(silent(&path));
            let saving = &mut loader.loaded.settings.saving;
            (saving.file, saving.own) = (Some(save::beside(&path)), Some(path));
        }
        Ok(File::Own(path)) => {
            loader.saved(Some(&path));
            loader.file(&path);
        }
        Ok(File::System(path)) => {
            loader.file(&path);
            loader.saved(paths::config_file().as_deref());
        }
        Ok(File::None) => loader.saved(paths::config_file().as_deref()),
        Err(diagnostic) => loader.diagnostics.push(diagnostic),
    }
    loader.added();
    loader.environment(request.env);
    loader.pin();
    for flag in &request.flags {
        loader.flag(flag);
    }
    (loader.loaded, loader.diagnostics)
}

/// The file to read.
enum File {
    /// The user's.
    Own(PathBuf),
    /// The machine's.
    System(PathBuf),
    /// The user's, on a filesystem that does not answer.
    Silent(PathBuf),
    None,
}

/// Which file is being read.
#[derive(Clone, Copy, PartialEq)]
enum Layer {
    Own,
    Saved,
    Added,
}

/// Distinguishes one text of a file from another, the same with every build: FNV-1a of its bytes, folded to 32 bits.
fn version(text: &str) -> String {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, step);
    format!("{:08x}", (hash >> 32) ^ (hash & 0xffff_ffff))
}

/// The file to read. One that was asked for must exist; the usual ones need not.
fn find_file(request: &Request<'_>) -> Result<File, Diagnostic> {
    let by_env = (request.env)("BENCHTOP_CONFIG").filter(|v| !v.is_empty()).map(PathBuf::from);
    let asked = request.file.clone().map(|p| (p, "--config")).or(by_env.map(|p| (p, "BENCHTOP_CONFIG")));
    if let Some((path, by)) = asked {
        if !remote::answers(&path) {
            return Err(silent(&path));
        }
        if path.exists() {
            return Ok(File::Own(path));
        }
        let what = format!("{by} names it, but the file does not exist");
        let hint = "`benchtop config init` writes one with every setting explained";
        return Err(Diagnostic::new(path.display().to_string(), what).hint(hint));
    }
    if let Some(own) = paths::config_file() {
        if !remote::answers(&own) {
            return Ok(File::Silent(own));
        }
        if own.exists() {
            return Ok(File::Own(own));
        }
    }
    let system = paths::system_file();
    Ok(if system.exists() { File::System(system) } else { File::None })
}

struct Loader<'a> {
    known: &'a Known,
    loaded: Loaded,
    diagnostics: Vec<Diagnostic>,
    layer: Layer,
}

/// The file that is being walked.
struct Source<'a> {
    place: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn diagnostic(&self, offset: usize, what: impl Into<String>, hint: Option<String>) -> Diagnostic {
        Diagnostic { hint, ..Diagnostic::new(self.place, what).at_offset(self.text, offset) }
    }
}

impl Loader<'_> {
    fn file(&mut self, path: &Path) {
        let place = path.display().to_string();
        let text = match read_text(path, MAX_BYTES) {
            Ok(text) => text,
            Err(diagnostic) => return self.diagnostics.push(diagnostic),
        };
        self.loaded.file = Some(path.to_owned());
        self.loaded.settings.version = Some(version(&text));
        let (table, mut diagnostics) = tree::parse(&place, &text);
        self.diagnostics.append(&mut diagnostics);
        let source = Source { place: &place, text: &text };
        for (key, value) in &table {
            match key.value.as_str() {
                "keys" => self.keys(&source, value),
                "rules" => self.rules(&source, value),
                "service" => self.services(&source, value),
                "maintenance" => self.maintenance(&source, value),
                "model_server" => self.model_servers(&source, value),
                "notify" => self.tables(&source, value, "notify", |s, table| notify::read(&mut s.notify, table)),
                "targets" => {
                    self.tables(&source, value, "targets", |s, table| targets::read_targets(&mut s.targets, table))
                }
                "roles" => {
                    self.tables(&source, value, "roles", |s, table| targets::read_roles(&mut s.targets.roles, table))
                }
                _ => self.entry(&source, "", key, value),
            }
        }
        self.diagnostics.sort_by_key(|f| f.position);
        self.diagnostics.dedup();
    }

    /// What is stronger than saved settings: a save says so.
    fn pin(&mut self) {
        let system =
            self.loaded.file == Some(paths::system_file()) && self.loaded.settings.saving.own != self.loaded.file;
        let pin = |origin: &Origin| match origin {
            Origin::File(line, _) if !system => Some(Pin::Line(*line)),
            Origin::Env(name) => Some(Pin::Variable((*name).to_owned())),
            _ => None,
        };
        self.loaded.settings.saving.pinned =
            self.loaded.origins.iter().filter_map(|(path, origin)| Some((path.clone(), pin(origin)?))).collect();
    }

    fn note(&mut self, source: &Source<'_>, path: String, offset: usize) {
        if let Some((line, column)) = source.diagnostic(offset, "", None).position {
            let origin = match self.layer {
                Layer::Own => Origin::File(line, column),
                Layer::Saved => Origin::Saved(line, column),
                Layer::Added => Origin::Added(line, column),
            };
            self.loaded.origins.insert(path, origin);
        }
    }

    fn report(&mut self, source: &Source<'_>, faults: Vec<Fault>) {
        self.diagnostics.extend(faults.into_iter().map(|f| source.diagnostic(f.offset, f.what, f.hint)));
    }

    fn entry(&mut self, source: &Source<'_>, prefix: &str, key: &At<String>, value: &At<Node>) {
        let path = if prefix.is_empty() { key.value.clone() } else { format!("{prefix}.{}", key.value) };
        if let Some(field) = FIELDS.iter().find(|f| f.path == path) {
            let before = (self.layer == Layer::Saved).then(|| self.loaded.clone());
            self.note(source, path, value.offset);
            let mut reading = Reading { known: self.known, path: field.path, loose: false, faults: Vec::new() };
            (field.read)(&mut self.loaded.settings, value, &mut reading);
            if let Some(before) = before.filter(|_| !reading.faults.is_empty()) {
                self.loaded = before;
            }
            return self.report(source, reading.faults);
        }
        let is_section = prefix.is_empty() && FIELDS.iter().any(|f| section(f) == Some(&key.value));
        if !is_section {
            return self.unknown(source, prefix, key);
        }
        match &value.value {
            Node::Table(table) => {
                for (key, value) in table {
                    self.entry(source, &path, key, value);
                }
            }
            other => {
                let what = format!("`{path}` is {}, not a table", other.kind());
                let hint = Some(format!("write [{path}] on a separate line"));
                self.diagnostics.push(source.diagnostic(value.offset, what, hint));
            }
        }
    }

    fn unknown(&mut self, source: &Source<'_>, prefix: &str, key: &At<String>) {
        let here: Vec<&str> = if prefix.is_empty() {
            let tops = FIELDS.iter().map(|f| section(f).unwrap_or(f.path)).chain([
                "service",
                "maintenance",
                "model_server",
                "keys",
                "rules",
                "targets",
                "roles",
            ]);
            let mut tops: Vec<&str> = tops.collect();
            tops.dedup();
            tops
        } else {
            FIELDS.iter().filter(|f| section(f) == Some(prefix)).map(|f| leaf(f)).collect()
        };
        let elsewhere = FIELDS.iter().find(|f| leaf(f) == key.value);
        let hint = match (did_you_mean(&key.value, here.iter().copied()), elsewhere) {
            _ if key.value == "ascending" => "replaced by `reverse`, which reverses the column's default order".into(),
            (_, Some(field)) => match section(field) {
                Some(section) => format!("`{}` belongs under [{section}]", key.value),
                None => format!("`{}` belongs at the top, before the first [section]", key.value),
            },
            (Some(near), None) => format!("did you mean `{near}`?"),
            (None, None) => format!("known here: {}", here.join(", ")),
        };
        let place = if prefix.is_empty() { String::new() } else { format!(" in [{prefix}]") };
        let what = format!("unknown key `{}`{place}", key.value);
        self.diagnostics.push(source.diagnostic(key.offset, what, Some(hint)));
    }

    fn environment(&mut self, env: &dyn Fn(&str) -> Option<String>) {
        if env("NO_COLOR").is_some_and(|v| !v.is_empty()) {
            self.outside("colors", "none".to_owned(), Origin::Env("NO_COLOR"));
        }
        for field in FIELDS {
            let Some(name) = field.env else { continue };
            if let Some(value) = env(name).filter(|v| !v.is_empty()) {
                self.outside(field.path, value, Origin::Env(name));
            }
        }
    }

    fn flag(&mut self, flag: &Flag) {
        self.outside(flag.path, flag.value.clone(), Origin::Flag(flag.name));
    }

    /// A value from outside a file.
    fn outside(&mut self, path: &'static str, value: String, origin: Origin) {
        let Some(field) = FIELDS.iter().find(|f| f.path == path) else { return };
        self.loaded.origins.insert(path.to_owned(), origin);
        let value = At { offset: 0, value: Node::Text(value) };
        let mut reading = Reading { known: self.known, path, loose: true, faults: Vec::new() };
        (field.read)(&mut self.loaded.settings, &value, &mut reading);
        for fault in reading.faults {
            // The place names the flag or the variable already.
            let what = fault.what.strip_prefix(&format!("`{path}`: ")).unwrap_or(&fault.what).to_owned();
            let diagnostic = self.loaded.diagnostic(path, what);
            self.diagnostics.push(Diagnostic { hint: fault.hint, ..diagnostic });
        }
    }
}

/// `processes` of `processes.sort`.
fn section(field: &Field) -> Option<&'static str> {
    field.path.split_once('.').map(|(section, _)| section)
}

/// `sort` of `processes.sort`.
fn leaf(field: &Field) -> &'static str {
    field.path.split_once('.').map_or(field.path, |(_, leaf)| leaf)
}

#[cfg(test)]
mod tests;
