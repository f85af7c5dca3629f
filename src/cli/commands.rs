//! Commands that do not read the machine: config, themes, completions.

use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::CommandFactory;
use clap_complete::Shell;

use super::{
    arguments::{Arguments, ConfigVerb},
    settings::{Settled, USAGE, complain, settle},
};
use crate::{
    app::{
        encode::styled,
        output::{columns, stderr, written},
    },
    config::{self, EXAMPLE, Flag, Loaded, save::Save},
    diag::Diagnostic,
    sink::doctor::Check,
    sys::remote,
    text::{clean, clean_lines, wrap},
    ui::theme::{Role, Theme, ThemeSet},
};

/// Prints `text`; a reader that has seen enough is no failure.
pub fn print(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush())).unwrap_or(ExitCode::SUCCESS)
}

/// `benchtop config …`
pub fn config(arguments: &Arguments, verb: Option<&ConfigVerb>) -> ExitCode {
    let rules = matches!(verb, Some(ConfigVerb::Show { rules: true, .. }));
    let targets = matches!(verb, Some(ConfigVerb::Show { targets: true, .. }));
    match verb {
        Some(ConfigVerb::Init { .. }) => init(arguments.config()),
        Some(ConfigVerb::Check { file, .. }) => check(arguments, file.clone()),
        Some(ConfigVerb::Path { .. }) => path(arguments),
        Some(ConfigVerb::Save { settings, .. }) => save(arguments, settings),
        Some(ConfigVerb::Show { .. }) | None => match settle(arguments.config(), arguments.flags()) {
            (settled, diagnostics) if diagnostics.is_empty() => {
                complain(&settled.loaded.passed_over);
                print(&clean_lines(&config::show(&settled.loaded, rules, targets)))
            }
            (_, diagnostics) => complain(&diagnostics),
        },
    }
}

fn init(named: Option<PathBuf>) -> ExitCode {
    let Some(path) = named.or_else(config::paths::config_file) else {
        let diagnostic = Diagnostic::new("HOME", "is not set, so there is no default place for settings");
        return complain(&[diagnostic.hint("name a file: benchtop --config FILE config init")]);
    };
    if !remote::answers(&path) {
        return complain(&[config::file::silent(&path)]);
    }
    let place = path.display().to_string();
    if path.exists() {
        let diagnostic = Diagnostic::new(place, "exists already, and is never overwritten");
        return complain(&[
            diagnostic.hint("`benchtop config check` validates it; config.example.toml has every setting")
        ]);
    }
    let parent = path.parent().map_or(Ok(()), fs::create_dir_all);
    // A file created since the check is left alone too.
    let created = parent.and_then(|()| fs::File::create_new(&path)).and_then(|mut f| f.write_all(EXAMPLE.as_bytes()));
    match created {
        Ok(()) => print(&format!("wrote {}\n", clean(&place))),
        Err(error) => complain(&[Diagnostic::new(place, format!("could not be written: {error}"))]),
    }
}

fn check(arguments: &Arguments, file: Option<PathBuf>) -> ExitCode {
    let (settled, mut diagnostics) = settle(file.or_else(|| arguments.config()), arguments.flags());
    let loaded = settled.loaded;
    diagnostics.extend(loaded.passed_over);
    if !diagnostics.is_empty() {
        let code = complain(&diagnostics);
        let mistakes = if diagnostics.len() == 1 { "mistake" } else { "mistakes" };
        stderr(&format!("{} {mistakes}\n", diagnostics.len()));
        return code;
    }
    let files: Vec<String> = loaded.file.iter().chain(&loaded.saved).map(|f| f.display().to_string()).collect();
    print(&clean_lines(&match files.is_empty() {
        true => "no file: the built-in settings are in force (`benchtop config init` writes one)\n".to_owned(),
        false => files.iter().map(|file| format!("{file}: no mistakes\n")).collect(),
    }))
}

