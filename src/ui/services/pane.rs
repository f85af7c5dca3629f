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

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{
        alert::shipped,
        clock::Stamp,
        config::Settings,
        model::service::{CutOff, Probe, Standing},
        ui::{
            action::Action,
            canvas::testing::{answered, drawn},
            theme::Role,
            view::{Effect, Pane},
        },
    };

    fn machine(standings: &[Standing]) -> State {
        let mut state = State::new(shipped().into());
        answered(&mut state, SourceId::Services, 100);
        let row = |(at, standing): (usize, &Standing)| {
            let (name, url) = (format!("web-{at}"), format!("http://web-{at}/"));
            let probe = Probe { name, url, every: Duration::from_secs(10), ..Probe::default() };
            let mut row = ServiceRow::new(Arc::new(probe), Stamp::at_seconds(1));
            row.standing = *standing;
            row
        };
        state.host.services.rows = standings.iter().enumerate().map(row).collect();
        state
    }

    fn pane(state: &State) -> Box<dyn Pane> {
        let mut pane = (DEF.make)(&Settings::default());
        pane.refresh(state, &Settings::default());
        pane
    }

    #[test]
    fn it_asks_for_a_row_a_service_and_one_for_a_lost_network() {
        let rows = |state: &State| pane(state).rows(state, 80).map(|rows| (rows.min, rows.want));
        assert_eq!(rows(&machine(&[])), None);
        assert_eq!(rows(&machine(&[Standing::Up])), Some((4, 4)));
        let mut state = machine(&[Standing::Up; 3]);
        assert_eq!(rows(&state), Some((5, 6)));
        state.host.services.cut_off = Some(CutOff { since: Stamp::at_seconds(40), services: 3 });
        assert_eq!(rows(&state), Some((5, 7)));
        let note = "this host has no network, 1m: none of 3 services outside answers";
        assert_eq!(Services::notes(&state), [(Level::Warn, note.to_owned())]);
        let shown = drawn(&state, (90, 6), |cx, area, canvas| pane(&state).draw(cx, area, canvas));
        assert_eq!((shown.line().as_str(), shown.role_of("this host")), (note, Some(Role::Warn)));
    }

    #[test]
    fn what_is_down_comes_first_and_opens() {
        let mut state = machine(&[Standing::Up, Standing::Paused, Standing::Down]);
        state.host.services.rows[2].failures = 3;
        let mut pane = pane(&state);
        let effects = pane.act(Action::Open, &state, &Settings::default()).unwrap_or_default();
        assert!(matches!(&effects[..], [Effect::OpenDetail(Subject::Service(name))] if name == "web-2"));
        let mut words = String::new();
        drawn(&state, (1, 1), |cx, _, _| words = pane.info(cx));
        assert_eq!(words, "1 up · 1 down · 1 paused");
        assert_eq!(Services::weight(&state, 0), Some((Level::Ok, 0.0)));
        assert_eq!(Services::weight(&state, 2), Some((Level::Crit, 0.0)));
        assert_eq!(Services::id(&state.host.services.rows[1]), "web-1");
        let compact = drawn(&state, (90, 4), |cx, area, canvas| pane.draw_compact(cx, area, canvas)).lines();
        assert!(compact[1].starts_with("web-2"), "{compact:?}");
    }
}
