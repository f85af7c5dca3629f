//! Which processes are listed, and in which order: computed once for each round, not for each frame.

use std::collections::HashSet;

use crate::{
    model::process::{ProcKey, Process, Processes},
    ui::{
        processes::columns::{self, Row, RowCx},
        table::{
            filter::Cells,
            grid::{Grid, Sort},
            order::sort_rows,
            tree::{Branch, branches},
        },
    },
};

/// What is listed beside the filter's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Threads of the kernel.
    pub kernel: bool,
    /// Threads of processes.
    pub threads: bool,
    /// One user's alone.
    pub user: Option<u32>,
    /// As a tree.
    pub tree: bool,
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Line {
    /// Its place in the tree; `branch.row` is the index of the process.
    pub branch: Branch,
    /// The filter left it out, but what it left in stands below it.
    pub leads: bool,
}

/// The lines, and the room to compute them in.
#[derive(Debug, Default)]
pub struct List {
    /// Top to bottom.
    pub lines: Vec<Line>,
    kept: Vec<u32>,
    leads: Vec<bool>,
    branches: Vec<Branch>,
}

impl List {
    /// Lists `all` anew.
    pub fn compute(
        &mut self,
        all: &Processes,
        cx: RowCx<'_>,
        choice: Choice,
        grid: &Grid<ProcKey>,
        sort: Sort,
        folded: &HashSet<ProcKey>,
    ) {
        let row = |index: u32| Row { process: &all.rows[index as usize], cx };
        let mut kept = std::mem::take(&mut self.kept);
        kept.clear();
        for (index, process) in (0u32..).zip(&all.rows) {
            let shown = (choice.kernel || !process.kernel)
                && (choice.threads || !process.is_thread())
                && choice.user.is_none_or(|uid| uid == process.uid);
            if shown && grid.keeps(&Cells::<columns::Processes>(&Row { process, cx })) {
                kept.push(index);
            }
        }
        let matched = kept.len();
        if choice.tree && (grid.is_filtered() || choice.user.is_some()) {
            self.add_ancestors(all, &mut kept);
            kept.sort_unstable();
        }
        sort_rows::<columns::Processes, _>(&mut kept, sort, row, |_, _| 0);
        self.lines.clear();
        if choice.tree {
            let parent = |index: u32| parent_of(all, &all.rows[index as usize]);
            let mut listed = vec![false; all.rows.len()];
            kept.iter().for_each(|index| listed[*index as usize] = true);
            branches(
                &kept,
                |index| parent(index).filter(|p| listed[*p as usize]),
                |index| folded.contains(&all.rows[index as usize].key),
                all.rows.len(),
                &mut self.branches,
            );
            let leads = &self.leads;
            let leads = |row: u32| matched < kept.len() && leads.get(row as usize).copied().unwrap_or(false);
            self.lines.extend(self.branches.iter().map(|b| Line { branch: *b, leads: leads(b.row) }));
        } else {
            let line = |row| Line { branch: Branch { row, ..Branch::default() }, leads: false };
            self.lines.extend(kept.iter().map(|row| line(*row)));
        }
        self.kept = kept;
    }

    /// Parents of what the filter left in, so that the tree holds together.
    fn add_ancestors(&mut self, all: &Processes, kept: &mut Vec<u32>) {
        self.leads.clear();
        self.leads.resize(all.rows.len(), false);
        let mut known = vec![false; all.rows.len()];
        kept.iter().for_each(|index| known[*index as usize] = true);
        for position in 0..kept.len() {
            let mut next = parent_of(all, &all.rows[kept[position] as usize]);
            while let Some(index) = next.filter(|i| !known[*i as usize]) {
                known[index as usize] = true;
                self.leads[index as usize] = true;
                kept.push(index);
                next = parent_of(all, &all.rows[index as usize]);
            }
        }
    }
}

/// The process of a line.
#[must_use]
pub fn process_of<'a>(all: &'a Processes, line: &Line) -> Option<&'a Process> {
    all.rows.get(line.branch.row as usize)
}

