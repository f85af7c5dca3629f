//! How a process is written where it is not a row of its own table.

use crate::{
    model::process::Process,
    ui::{figures::bytes, theme::Role, widgets::sheet::SheetLine},
    units::ABSENT,
};

/// One process in a list of a detail: pid, CPU, memory, command.
#[must_use]
pub fn line(p: &Process) -> SheetLine {
    let cpu = p.cpu.map_or_else(|| ABSENT.to_owned(), |c| format!("{:.1}", c * 100.0));
    let memory = bytes(Some(p.memory_bytes as f64));
    vec![
        (format!("{:>7} {cpu:>6} {memory} ", p.key.pid), Role::Dim),
        (p.shown_command(false).0.into_owned(), Role::Text),
    ]
}
