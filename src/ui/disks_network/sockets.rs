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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        model::{
            container::{Container, ContainerRow},
            process::{ProcInfo, ProcKey},
        },
        ui::{
            canvas::testing::{answered, drawn},
            table::column::testing::{cell, column},
            view::Overlay,
        },
    };

    fn socket(protocol: Protocol, local: &str, remote: &str, state: &str, pid: Option<u32>) -> Socket {
        Socket {
            protocol,
            local: local.parse().unwrap(),
            remote: remote.parse().unwrap(),
            state: state.into(),
            send_queue: 2048,
            receive_queue: 0,
            uid: 1000,
            inode: 1,
            pid,
        }
    }

    fn machine() -> State {
        let mut state = State::new(Vec::new().into());
        answered(&mut state, SourceId::Sockets, 1);
        let process = |pid: u32, cgroup: &str| Process {
            key: ProcKey { pid, start_ticks: 1 },
            tgid: pid,
            name: format!("p{pid}").as_str().into(),
            info: Some(Box::new(ProcInfo { cgroup: cgroup.into(), ..ProcInfo::default() })),
            ..Process::default()
        };
        let id = "ab".repeat(32);
        state.host.processes.rows = vec![process(7, ""), process(8, &format!("/docker/{id}"))];
        let container = |id: &str, name: &str, ports: &[&str]| {
            let ports = ports.iter().map(|port| (*port).to_owned()).collect();
            let meta = Container { id: id.into(), name: name.into(), ports, ..Container::default() };
            ContainerRow { meta: Arc::new(meta), ..ContainerRow::default() }
        };
        state.host.containers.rows =
            vec![container(&id, "web", &[]), container(&"cd".repeat(32), "db", &["0.0.0.0:5432→5432/tcp"])];
        state.host.facts.users = vec![(1000, "ada".into())];
        let nobody = "0.0.0.0:0";
        state.host.sockets.raw.sockets = vec![
            socket(Protocol::Tcp, "10.0.0.2:22", "10.0.0.9:5000", "established", Some(7)),
            socket(Protocol::Tcp, "0.0.0.0:80", nobody, "listen", Some(8)),
            socket(Protocol::Udp, "0.0.0.0:53", nobody, "open", None),
            socket(Protocol::Tcp, "0.0.0.0:5432", nobody, "listen", Some(7)),
            socket(Protocol::Tcp, "10.0.0.2:5432", "10.0.0.9:5001", "time_wait", None),
        ];
        state
    }

    #[test]
    fn a_socket_names_both_ends_and_who_holds_it() {
        let state = machine();
        let cells = |at: usize| {
            let ids = [
                "protocol",
                "state",
                "local",
                "port",
                "remote",
                "receive",
                "send",
                "user",
                "pid",
                "container",
                "process",
            ];
            ids.map(|id| cell::<All>(&state, id, &All::row(&state, at)).0)
        };
        assert_eq!(
            cells(0),
            ["tcp", "established", "10.0.0.2:22", "22", "10.0.0.9:5000", "0", "2.0K", "ada", "7", "", "p7"]
        );
        assert_eq!(cells(1), ["tcp", "listen", "0.0.0.0:80", "80", "", "0", "2.0K", "ada", "8", "web", "p8"]);
        assert_eq!(cells(2), ["udp", "open", "0.0.0.0:53", "53", "", "0", "2.0K", "ada", "", "", ""]);
        // A published port is that of the container behind it, while it listens.
        assert_eq!((cells(3)[9].as_str(), cells(4)[9].as_str()), ("db", ""));
        let role = |at: usize| cell::<All>(&state, "state", &All::row(&state, at)).1;
        assert_eq!([0, 1].map(role), [Role::Dim, Role::Ok].map(Some));
        let order = column::<All>("state").order.expect("it has one");
        let orders: Vec<u32> = (0..5).map(|at| order(&All::row(&state, at))).collect();
        assert_eq!(orders, [2, 0, 1, 0, 3], "what waits for others comes first");
    }

    #[test]
    fn a_socket_opens_its_process() {
        let state = machine();
        assert!(matches!(All::open(&state, 0)[..], [Effect::OpenDetail(Subject::Process(ProcKey { pid: 7, .. }))]));
        assert!(
            matches!(&All::open(&state, 2)[..], [Effect::Say(Level::Advice, words)] if words == "its process is unknown")
        );
        let keys: std::collections::HashSet<SocketKey> = (0..5).map(|at| All::key(&state, at)).collect();
        assert_eq!(keys.len(), 5);
    }

    #[test]
    fn title_counts_the_sockets_once_they_are_read() {
        let mut state = machine();
        assert_eq!(Sockets::default().title(&State::default()), "sockets");
        assert_eq!(Sockets::default().title(&state), "sockets · 2 listen · 1 established · 5 in all");
        assert_eq!(All::count(&state), 5);
        let foot = |state: &State| {
            let mut words = None;
            drawn(state, (1, 1), |cx, _, _| words = All::foot(cx));
            words
        };
        assert_eq!(foot(&state), None);
        state.host.sockets.raw.holders_denied = true;
        assert_eq!(foot(&state).as_deref(), Some("◌ run as root to see who holds other users' sockets"));
        state.host.sockets.raw.of = Some(7);
        assert_eq!(All::count(&state), 0, "those of a container are not the machine's");
        let mut view = Sockets::default();
        view.refresh(&state);
        let lines = drawn(&state, (80, 4), |cx, area, canvas| view.draw(cx, area, canvas)).lines();
        assert!(lines.iter().any(|line| line == "no sockets"), "{lines:?}");
        let mut want = Interest::default();
        view.want(&mut want, &state);
        assert!(want.sockets);
    }
}
