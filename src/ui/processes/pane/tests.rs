//! Which processes are listed, and in which order.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::*;
use crate::{
    config::settings::TableSettings,
    model::process::Process,
    ui::table::{column::Columns, lines::Line},
};

fn process(pid: u32, parent: u32, name: &str, cpu: Option<f32>) -> Process {
    let key = ProcKey { pid, start_ticks: u64::from(pid) };
    Process { key, tgid: pid, parent, name: name.into(), cpu, uid: pid % 2, ..Process::default() }
}

fn state() -> State {
    let mut kernel = process(2, 0, "kthreadd", Some(0.0));
    kernel.kernel = true;
    let mut thread = process(31, 30, "worker", Some(0.4));
    thread.tgid = 30;
    let mut state = State::default();
    state.host.processes.rows = vec![
        process(1, 0, "init", Some(0.0)),
        kernel,
        process(10, 1, "sshd", None),
        process(20, 10, "bash", Some(0.2)),
        process(30, 20, "make", Some(0.4)),
        thread,
        process(40, 1, "cron", Some(0.0)),
    ];
    state
}

fn table(sort: &str, options: Options) -> Table<Processes> {
    let settings = TableSettings { columns: Vec::new(), sort: sort.to_owned(), reverse: false };
    Table::in_pane(PaneId::Processes, &settings, false, options)
}

/// The names that are listed; `^` before one that the filter left out.
fn names(table: &mut Table<Processes>, state: &State) -> Vec<String> {
    table.update(state);
    let name = |line: &Line| match line {
        Line::Row(row) => {
            let name = &state.host.processes.rows[row.index()].name;
            format!("{}{name}", if row.leads { "^" } else { "" })
        }
        Line::Group(_) => unreachable!("processes have no groups"),
    };
    table.list.lines.iter().map(name).collect()
}

fn press(table: &mut Table<Processes>, state: &State, keys: &[KeyCode]) {
    for key in keys {
        table.key(KeyEvent::new(*key, KeyModifiers::NONE), state);
    }
}

#[test]
fn absent_figures_are_last_and_equals_in_order_of_pids() {
    let state = state();
    let mut by_cpu = table("cpu", Options::default());
    assert_eq!(names(&mut by_cpu, &state), ["make", "bash", "init", "cron", "sshd"]);
    by_cpu.act(Action::SortInvert, &state);
    assert_eq!(names(&mut by_cpu, &state), ["init", "cron", "bash", "make", "sshd"]);
    let mut by_name = table("command", Options::default());
    assert_eq!(names(&mut by_name, &state), ["bash", "cron", "init", "make", "sshd"]);
}

#[test]
fn one_that_used_cpu_stays_above_those_that_never_did() {
    let mut state = state();
    state.host.processes.rows[6].mini = Some(Box::default());
    let mut by_cpu = table("cpu", Options::default());
    assert_eq!(names(&mut by_cpu, &state), ["make", "bash", "cron", "init", "sshd"]);
    by_cpu.act(Action::SortInvert, &state);
    assert_eq!(names(&mut by_cpu, &state), ["init", "cron", "bash", "make", "sshd"]);
}

#[test]
fn threads_of_programs_and_of_the_kernel_come_on_request() {
    let state = state();
    let mut table = table("cpu", Options::default());
    Processes::act(&mut table, Action::Threads, &state);
    Processes::act(&mut table, Action::KernelThreads, &state);
    assert_eq!(names(&mut table, &state), ["make", "worker", "bash", "init", "kthreadd", "cron", "sshd"]);
    table.options = Options { user: Some(1), ..Options::default() };
    table.changed();
    assert_eq!(names(&mut table, &state), ["init"]);
}

