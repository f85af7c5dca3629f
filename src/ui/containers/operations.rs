//! What can be done to a container: the list, and the question before it is done.

use super::{
    limits::Limits,
    parts::{engine_of, job, named},
};
use crate::{
    alert::Level,
    model::container::{ContainerRow, RunState},
    request::{Command, ContainerAct, Job},
    state::State,
    ui::{
        overlays::{confirm::Confirm, menu::Menu},
        theme::Role,
        view::Effect,
        widgets::sheet::SheetLine,
    },
};

/// Opens the list for the containers with these ids.
#[must_use]
pub fn choose(ids: &[String], state: &State) -> Vec<Effect> {
    let rows = found(ids, state);
    let title = match rows.as_slice() {
        [] => return vec![Effect::Say(Level::Advice, "no container is selected".to_owned())],
        [row] => format!("container {}", row.meta.name),
        rows => format!("{} containers", rows.len()),
    };
    let ids: Vec<String> = rows.iter().map(|row| row.meta.id.clone()).collect();
    let mut menu = Menu::new(title);
    for act in OPERATIONS {
        let count = rows.iter().filter(|row| suits(row.meta.state, act)).count();
        let label = if rows.len() > 1 { format!("{} {count}", act.word()) } else { act.word().to_owned() };
        if count > 0 {
            let ids = ids.clone();
            menu.add(label, act.doc(), false, move |state| ask(&ids, act, state));
        }
    }
    if let [row] = rows.as_slice()
        && row.meta.state == RunState::Running
    {
        let (id, same) = (row.meta.id.clone(), row.meta.id.clone());
        let then = move |state: &State| of_one(&id, state, |row| Effect::Open(Box::new(Limits::new(row))));
        menu.add("limits", "change its CPU and memory limits while it runs", false, then);
        let then = move |state: &State| of_one(&same, state, |row| shell(row, state));
        menu.add("shell", "open a shell in it; exit returns to benchtop", false, then);
    }
    vec![Effect::Open(Box::new(menu))]
}

const OPERATIONS: [ContainerAct; 7] = [
    ContainerAct::Start,
    ContainerAct::Stop,
    ContainerAct::Restart,
    ContainerAct::Pause,
    ContainerAct::Unpause,
    ContainerAct::Kill,
    ContainerAct::Remove,
];

/// An act means something for a container in this state.
fn suits(state: RunState, act: ContainerAct) -> bool {
    match state {
        RunState::Running | RunState::Restarting => {
            matches!(act, ContainerAct::Stop | ContainerAct::Restart | ContainerAct::Pause | ContainerAct::Kill)
        }
        RunState::Paused => matches!(act, ContainerAct::Unpause | ContainerAct::Kill),
        _ => matches!(act, ContainerAct::Start | ContainerAct::Remove),
    }
}

fn found<'a>(ids: &[String], state: &'a State) -> Vec<&'a ContainerRow> {
    ids.iter().filter_map(|id| state.host.containers.find(id)).collect()
}

fn gone() -> Vec<Effect> {
    vec![Effect::Say(Level::Advice, "it no longer exists: nothing was done".to_owned())]
}

/// What `then` says of the container with this id, as long as there is one.
fn of_one(id: &str, state: &State, then: impl Fn(&ContainerRow) -> Effect) -> Vec<Effect> {
    state.host.containers.find(id).map_or_else(gone, |row| vec![then(row)])
}

fn shell(row: &ContainerRow, state: &State) -> Effect {
    Effect::Do(Command::Shell { engine: engine_of(row, state), id: row.meta.id.clone() })
}

