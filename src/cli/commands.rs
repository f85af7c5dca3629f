//! Commands that need no look at the machine: config, themes, completions, man.

use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::CommandFactory;
use clap_complete::Shell;

use super::{
    USAGE,
    arguments::{Arguments, ConfigVerb},
    complain, settle,
};
use crate::{
    app::{encode::styled, written},
    config::{self, EXAMPLE, Loaded},
    diag::Diagnostic,
    sink::doctor::Check,
    ui::theme::{Role, Theme, ThemeSet},
};

/// Prints `text`; a reader that has seen enough is no failure.
fn print(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush())).unwrap_or(ExitCode::SUCCESS)
}

/// `benchtop config …`
pub fn config(arguments: &Arguments, verb: Option<&ConfigVerb>) -> ExitCode {
    match verb {
        Some(ConfigVerb::Init) => init(arguments.config.clone()),
        Some(ConfigVerb::Check { file }) => check(arguments, file.clone()),
        Some(ConfigVerb::Path) => path(arguments),
        Some(ConfigVerb::Show) | None => match settle(arguments, arguments.config.clone()) {
            Ok(settled) => print(&config::show(&settled.loaded)),
            Err(findings) => complain(&findings),
        },
    }
}

fn init(named: Option<PathBuf>) -> ExitCode {
    let Some(path) = named.or_else(config::paths::config_file) else {
        let finding = Diagnostic::new("HOME", "is not set, so there is no usual place for settings");
        return complain(&[finding.hint("name a file: benchtop --config FILE config init")]);
    };
    let place = path.display().to_string();
    if path.exists() {
        let finding = Diagnostic::new(place, "is there already, and is never rewritten");
        return complain(&[finding.hint("`benchtop config check` judges it; config.example.toml has every setting")]);
    }
    let parent = path.parent().map_or(Ok(()), fs::create_dir_all);
    // A file that came between the look and the writing is left alone too.
    let created = parent.and_then(|()| fs::File::create_new(&path)).and_then(|mut f| f.write_all(EXAMPLE.as_bytes()));
    match created {
        Ok(()) => print(&format!("wrote {place}\n")),
        Err(error) => complain(&[Diagnostic::new(place, format!("could not be written: {error}"))]),
    }
}

fn check(arguments: &Arguments, file: Option<PathBuf>) -> ExitCode {
    let named = file.or_else(|| arguments.config.clone());
    match settle(arguments, named).map(|settled| settled.loaded) {
        Ok(Loaded { file: Some(file), .. }) => print(&format!("{}: nothing is wrong\n", file.display())),
        Ok(_) => print("no file: the built-in settings are in force (`benchtop config init` writes one)\n"),
        Err(findings) => {
            let code = complain(&findings);
            eprintln!("{} {}", findings.len(), if findings.len() == 1 { "finding" } else { "findings" });
            code
        }
    }
}

fn path(arguments: &Arguments) -> ExitCode {
    let asked = arguments.config.clone().or_else(|| std::env::var_os("BENCHTOP_CONFIG").map(PathBuf::from));
    let places = match asked {
        Some(path) => vec![path],
        None => config::paths::config_file().into_iter().chain([config::paths::system_file()]).collect(),
    };
    let line = |path: &PathBuf| {
        let there = if path.exists() { "" } else { "  (not there)" };
        format!("{}{there}\n", path.display())
    };
    print(&places.iter().map(line).collect::<String>())
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
                let sample = if colored { sample(&theme, ascii) } else { String::new() };
                out.push_str(format!("{name:<14}{sample}{}", set.about(&name)).trim_end());
                out.push('\n');
            }
            Err(mut findings) => broken.append(&mut findings),
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

/// `benchtop man`
pub fn man() -> ExitCode {
    let mut text = Vec::new();
    match clap_mangen::Man::new(Arguments::command()).render(&mut text) {
        Ok(()) => print(&String::from_utf8_lossy(&text)),
        Err(error) => complain(&[Diagnostic::new("man", error.to_string())]),
    }
}
