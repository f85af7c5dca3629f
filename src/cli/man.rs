//! `benchtop man`: the manual page, made from the same tables as the program: commands, flags, keys and variables.

use std::process::ExitCode;

use clap::{Arg, Command, CommandFactory};

use super::{
    arguments::{Arguments, DESCRIPTION, EXAMPLES},
    commands::print,
};
use crate::{
    config,
    ui::action::{ACTIONS, Action, ActionDef, Context},
};

/// Where settings and themes lie.
const FILES: [(&str, &str); 7] = [
    (
        "~/.config/benchtop/config.toml",
        "Your settings ($XDG_CONFIG_HOME in place of ~/.config). `benchtop config init` writes it, every setting explained; benchtop never rewrites it.",
    ),
    (
        "~/.config/benchtop/config.saved.toml",
        "What was saved on request, with ctrl-s on the screen or with `benchtop config save`. Your own file wins over it. Beside a file that --config names, it is called after that file.",
    ),
    ("~/.config/benchtop/themes/NAME.toml", "Your themes."),
    (
        "/etc/benchtop/config.toml",
        "The settings of the machine, for users who have no file of their own. What they saved wins over it.",
    ),
    (
        "~/.local/state/benchtop/history.db",
        "The history: results of benchmarks ($XDG_STATE_HOME in place of ~/.local/state). An SQLite file. /var/lib/benchtop/history.db where that folder is there and can be written.",
    ),
    ("/proc, /sys, /run, /etc", "What is read, below the folder that --root names."),
    (
        "/var/run/docker.sock, /run/podman/podman.sock, $XDG_RUNTIME_DIR/podman/podman.sock",
        "The container engines that are looked for.",
    ),
];

/// Variables other than those of settings.
const VARIABLES: [(&str, &str); 10] = [
    ("BENCHTOP_CONFIG", "The file of settings, as --config."),
    ("NO_COLOR", "Not empty: no colours."),
    ("TERM, COLORTERM", "What colours the terminal can show."),
    ("LC_ALL, LC_CTYPE, LANG", "Whether the terminal can show lines and braille."),
    ("DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG", "Where Docker is, as for docker(1)."),
    ("XDG_CONFIG_HOME", "The folder of settings, ~/.config if not set."),
    (
        "STATE_DIRECTORY, XDG_STATE_HOME",
        "The folder of the history: the one that systemd gives to a service, else a user's.",
    ),
    ("XDG_RUNTIME_DIR", "Where the socket of a rootless Podman or Docker is."),
    ("NOTIFY_SOCKET, WATCHDOG_USEC", "How record tells systemd that it is ready and alive."),
    ("PATH", "Where zpool, zfs and docker are looked for, before the system's folders."),
];

/// Exit codes.
const STATUS: [(&str, &str); 5] = [
    ("0", "Success. For doctor: all is found, or absent. For bench: all was measured. For check: nothing is wrong."),
    (
        "1",
        "The terminal was lost, or nothing could be read. For doctor: something is denied, late or broken. For bench: a regression, or a missed target. For check: a warning.",
    ),
    (
        "2",
        "A mistake in arguments or settings, or settings that could not be saved. For doctor: CPU, memory or processes cannot be read. For bench: something could not be run. For check: something critical.",
    ),
    ("3", "For check: nothing could be read."),
    ("other", "A signal ended the program."),
];

/// How to filter.
const FILTER: [(&str, &str); 7] = [
    ("nginx", "Rows that hold the word in any column."),
    ("user=root cpu>50", "Column, operator, value: = != > >= < <=. Conditions that follow one another must all hold."),
    ("name~^ollama", "~ and !~ match a regular expression."),
    ("memory>1G and not user=root", "and, or, not, parentheses; units as in 512M, 2G."),
    ("state=exited or restarts>0", "In containers."),
    ("used>80", "In pools."),
    ("container=jellyfin", "Processes of one container."),
];

/// `benchtop man`
pub fn page() -> ExitCode {
    print(&written(&Arguments::command()))
}

