//! Processes: the table that htop's users expect, with the container and the storage rates of each.

mod draw;
mod list;
mod operations;

use std::{cell::RefCell, collections::HashSet};

use ratatui::layout::Rect;

use self::{
    list::{Choice, List, process_of},
    operations::HERE,
};
use crate::{
    alert::Level,
    config::{Settings, settings::ProcessSettings},
    interest::Interest,
    model::{process::ProcKey, source::SourceId},
    state::State,
    ui::{
        action::{Action, Context},
        canvas::{Canvas, DrawCx, Target},
        ids::{Key, PaneId},
        parts::process::user,
        processes::{
            columns::{COLUMNS, Processes, Row, RowCx},
            detail::ProcessDetail,
            signal,
        },
        table::{
            column::Columns,
            grid::{Grid, Sort},
            needle::{Found, Needle},
            place::Placed,
        },
        view::{Effect, Message, Pane, PaneDef, Room, Rows, Shown},
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
    make: |settings| Box::new(ProcessesPane::new(&settings.processes)),
};

/// The CPU of ended processes is told from this share on.
const WORTH: f32 = 0.005;
/// The room that a short list asks for changes by so many rows.
const STEP: usize = 8;
/// Columns that the command moves with each step to the side.
const SIDEWAYS: u16 = 16;

/// Columns for the cells: as many without a box as in one, so that a box costs no column.
fn columns_of(room: Room) -> u16 {
    if room.boxed { room.width } else { room.width.saturating_sub(2) }
}

/// The table at work.
pub struct ProcessesPane {
    grid: Grid<ProcKey>,
    /// The order of the form that is not on screen: list and tree have one each.
    other_sort: Sort,
    choice: Choice,
    list: List,
    folded: HashSet<ProcKey>,
    tags: HashSet<ProcKey>,
    full_path: bool,
    of_machine: bool,
    /// Columns of the command that are scrolled out at the left.
    shift: u16,
    /// What the list was made from: the round and the grid's revision; `None` makes it anew.
    made_from: Option<(u64, u64)>,
    /// Columns of the last frame.
    placed: RefCell<Vec<Placed>>,
}

impl ProcessesPane {
    /// As the settings want it to begin.
    #[must_use]
    pub fn new(settings: &ProcessSettings) -> Self {
        let mut grid = Grid::begin(Processes::defs(), HERE, &settings.table);
        // A tree in the order of pids, the first column, keeps its rows in their places.
        let mut other_sort = Sort { column: 0, greatest_first: false };
        if settings.tree {
            let list = grid.sort();
            grid.set_sort(std::mem::replace(&mut other_sort, list));
        }
        ProcessesPane {
            grid,
            other_sort,
            choice: Choice {
                kernel: settings.kernel_threads,
                threads: settings.threads,
                user: None,
                tree: settings.tree,
            },
            list: List::default(),
            folded: HashSet::new(),
            tags: HashSet::new(),
            full_path: settings.full_path,
            of_machine: settings.cpu_of_machine,
            shift: 0,
            made_from: None,
            placed: RefCell::default(),
        }
    }

    fn row_cx<'a>(&self, state: &'a State) -> RowCx<'a> {
        RowCx::new(&state.host, self.of_machine, self.full_path)
    }

    /// Says where the line at an index holds a word.
    fn holds<'a>(
        list: &'a List,
        state: &'a State,
        cx: RowCx<'a>,
    ) -> impl Fn(usize, &Needle, &[usize]) -> Option<Found> + 'a {
        move |index, needle, columns| {
            let process = process_of(&state.host.processes, list.lines.get(index)?)?;
            Processes::find(&Row { process, cx }, needle, columns)
        }
    }

    fn toggle_tree(&mut self) {
        self.choice.tree = !self.choice.tree;
        let other = std::mem::replace(&mut self.other_sort, self.grid.sort());
        self.grid.swap_sort(other);
    }

    fn fold(&mut self, key: ProcKey) {
        if !self.folded.remove(&key) {
            self.folded.insert(key);
        }
    }

    /// Folds every branch but the outermost; unfolds all when some are folded.
    fn fold_all(&mut self, state: &State) {
        if !self.folded.is_empty() {
            self.folded.clear();
            return;
        }
        let rows = &state.host.processes.rows;
        let inner = self.list.lines.iter().filter(|l| l.branch.parent && l.branch.depth > 0);
        self.folded.extend(inner.filter_map(|l| rows.get(l.branch.row as usize)).map(|p| p.key));
    }

    /// In a tree: folds, or goes to the parent; else the command moves.
    fn left(&mut self, state: &State) {
        let line = self.list.lines.get(self.grid.cursor.position()).copied();
        let (Some(line), Some(key), true) = (line, self.grid.cursor.selected(), self.choice.tree) else {
            self.shift = self.shift.saturating_sub(SIDEWAYS);
            return;
        };
        if line.branch.parent && !self.folded.contains(&key) {
            self.folded.insert(key);
        } else if let Some(parent) = process_of(&state.host.processes, &line).and_then(|p| {
            let all = &state.host.processes;
            list::parent_of(all, p).and_then(|i| all.rows.get(i as usize))
        }) {
            self.grid.cursor.hold_key(parent.key);
        }
    }

    fn follow(&mut self, state: &State) -> Vec<Effect> {
        let name = |key: ProcKey| state.host.processes.find(key).map(|p| p.name.to_string()).unwrap_or_default();
        let words = match self.grid.cursor.toggle_follow() {
            Some(key) => format!("following {} {}", key.pid, name(key)),
            None => "no longer following".to_owned(),
        };
        vec![Effect::Say(Level::Ok, words)]
    }

    fn open(&self) -> Vec<Effect> {
        match self.grid.cursor.selected() {
            Some(key) => vec![Effect::Open(Box::new(ProcessDetail::new(key)))],
            None => Vec::new(),
        }
    }

    fn toggled(what: &str, on: bool) -> Vec<Effect> {
        vec![Effect::Say(Level::Ok, format!("{what} {}", if on { "shown" } else { "hidden" }))]
    }

    /// What a table does not know of.
    fn act_here(&mut self, action: Action, state: &State) -> Option<Vec<Effect>> {
        // What is listed changes by most of these.
        self.made_from = None;
        match action {
            Action::Open => return Some(self.open()),
            Action::Tree => self.toggle_tree(),
            Action::Fold => self.grid.cursor.selected().into_iter().for_each(|key| self.fold(key)),
            Action::FoldAll => self.fold_all(state),
            Action::Left => self.left(state),
            Action::Right => match self.grid.cursor.selected().filter(|_| self.choice.tree) {
                Some(key) => drop(self.folded.remove(&key)),
                None => self.shift = self.shift.saturating_add(SIDEWAYS).min(4096),
            },
            Action::Tag => self.tag(),
            Action::TagTree => self.tag_tree(state),
            Action::Untag => self.tags.clear(),
            Action::Signal => return Some(signal::choose(self.targets(state), state)),
            Action::NiceUp => return Some(self.renice(1, state)),
            Action::NiceDown => return Some(self.renice(-1, state)),
            Action::Follow => return Some(self.follow(state)),
            Action::User => return Some(self.ask_user(state)),
            Action::Threads => {
                self.choice.threads = !self.choice.threads;
                return Some(Self::toggled("threads", self.choice.threads));
            }
            Action::KernelThreads => {
                self.choice.kernel = !self.choice.kernel;
                return Some(Self::toggled("kernel threads", self.choice.kernel));
            }
            Action::FullPath => self.full_path = !self.full_path,
            Action::Back if self.choice.user.is_some() => self.choice.user = None,
            Action::Back if !self.tags.is_empty() => self.tags.clear(),
            _ => return None,
        }
        Some(Vec::new())
    }

    /// `14 % in ended processes`: the CPU of those that ended before a row could show it. Without it short-lived
    /// programs would use CPU that stands nowhere.
    fn ended(&self, state: &State) -> Option<String> {
        let cores = state.host.cpu.cores.len().max(1) as f32;
        let cpu = state.host.processes.ended_cpu? / if self.of_machine { cores } else { 1.0 };
        (cpu >= WORTH).then(|| format!("{:.*} % in ended processes", usize::from(cpu < 0.095), cpu * 100.0))
    }

    /// `482`, or `12 of 482` when a filter leaves some out.
    fn count(&self, state: &State) -> String {
        let counts = state.host.processes.counts;
        let kernel = if self.choice.kernel { 0 } else { counts.kernel };
        let threads = if self.choice.threads { counts.threads } else { 0 };
        let all = counts.total.saturating_sub(kernel) + threads;
        if self.grid.is_filtered() || self.choice.user.is_some() {
            let shown = self.list.lines.iter().filter(|l| !l.leads).count();
            return format!("{shown} of {all}");
        }
        all.to_string()
    }
}

