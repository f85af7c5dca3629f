//! All themes: those inside the program, those in the user's folder, a file named by its path. Files are read when asked
//! for, and a name in the user's folder goes before the shipped one.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

use ratatui::style::{Color, Style};

use super::{
    color,
    file::{File, StyleSpec},
    glyphs::{ASCII, CONSOLE, Glyphs, UNICODE},
    roles::{ROLES, Role},
    styles::Theme,
};
use crate::{
    config::{settings::Colors, tree::At},
    diag::{Diagnostic, did_you_mean},
    sys::{helper, remote},
};

/// A theme inside the program.
pub struct Shipped {
    pub name: &'static str,
    /// Its file.
    pub text: &'static str,
}

macro_rules! shipped {
    ($($name:literal)*) => {
        /// In the order in which the key walks through them.
        pub static SHIPPED: &[Shipped] = &[$(Shipped {
            name: $name,
            text: include_str!(concat!("../../../themes/", $name, ".toml")),
        },)*];
    };
}

shipped!("calm" "light" "contrast" "colorblind" "mono" "sixteen" "gruvbox" "nord" "catppuccin" "dracula");

/// A whole theme file is small; what is larger is something else.
const MAX_BYTES: u64 = 256 * 1024;
/// A folder that does not answer for so long is left out.
const PATIENCE: Duration = Duration::from_secs(5);

/// All themes, for one terminal.
#[derive(Debug, Clone)]
pub struct ThemeSet {
    folder: Option<PathBuf>,
    colors: Colors,
    glyphs: Glyphs,
    /// A thread reads the folder.
    reading: Arc<AtomicBool>,
}

/// A theme to choose.
#[derive(Debug, Clone)]
pub struct Ready {
    pub name: String,
    /// Its sentence about itself.
    pub about: String,
    /// The theme, or its first mistake.
    pub theme: Result<Theme, Diagnostic>,
}

/// A theme with its parents, nearest first.
struct Chain {
    files: Vec<File>,
}

impl ThemeSet {
    /// The shipped themes and those in `folder`, for a terminal with these colours. `Auto` is settled by the caller
    /// ([`super::colors`]); here it means that nothing is reduced.
    #[must_use]
    pub fn new(folder: Option<PathBuf>, colors: Colors, ascii: bool) -> Self {
        ThemeSet { folder, colors, glyphs: if ascii { ASCII } else { UNICODE }, reading: Arc::default() }
    }

    /// The same themes for the text console.
    #[must_use]
    pub fn on_console(self) -> Self {
        ThemeSet { glyphs: CONSOLE, ..self }
    }