#[test]
fn a_filtered_tree_keeps_the_ancestors() {
    let state = state();
    let mut table = table("cpu", Options { threads: true, ..Options::default() });
    table.act(Action::Tree, &state);
    assert_eq!(Processes::COLUMNS[table.grid.sort().column].def.id, "pid");
    assert_eq!(names(&mut table, &state), ["init", "sshd", "bash", "make", "worker", "cron"]);
    // On `bash`: its children are folded away, and back.
    table.grid.cursor.hold(2);
    table.act(Action::Left, &state);
    assert_eq!(names(&mut table, &state), ["init", "sshd", "bash", "cron"]);
    table.act(Action::Right, &state);
    table.act(Action::Filter, &state);
    press(&mut table, &state, &"bash".chars().map(KeyCode::Char).collect::<Vec<_>>());
    assert_eq!(names(&mut table, &state), ["^init", "^sshd", "bash"]);
    table.act(Action::Tree, &state);
    assert_eq!(names(&mut table, &state), ["bash"]);
    press(&mut table, &state, &[KeyCode::Esc]);
    assert_eq!(names(&mut table, &state).len(), 6);
}

#[test]
fn without_news_the_list_is_not_made_again() {
    let mut state = state();
    state.host.processes.round = 1;
    let mut table = table("cpu", Options::default());
    assert_eq!(names(&mut table, &state)[0], "make");
    state.host.processes.rows[0].cpu = Some(0.9);
    assert_eq!(names(&mut table, &state)[0], "make", "no round has passed");
    state.host.processes.round = 2;
    assert_eq!(names(&mut table, &state)[0], "init");
}

/// A tree with all of its branches, and the name under the cursor.
fn tree() -> (Table<Processes>, State) {
    let (mut table, state) = (table("cpu", Options::default()), state());
    table.act(Action::Tree, &state);
    (table, state)
}

fn under(table: &Table<Processes>, state: &State) -> String {
    table.selected().map_or_else(String::new, |index| state.host.processes.rows[index].name.to_string())
}

/// Goes to the row of this name.
fn go(table: &mut Table<Processes>, state: &State, name: &str) {
    table.act(Action::Top, state);
    for _ in 0..state.host.processes.rows.len() {
        if under(table, state) == name {
            return;
        }
        table.act(Action::Down, state);
    }
    panic!("no {name}");
}

#[test]
fn a_branch_folds_to_the_left_and_unfolds_to_the_right() {
    let (mut table, state) = tree();
    let all = ["init", "sshd", "bash", "make", "cron"];
    assert_eq!(names(&mut table, &state), all);
    go(&mut table, &state, "bash");
    table.act(Action::Right, &state);
    assert_eq!(names(&mut table, &state), all, "it is unfolded already");
    table.act(Action::Left, &state);
    assert_eq!(names(&mut table, &state), ["init", "sshd", "bash", "cron"]);
    table.act(Action::Left, &state);
    assert_eq!(under(&table, &state), "sshd", "what is folded leads to its parent");
    table.act(Action::Left, &state);
    assert_eq!(names(&mut table, &state), ["init", "sshd", "cron"]);
    table.act(Action::Right, &state);
    go(&mut table, &state, "bash");
    table.act(Action::Right, &state);
    assert_eq!(names(&mut table, &state), all);
    go(&mut table, &state, "init");
    table.act(Action::Left, &state);
    table.act(Action::Left, &state);
    assert_eq!((names(&mut table, &state), under(&table, &state)), (vec!["init".to_owned()], "init".to_owned()));
}

#[test]
fn a_leaf_leads_to_its_parent() {
    let (mut table, state) = tree();
    go(&mut table, &state, "cron");
    table.act(Action::Right, &state);
    assert_eq!(under(&table, &state), "cron");
    table.act(Action::Left, &state);
    assert_eq!((under(&table, &state), names(&mut table, &state).len()), ("init".to_owned(), 5));
}

