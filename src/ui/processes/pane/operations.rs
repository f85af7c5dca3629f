//! What is done to processes, and to which: those that are tagged, else the one under the cursor.

use crate::{
    model::process::ProcKey,
    state::State,
    ui::{
        ids::PaneId,
        overlays::menu::Menu,
        parts::process::user,
        processes::{columns::Processes, renice},
        table::{core::Table, lines::LineKey},
        view::{Effect, Message, To},
    },
};

/// Where menus send the choice.
const HERE: To = To::Pane(PaneId::Processes);

/// The targets, in the order of pids. A thread stands for its process.
pub(super) fn targets(table: &Table<Processes>, state: &State) -> Vec<ProcKey> {
    let all = &state.host.processes;
    let owner = |key: ProcKey| {
        let row = all.find(key)?;
        if !row.is_thread() {
            return Some(key);
        }
        all.parent_of(row).and_then(|i| all.rows.get(i)).map(|p| p.key)
    };
    let mut keys: Vec<ProcKey> = match table.tags.is_empty() {
        true => selected(table).into_iter().filter_map(owner).collect(),
        false => table.tags.iter().copied().filter_map(owner).collect(),
    };
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// A step of niceness.
pub(super) fn renice(table: &Table<Processes>, by: i32, state: &State) -> Vec<Effect> {
    renice::ask(targets(table, state), by, state)
}

/// Tags the row under the cursor with all that descend from it.
pub(super) fn tag_tree(table: &mut Table<Processes>, state: &State) {
    let all = &state.host.processes;
    let Some(root) = selected(table) else { return };
    table.tags.insert(root);
    // Each pass finds one generation more; pids of children are not always greater.
    loop {
        let before = table.tags.len();
        for process in all.rows.iter().filter(|p| !p.is_thread() && !p.kernel) {
            let parent = all.parent_of(process).and_then(|i| all.rows.get(i));
            if parent.is_some_and(|p| p.key != process.key && table.tags.contains(&p.key)) {
                table.tags.insert(process.key);
            }
        }
        if table.tags.len() == before {
            return;
        }
    }
}

/// The users that have processes, the busiest first.
pub(super) fn ask_user(table: &Table<Processes>, state: &State) -> Vec<Effect> {
    let mut users: Vec<(u32, usize, f32)> = Vec::new();
    for p in state.host.processes.rows.iter().filter(|p| !p.is_thread() && (table.options.kernel || !p.kernel)) {
        match users.iter_mut().find(|(uid, ..)| *uid == p.uid) {
            Some((_, count, cpu)) => (*count, *cpu) = (*count + 1, *cpu + p.cpu.unwrap_or(0.0)),
            None => users.push((p.uid, 1, p.cpu.unwrap_or(0.0))),
        }
    }
    users.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)));
    let mut menu = Menu::new("processes of");
    let choose = |user| move |_: &State| vec![Effect::Send(HERE, Message::User(user))];
    menu.add("all users", "", table.options.user.is_none(), choose(None));
    for (uid, count, cpu) in users {
        let noun = if count == 1 { "process" } else { "processes" };
        let doc = format!("{count:>5} {noun:<9} {:>6.1} % CPU", cpu * 100.0);
        let here = table.options.user == Some(uid);
        menu.add(user(&state.host.facts.users, uid), doc, here, choose(Some(uid)));
    }
    vec![Effect::Open(Box::new(menu))]
}

/// The row under the cursor.
fn selected(table: &Table<Processes>) -> Option<ProcKey> {
    table.grid.cursor.selected().and_then(LineKey::row)
}