impl Pane for ProcessesPane {
    fn refresh(&mut self, state: &State, _settings: &Settings) {
        let from = Some((state.host.processes.round, self.grid.revision()));
        if self.made_from == from {
            return;
        }
        self.made_from = from;
        let all = &state.host.processes;
        let cx = self.row_cx(state);
        self.list.compute(all, cx, self.choice, &self.grid, self.grid.sort(), &self.folded);
        let keys = self.list.lines.iter().filter_map(|line| process_of(all, line)).map(|p| p.key);
        self.grid.cursor.settle(keys);
        self.grid.seek(&Self::holds(&self.list, state, cx));
        self.tags.retain(|key| all.find(*key).is_some());
        self.folded.retain(|key| all.find(*key).is_some());
    }

    fn rows(&self, state: &State, _width: u16) -> Option<Rows> {
        // Of all, not of those that the filter leaves, and in steps: boxes do not move as processes come and go.
        let counts = state.host.processes.counts;
        let kernel = if self.choice.kernel { 0 } else { counts.kernel };
        let all = counts.total.saturating_sub(kernel) as usize;
        let known = state.host.processes.round > 0 && !self.choice.threads && all < 8 * STEP;
        let want = if known { u16::try_from((all / STEP + 1) * STEP + 3).unwrap_or(u16::MAX) } else { u16::MAX };
        Some(Rows { min: 6, want })
    }

