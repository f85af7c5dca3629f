//! TABLE SETTINGS: one row each, with its place in the file, its environment variable, how it is read and how it is
//! shown. A setting that is not here does not exist.

use std::{path::PathBuf, time::Duration};

use super::{
    reading::{Reading, exact},
    settings::{Colors, Settings},
    tree::{At, Node},
};
use crate::{
    model::{engine_address::EngineAddress, source::SourceId},
    sys::{remote, root::Root},
};

/// Reads a value into the settings.
pub type Read = fn(&mut Settings, &At<Node>, &mut Reading<'_>);

/// One setting.
pub struct Field {
    /// Its path in the file: `processes.sort`.
    pub path: &'static str,
    /// The variable that sets it, where there is one.
    pub env: Option<&'static str>,
    /// Keys change it while the program runs.
    pub on_screen: bool,
    /// Reads it.
    pub read: Read,
    /// Its value as TOML; `None`: not set, and TOML has no value for that.
    pub show: fn(&Settings) -> Option<String>,
}

/// From the shortest time between two refreshes to the longest.
pub const REFRESH: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(60));

/// From the shortest time between two probes of a model server to the longest.
const PROBE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(86_400));

const COLORS: [(&str, Colors); 5] = [
    ("auto", Colors::Auto),
    ("none", Colors::None),
    ("16", Colors::Sixteen),
    ("256", Colors::TwoFiveSix),
    ("true", Colors::True),
];

const fn field(path: &'static str, read: Read, show: fn(&Settings) -> Option<String>) -> Field {
    Field { path, env: None, on_screen: false, read, show }
}

impl Field {
    const fn env(mut self, name: &'static str) -> Field {
        self.env = Some(name);
        self
    }

    const fn on_screen(mut self) -> Field {
        self.on_screen = true;
        self
    }
}

/// Rows for plain true-or-false settings.
macro_rules! flag {
    ($path:literal, $($field:ident).+) => {
        field(
            $path,
            |s, value, r| {
                if let Some(flag) = r.flag(value) {
                    s.$($field).+ = flag;
                }
            },
            |s| Some(s.$($field).+.to_string()),
        )
    };
}

/// Rows for lists of patterns and names.
macro_rules! patterns {
    ($path:literal, $($field:ident).+) => {
        field(
            $path,
            |s, value, r| {
                if let Some(texts) = r.texts(value) {
                    s.$($field).+ = texts.into_iter().map(|t| t.value).collect();
                }
            },
            |s| Some(list(&s.$($field).+)),
        )
    };
}

/// Rows for a text that need not be set.
macro_rules! text {
    ($path:literal, $($field:ident).+) => {
        field(
            $path,
            |s, value, r| {
                if let Some(text) = r.text(value) {
                    s.$($field).+ = Some(text);
                }
            },
            |s| s.$($field).+.as_deref().map(quoted),
        )
    };
}

/// The row for the columns of a table.
macro_rules! columns {
    ($table:literal, $($field:ident).+) => {
        field(
            concat!($table, ".columns"),
            |s, value, r| {
                let known = r.known;
                match r.names(value, "column", known.columns_of($table)) {
                    Some(names) if names.is_empty() => {
                        r.wrong(value.offset, concat!("`", $table, ".columns` is empty: a table needs a column"), None);
                    }
                    Some(names) => s.$($field).+.columns = names,
                    None => {}
                }
            },
            |s| Some(list(&s.$($field).+.columns)),
        )
        .on_screen()
    };
}

/// The row for the column that a table is sorted by.
macro_rules! sort {
    ($table:literal, $($field:ident).+) => {
        field(
            concat!($table, ".sort"),
            |s, value, r| {
                if let Some(text) = r.text(value) {
                    let known = r.known;
                    r.name(&At { offset: value.offset, value: text.clone() }, "column", known.columns_of($table));
                    s.$($field).+.sort = text;
                }
            },
            |s| Some(quoted(&s.$($field).+.sort)),
        )
        .on_screen()
    };
}

