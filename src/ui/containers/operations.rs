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
