//! The services pane: what is probed, how it stands and how long it takes against what is usual. Without a `[[service]]` it
//! gives its room away.

use std::borrow::Cow;

use crate::{
    alert::Level,
    config::settings::TableSettings,
    model::{service::ServiceRow, source::SourceId, subject::Subject},
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
            def::ListDef,
            pane::{PaneTable, TablePane},
        },
        view::{PaneDef, Rows},
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

impl ListDef for Services {
    type Item = ServiceRow;
    const SOURCES: &'static [SourceId] = &[SourceId::Services];
    const NOUN: &'static str = "service";

    fn items(state: &State) -> &[ServiceRow] {
        &state.host.services.rows
    }

    fn row<'a>(service: &'a ServiceRow, state: &'a State) -> Row<'a> {
        Row::new(service, state)
    }

    fn id(service: &ServiceRow) -> Cow<'_, str> {
        Cow::Borrowed(&service.probe.name)
    }

    fn subject(service: &ServiceRow, _state: &State) -> Option<Subject> {
        Some(Subject::Service(service.probe.name.clone()))
    }

    fn notes(state: &State) -> Vec<(Level, String)> {
        let cut_off = state.host.services.cut_off.as_ref();
        let note = cut_off.map(|cut| {
            let age = span_short(state.host.now.since(cut.since));
            format!("this host has no network, {age}: none of {} services outside answers", cut.services)
        });
        note.map(|words| (levels::cut_off(state), words)).into_iter().collect()
    }
}

impl PaneTable for Services {
    const PANE: PaneId = PaneId::Services;
    const CONTEXT: Context = Context::List;

    fn rows(_table: &Table<Self>, state: &State) -> Option<Rows> {
        let all = Self::items(state).len();
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