/// TABLE SETTINGS, in the order of the example file.
pub static FIELDS: &[Field] = &[
    field(
        "refresh",
        |s, value, r| s.refresh = r.span(value, REFRESH.0, REFRESH.1).unwrap_or(s.refresh),
        |s| Some(quoted(&exact(s.refresh))),
    )
    .env("BENCHTOP_REFRESH")
    .on_screen(),
    field("theme", |s, value, r| s.theme = r.text(value).unwrap_or(s.theme.clone()), |s| Some(quoted(&s.theme)))
        .env("BENCHTOP_THEME")
        .on_screen(),
    field(
        "colors",
        |s, value, r| {
            if let Some(i) = r.word(value, &COLORS.map(|(name, _)| name)) {
                s.colors = COLORS[i].1;
            }
        },
        |s| COLORS.iter().find(|(_, c)| *c == s.colors).map(|(name, _)| quoted(name)),
    )
    .env("BENCHTOP_COLORS"),
    flag!("ascii", ascii).env("BENCHTOP_ASCII"),
    flag!("mouse", mouse).env("BENCHTOP_MOUSE"),
    flag!("read_only", read_only).env("BENCHTOP_READ_ONLY"),
    field(
        "temperature",
        |s, value, r| {
            if let Some(i) = r.word(value, &["celsius", "fahrenheit"]) {
                s.fahrenheit = i == 1;
            }
        },
        |s| Some(quoted(if s.fahrenheit { "fahrenheit" } else { "celsius" })),
    ),
    field(
        "energy_price",
        |s, value, r| match value.value {
            Node::Real(price) if price.is_finite() && price >= 0.0 => s.energy_price = price,
            Node::Whole(price) if price >= 0 => s.energy_price = price as f64,
            _ => r.wrong(value.offset, "`energy_price` is not a price", Some("write a number: 0.32".to_owned())),
        },
        |s| Some(s.energy_price.to_string()),
    ),
    field(
        "currency",
        |s, value, r| s.currency = r.text(value).unwrap_or(s.currency.clone()),
        |s| Some(quoted(&s.currency)),
    ),
    field("root", root, |s| Some(quoted(&folder(&s.root)))).env("BENCHTOP_ROOT"),
    field(
        "log",
        |s, value, r| s.log = r.text(value).map(PathBuf::from).or(s.log.take()),
        |s| s.log.as_ref().map(|path| quoted(&path.display().to_string())),
    )
    .env("BENCHTOP_LOG"),
    field("layout.rows", layout, |s| {
        s.layout.as_ref().map(|rows| format!("[{}]", rows.iter().map(|r| list(r)).collect::<Vec<_>>().join(", ")))
    }),
    field(
        "layout.hide",
        |s, value, r| {
            let panes = &r.known.panes;
            s.hidden_panes = r.names(value, "pane", panes).unwrap_or_default();
        },
        |s| Some(list(&s.hidden_panes)),
    )
    .on_screen(),
    columns!("processes", processes.table),
    sort!("processes", processes.table),
    flag!("processes.reverse", processes.table.reverse).on_screen(),
    flag!("processes.tree", processes.tree).on_screen(),
    flag!("processes.kernel_threads", processes.kernel_threads).on_screen(),
    flag!("processes.threads", processes.threads).on_screen(),
    flag!("processes.full_path", processes.full_path).on_screen(),
    flag!("processes.read_all", processes.read_all),
    flag!("processes.cpu_of_machine", processes.cpu_of_machine),
    patterns!("hide.disks", hidden_disks),
    patterns!("hide.interfaces", hidden_interfaces),
    patterns!("hide.mounts", hidden_mounts),
    columns!("containers", containers),
    sort!("containers", containers),
    flag!("containers.reverse", containers.reverse).on_screen(),
    flag!("containers.group", group_containers).on_screen(),
    field("containers.engines", engines, |s| {
        Some(list(&s.engines.iter().map(ToString::to_string).collect::<Vec<_>>()))
    }),
    flag!("model_probe.enabled", model_probe.enabled),
    field(
        "model_probe.every",
        |s, value, r| s.model_probe.every = r.span(value, PROBE.0, PROBE.1).unwrap_or(s.model_probe.every),
        |s| Some(quoted(&exact(s.model_probe.every))),
    ),
    columns!("pools", pools),
    sort!("pools", pools),
    flag!("pools.reverse", pools.reverse).on_screen(),
    flag!("history.enabled", history.enabled),
    field(
        "history.path",
        |s, value, r| s.history.path = r.text(value).map(PathBuf::from).or(s.history.path.take()),
        |s| s.history.path.as_ref().map(|path| quoted(&path.display().to_string())),
    )
    .env("BENCHTOP_HISTORY"),
    field(
        "sources.disabled",
        |s, value, r| {
            s.disabled_sources = r.names(value, "source", &SourceId::ALL.map(SourceId::name)).unwrap_or_default();
        },
        |s| Some(list(&s.disabled_sources)),
    ),
    patterns!("bench.undo", bench.undo),
    patterns!("bench.storage", bench.storage),
    field("bench.file_size", file_size, |s| s.bench.file_size.map(|size| quoted(&size_words(size)))),
    text!("bench.image", bench.image),
    patterns!("bench.mounts", bench.mounts),
    text!("bench.network", bench.network),
    patterns!("bench.hosts", bench.hosts),
    text!("bench.iperf3_server", bench.iperf3_server),
    text!("bench.download_url", bench.download_url),
    text!("bench.management_url", bench.management_url),
];

