//! Sockets: what listens, who talks to whom, and which process holds it.

use std::{borrow::Cow, net::SocketAddr};

use ratatui::layout::Rect;

use super::{Key, Overlay, process_detail::ProcessDetail};
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
        action::Action,
        canvas::{Canvas, DrawCx, Target},
        effect::{Effect, Message, To},
        panes::processes::columns::user,
        table::{
            column::{Column, Kind},
            filter::Fields,
            grid::{Grid, cell},
            needle::Needle,
        },
        theme::Role,
        widgets::{
            notice::{dim_when_stale, notice},
            text::{put, tint},
        },
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
struct SocketKey {
    protocol: Protocol,
    local: SocketAddr,
    remote: SocketAddr,
    inode: u64,
}

/// The list.
pub struct Sockets {
    grid: Grid<SocketKey>,
    /// Indices into the sockets of the state.
    order: Vec<usize>,
}

impl Default for Sockets {
    fn default() -> Self {
        Sockets { grid: Grid::new(&COLUMNS, To::Top, &[], "state"), order: Vec::new() }
    }
}

/// A socket with what is known of its holder.
struct Row<'a> {
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
}

impl Sockets {
    fn holds<'a>(order: &'a [usize], state: &'a State) -> impl Fn(usize, &Needle) -> bool + 'a {
        move |index, needle| {
            let socket = order.get(index).and_then(|i| state.host.sockets.raw.sockets.get(*i));
            socket.is_some_and(|s| Row::new(s, state).word(needle))
        }
    }

    fn open(&self, state: &State) -> Vec<Effect> {
        let socket = self.order.get(self.grid.cursor.position()).and_then(|i| state.host.sockets.raw.sockets.get(*i));
        let holder = socket.and_then(|s| s.pid).and_then(|pid| join::process(&state.host, pid));
        match holder {
            Some(p) => vec![Effect::Open(Box::new(ProcessDetail::new(p.key)))],
            None => vec![Effect::Say(Level::Advice, "which process holds it is not known".to_owned())],
        }
    }
}

