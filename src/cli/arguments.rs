//! What can be typed after `benchtop`. Each command takes the flags that mean something to it; all of them may also stand
//! before the command.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use super::flags::{DelayFlag, DisplayFlags, FileFlag, Given, HistoryFlags, MachineFlags, SettingFlags, ThemeFlag};
use crate::{config::Flag, sink::recording::LEAST, units};

/// A live monitor for homelab and AI servers that says what is wrong
#[derive(Debug, Parser)]
#[command(
    name = "benchtop",
    version,
    disable_help_subcommand = true,
    args_override_self = true,
    subcommand_value_name = "COMMAND",
    after_help = examples()
)]
pub struct Arguments {
    #[command(flatten)]
    file: FileFlag,
    #[command(flatten)]
    settings: SettingFlags,
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// What it does without a command, for the help and the manual page.
pub const DESCRIPTION: &str = "Without a command it shows the machine live; ? lists its keys. When standard output is not a \
     terminal it prints the same figures once, as text.";

/// For the help and the manual page: a command line and what it does.
pub const EXAMPLES: [(&str, &str); 8] = [
    ("benchtop", "the live screen; ? lists its keys, q leaves"),
    ("benchtop --delay 2 --read-only", "slower, and nothing on the machine can be changed"),
    ("benchtop once | less", "one page of text"),
    ("benchtop once --json | jq '.alerts'", "every value as JSON"),
    ("benchtop doctor", "what can be read here, what cannot, and how to fix it"),
    ("benchtop --theme nord config save", "save a theme"),
    ("benchtop --root /host", "the host's files from inside a container"),
    ("ssh -t server benchtop", "another machine"),
];

/// Description and examples for the help.
fn examples() -> String {
    let columns = EXAMPLES.iter().map(|(line, _)| line.len()).max().unwrap_or(0);
    let lines = EXAMPLES.iter().map(|(line, doc)| format!("\n  {line:columns$}  {doc}"));
    std::iter::once(format!("{DESCRIPTION}\n\nExamples:")).chain(lines).collect()
}

/// Bytes as people write them.
fn size(text: &str) -> Result<u64, String> {
    let bytes = units::parse_quantity(text).filter(|bytes| (LEAST as f64..=1e15).contains(bytes));
    bytes.map(|bytes| bytes as u64).ok_or_else(|| "a size from 1MiB on: 500MB, 2GiB".to_owned())
}

/// What to do in place of the live screen.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Print every figure once, as text or JSON
    #[command(
        after_help = "Exit status: 0, or 1 when nothing could be read.\n\nExamples:\n  benchtop once | less\n  benchtop once --json | jq '.containers[] | select(.state != \"running\") | .name'"
    )]
    Once {
        /// As JSON, by assets/once.schema.json
        #[arg(long)]
        json: bool,
        /// How long slow sources are waited for
        #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=600))]
        wait: u16,
        #[command(flatten)]
        file: FileFlag,
        #[command(flatten)]
        machine: MachineFlags,
        #[command(flatten)]
        display: DisplayFlags,
    },
    /// Say what is wrong with this machine now, or in a recording
    #[command(
        after_help = "One line an alert, worst first; what is pending, acknowledged or silenced does not count. Alerts that wait longer than 30 seconds fire where `benchtop record` or a screen has seen them.\n\nExit status: 0 when nothing is wrong (or only advice), 1 warning, 2 critical, 3 when nothing could be read.\n\nExamples:\n  benchtop check || mail -s \"$(hostname)\" me@example.org\n  benchtop check --json | jq '.alerts[] | select(.level == \"crit\") | .message'\n  benchtop check --replay recording.jsonl"
    )]
    Check {
        /// As JSON, by assets/check.schema.json
        #[arg(long, conflicts_with_all = ["card", "replay"])]
        json: bool,
        /// The machine and its verdict in 72 columns, to paste into a chat: no command lines, no addresses
        #[arg(long, conflicts_with = "replay")]
        card: bool,
        /// Try the rules against a recording, one event a line: when each would have fired; - is standard input
        #[arg(long, value_name = "FILE")]
        replay: Option<PathBuf>,
        #[command(flatten)]
        file: FileFlag,
        #[command(flatten)]
        machine: MachineFlags,
        #[command(flatten)]
        display: DisplayFlags,
        #[command(flatten)]
        theme: ThemeFlag,
        #[command(flatten)]
        history: HistoryFlags,
    },
    /// Watch this machine without a screen until a signal comes: history and alerts
    #[command(
        after_help = "What fires and what is resolved is printed, one line each; for systemd see assets/systemd/benchtop.service. A live screen beside it shows the same alerts with the same ages.\n\nWith --events all that is read goes into a file too, for `benchtop check --replay`: names and command lines are in it, so it is readable by you alone.\n\nExit status: 0 after a signal, 1 when it could not go on.\n\nExamples:\n  benchtop record\n  benchtop record --events /var/tmp/events.jsonl\n  cat /var/tmp/events.jsonl.1 /var/tmp/events.jsonl | benchtop check --replay -"
    )]
    Record {
        /// Write every reading into FILE, one event a line, for `check --replay`
        #[arg(long, value_name = "FILE")]
        events: Option<PathBuf>,
        /// How large FILE and FILE.1, which has what was before, become together: 500MB, 2GiB
        #[arg(long, value_name = "SIZE", default_value = "500MB", requires = "events", value_parser = size)]
        events_size: u64,
        #[command(flatten)]
        file: FileFlag,
        #[command(flatten)]
        machine: MachineFlags,
        #[command(flatten)]
        delay: DelayFlag,
        #[command(flatten)]
        history: HistoryFlags,
    },
    /// Check every data source: found, absent or denied, and how to fix it
    #[command(
        after_help = "Exit status: 0 when all is found or absent, 1 when something is denied, late or broken, 2 when CPU, memory or processes cannot be read."
    )]
    Doctor {
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        file: FileFlag,
        #[command(flatten)]
        machine: MachineFlags,
        #[command(flatten)]
        display: DisplayFlags,
        #[command(flatten)]
        theme: ThemeFlag,
    },
    /// Measure the machine: list benchmarks, or run some or a whole suite
    #[command(
        args_conflicts_with_subcommands = true,
        after_help = "The plan, what speaks against it and the progress go to standard error, the results to standard output. Ctrl-C stops within a second and removes what was made.\n\nExit status: 0 when all was measured, 1 when a result is a regression or misses its target, 2 when something could not be run.\n\nExamples:\n  benchtop bench list\n  benchtop bench cpu memory\n  benchtop bench storage --on /srv\n  benchtop bench all --yes --json > results.json"
    )]
    Bench {
        #[command(subcommand)]
        verb: Option<BenchVerb>,
        /// Benchmarks by id, or a suite: containers, storage, network, models, machine, all
        #[arg(value_name = "ID|SUITE")]
        what: Vec<String>,
        /// Only on this: a folder, a dataset, an image … as `bench list` names it; can be given several times
        #[arg(long, value_name = "TARGET")]
        on: Vec<String>,
        /// Run each so many times, in turn
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
        runs: u32,
        /// Results as JSON, by assets/bench.schema.json
        #[arg(long)]
        json: bool,
        /// Do not ask before it begins; needed where there is no terminal
        #[arg(short, long)]
        yes: bool,
        #[command(flatten)]
        file: FileFlag,
        #[command(flatten)]
        machine: MachineFlags,
        #[command(flatten)]
        display: DisplayFlags,
        #[command(flatten)]
        history: HistoryFlags,
    },
    /// Report what was measured and kept
    Report {
        #[command(subcommand)]
        verb: ReportVerb,
    },
    /// Write, check, show or save the settings
    Config {
        #[command(subcommand)]
        verb: Option<ConfigVerb>,
    },
    /// List the themes, each with a sample of its colours
    Themes {
        #[command(flatten)]
        file: FileFlag,
        #[command(flatten)]
        display: DisplayFlags,
    },
    /// Print shell completions
    #[command(
        after_help = "Example:\n  benchtop completions bash > ~/.local/share/bash-completion/completions/benchtop"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    #[command(after_help = "Example:\n  benchtop man | man -l -")]
    Man,
}

