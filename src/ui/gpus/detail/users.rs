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