/// The page as roff for the macros of man(7).
pub(super) fn written(command: &Command) -> String {
    let mut page = Page::default();
    let version = env!("CARGO_PKG_VERSION");
    page.out = format!(".TH benchtop 1 \"\" \"benchtop {version}\" \"User Commands\"\n");
    page.section("NAME");
    page.text(&format!("benchtop - {}", about(command)));
    page.section("SYNOPSIS");
    page.raw(".B benchtop");
    page.text("[FLAGS] [COMMAND]");
    page.section("DESCRIPTION");
    page.text(DESCRIPTION);
    page.section("OPTIONS");
    command.get_arguments().for_each(|argument| page.argument(argument));
    page.section("COMMANDS");
    for sub in command.get_subcommands() {
        page.command("", sub);
    }
    page.section("KEYS");
    page.text("Keys can be rebound under [keys] of the settings, by the name in brackets. ? shows those in force.");
    for context in Context::ALL {
        page.raw(&format!(".SS {}", escaped(context.title())));
        let digits = |def: &&ActionDef| !matches!(def.action, Action::Focus(2..));
        for def in ACTIONS.iter().filter(|def| def.context == context).filter(digits) {
            let (keys, doc, name) = match def.action {
                Action::Focus(_) => ("1 … 9".to_owned(), "focus a pane by its number", "focus_1 … focus_9"),
                _ => (def.keys.join(", "), def.doc, def.name),
            };
            page.item(&keys, &format!("{doc} ({name})"));
        }
    }
    page.section("FILTER");
    FILTER.iter().for_each(|(filter, doc)| page.item(filter, doc));
    page.section("FILES");
    FILES.iter().for_each(|(file, doc)| page.item(file, doc));
    page.section("ENVIRONMENT");
    page.text("A flag wins over a variable, a variable over your file, your file over what was saved.");
    for (variable, setting) in config::variables() {
        page.item(variable, &format!("The setting {setting}."));
    }
    VARIABLES.iter().for_each(|(variable, doc)| page.item(variable, doc));
    page.section("\"EXIT STATUS\"");
    STATUS.iter().for_each(|(status, doc)| page.item(status, doc));
    page.section("EXAMPLES");
    EXAMPLES.iter().for_each(|(line, doc)| page.item(line, &format!("{}.", capital(doc))));
    page.out
}

/// A page in the making.
#[derive(Default)]
struct Page {
    out: String,
}

impl Page {
    fn raw(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    fn section(&mut self, name: &str) {
        self.raw(&format!(".SH {name}"));
    }

    fn text(&mut self, text: &str) {
        self.raw(&escaped(text));
    }

    /// What is explained, and the words for it.
    fn item(&mut self, what: &str, doc: &str) {
        self.raw(".TP");
        self.raw(&format!(".B {}", escaped(what)));
        self.text(doc);
    }

    fn argument(&mut self, argument: &Arg) {
        let value = match argument.get_value_names() {
            Some([name, ..]) if argument.get_action().takes_values() => format!(" {name}"),
            _ => String::new(),
        };
        let flag = match (argument.get_short(), argument.get_long()) {
            (Some(short), Some(long)) => format!("-{short}, --{long}{value}"),
            (None, Some(long)) => format!("--{long}{value}"),
            _ => value.trim().to_owned(),
        };
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        self.item(&flag, &format!("{}.", help.trim_end_matches('.')));
    }

    /// A command with what it takes beside the flags that all the page has explained, and the commands below it.
    fn command(&mut self, before: &str, command: &Command) {
        let name = format!("{before}{}", command.get_name());
        if command.has_subcommands() {
            let name = format!("{name} ");
            return command.get_subcommands().for_each(|sub| self.command(&name, sub));
        }
        let own = |argument: &&Arg| {
            argument.is_positional() || ["json", "rules", "targets"].contains(&argument.get_id().as_str())
        };
        let words: Vec<String> = command
            .get_arguments()
            .filter(own)
            .map(|argument| match argument.get_long() {
                Some(long) => format!("[--{long}]"),
                None => {
                    let name = argument.get_value_names().and_then(<[_]>::first).map_or("", |name| name.as_str());
                    if argument.is_required_set() { name.to_owned() } else { format!("[{name}]") }
                }
            })
            .collect();
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let more = help.split("\n\n").next().filter(|more| !more.starts_with("Example")).unwrap_or_default();
        let doc = format!("{}. {}", about(command).trim_end_matches('.'), more.replace('\n', " "));
        self.item(format!("{name} {}", words.join(" ")).trim_end(), doc.trim_end());
    }
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Text that roff leaves alone: no escapes, no requests, hyphens as they are typed.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('\n', " ");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}