/// What `bench judge` reads and writes.
const JUDGE_HELP: &str = r#"Each line is one run:
  {"benchmark":"copy","unit":"seconds","better":"lower","samples":[1.92,1.95,1.90]}
It may have "of" (what it was measured on), "at" (when) and "fingerprint" (an object of what it depends on). Only runs with the same fingerprint are compared; parts that may be why a figure changed are left out of that: benchtop, driver, engine, governor, kernel, pool_layout, runtime, and what follows the first dot of "tool".

Each benchmark gives one line with the verdict of its newest run:
  new             fewer than five runs before it
  same, noisy     not worse; noisy: its samples scatter too much to say that it is the same
  suspect         more than 10 % worse than the last 20 runs, more than chance explains
  regressed       three suspect runs in a row, together 17.5 % worse beyond doubt
  improved        the same the other way
  drift           a lasting change for the worse that is too small for those
  not_comparable  the fingerprint differs from that of all runs with a baseline
"ratio" is what the figure is in comparison with the baseline, "p" the probability of chance, "since" the "at" of the run with which it began, or its number. Ten samples a run are enough where they scatter by 15 %; five are the least.

Exit status: 0, 1 when a benchmark has regressed, 2 when the input has a mistake.

Example:
  benchtop bench judge runs.jsonl | jq 'select(.verdict == "regressed")'"#;

