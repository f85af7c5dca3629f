//! The containers pane: one row each, whatever engine runs it. A machine without an engine gives its room away; an engine
//! that does not answer says so in a line, and what it said last stays.

use std::borrow::Cow;

use crate::{
    alert::Level,
    config::{Settings, settings::TableSettings},
    model::{container::ContainerRow, join, source::SourceId, subject::Subject},
    state::{State, levels},
    ui::{
        action::{Action, Context},
        canvas::DrawCx,
        containers::{
            cells, log, operations,
            row::{Containers, Row},
        },
        ids::PaneId,
        table::{
            core::Table,
            def::{ListDef, Nest},
            pane::{PaneTable, TablePane},
        },
        view::{Effect, PaneDef, Rows},
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
    make: |settings| Box::new(TablePane::<Containers>::new(&settings.containers, settings.group_containers, ())),
};

impl ListDef for Containers {
    type Item = ContainerRow;
    const SOURCES: &'static [SourceId] = &[SourceId::Containers, SourceId::Gpus];
    const NOUN: &'static str = "container";
    const TAGS: bool = true;
    const NEST: Nest = Nest::Groups("project");

    fn items(state: &State) -> &[ContainerRow] {
        &state.host.containers.rows
    }

    fn row<'a>(container: &'a ContainerRow, state: &'a State) -> Row<'a> {
        Row::new(container, state)
    }

    fn id(container: &ContainerRow) -> Cow<'_, str> {
        Cow::Borrowed(&container.meta.id)
    }

    fn subject(container: &ContainerRow, state: &State) -> Option<Subject> {
        Some(join::subject_of_container(&state.host, container))
    }

    fn group(container: &ContainerRow) -> Option<&str> {
        container.meta.project.as_deref()
    }

    fn notes(state: &State) -> Vec<(Level, String)> {
        let engines = state.host.containers.engines.iter();
        let note = |engine| Some((levels::engine(state, engine), cells::silence(engine, state.host.now)?));
        engines.filter_map(note).collect()
    }

    fn nothing(state: &State) -> &'static str {
        match () {
            () if state.host.containers.engines.iter().any(|e| e.listed) => "no containers",
            () if state.host.containers.engines.iter().any(|e| e.fault.is_none()) => "waiting…",
            () => "",
        }
    }
}

impl PaneTable for Containers {
    const PANE: PaneId = PaneId::Containers;
    const CONTEXT: Context = Context::Objects;
    const HINTS: &'static [(Action, &'static str)] = &[(Action::Logs, "log"), (Action::Acts, "acts")];

    fn act(table: &mut Table<Self>, action: Action, state: &State) -> Option<Vec<Effect>> {
        let rows = &state.host.containers.rows;
        let ids = || table.targets(state).into_iter().filter_map(|index| Some(rows.get(index)?.meta.id.clone()));
        match action {
            Action::Acts => Some(operations::choose(&ids().collect::<Vec<_>>(), state)),
            Action::Logs => Some(log::open(&ids().next().unwrap_or_default(), state)),
            _ => None,
        }
    }

    fn settings(settings: &mut Settings) -> Option<&mut TableSettings> {
        Some(&mut settings.containers)
    }

    fn settle(table: &Table<Self>, settings: &mut Settings) {
        settings.group_containers = table.nested;
    }

    fn rows(table: &Table<Self>, state: &State) -> Option<Rows> {
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
        let groups = u16::try_from(table.list.groups.len()).unwrap_or(u16::MAX);
        Some(Rows { min: want.min(least), want: want.saturating_add(groups) })
    }

    fn summary(_table: &Table<Self>, cx: &DrawCx<'_>) -> String {
        cells::summary(cx.state)
    }

    fn tally(_table: &Table<Self>, state: &State) -> String {
        format!("{} of {} up", state.host.containers.running(), state.host.containers.rows.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{container::Engine, fault::Fault};

    #[test]
    fn an_empty_pane_says_whether_it_waits() {
        let said = |engines: &[(bool, Option<Fault>)]| {
            let mut state = State::new(Vec::new().into());
            let engine = |(listed, fault): &(bool, Option<Fault>)| Engine {
                listed: *listed,
                fault: fault.clone(),
                ..Engine::default()
            };
            state.host.containers.engines = engines.iter().map(engine).collect();
            Containers::nothing(&state)
        };
        assert_eq!(said(&[(false, None)]), "waiting…");
        assert_eq!(said(&[(false, Some(Fault::Timeout)), (true, None)]), "no containers");
        assert_eq!(said(&[(false, Some(Fault::Timeout)), (false, None)]), "waiting…");
        assert_eq!(said(&[(false, Some(Fault::Timeout))]), "", "its fault is the line above");
    }
}