#[test]
fn all_branches_fold_but_the_outermost_and_unfold_again() {
    let (mut table, state) = tree();
    table.act(Action::FoldAll, &state);
    assert_eq!(names(&mut table, &state), ["init", "sshd", "cron"]);
    table.act(Action::FoldAll, &state);
    assert_eq!(names(&mut table, &state).len(), 5);
    go(&mut table, &state, "bash");
    table.act(Action::Fold, &state);
    assert_eq!(names(&mut table, &state), ["init", "sshd", "bash", "cron"]);
    table.act(Action::Fold, &state);
    assert_eq!(names(&mut table, &state).len(), 5);
    table.act(Action::Fold, &state);
    table.act(Action::FoldAll, &state);
    assert_eq!(names(&mut table, &state).len(), 5, "where some are folded, all unfold");
}

#[test]
fn what_is_folded_is_forgotten_with_its_process() {
    let (mut table, mut state) = tree();
    go(&mut table, &state, "bash");
    table.act(Action::Fold, &state);
    let bash = state.host.processes.rows.iter().position(|row| &*row.name == "bash").expect("bash");
    let row = state.host.processes.rows.remove(bash);
    table.changed();
    names(&mut table, &state);
    state.host.processes.rows.insert(bash, row);
    table.changed();
    assert_eq!(names(&mut table, &state), ["init", "sshd", "bash", "make", "cron"]);
}

#[test]
fn a_flat_list_moves_its_stretching_column() {
    let (mut table, state) = (table("cpu", Options::default()), state());
    let mut shift = |action: Action, times: usize| {
        (0..times).for_each(|_| drop(table.act(action, &state)));
        table.shift
    };
    assert_eq!(shift(Action::Left, 1), 0);
    assert_eq!((shift(Action::Right, 1), shift(Action::Right, 2)), (16, 48));
    assert_eq!(shift(Action::Left, 1), 32);
    assert_eq!(shift(Action::Right, 400), 4096, "no text is longer");
}

#[test]
fn tags_stay_with_their_rows_and_are_what_is_acted_on() {
    let (mut table, mut state) = (table("pid", Options::default()), state());
    let targets = |table: &Table<Processes>, state: &State| {
        table
            .targets(state)
            .into_iter()
            .map(|index| state.host.processes.rows[index].name.to_string())
            .collect::<Vec<_>>()
    };
    go(&mut table, &state, "init");
    assert_eq!(targets(&table, &state), ["init"], "without a tag the one under the cursor");
    table.act(Action::Tag, &state);
    assert_eq!(under(&table, &state), "sshd", "it goes on to the next");
    table.act(Action::Tag, &state);
    assert_eq!(targets(&table, &state), ["init", "sshd"]);
    go(&mut table, &state, "sshd");
    table.act(Action::Tag, &state);
    assert_eq!(targets(&table, &state), ["init"], "a second time takes it off");
    state.host.processes.rows.retain(|row| &*row.name != "init");
    table.changed();
    table.update(&state);
    assert!(table.tags.is_empty(), "it is gone");
    go(&mut table, &state, "cron");
    table.act(Action::Tag, &state);
    table.act(Action::Untag, &state);
    assert!(table.tags.is_empty());
}

#[test]
fn list_and_tree_have_an_order_each() {
    let (mut table, state) = (table("cpu", Options::default()), state());
    let by = |table: &Table<Processes>| table.grid.columns()[table.grid.sort().column].id;
    assert_eq!(by(&table), "cpu");
    table.act(Action::Tree, &state);
    let first = table.grid.columns()[0].id;
    assert_eq!(by(&table), first, "a tree keeps its rows in their places");
    let mut settings = TableSettings { columns: Vec::new(), sort: String::new(), reverse: false };
    table.settle(&mut settings);
    assert_eq!(settings.sort, "cpu", "the settings are about the list");
    table.act(Action::Tree, &state);
    assert_eq!((by(&table), table.nested), ("cpu", false));
    assert!(table.is_plain("cpu") && !table.is_plain("memory"));
    table.act(Action::SortInvert, &state);
    assert!(!table.is_plain("cpu"));
}

