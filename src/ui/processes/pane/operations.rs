//! What is done to processes, and to which: those that are tagged, else the one under the cursor.

use super::{ProcessesPane, list::parent_of};
use crate::{
    model::process::ProcKey,
    state::State,
    ui::{
        ids::PaneId,
        overlays::menu::Menu,
        parts::process::user,
        processes::renice,
        view::{Effect, Message, To},
    },
};

/// Whom menus tell.
pub(super) const HERE: To = To::Pane(PaneId::Processes);

impl ProcessesPane {
    /// Who is meant, in the order of pids. A thread stands for its process.
    pub(super) fn targets(&self, state: &State) -> Vec<ProcKey> {
        let all = &state.host.processes;
        let owner = |key: ProcKey| {
            let row = all.find(key)?;
            if !row.is_thread() {
                return Some(key);
            }
            parent_of(all, row).and_then(|i| all.rows.get(i as usize)).map(|p| p.key)
        };
        let mut keys: Vec<ProcKey> = match self.tags.is_empty() {
            true => self.grid.cursor.selected().into_iter().filter_map(owner).collect(),
            false => self.tags.iter().copied().filter_map(owner).collect(),
        };
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// A step of niceness.
    pub(super) fn renice(&self, by: i32, state: &State) -> Vec<Effect> {
        renice::ask(self.targets(state), by, state)
    }

    /// Tags the row under the cursor, or takes its tag off, and goes to the next.
    pub(super) fn tag(&mut self) {
        let Some(key) = self.grid.cursor.selected() else { return };
        if !self.tags.remove(&key) {
            self.tags.insert(key);
        }
        self.grid.cursor.hold(self.grid.cursor.position() + 1);
    }

    /// Tags the row under the cursor with all that descend from it.
    pub(super) fn tag_tree(&mut self, state: &State) {
        let all = &state.host.processes;
        let Some(root) = self.grid.cursor.selected() else { return };
        self.tags.insert(root);
        // Each pass finds one generation more; pids of children are not always greater.
        loop {
            let before = self.tags.len();
            for process in all.rows.iter().filter(|p| !p.is_thread() && !p.kernel) {
                let parent = parent_of(all, process).and_then(|i| all.rows.get(i as usize));
                if parent.is_some_and(|p| p.key != process.key && self.tags.contains(&p.key)) {
                    self.tags.insert(process.key);
                }
            }
            if self.tags.len() == before {
                return;
            }
        }
    }

    /// The users that have processes, the busiest first.
    pub(super) fn ask_user(&self, state: &State) -> Vec<Effect> {
        let mut users: Vec<(u32, usize, f32)> = Vec::new();
        for p in state.host.processes.rows.iter().filter(|p| !p.is_thread() && (self.choice.kernel || !p.kernel)) {
            match users.iter_mut().find(|(uid, ..)| *uid == p.uid) {
                Some((_, count, cpu)) => (*count, *cpu) = (*count + 1, *cpu + p.cpu.unwrap_or(0.0)),
                None => users.push((p.uid, 1, p.cpu.unwrap_or(0.0))),
            }
        }
        users.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)));
        let mut menu = Menu::new("processes of");
        let tell = |user| move |_: &State| vec![Effect::Tell(HERE, Message::User(user))];
        menu.add("all users", "", self.choice.user.is_none(), tell(None));
        for (uid, count, cpu) in users {
            let doc = format!("{count:>5} processes {:>6.1} % CPU", cpu * 100.0);
            let here = self.choice.user == Some(uid);
            menu.add(user(&state.host.facts.users, uid), doc, here, tell(Some(uid)));
        }
        vec![Effect::Open(Box::new(menu))]
    }
}