    fn zooms(&self) -> bool {
        true
    }

    fn opens(&self, _state: &State) -> bool {
        self.grid.cursor.selected().is_some()
    }

    fn lines(&self, _state: &State) -> Option<Rows> {
        Some(Rows { min: 2, want: u16::MAX })
    }

    fn shown(&self, state: &State, room: Room) -> Shown {
        let of = self.list.lines.len();
        let fit = usize::from(room.height.saturating_sub(1));
        Shown { things: fit.min(of), of, columns: self.columns(state, columns_of(room)).len() }
    }

    fn info(&self, cx: &DrawCx<'_>) -> String {
        let all = &cx.state.host.processes;
        if all.round == 0 {
            return String::new();
        }
        let sort = self.grid.sort();
        let arrow = if sort.greatest_first { cx.theme.glyphs.down } else { cx.theme.glyphs.up };
        let seen = if all.hidden.is_some() { " seen" } else { "" };
        let mut words = vec![format!("{}{seen}", self.count(cx.state))];
        let mut some = |count: u32, what: &str| {
            if count > 0 {
                words.push(format!("{count} {what}"));
            }
        };
        some(all.counts.running, "running");
        some(all.counts.blocked, "blocked");
        some(all.counts.zombie, "zombie");
        some(u32::try_from(self.tags.len()).unwrap_or(u32::MAX), "tagged");
        words.extend(all.hidden.map(|n| match n {
            0 => "others are hidden: hidepid, run as root".to_owned(),
            n => format!("{n} are hidden: hidepid, run as root"),
        }));
        words.extend(self.ended(cx.state));
        words.extend(self.choice.user.map(|uid| format!("user {}", user(&cx.state.host.facts.users, uid))));
        if self.grid.is_filtered() {
            words.push(format!("filter {}", self.grid.filter_text()));
        }
        words.extend(self.grid.cursor.followed().map(|key| format!("following {}", key.pid)));
        words.push(format!("by {} {arrow}", COLUMNS[sort.column].def.id));
        if self.choice.tree {
            words.push("tree".to_owned());
        }
        words.join(" · ")
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        self.table(cx, area, canvas, "");
    }

