//! The containers pane: one row each, whatever engine runs it. A machine without an engine gives its room away; an engine
//! that does not answer says so in a line, and what it said last stays.

use crate::{
    alert::Level,
    config::{Settings, settings::TableSettings},
    model::source::SourceId,
    state::State,
    ui::{
        action::Action,
        containers::{cells, columns::Row, detail::ContainerDetail, log, operations},
        ids::{PaneId, RowKey},
        panes::tabled::{TablePane, Tabled, key_of},
        view::{Effect, Overlay, PaneDef, Rows},
    },
};

pub const DEF: PaneDef = PaneDef {
    id: PaneId::Containers,
    name: "containers",
    title: "containers",
    feeds: &[SourceId::Containers],
    min_width: 60,
    worth: 41,
    past: 0,
    make: |settings| Box::new(TablePane::<Containers>::new(&settings.containers, settings.group_containers)),
};

/// The table of containers.
pub struct Containers;

impl Tabled for Containers {
    const PANE: PaneId = PaneId::Containers;
    const SOURCE: SourceId = SourceId::Containers;
    const THING: &'static str = "container";
    const TAGS: bool = true;
    const GROUP: &'static str = "project";

    fn settings(settings: &mut Settings) -> Option<(&mut TableSettings, Option<&mut bool>)> {
        Some((&mut settings.containers, Some(&mut settings.group_containers)))
    }

    fn count(state: &State) -> usize {
        state.host.containers.rows.len()
    }

    fn row(state: &State, index: usize) -> Row<'_> {
        Row::new(&state.host.containers.rows[index], state)
    }

    fn key(state: &State, index: usize) -> RowKey {
        key_of(&state.host.containers.rows[index].meta.id)
    }

    fn detail(state: &State, index: usize) -> Box<dyn Overlay> {
        Box::new(ContainerDetail::new(state.host.containers.rows[index].meta.id.clone()))
    }

    fn notes(state: &State) -> Vec<(Level, String)> {
        let complaints =
            state.host.containers.engines.iter().filter_map(|engine| cells::complaint(engine, state.host.now));
        complaints.map(|line| (Level::Warn, line)).collect()
    }

    fn nothing(state: &State) -> &'static str {
        match () {
            () if state.host.containers.engines.iter().any(|e| e.listed) => "no containers",
            () if state.host.containers.engines.iter().any(|e| e.fault.is_none()) => "waiting…",
            () => "",
        }
    }

    fn summary(state: &State) -> String {
        cells::summary(state)
    }

    fn group(state: &State, index: usize) -> Option<&str> {
        state.host.containers.rows[index].meta.project.as_deref()
    }

    fn act(action: Action, state: &State, _settings: &Settings, chosen: &[usize]) -> Option<Vec<Effect>> {
        let ids: Vec<String> = chosen
            .iter()
            .filter_map(|index| state.host.containers.rows.get(*index))
            .map(|row| row.meta.id.clone())
            .collect();
        match action {
            Action::Acts => Some(operations::choose(&ids, state)),
            Action::Logs => Some(log::open(ids.first().map_or("", String::as_str), state)),
            _ => None,
        }
    }

    fn hints() -> Vec<(Action, &'static str)> {
        vec![(Action::Logs, "log"), (Action::Acts, "acts")]
    }

    fn rows(state: &State) -> Option<Rows> {
        let all = &state.host.containers;
        let faults = all.engines.iter().filter(|e| e.fault.is_some()).count();
        if all.rows.is_empty() {
            // An engine without containers, or one that says nothing, is worth one line.
            let want = u16::try_from(faults).unwrap_or(u16::MAX).clamp(1, 6) + 2;
            return (!all.engines.is_empty()).then_some(Rows { min: 3, want });
        }
        let want = u16::try_from(all.rows.len() + faults).unwrap_or(u16::MAX).saturating_add(3);
        // What an engine's silence takes, its containers do not lose.
        let least = 6 + u16::try_from(faults).unwrap_or(u16::MAX).min(3);
        Some(Rows { min: want.min(least), want })
    }

    fn tally(state: &State) -> String {
        format!("{} of {} up", state.host.containers.running(), state.host.containers.rows.len())
    }
}
