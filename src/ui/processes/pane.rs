//! Processes: the table that htop's users expect, with the container and the storage rates of each.

mod operations;
#[cfg(test)]
mod tests;

use super::{
    columns::{Processes, Row, RowCx},
    signal,
};
use crate::{
    alert::Level,
    config::{
        Settings,
        settings::{ProcessSettings, TableSettings},
    },
    interest::Interest,
    model::{process::ProcKey, source::SourceId, subject::Subject},
    state::State,
    ui::{
        action::{Action, Context},
        canvas::DrawCx,
        ids::PaneId,
        parts::process::user,
        table::{
            core::Table,
            def::{Nest, TableDef},
            lines::LineKey,
            pane::{Compact, PaneTable, TablePane},
        },
        view::{Effect, Message, PaneDef, Rows},
    },
};

pub const DEF: PaneDef = PaneDef {
    id: PaneId::Processes,
    name: "processes",
    title: "processes",
    feeds: &[SourceId::Processes],
    min_width: 40,
    worth: 36,
    past: 0,
    make: |settings| {
        let ProcessSettings { table, tree, .. } = &settings.processes;
        Box::new(TablePane::<Processes>::new(table, *tree, Options::new(&settings.processes)))
    },
};

/// The CPU of ended processes is shown from this share on.
const WORTH: f32 = 0.005;
/// The room that a short list asks for changes by so many rows.
const STEP: usize = 8;

/// What is listed beside the filter's choice, and how it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Threads of the kernel.
    pub kernel: bool,
    /// Threads of processes.
    pub threads: bool,
    /// One user's alone.
    pub user: Option<u32>,
    /// The command with the program's whole path.
    pub full_path: bool,
    /// CPU as a share of the machine, not of one core.
    pub cpu_of_machine: bool,
}

impl Options {
    fn new(settings: &ProcessSettings) -> Self {
        Options {
            kernel: settings.kernel_threads,
            threads: settings.threads,
            user: None,
            full_path: settings.full_path,
            cpu_of_machine: settings.cpu_of_machine,
        }
    }

    /// The threads of the kernel that are left out.
    fn kernel_left_out(&self, state: &State) -> u32 {
        if self.kernel { 0 } else { state.host.processes.counts.kernel }
    }
}

impl TableDef for Processes {
    type Key = ProcKey;
    type Cx<'a> = RowCx<'a>;
    type Options = Options;
    const SOURCES: &'static [SourceId] = &[SourceId::Processes];
    const NOUN: &'static str = "process";
    const TAGS: bool = true;
    const NEST: Nest = Nest::Tree;
    const SIDEWAYS: bool = true;

    fn cx<'a>(state: &'a State, options: &'a Options) -> RowCx<'a> {
        RowCx::new(&state.host, options.cpu_of_machine, options.full_path)
    }

    fn count(state: &State) -> usize {
        state.host.processes.rows.len()
    }

    fn row<'a>(cx: Self::Cx<'a>, index: usize) -> Self::Row<'a> {
        Row { process: &cx.host.processes.rows[index], cx }
    }

    fn key(state: &State, index: usize) -> ProcKey {
        state.host.processes.rows[index].key
    }

    fn round(state: &State) -> u64 {
        state.host.processes.round
    }

    fn lists(row: &Row<'_>, options: &Options) -> bool {
        (options.kernel || !row.process.kernel)
            && (options.threads || !row.process.is_thread())
            && options.user.is_none_or(|uid| uid == row.process.uid)
    }

    fn narrows(options: &Options) -> bool {
        options.user.is_some()
    }

    fn parent(state: &State, index: usize) -> Option<usize> {
        let all = &state.host.processes;
        all.parent_of(&all.rows[index])
    }

    fn nothing(_state: &State) -> &'static str {
        "no process to show"
    }

    fn open(state: &State, index: usize) -> Vec<Effect> {
        vec![Effect::OpenDetail(Subject::Process(Self::key(state, index)))]
    }
}

impl PaneTable for Processes {
    const PANE: PaneId = PaneId::Processes;
    const CONTEXT: Context = Context::Processes;
    const COMPACT: Compact<Self> = Compact::Whole;

    fn act(table: &mut Table<Self>, action: Action, state: &State) -> Option<Vec<Effect>> {
        let options = &mut table.options;
        let effects = match action {
            Action::Threads => {
                options.threads = !options.threads;
                toggled("threads", options.threads)
            }
            Action::KernelThreads => {
                options.kernel = !options.kernel;
                toggled("kernel threads", options.kernel)
            }
            Action::FullPath => {
                options.full_path = !options.full_path;
                Vec::new()
            }
            Action::Back if options.user.is_some() => {
                options.user = None;
                Vec::new()
            }
            Action::Back if !table.tags.is_empty() => {
                table.tags.clear();
                Vec::new()
            }
            Action::TagTree => {
                operations::tag_tree(table, state);
                Vec::new()
            }
            Action::Signal => return Some(signal::choose(operations::targets(table, state), state)),
            Action::NiceUp => return Some(operations::renice(table, 1, state)),
            Action::NiceDown => return Some(operations::renice(table, -1, state)),
            Action::Follow => return Some(follow(table, state)),
            Action::User => return Some(operations::ask_user(table, state)),
            _ => return None,
        };
        table.changed();
        Some(effects)
    }

