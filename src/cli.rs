//! The command line: flags and subcommands, the settings that come of them, and the modes that they start.

mod arguments;
mod commands;
mod known;
mod man;

use std::{os::unix::net::UnixStream, path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;

use crate::{
    act, app, collect,
    config::{self, Flag, Loaded, Origin, Request, Settings},
    diag::Diagnostic,
    sys::helper,
    text::clean_lines,
    ui::theme::{self, Theme, ThemeSet},
};

use arguments::{Arguments, Verb};

/// Exit code of every mistake in the user's arguments and files.
const USAGE: u8 = 2;

/// Runs what the command line asks for.
#[must_use]
pub fn run() -> ExitCode {
    // Not an argument for people: help does not name it.
    if std::env::args_os().nth(1).is_some_and(|first| first == helper::ARGUMENT) {
        return helper::run(serve);
    }
    helper::enable(serve);
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are answers, not errors; a closed pipe behind them is nobody's fault.
            let code = if error.use_stderr() { USAGE } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match &arguments.verb {
        Some(Verb::Config { verb }) => commands::config(&arguments, verb.as_ref()),
        Some(Verb::Completions { shell }) => commands::completions(*shell),
        Some(Verb::Man) => man::page(),
        verb => with_settings(&arguments, verb.as_ref()),
    }
}

/// The helper's side of a line of this kind.
fn serve(kind: u8, line: UnixStream) {
    if kind == act::apart::SAVES { act::apart::serve(line) } else { collect::serve(kind, line) }
}

/// The modes that need settings.
fn with_settings(arguments: &Arguments, verb: Option<&Verb>) -> ExitCode {
    let Settled { loaded, themes, said } = match settle(arguments.config(), arguments.flags()) {
        (settled, diagnostics) if diagnostics.is_empty() => settled,
        (_, diagnostics) => return complain(&diagnostics),
    };
    if let Some(log) = &loaded.settings.log
        && let Err(diagnostic) = app::log_to(log)
    {
        return complain(&[diagnostic]);
    }
    match verb {
        Some(Verb::Once { json, wait, .. }) => {
            app::once::once(&loaded.settings, *json, Duration::from_secs(u64::from(*wait)))
        }
        Some(Verb::Doctor { json, .. }) => {
            let own = vec![commands::config_check(&loaded)];
            let theme = themes.load(&loaded.settings.theme).unwrap_or_else(|_| Theme::plain());
            app::once::doctor(&loaded.settings, &theme, *json, own)
        }
        Some(Verb::Themes { .. }) => commands::themes(&themes, loaded.settings.ascii),
        _ => app::live(loaded.settings, themes, said),
    }
}

/// What is in force.
struct Settled {
    loaded: Loaded,
    themes: ThemeSet,
    /// What the user should know of what was found out about the terminal and about saved settings.
    said: Option<String>,
}

/// Reads file, environment and flags; settles what the terminal can show; loads the theme. All mistakes are found in one
/// go: one in the file does not hide another in the theme.
fn settle(file: Option<PathBuf>, flags: Vec<Flag>) -> (Settled, Vec<Diagnostic>) {
    let env = |name: &str| std::env::var(name).ok();
    let known = known::known();
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
fn complain(diagnostics: &[Diagnostic]) -> ExitCode {
    for diagnostic in diagnostics {
        // A file may hold anything, and so may its name.
        eprintln!("{}", clean_lines(&diagnostic.to_string()));
    }
    ExitCode::from(USAGE)
}

#[cfg(test)]
mod tests;
