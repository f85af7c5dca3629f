//! Sockets: what listens, who talks to whom, and which process holds it.

use std::{borrow::Cow, net::SocketAddr};

use crate::{
    alert::Level,
    interest::Interest,
    model::{
        host::Host,
        join,
        process::Process,
        socket::{Protocol, Socket},
        source::SourceId,
        subject::Subject,
    },
    state::State,
    ui::{
        action::{Action, Context},
        canvas::DrawCx,
        parts::process::user,
        table::{
            column::{Column, Columns, Kind, Search},
            def::TableDef,
            screen::{ScreenTable, TableScreen},
        },
        theme::Role,
        view::Effect,
    },
};

impl Columns for All {
    type Row<'a> = Row<'a>;
    const COLUMNS: &'static [Column<Self>] = COLUMNS;
    const NAME: &'static str = "process";
}

type Col = Column<All>;

/// The columns.
static COLUMNS: &[Col] = &[
    Col::words("protocol", "PROTO", 5, 4, |r| match r.socket.protocol {
        Protocol::Tcp => "tcp".into(),
        Protocol::Udp => "udp".into(),
    })
    .also(&["proto"])
    .doc("tcp or udp"),
    Col::words("state", "STATE", 11, 0, |r| Cow::Borrowed(&r.socket.state))
        // What waits for others first, then who talks, then what is coming or going.
        .ordered(|r| match r.socket.state.as_str() {
            "listen" => 0,
            "open" => 1,
            "established" => 2,
            _ => 3,
        })
        .role_of(|r, _| if r.socket.state == "listen" { Role::Ok } else { Role::Dim })
        .doc("listen, established, time_wait …; open for udp"),
    Col::words("local", "LOCAL", 22, 1, |r| r.socket.local.to_string().into())
        .also(&["address"])
        .role(Role::Text)
        .doc("address and port on this machine"),
    Col::figure("port", "PORT", Kind::Count, 5, 0, |r| Some(f64::from(r.socket.local.port())))
        .smallest_first()
        .search(Search::Whole)
        .role(Role::Text)
        .doc("port on this machine"),
    Col::words("remote", "REMOTE", 22, 2, |r| match r.socket.remote.port() {
        0 => "".into(),
        _ => r.socket.remote.to_string().into(),
    })
    .also(&["peer"])
    .doc("address and port of the other side"),
    Col::figure("receive", "RECVQ", Kind::Bytes, 5, 6, |r| Some(f64::from(r.socket.receive_queue)))
        .also(&["recvq"])
        .faint_zero(Role::Dim)
        .doc("received and not yet read"),
    Col::figure("send", "SENDQ", Kind::Bytes, 5, 6, |r| Some(f64::from(r.socket.send_queue)))
        .also(&["sendq"])
        .faint_zero(Role::Dim)
        .doc("sent and not yet acknowledged"),
    Col::words("user", "USER", 8, 5, |r| user(&r.host.facts.users, r.socket.uid)).doc("its owner"),
    Col::figure("pid", "PID", Kind::Count, 7, 3, |r| r.socket.pid.map(f64::from))
        .smallest_first()
        .search(Search::Whole)
        .absent(|_| "")
        .doc("process that holds it"),
    Col::words("container", "CONTAINER", 12, 1, |r| r.container().into())
        .also(&["ct"])
        .role(Role::Container)
        .doc("container, or the one the port is published to"),
    // A program is found by its whole path, and shown without it.
    Col::words("process", "PROCESS", 16, 0, |r| r.holder.map_or("", |p| p.command()).into())
        .stretching()
        .also(&["name", "command"])
        .show(|r| r.holder.map_or(Cow::Borrowed(""), |holder| holder.shown_command(false).0))
        .role(Role::Text)
        .doc("command of the process"),
];

/// What names a socket as long as it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SocketKey {
    protocol: Protocol,
    local: SocketAddr,
    remote: SocketAddr,
    inode: u64,
}

pub type Sockets = TableScreen<All>;

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

impl TableDef for All {
    type Key = SocketKey;
    type Cx<'a> = &'a State;
    type Options = ();
    const SOURCES: &'static [SourceId] = &[SourceId::Sockets, SourceId::Processes, SourceId::Containers];
    const NOUN: &'static str = "socket";

    fn cx<'a>(state: &'a State, (): &'a ()) -> &'a State {
        state
    }

    fn count(state: &State) -> usize {
        // Those of a container's network, from a view before this one, are not the machine's.
        let raw = &state.host.sockets.raw;
        if raw.of.is_none() { raw.sockets.len() } else { 0 }
    }

    fn row<'a>(state: Self::Cx<'a>, index: usize) -> Self::Row<'a> {
        Row::new(&state.host.sockets.raw.sockets[index], state)
    }

    fn key(state: &State, index: usize) -> SocketKey {
        let s = &state.host.sockets.raw.sockets[index];
        SocketKey { protocol: s.protocol, local: s.local, remote: s.remote, inode: s.inode }
    }

    fn nothing(_state: &State) -> &'static str {
        "no sockets"
    }

    fn open(state: &State, index: usize) -> Vec<Effect> {
        match Self::row(state, index).holder {
            Some(p) => vec![Effect::OpenDetail(Subject::Process(p.key))],
            None => vec![Effect::Say(Level::Advice, "its process is unknown".to_owned())],
        }
    }
}

impl ScreenTable for All {
    const SORT: &'static str = "state";
    const CONTEXT: Context = Context::List;

    fn title(state: &State) -> String {
        if state.host.health.get(SourceId::Sockets).is_none_or(|health| health.good_at.is_none()) {
            return "sockets".to_owned();
        }
        let sockets = &state.host.sockets.raw.sockets;
        let in_state = |wanted: &str| sockets.iter().filter(|s| s.state == wanted).count();
        let (listen, established) = (in_state("listen"), in_state("established"));
        format!("sockets · {listen} listen · {established} established · {} in all", sockets.len())
    }

    fn foot(cx: &DrawCx<'_>) -> Option<String> {
        let words = format!("{} run as root to see who holds other users' sockets", cx.theme.glyphs.unknown);
        cx.state.host.sockets.raw.holders_denied.then_some(words)
    }

    fn hints() -> Vec<(Action, &'static str)> {
        vec![(Action::Open, "process")]
    }

    fn want(want: &mut Interest) {
        want.sockets = true;
    }
}
