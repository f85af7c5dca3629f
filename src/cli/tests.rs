//! Command lines and what comes of them: the mode and the settings, or the words of the error. Help, manual page and
//! completions as they are printed.

use std::path::Path;

use clap::{Command, CommandFactory, error::ErrorKind};

use super::{
    arguments::{Arguments, BenchVerb, ConfigVerb, ReportVerb, Verb},
    known, man,
};
use crate::config::{self, Request};

/// A command line, variables before the program as a shell has them, and the mode and settings that come of it.
const SETTINGS: &[(&str, &str)] = &[
    ("benchtop", "live"),
    ("benchtop --delay 2", "live refresh=2s"),
    ("benchtop -d 500ms", "live refresh=500ms"),
    ("benchtop -d 0.5", "live refresh=500ms"),
    ("benchtop -d0.5", "live refresh=500ms"),
    ("benchtop --delay=1m", "live refresh=1m"),
    ("benchtop -d 2 -d 3", "live refresh=3s"),
    ("benchtop --read-only", "live read_only=true"),
    ("benchtop --no-mouse", "live mouse=false"),
    ("benchtop --no-color", "live colors=none"),
    ("benchtop --ascii", "live ascii=true"),
    ("benchtop --theme nord", "live theme=nord"),
    ("benchtop --theme /tmp/my.toml", "live theme=/tmp/my.toml"),
    ("benchtop --root /proc", "live root=/proc"),
    ("benchtop --log /tmp/b.log", "live log=/tmp/b.log"),
    ("benchtop -c b.toml", "live file=b.toml"),
    ("benchtop -c b.toml --read-only --delay 5s", "live file=b.toml refresh=5s read_only=true"),
    ("benchtop once", "once"),
    ("benchtop once --json", "once json"),
    ("benchtop --root /proc once", "once root=/proc"),
    ("benchtop once --root /proc --ascii --no-color", "once colors=none ascii=true root=/proc"),
    ("benchtop --root /etc once --root /proc", "once root=/proc"),
    ("benchtop --config a once --config b", "once file=b"),
    ("benchtop --config a once", "once file=a"),
    ("benchtop --delay 2 once", "once refresh=2s"),
    ("benchtop bench", "bench x1"),
    ("benchtop bench list", "bench list"),
    ("benchtop bench list --root /proc", "bench list root=/proc"),
    ("benchtop bench cpu storage --on /srv --on tank -y", "bench cpu storage /srv tank x1 yes"),
    ("benchtop bench all --runs 3 --json --yes --ascii", "bench all x3 json yes ascii=true"),
    ("benchtop --config a bench all -c b --no-history", "bench all x1 file=b enabled=false"),
    ("benchtop check", "check"),
    ("benchtop check --json -c b.toml", "check json file=b.toml"),
    ("benchtop check --card --ascii --no-history", "check card ascii=true enabled=false"),
    ("benchtop check --replay r.jsonl", "check replay r.jsonl"),
    ("benchtop record --delay 2 --no-history", "record refresh=2s enabled=false"),
    ("benchtop record --events x", "record events x 500000000"),
    ("benchtop record --events x --events-size 2MiB", "record events x 2097152"),
    ("benchtop record --events-size 2GB", "error: the following required arguments were not provided:"),
    (
        "benchtop record --events x --events-size 2",
        "error: invalid value '2' for '--events-size <SIZE>': a size from 1MiB on: 500MB, 2GiB",
    ),
    ("benchtop doctor", "doctor"),
    ("benchtop doctor --json --theme nord", "doctor json theme=nord"),
    ("benchtop doctor -c b.toml", "doctor file=b.toml"),
    ("benchtop themes --no-color", "themes colors=none"),
    ("benchtop themes --ascii -c b.toml", "themes file=b.toml ascii=true"),
    ("benchtop report scorecard", "report scorecard"),
    ("benchtop --no-history report scorecard --json", "report scorecard json enabled=false"),
    ("benchtop report scorecard --ascii -c b.toml", "report scorecard file=b.toml ascii=true"),
    ("benchtop config", "config"),
    ("benchtop config init -c b.toml", "config init file=b.toml"),
    ("benchtop config check", "config check"),
    ("benchtop config check b.toml", "config check b.toml"),
    ("benchtop config check -c b.toml", "config check file=b.toml"),
    ("benchtop config path", "config path"),
    ("benchtop config show --rules --delay 3", "config show rules refresh=3s"),
    ("benchtop config show --targets", "config show targets"),
    ("benchtop --no-history", "live enabled=false"),
    ("benchtop --delay 3 config show --delay 4", "config show refresh=4s"),
    ("benchtop config save", "config save"),
    ("benchtop --theme nord config save", "config save theme=nord"),
    ("benchtop config save --no-mouse processes.sort=memory", "config save processes.sort=memory mouse=false"),
    ("benchtop bench judge", "bench judge"),
    ("benchtop bench judge runs.jsonl", "bench judge runs.jsonl"),
    ("benchtop bench judge -", "bench judge -"),
    ("benchtop completions fish", "completions fish"),
    ("benchtop man", "man"),
    ("BENCHTOP_THEME=nord benchtop", "live theme=nord"),
    ("BENCHTOP_THEME=nord benchtop --theme dracula", "live theme=dracula"),
    ("BENCHTOP_REFRESH=3 benchtop once", "once refresh=3s"),
    ("NO_COLOR=1 benchtop", "live colors=none"),
    ("NO_COLOR= benchtop", "live"),
    ("benchtop --help", "DisplayHelp"),
    ("benchtop -h", "DisplayHelp"),
    ("benchtop once --help", "DisplayHelp"),
    ("benchtop --version", "DisplayVersion"),
    ("benchtop -V", "DisplayVersion"),
];