/// The index of a row's parent: a thread's is its process.
#[must_use]
pub fn parent_of(all: &Processes, process: &Process) -> Option<u32> {
    let parent = if process.is_thread() { process.tgid } else { process.parent };
    let at = all.rows.binary_search_by_key(&(parent, parent), |p| (p.tgid, p.key.pid)).ok()?;
    u32::try_from(at).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::host::Host,
        ui::{ids::PaneId, table::column::Columns, view::To},
    };

    fn by(id: &str) -> Sort {
        let column = columns::COLUMNS.iter().position(|c| c.def.id == id).expect(id);
        Sort { column, greatest_first: columns::COLUMNS[column].def.greatest_first }
    }

    fn process(pid: u32, parent: u32, name: &str, cpu: Option<f32>) -> Process {
        let key = ProcKey { pid, start_ticks: u64::from(pid) };
        Process { key, tgid: pid, parent, name: name.into(), cpu, uid: pid % 2, ..Process::default() }
    }

    fn table() -> Processes {
        let mut kernel = process(2, 0, "kthreadd", Some(0.0));
        kernel.kernel = true;
        let mut thread = process(31, 30, "worker", Some(0.4));
        thread.tgid = 30;
        let rows = vec![
            process(1, 0, "init", Some(0.0)),
            kernel,
            process(10, 1, "sshd", None),
            process(20, 10, "bash", Some(0.2)),
            process(30, 20, "make", Some(0.4)),
            thread,
            process(40, 1, "cron", Some(0.0)),
        ];
        Processes { rows, ..Processes::default() }
    }

    const ALL: Choice = Choice { kernel: false, threads: false, user: None, tree: false };

    fn grid() -> Grid<ProcKey> {
        Grid::new(columns::Processes::defs(), To::Pane(PaneId::Processes), &[], "cpu")
    }

    fn names(all: &Processes, choice: Choice, grid: &Grid<ProcKey>, sort: Sort, folded: &[u32]) -> Vec<String> {
        let host = Host::default();
        let folded =
            all.rows.iter().filter(|p| folded.contains(&p.key.pid)).map(|p| p.key).collect::<HashSet<ProcKey>>();
        let mut list = List::default();
        list.compute(all, RowCx::new(&host, false, false), choice, grid, sort, &folded);
        let name = |l: &Line| {
            let name = process_of(all, l).map(|p| p.name.to_string()).unwrap_or_default();
            format!("{}{}", if l.leads { "^" } else { "" }, name)
        };
        list.lines.iter().map(name).collect()
    }

    #[test]
    fn greatest_first_equals_by_pid_and_unknown_last_either_way() {
        let all = table();
        assert_eq!(names(&all, ALL, &grid(), by("cpu"), &[]), ["make", "bash", "init", "cron", "sshd"]);
        let turned = Sort { greatest_first: false, ..by("cpu") };
        assert_eq!(names(&all, ALL, &grid(), turned, &[]), ["init", "cron", "bash", "make", "sshd"]);
        let by_name = by("command");
        assert_eq!(names(&all, ALL, &grid(), by_name, &[]), ["bash", "cron", "init", "make", "sshd"]);
    }

    #[test]
    fn who_falls_asleep_stays_above_those_that_never_ran() {
        let mut all = table();
        all.rows[6].mini = Some(Box::default());
        assert_eq!(names(&all, ALL, &grid(), by("cpu"), &[]), ["make", "bash", "cron", "init", "sshd"]);
        let turned = Sort { greatest_first: false, ..by("cpu") };
        assert_eq!(names(&all, ALL, &grid(), turned, &[]), ["init", "cron", "bash", "make", "sshd"]);
    }

    #[test]
    fn threads_and_the_kernel_s_come_when_asked_for() {
        let all = table();
        let with = Choice { kernel: true, threads: true, ..ALL };
        assert_eq!(
            names(&all, with, &grid(), by("cpu"), &[]),
            ["make", "worker", "bash", "init", "kthreadd", "cron", "sshd"]
        );
        let odd = Choice { user: Some(1), ..ALL };
        assert_eq!(names(&all, odd, &grid(), by("cpu"), &[]), ["init"]);
    }

    #[test]
    fn a_filtered_tree_keeps_the_way_to_what_was_found() {
        let all = table();
        let tree = Choice { tree: true, threads: true, ..ALL };
        let by_pid = by("pid");
        assert_eq!(names(&all, tree, &grid(), by_pid, &[]), ["init", "sshd", "bash", "make", "worker", "cron"]);
        assert_eq!(names(&all, tree, &grid(), by_pid, &[20]), ["init", "sshd", "bash", "cron"]);
        let mut grid = grid();
        let asked = crate::ui::action::Action::Filter;
        grid.act(asked, &|_, _, _| None);
        for c in "bash".chars() {
            let key = crossterm::event::KeyEvent::new(
                crossterm::event::KeyCode::Char(c),
                crossterm::event::KeyModifiers::NONE,
            );
            grid.key(key, &|_, _, _| None);
        }
        assert_eq!(names(&all, tree, &grid, by_pid, &[]), ["^init", "^sshd", "bash"]);
        assert_eq!(names(&all, ALL, &grid, by_pid, &[]), ["bash"]);
    }
}
