//! TABLE ACTIONS: every action that a key can trigger, with its config name, help text and keys.

/// What the user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    Quit,
    Help,
    Back,
    Open,
    Zoom,
    Focus(u8),
    FocusNext,
    FocusPrevious,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Top,
    Bottom,
    Pause,
    Faster,
    Slower,
    Themes,
    Save,
    Redraw,
    Suspend,
    Alerts,
    Acknowledge,
    Silence,
    Advice,
    Children,
    Benchmarks,
    BenchRun,
    BenchSuite,
    BenchStop,
    BenchUndo,
    BenchAccept,
    BenchPin,
    BenchForget,
    BenchSave,
    Scorecard,
    Sockets,
    Stores,
    Offers,
    Acts,
    Logs,
    Undo,
    LogWrap,
    LogTimes,
    LogSave,
    Search,
    Filter,
    NextMatch,
    PreviousMatch,
    Tree,
    Fold,
    FoldAll,
    SortMenu,
    SortNext,
    SortPrevious,
    SortInvert,
    SortCpu,
    SortMemory,
    SortTime,
    SortIo,
    SortPid,
    Columns,
    Tag,
    TagTree,
    Untag,
    Signal,
    NiceUp,
    NiceDown,
    Follow,
    Threads,
    KernelThreads,
    User,
    FullPath,
}

/// Where an action means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// Everywhere.
    Anywhere,
    /// In lists and tables.
    List,
    /// In lists and tables whose matches a search goes through.
    Matches,
    /// In tables of processes and of objects.
    Tables,
    /// In the process table.
    Processes,
    /// In tables of objects with operations: containers, pools.
    Objects,
    /// In a log.
    Logs,
    /// In the list of alerts.
    Alerts,
    /// In the benchmarks.
    Benchmarks,
}

impl Context {
    /// All of them, in the order of the help.
    pub const ALL: [Context; 9] = [
        Context::Anywhere,
        Context::List,
        Context::Matches,
        Context::Tables,
        Context::Processes,
        Context::Objects,
        Context::Logs,
        Context::Alerts,
        Context::Benchmarks,
    ];

    /// The heading of its keys.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Context::Anywhere => "Everywhere",
            Context::List => "In lists",
            Context::Matches => "After a search",
            Context::Tables => "In tables of processes, containers and pools",
            Context::Processes => "In processes",
            Context::Objects => "In containers and pools",
            Context::Logs => "In a log",
            Context::Alerts => "In the list of alerts",
            Context::Benchmarks => "In benchmarks",
        }
    }
}

/// One action.
pub struct ActionDef {
    /// The action.
    pub action: Action,
    /// As the config spells it.
    pub name: &'static str,
    /// One line for the help.
    pub doc: &'static str,
    /// Built-in keys: `q`, `ctrl-c`, `F9`, `space`, `shift-tab`.
    pub keys: &'static [&'static str],
    /// Where it means something.
    pub context: Context,
    /// It changes the machine: `--read-only` takes it away.
    pub changes: bool,
    /// It means the same while an overlay is open.
    pub global: bool,
}

impl ActionDef {
    const fn global(self) -> Self {
        ActionDef { global: true, ..self }
    }
}

impl Action {
    #[must_use]
    pub fn def(self) -> Option<&'static ActionDef> {
        ACTIONS.iter().find(|def| def.action == self)
    }
}

const fn def(
    action: Action,
    name: &'static str,
    keys: &'static [&'static str],
    context: Context,
    doc: &'static str,
) -> ActionDef {
    ActionDef { action, name, doc, keys, context, changes: false, global: false }
}

const fn changing(
    action: Action,
    name: &'static str,
    keys: &'static [&'static str],
    context: Context,
    doc: &'static str,
) -> ActionDef {
    ActionDef { action, name, doc, keys, context, changes: true, global: false }
}

use Context::{Alerts, Anywhere, Benchmarks, List, Logs, Matches, Objects, Processes, Tables};

