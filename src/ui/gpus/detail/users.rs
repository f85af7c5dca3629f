//! Who uses a card: containers, pods and units with all that theirs hold, and each process; and the errors that its driver
//! reported.

use std::time::Duration;

use crate::{
    model::{
        gpu::{GpuRow, xid_words},
        join::{self, OwnerKind},
        metrics,
        subject::Subject,
    },
    state::State,
    text::elide,
    ui::{
        figures::{bytes, percent, role_of},
        parts::process::user,
        theme::Role,
        widgets::{
            page::{LinkedLine, Page},
            sheet::heading,
        },
    },
    units::{ABSENT, span_short},
};

/// Columns of an owner's name.
const OWNER: usize = 16;

fn size(value: Option<u64>) -> String {
    bytes(value.map(|b| b as f64)).trim_start().to_owned()
}

/// All users. One process may be on two cards: each has its own line there.
pub(super) fn lines(state: &State, row: &GpuRow, room: usize, lines: &mut Page) {
    if !row.is_up() {
        return;
    }
    let raw = &row.raw;
    lines.push(Vec::new());
    if raw.processes.is_empty() {
        lines.push(vec![("not in use".to_owned(), Role::Dim)]);
        hidden(row, lines);
        return;
    }
    let owners: Vec<_> = join::users_of_gpu(&state.host, row);
    if owners.iter().any(|u| u.owner.kind != OwnerKind::Program) {
        lines.push(heading("Used by"));
        lines.push(vec![(
            format!("{:<OWNER$} {:<9} {:>6} {:>5} {:>5}", "NAME", "KIND", "MEM", "BUSY", "PROCS"),
            Role::Dim,
        )]);
        for user in &owners {
            let line = vec![
                (format!("{:<OWNER$} ", elide(&user.owner.name, OWNER)), role(user.owner.kind)),
                (
                    format!(
                        "{:<9} {:>6} {:>5} {:>5}",
                        user.owner.kind.word(),
                        size(user.memory),
                        percent(user.busy.map(|b| b.min(1.0))).trim_start(),
                        user.processes
                    ),
                    Role::Text,
                ),
            ];
            lines.push(LinkedLine::from(line).link(0, user.owner.subject.clone()));
        }
        lines.push(Vec::new());
    }
    lines.push(heading(&format!("Processes: {}", raw.processes.len())));
    let sliced = raw.processes.iter().any(|p| p.slice.is_some());
    let slice_head = if sliced { format!("{:<10} ", "SLICE") } else { String::new() };
    lines.push(vec![(
        format!(
            "{:>7} {:<8} {:<8} {:>6} {:>5} {:>6} {slice_head}{:<OWNER$} {}",
            "PID", "USER", "KIND", "MEM", "BUSY", "CPU%", "OF", "COMMAND"
        ),
        Role::Dim,
    )]);
    for process in raw.processes_by_memory() {
        let found = join::process(&state.host, process.pid);
        let owner = found.map(|p| join::owner(&state.host, p)).filter(|o| o.kind != OwnerKind::Program);
        let (name, owner_role) = owner.as_ref().map_or(("", Role::Dim), |o| (o.name.as_str(), role(o.kind)));
        let command =
            found.map_or_else(|| "(not visible from here)".to_owned(), |p| p.shown_command(false).0.into_owned());
        let cpu = found.and_then(|p| p.cpu).map_or_else(|| ABSENT.to_owned(), |c| format!("{:.1}", c * 100.0));
        let owner_of = found.map_or_else(|| ABSENT.to_owned(), |p| user(&state.host.facts.users, p.uid).into_owned());
        let kind = if process.graphics { "graphics" } else { "compute" };
        let slice = process.slice.and_then(|at| raw.slices.get(at as usize)).map_or("", |s| s.name.as_str());
        let slice = if sliced { format!("{:<10} ", elide(slice, 10)) } else { String::new() };
        let pid = format!("{:>7}", process.pid);
        let front = format!(
            " {:<8} {kind:<8} {:>6} {:>5} {cpu:>6} {slice}",
            elide(&owner_of, 8),
            size(process.memory),
            percent(row.busy_of(process.pid)).trim_start()
        );
        let left = room.saturating_sub(pid.len() + front.chars().count() + OWNER + 1);
        let line = vec![
            (pid, Role::Dim),
            (front, Role::Dim),
            (format!("{:<OWNER$} ", elide(name, OWNER)), owner_role),
            (elide(&command, left).into_owned(), Role::Text),
        ];
        let line = LinkedLine::from(line).link(0, found.map(|p| Subject::Process(p.key)));
        lines.push(line.link(2, owner.and_then(|owner| owner.subject)));
    }
    hidden(row, lines);
}

