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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        alert::shipped,
        model::model_server::{Model, ModelRow, Reading, Server, Work},
        ui::table::column::testing::{cell, column},
    };

    fn state() -> State {
        State::new(shipped().into())
    }

    fn model(name: &str, state: ModelState, running: f64, waiting: f64) -> ModelRow {
        let work = Work { running: Some(running), waiting: Some(waiting), ..Work::default() };
        let mut row = ModelRow::default();
        row.raw = Model { name: name.to_owned(), state, work, ..Model::default() };
        row
    }

    fn server(state: ServerState, models: Vec<ModelRow>) -> ServerRow {
        ServerRow { raw: Server { name: "box".into(), state, ..Server::default() }, models, ..ServerRow::default() }
    }

    fn up(models: Vec<ModelRow>) -> ServerRow {
        server(ServerState::Up, models)
    }

    fn shown(row: &ServerRow, id: &str) -> (String, Option<Role>) {
        let state = state();
        cell::<Models>(&state, id, &Row { server: row, state: &state })
    }

    #[test]
    fn a_server_says_what_it_does() {
        use ModelState::{Loaded, Loading, NotLoaded};
        let silent = || ServerState::Unreachable("connection refused".to_owned());
        for (row, words, models, role) in [
            (up(vec![]), "no model loaded", "", Some(Role::Text)),
            (
                up(vec![model("a", NotLoaded, 0.0, 0.0), model("b", NotLoaded, 0.0, 0.0)]),
                "no model loaded",
                "2 present",
                Some(Role::Text),
            ),
            (up(vec![model("a", Loaded, 0.0, 0.0), model("b", NotLoaded, 0.0, 0.0)]), "ready", "a", Some(Role::Text)),
            (up(vec![model("a", Loaded, 1.0, 0.0), model("b", Loaded, 0.0, 0.0)]), "busy", "a, b", Some(Role::Text)),
            (
                up(vec![model("a", Loaded, 1.0, 0.0), model("b", Loading, 0.0, 0.0)]),
                "loading",
                "a, b",
                Some(Role::Text),
            ),
            (server(ServerState::Waiting, vec![]), "waiting", "", Some(Role::Dim)),
            (server(silent(), vec![]), "unreachable", "", Some(Role::Warn)),
        ] {
            assert_eq!(shown(&row, "state"), (words.to_owned(), role));
            assert_eq!(shown(&row, "models").0, models, "{words}");
        }
    }

    #[test]
    fn the_worst_server_comes_first_and_of_equals_the_busiest() {
        let state = state();
        let need = |row: &ServerRow| Row { server: row, state: &state }.need();
        let loaded = |running, waiting| up(vec![model("a", ModelState::Loaded, running, waiting)]);
        let inside_out = [
            server(ServerState::Unreachable(String::new()), vec![]),
            loaded(200.0, 100.0),
            loaded(150.0, 100.0),
            loaded(0.0, 9.0),
            loaded(1.0, 0.0),
            loaded(0.0, 0.0),
            server(ServerState::Waiting, vec![]),
        ];
        let needs: Vec<u32> = inside_out.iter().map(need).collect();
        assert!(needs.is_sorted_by(|a, b| a < b), "{needs:?}");
        assert_eq!(need(&loaded(1e6, 0.0)), need(&loaded(400.0, 0.0)), "work never outweighs a level");
        assert!(need(&loaded(1e6, 1e6)) > needs[0]);
        assert!(need(&loaded(0.0, 0.0)) < need(&server(ServerState::Asleep, vec![])), "what is up before what sleeps");
    }

    #[test]
    fn one_that_fails_comes_first_whatever_it_does() {
        let mut rule = crate::alert::Rule::new("failed", crate::model::metrics::MODEL_FAILED_RATIO);
        rule.limits.crit = Some(0.1);
        let state = State::new(vec![rule].into());
        let mut fails = model("a", ModelState::Loaded, 3.0, 0.0);
        fails.flow.figures.failed = Some(0.5);
        let need = |row: &ServerRow| Row { server: row, state: &state }.need();
        let busy = up(vec![model("a", ModelState::Loaded, 1e6, 0.0)]);
        assert!(need(&up(vec![fails])) < need(&busy));
    }

    #[test]
    fn a_rate_has_a_decimal_while_it_has_one_digit() {
        for (value, words) in [(0.0, "0.0"), (0.04, "0.0"), (9.94, "9.9"), (9.96, "10"), (10.4, "10"), (4100.0, "4.1k")]
        {
            assert_eq!(rate(value), words, "{value}");
        }
    }

    #[test]
    fn what_is_not_known_of_a_server_is_no_zero() {
        for id in ["vram", "ttft", "tokens", "running", "queue", "kv"] {
            assert_eq!(shown(&up(vec![]), id).0, "–", "{id}");
        }
        let idle = up(vec![model("a", ModelState::Loaded, 0.0, 2.0)]);
        assert_eq!(shown(&idle, "running"), ("0".to_owned(), Some(Role::Faint)));
        assert_eq!(shown(&idle, "queue"), ("2".to_owned(), Some(Role::Text)));
        let silent = server(ServerState::Unreachable(String::new()), vec![model("a", ModelState::Loaded, 3.0, 2.0)]);
        assert_eq!(shown(&silent, "running").0, "–", "what was is not now");
    }

    #[test]
    fn notes_take_room_only_where_there_are_some() {
        let mut state = state();
        let empty = column::<Models>("note").empty.expect("it gives way");
        state.host.model_servers.rows = vec![up(vec![]), up(vec![])];
        assert!(empty(&state));
        let missing = Reading { missing: Some("start it with --metrics".to_owned()), ..Reading::default() };
        let mut quiet = up(vec![]);
        quiet.raw.reading = Arc::new(missing);
        assert_eq!(shown(&quiet, "note"), ("start it with --metrics".to_owned(), Some(Role::Dim)));
        let refused = server(ServerState::Unreachable("connection refused".to_owned()), vec![]);
        assert_eq!(shown(&refused, "note"), ("connection refused".to_owned(), Some(Role::Warn)));
        for noted in [quiet, refused] {
            state.host.model_servers.rows[1] = noted;
            assert!(!empty(&state));
        }
    }
}