/// A command line, and the first line of what it is answered with.
const ERRORS: &[(&str, &str)] = &[
    ("benchtop --delay", "error: a value is required for '--delay <SECONDS>' but none was supplied"),
    ("benchtop --delay 0", "--delay: `0` is less than 100ms"),
    ("benchtop --delay soon", "--delay: `soon` is not a duration"),
    ("benchtop --delay 2h", "--delay: `2h` is more than 1m"),
    ("benchtop --root /nowhere", "--root: no directory `/nowhere`"),
    ("benchtop --theme", "error: a value is required for '--theme <NAME>' but none was supplied"),
    ("benchtop --them nord", "error: unexpected argument '--them' found"),
    ("benchtop --json", "error: unexpected argument '--json' found"),
    ("benchtop onc", "error: unrecognized subcommand 'onc'"),
    ("benchtop once twice", "error: unexpected argument 'twice' found"),
    ("benchtop once --delay 2", "error: unexpected argument '--delay' found"),
    ("benchtop once --read-only", "error: unexpected argument '--read-only' found"),
    ("benchtop bench list cpu", "error: unexpected argument 'cpu' found"),
    ("benchtop bench cpu --runs 0", "error: invalid value '0' for '--runs <N>': 0 is not in 1..=100"),
    ("benchtop bench cpu --on", "error: a value is required for '--on <TARGET>' but none was supplied"),
    ("benchtop themes --json", "error: unexpected argument '--json' found"),
    ("benchtop config inti", "error: unrecognized subcommand 'inti'"),
    ("benchtop config init x", "error: unexpected argument 'x' found"),
    ("benchtop completions", "error: the following required arguments were not provided:"),
    ("benchtop completions ksh", "error: invalid value 'ksh' for '<SHELL>'"),
    ("benchtop help", "error: unrecognized subcommand 'help'"),
    ("BENCHTOP_REFRESH=0 benchtop", "BENCHTOP_REFRESH: `0` is less than 100ms"),
    ("BENCHTOP_READ_ONLY=maybe benchtop", "BENCHTOP_READ_ONLY: `maybe` is not true or false"),
];