fn hidden(row: &GpuRow, lines: &mut Page) {
    if row.raw.processes_hidden {
        lines.push(vec![("run as root to see other users' processes".to_owned(), Role::Dim)]);
    }
}

fn role(kind: OwnerKind) -> Role {
    if kind == OwnerKind::Program { Role::Text } else { Role::Container }
}

/// Errors that the driver reported.
pub(super) fn errors(state: &State, row: &GpuRow, lines: &mut Page) {
    if row.raw.xids.is_empty() {
        return;
    }
    lines.push(Vec::new());
    lines.push(heading("Errors that the driver reported, newest first"));
    let recent = role_of(state.level(metrics::GPU_XID_ERRORS_10M, &[&row.raw.label()], 1.0), Role::Text);
    for xid in row.raw.xids.iter().rev() {
        let ago = u64::try_from(state.host.now.unix_ms - xid.unix_ms).unwrap_or(0);
        let ago = span_short(Duration::from_millis(ago));
        let role = if xid.is_recent(state.host.now.unix_ms) { recent } else { Role::Dim };
        lines.push(vec![
            (format!("Xid {:<4} {ago:>4} ago  ", xid.code), role),
            (xid_words(xid.code).to_owned(), Role::Text),
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alert::shipped,
        clock::Stamp,
        model::{
            gpu::{CardState, Gpu, GpuProcess, Slice, Xid},
            process::{ProcInfo, ProcKey, Process},
        },
    };

    fn process(pid: u32, cgroup: &str) -> Process {
        Process {
            key: ProcKey { pid, start_ticks: 1 },
            tgid: pid,
            name: format!("p{pid}").as_str().into(),
            uid: 1000,
            cpu: Some(0.5),
            info: Some(Box::new(ProcInfo { cgroup: cgroup.into(), ..ProcInfo::default() })),
            ..Process::default()
        }
    }

    fn machine(processes: Vec<Process>) -> State {
        let mut state = State::new(shipped().into());
        state.host.now = Stamp::at_seconds(10_000);
        state.host.processes.rows = processes;
        state.host.facts.users = vec![(1000, "ada".into())];
        state
    }

    fn card(processes: Vec<GpuProcess>) -> GpuRow {
        GpuRow { raw: Gpu { name: "RTX 4090".into(), processes, ..Gpu::default() }, ..GpuRow::default() }
    }

    fn uses(pid: u32, memory: Option<u64>) -> GpuProcess {
        GpuProcess { pid, memory, ..GpuProcess::default() }
    }

    fn said(page: &Page) -> Vec<String> {
        let text = |line: &LinkedLine| line.pieces.iter().map(|(words, _)| words.as_str()).collect::<String>();
        page.lines().iter().map(|line| text(line).trim_end().to_owned()).collect()
    }

    fn used(state: &State, row: &GpuRow, room: usize) -> Page {
        let mut page = Page::default();
        lines(state, row, room, &mut page);
        page
    }

    #[test]
    fn a_card_that_nobody_uses_says_so_while_it_is_up() {
        let mut row = card(vec![]);
        assert_eq!(said(&used(&machine(vec![]), &row, 100)), ["", "not in use"]);
        row.raw.processes_hidden = true;
        let hidden = "run as root to see other users' processes";
        assert_eq!(said(&used(&machine(vec![]), &row, 100))[1..], ["not in use", hidden]);
        row.raw.processes = vec![uses(9, None)];
        assert_eq!(said(&used(&machine(vec![]), &row, 100)).last().map(String::as_str), Some(hidden));
        row.raw.state = CardState::Asleep;
        assert!(used(&machine(vec![]), &row, 100).lines().is_empty());
    }

    #[test]
    fn owners_come_before_the_processes() {
        let state = machine(vec![process(7, "/system.slice/ollama.service"), process(8, "")]);
        let mut row = card(vec![uses(8, Some(1 << 30)), uses(7, Some(3 << 30)), uses(9, None)]);
        row.raw.processes[0].graphics = true;
        let page = used(&state, &row, 100);
        let text = said(&page);
        assert_eq!(text[..3], ["", "Used by", "NAME             KIND         MEM  BUSY PROCS"]);
        let words = |at: usize| text[at].split_whitespace().collect::<Vec<_>>();
        assert_eq!(words(3)[1..], ["unit", "3.0G", "–", "1"]);
        let head = text.iter().position(|line| line == "Processes: 3").expect("they are listed");
        assert_eq!(text[head - 1], "");
        assert_eq!(text[head + 1], "    PID USER     KIND        MEM  BUSY   CPU% OF               COMMAND");
        assert_eq!(
            text[head + 2],
            format!(
                "      7 ada      compute    3.0G     –   50.0 {:<16} p7",
                text[3].split_whitespace().next().unwrap_or_default()
            )
        );
        assert_eq!(text[head + 3], format!("      8 ada      graphics   1.0G     –   50.0 {:<16} p8", ""));
        assert_eq!(
            text[head + 4],
            format!("      9 –        compute       –     –      – {:<16} (not visible from here)", "")
        );
        let links: Vec<Subject> = page.links().map(|(_, to)| to.clone()).collect();
        assert!(links.contains(&Subject::Process(ProcKey { pid: 7, start_ticks: 1 })), "{links:?}");
        // Of programs alone there is no list of owners.
        let alone = used(&state, &card(vec![uses(8, Some(1 << 30))]), 100);
        assert_eq!(said(&alone)[1], "Processes: 1");
        // The command takes what is left.
        let narrow = said(&used(&state, &card(vec![uses(9, None)]), 70));
        assert_eq!(narrow[3].chars().count(), 70);
        assert!(narrow[3].ends_with("(not v…"), "{narrow:?}");
    }

    #[test]
    fn slices_have_a_column_where_there_are_some() {
        let state = machine(vec![]);
        let mut row = card(vec![uses(9, None), uses(8, None)]);
        row.raw.slices = vec![Slice { name: "1g.10gb-long".into(), ..Slice::default() }];
        row.raw.processes[0].slice = Some(0);
        let text = said(&used(&state, &row, 120));
        assert!(text[2].contains("  CPU% SLICE      OF "), "{text:?}");
        let of = |pid: &str| text.iter().find(|line| line.trim_start().starts_with(pid)).cloned().unwrap_or_default();
        assert!(of("9 ").contains(" 1g.10gb-l… ") && !of("8 ").contains("1g"), "{text:?}");
    }

    #[test]
    fn errors_have_their_age_and_their_meaning() {
        let state = machine(vec![]);
        let now = state.host.now.unix_ms;
        let mut row = card(vec![]);
        let mut none = Page::default();
        errors(&state, &row, &mut none);
        assert!(none.lines().is_empty());
        let xid = |code, ago: i64| Xid { code, unix_ms: now - ago * 1000 };
        row.raw.xids = vec![xid(79, 7200), xid(31, 60)];
        let mut page = Page::default();
        errors(&state, &row, &mut page);
        assert_eq!(
            said(&page),
            [
                "",
                "Errors that the driver reported, newest first",
                "Xid 31     1m ago  a program's memory page fault",
                "Xid 79     2h ago  the card has fallen off the bus",
            ]
        );
        let roles: Vec<Role> = page.lines()[2..].iter().map(|line| line.pieces[0].1).collect();
        assert_eq!(roles, [Role::Warn, Role::Dim], "an old one counts no longer");
    }
}
