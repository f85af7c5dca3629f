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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{
            gpu::{Gpu, GpuRow},
            model_server::{Model, ModelRow, ModelState, Server, ServerState},
        },
        ui::{
            canvas::testing::{answered, drawn},
            view::Pane,
        },
    };

    fn model(state: ModelState, vram: Option<u64>, load_seconds: Option<f64>) -> ModelRow {
        let mut row = ModelRow::default();
        row.raw = Model { name: "gemma".into(), state, vram, ..Model::default() };
        row.load_seconds = load_seconds;
        row
    }

    fn machine(servers: Vec<(ServerState, Vec<ModelRow>)>) -> State {
        let mut state = State::new(Vec::new().into());
        answered(&mut state, SourceId::ModelServers, 1);
        let row = |(at, (state, models)): (usize, (ServerState, Vec<ModelRow>))| {
            let raw = Server { name: format!("box-{at}"), state, ..Server::default() };
            ServerRow { raw, models, ..ServerRow::default() }
        };
        state.host.model_servers.rows = servers.into_iter().enumerate().map(row).collect();
        state
    }

    fn pane(state: &State) -> Box<dyn Pane> {
        let mut pane = (DEF.make)(&Settings::default());
        pane.refresh(state, &Settings::default());
        pane
    }

    fn info(state: &State) -> String {
        let mut words = String::new();
        drawn(state, (1, 1), |cx, _, _| words = pane(state).info(cx));
        words
    }

    #[test]
    fn border_says_what_is_loaded_and_what_that_takes() {
        use ModelState::{Loaded, NotLoaded};
        const GIB: u64 = 1 << 30;
        let up = |models| (ServerState::Up, models);
        assert_eq!(info(&machine(vec![up(vec![model(NotLoaded, None, None)])])), "0 loaded");
        let mut state = machine(vec![
            up(vec![model(Loaded, Some(2 * GIB), Some(3.4)), model(Loaded, Some(GIB), Some(12.0))]),
            up(vec![model(Loaded, Some(GIB), None), model(NotLoaded, None, None)]),
        ]);
        assert_eq!(info(&state), "3 loaded · 4.0 GiB · load ≈ 12 s");
        let card = |memory_total| GpuRow { raw: Gpu { memory_total, ..Gpu::default() }, ..GpuRow::default() };
        state.host.gpus.rows = vec![card(Some(24 * GIB)), card(None), card(Some(8 * GIB))];
        assert_eq!(info(&state), "3 loaded · 4.0 GiB of 32.0 GiB · load ≈ 12 s");
        let mut on_cpu = machine(vec![up(vec![model(Loaded, Some(0), None)])]);
        on_cpu.host.gpus.rows = state.host.gpus.rows;
        assert_eq!(info(&on_cpu), "1 loaded");
    }

    #[test]
    fn it_asks_for_a_row_for_each_server() {
        let rows = |count: usize| {
            let state = machine((0..count).map(|_| (ServerState::Up, Vec::new())).collect());
            pane(&state).rows(&state, 80).map(|rows| (rows.min, rows.want))
        };
        assert_eq!([0, 1, 2].map(rows), [None, Some((4, 4)), Some((4, 5))]);
    }

    #[test]
    fn essentials_count_the_servers_that_answer() {
        let state = machine(vec![
            (ServerState::Up, Vec::new()),
            (ServerState::Loading, Vec::new()),
            (ServerState::Unreachable(String::new()), Vec::new()),
        ]);
        let shown = drawn(&state, (80, 4), |cx, area, canvas| pane(&state).draw_compact(cx, area, canvas));
        assert!(shown.line().ends_with("2 of 3 up"), "{}", shown.line());
        assert_eq!(Models::nothing(&state), "");
        let id = |at: usize| Models::id(&Models::items(&state)[at]).into_owned();
        assert_eq!((id(0), id(2)), ("box-0".to_owned(), "box-2".to_owned()));
        let subject = Models::subject(&state.host.model_servers.rows[1], &state);
        assert_eq!(subject, Some(Subject::ModelServer("box-1".into())));
    }
}