/// TABLE ACTIONS, in the order of the help.
pub static ACTIONS: &[ActionDef] = &[
    def(Action::Quit, "quit", &["q", "ctrl-c", "F10"], Anywhere, "quit").global(),
    def(Action::Help, "help", &["?", "F1", "h"], Anywhere, "this help"),
    def(Action::Back, "back", &["esc"], Anywhere, "back: close what is open, then zoom, then filter"),
    def(Action::Open, "open", &["enter"], Anywhere, "open the details of the selected row, pane, alert or link"),
    def(Action::Zoom, "zoom", &["z"], Anywhere, "give the focused pane the whole screen"),
    def(Action::Focus(1), "focus_1", &["1"], Anywhere, "focus pane 1"),
    def(Action::Focus(2), "focus_2", &["2"], Anywhere, "focus pane 2"),
    def(Action::Focus(3), "focus_3", &["3"], Anywhere, "focus pane 3"),
    def(Action::Focus(4), "focus_4", &["4"], Anywhere, "focus pane 4"),
    def(Action::Focus(5), "focus_5", &["5"], Anywhere, "focus pane 5"),
    def(Action::Focus(6), "focus_6", &["6"], Anywhere, "focus pane 6"),
    def(Action::Focus(7), "focus_7", &["7"], Anywhere, "focus pane 7"),
    def(Action::Focus(8), "focus_8", &["8"], Anywhere, "focus pane 8"),
    def(Action::Focus(9), "focus_9", &["9"], Anywhere, "focus pane 9"),
    def(Action::FocusNext, "focus_next", &["tab"], Anywhere, "focus the next pane; in a view the next link"),
    def(
        Action::FocusPrevious,
        "focus_previous",
        &["shift-tab"],
        Anywhere,
        "focus the previous pane; in a view the previous link",
    ),
    def(Action::Alerts, "findings", &["a"], Anywhere, "alerts: firing, pending, over"),
    def(Action::Benchmarks, "benchmarks", &["b"], Anywhere, "benchmarks: results, what is normal, run them"),
    def(Action::Sockets, "sockets", &["S"], Anywhere, "list sockets with their processes"),
    def(Action::Stores, "stores", &["i"], Anywhere, "list images, volumes, networks; remove unused ones"),
    def(Action::Offers, "offers", &["v"], Anywhere, "services found here: add one that is to be probed"),
    def(Action::Pause, "pause", &["p", "Z"], Anywhere, "pause or resume").global(),
    changing(Action::Undo, "undo", &["ctrl-u"], Anywhere, "undo the last operation (asks first)").global(),
    def(Action::Faster, "faster", &["-"], Anywhere, "refresh more often").global(),
    def(Action::Slower, "slower", &["+", "="], Anywhere, "refresh less often").global(),
    def(Action::Themes, "themes", &["C", "F2"], Anywhere, "choose a theme"),
    def(Action::Save, "save", &["ctrl-s"], Anywhere, "save theme, columns, order … for the next start").global(),
    def(Action::Redraw, "redraw", &["ctrl-l"], Anywhere, "redraw the screen").global(),
    def(Action::Suspend, "suspend", &["ctrl-z"], Anywhere, "suspend; fg resumes").global(),
    def(Action::Up, "up", &["up", "k"], List, "row up"),
    def(Action::Down, "down", &["down", "j"], List, "row down"),
    def(Action::Left, "left", &["left"], List, "scroll left, fold"),
    def(Action::Right, "right", &["right"], List, "scroll right, unfold"),
    def(Action::PageUp, "page_up", &["pageup", "ctrl-b"], List, "page up"),
    def(Action::PageDown, "page_down", &["pagedown", "ctrl-f"], List, "page down"),
    def(Action::Top, "top", &["home", "g"], List, "first row"),
    def(Action::Bottom, "bottom", &["end", "G"], List, "last row"),
    def(Action::Search, "search", &["/", "F3"], List, "search as you type"),
    def(Action::NextMatch, "next_match", &["n"], Matches, "next match"),
    def(Action::PreviousMatch, "previous_match", &["N"], Matches, "previous match"),
    def(Action::Filter, "filter", &["f", "F4"], List, "filter: words, or cpu>50 user=root name~ollama"),
    def(Action::SortMenu, "sort", &["s", "F6"], List, "choose the column to sort by"),
    def(Action::SortNext, "sort_next", &[">"], List, "sort by the next column"),
    def(Action::SortPrevious, "sort_previous", &["<"], List, "sort by the previous column"),
    def(Action::SortInvert, "sort_invert", &["I"], List, "reverse sort order"),
    def(Action::Columns, "columns", &["c"], List, "choose columns"),
    def(Action::SortCpu, "sort_cpu", &["P"], Processes, "sort by CPU"),
    def(Action::SortMemory, "sort_memory", &["M"], Processes, "sort by memory"),
    def(Action::SortTime, "sort_time", &["T"], Processes, "sort by CPU time"),
    def(Action::SortPid, "sort_pid", &["O"], Processes, "sort by process id"),
    def(Action::SortIo, "sort_io", &["D"], Tables, "sort by storage read and written"),
    def(Action::Tree, "tree", &["t", "F5"], Tables, "tree of processes; containers by compose project"),
    def(Action::Fold, "fold", &["o"], Tables, "fold and unfold a branch"),
    def(Action::FoldAll, "fold_all", &["*"], Tables, "fold and unfold all branches"),
    def(Action::Tag, "tag", &["space"], Tables, "tag; operations apply to all that are tagged"),
    def(Action::Untag, "untag", &["U"], Tables, "untag all"),
    def(Action::TagTree, "tag_tree", &["B"], Processes, "tag with all children"),
    changing(Action::Signal, "signal", &["x", "F9"], Processes, "send a signal"),
    changing(Action::NiceDown, "nice_down", &["[", "F7"], Processes, "raise priority (nice −1)"),
    changing(Action::NiceUp, "nice_up", &["]", "F8"], Processes, "lower priority (nice +1)"),
    def(Action::Follow, "follow", &["F"], Processes, "follow the selected process"),
    def(Action::Threads, "threads", &["H"], Processes, "show threads"),
    def(Action::KernelThreads, "kernel_threads", &["K"], Processes, "show kernel threads"),
    def(Action::User, "user", &["u"], Processes, "processes of one user"),
    def(Action::FullPath, "full_path", &["w"], Processes, "show the program's full path"),
    changing(Action::Acts, "acts", &["x", "F9"], Objects, "operations: start, stop, limits, scrub, …"),
    def(Action::Logs, "logs", &["l"], Objects, "the log of the selected container"),
    def(Action::Acknowledge, "acknowledge", &["A"], Alerts, "acknowledge the alert, with a comment; again: no longer"),
    def(Action::Silence, "silence", &["m"], Alerts, "silence it, its rule or everything for a time; again: no longer"),
    changing(Action::Advice, "advice", &["x", "F9"], Alerts, "do what the advice says: new limits, compression"),
    def(Action::Children, "children", &["o"], Alerts, "show or hide what other alerts cause"),
    def(Action::LogWrap, "log_wrap", &["w"], Logs, "wrap long lines"),
    def(Action::LogTimes, "log_times", &["t"], Logs, "show times"),
    changing(Action::BenchRun, "bench_run", &["r"], Benchmarks, "run the selected benchmark three times"),
    changing(Action::BenchSuite, "bench_suite", &["R"], Benchmarks, "run its group, or all of them"),
    changing(Action::BenchStop, "bench_stop", &["x"], Benchmarks, "stop what runs, and clean up"),
    changing(Action::BenchUndo, "bench_undo", &["u"], Benchmarks, "undo what changed before it, and measure again"),
    def(Action::BenchAccept, "bench_accept", &["n"], Benchmarks, "accept its last runs as the new normal"),
    def(Action::BenchPin, "bench_pin", &["P"], Benchmarks, "pin a run as the best to compare with"),
    def(Action::BenchForget, "bench_forget", &["d"], Benchmarks, "forget a run: it does not count"),
    def(Action::BenchSave, "bench_save", &["e"], Benchmarks, "save the results to a file"),
    def(Action::Scorecard, "scorecard", &["t"], Benchmarks, "scorecard: every target, met or missed"),
    def(Action::LogSave, "log_save", &["W"], Logs, "save the log to a file"),
];