/// What to do with benchmarks beside running them.
#[derive(Debug, Subcommand)]
pub enum BenchVerb {
    /// List what can be measured on this machine, and why the rest cannot
    List {
        #[command(flatten)]
        file: FileFlag,
        #[command(flatten)]
        machine: MachineFlags,
    },
    /// Tell regressions from noise in runs of any benchmark, given as JSON lines
    #[command(after_help = JUDGE_HELP)]
    Judge {
        /// The runs, oldest first; standard input without it, or for -
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

/// What to report.
#[derive(Debug, Subcommand)]
pub enum ReportVerb {
    /// Every target with its last value, age and verdict
    #[command(
        after_help = "Verdicts: met, missed, stale (measured more than 30 days ago), unmeasured (and why), off. The targets are in assets/targets.toml; [targets] and [roles] of the settings change them. Exit status: 0.\n\nExamples:\n  benchtop report scorecard\n  benchtop report scorecard --json | jq '.targets[] | select(.verdict == \"missed\") | .name'"
    )]
    Scorecard {
        /// As JSON, by assets/report-scorecard.schema.json
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        file: FileFlag,
        #[command(flatten)]
        machine: MachineFlags,
        #[command(flatten)]
        display: DisplayFlags,
        #[command(flatten)]
        theme: ThemeFlag,
        #[command(flatten)]
        history: HistoryFlags,
    },
}

/// What to do with the settings.
#[derive(Debug, Subcommand)]
pub enum ConfigVerb {
    /// Write the commented example to the usual place, if nothing is there
    Init {
        #[command(flatten)]
        file: FileFlag,
    },
    /// Name every mistake; exit status 2 when there is one
    Check {
        /// Check this file in place of the usual one
        file: Option<PathBuf>,
        #[command(flatten)]
        named: FileFlag,
    },
    /// Print the settings in force, and where each value comes from
    Show {
        /// The rules too
        #[arg(long)]
        rules: bool,
        /// The built-in targets too
        #[arg(long)]
        targets: bool,
        #[command(flatten)]
        file: FileFlag,
        #[command(flatten)]
        flags: SettingFlags,
    },
    /// Save settings, so that the next start has them
    #[command(
        after_help = "Saved are the flags of this command line and each SETTING=VALUE, into config.saved.toml beside your own file, which is never rewritten and wins. Without any, it prints what is saved. On the screen ctrl-s saves what keys have changed.\n\nExamples:\n  benchtop config save --theme nord --delay 2\n  benchtop config save processes.sort=memory processes.tree=true\n  benchtop config save"
    )]
    Save {
        /// Settings as `config show` names them: processes.sort=memory
        #[arg(value_name = "SETTING=VALUE")]
        settings: Vec<String>,
        #[command(flatten)]
        file: FileFlag,
        #[command(flatten)]
        flags: SettingFlags,
    },
    /// Print where the files of settings are looked for
    Path {
        #[command(flatten)]
        file: FileFlag,
    },
}

/// The flags that a command took.
type Taken<'a> = (Option<&'a FileFlag>, Vec<&'a dyn Given>);

impl Arguments {
    /// The file of settings that was named: after the command, else before it.
    pub fn config(&self) -> Option<PathBuf> {
        let (own, _) = self.taken();
        own.and_then(|file| file.config.clone()).or_else(|| self.file.config.clone())
    }

    /// The flags as settings; one after the command comes last, and wins.
    pub fn flags(&self) -> Vec<Flag> {
        let mut out = Vec::new();
        self.settings.add(&mut out);
        self.taken().1.iter().for_each(|flags| flags.add(&mut out));
        out
    }

    /// The flags after the command.
    fn taken(&self) -> Taken<'_> {
        let Some(verb) = &self.verb else { return (None, Vec::new()) };
        let (file, flags): (_, Vec<&dyn Given>) = match verb {
            Verb::Once { file, machine, display, .. } => (file, vec![machine, display]),
            Verb::Check { file, machine, display, theme, history, .. } => {
                (file, vec![machine, display, theme, history])
            }
            Verb::Record { file, machine, delay, history, .. } => (file, vec![machine, delay, history]),
            Verb::Doctor { file, machine, display, theme, .. } => (file, vec![machine, display, theme]),
            Verb::Bench { verb: Some(BenchVerb::List { file, machine }), .. } => (file, vec![machine]),
            Verb::Bench { file, machine, display, history, .. } => (file, vec![machine, display, history]),
            Verb::Report { verb: ReportVerb::Scorecard { file, machine, display, theme, history, .. } } => {
                (file, vec![machine, display, theme, history])
            }
            Verb::Config {
                verb: Some(ConfigVerb::Show { file, flags, .. } | ConfigVerb::Save { file, flags, .. }),
            } => (file, vec![flags]),
            Verb::Config {
                verb:
                    Some(ConfigVerb::Init { file } | ConfigVerb::Check { named: file, .. } | ConfigVerb::Path { file }),
            } => (file, Vec::new()),
            Verb::Themes { file, display } => (file, vec![display]),
            Verb::Config { verb: None } | Verb::Completions { .. } | Verb::Man => return (None, Vec::new()),
        };
        (Some(file), flags)
    }
}
