//! What can be done to a container: the list, and the question before what takes something away.

use super::{confirm::Confirm, limits::Limits, menu::Menu};
use crate::{
    act::job::{ContainerAct, Job},
    alert::Level,
    model::{
        container::{ContainerRow, RunState},
        engine_address::EngineAddress,
    },
    state::State,
    ui::{
        effect::{Command, Effect, Message, To},
        pane::PaneId,
        theme::Role,
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
    for (act, doc) in ACTS {
        let count = rows.iter().filter(|row| suits(row.meta.state, act)).count();
        let label = if rows.len() > 1 { format!("{} {count}", act.word()) } else { act.word().to_owned() };
        if count > 0 {
            menu.add(label, doc, false, Message::Container { ids: ids.clone(), act: Wish::Act(act) });
        }
    }
    if let [row] = rows.as_slice()
        && row.meta.state == RunState::Running
    {
        let message = |act| Message::Container { ids: ids.clone(), act };
        menu.add("limits", "change its CPU and memory limits while it runs", false, message(Wish::Limits));
        menu.add("shell", "open a shell in it; the screen comes back when the shell ends", false, message(Wish::Shell));
    }
    vec![Effect::Open(Box::new(menu.telling(To::Pane(PaneId::Containers))))]
}

const ACTS: [(ContainerAct, &str); 7] = [
    (ContainerAct::Start, "start it"),
    (ContainerAct::Stop, "ask it to end; kill it when it does not"),
    (ContainerAct::Restart, "stop, then start"),
    (ContainerAct::Pause, "halt all its processes"),
    (ContainerAct::Unpause, "let its processes go on"),
    (ContainerAct::Kill, "end it at once"),
    (ContainerAct::Remove, "remove it and what it wrote into its own layer; volumes stay"),
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

/// What was chosen in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Do this.
    Act(ContainerAct),
    /// Ask for new limits.
    Limits,
    /// Open a shell.
    Shell,
}

/// Does what was chosen; asks first where something is taken away.
#[must_use]
pub fn answer(ids: &[String], wish: Wish, state: &State) -> Vec<Effect> {
    let rows = found(ids, state);
    let Some(first) = rows.first() else {
        return vec![Effect::Say(Level::Advice, "it is gone: nothing was done".to_owned())];
    };
    let act = match wish {
        Wish::Limits => return vec![Effect::Open(Box::new(Limits::new(first, state)))],
        Wish::Shell => {
            let (engine, id) = (engine_of(first, state), first.meta.id.clone());
            return vec![Effect::Do(Command::Shell { engine, id })];
        }
        Wish::Act(act) => act,
    };
    let rows: Vec<_> = rows.into_iter().filter(|row| suits(row.meta.state, act)).collect();
    let what = match rows.as_slice() {
        [] => return vec![Effect::Say(Level::Advice, format!("there is nothing to {} any more", act.word()))],
        [row] => format!("{} {}", act.word(), row.meta.name),
        rows => format!("{} {} containers", act.word(), rows.len()),
    };
    let commands: Vec<Command> = rows.iter().map(|row| command(row, act, state)).collect();
    if !act.is_destructive() {
        let said = std::iter::once(Effect::Say(Level::Ok, format!("{what}…")));
        return said.chain(commands.into_iter().map(Effect::Do)).collect();
    }
    let lines = rows.iter().map(|row| {
        let facts = format!("  {}  {}  {}", row.meta.state.word(), row.short_id(), row.meta.image);
        vec![(row.meta.name.clone(), Role::Strong), (facts, Role::Dim)]
    });
    vec![Effect::Open(Box::new(Confirm::of_all(format!("{what}?"), lines.collect(), commands)))]
}

/// The request to the outside world.
#[must_use]
pub fn command(row: &ContainerRow, act: ContainerAct, state: &State) -> Command {
    let (id, name) = (row.meta.id.clone(), row.meta.name.clone());
    Command::Job(Job::Container { engine: engine_of(row, state), id, name, act })
}

fn engine_of(row: &ContainerRow, state: &State) -> EngineAddress {
    let engines = &state.host.containers.engines;
    engines.get(usize::from(row.meta.engine)).map(|e| e.address.clone()).unwrap_or_default()
}
