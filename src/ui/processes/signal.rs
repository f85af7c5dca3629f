//! Signals: the list to choose from, and the question that names every process before anything is sent. The targets are
//! settled when the list opens, not when the answer comes.

use crate::{
    alert::Level,
    model::process::{ProcKey, Process},
    request::{
        Job,
        signal::{SIGNALS, by_number},
    },
    state::State,
    ui::{
        overlays::{confirm::Confirm, menu::Menu},
        parts::process::user,
        theme::Role,
        view::Effect,
        widgets::sheet::SheetLine,
    },
};

/// Opens the list of signals for `targets`.
#[must_use]
pub fn choose(targets: Vec<ProcKey>, state: &State) -> Vec<Effect> {
    if targets.is_empty() {
        return vec![Effect::Say(Level::Advice, "no process is selected".to_owned())];
    }
    let mut menu = Menu::new(format!("signal to {}", named(&targets, state)));
    for signal in SIGNALS {
        let label = format!("{:>2} {}", signal.number, signal.name);
        let (targets, number) = (targets.clone(), signal.number);
        menu.add(label, signal.doc, false, move |state| ask(targets.clone(), number, state));
    }
    vec![Effect::Open(Box::new(menu))]
}

/// Asks whether signal `number` is really to be sent to `targets`.
fn ask(targets: Vec<ProcKey>, number: i32, state: &State) -> Vec<Effect> {
    let Some(signal) = by_number(number) else { return Vec::new() };
    let title = format!("send {} to {}?", signal.name, named(&targets, state));
    let users = &state.host.facts.users;
    let line = |p: &Process| -> SheetLine {
        vec![
            (format!("{:>7} ", p.key.pid), Role::Strong),
            (format!("{:<9}", user(users, p.uid)), Role::Dim),
            (p.command().to_owned(), Role::Text),
        ]
    };
    let mut lines: Vec<SheetLine> =
        targets.iter().filter_map(|key| state.host.processes.find(*key)).map(line).collect();
    if lines.is_empty() {
        return vec![Effect::Say(Level::Advice, "it has exited: nothing was sent".to_owned())];
    }
    lines.push(Vec::new());
    lines.push(vec![(format!("{}: {}", signal.name, signal.doc), Role::Dim)]);
    let job = Job::Signal { targets, signal: number };
    vec![Effect::Open(Box::new(Confirm::new(title, lines, job)))]
}

/// `1234 nginx`, or `3 processes`.
fn named(targets: &[ProcKey], state: &State) -> String {
    match targets {
        [key] => {
            let name = state.host.processes.find(*key).map(|p| p.name.to_string()).unwrap_or_default();
            format!("{} {name}", key.pid)
        }
        _ => format!("{} processes", targets.len()),
    }
}
