//! Flags that are settings, in the groups in which commands take them, and as what the settings know them.

use std::path::PathBuf;

use clap::Args;

use crate::config::Flag;

/// The file of settings.
#[derive(Debug, Args)]
pub struct FileFlag {
    /// Read the settings from this file, which must exist
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Which machine is read.
#[derive(Debug, Args)]
pub struct MachineFlags {
    /// Read a folder that holds proc, sys, run and etc in place of /
    #[arg(long, value_name = "DIR")]
    root: Option<String>,
    /// Write debug messages to FILE
    #[arg(long, value_name = "FILE")]
    log: Option<String>,
}

/// What the terminal can show.
#[derive(Debug, Args)]
pub struct DisplayFlags {
    /// No colours: only bold, dim and reverse
    #[arg(long)]
    no_color: bool,
    /// Plain ASCII in place of lines, blocks and braille
    #[arg(long)]
    ascii: bool,
}

#[derive(Debug, Args)]
pub struct ThemeFlag {
    /// A theme by name (`benchtop themes` lists them), or the path of a file
    #[arg(long, value_name = "NAME")]
    theme: Option<String>,
}

#[derive(Debug, Args)]
pub struct DelayFlag {
    /// Refresh interval: 0.5, 500ms, 2s
    #[arg(short, long, value_name = "SECONDS")]
    delay: Option<String>,
}

/// Flags of the live screen.
#[derive(Debug, Args)]
pub struct ScreenFlags {
    #[command(flatten)]
    delay: DelayFlag,
    /// Change nothing on this machine: no signals, no renice, no operations on containers and pools
    #[arg(long)]
    read_only: bool,
    /// Leave clicks and the wheel to the terminal
    #[arg(long)]
    no_mouse: bool,
}

/// What is remembered.
#[derive(Debug, Args)]
pub struct HistoryFlags {
    /// Keep no results, and read none that were kept
    #[arg(long)]
    no_history: bool,
}

/// All flags that are settings.
#[derive(Debug, Args)]
pub struct SettingFlags {
    #[command(flatten)]
    machine: MachineFlags,
    #[command(flatten)]
    display: DisplayFlags,
    #[command(flatten)]
    theme: ThemeFlag,
    #[command(flatten)]
    screen: ScreenFlags,
    #[command(flatten)]
    history: HistoryFlags,
}

/// Flags of one group.
pub trait Given {
    /// Adds those that were given.
    fn add(&self, out: &mut Vec<Flag>);
}

/// A flag with a value, when it was given.
fn valued(out: &mut Vec<Flag>, path: &'static str, name: &'static str, value: Option<&String>) {
    out.extend(value.map(|value| Flag { path, name, value: value.clone() }));
}

/// A flag without one, when it was given.
fn switched(out: &mut Vec<Flag>, path: &'static str, name: &'static str, on: bool, value: &str) {
    if on {
        out.push(Flag { path, name, value: value.to_owned() });
    }
}

impl Given for MachineFlags {
    fn add(&self, out: &mut Vec<Flag>) {
        valued(out, "root", "--root", self.root.as_ref());
        valued(out, "log", "--log", self.log.as_ref());
    }
}

impl Given for DisplayFlags {
    fn add(&self, out: &mut Vec<Flag>) {
        switched(out, "colors", "--no-color", self.no_color, "none");
        switched(out, "ascii", "--ascii", self.ascii, "true");
    }
}

impl Given for ThemeFlag {
    fn add(&self, out: &mut Vec<Flag>) {
        valued(out, "theme", "--theme", self.theme.as_ref());
    }
}

impl Given for DelayFlag {
    fn add(&self, out: &mut Vec<Flag>) {
        valued(out, "refresh", "--delay", self.delay.as_ref());
    }
}

impl Given for ScreenFlags {
    fn add(&self, out: &mut Vec<Flag>) {
        self.delay.add(out);
        switched(out, "read_only", "--read-only", self.read_only, "true");
        switched(out, "mouse", "--no-mouse", self.no_mouse, "false");
    }
}

impl Given for HistoryFlags {
    fn add(&self, out: &mut Vec<Flag>) {
        switched(out, "history.enabled", "--no-history", self.no_history, "false");
    }
}

impl Given for SettingFlags {
    fn add(&self, out: &mut Vec<Flag>) {
        let groups: [&dyn Given; 5] = [&self.machine, &self.display, &self.theme, &self.screen, &self.history];
        groups.iter().for_each(|flags| flags.add(out));
    }
}