#[test]
fn a_second_click_opens() {
    use crate::ui::canvas::Target;
    let (mut table, state) = (table("pid", Options::default()), state());
    table.update(&state);
    let row = |at| Target::Row(PaneId::Processes, at);
    assert!(table.click(&row(1), &state).is_empty());
    assert_eq!(under(&table, &state), "sshd");
    assert!(table.click(&row(2), &state).is_empty(), "another row");
    assert!(!table.click(&row(2), &state).is_empty());
    assert!(table.click(&Target::Column(PaneId::Processes, "memory"), &state).is_empty());
    assert_eq!(table.grid.columns()[table.grid.sort().column].id, "memory");
}

/// The names of what is tagged.
fn tagged(table: &Table<Processes>, state: &State) -> Vec<String> {
    let mut keys: Vec<ProcKey> = table.tags.iter().copied().collect();
    keys.sort_unstable();
    keys.iter().filter_map(|key| state.host.processes.find(*key)).map(|p| p.name.to_string()).collect()
}

fn at(table: &mut Table<Processes>, state: &State, name: &str) {
    let place = names(table, state).iter().position(|of| of == name).unwrap();
    table.grid.cursor.hold(place);
}

#[test]
fn a_tree_is_tagged_without_threads_and_kernel_threads() {
    let mut state = state();
    let mut kernel = process(50, 20, "kworker", None);
    kernel.kernel = true;
    state.host.processes.rows.push(kernel);
    // A child may have the lower pid.
    state.host.processes.rows[0].parent = 40;
    let mut table = table("pid", Options { threads: true, kernel: true, ..Options::default() });
    at(&mut table, &state, "sshd");
    operations::tag_tree(&mut table, &state);
    assert_eq!(tagged(&table, &state), ["sshd", "bash", "make"]);
    table.tags.clear();
    at(&mut table, &state, "cron");
    operations::tag_tree(&mut table, &state);
    assert_eq!(tagged(&table, &state), ["init", "sshd", "bash", "make", "cron"]);
}

#[test]
fn a_thread_stands_for_its_process() {
    let mut state = state();
    state.host.processes.counts.threads = 1;
    let mut table = table("pid", Options { threads: true, ..Options::default() });
    at(&mut table, &state, "worker");
    let pids =
        |table: &Table<Processes>| operations::targets(table, &state).iter().map(|key| key.pid).collect::<Vec<_>>();
    assert_eq!(pids(&table), [30]);
    for pid in [40, 31, 30, 10, 99] {
        table.tags.insert(ProcKey { pid, start_ticks: u64::from(pid) });
    }
    assert_eq!(pids(&table), [10, 30, 40], "each once, and none that has exited");
}

#[test]
fn users_are_listed_busiest_first_with_what_is_theirs() {
    let mut state = state();
    state.host.facts.users = vec![(0, "root".into()), (1, "ada".into())];
    let asked = |options: Options| {
        let table = table("pid", options);
        let Some(Effect::Open(menu)) = operations::ask_user(&table, &state).pop() else { panic!("it opens a list") };
        crate::ui::canvas::testing::drawn(&state, (50, 4), |cx, area, canvas| menu.draw(cx, area, canvas)).lines()
    };
    assert_eq!(
        asked(Options::default())[..3],
        ["all users", "root            4 processes   60.0 % CPU", "ada             1 process      0.0 % CPU"]
    );
    assert!(asked(Options { kernel: true, ..Options::default() })[1].contains("5 processes"));
}

#[test]
fn back_shows_all_users_and_then_clears_the_tags() {
    let state = state();
    let mut table = table("pid", Options { user: Some(1), ..Options::default() });
    let back = |table: &mut Table<Processes>| Processes::act(table, Action::Back, &state).is_some();
    table.tags.insert(ProcKey { pid: 10, start_ticks: 10 });
    assert!(back(&mut table));
    assert_eq!((table.options.user, table.tags.len()), (None, 1));
    assert!(back(&mut table) && table.tags.is_empty());
    assert!(!back(&mut table), "nothing is left to take back");
}

