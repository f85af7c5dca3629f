//! The services pane: what is probed, how it stands and how long it takes against what is usual. Without a `[[service]]` it
//! gives its room away.

use crate::{
    alert::Level,
    config::settings::TableSettings,
    model::{source::SourceId, subject::Subject},
    state::{State, levels},
    ui::{
        action::Context,
        canvas::DrawCx,
        ids::PaneId,
        services::{
            cells,
            row::{Row, Services},
        },
        table::{
            core::Table,
            def::{TableDef, key_of},
            pane::{PaneTable, TablePane},
        },
        view::{Effect, PaneDef, Rows},
    },
    units::span_short,
};

pub const DEF: PaneDef = PaneDef {
    id: PaneId::Services,
    name: "services",
    title: "services",
    feeds: &[SourceId::Services],
    min_width: 44,
    worth: 36,
    past: 0,
    make: |_| {
        let begin = TableSettings { columns: Vec::new(), sort: "state".to_owned(), reverse: false };
        Box::new(TablePane::<Services>::new(&begin, false, ()))
    },
};

impl TableDef for Services {
    type Key = u64;
    type Cx<'a> = &'a State;
    type Options = ();
    const SOURCES: &'static [SourceId] = &[SourceId::Services];
    const NOUN: &'static str = "service";

    fn cx<'a>(state: &'a State, (): &'a ()) -> &'a State {
        state
    }

    fn count(state: &State) -> usize {
        state.host.services.rows.len()
    }

    fn row<'a>(state: Self::Cx<'a>, index: usize) -> Self::Row<'a> {
        Row::new(&state.host.services.rows[index], state)
    }

    fn key(state: &State, index: usize) -> u64 {
        key_of(&state.host.services.rows[index].probe.name)
    }

    fn notes(state: &State) -> Vec<(Level, String)> {
        let cut_off = state.host.services.cut_off.as_ref();
        let note = cut_off.map(|cut| {
            let age = span_short(state.host.now.since(cut.since));
            format!("this host has no network, {age}: none of {} services outside answers", cut.services)
        });
        note.map(|words| (levels::cut_off(state), words)).into_iter().collect()
    }

    fn open(state: &State, index: usize) -> Vec<Effect> {
        vec![Effect::OpenDetail(Subject::Service(state.host.services.rows[index].probe.name.clone()))]
    }
}

impl PaneTable for Services {
    const PANE: PaneId = PaneId::Services;
    const CONTEXT: Context = Context::List;

    fn rows(_table: &Table<Self>, state: &State) -> Option<Rows> {
        let all = Self::count(state);
        if all == 0 {
            return None;
        }
        let notes = Self::notes(state).len();
        let want = u16::try_from(all + notes).unwrap_or(u16::MAX).saturating_add(3);
        Some(Rows { min: want.min(5), want })
    }

    fn summary(_table: &Table<Self>, cx: &DrawCx<'_>) -> String {
        cells::summary(cx.state)
    }

    fn weight(state: &State, index: usize) -> Option<(Level, f64)> {
        let row = &state.host.services.rows[index];
        Some((levels::service(state, row), row.against_normal().unwrap_or(0.0)))
    }
}
