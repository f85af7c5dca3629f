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