#[test]
fn a_short_list_asks_for_rows_in_steps_of_eight() {
    let mut state = state();
    state.host.processes.round = 1;
    let want = |state: &State, total, options: Options| {
        let mut state = state.clone();
        state.host.processes.counts.total = total;
        Processes::rows(&table("pid", options), &state).map(|rows| (rows.min, rows.want))
    };
    let kernel = Options { kernel: true, ..Options::default() };
    for (total, rows) in [(0, 11), (7, 11), (8, 19), (10, 19), (63, 67), (64, u16::MAX)] {
        assert_eq!(want(&state, total, kernel), Some((6, rows)), "{total}");
    }
    assert_eq!(want(&state, 10, Options { threads: true, ..kernel }), Some((6, u16::MAX)));
    state.host.processes.round = 0;
    assert_eq!(want(&state, 10, kernel), Some((6, u16::MAX)), "they are not counted yet");
}

#[test]
fn border_counts_only_states_that_there_are() {
    let mut state = state();
    let mut table = table("pid", Options { kernel: true, ..Options::default() });
    table.update(&state);
    assert!(Processes::choice(&table, &state).is_empty(), "nothing was read");
    let all = &mut state.host.processes;
    all.round = 1;
    (all.counts.total, all.counts.running, all.counts.zombie) = (6, 2, 1);
    assert_eq!(Processes::choice(&table, &state), ["6", "2 running", "1 zombie"]);
    table.tags.insert(ProcKey { pid: 10, start_ticks: 10 });
    state.host.processes.hidden = Some(3);
    assert_eq!(
        Processes::choice(&table, &state),
        ["6 seen", "2 running", "1 zombie", "1 tagged", "3 are hidden: hidepid, run as root"]
    );
    state.host.processes.hidden = Some(0);
    let words = Processes::choice(&table, &state);
    assert_eq!(words.last().map(String::as_str), Some("others are hidden: hidepid, run as root"));
}

#[test]
fn a_graph_ends_with_the_newest_step() {
    use crate::{
        model::process::MINI_HISTORY,
        ui::{
            canvas::testing::drawn,
            table::column::{CellCx, testing::column},
        },
    };
    let state = state();
    let mut past = [0; MINI_HISTORY];
    (past[MINI_HISTORY - 1], past[MINI_HISTORY - 2], past[MINI_HISTORY - 5]) = (8, 4, 8);
    let of = Process { mini: Some(Box::new(past)), ..process(7, 1, "make", None) };
    let row = Row { process: &of, cx: RowCx::new(&state.host, false, false) };
    let shown = drawn(&state, (4, 1), |cx, place, canvas| {
        let cell = CellCx { cx, line: None, needle: None, branch: None, shift: 0 };
        column::<Processes>("graph").draw(&cell, place, canvas, &row);
    });
    assert_eq!(shown.line(), "  ▄█");
}

#[test]
fn a_command_that_is_scrolled_has_no_program_to_stand_out() {
    use crate::{
        model::process::ProcInfo,
        ui::{
            canvas::testing::drawn,
            table::column::{CellCx, testing::column},
            theme::Role,
        },
    };
    let state = state();
    let info = ProcInfo { command: "make all -j8".into(), program_len: 4, ..ProcInfo::default() };
    let of = Process { info: Some(Box::new(info)), ..process(7, 1, "make", None) };
    let row = Row { process: &of, cx: RowCx::new(&state.host, false, false) };
    let shown = |width, shift| {
        let drawn = drawn(&state, (width, 1), |cx, place, canvas| {
            let cell = CellCx { cx, line: None, needle: None, branch: None, shift };
            column::<Processes>("command").draw(&cell, place, canvas, &row);
        });
        (drawn.line(), drawn.role_at(0, 0), drawn.role_at(width - 1, 0))
    };
    let (text, dim) = (Some(Role::Text), Some(Role::Dim));
    assert_eq!(shown(12, 0), ("make all -j8".to_owned(), text, dim));
    assert_eq!(shown(10, 2), ("ke all -j8".to_owned(), dim, dim));
    assert_eq!(shown(4, 0), ("mak…".to_owned(), text, text), "the program alone fills the column");
    assert_eq!(shown(5, 0).0, "make…".to_owned());
}