/// What comes of a command line. The file of settings is `file`, which is empty, whatever the command line names.
fn outcome(line: &str, file: &Path) -> String {
    let is_variable = |word: &&str| {
        word.split_once('=').is_some_and(|(name, _)| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
    };
    let (variables, words): (Vec<&str>, Vec<&str>) = line.split(' ').partition(is_variable);
    let env = |name: &str| {
        variables.iter().filter_map(|pair| pair.split_once('=')).find(|(n, _)| *n == name).map(|(_, v)| v.to_owned())
    };
    let arguments = match clap::Parser::try_parse_from(words) {
        Ok(arguments) => arguments,
        Err(error) => return refused(&error),
    };
    let mut out = mode(&arguments);
    out.extend(arguments.config().map(|named| format!("file={}", named.display())));
    let known = known::known();
    let request = Request { file: Some(file.to_owned()), flags: arguments.flags(), env: &env, known: &known };
    let (loaded, diagnostics) = config::load(&request);
    if let Some(diagnostic) = diagnostics.first() {
        return diagnostic.line();
    }
    out.extend(set(&config::show(&loaded, false, false)));
    out.join(" ")
}

fn refused(error: &clap::Error) -> String {
    match error.kind() {
        kind @ (ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => format!("{kind:?}"),
        _ => error.to_string().lines().next().unwrap_or_default().to_owned(),
    }
}

/// The mode with what belongs to it alone.
fn mode(arguments: &Arguments) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut add = |word: &str| out.push(word.to_owned());
    match &arguments.verb {
        None => add("live"),
        Some(Verb::Once { json, .. }) => {
            add("once");
            json.then(|| add("json"));
        }
        Some(Verb::Check { json, card, replay, .. }) => {
            add("check");
            json.then(|| add("json"));
            card.then(|| add("card"));
            replay.iter().for_each(|file| add(&format!("replay {}", file.display())));
        }
        Some(Verb::Record { events, events_size, .. }) => {
            add("record");
            events.iter().for_each(|file| add(&format!("events {} {events_size}", file.display())));
        }
        Some(Verb::Doctor { json, .. }) => {
            add("doctor");
            json.then(|| add("json"));
        }
        Some(Verb::Report { verb: ReportVerb::Scorecard { json, .. } }) => {
            add("report scorecard");
            json.then(|| add("json"));
        }
        Some(Verb::Bench { verb: Some(BenchVerb::List { .. }), .. }) => add("bench list"),
        Some(Verb::Bench { verb: None, what, on, runs, json, yes, .. }) => {
            add("bench");
            what.iter().chain(on).for_each(|word| add(word));
            add(&format!("x{runs}"));
            json.then(|| add("json"));
            yes.then(|| add("yes"));
        }
        Some(Verb::Themes { .. }) => add("themes"),
        Some(Verb::Completions { shell }) => add(&format!("completions {shell}")),
        Some(Verb::Man) => add("man"),
        Some(Verb::Bench { verb: Some(BenchVerb::Judge { file }), .. }) => {
            add("bench judge");
            file.iter().for_each(|file| add(&file.display().to_string()));
        }
        Some(Verb::Config { verb }) => {
            add("config");
            match verb {
                None => {}
                Some(ConfigVerb::Init { .. }) => add("init"),
                Some(ConfigVerb::Check { file, .. }) => {
                    add("check");
                    file.iter().for_each(|file| add(&file.display().to_string()));
                }
                Some(ConfigVerb::Show { rules, targets, .. }) => {
                    add("show");
                    rules.then(|| add("rules"));
                    targets.then(|| add("targets"));
                }
                Some(ConfigVerb::Save { settings, .. }) => {
                    add("save");
                    settings.iter().for_each(|pair| add(pair));
                }
                Some(ConfigVerb::Path { .. }) => add("path"),
            }
        }
    }
    out
}

/// The settings that a flag or a variable set, of what `config show` prints.
fn set(shown: &str) -> Vec<String> {
    let of_flag = |line: &&str| line.contains(" # flag ") || line.contains(" # variable ");
    let pair = |line: &str| line.split(" # ").next().unwrap_or_default().trim().replace(" = ", "=").replace('"', "");
    shown.lines().filter(of_flag).map(pair).collect()
}

#[test]
fn command_lines_become_settings() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    assert_eq!(others(SETTINGS, file.path()), Vec::<String>::new());
}

/// The rows of which something else comes than they say, all at once.
fn others(rows: &[(&str, &str)], file: &Path) -> Vec<String> {
    let other = |(line, expected): &(&str, &str)| {
        let outcome = outcome(line, file);
        (outcome != *expected).then(|| format!("{line}\n  {outcome}\n  {expected}"))
    };
    rows.iter().filter_map(other).collect()
}

#[test]
fn wrong_command_lines_name_the_mistake() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    assert_eq!(others(ERRORS, file.path()), Vec::<String>::new());
}

fn accept(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(&env!("CARGO_PKG_VERSION").replace('.', r"\."), "VERSION");
    settings.set_snapshot_path("../../tests/command_line");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// Each command by its words, and what `--help` answers on a terminal of 100 columns.
fn helps(words: &[&str], command: &Command) -> Vec<(String, String)> {
    let arguments = words.iter().copied().chain(["--help"]);
    let help = Arguments::command().term_width(100).try_get_matches_from(arguments).expect_err("help").to_string();
    let mut out = vec![(words.join("-"), help)];
    for sub in command.get_subcommands() {
        out.extend(helps(&[words, &[sub.get_name()]].concat(), sub));
    }
    out
}

#[test]
fn help_of_each_command() {
    let helps = helps(&["benchtop"], &Arguments::command());
    assert_eq!(helps.len(), 19);
    helps.iter().for_each(|(name, help)| accept(&format!("help-{name}"), help));
}

#[test]
fn manual_page() {
    accept("man", &man::written(&Arguments::command()));
}

#[test]
fn completions_know_each_command_and_flag() {
    use clap_complete::Shell;
    let generated = |shell: Shell| {
        let mut out = Vec::new();
        clap_complete::generate(shell, &mut Arguments::command(), "benchtop", &mut out);
        String::from_utf8(out).expect("text")
    };
    accept("completions-fish", &generated(Shell::Fish));
    for shell in [Shell::Bash, Shell::Zsh, Shell::Elvish, Shell::PowerShell] {
        let text = generated(shell);
        for word in ["once", "doctor", "completions", "--read-only", "--no-mouse", "--json", "--rules", "--delay"] {
            assert!(text.contains(word), "{word} for {shell}");
        }
    }
}
