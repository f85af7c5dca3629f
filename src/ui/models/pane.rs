//! The pane of model servers: a line each, with what is loaded, how fast it answers, and what holds it back.

use std::borrow::Cow;

use super::columns::{Models, Row};
use crate::{
    config::{Settings, settings::TableSettings},
    model::{model_server::ServerRow, source::SourceId, subject::Subject},
    state::State,
    ui::{
        canvas::DrawCx,
        ids::PaneId,
        table::{
            core::Table,
            def::ListDef,
            pane::{PaneTable, TablePane},
        },
        view::{PaneDef, Rows},
    },
    units::bytes_long,
};

pub const DEF: PaneDef = PaneDef {
    id: PaneId::Models,
    name: "models",
    title: "models",
    feeds: &[SourceId::ModelServers],
    min_width: 50,
    worth: 36,
    past: 0,
    make: |_settings: &Settings| {
        let begin = TableSettings { columns: Vec::new(), sort: "state".to_owned(), reverse: false };
        Box::new(TablePane::<Models>::new(&begin, false, ()))
    },
};

impl ListDef for Models {
    type Item = ServerRow;
    const SOURCES: &'static [SourceId] = &[SourceId::ModelServers];
    const NOUN: &'static str = "model server";

    fn items(state: &State) -> &[ServerRow] {
        &state.host.model_servers.rows
    }

    fn row<'a>(server: &'a ServerRow, state: &'a State) -> Row<'a> {
        Row { server, state }
    }

    fn id(server: &ServerRow) -> Cow<'_, str> {
        Cow::Borrowed(&server.raw.name)
    }

    fn subject(server: &ServerRow, _state: &State) -> Option<Subject> {
        Some(Subject::ModelServer(server.raw.name.clone()))
    }

    fn nothing(_state: &State) -> &'static str {
        ""
    }
}

impl PaneTable for Models {
    const PANE: PaneId = PaneId::Models;

    fn rows(_table: &Table<Self>, state: &State) -> Option<Rows> {
        let count = state.host.model_servers.rows.len();
        let want = u16::try_from(count).unwrap_or(u16::MAX).saturating_add(3);
        (count > 0).then_some(Rows { min: want.min(4), want })
    }

    fn summary(_table: &Table<Self>, cx: &DrawCx<'_>) -> String {
        let host = &cx.state.host;
        let loaded: usize = host.model_servers.rows.iter().map(|row| row.loaded().count()).sum();
        let vram = host.model_servers.rows.iter().filter_map(|row| row.vram()).reduce(u64::saturating_add);
        let total = host.gpus.rows.iter().filter_map(|row| row.raw.memory_total).reduce(u64::saturating_add);
        let memory = match (vram.filter(|vram| *vram > 0), total) {
            (Some(vram), Some(total)) => format!(" · {} of {}", bytes_long(vram as f64), bytes_long(total as f64)),
            (Some(vram), None) => format!(" · {}", bytes_long(vram as f64)),
            _ => String::new(),
        };
        let load = host.model_servers.rows.iter().flat_map(|row| &row.models).filter_map(|model| model.load_seconds);
        let load = load.reduce(f64::max).map_or_else(String::new, |seconds| format!(" · load ≈ {seconds:.0} s"));
        format!("{loaded} loaded{memory}{load}")
    }

    fn tally(_table: &Table<Self>, state: &State) -> String {
        let rows = &state.host.model_servers.rows;
        format!("{} of {} up", rows.iter().filter(|row| row.is_well()).count(), rows.len())
    }
}
