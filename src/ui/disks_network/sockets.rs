//! Sockets: what listens, who talks to whom, and which process holds it.

use std::{borrow::Cow, net::SocketAddr};

use crate::{
    alert::Level,
    collect::Want,
    model::{
        event::SourceId,
        host::Host,
        join,
        process::Process,
        socket::{Protocol, Socket},
    },
    state::State,
    ui::{
        action::{Action, Context},
        canvas::DrawCx,
        overlays::listed::{List, Listed},
        parts::process::user,
        processes::detail::ProcessDetail,
        table::{
            column::{Column, Kind},
            filter::Fields,
            needle::{Found, Needle},
        },
        theme::Role,
        view::Effect,
    },
    units,
};

/// Indices into [`COLUMNS`].
mod at {
    pub const PROTOCOL: usize = 0;
    pub const STATE: usize = 1;
    pub const LOCAL: usize = 2;
    pub const PORT: usize = 3;
    pub const REMOTE: usize = 4;
    pub const RECEIVE: usize = 5;
    pub const SEND: usize = 6;
    pub const USER: usize = 7;
    pub const PID: usize = 8;
    pub const CONTAINER: usize = 9;
    pub const PROCESS: usize = 10;
}

/// The columns.
static COLUMNS: [Column; 11] = [
    Column::words("protocol", "PROTO", 5, 4).also(&["proto"]).doc("tcp or udp"),
    Column::words("state", "STATE", 11, 0).doc("listen, established, time_wait …; open for udp"),
    Column::words("local", "LOCAL", 22, 1).also(&["address"]).doc("address and port on this machine"),
    Column::figure("port", "PORT", Kind::Count, 5, 0).smallest_first().doc("port on this machine"),
    Column::words("remote", "REMOTE", 22, 2).also(&["peer"]).doc("address and port of the other side"),
    Column::figure("receive", "RECVQ", Kind::Bytes, 5, 6).also(&["recvq"]).doc("received and not yet read"),
    Column::figure("send", "SENDQ", Kind::Bytes, 5, 6).also(&["sendq"]).doc("sent and not yet taken"),
    Column::words("user", "USER", 8, 5).doc("its owner"),
    Column::figure("pid", "PID", Kind::Count, 7, 3).smallest_first().doc("the process that holds it"),
    Column::words("container", "CONTAINER", 12, 1)
        .also(&["ct"])
        .doc("its container, or the one that the port leads into"),
    Column::words("process", "PROCESS", 16, 0).stretching().also(&["name", "command"]).doc("that process's command"),
];

/// What names a socket as long as it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketKey {
    protocol: Protocol,
    local: SocketAddr,
    remote: SocketAddr,
    inode: u64,
}

/// The list.
pub type Sockets = List<All>;

/// Every socket of the machine.
pub struct All;

/// A socket with what is known of its holder.
pub struct Row<'a> {
    socket: &'a Socket,
    holder: Option<&'a Process>,
    host: &'a Host,
}

impl<'a> Row<'a> {
    fn new(socket: &'a Socket, state: &'a State) -> Self {
        let holder = socket.pid.and_then(|pid| join::process(&state.host, pid));
        Row { socket, holder, host: &state.host }
    }

    /// The container of its holder; of a port that an engine publishes the one behind it.
    fn container(&self) -> &'a str {
        let listens = self.socket.remote.port() == 0;
        let own = self.holder.and_then(|p| join::container_of_process(self.host, p));
        let behind = || join::container_of_port(self.host, self.socket.protocol, self.socket.local.port());
        own.or_else(|| behind().filter(|_| listens)).map_or("", |row| row.meta.name.as_str())
    }
}

