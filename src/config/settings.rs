//! Every setting with its built-in value. `config.example.toml` lists the same, commented.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::{destinations::NotifySettings, saving::Saving};
use crate::{
    model::{
        engine_address::EngineAddress,
        model_server::{ModelServerTarget, ProbeSettings},
        service::target::ServiceTarget,
    },
    sys::root::Root,
    target::Targets,
};

/// All settings, after flags, environment and file were merged.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Time between two refreshes, 100 ms to 1 min.
    pub refresh: Duration,
    /// The machine that is read.
    pub root: Root,
    /// Theme by name or path of a file.
    pub theme: String,
    /// Colours that the terminal can show.
    pub colors: Colors,
    /// Plain ASCII in place of lines, blocks and braille.
    pub ascii: bool,
    /// Mouse clicks and wheel.
    pub mouse: bool,
    /// Signals, renice and other acts are off.
    pub read_only: bool,
    /// Temperatures in Fahrenheit on the screen.
    pub fahrenheit: bool,
    /// What a kilowatt-hour costs, and in what; 0: not known.
    pub energy_price: f64,
    pub currency: String,
    /// Rows of panes by name, top to bottom; `None` is the built-in layout.
    pub layout: Option<Vec<Vec<String>>>,
    /// Panes that are never shown.
    pub hidden_panes: Vec<String>,
    /// The process table.
    pub processes: ProcessSettings,
    /// The table of containers.
    pub containers: TableSettings,
    /// The table of pools.
    pub pools: TableSettings,
    /// Disks not shown, by pattern with `*`.
    pub hidden_disks: Vec<String>,
    /// Interfaces not shown.
    pub hidden_interfaces: Vec<String>,
    /// Mounts not shown.
    pub hidden_mounts: Vec<String>,
    /// Sources that are not read at all, by name.
    pub disabled_sources: Vec<String>,
    /// Addresses of container engines beside those that are found.
    pub engines: Vec<EngineAddress>,
    /// Where notices of alerts go.
    pub notify: NotifySettings,
    /// What is probed.
    pub services: Vec<ServiceTarget>,
    /// Tells one content of the config file from another; `None` without a file.
    pub version: Option<String>,
    /// Model servers beside those that are found.
    pub model_servers: Vec<ModelServerTarget>,
    /// The optional probe of models.
    pub model_probe: ProbeSettings,
    /// The containers begin grouped by compose project.
    pub group_containers: bool,
    /// Keys by action name, in place of the built-in ones.
    pub keys: BTreeMap<String, Vec<String>>,
    /// Rules in force: the shipped ones with the user's changes.
    pub rules: Vec<crate::alert::Rule>,
    /// Hours in which alerts are not sent.
    pub maintenance: Vec<crate::alert::maintenance::Window>,
    /// What benchmarks are run on.
    pub bench: BenchSettings,
    /// Trace messages go here.
    pub log: Option<PathBuf>,
    /// What a good machine reaches, and what has which role on this one.
    pub targets: Targets,
    /// What is remembered.
    pub history: HistorySettings,
    /// Where what is changed on the screen is saved.
    pub saving: Saving,
}

/// The file of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistorySettings {
    /// Results are kept in it.
    pub enabled: bool,
    /// In place of the usual one.
    pub path: Option<PathBuf>,
}

impl Default for HistorySettings {
    fn default() -> Self {
        HistorySettings { enabled: true, path: None }
    }
}

/// How a table begins.
#[derive(Debug, Clone, PartialEq)]
pub struct TableSettings {
    /// Columns by name, left to right.
    pub columns: Vec<String>,
    /// Column to sort by.
    pub sort: String,
    /// The other way round than the column begins with.
    pub reverse: bool,
}

impl TableSettings {
    fn new<const N: usize>(columns: [&str; N], sort: &str) -> Self {
        TableSettings { columns: columns.map(str::to_owned).to_vec(), sort: sort.to_owned(), reverse: false }
    }
}