    fn settings(settings: &mut Settings) -> Option<&mut TableSettings> {
        Some(&mut settings.processes.table)
    }

    fn settle(table: &Table<Self>, settings: &mut Settings) {
        let into = &mut settings.processes;
        into.tree = table.nested;
        into.kernel_threads = table.options.kernel;
        into.threads = table.options.threads;
        into.full_path = table.options.full_path;
    }

    fn rows(table: &Table<Self>, state: &State) -> Option<Rows> {
        // Of all, not of those that the filter leaves, and in steps: boxes do not move as processes come and go.
        let counts = state.host.processes.counts;
        let all = counts.total.saturating_sub(table.options.kernel_left_out(state)) as usize;
        let known = state.host.processes.round > 0 && !table.options.threads && all < 8 * STEP;
        let want = if known { u16::try_from((all / STEP + 1) * STEP + 3).unwrap_or(u16::MAX) } else { u16::MAX };
        Some(Rows { min: 6, want })
    }

    /// `482`, or `12 of 482` when a filter leaves some out.
    fn count_words(table: &Table<Self>, state: &State) -> String {
        let counts = state.host.processes.counts;
        let threads = if table.options.threads { counts.threads } else { 0 };
        let all = counts.total.saturating_sub(table.options.kernel_left_out(state)) + threads;
        match is_narrowed(table) {
            true => format!("{} of {all}", table.list.kept),
            false => all.to_string(),
        }
    }

    fn choice(table: &Table<Self>, state: &State) -> Vec<String> {
        let all = &state.host.processes;
        if all.round == 0 {
            return Vec::new();
        }
        let seen = if all.hidden.is_some() { " seen" } else { "" };
        let mut words = vec![format!("{}{seen}", Self::count_words(table, state))];
        let tagged = u32::try_from(table.tags.len()).unwrap_or(u32::MAX);
        let counts = [
            (all.counts.running, "running"),
            (all.counts.blocked, "blocked"),
            (all.counts.zombie, "zombie"),
            (tagged, "tagged"),
        ];
        words.extend(counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
        words.extend(all.hidden.map(|n| match n {
            0 => "others are hidden: hidepid, run as root".to_owned(),
            n => format!("{n} are hidden: hidepid, run as root"),
        }));
        words.extend(ended(table, state));
        words.extend(table.options.user.map(|uid| format!("user {}", user(&state.host.facts.users, uid))));
        if table.grid.is_filtered() {
            words.push(format!("filter {}", table.grid.filter_text()));
        }
        words.extend(followed(table).map(|key| format!("following {}", key.pid)));
        words
    }

    fn summary(table: &Table<Self>, cx: &DrawCx<'_>) -> String {
        if cx.state.host.processes.round == 0 {
            return String::new();
        }
        let sort = table.grid.sort();
        let arrow = if sort.greatest_first { cx.theme.glyphs.down } else { cx.theme.glyphs.up };
        let tree = if table.nested { " · tree" } else { "" };
        format!("by {} {arrow}{tree}", table.grid.columns()[sort.column].id)
    }

    fn tally(table: &Table<Self>, state: &State) -> String {
        format!("{}{}", Self::count_words(table, state), if is_narrowed(table) { "" } else { " procs" })
    }

    fn receive(table: &mut Table<Self>, message: Message) {
        if let Message::User(user) = message {
            table.options.user = user;
            table.changed();
        }
    }

    fn hints() -> Vec<(Action, &'static str)> {
        vec![
            (Action::Search, "search"),
            (Action::Filter, "filter"),
            (Action::Tree, "tree"),
            (Action::SortMenu, "sort"),
            (Action::Signal, "signal"),
        ]
    }

    fn want(table: &Table<Self>, want: &mut Interest) {
        want.threads |= table.options.threads;
        want.commands_of_all |= table.grid.reads_words();
        if table.asks(want) {
            want.visible.extend(table.grid.cursor.in_sight().iter().filter_map(|key| key.row()));
        }
    }
}

fn is_narrowed(table: &Table<Processes>) -> bool {
    table.grid.is_filtered() || table.options.user.is_some()
}

fn toggled(what: &str, on: bool) -> Vec<Effect> {
    vec![Effect::Say(Level::Ok, format!("{what} {}", if on { "shown" } else { "hidden" }))]
}

fn followed(table: &Table<Processes>) -> Option<ProcKey> {
    table.grid.cursor.followed().and_then(LineKey::row)
}

fn follow(table: &mut Table<Processes>, state: &State) -> Vec<Effect> {
    table.grid.cursor.toggle_follow();
    let words = match followed(table) {
        Some(key) => {
            let name = state.host.processes.find(key).map(|p| p.name.to_string()).unwrap_or_default();
            format!("following {} {name}", key.pid)
        }
        None => "no longer following".to_owned(),
    };
    vec![Effect::Say(Level::Ok, words)]
}

/// `14 % in ended processes`: the CPU of those that ended before a row could show it. Without it the CPU of short-lived
/// programs would be in no row.
fn ended(table: &Table<Processes>, state: &State) -> Option<String> {
    let cores = state.host.cpu.cores.len().max(1) as f32;
    let cpu = state.host.processes.ended_cpu? / if table.options.cpu_of_machine { cores } else { 1.0 };
    (cpu >= WORTH).then(|| format!("{:.*} % in ended processes", usize::from(cpu < 0.095), cpu * 100.0))
}
