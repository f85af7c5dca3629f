//! What can be done to a container: the list, and the question before what takes something away.

use super::{confirm::Confirm, limits::Limits, menu::Menu};
use crate::{
    act::job::{ContainerAct, Job},
    alert::Level,
    model::container::{ContainerRow, RunState},
    state::State,
    ui::{
        effect::{Command, Effect, Message, To},
        pane::PaneId,
        theme::Role,
    },
};

/// Opens the list for the container with this id.
#[must_use]
pub fn choose(id: &str, state: &State) -> Vec<Effect> {
    let Some(row) = state.host.containers.find(id) else {
        return vec![Effect::Say(Level::Advice, "no container is selected".to_owned())];
    };
    let mut menu = Menu::new(format!("container {}", row.meta.name));
    let mut add = |act: ContainerAct, doc: &str| {
        menu.add(act.word(), doc, false, Message::Container { id: row.meta.id.clone(), act: Wish::Act(act) });
    };
    match row.meta.state {
        RunState::Running | RunState::Restarting => {
            add(ContainerAct::Stop, "ask it to end; kill it when it does not");
            add(ContainerAct::Restart, "stop, then start");
            add(ContainerAct::Pause, "halt all its processes");
            add(ContainerAct::Kill, "end it at once");
        }
        RunState::Paused => {
            add(ContainerAct::Unpause, "let its processes go on");
            add(ContainerAct::Kill, "end it at once");
        }
        _ => {
            add(ContainerAct::Start, "start it");
            add(ContainerAct::Remove, "remove it and what it wrote into its own layer; volumes stay");
        }
    }
    if row.meta.state == RunState::Running {
        let message = |act| Message::Container { id: row.meta.id.clone(), act };
        menu.add("limits", "change its CPU and memory limits while it runs", false, message(Wish::Limits));
        menu.add("shell", "open a shell in it; the screen comes back when the shell ends", false, message(Wish::Shell));
    }
    vec![Effect::Open(Box::new(menu.telling(To::Pane(PaneId::Containers))))]
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
pub fn answer(id: &str, wish: Wish, state: &State) -> Vec<Effect> {
    let Some(row) = state.host.containers.find(id) else {
        return vec![Effect::Say(Level::Advice, "it is gone: nothing was done".to_owned())];
    };
    match wish {
        Wish::Limits => vec![Effect::Open(Box::new(Limits::new(row, state)))],
        Wish::Shell => vec![Effect::Do(Command::Shell { engine: engine_of(row, state), id: row.meta.id.clone() })],
        Wish::Act(act) if act.is_destructive() => {
            let lines = vec![
                vec![(row.meta.name.clone(), Role::Strong), (format!("  {}", row.meta.image), Role::Dim)],
                vec![(format!("{}  {}", row.meta.state.word(), row.short_id()), Role::Dim)],
            ];
            let title = format!("{} {}?", act.word(), row.meta.name);
            vec![Effect::Open(Box::new(Confirm::new(title, lines, command(row, act, state))))]
        }
        Wish::Act(act) => {
            let said = format!("{} {}…", act.word(), row.meta.name);
            vec![Effect::Say(Level::Ok, said), Effect::Do(command(row, act, state))]
        }
    }
}

/// The request to the outside world.
#[must_use]
pub fn command(row: &ContainerRow, act: ContainerAct, state: &State) -> Command {
    let (id, name) = (row.meta.id.clone(), row.meta.name.clone());
    Command::Job(Job::Container { engine: engine_of(row, state), id, name, act })
}

fn engine_of(row: &ContainerRow, state: &State) -> String {
    let engines = &state.host.containers.engines;
    engines.get(usize::from(row.meta.engine)).map(|e| e.address.clone()).unwrap_or_default()
}
