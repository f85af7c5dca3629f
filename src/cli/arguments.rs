//! What can be typed after `benchtop`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::config::Flag;

/// A top that knows what normal is: a live monitor for homelab and AI servers.
///
/// Without a command it shows the machine live; `?` lists its keys. Where standard output is no terminal it prints the
/// same figures once, as text.
#[derive(Debug, Parser)]
#[command(name = "benchtop", version, disable_help_subcommand = true, args_override_self = true)]
pub struct Arguments {
    /// Settings come from this file, which must exist.
    #[arg(short, long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Time between two refreshes: 0.5, 500ms, 2s.
    #[arg(short, long, value_name = "SECONDS", global = true)]
    delay: Option<String>,
    /// A folder that holds proc, sys, run and etc, in place of /.
    #[arg(long, value_name = "DIR", global = true)]
    root: Option<String>,
    /// A theme by name, or the path of a file.
    #[arg(long, value_name = "NAME", global = true)]
    theme: Option<String>,
    /// No colours: bold, dim and reverse alone.
    #[arg(long, global = true)]
    no_color: bool,
    /// Plain ASCII in place of lines, blocks and braille.
    #[arg(long, global = true)]
    ascii: bool,
    /// Nothing on this machine can be changed: no signals, no renice, no acts on containers and pools.
    #[arg(long, global = true)]
    read_only: bool,
    /// Leave clicks and the wheel to the terminal.
    #[arg(long, global = true)]
    no_mouse: bool,
    /// Messages for finding faults go into this file.
    #[arg(long, value_name = "FILE", global = true)]
    log: Option<String>,
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// What to do in place of the live screen.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Print every figure once.
    Once {
        /// As JSON, by assets/once.schema.json.
        #[arg(long)]
        json: bool,
    },
    /// Say of each source whether it is found, absent or denied, and the cure. Exit code 0, 1 or 2.
    Doctor {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write, check or show the settings.
    Config {
        #[command(subcommand)]
        verb: Option<ConfigVerb>,
    },
    /// List the themes, each with a sample of its colours.
    Themes,
    /// Print the completions of a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page.
    Man,
}

/// What to do with the settings.
#[derive(Debug, Subcommand)]
pub enum ConfigVerb {
    /// Write the commented example to the usual place, if nothing is there.
    Init,
    /// Name every mistake; exit code 2 when there is one.
    Check {
        /// This file in place of the usual one.
        file: Option<PathBuf>,
    },
    /// Print what is in force, and where each value comes from.
    Show,
    /// Print where the file is looked for.
    Path,
}

impl Arguments {
    /// The flags as settings.
    pub fn flags(&self) -> Vec<Flag> {
        let valued = [
            ("refresh", "--delay", &self.delay),
            ("root", "--root", &self.root),
            ("theme", "--theme", &self.theme),
            ("log", "--log", &self.log),
        ];
        let switched = [
            ("colors", "--no-color", self.no_color, "none"),
            ("ascii", "--ascii", self.ascii, "true"),
            ("read_only", "--read-only", self.read_only, "true"),
            ("mouse", "--no-mouse", self.no_mouse, "false"),
        ];
        let valued = valued
            .into_iter()
            .filter_map(|(path, name, value)| value.as_ref().map(|value| Flag { path, name, value: value.clone() }));
        let switched = switched.into_iter().filter(|(.., on, _)| *on).map(|(path, name, _, value)| Flag {
            path,
            name,
            value: value.to_owned(),
        });
        valued.chain(switched).collect()
    }
}
