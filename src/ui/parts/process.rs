//! How a process is written where it is not a row of its own table.

use std::borrow::Cow;

use crate::{
    model::{process::Process, subject::Subject},
    ui::{figures::bytes, theme::Role, widgets::page::LinkedLine},
    units::ABSENT,
};

/// One process in a list of a detail: pid, CPU, memory, command.
#[must_use]
pub fn line(p: &Process) -> LinkedLine {
    let cpu = p.cpu.map_or_else(|| ABSENT.to_owned(), |c| format!("{:.1}", c * 100.0));
    let memory = bytes(Some(p.memory_bytes as f64));
    let pieces = vec![
        (format!("{:>7}", p.key.pid), Role::Dim),
        (format!(" {cpu:>6} {memory} "), Role::Dim),
        (p.shown_command(false).0.into_owned(), Role::Text),
    ];
    LinkedLine::from(pieces).link(0, Some(Subject::Process(p.key)))
}

/// The name of a user.
#[must_use]
pub fn user(users: &[(u32, String)], uid: u32) -> Cow<'_, str> {
    match users.binary_search_by_key(&uid, |(id, _)| *id) {
        Ok(at) => Cow::Borrowed(&users[at].1),
        Err(_) => Cow::Owned(uid.to_string()),
    }
}
