//! The question before niceness is changed: each process with its niceness now and then. The keys that asked it take
//! further steps while it is open.

use crate::{
    alert::Level,
    model::process::{ProcKey, Process},
    request::Job,
    state::State,
    ui::{
        action::{Action, Context},
        overlays::confirm::Confirm,
        parts::process::user,
        theme::Role,
        view::Effect,
        widgets::sheet::SheetLine,
    },
};

/// The kernel's bounds.
const LOWEST: i32 = -20;
const HIGHEST: i32 = 19;

/// Asks whether the niceness of `targets` is to be changed by `by`.
#[must_use]
pub fn ask(targets: Vec<ProcKey>, by: i32, state: &State) -> Vec<Effect> {
    if targets.is_empty() {
        return vec![Effect::Say(Level::Advice, "no process is selected".to_owned())];
    }
    match question(&targets, by, state) {
        Some(question) => vec![Effect::Open(Box::new(question))],
        None => vec![Effect::Say(Level::Advice, "it has exited: nothing was done".to_owned())],
    }
}

fn question(targets: &[ProcKey], by: i32, state: &State) -> Option<Confirm> {
    let found: Vec<&Process> = targets.iter().filter_map(|key| state.host.processes.find(*key)).collect();
    let title = match found.as_slice() {
        [] => return None,
        [one] => format!("change the niceness of {} {}?", one.key.pid, one.name),
        many => format!("change the niceness of {} processes?", many.len()),
    };
    let users = &state.host.facts.users;
    let line = |p: &&Process| -> SheetLine {
        let now = i32::from(p.nice);
        let then = (now + by).clamp(LOWEST, HIGHEST);
        vec![
            (format!("{:>7} ", p.key.pid), Role::Strong),
            (format!("{:<9}", user(users, p.uid)), Role::Dim),
            (format!("nice {now} → {then}   "), Role::Strong),
            (p.command().to_owned(), Role::Text),
        ]
    };
    let mut lines: Vec<SheetLine> = found.iter().map(line).collect();
    lines.push(Vec::new());
    lines.push(vec![("higher is a lower priority; only root may lower it".to_owned(), Role::Dim)]);
    let job = Job::Renice(found.iter().map(|p| (p.key, by)).collect());
    let targets = targets.to_vec();
    Some(Confirm::new(title, lines, job).turning(Context::Processes, move |action, state| match action {
        Action::NiceUp => question(&targets, (by + 1).min(HIGHEST - LOWEST), state),
        Action::NiceDown => question(&targets, (by - 1).max(LOWEST - HIGHEST), state),
        _ => None,
    }))
}