    fn draw_compact(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let filtered = self.grid.is_filtered() || self.choice.user.is_some();
        let words = format!("{}{}", self.count(cx.state), if filtered { "" } else { " procs" });
        self.table(cx, area, canvas, &words);
    }

    fn act(&mut self, action: Action, state: &State, settings: &Settings) -> Option<Vec<Effect>> {
        // Keys may come faster than frames: what the one before changed is what this one means.
        if self.made_from.is_none_or(|(_, revision)| revision != self.grid.revision()) {
            self.refresh(state, settings);
        }
        let cx = self.row_cx(state);
        if let Some(effects) = self.grid.act(action, &Self::holds(&self.list, state, cx)) {
            return Some(effects);
        }
        self.act_here(action, state)
    }

    fn context(&self) -> Context {
        Context::Processes
    }

    fn takes_text(&self) -> bool {
        self.grid.takes_text()
    }

    fn key(&mut self, key: Key, state: &State) -> Option<Vec<Effect>> {
        let cx = self.row_cx(state);
        self.grid.key(key, &Self::holds(&self.list, state, cx))
    }

    fn paste(&mut self, text: &str, state: &State) {
        let cx = self.row_cx(state);
        self.grid.paste(text, &Self::holds(&self.list, state, cx));
    }

    fn footer(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) -> bool {
        self.grid.footer(cx, area, canvas, &self.count(cx.state))
    }

    fn tell(&mut self, message: Message) {
        if self.grid.tell(&message) {
            return;
        }
        match message {
            Message::User(user) => {
                self.choice.user = user;
                self.made_from = None;
            }
            Message::Sort(_) | Message::Columns(_) => {}
        }
    }

    fn click(&mut self, target: &Target, _state: &State) -> Vec<Effect> {
        match target {
            Target::Column(_, id) => self.grid.sort_by(id),
            Target::Row(_, index) => {
                let again = self.grid.cursor.is_held() && self.grid.cursor.position() == *index;
                self.grid.cursor.hold(*index);
                if again {
                    return self.open();
                }
            }
            _ => {}
        }
        Vec::new()
    }

    fn settle(&self, settings: &mut Settings) {
        let into = &mut settings.processes;
        self.grid.settle(&mut into.table);
        if self.choice.tree {
            // The tree has an order of its own; the settings are about the list.
            self.grid.settle_order(&mut into.table, self.other_sort);
        }
        into.tree = self.choice.tree;
        into.kernel_threads = self.choice.kernel;
        into.threads = self.choice.threads;
        into.full_path = self.full_path;
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        vec![
            (Action::Search, "search"),
            (Action::Filter, "filter"),
            (Action::Tree, "tree"),
            (Action::SortMenu, "sort"),
            (Action::Signal, "signal"),
        ]
    }

    fn want(&self, want: &mut Interest, _state: &State) {
        want.threads |= self.choice.threads;
        want.commands_of_all |= self.grid.reads_words();
        let asks = |index: usize| COLUMNS.get(index).and_then(|column| column.asks);
        (0..COLUMNS.len()).filter(|index| self.grid.depends_on(*index)).filter_map(asks).for_each(|ask| ask(want));
        if self.placed.borrow().iter().any(|p| asks(p.column).is_some()) {
            want.visible.extend(self.grid.cursor.in_sight());
        }
    }
}