    /// The names of all themes: the shipped ones in their order, then the user's by name.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = SHIPPED.iter().map(|s| s.name.to_owned()).collect();
        let answers = |folder: &&PathBuf| remote::answers(folder);
        let entries = self.folder.iter().filter(answers).filter_map(|f| std::fs::read_dir(f).ok()).flatten().flatten();
        let mut own: Vec<String> = entries
            .map(|e| e.path())
            .filter(|p| p.extension().is_some_and(|e| e == "toml"))
            .filter_map(|p| p.file_stem().and_then(|s| s.to_str()).map(str::to_owned))
            .filter(|name| !names.contains(name))
            .collect();
        own.sort();
        names.append(&mut own);
        names
    }

    /// The theme of this name, or in the file of this path (it holds a `/` or ends in `.toml`).
    ///
    /// # Errors
    /// Every fault of the file and its parents, each at its place.
    pub fn load(&self, name_or_path: &str) -> Result<Theme, Vec<Diagnostic>> {
        let (chain, mut diagnostics) = self.chain(name_or_path)?;
        let theme = chain.resolve(name_or_path, &mut diagnostics);
        if !diagnostics.is_empty() {
            return Err(diagnostics);
        }
        Ok(Theme { glyphs: self.glyphs, ..theme.0.reduced(self.colors, theme.1) })
    }

    /// The shipped themes, ready to be put on. Reads no file.
    #[must_use]
    pub fn shipped(&self) -> Vec<Ready> {
        let inside = ThemeSet { folder: None, ..self.clone() };
        SHIPPED.iter().map(|shipped| inside.ready(shipped.name)).collect()
    }

    /// The themes of the user's folder, read on a thread: a folder on a dead server may block it forever. `None`
    /// without a folder, and while an earlier thread still waits for it.
    #[must_use]
    pub fn own(&self) -> Option<Receiver<Vec<Ready>>> {
        let set = self.clone();
        set.folder.as_ref()?;
        if self.reading.swap(true, Ordering::Relaxed) {
            return None;
        }
        let (send, own) = channel();
        let thread = thread::Builder::new().name("themes".into()).spawn(move || {
            let ready = |name: String| set.own_file(&name).map(|_| set.ready(&name));
            if set.folder.as_ref().is_some_and(|folder| helper::responds(folder, PATIENCE)) {
                // The receiver is gone when the list was closed meanwhile.
                let _ = send.send(set.names().into_iter().filter_map(ready).collect());
            }
            set.reading.store(false, Ordering::Relaxed);
        });
        if thread.is_err() {
            self.reading.store(false, Ordering::Relaxed);
        }
        thread.is_ok().then_some(own)
    }

    fn ready(&self, name: &str) -> Ready {
        let theme = self.load(name).map_err(|diagnostics| {
            diagnostics.into_iter().next().unwrap_or_else(|| Diagnostic::new(name, "cannot be read"))
        });
        Ready { name: name.to_owned(), about: self.about(name), theme }
    }

    /// The sentence of a theme about itself; empty when there is none.
    #[must_use]
    pub fn about(&self, name: &str) -> String {
        let files = self.chain(name).map(|(chain, _)| chain.files).unwrap_or_default();
        files.into_iter().next().and_then(|f| f.about).unwrap_or_default()
    }

    /// The user's file of a theme, when that is where it comes from.
    #[must_use]
    pub fn own_file(&self, name: &str) -> Option<PathBuf> {
        if name.contains('/') || name.ends_with(".toml") {
            return Some(PathBuf::from(name));
        }
        // Where the folder does not answer, the shipped theme of that name is there.
        let path = self.folder.as_ref().map(|folder| folder.join(format!("{name}.toml")));
        path.filter(|path| remote::answers(path) && path.exists())
    }

    fn chain(&self, name: &str) -> Result<(Chain, Vec<Diagnostic>), Vec<Diagnostic>> {
        let (mut files, mut diagnostics) = (Vec::new(), Vec::new());
        let mut seen: Vec<String> = Vec::new();
        let mut child = None;
        let mut next = Some((name.to_owned(), None::<Diagnostic>));
        while let Some((name, asked)) = next.take() {
            let place = self.own_file(&name).map_or_else(|| format!("themes/{name}.toml"), |p| p.display().to_string());
            // A file of the user's may inherit from the shipped one that it replaces.
            let shipped_wanted = child.as_ref() == Some(&name);
            let key = if shipped_wanted { format!("themes/{name}.toml") } else { place };
            if seen.contains(&key) {
                let asked = asked.unwrap_or_else(|| Diagnostic::new(&key, ""));
                diagnostics.push(Diagnostic {
                    what: format!("`{name}` inherits from itself: the inheritance is circular"),
                    hint: Some("let one of them inherit from `calm`, or from nothing".to_owned()),
                    ..asked
                });
                break;
            }
            seen.push(key.clone());
            let Some((file, mut found)) = self.read(&name, &key, shipped_wanted)? else {
                diagnostics.push(self.unknown(&name, asked));
                break;
            };
            diagnostics.append(&mut found);
            next = file.inherits.as_ref().map(|p| (p.value.clone(), Some(file.diagnostic(p.offset, ""))));
            files.push(file);
            child = Some(name);
        }
        if files.is_empty() { Err(diagnostics) } else { Ok((Chain { files }, diagnostics)) }
    }

    fn read(&self, name: &str, place: &str, shipped: bool) -> Result<Option<(File, Vec<Diagnostic>)>, Vec<Diagnostic>> {
        if !shipped && let Some(path) = self.own_file(name) {
            return crate::config::file::read_text(&path, MAX_BYTES)
                .map(|text| Some(File::parse(place, &text)))
                .map_err(|diagnostic| vec![diagnostic]);
        }
        Ok(SHIPPED.iter().find(|s| s.name == name).map(|s| File::parse(place, s.text)))
    }

    fn unknown(&self, name: &str, asked: Option<Diagnostic>) -> Diagnostic {
        let names = self.names();
        let hint = match did_you_mean(name, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("themes: {}; or the path of a file", names.join(", ")),
        };
        let asked = asked.unwrap_or_else(|| Diagnostic::new("theme", ""));
        Diagnostic { what: format!("no theme `{name}`"), hint: Some(hint), ..asked }
    }
}