impl Fields for Row<'_> {
    fn text(&self, column: usize) -> Cow<'_, str> {
        let s = self.socket;
        match column {
            at::PROTOCOL => Cow::Borrowed(if s.protocol == Protocol::Tcp { "tcp" } else { "udp" }),
            at::STATE => Cow::Borrowed(&s.state),
            at::LOCAL => Cow::Owned(s.local.to_string()),
            at::REMOTE if s.remote.port() == 0 => Cow::Borrowed(""),
            at::REMOTE => Cow::Owned(s.remote.to_string()),
            at::USER => user(&self.host.facts.users, s.uid),
            at::CONTAINER => Cow::Borrowed(self.container()),
            at::PROCESS => Cow::Borrowed(self.holder.map_or("", |p| p.command())),
            at::RECEIVE | at::SEND => Cow::Owned(self.number(column).map_or_else(String::new, units::bytes_short)),
            _ => Cow::Owned(self.number(column).map_or_else(String::new, |n| format!("{n:.0}"))),
        }
    }

    fn number(&self, column: usize) -> Option<f64> {
        let s = self.socket;
        match column {
            at::PORT => Some(f64::from(s.local.port())),
            at::RECEIVE => Some(f64::from(s.receive_queue)),
            at::SEND => Some(f64::from(s.send_queue)),
            at::PID => s.pid.map(f64::from),
            _ => None,
        }
    }

    fn word(&self, needle: &Needle) -> bool {
        (0..COLUMNS.len()).any(|column| needle.is_in(&self.text(column)))
    }

    fn found(&self, needle: &Needle, columns: &[usize]) -> Option<Found> {
        let holds = |column: &usize| match *column {
            at::RECEIVE | at::SEND => false,
            at::PORT | at::PID => self.text(*column) == needle.text(),
            column => needle.is_in(&self.text(column)),
        };
        let found = columns.iter().filter(|column| holds(column));
        found.map(|column| if *column == at::PROCESS { Found::Name } else { Found::Beside }).min()
    }
}

impl Listed for All {
    type Row<'a> = Row<'a>;
    type Name = SocketKey;
    const SOURCE: SourceId = SourceId::Sockets;
    const COLUMNS: &'static [Column] = &COLUMNS;
    const SORT: &'static str = "state";
    const NOTHING: [&'static str; 2] = ["no sockets", "no socket fits the filter"];
    const CONTEXT: Context = Context::List;

    fn count(state: &State) -> usize {
        // Those of a container's network, from a view before this one, are not the machine's.
        let raw = &state.host.sockets.raw;
        if raw.of.is_none() { raw.sockets.len() } else { 0 }
    }

    fn row(state: &State, index: usize) -> Row<'_> {
        Row::new(&state.host.sockets.raw.sockets[index], state)
    }

    fn name(state: &State, index: usize) -> SocketKey {
        let s = &state.host.sockets.raw.sockets[index];
        SocketKey { protocol: s.protocol, local: s.local, remote: s.remote, inode: s.inode }
    }

    fn title(state: &State) -> String {
        let sockets = &state.host.sockets.raw.sockets;
        let in_state = |wanted: &str| sockets.iter().filter(|s| s.state == wanted).count();
        let (listen, established) = (in_state("listen"), in_state("established"));
        format!("sockets · {listen} listen · {established} established · {} in all", sockets.len())
    }

    /// A program is found by its whole path, and shown without it.
    fn shown<'a>(row: &'a Row<'_>, column: usize) -> Cow<'a, str> {
        match row.holder {
            Some(holder) if column == at::PROCESS => holder.shown_command(false).0,
            _ => row.text(column),
        }
    }

    fn role(row: &Row<'_>, column: usize, text: &str) -> Role {
        match column {
            at::LOCAL | at::PORT | at::PROCESS => Role::Text,
            at::RECEIVE | at::SEND if text == "0" => Role::Faint,
            at::CONTAINER => Role::Container,
            at::STATE if row.socket.state == "listen" => Role::Ok,
            _ => Role::Dim,
        }
    }

    /// What waits for others first, then who talks, then what is coming or going.
    fn rank(row: &Row<'_>, column: usize) -> Option<u8> {
        match row.socket.state.as_str() {
            _ if column != at::STATE => None,
            "listen" => Some(0),
            "open" => Some(1),
            "established" => Some(2),
            _ => Some(3),
        }
    }

    fn foot(cx: &DrawCx<'_>) -> Option<String> {
        let words = format!("{} who holds other users' sockets is seen by root alone", cx.theme.glyphs.unknown);
        cx.state.host.sockets.raw.holders_denied.then_some(words)
    }

    fn act(action: Action, state: &State, chosen: Option<usize>) -> Option<Vec<Effect>> {
        if action != Action::Open {
            return None;
        }
        Some(match chosen.and_then(|index| Self::row(state, index).holder) {
            Some(p) => vec![Effect::Open(Box::new(ProcessDetail::new(p.key)))],
            None => vec![Effect::Say(Level::Advice, "which process holds it is not known".to_owned())],
        })
    }

    fn hints() -> Vec<(Action, &'static str)> {
        vec![(Action::Open, "process")]
    }

    fn want(want: &mut Want) {
        want.sockets = true;
    }
}