fn root(settings: &mut Settings, value: &At<Node>, reading: &mut Reading<'_>) {
    let Some(text) = reading.text(value) else { return };
    let path = PathBuf::from(&text);
    if !remote::answers(&path) {
        let what = format!("`root`: the filesystem of `{text}` does not answer");
        reading.wrong(value.offset, what, None);
    } else if path.is_dir() {
        settings.root = Root::new(path);
    } else {
        let what = format!("`root`: no directory `{text}`");
        reading.wrong(value.offset, what, Some("name a directory with proc and sys in it, such as `/`".to_owned()));
    }
}

/// The size of a file, in bytes.
fn file_size(settings: &mut Settings, value: &At<Node>, reading: &mut Reading<'_>) {
    let least = 64 << 20;
    let size = match &value.value {
        Node::Text(text) => crate::units::parse_quantity(text),
        Node::Whole(bytes) => Some(*bytes as f64),
        _ => None,
    };
    match size {
        Some(size) if size >= f64::from(least) => settings.bench.file_size = Some(size as u64),
        Some(_) => reading.wrong(value.offset, "`bench.file_size` is less than 64M", None),
        None => reading.wrong(
            value.offset,
            "`bench.file_size` is not a size",
            Some("write it like \"2G\" or \"512M\"".to_owned()),
        ),
    }
}

/// `2G`, as it is read again.
fn size_words(bytes: u64) -> String {
    match bytes {
        bytes if bytes.is_multiple_of(1 << 30) => format!("{}G", bytes >> 30),
        bytes if bytes.is_multiple_of(1 << 20) => format!("{}M", bytes >> 20),
        bytes => bytes.to_string(),
    }
}

/// Addresses of engines, in the forms that are spoken.
fn engines(settings: &mut Settings, value: &At<Node>, reading: &mut Reading<'_>) {
    const FORMS: [&str; 4] = ["unix://", "tcp://", "http://", "https://"];
    let Some(texts) = reading.texts(value) else { return };
    for text in &texts {
        if !FORMS.iter().any(|form| text.value.strip_prefix(form).is_some_and(|rest| !rest.is_empty())) {
            let what = format!("`containers.engines`: `{}` is not an engine address", EngineAddress::new(&text.value));
            let hint = "write unix:///run/podman/podman.sock or tcp://nas:2375; one behind ssh: forward its socket with ssh -L";
            reading.wrong(text.offset, what, Some(hint.to_owned()));
        }
    }
    settings.engines = texts.into_iter().map(|text| EngineAddress::new(&text.value)).collect();
}

/// Rows of panes; no pane twice in the whole.
fn layout(settings: &mut Settings, value: &At<Node>, reading: &mut Reading<'_>) {
    let hint = Some("write rows of panes: [[\"cpu\", \"memory\"], [\"processes\"]]".to_owned());
    let Node::List(rows) = &value.value else {
        let what = format!("`layout.rows` is {}, not a list of rows", value.value.kind());
        return reading.wrong(value.offset, what, hint);
    };
    let panes = &reading.known.panes;
    let mut out: Vec<Vec<String>> = Vec::new();
    for row in rows {
        if matches!(row.value, Node::Text(_)) {
            reading.wrong(row.offset, "`layout.rows`: a row is a string, not a list", hint.clone());
            continue;
        }
        let Some(names) = reading.names(row, "pane", panes) else { continue };
        if let Some(twice) = names.iter().find(|n| out.iter().flatten().any(|other| other == *n)) {
            reading.wrong(row.offset, format!("`layout.rows`: pane `{twice}` is in two rows"), None);
        }
        out.push(names);
    }
    if out.iter().all(Vec::is_empty) {
        if reading.faults.is_empty() {
            reading.wrong(value.offset, "`layout.rows` has no pane", hint);
        }
        return;
    }
    settings.layout = Some(out);
}

/// The folder of a root without the slash at its end.
fn folder(root: &Root) -> String {
    let path = root.path("").display().to_string();
    if path == "/" { path } else { path.trim_end_matches('/').to_owned() }
}

/// A TOML string.
#[must_use]
pub fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A TOML list of strings.
#[must_use]
pub fn list(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|t| quoted(t)).collect::<Vec<_>>().join(", "))
}