/// What benchmarks are run on, where that is not found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BenchSettings {
    /// Benchmarks whose regression may be undone automatically: patterns of their ids.
    pub undo: Vec<String>,
    /// Folders and datasets whose storage is measured, beside those that are found.
    pub storage: Vec<String>,
    /// Bytes of the file that storage is measured with.
    pub file_size: Option<u64>,
    /// Of the containers.
    pub image: Option<String>,
    /// Folders or datasets that are mounted into a container, beside a folder of our own.
    pub mounts: Vec<String>,
    /// A network of the engine whose throughput and latency are measured.
    pub network: Option<String>,
    /// Machines outside: `1.1.1.1`, `example.org:443`.
    pub hosts: Vec<String>,
    /// A server of iperf3 outside: `iperf.example.org:5201`.
    pub iperf3_server: Option<String>,
    /// A large file outside.
    pub download_url: Option<String>,
    /// The management page: `https://127.0.0.1:9443`.
    pub management_url: Option<String>,
}

/// How the process table begins.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessSettings {
    /// Its columns and its order.
    pub table: TableSettings,
    /// Start as a tree.
    pub tree: bool,
    /// Show kernel threads.
    pub kernel_threads: bool,
    /// Show threads of processes.
    pub threads: bool,
    /// Show the program's whole path.
    pub full_path: bool,
    /// Read every process in every round rather than the idle ones in turn.
    pub read_all: bool,
    /// CPU of a process against one core (`100 %` is one core) or against the whole machine.
    pub cpu_of_machine: bool,
}

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colors {
    /// Found out from the environment.
    Auto,
    None,
    Sixteen,
    TwoFiveSix,
    True,
}

/// Columns of the processes.
const PROCESSES: [&str; 14] = [
    "pid",
    "user",
    "state",
    "nice",
    "threads",
    "cpu",
    "graph",
    "memory",
    "gpu",
    "read",
    "write",
    "time",
    "container",
    "command",
];

/// Columns of the containers.
const CONTAINERS: [&str; 18] = [
    "name",
    "state",
    "cpu",
    "cpu_limit",
    "graph",
    "memory",
    "limit",
    "gpu",
    "receive",
    "send",
    "read",
    "write",
    "pids",
    "restarts",
    "up",
    "project",
    "image",
    "ports",
];

/// Columns of the pools.
const POOLS: [&str; 12] =
    ["name", "health", "used", "gauge", "free", "frag", "ratio", "read", "write", "latency", "errors", "scrub"];

impl Settings {
    /// True when the source of this name is not read at all.
    #[must_use]
    pub fn is_off(&self, source: &str) -> bool {
        self.disabled_sources.iter().any(|off| off == source)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            refresh: Duration::from_secs(1),
            root: Root::default(),
            theme: "calm".to_owned(),
            colors: Colors::Auto,
            ascii: false,
            mouse: true,
            read_only: false,
            fahrenheit: false,
            energy_price: 0.0,
            currency: "€".to_owned(),
            layout: None,
            hidden_panes: Vec::new(),
            processes: ProcessSettings::default(),
            containers: TableSettings::new(CONTAINERS, "state"),
            pools: TableSettings::new(POOLS, "health"),
            hidden_disks: Vec::new(),
            hidden_interfaces: Vec::new(),
            hidden_mounts: Vec::new(),
            disabled_sources: Vec::new(),
            engines: Vec::new(),
            notify: NotifySettings::default(),
            services: Vec::new(),
            maintenance: Vec::new(),
            version: None,
            model_servers: Vec::new(),
            model_probe: ProbeSettings::default(),
            group_containers: false,
            keys: BTreeMap::new(),
            rules: Vec::new(),
            bench: BenchSettings::default(),
            log: None,
            targets: Targets::default(),
            history: HistorySettings::default(),
            saving: Saving::default(),
        }
    }
}

impl Default for ProcessSettings {
    fn default() -> Self {
        ProcessSettings {
            table: TableSettings::new(PROCESSES, "cpu"),
            tree: false,
            kernel_threads: false,
            threads: false,
            full_path: false,
            read_all: false,
            cpu_of_machine: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_off_by_its_whole_name() {
        let settings = Settings { disabled_sources: vec!["pools".to_owned(), "gpu".to_owned()], ..Settings::default() };
        assert_eq!(["pools", "gpu", "pool", "cpu"].map(|source| settings.is_off(source)), [true, true, false, false]);
        assert!(!Settings::default().is_off("pools"));
    }
}