impl Chain {
    /// The styles, and their background.
    fn resolve(&self, name: &str, diagnostics: &mut Vec<Diagnostic>) -> (Theme, color::Rgb) {
        // Every word of each palette is looked at, so that a slip in one that no role uses is found too.
        let mut palette: BTreeMap<&str, Color> = BTreeMap::new();
        for file in self.files.iter().rev() {
            for (word, value) in &file.palette {
                match color::parse(&value.value) {
                    Some(color) => _ = palette.insert(word, color),
                    None => diagnostics.push(not_a_color(file, value, word, std::iter::empty())),
                }
            }
        }
        let mut look = |file: &File, word: &At<String>, owner: &str| {
            let found = palette.get(word.value.as_str()).copied().or_else(|| color::parse(&word.value));
            if found.is_none() {
                diagnostics.push(not_a_color(file, word, owner, palette.keys().copied()));
            }
            found
        };
        let mut dressed: BTreeMap<Role, Style> = BTreeMap::new();
        for file in self.files.iter().rev() {
            for (role, spec) in &file.roles {
                let style = style_of(file, spec, role.def().name, &mut look);
                dressed.insert(*role, style);
            }
        }
        let background = self.files.iter().find_map(|f| {
            let word = f.background.as_ref()?;
            look(f, word, "background").and_then(color::rgb)
        });
        let styles = std::array::from_fn(|i| wearing(&dressed, ROLES[i].role));
        let theme = Theme { name: name.to_owned(), styles, glyphs: UNICODE };
        let backdrop = theme.style(Role::Surface).bg.and_then(color::rgb).or(background).unwrap_or_default();
        (theme, backdrop)
    }
}

fn style_of(
    file: &File,
    spec: &StyleSpec,
    owner: &str,
    look: &mut impl FnMut(&File, &At<String>, &str) -> Option<Color>,
) -> Style {
    let mut style = Style::new().add_modifier(spec.modifiers);
    style.fg = spec.fg.as_ref().and_then(|word| look(file, word, owner));
    style.bg = spec.bg.as_ref().and_then(|word| look(file, word, owner));
    style
}

/// The style of `role`, or of the first role in its line of fallbacks that has one.
fn wearing(dressed: &BTreeMap<Role, Style>, role: Role) -> Style {
    let mut role = role;
    loop {
        if let Some(style) = dressed.get(&role) {
            return *style;
        }
        let next = role.def().falls_back;
        if next == role {
            return Style::new();
        }
        role = next;
    }
}

fn not_a_color<'a>(
    file: &File,
    word: &At<String>,
    owner: &str,
    palette: impl Iterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let diagnostic = file.diagnostic(word.offset, format!("`{owner}`: `{}` is not a colour", word.value));
    match did_you_mean(&word.value, palette.chain(color::NAMES).chain(["default"])) {
        Some(near) if !word.value.starts_with('#') => diagnostic.hint(format!("did you mean `{near}`?")),
        _ => diagnostic.hint("write #rgb, #rrggbb, a name of the palette, an ANSI name, 0 to 255, or default"),
    }
}
