//! The columns of the model servers.

use std::borrow::Cow;

use crate::{
    alert::Level,
    model::{
        join::around_model_server,
        model_server::{ModelState, ServerRow, ServerState, Slow},
    },
    state::{State, levels},
    ui::{
        figures::role_of,
        table::column::{Column, Columns, Kind},
        theme::Role,
    },
    units,
};

/// The table of model servers.
pub struct Models;

/// A server with what its cells need of the machine.
pub struct Row<'a> {
    pub server: &'a ServerRow,
    pub state: &'a State,
}

impl Row<'_> {
    /// What it is doing: `up`, `loading`, `wants a key`.
    #[must_use]
    pub fn state_words(&self) -> &'static str {
        match self.server.raw.state {
            ServerState::Up if self.server.models.iter().any(|m| m.raw.state == ModelState::Loading) => "loading",
            ServerState::Up if self.server.running().is_some_and(|running| running > 0.0) => "busy",
            ServerState::Up if self.server.loaded().next().is_none() => "no model loaded",
            ServerState::Up => "ready",
            ref other => other.word(),
        }
    }

    /// The models in memory, and how many more there are.
    fn models(&self) -> String {
        let loaded: Vec<&str> = self.server.loaded().map(|model| model.raw.name.as_str()).collect();
        match (loaded.as_slice(), self.server.models.len()) {
            ([], 0) => String::new(),
            ([], present) => format!("{present} present"),
            (loaded, _) => loaded.join(", "),
        }
    }

    /// What holds it back.
    #[must_use]
    pub fn slow(&self) -> Option<Slow> {
        self.server.slow(&around_model_server(&self.state.host, self.server), self.state.host.now)
    }

    /// Why it does not answer, what it does not say, or what holds it back.
    fn note(&self) -> String {
        if let Some(why) = self.server.raw.state.why() {
            return why.to_owned();
        }
        if let Some(slow) = self.slow() {
            return format!("{}: {}", slow.by, slow.evidence);
        }
        self.server.raw.reading.missing.clone().filter(|_| self.server.is_up()).unwrap_or_default()
    }

    #[must_use]
    pub fn level(&self) -> Level {
        levels::model_server(self.state, self.server)
    }

    /// The worst first, then what does not answer, then the busiest.
    fn need(&self) -> u32 {
        let level = match self.level() {
            Level::Crit => 0,
            Level::Warn => 1,
            Level::Advice => 2,
            Level::Ok => 3,
            Level::Unknown => 4,
        };
        let work = self.server.running().unwrap_or(0.0) + self.server.waiting().unwrap_or(0.0);
        level * 1000 + 500 - work.clamp(0.0, 400.0) as u32 - u32::from(self.server.is_up()) * 50
    }
}

impl Columns for Models {
    type Row<'a> = Row<'a>;
    const COLUMNS: &'static [Column<Self>] = COLUMNS;
    const NAME: &'static str = "server";
}

type Col = Column<Models>;

/// `8.8`, `88`, `4.1k`.
fn rate(value: f64) -> String {
    if value < 9.95 { format!("{value:.1}") } else { units::count_short(value) }
}

static COLUMNS: &[Col] = &[
    Col::words("server", "SERVER", 16, 0, |r| Cow::Borrowed(&r.server.raw.name))
        .between(8, 30)
        .also(&["name"])
        .role(Role::Strong)
        .essential()
        .doc("as configured, or its kind and port"),
    Col::words("state", "STATE", 12, 0, |r| Cow::Borrowed(r.state_words()))
        .between(8, 16)
        .ordered(|r| r.need())
        .role_of(|r, _| match r.server.raw.state {
            ServerState::Up => role_of(r.level(), Role::Text),
            _ => role_of(r.level(), Role::Dim),
        })
        .essential()
        .doc("what it is doing; sorts problems first"),
    Col::words("models", "MODEL", 16, 1, |r| Cow::Owned(r.models()))
        .between(8, 40)
        .role(Role::Text)
        .essential()
        .doc("the models in memory"),
    Col::figure("vram", "VRAM", Kind::Bytes, 5, 4, |r| r.server.vram().map(|bytes| bytes as f64))
        .doc("memory of its models on cards"),
    Col::figure("ttft", "TTFT", Kind::Seconds, 6, 3, |r| r.server.first_token().map(|spread| spread.p50))
        .format(units::latency)
        .doc("time to the first token: the middle one of five minutes"),
    Col::figure("tokens", "TOK/S", Kind::Count, 6, 1, |r| r.server.tokens())
        .format(rate)
        .also(&["rate"])
        .role(Role::Text)
        .essential()
        .doc("tokens generated a second, of all requests together"),
    Col::figure("running", "RUN", Kind::Count, 4, 2, |r| r.server.running())
        .faint_zero(Role::Text)
        .doc("requests that are processed"),
    Col::figure("queue", "QUEUE", Kind::Count, 5, 1, |r| r.server.waiting())
        .also(&["waiting"])
        .faint_zero(Role::Text)
        .essential()
        .doc("requests that wait"),
    Col::figure("kv", "KV", Kind::Share, 4, 3, |r| r.server.kv_used())
        .doc("share of the KV cache in use, of the fullest model"),
    Col::words("note", "", 12, 2, |r| Cow::Owned(r.note()))
        .stretching()
        .empty(|state| state.host.model_servers.rows.iter().all(|server| Row { server, state }.note().is_empty()))
        .role_of(|r, _| match r.server.raw.state.why() {
            Some(_) => role_of(r.level(), Role::Dim),
            None => Role::Dim,
        })
        .doc("what holds it back, or why it does not answer"),
];