impl Overlay for Sockets {
    fn title(&self, state: &State) -> String {
        let sockets = &state.host.sockets.raw.sockets;
        let in_state = |wanted: &str| sockets.iter().filter(|s| s.state == wanted).count();
        let mut title = format!(
            "sockets · {} listen · {} established · {} in all",
            in_state("listen"),
            in_state("established"),
            sockets.len()
        );
        if self.grid.is_filtered() {
            title.push_str(&format!(" · filter {} leaves {}", self.grid.filter_text(), self.order.len()));
        }
        title
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn refresh(&mut self, state: &State) {
        let sockets = &state.host.sockets.raw.sockets;
        self.order.clear();
        // Those of a container's network, from a view before this one, are not the machine's.
        let count = if state.host.sockets.raw.of.is_none() { sockets.len() } else { 0 };
        self.order.extend((0..count).filter(|i| self.grid.keeps(&Row::new(&sockets[*i], state))));
        let sort = self.grid.sort();
        if COLUMNS[sort.column].kind == Kind::Text {
            // The kernel's order of states is the useful one: what listens, then who talks.
            if sort.column != at::STATE {
                self.order.sort_by_cached_key(|i| Row::new(&sockets[*i], state).text(sort.column).to_lowercase());
            }
            if sort.greatest_first {
                self.order.reverse();
            }
        } else {
            let key = |i: &usize| {
                let figure = Row::new(&sockets[*i], state).number(sort.column);
                figure.map_or(f64::INFINITY, |f| if sort.greatest_first { -f } else { f })
            };
            self.order.sort_by(|a, b| key(a).total_cmp(&key(b)));
        }
        let name = |s: &Socket| SocketKey { protocol: s.protocol, local: s.local, remote: s.remote, inode: s.inode };
        self.grid.cursor.settle(self.order.iter().map(|i| name(&sockets[*i])));
        self.grid.seek(&Self::holds(&self.order, state));
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        if area.is_empty() || notice(cx, area, canvas, SourceId::Sockets) {
            return;
        }
        let raw = &cx.state.host.sockets.raw;
        let placed = self.grid.placed(area.width, |_| false);
        self.grid.header(cx, Rect { height: 1, ..area }, canvas, &placed, Target::OverlayColumn);
        let denied = u16::from(raw.holders_denied && area.height > 3);
        let body = Rect { y: area.y + 1, height: area.height - 1 - denied, ..area };
        for (index, y) in self.grid.cursor.window(usize::from(body.height)).zip(body.y..body.bottom()) {
            let Some(socket) = self.order.get(index).and_then(|i| raw.sockets.get(*i)) else { continue };
            let row = Row::new(socket, cx.state);
            let line = Rect { y, height: 1, ..area };
            for p in &placed {
                let place = Rect { x: area.x + p.x, width: p.width, ..line }.intersection(line);
                if place.is_empty() {
                    continue;
                }
                // Found by its whole path, shown without it.
                let text = match row.holder.filter(|_| p.column == at::PROCESS) {
                    Some(holder) => holder.shown_command(false).0,
                    None => row.text(p.column),
                };
                let role = match p.column {
                    at::LOCAL | at::PORT | at::PROCESS => Role::Text,
                    at::RECEIVE | at::SEND if text == "0" => Role::Faint,
                    at::CONTAINER => Role::Container,
                    at::STATE if socket.state == "listen" => Role::Ok,
                    _ => Role::Dim,
                };
                cell(canvas, place, COLUMNS[p.column].align, &text, cx.theme.style(role));
                self.grid.mark(cx, place, canvas, &text);
            }
            if index == self.grid.cursor.position() {
                tint(canvas.buf, line, cx.theme.style(Role::Selected));
            }
            canvas.hit(line, Target::OverlayRow(index));
        }
        if self.order.is_empty() {
            let words = if self.grid.is_filtered() { "no socket fits the filter" } else { "no sockets" };
            put(canvas.buf, body.x, body.y, body.width, words, cx.theme.style(Role::Dim));
        }
        dim_when_stale(cx, body, canvas, SourceId::Sockets);
        if denied > 0 {
            let words = format!("{} who holds other users' sockets is seen by root alone", cx.theme.glyphs.unknown);
            put(canvas.buf, area.x, area.bottom() - 1, area.width, &words, cx.theme.style(Role::Dim));
        }
    }

    fn takes_text(&self) -> bool {
        self.grid.takes_text()
    }

    fn key(&mut self, key: Key, state: &State) -> Option<Vec<Effect>> {
        self.grid.key(key, &Self::holds(&self.order, state))
    }

    fn act(&mut self, action: Action, state: &State) -> Option<Vec<Effect>> {
        match action {
            Action::Sockets => return Some(vec![Effect::Close]),
            Action::Open => return Some(self.open(state)),
            _ => {}
        }
        self.grid.act(action, &Self::holds(&self.order, state))
    }

    fn click(&mut self, target: &Target, state: &State) -> Vec<Effect> {
        match target {
            Target::OverlayColumn(id) => self.grid.sort_by(id),
            Target::OverlayRow(index) => {
                let again = self.grid.cursor.is_held() && self.grid.cursor.position() == *index;
                self.grid.cursor.hold(*index);
                if again {
                    return self.open(state);
                }
            }
            _ => {}
        }
        Vec::new()
    }

    fn tell(&mut self, message: Message, _state: &State) -> Vec<Effect> {
        self.grid.tell(&message);
        Vec::new()
    }

    fn footer(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) -> bool {
        self.grid.footer(cx, area, canvas, &format!("{} rows", self.order.len()))
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        vec![
            (Action::Open, "process"),
            (Action::Search, "search"),
            (Action::Filter, "filter"),
            (Action::SortMenu, "sort"),
            (Action::Columns, "columns"),
        ]
    }

    fn want(&self, want: &mut Want, _state: &State) {
        want.sockets = true;
    }
}