/// Asks before an operation: nothing is done without a yes.
fn ask(ids: &[String], act: ContainerAct, state: &State) -> Vec<Effect> {
    let rows = found(ids, state);
    if rows.is_empty() {
        return gone();
    }
    let rows: Vec<_> = rows.into_iter().filter(|row| suits(row.meta.state, act)).collect();
    let what = match rows.as_slice() {
        [] => return vec![Effect::Say(Level::Advice, format!("nothing left to {}", act.word()))],
        [row] => format!("{} {}", act.word(), row.meta.name),
        rows => format!("{} {} containers", act.word(), rows.len()),
    };
    let Some(job) = Job::all(rows.iter().map(|row| job(row, act, state)).collect()) else { return Vec::new() };
    let mut lines: Vec<SheetLine> = rows.iter().map(|row| named(row)).collect();
    lines.push(vec![(format!("{}: {}", act.word(), act.doc()), Role::Dim)]);
    vec![Effect::Open(Box::new(Confirm::new(format!("{what}?"), lines, job)))]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::*;
    use crate::{
        model::container::Container,
        ui::{action::Action, canvas::testing::drawn, view::Overlay},
    };

    fn machine(states: &[RunState]) -> State {
        let mut state = State::new(Vec::new().into());
        let row = |(at, state): (usize, &RunState)| {
            let meta =
                Container { id: format!("{at}"), name: format!("web-{at}"), state: *state, ..Container::default() };
            ContainerRow { meta: Arc::new(meta), ..ContainerRow::default() }
        };
        state.host.containers.rows = states.iter().enumerate().map(row).collect();
        state
    }

    fn ids(count: usize) -> Vec<String> {
        (0..count).map(|at| at.to_string()).collect()
    }

    fn opened(effects: Vec<Effect>) -> Result<Box<dyn Overlay>, String> {
        match effects.into_iter().rev().find(|effect| !matches!(effect, Effect::Close)) {
            Some(Effect::Open(overlay)) => Ok(overlay),
            Some(Effect::Say(_, words)) => Err(words),
            _ => Err("nothing opens".to_owned()),
        }
    }

    fn menu(ids: &[String], state: &State) -> Box<dyn Overlay> {
        opened(choose(ids, state)).expect("a list")
    }

    /// The first column of a list.
    fn labels(menu: &dyn Overlay, state: &State) -> Vec<String> {
        let (_, rows) = menu.size(state);
        let lines = drawn(state, (80, rows), |cx, area, canvas| menu.draw(cx, area, canvas)).lines();
        lines.iter().map(|line| line.split("   ").next().unwrap_or_default().trim().to_owned()).collect()
    }

    fn chosen(menu: &mut dyn Overlay, state: &State, later: &State, label: &str) -> Result<Box<dyn Overlay>, String> {
        let at = labels(menu, state).iter().position(|of| of == label).expect("it is offered");
        menu.act(Action::Top, state);
        (0..at).for_each(|_| drop(menu.act(Action::Down, state)));
        opened(menu.act(Action::Open, later).expect("it is chosen"))
    }

    #[test]
    fn only_what_suits_its_state_is_offered() {
        use RunState::{Created, Dead, Exited, Paused, Restarting, Running};
        for (state, offers) in [
            (Running, vec!["stop", "restart", "pause", "kill", "limits", "shell"]),
            (Restarting, vec!["stop", "restart", "pause", "kill"]),
            (Paused, vec!["unpause", "kill"]),
            (Exited, vec!["start", "remove"]),
            (Created, vec!["start", "remove"]),
            (Dead, vec!["start", "remove"]),
        ] {
            let machine = machine(&[state]);
            let menu = menu(&ids(1), &machine);
            assert_eq!(labels(&*menu, &machine), offers, "{state:?}");
            assert_eq!(menu.title(&machine), "container web-0");
        }
        let both = machine(&[Running, Exited, Running]);
        let menu = menu(&ids(3), &both);
        assert_eq!(menu.title(&both), "3 containers");
        assert_eq!(labels(&*menu, &both), ["start 1", "stop 2", "restart 2", "pause 2", "kill 2", "remove 1"]);
        assert_eq!(opened(choose(&[], &both)).err().as_deref(), Some("no container is selected"));
    }

    #[test]
    fn each_container_is_named_before_it_is_operated_on() {
        use RunState::{Exited, Running};
        let state = machine(&[Running, Exited, Running]);
        let ask =
            |count: usize, label: &str, later: &State| chosen(&mut *menu(&ids(count), &state), &state, later, label);
        let mut question = ask(3, "stop 2", &state).expect("it asks");
        assert_eq!(question.title(&state), "stop 2 containers?");
        let lines = drawn(&state, (80, 6), |cx, area, canvas| question.draw(cx, area, canvas)).lines();
        assert!(lines[0].contains("web-0") && lines[1].contains("web-2"), "{lines:?}");
        let effects = question.key(KeyEvent::new(KeyCode::Char('y'), KeyModifiers::NONE), &state).unwrap_or_default();
        assert!(effects.iter().any(|effect| matches!(effect, Effect::Do(Command::Job(_)))));
        assert_eq!(ask(1, "kill", &state).expect("it asks").title(&state), "kill web-0?");
        // What became of them while the list was open counts.
        let stopped = machine(&[Exited, Exited, Exited]);
        assert_eq!(ask(3, "stop 2", &stopped).err().as_deref(), Some("nothing left to stop"));
        let gone = "it no longer exists: nothing was done";
        assert_eq!(ask(3, "stop 2", &machine(&[])).err().as_deref(), Some(gone));
        for label in ["limits", "shell"] {
            assert_eq!(ask(1, label, &machine(&[])).err().as_deref(), Some(gone));
        }
        assert!(ask(1, "limits", &state).is_ok());
        let mut list = menu(&ids(1), &state);
        (0..5).for_each(|_| drop(list.act(Action::Down, &state)));
        let effects = list.act(Action::Open, &state).unwrap_or_default();
        assert!(effects.iter().any(|effect| matches!(effect, Effect::Do(Command::Shell { id, .. }) if id == "0")));
    }
}