/// Saves flags and settings; prints what is saved where there are none.
fn save(arguments: &Arguments, pairs: &[String]) -> ExitCode {
    let mut flags = arguments.flags();
    let mut faults = Vec::new();
    for pair in pairs {
        match pair.split_once('=').map(|(path, value)| (config::save::known(path.trim()), value.trim())) {
            // What the engines' addresses are shown as hides passwords: saved, it would be of no use.
            Some((Some("containers.engines"), _)) => {
                let diagnostic = Diagnostic::new("containers.engines", "may hold passwords, and is not saved");
                faults.push(diagnostic.hint("write it in your own file (`benchtop config path`)"));
            }
            Some((Some(path), value)) => flags.push(Flag { path, name: path, value: value.to_owned() }),
            Some((None, _)) => {
                let diagnostic = Diagnostic::new(pair, "no such setting");
                faults.push(diagnostic.hint("`benchtop config show` lists them: processes.sort=memory"));
            }
            None => {
                let diagnostic = Diagnostic::new(pair, "this is not SETTING=VALUE");
                faults.push(diagnostic.hint("write it like theme=nord or processes.sort=memory"));
            }
        }
    }
    let paths: Vec<&str> = flags.iter().map(|flag| flag.path).collect();
    let (Settled { loaded, .. }, diagnostics) = settle(arguments.config(), flags);
    faults.extend(diagnostics);
    if !faults.is_empty() {
        return complain(&faults);
    }
    let saving = loaded.settings.saving.clone();
    if paths.is_empty() {
        let place = saving.file.as_ref().map_or_else(|| "HOME is not set".to_owned(), |f| f.display().to_string());
        complain(&loaded.passed_over);
        return print(&clean_lines(&match loaded.saved.as_ref().map(std::fs::read_to_string) {
            Some(Ok(text)) => format!("# {place}\n{text}"),
            _ => format!("nothing is saved yet ({place})\nname what to save: benchtop config save theme=nord\n"),
        }));
    }
    let changes = config::save::changes(&loaded.settings, &paths);
    let report = Save { saving, changes }.run();
    if report.complete {
        return print(&format!("{}\n", clean_lines(&report.text)));
    }
    stderr(&format!("{}\n", clean_lines(&report.text)));
    ExitCode::from(USAGE)
}

fn path(arguments: &Arguments) -> ExitCode {
    let asked = arguments.config().or_else(|| std::env::var_os("BENCHTOP_CONFIG").map(PathBuf::from));
    let own = asked.clone().or_else(config::paths::config_file);
    let system = asked.is_none().then(config::paths::system_file);
    let saved = own.as_deref().map(config::save::beside);
    let line = |path: PathBuf| {
        let there = match remote::answers(&path) {
            false => "  (its filesystem does not answer)",
            true if path.exists() => "",
            true => "  (not there)",
        };
        format!("{}{there}\n", path.display())
    };
    print(&clean_lines(&[own, saved, system].into_iter().flatten().map(line).collect::<String>()))
}

/// What `doctor` says of the settings, which are right when it is asked.
pub fn config_check(loaded: &Loaded) -> Check {
    let message = match &loaded.file {
        Some(file) => file.display().to_string(),
        None => "no file: the built-in settings are in force".to_owned(),
    };
    Check { id: "config".into(), state: "live".into(), message, hint: None }
}

/// `benchtop themes`: names, and on a terminal a sample of each.
pub fn themes(set: &ThemeSet, ascii: bool) -> ExitCode {
    let colored = io::stdout().is_terminal();
    let mut out = String::new();
    let mut broken = Vec::new();
    for name in set.names() {
        match set.load(&name) {
            Ok(theme) => {
                // Words go under words where the terminal is narrow.
                let (sample, before) = if colored { (sample(&theme, ascii), 34) } else { (String::new(), 14) };
                let about = clean(&set.about(&name)).into_owned();
                let about = match columns() {
                    usize::MAX => vec![about],
                    columns => wrap(&about, columns.saturating_sub(before).max(20)),
                };
                let about = about.join(&format!("\n{:before$}", ""));
                out.push_str(format!("{:<14}{sample}{about}", clean(&name)).trim_end());
                out.push('\n');
            }
            Err(mut diagnostics) => broken.append(&mut diagnostics),
        }
    }
    let code = print(&out);
    if broken.is_empty() {
        return code;
    }
    complain(&broken);
    ExitCode::from(USAGE)
}

fn sample(theme: &Theme, ascii: bool) -> String {
    let block = if ascii { "##" } else { "██" };
    let roles = [
        Role::Accent,
        Role::CpuUser,
        Role::CpuSystem,
        Role::MemoryUsed,
        Role::DiskRead,
        Role::NetReceive,
        Role::Warn,
        Role::Crit,
        Role::Dim,
    ];
    let blocks: String = roles.iter().map(|role| styled(theme.style(*role), block)).collect();
    format!("{blocks}  ")
}

/// `benchtop completions SHELL`
pub fn completions(shell: Shell) -> ExitCode {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "benchtop", &mut text);
    print(&String::from_utf8_lossy(&text))
}
