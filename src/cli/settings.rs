//! Settings in force: file, environment and flags, then what the terminal can show, then the theme.

use std::{path::PathBuf, process::ExitCode};

use super::known::known;
use crate::{
    app::output::stderr,
    config::{self, Flag, Loaded, Origin, Request, Settings},
    diag::Diagnostic,
    text::clean_lines,
    ui::theme::{self, ThemeSet},
};

/// Exit code of every mistake in the user's arguments and files.
pub const USAGE: u8 = 2;

/// What is in force.
pub struct Settled {
    pub loaded: Loaded,
    pub themes: ThemeSet,
    /// What the user should know of what was found out about the terminal and about saved settings.
    pub said: Option<String>,
}

/// Reads file, environment and flags; settles what the terminal can show; loads the theme. All mistakes are found in one
/// go: one in the file does not hide another in the theme.
pub fn settle(file: Option<PathBuf>, flags: Vec<Flag>) -> (Settled, Vec<Diagnostic>) {
    let env = |name: &str| std::env::var(name).ok();
    let known = known();
    let request = Request { file, flags, env: &env, known: &known };
    let (mut loaded, mut diagnostics) = config::load(&request);
    let settings = &mut loaded.settings;
    if settings.colors == config::settings::Colors::Auto {
        settings.colors = theme::colors(&env);
        let term = env("TERM").map_or("TERM is not set".to_owned(), |term| format!("TERM={term}"));
        loaded.origins.insert("colors".to_owned(), Origin::Found(term));
    }
    let mut said = None;
    if !settings.ascii
        && let Some(why) = theme::lacks_glyphs(&env)
    {
        settings.ascii = true;
        said = Some(format!("plain ASCII: {why} has no lines and braille"));
        loaded.origins.insert("ascii".to_owned(), Origin::Found(why));
    }
    let themes = ThemeSet::new(config::paths::themes(), settings.colors, settings.ascii);
    let themes = if theme::is_console(&env) && !settings.ascii { themes.on_console() } else { themes };
    if let Err(faults) = themes.load(&settings.theme) {
        let name = settings.theme.clone();
        let faults = if themes.own_file(&name).is_some() {
            faults
        } else {
            let diagnostic = loaded.diagnostic("theme", format!("no theme `{name}`"));
            vec![Diagnostic { hint: faults.into_iter().find_map(|f| f.hint), ..diagnostic }]
        };
        match loaded.origin("theme") {
            // The file of a saved theme may be gone since; that is no reason not to start.
            Origin::Saved(..) => {
                loaded.passed_over.extend(faults);
                loaded.settings.theme = Settings::default().theme;
                loaded.origins.remove("theme");
            }
            _ => diagnostics.extend(faults),
        }
    }
    if let Some(diagnostic) = loaded.passed_over.first() {
        said = Some(diagnostic.line());
    }
    (Settled { loaded, themes, said }, diagnostics)
}

/// Prints every diagnostic on standard error; 2.
pub fn complain(diagnostics: &[Diagnostic]) -> ExitCode {
    for diagnostic in diagnostics {
        // A file may hold anything, and so may its name.
        stderr(&format!("{}\n", clean_lines(&diagnostic.to_string())));
    }
    ExitCode::from(USAGE)
}
